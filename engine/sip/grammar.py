"""What SIP headers are made of: tokens, quoted strings, comments, lists, parameters (RFC 3261 section 25.1).

Everything here looks at each character a bounded number of times. The regular expressions are single character
classes, which cannot backtrack, so 20,000 quotes cost milliseconds.
"""

from __future__ import annotations

import re

TOKEN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~")
_QUOTE_OR_ESCAPE = re.compile(r'["\\]')
_MARKS: dict[str, re.Pattern[str]] = {}


class SipError(Exception):
    """Bad input in SIP: the one error of this package.

    ``status`` is what a request with this fault is answered with; ``request`` is as much of it as could be
    read, when that is enough to send the answer.
    """

    def __init__(self, reason: str, status: int = 400) -> None:
        super().__init__(reason)
        self.reason = reason
        self.status = status
        self.request = None


def is_token(text: str) -> bool:
    """RFC 3261 ``token``: at least one character, none of them a separator."""
    return bool(text) and TOKEN.issuperset(text)


def split(text: str, separator: str) -> list[str]:
    """Split at ``separator`` wherever it is not inside quotes, angle brackets or a comment.

    Raises SipError when a quote is never closed.
    """
    if separator not in text:
        if '"' in text:
            _check_quotes(text)
        return [text.strip()]
    if '"' not in text and "<" not in text and "(" not in text:
        return [part.strip() for part in text.split(separator)]
    if "(" in text and ")" in text:
        parts, comments_closed = _split_marked(text, separator, comments=True)
        if comments_closed:
            return parts
    # "(" is a character of URIs too: without its ")" it opens no comment
    return _split_marked(text, separator, comments=False)[0]


def _split_marked(text: str, separator: str, *, comments: bool) -> tuple[list[str], bool]:
    """The parts, and whether every comment was closed."""
    wanted = '"<>()' + separator if comments else '"<>' + separator
    marks = _MARKS.get(wanted)
    if marks is None:
        marks = _MARKS[wanted] = re.compile(f"[{re.escape(wanted)}]")
    parts: list[str] = []
    begin, at, angle, comment = 0, 0, False, 0
    while (found := marks.search(text, at)) is not None:
        mark, at = found.group(), found.end()
        if mark == '"' and not comment:
            at = end_of_quoted(text, found.start())
        elif mark == "(" and not angle:
            comment += 1
        elif mark == ")" and comment:
            comment -= 1
        elif mark == "<" and not comment:
            angle = True
        elif mark == ">":
            angle = False
        elif mark == separator and not angle and not comment:
            parts.append(text[begin : found.start()].strip())
            begin = at
    parts.append(text[begin:].strip())
    return parts, not comment


def _check_quotes(text: str) -> None:
    at = text.find('"')
    while at >= 0:
        at = text.find('"', end_of_quoted(text, at))


def end_of_quoted(text: str, begin: int) -> int:
    """The index after the quote that closes the one at ``begin``."""
    at = begin + 1
    while (found := _QUOTE_OR_ESCAPE.search(text, at)) is not None:
        if found.group() == '"':
            return found.end()
        at = found.end() + 1
    raise SipError("quoted string without an end")


def unquote(text: str) -> str:
    """The content of a quoted string, escapes undone; other text as it is."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    content = text[1:-1]
    if "\\" not in content:
        return content
    kept, at = [], 0
    while (back := content.find("\\", at)) >= 0:
        kept.append(content[at:back])
        kept.append(content[back + 1 : back + 2])
        at = back + 2
    kept.append(content[at:])
    return "".join(kept)


def quote(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def parameters(parts: list[str]) -> dict[str, str | None]:
    """``name=value`` and ``name`` parts as an ordered mapping; names in lower case, the first of twins wins."""
    found: dict[str, str | None] = {}
    if parts and not parts[-1]:  # one semicolon too many at the end is common and harmless
        parts = parts[:-1]
    for part in parts:
        name, equals, value = part.partition("=")
        name = name.strip().lower()
        if not is_token(name):
            raise SipError(f"'{name[:40]}' is not a parameter name")
        found.setdefault(name, value.strip() if equals else None)
    return found


def parameter_text(params: dict[str, str | None]) -> str:
    return "".join(f";{name}" if value is None else f";{name}={value}" for name, value in params.items())


def number(text: str, what: str, low: int, high: int) -> int:
    """A decimal number of ASCII digits within bounds, or SipError."""
    text = text.strip()
    if not text or len(text) > 20 or not text.isascii() or not text.isdecimal():
        raise SipError(f"{what} is not a number")
    value = int(text)
    if not low <= value <= high:
        raise SipError(f"{what} is out of range")
    return value
