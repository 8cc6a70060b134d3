"""Extended reports (RFC 3611): what RTCP's own reports leave out.

    ReceiverReferenceTime, DelaySinceLast   a round trip for an end that sends nothing (4.4, 4.5)
    StatisticsSummary                       losses, duplicates and jitter of an interval (4.6)
    VoipMetrics                             how a call sounds to the one who reports: bursts, delays, R, MOS (4.7)

One XR packet has the SSRC of its sender and any number of blocks, each with its type and length, so that unknown ones
are skipped. A block whose length does not fit its type is left out and counted.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from struct import Struct

from engine.media.errors import MediaError

RECEIVER_REFERENCE_TIME, DELAY_SINCE_LAST, STATISTICS_SUMMARY, VOIP_METRICS = 4, 5, 6, 7
MOST_BLOCKS = 32
UNKNOWN = 127  # of levels, R and MOS
GMIN = 16
PLC_ENHANCED, BUFFER_ADAPTIVE = 3 << 6, 3 << 4  # of the receiver configuration byte

_BLOCK = Struct("!BBH")
_WORD = Struct("!I")
_NTP = Struct("!Q")
_SUBBLOCK = Struct("!III")
_SUMMARY = Struct("!IHHIIIIIIBBBB")
_VOIP = Struct("!IBBBBHHHHbbBBBBBBBBHHH")
_LOSS, _DUPLICATES, _JITTER = 0x80, 0x40, 0x20  # flags of a summary: which figures are there


@dataclass(frozen=True, slots=True)
class ReceiverReferenceTime:
    """RRTR: when its sender sent it (4.4)."""

    ntp: int  # 64 bits


@dataclass(frozen=True, slots=True)
class DelaySinceLast:
    """For each receiver its SSRC, the middle of its last reference time, and how long ago that came (1/65536 s)."""

    entries: tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class StatisticsSummary:
    """From sequence number ``begin`` to before ``end``; jitter in units of the RTP clock. None: not reported."""

    ssrc: int
    begin: int
    end: int
    lost: int | None = None
    duplicates: int | None = None
    jitter: tuple[int, int, int, int] | None = None  # least, most, mean, deviation


@dataclass(frozen=True, slots=True)
class VoipMetrics:
    """Rates and densities in 1/256, times in ms, levels in dBm0, MOS in tenths; ``UNKNOWN`` (127) where not known."""

    ssrc: int
    loss_rate: int
    discard_rate: int
    burst_density: int
    gap_density: int
    burst_ms: int
    gap_ms: int
    round_trip_ms: int
    end_system_ms: int
    signal_dbm0: int = UNKNOWN
    noise_dbm0: int = UNKNOWN
    echo_loss_db: int = UNKNOWN
    gmin: int = GMIN
    r: int = UNKNOWN
    external_r: int = UNKNOWN
    mos_lq: int = UNKNOWN
    mos_cq: int = UNKNOWN
    configuration: int = PLC_ENHANCED | BUFFER_ADAPTIVE
    buffer_ms: int = 0
    buffer_highest_ms: int = 0
    buffer_limit_ms: int = 0

    @property
    def mos(self) -> float | None:
        """Of conversation, or else of listening; what is no score at all was not meant to be one."""
        return next((told / 10 for told in (self.mos_cq, self.mos_lq) if 10 <= told <= 50), None)


Block = ReceiverReferenceTime | DelaySinceLast | StatisticsSummary | VoipMetrics


@dataclass(frozen=True, slots=True)
class ExtendedReport:
    """XR: blocks about sources, from one of them (2)."""

    ssrc: int
    blocks: tuple[Block, ...]
    malformed: int = 0  # blocks that could not be read


# ------------------------------------------------------------------ reading


def parse(body: bytes) -> ExtendedReport:
    """The body of an XR packet, after its RTCP header; MediaError when there is not even an SSRC."""
    if len(body) < _WORD.size:
        raise MediaError("XR without the SSRC of its sender")
    blocks: list[Block] = []
    malformed = 0
    for kind, specific, content in _blocks(body):
        if content is None:
            malformed += 1
            break
        reader = _READERS.get(kind)
        if reader is None:
            continue
        try:
            blocks.append(reader(specific, content))
        except MediaError:
            malformed += 1
    return ExtendedReport(int.from_bytes(body[:4], "big"), tuple(blocks), malformed)


def _blocks(body: bytes) -> Iterator[tuple[int, int, bytes | None]]:
    """Type, type-specific octet and content of each; None where the packet ends within it."""
    position = _WORD.size
    for _ in range(MOST_BLOCKS):
        if position + _BLOCK.size > len(body):
            return
        kind, specific, words = _BLOCK.unpack_from(body, position)
        end = position + _BLOCK.size + 4 * words
        yield kind, specific, body[position + _BLOCK.size : end] if end <= len(body) else None
        position = end


def _exactly(content: bytes, size: int) -> bytes:
    if len(content) != size:
        raise MediaError("XR block of a wrong length")
    return content


def _read_reference(_specific: int, content: bytes) -> Block:
    return ReceiverReferenceTime(*_NTP.unpack(_exactly(content, _NTP.size)))


def _read_delays(_specific: int, content: bytes) -> Block:
    if len(content) % _SUBBLOCK.size:
        raise MediaError("DLRR block of a wrong length")
    return DelaySinceLast(tuple(_SUBBLOCK.iter_unpack(content)))


def _read_summary(flags: int, content: bytes) -> Block:
    ssrc, begin, end, lost, duplicates, *rest = _SUMMARY.unpack(_exactly(content, _SUMMARY.size))
    return StatisticsSummary(
        ssrc,
        begin,
        end,
        lost if flags & _LOSS else None,
        duplicates if flags & _DUPLICATES else None,
        (rest[0], rest[1], rest[2], rest[3]) if flags & _JITTER else None,
    )


def _read_voip(_specific: int, content: bytes) -> Block:
    fields = _VOIP.unpack(_exactly(content, _VOIP.size))
    return VoipMetrics(*fields[:18], *fields[19:])


_READERS = {
    RECEIVER_REFERENCE_TIME: _read_reference,
    DELAY_SINCE_LAST: _read_delays,
    STATISTICS_SUMMARY: _read_summary,
    VOIP_METRICS: _read_voip,
}

# ------------------------------------------------------------------ writing


def build(ssrc: int, blocks: Iterable[Block]) -> bytes:
    """The body of an XR packet: whole words."""
    return _WORD.pack(ssrc) + b"".join(map(_build_block, blocks))


def _build_block(block: Block) -> bytes:
    if isinstance(block, ReceiverReferenceTime):
        return _framed(RECEIVER_REFERENCE_TIME, 0, _NTP.pack(block.ntp))
    if isinstance(block, DelaySinceLast):
        return _framed(DELAY_SINCE_LAST, 0, b"".join(_SUBBLOCK.pack(*entry) for entry in block.entries))
    if isinstance(block, StatisticsSummary):
        return _framed(STATISTICS_SUMMARY, *_build_summary(block))
    return _framed(VOIP_METRICS, 0, _build_voip(block))


def _framed(kind: int, specific: int, content: bytes) -> bytes:
    return _BLOCK.pack(kind, specific, len(content) // 4) + content


def _build_summary(block: StatisticsSummary) -> tuple[int, bytes]:
    flags = _LOSS * (block.lost is not None) | _DUPLICATES * (block.duplicates is not None)
    flags |= _JITTER * (block.jitter is not None)
    counts = (block.lost or 0, block.duplicates or 0, *(block.jitter or (0, 0, 0, 0)))
    return flags, _SUMMARY.pack(block.ssrc, block.begin, block.end, *counts, 0, 0, 0, 0)


def _build_voip(block: VoipMetrics) -> bytes:
    return _VOIP.pack(
        block.ssrc,
        *(_octet(value) for value in (block.loss_rate, block.discard_rate, block.burst_density, block.gap_density)),
        *(_short(value) for value in (block.burst_ms, block.gap_ms, block.round_trip_ms, block.end_system_ms)),
        *(max(-128, min(127, value)) for value in (block.signal_dbm0, block.noise_dbm0)),
        *(_octet(value) for value in (block.echo_loss_db, block.gmin, block.r, block.external_r)),
        *(_octet(value) for value in (block.mos_lq, block.mos_cq, block.configuration)),
        0,
        *(_short(value) for value in (block.buffer_ms, block.buffer_highest_ms, block.buffer_limit_ms)),
    )


def _octet(value: int) -> int:
    return max(0, min(255, value))


def _short(value: int) -> int:
    return max(0, min(65535, value))
