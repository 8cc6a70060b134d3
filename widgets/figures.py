"""Numbers and names as people read them: durations, sizes, levels, addresses, who the peer is.

One look for all faces. ``None`` and numbers that are none (NaN, infinity) are shown as ``-``, never as zero.
"""

from __future__ import annotations

import math
import time
import unicodedata
from functools import lru_cache

from engine import model
from widgets import text

THIS_YEAR_S = 300 * 86400.0  # what is longer ago is told with its year
UNKNOWN = "-"
CONTACT = "★"  # before the name of a contact: it is the user's, not the caller's
SILENCE_DBFS = -90.0  # below this there is nothing to hear

DIRECTIONS = {
    "sendrecv": "both ways",
    "sendonly": "we only send",
    "recvonly": "we only listen",
    "inactive": "nobody sends",
}


VOICE_WORDS = {
    "echo": "echo taken out",
    "noise": "noise turned down",
    "gain": "level made even",
    "duck": "turned down while they speak",
}


def known(value: float | None) -> bool:
    """Whether there is a number to show."""
    return value is not None and math.isfinite(value)


def duration(seconds: float | None) -> str:
    """``03:12``, ``1:03:12`` from an hour on, ``4d 03h`` from four days on."""
    if seconds is None or not math.isfinite(seconds):
        return UNKNOWN
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes:02d}:{rest:02d}"
    hours, minutes = divmod(minutes, 60)
    if hours < 96:
        return f"{hours}:{minutes:02d}:{rest:02d}"
    return f"{hours // 24}d {hours % 24:02d}h"


def spoken(seconds: float | None) -> str:
    """``12 seconds``, ``3 minutes 12``, ``1 hour 3 minutes``: a duration as it is said, not as a clock shows it."""
    if seconds is None or not math.isfinite(seconds):
        return "an unknown time"
    whole = max(0, int(seconds))
    minutes, rest = divmod(whole, 60)
    if not minutes:
        return _some(whole, "second")
    if minutes < 60:
        return f"{_some(minutes, 'minute')} {rest}" if rest else _some(minutes, "minute")
    hours, minutes = divmod(minutes, 60)
    return f"{_some(hours, 'hour')} {_some(minutes, 'minute')}" if minutes else _some(hours, "hour")


def _some(number: int, what: str) -> str:
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


@lru_cache(maxsize=256)
def _clock(second: int) -> str:
    try:
        return time.strftime("%H:%M:%S", time.localtime(second))
    except (OverflowError, ValueError, OSError):
        return "--:--:--"


def clock(epoch_s: float) -> str:
    """The local time of day."""
    return _clock(math.floor(epoch_s)) if math.isfinite(epoch_s) else "--:--:--"


@lru_cache(maxsize=256)
def day(epoch_s: float) -> str:
    """The local date, ``2026-03-04``."""
    try:
        return time.strftime("%Y-%m-%d", time.localtime(epoch_s))
    except (OverflowError, ValueError, OSError):
        return "----------"


def voice(sound: model.SoundView) -> str:
    """What is done to the microphone."""
    return ", ".join(VOICE_WORDS.get(step, step) for step in sound.voice) or "sent as it is"


def count(number: int) -> str:
    """``9,601``; from ten million on ``12.3 M``."""
    return f"{number:,}" if abs(number) < 10_000_000 else _scaled(number, "")


def size(octets: int) -> str:
    """``812 B``, ``1.6 MB``."""
    return f"{octets} B" if abs(octets) < 1000 else _scaled(octets, "B")


def _scaled(number: float, unit: str) -> str:
    for prefix in ("k", "M", "G", "T"):
        number /= 1000
        if abs(number) < 999.5 or prefix == "T":
            break
    return f"{number:.1f} {prefix}{unit}" if abs(number) < 99.95 else f"{number:.0f} {prefix}{unit}"


def rate(per_second: float | None) -> str:
    """``50.0/s``."""
    if per_second is None or not math.isfinite(per_second):
        return UNKNOWN
    return f"{per_second:.1f}/s" if abs(per_second) < 1000 else f"{per_second:,.0f}/s"


def millis(value: float | None) -> str:
    """``4.1 ms``, ``43 ms``, ``12.3 s``."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    if abs(value) < 9.95:
        return f"{value:.1f} ms"
    return f"{value:.0f} ms" if abs(value) < 9999.5 else f"{value / 1000:,.1f} s"


def percent(value: float | None) -> str:
    """``0.1 %``, ``38 %``."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{value:.1f} %" if abs(value) < 9.95 else f"{value:.0f} %"


def mos(value: float | None) -> str:
    """``4.4``: a mean opinion score."""
    return UNKNOWN if value is None or not math.isfinite(value) else f"{value:.1f}"


def mos_style(value: float | None) -> str:
    """Below 3.6 some are dissatisfied, below 3.1 many (ITU-T G.107 annex B)."""
    if value is None or not math.isfinite(value):
        return "dim"
    return "bad" if value < 3.1 else "warn" if value < 3.6 else "ok"


def octaves(low_hz: float, high_hz: float) -> float:
    """How many there are from one frequency to the other."""
    return math.log2(high_hz / low_hz)


def ppm(value: float | None) -> str:
    """``+12 ppm``: how much faster a clock runs."""
    if value is None or not math.isfinite(value):
        return UNKNOWN
    return f"{round(value):+d} ppm"


