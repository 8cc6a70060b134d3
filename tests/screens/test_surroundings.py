"""The phone in a real terminal, and what it does to it besides painting: title, bell, mouse, cursor, sizes."""

from __future__ import annotations

import random
import re
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.screens.harness import PHONE, Program, python

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.screen, pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")]

Start = Callable[..., Program]


@pytest.fixture
def start() -> Iterator[Start]:
    programs: list[Program] = []

    def run(*options: str, columns: int = 100, rows: int = 30, **more: str) -> Program:
        programs.append(Program(python(*PHONE, *options), columns=columns, rows=rows, cwd=ROOT, **more))
        programs[-1].wait_for("dial")
        return programs[-1]

    yield run
    for program in programs:
        program.close()


@pytest.fixture
def call() -> Iterator[Callable[[Program], None]]:
    """Somebody who calls the phone that is seen on a screen."""
    callers: list[subprocess.Popen[bytes]] = []

    def dial(program: Program) -> None:
        port = re.findall(r"127\.0\.0\.1:(\d+)", program.text())[0]
        command = python(*PHONE, "--headless", "--json", f"sip:anna@127.0.0.1:{port}")
        callers.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL))
        program.wait_for("ringing")

    yield dial
    for caller in callers:
        caller.kill()
        caller.wait()


def test_the_title_says_who_rings_and_who_is_talked_with_and_is_given_back(start: Start, call: Callable) -> None:
    program = start()
    program.wait_for(lambda it: it.screen.title == "ringtop")
    call(program)
    program.wait_for(lambda it: it.screen.title.endswith("is calling - ringtop"))
    program.send("a")
    program.wait_for(lambda it: it.screen.title.endswith(", talking - ringtop"))
    program.send("q")
    program.wait_for("y yes")
    program.send("y")
    assert program.wait_exit() == 0
    assert program.output.count(b"\x1b[22;0t") == program.output.count(b"\x1b[23;0t") == 1
    assert b"\x07" not in program.output and b"\x1b]9" not in program.output and b"\x1b[?1000h" not in program.output


def test_a_terminal_without_a_title_is_sent_none(start: Start) -> None:
    program = start(term="vt100")
    program.send("q")
    assert program.wait_exit() == 0
    assert b"\x1b]" not in program.output and b"22;0t" not in program.output


@pytest.mark.parametrize("term", ["vt100", "vt220", "linux"])
def test_where_there_is_no_other_screen_the_last_row_is_left_empty(start: Start, term: str) -> None:
    program = start(term=term)
    assert program.rows()[-1]
    program.send("q")
    assert program.wait_exit() == 0
    assert program.rows()[-1] == "" and program.rows()[0] and program.screen.cursor.y == len(program.rows()) - 1
    assert b"$<" not in program.output


def test_ctrl_c_leaves_a_line_that_is_typed_and_else_ends_the_program(start: Start) -> None:
    program = start()

    def interrupts(it: Program) -> bool:
        return it.modes()[6][termios.VINTR] == b"\x03"  # type: ignore[index]

    program.send("dbob")
    program.wait_for("dial: bob")
    program.send("\x03")
    program.wait_for(lambda it: "dial:" not in it.text())
    program.send("d")
    program.wait_for(lambda it: "dial:" in it.text() and not interrupts(it))
    program.signal(signal.SIGTSTP)
    program.wait_for(interrupts)  # the shell's
    program.signal(signal.SIGCONT)
    program.wait_for(lambda it: "dial:" in it.text() and not interrupts(it))
    program.send("\x03")
    program.wait_for(interrupts)
    assert program.process.poll() is None
    program.send("\x03")
    assert program.wait_exit() == 0


def test_bell_and_notification_where_they_are_wanted(start: Start, call: Callable) -> None:
    program = start("--bell", "--notify", "--no-title")
    call(program)
    program.wait_for(lambda it: b"\x1b]9;ringtop: " in it.output and b"\x07" in it.output)
    assert b"\x1b]2;" not in program.output


def test_the_mouse_is_switched_off_again_in_whatever_way_it_ends(start: Start) -> None:
    program = start("--mouse")
    assert b"\x1b[?1006h" in program.output
    y = next(y for y, row in enumerate(program.rows()) if "quit" in row)
    x = program.rows()[y].index("quit")
    program.send(f"\x1b[<0;{x + 1};{y + 1}M")
    assert program.wait_exit() == 0
    assert program.output.index(b"\x1b[?1006l") > program.output.index(b"\x1b[?1006h")


def test_the_cursor_rests_on_the_call_that_is_looked_at(start: Start, call: Callable) -> None:
    program = start()
    call(program)
    y = next(y for y, row in enumerate(program.rows()) if "ringing" in row and "\u2190" in row)
    program.wait_for(lambda it: (it.screen.cursor.x, it.screen.cursor.y) == (0, y))
    assert program.screen.cursor.hidden
    program.send("d")
    program.wait_for("dial:")
    program.wait_for(lambda it: it.screen.cursor.y == it.screen.lines - 1 and not it.screen.cursor.hidden)


def test_pasted_words_are_obeyed_in_no_way(start: Start, call: Callable) -> None:
    program = start()
    call(program)
    program.send("a horse, a queen, a hat")
    program.wait_for("a text came in, not keys")
    assert "ringing" in program.text()


def test_after_fifty_sizes_no_row_is_stale_or_torn(start: Start) -> None:
    chance, program = random.Random(7), start()
    program.send("?")
    for _ in range(50):
        program.resize(chance.randint(1, 200), chance.randint(1, 60))
        program.pump(chance.choice((0.0, 0.02, 0.15)))
    program.resize(110, 34)
    program.wait_for("every key")
    program.pump(1.0)
    seen = program.rows()[1:]  # the first row has a clock
    program.send("\x0c")
    program.pump(1.0)
    assert program.rows()[1:] == seen


SLOW = """
import sys, time
sys.path.insert(0, sys.argv.pop(1))
import tui
from engine.io.loop import Loop
turn = Loop.turn
Loop.turn = lambda *wait: time.sleep(0.3) or turn(*wait)
sys.exit(tui.main())
"""


def test_ctrl_z_and_fg_in_a_job_whose_shell_is_quicker_than_we_are(tmp_path: Path) -> None:
    """As with ``make demo`` on a busy machine: the shell has its terminal back before we have heard of it."""
    script = tmp_path / "slow.py"
    script.write_text(SLOW)
    job = f"sh -c '{sys.executable} {script} {ROOT} {' '.join(PHONE[1:])} --no-config; echo ended with $?'"
    shell = ["bash", "--norc", "--noprofile", "-i"]
    with Program(shell, columns=80, rows=24, env={"PS1": "$ ", "HISTFILE": "/dev/null"}) as program:
        program.wait_for("$")
        program.send(job + "\r")
        program.wait_for("Waiting for a call")
        program.send("\x1a")
        program.wait_for(lambda each: b"Stopped" in each.output)
        program.screen.reset()
        program.send("\x15fg\r")  # what the terminal answered to us went to the shell: away with it
        program.wait_for("Waiting for a call")
        program.send("q")
        program.wait_for(lambda each: b"ended with 0" in each.output)
        program.send("exit\r")
        program.wait_exit()
