"""The parameters of a payload format, as ``a=fmtp`` has them: ``name=value;name=value`` (RFC 4855, RFC 7587)."""

from __future__ import annotations

MAX_PARAMETERS = 64
MAX_DIGITS = 9


def parameters(fmtp: str) -> dict[str, str]:
    """Names in lower case; of twins the first counts, and what is no ``name=value`` is passed over."""
    found: dict[str, str] = {}
    for item in fmtp.split(";", MAX_PARAMETERS)[:MAX_PARAMETERS]:
        name, equals, value = item.partition("=")
        if equals and name.strip():
            found.setdefault(name.strip().lower(), value.strip())
    return found


def number_in(said: dict[str, str], name: str, low: int, high: int) -> int | None:
    """A plain decimal, held within its bounds; None when it was not said, or is no number."""
    text = said.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= MAX_DIGITS):
        return None
    return min(max(int(text), low), high)
