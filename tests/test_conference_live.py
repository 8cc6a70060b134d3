"""A conference of three real processes on loopback: what each of them has heard, from the recordings they made."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
RATE = 8000
VOICES_HZ = {"anna": 450, "bob": 700, "carol": 1000}
TALK_S = 3.0


def start(name: str, folder: Path, *more: str, lines: str) -> subprocess.Popen:
    """One phone whose microphone is a steady tone; gives it once it is ready."""
    said = (6000 * np.sin(2 * np.pi * VOICES_HZ[name] * np.arange(RATE) / RATE)).astype("<i2")
    with wave.open(str(folder / f"{name}.wav"), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(said.tobytes())
    command = [sys.executable, str(ROOT / "tui.py"), "--local-ip", "127.0.0.1", "--local-sip-port", "0"]
    command += ["--local-rtp-port", "0", "--audio-file", str(folder / f"{name}.wav"), "--audio", "null", "--codecs"]
    command += ["PCMU", "--record", str(folder / f"{name}-heard.wav"), lines, *more]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1)


def heard(path: Path) -> dict[str, float]:
    """The level of each voice in the last second but a bit, in dBFS."""
    with wave.open(str(path)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)[-RATE - 2400 : -2400]
    power = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)))) * 4 / len(pcm) / 32768
    return {name: 20 * np.log10(power[hz - 2 : hz + 3].max() + 1e-9) for name, hz in VOICES_HZ.items()}


@pytest.fixture
def phones(tmp_path):
    started: dict[str, subprocess.Popen] = {}
    uris = {}
    for name in ("bob", "carol"):
        started[name] = start(name, tmp_path, "--headless", "--auto-answer", lines="--json")
        ready = json.loads(started[name].stdout.readline())
        assert ready["type"] == "ready"
        uris[name] = ready["uri"]
    started["anna"] = start("anna", tmp_path, lines="--plain")
    yield started, uris
    for process in started.values():
        process.kill()
        process.communicate(timeout=10)


def say(process: subprocess.Popen, line: str, until: str, count: int = 1) -> None:
    """Type a line and wait for what it leads to."""
    process.stdin.write(line + "\n")
    process.stdin.flush()
    deadline = time.monotonic() + 20
    while count and time.monotonic() < deadline:
        count -= until in process.stdout.readline()
    assert not count, f"'{until}' never came"


def test_everybody_hears_the_two_others_and_never_himself(phones, tmp_path):
    started, uris = phones
    anna = started["anna"]
    say(anna, f"dial {uris['bob']}", "talking")
    say(anna, f"dial {uris['carol']}", "talking")
    say(anna, "conference", "in the conference", 2)
    time.sleep(TALK_S)
    say(anna, "quit", "ended after", 2)
    anna.wait(20)
    loud = {name: heard(tmp_path / f"{name}-heard.wav") for name in ("bob", "carol")}
    for name in ("bob", "carol"):
        others = [level for other, level in loud[name].items() if other != name]
        assert min(others) > -25 and loud[name][name] < -50, loud
    for recording, name in (("anna-heard.wav", "bob"), ("anna-heard-2.wav", "carol")):
        assert heard(tmp_path / recording)[name] > -25
