"""SIP's socket: what is read and sent through it, and who turns out not to be there."""

import pytest

from engine.transport import Transport

HERE, BOB = ("192.0.2.1", 5060), ("192.0.2.7", 5062)


class Socket:
    """Of paper; sends to nobody in ``no_way``."""

    def __init__(self):
        self.address, self.came, self.sent, self.errors, self.no_way = HERE, [], [], [], set()
        self.closed = self.watched = False

    def open(self, host, port, kind):
        assert (host, port, kind) == (*HERE, "sip")
        return self

    def watch(self, port, on_readable):
        self.watched = port is self

    def unwatch(self, port):
        self.watched = False

    def receive(self, most):
        taken, self.came = self.came[:most], self.came[most:]
        return taken

    def send(self, data, destination):
        if destination in self.no_way:
            self.errors.append(destination)
            return False
        self.sent.append((data, destination))
        return True

    def take_errors(self):
        taken, self.errors = self.errors, []
        return taken

    def close(self):
        self.closed = True


class Agent:
    """A user agent that notes what comes, and has this to say."""

    def __init__(self, *says):
        self.says, self.heard = list(says), []

    def receive(self, data, source, now):
        self.heard.append((data, source, now))

    def datagrams(self):
        taken, self.says = self.says, []
        return taken


class Resolver:
    """Bob's name is known at once."""

    def resolve(self, name, now, done):
        done(BOB[0], "")


@pytest.fixture
def socket():
    return Socket()


@pytest.fixture
def told():
    return []


@pytest.fixture
def transport(socket, told):
    return Transport(socket, *HERE, Resolver(), lambda: 0.0, lambda peer, why: told.append((peer, why)))


def test_as_much_is_read_as_is_asked_for(transport, socket):
    agent = Agent()
    socket.came = [(b"1", BOB), (b"2", BOB), (b"3", BOB)]
    assert transport.read_into(agent, 2, 7.0) and agent.heard == [(b"1", BOB, 7.0), (b"2", BOB, 7.0)]
    assert transport.read_into(agent, 2, 8.0) and not transport.read_into(agent, 2, 9.0)


def test_all_is_sent_to_addresses_and_names(transport, socket):
    agent = Agent((b"1", BOB), (b"2", ("bob.test", 5062)))
    assert transport.send_from(agent) and socket.sent == [(b"1", BOB), (b"2", BOB)]
    assert not transport.send_from(agent)


def test_what_cannot_be_sent_is_told_at_once_with_the_reason_and_of_every_name(transport, socket, told):
    transport.send_from(Agent((b"1", ("bob.test", 5062))))
    socket.no_way.add(BOB)
    transport.send_from(Agent((b"2", BOB)))
    assert set(told) == {(peer, f"{peer[0]} cannot be reached from 192.0.2.1") for peer in (BOB, ("bob.test", BOB[1]))}


def test_what_icmp_says_is_told_without_one(transport, socket, told):
    socket.errors.append(BOB)
    transport.hear_errors()
    assert told == [(BOB, "")] and not socket.errors


def test_it_is_watched_until_it_is_closed(transport, socket):
    transport.watch(lambda now: None)
    assert socket.watched
    transport.close()
    assert socket.closed and not socket.watched
