"""What lies around the program when it starts: its streams, its sample, the places for its recordings."""

from __future__ import annotations

import errno
import os
import re
import stat
import sys
from pathlib import Path

from engine.config import ConfigText
from engine.io.audio_files import check_format

MOST_CONFIG_BYTES = 1_000_000
_ASKS_PLATFORMDIRS = sys.platform in ("win32", "darwin")


class PlaceError(OSError):
    """A file or folder that will not do; one line that names it."""


def open_closed_streams() -> None:
    """A standard stream that we were given closed: else a socket of ours would take its number, and what is written."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_RDWR), mode))


def on_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty() and sys.stdout.isatty()


def somebody_types() -> bool:
    """On a terminal, or through a pipe or a file; nothing ever comes from /dev/null."""
    return sys.stdin is not None and (sys.stdin.isatty() or not stat.S_ISCHR(os.fstat(0).st_mode))


def check_recording(path: str, microphone: str | None, tones: tuple[str | None, ...] = ()) -> None:
    """Raises PlaceError or WavError when this cannot be written, or is a file that is read: by the microphone, or as
    the ring.
    """
    if microphone and is_same_file(path, microphone):
        raise PlaceError(f"{path}: it is the microphone (--audio-file), a recording would destroy it")
    if microphone and _is_later_recording(microphone, path):
        raise PlaceError(f"{path}: the recording of another call would destroy the microphone, {microphone}")
    if any(is_same_file(path, tone) for tone in tones if tone not in (None, "off")):
        raise PlaceError(f"{path}: it is rung with (--ring-tone, --ringback), a recording would destroy it")
    check_format(path)
    try:
        _try_to_write(Path(path))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise PlaceError(f"{path}: a recording cannot be written there ({reason})") from None


def is_same_file(path: str, other: str) -> bool:
    """Is it, by whatever name (a hard link is one), or would it be?"""
    try:
        return os.path.samefile(path, other)
    except OSError:  # one of them is not there
        return os.path.realpath(path) == os.path.realpath(other)


def _is_later_recording(file: str, path: str) -> bool:
    """Is this where a second or later call would be recorded (``engine.recorder.numbered``)?"""
    root, ending = os.path.splitext(os.path.realpath(path))
    return re.fullmatch(rf"{re.escape(root)}-[1-9][0-9]*{re.escape(ending)}", os.path.realpath(file)) is not None


def _try_to_write(path: Path) -> None:
    """Raises OSError where a recording would fail; leaves nothing behind and an older recording as it is."""
    if path.exists():
        if not path.is_file():
            raise OSError(errno.EINVAL, "not a file")
        os.close(os.open(path, os.O_WRONLY))
    else:
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))
        path.unlink()


def config_path() -> str | None:
    """Where the user's own configuration file is, or would be; None where nobody knows: he has no home, or platformdirs
    is missing."""
    return _user_path("config", os.path.join("~", ".config"), "config.toml")


def contacts_path() -> str | None:
    """The same for his contacts."""
    return _user_path("data", os.path.join("~", ".local", "share"), "contacts.txt")


def history_path() -> str | None:
    """The same for the calls that are over."""
    return _user_path("state", os.path.join("~", ".local", "state"), "calls.txt")


def _user_path(kind: str, usual: str, name: str) -> str | None:
    """The XDG base directories are two lines; platformdirs, which says the same, takes longer than the rest of it."""
    if not _ASKS_PLATFORMDIRS:
        base = os.environ.get(f"XDG_{kind.upper()}_HOME", "")
        base = base if os.path.isabs(base) else os.path.expanduser(usual)
        return os.path.join(base, "ringtop", name) if os.path.isabs(base) else None
    try:
        import platformdirs
    except ImportError:
        return None
    folder: str = getattr(platformdirs, f"user_{kind}_dir")("ringtop", appauthor=False)
    return os.path.join(folder, name)


def read_config(named: str | None) -> ConfigText | None:
    """The file that was named, or the user's own; None where he has none. Raises PlaceError."""
    path = named or config_path()
    if path is None:
        return None
    try:
        if named is None and not stat.S_ISREG(os.stat(path).st_mode):  # one that is named may be a pipe: <(...)
            raise OSError(errno.EINVAL, "not a file")
        with open(path, "rb") as file:
            data = file.read(MOST_CONFIG_BYTES + 1)
    except OSError as error:
        if named is None and isinstance(error, (FileNotFoundError, NotADirectoryError)):
            return None
        raise PlaceError(f"{path}: it cannot be read ({(error.strerror or str(error)).lower()})") from None
    if len(data) > MOST_CONFIG_BYTES:
        raise PlaceError(f"{path}: this is no configuration file: it is larger than 1 MB")
    try:
        return ConfigText(path, data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise PlaceError(f"{path}: this is not UTF-8 text") from None


def sample(home: Path) -> Path:
    """``sample.wav``: in ``home`` (tui.py's) in a clone; elsewhere where pip has put it, which pip alone knows."""
    for place in (home / "sample.wav", home / "share" / "ringtop" / "sample.wav"):  # the latter: pip install --target
        if place.exists():
            return place
    from importlib import metadata  # takes some milliseconds

    try:
        recorded = metadata.files("ringtop") or []
    except metadata.PackageNotFoundError:
        recorded = []
    for file in recorded:
        if file.name == "sample.wav" and Path(file.locate()).exists():
            return Path(file.locate())
    raise PlaceError("sample.wav is missing: name a WAV file with --audio-file")
