"""Every key with its explanation."""

from __future__ import annotations

from tests.widgets import views
from tests.widgets.views import drawn
from widgets import help
from widgets.canvas import Canvas


def test_all_keys() -> None:
    assert drawn(help.draw, 60, 15, views.ui()) == [
        "── keys ────────────────────── a dim one does nothing now ──",
        "     d  call an address",
        "     a  take the call that rings",
        "     r  decline the call that rings",
        "     h  end the selected call",
        "     m  send silence instead of the microphone",
        "     o  put the selected call on hold, or take it back",
        " 0-9*#  send digits (DTMF)",
        "    Up  select the call above",
        "  Down  select the call below",
        "     +  louder",
        "     -  quieter",
        "   Tab  the whole log",
        "     ?  this page",
        "     q  hang up and leave",
    ]


def test_two_columns() -> None:
    assert drawn(help.draw, 104, 8, views.ui()) == [
        "── keys ────────────────────────────────────────────────────────────────── a dim one does nothing now ──",
        "     d  call an address                                 Up  select the call above",
        "     a  take the call that rings                      Down  select the call below",
        "     r  decline the call that rings                      +  louder",
        "     h  end the selected call                            -  quieter",
        "     m  send silence instead of the microphone         Tab  the whole log",
        "     o  put the selected call on hold, or take it …      ?  this page",
        " 0-9*#  send digits (DTMF)                               q  hang up and leave",
    ]


def test_a_small_screen_scrolls_to_the_last_key_and_not_further() -> None:
    assert drawn(help.draw, 40, 5, views.ui(scroll=3)) == [
        "── keys ─── Up and Down show the rest ──",
        "     h  end the selected call",
        "     m  send silence instead of the mi…",
        "     o  put the selected call on hold,…",
        " 0-9*#  send digits (DTMF)",
    ]
    assert drawn(help.draw, 40, 4, views.ui(scroll=99)) == [
        "── keys ─── Up and Down show the rest ──",
        "   Tab  the whole log",
        "     ?  this page",
        "     q  hang up and leave",
    ]


def test_what_does_nothing_now_is_dim() -> None:
    canvas = Canvas(60, 15)
    help.draw(canvas, canvas.rect, views.ui(keys=views.keys("dial")))
    assert [canvas.style_at(5, y) for y in (1, 2)] == ["key", "dim"]


def test_without_keys() -> None:
    assert len(drawn(help.draw, 40, 3, views.ui(keys=()))) == 3
