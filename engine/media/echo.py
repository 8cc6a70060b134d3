"""Acoustic echo cancellation: the loudspeaker is taken out of the microphone, while both may speak.

Theory of operation. Sound comes in blocks of 10 ms, ``near`` from the microphone and ``far`` as it was given to the
loudspeaker. The way between the two (buffers, air, walls) is a filter of 0.4 s, kept as one short spectrum for each
block of the past (a partitioned-block frequency-domain filter). Each of its bins is followed by a Kalman filter of
its own (Enzner and Vary, Signal Processing 86, 2006; Kuehl et al., IWAENC 2018): ``_doubt`` is the variance of the
error of the filter, and with the power of what is left over it gives the step. When somebody speaks here the left-over
is loud and the step becomes small by itself: no detector of double talk is needed, and what is said here stays whole.

``_doubt`` also says how loud the echo is that the filter cannot know yet. A Wiener gain for each bin takes that down,
by 20 dB at most; it is made a minimum-phase filter, so that it delays nothing, and fades from block to block.

A filter that is sure follows slowly. When the way itself jumps (a buffer that ran dry, a lid that is closed) it adds an
echo to the echo: more is left over than came in, which nobody who speaks here can do, and learning begins anew.

Speech lies below 8 kHz, and there alone is filtered. What is above is turned down by as much as echo is below: the
share of the highest octave that was ours. The delay between ``far`` and its echo must not be negative, and with the
echo's length not exceed 0.4 s; it should not jump, which costs seconds of learning.
"""

from __future__ import annotations

import numpy as np

BLOCK_S = 0.01
LENGTH_S = 0.4
BAND_HZ = 8000
OCTAVE_HZ = 4000  # from there to the top of the band stands for what is above it

_BLOCKS = round(LENGTH_S / BLOCK_S)
_FORGET = 0.9998**2  # the way changes: somebody moves
_DOUBT_FIRST = 0.005  # power of one partition of the way, before anything is known
_REGROWN = 5e-7  # in every block: what was thought to be known is looked at again
_SMOOTH = 0.5  # of the power of what is left over
_OVERLAP = 0.5  # a block is half of its transform
_CAUTION = 6.0  # so much more echo than expected is taken down
_LEAST_GAIN = 0.1
_ATTACK, _RELEASE = 0.3, 0.5  # how much of the former gain stays
_TINY = 1e-3

_WORSE = 1.4  # so much more power left over than came in ...
_WORSE_BLOCKS = 15  # ... for so long, and the filter is of another way
_POWER_SMOOTH = 0.9


