"""How much redundancy is sent: by itself against a made-up line, and in whole calls with RTCP, in virtual time."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media.redundancy import HOLD_S, MAX_GENERATIONS, Heard, RedundancyController
from tests.media.virtual import BothWays, Bottleneck, Wire, jitter, make_stream, speech

RED = 121
VOICE = speech(70)
EVERY_S = 5.0


class Line:
    """Loses at random, and what it has no room for. ``room``: as a multiple of what is sent without redundancy."""

    def __init__(self, loss: float = 0.0, room: float = 100.0, seed: int = 1) -> None:
        self.loss, self.room = loss, room
        self.controller = RedundancyController(0.8)
        self.now = 0.0
        self._chance = random.Random(seed)

    def reports(self, count: int, rtt_s: float | None = None) -> list[int]:
        """Generations after each of so many reports, of 250 packets each."""
        return [self._report(rtt_s) for _ in range(count)]

    def _report(self, rtt_s: float | None) -> int:
        self.now += EVERY_S
        rate = 1 + 0.8 * self.controller.generations
        passes = (1 - self.loss) * min(1.0, self.room / rate)
        lost = sum(self._chance.random() >= passes for _ in range(250))
        return self.controller.report(Heard(self.now, (256 * lost // 250) / 256, rtt_s))


def told(*losses: float) -> list[int]:
    controller = RedundancyController()
    return [controller.report(Heard(EVERY_S * number, loss)) for number, loss in enumerate(losses)]


class TestOnAndOff:
    def test_never_on_a_clean_line_nor_for_one_packet_in_250(self):
        assert told(*[0.0] * 10, *[1 / 256] * 10) == [0] * 20

    @pytest.mark.parametrize(("loss", "generations"), [(0.008, 1), (0.03, 1), (0.05, 2), (0.1, 2), (0.2, 2), (0.3, 3)])
    def test_on_with_the_first_report_as_much_as_it_takes(self, loss, generations):
        assert told(loss) == [generations]

    def test_it_stays_for_as_long_as_the_loss_does(self):
        assert set(told(*[0.02] * 200)) == {1}

    def test_where_nothing_is_sent_twice_nothing_is_suspected(self):
        """What the codec alone does against loss takes no room that is worth a suspicion."""
        controller = RedundancyController(0.0)
        losses = [0.0, 0.02, 0.15, 0.3, 0.3]
        assert [controller.report(Heard(EVERY_S * at, loss, 0.05 + at)) for at, loss in enumerate(losses)] == [
            0,
            1,
            2,
            3,
            3,
        ]

    def test_a_report_without_loss_does_not_end_it(self):
        assert told(0.03, 0.0, 0.03, 0.0, 0.0, 0.03) == [1] * 6

    def test_off_a_generation_at_a_time_when_the_loss_has_been_away(self):
        plan = told(0.2, *[0.0] * 12)
        assert plan == sorted(plan, reverse=True) and plan[:3] == [2, 2, 2] and plan[-1] == 0
        assert 5 <= plan.index(0) <= 10

    def test_loss_about_a_threshold_does_not_make_it_flutter(self):
        plan = Line(0.05).reports(200)
        assert sum(a != b for a, b in pairwise(plan)) < 20
        assert set(plan[1:]) <= {1, 2}

    def test_no_more_than_come_in_time(self):
        controller = RedundancyController()
        controller.most = 1
        assert controller.report(Heard(5.0, 0.3)) == 1

    def test_two_reports_at_once_are_one(self):
        controller = RedundancyController()
        assert controller.report(Heard(5.0, 0.02)) == 1
        assert controller.report(Heard(5.1, 0.2)) == 1
        assert controller.report(Heard(10.0, 0.2)) != 1


class TestWhereItDoesNotHelp:
    def test_a_line_without_room_has_its_redundancy_taken_back_at_once_and_seldom_tried_again(self):
        line = Line(room=0.94)
        plan = line.reports(240)  # twenty minutes
        assert plan[0] > 0, "nothing else could tell"
        assert plan[1] == 0
        assert sum(generations > 0 for generations in plan) < 12

    def test_a_line_with_room_for_one_gets_one(self):
        plan = Line(0.06, room=1.9).reports(60)
        assert plan[0] == 2 and plan[1] == 0
        assert sum(generations == 1 for generations in plan) > 45

    def test_a_line_that_gets_bad_by_itself_keeps_its_redundancy(self):
        line = Line(0.01)
        assert set(line.reports(5)[1:]) <= {0, 1}
        line.loss = 0.28
        plan = line.reports(40)
        assert sum(generations >= 2 for generations in plan) >= 38

    def test_bad_luck_is_no_suspicion(self):
        for seed in range(20):
            assert 0 not in Line(0.1, seed=seed).reports(50)

    def test_a_queue_that_fills_up_is_noticed_by_the_round_trip(self):
        line = Line(0.03)
        assert line.reports(3, 0.1)[-1] == 1
        assert line.reports(1, 0.4) == [0]
        assert line.reports(1, 0.11) == [0]
        assert line.reports(4, 0.1) == [0] * 4

    def test_a_round_trip_that_is_longer_without_us_too_is_not_our_doing(self):
        line = Line(0.03)
        assert line.reports(3, 0.1)[-1] == 1
        assert line.reports(1, 0.4) == [0]
        assert 0 not in line.reports(10, 0.4)

    def test_after_the_hold_it_is_tried_again(self):
        line = Line(room=0.94)
        line.reports(3)
        line.room, line.loss = 100.0, 0.06
        assert 2 in line.reports(int(HOLD_S[0] / EVERY_S) + 2)


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.floats(0, 20), st.floats(0, 1), st.none() | st.floats(0, 30)),
        max_size=80,
    ),
    st.floats(0.01, 1.0),
)
def test_any_reports_at_all(reports, growth):
    controller = RedundancyController(growth)
    now = 0.0
    for pause_s, loss, rtt_s in reports:
        now += pause_s
        assert 0 <= controller.report(Heard(now, loss, rtt_s)) <= MAX_GENERATIONS
        assert 0 <= controller.loss <= 1


class TestWholeCalls:
    def call(self, wire: Wire, seconds: float = 25.0, redundancy: int | None = None):
        """(figures of the far end, of ours, generations we sent at every second)."""
        ends = tuple(
            make_stream(seed=seed, red_send=RED, red_receive=frozenset({RED}), redundancy=redundancy)
            for seed in (1, 2)
        )  # fmt: skip
        sent: list[int] = []
        way = BothWays(ends, (wire, Wire()))
        way.on_tick = lambda now: sent.append(ends[0].stats(now).tx.redundancy)
        way.talk(VOICE[: int(8000 * seconds)])
        return ends[1].stats(seconds).rx, ends[0].stats(seconds).tx, sent[::50]

    def test_a_lossy_line_is_repaired_from_the_first_report_on(self):
        rx, _, sent = self.call(Wire(jitter(0.0, 0.08)))
        assert sent[0] == 0 and set(sent[8:]) == {2}
        assert rx.recovered > 0.75 * rx.lost > 0
        plain, _, _ = self.call(Wire(jitter(0.0, 0.08)), redundancy=0)
        assert plain.recovered == 0 and plain.concealed_ms > 3 * rx.concealed_ms

    def test_long_packets_repeat_one_short_ones_three(self):
        for ptime_ms, most in ((60, 1), (30, 1), (20, 2), (10, 3)):
            ends = tuple(
                make_stream(seed=seed, ptime_ms=ptime_ms, red_send=RED, red_receive=frozenset({RED})) for seed in (1, 2)
            )
            sent: list[int] = []
            way = BothWays(ends, (Wire(jitter(0.0, 0.4)), Wire()))
            way.on_tick = lambda now, ends=ends, sent=sent: sent.append(ends[0].stats(now).tx.redundancy)
            way.talk(np.zeros(8000 * 8, np.int16))
            assert max(sent) == most

    def test_a_clean_line_carries_none(self):
        rx, tx, sent = self.call(Wire())
        assert set(sent) == {0} and rx.recovered == 0 and tx.bytes == 160 * tx.packets

    def test_when_the_loss_ends_so_does_the_redundancy(self):
        lossy = jitter(0.0, 0.08)
        _, _, sent = self.call(Wire(lambda number, now: lossy(number, now) if now < 10 else 0.04), seconds=60)
        assert 2 in sent[:15] and set(sent[55:]) == {0}

    def test_a_narrow_line_is_not_made_narrower(self):
        narrow = Bottleneck(rate_bps=75_000)  # a call without redundancy wants 80,000
        rx, _, sent = self.call(narrow, seconds=60)
        assert sum(generations > 0 for generations in sent) < 15
        plain, _, _ = self.call(Bottleneck(rate_bps=75_000), seconds=60, redundancy=0)
        assert rx.lost < plain.lost + 0.15 * 3000

    def test_a_fixed_number_is_sent_from_the_first_packets_on(self):
        rx, tx, sent = self.call(Wire(jitter(0.0, 0.05)), redundancy=2)
        assert set(sent) == {2}
        assert rx.recovered > 0.95 * rx.lost
        assert tx.bytes > 2.9 * 160 * tx.packets


def test_both_ends_of_a_call_steer_by_themselves() -> None:
    ends = tuple(make_stream(seed=seed, red_send=RED, red_receive=frozenset({RED})) for seed in (1, 2))
    BothWays(ends, (Wire(), Wire(jitter(0.0, 0.1)))).talk(np.zeros(8000 * 20, np.int16))
    assert [end.stats(20.0).tx.redundancy for end in ends] == [0, 2]
