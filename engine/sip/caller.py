"""A call we make (RFC 3261 sections 9.1, 13.2): INVITE, its answers, CANCEL, and the forks nobody asked for."""

from __future__ import annotations

import re
from collections.abc import Callable

from engine.sip import events
from engine.sip.dialog import Dialog
from engine.sip.endpoint import Endpoint
from engine.sip.grammar import unquote
from engine.sip.message import Headers, Message, NameAddr, Request, Response, SipError, Uri
from engine.sip.reasons import phrase, reason_text
from engine.sip.replies import ALLOW, retry_after_s
from engine.sip.screening import check_routes
from engine.sip.sdp import NO_FORMAT, Agreement, LocalAudio, SdpError, parse
from engine.sip.session import MOST_ACKS, Ending, Session, deaf
from engine.sip.transaction import TIMEOUT

Address = tuple[str, int]

CANCELLED = Ending(487, "cancelled", "here", False)
MOST_CONTACT_TEXT = 200
MOST_REASON_TEXT = 80
_QVALUE = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")


class CallerSession(Session):
    """Our INVITE and what becomes of it."""

    _invite: Request
    _destination: Address
    _late_offer = False
    _provisional = False
    _cancel_out = False
    _last_progress: tuple[int, bool] | None = None

    def __init__(self, call: int, endpoint: Endpoint, closed: Callable[[Session], None]) -> None:
        super().__init__(call, endpoint, closed)
        self._early: dict[str | None, Agreement] = {}  # by To tag: every fork has an answer of its own
        self._early_dialogs: dict[str, Dialog] = {}  # likewise

    def invite(self, target: Uri, audio: LocalAudio, local: str, late_offer: bool, now: float) -> None:
        """Send the INVITE; with ``late_offer`` the far end makes the offer and our ACK answers it."""
        self.call_id = self._endpoint.token(128)
        headers = Headers()
        headers.add("Via", self._endpoint.via())
        headers.add("Max-Forwards", "70")
        headers.add("From", f"{local};tag={self.local_tag}")
        headers.add("To", f"<{target.without_headers()}>")
        headers.add("Call-ID", self.call_id)
        headers.add("CSeq", f"{1 + self._endpoint.number(23)} INVITE")
        headers.add("Contact", self._endpoint.contact)
        headers.add("Allow", ALLOW)
        body = b""
        self._talks.audio, self._late_offer = audio, late_offer
        if not late_offer:
            headers.add("Content-Type", "application/sdp")
            body = self._talks.offer(audio)
        self._invite = Request("INVITE", str(target.without_headers()), headers, body)
        self._destination = target.address()
        self._endpoint.start(self._invite, self._destination, self._invite_news, now, self.call)

    def hang_up(self, now: float) -> None:
        if self.state != "calling":
            super().hang_up(now)
            return
        self._ending = CANCELLED
        self._enter("ending")
        if self._provisional:
            self._send_cancel(now)

    def dialog_with(self, remote_tag: str | None) -> Dialog | None:
        return super().dialog_with(remote_tag) or self._early_dialogs.get(remote_tag or "")

    def _glare_pause(self) -> float:
        return self._endpoint.chance(2.1, 4.0)

    # ------------------------------------------------------------------ answers to the INVITE

    def _invite_news(self, what: str, message: Message | None, now: float) -> None:
        if isinstance(message, Response):
            self._response(message, now)
        elif what == "timeout":
            self._fail(Ending(408, reason_text(408), "network", True))
        elif what == "transport":
            self._fail(Ending(503, "nobody listens there", "network", True))

    def _response(self, response: Response, now: float) -> None:
        if response.status < 200:
            self._provisional_response(response, now)
        elif response.status < 300:
            self._success(response, now)
        else:
            self._fail(Ending(response.status, _failure_text(response), "there", True))

    def _fail(self, ending: Ending) -> None:
        """No call came of it; when we cancelled it, that is why, whatever the far end says."""
        self._end(self._ending if self.state == "ending" else ending)

    def _provisional_response(self, response: Response, now: float) -> None:
        self._provisional = True
        if self.state == "ending":
            self._send_cancel(now)
            return
        if response.status == 100 or self.state != "calling":
            return
        self._open_early_dialog(response)
        body = response.sdp()
        if body is not None and self._talks.offer_open:
            self._early_answer(response.to.tag, body)  # first: whoever is told of the progress asks what is heard
        if self._last_progress != (response.status, body is not None):
            self._last_progress = response.status, body is not None
            self._endpoint.tell(events.Progress(self.call, response.status, phrase(response.status), body is not None))

    def _open_early_dialog(self, response: Response) -> None:
        """Section 12.1: a response with a To tag and a Contact makes one, and every fork makes its own.

        Its Contact may be left out, and one that cannot be read is left out, too: that it rings is told all the same.
        """
        tag = response.to.tag
        if not tag or tag in self._early_dialogs or len(self._early_dialogs) >= MOST_ACKS:
            return
        try:
            check_routes(response)
            if response.contacts:
                self._early_dialogs[tag] = Dialog.as_caller(self._invite, response)
        except SipError:
            return

    def _early_answer(self, fork: str | None, body: bytes) -> None:
        """The first description of a fork is its answer (section 13.2.1); the fork that speaks last is heard."""
        if fork in self._early or len(self._early) >= MOST_ACKS:
            return
        agreement = self._talks.read(body)
        if agreement is not None:
            self._early[fork] = agreement
            self._agree(agreement, early=True)

    def _success(self, response: Response, now: float) -> None:
        known = self._acks.get((response.to.tag, response.cseq.number))
        if known is not None:
            self._endpoint.send(*known, self.call)  # our ACK was lost
            return
        dialog = Dialog.as_caller(self._invite, response)
        early = self._early_dialogs.pop(response.to.tag or "", None)
        if early is not None:  # section 13.2.2.4: its route set is computed anew, its sequence numbers go on
            dialog.remote_sequence = early.remote_sequence
        if self.dialog is not None or self.state == "ended":
            self._refuse_fork(dialog, response, now)
            return
        self.dialog = dialog
        if self.state == "ending":  # the 200 crossed our CANCEL, or came before there could be one
            self._timers.pop("uncancelled", None)
            self._acknowledge(dialog, response.cseq.number, self._refusal(response.sdp()))
            self._bye_goes_out(now)
            return
        self._enter("up")
        answer = self._settle(response.to.tag, response.sdp())
        self._acknowledge(dialog, response.cseq.number, self._refusal(response.sdp()) if answer is None else answer)
        if answer is None:
            self._send_bye(now, Ending(response.status, _unusable(response.sdp()), "here", True))
            return
        self._endpoint.tell(events.Accepted(self.call))
        self._confirm()

    def _settle(self, fork: str | None, body: bytes | None) -> bytes | None:
        """What the 2xx brings: the answer to our offer, or the offer our ACK answers. None: nothing in common."""
        if self._late_offer:
            audio = self._talks.audio
            settled = None if body is None or audio is None else self._talks.answer(body, audio)
            if settled is None or audio is None:
                return None
            answer, agreement = settled
            self._talks.give(answer, agreement, audio)
            self._endpoint.tell(events.MediaAgreed(self.call, agreement, early=False))
            return answer
        # an answer that came early need not come again, though it should
        agreed = self._early.get(fork, self._talks.agreement) if body is None else self._talks.read(body)
        if agreed is None:
            return None
        self._agree(agreed)
        return b""

    def _refusal(self, body: bytes | None) -> bytes:
        """Who offers in his 2xx is answered in our ACK, though we hang up (section 13.2.2.4)."""
        audio = self._talks.audio
        return self._talks.any_answer(body, audio) if self._late_offer and body is not None and audio else b""

    def _refuse_fork(self, dialog: Dialog, response: Response, now: float) -> None:
        """Another phone of the same callee took the call too: one is enough (section 13.2.2.4)."""
        if len(self._acks) >= MOST_ACKS:
            return
        self._endpoint.tell(events.Note("info", f"call {self.call}: answered in two places, the second is hung up"))
        self._acknowledge(dialog, response.cseq.number, self._refusal(response.sdp()))
        bye = dialog.request("BYE", self._endpoint.via())
        self._endpoint.start(bye, dialog.next_hop(), deaf, now, self.call)

    # ------------------------------------------------------------------ CANCEL

    def _send_cancel(self, now: float) -> None:
        """Section 9.1: the INVITE's branch, once something has come back; then 32 s for the 487."""
        if self._cancel_out:
            return
        self._cancel_out = True
        headers = Headers()
        for name, value in self._invite.headers.items():
            if name in ("via", "max-forwards", "route", "from", "to", "call-id"):
                headers.add(name, value)
        headers.add("CSeq", f"{self._invite.cseq.number} CANCEL")
        self._start("uncancelled", now + TIMEOUT)
        cancel = Request("CANCEL", self._invite.uri, headers)
        self._endpoint.start(cancel, self._destination, deaf, now, self.call)

    def _timer_uncancelled(self, due: float, now: float) -> None:
        self._end(self._ending)


