"""When the delay is changed, and by how much: decisions only, the cutting is the stretcher's.

Theory of operation. A change of delay shifts all that follows, and is heard (and measured) most within words; in a
pause nobody hears it. So the delay follows the target in pauses, there by all that is to be changed at once. Within
speech it is left alone, unless it is far off or has been off for long: a pitch period then goes, or comes again, at a
time. Packets are pulled at ticks. A packet that begins within a frame had to be there before that frame and waits
the rest of a tick for nothing: what of it is left when the next one is pulled, ``spare``, may always go.
"""

from __future__ import annotations

import numpy as np

QUIET_RMS = 30.0  # about -61 dBFS
QUIET_SHARE = 0.002  # of the power of the loudest sound lately: 27 dB below it
LOUD_S = 3.0  # lately
PAUSE_S = 0.080  # quiet for so long is no gap between two sounds of a word

# How far from the target packets may be pulled: in a pause later by so much, and within speech.
EARLY_S, LATE_S = 0.0005, 0.004
TOO_EARLY_S, TOO_LATE_S, FAR_TOO_LATE_S = 0.050, 0.080, 0.120
STRETCH_EVERY_S = 0.120
AT_LEISURE_EVERY_S = 3.0


class Pace:
    """Told of every frame that is played, says how many samples to add to it or to leave out."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._loud = 0.0  # power
        self._quiet_s = 0.0
        self._changed_at: float | None = None  # or could have been

    @property
    def pause(self) -> bool:
        return self._quiet_s >= PAUSE_S

    def hear(self, pcm: np.ndarray) -> None:
        """This frame comes next."""
        if not len(pcm):
            return
        samples = pcm.astype(np.float32)
        power, seconds = float(samples.dot(samples)) / len(pcm), len(pcm) / self._rate_hz
        self._loud = max(power, self._loud * (1 - seconds / LOUD_S))
        if power < QUIET_RMS**2 or power < self._loud * QUIET_SHARE:
            self._quiet_s += seconds
        else:
            self._quiet_s = 0.0

    def in_pause(self, excess_s: float, step_s: float, spare: int, now: float) -> int:
        """Samples to add (above zero) or to leave out: all there is to do. Packets are pulled ``excess_s`` too late."""
        self._changed_at = now
        step = round(step_s * self._rate_hz)
        if excess_s < -EARLY_S:
            return step * -int(excess_s // step_s) - spare
        return -spare - step * max(0, int((excess_s - LATE_S) / step_s))

    def in_speech(self, excess_s: float, step_s: float, now: float) -> tuple[int, bool]:
        """-1 to shorten, 1 to lengthen, 0 to leave it; and whether there is a hurry."""
        beyond_s = excess_s - step_s
        hurry = beyond_s > FAR_TOO_LATE_S
        if self._changed_at is None:
            self._changed_at = now
        early = excess_s < -EARLY_S
        if not early and beyond_s < LATE_S:
            return 0, False
        wait_s = STRETCH_EVERY_S if excess_s < -TOO_EARLY_S or beyond_s > TOO_LATE_S else AT_LEISURE_EVERY_S
        if not hurry and 0 <= now - self._changed_at < wait_s:
            return 0, False
        return (1 if early else -1), hurry

    def changed(self, now: float) -> None:
        """The delay was changed."""
        self._changed_at = now
