"""A terminal's screen as a picture: SVG, made of monospaced text and the 16 colours of ANSI."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

import pyte
from pyte.screens import Char

CELL_WIDTH, CELL_HEIGHT = 8.4, 17  # of a font of 14 pixels
FONT_SIZE, BASELINE, MARGIN = 14, 13, 10
INK, PAPER = "#d4d4d4", "#16181d"
COLOURS = {
    "black": "#3b4048", "red": "#e06c75", "green": "#98c379", "brown": "#e5c07b", "blue": "#61afef",
    "magenta": "#c678dd", "cyan": "#56b6c2", "white": "#d4d4d4", "brightblack": "#7a818e", "brightred": "#ff8b94",
    "brightgreen": "#b5e890", "brightbrown": "#ffd98f", "brightblue": "#8cc8ff", "brightmagenta": "#e0a0f5",
    "brightcyan": "#7fdbe6", "brightwhite": "#ffffff",
}  # fmt: skip

Run = tuple[int, str, Char]


def picture(screen: pyte.Screen, title: str) -> str:
    """The whole screen. The same screen gives the same text."""
    width = round(screen.columns * CELL_WIDTH + 2 * MARGIN)
    height = screen.lines * CELL_HEIGHT + 2 * MARGIN
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-size="{FONT_SIZE}"'
        ' font-family="ui-monospace,Menlo,Consolas,DejaVu Sans Mono,monospace" xml:space="preserve">',
        f"<title>{escape(title)}</title>",
        f'<rect width="{width}" height="{height}" rx="6" fill="{PAPER}"/>',
    ]
    for y in range(screen.lines):
        for x, text, style in _runs(screen, y):
            lines += _drawn(x, y, text, style)
    return "\n".join([*lines, "</svg>", ""])


def _runs(screen: pyte.Screen, y: int) -> Iterator[Run]:
    """Neighbouring cells of one style."""
    row = screen.buffer[y]
    start, text, style = 0, "", row[0]
    for x in range(screen.columns):
        cell = row[x]
        if cell._replace(data="") != style._replace(data=""):
            yield start, text, style
            start, text, style = x, "", cell
        text += cell.data
    yield start, text, style


def _drawn(x: int, y: int, text: str, style: Char) -> Iterator[str]:
    columns = len(text)
    ink, paper = _colour(style.fg, INK), _colour(style.bg, PAPER)
    if style.reverse:
        ink, paper = paper, ink
    left, top = MARGIN + x * CELL_WIDTH, MARGIN + y * CELL_HEIGHT
    if paper != PAPER:
        yield f'<rect x="{left:g}" y="{top}" width="{columns * CELL_WIDTH:.4g}" height="{CELL_HEIGHT}" fill="{paper}"/>'
    inner = text.lstrip(" ")
    left += (columns - len(inner)) * CELL_WIDTH
    inner = inner.rstrip(" ")
    if inner:
        bold = ' font-weight="bold"' if style.bold else ""
        length = f' textLength="{len(inner) * CELL_WIDTH:.4g}"'
        place = f'x="{left:.5g}" y="{top + BASELINE}"'
        yield f'<text {place}{length} fill="{ink}"{bold}>{escape(inner)}</text>'


def _colour(name: str, default: str) -> str:
    if name == "default":
        return default
    return COLOURS.get(name) or f"#{name}"
