"""Packets in, samples out: the joints between buffer, codecs, concealment and stretching; delay and quality."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media import codecs
from engine.media.codecs import Codec
from engine.media.errors import MediaError
from engine.media.jitter import KEPT, MAX_PACKETS
from engine.media.playout import Decoder, Playout
from tests.media.virtual import (
    Delay,
    OneWay,
    Wire,
    delay_ms,
    jitter,
    make_stream,
    spectral_distance_db,
    speech,
)

L16 = Decoder(codecs.make("L16", 8000), 8000)
PCMU = Decoder(codecs.make("PCMU", 8000), 8000)


def ramp(count: int, first: int = 1) -> np.ndarray:
    return np.arange(first, first + count).astype(np.int16)


def tone(count: int, hertz: float = 200.0) -> np.ndarray:
    return (8000 * np.sin(2 * np.pi * hertz * np.arange(count) / 8000)).astype(np.int16)


def put(playout: Playout, first: int, pcm: np.ndarray, arrival: float) -> str:
    return playout.put(first, L16.codec.encode(pcm), L16, arrival)


def call(delay: Delay, seconds: float = 20, **settings_: float) -> tuple[np.ndarray, np.ndarray, OneWay]:
    """What was said, what was heard."""
    sound = speech(seconds)
    ptimes = settings_.pop("said_ms", 20), settings_.pop("heard_ms", 20)
    way = OneWay(make_stream("L16/8000", ptimes[0], 1), make_stream("L16/8000", ptimes[1], 2), Wire(delay))
    for name, value in settings_.items():
        setattr(way, name, value)
    return sound, way.talk(sound), way


class TestExactly:
    def test_before_anything_came_there_is_silence_that_is_not_concealment(self):
        playout = Playout(8000)
        assert not playout.get(160, 0.0).any()
        assert playout.concealed_ms == 0.0

    def test_every_sample_is_played_once_and_in_order(self):
        playout = Playout(8000)
        sound = ramp(16000)
        heard = []
        for number in range(100):
            put(playout, number * 160, sound[number * 160 :][:160], number * 0.02)
            heard.append(playout.get(160, number * 0.02 + 0.013))
        joined = np.concatenate(heard)
        begin = int(np.flatnonzero(joined)[0])
        assert begin < 480
        assert (joined[begin:] == sound[: len(joined) - begin]).all()

    @pytest.mark.parametrize("asked", [1, 80, 133, 240, 480])
    def test_any_number_of_samples_may_be_asked_for(self, asked):
        playout = Playout(8000)
        sound = tone(8000)
        for number in range(40):
            put(playout, number * 160, sound[number * 160 :][:160], number * 0.0001)
        out = [playout.get(asked, 0.2) for _ in range(10)]
        assert [len(piece) for piece in out] == [asked] * 10

    def test_a_packet_may_hold_several_frames(self):
        playout = Playout(8000)
        sound = tone(8000)
        heard = []
        for number in range(10):
            put(playout, number * 800, sound[number * 800 :][:800], number * 0.1)
            heard += [playout.get(160, number * 0.1 + 0.001 + tick * 0.02) for tick in range(5)]
        joined = np.concatenate(heard).astype(int)
        assert playout.concealed_samples == 0
        assert np.abs(np.diff(joined[1000:])).max() < 1300

    def test_the_far_end_may_change_its_packet_length_at_any_time(self):
        playout = Playout(8000)
        sound = tone(80000)
        chance = random.Random(3)
        at, heard, ticks = 0, [], 0
        while at < 70000:
            length = chance.choice([80, 160, 240, 480])
            put(playout, at, sound[at : at + length], (at + length) / 8000)
            at += length
            while ticks * 0.02 < at / 8000:
                heard.append(playout.get(160, ticks * 0.02))
                ticks += 1
        joined = np.concatenate(heard)[4000:]
        assert playout.concealed_ms < 200
        assert np.abs(np.diff(joined.astype(int))).max() < 2000

    def test_two_codecs_may_take_turns(self):
        playout = Playout(8000)
        sound = tone(16000)
        heard = []
        for number in range(100):
            frame = sound[number * 160 :][:160]
            decoder = (PCMU, L16)[number // 5 % 2]
            playout.put(number * 160, decoder.codec.encode(frame), decoder, number * 0.02)
            heard.append(playout.get(160, number * 0.02 + 0.013))
        joined = np.concatenate(heard)
        begin = int(np.flatnonzero(np.abs(joined) > 100)[0])
        assert playout.concealed_samples == 0
        assert np.abs(np.diff(joined[begin:].astype(int))).max() < 2000

    def test_a_codec_of_another_rate_is_heard_at_ours(self):
        playout = Playout(8000)
        wide = Decoder(codecs.make("L16", 16000), 16000)
        sound = (8000 * np.sin(2 * np.pi * 200 * np.arange(32000) / 16000)).astype(np.int16)
        heard = []
        for number in range(100):
            playout.put(number * 320, wide.codec.encode(sound[number * 320 :][:320]), wide, number * 0.02)
            heard.append(playout.get(160, number * 0.02 + 0.013))
        spectrum = np.abs(np.fft.rfft(np.concatenate(heard)[8000:]))
        assert np.argmax(spectrum) == 200

    def test_a_payload_its_codec_cannot_read_is_discarded(self):
        class Broken(Codec):
            def decode(self, payload: bytes) -> np.ndarray:
                raise MediaError("broken")

            def samples_in(self, payload: bytes) -> int:
                return 160

        playout = Playout(8000)
        broken = Decoder(Broken(8000, 64000), 8000)
        for number in range(4):
            playout.put(number * 160, b"x", broken, number * 0.02)
        assert [len(playout.get(160, 0.1 + tick * 0.02)) for tick in range(3)] == [160] * 3
        assert playout.discarded >= 2

    def test_digits_make_silence_that_is_not_concealment(self):
        playout = Playout(8000)
        for number in range(20):
            put(playout, number * 160, tone(160), number * 0.02)
            playout.get(160, number * 0.02 + 0.001)
        before = playout.concealed_samples
        playout.hush()
        quiet = np.concatenate([playout.get(160, 0.4 + tick * 0.02) for tick in range(8)])
        assert playout.concealed_samples == before
        assert not quiet[480:].any()


class Counting(Codec):
    """L16 that remembers what it decoded."""

    def __init__(self) -> None:
        super().__init__(8000, 128000)
        self.decoded: list[bytes] = []

    def decode(self, payload: bytes) -> np.ndarray:
        self.decoded.append(payload[:2])
        if payload[:2] == b"\x00\x00":
            raise MediaError("nothing I can read")
        return L16.codec.decode(payload)

    def samples_in(self, payload: bytes) -> int:
        return len(payload) // 2


class TestGap:
    """Packet 5 is missing; numbers are the first sample of a packet."""

    def play(self, arrivals: dict[int, float], until_s: float = 0.3) -> tuple[np.ndarray, Playout, Counting]:
        playout, codec = Playout(8000), Counting()
        decoder, sound = Decoder(codec, 8000), tone(8000, 130)
        sound[::160] = np.arange(50) + 1
        if self.broken is not None:
            sound[self.broken * 160] = 0
        coming = sorted((at, number) for number, at in arrivals.items())
        heard = []
        for tick in range(int(until_s / 0.02)):
            now = tick * 0.02 + 0.001
            while coming and coming[0][0] <= now:
                at, number = coming.pop(0)
                playout.put(number * 160, L16.codec.encode(sound[number * 160 :][:160]), decoder, at)
            heard.append(playout.get(160, now))
        return np.concatenate(heard), playout, codec

    broken: int | None = None

    @staticmethod
    def arrivals(ahead_s: float = 0.03, missing: tuple[int, ...] = (5,)) -> dict[int, float]:
        """Packet 0 comes ``ahead_s`` later than the others would let expect: so much waits after it."""
        return {n: max(0.02 * n, ahead_s) for n in range(13) if n not in missing}

    def test_what_comes_behind_is_decoded_once_and_played_in_its_time_untouched(self):
        heard, playout, codec = self.play(self.arrivals())
        begin = int(np.flatnonzero(heard)[0])
        sound = tone(8000, 130)
        assert [payload[1] for payload in codec.decoded][:10] == [1, 2, 3, 4, 5, 7, 8, 9, 10, 11]
        behind = heard[begin + 6 * 160 :][:160]
        assert (behind[1:] == sound[6 * 160 + 1 : 7 * 160]).all()
        made, wanted = heard[begin + 5 * 160 :][:160].astype(float), sound[5 * 160 : 6 * 160].astype(float)
        assert np.mean((made - wanted) ** 2) < 0.05 * np.mean(wanted**2)
        assert playout.concealed_ms == 20.0

    def test_short_packets_make_a_far_side_together(self):
        """10 ms each, of 110 Hz: one alone does not hold a period."""
        playout, codec = Playout(8000), Counting()
        decoder, sound = Decoder(codec, 8000), tone(4000, 110)
        sound[::80] = np.arange(50) + 1
        for number in range(50):
            if number != 20:
                playout.put(number * 80, L16.codec.encode(sound[number * 80 :][:80]), decoder, 0.0)
        heard = np.concatenate([playout.get(80, 0.01 * tick) for tick in range(40)])
        decoded = [payload[1] for payload in codec.decoded]
        assert decoded == [number + 1 for number in range(len(decoded) + 1) if number != 20]
        begin = int(np.flatnonzero(heard)[0])
        made, wanted = heard[begin + 1600 :][:80].astype(float), tone(4000, 110)[1600:1680].astype(float)
        assert np.mean((made - wanted) ** 2) < 0.1 * np.mean(wanted**2)

    def test_a_far_side_nobody_can_read_is_counted_once_and_is_part_of_the_gap(self):
        self.broken = 6
        heard, playout, _ = self.play(self.arrivals())
        assert playout.discarded == 1
        begin = int(np.flatnonzero(heard)[0])
        assert np.abs(heard[begin + 6 * 160 :][:160]).max() > 2000

    def test_what_comes_behind_the_one_nobody_can_read_is_played_in_its_time(self):
        self.broken = 6
        heard, playout, _ = self.play(self.arrivals())
        assert playout.late == 0 and playout.concealed_ms == 40.0
        begin = int(np.flatnonzero(heard)[0])
        assert (heard[begin + 7 * 160 :][1:160] == tone(8000, 130)[7 * 160 + 1 : 8 * 160]).all()

    def test_a_call_that_begins_with_what_nobody_can_read_and_a_loss_is_heard(self):
        self.broken = 0
        heard, _, _ = self.play(self.arrivals(missing=(1,)))
        assert np.abs(heard[-480:]).max() > 2000

    def test_what_is_left_of_a_gap_is_led_to_its_far_side_all_the_same(self):
        """Of 5 and 6 that are missing 5 comes again (RFC 2198) when half of it has been invented."""
        playout, sound = Playout(8000), tone(8000, 130)
        sound[0] = 1
        coming = sorted((at, number) for number, at in self.arrivals(0.05, (5, 6)).items())
        heard, again = [], None
        for tick in range(25):
            now = tick * 0.01 + 0.001
            while coming and coming[0][0] <= now:
                at, number = coming.pop(0)
                put(playout, number * 160, sound[number * 160 :][:160], at)
            if playout.concealed_samples == 80 and again is None:
                again = playout.recover(5 * 160, L16.codec.encode(sound[5 * 160 :][:160]), L16, now)
            heard.append(playout.get(80, now))
        joined = np.concatenate(heard)
        begin = int(np.flatnonzero(joined)[0])
        assert again == KEPT and playout.concealed_ms == 30.0
        assert (joined[begin + 7 * 160 :][:160] == sound[7 * 160 : 8 * 160]).all()

    def test_the_missing_packet_that_comes_in_the_middle_of_its_gap_is_played(self):
        """10 ms are asked for at a time: half of the gap is invented when the packet comes."""
        playout, sound = Playout(8000), ramp(4000, 100)
        heard = []
        for tick in range(20):
            now = tick * 0.01 + 0.001
            for number, at in {0: 0.03, 1: 0.03, 2: 0.04, 4: 0.08, 3: 0.10, 5: 0.11}.items():
                if now - 0.01 < at <= now:
                    put(playout, number * 160, sound[number * 160 :][:160], at)
            heard.append(playout.get(80, now))
        played = np.concatenate(heard)
        assert len(played) == 20 * 80
        assert sound[4 * 160 + 80] in played


class TestDelay:
    @pytest.mark.parametrize("phase_s", [0.0, 0.007, 0.0131, 0.0195])
    def test_a_clean_line_costs_one_packet_and_about_one_more(self, phase_s):
        sound, heard, way = call(jitter(0.0003), 6, phase_s=phase_s)
        waited = delay_ms(sound, heard, 8000, 4) + 1000 * phase_s - 40  # the wire takes 40
        assert 0 <= waited <= 30
        assert way.ear.stats(6).rx.concealed_ms == 0

    @pytest.mark.parametrize("said_ms", [10, 30, 60])
    @pytest.mark.parametrize("heard_ms", [10, 20, 60])
    def test_frames_of_any_two_lengths_fit_together(self, said_ms, heard_ms):
        sound, heard, way = call(jitter(0.0003), 8, said_ms=said_ms, heard_ms=heard_ms)
        assert way.ear.stats(8).rx.concealed_ms == 0
        assert way.ear.stats(8).rx.late == way.ear.stats(8).rx.discarded == 0
        assert delay_ms(sound, heard, 8000, 6) - 40 <= 35 + heard_ms

    @pytest.mark.parametrize("ppm", [300, -300, 30])
    def test_a_clock_that_is_off_does_not_build_up_delay(self, ppm):
        """Over two minutes 300 ppm are 36 ms."""
        sound, heard, way = call(jitter(0.001), 120, skew=ppm * 1e-6)
        after = [delay_ms(sound, heard, 8000, at) + at * 1000 * ppm * 1e-6 for at in (5, 60, 115)]
        assert max(after) - min(after) <= 25
        assert way.ear.stats(120).rx.concealed_ms <= 60

    def test_delay_follows_the_jitter_up_and_down(self):
        chance = random.Random(5)

        def delay(number: int, now: float) -> float:
            return 0.04 + (chance.uniform(0, 0.08) if 10 <= now < 20 else 0.0)

        sound, heard, _ = call(delay, 45)
        before, within, long_after = (delay_ms(sound, heard, 8000, at) for at in (7, 18, 42))
        assert before < 65
        assert 100 < within < 165
        assert long_after < 90

    def test_a_stall_of_the_line_is_worked_off(self):
        def delay(number: int, now: float) -> float:
            return 0.04 + max(0.0, 11 - now if now >= 10 else 0.0)

        sound, heard, _ = call(delay, 40)
        assert delay_ms(sound, heard, 8000, 30) < 100
        assert max(delay_ms(sound, heard, 8000, at) for at in (12, 15, 20)) < 1000

    def test_a_player_that_stood_still_catches_up(self):
        """Ten seconds without a tick: what waits is bounded, and the delay is soon what it was."""
        ear, sound = make_stream("L16/8000", seed=2), speech(30)
        mouth = make_stream("L16/8000", seed=1)
        for number in range(1500):
            now = number * 0.02
            ear.receive_rtp(mouth.send_frame(sound[number * 160 :][:160], now), now)
            if not 200 <= number < 700:
                ear.play_frame(now + 0.001)
        rx = ear.stats(30.0).rx
        assert rx.buffer_ms is not None and rx.buffer_ms < 60


class TestQuality:
    def test_a_line_without_loss_is_heard_as_it_was_said(self):
        sound, heard, _ = call(jitter(0.0), 4)
        lag = round(delay_ms(sound, heard, 8000, 2) * 8)
        assert (heard[lag : lag + 16000] == sound[:16000]).all()

    @pytest.mark.parametrize(("mean_s", "loss"), [(0.0, 0.05), (0.01, 0.0), (0.03, 0.0), (0.02, 0.05)])
    def test_a_bad_line_sounds_better_than_holes_would(self, mean_s, loss):
        sound, heard, way = call(jitter(mean_s, loss), 20)
        stats = way.ear.stats(20).rx
        assert stats.concealed_ms / 20000 < loss * 1.3 + 0.03
        spoken = spectral_distance_db(*_aligned(sound, heard), 8000)
        chance = random.Random(1)
        holes = sound.copy()
        for number in range(len(sound) // 160):
            if chance.random() < max(loss, 0.05):
                holes[number * 160 : (number + 1) * 160] = 0
        assert spoken < max(1.0, 3 * spectral_distance_db(sound, holes, 8000))

    def test_nothing_clicks_on_a_line_that_loses_and_jitters(self):
        """A steady tone: no step steeper than twice its own."""
        sound = tone(8000 * 15)
        way = OneWay(make_stream("L16/8000", seed=1), make_stream("L16/8000", seed=2), Wire(jitter(0.01, 0.05)))
        heard = way.talk(sound).astype(int)
        assert np.abs(np.diff(heard)).max() < 2 * np.abs(np.diff(sound.astype(int))).max()

    def test_stretching_leaves_the_pitch_alone(self):
        sound = tone(8000 * 30)
        way = OneWay(make_stream("L16/8000", seed=1), make_stream("L16/8000", seed=2), Wire(), skew=0.002)
        heard = way.talk(sound)[-80000:]
        spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
        assert np.argmax(spectrum) / 10 == pytest.approx(200, abs=1)


def _aligned(sound: np.ndarray, heard: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Second by second, because the delay changes."""
    said_pieces, heard_pieces = [], []
    for second in range(1, len(sound) // 8000 - 2):
        lag = round(delay_ms(sound, heard, 8000, second) * 8)
        said_pieces.append(sound[second * 8000 : (second + 1) * 8000])
        heard_pieces.append(heard[second * 8000 + lag : (second + 1) * 8000 + lag])
    return np.concatenate(said_pieces), np.concatenate(heard_pieces)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("packet"), st.integers(0, 6), st.integers(0, 700)),
        st.tuples(st.just("wild"), st.integers(0, 2**32 - 1), st.integers(0, 4000)),
        st.tuples(st.just("get"), st.integers(0, 700), st.integers(0, 30)),
        st.tuples(st.just("wait"), st.integers(0, 3000), st.just(0)),
        st.tuples(st.just("hush"), st.just(0), st.just(0)),
        st.tuples(st.just("other"), st.just(0), st.just(0)),
    ),
    max_size=80,
)


@settings(max_examples=100, deadline=None)
@given(STEPS, st.sampled_from([8000, 16000]))
def test_whatever_comes_the_output_is_as_long_as_asked(steps, rate):
    playout = Playout(rate)
    decoders = [PCMU, L16, Decoder(codecs.make("L16", 44100, 2), 44100)]
    now, timestamp = 0.0, 0
    for what, one, two in steps:
        if what == "get":
            out = playout.get(one, now)
            assert len(out) == one and out.dtype == np.int16
            now += two / 1000
        elif what == "packet":
            timestamp += one * 160
            playout.put(timestamp % 2**32, bytes(two), decoders[one % 3], now)
        elif what == "wild":
            playout.put(one, bytes(two), decoders[one % 3], now)
        elif what == "wait":
            now += one / 1000
        elif what == "hush":
            playout.hush()
        else:
            playout.other_source()
        assert len(playout.buffer) <= MAX_PACKETS
        assert len(playout._rest) <= rate
        assert playout._recent_samples <= rate
