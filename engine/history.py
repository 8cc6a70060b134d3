"""Every second of a call, and how good it was.

``Past`` keeps the seconds: whole minutes are tuples that every view shares, so that a snapshot of an hour costs no more
than one of a minute. A second takes about half a kilobyte; ``MOST_MINUTES`` bound what a call may take, and then the
oldest minute goes. ``rated`` turns seconds into the figures that the E-model asks for.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from engine.media import quality
from engine.media.bursts import burst_ratio
from engine.media.stream import MediaStats
from engine.model import History, HistoryPoint, MediaView, MetricsView, QualityView, RemoteReport, RxView

MOST_MINUTES = 240
OUTAGE_S = 3  # so long without a packet is no loss, but an outage
RATED_S = 10  # a score is of so many seconds
REPORT_HOLDS_S = 30.0  # a report of the far end is of now for so long
UNNAMED_S = 12.0  # ... or only for so long, where later ones come and say nothing of our stream
SPOILT_MOS = 4.2  # below, what has gone wrong before is worth a word
ASSUMED_BUFFER_MS = 40.0  # of the far end, which does not say, besides twice its jitter
_COUNTED = ("lost", "late", "duplicate", "reordered", "discarded", "recovered", "concealed_ms")  # by RxStats
_OTHERS = ("sent", "received", "foreign", "elsewhere")


class Past:
    """The seconds of one call; mutable."""

    __slots__ = ("_first_s", "_latest", "_means", "_minutes", "_view")

    def __init__(self) -> None:
        self._minutes: tuple[tuple[HistoryPoint, ...], ...] = ()
        self._latest: tuple[HistoryPoint, ...] = ()
        self._first_s = 0
        self._view = History()
        self._means = (_Mean(), _Mean())

    def add(self, point: HistoryPoint) -> None:
        self._latest = (*self._latest, point)
        if len(self._latest) == 60:
            self._minutes, self._latest = (*self._minutes, self._latest), ()
            if len(self._minutes) > MOST_MINUTES:
                self._minutes = self._minutes[1:]
                self._first_s += 60
        self._view = History(self._minutes, self._latest, self._first_s)
        for mean, value in zip(self._means, (point.mos_here, point.mos_there), strict=True):
            mean.add(value)

    @property
    def view(self) -> History:
        return self._view

    @property
    def mean_mos(self) -> tuple[float | None, float | None]:
        """Of all seconds that could be rated: here and there."""
        here, there = self._means
        return here.value, there.value


class _Mean:
    __slots__ = ("_count", "_sum")

    def __init__(self) -> None:
        self._sum, self._count = 0.0, 0

    def add(self, value: float | None) -> None:
        if value is not None:
            self._sum += value
            self._count += 1

    @property
    def value(self) -> float | None:
        return self._sum / self._count if self._count else None


@dataclass(frozen=True, slots=True)
class SecondCounts:
    """Counters at the last full second, and how fast they grew in it.

    After an outage the numbers of the packets tell at once how many were lost in it. They are counted in all, and not
    as a loss of the second in which sound came back: that one sounds well.
    """

    at: float | None = None
    sent: int = 0
    received: int = 0
    foreign: int = 0  # of another address or SSRC than that of the far end
    elsewhere: int = 0  # of another address
    counted: tuple[float, ...] = (0,) * len(_COUNTED)
    tx_per_second: float | None = None
    rx_per_second: float | None = None
    loss_percent: float | None = None
    lost: float = 0  # in this second; duplicates make it negative
    quiet_s: int = 0  # so many seconds in a row, nothing has come

    def next(self, now: float, stats: MediaStats, foreign: int) -> SecondCounts:
        rx = stats.rx
        counted = tuple(getattr(rx, name) for name in _COUNTED)
        lost = 0 if self.quiet_s >= OUTAGE_S else counted[0] - self.counted[0]
        reached = SecondCounts(
            now, stats.tx.packets, rx.packets, rx.foreign + foreign, foreign, counted,
            lost=lost, quiet_s=0 if rx.packets > self.received else self.quiet_s + 1,
        )  # fmt: skip
        if self.at is None or now <= self.at:
            return reached
        took = now - self.at
        point = reached.since(self)
        arrived, missing = point["received"], max(lost, 0)
        expected = arrived - point["duplicate"] + missing
        return replace(
            reached,
            tx_per_second=(stats.tx.packets - self.sent) / took,
            rx_per_second=point["received"] / took,
            loss_percent=100 * missing / expected if expected > 0 else None,
        )

    def since(self, before: SecondCounts) -> dict[str, Any]:
        """What was counted between the two, by the names of ``HistoryPoint``."""
        counts = {name: now - then for name, now, then in zip(_COUNTED, self.counted, before.counted, strict=True)}
        grown = {name: getattr(self, name) - getattr(before, name) for name in _OTHERS}
        return grown | counts | {"lost": self.lost}


def rated(codec: str, sample_rate_hz: int, points: Sequence[HistoryPoint], mean_run: float) -> QualityView | None:
    """What we hear, by these last seconds; None where nothing was to be heard, and for an unknown codec.

    ``mean_run``: packets that are lost in a row, on average; 0 where none is.
    """
    expected = sum(point.received - point.duplicate for point in points) + max(0, sum(point.lost for point in points))
    if expected <= 0 or points[-1].buffer_ms is None:
        return None
    # What is lost in one second may come, or be brought back, in the next.
    missed = max(0, sum(point.lost + point.late + point.discarded - point.recovered for point in points))
    late = sum(point.late for point in points)
    discarded = sum(point.discarded for point in points)
    part = missed / expected
    newest = points[-1]
    heard = quality.Heard(
        codec,
        sample_rate_hz,
        100 * min(part, 1.0),
        100 * min(late / expected, 1.0),
        burst_ratio(mean_run, min(part, 1.0)),
        _delay_ms(codec, _least([point.rtt_ms for point in points]), newest.buffer_ms or 0.0),
        100 * min(discarded / expected, 1.0),
    )
    return _view(quality.rate(heard))


def rated_there(
    codec: str, sample_rate_hz: int, ptime_ms: float, report: RemoteReport | None, rtt_ms: float | None
) -> QualityView | None:
    """What they hear, by their latest report. How long they buffer and what came too late for them it does not say."""
    if report is None or not report.of_now:
        return None
    buffer_ms = ASSUMED_BUFFER_MS + 2 * report.jitter_ms
    delay_ms = _delay_ms(codec, rtt_ms, ptime_ms + buffer_ms)
    return _view(quality.rate(quality.Heard(codec, sample_rate_hz, report.loss_percent, 0.0, 1.0, delay_ms)))


def is_of_now(report_age_s: float, rtcp_age_s: float | None) -> bool:
    """Does their latest report about our stream tell of now? Only who was heard lately is reported (RFC 3550 section
    6.4): where reports come and say nothing of us, we are not heard. ``rtcp_age_s``: of any report of theirs."""
    unnamed = rtcp_age_s is not None and rtcp_age_s < report_age_s and report_age_s > UNNAMED_S
    return report_age_s <= REPORT_HOLDS_S and not unnamed


def told_there(metrics: MetricsView | None, report: RemoteReport | None, wideband: bool) -> QualityView | None:
    """What they hear, in their own words; None where they do not say, or said it long ago. Their figures of loss are of
    the whole call (RFC 3611 section 4.7.1); what they report of now comes first."""
    if metrics is None or metrics.mos is None or metrics.age_s > REPORT_HOLDS_S:
        return None
    if report is not None and not report.of_now:
        return None
    return QualityView(metrics.mos, metrics.r, wideband, _told_cause(metrics, report))


def _told_cause(metrics: MetricsView, report: RemoteReport | None) -> str:
    if report is not None and report.loss_percent >= max(1.0, metrics.discard_percent):
        return f"loss {report.loss_percent:.1f} %, they say"
    missed = metrics.loss_percent + metrics.discard_percent
    if missed < 1 or metrics.mos is None or metrics.mos >= SPOILT_MOS:
        return ""
    return f"{'late packets' if metrics.discard_percent > missed / 2 else 'loss'} {missed:.1f} % in all, they say"


def _delay_ms(codec: str, rtt_ms: float | None, buffer_ms: float) -> float:
    """From mouth to ear, but for the sound cards; the network's part counts only where it is known.

    ``buffer_ms`` has the packet itself in it, and counts from the fastest one: so does the round trip to be added.
    """
    return (rtt_ms or 0.0) / 2 + buffer_ms + quality.LOOK_AHEAD_MS.get(codec.upper(), 0.0)


def _least(values: Sequence[float | None]) -> float | None:
    return min((value for value in values if value is not None), default=None)


def _view(found: quality.Quality | None) -> QualityView | None:
    return None if found is None else QualityView(found.mos, found.r, found.wideband, found.cause)


def shortfall(media: MediaView | None, min_mos: float | None, max_loss_percent: float | None) -> str:
    """In which way a call that is over was worse than what was asked for, either way; "" when it was good enough."""
    if media is None:
        return ""
    for mos, who in ((media.mean_mos_here, "we heard"), (media.mean_mos_there, "they heard")):
        if min_mos is not None and mos is not None and mos < min_mos:
            return f"{who} MOS {mos:.1f}, {min_mos:g} was asked for"
    for percent, who in ((missed_percent(media.rx), "we missed"), (far_loss_percent(media), "they missed")):
        if max_loss_percent is not None and percent is not None and percent > max_loss_percent:
            return f"{who} {percent:.1f} % of the packets, at most {max_loss_percent:g} % was asked for"
    return ""


def missed_percent(rx: RxView) -> float | None:
    """Of all packets of the call, those the ear had to do without; None when nothing was to be heard."""
    expected = rx.packets - rx.duplicate + max(rx.lost, 0)
    missed = rx.lost + rx.late + rx.discarded - rx.recovered
    return 100 * min(max(missed, 0) / expected, 1.0) if expected > 0 else None


def far_loss_percent(media: MediaView) -> float | None:
    """Of all packets we sent, those the far end says never came; None when it says nothing."""
    report = media.rtcp.remote
    return None if report is None else report.total_loss_percent
