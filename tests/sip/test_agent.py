"""The user agent as strangers meet it: what it answers, what it ignores, what it never lets happen."""

from __future__ import annotations

import dataclasses
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import ANNA, BOB, FORMATS, SDP_OFFER, STRANGER, Peer, agent, audio, sdp, sip, statuses

from engine.sip import events
from engine.sip.agent import Limits
from engine.sip.message import SipError, Uri


@pytest.fixture
def peer() -> Peer:
    return Peer(agent(ANNA))


# ---------------------------------------------------------------- what it answers (section 8.2)


@pytest.mark.parametrize(
    "method", ["REGISTER", "SUBSCRIBE", "NOTIFY", "REFER", "MESSAGE", "UPDATE", "PRACK", "PUBLISH", "INFO", "X-NEW"]
)
def test_methods_that_are_not_spoken_get_405_and_the_list_of_those_that_are(peer, method):
    (answer,) = peer.say(peer.request(method))
    assert (answer.status, answer.headers.get("allow")) == (405, "INVITE, ACK, CANCEL, BYE, OPTIONS")


def test_options_says_what_the_phone_can_and_nothing_about_what_it_is(peer):
    (answer,) = peer.say(peer.request("OPTIONS"))
    assert answer.status == 200
    assert answer.headers.get("accept") == "application/sdp" and answer.headers.get("supported") == ""
    assert "INVITE" in answer.headers.get("allow") and answer.body == b""
    assert answer.headers.get("accept-language") == "en"
    assert not {"server", "user-agent", "organization"} & {name for name, _ in answer.headers.items()}


def test_options_are_answered_as_a_call_would_be():
    """RFC 3261 section 11.2: busy to a call is busy to OPTIONS, but not within a call."""
    lines = [False]
    peer = Peer(agent(ANNA, busy=lambda: lines[0]))
    _, tag = peer.is_taken()
    lines[0] = True
    assert statuses(peer.say(peer.request("OPTIONS", branch="z9hG4bKo1"))) == [486]
    assert statuses(peer.say(peer.request("OPTIONS", branch="z9hG4bKo2", cseq=2, to_tag=tag))) == [200]
    lines[0] = False
    assert statuses(peer.say(peer.request("OPTIONS", branch="z9hG4bKo3"))) == [200]


def test_a_required_extension_is_refused_by_name(peer):
    (answer,) = peer.say(peer.request("INVITE", body=SDP_OFFER, extra="Require: 100rel, foo"))
    assert (answer.status, answer.headers.get("unsupported")) == (420, "100rel, foo")
    assert peer.of(events.IncomingCall) == []


def test_bodies_and_schemes_we_cannot_read(peer):
    odd = sip(peer.request("INVITE").decode().split("\r\nContent-Length")[0] + "\nContent-Type: text/plain", b"hi")
    (answer,) = peer.say(odd)
    assert (answer.status, answer.headers.get("accept")) == (415, "application/sdp")
    assert statuses(peer.say(peer.request("INVITE", uri="tel:+1234"))) == [416]
    assert statuses(peer.say(peer.request("INVITE", uri="sips:anna@192.0.2.1"))) == [416]
    (answer,) = peer.say(peer.request("INVITE", body=sdp(payloads="18")))
    assert (answer.status, answer.headers.get("warning")) == (488, '305 - "Incompatible media format"')
    assert statuses(peer.say(peer.request("INVITE", body=SDP_OFFER, contact=""))) == [400]


@pytest.mark.parametrize("fault", [{"body": b"nonsense"}, {"extra": 'Require: "x'}, {"extra": 'Accept: "'}])
def test_a_call_with_a_part_that_cannot_be_read_is_a_400(peer, fault):
    assert statuses(peer.say(peer.request("INVITE", **{"body": SDP_OFFER, **fault}))) == [400]
    assert peer.of(events.IncomingCall) == []


def test_who_sends_what_is_no_session_description_hears_what_is_wrong_with_it(peer):
    (answer,) = peer.say(peer.request("INVITE", body=b"nonsense"))
    wrong = "no session description: it does not begin with v=0"
    assert (answer.reason, answer.headers.get("warning")) == (f"Bad Request: {wrong}", f'399 - "{wrong}"')


