"""A far end of a few lines over two UDP sockets: every packet of ringtop's can be seen, and any left out."""

from __future__ import annotations

import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
PATIENCE_S = 10.0
FRAME = b"\xff" * 160  # 20 ms of silence in mu-law
RTP = struct.Struct("!BBHII")
EVENT = struct.Struct("!BBH")


@dataclass(frozen=True)
class Message:
    """A SIP message as it came."""

    raw: bytes
    source: tuple[str, int]
    at: float

    @property
    def start(self) -> str:
        return self.raw.split(b"\r\n", 1)[0].decode()

    @property
    def body(self) -> str:
        return self.raw.partition(b"\r\n\r\n")[2].decode()

    def header(self, name: str) -> str:
        """The first header of this name; the compact forms are none of ringtop's."""
        for line in self.raw.partition(b"\r\n\r\n")[0].decode().split("\r\n")[1:]:
            key, _, value = line.partition(":")
            if key.strip().lower() == name.lower():
                return value.strip()
        raise AssertionError(f"no {name} in {self.start}")

    @property
    def cseq(self) -> tuple[int, str]:
        number, method = self.header("CSeq").split()
        return int(number), method

    @property
    def contact(self) -> str:
        return self.header("Contact").partition("<")[2].partition(">")[0]


@dataclass(frozen=True)
class Packet:
    """An RTP packet as it came."""

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes


