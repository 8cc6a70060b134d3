"""The settings in words: what is told of them, and what ``set`` means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine import model
from engine.model import DevicesView, LevelView, SettingsView, Snapshot, SoundView
from tests.widgets import views
from widgets import plain_settings
from widgets.plain_settings import SettingError

DEVICES = DevicesView(("Built-in", "Headset Mono"), ("Built-in", "HDMI\x1b"), (None, "hdmi"), ("Built-in", None))
SOUND = SoundView("device", "Built-in", volume_db=-6.0, devices=DEVICES)
SETTINGS = SettingsView(("opus", "PCMU"), ("L16",), (0.0, 500.0), path="~/.config/ringtop/config.toml")


def snapshot(sound: SoundView = SOUND, **changes: object) -> Snapshot:
    return replace(views.snapshot(), sound=sound, settings=replace(SETTINGS, **changes))


def test_everything_that_can_be_set_is_told_with_its_choices() -> None:
    assert plain_settings.lines(snapshot()) == [
        "input: what the system chooses (Built-in); there are Built-in, Headset Mono",
        "output: HDMI; there are Built-in, HDMI",
        "volume: -6 dB",
        "codecs: opus, PCMU; left out: L16",
        "buffer: 0 to 500 ms",
        "nothing is left to save; kept in ~/.config/ringtop/config.toml",
    ]


def test_what_is_not_saved_is_named() -> None:
    last = plain_settings.lines(snapshot(unsaved=("codecs", "buffer")))[-1]
    assert last == "not saved yet: codecs, buffer; save writes them into ~/.config/ringtop/config.toml"
    assert plain_settings.lines(snapshot(path=None))[-1] == "nothing is saved: no configuration file is used here"


def test_without_a_card_there_is_no_device_to_choose() -> None:
    told = plain_settings.lines(snapshot(SoundView("null", "no sound card: silence")))
    assert told[0] == "input: nothing to choose (no sound card: silence)"
    file = SoundView("file", "a.wav", devices=replace(DEVICES, captures=False))
    told = plain_settings.lines(snapshot(file))
    assert told[0] == "input: nothing to choose (a.wav)" and told[1].startswith("output: HDMI")
    assert plain_settings.lines(snapshot(SoundView("device", "x", devices=DevicesView())))[0] == (
        "input: what the system chooses; none was found"
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("input headset", model.SetDevice("input", "Headset Mono")),
        ("i Built-in", model.SetDevice("input", "Built-in")),
        ("output system", model.SetDevice("output", None)),
        ("volume -10", model.SetVolume(-4.0)),
        ("volume 0 dB", model.SetVolume(6.0)),
        ("codecs PCMU, opus", model.SetCodecs(("PCMU", "opus"))),
        ("buffer 40-200", model.SetBuffer(40.0, 200.0)),
        ("Buffer 40 200 ms", model.SetBuffer(40.0, 200.0)),
    ],
)
def test_what_is_set(typed: str, meant: model.Command) -> None:
    assert plain_settings.command(typed, snapshot()) == meant


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "set takes input, output, volume, codecs or buffer, as in: set buffer 40-200"),
        ("colour red", "set takes input, output, volume, codecs or buffer, as in: set buffer 40-200"),
        ("input", "input: which device?: type system for the usual one, or one of Built-in, Headset Mono"),
        ("output Radio", "output: there is no device Radio: type system for the usual one, or one of Built-in, HDMI"),
        ("volume loud", "volume takes -40 to 12 decibels, as in: set volume -6"),
        ("volume 20", "volume takes -40 to 12 decibels, as in: set volume -6"),
        ("codecs", "codecs takes some of opus, PCMU, L16, the best one first"),
        ("buffer 40", "buffer takes the least and the most in milliseconds, as in: set buffer 40-200"),
        ("buffer a-b", "buffer takes the least and the most in milliseconds, as in: set buffer 40-200"),
    ],
)
def test_what_makes_no_sense_gives_one_clear_line(typed: str, why: str) -> None:
    with pytest.raises(SettingError) as complaint:
        plain_settings.command(typed, snapshot())
    assert str(complaint.value) == why


def test_without_a_card_no_device_is_set() -> None:
    with pytest.raises(SettingError, match="input: no sound card is used for this"):
        plain_settings.command("input Headset", snapshot(SoundView("null")))


@pytest.mark.parametrize(
    ("wanted", "line"),
    [
        (model.SetDevice("input", "Headset"), "input: Headset"),
        (model.SetDevice("output", None), "output: what the system chooses"),
        (model.SetCodecs(("opus", "PCMU")), "codecs from the next call on: opus, PCMU"),
        (model.SetBuffer(0, 500), "the jitter buffer waits 0 to 500 ms"),
        (model.SaveSettings(), "saved in ~/.config/ringtop/config.toml"),
        (model.FindDevices(), "looking for sound devices: type settings to hear which there are"),
        (model.TryLoudspeaker(), "a tone is to be heard"),
        (model.TryMicrophone(False), "the microphone is closed"),
        (model.Hold(), ""),
    ],
)
def test_what_has_come_of_it(wanted: model.Command, line: str) -> None:
    assert plain_settings.done(wanted, snapshot()) == line


def test_what_is_not_there_is_not_tried() -> None:
    bare, file = snapshot(SoundView("null")), snapshot(SoundView("file"))
    wanted = (model.TryMicrophone(True), model.TryLoudspeaker(), model.FindDevices(), model.Hold())
    assert [plain_settings.refused(one, bare) for one in wanted] == [
        "there is no microphone to be tried", "there is no loudspeaker to be tried", "no sound card is used here", "",
    ]  # fmt: skip
    assert plain_settings.refused(wanted[0], file) == ""
    assert {plain_settings.refused(one, snapshot()) for one in wanted} == {""}


def test_the_microphone_that_is_tried() -> None:
    opened = plain_settings.microphone(snapshot(listening=True))
    assert opened == "the microphone is open for its level alone: type listen again to hear how loud it is"
    heard = plain_settings.microphone(snapshot(listening=True, level=LevelView(-32.4, -20.0)))
    assert heard == "the microphone: -32 dBFS, at the most -20 dBFS"
