"""G.711 against the ITU's arithmetic (G.191), step by step, for every sample and every octet; L16."""

from __future__ import annotations

import numpy as np
import pytest

from engine.media import codecs
from engine.media.codecs import g711, l16

EVERY_SAMPLE = np.arange(-32768, 32768).astype(np.int16)
EVERY_OCTET = bytes(range(256))


def mu_law_compress(sample: int) -> int:
    """G.191 ulaw_compress, with its variable names."""
    absno = ((~sample >> 2) + 33) if sample < 0 else (sample >> 2) + 33
    absno = min(absno, 0x1FFF)
    segno, i = 1, absno >> 6
    while i:
        segno += 1
        i >>= 1
    high_nibble = 0x08 - segno
    low_nibble = 0x0F - ((absno >> segno) & 0x0F)
    return (high_nibble << 4) | low_nibble | (0x80 if sample >= 0 else 0)


def mu_law_expand(octet: int) -> int:
    sign = -1 if octet < 0x80 else 1
    mantissa = ~octet
    exponent = (mantissa >> 4) & 7
    segment = exponent + 1
    mantissa &= 0x0F
    step = 4 << segment
    return sign * ((0x80 << exponent) + step * mantissa + step // 2 - 4 * 33)


def a_law_compress(sample: int) -> int:
    ix = ~sample >> 4 if sample < 0 else sample >> 4
    if ix > 15:
        iexp = 1
        while ix > 16 + 15:
            ix >>= 1
            iexp += 1
        ix = ix - 16 + (iexp << 4)
    if sample >= 0:
        ix |= 0x80
    return ix ^ 0x55


def a_law_expand(octet: int) -> int:
    ix = (octet ^ 0x55) & 0x7F
    iexp, mantissa = ix >> 4, ix & 0x0F
    if iexp > 0:
        mantissa += 16
    mantissa = (mantissa << 4) + 8
    if iexp > 1:
        mantissa <<= iexp - 1
    return mantissa if octet > 127 else -mantissa


REFERENCES = [
    ("PCMU", mu_law_compress, mu_law_expand),
    ("PCMA", a_law_compress, a_law_expand),
]


@pytest.mark.parametrize(("name", "compress", "expand"), REFERENCES)
def test_every_sample_is_encoded_as_the_reference_does(name, compress, expand):
    expected = bytes(compress(int(sample)) for sample in EVERY_SAMPLE)
    assert codecs.make(name, 8000).encode(EVERY_SAMPLE) == expected


@pytest.mark.parametrize(("name", "compress", "expand"), REFERENCES)
def test_every_octet_is_decoded_as_the_reference_does(name, compress, expand):
    decoded = codecs.make(name, 8000).decode(EVERY_OCTET)
    assert decoded.dtype == np.int16
    assert decoded.tolist() == [expand(octet) for octet in EVERY_OCTET]


@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_what_was_decoded_encodes_to_the_same_octets(name):
    """Several codecs in a row do not make it worse. Only mu-law's two zeros are one."""
    codec = codecs.make(name, 8000)
    again = codec.encode(codec.decode(EVERY_OCTET))
    different = [(before, after) for before, after in zip(EVERY_OCTET, again, strict=True) if before != after]
    assert different == ([(0x7F, 0xFF)] if name == "PCMU" else [])


def test_silence_is_the_octet_it_always_is():
    silence = np.zeros(2, np.int16)
    assert codecs.make("PCMU", 8000).encode(silence) == b"\xff\xff"
    assert codecs.make("PCMA", 8000).encode(silence) == b"\xd5\xd5"


def test_full_scale_stays_full_scale():
    loudest = np.array([32767, -32768], np.int16)
    for name in ("PCMU", "PCMA"):
        codec = codecs.make(name, 8000)
        assert np.abs(codec.decode(codec.encode(loudest))).min() > 32000


def test_the_tables_are_shared():
    assert g711.make_pcmu(8000, 1)._encoding is g711.make_pcmu(8000, 1)._encoding


def test_l16_is_network_order():
    codec = l16.make(16000, 1)
    assert codec.encode(np.array([1, -2], np.int16)) == b"\x00\x01\xff\xfe"
    assert codec.decode(b"\x00\x01\xff\xfe").tolist() == [1, -2]


def test_l16_survives_both_ways():
    for channels in (1, 2):
        codec = l16.make(44100, channels)
        payload = codec.encode(EVERY_SAMPLE)
        assert len(payload) == 2 * channels * len(EVERY_SAMPLE)
        assert codec.samples_in(payload) == len(EVERY_SAMPLE)
        assert (codec.decode(payload) == EVERY_SAMPLE).all()


def test_two_channels_are_heard_as_their_mean():
    stereo = np.array([32767, 32767, 100, -100, 10, 20], ">i2").tobytes()
    assert l16.make(44100, 2).decode(stereo).tolist() == [32767, 0, 15]


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("octets", range(9))
def test_an_incomplete_sample_at_the_end_is_left_away(channels, octets):
    codec = l16.make(8000, channels)
    assert len(codec.decode(bytes(octets))) == octets // (2 * channels) == codec.samples_in(bytes(octets))


def test_what_is_decoded_may_be_written_to():
    for name in ("PCMU", "PCMA", "L16"):
        codecs.make(name, 8000).decode(bytes(4))[0] = 1
