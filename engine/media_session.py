"""One call's audio between its sockets, the handset and its recordings.

Theory of operation. Every ``ptime`` there is one tick on an absolute deadline (start + n * ptime): one frame
of the microphone leaves as a packet, one frame of the far end is taken from the jitter buffer and heard. A
turn of the loop that comes late does what is due and shifts nothing. Only a stall longer than ``STALL_S`` (the
process was stopped, the machine slept) is skipped over, with the RTP timestamps advanced by the time that
passed, so that nobody is sent a minute of packets at once.

What came in is needed at the tick and not before. Where the system notes when each packet came, nobody wakes up for
them: they are fetched in the tick, after our own packet has left, with their true times of arrival, which no late
turn of ours falsifies. That halves the turns of a call, and they are most of its cost. Where moreover no ear waits for
the sound (no card plays it, it is neither sent back nor mixed), some ticks are heard together, each with what had
come by then: the outcome is the same, and several in a row cost little more than one alone. Whoever wants to know how
things stand says :meth:`MediaSession.catch_up` before.

Packets count only when they come from the address the SDP named; the rest is foreign, counted and not heard.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

import numpy as np

from engine.diagnosis import EchoHeard, Facts
from engine.far_end import FarEnd
from engine.handset import Microphone
from engine.history import RATED_S, Past, SecondCounts, is_of_now, rated, rated_there, told_there
from engine.media import codecs
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
from engine.recorder import Track
from engine.sip.sdp import Agreement, Format
from engine.surroundings import Surroundings

STALL_S = 0.25
SPECTRUM_EVERY_S = 0.24
STEADY_S = 0.06  # an echo's delay, from one second to the next
LATENESS_SECONDS = 10
DRAIN = 64  # packets read from one socket in one turn
DRAINS_IN_A_TICK = 8  # or so many times as many for each tick, of those that nobody woke up for
HEARD_TOGETHER_S = 0.09  # no tick waits for longer than this and one tick more to be heard with others


class MediaSession:
    """The audio of one call."""

    def __init__(self, call: int, ports: MediaPorts, agreement: Agreement, around: Surroundings, now: float) -> None:
        self._call = call
        self._ports = ports
        self._around = around
        self._tracks: list[Track] = []
        self._on_hold_here = False
        self._sending = False
        self._playing = False
        self._stopped = False
        self._next_tick = now
        self._unheard: list[tuple[float, np.ndarray]] = []  # ticks that nobody hears yet: when, and what was sent
        self._came: deque[tuple[bytes, tuple[str, int], float]] = deque()  # datagrams that no tick has taken in
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
        self.agreement = agreement
        self._far_end = FarEnd(around.names, ports.rtp.address[0], self._log_address)
        self._far_end.agree(agreement.remote, agreement.remote_rtcp)
        self._stream = AudioStream(
            entropy=around.entropy,
            cname=around.cname,
            now=now,
            redundancy=around.redundancy,
            buffer_ms=around.buffer_ms,
            silence_suppression=around.silence_suppression,
            **_stream_parameters(agreement),
        )
        self._microphone: Microphone = around.handset.microphone(self._stream.rate_hz)
        self._listener = Listener(self._stream.rate_hz)
        self._witness = Witness(self._stream.rate_hz)
        around.net.watch(ports.rtp, self._on_rtp)
        around.net.watch(ports.rtcp, self._read_rtcp)

    # -- what the call tells it

    def agree(self, agreement: Agreement, now: float) -> None:
        """A re-INVITE changed addresses, codec, ptime or direction; counters and SSRC go on."""
        self.catch_up(now)
        rate_before = self._stream.rate_hz
        self.agreement = agreement
        self._talk = None
        self._far_end.agree(agreement.remote, agreement.remote_rtcp)
        self._stream.update(now=now, **_stream_parameters(agreement))
        if self._stream.rate_hz != rate_before:
            self._microphone.close()
            self._microphone = self._around.handset.microphone(self._stream.rate_hz)
            self._listener.set_rate(self._stream.rate_hz)
        if not self._may_hear():
            self._around.handset.leave(self._call)

    def start_playing(self, now: float) -> None:
        """Hear the far end (early media, or the call is up)."""
        if not self._playing and not self._stopped:
            self._playing = True
            self._next_tick = now
            if self._ports.rtp.stamped:
                self._around.net.unwatch(self._ports.rtp)

    def start_sending(self, now: float) -> None:
        """The call is confirmed: the first packet leaves now."""
        self.start_playing(now)
        if not self._sending and not self._stopped:
            self._sending = True
            self._next_tick = now

    def hold_here(self, on: bool, now: float) -> None:
        """While we hold, they hear silence and we hear nothing."""
        self.catch_up(now)
        self._on_hold_here = on
        self._talk = None
        if on:
            self._around.handset.leave(self._call)

    def record(self, track: Track) -> None:
        self._tracks.append(track)

    @property
    def recording(self) -> str | None:
        """The file that is being written; None when there is none, or none any more (the disk is full)."""
        return next((track.path for track in reversed(self._tracks) if not track.failed), None)

    @property
    def takes_digits(self) -> bool:
        """The far end takes telephone-events."""
        return self._stream.takes_digits

    def send_digits(self, digits: str) -> bool:
        """Queue telephone-events; False when the far end does not take them, or too many wait already."""
        return self._stream.send_digits(digits)

    def digits(self, now: float) -> list[tuple[str, float]]:
        """Digits received since the last look: (digit, duration in ms). What was not heard yet may make one longer."""
        return [] if self._unheard else self._stream.digits(now)

    # -- time

    def deadline(self) -> float:
        """When :meth:`run` wants to be called next."""
        rtcp = self._stream.rtcp_deadline() if self._sending else None
        if not self._playing:
            return rtcp if rtcp is not None else float("inf")
        return self._next_tick if rtcp is None else min(self._next_tick, rtcp)

    def tick_deadline(self) -> float:
        """When the next packet must leave: what the rest of the program must not delay."""
        return self._next_tick if self._sending else float("inf")

    def run(self, now: float, wall: float) -> None:
        """Do what is due at ``now``, at most one tick: ``deadline`` says whether there is another. ``wall`` stamps
        the sender report."""
        if self._playing and now >= self._next_tick:
            self._skip_stall(now)
            self._tick(now)
        if self._sending:
            rtcp = self._stream.rtcp_deadline()
            if rtcp is not None and now >= rtcp:
                self.catch_up(now)
                self._send_rtcp(self._stream.make_rtcp(now, wall))

    def stop(self, now: float) -> None:
        """The talk is over, for good: nothing is sent or heard any more, microphone and files are given back.

        The far end's last report may still come, in answer to ours: it tells of the whole call.
        """
        if self._stopped:
            return
        self.catch_up(now)
        self._playing = self._sending = False
        self._stopped = True
        self._came.clear()
        self._microphone.close()
        self._around.handset.leave(self._call)
        for track in self._tracks:
            self._log_failure(track.close())

    def set_buffer(self, buffer_ms: tuple[float, float]) -> None:
        """Other bounds of the delay that the jitter buffer aims at, from now on."""
        self._around = replace(self._around, buffer_ms=buffer_ms)
        self._stream.set_buffer(buffer_ms)

    def close(self, now: float, wall: float) -> None:
        """The end: RTCP BYE. The ports are the phone's, which takes them back."""
        self.stop(now)
        self._send_rtcp(self._stream.make_bye(now, wall))

    @property
    def rate_hz(self) -> int:
        """Sampling rate of the codec."""
        return self._stream.rate_hz

    @property
    def hears(self) -> bool:
        """Has the far end sent anything?"""
        return self._stream.hears

    # -- one tick

    def _tick(self, now: float) -> None:
        stream = self._stream
        self._late_now_ms = max(self._late_now_ms, (now - self._next_tick) * 1000)
        self._next_tick += stream.frame_samples / stream.rate_hz
        if self._around.echo:
            self._fetch(now, ticks=1)
            self._receive(now)
            heard = stream.play_frame(now)
            self._take_in(self._send(heard, now), heard)
            return
        self._unheard.append((now, self._send(self._microphone.read(stream.frame_samples), now)))
        if self._is_waited_for or now - self._unheard[0][0] >= HEARD_TOGETHER_S:
            self.catch_up(now)

    def _send(self, said: np.ndarray, now: float) -> np.ndarray:
        """One frame of ours leaves, if it may; gives what was sent."""
        stream, around = self._stream, self._around
        if around.handset.muted or self._on_hold_here:
            said = np.zeros(stream.frame_samples, dtype=np.int16)
        elif not around.echo:
            self._listener.hear(said)
        if self._call in around.conference:
            said = around.conference.mix(self._call, said, stream.rate_hz)
        destination = self._far_end.rtp
        if not self._sending or destination is None or not self._may_send():
            stream.skip(1)
            return np.zeros_like(said)
        packet = stream.send_frame(said, now)
        if packet is not None:
            self._ports.rtp.send(packet, destination)
        return said

    @property
    def _is_waited_for(self) -> bool:
        """Does somebody want each frame at its time? Without stamps nobody could tell later what came when."""
        around = self._around
        return around.handset.is_heard or self._call in around.conference or not self._ports.rtp.stamped

    def catch_up(self, now: float) -> bool:
        """Hear what was left for later: the ticks until ``now``, with all that came by then. False: there was none."""
        if not self._unheard:
            return False
        unheard, self._unheard = self._unheard, []
        self._fetch(now, ticks=len(unheard))
        for at, sent in unheard:
            self._receive(at)
            self._take_in(sent, self._stream.play_frame(at))
        return True

    def _take_in(self, sent: np.ndarray, heard: np.ndarray) -> None:
        """A frame was heard while another was sent: it goes to whoever listens, writes or looks."""
        rate_hz, around = self._stream.rate_hz, self._around
        self._envelopes.hear(sent, heard)
        self._witness.hear(heard, rate_hz)
        if self._call in around.conference:  # a far end that holds us may send music, which is not for the others
            shared = np.zeros_like(heard) if self.agreement.held_there else heard
            around.conference.bring(self._call, shared, rate_hz)
        if self._may_hear() and not self._on_hold_here:
            around.handset.hear(self._call, heard, rate_hz)
        for track in self._tracks:
            self._log_failure(track.write(sent, heard, rate_hz))

    def _skip_stall(self, now: float) -> None:
        late = now - self._next_tick
        if late < STALL_S:
            return
        self.catch_up(now)
        self._late_now_ms = max(self._late_now_ms, late * 1000)
        frame_s = self._stream.frame_samples / self._stream.rate_hz
        frames = int(late / frame_s)
        self._stream.skip(frames)
        for track in self._tracks:
            self._log_failure(track.skip(frames * self._stream.frame_samples, self._stream.rate_hz))
        self._next_tick += frames * frame_s
        self._around.log("warn", "media", f"call {self._call}: stood still for {late:.1f} s, {frames} packets not sent")

    def _log_failure(self, line: str | None) -> None:
        """Of a recording."""
        if line is not None:
            self._around.log("error", "media", line)

    # -- packets

    def _on_rtp(self, now: float) -> None:
        self._read_rtp(now)
        self._receive(now)

    def _fetch(self, now: float, ticks: int) -> None:
        """Let in what nobody woke up for, in so many ticks."""
        for _ in range(DRAINS_IN_A_TICK * ticks if self._ports.rtp.stamped else 0):
            if self._read_rtp(now) < DRAIN:
                break

    def _read_rtp(self, now: float) -> int:
        """Let in what waits at the socket; says how many datagrams there were."""
        datagrams = self._ports.rtp.receive_stamped(DRAIN, now)
        if not self._stopped:
            self._came += datagrams
        return len(datagrams)

    def _receive(self, until: float) -> None:
        """Take in what came by then; the rest is for the next tick."""
        waiting, wanted = self._came, self._far_end.rtp
        while waiting and waiting[0][2] <= until:
            data, source, came = waiting.popleft()
            if source == wanted:
                self._stream.receive_rtp(data, came)
            else:
                self._foreign += 1
                self._foreign_from = source

    def _read_rtcp(self, now: float) -> None:
        self.catch_up(now)
        for data, source in self._ports.rtcp.receive(DRAIN):
            if source == self._far_end.rtcp:
                self._take_report(data, now)
            else:
                self._foreign += 1

    def _take_report(self, data: bytes, now: float) -> None:
        """What the far end says may change how much is repeated: a line in the log says so, and why."""
        before = self._stream.redundancy
        self._stream.receive_rtcp(data, now)
        after = self._stream.redundancy
        if after != before:
            told = self._stream.stats(now).rtcp.remote
            lost = "" if told is None else f" (the far end lost {told.loss_percent:.1f} %)"
            what = f"repeats {after} earlier ones" if after > 1 else "repeats an earlier one" if after else "goes once"
            self._around.log("info", "media", f"call {self._call}: each packet {what} from now on{lost}")

    def _send_rtcp(self, data: bytes) -> None:
        if data and self._far_end.rtcp is not None:
            self._ports.rtcp.send(data, self._far_end.rtcp)

    def _may_send(self) -> bool:
        return self.agreement.direction in ("sendrecv", "sendonly")

    def _may_hear(self) -> bool:
        return self.agreement.direction in ("sendrecv", "recvonly")

    def _log_address(self, level: str, text: str) -> None:
        if not self._stopped:
            self._around.log(level, "media", f"call {self._call}: {text}")

    # -- looking

    def second(self, now: float) -> None:
        """Once a second: rates and history. The only place where they change."""
        stats = self._stream.stats(now)
        self._note_microphone()
        self._witness.second(self._stream.highest_sample)
        self._note_reports(stats.rtcp, now)
        self._note_talk(now)
        self._note_echo(stats)
        self._runs.second(self._stream.bursts())
        before = self._second
        self._second = before.next(now, stats, self._foreign)
        late_ms, self._late_now_ms = self._late_now_ms, 0.0
        self._late_ms.append(late_ms)
        report = remote_view(stats.rtcp.remote, self._is_of_now(stats.rtcp, now))
        self._past.add(self._rate(self._point(before, stats, report, late_ms), report, stats.rtcp))

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

    def _rate(self, point: HistoryPoint, report: RemoteReport | None, rtcp: RtcpStats) -> HistoryPoint:
        """How good that sounded, here by the last seconds, there by what they said last."""
        heard, ptime_ms = self._stream.codec_heard, self._ptime_ms
        points = (*self._past.view[-(RATED_S - 1) :], point)
        ceased = not point.received and not self._stream.far_end_pauses
        self._here = None if heard is None or ceased else rated(*heard, points, self._runs.mean_run)
        if self._here is not None and self._here.r is not None:
            self._stream.rated(self._here.r, self._here.mos, self._here.wideband)
        self._there = told_there(metrics_view(rtcp.metrics), report, self._stream.rate_hz > 8000) or rated_there(
            self.agreement.send.encoding, self._stream.rate_hz, ptime_ms, report, point.rtt_ms
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

    def _note_talk(self, now: float) -> None:
        """For how long they may talk both ways, and whether the far end stops sending in the middle of it."""
        if not self._sending or self._on_hold_here or self.agreement.held_there:
            self._talk = None
            self._envelopes = Envelopes()  # a hold makes both ways silent at once
            return
        seconds, since = (0, now) if self._talk is None else self._talk
        self._talk = seconds + 1, since
        self._stops_seen = self._stops_seen or self._stream.stopped_at > since

    def facts(self, now: float) -> Facts:
        """What a diagnosis may know of this call's audio; the call adds what it knows."""
        stream, agreement, heard = self._stream, self.agreement, self._stream.codec_heard
        stats, sound = stream.stats(now), self._witness.heard()
        rtcp = stats.rtcp
        return Facts(
            seconds=self._past.view,
            first_s=self._past.view.first_s,
            talks_s=0 if self._talk is None else self._talk[0],
            may_send=self._may_send(),
            may_hear=self._may_hear(),
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
            buffer_limit_ms=self._around.buffer_ms[1],
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

    def view(self, now: float) -> MediaView:
        """A frozen copy of everything the screen shows of this call's audio."""
        stats = self._stream.stats(now)
        send, agreement = self.agreement.send, self.agreement
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
            tx=tx_view(stats.tx, self._second.tx_per_second, worst if self._sending else None),
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


def _wire_format(wanted: Format) -> codecs.WireFormat:
    return codecs.WireFormat(
        wanted.payload_type, wanted.encoding, wanted.clock_rate, wanted.channels, wanted.fmtp or ""
    )


def _stream_parameters(agreement: Agreement) -> dict:
    """An SDP agreement in the words of ``engine.media``: the one place where the two meet."""
    dtmf, noise = agreement.dtmf_send, agreement.noise_send
    return {
        "send": _wire_format(agreement.send),
        "receive": {number: _wire_format(wanted)[1:] for number, wanted in agreement.receive.items()},
        "dtmf_send": None if dtmf is None else (dtmf.payload_type, dtmf.clock_rate),
        "dtmf_receive": agreement.dtmf_receive,
        "ptime_ms": agreement.ptime_ms,
        "red_send": None if agreement.red_send is None else agreement.red_send.payload_type,
        "red_receive": agreement.red_receive,
        "extended_reports": agreement.extended_reports,
        "noise_send": None if noise is None else (noise.payload_type, noise.clock_rate),
    }
