"""The other end of the measured call: calls, talks, listens with the kernel's time stamps, floods, reads a terminal.

Everything runs in one loop of one process. How late this loop is does not matter to the figures: arrivals are stamped
by the kernel in the moment the measured program sends (on loopback there is nothing in between).
"""

from __future__ import annotations

import fcntl
import os
import pty
import random
import re
import select
import socket
import struct
import sys
import termios
import time
import wave
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.media import codecs

HOST = "127.0.0.1"
SO_TIMESTAMPNS = 35  # Linux; the socket module names it from Python 3.14 on
PTIME_S = 0.02
FLOOD_STEP_S = 0.001
MOST_AT_ONCE = 60
PATIENCE_S = 10.0
BUFFER = 1 << 22
RTP = struct.Struct("!BBHII")
ASK_STATUS, STATUS_OK = b"\x1b[5n", b"\x1b[0n"


def udp() -> socket.socket:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
    if sys.platform.startswith("linux"):  # elsewhere it is stamped here, when it is read
        made.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
    made.bind((HOST, 0))
    made.setblocking(False)
    return made


def received(source: socket.socket) -> tuple[bytes, int] | None:
    """(datagram, nanoseconds since the epoch), or None when nothing waits."""
    try:
        data, ancillary, _, _ = source.recvmsg(4096, 64)
    except (BlockingIOError, ConnectionRefusedError):
        return None
    if ancillary:
        seconds, nanoseconds = struct.unpack("qq", ancillary[0][2][:16])
        return data, seconds * 1_000_000_000 + nanoseconds
    return data, time.time_ns()


def speech_frames(path: Path) -> list[bytes]:
    """A WAV file of 8 kHz, mono, 16 bit, as 20 ms frames of PCMU."""
    with wave.open(str(path)) as file:
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2")
    codec = codecs.make("PCMU", 8000, 1)
    return [codec.encode(pcm[at : at + 160]) for at in range(0, len(pcm) - 159, 160)]


SILENCE = [codecs.make("PCMU", 8000, 1).encode(np.zeros(160, np.int16))]


@dataclass
class Packet:
    at_ns: int
    sequence: int


class NoCall(Exception):
    """The measured program did not take the call."""


