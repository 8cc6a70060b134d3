"""PCMU and PCMA (ITU-T G.711, RFC 3551 sections 4.5.14): one table lookup a frame, each way.

The encoding tables have an entry for each of the 65,536 samples and are made when first needed, in about a
millisecond. mu-law: 14 bits, bias 33; A-law: 13 bits, even bits inverted.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

_MU_BIAS = 33
_MU_CLIP = 8159


class TableCodec:
    """A codec that is nothing but two tables."""

    def __init__(self, encoding_table: np.ndarray, decoding_table: np.ndarray) -> None:
        self._encoding_table = encoding_table
        self._decoding_table = decoding_table

    def encode(self, pcm: np.ndarray) -> bytes:
        """int16 samples to one octet each."""
        return self._encoding_table[pcm.view(np.uint16)].tobytes()

    def decode(self, payload: bytes) -> np.ndarray:
        """Octets to int16 samples."""
        return self._decoding_table[np.frombuffer(payload, np.uint8)]


def make_pcmu(clock_rate: int, channels: int) -> TableCodec:
    return TableCodec(_mu_encoding(), _mu_decoding())


def make_pcma(clock_rate: int, channels: int) -> TableCodec:
    return TableCodec(_a_encoding(), _a_decoding())


def _all_samples() -> np.ndarray:
    """Every int16, in the order of its bits taken as an unsigned number."""
    return np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)


@lru_cache(maxsize=1)
def _mu_encoding() -> np.ndarray:
    samples = _all_samples() >> 2
    magnitude = np.minimum(np.abs(samples), _MU_CLIP) + _MU_BIAS
    segment = np.searchsorted(np.array([(0x40 << n) - 1 for n in range(8)]), magnitude)
    code = (segment << 4) | ((magnitude >> (segment + 1)) & 0x0F)
    return (code ^ np.where(samples < 0, 0x7F, 0xFF)).astype(np.uint8)


@lru_cache(maxsize=1)
def _mu_decoding() -> np.ndarray:
    code = ~np.arange(256) & 0xFF
    magnitude = ((((code & 0x0F) << 3) + 4 * _MU_BIAS) << ((code & 0x70) >> 4)) - 4 * _MU_BIAS
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


@lru_cache(maxsize=1)
def _a_encoding() -> np.ndarray:
    samples = _all_samples() >> 3
    magnitude = np.where(samples < 0, -samples - 1, samples)
    segment = np.searchsorted(np.array([(0x20 << n) - 1 for n in range(8)]), magnitude)
    code = (segment << 4) | ((magnitude >> np.maximum(segment, 1)) & 0x0F)
    return (code ^ np.where(samples < 0, 0x55, 0xD5)).astype(np.uint8)


@lru_cache(maxsize=1)
def _a_decoding() -> np.ndarray:
    code = np.arange(256) ^ 0x55
    segment = (code & 0x70) >> 4
    magnitude = (code & 0x0F) << 4
    magnitude = np.where(segment == 0, magnitude + 8, (magnitude + 0x108) << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)
