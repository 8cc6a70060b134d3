"""One call's audio both ways: RTP out and in, RTCP, digits, levels. The whole of ``engine.media`` joined.

The phone asks for a packet and for a frame to play once every ``ptime``, and hands in what the sockets bring.
Bad bytes end here: MediaError is caught, counted, and the call goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.media import codecs, extended, rtp, xr
from engine.media.bursts import BurstFigures
from engine.media.delay import MAX_TARGET_S
from engine.media.errors import MediaError
from engine.media.incoming import Incoming
from engine.media.level import Level
from engine.media.outgoing import Outgoing
from engine.media.redundancy import Heard, RedundancyController
from engine.media.rtcp_session import Collided, Entropy, Left, Reported, RtcpSession, RtcpStats, Sends
from engine.media.source import Source


@dataclass(frozen=True, slots=True)
class TxStats:
    """Named as in ``model.TxView``."""

    packets: int
    bytes: int
    redundancy: int


@dataclass(frozen=True, slots=True)
class RxStats:
    """Named as in ``model.RxView``."""

    packets: int
    bytes: int
    lost: int
    loss_percent: float | None
    late: int
    duplicate: int
    reordered: int
    discarded: int
    recovered: int
    foreign: int
    jitter_ms: float | None
    buffer_ms: float | None
    target_ms: float | None
    concealed_ms: float
    accelerated_ms: float
    expanded_ms: float
    drift_ppm: float | None


@dataclass(frozen=True, slots=True)
class MediaStats:
    """Everything that is counted, at one moment."""

    tx: TxStats
    rx: RxStats
    rtcp: RtcpStats
    level_in: Level
    level_out: Level


class AudioStream:
    """See the module's docstring. ``rate_hz`` is the sampling rate of the codec we send with, and of what we give out.

    So a call has one rate for its microphone and its ear. What comes in another codec is resampled to it. RTP
    timestamps, jitter and RTCP count in clock rates, which are the codecs' own affair.
    """

    def __init__(
        self,
        *,
        send: codecs.WireFormat,
        receive: dict[int, codecs.AudioFormat],
        dtmf_send: tuple[int, int] | None,
        dtmf_receive: dict[int, int],
        ptime_ms: float,
        cname: str,
        entropy: Entropy,
        now: float,
        red_send: int | None = None,
        red_receive: frozenset[int] = frozenset(),
        noise_send: tuple[int, int] | None = None,
        extended_reports: bool = False,
        redundancy: int | None = None,
        silence_suppression: bool = False,
        buffer_ms: tuple[float, float] = (0.0, 1000 * MAX_TARGET_S),
    ) -> None:
        """``redundancy``: so many earlier packets are sent again with each, where the far end takes that; None: as many
        as it takes, by the loss that the far end reports. What the codec does by itself is not bound by 0.
        ``buffer_ms``: bounds of what the jitter buffer aims at."""
        self._controller = None if redundancy else RedundancyController()
        self._reported_jitter_s = 0.0
        self._repeats = redundancy != 0
        sequence, timestamp, ssrc = entropy.getrandbits(16), entropy.getrandbits(32), entropy.getrandbits(32)
        self._out = Outgoing(ssrc, sequence, timestamp, silence_suppression)
        self._in = Incoming(now, buffer_ms)
        self._rtcp = RtcpSession(ssrc, cname, entropy, now)
        self._rated: extended.Rated | None = None
        self._summaries = extended.Summaries()
        self.buffer_limit_ms = buffer_ms[1]
        self.update(
            send=send,
            receive=receive,
            dtmf_send=dtmf_send,
            dtmf_receive=dtmf_receive,
            ptime_ms=ptime_ms,
            now=now,
            red_send=red_send,
            red_receive=red_receive,
            noise_send=noise_send,
            extended_reports=extended_reports,
        )
        self.repeat(_nearest(redundancy or 0))

    def set_buffer(self, buffer_ms: tuple[float, float]) -> None:
        """Other bounds of what the jitter buffer aims at, from now on."""
        self._in.set_buffer(buffer_ms)
        self.buffer_limit_ms = buffer_ms[1]

    def update(
        self,
        *,
        send: codecs.WireFormat,
        receive: dict[int, codecs.AudioFormat],
        dtmf_send: tuple[int, int] | None,
        dtmf_receive: dict[int, int],
        ptime_ms: float,
        now: float,
        red_send: int | None = None,
        red_receive: frozenset[int] = frozenset(),
        noise_send: tuple[int, int] | None = None,
        extended_reports: bool = False,
    ) -> None:
        """A re-INVITE changed something; numbers, media clock and counters go on."""
        self._out.configure(send, dtmf_send, ptime_ms, red_send, noise_send)
        self._in.configure(receive, dtmf_receive, self._out.rate_hz, self._out.frame_samples, red_receive)
        if self._controller is not None:  # another codec does something else against the same loss
            self.against_loss(self._controller.loss, self._controller.generations, self._reported_jitter_s)
        self._rtcp.set_bandwidth(self._out.octets_per_s)
        self._rtcp.extended = extended_reports

    @property
    def rate_hz(self) -> int:
        return self._out.rate_hz

    @property
    def channels(self) -> int:
        """In what we send."""
        return self._out.channels

    @property
    def frame_samples(self) -> int:
        """One frame: what ``send_frame`` takes and ``play_frame`` gives."""
        return self._out.frame_samples

    @property
    def ssrc(self) -> int:
        """Ours. It changes when another takes it (RFC 3550 8.2)."""
        return self._out.ssrc

    @property
    def _ptime_ms(self) -> float:
        return 1000 * self.frame_samples / self.rate_hz

    @property
    def hears(self) -> bool:
        """Has anything come from the far end?"""
        return self._in.source is not None

    # ------------------------------------------------------------------ sending

    def send_frame(self, pcm: np.ndarray, now: float) -> bytes | None:
        """One packet for this frame: sound, or the digit that is being sent; None where a pause needs none."""
        return self._out.frame(pcm, now)

    def against_loss(self, loss: float, generations: int, jitter_s: float = 0.0) -> None:
        """So much is lost lately (0 to 1): the codec does what it can, and packets are repeated as suits it."""
        redundant = self._repeats and self._out.can_repeat
        distances = self._out.codec.against_loss(loss, generations, redundant, jitter_s)
        if self._repeats:
            most = self._out.generations_in_time
            self.repeat(tuple(distance for distance in distances if distance <= most) or (distances and (1,)))

    def skip(self, frames: int) -> None:
        """The time of so many frames passes, nothing is sent (a hold, a stall)."""
        self._out.skip(frames)

    def repeat(self, distances: tuple[int, ...]) -> None:
        """Which packets before each one are sent again with it (RFC 2198), where the far end takes that."""
        self._out.distances = distances

    @property
    def redundancy(self) -> int:
        """How many earlier packets each one repeats now."""
        return self._out.redundancy

    @property
    def takes_digits(self) -> bool:
        """Telephone-event was agreed on."""
        return self._out.takes_digits

    def send_digits(self, digits: str) -> bool:
        """Queue digits; False when the far end takes none, one is unknown, or there are too many already."""
        return self._out.takes_digits and self._out.digits.queue(digits)

    # ------------------------------------------------------------------ receiving

    def receive_rtp(self, data: bytes, now: float) -> None:
        """One datagram from the far end's media address."""
        try:
            packet = rtp.parse(data)
        except MediaError:
            self._in.malformed += 1
            return
        if packet.ssrc == self._out.ssrc:
            self._collide(now)
        self._in.receive(packet, now)

    def _collide(self, now: float) -> None:
        """They send with our SSRC: we take another (RFC 3550 8.2).

        It may also be our own packets that come back. The RFC would have them ignored, for the sake of mixers; a
        far end that does nothing but send back what it hears is to be heard.
        """
        source = self._in.source
        if source is None or source.ssrc != self._out.ssrc:
            collided = self._rtcp.collide(now)
            if collided is not None:
                self._take_ssrc(collided, now)

    def _take_ssrc(self, collided: Collided, now: float) -> None:
        self._out.ssrc = collided.new
        self._rtcp.begin_counts(self._out.sent(now))

    def digits(self, now: float) -> list[tuple[str, float]]:
        """(digit, duration in ms) received since last asked."""
        return self._in.digits.digits(now)

    def end_digits(self) -> None:
        """Nothing more comes: a digit that has begun was as long as was heard of it."""
        self._in.digits.end()

    def play_frame(self, now: float) -> np.ndarray:
        """``frame_samples`` samples for the ear."""
        return self._in.play(now)

    @property
    def packet_heard_s(self) -> float | None:
        """How long the sound of their latest packet lasts, but for comfort noise; None before one came."""
        return self._in.packet_s

    @property
    def far_end_pauses(self) -> bool:
        """What was heard last said that nothing comes for a while, on purpose."""
        return self._in.playout is not None and self._in.playout.pausing

    # ------------------------------------------------------------------ RTCP

    def receive_rtcp(self, data: bytes, now: float) -> None:
        """One RTCP datagram, which came at ``now``; whatever it says, the call goes on."""
        for happening in self._rtcp.receive(data, now):
            if isinstance(happening, Collided):
                self._take_ssrc(happening, now)
            elif isinstance(happening, Left):
                self._in.left(happening.ssrc)
            elif isinstance(happening, Sends):
                self._in.sender_reports(happening.ssrc, happening.packets, now)
            elif self._controller is not None:
                self._adapt(self._controller, happening, now)

    def _adapt(self, controller: RedundancyController, reported: Reported, now: float) -> None:
        controller.growth = self._out.growth
        controller.most = self._out.generations_in_time
        generations = controller.report(Heard(now, reported.loss, reported.rtt_s))
        self._reported_jitter_s = reported.jitter / self._out.clock_rate
        self.against_loss(controller.loss, generations, self._reported_jitter_s)

    def rtcp_deadline(self) -> float | None:
        """When to call :meth:`make_rtcp`; None after BYE."""
        return self._rtcp.deadline()

    def make_rtcp(self, now: float, wall: float) -> bytes:
        """SR or RR with SDES and, where they want it, XR; or nothing when the timer was reconsidered."""
        return self._rtcp.make_report(now, wall, self._out.sent(now), self._sources(), self._extended_blocks)

    def _extended_blocks(self) -> tuple[xr.Block, ...]:
        """How we hear them (RFC 3611 sections 4.6, 4.7); nothing before anything came."""
        source, bursts = self._in.source, self._in.bursts()
        if not self._rtcp.extended or source is None or bursts is None or not source.believed:
            return ()
        rx = self._rx_stats()
        metrics = extended.voip_metrics(
            source.ssrc,
            rx,
            bursts,
            self._rated,
            self._in.level.level().peak_hold_dbfs,
            self._rtcp.rtt_s,
            self._ptime_ms,
            self.buffer_limit_ms,
        )
        return (self._summaries.next(source, rx), metrics)

    def rated(self, r: float, mos: float, wideband: bool) -> None:
        """How good what we hear was found: for what we report."""
        self._rated = extended.Rated(r, mos, wideband)

    def make_bye(self, now: float, wall: float) -> bytes:
        """The last compound packet, or nothing when none is called for."""
        return self._rtcp.make_bye(now, wall, self._out.sent(now), self._sources())

    def _sources(self) -> list[Source]:
        return [] if self._in.source is None else [self._in.source]

    # ------------------------------------------------------------------ looking

    @property
    def codec_heard(self) -> tuple[str, int] | None:
        """What the far end speaks now: encoding name and sampling rate in Hz."""
        return self._in.codec

    @property
    def ssrc_changes(self) -> int:
        """How often the far end has begun another stream in this call."""
        return self._in.ssrc_changes

    @property
    def highest_sample(self) -> int:
        """That what the far end speaks now can have."""
        return self._in.highest

    @property
    def stopped_at(self) -> float:
        """When the far end last began to send nothing for a while, to go on later where it stopped; -inf: never."""
        return self._in.stopped_at

    @property
    def unheard(self) -> int | None:
        """Packets that they say they have sent since the latest one came; None: they have not said."""
        return self._in.unheard

    def take_clumps(self) -> tuple[int, float]:
        """How often packets came all at once since the last look, and for how many seconds they were held back at
        the most."""
        return self._in.clumps.take()

    @property
    def unknown_type(self) -> int | None:
        """The latest payload type that came and that nobody agreed on."""
        return self._in.unknown_type

    def bursts(self) -> BurstFigures | None:
        """How what was lost on the way here lay together; None before anything came."""
        return self._in.bursts()

    def stats(self, now: float) -> MediaStats:
        """Every figure; changes nothing."""
        return MediaStats(
            tx=TxStats(self._out.packets, self._out.octets, self._out.redundancy),
            rx=self._rx_stats(),
            rtcp=self._rtcp.stats(now, self._out.clock_rate, self._out.sent(now)),
            level_in=self._in.level.level(),
            level_out=self._out.level.level(),
        )

    def _rx_stats(self) -> RxStats:
        source, playout, totals = self._in.source, self._in.playout, self._in.totals()
        heard = source is not None and playout is not None
        return RxStats(
            packets=totals.packets,
            bytes=self._in.octets,
            lost=totals.lost,
            loss_percent=max(0.0, 100.0 * totals.lost / totals.expected) if totals.expected else None,
            late=totals.late,
            duplicate=totals.duplicate,
            reordered=totals.reordered,
            discarded=totals.discarded,
            recovered=totals.recovered,
            foreign=self._in.foreign,
            jitter_ms=None if source is None else source.jitter_ms,
            buffer_ms=playout.buffered_ms if playout is not None and heard else None,
            target_ms=playout.target_ms if playout is not None and heard else None,
            concealed_ms=totals.concealed_ms,
            accelerated_ms=totals.accelerated_ms,
            expanded_ms=totals.expanded_ms,
            drift_ppm=playout.drift_ppm if playout is not None and heard else None,
        )


def _nearest(generations: int) -> tuple[int, ...]:
    """The packets right before each one: nothing is waited for longer than it takes to bridge so many losses."""
    return tuple(range(1, generations + 1))
