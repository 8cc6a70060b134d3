"""What every view sends to the terminal: bytes a second of a call, quiet and busy.

    python tests/bench/bench_terminal.py [--size 120x40] [--seconds 10]

Two processes on loopback, a terminal that reads at once. A figure, not a gate.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.screens.harness import Program, python
from widgets.views import NAMES

ROOT = Path(__file__).resolve().parents[2]
PHONE = (
    str(ROOT / "tui.py"), "--no-config", "--local-ip", "127.0.0.1", "--local-sip-port", "0", "--local-rtp-port", "0",
)  # fmt: skip
KINDS = {
    "quiet": ("--audio", "null"),
    "busy": ("--audio-file", str(ROOT / "sample.wav")),
}
SETTLE_S = 3.0


def far_end() -> tuple[subprocess.Popen[bytes], int]:
    """Somebody who answers and sends back what he hears, and his port."""
    command = python(*PHONE, "--headless", "--json", "--auto-answer", "--echo", "--audio", "null")
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    return process, int(json.loads(process.stdout.readline())["address"][1])


def measure(program: Program, kind: str, seconds: float) -> None:
    program.wait_for("talking")
    program.pump(SETTLE_S)
    for view in NAMES:
        program.pump(1.0)
        print(f"{kind:6s} {view:10s} {program.pump(seconds) / seconds:6.0f} B/s", flush=True)
        program.send("\t")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--seconds", type=float, default=10.0)
    options = parser.parse_args()
    columns, rows = (int(part) for part in options.size.split("x"))
    for kind, sound in KINDS.items():
        process, port = far_end()
        try:
            command = python(*PHONE, *sound, f"sip:bob@127.0.0.1:{port}")
            with Program(command, columns=columns, rows=rows, cwd=ROOT) as program:
                measure(program, kind, options.seconds)
        finally:
            process.terminate()
            process.wait()


if __name__ == "__main__":
    main()
