"""Does our own sound come back? Told by the loudness of frames alone, ours and theirs, of the last seconds.

The loudness of both ways is compared at every delay an echo may have. Speech has a loudness of its own from syllable to
syllable: where what comes is as loud and as soft as what we said some time ago, over seconds, it is what we said.

What comes sooner than a packet can go there and back is none: two phones that play the same file sound alike, too.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from engine.media.level import frames_dbfs

SPAN_S = 5.0  # of ours that is looked for
LEAST_DELAY_S, MOST_DELAY_S = 0.06, 1.0
ALIKE = 0.85  # correlation that two people who talk do not reach
LIVELY_DB = 6.0  # our own loudness must rise and fall so much (standard deviation) to be known again
FLOOR_DBFS = -60.0  # below this it is silence
TOGETHER = 50  # frames are measured at once


@dataclass(frozen=True, slots=True)
class Returned:
    """Our own voice, so late and so much softer; ``likeness`` is a correlation."""

    delay_s: float
    loss_db: float
    likeness: float


class Envelopes:
    """The loudness of frames, ours and theirs; constant memory."""

    __slots__ = ("_frames_heard", "_frames_said", "_heard", "_said")

    def __init__(self) -> None:
        most = int((SPAN_S + MOST_DELAY_S) / 0.01)
        self._said: deque[float] = deque(maxlen=most)
        self._heard: deque[float] = deque(maxlen=most)
        self._frames_said: list[np.ndarray] = []  # not measured yet
        self._frames_heard: list[np.ndarray] = []

    def hear(self, said: np.ndarray, heard: np.ndarray) -> None:
        """One frame of each, int16; kept as they are, so they must not change."""
        self._frames_said.append(said)
        self._frames_heard.append(heard)
        if len(self._frames_said) >= TOGETHER:
            self._measure()

    def _measure(self) -> None:
        for frames, levels in ((self._frames_said, self._said), (self._frames_heard, self._heard)):
            levels.extend(frames_dbfs(frames))
            frames.clear()

    def returned(self, frame_s: float, least_s: float = LEAST_DELAY_S) -> Returned | None:
        """What comes back after ``least_s`` or more, if anything does."""
        self._measure()
        span, most = round(SPAN_S / frame_s), round(MOST_DELAY_S / frame_s)
        if len(self._heard) < span + most:
            return None
        said = np.maximum(np.array(self._said), FLOOR_DBFS)
        heard = np.maximum(np.array(self._heard), FLOOR_DBFS)[-span:]
        if heard.std() < 1.0:
            return None
        first = len(said) - span - most
        ours = np.lib.stride_tricks.sliding_window_view(said[first:], span)  # the longest delay first
        centred = ours - ours.mean(axis=1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=1))
        wanted = (heard - heard.mean()) / heard.std()
        likeness = np.where(spread < LIVELY_DB, 0.0, centred @ wanted / (span * np.maximum(spread, LIVELY_DB)))
        best = int(likeness.argmax())
        delay = most - best
        if likeness[best] < ALIKE or delay < round(max(least_s, LEAST_DELAY_S) / frame_s):
            return None
        loud = ours[best] > FLOOR_DBFS + 20
        loss_db = float((ours[best] - heard)[loud].mean()) if loud.any() else 0.0
        return Returned(delay * frame_s, loss_db, float(likeness[best]))
