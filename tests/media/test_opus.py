"""Opus: beside FFmpeg's own decoder, as the far end wishes it, and over lines that lose packets."""

from __future__ import annotations

import numpy as np
import pytest

from engine.media import codecs, rtp
from engine.media.codecs import opus
from engine.media.conceal import FADE_OUT_MS
from tests.media import reference
from tests.media.virtual import OneWay, Wire, delay_ms, jitter, make_stream, spectral_distance_db, speech

SOUND = speech(1.5, 48000)
BANDWIDTHS = {"narrow": 4000, "medium": 6000, "wide": 8000, "super wide": 12000, "full": 20000}


def talker(fmtp: str = "", bitrate_bps: int = 32000, fec: bool = False, loss_percent: float = 0) -> codecs.Codec:
    codec = codecs.make("opus", 48000, 2, fmtp)
    codec.adapt(bitrate_bps, fec, loss_percent)
    return codec


def packets(codec: codecs.Codec, sound: np.ndarray = SOUND, ptime_ms: int = 20) -> list[bytes]:
    size = 48 * ptime_ms
    return [codec.encode(sound[at : at + size]) for at in range(0, len(sound) - size + 1, size)]


def decoded(payloads: list[bytes]) -> np.ndarray:
    codec = codecs.make("opus", 48000, 2)
    return np.concatenate([codec.decode(payload) for payload in payloads])


def bandwidth_hz(payload: bytes) -> int:
    """Of a payload, by its first octet (RFC 6716 table 2)."""
    configuration = payload[0] >> 3
    if configuration < 12:
        return (4000, 6000, 8000)[configuration // 4]
    if configuration < 16:
        return (12000, 20000)[(configuration - 12) // 2]
    return (4000, 8000, 12000, 20000)[(configuration - 16) // 4]


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 50, 60])
def test_at_a_high_rate_ffmpeg_hears_the_same(ptime_ms):
    """CELT: their arithmetic is in floating point."""
    payloads = packets(talker(bitrate_bps=160_000), ptime_ms=ptime_ms)
    assert all(payload[0] & 0x80 for payload in payloads[2:])
    ours, theirs = decoded(payloads).astype(float), reference.decode("opus", payloads, 48000)
    ours, theirs = ours[4800:], theirs[4800 : len(ours)]
    assert 10 * np.log10(np.sum(ours**2) / np.sum((ours - theirs) ** 2)) > 60


@pytest.mark.parametrize(
    ("ptime_ms", "fec"), [(10, True), (20, True), (20, False), (30, True), (40, False), (50, True), (60, False)]
)
@pytest.mark.parametrize("bitrate_bps", [12_000, 24_000, 40_000])
def test_at_a_low_rate_it_hears_as_good_as_the_same(bitrate_bps, ptime_ms, fec):
    """SILK and hybrid: they resample with another filter, and trip over FEC in packets of several SILK frames."""
    payloads = packets(talker("useinbandfec=1", bitrate_bps, fec, 10), ptime_ms=ptime_ms)
    ours, theirs = decoded(payloads), reference.decode("opus", payloads, 48000)
    assert len(ours) == len(payloads) * 48 * ptime_ms
    ours = ours[: len(theirs)]
    assert spectral_distance_db(ours, theirs, 48000) < 0.5
    assert abs(np.std(ours) / np.std(theirs) - 1) < 0.025


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 50, 60])
def test_another_libopus_hears_exactly_the_same(ptime_ms):
    """The one in FFmpeg: all modes, with FEC."""
    payloads = packets(talker("useinbandfec=1", 32_000, True, 10), ptime_ms=ptime_ms)
    payloads += packets(talker("", 64_000), ptime_ms=ptime_ms) + packets(talker("", 10_000), ptime_ms=ptime_ms)
    ours, theirs = decoded(payloads).astype(float), reference.decode("libopus", payloads, 48000)
    assert np.abs(ours - theirs).max() <= 1


