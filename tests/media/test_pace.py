"""When the delay is changed: in pauses at once, within words only for a reason."""

from __future__ import annotations

import numpy as np
import pytest

from engine.media.pace import AT_LEISURE_EVERY_S, PAUSE_S, STRETCH_EVERY_S, Pace

TICK_S = 0.02
LOUD = (8000 * np.sin(np.arange(160) / 3)).astype(np.int16)
QUIET = (LOUD / 100).astype(np.int16)


def hearing(*frames: np.ndarray) -> Pace:
    pace = Pace(8000)
    for frame in frames:
        pace.hear(frame)
    return pace


def test_a_pause_is_quiet_for_longer_than_a_gap_in_a_word():
    frames = round(PAUSE_S / TICK_S)
    assert not hearing(LOUD, *[QUIET] * (frames - 1)).pause
    assert hearing(LOUD, *[QUIET] * frames).pause
    assert not hearing(LOUD, *[QUIET] * frames, LOUD).pause


def test_what_is_quiet_depends_on_how_loud_it_was():
    assert not hearing(*[QUIET] * 10).pause, "that is all there is to hear"
    assert hearing(*[LOUD // 2000] * 10).pause, "nobody hears that"
    assert not hearing(*[np.zeros(0, np.int16)] * 10).pause


@pytest.mark.parametrize(
    ("excess_ms", "spare", "samples"),
    [
        (0, 0, 0),
        (0, 40, -40),  # waits within its frame for nothing
        (20, 0, 0),  # a whole tick, but it would be at the very edge then
        (25, 0, -160),
        (25, 40, -200),
        (67, 0, -480),
        (-1, 0, 160),
        (-1, 40, 120),
        (-21, 0, 320),
    ],
)
def test_in_a_pause_all_is_done_at_once_and_in_whole_ticks(excess_ms, spare, samples):
    assert Pace(8000).in_pause(excess_ms / 1000, TICK_S, spare, 1.0) == samples


def followed(excess_ms: float, seconds: float, pace: Pace | None = None) -> list[tuple[int, bool]]:
    """What is to be done within speech, frame by frame, as if each change were made."""
    pace, done = pace or Pace(8000), []
    for tick in range(round(seconds / TICK_S)):
        way, hurry = pace.in_speech(excess_ms / 1000, TICK_S, tick * TICK_S)
        if way:
            pace.changed(tick * TICK_S)
            done.append((way, hurry))
    return done


def test_within_speech_what_is_a_little_off_is_left_alone():
    assert followed(0, 20) == followed(20, 20) == []


@pytest.mark.parametrize(("excess_ms", "way"), [(-10, 1), (60, -1)])
def test_what_has_been_off_for_long_is_changed_at_leisure(excess_ms, way):
    done = followed(excess_ms, 10)
    assert done == [(way, False)] * int(10 / (AT_LEISURE_EVERY_S + TICK_S))


@pytest.mark.parametrize(("excess_ms", "way"), [(-60, 1), (110, -1)])
def test_what_is_far_off_is_changed_soon(excess_ms, way):
    done = followed(excess_ms, 3)
    assert set(done) == {(way, False)}
    assert 0.7 * 3 / (STRETCH_EVERY_S + TICK_S) < len(done) <= 3 / STRETCH_EVERY_S


def test_what_is_very_far_off_is_changed_wherever_it_may_be():
    assert followed(200, 1) == [(-1, True)] * 50


def test_a_pause_was_an_opportunity():
    pace = Pace(8000)
    for tick in range(500):
        now = tick * TICK_S
        if tick % 100 == 0:
            pace.in_pause(0.0, TICK_S, 0, now)
        assert pace.in_speech(0.050, TICK_S, now) == (0, False)
