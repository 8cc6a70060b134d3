"""What the terminal is told besides the picture: the title of its window, and that somebody calls.

The title says who is talked with (OSC 2). A call that comes rings the terminal's bell, or its desktop's notification
(OSC 9 as iTerm2 has it, OSC 777 as rxvt has it), where the user wants that: at once, and again while it rings.
"""

from __future__ import annotations

from engine.model import CallState, CallView, Snapshot
from widgets import figures, text
from widgets.ui import living, shown_call

RING_EVERY_S = 5.0
MOST_RINGS = 12  # of one call: a minute, then whoever is there knows
TITLE_COLUMNS = 60
# Kinds of terminals that have a title, by the beginning of TERM.
WITH_TITLE = (
    "xterm", "rxvt", "tmux", "screen", "alacritty", "foot", "kitty", "konsole", "gnome", "vte", "wezterm", "st-",
)  # fmt: skip
SAVE_TITLE, RESTORE_TITLE = b"\x1b[22;0t", b"\x1b[23;0t"
BELL = b"\a"


class Announcer:
    """What is to be written to the terminal, frame by frame."""

    def __init__(self, term: str, *, title: bool, bell: bool, notify: bool, in_tmux: bool = False) -> None:
        self._titled = title and term.startswith(WITH_TITLE)
        self._bell = bell
        self._notify = notify
        self._in_tmux = in_tmux
        self._title = ""
        self._rings: int | None = None  # the call that was announced last
        self._again_at = 0.0
        self._rung = 0  # times, for that call

    @property
    def farewell(self) -> bytes:
        """Gives the window its title back."""
        return RESTORE_TITLE if self._title else b""

    def follow(self, snapshot: Snapshot, selected: int | None, now: float) -> bytes:
        """What has changed since the last frame."""
        return self._retitle(title_words(snapshot, selected)) + self._ring(snapshot, now)

    def forget(self) -> None:
        """The terminal was given away and came back."""
        self._title = ""

    def _retitle(self, words: str) -> bytes:
        if not self._titled or words == self._title:
            return b""
        before, self._title = self._title, words
        return (b"" if before else SAVE_TITLE) + title(words)

    def _ring(self, snapshot: Snapshot, now: float) -> bytes:
        ringing = next((call for call in snapshot.calls if call.state is CallState.RINGING), None)
        if ringing is None:
            self._rings = None
            return b""
        if ringing.id == self._rings and now < self._again_at:
            return b""
        new = ringing.id != self._rings
        self._rings, self._again_at = ringing.id, now + RING_EVERY_S
        self._rung = 1 if new else self._rung + 1
        told = notification(f"{_name(ringing)} is calling", self._in_tmux) if self._notify and new else b""
        return told + (BELL if self._bell and self._rung <= MOST_RINGS else b"")


def title_words(snapshot: Snapshot, selected: int | None) -> str:
    """Who rings, or who is talked with; changes with the state only, not with every second."""
    ringing = next((call for call in snapshot.calls if call.state is CallState.RINGING), None)
    if ringing is not None:
        return f"{_name(ringing)} is calling - ringtop"
    call = shown_call(snapshot, selected)
    if call is None or call.state is CallState.ENDED:
        return "ringtop"
    more = len(living(snapshot)) - 1
    return f"{_name(call)}, {figures.state(call)}{f' and {more} more' if more > 0 else ''} - ringtop"


def _name(call: CallView) -> str:
    name = figures.named(text.stripped(call.peer_name), text.stripped(call.contact)) or text.stripped(call.peer_uri)
    return text.clip(name.strip() or "somebody", TITLE_COLUMNS, "...")


def title(words: str) -> bytes:
    """OSC 2; nothing in the words can end it."""
    return b"\x1b]2;" + _safe(words) + b"\x1b\\"


def notification(words: str, in_tmux: bool = False) -> bytes:
    """OSC 9 and OSC 777: terminals take the one they know. tmux hands them on where it is allowed to."""
    told = [b"\x1b]9;ringtop: " + _safe(words) + b"\x1b\\", b"\x1b]777;notify;ringtop;" + _safe(words) + b"\x1b\\"]
    if in_tmux:
        told = [b"\x1bPtmux;" + each.replace(b"\x1b", b"\x1b\x1b") + b"\x1b\\" for each in told]
    return b"".join(told)


def _safe(words: str) -> bytes:
    return text.stripped(words).replace(";", ",").encode("utf-8", "replace")
