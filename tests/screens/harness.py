"""A program in a real pseudo-terminal, seen through a terminal emulator (pyte).

The terminal is as lazy as a test wants it: it reads only inside ``pump`` and ``wait_for``, so "stalled" is simply
not calling them. It answers status requests (``CSI 5 n``) unless told not to.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import pyte

TUI = Path(__file__).resolve().parents[2] / "tui.py"
#: ringtop without a card, on ports of its own.
PHONE = (
    str(TUI), "--audio", "null", "--local-ip", "127.0.0.1", "--local-sip-port", "0", "--local-rtp-port", "0",
)  # fmt: skip
DEADLINE_S = 15.0  # generous: it is only ever waited for in full when a test fails


class _Emulator(pyte.Screen):
    """pyte's screen, with a way back for its answers."""

    def __init__(self, columns: int, rows: int, answer: Callable[[str], None]) -> None:
        self._answer = answer
        super().__init__(columns, rows)

    def write_process_input(self, data: str) -> None:
        self._answer(data)

    # pyte moves only the rows that were ever written: an empty one leaves what stood in its new place.

    def insert_lines(self, count: int | None = None) -> None:
        self._make_rows()
        super().insert_lines(count)

    def delete_lines(self, count: int | None = None) -> None:
        self._make_rows()
        super().delete_lines(count)

    def scroll_up(self, count: int | None = None) -> None:
        """SU: the rows of the scrolling region move up, as if the first ones had been deleted."""
        self._at_top(self.delete_lines, count)

    def scroll_down(self, count: int | None = None) -> None:
        self._at_top(self.insert_lines, count)

    def _at_top(self, change: Callable[[int | None], None], count: int | None) -> None:
        x, y = self.cursor.x, self.cursor.y
        self.cursor.y = self.margins.top if self.margins else 0
        change(count)
        self.cursor.x, self.cursor.y = x, y

    def _make_rows(self) -> None:
        for y in range(self.lines):
            self.buffer[y]  # a defaultdict: looking makes it


class _Stream(pyte.ByteStream):
    """pyte's parser, with the two sequences that ncurses scrolls with."""

    csi: ClassVar[dict[str, str]] = {**pyte.ByteStream.csi, "S": "scroll_up", "T": "scroll_down"}
    events = pyte.ByteStream.events | {"scroll_up", "scroll_down"}


class Program:
    """One program under test and its terminal."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        columns: int = 80,
        rows: int = 24,
        term: str = "xterm-256color",
        env: Mapping[str, str] | None = None,
        answers: bool = True,
        cwd: str | os.PathLike[str] | None = None,
    ) -> None:
        self.answers = answers
        self.output = bytearray()  # every byte the program wrote
        self.screen = _Emulator(columns, rows, self._answer)
        self._stream = _Stream(self.screen)
        self._master, slave = pty.openpty()
        self._set_size(columns, rows)
        # Without LC_ALL=C.UTF-8 ncurses sends a repeat sequence that pyte drops, and bars look short.
        environment = {**os.environ, "TERM": term, "LC_ALL": "C.UTF-8"}
        for name in ("NO_COLOR", "LINES", "COLUMNS", "COLORTERM", "COLORFGBG"):
            environment.pop(name, None)
        environment.update(env or {})
        self.process = subprocess.Popen(
            list(argv),
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env=environment,
            cwd=cwd,
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(slave)

    def __enter__(self) -> Program:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -------------------------------------------------------------- looking

    def rows(self) -> list[str]:
        """What the screen shows, row by row, without the spaces at the right."""
        return [row.rstrip() for row in self.screen.display]

    def text(self) -> str:
        return "\n".join(self.rows())

    def pump(self, seconds: float = 0.0) -> int:
        """Let the terminal read for so long; returns the bytes that came."""
        end, count = time.monotonic() + seconds, 0
        while True:
            ready, _, _ = select.select([self._master], [], [], max(0.0, end - time.monotonic()))
            if not ready:
                return count
            try:
                data = os.read(self._master, 65_536)
            except OSError:
                return count
            if not data:
                return count
            count += len(data)
            self.output += data
            self._stream.feed(data)

    def wait_for(self, what: str | Callable[[Program], object], timeout_s: float = DEADLINE_S) -> None:
        """Read until the screen shows this text, or until this is true."""
        end = time.monotonic() + timeout_s
        while not (what in self.text() if isinstance(what, str) else what(self)):
            if time.monotonic() > end:
                raise AssertionError(f"never came: {what!r}; the screen shows\n{self.text()}")
            self.pump(0.02)

    def wait_exit(self, timeout_s: float = DEADLINE_S) -> int:
        """Read until the program has ended; its exit code."""
        end = time.monotonic() + timeout_s
        while self.process.poll() is None:
            if time.monotonic() > end:
                raise AssertionError(f"still running; the screen shows\n{self.text()}")
            self.pump(0.02) if self._master >= 0 else time.sleep(0.02)
        if self._master >= 0:
            self.pump(0.0)
        return self.process.returncode

    def modes(self) -> list[object]:
        """The terminal's modes (termios), as the shell would find them."""
        return termios.tcgetattr(self._master)

    def set_modes(self, modes: list[object]) -> None:
        """Somebody else, a shell perhaps, changes the modes."""
        termios.tcsetattr(self._master, termios.TCSANOW, modes)

    # -------------------------------------------------------------- touching

    def send(self, keys: bytes | str) -> None:
        os.write(self._master, keys.encode() if isinstance(keys, str) else keys)

    def resize(self, columns: int, rows: int) -> None:
        """The user pulls at the window; the kernel sends SIGWINCH."""
        self.screen.resize(rows, columns)
        self._set_size(columns, rows)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def hang_up(self) -> None:
        """The terminal vanishes: a closed window, a lost connection."""
        if self._master >= 0:
            os.close(self._master)
            self._master = -1

    def close(self) -> None:
        """End the program, if it has not ended, and close the terminal."""
        if self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(signal.SIGCONT)
                self.process.kill()
        self.hang_up()
        self.process.wait()

    def _answer(self, data: str) -> None:
        if self.answers and self._master >= 0:
            os.write(self._master, data.encode())

    def _set_size(self, columns: int, rows: int) -> None:
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


def python(*arguments: str) -> list[str]:
    """The command line of a Python program run by the interpreter of the tests."""
    return [sys.executable, *arguments]
