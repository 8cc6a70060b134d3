"""Findings: what the way between the two does to packets. See ``seen`` for what a rule says."""

from __future__ import annotations

from collections.abc import Sequence

from engine.diagnosis.facts import Facts
from engine.diagnosis.seen import WINDOW_S, Seen, expected, lost, percent, total
from engine.model import HistoryPoint

STAYS_PERCENT = 0.4  # a loss that was told is the same one until it is less than this: one packet of five seconds


def loss_here(facts: Facts, least_percent: float = 1.0, least: int = 3) -> Seen | None:
    """What they send gets lost, and is missed."""
    points = facts.last(WINDOW_S)
    gone, share = _lost(points)
    recovered = total(points, lambda point: point.recovered)
    missed = gone - recovered
    if missed < least or percent(missed, expected(points)) < least_percent or share > 99:
        return None
    how = f"in runs of {facts.mean_run:.1f}" if facts.mean_run >= 1.5 else "singly"
    mended = f", {recovered:.0f} of {gone:.0f} brought back by repetition" if recovered else ""
    return Seen(
        "Their packets get lost on the way to us",
        f"{share:.1f} % in {len(points)} s, {how}{mended}",
        "a full line or weak Wi-Fi, theirs or ours"
        if how == "singly"
        else "a line that stands still at times: Wi-Fi, or something else that fills the line",
    )


def loss_here_stays(facts: Facts) -> Seen | None:
    """Not where repetition has begun to bring most of it back: that is another finding."""
    points = facts.last(WINDOW_S)
    mended = 2 * total(points, lambda point: point.recovered) > _lost(points)[0]
    return None if mended else loss_here(facts, STAYS_PERCENT, 1)


def _lost(points: Sequence[HistoryPoint]) -> tuple[float, float]:
    """How many, and what part in percent."""
    return lost(points), percent(lost(points), expected(points))


def loss_mended(facts: Facts) -> Seen | None:
    """What they send gets lost, and repetition brings it back."""
    points = facts.last(WINDOW_S)
    gone, share = _lost(points)
    recovered = total(points, lambda point: point.recovered)
    if gone < 3 or share < 1 or not recovered or loss_here(facts) is not None:
        return None
    return Seen(
        "Their packets get lost, and repetition brings them back",
        f"{share:.1f} % in {len(points)} s, {recovered:.0f} of {gone:.0f} brought back",
        "nothing has to be done: it is hardly heard",
    )


def loss_there(facts: Facts, least_percent: float = 1.0) -> Seen | None:
    """What we send gets lost and is missed, and we sent it in time."""
    loss = _lost_there(facts, least_percent)
    if loss is None or (facts.repeats and not _still_missed(facts)):
        return None
    worst_ms = max(point.send_late_ms for point in facts.last(WINDOW_S))
    return Seen(
        "Our packets get lost on the way to them",
        f"they report {loss:.1f} % lost; our packets left on time (worst {worst_ms:.1f} ms late)"
        if worst_ms < 10
        else f"they report {loss:.1f} % lost; some of ours left {worst_ms:.0f} ms late",
        "our upload or their Wi-Fi: stop what fills the line",
    )


def loss_there_stays(facts: Facts) -> Seen | None:
    return loss_there(facts, STAYS_PERCENT)


def loss_there_mended(facts: Facts) -> Seen | None:
    """What we send gets lost, and comes again with later packets."""
    loss = _lost_there(facts)
    if loss is None or not facts.repeats or _still_missed(facts):
        return None
    before = "the one before" if facts.repeats == 1 else f"the {facts.repeats} before"
    told = facts.far_missed_percent
    missed = "" if told is None else f"; of the whole call they miss {told:.1f} %"
    return Seen(
        "Our packets get lost, and repetition brings them back there",
        f"they report {loss:.1f} % lost; each of ours repeats {before}{missed}",
        "nothing has to be done: it is hardly heard",
    )


def _lost_there(facts: Facts, least_percent: float = 1.0) -> float | None:
    """What part of ours is lost now, in percent; None where that is little, or all."""
    points = facts.last(1)
    loss = points[-1].far_loss_percent if points else None
    return loss if loss is not None and least_percent <= loss < 90 else None


