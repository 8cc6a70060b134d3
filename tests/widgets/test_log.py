"""The newest lines of the log."""

from __future__ import annotations

from engine.model import LogLine, NetworkView
from tests.widgets import views
from tests.widgets.test_controls import Phone, press
from tests.widgets.views import drawn
from widgets import log, ui
from widgets.canvas import Canvas
from widgets.controls import Controls
from widgets.log import Sieve

SCENE = views.scene()


def test_the_newest_lines() -> None:
    assert drawn(log.draw, 60, 5, SCENE) == [
        "── log ─────────────────────────────────────────────────────",
        " 15:38:51 call     ringing there (180 Ringing)",
        " 15:38:55 media    PCMU 8 kHz, 20 ms, 192.0.2.10:10000 to 2…",
        " 15:41:37 media    call 1 lost 8 % of a second",
        " 15:42:03 call     Carol <sip:carol@198.51.100.7> is calling",
    ]


def test_narrow() -> None:
    assert drawn(log.draw, 40, 3, SCENE) == [
        "── log ─────────────────────────────────",
        " 15:41:37 call 1 lost 8 % of a second",
        " 15:42:03 Carol <sip:carol@198.51.100.7…",
    ]


def test_the_log_view_scrolls_back_and_not_further() -> None:
    assert drawn(log.draw, 40, 3, views.scene(view="log", scroll=3)) == [
        "── log ──────────────── 3 newer below ──",
        " 15:38:48 calling sip:bob@203.0.113.5",
        " 15:38:51 ringing there (180 Ringing)",
    ]
    assert drawn(log.draw, 40, 3, views.scene(view="log", scroll=99)) == [
        "── log ────────────── the first lines ──",
        " 15:38:47 ready on 192.0.2.10:5060 (UDP)",
        " 15:38:48 calling sip:bob@203.0.113.5",
    ]
    assert drawn(log.draw, 40, 3, views.scene(scroll=99)) == drawn(log.draw, 40, 3, SCENE)


def test_in_the_log_view_long_lines_are_whole() -> None:
    assert drawn(log.draw, 40, 5, views.scene(view="log", scroll=1)) == [
        "── log ──────────────── 1 newer below ──",
        " 15:38:55 PCMU 8 kHz, 20 ms,",
        "          192.0.2.10:10000 to",
        "          203.0.113.5:4000",
        " 15:41:37 call 1 lost 8 % of a second",
    ]
    assert drawn(log.draw, 40, 4, views.scene(view="log", scroll=1))[1] == "          192.0.2.10:10000 to"
    told = ui.scene(views.snapshot(log=(LogLine(0.0, "info", "sip", "x" * 500),)), views.ui(view="log"))
    assert drawn(log.draw, 60, 3, told)[1:] == [f"{' ' * 19}{'x' * 41}", f"{' ' * 19}{'x' * 8}"]


def test_what_was_not_worth_a_call_is_counted_beside_the_title() -> None:
    scene = ui.scene(views.snapshot(network=NetworkView(malformed=3, stray=1200), log=()), views.ui())
    assert drawn(log.draw, 60, 2, scene) == [
        "── log ───────────────────────── 3 malformed  1,200 stray ──",
        "",
    ]
    assert log.strangers(NetworkView(3, 0, 1200, 1)) == "3 malformed  1,200 stray  1 turned away"
    assert log.strangers(NetworkView()) == ""


def test_lines_are_safe_and_coloured() -> None:
    lines = (LogLine(views.NOW, "error", "sip", "\x1b[2J\r\nboo"), LogLine(views.NOW, "unheard-of", "x", "plain"))
    canvas = Canvas(60, 3)
    log.draw(canvas, canvas.rect, ui.scene(views.snapshot(log=lines), views.ui()))
    assert canvas.rows()[1].rstrip() == " 15:42:07 sip      ^[[2J^M^Jboo"
    assert canvas.style_at(19, 1) == "bad" and canvas.style_at(19, 2) == ""


def test_what_the_sound_system_tells_is_for_those_who_look_for_it() -> None:
    noise = LogLine(1.0, "info", "sound", "ALSA lib confmisc.c:855: cannot find card")
    trouble = LogLine(2.0, "warn", "sound", "the sound card is gone")
    lines = (noise, trouble, noise)

    def shown(view: str) -> str:
        snapshot = views.snapshot(log=lines)
        return "\n".join(drawn(log.draw, 70, 4, ui.scene(snapshot, views.ui(view=view))))

    assert "gone" in shown("dashboard") and "ALSA" not in shown("dashboard")
    assert shown("log").count("ALSA") == 2


def test_the_canvas_learns_how_far_the_log_can_be_scrolled() -> None:
    canvas = Canvas(40, 3)
    log.draw(canvas, canvas.rect, views.scene(view="log"))
    assert canvas.scroll_limit == 4


def filtered(word: str) -> ui.Scene:
    return ui.scene(views.snapshot(), views.ui(view="log").with_state(Sieve(word)))


def test_only_lines_with_a_word_in_them() -> None:
    assert drawn(log.draw, 60, 4, filtered("BOB")) == [
        "── log ──────────────────────────────────── with 'BOB'  1 ──",
        " 15:38:48 call     calling sip:bob@203.0.113.5",
        "",
        "",
    ]
    assert drawn(log.draw, 40, 2, filtered("nobody"))[1] == " No line with that in it."
    assert len([row for row in drawn(log.draw, 60, 9, filtered("warn")) if "15:" in row]) == 1


def test_the_filter_is_of_the_log_view_alone() -> None:
    dashboard = ui.scene(views.snapshot(), views.ui().with_state(Sieve("bob")))
    assert drawn(log.draw, 60, 5, dashboard) == drawn(log.draw, 60, 5, SCENE)


def test_a_slash_asks_for_the_word_and_escape_shows_all_again() -> None:
    controls = Controls(Phone(), ui.Ui(view="log", scroll=3))
    press(controls, "/", *"bob", "Enter")
    assert controls.ui.state(Sieve()).wanted == "bob" and controls.ui.scroll == 0
    press(controls, "Escape")
    assert controls.ui.state(Sieve()) == Sieve() and controls.ui.view == "log"


def test_a_line_that_is_not_shown_does_not_move_those_that_are() -> None:
    controls = Controls(Phone(), ui.Ui(view="log", scroll=3).with_state(Sieve("bob")))
    for line in views.log():
        controls.logged(line)
    assert controls.ui.scroll == 4


def test_what_is_looked_for_may_be_private() -> None:
    hidden = Sieve("bob").hidden(views.log())
    assert "bob" not in str(hidden) and hidden.sift(views.log()) == [views.log()[1]]


def test_wide_characters_are_wrapped_and_none_is_lost() -> None:
    told = ui.scene(views.snapshot(log=(LogLine(0.0, "info", "sip", "漢字" * 60),)), views.ui(view="log"))
    assert "".join(row[19:].strip() for row in drawn(log.draw, 60, 12, told)[1:]) == "漢字" * 60
