"""Messages made to hurt: anything at all is a message or a SipError, in time that grows with its length alone."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import BOB, SDP_OFFER, TORTURE, Peer, agent, audio

from engine.sip import events
from engine.sip.message import CSeq, Headers, Message, NameAddr, Request, Response, SipError, Uri, Via, parse

FAST = settings(max_examples=100, deadline=None)
TYPED = (
    "via",
    "from_",
    "to",
    "cseq",
    "call_id",
    "contacts",
    "record_routes",
    "max_forwards",
    "body_is_understood",
)
HEAD = (
    b"INVITE sip:anna@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bK1;rport\r\nMax-Forwards: 70\r\n"
    b'From: "Bob \\" <x>" <sip:bob@192.0.2.2;lr?a=b>;tag=b1\r\nTo: <sip:anna@[2001:db8::1]:5061>\r\nCall-ID: c1@h\r\n'
    b"CSeq: 7 INVITE\r\nContact: <sip:bob@192.0.2.2>\r\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\r\n"
)
MULTIPART = b'Content-Type: multipart/mixed;boundary="b"\r\n\r\n'
MULTIPART += b"--b\r\nContent-Type: application/sdp\r\n\r\n%s\r\n--b--\r\n"
MARKS = st.sampled_from([b"\r\n", b"\r", *(bytes([mark]) for mark in b'"<>,;\\(%[\0 :')])
KINDS = [b"application/sdp", b"multipart/mixed;boundary=b", b'multipart/x;boundary="', b";"]
SEEDS = [
    HEAD + b"Content-Type: application/sdp\r\n\r\n" + SDP_OFFER,
    HEAD + MULTIPART % SDP_OFFER,
    b"SIP/2.0 200 OK\r\n" + HEAD.partition(b"\r\n")[2] + b"l: 2\r\n\r\nab",
    *(path.read_bytes() for path in sorted(TORTURE.glob("*/*.dat"))),
]


def read_all(message: Message) -> None:
    """Ask for everything; what cannot be read is a SipError with a status."""
    for name in TYPED:
        try:
            getattr(message, name)
        except SipError as error:
            assert 400 <= error.status < 600
    message.sdp()
    if isinstance(message, Request):
        try:
            assert isinstance(message.target, Uri)
        except SipError as error:
            assert error.status == 400


def digest(data: bytes) -> Message | None:
    """Read everything, and write it so that it reads the same."""
    try:
        message = parse(data)
    except SipError as error:
        assert 400 <= error.status < 600
        if error.request is not None:
            read_all(error.request)
            error.request.encode()
        return None
    read_all(message)
    again = parse(message.encode())
    assert (again.start_line, again.body) == (message.start_line.strip(" "), message.body) or " " in message.start_line
    wanted = [(name, value) for name, value in message.headers.items() if name != "content-length"]
    assert [item for item in again.headers.items() if item[0] != "content-length"] == wanted
    return message


# ------------------------------------------------------------------ anything at all


@FAST
@given(st.binary(max_size=400))
def test_any_bytes_are_a_message_or_an_error(data):
    digest(data)
    digest(b"INVITE sip:a@h SIP/2.0\r\n" + data)
    digest(HEAD + data)


@FAST
@given(st.sampled_from(SEEDS), st.data())
def test_a_message_that_was_tampered_with(seed, data):
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(seed)))
        until = at + data.draw(st.integers(0, 12))
        seed = seed[:at] + data.draw(MARKS | st.binary(max_size=3)) + seed[until:]
    digest(seed)


@FAST
@given(st.data())
def test_no_tampered_message_of_the_far_end_raises_in_a_call(data):
    """Early, up, and with an offer of ours open: whatever comes is taken, refused or dropped."""
    peer = Peer(agent(("192.0.2.1", 5060)))
    call = peer.calls(body=data.draw(st.sampled_from([b"", SDP_OFFER])))
    tag = ""
    if data.draw(st.booleans()):
        (answer,) = peer.do("accept", call, audio())
        tag = answer.to.tag or ""
    for number in range(3):
        method = data.draw(st.sampled_from(["ACK", "INVITE", "BYE", "OPTIONS", "CANCEL"]))
        said = peer.request(method, branch=f"z9hG4bK{number}", cseq=1 + number, to_tag=tag, body=SDP_OFFER)
        said = said.replace(b"application/sdp", data.draw(st.sampled_from(KINDS)))
        at = data.draw(st.integers(0, len(said)))
        said = said[:at] + data.draw(st.binary(max_size=3)) + said[at + data.draw(st.integers(0, 3)) :]
        peer.phone.receive(said, BOB, peer.now)
    assert len(peer.of(events.IncomingCall)) <= 4
    peer.phone.handle_timer(400.0)


tokens = st.text("abcXYZ019-.!%*_+`'~", min_size=1, max_size=8)
values = st.text(st.characters(blacklist_categories=["Cs", "Cc", "Zs"]), max_size=20)


@FAST
@given(tokens, st.lists(st.tuples(st.just("X-").map(str) | tokens.map("x-".__add__), values), max_size=6), st.binary())
def test_a_message_survives_writing_and_reading(method, pairs, body):
    headers = Headers([("via", "SIP/2.0/UDP h;branch=1"), *pairs])
    for made in (Request(method, "sip:a@h", headers, body), Response(299, "odd \u00e9", headers, body)):
        again = parse(made.encode())
        assert type(again) is type(made) and (again.start_line, again.body) == (made.start_line, body)
        assert [item for item in again.headers.items() if item[0] != "content-length"] == list(headers.items())


@FAST
@given(
    tokens.map(str.upper),
    st.sampled_from(["h.example", "192.0.2.1", "2001:db8::1"]),
    st.none() | st.integers(0, 65535),
    st.dictionaries(tokens.map(str.lower), st.none() | tokens, max_size=3),
    st.integers(0, 2**31 - 1),
    tokens,
)
def test_via_and_cseq_survive_writing_and_reading(transport, host, port, params, number, method):
    via, cseq = Via(transport, host, port, params), CSeq(number, method)
    assert Via.parse(str(via)) == via and CSeq.parse(str(cseq)) == cseq


@pytest.mark.parametrize("data", SEEDS[:3])
def test_the_seeds_are_sound(data):
    message = digest(data)
    assert message is not None and isinstance(message.from_, NameAddr) and message.from_.display_name == 'Bob " <x>'


# ------------------------------------------------------------------ promise 18


HOSTILE = {
    "20,000 quotes in a Subject": b"Subject: " + b'"' * 20_000,
    "20,001 quotes in a Contact": b"Contact: " + b'"' * 20_001,
    "backslashes": b'Contact: "' + b"\\" * 20_000 + b'" <sip:a@b>',
    "parentheses": b"Contact: " + b"(" * 30_000,
    "parentheses with commas": b"Contact: " + b"(," * 10_000,
    "angle brackets": b"Contact: " + b"<" * 60_000,
    "commas": b"Contact: " + b"," * 60_000,
    "semicolons": b"Contact: <sip:a@b>" + b";" * 60_000,
    "parameters": b"Contact: <sip:a@b>" + b";a=b" * 5_000,
    "URI parameters": b"Contact: <sip:a@b" + b";a=b" * 5_000 + b">",
    "escapes": b"Contact: <sip:" + b"%41" * 15_000 + b"@b>",
    "at signs": b"Contact: <sip:" + b"@" * 60_000 + b">",
    "an endless address": b"Contact: <sip:[" + b":1" * 25_000 + b"]>",
    "an endless port": b"Contact: <sip:a:" + b"1" * 60_000 + b">",
    "an endless CSeq": b"X: y\r\nMax-Forwards: " + b"9" * 60_000,
    "5,000 folds": b"Subject: a" + b"\r\n b" * 5_000,
    "5,000 headers": b"\r\n".join([b"X: a"] * 5_000),
    "1,000 Vias": b"\r\n".join([b"Via: SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx"] * 1_000),
    "1,000 Vias in one": b"Via: " + b"SIP/2.0/UDP 192.0.2.9;branch=z9hG4bKx," * 1_000,
    "delimiters": b"Content-Type: multipart/mixed;boundary=a\r\n\r\n" + b"\r\n--a\r\n" * 8_000,
    "almost delimiters": b"Content-Type: multipart/mixed;boundary=a\r\n\r\n" + b"\r\n--ab\r\n" * 7_000,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_18_a_hostile_message_costs_milliseconds(name):
    lines = HEAD.replace(b"Max-Forwards: 70\r\n", b"") if name == "an endless CSeq" else HEAD
    data = lines + HOSTILE[name] + b"\r\n\r\n"
    taken = []
    for _ in range(5):
        begin = time.process_time()
        try:
            read_all(parse(data))
        except SipError:
            pass
        taken.append(time.process_time() - begin)
    assert min(taken) < 0.02, "the best of five: what it costs when nobody else has the processor"


@pytest.mark.parametrize(
    "line",
    [
        b"INVITE " + b" SIP/1.1" * 8_000 + b" x",
        b"INVITE " + b" " * 60_000 + b"x",
        b"A a SIP/1.1" + b"\t" * 60_000 + b"x",
        b"INVITE a b SIP/" + b"1" * 60_000 + b"x",
        b"SIP/2.0 200 " + b" " * 60_000,
        b"A" * 60_000,
        b"A " + b"b" * 60_000,
    ],
)
def test_18_a_hostile_start_line_costs_milliseconds(line):
    taken = []
    for _ in range(5):
        begin = time.process_time()
        try:
            parse(line + b"\r\n\r\n")
        except SipError:
            pass
        taken.append(time.process_time() - begin)
    assert min(taken) < 0.02
