"""Who meets in these tests: ringtop as a process of its own, a far end that talks, and strangers who flood."""

from __future__ import annotations

import json
import os
import re
import select
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from tests.interop.far_end import HOST, ROOT, RTP, FarEnd, Message, audio_port
from tests.interop.peers import Process
from tests.screens.harness import Program

SAMPLE = ROOT / "sample.wav"
TORTURE = ROOT.parent / "shared" / "torture"
PTIME_S = 0.02
STEP_S = 0.001
MOST_AT_ONCE = 100  # datagrams a stranger sends in one step: one that was held up does not make a burst of it
SSRC = 0x1234ABCD
SOUND = (b"\x9a" * 8 + b"\x1a" * 8) * 10  # 20 ms of 500 Hz in mu-law
LOUD = 1000  # samples of it are louder than that


class Phone(Process):
    """ringtop on free ports of loopback, without a card; told by JSON lines or, with ``plain``, by plain ones.

    ``wrapper`` is a command that runs it (``env A=B``, ``prlimit``), which must become it by exec.
    """

    def __init__(
        self, folder: Path, *options: str, plain: bool = False, wrapper: Iterable[str] = (), audio: str = "null"
    ) -> None:
        command = [
            *wrapper,
            sys.executable,
            str(ROOT / "tui.py"),
            *(["--plain"] if plain else ["--headless", "--json"]),
        ]
        command += ["--local-ip", HOST, "--local-sip-port", "0", "--local-rtp-port", "0", "--audio", audio, *options]
        super().__init__(command, folder, "ringtop")
        self._parsed: list[dict[str, Any]] = []
        ready = self.wait_until(lambda: self.lines, "ready")[0]
        self.sip = int(re.findall(r"(\d+)\b", ready)[-1]) if plain else int(self.events[0]["address"][1])

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def events(self) -> list[dict[str, Any]]:
        """What its JSON lines have told so far."""
        self.read(0)
        self._parsed += [json.loads(line) for line in self.lines[len(self._parsed) :]]
        return self._parsed

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["type"] == kind]

    def event(self, kind: str) -> dict[str, Any]:
        """The first event of this kind; waits for it."""
        return self.wait_until(lambda: self.of(kind), f"{kind} event")[0]

    def says(self, text: str) -> bool:
        self.read(0)
        return any(text in line for line in self.lines)

    def rss_kb(self) -> int:
        """Resident memory (Linux)."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") // 1024

    def ended(self, call: int) -> dict[str, Any]:
        """The totals of this call, once it has ended."""
        return self.wait_until(
            lambda: next((event for event in self.of("ended") if event["call"] == call), None),
            f"the end of call {call}",
        )

    def stop(self) -> None:
        """At once: a phone with half-open calls would wait for them."""
        if self.running:
            self._process.kill()
        super().stop()

    @property
    def complaints(self) -> list[str]:
        """All but what a phone says at its start where nobody can answer a call."""
        return [line for line in self.errors.splitlines() if "nobody can answer a call here" not in line]

    def is_well(self) -> None:
        """It runs, and has complained of nothing."""
        assert self.running and not self.complaints

    def ends(self) -> None:
        """Ctrl-C: it must end with 0 and have complained of nothing."""
        self.interrupt()
        assert self.finish() == 0
        assert not self.complaints


class Talker(FarEnd):
    """A far end that calls, sends a packet every 20 ms and keeps what it hears."""

    def __init__(self) -> None:
        super().__init__()
        self._rtcp = stranger()
        self._rtp.setblocking(False)
        self.sent = 0
        self.heard: list[int] = []  # sequence numbers
        self.reports: list[bytes] = []  # RTCP, as it came
        self.accepted: Message | None = None
        self.invite: Message | None = None
        self._to = 0

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._rtcp.close()

    def sdp(self) -> str:
        return f"{super().sdp()}a=rtcp:{self._rtcp.getsockname()[1]}\r\n"

    @property
    def media_port(self) -> int:
        """ringtop's RTP port."""
        return self._to

    @property
    def media_socket(self) -> socket.socket:
        """The socket ringtop takes sound from."""
        return self._rtp

    @property
    def rtcp_socket(self) -> socket.socket:
        return self._rtcp

    # -- SIP

    def call(self, port: int) -> Message:
        """Call ringtop, which answers; its 200."""
        self.request("INVITE", port, 1, body=self.sdp())
        self.accepted = self.final(200)
        self.in_dialog("ACK", port, 1, self.accepted)
        self._to = audio_port(self.accepted.body)
        return self.accepted

    def is_called(self) -> Message:
        """Answer ringtop's call; its INVITE."""
        self.invite = invite = self.receive("INVITE")
        self.answer(invite, "200 OK", self.sdp())
        self.receive("ACK")
        self._to = audio_port(invite.body)
        return invite

    def hang_up(self, port: int) -> None:
        assert self.accepted is not None
        self.in_dialog("BYE", port, 2, self.accepted)
        self.final(200)

    def saw(self, start: str, timeout_s: float = 10.0) -> Message:
        """The next message that begins so; others are passed over."""
        end = time.monotonic() + timeout_s
        while (message := self.receive_any(max(0.0, end - time.monotonic()))) is not None:
            if message.start.startswith(start):
                return message
        raise AssertionError(f"waited in vain for {start}")

    # -- sound

    def talk(self, seconds: float, *strangers: Flood, also: Callable[[], object] = lambda: None) -> None:
        """A packet every 20 ms for so long, while strangers flood; reads all that comes."""
        start = time.monotonic()
        for flood in strangers:
            flood.begin(start)
        packets = 0
        while (now := time.monotonic()) < start + seconds:
            while now >= start + packets * PTIME_S:
                self.send_frame()
                packets += 1
            for flood in strangers:
                flood.send(now)
            self.listen()
            also()
            time.sleep(STEP_S)

    def talk_until(self, condition: Callable[[], object], what: str, patience_s: float = 15.0) -> None:
        end = time.monotonic() + patience_s
        while not condition():
            assert time.monotonic() < end, f"waited in vain for {what}"
            self.talk(0.1)

    def send_frame(self) -> None:
        header = RTP.pack(0x80, 0, self._sequence & 0xFFFF, self._timestamp & 0xFFFFFFFF, SSRC)
        self._rtp.sendto(header + SOUND, (HOST, self._to))
        self._sequence, self._timestamp, self.sent = self._sequence + 1, self._timestamp + 160, self.sent + 1

    def listen(self) -> None:
        self.heard += [RTP.unpack_from(data)[2] for data in drained(self._rtp) if len(data) >= RTP.size]
        self.reports += drained(self._rtcp)

    def heard_whole(self) -> bool:
        """Nothing of what ringtop sent is missing, and nothing came twice."""
        first = self.heard[0]
        return self.heard == [(first + number) & 0xFFFF for number in range(len(self.heard))]


