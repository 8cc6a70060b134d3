"""The row under the title: every view with the digit that leads to it, the one that is looked at bright.

While the digits are the keypad of a call, the views take ``Alt`` with them: it stands before the row.
"""

from __future__ import annotations

from collections.abc import Sequence

from widgets import text
from widgets.canvas import Canvas, Rect

GAP = 2
ALT = "Alt "


def draw(canvas: Canvas, rect: Rect, names: Sequence[str], shown: str, keypad: bool) -> None:
    """All names where they fit; else the digits alone, but for the view that is looked at."""
    if rect.empty:
        return
    row = rect.split_top(1)[0]
    x = canvas.put(row.x + 1, row.y, ALT if keypad else "", "key", row.width - 1)
    whole = x - row.x - 1 + sum(text.width(name) + 2 + GAP for name in names) <= row.width
    for place, name in enumerate(names, 1):
        here = name == shown
        words = f" {name}" if whole or here else ""
        start, x = x, canvas.put(x, row.y, str(place), "key", row.right - x)
        x = canvas.put(x, row.y, words, "selected" if here else "dim", row.right - x) + GAP
        canvas.target(Rect(start, row.y, x - GAP - start, 1), f"Alt-{place}")
