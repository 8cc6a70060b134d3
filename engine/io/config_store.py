"""The configuration file, written: what is there is read at that moment, and replaced as a whole or not at all."""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Mapping
from typing import Any

from engine.config import ConfigText
from engine.config_edit import edited
from engine.config_file import toml_reader
from engine.io.places import PlaceError, read_config


class ConfigStore:
    """One file, which need not be there yet. Where it is a link, what it leads to is written."""

    def __init__(self, path: str) -> None:
        self._path = path
        home = os.path.expanduser("~")
        inside = path.startswith(home + os.sep)
        self.path = f"~{path[len(home) :]}" if inside else path  # as it is told

    def prepare(self) -> None:
        """Load what reads TOML: in the middle of a call that would be heard."""
        toml_reader()

    def save(self, changes: Mapping[tuple[str, str], Any]) -> None:
        """Write these values, see ``config_edit``; raises ConfigError or PlaceError with one line."""
        there = read_config(self._path) if os.path.lexists(self._path) else None
        text = edited(there or ConfigText(self._path, ""), changes)
        mark = "\ufeff" if there is not None and _has_mark(self._path) else ""
        try:
            self._replace((mark + text).encode())
        except OSError as error:
            raise PlaceError(f"{self._path}: it cannot be written ({(error.strerror or str(error)).lower()})") from None

    def _replace(self, data: bytes) -> None:
        """No fsync: that may take longer than a packet has time; the file is whole at every moment all the same."""
        path = os.path.realpath(self._path)
        folder = os.path.dirname(path)
        os.makedirs(folder or ".", exist_ok=True)
        draft = os.path.join(folder, f".{os.path.basename(path)}.{os.getpid()}")
        try:
            with open(draft, "wb") as file:
                file.write(data)
            if os.path.exists(path):
                os.chmod(draft, stat.S_IMODE(os.stat(path).st_mode))
            os.replace(draft, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(draft)
            raise


def _has_mark(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(3) == b"\xef\xbb\xbf"
