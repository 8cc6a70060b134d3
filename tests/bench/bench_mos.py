"""Is the estimate honest? The E-model's MOS of a call beside PESQ of what was heard in it.

    python tests/bench/bench_mos.py --speech FOLDER [--rig FOLDER] [--seeds 8] [--conditions clean,...] [--jobs 2]
                                    [--red 1,2]

The calls are those of ``bench_speech.py``, PCMU in virtual time; the estimate is made from the same counters that the
screen has, over the whole call. PESQ (P.862.1, MOS-LQO, to 4.55) hears no delay; the E-model (MOS-CQE, to 4.41 for
PCMU) counts it, so that it is given twice: as shown, and as if there were no delay. The last column is that one less
PESQ. PESQ of a clean G.711 call is well below its own end, and its scores are of this one speaker's 30 s: what is to be
compared is how both fall from line to line. They are figures, not gates.
"""

from __future__ import annotations

import importlib
import statistics
import sys
from math import inf
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from engine.media import quality
from engine.media.bursts import burst_ratio
from engine.media.stream import AudioStream
from tests.bench.bench_speech import CONDITIONS, PACKET_S, RATE, RED, TAIL_S, arguments, fate, print_rows
from tests.media.virtual import OneWay, Wire, make_stream


def estimate(ear: AudioStream, now: float, delay_ms: float) -> quality.Quality:
    """By the counters of the whole call, as the engine does it by those of the last seconds."""
    rx, bursts = ear.stats(now).rx, ear.bursts()
    assert bursts is not None, "nothing came"
    expected = rx.packets - rx.duplicate + max(rx.lost, 0)
    late = (rx.late + rx.discarded) / expected
    missed = min(max(rx.lost + rx.late + rx.discarded - rx.recovered, 0) / expected, 1.0)
    ratio = burst_ratio(bursts.mean_run, missed)
    found = quality.rate(quality.Heard("PCMU", RATE, 100 * missed, 100 * late, ratio, delay_ms))
    assert found is not None, "PCMU is known"
    return found


def run(job: tuple[str, int], rig: Path, speech: Path, seeds: int, red: str) -> dict[str, float | str]:
    """One call, scored and estimated."""
    sys.path.insert(0, str(rig))
    link, score = importlib.import_module("lossy_link"), importlib.import_module("score")
    name, seed = job
    said, _ = score.read_wav(speech / "speech8k.wav")
    pcm = np.round(said * 32768).astype(np.int16)
    phase_s = PACKET_S * (seed - 0.5) / seeds
    mouth, ear = make_stream(seed=1, red_send=RED), make_stream(seed=2, red_receive=frozenset({RED}))
    mouth.repeat(tuple(int(word) for word in red.split(",") if word))
    buffered_ms: list[float] = []

    def note(now: float) -> None:
        held_ms = ear.stats(now).rx.buffer_ms
        if held_ms is not None:
            buffered_ms.append(held_ms)

    way, took_s = fate(link, CONDITIONS[name][0], seed), [inf]

    def delay(number: int, now: float) -> float | None:
        found = way(number, now)
        took_s.append(inf if found is None else found)
        return found

    heard = OneWay(mouth, ear, Wire(delay), phase_s, on_tick=note).talk(pcm, TAIL_S)
    result = score.score(said, heard / 32768.0, RATE, 0.0, phase_s + PACKET_S)
    end_s = len(pcm) / RATE
    delay_ms = 1000 * min(took_s) + statistics.mean(buffered_ms)  # the buffer counts from the quickest packet
    shown = estimate(ear, end_s, delay_ms)
    return {
        "pesq": result["pesq_nb"],
        "heard_ms": result["delay_ms"],
        "mos": shown.mos,
        "r": shown.r,
        "counted_ms": delay_ms,
        "undelayed": estimate(ear, end_s, 0.0).mos,
        "cause": shown.cause,
    }


def line(name: str, found: list[dict[str, float | str]]) -> str:
    """One row of means; the cause is the first seed's."""
    means = {key: statistics.mean(float(each[key]) for each in found) for key in found[0] if key != "cause"}
    return (
        f"{name:17} PESQ {means['pesq']:.2f}  MOS {means['mos']:.2f}  without delay {means['undelayed']:.2f}"
        f"  R {means['r']:5.1f}  delay counted {means['counted_ms']:5.0f} ms, heard {means['heard_ms']:5.0f} ms"
        f"  {means['undelayed'] - means['pesq']:+.2f}  {found[0]['cause']}"
    )


def main() -> int:
    options = arguments(__doc__, CONDITIONS).parse_args()
    return print_rows(options, run, line, red=options.red)


if __name__ == "__main__":
    sys.exit(main())
