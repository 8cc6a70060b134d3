"""The address book and the past calls in words, for the plain face."""

from __future__ import annotations

import time

from engine.model_people import Contact, PastCall, PeopleView
from widgets import figures
from widgets.plain import clipped

LONGEST_WORDS = 80


def contact_lines(people: PeopleView) -> list[str]:
    """Everybody in the contacts, in the order of their file."""
    return [_contact(contact) for contact in people.contacts] or ["no contacts"]


def past_lines(people: PeopleView, most: int, now: float) -> list[str]:
    """The latest calls that are over, the newest first, at most so many; ``now``: seconds since the epoch."""
    if not people.past:
        return ["no past calls"]
    latest = list(zip(people.past, people.names, strict=True))[: -most - 1 : -1]
    told = [_call(call, contact, now) for call, contact in latest]
    earlier = len(people.past) - len(told)
    return [*told, f"and {figures.count(earlier)} before: past {2 * most} says more"] if earlier else told


def _contact(contact: Contact) -> str:
    return f"{_clipped(contact.name)}, {_clipped(contact.uri)}"


def _call(call: PastCall, contact: str, now: float) -> str:
    """``missed contact Anna Berg, today 21:40, nobody answered``: who, when, and how it ended."""
    known = f"contact {_clipped(contact)}" if contact else ""
    who = known or " ".join(filter(None, (f'"{_clipped(call.name)}"' if call.name else "", _clipped(call.uri))))
    way = "called" if call.direction == "out" else "missed" if call.missed else "called by"
    words = [f"{way} {who}", _when(call.time, now)]
    if call.duration_s is not None:
        words.append(f"talked for {figures.spoken(call.duration_s)}")
    return ", ".join([*words, _clipped(call.ended)])


def _when(then: float, now: float) -> str:
    """As it is said: today and yesterday by name, the year only where it is another one."""
    try:
        moment = time.localtime(then)
        clock = time.strftime("%H:%M", moment)
        for day, ago_s in (("today", 0), ("yesterday", 86400)):
            if moment[:3] == time.localtime(now - ago_s)[:3]:
                return f"{day} {clock}"
        year = f" {moment.tm_year}" if abs(now - then) > figures.THIS_YEAR_S else ""
        return f"{moment.tm_mday} {time.strftime('%B', moment)}{year} {clock}"
    except (OverflowError, ValueError, OSError):
        return "at an unknown time"


def _clipped(words: str) -> str:
    return clipped(words, LONGEST_WORDS)
