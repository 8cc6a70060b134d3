"""Adding frames, and the limiter: exact where it fits, never clipped, no click and no pumping."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.media.mixer import Limiter, add

RATE = 16000
FRAME = 320


def frame(*samples: int) -> np.ndarray:
    return np.array(samples, np.int16)


def tone(hz: float, peak: float, seconds: float = 1.0) -> np.ndarray:
    return np.rint(peak * np.sin(2 * np.pi * hz * np.arange(int(seconds * RATE)) / RATE)).astype(np.int16)


def limited(total: np.ndarray, size: int = FRAME) -> np.ndarray:
    limiter = Limiter(RATE)
    return np.concatenate([limiter.push(total[at : at + size]) for at in range(0, len(total), size)])


def test_frames_are_added_beyond_16_bits():
    assert add([frame(1, 2, 3), frame(10, 20, 30), frame(0, 0, -5)]).tolist() == [11, 22, 28]
    assert add([frame(30000, -30000), frame(30000, -30000)]).tolist() == [60000, -60000]


def test_shorter_frames_end_in_silence_and_longer_ones_are_cut():
    assert add([frame(1, 2, 3), frame(10), frame(0, 0, 0, 9)]).tolist() == [11, 2, 3]


def test_one_frame_alone_is_copied():
    one = frame(5, 6)
    mixed = add([one])
    mixed[0] = 0
    assert one.tolist() == [5, 6]


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=100))
def test_whatever_fits_passes_bit_for_bit(samples):
    assert Limiter(RATE).push(np.array(samples, np.int32)).tolist() == samples


@given(
    st.lists(st.lists(st.integers(-300_000, 300_000), min_size=0, max_size=400), min_size=1, max_size=8),
    st.sampled_from([8000, 16000, 44100, 48000]),
)
def test_whatever_comes_keeps_its_length_and_is_never_overdriven(frames, rate_hz):
    limiter = Limiter(rate_hz)
    for samples in frames:
        total = np.array(samples, np.int32)
        out = limiter.push(total)
        assert out.dtype == np.int16 and len(out) == len(total)
        assert (np.abs(out.astype(int)) <= np.abs(total)).all()
        assert 0 < limiter.gain <= 1


def test_two_loud_voices_are_softer_together_and_stay_what_they_are():
    total = add([tone(300, 25000), tone(1000, 25000)])
    out = limited(total)
    assert np.abs(out.astype(int)).max() <= 32767
    steady = slice(RATE // 2, None)
    power = np.abs(np.fft.rfft(out[steady] * np.hanning(RATE // 2))) ** 2
    ours = sum(power[hz // 2 - 4 : hz // 2 + 5].sum() for hz in (300, 1000))
    assert 10 * np.log10(ours / (power.sum() - ours)) > 30, "distortion"
    clipped = np.clip(total, -32768, 32767)[steady]
    power = np.abs(np.fft.rfft(clipped * np.hanning(RATE // 2))) ** 2
    ours = sum(power[hz // 2 - 4 : hz // 2 + 5].sum() for hz in (300, 1000))
    assert 10 * np.log10(ours / (power.sum() - ours)) < 25, "a hard clip would do as well"


def test_the_gain_goes_down_and_comes_back_without_a_click():
    total = tone(200, 10000, 2.0).astype(np.int32)
    total[RATE // 2 : RATE // 2 + 800] *= 5
    out = limited(total).astype(int)
    assert np.abs(np.diff(out[RATE // 2 + 900 :])).max() <= np.abs(np.diff(total[:4000])).max() + 2
    assert (out[: RATE // 2 - FRAME] == total[: RATE // 2 - FRAME]).all()
    assert (out[-RATE // 4 :] == total[-RATE // 4 :]).all(), "it never became exact again"


def test_a_peak_is_prepared_for_within_its_frame():
    total = np.full(FRAME, 100, np.int32)
    total[200] = 65534
    out = Limiter(RATE).push(total)
    assert out[200] == 32767 and (out[:160] == 100).all()
    assert out[199] == pytest.approx(50, abs=8)
