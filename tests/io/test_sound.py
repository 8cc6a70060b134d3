from __future__ import annotations

import os
import shutil
import subprocess
import sys
import wave
from pathlib import Path

import numpy as np
import pytest

from engine.install import pip_line, pyaudio_line
from engine.io import card_link, sound
from engine.io.card import misfit
from engine.io.card_link import CardLink
from engine.io.loop import Loop
from engine.io.sound import Silence, SoundError, open_sound
from engine.io.wav import WavError


@pytest.fixture
def tone(tmp_path) -> str:
    path = str(tmp_path / "tone.wav")
    with wave.open(path, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16000)
        file.writeframes(np.full(16000, 1000, "<i2").tobytes())
    return path


@pytest.fixture
def loop():
    made = Loop()
    yield made
    made.close()


def test_null_is_silence_of_the_right_length(loop):
    made = open_sound("null")
    made.attach(loop)
    microphone = made.microphone(8000)
    for count in (0, 1, 160, 4800):
        pcm = microphone.read(count)
        assert len(pcm) == count and pcm.dtype == np.int16 and not pcm.any()
    made.play(np.ones(160, np.int16), 8000)
    assert made.deadline() == float("inf")
    assert made.view().kind == "null"
    assert made.view().ok
    assert made.log_lines() == []
    made.close()


