"""The phone on a screen too small for panes: one honest line, and more where there are more rows."""

from __future__ import annotations

from engine.model import CallState, CallView
from widgets import figures, footer, layout, text
from widgets.canvas import Canvas, Rect
from widgets.ui import Placed, Scene, ringing_call

MUTED = "MUTED"
NARROW = 50  # columns; with less a call's figures get rows of their own where there are any
NAME_LEAST = 8  # columns for who it is, before anything else is said of a call


def draw(canvas: Canvas, rect: Rect, scene: Scene) -> Placed:
    """The last row is for the keys and the line being typed, if there are two rows at least.

    Returns the panes that move by themselves.
    """
    placed: Placed = []
    if rect.empty:
        return placed
    if rect.height == 1:
        if scene.ui.prompt is not None or scene.ui.notice:
            footer.draw(canvas, rect, scene.ui)
        else:
            _draw_call(canvas, rect, scene, _first(scene), _meant(scene, _first(scene)))
        return placed
    says_why = scene.ui.prompt is not None and bool(scene.ui.notice) and rect.height > 2
    body, bottom = rect.split_bottom(2 if says_why else 1)  # above the line what was wrong with it
    footer.draw(canvas, bottom, scene.ui)
    shown = scene.call
    metered = body.height >= 5 and shown is not None and shown.media is not None and shown.state is not CallState.ENDED
    if metered:
        body, levels = body.split_bottom(2)
        layout.LEVELS.draw(canvas, levels, scene)
        placed.append((layout.LEVELS, levels))
    calls = _ordered(scene)
    alive = sum(call is None or call is scene.call or call.state is not CallState.ENDED for call in calls)
    apart = scene.call if body.width < NARROW and alive < body.height else None  # its figures get rows of their own,
    if apart is not None:
        calls = calls[: max(alive, body.height - 1)]  # before calls that are over
    rest = body.split_top(len(calls))[1]
    for row, call in zip(body.rows(), calls, strict=False):
        meant = _meant(scene, call)
        if len(scene.snapshot.calls) > 1:
            canvas.put(row.x, row.y, scene.look.pointer if meant else "", "selected", row.width)
            row = Rect(row.x + 1, row.y, row.width - 1, 1)
        _draw_call(canvas, row, scene, call, meant, figures_too=call is not apart, metered=metered)
    if apart is not None:
        _draw_figures(canvas, rest, _apart(body.width, scene, apart, metered))
    return placed


def _first(scene: Scene) -> CallView | None:
    """The call one line is about: one that rings wants an answer."""
    return ringing_call(scene.snapshot, scene.ui.selected) or scene.call


def _ordered(scene: Scene) -> list[CallView | None]:
    """The calls in the order of their worth: the shown one, the ringing ones, the others."""
    first = _first(scene)
    ranked = [call for call in (first, scene.call) if call is not None]
    ranked += [call for call in scene.snapshot.calls if call.state is not CallState.ENDED]
    ranked += [call for call in reversed(scene.snapshot.calls) if call.state is CallState.ENDED]
    unique = list({call.id: call for call in ranked}.values())
    return [None, *unique] if first is None else list(unique)


def _meant(scene: Scene, call: CallView | None) -> bool:
    """Of several calls the one that the keys mean."""
    return call is not None and call is scene.call and len(scene.snapshot.calls) > 1


def _draw_call(
    canvas: Canvas,
    row: Rect,
    scene: Scene,
    call: CallView | None,
    meant: bool,
    figures_too: bool = True,
    metered: bool = False,
) -> None:
    if call is None:
        uri = figures.visible_line(scene.snapshot.local_uri)
        x = canvas.put(row.x, row.y, "ready", "ok", row.width) + 1
        canvas.put(x, row.y, text.clip(uri, row.right - x, scene.look.more), "", row.right - x)
        return
    extras = _figures(scene, call, metered) if figures_too else []
    state, style = figures.state(call), figures.STATE_STYLES[call.state]
    if row.width < NARROW and call.state is CallState.TALKING and extras[:1] == [(MUTED, "warn")]:
        (state, style), *extras = extras  # that they do not hear us must be seen on every screen
    x = canvas.put(row.x, row.y, state, f"{style}+selected" if meant else style, row.width) + 1
    if _time_fits(row.width, scene, call):
        x = canvas.put(x, row.y, figures.elapsed(call), "value", row.right - x) + 1
    while extras and row.right - x - sum(text.width(words) + 1 for words, _ in extras) < 8:
        extras.pop()
    room = row.right - x - sum(text.width(words) + 1 for words, _ in extras)
    x = canvas.put(x, row.y, figures.peer(call, room, scene.look.more), "", room) + 1
    for words, style in extras:
        x = canvas.put(x, row.y, words, style, row.right - x) + 1


def _draw_figures(canvas: Canvas, rect: Rect, items: list[tuple[str, str]]) -> None:
    """The figures of the shown call on rows of their own, for narrow screens."""
    x, y = rect.x, rect.y
    for words, style in items:
        if x > rect.x and x + text.width(words) > rect.right:
            x, y = rect.x, y + 1
        if y >= rect.bottom:
            return
        x = canvas.put(x, y, words, style, rect.right - x) + 2


def _time_fits(width: int, scene: Scene, call: CallView) -> bool:
    """Is there room for the time beside the state and the name?"""
    room = width - text.width(figures.state(call)) - text.width(figures.elapsed(call)) - 2
    return room >= NAME_LEAST or not figures.peer(call, max(1, room), scene.look.more).endswith(scene.look.more)


def _apart(width: int, scene: Scene, call: CallView, metered: bool) -> list[tuple[str, str]]:
    """The figures with the time, where that had no room beside the name; that we are muted still comes first."""
    extras = _figures(scene, call, metered)
    if call.state is not CallState.ENDED and not _time_fits(width, scene, call):
        extras.insert(1 if extras and extras[0][0] == MUTED else 0, (figures.elapsed(call), "value"))
    return extras


def _figures(scene: Scene, call: CallView, metered: bool = False) -> list[tuple[str, str]]:
    """What follows the peer, the first ones staying the longest; the levels only where no meter shows them."""
    if call.state is CallState.ENDED:
        return [(figures.reason(call), "dim")] if call.reason else []
    if call.media is None:
        return []
    rx = call.media.rx
    extras = [(f"lost {figures.percent(rx.loss_percent)}", figures.loss_style(rx.loss_percent))]
    if scene.snapshot.sound.muted:
        extras.insert(0, (MUTED, "warn"))
    levels = (call.media.level_out.rms_dbfs, call.media.level_in.rms_dbfs)
    if not (metered and call is scene.call):
        extras.append((f"you {levels[0]:.0f} far {levels[1]:.0f} dBFS", ""))
    extras.append((f"jitter {figures.millis(rx.jitter_ms)}", figures.jitter_style(rx.jitter_ms)))
    return extras