def test_stereo_is_heard_as_one():
    """libopus through FFmpeg says something else left and right; we hear their mean."""
    left, right = speech(1, 48000, seed=1), speech(1, 48000, seed=2)
    payloads = reference.encode("libopus", np.column_stack((left, right)).reshape(-1), 48000, "stereo", b="128k")
    assert payloads[10][0] & 4
    heard = decoded(payloads)
    mean = (left.astype(int) + right) // 2
    assert spectral_distance_db(heard[312 : 312 + 45000], mean[:45000], 48000) < 2.5


def together(payloads: list[bytes]) -> bytes:
    """Several packets of one frame each as one (RFC 6716 section 3.2.5): code 3, each but the last with its length."""
    lengths = [len(payload) - 1 for payload in payloads[:-1]]
    told = [bytes((n,)) if n < 252 else bytes((252 + (n & 3), (n - 252 - (n & 3)) // 4)) for n in lengths]
    head = bytes((payloads[0][0] & 0xFC | 3, 0x80 | len(payloads)))
    return head + b"".join(told) + b"".join(payload[1:] for payload in payloads)


@pytest.mark.parametrize(("ptime_ms", "frames"), [(20, 2), (20, 3), (60, 2), (10, 12), (20, 6)])
def test_packets_of_several_frames_are_heard_as_if_they_had_come_alone(ptime_ms, frames):
    payloads = [payload for payload in packets(talker("maxplaybackrate=16000", 20_000), ptime_ms=ptime_ms)]
    payloads = [payload for payload in payloads if payload[0] == payloads[0][0]]
    payloads = payloads[: len(payloads) // frames * frames]
    grouped = [together(payloads[at : at + frames]) for at in range(0, len(payloads), frames)]
    assert {opus.samples_in(payload) for payload in grouped} == {48 * ptime_ms * frames}
    assert (decoded(grouped) == decoded(payloads)).all()


@pytest.mark.parametrize("ptime_ms", opus.JOINED_MS)
@pytest.mark.parametrize("bitrate_bps", [8_000, 16_000, 24_000, 32_000, 64_000, 160_000])
def test_packets_of_several_frames_sound_as_those_of_one(bitrate_bps, ptime_ms, monkeypatch):
    """The bit rate changes under way, and with it the encoder's mode and bandwidth: between packets, so that all their
    frames can be in the one configuration of the packet."""
    joined = []
    join = opus._Repacketizer.join
    monkeypatch.setattr(
        opus._Repacketizer, "join", lambda self, frames, cbr: joined.append(frames) or join(self, frames, cbr)
    )
    heard, configurations = {}, set()
    for length_ms in (10, ptime_ms):
        codec = talker("useinbandfec=1", bitrate_bps, True, 5)
        payloads = packets(codec, ptime_ms=length_ms)
        codec.adapt(200_000 - bitrate_bps, False, 0)
        payloads += packets(codec, ptime_ms=length_ms)
        heard[length_ms] = decoded(payloads)[: 2 * len(SOUND) // 2400 * 2400]
        assert len(heard[length_ms]) <= 48 * length_ms * len(payloads)
        assert {opus.samples_in(payload) for payload in payloads} == {48 * length_ms}
        configurations |= {payload[0] >> 3 for payload in payloads}
    assert len(configurations) > 1, "nothing changed: this test shows nothing"
    assert {len(frames) for frames in joined} == {ptime_ms // 10}
    mixed = sum(len({frame[0] >> 3 for frame in frames}) > 1 for frames in joined)
    assert mixed <= (2 if bitrate_bps < 12_000 else 0), "the whole way from 8 to 192 kbit/s may take a frame"
    distances = [
        spectral_distance_db(sound[312:], np.tile(SOUND, 2)[: len(sound) - 312], 48000) for sound in heard.values()
    ]
    assert distances[1] < distances[0] + (0.5 if bitrate_bps < 12_000 else 0.2)


@pytest.mark.parametrize("ptime_ms", opus.JOINED_MS)
def test_pauses_are_not_sent_in_packets_of_several_frames_either(ptime_ms):
    codec = talker("usedtx=1", 24_000)
    assert codec.set_dtx(True)
    payloads = packets(codec, np.concatenate((SOUND, np.zeros(3 * 48000, np.int16), SOUND)), ptime_ms)
    pauses = [codec.is_pause(payload) for payload in payloads]
    assert 0.5 < sum(pauses) * ptime_ms / 3000 <= 1
    told = decoded([payload for payload, pause in zip(payloads, pauses, strict=True) if not pause])
    assert len(told) == pauses.count(False) * 48 * ptime_ms


@pytest.mark.parametrize("ptime_ms", opus.JOINED_MS)
def test_packets_of_several_frames_are_constant_too_where_that_is_wished(ptime_ms):
    assert len({len(payload) for payload in packets(talker("cbr=1"), ptime_ms=ptime_ms)}) == 1


@pytest.mark.parametrize("frame_ms", ["2.5", "5", "10", "20", "40", "60"])
def test_every_length_of_a_frame_is_played(frame_ms):
    """From libopus through FFmpeg. What is shorter than ours may come, too."""
    sound = speech(3, 48000)
    payloads = reference.encode("libopus", sound, 48000, frame_duration=frame_ms, b="64k", application="audio")
    ear, units, came, heard = make_stream("opus"), int(48 * float(frame_ms)), 0, []
    for tick in range(160):
        now = 0.02 * tick + 0.005
        while came < len(payloads) and (came + 1) * units / 48000 <= now:
            ear.receive_rtp(
                rtp.build(111, came == 0, came, came * units, 7, payloads[came]), (came + 1) * units / 48000
            )
            came += 1
        heard.append(ear.play_frame(now))
    rx = ear.stats(3.2).rx
    assert (rx.lost, rx.late, rx.discarded) == (0, 0, 0) and rx.concealed_ms < 200
    played = np.concatenate(heard)
    later = round(delay_ms(sound, played, 48000, 1.0) * 48)
    assert spectral_distance_db(sound[24000:96000], played[later + 24000 : later + 96000], 48000) < 2.5


# ------------------------------------------------------------------ what the far end wishes


@pytest.mark.parametrize(
    ("rate", "highest"), [(8000, 4000), (12000, 6000), (16000, 8000), (24000, 12000), (44100, 20000), (48000, 20000)]
)
def test_no_more_is_sent_than_can_be_played(rate, highest):
    payloads = packets(talker(f"maxplaybackrate={rate}", 48000))
    assert max(map(bandwidth_hz, payloads)) == highest


def test_no_more_bits_than_wished():
    payloads = packets(talker("maxaveragebitrate=14000", 64000))
    assert sum(map(len, payloads)) * 8 / 1.5 < 16000
    assert talker("maxaveragebitrate=14000", 64000).bitrate_bps == 14000
    assert sum(map(len, packets(talker("", 64000)))) * 8 / 1.5 > 40000


def test_constant_bit_rate_is_constant():
    sizes = {len(payload) for payload in packets(talker("cbr=1", 24000))}
    assert sizes == {60}


def test_the_frame_before_is_repeated_where_it_is_of_use():
    assert any(map(opus.has_earlier, packets(talker("useinbandfec=1", 32000, True, 10))))
    assert not any(map(opus.has_earlier, packets(talker("useinbandfec=0", 32000, True, 10))))


def test_a_change_takes_effect_in_mid_call():
    codec = talker("useinbandfec=1", 48000)
    before = packets(codec)
    codec.adapt(24000, True, 15)
    after = packets(codec)
    assert sum(map(len, after)) < 0.7 * sum(map(len, before))
    assert not any(map(opus.has_earlier, before)) and any(map(opus.has_earlier, after[5:]))


def test_too_much_is_held_within_bounds():
    codec = talker("", 10**9, True, 1000)
    assert codec.bitrate_bps == 510_000
    codec.adapt(-5, False, -3)
    assert codec.bitrate_bps == 6000 and packets(codec)


# ------------------------------------------------------------------ in a call


def call(delay, fec: bool, seconds: float = 6.0, ptime_ms: float = 20) -> tuple[OneWay, np.ndarray, np.ndarray]:
    way = OneWay(
        make_stream("opus", ptime_ms, seed=1, cname="a"), make_stream("opus", ptime_ms, seed=2, cname="b"), Wire(delay)
    )
    way.mouth._out.codec.adapt(40_000, fec, 10 if fec else 0)
    sound = speech(seconds, 48000)
    return way, sound, way.talk(sound, 0.5)


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 60])
def test_a_clean_line_brings_what_was_said(ptime_ms):
    way, sound, heard = call(lambda number, now: 0.04, False, 3.0, ptime_ms)
    assert way.ear.rate_hz == 48000
    later = round(delay_ms(sound, heard, 48000, 1.0) * 48)
    assert spectral_distance_db(sound[24000:120000], heard[later + 24000 : later + 120000], 48000) < 2.5
    rx = way.ear.stats(3.5).rx
    assert (rx.lost, rx.late, rx.discarded, rx.recovered) == (0, 0, 0, 0) and rx.concealed_ms < FADE_OUT_MS + ptime_ms


def test_timestamps_count_48000_a_second():
    stream = make_stream("opus")
    first, second = (rtp.parse(stream.send_frame(SOUND[:960], at)) for at in (0.0, 0.02))
    assert (second.timestamp - first.timestamp) & 0xFFFFFFFF == 960


def test_lost_packets_come_back_with_the_next():
    """In-band FEC: once it has seen a few the buffer waits for them. What the encoder took for a pause is not in it."""
    plain, _, _ = call(jitter(0.0, loss=0.1), False)
    saved, _, _ = call(jitter(0.0, loss=0.1), True)
    before, after = plain.ear.stats(6.5).rx, saved.ear.stats(6.5).rx
    assert before.lost == after.lost > 10 and before.recovered == 0
    assert after.recovered > 0.25 * after.lost
    assert after.concealed_ms <= before.concealed_ms - 15 * after.recovered


def test_what_came_late_is_played_rather_than_its_repetition():
    """A packet that the next one overtook, and that comes in time, is heard itself."""
    way, _, _ = call(lambda number, now: 0.075 if number % 10 == 5 else 0.04, True, 4.0)
    rx = way.ear.stats(4.5).rx
    assert rx.reordered > 10 and rx.lost == 0 and rx.duplicate == 0
    assert rx.recovered <= 3


def test_a_decoder_conceals_by_itself():
    way, _, heard = call(lambda number, now: None if number == 60 else 0.04, False, 2.0)
    assert way.ear.stats(2.5).rx.concealed_ms == pytest.approx(
        20 + FADE_OUT_MS, abs=21
    )  # and what fades out at the end
    steps = np.abs(np.diff(heard.astype(int)))
    assert steps.max() < 1.5 * np.abs(np.diff(speech(2, 48000).astype(int))).max()  # no click


def test_the_sound_ends_when_nothing_comes_any_more():
    _, _, heard = call(lambda number, now: 0.04 if number < 60 else None, False, 3.0)
    assert np.abs(heard[-24000:]).max() < 40


def test_broken_payloads_are_counted():
    stream = make_stream("opus")
    for number in range(20):
        stream.receive_rtp(rtp.build(111, False, number, 960 * number, 7, b"\x03\x82\xff\xff"), 0.02 * number)
        assert len(stream.play_frame(0.02 * number + 0.01)) == 960
    assert stream.stats(1.0).rx.discarded > 10


# ------------------------------------------------------------------ against loss


def kilobits(codec: codecs.Codec, distances: tuple[int, ...]) -> float:
    return sum(map(len, packets(codec))) * 8 / 1.5 / 1000 * (1 + len(distances))


def test_the_more_is_lost_the_more_often_it_is_sent_and_with_the_fewer_bits():
    codec = talker("useinbandfec=1")
    found = [(codec.against_loss(loss, 1, True), codec.bitrate_bps) for loss in (0.0, 0.01, 0.1, 0.2)]
    assert [distances for distances, _ in found] == [(), (2,), (1,), (1, 2)]
    assert [rate for _, rate in found] == sorted((rate for _, rate in found), reverse=True)
    assert not codec.in_band_fec  # twice is enough


def test_where_nothing_may_be_sent_twice_the_encoder_repeats():
    codec = talker("useinbandfec=1")
    assert codec.against_loss(0.02, 1, True, 0.002) == (2,) and codec.against_loss(0.02, 1, True, 0.008) == (1,)
    assert codec.against_loss(0.02, 1, False) == () and codec.in_band_fec
    assert any(map(opus.has_earlier, packets(codec)))
    codec.against_loss(0.001, 0, False)
    assert not codec.in_band_fec and codec.bitrate_bps == opus.BITRATE_BPS


@pytest.mark.parametrize(("ptime_ms", "distances"), [(10, (2,)), (20, (2,)), (30, (1,)), (40, (1,)), (60, (1,))])
def test_a_packet_is_repeated_soon_enough_to_be_waited_for(ptime_ms: float, distances: tuple[int, ...]) -> None:
    stream = make_stream("opus", ptime_ms, red_send=121)
    stream.against_loss(0.05, 1)
    assert stream._out.distances == distances


@pytest.mark.parametrize("redundant", [True, False])
@pytest.mark.parametrize("loss", [0.0, 0.01, 0.05, 0.2, 0.5])
def test_all_in_all_it_is_48_kbit_a_second_at_most(loss, redundant):
    codec = talker("useinbandfec=1")
    assert kilobits(codec, codec.against_loss(loss, 3, redundant)) < 50  # of sound without a pause, nearly


def test_where_repeating_makes_it_worse_less_is_sent():
    codec = talker("useinbandfec=1")
    codec.against_loss(0.1, 1, True)
    assert codec.against_loss(0.3, 0, True) == () and codec.bitrate_bps == opus.LESS[0]


def test_it_does_not_flutter():
    codec = talker("useinbandfec=1")
    states = [codec.against_loss(loss, 1, True) for loss in (0.006, 0.008, 0.006, 0.004, 0.006, 0.15, 0.1, 0.08, 0.1)]
    assert states == [(), (2,), (2,), (), (), (1, 2), (1, 2), (1,), (1,)]


def test_a_codec_that_can_do_nothing_has_as_many_generations_as_were_found_right():
    assert codecs.make("PCMU", 8000).against_loss(0.2, 2, True) == (1, 2)


def steered(loss: float, **changes: object) -> OneWay:
    """Twelve seconds over a line; RTCP of the ear tells the mouth how it is."""
    mouth = make_stream("opus", seed=1, red_send=121, **changes)
    ear = make_stream("opus", seed=2, red_receive=frozenset({121}))
    way = OneWay(mouth, ear, Wire(jitter(0.0, loss=loss)))

    def report(now: float) -> None:
        if now >= ear.rtcp_deadline():
            mouth.receive_rtcp(ear.make_rtcp(now, now), now)

    way.on_tick = report
    way.talk(speech(12, 48000))
    return way


def test_who_repeats_nothing_has_the_encoder_do_it():
    """--redundancy off is no wish to hear gaps."""
    way = steered(0.05, redundancy=0)
    assert way.mouth.redundancy == 0 and way.mouth._out.codec.in_band_fec
    assert way.ear.stats(12.0).rx.recovered > 0


def test_who_repeats_always_has_the_encoder_as_it_was():
    way = steered(0.05, redundancy=1)
    assert way.mouth.redundancy == 1 and way.mouth._out.codec.bitrate_bps == opus.BITRATE_BPS


def test_another_codec_in_mid_call_knows_what_was_reported():
    mouth = steered(0.05).mouth
    same = {"receive": {}, "dtmf_send": None, "dtmf_receive": {}, "ptime_ms": 20, "red_send": 121, "now": 12.0}
    generations = mouth._controller.generations
    assert generations and mouth._out.distances == (2,), "what suits Opus"
    mouth.update(send=codecs.formats(["PCMU"])[0], **same)
    assert mouth._out.distances == tuple(range(1, generations + 1))
    mouth.update(send=codecs.formats(["opus"])[0], **same)
    assert mouth._out.distances == (2,) and mouth._out.codec.bitrate_bps == opus.TWICE[0]


def test_a_call_is_steered_by_what_the_far_end_reports():
    """RTCP of the ear brings the mouth to send less of each frame, and each twice."""
    way = steered(0.05)
    mouth, ear = way.mouth, way.ear
    assert mouth.redundancy == 1 and mouth._out.codec.bitrate_bps == opus.TWICE[0]
    rx = ear.stats(12.0).rx
    assert rx.recovered > 0.3 * rx.lost
