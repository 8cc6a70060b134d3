"""Silence suppression: no syllable is cut, few packets are sent in a pause, and the pause sounds like the room."""

from __future__ import annotations

import numpy as np
import pytest

from engine.media import codecs, rtp
from engine.media.codecs import opus
from engine.media.level import rms_dbfs
from engine.media.silence import TELL_EVERY_S, SilenceSuppressor, VoiceDetector
from tests.media.virtual import OneWay, Wire, delay_ms, make_stream, speech

FADES_OUT_MS = 250  # at the end, when nothing comes any more


def noise(seconds: float, level_dbfs: float, rate_hz: int = 8000, seed: int = 3) -> np.ndarray:
    chance = np.random.default_rng(seed)
    return (chance.normal(0, 1, int(seconds * rate_hz)) * 32768 * 10 ** (level_dbfs / 20)).astype(np.int16)


def conversation(rate_hz: int = 8000, level_dbfs: float = -55) -> tuple[np.ndarray, slice]:
    """Two seconds of speech, four of the room, two of speech; and where the room is alone."""
    said = speech(2, rate_hz)
    sound = np.concatenate((said, np.zeros(4 * rate_hz, np.int16), said))
    return sound + noise(8, level_dbfs, rate_hz), slice(2 * rate_hz, 6 * rate_hz)


def heard_by(detector: VoiceDetector, pcm: np.ndarray, size: int = 160) -> np.ndarray:
    return np.array([detector.hears(pcm[at : at + size]) for at in range(0, len(pcm) - size + 1, size)])


@pytest.mark.parametrize("level_dbfs", [-80, -60, -50, -45])
def test_speech_is_heard_and_the_room_is_not(level_dbfs):
    sound, alone = conversation(level_dbfs=level_dbfs)
    found = heard_by(VoiceDetector(8000), sound)
    loud = np.array([rms_dbfs(sound[at : at + 160]) > -32 for at in range(0, len(sound), 160)])
    assert found[loud].all()
    assert found[alone.start // 160 + 20 : alone.stop // 160].mean() < 0.02


def test_a_short_pause_is_bridged():
    """Of the hangover's length; a longer one is not."""
    said = np.full(8000, 3000, np.int16)
    gap = np.zeros(1600, np.int16)
    found = heard_by(VoiceDetector(8000), np.concatenate((noise(1, -60), said, gap, said, np.zeros(8000, np.int16))))
    assert found[50:160].all() and not found[-25:].any()


def test_a_room_that_grows_louder_is_learnt():
    found = heard_by(VoiceDetector(8000), np.concatenate((noise(5, -60), noise(10, -45))))
    assert found[250:300].any() and not found[-250:].any()


def test_speech_without_a_pause_is_speech():
    """Its quietest moments are no room."""
    loud = (speech(1)[2000:2800].astype(np.int32) * 2).clip(-32768, 32767).astype(np.int16)
    assert rms_dbfs(loud) > -40 + 6
    assert heard_by(VoiceDetector(8000), np.tile(loud, 100)).all()


def test_digital_silence_is_silence():
    assert not heard_by(VoiceDetector(8000), np.zeros(16000, np.int16))[20:].any()


def test_the_room_is_told_at_once_when_it_changes_and_now_and_then():
    suppressor = SilenceSuppressor(8000, 8000)
    told = []
    sound = np.concatenate((speech(1) + noise(1, -60), noise(5, -60), noise(1.0, -56.0)))
    for frame in range(len(sound) // 160):
        pcm = sound[160 * frame : 160 * (frame + 1)]
        payload = suppressor.noise(0.02) if suppressor.pauses(pcm) else None
        if payload is not None:
            told.append((0.02 * frame, payload[0]))
    assert told[0][0] < 1.5
    between = np.diff([at for at, _ in told])
    assert max(between) <= TELL_EVERY_S + 0.03 and len(told) < 12
    assert any(abs(level - 60) <= 2 for _, level in told) and told[-1][1] < 59


# ------------------------------------------------------------------ in a call


def talk(codec: str, sound: np.ndarray, **changes: object) -> tuple[OneWay, np.ndarray, list[rtp.RtpPacket]]:
    mouth = make_stream(codec, seed=1, silence_suppression=True, **changes)
    ear = make_stream(codec, seed=2)
    wire = Wire()
    packets: list[rtp.RtpPacket] = []
    send = wire.send

    def seen(data: bytes | None, now: float) -> None:
        if data is not None:
            packets.append(rtp.parse(data))
            send(data, now)

    wire.send = seen  # type: ignore[method-assign]
    way = OneWay(mouth, ear, wire)
    return way, way.talk(sound, 0.3), packets


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "G722"])
def test_a_pause_costs_a_packet_a_second(codec):
    rate_hz = 16000 if codec == "G722" else 8000
    sound, _ = conversation(rate_hz)
    way, heard, packets = talk(codec, sound, noise_send=(13, 8000))
    noises = [packet for packet in packets if packet.payload_type == 13]
    assert 3 <= len(noises) <= 12 and len(packets) < 0.62 * 400
    assert {len(packet.payload) for packet in noises} == ({1} if codec == "G722" else {11})
    rx = way.ear.stats(9.0).rx
    assert (rx.lost, rx.late, rx.discarded) == (0, 0, 0) and rx.concealed_ms <= FADES_OUT_MS
    later = round(delay_ms(sound, heard, rate_hz, 0.5) * rate_hz / 1000)
    room = heard[later + 3 * rate_hz : later + 5 * rate_hz]
    assert rms_dbfs(room) == pytest.approx(-55, abs=3)


def test_the_first_packet_after_a_pause_begins_a_spurt():
    sound, _ = conversation()
    _, _, packets = talk("PCMU", sound, noise_send=(13, 8000))
    marked = [number for number, packet in enumerate(packets) if packet.marker]
    assert marked[0] == 0 and len(marked) >= 2
    assert all(packets[number - 1].payload_type == 13 for number in marked[1:])


def test_timestamps_follow_time_through_a_pause():
    sound, _ = conversation()
    _, _, packets = talk("PCMU", sound, noise_send=(13, 8000))
    begun = packets[0].timestamp
    assert (packets[-1].timestamp - begun) & 0xFFFFFFFF == 160 * 399
    assert [packet.sequence for packet in packets] == [
        (packets[0].sequence + number) & 0xFFFF for number in range(len(packets))
    ]


def test_who_cannot_be_told_of_a_pause_is_sent_everything():
    sound, _ = conversation()
    assert len(talk("PCMU", sound)[2]) == 400


@pytest.mark.parametrize("wished", [True, False])
def test_opus_pauses_by_itself_where_it_is_wished(wished):
    sound, _ = conversation(48000, -75)
    wire = codecs.formats(["opus"], dtx=wished)[0]
    assert ("usedtx=1" in wire.fmtp) == wished
    way, heard, packets = talk("opus", sound, send=wire)
    if not wished:
        assert len(packets) == 400
        return
    assert len(packets) < 0.7 * 400
    assert any(len(packet.payload) <= opus.PAUSE_OCTETS for packet in packets)
    rx = way.ear.stats(9.0).rx
    assert (rx.lost, rx.late) == (0, 0) and rx.concealed_ms <= FADES_OUT_MS
    later = round(delay_ms(sound, heard, 48000, 0.5) * 48)
    assert rms_dbfs(heard[later + 3 * 48000 : later + 5 * 48000]) < -60
    assert rms_dbfs(heard[later + 6 * 48000 : later + 7 * 48000]) > -30
