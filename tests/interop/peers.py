"""Real SIP user agents on loopback, behind one small interface: ringtop itself, baresip and SIPp.

Every peer is one process of ours, listens on ports nobody else has, writes into a folder of its test, is waited
for with a bound and ended by its own process id. A peer that is not installed skips the test with the line that
installs it; with CI set it fails the test, so that a green run has really met the peers.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "sample.wav"
SCENARIOS = Path(__file__).resolve().parent / "sipp"
HOST = "127.0.0.1"
PATIENCE_S = 15.0
PACKAGES = {"baresip": "baresip-core", "sipp": "sip-tester"}

_next_port = 20000 + os.getpid() % 400 * 20


def free_ports(count: int = 10) -> int:
    """The first, even one of ``count`` neighbouring ports that are free for UDP and TCP (below the ephemeral ones)."""
    global _next_port
    for _ in range(600):
        first, _next_port = _next_port, 20000 + (_next_port + count + 1 - 20000) // 2 * 2 % 12000
        if all(_is_free(first + offset) for offset in range(count)):
            return first
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, kind) as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                return False
    return True


def needs(program: str) -> None:
    """Skip, or in CI fail, where the program is not there."""
    if shutil.which(program):
        return
    line = f"{program} is missing: apt-get install {PACKAGES[program]}"
    if os.environ.get("CI"):
        pytest.fail(line)
    pytest.skip(line)


class Process:
    """A child process whose output is read line by line, never longer than asked."""

    def __init__(self, command: list[str], folder: Path, name: str) -> None:
        self.name = name
        self.lines: list[str] = []
        self._rest = b""
        self._errors = folder / f"{name}.err"
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, cwd=folder, env=environment
            )
        assert self._process.stdout is not None
        self._out = self._process.stdout.fileno()
        os.set_blocking(self._out, False)

    @property
    def errors(self) -> str:
        return self._errors.read_text(errors="replace")

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def say(self, line: str) -> None:
        """Type a line at its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        self._process.stdin.flush()

    def interrupt(self) -> None:
        self._process.send_signal(signal.SIGINT)

    def read(self, timeout_s: float) -> bool:
        """Take in what it has written; False at the end of its output."""
        if not select.select([self._out], [], [], timeout_s)[0]:
            return True
        data = os.read(self._out, 65536)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.lines += [line.decode("utf-8", "replace") for line in lines]
        return bool(data)

    def wait_until(self, found: Callable[[], Any], what: str, patience_s: float = PATIENCE_S) -> Any:
        """Read until ``found`` gives something; the test fails with what was seen instead."""
        end = time.monotonic() + patience_s
        while True:
            result = found()
            if result:
                return result
            if time.monotonic() > end or not self.read(0.1):
                result = found()
                if result:
                    return result
                seen = "\n".join(self.lines[-25:])
                raise AssertionError(f"{self.name}: waited in vain for {what}; it said:\n{seen}\n{self.errors[-2000:]}")

    def finish(self, patience_s: float = PATIENCE_S) -> int:
        """Its exit code, once it has ended by itself."""
        end = time.monotonic() + patience_s
        while self.read(0.1) and time.monotonic() < end:
            pass
        try:
            return self._process.wait(max(0.1, end - time.monotonic()))
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end; it said:\n" + "\n".join(self.lines[-25:])) from None

    def stop(self) -> None:
        """End it whatever it does, and close what joins us to it."""
        for end in (self._process.terminate, self._process.kill):
            if self.running:
                end()
                try:
                    self._process.wait(3)
                except subprocess.TimeoutExpired:
                    continue
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except OSError:
                    pass


class Ringtop(Process):
    """The program under test: JSON lines when nobody types, plain lines and words (``typing=True``) otherwise."""

    def __init__(
        self, folder: Path, *options: str, sip: int | None = None, rtp: int | None = None, typing: bool = False,
        name: str = "ringtop", sound: Path | None = SAMPLE,
    ) -> None:  # fmt: skip
        first = free_ports()
        self.sip, self.rtp = sip or first, rtp or first + 4
        command = [sys.executable, str(ROOT / "tui.py")]
        command += ["--plain"] if typing else ["--headless", "--json"]
        command += ["--local-ip", HOST, "--local-sip-port", str(self.sip), "--local-rtp-port", str(self.rtp)]
        command += ["--audio", "null"] + (["--audio-file", str(sound)] if sound else [])
        super().__init__([*command, *options], folder, name)
        self._typing = typing
        self._taken = 0

    @property
    def uri(self) -> str:
        return f"sip:ringtop@{HOST}:{self.sip}"

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.lines]

    def ready(self) -> Ringtop:
        if self._typing:
            self.expect("ready")
        else:
            self.event("ready")
        return self

    def event(self, kind: str, check: Callable[[dict[str, Any]], Any] = lambda event: True) -> dict[str, Any]:
        """The first event of this kind that passes the check; waits for it."""
        return self.wait_until(
            lambda: next((event for event in self.events if event["type"] == kind and check(event)), None),
            f"{kind} event",
        )

    def expect(self, text: str) -> str:
        """The next plain line that holds this text; lines before it are passed over."""

        def found() -> str | None:
            for number in range(self._taken, len(self.lines)):
                if text in self.lines[number]:
                    self._taken = number + 1
                    return self.lines[number]
            return None

        return self.wait_until(found, f"a line with {text!r}")


