"""What was sent and received, at several widths."""

from __future__ import annotations

from dataclasses import replace

from engine.model import RtcpView, RxView, TxView
from tests.widgets import views
from tests.widgets.views import drawn
from widgets import counters
from widgets.canvas import Canvas, Rect

SCENE = views.scene(views.call())
NEW = views.scene(views.call(media=views.media(tx=TxView(), rx=RxView(), rtcp=RtcpView(), history=())))


def test_three_columns() -> None:
    assert drawn(counters.draw, 60, 7, SCENE) == [
        "── media ───────────────────────────── PCMU 8 kHz · 20 ms ──",
        " sent          9,601   1.5 MB   50.0/s",
        " received      9,589   1.5 MB   49.9/s",
        " lost    12 (0.1 %)  duplicate        0  jitter      4.1 ms",
        " late             3  discarded        0  buffer 43 of 40 ms",
        " reordered        1  foreign          0  concealed   160 ms",
        " stretched    90 ms  recovered        0  drift      +12 ppm",
    ]


def test_two_columns() -> None:
    assert drawn(counters.draw, 46, 8, SCENE) == [
        "── media ─────────────── PCMU 8 kHz · 20 ms ──",
        " sent          9,601   1.5 MB   50.0/s",
        " received      9,589   1.5 MB   49.9/s",
        " lost       12 (0.1 %)  jitter         4.1 ms",
        " late                3  buffer    43 of 40 ms",
        " reordered           1  concealed      160 ms",
        " duplicate           0  drift         +12 ppm",
        " discarded           0  foreign             0",
    ]


def test_redundancy_is_shown_when_there_is_any() -> None:
    media = views.media()
    scene = views.scene(
        views.call(media=replace(media, tx=replace(media.tx, redundancy=2), rx=replace(media.rx, recovered=9)))
    )
    assert drawn(counters.draw, 60, 7, scene)[0] == "── media ───────────────────── PCMU 8 kHz · 20 ms · red 2 ──"
    assert drawn(counters.draw, 60, 7, scene)[-1] == " stretched    90 ms  recovered        9  drift      +12 ppm"
    assert drawn(counters.draw, 46, 8, scene)[-2] == " recovered           9  drift         +12 ppm"
    assert drawn(counters.draw, 20, 5, scene)[-1] == " recovered        9"


def test_in_four_rows_the_figures_that_matter_most() -> None:
    assert drawn(counters.draw, 40, 4, SCENE) == [
        "── media ───────── PCMU 8 kHz · 20 ms ──",
        " sent          9,601   1.5 MB   50.0/s",
        " received      9,589   1.5 MB   49.9/s",
        " lost    12 (0.1 %)  jitter      4.1 ms",
    ]


def test_one_column() -> None:
    assert drawn(counters.draw, 20, 8, SCENE) == [
        "── media  PCMU 8… ──",
        " sent          9,601",
        " received      9,589",
        " lost    12 (0.1 %)",
        " jitter      4.1 ms",
        " buffer 43 of 40 ms",
        " concealed   160 ms",
        " drift      +12 ppm",
    ]


def test_nothing_is_known_yet() -> None:
    assert drawn(counters.draw, 60, 7, NEW) == [
        "── media ───────────────────────────── PCMU 8 kHz · 20 ms ──",
        " sent              0      0 B        -",
        " received          0      0 B        -",
        " lost             -  duplicate        0  jitter           -",
        " late             0  discarded        0  buffer           -",
        " reordered        0  foreign          0  concealed   0.0 ms",
        " stretched   0.0 ms  recovered        0  drift            -",
    ]


def test_a_late_turn_of_ours_and_a_one_way_call_are_said() -> None:
    media = views.media(tx=TxView(100, 16000, 50.0, worst_late_ms=12.3), direction="recvonly")
    assert drawn(counters.draw, 80, 2, views.scene(views.call(media=media))) == [
        "── media ──────────────────────────────── PCMU 8 kHz · 20 ms · we only listen ──",
        " sent            100  16.0 kB   50.0/s  worst 12 ms late",
    ]


def test_losses_are_coloured() -> None:
    for loss_percent, style in ((0.1, "value"), (1.0, "warn"), (5.0, "bad")):
        media = views.media(rx=RxView(packets=1000, lost=12, loss_percent=loss_percent))
        canvas = Canvas(60, 6)
        counters.draw(canvas, Rect(0, 0, 60, 6), views.scene(views.call(media=media)))
        assert canvas.style_at(canvas.rows()[3].index("12 ("), 3) == style


def test_without_media_there_is_nothing_to_draw() -> None:
    assert drawn(counters.draw, 40, 3, views.scene(views.ringing())) == ["", "", ""]


def test_what_is_not_sent_is_not_late() -> None:
    media = views.media(tx=TxView(100, 16000, 0.0, worst_late_ms=90.0), direction="inactive")
    assert drawn(counters.draw, 80, 2, views.scene(views.call(media=media)))[1] == (
        " sent            100  16.0 kB    0.0/s"
    )
