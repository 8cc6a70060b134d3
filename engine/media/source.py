"""Sequence, loss and jitter of one SSRC (RFC 3550 A.1, A.3, A.8).

:meth:`Source.update` is told of every packet and says what it is:

==============  =====================================================================================
``probation``   the source is not believed yet: it needs two packets in sequence (A.1), or some more that are
                near each other, as where two paths take turns and none ever follows the one before it. It may be
                played all the same where the address was negotiated; it is counted once the source is believed.
``new``         ahead of everything heard so far, by one or by a gap
``reordered``   came after one with a higher number, and was missing until now
``duplicate``   heard before. Counted as received, as the RFC wants: loss may come out negative
``jump``        its number is impossibly far away. Not counted, and best not played
``restart``     the second in sequence after a jump, or after some more that were near each other: the sender began
                anew, and this is its stream now
==============  =====================================================================================

Two things go a little beyond the appendix, both so that the totals on a screen stay true. The packets on
probation are counted as soon as the source is believed. And a restart begins a new run, but what was expected
and received in the runs before stays in the totals, so that cumulative loss never leaps.

Reading a property changes nothing. :meth:`Source.report_block` is a verb: it closes the reporting interval.
"""

from __future__ import annotations

from engine.media.bursts import Bursts
from engine.media.rtcp import LOST_MAX, LOST_MIN, ReportBlock

PROBATION = "probation"
NEW = "new"
REORDERED = "reordered"
DUPLICATE = "duplicate"
JUMP = "jump"
RESTART = "restart"

# A.1
MAX_DROPOUT = 3000
MAX_MISORDER = 100
MIN_SEQUENTIAL = 2
MIN_NEAR = 5  # packets, each near the one before: the same stream, in disorder

_SEQUENCES = 1 << 16
_HALF = 1 << 15
_TIMESTAMPS = 1 << 32
_RECENT = (1 << MAX_MISORDER) - 1  # one bit for each of the latest numbers
SETTLED_AFTER = 32  # packets: who has not come by then counts as lost for the bursts
_SETTLED = 1 << SETTLED_AFTER

# A change of transit time beyond this is a sender that set its timestamps anew, not the network.
_TIMESTAMP_JUMP_S = 2.0


def are_near(sequence: int, other: int) -> bool:
    """May packets of these numbers have overtaken each other?"""
    ahead = (sequence - other) % _SEQUENCES
    return min(ahead, _SEQUENCES - ahead) < MAX_MISORDER


