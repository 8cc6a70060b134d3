"""The one place where the program waits: ``select()``, then the callbacks of what is ready.

A turn is: wait until something is ready or the time is up, read the clock once, call back in the order of
priority. Media comes first, so that a flood of SIP never delays a packet of sound. A callback may add and
remove readers, its own too: what was removed during a turn is not called any more in that turn.

Signals wake the loop: Python writes each signal's number into a socket pair of ours (``signal.set_wakeup_fd``),
whose other end is always in the select set. That also gives Windows, whose ``select()`` refuses to wait for
nothing, its one socket.

A descriptor that was closed without a word is dropped, not fatal: a lost socket must not end the other calls.
"""

from __future__ import annotations

import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from engine.io.errors import NetworkError

#: Priorities of callbacks: lower comes first.
MEDIA, TERMINAL, CARD, SIP = 0, 1, 1, 2

#: select() keeps its sets in 1024 bits on POSIX (by descriptor number) and in 512 places on Windows (by count).
MAX_DESCRIPTOR = 1000
MAX_SOCKETS_WINDOWS = 500

_LONGEST_WAIT_S = 3600.0
_WINDOWS = sys.platform == "win32"


class HasFileno(Protocol):
    def fileno(self) -> int: ...


Source = int | HasFileno
Callback = Callable[[float], Any]


@dataclass(slots=True, eq=False)
class _Handler:
    """Who is called back for a descriptor, and in which order."""

    source: Source
    descriptor: int
    callback: Callback
    priority: int


