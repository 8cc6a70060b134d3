"""The list of calls, one row each: who, in what state, for how long, and how well it goes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.model import CallState, CallView
from widgets import figures, meter, parts, quality, text
from widgets.canvas import Canvas, Rect
from widgets.ui import Scene, ringing_call

STATE_COLUMNS = 13
TIME_COLUMNS = 9
NARROW = 60  # a list that is narrower saves columns for the name: state and time get no more than they need
PEER_LEAST = 24  # columns of the peer that no figure may take away
PEER_MOST = 64  # more would only tear name and state apart


@dataclass(frozen=True, slots=True)
class Column:
    """A figure at the end of a row; the first ones stay the longest when it gets narrow."""

    title: str
    width: int
    value: Callable[[CallView], tuple[str, str]]  # text and style


def _opinion(call: CallView) -> tuple[str, str]:
    """Here and there; the worse one says how it looks."""
    here, there = quality.opinions(call.media, False) if call.media else (None, None)
    known = [value for value in (here, there) if value is not None]
    if not known:
        return figures.UNKNOWN, "dim"
    return f"{figures.mos(here)} {figures.mos(there)}", figures.mos_style(min(known))


def _loss(call: CallView) -> tuple[str, str]:
    value = call.media.rx.loss_percent if call.media else None
    return figures.percent(value), figures.loss_style(value)


def _jitter(call: CallView) -> tuple[str, str]:
    value = call.media.rx.jitter_ms if call.media else None
    return figures.millis(value), figures.jitter_style(value)


def _round_trip(call: CallView) -> tuple[str, str]:
    value = call.media.rtcp.rtt_ms if call.media else None
    return figures.millis(value), figures.rtt_style(value)


def _codec(call: CallView) -> tuple[str, str]:
    return (figures.codec(call.media), "value") if call.media else (figures.UNKNOWN, "dim")


def _far_loss(call: CallView) -> tuple[str, str]:
    value = call.media.rtcp.remote.total_loss_percent if call.media and call.media.rtcp.remote else None
    return figures.percent(value), figures.loss_style(value)


COLUMNS = (
    Column("MOS", 9, _opinion),
    Column("LOSS", 8, _loss),
    Column("JITTER", 9, _jitter),
    Column("RTT", 9, _round_trip),
    Column("CODEC", 14, _codec),
    Column("FAR LOSS", 10, _far_loss),
)
LEVEL_COLUMNS = 12  # a small meter of the far end, on wide screens


def sizes(scene: Scene, _width: int) -> tuple[int, ...]:
    rows = len(scene.snapshot.calls)
    return (min(rows, len(_urgent(scene))), 1 + min(rows, 4), 1 + min(rows, 9)) if rows else (0,)


def draw(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    """A header, where there is a row for it, and as many calls as fit; the shown call is always among them."""
    if rect.empty or not scene.snapshot.calls:
        return
    places = _places(rect.width, scene)
    if rect.height > min(len(scene.snapshot.calls), 2):
        header, rect = rect.split_top(1)
        hidden = len(scene.snapshot.calls) - rect.height
        _draw_header(canvas, header, places, max(0, hidden))
    target = ringing_call(scene.snapshot, scene.ui.selected)
    for row, call in zip(rect.rows(), _listed(scene, rect.height), strict=False):
        _draw_row(canvas, row, scene, call, places, call is target)


def _columns(width: int) -> tuple[list[Column], bool]:
    """Which figures fit."""
    room = width - 8 - STATE_COLUMNS - TIME_COLUMNS - PEER_LEAST
    chosen: list[Column] = []
    for column in COLUMNS:
        if column.width > room:
            return chosen, False
        chosen.append(column)
        room -= column.width
    return chosen, room >= LEVEL_COLUMNS + 8


@dataclass(frozen=True, slots=True)
class _Places:
    """Where the parts of a row are, in columns from its left end."""

    peer: int
    state: int
    time: int  # where the time ends; the figures begin behind the column after it
    columns: list[Column]
    with_level: bool


def _places(width: int, scene: Scene) -> _Places:
    columns, with_level = _columns(width)
    narrow = width < NARROW
    peer = 5 + len(scene.look.outgoing) if narrow else 7
    state_columns, time_columns = STATE_COLUMNS, TIME_COLUMNS - 1
    if narrow:
        calls = scene.snapshot.calls
        state_columns = min(STATE_COLUMNS, 1 + max(text.width(figures.state(call)) for call in calls))
        time_columns = max(text.width(figures.elapsed(call)) for call in calls)
    taken = sum(column.width for column in columns) + (LEVEL_COLUMNS if with_level else 0)
    room = max(0, min(PEER_MOST, width - peer - state_columns - time_columns - (1 if narrow else 2) - taken))
    state = peer + room
    return _Places(peer, state, state + state_columns + time_columns, columns, with_level)


def _listed(scene: Scene, rows: int) -> tuple[CallView, ...]:
    """The calls that are seen: all, or a part with the shown call and, if it can be, the one that rings."""
    calls = scene.snapshot.calls
    if len(calls) <= rows or rows <= 0:
        return calls[: max(0, rows)]
    urgent = _urgent(scene)
    ranked = urgent + [call for call in calls if call not in urgent]
    chosen = {call.id for call in ranked[:rows]}
    return tuple(call for call in calls if call.id in chosen)


def _urgent(scene: Scene) -> list[CallView]:
    """The calls that must be seen on the smallest screen: the one that wants an answer, and the shown one."""
    target = ringing_call(scene.snapshot, scene.ui.selected)
    wanted = [call for call in (target, scene.call) if call is not None] or list(scene.snapshot.calls[-1:])
    return wanted[:1] if target is scene.call else wanted


def _draw_header(canvas: Canvas, row: Rect, places: _Places, hidden: int) -> None:
    canvas.fill(row, " ", "label")
    canvas.put(row.x + 1, row.y, " #", "label")
    room = places.state - places.peer
    title = f"CALL  {hidden} more" if room > 12 else f"CALL +{hidden}"
    canvas.put(row.x + places.peer, row.y, title if hidden else "CALL", "label", room - 1)
    canvas.put(row.x + places.state, row.y, "STATE", "label")
    canvas.put(row.x + places.time - 4, row.y, "TIME", "label")
    x = row.x + places.time + 1
    for column in places.columns:
        canvas.put(x, row.y, column.title.rjust(column.width), "label")
        x += column.width
    if places.with_level:
        canvas.put(x + 2, row.y, "LEVEL", "label")


def _draw_row(canvas: Canvas, row: Rect, scene: Scene, call: CallView, places: _Places, answerable: bool) -> None:
    look, shown = scene.look, scene.call is not None and call.id == scene.call.id
    style = figures.STATE_STYLES[call.state]
    plain = _on(shown, style if call.state in (CallState.RINGING, CallState.ENDED) else "")
    canvas.target(row, f"Select:{call.id}")
    if shown:
        canvas.focus = canvas.focus or (row.x, row.y)
        canvas.fill(row, " ", plain)
        canvas.put(row.x, row.y, look.pointer, plain)
    canvas.put(row.x + 1, row.y, f"{call.id:2d}", plain)
    canvas.put(row.x + 4, row.y, look.outgoing if call.direction == "out" else look.incoming, plain)
    room = places.state - places.peer - 1
    canvas.put(row.x + places.peer, row.y, figures.peer(call, room, look.more), plain, room)
    time = figures.elapsed(call)
    time_x = row.x + places.time - text.width(time)
    canvas.put(row.x + places.state, row.y, figures.state(call), _on(shown, style), time_x - row.x - places.state)
    canvas.put(time_x, row.y, time, plain)
    rest = Rect(row.x + places.time + 1, row.y, row.width - places.time - 1, 1)
    if answerable:
        _draw_keys(canvas, row, rest, scene)
    elif call.state is CallState.ENDED:
        canvas.put(rest.x + 2, row.y, text.clip(figures.reason(call), rest.width - 2, look.more), plain, rest.width - 2)
    elif call.media is not None:
        _draw_figures(canvas, rest, scene, call, places)


def _on(shown: bool, style: str) -> str:
    """A style on the highlighted row; what says something keeps its colour."""
    if not shown:
        return style
    return "selected" if style in ("", "value", "dim") else f"{style}+selected"


def _draw_keys(canvas: Canvas, row: Rect, rest: Rect, scene: Scene) -> None:
    """What can be done about a call that rings, at the end of its row."""
    hints = parts.answer_keys(scene.ui.keys)
    if rest.width > parts.keys_width(hints):
        parts.keys(canvas, rest.x + 2, row.y, hints, row.right)


def _draw_figures(canvas: Canvas, rest: Rect, scene: Scene, call: CallView, places: _Places) -> None:
    shown = scene.call is not None and call.id == scene.call.id
    x = rest.x
    for column in places.columns:
        value, style = column.value(call)
        canvas.put(x, rest.y, value.rjust(column.width), _on(shown, style), column.width)
        x += column.width
    if places.with_level and call.media is not None:
        canvas.restyle(Rect(x, rest.y, LEVEL_COLUMNS, 1), "")
        meter.draw_bar(canvas, Rect(x + 2, rest.y, LEVEL_COLUMNS - 3, 1), call.media.level_in, scene.look)
