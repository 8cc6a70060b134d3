"""What one frame of the dashboard costs to build: a call with two minutes of history, drawn onto a canvas.

    python tests/bench/bench_frame.py [--size 120x40] [--profile]

Building is everything but curses: from the snapshot to the last cell. A figure, not a gate.
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
from widgets.canvas import Canvas

FRAMES = 200
MOMENTS = 10
REPEATS = 5
PROFILED_LINES = 25
HISTORY = views.history()


def build(columns: int, rows: int, frames: int = FRAMES) -> float:
    """Processor seconds that so many frames take."""
    snapshots, ui = [moment(number) for number in range(MOMENTS)], views.ui()
    begin = time.process_time()
    for number in range(frames):
        dashboard.draw(Canvas(columns, rows), snapshots[number % MOMENTS], ui)
    return time.process_time() - begin


def moment(number: int) -> Snapshot:
    """The call ``number`` tenths of a second on: levels and counters are others, the seconds before are not."""
    before = views.media()
    media = views.media(
        tx=replace(before.tx, packets=before.tx.packets + 5 * number),
        rx=replace(before.rx, packets=before.rx.packets + 5 * number, buffer_ms=40.0 + number % 5),
        level_in=LevelView(-31.0 + number, -20.0),
        level_out=LevelView(-18.0 - number, -12.0),
        history=HISTORY,
    )
    return views.snapshot(views.call(media=media, talk_s=192.4 + number / 10))


def milliseconds_a_frame(columns: int, rows: int) -> float:
    build(columns, rows, 20)
    return statistics.median(1000 * build(columns, rows) / FRAMES for _ in range(REPEATS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    columns, rows = (int(part) for part in options.size.split("x"))
    print(f"{milliseconds_a_frame(columns, rows):.3f} ms a frame of {options.size}")
    if options.profile:
        profiler = cProfile.Profile()
        profiler.runcall(build, columns, rows)
        pstats.Stats(profiler).sort_stats("tottime").print_stats(PROFILED_LINES)


if __name__ == "__main__":
    main()
