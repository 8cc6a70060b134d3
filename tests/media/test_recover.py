"""Redundant packets both ways (RFC 2198): what is repeated, what fills a hole, how long is waited, what is counted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media import codecs, red, rtp
from engine.media.jitter import KEPT, LATE, JitterBuffer
from engine.media.red import Block
from engine.media.stream import AudioStream
from tests.media.test_dtmf import event
from tests.media.virtual import EVENTS, OneWay, Wire, jitter, make_stream, speech

RED = 121
SILENCE = np.zeros(160, np.int16)
FRAMES = {number: codecs.make("PCMU", 8000).encode(np.full(160, 100 * number, np.int16)) for number in range(40)}


def sender(distances: tuple[int, ...] = (1, 2), **changes: object) -> AudioStream:
    stream = make_stream(red_send=RED, **changes)
    stream.repeat(distances)
    return stream


def listener(**changes: object) -> AudioStream:
    return make_stream(seed=2, red_receive=frozenset({RED}), **changes)


def sent(stream: AudioStream, frames: int, first: int = 0) -> list[rtp.RtpPacket]:
    return [rtp.parse(stream.send_frame(SILENCE, (first + number) * 0.02)) for number in range(frames)]


def blocks(packet: rtp.RtpPacket) -> list[int]:
    """How much earlier than the packet each block is, in packets of 20 ms."""
    return [(packet.timestamp - block.timestamp) // 160 for block in red.parse(packet.payload, packet.timestamp)]


def redundant(number: int, *earlier: int, sequence: int | None = None, ssrc: int = 7) -> bytes:
    """Packet ``number`` of a stream, with the frames of these packets before it."""
    own = Block(0, 160 * number, FRAMES[number])
    payload = red.build(own, [Block(0, 160 * place, FRAMES[place]) for place in earlier])
    assert payload is not None
    return rtp.build(RED, False, number if sequence is None else sequence, own.timestamp, ssrc, payload)


class TestSending:
    def test_each_packet_repeats_what_was_sent_before_it(self):
        packets = sent(sender((1, 3)), 6)
        assert packets[0].payload_type == 0, "nothing to repeat yet: plain"
        assert {packet.payload_type for packet in packets[1:]} == {RED}
        assert [blocks(packet) for packet in packets[1:]] == [[1, 0], [1, 0], [3, 1, 0], [3, 1, 0], [3, 1, 0]]

    def test_it_is_switched_from_packet_to_packet_and_the_numbers_go_on(self):
        stream = sender(())
        packets = sent(stream, 3)
        for first, distances in ((3, (1,)), (6, (1, 2)), (9, ())):
            stream.repeat(distances)
            packets += sent(stream, 3, first)
        assert [packet.payload_type for packet in packets] == [0] * 3 + [RED] * 6 + [0] * 3
        assert [packet.sequence for packet in packets] == [(packets[0].sequence + n) & 0xFFFF for n in range(12)]
        assert [(packet.timestamp - packets[0].timestamp) % 2**32 for packet in packets] == [160 * n for n in range(12)]
        assert [packet.marker for packet in packets] == [True] + [False] * 11

    def test_a_far_end_that_does_not_take_it_is_sent_none(self):
        stream = make_stream()
        stream.repeat((1, 2))
        assert {packet.payload_type for packet in sent(stream, 4)} == {0}

    def test_what_is_too_large_to_repeat_goes_plain(self):
        stream = sender(codec="L16/16000")
        frame = np.zeros(stream.frame_samples, np.int16)
        packets = [rtp.parse(stream.send_frame(frame, number * 0.02)) for number in range(4)]
        assert {packet.payload_type for packet in packets} == {96}

    def test_digits_go_plain(self):
        stream = sender()
        assert stream.send_digits("5")
        assert [packet.payload_type for packet in sent(stream, 9)] == [EVENTS] * 7 + [0, RED]

    def test_frames_of_another_codec_are_not_repeated(self):
        stream = sender(redundancy=2)
        sent(stream, 3)
        wire = codecs.formats(["PCMA"])[0]
        stream.update(
            send=wire,
            receive={8: wire[1:]},
            dtmf_send=None,
            dtmf_receive={},
            ptime_ms=20,
            now=0.06,
            red_send=RED,
        )
        packets = sent(stream, 2, 3)
        assert packets[0].payload_type == 8 and blocks(packets[1]) == [1, 0]


class TestHearing:
    def hear(self, *datagrams: tuple[float, bytes], until: float = 0.4) -> tuple[list[int], AudioStream]:
        """What was heard at each tick, as numbers of frames (-1: something else)."""
        ear = listener()
        coming = sorted(datagrams)
        heard = []
        for tick in range(int(until / 0.02)):
            now = 0.007 + tick * 0.02
            while coming and coming[0][0] <= now:
                at, data = coming.pop(0)
                ear.receive_rtp(data, at)
            frame = ear.play_frame(now)
            known = [number for number in range(1, 40) if np.all(abs(frame[40:] - 100 * number) < 30)]
            heard.append(known[0] if known else -1)
        return heard, ear

    def test_a_lost_packet_is_heard_from_the_next_one(self):
        arrivals = [(0.02 * n, redundant(n, n - 1)) for n in range(1, 15) if n not in (5, 9)]
        heard, ear = self.hear(*arrivals)
        rx = ear.stats(0.4).rx
        assert [number for number in heard if number > 0] == list(range(1, 15))
        assert (rx.recovered, rx.lost, rx.late, rx.duplicate, rx.discarded) == (2, 2, 0, 0, 0)

    def test_what_had_come_already_is_neither_played_nor_counted_again(self):
        arrivals = [(0.02 * n, redundant(n, *range(max(1, n - 3), n))) for n in range(2, 15)]
        heard, ear = self.hear(*arrivals)
        rx = ear.stats(0.4).rx
        assert [number for number in heard if number > 0] == list(range(2, 15))
        assert (rx.recovered, rx.lost, rx.late, rx.duplicate, rx.packets) == (0, 0, 0, 0, 13)

    def test_a_packet_that_comes_after_it_was_heard_is_no_duplicate(self):
        arrivals = [(0.02 * n, redundant(n, n - 1)) for n in range(1, 15) if n != 6]
        heard, ear = self.hear(*arrivals, (0.2, redundant(6, 5)))
        rx = ear.stats(0.4).rx
        assert [number for number in heard if number > 0] == list(range(1, 15))
        assert (rx.recovered, rx.lost, rx.late, rx.duplicate, rx.reordered) == (1, 0, 0, 0, 1)

    def test_a_packet_that_comes_before_it_was_missed_counts_as_itself(self):
        arrivals = [(0.02 * n, redundant(n, n - 1)) for n in range(1, 15) if n != 6]
        heard, ear = self.hear(*arrivals, (0.1405, redundant(6, 5)))
        rx = ear.stats(0.4).rx
        assert [number for number in heard if number > 0] == list(range(1, 15))
        assert (rx.recovered, rx.duplicate, rx.reordered) == (0, 0, 1)

    def test_a_doubled_packet_is_a_duplicate_still(self):
        arrivals = [(0.02 * n, redundant(n, n - 1)) for n in range(1, 15)]
        _, ear = self.hear(*arrivals, (0.1401, redundant(7, 6)))
        assert ear.stats(0.4).rx.duplicate == 1

    @pytest.mark.parametrize(
        ("payload", "discarded"),
        [(b"", 1), (b"\x80\x02\x80", 1), (bytes([RED]) + b"nested", 1), (b"\x7fno such payload type", 1)],
    )
    def test_what_cannot_be_read_is_counted_once_and_is_no_loss(self, payload, discarded):
        ear = listener()
        ear.receive_rtp(redundant(1, 0), 0.0)
        ear.receive_rtp(rtp.build(RED, False, 2, 320, 7, payload), 0.02)
        ear.receive_rtp(redundant(3, 2), 0.04)
        rx = ear.stats(0.1).rx
        assert (rx.packets, rx.lost, rx.discarded) == (3, 0, discarded)

    def test_who_did_not_agree_to_it_hears_an_unknown_payload_type(self):
        ear = make_stream()
        ear.receive_rtp(rtp.build(0, False, 1, 160, 7, FRAMES[1]), 0.0)
        ear.receive_rtp(redundant(2, 1), 0.02)
        assert ear.stats(0.1).rx.discarded == 1

    def test_digits_in_redundant_packets_come_out_once(self):
        """RFC 4733 section 2.6: a lost end is known from the next packet, and nothing is doubled."""
        ear = listener()
        states = [(0, 160, False), (0, 320, False), (0, 480, True), (640, 160, False), (640, 480, True)]
        for number, (at, duration, end) in enumerate(states):
            own = Block(EVENTS, 1000 + at, event(5, duration, end))
            earlier = [Block(EVENTS, 1000, event(5, 480, True))] if at else []
            payload = red.build(own, earlier)
            kind, data = (EVENTS, own.payload) if payload is None else (RED, payload)
            if number != 2:
                ear.receive_rtp(rtp.build(kind, False, number, own.timestamp, 7, data), 0.02 * number)
        assert ear.digits(1.0) == [("5", 60.0), ("5", 60.0)]

    def test_sound_and_digits_may_share_a_packet(self):
        ear = listener()
        for number in range(4):
            payload = red.build(Block(0, 160 * number + 800, FRAMES[1]), [Block(EVENTS, 100, event(7, 640, True))])
            assert payload is not None
            ear.receive_rtp(rtp.build(RED, False, number, 160 * number + 800, 7, payload), 0.02 * number)
        assert ear.digits(1.0) == [("7", 80.0)]
        assert ear.stats(1.0).rx.discarded == 0


class TestWaiting:
    """Delay for repeated frames is paid only while they are needed."""

    def call(self, loss, distances=(1, 2), seconds=20.0, seed=3):
        mouth, ear = sender(distances), listener()
        targets: list[float] = []
        way = OneWay(mouth, ear, Wire(jitter(0.0, loss, seed=seed)))
        way.on_tick = lambda now: targets.append(ear.stats(now).rx.target_ms or 0.0)
        way.talk(speech(seconds))
        return ear.stats(seconds).rx, targets[len(targets) // 2 :]

    def test_on_a_clean_line_it_is_over_soon(self):
        rx, targets = self.call(0.0, seconds=60.0)
        assert rx.recovered == 0 and max(targets[-500:]) < 40

    def test_one_packet_for_a_little_loss_and_two_for_more(self):
        rx, little = self.call(0.02)
        assert rx.recovered >= 0.95 * rx.lost
        assert 40 < np.mean(little) < 70
        rx, more = self.call(0.15)
        assert rx.recovered >= 0.95 * rx.lost
        assert np.mean(little) < np.mean(more) < 90

    def test_no_longer_when_the_loss_has_ended(self):
        mouth, ear = sender((1, 2)), listener()
        lossy = jitter(0.0, 0.15, seed=3)
        way = OneWay(mouth, ear, Wire(lambda number, now: lossy(number, now) if now < 10 else 0.04))
        targets: list[float] = []
        way.on_tick = lambda now: targets.append(ear.stats(now).rx.target_ms or 0.0)
        way.talk(speech(70))
        assert np.mean(targets[250:500]) > 55 and max(targets[-100:]) < 40

    def test_of_thirty_percent_nearly_all_is_heard(self):
        rx, _ = self.call(0.3, (1, 2, 3))
        assert rx.recovered > 0.85 * rx.lost > 0


def test_a_hole_is_filled_only_where_it_can_be_played_and_not_twice() -> None:
    buffer = JitterBuffer()
    assert buffer.recover(160, 160, 8000, b"1", None, 0.0) is None, "nothing to place it by"
    buffer.put(320, 160, 8000, b"2", None, 0.04)
    assert buffer.recover(160, 160, 8000, b"1", None, 0.04) is None, "before the first packet nothing is missing"
    assert buffer.recover(480, 160, 8000, b"3", None, 0.06) == KEPT
    assert buffer.recover(480, 160, 8000, b"3", None, 0.08) is None
    assert buffer.recover(480, 160, 16000, b"3", None, 0.08) is None, "of another clock"
    assert buffer.recover(640, 0, 8000, b"", None, 0.08) is None
    assert buffer.recover(640 + 8000 * 30, 160, 8000, b"!", None, 0.08) is None, "far away"
    played = [buffer.pull(0.08 + 0.02 * tick) for tick in range(2)]
    assert [packet and packet.payload for packet in played] == [b"2", b"3"]
    buffer.put(800, 160, 8000, b"5", None, 0.1)
    assert buffer.pull(0.12) is None
    packet = buffer.pull(0.14, 0.02)
    assert packet is not None and packet.payload == b"5"
    assert buffer.recover(640, 160, 8000, b"4", None, 0.15) == LATE
    assert buffer.recover(640, 160, 8000, b"4", None, 0.16) is None
    assert (buffer.recovered, buffer.late, buffer.duplicate) == (1, 0, 0)
    assert buffer.put(640, 160, 8000, b"4", None, 0.17) == LATE, "nor is it doubled by what came in vain"
    assert (buffer.recovered, buffer.late, buffer.duplicate) == (1, 1, 0)


def test_a_hole_in_a_talk_spurt_that_waits_to_begin_is_filled() -> None:
    buffer = JitterBuffer()
    for number in (3, 4, 6):
        buffer.put(160 * number, 160, 8000, b"%d" % number, None, 0.02 * number)
    assert buffer.recover(320, 160, 8000, b"2", None, 0.12) is None, "it may be a pause that ends there"
    assert buffer.recover(640, 160, 8000, b"4", None, 0.12) is None
    assert buffer.recover(800, 160, 8000, b"5", None, 0.12) == KEPT
    played = [buffer.pull(0.13 + 0.02 * tick) for tick in range(4)]
    assert [packet and packet.payload for packet in played] == [b"3", b"4", b"5", b"6"]


numbers = st.integers(0, 30)
packets = st.tuples(numbers, st.lists(numbers, max_size=4), st.floats(0.0, 0.06), st.booleans())


@settings(max_examples=60, deadline=None)
@given(st.lists(packets, max_size=60))
def test_any_redundant_packets_at_all(coming: list[tuple[int, list[int], float, bool]]) -> None:
    """Nothing raises, every frame has its length, and no frame is heard twice."""
    ear = listener()
    now = 0.0
    for number, earlier, pause_s, cut in coming:
        now += pause_s
        own = Block(0, 160 * number, FRAMES[number])
        payload = red.build(own, [Block(0, 160 * place, FRAMES[place]) for place in earlier]) or b""
        data = rtp.build(RED, False, number, own.timestamp, 7, payload[:-30] if cut else payload)
        ear.receive_rtp(data, now)
        assert len(ear.play_frame(now)) == 160
    rx = ear.stats(now).rx
    assert 0 <= rx.recovered <= 31
    assert rx.buffer_ms is None or rx.buffer_ms >= 0
