"""The user agent: the whole SIP endpoint over UDP, as five verbs and the verbs of a phone.

Theory of operation. A datagram is parsed, screened, matched to a transaction, then to a dialog, then taken for a
new call; the first that fits has it. Transactions and sessions say when they next want the time; the earliest is
at the top of one heap, whose stale entries are passed over. All tables are bounded: beyond the bound a request is
answered without keeping anything (section 8.2.7), with a tag made from the request and a secret, so that a flood
costs no memory and its ACKs find nothing.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from engine.sip import events
from engine.sip.grammar import split
from engine.sip.message import BRANCH_COOKIE, Message, Request, Response, SipError, Uri, Via, parse
from engine.sip.reasons import phrase
from engine.sip.screening import ALLOW, Refusal, readable, screen, screen_invite
from engine.sip.sdp import Format, LocalAudio
from engine.sip.session import Session, make_response, reply_address
from engine.sip.transaction import Client, InviteClient, InviteServer, Server, Transaction
from engine.sip.uri import hostport_text

Address = tuple[str, int]
Key = tuple[Any, ...]

TRYING_AFTER_S = 0.2
MAX_EVENTS = 10_000


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the endpoint keeps at most."""

    sessions: int = 64
    server_transactions: int = 2000
    client_transactions: int = 500
    early_s: float = 180.0  # how long a call rings here


@dataclass(slots=True)
class Counters:
    malformed: int = 0
    refused: int = 0
    stray: int = 0
    overload: int = 0


