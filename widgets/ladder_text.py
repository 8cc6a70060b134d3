"""The messages of the ladder as a text to keep: when, which way, and each as it was on the wire."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from engine.model import SipMessage, Snapshot
from engine.model_people import SaveText
from widgets import figures, mask, text
from widgets.ui import find

MOST_CHARACTERS = 500_000  # the newest ones: more at once would make the next packet wait
MOST_HIDDEN = 40_000  # the same where private data is to be found and hidden


def saving(snapshot: Snapshot, numbers: Collection[int], call: int | None, masked: bool) -> SaveText:
    """What writes these messages into a file: those of one call, or (None) of all; without private data if masked."""
    wanted = [message for message in snapshot.sip if message.number in numbers]
    messages = _with_room(wanted) if masked else wanted
    shown = snapshot
    if masked:
        shown = mask.masked(snapshot, [message.number for message in messages])
        read = {message.number for message in messages}
        messages = [message for message in shown.sip if message.number in read]
    what = "all calls" if call is None else f"call {call}"
    view = find(shown, call)
    with_whom = f", {figures.peer(view)}" if view is not None else ""
    stem = "ringtop-calls" if call is None else f"ringtop-call-{call}"
    kept = _newest(messages)
    left_out = len(wanted) - len(kept)
    lines = [
        f"# ringtop: SIP messages of {what}{with_whom}",
        *(["# private data is hidden"] if masked else []),
        *([f"# {left_out} older ones are left out"] if left_out else []),
        "",
    ]
    return SaveText(f"{stem}-hidden" if masked else stem, "\n".join(lines) + "\n" + "".join(kept))


def _with_room(messages: Sequence[SipMessage]) -> list[SipMessage]:
    """The last ones that are not too much to be searched."""
    kept, room = 0, MOST_HIDDEN
    for message in reversed(messages):
        room -= len(message.text)
        if room < 0:
            break
        kept += 1
    return list(messages[len(messages) - kept :])


def _newest(messages: Sequence[SipMessage]) -> list[str]:
    """The last ones that have room; no others are written at all."""
    kept: list[str] = []
    room = MOST_CHARACTERS
    for message in reversed(messages):
        written = _written(message)
        room -= len(written)
        if room < 0:
            break
        kept.append(written)
    return kept[::-1]


def _written(message: SipMessage) -> str:
    return "\n".join(_lines(message)) + "\n\n"


def _lines(message: SipMessage) -> Iterator[str]:
    """A line of ours, then the message; what would command a terminal is made visible."""
    way = "sent to" if message.direction == "out" else "received from"
    whose = "" if message.call is None else f", call {message.call}"
    moment = f"{figures.day(message.time)} {figures.clock(message.time)}.{int(message.time * 1000) % 1000:03d}"
    yield f"# {moment} {way} {figures.address(message.peer)}, {message.octets} octets{whose}"
    for line in message.text.replace("\r\n", "\n").rstrip("\n").split("\n"):
        yield text.visible(line)
    cut = message.octets - len(message.text.encode("utf-8", "replace"))
    if cut > 0:
        yield f"# {cut} more octets"
