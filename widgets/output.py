"""Lines to standard output that never make the call wait.

A pipe that nobody reads fills up, and a write to it would block. So lines wait here, up to ``MAX_WAITING``; what comes
after that is left out, and counted in a line of its own once there is room. A reader that has gone shows in ``gone``.
"""

from __future__ import annotations

import os
import select
import stat
import sys
import time

MAX_WAITING = 1 << 20
CHUNK = 1 << 14


class LineOutput:
    """``write`` takes text and returns at once."""

    def __init__(self, descriptor: int = 1) -> None:
        self.gone = False
        self._waiting = bytearray()
        self._left_out = 0
        self._shared_blocking: bool | None = None
        self.descriptor = self._open(descriptor)

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
                self._shared_blocking = os.get_blocking(descriptor)
                os.set_blocking(descriptor, False)
            except OSError:
                self.gone = True
            return descriptor

    def write(self, line: str) -> None:
        """Whole lines."""
        if self.gone:
            return
        data = line.encode("utf-8", "replace")
        if len(self._waiting) + len(data) > MAX_WAITING:
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
                return
            except OSError:
                self.gone = True
                self._waiting.clear()
                return
            del self._waiting[:written]
        if self._left_out:
            self._waiting += f"({self._left_out} lines left out: nobody read them)\n".encode()
            self._left_out = 0

    def close(self, patience_s: float = 1.0) -> None:
        """Give the last lines a moment to leave."""
        until = time.monotonic() + patience_s
        while self.pending and (left := until - time.monotonic()) > 0:
            if sys.platform != "win32":
                select.select([], [self.descriptor], [], left)
            self.flush(0.0)
        if self._shared_blocking is not None:
            os.set_blocking(self.descriptor, self._shared_blocking)
