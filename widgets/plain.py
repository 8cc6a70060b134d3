"""The face without a screen: append-only lines, one for every change worth saying (``words`` has what can be typed).

Made for screen readers, pipes and terminals that cannot place a cursor. Nothing is drawn over, nothing blinks;
every line makes sense on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from engine import model
from widgets import figures, plain_settings, text, why

SUMMARY_S = 10.0  # after so much talk it is said once how the call is going
LONGEST_NAME, LONGEST_REASON = 60, 120  # columns of what a stranger wrote
MUTED, OPEN = "muted: they hear silence", "no longer muted"


class PlainFace:
    """Turns events into lines; ``write`` gets whole lines with their line end.

    Where nothing can be typed (``typing=False``: headless, or a log that is looked at) no line asks for a word.
    """

    def __init__(self, write: Callable[[str], object], typing: bool = True) -> None:
        self._write = write
        self._typing = typing
        self._summed_up: set[int] = set()
        self._no_sound = False  # the card was lost

    def event(self, event: model.Event) -> None:
        speak = _SPEAKERS.get(type(event))
        if speak is not None:
            speak(self, event)

    def say(self, line: str) -> None:
        """One line, whatever is in it."""
        self._write(text.stripped(line) + "\n")

    def _say_of(self, call: model.CallView, words: str) -> None:
        """Whom it is about comes first: who listens to a line may stop there. A log finds its calls by the number."""
        who = f"{short_name(call)}, call {call.id}" if self._typing else f"call {call.id}"
        self.say(f"{who}: {words}")

    # -------------------------------------------------------------- one method an event

    def _on_ready(self, event: model.Ready) -> None:
        hint = " (type help for what can be typed)" if self._typing else ""
        self.say(f"ready: call me at {event.local_uri}{hint}")

    def _on_incoming(self, event: model.Incoming) -> None:
        call = event.call
        what = ": answering automatically" if event.auto_answer else ": type answer or reject" if self._typing else ""
        if self._typing:
            self.say(f"{_name(call)} is calling, call {call.id}{what}")
        else:
            self._say_of(call, f"{_name(call)} is calling{what}")

    def _on_progress(self, event: model.Progress) -> None:
        early = ", their side can be heard already" if event.call.early_media else ""
        words = clipped(event.reason, LONGEST_REASON) or figures.state(event.call)
        who = "" if self._typing else f"{_name(event.call)}: "
        self._say_of(event.call, f"{who}{words} ({event.status}){early}")

    def _on_answered(self, event: model.Answered) -> None:
        media = event.call.media
        sound = f", {figures.codec(media)}, {media.ptime_ms:g} ms packets" if media else ""
        who = "" if self._typing else f" with {_name(event.call)}"
        self._say_of(event.call, f"talking{who}{sound}")

    def _on_held(self, event: model.Held) -> None:
        self._say_of(event.call, _hold_words(event.call))

    def _on_joined(self, event: model.Joined) -> None:
        self._say_of(event.call, "in the conference" if event.call.conference else "no longer in the conference")

    def _on_dtmf(self, event: model.Dtmf) -> None:
        self._say_of(event.call, f"they pressed {event.digit}")

    def _on_stats(self, event: model.Stats) -> None:
        """Once how it is going, and that a lost card is back; what else begins and ends later is a diagnosis."""
        call, sound = event.call, event.sound
        if sound is not None and sound.ok == self._no_sound:
            self._no_sound = not sound.ok
            if sound.ok:
                self.say(f"there is sound again: {sound.note}")
        if call.media is not None and call.talk_s >= SUMMARY_S and call.id not in self._summed_up:
            self._summed_up.add(call.id)
            self._say_of(call, f"after {figures.spoken(call.talk_s)} {', '.join(_quality(call.media))}")

    def _on_diagnosis(self, event: model.Diagnosis) -> None:
        """What is the matter is said once, and once more when it is over. A log has the time already."""
        found = event.finding
        when = f"at {figures.spoken(event.call.talk_s)}: " if self._typing else ""
        if found.until_s is None:
            self._say_of(event.call, f"{when}{found.text}: {found.evidence}")
        elif found.severity != "info":
            self._say_of(event.call, f"{when}over: {found.text}")

    def _on_message(self, event: model.Message) -> None:
        peer = figures.address(event.peer)
        self.say(f"{'received from' if event.direction == 'in' else 'sent to'} {peer}:")
        for line in event.text.replace("\r\n", "\n").rstrip("\n").split("\n"):
            self.say(f"    {line}")

    def _on_probed(self, event: model.Probed) -> None:
        who, reason = clipped(event.uri), clipped(event.reason, LONGEST_REASON)
        if event.status is None or event.took_ms is None:
            self.say(f"{who}: {reason}")
            return
        names = (f"{kind} {_listed(said)}" for kind, said in (("methods", event.methods), ("codecs", event.codecs)))
        there = event.status < 300 or event.status in (486, 600)
        what = "is there" if there else "is not there" if event.exit_code else "answers"
        self.say(f"{who} {what}: {event.status} {reason} after {event.took_ms:.0f} ms, {', '.join(names)}")

    def _on_error(self, event: model.Error) -> None:
        self.say(f"error: {event.text}")

    def _on_log(self, event: model.Log) -> None:
        """Only what is out of order; the rest is said by the other events."""
        if event.line.level != "info":
            self.say(f"{event.line.level}: {event.line.text}")

    def _on_ended(self, event: model.Ended) -> None:
        call = event.call
        self._summed_up.discard(call.id)
        status = f" ({event.status})" if event.status is not None and event.status >= 300 else ""
        reason = clipped(event.reason, LONGEST_REASON)
        after = f" after {figures.spoken(call.talk_s)}" if call.talk_s > 0 else ""
        self._say_of(call, f"ended{after}: {reason}{status}")
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
    model.Probed: PlainFace._on_probed,
    model.Error: PlainFace._on_error,
    model.Log: PlainFace._on_log,
    model.Ended: PlainFace._on_ended,
}


def _name(call: model.CallView) -> str:
    name, uri = _known(call), clipped(call.peer_uri)
    return f"{name} <{uri}>" if name else uri or "somebody"


def _known(call: model.CallView) -> str:
    """``contact Anna`` is the user's own word; what a stranger calls himself cannot begin so."""
    if call.contact:
        return f"contact {clipped(call.contact)}"
    name = clipped(call.peer_name)
    return f'"{name}"' if name.casefold().lstrip("\"' ").startswith("contact") else name


