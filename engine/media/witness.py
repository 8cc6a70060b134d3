"""What is in the far end's sound: a live spectrum, how wide it really is, hum, clipping, a constant.

A wideband codec says nothing of what goes into it: a call that was narrowband somewhere on its way has nothing above
3.4 kHz, whatever the codec. So the power at each frequency is averaged over the seconds in which somebody speaks, and
the highest frequency that still carries sound is told. Hum is looked for at the mains' frequencies in one second of
sound, against what lies beside them.

Frames are only kept; they are looked at once a second, and for the spectrum when somebody looks. That is of the last
quarter of a second; its bands rise at once and fall slowly, and stay where they hardly change: an eye follows that, and
a terminal at the end of a slow line, too.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

BANDS = 32  # of the spectrum, evenly on a scale of octaves
LOWEST_HZ = 60.0
FLOOR_DBFS = -96.0
SPECTRUM_S = 0.06  # of a piece that is looked at
SPECTRUM_SPAN_S = 0.24  # so much sound is in a spectrum
FALL_DB_PER_S = 20.0  # of its bands
STEADY_DB = 1.5  # less than this is no change
SPEAKS_DBFS = -45.0  # a second louder than this is one in which somebody speaks
MEMORY = 0.85  # of the average, from one such second to the next
LEAST_SECONDS = 3  # of speech, before anything is said of its width
CARRIES_DB = -42.0  # below the strongest: what is softer is nothing, or a codec's own noise (G.722: -45 to -55)
WIDTH_STEP_HZ = 250.0
HUM_RATE_HZ = 1000  # hum is looked for at this rate
HUM_ABOVE_DB = 18.0  # a line of the mains is so much above its surroundings
HUM_LEAST_DBFS = -62.0
FULL_SCALE = 32767
SOFTEST = 8  # a constant of so little is silence: A-law knows no zero
CLIPS = 8  # samples at full scale in a second

MOST_PIECES = 8  # of a second are looked at for its width

_FULL = 32768.0


@lru_cache(maxsize=16)
def _window(points: int) -> np.ndarray:
    return np.hanning(points).astype(np.float32)


@lru_cache(maxsize=16)
def _smooth(step: int) -> np.ndarray:
    """A filter of three steps: the mean of the mean of the mean of so many samples. A tone near a multiple of the slow
    rate, which would look like hum, is 75 dB softer after it."""
    mean = np.full(step, 1 / step)
    kernel = np.convolve(np.convolve(mean, mean), mean)
    return np.append(kernel, np.zeros(3 * step - len(kernel))).astype(np.float32).reshape(3, step)


def _slow(sound: np.ndarray, step: int) -> np.ndarray:
    """The sound at a rate so many times lower, without what is too fast for that."""
    pieces = sound[: len(sound) // step * step].reshape(-1, step)
    first, second, third = (pieces @ part for part in _smooth(step))
    slow: np.ndarray = first[:-2] + second[1:-1] + third[2:]
    return slow


@lru_cache(maxsize=16)
def _places(points: int, rate_hz: int) -> np.ndarray:
    """Where each band begins in a spectrum of so many points."""
    edges = LOWEST_HZ * (rate_hz / 2 / LOWEST_HZ) ** (np.arange(BANDS) / BANDS)
    places: np.ndarray = np.minimum(np.round(edges * points / rate_hz).astype(int), points // 2)
    return places


@dataclass(frozen=True, slots=True)
class Spectrum:
    """``bands_dbfs``: from ``lowest_hz`` to ``highest_hz`` in equal parts of an octave; a full-scale sine is 0 dBFS."""

    lowest_hz: float
    highest_hz: float
    bands_dbfs: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Heard:
    """What was found in the last seconds. None and "": nothing is known, nothing is wrong."""

    width_hz: float | None  # the highest frequency that carries sound
    hum_hz: float | None  # 50 or 60: the mains
    clips: bool
    constant: int | None  # the one value that comes, if it is not as soft as silence


class Witness:
    """One call's ear; ``rate_hz`` as it is played."""

    def __init__(self, rate_hz: int) -> None:
        self._begin(rate_hz)

    def _begin(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._frames: deque[np.ndarray] = deque()
        self._samples = 0
        self._power: np.ndarray | None = None
        self._speech_s = 0
        self._hums: deque[float | None] = deque(maxlen=3)
        self._heard = Heard(None, None, False, None)

    def hear(self, pcm: np.ndarray, rate_hz: int) -> None:
        """One frame that was played; kept as it is, so it must not change."""
        if rate_hz != self.rate_hz:
            self._begin(rate_hz)
        self._frames.append(pcm)
        self._samples += len(pcm)
        while self._samples - len(self._frames[0]) >= self.rate_hz:
            self._samples -= len(self._frames.popleft())

    def _last(self, samples: int) -> np.ndarray:
        taken, count = [], 0
        for frame in reversed(self._frames):
            taken.append(frame)
            count += len(frame)
            if count >= samples:
                break
        return np.concatenate(taken[::-1])[-samples:] if taken else np.zeros(0, np.int16)

    # -------------------------------------------------------------- once a second

    def second(self, highest_sample: int = FULL_SCALE) -> None:
        """Look at the second that is over. ``highest_sample``: that the codec can give."""
        pcm = self._last(self.rate_hz)
        if len(pcm) < self.rate_hz // 2:
            return
        lowest, highest = int(pcm.min()), int(pcm.max())
        constant = lowest if lowest == highest and abs(lowest) > SOFTEST else None
        at_edge = 0
        if highest >= highest_sample or lowest <= -highest_sample:
            at_edge = int(np.count_nonzero(pcm >= highest_sample) + np.count_nonzero(pcm <= -highest_sample))
        sound = pcm.astype(np.float32) / _FULL
        sound -= sound.mean()
        self._hums.append(self._find_hum(sound))
        level = 10 * np.log10(max(float(np.dot(sound, sound)) / len(sound), 1e-12))
        if level > SPEAKS_DBFS:
            self._average(sound)
        self._heard = Heard(self._width(), self._hum(), at_edge >= CLIPS, constant)

    def _average(self, sound: np.ndarray) -> None:
        points = 1 << (self.rate_hz // 32).bit_length()
        pieces = sound[: len(sound) // points * points].reshape(-1, points)
        pieces = pieces[:: -(-len(pieces) // MOST_PIECES)] * _window(points)
        power = (np.abs(np.fft.rfft(pieces, axis=1)) ** 2).mean(axis=0)
        before = self._power
        self._power = power if before is None or len(before) != len(power) else MEMORY * before + power
        self._speech_s += 1

    def _find_hum(self, sound: np.ndarray) -> float | None:
        """50 or 60 where that line and its double stand out; all at a low rate, which costs little."""
        low = _slow(sound, self.rate_hz // HUM_RATE_HZ)
        power = np.abs(np.fft.rfft(low * _window(len(low)))) ** 2 / (len(low) * 0.25) ** 2
        per_hz = len(low) / HUM_RATE_HZ
        best: tuple[float, float] | None = None
        for mains in (50.0, 60.0):
            lines = [self._line(power, mains * times, per_hz) for times in (1, 2, 3)]
            loud = max(level for level, _ in lines)
            stands_out = sum(above > HUM_ABOVE_DB and level > HUM_LEAST_DBFS for level, above in lines)
            if stands_out >= 2 and (best is None or loud > best[1]):
                best = mains, loud
        return None if best is None else best[0]

    @staticmethod
    def _line(power: np.ndarray, hz: float, per_hz: float) -> tuple[float, float]:
        """A line's level in dBFS, and how far it is above what lies 4 to 12 Hz beside it."""
        at = round(hz * per_hz)
        near, far = max(1, round(2 * per_hz)), max(2, round(12 * per_hz))
        line = float(power[max(0, at - near) : at + near + 1].sum())
        beside = np.concatenate((power[max(0, at - far) : at - 2 * near], power[at + 2 * near + 1 : at + far + 1]))
        middle = float(np.sort(beside)[len(beside) // 2]) if len(beside) else 0.0  # median() loads a lot in mid-call
        floor = middle * (2 * near + 1)
        level = 10 * np.log10(max(line, 1e-12))
        return float(level), float(level - 10 * np.log10(max(floor, 1e-12)))

    # -------------------------------------------------------------- looking

    def heard(self) -> Heard:
        """As of the latest second."""
        return self._heard

    def _hum(self) -> float | None:
        hums = [hum for hum in self._hums if hum is not None]
        return hums[-1] if len(hums) == self._hums.maxlen and len(set(hums)) == 1 else None

    def _width(self) -> float | None:
        power = self._power
        if power is None or self._speech_s < LEAST_SECONDS:
            return None
        step = self.rate_hz / 2 / (len(power) - 1)
        bins = max(1, round(WIDTH_STEP_HZ / step))
        smooth = power[: len(power) // bins * bins].reshape(-1, bins).mean(axis=1)
        strong = np.nonzero(smooth > smooth.max() * 10 ** (CARRIES_DB / 10))[0]
        return float(min((strong[-1] + 1) * bins * step, self.rate_hz / 2))

    def spectrum(self, before: Spectrum | None = None, since_s: float = 0.0) -> Spectrum:
        """Of the last moment; ``before`` is what it was so long ago. Changes nothing."""
        highest = self.rate_hz / 2
        points = int(self.rate_hz * SPECTRUM_S)
        pcm = self._last(int(self.rate_hz * SPECTRUM_SPAN_S))
        pieces = pcm[len(pcm) % points :].reshape(-1, points)
        if not len(pieces):
            return Spectrum(LOWEST_HZ, highest, (FLOOR_DBFS,) * BANDS)
        window, places = _window(points), _places(points, self.rate_hz)
        power = (np.abs(np.fft.rfft(pieces * (window / _FULL), axis=1)) ** 2).mean(axis=0) / (window.sum() / 2) ** 2
        levels = 10 * np.log10(np.maximum(np.maximum.reduceat(power, places), 10 ** (FLOOR_DBFS / 10)))
        if before is not None and before.highest_hz == highest:
            was = np.array(before.bands_dbfs)
            levels = np.maximum(levels, was - FALL_DB_PER_S * since_s)
            levels = np.where(np.abs(levels - was) < STEADY_DB, was, levels)
        return Spectrum(LOWEST_HZ, highest, tuple(round(float(level), 1) for level in levels))
