"""Two whole phones call each other over a wire in memory: every way a call can go, as its two people live it."""

import random

import pytest

from engine.model import (
    Answer,
    Answered,
    CallState,
    CommandError,
    Dial,
    Ended,
    HangUp,
    Held,
    Hold,
    Incoming,
    Log,
    Progress,
    Quit,
    Reject,
    SendDigits,
    Stats,
)
from engine.model_people import DECLINED
from engine.names import WrongName
from tests.wire import ANNA, BOB, CAROL, STRANGER, Wire, is_from, is_media, is_sip, likeness, voice


def two(wire=None, anna=None, bob=None):
    """Anna, Bob and the wire between them."""
    wire = wire or Wire()
    return wire, wire.station(ANNA, **(anna or {})), wire.station(BOB, **(bob or {}))


def rings(wire, caller, callee):
    """The caller dials and it rings."""
    caller.do(Dial(callee.uri))
    wire.run_until(lambda: caller.view().state is CallState.PROGRESS, 5)


def talks(wire, caller, callee, seconds=1.0):
    """... the callee answers, and they talk for some time."""
    rings(wire, caller, callee)
    callee.do(Answer())
    wire.run(seconds)


def states(*stations):
    return [str(station.view().state.value) for station in stations]


# ---------------------------------------------------------------------- there and back


@pytest.mark.parametrize("who", ["caller", "callee"])
def test_a_call_from_dialling_to_hanging_up(who):
    wire, anna, bob = two()
    anna.do(Dial(bob.uri))
    assert states(anna) == ["dialling"]
    wire.run(0.1)
    assert states(anna, bob) == ["progress", "ringing"]
    assert anna.told(Progress)[0].status == 180
    assert bob.told(Incoming)[0].call.peer_uri == f"sip:{ANNA}:5060"
    bob.do(Answer())
    wire.run(5)
    assert states(anna, bob) == ["talking", "talking"]
    assert anna.hears(bob, last_s=4) and bob.hears(anna, last_s=4)
    assert not anna.hears(anna)
    (anna if who == "caller" else bob).do(HangUp())
    wire.run(0.1)
    assert states(anna, bob) == ["ended", "ended"]
    assert anna.exit_codes() == bob.exit_codes() == [0]
    here, there = (anna, bob) if who == "caller" else (bob, anna)
    assert (here.told(Ended)[0].reason, there.told(Ended)[0].reason) == ("we hung up", "the far end hung up")
    assert anna.rests() and bob.rests()


@pytest.mark.parametrize(("loads_s", "heard"), [(0.1, ["180 INVITE"]), (1.5, ["100 INVITE", "180 INVITE"])])
def test_a_call_that_comes_while_the_phone_is_still_loading_is_not_sent_twice(monkeypatch, loads_s, heard):
    wire, anna, bob = two()
    with monkeypatch.context() as loading:
        loading.setattr(bob, "turn", lambda: bob.phone.run_sip_alone(wire.now))
        anna.do(Dial(bob.uri))
        wire.run(loads_s)
        assert bob.told(Incoming) == []
    bob.phone.run_what_waited(wire.now)
    wire.run(0.5)
    assert [message.sip for message in wire.sip()] == ["INVITE", *heard]
    assert states(anna, bob) == ["progress", "ringing"]
    bob.do(Answer())
    wire.run(2)
    assert anna.hears(bob) and bob.hears(anna)


def test_a_call_given_up_while_the_phone_is_still_loading_never_rings(monkeypatch):
    wire, anna, bob = two()
    with monkeypatch.context() as loading:
        loading.setattr(bob, "turn", lambda: bob.phone.run_sip_alone(wire.now))
        anna.do(Dial(bob.uri))
        wire.run(0.5)
        anna.do(HangUp())
        wire.run(0.1)
    bob.phone.run_what_waited(wire.now)
    assert [event.reason for event in bob.told(Ended)] == ["the caller gave up"]
    assert bob.sound.tones == [] and bob.rests() and anna.rests()


def test_every_call_has_its_end_told_once_with_totals():
    wire, anna, bob = two()
    talks(wire, anna, bob, 3)
    anna.do(HangUp())
    wire.run(40)
    (ended,) = anna.told(Ended)
    assert ended.call.state is CallState.ENDED and ended.call.talk_s == pytest.approx(3, abs=0.1)
    assert ended.call.media.tx.packets == pytest.approx(150, abs=3)
    assert ended.call.media.rx.packets == pytest.approx(150, abs=3)
    assert len(anna.told(Answered)) == len(bob.told(Answered)) == 1
    assert len(anna.told(Stats)) == 2 or len(anna.told(Stats)) == 3


