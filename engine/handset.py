"""What a person holds: one microphone and one ear for all calls, with mute and volume.

Each call plays frames at its own moments and rate. One of them, the first that is heard, leads: its frame
goes to the loudspeaker as it comes, mixed with what the others have brought since, at its rate. So any number of
calls share one ear with no clock of their own. When the rate of the ear changes (another call leads, or a re-INVITE
changed the codec), what was brought for the old one is left out: it is a tenth of a second at most.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from engine.media.mixer import mix
from engine.media.resample import Resampler
from engine.model import SoundView

VOLUME_RANGE_DB = (-40.0, 12.0)
WAITING_S = 0.12  # how much another call may bring before the leading one fetches it


class Microphone(Protocol):
    """One call's; whoever asked for it closes it."""

    def read(self, samples: int) -> np.ndarray: ...

    def close(self) -> None: ...


class Sound(Protocol):
    """What stands behind the handset: a card, a file, or silence (``engine.io.sound``)."""

    def microphone(self, rate_hz: int) -> Microphone: ...

    def play(self, pcm: np.ndarray, rate_hz: int) -> None: ...

    def view(self) -> SoundView: ...


class Handset:
    """Mute, volume and the mix of what is heard."""

    def __init__(self, sound: Sound) -> None:
        self._sound = sound
        self.muted = False
        self.volume_db = 0.0
        self._gain: float | None = None  # None: unchanged
        self._leader: int | None = None
        self._ear_rate_hz = 0
        self._waiting: dict[int, np.ndarray] = {}  # by call, at the rate of the ear
        self._resamplers: dict[int, tuple[int, Resampler]] = {}  # by call, with the call's rate

    def microphone(self, rate_hz: int) -> Microphone:
        return self._sound.microphone(rate_hz)

    def set_muted(self, on: bool | None) -> bool:
        """Mute, unmute or (None) toggle; returns what is so now."""
        self.muted = (not self.muted) if on is None else on
        return self.muted

    def change_volume(self, change_db: float) -> float:
        """Turn the volume by so many decibels within its range; returns what is so now."""
        low, high = VOLUME_RANGE_DB
        self.volume_db = min(max(self.volume_db + change_db, low), high)
        self._gain = None if self.volume_db == 0 else 10 ** (self.volume_db / 20)
        return self.volume_db

    def hear(self, call: int, pcm: np.ndarray, rate_hz: int) -> None:
        """One frame of one call, for the ear."""
        if self._leader is None:
            self._leader = call
            self._waiting.pop(call, None)  # brought for the leader before; never mixed with itself
        if call != self._leader:
            self._keep(call, pcm, rate_hz)
            return
        if rate_hz != self._ear_rate_hz:
            self._ear_rate_hz = rate_hz
            self._waiting.clear()
            self._resamplers.clear()
        if self._waiting:
            pcm = mix([pcm, *self._fetch(len(pcm))])
        if self._gain is not None:
            pcm = np.clip(pcm * self._gain, -32768, 32767).astype(np.int16)
        self._sound.play(pcm, rate_hz)

    def leave(self, call: int) -> None:
        """A call is no longer heard (over, or on hold); the next one that plays leads."""
        if self._leader == call:
            self._leader = None
        self._waiting.pop(call, None)
        self._resamplers.pop(call, None)

    def view(self) -> SoundView:
        return replace(self._sound.view(), muted=self.muted, volume_db=self.volume_db)

    def _keep(self, call: int, pcm: np.ndarray, rate_hz: int) -> None:
        pcm = self._at_ear_rate(call, pcm, rate_hz)
        before = self._waiting.get(call)
        held = pcm if before is None else np.concatenate((before, pcm))
        self._waiting[call] = held[-int(self._ear_rate_hz * WAITING_S) :]

    def _fetch(self, samples: int) -> list[np.ndarray]:
        frames = []
        for call, held in self._waiting.items():
            frames.append(held[:samples])
            self._waiting[call] = held[samples:]
        return frames

    def _at_ear_rate(self, call: int, pcm: np.ndarray, rate_hz: int) -> np.ndarray:
        if rate_hz == self._ear_rate_hz:
            self._resamplers.pop(call, None)
            return pcm
        kept = self._resamplers.get(call)
        if kept is None or kept[0] != rate_hz:
            kept = self._resamplers[call] = (rate_hz, Resampler(rate_hz, self._ear_rate_hz))
        return kept[1].push(pcm)
