"""Time and entropy: the one place where they enter the program.

Everything pure gets ``now`` (monotonic, read once per turn by the loop) and an entropy object as arguments.
Wall time is for RTCP's NTP stamp and for the screen only: it may jump.
"""

from __future__ import annotations

import random
import time

#: Where tags, branches, SSRCs and first sequence numbers come from.
entropy = random.SystemRandom()


def wall() -> float:
    """Seconds since the epoch."""
    return time.time()


def monotonic() -> float:
    """Seconds on the clock of every deadline (``Loop.now`` is this, read once per turn)."""
    return time.monotonic()
