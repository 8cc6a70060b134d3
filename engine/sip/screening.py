"""What is wrong with a request before anybody looks at what it wants (RFC 3261 section 8.2)."""

from __future__ import annotations

from dataclasses import dataclass

from engine.sip.message import Message, NameAddr, Request, SipError
from engine.sip.replies import ALLOW, ALLOWED, warning
from engine.sip.sdp import NO_FORMAT, Format, SdpError, obstacle, parse

MAX_MESSAGE = 32_768


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer a faulty request gets: a status, the headers that explain it, and a reason phrase of its own."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    reason: str = ""


NOT_UNDERSTOOD = Refusal(415, (("Accept", "application/sdp"), ("Accept-Encoding", "identity")))


def readable(request: Request) -> bool:
    """Can an answer be addressed at all? (Via is all it takes.)"""
    try:
        return bool(request.via.host)
    except SipError:
        return False


def screen(request: Request) -> Refusal | None:
    """The first fault of a request, in the order of section 8.2; None when it may be worked on."""
    if request.size > MAX_MESSAGE:
        return Refusal(513)
    try:
        cseq, _ = request.cseq, (request.via, request.from_, request.to, request.call_id, request.max_forwards)
    except SipError as error:
        return Refusal(error.status)
    if request.method not in ALLOWED:
        return Refusal(405, (("Allow", ALLOW),))
    if cseq.method != request.method:
        return Refusal(400)
    refusal = _screen_target(request)
    if refusal is None and request.method not in ("ACK", "CANCEL"):
        refusal = _screen_extensions(request)
    if refusal is None and request.method == "OPTIONS" and not request.body_is_understood:
        return NOT_UNDERSTOOD  # a BYE ends the call whatever it brings, and an INVITE has more to be looked at
    return refusal


def _screen_target(request: Request) -> Refusal | None:
    try:
        scheme = request.target.scheme
    except SipError as error:
        return Refusal(error.status)
    return None if scheme == "sip" else Refusal(416)


def _screen_extensions(request: Request) -> Refusal | None:
    try:
        wanted = request.headers.get_all("require")
    except SipError as error:
        return Refusal(error.status)
    return Refusal(420, (("Unsupported", ", ".join(wanted[:16])),)) if wanted else None


def not_acceptable(code: int = NO_FORMAT) -> Refusal:
    """488, and why (section 13.3.1.3)."""
    return Refusal(488, (warning(code),))


def screen_invite(request: Request, formats: tuple[Format, ...], here: str) -> Refusal | None:
    """What an INVITE must have besides: one Contact, a body we can read, a line of it we can take from ``here``."""
    try:
        contacts = request.contacts
        accepts = [value.split(";", 1)[0].strip().lower() for value in request.headers.get_all("accept")]
        understood = request.body_is_understood
        body = request.sdp()
        check_routes(request)
    except SipError as error:
        return Refusal(error.status)
    if not _one_contact(request, contacts):
        return Refusal(400)
    if not understood:
        return NOT_UNDERSTOOD
    if accepts and not {"application/sdp", "application/*", "*/*"} & set(accepts):
        return Refusal(406)
    if body is None:
        return None
    try:
        code = obstacle(parse(body), formats, here)
    except SdpError as error:  # section 21.4.1: the reason phrase says what is wrong with it
        return Refusal(400, (warning(399, str(error)),), f"Bad Request: {error}")
    return None if code is None else not_acceptable(code)


def check_routes(message: Message) -> None:
    """Raises SipError when a request could not be sent where this message wants it sent."""
    routes = message.record_routes
    for address in (*routes[:1], *routes[-1:], *message.contacts[:1]):
        if not address.uri.address()[0]:
            raise SipError("an address that cannot be reached")


def _one_contact(request: Request, contacts: list[NameAddr]) -> bool:
    """Section 8.1.1.8: exactly one. A caller from before RFC 3261 may leave it out: its From stands in."""
    if not contacts and not request.via.has_cookie:
        return bool(request.from_.uri.host)
    return len(contacts) == 1 and bool(contacts[0].uri.host)
