"""SIP's transport (RFC 3261 section 18): one UDP socket, the names of who is written to, and who cannot be reached.

Bytes go from here into the user agent and from the user agent out; what a host is called is looked up by ``Names``,
without anybody waiting. What the system or ICMP says of an address is told of every name that led to it.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.names import Address, Names, Resolver
from engine.ports import Net
from engine.sip.agent import UserAgent


class Transport:
    """Opens the socket; raises NetworkError. ``unreachable`` gets a peer and why; "" where only the network knows."""

    def __init__(
        self,
        net: Net,
        host: str,
        port: int,
        resolver: Resolver,
        clock: Callable[[], float],
        unreachable: Callable[[Address, str], None],
    ) -> None:
        self._net = net
        self._socket = net.open(host, port, "sip")
        self._unreachable = unreachable
        self.address = self._socket.address
        self.names = Names(resolver, clock, self._send, unreachable)

    def watch(self, on_readable: Callable[[float], None]) -> None:
        """From now on call back when something can be read."""
        self._net.watch(self._socket, on_readable)

    def read_into(self, agent: UserAgent, most: int, now: float) -> bool:
        """At most so many datagrams that wait; False when there was none."""
        datagrams = self._socket.receive(most)
        for data, source in datagrams:
            agent.receive(data, source, now)
        return bool(datagrams)

    def send_from(self, agent: UserAgent) -> bool:
        """All that it has to send; False when there was nothing."""
        datagrams = agent.datagrams()
        for data, destination in datagrams:
            self.names.send(data, destination)
        return bool(datagrams)

    def hear_errors(self, why: str = "") -> None:
        """Tell of every peer that has turned out not to be there."""
        for address in self._socket.take_errors():
            for peer in self.names.written_as(address):
                self._unreachable(peer, why and f"{peer[0]} {why}")

    def close(self) -> None:
        self._net.unwatch(self._socket)
        self._socket.close()

    def _send(self, data: bytes, destination: Address) -> None:
        """What cannot even be sent reaches nobody (RFC 3261 section 18.4)."""
        if not self._socket.send(data, destination):
            self.hear_errors(f"cannot be reached from {self.address[0]}")
