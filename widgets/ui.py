"""What the screen shows besides the phone itself: the selected call, an open prompt, a notice, the keys valid now.

``Ui`` is a frozen value that ``tui`` owns and replaces at every key; widgets only read it. ``Scene`` is one
moment to draw: the phone, the screen's own state, and the one call the detail panes are about.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from engine.model import CallState, CallView, Snapshot
from widgets.canvas import Canvas, Rect
from widgets.prompt import Prompt

State = TypeVar("State")

LEAST_WIDTH, LEAST_HEIGHT = 40, 10  # below that there are no views: the phone in a line


@dataclass(frozen=True, slots=True)
class KeyHint:
    """One key of the table: its short label for the footer, its explanation for the help."""

    key: str
    label: str
    help: str = ""
    press: str = ""  # the key that a click on it is like
    enabled: bool = True  # does something now: the footer shows it, the help shows it bright
    own: bool = False  # a key of the view itself: it does nothing while the help covers that


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The characters pictures are made of."""

    bar: str
    peak: str
    outgoing: str
    incoming: str
    pointer: str  # before the selected row
    dot: str  # between facts
    more: str  # at the end of what was cut
    left: str  # there is more to the left
    right: str
    braille: bool


GLYPHS = {
    "unicode": Glyphs("▇", "┃", "→", "←", "▶", "·", "…", "‹", "›", True),
    "ascii": Glyphs("|", ":", "->", "<-", ">", "-", "~", "<", ">", False),
}


@dataclass(frozen=True, slots=True)
class Ui:
    """The state of the screen."""

    selected: int | None = None  # id of the call the user chose
    prompt: Prompt | None = None  # a line being typed, or a question being asked
    help_open: bool = False
    notice: str = ""  # one line that takes the place of the keys for a while
    notice_style: str = "notice"
    view: str = "calls"
    small: bool = False  # the screen has no room for a view
    scroll: int = 0  # of the help and an opened message, in rows down; of a view that scrolls, in lines back
    states: Mapping[type, object] = field(default_factory=dict)  # what each view remembers, by the type of it
    glyphs: str = "unicode"
    colour: bool = True
    masked: bool = False  # private data is hidden, for a picture of the screen
    keys: tuple[KeyHint, ...] = ()
    bindings: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # the user's own keys: widgets.preferences
    panes: frozenset[str] | None = None  # of the view "calls"; None: all
    line_ms: float | None = None  # round trip to the terminal, where it answers

    @property
    def look(self) -> Glyphs:
        return GLYPHS[self.glyphs]

    @property
    def seen_view(self) -> str:
        """The view whose keys are meant: a small screen shows none but the calls."""
        return "calls" if self.small else self.view

    def state(self, initial: State) -> State:
        """What a view remembers in a value of this type; ``initial`` as long as it has nothing to remember."""
        kept = self.states.get(type(initial), initial)
        assert isinstance(kept, type(initial))
        return kept

    def with_state(self, state: object) -> Ui:
        return replace(self, states={**self.states, type(state): state})


@dataclass(frozen=True, slots=True)
class Scene:
    """All there is to draw."""

    snapshot: Snapshot
    ui: Ui
    call: CallView | None  # the call of the detail panes

    @property
    def look(self) -> Glyphs:
        return GLYPHS[self.ui.glyphs]


@dataclass(frozen=True, slots=True)
class Pane:
    """A widget and the heights it can make use of, from the least to the roomiest."""

    draw: Callable[[Canvas, Rect, Scene], None]
    sizes: Callable[[Scene, int], tuple[int, ...]]  # of a scene and a width
    moves: bool = False  # worth drawing again though nothing has happened and no figure is due


@dataclass(frozen=True, slots=True)
class Band:
    """Panes side by side. Of too many bands those with the highest ``rank`` are left out."""

    panes: tuple[Pane, ...]
    rank: int
    grows: bool = False  # takes what is left over
    shares: tuple[int, ...] = ()  # of the width, for panes that are not equally wide


Placed = list[tuple[Pane, Rect]]  # which pane is where

Tables = tuple[tuple[int, tuple[Band, ...]], ...]  # by the least width of the screen, the widest first


def too_small(columns: int, rows: int) -> bool:
    """Is there no room for a view?"""
    return columns < LEAST_WIDTH or rows < LEAST_HEIGHT


def scene(snapshot: Snapshot, ui: Ui) -> Scene:
    return Scene(snapshot, ui, shown_call(snapshot, ui.selected))


def find(snapshot: Snapshot, call: int | None) -> CallView | None:
    """The call with this id, if it is still listed."""
    return next((view for view in snapshot.calls if view.id == call), None)


def living(snapshot: Snapshot) -> tuple[CallView, ...]:
    return tuple(view for view in snapshot.calls if view.state is not CallState.ENDED)


def shown_call(snapshot: Snapshot, selected: int | None) -> CallView | None:
    """The call that is looked at: the selected one; else the newest in conversation; else the newest alive."""
    chosen = find(snapshot, selected)
    if chosen is not None:
        return chosen
    alive = living(snapshot)
    talking = [view for view in alive if view.state is CallState.TALKING]
    held = [view for view in alive if view.state is CallState.HELD]
    return (talking or held or alive or (None,))[-1]


def ringing_call(snapshot: Snapshot, selected: int | None) -> CallView | None:
    """The call that answer and reject mean: the selected one if it rings here, else the one that has rung longest."""
    chosen = find(snapshot, selected)
    if chosen is not None and chosen.state is CallState.RINGING:
        return chosen
    return next((view for view in snapshot.calls if view.state is CallState.RINGING), None)
