"""What is done to a microphone before it is sent: echo taken out, noise turned down, the level made even.

    echo     engine.media.echo: the loudspeaker is taken out, both may speak
    noise    noise suppression      } by WebRTC's audio processing, where aec-audio-processing is installed
    gain     automatic gain         }
    duck     instead of echo: the microphone is turned down while the far end speaks, for a loudspeaker that distorts

:class:`Duplex` joins the two directions of one card. What was given to the loudspeaker is laid beside what the
microphone gave by counting samples, not by time: as long as both run on, the way from one to the other is constant,
however unevenly they are read and written. Blocks are 10 ms. ``tests/bench/bench_voice.py`` measures all of it: the
library's own echo canceller is not used, because it cuts away those who speak here while the far end speaks.
"""

from __future__ import annotations

import importlib.util
from array import array
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.media.echo import EchoCanceller
from engine.media.resample import Resampler

ECHO, NOISE, GAIN, DUCK = "echo", "noise", "gain", "duck"
STEPS = (ECHO, NOISE, GAIN, DUCK)
LIBRARY = "aec-audio-processing"

if TYPE_CHECKING:
    Samples = np.ndarray | array  # int16

_BLOCK_S = 0.01
_MOST_FAR_BLOCKS = 10  # laid by beside the microphone; more is a microphone that has lost sound
_LATE_BLOCKS = 3  # in a row that may be late; no loudspeaker plays on for longer
_NOISE_LEVEL = 1  # "moderate": more hurts speech more than noise does
_ADAPTIVE_DIGITAL = 1

_SPEAKS_DBFS = -50.0
_HOLD_S = 0.3  # the echo's way, and a room
_DUCKED = 10 ** (-36 / 20)
_LOUDER_DB = 0.0  # an echo comes back softer than it was played; who is louder than that speaks here
_STEP = 0.5  # of the way to the wanted gain, in one block


def library_is_there() -> bool:
    """Whether noise and gain can be had; imports nothing."""
    return importlib.util.find_spec("aec_audio_processing") is not None


class Duplex:
    """A card's loudspeaker and microphone, side by side. Amounts may be any; the order of the calls is what happened.

    ``complaint`` is a line when a step cannot be done; the others are done all the same.
    """

    def __init__(self, rate_hz: int, far_rate_hz: int, steps: frozenset[str]) -> None:
        self.complaint = ""
        self._to_near = Resampler(far_rate_hz, rate_hz)
        self._empty = 0  # blocks without a far end, in a row
        self._rate_hz = rate_hz
        self._block_samples = round(rate_hz * _BLOCK_S)
        self._far = np.zeros(0, np.int16)
        self._near = np.zeros(0, np.int16)
        self._echo = EchoCanceller(rate_hz) if ECHO in steps and DUCK not in steps else None
        self._ducker = Ducker(rate_hz) if DUCK in steps else None
        self._polisher = self._polish(rate_hz, steps)

    def _polish(self, rate_hz: int, steps: frozenset[str]) -> Polisher | None:
        if not steps & {NOISE, GAIN}:
            return None
        try:
            return Polisher(rate_hz, noise=NOISE in steps, gain=GAIN in steps)
        except Exception as error:  # a library that is broken in whatever way
            self.complaint = f"no noise suppression and no automatic gain: {error}"
            return None

    def played(self, pcm: Samples) -> None:
        """int16 samples that the loudspeaker was given."""
        far = self._to_near.push(np.asarray(pcm, np.int16))
        self._far = np.concatenate((self._far, far))
        self._hold_back(_MOST_FAR_BLOCKS * self._block_samples)

    def captured(self, pcm: Samples, ahead_s: float | None = None) -> np.ndarray:
        """int16 samples from the microphone; gives what is ready to be sent, in whole blocks.

        ``ahead_s`` is how much the loudspeaker was given and has not played yet. The far end that lies beside the
        microphone can be no further ahead than that, else the echo would come before the sound: a microphone that
        began later than the loudspeaker, or has lost sound, makes good for it here.
        """
        if ahead_s is not None and len(pcm):
            self._hold_back(len(self._near) + len(pcm) + round(ahead_s * self._rate_hz))
        near, count = np.concatenate((self._near, np.asarray(pcm, np.int16))), self._block_samples
        whole = len(near) // count * count
        self._near = near[whole:]
        dry = not ahead_s  # nothing is being played
        blocks = [self._process(near[start : start + count], dry) for start in range(0, whole, count)]
        return np.concatenate(blocks) if blocks else near[:0]

    def _hold_back(self, most: int) -> None:
        """Leave out the oldest of the far end, in whole blocks, when there is more than this."""
        blocks = (len(self._far) - most) // self._block_samples
        if blocks > 0:
            self._far = self._far[blocks * self._block_samples :]
            self._move(blocks)

    def _move(self, blocks: int) -> None:
        """The far end was laid so much earlier (later, below zero) beside the microphone."""
        if self._echo is not None:
            self._echo.move(blocks)

    def _process(self, near: np.ndarray, dry: bool) -> np.ndarray:
        far = self._take_far(dry)
        if self._echo is not None:
            near = self._echo.process(near, far)
        if self._ducker is not None:
            near = self._ducker.process(near, far)
        return near if self._polisher is None else self._polished(near, self._polisher)

    def _polished(self, near: np.ndarray, polisher: Polisher) -> np.ndarray:
        try:
            return polisher.process(near)
        except Exception as error:  # it must not take the card with it
            self._polisher = None
            self.complaint = f"noise suppression and automatic gain have failed: {error}"
            return near

    def _take_far(self, dry: bool) -> np.ndarray:
        """The next block; silence when there is none. Was that played (``dry``), all stays in its place; else what
        comes next was late, and is laid a block later."""
        count = self._block_samples
        if len(self._far) < count:
            self._empty += 1
            if not dry and self._empty <= _LATE_BLOCKS:
                self._move(-1)
            return np.zeros(count, np.int16)
        self._empty = 0
        far, self._far = self._far[:count], self._far[count:]
        return far


