"""RTCP packets (RFC 3550 section 6): compound datagrams to packets and back.

A datagram is a chain of packets, each with a four-octet header that holds its length. :func:`parse` wants the
chain itself to be sound (A.2): version 2 everywhere, lengths that add up, padding in the last packet only, a
packet type of RTCP's at the front. What is wrong *inside* one packet spoils that packet alone: it comes back
as :class:`Malformed` and its neighbours are read. Types we do not use come back as :class:`Unknown`.

A.2 also asks for SR or RR in front. Ends that send a lonely SDES, BYE or feedback packet exist (RFC 5506 made
it legal), and nothing that RTCP says can harm a call, so any type from SR to XR is taken there.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from struct import Struct

from engine.media import xr
from engine.media.errors import MediaError
from engine.media.xr import ExtendedReport

SR, RR, SDES, BYE, APP, RTPFB, PSFB, XR = 200, 201, 202, 203, 204, 205, 206, 207

END, CNAME, NAME, EMAIL, PHONE, LOC, TOOL, NOTE, PRIV = range(9)  # SDES item types (6.5)

MAX_OCTETS = 8192  # of a datagram: far more than any end sends, and little enough to read in a millisecond or two
MAX_BLOCKS = 31  # the count field has five bits
MAX_TEXT_OCTETS = 255
LOST_MIN, LOST_MAX = -0x800000, 0x7FFFFF  # cumulative lost is a signed 24 bit number (6.4.1)

_HEADER = Struct("!BBH")
_WORD = Struct("!I")
_SENDER_INFO = Struct("!IQIII")  # SSRC, NTP, RTP timestamp, packets, octets
_BLOCK = Struct("!IIIIII")  # SSRC, fraction and lost, highest sequence, jitter, LSR, DLSR

_VERSION_2 = 0x80
_PADDING = 0x20
_COUNT = 0x1F


@dataclass(frozen=True, slots=True)
class ReportBlock:
    """What one end received of one SSRC (6.4.1)."""

    ssrc: int
    fraction_lost: int  # of the last interval, in 1/256
    lost: int  # since the beginning; signed 24 bits
    highest_sequence: int  # extended: cycles in the upper 16 bits
    jitter: int  # in timestamp units
    last_sr: int  # middle 32 bits of the NTP stamp of the last SR, 0 for none
    delay_since_last_sr: int  # in 1/65536 s


@dataclass(frozen=True, slots=True)
class SenderReport:
    """SR: what its sender has sent, and how it hears others (6.4.1)."""

    ssrc: int
    ntp: int  # 64 bits: seconds since 1900 and their fraction
    rtp_timestamp: int  # the same instant on the media clock
    packets: int
    octets: int
    blocks: tuple[ReportBlock, ...] = ()
    extension: bytes = b""  # words a profile may add (6.4.3)


@dataclass(frozen=True, slots=True)
class ReceiverReport:
    """RR: how its sender hears others (6.4.2)."""

    ssrc: int
    blocks: tuple[ReportBlock, ...] = ()
    extension: bytes = b""


@dataclass(frozen=True, slots=True)
class SdesItem:
    """One item of a chunk (6.5)."""

    type: int
    value: bytes

    @property
    def text(self) -> str:
        """The value as text. As the far end wrote it: faces make it safe to show."""
        return self.value.decode("utf-8", "replace")

    @property
    def private(self) -> tuple[bytes, bytes] | None:
        """Prefix and value of a PRIV item (6.5.8); None for any other, or when the prefix does not fit."""
        if self.type != PRIV or not self.value or self.value[0] >= len(self.value):
            return None
        split = 1 + self.value[0]
        return self.value[1:split], self.value[split:]


@dataclass(frozen=True, slots=True)
class SdesChunk:
    """What is said of one source (6.5)."""

    ssrc: int
    items: tuple[SdesItem, ...] = ()


@dataclass(frozen=True, slots=True)
class SourceDescription:
    """SDES (6.5)."""

    chunks: tuple[SdesChunk, ...] = ()
    truncated: bool = False  # it ended in the middle of something; what came before is here

    def cname(self, ssrc: int) -> str | None:
        for chunk in self.chunks:
            if chunk.ssrc == ssrc:
                for item in chunk.items:
                    if item.type == CNAME:
                        return item.text
        return None


@dataclass(frozen=True, slots=True)
class Goodbye:
    """BYE: sources that leave (6.6)."""

    ssrcs: tuple[int, ...]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A packet we have no use for: APP, feedback, and whatever is invented next."""

    packet_type: int
    count: int
    body: bytes


@dataclass(frozen=True, slots=True)
class Malformed:
    """A packet whose own length is sound but whose content is not."""

    packet_type: int
    problem: str


Packet = SenderReport | ReceiverReport | SourceDescription | Goodbye | ExtendedReport | Unknown | Malformed


# ------------------------------------------------------------------ reading


