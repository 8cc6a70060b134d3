"""The tones of a telephone, made sample by sample: pure, endless, at any rate.

Ringback, busy and congestion are those of ITU-T E.180 (425 Hz; 1 s in 5, 0.5 s in 1, 0.25 s in 0.5), which most
countries have. Call waiting is two short quiet beeps every five seconds: heard in the ear beside somebody who speaks.
The ring is nobody's country: four rising notes, twice, each fading like a struck bar. All begin and end in ramps, so
that nothing clicks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_RAMP_S = 0.005
_OVERTONES = ((1.0, 1.0), (4.0, 0.15))  # of a struck bar: times the frequency, strength


@dataclass(frozen=True, slots=True)
class Note:
    """Sounds from ``start_s`` for ``length_s``; ``fade_s`` is its time constant, None: it keeps its level."""

    start_s: float
    length_s: float
    hz: float
    fade_s: float | None = None


@dataclass(frozen=True, slots=True)
class Tone:
    """Notes that come again every ``period_s``; the level is that of a sine's peak."""

    notes: tuple[Note, ...]
    period_s: float
    level_dbfs: float


def _on_off(hz: float, on_s: float, off_s: float, level_dbfs: float) -> Tone:
    return Tone((Note(0.0, on_s, hz),), on_s + off_s, level_dbfs)


_RISING_HZ = (523.25, 659.26, 783.99, 1046.5)  # C E G C

RINGBACK = _on_off(425.0, 1.0, 4.0, -20.0)
BUSY = _on_off(425.0, 0.5, 0.5, -20.0)
CONGESTION = _on_off(425.0, 0.25, 0.25, -20.0)
WAITING = Tone((Note(0.0, 0.15, 425.0), Note(0.3, 0.15, 425.0)), 5.0, -32.0)
TRIAL = Tone(
    tuple(Note(0.35 * place, 1.2, hz, fade_s=0.3) for place, hz in enumerate((440.0, 554.37, 659.26))), 2.0, -14.0
)
RING = Tone(
    tuple(
        Note(bar_s + 0.14 * place, 0.9, hz, fade_s=0.25) for bar_s in (0.0, 0.8) for place, hz in enumerate(_RISING_HZ)
    ),
    4.0,
    -14.0,
)


class TonePlayer:
    """One tone, from its beginning: ``read`` gives the next samples, for ever."""

    def __init__(self, tone: Tone, rate_hz: int) -> None:
        self._tone = tone
        self._rate_hz = rate_hz
        self._period = round(tone.period_s * rate_hz)
        self._amplitude = 32767 * 10 ** (tone.level_dbfs / 20)
        self._at = 0

    def read(self, samples: int) -> np.ndarray:
        """int16, as many as asked for."""
        out = np.zeros(samples)
        for note in self._tone.notes:
            self._add(note, out)
        self._at = (self._at + samples) % self._period
        pcm: np.ndarray = np.clip(np.rint(out * self._amplitude), -32768, 32767)
        return pcm.astype(np.int16)

    def close(self) -> None:
        """Nothing is open."""

    def _add(self, note: Note, out: np.ndarray) -> None:
        """What lies in this frame of one note: of its latest turn and, where the frame is long, of later ones."""
        start = round(note.start_s * self._rate_hz) - self._at
        length = round(note.length_s * self._rate_hz)
        while start + length > 0:
            start -= self._period  # a note may hang over from the turn before
        while start < len(out):
            first, end = max(0, start), min(len(out), start + length)
            if first < end:
                out[first:end] += self._sound(note, np.arange(first - start, end - start) / self._rate_hz)
            start += self._period

    @staticmethod
    def _sound(note: Note, at_s: np.ndarray) -> np.ndarray:
        edge = np.minimum(at_s, note.length_s - at_s) / _RAMP_S
        shape = np.clip(edge, 0.0, 1.0)
        if note.fade_s is None:
            return np.asarray(shape * np.sin(2 * np.pi * note.hz * at_s))
        shape *= np.exp(-at_s / note.fade_s)
        bar = sum(strength * np.sin(2 * np.pi * note.hz * times * at_s) for times, strength in _OVERTONES)
        return np.asarray(shape * bar)
