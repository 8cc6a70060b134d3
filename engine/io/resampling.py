"""Change of sampling rate for files: by soxr where it is installed, else by our own filter.

soxr: flat to 0.9 of the band, images and aliases at -86 dB, about 10 us a frame. But it holds back 15 to 140 ms of
sound, which costs nothing where one can read ahead and everything in a call. So whatever is alive (card, calls,
conference, recordings) goes through ``engine.media.resample``, which holds back 0.4 to 2 ms: flat to 0.8 of the band,
-2.4 dB at 0.9; an alias is down by 34 dB at 1.05 of the band and by 83 dB from 1.1 on.
"""

from __future__ import annotations

import importlib
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from engine.media.resample import Resampler


class Resampling(Protocol):
    """int16 in, int16 out; over time out/in is exactly the ratio of the rates."""

    def push(self, pcm: np.ndarray) -> np.ndarray: ...


class _Soxr:
    def __init__(self, soxr: Any, rate_in: int, rate_out: int) -> None:
        self._stream = soxr.ResampleStream(rate_in, rate_out, 1, dtype="float32", quality="HQ")

    def push(self, pcm: np.ndarray) -> np.ndarray:
        """In float: of integers soxr makes integers with dither, and silence would not be silent."""
        out: np.ndarray = np.rint(self._stream.resample_chunk(pcm.astype(np.float32)))
        limited: np.ndarray = np.clip(out, -32768, 32767)
        return limited.astype(np.int16)


def file_resampler(rate_in: int, rate_out: int) -> Resampling:
    """For sound that can be read ahead of its time."""
    soxr = _library()
    if soxr is None or rate_in == rate_out:
        return Resampler(rate_in, rate_out)
    return _Soxr(soxr, rate_in, rate_out)


@lru_cache(maxsize=1)
def _library() -> Any:
    """soxr, or None; loaded with the first file, before there is any call."""
    try:
        return importlib.import_module("soxr")
    except (ImportError, OSError):
        return None
