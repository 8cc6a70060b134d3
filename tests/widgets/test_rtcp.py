"""What the far end reports."""

from __future__ import annotations

from engine.model import RemoteReport, RtcpView
from tests.widgets import views
from tests.widgets.views import drawn
from widgets import rtcp, ui
from widgets.canvas import Canvas

SCENE = views.scene(views.call())


def with_reports(view: RtcpView) -> ui.Scene:
    return views.scene(views.call(media=views.media(rtcp=view)))


def test_beside_each_other() -> None:
    assert drawn(rtcp.draw, 50, 5, SCENE) == [
        "── the far end reports ─────────── RTCP 3 s ago ──",
        " lost         38 (0.4 %)  SR         38 out 37 in",
        " jitter            12 ms  RR           0 out 1 in",
        " round trip        43 ms  XR           0 out 0 in",
        " cname    5f0c2a@example  BYE          0 out 0 in",
    ]


def test_narrow() -> None:
    assert drawn(rtcp.draw, 31, 9, SCENE) == [
        "── far end reports ─ 3 s ago ──",
        " lost               38 (0.4 %)",
        " jitter                  12 ms",
        " round trip              43 ms",
        " cname          5f0c2a@example",
        " SR               38 out 37 in",
        " RR                 0 out 1 in",
        " XR                 0 out 0 in",
        " BYE                0 out 0 in",
    ]


def test_nothing_heard_yet() -> None:
    assert drawn(rtcp.draw, 50, 5, with_reports(RtcpView(sr_sent=1))) == [
        "── the far end reports ──────────── nothing yet ──",
        " lost                  -  SR           1 out 0 in",
        " jitter                -  RR           0 out 0 in",
        " round trip            -  XR           0 out 0 in",
        " cname                 -  BYE          0 out 0 in",
    ]


def test_what_could_not_be_read_is_counted() -> None:
    assert drawn(rtcp.draw, 50, 5, with_reports(RtcpView(unknown_received=2, malformed=1)))[4] == (
        " cname                 -  not read              1"
    )
    assert drawn(rtcp.draw, 50, 5, with_reports(RtcpView(unknown_received=2)))[4] == (
        " cname                 -  BYE          0 out 0 in"
    )


def test_a_name_from_the_far_end_is_safe() -> None:
    assert drawn(rtcp.draw, 50, 5, with_reports(RtcpView(cname="a\x1b[31mb\u202e" + "x" * 300)))[4] == (
        " cname  a^[[31mb\\u202ex…  BYE          0 out 0 in"
    )


def test_old_reports_are_marked() -> None:
    canvas = Canvas(50, 5)
    report = RemoteReport(lost=3, loss_percent=4.0, jitter_ms=70.0, age_s=16.0, total_loss_percent=6.0)
    rtcp.draw(canvas, canvas.rect, with_reports(RtcpView(remote=report, rtt_ms=900.0)))
    rows = canvas.rows()
    assert canvas.style_at(rows[0].index("16 s"), 0) == "warn"
    assert [canvas.style_at(23, y) for y in (1, 2, 3)] == ["bad", "bad", "bad"]


def test_nobody_reports_about_a_stream_that_is_held() -> None:
    canvas = Canvas(50, 5)
    report = RemoteReport(lost=3, loss_percent=0.0, jitter_ms=1.0, age_s=160.0)
    media = views.media(rtcp=RtcpView(remote=report), direction="inactive")
    rtcp.draw(canvas, canvas.rect, views.scene(views.call(media=media)))
    assert canvas.style_at(canvas.rows()[0].index("160 s"), 0) == "dim"
