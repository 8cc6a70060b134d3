"""Redundant audio data (RFC 2198): what is read, what is written, what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media import MediaError, red
from engine.media.red import Block

FAST = settings(max_examples=200, deadline=None)

# The packet of RFC 2198 section 6: DVI4 (5) at 8 kHz, a reduced LPC (7) of 14 octets one frame of 20 ms before it.
EXAMPLE = bytes.fromhex("87 02800e 05") + b"L" * 14 + b"D" * 84


def test_the_example_of_the_rfc() -> None:
    assert red.parse(EXAMPLE, 1000) == [Block(7, 840, b"L" * 14), Block(5, 1000, b"D" * 84)]


def test_what_is_built_is_what_was_read() -> None:
    assert red.build(Block(5, 1000, b"D" * 84), [Block(7, 840, b"L" * 14)]) == EXAMPLE


def test_the_timestamp_wraps() -> None:
    payload = red.build(Block(0, 100, b"now"), [Block(0, 2**32 - 60, b"then")])
    assert payload is not None
    assert red.parse(payload, 100) == [Block(0, 2**32 - 60, b"then"), Block(0, 100, b"now")]


def test_a_packet_may_have_no_redundancy() -> None:
    assert red.parse(b"\x00sound", 7) == [Block(0, 7, b"sound")]


def test_an_own_block_may_be_empty() -> None:
    assert red.parse(bytes.fromhex("80028001 00 ff"), 160) == [Block(0, 0, b"\xff"), Block(0, 160, b"")]


WRONG = {
    "empty": (b"", "without a last block header"),
    "header_cut_off": (b"\x80\x02\x80", "within a block header"),
    "only_redundant_headers": (bytes.fromhex("80028000"), "without a last block header"),
    "block_cut_off": (bytes.fromhex("80028002 00 ff"), "within a block"),
    "headers_without_end": (bytes.fromhex("80028000") * 300 + b"\0", "more than 32 blocks"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_refused(name: str) -> None:
    data, text = WRONG[name]
    with pytest.raises(MediaError, match=text):
        red.parse(data, 0)


@pytest.mark.parametrize(
    "block",
    [
        Block(0, 20_000 - red.MAX_OFFSET - 1, b"too old"),
        Block(0, 20_000, b"the same frame"),
        Block(0, 20_160, b"from later on"),
        Block(11, 19_840, bytes(red.MAX_LENGTH + 1)),
        Block(0, 19_840, b""),
    ],
    ids=lambda block: block.payload[:14].decode().strip("\0") or "size",
)
def test_what_does_not_fit_is_left_out(block: Block) -> None:
    own = Block(0, 20_000, b"own")
    assert red.build(own, [block]) is None
    payload = red.build(own, [block, Block(8, 19_840, b"fits")])
    assert payload is not None
    assert red.parse(payload, 20_000) == [Block(8, 19_840, b"fits"), own]


def test_the_oldest_is_left_out_of_a_full_datagram() -> None:
    frames = [Block(96, 320 * number, bytes((number,)) * 400) for number in range(4)]
    payload = red.build(frames[3], frames[:3])
    assert payload is not None and len(payload) <= red.MAX_PAYLOAD
    assert red.parse(payload, 960) == frames[2:]
    assert red.build(frames[3], frames[:3], room=600) is None


blocks = st.builds(Block, st.integers(0, 127), st.integers(1, red.MAX_OFFSET), st.binary(min_size=1, max_size=60))


@FAST
@given(st.integers(0, 127), st.integers(0, 2**32 - 1), st.binary(max_size=60), st.lists(blocks, min_size=1, max_size=8))
def test_any_blocks_come_through(payload_type: int, timestamp: int, own: bytes, earlier: list[Block]) -> None:
    frame = Block(payload_type, timestamp, own)
    sent = [Block(block.payload_type, (timestamp - block.timestamp) % 2**32, block.payload) for block in earlier]
    payload = red.build(frame, sent)
    assert payload is not None
    assert red.parse(payload, timestamp) == [*sent, frame]


@FAST
@given(st.binary(max_size=120), st.integers(0, 2**32 - 1))
def test_any_bytes_are_read_or_refused(data: bytes, timestamp: int) -> None:
    try:
        found = red.parse(data, timestamp)
    except MediaError:
        return
    heads = 4 * (len(found) - 1) + 1
    assert heads + sum(len(block.payload) for block in found) == len(data)
    assert found[-1].timestamp == timestamp