class Caller:
    """Calls one program again and again from the same two sockets."""

    def __init__(self, port: int, frames: list[bytes]) -> None:
        self._port, self._frames = port, frames
        self._sip, self._rtp = udp(), udp()
        self._number = 0
        self._to = 0
        self._reset()
        self.packets: list[Packet] = []
        self.invite_to_200_ms = 0.0
        self._ack_ns = 0
        self._remote_tag = self._target = ""

    def close(self) -> None:
        self._sip.close()
        self._rtp.close()

    def _reset(self) -> None:
        self._sent, self._sequence, self._timestamp = 0, 1000, 160_000

    # -- SIP

    def answers_options(self, timeout_s: float) -> bool:
        """One OPTIONS; is it answered in so short a time?"""
        self._number += 1
        self._say("OPTIONS", 1)
        return self._answer(timeout_s) is not None

    def call(self) -> None:
        """INVITE, 200, ACK; notes how long the 200 took."""
        self._number += 1
        self._reset()
        self.packets.clear()
        while received(self._rtp):
            pass
        begin = time.time_ns()
        self._say("INVITE", 1, body=self._sdp())
        answer = self._answer(PATIENCE_S, final=True)
        text, at_ns = answer or ("no answer", 0)
        if not text.startswith("SIP/2.0 200"):
            raise NoCall(f"INVITE: {text.splitlines()[0]}")
        self.invite_to_200_ms = (at_ns - begin) / 1e6
        self._remote_tag = re.search(r"^To:.*;tag=([^;\s>]+)", text, re.M | re.I)[1]  # type: ignore[index]
        self._target = re.search(r"^(?:Contact|m):.*?<([^>]+)>", text, re.M | re.I)[1]  # type: ignore[index]
        self._to = int(re.search(r"^m=audio (\d+)", text, re.M)[1])  # type: ignore[index]
        self._ack_ns = time.time_ns()
        self._say("ACK", 1)

    def ack_to_rtp_ms(self) -> float | None:
        return (self.packets[0].at_ns - self._ack_ns) / 1e6 if self.packets else None

    def hang_up(self) -> None:
        self._say("BYE", 2)
        self._answer(2.0, final=True)
        self._remote_tag = ""

    def _sdp(self) -> str:
        port = self._rtp.getsockname()[1]
        return (
            f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"
            "a=rtpmap:0 PCMU/8000\r\na=ptime:20\r\n"
        )

    def _say(self, method: str, number: int, body: str = "") -> None:
        own = self._sip.getsockname()[1]
        inside = bool(self._remote_tag)
        uri = self._target if inside else f"sip:peer@{HOST}:{self._port}"
        lines = [
            f"{method} {uri} SIP/2.0", "Max-Forwards: 70",
            f"Via: SIP/2.0/UDP {HOST}:{own};branch=z9hG4bKb{self._number}{method};rport",
            f"From: <sip:bench@{HOST}:{own}>;tag=b{self._number}",
            f"To: <sip:peer@{HOST}:{self._port}>" + (f";tag={self._remote_tag}" if inside else ""),
            f"Call-ID: bench{self._number}-{own}@{HOST}", f"CSeq: {number} {method}",
            f"Contact: <sip:bench@{HOST}:{own}>", *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]  # fmt: skip
        self._sip.sendto(("\r\n".join(lines) + f"\r\n\r\n{body}").encode(), (HOST, self._port))

    def _answer(self, timeout_s: float, final: bool = False) -> tuple[str, int] | None:
        """The next response to the latest request, with its time."""
        end = time.monotonic() + timeout_s
        while (left := end - time.monotonic()) > 0:
            if not select.select([self._sip], [], [], left)[0]:
                return None
            got = received(self._sip)
            if got is None:
                continue
            text = got[0].decode("utf-8", "replace")
            if f"bench{self._number}-" in text and not (final and text.startswith("SIP/2.0 1")):
                return text, got[1]
        return None

    # -- sound

    def talk(self, seconds: float, flood: Flood | None = None, also: Callable[[], object] | None = None) -> None:
        """A packet every 20 ms for so long; what comes is kept; ``also`` (a terminal) and a flood have their turns."""
        start = time.monotonic()
        sent = 0
        if flood is not None:
            flood.begin(start)
        while (now := time.monotonic()) < start + seconds:
            while now >= start + sent * PTIME_S:
                self._send()
                sent += 1
            if flood is not None:
                flood.send(now)
            if also is not None:
                also()
            self._listen()
            due = start + sent * PTIME_S - time.monotonic()
            select.select([self._rtp], [], [], max(0.0, min(due, FLOOD_STEP_S if flood or also else due)))
        self._listen()

    def _send(self) -> None:
        header = RTP.pack(0x80, 0, self._sequence & 0xFFFF, self._timestamp & 0xFFFFFFFF, 0x5EED)
        self._rtp.sendto(header + self._frames[self._sent % len(self._frames)], (HOST, self._to))
        self._sent, self._sequence, self._timestamp = self._sent + 1, self._sequence + 1, self._timestamp + 160

    def _listen(self) -> None:
        while (got := received(self._rtp)) is not None:
            if len(got[0]) >= RTP.size:
                self.packets.append(Packet(got[1], RTP.unpack_from(got[0])[2]))


