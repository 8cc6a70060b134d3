#!/usr/bin/env python3
"""Make sample.wav, the microphone of ``--demo``: two voices, mono, 16 bit, 8 kHz, about ten seconds.

Needs espeak-ng and sox. The file begins and ends in silence, so it can be repeated without a seam, and its
length is a whole number of 60 ms (the longest packet time), so that a repeated file starts at a packet.

    python tests/make_sample.py [sample.wav]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import wave
from pathlib import Path

import numpy as np

RATE_HZ = 8000
BLOCK_SAMPLES = RATE_HZ * 60 // 1000
SPEECH_DBFS = -23.0  # RMS where somebody speaks; 0 dBFS is a full-scale square wave
LEAD_S, PAUSE_S, TAIL_S = 0.20, 0.25, 0.20

LINES = (  # voice, words a minute, pitch, text
    ("en-us+m3", 172, 45, "Hello! This is ringtop, a telephone in your terminal. Can you hear me?"),
    ("en-gb+f2", 168, 58, "Loud and clear! And I can see every packet. Is this really a call?"),
    ("en-us+m3", 172, 45, "It is. Press question mark for help."),
)


def speak(voice: str, words_a_minute: int, pitch: int, text: str, folder: Path) -> np.ndarray:
    """One line as floats of -1 to 1, cut to what is spoken and kept to the band of a telephone."""
    raw, clean = folder / "raw.wav", folder / "clean.wav"
    subprocess.run(["espeak-ng", "-v", voice, "-s", str(words_a_minute), "-p", str(pitch), "-w", raw, text], check=True)
    trim = ["silence", "1", "0.01", "0.3%", "reverse"]
    subprocess.run(
        [
            "sox",
            "-D",
            raw,
            "-r",
            str(RATE_HZ),
            "-b",
            "16",
            "-c",
            "1",
            clean,
            "gain",
            "-8",
            "highpass",
            "120",
            *trim,
            *trim,
        ],
        check=True,
    )
    with wave.open(str(clean)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768.0


def speech_level_dbfs(samples: np.ndarray) -> float:
    """RMS over the 20 ms frames within 40 dB of the loudest: pauses between words do not count."""
    size = RATE_HZ // 50
    power = (samples[: len(samples) // size * size].reshape(-1, size) ** 2).mean(axis=1)
    return float(10 * np.log10(power[power > power.max() * 1e-4].mean()))


def silence(seconds: float) -> np.ndarray:
    return np.zeros(round(seconds * RATE_HZ))


def dialogue() -> np.ndarray:
    parts = [silence(LEAD_S)]
    with tempfile.TemporaryDirectory() as folder:
        for number, line in enumerate(LINES):
            spoken = speak(*line, Path(folder))
            if number:
                parts.append(silence(PAUSE_S))
            parts.append(spoken * 10 ** ((SPEECH_DBFS - speech_level_dbfs(spoken)) / 20))
    parts.append(silence(TAIL_S))
    samples = np.concatenate(parts)
    return np.concatenate([samples, np.zeros(-len(samples) % BLOCK_SAMPLES)])


def main() -> None:
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent / "sample.wav"
    samples = dialogue()
    peak = abs(samples).max()
    if peak >= 0.99:
        sys.exit(f"would clip: the peak is {peak:.2f} of full scale")
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())
    print(f"{path}: {len(samples) / RATE_HZ:.2f} s, {speech_level_dbfs(samples):.1f} dBFS, peak {peak:.2f}")


if __name__ == "__main__":
    main()
