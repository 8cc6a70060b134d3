"""What a user has chosen about the screen, checked against what there is: keys, colours, panes.

The choices come as the file says them, and leave as what the screen works with. What makes no sense is a
``PreferenceError``, which names the section and the key it is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from widgets import keys, layout, theme, views
from widgets.keys import Key
from widgets.theme import Look
from widgets.view import View

COLOURS = {"black": 0, "red": 1, "green": 2, "yellow": 3, "blue": 4, "magenta": 5, "cyan": 6, "white": 7}
ATTRIBUTES = ("bold", "dim", "reverse", "underline")
NAMED_KEYS = (
    "Enter", "Tab", "BackTab", "Escape", "Space", "Backspace", "Delete", "Insert", "Up", "Down", "Left", "Right",
    "Home", "End", "PageUp", "PageDown", *(f"F{number}" for number in range(1, 21)),
)  # fmt: skip
_COMBINED = re.compile(r"Ctrl-[A-Z]|Alt-[!-~]|(Ctrl|Shift|Alt)-(Up|Down|Left|Right|Home|End)")
_TAKEN = ("Ctrl-C", "Ctrl-Z", "Ctrl-\\", "Ctrl-S", "Ctrl-Q")  # the terminal's own, which no program gets or should

# What every view must leave a key for: who cannot end, take or silence a call, or leave, is locked in.
NEVER_LOST = ("hang_up", "answer", "reject", "mute", "help", "back", "quit", "next_view")

_SENT_AS = {"Ctrl-H": "Backspace", "Ctrl-I": "Tab", "Ctrl-J": "Enter", "Ctrl-M": "Enter"}


class PreferenceError(ValueError):
    """One line about one key of one section of the file."""

    def __init__(self, section: str, key: str, text: str) -> None:
        super().__init__(text)
        self.section, self.key = section, key


# ---------------------------------------------------------------------- keys


def bindings(chosen: Mapping[str, tuple[str, ...]]) -> Mapping[str, tuple[str, ...]]:
    """What is done ("mute", "ladder.mark") and the keys that do it now; raises PreferenceError."""
    bound = {does: tuple(_key_name(does, name) for name in names) for does, names in chosen.items()}
    for does in bound:
        _refuse_unknown(does)
    _refuse_conflicts(views.common_keys(bound), "", bound)
    for view in views.VIEWS:
        _refuse_conflicts(views.own_keys(view, bound), f"{view.name}.", bound)
        _refuse_lost(view, bound)
    return bound


def _place(does: str) -> tuple[str, str]:
    """The section and the key where the file says it."""
    view, dot, name = does.rpartition(".")
    return (f"keys.{view}" if dot else "keys"), name


def _key_name(does: str, name: str) -> str:
    """A key as the file writes it, as the screen names it."""
    named = {known.lower(): known for known in NAMED_KEYS}
    if name in _TAKEN:
        raise PreferenceError(*_place(does), f"{name} belongs to the terminal: choose another key")
    if len(name) == 1 and name.isprintable() and name != " ":
        return name
    if name.lower() in named:
        known = named[name.lower()]
        return " " if known == "Space" else known
    if name in _SENT_AS:
        raise PreferenceError(*_place(does), f"a terminal sends {name} as {_SENT_AS[name]}: choose another key")
    if _COMBINED.fullmatch(name):
        return name
    raise PreferenceError(*_place(does), f"'{name}' is no key: write m, F5, Ctrl-X, Alt-x, Space, Enter, PageUp ...")


def _refuse_unknown(does: str) -> None:
    section, name = _place(does)
    view = section.removeprefix("keys").removeprefix(".")
    if view and view not in views.NAMES:
        raise PreferenceError("keys", view, f"there is no view '{view}': there are {', '.join(views.NAMES)}")
    table = keys.KEYS if not view else views.VIEWS[views.NAMES.index(view)].keys
    entries = [key for key in table if key.does == name]
    if entries and all(key.rebinds for key in entries):
        return
    known = sorted({key.does for key in table if key.rebinds})
    what = f"the keys of '{name}' cannot be changed" if entries else f"nothing is called '{name}'"
    raise PreferenceError(section, name, f"{what}: {'those of ' if entries else 'there are '}{_listed(known)}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none in this view"


def _refuse_conflicts(table: Iterable[Key], prefix: str, bound: Mapping[str, object]) -> None:
    """Two meanings of one key, of which the file has made at least one."""
    meanings: dict[str, str] = {}
    for key in table:
        for name in key.keys:
            other = meanings.setdefault(name, key.does)
            mine, theirs = (key.does, other) if prefix + key.does in bound else (other, key.does)
            if mine != theirs and prefix + mine in bound:
                section, does = _place(prefix + mine)
                raise PreferenceError(section, does, f"{does}: {keys.shown(name)} is the key of {theirs}")


def _refuse_lost(view: View, bound: Mapping[str, tuple[str, ...]]) -> None:
    """A view whose keys, as the file has them, leave none for what must always be possible."""
    own = views.own_keys(view, bound)
    for common in views.common_keys(bound):
        takers = {name: key for key in own for name in key.keys if name in common.keys and not _steps_back(view, key)}
        if common.does not in NEVER_LOST or len(takers) < len(common.keys):
            continue
        mine = next((key.does for key in takers.values() if f"{view.name}.{key.does}" in bound), None)
        section, does = _place(common.does if mine is None else f"{view.name}.{mine}")
        name, taker = next((name, key) for name, key in takers.items() if mine in (None, key.does))
        said = f"{keys.shown(name)} is {taker.does} in the view {view.name}, and {common.does} has no other key there"
        raise PreferenceError(section, does, f"{does}: {said}")


def _steps_back(view: View, key: Key) -> bool:
    """It closes what a view has open, and does nothing else: after that the same key goes back."""
    return any(usual.does == key.does and "Escape" in usual.keys for usual in view.keys)


# ---------------------------------------------------------------------- colours


def looks(chosen: Mapping[str, str], usual: Mapping[str, Look] = theme.LOOKS) -> Mapping[str, Look]:
    """All styles, those that were chosen in their new colours, the others as usual; raises PreferenceError."""
    for style in chosen:
        if style not in theme.LOOKS or not style:
            known = ", ".join(filter(None, theme.LOOKS))
            raise PreferenceError("colours", style, f"nothing is drawn in the style '{style}': there are {known}")
    return {**usual, **{style: _look(style, words) for style, words in chosen.items()}}


def _look(style: str, words: str) -> Look:
    """``bright yellow bold``."""
    colour: int | None = None
    attributes: dict[str, bool] = {}
    bright = False
    for word in words.lower().split():
        if word in COLOURS and colour is None:
            colour = COLOURS[word]
        elif word in ATTRIBUTES:
            attributes[word] = True
        elif word == "bright":
            bright = True
        elif word != "default":
            twice = f"two colours in '{words}'" if word in COLOURS else f"'{word}' is no colour"
            allowed = ", ".join((*COLOURS, "bright", "default", *ATTRIBUTES))
            raise PreferenceError("colours", style, f"{style}: {twice}: write some of {allowed}")
    if bright and colour is None:
        raise PreferenceError("colours", style, f"{style}: bright what? Write a colour too")
    return Look(None if colour is None else colour + theme.BRIGHT * bright, **attributes)


# ---------------------------------------------------------------------- panes


def panes(chosen: tuple[str, ...] | None) -> frozenset[str] | None:
    """The panes of the view "calls", besides the list of calls; None: all. Raises PreferenceError."""
    for name in chosen or ():
        if name not in layout.PANES:
            raise PreferenceError(
                "screen", "panes", f"panes: there is no pane '{name}': there are {', '.join(layout.PANES)}"
            )
    return None if chosen is None else frozenset(chosen)
