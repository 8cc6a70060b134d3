"""The measures of these tests themselves: what is a fault, and what a busy machine may do."""

from __future__ import annotations

import numpy as np
import pytest

from tests.interop.sound import MOST_SILENT, RATE_HZ, SAMPLE, Disturbed, is_sample, samples, silent_share

PACKET = RATE_HZ // 50


def heard(seconds: float = 4.0) -> np.ndarray:
    """After a moment of nothing, the sample."""
    return np.concatenate([np.zeros(1234), samples(SAMPLE)[: int(seconds * RATE_HZ)]])


def test_what_arrives_whole_is_whole_whenever_it_begins_and_wherever_it_is_stretched() -> None:
    whole = heard()
    stretched = np.concatenate([whole[:12_000], whole[11_800:20_000], whole[20_150:]])
    for sound in (whole, stretched, whole + 0.0005):
        is_sample(sound)
        assert silent_share(sound, samples(SAMPLE)) == 0


@pytest.mark.parametrize("seconds", [1.2, 4.0])
def test_one_packet_in_twenty_that_is_silent_is_a_fault(seconds: float) -> None:
    sound = heard(seconds)
    for start in range(1234, len(sound), 20 * PACKET):
        sound[start : start + PACKET] = 0
    with pytest.raises(Disturbed, match="is silence"):
        is_sample(sound)


def test_silence_from_somewhere_on_is_a_fault() -> None:
    sound = heard()
    sound[20_000:] = 0
    assert silent_share(sound, samples(SAMPLE)) == pytest.approx(0.4, abs=0.1)
    assert silent_share(np.zeros(8000), samples(SAMPLE)) == 1
    with pytest.raises(Disturbed, match="is silence"):
        is_sample(sound)


def test_a_packet_that_is_made_up_for_once_is_none() -> None:
    sound = heard()
    sound[12_000 : 12_000 + PACKET] *= 0.1
    assert silent_share(sound, samples(SAMPLE)) < MOST_SILENT
    is_sample(sound)
