"""Samples between two clocks: a card captures by one, a call takes by another.

Taking never waits: what is missing is silence, and a little more silence than missing is put in so that the next
frame is not short again. That delay is taken out again when it proves needless: the least that was left after a
frame, over a second, was never needed. It is overlapped with what follows, a few milliseconds at a time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_MARGIN_S = 0.005  # of what was never needed, so much stays ...
_MARGIN_MORE_S = 0.005  # ... and more after each time it ran dry, up to ...
_MARGIN_MOST_S = 0.05
_MARGIN_LESS_S = 0.0002  # ... forgotten by so much in every window
_STEP_S = 0.005  # taken out at a time ...
_LEAP_S = 0.03  # ... but so much is taken out at once
_WINDOW_S = 1.0
_MOST_S = 0.2
_KEPT_S = 0.04
_NONE_YET = 1 << 30


@dataclass(slots=True)
class Counts:
    """How often sound was missing, and how often there was too much of it."""

    underruns: int = 0
    overruns: int = 0


class PcmQueue:
    """int16 samples at one rate; bounded. ``counts`` may be shared."""

    def __init__(self, rate_hz: int, counts: Counts | None = None) -> None:
        self.counts = Counts() if counts is None else counts
        self._rate_hz = rate_hz
        self._waiting = np.zeros(0, np.int16)
        self._begun = False
        self._margin_s = _MARGIN_S
        self._least = _NONE_YET
        self._window_left = self._samples(_WINDOW_S)

    def __len__(self) -> int:
        return len(self._waiting)

    def push(self, pcm: np.ndarray) -> None:
        """Add samples; when far too many wait, the oldest are dropped."""
        self._begun = True
        self._waiting = np.concatenate((self._waiting, pcm))
        if len(self._waiting) > self._samples(_MOST_S):
            self._waiting = self._waiting[-self._samples(_KEPT_S) :]
            self.counts.overruns += 1
            self._new_window()

    def take(self, count: int) -> np.ndarray:
        """Exactly ``count`` samples."""
        waiting = self._waiting
        if len(waiting) < count:
            return self._take_short(count)
        self._waiting = waiting[count:]
        self._least = min(self._least, len(self._waiting))
        self._window_left -= count
        if self._window_left <= 0:
            self._ease()
            self._new_window()
        return waiting[:count]

    def clear(self) -> None:
        """The source is gone: silence, which is no underrun, until it is back."""
        self._waiting = self._waiting[:0]
        self._begun = False

    def _take_short(self, count: int) -> np.ndarray:
        waiting = self._waiting
        if self._begun:
            self.counts.underruns += 1
            self._margin_s = min(self._margin_s + _MARGIN_MORE_S, _MARGIN_MOST_S)
        kept = min(self._samples(self._margin_s), len(waiting))
        played = len(waiting) - kept
        self._waiting = waiting[played:]
        self._new_window()
        return np.concatenate((np.zeros(count - played, np.int16), waiting[:played]))

    def _ease(self) -> None:
        """Take out what was never needed: a little of it, or all when it is much."""
        surplus = self._least - self._samples(self._margin_s)
        self._margin_s = max(self._margin_s - _MARGIN_LESS_S, _MARGIN_S)
        step = self._samples(_STEP_S)
        count = surplus if surplus >= self._samples(_LEAP_S) else step
        count = min(count, len(self._waiting) - step)
        if surplus < step or count < step:
            return
        waiting = self._waiting
        fade = np.arange(step) / step
        joined = waiting[:step] * (1 - fade) + waiting[count : count + step] * fade
        self._waiting = np.concatenate((joined.astype(np.int16), waiting[count + step :]))
        if count > step:  # the little that two clocks drift apart is heard by nobody
            self.counts.overruns += 1

    def _new_window(self) -> None:
        self._least = _NONE_YET
        self._window_left = self._samples(_WINDOW_S)

    def _samples(self, seconds: float) -> int:
        return int(seconds * self._rate_hz)
