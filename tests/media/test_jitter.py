"""The jitter buffer in virtual time: order, gaps, lateness, restarts, bounds, and where the target goes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media import jitter
from engine.media.delay import MAX_TARGET_S, DelayEstimate
from engine.media.jitter import DISCARDED, DUPLICATE, KEPT, LATE, JitterBuffer

RATE = 8000
SAMPLES = 160
PACKET_S = 0.02
START = 5000  # timestamp of packet 0


class Line:
    """A sender of 20 ms packets whose payload is their number, and a player that asks every 20 ms."""

    def __init__(self, buffer: JitterBuffer | None = None) -> None:
        self.buffer = JitterBuffer() if buffer is None else buffer
        self.invented_s = 0.0

    def put(self, number: int, arrival: float, timestamp: int | None = None) -> str:
        at = (START + number * SAMPLES if timestamp is None else timestamp) % 2**32
        return self.buffer.put(at, SAMPLES, RATE, str(number).encode(), None, arrival)

    def play(self, now: float) -> str:
        """One tick: number of the packet played, "-" for sound that was invented, "" for silence before."""
        packet = self.buffer.pull(now, self.invented_s)
        if packet is not None:
            self.invented_s = 0.0
            return packet.payload.decode()
        self.invented_s += PACKET_S
        return "-"

    def run(self, arrivals: dict[int, float], until: float, phase_s: float = 0.007) -> list[str]:
        """Packets by their number and when they come; what was played at each tick."""
        coming = sorted((at, number) for number, at in arrivals.items())
        heard = []
        for tick in range(int((until - phase_s) / PACKET_S) + 1):
            now = phase_s + tick * PACKET_S
            while coming and coming[0][0] <= now:
                at, number = coming.pop(0)
                self.put(number, at)
            heard.append(self.play(now))
        return heard


def on_time(count: int, delay_s: float = 0.04) -> dict[int, float]:
    return {number: number * PACKET_S + delay_s for number in range(count)}


def played(heard: list[str]) -> list[int]:
    return [int(what) for what in heard if what != "-"]


def from_first(heard: list[str]) -> list[str]:
    return heard[next(place for place, what in enumerate(heard) if what != "-") :]


class TestOrder:
    def test_a_clean_line_is_played_in_order_without_a_gap(self):
        assert from_first(Line().run(on_time(100), 2.0))[:90] == [str(number) for number in range(90)]

    def test_the_first_packet_waits_a_moment(self):
        heard = Line().run(on_time(10), 0.2)
        assert 0.04 < 0.007 + heard.index("0") * PACKET_S < 0.08

    def test_swapped_packets_are_put_right(self):
        arrivals = on_time(50)
        for number in range(10, 40, 3):
            arrivals[number], arrivals[number + 1] = arrivals[number + 1] + 0.001, arrivals[number] + 0.002
        heard = from_first(Line().run(arrivals, 1.2))
        assert played(heard) == sorted(played(heard))
        assert set(range(20, 50)) <= set(played(heard))

    def test_a_lost_packet_costs_its_own_time_and_no_more(self):
        arrivals = on_time(50)
        del arrivals[20]
        heard = from_first(Line().run(arrivals, 1.2))
        assert heard[19:22] == ["19", "-", "21"]
        assert heard[:50] == [str(number) if number != 20 else "-" for number in range(50)]

    def test_duplicates_are_counted_and_played_once(self):
        line = Line()
        line.put(0, 0.0)
        assert line.put(0, 0.001) == DUPLICATE
        assert line.put(1, 0.02) == KEPT
        assert [line.play(0.04), line.play(0.06)] == ["0", "1"]
        assert line.put(1, 0.07) == DUPLICATE
        assert line.buffer.duplicate == 2 and line.buffer.late == 0

    def test_a_packet_after_its_turn_is_late(self):
        line = Line()
        for number in (0, 2, 3):
            line.put(number, number * PACKET_S)
        assert [line.play(0.04 + tick * PACKET_S) for tick in range(3)] == ["0", "-", "2"]
        assert line.put(1, 0.081) == LATE
        assert line.buffer.late == 1
        assert line.play(0.10) == "3"

    def test_the_timestamp_wraps_unheard(self):
        line = Line()
        first = 2**32 - 10 * SAMPLES
        for number in range(20):
            assert line.put(number, number * PACKET_S, first + number * SAMPLES) == KEPT
            line.play(number * PACKET_S + 0.001)
        assert line.buffer.discarded == line.buffer.late == 0

    def test_packets_of_any_length_and_of_changing_length(self):
        buffer = JitterBuffer()
        timestamp, at, begins = 0, 0.0, []
        for samples in [80, 160, 480, 240, 1600, 160]:
            buffer.put(timestamp, samples, RATE, b"x", None, at)
            begins.append(timestamp / RATE)
            timestamp += samples
            at = timestamp / RATE
        given_out = [buffer.pull(at + 0.2) for _ in begins]
        assert [packet.end - packet.begin for packet in given_out if packet] == pytest.approx(
            [samples / RATE for samples in [80, 160, 480, 240, 1600, 160]][-len([p for p in given_out if p]) :]
        )

    def test_what_was_played_in_part_says_how_much(self):
        buffer = JitterBuffer()
        buffer.put(0, 160, RATE, b"a", None, 0.0)
        buffer.put(80, 160, RATE, b"b", None, 0.02)
        first, second = buffer.pull(0.05), buffer.pull(0.05)
        assert first is not None and first.overlap_s == 0.0
        assert second is not None and second.overlap_s == pytest.approx(0.010)

    def test_who_waits_behind_a_gap_is_shown_and_stays(self):
        line = Line()
        assert line.buffer.coming(0.02) == []
        line.run({0: 0.04, 1: 0.06, 2: 0.08}, 0.09)
        line.put(4, 0.105)
        assert line.play(0.107) == "-"
        assert [packet.payload for packet in line.buffer.coming(0.02)] == [b"4"]
        assert line.buffer.lacking_s == pytest.approx(PACKET_S)
        assert len(line.buffer) == 1 and line.play(0.127) == "4"

    def test_what_comes_is_shown_up_to_the_next_hole_and_as_much_as_is_asked_for(self):
        line = Line()
        for number in (0, 1, 2, 4):
            line.put(number, 0.04 + 0.02 * number)
        shown = [[packet.payload for packet in line.buffer.coming(seconds)] for seconds in (0.01, 0.03, 0.5)]
        assert shown == [[b"0"], [b"0", b"1"], [b"0", b"1", b"2"]]


class TestGaps:
    """Golden: what a packet that comes too late is worth."""

    def started(self, count: int = 400) -> tuple[JitterBuffer, float]:
        """So many packets on time, and played at once; when the next one, number 10, is to be asked for."""
        buffer = JitterBuffer()
        for number in range(10 - count, 10):
            self.put(buffer, number, number * PACKET_S)
            assert buffer.pull(number * PACKET_S + 0.001) is not None
        return buffer, 10 * PACKET_S + 0.001

    def put(self, buffer: JitterBuffer, number: int, arrival: float) -> str:
        at = (START + number * SAMPLES) % 2**32
        return buffer.put(at, SAMPLES, RATE, str(number).encode(), None, arrival)

    def test_what_was_invented_stands_for_the_beginning_of_a_late_packet(self):
        buffer, now = self.started()
        buffer.tick_s = 0.01
        assert buffer.pull(now) is None
        self.put(buffer, 10, now + 0.008)
        late = buffer.pull(now + 0.01, 0.01)
        assert late is not None and late.payload == b"10" and late.overlap_s == pytest.approx(0.01)
        self.put(buffer, 11, 11 * PACKET_S)
        following = buffer.pull(now + 0.02)
        assert following is not None and following.payload == b"11" and following.overlap_s == 0

    def test_a_packet_in_whose_place_all_was_invented_is_late(self):
        buffer, now = self.started()
        assert buffer.pull(now) is None
        self.put(buffer, 10, now + 0.015)
        self.put(buffer, 11, now + 0.018)
        following = buffer.pull(now + 0.02, 0.02)
        assert following is not None and following.payload == b"11" and following.overlap_s == 0
        assert buffer.late == 1

    def test_a_line_that_was_held_up_loses_nothing(self):
        """Nothing at all came for two ticks: not one packet is late, all are."""
        buffer, now = self.started()
        assert buffer.pull(now) is None and buffer.pull(now + 0.02, 0.02) is None
        for number in (10, 11, 12):
            self.put(buffer, number, now + 0.035)
        given = [buffer.pull(now + 0.04 + tick * PACKET_S, 0.04 if not tick else 0.0) for tick in range(3)]
        assert [(one.payload, one.overlap_s) for one in given if one] == [(b"10", 0), (b"11", 0), (b"12", 0)]
        assert buffer.late == 0

    def test_two_lost_packets_are_no_line_held_up(self):
        buffer, now = self.started()
        assert buffer.pull(now) is None and buffer.pull(now + 0.02, 0.02) is None
        self.put(buffer, 12, 12 * PACKET_S)
        following = buffer.pull(now + 0.04, 0.04)
        assert following is not None and following.payload == b"12"
        assert buffer.excess_s < 0.001

    def test_where_the_delay_is_too_short_a_gap_makes_it_longer(self):
        buffer, now = self.started(10)
        assert buffer.pull(now) is None
        for number in range(10, 16):  # from now on all take 30 ms longer
            self.put(buffer, number, number * PACKET_S + 0.03)
        assert buffer.estimate.target - buffer.estimate.floor > 0.02
        late = buffer.pull(now + 0.02, 0.02)
        assert late is not None and late.payload == b"10" and late.overlap_s == 0
        assert buffer.late == 0


class TestDelay:
    def test_a_packet_that_comes_late_into_an_empty_buffer_is_still_played(self):
        arrivals = on_time(100)
        for number in range(50, 53):
            arrivals[number] = arrivals[53] = 0.04 + 53 * PACKET_S
        heard = from_first(Line().run(arrivals, 2.2))
        assert played(heard)[:99] == list(range(99))

    @pytest.mark.parametrize("skew_s", [0.041, 0.1, 0.2])
    def test_two_paths_that_take_turns_cost_a_few_packets_and_no_more(self, skew_s):
        """Every other packet is late: each that is played ends a gap, so that no frame is stretched."""
        arrivals = {number: at + (skew_s if number % 2 else 0.0) for number, at in on_time(400).items()}
        line = Line()
        line.run(arrivals, 8.5)
        assert 0 < line.buffer.late < 12

    def peak(self, late: tuple[int, ...]) -> dict[int, float]:
        """A steady line where these packets come 60 ms late; the target at each tick."""
        line = Line()
        arrivals = on_time(4000)
        for number in late:
            arrivals[number] += 0.060
        coming = sorted((at, number) for number, at in arrivals.items())
        targets = {}
        for tick in range(4000):
            now = 0.007 + tick * PACKET_S
            while coming and coming[0][0] <= now:
                line.put(coming[0][1], coming.pop(0)[0])
            line.play(now)
            targets[tick] = line.buffer.target_ms or 0.0
        return targets

    def test_one_late_packet_is_what_the_target_allows_for(self):
        targets = self.peak((500,))
        assert max(targets[tick] for tick in range(450, 4000)) < 25

    def test_several_close_together_raise_the_target_at_once_and_it_falls_within_a_minute(self):
        targets = self.peak((500, 502, 505))
        assert targets[500] < 25
        assert targets[512] > 60
        assert targets[512] > targets[1000] > targets[2000]
        assert targets[512 + 3000] < 25

    def test_the_target_covers_all_but_a_few_of_the_delays(self):
        chance = random.Random(4)
        delays = [chance.expovariate(1 / 0.02) for _ in range(2000)]
        estimate = DelayEstimate()
        covered = []
        for number, delay in enumerate(delays):
            if number > 200:
                covered.append(delay <= estimate.target)
            estimate.update(delay, PACKET_S)
        assert 0.95 < sum(covered) / len(covered) < 0.999

    def test_a_sender_whose_clock_is_off_does_not_move_the_target(self):
        for skew in (300e-6, -300e-6):
            estimate = DelayEstimate()
            for number in range(50 * 120):
                estimate.update(number * PACKET_S * skew, PACKET_S)
            assert estimate.target - 120 * skew == pytest.approx(0.0, abs=0.006)
            assert estimate.target - estimate.floor < 0.010

    def test_the_target_is_bounded(self):
        estimate = DelayEstimate()
        for number in range(500):
            estimate.update(2.0 * (number % 2), PACKET_S)
            estimate.late(2.0)
        assert estimate.target - estimate.floor <= MAX_TARGET_S

    @pytest.mark.parametrize(("limits", "jitter_s"), [((100.0, 200.0), 0.0), ((0.0, 60.0), 0.15), ((80.0, 80.0), 0.03)])
    def test_the_users_bounds_are_kept(self, limits, jitter_s):
        line = Line(JitterBuffer(limits))
        chance = random.Random(2)
        line.run({n: at + chance.uniform(0, jitter_s) for n, at in on_time(500).items()}, 9.0)
        assert limits[0] - 0.01 <= line.buffer.target_ms <= limits[1] + 0.01

    def test_a_longer_way_is_followed_and_a_shorter_one_too(self):
        line = Line()
        arrivals = {n: n * PACKET_S + (0.04 if n < 300 else 0.14 if n < 1000 else 0.04) for n in range(2000)}
        heard = line.run(arrivals, 40.0)
        missing = [place for place, what in enumerate(heard) if what == "-"]
        assert len(missing) < 12
        assert line.buffer.late <= 2

    def test_both_figures_are_of_the_same_kind(self):
        line = Line()
        assert line.buffer.target_ms is None and line.buffer.buffered_ms == 0.0
        line.run(on_time(200), 3.0)
        assert 20 < line.buffer.buffered_ms < 45
        assert 20 < line.buffer.target_ms < 25  # type: ignore[operator]

    def test_looking_changes_nothing(self):
        line = Line()
        line.run(on_time(20), 0.3)
        buffer = line.buffer
        assert [(buffer.target_ms, buffer.buffered_ms, buffer.excess_s) for _ in range(3)] == [
            (buffer.target_ms, buffer.buffered_ms, buffer.excess_s)
        ] * 3


class TestRestarts:
    def steady(self, line: Line, count: int = 100) -> float:
        """A call that runs; the time of the next packet."""
        line.run(on_time(count), count * PACKET_S)
        return count * PACKET_S + 0.04

    def resume(self, line: Line, timestamp: int, at: float, count: int = 50) -> list[str]:
        heard = []
        for number in range(count):
            line.put(1000 + number, at + number * PACKET_S, timestamp + number * SAMPLES)
            heard.append(line.play(at + number * PACKET_S + 0.007))
        return heard

    @pytest.mark.parametrize("jump", [10**6, -(10**6), 2**31 - 5, 10**9, -50_000])
    def test_a_timestamp_jump_costs_one_packet_and_little_delay(self, jump):
        line = Line()
        at = self.steady(line)
        heard = self.resume(line, START + 100 * SAMPLES + jump, at)
        assert line.buffer.discarded == 1
        assert played(heard)[-1] >= 1000 + 50 - 5
        assert heard[10:] == [str(int(heard[10]) + n) for n in range(40)]

    @pytest.mark.parametrize("jump_s", [-1.9, -0.5, -0.1, 0.1, 0.3, 0.5, 0.8, 0.99])
    def test_a_smaller_jump_between_two_packets_in_sequence_costs_nothing(self, jump_s):
        line = Line()
        heard = []
        for number in range(200):
            at = START + number * SAMPLES + (int(jump_s * RATE) if number >= 100 else 0)
            line.buffer.put(at, SAMPLES, RATE, str(number).encode(), None, number * PACKET_S, follows=number > 0)
            heard.append(line.play(number * PACKET_S + 0.007))
        assert played(from_first(heard)) == list(range(played(heard)[0], played(heard)[0] + len(from_first(heard))))
        assert line.buffer.buffered_ms < 60
        assert line.buffer.discarded == line.buffer.late == 0

    def test_one_wild_timestamp_changes_nothing(self):
        line = Line()
        arrivals = on_time(200)
        line.run(dict(list(arrivals.items())[:100]), 2.0)
        assert line.put(999, 2.01, 123456789) == DISCARDED
        for number in range(98, 150):
            line.put(number, number * PACKET_S + 0.04)
            assert line.play(number * PACKET_S + 0.047) != "999"
        assert line.buffer.discarded == 1

    def test_another_source_goes_on_without_losing_any(self):
        line = Line()
        at = self.steady(line)
        line.buffer.other_source()
        heard = self.resume(line, 77, at)
        assert line.buffer.discarded == 0
        assert played(heard)[-40:] == list(range(played(heard)[-1] - 39, played(heard)[-1] + 1))
        assert 1000 in played(heard)

    @pytest.mark.parametrize("silence_s", [0.3, 1.0, 30.0])
    def test_a_pause_in_which_timestamps_go_on(self, silence_s):
        """Silence suppression: the next talk spurt has the usual delay."""
        line = Line()
        at = self.steady(line) + silence_s
        for tick in range(int(silence_s / PACKET_S)):
            line.play(2.0 + tick * PACKET_S)
        heard = self.resume(line, START + 100 * SAMPLES + int(silence_s * RATE), at)
        assert played(heard)[:40] == list(range(1000, 1040))
        assert line.buffer.discarded == 0

    @pytest.mark.parametrize("silence_s", [0.5, 1.5, 30.0])
    def test_a_pause_in_which_timestamps_stand_still(self, silence_s):
        """A hold by a phone that stops its clock: neither late nor delayed for it."""
        line = Line()
        at = self.steady(line) + silence_s
        for tick in range(int(silence_s / PACKET_S)):
            line.play(2.0 + tick * PACKET_S)
        heard = self.resume(line, START + 100 * SAMPLES, at)
        assert int(heard[-1]) >= 1000 + 50 - 4
        assert line.buffer.discarded <= 1

    def test_another_clock_rate_goes_on(self):
        line = Line()
        at = self.steady(line)
        heard = []
        for number in range(50):
            line.buffer.put(9 + number * 320, 320, 16000, str(number).encode(), None, at + number * PACKET_S)
            heard.append(line.play(at + number * PACKET_S + 0.007))
        assert int(heard[-1]) >= 45


class TestBounds:
    def test_packets_nobody_asks_for_do_not_pile_up(self):
        line = Line()
        for number in range(5000):
            line.put(number, number * PACKET_S)
        assert len(line.buffer) <= jitter.MAX_WAITING_S / PACKET_S + 1
        assert line.buffer.discarded == 5000 - len(line.buffer)
        assert int(line.play(5000 * PACKET_S)) > 4990

    def test_crumbs_are_bounded_in_number(self):
        buffer = JitterBuffer()
        for number in range(5000):
            buffer.put(number * 8, 8, RATE, b"12345678", None, 0.0)
        assert len(buffer) <= jitter.MAX_PACKETS

    def test_lumps_are_bounded_in_octets(self):
        buffer = JitterBuffer()
        for number in range(100):
            buffer.put(number * 441, 441, 44100, bytes(60000), None, 0.0)
        assert len(buffer) <= jitter.MAX_OCTETS / 60000

    @pytest.mark.parametrize("samples", [0, 2001, 64000])
    def test_nothing_and_too_much_are_no_packets(self, samples):
        assert JitterBuffer().put(0, samples, RATE, b"", None, 0.0) == DISCARDED

    def test_the_histogram_is_bounded_whatever_the_delays(self):
        estimate = DelayEstimate()
        chance = random.Random(1)
        for _ in range(20000):
            estimate.update(chance.uniform(-1000, 1000), PACKET_S)
        assert len(estimate._weights) <= DelayEstimate._MAX_BINS + DelayEstimate._COUNT_EVERY


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("next"), st.integers(0, 4), st.floats(0, 0.1)),
        st.tuples(st.just("any"), st.integers(0, 2**32 - 1), st.floats(0, 3)),
        st.tuples(st.just("pull"), st.integers(0, 40), st.floats(0, 3)),
        st.tuples(st.just("source"), st.just(0), st.just(0.0)),
    ),
    max_size=120,
)


@settings(max_examples=100, deadline=None)
@given(STEPS, st.sampled_from([8000, 44100]), st.integers(1, 3000))
def test_whatever_comes_it_holds_its_bounds_and_gives_each_packet_once(steps, rate, samples):
    buffer = JitterBuffer()
    now, timestamp, kept, given_out = 0.0, 0, 0, 0
    for what, number, step in steps:
        now += step
        if what == "pull":
            packet = buffer.pull(now, number / 100)
            given_out += packet is not None
            assert packet is not None or buffer.lacking_s > 0
            assert packet is None or 0 <= packet.overlap_s < packet.end - packet.begin
        elif what == "source":
            buffer.other_source()
        else:
            timestamp = (timestamp + number * samples) % 2**32 if what == "next" else number
            kept += buffer.put(timestamp, samples, rate, bytes(50), None, now) == KEPT
        waiting = [(packet.begin, packet.end) for packet in buffer._queue]
        assert waiting == sorted(waiting)
        assert len(buffer) <= jitter.MAX_PACKETS
        assert not waiting or waiting[-1][1] - waiting[0][0] <= jitter.MAX_WAITING_S or len(waiting) == 1
        assert buffer._octets == 50 * len(buffer)
        assert buffer.buffered_ms >= 0
    assert given_out + len(buffer) <= kept
