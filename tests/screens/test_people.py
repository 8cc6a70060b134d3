"""Contacts and past calls in the real program: two files that it reads, and that anybody may edit."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.screens.harness import PHONE, Program, python

NOBODY_THERE = "sip:anna@127.0.0.1:9"

pytestmark = [pytest.mark.screen, pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """Contacts and call history, in the folder that ``nobody_known`` has made the user's."""
    folder = tmp_path / "ringtop"
    folder.mkdir()
    (folder / "contacts.txt").write_text(f"# friends\nAnna Berg  {NOBODY_THERE}\nBob  sip:bob@192.0.2.7\n")
    return folder / "contacts.txt", folder / "calls.txt"


@pytest.fixture
def program(files: tuple[Path, Path]) -> Iterator[Program]:
    with Program(python(*PHONE), columns=100, rows=30) as running:
        running.wait_for("dial")
        yield running


def type_slowly(program: Program, *keys: str) -> None:
    """One by one: many letters at once are a text."""
    for key in keys:
        program.send(key)
        program.pump(0.1)


def test_a_contact_is_dialled_from_the_line_and_the_call_noted_down(program: Program, files: tuple[Path, Path]) -> None:
    type_slowly(program, *"dan")
    program.wait_for("★ Anna Berg")
    program.send("\t")
    program.wait_for(f"dial: Anna Berg <{NOBODY_THERE}>")
    program.send("\r")
    program.wait_for("ended")
    program.send("7")
    program.wait_for(lambda it: any("→ ★ Anna Berg" in row and "WHEN" not in row for row in it.rows()[4:]))
    line = files[1].read_text().splitlines()[-1].split("\t")
    assert line[1:3] == ["out", NOBODY_THERE] and line[4] == "-"


def test_a_contact_is_changed_and_removed_where_it_stands(program: Program, files: tuple[Path, Path]) -> None:
    program.send("7")
    program.wait_for("▶Anna Berg")
    type_slowly(program, "e", *" M", "\r")
    program.wait_for("the contact is kept")
    assert files[0].read_text() == f"# friends\nAnna Berg M  {NOBODY_THERE}\nBob  sip:bob@192.0.2.7\n"
    type_slowly(program, "x")
    program.wait_for("remove Anna Berg M from the contacts?")
    program.send("y")
    program.wait_for("▶Bob")
    assert files[0].read_text() == "# friends\nBob  sip:bob@192.0.2.7\n"


def test_what_another_program_writes_is_seen(program: Program, files: tuple[Path, Path]) -> None:
    program.send("7")
    program.wait_for("▶Anna Berg")
    files[0].write_text("Zoë sip:zoe@example.net\nnonsense\n")
    program.wait_for("▶Zoë")
    program.send("6")
    program.wait_for("line 2: 'nonsense'")


def test_the_name_of_a_contact_on_the_command_line(files: tuple[Path, Path]) -> None:
    with Program(python(*PHONE, "anna"), columns=100, rows=30) as running:
        running.wait_for("★ Anna Berg")
    files[0].write_text("Anna Berg sip:a@x\nAnna Smith sip:b@x\n")
    with Program(python(*PHONE, "anna"), columns=100, rows=30) as running:
        running.wait_for("ringtop: 'anna' may be Anna Berg <sip:a@x>, Anna Smith <sip:b@x>")
        assert running.wait_exit() == 2
