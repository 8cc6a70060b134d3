"""How long packets ought to wait: the distribution of their delays, and the target that follows from it.

Theory of operation. A transit is a time of ours less a place on the sender's clock: the delay of the network plus
a constant nobody knows. A histogram of transits that forgets says by which one all but a few packets have come; that
quantile is the target. It is bounded by the slowest packet lately, since nobody waits for what has not happened,
and by what the user allows. Five things go beyond the quantile:

* At first there are too few packets for it: the spread of those that came is carried on a little.
* One packet that comes too late is what the quantile allows for. Several close together are a peak: the target rises
  at once, as far as it takes, and falls again by itself.
* Where packets are lost on the way, the quantile is lower, since less is gained by waiting for all that come.
* There, too, the packet behind a gap shall be there when the gap begins: what is invented sounds far better when it is
  made from both sides (``conceal``). On a steady line that costs 20 ms of delay, as long as there is loss; where
  delays differ it is mostly there already.
* The two clocks drift: transits are kept as they would be without that (``_lift``), so that the memory may be long.
"""

from __future__ import annotations

from math import inf

MAX_TARGET_S = 0.5  # where the user says nothing
HIGHEST_TARGET_S = 1.0  # that can be asked for


class DelayEstimate:
    """Transits of the packets that came, and the target that follows."""

    BIN_S = 0.002
    FORGET_S = 30.0  # a packet weighs a third of what it did after so long a time of sound
    QUANTILE = 0.987
    # Where packets get lost anyway, a few more that come too late are heard less than the delay that would save them:
    # so many may for each one lost (not half as many do, because packets are played at ticks).
    LATE_FOR_LOST = 4.0
    LEAST_QUANTILE = 0.90
    REORDERED_S = 0.05  # as much is always missing where packets overtake each other
    LOOK_AHEAD_LOSS = 0.01  # where more is lost, the packet behind a gap is waited for:
    LOOK_AHEAD_S = 0.020  # as much of a gap can be made from both sides
    LOST_OF_S = 5.0  # before so much was heard, a few losses are no share of anything
    REPEATED_QUANTILE = 0.979  # where later packets repeat what comes too late (RFC 2198), lost or not
    MARGIN_S = 0.001  # our own clock is not quite regular either
    FIRST_S = 4.0  # so long the spread of what came is carried on, by this share of it
    FIRST_SHARE = 0.35
    PEAK = 2.0  # so many packets too late, of about as many as PEAK_MEMORY, beyond what the quantile allows for
    PEAK_MEMORY = 16.0
    OFTEN = 4.0  # or so many: no end is to be seen
    PEAK_STEP_S = 0.040  # one packet raises the target by no more
    FALL_S = 6.0  # and it falls again, by two thirds in so long a time of sound
    RANGE_S = 5.0  # lowest and highest transit are those of the last five to ten seconds

    _HIGHEST_BIN = int((HIGHEST_TARGET_S + 0.1) / BIN_S)
    _MAX_BINS = 1024
    _COUNT_EVERY = 8
    _SCALE_AT = 1e6
    _NEGLIGIBLE = 1e-3

    def __init__(self) -> None:
        self.floor = inf  # transit of the quickest packet lately
        self.target = inf  # as a transit
        self.least_s, self.most_s = 0.0, MAX_TARGET_S  # the target is later than the floor by so much
        self.look_ahead = True  # does the packet behind a gap help to conceal the gap?
        self._repeating = False
        self._repeats_s = 0.0  # how long it pays to wait for frames that come again: see repeats.py
        self._lift = 0.0  # what the drift has added to all transits; those below are without it
        self._floor = self._ceiling = inf  # the quickest and the slowest lately
        self._lowest = self._lowest_before = inf  # of this period, of the one before
        self._highest, self._highest_before = -inf, -inf
        self._period_s = 0.0
        self._heard_s = 0.0
        self._weights: dict[int, float] = {}
        self._total = 0.0
        self._gain = 1.0  # weight of the next packet: instead of all fading, the new ones count for more
        self._quantile = -inf
        self._missing_s = 0.0  # of sound, lately
        self._raised = -inf  # by peaks; falls
        self._too_late = 0.0  # packets lately, fading
        self._uncounted = 0

    def update(self, transit: float, duration_s: float, drift: float = 0.0, since_s: float | None = None) -> None:
        """One packet came that lasts so long, ``since_s`` after the one before (None: after so long as it lasts).

        ``drift``: by how many seconds transits grow in a second, as far as that is known.
        """
        self._lift += drift * (duration_s if since_s is None else since_s)
        level = transit - self._lift
        self._update_range(level, duration_s)
        self._heard_s += duration_s
        place = int(level // self.BIN_S)
        highest = int(self._floor // self.BIN_S) + self._HIGHEST_BIN
        if place > highest:
            place = highest
        self._gain *= 1 + duration_s / self.FORGET_S
        self._weights[place] = self._weights.get(place, 0.0) + self._gain
        self._total += self._gain
        self._uncounted += 1
        if self._uncounted >= self._COUNT_EVERY or self._heard_s < self.FIRST_S:
            self._count()
        if self._raised > self._quantile:
            self._raised -= (self._raised - self._quantile) * duration_s / self.FALL_S
        self._too_late -= self._too_late / self.PEAK_MEMORY
        self._missing_s -= self._missing_s * duration_s / self.FORGET_S
        self._aim()

    @property
    def peak(self) -> bool:
        """Do more packets come too late than the target allows for?"""
        return self._too_late > self.PEAK + 1.5 * self.PEAK_MEMORY * (1 - self._wanted())

    @property
    def often_late(self) -> bool:
        """Do so many packets come too late that the next one that is missing is surely one of them?"""
        return self._too_late > self.OFTEN

    def missing(self, duration_s: float) -> None:
        """So much sound was passed over by a packet that came; below zero: it came after all."""
        self._missing_s = max(0.0, self._missing_s + duration_s)

    def _wanted(self) -> float:
        """The quantile: of what was sent, not of what came."""
        if self._repeating:
            return self.REPEATED_QUANTILE
        return max(self.LEAST_QUANTILE, min(self.QUANTILE, 1 - self.LATE_FOR_LOST * self._lost()))

    def _lost(self) -> float:
        """The share of what was sent, lately."""
        missing_s = self._missing_s - self.REORDERED_S
        if missing_s <= 0:
            return 0.0
        return missing_s / max(self.LOST_OF_S, min(self._heard_s + missing_s, self.FORGET_S))

    def _least(self) -> float:
        """How much later than the quickest packets to play at the least."""
        if self._repeating:
            return max(self.least_s, self._repeats_s)
        if self.look_ahead and self._lost() > self.LOOK_AHEAD_LOSS:
            return max(self.least_s, min(self.LOOK_AHEAD_S, self.most_s))
        return self.least_s

    def repeated(self, active: bool, wait_s: float) -> None:
        """Frames come again in later packets (RFC 2198), to be waited for so long after the quickest packets."""
        self._repeating = active
        self._repeats_s = min(wait_s, self.most_s)
        self._aim()

    def late(self, transit: float) -> None:
        """A packet came after its turn."""
        self._too_late += 1
        if self.peak:
            aimed = self.target - self._lift - self.MARGIN_S
            self._raised = max(self._raised, min(transit - self._lift, aimed + self.PEAK_STEP_S))
            self._aim()

    def _aim(self) -> None:
        raised, quantile = self._raised, self._quantile
        level = raised if raised > quantile else quantile
        if level > self._ceiling:
            level = self._ceiling
        if self._heard_s < self.FIRST_S:
            level += (self._ceiling - self._floor) * self.FIRST_SHARE * (1 - self._heard_s / self.FIRST_S)
        target, floor = level + self.MARGIN_S + self._lift, self._floor + self._lift
        self.floor = floor
        least_s = self._least()
        if target < floor + least_s:
            target = floor + least_s
        elif target > floor + self.most_s:
            target = floor + self.most_s
            self._raised = min(self._raised, target - self._lift)
        self.target = target

    def _update_range(self, level: float, duration_s: float) -> None:
        self._period_s += duration_s
        if self._period_s > self.RANGE_S:
            self._period_s = 0.0
            self._lowest_before, self._highest_before = self._lowest, self._highest
            self._lowest = self._highest = level
        elif level < self._lowest or level > self._highest:
            self._lowest = min(self._lowest, level)
            self._highest = max(self._highest, level)
        else:
            return
        self._floor = min(self._lowest, self._lowest_before)
        self._ceiling = max(self._highest, self._highest_before)

    def _count(self) -> None:
        """Find the quantile anew, and now and then make the numbers small again."""
        self._uncounted = 0
        if self._gain > self._SCALE_AT or len(self._weights) > self._MAX_BINS:
            self._scale()
        above = (1 - self._wanted()) * self._total
        place = 0
        for place in sorted(self._weights, reverse=True):
            above -= self._weights[place]
            if above <= 0:
                break
        self._quantile = (place + 1) * self.BIN_S

    def _scale(self) -> None:
        kept = {place: weight / self._gain for place, weight in self._weights.items()}
        kept = {place: weight for place, weight in kept.items() if weight > self._NEGLIGIBLE}
        self._weights = {place: kept[place] for place in sorted(kept, reverse=True)[: self._MAX_BINS // 2]}
        self._total = sum(self._weights.values())
        self._gain = 1.0
