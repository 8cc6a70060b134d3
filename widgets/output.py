"""Lines to standard output that never make the call wait.

A pipe that nobody reads fills up, and a write to it would block. So lines wait here, up to ``MAX_WAITING``; what comes
after that is left out whole, until half of it has been read, and a line in its place says how many it was. A full disk
is no reason to end a call either. A reader that has gone shows in ``gone``.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
import time
from collections.abc import Callable

MAX_WAITING = 1 << 20
CHUNK = 1 << 14
_FULL_DISK = (errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC))


def _in_words(count: int) -> str:
    return f"({count} {'line' if count == 1 else 'lines'} left out: nobody read them)\n"


class LineOutput:
    """``write`` takes text and returns at once; ``left_out`` makes the line that stands for so many others."""

    def __init__(self, descriptor: int = 1, left_out: Callable[[int], str] = _in_words) -> None:
        self.gone = False
        self._describe = left_out
        self._waiting = bytearray()
        self._left_out = 0
        self._disk_full = False
        self._broken_line = False  # ... in the middle of it
        self._shared: bool | None = None  # was it blocking, if it is not our own opening
        self.descriptor = self._open(descriptor)
        self._own = self.descriptor != descriptor

    def _open(self, descriptor: int) -> int:
        """An opening of our own, so that the shell's stays as it is; else the same, made non-blocking for our time."""
        if sys.platform == "win32":
            return descriptor
        try:
            if stat.S_ISREG(os.fstat(descriptor).st_mode):
                return descriptor  # never blocks; an opening of our own would write from the start
            return os.open(f"/dev/fd/{descriptor}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            try:
                self._shared = os.get_blocking(descriptor)
                os.set_blocking(descriptor, False)
            except OSError:
                self.gone = True
            return descriptor

    def write(self, line: str) -> None:
        """Whole lines. One that is larger than all the room there is waits alone."""
        if self.gone:
            return
        data = line.encode("utf-8", "replace")
        if self._left_out:
            self._try_again()
        if self._left_out or (self._waiting and len(self._waiting) + len(data) > MAX_WAITING):
            self._left_out += line.count("\n")
            return
        self._waiting += data
        self.flush(0.0)

    @property
    def pending(self) -> bool:
        return bool(self._waiting) and not self.gone

    def flush(self, now: float) -> None:
        """Write what the other end takes."""
        while self._waiting and not self.gone:
            try:
                written = os.write(self.descriptor, self._waiting[:CHUNK])
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                self._stumble(error)
                return
            self._broken_line = self._waiting[written - 1 : written] != b"\n"
            del self._waiting[:written]
        if self._left_out and not self.gone:
            self._say_left_out()

    def _stumble(self, error: OSError) -> None:
        """A full disk may have room again: what waits is left out. Anything else is the end."""
        self._disk_full = error.errno in _FULL_DISK
        self.gone = not self._disk_full
        self._left_out += self._waiting.count(b"\n")
        self._waiting.clear()

    def _try_again(self) -> None:
        """Lines were left out: is there room again?"""
        if not self._disk_full:
            self.flush(0.0)
            return
        note = self._describe(self._left_out).encode("utf-8", "replace")
        try:
            os.write(self.descriptor, b"\n" + note if self._broken_line else note)
        except OSError:
            return
        self._left_out, self._disk_full, self._broken_line = 0, False, False

    def _say_left_out(self) -> None:
        """In the place of the lines themselves, once there is room for more than a few others after it."""
        if len(self._waiting) <= MAX_WAITING // 2:
            count, self._left_out = self._left_out, 0
            self._waiting += self._describe(count).encode("utf-8", "replace")

    def close(self, patience_s: float = 1.0) -> None:
        """Give the last lines a moment to leave; the descriptor goes back as it was."""
        if self._left_out and not self.gone:
            self._try_again()
        until = time.monotonic() + patience_s
        while self.pending and (left := until - time.monotonic()) > 0:
            if sys.platform != "win32":
                select.select([], [self.descriptor], [], left)
            self.flush(0.0)
        self.gone = True
        try:
            if self._own:
                os.close(self.descriptor)
            elif self._shared is not None:
                os.set_blocking(self.descriptor, self._shared)
        except OSError:
            return  # it was closed meanwhile: there is nothing to give back
