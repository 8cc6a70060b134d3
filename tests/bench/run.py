"""Every figure of ringtop, printed beside baresip's of the same minutes. It never gates.

    python tests/bench/run.py [--rounds 3] [--minutes 7.8] [--seconds 12] [--only headless,dashboard] [--out FILE]

One round measures everything once, ringtop and baresip in turn; there are as many rounds as were asked for and time
allows. A cell is the median of the rounds, with the least and the greatest. The far end of every call is this program:
arrivals carry the kernel's time stamps, taken in the moment the measured program sends, and processor time is what
the scheduler counted. Nothing here needs root.

A figure is trusted only while the machine is quiet: where the hypervisor stole 3 % or more, or other programs used
5 % or more of the processors, it is not counted. What was measured only so stands in brackets with an asterisk.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import bench_frame
import bench_media_cpu
import machine
from callers import SILENCE, Caller, Flood, NoCall, Pacing, Terminal, bare_beat, pacing, speech_frames
from programs import ROOT, SAMPLE, Baresip, NotStarted, Program, Ringtop, baresip_is_there, repeated_sample

OURS, PEER = "ringtop", "baresip"
SIZE = (120, 40)
SOUND_VIEW = b"\x1b4"  # Alt-4
SETTLE_S = 1.0  # a program is left alone for so long before it is called
FIRST_SECONDS_S = 2.0  # of a call, in which the screen and the buffers find their places
STALL_S = 10.0
FLOODS = (("INVITE", 500), ("OPTIONS", 2000), ("junk", 5000))
FLOOD_S = 4.0
BARE_S = 4.0
SHORT_CALLS = 8
STARTS = 4
QUIET_PATIENCE_S = 6.0
OUT = ROOT / "build" / "bench.txt"


# ---------------------------------------------------------------------- the table


@dataclass(frozen=True)
class Row:
    """One line: what it is, its unit, and what it is meant to be at most."""

    key: str
    label: str
    unit: str = ""
    goal: float | None = None
    digits: int = 2


def _pacing_rows(key: str, label: str, goal: bool = False) -> list[Row]:
    return [
        Row(f"{key} p99", f"{label}: p99", "ms", 0.8 if goal else None),
        Row(f"{key} worst", f"{label}: worst", "ms"),
        Row(f"{key} gaps", f"{label}: gaps > 30 ms", "", 0 if goal else None, 0),
    ]


ROWS: list[tuple[str, list[Row]]] = [
    ("pacing: distance of sent RTP from 20 ms", [
        *_pacing_rows("bare", "a bare select() loop"),
        *_pacing_rows("headless", "headless", True),
        *_pacing_rows("dashboard", "dashboard 120x40", True),
        *_pacing_rows("busiest", "its busiest view, the sound", True),
        *_pacing_rows("stalled", "terminal stalled 10 s", True),
        *(row for kind, rate in FLOODS for row in _pacing_rows(kind, f"{kind} flood, {rate}/s")),
        *_pacing_rows("drawn flood", "dashboard and INVITE flood"),
    ]),
    ("set-up", [
        Row("start", "start to ready", "ms", 150, 0),
        Row("options", "start to an answer to OPTIONS", "ms", None, 0),
        Row("invite", "INVITE to 200, first call", "ms", 2.5),
        Row("invite later", "INVITE to 200, later calls", "ms", 2.5),
        Row("ack", "ACK to first RTP, first call", "ms", 1),
        Row("ack later", "ACK to first RTP, later calls", "ms", 1),
    ]),
    ("processor time of one call, s a minute", [
        Row("bare cpu", "a bare select() loop that sends and receives", "s"),
        Row("headless cpu", "headless, recording, no card", "s", 1.1),
        Row("helper cpu", "headless with the card's helper: engine", "s", 1.1),
        Row("helper helper", "  its helper (this machine's card, or none)", "s"),
        Row("dashboard cpu", "dashboard 120x40, speech both ways", "s", 2.0),
        Row("busiest cpu", "its busiest view, the sound", "s"),
        Row("quiet cpu", "dashboard 120x40, silence both ways", "s", 2.0),
        *(Row(f"{kind} cpu", f"under {rate} {kind}/s", "s") for kind, rate in FLOODS),
    ]),
    ("memory in a call, resident", [
        Row("headless rss", "headless", "MB", 45, 1),
        Row("dashboard rss", "dashboard", "MB", 45, 1),
        Row("helper rss", "the card's helper", "MB", None, 1),
        Row("flood rss", "growth by the floods", "MB", None, 1),
    ]),
    ("to the terminal", [
        Row("quiet bytes", "quiet dashboard, silence both ways", "B/s", 1500, 0),
        Row("dashboard bytes", "dashboard, speech both ways", "B/s", None, 0),
        Row("busiest bytes", "its busiest view, the sound", "B/s", None, 0),
        Row("frame", "one frame built, 120x40", "ms", None, 3),
    ]),
    ("in virtual time", [
        Row("pair", "a packet pair, perfect line", "us", None, 0),
        Row("bad pair", "a packet pair, jitter 8 ms, loss 2 %", "us", None, 0),
        Row("speed", "this machine: a million additions in Python", "ms", None, 0),
    ]),
]  # fmt: skip


@dataclass
class Results:
    """Values by figure and program; those of a busy machine apart."""

    counted: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    busy: dict[tuple[str, str], list[float]] = field(default_factory=dict)

    def add(self, key: str, program: str, value: float | None, quiet: bool = True) -> None:
        if value is not None:
            (self.counted if quiet else self.busy).setdefault((key, program), []).append(value)

    def add_pacing(self, key: str, program: str, seen: Pacing | None, quiet: bool) -> None:
        if seen is not None:
            for name, value in (("p99", seen.p99), ("worst", seen.worst), ("gaps", float(seen.gaps_over_30))):
                self.add(f"{key} {name}", program, value, quiet)

    def cell(self, row: Row, program: str) -> str:
        counted, busy = self.counted.get((row.key, program)), self.busy.get((row.key, program))
        if counted:
            return _spread(counted, row.digits) + _verdict(statistics.median(counted), row.goal, program)
        return f"({_spread(busy, row.digits)})*" if busy else "-"

    def lines(self) -> Iterator[str]:
        for title, rows in ROWS:
            shown = [(row, self.cell(row, OURS), self.cell(row, PEER)) for row in rows]
            shown = [(row, *cells) for row, *cells in shown if cells != ["-", "-"]]
            if shown:
                yield ""
                yield f"{title:<50}{'goal':>8}  {OURS:<28}{PEER}".rstrip()
            for row, ours, peers in shown:
                goal = "" if row.goal is None else f"{row.goal:g}"
                label = f"{row.label}, {row.unit}" if row.unit else row.label
                yield f"  {label:<48}{goal:>8}  {ours:<28}{peers}".rstrip()


def _spread(values: list[float], digits: int) -> str:
    middle, least, most = (f"{value:.{digits}f}" for value in (statistics.median(values), min(values), max(values)))
    return middle if least == most else f"{middle} ({least} to {most})"


def _verdict(value: float, goal: float | None, program: str) -> str:
    return " !" if goal is not None and program == OURS and value > goal else ""


# ---------------------------------------------------------------------- what is measured


class Bench:
    """One run: where things are, how long calls last, and what was found."""

    def __init__(self, folder: Path, seconds: float) -> None:
        self.results = Results()
        self._folder = folder
        self._seconds = seconds
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "compiled")  # fresh, and none left in the checkout
        self._number = 0
        self._speech = repeated_sample(folder / "speech.wav", 90)
        self._frames = speech_frames(SAMPLE)

    def _new_folder(self) -> Path:
        self._number += 1
        made = self._folder / str(self._number)
        made.mkdir()
        return made

    @contextmanager
    def _headless(self, *options: str, env: dict[str, str] | None = None) -> Iterator[Ringtop]:
        folder = self._new_folder()
        program = Ringtop(folder, "--record", str(folder / "heard.wav"), *options, env=env)
        try:
            yield program
        finally:
            program.stop()

    @contextmanager
    def _baresip(self) -> Iterator[Baresip]:
        program = Baresip(self._new_folder(), self._speech)
        try:
            yield program
        finally:
            program.stop()

    @contextmanager
    def _dashboard(self, *options: str) -> Iterator[tuple[Ringtop, Terminal]]:
        terminal = Terminal(*SIZE)
        program = Ringtop(self._new_folder(), "--audio", "null", *options, terminal=terminal)
        try:
            yield program, terminal
        finally:
            program.stop()
            terminal.close()

    @contextmanager
    def _call(self, program: Program, frames: list[bytes] | None = None) -> Iterator[Caller]:
        caller = Caller(program.port, frames or self._frames)
        try:
            caller.call()
            yield caller
            caller.hang_up()
        finally:
            caller.close()

    # -- one figure each

    def bare(self) -> None:
        """What the machine allows."""
        watch, spent = machine.Watch(), time.process_time()
        packets = bare_beat(BARE_S)
        quiet = _is_quiet(watch)
        self.results.add_pacing("bare", OURS, pacing(packets), quiet)
        self.results.add("bare cpu", OURS, 60 * (time.process_time() - spent) / BARE_S, quiet)

    def starts(self) -> None:
        with self._headless("--audio", "null"):
            pass  # leaves compiled modules behind
        for _ in range(STARTS):
            watch = machine.Watch()
            with self._headless("--audio", "null") as program:
                quiet = _is_quiet(watch, program.pid)
                self.results.add("start", OURS, program.start_ms, quiet)
                self.results.add("options", OURS, program.answer_ms, quiet)
        if baresip_is_there():
            watch = machine.Watch()
            with self._baresip() as peer:
                self.results.add("options", PEER, peer.answer_ms, _is_quiet(watch, peer.pid))

    def headless(self) -> None:
        with self._headless("--audio", "null", "--audio-file", str(self._speech)) as program:
            self._one_call(program, OURS)

    def baresip(self) -> None:
        if baresip_is_there():
            with self._baresip() as peer:
                self._one_call(peer, PEER)

    def _one_call(self, program: Program, name: str) -> None:
        add = self.results.add
        time.sleep(SETTLE_S)
        program.drain()
        with self._call(program) as caller:
            watch, spent = machine.Watch(program.pid), machine.cpu_s(program.pid)
            caller.talk(self._seconds)
            quiet = _is_quiet(watch)
            add("headless cpu", name, _a_minute(program.pid, spent, self._seconds), quiet)
            add("headless rss", name, machine.rss_mb(program.pid), True)
            add("invite", name, caller.invite_to_200_ms, quiet)
            add("ack", name, caller.ack_to_rtp_ms(), quiet)
            self.results.add_pacing("headless", name, pacing(caller.packets), quiet)
        invites, acks = [], []
        watch = machine.Watch(program.pid)
        for _ in range(SHORT_CALLS):
            program.drain()
            with self._call(program) as caller:
                caller.talk(0.1)
                invites.append(caller.invite_to_200_ms)
                acks.append(caller.ack_to_rtp_ms())
            time.sleep(0.05)
        quiet = _is_quiet(watch)
        add("invite later", name, statistics.median(invites), quiet)
        known = [value for value in acks if value is not None]
        add("ack later", name, statistics.median(known) if known else None, quiet)

    def helper(self) -> None:
        """As a user starts it: a card is looked for, and its helper waits beside the engine."""
        with self._headless("--audio-file", str(self._speech)) as program:
            time.sleep(SETTLE_S)
            helpers = machine.children(program.pid)
            if not helpers:
                return  # PyAudio is not installed
            with self._call(program) as caller:
                caller.talk(FIRST_SECONDS_S)
                helpers = machine.children(program.pid)
                watch = machine.Watch(program.pid, *helpers)
                spent = [machine.cpu_s(pid) for pid in (program.pid, *helpers)]
                seconds = self._seconds - FIRST_SECONDS_S
                caller.talk(seconds)
                quiet = _is_quiet(watch)
                engine, *others = (
                    _a_minute(pid, before, seconds) for pid, before in zip((program.pid, *helpers), spent, strict=True)
                )
                self.results.add("helper cpu", OURS, engine, quiet)
                self.results.add("helper helper", OURS, sum(value or 0.0 for value in others), quiet)
                self.results.add("helper rss", OURS, sum(machine.rss_mb(pid) or 0.0 for pid in helpers))

    def dashboard(self) -> None:
        with self._dashboard("--audio-file", str(self._speech)) as (program, terminal):
            quiet, caller = self._watched_call("dashboard", program, terminal, self._frames)
            self.results.add_pacing("dashboard", OURS, pacing(caller.packets), quiet)
            self.results.add("dashboard rss", OURS, machine.rss_mb(program.pid))

    def busiest(self) -> None:
        with self._dashboard("--audio-file", str(self._speech)) as (program, terminal):
            terminal.type(SOUND_VIEW)
            quiet, caller = self._watched_call("busiest", program, terminal, self._frames)
            self.results.add_pacing("busiest", OURS, pacing(caller.packets), quiet)

    def quiet(self) -> None:
        with self._dashboard() as (program, terminal):
            self._watched_call("quiet", program, terminal, SILENCE)

    def _watched_call(self, key: str, program: Program, terminal: Terminal, frames: list[bytes]) -> tuple[bool, Caller]:
        """A call whose dashboard somebody reads; counts processor time and bytes once it has settled."""
        _leave_alone(terminal)
        with self._call(program, frames) as caller:
            caller.talk(FIRST_SECONDS_S, also=terminal.read)
            watch, spent, written = machine.Watch(program.pid), machine.cpu_s(program.pid), terminal.bytes
            seconds = self._seconds - FIRST_SECONDS_S
            caller.talk(seconds, also=terminal.read)
            quiet = _is_quiet(watch)
            self.results.add(f"{key} cpu", OURS, _a_minute(program.pid, spent, seconds), quiet)
            self.results.add(f"{key} bytes", OURS, (terminal.bytes - written) / seconds)
        return quiet, caller

    def stalled(self) -> None:
        with self._dashboard("--audio-file", str(self._speech)) as (program, terminal):
            _leave_alone(terminal)
            with self._call(program) as caller:
                caller.talk(FIRST_SECONDS_S, also=terminal.read)
                watch, before = machine.Watch(program.pid), len(caller.packets)
                caller.talk(STALL_S)
                self.results.add_pacing("stalled", OURS, pacing(caller.packets[before:]), _is_quiet(watch))
                caller.talk(0.3, also=terminal.read)

    def floods(self) -> None:
        with self._headless("--audio", "null", "--audio-file", str(self._speech)) as program:
            self._flooded_call(program, OURS)

    def dashboard_flood(self) -> None:
        """The worst at once: a dashboard that draws, and strangers who call."""
        kind, per_second = FLOODS[0]
        with self._dashboard("--audio-file", str(self._speech)) as (program, terminal):
            _leave_alone(terminal)
            with self._call(program) as caller:
                caller.talk(FIRST_SECONDS_S, also=terminal.read)
                flood = Flood(program.port, kind, per_second)
                watch, before = machine.Watch(program.pid), len(caller.packets)
                caller.talk(FLOOD_S, flood, also=terminal.read)
                self.results.add_pacing("drawn flood", OURS, pacing(caller.packets[before:]), _is_quiet(watch))
                flood.close()

    def baresip_floods(self) -> None:
        if baresip_is_there():
            with self._baresip() as peer:
                self._flooded_call(peer, PEER)

    def _flooded_call(self, program: Program, name: str) -> None:
        time.sleep(SETTLE_S)
        with self._call(program) as caller:
            caller.talk(1.0, also=program.drain)
            rss = machine.rss_mb(program.pid)
            for kind, per_second in FLOODS:
                flood = Flood(program.port, kind, per_second)
                watch, spent, before = machine.Watch(program.pid), machine.cpu_s(program.pid), len(caller.packets)
                caller.talk(FLOOD_S, flood, also=program.drain)
                quiet = _is_quiet(watch)
                flood.close()
                self.results.add_pacing(kind, name, pacing(caller.packets[before:]), quiet)
                self.results.add(f"{kind} cpu", name, _a_minute(program.pid, spent, FLOOD_S), quiet)
                caller.talk(0.3, also=program.drain)
            after = machine.rss_mb(program.pid)
            if rss is not None and after is not None:
                self.results.add("flood rss", name, after - rss)

    def virtual(self) -> None:
        """What needs no sockets and no clock."""
        watch = machine.Watch()
        good, bad = bench_media_cpu.microseconds_a_pair(seconds=20.0)
        frame = bench_frame.milliseconds_a_frame(*SIZE)
        quiet = _is_quiet(watch)
        self.results.add("pair", OURS, good, quiet)
        self.results.add("bad pair", OURS, bad, quiet)
        self.results.add("frame", OURS, frame, quiet)
        self.results.add("speed", OURS, machine.million_additions_ms(), quiet)


def _is_quiet(watch: machine.Watch, *also: int) -> bool:
    seen = watch.read()
    return seen is None or seen.quiet


def _a_minute(pid: int, before: float | None, seconds: float) -> float | None:
    after = machine.cpu_s(pid)
    return None if before is None or after is None else 60 * (after - before) / seconds


def _leave_alone(terminal: Terminal) -> None:
    end = time.monotonic() + SETTLE_S
    while time.monotonic() < end:
        terminal.read()
        time.sleep(0.01)


MEASUREMENTS = (
    "bare", "starts", "headless", "baresip", "dashboard", "busiest", "stalled", "floods", "baresip_floods",
    "dashboard_flood", "quiet", "helper", "virtual",
)  # fmt: skip


# ---------------------------------------------------------------------- command line


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--minutes", type=float, default=7.8, help="no further round begins that would last longer")
    parser.add_argument("--seconds", type=float, default=12.0, help="length of a call")
    parser.add_argument("--only", default="", help=f"some of {','.join(MEASUREMENTS)}")
    parser.add_argument("--out", type=Path, default=OUT)
    options = parser.parse_args()
    wanted = [name for name in options.only.split(",") if name] or list(MEASUREMENTS)
    if set(wanted) - set(MEASUREMENTS):
        parser.error(f"--only takes {', '.join(MEASUREMENTS)}")
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options.seconds)
        report = measure(bench, wanted, options.rounds, 60 * options.minutes)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(report + "\n")
    print(f"\n{report}\n\n(written to {options.out})")


def measure(bench: Bench, wanted: list[str], rounds: int, budget_s: float) -> str:
    """Round after round; the finished table."""
    begun, whole = time.monotonic(), machine.Watch()
    head = f"ringtop beside baresip, {time.strftime('%Y-%m-%d %H:%M')}, Python {platform.python_version()}"
    before = machine.description()
    done = noisy = 0
    failures: list[str] = []
    while done < rounds and (not done or (time.monotonic() - begun) * (done + 1) / done < budget_s):
        for name in wanted:
            noisy += not machine.wait_until_quiet(QUIET_PATIENCE_S if not noisy else 1.0)
            print(f"round {done + 1}: {name}", file=sys.stderr, flush=True)
            work: Callable[[], None] = getattr(bench, name)
            try:
                work()
            except (NotStarted, NoCall) as error:
                failures.append(f"round {done + 1}, {name}: {error}")
        done += 1
    seen = whole.read()
    lines = [head, f"{before}; {done} rounds in {(time.monotonic() - begun) / 60:.1f} min"]
    if seen is not None:
        lines.append(f"the hypervisor stole {seen.steal:.1f} %; the processors were busy to {seen.busy:.0f} %")
    if not baresip_is_there():
        lines.append("baresip is missing: apt-get install baresip-core")
    lines += failures
    lines.append("median (least to greatest) of what counts; ! above the goal; (...)* only measured on a busy machine")
    return "\n".join([*lines, *bench.results.lines()])


if __name__ == "__main__":
    main()
