"""The four transaction machines: every timer to the millisecond, every state against every input."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import sip

from engine.sip.message import Request, Response, parse
from engine.sip.replies import make_response
from engine.sip.transaction import Client, InviteClient, InviteServer, Server, Transaction


def request(method: str, extra: str = "") -> Request:
    made = parse(sip(f"""{method} sip:bob@192.0.2.2 SIP/2.0
        Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKx;rport
        From: <sip:anna@192.0.2.1>;tag=a
        To: <sip:bob@192.0.2.2>
        Call-ID: one
        CSeq: 7 {method}
        Max-Forwards: 70
        {extra}"""))  # fmt: skip
    assert isinstance(made, Request)
    return made


def response(to: Request, status: int) -> Response:
    return make_response(to, status, "bobtag")


class Run:
    """A transaction with its outlets, and virtual time from 0."""

    def __init__(self, kind: type, method: str, extra: str = "") -> None:
        self.request = request(method, extra)
        self.now = 0.0
        self.sent: list[tuple[float, bytes]] = []
        self.news: list[tuple[str, float]] = []
        self.machine = kind(self.request, self._send, self._tell, 0.0)

    def _send(self, data: bytes) -> None:
        self.sent.append((round(self.now, 3), data))

    def _tell(self, what: str, message: object, now: float) -> None:
        self.news.append((what, round(now, 3)))

    def receive(self, status: int) -> None:
        self.machine.receive(response(self.request, status), self.now)

    def respond(self, status: int) -> None:
        self.machine.respond(response(self.request, status), self.now)

    def wait(self, until: float) -> None:
        while (due := self.machine.deadline()) is not None and due <= until:
            self.now = due
            self.machine.handle_timer(due)
        self.now = until

    @property
    def moments(self) -> list[float]:
        return [moment for moment, _ in self.sent]


# ---------------------------------------------------------------- INVITE client (17.1.1)


def test_an_invite_nobody_answers_is_sent_seven_times_and_given_up_after_32_seconds():
    run = Run(InviteClient, "INVITE")
    run.wait(100)
    assert run.moments == [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert run.news == [("timeout", 32), ("ended", 32)]
    assert run.machine.over and run.machine.deadline() is None


def test_a_provisional_response_ends_the_repetition_for_good():
    run = Run(InviteClient, "INVITE")
    run.wait(1.0)
    run.receive(100)
    assert run.machine.state == "proceeding" and run.machine.deadline() == 301.0
    run.wait(200)
    run.receive(180)
    run.wait(600)
    assert run.moments == [0, 0.5]
    assert run.news == [("response", 1.0), ("response", 200.0), ("timeout", 500.0), ("ended", 500.0)]


def test_a_failure_is_acknowledged_every_time_it_comes_and_told_once():
    run = Run(InviteClient, "INVITE", "Route: <sip:proxy.example.com;lr>")
    run.receive(486)
    run.wait(20)
    run.receive(486)
    acks = [parse(data) for _, data in run.sent[1:]]
    assert [ack.method for ack in acks] == ["ACK", "ACK"]
    assert acks[0].headers.get("route") == "<sip:proxy.example.com;lr>"
    assert acks[0].to.tag == "bobtag" and str(acks[0].cseq) == "7 ACK" and acks[0].via.branch == "z9hG4bKx"
    assert run.news == [("response", 0)]
    run.wait(100)
    assert run.news[-1] == ("ended", 32), "timer D"


def test_only_a_failure_that_comes_again_is_acknowledged_again():
    """Section 17.1.1.2: what else comes after a failure is not for that ACK, least of all the 2xx of another fork."""
    run = Run(InviteClient, "INVITE")
    run.receive(486)
    for status in (180, 200, 299):
        run.receive(status)
    assert len(run.sent) == 2 and run.news == [("response", 0)]
    run.receive(503)
    assert len(run.sent) == 3


def test_every_2xx_is_told_until_timer_m():
    """RFC 6026: forks and repeated answers are the session's business."""
    run = Run(InviteClient, "INVITE")
    run.receive(200)
    run.wait(31)
    run.receive(200)
    run.receive(486)
    run.wait(50)
    assert len(run.sent) == 1, "the ACK of a 2xx is not made here"
    assert run.news == [("response", 0), ("response", 31), ("ended", 32)]


# ---------------------------------------------------------------- other clients (17.1.2)


def test_a_request_is_repeated_up_to_every_four_seconds_and_given_up_after_32():
    run = Run(Client, "BYE")
    run.wait(100)
    assert run.moments == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert run.news == [("timeout", 32), ("ended", 32)]


def test_after_a_provisional_response_it_is_repeated_every_four_seconds():
    run = Run(Client, "OPTIONS")
    run.wait(0.7)
    run.receive(100)
    run.wait(12)
    assert run.moments == [0, 0.5, 1.5, 5.5, 9.5], "the running timer E is kept, then T2"
    run.wait(40)
    assert run.news[-2:] == [("timeout", 32), ("ended", 32)]


