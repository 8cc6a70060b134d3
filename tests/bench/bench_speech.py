"""How a call sounds on a bad line: PESQ and delay of our receive path, exact and without waiting.

    python tests/bench/bench_speech.py --speech FOLDER [--rig FOLDER] [--seeds 8] [--conditions clean,...] [--jobs 2]

Real speech (``make_speech.py`` of the rig makes it into FOLDER) goes as PCMU through a wire in virtual time, where
the rig's ``lossy_link.py`` decides what becomes of each packet, into the whole of our receive path; the rig's
``score.py`` compares. Needs numpy, scipy, pesq and pystoi, and nothing of the network. Each seed is another fate,
and another phase of our clock against the sender's, spread evenly. Delay is file to file: the path and one packet
are in it. The same code gives the same figures every time. They are figures, not gates. Concealed sound includes the
200 ms that fade out when the speech is over.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from tests.media.virtual import OneWay, Wire, make_stream

RIG = Path(__file__).resolve().parents[3] / "shared" / "rig" / "quality"
RATE = 8000
PACKET_S = 0.020
PATH_MS = 60
TAIL_S = 1.5

# What becomes of packets, in the words of lossy_link.py; what the issue asks for: PESQ, and delay in ms where it does.
CONDITIONS: dict[str, tuple[str, float, float | None]] = {
    "clean": ("", 4.05, 90),
    "loss 3 %": ("loss=3", 3.50, None),
    "loss 5 %": ("loss=5", 3.25, None),
    "loss 10 %": ("loss=10", 2.75, None),
    "loss 20 %": ("loss=20", 2.15, None),
    "bursts 5 %": ("burst=5/3", 3.10, None),
    "jitter 10": ("jitter=10", 4.04, 105),
    "jitter 20": ("jitter=20", 4.03, 121),
    "jitter 40": ("jitter=40", 3.95, 190),
    "jitter 20 loss 3": ("jitter=20,loss=3", 3.35, 128),
}


def fate(link: Any, text: str, seed: int) -> Any:
    """The wire's answer for each packet: its delay in seconds, or None when it is lost."""
    impairment = link.Impairment.parse(f"delay={PATH_MS},{text}")
    decisions = link.Fate(seed, "ab/rtp")

    def delay(number: int, now: float) -> float | None:
        lost, extra_s, _ = decisions.decide(impairment)
        return None if lost else PATH_MS / 1000 + extra_s

    return delay


RED = 121  # payload type


def run(job: tuple[str, int], rig: Path, speech: Path, seeds: int, distances: tuple[int, ...] = ()) -> dict[str, float]:
    """One call, scored."""
    sys.path.insert(0, str(rig))
    link, score = importlib.import_module("lossy_link"), importlib.import_module("score")
    name, seed = job
    said, _ = score.read_wav(speech / "speech8k.wav")
    pcm = np.round(said * 32768).astype(np.int16)
    phase_s = PACKET_S * (seed - 0.5) / seeds
    mouth, ear = make_stream(seed=1, red_send=RED), make_stream(seed=2, red_receive=frozenset({RED}))
    mouth.repeat(distances)
    way = OneWay(mouth, ear, Wire(fate(link, CONDITIONS[name][0], seed)), phase_s)
    heard = way.talk(pcm, TAIL_S)
    # A packet leaves when its last sample was said; the virtual mouth says it all at once, at the beginning.
    result = score.score(said, heard / 32768.0, RATE, 0.0, phase_s + PACKET_S)
    rx = way.ear.stats(len(pcm) / RATE).rx
    return {
        "pesq": result["pesq_nb"],
        "delay_ms": result["delay_ms"],
        "late": rx.late,
        "lost": rx.lost,
        "recovered": rx.recovered,
        "concealed_ms": rx.concealed_ms,
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--speech", type=Path, required=True, help="folder that make_speech.py filled")
    parser.add_argument("--rig", type=Path, default=RIG)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--conditions", default=",".join(CONDITIONS))
    parser.add_argument("--red", default="", help="distances in packets at which each is repeated, e.g. 1,2")
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    distances = tuple(int(word) for word in options.red.split(",") if word)
    work = partial(run, rig=options.rig, speech=options.speech, seeds=options.seeds, distances=distances)
    with ProcessPoolExecutor(options.jobs) as pool:
        for name in options.conditions.split(","):
            found = list(pool.map(work, [(name, seed) for seed in range(1, options.seeds + 1)]))
            print(line(name, found), flush=True)
    return 0


def line(name: str, found: list[dict[str, float]]) -> str:
    """One row: the means, what is asked for, and every seed's own PESQ, since seeds differ."""
    _, pesq, delay_ms = CONDITIONS[name]
    means = {key: statistics.mean(result[key] for result in found) for key in found[0]}
    asked = f"(asked {pesq:.2f}" + ("" if delay_ms is None else f", {delay_ms:.0f} ms") + ")"
    each = " ".join(f"{result['pesq']:.2f}" for result in found)
    return (
        f"{name:17} PESQ {means['pesq']:.2f}  delay {means['delay_ms']:5.1f} ms  {asked:22}"
        f"  late {means['late']:5.1f}  lost {means['lost']:5.1f}  recovered {means['recovered']:5.1f}"
        f"  concealed {means['concealed_ms']:6.0f} ms  [{each}]"
    )


if __name__ == "__main__":
    sys.exit(main())
