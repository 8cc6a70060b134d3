from __future__ import annotations

import os
import random
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

pty = pytest.importorskip("pty")
termios = pytest.importorskip("termios")
fcntl = pytest.importorskip("fcntl")

from widgets import terminal as terminal_module  # noqa: E402
from widgets.terminal import Pace, Terminal, most_wanted  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]

# ------------------------------------------------------------------ Pace


def test_a_terminal_that_answers_gets_a_frame_per_answer() -> None:
    pace = Pace()
    assert pace.may_paint(0.0)
    pace.frame_sent(1.0, asked=True)
    assert pace.waiting and not pace.may_paint(1.01)
    pace.answered(1.04)
    assert pace.may_paint(1.04) and not pace.waiting
    assert pace.round_trip_s == pytest.approx(0.04)


def test_a_lost_answer_costs_some_patience_and_then_more() -> None:
    pace = Pace()
    pace.frame_sent(0.0, asked=True)
    pace.answered(0.1)
    painted, now = [], 1.0
    while len(painted) < 4:
        if pace.may_paint(now):
            painted.append(now)
            pace.frame_sent(now, asked=pace.should_ask)
        now += 0.5
    assert painted == [1.0, 3.0, 7.0, 15.0]
    pace.answered(now)
    assert pace.may_paint(now)


def test_patience_is_bounded() -> None:
    pace = Pace()
    pace.frame_sent(0.0, asked=True)
    pace.answered(0.1)
    for _ in range(100):
        pace.frame_sent(1.0, asked=True)
    assert pace.next_frame_at() == 1.0 + Pace.MOST_PATIENCE_S


def test_a_terminal_that_never_answers_is_not_taken_for_a_slow_line_for_ever() -> None:
    pace = Pace()
    painted, asked, now = [], 0, 0.0
    while now < 6.0:
        if pace.may_paint(now):
            painted.append(now)
            asked += pace.should_ask
            pace.frame_sent(now, asked=pace.should_ask)
        now += 0.01
    assert painted[:2] == pytest.approx([0.0, Pace.FIRST_PATIENCE_S], abs=0.02)
    gaps = [after - before for before, after in pairwise(painted)]
    assert max(gaps[1:]) == pytest.approx(Pace.DOUBTFUL_FRAME_S, abs=0.02)
    settled = [gap for gap, at in zip(gaps, painted, strict=False) if at > Pace.DOUBT_S]
    assert max(settled) < 0.1  # a change is seen at once
    assert asked == Pace.ASKS_WITHOUT_ANSWER
    pace.answered(6.0)  # late, but it speaks
    assert pace.should_ask


def test_a_terminal_of_another_kind_is_never_asked() -> None:
    pace = Pace(asks=False)
    assert not pace.should_ask
    pace.frame_sent(0.0, asked=False)
    assert not pace.may_paint(0.05) and pace.may_paint(Pace.SILENT_FRAME_S)


def test_reset_lets_the_next_frame_through_at_once() -> None:
    pace = Pace()
    pace.frame_sent(0.0, asked=True)
    pace.reset()
    assert pace.may_paint(0.0) and not pace.waiting


def line(pace: Pace, octets_per_s: float, latency_s: float, wanted: Iterator[int], now: float = 0.0) -> list[int]:
    """Frames over a line: each is as large as wanted, and no larger than there is room for. Their sizes."""
    sizes = []
    for octets in wanted:
        room = pace.room
        sizes.append(octets if room is None else min(octets, room))
        pace.frame_begins(now, sizes[-1])
        pace.frame_sent(now, asked=True)
        now += latency_s + sizes[-1] / octets_per_s
        pace.answered(now)
        now += 0.01
    return sizes


def test_on_a_slow_line_no_frame_keeps_it_busy_for_long() -> None:
    chance = random.Random(1)
    sizes = line(Pace(), 960, 0.05, iter([6000] * 10 + [chance.choice((40, 300, 500, 5000)) for _ in range(200)]))
    assert max(sizes) < 960 and sum(sizes) > 10_000


