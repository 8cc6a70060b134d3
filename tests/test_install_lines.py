"""The lines that say what to install can be run as they stand."""

from __future__ import annotations

import os
import shlex
import shutil
import sys

import pytest

from engine.install import LIBOPUS, pip_line, pyaudio_line, system_line

PYTHON = "/home/me/my venv/bin/python"
PIP = "'/home/me/my venv/bin/python' -m pip install"
DEBIAN = "apt-get install portaudio19-dev python3-dev gcc"


@pytest.fixture(autouse=True)
def python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", PYTHON)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)


def has(monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: name if name in programs else None)


@pytest.mark.parametrize(
    ("platform", "user", "programs", "line"),
    [
        ("linux", 1000, {"apt-get", "sudo"}, f"sudo {DEBIAN} && {PIP} pyaudio"),
        ("linux", 1000, {"apt-get"}, f"su -c '{DEBIAN}' && {PIP} pyaudio"),
        ("linux", 0, {"apt-get", "sudo"}, f"{DEBIAN} && {PIP} pyaudio"),
        ("linux", 1000, {"dnf", "sudo"}, f"sudo dnf install portaudio-devel python3-devel gcc && {PIP} pyaudio"),
        ("darwin", 1000, {"brew", "sudo"}, f"brew install portaudio && {PIP} pyaudio"),
        ("win32", 1000, set(), '"/home/me/my venv/bin/python" -m pip install pyaudio'),
        ("linux", 1000, set(), f"install PortAudio with its headers, then {PIP} pyaudio"),
    ],
)
def test_pyaudio(monkeypatch: pytest.MonkeyPatch, platform: str, user: int, programs: set[str], line: str) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    has(monkeypatch, *programs)
    assert pyaudio_line() == line


def test_the_path_of_python_is_one_word_of_the_shell() -> None:
    assert shlex.split(pip_line("soundfile")) == [PYTHON, "-m", "pip", "install", "soundfile"]


def test_a_library_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    has(monkeypatch, "apt-get", "sudo")
    assert system_line(LIBOPUS) == "sudo apt-get install libopus0"
    has(monkeypatch)
    assert system_line(LIBOPUS) == ""
