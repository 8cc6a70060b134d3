"""Names to addresses without waiting: the hosts file, then one UDP exchange with the name server in our own loop.

Literal addresses never come here. dnspython (the extra ``dns``) builds and reads the messages; without it only the
hosts file is asked, and the answer says what to install.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from engine.io.clock import entropy
from engine.io.errors import NetworkError
from engine.io.loop import SIP, Loop
from engine.io.udp import UdpSocket

HOSTS_FILE = r"C:\Windows\System32\drivers\etc\hosts" if sys.platform == "win32" else "/etc/hosts"
RESOLV_CONF = "/etc/resolv.conf"
TIMEOUT_S = 5.0
TRIES = 3

Done = Callable[[str | None, str], None]


class DnsResolver:
    """``resolve`` calls back at once or later, exactly once."""

    def __init__(self, loop: Loop, hosts_file: str = HOSTS_FILE, server: tuple[str, int] | None = None) -> None:
        self._loop = loop
        self._hosts_file = hosts_file
        self._server = server
        self._open: dict[int, _Question] = {}

    def resolve(self, name: str, now: float, done: Done) -> None:
        """Look a name up; ``done(address, "")`` or ``done(None, why)``."""
        known = self._from_hosts_file(name)
        if known is not None:
            done(known, "")
            return
        try:
            import dns.message
            import dns.rdatatype
        except ImportError:
            done(None, f"the name {name} cannot be looked up without dnspython: pip install dnspython")
            return
        server = self._server or _system_server()
        if server is None:
            done(None, f"the name {name} cannot be looked up: no name server is configured")
            return
        try:
            message = dns.message.make_query(name, dns.rdatatype.A, id=entropy.getrandbits(16))
            question = _Question(self._loop, server, message, name, now, done)
        except (NetworkError, ValueError, dns.exception.DNSException) as error:
            done(None, f"the name {name} cannot be looked up: {error}")
            return
        self._open[id(question)] = question
        question.on_end = lambda: self._open.pop(id(question), None)

    def deadline(self) -> float:
        return min((question.next_at for question in self._open.values()), default=float("inf"))

    def handle_timer(self, now: float) -> None:
        for question in list(self._open.values()):
            if now >= question.next_at:
                question.again(now)

    def _from_hosts_file(self, name: str) -> str | None:
        if name.lower().rstrip(".") == "localhost":
            return "127.0.0.1"
        try:
            with open(self._hosts_file, encoding="utf-8", errors="replace") as file:
                lines = file.read(1 << 20).splitlines()
        except OSError:
            return None
        for line in lines:
            address, *names = line.split("#", 1)[0].split() or [""]
            if name.lower() in (known.lower() for known in names) and ":" not in address:
                return address
        return None


class _Question:
    """One name, one socket, a few tries."""

    def __init__(self, loop: Loop, server: tuple[str, int], message: Any, name: str, now: float, done: Done) -> None:
        self.on_end: Callable[[], object] = lambda: None
        self._loop, self._server, self._message, self._name, self._done = loop, server, message, name, done
        self._socket = UdpSocket("::" if ":" in server[0] else "0.0.0.0", 0)
        self._tries = 0
        self.next_at = now
        loop.add_reader(self._socket, self._readable, priority=SIP)
        self.again(now)

    def again(self, now: float) -> None:
        """Ask (once more), or give up."""
        if self._tries >= TRIES:
            self._end(None, f"no answer from the name server about {self._name}")
            return
        self._tries += 1
        self.next_at = now + TIMEOUT_S / TRIES
        self._socket.send(self._message.to_wire(), self._server)

    def _readable(self, now: float) -> None:
        import dns.exception
        import dns.message
        import dns.rdatatype

        for data, source in self._socket.receive(8):
            if source != self._server:
                continue
            try:
                answer = dns.message.from_wire(data)
                if not self._message.is_response(answer):
                    continue
            except (dns.exception.DNSException, ValueError):
                continue
            found = [str(item) for rrset in answer.answer if rrset.rdtype == dns.rdatatype.A for item in rrset]
            self._end(found[0] if found else None, f"the name {self._name} has no address")
            return

    def _end(self, address: str | None, why: str) -> None:
        self._loop.remove(self._socket)
        self._socket.close()
        self.next_at = float("inf")
        self.on_end()
        self._done(address, why)


def _system_server() -> tuple[str, int] | None:
    try:
        with open(RESOLV_CONF, encoding="utf-8", errors="replace") as file:
            for line in file.read(65536).splitlines():
                words = line.split()
                if len(words) >= 2 and words[0] == "nameserver":
                    return words[1].partition("%")[0], 53
    except OSError:
        return None
    return None
