"""The real program in real processes on loopback: calls, exit codes, the demo, and one line for wrong usage."""

from __future__ import annotations

import ast
import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
import wave
from pathlib import Path

import numpy as np
import pytest

from tests.screens.harness import Program, python

ROOT = Path(__file__).resolve().parents[1]
PATIENCE_S = 25


def ringtop(*arguments: str, **options) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tui.py"), *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, **options,
    )  # fmt: skip


def finish(process: subprocess.Popen) -> tuple[int, list[dict], str]:
    """(exit code, JSON lines, standard error); the process is ended when it does not end by itself."""
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
    return process.returncode, [json.loads(line) for line in out.splitlines()], err


def free_ports() -> tuple[int, int]:
    """A SIP port, and an even RTP port whose neighbours are free as well."""
    for _ in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        if port < 60000:
            return port, (port + 101) // 2 * 2
    raise AssertionError("no free ports")


def receiver(*extra: str, sip: int, rtp: int) -> subprocess.Popen:
    """A headless receiver that is ready."""
    process = ringtop(
        "--headless", "--json", "--mode", "receiver", "--local-ip", "127.0.0.1", "--local-sip-port", str(sip),
        "--local-rtp-port", str(rtp), "--audio", "null", *extra,
    )  # fmt: skip
    assert process.stdout is not None
    assert json.loads(process.stdout.readline())["type"] == "ready"
    return process


def of_type(events: list[dict], kind: str) -> list[dict]:
    return [event for event in events if event["type"] == kind]


def of_a_busy_machine(event: dict) -> bool:
    """Nothing of the call's is wrong when two programs and the test do not get their turn on a busy machine: that
    packets of either end leave late is found out and told."""
    if event["type"] == "error":
        return "stood still for" in event["text"]
    return event["type"] == "diagnosis" and event["name"] in ("sends-late", "late-packets", "far-end-starves", "clumps")


