from __future__ import annotations

import os
import signal
import struct
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.io import wav
from engine.io.wav import WavError, WavReader, WavWriter

ROOT = Path(__file__).parents[2]


def chunk(name: bytes, data: bytes, size: int | None = None) -> bytes:
    return struct.pack("<4sI", name, len(data) if size is None else size) + data + b"\0" * (len(data) & 1)


def form(code: int, channels: int, rate: int, bits: int, extra: bytes = b"") -> bytes:
    frame = channels * bits // 8
    return chunk(b"fmt ", struct.pack("<HHIIHH", code, channels, rate, rate * frame, frame, bits) + extra)


def riff(*chunks: bytes, size: int | None = None) -> bytes:
    body = b"WAVE" + b"".join(chunks)
    return struct.pack("<4sI", b"RIFF", len(body) if size is None else size) + body


@pytest.fixture
def saved(tmp_path):
    def save(data: bytes) -> str:
        path = tmp_path / "a.wav"
        path.write_bytes(data)
        return str(path)

    return save


WANTED = np.array([0, 1000, -1000, 32767, -32768, 256, -256, 12800], np.int16)


def encoded(code: int, bits: int) -> bytes:
    if code == wav.FLOAT:
        return (WANTED / 32768).astype(f"<f{bits // 8}").tobytes()
    if bits == 8:
        return ((WANTED >> 8) + 128).astype(np.uint8).tobytes()
    if bits == 24:
        return b"".join(struct.pack("<i", int(v) << 8)[:3] for v in WANTED)
    return (WANTED.astype(np.int64) << (bits - 16)).astype(f"<i{bits // 8}").tobytes()


@pytest.mark.parametrize(
    ("code", "bits"), [(wav.PCM, 8), (wav.PCM, 16), (wav.PCM, 24), (wav.PCM, 32), (wav.FLOAT, 32), (wav.FLOAT, 64)]
)
@pytest.mark.parametrize("channels", [1, 2, 6])
@pytest.mark.parametrize("extensible", [False, True])
def test_every_width_and_channel_count(saved, code, bits, channels, extensible):
    width = bits // 8
    one = encoded(code, bits)
    data = b"".join(one[at : at + width] * channels for at in range(0, len(one), width))
    guid = struct.pack("<HHIH", 22, bits, 0, code) + b"\x00\x00\x00\x00\x10\x00\x80\x00\x00\xaa\x00\x38\x9b\x71"
    head = form(wav.EXTENSIBLE, channels, 8000, bits, guid) if extensible else form(code, channels, 8000, bits)
    reader = WavReader(saved(riff(head, chunk(b"data", data))))
    got = reader.read(len(WANTED))
    assert got.dtype == np.int16
    assert np.abs(got - WANTED.astype(int)).max() <= (255 if bits == 8 else 1)
    reader.close()


@pytest.mark.parametrize(("code", "codec"), [(wav.MULAW, "PCMU"), (wav.ALAW, "PCMA")])
def test_the_two_laws(saved, code, codec):
    from engine.media.codecs import make

    payload = make(codec, 8000).encode(WANTED)
    reader = WavReader(saved(riff(form(code, 1, 8000, 8), chunk(b"data", payload))))
    assert (reader.read(8) == make(codec, 8000).decode(payload)).all()


def test_channels_are_averaged(saved):
    stereo = np.array([100, 300, -50, 50], "<i2").tobytes()
    reader = WavReader(saved(riff(form(1, 2, 8000, 16), chunk(b"data", stereo))))
    assert reader.read(2).tolist() == [200, 0]


def test_nonsense_floats_are_bounded(saved):
    data = np.array([np.nan, np.inf, -np.inf, 1e30, -5.0], "<f4").tobytes()
    reader = WavReader(saved(riff(form(3, 1, 8000, 32), chunk(b"data", data))))
    assert reader.read(5).tolist() == [0, 32767, -32768, 32767, -32768]


MONO = form(1, 1, 8000, 16)


TITLE = chunk(b"LIST", b"INFOISFT\x06\0\0\0Lavf5\0" + b"x")  # odd: a pad byte follows
DS64 = chunk(b"ds64", struct.pack("<QQQI", 0, 16, 8, 0))


