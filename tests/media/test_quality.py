"""The E-model: its published values, and that worse figures never give a better score."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.media import quality
from engine.media.quality import Heard

CLEAN = Heard("PCMU", 8000, 0.0, 0.0, 1.0, 60.0)
LISTENERS = st.builds(
    Heard,
    st.sampled_from(["PCMU", "PCMA", "L16"]) | st.sampled_from(["G722", "opus"]),
    st.just(8000),
    st.floats(0, 100),
    st.floats(0, 100),
    st.floats(1, 20),
    st.floats(0, 5000),
).map(lambda heard: replace(heard, sample_rate_hz=16000) if heard.codec in ("G722", "opus") else heard)


def test_a_quiet_line_has_the_rating_that_the_recommendation_says() -> None:
    """G.107: "all parameter values set to the default ... R = 93.2", which is a score of 4.41."""
    found = quality.rate(CLEAN)
    assert found is not None
    assert found.r == pytest.approx(93.2, abs=0.05) and found.mos == pytest.approx(4.41, abs=0.005)
    assert found.cause == "" and not found.wideband


@pytest.mark.parametrize(("r", "mos"), [(90, 4.34), (80, 4.03), (70, 3.60), (60, 3.10), (50, 2.58), (0, 1), (100, 4.5)])
def test_ratings_become_scores(r: float, mos: float) -> None:
    """G.107 table B.1."""
    assert quality.opinion(r) == pytest.approx(mos, abs=0.01)


@pytest.mark.parametrize(("delay_ms", "idd"), [(100, 0), (150, 0.16), (200, 3.04), (300, 14.76), (400, 24.07)])
def test_delay_without_echo(delay_ms: float, idd: float) -> None:
    """Equation 7-27 worked by hand: x = log2(delay / 100 ms)."""
    assert quality.absolute_delay_impairment(delay_ms) == pytest.approx(idd, abs=0.01)


def test_loss_takes_what_the_robustness_of_the_codec_leaves_it() -> None:
    """Equation 7-29: Bpl is the loss in percent that takes half of what is to be taken; bursts make it more."""
    assert quality.effective_impairment(0, 25.1, 25.1) == pytest.approx(95 / 2)
    assert quality.effective_impairment(11, 19, 5) == pytest.approx(11 + 84 * 5 / 24)
    assert quality.effective_impairment(0, 25.1, 5, burst_ratio=2) > quality.effective_impairment(0, 25.1, 5)


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"missed_percent": 3.14}, "loss 3.1 %"),
        ({"missed_percent": 3.0, "late_percent": 2.5}, "late packets 3.0 %"),
        ({"delay_ms": 310.0}, "delay 310 ms"),
        ({"codec": "G722", "sample_rate_hz": 16000}, "codec G722"),
        ({"missed_percent": 0.1}, ""),
    ],
)
def test_the_largest_cause_is_named(changes: dict, cause: str) -> None:
    found = quality.rate(replace(CLEAN, **changes))
    assert found is not None and found.cause == cause


def test_nothing_is_made_up_about_a_codec_that_nobody_has_rated() -> None:
    assert quality.rate(replace(CLEAN, codec="GSM")) is None
    assert quality.rate(replace(CLEAN, codec="L16", sample_rate_hz=16000)) is not None


@given(LISTENERS, st.floats(0, 50), st.floats(0, 1000), st.floats(0, 5))
def test_worse_figures_never_give_a_better_score(heard: Heard, loss: float, delay_ms: float, burst: float) -> None:
    before = quality.rate(heard)
    assert before is not None and 1 <= before.mos <= 4.5 and 0 <= before.r <= 129
    for worse in (
        replace(heard, missed_percent=heard.missed_percent + loss),
        replace(heard, delay_ms=heard.delay_ms + delay_ms),
        replace(heard, burst_ratio=heard.burst_ratio + burst),
    ):
        after = quality.rate(worse)
        assert after is not None and after.mos <= before.mos + 1e-9
