"""``.ci/setup``, with a Python that only says what it was asked: once is enough, and what is missing is one line."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOOLS = (
    "sh", "cat", "cp", "dirname", "env", "find", "grep", "head", "id", "ln", "mkdir", "readlink", "rm", "sed", "sleep",
    "touch",
)  # fmt: skip

# Files in the folder say what there is not: a venv module, room for one, a network, the wheel of an extra, patience.
PYTHON = """#!/bin/sh
case "$*" in
    "-m venv .venv")
        echo >>asked-venv
        [ -e no-venv ] && exit 1
        [ -e no-room ] && { echo "Error:"; echo "No space left on device"; exit 1; }
        mkdir -p .venv/bin && cp "$0" .venv/bin/python && sleep 0.5
        ;;
    *ensurepip*) [ ! -e no-venv ] ;;
    "- .venv") cat >/dev/null; echo numpy >.venv/requirements.txt; echo G722 >.venv/extra-g722.txt ;;
    *"pip --version") ;;
    *pip*install*)
        echo "$*" >>asked-pip
        [ -e no-patience ] && kill -"$(cat no-patience)" $PPID && exit 1
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
            self.has(name)

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

    def has(self, tool: str) -> None:
        (self.folder / "bin" / tool).symlink_to(str(shutil.which(tool)))

    def start(self) -> subprocess.Popen[str]:
        environment = {"PATH": str(self.folder / "bin"), "PYTHON": str(self.folder / "python")}
        return subprocess.Popen(
            [str(self.folder / "bin" / "sh"), ".ci/setup"],
            cwd=self.folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def set_up(self) -> tuple[int, list[str]]:
        """(exit code, lines)"""
        return ended(self.start())

    @property
    def asked(self) -> int:
        """How often pip was asked for something."""
        return self.times("pip")

    def times(self, what: str) -> int:
        """How often somebody was asked."""
        log = self.folder / f"asked-{what}"
        return len(log.read_text().splitlines()) if log.exists() else 0


def ended(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """(exit code, lines)"""
    out, err = process.communicate(timeout=30)
    assert out == ""
    return process.returncode, err.splitlines()


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


ONCE = "ringtop: setting up .venv (once; about a minute)"
WAITING = "ringtop: waiting for another set-up of .venv"


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


@pytest.fixture(params=["flock", "no flock"])
def two_ways(place: Place, request: pytest.FixtureRequest) -> Place:
    """Not every system has flock(1)."""
    if request.param == "flock":
        if not shutil.which("flock"):
            pytest.skip("no flock here")
        place.has("flock")
    return place


def test_two_at_once_are_one_after_the_other(two_ways: Place) -> None:
    processes = [two_ways.start(), two_ways.start()]
    assert sorted(map(ended, processes)) == [(0, [ONCE]), (0, [WAITING])]
    assert two_ways.times("venv") == 1
    assert not (two_ways.folder / ".ci" / "lock").is_symlink()


@pytest.mark.parametrize("how", ["INT", "TERM", "KILL"])
def test_one_that_was_interrupted_is_made_again(two_ways: Place, how: str) -> None:
    two_ways.write("no-patience", how)
    code, said = two_ways.set_up()
    assert code != 0 and said == [ONCE]
    two_ways.lacks()
    code, said = two_ways.set_up()
    assert (code, said[-1], two_ways.times("venv")) == (0, ONCE, 2)
    assert two_ways.set_up() == (0, [])


@pytest.mark.parametrize(("lacking", "asks"), [("room", False), ("venv", True)])
def test_packages_are_asked_for_only_where_one_is_missing(place: Place, lacking: str, asks: bool) -> None:
    for tool in ("apt-get", "sudo"):
        place.write(f"bin/{tool}", "#!/bin/sh\necho >>asked-apt\nexit 1\n").chmod(0o755)
    place.lacks(lacking)
    code, said = place.set_up()
    assert (code, place.times("apt") > 0) == (1, asks)
    assert asks or said[1:] == [f"ringtop: {place.folder / 'python'} -m venv .venv failed: No space left on device"]


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
