"""Messages: bytes to message to bytes (RFC 3261 sections 7, 18.3 and 20)."""

from __future__ import annotations

import pytest
from wire import ANNA, SDP_OFFER, Peer, agent, audio, statuses

from engine.sip import events
from engine.sip.message import CSeq, Headers, Request, Response, SipError, Via, parse

INVITE = (
    b"INVITE sip:anna@192.0.2.1 SIP/2.0\r\n"
    b"Via: SIP/2.0/UDP 192.0.2.2:5062;branch=z9hG4bK1;rport\r\n"
    b"Max-Forwards: 70\r\n"
    b'From: "Bob" <sip:bob@192.0.2.2>;tag=b1\r\n'
    b"To: <sip:anna@192.0.2.1>\r\n"
    b"Call-ID: c1@192.0.2.2\r\n"
    b"CSeq: 7 INVITE\r\n"
)


def message(*lines: bytes, body: bytes = b"", start: bytes = INVITE) -> bytes:
    """The INVITE with more header lines and a body."""
    return start + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def refused(data: bytes) -> SipError:
    with pytest.raises(SipError) as caught:
        parse(data)
    return caught.value


# ------------------------------------------------------------------ reading


def test_the_parts_of_a_request():
    read = parse(message(b"Content-Type: application/sdp", body=SDP_OFFER))
    assert isinstance(read, Request)
    assert (read.method, read.uri, str(read.target)) == ("INVITE", "sip:anna@192.0.2.1", "sip:anna@192.0.2.1")
    assert (read.via.transport, read.via.sent_by, read.via.branch) == ("UDP", ("192.0.2.2", 5062), "z9hG4bK1")
    assert (read.from_.display_name, read.from_.tag, read.to.tag) == ("Bob", "b1", None)
    assert (read.call_id, read.cseq, read.max_forwards) == ("c1@192.0.2.2", CSeq(7, "INVITE"), 70)
    assert (read.body_parts()[0].content_type, read.sdp()) == ("application/sdp", SDP_OFFER)


@pytest.mark.parametrize(
    ("line", "status", "reason"),
    [
        (b"SIP/2.0 180 Ringing", 180, "Ringing"), (b"SIP/2.0 100 ", 100, ""), (b"SIP/2.0 100", 100, ""),
        (b"sip/2.0 200 ok \xd0\xb4\xff", 200, "ok \u0434\udcff"), (b"SIP/2.0 699 = 2**3 * x", 699, "= 2**3 * x"),
    ],
)  # fmt: skip
def test_the_status_line(line, status, reason):
    read = parse(line + b"\r\n" + INVITE.partition(b"\r\n")[2] + b"\r\n")
    assert isinstance(read, Response) and (read.status, read.reason) == (status, reason)


def test_compact_names_any_case_folding_and_white_space():
    read = parse(
        b"INVITE sip:a@h SIP/2.0\r\nv  :SIP / 2.0\r\n /UDP\r\n\th : 5080 ;\r\n  branch = z9\r\n"
        b"F:<sip:b@h>\r\n ;\r\n tag = 1\r\nTO\t:\r\n sip:a@h\r\ni:x\r\ncSEQ: 0009\r\n  INVITE\r\nMAX-forwards: 0068\r\n"
        b"m:<sip:b@h>\r\nk:\r\ns :\r\n"
        b"L : 0\r\n\r\n"
    )
    assert (read.via.sent_by, read.via.branch, read.from_.tag) == (("h", 5080), "z9", "1")
    assert (read.cseq, read.max_forwards, read.call_id) == (CSeq(9, "INVITE"), 68, "x")
    assert [str(item) for item in read.contacts] == ["<sip:b@h>"]
    assert read.headers.get("supported") == "" and "subject" in read.headers


@pytest.mark.parametrize("end", [b"\r\n", b"\n"])
@pytest.mark.parametrize("empty", [b"\r\n", b"\n"])
def test_lines_may_end_with_lf_alone(end, empty):
    read = parse(b"\r\n\n" + INVITE.replace(b"\r\n", end) + b"Subject: a\rb" + end + b" c" + end + empty + b"body")
    assert read.headers.get("subject") == "a b c" and read.body == b"body"


