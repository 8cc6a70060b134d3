"""The screen without private data, for a screenshot: who talks with whom, and where, becomes user1, host1, ...

What is private is read out of the SIP messages and the calls: users, hosts and addresses, names, Call-IDs, tags,
branches. Each gets a name of its own, the same one wherever it is found. What is not found in these places is not known
to be private and stays: the ladder itself shows what a picture would give away.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Any

from engine.model import CallView, MediaView, SipMessage, Snapshot
from engine.model_people import Contact, PeopleView

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("name", re.compile(r'"([^"\r\n]{1,100})"\s*<')),
    (
        "name",
        re.compile(r"^(?:[A-Za-z-]{1,40}:[ \t]*)?([^\s<\":][^<\":\r\n]{0,99}?)[ \t]*<(?:sips?|tel):", re.M | re.I),
    ),
    ("name", re.compile(r"^[esp]=[^\r\n(]{0,100}\(([^)\r\n]{1,100})\)", re.M)),
    ("user", re.compile(r"\bsips?:([^@>\s:\"<,]{1,500})(?::[^@\s]{0,50})?@")),
    ("user", re.compile(r"\btel:([^;>\s]{1,50})")),
    ("host", re.compile(r"\bsips?:(?:[^@;>\s]{1,150}@)?(\[[0-9a-fA-F:.]{2,60}\]|[A-Za-z0-9.-]{1,120})")),
    ("host", re.compile(r"\b(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\b")),
    ("host", re.compile(r"\bIP4 ([A-Za-z0-9.-]{2,120})")),
    ("user", re.compile(r"^e=([^@\s]{1,100})@", re.M)),
    ("user", re.compile(r"^p=([^\r\n(<]{2,60})", re.M)),
    ("user", re.compile(r"\busername=\"([^\"\r\n]{1,100})\"", re.I)),
    ("host", re.compile(r"\brealm=\"([^\"\r\n]{1,120})\"", re.I)),
    ("secret", re.compile(r"\b(?:c?nonce|response|opaque)=\"([^\"\r\n]{1,300})\"", re.I)),
    ("subject", re.compile(r"^(?:Subject|s):[ \t]*([^\r\n]{1,200})", re.M | re.I)),
    ("subject", re.compile(r"^[si]=([^\r\n]{1,200})", re.M)),
    ("host", re.compile(r"\bIP6 ([0-9a-fA-F:.]{2,60})")),
    ("host", re.compile(r"SIP\s*/\s*2\.0\s*/\s*[A-Z]{2,5}\s+(\[[^\]\s]{2,60}\]|[A-Za-z0-9.-]{1,120})")),
    ("host", re.compile(r";received=\[?([^];,\s]{2,120})", re.I)),
    ("host", re.compile(r"@([A-Za-z0-9][A-Za-z0-9.-]{1,120})")),
    ("user", re.compile(r"([A-Za-z0-9_.+%-]{1,100})@[A-Za-z0-9\[]")),
    ("call", re.compile(r"^(?:Call-ID|i):[ \t]*(\S{1,200})", re.M | re.I)),
    ("tag", re.compile(r";tag=([^;>\s,]{1,100})", re.I)),
    ("branch", re.compile(r";branch=([^;>\s,]{1,150})", re.I)),
    ("session", re.compile(r"^o=(\S{1,60}) ", re.M)),
    ("agent", re.compile(r"^(?:User-Agent|Server):[ \t]*([^\r\n]{1,150})", re.M | re.I)),
)
_PUBLIC = {"-", "invalid", "anonymous", "anonymous.invalid", "0.0.0.0", "::", "127.0.0.1", "UDP", "sip"}
_SHORTEST = 2
_LONG = 4  # a shorter word would be replaced within others
_PEOPLE = ("name", "user", "host")
MOST_OF_A_CALL = 200  # people and places that are looked for in all its messages; each is searched for its own, too


class Mask:
    """Puts names in the place of what is private."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._longest_first = sorted(names, key=len, reverse=True)

    def __call__(self, text: str) -> str:
        """Only what is in this text goes into the pattern: one of all words takes long to make where there are many."""
        there = [word for word in self._longest_first if word in text]
        if not there:
            return text
        return re.sub("|".join(map(_whole, there)), lambda match: self._names[match[0]], text)


def _whole(word: str) -> str:
    """A short word is private only where it stands alone: ``ed`` is not in ``received``."""
    found = re.escape(word)
    return found if len(word) >= _LONG else rf"(?<![A-Za-z0-9]){found}(?![A-Za-z0-9])"


