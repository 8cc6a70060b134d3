"""Names to addresses without waiting: the hosts file, then questions to the name servers in our own loop.

Literal addresses never come here. dnspython (the extra ``dns``) builds and reads the messages; without it only the
hosts file is asked, and the answer says what to install.

Theory of operation. A name becomes a few queries (itself and with the search domains behind it), each asked of one
server after the other, twice around: a server that says nothing, refuses or fails (RFC 1035, section 4.1.1) is not
the end. Only addresses of our own family are any use; when a name has none, the other family is asked for too, so
that the user learns why it cannot be called. An answer counts only from a server that was asked, with our number and
our question; anything else is counted in ``ignored``. One that was cut short is fetched again over TCP (RFC 7766).
"""

from __future__ import annotations

import socket
import sys
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.install import pip_line
from engine.io.clock import entropy
from engine.io.errors import NetworkError
from engine.io.loop import SIP, Loop
from engine.io.udp import Address, UdpSocket
from engine.names import WrongName

HOSTS_FILE = r"C:\Windows\System32\drivers\etc\hosts" if sys.platform == "win32" else "/etc/hosts"
RESOLV_CONF = "/etc/resolv.conf"
DNS_PORT = 53
TRY_S = 1.5
ROUNDS = 2
GIVE_UP_S = 10.0
MOST_SERVERS = 3
MOST_DOMAINS = 6
NOWHERE = ".invalid"  # such names never exist, and nobody is to be asked (RFC 6761, section 6.4)
_MOST_FILE_BYTES = 1 << 20
_LONGEST_MESSAGE = 65_535

Done = Callable[[str | None, str], None]


@dataclass(frozen=True, slots=True)
class Servers:
    """Whom to ask, as resolv.conf(5) says: addresses in the form in which answers come from them."""

    addresses: tuple[Address, ...] = ()
    domains: tuple[str, ...] = ()
    dots: int = 1  # a name with fewer dots is tried with the domains first

    def candidates(self, name: str) -> list[str]:
        """The full names that ``name`` may stand for, the likeliest first."""
        if name.endswith("."):
            return [name]
        longer = [f"{name}.{domain}." for domain in self.domains]
        return [f"{name}.", *longer] if name.count(".") >= self.dots else [*longer, f"{name}."]


_RECORDS = (("A", "192.0.2.1"), ("AAAA", "2001:db8::1"), ("CNAME", "b."), ("SOA", "a. b. 1 1 1 1 1"))


def load() -> None:
    """Load what a lookup needs, with the kinds of records that answers hold; NetworkError where that cannot be."""
    try:
        _load()
    except ImportError:
        raise NetworkError(f"dnspython is missing: {pip_line('dnspython')}") from None
    except OSError as error:
        raise NetworkError(error.strerror or str(error)) from error


def _load() -> None:
    import dns.message
    import dns.rrset

    answer = dns.message.make_response(dns.message.make_query("a.", "A"))
    answer.answer += [dns.rrset.from_text("a.", 0, "IN", kind, record) for kind, record in _RECORDS]
    _addresses(dns.message.from_wire(answer.to_wire()))


