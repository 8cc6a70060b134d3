"""L16 (RFC 3551 section 4.5.11): 16 bit samples in network order, mono or interleaved channels, any rate."""

from __future__ import annotations

import numpy as np

from engine.media.codecs.codec import Codec


class L16(Codec):
    """Several channels are sent as equal ones, and heard as their mean."""

    __slots__ = ()

    def __init__(self, rate_hz: int, channels: int) -> None:
        super().__init__(rate_hz, 16 * rate_hz * channels, channels)

    def encode(self, pcm: np.ndarray) -> bytes:
        """int16 samples to two octets a channel each."""
        if self.channels > 1:
            pcm = np.repeat(pcm, self.channels)
        return pcm.astype(">i2").tobytes()

    def decode(self, payload: bytes) -> np.ndarray:
        """Octets to int16 samples; an incomplete last one is left away."""
        count = self.samples_in(payload)
        pcm = np.frombuffer(payload, ">i2", count * self.channels)
        if self.channels == 1:
            return pcm.astype(np.int16)
        mean: np.ndarray = pcm.reshape(count, self.channels).sum(axis=1, dtype=np.int32) // self.channels
        return mean.astype(np.int16)

    def samples_in(self, payload: bytes) -> int:
        return len(payload) // (2 * self.channels)


def make(clock_rate: int, channels: int, fmtp: str = "") -> L16:
    return L16(clock_rate, channels)
