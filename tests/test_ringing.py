"""The ring, ringback, call waiting and refusals: when they are heard, where, and that nobody else hears them."""

import numpy as np
import pytest

from engine.media import rtp, tones
from engine.media.tones import TonePlayer
from engine.model import Answer, CallState, Dial, HangUp, Hold, Reject
from tests.wire import ANNA, BOB, CAROL, Wire, likeness, voice

RATE = 48000  # of what Opus may bring; without it the highest is another


def people(anna=None, bob=None):
    wire = Wire()
    return wire, wire.station(ANNA, **(anna or {})), wire.station(BOB, **(bob or {}))


def rings(station, last_s=0.1):
    """Does the loudspeaker that rings sound now?"""
    since = station.wire.now - last_s
    return any(len(pcm) for at, ring, pcm in station.sound.tones if ring and at > since)


def refused(station, last_s=0.1):
    since = station.wire.now - last_s
    return [pcm for at, ring, pcm in station.sound.tones if not ring and at > since and len(pcm)]


def in_the_ear(station, last_s=0.1):
    """Frames the ear got of late, whatever they are."""
    since = station.wire.now - last_s
    return [pcm for at, _, pcm in station.sound.played if at > since]


def test_an_incoming_call_rings_with_no_microphone_until_it_is_answered():
    wire, anna, bob = people()
    anna.do(Dial(bob.uri))
    wire.run(3)
    rung = np.concatenate([pcm for _, ring, pcm in bob.sound.tones if ring])
    rate_hz = round(len(rung) / 3 / 1000) * 1000
    expected = TonePlayer(tones.RING, bob.phone._ringer._rate_hz).read(len(rung))
    assert (rung == expected).all() and rate_hz >= 16000
    assert not bob.sound.open_microphones and not in_the_ear(bob)
    bob.do(Answer())
    wire.run(0.2)
    assert not rings(bob) and in_the_ear(bob)
    assert not len(bob.sound.tones[-1][2]), "the loudspeaker was not given back"


@pytest.mark.parametrize("end", ["answer", "reject", "cancel"])
def test_it_ends_in_the_turn_in_which_the_call_does(end):
    wire, anna, bob = people()
    anna.do(Dial(bob.uri))
    wire.run(1)
    assert rings(bob) and in_the_ear(anna)
    if end == "cancel":
        anna.do(HangUp())
    else:
        bob.do(Answer() if end == "answer" else Reject())
        assert bob.phone._ringer.deadline() == float("inf")
    wire.run(0.05)
    assert bob.phone._ringer.deadline() == float("inf")
    if end != "reject":
        assert anna.phone._ringer.deadline() == float("inf")


def test_ringback_comes_with_180_and_goes_with_the_answer():
    wire, anna, bob = people()
    anna.do(Dial(bob.uri))
    wire.run(3)
    heard = np.concatenate([pcm for _, _, pcm in anna.sound.played])
    expected = TonePlayer(tones.RINGBACK, anna.phone._ringer._rate_hz).read(len(heard))
    assert (heard == expected).all() and np.abs(heard).max() > 3000
    bob.do(Answer())
    wire.run(2)
    assert anna.hears(bob, anna.sound.played[-1][1])


def test_sound_of_the_far_end_is_heard_instead_of_ringback_once_there_is_some():
    """It may say that it will send (183 with an answer), and not do it: one who calls is not left in silence."""
    wire, anna, bob = people()
    anna.do(Dial(bob.uri))
    wire.run(0.1)
    ports = bob.phone._pool.take()
    bob.phone._agent.progress(1, bob.phone._local_audio(ports), wire.now)
    bob.turn()
    wire.run(0.5)
    assert anna.view().early_media and anna.phone._ringer._kind == "ringback"
    ours = anna.view().media.local
    for number in range(50):
        wire.inject(rtp.build(0, False, number, 160 * number, 7, bytes([0x80]) * 160), ports.rtp.address, ours)
        wire.run(0.02)
        if number > 1:
            assert anna.phone._ringer.deadline() == float("inf")


def test_none_of_it_is_sent_or_recorded():
    wire, anna, bob = people({"record_stereo": "both.wav"}, {"record_stereo": "both.wav"})
    anna.do(Dial(bob.uri))
    wire.run(3)
    assert not [sent for sent in wire.sent if sent.port_kind == "rtp"]
    bob.do(Answer())
    wire.run(2)
    carol = wire.station(CAROL)
    carol.do(Dial(bob.uri))
    wire.run(3)
    sides = np.concatenate(bob.recordings[0].frames).reshape(-1, 2)
    rate_hz = bob.recordings[0].rate_hz
    for side, who in ((0, bob), (1, anna)):
        assert likeness(sides[-2 * rate_hz :, side].astype(np.int16), voice(who.sound.seed, rate_hz)) > 0.97