class _Names:
    """The name of each private word: the same one wherever it is found."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def of(self, found: Iterable[tuple[str, str]]) -> dict[str, str]:
        return {word: self._name(kind, word) for kind, word in found}

    def _name(self, kind: str, word: str) -> str:
        if word not in self._names:
            self._counts[kind] += 1
            self._names[word] = f"{kind}{self._counts[kind]}"
        return self._names[word]


@lru_cache(maxsize=5000)
def _private(text: str) -> tuple[tuple[str, str], ...]:
    """What is private in a text: kinds and words."""
    found = ((kind, match[1].strip()) for kind, pattern in _KINDS for match in pattern.finditer(text))
    return tuple((kind, word) for kind, word in found if len(word) >= _SHORTEST and word not in _PUBLIC)


@lru_cache(maxsize=1)
def _hidden(messages: tuple[SipMessage, ...], others: tuple[str, ...]) -> tuple[Mask, tuple[SipMessage, ...]]:
    """What hides the words of the screen, and the messages hidden; made when something came, not for every frame.

    A message is searched for its own private words and for the people and places of its call, not for those of all
    messages: many strangers would make that as slow as they like.
    """
    names = _Names()
    everywhere = names.of(found for text in others for found in _private(text))
    of_calls: dict[int, dict[str, str]] = {}
    for message in messages:
        people = names.of(found for found in _of_message(message) if found[0] in _PEOPLE)
        if message.call is not None:
            known = of_calls.setdefault(message.call, {})
            known.update(islice(people.items(), max(0, MOST_OF_A_CALL - len(known))))
    shown = []
    for message in messages:
        own = names.of(_of_message(message))
        private = everywhere | (of_calls[message.call] if message.call is not None else {}) | own
        shown.append(_message(message, tuple(private.items())))
    for people in of_calls.values():
        everywhere |= people
    return Mask(everywhere), tuple(shown)


def _of_message(message: SipMessage) -> tuple[tuple[str, str], ...]:
    host = message.peer[0]
    return _private(message.text) if host in _PUBLIC else (*_private(message.text), ("host", host))


def of(snapshot: Snapshot) -> Mask:
    """For the words of the screen."""
    return _everything(snapshot)[0]


def _everything(snapshot: Snapshot) -> tuple[Mask, tuple[SipMessage, ...]]:
    lines = (line.text for line in snapshot.log)
    return _hidden(snapshot.sip, (snapshot.local_uri, *_named(snapshot), *lines))


def masked(snapshot: Snapshot) -> Snapshot:
    """The phone as it may be shown to anybody."""
    mask, messages = _everything(snapshot)
    return replace(
        snapshot,
        local_uri=mask(snapshot.local_uri),
        calls=tuple(_call(call, mask) for call in snapshot.calls),
        log=tuple(replace(line, text=mask(line.text)) for line in snapshot.log),
        sip=messages,
        people=_people(snapshot.people),
    )


def _named(snapshot: Snapshot) -> Iterator[str]:
    for call in snapshot.calls:
        yield call.peer_uri
        if call.peer_name:
            yield f'"{call.peer_name}" <'
        if call.contact:
            yield f'"{call.contact}" <'
        if call.media is not None:
            yield from (where[0] for where in (call.media.local, call.media.remote) if where is not None)


def _call(call: CallView, mask: Mask) -> CallView:
    media = call.media
    return replace(
        call,
        peer_uri=mask(call.peer_uri),
        peer_name=mask(call.peer_name),
        contact=mask(call.contact),
        recording=None if call.recording is None else "a file",
        media=None if media is None else _media(media, mask),
        findings=tuple(replace(finding, evidence=mask(finding.evidence)) for finding in call.findings),
        findings_over=tuple(replace(finding, evidence=mask(finding.evidence)) for finding in call.findings_over),
    )


@lru_cache(maxsize=1)
def _people(people: PeopleView) -> PeopleView:
    """Without names of their own: there may be thousands, and none of them is for others."""
    contacts = (Contact(f"contact{number}", "sip:hidden") for number, _ in enumerate(people.contacts, 1))
    past = (replace(call, uri="sip:hidden", name="hidden" if call.name else "") for call in people.past)
    return PeopleView(tuple(contacts), tuple(past), tuple("hidden" if name else "" for name in people.names))


def _media(media: MediaView, mask: Mask) -> MediaView:
    places: dict[str, Any] = {
        name: None if where is None else (mask(where[0]), where[1])
        for name in ("local", "local_rtcp", "remote", "remote_rtcp")
        for where in (getattr(media, name),)
    }
    return replace(media, rtcp=replace(media.rtcp, cname="name" if media.rtcp.cname else None), **places)


@lru_cache(maxsize=5000)
def _message(message: SipMessage, names: tuple[tuple[str, str], ...]) -> SipMessage:
    mask = Mask(dict(names))
    host, port = message.peer
    label = mask(message.label) if message.label[:1].isdigit() else message.label
    return replace(message, peer=(mask(host), port), label=label, text=mask(message.text))
