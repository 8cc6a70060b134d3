"""The table of keys: what each does, when it does something, and how the footer and the help name it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine import model
from engine.model import CallState


@dataclass(frozen=True, slots=True)
class Key:
    """One entry of the key table. ``does`` names what the face does; ``valid`` says when it does something."""

    keys: tuple[str, ...]
    shown: str
    label: str
    help: str
    does: str
    valid: Callable[[model.Snapshot, model.CallView | None], bool]


def _always(snapshot: model.Snapshot, call: model.CallView | None) -> bool:
    return True


def _ringing(snapshot: model.Snapshot, call: model.CallView | None) -> bool:
    return any(view.state is CallState.RINGING for view in snapshot.calls)


def _alive(snapshot: model.Snapshot, call: model.CallView | None) -> bool:
    return call is not None and call.state is not CallState.ENDED


def _up(snapshot: model.Snapshot, call: model.CallView | None) -> bool:
    return any(view.state in (CallState.TALKING, CallState.HELD) for view in snapshot.calls)


def _two_up(snapshot: model.Snapshot, call: model.CallView | None) -> bool:
    return sum(view.state in (CallState.TALKING, CallState.HELD) for view in snapshot.calls) > 1


def _several(snapshot: model.Snapshot, call: model.CallView | None) -> bool:
    return len(snapshot.calls) > 1


def _card(snapshot: model.Snapshot, call: model.CallView | None) -> bool:
    return snapshot.sound.kind == "device"


SCROLLING = ("move", "page")  # what does something in every view that is longer than the screen
BACKWARD, FORWARD = ("Up", "k"), ("Down", "j")
DIGIT_KEYS = tuple("0123456789*#")
KEYS = (
    Key(("d",), "d", "dial", "call somebody: opens a line to type an address", "dial", _always),
    Key(("a", "Enter"), "a", "answer", "take the call that rings", "answer", _ringing),
    Key(("r",), "r", "reject", "decline the call that rings", "reject", _ringing),
    Key(("h",), "h", "hang up", "end the selected call", "hang_up", _alive),
    Key(("m",), "m", "mute", "send silence, or the microphone again", "mute", _always),
    Key(("e",), "e", "", "take echo out, half duplex, or neither", "voice", _card),
    Key(("o",), "o", "hold", "hold the selected call, or take it back", "hold", _up),
    Key(("c",), "c", "join", "join all calls, or talk to this one alone", "conference", _two_up),
    Key(DIGIT_KEYS, "0-9*#", "digits", "send a digit to the selected call", "digit", _up),
    Key(("Tab",), "Tab", "view", "next view: dashboard, log", "next_view", _always),
    Key((*BACKWARD, *FORWARD), "Up Down", "select", "the call above, the call below; scroll", "move", _several),
    Key(("PageUp", "PageDown"), "PgUp PgDn", "", "ten rows at once", "page", _several),
    Key(("+", "=", "-"), "+ -", "volume", "louder or softer by 2 dB", "volume", _always),
    Key(("Ctrl-L",), "Ctrl-L", "", "draw the screen anew", "redraw", _always),
    Key(("?", "F1"), "?", "help", "every key of this view", "help", _always),
    Key(("Escape",), "Esc", "", "close what is open, go back", "back", _always),
    Key(("q",), "q", "quit", "hang up everything and end", "quit", _always),
)
BY_NAME = {name: key for key in KEYS for name in key.keys}
