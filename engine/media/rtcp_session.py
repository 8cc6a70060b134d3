"""When to report, and what both ends have reported (RFC 3550 6.2, 6.3, 8.2, A.7).

A session keeps the members it hears of, the random timer whose rate falls as they grow in number, and the
counters of both directions. What the far end says about *our* stream is kept apart from what we measure of
*its* stream: that is in each :class:`~engine.media.source.Source` and goes out in the report blocks.

The timer. ``deadline()`` is when it expires. ``make_report`` then reconsiders it (6.3.6): the interval is drawn
again with the members of now, and a report is made only when that one has passed too; otherwise the answer is
empty and the deadline has moved. A BYE that comes in moves it nearer in proportion (6.3.4).

What RTCP says is hearsay. Nothing in it ends a call, tables are bounded whatever it claims, and a round trip
is believed only when it refers to a sender report that we remember having sent: it is measured on our own
monotonic clock from that report on, so a clock set anew, here or there, cannot bend it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from engine.media import rtcp, xr
from engine.media.errors import MediaError
from engine.media.source import Source

MINIMUM_INTERVAL_S = 5.0
RTCP_SHARE = 0.05  # of the session bandwidth
SENDER_SHARE = 0.25  # of the RTCP bandwidth, while senders are at most so many of the members
COMPENSATION = math.e - 1.5  # reconsideration draws the mean interval below what was asked for (6.3.1)
MEMBER_TIMEOUT_INTERVALS = 5  # 6.3.5
SENDER_TIMEOUT_INTERVALS = 2

# Fewer than 50 members may leave at once, without the back-off of 6.3.7; a phone call has two.
MAX_MEMBERS = 32
MAX_SENT_REPORTS = 16
MAX_RTT_S = 30.0
RTT_HOLDS_S = 30.0  # after that long without another measurement nobody knows
# Delays are told in 1/65536 s and clocks differ a little: so much below zero still means "no delay".
RTT_SLACK_S = 0.02
COLLISION_MEMORY_INTERVALS = 10  # 8.2

_UDP_IP_OCTETS = 28  # "including lower-layer headers" (6.2)
_FIRST_SIZE = 100.0  # octets, a guess at our own first report
_U32 = 1 << 32


class Entropy(Protocol):
    def getrandbits(self, bits: int, /) -> int: ...


@dataclass(frozen=True, slots=True)
class Sent:
    """What we have sent on the stream so far, and where its media clock stands now."""

    packets: int
    octets: int  # of payload
    timestamp: int  # RTP timestamp of the instant of the report
    sequence: int  # of the next packet


@dataclass(frozen=True, slots=True)
class Left:
    """The far end said BYE for this SSRC. The call goes on: only SIP ends it."""

    ssrc: int
    reason: str


@dataclass(frozen=True, slots=True)
class Collided:
    """Another participant uses our SSRC; ours is a new one from here on (8.2)."""

    old: int
    new: int


@dataclass(frozen=True, slots=True)
class Reported:
    """What the far end said of our stream."""

    loss: float  # 0 to 1: the part that was lost since its report before
    jitter: int  # interarrival jitter, in units of the clock that we send with
    rtt_s: float | None


@dataclass(frozen=True, slots=True)
class Sends:
    """The far end said how much it has sent under an SSRC."""

    ssrc: int
    packets: int | None  # None: nothing lately, for it sent an RR where it had sent SRs (6.4)


Happening = Left | Collided | Reported | Sends


@dataclass(frozen=True, slots=True)
class RemoteStats:
    """What the far end last reported of our stream; the fields are those of ``model.RemoteReport``."""

    lost: int
    loss_percent: float
    jitter_ms: float
    age_s: float
    total_loss_percent: float | None


@dataclass(frozen=True, slots=True)
class RemoteMetrics:
    """How the far end says it hears us (RFC 3611 section 4.7)."""

    block: xr.VoipMetrics
    age_s: float


@dataclass(frozen=True, slots=True)
class RtcpStats:
    """The fields are those of ``model.RtcpView``."""

    sr_sent: int
    rr_sent: int
    bye_sent: int
    sr_received: int
    rr_received: int
    sdes_received: int
    bye_received: int
    unknown_received: int
    malformed: int
    cname: str | None
    rtt_ms: float | None
    remote: RemoteStats | None
    xr_sent: int
    xr_received: int
    metrics: RemoteMetrics | None


@dataclass(slots=True)
class _Member:
    """Another SSRC of this session."""

    heard_at: float
    sent_at: float | None = None  # when RTP of it was last known to come
    last_sr: int = 0
    last_sr_at: float = 0.0


def deterministic_interval(
    members: int, senders: int, bandwidth_octets_per_s: float, we_sent: bool, average_octets: float, initial: bool
) -> float:
    """Seconds between two reports of ours, before any randomness (6.3.1, Td). ``bandwidth`` is RTCP's own."""
    minimum = MINIMUM_INTERVAL_S / 2 if initial else MINIMUM_INTERVAL_S
    sharing = members
    if senders <= members * SENDER_SHARE:
        if we_sent:
            bandwidth_octets_per_s *= SENDER_SHARE
            sharing = senders
        else:
            bandwidth_octets_per_s *= 1 - SENDER_SHARE
            sharing = members - senders
    return max(minimum, average_octets * sharing / bandwidth_octets_per_s)


