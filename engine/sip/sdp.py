"""Offer and answer (RFC 3264) for one audio stream.

We take the first audio line over RTP/AVP in which there is a codec of ours, and refuse every other line with
port 0, in its place. RTP/AVPF is taken too: without ``a=rtcp-fb`` in the answer it is the same to the wire
(RFC 4585 section 4.2). An answer keeps the offerer's payload numbers, and an offer those that the session has
used so far. What both sides agreed on becomes an :class:`Agreement`, seen from us.

``red`` (RFC 2198) is a format like telephone-event: never the one that is spoken, and always behind those that are.
Its ``fmtp`` lists what may be in it: the payload types of the same clock rate (twice the only one, as WebRTC wants
it). A far end that leaves it out of its answer is sent none, and so is one whose list lacks the format we send.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, replace

from engine.sip.sdp_text import (
    Format,
    MediaLine,
    SdpError,
    SessionDescription,
    parse,
)

__all__ = [
    "Agreement", "Format", "LocalAudio", "MediaLine", "SdpError", "SessionDescription", "make_answer",
    "make_offer", "obstacle", "parse", "read_answer",
]  # fmt: skip

Address = tuple[str, int]

TELEPHONE_EVENT = "telephone-event"
RED = "red"
NOISE = "CN"  # comfort noise (RFC 3389): heard beside any sound, sent beside that of its clock rate
EXTENDED_REPORTS = "rcvr-rtt=all stat-summary=loss,dup voip-metrics"  # what we like to be told (RFC 3611 section 5.1)
PROTO = "RTP/AVP"
PROTOS = (PROTO, "RTP/AVPF")
DYNAMIC = range(96, 128)
PTIME_RANGE_MS = (10, 60)
DEFAULT_PTIME_MS = 20
NOWHERE = "0.0.0.0"
NO_NETWORK, NO_ADDRESS, NO_TRANSPORT, NO_MEDIA, NO_FORMAT = 300, 301, 302, 304, 305  # warn-codes (RFC 3261 20.43)
NEAREST_FIRST = NO_FORMAT, NO_ADDRESS, NO_NETWORK, NO_TRANSPORT, NO_MEDIA
_REVERSED = {"sendrecv": "sendrecv", "sendonly": "recvonly", "recvonly": "sendonly", "inactive": "inactive"}


@dataclass(frozen=True, slots=True)
class LocalAudio:
    """What we can do, and where: the stuff of offers and answers."""

    address: Address
    rtcp: Address
    formats: tuple[Format, ...]  # in order of preference, telephone-event and red among them
    ptime_ms: int | None = None  # what we like to be sent; None: as they are sent themselves
    direction: str = "sendrecv"
    also: tuple[Format, ...] = ()  # taken where they are offered, and not offered


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides agreed on, seen from us."""

    remote: Address | None  # None: nowhere to send to (c=0.0.0.0)
    remote_rtcp: Address | None
    send: Format  # with the payload type to put on the wire
    receive: dict[int, Format]
    dtmf_send: Format | None
    dtmf_receive: dict[int, int]  # payload type to clock rate
    ptime_ms: int
    direction: str
    held_there: bool
    red_send: Format | None = None  # what we send may travel in it
    red_receive: frozenset[int] = frozenset()
    noise_send: Format | None = None  # comfort noise, for the pauses of what we send
    extended_reports: bool = False  # they want to be told how we hear them (RFC 3611 section 5)

    @property
    def may_send(self) -> bool:
        return self.direction in ("sendrecv", "sendonly")

    @property
    def may_hear(self) -> bool:
        return self.direction in ("sendrecv", "recvonly")


