"""What a line may be completed to: contacts, then calls that are over, then what was typed before.

A contact is found by any word of his name or address, and becomes both; of a stranger only the address is taken, since
a name that somebody gives himself may lie.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from engine.model_people import PeopleView
from widgets import figures, text
from widgets.canvas import Canvas, Rect

MOST = 50


@dataclass(frozen=True, slots=True)
class Choice:
    """One of them."""

    uri: str
    name: str = ""
    contact: bool = False  # the name is the user's own

    @property
    def text(self) -> str:
        """What the line becomes."""
        words = f"{self.name} <{self.uri}>" if self.contact else self.uri
        return text.stripped(words)

    @property
    def shown(self) -> str:
        """Safe to paint."""
        if self.contact:
            return figures.named("", self.name)
        return figures.party(figures.named(self.name, ""), self.uri)


Sought = tuple[str, Choice]  # in small letters, what is looked through


@lru_cache(maxsize=2)
def choices(people: PeopleView) -> tuple[Sought, ...]:
    """All of these people, each address once."""
    found: dict[str, Sought] = {}
    for choice in _people(people):
        found.setdefault(bare(choice.uri), _sought(choice))
    return tuple(found.values())


def _people(people: PeopleView) -> Iterator[Choice]:
    for contact in people.contacts:
        yield Choice(contact.uri, contact.name, contact=True)
    for call, contact_name in zip(reversed(people.past), reversed(people.names), strict=True):
        if not contact_name:
            yield Choice(call.uri, call.name)


def _sought(choice: Choice) -> Sought:
    return (f"{choice.name} <{choice.uri}>" if choice.name else choice.uri).casefold(), choice


def bare(address: str) -> str:
    """The address alone, however it is written."""
    inside = address.rpartition("<")[2].removesuffix(">") if address.endswith(">") else address
    return inside.strip().removeprefix("sip:")


def fitting(people: Sequence[Sought], typed_before: Sequence[str], begun: str) -> tuple[Choice, ...]:
    """Those that what was begun may become: where a word begins so come before where it stands within one."""
    wanted = begun.strip().casefold()
    if not wanted:
        return tuple(choice for _, choice in people[:MOST])
    fits = _ranked(people, wanted)
    known = {bare(choice.uri) for choice in fits}
    typed = {bare(entry): _sought(Choice(entry)) for entry in reversed(typed_before) if bare(entry) not in known}
    return (*fits, *_ranked(list(typed.values()), wanted))[:MOST]


def _ranked(choices: Sequence[Sought], wanted: str) -> list[Choice]:
    beginning: list[Choice] = []
    within: list[Choice] = []
    for sought, choice in choices:
        at = sought.find(wanted)
        if at >= 0 and sought != wanted:
            (within if at and sought[at - 1].isalnum() else beginning).append(choice)
    return [*beginning, *within][:MOST]


def draw(canvas: Canvas, rect: Rect, fits: Sequence[Choice], chosen: int | None, more: str) -> None:
    """One row of what fits, from the chosen one on; what has no room is counted."""
    row = rect.split_top(1)[0]
    if row.empty or not fits:
        return
    canvas.fill(row, " ", "notice")
    x, first = row.x + 1, chosen or 0
    for place in range(first, len(fits)):
        left = len(fits) - place
        room = row.right - 1 - x - (0 if left == 1 else len(f"  +{left}"))
        name = fits[place].shown
        if text.width(name) > room and place > first:
            canvas.put(x, row.y, f"+{left}", "notice", row.right - x)
            return
        style = "selected" if place == chosen else "notice"
        x = canvas.put(x, row.y, text.clip(name, room, more), style, room) + 2
