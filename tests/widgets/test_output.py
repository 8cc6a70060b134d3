"""Lines out: a reader that stalls, goes away and comes back, and a disk that is full."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from widgets import output
from widgets.jsonlines import left_out
from widgets.output import LineOutput

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="descriptors of POSIX")
Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    yield reader, writer
    for descriptor in (reader, writer):
        try:
            os.close(descriptor)
        except OSError:
            continue


def read_all(lines: LineOutput, reader: int) -> str:
    """Everything that waits, read as it is written."""
    data = b""
    for _ in range(10_000):
        try:
            data += os.read(reader, 1 << 16)
        except BlockingIOError:
            if not lines.pending:
                break
        lines.flush(0.0)
    return data.decode()


def open_descriptors() -> set[str]:
    return set(os.listdir("/dev/fd"))


def test_lines_leave_at_once(pipe: Pipe) -> None:
    lines = LineOutput(pipe[1])
    lines.write("one\n")
    assert os.read(pipe[0], 100) == b"one\n"
    assert not lines.pending
    lines.close()


def test_closing_leaves_no_descriptor_behind_and_the_shells_as_it_was(pipe: Pipe) -> None:
    before = open_descriptors()
    lines = LineOutput(pipe[1])
    lines.write("one\n")
    lines.close()
    lines.write("two\n")
    assert open_descriptors() == before
    assert os.get_blocking(pipe[1])
    assert os.read(pipe[0], 100) == b"one\n"


def test_a_socket_is_made_non_blocking_for_our_time_only() -> None:
    import socket

    ours, theirs = socket.socketpair()
    lines = LineOutput(ours.fileno())
    lines.write("x" * 500_000 + "\n")
    assert lines.pending, "it did not wait"
    lines.close(patience_s=0.01)
    assert ours.getblocking() == os.get_blocking(ours.fileno())
    ours.close()
    theirs.close()


def test_a_descriptor_that_was_closed_meanwhile_is_no_matter() -> None:
    import socket

    ours, theirs = socket.socketpair()
    lines = LineOutput(ours.fileno())
    ours.close()
    theirs.close()
    lines.write("one\n")
    assert lines.gone
    lines.close()


def test_nobody_stands_still_for_a_reader_that_stalls_and_nothing_is_lost_that_fits(pipe: Pipe) -> None:
    lines = LineOutput(pipe[1])
    expected = "".join(f"{number} {'x' * 100}\n" for number in range(5000))
    for line in expected.splitlines(keepends=True):
        lines.write(line)
    assert lines.pending
    assert read_all(lines, pipe[0]) == expected
    assert not lines.pending
    lines.close()


def test_what_does_not_fit_is_left_out_and_said_in_its_place(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "MAX_WAITING", 100_000)
    lines = LineOutput(pipe[1])
    for number in range(20_000):
        lines.write(f"{number} {'x' * 20}\n")
    seen = read_all(lines, pipe[0])
    lines.write("20000 after\n")
    seen += read_all(lines, pipe[0])
    numbers = [int(line.split()[0]) for line in seen.splitlines() if line[0] != "("]
    notes = [(at, line) for at, line in enumerate(seen.splitlines()) if line[0] == "("]
    assert len(notes) == 1
    at, note = notes[0]
    first_missing = numbers[at - 1] + 1
    assert numbers[:at] == list(range(first_missing))
    assert numbers[at:] == [20_000]
    assert note == f"({20_000 - first_missing} lines left out: nobody read them)"
    lines.close()


def test_a_reader_that_stalls_and_comes_back_again_and_again(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every number is either read or counted, and they are in order."""
    monkeypatch.setattr(output, "MAX_WAITING", 50_000)
    lines, seen = LineOutput(pipe[1]), ""
    for number in range(30_000):
        lines.write(f"{number} {'x' * (number % 50)}\n")
        if number % 3000 < 20:
            seen += os.read(pipe[0], 30_000).decode()
    seen += read_all(lines, pipe[0])
    lines.write("30000\n")
    seen += read_all(lines, pipe[0])
    expected = 0
    for line in seen.splitlines():
        left_out = re.fullmatch(r"\((\d+) lines? left out: nobody read them\)", line)
        if left_out:
            expected += int(left_out[1])
        else:
            assert int(line.split()[0]) == expected
            expected += 1
    assert expected == 30_001
    lines.close()


