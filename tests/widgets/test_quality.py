"""The pane that shows both ends side by side."""

from __future__ import annotations

from engine.model import CallState, QualityView
from tests.widgets import views
from tests.widgets.views import drawn
from widgets import quality


def rows(width: int, height: int, **changes: object) -> list[str]:
    state = changes.pop("state", CallState.TALKING)
    return drawn(quality.draw, width, height, views.scene(views.call(state=state, media=views.media(**changes))))


def test_both_ends_with_the_largest_cause_of_each() -> None:
    assert rows(108, 4) == [
        "── quality ───────────────────────────────────────────────────────────────────── MOS: 1 bad, 4.4 the best ──",
        "             MOS    loss   jitter  round trip  run of lost   buffer   largest cause",
        " we hear     4.4   0.1 %   4.1 ms       43 ms          1.5    43 ms   mostly loss 0.1 %",
        " they hear   4.0   0.4 %    12 ms       43 ms            -        -   mostly loss 0.4 %",
    ]
    assert rows(60, 3) == [
        "── quality ───────────────────── MOS: 1 bad, 4.4 the best ──",
        " we hear     4.4   0.1 %   4.1 ms   mostly loss 0.1 %",
        " they hear   4.0   0.4 %    12 ms   mostly loss 0.4 %",
    ]


def test_nothing_is_said_that_nobody_knows() -> None:
    assert rows(60, 3, here=None, there=None, bursts=None) == [
        "── quality ───────────────────── MOS: 1 bad, 4.4 the best ──",
        " we hear       -   0.1 %   4.1 ms   nothing known yet",
        " they hear     -   0.4 %    12 ms   nothing known yet",
    ]


def test_of_a_call_that_is_over_the_whole() -> None:
    assert rows(60, 3, state=CallState.ENDED) == [
        "── quality ───────────────────── MOS: 1 bad, 4.4 the best ──",
        " we hear     4.3   0.1 %   4.1 ms   the whole call",
        " they hear   4.0   0.4 %    12 ms   the whole call",
    ]


def test_a_wideband_score_is_told_apart() -> None:
    assert "4.5 the best" in rows(110, 3, here=QualityView(3.5, 90.0, True, "delay 310 ms"))[0]
    assert "mostly delay 310 ms, wideband" in rows(110, 3, here=QualityView(3.5, 90.0, True, "delay 310 ms"))[1]
