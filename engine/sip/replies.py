"""How a request that came in is answered: where from, what with, and where to (RFC 3261 sections 8.2.6 and 18.2)."""

from __future__ import annotations

from dataclasses import replace

from engine.sip.grammar import number, split
from engine.sip.message import Headers, Request, Response, SipError
from engine.sip.reasons import phrase

Address = tuple[str, int]

ALLOWED = ("INVITE", "ACK", "CANCEL", "BYE", "OPTIONS")
ALLOW = ", ".join(ALLOWED)
_WARNINGS = {
    300: "Incompatible network protocol", 301: "Incompatible network address formats",
    302: "Incompatible transport protocol", 304: "Media type not available", 305: "Incompatible media format",
}  # fmt: skip


def make_response(request: Request, status: int, tag: str | None = None) -> Response:
    """The request's Via, From, To, Call-ID and CSeq, as they came; our tag where none is yet (never in a 100).

    A 100 repeats the Timestamp, too (section 8.2.6.1).
    """
    headers = Headers()
    wanted = {"via", "from", "to", "call-id", "cseq", *(["timestamp"] if status == 100 else [])}
    for name, value in request.headers.items():
        if name not in wanted:
            continue
        if name != "via":
            wanted.remove(name)  # a faulty request may hold two: its answer does not
        if name == "to" and tag is not None and status != 100 and not _has_tag(request):
            value = f"{value.rstrip('; ')};tag={tag}"
        headers.add(name, value)
    return Response(status, phrase(status), headers)


def warning(code: int, text: str = "") -> tuple[str, str]:
    """The header field that says why (sections 13.3.1.3, 20.43). "-": who says so is nobody's business."""
    return "Warning", f'{code} - "{text or _WARNINGS[code]}"'


def _has_tag(request: Request) -> bool:
    try:
        return request.to.tag is not None
    except SipError:
        return True  # unreadable: leave it as it is


def reply_address(request: Request, source: Address) -> Address:
    """Back to the source, at the port that was asked for (RFC 3581); ``maddr`` is not obeyed: it aims elsewhere."""
    via = request.via
    return source if "rport" in via.params else (source[0], via.sent_by[1] or 5060)


def stamp(request: Request, source: Address) -> None:
    """Note in the topmost Via where the request really came from (section 18.2.1, RFC 3581)."""
    via = request.via
    params = dict(via.params)
    if "rport" in params:
        params["rport"] = str(source[1])
    if via.host.lower() != source[0].lower() or "rport" in params:
        params["received"] = source[0]
    if params == via.params:
        return
    below = split(request.headers.get("via") or "", ",")[1:]
    request.replace_top_via(replace(via, params=params), below)


def retry_after_s(response: Response) -> int | None:
    """Section 20.33: seconds, then perhaps a comment and parameters that matter to no machine. None: not said."""
    words = (response.headers.get("retry-after") or "").replace(";", " ").replace("(", " ").split()
    try:
        return number(words[0], "Retry-After", 0, 2**32) if words else None
    except SipError:
        return None
