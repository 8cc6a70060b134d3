"""Writes one call to sound files: the far end alone, or both ends side by side.

What lies where. A recording has one place for every tick of the call, counted from the first one by the call's own
clock: the media clock of what we send, in which our RTP timestamps count. Left is the frame that we captured for the
packet of this tick (as sent: silence while muted or while nothing is sent to them, the mix in a conference), right is
what was played at the same tick.
So what stands side by side is what was said and heard here at the same moment. The far end's sound lies later than it
was said there by the way it took, jitter buffer included; loss is filled by what concealed it, stretching moves it
with the delay that was heard, and neither shifts anything that follows. A stall of the program, in which nothing was
sent or heard, is as much silence on both sides: the length of the file is the length of the call.

The files are valid at every moment (``engine.io.wav``, ``engine.io.encoded``). A recording keeps the sampling rate it
began with: when a re-INVITE changes the codec, what follows is resampled, on both sides alike. The first call of a
run writes to the name the user gave; a second one to ``NAME-2.wav``, or the next number that this run has not written
to, so no recording of this run overwrites another.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from engine.config import Config
from engine.media.resample import Resampler

LONGEST_GAP_S = 60.0  # of silence for a stall; a machine that slept for a night does not fill the disk with it
GAP_PIECE_S = 1.0


class Writer(Protocol):
    """A sound file being written, at ``rate_hz``: ``engine.io.audio_files``."""

    rate_hz: int
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
        """Raises OSError when the file cannot be written."""
        self.path = path
        self._channels = channels
        self._writer = open_writer(path, rate_hz, channels)
        self._rate_hz = self._writer.rate_hz  # a format may not have the one wished
        self._resampled_from = self._rate_hz
        self._resamplers: tuple[Resampler, Resampler] | None = None
        self._told = False

    def write(self, sent: np.ndarray, heard: np.ndarray, rate_hz: int) -> str | None:
        """One frame of each end, of equal length; returns a line when the file has just failed."""
        if rate_hz != self._resampled_from:
            sent, heard = self._resample_anew(sent, heard, rate_hz)
        elif self._resamplers is not None:
            sent, heard = self._resamplers[0].push(sent), self._resamplers[1].push(heard)
        if self._channels == 2:
            heard = np.column_stack((sent, heard)).reshape(-1)
        self._writer.write(heard)
        return self._complaint()

    def skip(self, samples: int, rate_hz: int) -> str | None:
        """So much time has passed in which there was no sound; returns a line when the file has just failed."""
        left = min(samples, int(LONGEST_GAP_S * rate_hz))
        complaint = None
        while left > 0 and not self.failed:
            silence = np.zeros(min(left, int(GAP_PIECE_S * rate_hz)), np.int16)
            complaint = self.write(silence, silence, rate_hz)
            left -= len(silence)
        return complaint

    @property
    def failed(self) -> bool:
        """The file could not take all of the sound; it is valid, and ends where that began."""
        return self._writer.failed is not None

    def close(self) -> str | None:
        """The end of the file; returns a line when that could not be written."""
        self._writer.close()
        return self._complaint()

    def _complaint(self) -> str | None:
        if not self.failed or self._told:
            return None
        self._told = True
        return f"recording stopped: {self._writer.failed}"

    def _resample_anew(self, sent: np.ndarray, heard: np.ndarray, rate_hz: int) -> tuple[np.ndarray, np.ndarray]:
        """The codec has another rate: what the new filters hold back for good is silence before their first sound."""
        self._resampled_from = rate_hz
        self._resamplers = None
        if rate_hz == self._rate_hz:
            return sent, heard
        left, right = self._resamplers = (Resampler(rate_hz, self._rate_hz), Resampler(rate_hz, self._rate_hz))
        sides = left.push(sent), right.push(heard)
        lacking = np.zeros(max(0, round(len(sent) * self._rate_hz / rate_hz) - len(sides[0])), np.int16)
        return np.concatenate((lacking, sides[0])), np.concatenate((lacking, sides[1]))


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
        self._written = {path for path, _ in self._wanted}

    def start(self, media: Recordable) -> None:
        """A call has sound from now on."""
        self._calls += 1
        for path, channels in self._wanted:
            try:
                media.record(Track(self._name(path), channels, media.rate_hz, self._open_writer))
            except OSError as error:
                self._log("error", "media", str(error))

    def _name(self, path: str) -> str:
        number = self._calls
        while number > 1 and numbered(path, number) in self._written:
            number += 1
        name = numbered(path, number)
        self._written.add(name)
        return name
