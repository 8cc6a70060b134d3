"""The face without a screen: append-only lines, one for every change worth saying, and words to type.

Made for screen readers, pipes and terminals that cannot place a cursor. Nothing is drawn over, nothing blinks;
every line makes sense on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine import model
from widgets import figures, text, why

SUMMARY_S = 10.0  # at most so often a call in good order is spoken of, and only if there is news
NOTABLE_JITTER_MS = 30.0
MUTED, OPEN = "muted: they hear silence", "the microphone is open"


@dataclass(frozen=True, slots=True)
class _Heard:
    """What was known of a call when it was last summed up."""

    talk_s: float = 0.0
    received: int = 0
    lost: int = 0
    lost_there: int = 0
    said: bool = False  # something was said already


class PlainFace:
    """Turns events into lines; ``write`` gets whole lines with their line end.

    Where nothing can be typed (``typing=False``: headless, or a log that is looked at) no line asks for a word.
    """

    def __init__(self, write: Callable[[str], object], typing: bool = True) -> None:
        self._write = write
        self._typing = typing
        self._heard: dict[int, _Heard] = {}

    def event(self, event: model.Event) -> None:
        speak = _SPEAKERS.get(type(event))
        if speak is not None:
            speak(self, event)

    def say(self, line: str) -> None:
        """One line, whatever is in it."""
        self._write(text.stripped(line) + "\n")

    def _say_of(self, call: model.CallView, words: str) -> None:
        self.say(f"call {call.id}: {words}")

    # -------------------------------------------------------------- one method an event

    def _on_ready(self, event: model.Ready) -> None:
        hint = " (type help for what can be typed)" if self._typing else ""
        self.say(f"ready: call me at {event.local_uri}{hint}")

    def _on_incoming(self, event: model.Incoming) -> None:
        what = ": answered automatically" if event.auto_answer else ": type answer or reject" if self._typing else ""
        self._say_of(event.call, f"{_name(event.call)} is calling{what}")

    def _on_progress(self, event: model.Progress) -> None:
        early = ", their side can be heard already" if event.call.early_media else ""
        words = event.reason or figures.state(event.call)
        self._say_of(event.call, f"{_name(event.call)}: {words} ({event.status}){early}")

    def _on_answered(self, event: model.Answered) -> None:
        media = event.call.media
        sound = f", {figures.codec(media)}, {media.ptime_ms:g} ms packets" if media else ""
        self._heard[event.call.id] = _Heard()
        self._say_of(event.call, f"talking with {_name(event.call)}{sound}")

    def _on_held(self, event: model.Held) -> None:
        self._say_of(event.call, _hold_words(event.call))

    def _on_joined(self, event: model.Joined) -> None:
        self._say_of(event.call, "in the conference" if event.call.conference else "no longer in the conference")

    def _on_dtmf(self, event: model.Dtmf) -> None:
        self._say_of(event.call, f"they pressed {event.digit}")

    def _on_stats(self, event: model.Stats) -> None:
        """A summary every ten seconds: the first one always, later ones when something is to be said."""
        call, before = event.call, self._heard.get(event.call.id, _Heard())
        if call.media is None or call.talk_s - before.talk_s < SUMMARY_S:
            return
        news = _news(call.media, before)
        if news or not before.said:
            self._say_of(call, f"{figures.duration(call.talk_s)}, {', '.join([*news, *_quality(call.media)])}")
        report = call.media.rtcp.remote
        lost_there = report.lost if report else before.lost_there
        rx = call.media.rx
        self._heard[call.id] = _Heard(call.talk_s, rx.packets, rx.lost, lost_there, said=True)

    def _on_diagnosis(self, event: model.Diagnosis) -> None:
        """What is the matter is said once, and once more when it is over."""
        found = event.finding
        if found.until_s is None:
            self._say_of(event.call, f"{found.text}: {found.evidence}")
        elif found.severity != "info":
            self._say_of(event.call, f"over: {found.text}")

    def _on_message(self, event: model.Message) -> None:
        peer = figures.address(event.peer)
        self.say(f"{'received from' if event.direction == 'in' else 'sent to'} {peer}:")
        for line in event.text.replace("\r\n", "\n").rstrip("\n").split("\n"):
            self.say(f"    {line}")

    def _on_error(self, event: model.Error) -> None:
        self.say(f"error: {event.text}")

    def _on_log(self, event: model.Log) -> None:
        """Only what is out of order; the rest is said by the other events."""
        if event.line.level != "info":
            self.say(f"{event.line.level}: {event.line.text}")

    def _on_ended(self, event: model.Ended) -> None:
        call = event.call
        self._heard.pop(call.id, None)
        status = f" ({event.status})" if event.status is not None and event.status >= 300 else ""
        self._say_of(call, f"ended after {figures.duration(call.talk_s)}: {event.reason}{status}")
        if call.media is not None and (call.media.tx.packets or call.media.rx.packets):
            self._say_of(call, ", ".join(_totals(call.media)))


_SPEAKERS: dict[type, Callable[[PlainFace, Any], None]] = {
    model.Ready: PlainFace._on_ready,
    model.Incoming: PlainFace._on_incoming,
    model.Progress: PlainFace._on_progress,
    model.Answered: PlainFace._on_answered,
    model.Held: PlainFace._on_held,
    model.Joined: PlainFace._on_joined,
    model.Dtmf: PlainFace._on_dtmf,
    model.Stats: PlainFace._on_stats,
    model.Diagnosis: PlainFace._on_diagnosis,
    model.Message: PlainFace._on_message,
    model.Error: PlainFace._on_error,
    model.Log: PlainFace._on_log,
    model.Ended: PlainFace._on_ended,
}


def _name(call: model.CallView) -> str:
    name, uri = text.stripped(call.peer_name).strip(), text.stripped(call.peer_uri)
    return f"{name} <{uri}>" if name else uri


def _hold_words(call: model.CallView) -> str:
    if call.held_here and call.held_there:
        return "held by both"
    if call.held_here or call.held_there:
        return "held by us" if call.held_here else "held by them"
    return "taken back from hold"


def _quality(media: model.MediaView) -> list[str]:
    """How the sound arrives here, and there."""
    rx, report = media.rx, media.rtcp.remote
    words = [f"lost {figures.percent(rx.loss_percent)}", f"jitter {figures.millis(rx.jitter_ms)}"]
    if figures.known(media.rtcp.rtt_ms):
        words.append(f"round trip {figures.millis(media.rtcp.rtt_ms)}")
    if report is not None:
        words.append(f"the far end lost {figures.percent(report.loss_percent)}")
    return [word for word in words if not word.endswith(f" {figures.UNKNOWN}")]


def _news(media: model.MediaView, before: _Heard) -> list[str]:
    """What went wrong since the last summary."""
    rx, report, news = media.rx, media.rtcp.remote, []
    if rx.packets == before.received and media.direction in ("sendrecv", "recvonly"):
        news.append("nothing is coming in")
    if rx.lost > before.lost:
        news.append(f"{figures.count(rx.lost - before.lost)} packets lost since the last line")
    if report is not None and report.lost > before.lost_there:
        news.append(f"{figures.count(report.lost - before.lost_there)} lost on the way there")
    if figures.known(rx.jitter_ms) and rx.jitter_ms is not None and rx.jitter_ms >= NOTABLE_JITTER_MS:
        news.append("the line is uneven")
    return news


def _totals(media: model.MediaView) -> list[str]:
    tx, rx = media.tx, media.rx
    words = [
        f"sent {figures.count(tx.packets)} packets",
        f"received {figures.count(rx.packets)}",
        f"lost {figures.count(rx.lost)} ({figures.percent(rx.loss_percent)})",
    ]
    for number, name in ((rx.late, "late"), (rx.duplicate, "duplicate"), (rx.discarded, "discarded")):
        if number:
            words.append(f"{name} {figures.count(number)}")
    if figures.known(rx.jitter_ms):
        words.append(f"jitter {figures.millis(rx.jitter_ms)}")
    if figures.known(media.rtcp.rtt_ms):
        words.append(f"round trip {figures.millis(media.rtcp.rtt_ms)}")
    return words


# ------------------------------------------------------------------ asked for


def status_lines(snapshot: model.Snapshot) -> list[str]:
    """Where everything stands, for the word ``status``."""
    sound = snapshot.sound
    extra = f", microphone: {figures.voice(sound)}" if sound.voice else ""
    extra += ", muted" if sound.muted else ""
    if sound.volume_db:
        extra += f", volume {sound.volume_db:+.0f} dB"
    lines = [f"{snapshot.local_uri} ({snapshot.transport}), sound: {sound.note or sound.kind}{extra}"]
    lines += [_status(call) for call in snapshot.calls]
    return [text.stripped(line) for line in (lines if snapshot.calls else [*lines, "no call"])]


def why_lines(snapshot: model.Snapshot) -> list[str]:
    """What is the matter with each call, for the word ``why``."""
    calls = [call for call in snapshot.calls if call.state is not model.CallState.ENDED] or snapshot.calls[-1:]
    lines: list[str] = []
    for call in calls:
        if not call.findings:
            lines.append(f"call {call.id}: {why.well(call)}")
        for found in call.findings:
            lines.append(f"call {call.id}: {found.text}: {found.evidence}; {found.advice}")
    return [text.stripped(line) for line in lines or ["no call"]]


def done_line(command: model.Command, call: int | None, snapshot: model.Snapshot) -> str:
    """What a command has done, where no event tells of it; "" where one does."""
    sound = snapshot.sound
    if isinstance(command, model.Dial):
        view = next((view for view in snapshot.calls if view.id == call), None)
        return "" if view is None else f"call {view.id}: calling {_name(view)}"
    if isinstance(command, model.SendDigits):
        return f"call {call}: sent {command.digits}"
    if isinstance(command, model.Mute):
        return MUTED if sound.muted else OPEN
    if isinstance(command, model.SetVoice):
        return f"the microphone: {figures.voice(sound)}"
    return f"volume {sound.volume_db:+.0f} dB" if isinstance(command, model.SetVolume) else ""


def _status(call: model.CallView) -> str:
    way = "to" if call.direction == "out" else "from"
    words = [f"call {call.id} {way} {_name(call)}: {figures.state(call)} {figures.elapsed(call)}"]
    if call.state is model.CallState.ENDED:
        return f"{words[0]}, {figures.reason(call)}"
    if call.media is not None:
        words += _quality(call.media)
        levels = (figures.dbfs(call.media.level_out.rms_dbfs), figures.dbfs(call.media.level_in.rms_dbfs))
        words.append(f"you {levels[0]}, far end {levels[1]}")
    return ", ".join(words)


# ------------------------------------------------------------------ typed words


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """Something the face itself does: "status", "why", "help", "nothing" (an empty line), or "bad" with the reason."""

    kind: str
    text: str = ""


class _WordError(ValueError):
    """One clear line about what was typed."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word that can be typed."""

    name: str
    arguments: str
    help: str
    make: Callable[[list[str]], model.Command | PlainRequest]


