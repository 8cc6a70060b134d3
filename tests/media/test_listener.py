"""Our own microphone: what is wrong with it is said once, and once when it is over."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.media.listener import CLEAR_SECONDS, CLIPPING, CONSTANT, DIGITAL_SILENCE, NOISY, Capture, Listener
from tests.media.virtual import speech

RATE, FRAME = 8000, 160


class Bench:
    """A card's microphone and the call that sends it, a second at a time."""

    def __init__(self) -> None:
        self.capture = Capture()
        self.listener = Listener(RATE)
        self.lines: list[str] = []

    def say(self, pcm: np.ndarray, muted: bool = False) -> None:
        for start in range(0, len(pcm) - RATE + 1, RATE):
            second = pcm[start : start + RATE]
            for half in (second[: RATE // 2], second[RATE // 2 :]):
                clipped = int(np.count_nonzero(np.abs(half.astype(int)) >= 32767))
                self.capture.add(int(half.min()), int(half.max()), clipped, 0.5)
            if not muted:
                for at in range(0, RATE, FRAME):
                    self.listener.hear(second[at : at + FRAME])
            line = self.listener.second(self.capture.captured)
            if line is not None:
                self.lines.append(line)


def room(seconds: float, rms: float = 10.0) -> np.ndarray:
    return np.random.default_rng(3).normal(0, rms, int(seconds * RATE)).astype(np.int16)


def test_a_good_microphone_has_a_floor_and_no_finding():
    bench = Bench()
    bench.say(speech(20) + room(20))
    heard = bench.listener.heard()
    assert bench.lines == [] and heard.trouble == "" and heard.clipped == 0
    assert heard.noise_floor_dbfs == pytest.approx(20 * np.log10(10 / 32768), abs=2)


@pytest.mark.parametrize(("value", "trouble"), [(0, DIGITAL_SILENCE), (-1, DIGITAL_SILENCE), (700, CONSTANT)])
def test_a_dead_microphone_is_said_once_and_once_when_it_lives_again(value, trouble):
    bench = Bench()
    bench.say(room(3))
    bench.say(np.full(4 * RATE, value, np.int16))
    assert bench.lines == [], "a pause is not dead yet"
    bench.say(np.full(20 * RATE, value, np.int16))
    assert len(bench.lines) == 1 and bench.listener.trouble == trouble
    bench.say(room(5))
    assert bench.lines[1:] == [f"the microphone is well again (it was: {trouble})"]
    assert bench.listener.trouble == ""


def test_a_card_that_is_gone_has_no_trouble_any_more():
    bench = Bench()
    bench.say(np.zeros(20 * RATE, np.int16))
    assert bench.listener.trouble == DIGITAL_SILENCE
    assert bench.listener.second(None) is None and bench.listener.trouble == ""


def test_muted_or_held_is_no_finding():
    bench = Bench()
    bench.say(room(3))
    bench.say(np.zeros(60 * RATE, np.int16), muted=True)
    assert bench.lines == [] and bench.listener.heard().trouble == ""


def test_clipping_is_counted_and_said_once_while_it_lasts():
    bench = Bench()
    loud = np.clip(speech(12).astype(float) * 12, -32768, 32767).astype(np.int16)
    bench.say(loud)
    assert bench.listener.trouble == CLIPPING
    assert bench.listener.heard().clipped == np.count_nonzero(np.abs(loud.astype(int)) >= 32767)
    assert len(bench.lines) == 1 and "turn its gain down" in bench.lines[0]
    bench.say(speech(CLEAR_SECONDS + 1) + room(CLEAR_SECONDS + 1))
    assert len(bench.lines) == 2 and bench.listener.trouble == ""


def test_one_bang_is_no_clipping_microphone():
    bench = Bench()
    sound = room(6)
    sound[RATE : RATE + 100] = 32767
    bench.say(sound)
    assert bench.lines == [] and bench.listener.heard().clipped == 100


def test_a_noisy_room_is_said_with_its_floor():
    bench = Bench()
    bench.say(room(12, 600))
    assert bench.listener.trouble == NOISY
    assert len(bench.lines) == 1 and "-35 dBFS" in bench.lines[0]


def test_a_file_is_counted_but_never_judged():
    listener = Listener(RATE)
    for _ in range(20):
        for _ in range(50):
            listener.hear(np.full(FRAME, 32767, np.int16))
        assert listener.second(None) is None
    assert listener.heard().clipped == 20 * RATE and listener.heard().trouble == ""


def test_another_card_begins_to_count_anew():
    bench = Bench()
    bench.say(np.full(2 * RATE, 32767, np.int16))
    counted = bench.listener.heard().clipped
    bench.capture = Capture()
    bench.say(room(3))
    assert bench.listener.heard().clipped == counted


@given(st.lists(st.tuples(st.integers(0, 400), st.integers(-32768, 32767), st.booleans()), max_size=60))
def test_whatever_it_hears_it_says_at_most_one_line_a_second(steps):
    capture, listener = Capture(), Listener(RATE)
    for count, value, judged in steps:
        pcm = np.full(count, value, np.int16)
        listener.hear(pcm)
        capture.add(value, value, count if abs(value) >= 32767 else 0, count / RATE)
        line = listener.second(capture.captured) if judged else None
        assert line is None or "\n" not in line
    assert listener.heard().clipped >= 0
    assert len(listener._window) < listener._window_samples + 400