class Polisher:
    """Noise and level, by WebRTC's audio processing (BSD licence) in ``aec-audio-processing``."""

    def __init__(self, rate_hz: int, *, noise: bool, gain: bool) -> None:
        """Raises whatever the library does when it is missing or broken."""
        from aec_audio_processing import AudioProcessor

        self._library: Any = AudioProcessor(
            enable_aec=False,
            enable_ns=noise,
            ns_level=_NOISE_LEVEL,
            enable_agc=gain,
            agc_mode=_ADAPTIVE_DIGITAL,
            enable_vad=False,
        )
        self._library.set_stream_format(rate_hz, 1)

    def process(self, near: np.ndarray) -> np.ndarray:
        """A block of 10 ms."""
        return np.frombuffer(self._library.process_stream(near.astype(np.int16).tobytes()), np.int16)


class Ducker:
    """Half duplex: while the far end speaks, and for the time its echo takes, the microphone is turned down by 36 dB,
    unless what comes in is louder than what was played."""

    def __init__(self, rate_hz: int) -> None:
        self._gain = 1.0
        self._held = 0.0  # the power of the far end, as its echo may still be heard
        self._fade = np.arange(1, round(rate_hz * _BLOCK_S) + 1) / round(rate_hz * _BLOCK_S)
        self._left = 0  # blocks until that is forgotten

    def process(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        """``near``, or less of it."""
        power = _power(far)
        if power >= max(self._held, 10 ** (_SPEAKS_DBFS / 10)):
            self._held, self._left = power, round(_HOLD_S / _BLOCK_S)
        elif self._left:
            self._left -= 1
        else:
            self._held = power if power >= 10 ** (_SPEAKS_DBFS / 10) else 0.0
        ducked = bool(self._held) and _power(near) <= self._held * 10 ** (_LOUDER_DB / 10)
        before = self._gain
        self._gain += _STEP * ((_DUCKED if ducked else 1.0) - self._gain)
        if before > 0.999 and self._gain > 0.999:
            return near
        return np.rint(near * (before + (self._gain - before) * self._fade)).astype(np.int16)


def _power(pcm: np.ndarray) -> float:
    """The mean square of int16 samples; 1 is full scale."""
    samples = pcm.astype(np.float32) / 32768
    return float(samples.dot(samples)) / max(1, len(samples))
