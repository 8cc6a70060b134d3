"""What is changed while the phone runs: from when on it holds, what is told of it, what is saved."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from engine.config import Config, ConfigError
from engine.handset import Handset
from engine.media import codecs
from engine.model import (
    CommandError,
    Dial,
    FindDevices,
    HangUp,
    Hold,
    Log,
    Mute,
    SaveSettings,
    SetBuffer,
    SetCodecs,
    SetDevice,
    SettingsView,
    SetVolume,
    TryLoudspeaker,
    TryMicrophone,
)
from engine.settings import Settings
from engine.trial import LISTEN_S, TONE_S
from tests.wire import ANNA, BOB, Sound, Station, Wire


def pair(**options: Any) -> tuple[Wire, Station, Station]:
    wire = Wire(0.02)
    return wire, wire.station(ANNA, **options), wire.station(BOB, auto_answer=0.0)


def view(station: Station) -> SettingsView:
    return station.phone.snapshot(station.wire.now).settings


def logged(station: Station) -> list[str]:
    return [event.line.text for event in station.told(Log)]


class Store:
    """A file of paper."""

    path = "~/config.toml"

    def __init__(self, trouble: Exception | None = None) -> None:
        self.saved: list[Mapping[tuple[str, str], Any]] = []
        self.trouble = trouble

    def save(self, changes: Mapping[tuple[str, str], Any]) -> None:
        if self.trouble is not None:
            raise self.trouble
        self.saved.append(changes)


def settings(store: Store | None = None, **options: Any) -> tuple[Settings, Sound]:
    """Without a phone around them."""
    sound = Sound(Wire(0.0), 1)
    return Settings(Config(**options), Handset(sound), sound, lambda *words: None, store), sound


def do(made: Settings, command: Any, now: float = 0.0) -> None:
    made.handlers[type(command)](command, now)


# ------------------------------------------------------------------ what changes at once


def test_a_device_is_chosen_told_and_the_call_goes_on() -> None:
    wire, anna, bob = pair()
    anna.do(Dial(bob.uri))
    wire.run(2)
    anna.do(SetDevice("output", "Headset"))
    wire.run(2)
    assert anna.sound.devices == {"output": "Headset"} and "output: Headset" in logged(anna)
    assert anna.hears(bob) and bob.hears(anna)
    with pytest.raises(CommandError, match="any more"):
        anna.do(SetDevice("input", "gone"))
    assert view(anna).unsaved == ("output",)


def test_which_devices_there_are_is_asked_anew() -> None:
    _, anna, _ = pair()
    anna.do(FindDevices())
    assert anna.sound.looked == 1


def test_the_bounds_of_the_buffer_hold_in_a_running_call_and_in_the_next() -> None:
    wire, anna, bob = pair()
    anna.do(Dial(bob.uri))
    wire.run(3)
    assert anna.view().media.rx.target_ms < 80
    anna.do(SetBuffer(120, 300))
    wire.run(3)
    assert anna.view().media.rx.target_ms >= 120 and anna.hears(bob)
    assert view(anna).buffer_ms == (120, 300) and "jitter buffer: 120 to 300 ms" in logged(anna)
    anna.do(HangUp())
    wire.run(1)
    anna.do(Dial(bob.uri))
    wire.run(3)
    assert anna.view().media.rx.target_ms >= 120
    anna.do(SetBuffer(0, 40))
    wire.run(8)
    assert anna.view().media.rx.target_ms <= 40


@pytest.mark.parametrize("bounds", [(50, 40), (-10, 40), (0, 1001), (float("nan"), 40)])
def test_bounds_that_make_no_sense(bounds: tuple[float, float]) -> None:
    _, anna, _ = pair()
    with pytest.raises(CommandError, match="the least first"):
        anna.do(SetBuffer(*bounds))
    assert view(anna).buffer_ms == (0.0, 500.0)


# ------------------------------------------------------------------ codecs


def test_codecs_are_those_of_the_next_call() -> None:
    wire, anna, bob = pair(codecs=("PCMU",))
    bob.do(SetCodecs(("PCMU", "PCMA")))
    anna.do(Dial(bob.uri))
    wire.run(1)
    anna.do(SetCodecs(("PCMA",)))
    wire.run(1)
    assert anna.view().media.codec == "PCMU" and bob.hears(anna)
    anna.do(HangUp())
    wire.run(1)
    anna.do(Dial(bob.uri))
    wire.run(2)
    assert anna.view().media.codec == "PCMA" and bob.hears(anna)
    assert "codecs from the next call on: PCMA" in logged(anna)


def test_the_far_end_may_still_hold_a_call_in_a_codec_that_is_not_offered_any_more() -> None:
    wire, anna, bob = pair(codecs=("PCMU",))
    anna.do(Dial(bob.uri))
    wire.run(2)
    anna.do(SetCodecs(("L16/16000",)))
    for held in (True, False):
        bob.do(Hold(on=held))
        wire.run(2)
        assert anna.view().held_there is held
    assert anna.view().media.codec == "PCMU" and anna.hears(bob) and bob.hears(anna)


@pytest.mark.parametrize(("names", "said"), [((), "one codec at least"), (("GSM",), "'GSM' is not one of opus")])
def test_codecs_that_make_no_sense(names: tuple[str, ...], said: str) -> None:
    _, anna, _ = pair(codecs=("PCMU",))
    with pytest.raises(CommandError, match=said):
        anna.do(SetCodecs(names))
    assert view(anna).codecs == ("PCMU",)


def test_what_could_be_offered_too() -> None:
    made, _ = settings(codecs=("pcma", "L16/16000"))
    assert made.view().codecs == ("pcma", "L16/16000")
    assert set(made.view().other_codecs) == set(codecs.names()) - {"PCMA", "L16"}


# ------------------------------------------------------------------ tried before a call


def test_the_microphone_is_open_for_its_level_and_for_a_minute_at_the_most() -> None:
    wire, anna, _ = pair()
    assert not anna.sound.open_microphones and view(anna).level.rms_dbfs == -96
    anna.do(TryMicrophone())
    wire.run(1)
    assert view(anna).listening and -60 < view(anna).level.rms_dbfs < 0
    assert len(anna.sound.open_microphones) == 1 and not anna.sound.played
    wire.run(LISTEN_S)
    assert not view(anna).listening and not anna.sound.open_microphones and view(anna).level.rms_dbfs == -96
    anna.do(TryMicrophone(True))
    anna.do(TryMicrophone(True))
    assert len(anna.sound.open_microphones) == 1
    anna.do(TryMicrophone())
    assert not anna.sound.open_microphones and anna.phone.deadline() == float("inf")


def test_the_microphone_is_closed_with_the_program() -> None:
    wire, anna, _ = pair()
    anna.do(TryMicrophone(True))
    anna.phone.close(wire.now)
    assert not anna.sound.open_microphones


def test_a_tone_is_heard_at_the_volume_of_calls_and_opens_no_microphone() -> None:
    def loudest(change_db: float) -> int:
        wire, anna, _ = pair()
        anna.do(SetVolume(change_db))
        anna.do(TryLoudspeaker())
        wire.run(0.5)
        assert view(anna).sounding and not anna.sound.open_microphones
        wire.run(TONE_S)
        assert not view(anna).sounding and anna.phone.deadline() == float("inf")
        heard = np.concatenate([pcm for _, ring, pcm in anna.sound.tones if not ring])
        assert len(heard) == pytest.approx(48000 * TONE_S, abs=1000)
        return int(np.abs(heard.astype(int)).max())

    assert loudest(-20) == pytest.approx(loudest(0) / 10, rel=0.02)
    assert 1000 < loudest(0) < loudest(12) <= 32768


def test_beside_a_call_the_tone_is_heard_with_it() -> None:
    wire, anna, bob = pair()
    anna.do(Dial(bob.uri))
    wire.run(2)
    before = np.abs(anna.heard(last_s=0.5).astype(float)).mean()
    anna.do(TryLoudspeaker())
    wire.run(0.5)
    assert np.abs(anna.heard(last_s=0.4).astype(float)).mean() > 1.05 * before and not anna.sound.tones
    anna.do(TryMicrophone(True))
    wire.run(TONE_S + 1)
    assert anna.hears(bob) and bob.hears(anna), "and they hear nothing of it"
    anna.do(TryMicrophone(False))
    assert len(anna.sound.open_microphones) == 1


def test_a_stall_is_not_made_up_for() -> None:
    made, sound = settings()
    do(made, TryLoudspeaker(), 10.0)
    made.run(10.0)
    made.run(11.5)
    assert len(sound.tones) == 2


# ------------------------------------------------------------------ saving


def test_what_was_changed_is_saved_once() -> None:
    store = Store()
    made, _ = settings(store, volume_db=-2.0, input_name="Webcam")
    assert made.view().unsaved == () and made.view().path == "~/config.toml"
    do(made, SetVolume(-2))
    do(made, SetDevice("input", None))
    made.set_buffer(SetBuffer(40, 200))
    made.set_codecs(SetCodecs(("PCMA", "PCMU")))
    assert made.view().unsaved == ("input", "volume", "codecs", "buffer")
    do(made, SaveSettings())
    assert store.saved == [
        {("sound", "input"): None, ("sound", "volume"): -4.0, ("call", "codecs"): ["PCMA", "PCMU"],
         ("call", "buffer"): "40-200"}
    ]  # fmt: skip
    assert made.view().unsaved == ()
    made.set_codecs(SetCodecs(codecs.names()))
    do(made, SetVolume(4))
    do(made, SaveSettings())
    assert store.saved[1] == {("sound", "volume"): 0.0, ("call", "codecs"): None}
    with pytest.raises(CommandError, match="nothing was changed"):
        do(made, SaveSettings())


def test_a_volume_is_saved_as_people_write_it() -> None:
    store = Store()
    made, _ = settings(store, volume_db=-2.3)
    do(made, SetVolume(2))
    do(made, SaveSettings())
    assert store.saved == [{("sound", "volume"): -0.3}]


def test_what_is_changed_back_need_not_be_saved() -> None:
    made, _ = settings(Store())
    do(made, SetVolume(2))
    do(made, SetVolume(-2))
    do(made, Mute(True))
    assert made.view().unsaved == ()


@pytest.mark.parametrize("trouble", [OSError("~/config.toml: the disk is full"), ConfigError("only you can change it")])
def test_what_cannot_be_saved_is_told_and_stays_unsaved(trouble: Exception) -> None:
    made, _ = settings(Store(trouble))
    do(made, SetVolume(2))
    with pytest.raises(CommandError, match=r"full|only you"):
        do(made, SaveSettings())
    assert made.view().unsaved == ("volume",)


def test_where_no_file_is_used_nothing_is_saved() -> None:
    made, _ = settings(None)
    do(made, SetVolume(2))
    with pytest.raises(CommandError, match="no configuration file"):
        do(made, SaveSettings())
    assert made.view().path is None
