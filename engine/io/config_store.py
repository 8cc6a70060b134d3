"""The configuration file, written: what is there is read at that moment, and replaced as a whole or not at all."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any

from engine.config import ConfigText
from engine.config_edit import edited
from engine.config_file import toml_reader
from engine.io.places import PlaceError, read_config
from engine.io.text_files import TextFile

MOST_BYTES = 64_000  # a call may be up: what takes longer to read than a few packets have time is not touched


class ConfigStore:
    """One file, which need not be there yet. Where it is a link, what it leads to is written."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = TextFile(path)
        self.path = self._file.shown  # as it is told

    def prepare(self) -> None:
        """Load what reads TOML: in the middle of a call that would be heard."""
        toml_reader()

    def save(self, changes: Mapping[tuple[str, str], Any]) -> None:
        """Write these values, see ``config_edit``; raises ConfigError or PlaceError with one line."""
        self._refuse_what_makes_wait()
        try:
            with self._file.held():
                self._save(changes)
        except PlaceError:
            raise
        except OSError as error:
            raise PlaceError(f"{self._path}: it cannot be written ({(error.strerror or str(error)).lower()})") from None

    def _save(self, changes: Mapping[tuple[str, str], Any]) -> None:
        there = read_config(self._path) if os.path.lexists(self._path) else None
        text = edited(there or ConfigText(self._path, ""), changes)
        mark = "\ufeff" if there is not None and _has_mark(self._path) else ""
        self._file.replace(mark + text)

    def _refuse_what_makes_wait(self) -> None:
        """A pipe would be waited for, a file of a megabyte takes most of a second."""
        try:
            found = os.stat(self._path)
        except OSError:
            return  # it will be told when it is read or written
        if not stat.S_ISREG(found.st_mode):
            raise PlaceError(f"{self._path}: it cannot be written (it is not a file)")
        if found.st_size > MOST_BYTES:
            raise PlaceError(f"{self._path}: it is longer than {MOST_BYTES // 1000} kB: only you can change it")


def _has_mark(path: str) -> bool:
    with open(path, "rb") as file:
        return file.read(3) == b"\xef\xbb\xbf"
