"""The row under the title: every view with the digit that leads to it, the one that is looked at bright."""

from __future__ import annotations

from collections.abc import Sequence

from widgets import text
from widgets.canvas import Canvas, Rect

GAP = 2


def draw(canvas: Canvas, rect: Rect, names: Sequence[str], shown: str) -> None:
    """All names where they fit; else the digits alone, but for the view that is looked at."""
    if rect.empty:
        return
    row = rect.split_top(1)[0]
    whole = sum(text.width(name) + 2 + GAP for name in names) <= row.width
    x = row.x + 1
    for place, name in enumerate(names, 1):
        here = name == shown
        words = f" {name}" if whole or here else ""
        start, x = x, canvas.put(x, row.y, str(place), "key", row.right - x)
        x = canvas.put(x, row.y, words, "selected" if here else "dim", row.right - x) + GAP
        canvas.target(Rect(start, row.y, x - GAP - start, 1), f"Alt-{place}")
