"""The real program in real processes on loopback: calls, exit codes, the demo, and one line for wrong usage."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 25


def ringtop(*arguments: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tui.py"), *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, **options,
    )  # fmt: skip


def finish(process: subprocess.Popen) -> tuple[int, list[dict], str]:
    """(exit code, JSON lines, standard error); the process is ended when it does not end by itself."""
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    return process.returncode, [json.loads(line) for line in out.splitlines()], err


def free_ports() -> tuple[int, int]:
    """A SIP port, and an even RTP port whose neighbours are free as well."""
    for _ in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port < 60000:
            return port, (port + 101) // 2 * 2
    raise AssertionError("no free ports")


def receiver(*extra: str, sip: int, rtp: int) -> subprocess.Popen:
    """A headless receiver that is ready."""
    process = ringtop(
        "--headless", "--json", "--mode", "receiver", "--local-ip", "127.0.0.1", "--local-sip-port", str(sip),
        "--local-rtp-port", str(rtp), "--audio", "null", *extra,
    )  # fmt: skip
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["type"] == "ready"
    return process


def of_type(events: list[dict], kind: str) -> list[dict]:
    return [event for event in events if event["type"] == kind]


def correlation(recording: Path, sent: Path) -> float:
    """How well a second of what was sent is found in what was recorded (1: exactly)."""
    with wave.open(str(recording)) as file:
        heard = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)
    with wave.open(str(sent)) as file:
        spoken = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)[8000:16000]
    scores = np.correlate(heard, spoken)
    best = int(scores.argmax())
    part = heard[best : best + len(spoken)]
    return float(scores[best] / (np.linalg.norm(part) * np.linalg.norm(spoken)))


def test_two_ends_whose_rtp_ports_are_neighbours(tmp_path: Path) -> None:
    """The caller's RTP + 1 is the receiver's RTP; reports must arrive on both sides all the same."""
    sip, rtp = free_ports()
    heard = tmp_path / "heard.wav"
    other = receiver("--auto-answer", "--record", str(heard), sip=sip, rtp=rtp + 1)
    caller = ringtop(
        "--headless", "--json", "--mode", "caller", "--local-ip", "127.0.0.1", "--local-sip-port", "0",
        "--local-rtp-port", str(rtp), "--remote-ip", "127.0.0.1", "--remote-sip-port", str(sip),
        "--audio-file", "sample.wav", "--audio", "null", "--duration", "7",
    )  # fmt: skip
    code, events, err = finish(caller)
    other.send_signal(signal.SIGINT)
    other_code, other_events, _ = finish(other)
    assert (code, other_code, err) == (0, 0, "")
    assert [event["type"] for event in events if event["type"] != "stats"] == ["ready", "answered", "ended"]
    for side in (events, other_events):
        last = of_type(side, "ended")[0]
        assert last["remote"]["lost"] == 0 and last["remote"]["loss_percent"] == 0
        assert last["rx"]["packets"] > 300 and last["rx"]["lost"] == 0
    assert of_type(events, "ended")[0]["rtt_ms"] is not None
    assert of_type(events, "ended")[0]["reason"] == "duration reached"
    assert correlation(heard, ROOT / "sample.wav") > 0.99


def test_busy_when_every_line_is_taken() -> None:
    sip, rtp = free_ports()
    other = receiver("--auto-answer", "--max-calls", "1", sip=sip, rtp=rtp)
    common = ["--headless", "--json", "--local-ip", "127.0.0.1", "--local-sip-port", "0", "--local-rtp-port", "0"]
    first = ringtop(*common, "--audio", "null", "--duration", "3", f"sip:a@127.0.0.1:{sip}")
    time.sleep(1.5)
    code, events, _ = finish(ringtop(*common, "--audio", "null", f"sip:a@127.0.0.1:{sip}"))
    assert code == 10
    assert of_type(events, "ended")[0]["status"] == 486
    assert finish(first)[0] == 0
    other.send_signal(signal.SIGTERM)
    assert finish(other)[0] == 0


def test_nobody_listens() -> None:
    sip, _ = free_ports()
    code, events, _ = finish(
        ringtop(
            "--headless",
            "--json",
            "--audio",
            "null",
            "--local-ip",
            "127.0.0.1",
            "--local-sip-port",
            "0",
            "--local-rtp-port",
            "0",
            f"sip:a@127.0.0.1:{sip}",
        )
    )
    assert code in (11, 15)
    assert of_type(events, "ended")[0]["reason"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--audio-file", "no-such.wav"],
        ["--audio-file", "README.md"],
        ["--local-ip", "192.0.2.77"],
        ["--record", "/no/such/folder/a.wav"],
        ["--codecs", "MP3"],
        ["--plain", "--json"],
        ["sip:"],
        [],  # a dashboard without a terminal
    ],
    ids=lambda arguments: " ".join(arguments) or "no terminal",
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str]) -> None:
    headless = ["--headless"] if arguments else []
    ports = ["--local-sip-port", "0", "--local-rtp-port", "0"]
    process = ringtop(*headless, *ports, *arguments)
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2
    assert err.count("\n") == 1 and err.startswith("ringtop: ") and "Traceback" not in err
    assert out == ""


def test_a_taken_port_is_said_in_one_line() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        for flag in ("--local-sip-port", "--local-rtp-port"):
            ports = {"--local-sip-port": "0", "--local-rtp-port": "0", flag: port}
            flat = [word for pair in ports.items() for word in pair]
            process = ringtop("--headless", "--local-ip", "127.0.0.1", *flat)
            _, err = process.communicate(timeout=PATIENCE_S)
            assert process.returncode == 2 and port in err and err.count("\n") == 1


def test_demo_without_a_terminal_ends_by_itself() -> None:
    process = ringtop("--demo", "--duration", "4", "--audio", "null")
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    lines = out.splitlines()
    assert lines[0].startswith("ready") and any("talking" in line for line in lines)
    assert any("ended after" in line for line in lines)
    assert all(line.isprintable() for line in lines)


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
def test_a_signal_hangs_up_with_bye() -> None:
    sip, rtp = free_ports()
    other = receiver("--auto-answer", sip=sip, rtp=rtp)
    caller = ringtop(
        "--headless", "--json", "--audio", "null", "--local-ip", "127.0.0.1", "--local-sip-port", "0",
        "--local-rtp-port", "0", f"sip:a@127.0.0.1:{sip}",
    )  # fmt: skip
    time.sleep(2)
    os.kill(caller.pid, signal.SIGINT)
    assert finish(caller)[0] == 0
    other.send_signal(signal.SIGINT)
    _, events, _ = finish(other)
    assert of_type(events, "ended")[0]["reason"] == "the far end hung up"
