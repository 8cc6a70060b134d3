"""How soon could anybody play? The least delay at which a line with jitter still sounds as asked, all its fates known.

    python tests/bench/bench_bound.py --speech FOLDER [--rig FOLDER] [--seeds 8] [--jobs 2]
        [--conditions "jitter 10,..."]

The calls are those of ``bench_speech.py``, PCMU in virtual time. For each seed the delay is fixed, before the call and
for its whole length, at one of the ticks at which packets may be played: what is there by then is played then, the
rest when it comes, if it is still of use. Of all choices of one tick a seed, this is the one with the least mean delay
that reaches the PESQ asked for (a hundredth less, as that is how the others are rounded). No buffer that learns can be
sooner and sound as good, but by luck. They are figures, not gates.
"""

from __future__ import annotations

import importlib
import statistics
import sys
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from tests.bench.bench_speech import CONDITIONS, PACKET_S, PATH_MS, RATE, TAIL_S, arguments, fate
from tests.media.virtual import OneWay, Wire, make_stream

SIGMAS = (1, 4)  # ticks that packets may be played at: so many standard deviations behind the mean
NEAR_ENOUGH = 0.005

Decide = Callable[[int, float], "float | None"]


def just_in_time(decide: Decide, latest_s: float) -> Decide:
    """The same fates, but what is there in time comes exactly in time."""

    def delay(number: int, now: float) -> float | None:
        delay_s = decide(number, now)
        return delay_s if delay_s is None else max(delay_s, latest_s)

    return delay


def run(job: tuple[str, int, int], rig: Path, speech: Path, seeds: int) -> tuple[float, float]:
    """PESQ and delay in ms of one call whose packets are played ``ticks`` after they were sent, and the phase."""
    sys.path.insert(0, str(rig))
    link, score = importlib.import_module("lossy_link"), importlib.import_module("score")
    name, seed, ticks = job
    said, _ = score.read_wav(speech / "speech8k.wav")
    phase_s = PACKET_S * (seed - 0.5) / seeds
    wire = Wire(just_in_time(fate(link, CONDITIONS[name][0], seed), phase_s + ticks * PACKET_S - 1e-6))
    ear = make_stream(seed=2)
    ear.set_buffer((1000 * PACKET_S, 1000 * PACKET_S))
    heard = OneWay(make_stream(seed=1), ear, wire, phase_s).talk(np.round(said * 32768).astype(np.int16), TAIL_S)
    result = score.score(said, heard / 32768.0, RATE, 0.0, phase_s + PACKET_S)
    return result["pesq_nb"], result["delay_ms"]


def ticks_of(name: str) -> range:
    """Those worth trying: from hardly any packet too late to far too many."""
    jitter_ms = float(CONDITIONS[name][0].split(",")[0].removeprefix("jitter="))
    first, last = (int((PATH_MS + sigmas * jitter_ms) / (1000 * PACKET_S)) for sigmas in SIGMAS)
    return range(first, last + 1)


def line(name: str, found: dict[tuple[int, int], tuple[float, float]], seeds: int) -> str:
    """The best choice of ticks, one for each seed."""
    wanted, asked_ms = CONDITIONS[name][1:]
    choices = product(*([found[seed, ticks] for ticks in ticks_of(name)] for seed in range(1, seeds + 1)))
    means = (tuple(map(statistics.mean, zip(*choice, strict=True))) for choice in choices)
    reached = [(delay_ms, pesq) for pesq, delay_ms in means if pesq >= wanted - NEAR_ENOUGH]
    if not reached:
        return f"{name:17} PESQ {wanted:.2f} is not reached at all"
    delay_ms, pesq = min(reached)
    return f"{name:17} PESQ {pesq:.2f}  delay {delay_ms:5.1f} ms  (asked {wanted:.2f}, {asked_ms:.0f} ms)"


def main() -> int:
    options = arguments(__doc__, ["jitter 10", "jitter 20"]).parse_args()
    work: Any = partial(run, rig=options.rig, speech=options.speech, seeds=options.seeds)
    with ProcessPoolExecutor(options.jobs) as pool:
        for name in options.conditions.split(","):
            places = list(product(range(1, options.seeds + 1), ticks_of(name)))
            results = pool.map(work, [(name, seed, ticks) for seed, ticks in places])
            print(line(name, dict(zip(places, results, strict=True)), options.seeds), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