def test_beside_another_call_it_is_two_quiet_beeps_in_the_ear():
    wire, anna, bob = people(None, {"auto_answer": None, "codecs": ("PCMU",)})
    anna.do(Dial(bob.uri))
    wire.run(0.5)
    bob.do(Answer())
    wire.run(1)
    carol = wire.station(CAROL)
    rate_hz = bob.sound.played[-1][1]
    before = len(bob.sound.tones)
    carol.do(Dial(bob.uri))
    wire.run(4)
    assert len(bob.sound.tones) == before and not rings(bob)
    assert {rate for at, rate, _ in bob.sound.played if at > wire.now - 3} == {rate_hz}, "the ear changed its rate"
    assert bob.hears(anna, rate_hz)
    assert bob.phone._ringer._kind == "waiting"
    bob.do(Hold(1))
    wire.run(1)
    assert rings(bob), "nobody is listened to: it may ring aloud"
    bob.do(Hold(1))
    wire.run(0.5)
    carol.do(HangUp())
    wire.run(0.5)
    assert bob.phone._ringer.deadline() == float("inf") and not rings(bob)


@pytest.mark.parametrize(
    ("status", "tone"), [(486, tones.BUSY), (603, tones.BUSY), (480, tones.CONGESTION), (404, tones.CONGESTION)]
)
def test_a_refused_call_is_heard_to_be_refused_for_a_moment(status, tone):
    wire, anna, bob = people()
    anna.do(Dial(bob.uri))
    wire.run(0.5)
    bob.phone._agent.reject(1, status, wire.now)
    bob.turn()
    wire.run(1)
    got = np.concatenate(refused(anna, 0.9))
    whole = TonePlayer(tone, anna.phone._ringer._rate_hz).read(3 * anna.phone._ringer._rate_hz)
    assert likeness(got, whole) > 0.99
    assert not anna.sound.open_microphones
    wire.run(5)
    assert not refused(anna) and anna.phone._ringer.deadline() == float("inf")


def test_who_hangs_up_himself_or_dials_again_hears_no_busy_tone():
    wire, anna, bob = people()
    anna.do(Dial(bob.uri))
    wire.run(0.5)
    anna.do(HangUp())
    wire.run(1)
    assert not refused(anna)
    anna.do(Dial(bob.uri))
    wire.run(0.5)
    bob.do(Reject())
    wire.run(0.5)
    assert refused(anna)
    anna.do(Dial(bob.uri))
    wire.run(0.5)
    assert not refused(anna)


@pytest.mark.parametrize("options", [{"ring_tone": "off", "ringback": "off"}, {"echo": True}])
def test_off_is_off(options):
    wire, anna, bob = people(options, options)
    anna.do(Dial(bob.uri))
    wire.run(1)
    bob.do(Reject())
    wire.run(1)
    assert not anna.sound.tones and not bob.sound.tones and not anna.sound.played


def test_files_are_played_instead_and_closed_again():
    wire, anna, bob = people({"ringback": "back.flac"}, {"ring_tone": "ring.wav"})
    anna.do(Dial(bob.uri))
    wire.run(2)
    rate_hz = bob.phone._ringer._rate_hz
    assert likeness(np.concatenate([pcm for _, _, pcm in bob.sound.tones]), voice(bob.sound.seed, rate_hz)) > 0.99
    assert likeness(np.concatenate(in_the_ear(anna, 1)), voice(anna.sound.seed, rate_hz)) > 0.99
    anna.do(HangUp())
    wire.run(1)
    assert not anna.sound.open_microphones and not bob.sound.open_microphones


def test_a_file_that_cannot_be_read_any_more_does_not_make_it_silent(monkeypatch):
    wire, anna, bob = people(bob={"ring_tone": "ring.wav"})
    monkeypatch.setattr(bob.sound, "tone_file", lambda path, rate_hz: None)
    anna.do(Dial(bob.uri))
    wire.run(1)
    rung = np.concatenate([pcm for _, ring, pcm in bob.sound.tones if ring])
    assert (rung == TonePlayer(tones.RING, bob.phone._ringer._rate_hz).read(len(rung))).all()


def test_a_file_that_fails_while_it_rings_gives_way_to_our_own_tone():
    wire, anna, bob = people(bob={"ring_tone": "ring.wav"})
    anna.do(Dial(bob.uri))
    wire.run(2)
    bob.sound.open_microphones[0].failed = "ring.wav: it is gone"
    before = len(bob.sound.tones)
    wire.run(2)
    rung = np.concatenate([pcm for _, ring, pcm in bob.sound.tones[before + 1 :] if ring])
    assert (rung == TonePlayer(tones.RING, bob.phone._ringer._rate_hz).read(len(rung))).all()
    assert not bob.sound.open_microphones


def test_a_stall_is_not_made_up_for():
    wire, anna, bob = people()
    anna.do(Dial(bob.uri))
    wire.run(0.5)
    before = len(bob.sound.tones)
    wire.now += 10
    bob.turn()
    assert len(bob.sound.tones) - before <= 1
    assert bob.view().state is CallState.RINGING
