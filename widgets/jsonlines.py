"""The face for programs: one JSON object a line, ``type`` and ``time`` first.

``stats`` and ``ended`` carry the same figures under the same names whatever happened; what is not known is
``null``. Lines are ASCII, hold no control characters, and never ``NaN``.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable
from typing import Any

from engine import model
from widgets import text

Fields = dict[str, Any]


class JsonFace:
    """Turns events into JSON lines; ``write`` gets whole lines with their line end."""

    def __init__(self, write: Callable[[str], object], clock: Callable[[], float] = time.time) -> None:
        self._write = write
        self._clock = clock

    def event(self, event: model.Event) -> None:
        if isinstance(event, model.Log) and _is_trouble(event.line):
            event = model.Error(event.line.text)
        describe = _DESCRIBERS.get(type(event))
        if describe is None:
            return
        kind, fields = describe(event)
        line = {"type": kind, "time": rounded(self._clock(), 3), **fields}
        self._write(json.dumps(line, ensure_ascii=True, allow_nan=False) + "\n")


def _is_trouble(line: model.LogLine) -> bool:
    """Errors, and what is wrong with the sound; what strangers try is no trouble of the call's."""
    return line.level == "error" or (line.level == "warn" and line.source in ("sound", "media"))


def left_out(count: int) -> str:
    """The line that stands for so many others, which nobody read in time."""
    text_of_it = f"{count} {'line' if count == 1 else 'lines'} left out: nobody read them"
    return json.dumps({"type": "error", "time": rounded(time.time(), 3), "text": text_of_it}) + "\n"


def rounded(value: float | None, digits: int) -> float | None:
    """A number JSON can hold, or None; what rounds to nothing has no sign."""
    return None if value is None or not math.isfinite(value) else round(float(value), digits) + 0.0


def _who(call: model.CallView) -> Fields:
    return {"call": call.id, "peer": text.stripped(call.peer_uri)}


def _whose(call: model.CallView) -> Fields:
    contact = text.stripped(call.contact) or None
    return {**_who(call), "name": text.stripped(call.peer_name), "contact": contact, "direction": call.direction}


def figures(call: model.CallView, sound: model.SoundView | None = None) -> Fields:
    """Everything counted of one call, as ``stats`` and ``ended`` carry it.

    ``mos`` is of the last seconds while the call goes on, and of the whole call when it has ended.
    """
    media = call.media
    tx, rx, rtcp = (media.tx, media.rx, media.rtcp) if media else (model.TxView(), model.RxView(), model.RtcpView())
    return {
        **_who(call),
        "codec": text.stripped(media.codec) if media else None,
        "tx": {"packets": tx.packets, "bytes": tx.bytes, "redundancy": tx.redundancy},
        "rx": {
            "packets": rx.packets,
            "bytes": rx.bytes,
            "lost": rx.lost,
            "late": rx.late,
            "duplicate": rx.duplicate,
            "reordered": rx.reordered,
            "discarded": rx.discarded,
            "recovered": rx.recovered,
            "foreign": rx.foreign,
        },
        "jitter_ms": rounded(rx.jitter_ms, 3),
        "loss_percent": rounded(rx.loss_percent, 3),
        "rtt_ms": rounded(rtcp.rtt_ms, 3),
        "buffer_ms": rounded(rx.buffer_ms, 1),
        "target_ms": rounded(rx.target_ms, 1),
        "concealed_ms": rounded(rx.concealed_ms, 1) if media else None,
        "stretched_ms": {
            "accelerated": rounded(rx.accelerated_ms, 1) if media else None,
            "expanded": rounded(rx.expanded_ms, 1) if media else None,
        },
        "drift_ppm": rounded(rx.drift_ppm, 1),
        "level_dbfs": _levels(media),
        "microphone": _microphone(media),
        "card": _card(sound),
        "mos": _opinions(call),
        "bursts": _bursts(media),
        "remote": _remote(rtcp),
    }


def _opinions(call: model.CallView) -> Fields:
    media = call.media
    if media is None:
        return {"here": None, "there": None, "cause_here": None, "cause_there": None}
    here, there = media.here, media.there
    if call.state is model.CallState.ENDED:
        mos_here, mos_there = media.mean_mos_here, media.mean_mos_there
    else:
        mos_here, mos_there = (None if found is None else found.mos for found in (here, there))
    return {
        "here": rounded(mos_here, 2),
        "there": rounded(mos_there, 2),
        "cause_here": here.cause or None if here else None,
        "cause_there": there.cause or None if there else None,
    }


def _bursts(media: model.MediaView | None) -> Fields:
    """How many runs of 1, 2, 3, 4, 5 to 8 and more lost packets there were, and how long they were on average."""
    if media is None or media.bursts is None:
        return {"runs": None, "mean_run": None}
    return {"runs": list(media.bursts.runs), "mean_run": rounded(media.bursts.mean_run, 2)}


def _levels(media: model.MediaView | None) -> Fields:
    if media is None:
        return {"in": None, "out": None}
    return {"in": rounded(media.level_in.rms_dbfs, 1), "out": rounded(media.level_out.rms_dbfs, 1)}