def options_from(host):
    """OPTIONS from port 9 of a host."""
    lines = [
        "OPTIONS sip:phone@test SIP/2.0", f"Via: SIP/2.0/UDP {host}:9;branch=z9hG4bKq", f"From: <sip:{host}>;tag=q",
        "To: <sip:phone@test>", "Call-ID: q", "CSeq: 1 OPTIONS", "Max-Forwards: 70",
    ]  # fmt: skip
    return "\r\n".join([*lines, "", ""]).encode()


def test_with_a_late_offer_the_far_end_describes_its_sound_first():
    """RFC 3261 section 13.2.1: no offer in the INVITE, theirs in the 200, our answer in the ACK."""
    wire, anna, bob = two(anna={"late_offer": True})
    talks(wire, anna, bob, 2.0)
    assert states(anna, bob) == ["talking", "talking"]
    described = [b"\r\nm=audio" in wire.sip(kind)[0].data for kind in ("INVITE", "180 INVITE", "200 INVITE", "ACK")]
    assert described == [False, False, True, True]
    assert anna.hears(bob) and bob.hears(anna)
    anna.do(HangUp())
    wire.run(1)
    assert anna.rests() and bob.rests()


def test_a_late_offer_in_which_nothing_is_ours_is_hung_up():
    wire, anna, bob = two(anna={"late_offer": True, "codecs": ("PCMU",)}, bob={"codecs": ("PCMA",)})
    talks(wire, anna, bob)
    assert anna.told(Ended)[0].reason == "they took the call, but with no codec of ours" and anna.exit_codes() == [15]
    assert anna.rests() and bob.rests()


def test_busy():
    wire, anna, bob = two(bob={"max_calls": 1})
    carol = wire.station(CAROL)
    talks(wire, anna, bob)
    carol.do(Dial(bob.uri))
    wire.run(1)
    assert carol.exit_codes() == [10] and carol.told(Ended)[0].reason == "busy"
    wire.inject(options_from(CAROL), (CAROL, 9), (BOB, 5060))
    wire.run(0.1)
    assert [sent.data[:11] for sent in wire.sent if sent.destination == (CAROL, 9)] == [b"SIP/2.0 486"]
    assert states(anna, bob) == ["talking", "talking"] and bob.hears(anna)


def test_a_line_that_dials_is_busy_too():
    wire, anna, bob = two(anna={"max_calls": 1})
    anna.do(Dial(f"sip:nobody@{CAROL}"))
    bob.do(Dial(anna.uri))
    wire.run(1)
    assert bob.exit_codes() == [10]
    with pytest.raises(CommandError, match="lines are busy"):
        anna.do(Dial(bob.uri))


def test_rejected():
    wire, anna, bob = two()
    rings(wire, anna, bob)
    bob.do(Reject())
    wire.run(1)
    assert anna.exit_codes() == [12] and anna.told(Ended)[0].status == 603
    assert bob.told(Ended)[0].reason == DECLINED  # by these words the call history knows it
    assert anna.rests() and bob.rests()


def test_nobody_answers():
    wire, anna, bob = two()
    rings(wire, anna, bob)
    wire.run(200)
    assert anna.exit_codes() == [11]
    assert anna.rests() and bob.rests()


def test_nobody_is_there():
    wire, anna, _ = two()
    anna.do(Dial(f"sip:{STRANGER}"))
    wire.run(33)
    assert anna.exit_codes() == [11]
    assert len(wire.sip("INVITE")) == 7  # timer A: 0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5


def test_a_host_that_refuses_says_so_at_once():
    wire, anna, _ = two()
    wire.refuses = True
    anna.do(Dial(f"sip:{STRANGER}"))
    wire.run(1)
    assert anna.exit_codes() == [15]


def test_cancelled():
    wire, anna, bob = two()
    rings(wire, anna, bob)
    anna.do(HangUp())
    wire.run(1)
    assert states(anna, bob) == ["ended", "ended"]
    assert bob.told(Ended)[0].reason == "the caller gave up"
    assert anna.rests() and bob.rests()


