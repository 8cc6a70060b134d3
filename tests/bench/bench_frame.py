"""What one frame of the dashboard costs to build: calls with two minutes of history, drawn onto a canvas.

    python tests/bench/bench_frame.py [--size 120x40] [--calls 4] [--view history] [--profile]

Building is everything but the phone and curses: from the snapshot to the last cell, and which rows differ from the
frame before. Every view gets its line. A figure, not a gate.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.model import LevelView, Snapshot
from tests.widgets import views
from widgets import dashboard
from widgets.canvas import Canvas, Row
from widgets.views import NAMES

FRAMES = 200
MOMENTS = 10
REPEATS = 5
PROFILED_LINES = 25
HISTORY = views.history()


def build(columns: int, rows: int, frames: int = FRAMES, view: str = "calls", calls: int = 1) -> float:
    """Processor seconds that so many frames take."""
    snapshots, ui = [moment(number, calls) for number in range(MOMENTS)], replace(views.ui(), view=view)
    seen: list[Row] = []
    begin = time.process_time()
    for number in range(frames):
        canvas = Canvas(columns, rows)
        dashboard.draw(canvas, snapshots[number % MOMENTS], ui)
        seen = changed(canvas, seen)
    return time.process_time() - begin


def changed(canvas: Canvas, before: list[Row]) -> list[Row]:
    """The rows as they are now; those that differ are taken apart as for painting."""
    rows: list[Row] = []
    for y in range(canvas.height):
        if before and canvas.looks_like(y, before[y]):
            rows.append(before[y])
        else:
            canvas.runs(y)
            rows.append(canvas.row(y))
    return rows


def moment(number: int, calls: int = 1) -> Snapshot:
    """So many calls ``number`` tenths of a second on: levels and counters are others, the seconds before are not."""
    before = views.media()
    media = views.media(
        tx=replace(before.tx, packets=before.tx.packets + 5 * number),
        rx=replace(before.rx, packets=before.rx.packets + 5 * number, buffer_ms=40.0 + number % 5),
        level_in=LevelView(-31.0 + number, -20.0),
        level_out=LevelView(-18.0 - number, -12.0),
        history=HISTORY,
    )
    up = (views.call(place, media=media, talk_s=192.4 + number / 10) for place in range(1, calls + 1))
    return views.snapshot(*up)


def milliseconds_a_frame(columns: int, rows: int, view: str = "calls", calls: int = 1) -> float:
    build(columns, rows, 20, view, calls)
    return statistics.median(1000 * build(columns, rows, FRAMES, view, calls) / FRAMES for _ in range(REPEATS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--calls", type=int, default=4)
    parser.add_argument("--view", choices=NAMES, help="this one alone")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    columns, rows = (int(part) for part in options.size.split("x"))
    for view in [options.view] if options.view else NAMES:
        cost_ms = milliseconds_a_frame(columns, rows, view, options.calls)
        print(f"{view:10s} {cost_ms:.3f} ms a frame of {options.size}, calls: {options.calls}")
    if options.profile:
        profiler = cProfile.Profile()
        profiler.runcall(build, columns, rows, FRAMES, options.view or "calls", options.calls)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(PROFILED_LINES)


if __name__ == "__main__":
    main()
