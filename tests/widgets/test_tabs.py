"""The row that names the views."""

from __future__ import annotations

from widgets import tabs
from widgets.canvas import Canvas

NAMES = ("calls", "history", "ladder", "log")


def canvas(width: int, shown: str, keypad: bool = False) -> Canvas:
    canvas = Canvas(width, 1)
    tabs.draw(canvas, canvas.rect, NAMES, shown, keypad)
    return canvas


def test_every_view_with_the_digit_that_leads_to_it() -> None:
    row = canvas(60, "ladder")
    assert row.rows()[0].rstrip() == " 1 calls  2 history  3 ladder  4 log"
    assert row.style_at(23, 0) == "selected" and row.style_at(4, 0) == "dim"


def test_where_it_gets_narrow_only_the_view_that_is_looked_at_has_its_name() -> None:
    assert canvas(30, "ladder").rows()[0].rstrip() == " 1  2  3 ladder  4"
    assert canvas(3, "ladder").rows()[0].rstrip() == " 1"


def test_while_the_digits_are_the_keypad_of_a_call_alt_stands_before_them() -> None:
    assert canvas(60, "calls", keypad=True).rows()[0].rstrip() == " Alt 1 calls  2 history  3 ladder  4 log"
    assert canvas(40, "calls", keypad=True).rows()[0].rstrip() == " Alt 1 calls  2  3  4"
    assert canvas(3, "calls", keypad=True).rows()[0].rstrip() == " Al"
