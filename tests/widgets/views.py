"""Sample values to draw: a phone with calls in every state, with times that read the same in every time zone."""

from __future__ import annotations

import math
import time
from dataclasses import replace

from engine.model import (
    BurstsView,
    CallState,
    CallView,
    HistoryPoint,
    LevelView,
    LogLine,
    MediaView,
    NetworkView,
    QualityView,
    RemoteReport,
    RtcpView,
    RxView,
    Snapshot,
    SoundView,
    TxView,
)
from widgets import ui as ui_module
from widgets.canvas import Canvas, Rect
from widgets.ui import KeyHint, Scene, Ui

NOW = time.mktime((2026, 3, 4, 15, 42, 7, 0, 0, -1))  # 15:42:07 wherever the test runs

KEYS = (
    KeyHint("d", "dial", "call an address"),
    KeyHint("a", "answer", "take the call that rings"),
    KeyHint("r", "reject", "decline the call that rings"),
    KeyHint("h", "hang up", "end the selected call"),
    KeyHint("m", "mute", "send silence instead of the microphone"),
    KeyHint("o", "hold", "put the selected call on hold, or take it back"),
    KeyHint("0-9*#", "digits", "send digits (DTMF)"),
    KeyHint("Up", "", "select the call above"),
    KeyHint("Down", "", "select the call below"),
    KeyHint("+", "", "louder"),
    KeyHint("-", "", "quieter"),
    KeyHint("Tab", "log", "the whole log"),
    KeyHint("?", "help", "this page"),
    KeyHint("q", "quit", "hang up and leave"),
)


def keys(*labels: str) -> tuple[KeyHint, ...]:
    """The key table with only these labels enabled."""
    return tuple(replace(hint, enabled=hint.label in labels) for hint in KEYS)


def history(seconds: int = 120, spike: int = 30) -> tuple[HistoryPoint, ...]:
    """A quiet call with one bad moment ``spike`` seconds ago."""
    points = []
    for second in range(seconds):
        bad = math.exp(-(((second - (seconds - spike)) / 3.0) ** 2))
        points.append(
            HistoryPoint(
                loss_percent=round(8.0 * bad, 1) if bad > 0.05 else 0.0,
                jitter_ms=4.0 + 1.5 * math.sin(second / 5) + 30 * bad,
                buffer_ms=40.0 + 50 * bad,
                in_dbfs=-31.0,
                out_dbfs=-18.0,
                received=50,
            )
        )
    return tuple(points)


def media(**changes: object) -> MediaView:
    view = MediaView(
        codec="PCMU",
        clock_rate_hz=8000,
        sample_rate_hz=8000,
        channels=1,
        ptime_ms=20.0,
        local=("192.0.2.10", 10000),
        local_rtcp=("192.0.2.10", 10001),
        remote=("203.0.113.5", 4000),
        remote_rtcp=("203.0.113.5", 4001),
        direction="sendrecv",
        tx=TxView(9601, 1_536_160, 50.0, 0.4),
        rx=RxView(9589, 1_534_240, 49.9, 12, 0.13, 3, 0, 1, 0, 0, 4.1, 43.0, 40.0, 160.0, 70.0, 20.0, 12.3),
        rtcp=RtcpView(
            38, 0, 0, 37, 1, 38, cname="5f0c2a@example", rtt_ms=43.2, remote=RemoteReport(38, 0.4, 12.0, 3.2, 0.4)
        ),
        level_in=LevelView(-31.0, -27.0),
        level_out=LevelView(-18.0, -12.0),
        history=history(),
        here=QualityView(4.38, 91.9, False, "loss 0.1 %"),
        there=QualityView(3.98, 79.0, False, "loss 0.4 %"),
        mean_mos_here=4.31,
        mean_mos_there=4.05,
        bursts=BurstsView((6, 1, 0, 1, 0, 0), 1.5, 0.3, 0.001, 5.0, 1200.0),
    )
    return replace(view, **changes)  # type: ignore[arg-type]


def call(number: int = 1, state: CallState = CallState.TALKING, **changes: object) -> CallView:
    view = CallView(
        id=number,
        direction="out",
        state=state,
        peer_uri="sip:bob@203.0.113.5",
        peer_name="Bob",
        state_s=4.2,
        talk_s=192.4,
        media=media(),
    )
    return replace(view, **changes)  # type: ignore[arg-type]


def ringing(number: int = 2) -> CallView:
    return call(
        number,
        CallState.RINGING,
        direction="in",
        peer_uri="sip:carol@198.51.100.7",
        peer_name="Carol",
        talk_s=0.0,
        media=None,
    )


def held(number: int = 3) -> CallView:
    return call(
        number,
        CallState.HELD,
        peer_uri="sip:dave@example.net",
        peer_name="",
        held_here=True,
        talk_s=721.0,
        media=media(codec="PCMA", direction="sendonly"),
    )


def ended(number: int = 4) -> CallView:
    return call(
        number,
        CallState.ENDED,
        peer_uri="sip:eve@example.org",
        peer_name="Eve",
        talk_s=0.0,
        status=486,
        reason="busy",
        media=None,
    )


def log() -> tuple[LogLine, ...]:
    return (
        LogLine(NOW - 200, "info", "sip", "ready on 192.0.2.10:5060 (UDP)"),
        LogLine(NOW - 199, "info", "call", "calling sip:bob@203.0.113.5"),
        LogLine(NOW - 196, "info", "call", "ringing there (180 Ringing)"),
        LogLine(NOW - 192, "info", "media", "PCMU 8 kHz, 20 ms, 192.0.2.10:10000 to 203.0.113.5:4000"),
        LogLine(NOW - 30, "warn", "media", "call 1 lost 8 % of a second"),
        LogLine(NOW - 4, "info", "call", "Carol <sip:carol@198.51.100.7> is calling"),
    )


def snapshot(*calls: CallView, **changes: object) -> Snapshot:
    view = Snapshot(
        time=NOW,
        local_uri="sip:anna@192.0.2.10:5060",
        transport="UDP",
        calls=calls,
        sound=SoundView("device", "Built-in Audio"),
        network=NetworkView(),
        log=log(),
    )
    return replace(view, **changes)  # type: ignore[arg-type]


def four_calls() -> Snapshot:
    return snapshot(call(1), ringing(2), held(3), ended(4))


def ui(**changes: object) -> Ui:
    return replace(Ui(keys=KEYS), **changes)  # type: ignore[arg-type]


def scene(*calls: CallView, **changes: object) -> Scene:
    """A scene about the first of these calls."""
    view = ui(**{"selected": calls[0].id if calls else None, **changes})
    return ui_module.scene(snapshot(*calls), view)


def drawn(draw, width: int, height: int, *values: object, glyphs: str = "unicode") -> list[str]:  # type: ignore[no-untyped-def]
    """The rows a widget draws on a canvas of its own, without the spaces at their ends."""
    canvas = Canvas(width, height, glyphs)
    draw(canvas, Rect(0, 0, width, height), *values)
    return [row.rstrip() for row in canvas.rows()]
