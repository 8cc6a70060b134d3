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


# ------------------------------------------------------------------ on a light background

XTERM = (
    (0, 0, 0), (205, 0, 0), (0, 205, 0), (205, 205, 0), (0, 0, 238), (205, 0, 205), (0, 205, 205), (229, 229, 229),
    (127, 127, 127), (255, 0, 0), (0, 255, 0), (255, 255, 0), (92, 92, 255), (255, 0, 255), (0, 255, 255),
    (255, 255, 255),
)  # fmt: skip
READABLE = 3.0  # WCAG 2.1 asks so much of large text and of graphics


def contrast_with_white(colour: int) -> float:
    """WCAG 2.1: relative luminance, and what it makes beside that of white."""
    parts = [part / 255 for part in XTERM[colour]]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 1.05 / (0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05)


def test_on_white_every_text_can_be_read_also_where_bold_is_bright() -> None:
    for name, each in theme.LIGHT.items():
        if each.colour is not None and name != "meter_low":  # a bar: its length says it
            colours = (each.colour, each.colour + theme.BRIGHT) if each.bold else (each.colour,)
            assert min(map(contrast_with_white, colours)) >= READABLE, name


def test_on_white_styles_differ_as_they_do_on_black() -> None:
    apart = ("", "ok", "warn", "bad", "dim", "selected", "talking", "ringing", "held", "label", "title")
    for looks in (theme.LOOKS, theme.LIGHT):
        assert len({looks[name] for name in apart}) >= len(apart) - 1  # what is well may look like any other figure
    assert set(theme.LIGHT) == set(theme.LOOKS)


@pytest.mark.parametrize(
    ("asked", "said", "light"),
    [
        (None, "", False), (None, "15;0", False), (None, "0;15", True), (None, "0;default;7", True),
        ("light", "15;0", True), ("dark", "0;15", False), (None, "nonsense", False),
    ],
)  # fmt: skip
def test_the_background_is_what_the_user_says_or_else_the_terminal(asked: str | None, said: str, light: bool) -> None:
    assert (theme.looks_on(asked, {"COLORFGBG": said}) is theme.LIGHT) is light
    assert theme.looks_on(None, {}) is theme.LOOKS
