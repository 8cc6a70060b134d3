"""Small text files of the user's: read bounded, added to line by line, changed as a whole, watched for changes.

A file is regular, or it is refused: a pipe or a device would make the loop wait. Bytes that are no UTF-8 stay as they
are. Everything raises OSError.

Several ringtops may run at once: who reads a file to change it holds it meanwhile, and so does who adds a line to one.
What is held is the folder, so that no further file lies about; editors know nothing of that, and need not.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
import tempfile
import time
from collections.abc import Iterator

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

MOST_BYTES = 256_000
HOLD_TRIES, HOLD_PAUSE_S = 10, 0.002  # nobody holds one for longer than a few milliseconds, and a call may be up
_NONBLOCK = getattr(os, "O_NONBLOCK", 0)
_BINARY = getattr(os, "O_BINARY", 0)

State = tuple[int, int, int]  # of a file: which, how long, when changed


class TextFile:
    """One file, which need not be there yet. ``tail`` reads the end of a long one, whole lines; else its beginning."""

    def __init__(self, path: str, *, tail: bool = False) -> None:
        self.path = path
        home = os.path.join(os.path.expanduser("~"), "")
        self.shown = os.path.join("~", path.removeprefix(home)) if path.startswith(home) else path
        self._tail = tail
        self._seen: State | None = None

    def changed(self) -> bool:
        """Is it another file than the one that was read or written last?"""
        return self._state() != self._seen

    def _state(self) -> State | None:
        try:
            found = os.stat(self.path)
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    def read(self) -> tuple[str, bool]:
        """What is in it, and whether that is all; nothing where there is no file."""
        self._seen = self._state()
        try:
            descriptor = os.open(self.path, os.O_RDONLY | _NONBLOCK | _BINARY)
        except FileNotFoundError:
            return "", True
        with os.fdopen(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "Not a file")
            left_out = max(0, found.st_size - MOST_BYTES) if self._tail else 0
            file.seek(left_out)
            data = file.read(MOST_BYTES + 1)
        whole = not left_out and len(data) <= MOST_BYTES
        data = data[:MOST_BYTES]
        if left_out:
            data = data.partition(b"\n")[2]
        return data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape"), whole

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """No other ringtop changes it meanwhile; raises OSError where another one does so for too long."""
        folder = os.path.dirname(os.path.realpath(self.path))
        if fcntl is None or not os.path.isdir(folder):
            yield
            return
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            _lock(descriptor)
            yield
        finally:
            os.close(descriptor)

    def length(self) -> int:
        """In bytes; 0 where there is no file."""
        try:
            return os.stat(self.path).st_size
        except OSError:
            return 0

    def beginning(self, most_bytes: int) -> str:
        """Its first lines, whole ones, as they are; "" where there are none so short."""
        with open(self.path, "rb") as file:
            data = file.read(most_bytes)
        return data[: data.rfind(b"\n") + 1].decode("utf-8", "surrogateescape")

    def replace_beginning(self, old: str, new: str) -> bool:
        """Other first lines for these, and the rest as it is by then; False where it does not begin so any more."""
        with self.held():
            with open(self.path, "rb") as file:
                data = file.read()
            begun = _encoded(old)
            if not data.startswith(begun):
                return False
            self.replace((_encoded(new) + data[len(begun) :]).decode("utf-8", "surrogateescape"))
        return True

    def append(self, line: str, heading: str = "") -> None:
        """One more line, whole even where the one before it was cut off; ``heading`` is the first of a new file."""
        _make_folder(self.path)
        with self.held():
            self._append(_encoded(f"{line}\n"), heading)

    def _append(self, data: bytes, heading: str) -> None:
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | _NONBLOCK | _BINARY
        with os.fdopen(os.open(self.path, flags, 0o600), "r+b", buffering=0) as file:
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode):
                raise OSError(errno.EINVAL, "Not a file")
            if not found.st_size:
                data = (_encoded(f"{heading}\n") if heading else b"") + data
            elif file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n":
                data = b"\n" + data
            if file.write(data) != len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._seen = self._state()

    def replace(self, text: str) -> None:
        """All of it anew: at every moment there is the old file or the new one. A link stays one.

        No fsync: that may take longer than a packet has time.
        """
        path = os.path.realpath(self.path)
        _make_folder(path)
        descriptor, name = tempfile.mkstemp(prefix=".", suffix=".new", dir=os.path.dirname(path))
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(_encoded(text))
            if os.path.exists(path):
                os.chmod(name, stat.S_IMODE(os.stat(path).st_mode))
            os.replace(name, path)
        except BaseException:
            os.unlink(name)
            raise
        self._seen = self._state()


def _lock(descriptor: int) -> None:
    for _ in range(HOLD_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            time.sleep(HOLD_PAUSE_S)
        except OSError:
            return  # a file system that knows no locks
    raise OSError(errno.EBUSY, "Another ringtop is changing it")


def _make_folder(path: str) -> None:
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def local_stamp(epoch_s: float) -> str:
    """The time of day here, ISO 8601 with its distance to UTC: ``2026-03-04T15:42:07+01:00``."""
    stamp = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(epoch_s))
    return f"{stamp[:-2]}:{stamp[-2:]}"


def save_new(stem: str, text: str, epoch_s: float) -> str:
    """Write a file of its own into the current folder and return its path; never over another one."""
    name = f"{stem}-{time.strftime('%Y%m%d-%H%M%S', time.localtime(epoch_s))}"
    data = text.encode("utf-8", "replace")
    for ending in (".txt", *(f"-{number}.txt" for number in range(2, 100))):
        path = os.path.abspath(name + ending)
        try:
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY, 0o600)
        except FileExistsError:
            continue
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
        except OSError:
            os.unlink(path)
            raise
        return path
    raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST))
