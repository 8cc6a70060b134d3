"""Our end of the sound card's helper process: a socket in the loop, and a watch over a process that may hang.

Theory of operation. ``start`` spawns ``card.py`` and returns at once. Frames go out as far as the socket takes
them; what it does not take is dropped and counted, never waited for. When the helper has been silent for two seconds
it is killed; when it has ended it is started again, after a pause that doubles up to half a minute. Meanwhile there
is silence, and ``note`` says so. Its standard error is a pipe whose lines go to the log.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
from collections import deque

import numpy as np

from engine.io.card import Unpacker, pack
from engine.io.loop import CARD, Loop
from engine.media.resample import Resampler

CARD_PROGRAM = os.path.join(os.path.dirname(os.path.abspath(__file__)), "card.py")
SILENT_S = 2.0
START_S = 8.0  # PortAudio may take its time to look at every card
PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
CAPTURE_S = 0.12  # captured sound that waits; more is dropped, oldest first
LOG_LINES = 200


class CardLink:
    """Microphone and loudspeaker of the helper, as long as it lives."""

    def __init__(
        self, loop: Loop, input_name: str | None, output_name: str | None, program: str = CARD_PROGRAM
    ) -> None:
        self.ok = False
        self.note = "sound card: starting"
        self.rate_hz = 0
        self.overruns = 0
        self.log: deque[tuple[str, str]] = deque(maxlen=LOG_LINES)
        self._loop = loop
        self._names = {"input": input_name, "output": output_name}
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._unpacker = Unpacker()
        self._heard_at = 0.0
        self._again_at: float | None = None
        self._failures = 0
        self._refused = ""  # why the helper could not open a card
        self._stderr_rest = b""
        self._to_card: dict[int, Resampler] = {}
        self.listeners: list[CardMicrophone] = []

    # ------------------------------------------------------------------ life

    def start(self, now: float) -> None:
        """Spawn the helper; never waits for it."""
        self._again_at = None
        self._heard_at = now + START_S - SILENT_S
        try:
            self._spawn()
        except OSError as error:
            self._failed(f"the sound helper cannot be started: {error}", now)
            return
        assert self._socket is not None and self._process is not None and self._process.stderr is not None
        self._loop.add_reader(self._socket, self._readable, priority=CARD)
        if sys.platform != "win32":
            os.set_blocking(self._process.stderr.fileno(), False)
            self._loop.add_reader(self._process.stderr.fileno(), self._read_stderr, priority=CARD)
        self._send(b"O", json.dumps(self._names).encode())

    def _spawn(self) -> None:
        root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(self._program))))
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        nothing = subprocess.DEVNULL
        base = {"stdin": nothing, "stdout": nothing, "stderr": subprocess.PIPE, "env": environment}
        if sys.platform == "win32":
            self._spawn_windows(base)
            return
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(  # type: ignore[call-overload]
                [sys.executable, self._program, str(theirs.fileno())],
                pass_fds=[theirs.fileno()], start_new_session=True, **base,
            )  # fmt: skip
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        ours.setblocking(False)
        self._socket = ours

    def _spawn_windows(self, base: dict) -> None:
        """No descriptors to hand over: a loopback connection with a token that is used once."""
        token = secrets.token_hex(16)
        with socket.create_server(("127.0.0.1", 0)) as server:
            server.settimeout(START_S)
            command = [sys.executable, self._program, str(server.getsockname()[1]), token]
            self._process = subprocess.Popen(command, **base)
            ours, _ = server.accept()
        if ours.recv(len(token)) != token.encode():
            ours.close()
            raise OSError("a stranger connected in the helper's place")
        ours.setblocking(False)
        self._socket = ours

    def deadline(self) -> float:
        """When :meth:`handle_timer` has something to do."""
        if self._again_at is not None:
            return self._again_at
        return self._heard_at + SILENT_S if self._socket is not None else float("inf")

    def handle_timer(self, now: float) -> None:
        if self._again_at is not None and now >= self._again_at:
            self.start(now)
        elif self._socket is not None and now >= self._heard_at + SILENT_S:
            self._failed("the sound card hangs", now)

    def _failed(self, why: str, now: float) -> None:
        """Give the helper up, say so, and try again later."""
        self._drop()
        pause = PAUSES_S[min(self._failures, len(PAUSES_S) - 1)]
        self._failures += 1
        self._again_at = now + pause
        self.ok = False
        if self.note != f"{why}: silence":  # the same again is not worth another line
            self.log.append(("warn", f"{why}; trying again in {pause:.0f} s, then less often"))
        self.note = f"{why}: silence"

    def _drop(self) -> None:
        if self._socket is not None:
            self._loop.remove(self._socket)
            self._socket.close()
            self._socket = None
        if self._process is not None:
            if self._process.stderr is not None:
                if sys.platform != "win32":
                    self._loop.remove(self._process.stderr.fileno())
                self._process.stderr.close()
            self._process.kill()
            try:
                self._process.wait(0.2)
            except subprocess.TimeoutExpired:
                self.log.append(("warn", "the sound helper does not end: the system will see to it"))
            self._process = None
        self._unpacker = Unpacker()

    def close(self) -> None:
        self._again_at = None
        self._drop()

    # ------------------------------------------------------------------ traffic

    def _readable(self, now: float) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(65536)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._failed(self._refused or "the sound card is gone", now)
            return
        self._heard_at = now
        for kind, content in self._unpacker.push(data):
            if kind == b"C":
                pcm = np.frombuffer(content[: len(content) & ~1], np.int16)
                for listener in self.listeners:
                    listener.hear(pcm, self.rate_hz)
            elif kind == b"S":
                self._status(content)

    def _status(self, content: bytes) -> None:
        try:
            status = json.loads(content)
        except ValueError:
            return
        if status.get("ok"):
            self.ok, self.rate_hz, self._failures, self._refused = True, int(status["rate"]), 0, ""
            names = f"{status.get('output') or 'no loudspeaker'} / {status.get('input') or 'no microphone'}"
            self.note = f"{names}, {self.rate_hz} Hz"
            self.log.append(("info", self.note))
        else:
            self._refused = f"no sound card ({status.get('error')})"

    def _read_stderr(self, now: float) -> None:
        assert self._process is not None and self._process.stderr is not None
        try:
            data = os.read(self._process.stderr.fileno(), 65536)
        except OSError:
            return
        if not data:
            self._loop.remove(self._process.stderr.fileno())
            return
        *lines, self._stderr_rest = (self._stderr_rest + data)[-65536:].split(b"\n")
        for line in lines[-50:]:
            if line.strip():
                self.log.append(("info", line.decode("utf-8", "replace").strip()))

    def _send(self, kind: bytes, content: bytes) -> None:
        if self._socket is None:
            return
        data = pack(kind, content)
        try:
            if self._socket.send(data) < len(data):
                self._failed("the sound card does not keep up", self._loop.now)  # half a message: out of step
        except (BlockingIOError, InterruptedError):
            self.overruns += 1
        except OSError:
            self.overruns += 1  # its end is told by the reader

    def play(self, pcm: np.ndarray, rate_hz: int) -> None:
        """Hand over a frame; never waits."""
        if not self.ok:
            return
        if rate_hz != self.rate_hz:
            if rate_hz not in self._to_card or len(self._to_card) > 8:
                self._to_card = {rate_hz: Resampler(rate_hz, self.rate_hz)}
            pcm = self._to_card[rate_hz].push(pcm)
        self._send(b"P", pcm.tobytes())


class CardMicrophone:
    """What one call hears of the card's microphone, at the call's rate."""

    def __init__(self, link: CardLink, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._resampler: Resampler | None = None
        self._resampled_from = 0
        self._waiting = np.zeros(0, np.int16)
        self._started = False
        self.underruns = 0
        self._link = link
        link.listeners.append(self)

    def hear(self, pcm: np.ndarray, rate_hz: int) -> None:
        if rate_hz != self._resampled_from:
            self._resampler, self._resampled_from = Resampler(rate_hz, self._rate_hz), rate_hz
        assert self._resampler is not None
        waiting = np.concatenate((self._waiting, self._resampler.push(pcm)))
        most = int(self._rate_hz * CAPTURE_S)
        if len(waiting) > most:
            self._link.overruns += 1
            waiting = waiting[len(waiting) - most // 2 :]
        self._waiting = waiting

    def read(self, count: int) -> np.ndarray:
        """Exactly ``count`` samples; silence for what has not come."""
        taken, self._waiting = self._waiting[:count], self._waiting[count:]
        if len(taken) < count:
            if len(taken) or self._started:
                self.underruns += 1
            taken = np.concatenate((taken, np.zeros(count - len(taken), np.int16)))
        self._started = True
        return taken

    def close(self) -> None:
        if self in self._link.listeners:
            self._link.listeners.remove(self)
