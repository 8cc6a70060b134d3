"""The user's own keys, colours and panes: what they do, and one line for what makes no sense."""

from __future__ import annotations

import pytest

from engine import model
from tests.widgets import views as made
from tests.widgets.test_controls import Phone
from widgets import keys, layout, preferences, theme, views
from widgets.canvas import Canvas
from widgets.controls import Controls
from widgets.dashboard import draw
from widgets.keycodes import control_name
from widgets.ladder import Reading
from widgets.preferences import PreferenceError
from widgets.theme import Look
from widgets.ui import Ui


def keys_of(does: str, **chosen: str | tuple[str, ...]) -> tuple[str, ...]:
    bound = preferences.bindings({name.replace("__", "."): as_tuple(value) for name, value in chosen.items()})
    view = views.VIEWS[views.NAMES.index(does.rpartition(".")[0] or "calls")]
    return next(key.keys for key in views.key_table(view, bound) if does in (key.does, f"{view.name}.{key.does}"))


def as_tuple(value: str | tuple[str, ...]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else value


def test_another_key() -> None:
    assert keys_of("mute", mute="M") == ("M",)
    assert keys_of("mute", mute=("M", "f5", "Ctrl-T", "space")) == ("M", "F5", "Ctrl-T", " ")
    assert keys_of("dial", mute="M") == ("d",)
    assert keys_of("ladder.mark", ladder__mark="t") == ("t",)


def test_two_that_change_places() -> None:
    assert keys_of("mute", mute="o", hold="m") == ("o",)
    assert keys_of("hold", mute="o", hold="m") == ("m",)


def test_the_footer_and_the_help_name_the_new_key() -> None:
    bound = preferences.bindings({"mute": ("Space", "F5")})
    shown = [key.shown for key in views.common_keys(bound) if key.does == "mute"]
    assert shown == ["Space F5"]


def test_the_new_key_acts_and_the_old_one_does_not() -> None:
    phone = Phone()
    controls = Controls(phone, Ui(bindings=preferences.bindings({"mute": ("M",)})))
    controls.press("m")
    assert phone.told == []
    controls.press("M")
    assert phone.told == [model.Mute()]


def test_a_key_of_a_view_acts() -> None:
    controls = Controls(Phone(), Ui(view="ladder", bindings=preferences.bindings({"ladder.fold": ("F",)})))
    controls.press("f")
    assert not controls.ui.state(Reading()).folded
    controls.press("F")
    assert controls.ui.state(Reading()).folded


def test_pasted_text_is_told_which_key_opens_a_line() -> None:
    controls = Controls(Phone(), Ui(bindings=preferences.bindings({"dial": ("D",)})))
    controls.press("Paste:sip:bob@192.0.2.7")
    assert "D opens a line" in controls.ui.notice


def test_what_opens_a_line_follows_its_key() -> None:
    bound = preferences.bindings({"dial": ("D",), "ladder.filter": ("t",)})
    ladder = views.VIEWS[views.NAMES.index("ladder")]
    assert views.openers(ladder, bound) == ("t", "D")
    assert views.openers(views.CALLS, {}) == ("d",)


WRONG_KEYS = {
    ("mute", "h"): ("keys", "mute", "mute: h is the key of hang_up"),
    ("mute", "5"): ("keys", "mute", "mute: 5 is the key of digit"),
    ("mute", "Tab"): ("keys", "mute", "Tab is the key of next_view"),
    ("mute", "hello"): ("keys", "mute", "'hello' is no key"),
    ("mute", "\x1b"): ("keys", "mute", "is no key"),
    ("mute", "Ctrl-C"): ("keys", "mute", "belongs to the terminal"),
    ("quit", "Ctrl-M"): ("keys", "quit", "a terminal sends Ctrl-M as Enter"),
    ("quit", "Ctrl-H"): ("keys", "quit", "a terminal sends Ctrl-H as Backspace"),
    ("mutte", "m"): ("keys", "mutte", "nothing is called 'mutte': there are answer"),
    ("move", "x"): ("keys", "move", "the keys of 'move' cannot be changed"),
    ("ladder.mark", "v"): ("keys.ladder", "mark", "mark: v is the key of widen"),
    ("ladder.move", "x"): ("keys.ladder", "move", "cannot be changed"),
    ("leader.mark", "v"): ("keys", "leader", "there is no view 'leader'"),
    ("calls.mark", "v"): ("keys.calls", "mark", "nothing is called 'mark': there are none in this view"),
}


@pytest.mark.parametrize(("chosen", "said"), WRONG_KEYS.items())
def test_keys_that_make_no_sense(chosen: tuple[str, str], said: tuple[str, str, str]) -> None:
    with pytest.raises(PreferenceError) as caught:
        preferences.bindings({chosen[0]: (chosen[1],)})
    assert (caught.value.section, caught.value.key) == said[:2]
    assert said[2] in str(caught.value) and "\n" not in str(caught.value)


LOST_KEYS = {
    ("ladder.mark", "H"): (
        "keys.ladder",
        "mark",
        "mark: H is mark in the view ladder, and hang_up has no other key there",
    ),
    ("sound.x", "q"): ("keys.sound", "x", "nothing is called 'x'"),
    ("log.filter", "q"): ("keys.log", "filter", "filter: q is filter in the view log, and quit has no other key there"),
    ("log.filter", "m"): ("keys.log", "filter", "and mute has no other key there"),
    ("people.new", "r"): ("keys.people", "new", "and reject has no other key there"),
    ("ladder.fold", "Escape"): ("keys.ladder", "fold", "fold: Esc is the key of close"),
    ("settings.listen", "Escape"): ("keys.settings", "listen", "and back has no other key there"),
    ("hang_up", "h"): ("keys", "hang_up", "hang_up: h is left in the view history, and hang_up has no other key there"),
    ("answer", "Enter"): ("keys", "answer", "Enter is open in the view ladder, and answer has no other key there"),
    ("quit", "x"): ("keys", "quit", "quit: x is the key of hide"),
}


@pytest.mark.parametrize(("chosen", "said"), LOST_KEYS.items())
def test_no_view_takes_the_last_key_of_what_must_always_be_possible(
    chosen: tuple[str, str], said: tuple[str, str, str]
) -> None:
    with pytest.raises(PreferenceError) as caught:
        preferences.bindings({chosen[0]: (chosen[1],)})
    assert (caught.value.section, caught.value.key) == said[:2]
    assert said[2] in str(caught.value)


def test_a_view_may_take_a_key_that_has_a_fellow() -> None:
    assert keys_of("quit", quit=("q", "F10"), log__filter="q") == ("q", "F10")
    assert keys_of("ladder.mark", ladder__mark="Tab") == ("Tab",)
    assert keys_of("ladder.close", ladder__close=("Escape", "Backspace")) == ("Escape", "Backspace")


@pytest.mark.parametrize("letter", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
def test_a_key_that_may_be_chosen_is_what_the_terminal_sends_for_it(letter: str) -> None:
    try:
        keys = preferences.bindings({"quit": (f"Ctrl-{letter}",)})["quit"]
    except PreferenceError:
        return
    assert keys == (control_name(chr(ord(letter) - 0x40)),)


def test_keys_as_they_are_by_default_make_sense() -> None:
    for does in {key.does for key in keys.KEYS if key.rebinds}:
        names = next(key.keys for key in keys.KEYS if key.does == does)
        preferences.bindings({does: names})


@pytest.mark.parametrize("view", views.VIEWS, ids=lambda view: view.name)
def test_where_a_key_of_the_entry_matters_it_cannot_be_changed(view: views.View) -> None:
    """An entry with keys in two directions names them both in ``shown``."""
    for key in view.keys:
        assert key.rebinds == (" " not in key.shown), key


# ------------------------------------------------------------------ colours


def test_colours() -> None:
    looks = preferences.looks({"warn": "bright red underline", "ok": "default", "title": "bold"})
    assert looks["warn"] == Look(9, underline=True)
    assert looks["ok"] == theme.PLAIN and looks["title"] == Look(bold=True)
    assert looks["bad"] == theme.LOOKS["bad"]
    assert theme.look("warn+selected", looks=looks) == Look(9, underline=True, reverse=True)


@pytest.mark.parametrize(
    ("style", "words", "said"),
    [
        ("warm", "red", "nothing is drawn in the style 'warm': there are title, label"),
        ("", "red", "nothing is drawn in the style"),
        ("warn", "purple", "'purple' is no colour: write some of black, red"),
        ("warn", "red blue", "two colours in 'red blue'"),
        ("warn", "bright bold", "bright what?"),
    ],
)
def test_colours_that_make_no_sense(style: str, words: str, said: str) -> None:
    with pytest.raises(PreferenceError) as caught:
        preferences.looks({style: words})
    assert said in str(caught.value) and caught.value.section == "colours"


# ------------------------------------------------------------------ panes


def headings(panes: tuple[str, ...] | None) -> str:
    canvas = Canvas(120, 40)
    draw(canvas, made.snapshot(made.call(media=made.media())), Ui(panes=preferences.panes(panes)))
    return "\n".join(canvas.rows())


def test_only_the_panes_that_are_wanted() -> None:
    everything, some = headings(None), headings(("levels", "log"))
    assert "RTCP" in everything and "dBFS" in everything
    assert "RTCP" not in some and "dBFS" in some


def test_no_pane_but_the_list_of_calls() -> None:
    assert headings(()).strip()


def test_every_pane_can_be_had_alone() -> None:
    for name in layout.PANES:
        assert headings((name,)).strip()


def test_a_pane_that_is_not_there() -> None:
    with pytest.raises(PreferenceError, match="there is no pane 'levells': there are levels, quality"):
        preferences.panes(("levells",))
