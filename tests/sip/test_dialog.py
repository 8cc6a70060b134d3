"""Dialogs: how a request finds its way, and which requests belong."""

from __future__ import annotations

import pytest
from wire import sip

from engine.sip.dialog import MAX_HOSTS, Dialog
from engine.sip.message import Request, Response, parse


def invite(extra: str = "", contact: str = "<sip:bob@192.0.2.2:5070>") -> Request:
    made = parse(sip(f"""INVITE sip:anna@192.0.2.1 SIP/2.0
        Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKx
        From: "Bob" <sip:bob@example.com>;tag=b
        To: <sip:anna@example.com>
        Call-ID: one
        CSeq: 7 INVITE
        Contact: {contact}
        {extra}"""))  # fmt: skip
    assert isinstance(made, Request)
    return made


def ok(extra: str = "", contact: str = "Contact: <sip:anna@192.0.2.1:5080>") -> Response:
    made = parse(sip(f"""SIP/2.0 200 OK
        Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKx
        From: "Bob" <sip:bob@example.com>;tag=b
        To: <sip:anna@example.com>;tag=a
        Call-ID: one
        CSeq: 7 INVITE
        {contact}
        {extra}"""))  # fmt: skip
    assert isinstance(made, Response)
    return made


def routes(request: Request) -> list[str]:
    return request.headers.get_all("route")


def test_a_callee_answers_within_the_callers_dialog():
    dialog = Dialog.as_callee(invite(), "ours", 100)
    bye = dialog.request("BYE", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKy")
    assert bye.uri == "sip:bob@192.0.2.2:5070"
    assert (bye.from_.tag, bye.to.tag, bye.call_id) == ("ours", "b", "one")
    assert str(bye.cseq) == "101 BYE"
    assert dialog.next_hop() == ("192.0.2.2", 5070)


def test_a_caller_goes_on_where_the_answer_points():
    dialog = Dialog.as_caller(invite(), ok())
    first, ack = dialog.request("BYE", "v"), dialog.request("ACK", "v", 7)
    assert first.uri == "sip:anna@192.0.2.1:5080"
    assert (str(first.cseq), str(ack.cseq)) == ("8 BYE", "7 ACK")
    assert (first.from_.tag, first.to.tag) == ("b", "a")


def test_a_caller_turns_the_recorded_route_round_and_a_callee_takes_it_as_it_is():
    recorded = "Record-Route: <sip:p1.example.com;lr>, <sip:p2.example.com;lr>"
    caller = Dialog.as_caller(invite(), ok(recorded))
    callee = Dialog.as_callee(invite(recorded), "ours", 1)
    assert routes(caller.request("BYE", "v")) == ["<sip:p2.example.com;lr>", "<sip:p1.example.com;lr>"]
    assert routes(callee.request("BYE", "v")) == ["<sip:p1.example.com;lr>", "<sip:p2.example.com;lr>"]
    assert caller.next_hop() == ("p2.example.com", 5060)
    assert caller.request("BYE", "v").uri == "sip:anna@192.0.2.1:5080"


def test_a_strict_router_gets_itself_as_the_request_uri_and_the_target_at_the_end():
    """Section 12.2.1.1, and section 16.12.1.2 for an example."""
    recorded = "Record-Route: <sip:strict.example.com;x=1?h=2>, <sip:p2.example.com;lr>"
    dialog = Dialog.as_callee(invite(recorded), "ours", 1)
    bye = dialog.request("BYE", "v")
    assert bye.uri == "sip:strict.example.com;x=1", "headers are not allowed in a Request-URI"
    assert routes(bye) == ["<sip:p2.example.com;lr>", "<sip:bob@192.0.2.2:5070>"]
    assert dialog.next_hop() == ("strict.example.com", 5060)


def test_maddr_and_ipv6_decide_where_the_request_goes():
    dialog = Dialog.as_callee(invite(contact="<sip:bob@example.com:5070;maddr=192.0.2.77>"), "ours", 1)
    assert dialog.next_hop() == ("192.0.2.77", 5070)
    dialog = Dialog.as_callee(invite(contact="<sip:bob@[2001:db8::2]>"), "ours", 1)
    assert dialog.next_hop() == ("2001:db8::2", 5060)


def test_their_sequence_numbers_must_rise():
    dialog = Dialog.as_callee(invite(), "ours", 1)
    assert [dialog.accepts(number) for number in (7, 6, 8, 8, 100, 9, 101)] == [
        False, False, True, False, True, False, True,
    ]  # fmt: skip


def test_a_caller_accepts_any_first_number():
    dialog = Dialog.as_caller(invite(), ok())
    assert dialog.accepts(0)
    assert not dialog.accepts(0)


@pytest.mark.parametrize("contact", ["", "Contact: <tel:+1>"])
def test_an_answer_without_a_usable_contact_keeps_the_target(contact):
    assert Dialog.as_caller(invite(), ok(contact=contact)).next_hop() == ("192.0.2.1", 5060)


def test_a_target_refresh_moves_the_target_and_no_contact_leaves_it():
    dialog = Dialog.as_callee(invite(), "ours", 1)
    dialog.refresh([])
    assert dialog.next_hop() == ("192.0.2.2", 5070)
    dialog.refresh(invite(contact="<sip:bob@192.0.2.3>").contacts)
    assert dialog.next_hop() == ("192.0.2.3", 5060)


def test_hosts_are_bounded():
    dialog = Dialog.as_callee(invite(), "ours", 1)
    for number in range(300):
        dialog.note_host(f"198.51.100.{number}")
    assert len(dialog.hosts) == MAX_HOSTS
