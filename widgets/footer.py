"""The last row: the keys that do something now, or a notice, or the line being typed."""

from __future__ import annotations

from collections.abc import Sequence

from widgets import completion, figures, parts, prompt, text
from widgets.canvas import Canvas, Rect
from widgets.ui import KeyHint, Ui

_MUTE = ("mute", "unmute")
_NEEDED = ("answer", "hang up", "quit", "reject", "help")  # labels that leave last


def draw(canvas: Canvas, rect: Rect, ui: Ui) -> None:
    """One row. Something being typed comes first, then a notice, then the keys."""
    if rect.empty:
        return
    row = Rect(rect.x, rect.bottom - 1, rect.width, 1)
    if ui.prompt is not None:
        prompt.draw(canvas, row, ui.prompt, ui.glyphs == "ascii")
        above = Rect(row.x, row.y - 1, row.width, min(1, rect.height - 1))
        if ui.notice and not above.empty:
            _draw_notice(canvas, above, ui)
        else:
            completion.draw(canvas, above, ui.prompt.fits, ui.prompt.fit, ui.look.more)
    elif ui.notice:
        _draw_notice(canvas, row, ui)
    else:
        margin = 1 if row.width >= 20 else 0
        parts.keys(canvas, row.x + margin, row.y, fitting(_obeyed(ui), row.width - margin), row.right)


def _draw_notice(canvas: Canvas, row: Rect, ui: Ui) -> None:
    canvas.fill(row, " ", ui.notice_style)
    words = text.clip(figures.visible_line(ui.notice), row.width - 2, ui.look.more)
    canvas.put(row.x + 1, row.y, words, ui.notice_style, row.width - 1)


def _obeyed(ui: Ui) -> list[KeyHint]:
    """The keys that can be meant: those of the view do nothing under the help."""
    return [hint for hint in ui.keys if not (hint.own and ui.help_open)]


def fitting(hints: Sequence[KeyHint], columns: int) -> list[KeyHint]:
    """The keys valid now. Where not all fit, the later ones go, and of the needed ones those least needed."""
    shown = [hint for hint in hints if hint.enabled and hint.label]
    while shown and parts.keys_width(shown) - 2 > columns:
        shown.remove(_least_wanted(shown))
    return shown


def _least_wanted(hints: Sequence[KeyHint]) -> KeyHint:
    """In a call it is better to know how to be silent than how to call somebody else."""
    common = [hint for hint in hints if hint.label not in _NEEDED]
    if not common:
        return max(hints, key=lambda hint: _NEEDED.index(hint.label))
    in_call = any(hint.label == "hang up" for hint in hints)
    dial = [hint for hint in common if hint.label == "dial"]
    return dial[0] if in_call and dial and common[-1].label in _MUTE else common[-1]
