"""What we report of a stream beyond RTCP's own blocks: figures of ours as the blocks of RFC 3611 (``xr.py``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from engine.media import xr
from engine.media.bursts import GMIN, BurstFigures
from engine.media.level import FLOOR_DBFS
from engine.media.source import Source

if TYPE_CHECKING:
    from engine.media.stream import RxStats

# A full-scale sine of A-law has 3.14 dBm0 (ITU-T G.711 section 4), and -3.01 dBFS: 0 dBFS is a square wave. Near enough
# for the others.
DBM0_OF_FULL_SCALE = 3.14 + 3.01


class Rated(NamedTuple):
    """What the E-model says of what we hear."""

    r: float
    mos: float
    wideband: bool


class Summaries:
    """Statistics of the sequence numbers since the last report."""

    __slots__ = ("_begin", "_duplicates", "_lost", "_ssrc")

    def __init__(self) -> None:
        self._ssrc: int | None = None
        self._begin = self._lost = self._duplicates = 0

    def next(self, source: Source, rx: RxStats) -> xr.StatisticsSummary:
        """What came since the one before; the first covers what is known of the source."""
        end = (source.highest_sequence + 1) & 0xFFFF
        begin, lost, duplicates = self._begin, rx.lost - self._lost, rx.duplicate - self._duplicates
        if source.ssrc != self._ssrc:
            begin, self._ssrc = (end - source.expected) & 0xFFFF, source.ssrc
        self._begin, self._lost, self._duplicates = end, rx.lost, rx.duplicate
        return xr.StatisticsSummary(source.ssrc, begin, end, max(0, lost), max(0, duplicates))


def voip_metrics(
    ssrc: int,
    rx: RxStats,
    bursts: BurstFigures,
    rated: Rated | None,
    level_dbfs: float,
    rtt_s: float | None,
    ptime_ms: float,
    buffer_limit_ms: float,
) -> xr.VoipMetrics:
    """How we hear them, since the stream began (RFC 3611 section 4.7). A wideband rating has no place in it but the
    MOS: its R is on another scale."""
    expected = max(1, rx.packets - rx.duplicate + max(rx.lost, 0))
    buffer_ms, target_ms = rx.buffer_ms or 0.0, rx.target_ms or 0.0
    mos = xr.UNKNOWN if rated is None else round(10 * rated.mos)
    return xr.VoipMetrics(
        ssrc=ssrc,
        loss_rate=_parts(max(rx.lost - rx.recovered, 0) / expected),  # what repetition brought is not lost
        discard_rate=_parts((rx.late + rx.discarded) / expected),
        burst_density=_parts(bursts.burst_density),
        gap_density=_parts(bursts.gap_density),
        burst_ms=round(bursts.burst_packets * ptime_ms),
        gap_ms=round(bursts.gap_packets * ptime_ms),
        round_trip_ms=round(1000 * (rtt_s or 0.0)),
        end_system_ms=round(buffer_ms + ptime_ms),
        signal_dbm0=xr.UNKNOWN if level_dbfs <= FLOOR_DBFS else round(level_dbfs + DBM0_OF_FULL_SCALE),
        gmin=GMIN,
        r=xr.UNKNOWN if rated is None or rated.wideband else min(100, round(rated.r)),
        mos_cq=mos,
        buffer_ms=round(buffer_ms),
        buffer_highest_ms=round(max(buffer_ms, target_ms)),
        buffer_limit_ms=round(buffer_limit_ms),
    )


def _parts(share: float) -> int:
    """0 to 1 in 1/256, as the blocks have it."""
    return min(255, int(256 * share))
