"""The view "history": every second of the call as pictures, to be gone back through while the call goes on.

A column is one second, or the worst of several. The last column is the newest second, until the reader goes back:
then a second of the call is looked at, it stays where it is while new ones come, and every picture tells its figure.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import chain

from engine.model import CallView, History, HistoryPoint
from widgets import figures, graph, layout, parts
from widgets.canvas import Canvas, Rect
from widgets.graph import Trace, Values
from widgets.keys import Key
from widgets.latest import Latest
from widgets.ui import Band, Pane, Scene, Tables
from widgets.view import Desk, View

STEPS_S = (1, 5, 20, 60)  # seconds to a column; whole ones make a minute
MINUTE_S = 60
LEAST_ROWS = 2  # of a picture with its line of words
LINES = (2, 3, 5, 10)  # of pictures, from the least screen on: how good it was, then what took most away
TWO_COLUMNS_FROM, THREE_COLUMNS_FROM = 100, 240
TWO_IF_LOW_FROM = 78  # where one column has no room for all pictures
GAP = 3
QUIETEST_DB = 60.0  # below full scale: the ground of a picture of levels
RUN_NAMES = ("1", "2", "3", "4", "5-8", "9+")


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the call the reader is. ``second``: of the call, from 0; None follows the newest."""

    second: int | None = None
    step: int = 0  # index of ``STEPS_S``


def _level(dbfs: float) -> float | None:
    return max(0.0, dbfs + QUIETEST_DB) if figures.known(dbfs) else None


def _level_words(above: float | None) -> str:
    return figures.UNKNOWN if above is None else figures.dbfs(above - QUIETEST_DB) if above > 0 else "silence"


def _missed(point: HistoryPoint) -> float | None:
    return min(100.0, 100 * point.missed / point.expected) if point.expected > 0 else None


TRACES = (
    Trace("MOS here", lambda point: point.mos_here, figures.mos, (5,), 3.6, 3.1, False),
    *graph.TRACES,  # loss, jitter, buffer
    Trace("MOS there", lambda point: point.mos_there, figures.mos, (5,), 3.6, 3.1, False),
    Trace("their loss", lambda point: point.far_loss_percent, figures.percent, (5, 10, 25, 50, 100), 0.05, 5.0),
    Trace("round trip", lambda point: point.rtt_ms, figures.millis, (100, 200, 500, 1000, 5000), 150.0, 400.0, False),
    Trace("missed", _missed, figures.percent, (5, 10, 25, 50, 100), 0.05, 5.0),
    Trace(
        "far level",
        lambda point: _level(point.in_dbfs),
        _level_words,
        (QUIETEST_DB,),
        100.0,
        100.0,
        scale_words="of 0 dBFS",
    ),
    Trace(
        "our level",
        lambda point: _level(point.out_dbfs),
        _level_words,
        (QUIETEST_DB,),
        100.0,
        100.0,
        scale_words="of 0 dBFS",
    ),
)


@dataclass(frozen=True, slots=True)
class Window:
    """Which seconds are seen."""

    begin: int  # places in the history
    end: int
    chosen: int | None  # the place that is looked at; None: the newest
    step: int  # seconds to a point


