"""Redundant audio data (RFC 2198): one RTP payload that carries earlier frames besides its own.

Each earlier frame has a header of four octets, the frame the packet is really about one of a single octet, and
then follow the payloads in the same order, oldest first::

    |1| block PT (7) | timestamp offset (14) | block length (10) |      for every earlier frame
    |0| block PT (7) |                                                  for the packet's own, which goes to the end

The offset is how much earlier than the RTP timestamp the block was sampled: at 48 kHz no more than 341 ms. A block
has at most 1023 octets. What does not fit into these fields, or not into the datagram, is left out: a receiver
cannot tell, and needs no telling, how many generations a packet ought to have.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct

from engine.media.errors import MediaError

MAX_OFFSET = (1 << 14) - 1  # timestamp units
MAX_LENGTH = (1 << 10) - 1  # octets
MAX_BLOCKS = 32  # of one packet, its own among them
MAX_PAYLOAD = 1200  # octets of the whole, so that no path has to cut the datagram in two

_HEADER = Struct("!I")
_MORE = 0x80
_TIMESTAMPS = 1 << 32


@dataclass(frozen=True, slots=True)
class Block:
    """One frame: as if it had been the payload of an RTP packet of its own."""

    payload_type: int
    timestamp: int  # RTP timestamp, 32 bits
    payload: bytes


def parse(payload: bytes, timestamp: int) -> list[Block]:
    """The blocks of a payload whose packet has this RTP timestamp; the last one is the packet's own."""
    heads: list[tuple[int, int, int]] = []  # payload type, timestamp, length
    position = 0
    while position < len(payload) and payload[position] & _MORE:
        if position + _HEADER.size > len(payload):
            raise MediaError("redundant payload ends within a block header")
        if len(heads) == MAX_BLOCKS - 1:
            raise MediaError(f"redundant payload of more than {MAX_BLOCKS} blocks")
        (word,) = _HEADER.unpack_from(payload, position)
        offset = word >> 10 & MAX_OFFSET
        heads.append((word >> 24 & 0x7F, (timestamp - offset) % _TIMESTAMPS, word & MAX_LENGTH))
        position += _HEADER.size
    if position == len(payload):
        raise MediaError("redundant payload without a last block header")
    own_type = payload[position]
    position += 1
    own_at = position + sum(length for _, _, length in heads)
    if own_at > len(payload):
        raise MediaError("redundant payload ends within a block")
    blocks = []
    for payload_type, block_timestamp, length in heads:
        blocks.append(Block(payload_type, block_timestamp, payload[position : position + length]))
        position += length
    blocks.append(Block(own_type, timestamp, payload[own_at:]))
    return blocks


def build(own: Block, earlier: Sequence[Block], room: int = MAX_PAYLOAD) -> bytes | None:
    """A payload of ``own`` and as many of ``earlier`` (oldest first) as fit into ``room`` octets, the newest before
    the older ones; None when none does, and plain is as good."""
    fitting: list[tuple[int, Block]] = []
    octets = 1 + len(own.payload)
    for block in reversed(earlier):
        offset = (own.timestamp - block.timestamp) % _TIMESTAMPS
        more = _HEADER.size + len(block.payload)
        if 0 < offset <= MAX_OFFSET and 0 < len(block.payload) <= MAX_LENGTH and octets + more <= room:
            fitting.append((offset, block))
            octets += more
    if not fitting:
        return None
    fitting.reverse()
    heads = [
        _HEADER.pack((_MORE | block.payload_type) << 24 | offset << 10 | len(block.payload))
        for offset, block in fitting
    ]
    return b"".join((*heads, bytes((own.payload_type,)), *(block.payload for _, block in fitting), own.payload))
