"""What an Opus payload says of itself, beside libopus; a receiver's wishes in its fmtp (RFC 7587 section 6.1)."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media import codecs
from engine.media.codecs import opus
from engine.media.codecs.fmtp import MAX_PARAMETERS, number_in, parameters
from engine.media.errors import MediaError
from tests.media.virtual import speech

TAILS = [
    b"",
    b"\x00",
    b"\x01",
    b"\x02" + bytes(9),
    b"\x0c",
    b"\x0d",
    b"\x30" + bytes(20),
    b"\x3f",
    b"\x83",
    b"\xff" * 4,
]


def samples_by_libopus(payload: bytes) -> int:
    from opuslib_next import api

    count = api.libopus.opus_packet_get_nb_samples(ctypes.c_char_p(payload), len(payload), 48000)
    return max(0, count)


@pytest.mark.parametrize("toc", range(256))
def test_every_first_octet_lasts_as_long_as_libopus_says(toc):
    for tail in TAILS:
        payload = bytes([toc]) + tail
        assert opus.samples_in(payload) == samples_by_libopus(payload), payload


@given(st.binary(min_size=1, max_size=60))
def test_so_does_any_payload(payload):
    assert opus.samples_in(payload) == samples_by_libopus(payload)


def test_nothing_at_all_lasts_no_time():
    assert opus.samples_in(b"") == opus.frame_samples(b"") == 0
    assert not opus.has_earlier(b"")


@given(st.binary(max_size=80))
@settings(max_examples=300, deadline=None)
def test_random_octets_do_no_harm(payload):
    """Decoded or refused, and never longer than they said; what they repeat of the frame before likewise."""
    codec = opus.Opus()
    said = codec.samples_in(payload)
    try:
        assert len(codec.decode(payload)) == said
    except MediaError:
        pass
    if codec.samples_earlier(payload):
        try:
            assert len(codec.decode_earlier(payload)) == codec.samples_earlier(payload)
        except MediaError:
            pass
    assert len(codec.conceal(960)) == 960


def encoded(bitrate_bps: int, fec: bool, ptime_ms: int) -> list[bytes]:
    codec = opus.Opus("useinbandfec=1;maxplaybackrate=16000")
    codec.adapt(bitrate_bps, fec, 20)
    sound = speech(1.2, 48000)
    size = 48 * ptime_ms
    return [codec.encode(sound[at : at + size]) for at in range(0, len(sound) - size + 1, size)]


@pytest.mark.parametrize("ptime_ms", [10, 20, 40, 60])
def test_a_payload_shows_whether_it_repeats_the_frame_before(ptime_ms):
    with_fec, without = encoded(32000, True, ptime_ms), encoded(32000, False, ptime_ms)
    assert not any(map(opus.has_earlier, without))
    repeating = [payload for payload in with_fec if opus.has_earlier(payload)]
    assert len(repeating) > len(with_fec) / 3
    assert opus.Opus().samples_earlier(repeating[0]) == 48 * ptime_ms


def test_what_is_repeated_sounds_like_what_was_lost():
    payloads = encoded(32000, True, 20)
    whole = opus.Opus()
    wanted = [whole.decode(payload) for payload in payloads]
    gains = []
    for lost in range(10, len(payloads) - 1, 2):
        if not opus.has_earlier(payloads[lost + 1]) or np.std(wanted[lost]) < 300:
            continue
        codec = opus.Opus()
        for payload in payloads[:lost]:
            codec.decode(payload)
        again = codec.decode_earlier(payloads[lost + 1])
        error = np.std(again.astype(float) - wanted[lost])
        gains.append(20 * np.log10(np.std(wanted[lost].astype(float)) / error))
    assert len(gains) > 5 and np.median(gains) > 6


# ------------------------------------------------------------------ fmtp


@given(st.text(max_size=300))
def test_any_parameter_list_can_be_read(text):
    said = parameters(text)
    assert len(said) <= MAX_PARAMETERS
    wish = opus.wishes(text)
    assert 8000 <= wish.max_playback_rate_hz <= 48000
    assert 6000 <= wish.max_average_bitrate_bps <= 510_000


@given(
    st.dictionaries(
        st.sampled_from(["maxplaybackrate", "maxaveragebitrate", "stereo", "cbr", "useinbandfec", "usedtx", "x-new"]),
        st.integers(0, 10**9 - 1),
    ),
    st.sampled_from([";", "; ", " ;"]),
)
def test_a_parameter_list_says_what_it_says(said, between):
    text = between.join(f"{name.upper()}={value}" for name, value in said.items())
    assert parameters(text) == {name: str(value) for name, value in said.items()}
    wish = opus.wishes(text)
    assert wish.in_band_fec == (said.get("useinbandfec") == 1) and wish.dtx == (said.get("usedtx") == 1)
    assert wish.cbr == (said.get("cbr") == 1) and wish.stereo == (said.get("stereo") == 1)


def test_what_makes_no_sense_counts_as_not_said():
    text = "maxplaybackrate=fast;;=3;stereo;useinbandfec=yes;maxaveragebitrate=-1;ptime=1e3;cbr=1;cbr=0;" + "9" * 50
    assert opus.wishes(text) == opus.Wishes(cbr=True)
    assert number_in({"a": "٣"}, "a", 0, 9) is None  # a digit, but not of ours
    assert number_in({"a": "700"}, "a", 0, 9) == 9


def test_every_parameter_of_the_rfc_is_read():
    wish = opus.wishes(
        "maxplaybackrate=16000; sprop-maxcapturerate=24000; maxaveragebitrate=20000; stereo=1; sprop-stereo=1; cbr=1;"
        " useinbandfec=1; usedtx=1; ptime=40; maxptime=60; minptime=10"
    )
    assert wish == opus.Wishes(16000, 20000, True, True, True, True, 40, 60, 10, 24000, True)


@pytest.mark.parametrize(
    ("fmtp", "wanted_ms", "made_ms"),
    [
        ("", 20, 20), ("", 30, 30), ("", 25, 20), ("", 50, 50), ("", 60, 60), ("", 10, 10), ("minptime=20", 10, 20),
        ("maxptime=20", 60, 20), ("maxptime=35", 60, 30), ("ptime=50", 60, 50), ("minptime=35", 20, 40),
        ("ptime=40", 60, 40), ("ptime=40", 20, 40), ("maxptime=3", 20, 10),
        ("minptime=100", 20, 60),
    ],
)  # fmt: skip
def test_packets_are_as_long_as_both_can(fmtp, wanted_ms, made_ms):
    assert codecs.make("opus", 48000, 2, fmtp).packet_ms(wanted_ms) == made_ms
