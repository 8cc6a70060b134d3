"""Which widget sits where. A new pane is one new file and one line in the tables below.

Bands stand from top to bottom, the panes of a band from left to right; the rank tells which bands stay when
rows are scarce, the lowest the longest.
"""

from __future__ import annotations

from dataclasses import replace

from engine.model import CallState
from widgets import call, calls, counters, graph, log, meter, quality, rtcp, welcome, why
from widgets.ui import Band, Pane, Scene, Tables

CALLS = Pane(calls.draw, calls.sizes)
LEVELS = Pane(meter.draw, meter.sizes, moves=True)
MEDIA = Pane(counters.draw, counters.sizes)
REPORTS = Pane(rtcp.draw, rtcp.sizes)
QUALITY = Pane(quality.draw, quality.sizes)
WHY = Pane(why.draw, why.sizes)
FINDINGS = Pane(why.draw_list, why.list_sizes)
CALL = Pane(call.draw, call.sizes)
HISTORY = Pane(graph.draw, graph.sizes)
LOG = Pane(log.draw, log.sizes)
WELCOME = Pane(welcome.draw, welcome.sizes)

SOUND = (MEDIA, REPORTS)
UNEVEN = (3, 2)  # the left pane has more figures

# With a call that has sound.
TALKING: Tables = (
    (
        150,
        (
            Band((CALLS,), 0),
            Band((LEVELS,), 1),
            Band((QUALITY,), 2),
            Band((WHY,), 3),
            Band((MEDIA, REPORTS, CALL), 4),
            Band((HISTORY,), 6),
            Band((LOG,), 5, grows=True),
        ),
    ),
    (
        76,
        (
            Band((CALLS,), 0),
            Band((LEVELS,), 1),
            Band((QUALITY,), 2),
            Band((WHY,), 3),
            Band(SOUND, 4, shares=UNEVEN),
            Band((CALL,), 7),
            Band((HISTORY,), 6),
            Band((LOG,), 5, grows=True),
        ),
    ),
    (
        0,
        (
            Band((CALLS,), 0),
            Band((LEVELS,), 1),
            Band((QUALITY,), 2),
            Band((WHY,), 3),
            Band((MEDIA,), 4),
            Band((REPORTS,), 6),
            Band((CALL,), 8),
            Band((HISTORY,), 7),
            Band((LOG,), 5, grows=True),
        ),
    ),
)

# With a call that has none, not yet or never.
SILENT: Tables = ((0, (Band((CALLS,), 0), Band((CALL,), 1), Band((LOG,), 2, grows=True))),)

# Without a call: the last ones that ended stay in the list.
IDLE: Tables = ((0, (Band((WELCOME,), 0), Band((CALLS,), 1), Band((LOG,), 2, grows=True))),)

# With a call that is over: its totals.
OVER: Tables = (
    (
        76,
        (
            Band((CALLS,), 0),
            Band((CALL,), 1),
            Band((QUALITY,), 2),
            Band((WHY,), 3),
            Band(SOUND, 4, shares=UNEVEN),
            Band((HISTORY,), 6),
            Band((LOG,), 5, grows=True),
        ),
    ),
    (
        0,
        (
            Band((CALLS,), 0),
            Band((CALL,), 1),
            Band((QUALITY,), 2),
            Band((WHY,), 3),
            Band((MEDIA,), 4),
            Band((REPORTS,), 6),
            Band((HISTORY,), 7),
            Band((LOG,), 5, grows=True),
        ),
    ),
)

WHY_VIEW: Tables = ((0, (Band((CALLS,), 0), Band((QUALITY,), 2), Band((FINDINGS,), 1, grows=True))),)
NO_CALL: Tables = ((0, (Band((CALLS,), 0), Band((FINDINGS,), 1, grows=True))),)

LOG_VIEW: Tables = ((0, (Band((CALLS,), 0), Band((LOG,), 1, grows=True))),)


# What a user may leave out of the view "calls", by the names of the configuration file.
PANES = {
    "levels": LEVELS, "quality": QUALITY, "why": WHY, "media": MEDIA, "reports": REPORTS, "call": CALL,
    "history": HISTORY, "log": LOG,
}  # fmt: skip


def calls_tables(scene: Scene) -> Tables:
    """What there is to show of the calls at this moment, and is wanted."""
    if scene.call is None:
        tables = IDLE
    elif scene.call.media is None:
        tables = SILENT
    else:
        tables = OVER if scene.call.state is CallState.ENDED else TALKING
    return (
        tables if scene.ui.panes is None else tuple((least, _wanted(bands, scene.ui.panes)) for least, bands in tables)
    )


def _wanted(bands: tuple[Band, ...], names: frozenset[str]) -> tuple[Band, ...]:
    """The bands without the panes that are left out; the others share the room."""
    left_out = [pane for name, pane in PANES.items() if name not in names]
    kept = []
    for band in bands:
        panes = tuple(pane for pane in band.panes if pane not in left_out)
        if panes:
            kept.append(band if panes == band.panes else replace(band, panes=panes, shares=()))
    return tuple(kept)


def log_tables(_scene: Scene) -> Tables:
    return LOG_VIEW


def why_tables(scene: Scene) -> Tables:
    return NO_CALL if scene.call is None or scene.call.media is None else WHY_VIEW