def test_a_file_is_a_microphone_at_the_calls_rate(loop, tone):
    made = open_sound("null", audio_file=tone)
    made.attach(loop)
    for rate in (8000, 16000, 48000):
        microphone = made.microphone(rate)
        pcm = np.concatenate([microphone.read(rate // 50) for _ in range(60)])
        assert len(pcm) == 60 * (rate // 50)
        assert (np.abs(pcm[rate // 20 :].astype(int) - 1000) <= 5).all()
    view = made.view()
    assert (view.kind, view.note) == ("file", "tone.wav; no loudspeaker")


def test_every_call_has_the_file_from_its_beginning(tone):
    made = open_sound("file", audio_file=tone)
    first, second = made.microphone(16000), made.microphone(16000)
    first.read(7777)
    assert (second.read(160) == 1000).all()


def test_a_file_that_is_no_wav_is_said_at_once(tmp_path):
    path = tmp_path / "a.wav"
    path.write_text("hello")
    with pytest.raises(WavError, match=f"{path}: not a WAV file"):
        open_sound("null", audio_file=str(path))


def test_a_file_that_vanishes_before_the_call_is_silence_and_a_line(tone):
    made = open_sound("null", audio_file=tone)
    os.remove(tone)
    assert isinstance(made.microphone(8000), Silence)
    [(level, text)] = made.log_lines()
    assert level == "error"
    assert tone in text
    assert made.log_lines() == []


def test_a_file_that_is_cut_in_mid_call_is_silence_and_a_line(tone):
    made = open_sound("null", audio_file=tone)
    microphone = made.microphone(8000)
    microphone.read(160)
    os.truncate(tone, 0)
    for _ in range(200):
        assert len(microphone.read(160)) == 160
    assert [level for level, _ in made.log_lines()] == ["error"]
    assert made.log_lines() == []


def test_file_without_a_file_is_wrong_usage():
    with pytest.raises(SoundError, match="--audio-file"):
        open_sound("file")


@pytest.mark.parametrize("wish", [{"kind": "device"}, {"kind": None, "output_name": "usb"}])
def test_without_pyaudio_a_card_that_was_asked_for_is_one_line_that_says_what_to_do(wish):
    with pytest.raises(SoundError) as caught:
        open_sound(**wish, have_pyaudio=lambda: False)
    assert str(caught.value).endswith(pyaudio_line())
    assert "\n" not in str(caught.value)


def test_without_pyaudio_and_without_a_wish_it_is_silence_with_a_note(loop):
    made = open_sound(None, have_pyaudio=lambda: False)
    made.attach(loop)
    assert made.view().kind == "null"
    assert made.view().note == f"no sound card: PyAudio is not installed ({pyaudio_line()})"
    assert made.log_lines() == [("info", made.view().note)]
    assert not made.microphone(8000).read(160).any()


class StubCard(CardLink):
    """A card whose helper is never started."""

    def start(self, now: float) -> None:
        self.started_at = now


@pytest.fixture
def with_card(monkeypatch, loop):
    monkeypatch.setattr(card_link, "CardLink", StubCard)

    def make(kind, **more):
        made = open_sound(kind, have_pyaudio=lambda: True, **more)
        made.attach(loop)
        return made, made._card

    return make


def test_opening_does_not_wait_for_the_card(with_card):
    made, _ = with_card(None)
    assert made.view().kind == "device"
    assert made.view().note == "sound card: looking"
    assert len(made.microphone(8000).read(160)) == 160
    made.play(np.zeros(160, np.int16), 8000)


def test_no_card_is_null_unless_it_was_asked_for(with_card):
    for kind, seen, ok in ((None, "null", True), ("device", "device", False)):
        made, card = with_card(kind)
        card.state = card.state.IDLE
        card._looked((None, None), "No Default Output Device Available")
        view = made.view()
        assert (view.kind, view.ok, view.note) == (seen, ok, "no sound card: silence")
        assert made.log_lines() == [("info", "no sound card (No Default Output Device Available)")]


HERE = Path(__file__).parent


@pytest.fixture
def with_paper(monkeypatch, loop, tmp_path):
    """A card that is asked for when the program starts, on a PortAudio of paper."""
    shutil.copy(HERE / "fake_pyaudio.py", tmp_path / "pyaudio.py")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    opened = []

    def make(words, kind="device", **more):
        monkeypatch.setenv("FAKE_CARD", words)
        opened.append(open_sound(kind, have_pyaudio=lambda: True, **more))
        opened[-1].attach(loop)
        return opened[-1]

    yield make
    for made in opened:
        made.close()


@pytest.mark.parametrize(
    ("words", "wish", "line"),
    [
        ("", {"output_name": "headset"}, "no output has 'headset' in its name; there is Paper Speaker"),
        ("", {"input_name": "x", "kind": None}, "no input has 'x' in its name; there is Paper Microphone"),
        ("", {"ring_output": "bell", "kind": None}, "no output has 'bell' in its name; there is Paper Speaker"),
        ("none", {"input_name": "mic"}, "no input has 'mic' in its name; there is none at all"),
        ("none", {}, "--audio device: there is no sound card"),
        ("unloadable", {}, "no sound (Could not import the PyAudio C module)"),
    ],
)
def test_a_card_that_was_asked_for_and_is_not_there_is_one_line(with_paper, loop, words, wish, line):
    with pytest.raises(SoundError) as caught:
        with_paper(words, **wish)
    assert str(caught.value) == line
    assert set(loop._readers) == {loop.wakeup.fileno()}, "the helper was left behind"


def test_a_card_that_was_asked_for_by_part_of_its_name_is_there(with_paper):
    assert with_paper("", output_name="SPEAK", input_name="paper").view().ok


def test_a_card_that_nobody_asked_for_may_be_missing(with_paper):
    made = with_paper("none", kind=None)
    assert made.view().note == "sound card: looking"


def test_a_helper_that_takes_too_long_to_look_does_not_hold_up_the_start(with_paper, monkeypatch):
    monkeypatch.setattr(sound, "LOOK_S", 0.05)
    assert with_paper("slow", output_name="headset").view().note == "sound card: looking"


def test_the_program_ends_with_one_line_and_exit_code_2(tmp_path):
    shutil.copy(HERE / "fake_pyaudio.py", tmp_path / "pyaudio.py")
    command = [sys.executable, "tui.py", "--headless", "--local-ip", "127.0.0.1", "--output", "headset"]
    command += ["--local-sip-port", "0", "--local-rtp-port", "0"]
    done = subprocess.run(
        command, cwd=HERE.parents[1], env={**os.environ, "PYTHONPATH": str(tmp_path)}, timeout=30,
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == "ringtop: no output has 'headset' in its name; there is Paper Speaker\n"
    assert done.stdout == ""


def test_many_names_and_odd_ones_are_one_safe_line():
    line = misfit("usb", "output", ["evil\x1b[2J\n\u202e", *(f"card {number}" for number in range(40))])
    assert line.startswith("no output has 'usb' in its name; there is evil?[2J??, card 0, ")
    assert line.endswith(", card 10, and 29 more")


def test_a_lost_card_is_not_ok(with_card):
    made, card = with_card(None)
    card.found = True
    card._give_up("the sound card hangs", 1.0)
    assert not made.view().ok
    assert made.view().note == "the sound card hangs: silence"
    assert made.deadline() == 2.0


def test_a_file_with_a_card_does_not_open_the_microphone(with_card, tone):
    made, card = with_card(None, audio_file=tone)
    assert card._wish["capture"] is False
    assert made.view().kind == "file"
    assert made.view().note == "tone.wav; sound card: looking"
    card.counts.underruns = 2
    assert (made.view().underruns, open_sound("null", audio_file=tone).view().underruns) == (2, None)


def test_a_ring_without_a_loudspeaker_of_its_own_goes_where_calls_are_heard(with_card, monkeypatch):
    made, card = with_card(None)
    played = []
    monkeypatch.setattr(card, "play", lambda pcm, rate_hz, listen=True: played.append((len(pcm), rate_hz, listen)))
    made.tone(np.zeros(320, np.int16), 16000, ring=True)
    made.tone(np.zeros(320, np.int16), 16000, ring=False)
    made.tone_off()
    assert played == [(320, 16000, False)] * 2


def test_without_a_card_a_tone_is_silence(loop):
    made = open_sound("null")
    made.attach(loop)
    made.tone(np.zeros(320, np.int16), 16000, ring=True)
    made.tone_off()
    with pytest.raises(SoundError, match="PyAudio"):
        open_sound(None, ring_output="bell", have_pyaudio=lambda: False)


def test_a_ring_file_that_vanishes_is_left_out_with_a_line(tone):
    made = open_sound("null")
    os.remove(tone)
    assert made.tone_file(tone, 8000) is None
    (level, line), *_ = made.log_lines()
    assert level == "error" and line.startswith("our own tone instead of the file: ")


def test_a_ring_file_that_fails_in_the_middle_says_what_is_heard_instead(tone):
    made = open_sound("null")
    reader = made.tone_file(tone, 8000)
    reader._file.close()
    for _ in range(100):
        reader.read(8000)
    (level, line), *_ = made.log_lines()
    assert reader.failed and level == "error" and line.startswith("our own tone instead of the file: ")


def test_where_the_loudspeaker_that_rings_is_lost_it_rings_where_calls_are_heard(with_card, monkeypatch):
    made, card = with_card(None, ring_output="bell")
    bell, played = made._ring_card, []
    for name, each in (("card", card), ("bell", bell)):
        monkeypatch.setattr(each, "play", lambda pcm, rate_hz, listen=True, name=name: played.append((name, listen)))
    pcm = np.zeros(320, np.int16)
    made.tone(pcm, 16000, ring=True)
    bell._give_up("the sound card is gone", 1.0)
    made.tone(pcm, 16000, ring=True)
    assert played == [("bell", False), ("bell", False), ("card", False)]


def test_without_capture_no_microphone_is_opened_and_nothing_is_done_to_it(with_card):
    made, card = with_card(None, capture=False)
    assert isinstance(made.microphone(8000), Silence) and not card._microphones
    made.play(np.zeros(160, np.int16), 8000)
    assert card._wish["capture"] is False
    assert made.view().voice == () and made.set_voice(("echo",)) is None


def test_nothing_is_said_to_be_done_to_a_card_that_is_not_there(with_card):
    made, card = with_card(None, voice=("echo",))
    assert made.view().voice == ("echo",)
    card.state = card.state.IDLE
    card._looked((None, None), "")
    assert made.view().voice == () and made.set_voice(("duck",)) is None


# ---------------------------------------------------------------------- what is done to the microphone


@pytest.fixture
def installed(monkeypatch):
    """The library of noise and gain is there, or not."""

    def make(there: bool) -> None:
        monkeypatch.setattr(sound, "library_is_there", lambda: there)

    make(True)
    return make


def test_everything_is_done_that_can_be(installed):
    assert sound.voice_steps(None) == (frozenset({"echo", "noise", "gain"}), "")
    assert sound.voice_steps(()) == (frozenset(), "")
    installed(False)
    steps, line = sound.voice_steps(None)
    assert steps == {"echo"} and line.endswith(pip_line("aec-audio-processing"))
    assert sound.voice_steps(("duck",)) == (frozenset({"duck"}), "")


def test_a_library_that_is_missing_is_an_error_only_where_it_was_asked_for(installed, loop):
    installed(False)
    made = open_sound(None, have_pyaudio=lambda: True, card_command=[sys.executable, "-c", ""])
    line = f"no noise suppression and no automatic gain: {pip_line('aec-audio-processing')}"
    assert made.log_lines() == [("info", line)]
    with pytest.raises(SoundError, match=r"noise of --voice need aec-audio-processing.*pip install"):
        open_sound(None, have_pyaudio=lambda: True, voice=("echo", "noise"))


def test_a_file_is_sent_as_it_is(installed, loop, tone):
    installed(False)
    made = open_sound(None, audio_file=tone, have_pyaudio=lambda: True, card_command=[sys.executable, "-c", ""])
    made.attach(loop)
    assert made.log_lines() == [] and made.view().voice == ()
    assert made.set_voice(None) is None and made.set_voice(("echo",)) is None
    made.close()
    assert open_sound("null").set_voice(None) is None


def test_a_key_goes_round(installed, loop):
    made = open_sound(None, have_pyaudio=lambda: True, card_command=[sys.executable, "-c", ""])
    made.attach(loop)
    seen = [made.view().voice, *(made.set_voice(None) for _ in range(3))]
    assert seen == [("echo", "noise", "gain"), ("noise", "gain", "duck"), (), ("echo", "noise", "gain")]
    assert made.set_voice(("gain",)) == ("gain",) == made.view().voice
    assert made.set_voice(None) == ("echo", "noise", "gain")
    made.close()


# ---------------------------------------------------------------------- another device


def test_another_device_of_the_card(with_card):
    made, card = with_card(None)
    card.devices = {"input": ("Mike", "Headset Mono"), "output": ("Speaker",)}
    made.set_device("input", "headset")
    assert card.chosen == ("headset", None)
    seen = made.view().devices
    assert (seen.inputs, seen.outputs, seen.chosen) == (("Mike", "Headset Mono"), ("Speaker",), ("headset", None))
    made.set_device("input", None)
    assert made.view().devices.chosen == (None, None)
    with pytest.raises(SoundError, match="no output has 'headset' in its name any more"):
        made.set_device("output", "headset")


def test_where_no_card_is_used_there_is_none_to_choose(tone, with_card):
    made = open_sound("null")
    assert made.view().devices is None
    made.find_devices()
    with pytest.raises(SoundError, match="no sound card is used here"):
        made.set_device("output", None)
    made, _ = with_card(None, audio_file=tone)
    assert not made.view().devices.captures
    with pytest.raises(SoundError, match="no card is the microphone"):
        made.set_device("input", None)