def test_a_route_of_absurd_length_is_refused(peer):
    routes = ",".join(["<sip:p.example.com;lr>"] * 33)
    assert statuses(peer.say(peer.request("INVITE", body=SDP_OFFER, extra=f"Record-Route: {routes}"))) == [513]


def with_body(peer, method, kind, body):
    return sip(peer.request(method).decode().split("\r\nContent-Length")[0] + f"\nContent-Type: {kind}", body)


def multipart(*parts):
    return b"--x\r\n" + b"\r\n--x\r\n".join(parts) + b"\r\n--x--\r\n"


SDP_PART = b"Content-Type: application/sdp\r\n\r\n" + SDP_OFFER
FOO_PART = b"Content-Type: application/x-foo\r\nContent-Disposition: signal;handling=%s\r\n\r\nfoo"


def test_a_multipart_invite_is_read(peer):
    peer.say(with_body(peer, "INVITE", "multipart/mixed;boundary=x", multipart(FOO_PART % b"optional", SDP_PART)))
    assert peer.of(events.IncomingCall)[0].has_offer


@pytest.mark.parametrize(
    ("method", "kind", "body"),
    [
        ("OPTIONS", "application/foo", b"x"),
        ("INVITE", "multipart/mixed;boundary=x", multipart(FOO_PART % b"required", SDP_PART)),
        ("INVITE", "multipart/mixed;boundary=x", multipart(b"Content-Type: application/isup\r\n\r\nx", SDP_PART)),
        ("INVITE", "multipart/mixed;boundary=x", multipart(b"Content-Type: text/plain\r\n\r\nhello")),
    ],
)
def test_what_must_be_understood_and_is_not_is_refused(peer, method, kind, body):
    (answer,) = peer.say(with_body(peer, method, kind, body))
    assert (answer.status, answer.headers.get("accept")) == (415, "application/sdp")
    assert peer.of(events.IncomingCall) == []


def test_a_bye_ends_the_call_whatever_it_brings(peer):
    """A gateway sends what its network said at the end."""
    _, tag = peer.is_taken()
    bye = peer.request("BYE", branch="z9hG4bKbye", cseq=2, to_tag=tag, body=b"x")
    assert statuses(peer.say(bye.replace(b"application/sdp", b"application/isup"))) == [200]


def test_requests_for_dialogs_that_are_not_there_get_481(peer):
    for method in ("INVITE", "BYE", "OPTIONS"):
        assert statuses(peer.say(peer.request(method, to_tag="nobody", body=b"", branch=f"z9hG4bK{method}"))) == [481]
    assert statuses(peer.say(peer.request("BYE"))) == [481]
    assert statuses(peer.say(peer.request("CANCEL"))) == [481]


def test_a_second_copy_of_an_invite_by_another_way_is_a_loop(peer):
    call = peer.calls()
    assert statuses(peer.say(peer.request("INVITE", branch="z9hG4bKother", body=SDP_OFFER))) == [482]
    peer.do("reject", call, 486)
    assert statuses(peer.say(peer.request("INVITE", branch="z9hG4bKthird", body=SDP_OFFER))) == [482]
    peer.wait(40)
    peer.say(peer.request("INVITE", branch="z9hG4bKlater", body=SDP_OFFER))
    assert len(peer.of(events.IncomingCall)) == 2, "once all of the first is over it may call again"


def test_an_invite_replayed_during_the_call_is_a_loop_however_late(peer):
    peer.is_taken()
    peer.wait(600)
    assert statuses(peer.say(peer.request("INVITE", branch="z9hG4bKreplay", body=SDP_OFFER))) == [482]
    assert len(peer.of(events.IncomingCall)) == 1


def test_a_repeated_invite_is_the_same_call(peer):
    call = peer.calls()
    (ringing,) = peer.do("ring", call)
    (again,) = peer.say(peer.request("INVITE", body=SDP_OFFER))
    assert again.encode() == ringing.encode() and len(peer.of(events.IncomingCall)) == 1


