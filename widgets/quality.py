"""Both ends side by side: what we hear and what they hear, and what spoils it most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.model import CallState, MediaView, QualityView
from widgets import figures, parts, text
from widgets.canvas import Canvas, Rect
from widgets.ui import Scene

NAME_COLUMNS = 12


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of both ends: (text, style) of ours and theirs. The first ones stay the longest."""

    title: str
    width: int
    here: Callable[[MediaView], tuple[str, str]]
    there: Callable[[MediaView], tuple[str, str]]


def _loss_here(media: MediaView) -> tuple[str, str]:
    return figures.percent(media.rx.loss_percent), figures.loss_style(media.rx.loss_percent)


def _loss_there(media: MediaView) -> tuple[str, str]:
    loss = media.rtcp.remote.loss_percent if media.rtcp.remote else None
    return figures.percent(loss), figures.loss_style(loss)


def _jitter_here(media: MediaView) -> tuple[str, str]:
    return figures.millis(media.rx.jitter_ms), figures.jitter_style(media.rx.jitter_ms)


def _jitter_there(media: MediaView) -> tuple[str, str]:
    jitter = media.rtcp.remote.jitter_ms if media.rtcp.remote else None
    return figures.millis(jitter), figures.jitter_style(jitter)


def _round_trip(media: MediaView) -> tuple[str, str]:
    return figures.millis(media.rtcp.rtt_ms), figures.rtt_style(media.rtcp.rtt_ms)


def _bursts_here(media: MediaView) -> tuple[str, str]:
    """The mean run of lost packets: 1 is the mildest kind of loss."""
    mean = media.bursts.mean_run if media.bursts else 0.0
    return (f"{mean:.1f}", figures.graded(mean, 1.5, 3.0)) if mean else (figures.UNKNOWN, "dim")


def _buffer_here(media: MediaView) -> tuple[str, str]:
    return figures.millis(media.rx.buffer_ms), "value" if figures.known(media.rx.buffer_ms) else "dim"


def _buffer_there(media: MediaView) -> tuple[str, str]:
    """Known where they send extended reports."""
    told = media.rtcp.metrics
    return (figures.millis(told.buffer_ms), "value") if told is not None else (figures.UNKNOWN, "dim")


def _not_told(media: MediaView) -> tuple[str, str]:
    return figures.UNKNOWN, "dim"


COLUMNS = (
    Column("loss", 8, _loss_here, _loss_there),
    Column("jitter", 9, _jitter_here, _jitter_there),
    Column("round trip", 12, _round_trip, _round_trip),
    Column("run of lost", 13, _bursts_here, _not_told),
    Column("buffer", 9, _buffer_here, _buffer_there),
)


def sizes(_scene: Scene, _width: int) -> tuple[int, ...]:
    return (3, 4)


def draw(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    """A row for each end, under the names of the figures where there is a row for those."""
    media = scene.call.media if scene.call is not None else None
    if media is None or scene.call is None or rect.empty:
        return
    below = parts.heading(canvas, rect, "quality", f"MOS: 1 bad, {_best(media)} the best")
    chosen = _fitting(below.width)
    if below.height >= 3:
        header, below = below.split_top(1)
        _draw_header(canvas, header, chosen)
    over = scene.call.state is CallState.ENDED
    here, there = opinions(media, over)
    ends = (("we hear", here, media.here, True), ("they hear", there, media.there, False))
    for row, (name, mos, found, ours) in zip(below.rows(), ends, strict=False):
        canvas.put(row.x + 1, row.y, name, "label", row.width - 1)
        x = row.x + NAME_COLUMNS
        canvas.put(x, row.y, figures.mos(mos).rjust(4), figures.mos_style(mos), row.right - x)
        x += 4
        for column in chosen:
            value, style = (column.here if ours else column.there)(media)
            canvas.put(x, row.y, value.rjust(column.width), style)
            x += column.width
        words = cause(found, mos, over, media)
        room = row.right - x - 3
        if room >= 8:
            canvas.put(x + 3, row.y, text.clip(words, room, scene.look.more), "dim" if mos is None else "", room)


def _best(media: MediaView) -> str:
    """What a perfect call has: ITU-T G.107 with R = 93, G.107.1 with R = 129 of wideband."""
    wide = any(found.wideband for found in (media.here, media.there) if found is not None)
    return "4.5" if wide else "4.4"


def opinions(media: MediaView, over: bool) -> tuple[float | None, float | None]:
    """MOS here and there: of now, or of the whole call when it is over."""
    if over:
        return media.mean_mos_here, media.mean_mos_there
    return media.here.mos if media.here else None, media.there.mos if media.there else None


def cause(found: QualityView | None, mos: float | None, over: bool, media: MediaView) -> str:
    """What takes most away, in words."""
    if over:
        return "the whole call" if mos is not None else "not known"
    if found is None:
        return "nothing known yet" if media.rx.packets else "nothing has come"
    scale = ", wideband" if found.wideband else ""
    return f"mostly {found.cause}{scale}" if found.cause else f"nothing spoils it{scale}"


def _fitting(width: int) -> list[Column]:
    room = width - NAME_COLUMNS - 4 - 24  # the cause wants some room
    chosen: list[Column] = []
    for column in COLUMNS:
        if column.width > room:
            break
        chosen.append(column)
        room -= column.width
    return chosen


def _draw_header(canvas: Canvas, row: Rect, chosen: list[Column]) -> None:
    x = row.x + NAME_COLUMNS
    canvas.put(x, row.y, " MOS", "dim", row.right - x)
    x += 4
    for column in chosen:
        canvas.put(x, row.y, column.title.rjust(column.width), "dim")
        x += column.width
    if row.right - x >= 11:
        canvas.put(x + 3, row.y, "largest cause", "dim", row.right - x - 3)
