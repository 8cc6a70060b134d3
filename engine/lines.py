"""The lines: how many calls there may be, and who gets the last one.

Anybody can make every line ring, and under many names. So calls that ring are no reason against another one for
long: when all lines ring, the call that has rung longest of those that come from one host in numbers makes room,
or the one that nobody has taken for ``RINGS_ALONE_S``. And who is turned away is spoken of once in a while only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from engine.call import Call
from engine.model import CallState

RINGS_ALONE_S = 30.0  # a call that rings so long keeps its line only while nobody else wants it
TELL_AGAIN_S = 1.0


class Lines:
    """``make_room`` rejects a call that rings."""

    def __init__(self, calls: Mapping[int, Call], most: int, make_room: Callable[[Call, float], None]) -> None:
        self._calls = calls
        self._most = most
        self._make_room = make_room
        self._tell_from = 0.0
        self._untold = 0

    @property
    def all_taken(self) -> bool:
        """Is there no line to dial on? Calls that ring here have one, too."""
        return sum(call.takes_a_line for call in self._calls.values()) >= self._most

    def busy(self) -> bool:
        """Are there as many calls as may be? What nobody has acknowledged is not one yet."""
        return sum(call.surely_taken for call in self._calls.values()) >= self._most

    def free_for(self, host: str, now: float) -> bool:
        """Is there a line for a caller from this host? Somebody else may have to make room for it."""
        if self.busy():
            return False
        ringing = [call for call in self._calls.values() if call.state is CallState.RINGING]
        if len(ringing) < self._most:
            return True
        hosts = Counter(call.source_host for call in ringing)
        for call in ringing:  # oldest first
            rung_s = now - call.state_since
            if (hosts[call.source_host] > 1 and call.source_host != host) or rung_s >= RINGS_ALONE_S:
                self._make_room(call, now)
                return True
        return False

    def turned_away(self, what: str, now: float) -> str | None:
        """A line for the log; None while the last one is fresh: a flood of calls must not become one of lines."""
        if now < self._tell_from:
            self._untold += 1
            return None
        others = f", and {self._untold} more before" if self._untold else ""
        self._tell_from, self._untold = now + TELL_AGAIN_S, 0
        return f"busy: {what}{others}"
