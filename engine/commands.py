"""What a face asks of the phone. They cross the border as part of ``engine.model``, which says what that means."""

from __future__ import annotations

from dataclasses import dataclass

from engine.model_people import PeopleCommand

__all__ = [
    "Answer",
    "Command",
    "CommandError",
    "Conference",
    "Dial",
    "FindDevices",
    "HangUp",
    "Hold",
    "Mute",
    "Probe",
    "Quit",
    "Reject",
    "SaveSettings",
    "SendDigits",
    "SetBuffer",
    "SetCodecs",
    "SetDevice",
    "SetVoice",
    "SetVolume",
    "TryLoudspeaker",
    "TryMicrophone",
]


@dataclass(frozen=True, slots=True)
class Dial:
    """Call this SIP URI (``sip:user@host:port``; ``user@host`` and ``host`` are completed)."""

    uri: str


@dataclass(frozen=True, slots=True)
class Probe:
    """Ask this SIP URI by OPTIONS whether somebody is there; ``Probed`` tells what came back."""

    uri: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Take an incoming call; ``None`` is the one that has rung longest."""

    call: int | None = None


@dataclass(frozen=True, slots=True)
class Reject:
    """Decline an incoming call (603); ``None`` is the one that has rung longest."""

    call: int | None = None


@dataclass(frozen=True, slots=True)
class HangUp:
    """End a call in whatever state it is (CANCEL, BYE or a refusal); ``None`` is the newest."""

    call: int | None = None


@dataclass(frozen=True, slots=True)
class SendDigits:
    """Send DTMF digits ``0-9*#A-D`` as telephone-events (RFC 4733); ``None`` is the newest talking call."""

    digits: str
    call: int | None = None


@dataclass(frozen=True, slots=True)
class Hold:
    """Put a call on hold or take it back; ``on=None`` toggles."""

    call: int | None = None
    on: bool | None = None


@dataclass(frozen=True, slots=True)
class Mute:
    """Send silence instead of the microphone, on all calls; ``on=None`` toggles."""

    on: bool | None = None


@dataclass(frozen=True, slots=True)
class Conference:
    """Join calls, so that the far ends hear each other too, or part them again; ``on=None`` toggles.

    On: this call (``None``: every call that is up) is taken off hold and joined with those that talk. Off: this call
    (``None``: the one that joined first) goes on alone, the others are put on hold. Toggled, it joins as long as there
    is a call to be joined.
    """

    call: int | None = None
    on: bool | None = None


@dataclass(frozen=True, slots=True)
class SetVolume:
    """Change the playback volume by so many decibels (bounded to -40..+12 dB)."""

    change_db: float


@dataclass(frozen=True, slots=True)
class SetVoice:
    """What is done to the card's microphone: "echo" or "duck", "noise", "gain". None goes on to the next way: as asked
    for, half duplex, nothing."""

    steps: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class SetDevice:
    """Another microphone (``direction`` "input") or loudspeaker ("output") of the card from now on, in mid-call too:
    the one whose name this is, or has this in it; None is the system's choice."""

    direction: str
    name: str | None


@dataclass(frozen=True, slots=True)
class FindDevices:
    """Ask anew which devices there are."""


@dataclass(frozen=True, slots=True)
class SetCodecs:
    """What is offered from now on, in this order; names as ``--codecs`` has them."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SetBuffer:
    """The least and the most that jitter buffers may wait, in milliseconds; of running calls too."""

    least_ms: float
    most_ms: float


@dataclass(frozen=True, slots=True)
class TryMicrophone:
    """Open the microphone for its level alone, for a minute at the most; ``on=None`` toggles."""

    on: bool | None = None


@dataclass(frozen=True, slots=True)
class TryLoudspeaker:
    """Let a short tone be heard, at the volume of calls."""


@dataclass(frozen=True, slots=True)
class SaveSettings:
    """Write what was changed into the configuration file."""


@dataclass(frozen=True, slots=True)
class Quit:
    """Hang up every call with BYE, then finish."""


Settings = (
    Mute
    | SetVolume
    | SetVoice
    | SetDevice
    | FindDevices
    | SetCodecs
    | SetBuffer
    | TryMicrophone
    | TryLoudspeaker
    | SaveSettings
)
Command = Dial | Probe | Answer | Reject | HangUp | SendDigits | Hold | Conference | Settings | PeopleCommand | Quit


class CommandError(ValueError):
    """A command that cannot be carried out; its text is one clear line for the user."""