def parse_word(line: str) -> model.Command | PlainRequest:
    """What the user means; the shortest beginning that fits one word alone is enough."""
    parts = line.split()
    if not parts:
        return PlainRequest("nothing")
    typed = parts[0].lower()
    matches = [word for word in WORDS if word.name.startswith(typed)]
    exact = [word for word in matches if word.name == typed] or matches
    if len(exact) != 1:
        return PlainRequest("bad", _unclear(parts[0], [word.name for word in matches]))
    try:
        return exact[0].make(parts[1:])
    except _WordError as error:
        return PlainRequest("bad", str(error))


def help_lines() -> list[str]:
    """Every word with its explanation."""
    shown = [(f"{word.name} {word.arguments}".rstrip(), word.help) for word in WORDS]
    columns = max(len(usage) for usage, _ in shown)
    return [f"{usage.ljust(columns)}  {words}" for usage, words in shown]


def _unclear(typed: str, names: list[str]) -> str:
    if names:
        return f"{text.stripped(typed)} can mean {' or '.join(names)}"
    return f"unknown word {text.clip(text.stripped(typed), 40, '...')}: type help"


def _no_more(name: str, rest: list[str]) -> None:
    if rest:
        raise _WordError(f"{name} takes no {text.clip(text.stripped(rest[0]), 40, '...')}")


