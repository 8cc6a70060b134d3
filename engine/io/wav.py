"""WAV files: read as a microphone, written as recordings.

The reader takes any rate, width and channel count, in blocks, and starts over at the end. The writer keeps the file
valid at every moment: samples go to the end with one ``write``, then the two sizes in the header with another. A
kill between the two leaves a header that says a little less than there is, which every reader accepts.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from struct import error as StructError
from typing import BinaryIO

import numpy as np

from engine.media.codecs import make
from engine.media.resample import Resampler

_CHUNK = Struct("<4sI")
_FORMAT = Struct("<HHIIHH")
_RIFF_HEADER = Struct("<4sI4s4sIHHIIHH4sI")
_SIZE = Struct("<I")

PCM, FLOAT, ALAW, MULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
BLOCK_FRAMES = 4096
MAX_DATA_BYTES = 0xFFFFFFFF - 64
RATES_HZ = (1000, 384_000)


class WavError(OSError):
    """A file that cannot be read or written; one line that names it."""


@dataclass(frozen=True, slots=True)
class WavFormat:
    code: int
    channels: int
    rate_hz: int
    bits: int

    @property
    def frame_bytes(self) -> int:
        return self.channels * self.bits // 8


class WavReader:
    """An endless microphone made of a file. ``read`` gives int16 mono at ``rate_hz``."""

    def __init__(self, path: str, rate_hz: int | None = None) -> None:
        """``rate_hz`` None: the file's own. Raises WavError when it is not a WAV file we can read."""
        self.path = path
        try:
            self._file: BinaryIO = open(path, "rb")  # noqa: SIM115 - closed by close()
        except OSError as error:
            raise WavError(f"{path}: {error.strerror or error}") from error
        try:
            self.format, self._start, self._bytes = _read_head(self._file, path)
        except WavError:
            self._file.close()
            raise
        self.rate_hz = rate_hz or self.format.rate_hz
        self._at = 0
        self._resampler = Resampler(self.format.rate_hz, self.rate_hz)
        self._rest = np.zeros(0, np.int16)

    @property
    def seconds(self) -> float:
        return self._bytes / self.format.frame_bytes / self.format.rate_hz

    def read(self, count: int) -> np.ndarray:
        """The next ``count`` samples; silence where the file cannot be read any more."""
        for _ in range(64):
            if len(self._rest) >= count:
                break
            block = self._next_block()
            self._rest = np.concatenate((self._rest, self._resampler.push(block)))
        if len(self._rest) < count:
            self._rest = np.concatenate((self._rest, np.zeros(count - len(self._rest), np.int16)))
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def _next_block(self) -> np.ndarray:
        if self._at >= self._bytes:
            self._at = 0
        wanted = min(BLOCK_FRAMES * self.format.frame_bytes, self._bytes - self._at)
        try:
            self._file.seek(self._start + self._at)
            data = self._file.read(wanted)
        except (OSError, ValueError):
            data = b""
        self._at = self._at + len(data) if data else self._bytes
        return samples(data, self.format)

    def close(self) -> None:
        self._file.close()


def samples(data: bytes, form: WavFormat) -> np.ndarray:
    """Raw file data as int16 mono; channels are averaged, nonsense (NaN) is silence."""
    data = data[: len(data) - len(data) % form.frame_bytes]
    if form.code in (ALAW, MULAW):
        values = make("PCMA" if form.code == ALAW else "PCMU", 8000).decode(data).astype(np.float64)
    elif form.code == FLOAT:
        values = np.frombuffer(data, f"<f{form.bits // 8}").astype(np.float64)
        values = np.nan_to_num(np.clip(np.nan_to_num(values, posinf=1.0, neginf=-1.0), -1, 1)) * 32767
    elif form.bits == 8:
        values = (np.frombuffer(data, np.uint8).astype(np.float64) - 128) * 256
    elif form.bits == 24:
        triples = np.frombuffer(data, np.uint8).reshape(-1, 3)
        upper = triples[:, 1].astype(np.uint16) | triples[:, 2].astype(np.uint16) << 8
        values = upper.view(np.int16).astype(np.float64)
    else:
        values = np.frombuffer(data, f"<i{form.bits // 8}") / (1 << (form.bits - 16))
    if form.channels > 1:
        values = values.reshape(-1, form.channels).mean(axis=1)
    return np.clip(np.rint(values), -32768, 32767).astype(np.int16)


