"""The sampling rate of a codec and its RTP clock rate are two things (RFC 3551 section 4.5.2, RFC 7587)."""

from __future__ import annotations

import numpy as np
import pytest

from engine.media import codecs, rtp
from engine.media.codecs import Codec
from engine.media.conceal import FADE_OUT_MS
from tests.media.virtual import OneWay, Wire, delay_ms, make_stream, speech


class HalfClock(Codec):
    """Like G.722 (RFC 3551 section 4.5.2): its RTP clock ticks at half the rate of its samples. It remembers."""

    def __init__(self, clock_rate, channels, fmtp):
        super().__init__(2 * clock_rate, 32 * clock_rate)
        self.encoded = 0

    def encode(self, pcm):
        self.encoded += 1
        return pcm.tobytes()

    def decode(self, payload):
        return np.frombuffer(payload, np.int16).copy()

    def samples_in(self, payload):
        return len(payload) // 2


class TestAClockThatIsNotTheSamplingRate:
    @pytest.fixture(autouse=True)
    def half_clock(self, monkeypatch):
        family = codecs.Family("HALF", HalfClock, ((99, 8000, 1),))
        monkeypatch.setitem(codecs._FAMILIES, "HALF", family)

    def test_frames_are_of_samples_and_timestamps_of_the_clock(self):
        stream = make_stream("HALF")
        assert (stream.rate_hz, stream.frame_samples) == (16000, 320)
        first, second = (rtp.parse(stream.send_frame(np.ones(320, np.int16), at)) for at in (0.0, 0.02))
        assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 160
        stream.skip(2)
        third = rtp.parse(stream.send_frame(np.ones(320, np.int16), 0.08))
        assert (third.timestamp - second.timestamp) & 0xFFFFFFFF == 480

    def test_all_is_heard_as_it_was_said(self):
        sound = speech(4, 16000)
        way = OneWay(make_stream("HALF", seed=1), make_stream("HALF", seed=2), Wire())
        heard = way.talk(sound, 0.5)
        rx = way.ear.stats(4.5).rx
        assert rx.concealed_ms <= FADE_OUT_MS and rx.late == 0  # only what fades out at the end
        assert rx.jitter_ms < 0.01
        later = round(delay_ms(sound, heard, 16000, 1.0) * 16)
        assert np.mean(heard[later + 16000 : later + 48000] == sound[16000:48000]) > 0.95

    def test_a_lost_packet_leaves_a_gap_of_its_own_length(self):
        way = OneWay(
            make_stream("HALF", seed=1),
            make_stream("HALF", seed=2),
            Wire(lambda number, now: None if number % 20 == 13 else 0.04),
        )
        way.talk(speech(4, 16000))
        assert 10 * 20 <= way.ear.stats(4.0).rx.concealed_ms <= 10 * 20 + 60

    def test_reports_count_jitter_in_the_clock(self):
        stream = make_stream("HALF")
        for number in range(40):
            stream.receive_rtp(
                rtp.build(99, False, number, 160 * number, 7, bytes(640)), 0.02 * number + 0.004 * (number % 2)
            )
        assert 3 < stream.stats(1.0).rx.jitter_ms < 4

    def test_a_change_that_leaves_the_codec_leaves_its_memory(self):
        stream = make_stream("HALF")
        wire = codecs.formats(["HALF"])[0]
        stream.send_frame(np.ones(320, np.int16), 0.0)
        same = {"send": wire, "receive": {99: wire[1:]}, "dtmf_send": None, "dtmf_receive": {}}
        stream.update(**same, ptime_ms=40, now=1.0)
        stream.send_frame(np.ones(640, np.int16), 1.0)
        assert stream._out._codec.encoded == 2
        stream.update(**{**same, "send": wire._replace(fmtp="x=1")}, ptime_ms=40, now=2.0)
        assert stream._out._codec.encoded == 0
