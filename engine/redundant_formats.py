"""Redundancy (RFC 2198) among the formats of an offer: one payload format for every clock rate that can use it."""

from __future__ import annotations

from engine.media import red
from engine.sip.sdp import NOISE, RED, TELEPHONE_EVENT, Format

# What we propose: where the session has given the numbers another meaning, others are taken.
_FIRST_PAYLOAD_TYPE = 121


def redundant_formats(formats: tuple[Format, ...], ptime_ms: int) -> tuple[Format, ...]:
    """``red`` for the clock rates of those that are sound, in their order.

    WebRTC writes it with the channels of what is in it: ``red/48000/2`` for ``opus/48000/2``.
    """
    found: dict[int, Format] = {}
    for item in formats:
        if (
            item.encoding not in (TELEPHONE_EVENT, NOISE)
            and item.clock_rate not in found
            and _fits_twice(item, ptime_ms)
        ):
            number = _FIRST_PAYLOAD_TYPE + len(found)
            found[item.clock_rate] = Format(number, RED, item.clock_rate, item.channels)
    return tuple(found.values())


def _fits_twice(item: Format, ptime_ms: int) -> bool:
    """Is there room for a second frame? Only linear PCM is ever so large that there is none."""
    octets = 2 * item.channels * item.clock_rate * ptime_ms // 1000
    return item.encoding.upper() != "L16" or (octets <= red.MAX_LENGTH and 2 * octets < red.MAX_PAYLOAD - 4)
