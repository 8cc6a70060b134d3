"""What a person holds: one microphone and one ear for all calls, with mute and volume.

Each call plays frames at its own moments and rate. One of them leads: the first of those with the highest rate. Its
frame goes to the loudspeaker as it comes, mixed with what the others have brought since, at its rate. So any number of
calls share one ear with no clock of their own, none loses any of its bandwidth, and one call alone passes bit for bit.
When the rate of the ear changes (a call came, went, or changed its codec), what was brought for the old one is left
out: it is some hundredths of a second at most. What is too loud together, or by the volume, is limited, not clipped.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from engine.io.pcm_queue import PcmQueue
from engine.media.mixer import Limiter, add
from engine.media.resample import Resampler
from engine.model import SoundView

VOLUME_RANGE_DB = (-40.0, 12.0)


class Microphone(Protocol):
    """One call's; whoever asked for it closes it."""

    def read(self, samples: int) -> np.ndarray: ...

    def close(self) -> None: ...


class ToneFile(Microphone, Protocol):
    """A file that is rung with. ``failed``: why it cannot be read any more, and gives silence; None while it can."""

    failed: str | None


class Sound(Protocol):
    """What stands behind the handset: a card, a file, or silence (``engine.io.sound``)."""

    def microphone(self, rate_hz: int) -> Microphone: ...

    def play(self, pcm: np.ndarray, rate_hz: int) -> None: ...

    def set_voice(self, steps: tuple[str, ...] | None) -> tuple[str, ...] | None: ...

    def set_device(self, direction: str, name: str | None) -> None:
        """Another microphone ("input") or loudspeaker ("output"); raises OSError with one line."""
        ...

    def find_devices(self) -> None:
        """Look anew at which there are."""
        ...

    @property
    def is_heard(self) -> bool:
        """What is played may be heard by somebody, now."""
        ...

    def tone(self, pcm: np.ndarray, rate_hz: int, *, ring: bool) -> None:
        """A frame of no call, for the ear or, with ``ring``, for the loudspeaker that rings; opens no microphone."""
        ...

    def tone_off(self) -> None:
        """No more of it for now."""
        ...

    def tone_file(self, path: str, rate_hz: int) -> ToneFile | None:
        """A sound file to ring with, repeated; None when it cannot be read."""
        ...

    def view(self) -> SoundView: ...


class Lane:
    """What one call brings for somebody who fetches it at another moment and rate."""

    def __init__(self, rate_in: int, rate_out: int) -> None:
        self._resampler = Resampler(rate_in, rate_out)
        self._queue = PcmQueue(rate_out)

    def push(self, pcm: np.ndarray) -> None:
        self._queue.push(self._resampler.push(pcm))

    def take(self, samples: int) -> np.ndarray:
        """Exactly so many samples; silence for what was not brought."""
        return self._queue.take(samples)


class Handset:
    """Mute, volume and the mix of what is heard."""

    def __init__(self, sound: Sound) -> None:
        self._sound = sound
        self.muted = False
        self.volume_db = 0.0
        self._gain: float | None = None  # None: unchanged
        self._rates: dict[int, int] = {}  # of every call that is heard, the first one first
        self._leader: int | None = None
        self._lanes: dict[int, Lane] = {}  # of the calls that do not lead
        self._limiter = Limiter(8000)

    def microphone(self, rate_hz: int) -> Microphone:
        return self._sound.microphone(rate_hz)

    def set_muted(self, on: bool | None) -> bool:
        """Mute, unmute or (None) toggle; returns what is so now."""
        self.muted = (not self.muted) if on is None else on
        return self.muted

    def set_voice(self, steps: tuple[str, ...] | None) -> tuple[str, ...] | None:
        """What is done to the card's microphone, see ``model.SetVoice``; None when no card is the microphone."""
        return self._sound.set_voice(steps)

    def change_volume(self, change_db: float) -> float:
        """Turn the volume by so many decibels within its range; returns what is so now."""
        low, high = VOLUME_RANGE_DB
        self.volume_db = min(max(self.volume_db + change_db, low), high)
        self._gain = None if self.volume_db == 0 else 10 ** (self.volume_db / 20)
        return self.volume_db

    @property
    def is_heard(self) -> bool:
        """Is there an ear, or does what is heard go nowhere?"""
        return self._sound.is_heard

    @property
    def rate_hz(self) -> int | None:
        """Of the ear; None while nothing is heard."""
        return None if self._leader is None else self._rates[self._leader]

    def hear(self, call: int, pcm: np.ndarray, rate_hz: int) -> None:
        """One frame of one call, for the ear."""
        if self._rates.get(call) != rate_hz:
            self._rates[call] = rate_hz
            self._lanes.pop(call, None)
            self._choose_leader(changed=call)
        if call == self._leader:
            self._sound.play(self._mixed(pcm), rate_hz)
            return
        lane = self._lanes.get(call)
        if lane is None:
            lane = self._lanes[call] = Lane(rate_hz, self._rates[self._leader or 0])
        lane.push(pcm)

    def leave(self, call: int) -> None:
        """A call is no longer heard (over, or on hold)."""
        if self._rates.pop(call, None) is not None:
            self._lanes.pop(call, None)
            self._choose_leader(changed=call)

    def try_out(self, key: int, pcm: np.ndarray, rate_hz: int) -> None:
        """A frame of no call, at the volume of calls: beside them, or alone; opens no microphone."""
        if self._rates.keys() - {key}:
            self.hear(key, pcm, rate_hz)
        else:
            loud = pcm if self._gain is None else np.clip(pcm * self._gain, -32768, 32767).astype(np.int16)
            self._sound.tone(loud, rate_hz, ring=False)

    def view(self) -> SoundView:
        return replace(self._sound.view(), muted=self.muted, volume_db=self.volume_db)

    def _choose_leader(self, changed: int) -> None:
        """The first of those with the highest rate; what waits for another ear than the new one is dropped."""
        before = self._leader
        self._leader = max(self._rates, key=self._rates.__getitem__, default=None)
        if self._leader != before or self._leader == changed:
            self._lanes.clear()
            self._limiter = Limiter(self._rates.get(self._leader or 0, 8000))

    def _mixed(self, pcm: np.ndarray) -> np.ndarray:
        if not self._lanes and self._gain is None and self._limiter.gain == 1:
            return pcm
        total = add([pcm, *(lane.take(len(pcm)) for lane in self._lanes.values())])
        return self._limiter.push(total if self._gain is None else total * self._gain)
