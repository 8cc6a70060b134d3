"""The idle phone, and the first row of the screen."""

from __future__ import annotations

from dataclasses import replace

from engine.model import SoundView
from tests.widgets import views
from tests.widgets.views import drawn
from widgets import title, ui, welcome

SCENE = views.scene()


def test_idle() -> None:
    assert drawn(welcome.draw, 70, 8, SCENE) == [
        "── no call ───────────────────────────────────────────────────────────",
        "",
        "   Ready. Waiting for a call.",
        "",
        "   call me at  sip:anna@192.0.2.10:5060",
        "   to call     d, an address such as bob@192.0.2.7, Enter",
        "   sound       Built-in Audio",
        "   keys        ? shows all, q leaves",
    ]


def test_idle_in_few_rows() -> None:
    assert drawn(welcome.draw, 50, 3, SCENE) == [
        " call me at  sip:anna@192.0.2.10:5060",
        " to call     d, an address such as bob@192.0.2.7,…",
        " sound       Built-in Audio",
    ]
    assert drawn(welcome.draw, 40, 6, SCENE) == [
        "── no call ─────────────────────────────",
        "   Ready. Waiting for a call.",
        " call me at  sip:anna@192.0.2.10:5060",
        " to call     d, an address such as bob@…",
        " sound       Built-in Audio",
        " keys        ? shows all, q leaves",
    ]


def test_no_sound_is_said() -> None:
    sound = SoundView("null", "no sound card: silence", ok=False, muted=True)
    scene = ui.scene(views.snapshot(sound=sound), views.ui())
    assert drawn(welcome.draw, 60, 8, scene)[6] == "   sound       no sound card: silence, muted"


def test_rebound_keys_are_the_ones_named() -> None:
    keys = tuple(replace(hint, key=hint.key.upper()) for hint in views.KEYS)
    rows = drawn(welcome.draw, 70, 8, views.scene(keys=keys))
    assert rows[5] == "   to call     D, an address such as bob@192.0.2.7, Enter"
    assert rows[7] == "   keys        ? shows all, Q leaves"


def test_title() -> None:
    assert drawn(title.draw, 80, 1, SCENE) == [
        " ringtop  sip:anna@192.0.2.10:5060  UDP                          idle  15:42:07",
    ]
    assert drawn(title.draw, 40, 1, views.scene(views.call())) == [
        " ringtop  sip:anna@…   1 call  15:42:07",
    ]
    assert drawn(title.draw, 12, 1, SCENE) == [" ringtop"]


def test_title_says_what_needs_attention() -> None:
    sound = replace(views.snapshot().sound, muted=True)
    calls = (views.call(recording="a.wav"), views.ringing())
    busy = ui.scene(views.snapshot(*calls, sound=sound), views.ui(line_ms=640.0))
    assert drawn(title.draw, 100, 1, busy) == [
        " ringtop  sip:anna@192.0.2.10:5060  UDP     screen 640 ms  2 calls  REC  MUTED  1 ringing  15:42:07",
    ]
    assert drawn(title.draw, 50, 1, busy) == [
        " ringtop  sip:…   REC  MUTED  1 ringing  15:42:07",
    ]
