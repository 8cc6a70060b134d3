"""Calls through somebody in between who stays in the path: the route set is followed both ways (RFC 3261 12.2,
16.12), strict routing as RFC 2543 had it too; and calls that ring at two places at once."""

from __future__ import annotations

import pytest

from tests.interop.between import Between
from tests.interop.conftest import Peers
from tests.interop.peers import Baresip, Ringtop
from tests.interop.sound import is_sample, samples

KINDS = ["loose", "strict", "kamailio"]


def between(peers: Peers, kind: str, *targets: int) -> Between:
    if kind == "kamailio":
        return peers.kamailio(list(targets))
    return peers.proxy(kind, targets=list(targets))


def kinds(ours: Ringtop) -> list[str]:
    return [event["type"] for event in ours.events if event["type"] not in ("stats", "progress")]


def went_through(proxy: Between, ours: Ringtop, *messages: str) -> None:
    """Each of these came by, nothing of a dialog without its route, and nothing of ours that a strict proxy refuses."""
    for message in messages:
        proxy.wait_until(lambda message=message: proxy.times(message) > 0, f"{message} at the proxy")
    told = proxy.told()
    assert not [line for line in told if line.startswith("astray")]
    assert not [line for line in told if line.startswith("loosely") and line.endswith(f" {ours.sip}")]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["baresip", "sipp"])
