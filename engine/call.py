"""One call as the phone keeps it: its state, its people, its audio."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from engine import diagnosis
from engine.config import ConfigError, complete_uri
from engine.model import CallState, CallView, Finding, MediaView
from engine.names import WrongName
from engine.ports import MediaPorts
from engine.sip.transaction import TIMEOUT

if TYPE_CHECKING:
    from engine.media_session import MediaSession

DIGITS_SHOWN = 64  # of each direction, newest
MEDIA_EXPECTED_S = 1.0  # an answered call of this length without a packet had no media


KnownAs = Callable[[str], str]  # the name that the user has given to an address, or ""


def numeric_host(uri: str) -> str:
    """Where a call to this address goes, if that is written in numbers; else ""."""
    try:
        host = complete_uri(uri).address()[0].strip("[]")
        return str(ipaddress.ip_address(host))
    except (ConfigError, ValueError):
        return ""


def nobody(uri: str) -> str:
    """Without contacts there is no such name."""
    return ""


@dataclass(frozen=True, slots=True)
class Limit:
    """When we hang up by ourselves, and what is said then; a status, or the name of nobody, makes it a failure."""

    at: float
    reason: str
    status: int | None

    @property
    def wrong_name(self) -> bool:
        """What was called is no name that leads anywhere: nobody was asked, and nobody has refused."""
        return isinstance(self.reason, WrongName)

    @property
    def failure(self) -> bool:
        return self.status is not None or self.wrong_name


class Call:
    """Mutable, owned by the phone; faces see :meth:`view`."""

    def __init__(
        self, number: int, direction: str, peer_uri: str, peer_name: str, now: float, known_as: KnownAs = nobody
    ) -> None:
        self.id = number
        self.direction = direction
        self.peer_uri = peer_uri
        self.peer_name = peer_name
        self._known_as = known_as
        self.state = CallState.DIALLING if direction == "out" else CallState.RINGING
        self.state_since = now
        self.answered_at: float | None = None
        self.hung_up_at: float | None = None  # by either side: the talk is over
        self.confirmed = False
        self.told_answered = False
        self.auto_answered = False
        self.source_host = ""  # where the INVITE came from
        self._called_host = numeric_host(peer_uri) if direction == "out" else ""
        self.early_media = False
        self.rings_there = False  # 180 came
        self.held_here = False
        self.held_there = False
        self.conference = False
        self.status: int | None = None
        self.reason = ""
        self.digits_sent = ""
        self.digits_received = ""
        self.last_recording: str | None = None  # the file that was written until the call was over
        self.ports: MediaPorts | None = None
        self.media: MediaSession | None = None
        self.last_media: MediaView | None = None  # the final MediaView, once the call is over
        self.answer_at: float | None = None  # auto-answer
        self.limit: Limit | None = None  # --duration, or nobody answers
        self.reached: Limit | None = None  # why we hung up by ourselves
        self.give_up_at: float | None = None  # hung up, and nobody answers to that
        self.next_second: float | None = None  # statistics
        self.course = diagnosis.Course()

    # -- state: one setter

    def enter(self, state: CallState, now: float) -> None:
        """Change the state; the clock of the state starts anew."""
        if state is not self.state:
            self.state = state
            self.state_since = now

    def answered(self, now: float) -> None:
        """The 2xx was sent or came."""
        self.answered_at = now
        self.enter_talking(now)

    def enter_talking(self, now: float) -> None:
        """Talking, or held when either side holds."""
        self.enter(CallState.HELD if self.held_here or self.held_there else CallState.TALKING, now)

    def hanging_up(self, now: float, give_up_at: float) -> None:
        """BYE or CANCEL is on its way, or will be."""
        self.hung_up_at = now
        self.give_up_at = give_up_at
        self.limit = self.next_second = None
        self.enter(CallState.ENDING, now)

    def ended(self, now: float) -> None:
        """Over, for whatever reason; of the media, only their figures are left."""
        if self.hung_up_at is None:
            self.hung_up_at = now
        self.answer_at = self.limit = self.give_up_at = self.next_second = None
        if self.media is not None:
            self.last_media = self.media.view(now)
            self.last_recording = self.media.recording
            self.media = None
        self.enter(CallState.ENDED, now)

    @property
    def takes_a_line(self) -> bool:
        """From dialling or ringing until it is hung up."""
        return self.hung_up_at is None

    @property
    def surely_taken(self) -> bool:
        """A line is taken, and not by somebody who may not even be there."""
        return self.takes_a_line and (self.confirmed or self.direction == "out")

    @property
    def up(self) -> bool:
        """Answered and not on its way out."""
        return self.state in (CallState.TALKING, CallState.HELD)

    # -- what happened

    def note_digits(self, sent: str = "", received: str = "") -> None:
        self.digits_sent = (self.digits_sent + sent)[-DIGITS_SHOWN:]
        self.digits_received = (self.digits_received + received)[-DIGITS_SHOWN:]

    # -- time

    def deadline(self) -> float:
        """The earliest moment at which this call wants something done, besides its media."""
        earliest = float("inf")
        limit_at = None if self.limit is None else self.limit.at
        for moment in (self.answer_at, limit_at, self.give_up_at, self.next_second):
            if moment is not None and moment < earliest:
                earliest = moment
        return earliest

    def diagnose(self, now: float, muted: bool) -> list[Finding]:
        """Once a second: what has begun to be the matter, and what is over."""
        if self.media is None:
            return []
        unconfirmed = self.direction == "in" and self.answered_at is not None and not self.confirmed
        ack_left_s = self.answered_at + TIMEOUT - now if unconfirmed and self.answered_at is not None else None
        facts = self.media.facts(now)
        return self.course.second(
            replace(
                facts,
                talks_s=facts.talks_s if self.state is CallState.TALKING else 0,
                muted=muted,
                signalling_host=self.source_host or self._called_host,
                ack_left_s=ack_left_s,
            )
        )

    # -- looking

    def talk_s(self, now: float) -> float:
        """How long they have talked; 0 before it was answered."""
        if self.answered_at is None:
            return 0.0
        return (now if self.hung_up_at is None else self.hung_up_at) - self.answered_at

    def had_media(self, now: float) -> bool:
        """Did the far end send a single packet? Who hung up at once cannot know."""
        media = self.last_media
        return media is None or media.rx.packets > 0 or self.talk_s(now) < MEDIA_EXPECTED_S

    def view(self, now: float) -> CallView:
        """The call as it stands, frozen."""
        return CallView(
            id=self.id,
            direction=self.direction,
            state=self.state,
            peer_uri=self.peer_uri,
            peer_name=self.peer_name,
            state_s=now - self.state_since,
            talk_s=self.talk_s(now),
            held_here=self.held_here,
            held_there=self.held_there,
            conference=self.conference,
            early_media=self.early_media,
            auto_answered=self.auto_answered,
            status=self.status,
            reason=self.reason,
            digits_sent=self.digits_sent,
            digits_received=self.digits_received,
            recording=self.last_recording if self.media is None else self.media.recording,
            media=self.last_media if self.media is None else self.media.view(now),
            findings=self.course.active,
            findings_over=self.course.over,
            contact=self._known_as(self.peer_uri),
        )
