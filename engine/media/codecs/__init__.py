"""The codecs by encoding name. A new codec is one file here and one line in ``_FAMILIES``.

A codec turns int16 mono samples into a payload and back. ``formats`` says what is offered, and in which order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from engine.media.codecs import g711, l16
from engine.media.codecs.codec import Codec

__all__ = ["AudioFormat", "Codec", "Family", "WireFormat", "by_name", "formats", "make"]

AudioFormat = tuple[str, int, int, str]  # a WireFormat without its payload type


class WireFormat(NamedTuple):
    """One payload format. ``fmtp``: its parameters as the one who receives it has written them."""

    payload_type: int
    encoding: str
    clock_rate: int
    channels: int = 1
    fmtp: str = ""


@dataclass(frozen=True, slots=True)
class Family:
    """One encoding name: how to make its codec, and which variants we offer."""

    encoding: str
    make: Callable[[int, int, str], Codec]  # clock rate, channels, fmtp
    variants: tuple[tuple[int, int, int], ...]  # payload type, clock rate, channels
    fmtp: str = ""  # what we say of ourselves


# Payload types below 96 are those of RFC 3551; the others are only what we propose.
_FAMILIES = {
    family.encoding: family
    for family in (
        Family("PCMU", g711.make_pcmu, ((0, 8000, 1),)),
        Family("PCMA", g711.make_pcma, ((8, 8000, 1),)),
        Family("L16", l16.make, ((96, 16000, 1), (97, 8000, 1), (98, 48000, 1), (11, 44100, 1), (10, 44100, 2))),
    )
}


def formats(names: list[str] | None = None) -> tuple[WireFormat, ...]:
    """What we offer. A name may carry a rate and channels: ``L16/16000``, ``L16/44100/2``.

    Raises KeyError, with a line that lists what there is, for a name we do not have.
    """
    every = [
        WireFormat(number, family.encoding, rate, channels, family.fmtp)
        for family in _FAMILIES.values()
        for number, rate, channels in family.variants
    ]
    if names is None:
        return tuple(every)
    chosen: list[WireFormat] = []
    for name in names:
        fitting = [item for item in every if _fits(name, item)]
        if not fitting:
            raise KeyError(f"'{name}' is not one of {', '.join(_FAMILIES)}, such as PCMU or L16/16000")
        chosen += [item for item in fitting if item not in chosen]
    return tuple(chosen)


def by_name(encoding: str) -> Family | None:
    """The family of this encoding name, in any case (RFC 4855 section 3); None when we do not have it."""
    return _FAMILIES.get(encoding.upper())


def make(encoding: str, clock_rate: int, channels: int = 1, fmtp: str = "") -> Codec:
    """A codec for this format; raises KeyError when there is none."""
    return _FAMILIES[encoding.upper()].make(clock_rate, channels, fmtp)


def _fits(name: str, item: WireFormat) -> bool:
    words = name.upper().split("/")
    wanted = [item[1], str(item[2]), str(item[3])]
    return len(words) <= 3 and words == wanted[: len(words)]
