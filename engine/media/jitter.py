"""The jitter buffer: which packets wait, how long they ought to, and when it is whose turn.

Theory of operation. Packets lie on the :class:`MediaLine`, in seconds of the sender's clock. A *transit* is a time of
ours less a place on that line: the delay of the network plus a constant nobody knows. Two transits are all there is to
know about delay:

* the one of a packet as it arrives: :class:`DelayEstimate` says by which transit all but a few have come: the
  *target*;
* the one at which a packet is taken to be played, ``now - begin``: how late we play. It should be the target. A
  sender whose clock is faster or slower than ours makes both drift together, so delay cannot build up.

Who plays asks with :meth:`JitterBuffer.pull` whenever it has nothing left to play, and says how long it has been
inventing sound since the last packet. A packet that begins where the last one ended is given out at once. When the
next one to be had begins later, those between are missing: the answer is None, and ``lacking_s`` says how much to
invent before asking again. When nothing waits at all, nobody can tell loss from delay, and sound is invented.

What is then heard of a packet that comes after its turn: usually, the rest of it, in its place. What was invented
stands for its beginning and the delay stays as it is, since a shift of all that follows is worse than a few
milliseconds that are made up. It is played whole, and the delay grows by what was invented, where the line was held
up as a whole (nothing came for longer than ``HELD_UP_S``), where the delay is too short for the target by far, or
where more packets come too late than the target allows for.

A silence longer than ``IDLE_S`` ends a talk spurt. The next packet begins a new one, played when it has waited for
the target: there the delay may change and nobody hears it.

A frame that comes again in a later packet (:meth:`JitterBuffer.recover`) fills the hole of its own where there is one,
and is no packet: neither late nor doubled, and what is learnt from its delay is all in ``repeats``.

Bounds: packets, octets and seconds that wait, the length of one packet. The oldest goes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import gcd, inf

from engine.media.delay import MAX_TARGET_S, DelayEstimate
from engine.media.drift import DriftEstimate
from engine.media.media_line import MAX_EARLY_S, MAX_LATE_S, MediaLine
from engine.media.repeats import MOST_S, RepeatEstimate, bounded

MAX_PACKETS = 200
MAX_OCTETS = 300_000
MAX_WAITING_S = 1.5
MAX_PACKET_S = 0.25  # RFC 3551 4.2 asks for 0.2
MAX_EXCESS_S = 0.4  # played later than the target by more: no stretching helps, packets are left out
IDLE_S = 0.2
START_EARLY_S = 0.0005  # a packet is pulled at the next tick, not when it is due

# Sound for a packet that was invented while others waited stands for the packet: what of it comes in time goes on
# behind that, and the delay stays. With nothing there for longer than this the line was held up, and none is lost.
HELD_UP_S = 0.030
PART_S = 0.0025  # a shorter rest of a packet is not worth a seam
LOOK_AHEAD_S = 5.0  # pauses are not much further apart
GROW_S = 0.010  # where the delay is too short by more, or too many packets are late, a gap makes it longer

JOIN_S = 0.0005  # packets nearer than this to each other join without a gap

KEPT, LATE, DUPLICATE, DISCARDED = "kept", "late", "duplicate", "discarded"


@dataclass(slots=True)
class Waiting:
    """A packet, from ``begin`` to ``end`` on the media line. ``decoder`` is whatever the caller gave."""

    begin: float
    end: float
    payload: bytes
    decoder: object
    arrival: float
    overlap_s: float = 0.0  # so much of its beginning was played already
    repeated: bool = False  # taken from a later packet (RFC 2198), its own has not come


class JitterBuffer:
    """Packets in the order of their time. See the module's docstring."""

    PULL_LEAK_S = 0.002
    PLAYED_REMEMBERED = 16

    def __init__(self, limits_ms: tuple[float, float] = (0.0, 1000 * MAX_TARGET_S)) -> None:
        """``limits_ms``: bounds of ``target_ms``."""
        self._limits_ms = limits_ms
        self.tick_s = 0.02  # how much sound is asked for at a time: more than a packet wants several at once
        self.most_repeat_wait_s = MOST_S
        self.lacking_s = inf  # after pull gave None: how much to invent before the next packet's turn, if known
        self.estimate = DelayEstimate()
        self.drift = DriftEstimate()
        self.repeats = RepeatEstimate()
        self.late = 0
        self.duplicate = 0
        self.discarded = 0
        self.given = 0  # packets
        self.waited_s = 0.0  # by all of them, from arrival
        self.recovered = 0  # played though their own packets had not come in time
        self._queue: deque[Waiting] = deque()
        self._octets = 0
        self._playing = False
        self._next = -inf  # where the last packet given out ended
        self._starved = True  # nothing has waited since
        self._played: deque[float] = deque(maxlen=self.PLAYED_REMEMBERED)
        self._stood_in: deque[float] = deque(maxlen=self.PLAYED_REMEMBERED)  # those of them that were repeated ones
        self._in_vain: deque[float] = deque(maxlen=self.PLAYED_REMEMBERED)  # repeated ones that came too late, too
        self._asked_at = self._begun_within = -inf
        self._delay = inf  # the transit of the latest packet pulled
        self._lowest_delay = inf  # the least of late: what counts when several are pulled at one tick
        self._pulled = False  # that is known already of the next packet to be given
        self._packet_s = 0.0
        self._came_at: float | None = None  # the latest packet
        self._line = MediaLine()

    def set_limits(self, limits_ms: tuple[float, float]) -> None:
        """Other bounds of ``target_ms``, from now on."""
        self._limits_ms = limits_ms
        if self._packet_s:
            self._set_packet(self._packet_s)

    # -------------------------------------------------------------- in

    def put(
        self,
        timestamp: int,
        samples: int,
        rate: int,
        payload: bytes,
        decoder: object,
        arrival: float,
        follows: bool = False,
    ) -> str:
        """One packet of ``samples`` at ``rate`` a second, both of the RTP clock. Says what became of it.

        ``follows``: by the sequence numbers no sound is missing between the one that was put last and this.
        """
        duration_s = samples / rate
        if not 0 < duration_s <= MAX_PACKET_S:
            return self._discard()
        estimate, line = self.estimate, self._line
        target = inf if self._playing or self._queue else estimate.target
        begin = line.locate(timestamp, samples, rate, arrival, estimate.floor, target, follows)
        if line.joined_anew:
            self.drift.restart()
        if begin is None:
            return self._discard()
        return self._keep(Waiting(begin, begin + duration_s, payload, decoder, arrival), arrival - begin, follows)

    def recover(
        self, timestamp: int, samples: int, rate: int, payload: bytes, decoder: object, arrival: float
    ) -> str | None:
        """A frame that came again, in a later packet (RFC 2198). None when nothing is missing there.

        It is no packet: its delay has no part in the target but by what ``repeats`` makes of it.
        """
        duration_s = samples / rate
        if not self._line.knows(rate) or not 0 < duration_s <= MAX_PACKET_S:
            return None
        begin = self._line.place(timestamp)
        transit = arrival - begin
        delay_s = transit - self.estimate.floor
        if not -MAX_EARLY_S <= delay_s <= MAX_LATE_S:
            return None
        missing = self._is_hole(begin)
        self.repeats.repeated(delay_s, duration_s, missing)
        self._wait_for_repeats()
        if not missing:
            return None
        packet = Waiting(begin, begin + duration_s, payload, decoder, arrival, repeated=True)
        if packet.end <= self._next + JOIN_S:
            self._in_vain.append(begin)
            return LATE
        self._line_up(packet, transit)
        return KEPT

    def _wait_for_repeats(self) -> None:
        wait_s = self.repeats.wait_s
        if wait_s and self._delay < inf:
            pulled_s = self._delay - self.estimate.floor
            wait_s = bounded(wait_s, pulled_s, self.tick_s, self._packet_s, self.most_repeat_wait_s)
        self.estimate.repeated(self.repeats.active, wait_s)

    def _is_hole(self, begin: float) -> bool:
        """Is nothing known of a packet there? Not of one so old that it would be forgotten, or from before a spurt."""
        if begin >= self._line.newest_end - JOIN_S:
            return True
        known = self._played if self._playing else [packet.begin for packet in self._queue]
        if not known or begin <= known[0]:
            return False
        return not (self._is_known(begin) or _is_among(self._in_vain, begin))

    def other_source(self, same_clock: bool = False) -> None:
        """The next packet belongs to another source, or (``same_clock``) to the same begun anew."""
        self._line.other_source()
        if not same_clock:
            self.drift = DriftEstimate()

    def _keep(self, packet: Waiting, transit: float, follows: bool) -> str:
        begin = packet.begin
        if begin < self._line.newest_end - JOIN_S and self._is_known(begin):
            if not self._supersedes(packet):
                self.duplicate += 1
            return DUPLICATE
        if self._in_vain and _is_among(self._in_vain, begin):  # it is even later: nobody waits for it
            self.late += 1
            return LATE
        duration_s = packet.end - begin
        if duration_s != self._packet_s:
            self._set_packet(duration_s)
        drift = self.drift
        if self.repeats.active:
            self.repeats.update(duration_s)
            self._wait_for_repeats()
        since_s = None if self._came_at is None else packet.arrival - self._came_at
        self._came_at = packet.arrival
        self.estimate.update(transit, duration_s, drift.slope, since_s)
        drift.update(packet.arrival, transit)
        if packet.end <= self._next + JOIN_S:
            self.late += 1
            self.estimate.late(transit)
            self.estimate.missing(-duration_s)
            return LATE
        self._line_up(packet, transit, follows)
        return KEPT

    def _set_packet(self, duration_s: float) -> None:
        self._packet_s = duration_s
        least_s, most_s = (limit_ms / 1000 - duration_s for limit_ms in self._limits_ms)
        self.estimate.least_s, self.estimate.most_s = max(0.0, least_s), max(0.0, most_s)

    def _supersedes(self, packet: Waiting) -> bool:
        """Has it been stood in for by a repeated frame, that waits or was played? Then it is no duplicate."""
        for waiting in self._queue:
            if waiting.repeated and abs(packet.begin - waiting.begin) < JOIN_S:
                waiting.repeated = False
                self._octets += len(packet.payload) - len(waiting.payload)
                waiting.payload, waiting.decoder = packet.payload, packet.decoder  # never worse, and often better
                return True
        stood_in = [begin for begin in self._stood_in if abs(packet.begin - begin) < JOIN_S]
        for begin in stood_in:
            self._stood_in.remove(begin)
        return bool(stood_in)

    def _line_up(self, packet: Waiting, transit: float, follows: bool = False) -> None:
        begin, queue, line = packet.begin, self._queue, self._line
        ahead_s = begin - line.newest_end
        pause = follows and ahead_s > 0  # time that the very next packet leaves out
        if not (-JOIN_S < ahead_s < JOIN_S or pause) and ahead_s < IDLE_S and self._playing:
            self.estimate.missing(ahead_s if ahead_s > 0 else begin - packet.end)
        if packet.end > line.newest_end:
            line.newest_end, line.newest_transit = packet.end, transit
        if not queue or begin >= queue[-1].begin:
            queue.append(packet)
        else:
            self._insert(packet)
        self._octets += len(packet.payload)
        if len(queue) > 1:
            self._bound()

    def _is_known(self, begin: float) -> bool:
        if any(abs(begin - waiting.begin) < JOIN_S for waiting in self._queue):
            return True
        return _is_among(self._played, begin)

    def _insert(self, packet: Waiting) -> None:
        place = len(self._queue)
        while place and self._queue[place - 1].begin > packet.begin:
            place -= 1
        self._queue.insert(place, packet)

    def _bound(self) -> None:
        queue = self._queue
        while len(queue) > 1 and (
            queue[-1].end - queue[0].begin > MAX_WAITING_S or len(queue) > MAX_PACKETS or self._octets > MAX_OCTETS
        ):
            self._skip_head()
            self._discard()

    def _discard(self) -> str:
        self.discarded += 1
        return DISCARDED

    # -------------------------------------------------------------- out

    def pull(self, now: float, invented_s: float = 0.0) -> Waiting | None:
        """The packet whose turn it is; None when none can be had. See the module's docstring."""
        queue = self._queue
        away_s, self._asked_at = now - self._asked_at, now
        if self._playing:
            if invented_s > IDLE_S:
                self._playing = False
            elif not self._covered(invented_s, now):
                known = queue and not self._awaited(invented_s)
                self.lacking_s = queue[0].begin - self._next - invented_s if known else inf
                return None
        if not queue:
            self.lacking_s = inf
            return None
        target = self.estimate.target
        # What nobody asked for in its time is left out at once; what the network held back is caught up with.
        latest = target + (MAX_EXCESS_S if away_s < IDLE_S else self._packet_s + self.tick_s)
        while now - queue[0].begin > latest and len(queue) > 1:
            self._skip_head()
            self._discard()
        if not self._playing and not self._begin_spurt(now - target):
            return None
        return self._give(now)

    def coming(self, seconds: float) -> list[Waiting]:
        """The packets that will be given out next, up to a hole or until they last so long; they stay here."""
        found: list[Waiting] = []
        for packet in self._queue:
            if found and (abs(packet.begin - found[-1].end) > JOIN_S or found[-1].end - found[0].begin >= seconds):
                break
            found.append(packet)
        return found

    def _covered(self, invented_s: float, now: float) -> bool:
        """May the first in the queue be played? What was invented in its place is left out of it."""
        queue = self._queue
        if not invented_s:
            self._pulled_at(now - self._next)
        if not queue or self._awaited(invented_s):
            return False
        due = self._next + invented_s
        if invented_s:
            played = due - self._growth(invented_s)
            while queue and queue[0].end < played + PART_S:
                missed = queue.popleft()
                self._octets -= len(missed.payload)
                if missed.repeated:
                    self._in_vain.append(missed.begin)
                    continue
                self._played.append(missed.begin)
                self.estimate.late(missed.arrival - missed.begin)
                self.late += 1
            if queue and queue[0].begin <= due + JOIN_S:
                if queue[0].begin < due - JOIN_S and not queue[0].repeated:
                    self.estimate.late(queue[0].arrival - queue[0].begin)
                self._next = played
        if queue and queue[0].begin <= due + JOIN_S:
            return True
        self._starved = self._starved and not queue
        return False

    def _awaited(self, invented_s: float) -> bool:
        """Is the packet that is missing waited for, though one behind it is there?

        Where a great part of the packets comes too late, it is late rather than lost. The delay gets as long as it
        ought to be while it is waited for: where every other packet is late, as on two paths that take turns, no frame
        could be stretched for that, since each of them ends a gap.
        """
        hole_s = self._queue[0].begin - self._next
        lacking_s = self.estimate.target - self._lowest_delay
        return hole_s > JOIN_S and lacking_s > 0 and self.estimate.often_late and invented_s < hole_s + lacking_s

    def _growth(self, invented_s: float) -> float:
        """How much of what was invented is delay from now on, and stands for no sound."""
        if self._starved and invented_s > HELD_UP_S + 2 * self.repeats.wait_s:  # where much is repeated, much is lost
            return invented_s
        lacking_s = self.estimate.target - self._lowest_delay
        return invented_s if lacking_s > (0.0 if self.estimate.peak else GROW_S) else 0.0

    def _begin_spurt(self, due: float) -> bool:
        head = self._queue[0]
        early_s = head.begin - due - START_EARLY_S
        small = self.even and self._packet_s < self.tick_s
        if not small:
            early_s += self._unevenness_s()
        if early_s > 0 and self._line.newest_end - head.begin < MAX_WAITING_S / 2:
            self.lacking_s = inf
            return False
        if small and self._begin_within(-early_s):
            return False
        self._playing = True
        self._next = head.begin
        self._lowest_delay = inf
        return True

    def _begin_within(self, spare_s: float) -> bool:
        """Packets smaller than a tick need not begin with one: late enough that the last one in it is there in time."""
        offset_s = self.tick_s - self._packet_s * (spare_s // self._packet_s + 1)
        if offset_s < PART_S or self._begun_within == self._asked_at:
            return False
        self._begun_within, self.lacking_s = self._asked_at, offset_s
        return True

    def _give(self, now: float) -> Waiting:
        packet = self._queue.popleft()
        self._octets -= len(packet.payload)
        begin = packet.begin
        if begin < self._next - JOIN_S:
            packet.overlap_s = self._next - begin
        self._next = packet.end
        self._starved = True
        self._played.append(begin)
        self.given += 1
        self.waited_s += now - packet.arrival
        if packet.repeated:
            self.recovered += 1
            self._stood_in.append(begin)
        self._delay = now - begin - packet.overlap_s
        if not self._pulled:
            self._pulled_at(self._delay)
        self._pulled = False
        return packet

    def unreadable(self, packet: Waiting) -> None:
        """Nothing could be heard of the packet that was given out last: its time is a gap."""
        self._next = packet.begin + packet.overlap_s

    def _pulled_at(self, delay: float) -> None:
        """A packet was asked for so late, whether it was there or not."""
        self._pulled = True
        leak_s = self.PULL_LEAK_S if self._packet_s >= self.tick_s else self.PULL_LEAK_S * self._packet_s / self.tick_s
        self._lowest_delay = min(delay, self._lowest_delay + leak_s)

    def _unevenness_s(self) -> float:
        """By how much some packets are pulled earlier than others, because of how they fall on the ticks."""
        tick_ms, packet_ms = round(1000 * self.tick_s), round(1000 * self._packet_s)
        return (tick_ms - gcd(tick_ms, packet_ms)) / 1000 if packet_ms else self.tick_s

    def _skip_head(self) -> None:
        """Leave the oldest out as if it had been played: what follows is not a gap."""
        packet = self._queue.popleft()
        self._octets -= len(packet.payload)
        self._played.append(packet.begin)
        if self._queue:
            self._next = max(self._next, self._queue[0].begin)

    # -------------------------------------------------------------- figures

    @property
    def excess_s(self) -> float:
        """How much later than the target packets are pulled; below zero: too early, or soon so by the clocks."""
        slope = self.drift.slope
        return self._lowest_delay - self.estimate.target - (slope * LOOK_AHEAD_S if slope > 0 else 0.0)

    @property
    def step_s(self) -> float:
        """Packets are pulled at ticks: when they are pulled earlier, it is by so much at once."""
        return self.tick_s if self.tick_s < self._packet_s else self._packet_s

    @property
    def even(self) -> bool:
        """Does a packet fill whole ticks, or a tick whole packets? Then all packets of a kind are pulled alike."""
        ratio = self._packet_s / self.tick_s
        ratio = ratio if ratio > 1 else 1 / ratio
        return abs(ratio - round(ratio)) < 0.01

    def delay_changed(self, longer_s: float) -> None:
        """Stretching has changed it: that is seen at the next pulls at the latest."""
        self._lowest_delay += longer_s

    @property
    def target_ms(self) -> float | None:
        """From the arrival of the quickest packets to the end of their being played; None before the first."""
        estimate = self.estimate
        return None if estimate.floor == inf else 1000 * (estimate.target - estimate.floor + self._packet_s)

    @property
    def buffered_ms(self) -> float:
        """The same as it is, or, between talk spurts, what waits for the next."""
        if self._playing and self._delay != inf:
            return 1000 * max(0.0, min(self._lowest_delay, self._delay) - self.estimate.floor + self._packet_s)
        return 1000 * (self._queue[-1].end - self._queue[0].begin) if self._queue else 0.0

    def __len__(self) -> int:
        return len(self._queue)


def _is_among(begins: deque[float], begin: float) -> bool:
    return any(abs(begin - other) < JOIN_S for other in begins)
