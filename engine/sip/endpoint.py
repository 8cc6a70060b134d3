"""What everything in the user agent shares: transactions, the way out, events, chance, and one clock.

Theory of operation. Whatever waits for a moment (a transaction, a session) says when by ``deadline()``. It has at
most one living entry in the heap, and keeps it at ``entry``; an entry that comes up too early is put back. One that
is no longer wanted is emptied where it lies, so that it holds nothing alive, and when such entries pile up the heap is
built anew. Tables have bounds, in entries and in bytes; beyond them :attr:`Endpoint.full` says so, and the agent
answers without keeping anything.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from typing import Any, Protocol

from engine.sip import events
from engine.sip.message import BRANCH_COOKIE, Request, Response
from engine.sip.replies import reply_address
from engine.sip.transaction import Client, InviteClient, InviteServer, Server, Tell
from engine.sip.uri import hostport_text

Address = tuple[str, int]
Key = tuple[Any, ...]

MAX_EVENTS = 10_000
# What a flood can make many of; everything else is told whatever happens.
_DROPPABLE = (events.TraceMessage, events.Progress, events.MediaMoveRefused, events.Note)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much the endpoint keeps at most."""

    sessions: int = 64
    half_open: int = 48  # incoming calls whose caller has not acknowledged an answer
    half_open_per_host: int = 16
    server_transactions: int = 2000
    server_bytes: int = 8_000_000  # the requests that these were about, and so their answers
    client_transactions: int = 500
    early_s: float = 180.0  # how long a call rings here


@dataclass(slots=True)
class Counters:
    """What came and was not taken, by what was done with it."""

    malformed: int = 0
    refused: int = 0
    stray: int = 0
    overload: int = 0


class Waiting(Protocol):
    """Something that wants to be looked at when its moment comes."""

    entry: list[Any] | None

    @property
    def over(self) -> bool: ...

    def deadline(self) -> float | None: ...

    def handle_timer(self, now: float) -> None: ...