def _read_head(file: BinaryIO, path: str) -> tuple[WavFormat, int, int]:
    """(format, where the data begins, how many whole bytes of it there are)."""
    try:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(12)
        if len(head) < 12 or head[:4] not in (b"RIFF", b"RF64") or head[8:] != b"WAVE":
            raise WavError(f"{path}: not a WAV file")
        return _walk(file, path, size)
    except (OSError, StructError) as error:
        if isinstance(error, WavError):
            raise
        raise WavError(f"{path}: cannot be read as WAV ({error})") from error


def _walk(file: BinaryIO, path: str, size: int) -> tuple[WavFormat, int, int]:
    form: WavFormat | None = None
    at = 12
    for _ in range(1000):
        file.seek(at)
        head = file.read(_CHUNK.size)
        if len(head) < _CHUNK.size:
            break
        name, length = _CHUNK.unpack(head)
        at += _CHUNK.size
        if name == b"fmt ":
            form = _read_format(file.read(min(length, 64)), path)
        elif name == b"data":
            if form is None:
                raise WavError(f"{path}: its sound comes before its format")
            length = min(length, size - at) if length else size - at  # 0 and 0xFFFFFFFF: a writer that never came back
            length -= length % form.frame_bytes
            if length <= 0:
                raise WavError(f"{path}: no sound in it")
            return form, at, length
        at += length + (length & 1)
    raise WavError(f"{path}: no {'sound' if form else 'format'} in it")


def _read_format(data: bytes, path: str) -> WavFormat:
    if len(data) < _FORMAT.size:
        raise WavError(f"{path}: its format is cut short")
    code, channels, rate, _, _, bits = _FORMAT.unpack_from(data)
    if code == EXTENSIBLE and len(data) >= 26:
        code = int.from_bytes(data[24:26], "little")
    widths = {PCM: (8, 16, 24, 32), FLOAT: (32, 64), ALAW: (8,), MULAW: (8,)}.get(code)
    if widths is None:
        raise WavError(f"{path}: WAV coding {code} is not one of PCM, float, A-law, u-law")
    if bits not in widths or not 1 <= channels <= 64 or not RATES_HZ[0] <= rate <= RATES_HZ[1]:
        raise WavError(f"{path}: {bits} bits, {channels} channels at {rate} Hz cannot be read")
    return WavFormat(code, channels, rate, bits)


class WavWriter:
    """16 bit PCM; ``write`` takes int16 samples, interleaved when there are two channels."""

    def __init__(self, path: str, rate_hz: int, channels: int = 1) -> None:
        """Raises WavError when the file cannot be made."""
        self.path = path
        self.failed: str | None = None
        self._channels = channels
        self._bytes = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
        try:
            self._file = os.open(path, flags, 0o644)
        except OSError as error:
            raise WavError(f"{path}: cannot be written: {error.strerror or error}") from error
        head = _RIFF_HEADER.pack(
            b"RIFF", 36, b"WAVE", b"fmt ", 16, PCM, channels, rate_hz, rate_hz * channels * 2, channels * 2, 16,
            b"data", 0,
        )  # fmt: skip
        self._attempt(lambda: _write_all(self._file, head))

    def write(self, pcm: np.ndarray) -> None:
        """Append; after a failure (full disk) it does nothing, and ``failed`` says why."""
        if self.failed is not None or not len(pcm):
            return
        data = pcm.astype("<i2", copy=False).tobytes()
        if self._bytes + len(data) > MAX_DATA_BYTES:
            self.failed = f"{self.path}: 4 GB is as large as a WAV file can be"
            return
        if self._attempt(lambda: _write_all(self._file, data)):
            self._bytes += len(data)
            self._attempt(self._write_sizes)

    def _write_sizes(self) -> None:
        os.lseek(self._file, 4, os.SEEK_SET)
        os.write(self._file, _SIZE.pack(36 + self._bytes))
        os.lseek(self._file, 40, os.SEEK_SET)
        os.write(self._file, _SIZE.pack(self._bytes))
        os.lseek(self._file, 44 + self._bytes, os.SEEK_SET)

    def _attempt(self, act: Callable[[], object]) -> bool:
        try:
            act()
        except OSError as error:
            self.failed = f"{self.path}: {error.strerror or error}"
            return False
        return True

    def close(self) -> None:
        if self._file >= 0:
            try:
                os.close(self._file)
            except OSError as error:
                self.failed = self.failed or f"{self.path}: {error.strerror or error}"
            self._file = -1


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]
