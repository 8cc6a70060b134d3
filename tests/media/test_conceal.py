"""Concealment: the pitch goes on, it fades, nothing clicks, and it is better than silence."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media.conceal import BRIDGE_MS, FADE_OUT_MS, HUSH_MS, MERGE_MS, Concealer
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
    frames = [np.abs(concealer.fill(160).astype(int)).max() for _ in range(12)]
    assert frames == sorted(frames, reverse=True)
    assert frames[0] > 5000 and frames[10:] == [0, 0]
    assert not concealer.audible
    assert FADE_OUT_MS == 200


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


def test_nothing_leads_out_of_a_hush():
    concealer = Concealer(8000)
    concealer.begin(buzz(120, 800), hush=True)
    concealer.fill(160)
    concealer.meet(buzz(120, 160), 160)
    assert not concealer.audible and not concealer.fill(160).any()


def test_nothing_on_the_far_side_is_nothing_to_lead_up_to():
    sound = buzz(133, 2400)
    concealer = Concealer(8000)
    concealer.begin(sound[:800])
    concealer.meet(sound[:0], 160)
    concealer.fill(160)
    assert (concealer.merge(sound[960:1120])[:20] != sound[960:980]).any()


class TestBothSides:
    """What comes behind the gap is known: the invention leads up to it."""

    @pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
    @pytest.mark.parametrize("hertz", [110, 200, 380])
    def test_a_steady_tone_is_as_it_would_have_been_up_to_the_far_side(self, rate, hertz):
        size = rate // 50
        sound = buzz(hertz, rate // 4, rate)
        made = bridged(sound, rate, rate // 10, size, size)[rate // 10 :][:size].astype(float)
        wanted = sound[rate // 10 :][:size].astype(float)
        assert np.mean((made - wanted) ** 2) < 0.1 * np.mean(wanted**2)

    @pytest.mark.parametrize("rate", [8000, 16000, 48000])
    def test_pitch_and_loudness_go_over_from_one_side_to_the_other(self, rate):
        size, cut = rate // 50, rate // 10
        at = np.arange(rate // 4) / rate
        hertz = 140 + 240 * (at - 0.1)
        sound = (9000 * np.exp(-12 * at) * _harmonics(np.cumsum(hertz) / rate)).astype(np.int16)
        place = slice(cut, cut + size)
        wanted = sound[place].astype(float)
        both, one = bridged(sound, rate, cut, size, size), bridged(sound, rate, cut, size, None)
        errors = [np.mean((made[place].astype(float) - wanted) ** 2) for made in (both, one)]
        assert errors[0] < 0.6 * errors[1]
        last = slice(cut + size * 3 // 4, cut + size)
        level = np.std(both[last].astype(float)) / np.std(sound[last].astype(float))
        assert 0.75 < level < 1.25

    @pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
    @pytest.mark.parametrize("met_after", [0, 1, 2, 5])
    def test_neither_seam_bends_sharper_than_speech_itself(self, rate, met_after):
        """The second difference over each seam, against the sharpest of the speech around it."""
        sound, size = speech(3, rate), rate // 50
        for cut in range(10 * size, len(sound) - 10 * size, 9 * size):
            end = cut + (met_after + 1) * size
            made = bridged(sound, rate, cut, (met_after + 1) * size, size, met_after * size)
            around = np.abs(np.diff(sound[cut - 4 * size : end + size].astype(int), 2)).max()
            for seam in (cut, end):
                bend = np.abs(np.diff(made[seam - 4 : seam + 4].astype(int), 2)).max()
                assert bend <= 1.5 * around + 8

    def test_the_far_side_itself_is_left_alone(self):
        sound = buzz(133, 2400)
        made = bridged(sound, 8000, 800, 160, 160)
        assert (made[960:1120] == sound[960:1120]).all()

    def test_a_far_side_that_comes_before_its_turn_is_merged(self):
        sound = buzz(133, 2400)
        concealer = Concealer(8000)
        concealer.begin(sound[:800])
        concealer.meet(sound[1120:1280], 320)
        concealer.fill(160)
        merged = concealer.merge(sound[960:1120])
        assert (merged[int(MERGE_MS * 8) :] == sound[960:1120][int(MERGE_MS * 8) :]).all()
        assert abs(int(merged[0]) - int(sound[959])) < 4000

    def test_only_the_end_of_a_long_gap_leads_up_to_the_far_side(self):
        concealer = Concealer(8000)
        concealer.begin(buzz(133, 800))
        concealer.meet(buzz(200, 160), 4000)
        made = concealer.fill(4000)
        assert not made[int(FADE_OUT_MS * 8) : 4000 - int(BRIDGE_MS * 8)].any()
        assert np.abs(made[-60:]).max() > 3000

    def test_silence_on_both_sides_is_silence_between(self):
        assert not bridged(np.zeros(2400, np.int16), 8000, 800, 160, 160).any()

    def test_sound_before_silence_does_not_go_on_into_it(self):
        sound = buzz(133, 2400)
        sound[960:] = 0
        assert np.abs(bridged(sound, 8000, 800, 160, 160)[900:960]).max() < 0.45 * np.abs(sound).max()

    @pytest.mark.parametrize("rate", [8000, 16000, 48000])
    def test_speech_is_nearer_to_the_original_than_from_one_side(self, rate):
        sound, size = speech(6, rate), rate // 50
        both, one = sound.copy(), sound.copy()
        for cut in range(10 * size, len(sound) - 2 * size, 5 * size):
            both[cut : cut + size] = bridged(sound, rate, cut, size, size)[cut : cut + size]
            one[cut : cut + size] = bridged(sound, rate, cut, size, None)[cut : cut + size]
        assert spectral_distance_db(sound, both, rate) < 0.75 * spectral_distance_db(sound, one, rate)


def _harmonics(turns: np.ndarray) -> np.ndarray:
    return np.sum([np.sin(2 * np.pi * n * turns) / n for n in (1, 2, 3, 4)], axis=0)


def bridged(sound: np.ndarray, rate: int, cut: int, gap: int, known: int | None, met_after: int = 0) -> np.ndarray:
    """The sound with a gap of ``gap`` samples at ``cut``, concealed; ``known``: so much of the far side waits."""
    concealer = Concealer(rate)
    concealer.begin(sound[:cut])
    made = [concealer.fill(met_after)]
    end = cut + gap
    if known is not None:
        concealer.meet(sound[end : end + known], gap - met_after)
    made.append(concealer.fill(gap - met_after))
    after = concealer.merge(sound[end:])
    return np.concatenate((sound[:cut], *made, after))


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
    st.sampled_from([8000, 16000, 44100, 48000]),
    st.integers(0, 2500),
    st.integers(0, 3),
    st.booleans(),
    st.lists(st.tuples(st.integers(0, 700), st.integers(0, 1000), st.integers(1, 1500)), max_size=6),
    st.integers(0, 300),
)
def test_any_history_any_far_sides_and_any_lengths(rate, length, kind, hush, steps, good):
    """``steps``: (how much is filled, how much of a far side is known then, how far away it is)."""
    chance = np.random.default_rng(length)
    sound = [
        np.zeros(3000, np.int16),
        chance.integers(-32768, 32768, 3000).astype(np.int16),
        np.full(3000, -32768, np.int16),
        np.where(np.arange(3000) % 50 < 25, 32767, -32768).astype(np.int16),
    ][kind]
    concealer = Concealer(rate)
    concealer.begin(sound[:length], hush)
    for count, known, left in steps:
        concealer.meet(sound[:known], left)
        made = concealer.fill(count)
        assert made.dtype == np.int16 and len(made) == count
        assert kind or not made.any()
    assert len(concealer.merge(np.full(good, 32767, np.int16))) == good