class DnsResolver:
    """``resolve`` calls back at once or later, exactly once. ``wide``: we speak IPv6, and need such addresses.

    ``load`` makes dnspython ready when a name is first looked up: who only calls addresses never pays for it.
    """

    def __init__(
        self,
        loop: Loop,
        wide: bool = False,
        hosts_file: str = HOSTS_FILE,
        servers: Servers | None = None,
        load: Callable[[], None] = load,
    ) -> None:
        self.ignored = 0  # datagrams that were no answer to what we asked
        self._loop = loop
        self._wide = wide
        self._hosts_file = hosts_file
        self._servers = servers
        self._load = load
        self._loaded = False
        self._open: set[_Lookup] = set()

    def resolve(self, name: str, now: float, done: Done) -> None:
        """Look a name up; ``done(address, "")`` or ``done(None, why)``."""
        known = from_hosts_file(_read(self._hosts_file), name, self._wide)
        if known is not None:
            done(known, "")
            return
        if name.lower().rstrip(".").endswith(NOWHERE):
            done(None, _unknown(name))
            return
        try:
            self._make_ready()
        except NetworkError as error:
            done(None, WrongName(f"the name {name} cannot be looked up: {error}"))
            return
        servers = self._servers or read_resolv_conf(_read(RESOLV_CONF))
        if not servers.addresses:
            done(None, WrongName(f"the name {name} cannot be looked up: no name server is configured"))
            return
        lookup = _Lookup(self, self._loop, servers, name, self._wide, done)
        self._open.add(lookup)
        lookup.start(now)

    def _make_ready(self) -> None:
        if not self._loaded:
            self._load()
            self._loaded = True

    def ended(self, lookup: _Lookup) -> None:
        self._open.discard(lookup)

    def deadline(self) -> float:
        return min((lookup.next_at for lookup in self._open), default=float("inf"))

    def handle_timer(self, now: float) -> None:
        for lookup in list(self._open):
            if now >= lookup.next_at:
                lookup.handle_timer(now)

    def close(self) -> None:
        """Forget what is still being looked up; nobody is called back any more."""
        for lookup in self._open:
            lookup.close()
        self._open.clear()