def test_we_call(peers: Peers, name: str, kind: str) -> None:
    """ACK, the digits' and the hold's re-INVITE, and our BYE go by way of the proxy."""
    peer = peers.baresip(answers="auto") if name == "baresip" else peers.sipp("answers")
    proxy = between(peers, kind, peer.sip)
    ours = peers.ringtop("--record", str(peers.folder / "heard.wav"), "--duration", "1.2", proxy.uri())
    assert ours.finish() == 0
    assert kinds(ours) == ["ready", "answered", "ended"]
    if name == "baresip":
        peer.event("CALL_CLOSED")
        is_sample(peer.heard())
    else:
        peer.succeeded()
    went_through(proxy, ours, "INVITE", "ACK", "BYE")
    is_sample(samples(peers.folder / "heard.wav"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["baresip", "sipp"])
def test_they_call_and_we_hang_up(peers: Peers, name: str, kind: str) -> None:
    """Our route set is that of the callee: our BYE finds its way back through the proxy."""
    ours = peers.receiver("--auto-answer", "--duration", "0.5")
    proxy = between(peers, kind, ours.sip)
    if name == "baresip":
        peer = peers.baresip()
        peer.command("dial", proxy.uri())
        peer.event("CALL_CLOSED")
    else:
        peers.sipp("is_hung_up_on", target=proxy.sip).succeeded()
    assert ours.event("ended")["reason"] == "duration reached"
    went_through(proxy, ours, "INVITE", "ACK", "BYE")


@pytest.mark.parametrize("kind", KINDS)
def test_hold_and_the_far_end_hangs_up(peers: Peers, kind: str) -> None:
    """re-INVITEs of either side, and their BYE."""
    peer = peers.baresip(answers="auto")
    proxy = between(peers, kind, peer.sip)
    ours = peers.ringtop(proxy.uri(), typing=True)
    ours.expect("talking")
    peer.event("CALL_ESTABLISHED")
    ours.say("hold")
    peer.event("CALL_REMOTE_SDP", count=2)
    ours.say("hold")
    peer.event("CALL_REMOTE_SDP", count=3)
    peer.command("hold")
    ours.expect("held by them")
    peer.command("hangup")
    ours.expect("ended")
    assert ours.finish() == 0
    went_through(proxy, ours, "INVITE", "ACK", "BYE")
    assert proxy.times("INVITE") >= 4


@pytest.mark.parametrize("kind", KINDS)
def test_we_give_up(peers: Peers, kind: str) -> None:
    """CANCEL goes the way of the INVITE, hop by hop."""
    peer = peers.baresip()
    proxy = between(peers, kind, peer.sip)
    ours = peers.ringtop(proxy.uri())
    peer.event("CALL_INCOMING")
    ours.event("progress")
    ours.interrupt()
    peer.event("CALL_CLOSED")
    assert ours.finish() == 0
    assert kinds(ours) == ["ready", "ended"]
    went_through(proxy, ours, "INVITE", "CANCEL")


@pytest.mark.parametrize("kind", KINDS)
def test_they_give_up(peers: Peers, kind: str) -> None:
    ours = peers.receiver()
    proxy = between(peers, kind, ours.sip)
    peer = peers.baresip()
    peer.command("dial", proxy.uri())
    ours.event("incoming")
    peer.event("CALL_RINGING")
    peer.command("hangup")
    assert ours.event("ended")["duration_s"] == 0
    assert kinds(ours) == ["ready", "incoming", "ended"]
    went_through(proxy, ours, "INVITE", "CANCEL")


@pytest.mark.parametrize("kind", ["loose", "kamailio"])
def test_two_phones_ring_and_one_answers(peers: Peers, kind: str) -> None:
    """Two early dialogs; the call is with the one that answers."""
    first, second = peers.baresip(name="first"), peers.baresip(name="second")
    proxy = between(peers, kind, first.sip, second.sip)
    ours = peers.ringtop("--record", str(peers.folder / "heard.wav"), "--duration", "1.2", proxy.uri())
    first.event("CALL_INCOMING")
    second.event("CALL_INCOMING")
    ours.event("progress")
    second.command("accept")
    assert ours.finish() == 0
    second.event("CALL_CLOSED")
    if kind == "kamailio":  # a stateful proxy tells the others that it is over
        first.event("CALL_CLOSED")
    assert kinds(ours) == ["ready", "answered", "ended"]
    is_sample(second.heard())
    is_sample(samples(peers.folder / "heard.wav"))


def test_two_phones_answer(peers: Peers) -> None:
    """Both 200s come; one is the call, the other is acknowledged and ended at once (section 13.2.2.4)."""
    both = [peers.baresip(answers="auto", name=name) for name in ("first", "second")]
    proxy = peers.proxy("loose", targets=[peer.sip for peer in both])
    ours = peers.ringtop(proxy.uri())
    ours.event("answered")
    for peer in both:
        peer.event("CALL_ESTABLISHED")
    left = refused(both)
    other = next(peer for peer in both if peer is not left)
    ours.event("stats", lambda event: event["rx"]["packets"] > 0)
    assert other.count("CALL_CLOSED") == 0
    ours.interrupt()
    assert ours.finish() == 0
    other.event("CALL_CLOSED")
    assert kinds(ours) == ["ready", "answered", "ended"]
    assert proxy.times("ACK") >= 2 and proxy.times("BYE") >= 2


def refused(peers: list[Baresip]) -> Baresip:
    """The one whose call is ended."""
    return peers[0].wait_until(
        lambda: next((peer for peer in peers if peer.count("CALL_CLOSED")), None), "the end of one of two calls"
    )


# ---------------------------------------------------------------------- what only a stateful proxy does


def test_100_ends_the_repetitions(peers: Peers) -> None:
    """The proxy says 100 while the far end is silent for longer than T1 and its double: one INVITE is enough."""
    peer = peers.sipp("answers_late")
    proxy = peers.kamailio([peer.sip])
    ours = peers.ringtop("--duration", "0.5", proxy.uri())
    assert ours.finish() == 0
    peer.succeeded()
    assert kinds(ours) == ["ready", "answered", "ended"]
    assert proxy.times("INVITE") == 1


def test_one_declines_and_the_other_takes_the_call(peers: Peers) -> None:
    first, second = peers.baresip(name="first"), peers.baresip(name="second")
    proxy = peers.kamailio([first.sip, second.sip])
    ours = peers.ringtop("--duration", "0.5", proxy.uri())
    first.event("CALL_INCOMING")
    second.event("CALL_INCOMING")
    ours.event("progress")
    first.command("hangup")
    first.event("CALL_CLOSED")
    assert "ended" not in kinds(ours)
    second.command("accept")
    assert ours.finish() == 0
    assert kinds(ours) == ["ready", "answered", "ended"]


def test_somebody_else_takes_the_call(peers: Peers) -> None:
    """We ring beside another phone; when that answers, the proxy's CANCEL ends our ringing."""
    ours, other = peers.receiver(), peers.baresip(name="other")
    proxy = peers.kamailio([ours.sip, other.sip])
    caller = peers.ringtop("--duration", "0.5", proxy.uri(), name="caller")
    ours.event("incoming")
    other.event("CALL_INCOMING")
    other.command("accept")
    assert ours.event("ended")["duration_s"] == 0
    assert kinds(ours) == ["ready", "incoming", "ended"]
    assert caller.finish() == 0
    assert kinds(caller) == ["ready", "answered", "ended"]
