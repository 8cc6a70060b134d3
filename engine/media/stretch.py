"""A little shorter, a little longer: one pitch period taken out or put in, cross-faded over its length."""

from __future__ import annotations

import numpy as np

SHORTEST_MS = 2.5
LONGEST_MS = 9.0


def best_lag(pcm: np.ndarray, clock_rate: int) -> int:
    """The period at which the beginning of ``pcm`` best resembles what follows it."""
    shortest = max(1, int(clock_rate * SHORTEST_MS / 1000))
    longest = min(int(clock_rate * LONGEST_MS / 1000), len(pcm) // 2)
    if longest <= shortest:
        return max(1, longest)
    data = pcm.astype(np.float32)
    window = data[:longest]
    lagged = np.lib.stride_tricks.sliding_window_view(data[shortest : 2 * longest], longest)
    scores = lagged @ window / np.sqrt(np.einsum("ij,ij->i", lagged, lagged) + 1.0)
    return shortest + int(np.argmax(scores))


def shrink(pcm: np.ndarray, clock_rate: int) -> np.ndarray:
    """The same sound without one period of it; unchanged when it is too short."""
    lag = best_lag(pcm, clock_rate)
    if 2 * lag > len(pcm):
        return pcm
    return np.concatenate((_fade(pcm[:lag], pcm[lag : 2 * lag]), pcm[2 * lag :]))


def expand(pcm: np.ndarray, clock_rate: int) -> np.ndarray:
    """The same sound with one period of it twice; unchanged when it is too short."""
    lag = best_lag(pcm, clock_rate)
    if 2 * lag > len(pcm):
        return pcm
    return np.concatenate((pcm[:lag], _fade(pcm[lag : 2 * lag], pcm[:lag]), pcm[lag:]))


def _fade(leaving: np.ndarray, coming: np.ndarray) -> np.ndarray:
    ramp = np.linspace(0, 1, len(leaving), endpoint=False)
    faded: np.ndarray = (leaving * (1 - ramp) + coming * ramp).astype(np.int16)
    return faded
