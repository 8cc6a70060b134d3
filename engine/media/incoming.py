"""What we hear on one call: RTP packets of one source at a time, their sound and their digits.

The first SSRC heard is the far end's. Another one is foreign, counted and not played, until it is clear that the
far end has changed over to it: several packets come, near each other, and the old one does not come any more.

A redundant packet (RFC 2198) is opened first: what is its own goes the usual way, as if it had come plain, and the
earlier frames in it fill what holes they can. They are no packets: none is counted as received, late or doubled.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from engine.media import codecs, red, rtp
from engine.media.bursts import BurstFigures, Bursts
from engine.media.clumps import Clumps
from engine.media.codecs import AudioFormat, cn
from engine.media.delay import MAX_TARGET_S
from engine.media.dtmf import DigitReceiver
from engine.media.errors import MediaError
from engine.media.level import LevelMeter
from engine.media.playout import Decoder, Playout
from engine.media.source import DUPLICATE, JUMP, RESTART, Source, are_near

CHANGE_AFTER = 5  # packets of another SSRC, each near the one before
CHANGE_AFTER_SILENCE = 2  # or so few, when the old one has been silent for so long:
SILENT_S = 0.5
STOPS_S = 0.15  # no packet for so long, and then the next one with a marker: nothing was sent meanwhile
RESTS_S = 1.0  # a report counts the packets that are on their way: it says nothing before they would have come


@dataclass(slots=True)
class Totals:
    """What sources and playouts that are gone have counted."""

    packets: int = 0
    expected: int = 0
    lost: int = 0
    duplicate: int = 0
    reordered: int = 0
    late: int = 0
    discarded: int = 0
    recovered: int = 0
    concealed_ms: float = 0.0
    accelerated_ms: float = 0.0
    expanded_ms: float = 0.0

    def add_source(self, source: Source) -> None:
        self.packets += source.received
        self.expected += source.expected
        # A report counts duplicates as received (A.3), so that they hide losses; nobody who looks wants that.
        self.lost += source.lost + source.duplicate
        self.duplicate += source.duplicate
        self.reordered += source.reordered
        self.discarded += source.jumps

    def add_playout(self, playout: Playout) -> None:
        self.late += playout.late
        self.duplicate += playout.duplicate
        self.discarded += playout.discarded
        self.recovered += playout.recovered
        self.concealed_ms += playout.concealed_ms
        self.accelerated_ms += playout.accelerated_ms
        self.expanded_ms += playout.expanded_ms


@dataclass(slots=True)
class _Candidate:
    """Another SSRC that may be the far end's new one."""

    ssrc: int
    sequence: int
    packets: int = 1


