"""A gap that the codec itself fills: Opus, which knows best how its sound goes on, and comfort noise.

To the playout it is what ``conceal.Concealer`` is. There is nothing to merge: what the decoder gives next goes on
where its invention ended.
"""

from __future__ import annotations

import numpy as np

from engine.media.codecs import Codec
from engine.media.conceal import FADE_OUT_MS


class CodecConcealer:
    """One gap at a time, at the rate of the codec."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec
        self.active = False
        self._filled = 0
        self._rest = np.zeros(0, np.int16)  # invented and not asked for

    def begin(self, history: np.ndarray, hush: bool = False) -> None:
        """A gap opens; the decoder has its own memory of what was played."""
        self._filled = 0
        self._rest = np.zeros(0, np.int16)
        self.active = True

    @property
    def audible(self) -> bool:
        """Is there still something to hear? Decoders, too, fall silent after a while."""
        return self._filled < self.codec.rate_hz * FADE_OUT_MS / 1000

    def fill(self, count: int) -> np.ndarray:
        """``count`` samples of the gap."""
        pieces = [self._rest]
        have = len(self._rest)
        while have < count:
            pieces.append(self.codec.conceal(count - have))
            have += len(pieces[-1])
        joined = np.concatenate(pieces)
        self._rest = joined[count:]
        self._filled += count
        return joined[:count]

    def merge(self, pcm: np.ndarray) -> np.ndarray:
        """The gap is over. What was invented beyond it lies before the next frame all the same."""
        self.active = False
        return np.concatenate((self._rest, pcm)) if len(self._rest) else pcm
