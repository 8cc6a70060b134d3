"""Our end of the sound card: what the helper process does for us, and what to do when it does not.

Theory of operation. ``start`` spawns the helper (``card.py``), which looks at what cards there are and says so. The
card is opened when a call first plays or reads, and closed three seconds after the last one did: no microphone is
open outside a call, and a card plugged in between calls is found by the next. Frames to be played go out as far as
the socket takes them; frames captured wait in one small queue for each call.

    DOWN      no process; started again at ``_again_at``, after a pause that doubles up to half a minute
    LOOKING   the process starts; within ten seconds it must say what it found
    IDLE      nothing is open
    OPENING   it was told to open the card, and has ten seconds to say that it has
    OPEN      sound flows; two seconds without a word and it is killed
    REFUSED   the process is well, but no device could be opened; asked again at ``_again_at`` while a call wants sound

Whatever happens, ``play`` returns at once and ``read`` gives what was asked for, silence if need be; ``note`` says so.
"""

from __future__ import annotations

import enum
import json
import os
import sys
import weakref
from collections import deque
from typing import Any

import numpy as np

from engine.io.card import COUNTERS, EXTREMES, misfit
from engine.io.card_process import CardProcess, Message
from engine.io.loop import Loop
from engine.io.pcm_queue import Counts, PcmQueue
from engine.media.listener import Capture, Captured
from engine.media.resample import Resampler

DIRECTIONS = ("input", "output")
CARD_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "card.py")

SILENT_S = 2.0
START_S = 10.0  # PortAudio may take its time to look at every card
UNUSED_S = 3.0
PROVEN_S = 10.0  # a helper that has carried sound for so long was no failure
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
BURY_S = 0.2
MOST_BYTES_A_SECOND = 4_000_000
MOST_CONTENT = 0xFFFE
RATES_HZ = (1000, 384_000)
MOST_RESAMPLERS = 8
NO_CARD = "no sound card: silence"
LOG_LINES = 200
KNOWN_LINES = 1000  # said once, not again by the next helper
NOISE_LINES = 8  # of what a helper writes on its standard error, in one life


class State(enum.Enum):
    DOWN = "down"
    LOOKING = "looking"
    IDLE = "idle"
    OPENING = "opening"
    OPEN = "open"
    REFUSED = "refused"


