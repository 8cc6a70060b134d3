"""The process at the other end of a socket: started, spoken to, watched, and given up without waiting for it.

On POSIX the helper inherits one end of a socket pair and nothing else, and runs in a session of its own, so that
Ctrl-C at the terminal does not end it before the engine has. Windows cannot hand over a socket: there the helper
connects over loopback and proves itself by a token that is used once. Its standard error is a pipe whose lines are
handed on; on Windows, where ``select()`` takes no pipe, they are dropped.
"""

from __future__ import annotations

import hmac
import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from engine.io.card import TOKEN_VARIABLE, Unpacker, pack
from engine.io.loop import CARD, Loop

Message = tuple[bytes, bytes]

_WINDOWS = sys.platform == "win32"
_READ_BYTES = 16_384  # in one turn: what a helper that floods may cost the loop
_SEND_BUFFER = 32_768
_LONGEST_LINE = 4096


class CardProcess:
    """One run of the helper program. ``on_messages(list)``, ``on_gone()`` and ``on_line(text)`` tell what it does."""

    def __init__(
        self,
        loop: Loop,
        command: list[str],
        on_messages: Callable[[list[Message]], None],
        on_gone: Callable[[], None],
        on_line: Callable[[str], None],
        over_tcp: bool = _WINDOWS,
    ) -> None:
        """Start it; raises OSError when that cannot be done."""
        self.received_bytes = 0
        self._loop = loop
        self._on_messages = on_messages
        self._on_gone = on_gone
        self._on_line = on_line
        self._unpacker = Unpacker()
        self._on_proven = on_messages
        self._token = ""
        self._unsent = b""
        self._waits_for_room = False
        self._line = b""
        self._socket: socket.socket | None = None
        self._listener: socket.socket | None = None
        self._stderr: int | None = None
        self._process = self._start_over_tcp(command) if over_tcp else self._start_over_pair(command)
        try:
            self._watch_stderr()
        except OSError:
            self.kill()
            raise

    @property
    def pid(self) -> int:
        return self._process.pid

    # ------------------------------------------------------------------ start

    def _start_over_pair(self, command: list[str]) -> subprocess.Popen[bytes]:
        ours, theirs = socket.socketpair()
        try:
            number = theirs.fileno()
            process = _spawn([*command, "fd", str(number)], pass_fds=(number,))
            self._take_socket(ours)
        except OSError:
            ours.close()
            raise
        finally:
            theirs.close()
        return process

    def _start_over_tcp(self, command: list[str]) -> subprocess.Popen[bytes]:
        self._token = secrets.token_hex(16)
        listener = socket.create_server(("127.0.0.1", 0))
        listener.setblocking(False)
        try:
            port = listener.getsockname()[1]
            process = _spawn([*command, "tcp", str(port)], env={**os.environ, TOKEN_VARIABLE: self._token})
            self._loop.add_reader(listener, self._accept, priority=CARD)
        except OSError:
            listener.close()
            raise
        self._listener = listener
        return process

    def _accept(self, now: float) -> None:
        """Someone connects; the first message must be the token."""
        assert self._listener is not None
        try:
            stranger, _ = self._listener.accept()
        except OSError:
            return
        if self._socket is not None:
            stranger.close()
            return
        self._take_socket(stranger)
        self._on_messages = self._check_token

    def _check_token(self, messages: list[Message]) -> None:
        assert self._socket is not None
        kind, content = messages[0]
        self._on_messages = self._on_proven
        if kind == b"T" and hmac.compare_digest(content, self._token.encode()):
            self._close_listener()
            if len(messages) > 1:
                self._on_messages(messages[1:])
            return
        self._close_socket()  # a stranger: the helper may still come
        self._unpacker = Unpacker()

    def _take_socket(self, made: socket.socket) -> None:
        made.setblocking(False)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER)  # sound that waits there is delay
        if made.family == socket.AF_INET:
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._loop.add_reader(made, self._read, priority=CARD)
        self._socket = made

    def _watch_stderr(self) -> None:
        if self._process.stderr is not None:
            self._stderr = self._process.stderr.fileno()
            os.set_blocking(self._stderr, False)
            self._loop.add_reader(self._stderr, self._read_stderr, priority=CARD)

    # ------------------------------------------------------------------ traffic

    def send(self, kind: bytes, content: bytes) -> bool:
        """Hand one message over, or drop it when the helper does not keep up; never waits."""
        self._flush()
        if self._unsent or self._socket is None:
            return False
        self._unsent = pack(kind, content)
        self._flush()
        return True

    def _flush(self, now: float = 0.0) -> None:
        """Send what the helper takes; the rest as soon as it takes more."""
        if self._socket is None or not self._unsent:
            return
        try:
            self._unsent = self._unsent[self._socket.send(self._unsent) :]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self._unsent = b""  # its end is told by the reader
        if bool(self._unsent) != self._waits_for_room:
            self._waits_for_room = not self._waits_for_room
            if self._waits_for_room:
                self._loop.add_writer(self._socket, self._flush, priority=CARD)
            else:
                self._loop.remove_writer(self._socket)

    def _read(self, now: float) -> None:
        assert self._socket is not None
        try:
            data = self._socket.recv(_READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            if self._listener is None:
                self._on_gone()
            else:  # a stranger who left again
                self._on_messages = self._on_proven
                self._close_socket()
            return
        self.received_bytes += len(data)
        messages = self._unpacker.push(data)
        if messages:
            self._on_messages(messages)

    def _read_stderr(self, now: float) -> None:
        assert self._stderr is not None
        try:
            data = os.read(self._stderr, _READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self._close_stderr()
            return
        *lines, self._line = (self._line + data).split(b"\n")
        self._line = self._line[-_LONGEST_LINE:]
        for line in lines:
            text = line[:_LONGEST_LINE].decode("utf-8", "replace").strip()
            if text:
                self._on_line(text)

    # ------------------------------------------------------------------ end

    def kill(self) -> None:
        """Cut it off and end it, without waiting; ``gone`` says when it is."""
        self._close_socket()
        self._close_listener()
        self._close_stderr()
        self._process.kill()

    def gone(self) -> bool:
        """True once the system has buried it."""
        return self._process.poll() is not None

    def wait(self, seconds: float) -> bool:
        """Only for the very end of the program."""
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _close_socket(self) -> None:
        if self._socket is not None:
            self._loop.remove(self._socket)
            self._waits_for_room = False
            self._socket.close()
            self._socket = None

    def _close_listener(self) -> None:
        if self._listener is not None:
            self._loop.remove(self._listener)
            self._listener.close()
            self._listener = None

    def _close_stderr(self) -> None:
        if self._stderr is not None and self._process.stderr is not None:
            self._loop.remove(self._stderr)
            self._process.stderr.close()
            self._stderr = None


def _spawn(command: list[str], **more: Any) -> subprocess.Popen[bytes]:
    options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    options["env"] = {**os.environ, "JACK_NO_START_SERVER": "1"}  # looking at the cards must not start a server
    options.update(more)
    if _WINDOWS:
        options["stderr"] = subprocess.DEVNULL
        options["creationflags"] = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0) | getattr(
            subprocess, "CREATE_NO_WINDOW", 0
        )
    else:
        options["start_new_session"] = True
    return subprocess.Popen(command, **options)
