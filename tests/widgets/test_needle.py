"""The needles of the meters: up at once, down slowly, at rest where there is silence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model import LevelView, MediaView, Snapshot
from tests.widgets.views import call, media, snapshot
from widgets.needle import FALL_DB_PER_S, Needles


def heard(*levels: tuple[int, float, float]) -> Snapshot:
    """Calls by number, with how loud we and they are."""
    return snapshot(
        calls=tuple(
            call(id=number, media=replace(media(), level_out=LevelView(ours, -3.0), level_in=LevelView(theirs, -3.0)))
            for number, ours, theirs in levels
        )
    )


def shown(view: Snapshot, number: int = 0) -> tuple[float, float]:
    found = view.calls[number].media
    assert isinstance(found, MediaView)
    return found.level_out.rms_dbfs, found.level_in.rms_dbfs


def test_up_at_once_and_down_slowly() -> None:
    needles = Needles()
    assert shown(needles.follow(heard((1, -50.0, -20.0)), 10.0)) == (-50.0, -20.0)
    assert shown(needles.follow(heard((1, -10.0, -96.0)), 10.1)) == pytest.approx((-10.0, -20.0 - 0.1 * FALL_DB_PER_S))
    assert shown(needles.follow(heard((1, -96.0, -22.0)), 10.2)) == pytest.approx((-10.0 - 0.1 * FALL_DB_PER_S, -22.0))


def test_at_the_end_of_the_scale_it_shows_the_silence_that_is() -> None:
    needles = Needles()
    needles.follow(heard((1, -58.0, -96.0)), 10.0)
    assert shown(needles.follow(heard((1, -96.0, -96.0)), 10.1)) == (-96.0, -96.0)


def test_every_call_has_its_own_and_a_new_one_starts_where_it_is() -> None:
    needles = Needles()
    needles.follow(heard((1, -10.0, -10.0)), 10.0)
    both = needles.follow(heard((1, -90.0, -90.0), (2, -40.0, -41.0)), 10.1)
    assert shown(both, 0) == pytest.approx((-14.0, -14.0))
    assert shown(both, 1) == (-40.0, -41.0)


def test_a_call_without_sound_and_the_held_peak_stay_as_they_are() -> None:
    needles = Needles()
    silent = snapshot(calls=(call(media=None),))
    assert needles.follow(silent, 1.0) == silent
    needles.follow(heard((1, -10.0, -10.0)), 10.0)
    after = needles.follow(heard((1, -90.0, -90.0)), 10.1).calls[0].media
    assert after is not None and after.level_in.peak_hold_dbfs == -3.0
