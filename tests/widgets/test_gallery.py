"""Golden pictures of every view, in the states that look different, at several sizes and with both sets of glyphs.

They lie in ``golden/``, a file for each view, and read like the screen. ``RINGTOP_GOLDEN=write`` paints them anew: look
at what has changed before it is kept.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest

from engine.model import BurstsView, CallState, FarSoundView, Finding, Snapshot
from tests.widgets import test_ladder, test_people, test_settings, views
from tests.widgets.test_any_keys import Phone
from widgets import dashboard
from widgets.canvas import Canvas
from widgets.controls import Controls
from widgets.ui import Ui
from widgets.views import NAMES

GOLDEN = Path(__file__).resolve().parent / "golden"
PAINT = os.environ.get("RINGTOP_GOLDEN") == "write"

FINDINGS = (
    Finding("loss-here", "bad", "Packets are lost on the way to us", "3.1 % in the last 10 s", "use a cable", 161),
    Finding(
        "clock-drift", "warn", "Their clock runs faster than ours", "by 120 ppm", "nothing: it is followed", 80, 95
    ),
)
SPEECH = FarSoundView(60.0, 4000.0, tuple(-70.0 + 40 * ((n * 7) % 11) / 10 for n in range(32)), 3400.0, hum_hz=50.0)
EVERY_SECOND = tuple(
    replace(
        point,
        mos_here=round(4.4 - 0.12 * (point.loss_percent or 0.0), 2),
        mos_there=4.0,
        rtt_ms=43.0,
        far_loss_percent=0.4,
        far_jitter_ms=12.0,
        target_ms=40.0,
        received=50,
        sent=50,
    )
    for point in views.history()
)
BAD = views.media(
    history=EVERY_SECOND, bursts=BurstsView((31, 12, 5, 2, 1, 0), 1.9, 0.35, 0.002, 5.0, 1200.0), far_sound=SPEECH
)
TROUBLED = views.call(1, media=BAD, findings=FINDINGS[:1], findings_over=FINDINGS[1:])
STATES: dict[str, Snapshot] = {
    "idle": views.snapshot(),
    "ringing": views.snapshot(views.ringing(1)),
    "talking": replace(
        views.snapshot(TROUBLED, views.ringing(2)),
        sip=test_ladder.CALL,
        people=test_people.PEOPLE,
        settings=test_settings.SETTINGS,
        sound=test_settings.SOUND,
    ),
    "ended": replace(
        views.snapshot(replace(TROUBLED, state=CallState.ENDED, reason="we hung up")), sip=test_ladder.CALL
    ),
}
PEOPLES_OWN = "田中さん★"  # in names: the painter knows what to do with them
LOOKS = (("unicode", 120, 40), ("unicode", 80, 24), ("ascii", 80, 24), ("unicode", 40, 10), ("ascii", 20, 3))


def picture(view: str, snapshot: Snapshot, glyphs: str, columns: int, rows: int) -> list[str]:
    controls = Controls(Phone(snapshot), Ui(view=view, glyphs=glyphs))
    controls.ui = replace(controls.ui, keys=controls.hints(snapshot))
    canvas = Canvas(columns, rows, glyphs)
    dashboard.draw(canvas, snapshot, controls.ui)
    return [row.rstrip() for row in canvas.rows()]


def kept(view: str) -> dict[str, list[str]]:
    path = GOLDEN / f"{view}.txt"
    text = path.read_text("utf-8") if path.exists() else ""
    parts = re.split(r"^=== (.+)\n", text, flags=re.MULTILINE)[1:]
    return {name: rows.splitlines() for name, rows in zip(parts[::2], parts[1::2], strict=True)}


def pictures(view: str) -> dict[str, list[str]]:
    return {
        f"{state} {glyphs} {columns}x{rows}": picture(view, snapshot, glyphs, columns, rows)
        for state, snapshot in STATES.items()
        for glyphs, columns, rows in LOOKS
    }


@pytest.mark.parametrize("view", NAMES)
def test_every_view_looks_as_it_did(view: str) -> None:
    made = pictures(view)
    if PAINT:
        GOLDEN.mkdir(exist_ok=True)
        text = "".join(f"=== {name}\n" + "".join(f"{row}\n" for row in rows) for name, rows in made.items())
        (GOLDEN / f"{view}.txt").write_text(text, "utf-8")
    known = kept(view)
    assert list(known) == list(made)
    for name, rows in made.items():
        assert rows == known[name], f"{view}, {name}"


@pytest.mark.parametrize("view", NAMES)
def test_with_ascii_alone_there_is_nothing_else_on_the_screen(view: str) -> None:
    for name, rows in pictures(view).items():
        ours = "".join(rows).translate(dict.fromkeys(map(ord, PEOPLES_OWN)))
        assert "ascii" not in name or ours.isascii(), name
