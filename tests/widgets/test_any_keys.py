"""Every key of every view, in every state of the phone and at any size: nothing raises, and the screen can be drawn."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import model
from engine.model import CallState, Finding, Snapshot
from engine.model_people import Contact, PastCall, PeopleView
from tests.widgets import views
from widgets import dashboard
from widgets.canvas import Canvas
from widgets.controls import Controls
from widgets.ui import Ui
from widgets.views import NAMES, VIEWS, key_table

FOUND = (
    Finding("loss-here", "bad", "the line loses packets", "3.1 % in the last 10 s", "use a cable", 61),
    Finding("clock-drift", "warn", "their clock is another", "+120 ppm", "nothing to do", 80, 95),
)
TALKING = views.call(1, media=views.media(history=views.history()), findings=FOUND)
KNOWN = PeopleView(
    tuple(Contact(f"Nr {number}", f"sip:nr{number}@example.net") for number in range(30)),
    (PastCall(views.NOW, "in", "sip:bob@203.0.113.5", "Bob", None, "busy"),) * 30,
    ("", "Bob") * 15,
)
STATES = {
    "people": views.snapshot(TALKING, people=KNOWN),
    "idle": views.snapshot(),
    "rings here": views.snapshot(views.ringing(1)),
    "dialling": views.snapshot(views.call(1, CallState.DIALLING, media=None, talk_s=0.0)),
    "talking": views.snapshot(TALKING),
    "four": views.four_calls(),
    "twenty": views.snapshot(*(replace(TALKING, id=number) for number in range(1, 21))),
    "ended": views.snapshot(views.ended(1)),
    "ended after sound": views.snapshot(replace(TALKING, state=CallState.ENDED)),
}
SIZES = ((120, 40), (80, 24), (40, 10), (20, 3), (1, 1), (300, 100), (200, 60))
KEYS = sorted(
    {name for view in VIEWS for key in key_table(view) for name in key.keys}
    | {"y", "n", "x", "Backspace", "Paste:text", "Click:3,3", "Click:60,39", "WheelUp", "WheelDown", "F9"}
)


class Phone:
    """Does nothing, and knows one state."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def execute(self, command: model.Command) -> int | None:
        return None

    def snapshot(self) -> Snapshot:
        return self._snapshot

    def clock(self) -> float:
        return 100.0


def draw(controls: Controls, snapshot: Snapshot, columns: int, rows: int) -> Canvas:
    canvas = Canvas(columns, rows, controls.ui.glyphs)
    controls.ui = replace(controls.ui, keys=controls.hints(snapshot))
    dashboard.draw(canvas, snapshot, controls.ui)
    controls.drawn(canvas)
    assert canvas.focus is None or (0 <= canvas.focus[0] < columns and 0 <= canvas.focus[1] < rows)
    return canvas


@pytest.mark.parametrize("view", NAMES)
@pytest.mark.parametrize("state", STATES)
def test_each_key_once(view: str, state: str) -> None:
    for name in KEYS:
        controls = Controls(Phone(STATES[state]), Ui(view=view))
        draw(controls, STATES[state], 120, 40)
        controls.press(name)
        draw(controls, STATES[state], 120, 40)


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from(NAMES),
    st.sampled_from(list(STATES)),
    st.sampled_from(["unicode", "ascii"]),
    st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(SIZES)), max_size=12),
)
def test_any_keys_at_any_size(view: str, state: str, glyphs: str, pressed: list) -> None:
    controls = Controls(Phone(STATES[state]), Ui(view=view, glyphs=glyphs))
    for name, (columns, rows) in pressed:
        controls.press(name)
        draw(controls, STATES[state], columns, rows)


@pytest.mark.parametrize("view", NAMES)
def test_the_selected_row_is_where_a_screen_reader_reads(view: str) -> None:
    canvas = draw(Controls(Phone(STATES["four"]), Ui(view=view, selected=3)), STATES["four"], 120, 40)
    assert (canvas.focus is not None and "dave" in canvas.rows()[canvas.focus[1]]) or view != "calls"
