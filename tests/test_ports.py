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
    assert set(net.sockets) == {("192.0.2.1", 10000)}
    assert numbers(pool.take()) == (10000, 10002)


def test_a_taken_first_port_is_said_at_once():
    with pytest.raises(NetworkError):
        PortPool(Net(None, 10000), "192.0.2.1", 10000)


def test_a_phone_that_waits_leaves_the_port_above_its_own_to_another():
    """One phone of a machine on 10000 and one on 10001, whichever starts first."""
    net = Net(None)
    first = PortPool(net, "192.0.2.1", 10000)
    PortPool(net, "192.0.2.1", 10001)
    assert numbers(first.take()) == (10000, 10002)
