from __future__ import annotations

import numpy as np

from engine.media.mixer import mix


def frame(*samples: int) -> np.ndarray:
    return np.array(samples, np.int16)


def test_frames_are_added():
    assert mix([frame(1, 2, 3), frame(10, 20, 30), frame(0, 0, -5)]).tolist() == [11, 22, 28]


def test_the_sum_is_held_within_16_bits():
    mixed = mix([frame(30000, -30000), frame(30000, -30000)])
    assert mixed.tolist() == [32767, -32768]
    assert mixed.dtype == np.int16


def test_shorter_frames_end_in_silence_and_longer_ones_are_cut():
    assert mix([frame(1, 2, 3), frame(10), frame(0, 0, 0, 9)]).tolist() == [11, 2, 3]


def test_one_frame_alone_is_copied():
    one = frame(5, 6)
    mixed = mix([one])
    mixed[0] = 0
    assert one.tolist() == [5, 6]