def test_a_line_larger_than_all_the_room_is_written_all_the_same(pipe: Pipe) -> None:
    lines = LineOutput(pipe[1])
    large = "x" * (output.MAX_WAITING + 300_000) + "\n"
    lines.write(large)
    lines.write("small\n")
    seen = read_all(lines, pipe[0])
    lines.write("after\n")
    seen += read_all(lines, pipe[0])
    assert seen == large + "(1 line left out: nobody read them)\nafter\n"
    lines.close()


def test_the_words_for_what_was_left_out_can_be_chosen(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "MAX_WAITING", 10)
    lines = LineOutput(pipe[1], lambda count: f'{{"left_out": {count}}}\n')
    lines.write("x" * 100_000 + "\n")
    lines.write("lost\n")
    assert read_all(lines, pipe[0]).endswith('x\n{"left_out": 1}\n')
    lines.close()


def test_a_reader_that_goes_away_shows(pipe: Pipe) -> None:
    lines = LineOutput(pipe[1])
    os.close(pipe[0])
    lines.write("one\n")
    assert lines.gone
    assert not lines.pending
    lines.write("two\n")
    lines.close()


def test_no_standard_output_at_all_shows() -> None:
    closed = os.dup(0)
    os.close(closed)
    lines = LineOutput(closed)
    assert lines.gone
    lines.write("one\n")
    lines.close()


def test_a_file_is_appended_to_where_it_is(tmp_path: Path) -> None:
    with open(tmp_path / "out", "wb", buffering=0) as file:
        file.write(b"before\n")
        lines = LineOutput(file.fileno())
        lines.write("one\n")
        lines.close()
        file.write(b"after\n")
    assert (tmp_path / "out").read_text() == "before\none\nafter\n"


def test_a_full_disk_ends_nothing_and_is_told_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(tmp_path / "out", "wb", buffering=0) as file:
        lines, real, room = LineOutput(file.fileno()), os.write, [6]

        def write(descriptor: int, data: bytes) -> int:
            if descriptor != file.fileno():
                return real(descriptor, data)
            if not room[0]:
                raise OSError(errno.ENOSPC, "No space left on device")
            written = real(descriptor, bytes(data)[: room[0]])
            room[0] -= written
            return written

        monkeypatch.setattr(output.os, "write", write)
        for number in range(5):
            lines.write(f"line {number}\n")
        assert not lines.gone
        assert not lines.pending, "a file is always writable: waiting for it would be a busy loop"
        room[0] = 1000
        lines.write("line 5\n")
        lines.close()
    assert (tmp_path / "out").read_text() == "line 0\n(5 lines left out: nobody read them)\nline 5\n"


def test_a_pipe_keeps_its_flags(pipe: Pipe) -> None:
    before = fcntl.fcntl(pipe[1], fcntl.F_GETFL)
    LineOutput(pipe[1]).close()
    assert fcntl.fcntl(pipe[1], fcntl.F_GETFL) == before


def test_in_json_lines_the_note_is_json_too() -> None:
    assert json.loads(left_out(3))["text"] == "3 lines left out: nobody read them"
    assert list(json.loads(left_out(1)))[:2] == ["type", "time"]


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_the_program_runs_with_standard_streams_that_are_closed(closed: str) -> None:
    """None of its sockets takes their numbers: it says what is wrong where it can, or runs."""
    program = (
        f"{sys.executable} tui.py --headless --local-ip 127.0.0.1 --local-sip-port 0 --local-rtp-port 0 --audio null"
    )
    script = f"exec {program} --duration 1 sip:127.0.0.1:9 {closed}"
    done = subprocess.run(["sh", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode in (11, 15), done.stderr
    assert done.stderr == ""
    assert ("ready" in done.stdout) == (">&-" not in closed.replace("2>&-", ""))


def test_wrong_usage_without_a_place_to_say_it_is_exit_code_2() -> None:
    done = subprocess.run(["sh", "-c", f"exec {sys.executable} tui.py --nonsense 2>&-"], cwd=ROOT, timeout=60)
    assert done.returncode == 2


def test_the_microphones_file_is_not_recorded_over(tmp_path: Path) -> None:
    sound = (ROOT / "sample.wav").read_bytes()
    (tmp_path / "a.wav").write_bytes(sound)
    (tmp_path / "b.wav").symlink_to(tmp_path / "a.wav")
    command = [sys.executable, str(ROOT / "tui.py"), "--headless", "--audio-file", "a.wav", "--record", "b.wav"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 2
    assert done.stderr == "ringtop: b.wav: it is the microphone (--audio-file), a recording would destroy it\n"
    assert (tmp_path / "a.wav").read_bytes() == sound