def test_the_same_stateless_answer_for_the_same_request(peer):
    one, two = (peer.say(peer.request("INVITE", body=sdp(payloads="18")))[0] for _ in range(2))
    assert one.encode() == two.encode() and one.to.tag
    peer.say(peer.request("ACK", to_tag=one.to.tag))
    assert peer.phone.counters.stray == 0, "the ACK of an answer that was not kept is still no stray"


@pytest.mark.parametrize("method", ["OPTIONS", "BYE"])
def test_a_request_of_a_call_that_comes_again_gets_the_same_answer_again(peer, method):
    """Its CSeq is no higher than the last one's then, but it is the last one."""
    _, tag = peer.is_taken()
    asked = peer.request(method, branch="z9hG4bK2", cseq=2, to_tag=tag)
    (one,), (two,) = peer.say(asked), peer.say(asked)
    assert one.status == 200 and one.encode() == two.encode() and one.to.tag == tag


def test_a_body_that_may_be_passed_over_is(peer):
    head = peer.request("INVITE").decode().split("\r\nContent-Length")[0] + "\nContent-Type: application/isup"
    assert statuses(peer.say(sip(head, b"\1\2"))) == [415]
    peer.say(sip(head + "\nContent-Disposition: signal ; handling=OPTIONAL", b"\1\2"))
    assert [event.has_offer for event in peer.of(events.IncomingCall)] == [False]


def test_tokens_mean_the_same_in_any_case(peer):
    """RFC 3261 section 7.3.1: a far end may write our tag and our branch in capitals."""
    _, tag = peer.is_taken()
    assert statuses(peer.say(peer.request("BYE", branch="z9hG4bK2", cseq=2, to_tag=tag.upper(), from_tag="BOB1"))) == [
        200
    ]
    _, invite = peer.is_called()
    branch = (invite.via.branch or "").encode()
    ringing = peer.answer(invite, 180).replace(branch, branch.upper())
    peer.say(ringing)
    assert len(peer.of(events.Progress)) == 1
    call = peer.calls(call_id="c2", branch="z9hG4bKabc")
    assert statuses(peer.say(peer.request("CANCEL", call_id="c2", branch="Z9HG4BKABC"))) == [200, 487]
    assert peer.of(events.CallEnded)[-1].call == call


def test_a_body_that_is_packed_is_refused_and_a_header_without_one_is_not(peer):
    packed = "Content-Encoding: gzip"
    (answer,) = peer.say(peer.request("INVITE", body=SDP_OFFER, extra=packed))
    assert (answer.status, answer.headers.get("accept-encoding")) == (415, "identity")
    peer.say(peer.request("INVITE", branch="z9hG4bK2", call_id="c2", extra=packed))
    assert len(peer.of(events.IncomingCall)) == 1


def test_a_caller_from_before_rfc_3261_is_matched_by_everything_that_makes_its_call(peer):
    """Section 17.2.3: its branch, if it has one, names nothing."""
    first = peer.calls(branch="1", contact="")
    (ringing,) = peer.do("ring", first)
    second = peer.calls(branch="1", contact="", call_id="c2")
    assert second != first, "another call, though the branch is the same"
    assert statuses(peer.say(peer.request("INVITE", branch="1", contact="", body=SDP_OFFER))) == [180]
    ok, refused = peer.say(peer.request("CANCEL", branch="1"))
    assert (ok.status, refused.status, refused.to.tag) == (200, 487, ringing.to.tag)
    assert [event.call for event in peer.of(events.CallEnded)] == [first]
    peer.say(peer.request("ACK", branch="1", to_tag=refused.to.tag or ""))
    assert 487 not in statuses([message for _, message in peer.wait(20)])
    (taken,) = peer.do("accept", second, audio())
    peer.say(peer.request("ACK", branch="1", call_id="c2", to_tag=taken.to.tag or "", uri="sip:x@192.0.2.1"))
    assert [event.call for event in peer.of(events.Confirmed)] == [second]


