"""What we report of a stream: our figures in the words of RFC 3611."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.media import xr
from engine.media.bursts import Bursts
from engine.media.extended import Rated, Summaries, voip_metrics
from engine.media.source import Source
from engine.media.stream import RxStats

RX = RxStats(
    packets=900, bytes=0, lost=100, loss_percent=10.0, late=5, duplicate=0, reordered=0, discarded=5, recovered=50,
    foreign=0, jitter_ms=1.0, buffer_ms=60.0, target_ms=45.0, concealed_ms=0.0, accelerated_ms=0.0, expanded_ms=0.0,
    drift_ppm=None,
)  # fmt: skip
RATED = Rated(80.4, 4.04, False)


def metrics(rx: RxStats = RX, rated: Rated | None = RATED, level: float = -20.0) -> xr.VoipMetrics:
    return voip_metrics(7, rx, Bursts().figures(0), rated, level, 0.1234, 20.0, 500.0)


def test_rates_are_parts_of_256_of_all_that_should_have_come() -> None:
    """What repetition brought back is not lost (section 4.7.1)."""
    told = metrics()
    assert (told.loss_rate, told.discard_rate) == (256 * 50 // 1000, 256 * 10 // 1000)
    assert metrics(replace(RX, packets=0, lost=5, recovered=0)).loss_rate == 255


def test_times_are_whole_milliseconds() -> None:
    """The least of a buffer that is larger than its aim is what it holds now (section 4.7.7)."""
    told = metrics()
    assert (told.round_trip_ms, told.end_system_ms) == (123, 80)
    assert (told.buffer_ms, told.buffer_highest_ms, told.buffer_limit_ms) == (60, 60, 500)


@pytest.mark.parametrize(("level_dbfs", "dbm0"), [(-3.01, 3), (-20.0, -14), (-96.0, xr.UNKNOWN)])
def test_a_full_scale_sine_has_three_dbm0(level_dbfs: float, dbm0: int) -> None:
    """Our dBFS have a full-scale square wave at 0, and a sine of G.711 overloads at 3.14 dBm0."""
    assert metrics(level=level_dbfs).signal_dbm0 == dbm0


def test_the_rating_of_a_wideband_codec_is_on_another_scale() -> None:
    assert (metrics().r, metrics().mos_cq) == (80, 40)
    assert (metrics(rated=Rated(116.0, 4.3, True)).r, metrics(rated=Rated(116.0, 4.3, True)).mos_cq) == (127, 43)
    assert (metrics(rated=None).r, metrics(rated=None).mos_cq) == (127, 127)


def test_a_summary_is_of_what_came_since_the_one_before() -> None:
    source, summaries = Source(9, 65_530, 8000), Summaries()
    for number in range(10):
        source.update((65_530 + number) & 0xFFFF, 160 * number, 0.02 * number)
    first = summaries.next(source, replace(RX, lost=2, duplicate=1))
    assert (first.begin, first.end, first.lost, first.duplicates) == (65_530, 4, 2, 1)
    for number in range(10, 14):
        source.update((65_530 + number) & 0xFFFF, 160 * number, 0.02 * number)
    second = summaries.next(source, replace(RX, lost=1, duplicate=3))
    assert (second.begin, second.end, second.lost, second.duplicates) == (4, 8, 0, 2)
