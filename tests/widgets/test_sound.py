"""The view "sound": the far end's spectrum, and what it says of the line."""

from __future__ import annotations

import math
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model import CallState, FarSoundView, LevelView
from tests.widgets import views
from tests.widgets.views import drawn
from widgets import dashboard, sound
from widgets.canvas import Canvas

BANDS = tuple(-20.0 - abs(band - 12) * 4 for band in range(32))
WIDE = FarSoundView(60.0, 8000.0, BANDS, 7000.0)


def scene(heard: FarSoundView | None = WIDE, state: CallState = CallState.TALKING, **changes: object):
    return views.scene(views.call(state=state, media=views.media(far_sound=heard)), **changes)


def test_a_bar_for_each_band_over_its_frequencies() -> None:
    assert drawn(sound.draw_spectrum, 40, 8, scene()) == [
        "── the far end's sound ── up to 8 kHz ──",
        " -10              ▁",
        "               ▁▄▆█▆▄▁",
        "            ▁▃▆███████▆▆▃▁",
        "          ▃▆██████████████▆▃",
        "       ▃▆████████████████████▆▃",
        " -80 ███████████████████████████▅▃",
        "        100 200    500  1k  2k   4k  8k",
    ]
    assert drawn(sound.draw_spectrum, 40, 6, scene(glyphs="ascii")) == [
        "── the far end's sound ── up to 8 kHz ──",
        " -10",
        "              ||||||||||",
        "          ||||||||||||||||||",
        " -80 ||||||||||||||||||||||||||||",
        "        100 200    500  1k  2k   4k  8k",
    ]


def words(heard: FarSoundView) -> list[str]:
    return drawn(sound.draw_words, 76, 5, scene(heard))[1:]


def test_silence_is_something_else_than_nothing() -> None:
    def said(**changes: object) -> str:
        call = {name: changes.pop(name) for name in ("state", "held_here") if name in changes}
        media = views.media(far_sound=WIDE, **changes)
        row = drawn(sound.draw_words, 76, 5, views.scene(views.call(media=media, **call)))[4]
        return row.removeprefix(" silence    ")

    point = views.history(1)[0]
    silent = LevelView(-96.0, -96.0)
    assert said(level_in=silent) == "nothing at all: muted, or a dead microphone"
    assert said(level_in=silent, history=(replace(point, received=0),)) == "nothing comes"
    assert said(level_in=silent, history=(replace(point, received=0),), held_here=True) == "nothing comes: on hold"
    assert said(level_in=LevelView(-96.0, -20.0)) == "no: a pause now"
    assert said(state=CallState.ENDED) == "the call is over"


def test_what_the_sound_says_in_words() -> None:
    assert words(WIDE) == [
        " width      7.0 kHz of 8: really wideband",
        " hum        none",
        " clipping   none",
        " silence    no: -31 dBFS now",
    ]
    assert words(replace(WIDE, width_hz=3400.0, hum_hz=50.0, clips=True, constant=7)) == [
        " width      3.4 kHz: a telephone line, though PCMU could carry 8 kHz",
        " hum        50 Hz: mains in their microphone",
        " clipping   they are too loud: their sound is cut off",
        " silence    one and the same value, 7: a dead microphone",
    ]
    assert words(replace(WIDE, width_hz=None))[0] == " width      not known before they have spoken for some seconds"
    assert words(FarSoundView(60.0, 4000.0, BANDS, 3500.0))[0] == " width      3.5 kHz, as wide as the codec"
    assert words(replace(WIDE, width_hz=500.0))[0] == " width      0.5 kHz of 8: tones, or a muffled voice"


def test_what_they_speak_is_what_counts_not_what_we_send() -> None:
    asymmetric = FarSoundView(60.0, 24000.0, BANDS, 3500.0, codec="PCMA", carries_hz=4000.0)
    assert words(asymmetric)[0] == " width      3.5 kHz, as wide as the codec"
    assert "though G722 could carry 8 kHz" in words(replace(asymmetric, codec="G722", carries_hz=8000.0))[0]


def test_on_the_least_screen_a_picture_and_the_one_thing_to_be_said() -> None:
    made = scene(replace(WIDE, hum_hz=50.0))
    canvas = Canvas(40, 10)
    dashboard.draw(canvas, made.snapshot, replace(made.ui, view="sound"))
    rows = canvas.rows()
    assert rows[2].startswith("── the far end's sound") and rows[8].rstrip() == " hum 50 Hz: mains in their microphone"
    assert drawn(sound.draw_words, 60, 1, scene()) == [" width 7.0 kHz of 8: really wideband"]


def test_without_a_call_and_after_it() -> None:
    assert drawn(sound.draw_nothing, 60, 3, views.scene())[1] == " No call is selected."
    over = drawn(sound.draw_spectrum, 40, 8, scene(state=CallState.ENDED))
    assert not any(glyph in row for row in over for glyph in sound.EIGHTHS[1:])


@settings(deadline=None)
@given(
    st.lists(st.floats(-200, 50) | st.just(math.nan), min_size=1, max_size=64), st.integers(0, 200), st.integers(0, 30)
)
def test_any_spectrum_on_any_paper(bands: list[float], width: int, height: int) -> None:
    canvas = Canvas(width, height)
    made = scene(FarSoundView(60.0, 24000.0, tuple(band if band == band else -96.0 for band in bands), 1e4))
    sound.draw_spectrum(canvas, canvas.rect, made)
    sound.draw_words(canvas, canvas.rect, made)