class Loop:
    """Readers, writers and the clock. ``now`` is the moment the present turn woke up."""

    def __init__(self) -> None:
        self.now = time.monotonic()
        self.dropped = 0  # handlers whose descriptor turned out to be closed
        self._readers: dict[int, _Handler] = {}
        self._writers: dict[int, _Handler] = {}
        self._on_signal: Callable[[int, float], Any] | None = None
        self._old_handlers: dict[int, Any] = {}
        self._wakes_on_signals = False
        self._untold: list[int] = []  # signals that came, and nobody was called back for yet
        self.wakeup, self._wakeup_writer = socket.socketpair()
        self.wakeup.setblocking(False)
        self._wakeup_writer.setblocking(False)
        self.add_reader(self.wakeup, self._drain_wakeup, priority=MEDIA)

    # ------------------------------------------------------------------ registration

    def add_reader(self, source: Source, callback: Callback, priority: int = MEDIA) -> None:
        """Call ``callback(now)`` whenever ``source`` can be read; replaces an earlier reader of it."""
        self._add(self._readers, source, callback, priority)

    def add_writer(self, source: Source, callback: Callback, priority: int = MEDIA) -> None:
        """Call ``callback(now)`` whenever ``source`` can be written; replaces an earlier writer of it."""
        self._add(self._writers, source, callback, priority)

    def remove_reader(self, source: Source) -> None:
        _remove(self._readers, source)

    def remove_writer(self, source: Source) -> None:
        _remove(self._writers, source)

    def remove(self, source: Source) -> None:
        """Forget ``source`` altogether; nothing happens when it is not known."""
        self.remove_reader(source)
        self.remove_writer(source)

    def _add(self, handlers: dict[int, _Handler], source: Source, callback: Callback, priority: int) -> None:
        descriptor = _descriptor(source)
        if descriptor < 0:
            raise NetworkError("a closed socket cannot be watched")
        if _WINDOWS:
            if descriptor not in handlers and len(handlers) >= MAX_SOCKETS_WINDOWS:
                raise NetworkError(f"too many open sockets: select() takes {MAX_SOCKETS_WINDOWS}")
        elif descriptor > MAX_DESCRIPTOR:
            raise NetworkError(f"too many open files: select() takes descriptors up to {MAX_DESCRIPTOR}")
        handlers[descriptor] = _Handler(source, descriptor, callback, priority)

    # ------------------------------------------------------------------ one turn

    def turn(self, timeout_s: float | None = None) -> bool:
        """Wait at most ``timeout_s`` (None: until something happens), then call back whatever is ready, if anything."""
        wait = _LONGEST_WAIT_S if timeout_s is None else min(max(timeout_s, 0.0), _LONGEST_WAIT_S)
        try:
            readable, writable, _ = select.select(list(self._readers), list(self._writers), (), wait)
        except (OSError, ValueError):
            self._drop_closed()
            readable, writable = [], []
        self.now = time.monotonic()
        if not readable and not writable:
            return False
        for handlers, handler in self._in_order(readable, writable):
            if handlers.get(handler.descriptor) is handler:
                handler.callback(self.now)
        return True

    def _in_order(self, readable: list[int], writable: list[int]) -> list[tuple[dict[int, _Handler], _Handler]]:
        ready = [(self._readers, self._readers[descriptor]) for descriptor in readable]
        ready += [(self._writers, self._writers[descriptor]) for descriptor in writable]
        if len(ready) > 1:
            ready.sort(key=_priority)
        return ready

    def _drop_closed(self) -> None:
        for handlers in (self._readers, self._writers):
            for descriptor in list(handlers):
                if not _usable(descriptor):
                    del handlers[descriptor]
                    self.dropped += 1

    # ------------------------------------------------------------------ signals

    def wake_on_signals(self) -> None:
        """Let every signal that has a Python handler end the present wait (main thread only)."""
        signal.set_wakeup_fd(self._wakeup_writer.fileno(), warn_on_full_buffer=False)
        self._wakes_on_signals = True

    def catch_signals(self, signals: Iterable[int], callback: Callable[[int, float], Any]) -> None:
        """Call ``callback(number, now)`` from within a turn for each of these signals, never in mid-statement."""
        self.wake_on_signals()
        self._on_signal = callback
        for number in signals:
            old = signal.signal(number, _noted_by_wakeup)
            self._old_handlers.setdefault(number, old)

    def _drain_wakeup(self, now: float) -> None:
        self._note_signals()
        while self._untold:
            number = self._untold.pop(0)
            if self._on_signal is not None and number in self._old_handlers:
                self._on_signal(number, now)

    def _note_signals(self) -> None:
        try:
            numbers = self.wakeup.recv(4096)
        except OSError:
            return
        self._untold = list(dict.fromkeys((*self._untold, *numbers)))

    def is_coming(self, number: int) -> bool:
        """This signal has come, and will be called back for: who asks need not do what it undoes."""
        self._note_signals()
        return number in self._untold

    def wake(self) -> None:
        """End the present or the next wait at once."""
        try:
            self._wakeup_writer.send(b"\0")
        except OSError:
            return  # full: it will wake anyway

    def close(self) -> None:
        """Give back the signals and the wake-up sockets."""
        for number, old in self._old_handlers.items():
            signal.signal(number, old if old is not None else signal.SIG_DFL)
        self._old_handlers.clear()
        if self._wakes_on_signals:
            signal.set_wakeup_fd(-1)
            self._wakes_on_signals = False
        self.remove(self.wakeup)
        self.wakeup.close()
        self._wakeup_writer.close()


def _noted_by_wakeup(number: int, frame: object) -> None:
    """A Python handler must exist for the number to reach the wake-up socket; the work is done in the turn."""


def _priority(entry: tuple[dict[int, _Handler], _Handler]) -> int:
    return entry[1].priority


def _descriptor(source: Source) -> int:
    return source if isinstance(source, int) else source.fileno()


def _remove(handlers: dict[int, _Handler], source: Source) -> None:
    descriptor = _descriptor(source)
    if descriptor >= 0:
        handlers.pop(descriptor, None)
        return
    for known, handler in list(handlers.items()):  # closed already: its number is gone, the object is not
        if handler.source is source:
            del handlers[known]


def _usable(descriptor: int) -> bool:
    try:
        select.select([descriptor], [], [], 0)
    except (OSError, ValueError):
        return False
    return True
