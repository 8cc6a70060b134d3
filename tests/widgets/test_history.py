"""The view "history": the whole call as pictures, and going back through it."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model import BurstsView, CallView, History, HistoryPoint
from tests.widgets import views
from tests.widgets.test_controls import Phone
from tests.widgets.views import drawn
from widgets import dashboard, history
from widgets.canvas import Canvas
from widgets.controls import Controls
from widgets.history import Place
from widgets.ui import Ui

POINT = HistoryPoint(0.0, 4.0, 40.0, -31.0, -18.0, sent=50, received=50, mos_here=4.4, mos_there=4.1, rtt_ms=43.0)


def seconds(count: int, **bad: object) -> tuple[HistoryPoint, ...]:
    """``bad``: what the second number 10 is like."""
    return tuple(replace(POINT, **bad) if number == 10 else POINT for number in range(count))  # type: ignore[arg-type]


def call_of(points: object) -> CallView:
    return views.call(media=views.media(history=points))


def controls_of(points: object, place: Place | None = None) -> tuple[Controls, Phone]:
    phone = Phone(call_of(points))
    ui = Ui(view="history")
    return Controls(phone, ui if place is None else ui.with_state(place)), phone


def scene(points: object, place: Place = Place(), **changes: object):  # noqa: B008
    made = views.scene(call_of(points), **changes)
    return replace(made, ui=made.ui.with_state(place))


def test_all_figures_where_there_is_room() -> None:
    rows = drawn(history.draw_graphs, 60, 31, scene(seconds(60), glyphs="ascii"))
    assert [row.split("  ")[0] for row in rows if row[1:2].isalpha()] == [
        " MOS here 4.4", " loss 0.0 %", " jitter 4.0 ms", " buffer 40 ms", " MOS there 4.1",
        " their loss -", " round trip 43 ms", " missed 0.0 %", " far level -31 dBFS", " our level -18 dBFS",
    ]  # fmt: skip


def test_all_figures_on_the_usual_screen_with_two_calls() -> None:
    calls = (call_of(seconds(60)), views.call(2, media=views.media()))
    canvas = Canvas(80, 24)
    dashboard.draw(canvas, views.snapshot(*calls), Ui(view="history", selected=1))
    shown = "\n".join(canvas.rows())
    titles = [trace.name for trace in history.TRACES]
    assert [title for title in titles if f" {title} " not in shown] == []


def test_where_there_is_none_those_that_matter_most() -> None:
    assert drawn(history.draw_graphs, 40, 5, scene(seconds(60), glyphs="ascii")) == [
        "── history ────────────────────── now ──",
        " MOS here 4.4                      of 5",
        " ''''''''''''''''''''''''''''''''''''''",
        " loss 0.0 %                      of 5 %",
        " ______________________________________",
    ]


def test_a_second_that_is_looked_at_tells_all_its_figures() -> None:
    points = seconds(60, loss_percent=8.0, mos_here=2.9, jitter_ms=70.0)
    assert drawn(history.draw_graphs, 40, 7, scene(points, Place(second=10), glyphs="ascii")) == [
        "── history ────── at 00:10, 00:49 ago ──",
        " MOS here 2.9                      of 5",
        " ''''''''''''''''''''''''''''''''''''''",
        " loss 8.0 %                     of 10 %",
        " __________|___________________________",
        " jitter 70 ms                 of 100 ms",
        " __________:___________________________",
    ]


def test_the_column_of_that_second_is_marked() -> None:
    canvas = Canvas(60, 8)
    history.draw_graphs(canvas, canvas.rect, scene(seconds(60), Place(second=59 - 20)))
    marked = [x for x in range(60) if canvas.style_at(x, 2) == "selected"]
    assert marked == [59 - 1 - 20 // 2]


@pytest.mark.parametrize("step", range(len(history.STEPS_S)))
@pytest.mark.parametrize("first_s", [0, 120])
@pytest.mark.parametrize("place", [None, 61, 200, 330])
def test_every_point_is_the_worst_of_its_seconds(step: int, first_s: int, place: int | None) -> None:
    """However they are put together: by the minutes that are over, and the one that goes on."""
    chance = random.Random(step)
    jitters = [float(chance.randrange(100)) for _ in range(337)]
    points = tuple(replace(POINT, jitter_ms=jitter) for jitter in jitters)
    call = History(tuple(points[at : at + 60] for at in range(0, 300, 60)), points[300:], first_s)
    seen = history.window(call, Place(None if place is None else first_s + place, step), 30)
    long = history.STEPS_S[step]
    wanted: dict[int, float] = {}
    for number, jitter in enumerate(jitters, first_s):
        wanted[number // long] = max(wanted.get(number // long, 0.0), jitter)
    last = (first_s + seen.end - 1) // long
    shown = history._shown(call, seen.end, 30, long)[2][0]
    assert list(shown) == [wanted[at] for at in range(max(first_s // long, last - 29), last + 1)]
    assert shown == history._shown(points, seen.end, 30, long)[2][0] or first_s
    assert place is None or last - (first_s + place) // long < 30


@pytest.mark.parametrize(("step", "back"), [(1, 22), (2, 300)])
def test_wider_columns_reach_further_back(step: int, back: int) -> None:
    points = seconds(400)
    seen = history.window(points, Place(step=step), 20)
    assert (seen.begin, seen.end) == (400 - 20 * history.STEPS_S[step] if step == 1 else 0, 400)
    assert seen.begin <= 400 - back


@pytest.mark.parametrize("second", [0, 3, 15])
def test_the_paper_is_full_at_the_beginning_of_the_call_too(second: int) -> None:
    seen = history.window(seconds(100), Place(second=second), 38)
    assert (seen.begin, seen.end, seen.chosen) == (0, 38, second)


def test_of_several_seconds_the_worst_is_seen() -> None:
    rows = drawn(history.draw_graphs, 12, 3, scene(seconds(40, mos_here=1.0), Place(step=1), glyphs="ascii"))
    assert rows[-1] == "   ''||''''"  # seconds 10 to 14 are the one where the line falls


# ------------------------------------------------------------------ keys


def test_going_back_stays_at_its_second_while_the_call_goes_on() -> None:
    controls, phone = controls_of(seconds(100))
    for name in ("Left", "h", "Left"):
        controls.press(name)
    assert controls.ui.state(Place()).second == 96
    phone.calls = (call_of(seconds(130)),)
    controls.press("Right")
    assert controls.ui.state(Place()).second == 97 and not phone.told
    controls.press("End")
    assert controls.ui.state(Place()).second is None


def test_the_last_step_on_is_the_present() -> None:
    controls, _ = controls_of(seconds(100))
    for name in ("Left", "Left", "l", "Right"):
        controls.press(name)
    assert controls.ui.state(Place()).second is None


def test_to_the_beginning_and_no_further() -> None:
    controls, _ = controls_of(History((seconds(60), seconds(60)), seconds(5), 180))
    for name in ("Home", "Left", "PageUp"):
        controls.press(name)
    assert controls.ui.state(Place()).second == 180
    controls.press("PageDown")
    assert controls.ui.state(Place()).second == 210


def test_escape_leaves_the_past_before_the_view() -> None:
    controls, _ = controls_of(seconds(100))
    for name, view, second in (("PageUp", "history", 69), ("Escape", "history", None), ("Escape", "calls", None)):
        controls.press(name)
        assert (controls.ui.view, controls.ui.state(Place()).second) == (view, second)


def test_zoom_goes_round() -> None:
    controls, _ = controls_of(seconds(100))
    steps = []
    for _ in range(4):
        controls.press("z")
        steps.append(controls.ui.state(Place()).step)
    assert steps == [1, 2, 3, 0] and history.STEPS_S[3] == 60 and controls.ui.notice == "a column is a second"


def test_what_a_key_has_told_goes_with_its_view() -> None:
    controls, _ = controls_of(seconds(100))
    controls.press("z")
    controls.press("Tab")
    assert controls.ui.view != "history" and controls.ui.notice == ""


def test_on_the_least_screen_three_pictures_are_worth_more_than_anything_else() -> None:
    made = scene(seconds(60), glyphs="ascii")
    canvas = Canvas(40, 10, "ascii")
    dashboard.draw(canvas, made.snapshot, replace(made.ui, view="history"))
    assert [row[:12].rstrip() for row in canvas.rows()[2:9]] == [
        "-- history -", " MOS here 4.", " " + "'" * 11, " loss 0.0 %", " " + "_" * 11, " jitter 4.0", " " + "_" * 11,
    ]  # fmt: skip


def test_without_a_call_the_view_says_so_and_keys_do_no_harm() -> None:
    phone = Phone()
    controls = Controls(phone, Ui(view="history"))
    for key in history.VIEW.keys:
        for name in key.keys:
            controls.press(name)
    empty = views.scene()
    assert drawn(history.draw_nothing, 40, 2, empty)[1] == " No call is selected."


# ------------------------------------------------------------------ runs of lost packets


def test_how_long_the_losses_were() -> None:
    bursts = BurstsView((60, 12, 3, 0, 1, 0), 1.3, 0.4, 0.001, 7.0, 900.0)
    made = views.scene(views.call(media=views.media(bursts=bursts)))
    assert drawn(history.draw_runs, 60, 7, made) == [
        "── packets lost in a row  bursts of 7 packets, 40 % of t… ──",
        "   1 ▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇ 60",
        "   2 ▇▇▇▇▇▇▇▇▇ 12",
        "   3 ▇▇ 3",
        "   4",
        " 5-8 ▇ 1",
        "  9+",
    ]
    assert drawn(history.draw_runs, 60, 2, made)[1] == " 1: 60  2: 12  3: 3  4: 0  5-8: 1  9+: 0"


def test_of_a_call_without_loss() -> None:
    made = views.scene(views.call(media=views.media(bursts=None)))
    assert drawn(history.draw_runs, 60, 2, made)[1] == " none was lost"


@settings(deadline=None)
@given(
    st.integers(0, 200), st.integers(0, 140), st.integers(0, 30),
    st.none() | st.integers(-5, 500), st.integers(0, 2), st.sampled_from(["unicode", "ascii"]),
)  # fmt: skip
def test_any_place_on_any_paper(
    count: int, width: int, height: int, second: int | None, step: int, glyphs: str
) -> None:
    canvas = Canvas(width, height, glyphs)
    made = scene(seconds(count, loss_percent=None, jitter_ms=float("nan")), Place(second, step), glyphs=glyphs)
    for draw in (history.draw_graphs, history.draw_runs):
        draw(canvas, canvas.rect, made)
