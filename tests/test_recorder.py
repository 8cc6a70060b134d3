"""Recordings: names by number, both ends side by side, one word when the file fails."""

import numpy as np
import pytest

from engine.recorder import Track, numbered


class Memory:
    def __init__(self, path, rate_hz, channels):
        self.failed, self.frames, self.rate_hz = None, [], rate_hz

    def write(self, pcm):
        self.frames.append(pcm)


def test_the_second_call_has_its_own_name():
    assert numbered("calls.wav", 1) == "calls.wav"
    assert numbered("calls.wav", 2) == "calls-2.wav"


def test_stereo_is_we_left_and_they_right_and_a_failure_is_told_once():
    files = []
    track = Track("a.wav", 2, 8000, lambda *given: files.append(Memory(*given)) or files[-1])
    one, two = np.full(3, 1, np.int16), np.full(3, 2, np.int16)
    assert track.write(one, two, 8000) is None
    assert files[0].frames[0].tolist() == [1, 2, 1, 2, 1, 2]
    files[0].failed = "disk full"
    assert track.write(one, two, 8000) == "recording stopped: disk full"
    assert track.write(one, two, 8000) is None


def test_a_format_without_the_rate_of_the_call_has_the_sound_at_its_own():
    files = []

    def open_at_48000(path, rate_hz, channels):
        files.append(Memory(path, 48000, channels))
        return files[-1]

    track = Track("a.opus", 2, 44100, open_at_48000)
    for _ in range(50):
        track.write(np.full(882, 1000, np.int16), np.full(882, -1000, np.int16), 44100)
    sides = np.concatenate(files[0].frames).reshape(-1, 2)
    assert len(sides) == 48000
    assert sides[500:].tolist() == [[1000, -1000]] * 47500


def test_a_codec_of_another_rate_goes_on_at_its_place():
    """A click once a second in true time, on both sides, through four changes of the codec."""
    files = []
    track = Track("a.wav", 2, 16000, lambda *given: files.append(Memory(*given)) or files[-1])
    for rate_hz in (16000, 8000, 48000, 8000, 16000):
        said = np.zeros(rate_hz, np.int16)
        said[rate_hz // 2 : rate_hz // 2 + rate_hz // 100] = 8000
        for at in range(0, rate_hz, rate_hz // 50):
            piece = said[at : at + rate_hz // 50]
            track.write(piece, piece, rate_hz)
    sides = np.concatenate(files[0].frames).reshape(-1, 2)
    assert len(sides) == 5 * 16000 and (sides[:, 0] == sides[:, 1]).all()
    begins = np.flatnonzero(np.diff((sides[:, 0] > 4000).astype(int)) == 1)
    assert begins / 16000 == pytest.approx([0.5, 1.5, 2.5, 3.5, 4.5], abs=0.003)


def test_a_gap_is_silence_at_its_length_and_a_very_long_one_is_cut():
    files = []
    track = Track("a.wav", 1, 8000, lambda *given: files.append(Memory(*given)) or files[-1])
    track.skip(12345, 8000)
    assert sum(map(len, files[0].frames)) == 12345
    track.skip(8 * 3600 * 8000, 8000)
    assert sum(map(len, files[0].frames)) == 12345 + 60 * 8000
    files[0].failed = "disk full"
    track.skip(8000, 8000)
    assert sum(map(len, files[0].frames)) == 12345 + 60 * 8000


def test_a_failure_in_a_gap_or_at_the_end_is_told_too():
    class Full(Memory):
        def write(self, pcm):
            self.failed = "disk full"

        def close(self):
            self.failed = "disk full"

    def track():
        return Track("a.wav", 1, 8000, lambda *given: Full(*given))

    in_a_gap, at_the_end = track(), track()
    assert in_a_gap.skip(8000, 8000) == "recording stopped: disk full" == at_the_end.close()
    assert in_a_gap.close() is None
