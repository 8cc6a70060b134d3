"""The real ``Screen`` in a real pty, read by a terminal emulator. The program is ``easel.py``."""

from __future__ import annotations

import curses
import json
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.screens.harness import DEADLINE_S, Program, python
from widgets.screen import ConsoleScreen

EASEL = str(Path(__file__).parent / "easel.py")
SGR_COLOUR = re.compile(rb"\x1b\[(?:\d+;)*(?:3[0-79]|4[0-79]|9[0-7]|10[0-7]|38;|48;)[\d;]*m")

pytestmark = pytest.mark.screen

Start = Callable[..., Program]


@pytest.fixture
def report_path(tmp_path: Path) -> Path:
    return tmp_path / "report.json"


@pytest.fixture
def start(report_path: Path) -> Iterator[Start]:
    programs: list[Program] = []

    def run(*extra: str, columns: int = 60, rows: int = 8, **more: Any) -> Program:
        program = Program(python(EASEL, str(report_path), *extra), columns=columns, rows=rows, **more)
        programs.append(program)
        return program

    yield run
    for program in programs:
        program.close()


def report(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text()))


def wait_report(
    path: Path, condition: Callable[[dict[str, Any]], object], program: Program | None = None
) -> dict[str, Any]:
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        if path.exists() and condition(report(path)):
            return report(path)
        if program is None:
            time.sleep(0.02)
        else:
            program.pump(0.02)
    raise AssertionError(f"never reported; the last was {path.read_text() if path.exists() else None}")


def boxed(columns: int, rows: int, *lines: str) -> list[str]:
    """The picture that the easel paints."""
    inner = [line.ljust(columns - 2)[: columns - 2] for line in lines]
    inner += [" " * (columns - 2)] * (rows - 2 - len(inner))
    title = f"── {columns}x{rows} "
    return [
        "┌" + title.ljust(columns - 2, "─") + "┐",
        *(f"│{line}│" for line in inner),
        "└" + "─" * (columns - 2) + "┘",
    ]


def see(program: Program, rows: list[str]) -> None:
    """Wait for exactly this picture: the first ones come in parts."""
    program.wait_for(lambda each: each.rows() == rows)


def test_the_first_picture_reaches_the_last_corner(start: Start) -> None:
    program = start(columns=30, rows=6)
    program.wait_for("┘")
    see(program, boxed(30, 6, " keys", " mode"))
    assert program.screen.buffer[5][29].fg == "red"
    assert program.screen.buffer[1][2].fg == "green"
    assert program.screen.cursor.hidden


def test_keys_become_names_and_escape_is_immediate(start: Start, report_path: Path) -> None:
    program = start()
    program.wait_for("60x8")
    program.send("a\x1b[A\x1bOB\x1b[5~\x1bOP日\t\x7f\r\x15\x1bx")
    program.wait_for("Alt-x")
    program.send("\x1b[200~pasted\x1b[201~")
    program.wait_for("Paste:pasted")
    program.send("\x1b")
    wait_report(report_path, lambda values: values["keys"][-1] == "Escape", program)
    program.send("q")
    assert program.wait_exit() == 0
    assert report(report_path)["keys"] == [
        "a", "Up", "Down", "PageUp", "F1", "日", "Tab", "Backspace", "Enter", "Ctrl-U", "Alt-x",
        "Paste:pasted", "Escape", "q",
    ]  # fmt: skip


def test_strange_text_keeps_its_place_and_never_acts(start: Start) -> None:
    program = start()
    program.wait_for("┘")  # of the first picture, whose last corner is red
    before = len(program.output)
    program.send("f")
    program.wait_for("mode f")
    program.wait_for("end")
    row = program.rows()[3]
    assert row.startswith("│ ?[31m日本語 ? e") or row.startswith("│ ?[31m日本語 ? é")
    assert row.endswith("│")
    painted = bytes(program.output[before:])
    assert not any(char in painted.decode() for char in "\x07\x9b\u202e")
    assert b"\x1b[31m" not in painted


def test_everything_is_restored_at_the_end(start: Start, report_path: Path) -> None:
    program = start()
    modes = program.modes()
    program.wait_for("60x8")
    assert program.modes() != modes
    program.send("c")
    program.wait_for(lambda each: not each.screen.cursor.hidden)
    assert (program.screen.cursor.x, program.screen.cursor.y) == (5, 2)
    program.send("q")
    assert program.wait_exit() == 0
    assert program.modes() == modes
    for sequence in (b"\x1b[?2004l", b"\x1b[?1049l", b"\x1b[?25h"):
        assert sequence in program.output
    assert not program.screen.cursor.hidden
    assert program.output.rindex(b"\x1b[?1049l") > program.output.rindex(b"\x1b[5n")
    assert report(report_path)["written"] == len(program.output)


