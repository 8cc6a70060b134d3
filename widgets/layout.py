"""Which widget sits where. A new pane is one new file and one line in the tables below.

Bands stand from top to bottom, the panes of a band from left to right; the rank tells which bands stay when
rows are scarce, the lowest the longest.
"""

from __future__ import annotations

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


def calls_tables(scene: Scene) -> Tables:
    """What there is to show of the calls at this moment."""
    if scene.call is None:
        return IDLE
    if scene.call.media is None:
        return SILENT
    return OVER if scene.call.state is CallState.ENDED else TALKING


def log_tables(_scene: Scene) -> Tables:
    return LOG_VIEW


def why_tables(scene: Scene) -> Tables:
    return NO_CALL if scene.call is None or scene.call.media is None else WHY_VIEW
