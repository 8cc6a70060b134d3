"""``.ci/setup``, with a Python that only says what it was asked: once is enough, and what is missing is one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = ("sh", "cat", "cp", "dirname", "env", "find", "grep", "head", "id", "mkdir", "rm", "sed", "touch")

# Files in the folder say what there is not: a venv module, a network, the wheel of an extra.
PYTHON = """#!/bin/sh
case "$*" in
    "-m venv .venv") [ -e no-venv ] && exit 1; mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
    "- .venv") cat >/dev/null; echo numpy >.venv/requirements.txt; echo G722 >.venv/extra-g722.txt ;;
    *"pip --version") ;;
    *pip*install*)
        echo "$*" >>asked-pip
        [ -e no-network ] && echo "WARNING: NewConnectionError" >&2
        [ -e no-network ] || { [ -e no-g722 ] && [ "${*%g722.txt}" != "$*" ]; } || exit 0
        echo "ERROR: No matching distribution found" >&2
        exit 1
        ;;
    -) cat >/dev/null ;;
esac
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a shell script")


class Place:
    """A clone with nothing but the script, on a machine where no package can be installed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / ".ci").mkdir()
        shutil.copy(ROOT / ".ci" / "setup", folder / ".ci" / "setup")
        self.write("pyproject.toml", "1")
        self.write("python", PYTHON).chmod(0o755)
        (folder / "bin").mkdir()
        for name in TOOLS:
            (folder / "bin" / name).symlink_to(str(shutil.which(name)))

    def write(self, name: str, text: str = "") -> Path:
        path = self.folder / name
        path.write_text(text)
        return path

    def lacks(self, *names: str) -> None:
        """From now on these are missing, and no others."""
        for path in self.folder.glob("no-*"):
            path.unlink()
        for name in names:
            self.write(f"no-{name}")

    def changes(self) -> None:
        """Another pyproject.toml was fetched."""
        ready = self.folder / ".venv" / "ready"
        os.utime(ready, (1, 1))

    def set_up(self) -> tuple[int, list[str]]:
        """(exit code, lines)"""
        environment = {"PATH": str(self.folder / "bin"), "PYTHON": str(self.folder / "python")}
        done = subprocess.run(
            [str(self.folder / "bin" / "sh"), ".ci/setup"],
            cwd=self.folder, env=environment, capture_output=True, text=True, timeout=30,
        )  # fmt: skip
        assert done.stdout == ""
        return done.returncode, done.stderr.splitlines()

    @property
    def asked(self) -> int:
        """How often pip was asked for something."""
        log = self.folder / "asked-pip"
        return len(log.read_text().splitlines()) if log.exists() else 0


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


ONCE = "ringtop: setting up .venv (once; about a minute)"


def test_once_is_enough(place: Place) -> None:
    assert place.set_up() == (0, [ONCE])
    asked = place.asked
    place.lacks("network", "venv")
    assert place.set_up() == (0, [])
    assert place.asked == asked > 0


def test_no_venv_module(place: Place) -> None:
    place.lacks("venv")
    line = "ringtop: Python's venv module is missing: apt-get install python3-venv"
    assert place.set_up() == (1, [ONCE, line])


def test_no_network_at_first(place: Place) -> None:
    place.lacks("network")
    code, lines = place.set_up()
    assert code == 1 and len(lines) == 2 and "is there a network?" in lines[1]
    place.lacks()
    assert place.set_up() == (0, [])


def test_no_network_later_is_no_reason_to_stop(place: Place) -> None:
    place.set_up()
    place.changes()
    place.lacks("network")
    code, (line,) = place.set_up()
    assert code == 0 and line.startswith("ringtop: going on with what was installed before")
    place.lacks()
    asked = place.asked
    assert place.set_up() == (0, []) and place.asked > asked
    place.lacks("network")
    assert place.set_up() == (0, [])


def test_an_extra_that_cannot_be_had_is_said_once(place: Place) -> None:
    place.lacks("g722")
    line = "ringtop: going on without ringtop[g722]: pip could not install G722"
    assert place.set_up() == (0, [ONCE, line])
    assert place.set_up() == (0, [])
