"""Several frames into one ear: added, and held within 16 bits."""

from __future__ import annotations

import numpy as np


def mix(frames: list[np.ndarray]) -> np.ndarray:
    """The sum of int16 frames, as long as the first; shorter ones are taken to end in silence."""
    total = frames[0].astype(np.int32)
    for frame in frames[1:]:
        count = min(len(frame), len(total))
        total[:count] += frame[:count]
    return np.clip(total, -32768, 32767).astype(np.int16)
