"""PCMU and PCMA (ITU-T G.711, RFC 3551 section 4.5.14): one table lookup a frame, each way.

The arithmetic is that of the ITU's own software (G.191): a negative sample is taken by its one's complement, so
both halves of the scale are alike. mu-law works on 14 bits with a bias of 33, A-law on 12 bits with every other
bit inverted. The encoding tables have an entry for each of the 65,536 samples; they are made when first needed,
in about a millisecond, and shared.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.media.codecs.codec import Codec

RATE_HZ = 8000

_MU_BIAS = 33
_MU_HIGHEST = 0x1FFF
_SAMPLES = 1 << 16


class TableCodec(Codec):
    """A codec that is nothing but two tables, and remembers nothing."""

    __slots__ = ("_decoding", "_encoding", "highest")

    def __init__(self, encoding: np.ndarray, decoding: np.ndarray) -> None:
        super().__init__(RATE_HZ, 8 * RATE_HZ)
        self._encoding = encoding
        self._decoding = decoding
        self.highest = int(decoding.max())

    def encode(self, pcm: np.ndarray) -> bytes:
        """int16 samples to one octet each."""
        return self._encoding[pcm.view(np.uint16)].tobytes()

    def decode(self, payload: bytes) -> np.ndarray:
        """Octets to int16 samples."""
        return self._decoding[np.frombuffer(payload, np.uint8)]

    def samples_in(self, payload: bytes) -> int:
        return len(payload)


def make_pcmu(clock_rate: int, channels: int, fmtp: str = "") -> TableCodec:
    return TableCodec(_mu_encoding(), _mu_decoding())


def make_pcma(clock_rate: int, channels: int, fmtp: str = "") -> TableCodec:
    return TableCodec(_a_encoding(), _a_decoding())


def _by_sample(positive: np.ndarray) -> np.ndarray:
    """A table for every int16, taken as an unsigned index, from the codes of 0 to 32767 (sign bit set)."""
    return np.concatenate((positive, positive[::-1] & 0x7F)).astype(np.uint8)


@lru_cache(maxsize=1)
def _mu_encoding() -> np.ndarray:
    magnitude = np.minimum((np.arange(_SAMPLES // 2) >> 2) + _MU_BIAS, _MU_HIGHEST)
    segment = np.searchsorted([0x40 << n for n in range(7)], magnitude, side="right")
    code = segment << 4 | (magnitude >> segment + 1) & 0x0F
    # Stored inverted; the sign bit, 1 for positive, is not part of the inversion.
    return _by_sample(code ^ 0xFF)


@lru_cache(maxsize=1)
def _mu_decoding() -> np.ndarray:
    code = ~np.arange(256) & 0xFF
    magnitude = (((code & 0x0F) << 1) + _MU_BIAS << ((code & 0x70) >> 4)) - _MU_BIAS << 2
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


@lru_cache(maxsize=1)
def _a_encoding() -> np.ndarray:
    magnitude = np.arange(_SAMPLES // 2) >> 4
    segment = np.searchsorted([0x10 << n for n in range(7)], magnitude, side="right")
    code = segment << 4 | (magnitude >> np.maximum(segment - 1, 0)) & 0x0F
    return _by_sample((code | 0x80) ^ 0x55)


@lru_cache(maxsize=1)
def _a_decoding() -> np.ndarray:
    code = np.arange(256) ^ 0x55
    segment = (code & 0x70) >> 4
    step = ((code & 0x0F) << 1) + 1
    magnitude = np.where(segment == 0, step, step + 32 << np.maximum(segment - 1, 0)) << 3
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)
