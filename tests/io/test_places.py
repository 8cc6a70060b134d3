"""Where recordings may go: nowhere they would destroy what is read, or cannot be written."""

from __future__ import annotations

import pytest

from engine.io.places import PlaceError, check_recording
from engine.io.wav import WavError


def test_a_new_name_is_free_and_nothing_is_left_behind(tmp_path):
    check_recording(str(tmp_path / "a.wav"), None)
    check_recording(str(tmp_path / "off"), None, ("off", None))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("option", ["microphone", "ring"])
def test_what_is_played_is_not_recorded_over_whatever_it_is_called(tmp_path, option):
    sound, other = tmp_path / "a.wav", tmp_path / "b.wav"
    sound.write_bytes(b"sound")
    other.symlink_to(sound)
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
