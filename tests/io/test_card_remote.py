"""Sound of another machine: PulseAudio's network protocol, as it comes through an SSH tunnel.

Two servers on loopback. The one at the desk has the headset (a null sink, whose monitor is the microphone) and takes
who shows its cookie; the program runs beside the other, far away, which has no card. What SSH does between them is
carry the bytes of one TCP port.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from engine.io.loop import Loop
from engine.io.sound import Sound, open_sound
from tests.io.test_card_pulse import FRAME, HZ, RATE, cannot, is_tone


@pytest.fixture
def servers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Servers]:
    """All are ended with the test."""
    if shutil.which("pulseaudio") is None:
        cannot("apt-get install pulseaudio libasound2-plugins")
    started = Servers(tmp_path, monkeypatch)
    yield started
    started.stop(*list(started.running))


class Servers:
    """Starts a PulseAudio with these modules in a home of its own, and gives that."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._folder, self._monkeypatch = folder, monkeypatch
        monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)  # cookies lie in the homes

    def __call__(self, name: str, *modules: str) -> Path:
        monkeypatch, home = self._monkeypatch, self._folder / name
        (home / ".config/pulse").mkdir(parents=True, exist_ok=True)
        monkeypatch.setenv("HOME", str(home))
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(home))
        ready = home / "native"
        own = f"module-native-protocol-unix socket={ready} auth-cookie={home}/.config/pulse/cookie"
        command = ["pulseaudio", "-n", "--exit-idle-time=-1", "--daemonize=no", "--use-pid-file=no"]
        command += ["--disable-shm=yes", *(word for module in (*modules, own) for word in ("-L", module))]
        server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.running[name] = server
        end = time.monotonic() + 10
        while not ready.exists():
            if time.monotonic() > end or server.poll() is not None:
                cannot(f"pulseaudio does not start here: {command}")
            time.sleep(0.02)
        return home

    def stop(self, *names: str) -> None:
        for name in names:
            server = self.running.pop(name)
            server.kill()
            server.wait(5)
            (self._folder / name / "native").unlink(missing_ok=True)


@pytest.fixture
def desk(servers: Servers, tmp_path: Path) -> tuple[Path, int]:
    """The home of the user's own machine, and the port that the tunnel leads to."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    card = "module-null-sink sink_name=headset rate=48000 channels=1 format=s16le"
    cookie = f"{tmp_path}/desk/.config/pulse/cookie"
    home = servers("desk", card, f"module-native-protocol-tcp listen=127.0.0.1 port={port} auth-cookie={cookie}")
    return home, port


def test_the_program_plays_and_hears_at_the_desk(desk, tmp_path, monkeypatch):
    """PULSE_SERVER and the cookie, and no other configuration: what the README says."""
    home, port = desk
    away = tmp_path / "away"
    (away / ".config/pulse").mkdir(parents=True)
    shutil.copy(home / ".config/pulse/cookie", away / ".config/pulse/cookie")
    monkeypatch.setenv("HOME", str(away))
    monkeypatch.setenv("PULSE_SERVER", f"tcp:127.0.0.1:{port}")
    assert comes_back(monkeypatch)


def test_a_server_of_its_own_may_carry_it_to_the_desk(desk, servers, monkeypatch):
    """Instead of PULSE_SERVER: module-tunnel in the PulseAudio that runs beside the program."""
    home, port = desk
    there = f"server=tcp:127.0.0.1:{port} cookie={home}/.config/pulse/cookie"
    away = servers(
        "away",
        f"module-tunnel-sink {there} sink=headset sink_name=desk",
        f"module-tunnel-source {there} source=headset.monitor source_name=mouth",
    )
    monkeypatch.setenv("PULSE_SERVER", f"unix:{away}/native")
    assert comes_back(monkeypatch)


def test_a_sound_server_that_is_started_again_is_found_again(servers, monkeypatch):
    """Unplugged and come back, in mid-call: silence, a line for each, and sound as before."""
    card = "module-null-sink sink_name=headset rate=48000 channels=1 format=s16le"
    home = servers("desk", card)
    monkeypatch.setenv("PULSE_SERVER", f"unix:{home}/native")
    loop, made = Loop(), open_sound(None, voice=())
    made.attach(loop)
    assert is_tone(carry(loop, made, 15.0, lambda heard: is_tone(heard[-50:]))[-50:])
    servers.stop("desk")
    gone = carry(loop, made, 15.0, lambda heard: not made.view().ok)
    assert not made.view().ok and made.view().note.endswith(": silence") and made.view().capture is None
    servers("desk", card)
    back = carry(loop, made, 25.0, lambda heard: is_tone(heard[-50:]))
    assert is_tone(back[-50:]) and made.view().ok and gone
    words = [text for _, text in made.log_lines() if text.startswith("sound: ")]
    assert len(words) == 2, "said when it opened, and when it opened again"
    made.close()
    loop.close()


def test_without_the_cookie_nobody_hears_the_desk(desk, tmp_path, monkeypatch):
    _, port = desk
    away = tmp_path / "stranger"
    (away / ".config/pulse").mkdir(parents=True)
    (away / ".config/pulse/cookie").write_bytes(bytes(256))
    monkeypatch.setenv("HOME", str(away))
    monkeypatch.setenv("PULSE_SERVER", f"tcp:127.0.0.1:{port}")
    loop, made = Loop(), open_sound(None)
    made.attach(loop)
    heard = carry(loop, made, 3.0, lambda heard: made.view().kind == "null")
    assert not np.concatenate(heard).any() and "silence" in made.view().note
    made.close()
    loop.close()


def comes_back(monkeypatch: pytest.MonkeyPatch) -> bool:
    """Does a tone that we play reach our microphone again?"""
    loop, made = Loop(), open_sound(None, voice=())
    made.attach(loop)
    heard = carry(loop, made, 15.0, lambda heard: is_tone(heard[-50:]))
    made.close()
    loop.close()
    return is_tone(heard[-50:])


def carry(loop: Loop, made: Sound, seconds: float, until: Callable[[list[np.ndarray]], bool]) -> list[np.ndarray]:
    """Play a tone and listen, for so long at most; what was heard."""
    microphone, heard, played = made.microphone(RATE), [], 0
    start = tick = time.monotonic()
    while (now := time.monotonic()) - start < seconds and not (heard and until(heard)):
        loop.turn(min(tick, made.deadline()) - now)
        made.handle_timer(loop.now)
        if loop.now >= tick:
            tick += 0.02
            tone = 8000 * np.sin(2 * np.pi * HZ * (played + np.arange(FRAME)) / RATE)
            made.play(tone.astype(np.int16), RATE)
            played += FRAME
            heard.append(microphone.read(FRAME))
    return heard