class Baresip(Process):
    """baresip with a configuration of its own, driven and watched over its control socket (JSON in netstrings).

    Its audio source is a WAV file; the sndfile filter records what it decodes. It takes ``sip`` for SIP over UDP
    and TCP and the port above that for TLS, so its control socket lies at ``sip + 2``.
    """

    def __init__(self, folder: Path, *, answers: bool = False, codecs: str = "PCMU", sound: Path = SAMPLE) -> None:
        needs("baresip")
        first = free_ports(14)
        self.sip = first
        self.recordings = folder / "baresip"
        self.recordings.mkdir()
        self._events: list[dict[str, Any]] = []
        self._bytes = b""
        self._configure(first, answers, codecs, sound)
        super().__init__(["baresip", "-f", str(self.recordings)], folder, "baresip")
        self._control = self._connect(first + 2)

    @property
    def uri(self) -> str:
        return f"sip:peer@{HOST}:{self.sip}"

    def _configure(self, first: int, answers: bool, codecs: str, sound: Path) -> None:
        modules = next(Path("/usr").glob("lib*/**/baresip/modules"), Path("/usr/lib/baresip/modules"))
        lines = [
            "poll_method epoll", f"sip_listen {HOST}:{first}", f"net_interface {HOST}",
            f"audio_source aufile,{sound}", "audio_srate 8000", "audio_channels 1",
            "ausrc_format s16", "auplay_format s16", "auenc_format s16", "audec_format s16",
            f"rtp_ports {first + 4}-{first + 13}", "rtcp_mux no", "jitter_buffer_type fixed",
            "jitter_buffer_delay 1-5", f"snd_path {self.recordings}", f"module_path {modules}",
            f"ctrl_tcp_listen {HOST}:{first + 2}",
            *(f"module {name}.so" for name in ("g711", "aufile", "sndfile", "ctrl_tcp")),
            "module_tmp uuid.so", "module_tmp account.so", "module_app menu.so",
        ]  # fmt: skip
        mode = "auto" if answers else "manual"
        account = f"<sip:peer@{HOST}:{first}>;regint=0;answermode={mode};audio_codecs={codecs}"
        for name, text in (("config", "\n".join(lines)), ("accounts", account), ("contacts", "")):
            (self.recordings / name).write_text(text + "\n")

    def _connect(self, port: int) -> socket.socket:
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                control = socket.create_connection((HOST, port), 1)
                control.setblocking(False)
                return control
            except OSError:
                if time.monotonic() > end or not self.running:
                    self.read(0.1)
                    raise AssertionError("baresip did not start:\n" + "\n".join(self.lines)) from None
                time.sleep(0.05)

    def command(self, name: str, argument: str = "") -> None:
        data = json.dumps({"command": name, "params": argument}).encode()
        self._control.sendall(b"%d:%s," % (len(data), data))

    def event(self, kind: str, count: int = 1) -> dict[str, Any]:
        """The ``count``-th event of this kind, such as CALL_ESTABLISHED; waits for it."""
        end = time.monotonic() + PATIENCE_S
        while True:
            found = [event for event in self._events if event.get("type") == kind]
            if len(found) >= count:
                return found[count - 1]
            if time.monotonic() > end:
                raise AssertionError(f"baresip: waited in vain for {kind}; it told {self._events}")
            self._read_control(0.1)
            self.read(0)

    def digits(self) -> str:
        """The digits that have come by now."""
        self._read_control(0)
        return "".join(event["param"] for event in self._events if event.get("type") == "CALL_DTMF_START")

    def _read_control(self, timeout_s: float) -> None:
        if select.select([self._control], [], [], timeout_s)[0]:
            self._bytes += self._control.recv(65536)
        while b":" in self._bytes:
            length, _, rest = self._bytes.partition(b":")
            if len(rest) <= int(length):
                return
            self._events.append(json.loads(rest[: int(length)]))
            self._bytes = rest[int(length) + 1 :]

    def heard(self) -> np.ndarray:
        """What it decoded, as recorded; complete once it has closed the call."""
        return samples(sorted(self.recordings.glob("dump-*-dec.wav"))[-1])

    def stop(self) -> None:
        if hasattr(self, "_control"):
            self._control.close()
        super().stop()


