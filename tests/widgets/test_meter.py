"""The level meters: pictures at several widths, and both ends of the scale."""

from __future__ import annotations

import math

import pytest

from engine.model import LevelView, MicrophoneView, SoundView
from tests.widgets import views
from tests.widgets.views import drawn
from widgets import meter, ui
from widgets.canvas import Canvas

SCENE = views.scene(views.call())


def test_with_heading_and_scale() -> None:
    assert drawn(meter.draw, 80, 4, SCENE) == [
        "── levels ──────────────────────────────────────────────────── Built-in Audio ──",
        " you [▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇     ┃             ] -18 dBFS",
        " far [▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇    ┃                            ] -31 dBFS",
        "      -60      -50        -40       -30       -20        -10        0",
    ]


def test_two_rows_have_room_for_the_bars_alone() -> None:
    assert drawn(meter.draw, 40, 2, SCENE) == [
        " you [▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇ ┃     ] -18 dBFS",
        " far [▇▇▇▇▇▇▇▇▇▇▇ ┃          ] -31 dBFS",
    ]


def test_ascii() -> None:
    scene = views.scene(views.call(), glyphs="ascii")
    assert drawn(meter.draw, 40, 3, scene, glyphs="ascii") == [
        "-- levels ------------ Built-in Audio --",
        " you [|||||||||||||||| :     ] -18 dBFS",
        " far [||||||||||| :          ] -31 dBFS",
    ]
    assert drawn(meter.draw, 12, 2, scene, glyphs="ascii") == ["[|||||||:  ]", "[|||||:    ]"]


def test_wide_enough_for_the_peak_in_figures() -> None:
    assert [row[-31:] for row in drawn(meter.draw, 100, 2, SCENE)] == [
        "          ] -18 dBFS  peak  -12",
        "          ] -31 dBFS  peak  -27",
    ]


def muted() -> ui.Scene:
    sound = SoundView("null", "no sound card: silence", ok=False, muted=True, volume_db=-6.0, underruns=3)
    call = views.call(media=views.media(level_out=LevelView()))
    return ui.scene(views.snapshot(call, sound=sound), views.ui())


def test_what_there_is_to_say_about_the_sound() -> None:
    assert drawn(meter.draw, 60, 3, muted()) == [
        "── levels ── no sound card: silence  volume -6 dB  3 gaps ──",
        " you [                                           ]    muted",
        " far [▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇  ┃                   ] -31 dBFS",
    ]


@pytest.mark.parametrize(
    ("trouble", "word"), [("digital silence", "dead"), ("constant", "dead"), ("clipping", "clipping")]
)
def test_what_is_wrong_with_the_microphone_stands_where_its_level_would(trouble: str, word: str) -> None:
    media = views.media(microphone=MicrophoneView(trouble=trouble))
    [you, far] = drawn(meter.draw, 60, 2, views.scene(views.call(media=media)))
    assert you.endswith(f" {word}") and far.endswith("-31 dBFS")


@pytest.mark.parametrize(
    ("dbfs", "filled"),
    [(-96, 0), (-60, 0), (-59.9, 1), (-30, 10), (0, 20), (6, 20), (math.nan, 0), (math.inf, 0), (-math.inf, 0)],
)
def test_both_ends_of_the_scale(dbfs: float, filled: int) -> None:
    assert meter.cells(dbfs, 20) == filled


def test_colours_change_along_the_bar() -> None:
    canvas = Canvas(20, 1)
    meter.draw_bar(canvas, canvas.rect, LevelView(-1.0, 0.0), SCENE.look)
    assert [canvas.style_at(x, 0) for x in (0, 13, 14, 17, 18, 19)] == [
        "meter_low",
        "meter_low",
        "meter_mid",
        "meter_mid",
        "meter_high",
        "meter_high",
    ]


def test_the_peak_is_held_beyond_the_bar() -> None:
    canvas = Canvas(20, 1)
    meter.draw_bar(canvas, canvas.rect, LevelView(-40.0, -10.0), SCENE.look)
    assert canvas.rows() == ["▇▇▇▇▇▇▇         ┃   "]
    assert canvas.style_at(16, 0) == "peak"


@pytest.mark.parametrize(("gaps", "said"), [(0, "Built-in Audio ──"), (1, "1 gap ──"), (1200, "1,200 gaps ──")])
def test_gaps_of_the_card_are_counted(gaps: int, said: str) -> None:
    sound = SoundView("device", "Built-in Audio", underruns=gaps)
    scene = ui.scene(views.snapshot(views.call(), sound=sound), views.ui(selected=1))
    assert drawn(meter.draw, 80, 3, scene)[0].endswith(said)
