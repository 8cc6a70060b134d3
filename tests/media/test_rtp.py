"""RTP packets: what is read, what is written, what is refused (RFC 3550 section 5)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media import MediaError, rtp

FAST = settings(max_examples=100, deadline=None)

# A PCMU packet as baresip sends it: marker, sequence 0x1c2d, 4 octets of payload.
PCMU = bytes.fromhex("8080 1c2d 000493e0 5a17c0de ff7eff7e")


def test_a_plain_packet() -> None:
    packet = rtp.parse(PCMU)
    assert packet == rtp.RtpPacket(0, True, 0x1C2D, 300_000, 0x5A17C0DE, b"\xff\x7e\xff\x7e")


def test_what_is_built_is_what_was_read() -> None:
    assert rtp.build(0, True, 0x1C2D, 300_000, 0x5A17C0DE, b"\xff\x7e\xff\x7e") == PCMU


def test_an_empty_payload_is_a_packet() -> None:
    assert rtp.parse(PCMU[:12]).payload == b""


def test_csrcs_extension_and_padding_are_taken_off() -> None:
    header = bytes.fromhex("b2e5 0001 000000a0 00000001")  # padding, extension, two CSRCs; marker, type 101
    data = header + bytes.fromhex("0000000a 0000000b bede 0001 10aa0000") + b"sound" + b"\0\0\3"
    packet = rtp.parse(data)
    assert (packet.payload_type, packet.marker) == (101, True)
    assert packet.csrcs == (10, 11)
    assert packet.extension == (0xBEDE, b"\x10\xaa\0\0")
    assert packet.payload == b"sound"


def test_fifteen_csrcs_and_no_payload() -> None:
    data = b"\x8f" + PCMU[1:12] + bytes(range(60))
    packet = rtp.parse(data)
    assert len(packet.csrcs) == 15
    assert packet.csrcs[0] == 0x00010203
    assert packet.payload == b""


def test_an_extension_of_no_words() -> None:
    packet = rtp.parse(b"\x90" + PCMU[1:12] + b"\x12\x34\0\0" + b"x")
    assert packet.extension == (0x1234, b"")
    assert packet.payload == b"x"


def test_padding_may_be_the_whole_payload() -> None:
    assert rtp.parse(b"\xa0" + PCMU[1:12] + b"\0\0\0\4").payload == b""


WRONG = {
    "empty": (b"", "shorter than its header"),
    "one_octet_short_of_a_header": (PCMU[:11], "shorter than its header"),
    "version_0_as_in_stun": (b"\0\1\0\0\x21\x12\xa4\x42" + bytes(12), "another version"),
    "version_1": (b"\x40" + PCMU[1:], "another version"),
    "version_3": (b"\xc0" + PCMU[1:], "another version"),
    "sip_on_the_rtp_port": (b"OPTIONS sip:a SIP/2.0\r\n", "another version"),
    "rtcp_sender_report": (bytes.fromhex("80c80006") + bytes(24), "RTCP on the RTP port"),
    "rtcp_receiver_report": (bytes.fromhex("81c90007") + bytes(28), "RTCP on the RTP port"),
    "rtcp_feedback": (bytes.fromhex("81cd0003") + bytes(12), "RTCP on the RTP port"),
    "rtcp_extended_report": (bytes.fromhex("80cf0002") + bytes(8), "RTCP on the RTP port"),
    "csrc_list_cut_off": (b"\x83" + PCMU[1:12] + bytes(11), "CSRC list"),
    "extension_header_cut_off": (b"\x90" + PCMU[1:12] + b"\xbe\xde\0", "within its header extension"),
    "extension_longer_than_the_packet": (b"\x90" + PCMU[1:12] + b"\xbe\xde\0\2" + bytes(7), "extension longer"),
    "extension_of_65535_words": (b"\x90" + PCMU[1:12] + b"\xbe\xde\xff\xff" + bytes(40), "extension longer"),
    "padding_of_no_octets": (b"\xa0" + PCMU[1:12] + b"abc\0", "padding"),
    "padding_longer_than_the_payload": (b"\xa0" + PCMU[1:12] + b"abc\5", "padding"),
    "padding_that_eats_a_csrc": (b"\xa1" + PCMU[1:12] + bytes(3) + b"\x05", "padding"),
    "padding_with_no_payload_at_all": (b"\xa0" + PCMU[1:12], "padding"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(name: str) -> None:
    data, words = WRONG[name]
    with pytest.raises(MediaError, match=words):
        rtp.parse(data)


@FAST
@given(st.binary(max_size=100))
def test_any_bytes_parse_or_raise_the_one_error(data: bytes) -> None:
    try:
        packet = rtp.parse(data)
    except MediaError:
        return
    assert len(packet.payload) <= len(data) - rtp.HEADER_OCTETS


@FAST
@given(st.integers(0, 255), st.binary(min_size=11, max_size=80))
def test_any_bytes_of_version_2(first: int, rest: bytes) -> None:
    try:
        packet = rtp.parse(bytes((0x80 | first & 0x3F,)) + rest)
    except MediaError:
        return
    assert len(packet.csrcs) == first & 15
    assert (packet.extension is None) == (not first & 0x10)


@FAST
@given(
    st.integers(0, 127).filter(lambda number: not 72 <= number <= 79),
    st.booleans(),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.binary(max_size=200),
)
def test_round_trip(payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int, payload: bytes) -> None:
    data = rtp.build(payload_type, marker, sequence, timestamp, ssrc, payload)
    assert rtp.parse(data) == rtp.RtpPacket(payload_type, marker, sequence, timestamp, ssrc, payload)
