"""One call in words."""

from __future__ import annotations

from engine.model import CallState
from tests.widgets import views
from tests.widgets.views import drawn
from widgets import call


def test_where_the_sound_goes() -> None:
    assert drawn(call.draw, 100, 2, views.scene(views.call())) == [
        "── call 1 · Bob <sip:bob@203.0.113.5> ──────────────────────────────────────────────────────────────",
        " RTP      192.0.2.10:10000 → 203.0.113.5:4000      RTCP     192.0.2.10:10001 → 203.0.113.5:4001",
    ]
    assert drawn(call.draw, 80, 2, views.scene(views.call()))[1] == (
        " RTP      192.0.2.10:10000 → 203.0.113.5:4000   RTCP 10001 → 4001"
    )


def test_rtcp_elsewhere_is_written_out() -> None:
    media = views.media(remote_rtcp=("198.51.100.9", 7), local=("2001:db8::1", 4000))
    assert drawn(call.draw, 80, 3, views.scene(views.call(media=media)))[1:] == [
        " RTP      [2001:db8::1]:4000 → 203.0.113.5:4000",
        " RTCP     192.0.2.10:10001 → 198.51.100.9:7",
    ]


def test_everything_there_is_to_say() -> None:
    busy = views.call(digits_sent="123#", digits_received="5", recording="far.wav", auto_answered=True)
    assert drawn(call.draw, 60, 6, views.scene(busy)) == [
        "── call 1 · Bob <sip:bob@203.0.113.5> ──────────────────────",
        " state    answered automatically",
        " digits   sent 123#  received 5",
        " RTP      192.0.2.10:10000 → 203.0.113.5:4000",
        " RTCP     192.0.2.10:10001 → 203.0.113.5:4001",
        " record   far.wav",
    ]


def test_ringing() -> None:
    assert drawn(call.draw, 60, 2, views.scene(views.ringing())) == [
        "── call 2 · Carol <sip:carol@198.51.100.7> ─────────────────",
        " state    they are calling you: a to answer or r to reject",
    ]


def test_on_the_way() -> None:
    dialling = views.call(state=CallState.DIALLING, media=None)
    progress = views.call(state=CallState.PROGRESS, media=None, status=183, reason="session progress", early_media=True)
    assert drawn(call.draw, 60, 2, views.scene(dialling))[1] == " state    calling, no answer yet"
    assert drawn(call.draw, 60, 2, views.scene(progress))[1] == " state    early media: session progress (183)"


def test_held() -> None:
    assert drawn(call.draw, 60, 2, views.scene(views.held()))[1] == " audio    we only send"


def test_ended() -> None:
    over = views.call(state=CallState.ENDED, reason="they hung up", status=200)
    assert drawn(call.draw, 60, 2, views.scene(views.ended()))[1] == " ended    busy (486)"
    assert drawn(call.draw, 60, 2, views.scene(over))[1] == " ended    they hung up, after 03:12"
    assert drawn(call.draw, 60, 2, views.scene(views.call(state=CallState.ENDED)))[1].startswith(" ended    no reason")
