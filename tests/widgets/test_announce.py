"""The window's title, the bell and the notification."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from engine.model import CallState
from tests.widgets import views
from widgets import announce
from widgets.announce import BELL, MOST_RINGS, RESTORE_TITLE, RING_EVERY_S, SAVE_TITLE, Announcer

QUIET = views.snapshot()
TALKING = views.snapshot(views.call())
RINGING = views.snapshot(views.call(), views.ringing())


def announcer(term: str = "xterm-256color", **wishes: bool) -> Announcer:
    return Announcer(term, **{"title": True, "bell": False, "notify": False, **wishes})  # type: ignore[arg-type]


def test_the_title_says_who_and_changes_with_the_state_only() -> None:
    told = announcer()
    assert told.follow(QUIET, None, 0.0) == SAVE_TITLE + announce.title("ringtop")
    assert told.follow(TALKING, None, 1.0) == announce.title("Bob, talking - ringtop")
    assert told.follow(views.snapshot(views.call(talk_s=500.0)), None, 2.0) == b""
    assert told.follow(RINGING, None, 3.0) == announce.title("Carol is calling - ringtop")
    assert told.farewell == RESTORE_TITLE


def test_with_several_calls_the_shown_one_is_named() -> None:
    assert announce.title_words(views.snapshot(views.call(1), views.held(2)), 1) == "Bob, talking and 1 more - ringtop"
    assert announce.title_words(views.snapshot(views.ended(1)), 1) == "ringtop"


def test_a_terminal_without_a_title_is_told_none() -> None:
    for told in (announcer("linux"), announcer("vt100"), announcer("dumb"), announcer(title=False)):
        assert told.follow(TALKING, None, 0.0) == told.farewell == b""


def test_a_call_rings_at_once_and_again_until_it_is_answered() -> None:
    told = announcer(title=False, bell=True)
    assert told.follow(RINGING, None, 0.0) == BELL
    assert told.follow(RINGING, None, RING_EVERY_S - 0.1) == b""
    assert told.follow(RINGING, None, RING_EVERY_S) == BELL
    assert told.follow(TALKING, None, RING_EVERY_S + 0.1) == b""
    assert told.follow(RINGING, None, RING_EVERY_S + 0.2) == BELL, "another call"


def test_a_call_that_nobody_takes_does_not_ring_for_ever() -> None:
    told = announcer(title=False, bell=True)
    rung = [second for second in range(300) if told.follow(RINGING, None, float(second))]
    assert rung == [place * int(RING_EVERY_S) for place in range(MOST_RINGS)]


def test_a_notification_comes_once_for_a_call() -> None:
    told = announcer(title=False, notify=True)
    words = told.follow(RINGING, None, 0.0)
    assert words == b"\x1b]9;ringtop: Carol is calling\x1b\\\x1b]777;notify;ringtop;Carol is calling\x1b\\"
    assert told.follow(RINGING, None, 60.0) == b""


def test_tmux_hands_it_on() -> None:
    assert announce.notification("hi", in_tmux=True).startswith(b"\x1bPtmux;\x1b\x1b]9;ringtop: hi\x1b\x1b\\\x1b\\")


def test_nobody_is_told_anything_unasked() -> None:
    assert announcer(title=False).follow(RINGING, None, 0.0) == b""


@given(st.text(max_size=300))
def test_no_name_can_say_anything_else_to_the_terminal(name: str) -> None:
    call = replace(views.ringing(), peer_name=name, state=CallState.RINGING)
    told = announcer(bell=False, notify=True).follow(views.snapshot(call), None, 0.0)
    body = told.removeprefix(SAVE_TITLE)
    assert body.count(b"\x1b") == 6 and b"\a" not in body and b"\x9c" not in body.decode().encode("latin-1", "ignore")
