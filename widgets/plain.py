"""The face without a screen: append-only lines, one for every change worth saying, and words to type.

Made for screen readers, pipes and terminals that cannot place a cursor. Nothing is drawn over, nothing blinks;
every line makes sense on its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine import model
from widgets import figures, plain_settings, text, why

SUMMARY_S = 10.0  # after so much talk it is said once how the call is going
LONGEST_NAME, LONGEST_REASON = 60, 120  # columns of what a stranger wrote
USUAL_PAST = "10"  # calls that are over
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
        words = text.clip(text.stripped(event.reason), LONGEST_REASON, "...") or figures.state(event.call)
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
        who, reason = _clipped(event.uri), text.clip(text.stripped(event.reason).strip(), LONGEST_REASON, "...")
        if event.status is None or event.took_ms is None:
            self.say(f"{who}: {reason}")
            return
        names = (f"{kind} {_listed(said)}" for kind, said in (("methods", event.methods), ("codecs", event.codecs)))
        self.say(f"{who} is there: {event.status} {reason} after {event.took_ms:.0f} ms, {', '.join(names)}")

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
        reason = text.clip(text.stripped(event.reason), LONGEST_REASON, "...")
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
    name, uri = _known(call), _clipped(call.peer_uri)
    return f"{name} <{uri}>" if name else uri or "somebody"


def _known(call: model.CallView) -> str:
    """``contact Anna`` is the user's own word; what a stranger calls himself cannot begin so."""
    if call.contact:
        return f"contact {_clipped(call.contact)}"
    name = _clipped(call.peer_name)
    return f'"{name}"' if name.casefold().lstrip("\"' ").startswith("contact") else name


def _clipped(words: str) -> str:
    return text.clip(text.stripped(words).strip(), LONGEST_NAME, "...")


def _listed(names: tuple[str, ...]) -> str:
    return text.clip(text.stripped(" ".join(names)), LONGEST_REASON, "...") or "not named"


def short_name(call: model.CallView) -> str:
    """One word or two for the other party: the name, else who it is at which host."""
    return _known(call) or _clipped(call.peer_uri).partition(":")[2] or "somebody"


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


# ------------------------------------------------------------------ typed words


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """Something the face itself does: "status", "calls", "why", "contacts", "settings", "help", "yes", "no", "nothing"
    (an empty line), "past" with how many, "set" with what is to be set, or "bad" with the reason."""

    kind: str
    text: str = ""


class _WordError(ValueError):
    """One clear line about what was typed."""


@dataclass(frozen=True, slots=True)
class Word:
    """A word that can be typed: whole, by one of its ``others``, or by a beginning of at least ``least`` letters."""

    name: str
    arguments: str
    help: str
    make: Callable[[list[str]], model.Command | PlainRequest]
    least: int = 1  # more where a slip of the finger would do harm
    others: tuple[str, ...] = ()


def parse_word(line: str) -> model.Command | PlainRequest:
    """What the user means; a beginning that fits one word alone is enough, but for words that do harm."""
    parts = line.split()
    if not parts:
        return PlainRequest("nothing")
    typed = parts[0].lower()
    found = [word for word in WORDS if typed in (word.name, *word.others)]
    found = found or [word for word in WORDS if word.name.startswith(typed) and len(typed) >= word.least]
    if len(found) != 1:
        return PlainRequest("bad", _unclear(typed, [word.name for word in found]))
    try:
        return found[0].make(parts[1:])
    except _WordError as error:
        return PlainRequest("bad", str(error))


def help_lines() -> list[str]:
    """Every word with its explanation."""
    return [f"{word.name} {word.arguments}".rstrip() + f": {word.help}" for word in WORDS]


def question(command: model.Command, snapshot: model.Snapshot, hang_up: bool = False) -> tuple[str, model.Command]:
    """What is asked before a command that cannot be taken back, and the command that a yes then means; "": nothing.

    Hanging up the only call is asked about where the user wants that (``hang_up``).
    """
    alive = [view for view in snapshot.calls if view.state is not model.CallState.ENDED]
    if isinstance(command, model.Quit) and alive:
        calls = f"call with {short_name(alive[0])}" if len(alive) == 1 else f"{len(alive)} calls"
        return f"hang up the {calls} and quit? type yes or no", command
    if not isinstance(command, model.HangUp) or not alive:
        return "", command
    meant = next((view for view in alive if view.id == command.call), alive[-1] if command.call is None else None)
    if meant is None or not (hang_up or (command.call is None and len(alive) > 1)):
        return "", command
    which = f", the newest of {len(alive)} calls" if command.call is None and len(alive) > 1 else ""
    return f"hang up {short_name(meant)}{which}? type yes or no", model.HangUp(meant.id)


