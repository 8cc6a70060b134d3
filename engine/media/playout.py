"""Packets in, exactly the asked number of samples out: buffer, decoder, concealment and stretch joined.

Theory of operation. The playhead is a position on the sender's media clock. It starts so that the first packet is
played ``target`` after it came, and moves on by what was played, whether a packet was there or not: time does not
wait. Comparing the playhead with where it ought to be (arrival of the quickest packets plus target) says whether
the delay is too long or too short; then one pitch period is taken out or put in, at most ten times a second.
A stream that falls silent leaves the playhead behind; when it comes back far away, the playhead jumps to it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.media import stretch
from engine.media.conceal import Concealer
from engine.media.jitter import MAX_SPAN_S, JitterBuffer

ADJUST_EVERY_S = 0.1
TOLERANCE_MS = 12.0
EXTRA_MS = 10.0  # fetched besides, for a period to be taken out of
RESYNC_S = 0.5
# One octet a sample at least, four (two channels of 16 bits) at most. Crumbs would cost a search each, lumps memory.
SMALLEST_S, LARGEST_S = 0.002, 0.2
IDLE_RESYNC_S = 0.3  # nothing was there for so long: the next packet begins a new talk spurt

Decode = Callable[[bytes], np.ndarray]


class Playout:
    """One stream of one codec."""

    def __init__(self, clock_rate: int, decode: Decode, frame_ms: float) -> None:
        """``frame_ms`` is how much is asked for at a time."""
        self.clock_rate = clock_rate
        self.late = 0
        self.duplicate = 0
        self.discarded = 0
        self.concealed_samples = 0
        self._decode = decode
        self._buffer = JitterBuffer(clock_rate, frame_ms)
        self._concealer = Concealer(clock_rate)
        self._playhead: int | None = None
        self._rest: np.ndarray | None = None  # decoded, not played
        self._ready: np.ndarray | None = None  # stretched, not played
        self._empty_since: float | None = None
        self._adjusted_at = 0.0
        self._newest = 0  # timestamp of the newest packet
        self._begins = 0  # timestamp of the first: before it nothing is missing
        self._quiet = False

    # ------------------------------------------------------------------ in

    def put(self, timestamp: int, payload: bytes, arrival: float) -> None:
        """One packet with audio in it."""
        self._quiet = False
        if not SMALLEST_S * self.clock_rate <= len(payload) <= LARGEST_S * self.clock_rate * 4:
            self.discarded += 1
            return
        extended = self._buffer.extend(timestamp)
        if self._playhead is not None and self._elsewhere(extended, arrival):
            self.restart()
            extended = self._buffer.extend(timestamp)
        self._buffer.estimate.update(extended, arrival)
        if self._playhead is None:
            self._playhead = extended - self._target_samples()
            self._newest = self._begins = extended
        position = self._playhead + (0 if self._rest is None else len(self._rest))
        if extended < position:
            self.late += 1
            return
        if not self._buffer.put(extended, payload):
            self.discarded += 1
            return
        self._newest = max(self._newest, extended)
        self._empty_since = None

    def restart(self) -> None:
        """Another stream, or the same with its clock set anew."""
        self.discarded += self._buffer.clear()
        self._concealer.reset()
        self._playhead = self._rest = self._ready = self._empty_since = None

    def quiet(self) -> None:
        """The far end sends something else than audio now (digits): what is missing is meant to be."""
        self._quiet = True

    def _elsewhere(self, extended: int, arrival: float) -> bool:
        assert self._playhead is not None
        ahead_s = (extended - self._playhead) / self.clock_rate
        if abs(ahead_s) > MAX_SPAN_S:
            return True
        idle = self._empty_since is not None and arrival - self._empty_since > IDLE_RESYNC_S
        return idle and abs(ahead_s - self._buffer.estimate.target_ms / 1000) > TOLERANCE_MS / 1000

    # ------------------------------------------------------------------ out

    def get(self, count: int, now: float) -> np.ndarray:
        """The next ``count`` samples, come what may."""
        if self._playhead is None:
            return np.zeros(count, np.int16)
        if self._ready is None and not self._due_for_adjustment(now):
            return self._fetch(count, now)
        return self._from_ready(count, now)

    def _due_for_adjustment(self, now: float) -> bool:
        return now - self._adjusted_at >= ADJUST_EVERY_S and abs(self._error_ms(now)) > TOLERANCE_MS

    def _from_ready(self, count: int, now: float) -> np.ndarray:
        ready = np.zeros(0, np.int16) if self._ready is None else self._ready
        if self._due_for_adjustment(now):
            self._adjusted_at = now
            error_ms = self._error_ms(now)
            if abs(error_ms) > RESYNC_S * 1000 and self._playhead is not None:
                self._playhead -= int(error_ms * self.clock_rate / 1000)
                self._rest = None
                self._buffer.drop_before(self._playhead)
            elif error_ms > 0:
                ready = np.concatenate((ready, stretch.expand(self._fetch(count, now), self.clock_rate)))
            else:
                more = count + int(self.clock_rate * EXTRA_MS / 1000)
                ready = np.concatenate((ready, stretch.shrink(self._fetch(more, now), self.clock_rate)))
        if len(ready) < count:
            ready = np.concatenate((ready, self._fetch(count - len(ready), now)))
        out, rest = ready[:count], ready[count:]
        self._ready = rest if len(rest) else None
        return out

    def _fetch(self, count: int, now: float) -> np.ndarray:
        """``count`` samples from the playhead on, which moves."""
        assert self._playhead is not None
        if self._rest is None:
            payload = self._buffer.take(self._playhead)
            if payload is not None:
                pcm = self._good(payload)
                if len(pcm) == count:
                    self._playhead += count
                    return pcm
                self._rest = pcm
        return self._piecewise(count, now)

    def _piecewise(self, count: int, now: float) -> np.ndarray:
        assert self._playhead is not None
        pieces: list[np.ndarray] = []
        left = count
        while left > 0:
            if self._rest is None:
                payload = self._buffer.take(self._playhead)
                if payload is not None:
                    self._rest = self._good(payload)
            if self._rest is not None and len(self._rest):
                piece, rest = self._rest[:left], self._rest[left:]
                self._rest = rest if len(rest) else None
            else:
                self._rest = None
                piece = self._gap(left, now)
            pieces.append(piece)
            left -= len(piece)
            self._playhead += len(piece)
        return pieces[0] if len(pieces) == 1 else np.concatenate(pieces)

    def _gap(self, left: int, now: float) -> np.ndarray:
        """Nothing begins at the playhead: invent until the next packet does, at most ``left`` samples."""
        assert self._playhead is not None
        following = self._buffer.next_after(self._playhead)
        if following is None:
            self._empty_since = now if self._empty_since is None else self._empty_since
            self.late += self._buffer.drop_before(self._playhead)
            count = left
        else:
            count = min(left, following - self._playhead)
        if self._concealer.audible and not self._quiet and self._playhead >= self._begins:
            self.concealed_samples += count
        return self._concealer.missing(count)

    def _good(self, payload: bytes) -> np.ndarray:
        return self._concealer.good(self._decode(payload))

    # ------------------------------------------------------------------ figures

    @property
    def target_ms(self) -> float:
        return self._buffer.estimate.target_ms

    def buffered_ms(self) -> float:
        """Sound that waits: from the playhead to the newest packet that came."""
        if self._playhead is None:
            return 0.0
        return max(0.0, (self._newest - self._playhead) * 1000 / self.clock_rate)

    def _target_samples(self) -> int:
        return int(self._buffer.estimate.target_ms * self.clock_rate / 1000)

    def _error_ms(self, now: float) -> float:
        """How much too early we play: positive wants more delay, negative less."""
        base = self._buffer.estimate.base
        if base is None or self._playhead is None or self._empty_since is not None:
            return 0.0
        ready = 0 if self._ready is None else len(self._ready)
        ideal = (now - base) * self.clock_rate - self._target_samples()
        return (self._playhead - ready - ideal) * 1000 / self.clock_rate
