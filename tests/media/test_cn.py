"""Comfort noise (RFC 3389): what a payload says of a room, and the noise that is made of it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media import codecs, rtp
from engine.media.codecs import cn
from engine.media.errors import MediaError
from engine.media.level import rms_dbfs
from tests.media.virtual import make_stream, speech


def noise_of(payload: bytes, seconds: float = 1.0, rate_hz: int = 8000) -> np.ndarray:
    codec = cn.ComfortNoise(rate_hz, 8000)
    pieces = [codec.decode(payload)]
    while sum(map(len, pieces)) < seconds * rate_hz:
        pieces.append(codec.conceal(rate_hz // 50))
    return np.concatenate(pieces)


def spectrum_db(pcm: np.ndarray, bands: int = 16) -> np.ndarray:
    frames = pcm[: len(pcm) // 256 * 256].reshape(-1, 256) * np.hanning(256)
    power = (np.abs(np.fft.rfft(frames, axis=1)[:, :128]) ** 2).mean(axis=0).reshape(bands, -1).mean(axis=1)
    return 10 * np.log10(power + 1e-9)


def room(seconds: float = 2.0, level_dbov: float = -45) -> np.ndarray:
    """Noise of a room: white, through a resonance at 500 Hz and less towards the top."""
    white = np.random.default_rng(7).normal(0, 1, int(8000 * seconds) + 200)
    sound = np.zeros_like(white)
    for at in range(2, len(white)):
        sound[at] = white[at] + 1.6 * sound[at - 1] - 0.75 * sound[at - 2]
    sound = sound[200:]
    return (sound * 32768 * 10 ** (level_dbov / 20) / np.std(sound)).astype(np.int16)


@pytest.mark.parametrize("level", [30, 45, 60, 70])
@pytest.mark.parametrize("rate_hz", [8000, 16000, 48000])
def test_noise_has_the_level_that_was_said(level, rate_hz):
    assert rms_dbfs(noise_of(bytes([level]), 2.0, rate_hz)) == pytest.approx(-level, abs=0.7)


def test_noise_without_a_spectrum_is_white_and_has_no_tone():
    found = spectrum_db(noise_of(bytes([30]), 2.0))
    assert np.ptp(found) < 4


def test_noise_is_steady_and_does_not_click():
    pcm = noise_of(bytes([40]), 4.0).astype(float)
    levels = [np.std(pcm[at : at + 400]) for at in range(0, len(pcm) - 400, 400)]
    assert max(levels) / min(levels) < 1.5
    assert np.abs(np.diff(pcm)).max() < 10 * np.std(pcm)


def test_a_change_is_faded():
    codec = cn.ComfortNoise(8000, 8000)
    loud = [codec.decode(bytes([20])), codec.conceal(800)][1]
    middle = codec.decode(bytes([60])).astype(float)
    quiet = codec.conceal(800)
    assert rms_dbfs(loud) > -22 and rms_dbfs(quiet) < -57
    assert np.std(middle[:20]) > 5 * np.std(middle[-10:])


def test_a_room_sounds_like_itself_again():
    """Described in eleven octets, and made anew from them."""
    pcm = room()
    samples = pcm.astype(float)
    correlation = np.array([samples[lag:] @ samples[: len(samples) - lag] for lag in range(cn.ORDER + 1)])
    payload = cn.describe(rms_dbfs(pcm), correlation)
    assert len(payload) == 1 + cn.ORDER
    again = noise_of(payload, 2.0)
    assert rms_dbfs(again) == pytest.approx(rms_dbfs(pcm), abs=1)
    assert np.abs(spectrum_db(again) - spectrum_db(pcm)).max() < 3.5


def test_coefficients_are_those_of_the_rfc():
    """k = 258 (N - 127) / 32768 (RFC 3389 section 3.2)."""
    assert cn.reflections(bytes([30, 127, 254, 0])).tolist() == [0, 127 * 258 / 32768, -127 * 258 / 32768]


@given(st.binary(max_size=60))
@settings(max_examples=60, deadline=None)
def test_any_payload_makes_noise_or_is_refused(payload):
    codec = cn.ComfortNoise(8000, 8000)
    try:
        pcm = codec.decode(payload)
    except MediaError:
        assert not payload
        return
    assert len(pcm) == codec.samples_in(payload) == 80
    assert np.isfinite(codec.conceal(1600).astype(float)).all()


def test_it_is_no_codec_to_be_asked_for():
    assert "CN" not in {item.encoding for item in codecs.formats()}
    with pytest.raises(codecs.CodecError):
        codecs.formats(["CN"])


# ------------------------------------------------------------------ heard in a call


def hear(codec: str, payload_type: int = 13, level: int = 50) -> tuple[np.ndarray, object]:
    """Half a second of speech, a second and a half of comfort noise told once, half a second of speech."""
    mouth, ear = make_stream(codec, seed=1), make_stream(codec, seed=2)
    sound = speech(3, mouth.rate_hz)
    units = mouth._out.clock_rate // 50
    heard, sequence = [], 0
    for frame in range(125):
        now = 0.02 * frame
        pcm = sound[frame * mouth.frame_samples : (frame + 1) * mouth.frame_samples]
        packet = rtp.parse(mouth.send_frame(pcm, now))
        if frame == 25:
            ear.receive_rtp(rtp.build(payload_type, False, sequence, units * frame, 7, bytes([level])), now)
        elif not 25 < frame < 100:
            data = rtp.build(packet.payload_type, frame == 100, sequence, units * frame, 7, packet.payload)
            ear.receive_rtp(data, now)
        sequence += not 25 < frame < 100
        heard.append(ear.play_frame(now + 0.011))
    return np.concatenate(heard), ear


@pytest.mark.parametrize("codec", ["PCMU", "G722"])
def test_a_pause_is_filled_with_the_noise_of_the_room_and_not_concealed(codec):
    """Though nobody spoke of it in SDP: everybody knows payload type 13."""
    heard, ear = hear(codec)
    rate_hz = ear.rate_hz
    pause = heard[int(0.7 * rate_hz) : int(1.9 * rate_hz)]
    levels = [rms_dbfs(pause[at : at + rate_hz // 10]) for at in range(0, len(pause) - rate_hz // 10, rate_hz // 10)]
    assert levels == pytest.approx([-50] * len(levels), abs=2)
    rx = ear.stats(2.5).rx
    assert (rx.lost, rx.late, rx.discarded, rx.concealed_ms) == (0, 0, 0, 0)
    assert rms_dbfs(heard[int(2.2 * rate_hz) :]) > -35 and not ear.far_end_pauses


def test_broken_noise_is_counted():
    stream = make_stream()
    for number in range(10):
        stream.receive_rtp(rtp.build(13, False, number, 160 * number, 7, b""), 0.02 * number)
        assert len(stream.play_frame(0.02 * number + 0.01)) == 160
    assert stream.stats(1.0).rx.discarded > 5
