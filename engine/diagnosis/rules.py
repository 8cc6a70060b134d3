"""The table of all findings, and those of this end. See ``seen`` for what a rule says."""

from __future__ import annotations

from engine.diagnosis import network, one_way, their_end
from engine.diagnosis.facts import Facts
from engine.diagnosis.seen import WINDOW_S, Rule, Seen


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
    """Our own voice comes back. Who plays a file may hear the same one from there, which looks like an echo."""
    found = facts.echo
    if found is None or facts.sends_back or not facts.talks:
        return None
    advice = "their microphone hears their loudspeaker: a headset or less volume there helps"
    if found.loss_db < 2 and found.likeness > 0.95:  # no room and no loudspeaker in between
        advice = "it is copied, not heard: an echo test, or a line that is joined to itself"
    return Seen(
        "Our own sound comes back from the far end" + (", or both play the same" if facts.plays_file else ""),
        f"{found.delay_ms:.0f} ms later, {found.loss_db:.0f} dB softer ({100 * found.likeness:.0f} % alike)",
        f"one recording on both phones; or else {advice}" if facts.plays_file else advice,
    )


RULES = (
    Rule("unknown-host", "bad", one_way.unknown_host, onset_s=1, holds_s=1),
    Rule("nothing-comes", "bad", one_way.nothing_comes, onset_s=1, holds_s=1),
    Rule("they-hear-nothing", "bad", one_way.they_hear_nothing, onset_s=1, holds_s=6),
    Rule("no-ack", "bad", no_ack, onset_s=2, holds_s=1),
    Rule("loss-here", "bad", network.loss_here, holds_s=10, stays=network.loss_here_stays),
    Rule("loss-there", "bad", network.loss_there, onset_s=2, holds_s=12, stays=network.loss_there_stays),
    Rule("late-packets", "bad", network.late_packets),
    Rule("far-end-silent", "bad", one_way.far_end_silent, onset_s=10),
    Rule("microphone", "bad", microphone, onset_s=1, holds_s=2),
    Rule("unknown-payload", "bad", their_end.unknown_payload, onset_s=2),
    Rule("no-packets", "warn", one_way.perhaps_nothing_comes, onset_s=1, holds_s=1),
    Rule("echo", "warn", echo, onset_s=4, holds_s=10),
    Rule("too-loud", "warn", their_end.too_loud),
    Rule("hum", "warn", their_end.hum, onset_s=4),
    Rule("far-end-starves", "warn", their_end.far_end_starves),
    Rule("clumps", "warn", network.clumps),
    Rule("sends-late", "warn", sends_late),
    Rule("private-address", "warn", one_way.private_address, onset_s=2),
    Rule("our-private-address", "warn", one_way.our_private_address, onset_s=2),
    Rule("other-source", "warn", one_way.other_source, onset_s=2),
    Rule("long-round-trip", "warn", network.long_round_trip),
    Rule("no-reports", "warn", network.no_reports, onset_s=1),
    Rule("clock-drift", "warn", their_end.clock_drift, onset_s=10, holds_s=10),
    Rule("loss-mended", "info", network.loss_mended),
    Rule("loss-there-mended", "info", network.loss_there_mended, onset_s=2),
    Rule("duplicates", "info", their_end.duplicates),
    Rule("reordering", "info", their_end.reordering),
    Rule("narrow-inside", "info", their_end.narrow_inside, onset_s=5),
    Rule("new-ssrc", "info", their_end.new_ssrc, onset_s=1, holds_s=1),
    Rule("other-codec", "info", their_end.other_codec),
    Rule("other-ptime", "info", their_end.other_ptime),
    Rule("silence-suppression", "info", their_end.suppressed_silence, onset_s=1, holds_s=10),
    Rule("unmarked", "info", network.unmarked),
)
