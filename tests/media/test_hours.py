"""An hour of a call in seconds: two clocks that are off, a line that jitters and loses, and nothing builds up."""

from __future__ import annotations

import random

import numpy as np
import pytest

from engine.media import codecs
from engine.media.playout import Decoder, Playout

RATE, HOUR_S = 8000, 3600.0


def payloads(ptime_s: float) -> list[bytes]:
    """Two seconds of a voice: 1.6 s of a buzz that sounds a little different in each packet, then a pause."""
    at = np.arange(2 * RATE) / RATE
    buzz = sum(np.sin(2 * np.pi * 125 * harmonic * at) / harmonic for harmonic in range(1, 6))
    pcm = (5000 * buzz * (at < 1.6) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * at))).astype(np.int16)
    codec = codecs.make("PCMU", RATE)
    size = round(RATE * ptime_s)
    return [codec.encode(pcm[first : first + size]) for first in range(0, len(pcm) - size + 1, size)]


def an_hour(ppm: float, ptime_s: float, jitter_s: float, loss: float) -> tuple[Playout, list[float], int, int]:
    """The ear after it, its delay minute by minute, how many packets were lost, how many samples heard."""
    chance = random.Random(11)
    playout, decoder = Playout(RATE), Decoder(codecs.make("PCMU", RATE), RATE)
    voice, size = payloads(ptime_s), round(RATE * ptime_s)
    step_s = ptime_s / (1 + ppm * 1e-6)
    delays, lost, heard, number = [], 0, 0, 0
    coming: list[tuple[float, int]] = []
    for tick in range(int(HOUR_S / ptime_s)):
        now = 0.5 + tick * ptime_s
        while number * step_s < now:
            if chance.random() < loss:
                lost += 1
            else:
                coming.append((number * step_s + 0.05 + abs(chance.gauss(0.0, jitter_s)), number))
            number += 1
        coming.sort()
        while coming and coming[0][0] <= now:
            at, which = coming.pop(0)
            playout.put(which * size % 2**32, voice[which % len(voice)], decoder, at)
        heard += len(playout.get(size, now))
        if tick % int(60 / ptime_s) == 0:
            delays.append(playout.buffered_ms)
    return playout, delays, lost, heard


@pytest.mark.parametrize(("ppm", "ptime_s"), [(500, 0.04), (-500, 0.04), (500, 0.02)])
def test_clocks_that_are_500_ppm_off_are_absorbed_for_an_hour(ppm, ptime_s):
    playout, delays, lost, heard = an_hour(ppm, ptime_s, 0.004, 0.01)
    assert heard == int(HOUR_S / ptime_s) * round(RATE * ptime_s)
    assert playout.drift_ppm == pytest.approx(ppm, abs=3)
    assert max(delays[1:]) < 1000 * ptime_s + 80, "delay does not grow"
    assert playout.concealed_ms < 1.25 * lost * 1000 * ptime_s + 2000, "no drop-outs beyond what was lost"
    stretched_ms = playout.accelerated_ms - playout.expanded_ms
    assert stretched_ms == pytest.approx(HOUR_S * 1000 * ppm * 1e-6, abs=450), "the rest in gaps"
    assert len(playout.buffer) < 10
