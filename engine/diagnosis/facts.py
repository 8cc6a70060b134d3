"""What is known of one call at one second. ``None`` means "not known"."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.model import HistoryPoint

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class EchoHeard:
    """Our own sound comes back."""

    delay_ms: float
    loss_db: float  # how much softer it is than what we sent
    likeness: float  # 0 to 1


@dataclass(frozen=True, slots=True)
class Facts:
    """One moment of a call that has media, or is about to. Directions are seen from here."""

    seconds: Sequence[HistoryPoint]  # of the whole call, newest last
    talks: bool = True  # answered, and nobody holds
    may_send: bool = True  # by the agreement
    may_hear: bool = True
    muted: bool = False
    codec_sent: str = ""
    codec_heard: str | None = None
    ptime_ms: float = 20.0  # agreed
    our_address: Address | None = None  # in our SDP
    their_address: Address | None = None  # in theirs
    signalling_host: str = ""  # where their SIP comes from
    foreign_from: Address | None = None  # the latest sender of RTP that the SDP does not name
    foreign_codec: int | None = None  # the latest payload type that nobody agreed on
    ssrc_changes: int = 0
    pauses: bool = False  # they said that nothing comes for a while
    paused: bool = False  # ... at some time in this call
    report_age_s: float | None = None  # of their latest report about us
    rtcp_age_s: float | None = None  # of the latest report of theirs, whomever it is about
    mean_run: float = 0.0  # lost packets in a row
    buffer_limit_ms: float = 0.0  # the most that the jitter buffer may aim at
    traffic_class: int | None = None  # of the packets that come
    ack_left_s: float | None = None  # until we hang up for want of an ACK
    microphone: str = ""  # what is wrong with ours
    echo: EchoHeard | None = None
    far_width_hz: float | None = None  # the highest frequency that carries sound
    far_rate_hz: int = 8000
    far_hum_hz: float | None = None
    far_clips: bool = False
    sends_back: bool = False  # we are the ones who send back what is heard

    def last(self, seconds: int) -> Sequence[HistoryPoint]:
        return self.seconds[-seconds:]
