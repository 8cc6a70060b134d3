"""The user agent: the whole SIP endpoint over UDP, as five verbs and the verbs of a phone.

Theory of operation. A datagram is parsed, screened, matched to a transaction, then to a dialog, then taken for a
new call; the first that fits has it. A request that needs no memory is answered without keeping any (section
8.2.7), with a tag made from the request and a secret, so that a flood costs nothing and its ACKs are known. All
tables are bounded, and incoming calls that nobody has acknowledged may take only a part of the lines. A caller who is
there acknowledges within a round trip; so when that part is full, one that has waited longer makes room: the oldest of
the host that has most of them. What that costs is bounded by ``ACK_OVERDUE_S``, too.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import Any

try:  # what hashlib would give, without OpenSSL, which takes 3 MB
    from _blake2 import blake2s
except ImportError:  # a Python that has no hash functions of its own
    from hashlib import blake2s

from engine.sip import events
from engine.sip.callee import CalleeSession
from engine.sip.caller import CallerSession
from engine.sip.dialog import Dialog
from engine.sip.endpoint import Address, Counters, Endpoint, Key, Limits
from engine.sip.message import Headers, Message, Request, Response, SipError, Uri, parse
from engine.sip.reasons import phrase, reason_text
from engine.sip.replies import ALLOW, make_response, reply_address, stamp
from engine.sip.screening import MAX_MESSAGE, Refusal, check_routes, readable, screen, screen_invite
from engine.sip.sdp import Format, LocalAudio, SdpError
from engine.sip.sdp import parse as parse_sdp
from engine.sip.session import Session
from engine.sip.transaction import InviteClient, InviteServer
from engine.sip.uri import hostport_text

__all__ = ["Address", "Counters", "Limits", "UserAgent"]

MOST_METHODS = 64
ACK_OVERDUE_S = 0.5  # longer than a round trip; the 2xx has been sent again by then (T1)

_CAPABILITIES = Refusal(
    200,
    (
        ("Allow", ALLOW), ("Accept", "application/sdp"), ("Accept-Encoding", "identity"), ("Accept-Language", "en"),
        ("Supported", ""),
    ),
)  # fmt: skip


class UserAgent:
    """Never raises for what the network sent; the phone's own mistakes raise SipError."""

    def __init__(
        self,
        *,
        local: Address,
        formats: tuple[Format, ...],
        entropy: Any,
        limits: Limits | None = None,
        busy: Callable[[], bool] = lambda: False,
    ) -> None:
        """``busy`` says whether a call would be turned away now: who asks by OPTIONS is told the same (11.2)."""
        self.local = local
        self._endpoint = Endpoint(local, entropy, limits or Limits())
        self._formats = formats
        self._offered = formats  # ever: a running call may still speak one of them
        self._busy = busy
        self._secret = self._endpoint.token(128).encode()
        self._from = f"<sip:{hostport_text(*local)}>"
        self._sessions: dict[int, Session] = {}
        self._dialogs: dict[tuple[str, str], Session] = {}  # (Call-ID, our tag)
        self._merged: set[Key] = set()  # section 8.2.2.2: INVITEs whose call or transaction lives
        self._next_call = 1
        self._next_query = 1

    # ------------------------------------------------------------------ the five verbs

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """One datagram."""
        if not data.strip(b"\r\n\0 "):
            return  # a keep-alive
        place = self._endpoint.place()
        call = None
        try:
            message = parse(data)
            call = self._call_of(message)
            if isinstance(message, Response):
                self._receive_response(message, source, now)
            else:
                self._receive_request(message, source, now)
            call = call or self._call_of(message)
        except SipError as error:
            self._malformed(error, source)
        self._endpoint.tell_message(call, "in", source, data, place)

    def datagrams(self) -> list[tuple[bytes, Address]]:
        """What is to be sent; takes it out."""
        return self._endpoint.take_datagrams()

    def deadline(self) -> float | None:
        """When :meth:`handle_timer` is due."""
        return self._endpoint.deadline()

    def handle_timer(self, now: float) -> None:
        """Fire whatever is due."""
        self._endpoint.handle_timer(now)

    def events(self) -> list[events.SipEvent]:
        """What happened; takes it out."""
        return self._endpoint.take_events()

    def transport_error(self, peer: Address, now: float) -> bool:
        """ICMP, or the name service, says that nobody is there; true when somebody was waiting for an answer."""
        return self._endpoint.transport_error(peer, now)

    @property
    def counters(self) -> Counters:
        return self._endpoint.counters

    @property
    def trace(self) -> bool:
        """Whether messages are told as events."""
        return self._endpoint.trace

    @trace.setter
    def trace(self, on: bool) -> None:
        self._endpoint.trace = on

    # ------------------------------------------------------------------ the phone's verbs

    def offer(self, formats: tuple[Format, ...]) -> None:
        """What new calls may bring from now on."""
        self._formats = formats
        self._offered = (*self._offered, *(item for item in formats if item not in self._offered))

    def invite(self, target: Uri, audio: LocalAudio, now: float, *, late_offer: bool = False) -> int:
        """Call ``target``; raises SipError when it is no address for us."""
        _check_target(target)
        if len(self._sessions) >= self._endpoint.limits.sessions:
            raise SipError("too many calls")
        session = CallerSession(self._next_call, self._endpoint, self._closed)
        self._keep(session)
        session.invite(target, audio, self._from, late_offer, now)
        if not session.over:
            self._dialogs[session.call_id, session.local_tag] = session
        return session.call

    def options(self, target: Uri, now: float) -> int:
        """Ask what the far end can do; OptionsAnswered says what came back."""
        _check_target(target)
        query, self._next_query = self._next_query, self._next_query + 1
        headers = Headers()
        headers.add("Via", self._endpoint.via())
        headers.add("Max-Forwards", "70")
        headers.add("From", f"{self._from};tag={self._endpoint.token()}")
        headers.add("To", f"<{target.without_headers()}>")
        headers.add("Call-ID", self._endpoint.token(128))
        headers.add("CSeq", "1 OPTIONS")
        headers.add("Contact", self._endpoint.contact)
        headers.add("Accept", "application/sdp")

        def news(what: str, message: Message | None, at: float) -> None:
            if isinstance(message, Response):
                if message.status >= 200:
                    self._endpoint.tell(_capabilities(query, message))
            elif what != "ended":
                why = reason_text(408) if what == "timeout" else "nobody listens there"
                self._endpoint.tell(events.OptionsAnswered(query, None, why))

        request = Request("OPTIONS", str(target.without_headers()), headers)
        self._endpoint.start(request, target.address(), news, now)
        return query

    def ring(self, call: int, now: float) -> None:
        """180 Ringing."""
        session = self._sessions.get(call)
        if isinstance(session, CalleeSession):
            session.ring(now)

    def progress(self, call: int, audio: LocalAudio, now: float) -> None:
        """183 with our answer (early media)."""
        session = self._sessions.get(call)
        if isinstance(session, CalleeSession):
            session.progress(audio, now)

    def accept(self, call: int, audio: LocalAudio, now: float) -> None:
        """200 with our answer, or our offer."""
        session = self._sessions.get(call)
        if isinstance(session, CalleeSession):
            session.accept(audio, now)

    def reject(self, call: int, status: int, now: float) -> None:
        session = self._sessions.get(call)
        if isinstance(session, CalleeSession):
            session.reject(status, now)

    def hang_up(self, call: int, now: float) -> None:
        """CANCEL, BYE or 603, as the state asks."""
        session = self._sessions.get(call)
        if session is not None:
            session.hang_up(now)

    def leave(self, now: float) -> None:
        """The program ends now: every call is hung up, as far as that can be done without waiting for an answer."""
        for session in list(self._sessions.values()):
            session.hang_up(now)
            session.leave(now)

    def modify(self, call: int, audio: LocalAudio, now: float) -> None:
        """Re-INVITE with another offer."""
        session = self._sessions.get(call)
        if session is not None:
            session.modify(audio, now)

    # ------------------------------------------------------------------ calls

    def _keep(self, session: Session) -> None:
        self._next_call += 1
        self._sessions[session.call] = session

    def _closed(self, session: Session) -> None:
        """A session has ended: nothing of it is kept but its transactions, which end by themselves."""
        self._sessions.pop(session.call, None)
        self._dialogs.pop((session.call_id, session.local_tag), None)
        self._endpoint.forget(session)
        if isinstance(session, CalleeSession) and session.server.over:
            self._merged.discard(session.merged)

    def _call_of(self, message: Message) -> int | None:
        """Whose message this is, for the trace alone."""
        if not self._endpoint.trace:
            return None
        try:
            ours = message.from_ if isinstance(message, Response) else message.to
            session = self._dialogs.get((message.call_id, ours.tag or ""))
            if session is None and isinstance(message, Request):
                session = next((known for known in self._sessions.values() if known.call_id == message.call_id), None)
        except SipError:
            return None
        return None if session is None else session.call

    # ------------------------------------------------------------------ responses

    def _receive_response(self, response: Response, source: Address, now: float) -> None:
        client = self._endpoint.client_of(response)
        if client is None or len(response.headers.get_all("via")) != 1:  # section 8.1.3.3
            self.counters.stray += 1
            return
        _ = response.to
        if response.size > MAX_MESSAGE:
            raise SipError("a response too large to be worth reading")
        if isinstance(client, InviteClient) and 200 <= response.status < 300:
            check_routes(response)
        session = self._dialogs.get((response.call_id, response.from_.tag or ""))
        client.receive(response, now)
        self._endpoint.schedule(client)
        if session is not None and session.dialog is not None:
            session.dialog.note_host(source[0])

    # ------------------------------------------------------------------ requests

    def _malformed(self, error: SipError, source: Address) -> None:
        """The one door for what cannot be read: counted, and answered where that is possible."""
        self.counters.malformed += 1
        request: Any = error.request
        if request is None or request.method == "ACK" or not readable(request):
            return
        stamp(request, source)
        self._answer(request, Refusal(error.status), source)

    def _receive_request(self, request: Request, source: Address, now: float) -> None:
        stamp(request, source)
        refusal = screen(request)
        if refusal is not None:
            if request.method == "ACK":
                raise SipError("an ACK that nobody can use")
            self._refuse(request, refusal, source)
            return
        key = _server_key(request)
        server = self._endpoint.servers.get(key)
        if server is not None:
            server.receive(request, now)
            self._endpoint.schedule(server)
        elif request.method == "ACK":
            self._acknowledge(request, source, now)
        elif request.method == "CANCEL":
            self._cancel(request, source, now)
        elif request.to.tag is not None:
            self._within_dialog(request, key, source, now)
        elif request.method == "INVITE":
            self._new_call(request, key, source, now)
        elif request.method == "OPTIONS":
            self._answer(request, replace(_CAPABILITIES, status=486) if self._busy() else _CAPABILITIES, source)
        else:
            self._refuse(request, Refusal(481), source)

    def _dialog_of(self, request: Request) -> tuple[Session, Dialog] | None:
        """By Call-ID and both tags: one of them alone is a stranger's guess."""
        session = self._dialogs.get((request.call_id, request.to.tag or ""))
        dialog = None if session is None else session.dialog_with(request.from_.tag)
        return None if session is None or dialog is None else (session, dialog)

    def _acknowledge(self, request: Request, source: Address, now: float) -> None:
        found = self._dialog_of(request)
        if found is not None:
            found[0].acknowledged(request, source, now)
        elif request.to.tag != self._tag(request):  # else it acknowledges a refusal that was not kept
            self.counters.stray += 1

    def _cancel(self, request: Request, source: Address, now: float) -> None:
        """Section 9.2: it cancels the INVITE with the same branch, if that has no final answer yet."""
        key = _server_key(request, "INVITE")
        invite = self._endpoint.servers.get(key)
        if not isinstance(invite, InviteServer) or not _cancels(request, invite):
            self._refuse(request, Refusal(481), source)
            return
        session = next((known for known in self._callees() if known.server is invite), None)
        tag = self._tag(request) if session is None else session.local_tag
        self._reply(make_response(request, 200, tag), request, source)
        if session is not None:
            session.cancel(now)
            self._endpoint.schedule(invite)

    def _within_dialog(self, request: Request, key: Key, source: Address, now: float) -> None:
        session, dialog = self._dialog_of(request) or (None, None)
        if session is None or dialog is None:
            self._refuse(request, Refusal(481), source)
        elif request.method == "BYE" and dialog is not session.dialog:
            self._refuse(request, Refusal(481), source)  # section 15: an early dialog is only for its caller to end
        elif self._endpoint.full and request.method == "INVITE":  # its number does not count: it may come again
            self._turn_away(request, 503, source)
        elif not dialog.accepts(request.cseq.number):
            self._refuse(request, Refusal(500), source)
        elif request.method == "INVITE":
            self._reinvite(session, dialog, request, key, source, now)
        elif request.method == "OPTIONS":
            response = _explain(make_response(request, 200, session.local_tag), _CAPABILITIES)
            self._serve_at_once(session, request, response, key, source, now)
        else:
            self._serve_at_once(session, request, make_response(request, 200, session.local_tag), key, source, now)
            session.bye(now)  # that the call is over is the last that is told of it

    def _serve_at_once(
        self, session: Session, request: Request, response: Response, key: Key, source: Address, now: float
    ) -> None:
        """Answer, and once more if the request comes again: its number has been counted, so nobody else will."""
        if self._endpoint.full:  # a call may end however great the flood
            self._reply(response, request, source)
            return
        server = self._endpoint.serve(request, key, source, _nothing, now, session.call)
        server.respond(response, now)
        self._endpoint.schedule(server)

    def _reinvite(
        self, session: Session, dialog: Dialog, request: Request, key: Key, source: Address, now: float
    ) -> None:
        def news(what: str, message: Message | None, at: float) -> None:
            if what == "request" and isinstance(message, Request):
                self._acknowledge(message, source, at)

        server = self._endpoint.serve(request, key, source, news, now, session.call)
        assert isinstance(server, InviteServer)
        refusal = screen_invite(request, self._offered, self.local[0])
        if refusal is None and dialog is not session.dialog:
            refusal = Refusal(491)  # our INVITE is still out there (section 14.2)
        if refusal is None:
            refusal = session.reinvite(request, server, source, now)
        if refusal is not None:
            self.counters.refused += 1
            response = _explain(make_response(request, refusal.status, session.local_tag), refusal)
            if refusal.status == 500:
                response.headers.add("Retry-After", str(self._endpoint.number(16) % 10))
            server.respond(response, now)
        self._endpoint.schedule(server)

    # ------------------------------------------------------------------ a new call

    def _new_call(self, request: Request, key: Key, source: Address, now: float) -> None:
        merged = (request.call_id, request.from_.tag, request.cseq.number)
        if merged in self._merged:
            self._refuse(request, Refusal(482), source)
        elif self._endpoint.full:
            self._turn_away(request, 503, source)
        elif not self._line_free(source, now):
            self._turn_away(request, 486, source)
        elif (refusal := screen_invite(request, self._formats, self.local[0])) is not None:
            self._refuse(request, refusal, source)
        else:
            self._take(request, key, merged, source, now)

    def _line_free(self, source: Address, now: float) -> bool:
        """Half-open calls take a part of the lines, and those of one host a smaller part."""
        limits = self._endpoint.limits
        waiting = [session for session in self._callees() if session.half_open]
        own = [session for session in waiting if session.source[0] == source[0]]
        if len(own) >= limits.half_open_per_host:
            return _makes_room(own, now)
        if len(waiting) < limits.half_open and len(self._sessions) < limits.sessions:
            return True
        return _makes_room(waiting, now)

    def _callees(self) -> list[CalleeSession]:
        return [session for session in self._sessions.values() if isinstance(session, CalleeSession)]

    def _take(self, request: Request, key: Key, merged: Key, source: Address, now: float) -> None:
        session = CalleeSession(self._next_call, self._endpoint, self._closed)
        session.merged, call = merged, session.call

        def news(what: str, message: Message | None, at: float) -> None:
            if what == "request" and isinstance(message, Request):
                self._acknowledge(message, source, at)
            elif what == "ended" and call not in self._sessions:
                self._merged.discard(merged)

        server = self._endpoint.serve(request, key, source, news, now, session.call)
        assert isinstance(server, InviteServer)
        self._keep(session)
        self._merged.add(merged)
        self._dialogs[request.call_id, session.local_tag] = session
        session.called(request, server, source, now)
        self._endpoint.schedule(server)

    # ------------------------------------------------------------------ answers that keep nothing

    def _refuse(self, request: Request, refusal: Refusal, source: Address) -> None:
        self.counters.refused += 1
        self._answer(request, refusal, source)

    def _turn_away(self, request: Request, status: int, source: Address) -> None:
        self.counters.overload += 1
        self._answer(request, Refusal(status), source)

    def _answer(self, request: Request, refusal: Refusal, source: Address) -> None:
        self._reply(_explain(make_response(request, refusal.status, self._tag(request)), refusal), request, source)

    def _reply(self, response: Response, request: Request, source: Address) -> None:
        self._endpoint.send(response.encode(), reply_address(request, source))

    def _tag(self, request: Request) -> str:
        """The same tag for the same request and its ACK, and no memory of it."""
        call_id, caller, cseq = (request.headers.get(name) or "" for name in ("call-id", "from", "cseq"))
        text = "\n".join([call_id, caller, cseq.partition(" ")[0], request.via.branch or ""])
        return blake2s(text.encode("utf-8", "surrogateescape"), key=self._secret, digest_size=8).hexdigest()


