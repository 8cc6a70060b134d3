"""The views of the screen, in the order of Tab and the digits. A new view is one module and one line here."""

from __future__ import annotations

from collections.abc import Iterator

from widgets import history, keys, ladder, layout, sound, why, wide
from widgets.keys import Key
from widgets.ui import Scene
from widgets.view import View

CALLS = View("calls", "the calls, and how the selected one is going", wide.calls_tables)
WHY = View("why", "what is the matter with the call, and what to do", layout.why_tables, why.KEYS, why.ACTIONS)
LOG = View("log", "what has happened", layout.log_tables, scrolls=True)

VIEWS = (CALLS, WHY, history.VIEW, sound.VIEW, ladder.VIEW, LOG)
NAMES = tuple(view.name for view in VIEWS)


def shown(scene: Scene) -> View:
    """The view that is looked at."""
    return VIEWS[NAMES.index(scene.ui.view)]


def key_table(view: View) -> Iterator[Key]:
    """The keys of this view: its own, then the common ones it has not taken for itself altogether.

    Going back has several steps: what a view has open, then the view.
    """
    taken = {name for key in view.keys for name in key.keys}
    yield from view.keys
    yield from (key for key in keys.KEYS if key.does == "back" or not taken.issuperset(key.keys))


def key_named(view: View, name: str, scene: Scene) -> Key | None:
    """What a key means now: its first meaning that does something now, or else the first of all.

    While the help covers the view, the view's own keys do nothing.
    """
    table = keys.KEYS if scene.ui.help_open else (*view.keys, *keys.KEYS)
    meanings = [key for key in table if name in key.keys]
    return next((key for key in meanings if key.valid(scene)), meanings[0] if meanings else None)
