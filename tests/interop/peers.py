"""Real SIP user agents on loopback, behind one small interface: ringtop itself, baresip and SIPp.

Every peer is one process of ours, listens on ports nobody else has, writes into a folder of its test, is waited
for with a bound and ended by its own process id. A peer that is not installed skips the test with the line that
installs it; with CI set it fails the test, so that a green run has really met the peers.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.interop.scenario import scenario_text
from tests.interop.sound import RATE_HZ, SAMPLE, mulaw, resampled, samples, write_wav

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
HOST_6 = "::1"
PATIENCE_S = 20.0
LIFETIME_S = 120  # after which a peer ends by itself, should nobody be there any more to end it
PACKAGES = {"baresip": "baresip-core", "sipp": "sip-tester", "kamailio": "kamailio"}
_ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8"}  # a copy: pytest changes its own while calls are under way

FIRST_PORT, RANGE_PORTS, RANGES = 20000, 1000, 12  # below the ephemeral ones
_RESERVE = "127.77.0.1"
_one_at_a_time = threading.Lock()


@cache
def _own_range() -> tuple[int, socket.socket]:
    """(first port, what holds it): a thousand ports that no other run of the tests uses while this one lasts.

    Who holds the socket has the range; it goes with the process, whatever becomes of it.
    """
    for number in range(RANGES):
        first = FIRST_PORT + (os.getpid() + number) % RANGES * RANGE_PORTS
        holder = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            holder.bind((_RESERVE, first))
        except OSError:
            holder.close()
        else:
            return first, holder
    raise AssertionError(f"{RANGES} runs of these tests at once are too many")


_used = 0


def free_ports(count: int = 10) -> int:
    """The first, even one of ``count`` neighbouring ports that are free for UDP and TCP; each comes once in a while."""
    global _used
    with _one_at_a_time:
        start = _own_range()[0]
        for _ in range(RANGE_PORTS):
            if _used + count > RANGE_PORTS:
                _used = 0
            first = start + _used
            _used += (count + 1) // 2 * 2
            if all(_is_free(first + offset) for offset in range(count)):
                return first
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    for host in (HOST, HOST_6) if has_ipv6() else (HOST,):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(_family(host), kind) as probe:
                try:
                    probe.bind((host, port))
                except OSError:
                    return False
    return True


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


@cache
def has_ipv6() -> bool:
    """Is there an ``::1`` here?"""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
            probe.bind((HOST_6, 0))
    except OSError:
        return False
    return True


def bracketed(host: str) -> str:
    """As it stands in a URI."""
    return f"[{host}]" if ":" in host else host


def needs(program: str) -> None:
    """Skip, or in CI fail, where the program is not there."""
    if shutil.which(program):
        return
    line = f"{program} is missing: apt-get install {PACKAGES[program]}"
    if os.environ.get("CI"):
        pytest.fail(line)
    pytest.skip(line)


class Process:
    """A child process whose output is read line by line, never longer than asked."""

    def __init__(self, command: list[str], folder: Path, name: str) -> None:
        self.name = name
        self.lines: list[str] = []
        self._rest = b""
        self._errors = folder / f"{name}.err"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=folder, env=_ENVIRONMENT
            )
        assert self._process.stdout is not None
        self._out = self._process.stdout.fileno()
        os.set_blocking(self._out, False)

    @property
    def errors(self) -> str:
        return self._errors.read_text(errors="replace")

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def say(self, line: str) -> None:
        """Type a line at its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def read(self, timeout_s: float) -> bool:
        """Take in what it has written; False at the end of its output."""
        if not select.select([self._out], [], [], timeout_s)[0]:
            return True
        data = os.read(self._out, 65536)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.lines += [line.decode("utf-8", "replace") for line in lines]
        return bool(data)

    def pending(self) -> bool:
        """Is there something to read?"""
        return bool(select.select([self._out], [], [], 0)[0])

    def wait_until(self, found: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
        """Read until ``found`` gives something; the test fails with what was seen instead."""
        end = time.monotonic() + patience_s
        while True:
            result = found()
            if result:
                return result
            if time.monotonic() > end or not self.read(0.1):
                result = found()
                if result:
                    return result
                seen = "\n".join(line[:300] for line in self.lines[-12:])
                raise AssertionError(f"{self.name}: waited in vain for {what}; it said:\n{seen}\n{self.errors[-2000:]}")

    def finish(self, patience_s: float = PATIENCE_S) -> int:
        """Its exit code, once it has ended by itself."""
        end = time.monotonic() + patience_s
        while self.read(0.1) and time.monotonic() < end:
            pass
        try:
            return self._process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end; it said:\n" + "\n".join(self.lines[-25:])) from None

    def stop(self) -> None:
        """End it whatever it does, and close what joins us to it."""
        for end in (self._process.terminate, self._process.kill):
            if self.running:
                end()
                try:
                    self._process.wait(3)
                except subprocess.TimeoutExpired:
                    continue
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass


def wait_until_taken(process: Process, host: str, port: int) -> None:
    """Wait until it has bound this UDP port."""
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end and process.running:
        with socket.socket(_family(host), socket.SOCK_DGRAM) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                return
        time.sleep(0.02)
    raise AssertionError(f"{process.name} did not start: {process.errors}")


class Ringtop(Process):
    """The program under test: JSON lines when nobody types, plain lines and words (``typing=True``) otherwise."""

    def __init__(
        self, folder: Path, *options: str, sip: int | None = None, rtp: int | None = None, typing: bool = False,
        name: str = "ringtop", sound: Path | None = SAMPLE, host: str = HOST,
    ) -> None:  # fmt: skip
        first = free_ports()
        self._host = host
        self.sip, self.rtp = sip or first, rtp or first + 4
        command = [sys.executable, str(ROOT / "tui.py")]
        command += ["--plain"] if typing else ["--headless", "--json"]
        command += ["--local-ip", host, "--local-sip-port", str(self.sip), "--local-rtp-port", str(self.rtp)]
        command += ["--audio", "null"] + (["--audio-file", str(sound)] if sound else [])
        super().__init__([*command, *options], folder, name)
        self._typing = typing
        self._taken = 0

    @property
    def uri(self) -> str:
        return f"sip:ringtop@{bracketed(self._host)}:{self.sip}"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    def ready(self) -> Ringtop:
        if self._typing:
            self.expect("ready")
        else:
            self.event("ready")
        return self

    def event(self, kind: str, check: Callable[[dict[str, Any]], Any] = lambda event: True) -> dict[str, Any]:
        """The first event of this kind that passes the check; waits for it."""
        return self.wait_until(
            lambda: next((event for event in self.events if event["type"] == kind and check(event)), None),
            f"{kind} event",
        )

    def expect(self, text: str) -> str:
        """The next plain line that holds this text; lines before it are passed over."""

        def found() -> str | None:
            for number in range(self._taken, len(self.lines)):
                if text in self.lines[number]:
                    self._taken = number + 1
                    return self.lines[number]
            return None

        return self.wait_until(found, f"a line with {text!r}")


class Baresip(Process):
    """baresip with a configuration of its own, driven and watched over its control socket (JSON in netstrings).

    Its audio source is a WAV file (by default the sample, at the rate of the codec); the sndfile filter records what
    it decodes. ``answers`` is how it takes a call: ``auto``, ``manual`` or ``early``. It takes ``sip`` for SIP over
    UDP and TCP and the port above that for TLS, so its control socket lies at ``sip + 2``.
    """

    def __init__(
        self, folder: Path, *, answers: str = "manual", codec: str = "PCMU/8000/1", ptime_ms: int = 20,
        host: str = HOST, most_calls: int = 4, name: str = "baresip",
    ) -> None:  # fmt: skip
        needs("baresip")
        self._host = host
        self.sip = free_ports(14)
        self.recordings = folder / name
        self.recordings.mkdir()
        self._events: list[dict[str, Any]] = []
        self._bytes = b""
        _, rate, channels = codec.split("/")
        self._configure(int(rate), int(channels), most_calls)
        account = f"<{self.uri}>;regint=0;answermode={answers};audio_codecs={codec}"
        (self.recordings / "accounts").write_text(f"{account};ptime={ptime_ms}\n")
        super().__init__(["baresip", "-f", str(self.recordings), "-t", str(LIFETIME_S)], folder, name)
        self._control = self._connect(self.sip + 2)

    @property
    def uri(self) -> str:
        return f"sip:peer@{bracketed(self._host)}:{self.sip}"

    def _configure(self, rate: int, channels: int, most_calls: int) -> None:
        modules = next(Path("/usr").glob("lib*/**/baresip/modules"), Path("/usr/lib/baresip/modules"))
        once = resampled(samples(SAMPLE), RATE_HZ, rate)
        often = 5 if rate == RATE_HZ else 1  # at the end of its file it hangs up: not while a test waits for our BYE
        speech = write_wav(self.recordings / "speech.wav", np.tile(once, often), rate, channels)
        lines = [
            "poll_method epoll", f"sip_listen {bracketed(self._host)}:{self.sip}", f"net_interface {self._host}",
            f"prefer_ipv6 {'yes' if ':' in self._host else 'no'}", f"call_max_calls {most_calls}",
            f"audio_source aufile,{speech}", f"audio_srate {rate}", f"audio_channels {channels}",
            "ausrc_format s16", "auplay_format s16", "auenc_format s16", "audec_format s16",
            f"rtp_ports {self.sip + 4}-{self.sip + 13}", "rtcp_mux no", "jitter_buffer_type fixed",
            "jitter_buffer_delay 1-5", f"snd_path {self.recordings}", f"module_path {modules}",
            f"ctrl_tcp_listen {HOST}:{self.sip + 2}",
            "opus_bitrate 48000", "opus_inbandfec yes", "opus_packet_loss 10",
            *(f"module {name}.so" for name in ("g711", "g722", "opus", "l16", "aufile", "sndfile", "ctrl_tcp")),
            "module_tmp uuid.so", "module_tmp account.so", "module_app menu.so",
        ]  # fmt: skip
        (self.recordings / "config").write_text("\n".join(lines) + "\n")
        (self.recordings / "contacts").write_text("")

    def _connect(self, port: int) -> socket.socket:
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                control = socket.create_connection((HOST, port), 1)
                control.setblocking(False)
                return control
            except OSError:
                if time.monotonic() > end or not self.running:
                    self.read(0.1)
                    raise AssertionError("baresip did not start:\n" + "\n".join(self.lines)) from None
                time.sleep(0.05)

    def command(self, name: str, argument: str = "") -> None:
        data = json.dumps({"command": name, "params": argument}).encode()
        self._control.sendall(b"%d:%s," % (len(data), data))

    def event(self, kind: str, count: int = 1) -> dict[str, Any]:
        """The ``count``-th event of this kind, such as CALL_ESTABLISHED; waits for it."""
        end = time.monotonic() + PATIENCE_S
        while True:
            found = [event for event in self._events if event.get("type") == kind]
            if len(found) >= count:
                return found[count - 1]
            if time.monotonic() > end:
                raise AssertionError(f"baresip: waited in vain for {kind}; it told {self._events}")
            self._read_control(0.1)
            self.read(0)

    def count(self, kind: str) -> int:
        """How many events of this kind it has told by now."""
        self._read_control(0)
        return sum(event.get("type") == kind for event in self._events)

    def digits(self) -> str:
        """The digits that have come by now."""
        self._read_control(0)
        return "".join(event["param"] for event in self._events if event.get("type") == "CALL_DTMF_START")

    def _read_control(self, timeout_s: float) -> None:
        if select.select([self._control], [], [], timeout_s)[0]:
            self._bytes += self._control.recv(65536)
        while b":" in self._bytes:
            length, _, rest = self._bytes.partition(b":")
            if len(rest) <= int(length):
                return
            self._events.append(json.loads(rest[: int(length)]))
            self._bytes = rest[int(length) + 1 :]

    def heard(self) -> np.ndarray:
        """What it decoded, as recorded; complete once it has closed the call."""
        return samples(sorted(self.recordings.glob("dump-*-dec.wav"))[-1])

    def stop(self) -> None:
        if hasattr(self, "_control"):
            self._control.close()
        super().stop()


class Sipp(Process):
    """SIPp running one scenario of ``sipp/`` once; exit code 0 means that every step came as written there.

    Either it plays the sample as mu-law, or (``echo``) it sends every media packet back as it came, whatever the
    codec. ``words`` are those of ``scenario.py``.
    """

    def __init__(
        self, folder: Path, scenario: str, *, target: int | None = None, host: str = HOST, echo: bool = False,
        codec: str = "PCMU/8000/1", ptime_ms: int = 20, name: str = "sipp", **words: str,
    ) -> None:  # fmt: skip
        needs("sipp")
        self._host = host
        self.sip = free_ports(12)
        script = folder / f"{name}.xml"
        script.write_text(scenario_text(scenario, echo=echo, codec=codec, ptime_ms=ptime_ms, words=words))
        (folder / "speech.ul").write_bytes(mulaw(samples(SAMPLE)))
        self._error_file = folder / f"{name}-errors.log"
        command = ["sipp", "-sf", str(script), "-i", host, "-p", str(self.sip)]
        command += ["-mi", host, "-mp", str(self.sip + 2), *(["-rtp_echo", "-mb", "65535"] if echo else [])]
        command += ["-m", "1", "-nostdin", "-timeout", "25", "-timeout_error", "-trace_err"]
        command += ["-error_file", str(self._error_file)]
        super().__init__([*command, *([f"{bracketed(host)}:{target}"] if target else [])], folder, name)
        if target is None:
            wait_until_taken(self, host, self.sip)

    @property
    def uri(self) -> str:
        return f"sip:sipp@{bracketed(self._host)}:{self.sip}"

    def succeeded(self) -> None:
        """Waits for the end of the scenario; fails with SIPp's own words where a step did not come."""
        code = self.finish(25)
        words = self._error_file.read_text(errors="replace") if self._error_file.exists() else ""
        assert code == 0, f"SIPp ended with {code}: {words[-3000:]} {self.errors[-1000:]}"
