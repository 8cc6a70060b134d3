"""The list of calls."""

from __future__ import annotations

from engine.model import CallState
from tests.widgets import views
from tests.widgets.views import drawn
from widgets import calls, ui
from widgets.canvas import Canvas

FOUR = ui.scene(views.four_calls(), views.ui())


def test_wide() -> None:
    assert [row[40:] for row in drawn(calls.draw, 140, 5, FOUR)] == [
        "      STATE            TIME       MOS    LOSS   JITTER      RTT         CODEC  FAR LOSS  LEVEL",
        "      talking         03:12   4.4 4.0   0.1 %   4.1 ms    43 ms    PCMU 8 kHz     0.4 %  ▇▇▇▇┃",
        "      ringing         00:04   a answer  r reject",
        "      held by us      12:01   4.4 4.0   0.1 %   4.1 ms    43 ms    PCMA 8 kHz     0.4 %  ▇▇▇▇┃",
        "      ended           00:00   busy (486)",
    ]


def test_figures_go_before_the_peer_does() -> None:
    assert drawn(calls.draw, 80, 5, FOUR) == [
        "  #    CALL                    STATE            TIME       MOS    LOSS   JITTER",
        "▶ 1 →  Bob <bob@203.0.113.5>   talking         03:12   4.4 4.0   0.1 %   4.1 ms",
        "  2 ←  Carol                   ringing         00:04   a answer  r reject",
        "  3 →  sip:dave@example.net    held by us      12:01   4.4 4.0   0.1 %   4.1 ms",
        "  4 →  Eve <eve@example.org>   ended           00:00   busy (486)",
    ]
    assert drawn(calls.draw, 50, 5, FOUR) == [
        "  #   CALL                       STATE       TIME",
        "▶ 1 → Bob <sip:bob@203.0.113.5>  talking    03:12",
        "  2 ← Carol <carol@198.51.100.7> ringing    00:04",
        "  3 → sip:dave@example.net       held by us 12:01",
        "  4 → Eve <sip:eve@example.org>  ended      00:00",
    ]


def test_the_call_that_rings_and_the_shown_one_are_always_seen() -> None:
    many = [views.call(number) for number in range(1, 9)]
    scene = ui.scene(views.snapshot(*many, views.ringing(9)), views.ui(selected=6))
    assert drawn(calls.draw, 60, 2, scene) == [
        "▶ 6 →  Bob <sip:bob@203.0.113.5>     talking         03:12",
        "  9 ←  Carol <carol@198.51.100.7>    ringing         00:04",
    ]
    assert drawn(calls.draw, 60, 1, scene) == [
        "  9 ←  Carol <carol@198.51.100.7>    ringing         00:04",
    ]
    assert drawn(calls.draw, 60, 4, scene) == [
        "  #    CALL  6 more                  STATE            TIME",
        "  1 →  Bob <sip:bob@203.0.113.5>     talking         03:12",
        "▶ 6 →  Bob <sip:bob@203.0.113.5>     talking         03:12",
        "  9 ←  Carol <carol@198.51.100.7>    ringing         00:04",
    ]


def test_keys_stand_beside_the_call_they_would_answer() -> None:
    two = views.snapshot(views.ringing(1), views.ringing(2))
    rows = drawn(calls.draw, 80, 3, ui.scene(two, views.ui()))
    assert ["a answer" in row for row in rows] == [False, True, False]
    rows = drawn(calls.draw, 80, 3, ui.scene(two, views.ui(selected=2)))
    assert ["a answer" in row for row in rows] == [False, False, True]


def test_keys_that_do_nothing_are_not_offered() -> None:
    scene = ui.scene(views.snapshot(views.ringing(1)), views.ui(keys=views.keys("dial")))
    assert "answer" not in drawn(calls.draw, 80, 2, scene)[1]


def test_colours() -> None:
    canvas = Canvas(100, 5)
    calls.draw(canvas, canvas.rect, FOUR)
    place = canvas.rows()[1].index("talking")
    assert [canvas.style_at(place, y) for y in (1, 2, 3, 4)] == ["talking+selected", "ringing", "held", "dim"]
    assert [canvas.style_at(10, y) for y in (1, 2, 3, 4)] == ["selected", "ringing", "", "dim"]


def test_every_state_has_a_style() -> None:
    for state in CallState:
        drawn(calls.draw, 100, 2, views.scene(views.call(state=state)))


def test_no_call() -> None:
    assert drawn(calls.draw, 40, 2, views.scene()) == ["", ""]


def test_a_call_in_a_conference_says_so() -> None:
    scene = ui.scene(views.snapshot(views.call(conference=True), views.call(2)), views.ui())
    rows = drawn(calls.draw, 60, 3, scene)
    assert "conference" in rows[1] and "talking" in rows[2]


def test_calls_that_do_not_fit_are_counted() -> None:
    many = ui.scene(views.snapshot(*(views.call(number) for number in range(1, 8))), views.ui(selected=7))
    rows = drawn(calls.draw, 80, 5, many)
    assert rows[0].startswith("  #    CALL  3 more ") and [row[2] for row in rows[1:]] == ["1", "2", "3", "7"]
    assert drawn(calls.draw, 80, 8, many)[0].startswith("  #    CALL         ")
