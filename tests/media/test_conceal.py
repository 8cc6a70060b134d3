"""Concealment: the pitch goes on, it fades, nothing clicks, and it is better than silence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media.conceal import FADE_OUT_MS, HUSH_MS, Concealer
from tests.media.virtual import spectral_distance_db, speech


def buzz(hertz: float, count: int, rate: int = 8000) -> np.ndarray:
    at = np.arange(count) / rate
    return sum(6000 / n * np.sin(2 * np.pi * hertz * n * at) for n in (1, 2, 3)).astype(np.int16)  # type: ignore


@pytest.mark.parametrize("rate", [8000, 16000, 48000])
@pytest.mark.parametrize("hertz", [70, 110, 200, 380])
def test_a_steady_tone_goes_on_as_it_would_have(rate, hertz):
    sound = buzz(hertz, rate // 5, rate)
    cut = rate // 10
    concealer = Concealer(rate)
    concealer.begin(sound[:cut])
    made = concealer.fill(rate // 100).astype(float)
    wanted = sound[cut : cut + rate // 100].astype(float)
    assert np.mean((made - wanted) ** 2) < 0.1 * np.mean(wanted**2)


def test_it_fades_to_silence_and_stays_there():
    concealer = Concealer(8000)
    concealer.begin(buzz(120, 800))
    assert concealer.active and concealer.audible
    frames = [np.abs(concealer.fill(160).astype(int)).max() for _ in range(8)]
    assert frames == sorted(frames, reverse=True)
    assert frames[0] > 5000 and frames[6:] == [0, 0]
    assert not concealer.audible
    assert FADE_OUT_MS == 120


def test_a_hush_is_over_in_ten_ms():
    concealer = Concealer(8000)
    concealer.begin(buzz(120, 800), hush=True)
    made = concealer.fill(160)
    assert np.abs(made[:40]).max() > 1000
    assert not made[int(HUSH_MS * 8) :].any()


@pytest.mark.parametrize("frames", [1, 2, 4, 10])
def test_no_click_at_either_end(frames):
    sound = buzz(133, 8000)
    steepest = np.abs(np.diff(sound.astype(int))).max()
    concealer = Concealer(8000)
    concealer.begin(sound[:1600])
    made = [concealer.fill(160) for _ in range(frames)]
    after = concealer.merge(sound[1600 + 160 * frames :][:160])
    joined = np.concatenate((sound[:1600], *made, after)).astype(int)
    assert np.abs(np.diff(joined)).max() < 1.6 * steepest
    assert (after[40:] == sound[1600 + 160 * frames :][40:160]).all()
    assert not concealer.active


def test_the_good_frame_itself_is_left_alone():
    concealer = Concealer(8000)
    concealer.begin(buzz(120, 800))
    good = buzz(120, 160)
    before = good.copy()
    concealer.merge(good)
    assert (good == before).all()


@pytest.mark.parametrize("rate", [8000, 16000])
@pytest.mark.parametrize("burst", [1, 3])
def test_speech_with_holes_is_nearer_to_the_original_than_with_silence(rate, burst):
    sound = speech(6, rate)
    size = rate // 50
    chance = np.random.default_rng(2)
    lost = {number + more for number in range(10, 290) if chance.random() < 0.06 for more in range(burst)}
    concealer = Concealer(rate)
    silent, concealed = sound.copy(), sound.copy()
    for number in range(len(sound) // size):
        place = slice(number * size, (number + 1) * size)
        if number in lost:
            if not concealer.active:
                concealer.begin(concealed[: place.start])
            silent[place], concealed[place] = 0, concealer.fill(size)
        elif concealer.active:
            concealed[place] = concealer.merge(sound[place])
    with_silence = spectral_distance_db(sound, silent, rate)
    assert spectral_distance_db(sound, concealed, rate) < 0.85 * with_silence


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from([8000, 16000, 44100]),
    st.integers(0, 900),
    st.integers(0, 3),
    st.booleans(),
    st.lists(st.integers(0, 700), max_size=6),
    st.integers(0, 300),
)
def test_any_history_and_any_lengths(rate, length, kind, hush, fills, good):
    chance = np.random.default_rng(length)
    history = [
        np.zeros(length, np.int16),
        chance.integers(-32768, 32768, length).astype(np.int16),
        np.full(length, -32768, np.int16),
        np.where(np.arange(length) % 50 < 25, 32767, -32768).astype(np.int16),
    ][kind]
    concealer = Concealer(rate)
    concealer.begin(history, hush)
    for count in fills:
        made = concealer.fill(count)
        assert made.dtype == np.int16 and len(made) == count
    assert len(concealer.merge(np.full(good, 32767, np.int16))) == good
