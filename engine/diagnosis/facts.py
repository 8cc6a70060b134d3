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
    first_s: int = 0  # which second of the call the first of them is: the oldest of a very long call are gone
    talks_s: int = 0  # answered, and nobody has held for so many seconds; the first of them may be a part of one
    may_send: bool = True  # by the agreement
    may_hear: bool = True
    muted: bool = False
    codec_sent: str = ""
    codec_heard: str | None = None
    ptime_ms: float = 20.0  # of our packets
    heard_ptime_ms: float | None = None  # of theirs; None before one came
    our_address: Address | None = None  # in our SDP
    their_address: Address | None = None  # in theirs
    their_host_unknown: str = ""  # why the host name in it has no address
    signalling_host: str = ""  # where their SIP comes from
    foreign_from: Address | None = None  # the latest sender of RTP that the SDP does not name
    foreign_codec: int | None = None  # the latest payload type that nobody agreed on
    heard: bool = False  # something has come from where their SDP says
    ssrc_changes: int = 0
    ssrc_age_s: float = 0.0  # of the latest
    pauses: bool = False  # they said that nothing comes for a while
    paused: bool = False  # ... at some time in this call
    stops: bool = False  # they have sent nothing for a while and gone on where they stopped, without a word
    unheard: int | None = None  # packets that they report to have sent since the latest one came; None: no report since
    report_age_s: float | None = None  # of their latest report about us
    rtcp_age_s: float | None = None  # of the latest report of theirs, whomever it is about
    mean_run: float = 0.0  # lost packets in a row, lately
    repeats: int = 0  # earlier packets in each one of ours
    far_lost_percent: float | None = None  # of all of ours, never came there, they report
    far_missed_percent: float | None = None  # ... and was not brought back by what we repeat
    buffer_limit_ms: float = 0.0  # the most that the jitter buffer may aim at
    traffic_class: int | None = None  # of the packets that come
    ack_left_s: float | None = None  # until we hang up for want of an ACK
    microphone: str = ""  # what is wrong with ours
    echo: EchoHeard | None = None
    far_width_hz: float | None = None  # the highest frequency that carries sound
    far_rate_hz: int = 8000  # of the codec that they speak
    far_hum_hz: float | None = None
    far_clips: bool = False
    far_constant: int | None = None  # the one value that comes, not as soft as silence
    sends_back: bool = False  # we are the ones who send back what is heard
    plays_file: bool = False  # a file stands for our microphone

    @property
    def talks(self) -> bool:
        return self.talks_s > 0

    @property
    def second(self) -> int:
        """How many seconds the media of this call have lasted."""
        return self.first_s + len(self.seconds)

    def last(self, seconds: int) -> Sequence[HistoryPoint]:
        return self.seconds[-seconds:]

    def talked(self, seconds: int) -> Sequence[HistoryPoint]:
        """The last seconds, when nobody held in any of them; nothing otherwise."""
        return self.last(seconds) if min(self.talks_s - 1, len(self.seconds)) >= seconds else ()
