"""Calls with baresip: each side calls, hangs up, is busy, declines, gives up; hold, early media, digits."""

from __future__ import annotations

from tests.interop.conftest import Peers
from tests.interop.peers import Ringtop
from tests.interop.sound import RATE_HZ, is_sample, samples

AFTER_S = 1.5  # of a recording: of the time after a hold


# ---------------------------------------------------------------------- each side calls, each side hangs up


def test_ringtop_calls_and_hangs_up(peers: Peers) -> None:
    peer = peers.baresip(answers="auto")
    ours = peers.ringtop("--duration", "0.5", peer.uri)
    assert ours.finish() == 0
    peer.event("CALL_CLOSED")
    ended = ours.event("ended")
    assert ended["reason"] == "duration reached" and ended["rx"]["packets"] > 0
    assert kinds(ours) in (["ready", "answered", "ended"], ["ready", "progress", "answered", "ended"])


def test_ringtop_calls_and_baresip_hangs_up(peers: Peers) -> None:
    peer = peers.baresip(answers="auto")
    ours = peers.ringtop(peer.uri)
    ours.event("answered")
    peer.event("CALL_ESTABLISHED")
    peer.command("hangup")
    ended = ours.event("ended")
    assert ended["reason"] == "the far end hung up"
    assert ours.finish() == 0


def test_baresip_calls_and_hangs_up(peers: Peers) -> None:
    ours = peers.receiver("--auto-answer")
    peer = peers.baresip()
    peer.command("dial", ours.uri)
    peer.event("CALL_ESTABLISHED")
    assert ours.event("incoming")["auto_answer"] is True
    peer.command("hangup")
    assert ours.event("ended")["reason"] == "the far end hung up"
    assert ours.running  # a receiver waits for the next call
    ours.interrupt()
    assert ours.finish() == 0


def test_baresip_calls_and_ringtop_hangs_up(peers: Peers) -> None:
    """Answered and ended by hand."""
    ours = peers.receiver(typing=True)
    peer = peers.baresip()
    peer.command("dial", ours.uri)
    peer.event("CALL_RINGING")
    ours.expect("is calling")
    ours.say("answer")
    peer.event("CALL_ESTABLISHED")
    ours.expect("talking")
    ours.say("hangup")
    peer.event("CALL_CLOSED")
    ours.expect("ended")
    ours.say("quit")
    assert ours.finish() == 0


# ---------------------------------------------------------------------- no call comes of it


def test_baresip_declines(peers: Peers) -> None:
    """baresip refuses with 486."""
    peer = peers.baresip()
    ours = peers.ringtop(peer.uri)
    peer.event("CALL_INCOMING")
    ours.event("progress", lambda event: event["status"] == 180)
    peer.command("hangup")
    assert ours.finish() == 10
    assert ours.event("ended")["status"] == 486


def test_baresip_is_busy(peers: Peers) -> None:
    """It takes one call; the second caller hears busy at once, and the first goes on."""
    peer = peers.baresip(answers="auto", most_calls=1)
    first = peers.ringtop(peer.uri, name="first")
    first.event("answered")
    second = peers.ringtop(peer.uri, name="second")
    assert second.finish() == 10
    assert second.event("ended")["status"] == 486
    assert kinds(second) == ["ready", "ended"]
    assert first.running
    first.interrupt()
    assert first.finish() == 0


def test_ringtop_declines(peers: Peers) -> None:
    ours = peers.receiver(typing=True)
    peer = peers.baresip()
    peer.command("dial", ours.uri)
    ours.expect("is calling")
    ours.say("reject")
    assert "603" in peer.event("CALL_CLOSED")["param"]


def test_ringtop_is_busy(peers: Peers) -> None:
    ours = peers.receiver("--auto-answer", "--max-calls", "1")
    first, second = peers.baresip(name="first"), peers.baresip(name="second")
    first.command("dial", ours.uri)
    first.event("CALL_ESTABLISHED")
    second.command("dial", ours.uri)
    assert "486" in second.event("CALL_CLOSED")["param"]
    ours.event("answered")
    assert kinds(ours) == ["ready", "incoming", "answered"]
    first.command("hangup")
    ours.event("ended")


def test_ringtop_gives_up_while_it_rings(peers: Peers) -> None:
    peer = peers.baresip()
    ours = peers.ringtop(peer.uri)
    peer.event("CALL_INCOMING")
    ours.event("progress")
    ours.interrupt()
    peer.event("CALL_CLOSED")
    assert ours.finish() == 0
    assert ours.event("ended")["status"] in (487, None)
    assert "answered" not in kinds(ours)


