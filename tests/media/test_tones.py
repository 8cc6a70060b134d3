"""The tones: their frequencies and cadences, no click, no clipping, the same however they are cut."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media import tones
from engine.media.tones import TonePlayer

RATE = 16000
ALL = {name: getattr(tones, name) for name in ("RINGBACK", "BUSY", "CONGESTION", "WAITING", "RING")}


def played(tone: tones.Tone, seconds: float, rate_hz: int = RATE) -> np.ndarray:
    player = TonePlayer(tone, rate_hz)
    return np.concatenate([player.read(rate_hz // 50) for _ in range(round(50 * seconds))])


def on_off(pcm: np.ndarray) -> list[float]:
    """How long it sounds and is silent, in turn, to 10 ms."""
    loud = [bool(np.abs(pcm[at : at + RATE // 100]).max() > 30) for at in range(0, len(pcm), RATE // 100)]
    edges = [0, *(at for at in range(1, len(loud)) if loud[at] != loud[at - 1]), len(loud)]
    return [(end - start) / 100 for start, end in itertools.pairwise(edges)]


@pytest.mark.parametrize(
    ("name", "cadence"),
    [
        ("RINGBACK", [1, 4, 1, 4]),
        ("BUSY", [0.5, 0.5] * 10),
        ("CONGESTION", [0.25, 0.25] * 20),
        ("WAITING", [0.15, 0.15, 0.15, 4.55] * 2),
    ],
)
def test_cadences_and_frequency_of_e180(name, cadence):
    pcm = played(ALL[name], 10)
    assert on_off(pcm) == pytest.approx(cadence, abs=0.011)
    first = pcm[: int(0.15 * RATE)]
    power = np.abs(np.fft.rfft(first * np.hanning(len(first)), 10 * RATE))
    assert np.argmax(power) / 10 == pytest.approx(425, abs=1)


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("rate_hz", [8000, 44100, 48000])
def test_nothing_clicks_or_clips_and_it_comes_again_the_same(name, rate_hz):
    tone = ALL[name]
    pcm = played(tone, 2 * tone.period_s, rate_hz).astype(int)
    peak = np.abs(pcm).max()
    assert 0.5 < peak / (32767 * 10 ** (tone.level_dbfs / 20)) < 3 and peak < 25000
    fastest = 2 * np.pi * 4 * 1046.5 / rate_hz if name == "RING" else 2 * np.pi * 425 / rate_hz
    assert np.abs(np.diff(pcm)).max() <= peak * min(1.2, fastest * 1.05) + 2
    period = round(tone.period_s * rate_hz)
    settled = 2 if name == "RING" else 0
    assert np.abs(pcm[settled:period] - pcm[period + settled : 2 * period]).max() <= 1


@settings(max_examples=30, deadline=None)
@given(st.sampled_from(sorted(ALL)), st.lists(st.integers(0, 5000), min_size=1, max_size=30))
def test_it_is_the_same_however_it_is_cut(name, sizes):
    player = TonePlayer(ALL[name], 8000)
    cut = np.concatenate([player.read(size) for size in sizes])
    assert (cut == TonePlayer(ALL[name], 8000).read(sum(sizes))).all()


def test_one_who_speaks_is_louder_than_the_call_that_waits():
    assert 20 * np.log10(np.abs(played(tones.WAITING, 1)).max() / 32768) == pytest.approx(-32, abs=0.5)
