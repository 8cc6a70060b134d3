"""What would have come next, had the sound gone on as it was: its last pitch period over and over.

Turned round in time it says what came before. The period is where earlier sound resembles the end best, its very end
most of all: pitch glides, and what is nearest to the seam is what must fit there.
"""

from __future__ import annotations

import numpy as np

from engine.media.pitch import LONGEST_MS, SHORTEST_MS, best_offset

TEMPLATE_MS = 9.0  # what is looked for in earlier sound; of a short sound a fifth
SEAM_MS = 2.0
ONE_PERIOD_MS = 25.0  # then the last two periods begin to take turns: one alone soon sounds like a buzzer


def go_on(sound: np.ndarray, length: int, rate_hz: int) -> np.ndarray:
    """``length`` samples after ``sound`` (float32, at int16's scale; 20 ms or more for a low voice)."""
    period = _period(sound, rate_hz)
    if not period:
        return np.zeros(length, np.float32)
    seam = max(1, int(rate_hz * SEAM_MS / 1000))
    turn = int(rate_hz * ONE_PERIOD_MS / 1000)
    going = _repeat(sound, period, seam, length)
    if length > turn and len(sound) > 2 * period:
        twice = _repeat(sound, 2 * period, seam, length)
        mix = np.clip((np.arange(turn, length, dtype=np.float32) - turn) / turn, 0, 1)
        going[turn:] += (twice[turn:] - going[turn:]) * mix
    # The period begins where the sound ends only nearly: the step between them is spread over the seam.
    seam = min(length, seam)
    going[:seam] += (sound[-1] - sound[-period - 1]) * np.linspace(1, 0, seam, dtype=np.float32)
    clipped: np.ndarray = np.clip(going, -32768, 32767)
    return clipped


def _period(sound: np.ndarray, rate_hz: int) -> int:
    """The pitch period at the end, in samples; 0 when there is too little to tell."""
    per_ms = rate_hz / 1000
    template = sound[-min(int(TEMPLATE_MS * per_ms), len(sound) // 5) :]
    longest = min(int(LONGEST_MS * per_ms), len(sound) - len(template))
    shortest = max(1, int(SHORTEST_MS * per_ms))
    if longest < shortest or longest >= len(sound):
        return 0
    field = sound[len(sound) - len(template) - longest : len(sound) - shortest]
    offset, _ = best_offset(field, template, rate_hz, rising=True)
    return longest - offset


def _repeat(sound: np.ndarray, cycle: int, seam: int, length: int) -> np.ndarray:
    """The last ``cycle`` samples over and over, their end shaped to run into their beginning."""
    loop = sound[-cycle:].copy()
    seam = min(seam, cycle // 2, len(sound) - cycle)
    rise = (np.arange(seam, dtype=np.float32) + 0.5) / max(1, seam)
    end = len(loop) - seam
    loop[end:] += (sound[-cycle - seam : len(sound) - cycle] - loop[end:]) * rise
    return np.resize(loop, length)