def window(history: Sequence[HistoryPoint], place: Place, points: int) -> Window:
    """So many points, the chosen second among them and the newest at the right, where that can be."""
    step = STEPS_S[place.step]
    chosen = None
    end = len(history)
    if place.second is not None and history:
        chosen = max(0, min(place.second - graph.first_second(history), len(history) - 1))
        first = graph.first_second(history)
        if (first + end - 1) // step - (first + chosen) // step >= points:
            end = min(end, max(chosen + points * step // 2 + 1, points * step))
    return Window(max(0, end - points * step), end, chosen, step)


def _shown(history: Sequence[HistoryPoint], end: int, points: int, step: int) -> tuple[Values, ...]:
    """What every trace shows: so many points, the last of them with the second before ``end``.

    Points never reach from one minute into the next, and a minute that is over is looked at once.
    """
    first_s = graph.first_second(history)
    last = (first_s + end - 1) // step
    first = max(first_s // step, last - points + 1)
    begin_part = (first * step - first_s) // MINUTE_S
    parts = _parts(history)[begin_part : (last * step - first_s) // MINUTE_S + 1]
    pieces = [_of_minute(_Same(part), step) if len(part) == MINUTE_S else _of_part(part, step) for part in parts]
    left_out = first - (first_s + MINUTE_S * begin_part) // step
    lines = (
        tuple(tuple(chain.from_iterable(piece[index][line] for piece in pieces)) for line in (0, 1))
        for index in range(len(TRACES))
    )
    return tuple((was[left_out:][:points], aimed[left_out:][:points]) for was, aimed in lines)


_values = Latest(_shown)


def _parts(history: Sequence[HistoryPoint]) -> Sequence[Sequence[HistoryPoint]]:
    if isinstance(history, History):
        return history.parts
    return [history[at : at + MINUTE_S] for at in range(0, len(history), MINUTE_S)]


class _Same:
    """Equal to what holds the very same object: a minute is not compared second by second."""

    __slots__ = ("it",)

    def __init__(self, it: Sequence[HistoryPoint]) -> None:
        self.it = it

    def __hash__(self) -> int:
        return id(self.it)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.it is other.it


@lru_cache(maxsize=1000)
def _of_minute(minute: _Same, step: int) -> tuple[Values, ...]:
    return _of_part(minute.it, step)


def _of_part(part: Sequence[HistoryPoint], step: int) -> tuple[Values, ...]:
    return tuple(trace.values(part, step, len(part) - 1) for trace in TRACES)


# ------------------------------------------------------------------ panes


def draw_graphs(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    call = scene.call
    if call is None or call.media is None or rect.empty:
        return
    place, history = scene.ui.state(Place()), call.media.history
    columns = _columns(rect)
    width = (rect.width - 2 - GAP * (columns - 1)) // columns
    if width < 1:
        return
    per_cell = 2 if scene.look.braille else 1
    seen = window(history, place, width * per_cell)
    below = parts.heading(canvas, rect, "history", *_where(call, history, seen))
    if not history:
        canvas.put(below.x + 1, below.y, "The first second is not over yet.", "dim", below.width)
        return
    values = _values(history, seen.end, width * per_cell, seen.step)
    said = history[seen.end - 1 if seen.chosen is None else seen.chosen]
    lines = -(-len(TRACES) // columns)
    lines = max(1, min(lines, below.height // LEAST_ROWS))
    shown = [(row, column) for column in range(columns) for row in range(lines)]
    for index, (row, column) in enumerate(shown[: len(TRACES)]):
        top = below.y + row * below.height // lines
        bottom = below.y + (row + 1) * below.height // lines
        spot = Rect(below.x + 1 + column * (width + GAP), top, width, bottom - top)
        graph.draw_values(canvas, spot, TRACES[index], values[index], TRACES[index].told(said), scene.look.braille)
        _mark(canvas, spot, scene, seen, graph.first_second(history))


def _columns(rect: Rect) -> int:
    low = rect.width >= TWO_IF_LOW_FROM and rect.height < 1 + LEAST_ROWS * len(TRACES)
    return 1 + (low or rect.width >= TWO_COLUMNS_FROM) + (rect.width >= THREE_COLUMNS_FROM)


def _mark(canvas: Canvas, rect: Rect, scene: Scene, seen: Window, first_s: int) -> None:
    """The column of the second that is looked at."""
    if seen.chosen is not None and not rect.empty:
        points_back = (first_s + seen.end - 1) // seen.step - (first_s + seen.chosen) // seen.step
        column = rect.right - 1 - points_back // (2 if scene.look.braille else 1)
        canvas.restyle(Rect(max(rect.x, column), rect.y + 1, 1, rect.height - 1), "selected")
        canvas.focus = (max(rect.x, column), rect.y)


def _where(call: CallView, history: Sequence[HistoryPoint], seen: Window) -> tuple[str, str]:
    """What the heading says: the second that is looked at, and how much a column is."""
    column = "" if seen.step == 1 else f"  {seen.step} s a column"
    if seen.chosen is None or not history:
        return f"now{column}", "dim"
    into, ago = graph.first_second(history) + seen.chosen, len(history) - 1 - seen.chosen
    return f"at {figures.duration(into)}, {figures.duration(ago)} ago{column}", "value"


def graph_sizes(_scene: Scene, width: int) -> tuple[int, ...]:
    columns = 2 if width >= TWO_COLUMNS_FROM else 1
    lines = -(-len(TRACES) // columns)
    return (*(1 + LEAST_ROWS * min(lines, seen) for seen in LINES), 1 + 5 * lines)


def draw_runs(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    """How many losses of one packet, of two in a row, of three ... there were: bars, or one line."""
    media = scene.call.media if scene.call is not None else None
    if media is None or rect.empty:
        return
    runs = media.bursts.runs if media.bursts is not None else (0,) * len(RUN_NAMES)
    most = max(runs, default=0)
    below = parts.heading(canvas, rect, "packets lost in a row", _bursts_note(scene))
    if below.height < len(RUN_NAMES) or not most:
        words = "  ".join(f"{name}: {figures.count(number)}" for name, number in zip(RUN_NAMES, runs, strict=True))
        words, style = (words, "value") if most else ("none was lost", "dim")
        canvas.put(below.x + 1, below.y, words, style, below.width - 1)
        return
    for row, name, number in zip(below.rows(), RUN_NAMES, runs, strict=False):
        canvas.put(row.x + 1, row.y, name.rjust(3), "dim")
        room = max(0, row.width - 14)
        bar = max(1, round(room * number / most)) if number else 0
        style = "ok" if name == "1" else "warn" if name in ("2", "3", "4") else "bad"
        canvas.put(row.x + 5, row.y, scene.look.bar * bar, style, room)
        canvas.put(row.x + 6 + bar, row.y, figures.count(number) if number else "", "value")


def _bursts_note(scene: Scene) -> str:
    media = scene.call.media if scene.call is not None else None
    if media is None or media.bursts is None or not media.bursts.burst_packets:
        return ""
    bursts = media.bursts
    return f"bursts of {bursts.burst_packets:.0f} packets, {100 * bursts.burst_density:.0f} % of them lost"


def run_sizes(scene: Scene, _width: int) -> tuple[int, ...]:
    bursts = scene.call.media.bursts if scene.call is not None and scene.call.media is not None else None
    return (3, 3, 3, 1 + len(RUN_NAMES)) if bursts is not None and any(bursts.runs) else (3,)


def draw_nothing(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    parts.nothing(
        canvas, rect, "history", figures.no_sound(scene.call), "every second of a call, and go back through it"
    )


# ------------------------------------------------------------------ keys


def _length(desk: Desk) -> tuple[int, int]:
    """The first second that is kept, and how many there are."""
    call = desk.scene().call
    history = call.media.history if call is not None and call.media is not None else ()
    return graph.first_second(history), len(history)


def _move(desk: Desk, columns: int) -> None:
    place = desk.ui.state(Place())
    first, count = _length(desk)
    if not count:
        return
    newest = first + count - 1
    now = newest if place.second is None else place.second
    wanted = max(first, now + columns * STEPS_S[place.step])
    desk.keep(replace(place, second=None if wanted > newest or (columns > 0 and wanted == newest) else wanted))


def _left(desk: Desk, name: str) -> None:
    _move(desk, -1)


def _right(desk: Desk, name: str) -> None:
    _move(desk, 1)


def _page(desk: Desk, name: str) -> None:
    _move(desk, -30 if name == "PageUp" else 30)


def _ends(desk: Desk, name: str) -> None:
    desk.keep(replace(desk.ui.state(Place()), second=_length(desk)[0] if name == "Home" else None))


def _zoom(desk: Desk, name: str) -> None:
    place = desk.ui.state(Place())
    step = (place.step + 1) % len(STEPS_S)
    desk.keep(replace(place, step=step))
    desk.notice(f"a column is {STEPS_S[step]} s, the worst of them" if step else "a column is a second")


def _is_back(scene: Scene) -> bool:
    return scene.ui.state(Place()).second is not None


def _now(desk: Desk, name: str) -> None:
    desk.keep(replace(desk.ui.state(Place()), second=None))


def _has_history(scene: Scene) -> bool:
    return scene.call is not None and scene.call.media is not None


GRAPHS = Pane(draw_graphs, graph_sizes)
RUNS = Pane(draw_runs, run_sizes)
NOTHING = Pane(draw_nothing, lambda _scene, _width: (2,))


def tables(scene: Scene) -> Tables:
    if not _has_history(scene):
        return ((0, (Band((layout.CALLS,), 0), Band((NOTHING,), 1, grows=True))),)
    return ((0, (Band((layout.CALLS,), 1), Band((GRAPHS,), 0, grows=True), Band((RUNS,), 2))),)


VIEW = View(
    "history",
    "every second of the call; go back through it while it goes on",
    tables,
    (
        Key(("Left", "h"), "Left", "back", "a column back: every figure of that moment", "left", _has_history),
        Key(("Right", "l"), "Right", "on", "a column on, to the newest in the end", "right", _is_back),
        Key(("PageUp", "PageDown"), "PgUp PgDn", "", "thirty columns back or on", "page", _has_history, False),
        Key(("Home", "End"), "Home End", "", "the beginning of the call; now", "ends", _has_history, False),
        Key(("z",), "z", "zoom", "a column is 1, 5, 20 or 60 seconds", "zoom", _has_history),
        Key(("Escape",), "Esc", "now", "back to the newest second", "now", _is_back),
    ),
    {"left": _left, "right": _right, "page": _page, "ends": _ends, "zoom": _zoom, "now": _now},
)
