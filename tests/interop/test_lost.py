"""Calls over a line that loses or repeats each message in turn: it, or what it answers, comes again (RFC 3261
17.1, 13.3.1.4), and neither side notices more than the time it took. What is said is heard all the same."""

from __future__ import annotations

import pytest

from tests.interop.conftest import Peers
from tests.interop.peers import HOST, Ringtop
from tests.interop.sound import is_sample, samples

PEERS = ("baresip", "sipp")
WE_CALL = [
    ("lose:INVITE:1", "INVITE", 2),
    ("lose:200 INVITE:2", "200 INVITE", 3),
    ("lose:ACK:1", "ACK", 2),
    ("lose:BYE:1", "BYE", 2),
    ("lose:200 BYE:1", "BYE", 2),
    ("repeat:200 INVITE", "ACK", 3),  # every one of them gets its ACK
]
THEY_CALL = [
    ("lose:INVITE:1", "INVITE", 2),
    ("lose:200 INVITE:2", "200 INVITE", 3),
    ("lose:ACK:1", "ACK", 2),
    ("lose:BYE:1", "BYE", 2),
    ("lose:200 BYE:1", "BYE", 2),
    ("repeat:INVITE", "INVITE", 1),
    ("repeat:BYE", "BYE", 1),
]


def kinds(ours: Ringtop) -> list[str]:
    return [event["type"] for event in ours.events if event["type"] not in ("stats", "progress")]


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize(("rule", "again", "times"), WE_CALL, ids=lambda value: value if ":" in str(value) else "")
def test_we_call(peers: Peers, name: str, rule: str, again: str, times: int) -> None:
    peer = peers.baresip(answers="auto") if name == "baresip" else peers.sipp("answers")
    line = peers.wire(rule, peer=peer.sip)
    record = peers.folder / "heard.wav"
    ours = peers.ringtop("--record", str(record), "--duration", "2", f"sip:peer@{HOST}:{line.sip}")
    assert ours.finish() == 0
    assert kinds(ours) == ["ready", "answered", "ended"]
    assert ours.event("ended")["rx"]["packets"] > 0
    line.wait_until(lambda: line.times(again) >= times, f"{again} again")
    if name == "baresip":
        peer.event("CALL_CLOSED")
        is_sample(peer.heard())
    else:
        peer.succeeded()
    is_sample(samples(record))


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize(("rule", "again", "times"), THEY_CALL, ids=lambda value: value if ":" in str(value) else "")
def test_they_call(peers: Peers, name: str, rule: str, again: str, times: int) -> None:
    """An INVITE or BYE that comes again is answered again, and is one call."""
    record = peers.folder / "heard.wav"
    ours = peers.receiver("--auto-answer", "--record", str(record))
    line = peers.wire(rule, peer=ours.sip)
    if name == "baresip":
        peer = peers.baresip()
        peer.command("dial", f"sip:ringtop@{HOST}:{line.sip}")
        peer.event("CALL_ESTABLISHED")
        ours.event("stats", lambda event: min(event["tx"]["packets"], event["rx"]["packets"]) > 60)
        is_sample(samples(record))
        peer.command("hangup")
        peer.event("CALL_CLOSED")
        is_sample(peer.heard())
    else:
        peers.sipp("plain_call", target=line.sip, PAUSE="1500").succeeded()
        is_sample(samples(record))
    assert ours.event("ended")["rx"]["packets"] > 0
    line.wait_until(lambda: line.times(again) >= times, f"{again} again")
    assert kinds(ours) == ["ready", "incoming", "answered", "ended"]
