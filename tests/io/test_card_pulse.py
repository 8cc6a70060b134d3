"""Our sound on a real PortAudio: a PulseAudio of our own, whose null sink is loudspeaker and microphone."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import time
from typing import NoReturn

import numpy as np
import pytest

from engine.io.loop import Loop
from engine.io.sound import SoundError, open_sound

RATE, FRAME = 8000, 160
HZ = 500
ALSA = """
pcm.!default { type pulse }
ctl.!default { type pulse }
pcm.bell { type pulse device bell hint { show on description "bell" } }
pcm.beside_bell { type pulse device bell.monitor hint { show on description "beside the bell" } }
"""


def cannot(why: str) -> NoReturn:
    """A sound server that is missing may be skipped at home, never in CI."""
    if os.environ.get("CI"):
        pytest.fail(why)
    pytest.skip(why)


@pytest.fixture
def pulse(tmp_path, monkeypatch):
    """A sound server of our own; gives its process."""
    if shutil.which("pulseaudio") is None:
        cannot("apt-get install pulseaudio libasound2-plugins")
    if importlib.util.find_spec("pyaudio") is None:
        cannot("PyAudio is not installed")
    socket = tmp_path / "native"
    (tmp_path / ".asoundrc").write_text(ALSA)
    command = ["pulseaudio", "-n", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no", "--disable-shm=yes"]
    command += ["-L", f"module-native-protocol-unix socket={socket} auth-anonymous=1"]
    for name in ("card", "bell"):
        command += ["-L", f"module-null-sink sink_name={name} rate=48000 channels=1 format=s16le"]
    environment = dict(os.environ, HOME=str(tmp_path), XDG_RUNTIME_DIR=str(tmp_path))
    server = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 5
    while not socket.exists() and time.monotonic() < deadline and server.poll() is None:
        time.sleep(0.02)
    if not socket.exists():
        server.kill()
        server.wait(5)
        cannot("pulseaudio does not start here")
    for name, value in (("SERVER", f"unix:{socket}"), ("SINK", "card"), ("SOURCE", "card.monitor")):
        monkeypatch.setenv(f"PULSE_{name}", value)
    monkeypatch.setenv("HOME", str(tmp_path))
    yield server
    server.kill()
    server.wait(5)


def test_a_tone_is_heard_and_the_death_of_the_sound_server_is_not_felt(pulse):
    loop, made = Loop(), open_sound(None)
    made.attach(loop)
    microphone = made.microphone(RATE)
    heard: list[np.ndarray] = []
    longest_s, played = 0.0, 0
    start = tick = time.monotonic()
    killed_at: float | None = None
    while (now := time.monotonic()) - start < 8:
        loop.turn(min(tick, made.deadline()) - now)
        made.handle_timer(loop.now)
        if loop.now >= tick:
            tick += 0.02
            tone = 8000 * np.sin(2 * np.pi * HZ * (played + np.arange(FRAME)) / RATE)
            made.play(tone.astype(np.int16), RATE)
            played += FRAME
            heard.append(microphone.read(FRAME))
        longest_s = max(longest_s, time.monotonic() - loop.now)
        if killed_at is None and is_tone(heard[-50:]):
            assert made.view().ok
            assert made.view().note.endswith("8000 Hz")
            killed_at = loop.now
            pulse.kill()
        if killed_at is not None and loop.now > killed_at + 1 and not made.view().ok:
            break
    view = made.view()
    made.close()
    loop.close()
    assert killed_at is not None, f"the tone never came back: {view}"
    assert not view.ok, "the loss was not noticed"
    assert "silence" in view.note
    assert not heard[-1].any()
    assert longest_s < 1.0


def test_a_device_is_found_by_its_name_or_its_absence_is_said(pulse):
    loop = Loop()
    named = open_sound("device", input_name="DEFAULT", output_name="defaul")
    named.attach(loop)
    assert named.view().ok
    named.close()
    missing = open_sound(None, output_name="no such card")
    with pytest.raises(SoundError, match=r"^no output has 'no such card' in its name; there is .*\bdefault\b"):
        missing.attach(loop)
    loop.close()


def test_the_ring_has_a_loudspeaker_of_its_own(pulse):
    """The microphone stands beside the bell: it hears the ring and nothing of what is in the ear."""
    loop = Loop()
    made = open_sound("device", ring_output="bell", input_name="beside_bell")
    made.attach(loop)
    microphone = made.microphone(RATE)
    heard: list[np.ndarray] = []
    played = 0
    start = tick = time.monotonic()
    while time.monotonic() - start < 8 and not is_tone(heard[-50:]):
        loop.turn(min(tick, made.deadline()) - time.monotonic())
        made.handle_timer(loop.now)
        if loop.now >= tick:
            tick += 0.02
            at = played + np.arange(FRAME)
            made.tone((8000 * np.sin(2 * np.pi * HZ * at / RATE)).astype(np.int16), RATE, ring=True)
            made.play((8000 * np.sin(2 * np.pi * 3 * HZ * at / RATE)).astype(np.int16), RATE)
            played += FRAME
            heard.append(microphone.read(FRAME))
    view, log = made.view(), made.log_lines()
    made.tone_off()
    made.close()
    loop.close()
    assert is_tone(heard[-50:]), f"{view} {log}"


def is_tone(frames: list[np.ndarray]) -> bool:
    """A second in which hardly anything but the tone is heard."""
    pcm = np.concatenate(frames).astype(float) if frames else np.zeros(0)
    if len(pcm) < RATE:
        return False
    power = np.abs(np.fft.rfft(pcm * np.hanning(len(pcm)))) ** 2
    return bool(power[HZ - 5 : HZ + 6].sum() > 0.9 * power.sum() and np.abs(pcm).max() > 4000)
