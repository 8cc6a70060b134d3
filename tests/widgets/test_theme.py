from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model import CallState
from tests.widgets import views
from widgets import dashboard, prompt, theme
from widgets.canvas import Canvas
from widgets.theme import PLAIN, Look, look


def test_names_become_looks() -> None:
    assert look("") == PLAIN
    assert look("ok") == Look(theme.GREEN)
    assert look("never heard of") == PLAIN


def test_joined_names_add_up() -> None:
    assert look("warn+selected") == Look(theme.YELLOW, bold=True, reverse=True)


def test_without_colour_the_attributes_stay() -> None:
    assert look("bad", colour=False) == Look(bold=True)
    assert all(look(name, colour=False).colour is None for name in theme.LOOKS)


def test_what_matters_differs_without_colour_too() -> None:
    monochrome = {name: look(name, colour=False) for name in ("", "warn", "dim", "selected")}
    assert len(set(monochrome.values())) == len(monochrome)


def test_only_the_sixteen_colours_are_used() -> None:
    assert all(each.colour is None or 0 <= each.colour < 16 for each in theme.LOOKS.values())


def test_no_color_counts_only_when_it_says_something() -> None:
    assert theme.wants_colour({})
    assert theme.wants_colour({"NO_COLOR": ""})
    assert not theme.wants_colour({"NO_COLOR": "1"})


@pytest.mark.parametrize("size", [(80, 24), (120, 50), (30, 5)])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"view": "log"},
        {"help_open": True},
        {"notice": "as you wish"},
        {"prompt": prompt.Prompt()},
        {"prompt": prompt.confirm("quit?")},
    ],
)
def test_every_style_the_panes_use_has_a_look(size: tuple[int, int], changes: dict[str, object]) -> None:
    calls = [replace(views.call(number), state=state) for number, state in enumerate(CallState, 1)]
    for snapshot in (views.four_calls(), views.snapshot(*calls), views.snapshot()):
        canvas = Canvas(*size)
        dashboard.draw(canvas, snapshot, views.ui(**changes))
        names = {name for row in canvas.cells() for _, _, style in row for name in style.split("+")}
        assert names <= set(theme.LOOKS)
