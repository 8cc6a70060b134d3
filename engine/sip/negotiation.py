"""The offers and answers of one call (RFC 3264, RFC 3261 section 13.2.1): what was said, what is agreed.

At most one offer is open at a time. An offer or answer that comes to nothing leaves everything as it was: what we
last said, the numbers of its lines, and what is agreed.
"""

from __future__ import annotations

from engine.sip.sdp import (
    Agreement,
    LocalAudio,
    SdpError,
    SessionDescription,
    make_answer,
    make_offer,
    parse,
    read_answer,
)

Address = tuple[str, int]


class Negotiation:
    """``audio`` is what we can do now, ``agreement`` what both sides settled on."""

    def __init__(self, session_id: int) -> None:
        self.audio: LocalAudio | None = None
        self.agreement: Agreement | None = None
        self.offer_open = False  # our offer waits for its answer
        self._session_id = session_id
        self._version = 0
        self._said: SessionDescription | None = None
        self._before: tuple[LocalAudio | None, SessionDescription | None] = (None, None)

    @property
    def said(self) -> bytes:
        """Our last description, as it was sent."""
        return b"" if self._said is None else self._said.encode()

    def offer(self, audio: LocalAudio) -> bytes:
        """Our offer; it stays open until it is answered or taken back."""
        self._before = self.audio, self._said
        self._version += 1
        body = make_offer(audio, self._session_id, self._version, self._said)
        self.audio, self._said, self.offer_open = audio, parse(body), True
        return body

    def take_back(self) -> None:
        """Our offer was refused: things are as they were before it (RFC 3261 section 14.1)."""
        if self.offer_open:
            self.audio, self._said = self._before
            self.offer_open = False

    def read(self, answer: bytes) -> Agreement | None:
        """What their answer to our open offer settles; nothing changes yet."""
        if self._said is None or self.audio is None:
            return None
        try:
            return read_answer(self._said, parse(answer), self.audio)
        except SdpError:
            return None

    def settle(self, agreement: Agreement, early: bool = False) -> None:
        """This is agreed now. An early answer may be followed by the one that counts."""
        self.agreement = agreement
        self.offer_open = self.offer_open and early

    def answer(self, offer: bytes, audio: LocalAudio) -> tuple[bytes, Agreement] | None:
        """(our answer, what it settles) for their offer; None when there is nothing in common. Changes nothing."""
        try:
            description = parse(offer)
        except SdpError:
            return None
        body, agreement = make_answer(description, audio, self._session_id, self._version)
        if agreement is not None and body != self.said:  # another version only for another content (section 8)
            body, agreement = make_answer(description, audio, self._session_id, self._version + 1)
        return None if agreement is None else (body, agreement)

    def any_answer(self, offer: bytes, audio: LocalAudio) -> bytes:
        """A valid answer, be it that every line is refused; empty for what is no offer at all. It settles nothing."""
        try:
            return make_answer(parse(offer), audio, self._session_id, self._version)[0]
        except SdpError:
            return b""

    def give(self, answer: bytes, agreement: Agreement, audio: LocalAudio) -> None:
        """The answer goes out: from now on it holds."""
        if answer != self.said:
            self._version += 1
        self.audio, self._said = audio, parse(answer)
        self.agreement = agreement

    def moves(self, agreement: Agreement) -> bool:
        """Would this send our sound or our reports elsewhere, or stop it, or change who may speak, or in what?"""
        return self.agreement is not None and _course(agreement) != _course(self.agreement)


def _course(agreement: Agreement) -> tuple[object, ...]:
    return agreement.remote, agreement.remote_rtcp, agreement.direction, agreement.send
