"""Redundancy in an offer: for which clock rates, under which numbers."""

from __future__ import annotations

from engine.redundant_formats import redundant_formats
from engine.sip.sdp import Format

PCMU = Format(0, "PCMU", 8000)
PCMA = Format(8, "PCMA", 8000)
DIGITS = Format(101, "telephone-event", 8000)


def test_one_for_each_clock_rate_in_the_order_of_the_codecs() -> None:
    opus = Format(111, "opus", 48000, 2)
    assert redundant_formats((opus, PCMU, PCMA, DIGITS), 20) == (
        Format(121, "red", 48000, 2),
        Format(122, "red", 8000),
    )


def test_none_for_what_does_not_fit_twice_into_a_packet() -> None:
    assert redundant_formats((Format(96, "L16", 16000), Format(11, "L16", 44100), DIGITS), 20) == ()
    assert redundant_formats((Format(96, "L16", 16000),), 10) == (Format(121, "red", 16000),)
    assert redundant_formats((Format(97, "L16", 8000),), 20) == (Format(121, "red", 8000),)
    assert redundant_formats((Format(97, "L16", 8000),), 40) == ()