def test_an_answer_that_crosses_the_cancel_is_acknowledged_and_hung_up():
    wire, anna, bob = two(Wire(0.1))
    rings(wire, anna, bob)
    bob.do(Answer())
    anna.do(HangUp())
    wire.run(2)
    assert [message.sip for message in wire.sip("ACK", "BYE")] == ["ACK", "BYE"]
    assert states(anna, bob) == ["ended", "ended"]
    assert anna.rests() and bob.rests()


def test_auto_answer_at_once():
    wire, anna, bob = two(bob={"auto_answer": 0})
    anna.do(Dial(bob.uri))
    wire.run(0.1)
    assert states(anna, bob) == ["talking", "talking"]
    assert not anna.told(Progress)
    assert bob.told(Incoming)[0].auto_answer and bob.view().auto_answered


def test_auto_answer_after_seconds():
    wire, anna, bob = two(bob={"auto_answer": 3})
    anna.do(Dial(bob.uri))
    wire.run(2.9)
    assert states(anna, bob) == ["progress", "ringing"]
    wire.run(0.3)
    assert states(anna, bob) == ["talking", "talking"]


def test_a_call_lasts_as_long_as_was_asked():
    wire, anna, bob = two(anna={"duration": 4})
    talks(wire, anna, bob, 3.9)
    assert states(anna) == ["talking"]
    wire.run(1)
    (ended,) = anna.told(Ended)
    assert (ended.exit_code, ended.reason) == (0, "duration reached")
    assert ended.call.talk_s == pytest.approx(4, abs=0.1)


def test_answered_and_no_media_came():
    wire, anna, bob = two()
    wire.lose(is_from(BOB, is_media))
    talks(wire, anna, bob, 4)
    anna.do(HangUp())
    wire.run(1)
    assert anna.exit_codes() == [20] and bob.exit_codes() == [0]


def test_what_nobody_can_do_is_said_in_one_line():
    wire, anna, bob = two()
    for command in (Answer(), Reject(), HangUp(), Hold(), SendDigits("1"), Dial("sip:"), Dial("sips:bob@192.0.2.2")):
        with pytest.raises(CommandError) as error:
            anna.do(command)
        assert str(error.value) and "\n" not in str(error.value)
    talks(wire, anna, bob)
    with pytest.raises(CommandError, match="digits"):
        anna.do(SendDigits("12x"))
    with pytest.raises(CommandError, match="call 9"):
        anna.do(HangUp(9))


def test_hanging_up_before_anything_was_heard_frees_the_line_at_once():
    wire, anna, bob = two(anna={"max_calls": 1})
    silence = wire.lose(is_from(BOB))
    anna.do(Dial(bob.uri))
    wire.run(0.3)
    anna.do(HangUp())
    assert states(anna) == ["ending"]
    anna.do(Dial(f"sip:{CAROL}"))  # the line is free
    anna.do(HangUp())
    wire.run(1.1)
    assert anna.view(1).state is CallState.ENDED and anna.exit_codes() == [0, 0] and anna.rests()
    assert not wire.sip("CANCEL")  # RFC 3261 section 9.1: not before a provisional response
    wire.mend(silence)
    wire.run(5)
    assert wire.sip("CANCEL") and states(bob) == ["ended"]
    assert len(anna.told(Ended)) == 2


@pytest.mark.parametrize("patience_s", [0.5, 1.5, 20])
def test_an_answer_to_a_call_that_was_hung_up_gets_ack_and_bye(patience_s):
    wire, anna, bob = two(bob={"auto_answer": 0})
    silence = wire.lose(is_from(BOB))
    anna.do(Dial(bob.uri))
    wire.run(0.1)
    anna.do(HangUp())
    wire.run(patience_s)
    wire.mend(silence)
    wire.run(5)
    assert wire.sip("ACK") and wire.sip("BYE") and states(bob) == ["ended"]
    assert anna.rests() and bob.rests()


def test_quitting_while_dialling_waits_a_moment_for_the_far_end_and_no_longer():
    wire, anna, bob = two()
    silence = wire.lose(is_from(BOB))
    anna.do(Dial(bob.uri))
    wire.run(0.1)
    anna.do(Quit())
    wire.run(1)
    assert anna.exit_codes() == [0] and not anna.phone.finished  # over for the user, not yet for the far end
    wire.mend(silence)
    wire.run(0.9)
    assert anna.phone.finished and states(bob) == ["ended"]


