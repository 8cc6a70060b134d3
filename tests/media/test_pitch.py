from __future__ import annotations

import numpy as np
import pytest

from engine.media.pitch import best_offset


@pytest.mark.parametrize("rising", [False, True])
@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_the_place_is_found_to_the_sample_at_every_rate(rate, rising):
    chance = np.random.default_rng(3)
    smooth = np.convolve(chance.normal(0, 5000, rate // 20), np.hanning(rate // 1000), "same").astype(np.float32)
    place = 137 * rate // 8000 + 1
    offset, likeness = best_offset(smooth, smooth[place : place + rate // 200].copy(), rate, rising)
    assert offset == place
    assert likeness == pytest.approx(1.0, abs=1e-3)


def test_likeness_is_of_the_shape_not_the_loudness():
    sound = np.sin(np.arange(400) / 9).astype(np.float32) * 8000
    _, likeness = best_offset(sound * 0.1, sound[:80], 8000)
    assert likeness == pytest.approx(1.0, abs=0.01)


def test_the_end_of_the_template_counts_for_more_where_that_is_asked_for():
    chance = np.random.default_rng(4)
    template = chance.normal(0, 3000, 80).astype(np.float32)
    other = chance.normal(0, 3000, 80).astype(np.float32)
    rough = np.linspace(0, 3500, 40).astype(np.float32) * chance.choice([-1, 1], 40).astype(np.float32)
    like_the_beginning, like_the_end = template.copy(), template.copy()
    like_the_beginning[40:] += rough
    like_the_end[:40] += rough[::-1]
    field = np.concatenate((other, like_the_end, other, like_the_beginning, other))
    assert best_offset(field, template, 8000, rising=True)[0] == 80


def test_noise_is_unlike_other_noise():
    chance = np.random.default_rng(3)
    noise = chance.normal(0, 3000, (2, 200)).astype(np.float32)
    assert best_offset(noise[0], noise[1][:80], 8000)[1] < 0.5


@pytest.mark.parametrize("rate", [8000, 48000])
def test_silence_is_no_trouble(rate):
    silence = np.zeros(rate // 50, np.float32)
    offset, likeness = best_offset(silence, silence[: rate // 200], rate)
    assert 0 <= offset <= len(silence)
    assert likeness == 0.0


def test_a_field_as_short_as_the_template_has_one_place():
    sound = np.arange(50, dtype=np.float32)
    assert best_offset(sound, sound, 8000)[0] == 0
