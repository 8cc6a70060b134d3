"""The pictures of the README: a real call over a line that loses packets, every view, written as SVG beside this file.

    python tests/screens/pictures.py [--seconds 70]

Two processes on loopback and a piece of bad network between them; nothing in the pictures is made up.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.interop.between import LossyMedia
from tests.screens import svg
from tests.screens.harness import Program, python
from widgets import views

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
SIZE, NARROW = (120, 40), (40, 10)
LOSS_PERCENT = 3.0
MOST_BYTES = 100_000
PHONE = (
    str(ROOT / "tui.py"), "--no-config", "--local-ip", "127.0.0.1", "--local-sip-port", "0", "--local-rtp-port", "0",
)  # fmt: skip
SAMPLE = ("--audio-file", str(ROOT / "sample.wav"))


@contextmanager
def far_end() -> Iterator[int]:
    """Somebody who answers and sends back what he hears; gives his SIP port."""
    command = python(*PHONE, "--headless", "--json", "--auto-answer", "--echo", "--audio", "null")
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(json.loads(process.stdout.readline())["address"][1])
        finally:
            process.terminate()


def save(program: Program, name: str, title: str) -> None:
    text = svg.picture(program.screen, title)
    assert len(text.encode()) < MOST_BYTES, f"{name}: {len(text.encode())} bytes"
    (HERE / f"{name}.svg").write_text(text, "utf-8")
    print(f"{name}.svg  {len(text.encode())} bytes")


def walk(program: Program, seconds: float) -> None:
    """Through every view of a call that has lasted a while."""
    program.wait_for("talking")
    program.pump(seconds)
    for view in views.VIEWS:
        program.pump(1.0)
        save(program, view.name, f"ringtop, the view {view.name}: {view.help}")
        program.send("\t")
    program.send("?")
    program.wait_for("every key")
    program.pump(0.5)
    save(program, "help", "ringtop: every key explained")
    program.send("\x1b")
    program.resize(*NARROW)
    program.pump(1.5)
    save(program, "narrow", "ringtop on 40 by 10")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=70.0, help="how long the call has lasted in the pictures")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, far_end() as port:
        line = LossyMedia(Path(folder), peer=port, percent=LOSS_PERCENT)
        try:
            command = python(*PHONE, *SAMPLE, f"sip:bob@127.0.0.1:{line.sip}")
            with Program(command, columns=SIZE[0], rows=SIZE[1], cwd=ROOT) as program:
                walk(program, options.seconds)
        finally:
            line.stop()


if __name__ == "__main__":
    main()