def test_a_final_response_is_told_once_and_repetitions_absorbed_for_timer_k():
    run = Run(Client, "BYE")
    run.receive(200)
    run.receive(200)
    run.wait(40)
    assert run.news == [("response", 0), ("ended", 5)]
    assert len(run.sent) == 1


# ---------------------------------------------------------------- INVITE server (17.2.1)


def test_a_refusal_is_repeated_until_its_ack_and_then_forgotten():
    run = Run(InviteServer, "INVITE")
    run.respond(486)
    run.wait(4)
    assert run.moments == [0, 0.5, 1.5, 3.5]
    run.machine.receive(request("ACK"), 4)
    assert run.machine.state == "confirmed"
    run.wait(60)
    assert run.moments == [0, 0.5, 1.5, 3.5]
    assert run.news == [("ended", 9)], "timer I"


def test_a_refusal_nobody_acknowledges_is_given_up_after_timer_h():
    run = Run(InviteServer, "INVITE")
    run.respond(603)
    run.wait(100)
    assert run.moments == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]
    assert run.news == [("timeout", 32), ("ended", 32)]


def test_a_repeated_invite_gets_the_last_answer_again():
    run = Run(InviteServer, "INVITE")
    run.machine.receive(run.request, 0)
    assert run.sent == []
    run.respond(180)
    run.machine.receive(run.request, 0)
    assert [parse(data).status for _, data in run.sent] == [180, 180]
    run.respond(486)
    run.machine.receive(run.request, 0)
    assert [parse(data).status for _, data in run.sent] == [180, 180, 486, 486]


def test_an_accepted_invite_is_absorbed_and_its_ack_handed_up():
    """RFC 6026 section 7.1; some send the ACK of a 2xx with the INVITE's branch."""
    run = Run(InviteServer, "INVITE")
    run.respond(200)
    run.machine.receive(run.request, 0)
    run.machine.receive(request("ACK"), 0)
    run.respond(486)
    run.wait(100)
    assert len(run.sent) == 1
    assert run.news == [("request", 0), ("ended", 32)]


# ---------------------------------------------------------------- other servers (17.2.2)


def test_a_repeated_request_gets_its_answer_again_for_32_seconds():
    run = Run(Server, "BYE")
    run.machine.receive(run.request, 0)
    assert run.sent == []
    run.respond(200)
    run.wait(31.9)
    run.machine.receive(run.request, run.now)
    run.wait(33)
    run.machine.receive(run.request, run.now)
    assert [moment for moment, _ in run.sent] == [0, 31.9]
    assert run.news == [("ended", 32)]


# ---------------------------------------------------------------- all four


def test_after_a_stall_of_the_program_one_repetition_is_sent_not_a_burst():
    run = Run(Client, "BYE")
    run.now = 21.0
    run.machine.handle_timer(21.0)
    assert run.moments == [0, 21.0]
    assert run.machine.deadline() > 21.0


@pytest.mark.parametrize(("kind", "method"), [(InviteClient, "INVITE"), (Client, "BYE")])
def test_an_unreachable_peer_ends_a_client_at_once(kind, method):
    run = Run(kind, method)
    run.machine.transport_error(0.1)
    run.machine.transport_error(0.2)
    run.wait(100)
    assert run.news == [("ended", 0.1), ("transport", 0.1)] or run.news == [("transport", 0.1), ("ended", 0.1)]


INPUTS = st.lists(
    st.one_of(
        st.tuples(st.just("status"), st.sampled_from([100, 180, 200, 299, 302, 401, 486, 487, 603, 699])),
        st.tuples(st.just("wait"), st.sampled_from([0.0, 0.4, 0.5, 3.0, 5.0, 31.9, 32.0, 64.0])),
        st.tuples(st.just("request"), st.sampled_from(["again", "ACK"])),
        st.tuples(st.just("error"), st.just("")),
    ),
    max_size=25,
)


@pytest.mark.parametrize(
    ("kind", "method"), [(InviteClient, "INVITE"), (Client, "BYE"), (InviteServer, "INVITE"), (Server, "BYE")]
)
@settings(max_examples=60, deadline=None)
@given(steps=INPUTS)
def test_any_input_in_any_state_is_survived_and_the_end_comes_once(kind, method, steps):
    run = Run(kind, method)
    for what, value in steps:
        _step(run, what, value)
    assert len(run.sent) < 60 + len(steps)
    machine: Transaction = run.machine
    if isinstance(machine, InviteServer | Server) and not machine.over:
        run.respond(500)
    elif isinstance(machine, InviteClient):
        run.receive(500)
    run.wait(run.now + 200)
    assert machine.over and machine.deadline() is None
    assert [what for what, _ in run.news].count("ended") == 1


def _step(run: Run, what: str, value: object) -> None:
    server = isinstance(run.machine, InviteServer | Server)
    if what == "wait":
        run.wait(run.now + float(str(value)))
    elif what == "error":
        run.machine.transport_error(run.now)
    elif what == "status":
        (run.respond if server else run.receive)(int(str(value)))
    elif server:
        run.machine.receive(request("ACK") if value == "ACK" else run.request, run.now)