def test_everything_is_restored_after_an_exception(start: Start) -> None:
    program = start()
    modes = program.modes()
    program.wait_for("60x8")
    program.send("x")
    assert program.wait_exit() == 1
    assert program.modes() == modes
    assert program.output.index(b"\x1b[?1049l") < program.output.index(b"as asked")  # coloured from 3.13 on
    assert program.output.count(b"\x1b[?1049l") == 1


def test_an_answer_under_way_is_not_left_for_the_shell(report_path: Path) -> None:
    script = f"{sys.executable} {EASEL} {report_path}; echo over; head -n 1 | cat -v"
    with Program(["sh", "-c", script], answers=False) as program:
        program.wait_for("80x24")
        program.wait_for(lambda each: b"\x1b[5n" in each.output)
        program.send("q")
        program.pump(0.05)
        program.send("\x1b[0n")
        program.wait_for(lambda each: b"over" in each.output)
        program.send("typed\r")
        program.wait_exit()
        assert program.output.endswith(b"over\r\ntyped\r\ntyped\r\n")


def test_a_stalled_terminal_does_not_stop_the_turns(start: Start, report_path: Path) -> None:
    program = start(columns=120, rows=40)
    program.wait_for("120x40")
    program.send("b")
    program.pump(0.3)
    time.sleep(0.5)  # from here on nobody reads
    first = report(report_path)
    time.sleep(3.0)
    second = report(report_path)
    assert second["turns"] - first["turns"] > 60  # of about 150 turns that wait 20 ms each
    assert second["turns"] - first["turns"] < 1000  # and no busy loop
    assert second["frames"] - first["frames"] < 10
    program.send("c")
    program.wait_for("120x40")
    program.wait_for("mode c")
    see(program, boxed(120, 40, " keys b c", " mode c"))


def test_a_terminal_that_stalls_without_end_can_be_left(start: Start, report_path: Path) -> None:
    program = start(columns=200, rows=60, answers=False)
    program.wait_for("200x60")
    program.send("b")
    time.sleep(0.5)
    program.send("q")
    end = time.monotonic() + DEADLINE_S
    while program.process.poll() is None and time.monotonic() < end:
        time.sleep(0.05)
    assert program.process.returncode == 0


def test_a_terminal_that_never_answers_is_drawn_on_all_the_same(start: Start) -> None:
    program = start(answers=False)
    program.wait_for("60x8")
    for key in "abcd":
        program.send(key)
    program.wait_for("keys a b c d")
    program.pump(2.0)
    assert program.output.count(b"\x1b[5n") <= 4


def test_fifty_sizes_in_a_row_end_with_the_right_picture(start: Start) -> None:
    program = start(columns=80, rows=24)
    program.wait_for("80x24")
    chance = random.Random(7)
    for _ in range(50):
        program.resize(chance.randint(1, 130), chance.randint(1, 45))
        program.pump(chance.choice([0.0, 0.01, 0.05]))
    program.resize(47, 11)
    expected = boxed(47, 11, " keys", " mode")
    program.wait_for(lambda each: each.rows() == expected)
    program.resize(46, 11)
    expected = boxed(46, 11, " keys", " mode")
    program.wait_for(lambda each: each.rows() == expected)


@pytest.mark.parametrize(("columns", "rows"), [(20, 3), (1, 1), (2, 1), (1, 5), (200, 60)])
def test_any_size_will_do(start: Start, columns: int, rows: int, report_path: Path) -> None:
    program = start(columns=columns, rows=rows)
    if columns > 10:
        program.wait_for(f"{columns}x{rows}")
        assert program.rows()[0] == boxed(columns, rows)[0]
    wait_report(report_path, lambda values: values["frames"] > 0, program)
    program.resize(80, 24)
    program.wait_for("80x24")
    program.resize(columns, rows)
    program.pump(0.2)
    program.send("q")
    assert program.wait_exit() == 0


def test_a_terminal_that_vanishes_is_noticed(start: Start, report_path: Path) -> None:
    program = start()
    program.wait_for("60x8")
    program.hang_up()
    assert program.wait_exit() == 0
    values = report(report_path)
    assert values["ended"] == "gone"


def test_a_stalled_terminal_that_vanishes_is_noticed(start: Start, report_path: Path) -> None:
    program = start(columns=200, rows=60)
    program.wait_for("200x60")
    program.send("b")
    time.sleep(0.5)
    program.hang_up()
    assert program.wait_exit() == 0
    assert report(report_path)["ended"] == "gone"


