"""The whole screen: a title, the row of views, as many panes of this view as fit, and the keys.

The view that is looked at says which bands there are. ``arrange`` gives every band its least height in the order
of rank, leaving out those for which no row is left; then it lets them grow, again by rank, from one of their
sizes to the next; what remains goes to the band that can use any number of rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from engine.model import Snapshot
from widgets import compact, footer, help, ladder, log, mask, people, prompt, tabs, title, views
from widgets.canvas import Canvas, Rect
from widgets.keys import dials_digits
from widgets.ui import Band, Placed, Scene, Ui, scene, too_small

HEIGHT_FOR_TABS = 28
GAP = 2  # columns between panes of one band


def draw(canvas: Canvas, snapshot: Snapshot, ui: Ui) -> Placed:
    """The screen of this moment, whatever its size; returns the panes that move by themselves, for ``redraw``."""
    now, rect = _scene(snapshot, ui), canvas.rect
    ui = now.ui
    canvas.page = "help" if ui.help_open else ui.seen_view
    if too_small(rect.width, rect.height):
        if ui.help_open and rect.height >= 2:
            body, bottom = rect.split_bottom(1)
            help.draw(canvas, body, ui)
            footer.draw(canvas, bottom, ui)
            return []
        return compact.draw(canvas, rect, now)
    top, rest = rect.split_top(1)
    body, bottom = rest.split_bottom(1)
    title.draw(canvas, top, now)
    if rect.height >= HEIGHT_FOR_TABS:
        row, body = body.split_top(1)
        tabs.draw(canvas, row, views.NAMES, ui.view, keypad=dials_digits(now))
    placed: Placed = []
    if ui.help_open:
        help.draw(canvas, body, ui)
    else:
        placed = arrange(body, bands(now, body.width), now)
        for pane, place in placed:
            pane.draw(canvas, place, now)
    if ui.prompt is not None and (ui.notice or ui.prompt.fits):
        bottom = rect.split_bottom(2)[1]
    footer.draw(canvas, bottom, ui)
    return [(pane, place) for pane, place in placed if pane.moves and not place.empty]


def redraw(canvas: Canvas, snapshot: Snapshot, ui: Ui, placed: Placed) -> None:
    """Only these panes, at their places, on a canvas that has all the others already."""
    now = _scene(snapshot, ui)
    for pane, place in placed:
        canvas.fill(place)
        pane.draw(canvas, place, now)


def news(snapshot: Snapshot) -> object:
    """What must be seen at once. The figures that run all the time can be read if they change twice a second."""
    calls = [
        (view.id, view.state, view.reason, view.held_here, view.held_there, view.media and view.media.rx.lost)
        for view in snapshot.calls
    ]
    sound = snapshot.sound
    return int(snapshot.time * 2), calls, sound.ok, sound.note, sound.devices, snapshot.settings.sounding


def _scene(snapshot: Snapshot, ui: Ui) -> Scene:
    """What is to be drawn; without private data where somebody wants to take a picture of it."""
    if not ui.masked:
        return scene(snapshot, ui)
    hide, read = mask.of(snapshot), ladder.read(scene(snapshot, ui))
    line = None if ui.prompt is None else prompt.hidden(ui.prompt, hide)
    ui = replace(ui, notice=hide(ui.notice), prompt=line)
    ui = ui.with_state(ladder.hidden(ui.state(ladder.Reading()), snapshot.sip))
    ui = ui.with_state(people.hidden(ui.state(people.Leafing()), snapshot.people))
    ui = ui.with_state(ui.state(log.Sieve()).hidden(snapshot.log))
    return scene(mask.masked(snapshot, read), ui)


def seen(snapshot: Snapshot, ui: Ui) -> Snapshot:
    """The phone as it may be shown now, on the screen and elsewhere (the window's title)."""
    return _scene(snapshot, ui).snapshot


def bands(now: Scene, width: int) -> Sequence[Band]:
    """Which bands the screen has at this moment."""
    return next(table for least, table in views.shown(now).tables(now) if width >= least)


def arrange(rect: Rect, stack: Sequence[Band], now: Scene) -> Placed:
    """Which pane gets which rectangle."""
    heights = _heights(rect, stack, now)
    placed: Placed = []
    for band, height in zip(stack, heights, strict=True):
        row, rect = rect.split_top(height)
        if height:
            placed += zip(band.panes, _columns(row, band), strict=True)
    return placed


def _heights(rect: Rect, stack: Sequence[Band], now: Scene) -> list[int]:
    heights = [0] * len(stack)
    ranked = sorted(range(len(stack)), key=lambda index: stack[index].rank)
    wishes = [_wishes(band, rect.width, now) for band in stack]
    free = rect.height
    for stage in range(max(map(len, wishes), default=0)):
        for index in ranked:
            wish = wishes[index][min(stage, len(wishes[index]) - 1)] - heights[index]
            if stage == 0 and wish > free:
                continue
            if stage and not heights[index]:
                continue
            more = max(0, min(wish, free))
            heights[index] += more
            free -= more
    for index in ranked:
        if stack[index].grows and heights[index]:
            heights[index] += free
            free = 0
    return heights


def _wishes(band: Band, width: int, now: Scene) -> tuple[int, ...]:
    """The heights a band can make use of: the largest wish of its panes at every stage."""
    row = Rect(0, 0, width, 1)
    sizes = [pane.sizes(now, part.width) for pane, part in zip(band.panes, _columns(row, band), strict=True)]
    stages = max(map(len, sizes))
    return tuple(max(size[min(stage, len(size) - 1)] for size in sizes) for stage in range(stages))


def _columns(row: Rect, band: Band) -> list[Rect]:
    """A row in parts as wide as the shares say, the last one taking what is left."""
    shares = band.shares or (1,) * len(band.panes)
    room = row.width - GAP * (len(shares) - 1)
    parts = []
    for share in shares[:-1]:
        part, row = row.split_left(round(room * share / sum(shares)))
        parts.append(part)
        row = row.split_left(GAP)[1]
    return [*parts, row]
