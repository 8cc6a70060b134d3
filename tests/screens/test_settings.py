"""The configuration file and the real program: what it changes, what is wrong with it, and what the screen saves."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.screens.harness import PHONE, Program, python

pytestmark = [pytest.mark.screen, pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")]

Start = Callable[..., Program]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ringtop" / "config.toml"


@pytest.fixture
def start(path: Path) -> Iterator[Start]:
    """Start the phone of a user whose file is at ``path``."""
    programs: list[Program] = []

    def run(*options: str, columns: int = 100, rows: int = 30) -> Program:
        home = {"XDG_CONFIG_HOME": str(path.parents[1])}
        programs.append(Program(python(*PHONE, *options), columns=columns, rows=rows, env=home))
        return programs[-1]

    yield run
    for program in programs:
        program.close()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text)


def test_what_was_changed_is_saved_and_holds_the_next_time(start: Start, path: Path) -> None:
    write(path, '# mine\n[call]\ncodecs = ["PCMU", "PCMA"]  # at home\n')
    program = start()
    program.wait_for("dial")
    program.send("8")
    program.wait_for("1 PCMU")
    for _ in range(4):  # one by one: many letters at once are a text
        program.send("j")
        program.pump(0.1)
    program.wait_for(lambda it: any(row.startswith("▶ codecs") for row in it.rows()))
    program.send("l")
    program.wait_for("1 PCMA")
    program.wait_for("s saves codecs")
    program.send("s")
    program.wait_for("codecs saved in")
    assert path.read_text() == '# mine\n[call]\ncodecs = ["PCMA", "PCMU"]  # at home\n'
    program.send("q")
    assert program.wait_exit() == 0
    program = start()
    program.wait_for("dial")
    program.send("8")
    program.wait_for("1 PCMA")


def test_keys_of_the_users_own(start: Start, path: Path) -> None:
    write(path, '[keys]\nmute = ["F5", "M"]\n[screen]\npanes = []\n')
    program = start()
    program.wait_for("F5 M mute")
    program.send("M")
    program.wait_for("MUTED")


def test_what_is_wrong_with_it_is_said_before_there_is_a_screen(start: Start, path: Path) -> None:
    write(path, '[screen]\nmouse = true\n\n[keys]\nmute = "h"\n')
    program = start(columns=200)
    assert program.wait_exit() == 2
    assert program.text().strip() == f"ringtop: {path}, line 5: [keys] mute: h is the key of hang_up"


def test_whoever_wants_no_file_has_none(start: Start, path: Path) -> None:
    write(path, "this is no TOML\n")
    program = start("--no-config")
    program.wait_for("m mute")
    program.send("8")
    program.wait_for("not saved")