class CardLink:
    """Microphone and loudspeaker of the helper, as long as it lives."""

    def __init__(
        self,
        loop: Loop,
        input_name: str | None = None,
        output_name: str | None = None,
        *,
        capture: bool = True,
        voice: frozenset[str] = frozenset(),
        command: list[str] | None = None,
        over_tcp: bool | None = None,
    ) -> None:
        self.note = "sound card: looking"
        self.lost = False  # there was trouble, and sound is silence because of it
        self.found = False  # there is a card, or there was one
        self.devices: dict[str, tuple[str, ...]] = {}  # by direction, the names of all there were when it looked last
        self.usual: tuple[str | None, str | None] = (None, None)  # which input and output are taken when none is named
        self.unfit = ""  # why what was asked for by name was not there when the program started
        self.log: deque[tuple[str, str]] = deque(maxlen=LOG_LINES)
        self.state = State.DOWN
        self._loop = loop
        self._wish: dict[str, Any] = {"input": input_name, "output": output_name, "capture": capture, "rate": 0}
        self.voice = voice  # what is done to the microphone
        self._voice_told: frozenset[str] = frozenset()  # what the helper knows of that
        self._command = command or [sys.executable, CARD_PROGRAM]
        self._may_capture = capture
        self._tcp = {} if over_tcp is None else {"over_tcp": over_tcp}
        self._process: CardProcess | None = None
        self._dying: list[CardProcess] = []
        self._bury_at = float("inf")
        self._heard_at = self._used_at = self._opened_at = self._second_at = float("-inf")
        self._listened_at = float("-inf")  # used by a call, which needs the microphone
        self._second_bytes = 0
        self._again_at: float | None = None
        self._failures = 0
        self._noise: set[str] = set()
        self._noise_left = NOISE_LINES
        self._in_rate = self._out_rate = 0
        self._to_card: dict[int, Resampler] = {}
        self._microphones: weakref.WeakSet[CardMicrophone] = weakref.WeakSet()
        self._capture: Capture | None = None  # of the open card
        self.counts = Counts()  # of every microphone, and of loudspeakers that were closed
        self._speaker_counts = (0, 0)  # of the present loudspeaker

    @property
    def ok(self) -> bool:
        return self.found and not self.lost

    # ------------------------------------------------------------------ life

    def start(self, now: float) -> None:
        """Spawn the helper; never waits for it."""
        self._again_at = None
        self._heard_at = now
        self._voice_told = frozenset()
        self._noise_left = NOISE_LINES
        try:
            self._process = CardProcess(
                self._loop, self._command, self._on_messages, self._on_gone, self._on_line, **self._tcp
            )
        except OSError as error:
            self._give_up(f"the sound helper cannot be started ({error.strerror or error})", now)
            return
        self.state = State.LOOKING

    def deadline(self) -> float:
        """When ``handle_timer`` has something to do."""
        due = float("inf") if self._again_at is None else self._again_at
        if self._process is not None:
            due = min(due, self._patient_until())
        if self.state is State.OPEN:
            due = min(due, self._needless_at())
        return min(due, self._bury_at)

    def handle_timer(self, now: float) -> None:
        if now >= self._bury_at:
            self._dying = [process for process in self._dying if not process.gone()]
            self._bury_at = now + BURY_S if self._dying else float("inf")
        if self._process is not None and now >= self._patient_until():
            self._give_up("the sound card hangs", now)
        elif self.state is State.OPEN and now >= self._needless_at():
            self._close_card()
        elif self._again_at is not None and now >= self._again_at:
            self._again(now)

    def _patient_until(self) -> float:
        starting = self.state in (State.LOOKING, State.OPENING)
        return self._heard_at + (START_S if starting else SILENT_S)

    def _needless_at(self) -> float:
        """When an open card is to be closed; a tone that goes on opens it anew, without the microphone."""
        return (self._listened_at if self._wish["capture"] else self._used_at) + UNUSED_S

    def _again(self, now: float) -> None:
        self._again_at = None
        if self._process is None:
            self.start(now)
        elif now < self._used_at + UNUSED_S:
            self._open_card(now)
        else:
            self.state = State.IDLE

    def _give_up(self, why: str, now: float) -> None:
        """End this helper, say so, and start another one later."""
        if self.state is State.OPEN and now - self._opened_at > PROVEN_S:
            self._failures = 0
        self._drop()
        self._complain(why, now)

    def _complain(self, why: str, now: float) -> None:
        pause = PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
        self._failures += 1
        self._again_at = now + pause
        note = f"{why}: silence"
        if self.note != note:  # the same again is not worth another line
            self.log.append(("warn", f"{why}; trying again in {pause:.0f} s, then less often"))
        self.note, self.lost = note, True

    def _drop(self) -> None:
        self.state = State.DOWN
        self._forget_streams()
        if self._process is not None:
            self._process.kill()
            self._dying.append(self._process)
            self._bury_at = self._loop.now + BURY_S
            self._process = None

    def close(self) -> None:
        """The program ends: the helper too."""
        self._drop()
        self._again_at = None
        for process in self._dying:
            process.wait(0.5)
        self._dying.clear()
        self._bury_at = float("inf")

    # ------------------------------------------------------------------ open and close the card

    def use(self, rate_hz: int, listen: bool = True) -> None:
        """A call plays or reads at this rate, now.

        Without ``listen`` it is only a tone: no microphone is opened for it, and no card that is open opened anew.
        """
        now = self._used_at = self._loop.now
        if listen:
            self._listened_at = now
        capture, wish = listen and self._may_capture, self._wish
        if self.state is State.IDLE or (
            self.state is State.OPEN and listen and (rate_hz > wish["rate"] or (capture and not wish["capture"]))
        ):
            wish.update(rate=rate_hz, capture=capture)
            self._open_card(now)

    def set_voice(self, steps: frozenset[str]) -> None:
        """Do this to the microphone from now on (``engine.media.voice``)."""
        self.voice = steps
        if self._process is not None and self.state in (State.IDLE, State.OPENING, State.OPEN, State.REFUSED):
            self._send_voice()

    def _send_voice(self) -> None:
        """A helper that is too busy to take it is told with its next sign of life."""
        assert self._process is not None
        if self._process.send(b"V", json.dumps(sorted(self.voice)).encode()):
            self._voice_told = self.voice

    @property
    def chosen(self) -> tuple[str | None, str | None]:
        """The names of input and output that were asked for; None is the system's choice."""
        return self._wish["input"], self._wish["output"]

    def choose(self, direction: str, name: str | None) -> None:
        """Another "input" or "output" from now on. A card that is open is opened anew: silence for a moment."""
        self._wish[direction] = name
        self.unfit = ""
        self._failures = 0
        if self.state in (State.OPENING, State.OPEN):
            self._open_card(self._loop.now)
        elif self.state in (State.IDLE, State.REFUSED):
            self.note, self.lost = self._describe(self._expected(), self._may_capture), False
            if self.state is State.REFUSED:
                self._again_at = self._loop.now

    def look(self) -> None:
        """Ask the helper what there is now; while the card is open it cannot tell, but has looked when it opened it."""
        if self.state is State.IDLE and self._process is not None:
            self._process.send(b"L", b"")

    def _expected(self) -> tuple[str | None, str | None]:
        """What will be opened, by all that is known."""
        heard, played = (
            next((there for there in self.devices.get(direction, ()) if wanted.lower() in there.lower()), wanted)
            if wanted
            else usual
            for direction, wanted, usual in zip(DIRECTIONS, self.chosen, self.usual, strict=True)
        )
        return heard, played

    @staticmethod
    def _describe(names: tuple[str | None, str | None], captures: bool) -> str:
        heard, played = names
        if not captures:
            return f"loudspeaker {played or 'none'}"
        return str(heard) if heard == played else f"microphone {heard or 'none'}, loudspeaker {played or 'none'}"

    def release(self) -> None:
        """Nobody will play for now: give the loudspeaker back at once, others may want it."""
        if self.state is State.OPEN:
            self._close_card()

    def _open_card(self, now: float) -> None:
        assert self._process is not None
        self._forget_streams()
        self._process.send(b"O", json.dumps(self._wish).encode())
        self.state = State.OPENING
        self._heard_at = now

    def _close_card(self) -> None:
        """No microphone is open outside a call: a helper that cannot be told is ended."""
        assert self._process is not None
        self._wish["rate"] = 0
        if not self._process.send(b"X", b""):
            self._give_up("the sound card hangs", self._loop.now)
            return
        self._forget_streams()
        self.state = State.IDLE

    def _forget_streams(self) -> None:
        self._in_rate = self._out_rate = 0
        self._capture = None
        self._to_card.clear()
        self.counts.underruns += self._speaker_counts[0]
        self.counts.overruns += self._speaker_counts[1]
        self._speaker_counts = (0, 0)
        for microphone in self._microphones:
            microphone.source_lost()

    # ------------------------------------------------------------------ what the helper says

    def _on_messages(self, messages: list[Message]) -> None:
        now = self._heard_at = self._loop.now
        captured = []
        for kind, content in messages:
            if kind == b"C":
                captured.append(content)
            elif not self._obey(kind, content, now):
                self._give_up("the sound helper talks nonsense", now)
                return
        if self._process is None:
            return
        if captured and self._in_rate:
            data = b"".join(captured)
            pcm = np.frombuffer(data[: len(data) & ~1], np.int16)
            for microphone in self._microphones:
                microphone.hear(pcm, self._in_rate)
        self._check_flood(self._process.received_bytes, now)

    def _obey(self, kind: bytes, content: bytes, now: float) -> bool:
        if kind == b"H" and len(content) == COUNTERS.size:
            if self.voice != self._voice_told and self.state is not State.LOOKING:
                self._send_voice()
            if self.state is State.OPEN:
                underruns, overruns = COUNTERS.unpack(content)
                self._speaker_counts = underruns, overruns
            return True
        if kind == b"M" and len(content) == EXTREMES.size:
            lowest, highest, clipped, count = EXTREMES.unpack(content)
            if self._capture is not None and self._in_rate and lowest <= highest:
                self._capture.add(lowest, highest, min(clipped, count), count / self._in_rate)
            return True
        return kind == b"S" and self._on_status(content, now)

    def _check_flood(self, received_bytes: int, now: float) -> None:
        if now - self._second_at >= 1.0 or received_bytes < self._second_bytes:
            self._second_at, self._second_bytes = now, received_bytes
        elif received_bytes - self._second_bytes > MOST_BYTES_A_SECOND:
            self._give_up("the sound helper sends far too much", now)

    def _on_status(self, content: bytes, now: float) -> bool:
        try:
            status = json.loads(content)
            state, error = str(status["state"]), str(status.get("error") or "")
            rates = int(status.get("in_rate") or 0), int(status.get("out_rate") or 0)
            names = status.get("input"), status.get("output")
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError):
            return False
        if any(rate and not RATES_HZ[0] <= rate <= RATES_HZ[1] for rate in rates):
            return False
        self._note_devices(status)
        if state == "idle":
            self.usual = _names(names)
            self._check_names(status)
            self._looked(names, error)
        elif state == "open":
            self._in_rate, self._out_rate = rates
            self._opened(names, error, now)
        elif state == "failed":
            self._refused(error or "no sound card", bool(status.get("fatal")), now)
        return state in ("idle", "open", "failed")

    def _note_devices(self, status: dict[str, Any]) -> None:
        for direction in DIRECTIONS:
            there = status.get(f"{direction}s")
            if isinstance(there, list):
                self.devices[direction] = tuple(str(name) for name in there)

    def _check_names(self, status: dict[str, Any]) -> None:
        """Is there what was asked for by name?"""
        troubles = []
        for direction in DIRECTIONS:
            wanted, there = self._wish[direction], status.get(f"{direction}s")
            if wanted and isinstance(there, list) and not any(wanted.lower() in str(name).lower() for name in there):
                troubles.append(misfit(wanted, direction, [str(name) for name in there]))
        self.unfit = "; ".join(troubles)

    def _looked(self, names: tuple[Any, Any], error: str) -> None:
        self.state = State.IDLE
        if self.voice != self._voice_told and self._process is not None:
            self._send_voice()
        had, self.found = self.found, self.found or any(names)
        if any(names):
            if self._loop.now >= self._used_at + UNUSED_S:  # else it is soon known better
                self.note, self.lost = self._describe(self._expected(), self._may_capture), False
        elif not had:
            self.note, self.lost = NO_CARD, False
            self.log.append(("info", f"no sound card ({error})" if error else "no sound card"))

    def _opened(self, names: tuple[Any, Any], error: str, now: float) -> None:
        self.state = State.OPEN
        self.found, self.lost = True, False
        self._opened_at = now
        self._capture = Capture() if self._in_rate else None
        rates = sorted({rate for rate in (self._in_rate, self._out_rate) if rate})
        devices = self._describe(_names(names), self._wish["capture"])
        self.note = f"{devices}, {' and '.join(str(rate) for rate in rates)} Hz"
        self.log.append(("info", f"sound: {self.note}"))
        if error:
            self.note = f"{self.note} ({error})"
            self.log.append(("warn", error))

    def _refused(self, error: str, fatal: bool, now: float) -> None:
        if fatal:
            self._give_up(f"no sound ({error})", now)
            return
        self.state = State.REFUSED
        if self.found or self._wish["input"] or self._wish["output"]:
            self._complain(f"no sound ({error})", now)
        else:  # there was none before, and there is none now
            self._again_at = now + PAUSES_S[-1]

    def _on_gone(self) -> None:
        self._give_up("the sound card is gone", self._loop.now)

    def _on_line(self, text: str) -> None:
        if text in self._noise:
            return
        if len(self._noise) < KNOWN_LINES:
            self._noise.add(text)
        self._noise_left -= 1
        if self._noise_left < 0:
            return
        self.log.append(("info", text if self._noise_left else f"{text} (and more like it)"))

    # ------------------------------------------------------------------ sound

    def microphone(self, rate_hz: int) -> CardMicrophone:
        """What one call hears of the card's microphone."""
        made = CardMicrophone(self, rate_hz)
        self._microphones.add(made)
        self.use(rate_hz)
        return made

    def forget(self, microphone: CardMicrophone) -> None:
        self._microphones.discard(microphone)

    def play(self, pcm: np.ndarray, rate_hz: int, listen: bool = True) -> None:
        """Hand over a frame; never waits. ``listen`` as in ``use``."""
        self.use(rate_hz, listen)
        if not self._out_rate or self._process is None:
            return
        if rate_hz != self._out_rate:
            pcm = self._resampler(rate_hz).push(pcm)
        if not self._process.send(b"P", pcm.astype(np.int16, copy=False).tobytes()[:MOST_CONTENT]):
            self.counts.overruns += 1

    def _resampler(self, rate_hz: int) -> Resampler:
        if rate_hz not in self._to_card:
            if len(self._to_card) >= MOST_RESAMPLERS:
                self._to_card.clear()
            self._to_card[rate_hz] = Resampler(rate_hz, self._out_rate)
        return self._to_card[rate_hz]

    @property
    def captured(self) -> Captured | None:
        """What the open microphone has given so far; None while none is open."""
        return None if self._capture is None else self._capture.captured

    @property
    def underruns(self) -> int:
        return self.counts.underruns + self._speaker_counts[0]

    @property
    def overruns(self) -> int:
        return self.counts.overruns + self._speaker_counts[1]


class CardMicrophone:
    """The card's microphone as one call hears it, at the call's rate."""

    def __init__(self, link: CardLink, rate_hz: int) -> None:
        self.queue = PcmQueue(rate_hz, link.counts)
        self._link = link
        self._rate_hz = rate_hz
        self._resampler: Resampler | None = None

    def hear(self, pcm: np.ndarray, rate_hz: int) -> None:
        """The card has captured this."""
        if self._resampler is None:
            self._resampler = Resampler(rate_hz, self._rate_hz)
        self.queue.push(self._resampler.push(pcm))

    def source_lost(self) -> None:
        self._resampler = None
        self.queue.clear()

    def read(self, count: int) -> np.ndarray:
        """Exactly ``count`` samples; silence for what has not come."""
        self._link.use(self._rate_hz)
        return self.queue.take(count)

    def close(self) -> None:
        self._link.forget(self)


def _names(said: tuple[Any, Any]) -> tuple[str | None, str | None]:
    heard, played = (None if name is None else str(name) for name in said)
    return heard, played
