"""When the dashboard draws: between packets, and where there is no room between them, seldom all the same."""

from __future__ import annotations

import os
import signal
import sys
from typing import Any, cast

import pytest

import tui
import widgets
from engine.config import Config
from tests.widgets import views
from tests.widgets.test_controls import Phone
from widgets.canvas import Canvas

STEP_S = 0.002  # a turn of the loop


class Glass:
    """A screen that takes every frame (``screen.Screen``)."""

    unicode, size = True, (80, 24)
    resized = gone = unfinished = False
    round_trip_ms = None
    last_words = b""

    def __init__(self) -> None:
        self.frames = 0

    def keys(self, now: float) -> list[str]:
        return []

    def listen(self, now: float) -> None: ...

    def can_paint(self, now: float) -> bool:
        return True

    def paint(self, canvas: Canvas, now: float) -> None:
        self.frames += 1

    def deadline(self) -> None:
        return None

    def use(self, looks: object) -> None: ...

    def announce(self, data: bytes) -> None: ...

    def watch(self, loop: object) -> None: ...

    def type_interrupt(self, typed: bool) -> None: ...

    def repaint(self) -> None: ...


class Busy(Phone):
    """In a call whose next packet always leaves so soon."""

    slack = 0.0

    def slack_s(self) -> float:
        return self.slack


def frames_in_ten_seconds(monkeypatch: pytest.MonkeyPatch, slack_s: float) -> int:
    glass, phone = Glass(), Busy(views.call(1))
    phone.slack = slack_s
    monkeypatch.setattr(widgets.screen, "open_screen", lambda **options: glass)
    engine: Any = phone
    face = tui.DashboardFace(Config(), engine)
    for turn in range(int(10 / STEP_S)):
        face.turn(1000 + turn * STEP_S)
    return glass.frames


def test_between_packets_ten_frames_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    assert 90 <= frames_in_ten_seconds(monkeypatch, 0.015) <= 110


@pytest.mark.parametrize(("takes_s", "least", "most"), [(0.001, 90, 110), (0.011, 5, 20)])
def test_a_slow_machine_needs_more_room_for_a_frame(
    monkeypatch: pytest.MonkeyPatch, takes_s: float, least: int, most: int
) -> None:
    clock = iter(n * takes_s for n in range(1_000_000))  # each look at it, before a frame and after, is so much later
    monkeypatch.setattr(Busy, "clock", lambda self: next(clock))
    assert least <= frames_in_ten_seconds(monkeypatch, 0.008) <= most


def test_where_packets_leave_no_room_there_is_a_frame_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with a dozen calls whose packets leave one after the other: the screen must not stand still for ever."""
    assert 5 <= frames_in_ten_seconds(monkeypatch, 0.002) <= 12


def test_the_first_frame_is_finished_while_the_engine_is_still_being_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of unknown speed gets it in parts, and obeys no key meanwhile: a call has to wait for what is loaded."""
    glass, phone = Glass(), Busy()
    phone.slack = float("inf")
    monkeypatch.setattr(widgets.screen, "open_screen", lambda **options: glass)
    monkeypatch.setattr(glass, "keys", lambda now: ["d"])
    engine: Any = phone
    face = tui.DashboardFace(Config(), engine)
    glass.unfinished = True
    for turn in range(50):
        face.show(1000 + turn * STEP_S)
    assert glass.frames == 4
    glass.unfinished = False
    for turn in range(50, 250):
        face.show(1000 + turn * STEP_S)
    assert glass.frames == 5 and phone.told == []


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize(
    ("continued", "done"), [([False, False], ["given", "stopped"]), ([True, True], []), ([False, True], ["given"])]
)
def test_who_was_continued_before_he_stopped_does_not_stop(
    monkeypatch: pytest.MonkeyPatch, continued: list[bool], done: list[str]
) -> None:
    """Ctrl-Z and fg in a job of more programs: the shell may be quicker than we are."""
    glass, engine, seen = Glass(), cast(Any, Busy()), []
    monkeypatch.setattr(widgets.screen, "open_screen", lambda **options: glass)
    monkeypatch.setattr(glass, "suspend", lambda: seen.append("given"), raising=False)
    monkeypatch.setattr(engine, "signal_is_coming", lambda number: continued.pop(0), raising=False)
    monkeypatch.setattr(os, "kill", lambda process, number: seen.append("stopped"))
    tui.DashboardFace(Config(), engine).job_signal(signal.SIGTSTP)
    assert seen == done