def sound(count: int = 8) -> bytes:
    return np.arange(count, dtype="<i2").tobytes()


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(riff(MONO, chunk(b"LIST", b"odd"), chunk(b"data", sound())), id="odd_list_before"),
        pytest.param(riff(MONO, chunk(b"data", sound()), chunk(b"LIST", b"x")), id="list_after"),
        pytest.param(riff(MONO, chunk(b"data", sound(), 0), size=36), id="writer_that_was_killed"),
        pytest.param(riff(MONO, chunk(b"data", sound(), 2**32 - 1), size=2**32 - 1), id="streamed"),
        pytest.param(riff(MONO, chunk(b"data", sound(), 0x7FFFF000), size=0x7FFFF024), id="streamed_sox"),
        pytest.param(riff(MONO, chunk(b"data", sound(), 5000)), id="truncated"),
        pytest.param(riff(MONO, chunk(b"data", sound() + b"\7", 17)), id="half_a_sample_at_the_end"),
        pytest.param(
            riff(MONO, chunk(b"data", sound(), 2**32 - 1) + TITLE, size=2**32 - 1), id="streamed_title_behind"
        ),
        pytest.param(riff(MONO, chunk(b"data", sound(), 0) + TITLE * 2, size=36), id="killed_titles_behind"),
        pytest.param(riff(MONO, chunk(b"data", sound(), 0x7FFFF000) + TITLE, size=0x7FFFF024), id="sox_title_behind"),
        pytest.param(b"RF64" + riff(DS64, MONO, chunk(b"data", sound(), 2**32 - 1), b"not sound")[4:], id="rf64_ds64"),
        pytest.param(b"BW64" + riff(DS64, MONO, chunk(b"data", sound(), 2**32 - 1), TITLE)[4:], id="bw64"),
        pytest.param(b"RF64" + riff(MONO, chunk(b"data", sound(), 2**32 - 1))[4:], id="rf64"),
    ],
)
def test_headers_that_are_odd_or_wrong(saved, data):
    reader = WavReader(saved(data))
    assert reader.read(8).tolist() == list(range(8))
    assert reader.read(4).tolist() == [0, 1, 2, 3]
    assert reader.failed is None


@pytest.mark.parametrize(
    ("data", "trouble"),
    [
        (b"", "not a WAV file"),
        (b"ID3\x04" + bytes(100), "not a WAV file"),
        (b"RIFF\x04\0\0\0WAVE", "no format in it"),
        (riff(chunk(b"data", sound())), "its sound comes before its format"),
        (riff(MONO), "no sound in it"),
        (riff(MONO, chunk(b"data", b"")), "no sound in it"),
        (riff(MONO, chunk(b"data", b""), chunk(b"LIST", b"abcd")), "no sound in it"),
        (riff(form(85, 1, 8000, 16), chunk(b"data", sound())), "its coding (85) is not PCM"),
        (riff(form(1, 0, 8000, 16), chunk(b"data", sound())), "0 channels"),
        (riff(form(1, 1, 0, 16), chunk(b"data", sound())), "0 Hz"),
        (riff(form(1, 1, 8000, 64), chunk(b"data", sound())), "64 bit"),
        (riff(chunk(b"fmt ", b"\1\0\1\0")), "its format is cut short"),
    ],
)
def test_what_cannot_be_read_says_why_in_one_line(saved, data, trouble):
    path = saved(data)
    with pytest.raises(WavError) as caught:
        WavReader(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert trouble in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_says_so(tmp_path):
    with pytest.raises(WavError, match="No such file"):
        WavReader(str(tmp_path / "none.wav"))
    with pytest.raises(WavError):
        WavReader(str(tmp_path))
    with pytest.raises(WavError):
        WavReader("a\0b")


def test_sound_of_unknown_length_that_looks_like_a_chunk_is_sound(saved):
    data = b"LIST\x40\0\0\0" + bytes(8)  # leads beyond the end
    reader = WavReader(saved(riff(MONO, chunk(b"data", data, 2**32 - 1), size=2**32 - 1)))
    assert reader.seconds == 8 / 8000


def test_names_of_chunks_without_end_cost_little(saved):
    data = b"LIST\0\0\0\0" * 200_000 + b"x"
    start = time.monotonic()
    WavReader(saved(riff(MONO, chunk(b"data", data, 2**32 - 1), size=2**32 - 1)))
    assert time.monotonic() - start < 5


def test_24_bits_in_places_of_32(saved):
    header = chunk(b"fmt ", struct.pack("<HHIIHH", 1, 3, 8000, 8000 * 12, 12, 24))
    frames = np.repeat(WANTED.astype("<i4") << 16, 3)
    assert WavReader(saved(riff(header, chunk(b"data", frames.tobytes())))).read(8).tolist() == WANTED.tolist()


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="named pipes")
def test_a_named_pipe_is_refused_at_once(tmp_path):
    path = str(tmp_path / "pipe.wav")
    os.mkfifo(path)
    start = time.monotonic()
    with pytest.raises(WavError, match="not a file"):
        WavReader(path)
    with pytest.raises(WavError, match="cannot be written"):
        WavWriter(path, 8000)
    assert time.monotonic() - start < 1


