"""Whole phones in a conference: who hears whom, what hold, mute, hanging up and refusals make of it."""

import numpy as np
import pytest

from engine.media.resample import Resampler
from engine.model import Answer, CallState, CommandError, Conference, Dial, Error, HangUp, Hold, Joined, Mute
from tests.wire import ANNA, BOB, CAROL, Wire, is_sip, voice

DAVE = "192.0.2.4"


def shares(heard, said):
    """How much of each voice is in what was heard: 0 (not at all) to 1 (all of it), whatever the delay."""
    piece = heard.astype(float)
    found = []
    for other in said:
        around = np.concatenate((other, other[: len(piece)])).astype(float)
        size = len(around) + len(piece)
        products = np.fft.irfft(np.fft.rfft(around, size) * np.conj(np.fft.rfft(piece, size)), size)[: len(other)]
        at = int(np.argmax(products))
        found.append(float(products[at] / (around[at : at + len(piece)] @ around[at : at + len(piece)])))
    return found


def hears(listener, *others, rate_hz=8000):
    """Which of the others' voices the listener hears now, as a list of numbers; the listener's own comes first."""
    return shares(listener.heard(rate_hz, 1.0), [voice(who.sound.seed, rate_hz) for who in (listener, *others)])


def heard(listener, *others, rate_hz=8000):
    """Are all the others heard, and the listener himself not?"""
    own, *rest = hears(listener, *others, rate_hz=rate_hz)
    return own < 0.3 and all(share > 0.8 for share in rest)


def three(anna=None, bob=None, carol=None):
    """Anna has called Bob, then Carol: both are up, Bob is on hold."""
    wire = Wire()
    a = wire.station(ANNA, **(anna or {}))
    b, c = (wire.station(host, **{"auto_answer": 0, **(more or {})}) for host, more in ((BOB, bob), (CAROL, carol)))
    for other in (b, c):
        a.do(Dial(other.uri))
        wire.run(1)
    assert a.view(1).held_here and a.view(2).state is CallState.TALKING
    return wire, a, b, c


def test_joined_calls_hear_each_other_and_us_and_nobody_himself():
    wire, anna, bob, carol = three()
    anna.do(Conference())
    wire.run(2)
    assert [call.conference for call in anna.phone.snapshot(wire.now).calls] == [True, True]
    assert not anna.view(1).held_here and bob.view().state is CallState.TALKING
    assert heard(anna, bob, carol) and heard(bob, anna, carol) and heard(carol, anna, bob)
    assert [event.call.conference for event in anna.told(Joined)] == [True, True]


def test_without_a_conference_two_calls_in_one_ear_do_not_hear_each_other():
    wire = Wire()
    anna, bob, carol = (wire.station(host, auto_answer=0) for host in (ANNA, BOB, CAROL))
    anna.sound.is_heard = True
    for other in (bob, carol):
        other.do(Dial(anna.uri))  # who answers by itself talks with all at once
    wire.run(2)
    assert heard(anna, bob, carol)
    assert hears(bob, carol)[1] < 0.3 and hears(carol, bob)[1] < 0.3


@pytest.mark.parametrize("how", [{}, {"auto_answer": 0}])
def test_a_call_that_is_taken_back_puts_the_other_on_hold(how):
    wire, anna, bob, carol = three(how)
    for back, other in ((1, 2), (2, 1), (1, 2)):
        anna.do(Hold(back, False))
        wire.run(1)
        assert (anna.view(back).held_here, anna.view(other).held_here) == (False, True)
    assert bob.view().state is CallState.TALKING and carol.view().held_there
    anna.do(Conference())
    dave = wire.station(DAVE, auto_answer=0)
    anna.do(Dial(dave.uri))
    wire.run(1)
    anna.do(Hold(3))
    anna.do(Hold(1))
    wire.run(1)
    assert [anna.view(number).held_here for number in (1, 2, 3)] == [False, True, True]


@pytest.mark.parametrize("ptimes", [(20, 60, 10), (30, 20, 40)])
def test_calls_of_different_codecs_rates_and_ptimes(ptimes):
    kinds = ({"codecs": ("L16/44100",)}, {"codecs": ("PCMA",)})
    wire, anna, bob, carol = three(
        {"ptime_ms": ptimes[0]}, *({**kind, "ptime_ms": ptime} for kind, ptime in zip(kinds, ptimes[1:], strict=True))
    )
    anna.do(Conference())
    wire.run(3)
    rates = [call.media.sample_rate_hz for call in anna.phone.snapshot(wire.now).calls]
    assert rates == [44100, 8000]

    def said(who):  # every voice is noise of its own at every rate: what Anna and Bob say is compared at 44.1 kHz
        return voice(who.sound.seed, 44100)

    own, hers = shares(bob.heard(44100, 1.0), [said(bob), said(anna)])
    assert own < 0.3 and hers > 0.8
    low_pass = [Resampler(44100, 8000).push(said(who)) for who in (anna, bob)]
    assert hears(carol)[0] < 0.3 and shares(carol.heard(8000, 1.0), low_pass)[1] > 0.8
    resampled = Resampler(8000, 44100).push(voice(carol.sound.seed, 8000))
    assert shares(bob.heard(44100, 1.0), [resampled])[0] > 0.8
    assert shares(anna.heard(44100, 1.0), [said(bob), resampled]) == pytest.approx([1, 1], abs=0.2)