class Sipp(Process):
    """SIPp running one scenario of ``sipp/`` once; exit code 0 means that every step came as written there."""

    def __init__(
        self, folder: Path, scenario: str, *, target: int | None = None, sip: int | None = None,
        contact: int | None = None, status: str = "",
    ) -> None:  # fmt: skip
        needs("sipp")
        self.sip = sip or free_ports(12)
        script = folder / f"{scenario}.xml"
        script.write_text((SCENARIOS / script.name).read_text().replace("STATUS", status))
        speech = folder / "speech.ul"
        speech.write_bytes(mulaw(samples(SAMPLE)))
        command = ["sipp", "-sf", str(script), "-i", HOST, "-p", str(self.sip)]
        command += ["-mi", HOST, "-mp", str(self.sip + 2)]
        command += ["-m", "1", "-nostdin", "-timeout", "20", "-timeout_error", "-trace_err"]
        command += ["-error_file", str(folder / "sipp-errors.log")]
        command += ["-key", "contact_port", str(contact or self.sip)]
        self._error_file = folder / "sipp-errors.log"
        super().__init__([*command, *([f"{HOST}:{target}"] if target else [])], folder, "sipp")
        if target is None:
            self._wait_until_bound()

    @property
    def uri(self) -> str:
        return f"sip:sipp@{HOST}:{self.sip}"

    def _wait_until_bound(self) -> None:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end and self.running:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
                try:
                    probe.bind((HOST, self.sip))
                except OSError:
                    return
            time.sleep(0.02)
        raise AssertionError(f"SIPp did not start: {self.errors}")

    def succeeded(self) -> None:
        """Waits for the end of the scenario; fails with SIPp's own words where a step did not come."""
        code = self.finish(25)
        words = self._error_file.read_text(errors="replace") if self._error_file.exists() else ""
        assert code == 0, f"SIPp ended with {code}: {words[-3000:]} {self.errors[-1000:]}"


class LossyWire(Process):
    """A bad network in front of one port, see ``lossy_wire.py``."""

    def __init__(self, folder: Path, *rules: str, peer: int) -> None:
        self.sip = free_ports(2)
        command = [sys.executable, str(Path(__file__).with_name("lossy_wire.py")), str(self.sip), str(peer), *rules]
        super().__init__(command, folder, "wire")
        self.wait_until(lambda: self.lines, "ready")

    def passed(self) -> list[str]:
        """What it has let through by now, and what it has lost."""
        self.read(0)
        return self.lines[1:]


# ---------------------------------------------------------------------- sound


def samples(path: Path) -> np.ndarray:
    """A mono 16 bit WAV file as floats of -1 to 1; a size left open in the header is no obstacle."""
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float) / 32768


def mulaw(pcm: np.ndarray) -> bytes:
    """G.711 mu-law, written down here once more so that the tests do not trust the product's own tables."""
    linear = np.round(pcm * 32768).astype(np.int32)
    magnitude = np.minimum(np.abs(linear), 32635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 15
    sign = np.where(linear < 0, 0x80, 0)
    return (~(sign | (exponent << 4) | mantissa) & 255).astype(np.uint8).tobytes()


def similarity_db(heard: np.ndarray, sent: np.ndarray, seconds: float = 0.5) -> float:
    """Median signal-to-noise ratio of ``heard`` against ``sent`` (repeated), block by block.

    Each block with speech in it is looked for in what was sent by cross-correlation, so a delay, or a change of it
    by the jitter buffer, is no error; a wrong, noisy, distorted, faster or louder sound is. G.711 gives about 37 dB.
    """
    size = int(seconds * 8000)
    reference = np.concatenate([sent, sent[: size + 8000]])
    ratios = []
    for start in range(0, len(heard) - size + 1, size):
        block = heard[start : start + size]
        if np.sqrt(np.mean(block**2)) < 0.01:
            continue
        length = 1 << (len(reference) + size).bit_length()
        scores = np.fft.irfft(np.fft.rfft(reference, length) * np.conj(np.fft.rfft(block, length)), length)
        at = int(scores[: len(reference) - size].argmax())
        wanted = reference[at : at + size]
        ratios.append(10 * np.log10(np.sum(wanted**2) / (np.sum((block - wanted) ** 2) + 1e-12)))
    assert ratios, "nothing but silence was heard"
    return float(np.median(ratios))
