"""Two phones that tell each other how they hear each other (RFC 3611), and one that was not asked to."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from engine import model
from engine.media import rtcp, xr
from engine.media.rtcp_session import RtcpSession, Sent
from tests.wire import ANNA, BOB, Datagram, Wire, is_sip


def extended(datagrams: list[Datagram], host: str) -> list[xr.ExtendedReport]:
    found = []
    for datagram in datagrams:
        if datagram.port_kind == "rtcp" and datagram.source[0] == host:
            found += [packet for packet in rtcp.parse(datagram.data) if isinstance(packet, xr.ExtendedReport)]
    return found


def metrics_of(reports: list[xr.ExtendedReport]) -> xr.VoipMetrics:
    return [block for report in reports for block in report.blocks if isinstance(block, xr.VoipMetrics)][-1]


def call(wire: Wire, seconds: float = 40) -> tuple:
    anna, bob = wire.station(ANNA, redundancy=0), wire.station(BOB, auto_answer=0.0, redundancy=0)
    anna.do(model.Dial(bob.uri))
    wire.run(seconds)
    return anna, bob


def test_both_ends_tell_what_they_hear_and_show_what_they_are_told() -> None:
    wire = Wire(0.030)
    chance = random.Random(4)
    wire.rule(
        lambda each: [] if each.port_kind == "rtp" and each.source[0] == ANNA and chance.random() < 0.08 else None
    )
    anna, bob = call(wire)
    told = metrics_of(extended(wire.sent, BOB))
    assert told.loss_rate / 256 == pytest.approx(0.08, abs=0.02) and told.gmin == 16
    assert told.round_trip_ms == pytest.approx(60, abs=3) and 0 < told.end_system_ms < 200
    there = anna.view().media.there
    assert there.mos == pytest.approx(told.mos, abs=0.3) and there.cause.endswith("they say") and there.mos < 4.0
    assert bob.view().media.here.mos == pytest.approx(there.mos, abs=0.3)
    assert bob.view().media.there.mos > 4.3 and bob.view().media.there.cause == ""
    rtcp_view = anna.view().media.rtcp
    assert rtcp_view.xr_sent and rtcp_view.xr_received and rtcp_view.metrics.buffer_ms > 0


def test_the_summaries_follow_one_another_without_a_gap() -> None:
    wire = Wire(0.030)
    call(wire, 60)
    summaries = [
        block
        for report in extended(wire.sent, BOB)
        for block in report.blocks
        if isinstance(block, xr.StatisticsSummary)
    ]
    assert len(summaries) > 5
    assert all(one.end == following.begin for one, following in pairwise(summaries))
    assert {(summary.lost, summary.duplicates) for summary in summaries} == {(0, 0)}


def test_who_did_not_ask_is_told_nothing_of_it() -> None:
    wire = Wire(0.030)
    wire.rewrite(is_sip("INVITE"), lambda data: data.replace(b"a=rtcp-xr:", b"a=rtcp-zz:"))
    anna, _ = call(wire)
    assert extended(wire.sent, ANNA) and not extended(wire.sent, BOB)
    assert anna.view().media.rtcp.metrics is None and anna.view().media.there is not None


def test_who_only_listens_measures_a_round_trip_by_its_own_clock() -> None:
    """RFC 3611 sections 4.4 and 4.5: no SR of ours could come back in a report block."""
    listener = RtcpSession(1, "a", random.Random(1), 0.0)
    talker = RtcpSession(2, "b", random.Random(2), 0.0)
    listener.extended = talker.extended = True
    for sent in range(2000):
        now = 0.01 * (sent + 1)
        for session, other, packets in ((listener, talker, 0), (talker, listener, sent)):
            data = session.make_report(now, 1e9 + now, Sent(packets, 160 * packets, 160 * packets, packets), [])
            if data:
                other.receive(data, now + 0.040)
    assert listener.rtt_s == pytest.approx(0.080, abs=0.012)


def test_broken_extended_reports_are_counted_and_harm_nothing() -> None:
    session = RtcpSession(1, "a", random.Random(1), 0.0)
    head = bytes.fromhex("80c90001 00000005")
    session.receive(head + bytes.fromhex("80cf0003 00000005 07000008 00000000"), 1.0)
    session.receive(head + bytes.fromhex("80cf0000"), 1.0)
    stats = session.stats(1.0, 8000, Sent(0, 0, 0, 0))
    assert (stats.malformed, stats.xr_received, stats.metrics) == (2, 1, None)
