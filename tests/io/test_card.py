"""The helper process's own parts, on streams of paper."""

from __future__ import annotations

from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.io import card

RATE = 8000
FRAME = 160


class PaperStream:
    """A loudspeaker or microphone whose clock the test turns."""

    def __init__(self, capacity: int = 480) -> None:
        self.capacity = capacity
        self.level = 0
        self.ran_dry = 0
        self.heard = array("h")
        self.captured = b""

    def play(self, count: int) -> None:
        if count > self.level:
            self.ran_dry += 1
        self.level = max(0, self.level - count)

    def get_write_available(self) -> int:
        return self.capacity - self.level

    def write(self, data: bytes, exception_on_underflow: bool) -> None:
        assert exception_on_underflow is False
        assert 0 < len(data) // 2 <= self.get_write_available(), "this would have blocked"
        self.level += len(data) // 2
        self.heard.frombytes(data)

    def get_read_available(self) -> int:
        return len(self.captured) // 2

    def read(self, count: int, exception_on_overflow: bool) -> bytes:
        assert exception_on_overflow is False
        data, self.captured = self.captured[: 2 * count], self.captured[2 * count :]
        return data


def run(stream: PaperStream, speaker: card.Speaker, seconds: float, drift: float = 0.0, begin: float = 0.0):
    """The engine plays frames, the card plays a little faster or slower; returns what waited, in samples."""
    waiting, owed = [], 0.0
    for number in range(int(seconds * 50)):
        now = begin + number * 0.02
        speaker.push(array("h", [1000] * FRAME).tobytes(), now)
        for _ in range(4):
            speaker.pump()
            owed += FRAME * (1 + drift) / 4
            stream.play(int(owed))
            owed -= int(owed)
        waiting.append(len(speaker._queue) + stream.level)
    return waiting


def test_it_plays_what_it_is_given_after_a_little_silence():
    stream = PaperStream()
    speaker = card.Speaker(stream, RATE, 1)
    run(stream, speaker, 2)
    silence = int(card.REFILL_S * RATE)
    assert not any(stream.heard[:silence])
    assert all(value == 1000 for value in stream.heard[silence:])
    assert (speaker.underruns, speaker.overruns) == (0, 0)


@pytest.mark.parametrize("drift", [0.001, -0.001])
def test_two_clocks_are_kept_together(drift):
    stream = PaperStream()
    speaker = card.Speaker(stream, RATE, 1)
    waiting = run(stream, speaker, 120, drift)
    assert max(waiting[100:]) <= 0.08 * RATE
    assert speaker.underruns <= 12
    assert speaker.overruns == 0


def test_a_card_that_starts_late_does_not_keep_the_delay():
    stream = PaperStream()
    speaker = card.Speaker(stream, RATE, 1)
    for number in range(50):
        speaker.push(array("h", [1] * FRAME).tobytes(), number * 0.02)
        speaker.pump()
    assert len(speaker._queue) <= 2 * FRAME
    assert max(run(stream, speaker, 2, begin=1.0)) <= 0.08 * RATE


def test_a_burst_is_cut_to_its_newest_part():
    stream = PaperStream()
    speaker = card.Speaker(stream, RATE, 1)
    run(stream, speaker, 1)
    speaker.push(array("h", range(20_000)).tobytes(), 1.0)
    assert len(speaker._queue) <= card.MOST_S * RATE
    assert speaker._queue[-1] == 19_999
    assert speaker.overruns == 1


def test_an_engine_that_stalls_is_an_underrun_and_one_that_holds_is_none():
    stream = PaperStream()
    speaker = card.Speaker(stream, RATE, 1)
    run(stream, speaker, 1)
    stream.play(1000)
    run(stream, speaker, 1, begin=1.2)
    assert speaker.underruns == 1
    stream.play(1000)
    run(stream, speaker, 1, begin=10.0)
    assert speaker.underruns == 1


