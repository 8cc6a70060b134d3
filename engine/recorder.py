"""Writes one call to WAV files: the far end alone, or both ends side by side.

The files are valid at every moment (``engine.io.wav``). A recording keeps the sampling rate it began with:
when a re-INVITE changes the codec, what follows is resampled. The first call of a run writes to the name
the user gave; a second one to ``NAME-2.wav``, so no recording of this run overwrites another.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from engine.config import Config
from engine.media.resample import Resampler


class Writer(Protocol):
    """A WAV file being written: ``engine.io.wav.WavWriter``."""

    failed: str | None

    def write(self, pcm: np.ndarray) -> None: ...

    def close(self) -> None: ...


OpenWriter = Callable[[str, int, int], Writer]


def numbered(path: str, number: int) -> str:
    """``calls.wav`` for the first call, ``calls-2.wav`` for the second."""
    if number <= 1:
        return path
    given = Path(path)
    return str(given.with_name(f"{given.stem}-{number}{given.suffix}"))


class Track:
    """One file of one call. ``channels`` 1 is the far end, 2 is both."""

    def __init__(self, path: str, channels: int, rate_hz: int, open_writer: OpenWriter) -> None:
        """Raises WavError when the file cannot be written."""
        self.path = path
        self._channels = channels
        self._rate_hz = rate_hz
        self._writer = open_writer(path, rate_hz, channels)
        self._resamplers: dict[tuple[int, int], Resampler] = {}
        self._told = False

    def write(self, sent: np.ndarray, heard: np.ndarray, rate_hz: int) -> str | None:
        """One frame of each end, of equal length; returns a line when the file has just failed."""
        if rate_hz != self._rate_hz:
            sent, heard = self._resampled(0, sent, rate_hz), self._resampled(1, heard, rate_hz)
        if self._channels == 2:
            heard = np.column_stack((sent, heard)).reshape(-1)
        self._writer.write(heard)
        if self.failed and not self._told:
            self._told = True
            return f"recording stopped: {self._writer.failed}"
        return None

    @property
    def failed(self) -> bool:
        """The file could not take all of the sound; it is valid, and ends where that began."""
        return self._writer.failed is not None

    def close(self) -> None:
        self._writer.close()

    def _resampled(self, channel: int, pcm: np.ndarray, rate_hz: int) -> np.ndarray:
        key = (channel, rate_hz)
        if key not in self._resamplers:
            self._resamplers[key] = Resampler(rate_hz, self._rate_hz)
        return self._resamplers[key].push(pcm)


class Recordable(Protocol):
    """One call's audio: ``engine.media_session.MediaSession``."""

    @property
    def rate_hz(self) -> int: ...

    def record(self, track: Track) -> None: ...


class Recordings:
    """The recordings that were asked for, a set of files for each call."""

    def __init__(self, config: Config, open_writer: OpenWriter, log: Callable[[str, str, str], None]) -> None:
        both = ((config.record, 1), (config.record_stereo, 2))
        self._wanted = [(path, channels) for path, channels in both if path]
        self._open_writer = open_writer
        self._log = log
        self._calls = 0

    def start(self, media: Recordable) -> None:
        """A call has sound from now on."""
        self._calls += 1
        for path, channels in self._wanted:
            try:
                media.record(Track(numbered(path, self._calls), channels, media.rate_hz, self._open_writer))
            except OSError as error:
                self._log("error", "media", str(error))
