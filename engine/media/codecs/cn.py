"""Comfort noise (RFC 3389): a payload that says how the room sounds in which nobody speaks.

The first octet is the level in -dBov, 127 and less; after it come the reflection coefficients of an all-pole filter
through which white noise sounds like the room's, as many as the sender likes, each in an octet::

    k = 258 * (octet - 127) / 32768

For a playout it is a codec like any other: it decodes a payload to its first 10 ms, and goes on for as long as nothing
else comes (``own_concealment``). Noise is made by its spectrum, two seconds of it in a circle, from phases that are
random to the ear and the same every time.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.media.codecs.codec import Codec
from engine.media.errors import MediaError

ENCODING = "CN"
PAYLOAD_TYPE = 13  # RFC 3551 table 4, at a clock of 8000 Hz
CLOCK_RATE = 8000
MAX_ORDER = 32  # coefficients beyond these are not looked at
ORDER = 10  # of ours
LOWEST_DBOV = -127

_PIECE_S = 0.01
_CIRCLE_S = 2
_UNIT, _MIDDLE = 258 / 32768, 127


class ComfortNoise(Codec):
    """Noise of one source, at the rate of whoever plays it; a model of ``clock_rate`` says nothing above its half."""

    __slots__ = ("_at", "_circle", "_clock_rate", "_leaving", "_payload")

    own_concealment = True

    def __init__(self, rate_hz: int, clock_rate: int) -> None:
        super().__init__(rate_hz, 0)
        self._clock_rate = clock_rate
        self._payload = b""
        self._circle = np.zeros(rate_hz * _CIRCLE_S, np.float32)
        self._leaving: np.ndarray | None = None  # what it was before, to be faded out
        self._at = 0

    def samples_in(self, payload: bytes) -> int:
        return int(self.rate_hz * _PIECE_S) if payload else 0

    def is_pause(self, payload: bytes) -> bool:
        return True

    def decode(self, payload: bytes) -> np.ndarray:
        """Take the noise it describes, from now on."""
        if not payload:
            raise MediaError("comfort noise without a level")
        if payload != self._payload:
            self._leaving, self._circle = self._circle, self._made(payload)
            self._payload = payload
        return self.conceal(self.samples_in(payload))

    def conceal(self, samples: int) -> np.ndarray:
        noise = self._piece(self._circle, samples)
        if self._leaving is not None:
            rise = (np.arange(samples, dtype=np.float32) + 0.5) / max(1, samples)
            noise = noise * rise + self._piece(self._leaving, samples) * (1 - rise)
            self._leaving = None
        self._at = (self._at + samples) % len(self._circle)
        pcm: np.ndarray = np.clip(noise, -32768, 32767).astype(np.int16)
        return pcm

    def _piece(self, circle: np.ndarray, samples: int) -> np.ndarray:
        piece: np.ndarray = circle.take(np.arange(self._at, self._at + samples), mode="wrap")
        return piece

    def _made(self, payload: bytes) -> np.ndarray:
        count = len(self._circle)
        shape = response(reflections(payload), self._clock_rate * _CIRCLE_S)[: count // 2 + 1]
        noise: np.ndarray = np.fft.irfft(shape * _phases(len(shape)), count).astype(np.float32)  # and nothing above
        rms = 32768 * 10 ** (-(payload[0] & 0x7F) / 20)
        noise *= rms / np.sqrt(np.mean(noise**2))
        return noise


def make(clock_rate: int, channels: int, fmtp: str = "") -> ComfortNoise:
    return ComfortNoise(clock_rate, clock_rate)


def reflections(payload: bytes) -> np.ndarray:
    """The reflection coefficients that a payload describes."""
    octets = np.frombuffer(payload[1 : 1 + MAX_ORDER], np.uint8)
    return np.clip((octets.astype(float) - _MIDDLE) * _UNIT, -0.99995, 0.99995)


def response(coefficients: np.ndarray, points: int) -> np.ndarray:
    """How strongly the filter of these reflection coefficients lets through at 0, 1... cycles in ``points`` samples."""
    filter_ = np.ones(1)
    for k in coefficients:
        filter_ = np.append(filter_, 0) + k * np.append(0, filter_[::-1])
    return 1 / np.maximum(np.abs(np.fft.rfft(filter_, points)), 1e-3)


def describe(level_dbov: float, correlation: np.ndarray | None) -> bytes:
    """The payload for noise of this level and, where it is given, this autocorrelation (lags from 0 on)."""
    level = min(max(round(-level_dbov), 0), -LOWEST_DBOV)
    if correlation is None or correlation[0] <= 0:
        return bytes((level,))
    octets = np.rint(_levinson(correlation) / _UNIT) + _MIDDLE
    return bytes((level, *np.clip(octets, 0, 254).astype(int)))


def _levinson(correlation: np.ndarray) -> np.ndarray:
    """Reflection coefficients by the Levinson-Durbin recursion."""
    filter_, error = np.ones(1), float(correlation[0]) * 1.0001  # a little white noise keeps it well-behaved
    found = []
    for order in range(1, len(correlation)):
        k = -float(filter_ @ correlation[order:0:-1]) / error
        found.append(k)
        filter_ = np.append(filter_, 0) + k * np.append(0, filter_[::-1])
        error *= 1 - k * k
    return np.array(found)


@lru_cache(maxsize=2)
def _phases(count: int) -> np.ndarray:
    """On the unit circle, without an order that can be heard (splitmix64 of 1, 2, 3...)."""
    value = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    value = (value ^ value >> np.uint64(30)) * np.uint64(0xBF58476D1CE4E5B9)
    value = (value ^ value >> np.uint64(27)) * np.uint64(0x94D049BB133111EB)
    turns = (value ^ value >> np.uint64(31)) / 2.0**64
    return np.asarray(np.exp(2j * np.pi * turns))