def test_suspend_gives_the_terminal_back_and_resume_repaints(start: Start, report_path: Path) -> None:
    program = start()
    modes = program.modes()
    program.wait_for("60x8")
    running = program.modes()
    program.signal(signal.SIGTSTP)
    wait_report(report_path, lambda values: values.get("suspended"), program)
    program.pump(0.1)
    assert program.modes() == modes
    assert program.output.rindex(b"\x1b[?1049l") > program.output.rindex(b"\x1b[?1049h")
    assert not program.screen.cursor.hidden
    program.screen.reset()
    program.resize(50, 7)  # while nobody looks
    program.signal(signal.SIGCONT)
    program.wait_for("50x7")
    see(program, boxed(50, 7, " keys", " mode"))
    assert program.modes() == running
    assert program.output.rindex(b"\x1b[?1049h") > program.output.rindex(b"\x1b[?1049l")
    program.send("q")
    assert program.wait_exit() == 0
    assert program.modes() == modes


def test_ctrl_z_in_a_shell_bg_and_fg(report_path: Path) -> None:
    shell = ["bash", "--norc", "--noprofile", "-i"]
    with Program(shell, columns=60, rows=8, env={"PS1": "$ ", "HISTFILE": "/dev/null"}) as program:
        program.wait_for("$")
        program.send(f"{sys.executable} {EASEL} {report_path}\r")
        program.wait_for("60x8")
        program.send("\x1a")
        program.wait_for("Stopped")
        program.send("bg\r")
        before = wait_report(report_path, lambda values: not values.get("suspended"), program)
        wait_report(report_path, lambda values: values["turns"] > before["turns"] + 20, program)  # unseen, but alive
        program.screen.reset()
        program.send("fg; echo ended with $?\r")
        program.wait_for("60x8")
        program.send("q")
        program.wait_for(lambda each: b"ended with 0" in each.output)
        program.send("exit\r")
        program.wait_exit()


def test_stopped_without_a_word_and_continued(start: Start) -> None:
    program = start()
    modes = program.modes()
    program.wait_for("60x8")
    running = program.modes()
    program.signal(signal.SIGSTOP)
    program.pump(0.1)
    program.set_modes(modes)
    program.screen.reset()
    program.signal(signal.SIGCONT)
    program.wait_for("60x8")
    see(program, boxed(60, 8, " keys", " mode"))
    assert program.modes() == running
    program.send("q")
    assert program.wait_exit() == 0
    assert program.modes() == modes


@pytest.mark.parametrize("term", ["vt100", "vt220", "linux", "ansi", "xterm", "screen", "rxvt", "vt52"])
def test_kinds_of_terminals(start: Start, term: str, report_path: Path) -> None:
    program = start(term=term, columns=40, rows=6)
    wait_report(report_path, lambda values: values["frames"] > 0, program)
    if term != "vt52":  # the emulator does not know its sequences
        program.wait_for("40x6")
        program.wait_for(lambda each: "keys" in each.rows()[1])  # the first frame comes in parts
    if term in ("vt100", "vt220", "linux", "vt52"):
        assert b"\x1b[?2004h" not in program.output
    assert (b"\x1b[5n" in program.output) == (term != "vt52")
    program.send("a")
    wait_report(report_path, lambda values: values["keys"] == ["a"], program)
    program.send("q")
    assert program.wait_exit() == 0
    assert report(report_path)["unicode"] == (term not in ("linux", "vt52"))


@pytest.mark.parametrize(
    ("term", "said"),
    [("dumb", "cannot position the cursor"), ("no-such-thing", "not known here"), ("", "TERM is not set")],
)
def test_a_terminal_that_will_not_do_gets_one_clear_line(start: Start, term: str, said: str) -> None:
    program = start(term=term, columns=100)
    modes = program.modes()
    assert program.wait_exit() == 2
    lines = program.output.decode().splitlines()
    assert len(lines) == 1 and said in lines[0]
    assert program.modes() == modes