def dbfs(value: float) -> str:
    """``-18 dBFS``, or that there is silence."""
    if not math.isfinite(value):
        return UNKNOWN
    return "silence" if value <= SILENCE_DBFS else f"{value:.0f} dBFS"


def codec(media: model.MediaView) -> str:
    """``PCMU 8 kHz``, ``L16 44.1 kHz stereo``."""
    name = f"{visible_line(media.codec)} {media.sample_rate_hz / 1000:g} kHz"
    if media.channels == 1:
        return name
    return f"{name} stereo" if media.channels == 2 else f"{name} {media.channels} channels"


def address(where: tuple[str, int] | None) -> str:
    """``192.0.2.1:4000``, ``[2001:db8::1]:4000``."""
    if where is None:
        return UNKNOWN
    host = visible_line(where[0])
    return f"[{host}]:{where[1]}" if ":" in host else f"{host}:{where[1]}"


@lru_cache(maxsize=512)
def visible_line(line: str) -> str:
    """Text from anywhere, safe to paint; remembered, because a screen shows the same lines many times."""
    return text.visible(line)


@lru_cache(maxsize=256)
def named(name: str, contact: str) -> str:
    """The other party's name: the user's own for a contact, with a star; else what they call themselves, which may
    be anything, but cannot look like that.
    """
    if contact:
        return f"{CONTACT} {text.visible(contact)}"
    name = text.visible(name).strip()
    starry = name[:1] == "*" or (name and unicodedata.category(name[0]) in ("So", "Sm"))
    return f'"{name}"' if starry else name


@lru_cache(maxsize=256)
def _peer(name: str, uri: str, columns: int, mark: str) -> str:
    uri = text.visible(uri).strip()
    whole = f"{name} <{uri}>" if name else uri
    if columns <= 0 or text.width(whole) <= columns:
        return whole
    short = uri.partition(":")[2] if uri.startswith(("sip:", "sips:")) else uri
    if name and text.width(name) + text.width(short) + 3 <= columns:
        return f"{name} <{short}>"
    return text.clip(name or short, columns, mark)


def peer(call: model.CallView, columns: int = 0, mark: str = "") -> str:
    """Who the other party is, in at most so many columns (0: no limit). Safe to paint."""
    return party(named(call.peer_name, call.contact), call.peer_uri, columns, mark)


def party(name: str, uri: str, columns: int = 0, mark: str = "") -> str:
    """A name as :func:`named` makes it and its address, in at most so many columns (0: no limit)."""
    shown: str = _peer(name, uri, columns, mark)
    return shown or UNKNOWN


def state(call: model.CallView) -> str:
    """The state in one or two words."""
    if call.state is model.CallState.HELD:
        if call.held_here and call.held_there:
            return "held by both"
        return "held by them" if call.held_there else "held by us" if call.held_here else "held"
    if call.state is model.CallState.PROGRESS:
        return "early media" if call.early_media else "rings there"
    if call.conference and call.state is model.CallState.TALKING:
        return "conference"
    return str(call.state.value)


def elapsed(call: model.CallView) -> str:
    """How long it has been talked, or, before that, how long it has been in its state."""
    answered = call.talk_s > 0 or call.state in (model.CallState.TALKING, model.CallState.HELD, model.CallState.ENDED)
    return duration(call.talk_s if answered else call.state_s)


def reason(call: model.CallView) -> str:
    """Why it ended, with the SIP status when that adds something: ``busy (486)``."""
    words = visible_line(call.reason).strip()
    if call.status is None or 200 <= call.status < 300 or str(call.status) in words:
        return words
    return f"{words} ({call.status})" if words else f"status {call.status}"


# ------------------------------------------------------------------ how bad it is

STATE_STYLES = {
    model.CallState.DIALLING: "value",
    model.CallState.PROGRESS: "value",
    model.CallState.RINGING: "ringing",
    model.CallState.TALKING: "talking",
    model.CallState.HELD: "held",
    model.CallState.ENDING: "dim",
    model.CallState.ENDED: "dim",
}


def graded(value: float | None, warn: float, bad: float, good: str = "value") -> str:
    """The style of a figure that is better when it is smaller."""
    if value is None or not math.isfinite(value):
        return "dim"
    return good if value < warn else "warn" if value < bad else "bad"


def loss_style(loss_percent: float | None) -> str:
    """From half a percent on concealment is at work, from 3 % on it is heard."""
    return graded(loss_percent, 0.5, 3.0)


def jitter_style(jitter_ms: float | None) -> str:
    return graded(jitter_ms, 30.0, 60.0)


def rtt_style(rtt_ms: float | None) -> str:
    """ITU-T G.114: a delay of 150 ms one way is felt, one of 400 ms is not acceptable."""
    return graded(rtt_ms, 300.0, 800.0)


def count_style(number: float, total: float = 0) -> str:
    """Something that should not happen: zero steps back, up to half a percent of ``total`` stays calm."""
    if not number > 0:
        return "dim"
    return "value" if number * 200 < total else "warn"


def no_sound(call: model.CallView | None) -> str:
    """Why there is nothing to see of a call's sound."""
    if call is None:
        return "No call is selected."
    return "This call had no sound." if call.state is model.CallState.ENDED else "No sound yet."
