"""Pieces that several panes are made of: a heading, a grid of labels and values, a row of keys."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence

from widgets import text
from widgets.canvas import Canvas, Rect
from widgets.ui import KeyHint

Field = tuple[str, str, str]  # label, value, style of the value


def heading(canvas: Canvas, rect: Rect, title: str, note: str = "", note_style: str = "dim") -> Rect:
    """A rule with a title at its left and a note at its right; returns what is below it."""
    top, below = rect.split_top(1)
    if rect.empty:
        return below
    canvas.rule(top.x, top.y, top.width, title, "border", "label")
    room = top.width - text.width(title) - 8
    if note and room >= 6:
        mark = "…" if canvas.lines.horizontal == "─" else "~"
        note = f" {text.clip(note, room, mark)} "
        canvas.put(top.right - 2 - text.width(note), top.y, note, note_style)
    return below


def nothing(canvas: Canvas, rect: Rect, title: str, words: str, otherwise: str) -> None:
    """What a view says that has nothing to show: why, and what there is to see otherwise."""
    below = heading(canvas, rect, title)
    mark = "…" if canvas.lines.horizontal == "─" else "~"
    lines = [words, "", *textwrap.wrap(f"Here you see {otherwise}.", max(20, below.width - 2))]
    for row, line in zip(below.rows(), lines, strict=False):
        canvas.put(row.x + 1, row.y, text.clip(line, row.width - 2, mark), "dim", row.width - 1)


def fields(canvas: Canvas, rect: Rect, items: Sequence[Field], columns: int) -> None:
    """Labels at the left, values right-aligned, row by row in so many columns; what does not fit is left out."""
    columns = max(1, columns)
    gap, margin = 2, 1 if rect.right >= canvas.width else 0
    span = max(1, (rect.width - 1 - margin - gap * (columns - 1)) // columns)
    for index, (label, value, style) in enumerate(items):
        row, column = divmod(index, columns)
        if row >= rect.height:
            return
        field(canvas, Rect(rect.x + 1 + column * (span + gap), rect.y + row, span, 1), label, value, style)


def field(canvas: Canvas, rect: Rect, label: str, value: str, style: str = "value") -> None:
    """One label and its value: written closely where there is little room, and where both do not fit it wins."""
    if rect.empty:
        return
    if text.width(label) + 1 + text.width(value) > rect.width:
        value = value.replace(" of ", "/").replace(" ms", "ms").replace(" %", "%")
    start = max(rect.x, rect.right - text.width(value))
    canvas.put(rect.x, rect.y, label, "dim", start - rect.x - 1)
    canvas.put(start, rect.y, value, style, rect.right - start)


def facts(canvas: Canvas, rect: Rect, items: Iterable[Field], label_columns: int, mark: str) -> None:
    """Label and text, one below the other."""
    for row, (label, value, style) in zip(rect.rows(), items, strict=False):
        canvas.put(row.x + 1, row.y, label, "dim", min(label_columns, row.width - 1))
        room = row.width - label_columns - 2
        canvas.put(row.x + 1 + label_columns, row.y, text.clip(value, room, mark), style, room)


def keys_width(hints: Sequence[KeyHint]) -> int:
    return sum(text.width(hint.key) + text.width(hint.label) + 3 for hint in hints)


def keys(canvas: Canvas, x: int, y: int, hints: Iterable[KeyHint], end: int, label_style: str = "label") -> int:
    """``d dial  a answer``; returns the column after the last one that fitted before column ``end``."""
    for hint in hints:
        if x + text.width(hint.key) + text.width(hint.label) + 1 > end:
            return x
        start, x = x, canvas.put(x, y, hint.key, "key")
        x = canvas.put(x + 1, y, hint.label, label_style) + 2
        canvas.target(Rect(start, y, x - 2 - start, 1), hint.press)
    return x


def answer_keys(hints: Iterable[KeyHint]) -> tuple[KeyHint, ...]:
    """The keys that a call that rings here understands."""
    return tuple(hint for hint in hints if hint.enabled and hint.label in ("answer", "reject"))
