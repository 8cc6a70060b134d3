"""What is known of one call's audio: every second of it, what it looks like now, and what a diagnosis may know.

A :class:`MediaWatch` looks at the stream and listens to both ways; it changes nothing of what is sent or heard, but for
the score of the second, which the far end is told (RFC 3611).
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from engine.diagnosis import EchoHeard, Facts
from engine.far_end import FarEnd
from engine.history import RATED_S, Past, SecondCounts, is_of_now, rated, rated_there, told_there
from engine.media.bursts import RecentRuns
from engine.media.listener import Captured, Listener
from engine.media.returned import Envelopes, Returned
from engine.media.rtcp_session import RtcpStats
from engine.media.stream import AudioStream, MediaStats
from engine.media.witness import Spectrum, Witness
from engine.media_views import (
    bursts_view,
    far_sound_view,
    metrics_view,
    microphone_view,
    remote_view,
    rtcp_view,
    rx_view,
    tx_view,
)
from engine.model import HistoryPoint, LevelView, MediaView, QualityView, RemoteReport
from engine.ports import MediaPorts
from engine.sip.sdp import Agreement
from engine.surroundings import Surroundings

SPECTRUM_EVERY_S = 0.24
STEADY_S = 0.06  # an echo's delay, from one second to the next
LATENESS_SECONDS = 10


class MediaWatch:
    """Looks at one call's audio."""

    def __init__(
        self, stream: AudioStream, far_end: FarEnd, ports: MediaPorts, around: Surroundings, now: float
    ) -> None:
        self._stream = stream
        self._far_end = far_end
        self._ports = ports
        self._around = around
        self._second = SecondCounts()
        self._past = Past()
        self._here: QualityView | None = None
        self._there: QualityView | None = None
        self._late_ms: deque[float] = deque(maxlen=LATENESS_SECONDS)
        self._late_now_ms = 0.0
        self._foreign = 0
        self._foreign_from: tuple[str, int] | None = None  # the latest
        self._pauses_seen = self._stops_seen = False
        self._talk: tuple[int, float] | None = None  # seconds of it without a hold, and since when; None: none
        self._runs = RecentRuns()
        self._new_ssrc = (0, now)  # how many there were, and when the latest began
        self._reports = (0, now)  # how many of theirs have come, and when the latest
        self._envelopes = Envelopes()
        self._returned: tuple[Returned | None, Returned | None] = (None, None)  # a second ago, now
        self._spectrum: tuple[float, Spectrum] | None = None  # when it was made, and what it was
        self._microphone_says = ""  # what is wrong with it
        self._listener = Listener(stream.rate_hz)
        self._witness = Witness(stream.rate_hz)

    # -- what the session tells it

    def rate_changed(self) -> None:
        """The stream has another sampling rate."""
        self._listener.set_rate(self._stream.rate_hz)

    def begin_talk_anew(self) -> None:
        """There was a hold, or something else was agreed on."""
        self._talk = None

    def said(self, frame: np.ndarray) -> None:
        """Our microphone gave this."""
        self._listener.hear(frame)

    def took_in(self, sent: np.ndarray, heard: np.ndarray) -> None:
        """One frame was heard while another was sent."""
        self._envelopes.hear(sent, heard)
        self._witness.hear(heard, self._stream.rate_hz)

    def was_late(self, late_ms: float) -> None:
        """A packet of ours left so late."""
        self._late_now_ms = max(self._late_now_ms, late_ms)

    def was_foreign(self, source: tuple[str, int] | None = None) -> None:
        """A datagram came from somewhere else than agreed; ``source`` is told of RTP alone."""
        self._foreign += 1
        self._foreign_from = source or self._foreign_from

    # -- once a second

    def second(self, now: float, agreement: Agreement, *, talks: bool) -> None:
        """Rates and history: the only place where they change. ``talks``: nobody holds."""
        stats = self._stream.stats(now)
        self._note_microphone()
        self._witness.second(self._stream.highest_sample)
        self._note_reports(stats.rtcp, now)
        self._note_talk(talks, now)
        self._note_echo(stats)
        self._runs.second(self._stream.bursts())
        before = self._second
        self._second = before.next(now, stats, self._foreign)
        late_ms, self._late_now_ms = self._late_now_ms, 0.0
        self._late_ms.append(late_ms)
        report = remote_view(stats.rtcp.remote, self._is_of_now(stats.rtcp, now))
        self._past.add(self._rate(self._point(before, stats, report, late_ms), report, stats.rtcp, agreement))

    def _is_of_now(self, rtcp: RtcpStats, now: float) -> bool:
        """Does their latest report about our stream tell of now?"""
        return rtcp.remote is not None and is_of_now(rtcp.remote.age_s, self._rtcp_age_s(now))

    def _rtcp_age_s(self, now: float) -> float | None:
        """Of their latest report, whomever it is about."""
        return now - self._reports[1] if self._reports[0] else None

    def _point(
        self, before: SecondCounts, stats: MediaStats, report: RemoteReport | None, send_late_ms: float
    ) -> HistoryPoint:
        rx, now = stats.rx, self._second
        clumps, held_s = self._stream.take_clumps()
        told = report if report is not None and report.of_now else None
        return HistoryPoint(
            loss_percent=now.loss_percent,
            jitter_ms=rx.jitter_ms,
            buffer_ms=rx.buffer_ms,
            in_dbfs=stats.level_in.rms_dbfs,
            out_dbfs=stats.level_out.rms_dbfs,
            target_ms=rx.target_ms,
            drift_ppm=rx.drift_ppm,
            rtt_ms=stats.rtcp.rtt_ms,
            far_loss_percent=None if told is None else told.loss_percent,
            far_jitter_ms=None if told is None else told.jitter_ms,
            send_late_ms=send_late_ms,
            clumps=clumps,
            held_ms=1000 * held_s,
            **now.since(before),
        )

    def _rate(
        self, point: HistoryPoint, report: RemoteReport | None, rtcp: RtcpStats, agreement: Agreement
    ) -> HistoryPoint:
        """How good that sounded, here by the last seconds, there by what they said last."""
        heard, ptime_ms = self._stream.codec_heard, self._ptime_ms
        points = (*self._past.view[-(RATED_S - 1) :], point)
        ceased = not point.received and not self._stream.far_end_pauses
        self._here = None if heard is None or ceased else rated(*heard, points, self._runs.mean_run)
        if self._here is not None and self._here.r is not None:
            self._stream.rated(self._here.r, self._here.mos, self._here.wideband)
        self._there = told_there(metrics_view(rtcp.metrics), report, self._stream.rate_hz > 8000) or rated_there(
            agreement.send.encoding, self._stream.rate_hz, ptime_ms, report, point.rtt_ms
        )
        mos_here, mos_there = (None if found is None else found.mos for found in (self._here, self._there))
        return replace(point, mos_here=mos_here, mos_there=mos_there)

    @property
    def _ptime_ms(self) -> float:
        return 1000 * self._stream.frame_samples / self._stream.rate_hz

    def _note_microphone(self) -> None:
        """What is wrong with the microphone, if anything is."""
        seen = self._around.handset.view().capture
        captured = None if seen is None else Captured(seen.seconds, seen.clipped, seen.still_s, seen.still_at)
        line = self._listener.second(captured)
        if line is not None or not self._listener.trouble:
            self._microphone_says = line if line is not None and self._listener.trouble else ""

    def _note_reports(self, rtcp: RtcpStats, now: float) -> None:
        came = rtcp.sr_received + rtcp.rr_received
        if came != self._reports[0]:
            self._reports = came, now
        self._pauses_seen = self._pauses_seen or self._stream.far_end_pauses
        if self._stream.ssrc_changes != self._new_ssrc[0]:
            self._new_ssrc = self._stream.ssrc_changes, now

    def _note_echo(self, stats: MediaStats) -> None:
        """Does our own sound come back? Not sooner than it can have gone there and back, and waited here."""
        frame_s = self._stream.frame_samples / self._stream.rate_hz
        least_s = ((stats.rtcp.rtt_ms or 0.0) + (stats.rx.buffer_ms or 0.0)) / 1000 - frame_s / 2
        self._returned = self._returned[1], self._envelopes.returned(frame_s, least_s)

    def _note_talk(self, talks: bool, now: float) -> None:
        """For how long they may talk both ways, and whether the far end stops sending in the middle of it."""
        if not talks:
            self._talk = None
            self._envelopes = Envelopes()  # a hold makes both ways silent at once
            return
        seconds, since = (0, now) if self._talk is None else self._talk
        self._talk = seconds + 1, since
        self._stops_seen = self._stops_seen or self._stream.stopped_at > since

    # -- looking

    def facts(self, now: float, agreement: Agreement) -> Facts:
        """What a diagnosis may know of this call's audio; the call adds what it knows."""
        stream, heard = self._stream, self._stream.codec_heard
        stats, sound = stream.stats(now), self._witness.heard()
        rtcp = stats.rtcp
        return Facts(
            seconds=self._past.view,
            first_s=self._past.view.first_s,
            talks_s=0 if self._talk is None else self._talk[0],
            may_send=agreement.may_send,
            may_hear=agreement.may_hear,
            codec_sent=agreement.send.encoding,
            codec_heard=None if heard is None else heard[0],
            ptime_ms=self._ptime_ms,
            heard_ptime_ms=None if stream.packet_heard_s is None else 1000 * stream.packet_heard_s,
            our_address=self._ports.rtp.address,
            their_address=self._far_end.rtp or agreement.remote,
            their_host_unknown=self._far_end.unknown,
            foreign_from=self._foreign_from,
            foreign_codec=stream.unknown_type,
            heard=stream.hears,
            ssrc_changes=stream.ssrc_changes,
            ssrc_age_s=now - self._new_ssrc[1],
            pauses=stream.far_end_pauses,
            paused=self._pauses_seen,
            stops=self._stops_seen,
            unheard=stream.unheard,
            report_age_s=None if rtcp.remote is None else rtcp.remote.age_s,
            rtcp_age_s=self._rtcp_age_s(now),
            mean_run=self._runs.mean_run,
            repeats=stats.tx.redundancy,
            far_lost_percent=None if rtcp.remote is None else rtcp.remote.total_loss_percent,
            far_missed_percent=None if rtcp.metrics is None else 100 * rtcp.metrics.block.loss_rate / 256,
            buffer_limit_ms=stream.buffer_limit_ms,
            traffic_class=self._ports.rtp.traffic_class,
            microphone=self._microphone_says,
            echo=self._echo,
            far_width_hz=sound.width_hz,
            far_rate_hz=self._witness.rate_hz if heard is None else min(heard[1], self._witness.rate_hz),
            far_hum_hz=sound.hum_hz,
            far_clips=sound.clips,
            far_constant=sound.constant,
            sends_back=self._around.echo,
            plays_file=self._around.handset.view().kind == "file",
        )

    @property
    def _echo(self) -> EchoHeard | None:
        """An echo keeps its delay, as far as jitter buffers do."""
        before, found = self._returned
        if found is None or before is None or abs(found.delay_s - before.delay_s) > STEADY_S:
            return None
        return EchoHeard(1000 * found.delay_s, found.loss_db, found.likeness)

    def view(self, now: float, agreement: Agreement, *, sends: bool) -> MediaView:
        """A frozen copy of everything the screen shows of this call's audio. ``sends``: packets of ours leave."""
        stats, send = self._stream.stats(now), agreement.send
        worst = max([*self._late_ms, self._late_now_ms])
        mean_here, mean_there = self._past.mean_mos
        return MediaView(
            codec=send.encoding,
            clock_rate_hz=send.clock_rate,
            sample_rate_hz=self._stream.rate_hz,
            channels=self._stream.channels,
            ptime_ms=self._ptime_ms,
            local=self._ports.rtp.address,
            local_rtcp=self._ports.rtcp.address,
            remote=self._far_end.rtp or agreement.remote,
            remote_rtcp=self._far_end.rtcp or agreement.remote_rtcp,
            direction=agreement.direction,
            tx=tx_view(stats.tx, self._second.tx_per_second, worst if sends else None),
            rx=rx_view(stats.rx, self._second.rx_per_second, self._foreign),
            rtcp=rtcp_view(stats.rtcp, self._is_of_now(stats.rtcp, now)),
            level_in=LevelView(stats.level_in.rms_dbfs, stats.level_in.peak_hold_dbfs),
            level_out=LevelView(stats.level_out.rms_dbfs, stats.level_out.peak_hold_dbfs),
            microphone=microphone_view(self._listener),
            history=self._past.view,
            here=self._here,
            there=self._there,
            mean_mos_here=mean_here,
            mean_mos_there=mean_there,
            bursts=bursts_view(self._stream.bursts()),
            far_sound=far_sound_view(self._seen(now), self._witness.heard(), self._stream.codec_heard),
        )

    def _seen(self, now: float) -> Spectrum:
        """The spectrum, made anew when somebody looks, and no more than a few times a second."""
        if self._spectrum is None:
            self._spectrum = now, self._witness.spectrum()
        at, before = self._spectrum
        if now - at >= SPECTRUM_EVERY_S:
            self._spectrum = now, self._witness.spectrum(before, now - at)
        return self._spectrum[1]
