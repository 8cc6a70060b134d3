from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.io.pcm_queue import Counts, PcmQueue

RATE = 8000
FRAME = 160


def test_sound_comes_out_as_it_went_in():
    queue = PcmQueue(RATE)
    queue.push(np.arange(400, dtype=np.int16))
    assert queue.take(160).tolist() == list(range(160))
    assert queue.take(160).tolist() == list(range(160, 320))


def test_silence_before_anything_has_come_is_no_underrun():
    queue = PcmQueue(RATE)
    assert not queue.take(FRAME).any()
    assert queue.counts == Counts()
    queue.push(np.ones(FRAME, np.int16))
    queue.clear()
    assert not queue.take(FRAME).any()
    assert queue.counts == Counts()


def test_what_is_missing_is_silence_with_a_little_in_reserve():
    queue = PcmQueue(RATE)
    queue.push(np.ones(100, np.int16))
    got = queue.take(FRAME)
    assert len(got) == FRAME
    assert 0 < got.sum() < 100
    assert len(queue) == 100 - got.sum()
    assert queue.counts == Counts(underruns=1)


def test_a_flood_keeps_the_newest():
    queue = PcmQueue(RATE)
    queue.push(np.arange(30_000, dtype=np.int16))
    assert len(queue) <= 0.2 * RATE
    queue.take(len(queue) - 1)
    assert queue.take(1)[0] == 29_999
    assert queue.counts.overruns == 1


def run(seconds: float, drift: float, first: int = 0) -> tuple[PcmQueue, list[int]]:
    """A microphone faster than the call by ``drift``; returns what waited after each frame."""
    queue, waited, captured = PcmQueue(RATE), [], 0.0
    queue.push(np.zeros(first, np.int16))
    for _ in range(int(seconds * 50)):
        before, captured = int(captured), captured + FRAME * (1 + drift)
        queue.push(np.full(int(captured) - before, 1000, np.int16))
        assert len(queue.take(FRAME)) == FRAME
        waited.append(len(queue))
    return queue, waited


def test_a_fast_clock_does_not_pile_up_delay_and_is_no_overrun():
    queue, waited = run(120, drift=0.001)
    assert max(waited) <= 0.03 * RATE
    assert queue.counts.underruns <= 1
    assert queue.counts.overruns == 0


def test_a_slow_clock_runs_dry_seldom():
    queue, waited = run(120, drift=-0.001)
    assert queue.counts.underruns <= 30
    assert max(waited) <= 0.05 * RATE


def test_a_great_delay_is_taken_out_at_once():
    queue, waited = run(3, drift=0.0, first=1200)
    assert waited[10] == 1200
    assert waited[-1] <= 0.03 * RATE
    assert queue.counts.overruns == 1


def test_what_is_taken_out_leaves_no_click():
    queue = PcmQueue(RATE)
    tone = (10_000 * np.sin(2 * np.pi * 200 * np.arange(RATE * 4) / RATE)).astype(np.int16)
    queue.push(tone[:800])
    heard = []
    for at in range(800, len(tone) - FRAME, FRAME):
        queue.push(tone[at : at + FRAME])
        heard.append(queue.take(FRAME))
    sound = np.concatenate(heard).astype(int)
    assert queue.counts.overruns > 0
    assert np.abs(np.diff(sound)).max() < 2 * np.abs(np.diff(tone.astype(int))).max()


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 3000)), max_size=60), st.sampled_from([8000, 48000]))
@settings(max_examples=60, deadline=None)
def test_any_order_of_events_is_bounded_and_exact(events, rate):
    queue = PcmQueue(rate)
    for pushes, count in events:
        if pushes:
            queue.push(np.ones(count, np.int16))
        else:
            got = queue.take(count)
            assert len(got) == count and got.dtype == np.int16
        assert len(queue) <= 0.2 * rate
