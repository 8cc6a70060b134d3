"""The configuration file, written as a whole or not at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from engine.config import ConfigError
from engine.io import text_files
from engine.io.config_store import ConfigStore
from engine.io.places import PlaceError
from engine.io.text_files import TextFile

VOLUME = ("sound", "volume")


def test_a_file_that_is_not_there_yet_is_made_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "config.toml"
    ConfigStore(str(path)).save({VOLUME: -4.0, ("call", "codecs"): ["PCMU"]})
    assert path.read_text() == '[sound]\nvolume = -4\n\n[call]\ncodecs = ["PCMU"]\n'
    assert os.listdir(path.parent) == ["config.toml"]


def test_what_is_in_the_file_at_that_moment_stays(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    store = ConfigStore(str(path))
    path.write_bytes("\ufeff# ü\r\n[sound]\r\nvolume = 1\r\n".encode())
    path.chmod(0o600)
    store.save({VOLUME: 2.0})
    assert path.read_bytes() == "\ufeff# ü\r\n[sound]\r\nvolume = 2\r\n".encode()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.skipif(text_files.fcntl is None, reason="no such locks on Windows")
def test_two_that_save_at_once_do_not_undo_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one waits until the first has written, and says so where that takes too long."""
    path = tmp_path / "config.toml"
    monkeypatch.setattr(text_files.time, "sleep", lambda _: None)
    with TextFile(str(path)).held(), pytest.raises(PlaceError, match="another ringtop is changing it"):
        ConfigStore(str(path)).save({VOLUME: 2.0})
    ConfigStore(str(path)).save({VOLUME: 2.0})
    assert path.read_text() == "[sound]\nvolume = 2\n"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    real, link = tmp_path / "dotfiles" / "ringtop.toml", tmp_path / "config.toml"
    real.write_text("")
    link.symlink_to(real)
    ConfigStore(str(link)).save({VOLUME: 2.0})
    assert link.is_symlink() and real.read_text() == "[sound]\nvolume = 2\n"


def test_a_file_that_cannot_be_changed_stays_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("sound.volume = 1\n")
    with pytest.raises(ConfigError):
        ConfigStore(str(path)).save({VOLUME: 2.0})
    assert path.read_text() == "sound.volume = 1\n" and os.listdir(tmp_path) == ["config.toml"]


def test_where_nothing_can_be_written_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(PlaceError, match="cannot be") as caught:
        ConfigStore(str(tmp_path / "file" / "config.toml")).save({VOLUME: 2.0})
    assert "\n" not in str(caught.value)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "config.toml"
    path.write_text("# mine\n")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(PlaceError, match="no space left on device"):
        ConfigStore(str(path)).save({VOLUME: 2.0})
    assert path.read_text() == "# mine\n" and sorted(os.listdir(tmp_path)) == ["config.toml", "file"]


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    os.mkfifo(path)
    with pytest.raises(PlaceError, match="it is not a file"):
        ConfigStore(str(path)).save({VOLUME: 2.0})


def test_what_takes_long_to_read_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text("#" * 64_001)
    with pytest.raises(PlaceError, match="longer than 64 kB"):
        ConfigStore(str(path)).save({VOLUME: 2.0})
    assert path.stat().st_size == 64_001


def test_the_path_is_told_from_home_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert ConfigStore(f"{tmp_path}/.config/ringtop/config.toml").path == "~/.config/ringtop/config.toml"
    assert ConfigStore("mine.toml").path == "mine.toml"
