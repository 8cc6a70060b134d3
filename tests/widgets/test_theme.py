from __future__ import annotations

from widgets import theme
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
    monochrome = {name: look(name, colour=False) for name in ("", "warn", "dim", "selected", "input")}
    assert len(set(monochrome.values())) == len(monochrome)


def test_only_the_sixteen_colours_are_used() -> None:
    assert all(each.colour is None or 0 <= each.colour < 16 for each in theme.LOOKS.values())


def test_no_color_counts_only_when_it_says_something() -> None:
    assert theme.wants_colour({})
    assert theme.wants_colour({"NO_COLOR": ""})
    assert not theme.wants_colour({"NO_COLOR": "1"})
