"""The words that can be typed where there is no screen: what they mean, and doing it.

``Words`` is to the plain face what ``controls`` is to the screen: a line comes in, commands go to the phone, answers
to whoever says them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from engine import model
from engine.model import CommandError, Snapshot
from widgets import figures, plain, plain_people, plain_settings, text
from widgets.plain import short_name

USUAL_PAST = "10"  # calls that are over


class Phone(Protocol):
    """The live engine, as far as the words need it."""

    def execute(self, command: model.Command) -> int | None: ...

    def snapshot(self) -> Snapshot: ...


class Words:
    """``asks``: somebody is there who hears a question before a command that cannot be taken back; ``asks_hang_up``:
    before the only call is hung up, too."""

    def __init__(
        self, phone: Phone, say: Callable[[str], object], *, asks: bool = False, asks_hang_up: bool = False
    ) -> None:
        self._phone = phone
        self._say = say
        self._asks = asks
        self._asks_hang_up = asks_hang_up
        self._asked: model.Command | None = None  # what a yes means now

    def obey(self, line: str) -> None:
        """Do what was typed, and say what there is to say of it."""
        wanted = self._judged(parse_word(line))
        if not isinstance(wanted, PlainRequest):
            self._execute(wanted)
        elif wanted.kind == "set":
            self._set(wanted.text)
        elif wanted.kind == "listen":
            self._listen()
        else:
            for answer in _answers(wanted, self._phone.snapshot()):
                self._say(answer)

    def _judged(self, wanted: model.Command | PlainRequest) -> model.Command | PlainRequest:
        """What a line means while a question is open; and the question that a dangerous command raises."""
        asked, self._asked = self._asked, None
        if isinstance(wanted, PlainRequest):
            return asked if asked is not None and wanted.kind == "yes" else wanted
        if not self._asks:
            return wanted
        asking, meant = question(wanted, self._phone.snapshot(), self._asks_hang_up)
        if not asking:
            return wanted
        self._asked = meant
        return PlainRequest("question", asking)

    def _execute(self, wanted: model.Command) -> None:
        refused = plain_settings.refused(wanted, self._phone.snapshot())
        if refused:
            self._say(f"error: {refused}")
            return
        try:
            call = self._phone.execute(wanted)
        except CommandError as error:
            self._say(f"error: {error}")
            return
        done = plain.done_line(wanted, call, self._phone.snapshot())
        if done:
            self._say(done)

    def _set(self, typed: str) -> None:
        try:
            self._execute(plain_settings.command(typed, self._phone.snapshot()))
        except plain_settings.SettingError as error:
            self._say(f"error: {error}")

    def _listen(self) -> None:
        """Open the microphone for its level alone; where it is open, say how loud it is."""
        snapshot = self._phone.snapshot()
        if snapshot.settings.listening:
            self._say(plain_settings.microphone(snapshot))
        else:
            self._execute(model.TryMicrophone(True))


def _answers(request: PlainRequest, snapshot: Snapshot) -> list[str]:
    if request.kind == "past":
        return plain_people.past_lines(snapshot.people, int(request.text), snapshot.time)
    answer = _ANSWERS.get(request.kind)
    if answer is not None:
        return answer(snapshot)
    return [request.text] if request.text else []


_ANSWERS: Mapping[str, Callable[[Snapshot], list[str]]] = {
    "status": plain.status_lines,
    "calls": plain.call_lines,
    "why": plain.why_lines,
    "contacts": lambda snapshot: plain_people.contact_lines(snapshot.people),
    "settings": plain_settings.lines,
    "help": lambda _snapshot: help_lines(),
    "yes": lambda _snapshot: ["nothing was asked"],
    "no": lambda _snapshot: ["nothing is done"],
}


# ------------------------------------------------------------------ what can be typed


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