def clipped(words: str, columns: int = LONGEST_NAME) -> str:
    """What a stranger wrote, as it may be said: without control characters, and no longer than that."""
    return text.clip(text.stripped(words).strip(), columns, "...")


def _listed(names: tuple[str, ...]) -> str:
    return clipped(" ".join(names), LONGEST_REASON) or "not named"


def short_name(call: model.CallView) -> str:
    """One word or two for the other party: the name, else who it is at which host."""
    return _known(call) or clipped(call.peer_uri).partition(":")[2] or "somebody"


def _hold_words(call: model.CallView) -> str:
    if call.held_here and call.held_there:
        return "held by both"
    if call.held_here or call.held_there:
        return "held by us" if call.held_here else "held by them"
    return "taken back from hold"


def _quality(media: model.MediaView) -> list[str]:
    """How the sound arrives here, and there."""
    rx, report = media.rx, media.rtcp.remote
    words = ["nothing has come yet"]
    if rx.packets:
        words = [f"lost {figures.percent(rx.loss_percent)}", f"jitter {figures.millis(rx.jitter_ms)}"]
    if figures.known(media.rtcp.rtt_ms):
        words.append(f"round trip {figures.millis(media.rtcp.rtt_ms)}")
    if report is not None:
        words.append(f"the far end lost {figures.percent(report.total_loss_percent)}")
    return [word for word in words if not word.endswith(f" {figures.UNKNOWN}")]


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
    report = media.rtcp.remote
    if report is not None:
        words.append(
            f"the far end lost {figures.count(max(report.lost, 0))} ({figures.percent(report.total_loss_percent)})"
        )
    return words


# ------------------------------------------------------------------ asked for


def status_lines(snapshot: model.Snapshot) -> list[str]:
    """Where everything stands, for the word ``status``."""
    sound = snapshot.sound
    extra = f", microphone: {figures.voice(sound)}" if sound.voice else ""
    extra += ", muted" if sound.muted else ""
    if sound.volume_db:
        extra += f", volume {sound.volume_db:+.0f} dB"
    first = f"{snapshot.local_uri} ({snapshot.transport}), sound: {sound.note or sound.kind}{extra}"
    return [text.stripped(first), *call_lines(snapshot)]


def call_lines(snapshot: model.Snapshot) -> list[str]:
    """The calls alone, for the word ``calls``."""
    return [text.stripped(_status(call)) for call in snapshot.calls] or ["no call"]


def why_lines(snapshot: model.Snapshot) -> list[str]:
    """What is the matter with each call, for the word ``why``."""
    calls = [call for call in snapshot.calls if call.state is not model.CallState.ENDED] or snapshot.calls[-1:]
    lines: list[str] = []
    for call in calls:
        if not call.findings:
            lines.append(f"{short_name(call)}, call {call.id}: {why.well(call)}")
        for found in call.findings:
            lines.append(f"{short_name(call)}, call {call.id}: {found.text}: {found.evidence}; {found.advice}")
    return [text.stripped(line) for line in lines or ["no call"]]


def done_line(command: model.Command, call: int | None, snapshot: model.Snapshot) -> str:
    """What a command has done, where no event tells of it; "" where one does."""
    sound = snapshot.sound
    if isinstance(command, model.Dial):
        view = next((view for view in snapshot.calls if view.id == call), None)
        return "" if view is None else f"calling {_name(view)}, call {view.id}"
    if isinstance(command, model.SendDigits):
        return f"call {call}: sent {command.digits}"
    if isinstance(command, model.Mute):
        return MUTED if sound.muted else OPEN
    if isinstance(command, model.SetVoice):
        return f"the microphone: {figures.voice(sound)}"
    if isinstance(command, model.SetVolume):
        return f"volume {sound.volume_db:+.0f} dB"
    return plain_settings.done(command, snapshot)


def _status(call: model.CallView) -> str:
    way = "called by us" if call.direction == "out" else "called us"
    words = [f"{_name(call)}, call {call.id}, {way}: {figures.state(call)}"]
    seconds = call.talk_s or call.state_s
    if call.state is model.CallState.ENDED:
        after = f" after {figures.spoken(call.talk_s)}" if call.talk_s > 0 else ""
        return f"{words[0]}{after}, {figures.reason(call)}"
    words[0] += f" for {figures.spoken(seconds)}"
    if call.media is not None:
        words += _quality(call.media)
        levels = (figures.dbfs(call.media.level_out.rms_dbfs), figures.dbfs(call.media.level_in.rms_dbfs))
        words.append(f"you {levels[0]}, far end {levels[1]}")
    return ", ".join(words)
