"""Recordings: names by number, both ends side by side, one word when the file fails."""

import numpy as np

from engine.recorder import Track, numbered


class Memory:
    def __init__(self, path, rate_hz, channels):
        self.failed, self.frames = None, []

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
