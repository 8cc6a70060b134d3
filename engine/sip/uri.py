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
_IPV6 = re.compile(r"[0-9A-Fa-f:.]{2,45}(?:%[A-Za-z0-9._-]{1,32})?")
_PARAMETER = re.compile(r"[A-Za-z0-9\-_.!~*'()\[\]/:&+$%]+")
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
        if not rest or _URI_FORBIDDEN.search(text):
            raise SipError("a URI that is empty or holds what no URI may hold")
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
        if port == 0:
            raise SipError("a URI with port 0, where nobody can be")
        return cls(scheme, host, port, user, password, _uri_parameters(params), _headers(header_text))

    def __str__(self) -> str:
        if self.scheme not in ("sip", "sips"):
            return f"{self.scheme}:{self.opaque}"
        user = "" if self.user is None else self.user + ("" if self.password is None else f":{self.password}") + "@"
        headers = "&".join(f"{name}={value}" for name, value in self.headers.items())
        return f"{self.scheme}:{user}{hostport_text(self.host, self.port)}{parameter_text(self.params)}" + (
            f"?{headers}" if headers else ""
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
        if (self.scheme, self.port, _host_key(self.host)) != (other.scheme, other.port, _host_key(other.host)):
            return False
        if (_plain(self.user), _plain(self.password)) != (_plain(other.user), _plain(other.password)):
            return False
        return _same_params(self.params, other.params) and _lowered(self.headers) == _lowered(other.headers)


def parse_hostport(text: str) -> tuple[str, int | None]:
    """``host``, ``host:port``, ``[v6]`` or ``[v6]:port``; the host without brackets."""
    text = text.strip()
    if text.startswith("["):
        inside, bracket, rest = text[1:].partition("]")
        if not bracket:
            raise SipError("an IPv6 address without its closing bracket")
        inside = _ipv6(inside)
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


def _ipv6(text: str) -> str:
    """The address, checked. A third colon before an IPv4 tail is RFC 3261's own mistake (RFC 5118 section 4.10)."""
    if "." in text:
        head, colons, tail = text.rpartition(":::")
        text = f"{head}::{tail}" if colons and ":" not in tail else text
    try:
        if not _IPV6.fullmatch(text):
            raise ValueError
        ipaddress.IPv6Address(text)
    except ValueError:
        raise SipError(f"'{text[:60]}' is not an IPv6 address") from None
    return text


def _port(text: str) -> int:
    return number(text, "a port", 0, 65535)


def _userinfo(text: str) -> tuple[str, str | None]:
    user, colon, password = text.partition(":")
    if not user:
        raise SipError("a URI with an empty user part")
    if _USER_FORBIDDEN.search(text) or _BAD_ESCAPE.search(text):
        raise SipError("a character that no user part may hold")
    return user, password if colon else None


def _uri_parameters(parts: list[str]) -> dict[str, str | None]:
    """As they were written, but ``%6C%72`` is ``lr``: escapes of what needs none are undone in names."""
    found: dict[str, str | None] = {}
    for part in parts if not parts or parts[-1] else parts[:-1]:  # one semicolon too many is let pass
        name, equals, value = part.partition("=")
        if not _PARAMETER.fullmatch(name) or _BAD_ESCAPE.search(part):
            raise SipError(f"'{name[:40]}' is not a URI parameter")
        found.setdefault((_plain(name) or "").lower(), value if equals else None)
    return found


def _headers(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split("&") if part)
    return {name: value for name, _, value in pairs}


def _plain(text: str | None) -> str | None:
    """Escapes undone where section 19.1.4 says that they make no difference: reserved characters keep theirs."""
    return text if text is None or "%" not in text else _ESCAPE.sub(_plain_character, text)


def _plain_character(found: re.Match[str]) -> str:
    character = chr(int(found.group(1), 16))
    plain = character.isascii() and (character.isalnum() or character in "-_.!~*'()")
    return character if plain else found.group().upper()


def _host_key(host: str) -> str:
    """IPv6 addresses have many spellings."""
    return str(ipaddress.IPv6Address(host)) if ":" in host else host.lower()


def _lowered(headers: dict[str, str]) -> dict[str, str | None]:
    return {name.lower(): _plain(value) for name, value in headers.items()}


def _same_params(ours: dict[str, str | None], theirs: dict[str, str | None]) -> bool:
    for name in {*ours, *theirs}:
        if name in ours and name in theirs:
            if (_plain(ours[name]) or "").lower() != (_plain(theirs[name]) or "").lower():
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
            uri_text, semicolon, tail = rest.partition(";")
            if "," in uri_text or "?" in uri_text:
                raise SipError("an address that needs angle brackets")
            return cls(Uri.parse(uri_text.strip()), name, parameters(split(tail, ";")) if semicolon else {})
        end = rest.find(">")
        if end < 0:
            raise SipError("an address without its closing bracket")
        tail = rest[end + 1 :].strip()
        if tail and not tail.startswith(";"):
            raise SipError("text after an address")
        return cls(Uri.parse(rest[1:end].strip()), name, parameters(split(tail[1:], ";")) if tail else {})

    @property
    def tag(self) -> str | None:
        """In lower case, for comparing: a token means the same in any case (RFC 3261 section 7.3.1)."""
        tag = self.params.get("tag")
        return None if tag is None else tag.lower()

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
