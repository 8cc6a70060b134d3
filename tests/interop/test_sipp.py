"""Calls with SIPp: what a well-behaved peer rarely does, and what a bad line does to every call."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.peers import HOST, SAMPLE, LossyWire, Ringtop, Sipp, free_ports, samples, similarity_db

GOOD_DB = 25.0  # G.711 alone gives about 37

NewRingtop = Callable[..., Ringtop]
NewSipp = Callable[..., Sipp]
NewWire = Callable[..., LossyWire]


def kinds(ours: Ringtop) -> list[str]:
    return [event["type"] for event in ours.events if event["type"] != "stats"]


def times(line: LossyWire, what: str) -> int:
    """How often this message came to the line, lost or not."""
    return sum(told.split(" ", 1)[1] == what for told in line.passed())


# ---------------------------------------------------------------------- ringtop calls


def test_early_media_is_heard_before_the_answer(ringtop: NewRingtop, sipp: NewSipp, tmp_path: Path) -> None:
    peer = sipp("early_media")
    ours = ringtop("--duration", "1", "--record", str(tmp_path / "heard.wav"), peer.uri)
    assert ours.finish() == 0
    assert kinds(ours) == ["ready", "progress", "answered", "ended"]
    assert ours.event("progress")["status"] == 183
    assert ours.event("ended")["rx"]["packets"] > 110  # 1.5 s of them before the answer
    peer.succeeded()
    heard = samples(tmp_path / "heard.wav")
    assert len(heard) > 2.2 * 8000
    assert similarity_db(heard, samples(SAMPLE)) > GOOD_DB


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
def test_refusals_become_exit_codes(ringtop: NewRingtop, sipp: NewSipp, status: str, code: int) -> None:
    peer = sipp("refuses", status=status)
    ours = ringtop(peer.uri)
    assert ours.finish() == code
    peer.succeeded()
    ended = ours.event("ended")
    assert ended["status"] == int(status.split()[0]) and ended["reason"]
    assert kinds(ours) == ["ready", "ended"]


def test_a_redirection_is_shown_and_not_followed(ringtop: NewRingtop, sipp: NewSipp) -> None:
    peer = sipp("redirects")
    ours = ringtop(peer.uri)
    assert ours.finish() == 15
    peer.succeeded()
    assert "elsewhere@192.0.2.9" in ours.event("ended")["reason"]


@pytest.mark.parametrize(
    ("rules", "again"),
    [
        (["lose:INVITE:2"], ("INVITE", 3)),
        (["lose:200 INVITE:2"], ("200 INVITE", 3)),
        (["lose:ACK:2"], ("ACK", 3)),
        (["lose:BYE:1"], ("BYE", 2)),
        (["lose:200 BYE:1"], ("BYE", 2)),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_we_call_over_a_line_that_loses(
    ringtop: NewRingtop, sipp: NewSipp, wire: NewWire, rules: list[str], again: tuple[str, int]
) -> None:
    """Each message is lost in turn; it, or what it answers, comes again and the call does not notice."""
    port = free_ports(12)
    line = wire(*rules, peer=port)
    peer = sipp("answers", sip=port, contact=line.sip)
    ours = ringtop("--duration", "2", f"sip:sipp@{HOST}:{line.sip}")
    assert ours.finish() == 0
    peer.succeeded()
    assert kinds(ours) == ["ready", "answered", "ended"]
    assert ours.event("ended")["rx"]["packets"] > 15  # SIPp speaks from the ACK on
    assert times(line, again[0]) >= again[1]


# ---------------------------------------------------------------------- SIPp calls


def receiver(ringtop: NewRingtop, *options: str) -> Ringtop:
    return ringtop("--mode", "receiver", *options).ready()


def test_late_offer(ringtop: NewRingtop, sipp: NewSipp, tmp_path: Path) -> None:
    """No SDP in the INVITE: our offer goes in the 200, the answer comes with the ACK."""
    ours = receiver(ringtop, "--auto-answer", "--record", str(tmp_path / "heard.wav"))
    sipp("late_offer", target=ours.sip).succeeded()
    ended = ours.event("ended")
    assert ended["rx"]["packets"] > 100 and ended["tx"]["packets"] > 100
    assert similarity_db(samples(tmp_path / "heard.wav"), samples(SAMPLE)) > GOOD_DB


@pytest.mark.parametrize(
    ("rules", "again"),
    [
        (["lose:INVITE:1"], ("INVITE", 2)),
        (["lose:200 INVITE:2"], ("200 INVITE", 3)),
        (["lose:ACK:1"], ("ACK", 2)),
        (["lose:200 BYE:1"], ("BYE", 2)),
        (["repeat:INVITE"], ("INVITE", 1)),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_we_are_called_over_a_line_that_loses(
    ringtop: NewRingtop, sipp: NewSipp, wire: NewWire, rules: list[str], again: tuple[str, int]
) -> None:
    """The 200 is repeated until the ACK; an INVITE or BYE that comes again is answered again, and is one call."""
    ours = receiver(ringtop, "--auto-answer")
    line = wire(*rules, peer=ours.sip)
    sipp("plain_call", target=line.sip).succeeded()
    assert ours.event("ended")["rx"]["packets"] > 50
    assert kinds(ours) == ["ready", "incoming", "answered", "ended"]
    assert times(line, again[0]) >= again[1]


def test_the_caller_gives_up(ringtop: NewRingtop, sipp: NewSipp) -> None:
    """CANCEL is answered, and the INVITE with 487."""
    ours = receiver(ringtop)
    sipp("gives_up", target=ours.sip).succeeded()
    assert ours.event("ended")["duration_s"] == 0
    assert kinds(ours) == ["ready", "incoming", "ended"]


def test_hold_by_direction_and_by_null_address(ringtop: NewRingtop, sipp: NewSipp) -> None:
    ours = receiver(ringtop, "--auto-answer")
    sipp("holds", target=ours.sip).succeeded()
    ended = ours.event("ended")
    assert [event["there"] for event in ours.events if event["type"] == "held"] == [True, False, True, False]
    assert 0 < ended["tx"]["packets"] < ended["rx"]["packets"]  # nothing is sent to one who holds us


def test_no_line_free_is_busy(ringtop: NewRingtop, sipp: NewSipp) -> None:
    ours = receiver(ringtop, "--auto-answer", "--max-calls", "1")
    first = sipp("plain_call", target=ours.sip)
    ours.event("answered")
    second = sipp("is_busy", target=ours.sip)
    second.succeeded()
    first.succeeded()
    assert ours.event("ended")["rx"]["packets"] > 50


@pytest.mark.parametrize("scenario", ["options", "unknown_method"])
def test_questions_outside_a_call(ringtop: NewRingtop, sipp: NewSipp, scenario: str) -> None:
    ours = receiver(ringtop)
    sipp(scenario, target=ours.sip).succeeded()
    assert kinds(ours) == ["ready"]
