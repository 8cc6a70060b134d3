"""Sound files by their format: WAV by ourselves, FLAC, Ogg/Opus and MP3 by soundfile where it is installed.

A file to be read is judged by what is in it, whatever it is called; a recording by the ending of its name. What is
missing for a format is said before anything starts, in one line.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
from collections.abc import Callable
from types import ModuleType
from typing import Protocol

import numpy as np

from engine.install import pip_line
from engine.io.wav import WavError, WavReader, WavWriter, open_to_read

_RECORDED = {".wav": "WAV", ".wave": "WAV", ".flac": "FLAC", ".ogg": "Opus", ".oga": "Opus", ".opus": "Opus"}
_RECORDED[".mp3"] = "MP3"
_MAGIC = ((b"fLaC", "FLAC"), (b"OggS", "Ogg"), (b"ID3", "MP3"), (b"\xff\xfb", "MP3"), (b"\xff\xf3", "MP3"))


class Reader(Protocol):
    """An endless microphone made of a file; whoever asked for it closes it."""

    failed: str | None

    def read(self, count: int) -> np.ndarray: ...

    def close(self) -> None: ...


class Writer(Protocol):
    """A recording. ``rate_hz`` is that of the file, and of what is written: a format may not have the one wished."""

    rate_hz: int
    failed: str | None

    def write(self, pcm: np.ndarray) -> None: ...

    def close(self) -> None: ...


def open_reader(path: str, rate_hz: int | None = None, on_failure: Callable[[str], object] | None = None) -> Reader:
    """A file as a microphone at ``rate_hz`` (None: its own). Raises WavError with one line when it cannot be read.

    ``on_failure`` is told once, in one line, when it cannot be read any more.
    """
    kind = _kind_inside(path)
    if kind == "WAV" or not (kind or _have_library()):
        return WavReader(path, rate_hz, on_failure)
    if not _have_library():
        raise WavError(f"{path}: reading {kind} needs soundfile, which is not installed: {pip_line('soundfile')}")
    from engine.io.encoded import EncodedReader

    try:
        return EncodedReader(_library(path), path, rate_hz, on_failure)
    except WavError:
        if kind is None:
            raise WavError(f"{path}: not a WAV file, nor another that can be read") from None
        raise


def open_recording(path: str, rate_hz: int, channels: int) -> Writer:
    """A new recording; raises WavError with one line when it cannot be made."""
    kind = recorded_as(path)
    if kind == "WAV":
        return WavWriter(path, rate_hz, channels)
    from engine.io.encoded import EncodedWriter

    return EncodedWriter(_library(path), path, rate_hz, channels, kind)


def recorded_as(path: str) -> str:
    """The format that the name's ending asks for; a name without one is WAV. Raises WavError for any other."""
    ending = os.path.splitext(path)[1].lower()
    kind = _RECORDED.get(ending) if ending else "WAV"
    if kind is None:
        raise WavError(f"{path}: a recording can be .wav, .flac, .ogg, .opus or .mp3")
    return kind


def check_format(path: str) -> None:
    """Can a recording of this name be written here? Raises WavError with one line that says what to do."""
    kind = recorded_as(path)
    if kind == "WAV":
        return
    if not _have_library():
        raise WavError(f"{path}: recording {kind} needs soundfile, which is not installed: {pip_line('soundfile')}")
    from engine.io.encoded import NAMES

    soundfile = _library(path)
    major, minor = NAMES[kind]
    if minor not in soundfile.available_subtypes(major):
        version = soundfile.__libsndfile_version__
        raise WavError(f"{path}: this libsndfile ({version}) cannot write {kind}: record .wav or .flac")


def _kind_inside(path: str) -> str | None:
    """By the first octets; None for what is no format we can name. Raises WavError when it cannot be opened."""
    with open_to_read(path) as file:
        try:
            head = file.read(4)
        except OSError as error:
            raise WavError(f"{path}: cannot be read: {error.strerror or error}") from error
    if head in (b"RIFF", b"RF64", b"BW64"):
        return "WAV"
    return next((kind for magic, kind in _MAGIC if head.startswith(magic)), None)


def _have_library() -> bool:
    return importlib.util.find_spec("soundfile") is not None


def _library(path: str) -> ModuleType:
    """soundfile; it may be there and not find its libsndfile."""
    try:
        return importlib.import_module("soundfile")
    except (ImportError, OSError) as error:
        raise WavError(f"{path}: soundfile cannot be loaded ({error}): {pip_line('soundfile')}") from None
