"""Every SIP message of late, as it was on the wire, for the ladder view. It comes from the phone itself: no capture, no
root, and nothing that encryption would hide.

Memory is bounded whatever comes: so many messages and characters of each call, so many calls, so much of each message.
What belongs to no call (strangers, OPTIONS) has a room of its own, and cannot push out a call's; and the calls of
strangers, however many, cannot push out one that is still running.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container

from engine.model import SipMessage

MESSAGES_PER_CALL = 200
CALLS = 24
MOST_CHARACTERS = 6000  # of one message
MOST_OF_A_LINE = 100  # characters: of what is told of it in a row
CHARACTERS_PER_CALL = 300_000  # of all its messages
REPEATED_WITHIN = 40  # messages of a call are looked through for the same one


class Ladder:
    """Mutable; the phone notes messages, faces see the tuple."""

    def __init__(self, running: Container[int] = ()) -> None:
        """``running`` has the calls that are not over."""
        self._running = running
        self._calls: dict[int | None, deque[SipMessage]] = {}
        self._whose: dict[str, int] = {}  # Call-ID to call, for the calls that are kept
        self._number = 0
        self._view: tuple[SipMessage, ...] | None = ()

    def note(self, call: int | None, direction: str, peer: tuple[str, int], data: bytes, time: float) -> None:
        """One message, at ``time`` (seconds since the epoch); ``call`` None where it is not known whose it is."""
        text = data[: 4 * MOST_CHARACTERS].decode("utf-8", "replace")
        headers = _headers(text)
        call_id = headers.get("call-id") or headers.get("i", "")
        if call is None:
            call = self._whose.get(call_id)
        kept = self._room(call)
        if call is not None and call_id and not kept:
            self._whose[call_id] = call
        self._number += 1
        kept.append(
            SipMessage(
                number=self._number,
                call=call,
                time=time,
                direction=direction,
                peer=peer,
                label=_label(text),
                cseq=headers.get("cseq", "")[:MOST_OF_A_LINE],
                has_sdp=(headers.get("content-type") or headers.get("c", "")).lower().startswith("application/sdp"),
                proxied="record-route" in headers or "route" in headers,
                repeats=_repeated(kept, direction, text[:MOST_CHARACTERS]),
                text=text[:MOST_CHARACTERS],
                octets=len(data),
            )
        )
        self._trim(kept)
        self._view = None

    def _room(self, call: int | None) -> deque[SipMessage]:
        kept = self._calls.get(call)
        if kept is None:
            kept = self._calls[call] = deque(maxlen=MESSAGES_PER_CALL)
            self._make_room(call)
        return kept

    def _make_room(self, newest: int | None) -> None:
        """Forget the oldest call that is over; the newest may not be known as running yet."""
        numbers = [number for number in self._calls if number is not None]
        over = [number for number in numbers if number != newest and number not in self._running]
        if len(numbers) > CALLS and over:
            gone = min(over)
            del self._calls[gone]
            self._whose = {call_id: call for call_id, call in self._whose.items() if call != gone}

    @staticmethod
    def _trim(kept: deque[SipMessage]) -> None:
        while sum(len(message.text) for message in kept) > CHARACTERS_PER_CALL:
            kept.popleft()

    @property
    def view(self) -> tuple[SipMessage, ...]:
        """All that is kept, in the order of time; made anew only when something came."""
        if self._view is None:
            kept = [message for room in self._calls.values() for message in room]
            self._view = tuple(sorted(kept, key=lambda message: message.number))
        return self._view


def _headers(text: str) -> dict[str, str]:
    """The first of each header, its name in small letters; for the look of it alone, so nothing is checked."""
    found: dict[str, str] = {}
    for line in text.partition("\r\n\r\n")[0].split("\r\n")[1:]:
        name, colon, value = line.partition(":")
        if colon:
            found.setdefault(name.strip().lower(), value.strip())
    return found


def _label(text: str) -> str:
    """``INVITE``, or ``486 Busy Here``."""
    first = text.partition("\r\n")[0]
    if first.startswith("SIP/2.0 "):
        return first[8:].strip()[:MOST_OF_A_LINE]
    return first.partition(" ")[0][:MOST_OF_A_LINE]


def _repeated(kept: deque[SipMessage], direction: str, text: str) -> int | None:
    """The number of the message that this one is once more."""
    for back in range(1, min(len(kept), REPEATED_WITHIN) + 1):
        earlier = kept[-back]
        if earlier.direction == direction and earlier.text == text:
            return earlier.number if earlier.repeats is None else earlier.repeats
    return None
