"""The level meters: how loud we are and how loud they are, with the peak of the last moments held."""

from __future__ import annotations

import math

from engine.model import LevelView, MediaView, SoundView
from widgets import figures, parts
from widgets.canvas import Canvas, Rect
from widgets.ui import Glyphs, Scene

FLOOR_DBFS = -60.0
LOUD_DBFS = -18.0  # speech is usually below
HOT_DBFS = -6.0  # near clipping

TROUBLE_WORDS = {"digital silence": "dead", "constant": "dead"}  # the others are short enough

_MARKS = tuple(range(-60, 1, 10))


def sizes(_scene: Scene, _width: int) -> tuple[int, ...]:
    return (2, 3, 4)


def draw(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    """Two meters; above them a heading and below them a scale, where there are rows for them."""
    sound = scene.snapshot.sound
    if rect.height >= 3:
        rect = parts.heading(canvas, rect, "levels", _device(sound), "dim" if sound.ok else "warn")
    media = scene.call.media if scene.call is not None else None
    levels = (media.level_out, media.level_in) if media is not None else (LevelView(), LevelView())
    rows = list(rect.rows())
    trouble = _trouble(sound, media)
    for row, name, view in zip(rows, ("you", "far"), levels, strict=False):
        draw_row(canvas, row, name, view, scene.look, trouble if name == "you" else "")
    if len(rows) >= 3:
        _draw_scale(canvas, _bar(rows[2]))


def _trouble(sound: SoundView, media: MediaView | None) -> str:
    """A word where the level would stand: why it says nothing, or is not what it should be."""
    if sound.muted:
        return "muted"
    trouble = media.microphone.trouble if media is not None else ""
    return TROUBLE_WORDS.get(trouble, trouble)


def _device(sound: SoundView) -> str:
    """What is heard with, and what there is to say about it."""
    words = [figures.visible_line(sound.note or sound.kind)]
    if sound.volume_db:
        words.append(f"volume {sound.volume_db:+.0f} dB")
    gaps = (sound.underruns or 0) + (sound.overruns or 0)
    if gaps:
        words.append(f"{figures.count(gaps)} gap{'' if gaps == 1 else 's'}")
    return "  ".join(words)


def _bar(row: Rect) -> Rect:
    """Where the bar of a row is: between its name and its figures."""
    right = 22 if row.width >= 90 else 11 if row.width >= 30 else 1
    left = 6 if row.width >= 16 else 1
    return Rect(row.x + left, row.y, max(0, row.width - left - right), 1)


def draw_row(canvas: Canvas, row: Rect, name: str, view: LevelView, look: Glyphs, trouble: str = "") -> None:
    """A name, a bar, and the figure; ``trouble`` takes the figure's place."""
    bar = _bar(row)
    if row.width >= 16:
        canvas.put(row.x + 1, row.y, name, "label")
    canvas.put(bar.x - 1, row.y, "[", "dim")
    canvas.put(bar.right, row.y, "]", "dim")
    draw_bar(canvas, bar, view, look)
    if row.width < 30:
        return
    value = trouble or figures.dbfs(view.rms_dbfs)
    style = "warn" if trouble else "dim" if view.rms_dbfs <= figures.SILENCE_DBFS else "value"
    canvas.put(bar.right + 1, row.y, value.rjust(9), style)
    if row.width >= 90 and trouble != "muted" and view.peak_hold_dbfs > figures.SILENCE_DBFS:
        canvas.put(bar.right + 12, row.y, f"peak {view.peak_hold_dbfs:4.0f}", "dim")


def draw_bar(canvas: Canvas, bar: Rect, view: LevelView, look: Glyphs) -> None:
    """The bar alone: green, yellow, red from left to right, and a mark where the peak was."""
    if bar.empty:
        return
    filled = cells(view.rms_dbfs, bar.width)
    start = 0
    for limit, style in ((LOUD_DBFS, "meter_low"), (HOT_DBFS, "meter_mid"), (0.0, "meter_high")):
        end = min(filled, cells(limit, bar.width))
        if end > start:
            canvas.put(bar.x + start, bar.y, look.bar * (end - start), style)
            start = end
    peak = cells(view.peak_hold_dbfs, bar.width)
    if peak > filled:
        canvas.put(bar.x + peak - 1, bar.y, look.peak, "peak")


def cells(dbfs: float, width: int) -> int:
    """How many of ``width`` cells a level fills; both ends of the scale are safe."""
    if not math.isfinite(dbfs) or dbfs <= FLOOR_DBFS:
        return 0
    if dbfs >= 0:
        return width
    return min(width, max(1, round((dbfs - FLOOR_DBFS) / -FLOOR_DBFS * width)))


def _draw_scale(canvas: Canvas, bar: Rect) -> None:
    step = 1 if bar.width >= 40 else 2
    if bar.width < 20:
        return
    for mark in _MARKS[::step]:
        label = str(mark)
        place = bar.x + round((mark - FLOOR_DBFS) / -FLOOR_DBFS * (bar.width - 1)) - len(label) // 2
        canvas.put(max(bar.x, min(place, bar.right - len(label))), bar.y, label, "dim")
