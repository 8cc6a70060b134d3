"""The RTP and RTCP sockets of calls: which ports they get, and who waits on them.

The first RTP port is bound when the program starts and kept until it ends: "port taken" is then said at once,
and nobody can slip in between two calls. Further calls bind at R+2, R+4 and so on. RTCP is on the next port
after RTP or, where that is taken, on the next free one, announced by ``a=rtcp`` (RFC 3605). It is bound for the
length of a call only: a phone that waits does not keep R+1 from a second one that was told to use it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from engine.io.udp import NetworkError

RTCP_TRIES = 40
PAIR_TRIES = 200


class Port(Protocol):
    """A datagram socket as the engine needs it; tests put a wire in memory behind it."""

    address: tuple[str, int]
    traffic_class: int | None  # of the latest stamped datagram that came (RFC 2474); None: not known
    stamped: bool  # does the system know when each datagram came, however late it is fetched?

    def receive(self, limit: int) -> list[tuple[bytes, tuple[str, int]]]: ...

    def receive_stamped(self, limit: int, now: float) -> list[tuple[bytes, tuple[str, int], float]]: ...

    def send(self, data: bytes, destination: tuple[str, int]) -> bool: ...

    def take_errors(self) -> list[tuple[str, int]]: ...

    def fileno(self) -> int: ...

    def close(self) -> None: ...


class Net(Protocol):
    """Where ports come from, and who is told when one of them has something to read."""

    def open(self, host: str, port: int, kind: str) -> Port: ...

    def watch(self, port: Port, on_readable: Callable[[float], None]) -> None: ...

    def unwatch(self, port: Port) -> None: ...


@dataclass(frozen=True, slots=True)
class MediaPorts:
    """The two sockets of one call."""

    rtp: Port
    rtcp: Port


class PortPool:
    """Hands out pairs of media sockets and takes them back."""

    def __init__(self, net: Net, host: str, first_port: int) -> None:
        """Bind the first RTP port at once; raises NetworkError when it is taken."""
        self._net = net
        self._host = host
        self._first = net.open(host, first_port, "rtp")
        self._first_free = True

    def take(self) -> MediaPorts:
        """A pair for a new call; raises NetworkError when no port can be had."""
        base = self._first.address[1]
        if self._first_free:
            pair = MediaPorts(self._first, self._open_rtcp(base))
            self._first_free = False
            _drain(self._first)
            return pair
        for step in range(1, PAIR_TRIES):
            number = base + 2 * step
            if number >= 65535:
                break
            try:
                rtp = self._net.open(self._host, number, "rtp")
            except NetworkError:
                continue
            try:
                return MediaPorts(rtp, self._open_rtcp(number))
            except NetworkError:
                rtp.close()
        raise NetworkError(f"no free RTP port from {base} on")

    def give_back(self, ports: MediaPorts) -> None:
        """The call is over; the first RTP port stays bound for the next one."""
        for port in (ports.rtp, ports.rtcp):
            self._net.unwatch(port)
        ports.rtcp.close()
        if ports.rtp is self._first:
            self._first_free = True
        else:
            ports.rtp.close()

    def close(self) -> None:
        self._first.close()

    def _open_rtcp(self, rtp_port: int) -> Port:
        for port in range(rtp_port + 1, min(rtp_port + 1 + RTCP_TRIES, 65536)):
            try:
                return self._net.open(self._host, port, "rtcp")
            except NetworkError:
                continue
        raise NetworkError(f"no free RTCP port from {rtp_port + 1} on")


def _drain(port: Port) -> None:
    """Throw away what strangers and the last call's stragglers left in the socket (bounded)."""
    for _ in range(64):
        if not port.receive(64):
            return
