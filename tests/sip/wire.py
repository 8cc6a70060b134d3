"""Two user agents, or one and a peer written by hand, in memory and in virtual time."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.sip import events
from engine.sip.agent import Limits, UserAgent
from engine.sip.message import Headers, Request, Response, Uri, parse
from engine.sip.sdp import Format, LocalAudio

Address = tuple[str, int]

PCMU = Format(0, "PCMU", 8000)
PCMA = Format(8, "PCMA", 8000)
DIGITS = Format(101, "telephone-event", 8000)
FORMATS = (PCMU, PCMA, DIGITS)

ANNA: Address = ("192.0.2.1", 5060)
BOB: Address = ("192.0.2.2", 5060)
STRANGER: Address = ("203.0.113.66", 5060)

TORTURE = Path(__file__).resolve().parents[3] / "shared" / "torture"


def audio(
    host: str = "192.0.2.1", port: int = 10000, formats: tuple[Format, ...] = FORMATS, direction: str = "sendrecv"
) -> LocalAudio:
    return LocalAudio((host, port), (host, port + 1), formats, 20, direction)


def agent(local: Address, seed: int = 7, limits: Limits | None = None, **more: Any) -> UserAgent:
    return UserAgent(local=local, formats=FORMATS, entropy=random.Random(seed), limits=limits, **more)


def sip(text: str, body: bytes = b"") -> bytes:
    """A message from readable lines; Content-Length is added."""
    lines = [line.strip() for line in text.strip().splitlines()]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


SDP_OFFER = (
    b"v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\nt=0 0\r\n"
    b"m=audio 20000 RTP/AVP 0 8 101\r\na=rtpmap:101 telephone-event/8000\r\n"
)


def sdp(port: int = 20000, host: str = "192.0.2.2", extra: bytes = b"", payloads: str = "0 8") -> bytes:
    session = f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n"
    return f"{session}m=audio {port} RTP/AVP {payloads}\r\n".encode() + extra


class Peer:
    """A far end of a :class:`UserAgent`, written by hand: it says what the test tells it to."""

    def __init__(self, phone: UserAgent, address: Address = BOB) -> None:
        self.phone = phone
        self.address = address
        self.now = 1000.0
        self.heard: list[Request | Response] = []
        self.told: list[events.SipEvent] = []

    def say(self, data: bytes, source: Address | None = None) -> list[Request | Response]:
        """Give the phone a datagram; returns what it sent because of it."""
        self.phone.receive(data, source or self.address, self.now)
        return self.listen()

    def listen(self) -> list[Request | Response]:
        """What the phone has sent since."""
        new = [parse(data) for data, _ in self.phone.datagrams()]
        self.heard += new
        self.told += self.phone.events()
        return new

    def do(self, verb: str, *arguments: object) -> list[Request | Response]:
        """A verb of the phone; returns what was sent because of it."""
        getattr(self.phone, verb)(*arguments, self.now)
        return self.listen()

    def wait(self, seconds: float) -> list[tuple[float, Request | Response]]:
        """Let time pass, deadline by deadline; returns what was sent with its moment, from 0."""
        begin, until, sent = self.now, self.now + seconds, []
        while (due := self.phone.deadline()) is not None and due <= until:
            self.now = due
            self.phone.handle_timer(due)
            sent += [(round(due - begin, 3), message) for message in self.listen()]
        self.now = until
        return sent

    def of(self, kind: type) -> list:
        """The events of one kind so far."""
        self.told += self.phone.events()
        return [event for event in self.told if isinstance(event, kind)]

    # ---------------------------------------------------------------- messages

    def request(
        self, method: str, *, call_id: str = "c1", branch: str = "z9hG4bKb1", cseq: int = 1, to_tag: str = "",
        from_tag: str = "bob1", body: bytes = b"", extra: str = "", uri: str = "sip:anna@192.0.2.1",
        cseq_method: str = "", contact: str = "<sip:bob@192.0.2.2:5060>",
    ) -> bytes:  # fmt: skip
        lines = [
            f"{method} {uri} SIP/2.0",
            f"Via: SIP/2.0/UDP {self.address[0]}:{self.address[1]};branch={branch};rport",
            f"From: <sip:bob@192.0.2.2>;tag={from_tag}",
            "To: <sip:anna@192.0.2.1>" + (f";tag={to_tag}" if to_tag else ""),
            f"Call-ID: {call_id}",
            f"CSeq: {cseq} {cseq_method or method}",
            "Max-Forwards: 70",
        ]
        if contact:
            lines.append(f"Contact: {contact}")
        lines += [line.strip() for line in extra.splitlines() if line.strip()]
        if body:
            lines.append("Content-Type: application/sdp")
        return sip("\n".join(lines), body)

    def answer(
        self, request: Request, status: int, reason: str = "X", tag: str = "bob1", body: bytes = b"", extra: str = "",
        contact: str = "<sip:bob@192.0.2.2:5060>",
    ) -> bytes:  # fmt: skip
        headers = Headers()
        for name, value in request.headers.items():
            if name in ("via", "from", "call-id", "cseq"):
                headers.add(name, value)
        to = request.headers.get("to") or ""
        headers.add("To", to if "tag=" in to or not tag else f"{to};tag={tag}")
        if contact:
            headers.add("Contact", contact)
        for line in extra.splitlines():
            if line.strip():
                name, _, value = line.strip().partition(":")
                headers.add(name, value.strip())
        if body:
            headers.add("Content-Type", "application/sdp")
        return Response(status, reason, headers, body).encode()

    # ---------------------------------------------------------------- whole steps

    def calls(self, body: bytes = SDP_OFFER, **fields: object) -> int:
        """The peer calls; returns the number of the call."""
        self.say(self.request("INVITE", body=body, **fields))  # type: ignore[arg-type]
        return self.of(events.IncomingCall)[-1].call

    def is_taken(self, **fields: object) -> tuple[int, str]:
        """The peer calls, we take it, it acknowledges; (call, our tag)."""
        call = self.calls(**fields)  # type: ignore[arg-type]
        (answer,) = self.do("accept", call, audio())
        tag = answer.to.tag or ""
        self.say(self.request("ACK", branch=f"z9hG4bKack{call}", to_tag=tag, **fields))  # type: ignore[arg-type]
        return call, tag

    def is_called(self, late_offer: bool = False) -> tuple[int, Request]:
        """We call the peer; (call, the INVITE)."""
        call = self.phone.invite(Uri.parse("sip:bob@192.0.2.2"), audio(), self.now, late_offer=late_offer)
        (invite,) = self.listen()
        assert isinstance(invite, Request)
        return call, invite

    def takes(self) -> tuple[int, Request, Request]:
        """We call the peer, it takes the call; (call, the INVITE, our ACK)."""
        call, invite = self.is_called()
        (ack,) = self.say(self.answer(invite, 200, body=sdp()))
        assert isinstance(ack, Request)
        return call, invite, ack


def statuses(messages: list) -> list[int | str]:
    """What was sent, shortly: statuses of responses, methods of requests."""
    return [message.status if isinstance(message, Response) else message.method for message in messages]


class Wire:
    """Carries datagrams between user agents; ``fate`` gives each its delays: none is lost, two is twice."""

    def __init__(
        self, agents: dict[Address, UserAgent], fate: Callable[[bytes, int], list[float]] | None = None
    ) -> None:
        self.agents = agents
        self.now = 1000.0
        self.told: dict[Address, list[events.SipEvent]] = {address: [] for address in agents}
        self.sent: list[tuple[float, Address, bytes]] = []
        self.react: Callable[[Address, events.SipEvent], None] | None = None
        self._fate = fate or (lambda data, count: [0.01])
        self._flying: list[tuple[float, int, bytes, Address, Address]] = []
        self._count = 0

    def run(self, seconds: float) -> None:
        """Until that much time has passed."""
        until = self.now + seconds
        self._collect()
        for _ in range(100_000):
            due = self._next()
            if due is None or due > until:
                break
            self.now = max(due, self.now)
            self._deliver()
            for agent_ in self.agents.values():
                agent_.handle_timer(self.now)
            self._collect()
        else:
            raise AssertionError("the two never come to rest")
        self.now = until

    def _next(self) -> float | None:
        moments = [due for agent_ in self.agents.values() if (due := agent_.deadline()) is not None]
        if self._flying:
            moments.append(self._flying[0][0])
        return min(moments) if moments else None

    def _deliver(self) -> None:
        while self._flying and self._flying[0][0] <= self.now:
            _, _, data, source, destination = heapq.heappop(self._flying)
            if destination in self.agents:
                self.agents[destination].receive(data, source, self.now)

    def _collect(self) -> None:
        for address, agent_ in self.agents.items():
            for _ in range(10):
                happened = agent_.events()
                self.told[address] += happened
                for event in happened:
                    if self.react is not None:
                        self.react(address, event)
                for data, destination in agent_.datagrams():
                    self._send(data, address, destination)
                if not happened:
                    break

    def _send(self, data: bytes, source: Address, destination: Address) -> None:
        self.sent.append((self.now, source, data))
        for delay in self._fate(data, self._count):
            self._count += 1
            heapq.heappush(self._flying, (self.now + delay, self._count, data, source, destination))

    def of(self, address: Address, kind: type) -> list:
        return [event for event in self.told[address] if isinstance(event, kind)]