def parse(data: bytes) -> list[Packet]:
    """Read one datagram; :class:`MediaError` when it is no chain of RTCP packets (A.2)."""
    if len(data) < _HEADER.size:
        raise MediaError("RTCP datagram shorter than a header")
    if len(data) > MAX_OCTETS:
        raise MediaError("RTCP datagram of absurd length")
    if not SR <= data[1] <= XR:
        raise MediaError(f"RTCP datagram begins with packet type {data[1]}")
    packets: list[Packet] = []
    position = 0
    while position < len(data):
        first, packet_type, body, position = _next_packet(data, position)
        packets.append(_read_packet(packet_type, first & _COUNT, body))
    return packets


def _next_packet(data: bytes, position: int) -> tuple[int, int, bytes, int]:
    """First octet, type, body without padding, and where the next packet begins."""
    if position + _HEADER.size > len(data):
        raise MediaError("RTCP datagram ends within a header")
    first, packet_type, words = _HEADER.unpack_from(data, position)
    if first >> 6 != 2:
        raise MediaError("RTCP packet of another version")
    start, end = position + _HEADER.size, position + 4 * (words + 1)
    if end > len(data):
        raise MediaError("RTCP packet longer than its datagram")
    if first & _PADDING:
        if end != len(data):
            raise MediaError("RTCP padding before the last packet")
        return first, packet_type, data[start : end - _padding(data, start)], end
    return first, packet_type, data[start:end], end


def _padding(data: bytes, start: int) -> int:
    padding = data[-1]
    if padding == 0 or padding % 4 or padding > len(data) - start:
        raise MediaError("RTCP padding of an impossible length")
    return padding


def _read_packet(packet_type: int, count: int, body: bytes) -> Packet:
    reader = _READERS.get(packet_type)
    if reader is None:
        return Unknown(packet_type, count, body)
    try:
        return reader(count, body)
    except MediaError as problem:
        return Malformed(packet_type, str(problem))


def _read_sender_report(count: int, body: bytes) -> Packet:
    if len(body) < _SENDER_INFO.size:
        raise MediaError("SR ends within its sender info")
    ssrc, ntp, rtp_timestamp, packets, octets = _SENDER_INFO.unpack_from(body)
    blocks, extension = _read_blocks(count, body, _SENDER_INFO.size)
    return SenderReport(ssrc, ntp, rtp_timestamp, packets, octets, blocks, extension)


def _read_receiver_report(count: int, body: bytes) -> Packet:
    if len(body) < _WORD.size:
        raise MediaError("RR without the SSRC of its sender")
    blocks, extension = _read_blocks(count, body, _WORD.size)
    return ReceiverReport(int.from_bytes(body[:4], "big"), blocks, extension)


def _read_blocks(count: int, body: bytes, start: int) -> tuple[tuple[ReportBlock, ...], bytes]:
    end = start + count * _BLOCK.size
    if end > len(body):
        raise MediaError("report with fewer blocks than it says")
    return tuple(_read_block(body, at) for at in range(start, end, _BLOCK.size)), body[end:]


def _read_block(body: bytes, at: int) -> ReportBlock:
    ssrc, loss, highest, jitter, last_sr, delay = _BLOCK.unpack_from(body, at)
    lost = loss & 0xFFFFFF
    if lost > LOST_MAX:
        lost -= 0x1000000
    return ReportBlock(ssrc, loss >> 24, lost, highest, jitter, last_sr, delay)


def _read_source_description(count: int, body: bytes) -> Packet:
    chunks: list[SdesChunk] = []
    position = 0
    for _ in range(count):
        if position + _WORD.size > len(body):
            return SourceDescription(tuple(chunks), truncated=True)
        ssrc = int.from_bytes(body[position : position + 4], "big")
        items, position, truncated = _read_items(body, position + 4)
        chunks.append(SdesChunk(ssrc, items))
        if truncated:
            return SourceDescription(tuple(chunks), truncated=True)
    return SourceDescription(tuple(chunks))


def _read_items(body: bytes, position: int) -> tuple[tuple[SdesItem, ...], int, bool]:
    """The items of one chunk, where the next chunk begins, and whether the body ended too early.

    The list ends with one null octet or more, up to a word boundary (6.5). The end of the packet does as well.
    """
    items: list[SdesItem] = []
    while position < len(body):
        item_type = body[position]
        if item_type == END:
            return tuple(items), position + 4 - position % 4, False
        end = position + 2 + (body[position + 1] if position + 1 < len(body) else MAX_TEXT_OCTETS)
        if end > len(body):
            return tuple(items), len(body), True
        items.append(SdesItem(item_type, body[position + 2 : end]))
        position = end
    return tuple(items), position, False


def _read_goodbye(count: int, body: bytes) -> Packet:
    end = 4 * count
    if end > len(body):
        raise MediaError("BYE with fewer SSRCs than it says")
    ssrcs = tuple(int.from_bytes(body[at : at + 4], "big") for at in range(0, end, 4))
    reason = body[end + 1 : end + 1 + body[end]] if end < len(body) else b""
    return Goodbye(ssrcs, reason.decode("utf-8", "replace"))


