"""JSON lines: the very keys, the very types, and nothing a reader could choke on."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import model
from engine.model import CallState
from tests.widgets import views
from widgets.jsonlines import JsonFace

FIGURES = [
    *("type", "time", "call", "peer", "codec", "tx", "rx", "jitter_ms", "loss_percent", "rtt_ms", "buffer_ms"),
    *("target_ms", "concealed_ms", "stretched_ms", "drift_ppm", "level_dbfs", "microphone", "card", "mos", "bursts"),
    "remote",
]


def line_of(event: model.Event) -> str:
    lines: list[str] = []
    JsonFace(lines.append, clock=lambda: 1_700_000_000.25).event(event)
    return "".join(lines)


def of(event: model.Event) -> dict[str, Any]:
    value = json.loads(line_of(event))
    assert isinstance(value, dict)
    return value


def test_stats() -> None:
    assert of(model.Stats(views.call())) == {
        "type": "stats",
        "time": 1_700_000_000.25,
        "call": 1,
        "peer": "sip:bob@203.0.113.5",
        "codec": "PCMU",
        "tx": {"packets": 9601, "bytes": 1536160, "redundancy": 0},
        "rx": {
            "packets": 9589,
            "bytes": 1534240,
            "lost": 12,
            "late": 3,
            "duplicate": 0,
            "reordered": 1,
            "discarded": 0,
            "recovered": 0,
            "foreign": 0,
        },
        "jitter_ms": 4.1,
        "loss_percent": 0.13,
        "rtt_ms": 43.2,
        "buffer_ms": 43.0,
        "target_ms": 40.0,
        "concealed_ms": 160.0,
        "stretched_ms": {"accelerated": 70.0, "expanded": 20.0},
        "drift_ppm": 12.3,
        "level_dbfs": {"in": -31.0, "out": -18.0},
        "microphone": {"noise_floor_dbfs": None, "clipped": 0, "trouble": None},
        "card": {"ok": None, "underruns": None, "overruns": None},
        "mos": {"here": 4.38, "there": 3.98, "cause_here": "loss 0.1 %", "cause_there": "loss 0.4 %"},
        "bursts": {"runs": [6, 1, 0, 1, 0, 0], "mean_run": 1.5},
        "remote": {"lost": 38, "loss_percent": 0.4, "jitter_ms": 12.0, "malformed": 0},
    }


def test_what_came_from_somebody_else_and_what_could_not_be_read_are_counted() -> None:
    media = views.media(rx=model.RxView(foreign=7), rtcp=model.RtcpView(malformed=3))
    stats = of(model.Stats(views.call(media=media)))
    assert stats["rx"]["foreign"] == 7
    assert stats["remote"] == {"lost": None, "loss_percent": None, "jitter_ms": None, "malformed": 3}


def test_nothing_is_nought_below_zero() -> None:
    media = views.media(rx=model.RxView(drift_ppm=-0.0, jitter_ms=-1e-9), level_in=model.LevelView(-0.04, 0.0))
    assert "-0" not in line_of(model.Stats(views.call(media=media)))


def test_stats_of_a_call_just_answered_make_up_nothing() -> None:
    media = views.media(tx=model.TxView(), rx=model.RxView(), rtcp=model.RtcpView())
    stats = of(model.Stats(views.call(media=media)))
    assert list(stats) == FIGURES
    unknown = ("jitter_ms", "loss_percent", "rtt_ms", "buffer_ms", "target_ms", "drift_ppm")
    assert [stats[name] for name in unknown] == [None] * 6
    assert stats["remote"] == {"lost": None, "loss_percent": None, "jitter_ms": None, "malformed": 0}


def test_ended_carries_the_totals() -> None:
    over = views.call(state=CallState.ENDED)
    ended = of(model.Ended(over, 200, "they hung up", 0))
    assert list(ended) == [*FIGURES, "reason", "status", "duration_s"]
    assert (ended["reason"], ended["status"], ended["duration_s"]) == ("they hung up", 200, 192.4)
    assert ended["rx"]["packets"] == 9589


def test_ended_without_media() -> None:
    ended = of(model.Ended(views.ended(), 486, "busy", 10))
    assert ended["codec"] is None and ended["concealed_ms"] is None
    assert ended["tx"] == {"packets": 0, "bytes": 0, "redundancy": 0}
    assert ended["level_dbfs"] == {"in": None, "out": None}
    assert ended["duration_s"] == 0.0


@pytest.mark.parametrize(
    ("event", "fields"),
    [
        (
            model.Ready("sip:anna@192.0.2.10:5060", ("192.0.2.10", 5060)),
            {"type": "ready", "uri": "sip:anna@192.0.2.10:5060", "address": ["192.0.2.10", 5060]},
        ),
        (
            model.Incoming(views.ringing(), auto_answer=True),
            {"type": "incoming", "call": 2, "peer": "sip:carol@198.51.100.7", "name": "Carol", "auto_answer": True},
        ),
        (
            model.Progress(views.call(early_media=True), 183, "Session Progress"),
            {"type": "progress", "call": 1, "status": 183, "reason": "Session Progress", "early_media": True},
        ),
        (
            model.Answered(views.call()),
            {
                "type": "answered",
                "codec": "PCMU",
                "clock_rate_hz": 8000,
                "sample_rate_hz": 8000,
                "ptime_ms": 20.0,
                "remote": ["203.0.113.5", 4000],
            },
        ),
        (model.Answered(views.call(media=None)), {"type": "answered", "codec": None, "remote": None}),
        (model.Held(views.held()), {"type": "held", "call": 3, "here": True, "there": False}),
        (model.Joined(views.call(conference=True)), {"type": "conference", "call": 1, "joined": True}),
        (model.Dtmf(views.call(), "5", 120), {"type": "dtmf", "call": 1, "digit": "5", "duration_ms": 120.0}),
        (
            model.Probed("sip:bob@h", 486, "Busy\x1b[2J", 12.34, ("INVITE", "BYE"), (), 0),
            {
                "type": "probed",
                "uri": "sip:bob@h",
                "status": 486,
                "reason": "Busy[2J",
                "took_ms": 12.3,
                "methods": ["INVITE", "BYE"],
                "codecs": None,
            },
        ),
        (
            model.Probed("sip:bob@h", None, "no answer", None, (), (), 11),
            {"type": "probed", "status": None, "reason": "no answer", "took_ms": None, "methods": None},
        ),
        (model.Error("card lost"), {"type": "error", "text": "card lost"}),
        (
            model.Message(1, "out", ("192.0.2.7", 5060), "BYE sip:bob SIP/2.0\r\nVia: \x1bx\r\n\r\n"),
            {"type": "message", "call": 1, "direction": "out", "text": "BYE sip:bob SIP/2.0\nVia: x\n\n"},
        ),
    ],
)
def test_events(event: model.Event, fields: dict[str, Any]) -> None:
    value = of(event)
    assert {name: value[name] for name in fields} == fields
    assert isinstance(value["time"], float)


def test_the_log_is_for_people() -> None:
    assert line_of(model.Log(views.log()[0])) == ""


def strings(value: object) -> list[str]:
    """Every string in a JSON value."""
    if isinstance(value, dict):
        return [text for part in (*value.keys(), *value.values()) for text in strings(part)]
    if isinstance(value, list):
        return [text for part in value for text in strings(part)]
    return [value] if isinstance(value, str) else []


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text(), st.floats(), st.floats())
def test_whatever_a_peer_writes(name: str, reason: str, talk_s: float, jitter_ms: float) -> None:
    media = views.media(rx=model.RxView(jitter_ms=jitter_ms, concealed_ms=jitter_ms), codec=name)
    call = views.call(peer_name=name, peer_uri=reason, talk_s=talk_s, media=media)
    for event in (model.Incoming(call, False), model.Stats(call), model.Ended(call, None, reason, 0)):
        line = line_of(event)
        assert line.isascii() and line.endswith("\n") and line[:-1].isprintable()
        value = json.loads(line, parse_constant=lambda constant: pytest.fail(constant))
        assert all(text.isprintable() or not text for text in strings(value))
        assert not any(math.isnan(number) for number in value.values() if isinstance(number, float))


def test_a_card_tells_how_often_it_was_not_in_time() -> None:
    sound = model.SoundView("file", underruns=3, overruns=1)  # the loudspeaker is a card all the same
    assert of(model.Stats(views.call(), sound))["card"] == {"ok": True, "underruns": 3, "overruns": 1}
    assert of(model.Ended(views.ended(), 486, "busy", 10, sound))["card"] == {"ok": True, "underruns": 3, "overruns": 1}
    assert of(model.Stats(views.call(), model.SoundView("null")))["card"] == {
        "ok": None,
        "underruns": None,
        "overruns": None,
    }
