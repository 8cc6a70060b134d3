from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import time

import pytest

from engine.io.errors import NetworkError
from engine.io.loop import MEDIA, SIP, TERMINAL, Loop


@pytest.fixture
def loop():
    made = Loop()
    yield made
    made.close()


@pytest.fixture
def pair():
    left, right = socket.socketpair()
    left.setblocking(False)
    yield left, right
    left.close()
    right.close()


def test_an_idle_turn_lasts_as_long_as_asked(loop):
    start = time.monotonic()
    loop.turn(0.05)
    assert 0.045 <= time.monotonic() - start < 1.0
    assert loop.now >= start + 0.045


@pytest.mark.parametrize("timeout", [0, -5.0])
def test_a_timeout_in_the_past_does_not_wait(loop, timeout):
    start = time.monotonic()
    loop.turn(timeout)
    assert time.monotonic() - start < 0.5


def test_a_reader_is_called_with_the_time_of_the_turn(loop, pair):
    left, right = pair
    heard = []
    loop.add_reader(left, lambda now: heard.append((now, left.recv(10))))
    right.send(b"hello")
    loop.turn(1)
    assert heard == [(loop.now, b"hello")]


def test_a_writer_is_called(loop, pair):
    called = []
    loop.add_writer(pair[0], called.append)
    loop.turn(1)
    loop.remove_writer(pair[0])
    loop.turn(0)
    assert called == [called[0]]


def test_media_comes_first_whatever_the_order_of_registration(loop):
    pairs = [socket.socketpair() for _ in range(3)]
    order = []
    for (left, right), priority in zip(pairs, (SIP, TERMINAL, MEDIA), strict=True):
        loop.add_reader(left, lambda now, priority=priority: order.append(priority), priority)
        right.send(b"x")
    loop.turn(1)
    assert order == [MEDIA, TERMINAL, SIP]
    for left, right in pairs:
        left.close()
        right.close()


def test_what_a_callback_removes_is_not_called_any_more_in_this_turn(loop):
    first, second = socket.socketpair(), socket.socketpair()
    called = []

    def remove_the_other(now):
        called.append("first")
        loop.remove(second[0])
        second[0].close()

    loop.add_reader(first[0], remove_the_other, MEDIA)
    loop.add_reader(second[0], lambda now: called.append("second"), SIP)
    first[1].send(b"x")
    second[1].send(b"x")
    loop.turn(1)
    assert called == ["first"]
    for made in (*first, *second):
        made.close()


def test_a_reader_added_in_place_of_a_removed_one_waits_for_the_next_turn(loop, pair):
    left, right = pair
    trigger, pull = socket.socketpair()
    called = []

    def replace(now):
        trigger.recv(1)
        loop.remove(left)
        loop.add_reader(left, lambda now: called.append("new"))

    loop.add_reader(trigger, replace, MEDIA)
    loop.add_reader(left, lambda now: called.append("old"), SIP)
    right.send(b"x")
    pull.send(b"x")
    loop.turn(1)
    assert called == []
    loop.turn(1)
    assert called == ["new"]
    trigger.close()
    pull.close()


def test_a_socket_closed_without_a_word_is_dropped_and_the_others_live(loop, pair):
    left, right = pair
    lost, other = socket.socketpair()
    heard = []
    loop.add_reader(lost, lambda now: heard.append("lost"))
    loop.add_reader(left, lambda now: heard.append(left.recv(1)))
    lost.close()
    right.send(b"x")
    loop.turn(0.1)
    loop.turn(0.1)
    assert heard == [b"x"]
    assert loop.dropped == 1
    other.close()


def test_a_closed_socket_can_still_be_removed(loop, pair):
    loop.add_reader(pair[0], lambda now: None)
    pair[0].close()
    loop.remove(pair[0])
    loop.turn(0)
    assert loop.dropped == 0


def test_closed_sockets_are_refused(loop, pair):
    pair[0].close()
    with pytest.raises(NetworkError):
        loop.add_reader(pair[0], lambda now: None)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows limits the number of sockets, not their names")
def test_descriptors_beyond_the_sets_of_select_are_refused(loop):
    with pytest.raises(NetworkError, match="too many open files"):
        loop.add_reader(1001, lambda now: None)


def test_wake_ends_the_next_wait(loop):
    loop.wake()
    start = time.monotonic()
    loop.turn(5)
    assert time.monotonic() - start < 1
    for _ in range(10_000):
        loop.wake()  # more than the socket holds: no wait, no error
    loop.turn(1)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_a_signal_ends_the_wait_and_is_handled_inside_the_turn(loop):
    seen = []
    loop.catch_signals([signal.SIGUSR1], lambda number, now: seen.append((number, now)))
    timer = threading.Timer(0.05, os.kill, (os.getpid(), signal.SIGUSR1))
    timer.start()
    start = time.monotonic()
    loop.turn(5)
    timer.join()
    assert time.monotonic() - start < 2
    assert seen == [(signal.SIGUSR1, loop.now)]


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_who_hears_of_a_signal_can_ask_whether_another_has_come(loop):
    told = []

    def callback(number, now):
        if number == signal.SIGUSR1 and not told:
            os.kill(os.getpid(), signal.SIGURG)  # one more, in the midst of it
        told.append((number, loop.is_coming(signal.SIGUSR2), loop.is_coming(signal.SIGURG)))

    loop.catch_signals([signal.SIGUSR1, signal.SIGUSR2, signal.SIGURG], callback)
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        os.kill(os.getpid(), number)
    loop.turn(0)
    assert told == [(signal.SIGUSR1, True, True), (signal.SIGUSR2, False, True), (signal.SIGURG, False, False)]
    loop.turn(0)
    assert len(told) == 3


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_closing_gives_the_signals_back():
    before = signal.getsignal(signal.SIGUSR2)
    made = Loop()
    made.catch_signals([signal.SIGUSR2], lambda number, now: None)
    assert signal.getsignal(signal.SIGUSR2) != before
    made.close()
    assert signal.getsignal(signal.SIGUSR2) == before
