"""Datagrams whose destination is still a name wait here until the name has an address.

Bounded: a few names at once, a few datagrams each, and an answer is remembered for a short time only. Looking a
name up never makes the loop wait; that is the resolver's promise (``engine.io.dns``).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Protocol

Address = tuple[str, int]

MOST_NAMES = 32
MOST_LITERALS = 1024
MOST_WAITING = 8
REMEMBER_S = 60.0


class Resolver(Protocol):
    """Looks a host name up; calls back with an address, or with None and a line that says why not."""

    def resolve(self, name: str, now: float, done: Callable[[str | None, str], None]) -> None: ...


class Names:
    """Sends at once to literal addresses, and to names as soon as they are known."""

    def __init__(
        self,
        resolver: Resolver,
        clock: Callable[[], float],
        send: Callable[[bytes, Address], object],
        failed: Callable[[Address, str], None],
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._send = send
        self._failed = failed
        self._literal: dict[str, None] = {}
        self._known: dict[str, tuple[str, float]] = {}  # address, and until when it is believed
        self._waiting: dict[str, list[tuple[bytes, Address]]] = {}

    def send(self, data: bytes, destination: Address) -> None:
        """Send, now or when the name is known; what cannot be sent is reported through ``failed``."""
        host, port = destination
        if host in self._literal or self._is_literal(host):
            self._send(data, destination)
            return
        known = self._known.get(host)
        if known is not None and known[1] > self._clock():
            self._send(data, (known[0], port))
            return
        self._wait(data, destination)

    def written_as(self, address: Address) -> list[Address]:
        """The destinations that were asked for and led to this address: itself, and every name of it."""
        host, port = address
        return [address, *((name, port) for name, (known, _) in self._known.items() if known == host)]

    def _is_literal(self, host: str) -> bool:
        """Is it an address as the system writes it? One written otherwise (``::0:1``) is a name that is known."""
        try:
            written = str(ipaddress.ip_address(host))
        except ValueError:
            return False
        if written != host:
            self._remember(host, written)
            return False
        if len(self._literal) >= MOST_LITERALS:
            del self._literal[next(iter(self._literal))]
        self._literal[host] = None
        return True

    def _wait(self, data: bytes, destination: Address) -> None:
        host = destination[0]
        waiting = self._waiting.get(host)
        if waiting is not None:
            if len(waiting) < MOST_WAITING:
                waiting.append((data, destination))
            return
        if len(self._waiting) >= MOST_NAMES:
            self._failed(destination, "too many names are being looked up")
            return
        self._waiting[host] = [(data, destination)]
        self._resolver.resolve(host, self._clock(), lambda address, why: self._answer(host, address, why))

    def _answer(self, host: str, address: str | None, why: str) -> None:
        waiting = self._waiting.pop(host, [])
        if address is None:
            for destination in {destination for _, destination in waiting}:
                self._failed(destination, why)
            return
        self._remember(host, address)
        for data, destination in waiting:
            self._send(data, (address, destination[1]))

    def _remember(self, host: str, address: str) -> None:
        """From now on; the name that was learnt longest ago makes room."""
        self._known.pop(host, None)
        if len(self._known) >= MOST_NAMES:
            del self._known[next(iter(self._known))]
        self._known[host] = (address, self._clock() + REMEMBER_S)
