"""The sound card's helper process: the only file that imports pyaudio.

It is started by ``card_link`` with one end of a socket pair, opens microphone and loudspeaker at a rate the card
accepts, and then carries frames: what comes on the socket is played, what is captured goes out. It may hang in
PortAudio, die, or be killed: it keeps nothing worth losing. It ends when the socket does.

A message is a type octet, a 16 bit length and its content:

    engine -> card   O  {"input": name, "output": name}   P  int16 samples to play
    card -> engine   S  {"ok", "rate", "input", "output", "error"}   C  int16 samples captured   H  still alive
"""

from __future__ import annotations

import json
import select
import socket
import sys
import time
from struct import Struct
from typing import Any

HEADER = Struct("!cH")
MAX_CONTENT = 0xFFFF
FRAME_S = 0.02
QUEUE_S = 0.16  # waiting to be played; more is thrown away, oldest first
HEARTBEAT_S = 0.5
COMMON_RATES = (48000, 44100, 16000, 8000)


def pack(kind: bytes, content: bytes) -> bytes:
    """One message."""
    return HEADER.pack(kind, len(content)) + content


class Unpacker:
    """Bytes in, whole messages out."""

    def __init__(self) -> None:
        self._data = bytearray()

    def push(self, data: bytes) -> list[tuple[bytes, bytes]]:
        self._data += data
        found = []
        while len(self._data) >= HEADER.size:
            kind, length = HEADER.unpack_from(self._data)
            if len(self._data) < HEADER.size + length:
                break
            found.append((kind, bytes(self._data[HEADER.size : HEADER.size + length])))
            del self._data[: HEADER.size + length]
        return found


def _pick(audio: Any, wanted: str | None, direction: str) -> dict[str, Any]:
    """The device whose name contains ``wanted``, or the default one; raises OSError when there is none."""
    channels = f"max{direction}Channels"
    if not wanted:
        default = getattr(audio, f"get_default_{direction.lower()}_device_info")
        return dict(default())
    for index in range(audio.get_device_count()):
        device = audio.get_device_info_by_index(index)
        if device[channels] > 0 and wanted.lower() in str(device["name"]).lower():
            return dict(device)
    raise OSError(f"no {direction.lower()} device has '{wanted}' in its name")


def _open(pyaudio: Any, audio: Any, names: dict[str, str | None]) -> tuple[Any, Any, int, str, str]:
    """(microphone or None, loudspeaker or None, rate, their names)."""
    found: dict[str, dict[str, Any]] = {}
    trouble = "no sound card"
    for direction, key in (("Output", "output"), ("Input", "input")):
        try:
            found[key] = _pick(audio, names.get(key), direction)
        except OSError as error:
            trouble = str(error)
            if names.get(key):
                raise
    if not found:
        raise OSError(trouble)
    own = [int(device["defaultSampleRate"]) for device in found.values()]
    for rate in dict.fromkeys([*own, *COMMON_RATES]):
        streams: dict[str, Any] = {}
        try:
            for key, device in found.items():
                streams[key] = audio.open(
                    format=pyaudio.paInt16, channels=1, rate=rate, frames_per_buffer=int(rate * FRAME_S),
                    **{key: True, f"{key}_device_index": device["index"]},
                )  # fmt: skip
            opened = {key: str(device["name"]) for key, device in found.items()}
            return streams.get("input"), streams.get("output"), rate, opened.get("input", ""), opened.get("output", "")
        except (OSError, ValueError) as error:
            trouble = str(error)
            for stream in streams.values():
                stream.close()
    raise OSError(trouble)


class _Card:
    """The helper's whole life."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        self._unpacker = Unpacker()
        self._queue = bytearray()

    def run(self) -> None:
        names = self._wait_for_names()
        try:
            import pyaudio

            microphone, speaker, rate, input_name, output_name = _open(pyaudio, pyaudio.PyAudio(), names)
        except Exception as error:  # PortAudio raises what it likes; this process exists to be lost
            self._say(b"S", json.dumps({"ok": False, "error": str(error)}).encode())
            return
        status = {"ok": True, "rate": rate, "input": input_name, "output": output_name}
        self._say(b"S", json.dumps(status).encode())
        self._carry(microphone, speaker, rate)

    def _wait_for_names(self) -> dict[str, str | None]:
        while True:
            for kind, content in self._unpacker.push(self._receive()):
                if kind == b"O":
                    names: dict[str, str | None] = json.loads(content)
                    return names

    def _carry(self, microphone: Any, speaker: Any, rate: int) -> None:
        most = int(rate * QUEUE_S) * 2
        heartbeat = 0.0
        while True:
            if select.select([self._link], [], [], 0.004)[0]:
                for kind, content in self._unpacker.push(self._receive()):
                    if kind == b"P":
                        self._queue += content
            if len(self._queue) > most:
                del self._queue[: len(self._queue) - most // 2]
            if speaker is not None:
                room = min(speaker.get_write_available() * 2, len(self._queue) & ~1)
                if room:
                    speaker.write(bytes(self._queue[:room]), exception_on_underflow=False)
                    del self._queue[:room]
            if microphone is not None:
                ready = min(microphone.get_read_available(), MAX_CONTENT // 2)
                if ready:
                    self._say(b"C", microphone.read(ready, exception_on_overflow=False))
            now = time.monotonic()
            if now - heartbeat > HEARTBEAT_S:
                heartbeat = now
                self._say(b"H", b"")

    def _receive(self) -> bytes:
        data = self._link.recv(65536)
        if not data:
            raise SystemExit(0)
        return data

    def _say(self, kind: bytes, content: bytes) -> None:
        try:
            self._link.sendall(pack(kind, content))
        except OSError:
            raise SystemExit(0) from None


def main() -> None:
    """``card.py FD``: the socket's descriptor; ``card.py PORT TOKEN`` where descriptors cannot be handed over."""
    if len(sys.argv) == 2:
        link = socket.socket(fileno=int(sys.argv[1]))
    else:
        link = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
        link.sendall(sys.argv[2].encode())
    link.setblocking(True)
    _Card(link).run()


if __name__ == "__main__":
    main()
