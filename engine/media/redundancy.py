"""How much redundancy to send (RFC 2198), by what the far end says it has lost (RFC 3550 section 6.4.1).

Theory of operation. Every report of the far end about our stream says which part was lost since the one before.

* **On** with the first report that tells of loss, and as many generations as it takes for about one frame in two
  hundred to stay lost: one up to 5 %, two up to 25 %, three above. What counts is the loss lately: it rises at once
  and falls over some reports.
* **Off**, a generation at a time, when the loss has been away for a while: from a fifth of the packets to nothing it
  takes about 45 s. Each step down has a lower threshold than the step up, so that it does not flutter.
* **Off when it does not help.** Repeated frames cost bandwidth, and where that is what lacks they make the very loss
  that they were to cover. If our own packets filled the line, one third of what is sent more being lost would show as
  a certain loss; when a report reaches that, or the round trip grows as by a queue that fills up, redundancy is under
  suspicion and is left out until the next report. If the loss has fallen by most of what our share explains, it was
  us: only as many generations as what came through has shown room for, for half a minute, and twice as long each time
  it happens again. If it has not, the line is simply that bad, and redundancy is back.

Pure: a report and the time come in, a number of generations comes out.
"""

from __future__ import annotations

from dataclasses import dataclass

MAX_GENERATIONS = 3

# Loss from which on 1, 2, 3 generations are sent, and below which they are no longer.
RAISE_AT = (0.007, 0.05, 0.25)
LOWER_AT = (0.005, 0.03, 0.15)
FALL = 0.4  # part of the way down that one report without loss takes us

SUSPICIOUS_SHARE = 1 / 3  # of what would be lost more if there were no room at all for what we repeat
SUSPICIOUS_RTT_S = 0.15  # more than it was without
SETTLE_S = 0.5  # a report so soon after a change is still about the time before it
HOLD_S = (30.0, 480.0)  # first, and longest: no more generations than have proved harmless


@dataclass(frozen=True, slots=True)
class Heard:
    """What one report block said of our stream."""

    at: float
    loss: float  # 0 to 1, since the report before
    rtt_s: float | None = None


class RedundancyController:
    """``growth`` is how much one generation adds to what we send, headers included, as a part of it; 0 where nothing is
    sent twice, and the codec alone does something against the loss."""

    def __init__(self, growth: float = 0.8) -> None:
        self.growth = growth
        self.most = MAX_GENERATIONS  # that come soon enough to be waited for
        self.generations = 0
        self.loss = 0.0  # lately: rises at once, falls slowly
        self._before: Heard | None = None  # when it was last known not to be our doing
        self._suspect: Heard | None = None  # what made us leave redundancy out for a moment
        self._suspected = 0  # the generations that were sent then
        self._most = MAX_GENERATIONS
        self._hold_until = 0.0
        self._hold_s = HOLD_S[0]
        self._changed_at = -SETTLE_S

    def report(self, heard: Heard) -> int:
        """Take one report; how many generations to send from now on."""
        if heard.at - self._changed_at < SETTLE_S:
            return self.generations
        if heard.at >= self._hold_until:
            self._most = MAX_GENERATIONS
        self.loss = max(heard.loss, self.loss + FALL * (heard.loss - self.loss))
        if self._suspect is not None:
            self._judge(self._suspect, heard)
        elif self._is_suspicious(heard):
            self._suspect, self._suspected = heard, self.generations
            return self._set(0, heard.at)
        if not self.generations:
            self._before = heard
        return self._set(min(self._wanted(), self._most, self.most), heard.at)

    def _wanted(self) -> int:
        """By the loss lately; down by one at most."""
        now = self.generations
        fitting = sum(self.loss >= threshold for threshold in RAISE_AT)
        if fitting >= now:
            return fitting
        return now - 1 if self.loss < LOWER_AT[now - 1] else now

    def _set(self, generations: int, at: float) -> int:
        if generations != self.generations:
            self.generations, self._changed_at = generations, at
        return generations

    # -------------------------------------------------------------- does it help?

    def _is_suspicious(self, heard: Heard) -> bool:
        """Is so much more lost, or are they so much longer on their way, than before we sent anything twice?"""
        before = self._before
        if not self.generations or not self.growth or before is None:
            return False
        without_room = 1 - (1 - before.loss) / self._rate(self.generations)
        limit = before.loss + SUSPICIOUS_SHARE * (without_room - before.loss)
        return heard.loss > limit or _slower(heard, before, SUSPICIOUS_RTT_S)

    def _judge(self, suspect: Heard, heard: Heard) -> None:
        """Redundancy was left out for one report: has that made it better?"""
        self._suspect = None
        if self._was_us(suspect, heard):
            self.loss = heard.loss
            self._most = self._room(suspect, heard)
            self._hold_until = heard.at + self._hold_s
            self._hold_s = min(2 * self._hold_s, HOLD_S[1])
        else:
            self._hold_s = HOLD_S[0]

    def _was_us(self, suspect: Heard, heard: Heard) -> bool:
        if self._before is not None and _slower(suspect, self._before, SUSPICIOUS_RTT_S):
            return _slower(suspect, heard, SUSPICIOUS_RTT_S / 2)
        without = max(0.0, 1 - (1 - suspect.loss) * self._rate(self._suspected))
        return heard.loss < (suspect.loss + without) / 2

    def _room(self, suspect: Heard, heard: Heard) -> int:
        """How many generations fit into what came through, at least one less than was tried."""
        came_through = (1 - suspect.loss) / max(0.5, 1 - heard.loss) * self._rate(self._suspected)
        return max(0, min(self._suspected - 1, int((came_through - 1) / self.growth)))

    def _rate(self, generations: int) -> float:
        """What is sent with so many, as a multiple of what is sent with none."""
        return 1 + generations * self.growth


def _slower(heard: Heard, other: Heard, by_s: float) -> bool:
    return heard.rtt_s is not None and other.rtt_s is not None and heard.rtt_s > other.rtt_s + by_s
