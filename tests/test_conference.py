"""Mixed minus itself: who hears whom, at which rate, and how late."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.conference import Conference

NOBODY = 0


def frame(value: int, samples: int = 160) -> np.ndarray:
    return np.full(samples, value, np.int16)


def room(*calls: int) -> Conference:
    made = Conference()
    for call in calls:
        made.join(call)
    return made


def tick(conference: Conference, said: dict[int, int], own: int = NOBODY, rates: dict[int, int] | None = None) -> dict:
    """One tick of every call; gives the middle of what each is sent."""
    sent = {}
    for call, value in said.items():
        rate_hz = (rates or {}).get(call, 8000)
        sent[call] = int(conference.mix(call, frame(own, rate_hz // 50), rate_hz)[rate_hz // 100])
        conference.bring(call, frame(value, rate_hz // 50), rate_hz)
    return sent


def test_everybody_hears_us_and_all_others_and_never_itself():
    conference = room(1, 2, 3)
    for _ in range(3):
        sent = tick(conference, {1: 100, 2: 1000, 3: 10000}, own=1)
    assert sent == {1: 11001, 2: 10101, 3: 1101}


def test_everybody_hears_the_others_at_his_own_rate():
    conference = room(1, 2, 3)
    rates = {1: 8000, 2: 16000, 3: 44100}
    for _ in range(10):
        sent = tick(conference, {1: 100, 2: 1000, 3: 10000}, rates=rates)
    assert sent == {1: pytest.approx(11000, abs=20), 2: pytest.approx(10100, abs=20), 3: pytest.approx(1100, abs=20)}


def test_what_calls_of_one_rate_say_to_each_other_is_not_touched_by_a_third_of_another():
    rng = np.random.default_rng(1)
    said = rng.integers(-3000, 3000, 3200).astype(np.int16)
    conference = room(1, 2, 3)
    got = []
    for at in range(0, 3200, 320):
        conference.mix(3, frame(0, 160), 8000)
        conference.bring(3, frame(0, 160), 8000)
        conference.mix(1, frame(0, 320), 16000)
        conference.bring(1, said[at : at + 320], 16000)
        got.append(conference.mix(2, frame(0, 320), 16000))
        conference.bring(2, frame(0, 320), 16000)
    heard = np.concatenate(got)
    assert (heard[320:] == said[320:]).all()  # the first frame was said before the other was there


def test_one_who_left_is_silent_at_once_and_hears_nothing():
    conference = room(1, 2, 3)
    for _ in range(3):
        tick(conference, {1: 100, 2: 1000, 3: 10000})
    conference.leave(3)
    assert 3 not in conference and conference.calls == (1, 2)
    assert tick(conference, {1: 100, 2: 1000}) == {1: 1000, 2: 100}


def test_a_codec_that_changes_in_mid_call_is_heard_on():
    conference = room(1, 2)
    for rate_hz in (8000, 48000, 16000):
        for _ in range(8):
            sent = tick(conference, {1: 100, 2: 1000}, rates={1: rate_hz, 2: 8000})
        assert sent == {1: pytest.approx(1000, abs=3), 2: pytest.approx(100, abs=3)}


def test_three_who_shout_are_not_clipped():
    conference = room(1, 2, 3)
    for _ in range(20):
        sent = tick(conference, {1: 20000, 2: 20000, 3: 20000}, own=20000)
    assert set(sent.values()) == {32767}  # a limit that is a straight line: nothing is cut off


@settings(max_examples=20, deadline=None)
@given(
    frames_ms=st.lists(st.sampled_from([10, 20, 30, 40, 60]), min_size=3, max_size=3),
    phases_ms=st.lists(st.integers(0, 59), min_size=3, max_size=3),
    rates=st.lists(st.sampled_from([8000, 16000, 44100, 48000]), min_size=3, max_size=3),
)
def test_calls_of_any_ptime_phase_and_rate_hear_each_other_without_gaps(frames_ms, phases_ms, rates):
    """Each far end says one constant from the first tick on: once it is heard, nothing is ever missing."""
    conference = room(0, 1, 2)
    heard: list[list[np.ndarray]] = [[], [], []]
    for ms in range(1000):
        for call in range(3):
            if ms >= phases_ms[call] and (ms - phases_ms[call]) % frames_ms[call] == 0:
                samples = rates[call] * frames_ms[call] // 1000
                heard[call].append(conference.mix(call, frame(0, samples), rates[call]))
                conference.bring(call, frame((1000, 2000, 4000)[call], samples), rates[call])
    for call, expected in enumerate((6000, 5000, 3000)):
        assert np.concatenate(heard[call])[rates[call] // 2 :] == pytest.approx(expected, abs=40)


@given(st.lists(st.tuples(st.sampled_from(["join", "leave", "mix", "bring"]), st.integers(1, 4)), max_size=60))
def test_any_order_of_events_gives_frames_of_the_right_length(events):
    conference = Conference()
    for does, call in events:
        if does in ("join", "leave"):
            getattr(conference, does)(call)
        elif does == "mix" and call in conference:
            assert len(conference.mix(call, frame(5), 8000)) == 160
        elif call in conference:
            conference.bring(call, frame(5), 8000)
