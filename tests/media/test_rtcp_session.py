"""The RTCP session in virtual time: intervals, reports, round trip, collisions (RFC 3550 6.2, 6.3, 8.2, A.7)."""

from __future__ import annotations

import dataclasses
import itertools
import random
import statistics

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import model
from engine.media import rtcp
from engine.media.rtcp_session import (
    COMPENSATION,
    MAX_MEMBERS,
    Collided,
    Left,
    RemoteStats,
    RtcpSession,
    RtcpStats,
    Sends,
    Sent,
    deterministic_interval,
)
from engine.media.source import Source

WALL = 1_790_000_000.0
US, THEM = 0x11111111, 0x22222222
NOTHING = Sent(0, 0, 0, 0)


class Fixed:
    """Entropy that always says the same: ``share`` of the whole range."""

    def __init__(self, share: float) -> None:
        self.share = share

    def getrandbits(self, bits: int) -> int:
        return int(self.share * (1 << bits))


def session(seed: int = 7, now: float = 0.0, **more: float) -> RtcpSession:
    return RtcpSession(US, "random@nowhere", random.Random(seed), now, **more)


def sent_after(seconds: float) -> Sent:
    packets = int(seconds * 50)
    return Sent(packets, packets * 160, packets * 160, 0)


def sender_report(
    ssrc: int = THEM, ntp: int = 0xE0000000_80000000, blocks: tuple[rtcp.ReportBlock, ...] = ()
) -> rtcp.SenderReport:
    return rtcp.SenderReport(ssrc, ntp, 0, 50, 8000, blocks)


def about_us(last_sr: int = 0, delay: int = 0, lost: int = 0, fraction: int = 0, jitter: int = 0) -> rtcp.ReportBlock:
    return rtcp.ReportBlock(US, fraction, lost, 1000, jitter, last_sr, delay)


def heard(ssrc: int = THEM, packets: int = 10) -> Source:
    source = Source(ssrc, 0, 8000)
    for number in range(packets):
        source.update(number, number * 160, number * 0.02)
    return source


def due_report(one: RtcpSession, sent: Sent = NOTHING, sources: tuple[Source, ...] = ()) -> tuple[float, bytes]:
    """Turn time forward until a report is made."""
    for _ in range(100):
        now = one.deadline()
        assert now is not None
        data = one.make_report(now, WALL + now, sent, sources)
        if data:
            return now, data
    raise AssertionError("reconsidered for ever")


def report_times(one: RtcpSession, until: float, sending: bool = True) -> list[float]:
    times: list[float] = []
    while not times or times[-1] < until:
        at, _ = due_report(one, sent_after((one.deadline() or 0.0) + 0.02) if sending else NOTHING)
        times.append(at)
    return times


# ------------------------------------------------------------------ A.7: the interval


def test_a_phone_call_reports_at_the_minimum() -> None:
    assert deterministic_interval(2, 2, 500.0, True, 120.0, initial=False) == 5.0
    assert deterministic_interval(2, 2, 500.0, True, 120.0, initial=True) == 2.5


def test_senders_share_a_quarter_while_they_are_few() -> None:
    """100 members, 10 of them senders, reports of 100 octets, 100 octets a second for RTCP."""
    assert deterministic_interval(100, 10, 100.0, True, 100.0, False) == 100 * 10 / 25
    assert deterministic_interval(100, 10, 100.0, False, 100.0, False) == 100 * 90 / 75


def test_everybody_shares_alike_when_senders_are_many() -> None:
    assert deterministic_interval(100, 30, 100.0, True, 100.0, False) == 100.0
    assert deterministic_interval(100, 30, 100.0, False, 100.0, False) == 100.0


def test_a_quarter_exactly_still_counts_as_few() -> None:
    assert deterministic_interval(40, 10, 100.0, True, 100.0, False) == 40.0


@pytest.mark.parametrize(("share", "factor"), [(0.0, 0.5), (0.5, 1.0), (1 - 2**-32, 1.5)])
def test_the_first_report_comes_after_half_the_minimum_times_a_random_factor(share: float, factor: float) -> None:
    one = RtcpSession(US, "c", Fixed(share), now=100.0)
    assert one.deadline() == pytest.approx(100.0 + 2.5 * factor / COMPENSATION)


