"""Packets that come in clumps: none for a while, and then all at once what should have come meanwhile.

Nothing is lost and nothing overtakes: somebody has held them back. That is a sender whose machine stood still, a Wi-Fi
that sleeps, or a queue on the way that is served now and then.
"""

from __future__ import annotations

HELD_S = 0.08  # no packet for so long, though they are sent every 10 to 60 ms ...
AT_ONCE_S = 0.005  # ... and then each so soon behind the one before:
AT_ONCE = 2  # so many of them


class Clumps:
    """Told of every packet of sound that follows the one before in sequence; constant memory."""

    __slots__ = ("_behind", "_count", "_gap_s", "_longest_s")

    def __init__(self) -> None:
        self._gap_s = 0.0  # before the clump that may be coming now; 0: none
        self._behind = 0  # packets at once, after the first
        self._count = 0
        self._longest_s = 0.0

    def note(self, gap_s: float) -> None:
        """A packet came so long after the one before."""
        if gap_s >= AT_ONCE_S:
            self._gap_s = gap_s if gap_s >= HELD_S else 0.0
            self._behind = 0
        elif self._gap_s:
            self._behind += 1
            if self._behind == AT_ONCE:
                self._count += 1
                self._longest_s = max(self._longest_s, self._gap_s)

    def take(self) -> tuple[int, float]:
        """How many there were since this was called last, and how long the longest was held back."""
        taken = self._count, self._longest_s
        self._count, self._longest_s = 0, 0.0
        return taken
