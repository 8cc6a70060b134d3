"""Where packets get lost the one behind a gap is waited for, and nowhere else."""

from __future__ import annotations

import numpy as np
import pytest

from engine.media import codecs, rtp
from engine.media.delay import DelayEstimate
from engine.media.jitter import JitterBuffer
from engine.media.playout import Decoder, Playout
from tests.media.virtual import OneWay, Wire, delay_ms, make_stream, spectral_distance_db, speech

PACKET_S = 0.02


def line(estimate: DelayEstimate, seconds: float, lost_every: int = 0) -> None:
    """Packets of an even line, each so many-th of them lost."""
    for number in range(int(seconds / PACKET_S)):
        if lost_every and number % lost_every == lost_every - 1:
            estimate.missing(PACKET_S)
        else:
            estimate.update(0.060, PACKET_S)


class TestTarget:
    def test_one_packet_more_while_there_is_loss_and_no_longer(self):
        estimate = DelayEstimate()
        line(estimate, 5)
        before = estimate.target
        assert before - estimate.floor < 0.010
        line(estimate, 20, lost_every=20)
        assert estimate.target == pytest.approx(estimate.floor + DelayEstimate.LOOK_AHEAD_S)
        line(estimate, 90)
        assert estimate.target == before

    def test_a_packet_lost_now_and_then_is_not_worth_the_delay(self):
        estimate = DelayEstimate()
        line(estimate, 60)
        before = estimate.target
        line(estimate, 60, lost_every=400)
        assert estimate.target == before

    def test_what_was_lost_and_came_again_was_not_lost(self):
        estimate = DelayEstimate()
        for number in range(1000):
            estimate.update(0.060, PACKET_S)
            if number % 10 == 0:
                estimate.missing(PACKET_S)
                estimate.missing(-PACKET_S)
        assert estimate.target < estimate.floor + 0.010

    def test_where_delays_differ_enough_waits_already(self):
        estimates = []
        for lost in (False, True):
            estimate = DelayEstimate()
            for number in range(2000):
                estimate.update(0.060 + 0.010 * (number * 7 % 10), PACKET_S)
                if lost and number % 20 == 0:
                    estimate.missing(PACKET_S)
            estimates.append(estimate.target - estimate.floor)
        assert estimates[1] <= estimates[0]

    def test_the_user_s_bound_holds(self):
        estimate = DelayEstimate()
        estimate.most_s = 0.010
        line(estimate, 20, lost_every=20)
        assert estimate.target - estimate.floor <= 0.010

    def test_it_does_not_help_who_conceals_otherwise(self):
        estimate = DelayEstimate()
        estimate.look_ahead = False
        line(estimate, 20, lost_every=20)
        assert estimate.target - estimate.floor < 0.010


def call(lost_every: int, seconds: float = 16) -> tuple[np.ndarray, np.ndarray, OneWay]:
    sound = speech(seconds)

    def delay(number: int, now: float) -> float | None:
        return None if lost_every and number % lost_every == lost_every - 1 else 0.060

    way = OneWay(make_stream("L16/8000", seed=1), make_stream("L16/8000", seed=2), Wire(delay))
    return sound, way.talk(sound, 0.5), way


class TestCodec:
    @pytest.mark.parametrize("codec", ["PCMU", "opus"])
    def test_comfort_noise_between_words_changes_nothing(self, codec):
        ear = make_stream(codec, seed=2)
        mouth, estimate = make_stream(codec, seed=1), ear._in.playout.buffer.estimate
        told = []
        for number in range(20):
            now = number * PACKET_S
            data = mouth.send_frame(speech(0.02, mouth.rate_hz), now)
            if number == 10 and codec == "PCMU":
                noise = rtp.parse(data)
                data = rtp.build(13, False, noise.sequence, noise.timestamp, noise.ssrc, bytes((50,)))
            ear.receive_rtp(data, now)
            ear.play_frame(now + 0.011)
            told.append(estimate.look_ahead)
        assert set(told[5:]) == {codec == "PCMU"}

    def test_a_codec_that_is_heard_at_another_rate_is_concealed_as_others_are(self):
        playout, opus = Playout(8000), codecs.make("opus", 48000, 2)
        decoder = Decoder(opus, 48000)
        for number in range(10):
            playout.put(number * 960, opus.encode(speech(0.02, 48000)), decoder, number * PACKET_S)
            playout.get(160, number * PACKET_S + 0.011)
        assert playout.started and playout.buffer.estimate.look_ahead


class TestCall:
    def test_a_line_that_loses_is_heard_one_packet_later_and_one_that_does_not_is_not(self):
        later = []
        for lost_every in (0, 25):
            sound, heard, _ = call(lost_every)
            later.append(delay_ms(sound, heard, 8000, 12.0))
        assert later[1] - later[0] == pytest.approx(20, abs=1)

    def test_what_is_lost_is_nearer_to_what_was_said_than_without(self, monkeypatch):
        distances = []
        for least_loss in (DelayEstimate.LOOK_AHEAD_LOSS, 1.0):
            monkeypatch.setattr(DelayEstimate, "LOOK_AHEAD_LOSS", least_loss)
            sound, heard, _ = call(11)
            later = round(delay_ms(sound, heard, 8000, 12.0) * 8)
            distances.append(spectral_distance_db(sound[64000:112000], heard[64000 + later :][:48000], 8000))
        assert distances[0] < 0.9 * distances[1]

    def test_pauses_that_are_meant_are_no_loss(self):
        """Sound of 160 ms, and a pause of 120 ms in which nothing is sent; numbers go on, time goes on."""
        buffer = JitterBuffer()
        for number in range(400):
            at = number * PACKET_S + number // 8 * 0.120
            buffer.put(round(at * 8000), 160, 8000, bytes(320), None, at + 0.060, number > 0)
            buffer.pull(at + 0.062)
        assert buffer.estimate.target - buffer.estimate.floor < 0.010

    def test_packets_that_overtake_each_other_are_no_loss(self):
        """Of every six packets the fourth comes before the second: two in a row fill the hole that it made."""
        buffer, before = JitterBuffer(), -1
        for number in range(1200):
            number += {1: 2, 2: -1, 3: -1}.get(number % 6, 0)
            at = number * PACKET_S
            buffer.put(number * 160, 160, 8000, bytes(160), None, at + 0.060, number == before + 1)
            before = number
            buffer.pull(at + 0.062)
        assert buffer.estimate._missing_s < 0.1
