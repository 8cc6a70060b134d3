"""Calls with SIPp: what a well-behaved peer rarely does. Its scenarios are in ``sipp/``."""

from __future__ import annotations

import numpy as np
import pytest

from tests.interop.conftest import Peers
from tests.interop.peers import Ringtop
from tests.interop.sound import RATE_HZ, is_sample, samples


def kinds(ours: Ringtop) -> list[str]:
    return [event["type"] for event in ours.events if event["type"] != "stats"]


# ---------------------------------------------------------------------- ringtop calls


def test_ringtop_calls_and_sipp_hangs_up(peers: Peers) -> None:
    peer = peers.sipp("answers_and_hangs_up")
    ours = peers.ringtop(peer.uri)
    assert ours.finish() == 0
    peer.succeeded()
    assert ours.event("ended")["reason"] == "the far end hung up"
    assert kinds(ours) == ["ready", "answered", "ended"]


def test_a_late_offer_of_ours_is_answered_in_the_ack(peers: Peers) -> None:
    """An INVITE without SDP: what SIPp says in its 200 is the offer."""
    peer = peers.sipp("answers", echo=True)
    ours = peers.ringtop("--late-offer", "--duration", "2", peer.uri)
    assert ours.finish() == 0
    peer.succeeded()
    ended = ours.event("ended")
    assert (ended["reason"], ended["codec"]) == ("duration reached", "PCMU") and ended["rx"]["packets"] > 50


def test_early_media_is_heard_before_the_answer(peers: Peers) -> None:
    peer = peers.sipp("early_media")
    record = peers.folder / "heard.wav"
    ours = peers.ringtop("--duration", "0.5", "--record", str(record), peer.uri)
    assert ours.finish() == 0
    assert kinds(ours) == ["ready", "progress", "answered", "ended"]
    progress = ours.event("progress")
    assert (progress["status"], progress["early_media"]) == (183, True)
    peer.succeeded()
    heard = samples(record)
    assert len(heard) > 1.2 * 8000 and np.abs(heard[:6400]).max() > 0.05  # a second of it before the answer
    is_sample(heard)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        ("401 Unauthorized", 14), ("403 Forbidden", 14), ("404 Not Found", 13),
        ("407 Proxy Authentication Required", 14),
        ("408 Request Timeout", 11), ("480 Temporarily Unavailable", 11), ("486 Busy Here", 10),
        ("488 Not Acceptable Here", 15), ("500 Server Internal Error", 15), ("503 Service Unavailable", 15),
        ("600 Busy Everywhere", 10), ("603 Decline", 12), ("604 Does Not Exist Anywhere", 13),
    ],
    ids=lambda value: str(value).split()[0],
)  # fmt: skip
def test_refusals_become_exit_codes(peers: Peers, status: str, code: int) -> None:
    peer = peers.sipp("refuses", STATUS=status)
    ours = peers.ringtop(peer.uri)
    assert ours.finish() == code
    peer.succeeded()
    ended = ours.event("ended")
    assert ended["status"] == int(status.split()[0]) and ended["reason"]
    assert kinds(ours) == ["ready", "ended"]


def test_a_redirection_is_shown_and_not_followed(peers: Peers) -> None:
    peer = peers.sipp("redirects")
    ours = peers.ringtop(peer.uri)
    assert ours.finish() == 15
    peer.succeeded()
    assert "elsewhere@192.0.2.9" in ours.event("ended")["reason"]


def test_ringtop_gives_up_while_it_rings(peers: Peers) -> None:
    """CANCEL, and the ACK of the 487 that follows."""
    peer = peers.sipp("is_cancelled")
    ours = peers.ringtop(peer.uri)
    ours.event("progress")
    ours.interrupt()
    peer.succeeded()
    assert ours.finish() == 0
    assert kinds(ours) == ["ready", "progress", "ended"]


def test_ringtop_holds_and_resumes(peers: Peers) -> None:
    peer = peers.sipp("is_held")
    ours = peers.ringtop(peer.uri, typing=True)
    ours.expect("talking")
    ours.say("hold")
    ours.expect("held by us")
    ours.say("hold")
    ours.expect("taken back")
    peer.succeeded()
    assert ours.finish() == 0


