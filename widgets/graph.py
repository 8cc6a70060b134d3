"""The last two minutes as pictures: loss, jitter and buffer, one point a second, the newest at the right.

With braille a cell holds two seconds and four heights, in ASCII one second. A second of which nothing is known
stays empty; one in which all was well has a point on the ground.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from engine.model import History, HistoryPoint
from widgets import figures, parts
from widgets.canvas import Canvas, Rect, Run
from widgets.ui import Scene

LEAST_COLUMNS = 18  # of one picture
GAP = 3  # columns between two
HISTORY_S = 120

_LEFT = (0, 0x40, 0x44, 0x46, 0x47)  # dots of the left half of a braille cell, filled from below
_RIGHT = (0, 0x80, 0xA0, 0xB0, 0xB8)
_EMPTY = "\u2800"  # the braille cell without dots; those with some come after it
_ASCII_SOLID = " _:|"  # how full a cell is
_ASCII_LINE = " _-'"  # how high the line is in its cell
_STYLES = ("dim", "ok", "warn", "bad")
Line = tuple[float | None, ...]
Values = tuple[Line, Line]  # point by point: what it was, what it was to be


@dataclass(frozen=True, slots=True)
class Trace:
    """One figure over time."""

    name: str
    value: Callable[[HistoryPoint], float | None]
    words: Callable[[float | None], str]
    scales: tuple[float, ...]  # the picture is as high as the first of these that is not exceeded
    warn: float
    bad: float  # below ``warn`` where little is bad
    solid: bool = True  # filled down to the ground, or a line
    scale_words: str = ""  # where its value at the top is not what is said of it
    aim: Callable[[HistoryPoint], float | None] | None = None  # what it is to be: a line of its own
    aim_words: str = ""

    def values(self, points: Sequence[HistoryPoint], step: int = 1, phase: int = 0) -> Values:
        """What is shown of these seconds, ``step`` of them to a point; ``phase`` as :func:`worst` has it."""
        lines = [[self.value(point) for point in points], [] if self.aim is None else list(map(self.aim, points))]
        was, aimed = (tuple(worst(line, step, phase, self.worst)) for line in lines)
        return was, aimed

    def told(self, point: HistoryPoint | None) -> tuple[float | None, float | None]:
        """What is said of one second."""
        if point is None:
            return None, None
        return self.value(point), None if self.aim is None else self.aim(point)

    @property
    def worst(self) -> Callable[..., float | None]:
        """Of several seconds the one to show."""
        return min if self.bad < self.warn else max


TRACES = (
    Trace("loss", lambda point: point.loss_percent, figures.percent, (5, 10, 25, 50, 100), 0.05, 5.0),
    Trace("jitter", lambda point: point.jitter_ms, figures.millis, (20, 50, 100, 200, 500, 1000), 30.0, 60.0),
    Trace(
        "buffer",
        lambda point: point.buffer_ms,
        figures.millis,
        (100, 200, 500, 1000, 2000),
        200.0,
        400.0,
        False,
        aim=lambda point: point.target_ms,
        aim_words="target ",
    ),
)


def sizes(_scene: Scene, _width: int) -> tuple[int, ...]:
    return (3, 5, 8, 11, 15)


def draw(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    media = scene.call.media if scene.call is not None else None
    if media is None or rect.empty:
        return
    count = max(1, min(len(TRACES), rect.width // (LEAST_COLUMNS + GAP)))
    width = max(1, (rect.width - 2 - GAP * (count - 1)) // count)
    below = parts.heading(canvas, rect, "last two minutes")
    points = width * (2 if scene.look.braille else 1)
    step = -(-HISTORY_S // points)
    seen = media.history[-points * step :]  # of a call of hours the rest costs nothing, and sets no scale
    phase = first_second(media.history) + len(media.history) - 1
    for index, trace in enumerate(TRACES[:count]):
        place = Rect(below.x + 1 + index * (width + GAP), below.y, width, below.height)
        draw_trace(canvas, place, trace, seen, scene.look.braille, step, phase)


def first_second(history: Sequence[HistoryPoint]) -> int:
    """Which second of the call the first of them is."""
    return history.first_s if isinstance(history, History) else 0


def draw_trace(
    canvas: Canvas,
    rect: Rect,
    trace: Trace,
    history: Sequence[HistoryPoint],
    braille: bool,
    step: int = 1,
    phase: int = 0,
) -> None:
    """A line with name, newest value and scale; below it the picture with ``step`` seconds to a point."""
    told = trace.told(history[-1] if history else None)
    draw_values(canvas, rect, trace, trace.values(history, step, phase), told, braille)


def draw_values(
    canvas: Canvas,
    rect: Rect,
    trace: Trace,
    values: Values,
    said: tuple[float | None, float | None],
    braille: bool,
) -> None:
    """The same for values that are known already; what is ``said`` stands in the line above the picture."""
    if rect.empty:
        return
    told, aimed = said
    top = _scale([*values[0], *values[1]], trace.scales)
    after = canvas.put(rect.x, rect.y, trace.name + " ", "dim", rect.width)
    after = canvas.put(after, rect.y, trace.words(told), value_style(told, trace), rect.right - after)
    aim = trace.aim_words + trace.words(aimed)
    if aimed is not None and rect.right - after > len(aim) + 1:
        after = canvas.put(after + 1, rect.y, aim, "dim")
    scale = trace.scale_words or f"of {top:g} {_unit(trace, top)}".rstrip()
    if rect.right - after > len(scale) + 1:
        canvas.put(rect.right - len(scale), rect.y, scale, "dim")
    paper = (rect.width, rect.height - 1)
    picture_rows = plan(trace, values, top, paper, braille)
    for row, runs in zip(rect.split_top(1)[1].rows(), picture_rows, strict=True):
        for start, run, style in runs:
            canvas.put(row.x + start, row.y, run, style)


def value_style(value: float | None, trace: Trace) -> str:
    if not figures.known(value):
        return "dim"
    return ("value", "value", "warn", "bad")[_kind(value, trace)]


def _unit(trace: Trace, top: float) -> str:
    words = trace.words(top).split()
    return words[-1] if len(words) > 1 else ""


def _scale(values: Sequence[float | None], scales: Sequence[float]) -> float:
    highest = max((value for value in values if value is not None and math.isfinite(value)), default=0.0)
    return next((scale for scale in scales if highest <= scale), scales[-1])


@lru_cache(maxsize=32)
def plan(
    trace: Trace,
    values: Values,
    top: float,
    paper: tuple[int, int],
    braille: bool,
) -> tuple[tuple[Run, ...], ...]:
    """The picture row by row, as runs of one style; remembered, since it changes once a second only."""
    (width, rows), (per_cell, per_row) = paper, (2, 4) if braille else (1, 3)
    room = width * per_cell
    was, aimed = (_last(line, room) for line in values)
    spans = solid if trace.solid else outline
    lines = picture(spans([height(value, top, rows * per_row) for value in was]), rows, braille)
    if values[1]:
        aim = picture(outline([height(value, top, rows * per_row) for value in aimed]), rows, braille)
        lines = tuple(over(line, other) for line, other in zip(lines, aim, strict=True))
    kinds = [_kind(value, trace) for value in was]
    cell_kinds = [max(kinds[at : at + per_cell]) for at in range(0, room, per_cell)]
    return tuple(tuple(_runs(line, cell_kinds)) for line in lines)


def _last(points: Line, room: int) -> Line:
    """As many as there is room for, at the right."""
    points = points[-room:] if room else ()
    return (None,) * (room - len(points)) + points


def over(line: str, other: str) -> str:
    """Two pictures in one: braille shows both, other glyphs the first where it has one."""
    return "".join(
        chr(ord(one) | ord(two)) if one >= _EMPTY and two >= _EMPTY else two if one == " " else one
        for one, two in zip(line, other, strict=True)
    )


def worst(
    values: Sequence[float | None], step: int, phase: int, pick: Callable[..., float | None] = max
) -> list[float | None]:
    """The highest, or what ``pick`` picks, of every ``step`` seconds. ``phase`` is the number of the newest second:
    points keep their seconds while time goes on, so that the picture moves without shimmering."""
    if step == 1 or not values:
        return list(values)
    newest = phase % step + 1
    ends = range(len(values), 0, -step) if newest == step else [len(values), *range(len(values) - newest, 0, -step)]
    bins = [values[max(0, end - (newest if end == len(values) else step)) : end] for end in ends]
    known = ([value for value in part if value is not None] for part in reversed(bins))
    return [pick(part) if part else None for part in known]


def _runs(line: str, kinds: Sequence[int]) -> Iterator[Run]:
    start = 0
    for kind, cells in groupby(kinds):
        end = start + len(list(cells))
        if not line[start:end].isspace():
            yield start, line[start:end], _STYLES[kind]
        start = end


def _kind(value: float | None, trace: Trace) -> int:
    """How alarming a second is: an index of ``_STYLES``."""
    if value is None or not value > 0:
        return 0
    if trace.bad < trace.warn:
        return 1 if value >= trace.warn else 2 if value >= trace.bad else 3
    return 1 if value < trace.warn else 2 if value < trace.bad else 3


def height(value: float | None, top: float, steps: int) -> int:
    """How many of ``steps`` dots high a value is: 0 when unknown, at least 1 when known."""
    if value is None or not math.isfinite(value):
        return 0
    return 1 + round(max(0.0, min(value, top)) / top * (steps - 1))


Span = tuple[int, int]  # the lowest and the highest dot of a column, from 1; (0, 0): none


def solid(heights: Sequence[int]) -> tuple[Span, ...]:
    """Columns that reach down to the ground."""
    return tuple((1, high) if high else (0, 0) for high in heights)


def outline(heights: Sequence[int]) -> tuple[Span, ...]:
    """A line: every column begins where the one before it ended."""
    before = [0, *heights[:-1]]
    return tuple(
        (min(high, last), max(high, last)) if high and last else (high, high)
        for last, high in zip(before, heights, strict=True)
    )


def picture(columns: tuple[Span, ...], rows: int, braille: bool) -> tuple[str, ...]:
    """Rows of text, the highest first."""
    draw_row = _braille_row if braille else _ascii_row
    return tuple(draw_row(columns, row) for row in range(rows - 1, -1, -1))


def _dots(span: Span, row: int, steps: int) -> tuple[int, int]:
    """How far a column fills a row of so many steps: up to where it is empty, and up to where it is full."""
    low, high = span
    return max(0, min(steps, low - 1 - row * steps)), max(0, min(steps, high - row * steps))


def _braille_row(columns: tuple[Span, ...], row: int) -> str:
    cells = []
    for left, right in zip(columns[::2], columns[1::2], strict=True):
        left_empty, left_full = _dots(left, row, 4)
        right_empty, right_full = _dots(right, row, 4)
        cells.append(_LEFT[left_full] & ~_LEFT[left_empty] | _RIGHT[right_full] & ~_RIGHT[right_empty])
    return "".join(chr(0x2800 | cell) if cell else " " for cell in cells)


def _ascii_row(columns: tuple[Span, ...], row: int) -> str:
    cells = []
    for span in columns:
        empty, full = _dots(span, row, 3)
        glyphs = _ASCII_SOLID if span[0] <= 1 else _ASCII_LINE
        cells.append(glyphs[full] if full > empty else " ")
    return "".join(cells)