def _makes_room(waiting: list[CalleeSession], now: float) -> bool:
    """Of the calls whose ACK is overdue, the oldest of the host that has most of them ends. Is there one?"""
    overdue = [session for session in waiting if session.unacknowledged_for(now) >= ACK_OVERDUE_S]
    if not overdue:
        return False
    held = Counter(session.source[0] for session in waiting)
    max(overdue, key=lambda session: held[session.source[0]]).make_room(now)  # the first of equals
    return True


def _check_target(target: Uri) -> None:
    if target.scheme != "sip" or not target.host:
        raise SipError("only sip: addresses can be called")
    if (target.params.get("transport") or "udp").lower() != "udp":
        raise SipError("only UDP is spoken here")
    target.address()


def _capabilities(query: int, response: Response) -> events.OptionsAnswered:
    """Section 11.2; what of it cannot be read has not been said."""
    try:
        allow = tuple(response.headers.get_all("allow")[:MOST_METHODS])
    except SipError:
        allow = ()
    try:
        lines = parse_sdp(response.sdp() or b"").media
    except SdpError:
        lines = []
    formats = tuple(item for line in lines if line.kind == "audio" for item in line.payload_formats())
    return events.OptionsAnswered(query, response.status, response.reason, allow, formats)


def _explain(response: Response, refusal: Refusal) -> Response:
    response.reason = refusal.reason or phrase(refusal.status)
    for name, value in refusal.headers:
        response.headers.add(name, value)
    return response


def _nothing(what: str, message: Message | None, now: float) -> None:
    """A transaction that only repeats its answer has no news."""


def _cancels(cancel: Request, invite: InviteServer) -> bool:
    """Section 9.1: all but the method is the INVITE's. A branch alone is not enough to end a call."""
    return (cancel.call_id, cancel.from_.tag, cancel.cseq.number) == invite.quoted


def _server_key(request: Request, method: str | None = None) -> Key:
    """Section 17.2.3: branch, sent-by and method; for RFC 2543 peers everything that makes a request itself."""
    wanted = method or request.method
    wanted = "INVITE" if wanted == "ACK" else wanted
    via = request.via
    if via.has_cookie:
        return (via.branch_key, via.sent_by, wanted)
    tag = None if wanted == "INVITE" else request.to.tag
    return (request.uri, tag, request.from_.tag, request.call_id, request.cseq.number, str(via.sent_by), wanted)
