"""The resampler: pitch kept, aliases gone, no seams between blocks, exactly as much as the rates say."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media.resample import Resampler

PAIRS = [(8000, 16000), (16000, 8000), (8000, 48000), (48000, 8000), (44100, 8000), (8000, 44100), (44100, 48000)]


def tone(hertz: float, rate: int, seconds: float = 1.0) -> np.ndarray:
    return (10000 * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.int16)


@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_a_tone_stays_the_tone_it_was(rate_in, rate_out):
    out = Resampler(rate_in, rate_out).push(tone(1000, rate_in)).astype(float)
    wanted = tone(1000, rate_out)[: len(out)].astype(float)
    middle = slice(len(out) // 4, len(out) * 3 // 4)
    error = out[middle] - wanted[middle]
    assert 10 * np.log10(np.mean(wanted[middle] ** 2) / np.mean(error**2)) > 45


@pytest.mark.parametrize(("rate_in", "hertz"), [(48000, 6000), (16000, 5500), (44100, 9000)])
def test_what_the_lower_rate_cannot_carry_is_gone(rate_in, hertz):
    out = Resampler(rate_in, 8000).push(tone(hertz, rate_in)).astype(float)
    assert np.sqrt(np.mean(out[200:-200] ** 2)) < 10000 / 2**0.5 / 1000


@pytest.mark.parametrize(("rate_in", "rate_out"), PAIRS)
def test_blocks_make_no_difference(rate_in, rate_out):
    sound = tone(700, rate_in, 0.3)
    whole = Resampler(rate_in, rate_out).push(sound)
    piecewise = Resampler(rate_in, rate_out)
    pieces = [piecewise.push(block) for block in np.array_split(sound, 37)]
    assert (np.concatenate(pieces) == whole).all()


@settings(max_examples=50, deadline=None)
@given(st.sampled_from(PAIRS), st.lists(st.integers(0, 400), min_size=1, max_size=30))
def test_as_much_comes_out_as_the_rates_say(pair, blocks):
    rate_in, rate_out = pair
    resampler = Resampler(rate_in, rate_out)
    given_out = sum(len(resampler.push(np.ones(count, np.int16))) for count in blocks)
    wanted = sum(blocks) * rate_out / rate_in
    reach = 20 * max(1, rate_out / rate_in)  # half a filter is kept back
    assert wanted - 3 * reach - 3 <= given_out <= wanted + 1


def test_loud_sound_does_not_wrap():
    square = np.where(np.arange(4000) // 40 % 2, 32767, -32768).astype(np.int16)
    out = Resampler(8000, 16000).push(square)
    assert (np.abs(np.diff(out.astype(int)))[100:-100] < 65536).all()
    assert out.max() == 32767 and out.min() == -32768


def test_the_same_rate_passes_through():
    sound = tone(440, 8000)
    assert Resampler(8000, 8000).push(sound) is sound
