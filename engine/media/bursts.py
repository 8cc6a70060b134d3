"""How lost packets lie together: runs of them, and the bursts and gaps of RFC 3611.

Told of lost packets alone, by their place in the stream, so that a packet that comes costs nothing. A burst begins and
ends with a loss, and has fewer than ``GMIN`` packets in a row that came; what lies between bursts is a gap
(RFC 3611 section 4.7.2). The transition counts are those of the RFC's appendix A.2.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

GMIN = 16
RUN_STEPS = (1, 2, 3, 4, 8)  # runs of losses are counted up to each of these, and those that are longer
RUN_NAMES = ("1", "2", "3", "4", "5-8", "9+")
OUTAGE_PACKETS = 150  # lost in a second: about three seconds of sound, and then they went on
RECENT_S = 30  # what "now" means for runs of losses


@dataclass(frozen=True, slots=True)
class BurstFigures:
    """``*_density``: part of the packets that is lost within, 0 to 1. ``*_packets``: mean length."""

    lost: int  # packets
    runs: tuple[int, ...]  # how many runs of losses of each length in ``RUN_NAMES``
    mean_run: float  # packets; 0 when none was lost
    burst_density: float
    gap_density: float
    burst_packets: float
    gap_packets: float


class Bursts:
    """Losses of one call, in constant memory."""

    __slots__ = ("_begin", "_c11", "_c13", "_c14", "_c22", "_c23", "_c33", "_last", "_lost", "_run", "_runs", "lost")

    def __init__(self) -> None:
        self.lost = 0
        self._runs = [0] * len(RUN_NAMES)
        self._run = 0  # length of the run that may still go on
        self._last: int | None = None  # place of the last lost packet
        self._begin: int | None = None
        self._lost = 0  # in the burst that may still go on
        self._c11 = self._c13 = self._c14 = self._c22 = self._c23 = self._c33 = 0

    def begin(self, place: int) -> None:
        """The numbers start anew: the next packet has this place."""
        self._close_run()
        self._last = None
        self._begin = place

    def lose(self, place: int, count: int = 1) -> None:
        """So many packets from this place on are lost. Places only rise."""
        came = self._came_before(place)
        if came or self._last is None:
            self._close_run()
        self._run += count
        self.lost += count
        self._note(came, first=self._last is None)
        self._c33 += count - 1
        self._lost += count - 1
        self._last = place + count - 1

    def _came_before(self, place: int) -> int:
        """So many since the last lost packet, or since the numbers began, up to this place."""
        if self._last is not None:
            return max(0, place - self._last - 1)
        return 0 if self._begin is None else max(0, place - self._begin)

    def _note(self, came: int, first: bool) -> None:
        """One loss after so many that came (appendix A.2)."""
        if came >= GMIN or first:
            if self._lost == 1:
                self._c14 += 1
            elif self._lost:
                self._c13 += 1
            self._lost = 1
            self._c11 += came
            return
        self._lost += 1
        if came:
            self._c23 += 1
            self._c22 += came - 1
        else:
            self._c33 += 1

    def _close_run(self) -> None:
        if self._run:
            self._runs[_step(self._run)] += 1
        self._run = 0

    def figures(self, place: int) -> BurstFigures:
        """As of the packet at this place, the newest that is known to have come or not. Changes nothing."""
        runs = list(self._runs)
        if self._run:
            runs[_step(self._run)] += 1
        c11, c13, c14 = self._c11, self._c13, self._c14
        if self._lost == 1:  # a burst has two at least
            c14 += 1
        elif self._lost:
            c13 += 1
        c11 += self._came_before(place + 1)
        total = c11 + c14 + 2 * c13 + self._c22 + 2 * self._c23 + self._c33
        burst_packets, gap_packets = 0.0, float(c11 + c14)  # without a burst all is one gap
        if c13:
            gap_packets = (c11 + c14 + c13) / c13
            burst_packets = total / c13 - gap_packets
        return BurstFigures(
            self.lost,
            tuple(runs),
            self.lost / sum(runs) if self.lost else 0.0,
            self._burst_density(c13),
            c14 / (c11 + c14) if c11 + c14 else 0.0,
            burst_packets,
            gap_packets,
        )

    def _burst_density(self, c13: int) -> float:
        if not c13:
            return 0.0
        out_of_loss = c13 + self._c23 + self._c33
        p32 = self._c23 / out_of_loss
        p23 = 1 - self._c22 / (self._c22 + self._c23) if self._c22 + self._c23 else 1.0
        return p23 / (p23 + p32)


class RecentRuns:
    """The mean run of losses of the last half minute, from figures of the whole call; fed once a second.

    What was lost in an outage of seconds is no run: it would be the mean for half a minute.
    """

    __slots__ = ("_counts", "mean_run")

    def __init__(self) -> None:
        self.mean_run = 0.0  # packets; 0: none was lost
        self._counts: deque[tuple[int, int]] = deque(((0, 0),), maxlen=RECENT_S + 1)  # packets and runs so far

    def second(self, figures: BurstFigures | None) -> None:
        """One more second; None: nothing has come yet."""
        runs = 0 if figures is None else sum(figures.runs)
        packets = 0 if figures is None else figures.lost
        if packets - self._counts[-1][0] >= OUTAGE_PACKETS:
            self._counts.clear()
        self._counts.append((packets, runs))
        lost = packets - self._counts[0][0]
        # A run that has begun before goes on: then it is the only one.
        self.mean_run = lost / max(1, runs - self._counts[0][1])


def _step(run: int) -> int:
    return next((index for index, most in enumerate(RUN_STEPS) if run <= most), len(RUN_STEPS))


def burst_ratio(mean_run: float, lost_part: float) -> float:
    """BurstR of G.107: the mean run of losses to what it would be if they fell at random."""
    return max(1.0, mean_run * (1 - lost_part)) if mean_run else 1.0
