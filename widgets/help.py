"""Every key with its explanation, from the table that the keys are looked up in; then what the figures mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from widgets import parts, text
from widgets.canvas import Canvas, Rect
from widgets.ui import KeyHint, Ui

COLUMN_LEAST = 58

Entry = tuple[str, str, str, str]  # a name and its style, words and their style
Line = tuple[Entry, ...]  # side by side; none: the heading of the figures

FIGURES = (
    ("loss", "packets that never came"),
    ("far loss", "our packets that the far end did not get"),
    ("jitter", "how unevenly packets come; 30 ms is much"),
    ("RTT", "round trip: there and back, by RTCP"),
    ("buffer", "sound held back to even out jitter"),
    ("late", "came after their moment to be played"),
    ("concealed", "sound made up where a packet was missing"),
    ("recovered", "lost, but brought by a later packet"),
    ("stretched", "played slower or faster to keep the delay"),
    ("drift", "how much faster than ours their clock runs"),
    ("foreign", "from somebody else: counted, not played"),
    ("dBFS", "loudness: 0 is the most, speech is near -25"),
)


def draw(canvas: Canvas, rect: Rect, ui: Ui) -> None:
    """As much as fits, in columns where it is wide; ``scroll`` moves on."""
    columns = max(1, rect.width // COLUMN_LEAST)
    lines: list[Line] = [*_grid(_keys(ui.keys), columns), (), *_grid(_figures(), columns)]
    room = max(1, rect.height - 1)
    canvas.scroll_limit = max(0, len(lines) - room)
    note = "Up and Down show the rest" if canvas.scroll_limit else "a dim one does nothing now"
    below = parts.heading(canvas, rect, "keys", note)
    names = {name for line in lines for name, *_ in line}
    name_columns = max(map(text.width, names), default=0)
    for row, line in zip(below.rows(), lines[min(ui.scroll, canvas.scroll_limit) :], strict=False):
        if line:
            _draw_line(canvas, row, line, row.width // columns, name_columns, ui.look.more)
        else:
            parts.heading(canvas, row, "figures")


def _grid(entries: Sequence[Entry], columns: int) -> Iterator[Line]:
    """The entries from top to bottom, column by column."""
    rows = -(-len(entries) // columns)
    for row in range(rows):
        yield tuple(entries[row::rows])


def _keys(hints: Sequence[KeyHint]) -> list[Entry]:
    return [
        (hint.key, "key" if hint.enabled else "dim", hint.help or hint.label, "" if hint.enabled else "dim")
        for hint in hints
    ]


def _figures() -> list[Entry]:
    return [(name, "label", words, "") for name, words in FIGURES]


def _draw_line(canvas: Canvas, row: Rect, line: Line, width: int, name_columns: int, more: str) -> None:
    for column, (name, name_style, words, style) in enumerate(line):
        left, right = row.x + column * width, row.x + (column + 1) * width
        start = left + 1 + name_columns - text.width(name)
        canvas.put(start, row.y, name, name_style, right - start)
        x = left + name_columns + 3
        canvas.put(x, row.y, text.clip(words, right - x - 1, more), style)