def correlation(recording: Path, sent: Path) -> float:
    """How well half a second of what was sent is found in what was recorded (1: exactly), in the middle of such pieces.

    A machine that stands still for a moment makes a call wait longer, and so stretches one of them.
    """
    heard, spoken = samples(recording), samples(sent)
    seconds = range(1, max(2, len(heard) // 8000 - 1))
    return float(np.median([found(heard, spoken[8000 * second :][:4000]) for second in seconds]))


def samples(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float)


def found(heard: np.ndarray, piece: np.ndarray) -> float:
    scores = np.correlate(heard, piece)
    best = int(scores.argmax())
    return float(scores[best] / (np.linalg.norm(heard[best : best + len(piece)]) * np.linalg.norm(piece)))


def test_two_ends_whose_rtp_ports_are_neighbours(tmp_path: Path) -> None:
    """The caller's RTP + 1 is the receiver's RTP; reports must arrive on both sides all the same."""
    sip, rtp = free_ports()
    heard = tmp_path / "heard.wav"
    other = receiver("--auto-answer", "--record", str(heard), sip=sip, rtp=rtp + 1)
    caller = ringtop(
        "--headless", "--json", "--mode", "caller", "--local-ip", "127.0.0.1", "--local-sip-port", "0",
        "--local-rtp-port", str(rtp), "--remote-ip", "127.0.0.1", "--remote-sip-port", str(sip),
        "--audio-file", "sample.wav", "--audio", "null", "--duration", "7", "--codecs", "PCMU",
    )  # fmt: skip
    code, events, err = finish(caller)
    other.send_signal(signal.SIGINT)
    other_code, other_events, _ = finish(other)
    assert (code, other_code, err) == (0, 0, "")
    told = [event["type"] for event in events if event["type"] != "stats" and not of_a_busy_machine(event)]
    assert told == ["ready", "answered", "ended"]
    for side in (events, other_events):
        last = of_type(side, "ended")[0]
        assert last["remote"]["lost"] == 0 and last["remote"]["loss_percent"] == 0
        assert last["rx"]["packets"] > 300 and last["rx"]["lost"] == 0
    assert of_type(events, "ended")[0]["rtt_ms"] is not None
    assert of_type(events, "ended")[0]["reason"] == "duration reached"
    assert correlation(heard, ROOT / "sample.wav") > 0.99


@pytest.mark.parametrize(("extra", "says"), [([], True), (["--auto-answer"], False)])
def test_a_receiver_that_nobody_can_answer_says_so(extra: list[str], says: bool) -> None:
    process = receiver(*extra, sip=0, rtp=0)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    code, _, err = finish(process)
    assert code == 0 and ("nobody can answer a call here" in err) is says and err.count("\n") == says


def test_busy_when_every_line_is_taken() -> None:
    sip, rtp = free_ports()
    other = receiver("--auto-answer", "--max-calls", "1", sip=sip, rtp=rtp)
    common = ["--headless", "--json", "--local-ip", "127.0.0.1", "--local-sip-port", "0", "--local-rtp-port", "0"]
    first = ringtop(*common, "--audio", "null", "--duration", "3", f"sip:a@127.0.0.1:{sip}")
    time.sleep(1.5)
    code, events, _ = finish(ringtop(*common, "--audio", "null", f"sip:a@127.0.0.1:{sip}"))
    assert code == 10
    assert of_type(events, "ended")[0]["status"] == 486
    assert finish(first)[0] == 0
    other.send_signal(signal.SIGTERM)
    assert finish(other)[0] == 0


def test_who_is_there_is_asked_without_a_call() -> None:
    sip, rtp = free_ports()
    other = receiver(sip=sip, rtp=rtp)
    code, events, err = finish(ringtop("--probe", "--json", "--local-ip", "127.0.0.1", f"sip:bob@127.0.0.1:{sip}"))
    assert (code, err, [event["type"] for event in events]) == (0, "", ["probed"])
    assert (events[0]["status"], events[0]["reason"], "INVITE" in events[0]["methods"]) == (200, "OK", True)
    other.send_signal(signal.SIGINT)
    assert [event["type"] for event in finish(other)[1]] == []
    code, events, err = finish(ringtop("--probe", "--json", "--local-ip", "127.0.0.1", f"sip:bob@127.0.0.1:{sip}"))
    assert (code, err, events[-1]["status"]) == (11, "", None)


def test_nobody_listens() -> None:
    sip, _ = free_ports()
    code, events, _ = finish(
        ringtop(
            "--headless",
            "--json",
            "--audio",
            "null",
            "--local-ip",
            "127.0.0.1",
            "--local-sip-port",
            "0",
            "--local-rtp-port",
            "0",
            f"sip:a@127.0.0.1:{sip}",
        )
    )
    assert code in (11, 15)
    assert of_type(events, "ended")[0]["reason"]


@pytest.mark.parametrize("name", ["nohost.invalid", "no_such_host.invalid"])
def test_a_name_that_nobody_has_is_wrong_usage_and_said_once(name: str) -> None:
    common = ["--headless", "--json", "--audio", "null", "--local-ip", "127.0.0.1", "--local-sip-port", "0"]
    code, events, err = finish(ringtop(*common, "--local-rtp-port", "0", "--mode", "caller", "--remote-ip", name))
    assert (code, err) == (2, f"ringtop: the name {name} does not exist\n")
    assert [event["type"] for event in events] == ["ready", "ended"]
    assert events[-1]["status"] is None and events[-1]["reason"] == f"the name {name} does not exist"


# ---------------------------------------------------------------------- wrong usage


def complaint(*arguments: str, face: str = "--headless", **options) -> str:
    """The one line on standard error that these arguments are answered with."""
    process = ringtop(
        *([face] if face else []), "--local-sip-port", "0", "--local-rtp-port", "0", *arguments, **options
    )
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 2, err
    assert err.startswith("ringtop: ") and err.endswith("\n") and err[:-1].isprintable(), err
    assert out == ""
    return err


@pytest.fixture
def odd_files(tmp_path: Path) -> Path:
    """Files that are no microphone, and places where nothing can be written."""
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("this is not a WAV file")
    (tmp_path / "headless.wav").write_bytes(b"RIFF\x04\0\0\0WAVE")
    (tmp_path / "odd.wav").write_bytes(b"RIFF\x1c\0\0\0WAVEfmt \x10\0\0\0\x55\0\x01\0" + bytes(16))
    with wave.open(str(tmp_path / "silent.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    return tmp_path


@pytest.mark.parametrize("name", ["missing", "empty", "text", "headless", "odd", "silent", "folder", "pipe"])
def test_a_microphone_that_is_none(odd_files: Path, name: str) -> None:
    assert f"{name}.wav" in complaint("--audio-file", str(odd_files / f"{name}.wav"))


def test_the_demo_does_not_record_over_what_it_speaks(tmp_path: Path) -> None:
    spoken = tmp_path / "spoken.wav"
    spoken.write_bytes((ROOT / "sample.wav").read_bytes())
    code = "import sys, tui; tui.places.sample = lambda home: sys.argv[1]; sys.exit(tui.main(sys.argv[2:]))"
    words = ["--demo", "--headless", "--duration", "1", "--record", str(spoken)]
    command = [sys.executable, "-c", code, str(spoken), *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 2 and "it is the microphone" in done.stderr
    assert spoken.read_bytes() == (ROOT / "sample.wav").read_bytes()


@pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="a file that can be opened and not be read")
def test_a_microphone_that_cannot_be_read() -> None:
    assert "/proc/self/mem: cannot be read: Input/output error" in complaint("--audio-file", "/proc/self/mem")


@pytest.mark.parametrize("flag", ["--record", "--record-stereo"])
@pytest.mark.parametrize("path", ["missing/a.wav", "folder.wav", "pipe.wav", "text.wav/a.wav", "a" * 300 + ".wav"])
def test_a_recording_that_cannot_be_written(odd_files: Path, flag: str, path: str) -> None:
    before = sorted(odd_files.iterdir())
    assert "cannot be written" in complaint(flag, str(odd_files / path))
    assert sorted(odd_files.iterdir()) == before


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="a folder that not even root can write to")
def test_a_folder_that_cannot_be_written_to() -> None:
    assert "/proc/a.wav: a recording cannot be written there" in complaint("--record", "/proc/a.wav")


def test_a_recording_is_tried_without_harm(tmp_path: Path) -> None:
    """An older recording is what it was, and no empty file is left, when something else is wrong."""
    (tmp_path / "old.wav").write_bytes(b"precious")
    files = ["--record", str(tmp_path / "old.wav"), "--record-stereo", str(tmp_path / "new.wav")]
    assert "MP3" in complaint(*files, "--codecs", "MP3")
    assert [path.name for path in tmp_path.iterdir()] == ["old.wav"]
    assert (tmp_path / "old.wav").read_bytes() == b"precious"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--local-ip", "192.0.2.77"], "192.0.2.77 is not an address of this machine"),
        (["--codecs", "MP3"], "'MP3' is not one of opus, G722, PCMU, PCMA, L16"),
        (["--plain", "--json"], "choose one"),
        (["sip:"], "not an address to call"),
        (["--audio-file", "a\x1b[31m\nb.wav"], "b.wav"),
        (["sip:\x1b[31m@192.0.2.1"], "not an address to call"),
        (["--audio", "device", "--input", "no such device"], ""),
    ],
    ids=lambda value: repr(value),
)
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: list[str], said: str) -> None:
    assert said in complaint(*arguments)