def make_offer(local: LocalAudio, session_id: int, version: int, before: SessionDescription | None = None) -> bytes:
    """Our own offer: one audio line with everything we can do.

    ``before`` is what we said last in this session: its lines keep their number and order (RFC 3264 section 8).
    """
    lines = [] if before is None else [MediaLine(old.kind, 0, old.proto, old.formats[:1]) for old in before.media]
    place = 0 if before is None else _audio_place(before)
    used = before.media[place].payload_formats() if before is not None and before.media else []
    formats = _numbered(local.formats, used)
    line = MediaLine("audio", local.address[1], PROTO, [str(item.payload_type) for item in formats])
    if lines:
        line.proto = lines[place].proto
    last = before.media[place].ptime_ms if before is not None and before.media else None
    _describe(line, formats, local, local.ptime_ms or last or DEFAULT_PTIME_MS)
    made = _session(local, session_id, version, [*lines[:place], line, *lines[place + 1 :]])
    made.time = made.time if before is None else before.time
    return made.encode()


def _numbered(ours: tuple[Format, ...], used: list[Format]) -> list[Format]:
    """Our formats with the numbers they have had; no number changes its meaning in a session (section 8.3.2)."""
    known = {_identity(item): item.payload_type for item in reversed(used)}
    taken = {item.payload_type for item in (*used, *ours)}
    free = iter([number for number in DYNAMIC if number not in taken])
    numbered = []
    for item in ours:
        number = known.get(_identity(item), item.payload_type)
        if _identity(item) not in known and any(other.payload_type == number for other in used):
            number = next(free, number)
        numbered.append(replace(item, payload_type=number))
    return numbered


def _audio_place(ours: SessionDescription) -> int:
    """Which of our media lines is the live one."""
    return next((index for index, line in enumerate(ours.media) if line.port), 0)


def make_answer(
    offer: SessionDescription, local: LocalAudio, session_id: int, version: int
) -> tuple[bytes, Agreement | None]:
    """(answer, agreement); without an agreement every line is refused and the call deserves a 488."""
    chosen = _first_acceptable(offer, local.formats, local.address[0])
    known = (*local.formats, *local.also)
    lines, agreement = [], None
    for line in offer.media:
        if line is not chosen:
            lines.append(MediaLine(line.kind, 0, line.proto, line.formats[:1] or ["0"]))
            continue
        ours = _red_last(_common(line.payload_formats(), known))
        theirs = offer.direction_of(line)
        direction = _answer_direction(theirs, local.direction)
        answer = MediaLine("audio", local.address[1], line.proto, [str(item.payload_type) for item in ours])
        agreement = _agree(offer, line, ours, ours, direction, local)
        _describe(answer, _as_we_have_them(ours, known), local, local.ptime_ms or agreement.ptime_ms, direction)
        lines.append(answer)
    made = _session(local, session_id, version, lines)
    made.time = offer.time  # it cannot be negotiated (section 6)
    return made.encode(), agreement


def read_answer(offer_sent: SessionDescription, answer: SessionDescription, local: LocalAudio) -> Agreement | None:
    """What came of our offer; None when the far end took none of it."""
    place = _audio_place(offer_sent)
    if len(answer.media) <= place:
        return None
    line = answer.media[place]
    if line.port == 0 or line.kind != "audio" or line.proto.upper() not in PROTOS:
        return None
    if host_for(answer.host_of(line), local.address[0]) is None:
        return None
    offered = offer_sent.media[place].payload_formats()
    theirs = _common(line.payload_formats(offered), offered)
    if not any(_is_audio(item) for item in theirs):
        return None
    direction = _answer_direction(answer.direction_of(line), local.direction)
    return _agree(answer, line, theirs, offered, direction, local)


def obstacle(offer: SessionDescription, formats: Iterable[Format], here: str | None = None) -> int | None:
    """None where there is an audio line we could take; else the warn-code (RFC 3261 section 20.43) that says why not.

    Of several lines, the one counts that came nearest. ``here`` is the host that the media would be sent from, where
    that is known already.
    """
    found = {_line_obstacle(offer, line, formats, here) for line in offer.media}
    return None if None in found else next((code for code in NEAREST_FIRST if code in found), NO_MEDIA)


# ------------------------------------------------------------------ choosing


def _first_acceptable(offer: SessionDescription, formats: tuple[Format, ...], here: str) -> MediaLine | None:
    return next((line for line in offer.media if _line_obstacle(offer, line, formats, here) is None), None)


