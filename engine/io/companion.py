"""A second ringtop on this machine, headless, for the demo: it answers and sends back what it hears.

It is a process of its own, so the call between the two is a real one. It says on a pipe where it can be called.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any, Protocol

END_S = 3.0
LONGEST_LINE = 1 << 20


class CompanionError(OSError):
    """The other end of the demo is not to be had; one line."""


class Readers(Protocol):
    """The loop, as far as the companion's pipe needs it."""

    def add_reader(self, source: int, callback: Callable[[float], object]) -> None: ...

    def remove_reader(self, source: int) -> None: ...


class Companion:
    """Started at once; ``on_ready`` gets the URI to dial when it answers SIP, ``on_end`` one line when it has ended.

    It ends by itself when we are gone, whatever way we went: then nobody reads its pipe any more.
    """

    def __init__(
        self,
        loop: Readers,
        command: list[str],
        on_ready: Callable[[str], object],
        on_end: Callable[[str], object],
    ) -> None:
        self._loop = loop
        self._on_ready = on_ready
        self._on_end = on_end
        self._ready = False
        self._rest = b""
        # A session of its own: Ctrl-C at the terminal is for us, who then hang up.
        options: dict[str, Any] = {} if sys.platform == "win32" else {"start_new_session": True}
        try:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, **options
            )
        except OSError as error:
            raise CompanionError(f"the other end of the demo cannot be started: {error.strerror}") from error
        assert self._process.stdout is not None
        self._pipe = self._process.stdout.fileno()
        loop.add_reader(self._pipe, self._read)

    def _read(self, now: float) -> None:
        """What it says; raises CompanionError when it ends before it could be called."""
        data = os.read(self._pipe, 65536)
        if not data:
            self._loop.remove_reader(self._pipe)
            if not self._ready:
                raise CompanionError("the other end of the demo has ended before it could be called")
            self._on_end("the other end of the demo has ended: nobody sends any more")
            return
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[-LONGEST_LINE:]
        for line in lines:
            if not self._ready:
                self._look_for_ready(line)

    def _look_for_ready(self, line: bytes) -> None:
        try:
            event = json.loads(line)
            if event["type"] != "ready":
                return
            host, port = event["address"]
        except (ValueError, TypeError, KeyError):
            return
        self._ready = True
        self._on_ready(f"sip:echo@[{host}]:{port}" if ":" in host else f"sip:echo@{host}:{port}")

    def close(self) -> None:
        """End it, by its pid."""
        self._loop.remove_reader(self._pipe)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
