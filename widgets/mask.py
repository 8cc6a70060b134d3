"""The screen without private data, for a screenshot: who talks with whom, and where, becomes user1, host1, ...

What is private is read out of the SIP messages, the calls and the log: users, hosts and addresses, names, Call-IDs,
tags, branches (``private.py`` finds them). Each gets a name of its own, the same one wherever it is found. What is not
found in these places is not known to be private and stays: the ladder itself shows what a picture would give away.

A running call must not wait for it, whatever strangers have sent. So of the messages of a call the first and the newest
are searched, and only in the lines that tell of people; a whole text is searched and hidden only when it is read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import chain, islice
from typing import Any

from engine.model import CallView, LogLine, MediaView, SettingsView, SipMessage, Snapshot
from engine.model_people import Contact, PeopleView
from widgets.latest import Latest
from widgets.private import PUBLIC, SHORTEST, Found, in_header, in_text

MOST_WORDS = 1500  # that are looked for on the whole screen
MOST_OF_A_CALL = 60  # of them those in the messages of one call
NEWEST_OF_A_CALL = 3  # of its messages are searched, and the first
RELATED = 200  # messages of the calls of those that are read: what binds them together has the same name in all

_LONG = 4  # a shorter word would be replaced within others
_MARKS = 0xF0000  # characters that nobody uses: each stands for a word until all are found
_BETWEEN = "\x00"


class _Names:
    """The name of each private word: the same one wherever it is found."""

    def __init__(self) -> None:
        self.named: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def copy(self) -> _Names:
        """The same, to which others may be added."""
        made = _Names()
        made.named, made._counts = dict(self.named), Counter(self._counts)
        return made

    def of(self, found: Iterable[Found]) -> list[str]:
        """Name what has no name yet; returns the words."""
        words = []
        for kind, word in found:
            if word not in self.named:
                self._counts[kind] += 1
                self.named[word] = f"{kind}{self._counts[kind]}"
            words.append(word)
        return words


class Mask:
    """Puts names in the place of what is private: of what is known to be, and of what a text itself gives away."""

    def __init__(self, found: Iterable[Found]) -> None:
        self.names = _Names()
        self._known = tuple(self.names.of(found))

    def __call__(self, text: str) -> str:
        """For a line of ours."""
        names, found = self.names, in_text(text)
        if not all(word in names.named for _, word in found):
            names = names.copy()
        return _hide(text, chain(names.of(found), self._known), names.named)

    def all(self, texts: Sequence[str]) -> list[str]:
        """For many lines at once; that costs little more than one."""
        joined = _BETWEEN.join(text.replace(_BETWEEN, "") for text in texts)
        return _hide(joined, self._known, self.names.named).split(_BETWEEN) if texts else []

    def message(self, text: str, names: _Names) -> str:
        """For a SIP message; what is found in it gets its names among these."""
        return _hide(text, chain(names.of(in_text(text)), self._known), names.named)


def _hide(text: str, words: Iterable[str], names: Mapping[str, str]) -> str:
    there = sorted({word for word in words if word in text}, key=len, reverse=True)
    for number, word in enumerate(there):
        mark = chr(_MARKS + number)
        text = text.replace(word, mark) if len(word) >= _LONG else _replace_alone(text, word, mark)
    return text.translate({_MARKS + number: names[word] for number, word in enumerate(there)}) if there else text


def _replace_alone(text: str, word: str, mark: str) -> str:
    """A short word is private only where it stands alone: ``ed`` is not in ``received``."""
    pieces, begin, at = [], 0, text.find(word)
    while at >= 0:
        end = at + len(word)
        if not (_is_letter(text[at - 1 : at]) or _is_letter(text[end : end + 1])):
            pieces += [text[begin:at], mark]
            begin = end
        at = text.find(word, end)
    return "".join((*pieces, text[begin:]))


def _is_letter(char: str) -> bool:
    return char.isascii() and char.isalnum()


# ------------------------------------------------------------------ what is known


def of(snapshot: Snapshot) -> Mask:
    """For the words of the screen."""
    said = (snapshot.local_uri, snapshot.settings.path or "", *_said(snapshot.calls))
    names = (name for call in snapshot.calls for name in (call.peer_name, call.contact) if len(name) >= SHORTEST)
    return _mask(snapshot.sip, snapshot.log, said, tuple(names))


def _know(
    messages: tuple[SipMessage, ...], log: tuple[LogLine, ...], said: tuple[str, ...], names: tuple[str, ...]
) -> Mask:
    """Calls first, then the log and the messages: there may be more than anybody can look for."""
    found = chain(
        (("name", name) for name in names),
        chain.from_iterable(map(in_text, said)),
        _people(messages),
        chain.from_iterable(in_text(line.text) for line in reversed(log)),
    )
    return Mask(islice(dict.fromkeys(found), MOST_WORDS))


_mask = Latest(_know)


def _said(calls: Iterable[CallView]) -> Iterator[str]:
    for call in calls:
        yield call.peer_uri
        if call.media is not None:
            yield from (where[0] for where in (call.media.local, call.media.remote) if where is not None)


def _people(messages: Iterable[SipMessage]) -> Iterator[Found]:
    """People and places of every call that is kept, the newest call first."""
    calls: dict[int, list[SipMessage]] = {}
    for message in messages:
        if message.call is not None:
            calls.setdefault(message.call, []).append(message)
    for kept in reversed(calls.values()):
        searched = (kept[0], *kept[1:][-NEWEST_OF_A_CALL:])
        found = chain.from_iterable((*in_header(message.text), *_place(message)) for message in searched)
        yield from islice(dict.fromkeys(found), MOST_OF_A_CALL)


def _place(message: SipMessage) -> tuple[Found, ...]:
    host = message.peer[0]
    return () if host in PUBLIC else (("host", host),)


# ------------------------------------------------------------------ what is shown


def masked(snapshot: Snapshot, read: Collection[int] | None = None) -> Snapshot:
    """The phone as it may be shown to anybody. ``read``: the numbers of the messages whose text is wanted (None: all);
    the others have none."""
    mask = of(snapshot)
    return replace(
        snapshot,
        local_uri=mask(snapshot.local_uri),
        calls=tuple(_call(call, mask) for call in snapshot.calls),
        log=_log(snapshot.log, mask),
        sip=_messages(snapshot.sip, mask, None if read is None else tuple(read)),
        people=_contacts(snapshot.people),
        settings=_settings(snapshot.settings, mask),
    )


def _hidden_log(log: tuple[LogLine, ...], mask: Mask) -> tuple[LogLine, ...]:
    hidden = mask.all([line.text for line in log])
    return tuple(replace(line, text=text) for line, text in zip(log, hidden, strict=True))


_log = Latest(_hidden_log)


def _hidden_messages(
    messages: tuple[SipMessage, ...], mask: Mask, read: tuple[int, ...] | None
) -> tuple[SipMessage, ...]:
    """With the texts of those that are read."""
    rows, names = _rows(messages, mask)
    wanted = {message.number: message for message in messages if read is None or message.number in read}
    if not wanted:
        return rows
    names = names.copy()
    calls = {message.call for message in wanted.values()}
    for message in [message for message in messages if message.call in calls][-RELATED:]:
        names.of(in_header(message.text))
    texts = {number: mask.message(message.text, names) for number, message in wanted.items()}
    return tuple(replace(row, text=texts[row.number]) if row.number in texts else row for row in rows)


_messages = Latest(_hidden_messages)


def _hidden_rows(messages: tuple[SipMessage, ...], mask: Mask) -> tuple[tuple[SipMessage, ...], _Names]:
    """Without their texts; and the names with those of all hosts."""
    names = mask.names.copy()
    hosts = dict.fromkeys(message.peer[0] for message in messages)
    names.of(("host", host) for host in hosts if host not in PUBLIC)
    labels = list({message.label for message in messages if message.label[:1].isdigit()})
    told = dict(zip(labels, mask.all(labels), strict=True))
    rows = (
        replace(
            message,
            peer=(names.named.get(message.peer[0], message.peer[0]), message.peer[1]),
            label=told.get(message.label, message.label),
            text="",
        )
        for message in messages
    )
    return tuple(rows), names


_rows = Latest(_hidden_rows)


def _call(call: CallView, mask: Mask) -> CallView:
    media = call.media
    return replace(
        call,
        peer_uri=mask(call.peer_uri),
        peer_name=mask(call.peer_name),
        contact=mask(call.contact),
        reason=mask(call.reason),
        digits_sent="*" * len(call.digits_sent),
        digits_received="*" * len(call.digits_received),
        recording=None if call.recording is None else "a file",
        media=None if media is None else _media(media, mask),
        findings=tuple(replace(finding, evidence=mask(finding.evidence)) for finding in call.findings),
        findings_over=tuple(replace(finding, evidence=mask(finding.evidence)) for finding in call.findings_over),
    )


@lru_cache(maxsize=1)
def _contacts(people: PeopleView) -> PeopleView:
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


def _settings(settings: SettingsView, mask: Mask) -> SettingsView:
    return settings if settings.path is None else replace(settings, path=mask(settings.path))