class UserAgent:
    """Never raises for what the network sent; the phone's own mistakes raise SipError."""

    def __init__(
        self,
        *,
        local: Address,
        formats: tuple[Format, ...],
        entropy: Any,
        display_name: str = "",
        limits: Limits | None = None,
    ) -> None:
        self.local = local
        self.trace = False
        self.counters = Counters()
        self._formats = formats
        self._entropy = entropy
        self._limits = limits or Limits()
        self._secret = self.token(128).encode()
        self._local_uri = f"<sip:{hostport_text(local[0], local[1])}>"
        self._from = f'"{display_name}" {self._local_uri}' if display_name else self._local_uri
        self._contact = f"<sip:{self.token(32)}@{hostport_text(local[0], local[1])}>"
        self._sent_by = hostport_text(local[0], local[1])
        self._out: list[tuple[bytes, Address]] = []
        self._events: list[events.SipEvent] = []
        self._calls: dict[int, Session] = {}
        self._dialogs: dict[tuple[str, str], Session] = {}  # (Call-ID, our tag)
        self._clients: dict[tuple[str, str], tuple[InviteClient | Client, Address]] = {}
        self._servers: dict[Key, InviteServer | Server] = {}
        self._merged: dict[tuple[str, str | None, int, str], Key] = {}
        self._lingering: list[Session] = []  # over for the phone, 2xx of forks may still come
        self._heap: list[tuple[float, int, Any]] = []
        self._serial = 0
        self._next_call = 1
        self._trying: dict[int, float] = {}  # call -> when 100 is due

    # ------------------------------------------------------------------ the five verbs

    def receive(self, data: bytes, source: Address, now: float) -> None:
        """One datagram."""
        if not data.strip(b"\r\n\0 "):
            return  # a keep-alive
        try:
            message = parse(data)
        except SipError as error:
            self._malformed(error, data, source)
            return
        if isinstance(message, Response):
            self._trace(None, "in", source, data)
            self._receive_response(message, source, now)
        else:
            self._receive_request(message, source, len(data), data, now)

    def datagrams(self) -> list[tuple[bytes, Address]]:
        """What is to be sent; takes it out."""
        taken, self._out = self._out, []
        return taken

    def deadline(self) -> float | None:
        """When :meth:`handle_timer` is due."""
        heap = self._heap
        while heap:
            due, _, thing = heap[0]
            if not thing.over and thing.deadline() == due:
                break
            heapq.heappop(heap)
            self._again(thing, due)
        earliest = heap[0][0] if heap else None
        for due in self._trying.values():
            earliest = due if earliest is None else min(earliest, due)
        return earliest

    def handle_timer(self, now: float) -> None:
        """Fire whatever is due."""
        for call, due in list(self._trying.items()):
            if due <= now:
                del self._trying[call]
                session = self._calls.get(call)
                if session is not None and session.state == "incoming":
                    session._respond(100, now)
        while (due := self.deadline()) is not None and due <= now and self._heap and self._heap[0][0] <= now:
            thing = heapq.heappop(self._heap)[2]
            thing.handle_timer(now)
            self._schedule(thing)

    def events(self) -> list[events.SipEvent]:
        """What happened; takes it out."""
        taken, self._events = self._events, []
        return taken

    def transport_error(self, peer: Address, now: float) -> None:
        """ICMP, or the name service, says that nobody is there."""
        for client, destination in list(self._clients.values()):
            if destination == peer and isinstance(client, InviteClient) and client.state == "calling":
                client.transport_error(now)

    # ------------------------------------------------------------------ the phone's verbs

    def invite(self, target: Uri, audio: LocalAudio | None, now: float) -> int:
        """Call ``target``; raises SipError when it is no address for us."""
        if target.scheme != "sip" or not target.host:
            raise SipError("only sip: addresses can be called")
        if len(self._calls) >= self._limits.sessions:
            raise SipError("too many calls")
        session = self._new_session()
        session.call_out(target, audio, self._from, now)
        assert session.invite is not None
        self._dialogs[session.invite.call_id, session.local_tag] = session
        self._schedule(session)
        return session.call

    def ring(self, call: int, now: float) -> None:
        """180 Ringing."""
        self._with(call, lambda session: session.ring(now))

    def progress(self, call: int, audio: LocalAudio, now: float) -> None:
        """183 with our answer (early media)."""
        self._with(call, lambda session: session.progress(audio, now))

    def accept(self, call: int, audio: LocalAudio, now: float) -> None:
        """200 with our answer, or our offer."""
        self._with(call, lambda session: session.accept(audio, now))

    def reject(self, call: int, status: int, now: float) -> None:
        self._with(call, lambda session: session.reject(status, now))

    def hang_up(self, call: int, now: float) -> None:
        """CANCEL, BYE or 603, as the state asks."""
        self._with(call, lambda session: session.hang_up(now))

    def modify(self, call: int, audio: LocalAudio, now: float) -> None:
        """Re-INVITE with another offer."""
        self._with(call, lambda session: session.modify(audio, now))

    def _with(self, call: int, act: Callable[[Session], None]) -> None:
        session = self._calls.get(call)
        if session is not None:
            self._trying.pop(call, None)
            act(session)
            self._schedule(session)

    def _new_session(self) -> Session:
        session = Session(self._next_call, self)
        self._next_call += 1
        self._calls[session.call] = session
        return session

    # ------------------------------------------------------------------ what sessions ask for (session.Endpoint)

    def via(self) -> str:
        return f"SIP/2.0/UDP {self._sent_by};branch={BRANCH_COOKIE}{self.token()};rport"

    def contact(self) -> str:
        return self._contact

    def token(self, bits: int = 64) -> str:
        """Random hexadecimal digits."""
        return f"{self._entropy.getrandbits(bits):0{bits // 4}x}"

    def chance(self, low: float, high: float) -> float:
        """A random moment between two."""
        return low + (high - low) * self._entropy.getrandbits(24) / (1 << 24)

    def start(self, request: Request, destination: Address, tell: Callable, now: float) -> None:
        """Begin a client transaction; its news go to ``tell``."""
        key = (request.via.branch or "", request.method)

        def news(what: str, message: Message | None, at: float) -> None:
            tell(what, message, at)
            if what == "ended":
                self._clients.pop(key, None)

        if len(self._clients) >= self._limits.client_transactions:
            self.counters.overload += 1
            tell("transport", None, now)
            return
        kind = InviteClient if request.method == "INVITE" else Client
        made = kind(request, lambda data: self.send(data, destination, None), news, now)
        self._clients[key] = (made, destination)
        self._schedule(made)

    def send(self, data: bytes, destination: Address, call: int | None) -> None:
        self._out.append((data, destination))
        self._trace(call, "out", destination, data)

    def tell(self, event: events.SipEvent) -> None:
        if len(self._events) < MAX_EVENTS:
            self._events.append(event)

    def closed(self, session: Session) -> None:
        """A session has ended: nothing of it is kept but its transactions, which end by themselves."""
        self._calls.pop(session.call, None)
        self._trying.pop(session.call, None)
        for key in [key for key, known in self._dialogs.items() if known is session]:
            del self._dialogs[key]

    # ------------------------------------------------------------------ time

    def _schedule(self, thing: Transaction | Session) -> None:
        due = None if thing.over else thing.deadline()
        if due is not None:
            self._serial += 1
            heapq.heappush(self._heap, (due, self._serial, thing))

    def _again(self, thing: Any, due: float) -> None:
        """A stale entry was taken off; put the thing back if it waits for something later."""
        later = None if thing.over else thing.deadline()
        if later is not None and later > due:
            self._serial += 1
            heapq.heappush(self._heap, (later, self._serial, thing))

    def _trace(self, call: int | None, direction: str, peer: Address, data: bytes) -> None:
        if self.trace:
            self.tell(events.TraceMessage(call, direction, peer, data))

    # ------------------------------------------------------------------ responses

    def _receive_response(self, response: Response, source: Address, now: float) -> None:
        try:
            key = (response.via.branch or "", response.cseq.method)
            _ = (response.from_, response.to, response.call_id)
            if any(not contact.uri.host for contact in response.contacts) and response.status < 300:
                raise SipError("a Contact that cannot be reached")
            _ = (response.record_routes, response.sdp())
        except SipError:
            self.counters.malformed += 1
            return
        known = self._clients.get(key)
        if known is None or response.via.host.lower() != self.local[0].lower() or response.to is None:
            self.counters.stray += 1
            return
        client, _ = known
        if client.request.from_.tag != response.from_.tag or client.request.call_id != response.call_id:
            self.counters.stray += 1
            return
        session = self._dialogs.get((response.call_id, response.from_.tag or ""))
        if session is not None and session.dialog is not None:
            session.dialog.note_host(source[0])
        client.receive(response, now)
        self._schedule(client)
        if session is not None:
            if session.dialog is not None:
                session.dialog.note_host(source[0])
            self._schedule(session)

    # ------------------------------------------------------------------ requests

    def _malformed(self, error: SipError, data: bytes, source: Address) -> None:
        self.counters.malformed += 1
        request: Any = error.request
        if request is None or request.method == "ACK" or not readable(request):
            return
        self._trace(None, "in", source, data)
        _stamp(request, source)
        self._answer_statelessly(request, Refusal(error.status), source)

    def _receive_request(self, request: Request, source: Address, size: int, data: bytes, now: float) -> None:
        if not readable(request):
            self.counters.malformed += 1
            return
        self._trace(self._call_of(request), "in", source, data)
        _stamp(request, source)
        refusal = screen(request, size)
        if refusal is not None:
            if request.method != "ACK":
                self._answer_statelessly(request, refusal, source)
            else:
                self.counters.malformed += 1
            return
        key = _server_key(request)
        server = self._servers.get(key)
        if server is not None:
            server.receive(request, now)
            self._schedule(server)
            return
        if request.method == "ACK":
            self._acknowledge(request, source, now)
        elif request.method == "CANCEL":
            self._cancel(request, source, now)
        elif request.to.tag is not None:
            self._within_dialog(request, key, source, now)
        elif request.method == "INVITE":
            self._new_call(request, key, source, now)
        elif request.method == "OPTIONS":
            self._answer_statelessly(request, self._capabilities(), source)
        else:
            self._answer_statelessly(request, Refusal(481), source)

    def _call_of(self, request: Request) -> int | None:
        session = self._session_of(request)
        return None if session is None else session.call

    def _session_of(self, request: Request) -> Session | None:
        """By Call-ID and both tags: one of them alone is a stranger's guess."""
        try:
            session = self._dialogs.get((request.call_id, request.to.tag or ""))
            if session is None or session.dialog is None or session.dialog.remote_tag != request.from_.tag:
                return None
        except SipError:
            return None
        return session

    def _acknowledge(self, request: Request, source: Address, now: float) -> None:
        session = self._session_of(request)
        if session is None or not session.acknowledged(request, now):
            self.counters.stray += 1
            return
        if session.dialog is not None:
            session.dialog.note_host(source[0])
        self._schedule(session)

    def _cancel(self, request: Request, source: Address, now: float) -> None:
        """Section 9.2: it cancels the INVITE with the same branch, if that has no final answer yet."""
        invite_key = _server_key(request, "INVITE")
        invite = self._servers.get(invite_key)
        if not isinstance(invite, InviteServer):
            self._answer_statelessly(request, Refusal(481), source)
            return
        session = next((known for known in self._calls.values() if known._server is invite), None)
        tag = None if session is None else session.local_tag
        self._reply(make_response(request, 200, tag or self._tag(request)), request, source)
        if session is not None:
            session.cancel(now)
            self._schedule(session)
        self._schedule(invite)

    def _within_dialog(self, request: Request, key: Key, source: Address, now: float) -> None:
        session = self._session_of(request)
        if session is None or session.dialog is None or session.over:
            self._answer_statelessly(request, Refusal(481), source)
            return
        if not session.dialog.accepts(request.cseq.number):
            self._answer_statelessly(request, Refusal(500), source)
            return
        if request.method == "OPTIONS":
            self._answer_statelessly(request, self._capabilities(), source)
        elif request.method == "BYE":
            server = Server(request, self._sender(request, source), self._server_news(key), now)
            self._keep(key, server)
            session.bye(request, server, now)
            self._schedule(server)
        else:
            self._reinvite(session, request, key, source, now)
        self._schedule(session)

    def _reinvite(self, session: Session, request: Request, key: Key, source: Address, now: float) -> None:
        server = InviteServer(request, self._sender(request, source), self._server_news(key), now)
        self._keep(key, server)
        refusal = screen_invite(request, self._formats)
        status = refusal.status if refusal is not None else session.reinvite(request, server, source, now)
        if status is not None:
            self.counters.refused += 1
            response = make_response(request, status, session.local_tag)
            if status == 500:
                response.headers.add("Retry-After", str(int(self.chance(0, 10))))
            server.respond(_with_headers(response, refusal), now)
        self._schedule(server)

    def _new_call(self, request: Request, key: Key, source: Address, now: float) -> None:
        refusal = screen_invite(request, self._formats)
        if refusal is not None:
            self._answer_statelessly(request, refusal, source)
            return
        merged = (request.call_id, request.from_.tag, request.cseq.number, request.method)
        if merged in self._merged:
            self._answer_statelessly(request, Refusal(482), source)
            return
        if len(self._calls) >= self._limits.sessions or len(self._servers) >= self._limits.server_transactions:
            self.counters.overload += 1
            self._answer_statelessly(request, Refusal(486), source)
            return
        news = self._server_news(key, merged)
        server = InviteServer(request, self._sender(request, source), news, now)
        self._merged[merged] = key
        self._keep(key, server)
        session = self._new_session()
        self._dialogs[request.call_id, session.local_tag] = session
        session.called(request, server, source, self._limits.early_s, now)
        self._trying[session.call] = now + TRYING_AFTER_S
        self._schedule(session)

    def _keep(self, key: Key, server: InviteServer | Server) -> None:
        self._servers[key] = server

    def _server_news(self, key: Key, merged: tuple | None = None) -> Callable[[str, Message | None, float], None]:
        def news(what: str, message: Message | None, now: float) -> None:
            if what == "ended":
                self._servers.pop(key, None)
                if merged is not None:
                    self._merged.pop(merged, None)

        return news

    def _sender(self, request: Request, source: Address) -> Callable[[bytes], None]:
        destination = reply_address(request, source)
        return lambda data: self.send(data, destination, None)

    # ------------------------------------------------------------------ answers that keep nothing

    def _capabilities(self) -> Refusal:
        return Refusal(200, (("Allow", ALLOW), ("Accept", "application/sdp"), ("Accept-Encoding", "identity")))

    def _answer_statelessly(self, request: Request, refusal: Refusal, source: Address) -> None:
        if refusal.status >= 300:
            self.counters.refused += 1
        response = _with_headers(make_response(request, refusal.status, self._tag(request)), refusal)
        self._reply(response, request, source)

    def _reply(self, response: Response, request: Request, source: Address) -> None:
        try:
            destination = reply_address(request, source)
        except SipError:
            return
        self.send(response.encode(), destination, None)

    def _tag(self, request: Request) -> str:
        """The same tag for the same request, and no memory of it."""
        text = "|".join(request.headers.get(name) or "" for name in ("call-id", "from", "cseq", "via"))
        return hashlib.blake2s(text.encode("utf-8", "surrogateescape"), key=self._secret[:32], digest_size=8).hexdigest()


