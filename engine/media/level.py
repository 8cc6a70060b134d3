"""The level of sound in dBFS: 0 is the RMS of a full-scale square wave, silence is -96."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

FLOOR_DBFS = -96.0
PEAK_HOLD_S = 1.5
_FULL_SCALE_SQUARED = 32768.0**2


@dataclass(frozen=True, slots=True)
class Level:
    rms_dbfs: float = FLOOR_DBFS
    peak_hold_dbfs: float = FLOOR_DBFS


def rms_dbfs(pcm: np.ndarray) -> float:
    """RMS of int16 samples."""
    if not len(pcm):
        return FLOOR_DBFS
    samples = pcm.astype(np.float32)
    mean_square = float(samples.dot(samples)) / len(samples)
    if mean_square <= 0.25:
        return FLOOR_DBFS
    return 10 * math.log10(mean_square / _FULL_SCALE_SQUARED)


class LevelMeter:
    """The level of the latest frame, and the highest of the last 1.5 s."""

    def __init__(self) -> None:
        self._rms = FLOOR_DBFS
        self._peak = FLOOR_DBFS
        self._peak_at = -math.inf

    def update(self, pcm: np.ndarray, now: float) -> None:
        """One frame of int16 samples."""
        self._rms = rms_dbfs(pcm)
        if self._rms >= self._peak or now - self._peak_at > PEAK_HOLD_S:
            self._peak, self._peak_at = self._rms, now

    def level(self) -> Level:
        return Level(self._rms, self._peak)
