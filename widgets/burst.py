"""Text that arrives as keys: nobody types six different keys at once, so it was pasted and is not obeyed.

Most terminals put brackets around what is pasted (``keycodes`` makes one key of it). Where one does not, or a program
writes into the terminal, the text would hang up, answer and quit by the letters in it.
"""

from __future__ import annotations

from collections.abc import Sequence

LEAST_KEYS = 6  # printable ones in one read,
LEAST_DIFFERENT = 3  # not one that repeats itself,
DIGITS = frozenset("0123456789*#")  # and not a number for the keypad, which does no harm
SILENCE_S = 0.05  # what comes so soon after a burst belongs to it


class Bursts:
    """Keys as they were read, in and out; time is an argument."""

    def __init__(self) -> None:
        self._until = float("-inf")

    def sift(
        self, names: Sequence[str], now: float, typing: bool, openers: Sequence[str] = ()
    ) -> tuple[list[str], bool]:
        """The keys to obey, and whether some were not.

        Where a line is typed it takes the text, up to its end. A text that begins with one of ``openers`` opens a line
        and fills it, but does not end it.
        """
        printable = [name for name in names if len(name) == 1]
        burst = len(printable) >= LEAST_KEYS and len(set(printable)) >= LEAST_DIFFERENT and set(printable) - DIGITS
        if not burst and not (printable and now < self._until):
            return list(names), False
        self._until = now + SILENCE_S
        opens = bool(names) and names[0] in openers
        if not typing and not opens:
            return [], True
        end = names.index("Enter") + typing if "Enter" in names else len(names)
        return list(names[:end]), end < len(names)
