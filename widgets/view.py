"""What a view of the screen is made of: bands of panes, keys of its own, and what those keys do.

A view is one module with one ``View`` in it, and one line in ``widgets.views``. What it must remember (a cursor, a
filter, what is marked) is a frozen value of a type of its own, kept in ``Ui.states`` and found there by that type.
Its keys come before those that every view has: a view that moves sideways takes ``h``, and leaves ``H`` for hanging up.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from engine import model
from widgets.keys import Key
from widgets.prompt import Prompt
from widgets.ui import Scene, Tables, Ui


class Desk(Protocol):
    """What a key of a view may do."""

    ui: Ui

    def scene(self) -> Scene:
        """The phone and the screen as they are now."""
        ...

    def keep(self, state: object) -> None:
        """Remember a view's own state, in the place of the one of its type."""
        ...

    def notice(self, text: str, style: str = "notice") -> None:
        """One line, for a while."""
        ...

    def execute(self, command: model.Command) -> int | None:
        """A command to the phone; what it cannot do is a notice."""
        ...

    def attempt(self, command: model.Command) -> bool:
        """The same for a command that has nothing to return: was it done?"""
        ...

    def type_line(self, line: Prompt, submitted: Callable[[str], object]) -> None:
        """Let the user type a line; ``submitted`` gets it, and is not called where he gives up."""
        ...

    def dial(self, begun: str = "") -> None:
        """Open the line that asks whom to call, with this in it."""
        ...

    def ask(self, question: str, act: Callable[[], object]) -> None:
        """Ask before something that cannot be taken back; ``act`` is what a yes does."""
        ...

    def show_view(self, name: str) -> None:
        """Go to another view."""
        ...


Action = Callable[[Desk, str], object]  # the name of the key that was pressed is the second argument


@dataclass(frozen=True, slots=True)
class View:
    """One view. ``actions`` are what its ``keys`` do, by the name in ``Key.does``."""

    name: str
    help: str  # what it shows, in one line
    tables: Callable[[Scene], Tables]
    keys: tuple[Key, ...] = ()
    actions: Mapping[str, Action] = field(default_factory=dict)
    leave: Callable[[Desk], object] = bool  # when another view takes its place
    at_row: Callable[[int], object] | None = None  # its state with the cursor in this row, for a click on it
    scrolls: bool = False  # Up and Down go through what is longer than the screen, by ``Ui.scroll`` lines back
