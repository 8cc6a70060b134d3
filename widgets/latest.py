"""Remembering what was made last: no frame makes anew what only a message, a line of the log or a second changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Latest(Generic[T]):
    """Gives what ``make`` made last for as long as it is asked for with the same things.

    Unlike a cache of the standard library it compares, and does not hash: a tuple of thousands that is the very same is
    known at once.
    """

    def __init__(self, make: Callable[..., T]) -> None:
        self._make = make
        self._made: tuple[tuple[Any, ...], T] | None = None

    def __call__(self, *asked: Any) -> T:
        if self._made is None or self._made[0] != asked:
            self._made = asked, self._make(*asked)
        return self._made[1]
