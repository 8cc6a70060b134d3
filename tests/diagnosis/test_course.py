"""When a finding begins to hold and when it is over."""

from __future__ import annotations

from engine.diagnosis.course import MOST_OVER, Course
from engine.diagnosis.facts import Facts
from engine.diagnosis.seen import Rule, Seen
from engine.model import HistoryPoint

POINT = HistoryPoint(None, None, None, -96.0, -96.0)


def course_of(onset_s: int = 3, holds_s: int = 2) -> Course:
    def see(facts: Facts) -> Seen | None:
        return Seen("odd", f"after {len(facts.seconds)}", "wait") if facts.muted else None

    return Course((Rule("odd", "warn", see, onset_s, holds_s),))


def run(course: Course, picture: str, first: int = 1) -> str:
    """``x``: a second in which it is seen. In the answer ``+``: it has begun, ``-``: it is over."""
    marks = ""
    for number, letter in enumerate(picture, first):
        changes = course.second(Facts((POINT,) * number, muted=letter == "x"))
        marks += "." if not changes else "+" if changes[0].until_s is None else "-"
    return marks


def test_it_is_believed_after_some_seconds_in_a_row_and_over_after_some_without() -> None:
    assert run(course_of(), ".xx.xxxxx.x..xx") == "......+.....-.."[:15]


def test_what_goes_up_and_down_around_a_limit_is_one_finding() -> None:
    def see(facts: Facts) -> Seen | None:
        return Seen("odd", "much", "wait") if facts.muted else None

    def stays(facts: Facts) -> Seen | None:
        return Seen("odd", "some", "wait")

    course = Course((Rule("odd", "warn", see, 2, 1, stays),))
    assert run(course, "..x..xx..x.......") == "......+.........."
    assert course.active[0].evidence == "some"


def test_it_keeps_its_beginning_and_tells_its_newest_evidence() -> None:
    course = course_of()
    run(course, "xxxxxx")
    (found,) = course.active
    assert (found.since_s, found.until_s, found.evidence) == (3, None, "after 6")
    run(course, "..", 7)
    assert course.active == () and course.over[-1].until_s == 8 and course.over[-1].evidence == "after 6"


def test_it_knows_when_it_began_in_a_call_whose_oldest_seconds_are_forgotten() -> None:
    course = course_of(1, 1)
    course.second(Facts((POINT,) * 60, first_s=14_400, muted=True))
    course.second(Facts((POINT,) * 60, first_s=14_401))
    assert [(found.since_s, found.until_s) for found in course.over] == [(14_460, 14_461)]


def test_what_is_over_does_not_grow_without_bound() -> None:
    course = course_of(1, 1)
    run(course, "x." * (MOST_OVER + 10))
    assert len(course.over) == MOST_OVER


def test_the_worst_comes_first() -> None:
    always = [Rule(name, name, lambda facts: Seen("a", "b", "c"), 1, 1) for name in ("info", "bad", "warn")]
    course = Course(tuple(always))
    course.second(Facts((POINT,)))
    assert [found.severity for found in course.active] == ["bad", "warn", "info"]