def test_a_to_that_ends_with_a_semicolon_is_answered_with_one_that_can_be_read(peer):
    odd = peer.request("OPTIONS").replace(b"To: <sip:anna@192.0.2.1>", b"To: <sip:anna@192.0.2.1> ;")
    (answer,) = peer.say(odd)
    assert answer.status == 200 and answer.to.tag


# ---------------------------------------------------------------- what it counts


def test_every_datagram_is_counted_once_at_most(peer):
    _, invite = peer.is_called()
    _, tag = peer.is_taken()
    full = Peer(agent(ANNA, limits=Limits(server_transactions=0)))
    counted = (
        (peer, b"\xff" * 20, "malformed"),
        (peer, peer.request("OPTIONS").replace(b"SIP/2.0\r\nVia", b"SIP/7.0\r\nVia", 1), "malformed"),
        (peer, peer.request("OPTIONS").replace(b"Via: ", b"Via: ?"), "malformed"),
        (peer, peer.request("ACK").replace(b"From: <", b"From: "), "malformed"),
        (peer, peer.answer(invite, 180).replace(b"To: <", b"To: "), "malformed"),
        (peer, peer.request("REFER"), "refused"),
        (peer, peer.request("BYE", cseq=1, to_tag=tag), "refused"),
        (peer, peer.request("CANCEL", branch="z9hG4bKnone"), "refused"),
        (peer, peer.request("INVITE", cseq=2, to_tag=tag, branch="z9hG4bK2", body=sdp(payloads="18")), "refused"),
        (peer, peer.request("ACK", to_tag="x", branch="z9hG4bKs"), "stray"),
        (peer, b"SIP/2.0 200 OK\r\n" + peer.request("BYE").split(b"\r\n", 1)[1], "stray"),
        (full, full.request("INVITE", body=SDP_OFFER), "overload"),
        (peer, peer.request("OPTIONS", branch="z9hG4bKo"), None),
        (peer, peer.request("BYE", cseq=9, to_tag=tag, branch="z9hG4bKbye"), None),
    )
    for at, data, wanted in counted:
        before = dataclasses.asdict(at.phone.counters)
        at.say(data)
        grown = {name: count - before[name] for name, count in dataclasses.asdict(at.phone.counters).items()}
        assert {name: count for name, count in grown.items() if count} == ({wanted: 1} if wanted else {}), data


# ---------------------------------------------------------------- what it ignores


def test_silence_for_strays(peer):
    peer.say(peer.request("ACK", to_tag="x"))
    peer.say(peer.request("ACK"))
    _, invite = peer.is_called()
    ok = peer.answer(invite, 200, body=sdp())
    for strange in (
        ok.replace(b"z9hG4bK", b"z9hG4bX"),
        ok.replace(b"Via: SIP/2.0/UDP 192.0.2.1:5060", b"Via: SIP/2.0/UDP 192.0.2.9:5060"),
        ok.replace(b" INVITE\r\n", b" BYE\r\n"),
        ok.replace(invite.call_id.encode(), b"other"),
        ok.replace((invite.from_.tag or "").encode(), b"other"),
        ok.replace(f"CSeq: {invite.cseq.number}".encode(), b"CSeq: 1"),
        ok.replace(b"From:", b"Via: SIP/2.0/UDP 192.0.2.7;branch=z9hG4bKq\r\nFrom:"),
    ):
        assert peer.say(strange) == []
    assert peer.phone.counters.stray == 9 and peer.of(events.Accepted) == []
    assert statuses(peer.say(ok)) == ["ACK"]


def test_a_2xx_without_a_way_back_is_dropped(peer):
    _, invite = peer.is_called()
    for contact in ("<tel:+1>", "<sip:bob@192.0.2.2;maddr=%%%>", "<sip:[::::]>"):
        assert peer.say(peer.answer(invite, 200, body=sdp(), contact=contact)) == []
    assert peer.phone.counters.malformed == 3


