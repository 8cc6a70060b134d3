"""The line that installs what is missing: it can be run as it stands, here and for this Python."""

from __future__ import annotations

import sys


def pip_line(package: str) -> str:
    """By the pip of the Python that runs: what ``pip`` alone means is often another one."""
    return f"{_quoted(sys.executable)} -m pip install {package}"


def _quoted(path: str) -> str:
    """For the shell of this system; who lacks nothing never loads what that takes."""
    if sys.platform == "win32":
        from subprocess import list2cmdline

        return list2cmdline([path])
    from shlex import quote

    return quote(path)
