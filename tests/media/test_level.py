"""The level meter: what 0, what silence is, and how long a peak is held."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media.level import FLOOR_DBFS, PEAK_HOLD_S, Level, LevelMeter, frames_dbfs, rms_dbfs


def tone(amplitude: float, count: int = 800) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * np.arange(count) / 80)).astype(np.int16)


def test_a_full_scale_square_wave_is_0():
    assert rms_dbfs(np.array([-32768, -32768] * 80, np.int16)) == pytest.approx(0.0)


def test_a_full_scale_sine_is_3_db_below():
    assert rms_dbfs(tone(32767)) == pytest.approx(-3.01, abs=0.01)


def test_half_the_amplitude_is_6_db_less():
    assert rms_dbfs(tone(16000)) - rms_dbfs(tone(8000)) == pytest.approx(6.02, abs=0.01)


def test_silence_and_nothing_are_the_floor():
    assert rms_dbfs(np.zeros(160, np.int16)) == FLOOR_DBFS
    assert rms_dbfs(np.zeros(0, np.int16)) == FLOOR_DBFS
    assert LevelMeter().level() == Level(FLOOR_DBFS, FLOOR_DBFS)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(-32768, 32767), max_size=300))
def test_every_frame_has_a_level_on_the_scale(samples):
    assert FLOOR_DBFS <= rms_dbfs(np.array(samples, np.int16)) <= 0.001


def test_the_peak_is_held_and_then_falls_to_the_highest_since():
    meter = LevelMeter()
    for number, amplitude in enumerate([20000, 1000, 5000] + [100] * 90):
        meter.update(tone(amplitude, 160), number * 0.02)
        level = meter.level()
        assert level.rms_dbfs == pytest.approx(rms_dbfs(tone(amplitude, 160)), abs=1e-3)
        at = number * 0.02
        loudest = 20000 if at <= PEAK_HOLD_S else 5000 if at - 0.04 <= PEAK_HOLD_S else 100
        assert level.peak_hold_dbfs == pytest.approx(rms_dbfs(tone(loudest, 160)), abs=1e-3), at


def test_a_louder_frame_is_the_new_peak_at_once():
    meter = LevelMeter()
    meter.update(tone(1000), 0.0)
    meter.update(tone(2000), 0.02)
    assert meter.level().peak_hold_dbfs == meter.level().rms_dbfs


def test_looking_changes_nothing():
    meters = LevelMeter(), LevelMeter()
    for number, amplitude in enumerate([9000, 300, 4000, 100] * 30):
        for meter in meters:
            meter.update(tone(amplitude, 160), number * 0.02)
        assert meters[0].level() == meters[0].level()
    assert meters[0].level() == meters[1].level()


@given(st.lists(st.lists(st.integers(-32768, 32767), max_size=40), max_size=12))
def test_frames_together_have_the_levels_they_have_alone(frames):
    arrays = [np.array(frame, np.int16) for frame in frames]
    assert frames_dbfs(arrays) == pytest.approx([rms_dbfs(frame) for frame in arrays], abs=1e-3)
