"""Status codes in plain words, reason phrases, and what a call's end means for the exit code."""

from __future__ import annotations

# RFC 3261 section 21, and the few that later documents added and that end calls.
PHRASES = {
    100: "Trying", 180: "Ringing", 181: "Call Is Being Forwarded", 182: "Queued", 183: "Session Progress", 200: "OK",
    300: "Multiple Choices", 301: "Moved Permanently", 302: "Moved Temporarily", 305: "Use Proxy",
    380: "Alternative Service", 400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden",
    404: "Not Found", 405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required",
    408: "Request Timeout", 410: "Gone", 413: "Request Entity Too Large", 414: "Request-URI Too Long",
    415: "Unsupported Media Type", 416: "Unsupported URI Scheme", 420: "Bad Extension", 421: "Extension Required",
    423: "Interval Too Brief", 480: "Temporarily Unavailable", 481: "Call/Transaction Does Not Exist",
    482: "Loop Detected", 483: "Too Many Hops", 484: "Address Incomplete", 485: "Ambiguous", 486: "Busy Here",
    487: "Request Terminated", 488: "Not Acceptable Here", 491: "Request Pending", 493: "Undecipherable",
    500: "Server Internal Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Server Time-out", 505: "Version Not Supported", 513: "Message Too Large", 600: "Busy Everywhere",
    603: "Decline", 604: "Does Not Exist Anywhere", 606: "Not Acceptable",
}  # fmt: skip

_PLAIN = {
    401: "not authorised: the far end asks for a password", 403: "forbidden",
    404: "not found: nobody of that name there",
    406: "the far end cannot use what we offer", 407: "not authorised: the proxy asks for a password",
    408: "no answer", 410: "gone: this address is no longer used", 415: "the far end does not understand our offer",
    420: "the far end lacks an extension", 480: "not available now", 481: "the far end does not know this call",
    482: "the call went in circles", 483: "too many hops", 484: "the address is incomplete",
    485: "the address is ambiguous",
    486: "busy", 487: "cancelled", 488: "no codec in common", 491: "the far end was changing the call itself",
    500: "error at the far end", 501: "the far end cannot do that", 502: "bad gateway", 503: "far end out of service",
    504: "time-out on the way", 505: "the far end speaks another SIP version", 513: "the message was too large",
    600: "busy everywhere", 603: "declined", 604: "this address exists nowhere",
    606: "they cannot take what we offer",
}  # fmt: skip

WRONG_NAME, BUSY, NO_ANSWER, DECLINED, NOT_FOUND, NOT_AUTHORISED, OTHER_FAILURE, NO_MEDIA, BAD_QUALITY = (
    2,
    10,
    11,
    12,
    13,
    14,
    15,
    20,
    21,
)
_EXIT = {
    486: BUSY, 600: BUSY, 408: NO_ANSWER, 480: NO_ANSWER, 487: NO_ANSWER, 603: DECLINED, 404: NOT_FOUND,
    410: NOT_FOUND, 484: NOT_FOUND, 485: NOT_FOUND, 604: NOT_FOUND, 401: NOT_AUTHORISED, 403: NOT_AUTHORISED,
    407: NOT_AUTHORISED,
}  # fmt: skip


def phrase(status: int) -> str:
    """The standard reason phrase."""
    return PHRASES.get(status, "Unknown")


def reason_text(status: int, said: str = "") -> str:
    """What a final failure means, in plain words; ``said`` is their reason phrase, for a status that has none here."""
    known = _PLAIN.get(status)
    if known is not None:
        return known
    if 300 <= status < 400:
        return "the far end has moved"
    words = said or PHRASES.get(status)
    return f"refused: {words}" if words else f"refused with status {status}"


def exit_code(status: int | None, *, answered: bool, media: bool) -> int:
    """The process's exit code for a call that ended so; ``status`` is None unless a failure ended it."""
    if status is not None and not answered:
        return _EXIT.get(status, OTHER_FAILURE)
    if status is not None:
        return OTHER_FAILURE
    if answered and not media:
        return NO_MEDIA
    return 0
