"""Our own voice, known again by its loudness."""

from __future__ import annotations

import numpy as np
import pytest

from engine.media.returned import FLOOR_DBFS, LEAST_DELAY_S, MOST_DELAY_S, Envelopes

FRAME_S = 0.02


def syllables(seed: int, frames: int = 600) -> np.ndarray:
    """The loudness of speech: syllables of 40 to 300 ms, and pauses."""
    chance = np.random.default_rng(seed)
    lengths = chance.integers(2, 15, frames)
    loud = np.where(chance.random(frames) < 0.3, -70.0, chance.uniform(-40, -15, frames))
    return np.repeat(loud, lengths)[:frames]


def heard_back(said: np.ndarray, delay_s: float, loss_db: float, noise_db: float = 0.5) -> Envelopes:
    delay = round(delay_s / FRAME_S)
    back = np.concatenate((np.full(delay, FLOOR_DBFS), said - loss_db))[: len(said)]
    back = back + np.random.default_rng(9).normal(0, noise_db, len(back))
    return compared(said, back)


def compared(said: np.ndarray, heard: np.ndarray) -> Envelopes:
    """As loud as that, frame by frame, both in dBFS."""
    made = Envelopes()
    for ours, theirs in zip(said, heard, strict=True):
        made.hear(frame(ours), frame(theirs))
    return made


def frame(level_dbfs: float) -> np.ndarray:
    return np.full(160, round(32768 * 10 ** (level_dbfs / 20)), np.int16)


@pytest.mark.parametrize("delay_s", [LEAST_DELAY_S, 0.18, 0.5, MOST_DELAY_S])
@pytest.mark.parametrize("loss_db", [0.0, 12.0])
def test_it_is_known_at_any_delay_an_echo_may_have(delay_s: float, loss_db: float) -> None:
    found = heard_back(syllables(1), delay_s, loss_db).returned(FRAME_S)
    assert found is not None and found.delay_s == pytest.approx(delay_s, abs=FRAME_S / 2)
    assert found.loss_db == pytest.approx(loss_db, abs=1.5) and found.likeness > 0.9


def test_what_comes_sooner_than_it_can_is_no_echo() -> None:
    alike = heard_back(syllables(1), 0.18, 0.0)
    assert alike.returned(FRAME_S, 0.17) is not None and alike.returned(FRAME_S, 0.21) is None
    assert alike.returned(FRAME_S, MOST_DELAY_S + 0.1) is None


@pytest.mark.parametrize("seed", range(2, 22))
def test_somebody_else_who_talks_is_no_echo(seed: int) -> None:
    assert compared(syllables(1), syllables(seed)).returned(FRAME_S) is None


def test_too_early_and_without_life_nothing_is_said() -> None:
    assert Envelopes().returned(FRAME_S) is None
    assert heard_back(syllables(1, 200), 0.2, 0.0).returned(FRAME_S) is None
    assert heard_back(np.full(600, -20.0), 0.2, 0.0).returned(FRAME_S) is None
    assert heard_back(np.full(600, FLOOR_DBFS), 0.2, 0.0, noise_db=0.0).returned(FRAME_S) is None
