"""Sequence, loss and jitter of one source (RFC 3550 A.1, A.3, A.8)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media import rtcp
from engine.media.source import (
    DUPLICATE,
    JUMP,
    MAX_DROPOUT,
    MAX_MISORDER,
    MIN_NEAR,
    NEW,
    PROBATION,
    REORDERED,
    RESTART,
    Source,
)

FAST = settings(max_examples=100, deadline=None)


def hear(source: Source, *sequences: int) -> list[str]:
    """Packets of 20 ms that arrive exactly on time."""
    return [source.update(number % 65536, number * 160 % 2**32, number * 0.02) for number in sequences]


def believed(first: int = 100) -> Source:
    source = Source(7, first, 8000)
    hear(source, first, first + 1)
    return source


# ------------------------------------------------------------------ A.1: probation


def test_two_in_sequence_are_believed_and_both_counted() -> None:
    source = Source(7, 100, 8000)
    assert hear(source, 100) == [PROBATION]
    assert not source.believed
    assert (source.received, source.expected, source.lost, source.loss_percent) == (0, 0, 0, None)
    assert hear(source, 101) == [NEW]
    assert source.believed
    assert (source.received, source.expected, source.lost, source.loss_percent) == (2, 2, 0, 0.0)


def test_probation_begins_again_after_a_gap() -> None:
    source = Source(7, 100, 8000)
    assert hear(source, 100, 102, 102, 900, 901) == [PROBATION] * 4 + [NEW]
    assert (source.received, source.expected) == (2, 2)


def test_probation_over_the_wrap() -> None:
    source = Source(7, 65535, 8000)
    assert hear(source, 65535, 65536, 65537) == [PROBATION, NEW, NEW]
    assert (source.received, source.expected, source.highest_sequence) == (3, 3, 1)


@pytest.mark.parametrize("first", [100, 65534])
def test_two_paths_that_take_turns_are_believed_though_no_packet_follows_another(first: int) -> None:
    source = Source(7, first + 1, 8000)
    swapped = [first + place for pair in range(0, 40, 2) for place in (pair + 1, pair)]
    assert hear(source, *swapped)[: MIN_NEAR + 1] == [PROBATION] * (MIN_NEAR - 1) + [NEW, REORDERED]
    assert (source.received, source.expected, source.lost) == (40, 40, 0)


def test_a_sender_that_begins_anew_is_followed_on_two_paths_that_take_turns() -> None:
    source = believed()
    swapped = [30000 + place for pair in range(0, 20, 2) for place in (pair + 1, pair)]
    kinds = hear(source, *swapped)
    assert kinds[:MIN_NEAR] == [JUMP] * (MIN_NEAR - 1) + [RESTART] and JUMP not in kinds[MIN_NEAR:]
    assert hear(believed(), *[30000] * 20) == [JUMP] * 20, "one packet that comes again and again is no stream"


def test_numbers_from_here_and_there_are_never_believed() -> None:
    source = Source(7, 100, 8000)
    assert set(hear(source, *(100 + 977 * number for number in range(60)))) == {PROBATION}


# ------------------------------------------------------------------ A.1, A.3: sequence and loss


def test_a_gap_is_lost() -> None:
    source = believed()
    assert hear(source, 105) == [NEW]
    assert (source.expected, source.received, source.lost) == (6, 3, 3)
    assert source.loss_percent == 50.0


def test_a_late_packet_fills_the_gap() -> None:
    source = believed()
    assert hear(source, 103, 102, 104) == [NEW, REORDERED, NEW]
    assert (source.lost, source.reordered, source.duplicate) == (0, 1, 0)


def test_a_duplicate_counts_as_received() -> None:
    source = believed()
    assert hear(source, 101, 102, 102, 101) == [DUPLICATE, NEW, DUPLICATE, DUPLICATE]
    assert (source.received, source.expected, source.lost, source.duplicate) == (6, 3, -3, 3)
    assert source.loss_percent == 0.0


def test_a_duplicate_of_a_reordered_packet() -> None:
    assert hear(believed(), 103, 102, 102) == [NEW, REORDERED, DUPLICATE]


def test_the_packet_before_the_first_belongs_to_the_stream() -> None:
    source = believed(100)
    assert hear(source, 99) == [REORDERED]
    assert (source.expected, source.received, source.lost) == (3, 3, 0)


def test_the_packet_before_the_first_over_the_wrap() -> None:
    source = believed(0)
    assert source.update(65535, 0, 0.0) == REORDERED
    assert (source.expected, source.received, source.highest_sequence) == (3, 3, 1)


def test_the_wrap_counts_a_cycle() -> None:
    source = believed(65534)
    hear(source, 65536, 65537)
    assert source.highest_sequence == 0x10001
    assert (source.expected, source.received) == (4, 4)


def test_a_gap_over_the_wrap_and_its_late_packet() -> None:
    source = believed(65530)
    assert hear(source, 65540, 65535) == [NEW, REORDERED]
    assert source.highest_sequence == 0x10004
    assert (source.expected, source.received) == (11, 4)


def test_many_cycles() -> None:
    source = believed(0)
    for number in range(2, 65536 * 5 + 2000, 1000):
        hear(source, number)
    assert source.highest_sequence >> 16 == 5


def test_the_extended_number_wraps_at_32_bits() -> None:
    source = believed(0)
    source._cycles, source._max_sequence = 0xFFFF << 16, 65535  # after three years
    assert source.update(0, 0, 0.0) == NEW
    assert source.highest_sequence == 0


@pytest.mark.parametrize(("gap", "kind"), [(MAX_DROPOUT - 1, NEW), (MAX_DROPOUT, JUMP)])
def test_how_far_ahead_is_a_gap(gap: int, kind: str) -> None:
    assert hear(believed(100), 101 + gap) == [kind]


@pytest.mark.parametrize(("back", "kind"), [(MAX_MISORDER - 1, REORDERED), (MAX_MISORDER, JUMP)])
def test_how_far_behind_is_reordered(back: int, kind: str) -> None:
    assert hear(believed(1000), 1001 - back) == [kind]


# ------------------------------------------------------------------ A.1: jumps and restarts


def test_one_stray_number_changes_nothing() -> None:
    source = believed()
    assert hear(source, 40_000, 102) == [JUMP, NEW]
    assert (source.received, source.lost, source.jumps, source.restarts) == (3, 0, 1, 0)


def test_two_in_sequence_after_a_jump_are_a_restart() -> None:
    source = believed()
    hear(source, 105)
    assert hear(source, 40_000, 40_001, 40_002) == [JUMP, RESTART, NEW]
    assert source.restarts == 1
    assert source.highest_sequence == 40_002
    assert (source.expected, source.received, source.lost) == (8, 5, 3)  # the loss before is not forgotten


def test_two_strays_with_the_stream_between_them_are_no_restart() -> None:
    assert hear(believed(), 40_000, 102, 40_001, 103) == [JUMP, NEW, JUMP, NEW]


def test_a_restart_at_the_wrap() -> None:
    source = believed(30_000)
    assert hear(source, 65535, 65536, 65537) == [JUMP, RESTART, NEW]
    assert source.highest_sequence == 1


# ------------------------------------------------------------------ A.8: jitter


def test_no_jitter_is_known_from_one_packet() -> None:
    source = Source(7, 0, 8000)
    assert source.jitter_ms is None
    hear(source, 0, 1)
    assert source.jitter_ms is None  # the one on probation is not measured
    hear(source, 2)
    assert source.jitter_ms == 0.0


def test_the_estimator_of_a_8() -> None:
    """Arrivals that alternate 10 ms early and on time: |D| is 80 units each time."""
    source = believed(0)
    wanted = 0.0
    for number in range(2, 60):
        source.update(number, number * 160, number * 0.02 - (0.01 if number % 2 else 0.0))
        if number > 2:
            wanted += (80 - wanted) / 16
    assert source.jitter == pytest.approx(wanted)
    assert source.jitter_ms == pytest.approx(wanted / 8)


def test_timestamps_that_wrap_are_no_jitter() -> None:
    source = Source(7, 0, 8000)
    for number in range(10):
        source.update(number, (2**32 - 800 + number * 160) % 2**32, number * 0.02)
    assert source.jitter == pytest.approx(0.0, abs=1e-6)
    assert source.timestamp_jumps == 0


def test_timestamps_set_anew_are_counted_and_not_jitter() -> None:
    source = believed(0)
    for number in range(2, 10):
        source.update(number, number * 160 + (1_000_000_000 if number > 5 else 0), number * 0.02)
    assert source.jitter == pytest.approx(0.0, abs=1e-6)
    assert source.timestamp_jumps == 1


def test_a_silence_that_the_timestamps_know_of_is_no_jitter() -> None:
    source = believed(0)
    source.update(2, 2 * 160, 0.04)
    source.update(3, 8000 * 60, 60.0)
    assert source.jitter == pytest.approx(0.0, abs=1e-6)


def test_repeats_of_a_digit_are_counted_and_not_timed() -> None:
    source = believed(0)
    for number in range(2, 10):
        assert source.update(number, 320, number * 0.02, timed=False) == NEW
    assert source.received == 10
    assert source.jitter_ms is None


def test_a_new_clock_rate_keeps_what_is_known() -> None:
    source = believed(0)
    for number in range(2, 40):
        source.update(number, number * 160, number * 0.02 - (0.01 if number % 2 else 0.0))
    before_ms = source.jitter_ms
    source.set_clock_rate(48_000)
    assert source.jitter_ms == pytest.approx(before_ms)
    source.update(40, 5, 40 * 0.02)
    assert source.jitter_ms == pytest.approx(before_ms)  # the first of the new clock has nothing to compare with


# ------------------------------------------------------------------ A.3, 6.4.1: the report block


def test_a_report_closes_its_interval() -> None:
    source = believed(0)
    hear(source, 3)
    block = source.report_block(1.0)
    assert block == rtcp.ReportBlock(7, 64, 1, 3, 0, 0, 0)  # 1 of 4 lost
    hear(source, 4, 5, 6, 7)
    assert source.report_block(2.0).fraction_lost == 0
    assert source.report_block(2.0).lost == 1


def test_only_a_source_heard_since_belongs_in_the_next_report() -> None:
    source = Source(7, 0, 8000)
    hear(source, 0)
    assert not source.heard_since_report
    hear(source, 1)
    assert source.heard_since_report
    source.report_block(1.0)
    assert not source.heard_since_report


def test_looking_changes_nothing() -> None:
    source = believed(0)
    hear(source, 3)
    looks = [(source.lost, source.loss_percent, source.jitter, source.expected) for _ in range(3)]
    assert looks[0] == looks[1] == looks[2]
    assert source.report_block(1.0).fraction_lost == 64


def test_more_duplicates_than_losses_is_no_fraction() -> None:
    source = believed(0)
    source.report_block(0.0)
    hear(source, 3, 3, 3, 3)
    block = source.report_block(1.0)
    assert (block.fraction_lost, block.lost) == (0, -2)


def test_nearly_everything_lost_fits_its_eight_bits() -> None:
    source = believed(0)
    source.report_block(0.0)
    hear(source, 2999)
    assert source.report_block(1.0).fraction_lost == 255


def test_the_delay_since_the_last_sender_report() -> None:
    source = believed(0)
    block = source.report_block(12.5, last_sr=0x12345678, last_sr_at=11.0)
    assert (block.last_sr, block.delay_since_last_sr) == (0x12345678, 98304)
    assert source.report_block(12.5, last_sr=0, last_sr_at=11.0).delay_since_last_sr == 0
    assert source.report_block(10.0, last_sr=1, last_sr_at=11.0).delay_since_last_sr == 0
    assert source.report_block(1e9, last_sr=1, last_sr_at=0.0).delay_since_last_sr == 0xFFFFFFFF


# ------------------------------------------------------------------ whatever comes

steps = st.one_of(
    st.integers(1, 1),
    st.integers(-5, 5),
    st.integers(-130, 130),
    st.integers(0, 65535),
)
times = st.floats(0.0, 1e9)


@FAST
@given(
    st.integers(0, 65535),
    st.lists(st.tuples(steps, st.integers(0, 2**32 - 1), times, st.booleans()), max_size=80),
    st.lists(st.integers(0, 79), max_size=4),
)
def test_any_packets(first: int, packets: list[tuple[int, int, float, bool]], reports: list[int]) -> None:
    source = Source(7, first, 8000)
    kinds = [source.update(first, 0, 0.0)]
    sequence = first
    for index, (step, timestamp, arrival, timed) in enumerate(packets):
        sequence = (sequence + step) % 65536
        kinds.append(source.update(sequence, timestamp, arrival, timed))
        assert 0 <= source.highest_sequence < 2**32
        assert source.lost == source.expected - source.received
        if index in reports:
            block = source.report_block(arrival, 1, 0.0)
            assert rtcp.parse(rtcp.build([rtcp.ReceiverReport(1, (block,))]))
    counted = [kind for kind in kinds if kind not in (PROBATION, JUMP)]
    on_probation = source.received - len(counted)  # they are counted with the first one that is believed
    assert on_probation == 0 if not source.believed else 0 < on_probation < MIN_NEAR
    assert source.duplicate == kinds.count(DUPLICATE)
    assert source.reordered == kinds.count(REORDERED)
    assert source.restarts == kinds.count(RESTART)
    assert source.jumps == kinds.count(JUMP)
    assert source.lost >= -source.duplicate  # nothing but duplicates makes it negative
    assert 0.0 <= source.jitter < 16_000


@FAST
@given(st.integers(0, 65535), st.permutations(range(12)))
def test_any_order_within_the_window_loses_nothing(first: int, order: list[int]) -> None:
    """Two in sequence first, so that the source is believed before the disorder begins."""
    source = Source(7, first, 8000)
    for number in (first, first + 1, *(first + 2 + place for place in order)):
        source.update(number % 65536, 0, 0.0)
    assert (source.lost, source.received, source.duplicate) == (0, 14, 0)


@FAST
@given(st.sets(st.integers(2, 400)), st.integers(0, 65535))
def test_loss_is_what_was_left_out(kept: set[int], first: int) -> None:
    source = Source(7, first, 8000)
    for number in (0, 1, *sorted(kept), 401):
        source.update((first + number) % 65536, 0, 0.0)
    assert source.lost == 402 - len(kept) - 3
    assert source.highest_sequence & 0xFFFF == (first + 401) % 65536