def _unusable(body: bytes | None) -> str:
    """What is wrong with the description in a 2xx."""
    if body is None:
        return "they took the call, but did not describe its sound"
    try:
        parse(body)
    except SdpError:
        return "they took the call, but described its sound in what is no SDP"
    return "they took the call, but with no codec of ours"


def _failure_text(response: Response) -> str:
    text = _not_acceptable_text(response) if response.status in (488, 606) else _refused_text(response)
    where = _preferred(response) if 300 <= response.status < 400 else None
    if where is not None:
        return f"{text} to <{str(where)[:MOST_CONTACT_TEXT]}>: dial it if you trust it"
    seconds = retry_after_s(response)
    return f"{text}; try again in {seconds} s" if seconds else text


def _refused_text(response: Response) -> str:
    return reason_text(response.status, response.reason.strip()[:MOST_REASON_TEXT])


def _not_acceptable_text(response: Response) -> str:
    """What of our offer they cannot take, where their Warning says it (section 20.43)."""
    try:
        code, _, text = [*response.headers.get_all("warning"), ""][0].split(None, 2)
    except (SipError, ValueError):
        return reason_text(response.status)
    if code == str(NO_FORMAT):
        return reason_text(488)
    return f"{reason_text(606)}: {unquote(text)[:MOST_REASON_TEXT]}"


def _preferred(redirection: Response) -> Uri | None:
    """Where they say he is to be found: the address with the highest q, of equals the first (section 8.1.3.4)."""
    try:
        return max(redirection.contacts, key=_preference).uri
    except (SipError, ValueError):  # none that can be read, or none at all
        return None


def _preference(contact: NameAddr) -> float:
    """Section 20.10: from 0 to 1; what is no number of that kind has not been said."""
    said = contact.params.get("q") or ""
    return float(said) if _QVALUE.fullmatch(said) else 1.0