class Flood:
    """A stranger who sends at a fixed rate to one SIP port: "INVITE", "OPTIONS" or "junk"."""

    def __init__(self, port: int, kind: str, per_second: float) -> None:
        self._socket, self._port = udp(), port
        self._kind, self._per_second = kind, per_second
        chance = random.Random(12)
        self._junk = [chance.randbytes(chance.randrange(1, 1200)) for _ in range(200)]
        self.sent = 0
        self._start = 0.0

    def begin(self, now: float) -> None:
        self._start = now

    def send(self, now: float) -> None:
        due = int((now - self._start) * self._per_second) - self.sent
        for _ in range(min(due, MOST_AT_ONCE)):
            self._socket.sendto(self._datagram(self.sent), (HOST, self._port))
            self.sent += 1
        for _ in range(MOST_AT_ONCE):
            if received(self._socket) is None:
                break

    def _datagram(self, number: int) -> bytes:
        if self._kind == "junk":
            return self._junk[number % len(self._junk)]
        own = self._socket.getsockname()[1]
        body = f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
        body = body if self._kind == "INVITE" else ""
        lines = [
            f"{self._kind} sip:peer@{HOST}:{self._port} SIP/2.0", "Max-Forwards: 70",
            f"Via: SIP/2.0/UDP {HOST}:{own};branch=z9hG4bKf{number};rport", f"From: <sip:f@{HOST}>;tag=f{number}",
            f"To: <sip:peer@{HOST}>", f"Call-ID: flood{number}-{own}", f"CSeq: 1 {self._kind}",
            f"Contact: <sip:f@{HOST}:{own}>", *(["Content-Type: application/sdp"] if body else []),
            f"Content-Length: {len(body)}",
        ]  # fmt: skip
        return ("\r\n".join(lines) + f"\r\n\r\n{body}").encode()

    def close(self) -> None:
        self._socket.close()


class Terminal:
    """A terminal of this size that reads when told to, answers status requests and counts bytes."""

    def __init__(self, columns: int, rows: int) -> None:
        self._master, self.slave = pty.openpty()
        fcntl.ioctl(self._master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        os.set_blocking(self._master, False)
        self.bytes = 0

    def read(self) -> None:
        try:
            data = os.read(self._master, 65_536)
        except (BlockingIOError, OSError):
            return
        self.bytes += len(data)
        if ASK_STATUS in data:
            os.write(self._master, STATUS_OK)

    def type(self, keys: bytes) -> None:
        os.write(self._master, keys)

    def close(self) -> None:
        os.close(self._master)


def bare_beat(seconds: float) -> list[Packet]:
    """What the machine allows just now: a loop that does nothing but send to itself every 20 ms."""
    sender, receiver = udp(), udp()
    packets: list[Packet] = []
    start, sent = time.monotonic(), 0
    while (now := time.monotonic()) < start + seconds:
        while now >= start + sent * PTIME_S:
            sender.sendto(RTP.pack(0x80, 0, sent, sent * 160, 1) + SILENCE[0], receiver.getsockname())
            sent += 1
        while (got := received(receiver)) is not None:
            packets.append(Packet(got[1], RTP.unpack_from(got[0])[2]))
        select.select([sender], [], [], max(0.0, start + sent * PTIME_S - time.monotonic()))
    sender.close()
    receiver.close()
    return packets


# ---------------------------------------------------------------------- figures


@dataclass(frozen=True)
class Pacing:
    """How far packets were from 20 ms apart, in ms."""

    p50: float
    p99: float
    worst: float
    gaps_over_30: int
    packets: int
    missing: int


def pacing(packets: list[Packet]) -> Pacing | None:
    if len(packets) < 50:
        return None
    gaps = np.diff([packet.at_ns for packet in packets]) / 1e6
    off = np.abs(gaps - 1000 * PTIME_S)
    steps = np.diff([packet.sequence for packet in packets]) % 65536
    p50, p99 = np.percentile(off, [50, 99])
    missing = int(sum(step - 1 for step in steps if 1 < step < 1000))
    return Pacing(float(p50), float(p99), float(off.max()), int((gaps > 30).sum()), len(packets), missing)
