"""DTMF digits as RTP telephone-events (RFC 4733).

A digit is one event: its packets share the RTP timestamp of its beginning, carry a duration that grows, and the
last is sent three times with the end bit. While it lasts no audio is sent. The receiver knows an event by its
timestamp, so repeats count once, and an event whose end was lost ends when the next begins or nothing more comes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from struct import Struct

from engine.media.errors import MediaError

DIGITS = "0123456789*#ABCD"
TONE_MS = 100.0
GAP_MS = 80.0
END_PACKETS = 3
VOLUME = 10  # -10 dBm0
MAX_QUEUED = 128
SILENCE_ENDS_S = 0.2  # an event of which nothing more is heard

_EVENT = Struct("!BBH")
_END = 0x80


@dataclass(frozen=True, slots=True)
class EventPacket:
    """What to put into one RTP packet."""

    payload: bytes
    timestamp: int
    marker: bool


class DigitSender:
    """Asked once a frame: an event packet, or None when audio has the turn."""

    def __init__(self) -> None:
        self._queue: deque[int] = deque()
        self._event: int | None = None
        self._began = 0
        self._duration = 0
        self._ends_left = 0
        self._gap_frames = 0

    def queue(self, digits: str) -> bool:
        """False when it is too much at once. Digits must be of ``DIGITS``."""
        if len(self._queue) + len(digits) > MAX_QUEUED:
            return False
        self._queue.extend(DIGITS.index(digit) for digit in digits)
        return True

    @property
    def busy(self) -> bool:
        return self._event is not None or bool(self._queue)

    def next(self, timestamp: int, frame_ms: float, units_per_ms: float) -> EventPacket | None:
        """The packet of this frame. ``timestamp`` is the media clock now."""
        if self._event is None and not self._begin(timestamp):
            return None
        assert self._event is not None
        first = self._duration == 0
        if not self._ends_left:
            self._duration = min(self._duration + round(frame_ms * units_per_ms), 0xFFFF)
            if self._duration >= TONE_MS * units_per_ms:
                self._ends_left = END_PACKETS
        ending = self._ends_left > 0
        payload = _EVENT.pack(self._event, (_END if ending else 0) | VOLUME, self._duration)
        packet = EventPacket(payload, self._began, first)
        if ending:
            self._ends_left -= 1
            if not self._ends_left:
                self._event = None
                self._gap_frames = max(1, round(GAP_MS / frame_ms))
        return packet

    def _begin(self, timestamp: int) -> bool:
        if self._gap_frames:
            self._gap_frames -= 1
            return False
        if not self._queue:
            return False
        self._event, self._began, self._duration = self._queue.popleft(), timestamp, 0
        return True


class DigitReceiver:
    """Event packets in, digits out."""

    def __init__(self) -> None:
        self._event: int | None = None
        self._began: int | None = None
        self._duration = 0
        self._heard_at = 0.0
        self._units_per_ms = 8.0
        self._ended = True
        self._digits: deque[tuple[str, float]] = deque(maxlen=MAX_QUEUED)

    def receive(self, payload: bytes, timestamp: int, units_per_ms: float, now: float) -> None:
        """One telephone-event packet; raises MediaError when it is too short."""
        if len(payload) < _EVENT.size:
            raise MediaError("telephone-event shorter than its four octets")
        event, flags, duration = _EVENT.unpack_from(payload)
        if event >= len(DIGITS):
            return  # flash, tones: not digits
        if timestamp != self._began:
            if self._began is not None and (timestamp - self._began) & 0x80000000:
                return  # a straggler of an earlier event
            self._finish()
            self._event, self._began, self._duration, self._ended = event, timestamp, 0, False
        if self._ended:
            return
        self._units_per_ms = units_per_ms
        self._duration = max(self._duration, duration)
        self._heard_at = now
        if flags & _END:
            self._finish()

    def digits(self, now: float) -> list[tuple[str, float]]:
        """(digit, duration in ms) of the events that have ended; takes them out."""
        if not self._ended and now - self._heard_at > SILENCE_ENDS_S:
            self._finish()
        taken = list(self._digits)
        self._digits.clear()
        return taken

    def _finish(self) -> None:
        if not self._ended and self._event is not None:
            self._digits.append((DIGITS[self._event], self._duration / self._units_per_ms))
        self._ended = True
