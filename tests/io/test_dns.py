"""Names to addresses: the hosts file, resolv.conf, and name servers of every kind on loopback."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from engine.io import dns as ours
from engine.io.dns import DnsResolver, Servers, canonical, from_hosts_file, read_resolv_conf
from engine.io.loop import Loop
from engine.names import WrongName

Answer = Callable[[dns.message.Message], dns.message.Message | None]
WAIT_S = 20.0


def says(*records: str, code: int = dns.rcode.NOERROR) -> Answer:
    """An answer with these records, ``"far.test. A 192.0.2.1"``, as far as they are of the kind asked for."""

    def make(query: dns.message.Message) -> dns.message.Message:
        answer = dns.message.make_response(query)
        answer.set_rcode(code)
        for record in records:
            name, kind, value = record.split()
            if kind in (dns.rdatatype.to_text(query.question[0].rdtype), "CNAME"):
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", kind, value))
        return answer

    return make


class Server:
    """A name server on UDP and TCP whose answers the test chooses; ``asked`` holds the names and kinds."""

    def __init__(self, loop: Loop, answer: Answer, host: str = "127.0.0.1") -> None:
        self.asked: list[str] = []
        self.over_tcp = 0
        self._loop, self._answer = loop, answer
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.udp = socket.socket(family, socket.SOCK_DGRAM)
        self.udp.bind((host, 0))
        self.address = self.udp.getsockname()[:2]
        self._tcp = socket.create_server(self.address, family=family)
        self._connections: list[socket.socket] = []
        loop.add_reader(self.udp, self._read)
        loop.add_reader(self._tcp, self._accept)

    def _read(self, now: float) -> None:
        data, source = self.udp.recvfrom(65536)
        query = dns.message.from_wire(data)
        self.asked.append(f"{query.question[0].name} {dns.rdatatype.to_text(query.question[0].rdtype)}")
        answer = self._answer(query)
        if answer is not None:
            self.udp.sendto(answer.to_wire(), source)

    def _accept(self, now: float) -> None:
        made, _ = self._tcp.accept()
        self._connections.append(made)
        self._loop.add_reader(made, lambda now: self._read_tcp(made))

    def _read_tcp(self, made: socket.socket) -> None:
        data = made.recv(65536)
        self._loop.remove(made)
        if data:
            self.over_tcp += 1
            wire = says("far.test. A 192.0.2.44")(dns.message.from_wire(data[2:])).to_wire()
            made.sendall(len(wire).to_bytes(2, "big") + wire)

    def close(self) -> None:
        for made in (self.udp, self._tcp, *self._connections):
            self._loop.remove(made)
            made.close()


class Bench:
    """A loop, servers and a resolver that asks them."""

    def __init__(self) -> None:
        self.loop = Loop()
        self.servers: list[Server] = []
        self.resolver = DnsResolver(self.loop, hosts_file="/nonexistent", servers=Servers())
        self.answers: list[tuple[str | None, str]] = []

    def serve(self, *answers: Answer, host: str = "127.0.0.1") -> list[Server]:
        self.servers = [Server(self.loop, answer, host) for answer in answers]
        return self.servers

    def look_up(self, name: str = "far.test", wide: bool = False, **more: Any) -> tuple[str | None, str]:
        """What the resolver says in the end, once and only once."""
        servers = Servers(tuple(server.address for server in self.servers), **more)
        self.resolver = DnsResolver(self.loop, wide, hosts_file="/nonexistent", servers=servers)
        self.resolver.resolve(name, self.loop.now, lambda *answer: self.answers.append(answer))
        end = time.monotonic() + WAIT_S
        while not self.answers and (now := time.monotonic()) < end:
            self.loop.turn(min(self.resolver.deadline(), end) - now)
            self.resolver.handle_timer(self.loop.now)
        assert len(self.answers) == 1
        assert self.resolver.deadline() == float("inf")
        return self.answers.pop()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(ours, "TRY_S", 0.3)
    made = Bench()
    before = open_sockets(made.loop)
    yield made
    for server in made.servers:
        server.close()
    assert open_sockets(made.loop) == before, "sockets were left behind"
    made.loop.close()


def open_sockets(loop: Loop) -> set[int]:
    return set(loop._readers) | set(loop._writers)


def silent(query: dns.message.Message) -> None:
    return None


def test_an_address(bench: Bench) -> None:
    (server,) = bench.serve(says("far.test. A 192.0.2.7"))
    assert bench.look_up() == ("192.0.2.7", "")
    assert server.asked == ["far.test. A"]


def test_a_phone_that_speaks_ipv6_gets_an_ipv6_address(bench: Bench) -> None:
    (server,) = bench.serve(says("far.test. A 192.0.2.7", "far.test. AAAA 2001:db8::7"))
    assert bench.look_up(wide=True) == ("2001:db8::7", "")
    assert server.asked == ["far.test. AAAA"]


def test_aliases_are_followed_and_nothing_beside_them(bench: Bench) -> None:
    bench.serve(says("other.test. A 192.0.2.66", "far.test. CNAME real.test.", "real.test. A 192.0.2.8"))
    assert bench.look_up() == ("192.0.2.8", "")


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.FORMERR, dns.rcode.NOTIMP])
def test_a_server_that_fails_is_not_the_end(bench: Bench, code: int) -> None:
    bad, good = bench.serve(says(code=code), says("far.test. A 192.0.2.7"))
    assert bench.look_up() == ("192.0.2.7", "")
    assert len(bad.asked) == len(good.asked) == 1


def test_a_server_that_says_nothing_is_not_the_end(bench: Bench) -> None:
    bench.serve(silent, says("far.test. A 192.0.2.7"))
    assert bench.look_up() == ("192.0.2.7", "")


def test_a_server_that_is_not_there_is_not_the_end(bench: Bench) -> None:
    gone, good = bench.serve(silent, says("far.test. A 192.0.2.7"))
    bench.loop.remove(gone.udp)
    gone.udp.close()
    assert bench.look_up() == ("192.0.2.7", "")
    assert good.asked


def test_a_question_that_was_lost_is_asked_again(bench: Bench) -> None:
    answers = [None, says("far.test. A 192.0.2.7")]

    def second_time(query: dns.message.Message) -> dns.message.Message | None:
        answer = answers.pop(0)
        return answer and answer(query)

    bench.serve(second_time)
    assert bench.look_up() == ("192.0.2.7", "")


def test_when_every_server_fails_the_line_says_so(bench: Bench) -> None:
    servers = bench.serve(says(code=dns.rcode.SERVFAIL), says(code=dns.rcode.REFUSED))
    address, why = bench.look_up()
    assert address is None
    assert why == "the name far.test cannot be looked up: the name server 127.0.0.1 says REFUSED"
    assert [len(server.asked) for server in servers] == [1, 1], "one that refuses is not asked again"


def test_when_nobody_answers_it_ends_in_time(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (server,) = bench.serve(silent)
    assert bench.look_up() == (None, "no answer from the name server about far.test")
    assert len(server.asked) == ours.ROUNDS
    monkeypatch.setattr(ours, "GIVE_UP_S", 0.1)
    assert bench.look_up() == (None, "no answer from the name server about far.test")


def test_a_name_that_does_not_exist(bench: Bench) -> None:
    bench.serve(says(code=dns.rcode.NXDOMAIN), silent)
    assert bench.look_up() == (None, "the name far.test does not exist")


def test_a_name_without_an_address(bench: Bench) -> None:
    (server,) = bench.serve(says())
    assert bench.look_up() == (None, "the name far.test has no address")
    assert server.asked == ["far.test. A", "far.test. AAAA"]


def test_a_name_of_the_other_family_only_is_said_to_be_so(bench: Bench) -> None:
    bench.serve(says("far.test. AAAA 2001:db8::7"))
    assert bench.look_up() == (None, "the name far.test has IPv6 addresses only, and we speak IPv4")


@pytest.mark.parametrize(
    ("answers", "name", "wrong"),
    [
        ((says(code=dns.rcode.NXDOMAIN),), "far.test", True),
        ((says(),), "far.test", True),
        ((says("far.test. AAAA 2001:db8::7"),), "far.test", True),
        ((), "far.test", True),  # no name server at all
        ((silent,), "far.test", False),
        ((says(code=dns.rcode.SERVFAIL),), "far.test", False),
        ((silent,), "far..test", True),
    ],
)
def test_whether_the_fault_is_with_the_name_is_told(bench: Bench, answers: Any, name: str, wrong: bool) -> None:
    bench.serve(*answers)
    assert isinstance(bench.look_up(name)[1], WrongName) is wrong


@pytest.mark.parametrize("name", ["far.invalid", "FAR.INVALID."])
def test_nobody_is_asked_about_a_name_that_never_exists(bench: Bench, name: str) -> None:
    (server,) = bench.serve(says("far.invalid. A 192.0.2.7"))
    assert bench.look_up(name) == (None, f"the name {name} does not exist") and not server.asked


def test_search_domains(bench: Bench) -> None:
    def here_only(query: dns.message.Message) -> dns.message.Message:
        known = str(query.question[0].name) == "pbx.here.test."
        return (says("pbx.here.test. A 192.0.2.5") if known else says(code=dns.rcode.NXDOMAIN))(query)

    (server,) = bench.serve(here_only)
    assert bench.look_up("pbx", domains=("there.test", "here.test")) == ("192.0.2.5", "")
    assert server.asked == ["pbx.there.test. A", "pbx.here.test. A"]
    assert bench.look_up("pbx.", domains=("here.test",)) == (None, "the name pbx. does not exist")


@pytest.mark.parametrize("name", ["a" * 64, "far..test", ".", "x." * 200])
def test_what_is_no_host_name_has_no_address(bench: Bench, name: str) -> None:
    bench.serve(says(code=dns.rcode.NXDOMAIN))
    assert bench.look_up(name)[0] is None


# ---------------------------------------------------------------------- poison


def forge(change: Callable[[dns.message.Message], object]) -> Answer:
    """An answer with a wrong address that differs from an honest one as said."""

    def make(query: dns.message.Message) -> dns.message.Message:
        answer = says("far.test. A 192.0.2.66")(query)
        change(answer)
        return answer

    return make


def wrong_id(answer: dns.message.Message) -> None:
    answer.id ^= 1


def wrong_question(answer: dns.message.Message) -> None:
    answer.question = dns.message.make_query("evil.test", "A").question


def no_answer(answer: dns.message.Message) -> None:
    answer.flags &= ~dns.flags.QR


@pytest.mark.parametrize("change", [wrong_id, wrong_question, no_answer])
def test_a_forged_answer_is_ignored_and_counted(bench: Bench, change: Callable[..., None]) -> None:
    bench.serve(forge(change), says("far.test. A 192.0.2.7"))
    assert bench.look_up() == ("192.0.2.7", "")
    assert bench.resolver.ignored == 1


def test_an_answer_from_a_stranger_is_ignored_and_counted(bench: Bench) -> None:
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    stranger.bind(("127.0.0.2", 0))

    def answered_by_two(query: dns.message.Message) -> dns.message.Message:
        (ours_at,) = [made for made in bench.resolver._open]
        port = ours_at._sockets[False].address[1]
        stranger.sendto(says("far.test. A 192.0.2.66")(query).to_wire(), ("127.0.0.1", port))
        return says("far.test. A 192.0.2.7")(query)

    bench.serve(answered_by_two)
    assert bench.look_up() == ("192.0.2.7", "")
    assert bench.resolver.ignored == 1
    stranger.close()


def test_garbage_is_ignored(bench: Bench) -> None:
    class Garbage:
        def to_wire(self) -> bytes:
            return b"\xff" * 40

    bench.serve(lambda query: Garbage(), says("far.test. A 192.0.2.7"))  # type: ignore[arg-type,return-value]
    assert bench.look_up() == ("192.0.2.7", "")


# ---------------------------------------------------------------------- long answers


def cut_short(query: dns.message.Message) -> dns.message.Message:
    answer = dns.message.make_response(query)
    answer.flags |= dns.flags.TC
    return answer


def test_an_answer_that_was_cut_short_is_fetched_whole(bench: Bench) -> None:
    (server,) = bench.serve(cut_short)
    assert bench.look_up() == ("192.0.2.44", "")
    assert server.over_tcp == 1


def test_an_address_in_an_answer_that_was_cut_short_is_enough(bench: Bench) -> None:
    def partly(query: dns.message.Message) -> dns.message.Message:
        answer = says("far.test. A 192.0.2.7")(query)
        answer.flags |= dns.flags.TC
        return answer

    (server,) = bench.serve(partly)
    assert bench.look_up() == ("192.0.2.7", "")
    assert server.over_tcp == 0


def test_a_server_without_tcp_is_not_the_end(bench: Bench) -> None:
    bad, _ = bench.serve(cut_short, says("far.test. A 192.0.2.7"))
    bench.loop.remove(bad._tcp)
    bad._tcp.close()
    assert bench.look_up() == ("192.0.2.7", "")


# ---------------------------------------------------------------------- files, addresses, descriptors


def test_a_name_server_with_an_ipv6_address(bench: Bench) -> None:
    try:
        bench.serve(says("far.test. A 192.0.2.7"), host="::1")
    except OSError:
        pytest.skip("no IPv6 here")
    assert bench.look_up() == ("192.0.2.7", "")


def test_name_servers_are_kept_in_the_form_their_answers_come_from() -> None:
    lines = [
        "nameserver 2001:DB8:0:0::0001", "nameserver fe80::0:1%1", "nameserver 192.0.2.53",
        "nameserver 192.0.2.54", "nameserver rubbish", "nameserver", "nameserver fe80::1%nonesuch0",
    ]  # fmt: skip
    addresses = [(host, 53) for host in ("2001:db8::1", "fe80::1%1", "192.0.2.53")]
    assert list(read_resolv_conf(lines[3:]).addresses) == [("192.0.2.54", 53)]
    assert list(read_resolv_conf(lines).addresses) == addresses
    assert canonical("fe80::1%lo") in ("fe80::1%1", None)


def test_search_options() -> None:
    read = read_resolv_conf(["domain old.test", "search a.test b.test.", "options rotate ndots:2", "sortlist x"])
    assert read.domains == ("a.test", "b.test")
    assert read.candidates("pbx.x") == ["pbx.x.a.test.", "pbx.x.b.test.", "pbx.x."]
    assert read.candidates("pbx.x.y") == ["pbx.x.y.", "pbx.x.y.a.test.", "pbx.x.y.b.test."]
    assert read.candidates("pbx.") == ["pbx."]


HOSTS = """
192.0.2.1  Far.test far  # alias
2001:db8:0::1 far.test
rubbish far2
192.0.2.2 far2
192.0.2.3 far2
# 192.0.2.9 hidden
""".splitlines()


@pytest.mark.parametrize(
    ("name", "wide", "address"),
    [
        ("far.TEST", False, "192.0.2.1"), ("far.test.", False, "192.0.2.1"), ("far", False, "192.0.2.1"),
        ("far.test", True, "2001:db8::1"), ("far", True, None), ("far2", False, "192.0.2.2"),
        ("hidden", False, None), ("", False, None), ("localhost", False, "127.0.0.1"), ("localhost", True, "::1"),
    ],
)  # fmt: skip
def test_the_hosts_file(name: str, wide: bool, address: str | None) -> None:
    assert from_hosts_file(HOSTS, name, wide) == address


def test_the_hosts_file_is_asked_first(bench: Bench, tmp_path: Any) -> None:
    (tmp_path / "hosts").write_text("192.0.2.1 far.test")
    resolver = DnsResolver(bench.loop, hosts_file=str(tmp_path / "hosts"), servers=Servers())
    resolver.resolve("far.test", 0.0, lambda *answer: bench.answers.append(answer))
    resolver.resolve("near.test", 0.0, lambda *answer: bench.answers.append(answer))
    why = "the name near.test cannot be looked up: no name server is configured"
    assert bench.answers == [("192.0.2.1", ""), (None, why)]


def test_without_a_socket_there_is_a_line_and_no_leak(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.serve(says("far.test. A 192.0.2.7"))
    made: list[Any] = []
    real = ours.UdpSocket

    def note(*arguments: Any, **more: Any) -> Any:
        made.append(real(*arguments, **more))
        return made[-1]

    def full(*arguments: Any, **more: Any) -> None:
        raise ours.NetworkError("too many open files")

    monkeypatch.setattr(ours, "UdpSocket", note)
    with monkeypatch.context() as patch:
        patch.setattr(bench.loop, "add_reader", full)
        assert bench.look_up() == (None, "the name far.test cannot be looked up: too many open files")
    assert made
    assert all(sock.fileno() < 0 for sock in made)


def test_closing_forgets_what_is_being_looked_up(bench: Bench) -> None:
    (server,) = bench.serve(silent)
    resolver = DnsResolver(bench.loop, hosts_file="/nonexistent", servers=Servers((server.address,)))
    resolver.resolve("far.test", bench.loop.now, lambda *answer: bench.answers.append(answer))
    resolver.close()
    assert resolver.deadline() == float("inf")
    assert bench.answers == []
