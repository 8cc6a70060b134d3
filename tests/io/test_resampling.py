"""Rates of files: soxr where it is, our own filter where it is not; both good enough, and how good."""

from __future__ import annotations

import importlib.util
import os

import numpy as np
import pytest

from engine.io import resampling
from engine.io.resampling import file_resampler
from engine.media.resample import Resampler

RATES = [(8000, 48000), (48000, 8000), (16000, 48000), (44100, 48000), (48000, 44100), (44100, 8000), (16000, 8000)]


@pytest.fixture(params=["soxr", "ours"])
def kind(request, monkeypatch):
    if request.param == "ours":
        monkeypatch.setattr(resampling, "_library", lambda: None)
    elif not os.environ.get("CI") and importlib.util.find_spec("soxr") is None:
        pytest.skip("pip install soxr")
    return request.param


def resampled(rate_in: int, rate_out: int, hz: float) -> np.ndarray:
    said = np.rint(16000 * np.sin(2 * np.pi * hz * np.arange(2 * rate_in) / rate_in)).astype(np.int16)
    made = file_resampler(rate_in, rate_out)
    out = np.concatenate([made.push(said[at : at + rate_in // 50]) for at in range(0, len(said), rate_in // 50)])
    return out[len(out) // 4 : 3 * len(out) // 4].astype(float)


def level_and_snr_db(pcm: np.ndarray, rate_hz: int, hz: float) -> tuple[float, float]:
    """The tone against what went in, and against all that is not the tone."""
    at = 2 * np.pi * hz * np.arange(len(pcm)) / rate_hz
    basis = np.stack([np.sin(at), np.cos(at)], 1)
    weights = np.linalg.lstsq(basis, pcm, rcond=None)[0]
    tone = basis @ weights
    rest = pcm - tone
    return 20 * np.log10(np.hypot(*weights) / 16000), 10 * np.log10(tone @ tone / (rest @ rest + 1e-9))


@pytest.mark.parametrize(("rate_in", "rate_out"), RATES)
def test_what_passes_is_clean_and_what_must_not_does_not(kind, rate_in, rate_out):
    band = min(rate_in, rate_out) / 2
    for share, loss_db in ((0.12, 0.02), (0.5, 0.02), (0.8, 0.05), (0.9, 2.5 if kind == "ours" else 0.05)):
        level_db, snr_db = level_and_snr_db(resampled(rate_in, rate_out, band * share), rate_out, band * share)
        assert -loss_db <= level_db <= 0.02 and snr_db > 75
    for share, down_db in ((1.05, 33 if kind == "ours" else 75), (1.2, 75)):
        if band * share < rate_in / 2:
            alias = resampled(rate_in, rate_out, band * share)
            assert 20 * np.log10(np.sqrt(alias @ alias / len(alias)) / 11314 + 1e-9) < -down_db


def test_silence_is_silent_and_loud_is_bounded(kind):
    made = file_resampler(8000, 48000)
    assert not np.concatenate([made.push(np.zeros(160, np.int16)) for _ in range(50)]).any()
    square = np.tile(np.repeat(np.array([32767, -32768], np.int16), 20), 50)
    out = file_resampler(8000, 16000).push(square)
    assert out.dtype == np.int16 and np.abs(out.astype(int)).max() >= 32767


def test_the_same_rate_is_the_same_sound(kind):
    said = np.arange(-500, 500, dtype=np.int16)
    assert (file_resampler(8000, 8000).push(said) == said).all()


@pytest.mark.parametrize(("rate_in", "rate_out"), RATES)
def test_what_is_alive_is_held_back_for_two_milliseconds_at_most(rate_in, rate_out):
    made = Resampler(rate_in, rate_out)
    given = sum(len(made.push(np.zeros(rate_in // 50, np.int16))) for _ in range(50))
    assert rate_out * (1 - 0.0022) <= given <= rate_out
