from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets import text
from widgets.canvas import Canvas, Rect

writes = st.lists(
    st.tuples(
        st.integers(-6, 12),
        st.integers(-2, 5),
        st.text(st.sampled_from("ab日本é\u0301\x1b\n─👍\ud800"), max_size=12),
        st.sampled_from(["", "ok", "bad"]),
        st.none() | st.integers(-1, 8),
    ),
    max_size=12,
)


def picture(canvas: Canvas) -> str:
    return "\n".join(canvas.rows())


def test_text_lands_where_it_was_put_and_is_clipped() -> None:
    canvas = Canvas(8, 3)
    canvas.put(-2, 0, "abcd")
    canvas.put(5, 1, "abcd")
    canvas.put(0, 2, "abcd", limit=2)
    canvas.put(0, 3, "below")
    canvas.put(0, -1, "above")
    canvas.put(9, 0, "right")
    assert picture(canvas) == ("cd      \n     abc\nab      ")


def test_put_returns_the_column_after_the_text() -> None:
    canvas = Canvas(8, 1)
    assert canvas.put(1, 0, "abc") == 4
    assert canvas.put(1, 0, "日本") == 5
    assert canvas.put(-2, 0, "abc") == 1
    assert canvas.put(0, 0, "abc", limit=2) == 2
    assert canvas.put(0, 7, "abc") == 3


def test_wide_characters_take_two_cells_and_are_never_halved() -> None:
    canvas = Canvas(6, 4)
    canvas.put(0, 0, "日本語x")
    canvas.put(0, 1, "日本")
    canvas.put(1, 1, "z")
    canvas.put(0, 2, "日本")
    canvas.put(2, 2, "z")
    canvas.put(-1, 3, "日本")
    assert canvas.rows() == ["日本語", " z本  ", "日z   ", " 本   "]
    canvas = Canvas(3, 1)
    canvas.put(0, 0, "日本")
    assert canvas.rows() == ["日 "]


def test_control_characters_never_get_in() -> None:
    canvas = Canvas(12, 1)
    canvas.put(0, 0, "a\x1b[2J\n\x9b\u202e\x00z")
    assert canvas.rows() == ["a?[2J????z  "]


def test_marks_stay_on_their_cell() -> None:
    canvas = Canvas(4, 1)
    canvas.put(0, 0, "e" + "\u0301" * 50 + "x")
    assert canvas.rows() == ["e\u0301\u0301x  "]
    assert canvas.put(0, 0, "\u0301") == 0


def test_runs_join_cells_of_one_style() -> None:
    canvas = Canvas(10, 1)
    canvas.put(0, 0, "abc", "ok")
    canvas.put(3, 0, "日", "ok")
    canvas.put(7, 0, "x", "bad")
    assert canvas.runs(0) == [(0, "abc日", "ok"), (5, "  ", ""), (7, "x", "bad"), (8, "  ", "")]
    assert canvas.style_at(4, 0) == "ok"


def test_fill_restyle_rule_and_box() -> None:
    canvas = Canvas(12, 4, glyphs="ascii")
    canvas.fill(Rect(1, 1, 3, 2), ".", "dim")
    canvas.restyle(Rect(-5, 1, 7, 1), "bad")
    canvas.box(Rect(4, 0, 8, 4), "no room")
    canvas.rule(0, 3, 4, "title")
    assert picture(canvas) == "    +------+\n ...|      |\n ...|      |\n----+------+"
    assert [canvas.style_at(x, 1) for x in range(5)] == ["bad", "bad", "dim", "dim", ""]
    wide = Canvas(20, 2)
    wide.box(wide.rect, "media")
    assert wide.rows() == ["┌── media ─────────┐", "└──────────────────┘"]


@pytest.mark.parametrize("size", [(0, 0), (1, 1), (2, 1), (-3, 5)])
def test_the_smallest_canvases_take_everything(size: tuple[int, int]) -> None:
    canvas = Canvas(*size)
    canvas.box(Rect(0, 0, 5, 5), "title")
    canvas.put(0, 0, "日")
    canvas.fill(canvas.rect, "x")
    canvas.restyle(Rect(-1, -1, 9, 9), "ok")
    assert all(len(row) == canvas.width for row in canvas.rows())


@given(writes)
@settings(max_examples=100, deadline=None)
def test_rows_keep_their_width_whatever_is_written(operations: list[tuple[int, int, str, str, int | None]]) -> None:
    canvas = Canvas(9, 3)
    for x, y, string, style, limit in operations:
        canvas.put(x, y, string, style, limit)
    for y, row in enumerate(canvas.rows()):
        assert text.width(row) == 9
        runs = canvas.runs(y)
        assert "".join(run for _, run, _ in runs) == row
        column = 0
        for x, run, _ in runs:
            assert abs(x - column) <= 1  # a wide character may cross from one style into the next
            column = x + text.width(run)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(-3, 40))
@settings(max_examples=100, deadline=None)
def test_splitting_loses_no_cell(width: int, height: int, at: int) -> None:
    rect = Rect(3, 4, width, height)
    for first, second in (rect.split_top(at), rect.split_bottom(at)):
        assert first.height + second.height == height and min(first.height, second.height) >= 0
        assert (first.y, first.bottom, second.bottom) == (4, second.y, rect.bottom)
    for first, second in (rect.split_left(at), rect.split_right(at)):
        assert first.width + second.width == width and min(first.width, second.width) >= 0
        assert (first.x, first.right, second.right) == (3, second.x, rect.right)
    assert len(list(rect.rows())) == height


def test_inset_and_centred_stay_inside() -> None:
    assert Rect(0, 0, 10, 5).inset() == Rect(1, 1, 8, 3)
    assert Rect(0, 0, 1, 1).inset() == Rect(0, 0, 1, 1)
    assert Rect(0, 0, 10, 5).centred(4, 3) == Rect(3, 1, 4, 3)
    assert Rect(0, 0, 3, 2).centred(40, 30) == Rect(0, 0, 3, 2)
    assert Rect(0, 0, 0, 2).empty and not Rect(0, 0, 1, 1).empty
