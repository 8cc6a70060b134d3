"""DTMF digits as RTP telephone-events (RFC 4733).

A digit is one event. Its packets share the RTP timestamp of its beginning and carry a duration that grows; the
first has the marker, the last is sent three times with the end bit (2.5.1.4). While it lasts no audio is sent.

The receiver knows an event by its timestamp and its code, so that repeats count once. An event whose end was lost
ends when the next one begins, or when nothing more is heard of it, or with the call (2.5.2.2). One that outlasts the
16 bits of its duration goes on in segments, each with a timestamp of its own where the last one ended (2.5.1.3): still
one digit.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from struct import Struct

from engine.media.errors import MediaError

DIGITS = "0123456789*#ABCD"  # by event code (3.2)
TONE_MS = 100.0
GAP_MS = 80.0  # from the last packet of a digit to the first of the next
END_PACKETS = 3
VOLUME = 10  # -10 dBm0
MAX_QUEUED = 128
SILENCE_ENDS_S = 0.2  # an event of which nothing more is heard
MAX_EVENTS_REMEMBERED = 8

_EVENT = Struct("!BBH")
_END = 0x80
_MAX_DURATION = 0xFFFF


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
        """Take digits of ``DIGITS``; all or, when one is unknown or they are too many at once, none (False)."""
        codes = [DIGITS.find(digit) for digit in digits.upper()]
        if -1 in codes or len(self._queue) + len(codes) > MAX_QUEUED:
            return False
        self._queue.extend(codes)
        return True

    @property
    def busy(self) -> bool:
        """A digit is being sent, or waits."""
        return self._event is not None or bool(self._queue)

    def next(self, timestamp: int, frame_ms: float, units_per_ms: float) -> EventPacket | None:
        """The packet of this frame. ``timestamp`` is the media clock now."""
        if self._event is None and not self._begin(timestamp):
            return None
        first = self._duration == 0
        if not self._ends_left:
            self._duration = min(self._duration + round(frame_ms * units_per_ms), _MAX_DURATION)
            if self._duration >= min(TONE_MS * units_per_ms, _MAX_DURATION):
                self._ends_left = END_PACKETS
        flags = VOLUME | _END if self._ends_left else VOLUME
        packet = EventPacket(_EVENT.pack(self._event, flags, self._duration), self._began, first)
        if self._ends_left:
            self._count_end(frame_ms)
        return packet

    def _count_end(self, frame_ms: float) -> None:
        self._ends_left -= 1
        if not self._ends_left:
            self._event = None
            self._gap_frames = max(1, round(GAP_MS / frame_ms))

    def _begin(self, timestamp: int) -> bool:
        if self._gap_frames:
            self._gap_frames -= 1
            return False
        if not self._queue:
            return False
        self._event, self._began, self._duration = self._queue.popleft(), timestamp, 0
        return True


@dataclass(slots=True)
class _Event:
    """The event that is being heard."""

    code: int
    began: int  # timestamp of its latest segment
    units_per_ms: float
    segments: int = 0  # duration of the segments before, in timestamp units
    duration: int = 0
    heard_at: float = 0.0

    def goes_on_at(self, timestamp: int) -> bool:
        """Is this where the next segment of a long event begins?"""
        return self.duration > 0 and (timestamp - self.began) & 0xFFFFFFFF == _MAX_DURATION


class DigitReceiver:
    """Event packets in, digits out."""

    def __init__(self) -> None:
        self._event: _Event | None = None
        self._ended: deque[tuple[int, int]] = deque(maxlen=MAX_EVENTS_REMEMBERED)  # timestamp, code
        self._digits: deque[tuple[str, float]] = deque(maxlen=MAX_QUEUED)

    def receive(self, payload: bytes, timestamp: int, units_per_ms: float, now: float) -> None:
        """One telephone-event packet; raises MediaError when it is too short."""
        if len(payload) < _EVENT.size:
            raise MediaError("telephone-event shorter than its four octets")
        code, flags, duration = _EVENT.unpack_from(payload)
        if code >= len(DIGITS) or (timestamp, code) in self._ended:
            return  # flash, tones: not digits; or the repeat of an end
        event = self._event
        if event is None or event.code != code or event.began != timestamp:
            event = self._next_event(code, timestamp, units_per_ms)
        event.duration = max(event.duration, duration)
        event.heard_at = now
        if flags & _END:
            self.end()

    def _next_event(self, code: int, timestamp: int, units_per_ms: float) -> _Event:
        event = self._event
        if event is not None and event.code == code and event.goes_on_at(timestamp):
            self._ended.append((event.began, code))
            event.segments += _MAX_DURATION
            event.began, event.duration = timestamp, 0
            return event
        self.end()
        self._event = _Event(code, timestamp, units_per_ms)
        return self._event

    def digits(self, now: float) -> list[tuple[str, float]]:
        """(digit, duration in ms) of the events that have ended; takes them out."""
        if self._event is not None and now - self._event.heard_at > SILENCE_ENDS_S:
            self.end()
        taken = list(self._digits)
        self._digits.clear()
        return taken

    def end(self) -> None:
        """Nothing more comes of the event that is being heard, if there is one."""
        event = self._event
        if event is not None:
            self._ended.append((event.began, event.code))
            self._digits.append((DIGITS[event.code], (event.segments + event.duration) / event.units_per_ms))
            self._event = None
