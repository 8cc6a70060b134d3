"""One call (RFC 3261 sections 13 to 15): INVITE to BYE, as caller or as callee, with its offers and answers.

Theory of operation. A session is in one of six states, changed in one place:

    calling   our INVITE is out               incoming  theirs is here
    up        a 2xx was sent or came          ending    BYE or CANCEL is out, its answer is not in
    refused   we said no, the ACK is not in   ended     over; told once

Two things run beside the state. A 2xx of ours is repeated until its ACK comes (T1, doubling to T2), for 32 s; then
the call is hung up. And a re-INVITE of either side may be open, but never two: theirs is answered 491 while ours
is out, ours is tried again after their 491 (section 14.1).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engine.sip import events
from engine.sip.dialog import Dialog
from engine.sip.message import Headers, Message, Request, Response, SipError, Uri
from engine.sip.reasons import phrase, reason_text
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
from engine.sip.transaction import T1, T2, TIMEOUT, InviteServer, Server

Address = tuple[str, int]

MODIFY_TRIES = 4
MAX_FORKS = 16


class Endpoint(Protocol):
    """What a session asks of the user agent it belongs to."""

    def via(self) -> str: ...

    def contact(self) -> str: ...

    def token(self, bits: int = 64) -> str: ...

    def chance(self, low: float, high: float) -> float: ...

    def start(self, request: Request, destination: Address, tell: Callable, now: float) -> None: ...

    def send(self, data: bytes, destination: Address, call: int | None) -> None: ...

    def tell(self, event: events.SipEvent) -> None: ...

    def closed(self, session: Session) -> None: ...


@dataclass(slots=True)
class _Repeated:
    """A 2xx that is sent again until its ACK comes."""

    data: bytes
    destination: Address
    sequence: int
    interval: float
    next: float
    until: float


class Session:
    """One call. ``call`` is its number; ``audio`` what we last said we can do."""

    def __init__(self, call: int, endpoint: Endpoint) -> None:
        self.call = call
        self.state = "calling"
        self.dialog: Dialog | None = None
        self.early: dict[str | None, Dialog] = {}
        self.local_tag = endpoint.token()
        self.invite: Request | None = None
        self.audio: LocalAudio | None = None
        self.agreement: Agreement | None = None
        self.scheduled: float | None = None
        self._endpoint = endpoint
        self._destination: Address = ("", 0)
        self._server: InviteServer | None = None
        self._said: SessionDescription | None = None  # our last description
        self._session_id = int(endpoint.token(), 16) >> 2
        self._version = 0
        self._offer_open = False  # our offer waits for its answer
        self._provisional = False
        self._cancelled = False
        self._repeated: _Repeated | None = None
        self._acks: dict[tuple[str | None, int], tuple[bytes, Address]] = {}
        self._ring_until: float | None = None
        self._modify: LocalAudio | None = None
        self._modify_open = False
        self._modify_again: float | None = None
        self._modify_tries = 0
        self._failed: int | None = None
        self._confirmed = False
        self._end_reason = ""

    # ------------------------------------------------------------------ time

    @property
    def over(self) -> bool:
        return self.state == "ended"

    def deadline(self) -> float | None:
        moments = [self._ring_until, self._modify_again]
        if self._repeated is not None:
            moments += [self._repeated.next, self._repeated.until]
        running = [moment for moment in moments if moment is not None]
        return min(running) if running else None

    def handle_timer(self, now: float) -> None:
        if self._repeated is not None:
            self._repeat(self._repeated, now)
        if self._ring_until is not None and now >= self._ring_until:
            self.reject(480, now)
        if self._modify_again is not None and now >= self._modify_again:
            self._modify_again = None
            self._send_modify(now)

    def _repeat(self, repeated: _Repeated, now: float) -> None:
        if now >= repeated.until:
            self._repeated = None
            self._end_reason = "our answer was never acknowledged"
            self._failed = 408
            self._send_bye(now)
            return
        while repeated.next <= now:
            self._endpoint.send(repeated.data, repeated.destination, self.call)
            repeated.interval = min(2 * repeated.interval, T2)
            repeated.next += repeated.interval

    # ------------------------------------------------------------------ the one setter

    def _enter(self, state: str) -> None:
        if self.state == state or self.state == "ended":
            return
        self.state = state
        if state == "ending":
            self._ring_until = self._modify_again = None
            self._endpoint.tell(events.HangingUp(self.call))

    def _end(self, status: int | None, reason: str, by: str, failure: bool) -> None:
        """Told exactly once."""
        if self.state == "ended":
            return
        self._ring_until = self._modify_again = self._repeated = None
        self._enter("ended")
        self._endpoint.tell(events.CallEnded(self.call, status, reason, by, failure))
        self._endpoint.closed(self)

    # ------------------------------------------------------------------ caller

    def call_out(self, target: Uri, audio: LocalAudio | None, local: str, now: float) -> None:
        """Send the INVITE; without ``audio`` the offer is left to the far end."""
        headers = Headers()
        headers.add("Via", self._endpoint.via())
        headers.add("Max-Forwards", "70")
        headers.add("From", f"{local};tag={self.local_tag}")
        headers.add("To", f"<{target.without_headers()}>")
        headers.add("Call-ID", self._endpoint.token(128))
        headers.add("CSeq", f"{1 + int(self._endpoint.token(24), 16) // 2} INVITE")
        headers.add("Contact", self._endpoint.contact())
        headers.add("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS")
        self.audio = audio
        body = b""
        if audio is not None:
            headers.add("Content-Type", "application/sdp")
            body = self._offer(audio)
        self.invite = Request("INVITE", str(target.without_headers()), headers, body)
        self._destination = target.address()
        self._endpoint.start(self.invite, self._destination, self._invite_news, now)

    def _invite_news(self, what: str, message: Message | None, now: float) -> None:
        if what == "response" and isinstance(message, Response):
            self._invite_response(message, now)
        elif what == "timeout":
            self._end(408, self._end_reason or "no answer", "here" if self._cancelled else "network", not self._cancelled)
        elif what == "transport":
            self._end(503, "nobody listens there", "network", True)

    def _invite_response(self, response: Response, now: float) -> None:
        if response.status < 200:
            self._provisional_response(response, now)
        elif response.status < 300:
            self._success(response, now)
        elif self._cancelled and response.status == 487:
            self._end(487, self._end_reason or "cancelled", "here", False)
        else:
            self._end(response.status, self._failure_text(response), "there", True)

    @staticmethod
    def _failure_text(response: Response) -> str:
        text = reason_text(response.status)
        if 300 <= response.status < 400:
            where = response.headers.get("contact")
            return f"{text} to {where}: dial it if you trust it" if where else text
        return text

    def _provisional_response(self, response: Response, now: float) -> None:
        self._provisional = True
        if self._cancelled and self.state == "ending":
            self._send_cancel(now)
            return
        if response.status == 100 or self.state != "calling":
            return
        tag = response.to.tag
        if tag is not None and tag not in self.early and len(self.early) < MAX_FORKS and self.invite is not None:
            self.early[tag] = Dialog.as_caller(self.invite, response)
        body = response.sdp()
        self._endpoint.tell(
            events.Progress(self.call, response.status, phrase(response.status), has_media=body is not None)
        )
        if body is not None and self.agreement is None:
            self._read_answer(body, early=True)

    def _success(self, response: Response, now: float) -> None:
        assert self.invite is not None
        tag = response.to.tag
        known = self._acks.get((tag, response.cseq.number))
        if known is not None:
            self._endpoint.send(*known, self.call)  # our ACK was lost
            return
        dialog = Dialog.as_caller(self.invite, response)
        if self.dialog is not None or self.state not in ("calling", "ending"):
            self._refuse_fork(dialog, response, now)
            return
        self.dialog = dialog
        if self.state == "ending":  # the 200 crossed our CANCEL
            self._acknowledge(dialog, response.cseq.number)
            self._send_bye(now)
            return
        self._enter("up")
        body, answer = response.sdp(), b""
        if self._offer_open:
            agreed = self.agreement is not None if body is None else self._read_answer(body, early=False)
        else:
            answer, agreed = self._answer_late(body)
        self._acknowledge(dialog, response.cseq.number, answer)
        if not agreed:
            self._failed, self._end_reason = 488, "no codec in common"
            self._send_bye(now)
            return
        if body is None and self.agreement is not None:
            self._offer_open = False
            self._endpoint.tell(events.MediaAgreed(self.call, self.agreement, early=False))
        self._endpoint.tell(events.Accepted(self.call))
        self._confirm()

    def _answer_late(self, body: bytes | None) -> tuple[bytes, bool]:
        """The 2xx held the offer; our answer goes into the ACK (RFC 3261 section 13.2.1)."""
        if body is None or self.audio is None:
            return b"", False
        try:
            answer, agreement = self._make_answer(body, self.audio)
        except SdpError:
            return b"", False
        if agreement is not None:
            self._agree(agreement, early=False)
        return answer, agreement is not None

    def _refuse_fork(self, dialog: Dialog, response: Response, now: float) -> None:
        """Another phone of the same callee took the call too: one is enough (section 13.2.2.4)."""
        if len(self._acks) >= MAX_FORKS:
            return
        self._acknowledge(dialog, response.cseq.number)
        bye = dialog.request("BYE", self._endpoint.via())
        self._endpoint.start(bye, dialog.next_hop(), _deaf, now)

    def _acknowledge(self, dialog: Dialog, sequence: int, body: bytes = b"") -> None:
        ack = dialog.request("ACK", self._endpoint.via(), sequence)
        if body:
            ack.headers.add("Content-Type", "application/sdp")
            ack.body = body
        kept = self._acks[dialog.remote_tag, sequence] = (ack.encode(), dialog.next_hop())
        self._endpoint.send(*kept, self.call)

    def _confirm(self) -> None:
        if not self._confirmed:
            self._confirmed = True
            self._endpoint.tell(events.Confirmed(self.call))

    # ------------------------------------------------------------------ callee

    def called(self, invite: Request, server: InviteServer, source: Address, early_s: float, now: float) -> None:
        """An INVITE that may be taken has come."""
        self.state = "incoming"
        self.invite = invite
        self._server = server
        self._destination = source
        self._ring_until = now + early_s
        first = 1 + int(self._endpoint.token(24), 16) // 2
        self.dialog = Dialog.as_callee(invite, self.local_tag, first)
        self.dialog.note_host(source[0])
        has_offer = invite.sdp() is not None
        self._endpoint.tell(events.IncomingCall(self.call, invite.from_, invite.to, source, has_offer))

    def ring(self, now: float) -> None:
        self._respond(180, now)

    def progress(self, audio: LocalAudio, now: float) -> None:
        """183 with our answer: they hear us before we take the call."""
        if self.state == "incoming":
            self._respond(183, now, self._first_description(audio, early=True))

    def accept(self, audio: LocalAudio, now: float) -> None:
        """200 with the answer, or with our offer when theirs was left out."""
        if self.state != "incoming" or self._server is None:
            return
        body = self._said.encode() if self.agreement and self._said else self._first_description(audio, early=False)
        if body is None:
            self.reject(488, now)
            return
        self._ring_until = None
        self._enter("up")
        self._respond_success(self._server, body, now)
        if self.agreement is not None:
            self._endpoint.tell(events.MediaAgreed(self.call, self.agreement, early=False))
        self._endpoint.tell(events.Accepted(self.call))

    def reject(self, status: int, now: float) -> None:
        """Refuse an incoming call."""
        if self.state == "incoming":
            self._respond(status, now)
            self._end(status, reason_text(status), "here", True)

    def cancel(self, now: float) -> None:
        """Their CANCEL (section 9.2): the INVITE ends with 487."""
        if self.state == "incoming":
            self._respond(487, now)
            self._end(487, "the caller gave up", "there", True)

    def _first_description(self, audio: LocalAudio, early: bool) -> bytes | None:
        """Our answer to the INVITE's offer, or our own offer."""
        self.audio = audio
        offer = self.invite.sdp() if self.invite is not None else None
        if offer is None:
            return self._offer(audio)
        try:
            answer, agreement = self._make_answer(offer, audio)
        except SdpError:
            return None
        if agreement is None:
            return None
        self.agreement = agreement
        if early:
            self._endpoint.tell(events.MediaAgreed(self.call, agreement, early=True))
        return answer

    def _respond(self, status: int, now: float, body: bytes | None = None) -> None:
        if self._server is None or self.state not in ("incoming", "up"):
            return
        self._server.respond(self._response(self._server.request, status, body or b""), now)

    def _respond_success(self, server: InviteServer, body: bytes, now: float) -> None:
        response = self._response(server.request, 200, body)
        server.respond(response, now)
        destination = reply_address(server.request, self._destination)
        self._repeated = _Repeated(
            response.encode(), destination, server.request.cseq.number, T1, now + T1, now + TIMEOUT
        )

    def _response(self, request: Request, status: int, body: bytes = b"") -> Response:
        response = make_response(request, status, self.local_tag)
        if status < 300:
            for route in request.headers.get_all("record-route"):
                response.headers.add("Record-Route", route)
            response.headers.add("Contact", self._endpoint.contact())
            response.headers.add("Allow", "INVITE, ACK, CANCEL, BYE, OPTIONS")
        if body:
            response.headers.add("Content-Type", "application/sdp")
            response.body = body
        return response

    # ------------------------------------------------------------------ requests within the dialog

    def acknowledged(self, ack: Request, now: float) -> bool:
        """An ACK in our dialog; False when it belongs to no 2xx of ours."""
        repeated = self._repeated
        if repeated is None or ack.cseq.number != repeated.sequence:
            return False
        self._repeated = None
        if self._offer_open:
            body = ack.sdp()
            if body is None or not self._read_answer(body, early=False):
                self._failed, self._end_reason = 488, "no codec in common"
                self._send_bye(now)
                return True
        if self.state == "up":
            self._confirm()
        return True

    def bye(self, request: Request, server: Server, now: float) -> None:
        server.respond(make_response(request, 200, self.local_tag), now)
        if self.state == "incoming":
            self._respond(487, now)
        self._end(None, self._end_reason or "the far end hung up", "there" if self.state != "ending" else "here",
                  self._failed is not None)

    def reinvite(self, request: Request, server: InviteServer, source: Address, now: float) -> int | None:
        """Their re-INVITE; answers it, or returns the status to refuse it with."""
        if self._modify_open or self._offer_open:
            return 491
        if self.state != "up" or self._repeated is not None:
            return 500
        assert self.dialog is not None and self.audio is not None
        body = request.sdp()
        if body is None:
            description = self._offer(self.audio)
        else:
            answer, agreement = self._make_answer_or_none(body)
            if agreement is None:
                return 488
            if self._moves_media(agreement, source):
                self._endpoint.tell(events.MediaMoveRefused(self.call, source, agreement.remote or ("", 0)))
                return 403
            self.agreement, description = agreement, answer
        self.dialog.refresh(request.contacts)
        self.dialog.note_host(source[0])
        self._respond_success(server, description, now)
        if body is not None and self.agreement is not None:
            self._endpoint.tell(events.MediaAgreed(self.call, self.agreement, early=False))
        return None

    def _make_answer_or_none(self, body: bytes) -> tuple[bytes, Agreement | None]:
        said, version = self._said, self._version
        try:
            answer, agreement = self._make_answer(body, self.audio)  # type: ignore[arg-type]
        except SdpError:
            answer, agreement = b"", None
        if agreement is None:
            self._said, self._version = said, version
        return answer, agreement

    def _moves_media(self, agreement: Agreement, source: Address) -> bool:
        """Would an address this dialog never used send the sound elsewhere?"""
        assert self.dialog is not None
        if source[0].lower() in self.dialog.hosts or self.agreement is None or agreement.remote is None:
            return False
        return agreement.remote != self.agreement.remote

    # ------------------------------------------------------------------ what the user does

    def hang_up(self, now: float) -> None:
        """End the call as its state asks."""
        if self.state == "calling":
            self._cancelled = True
            self._enter("ending")
            if self._provisional:
                self._send_cancel(now)
        elif self.state == "incoming":
            self.reject(603, now)
        elif self.state == "up":
            self._send_bye(now)

    def _send_cancel(self, now: float) -> None:
        """Section 9.1: same branch, same everything, only once something has come back."""
        if self.invite is None:
            return
        headers = Headers()
        for name in ("via", "max-forwards", "route", "from", "to", "call-id"):
            value = self.invite.headers.get(name)
            if value is not None:
                headers.add(name, value)
        headers.add("CSeq", f"{self.invite.cseq.number} CANCEL")
        self._provisional = False
        self._cancelled = False
        request = Request("CANCEL", self.invite.uri, headers)
        self._endpoint.start(request, self._destination, self._cancel_news, now)
        self._cancelled = True

    def _cancel_news(self, what: str, message: Message | None, now: float) -> None:
        if what in ("timeout", "transport"):
            self._end(487, self._end_reason or "cancelled", "here", False)

    def _send_bye(self, now: float) -> None:
        if self.dialog is None:
            return
        self._enter("ending")
        self._repeated = None
        bye = self.dialog.request("BYE", self._endpoint.via())
        self._endpoint.start(bye, self.dialog.next_hop(), self._bye_news, now)

    def _bye_news(self, what: str, message: Message | None, now: float) -> None:
        if what == "response" and isinstance(message, Response) and message.status < 200:
            return
        if what != "ended":
            by = "network" if self._failed else "here"
            self._end(self._failed, self._end_reason or "we hung up", by, self._failed is not None)

    def modify(self, audio: LocalAudio, now: float) -> None:
        """Offer something else in this call (hold, resume)."""
        if self.state != "up":
            return
        self._modify, self._modify_tries = audio, 0
        if not self._modify_open and self._modify_again is None:
            self._send_modify(now)

    def _send_modify(self, now: float) -> None:
        if self.dialog is None or self._modify is None or self.state != "up":
            return
        if self._repeated is not None or not self._confirmed:
            self._modify_again = now + T1  # their INVITE is not done yet
            return
        self._modify_tries += 1
        self._modify_open = True
        self.audio = self._modify
        request = self.dialog.request("INVITE", self._endpoint.via())
        request.headers.add("Contact", self._endpoint.contact())
        request.headers.add("Content-Type", "application/sdp")
        request.body = self._offer(self.audio)
        self._endpoint.start(request, self.dialog.next_hop(), self._modify_news, now)

    def _modify_news(self, what: str, message: Message | None, now: float) -> None:
        if what == "response" and isinstance(message, Response):
            if 200 <= message.status < 300:
                self._modified(message, now)
            elif message.status >= 300:
                self._not_modified(message.status, now)
        elif what in ("timeout", "transport"):
            self._not_modified(408, now)

    def _modified(self, response: Response, now: float) -> None:
        assert self.dialog is not None
        known = self._acks.get((response.to.tag, response.cseq.number))
        if known is not None:
            self._endpoint.send(*known, self.call)
            return
        if len(self._acks) >= MAX_FORKS:
            del self._acks[next(iter(self._acks))]
        self.dialog.refresh(response.contacts)
        self._acknowledge(self.dialog, response.cseq.number)
        self._modify_open = False
        asked, self._modify = self._modify, None
        body = response.sdp()
        if body is None or not self._read_answer(body, early=False):
            self._offer_open = False
            self._endpoint.tell(events.ModifyFailed(self.call, 488))
        elif asked is not None and asked is not self.audio:
            self.modify(asked, now)  # the user changed his mind meanwhile

    def _not_modified(self, status: int, now: float) -> None:
        self._modify_open = self._offer_open = False
        if self.state != "up":
            return
        if status == 491 and self._modify_tries < MODIFY_TRIES:
            caller = self._server is None
            self._modify_again = now + (self._endpoint.chance(2.1, 4.0) if caller else self._endpoint.chance(0.0, 2.0))
            return
        self._modify = None
        if status in (408, 481):  # section 14.1: the dialog is gone
            self._failed, self._end_reason = status, reason_text(status)
            self._send_bye(now)
            return
        self._endpoint.tell(events.ModifyFailed(self.call, status))

    # ------------------------------------------------------------------ offer and answer

    def _offer(self, audio: LocalAudio) -> bytes:
        self._version += 1
        self._offer_open = True
        body = make_offer(audio, self._session_id, self._version, self._said)
        self._said = parse(body)
        return body

    def _make_answer(self, offer: bytes, audio: LocalAudio) -> tuple[bytes, Agreement | None]:
        before = self._said
        body, agreement = make_answer(parse(offer), audio, self._session_id, self._version)
        said = parse(body)
        if before is None or said.encode() != before.encode():
            self._version += 1
            body, agreement = make_answer(parse(offer), audio, self._session_id, self._version)
            said = parse(body)
        self._said = said
        return body, agreement

    def _read_answer(self, body: bytes, early: bool) -> bool:
        if self._said is None or self.audio is None:
            return False
        try:
            agreement = read_answer(self._said, parse(body), self.audio)
        except SdpError:
            return False
        if agreement is None:
            return False
        if not early:
            self._offer_open = False
        self._agree(agreement, early)
        return True

    def _agree(self, agreement: Agreement, early: bool) -> None:
        self.agreement = agreement
        self._endpoint.tell(events.MediaAgreed(self.call, agreement, early))


def _deaf(what: str, message: Message | None, now: float) -> None:
    """Nobody waits for this answer."""


def make_response(request: Request, status: int, tag: str | None = None) -> Response:
    """Section 8.2.6: the request's Via, From, To, Call-ID and CSeq, as they came; our tag where none is yet."""
    headers = Headers()
    for name, value in request.headers.items():
        if name in ("via", "from", "call-id", "cseq"):
            headers.add(name, value)
        elif name == "to":
            headers.add("To", value if tag is None or _has_tag(request) else f"{value};tag={tag}")
    return Response(status, phrase(status), headers)


def _has_tag(request: Request) -> bool:
    try:
        return request.to.tag is not None
    except SipError:
        return True  # unreadable: leave it as it is


def reply_address(request: Request, source: Address) -> Address:
    """Where a response goes (section 18.2.2, RFC 3581): back to the source, at the port that was asked for."""
    via = request.via
    return source if "rport" in via.params else (source[0], via.sent_by[1] or 5060)
