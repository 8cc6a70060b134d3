"""What was made last is made once."""

from __future__ import annotations

from widgets.latest import Latest


def test_it_is_made_anew_only_for_something_else() -> None:
    made: list[tuple[object, ...]] = []
    latest = Latest(lambda *asked: made.append(asked) or len(made))
    assert [latest((1, 2), "a"), latest((1, 2), "a"), latest((1, 3), "a"), latest((1, 2), "a")] == [1, 1, 2, 3]
    assert len(made) == 3