def _microphone(media: model.MediaView | None) -> Fields:
    if media is None:
        return {"noise_floor_dbfs": None, "clipped": None, "trouble": None}
    heard = media.microphone
    floor = rounded(heard.noise_floor_dbfs, 1)
    return {"noise_floor_dbfs": floor, "clipped": heard.clipped, "trouble": heard.trouble or None}


def _card(sound: model.SoundView | None) -> Fields:
    """Is it there, how often had it nothing to play or to give, and too much; unknown where none is used."""
    if sound is None or sound.underruns is None:
        return {"ok": None, "underruns": None, "overruns": None}
    return {"ok": sound.ok, "underruns": sound.underruns, "overruns": sound.overruns}


def _remote(rtcp: model.RtcpView) -> Fields:
    """What they reported last, and how much of their RTCP could not be read."""
    report = rtcp.remote
    return {
        "lost": None if report is None else report.lost,
        "loss_percent": None if report is None else rounded(report.loss_percent, 3),
        "jitter_ms": None if report is None else rounded(report.jitter_ms, 3),
        "malformed": rtcp.malformed,
    }


def _agreed(media: model.MediaView | None) -> Fields:
    """What the answer fixed."""
    if media is None:
        return dict.fromkeys(("codec", "clock_rate_hz", "sample_rate_hz", "ptime_ms", "local", "remote"))
    return {
        "codec": text.stripped(media.codec),
        "clock_rate_hz": media.clock_rate_hz,
        "sample_rate_hz": media.sample_rate_hz,
        "ptime_ms": rounded(media.ptime_ms, 1),
        "local": _address(media.local),
        "remote": _address(media.remote),
    }


def _address(where: tuple[str, int] | None) -> list[str | int] | None:
    return None if where is None else [text.stripped(where[0]), where[1]]


# ------------------------------------------------------------------ one function an event


def _ready(event: model.Ready) -> tuple[str, Fields]:
    return "ready", {"uri": text.stripped(event.local_uri), "address": _address(event.address)}


def _incoming(event: model.Incoming) -> tuple[str, Fields]:
    return "incoming", {**_whose(event.call), "auto_answer": event.auto_answer}


def _progress(event: model.Progress) -> tuple[str, Fields]:
    reason = text.stripped(event.reason)
    early = event.call.early_media
    return "progress", {**_whose(event.call), "status": event.status, "reason": reason, "early_media": early}


def _answered(event: model.Answered) -> tuple[str, Fields]:
    automatic = event.call.auto_answered
    return "answered", {**_whose(event.call), **_agreed(event.call.media), "auto_answered": automatic}


def _held(event: model.Held) -> tuple[str, Fields]:
    return "held", {**_who(event.call), "here": event.call.held_here, "there": event.call.held_there}


def _joined(event: model.Joined) -> tuple[str, Fields]:
    return "conference", {**_who(event.call), "joined": event.call.conference}


def _dtmf(event: model.Dtmf) -> tuple[str, Fields]:
    duration_ms = rounded(event.duration_ms, 1)
    return "dtmf", {**_who(event.call), "digit": text.stripped(event.digit), "duration_ms": duration_ms}


def _stats(event: model.Stats) -> tuple[str, Fields]:
    return "stats", figures(event.call, event.sound)


def _diagnosis(event: model.Diagnosis) -> tuple[str, Fields]:
    """Told when a finding begins to hold and when it is over."""
    found = event.finding
    return "diagnosis", {
        **_who(event.call),
        "name": found.name,
        "active": found.until_s is None,
        "severity": found.severity,
        "text": text.stripped(found.text),
        "evidence": text.stripped(found.evidence),
        "advice": text.stripped(found.advice),
        "since_s": found.since_s,
        "until_s": found.until_s,
    }


def _message(event: model.Message) -> tuple[str, Fields]:
    """A SIP message; the only control characters left in its text are the ends of its lines, as ``\\n``."""
    lines = "\n".join(text.stripped(line) for line in event.text.replace("\r\n", "\n").split("\n"))
    fields = {"call": event.call, "direction": event.direction, "remote": _address(event.peer), "text": lines}
    return "message", fields


def _probed(event: model.Probed) -> tuple[str, Fields]:
    return "probed", {
        "uri": text.stripped(event.uri),
        "status": event.status,
        "reason": text.stripped(event.reason),
        "took_ms": rounded(event.took_ms, 1),
        "methods": [text.stripped(name) for name in event.methods] or None,
        "codecs": [text.stripped(name) for name in event.codecs] or None,
    }


def _error(event: model.Error) -> tuple[str, Fields]:
    return "error", {"text": text.stripped(event.text)}


def _ended(event: model.Ended) -> tuple[str, Fields]:
    duration_s = rounded(event.call.talk_s, 3)
    reason = text.stripped(event.reason)
    return "ended", {
        **figures(event.call, event.sound),
        "reason": reason,
        "status": event.status,
        "duration_s": duration_s,
    }


_DESCRIBERS: dict[type, Callable[[Any], tuple[str, Fields]]] = {
    model.Ready: _ready,
    model.Incoming: _incoming,
    model.Progress: _progress,
    model.Answered: _answered,
    model.Held: _held,
    model.Joined: _joined,
    model.Dtmf: _dtmf,
    model.Stats: _stats,
    model.Diagnosis: _diagnosis,
    model.Message: _message,
    model.Probed: _probed,
    model.Error: _error,
    model.Ended: _ended,
}