def test_quitting_while_dialling_into_nothing_takes_two_seconds():
    wire, anna, _ = two()
    anna.do(Dial(f"sip:{STRANGER}"))
    wire.run(0.1)
    anna.do(Quit())
    wire.run(2.01)
    assert anna.phone.finished and anna.exit_codes() == [0]


def test_media_stop_with_the_bye_whether_it_is_answered_or_not():
    wire, anna, bob = two()
    talks(wire, anna, bob, 3)
    wire.lose(is_sip("200 BYE"))
    anna.do(HangUp())
    hung_up_at = wire.now
    wire.run(3)
    assert not [
        sent for sent in wire.sent if sent.source[0] == ANNA and sent.port_kind == "rtp" and sent.sent_at > hung_up_at
    ]
    (ended,) = anna.told(Ended)
    assert ended.exit_code == 0 and ended.reason == "we hung up"
    assert ended.call.talk_s == pytest.approx(3, abs=0.1)
    assert anna.rests() and bob.rests()


def test_a_dead_host_that_was_named_is_known_to_be_dead_at_once():
    wire, anna, _ = two()
    wire.refuses = True
    wire.names["gone.test"] = STRANGER
    anna.do(Dial("sip:bob@gone.test"))
    wire.run(1)
    assert anna.exit_codes() == [15] and anna.told(Ended)[0].reason == "nobody listens there"


def test_no_way_there_is_said_at_once():
    wire, anna, bob = two()
    anna.net.no_way.add((BOB, 5060))
    anna.do(Dial(bob.uri))
    wire.run(0.1)
    assert anna.exit_codes() == [15] and anna.rests()
    assert anna.told(Ended)[0].reason == f"{BOB} cannot be reached from {ANNA}"
    assert not anna.told(Log)  # the end says it


def test_no_way_there_for_a_second_call_is_no_reason_for_the_end_of_the_first():
    wire, anna, bob = two()
    wire.lose(is_sip("180 INVITE"))
    anna.do(Dial(bob.uri))
    wire.run(0.1)
    kept = [line for line in wire.sent[0].data.split(b"\r\n") if line.startswith((b"Via", b"From", b"To", b"C"))]
    kept = [line for line in kept if not line.startswith(b"Content")]
    trying = b"\r\n".join([b"SIP/2.0 100 Trying", *kept, b"Content-Length: 0", b"", b""])
    wire.inject(trying, (BOB, 5060), (ANNA, 5060))
    wire.run(0.1)
    anna.net.no_way.add((BOB, 5060))
    anna.do(Dial(bob.uri))
    wire.run(0.1)
    anna.net.no_way.clear()
    bob.do(Answer())
    wire.run(1)
    assert anna.view(1).state is CallState.TALKING
    anna.do(HangUp(1))
    wire.run(1)
    assert [(event.call.id, event.reason) for event in anna.told(Ended)][1:] == [(1, "we hung up")]


def test_a_stranger_that_cannot_be_answered_is_not_spoken_of():
    wire, anna, _ = two()
    anna.net.no_way.add((STRANGER, 9))
    wire.inject(options_from(STRANGER), (STRANGER, 9), (ANNA, 5060))
    wire.run(0.1)
    assert anna.told(Log) == [] and not anna.net.sockets[ANNA, 5060].errors


def test_a_name_leads_to_a_call():
    wire, anna, bob = two(bob={"auto_answer": 0})
    wire.names["bob.test"] = BOB
    anna.do(Dial("sip:bob@bob.test"))
    wire.run(1)
    assert states(anna, bob) == ["talking", "talking"]


def test_a_name_that_cannot_be_looked_up_now_ends_the_call():
    wire, anna, _ = two()
    anna.do(Dial("sip:bob@nowhere.test"))
    wire.run(1)
    assert anna.exit_codes() == [15] and anna.rests()
    assert (anna.told(Ended)[0].reason, anna.told(Ended)[0].status) == ("no such name", 503)
    assert not anna.told(Log)  # the end says it


def test_a_name_that_nobody_has_was_the_wrong_one():
    """Nobody sent a status, and another try is of no use."""
    wire, anna, _ = two()
    anna.resolver.unknown = WrongName("no such name")
    anna.do(Dial("sip:bob@nowhere.test"))
    wire.run(1)
    assert anna.exit_codes() == [2] and anna.rests()
    assert (anna.told(Ended)[0].reason, anna.told(Ended)[0].status) == ("no such name", None)