def _call_number(name: str, rest: list[str]) -> int | None:
    """An optional number of a call."""
    if not rest:
        return None
    _no_more(name, rest[1:])
    if not (rest[0].isascii() and rest[0].isdigit() and len(rest[0]) <= 9):
        raise _WordError(f"{name} takes the number of a call, as in: {name} 1")
    return int(rest[0])


def _switch(name: str, rest: list[str]) -> bool | None:
    """An optional on or off."""
    _no_more(name, rest[1:])
    if rest and rest[0].lower() not in ("on", "off"):
        raise _WordError(f"{name} takes on or off, or nothing to change it")
    return rest[0].lower() == "on" if rest else None


def _dial(rest: list[str]) -> model.Command:
    if not rest:
        raise _WordError("dial whom? for example: dial bob@192.0.2.7")
    return model.Dial(" ".join(rest))


def _hold(rest: list[str]) -> model.Command:
    """``hold``, ``hold off``, ``hold 2``, ``hold 2 on``."""
    if rest and rest[-1].lower() in ("on", "off"):
        return model.Hold(_call_number("hold", rest[:-1]), rest[-1].lower() == "on")
    return model.Hold(_call_number("hold", rest))


def _conference(rest: list[str]) -> model.Command:
    """``conference``, ``conference off``, ``conference 2``, ``conference 2 on``."""
    if rest and rest[-1].lower() in ("on", "off"):
        return model.Conference(_call_number("conference", rest[:-1]), rest[-1].lower() == "on")
    return model.Conference(_call_number("conference", rest))


