"""The four transaction machines of RFC 3261 section 17, with the Accepted states of RFC 6026, over UDP.

Each machine has one handler per state, one setter, and a small dictionary of running timers, which belong to the
state they were started in. It is given messages and ``now``; it hands datagrams to ``send`` and news to ``tell``.
A server keeps its answer and no request: what a stranger sends is not remembered longer than it takes to answer it.
News are ("response", message), ("request", the ACK of a 2xx), ("timeout", None), ("transport", None) and
("ended", None), the last of all.

    INVITE client   calling -> proceeding -> completed | accepted -> terminated     timers A B C D M
    client          trying -> proceeding -> completed -> terminated                 timers E F K
    INVITE server   proceeding -> completed -> confirmed | accepted -> terminated   timers G H I L
    server          trying -> proceeding -> completed -> terminated                 timers J
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine.sip.message import Headers, Message, Request, Response

T1 = 0.5
T2 = 4.0
T4 = 5.0
TIMEOUT = 64 * T1  # timers B, F, H, J, L and M
WAIT_D = 32.0
WAIT_C = 300.0  # a far end that rings says so every minute (section 13.3.1.1); after five silent ones it is gone
_GIVE_UP = ("b", "f", "h")

Send = Callable[[bytes], None]
Tell = Callable[[str, "Message | None", float], None]


class Transaction:
    """What the four have in common: state, timers, outlets."""

    def __init__(self, state: str, send: Send, tell: Tell) -> None:
        self.state = state
        self._send = send
        self._tell = tell
        self.entry: list[Any] | None = None  # kept by the endpoint: when it will look here next
        self._timers: dict[str, float] = {}
        self._interval = T1

    @property
    def over(self) -> bool:
        return self.state == "terminated"

    def deadline(self) -> float | None:
        """When :meth:`handle_timer` is due, None when nothing runs."""
        return min(self._timers.values()) if self._timers else None

    def handle_timer(self, now: float) -> None:
        """Fire every timer that is due, earliest first; but nothing is sent once more when it is time to give up.

        (A machine that slept for hours would make a telephone ring that nobody means to call any more.)
        """
        while self._timers:
            over = [name for name in _GIVE_UP if self._timers.get(name, now + 1) <= now]
            name = over[0] if over else min(self._timers, key=self._timers.__getitem__)
            due = self._timers[name]
            if due > now:
                return
            del self._timers[name]
            getattr(self, f"_timer_{name}")(due, now)

    def _again(self, timer: str, due: float, now: float) -> None:
        """Repeat after the interval; after a stall of the program once, not once for every time missed."""
        later = due + self._interval
        self._timers[timer] = later if later > now else now + self._interval

    def transport_error(self, now: float) -> None:
        """The network says that nobody is there (section 17.1.4)."""
        if not self.over:
            self._enter("terminated", now)
            self._tell("transport", None, now)

    def end(self, now: float) -> None:
        """Whoever used it needs it no more."""
        self._enter("terminated", now)

    def _enter(self, state: str, now: float) -> None:
        """The one place where the state changes; timers belong to states."""
        if state == self.state:
            return
        self.state = state
        self._timers.clear()
        getattr(self, f"_entered_{state}", self._entered)(now)
        if state == "terminated":
            self._tell("ended", None, now)

    def _entered(self, now: float) -> None:
        """Most states start no timer."""

    def _give_up(self, now: float) -> None:
        self._tell("timeout", None, now)
        self._enter("terminated", now)


class InviteClient(Transaction):
    """Section 17.1.1. The acknowledgement of a failure is made here, that of a 2xx by the dialog."""

    def __init__(self, request: Request, send: Send, tell: Tell, now: float) -> None:
        super().__init__("calling", send, tell)
        self._request = request
        self._data = request.encode()
        self._ack: bytes | None = None
        self._timers = {"a": now + T1, "b": now + TIMEOUT}
        send(self._data)

    @property
    def request(self) -> Request:
        return self._request

    def receive(self, response: Response, now: float) -> None:
        getattr(self, f"_in_{self.state}")(response, now)

    def _in_calling(self, response: Response, now: float) -> None:
        if response.status < 200:
            self._enter("proceeding", now)
            self._timers["c"] = now + WAIT_C
        elif response.status < 300:
            self._enter("accepted", now)
        else:
            self._acknowledge(response)
            self._enter("completed", now)
        self._tell("response", response, now)

    _in_proceeding = _in_calling

    def _in_completed(self, response: Response, now: float) -> None:
        if response.status >= 300 and self._ack is not None:
            self._send(self._ack)

    def _in_accepted(self, response: Response, now: float) -> None:
        if 200 <= response.status < 300:
            self._tell("response", response, now)

    def _in_terminated(self, response: Response, now: float) -> None:
        """Too late."""

    def _entered_completed(self, now: float) -> None:
        self._timers["d"] = now + WAIT_D

    def _entered_accepted(self, now: float) -> None:
        self._timers["m"] = now + TIMEOUT

    def _timer_a(self, due: float, now: float) -> None:
        self._send(self._data)
        self._interval *= 2
        self._again("a", due, now)

    def _timer_b(self, due: float, now: float) -> None:
        self._give_up(now)

    _timer_c = _timer_b

    def _timer_d(self, due: float, now: float) -> None:
        self._enter("terminated", now)

    _timer_m = _timer_d

    def _acknowledge(self, response: Response) -> None:
        """Section 17.1.1.3: the ACK of a failure goes where the INVITE went, in the same transaction."""
        headers = Headers()
        headers.add("Via", self._request.headers.get("via"))
        headers.add("From", self._request.headers.get("from"))
        headers.add("To", response.headers.get("to"))
        headers.add("Call-ID", self._request.call_id)
        headers.add("CSeq", f"{self._request.cseq.number} ACK")
        headers.add("Max-Forwards", "70")
        for name, value in self._request.headers.items():
            if name == "route":
                headers.add(name, value)
        self._ack = Request("ACK", self._request.uri, headers).encode()
        self._send(self._ack)


class Client(Transaction):
    """Section 17.1.2: every request but INVITE and ACK."""

    def __init__(self, request: Request, send: Send, tell: Tell, now: float) -> None:
        super().__init__("trying", send, tell)
        self._request = request
        self._data = request.encode()
        self._timers = {"e": now + T1, "f": now + TIMEOUT}
        send(self._data)

    @property
    def request(self) -> Request:
        return self._request

    def receive(self, response: Response, now: float) -> None:
        getattr(self, f"_in_{self.state}")(response, now)

    def _in_trying(self, response: Response, now: float) -> None:
        if response.status < 200:
            running = dict(self._timers)  # E and F go on across this change of state
            self._enter("proceeding", now)
            self._timers = running
        else:
            self._enter("completed", now)
        self._tell("response", response, now)

    _in_proceeding = _in_trying

    def _in_completed(self, response: Response, now: float) -> None:
        """A repeated answer."""

    _in_terminated = _in_completed

    def _entered_completed(self, now: float) -> None:
        self._timers["k"] = now + T4

    def _timer_e(self, due: float, now: float) -> None:
        self._send(self._data)
        self._interval = T2 if self.state == "proceeding" else min(2 * self._interval, T2)
        self._again("e", due, now)

    def _timer_f(self, due: float, now: float) -> None:
        self._give_up(now)

    def _timer_k(self, due: float, now: float) -> None:
        self._enter("terminated", now)


class InviteServer(Transaction):
    """Section 17.2.1. A 2xx is repeated by the session, not here (RFC 6026)."""

    def __init__(self, request: Request, send: Send, tell: Tell, now: float) -> None:
        super().__init__("proceeding", send, tell)
        self.quoted = request.call_id, request.from_.tag, request.cseq.number  # what a CANCEL must say again
        self._last: bytes | None = None

    def receive(self, request: Request, now: float) -> None:
        """The INVITE again, or an ACK."""
        getattr(self, f"_in_{self.state}")(request, now)

    def _in_proceeding(self, request: Request, now: float) -> None:
        if request.method == "INVITE" and self._last is not None:
            self._send(self._last)

    def _in_completed(self, request: Request, now: float) -> None:
        if request.method == "ACK":
            self._enter("confirmed", now)
        elif self._last is not None:
            self._send(self._last)

    def _in_accepted(self, request: Request, now: float) -> None:
        """The INVITE again is absorbed (RFC 6026); an ACK with its branch, as some send it, is the session's."""
        if request.method == "ACK":
            self._tell("request", request, now)

    def _in_confirmed(self, request: Request, now: float) -> None:
        """The ACK again."""

    _in_terminated = _in_confirmed

    def respond(self, response: Response, now: float) -> None:
        """Answer; what comes after a final answer is not sent."""
        if self.state != "proceeding":
            return
        self._last = response.encode()
        self._send(self._last)
        if response.status >= 300:
            self._enter("completed", now)
        elif response.status >= 200:
            self._enter("accepted", now)

    def _entered_completed(self, now: float) -> None:
        self._interval = T1
        self._timers = {"g": now + T1, "h": now + TIMEOUT}

    def _entered_confirmed(self, now: float) -> None:
        self._last = None
        self._timers["i"] = now + T4

    def _entered_accepted(self, now: float) -> None:
        self._last = None
        self._timers["l"] = now + TIMEOUT

    def _timer_g(self, due: float, now: float) -> None:
        if self._last is not None:
            self._send(self._last)
        self._interval = min(2 * self._interval, T2)
        self._again("g", due, now)

    def _timer_h(self, due: float, now: float) -> None:
        self._give_up(now)

    def _timer_i(self, due: float, now: float) -> None:
        self._enter("terminated", now)

    _timer_l = _timer_i


class Server(Transaction):
    """Section 17.2.2: every request but INVITE and ACK."""

    def __init__(self, request: Request, send: Send, tell: Tell, now: float) -> None:
        super().__init__("trying", send, tell)
        self._last: bytes | None = None

    def receive(self, request: Request, now: float) -> None:
        """The request again: the answer again, if there is one."""
        if self._last is not None and self.state != "terminated":
            self._send(self._last)

    def respond(self, response: Response, now: float) -> None:
        if self.state not in ("trying", "proceeding"):
            return
        self._last = response.encode()
        self._send(self._last)
        self._enter("completed" if response.status >= 200 else "proceeding", now)

    def _entered_completed(self, now: float) -> None:
        self._timers["j"] = now + TIMEOUT

    def _timer_j(self, due: float, now: float) -> None:
        self._enter("terminated", now)
