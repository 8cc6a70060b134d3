"""The real terminal, which may be slow, stalled, resized or gone; and the private one that curses believes in.

A ``write()`` to a terminal that does not read blocks, and with it the media of every call. So curses never sees
the real terminal: it is started on a private pty, and afterwards its descriptor 1 leads to a file in memory
(``PrivateOutput``), where a write can never block, however large the frame. Its bytes are taken from there and
offered to the real terminal, which is opened anew by name: ``O_NONBLOCK`` then belongs to our opening alone and
not to the shell's. What it does not take now stays ``pending``, and no new frame is drawn meanwhile.

``Pace`` decides when the next frame may be drawn: after each one the terminal is asked for its status
(``CSI 5 n``), and the answer says that it has shown all that came before.

POSIX only; no curses here.
"""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import re
import select
import struct
import tempfile
import termios
import time
import tty
from collections.abc import Iterable, Sequence
from typing import Any

from widgets.canvas import Row

READ_BYTES = 1024  # decoded in two milliseconds
ASK_STATUS = b"\x1b[5n"
PASTE_ON, PASTE_OFF = b"\x1b[?2004h", b"\x1b[?2004l"
MOUSE_ON, MOUSE_OFF = b"\x1b[?1000h\x1b[?1006h", b"\x1b[?1006l\x1b[?1000l"  # presses, in SGR's way (xterm)
CANCEL = b"\x18"  # CAN: a terminal in the middle of a control sequence gives it up

MOST_COLUMNS, MOST_ROWS = 1000, 500  # a terminal may say anything; a canvas of what it says must be affordable

DRAIN_S = 1.0  # what was written to a pty can be read within milliseconds
FLUSH_S = 0.3  # leaving: this long for the rest of a frame,
RESTORE_S = 0.7  # and this long for the sequences that give the terminal back
MOST_INTERRUPTIONS = 8  # by signals, of one change of modes

_MARK = b"\0end"

_NOT_NOW = (errno.EAGAIN, errno.EWOULDBLOCK, errno.EINTR)