def test_intervals_lie_where_the_rfc_puts_them_and_have_its_mean() -> None:
    one = session()
    times = report_times(one, until=3000.0)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(gaps) >= 0.5 * 5 / COMPENSATION
    assert max(gaps) <= 1.5 * 5 / COMPENSATION
    assert statistics.mean(gaps) == pytest.approx(5.0, rel=0.05)  # what the compensation is for
    assert len(set(gaps)) == len(gaps)


def test_the_same_entropy_gives_the_same_times() -> None:
    assert report_times(session(3), 100.0) == report_times(session(3), 100.0)
    assert report_times(session(3), 100.0) != report_times(session(4), 100.0)


def test_a_narrow_session_reports_less_often() -> None:
    """100 octets a second leave 5 for RTCP: our 84 (SR 28, SDES 28, IP and UDP 28) fit every 17 s."""
    one = session(bandwidth_octets_per_s=100.0)
    times = report_times(one, until=2000.0)
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert 84 / statistics.mean(gaps) == pytest.approx(5.0, rel=0.1)
    one.set_bandwidth(10_000.0)
    due_report(one, sent_after(3000.0))
    assert report_times(one, 2500.0)[-1] - 2500.0 < 10.0


def test_nothing_is_due_before_its_time() -> None:
    one = session()
    deadline = one.deadline()
    assert deadline is not None
    assert one.make_report(deadline - 0.001, WALL, NOTHING, []) == b""
    assert one.deadline() == deadline


def test_a_late_loop_makes_one_report_and_not_all_it_missed() -> None:
    one = session()
    assert one.make_report(500.0, WALL, NOTHING, []) != b""
    assert one.make_report(500.0, WALL, NOTHING, []) == b""
    assert (one.deadline() or 0.0) > 502.0


def crowd(one: RtcpSession, count: int, now: float) -> None:
    for ssrc in range(1, count + 1):
        one.receive(rtcp.build([rtcp.ReceiverReport(ssrc), rtcp.cname_description(ssrc, f"m{ssrc}")]), now)


def test_reconsideration_when_members_have_come() -> None:
    """Fixed randomness, so that only the members can move the deadline (6.3.6)."""
    one = RtcpSession(US, "c", Fixed(0.5), 0.0, bandwidth_octets_per_s=1000.0)
    first = one.deadline()
    assert first is not None
    crowd(one, 20, now=1.0)
    assert one.make_report(first, WALL, NOTHING, []) == b""
    second = one.deadline()
    assert second is not None
    assert second > 2 * first
    assert one.make_report(second, WALL, NOTHING, []) != b""


def test_reverse_reconsideration_when_members_leave() -> None:
    one = RtcpSession(US, "c", Fixed(0.5), 0.0, bandwidth_octets_per_s=1000.0)
    crowd(one, 20, now=1.0)
    assert one.make_report(3.0, WALL, NOTHING, []) == b""  # 21 members are known to the timer from here on
    before = one.deadline()
    assert before is not None
    one.receive(rtcp.build([rtcp.ReceiverReport(1), rtcp.Goodbye(tuple(range(1, 15)))]), 3.0)
    assert one.deadline() == pytest.approx(3.0 + 7 / 21 * (before - 3.0))


def test_a_bye_of_somebody_unknown_moves_nothing() -> None:
    one = session()
    deadline = one.deadline()
    assert one.receive(rtcp.build([rtcp.ReceiverReport(5), rtcp.Goodbye((5, 6))]), 0.5) == [Left(5, ""), Left(6, "")]
    assert one.deadline() == deadline


# ------------------------------------------------------------------ what we send


def test_a_receiver_report_while_we_have_sent_nothing() -> None:
    one = session()
    _, data = due_report(one)
    report, description = rtcp.parse(data)
    assert report == rtcp.ReceiverReport(US)
    assert isinstance(description, rtcp.SourceDescription)
    assert description.cname(US) == "random@nowhere"
    assert one.stats(0.0, 8000, NOTHING).rr_sent == 1


def test_a_sender_report_with_a_block_for_whom_we_hear() -> None:
    one = session()
    at, data = due_report(one, Sent(150, 24_000, 2**32 + 5, 0), (heard(packets=10),))
    report, _ = rtcp.parse(data)
    assert isinstance(report, rtcp.SenderReport)
    assert (report.packets, report.octets, report.rtp_timestamp) == (150, 24_000, 5)
    assert rtcp.wall_from_ntp(report.ntp, WALL) == pytest.approx(WALL + at, abs=1e-5)
    (block,) = report.blocks
    assert (block.ssrc, block.highest_sequence, block.lost) == (THEM, 9, 0)


