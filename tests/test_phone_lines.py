"""Lines of a phone: how many calls at once, and who gets the last one when many want it."""

import gc
import weakref

import pytest

from engine.io.errors import NetworkError
from engine.lines import MOST_RINGING, RINGS_AT_LEAST_S
from engine.model import Answer, CallState, CommandError, Dial, Ended, HangUp, Incoming, Log
from engine.sip.message import parse
from tests.wire import ANNA, BOB, CAROL, STRANGER, Wire

INVITE = (
    "INVITE sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP {0}:5060;branch=z9hG4bK{1}\r\nMax-Forwards: 70\r\n"
    "From: <sip:x@{0}>;tag={1}\r\nTo: <sip:bob@192.0.2.2>\r\nCall-ID: {1}@{0}\r\nCSeq: 1 INVITE\r\n"
    "Contact: <sip:x@{0}>\r\nContent-Length: 0\r\n\r\n"
)


SDP = "v=0\r\no=- 1 1 IN IP4 {0}\r\ns=-\r\nc=IN IP4 {0}\r\nt=0 0\r\nm=audio 20000 RTP/AVP 0\r\n"


def people(bob=None):
    wire = Wire()
    return wire, wire.station(ANNA), wire.station(BOB, **(bob or {})), wire.station(CAROL)


def floods(wire, bob, count, hosts, every_s=0.002):
    """INVITEs that nobody stands behind, from so many hosts."""
    for number in range(count):
        host = f"198.51.100.{number % hosts}"
        wire.inject(INVITE.format(host, wire.now + number).encode(), (host, 5060), (bob.host, 5060))
        wire.run(every_s)


def offer(host, number):
    """An INVITE with an offer."""
    body = SDP.format(host)
    described = f"Content-Type: application/sdp\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    return INVITE.format(host, number).replace("Content-Length: 0\r\n\r\n", described).encode()


def acknowledge(wire, bob, host):
    """The ACK of every 200 that was sent to this host."""
    answers = {d.data: parse(d.data) for d in wire.sip("200 INVITE") if d.destination[0] == host}
    for answer in answers.values():
        ack = (
            INVITE.format(host, answer.from_.tag)
            .replace("INVITE", "ACK")
            .replace("branch=z9hG4bK", "branch=z9hG4bKack")
        )
        to = f"To: {answer.headers.get('to')}\r\n"
        wire.inject(ack.replace("To: <sip:bob@192.0.2.2>\r\n", to).encode(), (host, 5060), (bob.host, 5060))


def ringing(station):
    return [call for call in station.phone.snapshot(0).calls if call.state is CallState.RINGING]


def test_no_more_calls_than_lines():
    wire, anna, bob, carol = people({"max_calls": 1})
    anna.do(Dial(bob.uri))
    wire.run(0.5)
    bob.do(Answer())
    wire.run(0.5)
    carol.do(Dial(bob.uri))
    wire.run(0.5)
    assert carol.exit_codes() == [10] and not ringing(bob)
    with pytest.raises(CommandError, match="max-calls"):
        bob.do(Dial(carol.uri))


def test_a_call_that_rings_takes_no_line():
    wire, anna, bob, carol = people({"max_calls": 1})
    for caller in (anna, carol):
        caller.do(Dial(bob.uri))
        wire.run(0.5)
    assert len(ringing(bob)) == 2
    dave = wire.station("192.0.2.4")
    bob.do(Dial(dave.uri))
    with pytest.raises(CommandError, match="hang up first"):
        bob.do(Answer())


def test_there_may_be_as_many_calls_as_there_are_lines():
    wire, _, bob, _ = people({"max_calls": 70, "auto_answer": 0})
    for number in range(70):
        host = f"198.51.100.{number}"
        wire.inject(offer(host, number), (host, 5060), (bob.host, 5060))
        wire.run(0.01)
        acknowledge(wire, bob, host)
        wire.run(0.01)
    assert [call.state for call in bob.phone.snapshot(wire.now).calls] == [CallState.TALKING] * 70