class Pace:
    """When the next frame may be drawn. Pure: time is an argument.

    A terminal that answers gets a frame per answer. When an answer stays out for ``PATIENCE_S``, one frame is drawn
    all the same, for the answer may be lost; then the patience doubles each time, for the line may be stalled. A
    terminal that has not answered yet may be at the end of a slow line, and gets ``DOUBTFUL_FRAME_S`` between frames;
    one that has been silent for ``DOUBT_S`` does not know the question, and gets frames as they come.

    How large a frame may be is found in ``room``: on a slow line a key that is pressed waits for the frame that is
    under way. Of the time until the answer that which the quickest answer lately took is the way there and back, and
    the rest is the line: a frame may have as many bytes as it carries in ``HASTE_S``.
    """

    FIRST_ROOM = 100
    NO_LIMIT = 32_768  # more than a frame has
    HASTE_S = 0.4
    TELLING_BYTES = 200  # how long a frame of less took says nothing of the line
    SURELY_S = 0.03  # a busy machine answers late, too
    GROWS = 2
    LATENCY_RISES = 0.01  # of what an answer took more

    FIRST_PATIENCE_S = 0.5
    PATIENCE_S = 2.0
    MOST_PATIENCE_S = 60.0
    DOUBTFUL_FRAME_S = 0.25
    DOUBT_S = 3.0
    SILENT_FRAME_S = 0.08
    ASKS_WITHOUT_ANSWER = 4
    SILENT_AFTER = 3  # questions: a terminal that says nothing gets whole frames

    def __init__(self, asks: bool = True) -> None:
        self.asks = asks  # speaks ECMA-48 at all
        self.round_trip_s: float | None = None
        self._answered = False
        self._unanswered = 0
        self._asked_at: float | None = None  # an answer is awaited since
        self._frame_at: float | None = None
        self._first_frame_at = 0.0
        self._room = self.FIRST_ROOM
        self._latency_s: float | None = None
        self._begun_at, self._octets = 0.0, 0  # of the frame that is under way

    def frame_begins(self, now: float, octets: int) -> None:
        """A frame of so many bytes is handed to the terminal."""
        self._begun_at, self._octets = now, octets

    @property
    def room(self) -> int | None:
        """About how many bytes the next frame may have; None: as many as it needs."""
        silent = not self._answered and self._unanswered >= self.SILENT_AFTER
        if not self.asks or silent or self._room >= self.NO_LIMIT:
            return None
        return self._room

    def _learn(self, took_s: float) -> None:
        """What the line is like, by how long a frame was on its way."""
        before = self._latency_s
        if before is None or took_s < before:
            self._latency_s = took_s
        else:
            self._latency_s = before + self.LATENCY_RISES * (took_s - before)
        on_line_s = took_s - self._latency_s
        carried = most = self.GROWS * self._room if 2 * self._octets >= self._room else self._room  # if it was full
        if self._octets >= self.TELLING_BYTES and on_line_s > self.SURELY_S:
            carried = round(self._octets / on_line_s * self.HASTE_S)
        self._room = max(self.FIRST_ROOM, min(carried, most, self.NO_LIMIT))

    def frame_sent(self, now: float, asked: bool) -> None:
        """The last byte of a frame went out."""
        if self._frame_at is None:
            self._first_frame_at = now
        self._frame_at = now
        if asked:
            self._asked_at = now
            self._unanswered += 1

    def answered(self, now: float) -> None:
        """The terminal answered (its answer to an older question counts as well)."""
        self._answered = True
        self._unanswered = 0
        if self._asked_at is not None:
            self.round_trip_s = now - self._asked_at
            self._learn(now - self._begun_at)
            self._asked_at = None

    @property
    def should_ask(self) -> bool:
        return self.asks and (self._answered or self._unanswered < self.ASKS_WITHOUT_ANSWER)

    @property
    def waiting(self) -> bool:
        """A question is open."""
        return self._asked_at is not None

    def next_frame_at(self) -> float | None:
        """When the next frame may be drawn at the latest; None: at once."""
        if self._frame_at is None or (self._answered and self._asked_at is None):
            return None
        if self._answered:
            return self._frame_at + min(self.MOST_PATIENCE_S, self.PATIENCE_S * (1 << min(10, self._unanswered - 1)))
        if not self.asks or self._frame_at - self._first_frame_at >= self.DOUBT_S:
            return self._frame_at + self.SILENT_FRAME_S
        first = self._asked_at is not None and self._unanswered == 1
        return self._frame_at + (self.FIRST_PATIENCE_S if first else self.DOUBTFUL_FRAME_S)

    def may_paint(self, now: float) -> bool:
        at = self.next_frame_at()
        return at is None or now >= at

    def reset(self) -> None:
        """Ask anew: another terminal may be behind the line now."""
        self._asked_at = self._frame_at = self._latency_s = None
        self._unanswered = 0
        self._room = self.FIRST_ROOM


def unpadded(sequence: bytes) -> bytes:
    """A sequence of terminfo without its pauses (``$<3>``), which were for terminals of long ago."""
    return re.sub(rb"\$<[^>]*>", b"", sequence)


def switches(mouse: bool) -> tuple[bytes, bytes]:
    """What switches bracketed paste, and the mouse if it is wanted, on and off again."""
    return (PASTE_ON + MOUSE_ON, MOUSE_OFF + PASTE_OFF) if mouse else (PASTE_ON, PASTE_OFF)


def least_octets(cells: Sequence[str], before: Row | None) -> int:
    """At least so many bytes it takes to bring a row up to date."""
    shown = [" "] * len(cells) if before is None else before[0]
    return sum(len(cell.encode("utf-8", "replace")) for cell, old in zip(cells, shown, strict=True) if cell != old)


def most_wanted(rows: Sequence[int], height: int, at: int) -> list[int]:
    """The order of the changed rows where there is no room for all: the title and the last one, where keys show, then
    those from ``at`` on, where it was left off last time."""
    edges = [row for row in rows if row in (0, height - 1)]
    inner = [row for row in rows if row not in (0, height - 1)]
    return [*edges, *(row for row in inner if row >= at), *(row for row in inner if row < at)]


