"""Sound for what is missing, made from both of its sides, and joined to either without a click.

Theory of operation. A gap begins where the sound so far (the *near side*) ends. Its pitch is found by correlation
and its last period repeated on and on (ITU-T G.711 Appendix I in outline); later the last two periods take turns,
because one alone soon sounds like a buzzer. That is the *invention*. It fades from the beginning: what is
invented is less likely with every millisecond, and too much sound disturbs more than too little.

Often the packet behind the gap waits already, as the gap is known to be one by it. :meth:`Concealer.meet` takes
that *far side*, and how far away it is: its own first period is repeated backwards in time, up to the gap's end, and
the invention is cross-faded into this over the last ``BRIDGE_MS``. So pitch, loudness and colour of the sound go over
from those of the one side to those of the other, and the end of the gap is joined in phase: two waves of the same
pitch out of step cancel each other for half a window of the ear, which is heard as a hole behind the gap. The
cross-fade adds amplitudes, not powers: where both sides are unlike it is a little softer in the middle, and that is
right, since what is heard there is nothing that was ever said. (Shifting or warping one side until both are in step
was tried: it moves the harmonics, and scores worse than the plain cross-fade.)

A far side that shows up only later, in the middle of a burst, is met from there. Where it never shows up before its
turn, the good frame is cross-faded with what would have been invented next (:meth:`Concealer.merge`).
"""

from __future__ import annotations

import numpy as np

from engine.media.repeat import go_on

HISTORY_MS = 50.0  # two of the longest periods, and what runs into them
FADE_OUT_MS = 200.0
HUSH_MS = 10.0  # the end of sound that was meant to end
BRIDGE_MS = 20.0
MERGE_MS = 3.0


class Concealer:
    """One gap at a time: :meth:`begin`, :meth:`fill` as long as nothing comes, :meth:`merge`.

    Between them :meth:`meet` may say what comes behind the gap, once or again when something nearer has come.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self.history_samples = self._samples(HISTORY_MS)
        self._invention = np.zeros(0, np.float32)
        self._position = 0
        self._meeting = -1  # where the far side begins, when it is known
        self._hush = False
        self.active = False

    def begin(self, history: np.ndarray, hush: bool = False) -> None:
        """A gap opens after ``history`` (int16, as much as there is). ``hush``: the silence is meant, only fade."""
        length = self._samples(HUSH_MS if hush else FADE_OUT_MS)
        fade = np.linspace(1, 0, length, dtype=np.float32)
        self._invention = go_on(self._padded(history), length, self._rate_hz) * fade
        self._position = 0
        self._meeting = -1
        self._hush = hush
        self.active = True

    def meet(self, coming: np.ndarray, left: int) -> None:
        """In ``left`` samples ``coming`` (int16) is played. Nothing leads out of a hush."""
        if self._hush or not len(coming):
            return
        self._meeting = self._position + left
        count = min(left, self._samples(BRIDGE_MS))
        lacking = self._meeting - len(self._invention)
        if lacking > 0:
            self._invention = np.concatenate((self._invention, np.zeros(lacking, np.float32)))
        before = go_on(coming[::-1].astype(np.float32), count, self._rate_hz)[::-1]
        rise = (np.arange(count, dtype=np.float32) + 0.5) / count
        bridge = self._invention[self._meeting - count : self._meeting]
        bridge += (before - bridge) * rise

    @property
    def meets(self) -> bool:
        """Is it known what comes behind the gap?"""
        return self._meeting >= 0

    @property
    def audible(self) -> bool:
        """Is there still something to hear of what is being invented?"""
        return self._position < len(self._invention)

    def fill(self, count: int) -> np.ndarray:
        """``count`` samples of the gap."""
        return self._take(count).astype(np.int16)

    def merge(self, pcm: np.ndarray) -> np.ndarray:
        """The gap is over: the beginning of the good frame grows out of the invention, unless that led up to it."""
        self.active = False
        if self._position == self._meeting:
            return pcm
        count = min(len(pcm), self._samples(MERGE_MS))
        rise = (np.arange(count, dtype=np.float32) + 0.5) / max(1, count)
        left = self._take(count)
        merged = pcm.copy()
        merged[:count] = left + (pcm[:count] - left) * rise
        return merged

    # -------------------------------------------------------------- inside

    def _samples(self, ms: float) -> int:
        return max(1, int(self._rate_hz * ms / 1000))

    def _take(self, count: int) -> np.ndarray:
        there = self._invention[self._position : self._position + count]
        self._position += count
        if len(there) == count:
            return there
        return np.concatenate((there, np.zeros(count - len(there), np.float32)))

    def _padded(self, history: np.ndarray) -> np.ndarray:
        recent = history[-self.history_samples :].astype(np.float32)
        lacking = self.history_samples - len(recent)
        return recent if not lacking else np.concatenate((np.zeros(lacking, np.float32), recent))
