"""Levels as a meter shows them: up at once, down slowly, as the needle of a real one.

The level of a single packet jumps between silence and full ten times a second in ordinary speech: nobody can read
that, and painting it costs a slow line more than everything else on the screen.
"""

from __future__ import annotations

from dataclasses import replace

from engine.model import CallView, LevelView, Snapshot

FALL_DB_PER_S = 40.0
REST_DBFS = -60.0  # the lower end of the scale: a needle that comes there shows what is true


class Needles:
    """Two needles for each call. ``follow`` gives the snapshot as it is to be shown at ``now``."""

    def __init__(self) -> None:
        self._shown: dict[int, tuple[float, float]] = {}  # by call: how loud we and they are on the screen
        self._at = 0.0

    def follow(self, snapshot: Snapshot, now: float) -> Snapshot:
        fall_db = max(0.0, now - self._at) * FALL_DB_PER_S
        calls = tuple(self._call(call, fall_db) for call in snapshot.calls)
        self._at = now
        self._shown = {
            call.id: (call.media.level_out.rms_dbfs, call.media.level_in.rms_dbfs) for call in calls if call.media
        }
        return replace(snapshot, calls=calls)

    def _call(self, call: CallView, fall_db: float) -> CallView:
        if call.media is None or call.id not in self._shown:
            return call
        shown_out, shown_in = self._shown[call.id]
        media = replace(
            call.media,
            level_out=_fallen(call.media.level_out, shown_out - fall_db),
            level_in=_fallen(call.media.level_in, shown_in - fall_db),
        )
        return replace(call, media=media)


def _fallen(level: LevelView, needle_dbfs: float) -> LevelView:
    if needle_dbfs <= max(level.rms_dbfs, REST_DBFS):
        return level
    return replace(level, rms_dbfs=needle_dbfs)
