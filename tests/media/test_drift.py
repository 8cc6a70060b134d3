"""The difference of two clocks, seen through a network that jitters, congests and changes its way."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media.drift import MAX_POINTS, DriftEstimate

PACKET_S = 0.02


def watch(estimate: DriftEstimate, seconds: float, ppm: float, extra=lambda at: 0.0, begin: float = 0.0) -> None:
    """A sender whose clock is ``ppm`` faster than ours; ``extra`` is the delay of a packet sent at that time."""
    for number in range(round(seconds / PACKET_S)):
        sent = begin + number * PACKET_S / (1 + ppm * 1e-6)
        arrival = sent + 0.04 + extra(sent)
        estimate.update(arrival, arrival - begin - number * PACKET_S - begin * ppm * 1e-6)


def exponential(mean_s: float, seed: int = 3):
    chance = random.Random(seed)
    return lambda at: chance.expovariate(1 / mean_s)


@pytest.mark.parametrize("ppm", [500, -500, 30, 0])
def test_on_a_quiet_line_the_figure_is_there_within_a_quarter_of_a_minute(ppm):
    estimate = DriftEstimate()
    watch(estimate, 15, ppm, exponential(0.0003))
    assert estimate.ppm == pytest.approx(ppm, abs=8)


@pytest.mark.parametrize("ppm", [500, -500, 12])
def test_through_jitter_it_is_right_within_a_few_ppm_after_a_while(ppm):
    estimate = DriftEstimate()
    chance = random.Random(5)
    watch(estimate, 900, ppm, lambda at: max(0.0, chance.gauss(0.06, 0.02)))
    assert estimate.ppm == pytest.approx(ppm, abs=6)


def test_nothing_is_said_before_it_is_known():
    estimate = DriftEstimate()
    assert estimate.ppm is None
    watch(estimate, 6, 100)
    assert estimate.ppm is None
    jittery = DriftEstimate()
    watch(jittery, 12, 100, exponential(0.5))
    assert jittery.ppm is None


def test_a_congested_minute_does_not_move_it():
    estimate = DriftEstimate()
    watch(estimate, 300, 50, lambda at: 0.08 + 0.001 * (at % 7) if 100 < at < 160 else 0.0)
    assert estimate.ppm == pytest.approx(50, abs=3)


@pytest.mark.parametrize("longer_s", [0.05, -0.03])
def test_another_way_through_the_network_does_not_move_it(longer_s):
    estimate = DriftEstimate()
    noise = exponential(0.001)
    watch(estimate, 240, -80, lambda at: noise(at) + (longer_s if at > 90 else 0.0))
    assert estimate.ppm == pytest.approx(-80, abs=5)


def test_timestamps_set_anew_do_not_move_it():
    estimate = DriftEstimate()
    for part in range(6):
        watch(estimate, 20, 200, lambda at, part=part: part * 0.9 % 0.4, begin=20.0 * part)
        estimate.restart()
    assert estimate.ppm == pytest.approx(200, abs=5)


def test_a_clock_that_warms_up_is_followed():
    estimate = DriftEstimate()
    watch(estimate, 600, 100)
    watch(estimate, 9000, 40, begin=600.0)
    assert estimate.ppm == pytest.approx(40, abs=5)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-1, 100), st.floats(-100, 100), st.booleans()), max_size=300))
def test_whatever_comes_memory_is_bounded(steps):
    estimate = DriftEstimate()
    now = 0.0
    for step, transit, anew in steps:
        now += step
        estimate.update(now, transit)
        if anew:
            estimate.restart()
        assert len(estimate._points) <= MAX_POINTS
        assert estimate.ppm is None or abs(estimate.ppm) < 1e12
