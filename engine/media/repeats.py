"""How long it pays to wait for frames that come again in later packets (RFC 2198).

Theory of operation. A frame whose own packet is missing is filled in by a later one, and that comes a packet or two
later. To have it in time everything is played so much later, all the time. Both have their price, and the E-model
(ITU-T G.107) weighs one against the other: 20 ms more on a path of about 100 ms cost half a point of R, and so does
one frame in 800 that is lost. The delays of those frames that were needed, and of no others, are remembered for a
while, and the wait is the one at which both prices together are the least. So where nothing is lost nothing is waited
for; and a wait that has paid is given up only when it clearly pays no longer, since each change is heard a little.

A sender that begins to repeat has been told of losses: its first frames count as needed. Delays are those beyond the
quickest packet's. Packets are pulled at ticks, so that a wait lasts until the first tick after it. ``MOST_S`` bounds
that: who talks hears the delay, too. A codec that is built to be repeated (Opus sends half the bits, twice) is waited
for a little longer: two packets and a tick, whatever the phase of the ticks.
"""

from __future__ import annotations

from math import inf

PRICE = 0.0625  # of a second of waiting, as a part of the frames
STAYS = 0.25  # of its price is what the wait that is must be worth, to stay
FORGET_S = 10.0  # a frame counts for a third after so long a time of sound
FIRST_FRAMES = 4  # of a sender that begins to repeat; it begins anew after so long without:
SILENT_S = 5.0
MOST_S = 0.055
MOST_OF_HALVES_S = 0.062
WITHIN_S = 0.005  # before the tick that is meant

_BIN_S = 0.002
_MOST_BIN = int(0.5 / _BIN_S)
_COUNT_EVERY = 16
_SCALE_AT = 1e6
_NEGLIGIBLE = 1e-6  # part of the frames


class RepeatEstimate:
    """Told of every packet and of every frame that is repeated; ``wait_s`` is how long to wait for them."""

    def __init__(self) -> None:
        self.wait_s = 0.0
        self._needed: dict[int, float] = {}  # by their delay: how much of the sound lately, in seconds times _gain
        self._gain = 1.0  # instead of all fading, the new ones count for more
        self._first_left = FIRST_FRAMES
        self._silent_s = inf
        self._uncounted = 0

    @property
    def active(self) -> bool:
        """Frames are repeated, or were until a moment ago."""
        return self._silent_s <= SILENT_S or self.wait_s > 0

    def update(self, duration_s: float) -> None:
        """A packet came itself."""
        self._silent_s += duration_s
        if not self._needed:
            return
        self._gain *= 1 + duration_s / FORGET_S
        self._uncounted += 1
        if self._uncounted >= _COUNT_EVERY:
            self._count()

    def repeated(self, delay_s: float, duration_s: float, needed: bool) -> None:
        """A frame came again, so much later than the quickest packets do."""
        if self._silent_s > SILENT_S:
            self._first_left = FIRST_FRAMES
            self._needed.clear()
        self._silent_s = 0.0
        if not needed and not self._first_left:
            return
        self._first_left = max(0, self._first_left - 1)
        place = min(max(0, int(delay_s // _BIN_S)), _MOST_BIN)
        self._needed[place] = self._needed.get(place, 0.0) + self._gain * duration_s
        self._count()

    def _count(self) -> None:
        """Find the cheapest wait: what it costs itself, and what would come too late for it."""
        self._uncounted = 0
        if self._gain > _SCALE_AT:
            self._needed = {place: weight / self._gain for place, weight in self._needed.items()}
            self._gain = 1.0
        whole = self._gain * FORGET_S
        missed, least, wait_s = 0.0, inf, 0.0
        for place in sorted(self._needed, reverse=True):
            delay_s = (place + 1) * _BIN_S
            price = PRICE * delay_s * (STAYS if delay_s <= self.wait_s else 1.0) + missed
            if price < least:
                least, wait_s = price, delay_s
            missed += self._needed[place] / whole
        self.wait_s = wait_s if least <= missed else 0.0
        if missed < _NEGLIGIBLE:
            self._needed.clear()
            self._gain = 1.0


def bounded(wait_s: float, pulled_s: float, tick_s: float, packet_s: float, most_s: float = MOST_S) -> float:
    """As much of a wait as ``most_s`` allows, or one packet's, where packets are so long that it would allow none.

    ``pulled_s`` is how late a packet is pulled now, beyond the quickest: by whole ticks it may be more or less.
    """
    most_s = max(most_s, packet_s + tick_s)
    if tick_s <= 0 or wait_s <= most_s - tick_s:
        return wait_s
    return min(wait_s, most_s - (most_s - pulled_s) % tick_s - WITHIN_S)
