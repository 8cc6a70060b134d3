"""Does our own sound come back? Told by the loudness of frames alone, ours and theirs, of the last seconds.

The loudness of both ways is compared at every delay an echo may have. Speech has a loudness of its own from syllable to
syllable: where what comes is as loud and as soft as what we said some time ago, over seconds, it is what we said.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

SPAN_S = 5.0  # of ours that is looked for
LEAST_DELAY_S, MOST_DELAY_S = 0.06, 1.0
ALIKE = 0.85  # correlation that two people who talk do not reach
LIVELY_DB = 6.0  # our own loudness must rise and fall so much (standard deviation) to be known again
FLOOR_DBFS = -60.0  # below this it is silence


@dataclass(frozen=True, slots=True)
class Returned:
    delay_s: float
    loss_db: float
    likeness: float


class Envelopes:
    """The loudness of frames, ours and theirs; constant memory."""

    __slots__ = ("_heard", "_said")

    def __init__(self) -> None:
        most = int((SPAN_S + MOST_DELAY_S) / 0.01)
        self._said: deque[float] = deque(maxlen=most)
        self._heard: deque[float] = deque(maxlen=most)

    def note(self, said_dbfs: float, heard_dbfs: float) -> None:
        """One frame of each."""
        self._said.append(said_dbfs)
        self._heard.append(heard_dbfs)

    def returned(self, frame_s: float) -> Returned | None:
        """What comes back, if anything does. Changes nothing."""
        span, most = round(SPAN_S / frame_s), round(MOST_DELAY_S / frame_s)
        if len(self._heard) < span + most:
            return None
        said = np.maximum(np.array(self._said), FLOOR_DBFS)
        heard = np.maximum(np.array(self._heard), FLOOR_DBFS)[-span:]
        if heard.std() < 1.0:
            return None
        least = max(1, round(LEAST_DELAY_S / frame_s))
        first = len(said) - span - most
        ours = np.lib.stride_tricks.sliding_window_view(
            said[first : len(said) - least], span
        )  # the longest delay first
        centred = ours - ours.mean(axis=1, keepdims=True)
        spread = np.sqrt((centred**2).mean(axis=1))
        wanted = (heard - heard.mean()) / heard.std()
        likeness = np.where(spread < LIVELY_DB, 0.0, centred @ wanted / (span * np.maximum(spread, LIVELY_DB)))
        best = int(likeness.argmax())
        if likeness[best] < ALIKE:
            return None
        loud = ours[best] > FLOOR_DBFS + 20
        loss_db = float((ours[best] - heard)[loud].mean()) if loud.any() else 0.0
        return Returned((most - best) * frame_s, loss_db, float(likeness[best]))
