"""Which findings hold in one call: since when, and until when they held. Once a second the facts come in."""

from __future__ import annotations

from dataclasses import dataclass, replace

from engine.diagnosis.facts import Facts
from engine.diagnosis.rules import RULES
from engine.diagnosis.seen import Rule, Seen
from engine.model import Finding

MOST_OVER = 50  # findings that are over, of one call
_ORDER = {"bad": 0, "warn": 1, "info": 2}


@dataclass(slots=True)
class _Watch:
    """One rule in one call."""

    seen_s: int = 0  # seconds in a row that it saw something
    missed_s: int = 0
    finding: Finding | None = None  # believed


class Course:
    """The findings of one call; mutable, fed once a second."""

    def __init__(self, rules: tuple[Rule, ...] = RULES) -> None:
        self._watches = [(rule, _Watch()) for rule in rules]
        self._over: tuple[Finding, ...] = ()
        self._second = 0

    def second(self, facts: Facts) -> list[Finding]:
        """One more second; returns what has begun or is over with it."""
        self._second = facts.second
        changes: list[Finding] = []
        for rule, watch in self._watches:
            see = rule.see if watch.finding is None or rule.stays is None else rule.stays
            change = self._follow(rule, watch, see(facts))
            if change is not None:
                changes.append(change)
        return changes

    def _follow(self, rule: Rule, watch: _Watch, seen: Seen | None) -> Finding | None:
        if seen is None:
            watch.seen_s = 0
            return self._miss(rule, watch)
        watch.seen_s += 1
        watch.missed_s = 0
        if watch.finding is not None:
            watch.finding = replace(watch.finding, text=seen.text, evidence=seen.evidence, advice=seen.advice)
            return None
        if watch.seen_s < rule.onset_s:
            return None
        watch.finding = Finding(rule.name, rule.severity, seen.text, seen.evidence, seen.advice, self._second)
        return watch.finding

    def _miss(self, rule: Rule, watch: _Watch) -> Finding | None:
        if watch.finding is None:
            return None
        watch.missed_s += 1
        if watch.missed_s < rule.holds_s:
            return None
        over = replace(watch.finding, until_s=self._second)
        watch.finding, watch.missed_s = None, 0
        self._over = (*self._over, over)[-MOST_OVER:]
        return over

    @property
    def active(self) -> tuple[Finding, ...]:
        """What holds now, the worst first."""
        found = [watch.finding for _, watch in self._watches if watch.finding is not None]
        return tuple(sorted(found, key=lambda finding: _ORDER[finding.severity]))

    @property
    def over(self) -> tuple[Finding, ...]:
        """What held before, oldest first."""
        return self._over
