"""The first row: who we are, how many calls there are, what needs attention, the time."""

from __future__ import annotations

from engine.model import CallState
from widgets import figures, text
from widgets.canvas import Canvas, Rect
from widgets.ui import Scene, living

SLOW_LINE_MS = 300.0  # a terminal so far away is worth knowing about


def draw(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    """The clock and what needs attention stay; our address is shortened first."""
    if rect.empty:
        return
    row = rect.split_top(1)[0]
    canvas.fill(row, " ", "title")
    left = row.right - 1
    for words, style in reversed(_right(scene)):
        start = left - text.width(words)
        if start < row.x + 10:
            break
        canvas.put(start, row.y, words, style)
        left = start - 2
    x = canvas.put(row.x + 1, row.y, "ringtop", "title") + 2
    room = left - x - 1
    transport = figures.visible_line(scene.snapshot.transport)
    uri = figures.visible_line(scene.snapshot.local_uri)
    words = f"{uri}  {transport}" if text.width(uri) + text.width(transport) + 2 <= room else uri
    canvas.put(x, row.y, text.clip(words, room, scene.look.more), "title", room)


def _right(scene: Scene) -> list[tuple[str, str]]:
    """What stands at the right, from the left; where it gets narrow the first ones go first."""
    snapshot = scene.snapshot
    words: list[tuple[str, str]] = []
    if scene.ui.line_ms is not None and scene.ui.line_ms >= SLOW_LINE_MS:
        words.append((f"screen {figures.millis(scene.ui.line_ms)}", "title"))
    alive = len(living(snapshot))
    words.append((f"{alive} call{'' if alive == 1 else 's'}" if alive else "idle", "title"))
    words.append((figures.clock(snapshot.time), "title"))
    if any(call.recording for call in living(snapshot)):
        words.append(("REC", "bad"))
    if snapshot.sound.muted:
        words.append(("MUTED", "warn"))
    ringing = sum(call.state is CallState.RINGING for call in snapshot.calls)
    if ringing:
        words.append((f"{ringing} ringing", "ringing"))
    return words
