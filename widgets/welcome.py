"""What an idle phone shows: where it can be called, how to call somebody, whether it can be heard."""

from __future__ import annotations

from engine.model import SoundView
from widgets import figures, parts, text
from widgets.canvas import Canvas, Rect
from widgets.ui import Scene

_LABEL_COLUMNS = 12


def sizes(_scene: Scene, _width: int) -> tuple[int, ...]:
    return (3, 6, 8)


def draw(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    """As many of the lines as fit, the address first."""
    if rect.empty:
        return
    items = _items(scene)
    if rect.height >= 6:
        rect = parts.heading(canvas, rect, "no call")
        blank = 1 if rect.height >= 7 else 0
        canvas.put(rect.x + 3, rect.y + blank, "Ready. Waiting for a call.", "ok", rect.width - 3)
        rect = rect.split_top(1 + 2 * blank)[1]
    indent = 2 if rect.width >= 60 else 0
    for row, (label, value, style) in zip(rect.rows(), items, strict=False):
        canvas.put(row.x + 1 + indent, row.y, label, "dim", row.width - 1)
        x = row.x + 1 + indent + _LABEL_COLUMNS
        canvas.put(x, row.y, text.clip(value, row.right - x, scene.look.more), style, row.right - x)


def _items(scene: Scene) -> list[parts.Field]:
    snapshot = scene.snapshot
    return [
        ("call me at", figures.visible_line(snapshot.local_uri), "value"),
        ("to call", _how_to_dial(scene), ""),
        ("sound", *_sound(snapshot.sound)),
        ("keys", _other_keys(scene), ""),
    ]


def _how_to_dial(scene: Scene) -> str:
    hint = next((hint for hint in scene.ui.keys if hint.label == "dial" and hint.enabled), None)
    key = hint.key if hint else "d"
    return f"{key}, an address such as bob@192.0.2.7, Enter"


def _other_keys(scene: Scene) -> str:
    named = {hint.label: hint.key for hint in scene.ui.keys if hint.enabled}
    return f"{named.get('help', '?')} shows all, {named.get('quit', 'q')} leaves"


def _sound(sound: SoundView) -> tuple[str, str]:
    note = figures.visible_line(sound.note or sound.kind)
    if sound.muted:
        return f"{note}, muted", "warn"
    return note, "" if sound.ok else "warn"
