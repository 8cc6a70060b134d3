"""One ear for all calls: mixing, mute, volume, and who leads."""

import numpy as np

from engine.handset import Handset


class Ear:
    def __init__(self):
        self.played = []

    def play(self, pcm, rate_hz):
        self.played.append((pcm, rate_hz))


def frame(value, samples=160):
    return np.full(samples, value, np.int16)


def test_two_calls_are_mixed_in_one_ear():
    ear = Ear()
    handset = Handset(ear)
    handset.hear(1, frame(100), 8000)
    handset.hear(2, frame(1000), 8000)
    handset.hear(1, frame(100), 8000)
    assert [int(pcm[80]) for pcm, _ in ear.played] == [100, 1100]


def test_a_call_that_takes_the_lead_is_not_mixed_with_its_own_past():
    ear = Ear()
    handset = Handset(ear)
    handset.hear(1, frame(100), 8000)
    handset.hear(2, frame(1000), 8000)
    handset.leave(1)
    handset.hear(2, frame(1000), 8000)
    assert int(ear.played[-1][0][80]) == 1000


def test_volume_has_a_range_and_mute_toggles():
    handset = Handset(Ear())
    assert handset.change_volume(100) == 12.0
    assert handset.change_volume(-100) == -40.0
    assert handset.set_muted(None) and not handset.set_muted(None)