def test_counts_of_more_than_32_bits_wrap() -> None:
    _, data = due_report(session(), Sent(2**32 + 1, 2**33 + 2, 0, 0))
    report = rtcp.parse(data)[0]
    assert isinstance(report, rtcp.SenderReport)
    assert (report.packets, report.octets) == (1, 2)


def test_a_sender_becomes_a_receiver_two_reports_after_its_last_packet() -> None:
    one = session()
    kinds = [type(rtcp.parse(due_report(one, Sent(10, 1600, 0, 0))[1])[0]) for _ in range(4)]
    assert kinds == [rtcp.SenderReport, rtcp.SenderReport, rtcp.ReceiverReport, rtcp.ReceiverReport]
    assert type(rtcp.parse(due_report(one, Sent(11, 1760, 0, 0))[1])[0]) is rtcp.SenderReport


def test_a_source_that_fell_silent_is_left_out() -> None:
    one, source = session(), heard()
    first = rtcp.parse(due_report(one, NOTHING, (source,))[1])[0]
    second = rtcp.parse(due_report(one, NOTHING, (source,))[1])[0]
    assert isinstance(first, rtcp.ReceiverReport)
    assert isinstance(second, rtcp.ReceiverReport)
    assert (len(first.blocks), len(second.blocks)) == (1, 0)


def test_their_sender_report_is_referred_to() -> None:
    one, source = session(), heard()
    one.receive(rtcp.build([sender_report(ntp=0x0001_2345_6789_0000)]), 0.25)
    at, data = due_report(one, NOTHING, (source,))
    report = rtcp.parse(data)[0]
    assert isinstance(report, rtcp.ReceiverReport)
    assert report.blocks[0].last_sr == 0x23456789
    assert report.blocks[0].delay_since_last_sr == int((at - 0.25) * 65536)


def test_more_sources_than_a_report_holds() -> None:
    _, data = due_report(session(), NOTHING, tuple(heard(ssrc) for ssrc in range(1, 60)))
    report = rtcp.parse(data)[0]
    assert isinstance(report, rtcp.ReceiverReport)
    assert len(report.blocks) == 31


# ------------------------------------------------------------------ BYE


def test_our_bye_is_a_whole_compound_and_the_last() -> None:
    one = session()
    report, description, leaving = rtcp.parse(one.make_bye(10.0, WALL, sent_after(10.0), [heard()], "hung up"))
    assert isinstance(report, rtcp.SenderReport)
    assert isinstance(description, rtcp.SourceDescription)
    assert leaving == rtcp.Goodbye((US,), "hung up")
    assert one.deadline() is None
    assert one.make_report(100.0, WALL, sent_after(10.0), []) == b""
    assert one.make_bye(100.0, WALL, sent_after(10.0)) == b""
    assert one.stats(0.0, 8000, NOTHING).bye_sent == 1


def test_who_never_spoke_does_not_take_leave() -> None:
    assert session().make_bye(1.0, WALL, NOTHING) == b""


def test_who_only_reported_does_take_leave() -> None:
    one = session()
    at, _ = due_report(one)
    assert one.make_bye(at + 1, WALL, NOTHING) != b""


def test_their_bye_is_told_and_ends_nothing() -> None:
    one = session()
    told = one.receive(rtcp.build([sender_report(), rtcp.Goodbye((THEM,), "so long")]), 1.0)
    assert told == [Sends(THEM, 50), Left(THEM, "so long")]
    assert one.deadline() is not None
    assert one.stats(1.0, 8000, NOTHING).bye_received == 1
    one.receive(rtcp.build([sender_report()]), 2.0)  # it goes on all the same
    assert one.stats(2.0, 8000, NOTHING).sr_received == 2


# ------------------------------------------------------------------ round trip


def our_report(one: RtcpSession) -> tuple[float, int]:
    """When we sent an SR, and what the far end will call it."""
    at, data = due_report(one, sent_after(one.deadline() or 0.0))
    report = rtcp.parse(data)[0]
    assert isinstance(report, rtcp.SenderReport)
    return at, rtcp.ntp_middle(report.ntp)


def echo(last_sr: int, delay_s: float) -> bytes:
    return rtcp.build([sender_report(blocks=(about_us(last_sr, int(delay_s * 65536)),))])


def test_round_trip_is_what_remains_of_the_echo() -> None:
    one = session()
    at, name = our_report(one)
    one.receive(echo(name, 1.5), at + 1.543)
    assert one.stats(at, 8000, NOTHING).rtt_ms == pytest.approx(43.0, abs=0.1)


