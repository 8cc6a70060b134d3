"""One ear for all calls: mixing, mute, volume, and who leads."""

import numpy as np
import pytest

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


def test_what_waits_for_one_rate_is_never_played_at_another():
    ear = Ear()
    handset = Handset(ear)
    handset.hear(1, frame(100), 8000)
    handset.hear(2, frame(1000), 8000)
    handset.hear(1, frame(100, 320), 16000)  # a re-INVITE: the leader speaks another codec now
    assert ear.played[-1][1] == 16000 and set(ear.played[-1][0]) == {100}
    handset.hear(2, frame(1000), 8000)
    handset.hear(1, frame(100, 320), 16000)
    assert int(ear.played[-1][0][200]) == pytest.approx(1100, abs=60)


def test_another_call_takes_the_lead_at_its_own_rate():
    ear = Ear()
    handset = Handset(ear)
    for call, rate_hz in ((1, 16000), (2, 8000), (3, 8000)):
        handset.hear(call, frame(100 * call, rate_hz // 50), rate_hz)
    handset.leave(1)
    handset.hear(2, frame(200), 8000)
    assert ear.played[-1][1] == 8000 and set(ear.played[-1][0]) == {200}  # nothing of 3 that was made for 16 kHz
    handset.hear(3, frame(300), 8000)
    handset.hear(2, frame(200), 8000)
    assert set(ear.played[-1][0]) == {500}


def test_a_call_that_changes_its_rate_is_resampled_anew():
    ear = Ear()
    handset = Handset(ear)
    handset.hear(1, frame(0), 8000)
    for rate_hz in (16000, 8000, 48000, 8000):
        for _ in range(3):
            handset.hear(2, frame(1000, rate_hz // 50), rate_hz)
            handset.hear(1, frame(0), 8000)
        assert len(ear.played[-1][0]) == 160
        assert int(ear.played[-1][0][80]) == pytest.approx(1000, abs=60)


def test_a_call_that_nobody_fetches_waits_within_bounds():
    ear = Ear()
    handset = Handset(ear)
    handset.hear(1, frame(0), 8000)
    for value in range(1000):
        handset.hear(2, frame(value), 8000)
    for _ in range(6):
        handset.hear(1, frame(0), 8000)
    assert [int(pcm[80]) for pcm, _ in ear.played[1:]] == [994, 995, 996, 997, 998, 999]
    handset.hear(1, frame(0), 8000)
    assert not ear.played[-1][0].any()
