from __future__ import annotations

import errno
import os
import select
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.io.errors import NetworkError, PortTaken
from engine.io.udp import DSCP_EF, UdpSocket

ROOT = Path(__file__).resolve().parents[2]


def has_ipv6() -> bool:
    try:
        UdpSocket("::1", 0).close()
    except NetworkError:
        return False
    return True


HOSTS = ["127.0.0.1", pytest.param("::1", marks=pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here"))]


def wait_for(sock: UdpSocket, seconds: float = 2.0) -> None:
    select.select([sock], [], [], seconds)


@pytest.fixture(params=HOSTS)
def ends(request):
    one, two = UdpSocket(request.param, 0), UdpSocket(request.param, 0)
    yield one, two
    one.close()
    two.close()


def test_a_datagram_arrives_with_its_source(ends):
    one, two = ends
    assert one.send(b"hello", two.address)
    wait_for(two)
    assert two.receive() == [(b"hello", one.address)]
    assert two.receive() == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux notes the moment of arrival")
@pytest.mark.parametrize("host", HOSTS)
def test_the_moment_of_arrival_is_known_however_late_a_datagram_is_fetched(host):
    one, two = UdpSocket(host, 0), UdpSocket(host, 0, stamped=True)
    assert two.stamped and not one.stamped
    for _ in range(50):  # the first socket of a machine that asks for it has to wait until the system takes notes
        sent_at = time.monotonic()
        one.send(b"early", two.address)
        wait_for(two)
        came_at = time.monotonic()
        time.sleep(0.05)
        one.send(b"late", two.address)
        now = time.monotonic()
        early, late = two.receive_stamped(8, now)
        assert early[:2] == (b"early", one.address) and late[0] == b"late"
        assert sent_at - 0.001 < early[2] <= now and sent_at < late[2] <= now
        if early[2] < came_at + 0.001:
            break
    else:
        raise AssertionError("never known")
    assert two.receive_stamped(8, now) == []
    one.send(b"waits", two.address)
    wait_for(two)
    (waits,) = two.receive_stamped(8, now + 60)  # the process was stopped meanwhile
    assert now < waits[2] < time.monotonic()
    one.close()
    two.close()


def test_where_no_moment_is_noted_it_is_now(ends):
    one, two = ends
    one.send(b"hello", two.address)
    wait_for(two)
    assert two.receive_stamped(8, 5.0) == [(b"hello", one.address, 5.0)]


def test_a_wall_clock_that_was_set_moves_no_arrival():
    from engine.io.udp import _SO_TIMESTAMPNS, _TIMESPEC, _arrival

    def stamp(seconds):
        return [(socket.SOL_SOCKET, _SO_TIMESTAMPNS, _TIMESPEC.pack(seconds, 500_000_000))]

    assert _arrival(stamp(1099), 1000.0, 99.0, 100.0) == (99.5, None)
    assert _arrival(stamp(1098), 1000.0, 99.0, 100.0) == (100.0, None)  # nothing waited a second ago
    assert _arrival(stamp(1100), 1000.0, 99.0, 100.0) == (100.0, None)  # it comes from the future
    assert _arrival([], 1000.0, 99.0, 100.0) == _arrival([(0, 0, b"")], 1000.0, 99.0, 100.0) == (100.0, None)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux notes the moment of arrival")
def test_what_a_drain_leaves_has_come_before_it(ends):
    one, _ = ends
    two = UdpSocket(one.address[0], 0, stamped=True)
    for number in range(5):
        one.send(bytes([number]), two.address)
    wait_for(two)
    now = time.monotonic()
    drained = two.receive_stamped(4, now) + two.receive_stamped(4, now + 1)
    assert [data[0] for data, _, _ in drained] == [0, 1, 2, 3, 4] and all(came < now + 0.9 for _, _, came in drained)
    two.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_the_traffic_class_of_what_comes_is_known(host):
    ear = UdpSocket(host, 0, stamped=True)
    for mark in (0xB8, 0):
        mouth = UdpSocket(host, 0, traffic_class=mark)
        mouth.send(b"hello", ear.address)
        wait_for(ear)
        assert ear.receive_stamped(8, 5.0) and ear.traffic_class == mark
        mouth.close()
    ear.close()


@pytest.mark.parametrize("size", [0, 1, 60_000, 65_487])
def test_a_datagram_of_any_size_is_read_whole(ends, size):
    one, two = ends
    data = bytes(range(256)) * 256
    assert one.send(data[:size], two.address)
    wait_for(two)
    assert two.receive()[0][0] == data[:size]


def test_a_drain_is_bounded(ends):
    one, two = ends
    for number in range(10):
        one.send(bytes([number]), two.address)
    wait_for(two)
    first = two.receive(limit=4)
    assert [data[0] for data, _ in first] == [0, 1, 2, 3]
    assert [data[0] for data, _ in two.receive(limit=64)] == [4, 5, 6, 7, 8, 9]


def test_received_bytes_are_a_copy(ends):
    one, two = ends
    one.send(b"first", two.address)
    wait_for(two)
    kept = two.receive()[0][0]
    one.send(b"XXXXXXXX", two.address)
    wait_for(two)
    two.receive()
    assert kept == b"first"


def test_a_port_that_is_taken_says_so(ends):
    one, _ = ends
    with pytest.raises(PortTaken, match=f"UDP port {one.address[1]} on .* is taken"):
        UdpSocket(*one.address)


@pytest.mark.parametrize(
    ("host", "port", "text"),
    [
        ("192.0.2.1", 0, "192.0.2.1 is not an address of this machine"),
        ("localhost", 0, "localhost is not an IP address"),
        ("", 0, "not an IP address"),
        ("127.0.0.1", 70_000, "70000 is not a port"),
        ("fe80::1%no-such-link", 0, "cannot be opened"),
    ],
)
def test_wrong_addresses_get_one_clear_line(host, port, text):
    with pytest.raises(NetworkError) as caught:
        UdpSocket(host, port)
    assert text in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "address",
    [
        *[("127.0.0.1", 0), ("127.0.0.1", 99_999), ("::1", 5060)],
        *[("nobody.example", 5060), ("a\0b", 1), ("", 9), ("1.2.3", 5)],
    ],
)
def test_sending_to_what_is_no_address_fails_quietly_and_at_once(address):
    sock = UdpSocket("127.0.0.1", 0)
    start = time.monotonic()
    assert sock.send(b"x", address) is False
    assert time.monotonic() - start < 0.1
    assert sock.send_failures == 1
    sock.close()


@given(st.text(max_size=40), st.integers(-10, 100_000))
@settings(max_examples=50, deadline=None)
def test_no_address_raises(host, port):
    sock = UdpSocket("127.0.0.1", 0)
    assert sock.send(b"", (host, port)) in (True, False)
    sock.close()


def test_too_large_a_datagram_is_not_sent(ends):
    one, two = ends
    assert one.send(bytes(70_000), two.address) is False
    assert one.send(b"still there", two.address)


def test_a_closed_socket_is_silent():
    sock = UdpSocket("127.0.0.1", 0)
    sock.close()
    assert sock.receive() == []
    assert sock.send(b"x", ("127.0.0.1", 9)) is False
    assert sock.take_errors() == []


@pytest.mark.parametrize("host", HOSTS)
def test_port_unreachable_never_raises_and_the_next_datagrams_are_sent(host):
    nobody = UdpSocket(host, 0)
    gone = nobody.address
    nobody.close()
    sender, other = UdpSocket(host, 0, report_errors=True), UdpSocket(host, 0)
    assert sender.send(b"anyone?", gone)
    wait_for(sender, 0.5)
    for number in range(3):
        assert sender.send(bytes([number]), other.address)
    wait_for(other)
    assert [data[0] for data, _ in other.receive()] == [0, 1, 2]
    other.send(b"back", sender.address)
    wait_for(sender)
    assert (b"back", other.address) in sender.receive() + sender.receive()
    errors = sender.take_errors()
    if sys.platform.startswith("linux"):
        assert errors == [gone]
    assert sender.take_errors() == []
    sender.close()
    other.close()


def test_an_unreachable_port_alone_does_not_leave_the_socket_readable_for_ever():
    nobody = UdpSocket("127.0.0.1", 0)
    gone = nobody.address
    nobody.close()
    sender = UdpSocket("127.0.0.1", 0, report_errors=True)
    sender.send(b"anyone?", gone)
    wait_for(sender, 0.5)
    sender.receive()
    assert select.select([sender], [], [], 0)[0] == []
    sender.close()


def test_sound_is_marked_expedited():
    if not hasattr(socket, "IP_TOS") or sys.platform == "win32":
        pytest.skip("the platform marks nothing")
    sock = UdpSocket("127.0.0.1", 0, traffic_class=DSCP_EF)
    assert sock.socket.getsockopt(socket.IPPROTO_IP, socket.IP_TOS) == DSCP_EF
    sock.close()


class Stubborn:
    """A socket that refuses to send for a reason of its own."""

    def __init__(self, real: socket.socket, number: int) -> None:
        self._real, self._number = real, number

    def sendto(self, data: bytes, address: object) -> int:
        raise OSError(self._number, os.strerror(self._number))

    def __getattr__(self, name: str) -> object:
        return getattr(self._real, name)


@pytest.mark.parametrize("report_errors", [False, True])
@pytest.mark.parametrize(
    "name", ["EAGAIN", "ENOBUFS", "EPERM", "EACCES", "ENETUNREACH", "EHOSTUNREACH", "EINVAL", "EIO"]
)
def test_whatever_the_system_says_to_a_datagram_is_counted_and_the_next_one_leaves(name, report_errors):
    one, two = UdpSocket("127.0.0.1", 0, report_errors=report_errors), UdpSocket("127.0.0.1", 0)
    real = one.socket
    one.socket = Stubborn(real, getattr(errno, name))
    assert one.send(b"lost", two.address) is False
    assert one.send_failures == 1
    one.socket = real
    assert one.send(b"next", two.address)
    wait_for(two)
    assert two.receive() == [(b"next", one.address)]
    passes = name in ("EAGAIN", "ENOBUFS", "EIO")
    assert one.take_errors() == ([] if passes or not report_errors else [two.address])
    one.close()
    two.close()


@pytest.mark.parametrize("host", ["::1", "no.address", "255.255.255.255"])
def test_an_address_that_nothing_can_be_sent_to_is_told_at_once(host):
    one = UdpSocket("127.0.0.1", 0, report_errors=True)
    assert one.send(b"anyone?", (host, 9)) is False
    assert one.take_errors() == [(host, 9)]
    one.close()


@pytest.mark.skipif(sys.platform == "win32", reason="buffers of POSIX")
def test_a_full_buffer_loses_datagrams_not_time():
    """A send buffer of the least size and a reader that does not read: nothing waits, what is lost is counted."""
    one, two = UdpSocket("127.0.0.1", 0), UdpSocket("127.0.0.1", 0)
    one.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1)
    sent = sum(one.send(bytes(60_000), two.address) for _ in range(200))
    assert sent + one.send_failures == 200
    one.close()
    two.close()


@pytest.mark.skipif(sys.platform == "win32", reason="limits of POSIX")
@pytest.mark.parametrize("loaded", [True, False])
def test_no_descriptor_left_is_one_clear_line(loaded):
    code = """
import resource
from engine.io.dns import DnsResolver, Servers
from engine.io.loop import Loop
from engine.io.udp import NetworkError, UdpSocket
loop, held = Loop(), []
resource.setrlimit(resource.RLIMIT_NOFILE, (30, 30))
try:
    while True:
        held.append(UdpSocket("127.0.0.1", 0))
except NetworkError as error:
    print(error)
said = []
resolver = DnsResolver(loop, hosts_file="/x", servers=Servers((("127.0.0.1", 9),)))
for _ in range(2):
    resolver.resolve("a.test", 0.0, lambda *answer: said.append(answer))
print(said[0][1], said[1][1], sep="\\n")
"""
    if loaded:
        code = "import engine.io.dns; engine.io.dns.load()\n" + code
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    first, *later = done.stdout.splitlines()
    assert first == "no UDP socket to be had: Too many open files"
    why = first if loaded else "Too many open files"
    assert later == [f"the name a.test cannot be looked up: {why}"] * 2
