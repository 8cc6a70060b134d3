"""The phone on a screen too small for panes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model import CallState
from tests.widgets import views
from tests.widgets.views import drawn
from widgets import compact, prompt, ui
from widgets.canvas import Canvas

TALKING = views.scene(views.call(), keys=views.keys("dial", "hang up", "mute", "help", "quit"))
FOUR = ui.scene(views.four_calls(), views.ui())


def test_one_line() -> None:
    assert drawn(compact.draw, 80, 1, TALKING) == [
        "talking 03:12 Bob lost 0.1 % you -18 far -31 dBFS jitter 4.1 ms",
    ]
    assert drawn(compact.draw, 60, 1, TALKING) == [
        "talking 03:12 Bob lost 0.1 % you -18 far -31 dBFS",
    ]
    assert drawn(compact.draw, 40, 1, TALKING) == [
        "talking 03:12 Bob lost 0.1 %",
    ]
    assert drawn(compact.draw, 20, 1, TALKING) == [
        "talking 03:12 Bob",
    ]
    assert drawn(compact.draw, 7, 1, TALKING) == ["talking"]


def test_three_lines() -> None:
    assert drawn(compact.draw, 20, 3, TALKING) == [
        "talking 03:12 Bob",
        "lost 0.1 %",
        " h hang up  q quit",
    ]
    assert drawn(compact.draw, 39, 3, TALKING) == [
        "talking 03:12 Bob <sip:bob@203.0.113.5>",
        "lost 0.1 %  you -18 far -31 dBFS",
        " h hang up  m mute  ? help  q quit",
    ]


def test_several_calls() -> None:
    assert drawn(compact.draw, 60, 9, FOUR) == [
        " ringing 00:04 Carol <sip:carol@198.51.100.7>",
        "▶talking 03:12 Bob lost 0.1 % jitter 4.1 ms",
        " held by us 12:01 dave@exam… lost 0.1 % you -18 far -31 dBFS",
        " ended 00:00 Eve <sip:eve@example.org> busy (486)",
        "",
        "",
        " you [▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇   ┃         ] -18 dBFS",
        " far [▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇  ┃                   ] -31 dBFS",
        " a answer  r reject  h hang up  m mute  ? help  q quit",
    ]
    assert drawn(compact.draw, 20, 2, FOUR) == [
        " ringing 00:04 Carol",
        " a answer  h hang up",
    ]


def test_one_line_is_about_the_call_that_rings() -> None:
    assert drawn(compact.draw, 40, 1, FOUR) == [
        "ringing 00:04 Carol <carol@198.51.100.7>",
    ]


def test_of_several_calls_the_one_that_the_keys_mean_stands_out() -> None:
    canvas = Canvas(20, 3)
    compact.draw(canvas, canvas.rect, FOUR)
    assert (canvas.style_at(0, 0), canvas.style_at(1, 0)) == ("", "ringing")
    assert (canvas.style_at(0, 1), canvas.style_at(1, 1)) == ("selected", "talking+selected")
    compact.draw(canvas, canvas.rect, TALKING)
    assert canvas.style_at(0, 0) == "talking"


def test_idle() -> None:
    assert drawn(compact.draw, 40, 1, views.scene()) == ["ready sip:anna@192.0.2.10:5060"]
    over = views.snapshot(views.ended())
    assert drawn(compact.draw, 50, 3, ui.scene(over, views.ui(keys=views.keys("dial", "quit")))) == [
        "ready sip:anna@192.0.2.10:5060",
        "ended 00:00 Eve <sip:eve@example.org> busy (486)",
        " d dial  q quit",
    ]


def test_a_line_being_typed_comes_before_all_else() -> None:
    typing = replace(TALKING, ui=views.ui(prompt=prompt.dial(begun="bob")))
    assert drawn(compact.draw, 20, 1, typing) == [" dial: bob"]
    assert drawn(compact.draw, 20, 1, replace(TALKING, ui=views.ui(notice="bad address"))) == [" bad address"]


@pytest.mark.parametrize("state", CallState)
def test_every_state(state: CallState) -> None:
    assert drawn(compact.draw, 40, 2, views.scene(views.call(state=state)))[0]


def test_on_the_smallest_screen_the_name_comes_before_the_time_and_that_we_are_muted_before_calls_that_are_over() -> (
    None
):
    calls = (views.call(1, peer_name="Annabelle Berg"), views.call(2, state=CallState.ENDED, reason="we hung up"))
    muted = replace(views.snapshot(*calls), sound=replace(views.snapshot().sound, muted=True))
    assert drawn(compact.draw, 20, 3, ui.scene(muted, views.ui(keys=views.keys("hang up", "quit")))) == [
        "▶talking Annabelle …",
        "MUTED  03:12",
        " h hang up  q quit",
    ]


def test_that_we_are_muted_is_seen_where_nothing_else_is() -> None:
    calls = (views.call(1), views.call(2, CallState.HELD, held_here=True, peer_name="Dave"))
    muted = ui.scene(
        replace(views.snapshot(*calls), sound=replace(views.snapshot().sound, muted=True)),
        views.ui(keys=views.keys("hang up", "quit")),
    )
    assert drawn(compact.draw, 20, 1, muted) == ["MUTED 03:12 Bob"]
    assert drawn(compact.draw, 20, 3, muted)[0] == "▶MUTED 03:12 Bob"
