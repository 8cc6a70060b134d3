"""Telephone-events (RFC 4733), packet by packet, and with a network between."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media.dtmf import DIGITS, END_PACKETS, MAX_QUEUED, DigitReceiver, DigitSender, EventPacket
from engine.media.errors import MediaError


def frames_of(digits: str, frame_ms: float = 20.0, frames: int = 60) -> list[EventPacket | None]:
    sender = DigitSender()
    assert sender.queue(digits)
    samples = round(frame_ms * 8)
    return [sender.next(1000 + number * samples, frame_ms, 8.0) for number in range(frames)]


def fields(packet: EventPacket) -> tuple[int, bool, int, int]:
    """Event, end, volume, duration."""
    event, flags = packet.payload[0], packet.payload[1]
    return event, bool(flags & 0x80), flags & 0x3F, int.from_bytes(packet.payload[2:], "big")


def event(code: int, duration: int, end: bool = False) -> bytes:
    return bytes((code, (0x80 if end else 0) | 10)) + duration.to_bytes(2, "big")


class TestSending:
    def test_one_digit_packet_by_packet(self):
        packets = frames_of("5", frames=12)
        told = [packet and (packet.marker, packet.timestamp, *fields(packet)) for packet in packets]
        assert told == [
            (True, 1000, 5, False, 10, 160),
            (False, 1000, 5, False, 10, 320),
            (False, 1000, 5, False, 10, 480),
            (False, 1000, 5, False, 10, 640),
            (False, 1000, 5, True, 10, 800),
            (False, 1000, 5, True, 10, 800),
            (False, 1000, 5, True, 10, 800),
            *[None] * 5,
        ]

    @pytest.mark.parametrize("frame_ms", [10.0, 20.0, 30.0, 60.0])
    def test_every_frame_length_gives_a_marker_a_growing_duration_and_three_ends(self, frame_ms):
        packets = [packet for packet in frames_of("#", frame_ms) if packet]
        assert [packet.marker for packet in packets] == [True] + [False] * (len(packets) - 1)
        durations = [fields(packet)[3] for packet in packets]
        assert durations == sorted(durations) and 800 <= durations[-1] < 800 + frame_ms * 8
        assert [fields(packet)[1] for packet in packets].count(True) == END_PACKETS
        assert fields(packets[-END_PACKETS])[1]

    def test_digits_follow_each_other_with_a_gap_and_their_own_timestamps(self):
        packets = frames_of("12", frames=60)
        begins = [number for number, packet in enumerate(packets) if packet and packet.marker]
        assert begins == [0, 11]  # 100 ms, two repeats of the end, 80 ms
        assert [packet.timestamp for packet in packets if packet and packet.marker] == [1000, 1000 + 11 * 160]

    def test_all_sixteen_have_their_codes(self):
        packets = frames_of(DIGITS, frames=200)
        assert [fields(packet)[0] for packet in packets if packet and packet.marker] == list(range(16))

    def test_busy_until_the_last_end_has_gone(self):
        sender = DigitSender()
        assert not sender.busy
        sender.queue("1")
        for number in range(7):
            assert sender.busy
            assert sender.next(number * 160, 20.0, 8.0)
        assert not sender.busy

    def test_small_letters_are_the_same_digits(self):
        assert fields(frames_of("a")[0])[0] == 12  # type: ignore[arg-type]

    @pytest.mark.parametrize("digits", ["1x", "12 3", "é", "\n"])
    def test_what_is_no_digit_is_refused_and_nothing_is_sent(self, digits):
        sender = DigitSender()
        assert not sender.queue(digits)
        assert not sender.busy

    def test_the_queue_is_bounded(self):
        sender = DigitSender()
        assert sender.queue("1" * MAX_QUEUED)
        assert not sender.queue("1")

    def test_a_48_khz_clock_cannot_overflow_the_duration(self):
        sender = DigitSender()
        sender.queue("1")
        packets = [sender.next(0, 60.0, 1000.0) for _ in range(4)]
        assert [fields(packet)[3] for packet in packets if packet] == [60000, 65535, 65535, 65535]


class TestReceiving:
    def hear(self, *packets: tuple[int, bytes], gap_s: float = 0.02) -> list[tuple[str, float]]:
        """Timestamps and payloads, 20 ms apart, then silence."""
        receiver = DigitReceiver()
        now = 0.0
        heard = []
        for timestamp, payload in packets:
            now += gap_s
            receiver.receive(payload, timestamp, 8.0, now)
            heard += receiver.digits(now)
        return heard + receiver.digits(now + 1.0)

    def test_repeats_of_the_end_count_once(self):
        assert self.hear((100, event(5, 160)), *[(100, event(5, 800, True))] * 3) == [("5", 100.0)]

    def test_one_packet_of_it_is_enough(self):
        assert self.hear((100, event(11, 800, True))) == [("#", 100.0)]
        assert self.hear((100, event(10, 160))) == [("*", 20.0)]

    def test_a_lost_end_is_made_up_by_silence(self):
        receiver = DigitReceiver()
        receiver.receive(event(1, 160), 100, 8.0, 0.0)
        receiver.receive(event(1, 320), 100, 8.0, 0.02)
        assert receiver.digits(0.1) == []
        assert receiver.digits(0.3) == [("1", 40.0)]
        receiver.receive(event(1, 800, True), 100, 8.0, 0.4)  # it was only delayed
        assert receiver.digits(1.0) == []

    def test_a_lost_end_is_made_up_by_the_end_of_the_call(self):
        receiver = DigitReceiver()
        receiver.receive(event(1, 160), 100, 8.0, 0.0)
        receiver.end()
        assert receiver.digits(0.0) == [("1", 20.0)]
        receiver.end()
        assert receiver.digits(0.0) == []

    def test_a_lost_end_is_made_up_by_the_next_digit(self):
        assert self.hear((100, event(1, 160)), (2000, event(1, 160)), (2000, event(1, 800, True))) == [
            ("1", 20.0),
            ("1", 100.0),
        ]

    def test_the_same_digit_twice_is_two(self):
        assert self.hear((100, event(7, 800, True)), (2000, event(7, 800, True))) == [("7", 100.0), ("7", 100.0)]

    def test_a_straggler_of_the_digit_before_is_not_a_new_one(self):
        assert self.hear(
            (100, event(1, 800, True)), (2000, event(2, 160)), (100, event(1, 800, True)), (2000, event(2, 800, True))
        ) == [("1", 100.0), ("2", 100.0)]

    def test_a_shorter_duration_that_comes_late_does_not_shorten_it(self):
        assert self.hear((100, event(1, 480)), (100, event(1, 160))) == [("1", 60.0)]

    def test_a_digit_of_nine_seconds_is_one_digit(self):
        """RFC 4733 2.5.1.3: the next segment begins at the timestamp where 65,535 units are full."""
        packets = [(100, event(1, duration)) for duration in range(800, 65535, 800)]
        packets += [(100 + 65535, event(1, duration)) for duration in range(800, 6465, 800)]
        packets += [(100 + 65535, event(1, 6465, True))] * 3
        assert self.hear(*packets) == [("1", 9000.0)]

    def test_timestamps_that_wrap_or_begin_anew_do_not_make_it_deaf(self):
        assert self.hear(
            (0xFFFFFF00, event(1, 800, True)), (0x00000200, event(2, 800, True)), (0xF0000000, event(3, 800, True))
        ) == [("1", 100.0), ("2", 100.0), ("3", 100.0)]

    def test_another_digit_at_the_same_timestamp_is_heard(self):
        assert self.hear((0, event(1, 800, True)), (0, event(2, 800, True))) == [("1", 100.0), ("2", 100.0)]

    def test_flash_and_tones_are_not_digits(self):
        assert self.hear((100, event(16, 800, True)), (200, event(255, 800, True))) == []

    @pytest.mark.parametrize("octets", range(4))
    def test_too_short_is_an_error(self, octets):
        with pytest.raises(MediaError):
            DigitReceiver().receive(bytes(octets), 0, 8.0, 0.0)

    def test_what_follows_the_four_octets_is_ignored(self):
        assert self.hear((100, event(5, 800, True) + b"more")) == [("5", 100.0)]

    def test_nobody_asks_for_a_flood(self):
        receiver = DigitReceiver()
        for number in range(5000):
            receiver.receive(event(number % 10, 800, True), number * 1000, 8.0, number * 0.001)
        assert len(receiver.digits(5.0)) == MAX_QUEUED


@settings(max_examples=100, deadline=None)
@given(
    st.text(DIGITS, min_size=1, max_size=6),
    st.lists(st.booleans(), min_size=80, max_size=80),
    st.lists(st.integers(0, 2), min_size=80, max_size=80),
)
def test_digits_arrive_once_and_in_order_whatever_is_lost_doubled_or_swapped(digits, lost, moved):
    """As long as one packet of each digit comes."""
    packets = [packet for packet in frames_of(digits, frames=80) if packet]
    came = [packet for packet, gone in zip(packets, lost, strict=False) if not gone]
    order = sorted(range(len(came)), key=lambda place: place + moved[place])
    receiver = DigitReceiver()
    heard = []
    for step, place in enumerate(order):
        receiver.receive(came[place].payload, came[place].timestamp, 8.0, step * 0.02)
        heard += receiver.digits(step * 0.02)
    heard += receiver.digits(100.0)
    begins = sorted({packet.timestamp: fields(packet)[0] for packet in came}.items())
    assert sorted(digit for digit, _ in heard) == sorted(DIGITS[code] for _, code in begins)
    assert all(20.0 <= duration <= 100.0 for _, duration in heard)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.binary(max_size=8), st.integers(0, 0xFFFFFFFF), st.floats(0, 0.3)), max_size=60))
def test_any_bytes_are_survived(packets):
    receiver = DigitReceiver()
    now = 0.0
    for payload, timestamp, step in packets:
        now += step
        try:
            receiver.receive(payload, timestamp, 8.0, now)
        except MediaError:
            assert len(payload) < 4
        assert all(digit in DIGITS and duration >= 0 for digit, duration in receiver.digits(now))