def test_one_field_or_many_is_one_list():
    vias = b"Via: SIP/2.0/TCP h2;branch=2 , SIP/2.0/SCTP [::1]:9;received=[::2]"
    read = parse(message(vias, b'v: SIP/2.0/UNKNOWN h3;x="a,b"', b'm: "a, \\"<b" <sip:a,b@h>, <sip:c@h>;q=0.3'))
    assert [Via.parse(text).host for text in read.headers.get_all("via")] == ["192.0.2.2", "h2", "::1", "h3"]
    assert [address.uri.user for address in read.contacts] == ["a,b", "c"]
    assert read.headers.get_all("call-id") == ["c1@192.0.2.2"]


def test_comments_are_not_cut_and_a_lone_parenthesis_is_none():
    read = parse(message(b'Warning: 1 h (a, (b, "c)") d), 2 h', b"Contact: sip:a(b@h, sip:c@h"))
    assert read.headers.get_all("warning") == ['1 h (a, (b, "c)") d)', "2 h"]
    assert [str(address.uri) for address in read.contacts] == ["sip:a(b@h", "sip:c@h"]


def test_the_lower_vias_are_not_looked_at():
    read = parse(message(b"Via: rubbish"))
    assert read.via.host == "192.0.2.2"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("via", ""), ("via", "SIP/2.0/UDP"), ("via", "HTTP/1.1/TCP h"), ("via", "SIP/2.0/U(P h"),
        ("via", "SIP/2.0/UDP h h"),
        ("from_", "x"), ("to", '"x'), ("cseq", "x INVITE"), ("cseq", "1"), ("cseq", "2147483648 INVITE"),
        ("cseq", "1 IN(ITE"), ("cseq", "-1 INVITE"), ("cseq", "\u0661 INVITE"), ("call_id", ""), ("call_id", "a b"),
        ("contacts", "<sip:"), ("record_routes", "<x"), ("max_forwards", "256"), ("max_forwards", "x"),
    ],
)  # fmt: skip
def test_a_typed_header_that_cannot_be_read_is_a_400(name, value):
    header = "max-forwards" if name == "max_forwards" else name.rstrip("_s").replace("_", "-")
    request = Request("INVITE", "sip:a@h", Headers([(header, value)]))
    with pytest.raises(SipError) as caught:
        getattr(request, name)
    assert caught.value.status == 400


# ------------------------------------------------------------------ what is refused, and with what


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda data: data.replace(b"INVITE sip", b"INVITE  sip"), 400),
        (lambda data: data.replace(b"SIP/2.0\r\nVia", b"SIP/2.0 \r\nVia"), 400),
        (lambda data: data.replace(b"192.0.2.1 SIP", b"192.0.2.1; lr SIP"), 400),
        (lambda data: data.replace(b"INVITE sip", b"INV(TE sip"), 400),
        (lambda data: data.replace(b"SIP/2.0\r\nVia", b"SIP/7.0\r\nVia"), 505),
        (lambda data: data.replace(b"SIP/2.0\r\nVia", b"SIP/2.1\r\nVia"), 505),
        (lambda data: data.replace(b"Max-", b"CSeq: 8 INVITE\r\nMax-"), 400),
        (lambda data: data.replace(b"Max-", b"t: sip:x@h\r\nMax-"), 400),
        (lambda data: data.replace(b"Max-", b"no colon\r\nMax-"), 400),
        (lambda data: data.replace(b"Max-", b"b@d name: x\r\nMax-"), 400),
        (lambda data: data.replace(b"Max-", b"Content-Length: 1\r\nMax-"), 400),
        (lambda data: data.replace(b"Max-", b"Content-Length: -1\r\nMax-"), 400),
        (lambda data: data.replace(b"Max-", b"Content-Length: 99999999999999999999999\r\nMax-"), 400),
        (lambda data: data.replace(b"Max-", b"X: y\r\n" * 7000 + b"Max-"), 513),
    ],
)
def test_a_faulty_request_still_says_where_to_send_the_answer(change, status):
    data = change(message())
    assert data != message()
    error = refused(data)
    assert error.status == status
    assert isinstance(error.request, Request) and error.request.via.branch == "z9hG4bK1"
    assert error.request.headers.get("call-id") == "c1@192.0.2.2" or status == 513


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\r\n\r\n", b"\xff" * 100, b"INVITE", b"INVITE sip:a@h", b"INVITE sip:a@h HTTP/1.1\r\n\r\n",
        b"SIP/2.0\r\n\r\n", b"SIP/2.0 20 x\r\n\r\n", b"SIP/2.0 4294967301 x\r\n\r\n", b"SIP/2.0 700 x\r\n\r\n",
        b"SIP/3.0 200 x\r\n\r\n",
        b"SIP/2.0 200 OK\r\nTo: x\r\nTo: y\r\n\r\n", b"SIP/2.0 200 OK\r\nl: 5\r\n\r\n",
        b"\x00\x01\x00\x00" + b"\x21" * 16,
    ],
)  # fmt: skip
def test_what_is_no_request_gets_no_answer(data):
    assert refused(data).request is None