_READERS = {
    SR: _read_sender_report,
    RR: _read_receiver_report,
    SDES: _read_source_description,
    BYE: _read_goodbye,
    XR: lambda _count, body: xr.parse(body),
}


# ------------------------------------------------------------------ writing


def build(packets: Iterable[Packet]) -> bytes:
    """A compound datagram. SR or RR belongs in front, a Goodbye at the end (6.1): the caller sees to that."""
    return b"".join(_build_packet(packet) for packet in packets)


def _build_packet(packet: Packet) -> bytes:
    if isinstance(packet, SenderReport):
        info = _SENDER_INFO.pack(packet.ssrc, packet.ntp, packet.rtp_timestamp, packet.packets, packet.octets)
        return _framed(SR, len(packet.blocks), info + _build_blocks(packet.blocks) + packet.extension)
    if isinstance(packet, ReceiverReport):
        body = _WORD.pack(packet.ssrc) + _build_blocks(packet.blocks) + packet.extension
        return _framed(RR, len(packet.blocks), body)
    if isinstance(packet, SourceDescription):
        return _framed(SDES, len(packet.chunks), b"".join(_build_chunk(chunk) for chunk in packet.chunks))
    if isinstance(packet, Goodbye):
        return _framed(BYE, len(packet.ssrcs), _build_goodbye(packet))
    if isinstance(packet, ExtendedReport):
        return _framed(XR, 0, xr.build(packet.ssrc, packet.blocks))
    if isinstance(packet, Unknown):
        return _framed(packet.packet_type, packet.count, packet.body)
    raise ValueError("a malformed packet cannot be written")


def _framed(packet_type: int, count: int, body: bytes) -> bytes:
    if count > MAX_BLOCKS or len(body) % 4:
        raise ValueError("an RTCP packet has at most 31 parts and whole words")
    return _HEADER.pack(_VERSION_2 | count, packet_type, len(body) // 4) + body


def _build_blocks(blocks: tuple[ReportBlock, ...]) -> bytes:
    return b"".join(_build_block(block) for block in blocks)


def _build_block(block: ReportBlock) -> bytes:
    lost = max(LOST_MIN, min(LOST_MAX, block.lost)) & 0xFFFFFF
    loss = block.fraction_lost << 24 | lost
    return _BLOCK.pack(block.ssrc, loss, block.highest_sequence, block.jitter, block.last_sr, block.delay_since_last_sr)


def _build_chunk(chunk: SdesChunk) -> bytes:
    body = _WORD.pack(chunk.ssrc)
    for item in chunk.items:
        value = item.value[:MAX_TEXT_OCTETS]
        body += bytes((item.type, len(value))) + value
    return body + bytes(4 - len(body) % 4)  # at least one null octet ends the list


def _build_goodbye(packet: Goodbye) -> bytes:
    body = b"".join(_WORD.pack(ssrc) for ssrc in packet.ssrcs)
    if not packet.reason:
        return body
    reason = clipped_text(packet.reason)
    body += bytes((len(reason),)) + reason
    return body + bytes(-len(body) % 4)


def clipped_text(text: str) -> bytes:
    """UTF-8 of at most 255 octets, never cut within a character."""
    return text.encode("utf-8", "replace")[:MAX_TEXT_OCTETS].decode("utf-8", "ignore").encode("utf-8")


def cname_description(ssrc: int, cname: str) -> SourceDescription:
    """The one SDES packet every compound datagram must carry (6.5.1)."""
    return SourceDescription((SdesChunk(ssrc, (SdesItem(CNAME, clipped_text(cname)),)),))


# ------------------------------------------------------------------ NTP time (section 4)

_NTP_UNIX_OFFSET_S = 2_208_988_800  # 1900 to 1970
_ERA_S = 1 << 32  # era 1 begins in February 2036


def ntp_from_wall(wall: float) -> int:
    """Seconds since 1970 as a 64 bit NTP stamp, in whatever era that falls."""
    seconds = int(wall // 1)
    fraction = int((wall - seconds) * _ERA_S)
    return ((seconds + _NTP_UNIX_OFFSET_S) % _ERA_S) << 32 | fraction


def wall_from_ntp(ntp: int, near_wall: float) -> float:
    """A 64 bit NTP stamp as seconds since 1970, in the era that brings it nearest to ``near_wall``."""
    wall = (ntp >> 32) - _NTP_UNIX_OFFSET_S + (ntp & 0xFFFFFFFF) / _ERA_S
    return wall + _ERA_S * round((near_wall - wall) / _ERA_S)


def ntp_middle(ntp: int) -> int:
    """The middle 32 bits, in 1/65536 s, which LSR uses (6.4.1)."""
    return ntp >> 16 & 0xFFFFFFFF
