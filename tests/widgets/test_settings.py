"""The view "settings": what is changed by which key, and how it looks."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine import model
from engine.model import DevicesView, LevelView, SettingsView, Snapshot, SoundView
from tests.widgets.test_controls import Phone as Told
from tests.widgets.views import drawn
from widgets import dashboard, settings
from widgets.canvas import Canvas
from widgets.controls import Controls
from widgets.settings import Cursor
from widgets.ui import Scene, Ui

DEVICES = DevicesView(("Built-in", "Headset Mono"), ("Built-in", "HDMI"), (None, "hdmi"), ("Built-in", "Built-in"))
SOUND = SoundView("device", "microphone Built-in, loudspeaker HDMI", volume_db=-4.0, devices=DEVICES)
SETTINGS = SettingsView(("opus", "PCMU"), ("L16",), (0.0, 500.0), path="~/.config/ringtop/config.toml")
ROWS = ("microphone", "loudspeaker", "volume", "mute", "opus", "PCMU", "L16", "least", "most")


class Phone(Told):
    """With a card and codecs."""

    sound, settings = SOUND, SETTINGS

    def snapshot(self) -> Snapshot:
        return replace(super().snapshot(), sound=self.sound, settings=self.settings)


def on(row: str, **changes: object) -> tuple[Controls, Phone]:
    """The view with the cursor on this row; ``changes`` are of the sound or of the settings."""
    phone = Phone()
    phone.sound = replace(SOUND, **{name: value for name, value in changes.items() if hasattr(SOUND, name)})
    phone.settings = replace(SETTINGS, **{name: value for name, value in changes.items() if hasattr(SETTINGS, name)})
    return Controls(phone, Ui(view="settings").with_state(Cursor(ROWS.index(row)))), phone


def scene(row: str = "microphone", **changes: object) -> Scene:
    controls, phone = on(row, **changes)
    return replace(controls.scene(), ui=replace(controls.ui, keys=controls.hints(phone.snapshot())))


def pressed(row: str, *names: str, **changes: object) -> list[model.Command]:
    controls, phone = on(row, **changes)
    for name in names:
        controls.press(name)
    return phone.told


def dashboard_of(controls: Controls, phone: Phone) -> Canvas:
    """The whole screen, which the mouse can hit."""
    canvas = Canvas(80, 30)
    dashboard.draw(canvas, phone.snapshot(), controls.ui)
    controls.drawn(canvas)
    return canvas


# ------------------------------------------------------------------ pictures


def test_the_settings() -> None:
    assert drawn(settings.draw, 60, 12, scene()) == [
        "── settings ─────── kept in ~/.config/ringtop/config.toml ──",
        "▶ microphone     ‹ what the system chooses: Built-in ›",
        "  loudspeaker      HDMI                              2 of 2",
        "  volume           -4 dB",
        "  what they hear   the microphone",
        "",
        "  codecs           1 opus",
        "                   2 PCMU",
        "                   - L16",
        "",
        "  jitter buffer    at least 0 ms",
        "                   at most  500 ms",
    ]


def test_where_rows_are_scarce_those_around_the_cursor() -> None:
    assert drawn(settings.draw, 40, 4, scene("L16", unsaved=("buffer",))) == [
        "── settings ────────── s saves buffer ──",
        "                   2 PCMU",
        "▶                ‹ - L16 ›",
        "  jitter buffer    at least 0 ms",
    ]


def test_the_microphone_and_the_loudspeaker_are_tried() -> None:
    assert drawn(settings.draw_trial, 60, 3, scene()) == [
        "── try it ────────────────── before a call, or beside one ──",
        " mic i shows how loud it is",
        " ear t lets a tone be heard",
    ]
    tried = scene(listening=True, level=LevelView(-23.0, -12.0), sounding=True)
    assert drawn(settings.draw_trial, 60, 2, tried) == [
        " mic [▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇      ┃         ] -23 dBFS",
        " ear a tone is heard",
    ]


def test_without_a_card_there_is_nothing_to_choose() -> None:
    bare = scene(kind="null", note="silence", devices=None)
    assert drawn(settings.draw, 60, 3, bare) == [
        "── settings ─────── kept in ~/.config/ringtop/config.toml ──",
        "▶ microphone       silence",
        "  loudspeaker      silence",
    ]
    assert drawn(settings.draw_trial, 60, 2, bare) == [
        " mic none to be tried",
        " ear none to be tried",
    ]


def test_what_to_install_for_a_card_is_said_in_full() -> None:
    line = "sudo apt-get install portaudio19-dev python3-dev gcc && /home/me/folder/.venv/bin/python -m pip install"
    note = f"no sound card: PyAudio is not installed ({line} pyaudio)"
    for row in ROWS[:2]:
        bare = scene(row, kind="null", note=note, devices=None)
        below = drawn(settings.draw_about, 78, settings.about_sizes(bare, 78)[-1], bare)[1:]
        assert " ".join(row.strip() for row in below) == f"There is nothing to choose here: {note}."
        assert not any(row.endswith("-") for row in below)  # no word of the command is taken apart
    elsewhere = scene("volume", kind="null", note=note, devices=None)
    assert settings.about_sizes(elsewhere, 78) == settings.about_sizes(bare, 78)  # nothing moves with the cursor


def test_a_file_is_the_microphone_beside_a_card() -> None:
    beside = replace(DEVICES, captures=False)
    assert drawn(settings.draw, 60, 3, scene(kind="file", note="a.wav; loudspeaker HDMI", devices=beside)) == [
        "── settings ─────── kept in ~/.config/ringtop/config.toml ──",
        "▶ microphone       a.wav",
        "  loudspeaker      HDMI                              2 of 2",
    ]


def test_a_device_that_is_not_there_and_none_at_all() -> None:
    assert drawn(settings.draw, 60, 3, scene(devices=replace(DEVICES, inputs=(), chosen=(None, "Tele\x1bphone")))) == [
        "── settings ─────── kept in ~/.config/ringtop/config.toml ──",
        "▶ microphone       none found",
        "  loudspeaker      Tele^[phone (not there)",
    ]


def test_what_the_setting_under_the_cursor_does() -> None:
    assert drawn(settings.draw_about, 60, 3, scene("most")) == [
        "── what it does ────────────────────────────────────────────",
        " Less loses more packets of an uneven line, and keeps the",
        " delay short; in calls that are up too.",
    ]


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (40, 10)])
def test_the_row_under_the_cursor_is_seen_at_every_size(size: tuple[int, int]) -> None:
    for row in ROWS:
        controls, phone = on(row)
        canvas = Canvas(*size)
        controls.ui = replace(controls.ui, keys=controls.hints(phone.snapshot()))
        dashboard.draw(canvas, phone.snapshot(), controls.ui)
        assert canvas.focus is not None and canvas.rows()[canvas.focus[1]].startswith("▶")


def test_a_small_screen() -> None:
    controls, phone = on("PCMU", unsaved=("codecs",))
    controls.ui = replace(controls.ui, keys=controls.hints(phone.snapshot()))
    canvas = Canvas(40, 10)
    dashboard.draw(canvas, phone.snapshot(), controls.ui)
    assert [row.rstrip() for row in canvas.rows()][1:] == [
        " mic i shows how loud it is",
        "── settings ────────── s saves codecs ──",
        "  what they hear   the microphone",
        "  codecs           1 opus",
        "▶                ‹ 2 PCMU ›",
        "                   - L16",
        "  jitter buffer    at least 0 ms",
        " Offered in this order, from the next …",
        " Up Down setting  ? help  q quit",
    ]


# ------------------------------------------------------------------ keys


def test_up_and_down_stay_within() -> None:
    controls, _ = on("microphone")
    for name, row in (("Up", 0), ("j", 1), ("PageDown", 8), ("Down", 8), ("k", 7), ("PageUp", 0)):
        controls.press(name)
        assert controls.ui.state(Cursor()).row == row


@pytest.mark.parametrize(
    ("row", "key", "command"),
    [
        ("microphone", "Right", model.SetDevice("input", "Built-in")),
        ("microphone", "Left", model.SetDevice("input", "Headset Mono")),
        ("microphone", "Space", model.SetDevice("input", None)),
        ("loudspeaker", "Right", model.SetDevice("output", None)),
        ("loudspeaker", "h", model.SetDevice("output", "Built-in")),
        ("volume", "l", model.SetVolume(2.0)),
        ("volume", "Left", model.SetVolume(-2.0)),
        ("volume", "Enter", model.SetVolume(4.0)),
        ("mute", "Right", model.Mute()),
        ("mute", "Space", model.Mute()),
        ("opus", "Right", model.SetCodecs(("PCMU", "opus"))),
        ("PCMU", "Left", model.SetCodecs(("PCMU", "opus"))),
        ("PCMU", "Space", model.SetCodecs(("opus",))),
        ("L16", "Space", model.SetCodecs(("opus", "PCMU", "L16"))),
        ("least", "Right", model.SetBuffer(10.0, 500.0)),
        ("least", "Left", model.SetBuffer(-10.0, 500.0)),
        ("most", "Left", model.SetBuffer(0.0, 490.0)),
        ("most", "Space", model.SetBuffer(0.0, 500.0)),
        ("most", "i", model.TryMicrophone(True)),
        ("most", "t", model.TryLoudspeaker()),
        ("most", "u", model.FindDevices()),
        ("most", "s", model.SaveSettings()),
    ],
)
def test_what_a_key_asks_the_phone_for(row: str, key: str, command: model.Command) -> None:
    assert pressed(row, " " if key == "Space" else key) == [command]


@pytest.mark.parametrize(("row", "key"), [("opus", "Left"), ("PCMU", "Right"), ("L16", "Right")])
def test_a_codec_goes_no_further_than_the_end(row: str, key: str) -> None:
    assert pressed(row, key) == []


def test_a_click_on_a_row_brings_the_cursor_there_and_changes_nothing() -> None:
    controls, phone = on("microphone")
    canvas = dashboard_of(controls, phone)
    y = next(y for y, row in enumerate(canvas.rows()) if "jitter buffer" in row)
    controls.press(f"Click:30,{y}")
    assert controls.ui.state(Cursor()).row == ROWS.index("least") and not phone.told
    controls.press("Right")
    assert phone.told == [model.SetBuffer(10.0, 500.0)]


def test_the_cursor_goes_with_its_codec() -> None:
    controls, _ = on("opus")
    controls.press("Right")
    assert controls.ui.state(Cursor()).row == ROWS.index("PCMU")


@pytest.mark.parametrize("key", ["Left", "Right", " ", "i", "t", "u"])
def test_without_a_card_nothing_is_asked_for_but_said(key: str) -> None:
    controls, phone = on("microphone", kind="null", note="silence", devices=None)
    controls.press(key)
    assert phone.told == [] and controls.ui.notice_style == "warn" and controls.ui.notice


def test_what_was_done_is_said_and_what_the_phone_refuses_instead() -> None:
    controls, phone = on("least")
    controls.press("Right")
    assert controls.ui.notice == "the jitter buffer waits 10 to 500 ms"
    phone.refuses = "the least first"
    controls.press("Left")
    assert controls.ui.notice == "the least first"


def test_where_it_was_saved_is_said() -> None:
    controls, _ = on("least", unsaved=("buffer", "codecs"))
    controls.press("s")
    assert controls.ui.notice == "buffer, codecs saved in ~/.config/ringtop/config.toml"


@pytest.mark.parametrize("key", ["Escape", "Tab", "1", "Alt-2"])
def test_no_microphone_stays_open_where_nobody_looks_at_it(key: str) -> None:
    assert pressed("volume", key, listening=True) == [model.TryMicrophone(False)]
    assert pressed("volume", key) == []


def test_names_of_devices_are_shown_safely_and_once() -> None:
    twins = replace(DEVICES, inputs=("Evil\x1b[2J", "Evil\x1b[2J"), chosen=("Evil\x1b[2J", None))
    rows = drawn(settings.draw, 80, 3, scene(devices=twins))
    assert "\x1b" not in "".join(rows) and "1 of 1" in rows[1]
    assert pressed("microphone", "Right", devices=twins) == [model.SetDevice("input", None)]
