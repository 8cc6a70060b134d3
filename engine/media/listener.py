"""What is wrong with our own microphone: silence that no room has, clipping, noise. The user cannot hear it himself.

Two objects. :class:`Capture` watches the card's microphone as it captures, before anything was done to the sound:
whether it moves at all, and how many samples stand at full scale. :class:`Listener` hears what one call sends, keeps
its noise floor, and names what is wrong: one line when it begins and one when it is over. A room is never digitally
silent: a microphone that gives one and the same value for seconds is switched off, muted in the system, or broken.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from engine.media.level import FLOOR_DBFS, rms_dbfs
from engine.media.noise_floor import WINDOW_S, NoiseFloor

FULL_SCALE = 32767
STILL_SPAN = 1  # a constant with the least significant bit restless is constant
DEAD_S = 5.0
CLIPS_PERCENT = 0.1  # of the samples of a second
CLIPS_SECONDS = 2  # of the last few
CLEAR_SECONDS = 10  # without clipping, and it is over
NOISY_DBFS = -40.0  # speech is usually 14 dB above
CALM_DBFS = -46.0
FLOOR_MEMORY_S = 10.0

DIGITAL_SILENCE, CONSTANT, CLIPPING, NOISY = "digital silence", "constant", "clipping", "noisy"
_WORDS = {
    DIGITAL_SILENCE: "the microphone gives nothing but digital silence: is it muted in the system, or unplugged?",
    CONSTANT: "the microphone is dead: it gives one and the same value",
    CLIPPING: "the microphone clips: turn its gain down",
    NOISY: "the microphone is noisy: its floor is at {floor:.0f} dBFS",
}


@dataclass(frozen=True, slots=True)
class Captured:
    """What the card's microphone has given since it was opened; the fields are those of ``model.CaptureView``."""

    seconds: float = 0.0
    clipped: int = 0  # samples at full scale
    still_s: float = 0.0  # so long now it has given one value alone
    still_at: int = 0  # which


class Capture:
    """The card's microphone, in stretches of a fraction of a second."""

    def __init__(self) -> None:
        self.captured = Captured()

    def add(self, lowest: int, highest: int, clipped: int, seconds: float) -> None:
        """A stretch of sound: its extremes (int16), its samples at full scale, how long it was."""
        if seconds <= 0:
            return
        before = self.captured
        still = highest - lowest <= STILL_SPAN
        same = still and abs(highest - before.still_at) <= STILL_SPAN
        self.captured = Captured(
            before.seconds + seconds,
            before.clipped + clipped,
            seconds + (before.still_s if same else 0.0) if still else 0.0,
            highest if still else 0,
        )


@dataclass(frozen=True, slots=True)
class Heard:
    """The fields are those of ``model.MicrophoneView``."""

    noise_floor_dbfs: float | None = None
    clipped: int = 0
    trouble: str = ""


class Listener:
    """What one call sends of its microphone. Feed it nothing while muted or held: that is no finding."""

    def __init__(self, rate_hz: int) -> None:
        self._trouble = ""
        self._clipped = 0
        self._floor = NoiseFloor(FLOOR_MEMORY_S)
        self._clipping: deque[bool] = deque(maxlen=CLEAR_SECONDS)
        self._before: Captured | None = None
        self._heard = self._counted = 0  # samples, samples at full scale, of this second
        self.set_rate(rate_hz)

    def set_rate(self, rate_hz: int) -> None:
        """The codec was changed."""
        self._window: list[np.ndarray] = []  # frames that were not looked at yet
        self._window_has = 0  # samples
        self._window_samples = max(1, int(rate_hz * WINDOW_S))

    def hear(self, pcm: np.ndarray) -> None:
        """One frame, int16, as the microphone gave it; kept as it is for a moment, so it must not change."""
        self._window.append(pcm)
        self._window_has += len(pcm)
        if self._window_has >= self._window_samples:
            window, self._window, self._window_has = np.concatenate(self._window), [], 0
            self._look(window)

    def _look(self, window: np.ndarray) -> None:
        self._heard += len(window)
        if window.max() >= FULL_SCALE or window.min() <= -FULL_SCALE:
            self._counted += int(np.count_nonzero(np.abs(window.astype(np.int32)) >= FULL_SCALE))
        self._floor.note(rms_dbfs(window))

    def second(self, captured: Captured | None) -> str | None:
        """A second is over; ``captured`` is the card's microphone, None where a file or nothing stands in for it.

        Returns a line when trouble has just begun, or has just ended. A file is as it is: nothing to say of it.
        """
        heard, counted, before = self._heard, self._counted, self._before
        self._heard = self._counted = 0
        self._before = captured
        if captured is None:
            self._trouble = ""
        if not heard:
            return None
        if captured is not None and before is not None:
            heard_s = captured.seconds - before.seconds
            counted = captured.clipped - before.clipped if heard_s > 0 else 0
        self._clipped += max(counted, 0)
        self._clipping.append(100 * counted >= CLIPS_PERCENT * heard)
        return None if captured is None else self._change(self._judge(captured))

    def _judge(self, captured: Captured) -> str:
        if captured.still_s >= DEAD_S:
            return DIGITAL_SILENCE if abs(captured.still_at) <= STILL_SPAN else CONSTANT
        if self._clips():
            return CLIPPING
        floor = self._floor.dbfs
        limit = CALM_DBFS if self._trouble == NOISY else NOISY_DBFS
        if floor is not None and self._floor.settled and floor > limit:
            return NOISY
        return ""

    def _clips(self) -> bool:
        if self._trouble == CLIPPING:
            return any(self._clipping)
        return sum(list(self._clipping)[-CLIPS_SECONDS - 1 :]) >= CLIPS_SECONDS

    def _change(self, trouble: str) -> str | None:
        before, self._trouble = self._trouble, trouble
        if trouble == before:
            return None
        if trouble:
            return _WORDS[trouble].format(floor=self._floor.dbfs or FLOOR_DBFS)
        return f"the microphone is well again (it was: {before})"

    @property
    def trouble(self) -> str:
        """What is wrong now, in a word or two; empty when nothing is."""
        return self._trouble

    def heard(self) -> Heard:
        """A frozen copy."""
        return Heard(self._floor.dbfs, self._clipped, self._trouble)
