"""The real program in a real terminal, with keys pressed: what is seen in every state, at four sizes.

The pictures lie in ``golden/``, one file for each state. What differs from run to run is masked: times, ports and
figures (``#``), traces, the lines of the log. ``RINGTOP_GOLDEN=write`` paints them anew; look at the difference.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import pytest

from tests.screens.harness import DEADLINE_S, Program, python

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = Path(__file__).parent / "golden"
SIZES = ((120, 40), (80, 24), (40, 10), (20, 3))
OURS = ["--local-ip", "127.0.0.1", "--local-rtp-port", "0", "--audio", "null", "--codecs", "PCMU"]

pytestmark = pytest.mark.screen

MASKS = (
    (r"^ (Alt )?1 calls  2 .*", ""),  # the row of views: tests/widgets/test_tabs.py looks at it
    (r"nothing (known yet|has come|comes|spoils it)|mostly .*|the whole call|not known|no report yet|on hold$", "WHY"),
    (r"(Nothing is wrong|Nothing was|Nothing comes|It sounded bad|No sound yet).*|^ !  We send too late.*", " WELL"),
    (r"^ +WELL", " WELL"),
    (r"^    this machine is busy.*", ""),
    (r"^(── why|-- why).*", "── why ──"),
    (r"[\u2800-\u28ff]", " "),  # traces
    (r"\d\d:\d\d:\d\d", "HH.MM.SS"),
    (r"\d\d:\d\d\b", "MM.SS"),
    (r"127(?=\.0\.0\.1)|(?<=127)\.0\.0\.1", "host"),
    (r"hosthost", "HOST"),
    (r":\d{4,5}\b|:\d+(?=…)", ":PORT"),
    (r" +screen \d[\d.]* (ms|s)", ""),  # a terminal that answers late, on a busy machine
    (r"RTCP \d+ (\S+) \d+", r"RTCP PORT \1 PORT"),
    (r"(RTCP )?\b\d+ s ago|nothing yet|none yet", "AGE"),
    (r"cname +\S+", "cname NAME"),
    (r"( worst)? +\d[\d.]* ms late", ""),
    (r" +(-?\d[\d.,]*|-)( (of \d+ )?(ms|%|[kM]?B))?(/s)?( dBFS)?(?=[ )]|$)", " #"),
    (r"# \(\d[\d.,]*( %)?\)", "#"),
    (r" +of #", ""),  # the scale of a trace, where the figures before it leave room
    (r"─+", "──"),
    (r"(?<=\S) {2,}", "  "),
    (r"( ─+)? +AGE", "  AGE"),  # the rule before it has no room where the first report has not come yet
)


class Phone:
    """The far end: plain lines, and words to it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            python("-u", str(ROOT / "tui.py"), "--plain", "--local-sip-port", "0", *OURS),
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        assert self._process.stdin is not None and self._process.stdout is not None
        self._words: IO[bytes] = self._process.stdin
        found = re.search(rb"127\.0\.0\.1:(\d+)", self._process.stdout.readline())
        assert found is not None
        self.port = int(found[1])

    def say(self, words: str) -> None:
        self._words.write(words.encode() + b"\n")
        self._words.flush()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def far() -> Iterator[Phone]:
    phone = Phone()
    yield phone
    phone.close()


