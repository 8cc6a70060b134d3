"""The findings. Each rule is a function of the facts that says what it sees, or None.

``text`` says what is the matter, in plain words and without figures, so that it stays the same while it holds;
``evidence`` has the figures of this second; ``advice`` says what to do.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.diagnosis.facts import Facts
from engine.model import HistoryPoint

WINDOW_S = 10  # what a rule looks at, where it does not say otherwise
SILENCE_DBFS = -80.0
USUAL_PTIMES_MS = (10, 20, 30, 40, 60)


@dataclass(frozen=True, slots=True)
class Seen:
    """What a rule says of this second."""

    text: str
    evidence: str
    advice: str


@dataclass(frozen=True, slots=True)
class Rule:
    """``severity``: "bad" is heard, "warn" may be, "info" explains. It is believed after ``onset_s`` seconds in a row,
    and over after ``holds_s`` without."""

    name: str
    severity: str
    see: Callable[[Facts], Seen | None]
    onset_s: int = 3
    holds_s: int = 5


def _total(points: Sequence[HistoryPoint], count: Callable[[HistoryPoint], float]) -> float:
    return sum(count(point) for point in points)


def _expected(points: Sequence[HistoryPoint]) -> float:
    return _total(points, lambda point: point.expected)


def _percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole > 0 else 0.0


# ------------------------------------------------------------------ one way


def nothing_comes(facts: Facts) -> Seen | None:
    """No packet at all, though both want to talk."""
    points = facts.last(3)
    if not (facts.talks and facts.may_hear) or facts.pauses or len(points) < 3:
        return None
    if _total(points, lambda point: point.received):
        return None
    ever = any(point.received for point in facts.seconds)
    quiet_s = _seconds_since(facts.seconds, lambda point: point.received > 0)
    evidence = f"no packet for {quiet_s} s" if ever else f"no packet since the call began, {len(facts.seconds)} s ago"
    if _total(points, lambda point: point.foreign):
        evidence += "; packets come from an address that their SDP does not name"
    return Seen(
        "Nothing comes from the far end" + (" any more" if ever else "") + ": one-way audio",
        evidence,
        _nat_advice(facts) or "a firewall here or on the way may drop RTP: let UDP to our RTP port in",
    )


def _seconds_since(points: Sequence[HistoryPoint], which: Callable[[HistoryPoint], bool]) -> int:
    count = 0
    for place in range(len(points) - 1, -1, -1):
        if which(points[place]):
            break
        count += 1
    return count


def they_hear_nothing(facts: Facts) -> Seen | None:
    """Their reports say that (nearly) all we send is lost, or do not know of it: only who was heard is reported."""
    points = facts.last(15)
    if not (facts.talks and facts.may_send) or not all(point.sent for point in points) or len(points) < 15:
        return None
    loss = points[-1].far_loss_percent
    age_s = facts.report_age_s
    reports = facts.rtcp_age_s is not None and facts.rtcp_age_s < 10
    if reports and (age_s is None or age_s > 12):
        evidence = "their reports say nothing of our stream" + ("" if age_s is None else f" for {age_s:.0f} s")
    elif loss is not None and loss >= 90:
        evidence = f"they report {loss:.0f} % of our packets lost"
    else:
        return None
    return Seen(
        "They hear nothing of us: one-way audio",
        evidence,
        _nat_advice(facts) or "a firewall on their side may drop RTP, or their address in the SDP is wrong",
    )


def far_end_silent(facts: Facts) -> Seen | None:
    """Packets come and there is nothing in them."""
    points = facts.last(WINDOW_S)
    if not facts.talks or facts.pauses or len(points) < WINDOW_S or any(not point.received for point in points):
        return None
    loudest = max(point.in_dbfs for point in points)
    if loudest > SILENCE_DBFS:
        return None
    return Seen(
        "They send silence",
        f"packets come, and their sound was never above {loudest:.0f} dBFS in {WINDOW_S} s",
        "their microphone is muted, dead or not chosen",
    )


def private_address(facts: Facts) -> Seen | None:
    """An SDP with an address that cannot be reached from where the other one is."""
    if _is_private(facts.their_address) and not _is_private_host(facts.signalling_host) and facts.signalling_host:
        told = facts.their_address
        assert told is not None
        return Seen(
            "Their SDP names an address that only their own network knows: their NAT",
            f"media goes to {told[0]}, their SIP comes from {facts.signalling_host}",
            "they need STUN, or a proxy that mends their SDP",
        )
    return None


def our_private_address(facts: Facts) -> Seen | None:
    """The same from our side."""
    theirs = facts.their_address
    if not _is_private(facts.our_address) or theirs is None or _is_private(theirs) or _is_loopback(theirs[0]):
        return None
    ours = facts.our_address
    assert ours is not None
    return Seen(
        "Our SDP names an address that only our own network knows: our NAT",
        f"we wait at {ours[0]}, they are at {theirs[0]}",
        "let the router forward our RTP ports and name the outer address, or call through a proxy that mends SDP",
    )


def _nat_advice(facts: Facts) -> str:
    for rule in (private_address, our_private_address):
        seen = rule(facts)
        if seen is not None:
            return seen.advice
    return ""


def _is_private(address: tuple[str, int] | None) -> bool:
    return address is not None and _is_private_host(address[0])


def _is_private_host(host: str) -> bool:
    """RFC 1918, RFC 6598 (carrier NAT), RFC 4193; not loopback and not link-local."""
    try:
        known = ipaddress.ip_address(host)
    except ValueError:
        return False
    return any(known.version == net.version and known in net for net in _PRIVATE)


_PRIVATE = tuple(
    ipaddress.ip_network(net) for net in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def other_source(facts: Facts) -> Seen | None:
    """RTP comes from where their SDP does not say."""
    points, source = facts.last(5), facts.foreign_from
    foreign = _total(points, lambda point: point.foreign)
    if source is None or foreign < 5:
        return None
    named = facts.their_address
    where = "another port of the same host" if named is not None and named[0] == source[0] else "another host"
    told = f"{named[0]}:{named[1]}" if named is not None else "nothing"
    return Seen(
        f"Packets come from {where} than their SDP says",
        f"{foreign:.0f} packets in {len(points)} s from {source[0]}:{source[1]}, the SDP says {told}: not played",
        "their NAT changes the port, or a stranger sends to us",
    )


# ------------------------------------------------------------------ what they send


def unknown_payload(facts: Facts) -> Seen | None:
    points = facts.last(5)
    discarded = _total(points, lambda point: point.discarded)
    if facts.foreign_codec is None or discarded < 5 or discarded < 0.2 * _total(points, lambda point: point.received):
        return None
    return Seen(
        "They send a codec that nobody agreed on",
        f"payload type {facts.foreign_codec}, {discarded:.0f} packets in {len(points)} s thrown away",
        "their phone does not keep to its own SDP answer: offer fewer codecs (--codecs)",
    )


def other_codec(facts: Facts) -> Seen | None:
    heard = facts.codec_heard
    if heard is None or not facts.codec_sent or heard.upper() == facts.codec_sent.upper():
        return None
    return Seen(
        "The two ways use different codecs",
        f"we send {facts.codec_sent}, they send {heard}",
        "both were agreed on, so this is allowed; --codecs with one name makes them the same",
    )


def _packets_a_second(facts: Facts) -> float | None:
    """How many they send a second, by those that came and those that were lost; None while that says nothing."""
    points = facts.last(WINDOW_S)
    if len(points) < WINDOW_S or facts.pauses or facts.paused or not facts.talks:
        return None
    if any(not point.received for point in points):
        return None
    return _expected(points) / len(points)


def other_ptime(facts: Facts) -> Seen | None:
    """Packets of another length than agreed."""
    rate, wanted = _packets_a_second(facts), 1000 / facts.ptime_ms
    if rate is None or abs(rate / wanted - 1) < 0.2:
        return None
    ptime_ms = next((ms for ms in USUAL_PTIMES_MS if abs(rate * ms / 1000 - 1) < 0.06), None)
    if ptime_ms is None:
        return None
    return Seen(
        "They send packets of another length than ours",
        f"{rate:.0f} packets a second: {ptime_ms} ms each, ours have {facts.ptime_ms:.0f} ms",
        "nothing is wrong with that; longer packets lose more sound at once",
    )


def far_end_starves(facts: Facts) -> Seen | None:
    """Fewer packets than time has passed, and none is missing: their sender stands still now and then."""
    rate, wanted = _packets_a_second(facts), 1000 / facts.ptime_ms
    if rate is None or rate > 0.93 * wanted or other_ptime(facts) is not None:
        return None
    return Seen(
        "The far end does not send often enough",
        f"{rate:.1f} packets a second instead of {wanted:.0f}, and none of them got lost",
        "their phone or sound card is overloaded: nothing can be done here",
    )


def narrow_inside(facts: Facts) -> Seen | None:
    """A wideband codec with a telephone line in it."""
    width_hz = facts.far_width_hz
    if width_hz is None or facts.far_rate_hz <= 8000 or width_hz > 4500:
        return None
    return Seen(
        "Their sound is narrower than the codec",
        f"nothing above {width_hz / 1000:.1f} kHz, {facts.codec_heard} carries {facts.far_rate_hz / 2000:g}",
        "a gateway or a headset in telephone quality on their side",
    )


def hum(facts: Facts) -> Seen | None:
    if facts.far_hum_hz is None:
        return None
    return Seen(
        "Their sound hums",
        f"{facts.far_hum_hz:.0f} Hz and its multiples",
        "mains in their microphone: another cable, socket or ground",
    )


def too_loud(facts: Facts) -> Seen | None:
    if not facts.far_clips:
        return None
    return Seen(
        "They are too loud: their sound is cut off",
        "samples at full scale",
        "less gain on their microphone",
    )


def new_ssrc(facts: Facts) -> Seen | None:
    if not facts.ssrc_changes:
        return None
    times = "once" if facts.ssrc_changes == 1 else f"{facts.ssrc_changes} times"
    return Seen(
        "The far end began its stream anew in mid-call",
        f"SSRC changed {times}",
        "a transfer, music on hold or a media server; a short gap is normal",
    )


def suppressed_silence(facts: Facts) -> Seen | None:
    if not facts.pauses:
        return None
    return Seen(
        "They send nothing while nothing is said",
        "comfort noise or DTX announced the pause",
        "silence suppression: no loss; what you hear meanwhile is made here",
    )


def duplicates(facts: Facts) -> Seen | None:
    points = facts.last(WINDOW_S)
    number = _total(points, lambda point: point.duplicate)
    share = _percent(number, _total(points, lambda point: point.received))
    if number < 5 or share < 1:
        return None
    return Seen(
        "Packets come twice",
        f"{number:.0f} duplicates in {len(points)} s ({share:.0f} %)",
        "a loop or a mirror port on the way: harmless to the sound, twice the traffic",
    )


def reordering(facts: Facts) -> Seen | None:
    points = facts.last(WINDOW_S)
    number = _total(points, lambda point: point.reordered)
    share = _percent(number, _total(points, lambda point: point.received))
    if number < 5 or share < 2:
        return None
    return Seen(
        "Packets overtake one another",
        f"{number:.0f} out of order in {len(points)} s ({share:.0f} %)",
        "several ways through the network, or Wi-Fi; the jitter buffer sorts them, at the price of delay",
    )


def clock_drift(facts: Facts) -> Seen | None:
    points = facts.last(1)
    ppm = points[-1].drift_ppm if points else None
    if ppm is None or abs(ppm) < 100:
        return None
    return Seen(
        f"Their clock runs {'faster' if ppm > 0 else 'slower'} than ours",
        f"by {abs(ppm):.0f} ppm: {abs(ppm) * 3.6:.0f} ms an hour",
        "playback is stretched to follow it; a sound card of theirs or ours is far off its rate",
    )


# ------------------------------------------------------------------ the network


def loss_here(facts: Facts) -> Seen | None:
    """What they send gets lost, and is missed."""
    points = facts.last(WINDOW_S)
    lost, share = _lost(points)
    missed = lost - _total(points, lambda point: point.recovered)
    if missed < 3 or _percent(missed, _expected(points)) < 1 or share > 99:
        return None
    recovered = _total(points, lambda point: point.recovered)
    how = f"in runs of {facts.mean_run:.1f}" if facts.mean_run >= 1.5 else "singly"
    mended = f", {recovered:.0f} of {lost:.0f} brought back by repetition" if recovered else ""
    return Seen(
        "Their packets get lost on the way to us",
        f"{share:.1f} % in {len(points)} s, {how}{mended}",
        "a full line or weak Wi-Fi, theirs or ours"
        if how == "singly"
        else "a line that stands still at times: Wi-Fi, or something else that fills the line",
    )


def _lost(points: Sequence[HistoryPoint]) -> tuple[float, float]:
    """How many, and what part in percent."""
    lost = _total(points, lambda point: max(point.lost, 0))
    return lost, _percent(lost, _expected(points))


def loss_mended(facts: Facts) -> Seen | None:
    """What they send gets lost, and repetition brings it back."""
    points = facts.last(WINDOW_S)
    lost, share = _lost(points)
    recovered = _total(points, lambda point: point.recovered)
    if lost < 3 or share < 1 or not recovered or loss_here(facts) is not None:
        return None
    return Seen(
        "Their packets get lost, and repetition brings them back",
        f"{share:.1f} % in {len(points)} s, {recovered:.0f} of {lost:.0f} brought back",
        "nothing has to be done: it is hardly heard",
    )


def loss_there(facts: Facts) -> Seen | None:
    """What we send gets lost, and we sent it in time."""
    points = facts.last(1)
    loss = points[-1].far_loss_percent if points else None
    if loss is None or loss < 1 or loss >= 90:
        return None
    worst_ms = max(point.send_late_ms for point in facts.last(WINDOW_S))
    return Seen(
        "Our packets get lost on the way to them",
        f"they report {loss:.1f} % lost; our packets left on time (worst {worst_ms:.1f} ms late)"
        if worst_ms < 10
        else f"they report {loss:.1f} % lost; some of ours left {worst_ms:.0f} ms late",
        "our upload or their Wi-Fi: stop what fills the line",
    )


def late_packets(facts: Facts) -> Seen | None:
    """They come, and too late to be heard."""
    points = facts.last(WINDOW_S)
    late = _total(points, lambda point: point.late)
    share = _percent(late, _expected(points))
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
    if facts.report_age_s is not None and facts.report_age_s < 30:
        return None
    if not all(point.sent for point in facts.last(30)):
        return None
    when = "for 30 s" if facts.report_age_s is not None else "since the call began"
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


# ------------------------------------------------------------------ this end


def sends_late(facts: Facts) -> Seen | None:
    points = facts.last(WINDOW_S)
    late = [point.send_late_ms for point in points if point.send_late_ms >= 10]
    if len(late) < 3:
        return None
    return Seen(
        "We send too late at times",
        f"up to {max(late):.0f} ms late in {len(late)} of the last {len(points)} s",
        "this machine is busy: close what keeps it so",
    )


def no_ack(facts: Facts) -> Seen | None:
    if facts.ack_left_s is None:
        return None
    return Seen(
        "They have not confirmed the call (no ACK)",
        f"the 200 OK is repeated; we hang up in {max(0, facts.ack_left_s):.0f} s",
        "their answers do not get here, or our 200 OK does not get there: a wrong Contact, NAT or a proxy",
    )


def microphone(facts: Facts) -> Seen | None:
    if not facts.microphone or facts.muted:
        return None
    return Seen(
        "Something is wrong with our microphone",
        facts.microphone,
        "choose another one (--input), or look at its level in the system's mixer",
    )


def echo(facts: Facts) -> Seen | None:
    """Our own voice comes back."""
    found = facts.echo
    if found is None or facts.sends_back or not facts.talks:
        return None
    return Seen(
        "Our own voice comes back from the far end",
        f"{found.delay_ms:.0f} ms later, {found.loss_db:.0f} dB softer ({100 * found.likeness:.0f} % alike)",
        "their microphone hears their loudspeaker: a headset or less volume there; an echo test does it on purpose",
    )


RULES = (
    Rule("nothing-comes", "bad", nothing_comes, onset_s=1, holds_s=1),
    Rule("they-hear-nothing", "bad", they_hear_nothing, onset_s=1, holds_s=6),
    Rule("no-ack", "bad", no_ack, onset_s=2, holds_s=1),
    Rule("loss-here", "bad", loss_here),
    Rule("loss-there", "bad", loss_there, onset_s=2),
    Rule("late-packets", "bad", late_packets),
    Rule("far-end-silent", "bad", far_end_silent, onset_s=10),
    Rule("microphone", "bad", microphone, onset_s=1, holds_s=2),
    Rule("unknown-payload", "bad", unknown_payload, onset_s=2),
    Rule("echo", "warn", echo, onset_s=4, holds_s=10),
    Rule("too-loud", "warn", too_loud),
    Rule("hum", "warn", hum, onset_s=4),
    Rule("far-end-starves", "warn", far_end_starves),
    Rule("sends-late", "warn", sends_late),
    Rule("private-address", "warn", private_address, onset_s=2),
    Rule("our-private-address", "warn", our_private_address, onset_s=2),
    Rule("other-source", "warn", other_source, onset_s=2),
    Rule("long-round-trip", "warn", long_round_trip),
    Rule("no-reports", "warn", no_reports, onset_s=1),
    Rule("clock-drift", "warn", clock_drift, onset_s=10, holds_s=10),
    Rule("loss-mended", "info", loss_mended),
    Rule("duplicates", "info", duplicates),
    Rule("reordering", "info", reordering),
    Rule("narrow-inside", "info", narrow_inside, onset_s=5),
    Rule("new-ssrc", "info", new_ssrc, onset_s=1),
    Rule("other-codec", "info", other_codec),
    Rule("other-ptime", "info", other_ptime),
    Rule("silence-suppression", "info", suppressed_silence, onset_s=1, holds_s=10),
    Rule("unmarked", "info", unmarked),
)
