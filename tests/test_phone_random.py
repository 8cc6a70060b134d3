"""Whatever two people press, and whatever the network does meanwhile: nothing raises, and nothing is left over."""

import random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.model import (
    Answer,
    CallState,
    CommandError,
    Conference,
    Dial,
    Ended,
    HangUp,
    Hold,
    Incoming,
    Mute,
    Quit,
    Reject,
    SendDigits,
    SetVolume,
)
from tests.wire import ANNA, BOB, STRANGER, Wire, is_from, is_sip

CALLS = st.none() | st.integers(1, 4)
COMMANDS = st.one_of(
    st.sampled_from([Dial(f"sip:{ANNA}"), Dial(f"sip:{BOB}"), Dial(f"sip:{STRANGER}"), Dial("sip:bob@bob.test")]),
    st.builds(Answer, CALLS),
    st.builds(Reject, CALLS),
    st.builds(HangUp, CALLS),
    st.builds(Hold, CALLS, st.none() | st.booleans()),
    st.builds(Conference, CALLS, st.none() | st.booleans()),
    st.builds(SendDigits, st.text("0123456789*#AD", min_size=1, max_size=4), CALLS),
    st.builds(Mute),
    st.builds(SetVolume, st.floats(-50, 50)),
)
FAULTS = ("nothing", "silence", "anna is deaf", "bob is deaf", "no sip", "half is lost", "doubled", "disorder")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["anna", "bob"]), COMMANDS),
        st.tuples(st.just("wire"), st.sampled_from(FAULTS)),
        st.tuples(st.just("time"), st.sampled_from([0.005, 0.05, 0.3, 1.1, 3.0])),
    ),
    max_size=25,
)
OPTIONS = st.fixed_dictionaries(
    {
        "auto_answer": st.sampled_from([None, None, 0.0, 0.2]),
        "echo": st.booleans(),
        "duration": st.sampled_from([None, None, 2.0]),
        "ptime_ms": st.sampled_from([20, 60]),
        "max_calls": st.sampled_from([1, 3]),
        "record_stereo": st.sampled_from([None, "both.wav"]),
        "ring_tone": st.sampled_from([None, "off", "ring.wav"]),
        "ringback": st.sampled_from([None, "off", "ring.wav"]),
    }
)


def rule(fault, seed):
    chance = random.Random(seed)
    rules = {
        "nothing": lambda sent: None,
        "silence": lambda sent: [],
        "anna is deaf": lambda sent: [] if is_from(BOB)(sent) else None,
        "bob is deaf": lambda sent: [] if is_from(ANNA)(sent) else None,
        "no sip": lambda sent: [] if sent.port_kind == "sip" else None,
        "half is lost": lambda sent: [] if chance.random() < 0.5 else None,
        "doubled": lambda sent: [0.01, 0.02],
        "disorder": lambda sent: [chance.uniform(0.001, 0.4)],
    }
    return rules[fault]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS, anna_is=OPTIONS, bob_is=OPTIONS, seed=st.integers(0, 1000))
def test_nothing_raises_and_nothing_is_left(steps, anna_is, bob_is, seed):
    wire = Wire()
    wire.names["bob.test"] = BOB
    people = {"anna": wire.station(ANNA, **anna_is), "bob": wire.station(BOB, **bob_is)}
    present = wire.rule(rule("nothing", seed))
    for who, what in steps:
        if who == "time":
            wire.run(what)
        elif who == "wire":
            wire.mend(present)
            present = wire.rule(rule(what, seed))
        else:
            try:
                people[who].do(what)
            except CommandError as error:
                assert str(error)
        for station in people.values():
            check(station, wire)
    wire.mend(present)
    for station in people.values():
        station.do(Quit())
    wire.run(2.5)
    for station in people.values():
        assert station.phone.finished
        assert station.rests()
        station.phone.close(wire.now)
        assert not station.net.sockets and not station.net.readers
        began = {event.call.id for event in station.told(Incoming)} | station.dialled
        assert sorted(event.call.id for event in station.told(Ended)) == sorted(began)


def check(station, wire):
    """What is true at every moment."""
    calls = station.phone.snapshot(wire.now).calls
    assert len({call.id for call in calls}) == len(calls)
    up = [call for call in calls if call.state in (CallState.TALKING, CallState.HELD)]
    assert all(call.media is not None for call in up)
    assert all(call.held_here or call.held_there for call in calls if call.state is CallState.HELD)
    assert not any(call.held_here or call.held_there for call in calls if call.state is CallState.TALKING)
    assert len(station.sound.open_microphones) <= len(calls) + 1, "one for each call, and a file that rings"
    joined = [call for call in calls if call.conference]
    assert len(joined) != 1 and all(call in up and not call.held_here for call in joined)
    if not any(call.state in (CallState.RINGING, CallState.PROGRESS) for call in calls):
        assert station.phone._ringer._kind in ("", "refused")


def test_a_call_is_free_again_after_any_storm():
    """The same phones, after an hour of it: they can still call each other."""
    chance = random.Random(5)
    wire = Wire()
    anna, bob = wire.station(ANNA), wire.station(BOB, auto_answer=0.2)
    for _ in range(25):
        storm = wire.rule(rule(chance.choice(FAULTS), chance.random()))
        for station in (anna, bob):
            try:
                station.do(chance.choice([Dial(anna.uri), Dial(bob.uri), HangUp(), Hold(), Answer()]))
            except CommandError:
                continue
        wire.run(chance.choice([0.01, 0.5, 3, 9]))
        wire.mend(storm)
    for _ in range(10):
        for station in (anna, bob):
            try:
                station.do(HangUp())
            except CommandError:
                continue
    wire.run(70)
    assert anna.rests() and bob.rests()
    anna.do(Dial(bob.uri))
    wire.run(2)
    assert anna.hears(bob) and bob.hears(anna)
    assert not wire.sip("400 INVITE")
    assert is_sip("INVITE")(wire.sip()[0])