def test_a_call_that_rings_cannot_be_taken_when_every_line_is_busy():
    wire, anna, bob, carol = people({"max_calls": 2})
    dave = wire.station("192.0.2.4")
    anna.do(Dial(bob.uri))
    wire.run(0.2)
    bob.do(Answer())
    for caller in (carol, dave):
        caller.do(Dial(bob.uri))
        wire.run(0.2)
    bob.do(Answer())
    wire.run(0.2)
    with pytest.raises(CommandError, match="hang up first"):
        bob.do(Answer())
    bob.do(HangUp(1))
    bob.do(Answer())
    wire.run(0.5)
    assert dave.view().state is CallState.TALKING


@pytest.mark.parametrize("way", ["out", "in"])
def test_a_call_that_does_not_come_about_leaves_the_one_before_as_it_is(monkeypatch, way):
    wire, anna, bob, carol = people({"auto_answer": 0})
    anna.do(Dial(bob.uri))
    wire.run(0.5)

    def take():
        raise NetworkError("no free RTP port")

    monkeypatch.setattr(anna.phone._pool, "take", take)
    if way == "out":
        with pytest.raises(CommandError, match="no free RTP port"):
            anna.do(Dial(carol.uri))
    else:
        carol.do(Dial(anna.uri))
        wire.run(0.5)
        anna.do(Answer())
    wire.run(0.5)
    assert anna.view(1).state is CallState.TALKING and not anna.view(1).held_here


@pytest.mark.parametrize("options", [{}, {"auto_answer": 0}, {"auto_answer": 5}])
def test_a_flood_of_invites_harms_neither_the_call_nor_the_next_caller(options):
    wire, anna, bob, carol = people(options)
    anna.do(Dial(bob.uri))
    wire.run(0.5)
    if bob.view().state is CallState.RINGING:
        bob.do(Answer())
    wire.run(1)
    floods(wire, bob, 600, 50)
    assert bob.view(1).state is CallState.TALKING
    assert anna.hears(bob) and bob.hears(anna)
    assert anna.view().media.rx.lost == 0
    wire.run(RINGS_AT_LEAST_S)
    carol.do(Dial(bob.uri))
    wire.run(6)
    assert carol.view().state in (CallState.TALKING, CallState.PROGRESS)
    anna.do(HangUp())
    carol.do(HangUp())
    wire.run(185)
    assert bob.rests()


def test_hosts_that_make_many_calls_ring_make_room_for_others_at_once():
    wire, anna, bob, _ = people()
    floods(wire, bob, 60, 2)
    assert len(ringing(bob)) == MOST_RINGING
    anna.do(Dial(bob.uri))
    wire.run(0.5)
    assert anna.view().state is CallState.PROGRESS
    assert len(ringing(bob)) == MOST_RINGING


def test_hosts_that_call_again_and_again_neither_turn_others_away_nor_end_their_ringing():
    wire, anna, bob, carol = people()
    floods(wire, bob, 100, 40, every_s=0.05)
    for caller in (anna, carol):
        caller.do(Dial(bob.uri))
        floods(wire, bob, 200, 40, every_s=0.05)
        assert caller.view().state is CallState.PROGRESS
    assert anna.view().state is CallState.PROGRESS and len(ringing(bob)) == MOST_RINGING


def test_whose_call_came_about_is_no_more_suspect_than_others():
    """All calls of a phone system come from one host."""
    wire, anna, bob, _ = people()
    for _ in range(5):
        anna.do(Dial(bob.uri))
        wire.run(0.5)
        bob.do(Answer())
        wire.run(0.5)
        anna.do(HangUp())
        wire.run(0.5)
    anna.do(Dial(bob.uri))
    wire.run(0.5)
    floods(wire, bob, 60, 60, every_s=0.05)
    assert anna.view().state is CallState.PROGRESS


def test_eight_hosts_that_ring_once_turn_nobody_away():
    wire, anna, bob, _ = people()
    floods(wire, bob, 8, 8)
    anna.do(Dial(bob.uri))
    wire.run(0.5)
    assert anna.view().state is CallState.PROGRESS


def test_many_hosts_turn_others_away_only_while_their_calls_are_new():
    wire, anna, bob, carol = people()
    floods(wire, bob, 60, 60)
    anna.do(Dial(bob.uri))
    wire.run(RINGS_AT_LEAST_S - 1)
    assert anna.exit_codes() == [10]
    wire.run(1)
    carol.do(Dial(bob.uri))
    wire.run(0.5)
    assert carol.view().state is CallState.PROGRESS
    assert len(ringing(bob)) == MOST_RINGING


