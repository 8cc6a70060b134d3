"""The address we are seen at, on machines of every kind."""

import socket

import pytest

from engine.host import address_towards


class Probe:
    """A socket on a machine without IPv6 and without any network."""

    def __init__(self, family, kind):
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def connect(self, address):
        raise OSError(101, "Network is unreachable")


@pytest.mark.parametrize("uri", [None, "sip:bob@192.0.2.7", "sip:bob@[2001:db8::7]", "sip:bob@bob.test"])
def test_without_a_network_and_without_ipv6_it_is_the_loopback(monkeypatch, uri):
    monkeypatch.setattr(socket, "socket", Probe)
    assert address_towards(uri) == "127.0.0.1"
