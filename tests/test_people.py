"""Contacts and call history as lines of text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model_people import DECLINED, Contact, PastCall
from engine.people import (
    PeopleError,
    address_meant,
    contact_line,
    fitting,
    is_name,
    parse_contact,
    parse_history,
    parse_past,
    past_line,
    who,
    with_contact,
    without_contact,
)

ANNA, BOB = Contact("Anna Berg", "sip:anna@192.0.2.7"), Contact("Bob", "sip:bob@pbx.example.net:5070")
OTHER_ANNA = Contact("Anna Smith", "sip:anna@example.org")
FILE = """# family
Anna Berg   sip:anna@192.0.2.7   # at home

Bob <bob@pbx.example.net:5070>
nonsense
"""


@pytest.mark.parametrize(
    ("line", "contact"),
    [
        ("Anna Berg sip:anna@192.0.2.7", ANNA),
        ('  "Anna Berg"\t<sip:anna@192.0.2.7>  # at home', ANNA),
        ("Bob bob@pbx.example.net:5070\r", BOB),
        ("Room #3 sip:room3@example.net", Contact("Room #3", "sip:room3@example.net")),
        ("Zoë 田中 sip:z@[2001:db8::7]", Contact("Zoë 田中", "sip:z@[2001:db8::7]")),
        ("", None),
        ("   # Anna sip:anna@192.0.2.7", None),
    ],
)
def test_a_line_of_the_contacts(line: str, contact: Contact | None) -> None:
    assert parse_contact(line) == contact


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("Anna Berg", "has no address"),
        ("sip:anna@192.0.2.7", "has no name"),
        ("Anna sip:anna@192.0.2.7 at home", "goes on after the address"),
        ("Anna sip:@", "is not an address to call"),
        ("Anna sips:anna@example.net", "only sip: addresses"),
        ("A" * 101 + " sip:a@example.net", "characters"),
    ],
)
def test_what_is_no_contact_says_why_in_one_line(line: str, complaint: str) -> None:
    with pytest.raises(PeopleError, match=complaint) as error:
        parse_contact(line)
    assert "\n" not in str(error.value) and len(str(error.value)) < 200


@given(st.text(max_size=80))
def test_any_line_is_a_contact_or_a_complaint(line: str) -> None:
    try:
        contact = parse_contact(line)
    except PeopleError:
        return
    assert contact is None or parse_contact(contact_line(contact)) == contact


def test_the_file_keeps_everything_but_the_line_that_is_changed() -> None:
    changed = with_contact(FILE, OTHER_ANNA, instead_of=ANNA)
    assert changed == FILE.replace(
        "Anna Berg   sip:anna@192.0.2.7   # at home", "Anna Smith  sip:anna@example.org  # at home"
    )
    assert without_contact(FILE, BOB) == FILE.replace("Bob <bob@pbx.example.net:5070>\n", "")
    assert with_contact(FILE, OTHER_ANNA) == FILE + "Anna Smith  sip:anna@example.org\n"
    assert with_contact("Bob bob@x", ANNA) == "Bob bob@x\nAnna Berg  sip:anna@192.0.2.7\n"


def test_a_contact_that_somebody_else_has_taken_out_is_not_changed() -> None:
    assert with_contact(FILE, ANNA, instead_of=OTHER_ANNA) is None and without_contact("", ANNA) is None


def test_a_name_means_one_contact_or_is_said_to_mean_several() -> None:
    everyone = (ANNA, OTHER_ANNA, BOB)
    assert fitting("anna", everyone) == (ANNA, OTHER_ANNA) and fitting("BERG", everyone) == (ANNA,)
    assert address_meant("bo", everyone) == BOB.uri and address_meant("anna  berg", everyone) == ANNA.uri
    assert address_meant("nobody", everyone) == "nobody" and fitting(" ", everyone) == ()
    with pytest.raises(PeopleError, match=r"'anna' may be Anna Berg <[^>]*>, Anna Smith"):
        address_meant("anna", everyone)


def test_the_whole_name_wins_over_its_beginning_in_another() -> None:
    assert address_meant("Bob", (Contact("Bob Miller", "sip:m@example.net"), BOB)) == BOB.uri


def test_one_person_twice_in_the_file_is_one() -> None:
    assert address_meant("anna", (ANNA, Contact("Anna", ANNA.uri))) == ANNA.uri


@pytest.mark.parametrize("typed", ["sip:anna", "anna@example.net", "192.0.2.7:5060", "<anna>", ""])
def test_an_address_is_never_taken_for_a_name(typed: str) -> None:
    assert not is_name(typed) and address_meant(typed, (Contact("anna", "sip:x@y"),)) == typed


def test_the_same_person_however_the_address_is_written() -> None:
    assert who("sip:anna@Example.NET") == who("sip:anna@example.net:5060;transport=udp")
    assert who("sip:anna@example.net") != who("sip:Anna@example.net") != who("sip:anna@example.net:5070")
    assert who("tel:+49123") is None and who("nonsense") is None


PAST = PastCall(1_772_638_927.0, "in", "sip:bob@203.0.113.5", "Bob", 192.7, "the far end hung up", 4.31, None)
STAMP = "2026-03-04T16:42:07+01:00"


def test_a_call_is_one_line_and_comes_back_from_it() -> None:
    line = past_line(PAST, STAMP)
    assert line.split("\t") == [STAMP, "in", "sip:bob@203.0.113.5", "Bob", "0:03:12", "the far end hung up", "4.3", "-"]
    back = parse_past(line)
    assert back == PastCall(PAST.time, "in", PAST.uri, "Bob", 192.0, PAST.ended, 4.3, None)


def test_a_call_that_nobody_answered() -> None:
    missed = PastCall(PAST.time, "in", PAST.uri, "", None, "they gave up")
    declined = PastCall(PAST.time, "in", PAST.uri, "", None, DECLINED)
    assert declined.declined and not declined.missed
    assert missed.missed and parse_past(past_line(missed, STAMP)) == missed


def test_what_a_stranger_wrote_cannot_break_the_line() -> None:
    hostile = PastCall(PAST.time, "in", "sip:x@y", "a\tb\n\x1b[2J\u202e" + "x" * 500, None, "\r\n\tno")
    line = past_line(hostile, STAMP)
    assert line.count("\t") == 7 and line.isprintable() is False and "\x1b" not in line and len(line) < 300
    assert all(part.isprintable() for part in line.split("\t"))
    assert parse_past(line) is not None


@pytest.mark.parametrize(
    "line",
    [
        "",
        "2026-03-04T16:42",
        f"{STAMP}\tin\tsip:bob@20",
        f"{STAMP}\tup\tx\ty\t-\tz",
        "now\tin\tx\ty\t-\tz",
        f"{STAMP}\tin\tx\ty\t1:x\tz",
    ],
)
def test_a_line_that_was_cut_off_is_none(line: str) -> None:
    assert parse_past(line) is None


def test_a_line_that_a_person_has_written() -> None:
    line = "2026-03-04 16:42\tout\tsip:bob@203.0.113.5\t-\t3:12\tfine"
    found = parse_past(line)
    assert found is not None and found.duration_s == 192 and found.name == "" and found.mos_here is None


def test_a_history_passes_over_what_is_none() -> None:
    good = past_line(PAST, STAMP)
    assert len(list(parse_history(["# time", good, good[:30], "", good]))) == 2


@given(st.text(max_size=120))
def test_any_line_is_a_call_or_none(line: str) -> None:
    parse_past(line.replace(" ", "\t"))
