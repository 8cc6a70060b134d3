"""Rect and Canvas: a clipped grid of styled cells, the paper every pane draws on.

A pane gets a canvas and a rectangle and writes cells; it never asks for a terminal. Writing outside is not an
error: it is clipped, so a 1x1 screen needs no case of its own. Styles are names ("title", "ok", "warn"...);
``theme`` turns them into attributes. A cell holds one base character with its marks; the second column of a
wide character holds "". No control character gets in (see ``text.cells``).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from widgets import text as text_module

_RUN = re.compile(rb"(.)\1*", re.DOTALL)

Run = tuple[int, str, str]  # column, text, style
Row = tuple[list[str], bytes]  # its cells, and a number for the style of each


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle of cells. Splitting never gives a negative size."""

    x: int
    y: int
    width: int
    height: int

    @property
    def right(self) -> int:
        """The first column after it."""
        return self.x + self.width

    @property
    def bottom(self) -> int:
        """The first row after it."""
        return self.y + self.height

    @property
    def empty(self) -> bool:
        return self.width <= 0 or self.height <= 0

    def split_top(self, height: int) -> tuple[Rect, Rect]:
        """The first ``height`` rows, and the rest."""
        height = max(0, min(height, self.height))
        return (
            Rect(self.x, self.y, self.width, height),
            Rect(self.x, self.y + height, self.width, self.height - height),
        )

    def split_bottom(self, height: int) -> tuple[Rect, Rect]:
        """The rest, and the last ``height`` rows."""
        return self.split_top(self.height - max(0, min(height, self.height)))

    def split_left(self, width: int) -> tuple[Rect, Rect]:
        """The first ``width`` columns, and the rest."""
        width = max(0, min(width, self.width))
        return (
            Rect(self.x, self.y, width, self.height),
            Rect(self.x + width, self.y, self.width - width, self.height),
        )

    def split_right(self, width: int) -> tuple[Rect, Rect]:
        """The rest, and the last ``width`` columns."""
        return self.split_left(self.width - max(0, min(width, self.width)))

    def inset(self, columns: int = 1, rows: int = 1) -> Rect:
        """The rectangle without a margin on every side."""
        columns = min(columns, self.width // 2)
        rows = min(rows, self.height // 2)
        return Rect(self.x + columns, self.y + rows, self.width - 2 * columns, self.height - 2 * rows)

    def centred(self, width: int, height: int) -> Rect:
        """A rectangle of at most this size in the middle."""
        width, height = min(width, self.width), min(height, self.height)
        return Rect(self.x + (self.width - width) // 2, self.y + (self.height - height) // 2, width, height)

    def rows(self) -> Iterator[Rect]:
        """Its rows, one cell high each."""
        for y in range(self.y, self.bottom):
            yield Rect(self.x, y, self.width, 1)


@dataclass(frozen=True, slots=True)
class Lines:
    """The characters that rules and boxes are made of."""

    horizontal: str
    vertical: str
    corners: str  # top left, top right, bottom left, bottom right


_STYLE_IDS: dict[str, int] = {"": 0}  # every style that was ever used, a few dozen: cells keep one byte for theirs

LINES = {"unicode": Lines("─", "│", "┌┐└┘"), "ascii": Lines("-", "|", "++++")}


class Canvas:
    """A grid of styled cells."""

    def __init__(self, width: int, height: int, glyphs: str = "unicode") -> None:
        self.width = max(0, width)
        self.height = max(0, height)
        self.lines = LINES[glyphs]
        self.cursor: tuple[int, int] | None = None  # where the terminal's cursor shall be seen, if at all
        self.focus: tuple[int, int] | None = None  # the row that is looked at: where a hidden cursor rests
        self.targets: list[tuple[Rect, str]] = []  # which key a click of the mouse is like, the last one on top
        self.page = ""  # what is looked at: another one is painted from its top
        self.scroll_limit = 0  # by how many lines that which can be scrolled is longer than its room
        self._cells = [[" "] * self.width for _ in range(self.height)]
        self._styles = [bytearray(self.width) for _ in range(self.height)]

    @property
    def rect(self) -> Rect:
        return Rect(0, 0, self.width, self.height)

    # -------------------------------------------------------------- writing

    def put(self, x: int, y: int, text: str, style: str = "", limit: int | None = None) -> int:
        """Write ``text`` at column ``x`` of row ``y``, at most ``limit`` columns of it; what does not fit is clipped.

        Returns the column after the text, whether or not it was visible.
        """
        if not text_module.is_narrow(text):
            end = self.width if limit is None else min(self.width, x + max(0, limit))
            return self._put_cells(x, y, text, style, end)
        if limit is not None and limit < len(text):
            text = text[: max(0, limit)]
        after = x + len(text)
        if x >= self.width or after <= 0 or not text or not 0 <= y < self.height:
            return after
        if x < 0:
            text, x = text[-x:], 0
        if after > self.width:
            text = text[: self.width - x]
        self._write(x, y, text, len(text), self._style_id(style))
        return after

    def fill(self, rect: Rect, char: str = " ", style: str = "") -> None:
        """Fill a rectangle with one narrow character."""
        for y in range(max(0, rect.y), min(self.height, rect.bottom)):
            self.put(rect.x, y, char * max(0, rect.width), style)

    def target(self, rect: Rect, key: str) -> None:
        """A click here is like pressing ``key``."""
        if key:
            self.targets.append((rect, key))

    def restyle(self, rect: Rect, style: str) -> None:
        """Change the style of a rectangle, not its text."""
        left, right = max(0, rect.x), min(self.width, rect.right)
        if left >= right:
            return
        style_id = self._style_id(style)
        for y in range(max(0, rect.y), min(self.height, rect.bottom)):
            self._styles[y][left:right] = bytes((style_id,)) * (right - left)

    def rule(
        self, x: int, y: int, width: int, title: str = "", style: str = "", title_style: str | None = None
    ) -> None:
        """A horizontal line with a title in it: ``-- levels -------``."""
        self.put(x, y, self.lines.horizontal * max(0, width), style)
        if title and width > 6:
            title = f" {text_module.clip(title, width - 6)} "
            self.put(x + 2, y, title, style if title_style is None else title_style)

    def box(self, rect: Rect, title: str = "", style: str = "", title_style: str | None = None) -> None:
        """A frame along the edge of a rectangle; too small a rectangle gets none."""
        if rect.width < 2 or rect.height < 2:
            return
        lines, inner = self.lines, rect.width - 2
        bottom = rect.bottom - 1
        self.rule(rect.x + 1, rect.y, inner, title, style, title_style)
        self.rule(rect.x + 1, bottom, inner, "", style)
        for y in range(rect.y + 1, bottom):
            self.put(rect.x, y, lines.vertical, style)
            self.put(rect.right - 1, y, lines.vertical, style)
        for x, y, corner in zip(
            (rect.x, rect.right - 1) * 2, (rect.y, rect.y, bottom, bottom), lines.corners, strict=True
        ):
            self.put(x, y, corner, style)

    @staticmethod
    def _style_id(style: str) -> int:
        style_id = _STYLE_IDS.get(style)
        if style_id is None:
            style_id = _STYLE_IDS[style] = len(_STYLE_IDS)
        return style_id

    def _write(self, x: int, y: int, cells: str | list[str], count: int, style_id: int) -> None:
        """Put cells that fit; half of a wide character that stays behind becomes a space."""
        row = self._cells[y]
        if row[x] == "" and x > 0:
            row[x - 1] = " "
        end = x + count
        if end < self.width and row[end] == "":
            row[end] = " "
        row[x:end] = cells
        self._styles[y][x:end] = bytes((style_id,)) * count

    def _put_cells(self, x: int, y: int, text: str, style: str, end: int) -> int:
        """The slow way of ``put``: cell by cell, for wide characters, marks and anything suspicious."""
        on_canvas = 0 <= y < self.height
        start, row = max(0, x), []
        for cell, columns in text_module.cells(text):
            after = x + columns
            if after > end:
                if x < end and x >= 0:
                    row.append(" ")  # half of a wide character would stand on the edge
                    x = end
                break
            if x >= 0:
                row.append(cell)
                row.extend([""] * (columns - 1))
            elif after > 0:
                row.append(" ")
            x = after
        if on_canvas and row:
            self._write(start, y, row, len(row), self._style_id(style))
        return x

    # -------------------------------------------------------------- reading

    def runs(self, y: int) -> list[Run]:
        """Row ``y`` as runs of one style, from left to right, covering the whole row."""
        row, styles = self._cells[y], bytes(self._styles[y])
        names = list(_STYLE_IDS)
        return [
            (match.start(), "".join(row[match.start() : match.end()]), names[styles[match.start()]])
            for match in _RUN.finditer(styles)
        ]

    def row(self, y: int) -> Row:
        """A copy of row ``y`` as it is kept. Much cheaper than ``runs``."""
        return self._cells[y].copy(), bytes(self._styles[y])

    def looks_like(self, y: int, row: Row | None) -> bool:
        """Does row ``y`` look as another one did, of which this is a copy? Nearly all do, from frame to frame."""
        return row is not None and self._cells[y] == row[0] and self._styles[y] == row[1]

    def cells(self) -> list[list[Run]]:
        """Every row as runs, for painting."""
        return [self.runs(y) for y in range(self.height)]

    def rows(self) -> list[str]:
        """The text of every row, for looking at in tests."""
        return ["".join(row) for row in self._cells]

    def style_at(self, x: int, y: int) -> str:
        """The style name of one cell."""
        return list(_STYLE_IDS)[self._styles[y][x]]
