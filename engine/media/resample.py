"""Streaming change of sampling rate by a polyphase windowed-sinc filter.

The rates' ratio is out/in = L/M in lowest terms. Output sample n lies at input position n*M/L: its integer part
says which inputs to take, its fraction which of L short filters to weigh them with.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd

import numpy as np

_HALF_TAPS = 16  # zero crossings of the sinc on each side
_KAISER_BETA = 8.0


@lru_cache(maxsize=16)
def _filters(up: int, down: int) -> np.ndarray:
    """(up, taps): one filter for each fraction; passes below the lower of both Nyquist frequencies."""
    cutoff = min(1.0, up / down) * 0.94
    half = int(np.ceil(_HALF_TAPS / min(1.0, up / down)))
    offsets = np.arange(-half + 1, half + 1)[None, :] - np.arange(up)[:, None] / up
    window = np.i0(_KAISER_BETA * np.sqrt(np.clip(1 - (offsets / half) ** 2, 0, 1))) / np.i0(_KAISER_BETA)
    taps = np.sinc(offsets * cutoff) * cutoff * window
    bank: np.ndarray = taps / taps.sum(axis=1, keepdims=True)
    return bank.astype(np.float32)


class Resampler:
    """``push`` takes int16 samples at ``rate_in`` and gives what is ready at ``rate_out``."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        common = gcd(rate_in, rate_out)
        self._up, self._down = rate_out // common, rate_in // common
        self._same = self._up == self._down
        if not self._same:
            self._bank = _filters(self._up, self._down)
            taps = self._bank.shape[1]
            self._history = np.zeros(taps // 2 - 1, np.float32)  # the first output lies on the first input
            self._phase = 0  # position of the next output in the history, in 1/up of an input sample

    def push(self, pcm: np.ndarray) -> np.ndarray:
        """int16 in, int16 out; over time out/in is exactly the ratio of the rates."""
        if self._same:
            return pcm
        data = np.concatenate((self._history, pcm.astype(np.float32)))
        taps = self._bank.shape[1]
        room = (len(data) - taps) * self._up - self._phase
        count = room // self._down + 1 if room >= 0 else 0
        positions = self._phase + self._down * np.arange(count)
        starts, fractions = positions // self._up, positions % self._up
        out = np.zeros(0, np.float32)
        if count:
            windows = np.lib.stride_tricks.sliding_window_view(data, taps)[starts]
            out = np.einsum("ij,ij->i", windows, self._bank[fractions])
        after = self._phase + self._down * count
        self._history = data[after // self._up :]
        self._phase = after % self._up
        return np.clip(np.rint(out), -32768, 32767).astype(np.int16)
