"""The line that installs what is missing: it can be run as it stands, here and for this Python."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping

_MANAGERS = {  # of packages, and what they are asked with
    "apt-get": "apt-get install",
    "dnf": "dnf install",
    "pacman": "pacman -S",
    "zypper": "zypper install",
    "apk": "apk add",
    "brew": "brew install",
}
PORTAUDIO = {  # its headers, and what PyAudio is built with
    "apt-get": "portaudio19-dev python3-dev gcc",
    "dnf": "portaudio-devel python3-devel gcc",
    "pacman": "portaudio gcc",
    "zypper": "portaudio-devel python3-devel gcc",
    "apk": "portaudio-dev python3-dev build-base",
    "brew": "portaudio",
}
LIBOPUS = {
    "apt-get": "libopus0",
    "dnf": "opus",
    "pacman": "opus",
    "zypper": "libopus0",
    "apk": "opus",
    "brew": "opus",
}


def pip_line(package: str) -> str:
    """By the pip of the Python that runs: what ``pip`` alone means is often another one."""
    return f"{_quoted(sys.executable)} -m pip install {package}"


def system_line(packages: Mapping[str, str]) -> str:
    """By the system's own manager of packages; empty where none is known."""
    from shutil import which

    for program, command in _MANAGERS.items():
        if which(program):
            line = f"{command} {packages[program]}"
            if program == "brew" or _are_root():
                return line
            return f"sudo {line}" if which("sudo") else f"su -c {_quoted(line)}"
    return ""


def codec_line(library: str) -> str:
    """For a library that ``engine.media.codecs`` lacks."""
    return pip_line(library) if library != "libopus" else system_line(LIBOPUS) or "install libopus"


def pyaudio_line() -> str:
    """PyAudio is built from its source, but for Windows."""
    pip = pip_line("pyaudio")
    if sys.platform == "win32":
        return pip
    system = system_line(PORTAUDIO)
    return f"{system} && {pip}" if system else f"install PortAudio with its headers, then {pip}"


def _are_root() -> bool:
    """Windows knows no such user."""
    return sys.platform != "win32" and os.geteuid() == 0


def _quoted(word: str) -> str:
    """For the shell of this system; who lacks nothing never loads what that takes."""
    if sys.platform == "win32":
        from subprocess import list2cmdline

        return list2cmdline([word])
    from shlex import quote

    return quote(word)
