"""Extended reports, octet by octet."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.media import xr
from engine.media.errors import MediaError
from engine.media.xr import DelaySinceLast, ReceiverReferenceTime, StatisticsSummary, VoipMetrics

U8, U16, U32 = st.integers(0, 255), st.integers(0, 65535), st.integers(0, 2**32 - 1)
VOIP = st.builds(
    VoipMetrics, U32, U8, U8, U8, U8, U16, U16, U16, U16, st.integers(-128, 127), st.integers(-128, 127),
    U8, U8, U8, U8, U8, U8, U8, U16, U16, U16,
)  # fmt: skip
BLOCKS = st.one_of(
    st.builds(ReceiverReferenceTime, st.integers(0, 2**64 - 1)),
    st.builds(DelaySinceLast, st.lists(st.tuples(U32, U32, U32), max_size=4).map(tuple)),
    st.builds(
        StatisticsSummary, U32, U16, U16, st.none() | U32, st.none() | U32, st.none() | st.tuples(U32, U32, U32, U32)
    ),
    VOIP,
)


def test_the_voip_metrics_block_lies_as_the_rfc_draws_it() -> None:
    """RFC 3611 section 4.7: block type 7, eight words after the header."""
    metrics = VoipMetrics(0x01020304, 5, 6, 7, 8, 0x0910, 0x1112, 0x1314, 0x1516, -23, -60, 40, 16, 93, 127, 44, 41,
                          0xF0, 0x0102, 0x0304, 0x0506)  # fmt: skip
    assert xr.build(0xAABBCCDD, [metrics]).hex() == (
        "aabbccdd0700000801020304050607080910111213141516e9c428105d7f2c29f000010203040506"
    )


def test_reference_time_and_its_echo() -> None:
    body = xr.build(1, [ReceiverReferenceTime(0x1122334455667788), DelaySinceLast(((2, 0x33445566, 65536),))])
    assert body.hex() == "0000000104000002112233445566778805000003000000023344556600010000"


def test_a_summary_says_which_of_its_figures_are_there() -> None:
    body = xr.build(1, [StatisticsSummary(2, 10, 20, lost=3, jitter=(1, 9, 4, 2))])
    assert body[4:8].hex() == "06a00009"
    assert xr.parse(body).blocks == (StatisticsSummary(2, 10, 20, 3, None, (1, 9, 4, 2)),)


@pytest.mark.parametrize(
    ("cq", "lq", "mos"), [(41, 43, 4.1), (127, 43, 4.3), (127, 127, None), (0, 43, 4.3), (0, 3, None), (255, 9, None)]
)
def test_an_opinion_is_one_only_where_it_can_be(cq: int, lq: int, mos: float | None) -> None:
    assert VoipMetrics(1, 0, 0, 0, 0, 0, 0, 0, 0, mos_cq=cq, mos_lq=lq).mos == mos


@given(st.lists(BLOCKS, max_size=8), U32)
def test_what_is_written_can_be_read(blocks: list, ssrc: int) -> None:
    body = xr.build(ssrc, blocks)
    assert len(body) % 4 == 0
    assert xr.parse(body) == xr.ExtendedReport(ssrc, tuple(blocks))


def test_unknown_blocks_are_skipped_and_broken_ones_counted() -> None:
    known = ReceiverReferenceTime(5)
    good = xr.build(1, [known])[4:]
    assert xr.parse(b"\0\0\0\1" + b"\xc8\0\0\1abcd" + good) == xr.ExtendedReport(1, (known,))
    assert xr.parse(b"\0\0\0\1" + b"\4\0\0\1abcd" + good) == xr.ExtendedReport(1, (known,), 1)
    assert xr.parse(b"\0\0\0\1" + good + b"\7\0\xff\xff") == xr.ExtendedReport(1, (known,), 1)
    with pytest.raises(MediaError):
        xr.parse(b"abc")


@given(st.binary(max_size=400))
def test_any_octets_do_no_harm(body: bytes) -> None:
    try:
        found = xr.parse(body)
    except MediaError:
        return
    assert len(found.blocks) + found.malformed <= xr.MOST_BLOCKS
