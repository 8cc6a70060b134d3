# ruff: noqa: E501
"""Every key with its explanation."""

from __future__ import annotations

from tests.widgets import views
from tests.widgets.views import drawn
from widgets import help
from widgets.canvas import Canvas


def test_all_keys_and_figures() -> None:
    assert drawn(help.draw, 60, 28, views.ui()) == [
        "── keys ────────────────────── a dim one does nothing now ──",
        "         d  call an address",
        "         a  take the call that rings",
        "         r  decline the call that rings",
        "         h  end the selected call",
        "         m  send silence instead of the microphone",
        "         o  put the selected call on hold, or take it back",
        "     0-9*#  send digits (DTMF)",
        "        Up  select the call above",
        "      Down  select the call below",
        "         +  louder",
        "         -  quieter",
        "       Tab  the whole log",
        "         ?  this page",
        "         q  hang up and leave",
        "── figures ─────────────────────────────────────────────────",
        "      loss  packets that never came",
        "  far loss  our packets that the far end did not get",
        "    jitter  how unevenly packets come; 30 ms is much",
        "       RTT  round trip: there and back, by RTCP",
        "    buffer  sound held back to even out jitter",
        "      late  came after their moment to be played",
        " concealed  sound made up where a packet was missing",
        " recovered  lost, but brought by a later packet",
        " stretched  played slower or faster to keep the delay",
        "     drift  how much faster than ours their clock runs",
        "   foreign  from somebody else: counted, not played",
        "      dBFS  loudness: 0 is the most, speech is near -25",
    ]


def test_two_columns() -> None:
    assert drawn(help.draw, 116, 16, views.ui()) == [
        "── keys ────────────────────────────────────────────────────────────────────────────── a dim one does nothing now ──",
        "         d  call an address                                       Up  select the call above",
        "         a  take the call that rings                            Down  select the call below",
        "         r  decline the call that rings                            +  louder",
        "         h  end the selected call                                  -  quieter",
        "         m  send silence instead of the microphone               Tab  the whole log",
        "         o  put the selected call on hold, or take it              ?  this page",
        "            back                                                   q  hang up and leave",
        "     0-9*#  send digits (DTMF)",
        "── figures ─────────────────────────────────────────────────────────────────────────────────────────────────────────",
        "      loss  packets that never came                        concealed  sound made up where a packet was missing",
        "  far loss  our packets that the far end did not get       recovered  lost, but brought by a later packet",
        "    jitter  how unevenly packets come; 30 ms is much       stretched  played slower or faster to keep the delay",
        "       RTT  round trip: there and back, by RTCP                drift  how much faster than ours their clock runs",
        "    buffer  sound held back to even out jitter               foreign  from somebody else: counted, not played",
        "      late  came after their moment to be played                dBFS  loudness: 0 is the most, speech is near -25",
    ]


def test_a_small_screen_scrolls_to_the_end_and_not_further() -> None:
    assert drawn(help.draw, 40, 5, views.ui(scroll=3)) == [
        "── keys ─── Up and Down show the rest ──",
        "         h  end the selected call",
        "         m  send silence instead of the",
        "            microphone",
        "         o  put the selected call on",
    ]
    assert drawn(help.draw, 40, 4, views.ui(scroll=99)) == [
        "── keys ─── Up and Down show the rest ──",
        "            counted, not played",
        "      dBFS  loudness: 0 is the most,",
        "            speech is near -25",
    ]


def test_what_does_nothing_now_is_dim() -> None:
    canvas = Canvas(60, 28)
    help.draw(canvas, canvas.rect, views.ui(keys=views.keys("dial")))
    assert [canvas.style_at(9, y) for y in (1, 2)] == ["key", "dim"]


def test_without_keys() -> None:
    assert len(drawn(help.draw, 40, 3, views.ui(keys=()))) == 3
