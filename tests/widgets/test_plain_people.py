"""Contacts and past calls, as the plain face says them."""

from __future__ import annotations

import time

import pytest

from engine.model_people import DECLINED, Contact, PastCall, PeopleView
from widgets import plain_people

NOW = time.mktime((2026, 3, 2, 15, 0, 0, 0, 0, -1))
HOUR_S = 3600


def past(*calls: tuple[PastCall, str]) -> PeopleView:
    return PeopleView(past=tuple(call for call, _ in calls), names=tuple(name for _, name in calls))


def call(ago_s: float, direction: str = "out", **others: object) -> PastCall:
    fields = {"uri": "sip:bob@192.0.2.7", "name": "", "duration_s": 62.0, "ended": "we hung up", **others}
    return PastCall(NOW - ago_s, direction, **fields)  # type: ignore[arg-type]


def test_contacts_are_said_in_their_order() -> None:
    people = PeopleView(contacts=(Contact("Zoe", "sip:z@192.0.2.1"), Contact("Anna \x1b[1mBerg", "sip:a@192.0.2.2")))
    assert plain_people.contact_lines(people) == ["Zoe, sip:z@192.0.2.1", "Anna [1mBerg, sip:a@192.0.2.2"]
    assert plain_people.contact_lines(PeopleView()) == ["no contacts"]


@pytest.mark.parametrize(
    ("made", "contact", "said"),
    [
        (call(0), "Anna", "called contact Anna, today 15:00, talked for 1 minute 2, we hung up"),
        (call(24 * HOUR_S), "", "called sip:bob@192.0.2.7, yesterday 15:00, talked for 1 minute 2, we hung up"),
        (
            call(240 * HOUR_S, "in", name="contact Anna", duration_s=None, ended="nobody answered"),
            "",
            'missed "contact Anna" sip:bob@192.0.2.7, 20 February 15:00, nobody answered',
        ),
        (call(HOUR_S, "in", duration_s=None, ended=DECLINED), "Bob", "called by contact Bob, today 14:00, we declined"),
        (call(0, ended="x" * 200), "Anna", f"called contact Anna, today 15:00, talked for 1 minute 2, {'x' * 77}..."),
        (
            call(9000 * HOUR_S, "in", ended="they hung up"),
            "Anna",
            "called by contact Anna, 20 February 2025 15:00, talked for 1 minute 2, they hung up",
        ),
        (call(-1e18, duration_s=None), "Anna", "called contact Anna, at an unknown time, we hung up"),
    ],
)
def test_a_past_call_says_who_when_and_how_it_ended(made: PastCall, contact: str, said: str) -> None:
    assert plain_people.past_lines(past((made, contact)), 10, NOW) == [said]


def test_the_newest_calls_come_first_and_the_rest_is_counted() -> None:
    people = past(*((call(HOUR_S * (9 - number)), f"C{number}") for number in range(10)))
    told = plain_people.past_lines(people, 3, NOW)
    assert [line.split(",")[0] for line in told] == [
        "called contact C9",
        "called contact C8",
        "called contact C7",
        "and 7 before: past 6 says more",
    ]
    assert len(plain_people.past_lines(people, 10, NOW)) == 10
    assert plain_people.past_lines(PeopleView(), 10, NOW) == ["no past calls"]
