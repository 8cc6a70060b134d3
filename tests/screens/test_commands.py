"""The commands a newcomer types first, letter by letter: ``make demo``, and the README's two ends on one machine."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.screens.harness import Program, python

ROOT = Path(__file__).resolve().parents[2]
PORTS = (5060, 5061, 10000, 10001, 10002)

pytestmark = [pytest.mark.screen, pytest.mark.skipif(sys.platform == "win32", reason="terminals of POSIX")]


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture
def commands() -> list[list[str]]:
    """(receiver, caller) as the README has them; where their ports are taken, all of them a little higher."""
    readme = (ROOT / "README.md").read_text("utf-8").replace("\\\n", " ")
    found = [shlex.split(line)[1:] for line in re.findall(r"^ +(python tui\.py --mode .*)$", readme, re.MULTILINE)]
    assert [words[2] for words in found] == ["receiver", "caller"]
    shift = next(shift for shift in range(0, 2000, 20) if all(is_free(port + shift) for port in PORTS))
    return [[str(int(word) + shift) if word.isdigit() else word for word in words] for words in found]


@pytest.fixture
def ends(commands: list[list[str]]) -> Iterator[tuple[Program, Program]]:
    receiver, caller = (python(str(ROOT / words[0]), *words[1:], "--audio", "null") for words in commands)
    with Program(receiver, columns=100, rows=30, cwd=ROOT) as first:
        first.wait_for("to call")
        with Program(caller, columns=100, rows=30, cwd=ROOT) as second:
            yield first, second


def test_the_two_ends_of_the_readme(ends: tuple[Program, Program]) -> None:
    receiver, caller = ends
    receiver.wait_for("they are calling you")
    caller.wait_for("rings")
    receiver.send("a")
    for one, other in (ends, ends[::-1]):
        one.wait_for("talking")
        other.pump(0.1)
        one.wait_for(
            lambda screen: re.search(r"SR +\d+ out +[1-9]\d* in", screen.text())
        )  # reports cross the neighbours
    assert "sample.wav" in caller.text()
    receiver.send("h")
    caller.wait_for("hung up")
    receiver.wait_for("we hung up")
    for end in ends:
        end.send("q")
        assert end.wait_exit() == 0


@pytest.mark.skipif(shutil.which("make") is None, reason="apt-get install make")
class TestMakeDemo:
    def test_in_a_terminal_keys_work(self) -> None:
        with Program(["make", "demo"], columns=100, rows=30, cwd=ROOT, env={"MAKEFLAGS": ""}) as demo:
            demo.wait_for("talking", 60)
            demo.send("m")
            demo.wait_for("they hear silence")
            demo.send("m5")
            demo.wait_for(lambda screen: re.search(r"digits.*sent 5", screen.text()))
            demo.send("q")
            demo.wait_for("quit?")
            demo.send("y")
            assert demo.wait_exit() == 0

    def test_in_a_pipe_it_tells_the_call_and_ends_by_itself(self) -> None:
        alone = {name: text for name, text in os.environ.items() if not name.startswith("MAKE")}
        done = subprocess.run(
            ["make", "demo"], cwd=ROOT, env=alone, stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=90,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        assert "talking" in done.stdout or "answered" in done.stdout
        length = re.search(r"ended after (\d+) seconds", done.stdout)
        assert length is not None and 14 <= int(length[1]) <= 16
        assert "type help" not in done.stdout  # nobody can, from /dev/null
        assert "\x1b" not in done.stdout and re.search(r"received [1-9]\d\d", done.stdout)
