"""Runs of losses, and the bursts and gaps of RFC 3611, counted from the losses alone."""

from __future__ import annotations

from itertools import groupby

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.media.bursts import GMIN, OUTAGE_PACKETS, RECENT_S, RUN_STEPS, Bursts, RecentRuns, burst_ratio
from engine.media.source import Source

FATES = st.lists(st.booleans() | st.just(True), max_size=400)  # came?


def counted(came: list[bool]) -> Bursts:
    bursts = Bursts()
    bursts.begin(0)
    for place, here in enumerate(came):
        if not here:
            bursts.lose(place)
    return bursts


def runs_of(came: list[bool]) -> list[int]:
    return [len(list(run)) for here, run in groupby(came) if not here]


def picture(text: str) -> list[bool]:
    return [letter == "." for letter in text]


def test_runs_are_counted_by_their_length() -> None:
    figures = counted(picture("..x..xx..x.." + "x" * 9 + "." + "x" * 5)).figures(40)
    assert figures.runs == (2, 1, 0, 0, 1, 1) and figures.mean_run == pytest.approx(18 / 5)


def test_a_loss_far_from_others_is_no_burst() -> None:
    came = picture("." * 50 + "x" + "." * 50)
    figures = counted(came).figures(100)
    assert figures.burst_packets == figures.burst_density == 0
    assert figures.gap_density == pytest.approx(1 / 101) and figures.gap_packets == 101


def test_a_loss_with_nothing_behind_it_yet_is_no_burst_either() -> None:
    figures = counted(picture("." * 50 + "x....")).figures(54)
    assert figures.burst_packets == figures.burst_density == 0 and figures.gap_packets == 55
    assert counted(picture("." * 50 + "x..x.")).figures(54).burst_packets == pytest.approx(4)


def test_what_came_since_the_numbers_began_anew_counts() -> None:
    bursts = counted(picture("." * 50 + "x" + "." * 49))
    bursts.begin(5000)
    assert bursts.figures(5099).gap_packets == 50 + 1 + 100


def test_losses_that_lie_together_are_a_burst() -> None:
    """From the first loss to the last: 8 packets, 4 of them lost. The RFC counts the first one to the gap as well."""
    came = picture("." * 40 + "x..xx..x" + "." * 40)
    figures = counted(came).figures(len(came) - 1)
    assert figures.burst_packets == pytest.approx(8) and figures.gap_packets == pytest.approx(81)
    assert figures.burst_density == pytest.approx(0.5, abs=0.05) and figures.gap_density == 0


@given(FATES)
def test_every_loss_is_in_one_run_and_looking_changes_nothing(came: list[bool]) -> None:
    bursts = counted(came)
    figures = bursts.figures(len(came) - 1)
    assert figures == bursts.figures(len(came) - 1) and bursts.lost == came.count(False)
    runs = runs_of(came)
    assert sum(figures.runs) == len(runs)
    assert figures.runs[0] == runs.count(1) and figures.runs[-1] == sum(run > RUN_STEPS[-1] for run in runs)
    assert 0 <= figures.gap_density <= 1 and 0 <= figures.burst_density <= 1
    assert figures.burst_packets >= 0 and figures.gap_packets >= 0


@given(FATES, st.integers(0, 65535))
def test_a_source_tells_of_exactly_the_packets_that_never_came(came: list[bool], first: int) -> None:
    came = [True, True, *came, *[True] * 100]  # believed at once, and all settled in the end
    bursts = Bursts()
    source = Source(1, first, 8000, bursts)
    for number, here in enumerate(came):
        if here:
            source.update((first + number) % 65536, 160 * number, 0.02 * number)
    assert bursts.lost == came.count(False)
    assert sum(bursts.figures(source.settled_place).runs) == len(runs_of(came))


def test_what_comes_in_another_order_is_not_lost() -> None:
    bursts = Bursts()
    source = Source(1, 0, 8000, bursts)
    for number in range(0, 400, 4):
        for later in (0, 3, 1, 2) if number else range(4):
            source.update(number + later, 160 * number, 0.02 * number)
    assert bursts.lost == 0


def test_a_leap_costs_no_time_and_a_restart_is_no_loss() -> None:
    bursts = Bursts()
    source = Source(1, 0, 8000, bursts)
    for sequence in (*range(100), *range(2999, 3100), 40000, *range(40001, 40100)):
        source.update(sequence, 160 * sequence, 0.02 * sequence)
    figures = bursts.figures(source.settled_place)
    assert bursts.lost == 2899 and figures.runs[-1] == sum(figures.runs) == 1


def test_losses_at_random_have_a_burst_ratio_of_one() -> None:
    assert burst_ratio(0, 0) == burst_ratio(1.0, 0.05) == 1 and burst_ratio(1 / 0.9, 0.1) == pytest.approx(1)
    assert burst_ratio(3, 0.05) == pytest.approx(2.85)
    assert GMIN == 16


def test_the_runs_of_the_last_half_minute_are_not_those_of_long_ago() -> None:
    bursts, recent = Bursts(), RecentRuns()
    bursts.begin(0)
    recent.second(None)
    assert recent.mean_run == 0.0
    means = []
    for second in range(2 * RECENT_S + 5):
        bursts.lose(50 * second, 8 if second < RECENT_S else 1)
        recent.second(bursts.figures(50 * second + 49))
        means.append(recent.mean_run)
    assert means[RECENT_S - 1] == 8.0 and 1.0 < means[RECENT_S + 10] < 8.0 and means[-1] == 1.0
    for _ in range(RECENT_S):
        recent.second(bursts.figures(10_000))
    assert recent.mean_run == 0.0


def test_a_run_that_goes_on_is_one() -> None:
    bursts, recent = Bursts(), RecentRuns()
    bursts.begin(0)
    for second in range(RECENT_S + 5):
        bursts.lose(50 * second, 50)
        recent.second(bursts.figures(50 * second + 49))
    assert recent.mean_run == 50.0 * RECENT_S


def test_an_outage_is_no_run_of_losses() -> None:
    bursts, recent = Bursts(), RecentRuns()
    bursts.begin(0)
    bursts.lose(10, 3)
    recent.second(bursts.figures(49))
    bursts.lose(50, OUTAGE_PACKETS)
    recent.second(bursts.figures(50 + OUTAGE_PACKETS))
    assert recent.mean_run == 0.0
    bursts.lose(400)
    recent.second(bursts.figures(449))
    assert recent.mean_run == 1.0
