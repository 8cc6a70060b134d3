"""Where a call's sound goes and whence it must come: the addresses of the far end's SDP, its host names looked up.

RFC 8866 (section 5.7) allows a host name where an address is expected. Nobody waits for it: what is sent meanwhile goes
nowhere, and begins to flow with the answer. A name that stays in the SDP keeps the address it had until it is looked up
anew, so that a re-INVITE makes no gap. A name may lead no further than an address in its place could.

An SDP that names no address (``c=0.0.0.0``, the old way to hold: RFC 3264 section 8.4) says that nothing is to be sent
to them. They may go on sending all the same, music for one, and it comes from where it came before.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from functools import partial
from typing import Protocol

from engine.sip.sdp import NOWHERE, host_for

Address = tuple[str, int]
Found = Callable[[str | None, str], None]

MOST_LOOKUPS = 2  # of one call at once: RTP and RTCP


class Names(Protocol):
    """Who knows the addresses of hosts: calls back at once or later, with None and a line that says why not."""

    def find(self, host: str, found: Found) -> None: ...


class FarEnd:
    """The addresses of one call's far end, as ``recvfrom`` writes them; None where there is none, or none yet."""

    def __init__(self, names: Names, here: str, told: Callable[[str, str], None]) -> None:
        """``here`` is our own address, which says what can be reached; ``told`` takes level and text of a log line."""
        self.rtp: Address | None = None
        self.rtcp: Address | None = None
        self.rtp_from: Address | None = None  # whence it comes: where it goes, or went when that was last known
        self.rtcp_from: Address | None = None
        self.unknown = ""  # why the host of one of them has no address
        self._names, self._here, self._told = names, here, told
        self._agreed: tuple[Address | None, Address | None] = (None, None)
        self._known: dict[str, str] = {}  # hosts of the present SDP
        self._to_ask: list[str] = []
        self._asked: set[str] = set()

    def agree(self, rtp: Address | None, rtcp: Address | None) -> None:
        """What the SDP says now."""
        self._agreed = rtp, rtcp
        hosts = [address[0] for address in (rtp, rtcp) if address is not None]
        self._known = {host: known for host, known in self._known.items() if host in hosts}
        self._to_ask, self.unknown = [], ""
        for host in dict.fromkeys(hosts):
            written = _literal(host)
            if written is None:
                self._to_ask.append(host)
            else:
                self._known[host] = written
        self._settle()
        self._ask()

    def leave(self) -> None:
        """The call is over: nobody is told any more, and so nothing here keeps the call in memory."""
        self._told = _nobody

    def _ask(self) -> None:
        while self._to_ask and len(self._asked) < MOST_LOOKUPS:
            host = self._to_ask.pop(0)
            if host not in self._asked:
                self._asked.add(host)
                self._names.find(host, partial(self._found, host))

    def _found(self, host: str, address: str | None, why: str) -> None:
        self._asked.discard(host)
        if any(agreed is not None and agreed[0] == host for agreed in self._agreed):
            self._take(host, address, why)
        self._ask()

    def _take(self, host: str, address: str | None, why: str) -> None:
        reached = host_for(address, self._here)
        if reached is None or reached == NOWHERE:
            self.unknown = why or f"the name {host} leads to {address}, where nothing can be sent"
            self._told("error", f"the far end's media address: {self.unknown}")
        elif self._known.get(host) != reached:
            self._known[host] = reached
            self._told("info", f"the far end's media address: {host} is {reached}")
        self._settle()

    def _settle(self) -> None:
        self.rtp, self.rtcp = (self._at(address) for address in self._agreed)
        self.rtp_from, self.rtcp_from = self.rtp or self.rtp_from, self.rtcp or self.rtcp_from

    def _at(self, address: Address | None) -> Address | None:
        known = None if address is None else self._known.get(address[0])
        return None if known is None or address is None else (known, address[1])


def _nobody(level: str, text: str) -> None:
    """Whom a call that is over tells."""


def _literal(host: str) -> str | None:
    """The address as ``recvfrom`` would write it, or None when it is a name."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None
