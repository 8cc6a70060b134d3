"""SIP URIs (RFC 3261 section 19.1) and the addresses that carry them (section 20.10)."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field, replace

from engine.sip.grammar import SipError, end_of_quoted, number, parameter_text, parameters, quote, split, unquote

DEFAULT_PORT = 5060
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_HOST = re.compile(r"[A-Za-z0-9._-]+")
# userinfo may hold unreserved, escaped and user-unreserved characters; UTF-8 is let through as it comes.
_USER_FORBIDDEN = re.compile(r'[\x00-\x20"<>@\\^`{|}\[\]\x7f]')
_URI_FORBIDDEN = re.compile(r'[\x00-\x20"<>\x7f]')
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Uri:
    """``scheme:user:password@host:port;params?headers``. Other schemes keep their text in ``opaque``."""

    scheme: str
    host: str = ""
    port: int | None = None
    user: str | None = None
    password: str | None = None
    params: dict[str, str | None] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    opaque: str = ""

    @classmethod
    def parse(cls, text: str) -> Uri:
        """Read a URI that stands alone (no angle brackets around it); SipError when it is none."""
        scheme, colon, rest = text.partition(":")
        if not colon or not _SCHEME.fullmatch(scheme):
            raise SipError("a URI without a scheme")
        if _URI_FORBIDDEN.search(text):
            raise SipError("a character that no URI may hold")
        if scheme.lower() not in ("sip", "sips"):
            return cls(scheme.lower(), opaque=rest)
        return cls._parse_sip(scheme.lower(), rest)

    @classmethod
    def _parse_sip(cls, scheme: str, rest: str) -> Uri:
        userinfo, at, remainder = rest.rpartition("@")
        user, password = _userinfo(userinfo) if at else (None, None)
        remainder, _, header_text = remainder.partition("?")
        hostport, *params = remainder.split(";")
        host, port = parse_hostport(hostport)
        return cls(scheme, host, port, user, password, parameters(params), _headers(header_text))

    def __str__(self) -> str:
        if self.scheme not in ("sip", "sips"):
            return f"{self.scheme}:{self.opaque}"
        user = "" if self.user is None else self.user + ("" if self.password is None else f":{self.password}") + "@"
        headers = "&".join(f"{name}={value}" for name, value in self.headers.items())
        return (
            f"{self.scheme}:{user}{hostport_text(self.host, self.port)}{parameter_text(self.params)}"
            + (f"?{headers}" if headers else "")
        )

    def address(self, default_port: int = DEFAULT_PORT) -> Address:
        """Where a request to this URI goes: ``maddr`` or the host, and the port."""
        maddr = self.params.get("maddr")
        host = parse_hostport(maddr)[0] if maddr else self.host
        return host, self.port if self.port is not None else default_port

    def without_headers(self) -> Uri:
        return replace(self, headers={}) if self.headers else self

    def same(self, other: Uri) -> bool:
        """Equality by RFC 3261 section 19.1.4."""
        if self.scheme not in ("sip", "sips") or other.scheme not in ("sip", "sips"):
            return str(self) == str(other)
        if (self.scheme, self.port, self.host.lower()) != (other.scheme, other.port, other.host.lower()):
            return False
        if (_unescape(self.user), _unescape(self.password)) != (_unescape(other.user), _unescape(other.password)):
            return False
        return _same_params(self.params, other.params) and _lowered(self.headers) == _lowered(other.headers)


def parse_hostport(text: str) -> tuple[str, int | None]:
    """``host``, ``host:port``, ``[v6]`` or ``[v6]:port``; the host without brackets."""
    text = text.strip()
    if text.startswith("["):
        inside, bracket, rest = text[1:].partition("]")
        if not bracket:
            raise SipError("an IPv6 address without its closing bracket")
        _check_ipv6(inside)
        rest = rest.strip()
        if rest and not rest.startswith(":"):
            raise SipError("text after an IPv6 address")
        return inside, _port(rest[1:]) if rest else None
    host, colon, port = text.partition(":")
    host = host.strip()
    if not _HOST.fullmatch(host):
        raise SipError(f"'{host[:60]}' is not a host")
    return host, _port(port) if colon else None


def hostport_text(host: str, port: int | None) -> str:
    host = f"[{host}]" if ":" in host else host
    return host if port is None else f"{host}:{port}"


def _check_ipv6(text: str) -> None:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        raise SipError(f"'{text[:60]}' is not an IPv6 address") from None


def _port(text: str) -> int:
    return number(text, "a port", 0, 65535)


def _userinfo(text: str) -> tuple[str, str | None]:
    user, colon, password = text.partition(":")
    if not user:
        raise SipError("a URI with an empty user part")
    if _USER_FORBIDDEN.search(text) or _BAD_ESCAPE.search(text):
        raise SipError("a character that no user part may hold")
    return user, password if colon else None


def _headers(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split("&") if part)
    return {name: value for name, _, value in pairs}


def _unescape(text: str | None) -> str | None:
    return None if text is None else _ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), text)


def _lowered(headers: dict[str, str]) -> dict[str, str | None]:
    return {name.lower(): _unescape(value) for name, value in headers.items()}


def _same_params(ours: dict[str, str | None], theirs: dict[str, str | None]) -> bool:
    for name in {*ours, *theirs}:
        if name in ours and name in theirs:
            if (ours[name] or "").lower() != (theirs[name] or "").lower():
                return False
        elif name in ("user", "ttl", "method", "maddr", "transport"):
            return False
    return True


@dataclass(frozen=True, slots=True)
class NameAddr:
    """``"Display Name" <uri>;params`` of From, To, Contact, Route and Record-Route."""

    uri: Uri
    display_name: str = ""
    params: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        text = text.strip()
        name, rest = _display_name(text)
        if not rest.startswith("<"):
            # addr-spec without brackets: what follows the first ";" belongs to the header, not to the URI
            uri_text, *params = rest.split(";")
            if "," in uri_text or "?" in uri_text:
                raise SipError("an address that needs angle brackets")
            return cls(Uri.parse(uri_text.strip()), name, parameters(params))
        end = rest.find(">")
        if end < 0:
            raise SipError("an address without its closing bracket")
        tail = rest[end + 1 :].strip()
        if tail and not tail.startswith(";"):
            raise SipError("text after an address")
        return cls(Uri.parse(rest[1:end].strip()), name, parameters(split(tail[1:], ";")) if tail else {})

    @property
    def tag(self) -> str | None:
        return self.params.get("tag")

    def with_tag(self, tag: str) -> NameAddr:
        return replace(self, params={**self.params, "tag": tag})

    def __str__(self) -> str:
        name = f"{quote(self.display_name)} " if self.display_name else ""
        return f"{name}<{self.uri}>{parameter_text(self.params)}"


def _display_name(text: str) -> tuple[str, str]:
    """(display name, what follows it). Names that should have been quoted are read when no doubt arises."""
    if text.startswith('"'):
        end = end_of_quoted(text, 0)
        rest = text[end:].lstrip()
        if not rest.startswith("<"):
            raise SipError("a display name without an address")
        return unquote(text[:end]), rest
    angle = text.find("<")
    if angle <= 0:
        return "", text
    name = text[:angle].strip()
    if '"' in name or "," in name or ":" in name:
        raise SipError("a display name that had to be quoted")
    return name, text[angle:]
