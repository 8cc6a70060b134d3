"""What the phone has to tell: events for whoever looks next, and the lines of its log. Both are bounded."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from engine import model

LOG_LINES = 500
LONGEST_LINE = 1000  # characters: what a stranger calls himself may be much longer
EVENTS_KEPT = 10_000  # a face that never looks must not cost memory


class News:
    """``wall`` tells seconds since the epoch."""

    def __init__(self, wall: Callable[[], float]) -> None:
        self._wall = wall
        self._log: deque[model.LogLine] = deque(maxlen=LOG_LINES)
        self._events: deque[model.Event] = deque(maxlen=EVENTS_KEPT)

    def tell(self, event: model.Event) -> None:
        """Something happened."""
        self._events.append(event)

    def log(self, level: str, source: str, text: str) -> None:
        """One line for the log view."""
        line = model.LogLine(self._wall(), level, source, text[:LONGEST_LINE])
        self._log.append(line)
        self.tell(model.Log(line))

    def __bool__(self) -> bool:
        """Has anything happened since the last look?"""
        return bool(self._events)

    def take(self) -> list[model.Event]:
        """What happened since the last look."""
        taken = list(self._events)
        self._events.clear()
        return taken

    @property
    def lines(self) -> tuple[model.LogLine, ...]:
        """The newest ones of the log, the latest last."""
        return tuple(self._log)
