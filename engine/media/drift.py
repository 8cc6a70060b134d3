"""How much faster the far end's clock runs than ours, in parts per million.

Theory of operation. The transit of a packet is its arrival on our clock less its place on the sender's: whatever
the network does, the quickest packets take about the same time, so that the least transit of each stretch of the
call is a point on a line whose slope is the difference of the two clocks. The line is that of Theil and Sen: the
median of the slopes between all pairs of points, here weighted by how far apart they are, so that a third of the
points may lie anywhere (a congested minute) and the figure stays.

A way through the network that changes, or timestamps that are set anew, move the line up or down at once. Points
before and after such a step are not compared (``_line``). What is known is given out only when it is known well
enough to be worth a look.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FIRST_POINT_S = 2.0  # the least transit of so long makes a point
LONGEST_POINT_S = 60.0
MAX_POINTS = 64  # then two neighbours become one, until points are long enough, and then the oldest goes
MIN_POINTS = 5
SURE_PPM = 25.0  # a standard error beyond this is no figure
STEP_S = 0.004  # a point so far from the line, and so many times the usual distance, and the next too: a new line
STEP_SPREADS = 6.0
REMEMBERED = 16  # points that say where the next is expected
RESOLUTION_S = 0.0002  # nobody's packets leave more regularly


@dataclass(slots=True)
class _Point:
    """The quickest packet of a stretch of the call: when it came, how long it took, to which line it belongs."""

    at: float
    transit: float
    line: int


class DriftEstimate:
    """Told of every packet, knows the difference of the clocks. Memory is bounded."""

    def __init__(self) -> None:
        self.ppm: float | None = None  # above zero: their clock is faster. None: not known well enough
        self.slope = 0.0  # seconds that transits grow by in a second
        self._points: list[_Point] = []
        self._point_s = FIRST_POINT_S
        self._line = 0
        self._begin = -np.inf  # of the stretch that is being watched
        self._least = _Point(0.0, np.inf, 0)
        self._stray = False  # the latest point lies off the line
        self._slope = 0.0
        self._spread_s = np.inf  # usual distance of the points from the line

    def update(self, arrival: float, transit: float) -> None:
        """One packet came at ``arrival`` (s, our clock) that took ``transit`` (s, plus a constant)."""
        if not 0 <= arrival - self._begin < self._point_s:
            self._close(arrival)
        least = self._least
        if transit < least.transit:
            least.at, least.transit = arrival, transit

    def restart(self) -> None:
        """From the next packet on transits have another constant: the sender set its timestamps anew."""
        self._line += 1
        self._least = _Point(0.0, np.inf, self._line)
        self._stray = False

    def _close(self, arrival: float) -> None:
        """A stretch is over: its quickest packet is a point."""
        if self._least.transit < np.inf:
            self._add(self._least)
        self._begin = arrival
        self._least = _Point(0.0, np.inf, self._line)

    def _add(self, point: _Point) -> None:
        self._watch_for_step(point)
        self._points.append(point)
        if len(self._points) >= MAX_POINTS:
            self._thin()
        if len(self._points) >= MIN_POINTS:
            self._fit()

    def _thin(self) -> None:
        """Longer stretches from now on; the points so far join as well, or else the oldest goes."""
        if self._point_s * 2 > LONGEST_POINT_S:
            del self._points[0]
            return
        self._point_s *= 2
        kept: list[_Point] = []
        for number, point in enumerate(self._points):
            if number % 2 and kept[-1].line == point.line:
                kept[-1] = min(kept[-1], point, key=self._height)
            else:
                kept.append(point)
        self._points = kept

    def _height(self, point: _Point) -> float:
        return point.transit - self._slope * point.at

    def _watch_for_step(self, point: _Point) -> None:
        """Two points in a row far on the same side of the line: the way through the network has changed."""
        before = [one for one in self._points[-REMEMBERED:] if one.line == point.line]
        if len(before) < MIN_POINTS:
            return
        usual = _median(np.array([self._height(one) for one in before[: -1 if self._stray else None]]))
        off_s = self._height(point) - usual
        strays = abs(off_s) > max(STEP_S, STEP_SPREADS * self._spread_s)
        if strays and self._stray and (off_s > 0) == (self._height(before[-1]) > usual):
            self._line += 1
            before[-1].line = point.line = self._line
            self._least.line = self._line
            strays = False
        self._stray = strays

    def _fit(self) -> None:
        """The weighted median of all slopes, and how sure it is."""
        at, transit = (np.array([getattr(one, name) for one in self._points]) for name in ("at", "transit"))
        line = np.array([one.line for one in self._points])
        first, second = np.triu_indices(len(at), 1)
        same = (line[first] == line[second]) & (at[second] > at[first])
        apart = (at[second] - at[first])[same]
        if not len(apart):
            return
        slopes = (transit[second] - transit[first])[same] / apart
        order = np.argsort(slopes)
        weight = np.cumsum(apart[order])
        self._slope = float(slopes[order[np.searchsorted(weight, weight[-1] / 2)]])
        heights, moment = transit - self._slope * at, 0.0
        off = np.zeros(len(at))
        for one in {point.line for point in self._points}:
            members = line == one
            off[members] = heights[members] - _median(heights[members])
            moment += float(np.sum((at[members] - at[members].mean()) ** 2))
        self._spread_s = 1.4826 * _median(np.abs(off))
        error = max(self._spread_s, RESOLUTION_S) / moment**0.5 if moment else np.inf
        if error * 1e6 < SURE_PPM:
            self.ppm, self.slope = -1e6 * self._slope, self._slope


def _median(values: np.ndarray) -> float:
    """The middle one, of an even number the upper; numpy's own loads a module of 100 ms when first called."""
    middle = len(values) // 2
    return float(np.partition(values, middle)[middle])
