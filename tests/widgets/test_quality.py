"""The pane that shows both ends side by side."""

from __future__ import annotations

from dataclasses import replace

from engine.model import CallState, HistoryPoint, QualityView, RemoteReport
from tests.widgets import views
from tests.widgets.views import drawn
from widgets import quality


def rows(width: int, height: int, **changes: object) -> list[str]:
    state = changes.pop("state", CallState.TALKING)
    return drawn(quality.draw, width, height, views.scene(views.call(state=state, media=views.media(**changes))))


def test_both_ends_with_the_largest_cause_of_each() -> None:
    assert rows(108, 4) == [
        "── quality ──────────────────────────────────────────────────────────────── now; MOS: 1 bad, 4.4 the best ──",
        "             MOS    loss   jitter  round trip  run of lost   buffer   largest cause",
        " we hear     4.4   0.0 %   4.1 ms       43 ms          1.5    43 ms   mostly loss 0.1 %",
        " they hear   4.0   0.4 %    12 ms       43 ms            -        -   mostly loss 0.4 %",
    ]
    assert rows(60, 3) == [
        "── quality ──────────────── now; MOS: 1 bad, 4.4 the best ──",
        " we hear     4.4   0.0 %   4.1 ms   mostly loss 0.1 %",
        " they hear   4.0   0.4 %    12 ms   mostly loss 0.4 %",
    ]


def test_nothing_is_said_that_nobody_knows() -> None:
    assert rows(60, 3, here=None, there=None, bursts=None) == [
        "── quality ──────────────── now; MOS: 1 bad, 4.4 the best ──",
        " we hear       -   0.0 %   4.1 ms   nothing known yet",
        " they hear     -   0.4 %    12 ms   nothing known yet",
    ]


def test_of_a_call_that_is_over_the_whole() -> None:
    assert rows(60, 3, state=CallState.ENDED) == [
        "── quality ───────────────────── MOS: 1 bad, 4.4 the best ──",
        " we hear     4.3   0.1 %   4.1 ms   the whole call",
        " they hear   4.0   0.4 %    12 ms   the whole call",
    ]


def test_a_wideband_score_is_told_apart() -> None:
    shown = rows(110, 3, here=QualityView(3.5, 90.0, True, "delay 310 ms"))
    assert "4.5 the best" in shown[0] and "mostly delay 310 ms, wideband" in shown[1]


def test_loss_is_of_the_seconds_that_are_rated_and_in_the_end_of_all() -> None:
    """A minute that was bad says nothing of now; and what they reported last says nothing of the call."""
    point = HistoryPoint(0.0, 4.0, 43.0, -31.0, -18.0, received=45, lost=5)
    seconds = (*[replace(point, received=1, lost=49)] * 60, *[point] * 10)
    rx = replace(views.media().rx, lost=2990, loss_percent=85.4)
    rtcp = replace(views.media().rtcp, remote=RemoteReport(120, 2.0, 12.0, 3.0, 31.5))
    assert [row[16:24] for row in rows(60, 3, history=seconds, rx=rx, rtcp=rtcp)[1:]] == ["    10 %", "   2.0 %"]
    shown = rows(60, 3, history=seconds, rx=rx, rtcp=rtcp, state=CallState.ENDED)
    assert [row[16:24] for row in shown[1:]] == ["    85 %", "    32 %"]


def test_what_is_not_of_now_is_not_shown_as_if_it_were() -> None:
    silent = replace(views.media().history[-1], received=0)
    rtcp = replace(views.media().rtcp, remote=RemoteReport(120, 2.0, 12.0, 13.0, 31.5, of_now=False))
    here, there = rows(60, 3, history=[silent] * 10, here=None, there=None, rtcp=rtcp)[1:]
    assert here.endswith("nothing comes") and here[16:24] == "       -"
    assert there.endswith("they do not say") and there[16:24] == "       -"
