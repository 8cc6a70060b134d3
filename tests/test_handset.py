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


def test_one_call_passes_bit_for_bit_whatever_it_is():
    ear, rng = Ear(), np.random.default_rng(0)
    handset = Handset(ear)
    said = rng.integers(-32768, 32768, (20, 160)).astype(np.int16)
    for pcm in said:
        handset.hear(1, pcm, 8000)
    assert (np.array([pcm for pcm, _ in ear.played]) == said).all()


def test_a_mix_or_a_volume_that_is_too_loud_is_limited_not_clipped():
    ear = Ear()
    handset = Handset(ear)
    loud = (25000 * np.sin(np.arange(160) * 2 * np.pi / 40)).astype(np.int16)
    for _ in range(10):
        handset.hear(1, loud, 8000)
        handset.hear(2, loud, 8000)
    top = np.abs(ear.played[-1][0].astype(int))
    assert 30000 < top.max() <= 32767 and (top > 32700).sum() < 10, "flat tops"
    handset.leave(2)
    handset.change_volume(12)
    for _ in range(10):
        handset.hear(1, loud, 8000)
    top = np.abs(ear.played[-1][0].astype(int))
    assert 30000 < top.max() <= 32767 and (top > 32700).sum() < 10, "flat tops"


def test_a_call_with_a_higher_rate_takes_the_lead():
    ear = Ear()
    handset = Handset(ear)
    handset.hear(1, frame(100), 8000)
    handset.hear(2, frame(1000, 960), 48000)
    for _ in range(3):
        handset.hear(1, frame(100), 8000)
        handset.hear(2, frame(1000, 960), 48000)
    assert [rate_hz for _, rate_hz in ear.played] == [8000, *[48000] * 4]
    assert int(ear.played[-1][0][480]) == pytest.approx(1100, abs=10)


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
            handset.hear(1, frame(500), 8000)
            handset.hear(2, frame(1000, rate_hz // 50), rate_hz)
        pcm, ear_rate_hz = ear.played[-1]
        assert ear_rate_hz == rate_hz and len(pcm) == rate_hz // 50, "the call with the highest rate leads"
        assert int(pcm[len(pcm) // 2]) == pytest.approx(1500, abs=60)


def test_a_call_that_nobody_fetches_waits_within_bounds():
    ear = Ear()
    handset = Handset(ear)
    handset.hear(1, frame(0), 8000)
    for value in range(1000):
        handset.hear(2, frame(value), 8000)
    for _ in range(12):
        handset.hear(1, frame(0), 8000)
    waited = [int(pcm[80]) for pcm, _ in ear.played[1:] if pcm[80]]
    assert 1 <= len(waited) <= 10 and waited == list(range(1000 - len(waited), 1000)), "the newest 200 ms"
    assert not ear.played[-1][0].any()
