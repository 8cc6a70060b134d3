"""What is done to a microphone: the two directions side by side, ducking, and a library that may not be there."""

from __future__ import annotations

import builtins
import importlib.util
import sys
from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media.voice import DUCK, ECHO, GAIN, NOISE, Ducker, Duplex
from tests.media.test_echo import echoed, less_db, pcm, room
from tests.media.virtual import speech

RATE = 8000
needs_library = pytest.mark.skipif(
    importlib.util.find_spec("aec_audio_processing") is None, reason="pip install aec-audio-processing"
)


def steps(*names: str) -> frozenset[str]:
    return frozenset(names)


def test_sound_comes_back_in_whole_blocks_and_nothing_is_lost():
    duplex = Duplex(RATE, RATE, steps(ECHO))
    here = speech(1)
    out = [duplex.captured(array("h", here[at : at + 133].tobytes())) for at in range(0, len(here), 133)]
    assert all(len(piece) % 80 == 0 for piece in out)
    heard = np.concatenate(out)
    assert len(heard) == len(here) // 80 * 80 and (heard == here[: len(heard)]).all()


@pytest.mark.parametrize(("near_hz", "far_hz"), [(8000, 8000), (48000, 44100), (16000, 48000)])
def test_unevenness_and_another_rate_do_not_move_the_far_end(near_hz, far_hz):
    """Written in pieces of 20 ms a while before, read as it comes: counted, not timed."""
    seconds, chance = 8, np.random.default_rng(3)
    near_far, far = speech(seconds, near_hz), speech(seconds, near_hz)
    if far_hz != near_hz:
        from engine.media.resample import Resampler

        far = Resampler(near_hz, far_hz).push(near_far)
    echo = pcm(echoed(near_far.astype(float), room(near_hz, 90)))
    duplex, out, written, read = Duplex(near_hz, far_hz, steps(ECHO)), [], 0, 0
    for tick in range(100 * seconds):
        while written < len(far) and written / far_hz < tick / 100 + 0.04:
            duplex.played(far[written : written + far_hz // 50])
            written += far_hz // 50
        until = min(int(near_hz * (tick / 100 - chance.uniform(0, 0.009))), len(echo))
        if until > read:
            out.append(duplex.captured(echo[read:until]))
            read = until
    heard = np.concatenate(out)
    assert less_db(echo[5 * near_hz : len(heard)], heard[5 * near_hz :]) > 20


def test_a_microphone_that_begins_later_than_the_loudspeaker():
    """70 ms of the far end were played before the first sample came: its echo is in that already."""
    seconds, late, ahead = 8, 560, 320
    far = speech(seconds)
    echo = pcm(echoed(far.astype(float), room(RATE, 5)))
    duplex, out, written = Duplex(RATE, RATE, steps(ECHO)), [], 0
    for read in range(0, len(far), 160):
        duplex.played(far[written : read + 160 + ahead])
        written = read + 160 + ahead
        if read >= late:
            out.append(duplex.captured(echo[read : read + 160], ahead / RATE))
    heard = np.concatenate(out)
    assert less_db(echo[5 * RATE :], heard[5 * RATE - late :]) > 20


def test_a_far_end_that_is_handed_over_late_is_laid_later_and_its_echo_still_known():
    """Six seconds in step; then the pieces come 15 ms later than before, while the loudspeaker still plays."""
    far = speech(9)
    echo = pcm(echoed(far.astype(float), room(RATE, 90)))
    duplex, out, written = Duplex(RATE, RATE, steps(ECHO)), [], 0
    for read in range(0, len(far), 80):
        until = read + (120 if read < 6 * RATE else 0)
        duplex.played(far[written : max(until, written)])
        written = max(until, written)
        out.append(duplex.captured(echo[read : read + 80], 0.02))
    last = slice(round(6.5 * RATE), 8 * RATE)
    assert less_db(echo[last], np.concatenate(out)[last]) > 18


def test_a_microphone_that_lost_sound_does_not_pile_up_the_far_end():
    duplex = Duplex(RATE, RATE, steps(ECHO))
    for _ in range(1000):
        duplex.played(np.ones(160, np.int16))
    assert len(duplex._far) <= 0.1 * RATE


def duck(near_at: float, far_at: float, seconds: float = 1.0) -> np.ndarray:
    """Constant loud noises of these levels; what comes out."""
    ducker, chance = Ducker(RATE), np.random.default_rng(1)
    near, far = (pcm(chance.normal(0, level, int(seconds * RATE))) for level in (near_at, far_at))
    return np.concatenate([ducker.process(near[at : at + 80], far[at : at + 80]) for at in range(0, len(near), 80)])


def test_while_they_speak_we_are_turned_down_and_who_is_louder_is_heard():
    level = lambda sound: 20 * np.log10(sound[RATE // 2 :].astype(float).std() + 1e-9)  # noqa: E731
    plain = level(duck(1000, 0))
    assert level(duck(1000, 3000)) == pytest.approx(plain - 36, abs=3)
    assert level(duck(1000, 300)) == pytest.approx(plain, abs=0.5), "we are louder than they"
    assert level(duck(1000, 30)) == pytest.approx(plain, abs=0.1), "a far end that is silent"


def test_ducking_lasts_as_long_as_the_echo_may_come():
    ducker, near, loud, still = Ducker(RATE), np.full(80, 500, np.int16), np.full(80, 3000, np.int16), np.zeros(80)
    for _ in range(20):
        ducker.process(near, loud)
    gains = [int(ducker.process(near, still.astype(np.int16))[-1]) for _ in range(60)]
    assert max(gains[:28]) < 50 and min(gains[45:]) > 490
    assert max(np.abs(np.diff(gains))) < 300, "it fades"


@needs_library
def test_a_soft_voice_is_raised_and_noise_is_turned_down():
    chance = np.random.default_rng(2)
    soft = pcm(speech(8) / 10 + chance.normal(0, 4, 8 * RATE))
    raised = Duplex(RATE, RATE, steps(GAIN)).captured(soft)
    assert less_db(raised[4 * RATE :], soft[4 * RATE :]) > 6
    noise = pcm(chance.normal(0, 300, 8 * RATE))
    calm = Duplex(RATE, RATE, steps(NOISE)).captured(noise)
    assert less_db(noise[4 * RATE :], calm[4 * RATE :]) > 6


@pytest.mark.parametrize("trouble", [ImportError("no such thing"), OSError("libwebrtc is broken"), ValueError("odd")])
def test_a_library_that_is_missing_or_broken_takes_its_steps_with_it_and_no_others(monkeypatch, trouble):
    real = builtins.__import__

    def refuse(name, *more, **others):
        if name == "aec_audio_processing":
            raise trouble
        return real(name, *more, **others)

    monkeypatch.delitem(sys.modules, "aec_audio_processing", raising=False)
    monkeypatch.setattr(builtins, "__import__", refuse)
    duplex = Duplex(RATE, RATE, steps(ECHO, NOISE, GAIN))
    assert duplex.complaint == f"no noise suppression and no automatic gain: {trouble}"
    here = speech(1)
    assert (duplex.captured(here) == here).all()


def test_a_library_that_fails_in_mid_call_is_left_out():
    class Broken:
        def process(self, near):
            raise RuntimeError("error -7")

    duplex, here = Duplex(RATE, RATE, steps(ECHO)), speech(1)
    duplex._polisher = Broken()
    assert (duplex.captured(here) == here).all()
    assert duplex.complaint == "noise suppression and automatic gain have failed: error -7"


@given(
    st.frozensets(st.sampled_from([ECHO, DUCK]), max_size=1),
    st.lists(st.tuples(st.integers(0, 500), st.integers(0, 500)), max_size=30),
)
@settings(max_examples=30, deadline=None)
def test_any_amounts_in_any_order(wanted, pieces):
    duplex, captured, got = Duplex(RATE, RATE, wanted), 0, 0
    for far, near in pieces:
        duplex.played(np.full(far, 1000, np.int16))
        got += len(duplex.captured(np.full(near, 500, np.int16)))
        captured += near
    assert captured - 80 < got <= captured and got % 80 == 0