@pytest.mark.parametrize("data", [b"", b"\r\n\r\n", b"\0\0\0\0", b"\r\n" * 100])
def test_keep_alives_are_not_counted(peer, data):
    assert peer.say(data) == [] and peer.phone.counters.malformed == 0


# ---------------------------------------------------------------- what it never lets happen


@pytest.mark.parametrize(
    "change", [{"call_id": "other"}, {"from_tag": "other"}, {"cseq": 9}, {"branch": "z9hG4bKother"}]
)
def test_a_cancel_must_match_in_everything(peer, change):
    peer.calls()
    assert statuses(peer.say(peer.request("CANCEL", **change))) == [481]
    assert peer.of(events.CallEnded) == []


def test_a_cancel_from_another_via_matches_nothing(peer):
    peer.calls()
    forged = peer.request("CANCEL").replace(b"UDP 192.0.2.2", b"UDP 192.0.2.3")
    assert statuses(peer.say(forged)) == [481]
    assert peer.of(events.CallEnded) == []


def test_what_came_in_is_traced_before_what_it_brought_about_and_knows_its_call(peer):
    peer.phone.trace = True
    peer.is_taken()
    peer.wait(1)
    traced = [(type(event).__name__, getattr(event, "direction", ""), event.call) for event in peer.told]
    assert traced[:2] == [("TraceMessage", "in", 1), ("IncomingCall", "", 1)]
    assert [item for item in traced if item[0] == "TraceMessage"] == [
        ("TraceMessage", "in", 1), ("TraceMessage", "out", 1), ("TraceMessage", "in", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("way", ["their BYE", "our BYE", "their CANCEL", "a BYE while it rings"])
def test_the_end_of_a_call_is_the_last_that_is_told_of_it(peer, way):
    peer.phone.trace = True
    if way == "their CANCEL":
        peer.calls()
        peer.say(peer.request("CANCEL"))
    elif way == "a BYE while it rings":
        (ringing,) = peer.do("ring", peer.calls())
        peer.say(peer.request("BYE", branch="z9hG4bKbye", cseq=2, to_tag=ringing.to.tag or ""))
    else:
        call, tag = peer.is_taken()
        if way == "their BYE":
            peer.say(peer.request("BYE", branch="z9hG4bKbye", cseq=2, to_tag=tag))
        else:
            (bye,) = peer.do("hang_up", call)
            peer.say(peer.answer(bye, 200))
    told = [event for event in peer.told if getattr(event, "call", None) == 1]
    assert isinstance(told[-1], events.CallEnded)
    assert isinstance(told[-2], events.TraceMessage)


@pytest.mark.parametrize("target", ["tel:+1", "sips:bob@192.0.2.2", "sip:bob@192.0.2.2;transport=tcp"])
def test_targets_that_cannot_be_called(peer, target):
    with pytest.raises(SipError):
        peer.phone.invite(Uri.parse(target), audio(), 0.0)
    assert peer.phone.datagrams() == []


def test_options_of_ours(peer):
    query = peer.phone.options(Uri.parse("sip:bob@192.0.2.2"), peer.now)
    (asked,) = peer.listen()
    assert peer.say(peer.answer(asked, 100)) == [] and peer.of(events.OptionsAnswered) == []
    peer.say(peer.answer(asked, 200, "OK", extra="Allow: INVITE, BYE", body=sdp(payloads="0 8")))
    formats = tuple(item for item in FORMATS if item.payload_type in (0, 8))
    assert peer.of(events.OptionsAnswered) == [events.OptionsAnswered(query, 200, "OK", ("INVITE", "BYE"), formats)]


@pytest.mark.parametrize(("happens", "why"), [("silence", "no answer"), ("icmp", "nobody listens there")])
def test_options_of_ours_that_nobody_answers(peer, happens, why):
    query = peer.phone.options(Uri.parse("sip:bob@192.0.2.2"), peer.now)
    if happens == "icmp":
        peer.phone.transport_error(BOB, peer.now)
    peer.wait(32)
    assert peer.of(events.OptionsAnswered) == [events.OptionsAnswered(query, None, why)]


@pytest.mark.parametrize("body", [b"nonsense", b""])
def test_an_answer_to_options_that_cannot_be_read_is_an_answer(peer, body):
    query = peer.phone.options(Uri.parse("sip:bob@192.0.2.2"), peer.now)
    (asked,) = peer.listen()
    peer.say(peer.answer(asked, 486, "Busy", extra='Allow: "', body=body))
    assert peer.of(events.OptionsAnswered) == [events.OptionsAnswered(query, 486, "Busy")]


# ---------------------------------------------------------------- anything at all

MESSAGES = st.sampled_from([
    "INVITE", "INVITE+", "reINVITE", "reINVITE-", "ACK", "ACK+", "BYE", "CANCEL", "OPTIONS", "REFER",
    "100", "180", "183+", "200", "200+", "302", "401", "481", "486", "487", "491", "500",
])  # fmt: skip
VERBS = st.sampled_from([
    "invite", "late", "ring", "progress", "accept", "reject", "hang_up", "modify", "hold", "error",
])  # fmt: skip
STEP = st.one_of(
    st.tuples(st.just("peer"), MESSAGES, st.integers(0, 3), st.booleans()),
    st.tuples(st.just("phone"), VERBS, st.integers(0, 3), st.booleans()),
    st.tuples(st.just("wait"), st.sampled_from([0.0, 0.2, 0.5, 3.0, 32.0, 181.0]), st.integers(0, 3), st.booleans()),
)


class Anything:
    """A peer that says anything at any time, and a phone that does anything at any time."""

    def __init__(self) -> None:
        self.peer = Peer(agent(ANNA, limits=Limits(sessions=4, server_transactions=20, client_transactions=20)))
        self.requests: list = []  # what the phone has sent
        self.tags = [""]
        self.cseq = 1

    def step(self, who: str, what, pick: int, flag: bool) -> None:
        if who == "wait":
            self._note([message for _, message in self.peer.wait(what)])
        elif who == "phone":
            self._phone(what, pick)
        else:
            self._note(self.peer.say(self._message(what, pick, flag), STRANGER if flag and pick == 3 else BOB))

    def _phone(self, verb: str, pick: int) -> None:
        call, phone, now = pick + 1, self.peer.phone, self.peer.now
        if verb in ("invite", "late"):
            try:
                phone.invite(Uri.parse("sip:bob@192.0.2.2"), audio(), now, late_offer=verb == "late")
            except SipError:
                assert len(phone._sessions) == 4
        elif verb == "error":
            phone.transport_error(BOB, now)
        elif verb in ("progress", "accept", "modify"):
            getattr(phone, verb)(call, audio(), now)
        elif verb == "hold":
            phone.modify(call, audio(direction="sendonly"), now)
        elif verb == "reject":
            phone.reject(call, 486, now)
        else:
            getattr(phone, verb)(call, now)
        self._note(self.peer.listen())

    def _message(self, what: str, pick: int, flag: bool) -> bytes:
        body = SDP_OFFER if "+" in what or what == "reINVITE" else b""
        if what[0].isdigit():
            mine = [message for message in self.requests if message.method != "ACK"]
            if not mine:
                return b"SIP/2.0 200 OK\r\n\r\n"
            request = mine[-1 - pick % len(mine)]
            return self.peer.answer(request, int(what[:3]), tag=f"t{int(flag)}", body=body)
        method = what.strip("+-").replace("reINVITE", "INVITE")
        tag = "" if what in ("INVITE", "INVITE+", "CANCEL", "REFER") else self.tags[-1 - pick % len(self.tags)]
        self.cseq += not flag
        branch = f"z9hG4bK{pick if method in ('CANCEL', 'ACK') or flag else self.cseq}"
        return self.peer.request(method, call_id=f"c{pick % 2}", branch=branch, cseq=self.cseq, to_tag=tag, body=body)

    def _note(self, sent: list) -> None:
        self.requests += [message for message in sent if hasattr(message, "method")]
        self.tags += [message.to.tag for message in sent if not hasattr(message, "method") and message.to.tag]

    def check(self) -> None:
        self.peer.phone.trace = False
        for call in list(self.peer.phone._sessions):
            self.peer.phone.hang_up(call, self.peer.now)
        self.peer.wait(1000)
        begun, ended = set(range(1, self.peer.phone._next_call)), [one.call for one in self.peer.of(events.CallEnded)]
        assert sorted(ended) == sorted(begun), "every call ends, once"
        phone = self.peer.phone
        tables = (phone._sessions, phone._dialogs, phone._merged, phone._endpoint.servers, phone._endpoint.clients)
        assert [len(table) for table in tables] == [0, 0, 0, 0, 0], "nothing is left behind"
        assert phone.deadline() is None
        self._events_in_order()

    def _events_in_order(self) -> None:
        for call in range(1, self.peer.phone._next_call):
            mine = [type(event).__name__ for event in self.peer.told if getattr(event, "call", None) == call]
            assert mine[-1] == "CallEnded"
            for once in ("IncomingCall", "Accepted", "Confirmed", "HangingUp", "CallEnded"):
                assert mine.count(once) <= 1
            if "Confirmed" in mine:
                assert mine.index("Accepted") < mine.index("Confirmed")


@settings(max_examples=100, deadline=None)
@given(steps=st.lists(STEP, max_size=30))
def test_whatever_both_sides_do_every_call_ends_once_and_leaves_nothing(steps):
    run = Anything()
    for step in steps:
        run.step(*step)
    run.check()


def test_three_hundred_random_conversations_of_forty_steps():
    """The same by plain chance, which finds other things than a search for small cases."""
    chance = random.Random(11)
    messages, verbs = MESSAGES.elements, VERBS.elements
    for _ in range(300):
        run = Anything()
        for _ in range(40):
            who = chance.choice(["peer", "peer", "phone", "wait"])
            what = chance.choice({"peer": messages, "phone": verbs, "wait": [0.0, 0.2, 0.5, 3.0, 32.0]}[who])
            run.step(who, what, chance.randrange(4), chance.random() < 0.5)
        run.check()


PIECES = [
    b"INVITE sip:a@192.0.2.1 SIP/2.0\r\n", b"SIP/2.0 200 OK\r\n", b"Via: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKb1\r\n",
    b"From: <sip:b@c>;tag=x\r\n", b"To: <sip:a@b>;tag=", b"Call-ID: c1\r\n", b"CSeq: 1 INVITE\r\n",
    b"Contact: <sip:x>", b"Record-Route: <sip:p;lr>,<tel:1>\r\n", b"Content-Length: 5\r\n", b"Require: a\r\n",
    b"\r\n", b"\r\n\r\n", b'"', b"<", b">", b";", b",", b"(", b"[::1]", b"%00", b"\xff\xfe", b"\0",
    b"maddr=[", b":", b"99999999999999999999", b"\r\n ", b"m=audio 1 RTP/AVP 0",
]  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(
    garbage=st.one_of(st.binary(max_size=300), st.lists(st.sampled_from(PIECES), max_size=25).map(b"".join)),
    cut=st.integers(0, 400), method=st.sampled_from(["INVITE", "BYE", "ACK", "CANCEL", "OPTIONS"]), state=st.booleans(),
)  # fmt: skip
def test_no_datagram_raises_in_a_call_or_out_of_one(garbage, cut, method, state):
    peer = Peer(agent(ANNA))
    tag = peer.is_taken()[1] if state else ""
    sound = peer.request(method, branch="z9hG4bKg", cseq=2, to_tag=tag, body=SDP_OFFER if method == "INVITE" else b"")
    for data in (garbage, sound[:cut] + garbage + sound[cut:], sound[:cut]):
        peer.phone.receive(data, STRANGER, peer.now)
        peer.phone.handle_timer(peer.now)
    peer.phone.datagrams()
    _, invite = peer.is_called()
    answer = peer.answer(invite, 200, body=sdp())
    peer.phone.receive(answer[:cut] + garbage + answer[cut:], BOB, peer.now)
    peer.phone.handle_timer(peer.now + 1000)
