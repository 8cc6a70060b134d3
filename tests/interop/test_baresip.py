"""Calls with baresip: each side calls, hangs up, is busy, gives up; hold, digits, and the sound itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.peers import SAMPLE, Baresip, Ringtop, samples, similarity_db

GOOD_DB = 25.0  # G.711 alone gives about 37; a block with a repaired packet in it falls below 20

NewRingtop = Callable[..., Ringtop]
NewBaresip = Callable[..., Baresip]


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_ringtop_calls_and_both_hear_what_was_sent(
    ringtop: NewRingtop, baresip: NewBaresip, tmp_path: Path, codec: str
) -> None:
    peer = baresip(answers=True, codecs=codec)
    ours = ringtop("--record", str(tmp_path / "heard.wav"), "--duration", "4", peer.uri)
    assert ours.event("answered")["codec"] == codec
    assert ours.finish() == 0
    peer.event("CALL_CLOSED")
    ended = ours.event("ended")
    assert ended["rx"]["packets"] > 180 and ended["tx"]["packets"] > 180 and ended["rx"]["lost"] == 0
    assert similarity_db(samples(tmp_path / "heard.wav"), samples(SAMPLE)) > GOOD_DB
    assert similarity_db(peer.heard(), samples(SAMPLE)) > GOOD_DB


def test_baresip_calls_and_hangs_up_and_both_hear_what_was_sent(
    ringtop: NewRingtop, baresip: NewBaresip, tmp_path: Path
) -> None:
    ours = ringtop("--mode", "receiver", "--auto-answer", "--record", str(tmp_path / "heard.wav")).ready()
    peer = baresip()
    peer.command("dial", ours.uri)
    peer.event("CALL_ESTABLISHED")
    assert ours.event("incoming")["auto_answer"] is True
    ours.event("stats", lambda event: event["rx"]["packets"] > 150)
    peer.command("hangup")
    ended = ours.event("ended")
    peer.event("CALL_CLOSED")
    assert ended["reason"] == "the far end hung up" and ended["rx"]["lost"] == 0
    assert ours.running
    ours.interrupt()
    assert ours.finish() == 0
    assert similarity_db(samples(tmp_path / "heard.wav"), samples(SAMPLE)) > GOOD_DB
    assert similarity_db(peer.heard(), samples(SAMPLE)) > GOOD_DB


def test_ringtop_calls_and_baresip_hangs_up(ringtop: NewRingtop, baresip: NewBaresip) -> None:
    peer = baresip(answers=True)
    ours = ringtop(peer.uri)
    ours.event("stats", lambda event: event["rx"]["packets"] > 0)
    peer.command("hangup")
    assert ours.finish() == 0
    assert ours.event("ended")["reason"] == "the far end hung up"


def test_baresip_calls_and_ringtop_hangs_up(ringtop: NewRingtop, baresip: NewBaresip) -> None:
    ours = ringtop("--mode", "receiver", typing=True).ready()
    peer = baresip()
    peer.command("dial", ours.uri)
    peer.event("CALL_RINGING")
    ours.expect("is calling")
    ours.say("answer")
    peer.event("CALL_ESTABLISHED")
    time.sleep(0.5)
    ours.say("hangup")
    peer.event("CALL_CLOSED")
    ours.say("quit")
    assert ours.finish() == 0


def test_baresip_declines(ringtop: NewRingtop, baresip: NewBaresip) -> None:
    """baresip refuses with 486."""
    peer = baresip()
    ours = ringtop(peer.uri)
    peer.event("CALL_INCOMING")
    ours.event("progress", lambda event: event["status"] == 180)
    peer.command("hangup")
    assert ours.finish() == 10
    assert ours.event("ended")["status"] == 486


def test_ringtop_declines(ringtop: NewRingtop, baresip: NewBaresip) -> None:
    ours = ringtop("--mode", "receiver", typing=True).ready()
    peer = baresip()
    peer.command("dial", ours.uri)
    ours.expect("is calling")
    ours.say("reject")
    assert "603" in peer.event("CALL_CLOSED")["param"]


def test_ringtop_gives_up_while_it_rings(ringtop: NewRingtop, baresip: NewBaresip) -> None:
    peer = baresip()
    ours = ringtop(peer.uri)
    peer.event("CALL_INCOMING")
    ours.event("progress")
    ours.interrupt()
    peer.event("CALL_CLOSED")
    assert ours.finish() == 0
    assert ours.event("ended")["status"] in (487, None)


def test_baresip_gives_up_while_it_rings(ringtop: NewRingtop, baresip: NewBaresip) -> None:
    ours = ringtop("--mode", "receiver").ready()
    peer = baresip()
    peer.command("dial", ours.uri)
    peer.event("CALL_RINGING")
    ours.event("incoming")
    peer.command("hangup")
    assert ours.event("ended")["duration_s"] == 0
    assert not [event for event in ours.events if event["type"] == "answered"]


def test_baresip_holds_and_resumes(ringtop: NewRingtop, baresip: NewBaresip) -> None:
    peer = baresip(answers=True)
    ours = ringtop(peer.uri)
    ours.event("stats")
    peer.command("hold")
    ours.event("held", lambda event: event["there"])
    held_at = len(ours.events)
    ours.event("stats", lambda event: ours.events.index(event) > held_at + 1)
    quiet = ours.events[-1]["rx"]["packets"]
    peer.command("resume")
    ours.event("held", lambda event: not event["there"])
    ours.event("stats", lambda event: event["rx"]["packets"] > quiet + 40)
    ours.interrupt()
    assert ours.finish() == 0


def test_ringtop_holds_and_resumes(ringtop: NewRingtop, baresip: NewBaresip) -> None:
    peer = baresip(answers=True)
    ours = ringtop(peer.uri, typing=True)
    peer.event("CALL_ESTABLISHED")
    ours.expect("talking")
    ours.say("hold")
    ours.expect("held")
    peer.event("CALL_REMOTE_SDP", count=2)
    ours.say("hold")
    peer.event("CALL_REMOTE_SDP", count=3)
    ours.say("quit")
    peer.event("CALL_CLOSED")
    assert ours.finish() == 0


def test_digits_both_ways(ringtop: NewRingtop, baresip: NewBaresip) -> None:
    peer = baresip(answers=True)
    ours = ringtop(peer.uri, typing=True)
    peer.event("CALL_ESTABLISHED")
    ours.expect("talking")
    ours.say("digits 15*#")
    peer.event("CALL_DTMF_START", count=4)
    assert peer.digits() == "15*#"
    for digit in "90":
        peer.command("sndcode", digit)
        ours.expect(f"they pressed {digit}")
    ours.say("quit")
    assert ours.finish() == 0
