"""The pane and the view that say why a call sounds as it does."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model import CallState, Finding, QualityView
from tests.widgets import views
from tests.widgets.test_controls import Phone
from tests.widgets.views import drawn
from widgets import why
from widgets.canvas import Canvas
from widgets.controls import Controls
from widgets.ui import Ui
from widgets.why import Cursor

LOSS = Finding(
    "loss-here", "bad", "Their packets get lost on the way to us", "3.1 % in 10 s, singly",
    "a full line or weak Wi-Fi, theirs or ours", 12,
)  # fmt: skip
DRIFT = Finding("clock-drift", "warn", "Their clock runs faster than ours", "by 240 ppm", "nothing", 40)
OLD = Finding("sends-late", "warn", "We send too late at times", "up to 14 ms late", "close programs", 5, 30)


def scene(*found: Finding, over: tuple[Finding, ...] = (), row: int = 0, **changes: object):
    made = views.scene(views.call(findings=found, findings_over=over, **changes))
    return views.ui_module.Scene(made.snapshot, made.ui.with_state(Cursor(row)), made.call)


def test_a_finding_with_its_evidence_and_what_to_do() -> None:
    assert drawn(why.draw, 76, 5, scene(LOSS, DRIFT)) == [
        "── why ─────────────────────────────────────────────────────────────────────",
        " !! Their packets get lost on the way to us: 3.1 % in 10 s, singly",
        "    a full line or weak Wi-Fi, theirs or ours",
        " !  Their clock runs faster than ours: by 240 ppm",
        "    nothing",
    ]


def test_nothing_is_called_well_that_does_not_sound_so() -> None:
    silent = views.media(history=(*views.history(), replace(views.history()[-1], received=0)))
    never = views.media(rx=replace(views.media().rx, packets=0))
    early = views.media(here=None, rx=replace(views.media().rx, loss_percent=17.0))
    bad = views.media(here=QualityView(1.4, 20.0, False, "useless packets 55.7 %"))
    for media, said in (
        (silent, "Nothing comes from them at the moment: they are silent, or it is too early to say why."),
        (bad, "It sounded bad a moment ago: MOS 1.4, mostly useless packets 55.7 %. Nothing lasts so far."),
        (never, "Nothing has come from them yet: too early to say why."),
        (early, "17 % was lost so far: too early to say why."),
    ):
        assert drawn(why.draw, 100, 2, scene(media=media))[1] == f" {said}"
        noted = replace(DRIFT, severity="info")
        assert [row[:12] for row in drawn(why.draw, 100, 3, scene(noted, media=media))[1:]] == [
            f" {said}"[:12], " i  Their cl",
        ]  # fmt: skip
        assert "1 more in the view why" in drawn(why.draw, 100, 2, scene(noted, media=media))[0]
        assert drawn(why.draw, 100, 2, scene(LOSS, media=media))[1].startswith(" !! Their packets")
    held = scene(media=silent, held_there=True, state=CallState.HELD)
    assert drawn(why.draw, 100, 2, held)[1].startswith(" Nothing is wrong:")


def test_where_rows_are_scarce_one_each_and_how_many_more() -> None:
    assert drawn(why.draw, 60, 2, scene(LOSS, DRIFT)) == [
        "── why ─────────────────────────── 1 more in the view why ──",
        " !! Their packets get lost on the way to us: 3.1 % in 10 s…",
    ]


def test_what_to_do_about_the_worst_first_where_there_is_some_room() -> None:
    rows = drawn(why.draw, 76, 4, scene(LOSS, DRIFT))
    assert [row[:6] for row in rows[1:]] == [" !! Th", "    a ", " !  Th"]


def test_that_nothing_is_wrong_is_said_with_what_it_rests_upon() -> None:
    assert drawn(why.draw, 76, 2, scene()) == [
        "── why ─────────────────────────────────────────────────────────────────────",
        " Nothing is wrong: 0.1 % lost in all, jitter 4.1 ms, they report 0.4 % los…",
    ]
    assert drawn(why.draw, 76, 2, scene(over=(OLD,), state=CallState.ENDED))[1] == " Nothing was wrong at the end."
    assert drawn(why.draw, 76, 2, scene(media=None))[1] == " No sound yet: nothing to judge."


def test_every_finding_of_the_call_the_chosen_one_in_full() -> None:
    assert drawn(why.draw_list, 50, 9, scene(LOSS, over=(OLD,))) == [
        "── why ────────────────────────── 1 now, 1 over ──",
        "▶!! Their packets get lost on the way to us 00:12",
        "    evidence    3.1 % in 10 s, singly",
        "    what to do  a full line or weak Wi-Fi,",
        "                theirs or ours",
        "    when        since 00:12 into the call",
        " !  We send too late at times          00:05 over",
        "",
        "",
    ]
    assert drawn(why.draw_list, 60, 7, scene(LOSS, DRIFT, over=(OLD,), row=2)) == [
        "── why ──────────────────────────────────── 2 now, 1 over ──",
        " !! Their packets get lost on the way to us           00:12",
        " !  Their clock runs faster than ours                 00:40",
        "▶!  We send too late at times                    00:05 over",
        "    evidence    up to 14 ms late",
        "    what to do  close programs",
        "    when        since 00:05 into the call, until 00:30",
    ]


def test_colour_is_not_needed_to_tell_them_apart() -> None:
    marks = [row[1:3] for row in drawn(why.draw_list, 60, 12, scene(LOSS, DRIFT, row=5))]
    assert "!!" in marks and "! " in marks


def test_the_cursor_goes_through_the_findings_and_stays_among_them() -> None:
    phone = Phone(views.call(findings=(LOSS, DRIFT), findings_over=(OLD,)))
    controls = Controls(phone, Ui(view="why"))
    rows = []
    for name in ("Up", "Down", "j", "j", "k", "PageDown", "PageUp"):
        controls.press(name)
        rows.append(controls.ui.state(Cursor()).row)
    assert rows == [0, 1, 2, 2, 1, 2, 0] and not phone.told


def test_what_is_read_stays_chosen_while_findings_come_and_go() -> None:
    phone = Phone(views.call(findings=(LOSS, DRIFT)))
    controls = Controls(phone, Ui(view="why"))

    def chosen() -> str:
        rows = drawn(why.draw_list, 76, 12, views.ui_module.Scene(phone.snapshot(), controls.ui, phone.calls[0]))
        return next(row[4:] for row in rows if row.startswith("▶")).split("  ")[0]

    controls.press("Down")
    assert chosen() == DRIFT.text
    phone.calls = (views.call(findings=(replace(LOSS, name="worse"), LOSS, DRIFT)),)
    assert chosen() == DRIFT.text
    phone.calls = (views.call(findings=(LOSS,), findings_over=(replace(DRIFT, until_s=90), OLD)),)
    assert chosen() == DRIFT.text, "what is over stands further down, and is still the same"


def test_from_a_row_that_is_gone_the_next_key_moves_at_once() -> None:
    phone = Phone(views.call(findings=(LOSS, DRIFT), findings_over=(OLD,)))
    controls = Controls(phone, Ui(view="why").with_state(Cursor(9)))
    controls.press("Up")
    assert controls.ui.state(Cursor()).row == 1


def test_with_one_finding_the_arrows_choose_the_call() -> None:
    phone = Phone(views.call(1, findings=(LOSS,)), views.held(2))
    controls = Controls(phone, Ui(view="why", selected=1))
    controls.press("Down")
    assert controls.ui.selected == 2


TEXTS = st.text(max_size=200)
FINDINGS = st.builds(
    Finding, st.just("odd"), st.sampled_from(["bad", "warn", "info"]), TEXTS, TEXTS, TEXTS,
    st.integers(0, 10**6), st.none() | st.integers(0, 10**6),
)  # fmt: skip


@settings(deadline=None)
@given(st.lists(FINDINGS, max_size=8), st.integers(0, 90), st.integers(0, 20), st.integers(0, 20))
def test_any_findings_on_any_paper(found: list[Finding], width: int, height: int, row: int) -> None:
    canvas = Canvas(width, height)
    made = scene(*found, row=row)
    why.draw(canvas, canvas.rect, made)
    why.draw_list(canvas, canvas.rect, made)