def _line_obstacle(
    offer: SessionDescription, line: MediaLine, formats: Iterable[Format], here: str | None
) -> int | None:
    if line.kind != "audio" or line.port == 0:
        return NO_MEDIA
    if line.proto.upper() not in PROTOS:
        return NO_TRANSPORT
    host = offer.host_of(line)
    if host_for(host, here) is None:
        foreign = host is None and offer.foreign_network_of(line) not in (None, "IN")
        return NO_NETWORK if foreign else NO_ADDRESS
    return None if any(_is_audio(item) for item in _common(line.payload_formats(), formats)) else NO_FORMAT


def host_for(host: str | None, here: str | None) -> str | None:
    """Where media for ``host`` can be sent from ``here``; None when it cannot.

    An IPv4 socket does not reach IPv6 and the other way round, a mapped address (``::ffff:192.0.2.1``) is the
    IPv4 address in it, and a call is not sent to many at once. Names are let pass: they say nothing of the kind.
    ``0.0.0.0`` and ``::``, however they are spelt, are :data:`NOWHERE`: the old way to put a call on hold.
    """
    if host is None:
        return None
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None if ":" in host else host
    if address.is_unspecified:
        return NOWHERE
    if address.is_multicast or host == "255.255.255.255":
        return None
    wide = isinstance(address, ipaddress.IPv6Address)
    if here is None or wide == (":" in here):
        return host
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return None if mapped is None else str(mapped)


def _as_we_have_them(chosen: list[Format], ours: tuple[Format, ...]) -> list[Format]:
    """With their numbers, but our own ``fmtp``: it says what we can receive, not what they can."""
    details = {_identity(item): item.fmtp for item in reversed(ours)}
    return [replace(item, fmtp=details[_identity(item)]) for item in chosen]


def _common(theirs: list[Format], ours: Iterable[Format]) -> list[Format]:
    """Their formats that we have too, in their order, with their payload numbers."""
    known = {_identity(item) for item in ours}
    return [item for item in theirs if _identity(item) in known]


def _red_last(formats: list[Format]) -> list[Format]:
    """Redundancy behind the formats that it is for, and none of a clock rate that none of them has."""
    rates = {item.clock_rate for item in formats if _is_audio(item)}
    rest = [item for item in formats if not _is_red(item)]
    return rest + [item for item in formats if _is_red(item) and item.clock_rate in rates]


def _identity(wanted: Format) -> tuple[str, int, int]:
    """Channels are what is in it, for red: ``red/48000`` and ``red/48000/2`` are the same."""
    return wanted.encoding.upper(), wanted.clock_rate, 1 if _is_red(wanted) else wanted.channels


def _is_audio(wanted: Format) -> bool:
    return not _is_digits(wanted) and not _is_red(wanted) and not _is_noise(wanted)


def _is_noise(wanted: Format) -> bool:
    return wanted.encoding.upper() == NOISE


def _is_digits(wanted: Format) -> bool:
    return wanted.encoding.lower() == TELEPHONE_EVENT


def _is_red(wanted: Format) -> bool:
    return wanted.encoding.lower() == RED


def _agree(
    remote: SessionDescription,
    line: MediaLine,
    theirs: list[Format],
    ours: list[Format],
    direction: str,
    local: LocalAudio,
) -> Agreement:
    """``theirs`` are numbered as we must send them, ``ours`` as we must understand them."""
    send = next(item for item in theirs if _is_audio(item))
    digits = [item for item in theirs if _is_digits(item)]
    same_clock = [item for item in digits if item.clock_rate == send.clock_rate]
    host = host_for(remote.host_of(line), local.address[0])
    held = host == NOWHERE
    # a number that both sides gave a meaning is ours to define: we receive it (RFC 3264 section 5.1)
    numbers = {item.payload_type: item for item in [*theirs, *ours]}
    return Agreement(
        remote=None if held or host is None else (host, line.port),
        remote_rtcp=None if held or host is None else _rtcp_of(line, host, local.address[0]),
        send=send,
        receive={number: item for number, item in numbers.items() if _is_audio(item) or _is_noise(item)},
        dtmf_send=next(iter(same_clock or digits), None),
        dtmf_receive={number: item.clock_rate for number, item in numbers.items() if _is_digits(item)},
        ptime_ms=_ptime(remote, line, local),
        direction=_deaf(direction) if held else direction,
        held_there=held or remote.direction_of(line) in ("sendonly", "inactive"),
        red_send=next((item for item in theirs if _carries(item, send)), None),
        red_receive=frozenset(number for number, item in numbers.items() if _is_red(item)),
        noise_send=next((item for item in theirs if _is_noise(item) and item.clock_rate == send.clock_rate), None),
        extended_reports="voip-metrics" in (line.attribute("rtcp-xr") or ""),
    )


