"""One call's audio both ways: what is on the wire, whose packets are heard, digits, RTCP, figures."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import model
from engine.media import codecs, rtcp, rtp
from engine.media.stream import AudioStream
from tests.media.virtual import EVENTS, WALL, OneWay, Wire, jitter, make_stream, speech

SILENCE = np.zeros(160, np.int16)


def tone(count: int = 160, amplitude: float = 8000) -> np.ndarray:
    return (amplitude * np.sin(2 * np.pi * np.arange(count) / 40)).astype(np.int16)


def send(stream: AudioStream, frames: int, first: int = 0, pcm: np.ndarray = SILENCE) -> list[rtp.RtpPacket]:
    return [rtp.parse(stream.send_frame(pcm, (first + number) * 0.02)) for number in range(frames)]


def packets(
    count: int, ssrc: int = 7, first: int = 100, payload_type: int = 0, pcm: np.ndarray | None = None
) -> list[bytes]:
    payload = codecs.make("PCMU", 8000).encode(tone() if pcm is None else pcm)
    return [
        rtp.build(payload_type, number == 0, (first + number) & 0xFFFF, (5000 + 160 * number) % 2**32, ssrc, payload)
        for number in range(count)
    ]


def hear(stream: AudioStream, datagrams: list[bytes], start: float = 0.0) -> np.ndarray:
    """One datagram and one frame played every 20 ms."""
    heard = []
    for number, data in enumerate(datagrams):
        now = start + number * 0.02
        stream.receive_rtp(data, now)
        heard.append(stream.play_frame(now + 0.01))
    return np.concatenate(heard)


class TestSending:
    def test_numbers_rise_and_only_the_first_packet_has_the_marker(self):
        sent = send(make_stream(), 50)
        first = sent[0]
        assert [packet.marker for packet in sent] == [True] + [False] * 49
        assert [(packet.sequence - first.sequence) & 0xFFFF for packet in sent] == list(range(50))
        assert [(packet.timestamp - first.timestamp) % 2**32 for packet in sent] == [160 * n for n in range(50)]
        assert {(packet.ssrc, packet.payload_type, len(packet.payload)) for packet in sent} == {(first.ssrc, 0, 160)}

    def test_every_stream_begins_somewhere_else(self):
        begins = {(p.sequence, p.timestamp, p.ssrc) for seed in range(20) for p in send(make_stream(seed=seed), 1)}
        assert len({begin[0] for begin in begins}) > 15
        assert len({begin[1] for begin in begins}) == len({begin[2] for begin in begins}) == 20

    @pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 60])
    @pytest.mark.parametrize(
        ("codec", "octets_per_ms"),
        [("PCMU", 8), ("PCMA", 8), ("L16/16000", 32), ("L16/44100/2", 176.4), ("L16/8000", 16)],
    )
    def test_every_codec_at_every_length(self, codec, octets_per_ms, ptime_ms):
        stream = make_stream(codec, ptime_ms)
        assert stream.frame_samples == stream.rate_hz * ptime_ms // 1000
        sent = [rtp.parse(stream.send_frame(np.zeros(stream.frame_samples, np.int16), n * 0.02)) for n in range(2)]
        assert len(sent[0].payload) == octets_per_ms * ptime_ms
        assert (sent[1].timestamp - sent[0].timestamp) % 2**32 == stream.frame_samples

    def test_what_is_skipped_shows_in_the_timestamps_and_as_a_marker(self):
        stream = make_stream()
        before = send(stream, 5)[-1]
        stream.skip(7)
        after = send(stream, 2, first=12)
        assert (after[0].sequence - before.sequence) & 0xFFFF == 1
        assert (after[0].timestamp - before.timestamp) % 2**32 == 160 * 8
        assert [packet.marker for packet in after] == [True, False]

    def test_a_late_turn_that_catches_up_shifts_nothing(self):
        stream = make_stream()
        sent = [rtp.parse(stream.send_frame(SILENCE, now)) for now in (0.0, 0.02, 0.2, 0.2, 0.2, 0.2)]
        steps = [(b.timestamp - a.timestamp) % 2**32 for a, b in pairwise(sent)]
        assert steps == [160] * 5

    def test_a_hold_nobody_counted_is_counted_by_the_clock(self):
        stream = make_stream()
        before = send(stream, 5)[-1]
        after = rtp.parse(stream.send_frame(SILENCE, 0.1 + 30.0))
        assert (after.timestamp - before.timestamp) % 2**32 == 160 + 30 * 8000
        assert after.marker

    def test_another_codec_in_mid_call_keeps_the_numbers(self):
        stream = make_stream()
        before = send(stream, 5)[-1]
        stream.update(
            send=codecs.WireFormat(8, "PCMA", 8000),
            receive={8: ("PCMA", 8000, 1)},
            dtmf_send=None,
            dtmf_receive={},
            ptime_ms=30,
            now=0.1,
        )
        after = rtp.parse(stream.send_frame(np.zeros(240, np.int16), 0.1))
        assert (after.payload_type, len(after.payload), after.ssrc) == (8, 240, before.ssrc)
        assert (after.sequence - before.sequence) & 0xFFFF == 1
        assert (after.timestamp - before.timestamp) % 2**32 == 160
        assert stream.stats(0.2).tx.packets == 6
        assert not stream.send_digits("1")

    def test_the_figures_are_of_payload(self):
        stream = make_stream()
        send(stream, 10, pcm=tone())
        stats = stream.stats(0.2)
        assert (stats.tx.packets, stats.tx.bytes) == (10, 1600)
        assert stats.level_out.rms_dbfs == pytest.approx(-15.2, abs=0.2)


class TestDigits:
    def test_a_digit_takes_the_place_of_sound_and_sound_comes_back_with_a_marker(self):
        stream = make_stream()
        before = send(stream, 3)[-1]
        assert stream.send_digits("5")
        sent = send(stream, 10, first=3)
        assert [packet.payload_type for packet in sent] == [EVENTS] * 7 + [0] * 3
        assert [packet.marker for packet in sent] == [True] + [False] * 6 + [True, False, False]
        assert len({packet.timestamp for packet in sent[:7]}) == 1
        assert (sent[0].timestamp - before.timestamp) % 2**32 == 160
        assert (sent[7].timestamp - sent[0].timestamp) % 2**32 == 7 * 160
        assert [(packet.sequence - before.sequence) & 0xFFFF for packet in sent] == list(range(1, 11))

    def test_digits_are_heard_by_the_other_end_while_muted(self):
        one, other = make_stream(seed=1), make_stream(seed=2)
        assert one.send_digits("0123456789*#ABCD")
        digits = []
        for number in range(250):
            now = number * 0.02
            other.receive_rtp(one.send_frame(SILENCE, now), now + 0.03)
            other.play_frame(now + 0.03)
            digits += other.digits(now + 0.03)
        assert digits == [(digit, 100.0) for digit in "0123456789*#ABCD"]

    @pytest.mark.parametrize("seed", range(5))
    def test_digits_survive_a_bad_line(self, seed):
        one, other = make_stream(seed=1), make_stream(seed=2)
        wire = Wire(jitter(0.02, 0.2, seed=seed))
        one.send_digits("8675309#")
        digits = []
        for number in range(200):
            now = number * 0.02
            wire.send(one.send_frame(SILENCE, now), now)
            for at, data in wire.arrived(now):
                other.receive_rtp(data, at)
            digits += other.digits(now)
        assert "".join(digit for digit, _ in digits) == "8675309#"

    def test_a_far_end_that_takes_none_gets_none(self):
        stream = make_stream(dtmf_send=None)
        assert not stream.send_digits("1")
        assert send(stream, 1)[0].payload_type == 0

    def test_digits_that_could_not_be_sent_do_not_come_out_later(self):
        stream = make_stream()
        assert stream.send_digits("12")
        send(stream, 2)
        same = {"send": codecs.WireFormat(0, "PCMU", 8000), "receive": {0: ("PCMU", 8000, 1)}, "ptime_ms": 20}
        stream.update(**same, dtmf_send=None, dtmf_receive={}, now=0.04)
        send(stream, 2, first=2)
        stream.update(**same, dtmf_send=(EVENTS, 8000), dtmf_receive={EVENTS: 8000}, now=0.08)
        assert {packet.payload_type for packet in send(stream, 20, first=4)} == {0}

    def test_what_is_no_digit_is_refused(self):
        assert not make_stream().send_digits("12x")

    def test_a_short_event_is_counted_and_nothing_else(self):
        stream = make_stream()
        stream.receive_rtp(rtp.build(EVENTS, True, 1, 0, 7, b"\x01\x02"), 0.0)
        assert stream.stats(0.0).rx.discarded == 1
        assert stream.digits(1.0) == []

    def test_digits_do_not_disturb_the_sound_around_them(self):
        one, other = make_stream(seed=1), make_stream(seed=2)
        heard = []
        for number in range(200):
            now = number * 0.02
            if number == 50:
                one.send_digits("1")
            other.receive_rtp(one.send_frame(tone(), now), now + 0.03)
            heard.append(other.play_frame(now + 0.037))
        stats = other.stats(4.0).rx
        assert (stats.lost, stats.late, stats.discarded, stats.concealed_ms) == (0, 0, 0, 0.0)
        levels = [np.abs(frame).max() for frame in heard]
        assert min(levels[4:50]) > 7000 and min(levels[62:]) > 7000

    def test_the_time_of_a_digit_is_no_loss(self):
        """That would be waited for, as packets behind a gap are."""
        one, other = make_stream(seed=1), make_stream(seed=2)
        targets = []
        for number in range(700):
            now = number * 0.02
            if number == 300:
                one.send_digits("12345")
            other.receive_rtp(one.send_frame(tone(), now), now + 0.03)
            other.play_frame(now + 0.037)
            targets.append(other.stats(now).rx.target_ms)
        assert max(targets[300:]) == pytest.approx(targets[299], abs=1)


class TestReceiving:
    def test_what_was_said_is_heard(self):
        sound = speech(4)
        way = OneWay(make_stream(seed=1), make_stream(seed=2), Wire())
        heard = way.talk(sound)
        begin = 160 * 2  # 47 ms for a wire of 40
        pcmu = codecs.make("PCMU", 8000)
        assert (heard[begin : begin + 16000] == pcmu.decode(pcmu.encode(sound[:16000]))).all()
        rx = way.ear.stats(4.0).rx
        assert (rx.lost, rx.late, rx.duplicate, rx.discarded, rx.foreign, rx.concealed_ms) == (0, 0, 0, 0, 0, 0.0)
        assert rx.bytes == 160 * rx.packets
        assert rx.jitter_ms == pytest.approx(0.0, abs=0.01)

    def test_before_anything_came_figures_are_not_known(self):
        rx = make_stream().stats(0.0).rx
        assert (rx.loss_percent, rx.jitter_ms, rx.buffer_ms, rx.target_ms) == (None, None, None, None)

    def test_loss_and_duplicates_are_counted(self):
        stream = make_stream()
        data = packets(100)
        hear(stream, [datagram for number, datagram in enumerate(data) if number % 10 != 5])
        for datagram in data[80:84]:
            stream.receive_rtp(datagram, 2.0)
        rx = stream.stats(2.0).rx
        assert rx.duplicate == 4
        assert rx.lost == 10
        assert rx.concealed_ms > 0

    def test_a_line_that_doubles_everything_hides_no_loss(self):
        stream = make_stream()
        hear(stream, [datagram for datagram in packets(100)[:40] + packets(100)[50:] for _ in range(2)])
        rx = stream.stats(4.0).rx
        assert (rx.lost, rx.duplicate) == (10, 90)
        assert rx.loss_percent == pytest.approx(10.0)

    @pytest.mark.parametrize("jump_s", [-0.5, 0.3, 0.8])
    def test_timestamps_that_leap_between_two_packets_leave_no_hole(self, jump_s):
        stream = make_stream()
        payload = codecs.make("PCMU", 8000).encode(tone())
        data = [
            rtp.build(0, False, number, 50_000 + 160 * number + (int(jump_s * 8000) if number >= 50 else 0), 7, payload)
            for number in range(150)
        ]
        heard = hear(stream, data).reshape(-1, 160)
        assert all(np.abs(frame).max() > 7000 for frame in heard[5:])
        assert stream.stats(3.0).rx.concealed_ms == 0

    def test_a_foreign_ssrc_is_counted_and_not_played(self):
        stream = make_stream()
        loud = packets(50, ssrc=666, pcm=tone(160, 30000))
        heard = []
        for number, datagram in enumerate(packets(50, pcm=SILENCE)):
            now = number * 0.02
            stream.receive_rtp(datagram, now)
            stream.receive_rtp(loud[number], now + 0.001)
            heard.append(stream.play_frame(now + 0.01))
        assert stream.stats(1.0).rx.foreign == 50
        assert not np.concatenate(heard).any()

    def test_a_change_of_ssrc_is_followed_after_a_few_packets(self):
        stream = make_stream()
        hear(stream, packets(50))
        heard = hear(stream, packets(50, ssrc=8, first=9000), start=1.0)
        rx = stream.stats(2.0).rx
        assert rx.foreign == 4
        assert rx.packets == 50 + 46
        assert rx.lost == 0
        assert np.abs(heard[-3200:]).max() > 7000

    def test_a_change_of_ssrc_is_followed_where_no_packet_follows_the_one_before_it(self):
        stream = make_stream()
        hear(stream, packets(50))
        later = packets(50, ssrc=8, first=9000)
        hear(stream, [later[number ^ 1] for number in range(50)], start=1.0)
        assert stream.ssrc_changes == 1

    def test_a_change_of_ssrc_is_followed_where_every_packet_comes_twice(self):
        stream = make_stream()
        hear(stream, packets(50))
        hear(stream, [datagram for datagram in packets(50, ssrc=8, first=9000) for _ in range(2)], start=1.0)
        assert stream.stats(3.0).rx.foreign == 2 * 4

    def test_and_sooner_when_the_old_one_is_silent_or_has_said_bye(self):
        for bye in (False, True):
            stream = make_stream()
            hear(stream, packets(50))
            if bye:
                stream.receive_rtcp(rtcp.build([rtcp.ReceiverReport(7, ()), rtcp.Goodbye((7,), "")]), 1.0)
            hear(stream, packets(50, ssrc=8), start=1.05 if bye else 2.0)
            assert stream.stats(3.0).rx.foreign == 1

    def test_another_source_has_another_clock_and_one_begun_anew_has_its_own(self):
        stream = make_stream()
        for number, data in enumerate(packets(1500)):
            stream.receive_rtp(data, number * 0.02 * (1 - 200e-6))
        assert stream.stats(30.0).rx.drift_ppm == pytest.approx(200, abs=10)
        hear(stream, packets(10, first=40_000), start=30.0)
        assert stream.stats(31.0).rx.drift_ppm == pytest.approx(200, abs=10)
        hear(stream, packets(20, ssrc=8), start=31.0)
        assert stream.stats(32.0).rx.drift_ppm is None

    def test_a_payload_type_nobody_agreed_on_is_discarded(self):
        stream = make_stream()
        hear(stream, packets(10))
        hear(stream, packets(5, first=110, payload_type=14), start=0.2)
        assert stream.stats(1.0).rx.discarded == 5

    @pytest.mark.parametrize("data", [b"", b"\x80", bytes(12), b"\xff" * 40, b"\x80\xc8" + bytes(26)])
    def test_what_is_no_rtp_is_discarded(self, data):
        stream = make_stream()
        stream.receive_rtp(data, 0.0)
        assert stream.stats(0.0).rx.discarded == 1
        assert stream.stats(0.0).rx.packets == 0

    def test_a_sender_that_begins_anew_with_the_same_ssrc(self):
        stream = make_stream()
        hear(stream, packets(50))
        again = packets(50, first=40000)
        heard = hear(stream, again, start=1.0)
        assert np.abs(heard[-3200:]).max() > 7000
        rx = stream.stats(2.0).rx
        assert (rx.packets, rx.lost, rx.discarded) == (50 + 49, 0, 1)  # its first is one number out of nowhere

    def test_feedback_on_the_rtp_port_is_no_collision(self):
        stream = make_stream()
        ours = stream.ssrc
        stream.receive_rtp(bytes.fromhex("81cd0003 00000007") + ours.to_bytes(4, "big") + bytes(4), 1.0)
        assert stream.ssrc == ours
        assert stream.stats(1.0).rx.discarded == 1

    def test_reports_count_from_the_moment_of_a_new_ssrc(self):
        stream = make_stream()
        send(stream, 30)
        stream.receive_rtp(packets(1, ssrc=stream.ssrc)[0], 0.6)
        send(stream, 20, first=30)
        report = rtcp.parse(stream.make_rtcp(10.0, WALL) or stream.make_rtcp(20.0, WALL))[0]
        assert isinstance(report, rtcp.SenderReport)
        assert (report.ssrc, report.packets, report.octets) == (stream.ssrc, 20, 20 * 160)

    def test_our_own_ssrc_from_the_far_end_makes_us_take_another(self):
        stream = make_stream()
        ours = stream.ssrc
        hear(stream, packets(10, ssrc=ours))
        assert stream.ssrc != ours
        assert send(stream, 1)[0].ssrc == stream.ssrc
        assert stream.stats(1.0).rx.packets == 10

    def test_a_far_end_that_sends_our_own_packets_back_is_heard(self):
        stream = make_stream()
        heard = []
        for number in range(150):
            now = number * 0.02
            stream.receive_rtp(stream.send_frame(tone(), now), now + 0.001)
            heard.append(stream.play_frame(now + 0.01))
        assert all(np.abs(frame).max() > 7000 for frame in heard[50:])

    @pytest.mark.parametrize("said", ["PCMU", "L16/16000", "L16/44100/2"])
    def test_what_they_send_may_be_another_codec_than_ours(self, said):
        wire = codecs.formats([said])[0]
        ear = make_stream("PCMA", receive={8: ("PCMA", 8000, 1), wire[0]: wire[1:]})
        mouth = make_stream(said)
        level = []
        for number in range(100):
            now = number * 0.02
            frame = (8000 * np.sin(2 * np.pi * 300 * np.arange(mouth.frame_samples) / mouth.rate_hz)).astype(np.int16)
            ear.receive_rtp(mouth.send_frame(frame, now), now)
            pcm = ear.play_frame(now + 0.01)
            assert len(pcm) == 160
            level.append(np.abs(pcm).max())
        assert min(level[10:]) > 5000
        assert ear.stats(2.0).rx.concealed_ms == 0

    def test_the_counters_go_on_over_a_change_of_codec(self):
        stream = make_stream()
        hear(stream, packets(20)[::2])
        before = stream.stats(0.5).rx
        wide = codecs.formats(["L16/16000"])[0]
        stream.update(send=wide, receive={wide[0]: wide[1:]}, dtmf_send=None, dtmf_receive={}, ptime_ms=20, now=0.5)
        after = stream.stats(0.5).rx
        assert (after.packets, after.lost, after.concealed_ms) == (before.packets, before.lost, before.concealed_ms)
        assert len(stream.play_frame(0.5)) == 320


class TestReports:
    def conversation(self) -> tuple[AudioStream, AudioStream]:
        """Twenty seconds, 30 ms each way, every tenth packet to ``other`` lost; reports as they are due."""
        one, other = make_stream(seed=1), make_stream(seed=2)
        coming: list[tuple[float, AudioStream, str, bytes]] = []
        for tick in range(1000):
            now = tick * 0.02
            for at, to, what, data in [item for item in coming if item[0] <= now]:
                (to.receive_rtp if what == "rtp" else to.receive_rtcp)(data, at)
            coming = [item for item in coming if item[0] > now]
            for mouth, ear in ((one, other), (other, one)):
                data = mouth.send_frame(tone(), now)
                if ear is one or tick % 10:
                    coming.append((now + 0.03, ear, "rtp", data))
                mouth.play_frame(now)
                deadline = mouth.rtcp_deadline()
                if deadline is not None and deadline <= now:
                    report = mouth.make_rtcp(now, WALL + now)
                    if report:
                        coming.append((now + 0.03, ear, "rtcp", report))
        return one, other

    def test_each_hears_what_the_other_received_and_how_far_away_it_is(self):
        one, other = self.conversation()
        rtcp_stats = one.stats(20.0).rtcp
        assert rtcp_stats.sr_sent >= 2 and rtcp_stats.sr_received >= 2
        assert rtcp_stats.remote is not None
        assert rtcp_stats.remote.loss_percent == pytest.approx(10, abs=1)
        assert rtcp_stats.remote.lost == pytest.approx(other.stats(20.0).rx.lost, abs=30)
        assert rtcp_stats.rtt_ms == pytest.approx(60, abs=25)  # read at ticks
        assert rtcp_stats.cname == "tester"
        remote = other.stats(20.0).rtcp.remote
        assert remote is not None and remote.lost == 0

    def test_a_sender_report_tells_the_media_clock_of_its_instant(self):
        stream = make_stream()
        sent = send(stream, 500)
        (report, *_) = rtcp.parse(stream.make_rtcp(499 * 0.02 + 0.005, WALL))
        assert isinstance(report, rtcp.SenderReport)
        assert (report.rtp_timestamp - sent[-1].timestamp) % 2**32 == 160 + 40
        assert (report.packets, report.octets) == (500, 80000)

    def test_the_last_word_is_a_bye(self):
        one, other = self.conversation()
        other.receive_rtcp(one.make_bye(20.0, WALL), 20.0)
        assert other.stats(20.0).rtcp.bye_received == 1
        assert one.rtcp_deadline() is None

    def test_rubbish_is_counted(self):
        stream = make_stream()
        for data in (b"", b"\x80", b"\xff" * 30, bytes(200)):
            stream.receive_rtcp(data, 0.0)
        assert stream.stats(0.0).rtcp.malformed == 4


def test_figures_are_named_as_the_faces_know_them():
    stats = make_stream().stats(0.0)

    def names(of: object) -> set[str]:
        return set(of.__dataclass_fields__)  # type: ignore[attr-defined]

    assert names(stats.tx) <= names(model.TxView())
    assert names(stats.rx) <= names(model.RxView())
    assert names(stats.rtcp) == names(model.RtcpView())
    assert names(stats.level_in) == names(model.LevelView())


def test_looking_changes_nothing():
    stream = make_stream()
    hear(stream, packets(30)[::2])
    assert stream.stats(1.0) == stream.stats(1.0)


DATAGRAMS = st.lists(
    st.one_of(
        st.tuples(st.just("frame"), st.integers(0, 3), st.booleans()),
        st.tuples(st.just("lost"), st.integers(0, 5), st.booleans()),
        st.tuples(st.just("bytes"), st.binary(max_size=60), st.booleans()),
        st.tuples(
            st.just("packet"),
            st.tuples(st.sampled_from([0, 8, 13, EVENTS]), st.integers(0, 65535), st.integers(0, 2**32 - 1)),
            st.booleans(),
        ),
        st.tuples(st.just("digits"), st.text("0129*#x", max_size=4), st.booleans()),
        st.tuples(st.just("wait"), st.floats(0, 5), st.booleans()),
    ),
    max_size=60,
)


@settings(max_examples=80, deadline=None)
@given(DATAGRAMS, st.integers(0, 2**16))
def test_whatever_the_far_end_sends_the_call_goes_on(steps, seed):
    ours, theirs = make_stream(seed=seed), make_stream(seed=seed + 1)
    chance = random.Random(seed)
    now = 0.0
    for what, value, rtcp_too in steps:
        now += 0.02
        sent = theirs.send_frame(tone(), now)
        if what == "frame":
            ours.receive_rtp(sent, now + value / 100)
        elif what == "bytes":
            ours.receive_rtp(value, now)
            ours.receive_rtcp(value, now)
        elif what == "packet":
            payload_type, sequence, timestamp = value
            ssrc = chance.choice([theirs.ssrc, ours.ssrc, 9])
            ours.receive_rtp(rtp.build(payload_type, False, sequence, timestamp, ssrc, bytes(sequence % 400)), now)
        elif what == "digits":
            theirs.send_digits(value)
        elif what == "wait":
            now += value
        if rtcp_too:
            ours.receive_rtcp(theirs.make_rtcp(now, WALL + now), now)
        assert len(ours.play_frame(now)) == 160
        assert rtp.parse(ours.send_frame(tone(), now)).ssrc == ours.ssrc
        ours.digits(now)
        rx = ours.stats(now).rx
        assert rx.buffer_ms is None or rx.buffer_ms >= 0