class PrivateOutput:
    """Descriptors 0 and 1 while curses works: a pty at its start, afterwards a file in memory for what it writes.

    The descriptors that were there are kept and come back with ``restore``.
    """

    def __init__(self, size: tuple[int, int]) -> None:
        self._saved = [os.dup(0), os.dup(1)]
        self._file = -1
        self._master, slave = pty.openpty()
        tty.setraw(slave)
        columns, rows = size
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.set_blocking(self._master, False)
        os.dup2(slave, 0)
        os.dup2(slave, 1)
        os.close(slave)

    def seal(self) -> bytes:
        """curses has started: leave the pty for the file in memory. Returns what curses wrote so far."""
        written = self._drain()
        self._file = _memory_file()
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.dup2(self._file, 1)
        os.close(null)
        os.close(self._master)
        self._master = -1
        return written

    def _drain(self) -> bytes:
        """All that was written to the pty; the kernel hands it over in its own time, so a mark ends it."""
        os.write(1, _MARK)
        written, give_up_at = b"", time.monotonic() + DRAIN_S
        while not written.endswith(_MARK) and time.monotonic() < give_up_at:
            if select.select((self._master,), (), (), DRAIN_S)[0]:
                written += os.read(self._master, 65_536)
        return written.removesuffix(_MARK)

    @property
    def waiting(self) -> int:
        """Bytes that curses wrote and nobody took."""
        return os.lseek(self._file, 0, os.SEEK_CUR)  # shared with descriptor 1

    def take(self) -> bytes:
        """What curses wrote since the last call."""
        size = self.waiting
        if size == 0:
            return b""
        data = os.pread(self._file, size, 0)
        os.lseek(self._file, 0, os.SEEK_SET)
        os.ftruncate(self._file, 0)
        return data

    def restore(self) -> None:
        """Give descriptors 0 and 1 back; idempotent."""
        for number, saved in enumerate(self._saved):
            os.dup2(saved, number)
            os.close(saved)
        self._saved = []
        for descriptor in (self._file, self._master):
            if descriptor >= 0:
                os.close(descriptor)
        self._file = self._master = -1


def _memory_file() -> int:
    if hasattr(os, "memfd_create"):
        try:
            return os.memfd_create("screen")
        except OSError:
            pass  # a kernel or a sandbox without it
    with tempfile.TemporaryFile(buffering=0) as file:
        return os.dup(file.fileno())