class EchoCanceller:
    """One loudspeaker, one microphone, one rate."""

    def __init__(self, rate_hz: int) -> None:
        self.block_samples = count = round(rate_hz * BLOCK_S)
        self._bins = bins = min(count, round(2 * BAND_HZ * BLOCK_S)) + 1  # 50 Hz each
        self._octave = min(round(2 * OCTAVE_HZ * BLOCK_S), bins // 2)
        # The newest block comes first. A window that moves down a longer array spares the moving of all of them.
        self._spectra = np.zeros((2 * _BLOCKS, bins), np.complex128)
        self._newest = _BLOCKS
        self._begin_anew()
        self._power_near = self._power_error = 0.0
        self._left = np.ones(bins)
        self._far_before = np.zeros(count)
        self._error_before = np.zeros(count)
        self._gain = np.ones(count + 1)
        self._filter = np.ones(count + 1, np.complex128)
        self._fade = np.arange(count) / count

    def _begin_anew(self) -> None:
        self._way = np.zeros((_BLOCKS, self._bins), np.complex128)
        self._doubt = np.full((_BLOCKS, self._bins), _DOUBT_FIRST)
        self._worse = 0  # blocks in which more was left over than came in

    def move(self, blocks: int) -> None:
        """From now on the echo comes so many blocks later after its sound (earlier, below zero): so does the way."""
        blocks = max(-_BLOCKS, min(blocks, _BLOCKS))
        for kept, empty in ((self._way, 0.0), (self._doubt, _DOUBT_FIRST)):
            kept[:] = np.roll(kept, blocks, axis=0)
            if blocks > 0:
                kept[:blocks] = empty
            elif blocks:
                kept[blocks:] = empty

    def process(self, near: np.ndarray, far: np.ndarray) -> np.ndarray:
        """``near`` without the echo of ``far``: int16 blocks of ``block_samples``."""
        count, bins = self.block_samples, self._bins
        spectra = self._hear(far)
        echo = (spectra * self._way).sum(axis=0)
        error = near - np.fft.irfft(self._wide(echo), 2 * count)[count:]
        self._compare(near.astype(np.float64), error)
        spectrum = np.fft.rfft(np.concatenate((np.zeros(count), error)))[:bins]
        unknown = self._learn(spectra, spectrum)
        quiet = self._turn_down(error, self._gains(unknown, echo))
        out: np.ndarray = np.clip(np.rint(quiet), -32768, 32767).astype(np.int16)
        return out

    def _hear(self, far: np.ndarray) -> np.ndarray:
        """The spectra of the last 0.4 s of the far end, newest first."""
        if not self._newest:
            self._spectra[_BLOCKS + 1 :] = self._spectra[: _BLOCKS - 1]
            self._newest = _BLOCKS + 1
        self._newest -= 1
        pcm = far.astype(np.float64)
        self._spectra[self._newest] = np.fft.rfft(np.concatenate((self._far_before, pcm)))[: self._bins]
        self._far_before = pcm
        return np.asarray(self._spectra[self._newest : self._newest + _BLOCKS])

    def _wide(self, spectrum: np.ndarray) -> np.ndarray:
        """With nothing above the band."""
        return np.concatenate((spectrum, np.zeros(self.block_samples + 1 - len(spectrum))))

    def _compare(self, near: np.ndarray, error: np.ndarray) -> None:
        """Is there more left over than came in?"""
        self._power_near += (1 - _POWER_SMOOTH) * (float(near.dot(near)) - self._power_near)
        self._power_error += (1 - _POWER_SMOOTH) * (float(error.dot(error)) - self._power_error)
        self._worse = self._worse + 1 if self._power_error > _WORSE * self._power_near + len(near) else 0
        if self._worse >= _WORSE_BLOCKS:
            self._begin_anew()

    def _learn(self, spectra: np.ndarray, error: np.ndarray) -> np.ndarray:
        """One step of the Kalman filter; returns the power of the echo that is not known."""
        power = spectra.real**2 + spectra.imag**2
        unknown: np.ndarray = _OVERLAP * (power * self._doubt).sum(axis=0)
        self._left = _SMOOTH * self._left + (1 - _SMOOTH) * (error.real**2 + error.imag**2)
        step = self._doubt / (unknown + self._left + _TINY)
        way = self._way + step * spectra.conj() * error
        half = self._bins - 1
        taps = np.fft.irfft(way, 2 * half)
        taps[:, half:] = 0  # what a block says of the next one is an artefact of the transform
        self._way = way = np.fft.rfft(taps)
        kept = np.maximum(1 - _OVERLAP * step * power, 0) * self._doubt
        self._doubt = _FORGET * kept + (1 - _FORGET) * (way.real**2 + way.imag**2) + _REGROWN
        return unknown

    def _gains(self, unknown: np.ndarray, echo: np.ndarray) -> np.ndarray:
        """The Wiener gain of each bin, smoothed over its neighbours and time."""
        gain = np.ones(self.block_samples + 1)
        gain[: self._bins] = self._left / (self._left + _CAUTION * unknown)
        if self._bins < len(gain):
            top, known = slice(self._octave, self._bins), echo.real**2 + echo.imag**2
            share = self._left[top] / (self._left[top] + _CAUTION * unknown[top] + _OVERLAP * known[top] + _TINY)
            gain[self._bins :] = share.mean()
        np.maximum(gain, _LEAST_GAIN, out=gain)
        gain[1:-1] = (gain[:-2] + 2 * gain[1:-1] + gain[2:]) / 4
        keep = np.where(gain > self._gain, _RELEASE, _ATTACK)
        self._gain = keep * self._gain + (1 - keep) * gain
        return self._gain

    def _turn_down(self, error: np.ndarray, gain: np.ndarray) -> np.ndarray:
        """The gains as a filter without delay, faded over from that of the block before."""
        count = self.block_samples
        spectrum = np.fft.rfft(np.concatenate((self._error_before, error)))
        self._error_before = error
        before, self._filter = self._filter, _minimum_phase(gain)
        old, new = (np.fft.irfft(spectrum * shape, 2 * count)[count:] for shape in (before, self._filter))
        return np.asarray(old + (new - old) * self._fade)


def _minimum_phase(gain: np.ndarray) -> np.ndarray:
    """A causal filter of this magnitude, by its folded cepstrum (Oppenheim and Schafer)."""
    count = len(gain) - 1
    cepstrum = np.fft.irfft(np.log(gain), 2 * count)
    cepstrum[1:count] *= 2
    cepstrum[count + 1 :] = 0
    shape: np.ndarray = np.exp(np.fft.rfft(cepstrum))
    return shape
