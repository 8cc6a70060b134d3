"""The table of keys: what each does, when it does something, and how the footer and the help name it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from engine.model import CallState, CallView
from widgets.ui import Scene


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of the key table. ``does`` names what the face does; ``valid`` says when it does something.

    ``offered`` says when it is worth naming, where that is less often: a key of a view that can only tell why nothing
    is to be done does that, and nothing else.

    What is done must not depend on which of its ``keys`` was pressed, where a user may choose others (``rebinds``).
    """

    keys: tuple[str, ...]
    shown: str
    label: str
    help: str
    does: str
    valid: Callable[[Scene], bool]
    rebinds: bool = True
    offered: Callable[[Scene], bool] = lambda _scene: True

    def bound(self, names: tuple[str, ...] | None) -> Key:
        """The same by other keys, if there are any."""
        return self if names is None else replace(self, keys=names, shown=" ".join(map(shown, names)))


Bindings = Mapping[str, tuple[str, ...]]  # what is done, and the keys for it that a user has chosen


def shown(name: str) -> str:
    """A key as people call it."""
    return {" ": "Space", "Escape": "Esc", "PageUp": "PgUp", "PageDown": "PgDn"}.get(name, name)


def always(scene: Scene) -> bool:
    return True


def _ringing(scene: Scene) -> bool:
    return any(view.state is CallState.RINGING for view in scene.snapshot.calls)


def _alive(scene: Scene) -> bool:
    return scene.call is not None and scene.call.state is not CallState.ENDED


def calls_up(scene: Scene) -> list[CallView]:
    """The calls in conversation, held or not."""
    return [view for view in scene.snapshot.calls if view.state in (CallState.TALKING, CallState.HELD)]


def _up(scene: Scene) -> bool:
    return bool(calls_up(scene))


def _two_up(scene: Scene) -> bool:
    return len(calls_up(scene)) > 1


def all_joined(scene: Scene) -> bool:
    """Are all that are up in the conference? Then its key parts them."""
    return all(view.conference for view in calls_up(scene))


def dials_digits(scene: Scene) -> bool:
    """In a call, and looking at the calls: there the digits are the keypad. Elsewhere they lead to the views."""
    return scene.ui.seen_view == "calls" and _up(scene)


def _views(scene: Scene) -> bool:
    return not scene.ui.small


def _several(scene: Scene) -> bool:
    return len(scene.snapshot.calls) > 1


def _card(scene: Scene) -> bool:
    return scene.snapshot.sound.kind == "device"


def _mute_label(scene: Scene) -> str:
    return "unmute" if scene.snapshot.sound.muted else ""


def _hold_label(scene: Scene) -> str:
    return "resume" if scene.call is not None and scene.call.held_here else ""


def _back_label(scene: Scene) -> str:
    return "close" if scene.ui.help_open else "calls" if scene.ui.seen_view != "calls" else ""


def _conference_label(scene: Scene) -> str:
    return "part" if all_joined(scene) else ""


_LABELS: Mapping[str, Callable[[Scene], str]] = {
    "mute": _mute_label,
    "hold": _hold_label,
    "conference": _conference_label,
    "back": _back_label,
}


def label(key: Key, scene: Scene) -> str:
    """The short word for what a common key does now."""
    now = _LABELS.get(key.does)
    return (now(scene) if now is not None else "") or key.label


OPEN_A_LINE = ("dial", "filter", "new")  # what is typed after their keys is a text, and may come all at once
MANY = ("digit", "go_to_view", "move", "page")  # entries of the table that stand for many keys: no button
SCROLLING = ("move", "page")  # what does something in every view that is longer than the screen
BACKWARD, FORWARD = ("Up", "k"), ("Down", "j")
DIGIT_KEYS = tuple("0123456789*#")
VIEW_KEYS = tuple("123456789") + tuple(f"Alt-{digit}" for digit in "123456789")
KEYS = (
    Key(("d",), "d", "dial", "call somebody: opens a line to type an address", "dial", always),
    Key(("a", "Enter"), "a", "answer", "take the call that rings", "answer", _ringing),
    Key(("r",), "r", "reject", "decline the call that rings", "reject", _ringing),
    Key(("h", "H"), "h", "hang up", "end the selected call; H does so in every view", "hang_up", _alive),
    Key(("m",), "m", "mute", "send silence, or the microphone again", "mute", always),
    Key(("e",), "e", "", "take echo out, half duplex, or neither", "voice", _card),
    Key(("o",), "o", "hold", "hold the selected call, or take it back", "hold", _up),
    Key(("c",), "c", "join", "join all calls, or talk to this one alone", "conference", _two_up),
    Key(DIGIT_KEYS, "0-9*#", "digits", "send a digit to the selected call", "digit", dials_digits, False),
    Key(VIEW_KEYS, "1-9", "", "that view; in a call Alt-1 to Alt-9", "go_to_view", always, False),
    Key(("Tab", "BackTab"), "Tab", "view", "the next view; Shift-Tab: back", "next_view", always, False, _views),
    Key((*BACKWARD, *FORWARD), "Up Down", "select", "the call above, the call below; scroll", "move", _several, False),
    Key(("PageUp", "PageDown"), "PgUp PgDn", "", "ten rows at once", "page", _several, False),
    Key(("+", "=", "-"), "+ -", "volume", "louder or softer by 2 dB", "volume", always, False),
    Key(("x", "X"), "x", "", "hide private data for a picture; X anywhere", "hide", always),
    Key(("Ctrl-L",), "Ctrl-L", "", "draw the screen anew", "redraw", always),
    Key(("?", "F1"), "?", "help", "every key of this view", "help", always),
    Key(("Escape",), "Esc", "", "close what is open, go back", "back", always),
    Key(("q",), "q", "quit", "hang up everything and end", "quit", always),
)
