"""Both ends side by side: what we hear and what they hear, and what spoils it most."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.model import CallState, CallView, MediaView, QualityView, RemoteReport
from widgets import figures, parts, text
from widgets.canvas import Canvas, Rect
from widgets.ui import Scene

NAME_COLUMNS = 12
LATELY_S = 10  # what the score here is of


@dataclass(frozen=True, slots=True)
class Column:
    """One figure of both ends: (text, style) of ours and theirs. The first ones stay the longest."""

    title: str
    width: int
    here: Callable[[MediaView, bool], tuple[str, str]]  # True: the call is over
    there: Callable[[MediaView, bool], tuple[str, str]]


def _loss_here(media: MediaView, over: bool) -> tuple[str, str]:
    """Of the seconds that the score is of; in the end of all."""
    loss = media.rx.loss_percent if over else _lately_lost(media)
    return figures.percent(loss), figures.loss_style(loss)


def _lately_lost(media: MediaView) -> float | None:
    points = media.history[-LATELY_S:]
    lost = max(0, sum(point.lost for point in points))  # what is missing in one second may come in the next
    expected = sum(point.received - point.duplicate for point in points) + lost
    return 100 * min(lost / expected, 1.0) if expected > 0 else None


def _loss_there(media: MediaView, over: bool) -> tuple[str, str]:
    report = _told(media, over)
    loss = None if report is None else report.total_loss_percent if over else report.loss_percent
    return figures.percent(loss), figures.loss_style(loss)


def _told(media: MediaView, over: bool) -> RemoteReport | None:
    """Their report, where it tells of now or of the whole call."""
    report = media.rtcp.remote
    return report if report is not None and (over or report.of_now) else None


def _jitter_here(media: MediaView, _over: bool) -> tuple[str, str]:
    return figures.millis(media.rx.jitter_ms), figures.jitter_style(media.rx.jitter_ms)


def _jitter_there(media: MediaView, over: bool) -> tuple[str, str]:
    report = _told(media, over)
    jitter = report.jitter_ms if report is not None else None
    return figures.millis(jitter), figures.jitter_style(jitter)


def _round_trip(media: MediaView, _over: bool) -> tuple[str, str]:
    return figures.millis(media.rtcp.rtt_ms), figures.rtt_style(media.rtcp.rtt_ms)


def _bursts_here(media: MediaView, _over: bool) -> tuple[str, str]:
    """The mean run of lost packets: 1 is the mildest kind of loss."""
    mean = media.bursts.mean_run if media.bursts else 0.0
    return (
        (f"{mean:.1f}" if mean < 100 else f"{mean:.0f}", figures.graded(mean, 1.5, 3.0))
        if mean
        else (figures.UNKNOWN, "dim")
    )


def _buffer_here(media: MediaView, _over: bool) -> tuple[str, str]:
    return figures.millis(media.rx.buffer_ms), "value" if figures.known(media.rx.buffer_ms) else "dim"


def _buffer_there(media: MediaView, _over: bool) -> tuple[str, str]:
    """Known where they send extended reports."""
    told = media.rtcp.metrics
    return (figures.millis(told.buffer_ms), "value") if told is not None else (figures.UNKNOWN, "dim")


def _not_told(media: MediaView, _over: bool) -> tuple[str, str]:
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
    over = scene.call.state is CallState.ENDED
    below = parts.heading(canvas, rect, "quality", _note(media, over, rect.width))
    chosen = _fitting(below.width)
    if below.height >= 3:
        header, below = below.split_top(1)
        _draw_header(canvas, header, chosen)
    here, there = opinions(media, over)
    ends = (("we hear", here, media.here, True), ("they hear", there, media.there, False))
    for row, (name, mos, found, ours) in zip(below.rows(), ends, strict=False):
        canvas.put(row.x + 1, row.y, name, "label", row.width - 1)
        x = row.x + NAME_COLUMNS
        canvas.put(x, row.y, figures.mos(mos).rjust(4), figures.mos_style(mos), row.right - x)
        x += 4
        for column in chosen:
            value, style = (column.here if ours else column.there)(media, over)
            canvas.put(x, row.y, value.rjust(column.width), style)
            x += column.width
        words = cause(found, mos, over, _unrated(scene.call, media, ours))
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


def _note(media: MediaView, over: bool, width: int) -> str:
    """Of when it is, and how to read a score."""
    return f"{'now; ' if width >= 50 and not over else ''}MOS: 1 bad, {_best(media)} the best"


def _unrated(call: CallView, media: MediaView, ours: bool) -> str:
    """Why there is no score."""
    if call.held_here or call.held_there:
        return "on hold"
    if ours:
        if not media.rx.packets:
            return "nothing has come"
        return "nothing comes" if media.history and not media.history[-1].received else "nothing known yet"
    report = media.rtcp.remote
    return "no report yet" if report is None else "nothing known yet" if report.of_now else "they do not say"


def cause(found: QualityView | None, mos: float | None, over: bool, unrated: str) -> str:
    """What takes most away, in words; ``unrated``: why there is no score."""
    if over:
        return "the whole call" if mos is not None else "not known"
    if found is None:
        return unrated
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