class Incoming:
    """One call's ear. ``configure`` must come first; it may come again."""

    def __init__(self, now: float, buffer_ms: tuple[float, float] = (0.0, 1000 * MAX_TARGET_S)) -> None:
        self._buffer_ms = buffer_ms  # bounds of the delay
        self.source: Source | None = None
        self.level = LevelMeter()
        self.digits = DigitReceiver()
        self.octets = 0
        self.foreign = 0
        self.malformed = 0
        self.unknown = 0  # of a payload type nobody agreed on
        self.unknown_type: int | None = None  # the latest of those
        self.ssrc_changes = 0
        self.playout: Playout | None = None
        self._totals = Totals()
        self._bursts = Bursts()
        self.clumps = Clumps()
        self.stopped_at = -inf  # the latest time that they sent nothing for a while began
        self.packet_s: float | None = None  # how long the sound of the latest packet lasts, but for noise
        self._heard_at = now
        self._surplus: int | None = None  # packets that they had sent by their latest report beyond those we expect
        self._unheard = (-inf, 0)  # a report: when it came, and how many packets it says were sent since the latest one
        # The sequence number after the latest packet of sound, and after those of digits that followed it.
        self._following: int | None = None
        self._candidate: _Candidate | None = None
        self._decoders: dict[int, Decoder] = {}
        self._formats: dict[int, AudioFormat] = {}
        self._events: dict[int, int] = {}  # payload type to clock rate
        self._redundant: frozenset[int] = frozenset()
        self._frame_samples = 0
        self._spoken: dict[int, tuple[str, int]] = {}  # payload type to encoding name and sampling rate, but for noise
        self._sounds_as: int | None = None  # payload type of the latest packet of those

    def set_buffer(self, buffer_ms: tuple[float, float]) -> None:
        """Other bounds of the delay, from now on."""
        self._buffer_ms = buffer_ms
        if self.playout is not None:
            self.playout.buffer.set_limits(buffer_ms)

    def configure(
        self,
        receive: dict[int, AudioFormat],
        events: dict[int, int],
        rate_hz: int,
        frame_samples: int,
        redundant: frozenset[int] = frozenset(),
    ) -> None:
        """Payload types of sound, of digits (with their clock rates) and of redundancy; the sampling rate and the
        length of the frames to be played."""
        if self.playout is None or self.playout.rate_hz != rate_hz:
            if self.playout is not None:
                self._totals.add_playout(self.playout)
            self.playout = Playout(rate_hz, self._buffer_ms)
            self._formats = {}
        if receive != self._formats:
            self._formats = dict(receive)
            self._make_decoders()
        self._events = events
        self._redundant = redundant
        self._frame_samples = frame_samples

    def _make_decoders(self) -> None:
        """New ones, that remember nothing of what came before.

        Comfort noise is understood even where nobody spoke of it: its payload type is as well known as that of PCMU.
        """
        self._decoders = {number: self._decoder(wanted) for number, wanted in self._formats.items()}
        self._spoken = {
            number: (wanted[0], self._decoders[number].codec.rate_hz)
            for number, wanted in self._formats.items()
            if wanted[0].upper() != cn.ENCODING
        }
        if any(wanted[1] == cn.CLOCK_RATE for wanted in self._formats.values()):
            self._decoders.setdefault(cn.PAYLOAD_TYPE, self._decoder((cn.ENCODING, cn.CLOCK_RATE, 1, "")))

    def _decoder(self, wanted: AudioFormat) -> Decoder:
        assert self.playout is not None
        if wanted[0].upper() == cn.ENCODING:
            return Decoder(cn.ComfortNoise(self.playout.rate_hz, wanted[1]), wanted[1])
        return Decoder(codecs.make(*wanted), wanted[1])

    # -------------------------------------------------------------- receiving

    def receive(self, packet: rtp.RtpPacket, now: float) -> None:
        """One RTP packet from the far end's media address."""
        octets = len(packet.payload)
        earlier = self._open(packet) if packet.payload_type in self._redundant else ()
        source = self.source
        if source is not None and packet.ssrc == source.ssrc:
            self._candidate = None
        else:
            source = self._other_source(packet, now)
            if source is None:
                self.foreign += 1
                return
        gap_s, self._heard_at = now - self._heard_at, now
        self.octets += octets
        decoder = self._decoders.get(packet.payload_type)
        if decoder is not None:
            source.set_clock_rate(decoder.clock_rate)
        kind = source.update(packet.sequence, packet.timestamp, now, timed=decoder is not None)
        if kind is DUPLICATE or kind is JUMP:
            return
        assert self.playout is not None
        if kind is RESTART:
            self.playout.other_source(same_clock=True)
        for block in earlier:
            self._recover(block, now)
        follows = packet.sequence == self._following
        if follows or decoder is not None:
            self._following = (packet.sequence + 1) & 0xFFFF
        if decoder is not None:
            if packet.payload_type in self._spoken:
                self._sounds_as = packet.payload_type
            if follows:
                self.clumps.note(gap_s)
                if packet.marker and gap_s > STOPS_S and not self.playout.hushed:
                    self.stopped_at = now - gap_s
            self.playout.put(packet.timestamp, packet.payload, decoder, now, follows)
            if packet.payload_type in self._spoken:
                self.packet_s = self.playout.packet_s
        elif packet.payload_type in self._events:
            self._take_event(packet, now)
        elif packet.payload_type not in self._redundant:
            self.unknown += 1
            self.unknown_type = packet.payload_type

    def _open(self, packet: rtp.RtpPacket) -> list[red.Block]:
        """Make a redundant packet a plain one, and give the earlier frames that were in it, oldest first."""
        try:
            *earlier, own = red.parse(packet.payload, packet.timestamp)
            if own.payload_type in self._redundant:
                raise MediaError("redundancy within redundancy")
        except MediaError:
            self.malformed += 1
            return []
        packet.payload_type, packet.payload = own.payload_type, own.payload
        return earlier

    def _recover(self, block: red.Block, now: float) -> None:
        assert self.playout is not None
        decoder = self._decoders.get(block.payload_type)
        if decoder is not None:
            self.playout.recover(block.timestamp, block.payload, decoder, now)
        elif block.payload_type in self._events:
            self._take_event(block, now)

    def sender_reports(self, ssrc: int, packets: int | None, now: float) -> None:
        """They say how many packets they have sent so far under this SSRC; None: none lately (RFC 3550 6.4)."""
        source = self.source
        if source is None or source.ssrc != ssrc:
            return
        before = self._surplus
        if packets is not None:
            self._surplus = packets - source.expected
        if now - self._heard_at < RESTS_S:
            return
        if packets is None:
            self._unheard = now, 0
        elif before is not None and self._surplus is not None:
            self._unheard = now, max(0, self._surplus - before)

    def left(self, ssrc: int) -> None:
        """The far end said BYE for this SSRC: should it go on with another, it need not wait long."""
        if self.source is not None and self.source.ssrc == ssrc:
            self._heard_at = -inf

    def _take_event(self, packet: rtp.RtpPacket | red.Block, now: float) -> None:
        assert self.playout is not None
        self.playout.hush()
        try:
            self.digits.receive(packet.payload, packet.timestamp, self._events[packet.payload_type] / 1000, now)
        except MediaError:
            self.malformed += 1

    # -------------------------------------------------------------- sources

    def _other_source(self, packet: rtp.RtpPacket, now: float) -> Source | None:
        """The source this packet is of, if it is to be the far end's from now on."""
        if packet.payload_type not in self._decoders and packet.payload_type not in self._events:
            return None
        if self.source is not None:
            if not self._persists(packet, now):
                return None
            self._totals.add_source(self.source)
            self.ssrc_changes += 1
            self._surplus = None
            assert self.playout is not None
            self.playout.other_source()
            self._make_decoders()
        decoder = self._decoders.get(packet.payload_type)
        rate = decoder.clock_rate if decoder is not None else self._events[packet.payload_type]
        self.source = Source(packet.ssrc, packet.sequence, rate, self._bursts)
        self._candidate = None
        return self.source

    def _persists(self, packet: rtp.RtpPacket, now: float) -> bool:
        candidate = self._candidate
        if candidate is None or candidate.ssrc != packet.ssrc or not are_near(packet.sequence, candidate.sequence):
            candidate = self._candidate = _Candidate(packet.ssrc, packet.sequence)
        elif packet.sequence != candidate.sequence:
            candidate.sequence = packet.sequence
            candidate.packets += 1
        return candidate.packets >= (CHANGE_AFTER_SILENCE if now - self._heard_at > SILENT_S else CHANGE_AFTER)

    # -------------------------------------------------------------- playing

    def play(self, now: float) -> np.ndarray:
        """One frame for the ear, whatever came."""
        assert self.playout is not None
        pcm = self.playout.get(self._frame_samples, now)
        self.level.update(pcm, now)
        return pcm

    # -------------------------------------------------------------- figures

    @property
    def codec(self) -> tuple[str, int] | None:
        """What the far end speaks now: encoding name and sampling rate in Hz; None before it has."""
        return None if self._sounds_as is None else self._spoken.get(self._sounds_as)

    @property
    def highest(self) -> int:
        """The highest sample that what they speak now can have."""
        return 32767 if self._sounds_as not in self._decoders else self._decoders[self._sounds_as].codec.highest

    @property
    def unheard(self) -> int | None:
        """How many packets they say they have sent since the latest one came; None: they have not said since."""
        at, packets = self._unheard
        return packets if at > self._heard_at else None

    def bursts(self) -> BurstFigures | None:
        """How the lost packets lay together; None before anything came."""
        return None if self.source is None else self._bursts.figures(self.source.settled_place)

    def totals(self) -> Totals:
        """Everything counted so far, of what is gone and of what is here; a copy."""
        before = self._totals
        total = Totals(
            before.packets,
            before.expected,
            before.lost,
            before.duplicate,
            before.reordered,
            before.late,
            before.discarded + self.malformed + self.unknown,
            before.recovered,
            before.concealed_ms,
            before.accelerated_ms,
            before.expanded_ms,
        )
        if self.source is not None:
            total.add_source(self.source)
        if self.playout is not None:
            total.add_playout(self.playout)
        return total
