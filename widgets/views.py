"""The views of the screen, in the order of Tab and the digits. A new view is one module and one line here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

from widgets import history, keys, ladder, layout, log, people, settings, sound, why, wide
from widgets.keys import Bindings, Key
from widgets.ui import Scene
from widgets.view import View

CALLS = View("calls", "the calls, and how the selected one is going", wide.calls_tables)
WHY = View("why", "what is the matter with the call, and what to do", layout.why_tables, why.KEYS, why.ACTIONS)
LOG = View("log", "what has happened", layout.log_tables, log.KEYS, log.ACTIONS, scrolls=True)

VIEWS = (CALLS, WHY, history.VIEW, sound.VIEW, ladder.VIEW, LOG, people.VIEW, settings.VIEW)
NONE_CHOSEN: Mapping[str, tuple[str, ...]] = {}
NAMES = tuple(view.name for view in VIEWS)
LEFT_TO_ALL = ("back", "hide", "move", "page")  # harmless where a view that has their keys has no use for them now


def shown(scene: Scene) -> View:
    """The view that is looked at."""
    return VIEWS[NAMES.index(scene.ui.seen_view)]


def own_keys(view: View, bound: Bindings) -> tuple[Key, ...]:
    """The keys of a view, as the user has chosen them."""
    return tuple(key.bound(bound.get(f"{view.name}.{key.does}")) for key in view.keys) if bound else view.keys


def common_keys(bound: Bindings) -> tuple[Key, ...]:
    """The keys of every view, as the user has chosen them."""
    return tuple(key.bound(bound.get(key.does)) for key in keys.KEYS) if bound else keys.KEYS


def key_table(view: View, bound: Bindings = NONE_CHOSEN) -> Iterator[Key]:
    """The keys of this view: its own, then the common ones it has not taken for itself altogether.

    Going back has several steps: what a view has open, then the view.
    """
    own = own_keys(view, bound)
    taken = {name for key in own for name in key.keys}
    yield from own
    yield from (_left(key, taken) for key in common_keys(bound) if key.does == "back" or not taken.issuperset(key.keys))


def _left(key: Key, taken: set[str]) -> Key:
    """A common key, by the name that the view has left it: ``H`` where ``h`` moves."""
    left = tuple(name for name in key.keys if name not in taken)
    return replace(key, keys=left, shown=keys.shown(left[0])) if key.shown in taken and left else key


def openers(view: View, bound: Bindings) -> tuple[str, ...]:
    """The keys that open a line to type into."""
    return tuple(name for key in key_table(view, bound) if key.does in keys.OPEN_A_LINE for name in key.keys)


def key_named(view: View, name: str, scene: Scene) -> Key | None:
    """What a key means now: its first meaning that does something now, or else the first of all.

    While the help covers the view, the view's own keys do nothing. What a view takes for itself is never common there,
    though it does nothing at the moment: who moves by ``h`` must not hang up where there is nowhere to move.
    """
    bound = scene.ui.bindings
    own = () if scene.ui.help_open else own_keys(view, bound)
    taken = any(name in key.keys for key in own)
    common = (key for key in common_keys(bound) if not taken or key.does in LEFT_TO_ALL)
    meanings = [key for key in (*own, *common) if name in key.keys]
    return next((key for key in meanings if key.valid(scene)), meanings[0] if meanings else None)
