"""What stands in for microphone and loudspeaker: a card, a file, or silence. All with the same few calls."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable

import numpy as np

from engine.io.card_link import CardLink, CardMicrophone
from engine.io.loop import Loop
from engine.io.wav import WavReader
from engine.model import SoundView

_HOW_TO_INSTALL = {
    "linux": "sudo apt-get install portaudio19-dev && pip install pyaudio",
    "darwin": "brew install portaudio && pip install pyaudio",
    "win32": "pip install pyaudio",
}


class SoundError(OSError):
    """The sound that was asked for cannot be had; one line that says what to do."""


class Silence:
    """A microphone that hears nothing."""

    def read(self, count: int) -> np.ndarray:
        return np.zeros(count, np.int16)

    def close(self) -> None:
        """Nothing is open."""


class Sound:
    """One microphone for every call, one loudspeaker for all."""

    def __init__(self, audio_file: str | None, wants_card: tuple[str | None, str | None] | None, kind: str, note: str):
        self._audio_file = audio_file
        self._wants_card = wants_card
        self._kind = kind
        self._note = note
        self._card: CardLink | None = None
        self._microphones: list[CardMicrophone] = []

    def attach(self, loop: Loop) -> None:
        """Start the card's helper, if a card is wanted."""
        if self._wants_card is not None:
            self._card = CardLink(loop, *self._wants_card)
            self._card.start(loop.now)

    def microphone(self, rate_hz: int) -> WavReader | CardMicrophone | Silence:
        """A microphone for one call; ``read(n)`` gives exactly n samples at ``rate_hz``."""
        if self._audio_file is not None:
            return WavReader(self._audio_file, rate_hz)
        if self._card is not None:
            made = CardMicrophone(self._card, rate_hz)
            self._microphones.append(made)
            return made
        return Silence()

    def play(self, pcm: np.ndarray, rate_hz: int) -> None:
        if self._card is not None:
            self._card.play(pcm, rate_hz)

    def deadline(self) -> float:
        return float("inf") if self._card is None else self._card.deadline()

    def handle_timer(self, now: float) -> None:
        if self._card is not None and now >= self._card.deadline():
            self._card.handle_timer(now)

    def log_lines(self) -> list[tuple[str, str]]:
        """(level, text) of what the card has said; takes it out."""
        if self._card is None or not self._card.log:
            return []
        taken = list(self._card.log)
        self._card.log.clear()
        return taken

    def view(self) -> SoundView:
        if self._card is None:
            return SoundView(kind=self._kind, note=self._note)
        return SoundView(
            kind="device" if self._audio_file is None else "file",
            note=self._card.note,
            ok=self._card.ok,
            underruns=sum(microphone.underruns for microphone in self._microphones),
            overruns=self._card.overruns,
        )

    def close(self) -> None:
        if self._card is not None:
            self._card.close()


def open_sound(
    kind: str | None,
    *,
    audio_file: str | None,
    input_name: str | None = None,
    output_name: str | None = None,
    have_pyaudio: Callable[[], bool] | None = None,
) -> Sound:
    """Choose; raises WavError for a file and SoundError for a card that cannot be had."""
    if audio_file is not None:
        WavReader(audio_file).close()  # say now what is wrong with it
    if kind in ("null", "file"):
        return Sound(audio_file, None, "file" if audio_file else "null", "no loudspeaker (--audio)")
    if (have_pyaudio or _have_pyaudio)():
        return Sound(audio_file, (input_name, output_name), "device", "")
    if kind == "device" or input_name or output_name:
        how = _HOW_TO_INSTALL.get(sys.platform, "pip install pyaudio")
        raise SoundError(f"a sound card needs PyAudio, which is not installed: {how}")
    return Sound(audio_file, None, "file" if audio_file else "null", "no sound card (PyAudio is not installed)")


def _have_pyaudio() -> bool:
    return importlib.util.find_spec("pyaudio") is not None
