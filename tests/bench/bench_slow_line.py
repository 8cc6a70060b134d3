"""The dashboard over a slow line: a real sshd on loopback, and a terminal that reads 960 bytes a second.

    python tests/bench/bench_slow_line.py [--rate 960] [--seconds 30] [--sshd /usr/sbin/sshd] [--size 120x40]

How many frames are shown, how long a key (mute) takes to be seen, and another view until its name is there. sshd has
its own configuration, key and port in a folder that is thrown away; it listens on 127.0.0.1. Needs openssh-server and
openssh-client. A figure, not a gate.
"""

from __future__ import annotations

import argparse
import getpass
import os
import select
import shlex
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.screens.harness import Program, python

ROOT = Path(__file__).resolve().parents[2]
SLICE_S = 0.05
PATIENCE_S = 20.0
SETTLE_S = 8.0  # the first whole frame takes so long at 960 B/s
BETWEEN_KEYS_S = 2.0
VIEWS = {"3": "── history", "5": "── ladder", "4": "── the far end's sound", "2": "── why"}
ASKED = b"\x1b[5n"  # ends every frame


class SlowTerminal(Program):
    """Reads no more than ``rate`` bytes a second."""

    rate = 960.0

    def pump(self, seconds: float = 0.0) -> int:
        end, count = time.monotonic() + max(seconds, SLICE_S), 0
        while (now := time.monotonic()) < end:
            if select.select([self._master], [], [], 0)[0]:
                try:
                    data = os.read(self._master, int(self.rate * SLICE_S))
                except OSError:
                    return count
                count += len(data)
                self.output += data
                self._stream.feed(data)
            time.sleep(max(0.0, now + SLICE_S - time.monotonic()))
        return count


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def sshd(program: str, folder: Path, port: int) -> subprocess.Popen[bytes]:
    """A server that lets in whoever has the key of this folder, and nobody else."""
    host, user = key(folder / "host"), key(folder / "user")
    (folder / "allowed").write_text(user.with_suffix(".pub").read_text())
    (folder / "config").write_text(
        f"Port {port}\nListenAddress 127.0.0.1\nHostKey {host}\nAuthorizedKeysFile {folder / 'allowed'}\n"
        f"StrictModes no\nUsePAM no\nPasswordAuthentication no\nPermitRootLogin yes\nPidFile {folder / 'pid'}\n"
    )
    return subprocess.Popen([program, "-D", "-e", "-f", str(folder / "config")], stderr=subprocess.DEVNULL)


def login(folder: Path, port: int, command: list[str]) -> list[str]:
    options = ["StrictHostKeyChecking=no", f"UserKnownHostsFile={folder / 'known'}", "LogLevel=ERROR"]
    flags = [word for option in options for word in ("-o", option)]
    remote = f"cd {shlex.quote(str(ROOT))} && LC_ALL=C.UTF-8 {shlex.join(command)}"
    where = f"{getpass.getuser()}@127.0.0.1"
    return ["ssh", "-tt", "-F", "none", *flags, "-i", str(folder / "user"), "-p", str(port), where, remote]


def measure(program: SlowTerminal, seconds: float) -> None:
    program.wait_for("talking", 4 * PATIENCE_S)
    program.pump(SETTLE_S)
    begin, frames = time.monotonic(), program.output.count(ASKED)
    seen_after: list[float] = []
    while time.monotonic() < begin + seconds:
        muted = "MUTED" in program.rows()[0]
        pressed = time.monotonic()
        program.send("m")
        program.wait_for(lambda it, before=muted: ("MUTED" in it.rows()[0]) != before, PATIENCE_S)
        seen_after.append(time.monotonic() - pressed)
        program.pump(BETWEEN_KEYS_S)
    shown = (program.output.count(ASKED) - frames) / (time.monotonic() - begin)
    print(f"{shown:.1f} frames a second; a key is seen after {statistics.median(seen_after):.2f} s", end="")
    print(f" (worst {max(seen_after):.2f} s of {len(seen_after)}: {' '.join(f'{each:.1f}' for each in seen_after)})")


def measure_views(program: SlowTerminal) -> None:
    """Each from a screen that has come to rest."""
    named_after = []
    for digit, name in VIEWS.items():
        pressed = time.monotonic()
        program.send(f"\x1b{digit}")
        program.wait_for(name, PATIENCE_S)
        named_after.append(time.monotonic() - pressed)
        program.pump(SETTLE_S)
    print(f"another view is named after {' '.join(f'{each:.1f}' for each in named_after)} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rate", type=float, default=960.0)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--size", default="120x40")
    parser.add_argument("--sshd", default="/usr/sbin/sshd")
    options = parser.parse_args()
    columns, rows = (int(part) for part in options.size.split("x"))
    SlowTerminal.rate = options.rate
    with tempfile.TemporaryDirectory() as name:
        folder, port = Path(name), free_port()
        server = sshd(options.sshd, folder, port)
        try:
            time.sleep(1.0)
            command = login(folder, port, python(str(ROOT / "tui.py"), "--demo"))
            with SlowTerminal(command, columns=columns, rows=rows, cwd=ROOT) as program:
                measure(program, options.seconds)
                measure_views(program)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
