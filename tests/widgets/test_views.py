"""The table of views, and what a key means in each."""

from __future__ import annotations

import pytest

from engine import model
from engine.model import CallState, CallView
from tests.widgets import views as samples
from tests.widgets.test_controls import Phone
from widgets import keys, layout, ui, views
from widgets.controls import Controls
from widgets.keys import Key
from widgets.ui import Ui
from widgets.view import Desk, View


def meaning(name: str, view: str, *calls: object) -> str:
    scene = ui.scene(samples.snapshot(*calls), Ui(view=view))  # type: ignore[arg-type]
    key = views.key_named(views.shown(scene), name, scene)
    return "" if key is None else key.does


@pytest.mark.parametrize("view", views.VIEWS, ids=lambda view: view.name)
def test_every_view_says_what_its_keys_do(view: View) -> None:
    assert view.help and all(key.does in view.actions and key.help for key in view.keys)
    assert {key.does for key in view.keys} == set(view.actions)


@pytest.mark.parametrize("view", views.VIEWS, ids=lambda view: view.name)
def test_a_call_can_be_hung_up_and_the_program_left_from_every_view(view: View) -> None:
    names = {key.does: set(key.keys) for key in views.key_table(view)}
    own = {name for key in view.keys for name in key.keys}
    assert "H" in names["hang_up"] - own and "q" in names["quit"] - own and {"Tab", "Alt-1"}.isdisjoint(own)


STATES = {"ringing": samples.ringing(1), "dialling": samples.call(media=None, state=CallState.PROGRESS)}


@pytest.mark.parametrize("view", views.VIEWS, ids=lambda view: view.name)
@pytest.mark.parametrize("call", (*STATES.values(), samples.call()), ids=(*STATES, "talking"))
def test_what_moves_in_a_view_never_hangs_up_nor_answers_there(view: View, call: CallView) -> None:
    """Though there is nowhere to move: before the call has sound, in a list that is closed."""
    phone = Phone(call)
    for name in {name for key in view.keys for name in key.keys}:
        Controls(phone, Ui(view=view.name)).press(name)
    assert not [command for command in phone.told if isinstance(command, (model.HangUp, model.Answer, model.Reject))]


def test_on_a_screen_too_small_for_views_the_keys_are_those_of_the_calls() -> None:
    """Nobody sees which contact would be removed, or that h moves in a picture."""
    phone = Phone(samples.call())
    controls = Controls(phone, Ui(view="people", small=True))
    for name in ("e", "n", "7", "Tab", "BackTab", "Alt-3", "Escape", "h"):
        controls.press(name)
    assert controls.ui.prompt is None and controls.ui.view == "people" and controls.ui.states == {}
    assert [type(command).__name__ for command in phone.told] == ["SetVoice", "SendDigits", "HangUp"]
    assert controls.ui.notice == ""
    controls.press("Tab")
    assert controls.ui.notice == "views: from 40x10"


def test_digits_are_the_keypad_of_a_call_where_the_calls_are_looked_at() -> None:
    assert meaning("2", "calls", samples.call()) == "digit"
    assert meaning("2", "calls") == meaning("2", "log") == meaning("2", "log", samples.call()) == "go_to_view"
    assert meaning("Alt-2", "calls", samples.call()) == "go_to_view"


def test_a_digit_is_never_sent_from_another_view() -> None:
    phone = Phone(samples.call())
    controls = Controls(phone, Ui(view="log"))
    for name in "*0#9":
        controls.press(name)
    assert phone.told == [] and controls.ui.view == "log" and controls.ui.notice


def test_tab_goes_round_both_ways_and_digits_go_straight() -> None:
    controls = Controls(Phone(), Ui())
    seen = []
    for name in ("Tab", "BackTab", "BackTab", "1", str(len(views.VIEWS)), "Escape"):
        controls.press(name)
        seen.append(controls.ui.view)
    first, last = views.NAMES[0], views.NAMES[-1]
    assert seen == [views.NAMES[1], first, last, first, last, first]


def _open(desk: Desk, name: str) -> None:
    desk.keep(len(name))
    desk.ask("really?", lambda: desk.notice("done"))


SIDEWAYS = View(
    "calls", "goes sideways", layout.calls_tables,
    (Key(("h",), "h", "left", "one to the left", "left", keys.always),), {"left": _open},
)  # fmt: skip


def test_a_view_has_keys_of_its_own_which_come_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "VIEWS", (SIDEWAYS, *views.VIEWS[1:]))
    phone = Phone(samples.call())
    controls = Controls(phone, Ui())
    controls.press("h")
    assert controls.ui.state(0) == 1 and controls.ui.prompt is not None and not phone.told
    controls.press("y")
    assert controls.ui.notice == "done" and controls.ui.prompt is None
    controls.press("H")
    assert [type(command).__name__ for command in phone.told] == ["HangUp"]


def test_a_question_that_is_not_answered_with_yes_does_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "VIEWS", (SIDEWAYS, *views.VIEWS[1:]))
    controls = Controls(Phone(), Ui())
    for name in ("h", "n"):
        controls.press(name)
    assert controls.ui.prompt is None and not controls.ui.notice


def test_while_the_help_is_open_the_keys_of_the_view_do_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "VIEWS", (SIDEWAYS, *views.VIEWS[1:]))
    controls = Controls(Phone(), Ui(help_open=True))
    controls.press("k")
    assert controls.ui.states == {}