class Endpoint:
    """One SIP address: its transactions (section 17), its datagrams, its events."""

    def __init__(self, local: Address, entropy: Any, limits: Limits) -> None:
        self.local = local
        self.limits = limits
        self.counters = Counters()
        self.trace = False
        self.clients: dict[tuple[str, str], tuple[InviteClient | Client, Address]] = {}
        self.servers: dict[Key, InviteServer | Server] = {}
        self._server_bytes = 0
        self._entropy = entropy
        self._sent_by = hostport_text(*local)
        self.contact = f"<sip:{self.token(32)}@{self._sent_by}>"
        self._out: list[tuple[bytes, Address]] = []
        self._events: list[events.SipEvent] = []
        self._heap: list[list[Any]] = []  # [when, a serial number, what waits or None]
        self._serial = 0
        self._rebuild_at = 1024

    # ------------------------------------------------------------------ chance

    def token(self, bits: int = 64) -> str:
        """Random hexadecimal digits."""
        return f"{self._entropy.getrandbits(bits):0{bits // 4}x}"

    def number(self, bits: int) -> int:
        """A random number."""
        return int(self._entropy.getrandbits(bits))

    def chance(self, low: float, high: float) -> float:
        """A random moment between two, to the millisecond."""
        steps = max(round((high - low) * 1000), 0)
        return low + self.number(24) * steps // (1 << 24) / 1000

    def via(self) -> str:
        """Our Via with a branch of its own; answers shall come back to the port we send from (RFC 3581)."""
        return f"SIP/2.0/UDP {self._sent_by};branch={BRANCH_COOKIE}{self.token()};rport"

    # ------------------------------------------------------------------ the way out

    def send(self, data: bytes, destination: Address, call: int | None = None) -> None:
        self._out.append((data, destination))
        self.tell_message(call, "out", destination, data)

    def tell(self, event: events.SipEvent) -> None:
        if len(self._events) < MAX_EVENTS or not isinstance(event, _DROPPABLE):
            self._events.append(event)

    def tell_message(self, call: int | None, direction: str, peer: Address, data: bytes, place: int = -1) -> None:
        """Trace a message, at ``place`` among the events where one came in before what it brought about."""
        if self.trace and len(self._events) < MAX_EVENTS:
            place = len(self._events) if place < 0 else place
            self._events.insert(place, events.TraceMessage(call, direction, peer, data))

    def place(self) -> int:
        """Where the next event will stand."""
        return len(self._events)

    def take_datagrams(self) -> list[tuple[bytes, Address]]:
        taken, self._out = self._out, []
        return taken

    def take_events(self) -> list[events.SipEvent]:
        taken, self._events = self._events, []
        return taken

    # ------------------------------------------------------------------ transactions

    def start(self, request: Request, destination: Address, tell: Tell, now: float, call: int | None = None) -> None:
        """Begin a client transaction; its news go to ``tell``."""
        key = (request.via.branch_key, request.method)

        def news(what: str, message: Any, at: float) -> None:
            if what == "ended":
                self.forget(self.clients.pop(key)[0])
            tell(what, message, at)

        if len(self.clients) >= self.limits.client_transactions:
            self.counters.overload += 1
            tell("transport", None, now)
            return
        kind = InviteClient if request.method == "INVITE" else Client
        made = kind(request, lambda data: self.send(data, destination, call), news, now)
        self.clients[key] = (made, destination)
        self.schedule(made)

    def client_of(self, response: Response) -> InviteClient | Client | None:
        """The transaction a response belongs to (section 17.1.3); it must also name us and quote the request."""
        known = self.clients.get((response.via.branch_key, response.cseq.method))
        if known is None or response.via.sent_by != (self.local[0].lower(), self.local[1]):
            return None
        sent = known[0].request
        if (sent.call_id, sent.from_.tag, sent.cseq) != (response.call_id, response.from_.tag, response.cseq):
            return None
        return known[0]

    @property
    def full(self) -> bool:
        """No room for another server transaction."""
        limits = self.limits
        return len(self.servers) >= limits.server_transactions or self._server_bytes >= limits.server_bytes

    def serve(
        self, request: Request, key: Key, source: Address, tell: Tell, now: float, call: int | None
    ) -> InviteServer | Server:
        """Begin a server transaction."""
        destination, size = reply_address(request, source), request.size

        def news(what: str, message: Any, at: float) -> None:
            if what == "ended":
                self.forget(self.servers.pop(key))
                self._server_bytes -= size
            tell(what, message, at)

        kind = InviteServer if request.method == "INVITE" else Server
        made = self.servers[key] = kind(request, lambda data: self.send(data, destination, call), news, now)
        self._server_bytes += size
        return made

    def transport_error(self, peer: Address, now: float) -> bool:
        """Nobody is there: what has heard nothing yet ends (section 17.1.4); what has been answered goes on.

        True when something ended.
        """
        hit = [
            client
            for client, destination in self.clients.values()
            if destination == peer and client.state in ("calling", "trying")
        ]
        for client in hit:
            client.transport_error(now)
        return bool(hit)

    # ------------------------------------------------------------------ time

    def schedule(self, thing: Waiting) -> None:
        """Look at ``thing`` when its deadline comes."""
        due = None if thing.over else thing.deadline()
        if due is not None and thing.entry is not None and thing.entry[0] <= due:
            return  # an entry that is early enough finds its way by itself
        self.forget(thing)
        if due is None:
            return
        self._serial += 1
        thing.entry = [due, self._serial, thing]
        heapq.heappush(self._heap, thing.entry)
        if len(self._heap) >= self._rebuild_at:
            self._rebuild()

    def forget(self, thing: Waiting) -> None:
        """Look at ``thing`` no more, and keep nothing of it."""
        if thing.entry is not None:
            thing.entry[2] = None
            thing.entry = None

    def _rebuild(self) -> None:
        self._heap = [entry for entry in self._heap if entry[2] is not None]
        heapq.heapify(self._heap)
        self._rebuild_at = 2 * len(self._heap) + 1024

    def deadline(self) -> float | None:
        """When :meth:`handle_timer` is due, exactly."""
        while self._heap:
            due, _, thing = self._heap[0]
            if thing is not None and not thing.over and thing.deadline() == due:
                return float(due)
            heapq.heappop(self._heap)
            if thing is not None:
                thing.entry = None
                self.schedule(thing)
        return None

    def handle_timer(self, now: float) -> None:
        """Everything that is due, earliest first."""
        while (due := self.deadline()) is not None and due <= now:
            thing = heapq.heappop(self._heap)[2]
            thing.entry = None
            thing.handle_timer(now)
            self.schedule(thing)
