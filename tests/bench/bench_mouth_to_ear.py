"""How long a word takes from mouth to ear, through real sound devices, beside baresip in the same run.

    python tests/bench/bench_mouth_to_ear.py [--rig FOLDER] [--rounds 3] [--seconds 16] [--only ringtop,baresip,loop]

One stereo null sink of a PulseAudio of our own is mouth and ear at once: what is played on its left channel is what
the caller's microphone hears, and the called end plays on the right. Recording its monitor gives both, sample by
sample. Two processes of the same program talk PCMU over 127.0.0.1; PortAudio reaches PulseAudio by ALSA's plugin, as
baresip's alsa module does. "loop" is what PyAudio alone can do in one thread, with no network and no jitter buffer.

A round measures each of them once. A figure of a busy machine is too long, never too short: the least of the medians
is the one that counts, and all are shown. The caller's loudspeaker plays into a sink that nobody hears.
Needs numpy, scipy, pyaudio, pulseaudio, libasound2-plugins, and the rig's ``mouth_to_ear.py``.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RIG = ROOT.parent / "shared" / "rig" / "quality"
HOST = "127.0.0.1"
PORTS = {"ringtop": (12_600, 12_620), "baresip": (12_640, 12_660)}  # caller's, callee's
RATE = 48_000
TALK_S = 2.0  # until both ends have found their places
GOAL_MS = 115.0

Environment = dict[str, str]


@contextlib.contextmanager
def sound_card(folder: Path) -> Iterator[Environment]:
    """A PulseAudio of our own; yields the environment of who listens to it. See the module's docstring."""
    socket = folder / "native"
    mono = "channels=1 remix=no channel_map=mono"
    modules = [
        f"module-native-protocol-unix socket={socket} auth-anonymous=1",
        f"module-null-sink sink_name=card rate={RATE} channels=2 format=s16le",
        f"module-null-sink sink_name=unheard rate={RATE} channels=1 format=s16le",
        f"module-remap-sink sink_name=ear master=card {mono} master_channel_map=front-right",
        f"module-remap-source source_name=mouth master=card.monitor {mono} master_channel_map=front-left",
    ]
    command = ["pulseaudio", "-n", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no"]
    environment = {**os.environ, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}
    server = subprocess.Popen(
        [*command, *(word for module in modules for word in ("-L", module))],
        env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    pulse = "".join(f"{kind}.{name} {{ type pulse }}\n" for kind in ("pcm", "ctl") for name in ("!default", "pulse"))
    (folder / ".asoundrc").write_text(pulse)
    end = time.monotonic() + 10
    while not socket.exists() and time.monotonic() < end:
        time.sleep(0.05)
    try:
        time.sleep(0.5)
        yield {**environment, "PULSE_SERVER": f"unix:{socket}", "PULSE_SOURCE": "mouth"}
    finally:
        server.terminate()
        server.wait(10)


def ringtop(folder: Path, card: Environment, options: Namespace, measure: Any) -> dict[str, Any]:
    """Two of ours: the caller hears the mouth, the one it calls plays for the ear."""
    caller, callee = PORTS["ringtop"]
    program = [options.python, str(ROOT / "tui.py"), "--no-config", "--headless", "--json", "--local-ip", HOST]
    program += options.also.split()
    there = ["--mode", "receiver", "--auto-answer", "--audio", "device", "--local-sip-port", str(callee)]
    here = ["--audio", "device", "--local-sip-port", str(caller), "--local-rtp-port", str(caller + 2)]
    here += ["--duration", str(options.seconds + 8), f"sip:{HOST}:{callee}"]
    with contextlib.ExitStack() as running:
        there += ["--local-rtp-port", str(callee + 2)]
        for name, command, sink in (("callee", there, "ear"), ("caller", here, "unheard")):
            source = "mouth" if name == "caller" else "unheard.monitor"
            environment = {**card, "PULSE_SINK": sink, "PULSE_SOURCE": source}
            running.enter_context(started([*program, *command], environment, folder / f"{name}.jsonl"))
            time.sleep(1.5)
        time.sleep(TALK_S)
        result = heard(folder, card, options, measure)
    return {**result, **told(folder)}


def told(folder: Path) -> dict[str, Any]:
    """What the two ends said of it: the jitter buffer, and what was not there in time."""
    found: dict[str, Any] = {}
    for name in ("caller", "callee"):
        lines = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text().splitlines() if line[:1] == "{"]
        stats = [line for line in lines if line["type"] in ("stats", "ended") and line["rx"]["packets"]]
        if stats:
            keys = ("buffer_ms", "target_ms", "concealed_ms", "jitter_ms", "card")
            found[name] = {key: stats[-1][key] for key in keys if key in stats[-1]}
    return found


def baresip(folder: Path, card: Environment, options: Namespace, measure: Any) -> dict[str, Any]:
    """Two of theirs, configured as they come but for the jitter buffer, which is as short as it can be."""
    modules = next(Path("/usr").glob("lib*/**/baresip/modules"), Path("/usr/lib/baresip/modules"))
    caller, callee = PORTS["baresip"]
    with contextlib.ExitStack() as running:
        for name, port in (("callee", callee), ("caller", caller)):
            home = folder / f"baresip-{name}"
            home.mkdir(exist_ok=True)
            (home / ".asoundrc").write_text((folder / ".asoundrc").read_text())
            devices = ("alsa,pulse", "aubridge,none") if name == "callee" else ("aubridge,none", "alsa,pulse")
            lines = [
                "poll_method epoll", f"sip_listen {HOST}:{port}", f"net_interface {HOST}", "audio_buffer 20-160",
                f"rtp_ports {port + 2}-{port + 18}", "jitter_buffer_delay 5-10", "audio_alert aubridge,none2",
                f"audio_player {devices[0]}", f"audio_source {devices[1]}", f"module_path {modules}",
                *(f"module {module}.so" for module in ("g711", "plc", "alsa", "aubridge")),
                "module_tmp uuid.so", "module_tmp account.so", "module_app menu.so",
            ]  # fmt: skip
            (home / "config").write_text("\n".join(lines) + "\n")
            mode = "auto" if name == "callee" else "manual"
            account = f"<sip:{name}@{HOST}:{port}>;regint=0;answermode={mode};audio_codecs=PCMU/8000/1\n"
            (home / "accounts").write_text(account)
            dial = ["-e", f"/dial sip:callee@{HOST}:{callee}"] if name == "caller" else []
            environment = {**card, "HOME": str(home), "PULSE_SINK": "ear"}
            running.enter_context(started(["baresip", "-f", str(home), *dial], environment, home / "log"))
            time.sleep(1.5)
        time.sleep(TALK_S)
        return heard(folder, card, options, measure)


def loop(folder: Path, card: Environment, options: Namespace, measure: Any) -> dict[str, Any]:
    """The card alone, both ways in one thread."""
    code = [options.python, "-c", measure.LOOP, "8000", "160", "160", str(options.seconds + 3), "2"]
    with started(code, {**card, "PULSE_SINK": "ear"}, folder / "loop.log"):
        time.sleep(TALK_S)
        return heard(folder, card, options, measure)


@contextlib.contextmanager
def started(command: list[str], environment: Environment, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def heard(folder: Path, card: Environment, options: Namespace, measure: Any) -> dict[str, Any]:
    """Speak into the mouth, and compare with what comes out at the ear."""
    left, right = measure.record_and_play(card, folder, options.seconds - 4)
    return dict(measure.compare(left, right, skip=2.0))


SYSTEMS = {"ringtop": ringtop, "baresip": baresip, "loop": loop}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rig", type=Path, default=RIG)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=16)
    parser.add_argument("--only", default="ringtop,baresip,loop")
    parser.add_argument("--python", default=sys.executable, help="runs ringtop; needs numpy and pyaudio")
    parser.add_argument("--also", default="--codecs PCMU", help="more options for ringtop")
    options = parser.parse_args()
    sys.path.insert(0, str(options.rig))
    measure = importlib.import_module("mouth_to_ear")
    found: dict[str, list[float]] = {name: [] for name in options.only.split(",")}
    with tempfile.TemporaryDirectory() as name, sound_card(Path(name)) as card:
        for number in range(options.rounds):
            for system in found:
                result = SYSTEMS[system](Path(name), card, options, measure)
                print(f"round {number + 1}, {system}: {json.dumps(result)}", flush=True)
                if "delay_ms" in result:
                    found[system].append(result["delay_ms"])
    for system, delays in found.items():
        best = f"{min(delays):5.1f} ms" if delays else "no sound"
        goal = f"  (goal {GOAL_MS:.0f} ms)" if system == "ringtop" else ""
        print(f"{system:8} {best}{goal}   every round: {' '.join(f'{delay:.1f}' for delay in delays)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
