"""Every key with its explanation, from the table that the keys are looked up in; then what the figures mean."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from itertools import zip_longest

from widgets import parts, text
from widgets.canvas import Canvas, Rect
from widgets.ui import KeyHint, Ui

COLUMN_LEAST = 58
WORDS_LEAST = 10  # columns; with less of them words are cut off

Entry = tuple[str, str, str, str]  # a name and its style, words and their style
Line = tuple[Entry, ...]  # side by side; none: the heading of the figures

NOTHING: Entry = ("", "", "", "")

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
    keys, figures = _keys(ui.keys), _figures()
    name_columns = max(text.width(name) for name, *_ in (*keys, *figures))
    words_columns = max(WORDS_LEAST, rect.width // columns - name_columns - 4)
    lines = [*_grid(keys, columns, words_columns), (), *_grid(figures, columns, words_columns)]
    room = max(1, rect.height - 1)
    canvas.scroll_limit = max(0, len(lines) - room)
    note = "Up and Down show the rest" if canvas.scroll_limit else "a dim one does nothing now"
    below = parts.heading(canvas, rect, "keys", note)
    for row, line in zip(below.rows(), lines[min(ui.scroll, canvas.scroll_limit) :], strict=False):
        if line:
            _draw_line(canvas, row, line, row.width // columns, name_columns, ui.look.more)
        else:
            parts.heading(canvas, row, "figures")


def _grid(entries: Sequence[Entry], columns: int, words_columns: int) -> Iterator[Line]:
    """The entries from top to bottom, column by column, each in as many lines as its words need."""
    rows = max(1, -(-len(entries) // columns))
    stacks = [
        [part for entry in entries[top : top + rows] for part in _wrapped(entry, words_columns)]
        for top in range(0, len(entries), rows)
    ]
    return zip_longest(*stacks, fillvalue=NOTHING)


def _wrapped(entry: Entry, columns: int) -> Iterator[Entry]:
    name, name_style, words, style = entry
    for part in textwrap.wrap(words, columns) or [""]:
        yield name, name_style, part, style
        name = ""


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