def test_a_dashboard_without_a_terminal_says_what_to_do() -> None:
    assert "--plain, --json or --headless" in complaint(face="")


def test_a_taken_port_is_said_with_what_to_do() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = str(taken.getsockname()[1])
        for flag in ("--local-sip-port", "--local-rtp-port"):
            assert f"UDP port {port} on 127.0.0.1 is taken" in complaint("--local-ip", "127.0.0.1", flag, port)


def test_a_taken_rtcp_port_is_no_error() -> None:
    """RTCP goes to the next free port instead (RFC 3605)."""
    for _ in range(20):
        _, rtp = free_ports()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            try:
                taken.bind(("127.0.0.1", rtp + 1))
            except OSError:
                continue
            process = receiver(sip=0, rtp=rtp)
            process.send_signal(signal.SIGINT)
            assert finish(process)[0] == 0
            return
    raise AssertionError("no free ports")


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs a user who may not, and root to be him")
def test_a_privileged_port() -> None:
    limit = int(Path("/proc/sys/net/ipv4/ip_unprivileged_port_start").read_text())
    if limit <= 1:
        pytest.skip("every port is anybody's here")
    text = complaint("--local-ip", "127.0.0.1", "--local-sip-port", str(limit - 1), preexec_fn=_give_up_ports)
    assert "no permission" in text and str(limit - 1) in text


def _give_up_ports() -> None:
    """Root without CAP_NET_BIND_SERVICE: still able to read the tree, wherever it lies."""
    import ctypes

    libc = ctypes.CDLL(None)
    pr_capbset_drop, net_bind_service = 24, 10
    assert libc.prctl(pr_capbset_drop, net_bind_service, 0, 0, 0) == 0


@pytest.mark.screen
@pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")
@pytest.mark.parametrize("arguments", [["--codecs", "MP3"], ["--local-ip", "192.0.2.77"], ["--audio-file", "none.wav"]])
def test_a_terminal_is_left_as_it_was(arguments: list[str]) -> None:
    with Program(python("-c", "input()"), columns=80, rows=24) as shell:
        before = shell.modes()
    ours = ["--local-sip-port", "0", "--local-rtp-port", "0", *arguments]
    with Program(python(str(ROOT / "tui.py"), *ours), columns=80, rows=24) as program:
        assert program.wait_exit() == 2
        assert program.modes() == before
        assert next(row for row in program.rows() if row).startswith("ringtop: ")
        assert b"\x1b" not in program.output


