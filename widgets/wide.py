"""The calls on a wide screen: there is room for every second of the call, in ten pictures instead of three."""

from __future__ import annotations

from dataclasses import replace

from widgets import history, layout
from widgets.ui import Band, Pane, Scene, Tables

WIDE = 180  # columns
GRAPHS = Pane(history.draw_graphs, lambda _scene, _width: (3, 9, 13, 21))


def calls_tables(scene: Scene) -> Tables:
    """As ``layout`` has them, and one more for wide screens where there is a call with sound."""
    tables = layout.calls_tables(scene)
    if tables not in (layout.TALKING, layout.OVER):
        return tables
    return ((WIDE, tuple(map(_widened, tables[0][1]))), *tables)


def _widened(band: Band) -> Band:
    if band.panes == (layout.HISTORY,):
        return replace(band, panes=(GRAPHS,), grows=True)
    return replace(band, grows=False)