def test_the_file_repeats_without_a_seam_at_another_rate(saved):
    """A whole number of periods in the file: the sound goes on across its end as one sine."""
    tone = (10000 * np.sin(2 * np.pi * 500 * np.arange(16000) / 16000)).astype("<i2")
    reader = WavReader(saved(riff(form(1, 1, 16000, 16), chunk(b"data", tone.tobytes()))), 8000)
    heard = np.concatenate([reader.read(160) for _ in range(150)])[800:]
    spectrum = np.abs(np.fft.rfft(heard[:16000] * np.hanning(16000)))
    spectrum[990:1011] = 0  # the tone itself
    assert spectrum.max() < 16000 * 10000 / 4 * 1e-3


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000])
@pytest.mark.parametrize("own", [8000, 11025, 22050, 44100, 48000])
def test_any_rate_is_turned_into_the_calls(saved, own, rate):
    tone = (10000 * np.sin(2 * np.pi * 440 * np.arange(own) / own)).astype("<i2")
    reader = WavReader(saved(riff(form(1, 1, own, 16), chunk(b"data", tone.tobytes()))), rate)
    heard = np.concatenate([reader.read(rate // 50) for _ in range(25)])
    assert len(heard) == rate // 2
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert abs(spectrum.argmax() * 2 - 440) <= 2


def test_one_single_sample_is_a_file_too(saved):
    reader = WavReader(saved(riff(MONO, chunk(b"data", b"\x64\0"))))
    assert (reader.read(4800) == 100).all()


def test_a_file_that_is_cut_while_we_read_it_turns_into_silence(saved):
    path = saved(riff(MONO, chunk(b"data", bytes(np.full(200_000, 99, "<i2")))))
    reader = WavReader(path)
    reader.read(160)
    os.truncate(path, 10)
    for _ in range(200):
        got = reader.read(160)
        assert len(got) == 160
    assert not got.any()
    assert path in (reader.failed or "")


@given(st.binary(max_size=300))
@settings(max_examples=100, deadline=None)
def test_arbitrary_bytes_are_read_or_refused(tmp_path_factory, tail):
    path = tmp_path_factory.getbasetemp() / "any.wav"
    path.write_bytes(tail)
    with pytest.raises(WavError):
        WavReader(str(path))


CHUNK_NAMES = st.sampled_from([b"LIST", b"data", b"fmt "])


@given(
    st.lists(
        st.one_of(
            st.builds(
                chunk, st.sampled_from([b"LIST", b"data", b"fmt "]), st.binary(max_size=60), st.integers(0, 2**32 - 1)
            ),
            st.builds(
                form,
                st.sampled_from([0, 1, 2, 3, 6, 7, 0xFFFE]),
                st.integers(0, 70),
                st.sampled_from([0, 1, 1000, 8000, 44100, 384000, 2**20]),
                st.sampled_from([0, 4, 8, 12, 16, 24, 32, 64]),
            ),
        ),
        max_size=5,
    ),
    st.integers(1, 2000),
)
@settings(max_examples=100, deadline=None)
def test_arbitrary_chunks_give_sound_or_one_line(tmp_path_factory, chunks, count):
    path = tmp_path_factory.getbasetemp() / "chunks.wav"
    path.write_bytes(riff(*chunks))
    try:
        reader = WavReader(str(path))
    except WavError as error:
        assert "\n" not in str(error)
        return
    for _ in range(3):
        pcm = reader.read(count)
        assert len(pcm) == count and pcm.dtype == np.int16
    reader.close()


# ------------------------------------------------------------------ writing


def contents(path) -> np.ndarray:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def test_a_recording_is_valid_after_every_write(tmp_path):
    path = str(tmp_path / "r.wav")
    writer = WavWriter(path, 16000, 2)
    for count in range(5):
        assert len(contents(path)) == count * 4
        writer.write(np.array([1, -1, 2, -2], np.int16))
    with wave.open(path) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 2, 2)
    writer.close()
    writer.close()
    writer.write(np.ones(4, np.int16))
    assert contents(path).tolist() == [1, -1, 2, -2] * 5


def test_what_cannot_be_written_says_so_at_once(tmp_path):
    for path in (tmp_path / "no" / "such" / "folder.wav", tmp_path):
        with pytest.raises(WavError) as caught:
            WavWriter(str(path), 8000)
        assert str(path) in str(caught.value)
        assert "cannot be written" in str(caught.value)
    with pytest.raises(WavError):
        WavWriter("a\0b", 8000)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full")
def test_a_device_is_not_a_recording():
    with pytest.raises(WavError, match="cannot be written"):
        WavWriter("/dev/full", 8000)


def test_a_full_disk_stops_the_recording_with_a_line(tmp_path, monkeypatch):
    path = str(tmp_path / "r.wav")
    writer = WavWriter(path, 8000, 2)
    writer.write(np.arange(320, dtype=np.int16))
    real, room = wav.write_at, [101]  # an odd number: half a frame must not stay

    def full(descriptor: int, data: bytes, position: int) -> int:
        if len(data) == 44:
            return real(descriptor, data, position)
        if not room[0]:
            raise OSError(28, "No space left on device")
        taken = real(descriptor, data[: room[0]], position)
        room[0] -= taken
        return taken

    monkeypatch.setattr(wav, "write_at", full)
    writer.write(np.arange(320, dtype=np.int16))
    assert writer.failed == f"{path}: No space left on device"
    writer.write(np.arange(320, dtype=np.int16))
    writer.close()
    assert contents(path).tolist() == [*range(320), *range(50)]


LIMITED = """
import resource, sys
import numpy as np
from engine.io.wav import WavWriter
writer = WavWriter(sys.argv[1], 8000)
resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))
for _ in range(30):
    writer.write(np.full(160, 7, np.int16))
writer.close()
print(writer.failed)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX limits")
def test_a_file_size_limit_stops_the_recording_with_a_line(tmp_path):
    path = str(tmp_path / "r.wav")
    command = [sys.executable, "-c", LIMITED, path]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout.strip() == f"{path}: File too large"
    assert contents(path).tolist() == [7] * ((5000 - 44) // 2)


def test_four_gigabytes_stop_the_recording_with_a_line(tmp_path):
    path = str(tmp_path / "r.wav")
    writer = WavWriter(path, 8000)
    os.truncate(path, 44 + wav.MAX_DATA_BYTES - 99)  # a sparse file: nothing is written to the disk
    writer._bytes = wav.MAX_DATA_BYTES - 99
    writer.write(np.ones(40, np.int16))
    assert writer.failed is None
    writer.write(np.ones(40, np.int16))
    assert writer.failed == f"{path}: 4 GB is as large as a WAV file can be"
    writer.close()
    with wave.open(path) as file:
        assert file.getnframes() == (wav.MAX_DATA_BYTES - 19) // 2


ENDLESS = """
import sys
import numpy as np
from engine.io.wav import WavWriter
writer = WavWriter(sys.argv[1], 8000)
print("ready", flush=True)
number = 0
while True:
    writer.write(np.full(160, number % 30000, np.int16))
    number += 1
    if number % 64 == 0:
        print(number, flush=True)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_kill_at_any_moment_leaves_a_valid_file_with_all_that_was_written(tmp_path):
    random = np.random.default_rng(7)
    for round_ in range(6):
        path = str(tmp_path / f"{round_}.wav")
        child = subprocess.Popen([sys.executable, "-c", ENDLESS, path], cwd=ROOT, stdout=subprocess.PIPE, text=True)
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(float(random.uniform(0.01, 0.06)))
        child.send_signal(signal.SIGKILL)
        said = [int(line) for line in child.stdout.read().split("\n") if line]
        child.stdout.close()
        child.wait(10)
        frames = contents(path)
        assert len(frames) % 160 == 0
        assert (frames == np.repeat(np.arange(len(frames) // 160) % 30000, 160)).all()
        assert len(frames) // 160 >= (said[-1] if said else 0)
