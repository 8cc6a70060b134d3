"""Several frames into one: added, and held within 16 bits by a limiter.

Sound that fits is the exact sum. Where it does not, the gain goes down within the millisecond before the peak and
comes back over some tenths of a second, so that two people who shout together are softer for a moment, not broken.
A limiter that has nothing to do changes nothing: one voice alone passes bit for bit.
"""

from __future__ import annotations

from math import exp

import numpy as np

_HIGHEST, _LOWEST = 32767, -32768
_BLOCK_S = 0.001  # the gain is one straight line within such a block
_RELEASE_S = 0.15  # time constant of its way back
_NEARLY_ONE = 0.999


def add(frames: list[np.ndarray]) -> np.ndarray:
    """The sum of int16 frames as int32, as long as the first; shorter ones are taken to end in silence."""
    total = frames[0].astype(np.int32)
    for frame in frames[1:]:
        count = min(len(frame), len(total))
        total[:count] += frame[:count]
    return total


class Limiter:
    """``push`` takes a sum of any size and gives int16. One object for one stream of sound at one rate."""

    def __init__(self, rate_hz: int) -> None:
        self.gain = 1.0  # at the end of the last frame
        self._block = max(1, int(rate_hz * _BLOCK_S))
        self._recovery = 1 - exp(-self._block / (rate_hz * _RELEASE_S))

    def push(self, total: np.ndarray) -> np.ndarray:
        """The next frame, of integers or floats on the scale of int16; nothing in it is clipped."""
        if not len(total):
            return total.astype(np.int16)
        if self.gain == 1 and total.max() <= _HIGHEST and total.min() >= _LOWEST:
            exact: np.ndarray = np.rint(total)
            return exact.astype(np.int16)
        edges = self._edges(total)
        places = np.minimum(np.arange(len(edges)) * self._block, len(total))
        out = total * np.interp(np.arange(len(total)), places, edges)
        limited: np.ndarray = np.clip(np.rint(out), _LOWEST, _HIGHEST)
        return limited.astype(np.int16)

    def _edges(self, total: np.ndarray) -> list[float]:
        """The gain at the edges of all blocks: no higher than the blocks on both sides of an edge bear."""
        starts = np.arange(0, len(total), self._block)
        peaks = np.maximum.reduceat(np.abs(total), starts)
        bears = np.minimum(1.0, _HIGHEST / np.maximum(peaks, _HIGHEST)).tolist()
        gain = min(self.gain, bears[0])
        edges = [gain]
        for here, after in zip(bears, [*bears[1:], 1.0], strict=True):
            gain = min(gain + (1 - gain) * self._recovery, here, after)
            edges.append(gain)
        self.gain = 1.0 if gain > _NEARLY_ONE else gain
        return edges
