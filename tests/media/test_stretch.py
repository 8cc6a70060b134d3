"""Stretching: by how much, where it is left alone, and that nobody hears a seam."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media.stretch import Stretcher


def buzz(hertz: float, count: int, rate: int = 8000) -> np.ndarray:
    at = np.arange(count) / rate
    return sum(6000 / n * np.sin(2 * np.pi * hertz * n * at) for n in (1, 2, 3)).astype(np.int16)  # type: ignore


def steepest(pcm: np.ndarray) -> int:
    return int(np.abs(np.diff(pcm.astype(int))).max())


def noise(count: int) -> np.ndarray:
    return np.random.default_rng(4).normal(0, 4000, count).astype(np.int16)


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("hertz", [100, 180, 350])
def test_a_tone_loses_or_gains_whole_periods(rate, hertz):
    sound = buzz(hertz, rate // 10, rate)
    before, frame = sound[: rate // 20], sound[rate // 20 :][: rate // 50]
    stretcher = Stretcher(rate)
    for changed in (stretcher.shorten(frame, len(frame)), stretcher.lengthen(before, frame)):
        periods = abs(len(changed) - len(frame)) / rate * hertz
        assert periods == pytest.approx(round(periods), abs=0.1) and round(periods) >= 1
        assert steepest(np.concatenate((before, changed))) < 1.3 * steepest(sound)


def test_between_2_and_15_ms_are_taken_or_given():
    sound = buzz(130, 1600)
    stretcher = Stretcher(8000)
    assert 20 <= 160 - len(stretcher.shorten(sound[800:960], 160)) <= 120
    assert 20 <= len(stretcher.lengthen(sound[:800], sound[800:960])) - 160 <= 120


def test_no_more_is_taken_than_allowed():
    frame = buzz(200, 160)
    stretcher = Stretcher(8000)
    assert len(stretcher.shorten(frame, 45)) == 160 - 40
    assert stretcher.shorten(frame, 19) is frame
    assert stretcher.shorten(frame, -60) is frame


def test_a_hiss_is_left_for_a_better_moment_unless_there_is_a_hurry():
    frame = noise(160)
    stretcher = Stretcher(8000)
    assert stretcher.shorten(frame, 160) is frame
    assert stretcher.lengthen(noise(800)[:600], frame) is frame
    assert len(stretcher.shorten(frame, 160, hurry=True)) < 160


def test_in_near_silence_any_place_will_do():
    frame = (noise(160) / 400).astype(np.int16)
    stretcher = Stretcher(8000)
    assert len(stretcher.shorten(frame, 160)) < 160
    assert len(stretcher.lengthen(frame, frame)) > 160


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("ms", [3, 10, 16])
def test_a_pause_is_cut_and_extended_by_exactly_what_is_asked(rate, ms):
    hum = (buzz(50, rate // 5, rate) / 60).astype(np.int16)
    before, frame = hum[: rate // 20], hum[rate // 20 :][: rate // 50]
    stretcher, count = Stretcher(rate), rate * ms // 1000
    shorter, longer = stretcher.cut(frame, count), stretcher.extend(before, frame, max(count, rate // 250))
    assert len(shorter) == len(frame) - count
    assert len(longer) == len(frame) + max(count, rate // 250)
    for changed in (shorter, longer):
        assert steepest(np.concatenate((before, changed))) < 0.15 * np.abs(hum).max() + 2


def test_a_pause_is_cut_and_extended_as_far_as_there_is_sound():
    frame = noise(160)
    assert len(Stretcher(8000).cut(frame, 1000)) == 32
    assert Stretcher(8000).cut(frame[:32], 10) is not None
    assert len(Stretcher(8000).extend(frame, frame, 1000)) == 320
    assert Stretcher(8000).extend(frame[:10], frame, 1000) is frame


@settings(max_examples=60, deadline=None)
@given(st.sampled_from([8000, 44100]), st.integers(0, 700), st.integers(0, 700), st.integers(-100, 800), st.booleans())
def test_any_lengths(rate, before, length, most, hurry):
    stretcher = Stretcher(rate)
    frame = noise(length)
    shorter = stretcher.shorten(frame, most, hurry)
    assert shorter is frame or max(0, length - most) <= len(shorter) < length
    longer = stretcher.lengthen(noise(before), frame)
    assert longer is frame or length < len(longer) <= length + rate * 15 // 1000
    assert shorter.dtype == longer.dtype == np.int16
