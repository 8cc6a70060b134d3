"""Who is known: the user's contacts and the calls that are over, kept in two text files of his.

Read at the start, and again when somebody has changed them; looked at once in a while, a piece at a time where there
are many, so that no packet waits for it. A call that is over is one more line, but for those of a flood: strangers who
ring hundreds of times a second fill neither the disk nor the list. Of a history that has become long the oldest calls
are taken out; whatever is no line of ours, a person's notes, stays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from itertools import chain
from typing import Protocol

from engine.model import CallView, CommandError
from engine.model_people import Contact, PastCall, PeopleView, RemoveContact, SaveContact
from engine.people import (
    HEADING,
    LONGEST_ENDED,
    LONGEST_NAME,
    LONGEST_URI,
    PeopleError,
    address_meant,
    is_name,
    is_past_line,
    parse_contact,
    parse_history,
    past_line,
    who,
    with_contact,
    without_contact,
)

LOOK_AGAIN_S = 5.0
LINES_AT_ONCE = 25  # about a millisecond
MOST_CONTACTS = 2000
MOST_PAST = 500
MOST_HISTORY_BYTES = 512_000  # about five thousand calls; beyond, only the newer half stays
HUGE_BYTES = 16_000_000  # no history of ours: who has made it so long looks after it himself
COMPLAINTS = 5  # lines of the log at one reading
NAMES_REMEMBERED = 1000
SHORT_S = 10.0  # calls that come in and last no longer, or that nobody took, may be a flood: of those that come faster
SHORT_EVERY_S = 10.0  # than this
SHORT_AT_ONCE = 30  # the first ones alone are noted down


class TextFile(Protocol):
    """``engine.io.text_files.TextFile``."""

    path: str
    shown: str  # the path, for people

    def changed(self) -> bool: ...

    def read(self) -> tuple[str, bool]: ...

    def append(self, line: str, heading: str = "") -> None: ...

    def replace(self, text: str) -> None: ...

    def held(self) -> AbstractContextManager[None]: ...

    def length(self) -> int: ...

    def beginning(self, most_bytes: int) -> str: ...

    def replace_beginning(self, old: str, new: str) -> bool: ...


Log = Callable[[str, str, str], object]
Stamp = Callable[[float], str]  # a time as a person here reads it


class AddressBook:
    """Mutable; faces see :attr:`view`. A file that is None is none: nothing is read and nothing is kept."""

    def __init__(self, contacts: TextFile | None, history: TextFile | None, log: Log, stamp: Stamp) -> None:
        self._contacts_file = contacts
        self._history_file = history
        self._log = log
        self._stamp = stamp
        self._reading: Iterator[None] | None = None
        self._look_at: float | None = None
        self._short = float(SHORT_AT_ONCE)  # so many more may be noted down now
        self._short_at = 0.0
        self._flooded = False
        self._complaints: list[str] = []  # of the last reading
        self._shorten_from = MOST_HISTORY_BYTES  # a history of so many bytes is looked through for what may go
        self._names: dict[str, str] = {}  # by address as it is written: the contact's name, or ""
        self._by_who: dict[tuple[str, str, int], str] = {}
        paths = ["" if file is None else file.shown for file in (contacts, history)]
        self.view = PeopleView(contacts_path=paths[0], history_path=paths[1])

    def start(self) -> None:
        """Read all there is; what takes longer is left for later."""
        for _ in chain(self._read_contacts(), self._read_history()):
            pass
        self._reading = self._shorten_history()

    # ------------------------------------------------------------------ reading

    @property
    def busy(self) -> bool:
        """A file is being read or shortened: :meth:`run` goes on with it as soon as there is room."""
        return self._reading is not None

    def run(self, now: float, has_room: Callable[[], bool]) -> None:
        """Look whether the files have changed, and read on where they have, as long as there is room."""
        if self._look_at is None:
            self._look_at = now + LOOK_AGAIN_S
        if self._reading is None and now >= self._look_at:
            self._look_at = now + LOOK_AGAIN_S
            if any(file is not None and file.changed() for file in (self._contacts_file, self._history_file)):
                self._reading = self._read()
        while self._reading is not None and has_room():
            if next(self._reading, True):
                self._reading = None

    def _read(self) -> Iterator[None]:
        """Both files, a piece at a time."""
        yield from self._read_contacts()
        yield from self._read_history()
        yield from self._shorten_history()

    def _read_contacts(self) -> Iterator[None]:
        text = self._text_of(self._contacts_file, "contacts")
        if text is None:
            return
        contacts: list[Contact] = []
        complaints: list[str] = []
        for number, line in enumerate(text.split("\n"), 1):
            try:
                contact = parse_contact(line)
            except PeopleError as error:
                complaints.append(f"line {number}: {error}")
                continue
            if contact is not None:
                contacts.append(contact)
                who(contact.uri)  # remembered, as for the calls below: all at once would take its time
            if not number % LINES_AT_ONCE:
                yield
        self._complain(complaints, len(contacts))
        self._keep(tuple(contacts[:MOST_CONTACTS]), self.view.past)

    def _complain(self, complaints: list[str], contacts: int) -> None:
        assert self._contacts_file is not None
        path = self._contacts_file.shown
        if len(complaints) > COMPLAINTS:
            complaints[COMPLAINTS - 1 :] = [f"and {len(complaints) - COMPLAINTS + 1} more lines are none"]
        if contacts > MOST_CONTACTS:
            complaints.append(f"only the first {MOST_CONTACTS} of {contacts} are taken")
        for complaint in complaints:
            if complaint not in self._complaints:
                self._log("warn", "people", f"contacts, {complaint} ({path})")
        self._complaints = complaints

    def _read_history(self) -> Iterator[None]:
        text = self._text_of(self._history_file, "")
        if text is None:
            return
        lines = text.split("\n")[-MOST_PAST - 1 :]
        past: list[PastCall] = []
        for start in range(0, len(lines), LINES_AT_ONCE):
            past += parse_history(lines[start : start + LINES_AT_ONCE])
            for call in past[-LINES_AT_ONCE:]:
                who(call.uri)
            yield
        self._keep(self.view.contacts, tuple(past[-MOST_PAST:]))

    def _shorten_history(self) -> Iterator[None]:
        """Where it is too long, take the older calls out. What is written to it meanwhile stays."""
        file = self._history_file
        length = 0 if file is None else file.length()
        if file is None or not self._shorten_from < length < HUGE_BYTES:
            return
        try:
            old = file.beginning(length - MOST_HISTORY_BYTES // 2)
            lines = old.split("\n")
            kept: list[str] = []
            for start in range(0, len(lines), LINES_AT_ONCE):
                kept += (line for line in lines[start : start + LINES_AT_ONCE] if not is_past_line(line))
                yield
            done = len(kept) < len(lines) and file.replace_beginning(old, "\n".join(kept))
        except OSError as error:
            done = False
            reason = (error.strerror or str(error)).lower()
            self._log("warn", "people", f"{file.path}: it is long, and cannot be shortened ({reason})")
        if done:
            self._log("info", "people", f"{len(lines) - len(kept)} old calls were taken out ({file.shown})")
        self._shorten_from = MOST_HISTORY_BYTES if done else file.length() + MOST_HISTORY_BYTES // 10

    def _text_of(self, file: TextFile | None, whole_for: str) -> str | None:
        """What is in it; None where it cannot be read, which is said."""
        if file is None:
            return None
        try:
            text, whole = file.read()
        except OSError as error:
            self._log("warn", "people", f"{file.path}: it cannot be read ({(error.strerror or str(error)).lower()})")
            return None
        if not whole and whole_for:
            self._log("warn", "people", f"{file.path}: it is too long: not all {whole_for} are taken")
        return text

    def _keep(self, contacts: tuple[Contact, ...], past: tuple[PastCall, ...]) -> None:
        if contacts is not self.view.contacts:
            self._names = {}
            self._by_who = {}
            for contact in reversed(contacts):  # the first line of an address counts
                key = who(contact.uri)
                if key is not None:
                    self._by_who[key] = contact.name
        names = tuple(self.name_of(call.uri) for call in past)
        self.view = replace(self.view, contacts=contacts, past=past, names=names)

    # ------------------------------------------------------------------ asked

    def name_of(self, uri: str) -> str:
        """The name of the contact with this address, or "". What the address itself says is the caller's word."""
        if len(uri) > LONGEST_URI:
            return ""
        name = self._names.get(uri)
        if name is None:
            if len(self._names) >= NAMES_REMEMBERED:
                self._names = {}
            key = who(uri) if self._by_who else None
            name = self._names[uri] = self._by_who.get(key, "") if key is not None else ""
        return name

    def address_meant(self, typed: str) -> str:
        """The address of the one contact of that name, or what was typed; CommandError where several have it."""
        try:
            return address_meant(typed, self.view.contacts)
        except PeopleError as error:
            raise CommandError(str(error)) from None

    # ------------------------------------------------------------------ changed

    def ended(self, call: CallView, epoch_s: float) -> None:
        """A call is over: one more line."""
        answered = call.talk_s > 0
        if call.direction == "in" and call.talk_s < SHORT_S and not self._is_noted(epoch_s):
            return
        media = call.media
        past = PastCall(
            time=epoch_s - call.talk_s,
            direction=call.direction,
            uri=call.peer_uri[:LONGEST_URI],
            name=call.peer_name[:LONGEST_NAME],
            duration_s=call.talk_s if answered else None,
            ended=call.reason[:LONGEST_ENDED],
            mos_here=media.mean_mos_here if media is not None else None,
            mos_there=media.mean_mos_there if media is not None else None,
        )
        self._keep(self.view.contacts, (*self.view.past, past)[-MOST_PAST:])
        if self._history_file is None:
            return
        try:
            self._history_file.append(past_line(past, self._stamp(past.time)), HEADING)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            self._log("error", "people", f"{self._history_file.path}: the call is not noted down ({reason})")
        if self._reading is None and self._history_file.length() > self._shorten_from:
            self._reading = self._shorten_history()

    def _is_noted(self, epoch_s: float) -> bool:
        """One more short call, or one that nobody took: False where it is one of a flood."""
        since_s = max(0.0, epoch_s - self._short_at)
        self._short = min(self._short + since_s / SHORT_EVERY_S, float(SHORT_AT_ONCE))
        self._short_at = epoch_s
        if self._short < 1:
            if not self._flooded:
                self._log("warn", "people", "very many short calls come: not all of them are noted down")
            self._flooded = True
            return False
        self._flooded = self._flooded and self._short < SHORT_AT_ONCE
        self._short -= 1
        return True

    def save(self, command: SaveContact) -> None:
        """Raises CommandError, with the file as it was."""
        try:
            contact = parse_contact(command.line)
        except PeopleError as error:
            raise CommandError(str(error)) from None
        if contact is None:
            raise CommandError("a contact is a name and an address: Anna Berg sip:anna@192.0.2.7")
        if command.instead_of is None and contact in self.view.contacts:
            raise CommandError(f"{contact.name} is a contact already")
        self._change(lambda text: with_contact(text, contact, command.instead_of))

    def remove(self, command: RemoveContact) -> None:
        """Raises CommandError, with the file as it was."""
        self._change(lambda text: without_contact(text, command.contact))

    def _change(self, change: Callable[[str], str | None]) -> None:
        """The file as it is now, not as it was read, with one line changed; it is read again in the next turns."""
        file = self._contacts_file
        if file is None:
            raise CommandError("no contacts are kept here (--demo, --no-config)")
        try:
            with file.held():
                text, whole = file.read()
                new = change(text) if whole else None
                if new is not None:
                    file.replace(new)
        except OSError as error:
            raise CommandError(
                f"{file.path}: it cannot be changed ({(error.strerror or str(error)).lower()})"
            ) from None
        self._reading = self._read()
        if new is None:
            raise CommandError(f"{file.path}: " + ("this contact is no longer in it" if whole else "it is too long"))


def look_up(typed: str, contacts: TextFile | None) -> str:
    """The address of the one contact of that name, or what was typed; CommandError where several have it."""
    if not is_name(typed):
        return typed
    book = AddressBook(contacts, None, lambda *line: None, str)
    book.start()
    return book.address_meant(typed)
