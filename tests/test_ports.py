"""Pairs of media sockets: R and R+1, the next free ones, and back again."""

import pytest

from engine.io.udp import NetworkError
from engine.ports import PortPool
from tests.wire import Net


def numbers(pair):
    return pair.rtp.address[1], pair.rtcp.address[1]


def test_pairs_are_handed_out_and_taken_back():
    net = Net(None, 10001)
    pool = PortPool(net, "192.0.2.1", 10000)
    first, second = pool.take(), pool.take()
    assert numbers(first) == (10000, 10002)
    assert numbers(second) == (10004, 10005)
    pool.give_back(second)
    pool.give_back(first)
    assert set(net.sockets) == {("192.0.2.1", 10000), ("192.0.2.1", 10002)}
    assert pool.take() is first


def test_a_taken_first_port_is_said_at_once():
    with pytest.raises(NetworkError):
        PortPool(Net(None, 10000), "192.0.2.1", 10000)