@pytest.fixture
def near_port() -> int:
    """A free port: a small screen does not show which one the program took."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def near(request: pytest.FixtureRequest, far: Phone, near_port: int) -> Iterator[Program]:
    columns, rows = request.param
    ours = ["--local-sip-port", str(near_port), *OURS]
    there = ["--mode", "receiver", "--remote-ip", "127.0.0.1", "--remote-sip-port", str(far.port)]
    with Program(python(str(ROOT / "tui.py"), *ours, *there), columns=columns, rows=rows) as program:
        yield program


def masked(rows: list[str]) -> list[str]:
    """The picture without what differs from run to run; of the log only that it is there."""
    log = next((y for y, row in enumerate(rows) if row.startswith(("── log", "-- log"))), None)
    if log is not None:
        rows = [*rows[: log + 1], rows[-1]]
    masked_rows = []
    for row in rows:
        for pattern, mask in MASKS:
            row = re.sub(pattern, mask, row)
        masked_rows.append(row.rstrip())
    return [row for row in masked_rows if row]


class Gallery:
    """Compares pictures with the golden ones, and tells of all that differ at the end."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._size = f"{program.screen.columns}x{program.screen.lines}"
        self._different: list[str] = []

    def see(self, name: str, *signs: str) -> None:
        """Wait until one of these is seen on the screen and the picture is the golden one; or note how it differs."""
        if signs:
            self._program.wait_for(lambda each: any(sign in each.text() for sign in signs))
        wanted = self._golden(name)
        end = time.monotonic() + (1.5 if os.environ.get("RINGTOP_GOLDEN") else DEADLINE_S)
        while time.monotonic() < end and (masked(self._program.rows()) != wanted or not wanted):
            self._program.pump(0.05)
        seen = masked(self._program.rows())
        if os.environ.get("RINGTOP_GOLDEN") == "write":
            self._paint(name, seen)
        elif seen != wanted:
            self._different.append("\n".join([f"{name} is not as it was:", *seen, "--- but was", *wanted]))

    def close(self) -> None:
        assert not self._different, "\n\n".join(self._different)

    @staticmethod
    def _pictures(name: str) -> dict[str, list[str]]:
        path = GOLDEN / f"{name}.txt"
        parts = re.split(r"^=== (\S+)\n", path.read_text("utf-8") if path.exists() else "", flags=re.MULTILINE)
        return {size: picture.splitlines() for size, picture in zip(parts[1::2], parts[2::2], strict=True)}

    def _golden(self, name: str) -> list[str]:
        return self._pictures(name).get(self._size, [])

    def _paint(self, name: str, rows: list[str]) -> None:
        pictures = {**self._pictures(name), self._size: rows}
        known = [f"{columns}x{lines}" for columns, lines in SIZES]
        text = "".join(
            f"=== {size}\n" + "".join(f"{row}\n" for row in pictures[size]) for size in known if size in pictures
        )
        (GOLDEN / f"{name}.txt").write_text(text, "utf-8")


def test_every_state_of_a_phone(near: Program, near_port: int, far: Phone) -> None:
    gallery = Gallery(near)
    near.wait_for("ready" if near.screen.lines < 10 else "to call")
    gallery.see("idle")
    ours = f"sip:127.0.0.1:{near_port}"
    far.say(f"dial {ours}")
    gallery.see("ringing-in", "calling you", "ring")
    near.send("r")
    gallery.see("ended-declined", "declined", "ended")
    near.send("\x1b")
    near.wait_for("ready" if near.screen.lines < 10 else "to call")
    near.send("d")
    gallery.see("dial", "dial:", "sip:")
    near.send("\r")
    gallery.see("ringing-out", "rings")
    far.say("answer")
    gallery.see("talking", "talking")
    if near.screen.lines >= 10:  # the cursor rests, hidden, on the call that is looked at
        assert near.rows()[near.screen.cursor.y].startswith("▶") and near.screen.cursor.hidden
    near.send("m")
    gallery.see("muted", "they hear silence", "muted")
    near.send("m")
    near.wait_for(lambda each: "they hear silence" not in each.text())
    near.send("\x1b")
    near.wait_for(lambda each: "muted" not in each.text().lower())
    near.send("o")
    gallery.see("held", "held")
    near.send("?")
    gallery.see("help", "keys")
    near.send("\x1b")
    far.say(f"dial {ours}")
    gallery.see("two-calls", "ringing")
    near.send("q")
    gallery.see("quit", "quit?", "y/n?")
    near.send("n")
    near.wait_for(lambda each: "quit?" not in each.text() and "y/n?" not in each.text())  # two keys at once are a text
    near.send("r")
    near.wait_for(lambda each: "ringing" not in each.text() and "ended:" in each.rows()[-1])
    near.send("\x1b")  # else the notice would go when it has been seen for long enough, which may be any time now
    near.wait_for(lambda each: "ended:" not in each.rows()[-1])
    far.say("hangup")
    gallery.see("ended-by-them", "hung up", "ended")
    near.send("q")
    assert near.wait_exit() == 0
    gallery.close()
