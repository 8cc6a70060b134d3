"""What the phone keeps of its SIP messages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine import model
from engine.ladder import CALLS, CHARACTERS_PER_CALL, MESSAGES_PER_CALL, MOST_CHARACTERS, MOST_OF_A_LINE, Ladder
from tests.wire import ANNA, BOB, STRANGER, Wire, is_sip

PEER = ("203.0.113.5", 5060)
OPTIONS = b"OPTIONS sip:x SIP/2.0\r\nCall-ID: 1\r\nCSeq: 7 OPTIONS\r\n\r\n"


def labels(messages: tuple[model.SipMessage, ...]) -> list[str]:
    return [f"{'<' if each.direction == 'in' else '>'} {each.label}" for each in messages]


def test_a_call_as_its_messages() -> None:
    wire = Wire(0.020)
    anna, bob = wire.station(ANNA, face="dashboard"), wire.station(BOB, auto_answer=0.0, face="json")
    anna.do(model.Dial(bob.uri))
    wire.run(2)
    anna.do(model.HangUp())
    wire.run(1)
    messages = anna.phone.snapshot(wire.now).sip
    assert labels(messages) == ["> INVITE", "< 100 Trying", "< 200 OK", "> ACK", "> BYE", "< 200 OK"] or labels(
        messages
    ) == ["> INVITE", "< 200 OK", "> ACK", "> BYE", "< 200 OK"]
    assert {each.call for each in messages} == {1} and messages[0].has_sdp and messages[0].cseq.endswith("INVITE")
    assert [each.number for each in messages] == sorted(each.number for each in messages)
    assert bob.phone.snapshot(wire.now).sip == (), "nobody looks at it there"


def test_what_is_sent_again_is_known_as_the_same() -> None:
    wire = Wire(0.020)
    wire.lose(is_sip("INVITE"), times=2)
    anna, bob = wire.station(ANNA, face="dashboard"), wire.station(BOB, auto_answer=0.0, face="json")
    anna.do(model.Dial(bob.uri))
    wire.run(4)
    invites = [each for each in anna.phone.snapshot(wire.now).sip if each.label == "INVITE"]
    assert [each.repeats for each in invites] == [None, invites[0].number, invites[0].number]


def test_a_flood_of_strangers_takes_nothing_from_a_call() -> None:
    ladder = Ladder()
    ladder.note(1, "out", PEER, b"INVITE sip:b SIP/2.0\r\nCall-ID: ours\r\n\r\n", 1.0)
    for number in range(3 * MESSAGES_PER_CALL):
        ladder.note(None, "in", PEER, OPTIONS, 2.0 + number)
    kept = ladder.view
    assert kept[0].call == 1 and len(kept) == MESSAGES_PER_CALL + 1


def test_calls_of_strangers_take_nothing_from_a_running_call() -> None:
    wire = Wire(0.020)
    anna, bob = wire.station(ANNA, face="dashboard"), wire.station(BOB, auto_answer=0.0, face="json")
    anna.do(model.Dial(bob.uri))
    wire.run(2)
    before = [each for each in anna.phone.snapshot(wire.now).sip if each.call == 1]
    for number in range(CALLS + 10):
        for method in ("INVITE", "CANCEL"):
            anna.net.sockets[anna.phone.local].inbox.append((_stranger(method, number), (STRANGER, 5060), wire.now))
            wire.run(0.3)
    kept = anna.phone.snapshot(wire.now).sip
    assert before and [each for each in kept if each.call == 1] == before
    assert len({each.call for each in kept}) <= CALLS + 1, "and one room for what is of no call"


def _stranger(method: str, number: int) -> bytes:
    return (
        f"{method} sip:anna@{ANNA} SIP/2.0\r\nVia: SIP/2.0/UDP {STRANGER}:5060;branch=z9hG4bKf{number}\r\n"
        f"From: <sip:x@{STRANGER}>;tag={number}\r\nTo: <sip:anna@{ANNA}>\r\nCall-ID: flood{number}\r\n"
        f"CSeq: 1 {method}\r\nContact: <sip:x@{STRANGER}>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    ).encode()


def test_the_running_call_is_still_known_by_its_call_id_after_many_others() -> None:
    ladder = Ladder(running={1})
    for call in range(1, 4 * CALLS):
        ladder.note(call, "in", PEER, f"INVITE sip:b SIP/2.0\r\nCall-ID: id{call}\r\n\r\n".encode(), 1.0)
    ladder.note(None, "in", PEER, b"SIP/2.0 200 OK\r\nCall-ID: id1\r\n\r\n", 2.0)
    assert ladder.view[-1].call == 1


def test_long_messages_of_one_call_are_kept_up_to_a_size() -> None:
    ladder = Ladder()
    for _ in range(MESSAGES_PER_CALL):
        ladder.note(1, "in", PEER, b"INVITE " + b"X" * MOST_CHARACTERS, 0.0)
    assert 0 < sum(len(each.text) for each in ladder.view) <= CHARACTERS_PER_CALL


def test_what_is_kept_is_bounded() -> None:
    ladder = Ladder()
    for call in range(3 * CALLS):
        for number in range(MESSAGES_PER_CALL + 5):
            ladder.note(call, "in", PEER, b"X" * 50_000 if number == 0 and call % 9 == 0 else OPTIONS, 0.0)
    assert len(ladder.view) <= CALLS * MESSAGES_PER_CALL
    assert len({each.call for each in ladder.view}) == CALLS
    assert max(len(each.text) for each in ladder.view) <= MOST_CHARACTERS


def test_a_message_that_nobody_could_place_goes_with_the_call_of_its_call_id() -> None:
    ladder = Ladder()
    ladder.note(4, "out", PEER, b"INVITE sip:b SIP/2.0\r\ni: abc\r\n\r\n", 1.0)
    ladder.note(None, "in", PEER, b"SIP/2.0 200 OK\r\nCall-ID: abc\r\n\r\n", 2.0)
    assert [each.call for each in ladder.view] == [4, 4]


@given(st.lists(st.tuples(st.none() | st.integers(0, 3), st.binary(max_size=200)), max_size=30))
def test_no_octets_do_any_harm(messages: list[tuple[int | None, bytes]]) -> None:
    ladder = Ladder()
    for call, data in messages:
        ladder.note(call, "in", PEER, data, 0.0)
    assert len(ladder.view) == len(messages) and ladder.view is ladder.view


def test_what_a_row_tells_is_short_whatever_a_stranger_writes() -> None:
    ladder = Ladder()
    long = b"x" * 20_000
    ladder.note(None, "in", PEER, b"SIP/2.0 486 " + long + b"\r\nCSeq: 1 " + long + b"\r\n\r\n", 1.0)
    ladder.note(None, "in", PEER, long + b" sip:x SIP/2.0\r\nCSeq: 1 X\r\n\r\n", 2.0)
    assert all(len(each.label) <= MOST_OF_A_LINE and len(each.cseq) <= MOST_OF_A_LINE for each in ladder.view)
