"""Why a call sounds as it does: named findings, each with its evidence and what to do. Pure; imports engine.model only.

    facts    what is known of a call at one second, besides the history of its seconds
    seen     what a rule says, and how it counts
    one_way their_end network
             the findings: one small function each, over those facts
    rules    the table of all of them, and those of this end
    course   which of them hold now: since when, and until when they held

A rule looks at the last seconds and says what it sees, or nothing. It is believed when it has seen it for some seconds
in a row, and over when it has not seen it for some more: what flickers is no finding.
"""

from __future__ import annotations

from engine.diagnosis.course import Course
from engine.diagnosis.facts import EchoHeard, Facts

__all__ = ["Course", "EchoHeard", "Facts"]
