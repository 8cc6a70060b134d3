"""Terminal, disk, far end and sound card may do what they like (design section 9, number 19): the call goes on, or
ends with BYE, what went wrong is said, and what was recorded is a valid file."""

from __future__ import annotations

import fcntl
import os
import shutil
import signal
import struct
import subprocess
import termios
import time
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from tests.interop.far_end import ROOT
from tests.promises.people import LOUD, SAMPLE, Phone, Talker, asks_options, talk_until
from tests.screens.harness import Program

Start = Callable[..., Phone]
Screen = Callable[..., Program]

LINUX = os.path.isdir("/proc/self/task")
STALL_S = 10.0
RATE = 8000


def recorded(path: Path) -> np.ndarray:
    """The samples of a WAV file whose header says just as many as there are."""
    with wave.open(str(path)) as file:
        assert (file.getsampwidth(), file.getframerate()) == (2, RATE)
        data = file.readframes(file.getnframes())
        frame = 2 * file.getnchannels()
        assert len(data) == file.getnframes() * frame
        assert 44 + len(data) <= path.stat().st_size < 44 + len(data) + 20 * frame * 160
    return np.frombuffer(data, "<i2").reshape(-1, frame // 2)


def loud_seconds(pcm: np.ndarray) -> float:
    """How much of it is the far end's sound, which is loud in every sample."""
    return float((np.abs(pcm[:, -1].astype(int)) > LOUD).sum() / RATE)


# ---------------------------------------------------------------------- the terminal


def test_19_a_terminal_that_stalls_shrinks_and_vanishes(dashboard: Screen, far: Talker) -> None:
    program = dashboard()
    talk_until(far, program, "talking")
    stalled_at, before = time.monotonic(), len(far.heard)
    far.talk(STALL_S)  # nobody reads the terminal
    assert len(far.heard) - before > 0.5 * (time.monotonic() - stalled_at) * 50  # a loop that waits sends none
    talk_until(far, program, "00:10")
    for columns, rows in ((1, 1), (0, 0), (1, 1), (3, 1), (120, 1), (1, 40)):
        fcntl.ioctl(program._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        far.talk(0.1, also=lambda: program.pump(0))
    program.resize(80, 24)
    for words in ("q quit", "talking"):  # on a busy machine a new picture comes in parts
        talk_until(far, program, words)
    program.hang_up()
    bye = far.saw("BYE")
    far.answer(bye, "200 OK")
    assert program.wait_exit() == 0
    far.listen()
    assert far.heard_whole()


# ---------------------------------------------------------------------- the disk


def small_disk(folder: Path) -> list[str]:
    """A command that runs another one with 64 KB of room in this folder, or with no file larger than that."""
    mounted = 'mount -t tmpfs -o size=64k none "$0" && exec "$@"'
    private = ["unshare", "--mount", "sh", "-c", mounted, str(folder)]
    if shutil.which("unshare") and subprocess.run([*private, "true"], capture_output=True).returncode == 0:
        return private
    return ["prlimit", "--fsize=65536"]


def errors(phone: Phone) -> list[str]:
    """What it complains of, but for the busy machine that the tests make."""
    return [event["text"] for event in phone.of("error") if "stood still for" not in event["text"]]


@pytest.mark.skipif(not LINUX or shutil.which("prlimit") is None, reason="mounts or limits of Linux")
def test_19_a_full_disk_ends_the_recording_and_not_the_call(start: Start, far: Talker, tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    both = ["--record", str(folder / "far.wav"), "--record-stereo", str(folder / "both.wav")]
    phone = start("--auto-answer", "--audio-file", str(SAMPLE), *both, wrapper=small_disk(folder))
    far.call(phone.sip)
    far.talk_until(lambda: len(errors(phone)) == 2, "a line about each of two recordings")
    far.talk(1.0)
    assert len(errors(phone)) == 2, "each is said once"
    assert all("recording stopped" in text for text in errors(phone))
    seen = Path(f"/proc/{phone.pid}/root{folder}")  # as the program sees it: its mounts are its own
    for name, channels in (("far.wav", 1), ("both.wav", 2)):
        pcm = recorded(seen / name)
        assert pcm.shape[1] == channels and loud_seconds(pcm) > 0.2
    far.hang_up(phone.sip)
    assert far.heard_whole()
    phone.ends()


def test_19_what_was_recorded_survives_kill_9(start: Start, far: Talker, tmp_path: Path) -> None:
    path = tmp_path / "far.wav"
    phone = start("--auto-answer", "--record", str(path))
    far.call(phone.sip)
    far.talk(2.0)
    os.kill(phone.pid, signal.SIGKILL)
    heard_s = far.sent / 50
    assert phone.finish() == -signal.SIGKILL
    assert loud_seconds(recorded(path)) > heard_s - 1.0


# ---------------------------------------------------------------------- the far end


def test_19_the_far_end_dies(dashboard: Screen, far: Talker) -> None:
    """Its sockets are closed, ICMP says so: we send on, the screen shows that nothing comes, and we can hang up."""
    program = dashboard()
    talk_until(far, program, "talking")
    far.media_socket.close()
    far.rtcp_socket.close()
    program.wait_for("  0.0/s")
    assert "talking" in program.text()
    far._sip.close()
    program.send("h")
    program.wait_for("idle")
    program.send("q")
    program.send("y\r")
    assert program.wait_exit() == 0
    assert b"Traceback" not in program.output


# ---------------------------------------------------------------------- the sound card


def helper_of(phone: Phone) -> int:
    """The process id of the card's helper (Linux)."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        children = Path(f"/proc/{phone.pid}/task/{phone.pid}/children").read_text().split()
        if children:
            return int(children[-1])
        time.sleep(0.02)
    raise AssertionError("no helper")


@pytest.mark.skipif(not LINUX, reason="finds the helper in /proc")
def test_19_the_card_hangs_and_dies(start: Start, far: Talker, tmp_path: Path) -> None:
    shutil.copy(ROOT / "tests" / "io" / "fake_pyaudio.py", tmp_path / "pyaudio.py")
    paper = ["env", f"PYTHONPATH={tmp_path}", "FAKE_CARD=any-rate"]
    phone = start("--auto-answer", plain=True, wrapper=paper, audio="device")
    far.call(phone.sip)
    far.talk(0.5)
    first = helper_of(phone)
    os.kill(first, signal.SIGSTOP)
    far.talk_until(lambda: phone.says("the sound card hangs"), "the card that hangs")
    far.talk_until(lambda: helper_of(phone) != first, "another helper")
    far.talk(0.3)
    os.kill(helper_of(phone), signal.SIGKILL)
    far.talk_until(lambda: phone.says("the sound card is gone"), "the card that died")
    far.talk(0.3)
    assert asks_options(phone.sip)
    far.hang_up(phone.sip)
    assert far.heard_whole() and len(far.heard) > 0.5 * far.sent
    phone.ends()