def test_without_a_terminal_there_is_one_clear_line(report_path: Path) -> None:
    done = subprocess.run(
        python(EASEL, str(report_path)), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "no terminal" in done.stderr and len(done.stderr.splitlines()) == 1


def test_in_the_c_locale_no_other_byte_than_ascii_is_sent(start: Start, report_path: Path) -> None:
    program = start(env={"LC_ALL": "C"}, term="vt100")
    program.wait_for("60x8")
    program.send("f")
    program.wait_for("mode f")
    program.wait_for("end")
    assert bytes(program.output).isascii()
    assert program.rows()[0].startswith("+-- 60x8 ---")
    assert "??????" in program.rows()[3]
    program.send("q")
    assert program.wait_exit() == 0
    assert report(report_path)["unicode"] is False


@pytest.mark.parametrize(("lines", "columns"), [("100000", "xx"), ("99999999999999", "0"), ("-3", "7")])
def test_the_size_in_the_environment_is_nobodys_business(start: Start, lines: str, columns: str) -> None:
    """ncurses would believe it, and end the process where there is no memory for such a screen."""
    program = start(env={"LINES": lines, "COLUMNS": columns})
    program.wait_for("60x8")
    see(program, boxed(60, 8, " keys", " mode"))


def test_a_user_may_ask_for_ascii(start: Start) -> None:
    program = start("ascii")
    program.wait_for("+-- 60x8 ---")
    program.send("f")
    program.wait_for("end")
    assert bytes(program.output).isascii()


def test_a_locale_that_is_not_installed_counts_as_c(start: Start) -> None:
    program = start(env={"LC_ALL": "xx_YY.UTF-8"}, term="vt100")
    program.wait_for("+-- 60x8 ---")
    assert bytes(program.output).isascii()


def test_no_color_means_no_colour_bytes(start: Start) -> None:
    program = start(env={"NO_COLOR": "1"})
    program.wait_for("60x8")
    program.send("b")
    program.pump(0.3)
    program.send("q")
    assert program.wait_exit() == 0
    assert not SGR_COLOUR.search(bytes(program.output))


def test_colour_bytes_are_seen_without_no_color(start: Start) -> None:
    program = start()
    program.wait_for("60x8")
    assert SGR_COLOUR.search(bytes(program.output))


def test_a_quiet_screen_costs_nothing_and_a_small_change_little(start: Start) -> None:
    program = start()
    program.wait_for("60x8")
    program.pump(0.2)
    before = len(program.output)
    program.pump(0.5)
    assert len(program.output) == before
    program.send("a")
    program.wait_for("keys a")
    program.pump(0.1)
    assert len(program.output) - before < 60


def test_the_round_trip_is_measured(start: Start, report_path: Path) -> None:
    program = start()
    program.wait_for("60x8")
    program.send("a")
    program.wait_for("keys a")
    program.pump(0.2)
    program.send("q")
    assert program.wait_exit() == 0
    assert 0.0 < report(report_path)["round_trip_ms"] < 5000.0


def test_a_terminal_that_can_is_shown_whole_frames(start: Start) -> None:
    program = start()
    program.wait_for("60x8")
    assert program.output.count(b"\x1b[?2026$p") == 1 and b"\x1b[?2026h" not in program.output
    program.send(b"\x1b[?2026;2$y")
    program.pump(0.2)
    program.send("a")
    program.wait_for("keys a")
    program.pump(0.2)
    assert 0 < program.output.count(b"\x1b[?2026h") == program.output.count(b"\x1b[?2026l")
    program.send("q")
    assert program.wait_exit() == 0


def test_ctrl_c_is_a_signal(start: Start) -> None:
    program = start()
    modes = program.modes()
    program.wait_for("60x8")
    program.send(b"\x03")
    assert program.wait_exit() in (1, -signal.SIGINT, 130)
    assert b"KeyboardInterrupt" in program.output
    assert program.modes() == modes


def test_the_console_screen_does_the_same(start: Start, report_path: Path) -> None:
    program = start("console")
    modes = program.modes()
    program.wait_for("60x8")
    program.send("a\x1bOAé\r\x15")
    wait_report(report_path, lambda values: values["keys"] == ["a", "Up", "é", "Enter", "Ctrl-U"], program)
    program.wait_for("Ctrl-U")
    program.resize(40, 6)
    program.wait_for("40x6")
    see(program, boxed(40, 6, " keys a Up é Enter Ctrl-U", " mode"))
    program.send("q")
    assert program.wait_exit() == 0
    assert program.modes() == modes


def test_a_console_is_asked_for_keys_again_soon() -> None:
    """Nothing wakes the loop for a key there: an idle phone would take a second to notice one."""
    screen = object.__new__(ConsoleScreen)
    screen._active, screen._names = True, {}
    screen._painter = SimpleNamespace(window=SimpleNamespace(get_wch=lambda: _raise(curses.error())))  # type: ignore[assignment]
    assert screen.keys(5.0) == []
    assert screen.deadline() == pytest.approx(5.0, abs=0.05)


def _raise(error: Exception) -> None:
    raise error