def _with_headers(response: Response, refusal: Refusal | None) -> Response:
    if refusal is not None:
        response.reason = phrase(refusal.status)
        for name, value in refusal.headers:
            response.headers.add(name, value)
    return response


def _stamp(request: Request, source: Address) -> None:
    """Note in the topmost Via where the request really came from (section 18.2.1, RFC 3581)."""
    try:
        via: Via = request.via
        values = split(request.headers.get("via") or "", ",")
    except SipError:
        return
    params = dict(via.params)
    if "rport" in params:
        params["rport"] = str(source[1])
    if via.host.lower() != source[0].lower() or "rport" in params:
        params["received"] = source[0]
    stamped = replace(via, params=params)
    request._read["top via"] = stamped
    fields = request.headers
    first = ", ".join([str(stamped), *values[1:]])
    rest = [value for name, value in fields.items() if name == "via"][1:]
    fields.set("via", first)
    if rest:
        _insert_after_first_via(request, rest)


def _insert_after_first_via(request: Request, rest: list[str]) -> None:
    fields = list(request.headers.items())
    place = next(index for index, (name, _) in enumerate(fields) if name == "via")
    request.headers._fields = [*fields[: place + 1], *[("via", value) for value in rest], *fields[place + 1 :]]


def _server_key(request: Request, method: str | None = None) -> Key:
    """Section 17.2.3: branch, sent-by and method; for RFC 2543 peers everything that makes a request itself."""
    wanted = method or request.method
    wanted = "INVITE" if wanted == "ACK" else wanted
    via = request.via
    branch = via.branch or ""
    if branch.startswith(BRANCH_COOKIE) and len(branch) > len(BRANCH_COOKIE):
        return (branch, via.sent_by, wanted)
    tag = None if wanted == "INVITE" else request.to.tag
    return (request.uri, tag, request.from_.tag, request.call_id, request.cseq.number, str(via.sent_by), wanted)