def test_a_datagram_is_one_message():
    read = parse(message(b"Content-Length: 4", body=b"bodyINVITE sip:b@h SIP/2.0\r\n\r\n"))
    assert read.body == b"body"
    assert parse(message(body=b"all the rest")).body == b"all the rest"


# ------------------------------------------------------------------ bodies


def multipart(*parts: bytes, boundary: bytes = b"b1", kind: bytes = b"multipart/mixed", end: bytes = b"\r\n") -> bytes:
    inside = b"".join(b"--" + boundary + end + part.replace(b"\r\n", end) + end for part in parts)
    header = b'Content-Type: %s ; boundary="%s"' % (kind, boundary)
    return message(header, body=b"preamble" + end + inside + b"--" + boundary + b"--" + end + b"epilogue")


TEXT = b"Content-Type: text/plain\r\n\r\nhello"
SDP = b"content-TYPE : application/SDP;x=1\r\nContent-Disposition: session\r\n\r\n" + SDP_OFFER


def parts(read):
    return [(part.content_type, part.content) for part in read.body_parts()]


@pytest.mark.parametrize("kind", [b"multipart/mixed", b"Multipart / ALTERNATIVE"])
@pytest.mark.parametrize("boundary", [b"b1", b"a b:(c)'+?", b"--", b"\xd0\xb1"])
def test_a_session_description_inside_a_multipart_body(kind, boundary):
    read = parse(multipart(TEXT, SDP, boundary=boundary, kind=kind))
    assert read.sdp() == SDP_OFFER
    assert parts(read) == [("text/plain", b"hello"), ("application/sdp", SDP_OFFER)]


def test_multipart_with_lf_alone():
    assert parse(multipart(TEXT, SDP, end=b"\n")).sdp() == SDP_OFFER.replace(b"\r\n", b"\n")


def test_a_multipart_body_inside_another():
    inner = b"--in\r\n" + SDP + b"\r\n--in--\r\n"
    nested = b"Content-Type: multipart/alternative;boundary=in\r\n\r\n" + inner
    assert parse(multipart(TEXT, nested)).sdp() == SDP_OFFER


def test_a_part_without_headers_and_a_line_like_the_delimiter():
    read = parse(multipart(b"\r\nplain\r\n--b1x\r\nstill plain", boundary=b"b1"))
    assert parts(read) == [("text/plain", b"plain\r\n--b1x\r\nstill plain")]


def test_an_early_session_is_not_the_session():
    early = SDP.replace(b"session\r\n", b"early-session ; handling=optional\r\n", 1)
    assert parse(multipart(early)).sdp() is None
    assert parse(multipart(early, SDP)).sdp() == SDP_OFFER


FOO = b"Content-Type: application/x-foo\r\n"
OPTIONAL, REQUIRED = (b"Content-Disposition: signal;handling=" + word + b"\r\n" for word in (b"Optional", b"required"))


@pytest.mark.parametrize(
    ("kind", "bodies", "understood"),
    [
        (b"mixed", [SDP], True), (b"mixed", [SDP, FOO + OPTIONAL + b"\r\nx"], True),
        (b"mixed", [FOO + OPTIONAL + b"\r\nx"], True), (b"mixed", [TEXT], False),
        (b"mixed", [SDP, FOO + REQUIRED + b"\r\nx"], False), (b"mixed", [FOO + b"\r\nx", SDP], False),
        (b"mixed", [b'Content-Disposition: a;"\r\n' + FOO + b"\r\nx", SDP], False),
        (b"mixed", [b"Content-Encoding: gzip\r\n" + SDP], False),
        (b"alternative", [TEXT, SDP], True), (b"alternative", [TEXT, FOO + b"\r\nx"], False),
    ],
)  # fmt: skip
def test_every_part_of_a_body_must_be_understood_or_optional(kind, bodies, understood):
    """Section 8.2.3; who says nothing of the handling requires it (20.11), and of alternatives one is enough."""
    assert parse(multipart(*bodies, kind=b"multipart/" + kind)).body_is_understood is understood


