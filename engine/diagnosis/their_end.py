"""Findings: what the far end sends, and how. See ``seen`` for what a rule says."""

from __future__ import annotations

from collections.abc import Callable

from engine.diagnosis.facts import Facts
from engine.diagnosis.one_way import RESTING
from engine.diagnosis.seen import WINDOW_S, Seen, expected, percent, total
from engine.model import HistoryPoint

LATELY_S = 3
TOLD_S = 30  # so long after it happened
TELEPHONE_HZ = (2500, 4500)  # a voice that came through a telephone line is so wide; a tone is narrower in any codec


def unknown_payload(facts: Facts) -> Seen | None:
    points = facts.last(5)
    discarded = total(points, lambda point: point.discarded)
    if facts.foreign_codec is None or discarded < 5 or discarded < 0.2 * total(points, lambda point: point.received):
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


def _packets_a_second(facts: Facts, seconds: int) -> float | None:
    """How many they send a second, by those that came and those that were lost; None while that says nothing."""
    points = facts.talked(seconds)
    if not points or facts.pauses or facts.paused or facts.stops or any(not point.received for point in points):
        return None
    return expected(points) / len(points)


def other_ptime(facts: Facts) -> Seen | None:
    """Packets of another length than agreed: by what is in them, not by how often they come."""
    ptime_ms = facts.heard_ptime_ms
    if ptime_ms is None or abs(ptime_ms - facts.ptime_ms) < 1 or not total(facts.last(1), lambda point: point.received):
        return None
    return Seen(
        "They send packets of another length than ours",
        f"{ptime_ms:.0f} ms each, ours have {facts.ptime_ms:.0f} ms",
        "nothing is wrong with that; longer packets lose more sound at once",
    )


def far_end_starves(facts: Facts) -> Seen | None:
    """Fewer packets than time has passed, those that got lost counted: their sender stands still now and then. Still
    now, too: packets that have just become shorter were fewer before."""
    wanted = 1000 / (facts.heard_ptime_ms or facts.ptime_ms)
    rate, lately = _packets_a_second(facts, WINDOW_S), _packets_a_second(facts, LATELY_S)
    if rate is None or lately is None or rate > 0.93 * wanted or lately > 0.97 * wanted:
        return None
    return Seen(
        "The far end does not send often enough",
        f"{rate:.1f} packets a second instead of {wanted:.0f}, lost ones counted",
        "their phone or sound card is overloaded: nothing can be done here",
    )


def narrow_inside(facts: Facts) -> Seen | None:
    """A wideband codec with a telephone line in it."""
    width_hz = facts.far_width_hz
    least_hz, most_hz = TELEPHONE_HZ
    if width_hz is None or facts.far_rate_hz <= 8000 or not least_hz <= width_hz <= most_hz:
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
        "samples at the end of the codec's scale",
        "less gain on their microphone",
    )


def new_ssrc(facts: Facts) -> Seen | None:
    """An event: told for a while."""
    if not facts.ssrc_changes or facts.ssrc_age_s >= TOLD_S:
        return None
    times = "once" if facts.ssrc_changes == 1 else f"{facts.ssrc_changes} times"
    return Seen(
        "The far end began its stream anew in mid-call",
        f"SSRC changed {times}",
        "a transfer, music on hold or a media server; a short gap is normal",
    )


def suppressed_silence(facts: Facts) -> Seen | None:
    """Announced by comfort noise or a codec of its own means, or told by how the stream stops and goes on."""
    resting = facts.unheard is not None and facts.unheard <= RESTING
    if facts.pauses:
        evidence = "comfort noise or DTX announced the pause"
    elif not facts.talks or not facts.may_hear or total(facts.last(1), lambda point: point.received):
        return None
    elif resting:
        evidence = "their own reports say that nothing was sent meanwhile"
    elif facts.stops and facts.unheard is None:
        evidence = "before, too, packets ceased and went on in sequence: none was lost"
    else:
        return None
    return Seen(
        "They send nothing while nothing is said",
        evidence,
        "silence suppression: no loss; what you hear meanwhile is made here",
    )


def _evidence_of_many(
    facts: Facts, which: Callable[[HistoryPoint], float], least_percent: float, called: str
) -> str | None:
    """How many packets of this kind came lately, in words; None where they are few."""
    points = facts.last(WINDOW_S)
    number = total(points, which)
    share = percent(number, total(points, lambda point: point.received))
    if number < 5 or share < least_percent:
        return None
    return f"{number:.0f} {called} in {len(points)} s ({share:.0f} %)"


def duplicates(facts: Facts) -> Seen | None:
    evidence = _evidence_of_many(facts, lambda point: point.duplicate, 1, "duplicates")
    if evidence is None:
        return None
    return Seen(
        "Packets come twice",
        evidence,
        "a loop or a mirror port on the way: harmless to the sound, twice the traffic",
    )


def reordering(facts: Facts) -> Seen | None:
    evidence = _evidence_of_many(facts, lambda point: point.reordered, 2, "out of order")
    if evidence is None:
        return None
    return Seen(
        "Packets overtake one another",
        evidence,
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
