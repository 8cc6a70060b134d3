"""What is in the far end's sound."""

from __future__ import annotations

import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media import codecs
from engine.media.resample import Resampler
from engine.media.witness import BANDS, FALL_DB_PER_S, FLOOR_DBFS, STEADY_DB, Witness
from tests.media.virtual import speech

SAMPLE = Path(__file__).parents[2] / "sample.wav"
RATES = (8000, 16000, 48000)


def witness_of(sound: np.ndarray, rate_hz: int, frame_s: float = 0.02) -> Witness:
    made = Witness(rate_hz)
    frame = int(rate_hz * frame_s)
    for number, at in enumerate(range(0, len(sound) - frame + 1, frame), 1):
        made.hear(sound[at : at + frame], rate_hz)
        if number % round(1 / frame_s) == 0:
            made.second()
    return made


def tone(rate_hz: int, hz: float, level: float = 8000, seconds: float = 4) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz)).astype(np.int16)


def limited(rate_hz: int, to_hz: float, seconds: float = 5) -> np.ndarray:
    """Noise up to a frequency, in syllables."""
    count = int(seconds * rate_hz)
    spectrum = np.fft.rfft(np.random.default_rng(1).normal(size=count))
    spectrum[int(to_hz * count / rate_hz) :] = 0
    noise = np.fft.irfft(spectrum, count)
    return (6000 * noise / np.abs(noise).max() * 2).clip(-32767, 32767).astype(np.int16)


@pytest.mark.parametrize("rate_hz", RATES)
def test_a_tone_stands_in_its_band(rate_hz: int) -> None:
    spectrum = witness_of(tone(rate_hz, 1000), rate_hz).spectrum()
    assert len(spectrum.bands_dbfs) == BANDS and spectrum.highest_hz == rate_hz / 2
    at = int(np.argmax(spectrum.bands_dbfs))
    ratio = (spectrum.highest_hz / spectrum.lowest_hz) ** (1 / BANDS)
    assert spectrum.lowest_hz * ratio**at <= 1000 * 1.02 and spectrum.lowest_hz * ratio ** (at + 1) >= 1000 * 0.98
    assert max(spectrum.bands_dbfs) == pytest.approx(20 * np.log10(8000 / 32768), abs=1.0)


def test_bands_rise_at_once_and_fall_slowly_and_stay_where_they_hardly_change() -> None:
    loud = witness_of(tone(8000, 1000), 8000).spectrum()
    quiet = witness_of(np.zeros(8000, np.int16), 8000)
    fallen = quiet.spectrum(loud, 0.25)
    assert max(fallen.bands_dbfs) == pytest.approx(max(loud.bands_dbfs) - FALL_DB_PER_S / 4, abs=0.1)
    assert max(quiet.spectrum(loud, 10.0).bands_dbfs) < FLOOR_DBFS + STEADY_DB
    again = witness_of(tone(8000, 1000), 8000).spectrum(fallen, 0.25)
    assert again.bands_dbfs == loud.bands_dbfs
    nearly = witness_of(tone(8000, 1000, 8000 * 10 ** (-STEADY_DB * 0.9 / 20)), 8000).spectrum(loud, 0.25)
    assert max(nearly.bands_dbfs) == max(loud.bands_dbfs)
    assert witness_of(tone(16000, 1000), 16000).spectrum(loud, 0.25).highest_hz == 8000.0


def test_silence_has_no_spectrum_and_no_width() -> None:
    made = witness_of(np.zeros(5 * 16000, np.int16), 16000)
    assert set(made.spectrum().bands_dbfs) == {FLOOR_DBFS}
    heard = made.heard()
    assert (heard.width_hz, heard.hum_hz, heard.clips, heard.constant) == (None, None, False, None)
    assert Witness(8000).spectrum().bands_dbfs == (FLOOR_DBFS,) * BANDS and Witness(8000).heard().width_hz is None


@pytest.mark.parametrize(
    ("rate_hz", "to_hz"), [(16000, 3400), (16000, 7000), (48000, 3400), (48000, 15000), (8000, 3400)]
)
def test_the_width_is_that_of_the_sound_not_of_the_codec(rate_hz: int, to_hz: float) -> None:
    width_hz = witness_of(limited(rate_hz, to_hz), rate_hz).heard().width_hz
    assert width_hz is not None and to_hz - 300 <= width_hz <= to_hz + 600


