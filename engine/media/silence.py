"""Silence suppression: which frames nobody would miss, and what to say of the room meanwhile (RFC 3389).

Theory of operation. :class:`VoiceDetector` compares each frame with the noise floor (``noise_floor``). A frame that
stands out is speech, and so is what follows it for a while (the hangover), so that soft endings and short pauses are
not cut. It has no ear for the beginning of a word that is softer than the room: a threshold that is low enough costs a
few more packets and no syllables.

:class:`SilenceSuppressor` learns the room from the frames that are not speech, says so when a pause begins, when the
room changes, and now and then in case that was lost.
"""

from __future__ import annotations

import numpy as np

from engine.media.codecs import cn
from engine.media.level import FLOOR_DBFS, rms_dbfs
from engine.media.noise_floor import WINDOW_S, NoiseFloor

STANDS_OUT_DB = 6.0
NEVER_SPEECH_DBFS = -65.0
LOUDEST_ROOM_DBFS = -40.0  # what has been louder than this all the time is speech without a pause
HANGOVER_S = 0.3
FLOOR_MEMORY_S = 4.0
TELL_EVERY_S = 1.0
TELL_CHANGE_DB = 3.0
TELL_CHANGE_AFTER_S = 0.1

_LEARN = 0.2  # weight of the latest frame in what is known of the room


class VoiceDetector:
    """Told every frame, says whether it is speech."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._floor = NoiseFloor(FLOOR_MEMORY_S)
        self._window_energy = self._window_s = 0.0
        self._hangover_s = HANGOVER_S  # a call begins with speech

    def hears(self, pcm: np.ndarray) -> bool:
        """One frame, int16."""
        seconds = len(pcm) / self._rate_hz
        level = rms_dbfs(pcm)
        self._learn(level, seconds)
        known = self._floor.dbfs
        floor = level if known is None else known
        if level > max(min(floor, LOUDEST_ROOM_DBFS) + STANDS_OUT_DB, NEVER_SPEECH_DBFS):
            self._hangover_s = HANGOVER_S
            return True
        self._hangover_s -= seconds
        return self._hangover_s > 0

    def _learn(self, level_dbfs: float, seconds: float) -> None:
        self._window_energy += seconds * 10 ** (level_dbfs / 10)
        self._window_s += seconds
        if self._window_s >= WINDOW_S:
            self._floor.note(10 * np.log10(self._window_energy / self._window_s))
            self._window_energy = self._window_s = 0.0


class SilenceSuppressor:
    """For one codec. ``clock_rate`` is that of the comfort noise: a spectrum is told only where it is that of our
    samples, too."""

    def __init__(self, rate_hz: int, clock_rate: int) -> None:
        self._rate_hz = rate_hz
        self._shaped = rate_hz == clock_rate
        self._detector = VoiceDetector(rate_hz)
        self._correlation: np.ndarray | None = None  # of the room, for one sample
        self._told_dbov: float | None = None  # since this pause began
        self._since_told_s = 0.0

    def pauses(self, pcm: np.ndarray) -> bool:
        """Is this frame one that need not be sent?"""
        if self._detector.hears(pcm):
            self._told_dbov = None
            return False
        self._learn(pcm)
        return True

    def noise(self, seconds: float) -> bytes | None:
        """The payload to send instead of a frame of this length; None where what was said still holds."""
        level = self._level()
        self._since_told_s += seconds
        if self._told_dbov is not None:
            changed = abs(level - self._told_dbov) >= TELL_CHANGE_DB and self._since_told_s >= TELL_CHANGE_AFTER_S
            if not changed and self._since_told_s < TELL_EVERY_S:
                return None
        self._told_dbov, self._since_told_s = level, 0.0
        return cn.describe(level, self._correlation if self._shaped else None)

    def _learn(self, pcm: np.ndarray) -> None:
        samples = pcm.astype(np.float32)
        if len(samples) <= cn.ORDER:
            return
        found = np.array([samples[lag:] @ samples[: len(samples) - lag] for lag in range(cn.ORDER + 1)]) / len(samples)
        before = self._correlation
        self._correlation = found if before is None else before + _LEARN * (found - before)

    def _level(self) -> float:
        if self._correlation is None or self._correlation[0] <= 0:
            return FLOOR_DBFS
        return max(FLOOR_DBFS, 10 * float(np.log10(self._correlation[0] / 32768.0**2)))
