"""What crosses the border about people: contacts, calls that are over, and the commands that change them.

A part of ``engine.model``, and frozen as everything there.
"""

from __future__ import annotations

from dataclasses import dataclass

DECLINED = "we declined"  # how a call has ended that we rejected


@dataclass(frozen=True, slots=True)
class Contact:
    """One line of the user's contacts."""

    name: str  # as the user wrote it
    uri: str  # complete: ``sip:anna@192.0.2.7``


@dataclass(frozen=True, slots=True)
class PastCall:
    """One line of the call history."""

    time: float  # seconds since the epoch: when it was answered, or, where it was not, when it ended
    direction: str  # "out" or "in"
    uri: str  # of the peer
    name: str  # as the peer gave it, may be ""
    duration_s: float | None  # None: it was not answered
    ended: str  # how, in plain words
    mos_here: float | None = None  # of the whole call; None: not known
    mos_there: float | None = None

    @property
    def declined(self) -> bool:
        """We did not take it: the words of its end tell, as nothing else in the file does."""
        return self.direction == "in" and self.duration_s is None and self.ended == DECLINED

    @property
    def missed(self) -> bool:
        """Somebody called, and nobody answered."""
        return self.direction == "in" and self.duration_s is None and not self.declined


@dataclass(frozen=True, slots=True, eq=False)
class PeopleView:
    """Contacts and calls that are over. There may be thousands: two views are the same only if they are one."""

    contacts: tuple[Contact, ...] = ()  # in the order of the file
    past: tuple[PastCall, ...] = ()  # newest last
    names: tuple[str, ...] = ()  # of ``past``: the contact of each, or ""
    contacts_path: str = ""  # where they are kept; "": nowhere
    history_path: str = ""


@dataclass(frozen=True, slots=True)
class SaveContact:
    """Keep a contact, written as in the file (``Anna Berg sip:anna@192.0.2.7``), perhaps in another's place."""

    line: str
    instead_of: Contact | None = None


@dataclass(frozen=True, slots=True)
class RemoveContact:
    """Take a contact out of the file."""

    contact: Contact


@dataclass(frozen=True, slots=True)
class SaveText:
    """Write a text into a new file of the current folder; :class:`Saved` tells its path."""

    stem: str  # of the file's name; the time follows
    text: str


@dataclass(frozen=True, slots=True)
class Saved:
    """A file was written."""

    path: str


NOBODY = PeopleView()
PeopleCommand = SaveContact | RemoveContact | SaveText