class Source:
    """One SSRC we hear. ``first_sequence`` is the number of the packet that :meth:`update` gets first; ``bursts`` are
    told of every packet that is lost for good."""

    __slots__ = (
        "_base",
        "_bursts",
        "_clock_rate",
        "_cycles",
        "_expected_before",
        "_expected_prior",
        "_expecting",
        "_jitter",
        "_jitter_known",
        "_jump_limit",
        "_max_sequence",
        "_near",
        "_probation",
        "_received_prior",
        "_recent",
        "_strays",
        "_transit",
        "duplicate",
        "jumps",
        "received",
        "reordered",
        "restarts",
        "ssrc",
        "timestamp_jumps",
    )

    def __init__(self, ssrc: int, first_sequence: int, clock_rate: int, bursts: Bursts | None = None) -> None:
        self.ssrc = ssrc
        self.received = 0  # duplicates included
        self.reordered = 0
        self.duplicate = 0
        self.jumps = 0
        self.restarts = 0
        self.timestamp_jumps = 0
        self._bursts = Bursts() if bursts is None else bursts
        self._probation = MIN_SEQUENTIAL
        self._near: list[int] = []  # the latest numbers on probation, each near the one before
        self._max_sequence = (first_sequence - 1) % _SEQUENCES
        self._cycles = 0
        self._base = first_sequence  # extended; below zero when the very first packets came out of order
        self._recent = 0  # bit n: the packet n before the highest was heard
        self._expecting: int | None = None  # the number after a jump (bad_seq in A.1)
        self._strays = 0  # jumps, each near the one before
        self._expected_before = 0  # in the runs before the last restart
        self._expected_prior = 0
        self._received_prior = 0
        self._jitter = 0.0
        self._jitter_known = False
        self._transit: float | None = None
        self._clock_rate = clock_rate
        self._jump_limit = _TIMESTAMP_JUMP_S * clock_rate

    # -------------------------------------------------------------- sequence (A.1)

    def update(self, sequence: int, timestamp: int, arrival_s: float, timed: bool = True) -> str:
        """Count one packet and say what it is.

        ``timed`` is false for a packet whose timestamp does not say when it was sampled, as in the repeats of
        a telephone-event (RFC 4733): it would only spoil the jitter.
        """
        if (sequence - self._max_sequence) & 0xFFFF == 1 and not self._probation:
            if not sequence:
                self._cycles += _SEQUENCES
            self._max_sequence = sequence
            recent = self._recent = (self._recent << 1 | 1) & _RECENT
            self._expecting = None
            self.received += 1
            kind = NEW
            if not recent & _SETTLED and self.settled_place >= self._base:
                self._bursts.lose(self.settled_place)
        else:
            kind = self._place(sequence)
            if kind is JUMP or kind is PROBATION:
                return kind
        if timed:
            self._update_jitter(timestamp, arrival_s)
        return kind

    def _place(self, sequence: int) -> str:
        """Anything but the next number of a source that is believed."""
        if self._probation:
            return self._place_on_probation(sequence)
        ahead = (sequence - self._max_sequence) % _SEQUENCES
        if 0 < ahead < MAX_DROPOUT:
            return self._advance(sequence, ahead)
        behind = (_SEQUENCES - ahead) % _SEQUENCES
        if behind < MAX_MISORDER:
            return self._fill(behind)
        if self._goes_on_elsewhere(sequence):
            return self._restart(sequence)
        self.jumps += 1
        return JUMP

    def _goes_on_elsewhere(self, sequence: int) -> bool:
        """Do impossible numbers follow each other, or are there some more near each other? (As on probation.)"""
        before, self._expecting = self._expecting, (sequence + 1) % _SEQUENCES
        if before is None or not are_near(sequence, before):
            self._strays = 1
        elif self._expecting != before:
            self._strays += 1
        return sequence == before or self._strays >= MIN_NEAR

    def _place_on_probation(self, sequence: int) -> str:
        follows = sequence == (self._max_sequence + 1) % _SEQUENCES
        self._probation = self._probation - 1 if follows else MIN_SEQUENTIAL - 1
        if not (self._near and are_near(sequence, self._max_sequence)):
            self._near = [sequence]
        elif sequence not in self._near:
            self._near.append(sequence)
        self._max_sequence = sequence
        if self._probation and len(self._near) < MIN_NEAR:
            return PROBATION
        self._believe()
        return NEW

    def _believe(self) -> None:
        """What was near on probation counts."""
        self._probation = 0
        latest = self._max_sequence
        behind = [(latest - number + _HALF) % _SEQUENCES - _HALF for number in self._near]
        highest = min(behind)
        self._max_sequence = (latest - highest) % _SEQUENCES
        self._base = self._max_sequence - (max(behind) - highest)
        self._recent = sum(1 << place - highest for place in behind) & _RECENT
        self.received = len(behind)
        self._bursts.begin(self._base)

    def _advance(self, sequence: int, ahead: int) -> str:
        self._settle(ahead)
        if sequence < self._max_sequence:
            self._cycles += _SEQUENCES
        self._max_sequence = sequence
        self._recent = (self._recent << min(ahead, MAX_MISORDER) | 1) & _RECENT
        self._expecting = None
        self.received += 1
        return NEW

    def _settle(self, ahead: int) -> None:
        """So many places more are settled: those that were recent, and of a wide leap a part of what it leaves out."""
        highest = self._cycles + self._max_sequence
        for behind in range(SETTLED_AFTER - 1, max(SETTLED_AFTER - 1 - ahead, -1), -1):
            if not self._recent >> behind & 1 and highest - behind >= self._base:
                self._bursts.lose(highest - behind)
        if ahead > SETTLED_AFTER:
            self._bursts.lose(highest + 1, ahead - SETTLED_AFTER)

    def _fill(self, behind: int) -> str:
        """A packet from before the highest: late, or for the second time."""
        self.received += 1
        if self._recent >> behind & 1:
            self.duplicate += 1
            return DUPLICATE
        self._recent |= 1 << behind
        self._base = min(self._base, self._cycles + self._max_sequence - behind)
        self.reordered += 1
        return REORDERED

    def _restart(self, sequence: int) -> str:
        self._expected_before = self.expected
        self._max_sequence = self._base = sequence
        self._bursts.begin(sequence)
        self._cycles = 0
        self._recent = 1
        self._expecting = None
        self._transit = None
        self.received += 1
        self.restarts += 1
        return RESTART

    # -------------------------------------------------------------- jitter (A.8)

    def _update_jitter(self, timestamp: int, arrival_s: float) -> None:
        transit = arrival_s * self._clock_rate - timestamp
        before = self._transit
        self._transit = transit
        if before is None:
            return
        change = transit - before
        limit = self._jump_limit
        if not -limit < change < limit:
            change -= _TIMESTAMPS * round(change / _TIMESTAMPS)  # the timestamp has 32 bits and wraps
            if not -limit < change < limit:
                self.timestamp_jumps += 1
                return
        self._jitter += (abs(change) - self._jitter) * 0.0625
        self._jitter_known = True

    def set_clock_rate(self, clock_rate: int) -> None:
        """The codec has changed: what is known of the jitter stays, in the new unit."""
        if clock_rate != self._clock_rate:
            self._jitter *= clock_rate / self._clock_rate
            self._transit = None
            self._clock_rate = clock_rate
            self._jump_limit = _TIMESTAMP_JUMP_S * clock_rate

    # -------------------------------------------------------------- figures (A.3)

    @property
    def believed(self) -> bool:
        """It has passed its probation."""
        return not self._probation

    @property
    def settled_place(self) -> int:
        """The newest place, in extended numbers of this run, of which it is known whether its packet came."""
        return self._cycles + self._max_sequence - SETTLED_AFTER

    @property
    def highest_sequence(self) -> int:
        """The extended highest number received, as a report block carries it: 32 bits."""
        return (self._cycles + self._max_sequence) % _TIMESTAMPS

    @property
    def expected(self) -> int:
        if self._probation:
            return 0
        return self._expected_before + self._cycles + self._max_sequence - self._base + 1

    @property
    def lost(self) -> int:
        """Expected minus received; below zero when duplicates outnumber losses."""
        return self.expected - self.received

    @property
    def loss_percent(self) -> float | None:
        """Of all expected so far, never below zero; None before anything was expected."""
        expected = self.expected
        return max(0.0, 100.0 * (expected - self.received) / expected) if expected else None

    @property
    def jitter(self) -> float:
        """Interarrival jitter in timestamp units."""
        return self._jitter

    @property
    def jitter_ms(self) -> float | None:
        """None until two packets could be compared."""
        return 1000.0 * self._jitter / self._clock_rate if self._jitter_known else None

    @property
    def heard_since_report(self) -> bool:
        """Only sources heard since the last report belong in the next one (6.4)."""
        return self.received != self._received_prior

    def report_block(self, now: float, last_sr: int = 0, last_sr_at: float = 0.0) -> ReportBlock:
        """Close the interval and say what it held. ``last_sr`` came at ``last_sr_at``; 0 means none came."""
        expected, received = self.expected, self.received
        expected_interval = expected - self._expected_prior
        lost_interval = expected_interval - (received - self._received_prior)
        self._expected_prior, self._received_prior = expected, received
        fraction = 0
        if expected_interval > 0 and lost_interval > 0:
            fraction = min(255, (lost_interval << 8) // expected_interval)
        delay = min(0xFFFFFFFF, max(0, int((now - last_sr_at) * 65536))) if last_sr else 0
        return ReportBlock(
            ssrc=self.ssrc,
            fraction_lost=fraction,
            lost=max(LOST_MIN, min(LOST_MAX, expected - received)),
            highest_sequence=self.highest_sequence,
            jitter=min(0xFFFFFFFF, int(self._jitter)),
            last_sr=last_sr,
            delay_since_last_sr=delay,
        )
