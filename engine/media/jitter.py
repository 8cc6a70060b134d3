"""The jitter buffer's memory and its aim: which packets wait, and how long they ought to.

Times on the media clock are extended timestamps: the 32 bits of RTP unwrapped to a number that only grows. The
relative delay of a packet is how much later it came than the quickest packet of the last ten seconds would have.
A histogram of relative delays that forgets (half in about ten seconds) says how long to wait so that all but a few
packets are there in time: the target. One late packet raises it at once; it falls as the histogram forgets.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

MAX_PACKETS = 400
MAX_SPAN_S = 2.0  # a packet further ahead than this is another stream's
BIN_MS = 4.0
BINS = 150
FORGET = 0.9985  # per packet
QUANTILE = 0.97
MARGIN_MS = 12.0
MIN_TARGET_MS = 20.0
MAX_TARGET_MS = 500.0
FIRST_TARGET_MS = 30.0
BASE_SECONDS = 10


@dataclass(slots=True)
class Waiting:
    """A packet that waits for its moment."""

    timestamp: int  # extended
    payload: bytes


class DelayEstimate:
    """Relative delays and the target that follows from them."""

    def __init__(self, clock_rate: int, frame_ms: float) -> None:
        self._clock_rate = clock_rate
        self._ahead_ms = max(0.0, frame_ms - 20.0)  # a longer frame is fetched whole: it needs later packets
        self._histogram = np.zeros(BINS)
        self._minima: deque[tuple[int, float]] = deque(maxlen=BASE_SECONDS)  # (second, lowest arrival - media time)
        self.base: float | None = None
        self.target_ms = FIRST_TARGET_MS + self._ahead_ms
        self._packets = 0

    def reset(self) -> None:
        """The clock of the sender was set anew; what is known of the network stays."""
        self._minima.clear()
        self.base = None

    def update(self, timestamp: int, arrival: float) -> None:
        """One packet came."""
        offset = arrival - timestamp / self._clock_rate
        second = int(arrival)
        if not self._minima or self._minima[-1][0] != second:
            self._minima.append((second, offset))
            self.base = min(lowest for _, lowest in self._minima)
        elif offset < self._minima[-1][1]:
            self._minima[-1] = (second, offset)
            if self.base is None or offset < self.base:
                self.base = offset
        assert self.base is not None
        self._count((offset - self.base) * 1000)

    def _count(self, delay_ms: float) -> None:
        histogram = self._histogram
        histogram *= FORGET
        histogram[min(int(delay_ms / BIN_MS), BINS - 1)] += 1 - FORGET
        self._packets += 1
        if delay_ms + MARGIN_MS + self._ahead_ms > self.target_ms:
            self._aim(max(self._quantile_ms(), min(delay_ms, 2 * self.target_ms)))
        elif self._packets % 10 == 0:
            self._aim(self._quantile_ms())

    def _quantile_ms(self) -> float:
        sums = self._histogram.cumsum()
        return (int(np.searchsorted(sums, QUANTILE * sums[-1])) + 1) * BIN_MS

    def _aim(self, wanted_ms: float) -> None:
        least_ms = MIN_TARGET_MS if self._packets >= 50 else FIRST_TARGET_MS
        wanted_ms = min(max(wanted_ms + MARGIN_MS, least_ms) + self._ahead_ms, MAX_TARGET_MS)
        self.target_ms = wanted_ms if wanted_ms > self.target_ms else max(wanted_ms, self.target_ms - 1.0)


class JitterBuffer:
    """Packets in order of their time, bounded in number and span."""

    def __init__(self, clock_rate: int, frame_ms: float) -> None:
        self.clock_rate = clock_rate
        self.estimate = DelayEstimate(clock_rate, frame_ms)
        self._waiting: dict[int, Waiting] = {}
        self._highest: int | None = None
        self.newest_end = 0

    def extend(self, timestamp: int) -> int:
        """The extended timestamp nearest to the latest one."""
        if self._highest is None:
            self._highest = timestamp + (1 << 32)
            return self._highest
        step = (timestamp - self._highest) & 0xFFFFFFFF
        extended = self._highest + (step - (1 << 32) if step & 0x80000000 else step)
        self._highest = max(self._highest, extended)
        return extended

    def put(self, timestamp: int, payload: bytes) -> bool:
        """Keep a packet (extended timestamp); False for a second one of the same time, or when full."""
        if timestamp in self._waiting or len(self._waiting) >= MAX_PACKETS:
            return False
        self._waiting[timestamp] = Waiting(timestamp, payload)
        return True

    def take(self, timestamp: int) -> bytes | None:
        """The packet that begins exactly here."""
        found = self._waiting.pop(timestamp, None)
        return None if found is None else found.payload

    def next_after(self, timestamp: int) -> int | None:
        """When the earliest packet from here on begins."""
        return min((known for known in self._waiting if known >= timestamp), default=None)

    def drop_before(self, timestamp: int) -> int:
        """Forget what is too old; says how many packets that was."""
        old = [known for known in self._waiting if known < timestamp]
        for known in old:
            del self._waiting[known]
        return len(old)

    def clear(self) -> int:
        """Forget every packet and the run of timestamps; says how many packets that was."""
        count = len(self._waiting)
        self._waiting.clear()
        self._highest = None
        self.estimate.reset()
        return count

    def __len__(self) -> int:
        return len(self._waiting)
