"""Where a sound resembles itself: what concealment repeats and stretching cuts by.

Searched in two steps, so that 48 kHz costs no more than 8: roughly on samples averaged down to about 8 kHz, then
finely around what was found.
"""

from __future__ import annotations

import numpy as np

SHORTEST_MS = 2.5  # 400 Hz
LONGEST_MS = 15.0  # 66 Hz
_SEARCH_RATE_HZ = 8000
_ONE_STEP = 1.0  # keeps the division below sane in digital silence


def best_offset(field: np.ndarray, template: np.ndarray, clock_rate: int, rising: bool = False) -> tuple[int, float]:
    """Where in ``field`` the ``template`` fits best, and how well: 1 is the same shape, 0 unlike, at any loudness.

    Both are float32. ``field`` must be at least as long as ``template``. ``rising``: samples of the template count
    for more from the first to the last.
    """
    search = _search_rising if rising else _search
    factor = clock_rate // _SEARCH_RATE_HZ
    if factor <= 1 or len(template) < 4 * factor:
        return search(field, template)
    rough, _ = search(_averaged(field, factor), _averaged(template, factor))
    first = max(0, (rough - 1) * factor)
    offset, likeness = search(field[first : (rough + 1) * factor + len(template)], template)
    return first + offset, likeness


def _averaged(samples: np.ndarray, factor: int) -> np.ndarray:
    whole = len(samples) // factor * factor
    means: np.ndarray = samples[:whole].reshape(-1, factor).mean(axis=1)
    return means


def _search(field: np.ndarray, template: np.ndarray) -> tuple[int, float]:
    products = np.correlate(field, template)
    sums = np.empty(len(field) + 1)
    sums[0] = 0.0
    np.cumsum(np.square(field, dtype=np.float64), out=sums[1:])
    energies = sums[len(template) :] - sums[: -len(template)]
    likeness = products / np.sqrt(np.maximum(energies, 0.0) + _ONE_STEP)
    offset = int(likeness.argmax())
    return offset, float(likeness[offset]) / float(np.sqrt(template.dot(template) + _ONE_STEP))


def _search_rising(field: np.ndarray, template: np.ndarray) -> tuple[int, float]:
    weight = np.arange(1, len(template) + 1, dtype=np.float32) / len(template)
    weighted = weight * template
    energies = np.correlate(np.square(field), weight)
    likeness = np.correlate(field, weighted) / np.sqrt(energies + _ONE_STEP)
    offset = int(likeness.argmax())
    return offset, float(likeness[offset]) / float(np.sqrt(weighted.dot(template) + _ONE_STEP))
