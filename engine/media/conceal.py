"""Sound for what is missing: the last pitch period again, fading, and back into the stream without a click.

After ITU-T G.711 Appendix I in outline: find the pitch by correlation, repeat the last period with an overlap
at its seam, fade from 20 ms on to silence at ``FADE_OUT_MS``, cross-fade into the next good frame.
"""

from __future__ import annotations

from collections import deque

import numpy as np

LOWEST_PITCH_HZ = 66
HIGHEST_PITCH_HZ = 400
HOLD_MS = 20.0
FADE_OUT_MS = 100.0
MERGE_MS = 5.0
HISTORY_MS = 45.0


def pitch_period(history: np.ndarray, clock_rate: int) -> int:
    """The lag in samples at which the end of ``history`` best repeats itself (normalised correlation)."""
    shortest, longest = clock_rate // HIGHEST_PITCH_HZ, clock_rate // LOWEST_PITCH_HZ
    window = min(longest, len(history) - longest)
    if window < shortest:
        return max(1, min(longest, len(history)))
    data = history.astype(np.float32)
    recent = data[-window:]
    lagged = np.lib.stride_tricks.sliding_window_view(data[-window - longest : -shortest], window)
    scores = lagged @ recent / np.sqrt(np.einsum("ij,ij->i", lagged, lagged) + 1.0)
    return longest - int(np.argmax(scores))


class Concealer:
    """Told of every good frame; asked for samples when one is missing."""

    def __init__(self, clock_rate: int) -> None:
        self._clock_rate = clock_rate
        self._recent: deque[np.ndarray] = deque()
        self._kept = 0
        self._wanted = int(clock_rate * HISTORY_MS / 1000)
        self._period: np.ndarray | None = None
        self._made = 0

    @property
    def active(self) -> bool:
        return self._period is not None

    @property
    def audible(self) -> bool:
        """Is there still something to hear of what is being invented?"""
        return self._made < self._clock_rate * FADE_OUT_MS / 1000

    def good(self, pcm: np.ndarray) -> np.ndarray:
        """A frame that came; after a gap its beginning is merged with the invention."""
        if self._period is not None:
            pcm = self._merge(pcm)
        self._remember(pcm)
        return pcm

    def missing(self, count: int) -> np.ndarray:
        """``count`` samples for a gap."""
        if self._period is None:
            self._period = self._begin()
            self._made = 0
        out = self._continue(count)
        self._made += count
        self._remember(out)
        return out

    def reset(self) -> None:
        """Another stream begins: nothing of the old one is repeated."""
        self._recent.clear()
        self._kept = 0
        self._period = None
        self._made = 0

    def _remember(self, pcm: np.ndarray) -> None:
        self._recent.append(pcm)
        self._kept += len(pcm)
        while self._kept - len(self._recent[0]) >= self._wanted:
            self._kept -= len(self._recent.popleft())

    def _begin(self) -> np.ndarray:
        """One pitch period, its end shaped to run into its beginning."""
        history = np.concatenate(self._recent) if self._recent else np.zeros(self._wanted, np.int16)
        if len(history) < self._wanted:
            history = np.concatenate((np.zeros(self._wanted - len(history), np.int16), history))
        lag = pitch_period(history, self._clock_rate)
        period = history[-lag:].astype(np.float32)
        seam = max(1, min(lag // 4, len(history) - lag))
        ramp = np.linspace(0, 1, seam, endpoint=False, dtype=np.float32)
        before = history[-lag - seam : -lag].astype(np.float32)
        period[-seam:] = period[-seam:] * (1 - ramp) + before * ramp
        return period

    def _continue(self, count: int) -> np.ndarray:
        assert self._period is not None
        places = self._made + np.arange(count)
        gain = 1 - (places / self._clock_rate * 1000 - HOLD_MS) / (FADE_OUT_MS - HOLD_MS)
        out: np.ndarray = (self._period[places % len(self._period)] * np.clip(gain, 0, 1)).astype(np.int16)
        return out

    def _merge(self, pcm: np.ndarray) -> np.ndarray:
        count = min(len(pcm), int(self._clock_rate * MERGE_MS / 1000))
        ramp = np.linspace(0, 1, count, endpoint=False)
        merged = pcm.copy()
        merged[:count] = (self._continue(count) * (1 - ramp) + pcm[:count] * ramp).astype(np.int16)
        self._period = None
        self._made = 0
        return merged