class RtcpSession:
    """RTCP of one call, ours and theirs."""

    def __init__(
        self, ssrc: int, cname: str, entropy: Entropy, now: float, bandwidth_octets_per_s: float = 10_000.0
    ) -> None:
        self.ssrc = ssrc  # ours; changes on a collision
        self.loops = 0  # packets of our own that came back, or a collision that does not end
        self.cname: str | None = None  # the far end's, control characters removed
        self.rtt_s: float | None = None  # the latest, however old
        self._rtt_at = 0.0
        self.extended = False  # the far end asked for extended reports
        self._reference: tuple[int, int, float] | None = (
            None  # their latest: SSRC, middle of its NTP stamp, when it came
        )
        self._metrics: xr.VoipMetrics | None = None
        self._metrics_at = 0.0
        self._xr_sent = self._xr_received = 0
        self._cname = cname
        self._entropy = entropy
        self._bandwidth = RTCP_SHARE * bandwidth_octets_per_s
        self._members: dict[int, _Member] = {}  # all but us
        self._members_at_timer = 1  # pmembers
        self._average_octets = _FIRST_SIZE
        self._initial = True
        self._we_sent = False
        self._left = False
        self._packets_at_reports: deque[int] = deque((0,), maxlen=2)
        self._sr_times: dict[int, float] = {}  # middle NTP bits of our SRs, oldest first
        self._remote: rtcp.ReportBlock | None = None
        self._remote_at = 0.0
        self._collided_at: float | None = None
        self._abandoned: int | None = None  # our SSRC before a collision, still to be said BYE for
        self._sent_before_ssrc = Sent(0, 0, 0, 0)  # the counts of an SR start anew with the SSRC (6.4.1)
        self._sr_sent = self._rr_sent = self._bye_sent = 0
        self._sr_received = self._rr_received = self._sdes_received = self._bye_received = 0
        self._unknown_received = self._malformed = 0
        self._previous_at = now  # tp
        self._next_at = now + self._random_interval()  # tn

    # -------------------------------------------------------------- the timer

    def deadline(self) -> float | None:
        """When to call :meth:`make_report`; None after BYE."""
        return None if self._left else self._next_at

    def set_bandwidth(self, octets_per_s: float) -> None:
        """The session's bandwidth has changed, with a new codec. Takes effect from the next interval on."""
        self._bandwidth = RTCP_SHARE * octets_per_s

    def _interval(self, as_receiver: bool = False) -> float:
        we_sent = self._we_sent and not as_receiver
        senders = sum(member.sent_at is not None for member in self._members.values()) + we_sent
        members = len(self._members) + 1
        return deterministic_interval(members, senders, self._bandwidth, we_sent, self._average_octets, self._initial)

    def _random_interval(self) -> float:
        factor = 0.5 + self._entropy.getrandbits(32) / _U32
        return self._interval() * factor / COMPENSATION

    def _note_size(self, octets: int) -> None:
        self._average_octets += (octets + _UDP_IP_OCTETS - self._average_octets) / 16

    def _reverse_reconsider(self, now: float) -> None:
        """Members left: report sooner, in proportion (6.3.4)."""
        members = len(self._members) + 1
        if members < self._members_at_timer:
            share = members / self._members_at_timer
            self._next_at = now + share * (self._next_at - now)
            self._previous_at = now - share * (now - self._previous_at)
            self._members_at_timer = members

    # -------------------------------------------------------------- members

    def _hear(self, ssrc: int, now: float) -> _Member:
        member = self._members.get(ssrc)
        if member is None:
            if len(self._members) >= MAX_MEMBERS - 1:
                del self._members[min(self._members, key=lambda known: self._members[known].heard_at)]
            member = self._members[ssrc] = _Member(now)
        member.heard_at = now
        return member

    def _forget_silent(self, now: float) -> None:
        """Time members and senders out (6.3.5)."""
        oldest_member = now - MEMBER_TIMEOUT_INTERVALS * self._interval(as_receiver=True)
        oldest_sender = now - SENDER_TIMEOUT_INTERVALS * self._interval()
        for ssrc, member in list(self._members.items()):
            if member.heard_at < oldest_member:
                del self._members[ssrc]
            elif member.sent_at is not None and member.sent_at < oldest_sender:
                member.sent_at = None

    # -------------------------------------------------------------- receiving

    def receive(self, data: bytes, now: float) -> list[Happening]:
        """One datagram from the far end, which came at ``now``. What is no RTCP is counted, never raised."""
        try:
            packets = rtcp.parse(data)
        except MediaError:
            self._malformed += 1
            return []
        if self._is_ours(packets):
            self.loops += 1
            return []
        self._note_size(len(data))
        happenings: list[Happening] = []
        for packet in packets:
            self._take(packet, now, happenings)
        return happenings

    def _is_ours(self, packets: list[rtcp.Packet]) -> bool:
        """Our own report, sent back to us: nobody else has both our SSRC and our random CNAME."""
        return any(
            isinstance(packet, rtcp.SourceDescription) and packet.cname(self.ssrc) == self._cname for packet in packets
        )

    def _take(self, packet: rtcp.Packet, now: float, happenings: list[Happening]) -> None:
        if isinstance(packet, rtcp.SenderReport):
            self._sr_received += 1
            member = self._take_report(packet.ssrc, packet.blocks, now, happenings)
            if member is not None:
                member.last_sr, member.last_sr_at = rtcp.ntp_middle(packet.ntp), now
                happenings.append(Sends(packet.ssrc, packet.packets))
        elif isinstance(packet, rtcp.ReceiverReport):
            self._rr_received += 1
            member = self._take_report(packet.ssrc, packet.blocks, now, happenings)
            if member is not None and member.last_sr:
                happenings.append(Sends(packet.ssrc, None))
        elif isinstance(packet, rtcp.SourceDescription):
            self._take_description(packet, now, happenings)
        elif isinstance(packet, rtcp.Goodbye):
            self._take_goodbye(packet, now, happenings)
        elif isinstance(packet, xr.ExtendedReport):
            self._take_extended(packet, now)
        elif isinstance(packet, rtcp.Malformed):
            self._malformed += 1
        else:
            self._unknown_received += 1

    def _take_report(
        self, ssrc: int, blocks: tuple[rtcp.ReportBlock, ...], now: float, happenings: list[Happening]
    ) -> _Member | None:
        """The report blocks about us; None when the report bears our own SSRC."""
        if ssrc == self.ssrc:
            self._note_collision(now, happenings)
            return None
        for block in blocks:
            if block.ssrc == self.ssrc:
                self._remote, self._remote_at = block, now
                self._measure_rtt(block, now)
                happenings.append(Reported(block.fraction_lost / 256, block.jitter, self.rtt_s))
        return self._hear(ssrc, now)

    def _measure_rtt(self, block: rtcp.ReportBlock, now: float) -> None:
        """From our report to its echo (6.4.1)."""
        self._measure(block.last_sr, block.delay_since_last_sr, now)

    def _measure(self, stamp: int, delay: int, now: float) -> None:
        """From the moment we sent this stamp, less the time (1/65536 s) that the far end held it."""
        sent_at = self._sr_times.get(stamp) if stamp else None
        if sent_at is None:
            return
        rtt_s = now - sent_at - delay / 65536
        if -RTT_SLACK_S <= rtt_s <= MAX_RTT_S:
            self.rtt_s, self._rtt_at = max(0.0, rtt_s), now

    def _take_extended(self, packet: xr.ExtendedReport, now: float) -> None:
        """What they say of our stream, and what a round trip can be measured by (RFC 3611 sections 4.4, 4.5, 4.7)."""
        self._xr_received += 1
        self._malformed += packet.malformed
        for block in packet.blocks:
            if isinstance(block, xr.ReceiverReferenceTime):
                self._reference = packet.ssrc, rtcp.ntp_middle(block.ntp), now
            elif isinstance(block, xr.VoipMetrics) and block.ssrc == self.ssrc:
                self._metrics, self._metrics_at = block, now
            elif isinstance(block, xr.DelaySinceLast):
                for ssrc, reference, delay in block.entries:
                    if ssrc == self.ssrc:
                        self._measure(reference, delay, now)

    def _take_description(self, packet: rtcp.SourceDescription, now: float, happenings: list[Happening]) -> None:
        self._sdes_received += 1
        self._malformed += packet.truncated
        for chunk in packet.chunks:
            if chunk.ssrc == self.ssrc:
                self._note_collision(now, happenings)
                continue
            self._hear(chunk.ssrc, now)
            for item in chunk.items:
                if item.type == rtcp.CNAME:
                    self.cname = "".join(filter(str.isprintable, item.text)) or None

    def _take_goodbye(self, packet: rtcp.Goodbye, now: float, happenings: list[Happening]) -> None:
        self._bye_received += 1
        for ssrc in packet.ssrcs:
            self._members.pop(ssrc, None)
            happenings.append(Left(ssrc, packet.reason))
        self._reverse_reconsider(now)

    # -------------------------------------------------------------- collisions (8.2)

    def collide(self, now: float) -> Collided | None:
        """Somebody else uses our SSRC: take another one, and say BYE for the old one with the next report.

        Only once in a while: a far end that sends us our own packets back would otherwise chase us through
        new numbers for ever (8.2 calls it a loop). The answer is None then, and the packet is to be ignored.
        """
        before, self._collided_at = self._collided_at, now
        if before is not None and now - before < COLLISION_MEMORY_INTERVALS * MINIMUM_INTERVAL_S:
            self.loops += 1
            return None
        old = self.ssrc
        while self.ssrc == old or self.ssrc in self._members:
            self.ssrc = self._entropy.getrandbits(32)
        self._abandoned = old
        self._remote = self._metrics = None
        self._sr_times.clear()
        return Collided(old, self.ssrc)

    def begin_counts(self, sent: Sent) -> None:
        """So much was sent under the SSRC before a collision: a sender report counts from here on (6.4.1)."""
        self._sent_before_ssrc = sent

    def _note_collision(self, now: float, happenings: list[Happening]) -> None:
        happening = self.collide(now)
        if happening is not None:
            happenings.append(happening)

    # -------------------------------------------------------------- sending

    def make_report(
        self,
        now: float,
        wall: float,
        sent: Sent,
        sources: Iterable[Source],
        blocks: Callable[[], Iterable[xr.Block]] = tuple,
    ) -> bytes:
        """The compound packet that is due now: SR or RR, SDES, and what ``blocks`` gives in an XR where the far end
        asked for it. Empty when none is due: see :meth:`deadline`."""
        if self._left or now < self._next_at:
            return b""
        heard = self._note_activity(now, sent, sources)
        self._forget_silent(now)
        self._next_at = self._previous_at + self._random_interval()
        self._members_at_timer = len(self._members) + 1
        if self._next_at > now:
            return b""
        packets: list[rtcp.Packet] = [*self._report(now, wall, sent, heard)]
        if self.extended:
            packets.append(self._extended_report(now, wall, blocks()))
        if self._abandoned is not None:
            packets.append(rtcp.Goodbye((self._abandoned,), "SSRC collision"))
            self._abandoned = None
        data = rtcp.build(packets)
        self._note_size(len(data))
        self._packets_at_reports.append(sent.packets)
        self._initial = False
        self._previous_at = now
        self._next_at = now + self._random_interval()
        return data

    def make_bye(self, now: float, wall: float, sent: Sent, sources: Iterable[Source] = (), reason: str = "") -> bytes:
        """The last compound packet: SR or RR, SDES, BYE. Empty when there is nothing to take leave of (6.3.7)."""
        if self._left or not (sent.packets or self._sr_sent or self._rr_sent):
            return b""
        heard = self._note_activity(now, sent, sources)
        leaving = (self.ssrc,) if self._abandoned is None else (self.ssrc, self._abandoned)
        data = rtcp.build([*self._report(now, wall, sent, heard), rtcp.Goodbye(leaving, reason)])
        self._bye_sent += 1
        self._left = True
        return data

    def _note_activity(self, now: float, sent: Sent, sources: Iterable[Source]) -> list[Source]:
        """Who has sent since the last report: others (the answer), and we ourselves (6.3.8)."""
        self._we_sent = sent.packets > self._packets_at_reports[0]
        heard = [source for source in sources if source.heard_since_report and source.ssrc != self.ssrc]
        for source in heard:
            self._hear(source.ssrc, now).sent_at = now
        return heard

    def _report(self, now: float, wall: float, sent: Sent, heard: list[Source]) -> tuple[rtcp.Packet, rtcp.Packet]:
        """SR when we sent something lately, else RR (6.4), and our CNAME."""
        blocks = tuple(self._block(source, now) for source in heard[: rtcp.MAX_BLOCKS])
        description = rtcp.cname_description(self.ssrc, self._cname)
        if not self._we_sent:
            self._rr_sent += 1
            return rtcp.ReceiverReport(self.ssrc, blocks), description
        self._sr_sent += 1
        return self._sender_report(now, wall, sent, blocks), description

    def _extended_report(self, now: float, wall: float, blocks: Iterable[xr.Block]) -> xr.ExtendedReport:
        """With what a round trip needs: theirs, and ours where we send no SR that would do (RFC 3611 section 4.4)."""
        own: list[xr.Block] = []
        if not self._we_sent:
            ntp = rtcp.ntp_from_wall(wall)
            self._remember_report(rtcp.ntp_middle(ntp), now)
            own.append(xr.ReceiverReferenceTime(ntp))
        if self._reference is not None:
            ssrc, reference, came = self._reference
            delay = max(0, min(_U32 - 1, int((now - came) * 65536)))
            own.append(xr.DelaySinceLast(((ssrc, reference, delay),)))
        self._xr_sent += 1
        return xr.ExtendedReport(self.ssrc, (*own, *blocks))

    def _block(self, source: Source, now: float) -> rtcp.ReportBlock:
        member = self._members.get(source.ssrc)
        if member is None:  # pushed out by others: there were more than the table holds
            return source.report_block(now)
        return source.report_block(now, member.last_sr, member.last_sr_at)

    def _sender_report(
        self, now: float, wall: float, sent: Sent, blocks: tuple[rtcp.ReportBlock, ...]
    ) -> rtcp.SenderReport:
        ntp = rtcp.ntp_from_wall(wall)
        self._remember_report(rtcp.ntp_middle(ntp), now)
        packets = (sent.packets - self._sent_before_ssrc.packets) % _U32
        octets = (sent.octets - self._sent_before_ssrc.octets) % _U32
        return rtcp.SenderReport(self.ssrc, ntp, sent.timestamp % _U32, packets, octets, blocks)

    def _remember_report(self, ntp_middle: int, now: float) -> None:
        self._sr_times.pop(ntp_middle, None)
        self._sr_times[ntp_middle] = now
        if len(self._sr_times) > MAX_SENT_REPORTS:
            del self._sr_times[next(iter(self._sr_times))]

    # -------------------------------------------------------------- figures

    def stats(self, now: float, clock_rate: int, sent: Sent) -> RtcpStats:
        """A frozen copy. ``clock_rate`` is that of the stream we send: the far end reports jitter in its unit."""
        return RtcpStats(
            sr_sent=self._sr_sent,
            rr_sent=self._rr_sent,
            bye_sent=self._bye_sent,
            sr_received=self._sr_received,
            rr_received=self._rr_received,
            sdes_received=self._sdes_received,
            bye_received=self._bye_received,
            unknown_received=self._unknown_received,
            malformed=self._malformed,
            cname=self.cname,
            rtt_ms=None if self.rtt_s is None or now - self._rtt_at > RTT_HOLDS_S else 1000.0 * self.rtt_s,
            remote=self._remote_stats(now, clock_rate, sent),
            xr_sent=self._xr_sent,
            xr_received=self._xr_received,
            metrics=None if self._metrics is None else RemoteMetrics(self._metrics, now - self._metrics_at),
        )

    def _remote_stats(self, now: float, clock_rate: int, sent: Sent) -> RemoteStats | None:
        block = self._remote
        if block is None:
            return None
        return RemoteStats(
            lost=block.lost,
            loss_percent=block.fraction_lost * 100.0 / 256.0,
            jitter_ms=1000.0 * block.jitter / clock_rate,
            age_s=max(0.0, now - self._remote_at),
            total_loss_percent=self._total_loss_percent(block, sent),
        )

    def _total_loss_percent(self, block: rtcp.ReportBlock, sent: Sent) -> float | None:
        """Of all packets that they knew of when they reported; None where that makes no sense."""
        unknown_to_them = (sent.sequence - 1 - block.highest_sequence) & 0xFFFF
        known = sent.packets - self._sent_before_ssrc.packets - unknown_to_them
        return 100.0 * min(max(block.lost, 0) / known, 1.0) if known > 0 else None
