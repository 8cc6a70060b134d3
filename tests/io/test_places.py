"""Where recordings may go: nowhere they would destroy what is read, or cannot be written."""

from __future__ import annotations

import os
import sys
import threading

import pytest

from engine.config import ConfigText
from engine.io import places
from engine.io.places import PlaceError, check_recording, config_path, read_config
from engine.io.wav import WavError


def test_a_new_name_is_free_and_nothing_is_left_behind(tmp_path):
    check_recording(str(tmp_path / "a.wav"), None)
    check_recording(str(tmp_path / "off"), None, ("off", None))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["microphone", "ring"])
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_what_is_played_is_not_recorded_over_whatever_it_is_called(tmp_path, option, link):
    sound, other = tmp_path / "a.wav", tmp_path / "b.wav"
    sound.write_bytes(b"sound")
    link(sound, other)
    given = (str(sound), ()) if option == "microphone" else (None, (None, str(sound)))
    with pytest.raises(PlaceError, match="a recording would destroy it"):
        check_recording(str(other), *given)
    assert sound.read_bytes() == b"sound"


def test_the_recording_of_a_later_call_does_not_destroy_the_microphone(tmp_path):
    with pytest.raises(PlaceError, match="another call"):
        check_recording(str(tmp_path / "call.wav"), str(tmp_path / "call-2.wav"))
    for other in ("call-two.wav", "call-2.flac", "call2.wav"):
        check_recording(str(tmp_path / "call.wav"), str(tmp_path / other))


@pytest.mark.parametrize(("name", "error"), [("a.m4a", WavError), ("no/such/a.wav", PlaceError), (".", OSError)])
def test_where_nothing_can_be_written_is_one_line(tmp_path, name, error):
    with pytest.raises(error) as caught:
        check_recording(str(tmp_path / name), None)
    assert "\n" not in str(caught.value) and str(tmp_path) in str(caught.value)
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------ the configuration file


def test_the_users_own_file_is_where_the_system_keeps_such_files(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_path() == str(tmp_path / "ringtop" / "config.toml")
    monkeypatch.setenv("XDG_CONFIG_HOME", "relative")  # to be ignored, says the specification
    monkeypatch.setenv("HOME", str(tmp_path))
    assert config_path() == str(tmp_path / ".config" / "ringtop" / "config.toml")


def test_platformdirs_says_the_same(tmp_path, monkeypatch):
    platformdirs = pytest.importorskip("platformdirs", reason="pip install 'ringtop[config]'")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert config_path() == platformdirs.user_config_dir("ringtop", appauthor=False) + "/config.toml"


def test_where_only_platformdirs_knows_and_is_missing_there_is_no_file(monkeypatch):
    monkeypatch.setattr(places, "_ASKS_PLATFORMDIRS", True)
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    assert config_path() is None and read_config(None) is None


def test_whoever_has_no_home_has_no_file(monkeypatch):
    """Else there would be a folder with the name ``~`` wherever he is."""
    for kind in ("CONFIG", "STATE"):
        monkeypatch.delenv(f"XDG_{kind}_HOME", raising=False)
    monkeypatch.setattr(os.path, "expanduser", lambda path: path)
    assert config_path() is None and places.history_path() is None and read_config(None) is None


def test_no_file_of_his_own_is_no_mistake_but_a_named_one_must_be_there(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    assert read_config(None) is None
    with pytest.raises(PlaceError, match=r"none\.toml: it cannot be read \(no such file"):
        read_config(str(tmp_path / "none.toml"))
    (tmp_path / "ringtop").write_text("a file where a folder belongs")
    assert read_config(None) is None


def test_a_pipe_is_read_where_it_is_named_alone(tmp_path, monkeypatch):
    """Nobody may ever write into one that lies in the place of the user's own file."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "ringtop").mkdir()
    pipe = tmp_path / "ringtop" / "config.toml"
    os.mkfifo(pipe)
    with pytest.raises(PlaceError, match="not a file"):
        read_config(None)
    writer = os.open(pipe, os.O_RDWR)
    os.write(writer, b"# mine")
    threading.Timer(0.2, os.close, (writer,)).start()
    assert read_config(str(pipe)) == ConfigText(str(pipe), "# mine")


def test_a_file_is_read_whatever_editor_wrote_it(tmp_path):
    path = tmp_path / "a.toml"
    path.write_bytes("\ufeff[keys]\r\nmute = 'ü'\r\n".encode())
    assert read_config(str(path)) == ConfigText(str(path), "[keys]\r\nmute = 'ü'\r\n")


@pytest.mark.parametrize(("data", "said"), [(b"\xff\xfe", "not UTF-8"), (b"#" * 1_000_001, "larger than 1 MB")])
def test_a_file_that_is_no_text_of_ours(tmp_path, data, said):
    path = tmp_path / "a.toml"
    path.write_bytes(data)
    with pytest.raises(PlaceError, match=said):
        read_config(str(path))


def test_a_folder_is_no_file(tmp_path):
    with pytest.raises(PlaceError, match="cannot be read"):
        read_config(str(tmp_path))
