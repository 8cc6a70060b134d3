"""Which call is looked at, and which one the keys mean."""

from __future__ import annotations

from engine.model import CallState
from tests.widgets import views
from widgets import ui


def test_the_selected_call_is_shown() -> None:
    assert ui.scene(views.four_calls(), views.ui(selected=2)).call == views.ringing(2)


def test_without_a_choice_the_newest_conversation() -> None:
    assert ui.shown_call(views.four_calls(), None) == views.call(1)
    assert ui.shown_call(views.four_calls(), 99) == views.call(1)
    assert ui.shown_call(views.snapshot(views.ringing(2), views.held(3)), None) == views.held(3)
    assert ui.shown_call(views.snapshot(views.ringing(2)), None) == views.ringing(2)


def test_a_call_that_is_over_is_shown_only_when_chosen() -> None:
    over = views.snapshot(views.ended(4))
    assert ui.shown_call(over, None) is None
    assert ui.shown_call(over, 4) == views.ended(4)


def test_the_keys_mean_the_selected_call_if_it_rings_else_the_one_that_rang_first() -> None:
    two = views.snapshot(views.call(1), views.ringing(2), views.ringing(3))
    assert ui.ringing_call(two, None) == views.ringing(2)
    assert ui.ringing_call(two, 3) == views.ringing(3)
    assert ui.ringing_call(two, 1) == views.ringing(2)
    assert ui.ringing_call(views.snapshot(views.call(1, CallState.ENDED)), 1) is None
