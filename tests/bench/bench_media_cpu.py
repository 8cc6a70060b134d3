"""What one packet pair of a call costs the processor: receive, play and send one frame of PCMU.

    python tests/bench/bench_media_cpu.py [--seconds 60] [--repeat 5] [--codec PCMU] [--ptime 20] [--profile]

Time is virtual: a whole call runs as fast as the machine can, so no socket, clock or scheduler is in the figure.
Two streams talk to each other over a wire that is perfect, then over one that jitters, reorders and loses. The
figure is processor time per packet pair (one packet received and played, one made), the median of the repeats,
with the load of the machine beside it. It is a figure, not a gate.
"""

from __future__ import annotations

import argparse
import cProfile
import heapq
import os
import pstats
import random
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from engine.media import codecs
from engine.media.stream import AudioStream

WALL = 1_790_000_000.0
PROFILED_LINES = 25
PERFECT, BAD = (0.0, 0.0), (0.008, 0.02)  # mean jitter in s, share lost


def stream(codec: str, ptime_ms: int, seed: int) -> AudioStream:
    """One end of a call, both ways the same codec."""
    wire = codecs.formats([codec])[0]
    return AudioStream(
        send=wire,
        receive={wire.payload_type: wire[1:]},
        dtmf_send=(101, 8000),
        dtmf_receive={101: 8000},
        ptime_ms=ptime_ms,
        cname="bench",
        entropy=random.Random(seed),
        now=0.0,
    )


def speech(samples: int, rate_hz: int) -> np.ndarray:
    """Something with syllables and pauses: a buzz, gated four times a second, over a little noise."""
    at = np.arange(samples) / rate_hz
    buzz = sum(np.sin(2 * np.pi * 130 * harmonic * at) / harmonic for harmonic in range(1, 12))
    gate = (np.sin(2 * np.pi * 4 * at) > -0.3) * (np.sin(2 * np.pi * 0.4 * at) > -0.5)
    noise = np.random.default_rng(7).normal(0.0, 60.0, samples)
    return np.clip(buzz * gate * 4000 + noise, -32768, 32767).astype(np.int16)


class Wire:
    """Packets on their way. ``jitter_s`` is the mean of an exponential delay, so that some overtake others."""

    def __init__(self, jitter_s: float, loss: float) -> None:
        self._random = random.Random(7)
        self._jitter_s = jitter_s
        self._loss = loss
        self._flying: list[tuple[float, int, bytes]] = []
        self._count = 0

    def send(self, data: bytes, now: float) -> None:
        self._count += 1
        if self._random.random() >= self._loss:
            delay = self._random.expovariate(1 / self._jitter_s) if self._jitter_s else 0.0
            heapq.heappush(self._flying, (now + 0.005 + delay, self._count, data))

    def arrived(self, now: float) -> list[tuple[float, bytes]]:
        packets = []
        while self._flying and self._flying[0][0] <= now:
            at, _, data = heapq.heappop(self._flying)
            packets.append((at, data))
        return packets


def recorded(codec: str, ptime_ms: int, seconds: float, wire: Wire) -> list[tuple[list[tuple[float, bytes]], bytes]]:
    """What arrives in each tick of a call, RTP and RTCP, made beforehand so that it is not in the figure."""
    far, ticks = stream(codec, ptime_ms, seed=8), []
    pcm = speech(far.frame_samples * 50, far.rate_hz).reshape(50, -1)
    for number in range(int(seconds * 1000 / ptime_ms)):
        now = number * ptime_ms / 1000
        data = far.send_frame(pcm[number % 50], now)
        if data:
            wire.send(data, now)
        deadline = far.rtcp_deadline()
        report = far.make_rtcp(now, WALL + now) if deadline is not None and deadline <= now else b""
        ticks.append((wire.arrived(now), report))
    return ticks


def call(codec: str, ptime_ms: int, ticks: list[tuple[list[tuple[float, bytes]], bytes]]) -> tuple[float, AudioStream]:
    """Processor seconds that the near end of that call takes, and the near end."""
    near = stream(codec, ptime_ms, seed=7)
    pcm = speech(near.frame_samples * 50, near.rate_hz).reshape(50, -1)
    begin = time.process_time()
    for number, (packets, report) in enumerate(ticks):
        now = number * ptime_ms / 1000
        for at, data in packets:
            near.receive_rtp(data, at)
        if report:
            near.receive_rtcp(report, now)
        near.play_frame(now)
        near.send_frame(pcm[number % 50], now)
        deadline = near.rtcp_deadline()
        if deadline is not None and deadline <= now:
            near.make_rtcp(now, WALL + now)
    return time.process_time() - begin, near


def load() -> str:
    return f"load {os.getloadavg()[0]:.2f}" if hasattr(os, "getloadavg") else "load unknown"


def microseconds_a_pair(seconds: float, codec: str = "PCMU", ptime_ms: int = 20) -> tuple[float, float]:
    """(on a perfect wire, on a bad one): processor time of one packet received and played and one made, median."""
    figures = []
    for wire in (Wire(*PERFECT), Wire(*BAD)):
        ticks = recorded(codec, ptime_ms, seconds, wire)
        figures.append(statistics.median(call(codec, ptime_ms, ticks)[0] / len(ticks) * 1e6 for _ in range(3)))
    return figures[0], figures[1]


def measure(name: str, options: argparse.Namespace, wire: Wire) -> None:
    ticks = recorded(options.codec, options.ptime, options.seconds, wire)
    figures = []
    for _ in range(options.repeat):
        took_s, near = call(options.codec, options.ptime, ticks)
        figures.append(took_s / len(ticks) * 1e6)
    rx = near.stats(options.seconds).rx
    share = statistics.median(figures) / (options.ptime * 1000)
    print(
        f"{name:<24} {statistics.median(figures):7.1f} us a pair (best {min(figures):.1f}, worst {max(figures):.1f})"
        f" = {60 * share:.2f} CPU s a minute"
        f"  lost {rx.lost} late {rx.late} concealed {rx.concealed_ms:.0f} ms  {load()}"
    )


def profile(options: argparse.Namespace, wire: Wire) -> None:
    ticks = recorded(options.codec, options.ptime, options.seconds, wire)
    profiler = cProfile.Profile()
    profiler.runcall(call, options.codec, options.ptime, ticks)
    pstats.Stats(profiler).sort_stats("tottime").print_stats(PROFILED_LINES)


def main() -> None:
    parser = argparse.ArgumentParser(description="microseconds per packet pair of one call, in virtual time")
    parser.add_argument("--seconds", type=float, default=60.0, help="length of the call")
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--codec", default="PCMU")
    parser.add_argument("--ptime", type=int, default=20)
    parser.add_argument("--profile", action="store_true", help="where the time goes, on the bad wire")
    options = parser.parse_args()
    measure("perfect wire", options, Wire(*PERFECT))
    measure("jitter 8 ms, loss 2 %", options, Wire(*BAD))
    if options.profile:
        profile(options, Wire(*BAD))


if __name__ == "__main__":
    main()
