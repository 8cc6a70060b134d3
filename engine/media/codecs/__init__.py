"""The codecs by encoding name. A new codec is one file here and one line in ``_FAMILIES``.

A codec turns int16 mono samples into a payload and back. ``formats`` says what is offered, and in which order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from engine.media.codecs import cn, g711, g722, l16, opus
from engine.media.codecs.codec import Codec

__all__ = [
    "AudioFormat", "Codec", "CodecError", "Family", "LibraryMissing", "WireFormat", "by_name", "formats", "make",
    "missing", "names", "try_out",
]  # fmt: skip

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
    dtx: str = ""  # and what besides, where pauses need not be sent
    missing: Callable[[], str] = str  # the library that has to be installed for it; empty when it is all there


# The order is that of our offer: the best sound first. Payload types below 96 are those of RFC 3551; the others are
# only what we propose.
_FAMILIES = {
    family.encoding.upper(): family
    for family in (
        Family("opus", opus.make, ((111, 48000, 2),), opus.OFFER, ";usedtx=1", opus.missing),
        Family("G722", g722.make, ((9, 8000, 1),), missing=g722.missing),
        Family("PCMU", g711.make_pcmu, ((0, 8000, 1),)),
        Family("PCMA", g711.make_pcma, ((8, 8000, 1),)),
        Family("L16", l16.make, ((96, 16000, 1), (97, 8000, 1), (98, 48000, 1), (11, 44100, 1), (10, 44100, 2))),
        Family(cn.ENCODING, cn.make, ()),  # only ever beside another: see offered_formats
    )
}


_broken: dict[str, str] = {}  # what is installed and cannot be used, by encoding name in capitals: why


class CodecError(ValueError):
    """A codec that was asked for and is not to be had; its text is one line for the user."""


class LibraryMissing(CodecError):
    """``library`` has to be installed for it."""

    def __init__(self, encoding: str, library: str) -> None:
        super().__init__(f"{encoding} needs a library: {library}")
        self.encoding, self.library = encoding, library


def formats(names: list[str] | None = None, dtx: bool = False) -> tuple[WireFormat, ...]:
    """What we offer: everything that can be had, or what these names say, in their order.

    A name may carry a rate and channels: ``L16/16000``, ``L16/44100/2``. Raises CodecError, with a line that lists
    what there is, for a name we do not have; LibraryMissing where that is the reason.
    ``dtx``: the far end need not send its pauses either.
    """
    if names is None:
        return tuple(item for family in _FAMILIES.values() if _is_there(family) for item in _variants(family, dtx))
    chosen: list[WireFormat] = []
    for name in names:
        fitting = [item for family in _FAMILIES.values() for item in _variants(family, dtx) if _fits(name, item)]
        if not fitting:
            known = ", ".join(family.encoding for family in _FAMILIES.values() if family.variants)
            raise CodecError(f"'{name}' is not one of {known}, such as PCMU or L16/16000")
        _check(_FAMILIES[fitting[0].encoding.upper()])
        chosen += [item for item in fitting if item not in chosen]
    return tuple(chosen)


def names() -> tuple[str, ...]:
    """The encoding names of all that can be had, in the order of our offer."""
    return tuple(family.encoding for family in _FAMILIES.values() if family.variants and _is_there(family))


def missing() -> dict[str, str]:
    """The codecs that are not offered because a library is missing, by their encoding names, and which one it is."""
    found = {family.encoding: family.missing() for family in _FAMILIES.values()}
    return {encoding: library for encoding, library in found.items() if library}


def _is_there(family: Family) -> bool:
    return family.encoding.upper() not in _broken and not family.missing()


def _check(family: Family) -> None:
    """Raises CodecError with the reason why it is not to be had."""
    if why := _broken.get(family.encoding.upper()):
        raise CodecError(f"{family.encoding}: {why}")
    if library := family.missing():
        raise LibraryMissing(family.encoding, library)


def try_out(wanted: WireFormat) -> str:
    """Load what a codec needs, and use it once: in the middle of a call that would be heard.

    Gives a line when it cannot be used, though it is installed (for another Python, say): then it is not to be had any
    more.
    """
    try:
        codec = make(*wanted[1:])
        codec.decode(codec.encode(np.zeros(codec.rate_hz // 50, np.int16)))
    except Exception as error:  # bindings raise what they like when their library is broken
        _broken[wanted.encoding.upper()] = why = f"its library cannot be used ({error})"
        return f"without {wanted.encoding}: {why}"
    return ""


def by_name(encoding: str) -> Family | None:
    """The family of this encoding name, in any case (RFC 4855 section 3); None when we do not have it."""
    return _FAMILIES.get(encoding.upper())


def make(encoding: str, clock_rate: int, channels: int = 1, fmtp: str = "") -> Codec:
    """A codec for this format; raises KeyError when there is none."""
    return _FAMILIES[encoding.upper()].make(clock_rate, channels, fmtp)


def _variants(family: Family, dtx: bool) -> list[WireFormat]:
    fmtp = family.fmtp + (family.dtx if dtx else "")
    return [WireFormat(number, family.encoding, rate, channels, fmtp) for number, rate, channels in family.variants]


def _fits(name: str, item: WireFormat) -> bool:
    words = name.upper().split("/")
    wanted = [item.encoding.upper(), str(item.clock_rate), str(item.channels)]
    return len(words) <= 3 and words == wanted[: len(words)]
