"""How Opus sounds on a bad line, steered as the far end's reports would steer it: PESQ and delay in virtual time.

    python tests/bench/bench_opus.py --speech FOLDER [--rig FOLDER] [--seeds 8] [--conditions clean,...] [--jobs 2]
        [--point BITRATE,FEC,PERCENT --red 1,2] [--ptime MS]

As ``bench_speech.py``, from 48 kHz speech, and with libopus. The encoder stands from the beginning as it would once
the loss of the line is known, or as ``--point`` says. Bits are those of the RTP payloads, redundancy included.
"""

from __future__ import annotations

import importlib
import re
import statistics
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from tests.bench.bench_speech import PACKET_S, RED, TAIL_S, arguments, fate, print_rows
from tests.media.virtual import OneWay, Wire, make_stream

SAID_HZ, SCORED_HZ = 48000, 16000

# In the words of lossy_link.py; what is asked for: PESQ of narrow band, and delay in ms where it does.
CONDITIONS: dict[str, tuple[str, float, float | None]] = {
    "clean": ("", 4.15, None),
    "loss 5 %": ("loss=5", 4.00, None),
    "loss 10 %": ("loss=10", 3.85, None),
    "loss 20 %": ("loss=20", 3.40, None),
    "bursts 5 %": ("burst=5/3", 3.30, None),
    "jitter 40": ("jitter=40", 4.05, 190),
}

Point = tuple[int, bool, float]  # bit rate, in-band FEC, percent lost


def lost(text: str) -> float:
    """The share of packets that a condition loses."""
    found = re.search(r"(?:loss|burst)=(\d+)", text)
    return int(found[1]) / 100 if found else 0.0


def run(
    job: tuple[str, int],
    rig: Path,
    speech: Path,
    seeds: int,
    point: Point | None,
    distances: tuple[int, ...],
    ptime_ms: float,
) -> dict[str, float]:
    """One call, scored."""
    sys.path.insert(0, str(rig))
    link, score = importlib.import_module("lossy_link"), importlib.import_module("score")
    name, seed = job
    text = CONDITIONS[name][0]
    said, _ = score.read_wav(speech / "speech48k.wav")
    wanted, _ = score.read_wav(speech / "speech16k.wav")
    packet_s = ptime_ms / 1000
    phase_s = packet_s * (seed - 0.5) / seeds
    mouth = make_stream("opus", ptime_ms, seed=1, red_send=RED)
    ear = make_stream("opus", ptime_ms, seed=2, red_receive=frozenset({RED}))
    mouth.against_loss(lost(text), 1 if lost(text) else 0)
    if point is not None:
        mouth._out.codec.adapt(*point)
        mouth.repeat(distances)
    way = OneWay(mouth, ear, Wire(fate(link, text, seed)), phase_s)
    heard = way.talk(np.round(said * 32768).astype(np.int16), TAIL_S)
    heard = score.to_rate(heard / 32768.0, SAID_HZ, SCORED_HZ)
    result = score.score(wanted, heard, SCORED_HZ, 0.0, phase_s + packet_s)
    seconds = len(said) / SAID_HZ
    rx, tx = ear.stats(seconds).rx, mouth.stats(seconds).tx
    return {
        "nb": result["pesq_nb"],
        "wb": result["pesq_wb"],
        "delay_ms": result["delay_ms"],
        "kbit/s": tx.bytes * 8 / seconds / 1000,
        "late": rx.late,
        "lost": rx.lost,
        "recovered": rx.recovered,
    }


def main() -> int:
    parser = arguments(__doc__, CONDITIONS)
    parser.add_argument("--point", default="", help="instead of what the loss calls for, e.g. 40000,1,10 (and --red)")
    parser.add_argument("--ptime", type=float, default=1000 * PACKET_S, help="length of a packet in ms")
    options = parser.parse_args()
    words = options.point.split(",")
    point = (int(words[0]), words[1] == "1", float(words[2])) if options.point else None
    distances = tuple(int(word) for word in options.red.split(",") if word)
    return print_rows(options, run, line, point=point, distances=distances, ptime_ms=options.ptime)


def line(name: str, found: list[dict[str, float]]) -> str:
    """One row: the means, what is asked for, and every seed's own PESQ, since seeds differ."""
    _, pesq, delay_ms = CONDITIONS[name]
    means = {key: statistics.mean(result[key] for result in found) for key in found[0]}
    asked = f"(asked {pesq:.2f}" + ("" if delay_ms is None else f", {delay_ms:.0f} ms") + ")"
    each = " ".join(f"{result['nb']:.2f}" for result in found)
    return (
        f"{name:11} PESQ {means['nb']:.2f} ({means['wb']:.2f})  delay {means['delay_ms']:5.1f} ms  {asked:21}"
        f"  {means['kbit/s']:4.1f} kbit/s  late {means['late']:5.1f}  lost {means['lost']:5.1f}"
        f"  recovered {means['recovered']:5.1f}  [{each}]"
    )


if __name__ == "__main__":
    sys.exit(main())
