"""A call that comes in (RFC 3261 sections 9.2 and 13.3): ringing, early media, taking it or not."""

from __future__ import annotations

from typing import Any

from engine.sip import events
from engine.sip.dialog import Dialog
from engine.sip.grammar import SipError, number
from engine.sip.message import Request, Response
from engine.sip.reasons import reason_text
from engine.sip.replies import make_response, warning
from engine.sip.sdp import NO_FORMAT, LocalAudio
from engine.sip.session import Ending, Session
from engine.sip.transaction import InviteServer

Address = tuple[str, int]

TRYING_AFTER_S = 0.2  # section 17.2.1
REMIND_S = 60.0  # section 13.3.1.1: a proxy on the way gives up after three silent minutes


class CalleeSession(Session):
    """Their INVITE and what we make of it."""

    server: InviteServer
    source: Address
    _invite: Request
    merged: tuple[Any, ...]  # what a second copy of the INVITE, come by another way, has in common with it
    _expiry_status = 480
    _last_provisional: Response | None = None

    def called(self, invite: Request, server: InviteServer, source: Address, now: float) -> None:
        """An INVITE that may be taken has come."""
        self.state = "incoming"
        self.call_id = invite.call_id
        self._invite = invite
        self.server = server
        self.source = source
        self._start("trying", now + TRYING_AFTER_S)
        self._start("ring", now + self._patience(invite))
        self.dialog = Dialog.as_callee(invite, self.local_tag, 1 + self._endpoint.number(23))
        self.dialog.note_host(source[0])
        has_offer = invite.sdp() is not None
        self._endpoint.tell(events.IncomingCall(self.call, invite.from_, invite.to, source, has_offer))

    def _patience(self, invite: Request) -> float:
        """How long it may ring: as long as we let it, or as long as the caller waits (section 13.3.1)."""
        longest = self._endpoint.limits.early_s
        try:
            expires = number(invite.headers.get("expires") or "", "Expires", 0, 2**32)
        except SipError:
            return longest
        if expires < longest:
            self._expiry_status = 487
        return min(expires, longest)

    def _timer_ring(self, due: float, now: float) -> None:
        self._refuse(self._expiry_status, Ending(self._expiry_status, "nobody answered here", "network", True), now)

    def _timer_trying(self, due: float, now: float) -> None:
        self._respond(self.server, make_response(self._invite, 100), now)

    def _timer_remind(self, due: float, now: float) -> None:
        if self._last_provisional is not None:
            self._respond(self.server, self._last_provisional, now)
            self._start("remind", now + REMIND_S)

    def _glare_pause(self) -> float:
        return self._endpoint.chance(0.0, 2.0)

    # ------------------------------------------------------------------ what the phone does

    def ring(self, now: float) -> None:
        """180."""
        if self.state == "incoming":
            self._provisional(180, b"", now)

    def progress(self, audio: LocalAudio, now: float) -> None:
        """183 with our answer: they hear us before we take the call. An offer of ours has to wait for the 200."""
        if self.state != "incoming":
            return
        offer = self._invite.sdp()
        if offer is None:
            self._provisional(183, b"", now)
        elif self._answer_offer(offer, audio, early=True):
            self._provisional(183, self._talks.said, now)
        else:
            self.reject(488, now)

    def accept(self, audio: LocalAudio, now: float) -> None:
        """200 with the answer, or with our offer when theirs was left out."""
        if self.state != "incoming":
            return
        offer = self._invite.sdp()
        if offer is None:
            self._talks.offer(audio)
        elif not self._answer_offer(offer, audio, early=False):
            self.reject(488, now)
            return
        self._enter("up")
        self._answer_success(self._invite, self.server, self.source, self._talks.said, now)
        if self._talks.agreement is not None:
            self._endpoint.tell(events.MediaAgreed(self.call, self._talks.agreement, early=False))
        self._endpoint.tell(events.Accepted(self.call))

    def reject(self, status: int, now: float) -> None:
        """Refuse the call."""
        reason = "we declined" if status == 603 else reason_text(status)
        self._refuse(status, Ending(status, reason, "here", True), now)

    def hang_up(self, now: float) -> None:
        if self.state == "incoming":
            self.reject(603, now)
        else:
            super().hang_up(now)

    def make_room(self, now: float) -> None:
        """Others wait, and no ACK has come: over, and nothing of it is kept.

        Of the BYE there is one datagram and no transaction: who calls under the name of others, to have them sent
        much, shall not have it sent again and again. And without its own transaction an INVITE that comes again, since
        our 200 was lost, is a new call.
        """
        assert self.dialog is not None
        bye = self.dialog.request("BYE", self._endpoint.via())
        self._endpoint.send(bye.encode(), self.dialog.next_hop(), self.call)
        self._end(Ending(408, "dropped: the caller has not acknowledged, others wait", "network", True))
        self.server.end(now)

    # ------------------------------------------------------------------ what the caller does

    def cancel(self, now: float) -> None:
        """Their CANCEL (section 9.2): the INVITE ends with 487, if it has no answer yet."""
        self._refuse(487, Ending(487, "the caller gave up", "there", True), now)

    def bye(self, now: float) -> None:
        """A BYE may end an early dialog too (section 15.1.2)."""
        self.cancel(now)
        super().bye(now)

    # ------------------------------------------------------------------ how

    def _answer_offer(self, offer: bytes, audio: LocalAudio, early: bool) -> bool:
        """Answer the INVITE's offer; an answer that was given early stays the answer (section 13.2.1)."""
        if self._talks.agreement is not None:
            return True
        settled = self._talks.answer(offer, audio)
        if settled is None:
            return False
        self._talks.give(*settled, audio)
        if early:
            self._endpoint.tell(events.MediaAgreed(self.call, settled[1], early=True))
        return True

    def _provisional(self, status: int, body: bytes, now: float) -> None:
        response = make_response(self._invite, status, self.local_tag)
        self._complete(response, self._invite, body)
        self._timers.pop("trying", None)
        self._last_provisional = response
        self._start("remind", now + REMIND_S)
        self._respond(self.server, response, now)

    def _refuse(self, status: int, ending: Ending, now: float) -> None:
        if self.state != "incoming":
            return
        response = make_response(self._invite, status, self.local_tag)
        if status == 488:
            response.headers.add(*warning(NO_FORMAT))
        self._respond(self.server, response, now)
        self._end(ending)
