"""The loudspeaker taken out of the microphone: what is left of it, and what is left of who speaks here."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media.echo import EchoCanceller
from tests.media.virtual import speech

RATE = 8000


def room(rate: int, delay_ms: float, seed: int = 1) -> np.ndarray:
    """An impulse response: a delay, a first sound, a tail of 0.15 s; the echo comes back 10 dB softer."""
    count = int(0.15 * rate)
    tail = np.random.default_rng(seed).normal(0, 1, count) * np.exp(-np.arange(count) / (0.03 * rate))
    tail[0] = 6
    tail *= 10 ** (-10 / 20) / np.sqrt((tail**2).sum())
    return np.concatenate((np.zeros(int(delay_ms * rate / 1000)), tail))


def echoed(far: np.ndarray, way: np.ndarray) -> np.ndarray:
    size = 1 << (len(far) + len(way)).bit_length()
    return np.fft.irfft(np.fft.rfft(far, size) * np.fft.rfft(way, size), size)[: len(far)]


def pcm(sound: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


def run(near: np.ndarray, far: np.ndarray, rate: int) -> np.ndarray:
    canceller = EchoCanceller(rate)
    step = canceller.block_samples
    starts = range(0, len(near) - step + 1, step)
    return np.concatenate([canceller.process(near[at : at + step], far[at : at + step]) for at in starts])


def less_db(before: np.ndarray, after: np.ndarray) -> float:
    """How much less there is of it."""
    one, other = ((sound.astype(float) ** 2).sum() + 1 for sound in (before, after))
    return float(10 * np.log10(one / other))


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
def test_of_an_echo_nothing_is_left_to_hear(rate):
    far = speech(6, rate)
    echo = pcm(echoed(far.astype(float), room(rate, 80)))
    out = run(echo, far, rate)
    last = slice(4 * rate, None)
    assert less_db(echo[: len(out)][last], out[last]) > 25


def test_who_speaks_here_while_they_speak_is_kept():
    far, here = speech(9, seed=5).astype(float), speech(9, seed=8).astype(float)[::-1]
    here[: 5 * RATE] = 0
    echo = echoed(far, room(RATE, 80))
    out = run(pcm(here + echo), pcm(far), RATE)
    last = slice(5 * RATE, len(out))
    distance_db = less_db(here[last], here[last] - out[last])
    assert distance_db > 12, "what is sent is not what was said"
    assert distance_db > less_db(here[last], echo[last]) + 4


def test_without_a_far_end_nothing_is_changed():
    here = speech(2)
    assert (run(here, np.zeros_like(here), RATE) == here).all()


def test_a_loudspeaker_that_is_not_heard_costs_the_microphone_little():
    here, far = speech(8), speech(8)[::-1]
    out = run(here, far, RATE)
    last = slice(5 * RATE, len(out))
    assert less_db(here[last], here[last].astype(int) - out[last]) > 8, "voices that resemble each other as these do"


@pytest.mark.parametrize("blocks", [3, -3])
def test_a_jump_that_is_known_is_not_learnt_again(blocks):
    far = speech(8)
    early, late = (pcm(echoed(far.astype(float), room(RATE, delay))) for delay in (60, 60 + 10 * blocks))
    canceller, out = EchoCanceller(RATE), []
    for at in range(0, len(far) - 79, 80):
        if at == 6 * RATE:
            canceller.move(blocks)
        echo = late if at >= 6 * RATE else early
        out.append(canceller.process(echo[at : at + 80], far[at : at + 80]))
    last = slice(6 * RATE + 2400, 7 * RATE)
    assert less_db(late[last], np.concatenate(out)[last]) > 20
    for far_off in (1000, -1000):
        canceller.move(far_off)
    assert not canceller._way.any()


def test_a_way_that_changes_is_learnt_anew():
    far = speech(14).astype(float)
    echo = np.concatenate((echoed(far, room(RATE, 60, 1))[: 5 * RATE], echoed(far, room(RATE, 120, 2))[5 * RATE :]))
    out = run(pcm(echo), pcm(far), RATE)
    assert less_db(echo[12 * RATE : len(out)], out[12 * RATE :]) > 18


@given(st.lists(st.tuples(st.integers(-32768, 32767), st.integers(-32768, 32767), st.booleans()), max_size=40))
@settings(max_examples=30, deadline=None)
def test_whatever_comes_it_gives_as_much_and_stays_well(steps):
    canceller = EchoCanceller(RATE)
    noise = np.random.default_rng(1).integers(-32768, 32767, canceller.block_samples)
    for near, far, noisy in steps:
        out = canceller.process(
            pcm(np.full(80, near) if not noisy else noise), pcm(np.full(80, far) if noisy else noise)
        )
        assert out.dtype == np.int16 and len(out) == 80
    for state in (canceller._way, canceller._doubt, canceller._gain):
        assert np.isfinite(state).all()