# ---------------------------------------------------------------------- hold


def test_hold_by_us_and_back():
    wire, anna, bob = two()
    talks(wire, anna, bob, 2)
    anna.do(Hold())
    wire.run(2)
    assert states(anna, bob) == ["held", "held"]
    assert anna.view().held_here and not anna.view().held_there
    assert bob.view().held_there and not bob.view().held_here
    assert not anna.hears(bob) and not bob.hears(anna)
    anna.do(Hold())
    wire.run(2)
    assert states(anna, bob) == ["talking", "talking"]
    assert anna.hears(bob) and bob.hears(anna)
    assert len(anna.told(Held)) == len(bob.told(Held)) == 2
    anna.do(HangUp())
    wire.run(1)
    assert anna.rests() and bob.rests()


@pytest.mark.parametrize("first_back", ["anna", "bob"])
def test_hold_by_both_and_back_one_by_one(first_back):
    wire, anna, bob = two()
    talks(wire, anna, bob, 1)
    anna.do(Hold())
    wire.run(1)
    bob.do(Hold())
    wire.run(1)
    for station in (anna, bob):
        assert station.view().held_here and station.view().held_there
        assert station.view().media.direction == "inactive"
    one, other = (anna, bob) if first_back == "anna" else (bob, anna)
    one.do(Hold())
    wire.run(1)
    assert states(one, other) == ["held", "held"]
    assert (one.view().held_here, one.view().held_there) == (False, True)
    assert (other.view().held_here, other.view().held_there) == (True, False)
    other.do(Hold())
    wire.run(2)
    assert states(anna, bob) == ["talking", "talking"]
    assert anna.hears(bob) and bob.hears(anna)


def test_both_press_hold_at_the_same_moment():
    wire, anna, bob = two(Wire(0.05))
    talks(wire, anna, bob, 1)
    anna.do(Hold())
    bob.do(Hold())
    wire.run(10)
    assert wire.sip("491 INVITE")
    for station in (anna, bob):
        assert station.view().held_here and station.view().held_there
    anna.do(Hold())
    bob.do(Hold())
    wire.run(10)
    assert states(anna, bob) == ["talking", "talking"]
    assert anna.hears(bob) and bob.hears(anna)


def test_a_finger_that_cannot_decide_ends_where_it_stopped():
    wire, anna, bob = two(Wire(0.2))
    talks(wire, anna, bob, 1)
    for _ in range(5):
        anna.do(Hold())
        wire.run(0.05)
    wire.run(3)
    assert anna.view().held_here and bob.view().held_there
    assert bob.view().media.direction == "recvonly"


# ---------------------------------------------------------------------- more than one call


def test_a_second_call_holds_the_first():
    wire, anna, bob = two()
    carol = wire.station(CAROL)
    talks(wire, anna, bob)
    carol.do(Dial(anna.uri))
    wire.run(0.5)
    assert anna.view(1).state is CallState.TALKING
    anna.do(Answer())
    wire.run(2)
    assert anna.view(1).held_here and bob.view().held_there
    assert anna.hears(carol) and carol.hears(anna) and not bob.hears(anna)
    anna.do(HangUp(2))
    wire.run(1)
    anna.do(Hold(1))
    wire.run(2)
    assert anna.hears(bob) and bob.hears(anna) and carol.rests()


def test_dialling_holds_the_first_too():
    wire, anna, bob = two()
    carol = wire.station(CAROL)
    talks(wire, anna, bob)
    rings(wire, anna, carol)
    assert anna.view(1).held_here


def test_two_calls_are_heard_together():
    wire, anna, bob = two(anna={"auto_answer": 0})
    anna.sound.is_heard = True
    carol = wire.station(CAROL)
    talks(wire, anna, bob)
    carol.do(Dial(anna.uri))
    wire.run(3)
    assert bob.hears(anna) and carol.hears(anna)
    both = [likeness(anna.heard(last_s=1), voice(other.sound.seed, 8000)) for other in (bob, carol)]
    assert min(both) > 0.5


def test_quitting_ends_every_call_with_bye():
    wire, anna, bob = two()
    carol = wire.station(CAROL)
    talks(wire, anna, bob)
    carol.do(Dial(anna.uri))
    wire.run(0.5)
    anna.do(Answer())
    wire.run(0.5)
    anna.do(Quit())
    assert not anna.phone.finished
    with pytest.raises(CommandError, match="ending"):
        anna.do(Dial(bob.uri))
    wire.run(0.1)
    assert anna.phone.finished
    assert len(wire.sip("BYE")) == 2
    assert bob.rests() and carol.rests() and anna.rests()
    anna.phone.close(wire.now)
    assert not anna.net.sockets and not anna.net.readers


