"""Whole phones that ask others by OPTIONS whether they are there (RFC 3261 section 11), in virtual time."""

import pytest

from engine.model import CommandError, Log, Probe, Probed
from engine.names import WrongName
from tests.wire import ANNA, BOB, STRANGER, Wire


def two():
    wire = Wire()
    return wire, wire.station(ANNA), wire.station(BOB)


def test_who_is_there_says_so_and_what_he_understands():
    wire, anna, bob = two()
    assert anna.do(Probe(bob.uri)) is None
    wire.run(1)
    (probed,) = anna.told(Probed)
    assert (probed.uri, probed.status, probed.reason, probed.exit_code) == (bob.uri, 200, "OK", 0)
    assert probed.methods == ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS") and probed.codecs == ()
    assert probed.took_ms == pytest.approx(1000 * 2 * wire.delay_s)
    assert anna.rests() and bob.rests()


def test_nobody_is_waited_for_longer_than_timer_f():
    wire, anna, _ = two()
    anna.do(Probe(f"sip:nobody@{STRANGER}"))
    wire.run(31.9)
    assert anna.told(Probed) == []
    wire.run(0.2)
    (probed,) = anna.told(Probed)
    assert (probed.status, probed.reason, probed.took_ms, probed.exit_code) == (None, "no answer", None, 11)


def test_a_name_is_looked_up_and_nobody_waits_for_it():
    wire, anna, _ = two()
    wire.names["pbx.example.net"] = BOB
    anna.resolver.slow = True
    for name in ("pbx.example.net", "nowhere.example.net"):
        anna.do(Probe(f"sip:bob@{name}"))
    wire.run(0.5)
    assert anna.told(Probed) == []
    anna.resolver.answer()
    wire.run(0.5)
    assert {probed.uri.rpartition("@")[2]: probed.status for probed in anna.told(Probed)} == {
        "pbx.example.net": 200,
        "nowhere.example.net": None,
    }


def test_a_strangers_answer_is_counted_and_no_more():
    wire, anna, bob = two()
    wire.lose(lambda datagram: datagram.destination[0] == ANNA)
    anna.do(Probe(bob.uri))
    wire.run(0.1)
    (answer,) = wire.sip("200 OPTIONS")[:1]
    guessed = answer.data.replace(b"branch=z9hG4bK", b"branch=z9hG4bKx")
    wire.inject(guessed, (STRANGER, 5060), (ANNA, 5060))
    wire.run(0.1)
    assert anna.told(Probed) == [] and anna.phone.snapshot(wire.now).network.stray == 1


@pytest.mark.parametrize("uri", ["", "tel:1", "sips:bob@192.0.2.2", "sip:bob@192.0.2.2;transport=tcp"])
def test_what_cannot_be_asked_is_said_in_one_line(uri):
    _, anna, _ = two()
    with pytest.raises(CommandError) as error:
        anna.do(Probe(uri))
    assert str(error.value) and "\n" not in str(error.value)


def test_not_everybody_is_asked_at_once():
    wire, anna, _ = two()
    for number in range(32):
        anna.do(Probe(f"sip:{number}@{STRANGER}"))
    with pytest.raises(CommandError, match="32 are being asked"):
        anna.do(Probe(f"sip:more@{STRANGER}"))
    wire.run(33)
    anna.do(Probe(f"sip:more@{STRANGER}"))
    wire.run(33)
    assert len(anna.told(Probed)) == 33


@pytest.mark.parametrize(
    ("status", "code"), [("200 OK", 0), ("486 Busy Here", 0), ("404 Not Found", 13), ("480 Away", 11)]
)
def test_who_says_that_the_one_who_was_asked_is_not_there_is_believed(status, code):
    wire, anna, bob = two()
    wire.lose(lambda datagram: datagram.destination[0] == ANNA)
    anna.do(Probe(bob.uri))
    wire.run(0.1)
    (answer,) = wire.sip("200 OPTIONS")[:1]
    wire.inject(answer.data.replace(b"200 OK", status.encode()), (BOB, 5060), (ANNA, 5060))
    wire.run(0.1)
    (probed,) = anna.told(Probed)
    assert f"{probed.status} {probed.reason}" == status and probed.exit_code == code


def test_a_name_that_nobody_has_is_wrong_usage_here_too():
    wire, anna, _ = two()
    anna.resolver.unknown = WrongName("the name nowhere.example.net does not exist")
    anna.do(Probe("sip:bob@nowhere.example.net"))
    wire.run(0.5)
    (probed,) = anna.told(Probed)
    assert probed.reason == "the name nowhere.example.net does not exist"
    assert (probed.status, probed.exit_code) == (None, 2)
    assert anna.told(Log) == []