def through(name: str, sound: np.ndarray) -> np.ndarray:
    """The sound as the far end of a codec hears it; its rate is 16 kHz."""
    sender, receiver = codecs.make(name, 8000), codecs.make(name, 8000)
    frames = sound[: len(sound) // 320 * 320].reshape(-1, 320)
    return np.concatenate([receiver.decode(sender.encode(frame)) for frame in frames])


@pytest.mark.skipif(codecs.by_name("G722") is None, reason="G722 is not installed")
def test_the_noise_of_the_codec_itself_is_not_taken_for_width() -> None:
    said = speech(6, 16000)
    spectrum = np.fft.rfft(said)
    spectrum[int(3400 * len(said) / 16000) :] = 0
    telephone = np.fft.irfft(spectrum, len(said)).clip(-32767, 32767).astype(np.int16)
    width_hz = witness_of(through("G722", telephone), 16000).heard().width_hz
    assert width_hz is not None and 3000 <= width_hz <= 4250
    wide_hz = witness_of(through("G722", limited(16000, 7000)), 16000).heard().width_hz
    assert wide_hz is not None and wide_hz >= 6750


@pytest.mark.skipif(codecs.by_name("G722") is None, reason="G722 is not installed")
@pytest.mark.parametrize("softer", [1, 10])
def test_speech_of_a_telephone_line_through_g722_is_no_wideband(softer: int) -> None:
    with wave.open(str(SAMPLE)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), np.int16) // softer
    width_hz = witness_of(through("G722", Resampler(8000, 16000).push(pcm)), 16000).heard().width_hz
    assert width_hz is not None and 3000 <= width_hz <= 4250


def test_frames_that_are_missing_do_not_make_the_sound_wide() -> None:
    sound = limited(16000, 3400, 8)
    for at in range(0, len(sound), 320 * 33):  # clicks where they begin and end
        sound[at : at + 320] = 0
    width_hz = witness_of(sound, 16000).heard().width_hz
    assert width_hz is not None and width_hz <= 4250


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("mains", [50, 60])
def test_hum_is_told_by_its_mains_also_beneath_speech(rate_hz: int, mains: int) -> None:
    lines = ((1, 300), (2, 200), (3, 100))
    alone = sum(tone(rate_hz, mains * times, level, 5).astype(int) for times, level in lines)
    assert witness_of(np.asarray(alone, np.int16), rate_hz).heard().hum_hz == mains
    beneath = speech(5, rate_hz).astype(int)
    beneath += 4 * alone[: len(beneath)]  # 4 dB softer than who speaks
    assert witness_of(beneath.clip(-32768, 32767).astype(np.int16), rate_hz).heard().hum_hz == mains


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("seed", range(4))
def test_speech_and_noise_are_no_hum(rate_hz: int, seed: int) -> None:
    heard = witness_of(speech(6, rate_hz, seed=seed), rate_hz).heard()
    assert heard.hum_hz is None and heard.constant is None
    assert witness_of(limited(rate_hz, 3000), rate_hz).heard().hum_hz is None


@pytest.mark.parametrize("rate_hz", RATES)
@pytest.mark.parametrize("hz", [350, 425, 940, 950, 1050, 1060, 1940, 2050, 2100])
def test_tones_are_no_hum(rate_hz: int, hz: float) -> None:
    """Not even where they and their harmonics lie as far from the rate at which hum is looked for as the mains do."""
    beeps = sum(
        tone(rate_hz, hz * times, 6000 / times, 5).astype(int) for times in (1, 2, 3) if hz * times < rate_hz / 2
    )
    assert witness_of(np.asarray(beeps, np.int16), rate_hz).heard().hum_hz is None


def test_clipping_and_a_constant() -> None:
    assert (
        witness_of(tone(8000, 300, 60_000).clip(-32768, 32767), 8000).heard().clips is False
    )  # int16 wraps, it is noise
    loud = (60_000 * np.sin(np.arange(3 * 8000) / 4)).clip(-32768, 32767).astype(np.int16)
    assert witness_of(loud, 8000).heard().clips
    assert witness_of(np.full(3 * 8000, -70, np.int16), 8000).heard().constant == -70
    assert witness_of(np.full(3 * 8000, 8, np.int16), 8000).heard().constant is None  # what A-law has for silence


def test_another_rate_begins_anew() -> None:
    made = witness_of(limited(16000, 7000), 16000)
    made.hear(np.zeros(160, np.int16), 8000)
    assert made.rate_hz == 8000 and made.heard().width_hz is None


@settings(deadline=None, max_examples=40)
@given(st.lists(st.integers(0, 700), max_size=60), st.sampled_from(RATES))
def test_any_frames_do_no_harm(lengths: list[int], rate_hz: int) -> None:
    made = Witness(rate_hz)
    for number, length in enumerate(lengths):
        made.hear(np.full(length, 32767, np.int16), rate_hz)
        if number % 7 == 0:
            made.second()
    made.spectrum()
    made.heard()