@pytest.mark.parametrize(("octets_per_s", "latency_s"), [(1e6, 0.001), (1e6, 0.6), (100_000, 0.05)])
def test_on_a_line_that_carries_them_frames_are_whole_in_no_time(octets_per_s: float, latency_s: float) -> None:
    sizes = line(Pace(), octets_per_s, latency_s, iter([8000] * 12))
    assert sizes[-1] == 8000 and sizes[0] <= Pace.FIRST_ROOM


def test_a_terminal_that_says_nothing_gets_whole_frames_soon() -> None:
    pace = Pace()
    for number in range(Pace.SILENT_AFTER):
        assert pace.room is not None
        pace.frame_sent(float(number), asked=True)
    assert pace.room is None and Pace(asks=False).room is None


def test_a_hiccup_is_forgotten() -> None:
    pace = Pace()
    line(pace, 1e6, 0.001, iter([8000] * 12))
    pace.frame_begins(10.0, 300)
    pace.frame_sent(10.0, asked=True)
    pace.answered(13.0)
    assert pace.room is not None and pace.room < 500
    assert line(pace, 1e6, 0.001, iter([8000] * 8), 20.0)[-1] == 8000


def test_where_keys_show_comes_first_and_then_what_has_waited_longest() -> None:
    assert most_wanted([0, 3, 5, 8, 9], 10, 5) == [0, 9, 5, 8, 3]
    assert most_wanted([2, 4], 10, 0) == [2, 4] and most_wanted([], 10, 7) == []


# ------------------------------------------------------------------ Terminal


@pytest.fixture
def pair() -> Iterator[tuple[int, int]]:
    master, slave = pty.openpty()
    yield master, slave
    for descriptor in (master, slave):
        try:
            os.close(descriptor)
        except OSError:
            pass


def read_until(descriptor: int, end: bytes) -> bytes:
    data = b""
    while not data.endswith(end):
        assert select.select([descriptor], [], [], 10.0)[0]
        data += os.read(descriptor, 65_536)
    return data


def test_modes_come_and_go(pair: tuple[int, int]) -> None:
    _, slave = pair
    before = termios.tcgetattr(slave)
    terminal = Terminal(slave, slave)
    terminal.enter()
    flags = termios.tcgetattr(slave)
    assert not flags[3] & (termios.ECHO | termios.ICANON)
    assert flags[3] & termios.ISIG
    terminal.leave()
    terminal.leave()
    assert termios.tcgetattr(slave) == before
    terminal.close()
    terminal.close()


def test_the_descriptor_of_the_shell_stays_blocking(pair: tuple[int, int]) -> None:
    _, slave = pair
    terminal = Terminal(slave, slave)
    terminal.enter()
    assert os.get_blocking(slave)
    terminal.close()


def test_a_shared_descriptor_is_blocking_again_afterwards(
    pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _, slave = pair

    def refused(*_: object, **__: object) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "open", refused)
    terminal = Terminal(slave, slave)
    terminal.enter()
    assert not os.get_blocking(slave)
    assert terminal.read() == b"" and not terminal.gone
    terminal.leave()
    assert os.get_blocking(slave)
    terminal.close()


def test_a_stalled_terminal_takes_what_it_takes_and_the_rest_waits(pair: tuple[int, int]) -> None:
    master, slave = pair
    terminal = Terminal(slave, slave)
    terminal.enter()
    data = bytes(range(32, 127)) * 5000
    terminal.write(data)
    assert terminal.pending and not terminal.gone
    received = bytearray()
    while len(received) < len(data):
        assert select.select([master], [], [], 5.0)[0]
        received += os.read(master, 65_536)
        terminal.write()
    assert received == data
    assert not terminal.pending and terminal.bytes_written == len(data)
    terminal.close()


def test_a_stalled_terminal_does_not_hold_up_the_farewell(pair: tuple[int, int]) -> None:
    _, slave = pair
    terminal = Terminal(slave, slave)
    terminal.enter()
    terminal.write(b"x" * 500_000)
    start = time.monotonic()
    terminal.farewell(b"bye")
    assert time.monotonic() - start < 5.0
    assert not terminal.pending and not terminal.gone
    terminal.close()


