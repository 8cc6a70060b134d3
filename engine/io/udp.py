"""UDP sockets: open, drain, send. Nothing here waits, and nothing a network says raises.

Hosts are literal addresses only: a name would make the C library ask the DNS and the call would wait for it.
"""

from __future__ import annotations

import errno
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from engine.io.errors import NetworkError, PortTaken
from engine.io.loop import MAX_DESCRIPTOR

__all__ = ["DSCP_CS3", "DSCP_EF", "Address", "NetworkError", "PortTaken", "UdpSocket"]

Address = tuple[str, int]

#: Traffic class octets (RFC 4594): expedited forwarding for sound, class selector 3 for signalling.
DSCP_EF = 0xB8
DSCP_CS3 = 0x60

_LARGEST_DATAGRAM = 65_536
_RECEIVE_BUFFER = 1 << 20
_KNOWN_HOSTS = 256
_MAX_ERRORS = 64

# Linux keeps what ICMP said in an error queue, with the address it was about (ip(7), IP_RECVERR).
_LINUX = sys.platform.startswith("linux")
_IP_RECVERR = 11
_IPV6_RECVERR = 25
_MSG_ERRQUEUE = 0x2000
_EXTENDED_ERROR = struct.Struct("=IBBBxII")  # struct sock_extended_err: errno, origin, type, code, pad, info, data
_ORIGINS_ICMP = (2, 3)

# What the system says at once when it knows no way to an address; the rest (a full buffer) passes.
_NO_WAY = frozenset({
    errno.EACCES, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EHOSTUNREACH, errno.EINVAL, errno.ENETDOWN,
    errno.ENETUNREACH, errno.EPERM,
})  # fmt: skip

# Linux can tell when each datagram came in, to the nanosecond of the wall clock (socket(7), SO_TIMESTAMPNS).
# It begins to take notes a moment after the first socket asked; until then what it tells is when it was fetched.
_SO_TIMESTAMPNS = 35
# ... and with which traffic class (ip(7), IP_RECVTOS; RFC 3542 section 6.5).
_RECVTOS, _RECVTCLASS = (socket.IPPROTO_IP, 13), (socket.IPPROTO_IPV6, 66)
_MARKS = ((socket.IPPROTO_IP, 1), (socket.IPPROTO_IPV6, 67))  # what comes: IP_TOS, IPV6_TCLASS
_TIMESPEC = struct.Struct("@ll")
_STAMP_ROOM = socket.CMSG_SPACE(_TIMESPEC.size) + socket.CMSG_SPACE(4) if hasattr(socket, "CMSG_SPACE") else 0

_buffer = bytearray(_LARGEST_DATAGRAM)  # one turn, one thread: every socket may drain through the same buffer
_view = memoryview(_buffer)


