"""One call from the dialog on (RFC 3261 sections 12, 14 and 15): BYE, re-INVITE of either side, and its end.

Theory of operation. A session is in one of five states, changed in one place:

    calling   our INVITE is out (caller.py)       incoming  theirs is here (callee.py)
    up        a 2xx was sent or came              ending    BYE or CANCEL is out or waits to go out
    ended     over; told once

Two things run beside the state. A 2xx of ours is repeated until its ACK comes (T1, doubling to T2), for 32 s; then
the call is over. And a re-INVITE of either side may be open, but never two: theirs is answered 491 while ours is
out, ours is tried again after their 491 (section 14.1). Timers have names; each has a handler ``_timer_<name>``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.sip import events
from engine.sip.dialog import Dialog
from engine.sip.endpoint import Endpoint
from engine.sip.message import Message, Request, Response
from engine.sip.negotiation import Negotiation
from engine.sip.reasons import reason_text
from engine.sip.replies import ALLOW, make_response, reply_address, retry_after_s
from engine.sip.screening import Refusal, not_acceptable
from engine.sip.sdp import Agreement, LocalAudio
from engine.sip.transaction import T1, T2, TIMEOUT, InviteServer

Address = tuple[str, int]

MODIFY_TRIES = 4
MOST_PATIENCE_S = 10
MOST_ACKS = 16


@dataclass(slots=True)
class _Repeated:
    """A 2xx that is sent again until its ACK comes."""

    data: bytes
    destination: Address
    sequence: int
    interval: float = T1


@dataclass(frozen=True, slots=True)
class Ending:
    """How the call will be said to have ended, once BYE or CANCEL is answered."""

    status: int | None
    reason: str
    by: str
    failure: bool


HUNG_UP_HERE = Ending(None, "we hung up", "here", False)
NO_CODEC = Ending(488, reason_text(488), "here", True)


class Session(ABC):
    """What caller and callee have in common. ``call`` is the number of the call."""

    def __init__(self, call: int, endpoint: Endpoint, closed: Callable[[Session], None]) -> None:
        self.call = call
        self.state = "calling"
        self.dialog: Dialog | None = None
        self.call_id = ""
        self.local_tag = endpoint.token()
        self.confirmed = False
        self.entry: list[Any] | None = None  # kept by the endpoint: when it will look here next
        self._endpoint = endpoint
        self._closed = closed
        self._talks = Negotiation(endpoint.number(62))
        self._timers: dict[str, float] = {}
        self._repeated: _Repeated | None = None
        self._acks: dict[tuple[str | None, int], tuple[bytes, Address]] = {}
        self._ending = HUNG_UP_HERE
        self._wanted: LocalAudio | None = None  # what our re-INVITE shall say
        self._modify_open = False
        self._modify_tries = 0

    def dialog_with(self, remote_tag: str | None) -> Dialog | None:
        """The dialog of this call whose other end has that tag."""
        return self.dialog if self.dialog is not None and self.dialog.remote_tag == remote_tag else None

    # ------------------------------------------------------------------ time

    @property
    def over(self) -> bool:
        return self.state == "ended"

    def deadline(self) -> float | None:
        return min(self._timers.values()) if self._timers else None

    def handle_timer(self, now: float) -> None:
        """Fire every timer that is due, earliest first."""
        while self._timers:
            name = min(self._timers, key=self._timers.__getitem__)
            due = self._timers[name]
            if due > now:
                return
            del self._timers[name]
            getattr(self, f"_timer_{name}")(due, now)

    def _start(self, timer: str, when: float) -> None:
        self._timers[timer] = when
        self._endpoint.schedule(self)

    # ------------------------------------------------------------------ the one setter

    def _enter(self, state: str) -> None:
        if self.state in (state, "ended"):
            return
        self.state = state
        for name in ("trying", "ring", "remind", "modify"):
            self._timers.pop(name, None)
        if state == "ending":
            self._endpoint.tell(events.HangingUp(self.call))
        elif state == "ended":
            self._timers.clear()
            self._repeated = None

    def _end(self, ending: Ending) -> None:
        """Told exactly once."""
        if self.state == "ended":
            return
        self._enter("ended")
        self._endpoint.tell(events.CallEnded(self.call, ending.status, ending.reason, ending.by, ending.failure))
        self._closed(self)

    # ------------------------------------------------------------------ our 2xx, until it is acknowledged

    def _answer_success(self, invite: Request, server: InviteServer, source: Address, body: bytes, now: float) -> None:
        response = make_response(invite, 200, self.local_tag)
        self._complete(response, invite, body)
        self._respond(server, response, now)
        self._repeated = _Repeated(response.encode(), reply_address(invite, source), invite.cseq.number)
        self._start("repeat", now + T1)
        self._start("unacknowledged", now + TIMEOUT)

    def _respond(self, server: InviteServer, response: Response, now: float) -> None:
        server.respond(response, now)
        self._endpoint.schedule(server)

    def _complete(self, response: Response, request: Request, body: bytes) -> None:
        """What a response that makes or changes a dialog carries (section 12.1.1)."""
        for route in request.headers.get_all("record-route"):
            response.headers.add("Record-Route", route)
        response.headers.add("Contact", self._endpoint.contact)
        response.headers.add("Allow", ALLOW)
        if body:
            response.headers.add("Content-Type", "application/sdp")
            response.body = body

    def _timer_repeat(self, due: float, now: float) -> None:
        repeated = self._repeated
        if repeated is None:
            return
        self._endpoint.send(repeated.data, repeated.destination, self.call)
        repeated.interval = min(2 * repeated.interval, T2)
        later = due + repeated.interval
        self._start("repeat", later if later > now else now + repeated.interval)

    def _stop_repeating(self) -> None:
        self._repeated = None
        self._timers.pop("repeat", None)
        self._timers.pop("unacknowledged", None)

    @property
    def half_open(self) -> bool:
        """A call that comes in and that its caller has not acknowledged."""
        return self.state == "incoming" or (self._repeated is not None and not self.confirmed)

    def unacknowledged_for(self, now: float) -> float:
        """How long our 2xx has waited for its ACK."""
        until = self._timers.get("unacknowledged")
        return 0.0 if until is None else now - (until - TIMEOUT)

    def _timer_unacknowledged(self, due: float, now: float) -> None:
        """Section 13.3.1.4: hang up. Nobody answers there, so the line is free at once."""
        if self.dialog is not None and self.state in ("up", "ending"):
            bye = self.dialog.request("BYE", self._endpoint.via())
            self._endpoint.start(bye, self.dialog.next_hop(), deaf, now, self.call)
        self._end(Ending(408, "our answer was never acknowledged", "network", True))

    def acknowledged(self, ack: Request, source: Address, now: float) -> None:
        """An ACK in our dialog. One that comes again, because our 2xx had come again, changes nothing."""
        repeated = self._repeated
        if repeated is None or ack.cseq.number != repeated.sequence or self.dialog is None:
            return
        self._stop_repeating()
        if not self.confirmed:
            self.dialog.note_host(source[0])
        if self.state == "ending":  # we hung up before it came; only now may BYE go out (section 15)
            self._bye_goes_out(now)
        elif self._talks.offer_open and not self._late_answer(ack, source) and not self.confirmed:
            self._send_bye(now, NO_CODEC)
        self._confirm()

    def _confirm(self) -> None:
        if not self.confirmed and self.state == "up":
            self.confirmed = True
            self._endpoint.tell(events.Confirmed(self.call))

    def _late_answer(self, ack: Request, source: Address) -> bool:
        """The ACK holds the answer to the offer in our 2xx."""
        body = ack.sdp()
        agreement = None if body is None else self._talks.read(body)
        if agreement is None or self._refuses_move(agreement, source):
            self._talks.take_back()
            return False
        self._agree(agreement)
        return True

    def _agree(self, agreement: Agreement, early: bool = False) -> None:
        self._talks.settle(agreement, early)
        self._endpoint.tell(events.MediaAgreed(self.call, agreement, early))

    # ------------------------------------------------------------------ the end

    def hang_up(self, now: float) -> None:
        """End the call as its state asks."""
        if self.state == "up":
            self._send_bye(now, HUNG_UP_HERE)

    def _send_bye(self, now: float, ending: Ending) -> None:
        self._ending = ending
        self._enter("ending")
        if self._repeated is None or self.confirmed:  # section 15: not before the call is acknowledged
            self._bye_goes_out(now)

    def leave(self, now: float) -> None:
        """The program ends: a BYE that waited for the ACK waits no longer, since nobody will be here to send it."""
        if self.state == "ending" and self._repeated is not None and not self.confirmed:
            self._bye_goes_out(now)

    def _bye_goes_out(self, now: float) -> None:
        assert self.dialog is not None
        self._stop_repeating()
        bye = self.dialog.request("BYE", self._endpoint.via())
        self._endpoint.start(bye, self.dialog.next_hop(), self._bye_news, now, self.call)

    def _bye_news(self, what: str, message: Message | None, now: float) -> None:
        """Whatever comes back, and be it nothing: we have hung up."""
        if not (isinstance(message, Response) and message.status < 200):
            self._end(self._ending)

    def bye(self, now: float) -> None:
        """Their BYE, which has been answered."""
        if self.state == "ending":
            self._end(self._ending)
        else:
            self._end(Ending(None, "the far end hung up", "there", False))

    # ------------------------------------------------------------------ their re-INVITE

    def reinvite(self, request: Request, server: InviteServer, source: Address, now: float) -> Refusal | None:
        """Answers their re-INVITE, or returns what to refuse it with."""
        if self.state == "ending":
            if self._repeated is not None:  # our BYE has waited for the ACK: our 2xx has arrived, that is enough
                self._bye_goes_out(now)
            return Refusal(481)
        if self._modify_open or self._talks.offer_open:
            return Refusal(491)
        if self.state != "up":
            return Refusal(500)
        if self._repeated is not None:  # it follows our 2xx, which has arrived then: only the ACK has not (RFC 5407)
            self._stop_repeating()
            self._confirm()
        audio = self._talks.audio
        assert self.dialog is not None and audio is not None
        body, agreement = request.sdp(), None
        if body is None:
            description = self._talks.offer(audio)
        else:
            settled = self._talks.answer(body, audio)
            if settled is None:
                return not_acceptable()
            description, agreement = settled
            if self._refuses_move(agreement, source):
                return Refusal(403)
            self._talks.give(description, agreement, audio)
        if self._known(source):
            self.dialog.refresh(request.contacts)
        self._answer_success(request, server, source, description, now)
        if agreement is not None:
            self._endpoint.tell(events.MediaAgreed(self.call, agreement, early=False))
        return None

    def _known(self, source: Address) -> bool:
        return self.dialog is not None and source[0].lower() in self.dialog.hosts

    def _refuses_move(self, agreement: Agreement, source: Address) -> bool:
        """Does an address this dialog never used want the sound elsewhere?"""
        if self._known(source) or not self._talks.moves(agreement):
            return False
        wanted = agreement.remote or ("", 0)
        self._endpoint.tell(events.MediaMoveRefused(self.call, source, wanted))
        return True

    # ------------------------------------------------------------------ our re-INVITE

    def modify(self, audio: LocalAudio, now: float) -> None:
        """Offer something else in this call (hold, resume). The last wish counts."""
        if self.state != "up":
            return
        self._wanted, self._modify_tries = audio, 0
        if "modify" not in self._timers:
            self._send_modify(now)

    def _timer_modify(self, due: float, now: float) -> None:
        self._send_modify(now)

    def _send_modify(self, now: float) -> None:
        if self._wanted is None or self._modify_open or self.dialog is None:
            return
        if self._repeated is not None or not self.confirmed or self._talks.offer_open:
            self._start("modify", now + T1)  # an INVITE of theirs is not done yet (section 14.1)
            return
        self._modify_tries += 1
        self._modify_open = True
        request = self.dialog.request("INVITE", self._endpoint.via())
        request.headers.add("Contact", self._endpoint.contact)
        request.headers.add("Allow", ALLOW)
        request.headers.add("Content-Type", "application/sdp")
        request.body = self._talks.offer(self._wanted)
        self._endpoint.start(request, self.dialog.next_hop(), self._modify_news, now, self.call)

    def _modify_news(self, what: str, message: Message | None, now: float) -> None:
        if isinstance(message, Response):
            if 200 <= message.status < 300:
                self._modified(message, now)  # even when the call is over: a 2xx is repeated until its ACK
            elif message.status >= 300:
                self._not_modified(message.status, now, retry_after_s(message))
        elif what in ("timeout", "transport"):
            self._not_modified(408 if what == "timeout" else 503, now)

    def _modified(self, response: Response, now: float) -> None:
        assert self.dialog is not None
        known = self._acks.get((response.to.tag, response.cseq.number))
        if known is not None:
            self._endpoint.send(*known, self.call)  # our ACK was lost
            return
        self.dialog.refresh(response.contacts)
        self._acknowledge(self.dialog, response.cseq.number)
        self._modify_open = False
        if self.state != "up":
            return
        asked, body = self._talks.audio, response.sdp()
        agreement = None if body is None else self._talks.read(body)
        if agreement is None:
            self._give_up_modify(488, now)
            return
        self._agree(agreement)
        if self._wanted is asked:
            self._wanted = None
        else:
            self._send_modify(now)  # the user changed his mind meanwhile

    def _not_modified(self, status: int, now: float, asked_s: int | None = None) -> None:
        self._modify_open = False
        if self.state != "up":
            return
        pause_s = self._pause_s(status, asked_s)
        if pause_s is not None and self._modify_tries < MODIFY_TRIES:
            self._talks.take_back()
            self._start("modify", now + pause_s)
        elif status in (408, 481):  # section 12.2.1.2: the dialog is gone
            self._send_bye(now, Ending(status, reason_text(status), "network", True))
        else:
            self._give_up_modify(status, now)

    def _pause_s(self, status: int, asked_s: int | None) -> float | None:
        """When to try again; None: not at all. A 500 that says when has an INVITE of its own to end (14.2)."""
        if status == 491:
            return self._glare_pause()
        return asked_s if status == 500 and asked_s is not None and asked_s <= MOST_PATIENCE_S else None

    @abstractmethod
    def _glare_pause(self) -> float:
        """Section 14.1: the owner of the Call-ID waits longer, so that only one tries first."""

    def _give_up_modify(self, status: int, now: float) -> None:
        asked = self._talks.audio
        self._talks.take_back()
        if self._wanted is asked:
            self._wanted = None
            self._endpoint.tell(events.ModifyFailed(self.call, status))
        elif self._wanted == self._talks.audio:
            self._wanted = None  # the user changed his mind meanwhile, back to how things are
        else:
            self._send_modify(now)

    # ------------------------------------------------------------------ our ACK

    def _acknowledge(self, dialog: Dialog, sequence: int, body: bytes = b"") -> None:
        """The ACK of a 2xx; kept, for the 2xx may come again (section 13.2.2.4)."""
        ack = dialog.request("ACK", self._endpoint.via(), sequence)
        if body:
            ack.headers.add("Content-Type", "application/sdp")
            ack.body = body
        if len(self._acks) >= MOST_ACKS:
            del self._acks[next(iter(self._acks))]
        kept = self._acks[dialog.remote_tag, sequence] = (ack.encode(), dialog.next_hop())
        self._endpoint.send(*kept, self.call)


def deaf(what: str, message: Message | None, now: float) -> None:
    """Nobody waits for this answer."""
