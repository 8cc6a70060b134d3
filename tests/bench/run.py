"""Every figure, printed: processor time in virtual time, then one live call each of ringtop and of baresip.

    python tests/bench/run.py [--runs 3] [--seconds 20]

The live part uses the measuring rig beside the checkout (``../shared/rig``) where it is present, needs root (it
captures on loopback) and prints the machine's load with the medians: a pacing figure counts only while the host
steals less than 3 %. Nothing here gates.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import wave
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RIG = ROOT.parent / "shared" / "rig"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20)
    options = parser.parse_args()
    print("== processor time of one call's audio, virtual time", flush=True)
    subprocess.run([sys.executable, "tests/bench/bench_media_cpu.py"], cwd=ROOT, check=True)
    if not (RIG / "perf.py").exists():
        print("no measuring rig beside this checkout: the live figures are left out")
        return
    print("== one call against SIPp, ringtop and baresip in turn", flush=True)
    with tempfile.TemporaryDirectory() as folder:
        live(Path(folder), options.runs, options.seconds)


def live(folder: Path, runs: int, seconds: float) -> None:
    """Medians of interleaved runs, so that both meet the same machine."""
    speech, results = folder / "speech.wav", folder / "calls.jsonl"
    repeat_sample(speech, 60)
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": ""}
    common = ["--role", "callee", "--wav", str(speech), "--seconds", str(seconds), "--runs", "1", "--out", str(results)]
    for number in range(runs):
        for peer in ("ours", "baresip"):
            ours = ["--checkout", str(ROOT), "--python", sys.executable] if peer == "ours" else []
            work = ["--work", str(folder / f"{peer}{number}")]
            command = [sys.executable, "perf.py", "call", "--peer", peer, *ours, *common, *work]
            subprocess.run(command, cwd=RIG, env=environment, stdout=subprocess.DEVNULL, check=True)
    subprocess.run([sys.executable, "perf.py", "table", str(results)], cwd=RIG, check=True)


def repeat_sample(path: Path, seconds: float) -> None:
    """``sample.wav`` as often as fills so many seconds."""
    with wave.open(str(ROOT / "sample.wav")) as sample:
        data, rate = sample.readframes(sample.getnframes()), sample.getframerate()
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(data * (int(seconds * rate * 2 / len(data)) + 1))


if __name__ == "__main__":
    main()