class UdpSocket:
    """One bound, non-blocking UDP socket.

    ``host`` is a literal IPv4 or IPv6 address (``fe80::1%eth0`` too), ``port`` 0 takes any free one. With
    ``report_errors`` ``take_errors`` tells the addresses that the system knows no way to, and those that ICMP called
    unreachable (Linux, Windows).
    ``stamped`` asks for the moment of each arrival: where the system tells (Linux), the property is true, and
    ``receive_stamped`` need not be called the moment something comes.
    """

    def __init__(
        self, host: str, port: int, *, traffic_class: int = 0, report_errors: bool = False, stamped: bool = False
    ) -> None:
        self.family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._wide = self.family == socket.AF_INET6
        self._known: set[str] = set()
        self._errors: list[Address] = []
        self._queue_errors = False
        self._report_errors = report_errors
        self.send_failures = 0
        self._empty_at = time.monotonic()  # a time since which all that waits has come
        self._drained = False  # nothing waited any more when it was last read
        self.traffic_class: int | None = None  # of the latest datagram that :meth:`receive_stamped` brought, if it can
        self.socket = _open(self.family)
        try:
            self._configure(traffic_class, report_errors)
            self.stamped = stamped and _LINUX and _try_option(self.socket, socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
            if self.stamped:
                _try_option(self.socket, *(_RECVTCLASS if self._wide else _RECVTOS), 1)
            self.socket.bind(self._full((host, port)))
        except (OSError, ValueError, OverflowError) as error:
            self.socket.close()
            raise _explain(error, host, port) from error
        self.address: Address = self._short(self.socket.getsockname())

    def _configure(self, traffic_class: int, report_errors: bool) -> None:
        self.socket.setblocking(False)
        _try_option(self.socket, socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER)
        if sys.platform == "win32":
            _try_option(self.socket, socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
        if self._wide:
            _try_option(self.socket, socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if traffic_class:
            _mark(self.socket, self._wide, traffic_class)
        if report_errors and _LINUX:
            level, name = (socket.IPPROTO_IPV6, _IPV6_RECVERR) if self._wide else (socket.IPPROTO_IP, _IP_RECVERR)
            self._queue_errors = _try_option(self.socket, level, name, 1)

    def fileno(self) -> int:
        return self.socket.fileno()

    def close(self) -> None:
        self.socket.close()

    # ------------------------------------------------------------------ in

    def receive(self, limit: int = 64) -> list[tuple[bytes, Address]]:
        """At most ``limit`` waiting datagrams with their sources. What is left makes the next turn readable."""
        return [
            (bytes(_view[:size]), _short_wide(source) if self._wide else source)
            for size, source in self._drain(limit, self.socket.recvfrom_into, _buffer)
        ]

    def receive_stamped(self, limit: int, now: float) -> list[tuple[bytes, Address, float]]:
        """As :meth:`receive`, each with the monotonic time at which it came: ``now`` where nobody can tell."""
        if not self.stamped:
            return [(data, source, now) for data, source in self.receive(limit)]
        datagrams: list[tuple[bytes, Address, float]] = []
        ahead_s = time.time() - time.monotonic()  # of the wall clock
        for size, ancillary, _, source in self._drain(limit, self.socket.recvmsg_into, (_buffer,), _STAMP_ROOM):
            came, marked = _arrival(ancillary, ahead_s, self._empty_at, now)
            if marked is not None:
                self.traffic_class = marked
            datagrams.append((bytes(_view[:size]), _short_wide(source) if self._wide else source, came))
        if self._drained:
            self._empty_at = now
        return datagrams

    def _drain(self, limit: int, receive: Callable[..., tuple], *arguments: Any) -> Iterator[tuple]:
        """What ``receive`` brings, until nothing waits; an error is of another datagram, and goes where it belongs."""
        self._drained = False
        for _ in range(limit):
            try:
                yield receive(*arguments)
            except BlockingIOError:
                self._drained = True
                return
            except InterruptedError:
                return
            except OSError as error:
                if self.socket.fileno() < 0:
                    return
                self._note_error(error)

    # ------------------------------------------------------------------ out

    def send(self, data: bytes, address: Address) -> bool:
        """Hand one datagram to the system; False when it would not take it (counted, never raised)."""
        for _ in range(2):  # the error of an earlier datagram may be reported here, and this one not be sent
            try:
                self.socket.sendto(data, self._full(address))
                return True
            except (BlockingIOError, InterruptedError):
                break
            except OSError as error:
                if not self._note_error(error):
                    if error.errno in _NO_WAY:
                        self._note_no_way(address)
                    break
            except (ValueError, OverflowError, TypeError):
                self._note_no_way(address)
                break
        self.send_failures += 1
        return False

    def _full(self, address: Address) -> tuple[str, int] | tuple[str, int, int, int]:
        """The socket module's form of an address; raises ValueError for what is not a literal of our family."""
        host, port = address
        literal, _, scope = host.partition("%") if self._wide else (host, "", "")
        if literal not in self._known:
            self._check(literal)
        if not self._wide:
            return host, port
        return literal, port, 0, _scope_number(scope) if scope else 0

    def _check(self, host: str) -> None:
        try:
            socket.inet_pton(self.family, host)
        except OSError as error:
            raise ValueError(f"{host} is not an address of this kind") from error
        if len(self._known) >= _KNOWN_HOSTS:
            self._known.clear()
        self._known.add(host)

    def _short(self, address: tuple) -> Address:
        return _short_wide(address) if self._wide else (address[0], address[1])

    # ------------------------------------------------------------------ errors

    def take_errors(self) -> list[Address]:
        """The addresses that turned out to be unreachable (an ICMP error) since last asked."""
        if self._queue_errors:
            self._read_error_queue()
        errors, self._errors = self._errors, []
        return errors

    def _note_no_way(self, address: Address) -> None:
        if self._report_errors and len(self._errors) < _MAX_ERRORS:
            self._errors.append(address)

    def _note_error(self, error: OSError) -> bool:
        """True when this was an ICMP error about some earlier datagram: asking again is worth it."""
        if self._queue_errors:
            return self._read_error_queue()
        return isinstance(error, (ConnectionRefusedError, ConnectionResetError))

    def _read_error_queue(self) -> bool:
        found = False
        for _ in range(_MAX_ERRORS):
            try:
                _, ancillary, _, about = self.socket.recvmsg(0, 512, _MSG_ERRQUEUE)
            except OSError:
                break
            found = True
            if about and _from_icmp(ancillary) and len(self._errors) < _MAX_ERRORS:
                self._errors.append(self._short(about))
        return found


def _open(family: int) -> socket.socket:
    try:
        made = socket.socket(family, socket.SOCK_DGRAM)
    except OSError as error:
        kind = "IPv6" if family == socket.AF_INET6 else "UDP"
        raise NetworkError(f"no {kind} socket to be had: {error.strerror or error}") from error
    if sys.platform != "win32" and made.fileno() > MAX_DESCRIPTOR:
        made.close()
        raise NetworkError(f"too many open files: select() takes descriptors up to {MAX_DESCRIPTOR}")
    return made


def _explain(error: Exception, host: str, port: int) -> NetworkError:
    code = getattr(error, "errno", None)
    at = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    if code == errno.EADDRINUSE:
        return PortTaken(f"UDP port {port} on {host} is taken by another program: choose another, or 0 for any free")
    if code == errno.EADDRNOTAVAIL:
        return NetworkError(f"{host} is not an address of this machine")
    if code in (errno.EACCES, errno.EPERM):
        return NetworkError(f"no permission to open UDP {at}: choose a port from 1024 on")
    if isinstance(error, OverflowError):
        return NetworkError(f"{port} is not a port (0 to 65535)")
    if not isinstance(error, OSError):
        return NetworkError(f"{host} is not an IP address")
    return NetworkError(f"UDP {at} cannot be opened: {error.strerror or error}")


def _mark(made: socket.socket, wide: bool, traffic_class: int) -> None:
    level = socket.IPPROTO_IPV6 if wide else socket.IPPROTO_IP
    name = getattr(socket, "IPV6_TCLASS" if wide else "IP_TOS", None)
    if name is not None:
        _try_option(made, level, name, traffic_class)


def _try_option(made: socket.socket, level: int, name: int, value: int) -> bool:
    try:
        made.setsockopt(level, name, value)
    except OSError:
        return False  # every one of them only makes things better
    return True


def _arrival(
    ancillary: list[tuple[int, int, bytes]], ahead_s: float, since: float, now: float
) -> tuple[float, int | None]:
    """When a datagram came, on the monotonic clock, and the traffic class it was marked with.

    One that is said to have come when nothing waited (before ``since``) tells of a wall clock that was set.
    """
    came, marked = now, None
    for level, kind, data in ancillary:
        if kind == _SO_TIMESTAMPNS and level == socket.SOL_SOCKET and len(data) == _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack(data)
            stamped = seconds + nanoseconds * 1e-9 - ahead_s
            came = stamped if since < stamped < now else now
        elif (level, kind) in _MARKS and data:
            marked = data[0] if len(data) == 1 else int.from_bytes(data[:4], sys.byteorder) & 0xFF
    return came, marked


def _short_wide(address: tuple) -> Address:
    """(host, port) of an IPv6 socket address; a link-local one keeps its scope in the host."""
    host, port, _, scope = address
    if scope and "%" not in host:
        host = f"{host}%{scope}"
    return host, port


def _scope_number(scope: str) -> int:
    return int(scope) if scope.isdecimal() else socket.if_nametoindex(scope)


def _from_icmp(ancillary: list[tuple[int, int, bytes]]) -> bool:
    for _, _, data in ancillary:
        if len(data) >= _EXTENDED_ERROR.size and _EXTENDED_ERROR.unpack_from(data)[1] in _ORIGINS_ICMP:
            return True
    return False