def test_what_is_wrong_in_the_configuration_file_is_said_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_text('[sound]\naudio-file = "none.wav"\n[call]\ncodecs = ["nonsense"]\n')
    assert f"{path}, line 2: [sound] audio-file: {tmp_path}/none.wav: " in complaint("--config", str(path))
    wav = str(ROOT / "sample.wav")
    assert f"{path}, line 4: [call] codecs: 'nonsense'" in complaint("--config", str(path), "--audio-file", wav)


# ---------------------------------------------------------------------- what it needs


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["--headless"]])
def test_without_numpy_it_says_what_to_run(arguments: list[str]) -> None:
    """``-S``: without what is installed."""
    done = subprocess.run([sys.executable, "-S", "tui.py", *arguments], cwd=ROOT, capture_output=True, text=True)
    line = f"ringtop needs numpy: {shlex.quote(sys.executable)} -m pip install numpy\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)


@pytest.mark.parametrize("version", [(3, 7, 16), (3, 9, 18)])
def test_an_old_python_is_told_which_one_is_needed(version: tuple[int, int, int]) -> None:
    """The words of tui.py that come before the check are those of Python 3.7."""
    source = (ROOT / "tui.py").read_text()
    ast.parse(source, feature_version=(3, 7))
    code = f"import sys; sys.version_info = {version}; sys.argv = ['tui.py', '--version']; exec(sys.stdin.read())"
    done = subprocess.run([sys.executable, "-c", code], input=source, cwd=ROOT, capture_output=True, text=True)
    line = f"ringtop needs Python 3.10 or later, this is 3.{version[1]}\n"
    assert (done.returncode, done.stdout, done.stderr) == (2, "", line)


# ---------------------------------------------------------------------- words


def test_every_word_that_a_pipe_brings_is_obeyed_the_last_one_without_a_line_end() -> None:
    command = [sys.executable, str(ROOT / "tui.py"), "--plain", "--audio", "null", "--local-ip", "127.0.0.1"]
    done = subprocess.run(
        [*command, "--local-sip-port", "0", "--local-rtp-port", "0"], input="mute\n" * 2001 + "status\nquit",
        capture_output=True, text=True, timeout=PATIENCE_S, cwd=ROOT, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert lines.count("muted: they hear silence") == 1001 and lines.count("no longer muted") == 1000
    assert lines[-2].endswith("sound: silence, muted") and lines[-1] == "no call"


# ---------------------------------------------------------------------- the demo, and the end


def test_demo_without_a_terminal_ends_by_itself() -> None:
    process = ringtop("--demo", "--duration", "4", "--audio", "null")
    out, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 0, err
    lines = out.splitlines()
    assert lines[0].startswith("ready") and any("talking" in line for line in lines)
    assert any("ended after" in line for line in lines)
    assert all(line.isprintable() for line in lines)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds children in /proc")
def test_a_demo_whose_other_end_dies_says_so() -> None:
    process = ringtop("--demo", "--json", "--duration", "3", "--audio", "null")
    assert process.stdout is not None
    assert any(json.loads(line)["type"] == "answered" for line in process.stdout)  # reads no further
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    os.kill(int(child), signal.SIGKILL)
    code, events, err = finish(process)
    assert code in (0, 20) and err == "" and of_type(events, "ended")  # 20: nothing had come yet
    assert [event["text"] for event in of_type(events, "error")] == [
        "the other end of the demo has ended: nobody sends any more"
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("number", ["SIGINT", "SIGQUIT"])
def test_a_signal_hangs_up_with_bye(number: str) -> None:
    sip, rtp = free_ports()
    other = receiver("--auto-answer", sip=sip, rtp=rtp)
    caller = ringtop(
        "--headless", "--json", "--audio", "null", "--local-ip", "127.0.0.1", "--local-sip-port", "0",
        "--local-rtp-port", "0", f"sip:a@127.0.0.1:{sip}",
    )  # fmt: skip
    assert caller.stdout is not None
    assert any(json.loads(line)["type"] == "answered" for line in caller.stdout)  # reads no further
    os.kill(caller.pid, getattr(signal, number))
    assert finish(caller)[0] == 0
    other.send_signal(signal.SIGINT)
    _, events, _ = finish(other)
    assert of_type(events, "ended")[0]["reason"] == "the far end hung up"
