"""Text from strangers, made safe to show, and the width of text in terminal columns.

Display names, reasons and SDP arrive from the network. Nothing of that may reach a terminal as a control
sequence, turn the reading direction, or pile a thousand marks on one cell. Two ways out:

- ``visible`` for the screen: what is dangerous becomes readable, in ASCII: ``^[`` for ESC, ``\\x9b`` for C1
  and for bytes that were not UTF-8, ``\\u202e`` for the other characters that have no picture of their own.
- ``stripped`` for lines and JSON: the same characters are taken out, line ends and tabs become one space.

Widths follow the usual ``wcwidth`` rules: East Asian wide and full-width characters take two columns, marks
take none, all else takes one ("ambiguous" characters too).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

LEFT_TO_RIGHT_MARK = "\u200e"
_RIGHT_TO_LEFT = ("R", "AL")

MARKS_PER_CELL = 2  # combining marks kept on one base character; Vietnamese and Thai need two

# Printable by category, but without a picture: they hide the difference between two names.
_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u034f\u17b4\u17b5")
# They only choose how the character before is drawn, and terminals disagree about the width that makes.
_SELECTORS = frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0x1F3FB, 0x1F400), *range(0xE0100, 0xE01F0))))

# Every character of these is one column wide and safe: the fast way for nearly all text.
_NARROW = frozenset(
    char
    for start, end in (
        (0x20, 0x7F),
        (0xA1, 0xAD),
        (0xAE, 0x250),
        (0x391, 0x3A2),
        (0x3B1, 0x3CA),
        (0x410, 0x450),
        (0x2010, 0x2011),
        (0x2013, 0x2028),
        (0x2190, 0x2194),
        (0x2500, 0x25FD),
        (0x2800, 0x2900),
    )
    for char in map(chr, range(start, end))
)

_ASCII_GLYPHS = {
    **dict.fromkeys("─━═╌┄┈╍┅┉‐‑‒–—―−▁▂", "-"),
    **dict.fromkeys("│┃║╎┆┊╏┇┋▏▎▍╵╷╹╻", "|"),
    **dict.fromkeys("▃▄▅", "="),
    **dict.fromkeys("▆▇█▓▒▌▋▊▉■", "#"),
    **dict.fromkeys("░·•∙", "."),
    **dict.fromkeys("‘’‚‛′", "'"),
    **dict.fromkeys("“”„‟«»″", '"'),
    **dict.fromkeys("▶►▸→›❯", ">"),
    **dict.fromkeys("◀◄◂←‹❮", "<"),
    **dict.fromkeys("▲△▴↑", "^"),
    **dict.fromkeys("▼▽▾↓", "v"),
    **dict.fromkeys("●◉○◌✱×★", "*"),
    **dict.fromkeys("…", "~"),
    **dict.fromkeys("✓✔", "+"),
    **dict.fromkeys("✗✘", "x"),
    **{"ß": "s", "ø": "o", "Ø": "O", "æ": "a", "Æ": "A", "đ": "d", "ł": "l", "Ł": "L", "µ": "u", "\u03bc": "u"},
}


@lru_cache(maxsize=4096)
def char_width(char: str) -> int:
    """Columns of one character: 0 for marks, 2 for East Asian wide, else 1 (also for what has no picture)."""
    if char in _NARROW:
        return 1
    code = ord(char)
    if code < 0x300:
        return 1
    if unicodedata.category(char) in ("Mn", "Me") or 0x1160 <= code <= 0x11FF or 0xD7B0 <= code <= 0xD7FF:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


# The rules and bars of a screen are the same in every frame, and to look at each character again is dear.
_all_narrow = lru_cache(maxsize=512)(_NARROW.issuperset)
_REMEMBERED = 500  # characters at most: a row


def is_narrow(text: str) -> bool:
    """Is every character of it in ``_NARROW``?"""
    if text.isascii():
        return text.isprintable()
    return _all_narrow(text) if len(text) <= _REMEMBERED else _NARROW.issuperset(text)


def width(text: str) -> int:
    """Columns that ``text`` takes."""
    if is_narrow(text):
        return len(text)
    return sum(map(char_width, text))


def clip(text: str, columns: int, mark: str = "") -> str:
    """The beginning of ``text`` that fits into ``columns``; when something was cut, it ends with ``mark``."""
    if columns <= 0:
        return ""
    if len(text) <= columns // 2 or width(text) <= columns:
        return text
    if width(mark) >= columns:
        mark = ""
    room = columns - width(mark)
    used = 0
    for index, char in enumerate(text):
        used += char_width(char)
        if used > room:
            return text[:index] + mark
    return text


def wrapped(text: str, columns: int) -> list[str]:
    """In rows of at most so many columns, broken between words where that can be; only the space there is lost."""
    rows, row = [], ""
    for word in text.split(" "):
        longer = f"{row} {word}" if row else word
        if width(longer) <= columns:
            row = longer
            continue
        rows += [row] if row else []
        while width(word) > columns and (begin := clip(word, columns) or word[:1]) != word:
            rows.append(begin)
            word = word[len(begin) :]
        row = word
    return [*rows, row]


def pad(text: str, columns: int, mark: str = "") -> str:
    """``text`` in exactly ``columns`` columns: clipped, or filled up with spaces."""
    text = clip(text, columns, mark)
    return text + " " * (columns - width(text))


def _escaped(char: str) -> str:
    code = ord(char)
    if code < 0x20:
        return "^" + chr(code + 0x40)
    if code == 0x7F:
        return "^?"
    if 0xDC80 <= code <= 0xDCFF:  # a byte that was not UTF-8, as "surrogateescape" keeps it
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


@lru_cache(maxsize=4096)
def _kind(char: str) -> str:
    """What a character is to a terminal: "plain", "mark", "space", "drop" or "control"."""
    if char in _NARROW:
        return "plain"
    if char in _SELECTORS:
        return "drop"
    if char in _FILLERS:
        return "control"
    if not char.isprintable():  # Cc, Cf, Cs, Co, Cn, Zl, Zp: all that a terminal may obey, hide or misplace
        return "space" if unicodedata.category(char) == "Zs" else "control"
    return "mark" if char_width(char) == 0 else "plain"


def visible(text: str) -> str:
    """``text`` with every dangerous character made readable; safe to paint, on one line."""
    if is_narrow(text):
        return text
    out: list[str] = []
    marks = MARKS_PER_CELL  # a mark with nothing below it is shown as a code
    for char in text:
        kind = _kind(char)
        if kind == "plain" or kind == "space":
            out.append(char if kind == "plain" else " ")
            marks = 0
        elif kind == "mark" and marks < MARKS_PER_CELL and out:
            out.append(char)
            marks += 1
        elif kind == "control" or (kind == "mark" and (not out or out[-1][0] in "^\\")):
            out.append(_escaped(char))
            marks = MARKS_PER_CELL
    return "".join(out)


def stripped(text: str) -> str:
    """``text`` with every dangerous character taken out, on one line; for line and JSON output."""
    if is_narrow(text):
        return text
    out: list[str] = []
    marks = MARKS_PER_CELL
    for char in text:
        kind = _kind(char)
        if kind == "plain":
            out.append(char)
            marks = 0
        elif kind == "space" or char in "\t\n\r\v\f\x85\u2028\u2029":
            if not out or out[-1] != " ":
                out.append(" ")
            marks = 0
        elif kind == "mark" and marks < MARKS_PER_CELL:
            out.append(char)
            marks += 1
        elif "\ud800" <= char <= "\udfff":
            out.append("\ufffd")
            marks = 0
    return "".join(out)


def holds_right_to_left(cells: Iterable[str]) -> bool:
    """Is there a letter that is written from right to left?"""
    return any(cell > "\u0590" and unicodedata.bidirectional(cell[0]) in _RIGHT_TO_LEFT for cell in cells)


def ends_of_right_to_left(cells: Sequence[str]) -> frozenset[int]:
    """The columns of a row after which a terminal must be told that the row goes on from left to right.

    A terminal that turns Hebrew and Arabic round (VTE, Konsole, mlterm, macOS) takes the figures behind a name for a
    part of it, as far as the next letter, and moves them before the name: the columns of a table change places (Unicode
    Standard Annex 9). A left-to-right mark at the end of the name, which is where a gap begins, keeps them.
    """
    ends = set()
    open_since = None  # the last cell that was no space, since a letter from right to left
    for column, cell in enumerate(cells):
        kind = unicodedata.bidirectional(cell[0]) if cell else ""
        if kind in _RIGHT_TO_LEFT:
            open_since = column
        elif kind == "L":
            open_since = None
        elif open_since is not None and cell not in ("", " "):
            open_since = column
        elif open_since is not None and cell == " " and cells[column + 1 : column + 2] in ([" "], []):
            ends.add(open_since)
            open_since = None
    return frozenset(ends)


def cells(text: str) -> Iterator[tuple[str, int]]:
    """The cells of ``text``: a base character with its marks, and its width. Nothing in them can be obeyed.

    This is the last line of defence, for text that did not go through ``visible``: a control character is
    one ``?``, a mark without a base and marks beyond the cap are gone.
    """
    cell, columns, marks = "", 0, 0
    for char in text:
        kind = _kind(char)
        if kind == "mark":
            if cell and marks < MARKS_PER_CELL:
                cell += char
                marks += 1
            continue
        if kind == "drop":
            continue
        if cell:
            yield cell, columns
        cell = char if kind == "plain" else " " if kind == "space" else "?"
        columns = char_width(cell)
        marks = 0
    if cell:
        yield cell, columns


@lru_cache(maxsize=1024)
def ascii_cell(cell: str) -> str:
    """The nearest ASCII for one cell, as many columns wide."""
    base = cell[:1]
    if base.isascii():
        return base
    if base in _ASCII_GLYPHS:
        return _ASCII_GLYPHS[base]
    if 0x2500 <= ord(base) <= 0x257F:
        return "+"  # corners and crossings
    if 0x2800 <= ord(base) <= 0x28FF:
        return " " if base == "\u2800" else ":"
    plain = unicodedata.normalize("NFKD", base)[:1]
    if plain.isascii() and plain.isprintable() and plain:
        return plain + " " * (char_width(base) - 1)
    return "?" * char_width(base)
