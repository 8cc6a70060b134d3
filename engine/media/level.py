"""The level of sound in dBFS: 0 is the RMS of a full-scale square wave, silence is -96."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import numpy as np

FLOOR_DBFS = -96.0
PEAK_HOLD_S = 1.5
_FULL_SCALE_SQUARED = 32768.0**2
_FLOOR_SQUARED = _FULL_SCALE_SQUARED * 10 ** (FLOOR_DBFS / 10)


@dataclass(frozen=True, slots=True)
class Level:
    """The fields are those of ``model.LevelView``."""

    rms_dbfs: float = FLOOR_DBFS
    peak_hold_dbfs: float = FLOOR_DBFS


def rms_dbfs(pcm: np.ndarray) -> float:
    """RMS of int16 samples."""
    samples = pcm.astype(np.float32)
    energy = float(samples.dot(samples))
    if energy <= _FLOOR_SQUARED * len(samples):
        return FLOOR_DBFS
    return 10 * math.log10(energy / (_FULL_SCALE_SQUARED * len(samples)))


class LevelMeter:
    """The level of the latest frame, and the highest of the last 1.5 s."""

    __slots__ = ("_peaks", "_rms")

    def __init__(self) -> None:
        self._rms = FLOOR_DBFS
        # Only frames that are louder than every later one can still become the peak: levels fall along it.
        self._peaks: deque[tuple[float, float]] = deque()

    def update(self, pcm: np.ndarray, now: float) -> None:
        """One frame of int16 samples."""
        self._rms = rms = rms_dbfs(pcm)
        peaks = self._peaks
        while peaks and peaks[-1][1] <= rms:
            peaks.pop()
        peaks.append((now, rms))
        while now - peaks[0][0] > PEAK_HOLD_S:
            peaks.popleft()

    @property
    def frame_dbfs(self) -> float:
        """Of the latest frame."""
        return self._rms

    def level(self) -> Level:
        """A frozen copy."""
        return Level(self._rms, self._peaks[0][1]) if self._peaks else Level()