class Flood:
    """A stranger who sends ``make(0)``, ``make(1)`` ... at this rate to one port."""

    def __init__(self, port: int, per_second: float, make: Callable[[int], bytes]) -> None:
        self._socket, self._port = stranger(), port
        self._per_second, self._make = per_second, make
        self.sent = 0
        self.answers = 0
        self._start = 0.0
        self._before = 0

    def begin(self, now: float) -> None:
        self._start, self._before = now, self.sent

    def send(self, now: float) -> None:
        """What is due by now; and what came back is read, so that it does not pile up."""
        due = self._before + int((now - self._start) * self._per_second) - self.sent
        for _ in range(min(due, MOST_AT_ONCE)):
            self._socket.sendto(self._make(self.sent), (HOST, self._port))
            self.sent += 1
        self.answers += len(drained(self._socket))

    def close(self) -> None:
        self._socket.close()


def stranger() -> socket.socket:
    """A socket on a port of its own that never waits."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((HOST, 0))
    udp.setblocking(False)
    return udp


def drained(udp: socket.socket) -> list[bytes]:
    datagrams = []
    for _ in range(1000):
        try:
            datagrams.append(udp.recv(65535))
        except BlockingIOError:
            break
        except ConnectionRefusedError:
            continue
    return datagrams


# ---------------------------------------------------------------------- what strangers say


def sip_request(method: str, port: int, number: int, *, user: str = "ringtop", body: str = "", via: int = 9) -> bytes:
    """A request that no other one is like."""
    lines = [
        f"{method} sip:{user}@{HOST}:{port} SIP/2.0", f"Via: SIP/2.0/UDP {HOST}:{via};branch=z9hG4bKs{number};rport",
        "Max-Forwards: 70", f"From: <sip:stranger@{HOST}>;tag=s{number}", f"To: <sip:{user}@{HOST}:{port}>",
        f"Call-ID: stranger-{number}-{port}@{HOST}", f"CSeq: 1 {method}", f"Contact: <sip:stranger@{HOST}:{via}>",
        *(["Content-Type: application/sdp"] if body else []), f"Content-Length: {len(body)}",
    ]  # fmt: skip
    return ("\r\n".join(lines) + f"\r\n\r\n{body}").encode()


def sdp(port: int = 40000) -> str:
    return f"v=0\r\no=- 1 1 IN IP4 {HOST}\r\ns=-\r\nc=IN IP4 {HOST}\r\nt=0 0\r\nm=audio {port} RTP/AVP 0\r\n"


def rtp(sequence: int, timestamp: int, ssrc: int, payload_type: int = 0, payload: bytes = SOUND) -> bytes:
    return RTP.pack(0x80, payload_type, sequence & 0xFFFF, timestamp & 0xFFFFFFFF, ssrc & 0xFFFFFFFF) + payload


def rtcp_report(ssrc: int) -> bytes:
    """An empty receiver report and the name of its sender."""
    name = f"name-{ssrc:08x}".encode()
    chunk = struct.pack("!IBB", ssrc, 1, len(name)) + name
    chunk += bytes(4 - len(chunk) % 4)
    return struct.pack("!BBHI", 0x80, 201, 1, ssrc) + struct.pack("!BBH", 0x81, 202, len(chunk) // 4) + chunk


def asks_options(port: int, timeout_s: float = 10.0, user: str = "ringtop") -> bytes:
    """A stranger's OPTIONS, and what comes back. It is repeated, as by everybody: a flood may take its place."""
    with stranger() as asking:
        request = sip_request("OPTIONS", port, time.monotonic_ns(), user=user, via=asking.getsockname()[1])
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            asking.sendto(request, (HOST, port))
            if select.select([asking], [], [], 0.5)[0]:
                return asking.recv(65535)
        raise AssertionError("OPTIONS is not answered")


# ---------------------------------------------------------------------- terminals


def talk_until(far: Talker, program: Program, text: str) -> None:
    """Talk, with somebody reading the terminal, until it shows this."""
    end = time.monotonic() + 15
    while text not in program.text():
        assert time.monotonic() < end, f"never came: {text!r}; the screen shows\n{program.text()}"
        far.talk(0.1, also=lambda: program.pump(0))