def test_twenty_callers_a_second_who_never_acknowledge_turn_nobody_away():
    wire, anna, bob, _ = people({"auto_answer": 0})
    for number in range(100):
        host = f"198.51.100.{number % 40}"
        wire.inject(offer(host, number), (host, 5060), (bob.host, 5060))
        wire.run(0.05)
        if number % 10 == 9:
            anna.do(Dial(bob.uri))
            wire.run(0.05)
            assert anna.view().state is CallState.TALKING
            anna.do(HangUp())


@pytest.mark.parametrize("hosts", [1, 2, 10])
def test_people_who_ring_are_not_pushed_out_by_those_who_call_often(hosts):
    wire, anna, bob, carol = people()
    for caller in (anna, carol):
        caller.do(Dial(bob.uri))
    wire.run(0.5)
    floods(wire, bob, 200, hosts, every_s=0.1)
    assert anna.view().state is carol.view().state is CallState.PROGRESS


def test_a_flood_does_not_keep_the_phone_from_being_loaded(monkeypatch):
    """There are more than a hundred modules to load, and a look at SIP before each."""
    wire, _, bob, _ = people()
    monkeypatch.setattr(bob, "turn", lambda: None)
    floods(wire, bob, 20, 20)
    for _ in range(3):
        bob.phone.run_sip_alone(wire.now)
    assert sum(len(socket.inbox) for socket in bob.net.sockets.values()) == 20 - 3 * 2
    assert bob.told(Incoming) == []


def test_callers_who_never_acknowledge_keep_no_line_while_the_phone_is_being_loaded_either(monkeypatch):
    wire, anna, bob, _ = people({"max_calls": 1, "auto_answer": 0.0})
    with monkeypatch.context() as loading:
        loading.setattr(bob, "turn", lambda: bob.phone.run_sip_alone(wire.now))
        floods(wire, bob, 10, 1)
        anna.do(Dial(bob.uri))
        wire.run(0.3)
    bob.phone.run_what_waited(wire.now)
    wire.run(1)
    assert anna.view().state is CallState.TALKING


def test_of_many_calls_acknowledged_at_once_no_more_than_the_lines_stay_up():
    wire, _, bob, _ = people({"max_calls": 1, "auto_answer": 0})
    for number in range(10):
        wire.inject(offer(STRANGER, number), (STRANGER, 5060), (bob.host, 5060))
    wire.run(0.1)
    acknowledge(wire, bob, STRANGER)
    wire.run(2)
    assert [call.state for call in bob.phone.snapshot(wire.now).calls].count(CallState.TALKING) == 1
    ended = bob.told(Ended)
    assert len(ended) == 9 and len({d.data for d in wire.sip("BYE")}) == 9
    assert {(event.status, event.reason) for event in ended} == {
        (486, "every line was taken before the caller acknowledged")
    }
    assert len({d.source for d in wire.sent if d.port_kind == "rtp"}) == 1, "no sound for the others"
    lines = [event.line.text for event in bob.told(Log) if "busy" in event.line.text]
    assert len(lines) == 1 and lines[0].startswith("busy: hung up sip:x@")


def test_nothing_of_a_call_that_is_over_waits_for_the_collector():
    """Dropped calls come by the dozen a second, and each had the tables and buffers of its sound."""
    wire, anna, bob, _ = people({"auto_answer": 0})
    gc.collect()
    gc.disable()
    try:
        anna.do(Dial(bob.uri))
        wire.run(0.5)
        sessions = [weakref.ref(station.phone._calls[1].media) for station in (anna, bob)]
        assert all(session() is not None for session in sessions)
        anna.do(HangUp())
        wire.run(0.5)
        assert [session() for session in sessions] == [None, None]
    finally:
        gc.enable()


def test_who_rings_until_the_last_line_is_taken_hears_busy_and_is_not_answered():
    wire, anna, bob, carol = people({"max_calls": 1, "auto_answer": 3})
    anna.do(Dial(bob.uri))
    wire.run(1)
    carol.do(Dial(bob.uri))
    wire.run(5)
    assert anna.view().state is CallState.TALKING and carol.exit_codes() == [10]
    assert wire.sip("BYE") == []
