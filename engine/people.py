"""Contacts and call history as lines of text, for people to read and to edit. Pure.

Contacts: a name, then an address; ``#`` begins a comment, at the start of a line or after the address.

    # family
    Anna Berg   sip:anna@192.0.2.7
    Bob         bob@pbx.example.net     # the office

Call history: one line a call, its parts parted by tabs: time, direction, address, name, duration, how it ended, MOS
here, MOS there. ``-`` is what is not known. A line that is none (cut off by a kill, say) is passed over.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache

from engine.config import ConfigError, complete_uri
from engine.model_people import Contact, PastCall
from engine.sip.message import SipError
from engine.sip.uri import DEFAULT_PORT, Uri

LONGEST_NAME, LONGEST_URI, LONGEST_ENDED = 100, 500, 200  # characters
HEADING = "# time\tdirection\taddress\tname\tduration\tended\tMOS here\tMOS there"
UNKNOWN = "-"
_DIRECTIONS = ("in", "out")


class PeopleError(ValueError):
    """A line that is no contact; its text says why."""


# ------------------------------------------------------------------ contacts


def parse_contact(line: str) -> Contact | None:
    """A line of the contacts; None where it is empty or a comment. Raises PeopleError."""
    found = _read(line)
    return None if found is None else found[0]


def _read(line: str) -> tuple[Contact, str] | None:
    """The contact and the comment after it."""
    words = line.split()
    if not words or words[0].startswith("#"):
        return None
    place = next((place for place, word in enumerate(words) if place and _looks_like_an_address(word)), None)
    if place is None:
        if _looks_like_an_address(words[0]):
            raise PeopleError(f"'{_clip(line)}' has no name before the address")
        raise PeopleError(f"'{_clip(line)}' has no address such as sip:anna@192.0.2.7 after the name")
    comment = " ".join(words[place + 1 :])
    if comment and not comment.startswith("#"):
        raise PeopleError(f"'{_clip(line)}' goes on after the address; a comment begins with #")
    try:
        uri = str(complete_uri(words[place].strip("<>")))
    except ConfigError as error:
        raise PeopleError(str(error)) from None
    name = " ".join(words[:place]).strip('" ')
    if not name or name.startswith("#"):
        raise PeopleError(f"'{_clip(line)}' has no name before the address")
    if len(name) > LONGEST_NAME or len(uri) > LONGEST_URI:
        raise PeopleError(f"'{_clip(line)}': a name has at most {LONGEST_NAME} characters, an address {LONGEST_URI}")
    return Contact(name, uri), comment


def _looks_like_an_address(word: str) -> bool:
    word = word.strip("<>").lower()
    return word.startswith(("sip:", "sips:", "tel:")) or "@" in word


def _clip(line: str) -> str:
    line = " ".join(line.split())
    return line if len(line) <= 60 else f"{line[:57]}..."


def contact_line(contact: Contact) -> str:
    """As it stands in the file."""
    return f"{contact.name}  {contact.uri}"


def with_contact(text: str, contact: Contact, instead_of: Contact | None = None) -> str | None:
    """The file with this contact: in the place of another one, whose comment stays, or at the end. None where the
    other one is not in it.
    """
    if instead_of is None:
        return f"{text}{_line_end(text)}{contact_line(contact)}\n"
    return _changed(text, instead_of, contact_line(contact))


def without_contact(text: str, contact: Contact) -> str | None:
    """The file without this contact; None where it is not in it."""
    return _changed(text, contact, None)


def _changed(text: str, contact: Contact, new: str | None) -> str | None:
    lines = text.split("\n")
    for place, line in enumerate(lines):
        try:
            found = _read(line) if contact.name.split()[-1] in line else None
        except PeopleError:
            continue
        if found is None or found[0] != contact:
            continue
        if new is None:
            del lines[place]
        else:
            comment = f"  {found[1]}" if found[1] else ""
            lines[place] = f"{new}{comment}" + ("\r" if line.endswith("\r") else "")
        return "\n".join(lines)
    return None


def _line_end(text: str) -> str:
    return "" if not text or text.endswith("\n") else "\n"


def fitting(typed: str, contacts: Sequence[Contact]) -> tuple[Contact, ...]:
    """Whom a typed name may mean: those with exactly this name, or else those with a word that begins so."""
    wanted = " ".join(typed.split()).casefold()
    if not wanted:
        return ()
    exact = tuple(contact for contact in contacts if contact.name.casefold() == wanted)
    return exact or tuple(contact for contact in contacts if f" {wanted}" in f" {contact.name.casefold()}")


def is_name(typed: str) -> bool:
    """May this be the name of a contact? What has the marks of an address is one."""
    return bool(typed.strip()) and not set(typed) & set(":@<>[]")


def address_meant(typed: str, contacts: Sequence[Contact]) -> str:
    """The address of the one contact that is meant, or what was typed where none is. Raises PeopleError for several."""
    found = fitting(typed, contacts) if is_name(typed) else ()
    if len({contact.uri for contact in found}) > 1:
        names = ", ".join(f"{contact.name} <{contact.uri}>" for contact in found[:3])
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        raise PeopleError(f"'{typed.strip()}' may be {names}{more}")
    return found[0].uri if found else typed


@lru_cache(maxsize=5000)
def who(uri: str) -> tuple[str, str, int] | None:
    """What makes two addresses the same person: user, host and port. None for what is no SIP address."""
    try:
        parsed = Uri.parse(uri.strip())
    except SipError:
        return None
    if not parsed.host:
        return None
    return parsed.user or "", parsed.host.lower(), parsed.port or DEFAULT_PORT


# ------------------------------------------------------------------ calls that are over


def past_line(call: PastCall, stamp: str) -> str:
    """As it stands in the file; ``stamp`` is its time, as a person there reads it (ISO 8601)."""
    parts = (
        stamp,
        call.direction,
        _plain(call.uri, LONGEST_URI),
        _plain(call.name, LONGEST_NAME),
        UNKNOWN if call.duration_s is None else _hours(call.duration_s),
        _plain(call.ended, LONGEST_ENDED),
        *(UNKNOWN if mos is None else f"{mos:.1f}" for mos in (call.mos_here, call.mos_there)),
    )
    return "\t".join(part or UNKNOWN for part in parts)


def parse_past(line: str) -> PastCall | None:
    """A line of the call history; None for what is none."""
    parts = [part.strip() for part in line.split("\t")]
    if len(parts) < 6 or parts[1] not in _DIRECTIONS or len(line) > 2000:
        return None
    try:
        time = datetime.fromisoformat(parts[0]).timestamp()
        duration_s = None if parts[4] == UNKNOWN else _seconds(parts[4])
        here, there = (float(part) if part != UNKNOWN else None for part in (*parts[6:8], UNKNOWN, UNKNOWN)[:2])
    except (ValueError, OverflowError, OSError):
        return None
    name, ended = ("" if part == UNKNOWN else part for part in (parts[3], parts[5]))
    return PastCall(time, parts[1], parts[2], name, duration_s, ended, here, there)


def is_past_line(line: str) -> bool:
    """Is it as ``past_line`` writes it, with nothing in it that only a person may have written?"""
    call = parse_past(line)
    return call is not None and past_line(call, line.partition("\t")[0]) == line.rstrip("\r")


def parse_history(lines: Iterable[str]) -> Iterator[PastCall]:
    """The calls among these lines."""
    found = (parse_past(line) for line in lines if line and not line.startswith("#"))
    return (call for call in found if call is not None)


def _hours(seconds: float) -> str:
    """``0:03:12``."""
    minutes, second = divmod(max(0, int(seconds)), 60)  # as the screen counts them
    return f"{minutes // 60}:{minutes % 60:02d}:{second:02d}"


def _seconds(text: str) -> float:
    """``0:03:12``, ``3:12`` or ``192``, as people write it; raises ValueError."""
    whole = 0
    for part in text.split(":"):
        if not (part.isascii() and part.isdecimal() and len(part) < 10):
            raise ValueError(text)
        whole = whole * 60 + int(part)
    return float(whole)


def _plain(text: str, most: int) -> str:
    """What a stranger wrote, in one line: without control characters, tabs and marks that turn the writing round."""
    return "".join(char if char.isprintable() else " " for char in text[:most]).strip()
