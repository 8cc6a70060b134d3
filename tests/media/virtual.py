"""A call in virtual time: two streams, or one ear, and a wire between that delays, loses, doubles and reorders."""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from engine.media import codecs
from engine.media.stream import AudioStream

EVENTS = 101
WALL = 1_800_000_000.0


def make_stream(codec: str = "PCMU", ptime_ms: float = 20, seed: int = 1, **changes: object) -> AudioStream:
    """One end of a call, both ways the same codec."""
    wire = codecs.formats([codec])[0]
    parameters: dict = {
        "send": wire,
        "receive": {wire[0]: wire[1:]},
        "dtmf_send": (EVENTS, 8000),
        "dtmf_receive": {EVENTS: 8000},
        "ptime_ms": ptime_ms,
        "cname": "tester",
        "entropy": random.Random(seed),
        "now": 0.0,
    }
    return AudioStream(**{**parameters, **changes})


def speech(seconds: float, rate: int = 8000, seed: int = 5) -> np.ndarray:
    """Like a voice: gliding pitch, formants, syllables with hissing onsets, pauses. RMS about -26 dBFS."""
    chance = np.random.default_rng(seed)
    count = int(seconds * rate)
    at = np.arange(count) / rate
    pitch = 120 + 25 * np.sin(2 * np.pi * 0.7 * at) + 10 * np.sin(2 * np.pi * 2.3 * at)
    phase = 2 * np.pi * np.cumsum(pitch) / rate
    voice = np.zeros(count)
    for harmonic in range(1, 25):
        hertz = 120 * harmonic
        if hertz > rate * 0.45:
            break
        formants = sum(np.exp(-(((hertz - middle) / 180) ** 2)) for middle in (500, 1500, 2500))
        voice += (0.05 + formants) / harmonic**0.5 * np.sin(harmonic * phase)
    syllable = np.clip(np.sin(2 * np.pi * 3.7 * at) * 1.5 + 0.4, 0, 1)
    words = (np.sin(2 * np.pi * 0.45 * at) > -0.6).astype(float)
    hiss = chance.normal(0, 0.4, count) * np.clip(np.sin(2 * np.pi * 3.7 * at + 1.2) - 0.85, 0, 1) * 5
    sound = (voice * syllable + hiss) * words
    sound *= 32768 * 10 ** (-26 / 20) / np.sqrt(np.mean(sound**2))
    return np.clip(sound, -32768, 32767).astype(np.int16)


Delay = Callable[[int, float], "float | None"]  # number of the packet, when it was sent -> seconds; None: lost


@dataclass
class Wire:
    """Packets on their way."""

    delay: Delay = lambda number, now: 0.040
    duplicate: Callable[[int], bool] = lambda number: False
    _flying: list[tuple[float, int, bytes]] = field(default_factory=list)
    _count: int = 0

    def send(self, data: bytes, now: float) -> None:
        number, self._count = self._count, self._count + 1
        delay = self.delay(number, now)
        if delay is None:
            return
        heapq.heappush(self._flying, (now + delay, 2 * number, data))
        if self.duplicate(number):
            heapq.heappush(self._flying, (now + delay + 0.001, 2 * number + 1, data))

    def arrived(self, now: float) -> list[tuple[float, bytes]]:
        came = []
        while self._flying and self._flying[0][0] <= now:
            at, _, data = heapq.heappop(self._flying)
            came.append((at, data))
        return came


def jitter(mean_s: float, loss: float = 0.0, base_s: float = 0.040, seed: int = 7) -> Delay:
    """Exponential jitter on a constant delay, and independent losses."""
    chance = random.Random(seed)

    def delay(number: int, now: float) -> float | None:
        extra = chance.expovariate(1 / mean_s) if mean_s else 0.0
        return None if chance.random() < loss else base_s + extra

    return delay


@dataclass
class OneWay:
    """A mouth, a wire and an ear. The ear ticks ``phase_s`` after the mouth; ``skew`` is how much faster the mouth's
    clock runs (30e-6: 30 ppm)."""

    mouth: AudioStream
    ear: AudioStream
    wire: Wire
    phase_s: float = 0.0071
    skew: float = 0.0
    on_tick: Callable[[float], None] = lambda now: None

    def talk(self, sound: np.ndarray, tail_s: float = 0.0) -> np.ndarray:
        """Say all of it; what was heard from the first tick on."""
        mouth, ear = self.mouth, self.ear
        mouth_s = mouth.frame_samples / mouth.rate_hz / (1 + self.skew)
        ear_s = ear.frame_samples / ear.rate_hz
        heard = []
        sent = played = 0
        frames = len(sound) // mouth.frame_samples
        end = frames * mouth_s + tail_s
        while True:
            next_sent = sent * mouth_s if sent < frames else float("inf")
            next_played = self.phase_s + played * ear_s
            if min(next_sent, next_played) >= end:
                return np.concatenate(heard)
            if next_sent <= next_played:
                frame = sound[sent * mouth.frame_samples : (sent + 1) * mouth.frame_samples]
                self.wire.send(mouth.send_frame(frame, next_sent), next_sent)
                sent += 1
            else:
                for at, data in self.wire.arrived(next_played):
                    ear.receive_rtp(data, at)
                heard.append(ear.play_frame(next_played))
                self.on_tick(next_played)
                played += 1