def test_stereo_cards_hear_and_are_heard_in_mono():
    stream = PaperStream(capacity=2000)
    speaker = card.Speaker(stream, RATE, 2)
    speaker.push(array("h", [5, 6]).tobytes(), 0.0)
    speaker.pump()
    assert stream.heard[-4:].tolist() == [5, 5, 6, 6]
    stream.captured = array("h", [1, 9, 2, 9]).tobytes()
    stream.get_read_available = lambda: 2  # type: ignore[method-assign]
    stream.read = lambda count, exception_on_overflow: stream.captured  # type: ignore[method-assign]
    assert card.Microphone(stream, 2).read() == array("h", [1, 2])


def test_a_microphone_tells_its_extremes_until_it_is_asked():
    stream = PaperStream()
    microphone = card.Microphone(stream, 1)
    assert microphone.extremes() is None
    for captured in ([5, -7, 32767], [-32768, 3]):
        stream.captured = array("h", captured).tobytes()
        microphone.read()
    assert card.EXTREMES.unpack(microphone.extremes() or b"") == (-32768, 32767, 2, 5)
    assert microphone.extremes() is None


@given(st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 1000), st.floats(0, 3)), max_size=60))
@settings(max_examples=60, deadline=None)
def test_whatever_comes_it_never_waits_and_never_grows(steps):
    stream, now = PaperStream(), 0.0
    speaker = card.Speaker(stream, RATE, 1)
    for pushed, played, passed in steps:
        now += passed
        speaker.push(bytes(pushed), now)
        speaker.pump()
        stream.play(played)
        assert len(speaker._queue) <= (card.MOST_S + card.REFILL_S) * RATE


@given(st.lists(st.tuples(st.sampled_from([b"C", b"S", b"P"]), st.binary(max_size=50)), max_size=20), st.data())
@settings(max_examples=60, deadline=None)
def test_messages_survive_any_cutting(messages, data):
    stream = b"".join(card.pack(kind, content) for kind, content in messages)
    unpacker, got = card.Unpacker(), []
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        got += unpacker.push(stream[:size])
        stream = stream[size:]
    assert got == messages


class PaperAudio:
    """A list of devices; opens what ``accepts`` says."""

    def __init__(self, *accepts: tuple[int, int]) -> None:
        self.accepts = accepts
        self.asked: list[tuple[int, int]] = []

    def get_device_count(self) -> int:
        return 2

    def get_device_info_by_index(self, index: int) -> dict:
        name = ("Built-in Audio", "USB Headset")[index]
        return {
            "index": index,
            "name": name,
            "maxInputChannels": index,
            "maxOutputChannels": 2,
            "defaultSampleRate": 32000,
        }

    def get_default_input_device_info(self) -> dict:
        return self.get_device_info_by_index(1)

    def open(self, *, channels: int, rate: int, **wishes: object) -> str:
        self.asked.append((rate, channels))
        if (rate, channels) not in self.accepts:
            raise OSError(-9997, "Invalid sample rate")
        return "stream"


def test_devices_are_picked_by_part_of_their_name():
    audio = PaperAudio()
    assert card.pick(audio, "headset", "output")["index"] == 1
    assert card.pick(audio, None, "input")["index"] == 1
    with pytest.raises(OSError, match="no input has 'built' in its name; there is USB Headset"):
        card.pick(audio, "built", "input")


class PaperModule:
    paInt16 = 8


def test_rates_are_tried_from_the_calls_to_the_cards_own():
    audio = PaperAudio((32000, 2))
    device = audio.get_device_info_by_index(1)
    assert card.open_stream(PaperModule, audio, device, "output", 8000) == ("stream", 32000, 2)
    assert [rate for rate, channels in audio.asked if channels == 1] == [8000, 48000, 44100, 32000]
    with pytest.raises(OSError, match="USB Headset: Invalid sample rate"):
        card.open_stream(PaperModule, PaperAudio(), device, "output", 8000)


def test_channels_spread():
    assert card.spread(array("h", [1, 2]), 3).tolist() == [1, 1, 1, 2, 2, 2]
    assert np.array(card.spread(array("h", [1, 2]), 1)).tolist() == [1, 2]