def test_a_frame_cut_short_is_broken_off_before_the_farewell(
    pair: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    master, slave = pair
    monkeypatch.setattr(terminal_module, "FLUSH_S", 0.0)
    monkeypatch.setattr(terminal_module, "RESTORE_S", 10.0)
    terminal = Terminal(slave, slave)
    terminal.enter()
    terminal.write(b"x" * 500_000)
    received = bytearray()
    reader = threading.Timer(0.1, lambda: received.extend(read_until(master, b"bye")))
    reader.start()
    terminal.farewell(b"bye")
    reader.join()
    assert received.endswith(b"x" + terminal_module.CANCEL + b"bye")
    assert len(received) < 500_000
    terminal.close()


def test_the_farewell_gets_through_though_the_user_pressed_ctrl_s(pair: tuple[int, int]) -> None:
    master, slave = pair
    terminal = Terminal(slave, slave)
    terminal.enter()
    before = termios.tcgetattr(slave)
    os.write(master, b"\x13a")
    assert select.select([slave], [], [], 5.0)[0]  # what was typed after Ctrl-S has come: so has Ctrl-S
    terminal.write(b"frame")
    assert terminal.pending and not select.select([master], [], [], 0.0)[0]
    terminal.farewell(b"bye")
    assert read_until(master, b"bye") == terminal_module.CANCEL + b"bye"
    terminal.leave()
    assert termios.tcgetattr(slave)[0] & termios.IXON == before[0] & termios.IXON
    terminal.close()


def test_a_terminal_that_hangs_up_is_gone_and_nothing_raises(pair: tuple[int, int]) -> None:
    master, slave = pair
    terminal = Terminal(slave, slave)
    terminal.enter()
    os.close(master)
    assert terminal.read() == b""
    assert terminal.gone
    terminal.write(b"x")
    assert not terminal.pending
    assert not terminal.flush(1.0)
    terminal.farewell(b"bye")
    terminal.leave()
    terminal.close()
    assert terminal.read() == b""


def test_hang_up_is_noticed_in_writing_too(pair: tuple[int, int]) -> None:
    master, slave = pair
    terminal = Terminal(slave, slave)
    os.close(master)
    terminal.write(b"x")
    assert terminal.gone
    terminal.close()


def test_size_of_a_terminal_that_does_not_know_it(pair: tuple[int, int]) -> None:
    _, slave = pair
    terminal = Terminal(slave, slave)
    assert terminal.size() is None
    terminal.close()


def test_size_of_a_terminal_that_lies(pair: tuple[int, int]) -> None:
    master, slave = pair
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 65_535, 65_535, 0, 0))
    terminal = Terminal(slave, slave)
    assert terminal.size() == (terminal_module.MOST_COLUMNS, terminal_module.MOST_ROWS)
    terminal.close()


# ------------------------------------------------------------------ PrivateOutput

_PRIVATE = """
import os, sys
from widgets.terminal import PrivateOutput
private = PrivateOutput((33, 7))
size, is_terminal = os.get_terminal_size(1), os.isatty(0) and os.isatty(1)
os.write(1, b"start")
first = private.seal()
os.write(1, b"x" * 3_000_000)
second = private.take()
os.write(1, b"frame")
third, fourth, typed = private.take(), private.take(), os.read(0, 10)
private.restore()
private.restore()
print(size.columns, size.lines, is_terminal, first, len(second), third, fourth, typed)
"""


def test_private_output_takes_any_frame_and_gives_the_descriptors_back() -> None:
    command = [sys.executable, "-c", _PRIVATE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert done.stdout.strip() == "33 7 True b'start' 3000000 b'frame' b'' b''", done.stderr


_STARTS = """
import os
from widgets.terminal import PrivateOutput
seen = set()
for _ in range(100):
    private = PrivateOutput((80, 24))
    for number in range(10):
        os.write(1, b"%300d" % number)
    seen.add(len(private.seal()))
    private.restore()
print(seen)
"""


def test_private_output_loses_nothing_of_what_curses_starts_with() -> None:
    """The kernel hands over what was written to a pty in its own time: one read would sometimes miss the end."""
    command = [sys.executable, "-c", _STARTS]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=ROOT)
    assert done.stdout.strip() == "{3000}", done.stderr
