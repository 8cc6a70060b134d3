"""The newest lines of the log; beside its title what came in that was not worth a call."""

from __future__ import annotations

from engine.model import LogLine, NetworkView
from widgets import figures, parts, text
from widgets.canvas import Canvas, Rect
from widgets.ui import Scene

_STYLES = {"info": "", "warn": "warn", "error": "bad"}


def sizes(_scene: Scene, _width: int) -> tuple[int, ...]:
    return (2, 5, 9)


def draw(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    """The newest lines that fit, the last one at the bottom of what is used; ``scroll`` lines back in the log view."""
    if rect.empty:
        return
    note = strangers(scene.snapshot.network), "warn"
    lines, back = scene.snapshot.log, 0
    if scene.ui.view == "log":
        canvas.scroll_limit = max(0, len(lines) - rect.height + 1)
        back = min(scene.ui.scroll, canvas.scroll_limit)
        note = _place(back, canvas.scroll_limit) or note
    else:  # what the sound system has to tell is a dozen lines at every start, for those who look for them
        lines = tuple(line for line in lines if line.source != "sound" or line.level != "info")
    below = parts.heading(canvas, rect, "log", *note)
    last = len(lines) - back
    for row, line in zip(below.rows(), lines[max(0, last - below.height) : last], strict=False):
        _draw_line(canvas, row, line, scene.look.more)


def _place(back: int, limit: int) -> tuple[str, str] | None:
    """Where a reader is who has scrolled."""
    if not back:
        return None
    return ("the first lines" if back == limit else f"{figures.count(back)} newer below"), "value"


def strangers(network: NetworkView) -> str:
    """What came in and was not worth a call, if anything did."""
    counted = (
        (network.malformed, "malformed"),
        (network.refused, "refused"),
        (network.stray, "stray"),
        (network.overload, "turned away"),
    )
    return "  ".join(f"{figures.count(number)} {name}" for number, name in counted if number)


def _draw_line(canvas: Canvas, row: Rect, line: LogLine, more: str) -> None:
    x = canvas.put(row.x + 1, row.y, figures.clock(line.time), "dim", row.width - 1) + 1
    if row.width >= 50:
        canvas.put(x, row.y, figures.visible_line(line.source), "label", 8)
        x += 9
    room = row.right - x
    canvas.put(x, row.y, text.clip(figures.visible_line(line.text), room, more), _STYLES.get(line.level, ""), room)
