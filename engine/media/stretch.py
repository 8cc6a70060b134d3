"""A little faster, a little slower: one stretch of sound cut out or played twice, where it resembles itself.

The cut is cross-faded over a few milliseconds between two places that look alike, a pitch period or several
apart, so that neither pitch nor rhythm gives it away. Where nothing looks alike (a hiss, a transient) it is left
for a better moment, unless the caller is in a hurry; in near silence any place will do.
"""

from __future__ import annotations

import numpy as np

from engine.media.pitch import LONGEST_MS, SHORTEST_MS, best_offset

FADE_MS = 4.0
LIKE_ENOUGH = 0.75
QUIET_RMS = 40.0  # about -58 dBFS


class Stretcher:
    """Works on frames of int16; both verbs give the frame back unchanged when there is no good place."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._shortest = max(1, int(rate_hz * SHORTEST_MS / 1000))
        self._longest = int(rate_hz * LONGEST_MS / 1000)
        fade = max(1, int(rate_hz * FADE_MS / 1000))
        self._rise = ((np.arange(fade, dtype=np.float32) + 0.5) / fade).astype(np.float32)

    def shorten(self, pcm: np.ndarray, most: int, hurry: bool = False) -> np.ndarray:
        """Leave out 2.5 to 15 ms, at most ``most`` samples, right after the beginning of the frame."""
        fade = len(self._rise)
        most = min(most, self._longest, len(pcm) - fade)
        if most < self._shortest:
            return pcm
        samples = pcm.astype(np.float32)
        template = samples[:fade]
        field = samples[self._shortest : most + fade]
        lag, alike = best_offset(field, template, self._rate_hz)
        lag += self._shortest
        if not (hurry or alike >= LIKE_ENOUGH or _is_quiet(samples)):
            return pcm
        return np.concatenate((self._cross_fade(template, samples[lag : lag + fade]), pcm[lag + fade :]))

    def lengthen(self, before: np.ndarray, pcm: np.ndarray) -> np.ndarray:
        """Play the last 4 to 15 ms of ``before``, which was played already, once more in front of the frame."""
        fade = len(self._rise)
        if len(pcm) < fade or len(before) < fade:
            return pcm
        samples, played = pcm.astype(np.float32), before[-self._longest :].astype(np.float32)
        template = samples[:fade]
        offset, alike = best_offset(played, template, self._rate_hz)
        if alike < LIKE_ENOUGH and not _is_quiet(samples):
            return pcm
        again = played[offset:]
        return np.concatenate((self._cross_fade(template, again[:fade]), again[fade:].astype(np.int16), pcm))

    def cut(self, pcm: np.ndarray, count: int) -> np.ndarray:
        """Leave out ``count`` samples, or as many as there are, of a pause: any place will do."""
        fade = len(self._rise)
        count = min(count, len(pcm) - fade)
        if count <= 0:
            return pcm
        samples = pcm[: count + fade].astype(np.float32)
        return np.concatenate((self._cross_fade(samples[:fade], samples[count:]), pcm[count + fade :]))

    def extend(self, before: np.ndarray, pcm: np.ndarray, count: int) -> np.ndarray:
        """Play the last ``count`` samples of a pause, or as many as there are, once more in front of the frame."""
        fade = len(self._rise)
        count = min(count, len(before))
        if count < fade or len(pcm) < fade:
            return pcm
        again = before[len(before) - count :].astype(np.float32)
        faded = self._cross_fade(pcm[:fade].astype(np.float32), again[:fade])
        return np.concatenate((faded, again[fade:].astype(np.int16), pcm))

    def _cross_fade(self, leaving: np.ndarray, coming: np.ndarray) -> np.ndarray:
        faded: np.ndarray = leaving + (coming - leaving) * self._rise
        return faded.astype(np.int16)


def _is_quiet(samples: np.ndarray) -> bool:
    return float(samples.dot(samples)) < QUIET_RMS**2 * len(samples)
