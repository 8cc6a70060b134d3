"""What we send on one call: frames of sound, or digits, as RTP packets.

The media clock follows time, in the RTP clock rate of the codec, which need not be the rate of its samples. It moves
by one frame with every frame, sent or skipped, and where nobody called for a long time (the phone was elsewhere) by
the time that has passed. The marker says that a talk spurt begins (RFC 3551 section 4.1): on the first packet, and on
the first after a pause or a digit. In pauses nothing is sent where that is wanted, and the far end told how to bridge
them.

Where the far end takes redundancy (RFC 2198) each packet of sound may repeat earlier ones, named by their distance in
packets. That can change with every packet: sequence numbers and the media clock go on.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from engine.media import codecs, red, rtp
from engine.media.dtmf import DigitSender
from engine.media.level import LevelMeter
from engine.media.redundancy import MAX_GENERATIONS
from engine.media.repeats import MOST_S
from engine.media.rtcp_session import Sent
from engine.media.silence import SilenceSuppressor

# A caller that is so late was not delayed, it did not say that time passed. Smaller delays are caught up by it.
FORGOTTEN_S = 1.0

MAX_DISTANCE = 8  # how far back, in packets, one may be repeated

_HEADERS_OCTETS = 40  # IPv4, UDP and RTP, for RTCP's share of the bandwidth


class Outgoing:
    """Packets of one SSRC; sequence numbers and the media clock survive every change of codec."""

    def __init__(self, ssrc: int, sequence: int, timestamp: int, suppresses: bool = False) -> None:
        """``suppresses``: nothing is sent while nothing is said, where the far end is told how to bridge that."""
        self.ssrc = ssrc
        self.level = LevelMeter()
        self.packets = 0
        self.octets = 0  # of payload
        self.digits = DigitSender()
        self.takes_digits = False
        self.rate_hz = self.clock_rate = self.frame_samples = 0
        self.distances: tuple[int, ...] = ()  # packets of sound before the one that is sent, to be sent again with it
        self._red_payload_type: int | None = None
        self._earlier: deque[red.Block] = deque(maxlen=MAX_DISTANCE)  # the latest first
        self._sequence = sequence
        self._timestamp = timestamp  # of the next frame
        self._send: codecs.WireFormat | None = None
        self._due_at: float | None = None  # when the next frame ought to be asked for
        self._clock_at: float | None = None  # when the media clock stood at _timestamp
        self._in_spurt = False
        self._suppresses = suppresses
        self._noise: tuple[int, int] | None = None
        self._suppressor: SilenceSuppressor | None = None
        self._dtx = False

    def configure(
        self,
        send: codecs.WireFormat,
        dtmf: tuple[int, int] | None,
        ptime_ms: float,
        red_payload_type: int | None = None,
        noise: tuple[int, int] | None = None,
    ) -> None:
        """Set, or change, the codec, the payload type and clock rate of digits, the length of a frame, and where they
        may be sent the payload type of redundancy and that and the clock rate of comfort noise.

        A codec that stays the same goes on as it was: those that remember would click.
        """
        self._red_payload_type = red_payload_type
        changed = (send, noise) != (self._send, self._noise)
        if send != self._send:
            self._send = send
            self._payload_type, self.clock_rate = send.payload_type, send.clock_rate
            self._codec = codecs.make(*send[1:])
            self._encode = self._codec.encode
            self.rate_hz = self._codec.rate_hz
            self._earlier.clear()
        self.takes_digits = dtmf is not None
        if not self.takes_digits:
            self.digits = DigitSender()  # what waits would come out whenever digits are taken again
        self._dtmf_payload_type, dtmf_rate = dtmf or (0, self.clock_rate)
        self._dtmf_units_per_ms = dtmf_rate / 1000
        self.frame_samples = max(1, int(self.rate_hz * self._codec.packet_ms(ptime_ms) / 1000))
        self._frame_units = self.frame_samples * self.clock_rate // self.rate_hz  # of the RTP clock
        self._frame_s = self.frame_samples / self.rate_hz
        self._silence = np.zeros(self.frame_samples, np.int16)
        if changed:
            self._noise = noise
            self._suppress()

    def _suppress(self) -> None:
        """In pauses send nothing, if that is wanted: by the codec's own means, or with comfort noise."""
        self._dtx = self._suppresses and self._codec.set_dtx(True)
        self._suppressor = None
        if self._suppresses and not self._dtx and self._noise is not None:
            self._suppressor = SilenceSuppressor(self.rate_hz, self._noise[1])

    @property
    def channels(self) -> int:
        return self._codec.channels

    @property
    def codec(self) -> codecs.Codec:
        """What we send with: its bit rate now, and what it can do."""
        return self._codec

    @property
    def octets_per_s(self) -> float:
        """Bandwidth of this stream, with its headers (RFC 3550 6.2)."""
        return self._codec.bitrate_bps / 8 + _HEADERS_OCTETS / self._frame_s

    @property
    def can_repeat(self) -> bool:
        """Does the far end take redundancy?"""
        return self._red_payload_type is not None

    @property
    def redundancy(self) -> int:
        """How many earlier packets each one repeats."""
        return 0 if self._red_payload_type is None else len(self.distances)

    @property
    def generations_in_time(self) -> int:
        """How many earlier packets are repeated soon enough for who waits as we do."""
        return min(MAX_GENERATIONS, max(1, int(MOST_S / self._frame_s)))

    @property
    def growth(self) -> float:
        """How much more bandwidth it takes to repeat one earlier packet with each, as a part of this."""
        return self._codec.bitrate_bps / 8 / self.octets_per_s if self.can_repeat else 0.0

    def frame(self, pcm: np.ndarray, now: float) -> bytes | None:
        """One packet for this frame: the sound, or the digit that is being sent; None in a pause."""
        due_at = self._due_at
        if due_at is None or not -FORGOTTEN_S < now - due_at < FORGOTTEN_S:
            self._catch_up(now)
        event = None
        if self.takes_digits and self.digits.busy:
            event = self.digits.next(self._timestamp, 1000 * self._frame_s, self._dtmf_units_per_ms)
        if event is None:
            self.level.update(pcm, now)
            packet = self._sound(pcm)
        else:
            self.level.update(self._silence, now)
            packet = self._packet(self._dtmf_payload_type, event.marker, event.timestamp, event.payload)
            self._in_spurt = False
        self._advance(1)
        self._clock_at = now
        return packet

    def _sound(self, pcm: np.ndarray) -> bytes | None:
        """A packet with this frame; in a pause one that says what to hear meanwhile, or none."""
        if self._suppressor is not None and self._suppressor.pauses(pcm):
            return self._pause(self._suppressor.noise(self._frame_s))
        payload = self._encode(pcm)
        if self._dtx and self._codec.is_pause(payload) and not self._in_spurt:
            return None
        payload_type, whole = self._with_earlier(red.Block(self._payload_type, self._timestamp, payload))
        packet = self._packet(payload_type, not self._in_spurt, self._timestamp, whole)
        self._in_spurt = not (self._dtx and self._codec.is_pause(payload))
        return packet

    def _pause(self, noise: bytes | None) -> bytes | None:
        self._in_spurt = False
        self._earlier.clear()
        if noise is None or self._noise is None:
            return None
        return self._packet(self._noise[0], False, self._timestamp, noise)

    def _with_earlier(self, own: red.Block) -> tuple[int, bytes]:
        """What to send for this frame, redundant or plain: payload type and payload."""
        payload = None
        if self.distances and self._red_payload_type is not None:
            payload = red.build(own, _at(self._earlier, self.distances))
        self._earlier.appendleft(own)
        if payload is None:
            return own.payload_type, own.payload
        assert self._red_payload_type is not None
        return self._red_payload_type, payload

    def skip(self, frames: int) -> None:
        """So many frames are not sent, though their time passes."""
        self._in_spurt = False
        self.level = LevelMeter()  # they hear nothing of us
        self._advance(frames)

    def sent(self, now: float) -> Sent:
        """What a sender report says of us: the counts, and the media clock at this instant (RFC 3550 6.4.1)."""
        since_s = 0.0 if self._clock_at is None else max(0.0, now - self._clock_at)
        timestamp = (self._timestamp + int(since_s * self.clock_rate)) & 0xFFFFFFFF
        return Sent(self.packets, self.octets, timestamp, self._sequence)

    def _packet(self, payload_type: int, marker: bool, timestamp: int, payload: bytes) -> bytes:
        packet = rtp.build(payload_type, marker, self._sequence, timestamp, self.ssrc, payload)
        self._sequence = (self._sequence + 1) & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        return packet

    def _advance(self, frames: int) -> None:
        self._timestamp = (self._timestamp + frames * self._frame_units) & 0xFFFFFFFF
        if self._due_at is not None:
            self._due_at += frames * self._frame_s
        if self._clock_at is not None:
            self._clock_at += frames * self._frame_s

    def _catch_up(self, now: float) -> None:
        """The first frame, or one after a time in which nobody said that frames were skipped."""
        if self._due_at is not None and now > self._due_at:
            self.skip(int((now - self._due_at) / self._frame_s))
        self._due_at = now


def _at(earlier: Sequence[red.Block], distances: tuple[int, ...]) -> list[red.Block]:
    """Those at these distances, as far as there are any, the oldest first."""
    return [earlier[distance - 1] for distance in sorted(distances, reverse=True) if distance <= len(earlier)]