def test_a_round_trip_of_long_ago_is_none_of_now() -> None:
    one = session()
    at, name = our_report(one)
    one.receive(echo(name, 1.5), at + 1.543)
    assert one.stats(at + 31.5, 8000, NOTHING).rtt_ms is not None and one.stats(at + 31.6, 8000, NOTHING).rtt_ms is None


def test_what_they_say_they_have_sent() -> None:
    """An RR is for who sent nothing lately (6.4); from who has never sent an SR it says nothing."""
    one = session()
    silent = rtcp.build([rtcp.ReceiverReport(THEM)])
    assert one.receive(silent, 1.0) == []
    assert one.receive(rtcp.build([sender_report()]), 2.0) == [Sends(THEM, 50)]
    assert one.receive(silent, 3.0) == [Sends(THEM, None)]


def test_the_wall_clock_set_anew_does_not_bend_it() -> None:
    one = session()
    at, data = one.deadline() or 0.0, b""
    while not data:
        at = one.deadline() or 0.0
        data = one.make_report(at, 12345.0, sent_after(at + 1), [])
    name = rtcp.ntp_middle(rtcp.ntp_from_wall(12345.0))
    one.receive(echo(name, 0.0), at + 0.05)
    assert one.stats(at, 8000, NOTHING).rtt_ms == pytest.approx(50.0, abs=0.1)


def test_an_older_report_may_be_referred_to() -> None:
    one = session()
    at, name = our_report(one)
    our_report(one)
    our_report(one)
    one.receive(echo(name, 20.0), at + 20.1)
    assert one.stats(at, 8000, NOTHING).rtt_ms == pytest.approx(100.0, abs=0.1)


def test_a_delay_a_little_too_long_means_none() -> None:
    one = session()
    at, name = our_report(one)
    one.receive(echo(name, 1.010), at + 1.0)
    assert one.stats(at, 8000, NOTHING).rtt_ms == 0.0


ABSURD = {
    "no_report_heard_there": (0, 0.0, 1.0),
    "a_report_we_never_sent": (0xDEADBEEF, 0.0, 1.0),
    "held_longer_than_it_was_away": (None, 5.0, 1.0),
    "held_for_eighteen_hours": (None, 65535.9, 1.0),
    "away_for_a_minute": (None, 0.0, 61.0),
}


@pytest.mark.parametrize("name", ABSURD)
def test_an_absurd_round_trip_is_not_believed(name: str) -> None:
    last_sr, delay_s, away_s = ABSURD[name]
    one = session()
    at, ours = our_report(one)
    one.receive(echo(ours if last_sr is None else last_sr, delay_s), at + away_s)
    assert one.stats(at, 8000, NOTHING).rtt_ms is None


def test_a_report_about_somebody_else_is_not_about_us() -> None:
    one = session()
    at, name = our_report(one)
    block = rtcp.ReportBlock(THEM, 255, 99, 0, 0, name, 0)
    one.receive(rtcp.build([sender_report(blocks=(block,))]), at + 1.0)
    assert one.stats(at, 8000, NOTHING).rtt_ms is None
    assert one.stats(at, 8000, NOTHING).remote is None


def test_sent_reports_are_remembered_only_so_long() -> None:
    one = session()
    for _ in range(100):
        our_report(one)
    assert len(one._sr_times) == 16


# ------------------------------------------------------------------ what the far end reports


def test_the_far_ends_report_is_kept_apart() -> None:
    one = session()
    one.receive(rtcp.build([rtcp.ReceiverReport(THEM, (about_us(lost=38, fraction=64, jitter=96),))]), 10.0)
    assert one.stats(13.0, 8000, NOTHING).remote == RemoteStats(
        lost=38, loss_percent=25.0, jitter_ms=12.0, age_s=3.0, total_loss_percent=None
    )


@pytest.mark.parametrize(
    ("lost", "packets", "sequence", "percent"),
    [
        (38, 380, 1001, 10.0),  # they know of all
        (38, 400, 1021, 10.0),  # the last twenty were on their way
        (38, 400, 1021 + 0x30000, 10.0),  # however often the numbers have begun anew
        (-5, 380, 1001, 0.0),  # duplicates
        (500, 380, 1001, 100.0),
        (38, 380, 1000, None),  # they know of a packet that we have not sent
    ],
)
def test_what_part_of_all_they_lost(lost: int, packets: int, sequence: int, percent: float | None) -> None:
    one = session()
    one.receive(rtcp.build([rtcp.ReceiverReport(THEM, (about_us(lost=lost),))]), 10.0)
    remote = one.stats(13.0, 8000, Sent(packets, 0, 0, sequence)).remote
    assert remote is not None and remote.total_loss_percent == percent