def test_digits_come_back_as_they_were_sent(peers: Peers) -> None:
    """SIPp sends back every packet it gets, so each digit is one that was sent and one that was received."""
    peer = peers.sipp("answers", echo=True)
    ours = peers.ringtop(peer.uri, typing=True)
    ours.expect("talking")
    ours.say("digits 15*#")
    for digit in "15*#":
        ours.expect(f"they pressed {digit}")
    ours.say("quit")
    assert ours.finish() == 0
    peer.succeeded()
    assert sum("they pressed" in line for line in ours.lines) == 4


# ---------------------------------------------------------------------- SIPp calls


def test_sipp_calls_and_hangs_up(peers: Peers) -> None:
    ours = peers.receiver("--auto-answer")
    peers.sipp("plain_call", target=ours.sip).succeeded()
    assert ours.event("ended")["reason"] == "the far end hung up"
    assert kinds(ours) == ["ready", "incoming", "answered", "ended"]


def test_sipp_calls_and_ringtop_hangs_up(peers: Peers) -> None:
    ours = peers.receiver("--auto-answer", "--duration", "0.5")
    peers.sipp("is_hung_up_on", target=ours.sip).succeeded()
    assert ours.event("ended")["reason"] == "duration reached"
    assert kinds(ours) == ["ready", "incoming", "answered", "ended"]


def test_ringtop_declines(peers: Peers) -> None:
    ours = peers.receiver(typing=True)
    peer = peers.sipp("is_refused", target=ours.sip, STATUS="603")
    ours.expect("is calling")
    ours.say("reject")
    peer.succeeded()


def test_no_line_free_is_busy(peers: Peers) -> None:
    ours = peers.receiver("--auto-answer", "--max-calls", "1")
    first = peers.sipp("is_hung_up_on", target=ours.sip, name="first")
    ours.event("answered")
    peers.sipp("is_refused", target=ours.sip, STATUS="486", name="second").succeeded()
    assert kinds(ours) == ["ready", "incoming", "answered"]
    ours.interrupt()
    first.succeeded()


def test_the_caller_gives_up(peers: Peers) -> None:
    """CANCEL is answered, and the INVITE with 487."""
    ours = peers.receiver()
    peers.sipp("gives_up", target=ours.sip).succeeded()
    assert ours.event("ended")["duration_s"] == 0
    assert kinds(ours) == ["ready", "incoming", "ended"]


def test_late_offer(peers: Peers) -> None:
    """No SDP in the INVITE: our offer goes in the 200, the answer comes with the ACK; so, too, within the call."""
    record = peers.folder / "heard.wav"
    ours = peers.receiver("--auto-answer", "--record", str(record))
    peers.sipp("late_offer", target=ours.sip).succeeded()
    ended = ours.event("ended")
    assert ended["rx"]["packets"] > 40 and ended["tx"]["packets"] > 40
    is_sample(samples(record))


def test_hold_by_direction_and_by_null_address(peers: Peers) -> None:
    """SIPp goes on speaking while it holds us, and is heard."""
    record = peers.folder / "heard.wav"
    ours = peers.receiver("--auto-answer", "--record", str(record))
    peers.sipp("holds", target=ours.sip).succeeded()
    ended = ours.event("ended")
    assert [event["there"] for event in ours.events if event["type"] == "held"] == [True, False, True, False]
    assert 0 < ended["tx"]["packets"] < ended["rx"]["packets"]  # nothing is sent to one who holds us
    assert ended["rx"]["lost"] == ended["rx"]["foreign"] == 0
    is_sample(samples(record))
    is_sample(samples(record)[-RATE_HZ:])  # after the last hold


@pytest.mark.parametrize("scenario", ["options", "unknown_method"])
def test_questions_outside_a_call(peers: Peers, scenario: str) -> None:
    ours = peers.receiver()
    peers.sipp(scenario, target=ours.sip).succeeded()
    assert kinds(ours) == ["ready"]
