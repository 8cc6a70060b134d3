"""G.722 beside FFmpeg's, bit for bit; its clock is half its sampling rate."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media import codecs
from tests.media import reference
from tests.media.virtual import OneWay, Wire, delay_ms, jitter, make_stream, spectral_distance_db, speech

SOUND = speech(2, 16000)


def g722() -> codecs.Codec:
    return codecs.make("G722", 8000)


def frames(pcm: np.ndarray, size: int = 320) -> list[np.ndarray]:
    return [pcm[begin : begin + size] for begin in range(0, len(pcm) - size + 1, size)]


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 60])
def test_it_encodes_as_ffmpeg_does(ptime_ms):
    codec = g722()
    payloads = [codec.encode(frame) for frame in frames(SOUND, 16 * ptime_ms)]
    assert {len(payload) for payload in payloads} == {8 * ptime_ms}
    theirs = b"".join(reference.encode("g722", SOUND, 16000))
    assert b"".join(payloads) == theirs[: 8 * ptime_ms * len(payloads)]


def test_it_decodes_as_ffmpeg_does():
    payloads = [bytes(octets) for octets in np.random.default_rng(3).integers(0, 256, (50, 160), np.uint8)]
    payloads += reference.encode("g722", SOUND, 16000)
    codec = g722()
    ours = np.concatenate([codec.decode(payload) for payload in payloads])
    assert (ours == reference.decode("g722", payloads, 16000)).all()


@given(st.binary(max_size=400))
@settings(max_examples=50, deadline=None)
def test_anything_can_be_decoded_and_lasts_as_long_as_it_says(payload):
    codec = g722()
    pcm = codec.decode(payload)
    assert pcm.dtype == np.int16 and len(pcm) == codec.samples_in(payload) == 2 * len(payload)


def test_a_call_over_a_bad_line_sounds_alike():
    way = OneWay(make_stream("G722", seed=1), make_stream("G722", seed=2), Wire(jitter(0.004, loss=0.03)))
    sound = speech(6, 16000)
    heard = way.talk(sound, 0.5)
    assert (way.ear.rate_hz, way.ear.frame_samples) == (16000, 320)
    rx = way.ear.stats(6.5).rx
    assert 0 < rx.lost < 20 and rx.jitter_ms < 6
    later = round(delay_ms(sound, heard, 16000, 3.0) * 16)
    assert spectral_distance_db(sound[:80000], heard[later : later + 80000], 16000) < 3.5
