"""RFC 4475 and RFC 5118: what each message of theirs must get from us, and why.

``status``: the answer; "taken": a call rings; "silence": nothing is sent. RFC 4475 says itself what an element
should do; where it leaves a choice, or where this phone is not the registrar or proxy a message is meant for, the
reason says what we do.
"""

from __future__ import annotations

import pytest
from wire import ANNA, TORTURE, agent

from engine.sip import events
from engine.sip.message import Response, parse

SOURCE = ("198.51.100.9", 5099)

EXPECTED = {
    # 3.1.1 valid messages
    "wsinv": (481, "legal white space everywhere; the To tag names a dialog that does not exist"),
    "intmeth": (405, "an unknown method made of every token character is a method all the same"),
    "esc01": ("taken", "escapes in URIs are not undone before routing; the INVITE is sound"),
    "escnull": (405, "%00 in a URI is legal; REGISTER is not for a phone"),
    "esc02": (405, "%47 in a method name is no escape: the method is unknown"),
    "lwsdisp": (200, "no white space between display name and bracket is legal"),
    "longreq": ("taken", "long headers are legal"),
    "dblreq": (405, "a second request after the Content-Length is not read: one datagram, one message"),
    "semiuri": (200, "semicolons belong to the user part here"),
    "transports": (200, "unknown transports in lower Vias are none of our business"),
    "mpart01": (405, "a MESSAGE with a multipart body; MESSAGE is not spoken here"),
    "unreason": ("silence", "a response to nothing of ours; its reason phrase is fine"),
    "noreason": ("silence", "a response to nothing of ours, with an empty reason phrase"),
    # 3.1.2 invalid messages
    "badinv01": (400, "semicolons and commas that separate nothing in Via and Contact"),
    "clerr": (400, "Content-Length says more than the datagram holds"),
    "ncl": (400, "a negative Content-Length"),
    "scalar02": (400, "numbers out of range in a request"),
    "scalarlg": ("silence", "numbers out of range in a response: dropped"),
    "quotbal": (400, "a display name whose quote never ends"),
    "ltgtruri": (400, "angle brackets around the Request-URI"),
    "lwsruri": (400, "white space within the Request-URI"),
    "lwsstart": (400, "more than one space in the request line"),
    "trws": (400, "white space after the request line"),
    "escruri": ("taken", "headers in the Request-URI are ignored, as section 19.1.5 of RFC 3261 advises the careful"),
    "baddate": ("taken", "a Date in the wrong zone: nobody here reads Date"),
    "regbadct": (405, "REGISTER is not for a phone; its Contact is not even read"),
    "badaspec": (200, "spaces inside the angle brackets: the meaning is plain, so it is read"),
    "baddn": (400, "a comma in a display name that is not quoted"),
    "badvers": (505, "SIP/7.0"),
    "mismatch01": (400, "the CSeq names another method"),
    "mismatch02": (405, "an unknown method; that the CSeq names another one matters no more"),
    "bigcode": ("silence", "a response with an impossible status: dropped"),
    # 3.2 transaction layer
    "badbranch": (200, "a branch that is the cookie alone: matched as RFC 2543 did"),
    # 3.3 application layer
    "insuf": (400, "no Call-ID, From or To"),
    "unkscm": (416, "a Request-URI of an unknown scheme"),
    "novelsc": (416, "a Request-URI of a known scheme that is not SIP"),
    "unksm2": (405, "REGISTER; unknown schemes in To, From and Contact do no harm"),
    "bext01": (420, "Require names what we lack, and the answer names it in Unsupported"),
    "invut": (415, "a body of an unknown type"),
    "regaut01": (405, "REGISTER is not for a phone, whatever the credentials"),
    "multi01": (400, "two of each header of which there may be one"),
    "mcl01": (400, "two different Content-Lengths"),
    "bcast": ("silence", "a response with somebody else's Via below: not ours"),
    "zeromf": (200, "Max-Forwards 0 stops forwarding, not answering"),
    "cparam01": (405, "REGISTER is not for a phone"),
    "cparam02": (405, "REGISTER is not for a phone"),
    "regescrt": (405, "REGISTER is not for a phone"),
    "sdp01": (406, "Accept allows no session description in the answer"),
    # 3.4 backward compatibility
    "inv2543": ("taken", "a caller from before RFC 3261: no branch, no tag, no Contact"),
    # RFC 5118
    "ipv6-good": (405, "REGISTER is not for a phone; the address is well formed"),
    "ipv6-bad": (405, "no brackets round the address in the Request-URI, but the method is looked at first (8.2.1)"),
    "port-ambiguous": (405, "[2001:db8::10:5070] is an address, and a legal one"),
    "port-unambiguous": (405, "[2001:db8::10]:5070 is an address and a port"),
    "via-received-param-with-delim": (481, "BYE for no call of ours; brackets in received are let pass"),
    "via-received-param-no-delim": (200, "received without brackets, as the grammar has it"),
    "mult-ip-in-header": (481, "BYE for no call of ours, by way of both families"),
    "mult-ip-in-sdp": ("taken", "both families in the SDP: each media line has its own address"),
    "ipv4-mapped-ipv6": (488, "all well formed, IPv4-mapped addresses too; but the only codec is G.726"),
    "ipv6-in-sdp": (488, "all well formed, IPv6 in the SDP; but the only codec is G.726"),
    "ipv6-bug-abnf-3-colons": (200, "RFC 3261 itself asked for the third colon, by mistake: tolerated, as 4.10 says"),
    "ipv6-correct-abnf-2-colons": (200, "an IPv4 address at the end of an IPv6 one, rightly written"),
}
FILES = sorted(TORTURE.glob("*/*.dat")) if TORTURE.is_dir() else []


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_message_gets_the_answer_it_must_get(path):
    expected, why = EXPECTED[path.stem]
    phone = agent(ANNA)
    phone.receive(path.read_bytes(), SOURCE, 0.0)
    happened, sent = phone.events(), phone.datagrams()
    taken = [event for event in happened if isinstance(event, events.IncomingCall)]
    answers = [parse(data) for data, _ in sent]
    got: object = "taken" if taken else answers[0].status if answers else "silence"
    assert got == expected, why
    assert len(answers) <= 1
    for (_, destination), answer in zip(sent, answers, strict=True):
        assert isinstance(answer, Response)
        assert destination[0] == SOURCE[0], "an answer goes to where the request came from"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_torture_message_leaves_the_phone_as_fit_as_before(path):
    """Whatever it was: taken calls can be refused, time may pass, and OPTIONS is answered afterwards."""
    phone = agent(ANNA)
    for _ in range(2):
        phone.receive(path.read_bytes(), SOURCE, 0.0)
    for event in phone.events():
        if isinstance(event, events.IncomingCall):
            phone.reject(event.call, 486, 1.0)
    phone.handle_timer(400.0)
    phone.datagrams()
    phone.receive((TORTURE / "rfc4475" / "zeromf.dat").read_bytes(), SOURCE, 401.0)
    assert parse(phone.datagrams()[0][0]).status == 200


def test_no_message_is_without_its_answer_here():
    assert {path.stem for path in FILES} in (set(), set(EXPECTED))