def test_a_multipart_body_that_is_optional_is_so_in_all_its_parts():
    inner = b"--in\r\n" + FOO + b"\r\nx\r\n--in--\r\n"
    nested = b"Content-Type: multipart/mixed;boundary=in\r\n" + OPTIONAL + b"\r\n" + inner
    assert parse(multipart(nested, SDP)).body_is_understood
    assert not parse(multipart(nested.replace(OPTIONAL, b""), SDP)).body_is_understood


@pytest.mark.parametrize(
    "kind", [b"multipart/mixed", b"multipart/mixed;boundary=", b'multipart/mixed;boundary="a', b"multipart/mixed;=;b"]
)
def test_a_multipart_body_that_cannot_be_parted_is_a_400(kind):
    error = refused(message(b"Content-Type: " + kind, body=SDP_OFFER))
    assert error.status == 400 and error.request is not None
    assert parse(message(b"Content-Type: " + kind)).sdp() is None, "without a body nothing is wrong"


def test_a_body_that_cannot_be_parted_does_no_harm_in_the_ack_of_a_late_offer():
    peer = Peer(agent(ANNA))
    call = peer.calls(body=b"")
    (answer,) = peer.do("accept", call, audio())
    ack = peer.request("ACK", branch="z9hG4bKack", to_tag=answer.to.tag or "", body=SDP_OFFER)
    assert peer.say(ack.replace(b"application/sdp", b'multipart/mixed;boundary="a')) == []
    assert peer.phone.counters.malformed == 1 and peer.of(events.Confirmed) == []
    assert statuses(peer.say(peer.request("OPTIONS", branch="z9hG4bKo"))) == [200]


# ------------------------------------------------------------------ headers and writing


def test_headers_are_an_ordered_multi_map():
    headers = Headers([("v", "1"), ("X-Odd", "2")])
    headers.add("Via", "3")
    assert list(headers.items()) == [("via", "1"), ("x-odd", "2"), ("via", "3")]
    assert (headers.get("v"), len(headers), headers.get("none"), "x-ODD" in headers) == ("1", 3, None, True)
    headers.replace_first("via", "9")
    assert list(headers.items()) == [("via", "9"), ("x-odd", "2"), ("via", "3")]


def test_a_message_is_written_with_long_names_and_a_true_length():
    headers = Headers([("v", "SIP/2.0/UDP h"), ("call-id", "x"), ("l", "99"), ("cseq", "1 BYE"), ("c", "a/b")])
    assert Request("BYE", "sip:a@h", headers, b"12").encode() == (
        b"BYE sip:a@h SIP/2.0\r\nVia: SIP/2.0/UDP h\r\nCall-ID: x\r\nCSeq: 1 BYE\r\nContent-Type: a/b\r\n"
        b"Content-Length: 2\r\n\r\n12"
    )
    assert Response(200, "OK", Headers()).encode() == b"SIP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n"


def test_no_value_can_begin_a_line_of_its_own():
    sent = Response(200, "O\nK", Headers([("to", "a\r\nVia: evil\r\n\r\n"), ("subject", "x\ry")])).encode()
    assert sent == b"SIP/2.0 200 O K\r\nTo: a  Via: evil    \r\nSubject: x y\r\nContent-Length: 0\r\n\r\n"


def test_bytes_that_are_not_utf_8_survive():
    odd = b"Subject: \xff\xfe \xd0\xb4 \x00 \x1b[2J"
    assert odd in parse(message(odd)).encode()


def test_the_top_via_is_written_anew_and_the_others_stay():
    read = parse(message(b"Via: SIP/2.0/UDP low").replace(b";rport\r\n", b";rport, SIP/2.0/UDP mid\r\n"))
    read.replace_top_via(Via("UDP", "::1", 9, {"received": "x", "rport": None}), ["SIP/2.0/UDP mid"])
    assert read.headers.get_all("via") == [
        "SIP/2.0/UDP [::1]:9;received=x;rport", "SIP/2.0/UDP mid", "SIP/2.0/UDP low",
    ]  # fmt: skip
    assert read.via.host == "::1"