def test_quitting_says_bye_though_the_ack_never_came():
    wire, anna, bob = two()
    wire.lose(is_sip("ACK"))
    talks(wire, anna, bob)
    bob.do(Quit())
    wire.run(2.1)
    assert bob.phone.finished and not wire.sip("BYE")
    bob.phone.close(wire.now)
    wire.run(0.1)
    assert len(wire.sip("BYE")) == 1 and states(anna) == ["ended"]


def test_an_end_without_quitting_says_bye_as_well():
    wire, anna, bob = two()
    talks(wire, anna, bob)
    anna.phone.close(wire.now)
    wire.run(0.1)
    assert len(wire.sip("BYE")) == 1 and states(bob) == ["ended"]


def test_quitting_does_not_wait_for_a_far_end_that_is_gone():
    wire, anna, bob = two()
    talks(wire, anna, bob)
    wire.lose(is_from(BOB))
    anna.do(Quit())
    wire.run(2.1)
    assert anna.phone.finished
    anna.phone.close(wire.now)
    assert anna.exit_codes() == [0] and not anna.net.sockets and not anna.sound.open_microphones


def test_a_call_that_comes_while_quitting_is_refused():
    wire, anna, bob = two()
    carol = wire.station(CAROL)
    talks(wire, anna, bob)
    wire.lose(is_from(BOB))
    anna.do(Quit())
    carol.do(Dial(anna.uri))
    wire.run(0.5)
    assert carol.exit_codes() == [10]


# ---------------------------------------------------------------------- what a bad wire does to SIP


@pytest.mark.parametrize("lost", ["INVITE", "180 INVITE", "200 INVITE", "ACK", "BYE", "200 BYE"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_lost_message_is_made_good(lost, times):
    wire, anna, bob = two()
    wire.lose(is_sip(lost), times)
    anna.do(Dial(bob.uri))
    wire.run_until(lambda: bob.told(Incoming), 10)
    wire.run(1)
    bob.do(Answer())
    wire.run(12)
    assert states(anna, bob) == ["talking", "talking"]
    assert anna.hears(bob) and bob.hears(anna)
    anna.do(HangUp())
    wire.run(10)
    assert anna.exit_codes() == bob.exit_codes() == [0]
    assert anna.rests() and bob.rests()
    wire.run(40)


@pytest.mark.parametrize("lost", ["CANCEL", "487 INVITE", "200 CANCEL"])
def test_a_lost_message_of_a_cancel_is_made_good(lost):
    wire, anna, bob = two()
    rings(wire, anna, bob)
    wire.lose(is_sip(lost), 2)
    anna.do(HangUp())
    wire.run(5)
    assert states(anna, bob) == ["ended", "ended"]
    assert anna.rests() and bob.rests()


@pytest.mark.parametrize("seed", range(6))
def test_a_wire_that_loses_doubles_and_disorders(seed):
    chance = random.Random(seed)
    wire, anna, bob = two()

    def fate(datagram):
        if chance.random() < 0.2:
            return []
        return [chance.uniform(0.005, 0.06) for _ in range(1 + (chance.random() < 0.1))]

    wire.rule(fate)
    anna.do(Dial(bob.uri))
    wire.run_until(lambda: bob.told(Incoming), 31)
    bob.do(Answer())
    wire.run_until(lambda: anna.told(Answered), 31)
    wire.run(5)
    anna.do(Hold())
    wire.run(20)
    assert bob.view().held_there
    anna.do(HangUp())
    wire.run(20)
    assert states(anna, bob) == ["ended", "ended"]
    assert anna.rests() and bob.rests()


def test_an_answer_that_is_never_acknowledged_ends_and_frees_the_line():
    wire, anna, bob = two(bob={"auto_answer": 0})
    wire.lose(is_sip("ACK"))
    anna.do(Dial(bob.uri))
    wire.run(31)
    assert states(bob) == ["talking"]
    wire.run(3)
    assert states(anna, bob) == ["ended", "ended"]
    assert "acknowledged" in bob.told(Ended)[0].reason
    assert bob.rests()
