"""The lines: how many calls there may be, and who may ring when many want to.

A call that rings is none yet, and neither is one that its caller has not acknowledged: both keep no line. So more may
ring than there are lines, but not without end: what a face lists stays short. Anybody can ring, and under many names.
So where ``MOST_RINGING`` ring, the call that has rung longest of the host that has called most often lately makes room:
at once for a host that has called less often, and where all are alike, once it has rung for ``RINGS_AT_LEAST_S``. A
host whose call came about has called as if never before. And who is turned away is spoken of once in a while only.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from engine.call import Call
from engine.model import CallState

MOST_RINGING = 32
RINGS_AT_LEAST_S = 6.0  # time to look up and to answer
TELL_AGAIN_S = 1.0
LATELY_S = 60.0
MOST_HOSTS = 4096  # whose calls are counted


class _Callers:
    """How often each host has called within the last one or two ``LATELY_S``."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._before: Counter[str] = Counter()
        self._since = 0.0

    def note(self, host: str, now: float) -> None:
        age_s = now - self._since
        if age_s >= LATELY_S:
            self._before = self._counts if age_s < 2 * LATELY_S else Counter()
            self._counts, self._since = Counter(), now
        if host in self._counts or len(self._counts) < MOST_HOSTS:
            self._counts[host] += 1

    def calls(self, host: str) -> int:
        return self._counts[host] + self._before[host]

    def forget(self, host: str) -> None:
        self._counts.pop(host, None)
        self._before.pop(host, None)


class Lines:
    """``make_room`` rejects a call that rings; ``log`` gets level, source and text."""

    def __init__(
        self,
        calls: Mapping[int, Call],
        most: int,
        make_room: Callable[[Call, float], None],
        log: Callable[[str, str, str], None],
    ) -> None:
        self._calls = calls
        self._most = most
        self._make_room = make_room
        self._log = log
        self._callers = _Callers()
        self._tell_from = 0.0
        self._untold = 0

    def busy(self) -> bool:
        """Are there as many calls as may be? What nobody has acknowledged is not one yet."""
        return sum(call.surely_taken for call in self._calls.values()) >= self._most

    def free_for(self, host: str, now: float) -> bool:
        """May a call from this host ring? Somebody else may have to make room for it."""
        self._callers.note(host, now)
        if self.busy():
            return False
        ringing = [call for call in self._calls.values() if call.state is CallState.RINGING]
        if len(ringing) < MOST_RINGING:
            return True
        oldest = max(ringing, key=lambda call: self._callers.calls(call.source_host))  # the first of equals
        more = self._callers.calls(oldest.source_host) - self._callers.calls(host)
        if more > 0 or (more == 0 and now - oldest.state_since >= RINGS_AT_LEAST_S):
            self._make_room(oldest, now)
            return True
        return False

    def came_about(self, call: Call) -> None:
        """Both talk: its host calls in earnest."""
        self._callers.forget(call.source_host)

    def turned_away(self, what: str, now: float) -> None:
        """A line in the log, unless the last one is fresh: a flood of calls must not become one of lines."""
        if now < self._tell_from:
            self._untold += 1
            return
        others = f", and {self._untold} more before" if self._untold else ""
        self._tell_from, self._untold = now + TELL_AGAIN_S, 0
        self._log("warn", "call", f"busy: {what}{others}")