class Terminal:
    """The real terminal: raw keys in, bytes out, both without ever blocking.

    ``gone`` turns True when it hung up; from then on every call does nothing.
    """

    def __init__(self, source: int = 0, target: int = 1) -> None:
        self.gone = False
        self.bytes_written = 0
        self.pending = bytearray()
        self._in, self._in_shared = _open_again(source, os.O_RDONLY)
        self._out, self._out_shared = _open_again(target, os.O_WRONLY)
        self._modes: list[Any] | None = None  # what the shell had
        self._types_interrupt = False

    @property
    def input_descriptor(self) -> int:
        return self._in

    @property
    def output_descriptor(self) -> int:
        return self._out

    def size(self) -> tuple[int, int] | None:
        """Columns and rows, or None where the terminal does not know (a serial line)."""
        try:
            columns, rows = os.get_terminal_size(self._out)
        except (OSError, ValueError):
            return None
        return (min(columns, MOST_COLUMNS), min(rows, MOST_ROWS)) if columns > 0 and rows > 0 else None

    # -------------------------------------------------------------- modes

    def enter(self) -> None:
        """No echo, every key at once; but Ctrl-Z stays a signal, Ctrl-C too where no line is typed, and Ctrl-S is the
        user's own."""
        if self.gone:
            return
        self._set_shared_blocking(False)
        try:
            modes = termios.tcgetattr(self._in)
            if self._modes is None:
                self._modes = [*modes[:6], list(modes[6])]
            modes[0] &= ~(termios.ICRNL | termios.INLCR | termios.IGNCR | termios.ISTRIP)
            modes[1] &= ~termios.OPOST
            modes[3] &= ~(termios.ICANON | termios.ECHO | termios.IEXTEN)
            modes[3] |= termios.ISIG
            modes[6][termios.VMIN] = 1
            modes[6][termios.VTIME] = 0
            if self._types_interrupt:
                modes[6][termios.VINTR] = self._no_character()
            self._set_modes(modes)
        except termios.error:
            self.gone = True

    def type_interrupt(self, typed: bool) -> None:
        """Is Ctrl-C a key like others, as where a line is being typed? Else it is a signal."""
        if typed == self._types_interrupt:
            return
        self._types_interrupt = typed
        if self._modes is None or self.gone:
            return
        try:
            modes = termios.tcgetattr(self._in)
            modes[6][termios.VINTR] = self._no_character() if typed else self._modes[6][termios.VINTR]
            self._set_modes(modes)
        except termios.error:
            self.gone = True

    def _no_character(self) -> bytes:
        """What stands in the place of a special character that there is not (POSIX termios)."""
        return bytes((os.fpathconf(self._in, "PC_VDISABLE") & 0xFF,))

    def leave(self) -> None:
        """The modes the shell had; idempotent."""
        if self._modes is not None and not self.gone:
            try:
                self._set_modes(self._modes)
            except termios.error:
                self.gone = True
        self._modes = None
        self._set_shared_blocking(True)

    def _set_modes(self, modes: list[Any]) -> None:
        """A shell whose terminal it is by now stops us in the midst of it, and wakes us when it is ours again."""
        for _ in range(MOST_INTERRUPTIONS):
            try:
                termios.tcsetattr(self._in, termios.TCSANOW, modes)
                return
            except termios.error as error:
                if error.args[0] != errno.EINTR:
                    raise

    def _set_shared_blocking(self, blocking: bool) -> None:
        for descriptor, shared in ((self._in, self._in_shared), (self._out, self._out_shared)):
            if shared and descriptor >= 0:
                os.set_blocking(descriptor, blocking)

    def in_foreground(self) -> bool:
        """False while the shell has put us into the background: then the terminal is not ours to touch."""
        try:
            return os.tcgetpgrp(self._in) == os.getpgrp()
        except OSError:
            return True  # not our controlling terminal: no job control there

    # -------------------------------------------------------------- bytes

    def read(self) -> bytes:
        """What was typed; b"" when there is nothing or nobody."""
        if self.gone:
            return b""
        try:
            data = os.read(self._in, READ_BYTES)
        except OSError as error:
            self._failed(error)
            return b""
        if not data:
            self.gone = True
        return data

    def write(self, data: bytes = b"") -> None:
        """Offer ``data`` after what is pending; what is not taken now stays pending."""
        if self.gone:
            self.pending.clear()
            return
        self.pending += data
        while self.pending:
            try:
                taken = os.write(self._out, self.pending)
            except OSError as error:
                self._failed(error)
                return
            self.bytes_written += taken
            del self.pending[:taken]

    def flush(self, seconds: float) -> bool:
        """Write what is pending, waiting at most so long; for leaving only."""
        give_up_at = time.monotonic() + seconds
        self.write()
        while self.pending and not self.gone:
            wait = give_up_at - time.monotonic()
            if wait <= 0:
                return False
            try:
                select.select((), (self._out,), (), min(wait, 0.05))
            except (OSError, ValueError):
                return False
            self.write()
        return not self.gone

    def farewell(self, data: bytes) -> None:
        """The last words: the rest of the frame if the terminal takes it, else break it off; then ``data``."""
        if not self.flush(FLUSH_S):
            self._undo_ctrl_s()
            self.pending.clear()
            data = CANCEL + data
        self.write(data)
        if not self.flush(RESTORE_S):
            self.pending.clear()

    def _undo_ctrl_s(self) -> None:
        """Output that the user has stopped goes on when flow control ends."""
        try:
            modes = termios.tcgetattr(self._in)
            modes[0] &= ~termios.IXON
            self._set_modes(modes)
        except termios.error:
            self.gone = True

    def await_input(self, seconds: float) -> bytes:
        """Wait at most so long for something to be typed or answered, and read it; for leaving only."""
        try:
            readable, _, _ = select.select((self._in,), (), (), max(0.0, seconds))
        except (OSError, ValueError):
            return b""
        return self.read() if readable else b""

    def close(self) -> None:
        self.leave()
        for descriptor in (self._in, self._out):
            if descriptor >= 0:
                os.close(descriptor)
        self._in = self._out = -1
        self.gone = True

    def _failed(self, error: OSError) -> None:
        if error.errno not in _NOT_NOW:
            self.gone = True


def _open_again(descriptor: int, mode: int) -> tuple[int, bool]:
    """An opening of our own of the terminal behind ``descriptor``, and whether it is the shell's after all.

    A shared one (after ``su`` the terminal may belong to somebody else) must be blocking again when we leave.
    """
    names = [f"/proc/self/fd/{descriptor}"]
    try:
        names.insert(0, os.ttyname(descriptor))
    except OSError:
        pass  # it has no name in this container
    for name in names:
        try:
            opened = os.open(name, mode | os.O_NONBLOCK | os.O_NOCTTY)
        except OSError:
            continue
        if _same_device(opened, descriptor):
            return opened, False
        os.close(opened)
    return os.dup(descriptor), True


def _same_device(first: int, second: int) -> bool:
    try:
        return os.fstat(first).st_rdev == os.fstat(second).st_rdev
    except OSError:
        return False


def are_terminals(descriptors: Iterable[int]) -> bool:
    """Whether every one of these descriptors is a terminal."""
    return all(map(os.isatty, descriptors))
