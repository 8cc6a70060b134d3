"""FLAC, Ogg/Opus and MP3 by libsndfile: read as a microphone, written as recordings. ``soundfile`` is handed in.

A recording is valid at every moment, a kill and a full disk included, and nothing of it waits in this process but
what the encoder itself has not finished. What the encoder hands out during one ``write`` (a FLAC frame, an Ogg page,
an MP3 frame) is appended at once and as a whole; where the disk takes only a part of it, the file is cut back to the
end of the piece before, and stays so. The headers wait for the first piece of sound: until then the file is empty.

    FLAC    a piece is 4096 samples (0.5 s at 8 kHz). Its header has to say how many samples there are: libsndfile
            itself reads no FLAC that leaves this open. So the count is put into the header after every piece
    Opus    a page is 0.2 s; a file that ends after a page is a whole one (RFC 7845, section 3)
    MP3     a frame is 24 to 72 ms; the first one, with the length for those who seek, is filled in at the end

Work for 20 ms of stereo speech at 48 kHz (at 8 kHz): FLAC 0.05 ms (0.02), Opus 0.8 (0.3), MP3 1.2 (0.2), worst 3 ms.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from engine.io import wav
from engine.io.resampling import file_resampler
from engine.io.wav import WavError

NAMES = {"FLAC": ("FLAC", "PCM_16"), "Opus": ("OGG", "OPUS"), "MP3": ("MP3", "MPEG_LAYER_III")}
_RATES_HZ = {
    "Opus": (8000, 12000, 16000, 24000, 48000),
    "MP3": (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000),
}
_READ_RATES_HZ = (1000, 384_000)
_MOST_CHANNELS = 64
_BLOCKS_A_SECOND = 20  # decoding so much of Opus in stereo takes less than 1 ms
_PAGE_MS = 200.0
_SET_OGG_PAGE_LATENCY_MS = 0x1302  # sndfile.h
# A constant rate: so the length of a file whose first frame was never filled in is known from its size.
_MP3_OPTIONS = {"bitrate_mode": "CONSTANT", "compression_level": 0.6}
_FLAC_BLOCK_AT, _FLAC_TOTAL_AT = 8, 21  # in the file: the marker, a block header, then STREAMINFO (RFC 9639, 8.2)


def _straight(soundfile: Any) -> Any:
    """SoundFile without its habit to seek to where it is after every read and write: MP3 loses sound by that."""

    class Straight(soundfile.SoundFile):
        def seekable(self) -> bool:
            return False

    return Straight


# ------------------------------------------------------------------ reading


@contextmanager
def _hushed() -> Iterator[None]:
    """mpg123, in libsndfile, writes what it dislikes in a file straight to descriptor 2, where our screen may be."""
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)


class EncodedReader:
    """An endless microphone made of a file that libsndfile knows; as ``wav.WavReader``."""

    def __init__(
        self,
        soundfile: Any,
        path: str,
        rate_hz: int | None = None,
        on_failure: Callable[[str], object] | None = None,
    ) -> None:
        """``rate_hz`` None: the file's own. Raises WavError when it cannot be read."""
        self.path = path
        self.failed: str | None = None
        self._on_failure = on_failure
        self._open_file = wav.open_to_read(path)
        try:
            with _hushed():
                self._file = _straight(soundfile)(self._given(), closefd=False)
            self._check()
        except (RuntimeError, TypeError, ValueError, OSError) as error:
            self._open_file.close()
            raise WavError(f"{path}: not a sound file that can be read") from error
        self.rate_hz = rate_hz or int(self._file.samplerate)
        self._block = max(1, int(self._file.samplerate) // _BLOCKS_A_SECOND)
        self._resampler = file_resampler(int(self._file.samplerate), self.rate_hz)
        self._rest = np.zeros(0, np.int16)

    def _given(self) -> Any:
        """What libsndfile reads from; on Windows its C library may not be ours, and numbers of files not the same."""
        return self._open_file if sys.platform == "win32" else self._open_file.fileno()

    def _check(self) -> None:
        low, high = _READ_RATES_HZ
        file = self._file
        if not (1 <= file.channels <= _MOST_CHANNELS and low <= file.samplerate <= high and file.frames > 0):
            file.close()
            raise ValueError("out of bounds")

    def read(self, count: int) -> np.ndarray:
        """The next ``count`` samples; silence, with the reason in ``failed``, once the file cannot be read any more."""
        parts, have = [self._rest], len(self._rest)
        while have < count:
            part = self._resampler.push(self._next_block())
            parts.append(part)
            have += len(part)
        pcm = np.concatenate(parts)
        self._rest = pcm[count:]
        return pcm[:count]

    def _next_block(self) -> np.ndarray:
        """Some samples of mono, from the beginning again after the last; never none."""
        values = self._decode()
        if not len(values) and self.failed is None:
            self._rewind()
            values = self._decode()
            if not len(values):
                self._fail("its sound is gone")
        if self.failed is not None:
            return np.zeros(self._block, np.int16)
        mono = np.nan_to_num(values.mean(axis=1), nan=0.0, posinf=1.0, neginf=-1.0)
        rounded: np.ndarray = np.clip(np.rint(mono * 32768), -32768, 32767)
        return rounded.astype(np.int16)

    def _decode(self) -> np.ndarray:
        try:
            if self._file.format == "MP3":
                with _hushed():
                    values: np.ndarray = self._file.read(self._block, dtype="float32", always_2d=True)
            else:
                values = self._file.read(self._block, dtype="float32", always_2d=True)
        except (RuntimeError, ValueError, OSError) as error:
            self._fail(str(error))
            return np.zeros((0, 1), np.float32)
        return values

    def _rewind(self) -> None:
        try:
            self._file.seek(0)
        except (RuntimeError, OSError) as error:
            self._fail(str(error))

    def _fail(self, why: str) -> None:
        if self.failed is None:
            self.failed = f"{self.path}: {why}"
            if self._on_failure is not None:
                self._on_failure(self.failed)

    def close(self) -> None:
        self._file.close()
        self._open_file.close()

    def __del__(self) -> None:
        if hasattr(self, "_rest"):  # a call that ends just lets go of its microphone
            self.close()


# ------------------------------------------------------------------ writing


class _Pieces:
    """The file as the encoder sees it: takes everything, keeps what was written since it was last looked at."""

    def __init__(self) -> None:
        self.written: list[tuple[int, bytes]] = []  # where, what
        self._at = self._size = 0

    def write(self, data: Any) -> int:
        octets = bytes(data)
        self.written.append((self._at, octets))
        self._at += len(octets)
        self._size = max(self._size, self._at)
        return len(octets)

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        self._at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        return self._at

    def tell(self) -> int:
        return self._at

    def read(self, count: int = -1) -> bytes:
        return b""

    def take(self) -> list[tuple[int, bytes]]:
        taken, self.written = self.written, []
        return taken


class EncodedWriter:
    """A recording; ``write`` takes int16 samples, interleaved when there are several channels."""

    def __init__(self, soundfile: Any, path: str, rate_hz: int, channels: int, kind: str) -> None:
        """``rate_hz`` becomes the next higher one that the format has. Raises WavError when it cannot be made."""
        self.path = path
        self.failed: str | None = None
        rates = [rate for rate in _RATES_HZ.get(kind, (rate_hz,)) if rate >= rate_hz]
        self.rate_hz = rates[0] if rates else _RATES_HZ[kind][-1]
        self._channels = channels
        self._kind = kind
        self._pieces = _Pieces()
        self._head: list[tuple[int, bytes]] = []  # held back until there is sound
        self._size = 0  # of the file, all of it valid
        self._silent = True  # nothing was written yet
        self._flac_samples = 0
        self._descriptor = wav.open_to_write(path)
        try:
            self._file: Any = _open_encoder(soundfile, self._pieces, self.rate_hz, channels, kind)
        except (RuntimeError, TypeError, ValueError) as error:
            os.close(self._descriptor)
            raise WavError(f"{path}: cannot be written as {kind}: {error}") from error

    def write(self, pcm: np.ndarray) -> None:
        """Append; after a failure (a full disk) it does nothing, and ``failed`` says why."""
        if self.failed is not None or self._file is None or not len(pcm):
            return
        frames = pcm.reshape(-1, self._channels)
        try:
            # libsndfile (1.2.2) garbles MP3 in stereo that is given as 16 bit integers
            self._file.write(frames if self._kind == "FLAC" else frames.astype(np.float32) / 32768)
        except RuntimeError as error:
            self.failed = f"{self.path}: {error}"
            return
        self._silent = False
        self._put(self._pieces.take())

    def _put(self, pieces: list[tuple[int, bytes]]) -> None:
        """What the encoder has finished goes to the disk; its headers with the first sound."""
        if not pieces:
            return
        if not self._size and not self._head:
            self._head = pieces
            return
        if not self._size:
            pieces = [*self._head, *pieces]
        if self._append(b"".join(data for _, data in pieces)) and self._kind == "FLAC":
            self._count_flac(sum(data[:1] == b"\xff" for _, data in pieces))

    def _append(self, data: bytes) -> bool:
        done = 0
        try:
            while done < len(data):
                done += wav.write_at(self._descriptor, data[done:], self._size + done)
        except OSError as error:
            self.failed = f"{self.path}: {error.strerror or error}"
            self._cut_back()
            return False
        self._size += done
        return True

    def _cut_back(self) -> None:
        """No half piece stays at the end, where the file system still lets us say so."""
        try:
            os.ftruncate(self._descriptor, self._size)
        except OSError:
            return

    def _count_flac(self, frames: int) -> None:
        """So many more frames are in the file: put the number of samples into its header."""
        head = b"".join(data for _, data in self._head)
        block = int.from_bytes(head[_FLAC_BLOCK_AT : _FLAC_BLOCK_AT + 2], "big")
        self._flac_samples += frames * block
        bits_before = int.from_bytes(head[_FLAC_TOTAL_AT : _FLAC_TOTAL_AT + 5], "big") >> 36 << 36
        self._overwrite((bits_before | self._flac_samples).to_bytes(5, "big"), _FLAC_TOTAL_AT)

    def _overwrite(self, data: bytes, at: int) -> None:
        try:
            wav.write_at(self._descriptor, data, at)
        except OSError as error:
            self.failed = self.failed or f"{self.path}: {error.strerror or error}"

    def close(self) -> None:
        """The rest of the sound, and what the format says at the end or fills in at the beginning."""
        if self._file is None:
            return
        if self._silent:  # no format of these has a file with no sound at all
            self.write(np.zeros(self.rate_hz // 50 * self._channels, np.int16))
        try:
            self._file.close()
        except RuntimeError as error:
            self.failed = self.failed or f"{self.path}: {error}"
        self._file = None
        if self.failed is None:
            self._finish(self._pieces.take())
        try:
            os.close(self._descriptor)
        except OSError as error:  # network file systems tell of a full disk here
            self.failed = self.failed or f"{self.path}: {error.strerror or error}"

    def _finish(self, pieces: list[tuple[int, bytes]]) -> None:
        known = self._size or sum(len(data) for _, data in self._head)
        new = [(at, data) for at, data in pieces if at >= known]
        if not self._size:  # a call so short that nothing but the end brings sound, if there was any
            new = [*self._head, *new]
        if not new or self._append(b"".join(data for _, data in new)):
            for at, data in pieces:
                if at < known:
                    self._overwrite(data, at)


def _open_encoder(soundfile: Any, file: _Pieces, rate_hz: int, channels: int, kind: str) -> Any:
    major, minor = NAMES[kind]
    more = _MP3_OPTIONS if kind == "MP3" else {}
    made = _straight(soundfile)(file, "w", rate_hz, channels, minor, format=major, **more)
    if kind == "Opus":
        _shorten_pages(soundfile, made)
    return made


def _shorten_pages(soundfile: Any, made: Any) -> None:
    """Pages are a second long by default: so much would be lost by a kill. soundfile has no door to this command."""
    try:
        wish = soundfile._ffi.new("double*", _PAGE_MS)
        soundfile._snd.sf_command(made._file, _SET_OGG_PAGE_LATENCY_MS, wish, 8)
    except (AttributeError, TypeError):
        return
