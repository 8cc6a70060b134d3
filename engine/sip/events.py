"""What the endpoint tells the phone. All frozen; ``call`` is the number the endpoint gave the call."""

from __future__ import annotations

from dataclasses import dataclass

from engine.sip.message import NameAddr
from engine.sip.sdp import Agreement, Format

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class IncomingCall:
    """An INVITE that can be taken; answer with ring, progress, accept or reject."""

    call: int
    from_: NameAddr
    to: NameAddr
    source: Address
    has_offer: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """A provisional response to our INVITE, other than 100."""

    call: int
    status: int
    reason: str
    has_media: bool


@dataclass(frozen=True, slots=True)
class MediaAgreed:
    """Offer and answer have met: at first, in early media, and after every re-INVITE."""

    call: int
    agreement: Agreement
    early: bool


@dataclass(frozen=True, slots=True)
class Accepted:
    """The 2xx came (and was acknowledged), or was sent."""

    call: int


@dataclass(frozen=True, slots=True)
class Confirmed:
    """Both sides know that the call is up: the ACK has come, or been sent."""

    call: int


@dataclass(frozen=True, slots=True)
class HangingUp:
    """BYE or CANCEL is on its way; the call is not over yet."""

    call: int


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The end of a call. ``by`` is "here", "there" or "network"; ``failure``: it never came to be, or broke."""

    call: int
    status: int | None
    reason: str
    by: str
    failure: bool


@dataclass(frozen=True, slots=True)
class ModifyFailed:
    """Our re-INVITE was refused; everything stays as it was."""

    call: int
    status: int


@dataclass(frozen=True, slots=True)
class MediaMoveRefused:
    """A request from an address this dialog never used wanted the media elsewhere."""

    call: int
    source: Address
    wanted: Address


@dataclass(frozen=True, slots=True)
class OptionsAnswered:
    """What came back on an OPTIONS of ours (section 11); ``status`` None: nothing. Only who asks gets it."""

    query: int
    status: int | None
    reason: str  # their reason phrase, or why nothing came
    allow: tuple[str, ...] = ()  # the methods they name
    formats: tuple[Format, ...] = ()  # what they can hear, where they describe it


@dataclass(frozen=True, slots=True)
class TraceMessage:
    """A message as it was on the wire; ``direction`` is "in" or "out"."""

    call: int | None
    direction: str
    peer: Address
    data: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """One line for the log."""

    level: str
    text: str


SipEvent = (
    IncomingCall
    | Progress
    | MediaAgreed
    | Accepted
    | Confirmed
    | HangingUp
    | CallEnded
    | ModifyFailed
    | MediaMoveRefused
    | OptionsAnswered
    | TraceMessage
    | Note
)
