"""L16 (RFC 3551 section 4.5.11): 16 bit samples in network order, mono or interleaved channels, any rate."""

from __future__ import annotations

import numpy as np


class L16:
    """Several channels are sent as equal ones, and heard as their mean."""

    __slots__ = ("_channels",)

    def __init__(self, channels: int) -> None:
        self._channels = channels

    def encode(self, pcm: np.ndarray) -> bytes:
        """int16 samples to two octets a channel each."""
        if self._channels > 1:
            pcm = np.repeat(pcm, self._channels)
        return pcm.astype(">i2").tobytes()

    def decode(self, payload: bytes) -> np.ndarray:
        """Octets to int16 samples; an incomplete last one is left away."""
        count = self.samples_in(payload)
        pcm = np.frombuffer(payload, ">i2", count * self._channels)
        if self._channels == 1:
            return pcm.astype(np.int16)
        mean: np.ndarray = pcm.reshape(count, self._channels).sum(axis=1, dtype=np.int32) // self._channels
        return mean.astype(np.int16)

    def samples_in(self, payload: bytes) -> int:
        """How long a payload lasts."""
        return len(payload) // (2 * self._channels)


def make(clock_rate: int, channels: int) -> L16:
    return L16(channels)
