"""L16 (RFC 3551 section 4.5.11): 16 bit samples in network order, mono or interleaved stereo, any rate."""

from __future__ import annotations

import numpy as np


class L16:
    """Stereo is sent as two equal channels and heard as their mean."""

    def __init__(self, channels: int) -> None:
        self._channels = channels

    def encode(self, pcm: np.ndarray) -> bytes:
        if self._channels > 1:
            pcm = np.repeat(pcm, self._channels)
        return pcm.astype(">i2").tobytes()

    def decode(self, payload: bytes) -> np.ndarray:
        whole = len(payload) - len(payload) % (2 * self._channels)
        pcm = np.frombuffer(payload[:whole], ">i2")
        if self._channels > 1:
            return pcm.reshape(-1, self._channels).mean(axis=1).astype(np.int16)
        return pcm.astype(np.int16)


def make(clock_rate: int, channels: int) -> L16:
    return L16(channels)
