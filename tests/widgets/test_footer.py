"""The last row."""

from __future__ import annotations

from tests.widgets import views
from tests.widgets.views import drawn
from widgets import footer, prompt
from widgets.canvas import Canvas


def row(width: int, **changes: object) -> str:
    return drawn(footer.draw, width, 1, views.ui(**changes))[0]


def test_where_it_gets_narrow_the_needed_keys_stay() -> None:
    assert row(100) == " d dial  a answer  r reject  h hang up  m mute  o hold  0-9*# digits  Tab log  ? help  q quit"
    assert row(60) == " d dial  a answer  r reject  h hang up  ? help  q quit"
    assert row(40) == " a answer  r reject  h hang up  q quit"
    assert row(20) == " a answer  h hang up"
    assert row(8) == "a answer"
    assert row(3) == ""


def test_only_the_keys_that_do_something_now() -> None:
    assert row(60, keys=views.keys("dial", "help", "quit")) == " d dial  ? help  q quit"


def test_a_notice_takes_the_place_of_the_keys() -> None:
    assert row(40, notice="cannot dial \x1b[7m that") == " cannot dial ^[[7m that"
    canvas = Canvas(40, 1)
    footer.draw(canvas, canvas.rect, views.ui(notice="no"))
    assert canvas.style_at(30, 0) == "notice"


def test_a_prompt_takes_the_place_of_both() -> None:
    line = prompt.dial(begun="bob")
    assert row(40, prompt=line, notice="no such address") == " dial: bob"
    assert drawn(footer.draw, 40, 2, views.ui(prompt=line, notice="no such address")) == [
        " no such address",
        " dial: bob",
    ]
