"""WAV files: read as a microphone, written as recordings.

The reader takes any rate, width and channel count, in blocks of 20 ms, and starts over at the end without a seam.
It believes the file more than its header: a data size of 0 or 4 GB (a writer that streamed, or never came back) and
a file cut short are read as far as there is sound, which is not as far as there are bytes: titles and the like may
follow. RF64 and BW64 (EBU Tech 3306), whose sizes have 64 bits, are read as well.

The writer keeps the file valid at every moment, a kill included: samples go to the end in one write, then the whole
header in another. Between the two the header says a little less than there is, which every reader accepts.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from struct import error as StructError
from typing import BinaryIO

import numpy as np

from engine.io.resampling import file_resampler
from engine.media.codecs import make

_CHUNK = Struct("<4sI")
_FORMAT = Struct("<HHIIHH")
_HEADER = Struct("<4sI4s4sIHHIIHH4sI")

PCM, FLOAT, ALAW, MULAW, EXTENSIBLE = 1, 3, 6, 7, 0xFFFE
_WIDTHS = {PCM: (8, 16, 24, 32), FLOAT: (32, 64), ALAW: (8,), MULAW: (8,)}
_RATES_HZ = (1000, 384_000)
_MOST_CHANNELS = 64
_MOST_CHUNKS = 1000
_BLOCKS_A_SECOND = 5
_UNKNOWN_SIZES = (0, 0xFFFFFFFF)
_WIDE_SIZES = 0xFFFFFFFF  # what stands in RF64 where the size is in the chunk ds64

# What writers put behind the sound: where its size is not known, it ends where a row of these leads to the file's end.
_BEHIND = (b"LIST", b"id3 ", b"ID3 ", b"bext", b"iXML", b"cue ", b"smpl", b"inst", b"PEAK", b"JUNK", b"axml", b"_PMX")
_BEHIND_BYTES = 1 << 20
_MOST_BEHIND = 100

#: Where a recording stops: both sizes in the header have 32 bits.
MAX_DATA_BYTES = 0xFFFFFFFF - 64

_NONBLOCK = getattr(os, "O_NONBLOCK", 0)  # a named pipe must not make us wait for its other end
_BINARY = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)


class WavError(OSError):
    """A file that cannot be read or written; one line that names it."""


@dataclass(frozen=True, slots=True)
class WavFormat:
    """How the samples of a file are stored."""

    code: int
    channels: int
    rate_hz: int
    bits: int

    @property
    def frame_bytes(self) -> int:
        return self.channels * self.bits // 8


# ------------------------------------------------------------------ reading


class WavReader:
    """An endless microphone made of a file: ``read`` gives int16 mono at ``rate_hz``."""

    def __init__(
        self, path: str, rate_hz: int | None = None, on_failure: Callable[[str], object] | None = None
    ) -> None:
        """``rate_hz`` None: the file's own. Raises WavError when it is not a WAV file we can read.

        ``on_failure`` is told once, in one line, when the file cannot be read any more.
        """
        self.path = path
        self.failed: str | None = None
        self._on_failure = on_failure
        self._file = open_to_read(path)
        try:
            self.format, self._start, self._bytes = _read_head(self._file, path)
        except WavError:
            self._file.close()
            raise
        self.rate_hz = rate_hz or self.format.rate_hz
        self._at = 0
        self._block_bytes = max(1, self.format.rate_hz // _BLOCKS_A_SECOND) * self.format.frame_bytes
        self._resampler = file_resampler(self.format.rate_hz, self.rate_hz)
        self._rest = np.zeros(0, np.int16)

    @property
    def seconds(self) -> float:
        """How long the file plays before it starts over."""
        return self._bytes / self.format.frame_bytes / self.format.rate_hz

    def read(self, count: int) -> np.ndarray:
        """The next ``count`` samples; silence, with the reason in ``failed``, once the file cannot be read any more."""
        parts, have = [self._rest], len(self._rest)
        while have < count:
            part = self._resampler.push(samples(self._next_bytes(), self.format))
            parts.append(part)
            have += len(part)
        pcm = np.concatenate(parts) if len(parts) > 1 else self._rest
        self._rest = pcm[count:]
        return pcm[:count]

    def _next_bytes(self) -> bytes:
        """One block of whole frames, beyond the end of the file from its beginning again."""
        data = self._read_some(self._block_bytes)
        while len(data) < self._block_bytes and self.failed is None:
            self._at = 0
            once_more = self._read_some(self._block_bytes - len(data))
            if not once_more:
                self._fail(f"{self.path}: its sound is gone")
            elif not data and len(once_more) < self._block_bytes:
                repeats = -(-self._block_bytes // len(once_more))  # the whole file is shorter than a block
                data = (once_more * repeats)[: self._block_bytes]
            else:
                data += once_more
        return data if self.failed is None else silence(self.format, self._block_bytes)

    def _read_some(self, most: int) -> bytes:
        wanted = min(most, self._bytes - self._at)
        if wanted <= 0 or self.failed is not None:
            return b""
        try:
            self._file.seek(self._start + self._at)
            data = self._file.read(wanted)
        except (OSError, ValueError) as error:
            self._fail(f"{self.path}: {getattr(error, 'strerror', None) or error}")
            return b""
        self._at += len(data)
        return data[: len(data) - len(data) % self.format.frame_bytes]

    def _fail(self, why: str) -> None:
        if self.failed is None:
            self.failed = why
            if self._on_failure is not None:
                self._on_failure(why)

    def close(self) -> None:
        self._file.close()

    def __del__(self) -> None:
        if hasattr(self, "_file"):  # a call that ends just lets go of its microphone
            self._file.close()


def samples(data: bytes, form: WavFormat) -> np.ndarray:
    """Raw file data (whole frames) as int16 mono; channels are averaged, nonsense (NaN) is silence."""
    if form.code == PCM and form.bits == 16 and form.channels == 1:
        return np.frombuffer(data, "<i2").astype(np.int16, copy=False)
    values = _values(data, form)
    if form.channels > 1:
        values = values.reshape(-1, form.channels).mean(axis=1)
    rounded: np.ndarray = np.clip(np.rint(values), -32768, 32767)
    return rounded.astype(np.int16)


def _values(data: bytes, form: WavFormat) -> np.ndarray:
    """Every sample, on the scale of int16, before rounding."""
    values: np.ndarray
    if form.code in (ALAW, MULAW):
        values = make("PCMA" if form.code == ALAW else "PCMU", 8000).decode(data)
    elif form.code == FLOAT:
        values = np.nan_to_num(np.frombuffer(data, f"<f{form.bits // 8}"), nan=0.0, posinf=1.0, neginf=-1.0)
        values = np.clip(values, -1, 1) * 32768
    elif form.bits == 8:
        values = (np.frombuffer(data, np.uint8).astype(np.float64) - 128) * 256
    elif form.bits == 24:
        wide = np.zeros((len(data) // 3, 4), np.uint8)
        wide[:, 1:] = np.frombuffer(data, np.uint8).reshape(-1, 3)
        values = wide.view("<i4")[:, 0] / 65536
    else:
        values = np.frombuffer(data, f"<i{form.bits // 8}") / (1 << (form.bits - 16))
    return values


def silence(form: WavFormat, size: int) -> bytes:
    """``size`` bytes that sound like nothing in this format."""
    quiet = {ALAW: b"\xd5", MULAW: b"\xff"}.get(form.code, b"\x80" if form.bits == 8 else b"\0")
    return quiet * size


def open_to_read(path: str) -> BinaryIO:
    try:
        descriptor = os.open(path, os.O_RDONLY | _NONBLOCK | _BINARY)
    except (OSError, ValueError) as error:
        raise WavError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise WavError(f"{path}: not a file")
    return os.fdopen(descriptor, "rb")


def _read_head(file: BinaryIO, path: str) -> tuple[WavFormat, int, int]:
    """(format, where the data begins, how many bytes of whole frames there are)."""
    try:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        head = file.read(12)
        if len(head) < 12 or head[:4] not in (b"RIFF", b"RF64", b"BW64") or head[8:] != b"WAVE":
            raise WavError(f"{path}: not a WAV file")
        riff_end = int.from_bytes(head[4:8], "little") + 8
        return _find_sound(file, path, size, whole=riff_end == size)
    except WavError:
        raise
    except (OSError, StructError) as error:
        raise WavError(f"{path}: cannot be read: {error}") from error


def _find_sound(file: BinaryIO, path: str, size: int, whole: bool) -> tuple[WavFormat, int, int]:
    """Walk the chunks up to the first data chunk; ``whole`` says that the sizes in the header can be believed."""
    form: WavFormat | None = None
    wide_length = None
    at = 12
    for _ in range(_MOST_CHUNKS):
        file.seek(at)
        head = file.read(_CHUNK.size)
        if len(head) < _CHUNK.size:
            break
        name, length = _CHUNK.unpack(head)
        at += _CHUNK.size
        if name == b"data":
            if form is None:
                raise WavError(f"{path}: its sound comes before its format")
            if length == _WIDE_SIZES and wide_length:
                length = wide_length
            unknown = length in _UNKNOWN_SIZES and not (whole and length == 0)
            length = _sound_end(file, at, size) - at if unknown or length > size - at else length
            length -= length % form.frame_bytes
            if length <= 0:
                raise WavError(f"{path}: no sound in it")
            return form, at, length
        if name == b"fmt ":
            form = _read_format(file.read(min(length, 64)), path)
        elif name == b"ds64":
            wide_length = int.from_bytes(file.read(16)[8:], "little")
        at += length + (length & 1)
    raise WavError(f"{path}: no {'sound' if form else 'format'} in it")


def _sound_end(file: BinaryIO, start: int, size: int) -> int:
    """Where sound of unknown length ends: before the chunks behind it, else with the file."""
    first = max(start, size - _BEHIND_BYTES)
    file.seek(first)
    tail = file.read(size - first)
    for at in sorted(_find_all(tail, _BEHIND)):
        if _leads_to_the_end(tail, at):
            return first + at
    return size


def _find_all(data: bytes, names: tuple[bytes, ...]) -> list[int]:
    found = []
    for name in names:
        at = data.rfind(name)
        for _ in range(_MOST_BEHIND):
            if at < 0:
                break
            found.append(at)
            at = data.rfind(name, 0, at)
    return found


def _leads_to_the_end(data: bytes, at: int) -> bool:
    for _ in range(_MOST_CHUNKS):
        if at + _CHUNK.size > len(data):
            return False
        name, length = _CHUNK.unpack_from(data, at)
        at += _CHUNK.size + length
        if not name.isascii():
            return False
        if at == len(data) or (length & 1 and at + 1 == len(data)):
            return True
        at += length & 1
    return False


def _read_format(data: bytes, path: str) -> WavFormat:
    if len(data) < _FORMAT.size:
        raise WavError(f"{path}: its format is cut short")
    code, channels, rate_hz, _, frame_bytes, bits = _FORMAT.unpack_from(data)
    if code == EXTENSIBLE and len(data) >= 26:
        code = int.from_bytes(data[24:26], "little")
    if code not in _WIDTHS:
        raise WavError(f"{path}: its coding ({code}) is not PCM, float, A-law or u-law")
    bits = (bits + 7) // 8 * 8  # 12 or 20 bits are kept in the upper part of the next larger width
    if code == PCM and bits == 24 and frame_bytes == 4 * channels:
        bits = 32  # the same with 24 bits
    if bits not in _WIDTHS[code]:
        raise WavError(f"{path}: {bits} bit samples cannot be read")
    if not 1 <= channels <= _MOST_CHANNELS:
        raise WavError(f"{path}: {channels} channels cannot be read")
    if not _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]:
        raise WavError(f"{path}: a sampling rate of {rate_hz} Hz cannot be read")
    return WavFormat(code, channels, rate_hz, bits)


# ------------------------------------------------------------------ writing


class WavWriter:
    """16 bit PCM; ``write`` takes int16 samples, interleaved when there are several channels."""

    def __init__(self, path: str, rate_hz: int, channels: int = 1) -> None:
        """Raises WavError when the file cannot be made or written to."""
        self.path = path
        self.failed: str | None = None
        self.rate_hz = rate_hz
        self._channels = channels
        self._bytes = 0
        self._file = open_to_write(path)
        try:
            write_at(self._file, self._header(), 0)
        except OSError as error:
            os.close(self._file)
            raise WavError(f"{path}: cannot be written: {error.strerror or error}") from error

    def write(self, pcm: np.ndarray) -> None:
        """Append; after a failure (a full disk, 4 GB) it does nothing, and ``failed`` says why."""
        data = pcm.astype("<i2", copy=False).tobytes()
        if self.failed is not None or self._file < 0 or not data:
            return
        if self._bytes + len(data) > MAX_DATA_BYTES:
            self.failed = f"{self.path}: 4 GB is as large as a WAV file can be"
            return
        written = 0
        try:
            while written < len(data):
                written += write_at(self._file, data[written:], _HEADER.size + self._bytes + written)
        except OSError as error:
            self.failed = f"{self.path}: {error.strerror or error}"
        self._bytes += written - written % (2 * self._channels)
        self._update_header()

    def _update_header(self) -> None:
        try:
            write_at(self._file, self._header(), 0)
        except OSError as error:
            self.failed = self.failed or f"{self.path}: {error.strerror or error}"

    def _header(self) -> bytes:
        frame = 2 * self._channels
        form = (16, PCM, self._channels, self.rate_hz, self.rate_hz * frame, frame, 16)
        return _HEADER.pack(b"RIFF", 36 + self._bytes, b"WAVE", b"fmt ", *form, b"data", self._bytes)

    def close(self) -> None:
        if self._file < 0:
            return
        try:
            os.close(self._file)
        except OSError as error:  # network file systems tell of a full disk here
            self.failed = self.failed or f"{self.path}: {error.strerror or error}"
        self._file = -1


def open_to_write(path: str) -> int:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _NONBLOCK | _BINARY, 0o644)
    except (OSError, ValueError) as error:
        raise WavError(f"{path}: cannot be written: {getattr(error, 'strerror', None) or error}") from error
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise WavError(f"{path}: cannot be written: not a file")
    return descriptor


def _seek_and_write(descriptor: int, data: bytes, position: int) -> int:
    os.lseek(descriptor, position, os.SEEK_SET)
    return os.write(descriptor, data)


write_at = getattr(os, "pwrite", _seek_and_write)  # one call of the system where there is such a one
