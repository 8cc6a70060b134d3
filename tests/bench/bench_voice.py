"""What is done to a microphone, measured: echo cancellation, noise suppression, automatic gain; ours and the library's.

    python tests/bench/bench_voice.py --speech FOLDER [--rates 8,16,48] [--rooms 2]

Speech of other voices is played into a simulated room: a delay of 50 to 200 ms, a first sound, a tail that falls by
60 dB in 0.2 s, an echo 10 dB softer than it was played. ERLE is how much less of the echo is left when nobody speaks
here, from the sixth second on. PESQ is that of who speaks here all the time while the far end speaks all the time
(from the sixth second on), against what he said; it is compared with the microphone as it is. A headset is a far end
that comes back nowhere. The same code gives the same figures every time, but for the processor time.

Asked: ERLE at least 25 dB, PESQ of double talk not below 3.5. Needs numpy, scipy, pesq, aec-audio-processing, and
the speech of the rig's ``make_speech.py`` in FOLDER.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
import wave
from collections.abc import Callable, Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from pesq import pesq
from scipy.signal import fftconvolve, resample_poly

from engine.media.voice import Duplex

DELAYS_MS = (50, 100, 200)
LEARNT_S = 5
SECTIONS_S = ((10, 20), (20, 30))
ROOM_FLOOR = 2.0  # RMS of the microphone's own noise, in units of int16

Process = Callable[[np.ndarray, np.ndarray], np.ndarray]  # near, far (int16) -> sent


def read(path: Path) -> tuple[np.ndarray, int]:
    """int16 samples as floats, and their rate."""
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float), file.getframerate()


def room(rate: int, delay_ms: float, seed: int, loss_db: float = 10.0) -> np.ndarray:
    """An impulse response."""
    count = int(0.25 * rate)
    tail = np.random.default_rng(seed).normal(0, 1, count) * np.exp(-6.9 * np.arange(count) / rate / 0.2)
    tail[0] = 8
    silence = np.zeros(int(delay_ms * rate / 1000))
    return np.concatenate((silence, tail / np.sqrt((tail**2).sum()) * 10 ** (-loss_db / 20)))


def pcm(sound: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(sound), -32768, 32767).astype(np.int16)


# ---------------------------------------------------------------------- who does it


def ours(rate: int, *steps: str) -> Process:
    def process(near: np.ndarray, far: np.ndarray) -> np.ndarray:
        duplex, block = Duplex(rate, rate, frozenset(steps)), rate // 100
        out = []
        for at in range(0, len(near) - block + 1, block):
            duplex.played(far[at : at + block])
            out.append(duplex.captured(near[at : at + block]))
        return np.concatenate(out)

    return process


def library(rate: int, **features: object) -> Process:
    """aec-audio-processing as it comes, with its own echo canceller (WebRTC's AEC3)."""
    from aec_audio_processing import AudioProcessor

    def process(near: np.ndarray, far: np.ndarray) -> np.ndarray:
        made, block = AudioProcessor(**{"enable_vad": False, **features}), rate // 100
        made.set_stream_format(rate, 1)
        made.set_reverse_stream_format(rate, 1)
        out = []
        for at in range(0, len(near) - block + 1, block):
            made.process_reverse_stream(far[at : at + block].tobytes())
            made.set_stream_delay(100)
            out.append(np.frombuffer(made.process_stream(near[at : at + block].tobytes()), np.int16))
        return np.concatenate(out)

    return process


def candidates(rate: int) -> dict[str, Process]:
    return {
        "microphone as it is": lambda near, far: near,
        "echo (ours)": ours(rate, "echo"),
        "echo, noise, gain": ours(rate, "echo", "noise", "gain"),
        "duck (ours)": ours(rate, "duck"),
        "library's echo": library(rate, enable_aec=True, enable_ns=False, enable_agc=False),
        "library, all of it": library(rate, enable_aec=True, enable_ns=True, ns_level=1, enable_agc=True),
    }


# ---------------------------------------------------------------------- scores


def score(said: np.ndarray, sent: np.ndarray, rate: int) -> float:
    """Narrowband PESQ, the mean of two sections of ten seconds; aligned by correlation."""
    size = 2 * len(sent)
    match = np.fft.irfft(np.fft.rfft(sent, size) * np.conj(np.fft.rfft(said[: len(sent)], size)), size)
    lag = int(np.argmax(match[: rate // 5]))
    sent = np.concatenate((sent[lag:], np.zeros(lag)))
    if rate != 8000:
        said, sent = resample_poly(said, 8000, rate), resample_poly(sent, 8000, rate)
    return statistics.mean(
        pesq(8000, said[8000 * begin : 8000 * end] / 32768, sent[8000 * begin : 8000 * end] / 32768, "nb")
        for begin, end in SECTIONS_S
    )


def level_dbfs(sound: np.ndarray, rate: int) -> float:
    """Of the frames in which somebody speaks."""
    frames = sound[: len(sound) // (rate // 50) * (rate // 50)].reshape(-1, rate // 50)
    power = (frames.astype(float) ** 2).mean(axis=1)
    return float(10 * np.log10(power[power > power.max() * 1e-3].mean() / 32768**2))


class Bench:
    """One rate: who speaks here, who speaks there."""

    def __init__(self, speech: Path, kilohertz: int) -> None:
        said, self.rate = read(speech / f"speech{kilohertz}k.wav")
        self.far = np.roll(said, 12 * self.rate)  # other voices
        self.here = said.copy()
        self.here[: LEARNT_S * self.rate] = 0
        self.said = said
        self.floor = np.random.default_rng(5).normal(0, ROOM_FLOOR, len(said))

    def double_talk(self, process: Process, way: np.ndarray) -> tuple[float, float]:
        """(ERLE in dB, PESQ)"""
        echo = fftconvolve(self.far, way)[: len(self.far)]
        left = process(pcm(echo + self.floor), pcm(self.far)).astype(float)
        last = slice(LEARNT_S * self.rate, len(left))
        erle_db = 10 * np.log10((echo[last] ** 2).sum() / ((left[last] ** 2).sum() + 1))
        both = process(pcm(self.here + echo + self.floor), pcm(self.far)).astype(float)
        return float(erle_db), score(self.here, both, self.rate)

    def headset(self, process: Process) -> float:
        return score(self.here, process(pcm(self.here + self.floor), pcm(self.far)).astype(float), self.rate)

    def alone(self, process: Process) -> float:
        return score(self.said, process(pcm(self.said), pcm(0 * self.far)).astype(float), self.rate)

    def cost_us(self, process: Process) -> float:
        """Processor time of a block of 10 ms."""
        near, far = pcm(self.said[: 3 * self.rate]), pcm(self.far[: 3 * self.rate])
        begin = time.process_time()
        process(near, far)
        return (time.process_time() - begin) / 300 * 1e6


# ---------------------------------------------------------------------- the tables


def echo_table(bench: Bench, rooms: int) -> Iterable[str]:
    yield f"{bench.rate} Hz"
    header = [*(f"{delay} ms ERLE PESQ" for delay in DELAYS_MS), "alone", "headset", "us per 10 ms"]
    yield f"{'':20} " + " ".join(f"{word:>16}" for word in header)
    for name, process in candidates(bench.rate).items():
        cells = []
        for delay in DELAYS_MS:
            found = [bench.double_talk(process, room(bench.rate, delay, seed)) for seed in range(1, rooms + 1)]
            erle, quality = (statistics.mean(values) for values in zip(*found, strict=True))
            cells.append(f"{erle:5.1f} dB {quality:.2f}")
        cells += [f"{bench.alone(process):.2f}", f"{bench.headset(process):.2f}", f"{bench.cost_us(process):.0f}"]
        yield f"{name:20} " + " ".join(f"{cell:>16}" for cell in cells)


def noise_table(bench: Bench) -> Iterable[str]:
    """Pink noise under the speech, before and after; levels of gain."""
    white = np.random.default_rng(1).normal(0, 1, len(bench.said))
    pink = np.fft.irfft(np.fft.rfft(white) / np.maximum(np.arange(len(white) // 2 + 1), 40) ** 0.5, len(white))
    pink *= bench.said.std() / pink.std()
    silent = pcm(0 * bench.far)
    yield "noise suppression, PESQ:  signal to noise        as it is   noise   noise, gain"
    for ratio_db in (None, 20, 10):
        noisy = bench.said + (0 if ratio_db is None else pink * 10 ** (-ratio_db / 20))
        cells = [score(bench.said, noisy, bench.rate)]
        for steps in (("noise",), ("noise", "gain")):
            cells.append(score(bench.said, ours(bench.rate, *steps)(pcm(noisy), silent).astype(float), bench.rate))
        label = "no noise" if ratio_db is None else f"{ratio_db} dB"
        yield f"{'':26}{label:20} " + " ".join(f"{cell:9.2f}" for cell in cells)
    yield "automatic gain:           microphone             sent       PESQ"
    for gain_db in (-20, -10, 0, 6):
        soft = pcm(bench.said * 10 ** (gain_db / 20))
        sent = ours(bench.rate, "gain")(soft, silent).astype(float)
        before, after = level_dbfs(soft, bench.rate), level_dbfs(sent, bench.rate)
        yield f"{'':26}{before:6.1f} dBFS       {after:6.1f} dBFS   {score(bench.said, sent, bench.rate):.2f}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--speech", type=Path, required=True, help="folder that make_speech.py filled")
    parser.add_argument("--rates", default="8,16,48", help="kilohertz")
    parser.add_argument("--rooms", type=int, default=2)
    options = parser.parse_args()
    for kilohertz in options.rates.split(","):
        bench = Bench(options.speech, int(kilohertz))
        for line in echo_table(bench, options.rooms):
            print(line, flush=True)
        if bench.rate == 8000:
            for line in noise_table(bench):
                print(line, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