def _still_missed(facts: Facts) -> bool:
    """Do they say that most of what was lost was not brought back? RTCP itself does not count that (RFC 3550 6.4.1),
    their VoIP metrics do (RFC 3611 section 4.7.1). Both are of the whole call."""
    gone, missed = facts.far_lost_percent, facts.far_missed_percent
    return gone is not None and missed is not None and missed >= 1 and missed > gone / 2


def clumps(facts: Facts) -> Seen | None:
    """Packets are held back, then come all at once, and hardly any is lost. Not where we were late ourselves: then it
    may have been this machine that stood still."""
    seconds = facts.last(WINDOW_S)
    points = [point for point in seconds if point.send_late_ms < point.held_ms / 2]
    count = total(points, lambda point: point.clumps)
    longest_ms = max((point.held_ms for point in points), default=0.0)
    gone, share = _lost(seconds)
    if (count < 3 and longest_ms < 300) or share >= 1:
        return None
    often = "once" if count == 1 else f"{count:.0f} times"
    fate = f"{gone:.0f} of them got lost" if gone else "none of them got lost"
    return Seen(
        "Their packets are held back, and then come all at once",
        f"{often} in {len(seconds)} s, for up to {longest_ms:.0f} ms; {fate}",
        "their machine stands still at times, or Wi-Fi sleeps; the jitter buffer bridges it, at the price of delay",
    )


def late_packets(facts: Facts) -> Seen | None:
    """They come, and too late to be heard."""
    points = facts.last(WINDOW_S)
    late = total(points, lambda point: point.late)
    share = percent(late, expected(points))
    if late < 3 or share < 1:
        return None
    newest = points[-1]
    at_limit = newest.target_ms is not None and newest.target_ms >= 0.95 * facts.buffer_limit_ms
    jitter = "" if newest.jitter_ms is None else f", jitter {newest.jitter_ms:.0f} ms"
    target = "" if newest.target_ms is None else f", the buffer aims at {newest.target_ms:.0f} ms"
    return Seen(
        "Packets come too late to be heard" + (": the jitter buffer may not grow" if at_limit else ""),
        f"{late:.0f} late in {len(points)} s ({share:.1f} %){jitter}{target}",
        f"allow it more than {facts.buffer_limit_ms:.0f} ms (--buffer)"
        if at_limit
        else "delay on the way leaps: a full line or Wi-Fi; a larger least delay (--buffer 100-500) helps",
    )


def long_round_trip(facts: Facts) -> Seen | None:
    points = facts.last(WINDOW_S)
    known = [point.rtt_ms for point in points if point.rtt_ms is not None]
    if not known or known[-1] < 300:
        return None
    return Seen(
        "The way there and back is long: you will interrupt each other",
        f"round trip {known[-1]:.0f} ms",
        "a satellite, a VPN or a full line in between; wired instead of Wi-Fi may help",
    )


def no_reports(facts: Facts) -> Seen | None:
    """They hear us, perhaps, and do not say how."""
    if not (facts.talks and facts.may_send) or len(facts.seconds) < 30:
        return None
    if any(age_s is not None and age_s < 30 for age_s in (facts.report_age_s, facts.rtcp_age_s)):
        return None
    if not all(point.sent for point in facts.last(30)):
        return None
    when = "since the call began" if facts.report_age_s is None else f"for {facts.report_age_s:.0f} s"
    return Seen(
        "The far end does not report how it hears us",
        f"no RTCP report {when}",
        "RTCP is blocked on the way, or their phone sends none: what they hear cannot be told from here",
    )


def unmarked(facts: Facts) -> Seen | None:
    """Voice packets that networks cannot tell from others."""
    if facts.traffic_class is None or facts.traffic_class >> 2 or len(facts.seconds) < 5:
        return None
    return Seen(
        "Their packets are not marked as voice",
        "DSCP 0 (best effort); ours leave with 46 (EF)",
        "the mark was not set, or lost on the way: a busy router treats them like a download",
    )