class _Lookup:
    """One name on its way: queries still to be asked, and the servers still to be asked about the present one."""

    def __init__(self, resolver: DnsResolver, loop: Loop, servers: Servers, name: str, wide: bool, done: Done) -> None:
        self.next_at = float("inf")
        self._resolver, self._loop, self._servers, self._name, self._done = resolver, loop, servers, name, done
        self._kind, self._other = ("AAAA", "A") if wide else ("A", "AAAA")
        self._queries = deque((candidate, self._kind) for candidate in servers.candidates(name))
        self._query: tuple[str, str] = ("", "")
        self._message: Any = None
        self._wire = b""
        self._to_ask: deque[Address] = deque()
        self._asked: list[Address] = []
        self._sockets: dict[bool, UdpSocket] = {}  # by family of the server
        self._tcp: _TcpExchange | None = None
        self._why = ""
        self._give_up_at = float("inf")

    # ------------------------------------------------------------------ asking

    def start(self, now: float) -> None:
        self._give_up_at = now + GIVE_UP_S
        self._next_query(now)

    def handle_timer(self, now: float) -> None:
        """Nobody has answered in time."""
        if now >= self._give_up_at:
            self._end(None, self._why or f"no answer from the name server about {self._name}")
        else:
            self._ask(now)

    def _next_query(self, now: float) -> None:
        """The next name to try, or the end."""
        if not self._queries:
            self._end(None, self._why or _unknown(self._name))
            return
        import dns.exception
        import dns.message

        self._query = self._queries.popleft()
        try:
            self._message = dns.message.make_query(*self._query, id=entropy.getrandbits(16))
            self._wire = self._message.to_wire()
        except (ValueError, dns.exception.DNSException):
            self._why = WrongName(f"{self._name} is not a host name")
            self._next_query(now)
            return
        self._to_ask = deque(self._servers.addresses[:MOST_SERVERS] * ROUNDS)
        self._asked = []
        self._ask(now)

    def _ask(self, now: float) -> None:
        """The next server; when none is left, the next query."""
        self._close_tcp()
        while self._to_ask:
            server = self._to_ask.popleft()
            if self._send(server):
                self._asked.append(server)
                self.next_at = min(now + TRY_S, self._give_up_at)
                return
        self._why = self._why or f"no answer from the name server about {self._name}"
        self._next_query(now)

    def _send(self, server: Address) -> bool:
        try:
            return self._socket(":" in server[0]).send(self._wire, server)
        except NetworkError as error:
            self._why = f"the name {self._name} cannot be looked up: {error}"
            return False

    def _socket(self, wide: bool) -> UdpSocket:
        """Ours towards servers of this family, on a port that nobody can guess."""
        if wide not in self._sockets:
            made = UdpSocket("::" if wide else "0.0.0.0", 0, report_errors=True)
            try:
                self._loop.add_reader(made, lambda now: self._readable(made, now), priority=SIP)
            except NetworkError:
                made.close()
                raise
            self._sockets[wide] = made
        return self._sockets[wide]

    # ------------------------------------------------------------------ answers

    def _readable(self, made: UdpSocket, now: float) -> None:
        for data, source in made.receive(8):
            if source not in self._asked or not self._take(data, source, now):
                self._resolver.ignored += 1
            elif made.fileno() < 0:
                return
        for server in made.take_errors():
            self._failed(server, "cannot be reached", now)

    def _take(self, data: bytes, server: Address, now: float, whole: bool = False) -> bool:
        """Believe ``data`` if it answers our question; False when it does not."""
        import dns.exception
        import dns.flags
        import dns.message
        import dns.rcode

        try:
            answer = dns.message.from_wire(data, ignore_trailing=True)
            if not self._message.is_response(answer):
                return False
        except (ValueError, dns.exception.DNSException):
            return False
        addresses = _addresses(answer)
        if answer.flags & dns.flags.TC and not addresses and not whole:
            self._fetch_whole(server, now)
        else:
            self._judge(dns.rcode.to_text(answer.rcode()), addresses, server, now)
        return True

    def _judge(self, code: str, addresses: list[str], server: Address, now: float) -> None:
        """``code`` is the RCODE in words (RFC 1035, section 4.1.1)."""
        name, kind = self._query
        if code not in ("NOERROR", "NXDOMAIN"):
            self._failed(server, f"says {code}", now)
            return
        if addresses and kind == self._kind:
            self._end(addresses[0], "")
            return
        if addresses:
            theirs, ours = _FAMILIES[kind], _FAMILIES[self._kind]
            self._why = WrongName(f"the name {self._name} has {theirs} addresses only, and we speak {ours}")
        elif code == "NOERROR":
            self._why = self._why or WrongName(f"the name {self._name} has no address")
            if kind == self._kind:
                self._queries.appendleft((name, self._other))
        self._next_query(now)

    def _failed(self, server: Address, what: str, now: float) -> None:
        """This server is of no use for this query."""
        if server not in self._asked:
            return
        self._why = f"the name {self._name} cannot be looked up: the name server {server[0]} {what}"
        self._to_ask = deque(other for other in self._to_ask if other != server)
        if server == self._asked[-1]:
            self._ask(now)

    def _fetch_whole(self, server: Address, now: float) -> None:
        if self._tcp is not None:
            return
        try:
            self._tcp = _TcpExchange(self._loop, server, self._wire, self._fetched)
        except OSError:
            self._failed(server, "sends too short an answer", now)
            return
        self.next_at = min(now + TRY_S, self._give_up_at)

    def _fetched(self, data: bytes | None, server: Address, now: float) -> None:
        if data is None or not self._take(data, server, now, whole=True):
            self._failed(server, "sends too short an answer", now)

    # ------------------------------------------------------------------ end

    def _end(self, address: str | None, why: str) -> None:
        self.close()
        self._resolver.ended(self)
        self._done(address, why)

    def close(self) -> None:
        self._close_tcp()
        for made in self._sockets.values():
            self._loop.remove(made)
            made.close()
        self._sockets.clear()
        self.next_at = float("inf")

    def _close_tcp(self) -> None:
        if self._tcp is not None:
            self._tcp.close()
            self._tcp = None


