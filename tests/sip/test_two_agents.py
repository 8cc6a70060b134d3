"""Two user agents on a wire in memory that loses, delays, repeats and reorders; time is virtual."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wire import ANNA, BOB, Wire, agent, audio

from engine.sip import events
from engine.sip.message import Uri

V6 = (("2001:db8::1", 5060), ("2001:db8::2", 5070))


def pair(fate=None, addresses=(ANNA, BOB)) -> Wire:
    """Anna calls, Bob takes every call at once."""
    anna, bob = addresses
    wire = Wire({anna: agent(anna, 1), bob: agent(bob, 2)}, fate)

    def react(address, event):
        if isinstance(event, events.IncomingCall):
            wire.agents[address].accept(event.call, audio(address[0], 20000), wire.now)

    wire.react = react
    return wire


def dial(wire: Wire, caller=ANNA, callee=BOB) -> int:
    host = f"[{callee[0]}]" if ":" in callee[0] else callee[0]
    target = Uri.parse(f"sip:{host}:{callee[1]}")
    return wire.agents[caller].invite(target, audio(caller[0], 10000), wire.now)


def up(wire: Wire) -> bool:
    return all(len(wire.of(address, events.Confirmed)) == 1 for address in wire.agents)


def first_lines(wire: Wire) -> list[str]:
    return [data.split(b"\r\n", 1)[0].decode() for _, _, data in wire.sent]


def lose(*which: bytes):
    """Loses the first datagram that begins so, for each."""
    left = list(which)

    def fate(data: bytes, count: int) -> list[float]:
        for start in left:
            if data.startswith(start):
                left.remove(start)
                return []
        return [0.01]

    return fate


@pytest.mark.parametrize("addresses", [(ANNA, BOB), V6])
def test_a_whole_call(addresses):
    wire = pair(addresses=addresses)
    call = dial(wire, *addresses)
    wire.run(5)
    assert up(wire)
    wire.agents[addresses[0]].hang_up(call, wire.now)
    wire.run(40)
    methods = [line.split()[0] for line in first_lines(wire)]
    assert methods == ["INVITE", "SIP/2.0", "ACK", "BYE", "SIP/2.0"]
    assert [wire.of(address, events.CallEnded)[0].by for address in addresses] == ["here", "there"]
    assert all(agent_.deadline() is None for agent_ in wire.agents.values()), "nothing is left behind"


def test_agreements_of_both_sides_fit():
    wire = pair()
    dial(wire)
    wire.run(1)
    ours, theirs = (wire.of(address, events.MediaAgreed)[0].agreement for address in (ANNA, BOB))
    assert (ours.remote, theirs.remote) == ((BOB[0], 20000), (ANNA[0], 10000))
    assert ours.send.encoding == theirs.send.encoding and ours.dtmf_send and theirs.dtmf_send


@pytest.mark.parametrize(
    "lost", [[b"INVITE"], [b"SIP/2.0 200"], [b"ACK"], [b"INVITE", b"SIP/2.0 200", b"ACK"], [b"ACK", b"ACK", b"ACK"]]
)
def test_what_is_lost_once_is_made_good(lost):
    wire = pair(lose(*lost))
    call = dial(wire)
    wire.run(10)
    assert up(wire)
    wire.agents[ANNA].hang_up(call, wire.now)
    wire.run(40)
    assert all(len(wire.of(address, events.CallEnded)) == 1 for address in (ANNA, BOB))


@pytest.mark.parametrize("lost", [[b"BYE"], [b"BYE", b"SIP/2.0 200"]])
def test_a_lost_bye_or_its_answer_is_made_good(lost):
    losing = lose(*lost)
    wire = pair(lambda data, count: losing(data, count) if b" BYE\r\n" in data else [0.01])
    call = dial(wire)
    wire.run(1)
    wire.agents[BOB].hang_up(call, wire.now)
    wire.run(5)
    assert [wire.of(address, events.CallEnded)[0].by for address in (ANNA, BOB)] == ["there", "here"]


def test_every_datagram_twice_is_one_call():
    wire = pair(lambda data, count: [0.01, 0.013])
    call = dial(wire)
    wire.run(5)
    assert up(wire)
    wire.agents[ANNA].hang_up(call, wire.now)
    wire.run(40)
    assert [len(wire.of(BOB, kind)) for kind in (events.IncomingCall, events.Accepted, events.CallEnded)] == [1, 1, 1]


def test_both_hang_up_at_once():
    wire = pair()
    call = dial(wire)
    wire.run(1)
    for agent_ in wire.agents.values():
        agent_.hang_up(call, wire.now)
    wire.run(40)
    assert [len(wire.of(address, events.CallEnded)) for address in (ANNA, BOB)] == [1, 1]


def test_cancel_while_it_rings():
    wire = pair()
    wire.react = lambda address, event: (
        wire.agents[address].ring(event.call, wire.now) if isinstance(event, events.IncomingCall) else None
    )
    call = dial(wire)
    wire.run(1)
    wire.agents[ANNA].hang_up(call, wire.now)
    wire.run(1)
    assert [(wire.of(address, events.CallEnded)[0].by) for address in (ANNA, BOB)] == ["here", "there"]
    wire.run(60)
    assert all(agent_.deadline() is None for agent_ in wire.agents.values())


def test_both_hold_at_once_and_both_get_there():
    """Glare: both re-INVITEs are answered 491, and the pauses of section 14.1 take them apart."""
    wire = pair()
    call = dial(wire)
    wire.run(1)
    for address, agent_ in wire.agents.items():
        agent_.modify(call, audio(address[0], 30000, direction="sendonly"), wire.now)
    wire.run(20)
    assert sum("491" in line for line in first_lines(wire)) == 2
    assert all(wire.of(address, events.MediaAgreed)[-1].agreement.direction == "inactive" for address in (ANNA, BOB))
    assert [len(wire.of(address, events.ModifyFailed)) for address in (ANNA, BOB)] == [0, 0]


def test_a_far_end_that_vanishes_costs_32_seconds():
    dead = [False]
    wire = pair(lambda data, count: [] if dead[0] else [0.01])
    call = dial(wire)
    wire.run(1)
    dead[0] = True
    wire.agents[ANNA].hang_up(call, wire.now)
    wire.run(33)
    assert wire.of(ANNA, events.CallEnded)[0].by == "here"


def test_the_same_chance_makes_the_same_conversation():
    """A call replays byte for byte: nothing here asks a clock or throws dice of its own."""

    def once() -> list:
        chance = random.Random(5)
        wire = pair(lambda data, count: [] if chance.random() < 0.3 else [chance.random() / 2])
        call = dial(wire)
        wire.run(20)
        wire.agents[ANNA].hang_up(call, wire.now)
        wire.run(60)
        return wire.sent

    assert once() == once()


@settings(max_examples=80, deadline=None)
@given(
    seed=st.integers(0, 10_000), loss=st.sampled_from([0.0, 0.1, 0.3, 0.6]), twice=st.sampled_from([0.0, 0.3]),
    spread=st.sampled_from([0.0, 0.4, 1.5]),
    acts=st.lists(st.tuples(st.sampled_from([ANNA, BOB]), st.sampled_from(["hang_up", "hold", "resume", "rest"]),
                            st.floats(0, 8)), max_size=6),
)  # fmt: skip
def test_on_a_bad_wire_every_call_ends_once_on_both_sides(seed, loss, twice, spread, acts):
    chance = random.Random(seed)

    def fate(data: bytes, count: int) -> list[float]:
        if chance.random() < loss:
            return []
        return [0.01 + chance.random() * spread for _ in range(2 if chance.random() < twice else 1)]

    wire = pair(fate)
    dial(wire)
    for address, act, pause in acts:
        wire.run(pause)
        if act == "hang_up":
            wire.agents[address].hang_up(1, wire.now)
        elif act != "rest":
            direction = "sendonly" if act == "hold" else "sendrecv"
            wire.agents[address].modify(1, audio(address[0], 10000, direction=direction), wire.now)
    wire.run(100)
    for address in (ANNA, BOB):
        wire.agents[address].hang_up(1, wire.now)
    wire.run(400)
    begun = {ANNA: 1, BOB: len(wire.of(BOB, events.IncomingCall))}
    for address in (ANNA, BOB):
        assert len(wire.of(address, events.CallEnded)) == begun[address]
        assert wire.agents[address].deadline() is None
