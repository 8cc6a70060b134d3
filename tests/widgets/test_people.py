"""The view "people": contacts and calls that are over."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.model import Snapshot
from engine.model_people import Contact, PastCall, PeopleView, RemoveContact, SaveContact
from tests.widgets import test_controls, views
from tests.widgets.test_controls import press
from tests.widgets.views import NOW, drawn
from widgets import dashboard, people
from widgets.canvas import Canvas
from widgets.controls import Controls
from widgets.people import Leafing
from widgets.ui import Scene, Ui, scene

DAY_S = 86400.0
ANNA, BOB = Contact("Anna Berg", "sip:anna@192.0.2.7"), Contact("Bob", "sip:bob@pbx.example.net:5070")
PEOPLE = PeopleView(
    (ANNA, BOB, Contact("田中さん", "sip:tanaka@example.jp")),
    (
        PastCall(NOW - 400 * DAY_S, "out", "sip:old@example.org", "Old", 12.0, "we hung up", 4.1, None),
        PastCall(NOW - 9 * DAY_S, "in", "sip:trixie@198.51.100.9", "★ Anna Berg", None, "they gave up (487)"),
        PastCall(NOW - 600, "in", "sip:anna@192.0.2.7", "Trixie", 192.2, "the far end hung up", 4.31, 2.9),
    ),
    ("", "", "Anna Berg"),
    "~/contacts.txt",
    "~/calls.txt",
)
IN_CALLS = Leafing(in_calls=True)


def shown(leafing: Leafing = Leafing(), known: PeopleView = PEOPLE, **changes: object) -> Scene:  # noqa: B008
    return scene(replace(views.snapshot(), people=known), views.ui(**changes).with_state(leafing))


class Phone(test_controls.Phone):
    """Knows these people."""

    people = PEOPLE

    def snapshot(self) -> Snapshot:
        return replace(super().snapshot(), people=self.people)


def desk(leafing: Leafing = Leafing()) -> tuple[Controls, Phone]:  # noqa: B008
    phone = Phone()
    return Controls(phone, Ui(view="people").with_state(leafing)), phone


def line(controls: Controls) -> str:
    """The line that is typed, with ``|`` where the cursor is."""
    typed = controls.ui.prompt
    return "" if typed is None else f"{typed.label}: {typed.text[: typed.cursor]}|{typed.text[typed.cursor :]}"


# ------------------------------------------------------------------ what is seen


def test_contacts() -> None:
    assert drawn(people.draw_contacts, 60, 5, shown(Leafing(contact=1))) == [
        "── contacts ─────────────────────────── 3  ~/contacts.txt ──",
        " Anna Berg  sip:anna@192.0.2.7",
        "▶Bob        sip:bob@pbx.example.net:5070",
        " 田中さん   sip:tanaka@example.jp",
        "",
    ]


def test_calls_newest_first_with_the_contacts_own_name() -> None:
    assert drawn(people.draw_past, 80, 7, shown(IN_CALLS)) == [
        "── past calls ──────────────────────────────────────────────── 3  ~/calls.txt ──",
        "         WHEN   WHO                           TIME      MOS  ENDED",
        "▶       15:32 ← ★ Anna Berg                  03:12  4.3 2.9  the far end hung …",
        ' Feb 23 15:42 ← "★ Anna Berg"               missed           they gave up (487)',
        "   2025-01-28 → Old <sip:old@example.org>    00:12    4.1 -  we hung up",
        "",
        "",
    ]


def test_where_it_is_narrow_and_in_ascii() -> None:
    narrow = shown(Leafing(contact=2), glyphs="ascii")
    assert drawn(people.draw_contacts, 34, 3, narrow, glyphs="ascii")[2].startswith(">")
    assert drawn(people.draw_past, 40, 4, narrow, glyphs="ascii") == [
        "-- past calls -------- 3  ~/calls.txt --",
        "  15:32 <- ★ Anna Berg            03:12",
        ' Feb 23 <- "★ Anna Berg"         missed',
        "   2025 -> Old                    00:12",
    ]


def test_nobody_yet() -> None:
    assert drawn(people.draw_contacts, 40, 2, shown(known=PeopleView()))[1] == " No contacts yet: n adds one."
    assert drawn(people.draw_past, 40, 2, shown(known=PeopleView()))[1] == " No call has ended yet."


def test_the_filter_looks_through_both() -> None:
    filtered = shown(Leafing(wanted="ANNA"))
    assert drawn(people.draw_contacts, 60, 2, filtered) == [
        "── contacts ───────────────────────── with 'ANNA'  1 of 3 ──",
        "▶Anna Berg  sip:anna@192.0.2.7",
    ]
    assert len([row for row in drawn(people.draw_past, 60, 5, filtered)[1:] if row]) == 2
    assert "they gave up" in drawn(people.draw_past, 80, 5, shown(Leafing(wanted="missed")))[1]
    assert drawn(people.draw_past, 60, 5, shown(Leafing(wanted="zzz")))[1] == " No call with that in it."


@pytest.mark.parametrize(("columns", "rows"), [(120, 40), (80, 24), (40, 10)])
@pytest.mark.parametrize("in_calls", [False, True])
def test_the_cursor_is_always_seen(columns: int, rows: int, in_calls: bool) -> None:
    known = tuple(Contact(f"Nr {n}", f"sip:n{n}@x") for n in range(200))
    many = replace(PEOPLE, contacts=known, past=PEOPLE.past * 50, names=("",) * 150)
    for place in (0, 1, 77, 149):
        canvas = Canvas(columns, rows)
        leafing = Leafing(in_calls=in_calls, contact=place, past=place)
        phone = replace(views.snapshot(*(views.call(n) for n in range(1, 9))), people=many)
        dashboard.draw(canvas, phone, views.ui(view="people").with_state(leafing))
        assert sum(row.count("▶") for row in canvas.rows()) == 2  # the call, and the row of this view


def test_without_private_data_the_same_rows_and_no_name() -> None:
    canvas = Canvas(120, 30)
    state = views.ui(view="people", masked=True).with_state(Leafing(wanted="anna"))
    dashboard.draw(canvas, replace(views.snapshot(), people=PEOPLE), state)
    text = "\n".join(canvas.rows())
    assert "with '...'  1 of 3" in text and "with '...'  2 of 3" in text and "contact1" in text
    assert not [word for word in ("nna", "trixie", "Trixie", "192.0.2.7", "contacts.txt") if word in text]


# ------------------------------------------------------------------ keys


def test_enter_opens_the_line_to_dial_and_only_the_next_one_dials() -> None:
    controls, phone = desk()
    press(controls, "j", "k", "Enter")
    assert line(controls) == "dial: Anna Berg <sip:anna@192.0.2.7>|" and not phone.told
    press(controls, "Enter")
    assert [str(command) for command in phone.told] == ["Dial(uri='Anna Berg <sip:anna@192.0.2.7>')"]


def test_of_a_past_call_only_the_address_is_dialled() -> None:
    controls, phone = desk()
    press(controls, "Right", "Down", "Enter")
    assert line(controls) == "dial: sip:trixie@198.51.100.9|" and not phone.told


def test_who_called_becomes_a_contact_by_a_name_that_the_user_gives() -> None:
    controls, phone = desk()
    press(controls, "l", "End", "n")
    assert line(controls) == "name and address: Old| sip:old@example.org"
    press(controls, "Ctrl-U", *"Otto", "Enter")
    assert phone.told == [SaveContact("Otto sip:old@example.org")]


def test_a_contact_is_not_added_twice() -> None:
    controls, _ = desk(IN_CALLS)
    press(controls, "n")
    assert line(controls) == "" and controls.ui.notice == "Anna Berg is a contact already"


def test_a_new_contact_is_typed() -> None:
    controls, phone = desk()
    press(controls, "n", *"Eve sip:eve@x", "Enter")
    assert phone.told == [SaveContact("Eve sip:eve@x")] and controls.ui.notice == "the contact is kept"


def test_what_the_phone_refuses_can_be_mended() -> None:
    controls, phone = desk()
    phone.refuses = "'Eve' has no address"
    press(controls, "n", *"Eve", "Enter")
    assert line(controls) == "name and address: Eve|" and controls.ui.notice == "'Eve' has no address"
    press(controls, "Escape")
    assert line(controls) == controls.ui.notice == ""


def test_a_contact_is_changed_from_its_row_or_from_a_call_of_his() -> None:
    for leafing in (Leafing(), IN_CALLS):
        controls, phone = desk(leafing)
        press(controls, "e")
        assert line(controls) == "change to: Anna Berg| sip:anna@192.0.2.7"
        press(controls, *" M", "Enter")
        assert phone.told == [SaveContact("Anna Berg M sip:anna@192.0.2.7", instead_of=ANNA)]


def test_of_two_contacts_of_one_name_the_one_who_called_is_changed() -> None:
    controls, phone = desk(IN_CALLS)
    at_work = Contact(ANNA.name, "sip:anna@work.example.net")
    phone.people = replace(PEOPLE, contacts=(at_work, *PEOPLE.contacts))
    press(controls, "e", "Enter")
    assert phone.told == [SaveContact("Anna Berg sip:anna@192.0.2.7", instead_of=ANNA)]


def test_edit_is_offered_where_there_is_a_contact() -> None:
    def offered(leafing: Leafing, known: PeopleView = PEOPLE) -> bool:
        return next(key for key in people.VIEW.keys if key.does == "edit").offered(shown(leafing, known))

    assert offered(Leafing()) and offered(IN_CALLS)
    assert not offered(replace(IN_CALLS, past=1)) and not offered(Leafing(), PeopleView())


def test_a_stranger_is_no_contact_to_edit() -> None:
    controls, _ = desk(IN_CALLS)
    press(controls, "Down", "e")
    assert line(controls) == "" and controls.ui.notice == "this is no contact: n makes it one"


def test_a_contact_is_removed_after_a_yes_alone() -> None:
    for answer, told in (("n", []), ("y", [RemoveContact(BOB)])):
        controls, phone = desk(Leafing(contact=1))
        press(controls, "x")
        assert controls.ui.prompt is not None and controls.ui.prompt.label == "remove Bob from the contacts?"
        press(controls, answer)
        assert phone.told == told


def test_h_goes_to_the_contacts_and_hangs_nobody_up() -> None:
    controls, phone = desk(IN_CALLS)
    press(controls, "h")
    assert controls.ui.state(Leafing()) == Leafing() and not phone.told


def test_the_filter_goes_where_something_was_found_and_escape_shows_all() -> None:
    controls, _ = desk()
    press(controls, "/", *"trixie", "Enter")
    assert controls.ui.state(Leafing()) == Leafing(in_calls=True, wanted="trixie")
    press(controls, "Enter")
    assert line(controls) == "dial: sip:anna@192.0.2.7|"
    press(controls, "Escape", "Escape")
    assert controls.ui.state(Leafing()).wanted == "" and controls.ui.view == "people"


def test_a_new_call_does_not_move_the_cursor() -> None:
    controls, phone = desk(IN_CALLS)
    press(controls, "Down")
    newer = PastCall(NOW, "in", "sip:new@x", "", None, "busy")
    phone.people = replace(PEOPLE, past=(*PEOPLE.past, newer), names=(*PEOPLE.names, ""))
    press(controls, "Enter")
    assert line(controls) == "dial: sip:trixie@198.51.100.9|"
