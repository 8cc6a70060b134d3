"""FLAC, Ogg/Opus and MP3: read as a microphone; recordings valid whatever happens, judged by other programs too."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from engine.install import pip_line
from engine.io import audio_files, wav
from engine.io.audio_files import check_format, open_reader, open_recording, recorded_as
from engine.io.wav import WavError

ROOT = Path(__file__).parents[2]
CI = bool(os.environ.get("CI"))
ENDINGS = ("flac", "opus", "ogg", "mp3")

pytestmark = pytest.mark.skipif(
    not CI and importlib.util.find_spec("soundfile") is None, reason="pip install soundfile"
)


def tone(rate_hz: int, seconds: float, hz: float = 440.0) -> np.ndarray:
    return np.rint(8000 * np.sin(2 * np.pi * hz * np.arange(int(seconds * rate_hz)) / rate_hz)).astype(np.int16)


def record(path: str, pcm: np.ndarray, rate_hz: int, channels: int = 1, close: bool = True):
    writer = open_recording(path, rate_hz, channels)
    size = writer.rate_hz // 50 * channels
    for at in range(0, len(pcm), size):
        writer.write(pcm[at : at + size])
    if close:
        writer.close()
    return writer


def decoded(path: str) -> tuple[np.ndarray, int]:
    """What FFmpeg (PyAV), which shares no code with libsndfile, makes of it: the first channel, and its rate."""
    if not CI and importlib.util.find_spec("av") is None:
        pytest.skip("pip install av")
    import av

    with av.open(path) as container:
        convert = av.AudioResampler(format="s16p")
        frames = [made for frame in container.decode(audio=0) for made in convert.resample(frame)]
    return np.concatenate([frame.to_ndarray()[0] for frame in frames]), frames[0].sample_rate


def is_tone(pcm: np.ndarray, rate_hz: int, hz: float = 440.0) -> bool:
    middle = pcm[len(pcm) // 4 : -len(pcm) // 4].astype(float)
    power = np.abs(np.fft.rfft(middle * np.hanning(len(middle)))) ** 2
    at = round(hz * len(middle) / rate_hz)
    return bool(power[at - 4 : at + 5].sum() > 0.95 * power.sum()) and 6500 < np.abs(middle).max() < 9500


# ---------------------------------------------------------------------- whole files


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100, 48000])
def test_a_recording_is_what_was_said_to_others_and_to_ourselves(tmp_path, ending, channels, rate_hz):
    path = str(tmp_path / f"a.{ending}")
    file_rate_hz = open_recording(path, rate_hz, channels).rate_hz
    assert file_rate_hz == (48000 if rate_hz == 44100 and ending in ("opus", "ogg") else rate_hz)
    said = tone(file_rate_hz, 2.0)
    record(path, np.repeat(said, channels), rate_hz, channels)
    ours = open_reader(path, file_rate_hz).read(2 * file_rate_hz), file_rate_hz
    for pcm, decoded_hz in (decoded(path), ours):
        assert len(pcm) / decoded_hz == pytest.approx(2.0, abs=0.1)
        assert is_tone(pcm, decoded_hz)
    if ending == "flac":
        assert (open_reader(path, file_rate_hz).read(len(said)) == said).all()


@pytest.mark.parametrize("ending", ENDINGS)
def test_left_and_right_stay_apart(tmp_path, ending):
    import soundfile

    path = str(tmp_path / f"a.{ending}")
    sides = np.column_stack((tone(16000, 2.0), np.zeros(32000, np.int16)))
    record(path, sides.reshape(-1), 16000, 2)
    got, _ = soundfile.read(path)
    assert np.abs(got[:, 1]).max() < 0.02 < 0.2 < np.abs(got[:, 0]).max()


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("frames", [0, 1, 3])
def test_a_very_short_call_leaves_a_whole_file(tmp_path, ending, frames):
    import soundfile

    path = str(tmp_path / f"a.{ending}")
    record(path, tone(8000, 0.02 * frames), 8000)
    assert soundfile.info(path).frames >= 160 * frames


# ---------------------------------------------------------------------- kill and full disk


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("rate_hz", [8000, 48000])
def test_what_is_on_the_disk_is_valid_after_every_single_frame(tmp_path, ending, rate_hz):
    """The file as it is after each frame, read by libsndfile, which is the stricter one: nearly all is there."""
    import soundfile

    path = str(tmp_path / f"a.{ending}")
    writer = open_recording(path, rate_hz, 2)
    said = np.repeat(tone(rate_hz, 1.6), 2)
    lag_s = {"flac": 4096 / rate_hz, "mp3": 0.6}.get(ending, 0.45) + 0.05
    for number, at in enumerate(range(0, len(said), rate_hz // 25), 1):
        writer.write(said[at : at + rate_hz // 25])
        if not os.path.getsize(path):
            assert number * 0.02 <= lag_s + 0.05
            continue
        pcm, _ = soundfile.read(path)
        assert 0 <= number * 0.02 - len(pcm) / rate_hz <= lag_s
    assert is_tone(*decoded(path))
    writer.close()


CHECKERS = {"flac": ["flac", "-t", "-s"], "opus": ["opusdec", "--quiet"], "mp3": ["mpg123", "-q", "-t"]}

ENDLESS = """
import sys
import numpy as np
from engine.io.audio_files import open_recording
writer = open_recording(sys.argv[1], 16000, 2)
print("ready", flush=True)
said = np.repeat(np.rint(8000 * np.sin(2 * np.pi * 450 * np.arange(320) / 16000)).astype(np.int16), 2)
for number in range(3000):
    writer.write(said)
    if number == 200:
        print("go", flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize("ending", ["flac", "opus", "mp3"])
def test_a_kill_leaves_a_file_that_its_own_programs_accept(tmp_path, ending):
    path = str(tmp_path / f"a.{ending}")
    child = subprocess.Popen([sys.executable, "-c", ENDLESS, path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "ready\n"
    assert child.stdout.readline() == "go\n"
    time.sleep(0.01)
    child.send_signal(signal.SIGKILL)
    child.stdout.close()
    child.wait(10)
    pcm, rate_hz = decoded(path)
    assert len(pcm) > 3 * rate_hz and is_tone(pcm, rate_hz, 450)
    program = CHECKERS[ending]
    if shutil.which(program[0]):
        done = subprocess.run(
            [*program, path, *(["/dev/null"] if ending == "opus" else [])], capture_output=True, timeout=30
        )
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_full_disk_stops_the_recording_at_the_end_of_a_piece_and_says_so_once(tmp_path, monkeypatch, ending):
    import soundfile

    path = str(tmp_path / f"a.{ending}")
    writer = open_recording(path, 8000, 1)
    said = tone(8000, 4.0)
    real, room = wav.write_at, [4001]

    def full(descriptor: int, data: bytes, position: int) -> int:
        if position < os.fstat(descriptor).st_size:
            return real(descriptor, data, position)
        if not room[0]:
            raise OSError(28, "No space left on device")
        taken = real(descriptor, data[: room[0]], position)
        room[0] -= taken
        return taken

    monkeypatch.setattr(wav, "write_at", full)
    for at in range(0, len(said), 160):
        writer.write(said[at : at + 160])
    assert writer.failed == f"{path}: No space left on device"
    size = os.path.getsize(path)
    assert 0 < size <= 4001
    writer.close()
    assert os.path.getsize(path) == size and writer.failed == f"{path}: No space left on device"
    pcm, _ = soundfile.read(path)
    assert len(pcm) > 1000
    assert is_tone(*decoded(path))


# ---------------------------------------------------------------------- reading


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_is_an_endless_microphone_at_any_rate_and_by_any_name(tmp_path, ending):
    path = str(tmp_path / f"a.{ending}")
    record(path, tone(16000, 1.0), 16000)
    named_otherwise = str(tmp_path / "microphone.wav")
    os.rename(path, named_otherwise)
    for rate_hz in (8000, 44100, 48000):
        reader = open_reader(named_otherwise, rate_hz)
        pcm = np.concatenate([reader.read(rate_hz // 50) for _ in range(170)])
        assert len(pcm) == 170 * (rate_hz // 50)
        one = pcm[: int(0.9 * rate_hz)]
        assert is_tone(one, rate_hz)
        assert np.abs(pcm[-rate_hz:]).max() > 6000, "it plays on after its end"
        reader.close()


def test_a_damaged_file_is_played_as_far_as_it_can_be_and_writes_nothing_on_the_screen(tmp_path, capfd):
    path = tmp_path / "a.mp3"
    record(str(path), tone(16000, 3.0), 16000)
    data, random = bytearray(path.read_bytes()), np.random.default_rng(0)
    for at in random.integers(1000, len(data), 200):
        data[at] = random.integers(256)
    path.write_bytes(data)
    reader = open_reader(str(path), 8000)
    for _ in range(400):
        assert len(reader.read(160)) == 160
    os.write(2, b"still there")
    assert capfd.readouterr().err == "still there"


def test_channels_are_averaged_and_nonsense_is_bounded(tmp_path):
    import soundfile

    path = str(tmp_path / "a.aiff")
    soundfile.write(path, np.array([[0.5, 0.1], [-0.5, -0.1]]), 8000)
    assert open_reader(path).read(2).tolist() == pytest.approx([9830, -9830], abs=2)
    loud = str(tmp_path / "b.caf")
    soundfile.write(loud, np.array([3.0, -3.0, np.nan, np.inf]), 8000, subtype="FLOAT")
    assert open_reader(loud).read(4).tolist() == [32767, -32768, 0, 32767]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_is_cut_in_mid_call_is_silence_and_a_line_or_its_beginning_again(tmp_path, ending):
    path, told = str(tmp_path / f"a.{ending}"), []
    record(path, np.concatenate([tone(16000, 2.0)] * 4), 16000)
    reader = open_reader(path, 8000, told.append)
    reader.read(160)
    os.truncate(path, 0)
    for _ in range(1000):
        assert len(reader.read(160)) == 160
    assert not reader.read(160).any() and len(told) == 1 and path in told[0] and "\n" not in told[0]


@pytest.mark.parametrize("data", [b"fLaC", b"OggS" * 10, b"ID3" + bytes(100), b"\xff\xfb" + bytes(50), b"", b"hello"])
def test_what_is_no_sound_is_one_line(tmp_path, data):
    path = tmp_path / "a.flac"
    path.write_bytes(data)
    with pytest.raises(WavError) as caught:
        open_reader(str(path))
    assert str(caught.value).startswith(f"{path}: not a ") and "\n" not in str(caught.value)


def test_no_descriptor_is_left_open(tmp_path):
    path = str(tmp_path / "a.flac")
    record(path, tone(8000, 1.0), 8000)
    before = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
    for _ in range(5):
        open_reader(path, 8000).close()
        record(str(tmp_path / "b.opus"), tone(8000, 0.1), 8000)
        with pytest.raises(WavError):
            open_reader(str(ROOT / "README.md"))
    del _
    after = os.listdir("/proc/self/fd") if before else []
    assert len(after) == len(before)


# ---------------------------------------------------------------------- without the library


@pytest.fixture
def bare(monkeypatch):
    monkeypatch.setattr(audio_files, "_have_library", lambda: False)


def test_without_the_library_wav_is_as_ever_and_the_rest_is_one_line_that_says_what_to_install(tmp_path, bare):
    record(str(tmp_path / "a.wav"), tone(8000, 0.1), 8000)
    assert is_tone(open_reader(str(tmp_path / "a.wav")).read(800), 8000)
    check_format("a.wav")
    for name, kind in (("a.flac", "FLAC"), ("a.ogg", "Opus"), ("a.opus", "Opus"), ("a.MP3", "MP3")):
        with pytest.raises(WavError) as caught:
            check_format(name)
        line = f"{name}: recording {kind} needs soundfile, which is not installed: {pip_line('soundfile')}"
        assert str(caught.value) == line
    path = tmp_path / "music"
    path.write_bytes(b"ID3" + bytes(100))
    with pytest.raises(
        WavError, match=r"reading MP3 needs soundfile, which is not installed: .*-m pip install soundfile"
    ):
        open_reader(str(path))


def test_the_ending_decides_and_others_are_refused():
    assert [recorded_as(name) for name in ("a", "a.wav", "A.WAV", "a.oga")] == ["WAV", "WAV", "WAV", "Opus"]
    with pytest.raises(WavError, match=r"^a\.m4a: a recording can be \.wav, \.flac, \.ogg, \.opus or \.mp3$"):
        recorded_as("a.m4a")


def test_an_old_library_is_said(monkeypatch):
    import soundfile

    monkeypatch.setattr(soundfile, "available_subtypes", lambda major: {})
    with pytest.raises(WavError, match=r"cannot write MP3: record \.wav or \.flac"):
        check_format("a.mp3")


@pytest.mark.parametrize("option", ["--record", "--record-stereo", "--audio-file"])
def test_the_program_says_it_before_anything_starts_and_ends_with_exit_code_2(tmp_path, option):
    (tmp_path / "soundfile.py").write_text("raise OSError('sndfile library not found')\n")
    path = tmp_path / "a.mp3"
    if option == "--audio-file":
        path.write_bytes(b"ID3" + bytes(100))
    command = [sys.executable, "tui.py", "--headless", "--local-ip", "127.0.0.1", option, str(path)]
    command += ["--local-sip-port", "0", "--local-rtp-port", "0", "--audio", "null"]
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(tmp_path)}, timeout=30,
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "pip install soundfile" in done.stderr
    assert done.stdout == "" and (option == "--audio-file") == path.exists()
