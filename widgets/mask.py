"""The screen without private data, for a screenshot: who talks with whom, and where, becomes user1, host1, ...

What is private is read out of the SIP messages and the calls: users, hosts and addresses, names, Call-IDs, tags,
branches. Each gets a name of its own, the same one wherever it is found. What is not found in these places is not known
to be private and stays: the ladder itself shows what a picture would give away.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

from engine.model import CallView, MediaView, SipMessage, Snapshot

_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("name", re.compile(r'"([^"\r\n]{1,100})"\s*<')),
    ("name", re.compile(r"^(?:From|To|Contact|f|t|m):[ \t]*([^\s<\"][^<\"\r\n]{0,99}?)[ \t]*<", re.M | re.I)),
    ("user", re.compile(r"\bsips?:([^@;>\s:]{1,100})(?::[^@\s]{0,50})?@")),
    ("user", re.compile(r"\btel:([^;>\s]{1,50})")),
    ("host", re.compile(r"\bsips?:(?:[^@;>\s]{1,150}@)?(\[[0-9a-fA-F:.]{2,60}\]|[A-Za-z0-9.-]{1,120})")),
    ("host", re.compile(r"\b(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})\b")),
    ("host", re.compile(r"\bIP6 ([0-9a-fA-F:.]{2,60})")),
    ("host", re.compile(r"SIP/2\.0/[A-Z]{2,5} +(\[[^\]\s]{2,60}\]|[A-Za-z0-9.-]{1,120})")),
    ("host", re.compile(r"@([A-Za-z0-9][A-Za-z0-9.-]{1,120})")),
    ("call", re.compile(r"^(?:Call-ID|i):[ \t]*(\S{1,200})", re.M | re.I)),
    ("tag", re.compile(r";tag=([^;>\s,]{1,100})", re.I)),
    ("branch", re.compile(r";branch=([^;>\s,]{1,150})", re.I)),
    ("session", re.compile(r"^o=(\S{1,60}) ", re.M)),
    ("agent", re.compile(r"^(?:User-Agent|Server):[ \t]*([^\r\n]{1,150})", re.M | re.I)),
)
_PUBLIC = {"-", "invalid", "anonymous", "anonymous.invalid", "0.0.0.0", "::", "127.0.0.1", "UDP", "sip"}
_SHORTEST = 2  # a shorter word would be replaced within others


class Mask:
    """Names for what is private in some texts."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._names: dict[str, str] = {}
        counts: dict[str, int] = {}
        for text in texts:
            for kind, found in _private(text):
                if found not in self._names:
                    counts[kind] = counts.get(kind, 0) + 1
                    self._names[found] = f"{kind}{counts[kind]}"
        longest_first = sorted(self._names, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first))) if longest_first else None

    def __call__(self, text: str) -> str:
        """The text with names in the place of what is private."""
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._names[match[0]], text)


def _private(text: str) -> Iterator[tuple[str, str]]:
    for kind, pattern in _KINDS:
        for match in pattern.finditer(text):
            found = match[1].strip()
            if len(found) >= _SHORTEST and found not in _PUBLIC and not found.isspace():
                yield kind, found


@lru_cache(maxsize=2)
def mask_of(messages: tuple[SipMessage, ...], others: tuple[str, ...]) -> Mask:
    """For these messages, and what else names people and places."""
    return Mask((*others, *(message.text for message in messages)))


def masked(snapshot: Snapshot) -> Snapshot:
    """The phone as it may be shown to anybody."""
    mask = mask_of(snapshot.sip, (snapshot.local_uri, *_named(snapshot)))
    return replace(
        snapshot,
        local_uri=mask(snapshot.local_uri),
        calls=tuple(_call(call, mask) for call in snapshot.calls),
        log=tuple(replace(line, text=mask(line.text)) for line in snapshot.log),
        sip=tuple(_message(message, mask) for message in snapshot.sip),
    )


def _named(snapshot: Snapshot) -> Iterator[str]:
    for call in snapshot.calls:
        yield call.peer_uri
        if call.peer_name:
            yield f'"{call.peer_name}" <'
        if call.media is not None:
            yield from (where[0] for where in (call.media.local, call.media.remote) if where is not None)


def _call(call: CallView, mask: Mask) -> CallView:
    media = call.media
    return replace(
        call,
        peer_uri=mask(call.peer_uri),
        peer_name=mask(call.peer_name),
        recording=None if call.recording is None else "a file",
        media=None if media is None else _media(media, mask),
        findings=tuple(replace(finding, evidence=mask(finding.evidence)) for finding in call.findings),
        findings_over=tuple(replace(finding, evidence=mask(finding.evidence)) for finding in call.findings_over),
    )


def _media(media: MediaView, mask: Mask) -> MediaView:
    places: dict[str, Any] = {
        name: None if where is None else (mask(where[0]), where[1])
        for name in ("local", "local_rtcp", "remote", "remote_rtcp")
        for where in (getattr(media, name),)
    }
    return replace(media, rtcp=replace(media.rtcp, cname="name" if media.rtcp.cname else None), **places)


def _message(message: SipMessage, mask: Mask) -> SipMessage:
    return replace(message, peer=(mask(message.peer[0]), message.peer[1]), text=mask(message.text))
