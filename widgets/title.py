"""The first row: who we are, how many calls there are, what needs attention, the time."""

from __future__ import annotations

from engine.model import CallState
from widgets import figures, text
from widgets.canvas import Canvas, Rect
from widgets.ui import Scene, living

Word = tuple[int, str, str]  # how much it is worth, the words, their style

SLOW_LINE_MS = 300.0  # a terminal so far away is worth knowing about


def draw(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    """The clock and what needs attention stay; our address is shortened first."""
    if rect.empty:
        return
    row = rect.split_top(1)[0]
    canvas.fill(row, " ", "title")
    left = row.right - 1
    for words, style in _fitting(_right(scene), row.width - 10):
        left -= text.width(words)
        canvas.put(left, row.y, words, style)
        left -= 2
    x = canvas.put(row.x + 1, row.y, "ringtop", "title") + 2
    room = left - x - 1
    transport = figures.visible_line(scene.snapshot.transport)
    uri = figures.visible_line(scene.snapshot.local_uri)
    words = f"{uri}  {transport}" if text.width(uri) + text.width(transport) + 2 <= room else uri
    canvas.put(x, row.y, text.clip(words, room, scene.look.more), "title", room)


def _fitting(words: list[Word], columns: int) -> list[tuple[str, str]]:
    """What fits into so many columns; the least worth goes first."""
    kept = list(words)
    while kept and sum(text.width(shown) + 2 for _, shown, _ in kept) > columns:
        kept.remove(min(kept))
    return [(shown, style) for _, shown, style in kept]


def _right(scene: Scene) -> list[Word]:
    """What stands at the right, from the edge: the clock, which never moves, then what matters most."""
    snapshot = scene.snapshot
    alive = living(snapshot)
    words: list[Word] = [(2, figures.clock(snapshot.time), "title")]
    ringing = sum(call.state is CallState.RINGING for call in snapshot.calls)
    if ringing:
        words.append((5, f"{ringing} ringing", "ringing"))
    if snapshot.sound.muted:
        words.append((4, "MUTED", "warn"))
    if any(call.recording for call in alive):
        words.append((3, "REC", "bad"))
    words.append((1, f"{len(alive)} call{'' if len(alive) == 1 else 's'}" if alive else "idle", "title"))
    if scene.ui.line_ms is not None and scene.ui.line_ms >= SLOW_LINE_MS:
        words.append((0, f"screen {figures.millis(scene.ui.line_ms)}", "title"))
    return words
