"""The list of sound devices, on a PortAudio of paper."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.install import pyaudio_line
from engine.io.devices import device_lines
from engine.io.sound import SoundError

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.fixture
def paper(tmp_path, monkeypatch):
    shutil.copy(HERE / "fake_pyaudio.py", tmp_path / "pyaudio.py")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return lambda words: monkeypatch.setenv("FAKE_CARD", words)


def run(*options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tui.py"), "--list-devices", *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=dict(os.environ))


def test_one_line_a_device_and_no_call(paper):
    paper("")
    done = run()
    assert done.stdout.splitlines() == ["input   Paper Microphone  (default)", "output  Paper Speaker  (default)"]
    assert (done.returncode, done.stderr) == (0, "")


def test_no_card_is_said(paper):
    paper("none")
    done = run()
    assert (done.stdout, done.returncode) == ("no sound card\n", 0)


def test_a_device_that_is_not_the_default_is_not_said_to_be(paper):
    paper("deaf")
    assert device_lines(lambda: True) == ["input   Paper Microphone", "output  Paper Speaker  (default)"]


def test_trouble_is_one_line_and_exit_code_2(paper):
    paper("unloadable")
    done = run()
    assert (done.stdout, done.returncode) == ("", 2)
    assert done.stderr.startswith("ringtop: the sound devices cannot be listed: ") and done.stderr.count("\n") == 1


def test_without_pyaudio_the_line_that_installs_it_is_said():
    with pytest.raises(SoundError) as caught:
        device_lines(lambda: False)
    assert "PyAudio" in str(caught.value) and str(caught.value).endswith(pyaudio_line())
