"""What a rule is, what it says, and how it counts.

``text`` says what is the matter, in plain words and without figures, so that it stays the same while it holds;
``evidence`` has the figures of this second; ``advice`` says what to do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from engine.diagnosis.facts import Facts
from engine.model import HistoryPoint

WINDOW_S = 10  # what a rule looks at, where it does not say otherwise


@dataclass(frozen=True, slots=True)
class Seen:
    """What a rule says of this second."""

    text: str
    evidence: str
    advice: str


@dataclass(frozen=True, slots=True)
class Rule:
    """``severity``: "bad" is heard, "warn" may be, "info" explains. It is believed after ``onset_s`` seconds in a row,
    and over after ``holds_s`` without. ``stays``: what is seen while it is believed, where that takes less: what goes
    up and down around a limit is one finding, not one every few seconds."""

    name: str
    severity: str
    see: Callable[[Facts], Seen | None]
    onset_s: int = 3
    holds_s: int = 5
    stays: Callable[[Facts], Seen | None] | None = None


def total(points: Sequence[HistoryPoint], count: Callable[[HistoryPoint], float]) -> float:
    return sum(count(point) for point in points)


def lost(points: Sequence[HistoryPoint]) -> float:
    """How many never came. Of all the seconds together: what one of them lacks may come in the next."""
    return max(0.0, total(points, lambda point: point.lost))


def expected(points: Sequence[HistoryPoint]) -> float:
    """How many should have come."""
    return total(points, lambda point: point.received - point.duplicate) + lost(points)


def percent(part: float, whole: float) -> float:
    return 100 * part / whole if whole > 0 else 0.0
