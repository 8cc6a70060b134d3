"""The figures of ``engine.media`` in the words of ``engine.model``: what a face may know of one call's audio."""

from __future__ import annotations

from engine.media.bursts import BurstFigures
from engine.media.listener import Listener
from engine.media.rtcp_session import RemoteMetrics, RemoteStats, RtcpStats
from engine.media.stream import RxStats, TxStats
from engine.media.witness import Heard, Spectrum
from engine.model import BurstsView, FarSoundView, MetricsView, MicrophoneView, RemoteReport, RtcpView, RxView, TxView


def microphone_view(listener: Listener) -> MicrophoneView:
    heard = listener.heard()
    return MicrophoneView(heard.noise_floor_dbfs, heard.clipped, heard.trouble)


def bursts_view(bursts: BurstFigures | None) -> BurstsView | None:
    if bursts is None:
        return None
    return BurstsView(
        bursts.runs,
        bursts.mean_run,
        bursts.burst_density,
        bursts.gap_density,
        bursts.burst_packets,
        bursts.gap_packets,
    )


def far_sound_view(spectrum: Spectrum, heard: Heard, codec: tuple[str, int] | None) -> FarSoundView:
    """``codec``: what they speak, its name and its sampling rate in Hz."""
    name, rate_hz = codec or ("", 2 * spectrum.highest_hz)
    return FarSoundView(
        spectrum.lowest_hz,
        spectrum.highest_hz,
        spectrum.bands_dbfs,
        heard.width_hz,
        heard.hum_hz,
        heard.clips,
        heard.constant,
        name,
        min(rate_hz / 2, spectrum.highest_hz),
    )


def tx_view(tx: TxStats, packets_per_second: float | None, worst_late_ms: float | None) -> TxView:
    return TxView(tx.packets, tx.bytes, packets_per_second, worst_late_ms, tx.redundancy)


def rx_view(rx: RxStats, packets_per_second: float | None, foreign: int) -> RxView:
    return RxView(
        packets=rx.packets,
        bytes=rx.bytes,
        packets_per_second=packets_per_second,
        lost=rx.lost,
        loss_percent=rx.loss_percent,
        late=rx.late,
        duplicate=rx.duplicate,
        reordered=rx.reordered,
        discarded=rx.discarded,
        foreign=rx.foreign + foreign,
        jitter_ms=rx.jitter_ms,
        buffer_ms=rx.buffer_ms,
        target_ms=rx.target_ms,
        concealed_ms=rx.concealed_ms,
        accelerated_ms=rx.accelerated_ms,
        expanded_ms=rx.expanded_ms,
        drift_ppm=rx.drift_ppm,
        recovered=rx.recovered,
    )


def metrics_view(told: RemoteMetrics | None) -> MetricsView | None:
    if told is None:
        return None
    block = told.block
    return MetricsView(
        mos=block.mos,
        r=None if block.r > 100 else block.r,
        loss_percent=100 * block.loss_rate / 256,
        discard_percent=100 * block.discard_rate / 256,
        burst_density=block.burst_density / 256,
        burst_ms=block.burst_ms,
        buffer_ms=block.buffer_ms,
        age_s=told.age_s,
    )


def remote_view(told: RemoteStats | None, of_now: bool) -> RemoteReport | None:
    if told is None:
        return None
    return RemoteReport(told.lost, told.loss_percent, told.jitter_ms, told.age_s, told.total_loss_percent, of_now)


def rtcp_view(rtcp: RtcpStats, of_now: bool) -> RtcpView:
    """``of_now``: whether their latest report tells of now."""
    return RtcpView(
        sr_sent=rtcp.sr_sent,
        rr_sent=rtcp.rr_sent,
        bye_sent=rtcp.bye_sent,
        sr_received=rtcp.sr_received,
        rr_received=rtcp.rr_received,
        sdes_received=rtcp.sdes_received,
        bye_received=rtcp.bye_received,
        unknown_received=rtcp.unknown_received,
        malformed=rtcp.malformed,
        cname=rtcp.cname,
        rtt_ms=rtcp.rtt_ms,
        remote=remote_view(rtcp.remote, of_now),
        xr_sent=rtcp.xr_sent,
        xr_received=rtcp.xr_received,
        metrics=metrics_view(rtcp.metrics),
    )
