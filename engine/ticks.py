"""The packets of sound of all calls: when the next is due, and whose turn it is.

Most turns of the program are for these alone, so they are reckoned apart from everything else that is due.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.call import Call
    from engine.media_session import MediaSession

MOST_TICKS = 64  # of one call in one turn; what would be more is a stall, and skipped


class Ticks:
    """Looks at ``calls``, which belong to the phone; ``wall`` tells seconds since the epoch.

    ``on_digit`` hears of every digit that came: of whom, which, for how many ms, and the time.
    """

    def __init__(
        self,
        calls: Mapping[int, Call],
        wall: Callable[[], float],
        on_digit: Callable[[Call, str, float, float], None],
    ) -> None:
        self._calls = calls
        self._wall = wall
        self._on_digit = on_digit

    def deadline(self) -> float:
        """When :meth:`run` has something to do (inf: never)."""
        return min((media.deadline() for _, media in self._sessions()), default=float("inf"))

    def next_packet(self) -> float:
        """When the next packet must leave; whatever can wait should leave it room."""
        return min((media.tick_deadline() for _, media in self._sessions()), default=float("inf"))

    def run(self, now: float) -> None:
        """Tick by tick in the order of the ticks, in a late turn too: else a conference would hear gaps."""
        due = [(call, media) for call, media in self._sessions() if now >= media.deadline()]
        for _ in range(MOST_TICKS):
            if not due:
                return
            if len(due) > 1:
                due.sort(key=_deadline)
            for call, media in due:
                media.run(now, self._wall())
                self._hear_digits(call, media, now)
            due = [(call, media) for call, media in due if now >= media.deadline()]

    def catch_up(self, now: float) -> None:
        """Hear what sessions left for later, before anything else happens, or is looked at, that depends on it."""
        for call, media in self._sessions():
            if media.catch_up(now):
                self._hear_digits(call, media, now)

    def stop(self, call: Call, now: float) -> None:
        """This call's sound is over; of the digits that came by now, none is lost."""
        if call.media is not None:
            call.media.stop(now)
            self._hear_digits(call, call.media, now)

    def _hear_digits(self, call: Call, media: MediaSession, now: float) -> None:
        for digit, duration_ms in media.digits(now):
            self._on_digit(call, digit, duration_ms, now)

    def _sessions(self) -> list[tuple[Call, MediaSession]]:
        return [(call, call.media) for call in self._calls.values() if call.media]


def _deadline(of: tuple[Call, MediaSession]) -> float:
    return of[1].deadline()
