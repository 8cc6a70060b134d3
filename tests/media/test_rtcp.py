"""RTCP packets: compound datagrams, their tolerances and what spoils them (RFC 3550 section 6, A.2)."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media import MediaError, rtcp

FAST = settings(max_examples=100, deadline=None)

EMPTY_RR = bytes.fromhex("80c90001 00000001")
BLOCK = bytes.fromhex("5a17c0de 40fffffe 00010203 00000050 12345678 00018000")
SR = bytes.fromhex("81c8000c 00000001 e0000000 80000000 000493e0 000003e8 00027100") + BLOCK
SDES = bytes.fromhex("81ca0003 00000001 0103") + b"bob" + b"\0\0\0"


def one(data: bytes) -> rtcp.Packet:
    (packet,) = rtcp.parse(data)
    return packet


# ------------------------------------------------------------------ what is read


def test_a_sender_report() -> None:
    report = one(SR)
    assert isinstance(report, rtcp.SenderReport)
    assert (report.ssrc, report.ntp, report.rtp_timestamp) == (1, 0xE000000080000000, 300_000)
    assert (report.packets, report.octets) == (1000, 160_000)
    (block,) = report.blocks
    assert block == rtcp.ReportBlock(0x5A17C0DE, 64, -2, 0x10203, 80, 0x12345678, 98304)


def test_the_usual_compound() -> None:
    report, description, leaving = rtcp.parse(SR + SDES + bytes.fromhex("81cb0001 00000001"))
    assert isinstance(report, rtcp.SenderReport)
    assert isinstance(description, rtcp.SourceDescription)
    assert description.cname(1) == "bob"
    assert description.cname(2) is None
    assert leaving == rtcp.Goodbye((1,))


def test_no_blocks_and_thirty_one() -> None:
    none = one(EMPTY_RR)
    assert isinstance(none, rtcp.ReceiverReport)
    assert none.blocks == ()
    many = one(bytes.fromhex("9fc900bb 00000001") + BLOCK * 31)
    assert isinstance(many, rtcp.ReceiverReport)
    assert len(many.blocks) == 31


@pytest.mark.parametrize(
    ("wire", "lost"), [("000000", 0), ("7fffff", 8_388_607), ("800000", -8_388_608), ("ffffff", -1)]
)
def test_cumulative_lost_is_signed(wire: str, lost: int) -> None:
    data = EMPTY_RR.replace(b"\x80\xc9\0\1", b"\x81\xc9\0\7") + bytes.fromhex(f"00000002 00{wire}") + bytes(16)
    report = one(data)
    assert isinstance(report, rtcp.ReceiverReport)
    assert report.blocks[0].lost == lost


def test_profile_specific_words_after_the_blocks() -> None:
    report = one(bytes.fromhex("80c90003 00000001 cafebabe 00000000"))
    assert report == rtcp.ReceiverReport(1, (), b"\xca\xfe\xba\xbe\0\0\0\0")
    sender = one(b"\x80" + SR[1:3] + b"\x08" + SR[4:28] + b"more" + b"word")
    assert isinstance(sender, rtcp.SenderReport)
    assert sender.extension == b"moreword"


def test_unknown_types_do_not_hide_their_neighbours() -> None:
    app = bytes.fromhex("85cc0002 00000001") + b"NAME"
    xr = bytes.fromhex("80cf0001 00000001")
    strange = bytes.fromhex("80ff0000")
    packets = rtcp.parse(EMPTY_RR + app + xr + strange + SDES)
    assert [packet.packet_type for packet in packets if isinstance(packet, rtcp.Unknown)] == [204, 255]
    assert any(isinstance(packet, rtcp.ExtendedReport) for packet in packets)
    assert isinstance(packets[-1], rtcp.SourceDescription)


def test_an_end_that_sends_only_sdes_or_bye_is_heard() -> None:
    assert isinstance(one(SDES), rtcp.SourceDescription)
    assert one(bytes.fromhex("81cb0001 00000009")) == rtcp.Goodbye((9,))


def test_padding_of_the_last_packet_is_no_content() -> None:
    padded = bytes.fromhex("a0c90003 00000001 00000000 00000008")
    assert rtcp.parse(SR + padded)[1] == rtcp.ReceiverReport(1)


# ------------------------------------------------------------------ SDES


def test_several_chunks_and_items() -> None:
    first = bytes.fromhex("00000001 0103") + b"bob" + b"\x06\x07ringtop" + bytes(2)
    second = bytes.fromhex("00000002 0105") + b"carol" + b"\0"
    description = one(bytes.fromhex("82ca") + (len(first + second) // 4).to_bytes(2, "big") + first + second)
    assert isinstance(description, rtcp.SourceDescription)
    assert not description.truncated
    assert [chunk.ssrc for chunk in description.chunks] == [1, 2]
    assert [item.text for item in description.chunks[0].items] == ["bob", "ringtop"]
    assert description.cname(2) == "carol"


def test_a_chunk_without_items() -> None:
    assert one(bytes.fromhex("81ca0002 00000007 00000000")) == rtcp.SourceDescription((rtcp.SdesChunk(7),))


def test_no_chunks_at_all() -> None:
    assert one(bytes.fromhex("80ca0000")) == rtcp.SourceDescription()


def test_a_private_item() -> None:
    item = rtcp.SdesItem(rtcp.PRIV, b"\x03x-aanything")
    assert item.private == (b"x-a", b"anything")
    assert rtcp.SdesItem(rtcp.PRIV, b"\x00v").private == (b"", b"v")
    assert rtcp.SdesItem(rtcp.PRIV, b"\x03x-a").private == (b"x-a", b"")


@pytest.mark.parametrize("item", [(rtcp.PRIV, b""), (rtcp.PRIV, b"\x09x-a"), (rtcp.CNAME, b"\x01ab")])
def test_what_is_no_private_item(item: tuple[int, bytes]) -> None:
    assert rtcp.SdesItem(*item).private is None


SDES_CUT = {
    "item_longer_than_the_packet": ("81ca0002 00000001 01ff6162", [(1, 0)]),
    "item_without_its_length": ("81ca0003 00000001 01056162 63646507", [(1, 1)]),
    "second_chunk_missing": ("82ca0003 00000001 0103626f 62000000", [(1, 1)]),
    "the_only_chunk_missing": ("81ca0000", []),
}


@pytest.mark.parametrize("name", SDES_CUT)
def test_a_truncated_sdes_keeps_what_came_before(name: str) -> None:
    wire, wanted = SDES_CUT[name]
    description = one(bytes.fromhex(wire))
    assert isinstance(description, rtcp.SourceDescription)
    assert [(chunk.ssrc, len(chunk.items)) for chunk in description.chunks] == wanted
    assert description.truncated


def test_an_item_list_ended_by_the_packet_instead_of_a_null() -> None:
    description = one(bytes.fromhex("81ca0002 00000001 01026162"))
    assert description == rtcp.SourceDescription((rtcp.SdesChunk(1, (rtcp.SdesItem(rtcp.CNAME, b"ab"),)),))


def test_text_that_is_not_utf8() -> None:
    assert rtcp.SdesItem(rtcp.CNAME, b"b\xffb").text == "b\ufffdb"


# ------------------------------------------------------------------ BYE


def test_a_reason_for_leaving() -> None:
    assert one(bytes.fromhex("82cb0004 00000001 00000002 06") + b"so far" + b"\0") == rtcp.Goodbye((1, 2), "so far")


def test_a_reason_cut_off_is_taken_as_far_as_it_goes() -> None:
    assert one(bytes.fromhex("81cb0002 00000001 ff") + b"abc") == rtcp.Goodbye((1,), "abc")


def test_a_bye_for_nobody() -> None:
    assert one(bytes.fromhex("80cb0000")) == rtcp.Goodbye(())


# ------------------------------------------------------------------ what is wrong inside one packet


SPOILED = {
    "sr_ends_within_its_sender_info": ("80c80005" + "00" * 20, "sender info"),
    "rr_without_an_ssrc": ("80c90000", "without the SSRC"),
    "rr_claims_two_blocks_and_has_one": ("82c90007 00000001" + "00" * 24, "fewer blocks"),
    "rr_claims_31_blocks_and_has_none": ("9fc90001 00000001", "fewer blocks"),
    "bye_claims_three_ssrcs_and_has_one": ("83cb0001 00000001", "fewer SSRCs"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_one_spoiled_packet_spoils_no_other(name: str) -> None:
    wire, words = SPOILED[name]
    first, spoiled, last = rtcp.parse(SR + bytes.fromhex(wire) + SDES)
    assert isinstance(first, rtcp.SenderReport)
    assert isinstance(spoiled, rtcp.Malformed)
    assert words in spoiled.problem
    assert isinstance(last, rtcp.SourceDescription)


# ------------------------------------------------------------------ what is no RTCP


WRONG = {
    "empty": (b"", "shorter"),
    "three_octets": (SR[:3], "shorter"),
    "rtp_of_pcmu": (bytes.fromhex("80000001 000000a0 00000001"), "packet type 0"),
    "begins_with_an_unassigned_type": (bytes.fromhex("80d00000"), "packet type 208"),
    "version_1": (b"\x41" + SR[1:], "another version"),
    "version_3_in_the_second_packet": (EMPTY_RR + b"\xc1" + SDES[1:], "another version"),
    "length_one_word_too_long": (bytes.fromhex("80c90002 00000001"), "longer than its datagram"),
    "length_one_word_too_short": (bytes.fromhex("80c90000 00000001"), "another version"),
    "cut_off_by_one_octet": (SR[:-1], "longer than its datagram"),
    "three_octets_after_the_last_packet": (EMPTY_RR + b"\x80\xca\0", "within a header"),
    "padding_in_the_first_of_two": (bytes.fromhex("a0c90002 00000001 00000004") + SDES, "before the last"),
    "padding_of_no_octets": (bytes.fromhex("a0c90002 00000001 00000000"), "impossible"),
    "padding_that_is_no_whole_word": (bytes.fromhex("a0c90002 00000001 00000003"), "impossible"),
    "padding_longer_than_the_packet": (bytes.fromhex("a0c90002 00000001 0000000c"), "impossible"),
    "padding_flag_on_a_bare_header": (bytes.fromhex("a0c90000"), "impossible"),
    "sixty_four_kilobytes": (bytes.fromhex("80c90000") * 16384, "absurd"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(name: str) -> None:
    data, words = WRONG[name]
    with pytest.raises(MediaError, match=words):
        rtcp.parse(data)


def test_the_worst_datagrams_are_read_quickly() -> None:
    most_packets = bytes.fromhex("80ca0000") * (rtcp.MAX_OCTETS // 4)
    most_items = bytes.fromhex("81ca07ff 00000001") + b"\x02\0" * (rtcp.MAX_OCTETS // 2 - 4)
    begin = time.process_time()
    assert len(rtcp.parse(most_packets)) == rtcp.MAX_OCTETS // 4
    assert len(rtcp.parse(most_items)) == 1
    assert time.process_time() - begin < 0.5


# ------------------------------------------------------------------ what is written

uint32 = st.integers(0, 0xFFFFFFFF)
blocks = st.lists(
    st.builds(
        rtcp.ReportBlock,
        uint32,
        st.integers(0, 255),
        st.integers(rtcp.LOST_MIN, rtcp.LOST_MAX),
        uint32,
        uint32,
        uint32,
        uint32,
    ),
    max_size=31,
).map(tuple)
words = st.integers(0, 3).flatmap(lambda count: st.binary(min_size=4 * count, max_size=4 * count))
items = st.lists(st.builds(rtcp.SdesItem, st.integers(1, 255), st.binary(max_size=255)), max_size=4).map(tuple)
packets = st.one_of(
    st.builds(
        rtcp.SenderReport, uint32, st.integers(0, 2**64 - 1), uint32, uint32, uint32, blocks=blocks, extension=words
    ),
    st.builds(rtcp.ReceiverReport, uint32, blocks=blocks, extension=words),
    st.builds(
        rtcp.SourceDescription,
        st.lists(st.builds(rtcp.SdesChunk, uint32, items), max_size=5).map(tuple),
        st.just(False),
    ),
    st.builds(
        rtcp.Goodbye,
        st.lists(uint32, max_size=31).map(tuple),
        st.text(max_size=60),
    ),
    st.builds(rtcp.Unknown, st.integers(204, 206), st.integers(0, 31), words),
)


@FAST
@given(st.lists(packets, min_size=1, max_size=4))
def test_round_trip(chain: list[rtcp.Packet]) -> None:
    data = rtcp.build(chain)
    if len(data) <= rtcp.MAX_OCTETS:
        assert rtcp.parse(data) == chain


def test_lost_beyond_24_bits_is_clamped() -> None:
    for lost, written in ((10**9, rtcp.LOST_MAX), (-(10**9), rtcp.LOST_MIN)):
        report = one(rtcp.build([rtcp.ReceiverReport(1, (rtcp.ReportBlock(2, 255, lost, 0, 0, 0, 0),))]))
        assert isinstance(report, rtcp.ReceiverReport)
        assert (report.blocks[0].lost, report.blocks[0].fraction_lost) == (written, 255)


def test_long_texts_are_cut_between_characters() -> None:
    assert rtcp.clipped_text("é" * 200) == ("é" * 127).encode()
    assert rtcp.clipped_text("\udcff") == b"?"
    description = one(rtcp.build([rtcp.cname_description(1, "x" * 999)]))
    assert isinstance(description, rtcp.SourceDescription)
    assert description.cname(1) == "x" * 255


@pytest.mark.parametrize(
    "packet",
    [
        rtcp.ReceiverReport(1, (rtcp.ReportBlock(1, 0, 0, 0, 0, 0, 0),) * 32),
        rtcp.ReceiverReport(1, (), b"odd"),
        rtcp.Malformed(200, "whatever"),
    ],
)
def test_what_cannot_be_written(packet: rtcp.Packet) -> None:
    with pytest.raises(ValueError):
        rtcp.build([packet])


# ------------------------------------------------------------------ hostile bytes


@FAST
@given(st.binary(max_size=120))
def test_any_bytes_parse_or_raise_the_one_error(data: bytes) -> None:
    try:
        rtcp.parse(data)
    except MediaError:
        pass


@FAST
@given(st.integers(200, 207), st.integers(0, 31), words, st.binary(max_size=60))
def test_any_body_in_a_sound_frame_is_read(packet_type: int, count: int, body: bytes, more: bytes) -> None:
    body += more[: len(more) // 4 * 4]
    frame = bytes((0x80 | count, packet_type)) + (len(body) // 4).to_bytes(2, "big") + body
    assert len(rtcp.parse(frame)) == 1


@FAST
@given(st.data())
def test_mutations_of_a_real_compound(data: st.DataObject) -> None:
    wire = bytearray(SR + SDES + bytes.fromhex("81cb0003 00000001 05") + b"hello" + b"\0\0")
    for _ in range(data.draw(st.integers(1, 4))):
        wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(st.integers(0, 255))
    try:
        rtcp.parse(bytes(wire[: data.draw(st.integers(0, len(wire)))]))
    except MediaError:
        pass


# ------------------------------------------------------------------ NTP


def test_ntp_of_known_moments() -> None:
    assert rtcp.ntp_from_wall(0.0) == 2_208_988_800 << 32
    assert rtcp.ntp_from_wall(1.5) == (2_208_988_801 << 32) + 0x80000000
    assert rtcp.ntp_middle(0x1234_5678_9ABC_DEF0) == 0x5678_9ABC


def test_ntp_survives_the_end_of_its_era() -> None:
    """In February 2036 the 32 bits of seconds wrap."""
    rollover = float((1 << 32) - 2_208_988_800)
    assert rtcp.ntp_from_wall(rollover) == 0
    assert rtcp.ntp_from_wall(rollover - 0.5) >> 32 == 0xFFFFFFFF
    for wall in (rollover - 10.25, rollover, rollover + 10.25):
        assert rtcp.wall_from_ntp(rtcp.ntp_from_wall(wall), near_wall=rollover) == pytest.approx(wall, abs=1e-6)


@FAST
@given(st.floats(0, 8e9), st.floats(-1e8, 1e8))
def test_ntp_round_trip(wall: float, away: float) -> None:
    ntp = rtcp.ntp_from_wall(wall)
    assert 0 <= ntp < 1 << 64
    assert rtcp.wall_from_ntp(ntp, wall + away) == pytest.approx(wall, abs=2e-6)