def test_baresip_gives_up_while_it_rings(peers: Peers) -> None:
    ours = peers.receiver()
    peer = peers.baresip()
    peer.command("dial", ours.uri)
    peer.event("CALL_RINGING")
    ours.event("incoming")
    peer.command("hangup")
    assert ours.event("ended")["duration_s"] == 0
    assert kinds(ours) == ["ready", "incoming", "ended"]


# ---------------------------------------------------------------------- within a call


def test_baresip_holds_and_resumes(peers: Peers) -> None:
    """Nothing is sent to one who holds us; what comes after is heard as before.

    baresip 1.0 records what it hears up to a hold; what it is sent after that is looked at in ``test_far_end.py``.
    """
    peer = peers.baresip(answers="auto")
    record = peers.folder / "heard.wav"
    ours = peers.ringtop("--record", str(record), peer.uri)
    ours.event("stats")
    peer.command("hold")
    ours.event("held", lambda event: event["there"])
    quiet = [event["tx"]["packets"] for event in next_stats(ours, 2)]
    assert quiet[0] == quiet[1] > 0
    peer.command("resume")
    ours.event("held", lambda event: not event["there"])
    heard = next_stats(ours, 1)[0]["rx"]["packets"]
    later = next_stats(ours, 2)[-1]
    assert later["tx"]["packets"] > quiet[1] and later["rx"]["packets"] > heard
    ours.interrupt()
    assert ours.finish() == 0
    peer.event("CALL_CLOSED")
    is_sample(peer.heard())
    is_sample(samples(record)[-int(AFTER_S * RATE_HZ) :])


def test_ringtop_holds_and_resumes(peers: Peers) -> None:
    """RFC 3264 8.4: our offer says a=sendonly and is answered with a=recvonly; then both say a=sendrecv.

    What baresip is sent after that, which it does not record, is looked at in ``test_far_end.py``.
    """
    peer = peers.baresip(answers="auto")
    record = peers.folder / "heard.wav"
    ours = peers.ringtop("--record", str(record), peer.uri, "--trace", typing=True)
    peer.event("CALL_ESTABLISHED")
    ours.expect("talking")
    ours.say("hold")
    ours.expect("a=sendonly")
    ours.expect("a=recvonly")
    ours.say("hold")
    ours.expect("a=sendrecv")
    ours.expect("a=sendrecv")
    peer.event("CALL_REMOTE_SDP", count=3)
    ours.say("digits 7")  # the way to them is open again
    peer.event("CALL_DTMF_START")
    enough = record.stat().st_size + 2 * RATE_HZ * (AFTER_S + 0.5)
    ours.wait_until(lambda: record.stat().st_size > enough, "sound to be recorded")
    ours.say("quit")
    peer.event("CALL_CLOSED")
    assert ours.finish() == 0
    is_sample(samples(record)[-int(AFTER_S * RATE_HZ) :])


def test_baresip_answers_early_and_then_takes_the_call(peers: Peers) -> None:
    """183 with SDP, and the same again in the 200. (baresip says nothing before that; SIPp does, in its own test.)"""
    peer = peers.baresip(answers="early")
    record = peers.folder / "heard.wav"
    ours = peers.ringtop("--record", str(record), "--duration", "1.2", peer.uri)
    ours.event("progress", lambda event: event["status"] == 183)
    ours.wait_until(lambda: record.exists() and record.stat().st_size > 16000 * 0.3, "sound, or silence, early")
    assert "answered" not in kinds(ours)
    peer.command("accept")
    assert ours.finish() == 0
    peer.event("CALL_CLOSED")
    assert kinds(ours)[-2:] == ["answered", "ended"]
    is_sample(samples(record))
    is_sample(peer.heard())


def test_digits_both_ways(peers: Peers) -> None:
    peer = peers.baresip(answers="auto")
    ours = peers.ringtop(peer.uri, typing=True)
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


def kinds(ours: Ringtop) -> list[str]:
    return [event["type"] for event in ours.events if event["type"] != "stats"]


def next_stats(ours: Ringtop, count: int) -> list[dict]:
    """The next so many statistics after all that has been told by now."""
    known = len(ours.events)

    def later() -> list[dict]:
        return [event for event in ours.events[known:] if event["type"] == "stats"]

    return ours.wait_until(lambda: later()[:count] if len(later()) >= count else None, f"{count} more stats")
