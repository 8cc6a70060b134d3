"""The noise floor of a microphone, by the minimum statistics of Martin (IEEE Trans. Speech and Audio Processing 9,
2001) in their simplest form: speech has pauses, so the quietest tenth of a second of the last few seconds is the room.
"""

from __future__ import annotations

from collections import deque

WINDOW_S = 0.1


class NoiseFloor:
    """Told the level of each tenth of a second, knows the quietest of the last ``memory_s`` seconds."""

    def __init__(self, memory_s: float) -> None:
        self._levels_dbfs: deque[float] = deque(maxlen=round(memory_s / WINDOW_S))

    def note(self, level_dbfs: float) -> None:
        """A tenth of a second was so loud."""
        self._levels_dbfs.append(level_dbfs)

    @property
    def dbfs(self) -> float | None:
        """None before the first window is over."""
        return min(self._levels_dbfs, default=None)

    @property
    def settled(self) -> bool:
        """Is it of as many seconds as it remembers?"""
        return len(self._levels_dbfs) == self._levels_dbfs.maxlen
