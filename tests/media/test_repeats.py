"""How long is waited for repeated frames (RFC 2198): what it is worth, how it begins, how it ends, what bounds it."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media.repeats import FIRST_FRAMES, MOST_OF_HALVES_S, MOST_S, SILENT_S, RepeatEstimate, bounded

FRAME_S = 0.02


def line(estimate: RepeatEstimate, loss: float, seconds: float, generations: int = 2, seed: int = 1) -> list[float]:
    """Packets that each repeat the ones before them, some lost; the wait in ms after each that came."""
    chance = random.Random(seed)
    waits = []
    missing: dict[int, bool] = {}
    for number in range(int(seconds / FRAME_S)):
        missing[number] = True
        if chance.random() < loss:
            continue
        estimate.update(FRAME_S)
        missing[number] = False
        for distance in range(generations, 0, -1):
            earlier = number - distance
            if earlier >= 0:
                estimate.repeated(distance * FRAME_S, FRAME_S, missing[earlier])
                missing[earlier] = False
        waits.append(1000 * estimate.wait_s)
    return waits


def settled(waits: list[float]) -> list[float]:
    return waits[len(waits) // 2 :]


def test_who_begins_to_repeat_has_reason_to() -> None:
    estimate = RepeatEstimate()
    assert not estimate.active
    waits = line(estimate, 0.0, 1.0)
    assert estimate.active
    assert 40 <= waits[FIRST_FRAMES] <= 44 and waits[-1] == waits[FIRST_FRAMES]


def test_where_nothing_is_lost_nothing_is_waited_for_in_the_end() -> None:
    assert set(line(RepeatEstimate(), 0.0, 60.0)[-500:]) == {0.0}


@pytest.mark.parametrize(("loss", "least", "most"), [(0.002, 0, 25), (0.01, 20, 35), (0.05, 35, 43), (0.2, 40, 43)])
def test_the_wait_follows_the_loss(loss: float, least: float, most: float) -> None:
    waits = settled(line(RepeatEstimate(), loss, 120.0))
    assert least <= sum(waits) / len(waits) <= most


def test_a_third_generation_only_where_it_saves_enough() -> None:
    assert max(settled(line(RepeatEstimate(), 0.05, 120.0, generations=3))) < 50
    assert min(settled(line(RepeatEstimate(), 0.3, 120.0, generations=3))) > 58


def test_it_is_steady() -> None:
    """Each change of the delay is heard a little."""
    for loss in (0.02, 0.05, 0.1):
        waits = line(RepeatEstimate(), loss, 120.0)[100:]
        assert sum(a != b for a, b in pairwise(waits)) < 20


def test_within_a_minute_after_the_last_loss_it_is_over() -> None:
    estimate = RepeatEstimate()
    assert line(estimate, 0.1, 30.0)[-1] > 35
    waits = line(estimate, 0.0, 60.0)
    assert waits[-1] == 0.0
    assert waits == sorted(waits, reverse=True)


def test_a_sender_that_repeats_no_longer_is_not_waited_for() -> None:
    estimate = RepeatEstimate()
    line(estimate, 0.1, 30.0)
    for _ in range(int(60 / FRAME_S)):
        estimate.update(FRAME_S)
    assert estimate.wait_s == 0.0 and not estimate.active
    assert line(estimate, 0.0, 1.0)[-1] > 35, "and begins anew some day"


def test_a_pause_in_the_repetition_is_not_its_end() -> None:
    estimate = RepeatEstimate()
    line(estimate, 0.0, 60.0)
    for _ in range(int(SILENT_S / FRAME_S) - 5):
        estimate.update(FRAME_S)
    assert line(estimate, 0.0, 1.0)[-1] == 0.0


def test_what_is_needed_at_once_is_waited_for_at_once() -> None:
    estimate = RepeatEstimate()
    line(estimate, 0.0, 60.0)
    estimate.repeated(0.02, FRAME_S, needed=True)
    assert 0.02 <= estimate.wait_s <= 0.024


class TestBounds:
    def test_what_ends_in_time_is_not_bounded(self) -> None:
        assert bounded(0.022, 0.018, 0.02, 0.02) == 0.022
        assert bounded(0.0, 0.018, 0.02, 0.02) == 0.0

    @pytest.mark.parametrize("phase_ms", range(1, 20))
    def test_the_tick_it_ends_with_is_not_too_late(self, phase_ms: int) -> None:
        wait_s = bounded(0.042, phase_ms / 1000, 0.02, 0.02)
        pulled_s = next(at / 1000 for at in range(phase_ms, 200, 20) if at / 1000 >= wait_s)
        assert pulled_s <= MOST_S
        assert wait_s == 0.042 or pulled_s > MOST_S - 0.02

    @pytest.mark.parametrize("phase_ms", range(1, 20))
    def test_two_packets_of_a_codec_that_counts_on_them_fit_at_any_phase(self, phase_ms: int) -> None:
        wait_s = bounded(0.042, phase_ms / 1000, 0.02, 0.02, MOST_OF_HALVES_S)
        pulled_s = next(at / 1000 for at in range(phase_ms, 200, 20) if at / 1000 >= wait_s)
        assert 0.040 < pulled_s <= MOST_OF_HALVES_S

    def test_long_packets_are_waited_for_once(self) -> None:
        assert bounded(0.062, 0.01, 0.06, 0.06) == 0.062


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.floats(-1, 3), st.floats(0.001, 0.25), st.booleans(), st.booleans()), max_size=300))
def test_anything_at_all(frames: list[tuple[float, float, bool, bool]]) -> None:
    estimate = RepeatEstimate()
    for delay_s, duration_s, own, needed in frames:
        if own:
            estimate.update(duration_s)
        else:
            estimate.repeated(delay_s, duration_s, needed)
        assert 0 <= estimate.wait_s <= 0.502
        assert 0 <= bounded(estimate.wait_s, delay_s, 0.02, duration_s) <= estimate.wait_s