def _carries(wanted: Format, send: Format) -> bool:
    """Is this redundancy in which ``send`` may travel? Without a list anything may (RFC 2198 section 5)."""
    if not _is_red(wanted) or wanted.clock_rate != send.clock_rate:
        return False
    return wanted.fmtp is None or str(send.payload_type) in wanted.fmtp.replace(" ", "").split("/")


def _rtcp_of(line: MediaLine, host: str, here: str) -> Address:
    """One port above RTP unless ``a=rtcp`` says otherwise; a host in it that cannot be meant is passed over."""
    said = line.rtcp
    if said is None:
        return host, min(line.port + 1, 65535)
    other = host_for(said[1], here)
    return host if other in (None, NOWHERE) else other, said[0]


def _ptime(remote: SessionDescription, line: MediaLine, local: LocalAudio) -> int:
    """What they ask for, else what we would like, within what they can take and we can do."""
    wanted = remote.ptime_of(line) or local.ptime_ms or DEFAULT_PTIME_MS
    low, high = PTIME_RANGE_MS
    most = remote.maxptime_of(line)
    if most is not None:
        high = max(min(high, most), low)
    return max(min(wanted // 10 * 10, high // 10 * 10), low)


def _deaf(direction: str) -> str:
    """What is left of a direction towards an end that can be sent nothing."""
    return "recvonly" if direction in ("sendrecv", "recvonly") else "inactive"


def _answer_direction(theirs: str, ours: str) -> str:
    """The meet of what they say (turned round) and what we want (RFC 3264 section 6.1)."""
    turned = _REVERSED[theirs]
    send = turned in ("sendrecv", "sendonly") and ours in ("sendrecv", "sendonly")
    receive = turned in ("sendrecv", "recvonly") and ours in ("sendrecv", "recvonly")
    if send:
        return "sendrecv" if receive else "sendonly"
    return "recvonly" if receive else "inactive"


# ------------------------------------------------------------------ writing


def _session(local: LocalAudio, session_id: int, version: int, lines: list[MediaLine]) -> SessionDescription:
    host = local.address[0]
    origin = f"- {session_id} {version} IN {'IP6' if ':' in host else 'IP4'} {host}"
    return SessionDescription(origin=origin, connection=host, media=lines)


def _describe(
    line: MediaLine, formats: list[Format], local: LocalAudio, ptime_ms: int, direction: str | None = None
) -> None:
    for item in formats:
        channels = f"/{item.channels}" if item.channels > 1 else ""
        line.attributes.append(("rtpmap", f"{item.payload_type} {item.encoding}/{item.clock_rate}{channels}"))
        details = "0-15" if _is_digits(item) else _carried(item, formats) if _is_red(item) else item.fmtp
        if details:
            line.attributes.append(("fmtp", f"{item.payload_type} {details}"))
    line.attributes.append(("ptime", str(ptime_ms)))
    line.attributes.append(("rtcp-xr", EXTENDED_REPORTS))
    if local.rtcp[1] != local.address[1] + 1:
        line.attributes.append(("rtcp", str(local.rtcp[1])))
    line.attributes.append((direction or local.direction, None))


def _carried(red: Format, formats: list[Format]) -> str:
    """What may be in it: a list of two at least, since one would mean that nothing is ever repeated."""
    numbers = [str(item.payload_type) for item in formats if _is_audio(item) and item.clock_rate == red.clock_rate]
    return "/".join(numbers if len(numbers) > 1 else numbers * 2)