def test_a_call_on_hold_leaves_and_the_last_one_goes_on_as_a_plain_call():
    wire, anna, bob, carol = three()
    dave = wire.station(DAVE, auto_answer=0)
    anna.do(Dial(dave.uri))
    wire.run(1)
    anna.do(Conference())
    wire.run(2)
    assert heard(anna, bob, carol, dave) and heard(dave, anna, bob, carol)
    anna.do(Hold(1))
    wire.run(2)
    assert [call.conference for call in anna.phone.snapshot(wire.now).calls] == [False, True, True]
    assert heard(carol, anna, dave) and hears(carol, bob)[1] < 0.3 and hears(anna, bob)[1] < 0.3
    assert np.abs(bob.heard(last_s=1)).max() < 100
    carol.do(HangUp())
    wire.run(2)
    assert not anna.view(3).conference and heard(anna, dave) and heard(dave, anna)
    assert anna.view(1).held_here, "nobody asked for Bob"


def test_mute_is_ours_alone():
    wire, anna, bob, carol = three()
    anna.do(Conference())
    anna.do(Mute(True))
    wire.run(2)
    assert heard(bob, carol) and heard(carol, bob) and hears(bob, anna)[1] < 0.3
    assert heard(anna, bob, carol)


def test_parted_the_chosen_one_talks_on_and_the_others_are_held():
    wire, anna, bob, carol = three()
    anna.do(Conference())
    wire.run(1)
    anna.do(Conference(2, on=False))
    wire.run(2)
    assert anna.view(1).held_here and not anna.view(2).held_here
    assert not any(call.conference for call in anna.phone.snapshot(wire.now).calls)
    assert heard(anna, carol) and heard(carol, anna) and hears(carol, bob)[1] < 0.3
    anna.do(Conference())
    wire.run(2)
    assert heard(carol, anna, bob)


def test_music_on_hold_is_not_for_the_others():
    wire, anna, bob, carol = three()
    anna.do(Conference())
    wire.run(1)
    session = bob.phone._calls[1].media
    bob.do(Hold())
    session._on_hold_here = False  # a far end that sends music while it holds
    wire.run(2)
    assert anna.view(1).held_there and anna.view(1).conference
    assert hears(carol, bob)[1] < 0.3 and heard(carol, anna)


def test_somebody_who_calls_in_is_answered_alone_and_then_joined():
    wire, anna, bob, carol = three()
    anna.do(Conference())
    dave = wire.station(DAVE)
    dave.do(Dial(anna.uri))
    wire.run(1)
    anna.do(Answer())
    wire.run(1)
    assert [call.held_here for call in anna.phone.snapshot(wire.now).calls] == [True, True, False]
    anna.do(Conference())
    wire.run(2)
    assert heard(dave, anna, bob, carol) and heard(bob, anna, carol, dave)


def test_a_far_end_that_refuses_to_come_off_hold_is_not_in_the_conference():
    wire, anna, _, _ = three()
    wire.lose(is_sip("INVITE"))
    anna.do(Conference())
    wire.run(40)
    assert anna.told(Error) or anna.view(1).state is CallState.ENDED
    assert not any(call.conference for call in anna.phone.snapshot(wire.now).calls)


def test_what_cannot_be_joined_is_said():
    wire = Wire()
    anna, bob = wire.station(ANNA), wire.station(BOB, auto_answer=0)
    with pytest.raises(CommandError, match="no call is up"):
        anna.do(Conference())
    anna.do(Dial(bob.uri))
    wire.run(1)
    for command, words in (
        (Conference(on=True), "takes two calls"),
        (Conference(on=False), "no conference"),
        (Conference(7), "call 7: it is not up"),
    ):
        with pytest.raises(CommandError, match=words):
            anna.do(command)
    wire.station(CAROL, echo=True, auto_answer=0)
    with pytest.raises(CommandError, match="--echo"):
        wire.stations[-1].do(Conference())


def test_everything_is_given_back():
    wire, anna, bob, carol = three()
    anna.do(Conference())
    wire.run(1)
    anna.do(HangUp(1))
    anna.do(HangUp(2))
    wire.run(40)
    assert anna.rests() and bob.rests() and carol.rests()
    assert not anna.phone._room.conference.calls


def test_a_call_that_is_not_in_the_conference_does_not_part_it():
    wire, anna, _, _ = three()
    anna.do(Dial(wire.station(DAVE, auto_answer=0).uri))
    wire.run(1)
    anna.do(Conference())
    anna.do(Hold(3, True))
    with pytest.raises(CommandError, match="call 3: it is not in the conference"):
        anna.do(Conference(3, False))
    assert [call.conference for call in anna.phone.snapshot(wire.now).calls] == [True, True, False]
