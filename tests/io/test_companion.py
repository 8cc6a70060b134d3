"""The demo's other end: started, found, ended, and gone when we are, however we went."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from engine.io import companion
from engine.io.companion import Companion, CompanionError
from engine.io.loop import Loop

ROOT = Path(__file__).resolve().parents[2]
WAIT_S = 30.0
READY = "print(json.dumps({'type': 'ready', 'address': ['127.0.0.1', 5099]}), flush=True)\n"

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes and signals of POSIX")


class Bench:
    def __init__(self, code: str) -> None:
        self.loop = Loop()
        self.found: list[str] = []
        self.ended: list[str] = []
        command = [sys.executable, "-c", "import json, os, signal, sys, time\n" + code]
        self.other = Companion(self.loop, command, self.found.append, self.ended.append)  # type: ignore[arg-type]
        self.pid = self.other._process.pid

    def run_until(self, done: Callable[[], Any]) -> None:
        end = time.monotonic() + WAIT_S
        while not done():
            assert time.monotonic() < end, "it did not come about"
            self.loop.turn(0.05)


@pytest.fixture
def start() -> Iterator[Callable[[str], Bench]]:
    made: list[Bench] = []

    def begin(code: str) -> Bench:
        made.append(Bench(code))
        return made[-1]

    yield begin
    for bench in made:
        bench.other.close()
        assert bench.loop._readers.keys() == {bench.loop.wakeup.fileno()}
        bench.loop.close()


def is_there(pid: int) -> bool:
    """Is there such a process, a buried or dead one not counted?"""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_says_where_it_can_be_called(start: Callable[[str], Bench]) -> None:
    bench = start(READY + "time.sleep(60)")
    bench.run_until(lambda: bench.found)
    assert bench.found == ["sip:echo@127.0.0.1:5099"]


def test_whatever_else_it_says_is_passed_over_and_it_is_called_once(start: Callable[[str], Bench]) -> None:
    code = "print('Warning: x'); print('[1]'); print('{\"type\": \"ready\"}'); print(json.dumps({'type': 'stats'}))\n"
    bench = start(code + READY * 3 + "os.write(1, b'x' * 3_000_000); time.sleep(60)")
    bench.run_until(lambda: bench.found)
    bench.run_until(lambda: len(bench.other._rest) == companion.LONGEST_LINE)
    assert len(bench.found) == 1


def test_an_ipv6_address_is_written_as_a_uri_wants_it(start: Callable[[str], Bench]) -> None:
    bench = start(READY.replace("127.0.0.1", "::1") + "time.sleep(60)")
    bench.run_until(lambda: bench.found)
    assert bench.found == ["sip:echo@[::1]:5099"]


def test_one_that_ends_at_once_is_said(start: Callable[[str], Bench]) -> None:
    bench = start("sys.exit(3)")
    with pytest.raises(CompanionError, match="ended before it could be called"):
        bench.run_until(lambda: False)


def test_one_that_ends_later_is_the_calls_affair(start: Callable[[str], Bench]) -> None:
    bench = start(READY)
    bench.run_until(lambda: bench.other._pipe not in bench.loop._readers)
    assert bench.found and bench.ended == ["the other end of the demo has ended: nobody sends any more"]


def test_one_that_cannot_be_started_is_said() -> None:
    loop = Loop()
    with pytest.raises(CompanionError, match="No such file"):
        Companion(loop, ["/no/such/program"], print, print)  # type: ignore[arg-type]
    loop.close()


def test_closing_ends_it_even_when_it_does_not_want_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companion, "END_S", 0.2)
    bench = Bench("signal.signal(signal.SIGTERM, signal.SIG_IGN)\n" + READY + "time.sleep(60)")
    bench.run_until(lambda: bench.found)
    bench.other.close()
    assert bench.other._process.returncode == -signal.SIGKILL, "it is not buried"
    assert not is_there(bench.pid)
    bench.loop.close()


def test_ctrl_c_at_the_terminal_is_not_for_it(start: Callable[[str], Bench]) -> None:
    bench = start(READY + "time.sleep(60)")
    assert os.getsid(bench.pid) == bench.pid


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="finds children in /proc")
def test_when_we_are_killed_it_hangs_up_and_ends() -> None:
    """The whole demo: its first process dies without a word, the second one must not stay."""
    command = [sys.executable, "tui.py", "--demo", "--json"]
    demo = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert demo.stdout is not None
    try:
        for line in demo.stdout:
            if json.loads(line)["type"] == "answered":
                break
        children = Path(f"/proc/{demo.pid}/task/{demo.pid}/children").read_text().split()
    finally:
        demo.kill()
        demo.wait(WAIT_S)
        demo.stdout.close()
    assert children
    end = time.monotonic() + WAIT_S
    while any(is_there(int(pid)) for pid in children):
        assert time.monotonic() < end, "it outlives us"
        time.sleep(0.05)
