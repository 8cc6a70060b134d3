"""The level of sound in dBFS: 0 is the RMS of a full-scale square wave, silence is -96.

A call's frames come one at a time, and a step of numpy costs as much for one as for ten. So they are kept, and measured
several at once: when there are enough of them, or when somebody looks. What is kept must not change meanwhile.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FLOOR_DBFS = -96.0
PEAK_HOLD_S = 1.5
TOGETHER = 10  # frames are measured at once
_FULL_SCALE_SQUARED = 32768.0**2
_FLOOR = 10 ** (FLOOR_DBFS / 10)  # as power


@dataclass(frozen=True, slots=True)
class Level:
    """The fields are those of ``model.LevelView``."""

    rms_dbfs: float = FLOOR_DBFS
    peak_hold_dbfs: float = FLOOR_DBFS


def rms_dbfs(pcm: np.ndarray) -> float:
    """RMS of int16 samples."""
    samples = pcm.astype(np.float32)
    energy = float(samples.dot(samples))
    if energy <= _FULL_SCALE_SQUARED * _FLOOR * len(samples):
        return FLOOR_DBFS
    return 10 * math.log10(energy / (_FULL_SCALE_SQUARED * len(samples)))


def frames_dbfs(frames: Sequence[np.ndarray]) -> list[float]:
    """RMS of each of these frames of int16 samples."""
    count = len(frames[0]) if frames else 0
    if not count or any(len(frame) != count for frame in frames):
        return [rms_dbfs(frame) for frame in frames]
    samples = np.concatenate(frames).astype(np.float32).reshape(-1, count)
    energies = (samples * samples).sum(axis=1) / (_FULL_SCALE_SQUARED * count)
    return [10 * math.log10(energy) if energy > _FLOOR else FLOOR_DBFS for energy in energies.tolist()]


class LevelMeter:
    """The level of the latest frame, and the highest of the last 1.5 s."""

    __slots__ = ("_frames", "_peaks", "_rms", "_times")

    def __init__(self) -> None:
        self._frames: list[np.ndarray] = []  # not measured yet
        self._times: list[float] = []
        self._rms = FLOOR_DBFS
        # Only frames that are louder than every later one can still become the peak: levels fall along it.
        self._peaks: deque[tuple[float, float]] = deque()

    def update(self, pcm: np.ndarray, now: float) -> None:
        """One frame of int16 samples."""
        self._frames.append(pcm)
        self._times.append(now)
        if len(self._frames) >= TOGETHER:
            self._measure()

    def _measure(self) -> None:
        for now, rms in zip(self._times, frames_dbfs(self._frames), strict=True):
            self._note(rms, now)
        self._frames.clear()
        self._times.clear()

    def _note(self, rms: float, now: float) -> None:
        self._rms = rms
        peaks = self._peaks
        while peaks and peaks[-1][1] <= rms:
            peaks.pop()
        peaks.append((now, rms))
        while now - peaks[0][0] > PEAK_HOLD_S:
            peaks.popleft()

    def level(self) -> Level:
        """A frozen copy."""
        self._measure()
        return Level(self._rms, self._peaks[0][1]) if self._peaks else Level()
