"""What stands in for microphone and loudspeaker: a card, a file, or silence. All with the same few calls.

Opening never waits for a card: whether there is one is for the helper process to find out, and ``view`` says what is
known so far.
"""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from engine.install import pip_line, pyaudio_line
from engine.io.audio_files import Reader, open_reader
from engine.io.loop import Loop
from engine.io.wav import WavError
from engine.media.voice import DUCK, ECHO, GAIN, LIBRARY, NOISE, STEPS, library_is_there
from engine.model import CaptureView, DevicesView, SoundView

if TYPE_CHECKING:
    from engine.io.card_link import CardLink, CardMicrophone  # imported with the first card: a start without is quicker

LOOK_S = 3.0  # what a card that was asked for may hold up the start

LogLine = tuple[str, str]  # level, text


class SoundError(OSError):
    """The sound that was asked for cannot be had; one line that says what to do."""


class Silence:
    """A microphone that hears nothing."""

    def read(self, count: int) -> np.ndarray:
        return np.zeros(count, np.int16)

    def close(self) -> None:
        """Nothing is open."""


if TYPE_CHECKING:
    Microphone = Reader | CardMicrophone | Silence


class Sound:
    """A microphone for each call, one loudspeaker for all. ``open_sound`` makes it."""

    def __init__(
        self,
        *,
        audio_file: str | None = None,
        capture: bool = True,
        make_card: Callable[[Loop], CardLink] | None = None,
        make_ring_card: Callable[[Loop], CardLink] | None = None,
        card_asked_for: bool = False,
        voice: frozenset[str] = frozenset(),
        note: str = "",
    ) -> None:
        self._audio_file = audio_file
        self._capture = capture and audio_file is None  # a card is the microphone too
        self._make_card = make_card
        self._voice = voice
        self._make_ring_card = make_ring_card  # None: it rings where calls are heard
        self._card_asked_for = card_asked_for
        self._note = note
        self._card: CardLink | None = None
        self._ring_card: CardLink | None = None
        self._log: list[LogLine] = []

    def attach(self, loop: Loop) -> None:
        """Start the card's helper, if a card is wanted; before there is any call.

        Returns at once, unless the card was asked for: then the helper has a moment to look for it. Raises SoundError
        when there is none, or none of that name; whatever happens to it later is no reason to end a call.
        """
        if self._make_card is None:
            return
        self._card = self._make_card(loop)
        self._card.start(loop.now)
        if self._make_ring_card is not None:
            self._ring_card = self._make_ring_card(loop)
            self._ring_card.start(loop.now)
        wanted = [card for card in (self._card if self._card_asked_for else None, self._ring_card) if card is not None]
        for card in wanted:
            trouble = self._wait_for_card(card, loop)
            if trouble:
                self.close()
                raise SoundError(trouble)

    def _wait_for_card(self, card: CardLink, loop: Loop) -> str:
        """What is wrong with the card that was asked for; a helper that takes too long may still find it."""
        end = loop.now + LOOK_S
        while card.state.value == "looking" and loop.now < end:
            loop.turn(end - loop.now)
        if card.unfit or card.lost:
            return card.unfit or card.note.removesuffix(": silence")
        missing = card.state.value == "idle" and not card.found
        return "--audio device: there is no sound card" if missing else ""

    def close(self) -> None:
        for card in self._cards():
            card.close()
        self._card = self._ring_card = None

    def _cards(self) -> list[CardLink]:
        return [card for card in (self._card, self._ring_card) if card is not None]

    # ------------------------------------------------------------------ sound

    def microphone(self, rate_hz: int) -> Microphone:
        """A microphone for one call; ``read(n)`` gives exactly n samples at ``rate_hz``, always."""
        if self._audio_file is not None:
            return self._file_microphone(self._audio_file, rate_hz)
        return Silence() if self._card is None or not self._capture else self._card.microphone(rate_hz)

    def _file_microphone(self, path: str, rate_hz: int) -> Microphone:
        """A sound file as a microphone; silence and a line in the log when it cannot be read any more."""
        try:
            return open_reader(path, rate_hz, self._file_failed)
        except WavError as error:  # it was there when the program started
            self._file_failed(str(error))
            return Silence()

    def _file_failed(self, why: str) -> None:
        self._log.append(("error", f"silence instead of the file: {why}"))

    def play(self, pcm: np.ndarray, rate_hz: int) -> None:
        """Let this be heard; returns at once, whatever the card does."""
        if self._card is not None:
            self._card.play(pcm, rate_hz)

    @property
    def is_heard(self) -> bool:
        """A card plays what is played, or may soon."""
        return self._card is not None and not _is_missing(self._card)

    def set_voice(self, steps: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """What is done to the card's microphone from now on; None goes on to the next of ``voice_ways``.

        Returns what is so now, None when no card is the microphone. Raises SoundError when a library is missing.
        """
        card = self._card
        if card is None or not self._capture or _is_missing(card):
            return None
        if steps is None:
            ways = voice_ways(self._voice)
            card.set_voice(ways[(ways.index(card.voice) + 1) % len(ways)] if card.voice in ways else ways[0])
        else:
            card.set_voice(voice_steps(steps)[0])
        return in_order(card.voice)

    def set_device(self, direction: str, name: str | None) -> None:
        """Another "input" or "output" of the card from now on, see ``model.SetDevice``.

        Raises SoundError where no card is used for that, or none of its devices has that name.
        """
        card = self._card
        if card is None:
            raise SoundError(f"no sound card is used here: {self._note}")
        if direction == "input" and not self._capture:
            raise SoundError("no card is the microphone: there is nothing to choose")
        there = card.devices.get(direction, ())
        if name is not None and not any(name.lower() in other.lower() for other in there):
            raise SoundError(f"no {direction} has '{name}' in its name any more")
        card.choose(direction, name)

    def find_devices(self) -> None:
        """Look anew at what there is; ``view`` has it as soon as it is known."""
        if self._card is not None:
            self._card.look()

    def tone(self, pcm: np.ndarray, rate_hz: int, *, ring: bool) -> None:
        """A frame of no call, for the ear or, with ``ring``, for the loudspeaker that rings. Opens no microphone.

        Where the loudspeaker that rings is lost, it rings where calls are heard: else nobody would know of them.
        """
        bell = self._ring_card if ring else None
        if bell is not None:
            bell.play(pcm, rate_hz, listen=False)
        if self._card is not None and (bell is None or bell.lost):
            self._card.play(pcm, rate_hz, listen=False)

    def tone_off(self) -> None:
        """The tone is over; a card of calls closes by itself when there is none."""
        if self._ring_card is not None:
            self._ring_card.release()

    def tone_file(self, path: str, rate_hz: int) -> Reader | None:
        """A sound file to ring with; None and a line in the log when it cannot be read any more."""
        try:
            return open_reader(path, rate_hz, self._tone_failed)
        except WavError as error:
            self._tone_failed(str(error))
            return None

    def _tone_failed(self, why: str) -> None:
        self._log.append(("error", f"our own tone instead of the file: {why}"))

    # ------------------------------------------------------------------ time

    def deadline(self) -> float:
        """When ``handle_timer`` wants to be called."""
        return min((card.deadline() for card in self._cards()), default=float("inf"))

    def handle_timer(self, now: float) -> None:
        for card in self._cards():
            if now >= card.deadline():
                card.handle_timer(now)

    # ------------------------------------------------------------------ what it says

    def log(self, level: str, text: str) -> None:
        self._log.append((level, text))

    def log_lines(self) -> list[LogLine]:
        """(level, text) of what has happened; takes it out."""
        for card in self._cards():
            self._log += card.log
            card.log.clear()
        taken, self._log = self._log, []
        return taken

    def view(self) -> SoundView:
        card = self._card
        if card is None:
            return SoundView(kind="null" if self._audio_file is None else "file", note=self._with_file(self._note))
        missing = _is_missing(card)
        kind = "null" if missing and not self._card_asked_for else "device"
        return SoundView(
            kind=kind if self._audio_file is None else "file",
            note=self._with_file(card.note),
            ok=not card.lost and not (missing and self._card_asked_for),
            underruns=None if missing else card.underruns,
            overruns=None if missing else card.overruns,
            capture=_capture_view(card),
            voice=in_order(card.voice) if self._capture and not missing else (),
            devices=DevicesView(
                inputs=card.devices.get("input", ()),
                outputs=card.devices.get("output", ()),
                chosen=card.chosen,
                usual=card.usual,
                captures=self._capture,
            ),
        )

    def _with_file(self, note: str) -> str:
        if self._audio_file is None:
            return note
        name = os.path.basename(self._audio_file)
        return f"{name}; {note}" if note else name


def _is_missing(card: CardLink) -> bool:
    """It was looked for, and there is none."""
    return not card.found and card.state.value not in ("down", "looking")


def _capture_view(card: CardLink) -> CaptureView | None:
    seen = card.captured
    return None if seen is None else CaptureView(seen.seconds, seen.clipped, seen.still_s, seen.still_at)


def open_sound(
    kind: str | None,
    *,
    audio_file: str | None = None,
    input_name: str | None = None,
    output_name: str | None = None,
    capture: bool = True,
    voice: tuple[str, ...] | None = None,
    ring_output: str | None = None,
    have_pyaudio: Callable[[], bool] | None = None,
    card_command: list[str] | None = None,
) -> Sound:
    """Choose by ``kind``: "device", "file", "null", or None for a device if there is one and silence if not.

    A file is the microphone whatever the kind; without ``capture`` none is opened. Raises WavError for a file that
    cannot be read and SoundError for a card that cannot be had; both are one line.
    """
    if audio_file is not None:
        open_reader(audio_file).close()  # say now what is wrong with it
    elif kind == "file":
        raise SoundError("sound from a file needs the file: --audio-file F.wav")
    if kind in ("null", "file"):
        return Sound(audio_file=audio_file, note="no loudspeaker" if audio_file else "silence")
    asked_for = kind == "device" or bool(input_name or output_name)
    if not (have_pyaudio or pyaudio_is_there)():
        asking = {"--input": input_name, "--output": output_name, "--ring-output": ring_output}
        flags = [flag for flag, name in asking.items() if name] + ["--audio device"] * (kind == "device")
        if flags:
            raise SoundError(f"{flags[0]} needs PyAudio, which is not installed: {pyaudio_line()}")
        note = f"no sound card: PyAudio is not installed ({pyaudio_line()})"
        silent = Sound(audio_file=audio_file, note=note)
        silent.log("info", note)  # on most screens there is no room for all of it anywhere else
        return silent

    def make_card(loop: Loop) -> CardLink:
        from engine.io.card_link import CardLink

        return CardLink(loop, input_name, output_name, capture=capture, voice=steps, command=card_command)

    def make_ring_card(loop: Loop) -> CardLink:
        from engine.io.card_link import CardLink

        return CardLink(loop, None, ring_output, capture=False, command=card_command)

    capture = capture and audio_file is None
    steps, lacking = voice_steps(voice) if capture else (frozenset(), "")
    made = Sound(
        audio_file=audio_file,
        capture=capture,
        make_card=make_card,
        make_ring_card=make_ring_card if ring_output else None,
        card_asked_for=asked_for,
        voice=steps,
    )
    if lacking:
        made.log("info", lacking)
    return made


def voice_steps(wanted: tuple[str, ...] | None) -> tuple[frozenset[str], str]:
    """What is done to a card's microphone, and a line on what cannot be; None is everything that can be.

    Raises SoundError when something was asked for by name and its library is missing.
    """
    steps = frozenset((ECHO, NOISE, GAIN) if wanted is None else wanted)
    lacking = steps & {NOISE, GAIN} if not library_is_there() else frozenset()
    if not lacking:
        return steps, ""
    if wanted is not None:
        missing = " and ".join(sorted(lacking))
        how = f"{LIBRARY}, which is not installed: {pip_line(LIBRARY)}"
        raise SoundError(f"the steps {missing} of --voice need {how}")
    return steps - lacking, f"no noise suppression and no automatic gain: {pip_line(LIBRARY)}"


def in_order(steps: frozenset[str]) -> tuple[str, ...]:
    """As they are done."""
    return tuple(step for step in STEPS if step in steps)


def voice_ways(first: frozenset[str]) -> list[frozenset[str]]:
    """What a key goes through: as asked for, half duplex instead of echo cancellation, nothing."""
    ways = [first, (first - {ECHO}) | {DUCK}, frozenset()]
    return list(dict.fromkeys(ways))


def pyaudio_is_there() -> bool:
    """Imports nothing."""
    return importlib.util.find_spec("pyaudio") is not None
