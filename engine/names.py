"""Host names and their addresses: datagrams whose destination is still a name wait here until it has an address.

Bounded: a few names at once, a few datagrams and askers each, and an answer is remembered for a short time only.
Looking a name up never makes the loop wait; that is the resolver's promise (``engine.io.dns``).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

Address = tuple[str, int]
Found = Callable[[str | None, str], None]  # an address, or None and why there is none

MOST_NAMES = 32
MOST_LITERALS = 1024
MOST_WAITING = 8
MOST_ASKERS = 256
TOO_MANY = "too many names are being looked up"
REMEMBER_S = 60.0


class WrongName(str):
    """Why a name has no address, where the fault is with the name, or with what this machine lacks to look it up:
    whoever calls it again hears the same."""


class Resolver(Protocol):
    """Looks a host name up; calls back with an address, or with None and a line that says why not."""

    def resolve(self, name: str, now: float, done: Found) -> None: ...


@dataclass(slots=True)
class _Waiting:
    """Who waits for one name."""

    datagrams: list[tuple[bytes, Address]] = field(default_factory=list)
    askers: list[Found] = field(default_factory=list)

    def to_send(self, data: bytes, destination: Address) -> None:
        """What is too much is lost, as on any network."""
        if len(self.datagrams) < MOST_WAITING:
            self.datagrams.append((data, destination))

    def to_tell(self, found: Found) -> None:
        if len(self.askers) < MOST_ASKERS:
            self.askers.append(found)
        else:
            found(None, TOO_MANY)


class Names:
    """Sends at once to literal addresses, and to names as soon as they are known; others may ask for addresses."""

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
        self._waiting: dict[str, _Waiting] = {}

    def send(self, data: bytes, destination: Address) -> None:
        """Send, now or when the name is known; what cannot be sent is reported through ``failed``."""
        host, port = destination
        known = host if host in self._literal or self._is_literal(host) else self._address(host)
        if known is not None:
            self._send(data, (known, port))
            return
        if not self._wait(host, lambda waiting: waiting.to_send(data, destination)):
            self._failed(destination, TOO_MANY)

    def find(self, host: str, found: Found) -> None:
        """Call back once with the address of a host, now or when it is known, or with None and why not."""
        known = host if self._is_literal(host) else self._address(host)
        if known is not None:
            found(known, "")
            return
        if not self._wait(host, lambda waiting: waiting.to_tell(found)):
            found(None, TOO_MANY)

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

    def _address(self, host: str) -> str | None:
        """What is known of a name."""
        known = self._known.get(host)
        return known[0] if known is not None and known[1] > self._clock() else None

    def _wait(self, host: str, join: Callable[[_Waiting], None]) -> bool:
        """Join those who wait for this name; the first of them asks for it. False: too many names are asked for."""
        waiting = self._waiting.get(host)
        if waiting is not None:
            join(waiting)
            return True
        if len(self._waiting) >= MOST_NAMES:
            return False
        join(self._waiting.setdefault(host, _Waiting()))
        self._resolver.resolve(host, self._clock(), lambda address, why: self._answer(host, address, why))
        return True

    def _answer(self, host: str, address: str | None, why: str) -> None:
        waiting = self._waiting.pop(host, _Waiting())
        if address is not None:
            self._remember(host, address)
        for found in waiting.askers:
            found(address, why)
        if address is None:
            for destination in {destination for _, destination in waiting.datagrams}:
                self._failed(destination, why)
            return
        for data, destination in waiting.datagrams:
            self._send(data, (address, destination[1]))

    def _remember(self, host: str, address: str) -> None:
        """From now on; the name that was learnt longest ago makes room."""
        self._known.pop(host, None)
        if len(self._known) >= MOST_NAMES:
            del self._known[next(iter(self._known))]
        self._known[host] = (address, self._clock() + REMEMBER_S)
