"""The programs that are measured, each a process that takes calls by itself: ringtop and, beside it, baresip."""

from __future__ import annotations

import fcntl
import os
import select
import shutil
import socket
import subprocess
import sys
import termios
import time
import wave
from pathlib import Path

from callers import HOST, Caller, Terminal

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample.wav"
FIRST_PORT, LAST_PORT = 12_000, 14_000  # of our own: no test uses them, and the system does not hand them out
START_S = 10.0


def free_port(count: int = 20) -> int:
    """The first of so many neighbouring ports that nobody has."""
    for first in range(FIRST_PORT, LAST_PORT, count):
        if all(_is_free(first + offset) for offset in range(count)):
            return first
    raise SystemExit(f"no {count} free ports from {FIRST_PORT} to {LAST_PORT}")


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def repeated_sample(path: Path, seconds: float) -> Path:
    """``sample.wav`` as often as fills so many seconds: baresip's microphone ends with its file."""
    with wave.open(str(SAMPLE)) as sample:
        data, rate = sample.readframes(sample.getnframes()), sample.getframerate()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(data * (int(seconds * rate * 2 / len(data)) + 1))
    return path


class NotStarted(Exception):
    """A program that is to be measured did not come up; with what it said."""


class Program:
    """One process; ``port`` is where it takes calls."""

    name = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.start_ms = 0.0  # until it said that it was ready, or answered

    def _launch(self, command: list[str], terminal: Terminal | None = None, env: dict[str, str] | None = None) -> None:
        out = terminal.slave if terminal else subprocess.PIPE
        self._begin = time.monotonic()
        self.process = subprocess.Popen(
            command, cwd=self.folder, stdin=terminal.slave if terminal else subprocess.PIPE, stdout=out,
            stderr=(self.folder / f"{self.name}.err").open("wb"), start_new_session=True,
            env={**os.environ, "LC_ALL": "C.UTF-8", "TERM": "xterm-256color", **(env or {})},
            preexec_fn=_take_terminal if terminal else None,
        )  # fmt: skip

    @property
    def pid(self) -> int:
        return self.process.pid

    def await_answer(self, terminal: Terminal | None = None) -> float:
        """Wait until it answers OPTIONS; milliseconds since its start. A terminal is read meanwhile."""
        caller = Caller(self.port, [b""])
        try:
            while time.monotonic() < self._begin + START_S and self.process.poll() is None:
                if caller.answers_options(0.005):
                    return 1000 * (time.monotonic() - self._begin)
                if terminal is not None:
                    terminal.read()
        finally:
            caller.close()
        raise self._not_started()

    def _not_started(self) -> NotStarted:
        self.stop()
        said = (self.folder / f"{self.name}.err").read_text(errors="replace").strip().splitlines()
        return NotStarted(f"{self.name} did not start: {said[-1] if said else 'and said nothing'}")

    def drain(self) -> None:
        """Read what it has written, so that it need not wait."""
        if self.process.stdout is not None and select.select([self.process.stdout], [], [], 0)[0]:
            os.read(self.process.stdout.fileno(), 65_536)

    def stop(self) -> None:
        for end in (self.process.terminate, self.process.kill):
            if self.process.poll() is None:
                end()
                try:
                    self.process.wait(4)
                except subprocess.TimeoutExpired:
                    continue
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


class Ringtop(Program):
    """Headless with JSON lines or, on a terminal, with the dashboard."""

    name = "ringtop"

    def __init__(
        self, folder: Path, *options: str, terminal: Terminal | None = None, env: dict[str, str] | None = None
    ) -> None:
        super().__init__(folder)
        face = [] if terminal else ["--headless", "--json"]
        command = [sys.executable, str(ROOT / "tui.py"), "--no-config", *face, "--auto-answer", "--mode", "receiver"]
        command += ["--local-ip", HOST, "--local-sip-port", str(self.port), "--local-rtp-port", str(self.port + 4)]
        self._launch([*command, *options], terminal, env)
        if terminal is None:
            assert self.process.stdout is not None
            line = self.process.stdout.readline()
            self.start_ms = 1000 * (time.monotonic() - self._begin)
            if b'"ready"' not in line:
                raise self._not_started()
        self.answer_ms = self.await_answer(terminal)


class Baresip(Program):
    """With what it needs for one call of PCMU from a WAV file, recorded as ringtop records it."""

    name = "baresip"

    def __init__(self, folder: Path, speech: Path) -> None:
        super().__init__(folder)
        modules = next(Path("/usr").glob("lib*/**/baresip/modules"), Path("/usr/lib/baresip/modules"))
        lines = [
            "poll_method epoll", f"sip_listen {HOST}:{self.port}", f"net_interface {HOST}",
            f"audio_source aufile,{speech}", "audio_srate 8000", "audio_channels 1", "ausrc_format s16",
            "auplay_format s16", "auenc_format s16", "audec_format s16", f"rtp_ports {self.port + 4}-{self.port + 18}",
            "rtcp_mux no", "jitter_buffer_type fixed", "jitter_buffer_delay 1-5", f"snd_path {folder}",
            f"module_path {modules}", *(f"module {name}.so" for name in ("stdio", "g711", "aufile", "sndfile")),
            "module_tmp uuid.so", "module_tmp account.so", "module_app menu.so",
        ]  # fmt: skip
        account = f"<sip:peer@{HOST}:{self.port}>;regint=0;answermode=auto;audio_codecs=PCMU"
        for name, text in (("config", "\n".join(lines)), ("accounts", account), ("contacts", "")):
            (folder / name).write_text(text + "\n")
        self._launch(["baresip", "-f", str(folder)])
        self.start_ms = self.answer_ms = self.await_answer()


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def baresip_is_there() -> bool:
    return shutil.which("baresip") is not None
