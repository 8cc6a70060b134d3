"""SIP messages: bytes to message to bytes (RFC 3261 sections 7, 18.3, 19 and 20).

Reading is in two steps. :func:`parse` splits the datagram into start line, headers and body, and checks only
what is needed to find its way; headers are read when they are asked for, once. Anything wrong raises SipError
with the status to answer with. Text is UTF-8; bytes that are not survive the round trip.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from engine.sip.grammar import SipError, is_token, number, parameter_text, parameters, split, unquote
from engine.sip.uri import NameAddr, Uri, hostport_text, parse_hostport

__all__ = ["CSeq", "Headers", "Message", "NameAddr", "Request", "Response", "SipError", "Uri", "Via", "parse"]

VERSION = "SIP/2.0"
BRANCH_COOKIE = "z9hG4bK"
MAX_SEQUENCE = 2**31 - 1
MAX_HEADERS = 6000
MAX_CONTACTS = 64
MAX_ROUTES = 32
MAX_BODY_PARTS = 32
MAX_BODY_NESTING = 3

_COMPACT = {
    "a": "accept-contact", "b": "referred-by", "c": "content-type", "d": "request-disposition",
    "e": "content-encoding", "f": "from", "i": "call-id", "k": "supported", "l": "content-length", "m": "contact",
    "o": "event", "r": "refer-to", "s": "subject", "t": "to", "u": "allow-events", "v": "via", "x": "session-expires",
}  # fmt: skip
_SPELLING = {
    "call-id": "Call-ID", "cseq": "CSeq", "www-authenticate": "WWW-Authenticate", "mime-version": "MIME-Version",
}  # fmt: skip
_LISTS = frozenset({
    "accept", "accept-encoding", "accept-language", "alert-info", "allow", "call-info", "contact", "content-encoding",
    "content-language", "error-info", "in-reply-to", "proxy-require", "record-route", "require", "route", "supported",
    "unsupported", "via", "warning",
})  # fmt: skip
_ONCE = ("from", "to", "call-id", "cseq", "max-forwards", "content-length", "content-type")
# The version may be in any case (section 7.1).
_START = re.compile(r"([^ ]+) ([^ ]+) SIP/([0-9]{1,9})\.([0-9]{1,9})", re.IGNORECASE)
_BREAK = re.compile(r"[\r\n]")
_STATUS = re.compile(r"SIP/2\.0 ([0-9]{3})(?: (.*))?", re.DOTALL | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Via:
    """One hop (section 20.42)."""

    transport: str
    host: str
    port: int | None = None
    params: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Via:
        head, *params = split(text, ";")
        protocol, _, sent_by = _first_lws(_tight(head, "/"))
        name, _, rest = protocol.partition("/")
        version, _, transport = rest.partition("/")
        if name.strip().upper() != "SIP" or not is_token(version.strip()) or not is_token(transport.strip()):
            raise SipError("a Via that is not SIP")
        host, port = parse_hostport(sent_by)
        # empty parameters are let pass: without a Via not even the 400 could be sent
        return cls(transport.strip().upper(), host, port, parameters([part for part in params if part]))

    @property
    def branch(self) -> str | None:
        return self.params.get("branch")

    @property
    def branch_key(self) -> str:
        """The branch in lower case, for comparing: a token means the same in any case (section 7.3.1)."""
        return (self.branch or "").lower()

    @property
    def has_cookie(self) -> bool:
        """Does the branch name its transaction all by itself? Before RFC 3261 it did not (section 17.2.3)."""
        return self.branch_key.startswith(BRANCH_COOKIE.lower()) and len(self.branch_key) > len(BRANCH_COOKIE)

    @property
    def sent_by(self) -> tuple[str, int]:
        return self.host.lower(), 5060 if self.port is None else self.port

    def __str__(self) -> str:
        return f"{VERSION}/{self.transport} {hostport_text(self.host, self.port)}{parameter_text(self.params)}"


def _tight(text: str, mark: str) -> str:
    """White space around ``mark`` removed: ``SIP / 2.0 / UDP host`` is legal."""
    return mark.join(part.strip() for part in text.split(mark))


def _first_lws(text: str) -> tuple[str, str, str]:
    words = text.split(None, 1)
    if len(words) != 2:
        raise SipError("a Via without a sent-by")
    return words[0], " ", words[1]


@dataclass(frozen=True, slots=True)
class CSeq:
    """The header field of that name (RFC 3261 section 20.16)."""

    number: int
    method: str

    @classmethod
    def parse(cls, text: str) -> CSeq:
        words = text.split()
        if len(words) != 2 or not is_token(words[1]):
            raise SipError("a CSeq that is not a number and a method")
        return cls(number(words[0], "the CSeq", 0, MAX_SEQUENCE), words[1])

    def __str__(self) -> str:
        return f"{self.number} {self.method}"


class Headers:
    """An ordered multi-map of header fields; names compare in any case and in compact form."""

    __slots__ = ("_fields",)

    def __init__(self, fields: list[tuple[str, str]] | None = None) -> None:
        self._fields: list[tuple[str, str]] = [(_key(name), value) for name, value in fields or []]

    def get(self, name: str) -> str | None:
        """The first value, as it was written; None when there is none."""
        key = _key(name)
        for known, value in self._fields:
            if known == key:
                return value
        return None

    def get_all(self, name: str) -> list[str]:
        """Every value; comma lists are taken apart where the header is a list."""
        key = _key(name)
        values = [value for known, value in self._fields if known == key]
        if key not in _LISTS:
            return values
        return [part for value in values for part in split(value, ",") if part]

    def add(self, name: str, value: object) -> None:
        self._fields.append((_key(name), str(value)))

    def replace_first(self, name: str, value: object) -> None:
        """Another value for the first field of that name; the others stay."""
        key = _key(name)
        for index, (known, _) in enumerate(self._fields):
            if known == key:
                self._fields[index] = (key, str(value))
                return

    def items(self) -> Iterator[tuple[str, str]]:
        return iter(self._fields)

    def __contains__(self, name: str) -> bool:
        return self.get(name) is not None

    def __len__(self) -> int:
        return len(self._fields)


def _key(name: str) -> str:
    name = name.lower()
    return _COMPACT.get(name, name) if len(name) == 1 else name


def _spelling(key: str) -> str:
    known = _SPELLING.get(key)
    if known is None:
        known = _SPELLING[key] = key.title() if len(_SPELLING) < 500 else key
        return known
    return known


@dataclass(frozen=True, slots=True)
class BodyPart:
    """A body, or a part of one that is not multipart itself."""

    content_type: str
    content: bytes
    is_description: bool  # of the session that the message is about, in SDP
    optional: bool  # who cannot read it may pass it over


class Message:
    """What requests and responses share. Typed headers are read once and raise SipError(400)."""

    __slots__ = ("_read", "body", "headers", "size")

    def __init__(self, headers: Headers, body: bytes = b"") -> None:
        self.headers = headers
        self.body = body
        self.size = 0  # octets of the datagram it came in; 0 for what is made here
        self._read: dict[str, Any] = {}

    def _once(self, name: str, read: Any) -> Any:
        if name not in self._read:
            self._read[name] = read(self._needed(name))
        return self._read[name]

    def _needed(self, name: str) -> str:
        value = self.headers.get(name)
        if value is None:
            raise SipError(f"no {_spelling(name)} header")
        return value

    @property
    def via(self) -> Via:
        """The topmost Via. The ones below it belong to others and are not even looked at."""
        if "via" not in self._read:
            self._read["via"] = Via.parse(next(iter(split(self._needed("via"), ",")), ""))
        found: Via = self._read["via"]
        return found

    def replace_top_via(self, via: Via, below: list[str]) -> None:
        """Write the topmost Via anew; ``below`` are the values that share its field."""
        self.headers.replace_first("via", ", ".join([str(via), *below]))
        self._read["via"] = via

    @property
    def from_(self) -> NameAddr:
        found: NameAddr = self._once("from", NameAddr.parse)
        return found

    @property
    def to(self) -> NameAddr:
        found: NameAddr = self._once("to", NameAddr.parse)
        return found

    @property
    def cseq(self) -> CSeq:
        found: CSeq = self._once("cseq", CSeq.parse)
        return found

    @property
    def call_id(self) -> str:
        value = self._needed("call-id").strip()
        if not value or any(character.isspace() for character in value):
            raise SipError("a Call-ID that is none")
        return value

    @property
    def contacts(self) -> list[NameAddr]:
        """All but ``*``. Nobody is to be found in so many places that reading them takes long."""
        return self._addresses("contact", MAX_CONTACTS)

    @property
    def record_routes(self) -> list[NameAddr]:
        """The proxies that want to stay in the way; SipError(513) when they are more than a call can have."""
        return self._addresses("record-route", MAX_ROUTES)

    def _addresses(self, name: str, most: int) -> list[NameAddr]:
        if name not in self._read:
            texts = self.headers.get_all(name)
            if len(texts) > most:
                raise SipError(f"too many of {_spelling(name)}", 513)
            self._read[name] = [NameAddr.parse(text) for text in texts if text != "*"]
        found: list[NameAddr] = self._read[name]
        return found

    @property
    def max_forwards(self) -> int | None:
        value = self.headers.get("max-forwards")
        return None if value is None else number(value, "Max-Forwards", 0, 255)

    @property
    def body_is_understood(self) -> bool:
        """Is each part a description of the session, or one that may be passed over (section 8.2.3)?"""
        return all(part.is_description or part.optional for part in self.body_parts())

    def sdp(self) -> bytes | None:
        """The session description: the body, or the part of a multipart body that is one."""
        return next((part.content for part in self.body_parts() if part.is_description), None)

    def body_parts(self) -> list[BodyPart]:
        """The body, or each part of a multipart body (RFC 2046 section 5.1)."""
        return _body_parts(self.headers, self.body) if self.body else []

    def encode(self) -> bytes:
        """The message as bytes, with a Content-Length that is true. No value can begin a line of its own."""
        lines = [self.start_line]
        lines += [f"{_spelling(key)}: {value}" for key, value in self.headers.items() if key != "content-length"]
        lines = [_BREAK.sub(" ", line) for line in lines]
        lines.append(f"Content-Length: {len(self.body)}\r\n\r\n")
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body

    @property
    def start_line(self) -> str:
        raise AssertionError("a message is a request or a response")


class Request(Message):
    """``uri`` is the text of the Request-URI; :attr:`target` reads it."""

    __slots__ = ("method", "uri")

    def __init__(self, method: str, uri: str, headers: Headers, body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.method = method
        self.uri = uri

    @property
    def target(self) -> Uri:
        return Uri.parse(self.uri)

    @property
    def start_line(self) -> str:
        return f"{self.method} {self.uri} {VERSION}"


class Response(Message):
    __slots__ = ("reason", "status")

    def __init__(self, status: int, reason: str, headers: Headers, body: bytes = b"") -> None:
        super().__init__(headers, body)
        self.status = status
        self.reason = reason

    @property
    def start_line(self) -> str:
        return f"{VERSION} {self.status} {self.reason}"


def parse(data: bytes) -> Request | Response:
    """One datagram is one message; SipError when it is none (see ``SipError.request``)."""
    head, body = _head_and_body(data.lstrip(b"\r\n"))
    start, *lines = _lines(head)
    message = _response(start, lines, body) if start[:4].upper() == "SIP/" else _request(start, lines, body)
    message.size = len(data)
    return message


def _head_and_body(data: bytes) -> tuple[bytes, bytes]:
    """Parted at the first empty line; lines may end with LF alone."""
    if data.startswith((b"\r\n", b"\n")):
        return b"", data.partition(b"\n")[2]
    ends = [(at, mark) for mark in (b"\n\r\n", b"\n\n") if (at := data.find(mark)) >= 0]
    if not ends:
        return data, b""
    at, mark = min(ends)
    return data[:at], data[at + len(mark) :]


def _lines(head: bytes) -> list[str]:
    """A CR that ends no line is white space: whoever reads our echo of it must not take it for a line end."""
    text = head.decode("utf-8", "surrogateescape")
    if "\r" in text:
        text = text.removesuffix("\r").replace("\r\n", "\n").replace("\r", " ")
    return text.split("\n")


def _response(start: str, lines: list[str], body: bytes) -> Response:
    found = _STATUS.fullmatch(start)
    if found is None or not 100 <= int(found.group(1)) <= 699:
        raise SipError("a response without a status")
    headers, wrong = _headers(lines)
    if wrong is not None:
        raise wrong
    return Response(int(found.group(1)), found.group(2) or "", headers, _body(headers, body))


def _request(start: str, lines: list[str], body: bytes) -> Request:
    found = _START.fullmatch(start)
    if found is None:
        words = start.split()
        if len(words) < 3 or words[-1][:4].upper() != "SIP/":
            raise SipError("not SIP")
        method, _, uri = start.partition(" ")
        raise _with_request(SipError("a request line that is not METHOD URI SIP/2.0"), method, uri.strip(), lines)
    method, uri, major, minor = found.groups()
    if (int(major), int(minor)) != (2, 0):
        raise _with_request(SipError(f"SIP version {major}.{minor}", 505), method, uri, lines)
    if not is_token(method):
        raise _with_request(SipError("a method that is no token"), method, uri, lines)
    headers, wrong = _headers(lines)
    if wrong is not None:
        raise _with_request(wrong, method, uri, lines)
    try:
        return Request(method, uri, headers, _body(headers, body))
    except SipError as error:
        raise _with_request(error, method, uri, lines) from None


def _with_request(error: SipError, method: str, uri: str, lines: list[str]) -> SipError:
    error.request = Request(method, uri, _headers(lines)[0])  # type: ignore[assignment]
    return error


def _headers(lines: list[str]) -> tuple[Headers, SipError | None]:
    """The header fields, unfolded, and the first thing that is wrong with them."""
    wrong: SipError | None = None
    fields: list[tuple[str, list[str]]] = []
    for line in lines:
        if line[:1] in (" ", "\t"):
            if fields:
                fields[-1][1].append(line.strip())
            continue
        name, colon, value = line.partition(":")
        name = name.rstrip(" \t")
        if not colon or not is_token(name):
            wrong = wrong or SipError("a line that is no header")
            continue
        fields.append((name, [value.strip()]))
    if len(fields) > MAX_HEADERS:
        wrong = wrong or SipError("too many headers", 513)
    headers = Headers([(name, " ".join(parts).strip()) for name, parts in fields[:MAX_HEADERS]])
    return headers, wrong or _repeated(headers)


def _repeated(headers: Headers) -> SipError | None:
    seen: set[str] = set()
    for key, _ in headers.items():
        if key in _ONCE:
            if key in seen:
                return SipError(f"more than one {_spelling(key)}")
            seen.add(key)
    return None


def _body(headers: Headers, rest: bytes) -> bytes:
    """Section 18.3: a datagram may hold more than Content-Length says, never less.

    A multipart body is tried here, so that asking for its parts later cannot fail.
    """
    text = headers.get("content-length")
    length = len(rest) if text is None else number(text, "the Content-Length", 0, 2**31)
    if length > len(rest):
        raise SipError("a body shorter than its Content-Length")
    if length:
        _body_parts(headers, rest[:length])
    return rest[:length]


def _media_type(value: str | None) -> str:
    """``type/subtype`` in lower case, without parameters."""
    return "".join((value or "").split(";", 1)[0].split()).lower()


def _body_parts(headers: Headers, body: bytes, depth: int = 0) -> list[BodyPart]:
    value = headers.get("content-type") or ("text/plain" if depth else "")
    kind = _media_type(value)
    disposition, optional = _disposition(headers)
    encoded = (headers.get("content-encoding") or "identity").strip().lower() != "identity"
    if encoded or not kind.startswith("multipart/"):
        # RFC 3959: an early-session is another session than the one a call is about
        is_description = kind == "application/sdp" and not encoded and disposition != "early-session"
        return [BodyPart(kind, body, is_description, optional)]
    boundary = unquote(parameters(split(value, ";")[1:]).get("boundary") or "")
    if not boundary or depth == MAX_BODY_NESTING:
        raise SipError("a multipart body that cannot be parted")
    found: list[BodyPart] = []
    for part in _multipart(body, b"\n--" + boundary.encode("utf-8", "surrogateescape")):
        head, content = _head_and_body(part)
        found += _body_parts(_headers(_lines(head))[0], content, depth + 1)
    enough = kind == "multipart/alternative" and any(part.is_description for part in found)
    return [replace(part, optional=True) for part in found] if optional or enough else found


def _disposition(headers: Headers) -> tuple[str, bool]:
    """Section 20.11: what a body is for, and whether ``handling=optional`` is said. What is unreadable says nothing."""
    try:
        kind, *params = split(headers.get("content-disposition") or "", ";")
        handling = parameters(params).get("handling") or ""
    except SipError:
        return "", False
    return kind.lower(), handling.lower() == "optional"


def _multipart(body: bytes, delimiter: bytes) -> list[bytes]:
    """What stands between delimiter lines; the CRLF before a delimiter belongs to it."""
    parts: list[bytes] = []
    for chunk in (b"\n" + body).split(delimiter, MAX_BODY_PARTS)[1:]:
        if chunk.startswith(b"--"):
            break
        rest_of_line, _, content = chunk.partition(b"\n")
        if not rest_of_line.strip(b" \t\r"):
            parts.append(content)
        elif parts:  # a line that only begins like the delimiter
            parts[-1] += delimiter + chunk
    return [part.removesuffix(b"\r") for part in parts]