class FarEnd:
    """Two sockets on ports nobody else has; every wait is bounded."""

    def __init__(self, telephone_event: int = 101) -> None:
        self.telephone_event = telephone_event
        self._sip, self._rtp = _bound(), _bound()
        self._tag, self._call_id = f"far{time.monotonic_ns()}", f"{time.monotonic_ns()}@{HOST}"
        self._sequence, self._timestamp = 1000, 160000

    def __enter__(self) -> FarEnd:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: Any, trace: TracebackType | None) -> None:
        self._sip.close()
        self._rtp.close()

    @property
    def port(self) -> int:
        return int(self._sip.getsockname()[1])

    @property
    def uri(self) -> str:
        return f"sip:far@{HOST}:{self.port}"

    def sdp(self) -> str:
        event = self.telephone_event
        return (
            f"v=0\r\no=far 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\n"
            f"m=audio {self._rtp.getsockname()[1]} RTP/AVP 0 {event}\r\na=rtpmap:0 PCMU/8000\r\n"
            f"a=rtpmap:{event} telephone-event/8000\r\na=fmtp:{event} 0-15\r\na=ptime:20\r\n"
        )

    # -- SIP

    def receive(self, start: str, timeout_s: float = PATIENCE_S) -> Message:
        """The next message; it must begin so."""
        message = self.receive_any(timeout_s)
        assert message is not None, f"waited in vain for {start}"
        assert message.start.startswith(start), f"{message.start} instead of {start}"
        return message

    def receive_any(self, timeout_s: float) -> Message | None:
        if not select.select([self._sip], [], [], timeout_s)[0]:
            return None
        raw, source = self._sip.recvfrom(65535)
        return Message(raw, source, time.monotonic())

    def final(self, status: int) -> Message:
        """The next final response, past the provisional ones; it must have this status."""
        while True:
            message = self.receive("SIP/2.0")
            if not message.start.startswith("SIP/2.0 1"):
                assert message.start.split()[1] == str(status), message.start
                return message

    def answer(self, request: Message, status: str, body: str = "") -> None:
        to = request.header("To")
        lines = [f"SIP/2.0 {status}"]
        lines += [f"{name}: {request.header(name)}" for name in ("Via", "From", "Call-ID", "CSeq")]
        lines += [f"To: {to}" if ";tag=" in to else f"To: {to};tag={self._tag}", f"Contact: <{self.uri}>"]
        self._send(lines, body, request.source)

    def request(
        self, method: str, target: int, number: int, *, uri: str = "", to_tag: str = "", body: str = ""
    ) -> None:
        lines = [
            f"{method} {uri or f'sip:ringtop@{HOST}:{target}'} SIP/2.0",
            f"Via: SIP/2.0/UDP {HOST}:{self.port};branch=z9hG4bK{method}{number}{self._tag};rport",
            "Max-Forwards: 70", f"From: <{self.uri}>;tag={self._tag}",
            f"To: <sip:ringtop@{HOST}:{target}>" + (f";tag={to_tag}" if to_tag else ""),
            f"Call-ID: {self._call_id}", f"CSeq: {number} {method}", f"Contact: <{self.uri}>",
        ]  # fmt: skip
        self._send(lines, body, (HOST, target))

    def in_dialog(self, method: str, target: int, number: int, accepted: Message, body: str = "") -> None:
        """A request within the dialog that ringtop's 200 made."""
        tag = accepted.header("To").partition(";tag=")[2]
        self.request(method, target, number, uri=accepted.contact, to_tag=tag, body=body)

    def _send(self, lines: list[str], body: str, to: tuple[str, int]) -> None:
        if body:
            lines = [*lines, "Content-Type: application/sdp"]
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}"])
        self._sip.sendto(f"{head}\r\n\r\n{body}".encode(), to)

    # -- RTP

    def packets(self, seconds: float, enough: Callable[[list[Packet]], object] = lambda all: False) -> list[Packet]:
        """All that waits and that comes in so long a time, or until it is enough."""
        found: list[Packet] = []
        end = time.monotonic() + seconds
        while select.select([self._rtp], [], [], max(0.0, end - time.monotonic()))[0]:
            data = self._rtp.recv(65535)
            _, second, sequence, timestamp, ssrc = RTP.unpack_from(data)
            found.append(Packet(second & 127, second > 127, sequence, timestamp, ssrc, data[RTP.size :]))
            if enough(found) or (seconds and time.monotonic() > end):
                break
        return found

    def send_silence(self, to: int, packets: int) -> None:
        for _ in range(packets):
            self._send_rtp(to, 0, FRAME, self._timestamp)
            self._timestamp += 160

    def send_digit(self, to: int, event: int, *, steps: int = 5) -> None:
        """RFC 4733: updates while it lasts, the end three times, all with the time of its start."""
        for step in range(1, steps + 1):
            self._send_rtp(to, self.telephone_event, EVENT.pack(event, 10, step * 160), self._timestamp, step == 1)
        for _ in range(3):
            self._send_rtp(to, self.telephone_event, EVENT.pack(event, 0x80 | 10, steps * 160), self._timestamp)
        self._timestamp += (steps + 3) * 160

    def _send_rtp(self, to: int, payload_type: int, payload: bytes, timestamp: int, marker: bool = False) -> None:
        header = RTP.pack(0x80, payload_type | (0x80 if marker else 0), self._sequence, timestamp, 0x1234ABCD)
        self._sequence += 1
        self._rtp.sendto(header + payload, (HOST, to))
        time.sleep(0.02)


def _bound() -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((HOST, 0))
    return udp


def audio_port(sdp: str) -> int:
    return int(next(line for line in sdp.split("\r\n") if line.startswith("m=audio ")).split()[1])


def start_ringtop(*options: str) -> subprocess.Popen[str]:
    """ringtop on free ports and without a sound card, its output line by line; end it with ``finish``."""
    ports = ["--local-sip-port", "0", "--local-rtp-port", "0"]
    return subprocess.Popen(
        [sys.executable, str(ROOT / "tui.py"), "--local-ip", HOST, *ports, "--audio", "null", *options],
        cwd=ROOT, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: subprocess.Popen[str]) -> tuple[int, list[str]]:
    """(exit code, lines); it must end by itself in time and have complained of nothing."""
    try:
        out, err = process.communicate(timeout=PATIENCE_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise AssertionError("ringtop did not end") from None
    assert err == ""
    return process.returncode, out.splitlines()


def type_in(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
