"""The difference of two texts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets import difference
from widgets.difference import beside, stacked

TEXTS = st.lists(st.sampled_from("abcd"), max_size=14).map(tuple)


def longest_common(one: tuple[str, ...], other: tuple[str, ...]) -> int:
    """As it is defined, without a table."""
    if not one or not other:
        return 0
    if one[0] == other[0]:
        return 1 + longest_common(one[1:], other[1:])
    return max(longest_common(one[1:], other), longest_common(one, other[1:]))


def picture(one: str, other: str) -> str:
    return " ".join(mark.strip() + line for ((mark, line),) in stacked(tuple(one), tuple(other)))


@pytest.mark.parametrize(
    ("one", "other", "seen"),
    [
        ("abc", "abc", "a b c"),
        ("abc", "axc", "a -b +x c"),
        ("abcd", "acd", "a -b c d"),
        ("", "ab", "+a +b"),
        ("aaa", "aa", "a a -a"),
        ("xaybz", "paqbr", "-x +p a -y +q b -z +r"),
    ],
)
def test_what_is_gone_and_what_has_come(one: str, other: str, seen: str) -> None:
    assert picture(one, other) == seen


@given(TEXTS, TEXTS)
def test_both_texts_can_be_read_from_it_and_no_line_is_marked_in_vain(one: tuple, other: tuple) -> None:
    rows = [row[0] for row in stacked(one, other)]
    assert tuple(line for mark, line in rows if mark != "+") == one
    assert tuple(line for mark, line in rows if mark != "-") == other
    columns = beside(one, other)
    assert tuple(left[1] for left, _ in columns if left[1]) == one
    assert tuple(right[1] for _, right in columns if right[1]) == other
    shared = [left for left, right in columns if left[0] == right[0] == " " and left[1] and right[1]]
    assert len(shared) == sum(mark == " " for mark, _ in rows) == longest_common(one, other)


def test_strangers_cannot_make_it_compare_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two messages of short lines, a few of which are the same: what standard tools need minutes for."""
    compared: list[int] = []
    table = difference._lengths
    monkeypatch.setattr(
        difference, "_lengths", lambda one, other: compared.append(len(one) * len(other)) or table(one, other)
    )
    texts = [tuple("ab"[number * number % 7 % 2] for number in range(start, start + 1500)) for start in (1, 3)]
    rows = stacked(("x", *texts[0]), ("x", *texts[1]))
    assert len(rows) > 1500 and rows[0] == ((" ", "x"),)
    assert stacked(tuple("ab" * 90), tuple("ba" * 90))
    assert compared and max(compared) <= difference.MOST_COMPARED
