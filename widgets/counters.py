"""What was sent and received: packets, bytes, rates, and what became of what came in."""

from __future__ import annotations

from engine.model import CallState, MediaView, RxView
from widgets import figures, parts
from widgets.canvas import Canvas, Rect
from widgets.ui import Scene


def sizes(_scene: Scene, width: int) -> tuple[int, ...]:
    rows = len(_rows(_columns(width)))
    return (min(4, 1 + rows), 1 + rows)


def _columns(width: int) -> int:
    return max(1, min(3, (width + 1) // 20))


def _rows(columns: int) -> range:
    return range(2 + -(-10 // columns))


def draw(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    media = scene.call.media if scene.call is not None else None
    if media is None or rect.empty:
        return
    note = f"{figures.codec(media)} {scene.look.dot} {media.ptime_ms:g} ms"
    if media.tx.redundancy:
        note += f" {scene.look.dot} red {media.tx.redundancy}"
    if rect.width >= 60 and media.direction != "sendrecv":
        note += f" {scene.look.dot} {figures.DIRECTIONS.get(media.direction, media.direction)}"
    below = parts.heading(canvas, rect, "media", note, "value")
    over = scene.call is not None and scene.call.state is CallState.ENDED
    _draw_traffic(canvas, below, media, over)
    columns = _columns(rect.width)
    parts.fields(canvas, below.split_top(2)[1], _ordered(media, columns), columns)


def _draw_traffic(canvas: Canvas, rect: Rect, media: MediaView, over: bool) -> None:
    """``sent  9,601 pkt  1.6 MB  50.0/s`` and the same for what was received, one below the other.

    A call that is over has no rate.
    """
    tx, rx = media.tx, media.rx
    for row, (name, packets, octets, rate) in zip(
        rect.rows(),
        (
            ("sent", tx.packets, tx.bytes, tx.packets_per_second),
            ("received", rx.packets, rx.bytes, rx.packets_per_second),
        ),
        strict=False,
    ):
        canvas.put(row.x + 1, row.y, name, "label", row.width - 1)
        x = row.x + 9
        for value, columns, style in (
            (figures.count(packets), 11, "value"),
            (figures.size(octets), 9, "value"),
            ("" if over else figures.rate(rate), 9, "value" if rate else "dim"),
        ):
            if x + columns > row.right:
                break
            canvas.put(x, row.y, value.rjust(columns), style)
            x += columns
        late = tx.worst_late_ms
        if name == "sent" and rate and late is not None and late >= 2.0 and x + 18 <= row.right:
            worst = "worst " if x + 24 <= row.right else ""  # of the last ten seconds
            canvas.put(x + 2, row.y, f"{worst}{figures.millis(late)} late", "warn" if late >= 10 else "dim")


def _ordered(media: MediaView, columns: int) -> list[parts.Field]:
    """What became of the packets, and their timing beside it; the figures that matter most in the first rows."""
    fates, oddities, timing = _fates(media)
    stretched, drift = _clocks(media.rx)
    recovered = [_recovered(media.rx)] if media.rx.recovered else []  # where it is narrow: once there are any
    if columns == 3:
        rows = [field for row in zip(fates, oddities, timing, strict=True) for field in row]
        return [*rows, stretched, _recovered(media.rx), drift]
    if columns == 2:
        rows = [field for row in zip(fates, timing, strict=True) for field in row]
        return [*rows, oddities[0] if not recovered else recovered[0], drift, *oddities[1:]]
    return [fates[0], *recovered, *timing, drift, *fates[1:], *oddities]


def _fates(media: MediaView) -> tuple[list[parts.Field], list[parts.Field], list[parts.Field]]:
    rx = media.rx
    return (
        [
            ("lost", _lost(rx), figures.loss_style(rx.loss_percent) if rx.lost > 0 else "dim"),
            _counted("late", rx.late, rx.packets),
            _counted("reordered", rx.reordered, rx.packets),
        ],
        [
            _counted("duplicate", rx.duplicate, rx.packets),
            _counted("discarded", rx.discarded),
            _counted("foreign", rx.foreign),
        ],
        [
            ("jitter", figures.millis(rx.jitter_ms), figures.jitter_style(rx.jitter_ms)),
            ("buffer", _buffer(rx), "value" if figures.known(rx.buffer_ms) else "dim"),
            (
                "concealed",
                figures.millis(rx.concealed_ms),
                figures.count_style(rx.concealed_ms, rx.packets * media.ptime_ms),
            ),
        ],
    )


def _clocks(rx: RxView) -> tuple[parts.Field, parts.Field]:
    """What was played faster or slower to follow the delay and the other clock, and how far apart the clocks are."""
    return (
        ("stretched", figures.millis(rx.accelerated_ms + rx.expanded_ms), "value"),
        ("drift", figures.ppm(rx.drift_ppm), "value" if figures.known(rx.drift_ppm) else "dim"),
    )


def _recovered(rx: RxView) -> parts.Field:
    """Lost, and heard all the same: nothing to worry about."""
    return "recovered", figures.count(rx.recovered), "ok" if rx.recovered else "dim"


def _counted(name: str, number: int, total: int = 0) -> parts.Field:
    return name, figures.count(number), figures.count_style(number, total)


def _lost(rx: RxView) -> str:
    if not figures.known(rx.loss_percent):
        return figures.count(rx.lost) if rx.lost else figures.UNKNOWN
    return f"{figures.count(rx.lost)} ({figures.percent(rx.loss_percent)})"


def _buffer(rx: RxView) -> str:
    """``43 of 40 ms``: what is held, and what the buffer aims at."""
    if not figures.known(rx.buffer_ms) or rx.buffer_ms is None:
        return figures.UNKNOWN
    if not figures.known(rx.target_ms) or rx.target_ms is None:
        return figures.millis(rx.buffer_ms)
    return f"{rx.buffer_ms:.0f} of {rx.target_ms:.0f} ms"
