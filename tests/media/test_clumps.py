"""Packets that are held back and then come all at once."""

from __future__ import annotations

import pytest

from engine.media.clumps import Clumps


def clumps_of(*gaps_s: float) -> tuple[int, float]:
    made = Clumps()
    for gap_s in gaps_s:
        made.note(gap_s)
    return made.take()


def test_a_gap_and_then_all_at_once_is_one() -> None:
    assert clumps_of(0.02, 0.1, 0.001, 0.0, 0.001, 0.02) == (1, 0.1)
    assert clumps_of(*[0.1, 0.0, 0.0, 0.0, 0.0] * 3, 0.2, 0.0, 0.0) == (4, 0.2)


@pytest.mark.parametrize(
    "gaps_s",
    [
        (0.02,) * 10,
        (0.1, 0.02, 0.02),  # a pause, and it goes on as usual
        (0.1, 0.001, 0.02),  # two packets
        (0.04, 0.0, 0.0),  # no long wait
        (0.1, 0.001, 0.02, 0.001, 0.001),
    ],
)
def test_what_is_none(gaps_s: tuple[float, ...]) -> None:
    assert clumps_of(*gaps_s) == (0, 0.0)


def test_taking_them_begins_anew() -> None:
    made = Clumps()
    for gap_s in (0.3, 0.0, 0.0):
        made.note(gap_s)
    assert made.take() == (1, 0.3) and made.take() == (0, 0.0)
