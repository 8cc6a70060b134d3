"""RTP timestamps as places on one line of seconds, whatever a sender does with its clock.

Theory of operation. Timestamps are unwrapped into seconds on the *media line*, which is the sender's clock. The
*transit* of a packet is its arrival less its place: the delay of the network plus a constant nobody knows.

A timestamp that is out of all proportion is set aside; when a second one agrees with it, or the caller says that the
source is another, the line is joined anew to the timestamps: as if this packet had taken as long as the newest one, so
that what waits and what is known of the network both stay. It is joined anew at once when a packet that *follows* the
one before it, by its sequence number, has a timestamp that goes back, or that leaps ahead though no pause came before
it: a network can delay and lose, but it cannot do that.
"""

from __future__ import annotations

from math import inf

# A packet so far from the others is not delayed: its timestamp was set anew.
MAX_EARLY_S = 1.0
MAX_LATE_S = 2.0
SAME_LINE_S = 0.5
# After a silence that much delay is a sender whose timestamps stood still meanwhile (a hold).
STOOD_STILL_S = 0.15
# A packet that follows the one before it begins where that one ended, or a pause later. More than this is neither.
MAX_STEP_S = 0.06

_TIMESTAMPS = 1 << 32


class MediaLine:
    """Where packets lie. ``newest_end`` and ``newest_transit`` are for the owner to set: of the packet ahead of all."""

    def __init__(self) -> None:
        self.newest_end = 0.0
        self.newest_transit = 0.0
        self.joined_anew = False  # by the packet that was located last
        # This timestamp is this place, at this rate.
        self._timestamp = 0
        self._begin = 0.0
        self._rate = 0
        self._last_end = 0.0  # of the packet that came last
        self._odd_transit: float | None = None  # of the packet that was set aside
        self._other_source = True

    def other_source(self) -> None:
        """The next packet belongs to another source, or to the same begun anew."""
        self._other_source = True

    def knows(self, rate: int) -> bool:
        """Can timestamps of this clock rate be placed?"""
        return rate == self._rate and not self._other_source

    def place(self, timestamp: int) -> float:
        """Where it lies, in seconds; changes nothing."""
        step = (timestamp - self._timestamp) % _TIMESTAMPS
        if step >= _TIMESTAMPS // 2:
            step -= _TIMESTAMPS
        return self._begin + step / self._rate

    def locate(
        self, timestamp: int, samples: int, rate: int, arrival: float, floor: float, target: float, follows: bool
    ) -> float | None:
        """Where a packet begins that has come, of ``samples`` at ``rate`` a second; None: it is set aside.

        ``floor`` is the transit of the quickest packets; ``target``, after a silence, that of packets when they are
        played, and inf otherwise.
        """
        self.joined_anew = False
        if not self.knows(rate):
            self._join(timestamp, rate, arrival)
        begin = self.place(timestamp)
        transit = arrival - begin
        if not -MAX_EARLY_S <= transit - floor <= MAX_LATE_S and floor != inf:
            odd, self._odd_transit = self._odd_transit, transit
            if odd is None or abs(transit - odd) > SAME_LINE_S:
                return None
            self._join(timestamp, rate, arrival)
        elif transit > target + STOOD_STILL_S or (follows and self._leaps(begin - self._last_end, transit - floor)):
            self._join(timestamp, rate, arrival)
        begin = self._begin = self.place(timestamp)
        self._timestamp = timestamp
        self._odd_transit = None
        self._last_end = begin + samples / rate
        return begin

    @staticmethod
    def _leaps(step_s: float, delay_s: float) -> bool:
        """Was the timestamp set anew? A step ahead is a pause, unless the packet came before its time."""
        return step_s < -MAX_STEP_S or (step_s > MAX_STEP_S and delay_s < -MAX_STEP_S)

    def _join(self, timestamp: int, rate: int, arrival: float) -> None:
        self._timestamp, self._rate = timestamp, rate
        self._begin = max(self.newest_end, arrival - self.newest_transit)
        self._other_source = False
        self._odd_transit = None
        self.joined_anew = True
