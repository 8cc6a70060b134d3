"""The registry of codecs: what is offered, by which names, and what is said when a library is missing."""

from __future__ import annotations

import re
import sys

import numpy as np
import pytest

from engine.config import ConfigError
from engine.install import codec_line, pip_line
from engine.media import codecs
from engine.offered_formats import offered_formats

PLAIN = ["PCMU", "PCMA", "L16"]


def without(monkeypatch: pytest.MonkeyPatch, *libraries: str) -> None:
    for name in libraries:
        monkeypatch.setitem(sys.modules, name, None)


def test_the_best_sound_is_offered_first():
    said = [item[:4] for item in codecs.formats()]
    assert said[:5] == [
        (111, "opus", 48000, 2), (9, "G722", 8000, 1), (0, "PCMU", 8000, 1), (8, "PCMA", 8000, 1), (96, "L16", 16000, 1)
    ]  # fmt: skip
    assert {(10, "L16", 44100, 2), (11, "L16", 44100, 1)} <= set(said)
    assert len({number for number, *_ in said}) == len(said)


def test_formats_are_chosen_by_name_in_the_order_of_the_names():
    assert [item[:2] for item in codecs.formats(["pcma", "PCMU"])] == [(8, "PCMA"), (0, "PCMU")]
    assert [item[:4] for item in codecs.formats(["L16/44100/2"])] == [(10, "L16", 44100, 2)]
    assert [item.clock_rate for item in codecs.formats(["l16/48000", "L16/16000"])] == [48000, 16000]
    assert len(codecs.formats(["PCMU", "PCMU"])) == 1
    assert codecs.formats(["OPUS"]) == codecs.formats(["opus/48000/2"])


@pytest.mark.parametrize("name", ["G729", "", "PCMU/16000", "L16/44100/2/1", "L16/x", "opus/8000"])
def test_an_unknown_name_is_an_error_that_lists_what_there_is(name):
    with pytest.raises(codecs.CodecError, match="opus, G722, PCMU, PCMA, L16"):
        codecs.formats([name])


def test_families_are_found_in_any_case():
    family = codecs.by_name("pcmu")
    assert family is not None and family.encoding == "PCMU"
    assert codecs.by_name("Opus") is codecs.by_name("OPUS") is not None
    assert codecs.by_name("G729") is None


def test_a_missing_library_takes_its_codec_out_of_the_offer(monkeypatch):
    assert codecs.missing() == {}
    without(monkeypatch, "opuslib_next", "G722")
    assert [item.encoding for item in codecs.formats()] == ["PCMU", "PCMA", *["L16"] * 5]
    assert codecs.missing() == {"opus": "opuslib-next", "G722": "G722"}


def test_a_missing_libopus_is_told_from_a_missing_binding(monkeypatch):
    monkeypatch.setattr("engine.media.codecs.opus._finds_libopus", lambda: False)
    assert codecs.missing() == {"opus": "libopus"}
    assert "opus" in codec_line("libopus") and "pip" not in codec_line("libopus")


@pytest.mark.parametrize(("name", "library"), [("opus", "opuslib_next"), ("G722/8000", "G722")])
def test_who_asks_for_what_is_missing_is_told_what_to_install(monkeypatch, name, library):
    without(monkeypatch, library)
    line = pip_line(library.replace("_", "-"))
    with pytest.raises(ConfigError, match=re.escape(f"needs a library: {line}")):
        offered_formats((name,))
    assert offered_formats(("PCMU",))


@pytest.mark.parametrize("wire", [item for item in codecs.formats() if item.encoding != "opus"])
def test_what_a_codec_says_of_itself_is_so(wire):
    """Its bit rate, and the sampling rate of what it takes and gives."""
    codec = codecs.make(*wire[1:])
    payload = codec.encode(np.zeros(codec.rate_hz // 50, np.int16))
    assert len(payload) * 8 * 50 == codec.bitrate_bps
    assert len(codec.decode(payload)) == codec.samples_in(payload) == codec.rate_hz // 50
