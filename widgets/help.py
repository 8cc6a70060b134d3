"""Every key with its explanation, from the same table that the keys are looked up in."""

from __future__ import annotations

from collections.abc import Sequence

from widgets import parts, text
from widgets.canvas import Canvas, Rect
from widgets.ui import KeyHint, Ui

COLUMN_LEAST = 50


def draw(canvas: Canvas, rect: Rect, ui: Ui) -> None:
    """As many keys as fit, in columns where it is wide; ``scroll`` moves on."""
    columns = max(1, rect.width // COLUMN_LEAST)
    rows = max(1, rect.height - 1)
    count = -(-len(ui.keys) // columns)
    canvas.scroll_limit = max(0, count - rows)
    start = min(ui.scroll, canvas.scroll_limit)
    note = "Up and Down show the rest" if count > rows else "a dim one does nothing now"
    below = parts.heading(canvas, rect, "keys", note)
    key_columns = max((text.width(hint.key) for hint in ui.keys), default=0)
    width = rect.width // columns
    for column in range(columns):
        hints = ui.keys[column * count : (column + 1) * count][start:]
        _draw_column(canvas, Rect(below.x + column * width, below.y, width, below.height), hints, key_columns, ui)


def _draw_column(canvas: Canvas, rect: Rect, hints: Sequence[KeyHint], key_columns: int, ui: Ui) -> None:
    for row, hint in zip(rect.rows(), hints, strict=False):
        start = row.x + 1 + key_columns - text.width(hint.key)
        canvas.put(start, row.y, hint.key, "key" if hint.enabled else "dim", row.right - start)
        x = row.x + key_columns + 3
        words = hint.help or hint.label
        canvas.put(x, row.y, text.clip(words, row.right - x - 1, ui.look.more), "" if hint.enabled else "dim")
