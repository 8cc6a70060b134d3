"""Findings: what does not get through, in which direction, and whose NAT it is. See ``seen`` for what a rule says."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence

from engine.diagnosis.facts import Address, Facts
from engine.diagnosis.seen import WINDOW_S, Seen, total
from engine.model import HistoryPoint

SILENCE_DBFS = -72.0  # the softest that A-law can say is 8 of 32768: -72.2
# A far end whose packets cease may rest, too. Its next report tells, and comes within 7.5 s (RFC 3550 6.3.1).
AT_ONCE_S, WITHOUT_REPORT_S = 3, 8
RESTS_S = 30  # who is known to send nothing at times, or said so, and does not report now, may rest so long
RESTING = 10  # packets at most, sent by who rests: they were on their way
_WORKED_BEFORE = (
    "it worked before: a network was changed, a NAT or firewall forgot the call, or a phone hangs; "
    "hold and take it back, or call again"
)


def nothing_comes(facts: Facts) -> Seen | None:
    """No packet at all, though both want to talk."""
    quiet_s = _quiet_s(facts)
    if quiet_s is None or (facts.heard and _may_rest(facts, quiet_s)):
        return None
    evidence = f"no packet for {quiet_s} s" if facts.heard else f"no packet since the call began, {facts.second} s ago"
    if facts.heard and facts.unheard is not None:
        evidence += f"; they have sent {facts.unheard} packets meanwhile, their own reports say"
    if total(facts.last(AT_ONCE_S), lambda point: point.elsewhere):
        evidence += "; packets come from an address that their SDP does not name"
    return Seen(
        "Nothing comes from the far end" + (" any more" if facts.heard else "") + ": one-way audio",
        evidence,
        _WORKED_BEFORE if facts.heard else _nat_advice(facts) or FIREWALL,
    )


def perhaps_nothing_comes(facts: Facts) -> Seen | None:
    """The same from who has never reported anything: only he could tell whether he sends."""
    quiet_s = _quiet_s(facts)
    if quiet_s is None or not facts.heard or facts.pauses or _reports(facts) or quiet_s < _patience_s(facts):
        return None
    return Seen(
        "Nothing comes from the far end any more: they are silent, or the way here is broken",
        f"no packet for {quiet_s} s, and no report of theirs that would tell which",
        f"ask them to speak; if that is not heard: {_nat_advice(facts) or FIREWALL}",
    )


FIREWALL = "a firewall here or on the way may drop RTP: let UDP to our RTP port in"


def _quiet_s(facts: Facts) -> int | None:
    """So long no packet has come, though both want to talk; None while some come, or need not."""
    points = facts.talked(AT_ONCE_S)
    if not points or not facts.may_hear or total(points, lambda point: point.received):
        return None
    return _seconds_since(facts.seconds, lambda point: point.received > 0)


def _may_rest(facts: Facts, quiet_s: int) -> bool:
    """May it be that they send nothing, since nothing is said?"""
    if facts.unheard is not None:
        return facts.unheard <= RESTING
    return not _reports(facts) or quiet_s < _patience_s(facts)


def _reports(facts: Facts) -> bool:
    """Do they send RTCP at all?"""
    return facts.rtcp_age_s is not None


def _patience_s(facts: Facts) -> int:
    return RESTS_S if facts.stops or facts.pauses else WITHOUT_REPORT_S


def _seconds_since(points: Sequence[HistoryPoint], which: Callable[[HistoryPoint], bool]) -> int:
    count = 0
    for place in range(len(points) - 1, -1, -1):
        if which(points[place]):
            break
        count += 1
    return count


def they_hear_nothing(facts: Facts) -> Seen | None:
    """Their reports say that (nearly) all we send is lost, or do not know of it: only who was heard is reported. There
    are phones that never report whom they hear, so what was never said is no proof."""
    points = facts.talked(15)
    if not points or not facts.may_send or not all(point.sent for point in points):
        return None
    loss = points[-1].far_loss_percent
    age_s = facts.report_age_s
    reports = facts.rtcp_age_s is not None and facts.rtcp_age_s < 10
    if reports and age_s is None:
        text, evidence = "They seem to hear nothing of us", "their reports have never said anything of our stream"
    elif reports and age_s is not None and age_s > 12:
        text, evidence = "They hear nothing of us", f"their reports say nothing of our stream for {age_s:.0f} s"
    elif loss is not None and loss >= 90:
        text, evidence = "They hear next to nothing of us", f"they report {loss:.0f} % of our packets lost"
    else:
        return None
    return Seen(
        f"{text}: one-way audio",
        evidence,
        _nat_advice(facts) or "a firewall on their side may drop RTP, or their address in the SDP is wrong"
        if facts.far_lost_percent is None or facts.far_lost_percent >= 90
        else _WORKED_BEFORE,
    )


def far_end_silent(facts: Facts) -> Seen | None:
    """Packets come and there is nothing in them."""
    points = facts.talked(WINDOW_S)
    if not points or facts.pauses or any(not point.received for point in points):
        return None
    loudest = max(point.in_dbfs for point in points)
    if facts.far_constant is not None:
        evidence = f"packets come, and all their samples are one and the same value, {facts.far_constant}"
    elif loudest <= SILENCE_DBFS:
        evidence = f"packets come, and their sound was never above {loudest:.0f} dBFS in {WINDOW_S} s"
    else:
        return None
    return Seen(
        "They send silence",
        evidence,
        "their microphone is muted, dead or not chosen",
    )


def private_address(facts: Facts) -> Seen | None:
    """An SDP with an address that cannot be reached from where the other one is."""
    return None if facts.heard else _their_nat(facts)


def our_private_address(facts: Facts) -> Seen | None:
    """The same from our side."""
    return None if facts.heard else _our_nat(facts)


def _their_nat(facts: Facts) -> Seen | None:
    told = facts.their_address
    if told is None or not _is_private(told) or not facts.signalling_host or _is_private_host(facts.signalling_host):
        return None
    return Seen(
        "Their SDP names an address that only their own network knows: their NAT",
        f"media goes to {told[0]}, their SIP comes from {facts.signalling_host}",
        "they need STUN, or a proxy that mends their SDP",
    )


def _our_nat(facts: Facts) -> Seen | None:
    ours, theirs = facts.our_address, facts.their_address
    if ours is None or not _is_private(ours) or theirs is None or _is_private(theirs) or _is_loopback(theirs[0]):
        return None
    return Seen(
        "Our SDP names an address that only our own network knows: our NAT",
        f"we wait at {ours[0]}, they are at {theirs[0]}",
        "let the router forward our RTP ports and name the outer address, or call through a proxy that mends SDP",
    )


def unknown_host(facts: Facts) -> Seen | None:
    """Their SDP has a host name (RFC 8866 section 5.7) that leads nowhere."""
    if not facts.their_host_unknown:
        return None
    return Seen(
        "Their SDP names a host that has no address: nothing can be sent to it",
        facts.their_host_unknown,
        "mend the name server that we ask, or the name that they or their PBX announce",
    )


def _nat_advice(facts: Facts) -> str:
    for nat in (_their_nat, _our_nat):
        seen = nat(facts)
        if seen is not None:
            return seen.advice
    return ""


def _is_private(address: Address) -> bool:
    return _is_private_host(address[0])


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
    foreign = total(points, lambda point: point.elsewhere)
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
