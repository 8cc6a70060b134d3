"""Datagrams to names wait, within bounds, until the name has an address."""

from engine.names import MOST_WAITING, Names


class Resolver:
    def __init__(self):
        self.asked = []

    def resolve(self, name, now, done):
        self.asked.append(done)


def test_a_name_is_asked_once_bounded_and_remembered():
    resolver, sent, failed = Resolver(), [], []
    names = Names(resolver, lambda *what: sent.append(what), lambda *what: failed.append(what))
    names.send(b"x", ("192.0.2.1", 5060), 0.0)
    assert sent == [(b"x", ("192.0.2.1", 5060))]
    for _ in range(20):
        names.send(b"y", ("far.test", 5060), 0.0)
    assert len(resolver.asked) == 1
    resolver.asked[0]("192.0.2.9", "")
    assert sent[1:] == [(b"y", ("192.0.2.9", 5060))] * MOST_WAITING
    names.send(b"z", ("far.test", 5060), 59.0)
    assert len(resolver.asked) == 1
    names.send(b"z", ("far.test", 5060), 61.0)
    resolver.asked[1](None, "no such name")
    assert failed == [(("far.test", 5060), "no such name")]
