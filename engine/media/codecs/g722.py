"""G.722 (ITU-T G.722, RFC 3551 section 4.5.2): 7 kHz of sound in 64 kbit/s, by the library ``G722``.

One octet holds two samples of 16 kHz. The RTP clock is 8000 Hz all the same: an early edition of the RFC said so by
mistake, and everybody has kept to it.
"""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np

from engine.media.codecs.codec import Codec

RATE_HZ = 16000
BITRATE_BPS = 64000
_SAMPLES_IN_OCTET = 2


class G722(Codec):
    """Two sub-bands of adaptive PCM: what was lost is felt for a while, and forgotten."""

    __slots__ = ("_state",)

    def __init__(self) -> None:
        import G722 as library

        super().__init__(RATE_HZ, BITRATE_BPS)
        self._state = library.G722(RATE_HZ, BITRATE_BPS)

    def encode(self, pcm: np.ndarray) -> bytes:
        octets: bytes = self._state.encode(np.ascontiguousarray(pcm))
        return octets

    def decode(self, payload: bytes) -> np.ndarray:
        return np.array(self._state.decode(payload), np.int16)

    def samples_in(self, payload: bytes) -> int:
        return len(payload) * _SAMPLES_IN_OCTET


def make(clock_rate: int, channels: int, fmtp: str = "") -> G722:
    return G722()


def missing() -> str:
    """The library that has to be installed for it; empty when nothing is missing."""
    return "" if find_spec("G722") else "G722"
