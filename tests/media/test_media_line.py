"""Timestamps to seconds: wrapped, set anew, of another source or clock, standing still."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media.media_line import MAX_STEP_S, MediaLine

START = 2**32 - 800  # wraps with the sixth packet
TRANSIT_S = 0.04


class Sender:
    """20 ms packets at 8000 Hz that arrive 40 ms later; the owner of the line is told of the newest one."""

    def __init__(self) -> None:
        self.line = MediaLine()
        self.count = 0
        for _ in range(10):
            self.send()
        self.begin = self.line.newest_end

    def send(self, ahead: int = 0, follows: bool = True, target: float = inf, rate: int = 8000) -> float | None:
        """The next packet, ``ahead`` timestamp units from where it belongs; where the line has it, s."""
        number, self.count = self.count, self.count + 1
        timestamp = (START + 160 * number + ahead) % 2**32
        floor = self.line.newest_transit if number else inf
        arrival = 0.02 * number + TRANSIT_S
        begin = self.line.locate(timestamp, 160, rate, arrival, floor, target, follows and number > 0)
        if begin is not None and begin + 0.02 > self.line.newest_end:
            self.line.newest_end, self.line.newest_transit = begin + 160 / rate, arrival - begin
        return begin


def test_packets_lie_one_behind_the_other_across_the_wrap():
    sender = Sender()
    assert sender.begin == pytest.approx(TRANSIT_S + 0.2), "the first lies where it arrived"
    assert sender.send() == pytest.approx(sender.begin) and not sender.line.joined_anew


@pytest.mark.parametrize("ahead", [8000 * 30, -8000 * 30, 2**31])
def test_one_wild_timestamp_is_set_aside_and_a_second_that_agrees_is_believed(ahead):
    sender = Sender()
    assert sender.send(ahead, follows=False) is None
    assert sender.send(follows=False) == pytest.approx(sender.begin + 0.02), "it was one alone"
    assert sender.send(ahead, follows=False) is None
    assert sender.send(ahead, follows=False) == pytest.approx(sender.begin + 0.06) and sender.line.joined_anew


@pytest.mark.parametrize("step_s", [-0.5, -0.1, 0.1, 0.5])
def test_a_step_that_no_network_makes_is_believed_at_once(step_s):
    sender = Sender()
    assert abs(step_s) > MAX_STEP_S
    assert sender.send(int(8000 * step_s)) == pytest.approx(sender.begin) and sender.line.joined_anew


def test_a_step_of_a_packet_that_was_overtaken_is_none():
    sender = Sender()
    assert sender.send(-800, follows=False) == pytest.approx(sender.begin - 0.1) and not sender.line.joined_anew


def test_timestamps_that_stood_still_in_a_silence_are_no_delay():
    for silent, joined in ((True, True), (False, False)):
        sender = Sender()
        sender.send(-8000, follows=False, target=sender.line.newest_transit if silent else inf)
        assert sender.line.joined_anew == joined


def test_another_source_and_another_clock_go_on_behind_the_newest():
    sender = Sender()
    sender.line.other_source()
    assert not sender.line.knows(8000)
    assert sender.send(12345) == pytest.approx(sender.begin) and sender.line.knows(8000)
    assert sender.send(rate=16000) == pytest.approx(sender.begin + 0.02)
    assert sender.line.knows(16000) and not sender.line.knows(8000)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.booleans(), st.sampled_from([8000, 48000])), max_size=40))
def test_any_timestamps_lie_somewhere(packets):
    line, now = MediaLine(), 0.0
    for timestamp, follows, rate in packets:
        now += 0.02
        begin = line.locate(timestamp, 160, rate, now, line.newest_transit if now > 0.03 else inf, inf, follows)
        assert begin is None or abs(now - begin) < 60
        if begin is not None and begin > line.newest_end:
            line.newest_end, line.newest_transit = begin + 160 / rate, now - begin
