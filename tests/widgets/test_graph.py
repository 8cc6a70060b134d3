"""The last two minutes as pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, SupportsIndex

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model import History, HistoryPoint
from tests.widgets import views
from tests.widgets.views import drawn
from widgets import graph, ui
from widgets.canvas import Canvas, Rect

SCENE = views.scene(views.call())
LOSS, JITTER, BUFFER = graph.TRACES


def with_history(*points: HistoryPoint, **changes: object) -> ui.Scene:
    return views.scene(views.call(media=views.media(history=points)), **changes)


def point(loss: float | None = 0.0, jitter: float | None = 1.0, buffer: float | None = 40.0) -> HistoryPoint:
    return HistoryPoint(loss, jitter, buffer, -30.0, -20.0)


def test_three_pictures() -> None:
    assert drawn(graph.draw, 80, 5, SCENE) == [
        "── last two minutes ────────────────────────────────────────────────────────────",
        " loss 0.0 %       of 10 %   jitter 2.5 ms   of 50 ms   buffer 40 ms   of 100 ms",
        "                   ⢀⡄                                                    ⢠⢶",
        "                   ⢸⡇                         ⢰⡇           ⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⡼⠘⢦⣀⣀⣀",
        "     ⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣾⣿⣀⣀⣀⣀       ⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣾⣿⣤⣤⣤⣤",
    ]


def test_points_keep_their_seconds_while_time_goes_on() -> None:
    values = [float(second) for second in range(10)]
    assert graph.worst(values, 3, 9) == [2.0, 5.0, 8.0, 9.0]
    assert graph.worst([*values, 10.0], 3, 10) == [2.0, 5.0, 8.0, 10.0]
    assert graph.worst(values[1:], 3, 9) == [2.0, 5.0, 8.0, 9.0]
    assert graph.worst([None, 1.0, None, None], 2, 3) == [1.0, None]
    assert graph.worst([], 3, 1) == []


def test_ascii() -> None:
    scene = with_history(*views.history(40, spike=12), glyphs="ascii")
    assert drawn(graph.draw, 80, 6, scene, glyphs="ascii") == [
        "-- last two minutes ------------------------------------------------------------",
        " loss 0.0 %       of 10 %   jitter 5.5 ms   of 50 ms   buffer 40 ms   of 100 ms",
        "                      _                                                     --",
        "                      |_                         :                          '''",
        "                      ||                         ||                    ----'' '",
        "                 ____|||_                   ::::|||:",
    ]
    assert all(row.isascii() for row in drawn(graph.draw, 80, 6, scene, glyphs="ascii"))


def test_the_buffer_and_what_it_aims_at_are_two_lines_of_one_picture() -> None:
    points = [HistoryPoint(0.0, 4.0, 20.0 + at, -30.0, -20.0, target_ms=90.0 - 2 * at) for at in range(24)]
    for braille, picture in (
        (
            False,
            [
                "              ---_____",
                "                     '''''-----_____",
                "                 _________---------'''",
                "              ''''",
            ],
        ),
        (
            True,
            [
                "                          ⠲⠤⣄⣀",
                "                             ⠈⠉⠓⠒⠦⢤⣀⣀",
                "                            ⣀⣀⣀⣠⠤⠤⠴⠒⠚⠛",
                "                          ⠉⠉⠁",
            ],
        ),
    ):
        canvas = Canvas(38, 5, "unicode" if braille else "ascii")
        graph.draw_trace(canvas, canvas.rect, BUFFER, points, braille=braille)
        assert [row.rstrip() for row in canvas.rows()] == ["buffer 43 ms target 44 ms    of 100 ms", *picture]


def test_the_picture_moves_with_its_seconds_and_not_with_the_clock_of_the_call() -> None:
    """The two tick at different moments; a picture that followed the clock would go to and fro once a second."""

    def pictures(points: int, talk_s: float, first_s: int = 0) -> list[str]:
        figures = tuple(point(loss=float(number % 5)) for number in range(points))
        minutes = tuple(figures[at : at + 60] for at in range(0, points // 60 * 60, 60))
        call = views.call(media=views.media(history=History(minutes, figures[points // 60 * 60 :], first_s)))
        return drawn(graph.draw, 80, 8, views.scene(replace(call, talk_s=talk_s)))

    assert pictures(130, 129.9) == pictures(130, 130.9) == pictures(130, 131.2)
    assert pictures(130, 130.0, 60) == pictures(130, 130.0)
    assert pictures(133, 0.0)[3][:20] != pictures(130, 0.0)[3][:20]


def test_a_narrow_screen_shows_loss_alone() -> None:
    assert drawn(graph.draw, 30, 3, SCENE) == [
        "── last two minutes ──────────",
        " loss 0.0 %           of 10 %",
        "         ⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣰⣦⣀⣀⣀⣀",
    ]


def test_before_the_first_second() -> None:
    assert drawn(graph.draw, 60, 3, with_history()) == [
        "── last two minutes ────────────────────────────────────────",
        " loss -               of 5 %   jitter -           of 20 ms",
        "",
    ]


def test_a_second_of_which_nothing_is_known_stays_empty() -> None:
    points = [point(loss) for loss in (0.0, 0.0, None, None, 5.0, 0.0)]
    canvas = Canvas(4, 2)
    graph.draw_trace(canvas, canvas.rect, LOSS, points, braille=True)
    assert canvas.rows()[1] == " ⣀ ⣇"


def test_heights() -> None:
    assert [graph.height(value, 10.0, 8) for value in (None, math.nan, 0.0, 6.0, 10.0, 99.0)] == [0, 0, 1, 5, 8, 8]


def test_solid_and_outline() -> None:
    assert graph.picture(graph.solid([0, 1, 4, 8]), 2, braille=True) == (" ⢸", "⢀⣿")
    assert graph.picture(graph.outline([2, 2, 7, 7]), 2, braille=True) == (" ⡖", "⠤⠇")
    assert graph.outline([0, 3, 1, 5]) == ((0, 0), (3, 3), (1, 3), (1, 5))


def test_the_scale_follows_what_is_seen() -> None:
    canvas = Canvas(30, 3)
    graph.draw_trace(canvas, canvas.rect, JITTER, [point(jitter=70.0), point(jitter=3.0)], braille=True)
    assert canvas.rows()[0] == "jitter 3.0 ms        of 100 ms"


def test_bad_seconds_are_coloured() -> None:
    canvas = Canvas(20, 2)
    graph.draw_trace(canvas, canvas.rect, LOSS, [point(0.0)] * 2 + [point(1.0)] * 2 + [point(9.0)] * 2, braille=True)
    assert [canvas.style_at(x, 1) for x in (17, 18, 19)] == ["dim", "warn", "bad"]


FIGURE = st.none() | st.floats()


@settings(max_examples=100, deadline=None)
@given(st.lists(st.builds(point, FIGURE, FIGURE, FIGURE), max_size=130), st.integers(0, 90), st.integers(0, 7))
def test_any_history_on_any_paper(points: list[HistoryPoint], width: int, height: int) -> None:
    canvas = Canvas(width, height)
    for glyphs in ("unicode", "ascii"):
        graph.draw(canvas, Rect(0, 0, width, height), with_history(*points, glyphs=glyphs))


class Counted(tuple):
    """A history that knows how many of its seconds were asked for."""

    asked = 0

    def __iter__(self) -> Iterator[HistoryPoint]:
        Counted.asked += len(self)
        return super().__iter__()

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        Counted.asked += len(range(*index.indices(len(self)))) if isinstance(index, slice) else 1
        return super().__getitem__(index)


def test_of_a_long_call_only_what_is_seen_is_looked_at_and_sets_the_scale() -> None:
    Counted.asked = 0
    long = Counted((point(loss=90.0), *[point()] * 14_000))
    rows = drawn(graph.draw, 80, 5, views.scene(views.call(media=views.media(history=long))))
    assert "of 5 %" in rows[1] and Counted.asked < 4 * graph.HISTORY_S
