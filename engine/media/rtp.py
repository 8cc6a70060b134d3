"""RTP packets (RFC 3550 section 5): bytes to packet and back.

The fixed header, then up to 15 CSRCs, an optional header extension, the payload, and optional padding whose
last octet says how long it is. Nearly every packet of a call has none of the optional parts: first octet 0x80.
"""

from __future__ import annotations

from dataclasses import dataclass
from struct import Struct
from struct import error as StructError

from engine.media.errors import MediaError

HEADER_OCTETS = 12

_HEADER = Struct("!BBHII")
_EXTENSION = Struct("!HH")
_unpack_header = _HEADER.unpack_from
_pack_header = _HEADER.pack

_PLAIN = 0x80  # version 2, no padding, no extension, no CSRC
_PADDING = 0x20
_EXTENDED = 0x10
_CSRC_COUNT = 0x0F
_MARKER = 0x80

# SR to XR, as the second octet shows them. RFC 3551 keeps payload types 72 to 76 free, so that RTCP which strayed
# to the RTP port can be told from RTP (RFC 3550 A.1), and RFC 5761 section 4 those of the newer types as well.
_RTCP_FIRST, _RTCP_LAST = 200, 207


@dataclass(slots=True)
class RtpPacket:
    """One packet. Not frozen: making it costs a quarter so, and nobody keeps it for long."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    csrcs: tuple[int, ...] = ()
    extension: tuple[int, bytes] | None = None  # (what the profile calls it, its words)


def parse(data: bytes) -> RtpPacket:
    """Read one datagram; :class:`MediaError` when it is not RTP version 2."""
    try:
        first, second, sequence, timestamp, ssrc = _unpack_header(data)
    except StructError:
        raise MediaError("RTP packet shorter than its header") from None
    if _RTCP_FIRST <= second <= _RTCP_LAST:
        raise MediaError("RTCP on the RTP port")
    if first == _PLAIN:
        return RtpPacket(second & 0x7F, second >= _MARKER, sequence, timestamp, ssrc, data[HEADER_OCTETS:])
    if first >> 6 != 2:
        raise MediaError("RTP packet of another version")
    csrcs, extension, start = _read_optional(data, first)
    end = _payload_end(data, start) if first & _PADDING else len(data)
    payload = data[start:end]
    return RtpPacket(second & 0x7F, second >= _MARKER, sequence, timestamp, ssrc, payload, csrcs, extension)


def _read_optional(data: bytes, first: int) -> tuple[tuple[int, ...], tuple[int, bytes] | None, int]:
    """The CSRC list (5.1), the header extension (5.3.1), and where they end."""
    count = first & _CSRC_COUNT
    position = HEADER_OCTETS + 4 * count
    if position > len(data):
        raise MediaError("RTP packet ends within its CSRC list")
    csrcs = tuple(int.from_bytes(data[at : at + 4], "big") for at in range(HEADER_OCTETS, position, 4))
    if not first & _EXTENDED:
        return csrcs, None, position
    if position + _EXTENSION.size > len(data):
        raise MediaError("RTP packet ends within its header extension")
    profile, words = _EXTENSION.unpack_from(data, position)
    start = position + _EXTENSION.size
    end = start + 4 * words
    if end > len(data):
        raise MediaError("RTP header extension longer than the packet")
    return csrcs, (profile, data[start:end]), end


def _payload_end(data: bytes, start: int) -> int:
    """Where the padding begins: its last octet counts all of it, itself included (5.1)."""
    padding = data[-1]
    if padding == 0 or len(data) - padding < start:
        raise MediaError("RTP padding longer than the payload")
    return len(data) - padding


def build(payload_type: int, marker: bool, sequence: int, timestamp: int, ssrc: int, payload: bytes) -> bytes:
    """One packet with nothing optional. The caller keeps the numbers within their 7, 16, 32 and 32 bits."""
    return _pack_header(_PLAIN, payload_type | _MARKER if marker else payload_type, sequence, timestamp, ssrc) + payload
