"""What the machine was doing while something was measured, and what processes cost it, from Linux's /proc."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

STEAL_PERCENT = 3.0  # what the hypervisor takes: from so much on a pacing figure says nothing
OTHERS_PERCENT = 5.0  # what programs that are not part of the measurement take, of all cores
QUIET_LOOK_S = 0.4
QUIET_BUSY_PERCENT = 8.0

_PROC = Path("/proc")
LINUX = (_PROC / "self/stat").exists()


def cpu_s(pid: int) -> float | None:
    """Processor time of all threads of a process so far, to the nanosecond where the kernel says it."""
    total, threads = 0, 0
    for task in _PROC.glob(f"{pid}/task/*/schedstat"):
        try:
            total += int(task.read_text().split()[0])
            threads += 1
        except (OSError, ValueError, IndexError):
            continue
    return total / 1e9 if threads else None


def rss_mb(pid: int) -> float | None:
    try:
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
    except (OSError, IndexError):
        return None


def children(pid: int) -> list[int]:
    """Its child processes and theirs."""
    found: list[int] = []
    for path in _PROC.glob(f"{pid}/task/*/children"):
        try:
            direct = [int(word) for word in path.read_text().split()]
        except OSError:
            continue
        for child in direct:
            found += [child, *children(child)]
    return found


def load() -> float | None:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def million_additions_ms() -> float:
    """How fast this Python is here and now: processor times compare only where this is the same."""
    begin, total = time.process_time(), 0
    for number in range(1_000_000):
        total += number
    return 1000 * (time.process_time() - begin)


def description() -> str:
    """Cores, kernel and load, in one line."""
    system = os.uname() if hasattr(os, "uname") else None
    words = [f"{os.cpu_count()} cores", f"{system.sysname} {system.release}" if system else os.name]
    return ", ".join([*words, f"load {load():.2f}" if load() is not None else "load unknown"])


def _ticks() -> list[int]:
    with open("/proc/stat") as file:
        return [int(field) for field in file.readline().split()[1:9]]


@dataclass(frozen=True)
class Busy:
    """Shares of all cores in one interval, in percent."""

    busy: float
    steal: float
    others: float  # busy with what is not ours

    @property
    def quiet(self) -> bool:
        """A pacing figure of this interval counts."""
        return self.steal < STEAL_PERCENT and self.others < OTHERS_PERCENT


class Watch:
    """The machine from now on; ``read`` says what it did since. ``ours`` are the processes that are measured."""

    def __init__(self, *ours: int) -> None:
        self._ours = (os.getpid(), *ours)
        self._start = _ticks() if LINUX else []
        self._spent = self._own()

    def _own(self) -> dict[int, float]:
        return {pid: cpu_s(pid) or 0.0 for pid in self._ours}

    def read(self) -> Busy | None:
        if not LINUX:
            return None
        spent = [now - then for now, then in zip(_ticks(), self._start, strict=True)]
        total = max(sum(spent), 1)
        own_s = sum(max(0.0, after - self._spent[pid]) for pid, after in self._own().items())
        user, nice, system, idle, iowait, _, _, steal = spent
        others = user + nice + system - own_s * os.sysconf("SC_CLK_TCK")
        return Busy(100 * (total - idle - iowait - steal) / total, 100 * steal / total, max(0.0, 100 * others / total))


def wait_until_quiet(patience_s: float) -> bool:
    """Wait, not for ever, for a moment in which nobody else wants the processor."""
    end = time.monotonic() + patience_s
    while LINUX:
        watch = Watch()
        time.sleep(QUIET_LOOK_S)
        seen = watch.read()
        if seen is not None and seen.busy < QUIET_BUSY_PERCENT and seen.steal < STEAL_PERCENT:
            return True
        if time.monotonic() > end:
            break
    return False
