"""UDP datagrams out of a capture file: classic pcap, either byte order, micro- or nanoseconds.

Link types: Ethernet (VLAN tags too), raw IP, Linux cooked v1 and v2, BSD loopback. IPv4, and IPv6 with extension
headers. What is no UDP is passed over. A datagram in fragments, or of which the capture kept a part only, cannot
be read: it is counted, for whoever wants to know why something is missing. So is what a capture that was killed left
of its last packet: those before it are whole. Raises :class:`PcapError`, one line, for a file that is no capture.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from dataclasses import dataclass
from struct import Struct

_MAGICS = {  # byte order, ticks a second
    b"\xd4\xc3\xb2\xa1": ("<", 1e6),
    b"\xa1\xb2\xc3\xd4": (">", 1e6),
    b"\x4d\x3c\xb2\xa1": ("<", 1e9),
    b"\xa1\xb2\x3c\x4d": (">", 1e9),
}
_PCAPNG = b"\x0a\x0d\x0d\x0a"
_HEAD_OCTETS = 24
_MAX_PACKET_OCTETS = 1 << 18  # what tcpdump calls the largest snapshot

IPV4, IPV6 = 0x0800, 0x86DD
_VLANS = (0x8100, 0x88A8, 0x9100)
_UDP = 17
_EXTENSIONS = (0, 43, 60)  # hop by hop, routing, destination options
_FRAGMENT = 44
_LOOPBACK_FAMILIES = {2: IPV4, 10: IPV6, 24: IPV6, 28: IPV6, 30: IPV6}  # AF_INET, AF_INET6 of several systems
_UDP_HEAD = Struct("!HHHH")


class PcapError(ValueError):
    """The file cannot be read as a capture; one line that says why."""


@dataclass(frozen=True, slots=True)
class Datagram:
    """``at``: seconds since the epoch."""

    at: float
    source: tuple[str, int]
    destination: tuple[str, int]
    data: bytes


class Capture:
    """Iterating gives the datagrams in the order of the file; the counters are complete after that."""

    def __init__(self, content: bytes) -> None:
        order = _MAGICS.get(content[:4])
        if order is None or len(content) < _HEAD_OCTETS:
            ng = content[:4] == _PCAPNG
            raise PcapError("is pcapng: convert it with 'editcap -F pcap'" if ng else "is no pcap capture")
        self._content = content
        self._record = Struct(order[0] + "IIII")
        self._ticks_per_s = order[1]
        link = int.from_bytes(content[20:24], "little" if order[0] == "<" else "big") & 0xFFFF
        if link not in _LINKS:
            raise PcapError(f"has link type {link}: Ethernet, raw IP, Linux cooked and loopback captures can be read")
        self._open = _LINKS[link]
        self.fragments = 0
        self.cut_short = 0
        self.ends_in: int | None = None  # the number of the packet in whose middle the file ends

    def __iter__(self) -> Iterator[Datagram]:
        for at, frame in self._records():
            try:
                kind, packet = self._open(frame)
                found = self._udp(kind, packet)
            except IndexError:
                self.cut_short += 1
                continue
            if found is not None:
                yield Datagram(at, *found)

    def _records(self) -> Iterator[tuple[float, memoryview]]:
        content, place, number = memoryview(self._content), _HEAD_OCTETS, 0
        while place < len(content):
            number += 1
            if place + self._record.size > len(content):
                self.ends_in = number
                return
            seconds, ticks, kept, _ = self._record.unpack_from(content, place)
            place += self._record.size
            if kept > _MAX_PACKET_OCTETS:
                raise PcapError(f"is damaged: packet {number} says it has {kept} octets")
            if place + kept > len(content):
                self.ends_in = number
                return
            yield seconds + ticks / self._ticks_per_s, content[place : place + kept]
            place += kept

    def _udp(self, kind: int, packet: memoryview) -> tuple[tuple[str, int], tuple[str, int], bytes] | None:
        """Both addresses and the payload; None where it is no whole UDP datagram. IndexError: cut short."""
        opened = _open_ipv4(packet) if kind == IPV4 else _open_ipv6(packet) if kind == IPV6 else None
        if opened is None:
            return None
        source, destination, fragment, datagram = opened
        if fragment:
            self.fragments += 1
            return None
        if len(datagram) < _UDP_HEAD.size:
            raise IndexError
        from_port, to_port, length, _ = _UDP_HEAD.unpack_from(datagram)
        if length > len(datagram):
            raise IndexError
        payload = bytes(datagram[_UDP_HEAD.size : length])
        return (_name(source), from_port), (_name(destination), to_port), payload


def _number(octets: memoryview, place: int, count: int = 2) -> int:
    """A number in network order; IndexError where there are not so many octets."""
    if place + count > len(octets):
        raise IndexError
    return int.from_bytes(octets[place : place + count], "big")


def _name(address: memoryview) -> str:
    return str(ipaddress.ip_address(bytes(address)))


# ------------------------------------------------------------------ network layer

_Opened = tuple[memoryview, memoryview, bool, memoryview]  # source, destination, a fragment?, what IP carries


def _open_ipv4(packet: memoryview) -> _Opened | None:
    first, length = _number(packet, 0, 1), _number(packet, 2)
    if first >> 4 != 4 or _number(packet, 9, 1) != _UDP:
        return None
    head = (first & 15) * 4
    fragment = _number(packet, 6) & 0x3FFF != 0  # more fragments, or not the first
    # A length of 0 is a packet that the network card was to cut up (segmentation offload).
    end = length if length >= head else len(packet)
    return packet[12:16], packet[16:20], fragment, packet[head:end]


def _open_ipv6(packet: memoryview) -> _Opened | None:
    if _number(packet, 0, 1) >> 4 != 6:
        return None
    kind, place, fragment = _number(packet, 6, 1), 40, False
    end = place + _number(packet, 4)
    while kind in _EXTENSIONS or kind == _FRAGMENT:
        if kind == _FRAGMENT:
            fragment = fragment or _number(packet, place + 2) & 0xFFF9 != 0
        length = 8 if kind == _FRAGMENT else 8 * (_number(packet, place + 1, 1) + 1)
        kind, place = _number(packet, place, 1), place + length
    return (packet[8:24], packet[24:40], fragment, packet[place:end]) if kind == _UDP else None


# ------------------------------------------------------------------ link layer: EtherType and what follows


def _open_ethernet(frame: memoryview) -> tuple[int, memoryview]:
    return _untagged(_number(frame, 12), frame[14:])


def _untagged(kind: int, rest: memoryview) -> tuple[int, memoryview]:
    while kind in _VLANS:
        kind, rest = _number(rest, 2), rest[4:]
    return kind, rest


def _open_raw(frame: memoryview) -> tuple[int, memoryview]:
    return (IPV6 if _number(frame, 0, 1) >> 4 == 6 else IPV4), frame


def _open_cooked(frame: memoryview) -> tuple[int, memoryview]:
    return _untagged(_number(frame, 14), frame[16:])


def _open_cooked_v2(frame: memoryview) -> tuple[int, memoryview]:
    return _untagged(_number(frame, 0), frame[20:])


def _open_loopback(frame: memoryview) -> tuple[int, memoryview]:
    """The family is in the byte order of whoever captured: it is a small number in one of the two."""
    family = _number(frame, 0, 4)
    return _LOOPBACK_FAMILIES.get(family if family < 1 << 16 else family >> 24, 0), frame[4:]


_LINKS = {
    0: _open_loopback,
    1: _open_ethernet,
    12: _open_raw,
    14: _open_raw,
    101: _open_raw,
    108: _open_loopback,
    113: _open_cooked,
    228: _open_raw,
    229: _open_raw,
    276: _open_cooked_v2,
}
