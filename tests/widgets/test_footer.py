"""The last row."""

from __future__ import annotations

from dataclasses import replace

from engine.model import CallState
from tests.widgets import views
from tests.widgets.test_controls import Phone
from tests.widgets.views import drawn
from widgets import footer, prompt
from widgets.canvas import Canvas
from widgets.controls import Controls
from widgets.ui import Ui


def row(width: int, **changes: object) -> str:
    return drawn(footer.draw, width, 1, views.ui(**changes))[0]


def test_where_it_gets_narrow_the_needed_keys_stay() -> None:
    assert row(100) == " d dial  a answer  r reject  h hang up  m mute  o hold  0-9*# digits  Tab log  ? help  q quit"
    assert row(60) == " a answer  r reject  h hang up  m mute  ? help  q quit"
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


def hinted(view: str = "calls", help_open: bool = False, muted: bool = False, held: bool = False) -> str:
    """The last row as the keys of a call make it."""
    call = views.call(state=CallState.HELD, held_here=True) if held else views.call()
    phone = views.snapshot(call)
    phone = replace(phone, sound=replace(phone.sound, muted=muted))
    hints = Controls(Phone(call), Ui(view=view, help_open=help_open)).hints(phone)
    return row(120, keys=hints, help_open=help_open, view=view)


def test_a_key_is_called_by_what_it_does_now() -> None:
    assert " m mute  o hold " in hinted()
    assert " m unmute  o hold " in hinted(muted=True)
    assert " m mute  o resume " in hinted(held=True)


def test_under_the_help_no_key_is_named_that_the_view_alone_has() -> None:
    assert "/ filter" in hinted("log") and "Esc calls" in hinted("log")
    helped = hinted("log", help_open=True)
    assert "Up Down scroll" in hinted("people", help_open=True)  # though the view has these keys for itself
    assert "/ filter" not in helped and "Up Down scroll" in helped and "Esc close" in helped


def test_the_calls_have_nowhere_to_go_back_to() -> None:
    assert "Esc" not in hinted()