def test_the_fields_are_those_of_the_model() -> None:
    def names(kind: type) -> set[str]:
        return {field.name for field in dataclasses.fields(kind)}

    assert names(RtcpStats) == names(model.RtcpView)
    assert names(RemoteStats) | {"of_now"} == names(model.RemoteReport)


def test_everything_is_counted() -> None:
    one = session()
    unknown = rtcp.Unknown(rtcp.APP, 0, bytes(8))
    compound = [sender_report(), rtcp.ReceiverReport(THEM), rtcp.cname_description(THEM, "c"), unknown, unknown]
    one.receive(rtcp.build([*compound, rtcp.Goodbye((THEM,))]), 1.0)
    one.receive(b"not RTCP at all", 1.0)
    one.receive(bytes.fromhex("80c90001 00000005 9fc90001 00000006"), 1.0)  # the second claims 31 blocks
    one.receive(bytes.fromhex("80c90001 00000005 81ca0002 00000005 01ff6162"), 1.0)  # a CNAME cut off
    stats = one.stats(1.0, 8000, NOTHING)
    assert (stats.sr_received, stats.rr_received, stats.sdes_received, stats.bye_received) == (1, 3, 2, 1)
    assert (stats.unknown_received, stats.malformed) == (2, 3)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("anna@host", "anna@host"),
        ("\x1b[2Jan\x07na\r\n", "[2Janna"),
        ("a\u202eb\u200fc", "abc"),
        ("\x00\x1b", None),
        ("", None),
    ],
)
def test_a_cname_has_no_control_characters(written: str, shown: str | None) -> None:
    one = session()
    one.receive(rtcp.build([rtcp.ReceiverReport(THEM), rtcp.cname_description(THEM, written)]), 1.0)
    assert one.stats(1.0, 8000, NOTHING).cname == shown


# ------------------------------------------------------------------ 8.2: collisions and loops


def test_a_collision_gives_us_another_ssrc_and_a_bye_for_the_old() -> None:
    one = session()
    our_report(one)
    (happening,) = one.receive(rtcp.build([sender_report(US), rtcp.cname_description(US, "stranger")]), 5.0)
    assert isinstance(happening, Collided)
    assert (happening.old, happening.new) == (US, one.ssrc)
    assert one.ssrc != US
    _, data = due_report(one, sent_after(60.0))
    report, _, leaving = rtcp.parse(data)
    assert isinstance(report, rtcp.SenderReport)
    assert report.ssrc == one.ssrc
    assert leaving == rtcp.Goodbye((US,), "SSRC collision")
    assert len(rtcp.parse(due_report(one, sent_after(60.0))[1])) == 2  # said once


def test_the_counts_of_a_sender_report_begin_anew_with_the_ssrc() -> None:
    one = session()
    due_report(one, Sent(100, 16_000, 0, 0))
    one.collide(5.0)
    one.begin_counts(Sent(120, 19_200, 0, 0))
    report = rtcp.parse(due_report(one, Sent(130, 20_800, 0, 0))[1])[0]
    assert isinstance(report, rtcp.SenderReport)
    assert (report.packets, report.octets) == (10, 1600)


def test_a_bye_right_after_a_collision_names_both() -> None:
    one = session()
    assert one.collide(5.0) is not None
    leaving = rtcp.parse(one.make_bye(6.0, WALL, sent_after(6.0)))[-1]
    assert leaving == rtcp.Goodbye((one.ssrc, US))


def test_our_own_reports_sent_back_are_a_loop() -> None:
    one = session()
    _, data = due_report(one, sent_after(5.0))
    assert one.receive(data, 5.0) == []
    assert (one.ssrc, one.loops, one.cname) == (US, 1, None)
    assert one.stats(5.0, 8000, NOTHING).sr_received == 0


def test_a_far_end_that_always_collides_does_not_chase_us() -> None:
    one = session()
    changes = 0
    for turn in range(1000):
        changes += one.collide(turn * 0.02) is not None
    assert changes == 1
    assert one.loops == 999
    assert one.collide(20.0 + 60.0) is not None  # a new collision, much later


