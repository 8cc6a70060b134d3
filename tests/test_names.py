"""Datagrams to names wait, within bounds, until the name has an address."""

import pytest

from engine.names import MOST_ASKERS, MOST_NAMES, MOST_WAITING, REMEMBER_S, TOO_MANY, Names


class Resolver:
    def __init__(self):
        self.asked = []

    def resolve(self, name, now, done):
        self.asked.append((name, done))


class World:
    """Names with all that they need: a clock that is set by hand, what was sent, what failed."""

    def __init__(self):
        self.now = 0.0
        self.resolver, self.sent, self.failed = Resolver(), [], []
        self.names = Names(
            self.resolver,
            lambda: self.now,
            lambda *what: self.sent.append(what),
            lambda *what: self.failed.append(what),
        )

    def send(self, host, data=b"x"):
        self.names.send(data, (host, 5060))

    def answer(self, address, why=""):
        self.resolver.asked[-1][1](address, why)


@pytest.fixture
def world():
    return World()


def test_an_address_is_sent_to_at_once(world):
    world.send("192.0.2.1")
    world.send("2001:db8::1")
    assert [destination for _, destination in world.sent] == [("192.0.2.1", 5060), ("2001:db8::1", 5060)]
    assert not world.resolver.asked


def test_a_name_is_asked_once_and_what_waits_for_it_is_bounded(world):
    for _ in range(20):
        world.send("far.test")
    assert len(world.resolver.asked) == 1
    world.answer("192.0.2.9")
    assert world.sent == [(b"x", ("192.0.2.9", 5060))] * MOST_WAITING


def test_a_name_is_remembered_from_its_answer_on(world):
    world.send("far.test")
    world.now = 20.0
    world.answer("192.0.2.9")
    world.now = 20.0 + REMEMBER_S - 1
    world.send("far.test")
    assert len(world.resolver.asked) == 1
    world.now += 2
    world.send("far.test")
    assert len(world.resolver.asked) == 2


def test_a_name_that_nobody_knows_is_told_once_for_each_destination(world):
    world.send("far.test")
    world.send("far.test")
    world.answer(None, "no such name")
    assert world.failed == [(("far.test", 5060), "no such name")] and not world.sent


def test_the_name_learnt_first_makes_room_and_the_others_stay(world):
    for number in range(MOST_NAMES + 1):
        world.send(f"host{number}.test")
        world.answer(f"192.0.2.{number}")
    world.send("host1.test")
    assert len(world.resolver.asked) == MOST_NAMES + 1
    world.send("host0.test")
    assert len(world.resolver.asked) == MOST_NAMES + 2


def test_too_many_names_at_once(world):
    for number in range(MOST_NAMES + 1):
        world.send(f"host{number}.test")
    assert world.failed == [((f"host{MOST_NAMES}.test", 5060), "too many names are being looked up")]


def test_an_address_leads_back_to_every_name_of_it(world):
    for name in ("one.test", "two.test"):
        world.send(name)
        world.answer("192.0.2.9")
    world.send("2001:0db8::0001")
    assert world.names.written_as(("192.0.2.9", 5060)) == [
        ("192.0.2.9", 5060),
        ("one.test", 5060),
        ("two.test", 5060),
    ]
    assert ("2001:0db8::0001", 5060) in world.names.written_as(("2001:db8::1", 5060))
    assert world.sent[-1] == (b"x", ("2001:db8::1", 5060))


def test_who_asks_is_told_at_once_what_is_known_and_else_with_the_answer(world):
    told = []
    for host in ("192.0.2.1", "2001:0db8::1", "far.test", "far.test"):
        world.names.find(host, lambda *answer: told.append(answer))
    assert told == [("192.0.2.1", ""), ("2001:db8::1", "")] and len(world.resolver.asked) == 1
    world.send("far.test")
    world.answer("192.0.2.9")
    world.names.find("far.test", lambda *answer: told.append(answer))
    assert told[2:] == [("192.0.2.9", "")] * 3 and world.sent == [(b"x", ("192.0.2.9", 5060))]


def test_who_asks_is_told_why_there_is_no_address(world):
    told = []
    world.names.find("far.test", lambda *answer: told.append(answer))
    world.answer(None, "no such name")
    for number in range(MOST_NAMES):
        world.names.find(f"host{number}.test", lambda *answer: None)
    world.names.find("another.test", lambda *answer: told.append(answer))
    for _ in range(MOST_ASKERS):
        world.names.find("host0.test", lambda *answer: told.append(answer))
    assert told == [(None, "no such name"), (None, TOO_MANY), (None, TOO_MANY)]
