"""Every rule: what it sees, and what it must not take for it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.diagnosis.facts import EchoHeard, Facts
from engine.diagnosis.rules import RULES
from engine.diagnosis.seen import Rule, Seen
from engine.model import HistoryPoint

GOOD = HistoryPoint(
    0.0, 3.0, 40.0, -30.0, -28.0, sent=50, received=50, target_ms=40.0, drift_ppm=5.0, rtt_ms=40.0,
    far_loss_percent=0.0, far_jitter_ms=3.0, send_late_ms=0.4,
)  # fmt: skip
FACTS = Facts(
    (GOOD,) * 40,
    talks_s=41,
    heard=True,
    codec_sent="PCMU",
    codec_heard="PCMU",
    our_address=("198.51.100.1", 10000),
    their_address=("203.0.113.5", 4000),
    signalling_host="203.0.113.5",
    report_age_s=3.0,
    rtcp_age_s=3.0,
    buffer_limit_ms=500.0,
    traffic_class=0xB8,
)
BY_NAME = {rule.name: rule for rule in RULES}


def seconds(count: int = 40, **changes: Any) -> tuple[HistoryPoint, ...]:
    """The last ten are like this."""
    return (GOOD,) * (count - 10) + (replace(GOOD, **changes),) * 10


def now(**changes: Any) -> tuple[HistoryPoint, ...]:
    return (*FACTS.seconds[:-1], replace(GOOD, **changes))


SILENT = (replace(GOOD, received=0),) * 40
NEVER = {"seconds": SILENT, "heard": False}
# rule, facts in which it holds, words of its evidence, facts that look alike and are something else
CASES: tuple[tuple[str, dict[str, Any], str, dict[str, Any]], ...] = (
    ("nothing-comes", NEVER, "since the call began, 40 s", {"seconds": seconds(received=0), "pauses": True}),
    (
        "nothing-comes",
        {"seconds": SILENT, "pauses": True},
        "no packet for 40 s",
        {"seconds": SILENT, "rtcp_age_s": None},
    ),
    (
        "nothing-comes",
        {"seconds": seconds(received=0), "pauses": True, "unheard": 480},
        "no packet for 10 s; they have sent 480",
        {"seconds": SILENT, "pauses": True, "rtcp_age_s": None},
    ),
    (
        "no-packets",
        {"seconds": seconds(received=0), "rtcp_age_s": None},
        "no packet for 10 s, and no report",
        {"seconds": seconds(received=0)},
    ),
    (
        "no-packets",
        {"seconds": SILENT, "rtcp_age_s": None, "stops": True},
        "no packet for 40 s",
        {"seconds": seconds(received=0), "rtcp_age_s": None, "stops": True},
    ),
    ("no-packets", {"seconds": SILENT, "rtcp_age_s": None}, "no packet", {**NEVER, "rtcp_age_s": None}),
    (
        "no-packets",
        {"seconds": SILENT, "rtcp_age_s": None},
        "",
        {"seconds": SILENT, "rtcp_age_s": None, "pauses": True},
    ),
    ("nothing-comes", {"seconds": seconds(received=0)}, "no packet for 10 s", {"seconds": now(received=0)}),
    ("nothing-comes", NEVER, "no packet", {**NEVER, "talks_s": 0}),
    ("nothing-comes", NEVER | {"talks_s": 4}, "no packet", {**NEVER, "talks_s": 3}),
    ("nothing-comes", NEVER, "no packet", {**NEVER, "may_hear": False}),
    (
        "nothing-comes",
        {"seconds": seconds(received=0), "stops": True, "unheard": 480},
        "no packet for 10 s; they have sent 480 packets meanwhile, their own reports say",
        {"seconds": seconds(received=0), "unheard": 1},
    ),
    (
        "nothing-comes",
        {"seconds": SILENT, "stops": True},
        "no packet for 40 s",
        {"seconds": seconds(received=0), "stops": True},
    ),
    (
        "they-hear-nothing",
        {"seconds": now(far_loss_percent=100.0)},
        "100 % of our packets lost",
        {"seconds": now(far_loss_percent=60.0)},
    ),
    (
        "they-hear-nothing",
        {"report_age_s": 13.0, "rtcp_age_s": 2.0},
        "nothing of our stream for 13 s",
        {"report_age_s": 13.0, "rtcp_age_s": 13.0},
    ),
    (
        "they-hear-nothing",
        {"report_age_s": None},
        "have never said anything of our stream",
        {"report_age_s": None, "rtcp_age_s": None},
    ),
    (
        "far-end-silent",
        {"seconds": seconds(in_dbfs=-96.0)},
        "never above -96 dBFS",
        {"seconds": (*seconds(in_dbfs=-96.0)[:-1], GOOD)},
    ),
    ("far-end-silent", {"seconds": seconds(in_dbfs=-72.2)}, "above -72 dBFS", {"seconds": seconds(in_dbfs=-70.0)}),
    ("far-end-silent", {"far_constant": 900}, "one and the same value, 900", {"far_constant": None}),
    (
        "private-address",
        {"their_address": ("192.168.1.7", 4000), "heard": False},
        "media goes to 192.168.1.7, their SIP comes from 203.0.113.5",
        {"their_address": ("192.168.1.7", 4000), "signalling_host": "192.168.1.7", "heard": False},
    ),
    (
        "our-private-address",
        {"our_address": ("10.0.0.2", 10000), "heard": False},
        "we wait at 10.0.0.2",
        {"our_address": ("10.0.0.2", 10000), "their_address": ("10.0.0.3", 4000), "heard": False},
    ),
    (
        "private-address",
        {"their_address": ("100.64.3.3", 1), "heard": False},
        "100.64.3.3",
        {"their_address": ("100.128.3.3", 1), "heard": False},
    ),
    (
        "private-address",
        {"their_address": ("10.0.0.3", 4000), "heard": False},
        "10.0.0.3",
        {"their_address": ("10.0.0.3", 4000)},
    ),
    (
        "our-private-address",
        {"our_address": ("10.0.0.2", 10000), "heard": False},
        "10.0.0.2",
        {"our_address": ("10.0.0.2", 10000)},
    ),
    (
        "other-source",
        {"seconds": seconds(foreign=50, elsewhere=50), "foreign_from": ("203.0.113.5", 4444)},
        "from 203.0.113.5:4444, the SDP says 203.0.113.5:4000",
        {"seconds": seconds(foreign=50), "foreign_from": ("203.0.113.5", 4444)},
    ),
    (
        "unknown-payload",
        {"seconds": seconds(discarded=50), "foreign_codec": 18},
        "payload type 18",
        {"seconds": seconds(discarded=0), "foreign_codec": 18},
    ),
    ("other-codec", {"codec_heard": "PCMA"}, "we send PCMU, they send PCMA", {"codec_heard": "pcmu"}),
    ("other-ptime", {"heard_ptime_ms": 30.0}, "30 ms each", {"heard_ptime_ms": 20.0}),
    (
        "far-end-starves",
        {"seconds": seconds(received=14)},
        "14.0 packets",
        {"seconds": seconds(received=10), "heard_ptime_ms": 100.0},
    ),
    (
        "other-ptime",
        {"heard_ptime_ms": 10.0},
        "10 ms each, ours have 20 ms",
        {"seconds": now(received=0), "heard_ptime_ms": 10.0},
    ),
    ("other-ptime", {"heard_ptime_ms": 40.0}, "40 ms each", {"seconds": seconds(received=25)}),
    ("far-end-starves", {"seconds": seconds(received=42)}, "42.0 packets a second", {"seconds": seconds(received=48)}),
    (
        "far-end-starves",
        {"seconds": seconds(received=42)},
        "instead of 50, lost ones counted",
        {"seconds": seconds(received=42, lost=8)},
    ),
    (
        "far-end-starves",
        {"seconds": seconds(received=42)},
        "instead of 50",
        {"seconds": seconds(received=42), "stops": True},
    ),
    (
        "far-end-starves",
        {"seconds": seconds(received=42), "talks_s": 11},
        "instead of 50",
        {"seconds": seconds(received=42), "talks_s": 10},
    ),
    (
        "far-end-starves",
        {"seconds": seconds(received=22), "heard_ptime_ms": 40.0},
        "22.0 packets a second instead of 25",
        {"seconds": seconds(received=25), "heard_ptime_ms": 40.0},
    ),
    (
        "far-end-starves",
        {"seconds": seconds(received=42)},
        "instead of 50",
        {"seconds": (*seconds(received=25)[:-3], *(GOOD,) * 3)},
    ),
    (
        "narrow-inside",
        {"far_width_hz": 3500.0, "far_rate_hz": 16000, "codec_heard": "G722", "codec_sent": "G722"},
        "nothing above 3.5 kHz, G722 carries 8",
        {"far_width_hz": 3500.0, "far_rate_hz": 8000},
    ),
    (
        "narrow-inside",
        {"far_width_hz": 3500.0, "far_rate_hz": 16000},
        "nothing above 3.5 kHz",
        {"far_width_hz": 500.0, "far_rate_hz": 16000},
    ),
    ("hum", {"far_hum_hz": 50.0}, "50 Hz", {"far_hum_hz": None}),
    ("too-loud", {"far_clips": True}, "end of the codec's scale", {"far_clips": False}),
    ("new-ssrc", {"ssrc_changes": 2}, "2 times", {"ssrc_changes": 0}),
    ("new-ssrc", {"ssrc_changes": 1, "ssrc_age_s": 29.0}, "once", {"ssrc_changes": 1, "ssrc_age_s": 30.0}),
    ("silence-suppression", {"pauses": True}, "announced the pause", {"paused": True}),
    (
        "silence-suppression",
        {"seconds": now(received=0), "stops": True},
        "went on in sequence",
        {"seconds": now(received=0)},
    ),
    (
        "silence-suppression",
        {"seconds": now(received=0), "unheard": 0},
        "their own reports",
        {"seconds": now(received=0), "unheard": 300, "stops": True},
    ),
    ("duplicates", {"seconds": seconds(duplicate=5)}, "50 duplicates in 10 s (10 %)", {"seconds": now(duplicate=4)}),
    ("reordering", {"seconds": seconds(reordered=3)}, "30 out of order", {"seconds": now(reordered=4)}),
    ("clock-drift", {"seconds": now(drift_ppm=-240.0)}, "by 240 ppm: 864 ms an hour", {"seconds": now(drift_ppm=60.0)}),
    (
        "loss-here",
        {"seconds": seconds(lost=2, received=48), "mean_run": 1.0},
        "4.0 % in 10 s, singly",
        {"seconds": seconds(lost=2, received=48, recovered=2)},
    ),
    (
        "loss-here",
        {"seconds": seconds(lost=2, received=48)},
        "4.0 % in 10 s",
        {"seconds": (replace(GOOD, lost=4, received=46), replace(GOOD, lost=-4, received=54)) * 20},
    ),
    (
        "loss-here",
        {"seconds": seconds(lost=2, received=48), "mean_run": 3.2},
        "in runs of 3.2",
        {"seconds": now(lost=2, received=48)},
    ),
    (
        "loss-mended",
        {"seconds": seconds(lost=2, received=48, recovered=2)},
        "20 of 20 brought back",
        {"seconds": seconds(lost=2, received=48)},
    ),
    (
        "loss-there",
        {"seconds": now(far_loss_percent=3.4)},
        "3.4 % lost; our packets left on time (worst 0.4 ms late)",
        {"seconds": now(far_loss_percent=0.4)},
    ),
    (
        "loss-there",
        {"seconds": now(far_loss_percent=3.4), "repeats": 1, "far_lost_percent": 3.0, "far_missed_percent": 2.7},
        "3.4 % lost",
        {"seconds": now(far_loss_percent=3.4), "repeats": 1},
    ),
    (
        "loss-there-mended",
        {"seconds": now(far_loss_percent=3.4), "repeats": 2, "far_lost_percent": 3.0, "far_missed_percent": 0.4},
        "each of ours repeats the 2 before; of the whole call they miss 0.4 %",
        {"seconds": now(far_loss_percent=3.4)},
    ),
    (
        "clumps",
        {"seconds": seconds(clumps=1, held_ms=90.0)},
        "10 times in 10 s, for up to 90 ms",
        {"seconds": seconds(clumps=1, held_ms=90.0, send_late_ms=85.0)},
    ),
    (
        "clumps",
        {"seconds": now(clumps=1, held_ms=700.0)},
        "once in 10 s, for up to 700 ms; none of them got lost",
        {"seconds": (*seconds(lost=2)[:-1], replace(GOOD, clumps=1, held_ms=700.0))},
    ),
    (
        "clumps",
        {"seconds": now(clumps=1, held_ms=700.0, lost=2)},
        "; 2 of them got lost",
        {"seconds": now(clumps=1, held_ms=200.0, lost=2)},
    ),
    (
        "late-packets",
        {"seconds": seconds(late=2, target_ms=98.0), "buffer_limit_ms": 100.0},
        "20 late in 10 s (4.0 %)",
        {"seconds": seconds(lost=2, received=48)},
    ),
    ("long-round-trip", {"seconds": now(rtt_ms=640.0)}, "640 ms", {"seconds": now(rtt_ms=180.0)}),
    (
        "no-reports",
        {"report_age_s": None, "rtcp_age_s": None},
        "since the call began",
        {"report_age_s": None, "rtcp_age_s": None, "seconds": FACTS.seconds[:20]},
    ),
    (
        "no-reports",
        {"report_age_s": 45.0, "rtcp_age_s": 45.0},
        "for 45 s",
        {"report_age_s": None, "rtcp_age_s": None, "seconds": (replace(GOOD, sent=0),) * 40},
    ),
    (
        "no-reports",
        {"report_age_s": None, "rtcp_age_s": 45.0},
        "since the call began",
        {"report_age_s": None, "rtcp_age_s": 3.0},
    ),
    ("unmarked", {"traffic_class": 0}, "DSCP 0", {"traffic_class": None}),
    (
        "sends-late",
        {"seconds": seconds(send_late_ms=14.0)},
        "up to 14 ms late in 10",
        {"seconds": now(send_late_ms=25.0)},
    ),
    ("unknown-host", {"their_host_unknown": "no such name"}, "no such name", {"their_host_unknown": ""}),
    ("no-ack", {"ack_left_s": 21.4}, "we hang up in 21 s", {"ack_left_s": None}),
    ("microphone", {"microphone": "digital silence"}, "digital silence", {"microphone": "clipping", "muted": True}),
    (
        "echo",
        {"echo": EchoHeard(180.0, 12.0, 0.93)},
        "180 ms later, 12 dB softer (93 % alike)",
        {"echo": EchoHeard(180.0, 12.0, 0.93), "sends_back": True},
    ),
)


def seen(rule: Rule, **changes: Any) -> Seen | None:
    return rule.see(replace(FACTS, **changes))


@pytest.mark.parametrize(("name", "holds", "evidence", "_near"), CASES)
def test_it_is_found_with_its_evidence(name: str, holds: dict, evidence: str, _near: dict) -> None:
    found = seen(BY_NAME[name], **holds)
    assert found is not None and evidence in found.evidence and found.text and found.advice


@pytest.mark.parametrize(("name", "_holds", "_evidence", "near"), CASES)
def test_what_looks_alike_is_not_it(name: str, _holds: dict, _evidence: str, near: dict) -> None:
    assert seen(BY_NAME[name], **near) is None


def test_nothing_is_found_in_a_good_call() -> None:
    assert [rule.name for rule in RULES if seen(rule)] == []


def test_every_rule_has_a_case() -> None:
    assert {name for name, *_ in CASES} == set(BY_NAME)


def test_the_text_has_no_figures_that_would_change_while_it_holds() -> None:
    for name, holds, *_ in CASES:
        found = seen(BY_NAME[name], **holds)
        assert found is not None and not any(letter.isdigit() for letter in found.text.replace("200 OK", "")), found


def test_the_buffer_that_may_not_grow_is_said_to_be_the_reason() -> None:
    found = seen(BY_NAME["late-packets"], seconds=seconds(late=2, target_ms=98.0), buffer_limit_ms=100.0)
    assert found is not None and "may not grow" in found.text and "more than 100 ms" in found.advice
    found = seen(BY_NAME["late-packets"], seconds=seconds(late=2, target_ms=98.0))
    assert found is not None and "may not grow" not in found.text


def test_what_is_copied_was_not_heard_by_a_microphone() -> None:
    heard = seen(BY_NAME["echo"], echo=EchoHeard(180.0, 12.0, 0.97))
    copied = seen(BY_NAME["echo"], echo=EchoHeard(60.0, 0.3, 0.97))
    assert heard is not None and "microphone" in heard.advice
    assert copied is not None and "copied, not heard" in copied.advice
    assert heard.text == copied.text and "play the same" not in copied.text, (
        "which of both it is may change in a second"
    )


@pytest.mark.parametrize("found", [EchoHeard(60.0, 0.3, 0.97), EchoHeard(60.0, 4.0, 0.88)])
def test_who_plays_a_file_may_hear_the_same_one_from_there(found: EchoHeard) -> None:
    """However much is left of it on the way."""
    told = seen(BY_NAME["echo"], echo=found, plays_file=True)
    assert told is not None and "or both play the same" in told.text and "one recording on both" in told.advice


def test_one_way_audio_names_whose_nat_it_is() -> None:
    found = seen(BY_NAME["nothing-comes"], **NEVER, our_address=("192.168.0.2", 10000))
    assert found is not None and "forward our RTP ports" in found.advice
    found = seen(BY_NAME["they-hear-nothing"], seconds=now(far_loss_percent=99.0), their_address=("10.1.1.1", 2))
    assert found is not None and "STUN" in found.advice


def test_a_loss_that_was_told_is_told_until_it_is_gone() -> None:
    def stays(name: str, **changes: Any) -> Seen | None:
        rule = BY_NAME[name]
        assert rule.stays is not None
        return rule.stays(replace(FACTS, **changes))

    little = (*seconds()[:-1], replace(GOOD, lost=4, recovered=1))
    assert seen(BY_NAME["loss-here"], seconds=little) is None and stays("loss-here", seconds=little) is not None
    assert stays("loss-here", seconds=seconds()) is None
    mended = (*seconds()[:-1], replace(GOOD, lost=8, recovered=5))
    assert stays("loss-here", seconds=mended) is None
    assert seen(BY_NAME["loss-there"], seconds=now(far_loss_percent=0.4)) is None
    assert stays("loss-there", seconds=now(far_loss_percent=0.4)) is not None
    assert stays("loss-there", seconds=now(far_loss_percent=0.0)) is None


def test_what_worked_before_is_no_matter_of_the_first_packet() -> None:
    late = seen(BY_NAME["they-hear-nothing"], **{"seconds": now(far_loss_percent=99.0), "far_lost_percent": 12.0})
    assert late is not None and "worked before" in late.advice


POINTS = st.builds(
    HistoryPoint,
    st.none() | st.floats(0, 100), st.none() | st.floats(0, 1e4), st.none() | st.floats(0, 1e4), st.floats(-96, 0),
    st.floats(-96, 0), *[st.integers(-5, 5000)] * 9, st.floats(0, 1e4), st.none() | st.floats(0, 1e4),
    st.none() | st.floats(-1e6, 1e6), st.none() | st.floats(0, 1e4), st.none() | st.floats(0, 100),
    st.none() | st.floats(0, 1e4), st.floats(0, 1e4),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(POINTS, max_size=40), st.integers(0, 40), st.booleans(), st.none() | st.integers(0, 127))
def test_no_history_makes_a_rule_fail(points: list, talks: int, pauses: bool, kind: int | None) -> None:
    facts = replace(FACTS, seconds=tuple(points), talks_s=talks, pauses=pauses, foreign_codec=kind, report_age_s=None)
    for rule in RULES:
        rule.see(facts)
