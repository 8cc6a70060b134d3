"""How a call sounds on a bad line: PESQ and delay of our receive path, exact and without waiting.

    python tests/bench/bench_speech.py --speech FOLDER [--rig FOLDER] [--seeds 8] [--conditions clean,...] [--jobs 2]
                                       [--red 1,2 | --red auto]

Real speech (``make_speech.py`` of the rig makes it into FOLDER) goes as PCMU through a wire in virtual time, where
the rig's ``lossy_link.py`` decides what becomes of each packet, into the whole of our receive path; the rig's
``score.py`` compares. Needs numpy, scipy, pesq and pystoi, and nothing of the network. Each seed is another fate,
and another phase of our clock against the sender's, spread evenly. Delay is file to file: the path and one packet
are in it. With ``--red`` every packet repeats the ones that far before it from the first on, or, with "auto", as
many as the reports of the ear, whose RTCP comes back over a clean wire, call for. The same code gives the same figures
every time. They are figures, not gates. Concealed sound includes the 200 ms that fade out when the speech is over.
"""

from __future__ import annotations

import argparse
import importlib
import statistics
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from engine.media.stream import AudioStream
from tests.media.virtual import BothWays, OneWay, Wire, make_stream

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

# The same with redundancy (RFC 2198), at most so much delay.
WITH_RED = {
    "loss 3 %": 4.03,
    "loss 5 %": 4.02,
    "loss 10 %": 3.95,
    "loss 20 %": 3.70,
    "bursts 5 %": 3.40,
    "jitter 20 loss 3": 3.95,
}
RED_DELAY_MS = 125
RED = 121  # payload type


def fate(link: Any, text: str, seed: int) -> Any:
    """The wire's answer for each packet: its delay in seconds, or None when it is lost."""
    impairment = link.Impairment.parse(f"delay={PATH_MS},{text}")
    decisions = link.Fate(seed, "ab/rtp")

    def delay(number: int, now: float) -> float | None:
        lost, extra_s, _ = decisions.decide(impairment)
        return None if lost else PATH_MS / 1000 + extra_s

    return delay


def call(red: str, wire: Wire, phase_s: float, pcm: np.ndarray) -> tuple[np.ndarray, AudioStream]:
    """What was heard, and by whom. ``red``: distances in packets at which each is sent again, or "auto"."""
    mouth = make_stream(seed=1, red_send=RED)
    ear = make_stream(seed=2, red_receive=frozenset({RED}), red_send=RED)
    if red == "auto":
        there, back = Wire(lambda number, now: PATH_MS / 1000), Wire(lambda number, now: PATH_MS / 1000)
        return BothWays((mouth, ear), (wire, Wire()), (there, back), phase_s).talk(pcm, TAIL_S), ear
    mouth.repeat(tuple(int(word) for word in red.split(",") if word))
    return OneWay(mouth, ear, wire, phase_s).talk(pcm, TAIL_S), ear


def run(job: tuple[str, int], rig: Path, speech: Path, seeds: int, red: str) -> dict[str, float]:
    """One call, scored."""
    sys.path.insert(0, str(rig))
    link, score = importlib.import_module("lossy_link"), importlib.import_module("score")
    name, seed = job
    said, _ = score.read_wav(speech / "speech8k.wav")
    pcm = np.round(said * 32768).astype(np.int16)
    phase_s = PACKET_S * (seed - 0.5) / seeds
    heard, ear = call(red, Wire(fate(link, CONDITIONS[name][0], seed)), phase_s, pcm)
    # A packet leaves when its last sample was said; the virtual mouth says it all at once, at the beginning.
    result = score.score(said, heard / 32768.0, RATE, 0.0, phase_s + PACKET_S)
    rx = ear.stats(len(pcm) / RATE).rx
    return {
        "pesq": result["pesq_nb"],
        "delay_ms": result["delay_ms"],
        "late": rx.late,
        "lost": rx.lost,
        "recovered": rx.recovered,
        "concealed_ms": rx.concealed_ms,
    }


def arguments(description: str | None, conditions: Iterable[str]) -> argparse.ArgumentParser:
    """What every measure of speech over bad lines is told."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--speech", type=Path, required=True, help="folder that make_speech.py filled")
    parser.add_argument("--rig", type=Path, default=RIG)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--conditions", default=",".join(conditions))
    parser.add_argument("--red", default="", help="packets sent again in each, by distance, e.g. 1,2")
    parser.add_argument("--jobs", type=int, default=2)
    return parser


def print_rows(
    options: argparse.Namespace, run: Callable[..., dict[str, Any]], line: Callable[..., str], **given: Any
) -> int:
    """One row a condition: ``run`` for every seed, side by side, and ``line`` of what they found."""
    work = partial(run, rig=options.rig, speech=options.speech, seeds=options.seeds, **given)
    with ProcessPoolExecutor(options.jobs) as pool:
        for name in options.conditions.split(","):
            print(line(name, list(pool.map(work, [(name, seed) for seed in range(1, options.seeds + 1)]))), flush=True)
    return 0


def main() -> int:
    options = arguments(f'{__doc__}\n--red may be "auto" as well', CONDITIONS).parse_args()
    return print_rows(options, run, partial(line, red=options.red), red=options.red)


def line(name: str, found: list[dict[str, float]], red: str) -> str:
    """One row: the means, what is asked for, and every seed's own PESQ, since seeds differ."""
    _, pesq, delay_ms = CONDITIONS[name]
    if red and name in WITH_RED:
        pesq, delay_ms = WITH_RED[name], RED_DELAY_MS
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
