"""The text of a session description (RFC 8866): bytes to lines to media, and back.

Reading is tolerant: a line that makes no sense is passed over, and never spoils its neighbours. Only text that
is no session description at all raises SdpError.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")
MAX_MEDIA = 64
MAX_FORMATS = 128
MAX_ATTRIBUTES = 1024
MAX_BYTES = 65_536
_TIME = re.compile(r"[0-9]{1,20} [0-9]{1,20}")


class SdpError(Exception):
    """Not a session description."""


@dataclass(frozen=True, slots=True)
class Format:
    """One payload format of a media line (``a=rtpmap``, ``a=fmtp``)."""

    payload_type: int
    encoding: str
    clock_rate: int
    channels: int = 1
    fmtp: str | None = None


# RFC 3551 tables 4 and 5: payload types that need no rtpmap.
STATIC = {
    0: Format(0, "PCMU", 8000), 3: Format(3, "GSM", 8000), 4: Format(4, "G723", 8000), 5: Format(5, "DVI4", 8000),
    6: Format(6, "DVI4", 16000), 7: Format(7, "LPC", 8000), 8: Format(8, "PCMA", 8000), 9: Format(9, "G722", 8000),
    10: Format(10, "L16", 44100, 2), 11: Format(11, "L16", 44100), 12: Format(12, "QCELP", 8000),
    13: Format(13, "CN", 8000), 14: Format(14, "MPA", 90000), 15: Format(15, "G728", 8000),
    18: Format(18, "G729", 8000),
}  # fmt: skip


@dataclass(slots=True)
class MediaLine:
    """One ``m=`` line and what belongs to it."""

    kind: str
    port: int
    proto: str
    formats: list[str]
    connection: str | None = None
    foreign_network: str | None = None  # of a c= line that names no address of the Internet: its type
    attributes: list[tuple[str, str | None]] = field(default_factory=list)

    def attribute(self, name: str) -> str | None:
        """The value of the first ``a=name:value``; None when there is none."""
        return _value(self.attributes, name)

    @property
    def direction(self) -> str | None:
        return next((name for name, _ in self.attributes if name in DIRECTIONS), None)

    @property
    def ptime_ms(self) -> int | None:
        return _bounded(self.attribute("ptime"), 1, 1000)

    @property
    def maxptime_ms(self) -> int | None:
        return _bounded(self.attribute("maxptime"), 1, 1000)

    @property
    def rtcp(self) -> tuple[int, str | None] | None:
        """(port, host or None) of ``a=rtcp`` (RFC 3605)."""
        words = (self.attribute("rtcp") or "").split()
        port = _bounded(words[0], 1, 65535) if words else None
        if port is None:
            return None
        return port, words[3] if len(words) == 4 and words[1:2] == ["IN"] else None

    def payload_formats(self, said: Iterable[Format] = ()) -> list[Format]:
        """The formats that can be understood, in the order of the line; twins and nonsense left out.

        ``said`` gives numbers a meaning that need no rtpmap, because this line answers one that has it.
        """
        mapped, details = self._rtpmaps(), self._fmtps()
        for item in said:
            mapped.setdefault(item.payload_type, STATIC.get(item.payload_type, item))
        found: dict[int, Format] = {}
        for text in self.formats:
            number = _bounded(text, 0, 127)
            if number is None or number in found:
                continue
            known = mapped.get(number) or STATIC.get(number)
            if known is not None:
                found[number] = Format(number, known.encoding, known.clock_rate, known.channels, details.get(number))
        return list(found.values())

    def _rtpmaps(self) -> dict[int, Format]:
        found: dict[int, Format] = {}
        for name, value in self.attributes:
            if name == "rtpmap" and value:
                read = _rtpmap(value)
                if read is not None:
                    found.setdefault(read.payload_type, read)
        return found

    def _fmtps(self) -> dict[int, str]:
        found: dict[int, str] = {}
        for name, value in self.attributes:
            if name == "fmtp" and value:
                text, _, details = value.partition(" ")
                number = _bounded(text, 0, 127)
                if number is not None:
                    found.setdefault(number, details.strip())
        return found

    def lines(self) -> list[str]:
        made = [f"m={self.kind} {self.port} {self.proto} {' '.join(self.formats)}"]
        if self.connection is not None:
            made.append(f"c={connection_text(self.connection)}")
        made += [f"a={name}" if value is None else f"a={name}:{value}" for name, value in self.attributes]
        return made


@dataclass(slots=True)
class SessionDescription:
    """A whole description (RFC 8866 section 5)."""

    origin: str  # the whole o= value
    connection: str | None = None
    foreign_network: str | None = None
    name: str = "-"
    time: str = "0 0"  # start and stop
    attributes: list[tuple[str, str | None]] = field(default_factory=list)
    media: list[MediaLine] = field(default_factory=list)

    @property
    def direction(self) -> str | None:
        return next((name for name, _ in self.attributes if name in DIRECTIONS), None)

    def direction_of(self, line: MediaLine) -> str:
        return line.direction or self.direction or "sendrecv"

    def host_of(self, line: MediaLine) -> str | None:
        return line.connection or self.connection

    def foreign_network_of(self, line: MediaLine) -> str | None:
        return line.foreign_network or self.foreign_network

    def ptime_of(self, line: MediaLine) -> int | None:
        """``ptime`` belongs to a media line; some write it once for all."""
        return line.ptime_ms or _bounded(_value(self.attributes, "ptime"), 1, 1000)

    def maxptime_of(self, line: MediaLine) -> int | None:
        return line.maxptime_ms or _bounded(_value(self.attributes, "maxptime"), 1, 1000)

    def encode(self) -> bytes:
        made = ["v=0", f"o={self.origin}", f"s={self.name}"]
        if self.connection is not None:
            made.append(f"c={connection_text(self.connection)}")
        made.append(f"t={self.time}")
        made += [f"a={name}" if value is None else f"a={name}:{value}" for name, value in self.attributes]
        for line in self.media:
            made += line.lines()
        return ("\r\n".join(made) + "\r\n").encode("utf-8", "surrogateescape")


def parse(data: bytes) -> SessionDescription:
    """Read a description; SdpError when it has no ``v=0`` or is absurdly large.

    Of media lines none may be left out: an answer has as many as its offer.
    """
    if len(data) > MAX_BYTES:
        raise SdpError("a session description of more than 64 KB")
    lines = [line.strip("\r ") for line in data.decode("utf-8", "surrogateescape").split("\n")]
    lines = [line for line in lines if line]
    if not lines or lines[0].replace(" ", "") != "v=0":
        raise SdpError("no session description: it does not begin with v=0")
    description = SessionDescription(origin="")
    for line in lines[1:]:
        kind, equals, value = line.partition("=")
        if equals:
            _read_line(description, kind.strip(), value.strip())
    return description


def _read_line(description: SessionDescription, kind: str, value: str) -> None:
    holder: SessionDescription | MediaLine = description.media[-1] if description.media else description
    if kind == "m":
        if len(description.media) == MAX_MEDIA:
            raise SdpError(f"a session description of more than {MAX_MEDIA} media lines")
        description.media.append(_media_line(value))
    elif kind == "c":
        host = _connection(value)
        if host is None:
            holder.foreign_network = value.partition(" ")[0]
        elif holder.connection is None:
            holder.connection = host
    elif kind == "a":
        name, colon, rest = value.partition(":")
        if len(holder.attributes) < MAX_ATTRIBUTES:
            holder.attributes.append((name.strip(), rest.strip() if colon else None))
    elif kind == "o" and not description.origin:
        description.origin = value
    elif kind == "s" and not description.media:
        description.name = value
    elif kind == "t" and _TIME.fullmatch(value):
        description.time = value


def _media_line(value: str) -> MediaLine:
    """A line that cannot be read becomes one with port 0, so that the others keep their places."""
    words = value.split()
    kind, port_text, proto = (words + ["-", "0", "-"][len(words) :])[:3] if len(words) < 3 else words[:3]
    port = _bounded(port_text.partition("/")[0], 0, 65535)
    return MediaLine(kind, port or 0, proto, words[3 : 3 + MAX_FORMATS])


def _connection(value: str) -> str | None:
    words = value.split()
    if len(words) != 3 or words[0] != "IN" or words[1] not in ("IP4", "IP6"):
        return None
    return words[2].partition("/")[0]


def _value(attributes: list[tuple[str, str | None]], name: str) -> str | None:
    return next((value for known, value in attributes if known == name), None)


def connection_text(host: str) -> str:
    return f"IN {'IP6' if ':' in host else 'IP4'} {host}"


def _rtpmap(value: str) -> Format | None:
    words = value.split()
    if len(words) < 2:
        return None
    encoding, _, rest = words[1].partition("/")
    rate, _, channels = rest.partition("/")
    number = _bounded(words[0], 0, 127)
    clock_rate = _bounded(rate, 1, 1_000_000)
    count = _bounded(channels, 1, 255) if channels else 1
    if number is None or clock_rate is None or count is None or not encoding:
        return None
    return Format(number, encoding, clock_rate, count)


def _bounded(text: str | None, low: int, high: int) -> int | None:
    """A plain decimal within bounds; ``20.0`` counts as 20."""
    text = (text or "").strip()
    whole, dot, fraction = text.partition(".")
    if not whole or len(whole) > 10 or not whole.isascii() or not whole.isdecimal() or (dot and fraction.strip("0")):
        return None
    value = int(whole)
    return value if low <= value <= high else None