def _unclear(typed: str, names: list[str]) -> str:
    if names:
        return f"{text.stripped(typed)} can mean {' or '.join(names)}"
    whole = [word.name for word in WORDS if word.name.startswith(typed)]
    if len(whole) == 1:
        return f"{typed} is too short for something that cannot be taken back: type {whole[0]}"
    shown = text.clip(text.stripped(typed), 40, "...")
    near = min((_slips(typed[:20], name), word.name) for word in WORDS for name in (word.name, *word.others))
    if near[0] <= max(1, len(near[1]) // 3):
        return f"unknown word {shown}: did you mean {near[1]}?"
    return f"unknown word {shown}: type help"


def _slips(typed: str, name: str) -> int:
    """How many letters are wrong, missing or too many (Levenshtein's distance)."""
    row = list(range(len(name) + 1))
    for place, letter in enumerate(typed, 1):
        before, row[0] = row[0], place
        for at, wanted in enumerate(name, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (letter != wanted))
    return row[-1]


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


def _ask(rest: list[str]) -> model.Command:
    if not rest:
        raise _WordError("ask whom? for example: ask bob@192.0.2.7")
    return model.Probe(" ".join(rest))


def _hold(rest: list[str]) -> model.Command:
    """``hold``, ``hold off``, ``hold 2``, ``hold 2 on``."""
    if rest and rest[-1].lower() in ("on", "off"):
        return model.Hold(_call_number("hold", rest[:-1]), rest[-1].lower() == "on")
    return model.Hold(_call_number("hold", rest))


def _join(rest: list[str]) -> model.Command:
    """``join``, ``join off``, ``join 2``, ``join 2 on``."""
    if rest and rest[-1].lower() in ("on", "off"):
        return model.Conference(_call_number("join", rest[:-1]), rest[-1].lower() == "on")
    return model.Conference(_call_number("join", rest))


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


def _past(rest: list[str]) -> PlainRequest:
    _no_more("past", rest[1:])
    if rest and not (rest[0].isascii() and rest[0].isdigit() and int(rest[0][:9]) > 0 and len(rest[0]) <= 9):
        raise _WordError("past takes how many calls, as in: past 20")
    return PlainRequest("past", rest[0] if rest else USUAL_PAST)


def _voice(rest: list[str]) -> model.Command:
    """``voice`` alone goes on to the next way; the names may be divided by commas or spaces."""
    names = tuple(name.lower() for name in " ".join(rest).replace(",", " ").split())
    if names == ("off",):
        return model.SetVoice(())
    unknown = [name for name in names if name not in figures.VOICE_WORDS]
    if unknown or {"echo", "duck"} <= set(names):
        raise _WordError("voice takes off, or some of echo, noise, gain and duck (not both echo and duck)")
    return model.SetVoice(names or None)


def _listen(rest: list[str]) -> model.Command | PlainRequest:
    """Again, it is said how loud it is."""
    if _switch("listen", rest) is False:
        return model.TryMicrophone(False)
    return PlainRequest("listen")


def _plainly(name: str, result: model.Command | PlainRequest) -> Callable[[list[str]], model.Command | PlainRequest]:
    def make(rest: list[str]) -> model.Command | PlainRequest:
        _no_more(name, rest)
        return result

    return make


WORDS = (
    Word("answer", "[CALL]", "take the call that rings", lambda rest: model.Answer(_call_number("answer", rest)),
         others=("accept",)),
    Word("reject", "[CALL]", "decline the call that rings", lambda rest: model.Reject(_call_number("reject", rest)),
         least=3, others=("decline",)),
    Word("hangup", "[CALL]", "end a call, the newest one", lambda rest: model.HangUp(_call_number("hangup", rest)),
         least=4, others=("bye",)),
    Word("dial", "ADDRESS", "call somebody: bob@192.0.2.7, sip:bob@192.0.2.7:5070", _dial, others=("call",)),
    Word("ask", "ADDRESS", "ask whether somebody is there, without a call", _ask, least=2, others=("probe", "ping")),
    Word("digits", "123#", "send digits (DTMF)", _digits, others=("dtmf",)),
    Word("hold", "[CALL] [on|off]", "put a call on hold, or take it back", _hold),
    Word("join", "[CALL] [on|off]", "join calls, so that all hear each other, or part them", _join,
         others=("conference", "conf")),
    Word("mute", "[on|off]", "send silence, or be heard again", lambda rest: model.Mute(_switch("mute", rest))),
    Word("voice", "[off|echo,noise,gain,duck]", "what is done to the microphone; alone: the next way", _voice),
    Word("volume", "DB", "make it louder or, with -, quieter", _volume),
    Word("calls", "", "say who is in which call", _plainly("calls", PlainRequest("calls"))),
    Word("status", "", "say where everything stands", _plainly("status", PlainRequest("status"))),
    Word("why", "", "say what is the matter with each call, and what to do", _plainly("why", PlainRequest("why"))),
    Word("contacts", "", "say who is in your contacts; dial takes their names",
         _plainly("contacts", PlainRequest("contacts")), least=2),
    Word("past", "[HOW-MANY]", "say who was called and who called, the newest first", _past),
    Word("settings", "", "say what can be set, and what is set", _plainly("settings", PlainRequest("settings")),
         least=4),
    Word("set", "NAME VALUE", "change a setting: set codecs opus PCMU, set buffer 40-200, set input Headset",
         lambda rest: PlainRequest("set", " ".join(rest)), least=3),
    Word("save", "", "write what was set into the configuration file", _plainly("save", model.SaveSettings()), least=2),
    Word("listen", "[off]", "open the microphone for a minute; again: say how loud it is", _listen),
    Word("tone", "", "let a tone be heard", _plainly("tone", model.TryLoudspeaker())),
    Word("devices", "", "look again which sound devices there are", _plainly("devices", model.FindDevices()), least=2),
    Word("help", "", "say these words", _plainly("help", PlainRequest("help"))),
    Word("yes", "", "do what was asked about", _plainly("yes", PlainRequest("yes"))),
    Word("no", "", "do not do it", _plainly("no", PlainRequest("no"))),
    Word("quit", "", "hang up and leave", _plainly("quit", model.Quit()), least=4, others=("exit",)),
)  # fmt: skip
