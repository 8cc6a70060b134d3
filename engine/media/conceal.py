"""Sound for what is missing: the last pitch period again, fading, and back into the stream without a click.

After ITU-T G.711 Appendix I in outline. The pitch of the last sound is found by correlation and its last period
repeated; later on the last two periods take turns, because one alone soon sounds like a buzzer. It fades from
``HOLD_MS`` on and is silent from ``FADE_OUT_MS`` on. The next good frame is cross-faded with what would have been
invented next. Everything a gap may need is computed once, when it begins.
"""

from __future__ import annotations

import numpy as np

from engine.media.pitch import LONGEST_MS, SHORTEST_MS, best_offset

HISTORY_MS = 50.0  # two of the longest periods, and what runs into them
HOLD_MS = 10.0
FADE_OUT_MS = 120.0
HUSH_MS = 10.0  # the end of sound that was meant to end
MERGE_MS = 3.0
_TEMPLATE_MS = 10.0
_SEAM_MS = 2.0
_ONE_PERIOD_MS = 25.0


class Concealer:
    """One gap at a time: :meth:`begin`, :meth:`fill` as long as nothing comes, :meth:`merge`."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self.history_samples = self._samples(HISTORY_MS)
        self._invention = np.zeros(0, np.float32)
        self._position = 0
        self.active = False

    def begin(self, history: np.ndarray, hush: bool = False) -> None:
        """A gap opens after ``history`` (int16, as much as there is). ``hush``: the silence is meant, only fade."""
        length = self._samples(HUSH_MS if hush else FADE_OUT_MS)
        hold = 0 if hush else self._samples(HOLD_MS)
        gain = np.ones(length, np.float32)
        gain[hold:] = np.linspace(1, 0, length - hold, dtype=np.float32)
        self._invention = self._continue(self._padded(history), length) * gain
        self._position = 0
        self.active = True

    @property
    def audible(self) -> bool:
        """Is there still something to hear of what is being invented?"""
        return self._position < len(self._invention)

    def fill(self, count: int) -> np.ndarray:
        """``count`` samples of the gap."""
        return self._take(count).astype(np.int16)

    def merge(self, pcm: np.ndarray) -> np.ndarray:
        """The gap is over: the beginning of the good frame grows out of the invention."""
        count = min(len(pcm), self._samples(MERGE_MS))
        rise = (np.arange(count, dtype=np.float32) + 0.5) / max(1, count)
        left = self._take(count)
        merged = pcm.copy()
        merged[:count] = left + (pcm[:count] - left) * rise
        self.active = False
        return merged

    def reset(self) -> None:
        """Forget the gap."""
        self.active = False

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

    def _period(self, history: np.ndarray) -> int:
        """The pitch period at the end of the history, in samples."""
        template = history[-self._samples(_TEMPLATE_MS) :]
        longest, shortest = self._samples(LONGEST_MS), self._samples(SHORTEST_MS)
        first = len(history) - len(template) - longest
        offset, _ = best_offset(history[first : len(history) - shortest], template, self._rate_hz)
        return longest - offset

    def _continue(self, history: np.ndarray, length: int) -> np.ndarray:
        """What would have come next, had the sound gone on as it was."""
        period = self._period(history)
        once = self._repeat(history, period, length)
        twice = self._repeat(history, 2 * period, length)
        turn = self._samples(_ONE_PERIOD_MS)
        mix = np.clip((np.arange(length, dtype=np.float32) - turn) / turn, 0, 1)
        sound: np.ndarray = once + (twice - once) * mix
        seam = min(length, self._samples(_SEAM_MS))
        # The period begins where the history ends only nearly: the step between them is spread over the seam.
        sound[:seam] += (history[-1] - history[-period - 1]) * np.linspace(1, 0, seam, dtype=np.float32)
        clipped: np.ndarray = np.clip(sound, -32768, 32767)
        return clipped

    def _repeat(self, history: np.ndarray, cycle: int, length: int) -> np.ndarray:
        """The last ``cycle`` samples over and over, their end shaped to run into their beginning."""
        loop = history[-cycle:].copy()
        seam = min(self._samples(_SEAM_MS), cycle // 2)
        rise = (np.arange(seam, dtype=np.float32) + 0.5) / seam
        loop[-seam:] += (history[-cycle - seam : -cycle] - loop[-seam:]) * rise
        return np.resize(loop, length)
