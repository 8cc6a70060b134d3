"""One call's audio both ways: RTP out and in, RTCP, digits, levels. The whole of ``engine.media`` joined.

The phone asks for a packet and for a frame to play once every ``ptime``, and hands in what the sockets bring.
Timestamps follow time: a frame that is not sent (hold, a stall) advances them all the same, and the next packet
carries the marker. Bad bytes end here: MediaError is caught, counted, and the call goes on.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.media import codecs, rtp
from engine.media.dtmf import DigitReceiver, DigitSender
from engine.media.errors import MediaError
from engine.media.level import Level, LevelMeter
from engine.media.playout import Playout
from engine.media.resample import Resampler
from engine.media.rtcp_session import RtcpSession, RtcpStats, Sent
from engine.media.source import DUPLICATE, JUMP, Source

CHANGE_AFTER = 5  # packets of another SSRC in a row, before it is taken for the far end's new one
SILENT_S = 0.5  # or fewer, when the old one has been silent for so long

AudioFormat = tuple[str, int, int]  # encoding, clock rate, channels


@dataclass(frozen=True, slots=True)
class TxStats:
    packets: int
    bytes: int


@dataclass(frozen=True, slots=True)
class RxStats:
    packets: int
    bytes: int
    lost: int
    loss_percent: float | None
    late: int
    duplicate: int
    reordered: int
    discarded: int
    foreign: int
    jitter_ms: float | None
    buffer_ms: float | None
    target_ms: float | None
    concealed_ms: float


@dataclass(frozen=True, slots=True)
class MediaStats:
    """Everything that is counted, at one moment."""

    tx: TxStats
    rx: RxStats
    rtcp: RtcpStats
    level_in: Level
    level_out: Level


@dataclass(slots=True)
class _Totals:
    """What sources and playouts that are gone have counted."""

    packets: int = 0
    lost: int = 0
    duplicate: int = 0
    reordered: int = 0
    late: int = 0
    discarded: int = 0
    concealed_ms: float = 0.0
    expected: int = 0


class AudioStream:
    """See the module's docstring. ``rate_hz`` is the clock rate of what we send, and of what we give out."""

    def __init__(
        self,
        *,
        send: codecs.WireFormat,
        receive: dict[int, AudioFormat],
        dtmf_send: tuple[int, int] | None,
        dtmf_receive: frozenset[int],
        ptime_ms: int,
        cname: str,
        entropy: Any,
        now: float,
    ) -> None:
        self._sequence = entropy.getrandbits(16)
        self._timestamp = entropy.getrandbits(32)
        self.ssrc = entropy.getrandbits(32)
        self._rtcp = RtcpSession(self.ssrc, cname, entropy, now)
        self._digit_sender = DigitSender()
        self._digit_receiver = DigitReceiver()
        self._level_in = LevelMeter()
        self._level_out = LevelMeter()
        self._talking = False  # the last frame was sent: no marker needed
        self._sent_packets = 0
        self._sent_octets = 0
        self._source: Source | None = None
        self._heard_at = now
        self._candidate: tuple[int, int, int] | None = None  # SSRC, its last sequence number, how many in a row
        self._totals = _Totals()
        self._received_octets = 0
        self._foreign = 0
        self._malformed = 0
        self._playout: Playout | None = None
        self._playout_format: AudioFormat | None = None
        self._resampler: Resampler | None = None
        self._left_over = np.zeros(0, np.int16)
        self._configure(send, receive, dtmf_send, dtmf_receive, ptime_ms)

    def update(
        self,
        *,
        send: codecs.WireFormat,
        receive: dict[int, AudioFormat],
        dtmf_send: tuple[int, int] | None,
        dtmf_receive: frozenset[int],
        ptime_ms: int,
        now: float,
    ) -> None:
        """A re-INVITE changed something; numbers and counters go on."""
        if send[2] != self.rate_hz:
            self._forget_playout()
        self._configure(send, receive, dtmf_send, dtmf_receive, ptime_ms)

    def _configure(self, send: Any, receive: Any, dtmf_send: Any, dtmf_receive: Any, ptime_ms: int) -> None:
        self._payload_type, encoding, self.rate_hz, channels = send
        self._encode = codecs.make(encoding, self.rate_hz, channels).encode
        self._receive = dict(receive)
        self._dtmf_send: tuple[int, int] | None = dtmf_send
        self._dtmf_receive: frozenset[int] = dtmf_receive
        self.frame_samples = self.rate_hz * ptime_ms // 1000
        self._frame_ms = float(ptime_ms)

    # ------------------------------------------------------------------ sending

    def send_frame(self, pcm: np.ndarray, now: float) -> bytes:
        """One packet for this frame: sound, or the digit that is being sent."""
        self._level_out.update(pcm, now)
        event = None
        if self._dtmf_send is not None and self._digit_sender.busy:
            event = self._digit_sender.next(self._timestamp, self._frame_ms, self._dtmf_send[1] / 1000)
        if event is not None and self._dtmf_send is not None:
            packet = self._packet(self._dtmf_send[0], event.marker, event.timestamp, event.payload)
        else:
            packet = self._packet(self._payload_type, not self._talking, self._timestamp, self._encode(pcm))
        self._talking = event is None
        self._timestamp = (self._timestamp + self.frame_samples) & 0xFFFFFFFF
        return packet

    def _packet(self, payload_type: int, marker: bool, timestamp: int, payload: bytes) -> bytes:
        made = rtp.build(payload_type, marker, self._sequence, timestamp, self.ssrc, payload)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self._sent_packets += 1
        self._sent_octets += len(payload)
        return made

    def skip(self, frames: int) -> None:
        """Time passes, nothing is sent."""
        self._timestamp = (self._timestamp + frames * self.frame_samples) & 0xFFFFFFFF
        self._talking = False

    def send_digits(self, digits: str) -> bool:
        """Queue digits; False when the far end takes none, or there are too many already."""
        return self._dtmf_send is not None and self._digit_sender.queue(digits)

    # ------------------------------------------------------------------ receiving

    def receive_rtp(self, data: bytes, now: float) -> None:
        """One datagram from the far end's media address."""
        try:
            packet = rtp.parse(data)
        except MediaError:
            self._malformed += 1
            return
        if packet.ssrc == self.ssrc:
            if self._rtcp.collide(now) is None:  # our own packets come back: a loop
                self._foreign += 1
                return
            self._follow_ssrc()
        source = self._source
        if source is None or packet.ssrc != source.ssrc:
            if not self._take_source(packet, now):
                self._foreign += 1
                return
            source = self._source
            assert source is not None
        digits = packet.payload_type in self._dtmf_receive
        wanted = self._receive.get(packet.payload_type)
        kind = source.update(packet.sequence, packet.timestamp, now, timed=not digits)
        self._heard_at = now
        self._received_octets += len(packet.payload)
        if kind is DUPLICATE or kind is JUMP:
            return
        if digits:
            self._take_digits(packet, now)
        elif wanted is not None and packet.payload:
            self._play_from(wanted).put(packet.timestamp, packet.payload, now)
        else:
            self._totals.discarded += 1

    def _take_source(self, packet: rtp.RtpPacket, now: float) -> bool:
        """The first SSRC is taken; another only when it goes on and on, or the old one is silent."""
        if packet.payload_type not in self._receive and packet.payload_type not in self._dtmf_receive:
            return False
        if self._source is not None and not self._persists(packet, now):
            return False
        self._retire_source()
        wanted = self._receive.get(packet.payload_type)
        self._source = Source(packet.ssrc, packet.sequence, wanted[1] if wanted else self.rate_hz)
        self._candidate = None
        return True

    def _persists(self, packet: rtp.RtpPacket, now: float) -> bool:
        candidate, count = self._candidate, 1
        if candidate is not None and candidate[0] == packet.ssrc and packet.sequence == (candidate[1] + 1) & 0xFFFF:
            count = candidate[2] + 1
        self._candidate = (packet.ssrc, packet.sequence, count)
        return count >= (2 if now - self._heard_at > SILENT_S else CHANGE_AFTER)

    def _retire_source(self) -> None:
        source = self._source
        if source is None:
            return
        totals = self._totals
        totals.packets += source.received
        totals.lost += source.lost
        totals.expected += source.expected
        totals.duplicate += source.duplicate
        totals.reordered += source.reordered
        if self._playout is not None:
            self._playout.restart()

    def _play_from(self, wanted: AudioFormat) -> Playout:
        if self._playout is None or wanted != self._playout_format:
            self._forget_playout()
            encoding, rate, channels = wanted
            self._playout = Playout(rate, codecs.make(encoding, rate, channels).decode, self._frame_ms)
            self._playout_format = wanted
            self._resampler = None if rate == self.rate_hz else Resampler(rate, self.rate_hz)
            if self._source is not None:
                self._source.set_clock_rate(rate)
        return self._playout

    def _forget_playout(self) -> None:
        playout = self._playout
        if playout is not None:
            playout.restart()
            self._totals.late += playout.late
            self._totals.duplicate += playout.duplicate
            self._totals.discarded += playout.discarded
            self._totals.concealed_ms += 1000 * playout.concealed_samples / playout.clock_rate
        self._playout = self._playout_format = self._resampler = None
        self._left_over = np.zeros(0, np.int16)

    def _take_digits(self, packet: rtp.RtpPacket, now: float) -> None:
        if self._playout is not None:
            self._playout.quiet()
        try:
            self._digit_receiver.receive(packet.payload, packet.timestamp, self._digit_units_per_ms(), now)
        except MediaError:
            self._malformed += 1

    def _digit_units_per_ms(self) -> float:
        return 8.0 if self._dtmf_send is None else self._dtmf_send[1] / 1000

    def digits(self, now: float) -> list[tuple[str, float]]:
        """(digit, duration in ms) received since last asked."""
        return self._digit_receiver.digits(now)

    def play_frame(self, now: float) -> np.ndarray:
        """``frame_samples`` samples for the ear."""
        playout = self._playout
        if playout is None:
            pcm = np.zeros(self.frame_samples, np.int16)
        elif self._resampler is None:
            pcm = playout.get(self.frame_samples, now)
        else:
            pcm = self._resampled(playout, self._resampler, now)
        self._level_in.update(pcm, now)
        return pcm

    def _resampled(self, playout: Playout, resampler: Resampler, now: float) -> np.ndarray:
        wanted = playout.clock_rate * self.frame_samples // self.rate_hz
        pcm = np.concatenate((self._left_over, resampler.push(playout.get(wanted, now))))
        pcm, self._left_over = pcm[: self.frame_samples], pcm[self.frame_samples :][: self.frame_samples]
        return np.concatenate((np.zeros(self.frame_samples - len(pcm), np.int16), pcm))

    # ------------------------------------------------------------------ RTCP

    def receive_rtcp(self, data: bytes, now: float) -> None:
        """One RTCP datagram; whatever it says, the call goes on."""
        self._rtcp.receive(data, now)
        self._follow_ssrc()

    def _follow_ssrc(self) -> None:
        """Somebody else had our SSRC (RFC 3550 section 8.2): go on under the new one."""
        if self._rtcp.ssrc != self.ssrc:
            self.ssrc = self._rtcp.ssrc
            self._talking = False

    def rtcp_deadline(self) -> float | None:
        return self._rtcp.deadline()

    def make_rtcp(self, now: float, wall: float) -> bytes:
        """SR or RR with SDES, or nothing when the timer was reconsidered."""
        return self._rtcp.make_report(now, wall, self._sent(), self._sources())

    def make_bye(self, now: float, wall: float) -> bytes:
        return self._rtcp.make_bye(now, wall, self._sent(), self._sources())

    def _sent(self) -> Sent:
        return Sent(self._sent_packets, self._sent_octets, self._timestamp)

    def _sources(self) -> list[Source]:
        return [] if self._source is None else [self._source]

    # ------------------------------------------------------------------ looking

    def stats(self, now: float) -> MediaStats:
        """Every figure; changes nothing."""
        return MediaStats(
            tx=TxStats(self._sent_packets, self._sent_octets),
            rx=self._rx_stats(),
            rtcp=self._rtcp.stats(now, self.rate_hz),
            level_in=self._level_in.level(),
            level_out=self._level_out.level(),
        )

    def _rx_stats(self) -> RxStats:
        source, playout, totals = self._source, self._playout, self._totals
        lost, expected = totals.lost, totals.expected
        if source is not None:
            lost, expected = lost + source.lost, expected + source.expected
        rate = self.rate_hz if playout is None else playout.clock_rate
        return RxStats(
            packets=totals.packets + (source.received if source else 0),
            bytes=self._received_octets,
            lost=lost,
            loss_percent=max(0.0, 100.0 * lost / expected) if expected else None,
            late=totals.late + (playout.late if playout else 0),
            duplicate=totals.duplicate + (source.duplicate if source else 0) + (playout.duplicate if playout else 0),
            reordered=totals.reordered + (source.reordered if source else 0),
            discarded=totals.discarded + self._malformed + (playout.discarded if playout else 0),
            foreign=self._foreign,
            jitter_ms=None if source is None else source.jitter_ms,
            buffer_ms=None if playout is None else playout.buffered_ms(),
            target_ms=None if playout is None else playout.target_ms,
            concealed_ms=totals.concealed_ms + (1000 * playout.concealed_samples / rate if playout else 0.0),
        )
