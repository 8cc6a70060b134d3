"""Pasted text is not obeyed as keys."""

from __future__ import annotations

import pytest

from widgets.burst import SILENCE_S, Bursts


@pytest.mark.parametrize("typed", ["h", "hq", "123456#", "jjjjjjjjjj", "jkjkjkjk"])
def test_what_a_person_types_is_obeyed(typed: str) -> None:
    assert Bursts().sift(typed, 1.0, False) == (list(typed), False)


def test_a_word_that_comes_at_once_is_not() -> None:
    assert Bursts().sift("the quick", 1.0, False) == ([], True)


def test_the_rest_of_a_long_text_is_not_obeyed_either() -> None:
    bursts = Bursts()
    assert bursts.sift("hang up and quit", 1.0, False)[0] == []
    assert bursts.sift("q", 1.0 + SILENCE_S / 2, False)[0] == []
    assert bursts.sift("q", 1.0 + 3 * SILENCE_S, False)[0] == ["q"]


def test_a_line_being_typed_takes_it_up_to_its_end() -> None:
    assert Bursts().sift([*"bob@host", "Enter"], 1.0, True) == ([*"bob@host", "Enter"], False)
    assert Bursts().sift([*"bob@host", "Enter", *"quit"], 1.0, True) == ([*"bob@host", "Enter"], True)


def test_a_text_may_open_a_line_but_not_end_it() -> None:
    text = [*"dear Bob", "Enter", *"quit"]
    assert Bursts().sift(text, 1.0, False, ("d",)) == (list("dear Bob"), True)
    assert Bursts().sift([*"dbob@host"], 1.0, False, ("d",)) == (list("dbob@host"), False)


def test_keys_that_are_no_text_are_never_held_back() -> None:
    assert Bursts().sift(["Up"] * 20, 1.0, False) == (["Up"] * 20, False)