def _digits(rest: list[str]) -> model.Command:
    digits = "".join(rest).upper()
    if not digits or not set(digits) <= set("0123456789*#ABCD"):
        raise _WordError("digits are 0 to 9, *, # and A to D, as in: digits 123#")
    return model.SendDigits(digits)


def _volume(rest: list[str]) -> model.Command:
    try:
        change_db = float(" ".join(rest))
    except ValueError:
        change_db = float("nan")
    if not -60 <= change_db <= 60:
        raise _WordError("volume takes decibels, as in: volume -6")
    return model.SetVolume(change_db)


def _voice(rest: list[str]) -> model.Command:
    """``voice`` alone goes on to the next way; the names may be divided by commas or spaces."""
    names = tuple(name.lower() for name in " ".join(rest).replace(",", " ").split())
    if names == ("off",):
        return model.SetVoice(())
    unknown = [name for name in names if name not in figures.VOICE_WORDS]
    if unknown or {"echo", "duck"} <= set(names):
        raise _WordError("voice takes off, or some of echo, noise, gain and duck (not both echo and duck)")
    return model.SetVoice(names or None)


def _plainly(name: str, result: model.Command | PlainRequest) -> Callable[[list[str]], model.Command | PlainRequest]:
    def make(rest: list[str]) -> model.Command | PlainRequest:
        _no_more(name, rest)
        return result

    return make


WORDS = (
    Word("answer", "[CALL]", "take the call that rings", lambda rest: model.Answer(_call_number("answer", rest))),
    Word("reject", "[CALL]", "decline the call that rings", lambda rest: model.Reject(_call_number("reject", rest))),
    Word("hangup", "[CALL]", "end a call, the newest one", lambda rest: model.HangUp(_call_number("hangup", rest))),
    Word("dial", "ADDRESS", "call somebody: bob@192.0.2.7, sip:bob@192.0.2.7:5070", _dial),
    Word("digits", "123#", "send digits (DTMF)", _digits),
    Word("hold", "[CALL] [on|off]", "put a call on hold, or take it back", _hold),
    Word("conference", "[CALL] [on|off]", "join calls, so that all hear each other, or part them", _conference),
    Word("mute", "[on|off]", "send silence, or be heard again", lambda rest: model.Mute(_switch("mute", rest))),
    Word("voice", "[off|echo,noise,gain,duck]", "what is done to the microphone; alone: the next way", _voice),
    Word("volume", "DB", "make it louder or, with -, quieter", _volume),
    Word("status", "", "say where everything stands", _plainly("status", PlainRequest("status"))),
    Word("why", "", "say what is the matter with each call, and what to do", _plainly("why", PlainRequest("why"))),
    Word("help", "", "say these words", _plainly("help", PlainRequest("help"))),
    Word("quit", "", "hang up and leave", _plainly("quit", model.Quit())),
)