class _TcpExchange:
    """The same question over a connection, for the whole of a long answer; each preceded by its length."""

    def __init__(
        self, loop: Loop, server: Address, wire: bytes, done: Callable[[bytes | None, Address, float], None]
    ) -> None:
        """Raises OSError when there is no connection to be had."""
        self._loop, self._server, self._done = loop, server, done
        self._unsent = len(wire).to_bytes(2, "big") + wire
        self._received = b""
        host, _, scope = server[0].partition("%")
        wide = ":" in host
        self._socket = socket.socket(socket.AF_INET6 if wide else socket.AF_INET, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.connect_ex((host, server[1], 0, int(scope or 0)) if wide else server)
            loop.add_writer(self._socket, self._writable, priority=SIP)
        except OSError:
            self._socket.close()
            raise

    def _writable(self, now: float) -> None:
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
            if not self._unsent:
                self._loop.remove_writer(self._socket)
                self._loop.add_reader(self._socket, self._readable, priority=SIP)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self._done(None, self._server, now)

    def _readable(self, now: float) -> None:
        try:
            data = self._socket.recv(_LONGEST_MESSAGE + 2)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        self._received += data
        end = 2 + int.from_bytes(self._received[:2], "big")
        if len(self._received) >= max(end, 3):
            self._done(self._received[2:end], self._server, now)
        elif not data:
            self._done(None, self._server, now)

    def close(self) -> None:
        self._loop.remove(self._socket)
        self._socket.close()


def _unknown(name: str) -> WrongName:
    return WrongName(f"the name {name} does not exist")


_FAMILIES = {"A": "IPv4", "AAAA": "IPv6"}


def _addresses(answer: Any) -> list[str]:
    """The addresses at the end of the chain of aliases that begins at our question."""
    import dns.exception

    try:
        found = answer.resolve_chaining().answer
    except dns.exception.DNSException:
        return []
    return [str(item) for item in found] if found is not None else []


# ---------------------------------------------------------------------- files


def _read(path: str) -> list[str]:
    """The lines of a small text file; none when it cannot be read."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(_MOST_FILE_BYTES).splitlines()
    except OSError:
        return []


def from_hosts_file(lines: list[str], name: str, wide: bool) -> str | None:
    """The address of our family that hosts(5) gives this name; ``localhost`` needs no line of its own."""
    wanted = name.lower().rstrip(".")
    for line in lines:
        address, *names = line.partition("#")[0].split() or [""]
        if wanted in (known.lower().rstrip(".") for known in names):
            literal = canonical(address)
            if literal is not None and (":" in literal) == wide:
                return literal
    if wanted == "localhost" or wanted.endswith(".localhost"):
        return "::1" if wide else "127.0.0.1"
    return None


def read_resolv_conf(lines: list[str]) -> Servers:
    """resolv.conf(5); what makes no sense in it is passed over."""
    addresses: list[Address] = []
    domains: tuple[str, ...] = ()
    dots = 1
    for line in lines:
        word, *rest = line.split() or [""]
        if word == "nameserver" and rest:
            literal = canonical(rest[0])
            if literal is not None:
                addresses.append((literal, DNS_PORT))
        elif word in ("search", "domain"):  # the last one counts
            domains = tuple(domain.strip(".") for domain in rest[:MOST_DOMAINS] if domain.strip("."))
        elif word == "options":
            for option in rest:
                if option.startswith("ndots:") and option[6:].isdecimal():
                    dots = min(int(option[6:]), 15)
    return Servers(tuple(addresses[:MOST_SERVERS]), domains, dots)


def canonical(address: str) -> str | None:
    """A literal address as a socket writes it (``fe80::1%2``, the scope as a number); None when it is none."""
    literal, _, scope = address.partition("%")
    family = socket.AF_INET6 if ":" in literal else socket.AF_INET
    try:
        short = socket.inet_ntop(family, socket.inet_pton(family, literal))
        if not scope or family == socket.AF_INET:
            return None if scope else short
        return f"{short}%{int(scope) if scope.isdecimal() else socket.if_nametoindex(scope)}"
    except (OSError, ValueError):
        return None
