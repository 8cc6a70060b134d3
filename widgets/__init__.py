"""The faces of ringtop: what a user sees of the engine. They import ``engine.model`` and each other, nothing live.

    canvas text          a clipped grid of cells; text from strangers made safe        import nothing
    prompt figures ui    values: the line being typed, numbers as words, the screen's state
    completion           what the line may become: contacts, past calls, what was typed before
    keys controls        the table of keys; what keys and events do to the screen's state
    burst                pasted text known from typed keys
    view views tabs      what a view is; all of them in order; the row that names them
    history sound ladder people settings    views of their own; mask hides private data on the whole screen
    ladder_text          the ladder as a text to keep
    parts                pieces of panes: heading, grid of labels and values
    calls meter quality why counters rtcp graph call log welcome title footer help      draw(canvas, rect, scene)
    needle               levels as a meter shows them
    announce             the window's title, the bell, a notification
    layout wide          which widget sits where: a new pane is one new file and one line there
    dashboard compact    which panes fit; the phone in one line
    theme screen frames  style names into colours; the one file with curses; one frame at a time to the terminal
    preferences          the user's own keys, colours and panes, checked
    plain jsonlines      the faces without a screen
    plain_settings       the settings in words
    plain_people         contacts and past calls in words
    words                what can be typed there
    devices              the sound card's devices by name

``widgets.dashboard`` and the others are imported when first asked for: a face without a screen starts without them.
"""

from __future__ import annotations

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from widgets import (
        announce,
        canvas,
        controls,
        dashboard,
        jsonlines,
        keys,
        needle,
        plain,
        preferences,
        prompt,
        screen,
        text,
        theme,
        ui,
        words,
    )

__all__ = [
    "announce",
    "canvas",
    "controls",
    "dashboard",
    "jsonlines",
    "keys",
    "needle",
    "plain",
    "preferences",
    "prompt",
    "screen",
    "text",
    "theme",
    "ui",
    "words",
]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return import_module(f"widgets.{name}")
    raise AttributeError(f"module 'widgets' has no attribute '{name}'")