@dataclass
class Bottleneck(Wire):
    """A wire that carries ``rate_bps`` and lets packets wait ``queue_s`` at most. 28 octets of IP and UDP count too."""

    rate_bps: float = 1e9
    queue_s: float = 0.2
    _free_at: float = 0.0

    def send(self, data: bytes, now: float) -> None:
        begin = max(now, self._free_at)
        if begin - now > self.queue_s:
            return
        self._free_at = begin + 8 * (len(data) + 28) / self.rate_bps
        super().send(data, self._free_at)


@dataclass
class BothWays:
    """A call with RTCP: two ends, four wires. Reports are looked for at every tick."""

    ends: tuple[AudioStream, AudioStream]
    rtp: tuple[Wire, Wire]  # from each end to the other
    rtcp: tuple[Wire, Wire] = field(default_factory=lambda: (Wire(), Wire()))
    phase_s: float = 0.0071
    on_tick: Callable[[float], None] = lambda now: None

    def talk(self, sound: np.ndarray, tail_s: float = 0.0) -> np.ndarray:
        """The first end says all of it, the second says nothing; what the second one heard."""
        mouth, ear = self.ends
        frame = mouth.frame_samples
        frame_s = frame / mouth.rate_hz
        silence = np.zeros(ear.frame_samples, np.int16)
        heard = []
        count = len(sound) // frame
        for tick in range(count + int(tail_s / frame_s)):
            now = tick * frame_s
            said = sound[tick * frame : (tick + 1) * frame] if tick < count else np.zeros(frame, np.int16)
            self._receive(0, now)
            if tick < count:
                self.rtp[0].send(mouth.send_frame(said, now), now)
            mouth.play_frame(now)
            self._report(0, now)
            now += self.phase_s
            self._receive(1, now)
            self.rtp[1].send(ear.send_frame(silence, now), now)
            heard.append(ear.play_frame(now))
            self._report(1, now)
            self.on_tick(now)
        return np.concatenate(heard)

    def _receive(self, end: int, now: float) -> None:
        for at, data in self.rtp[1 - end].arrived(now):
            self.ends[end].receive_rtp(data, at)
        for at, data in self.rtcp[1 - end].arrived(now):
            self.ends[end].receive_rtcp(data, at)

    def _report(self, end: int, now: float) -> None:
        due = self.ends[end].rtcp_deadline()
        if due is not None and now >= due:
            data = self.ends[end].make_rtcp(now, WALL + now)
            if data:
                self.rtcp[end].send(data, now)


def delay_ms(sent: np.ndarray, heard: np.ndarray, rate: int, at_s: float, window_s: float = 1.0) -> float:
    """How much later than it was said the sound at ``at_s`` was heard: where both correlate best, within 1 s."""
    begin, length, reach = int(at_s * rate), int(window_s * rate), rate
    piece = sent[begin : begin + length].astype(np.float64)
    field_ = np.zeros(length + reach)
    there = heard[begin : begin + length + reach]
    field_[: len(there)] = there
    size = 1 << (len(field_) + len(piece)).bit_length()
    match = np.fft.irfft(np.fft.rfft(field_, size) * np.conj(np.fft.rfft(piece, size)), size)[:reach]
    energy = np.cumsum(np.concatenate(([0.0], field_**2)))
    norm = np.sqrt(energy[length : length + reach] - energy[:reach] + 1)
    return float(np.argmax(match[: len(norm)] / norm)) * 1000 / rate


def spectral_distance_db(one: np.ndarray, other: np.ndarray, rate: int) -> float:
    """Mean distance of the log spectra in frames of 20 ms: small is alike. Not bothered by phase."""
    size = rate // 50
    count = min(len(one), len(other)) // size
    window = np.hanning(size)

    def spectrum(pcm: np.ndarray) -> np.ndarray:
        frames = pcm[: count * size].astype(np.float64).reshape(count, size) * window
        power = np.abs(np.fft.rfft(frames, axis=1)) ** 2
        bands = power[:, : power.shape[1] // 4 * 4].reshape(count, -1, 4).sum(axis=2)
        return 10 * np.log10(bands + 1e4)

    return float(np.mean(np.abs(spectrum(one) - spectrum(other))))