def test_a_report_of_a_collider_tells_nothing_of_us() -> None:
    one = session()
    one.receive(rtcp.build([sender_report(US, blocks=(about_us(lost=5),))]), 1.0)
    assert one.stats(1.0, 8000, NOTHING).remote is None


# ------------------------------------------------------------------ bounds


def test_members_are_bounded_and_time_out() -> None:
    one = session()
    for start in range(1, 5000, 31):
        chunks = tuple(rtcp.SdesChunk(ssrc) for ssrc in range(start, start + 31))
        one.receive(rtcp.build([rtcp.ReceiverReport(THEM), rtcp.SourceDescription(chunks)]), start / 1000)
    assert len(one._members) == MAX_MEMBERS - 1
    report_times(one, until=300.0)
    assert not one._members


def test_a_sender_times_out_before_a_member() -> None:
    one, source = session(), heard()
    due_report(one, NOTHING, (source,))
    assert one._members[THEM].sent_at is not None
    report_times(one, until=16.0, sending=False)
    assert one._members[THEM].sent_at is None
    report_times(one, until=60.0, sending=False)
    assert THEM not in one._members


def test_two_ends_learn_of_each_other() -> None:
    """A minute of two sessions with 30 ms each way and 1 packet in 10 lost from left to right."""
    left, right = RtcpSession(1, "left", random.Random(1), 0.0), RtcpSession(2, "right", random.Random(2), 0.0)
    of_right, of_left = Source(2, 0, 8000), Source(1, 0, 8000)
    for number in range(3000):
        now = number * 0.02
        of_right.update(number, number * 160, now + 0.03)
        if number % 10 != 5:
            of_left.update(number, number * 160, now + 0.03)
        for one, other, source in ((left, right, of_right), (right, left, of_left)):
            data = one.make_report(now, WALL + now, Sent(number, number * 160, number * 160, 0), [source])
            if data:
                other.receive(data, now + 0.03)
    stats, there = left.stats(60.0, 8000, NOTHING), right.stats(60.0, 8000, NOTHING)
    assert stats.rtt_ms == pytest.approx(60.0, abs=1.0)
    assert there.rtt_ms == pytest.approx(60.0, abs=1.0)
    assert (stats.cname, there.cname) == ("right", "left")
    assert stats.remote is not None
    assert stats.remote.loss_percent == pytest.approx(10.0, abs=1.0)
    assert stats.remote.lost > 200
    assert there.remote is not None
    assert there.remote.lost == 0
    assert 9 <= stats.sr_received <= 17


# ------------------------------------------------------------------ whatever comes

FAST = settings(max_examples=100, deadline=None)
ssrcs = st.sampled_from([US, THEM, 3])
hostile_blocks = st.lists(
    st.builds(
        rtcp.ReportBlock,
        ssrcs,
        st.integers(0, 255),
        st.integers(rtcp.LOST_MIN, rtcp.LOST_MAX),
        *[st.integers(0, 0xFFFFFFFF)] * 4,
    ),
    max_size=3,
).map(tuple)
hostile = st.one_of(
    st.binary(max_size=60),
    st.lists(
        st.one_of(
            st.builds(sender_report, ssrcs, st.integers(0, 2**64 - 1), hostile_blocks),
            st.builds(rtcp.ReceiverReport, ssrcs, hostile_blocks),
            st.builds(rtcp.cname_description, ssrcs, st.text(max_size=10)),
            st.builds(rtcp.Goodbye, st.lists(ssrcs, max_size=3).map(tuple)),
        ),
        min_size=1,
        max_size=4,
    ).map(rtcp.build),
)


@FAST
@given(st.lists(st.tuples(hostile, st.floats(0.0, 8.0)), max_size=30), st.integers(0, 2**32))
def test_any_datagrams_at_any_time(datagrams: list[tuple[bytes, float]], seed: int) -> None:
    one = RtcpSession(US, "random", random.Random(seed), 0.0)
    now, source = 0.0, heard()
    for data, pause in datagrams:
        now += pause
        one.receive(data, now)
        report = one.make_report(now, WALL + now, sent_after(now), [source])
        if report:
            assert isinstance(rtcp.parse(report)[0], (rtcp.SenderReport, rtcp.ReceiverReport))
        deadline = one.deadline()
        assert deadline is not None
        assert now < deadline <= now + 7.0 if report else deadline <= now + 7.0
        rtt_ms = one.stats(now, 8000, NOTHING).rtt_ms
        assert rtt_ms is None or 0.0 <= rtt_ms <= 30_000.0
    assert one.make_bye(now, WALL, sent_after(now + 1))
