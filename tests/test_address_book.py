"""Contacts and past calls, kept in files of paper."""

from __future__ import annotations

import errno
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

import pytest

from engine.address_book import (
    LOOK_AGAIN_S,
    MOST_CONTACTS,
    MOST_HISTORY_BYTES,
    MOST_PAST,
    SHORT_AT_ONCE,
    SHORT_EVERY_S,
    AddressBook,
    look_up,
)
from engine.model import CommandError
from engine.model_people import Contact, RemoveContact, SaveContact
from engine.people import HEADING
from tests.widgets import views

ANNA = Contact("Anna Berg", "sip:anna@192.0.2.7")
STAMP = "2026-03-04T16:42:07+01:00"
PAST = f"{STAMP}\tin\tsip:anna@192.0.2.7:5060\tTrixie\t0:03:12\tthe far end hung up\t4.3\t4.1"


class Paper:
    """A text file (``engine.io.text_files.TextFile``)."""

    def __init__(self, text: str = "") -> None:
        self.path, self.shown, self.text, self.seen = "/paper", "~/paper", text, text
        self.fails: OSError | None = None

    def changed(self) -> bool:
        return self.text != self.seen

    def read(self) -> tuple[str, bool]:
        self._fail()
        self.seen = self.text
        return self.text, True

    def append(self, line: str, heading: str = "") -> None:
        self._fail()
        self.text += (f"{heading}\n" if not self.text else "") + f"{line}\n"
        self.seen = self.text

    def replace(self, text: str) -> None:
        self._fail()
        self.text = self.seen = text

    def held(self) -> AbstractContextManager[None]:
        return nullcontext()

    def length(self) -> int:
        return len(self.text)

    def beginning(self, most_bytes: int) -> str:
        return self.text[: self.text.rfind("\n", 0, most_bytes) + 1]

    def replace_beginning(self, old: str, new: str) -> bool:
        if not self.text.startswith(old):
            return False
        self.replace(new + self.text[len(old) :])
        return True

    def _fail(self) -> None:
        if self.fails is not None:
            raise self.fails


class Desk:
    """An address book, its files, and what it says."""

    def __init__(self, contacts: str = "", history: str = "") -> None:
        self.contacts, self.history = Paper(contacts), Paper(history)
        self.log: list[str] = []
        self.book = AddressBook(self.contacts, self.history, lambda *line: self.log.append(line[2]), lambda time: STAMP)
        self.book.start()

    def turn(self, now: float) -> None:
        self.book.run(now, lambda: True)


def test_both_files_are_read_at_the_start() -> None:
    desk = Desk("# friends\nAnna Berg sip:anna@192.0.2.7\n", f"{HEADING}\n{PAST}\n")
    assert desk.book.view.contacts == (ANNA,) and desk.book.view.past[0].name == "Trixie" and not desk.log


def test_a_call_of_a_contact_has_his_name_and_not_the_one_that_was_sent() -> None:
    desk = Desk("Anna Berg sip:anna@192.0.2.7", PAST)
    assert desk.book.view.names == ("Anna Berg",) and desk.book.name_of("sip:anna@192.0.2.7;x=y") == "Anna Berg"
    assert desk.book.name_of("sip:eve@192.0.2.7") == desk.book.name_of("rubbish") == ""


def test_a_bad_line_is_one_clear_line_of_the_log_with_its_number() -> None:
    desk = Desk("Anna Berg sip:anna@192.0.2.7\n\nBob\n")
    assert desk.log == ["contacts, line 3: 'Bob' has no address such as sip:anna@192.0.2.7 after the name (~/paper)"]
    assert desk.book.view.contacts == (ANNA,)


def test_a_complaint_that_was_made_is_not_made_again_when_another_line_is_added() -> None:
    desk = Desk("Bob\n")
    desk.turn(0.0)
    desk.contacts.text = "Bob\nCarol\n"
    desk.turn(10.0)
    assert [line.partition(", ")[2][:6] for line in desk.log] == ["line 1", "line 2"]


def test_a_file_of_rubbish_is_a_few_lines_of_the_log() -> None:
    assert len(Desk("rubbish\n" * 300).log) == 5


def test_what_is_in_memory_is_bounded() -> None:
    desk = Desk("Anna Berg sip:anna@192.0.2.7\n" * (MOST_CONTACTS + 5), f"{PAST}\n" * (MOST_PAST + 5))
    assert len(desk.book.view.contacts) == MOST_CONTACTS and len(desk.book.view.past) == MOST_PAST
    assert desk.log == [f"contacts, only the first {MOST_CONTACTS} of {MOST_CONTACTS + 5} are taken (~/paper)"]


def test_a_changed_file_is_read_again_after_a_while() -> None:
    desk = Desk()
    desk.turn(100.0)
    desk.contacts.text = "Anna Berg sip:anna@192.0.2.7"
    desk.turn(100.0 + LOOK_AGAIN_S - 0.1)
    assert desk.book.view.contacts == ()
    desk.turn(100.0 + LOOK_AGAIN_S)
    assert desk.book.view.contacts == (ANNA,)


def test_a_long_file_is_read_a_piece_at_a_time_where_there_is_no_room() -> None:
    desk = Desk()
    desk.contacts.text = "Anna Berg sip:anna@192.0.2.7\n" * 500
    turns, now = 0, 1000.0
    desk.turn(0.0)
    while not desk.book.view.contacts and turns < 100:
        room = iter([True, False])
        desk.book.run(now, lambda room=room: next(room))  # type: ignore[misc]
        turns += 1
    assert 15 < turns < 40 and len(desk.book.view.contacts) == 500


def test_a_file_that_cannot_be_read_is_said_and_what_was_known_stays() -> None:
    desk = Desk("Anna Berg sip:anna@192.0.2.7")
    desk.contacts.fails = PermissionError(errno.EACCES, "Permission denied")
    desk.contacts.text = "other"
    desk.turn(0.0)
    desk.turn(10.0)
    assert desk.log == ["/paper: it cannot be read (permission denied)"] and desk.book.view.contacts == (ANNA,)


def test_a_call_that_is_over_is_one_more_line() -> None:
    desk = Desk("", f"{PAST}\n")
    desk.book.ended(replace(views.call(1), reason="we hung up"), views.NOW)
    line = f"{STAMP}\tout\tsip:bob@203.0.113.5\tBob\t0:03:12\twe hung up\t4.3\t4.0"
    assert desk.history.text == f"{PAST}\n{line}\n" and desk.book.view.past[-1].ended == "we hung up"
    desk.book.ended(views.ended(2), views.NOW)
    assert desk.book.view.past[-1].duration_s is None and desk.history.text.endswith("\tEve\t-\tbusy\t-\t-\n")


NOTES = f"{HEADING}\n# ask Trixie about May\n\n{PAST}\trang twice\n{PAST[:-3]}\tgood\n"


def long_history(calls: int) -> str:
    return NOTES + "".join(f"{PAST.replace('Trixie', f'Trixie {number}')}\n" for number in range(calls))


def test_of_a_long_history_the_oldest_calls_go_and_what_a_person_wrote_stays() -> None:
    calls = MOST_HISTORY_BYTES // 90
    desk = Desk("", long_history(calls))
    desk.turn(0.0)
    assert len(desk.history.text) < 0.6 * MOST_HISTORY_BYTES and desk.history.text.startswith(NOTES)
    assert desk.history.text.endswith(f"{PAST.replace('Trixie', f'Trixie {calls - 1}')}\n")
    kept = desk.history.text.count("\tTrixie ")
    assert desk.log == [f"{calls - kept} old calls were taken out (~/paper)"]
    assert len(desk.book.view.past) == MOST_PAST and desk.book.view.past[-1].name == f"Trixie {calls - 1}"
    before = desk.history.text
    desk.turn(10.0)
    desk.turn(20.0)
    assert desk.history.text == before


def test_a_history_that_gets_long_while_we_run_is_shortened_when_there_is_room() -> None:
    desk = Desk("", NOTES)
    desk.history.text = desk.history.seen = long_history(MOST_HISTORY_BYTES // 90)
    desk.book.ended(replace(views.call(1), reason="we hung up"), views.NOW)
    assert len(desk.history.text) > MOST_HISTORY_BYTES
    desk.book.run(1.0, lambda: False)
    assert len(desk.history.text) > MOST_HISTORY_BYTES
    desk.turn(2.0)
    assert len(desk.history.text) < 0.6 * MOST_HISTORY_BYTES and desk.history.text.startswith(NOTES)
    assert "we hung up" in desk.history.text.splitlines()[-1]


def test_a_person_changes_the_history_meanwhile_and_nothing_is_taken_out() -> None:
    desk = Desk("", NOTES)
    desk.history.text = desk.history.seen = long_history(MOST_HISTORY_BYTES // 90)
    desk.book.ended(replace(views.call(1), reason="we hung up"), views.NOW)
    room = iter([True, False])
    desk.book.run(1.0, lambda: next(room))
    desk.history.text = written = "# mine alone\n" + desk.history.text
    desk.turn(2.0)
    assert desk.history.text == written and not desk.log


def test_a_history_of_notes_alone_stays_as_it_is() -> None:
    notes = "# a note of a person\n" * (MOST_HISTORY_BYTES // 20)
    desk = Desk("", notes)
    desk.turn(0.0)
    assert desk.history.text == notes


def test_a_call_that_cannot_be_noted_down_is_said_and_remembered_all_the_same() -> None:
    desk = Desk()
    desk.history.fails = OSError(errno.ENOSPC, "No space left on device")
    desk.book.ended(views.ended(1), views.NOW)
    assert desk.log == ["/paper: the call is not noted down (no space left on device)"]
    assert len(desk.book.view.past) == 1


def test_a_flood_of_calls_fills_neither_the_disk_nor_the_list_and_is_said_once() -> None:
    desk = Desk()
    stranger = replace(views.ended(1), direction="in")
    for number in range(1000):
        desk.book.ended(replace(stranger, peer_uri=f"sip:{number}@example.net"), views.NOW + number / 500)
    desk.book.ended(replace(views.call(2), direction="in"), views.NOW + 2)
    assert len(desk.book.view.past) == SHORT_AT_ONCE + 1 and len(desk.log) == 1
    assert desk.book.view.past[-1].duration_s is not None  # one that was taken is noted down in a flood, too
    desk.book.ended(stranger, views.NOW + 2 + SHORT_EVERY_S)
    assert len(desk.book.view.past) == SHORT_AT_ONCE + 2


def test_a_flood_of_calls_that_are_taken_by_themselves_is_one_too() -> None:
    desk = Desk()
    taken = replace(views.call(1), direction="in", talk_s=0.2)
    for number in range(1000):
        desk.book.ended(replace(taken, peer_uri=f"sip:{number}@example.net"), views.NOW + number / 500)
    assert len(desk.book.view.past) == SHORT_AT_ONCE and len(desk.log) == 1
    desk.book.ended(replace(taken, direction="out"), views.NOW + 2)
    assert len(desk.book.view.past) == SHORT_AT_ONCE + 1, "whom the user called is noted down, however short it was"


def test_what_a_stranger_sends_is_kept_in_part_only() -> None:
    desk = Desk("Anna Berg sip:anna@192.0.2.7")
    long = "sip:" + "x" * 60_000 + "@192.0.2.7"
    assert desk.book.name_of(long) == ""
    desk.book.ended(replace(views.ended(1), peer_uri=long, peer_name="y" * 60_000), views.NOW)
    assert len(desk.history.text) < 2000 and len(str(desk.book.view.past)) < 2000


def test_a_contact_is_added_changed_and_removed_and_the_rest_of_the_file_stays() -> None:
    desk = Desk("# friends\n")
    desk.book.save(SaveContact("Anna Berg anna@192.0.2.7"))
    desk.turn(0.0)
    assert desk.contacts.text == "# friends\nAnna Berg  sip:anna@192.0.2.7\n" and desk.book.view.contacts == (ANNA,)
    desk.book.save(SaveContact("Anna Maria sip:anna@192.0.2.8", instead_of=ANNA))
    desk.turn(0.0)
    changed = desk.book.view.contacts[0]
    assert changed == Contact("Anna Maria", "sip:anna@192.0.2.8")
    desk.book.remove(RemoveContact(changed))
    desk.turn(0.0)
    assert desk.contacts.text == "# friends\n" and desk.book.view.contacts == ()


@pytest.mark.parametrize(
    ("line", "complaint"),
    [("", "a contact is a name and an address"), ("Anna", "has no address"), ("Anna Berg anna@192.0.2.7", "already")],
)
def test_what_is_no_new_contact_is_refused(line: str, complaint: str) -> None:
    desk = Desk("Anna Berg sip:anna@192.0.2.7\n")
    with pytest.raises(CommandError, match=complaint):
        desk.book.save(SaveContact(line))
    assert desk.contacts.text == "Anna Berg sip:anna@192.0.2.7\n"


def test_a_line_that_somebody_else_has_changed_meanwhile_is_not_touched() -> None:
    desk = Desk("Anna Berg sip:anna@192.0.2.7\n")
    desk.contacts.text = "Anna Berg sip:anna@192.0.2.9\n"
    with pytest.raises(CommandError, match="no longer in it"):
        desk.book.remove(RemoveContact(ANNA))
    desk.turn(0.0)
    assert desk.contacts.text == "Anna Berg sip:anna@192.0.2.9\n" and desk.book.view.contacts[0].uri.endswith("9")


def test_a_disk_that_takes_nothing_is_said() -> None:
    desk = Desk("Anna Berg sip:anna@192.0.2.7\n")
    desk.contacts.fails = OSError(errno.EROFS, "Read-only file system")
    with pytest.raises(CommandError, match="cannot be changed"):
        desk.book.remove(RemoveContact(ANNA))


def test_a_name_that_means_two_is_refused() -> None:
    book = Desk("Anna Berg sip:a@x\nAnna Smith sip:b@x\nBob sip:bob@x").book
    assert book.address_meant("bob") == "sip:bob@x" and book.address_meant("eve") == "eve"
    with pytest.raises(CommandError, match="'anna' may be"):
        book.address_meant("anna")


def test_a_name_is_looked_up_without_a_phone_and_an_address_without_a_file() -> None:
    paper = Paper("Bob sip:bob@x\nrubbish")
    assert look_up("bob", paper) == "sip:bob@x" and look_up("pbx", paper) == look_up("pbx", None) == "pbx"
    paper.fails = OSError(errno.EIO, "Input/output error")
    assert look_up("sip:bob@y", paper) == "sip:bob@y" and look_up("bob", paper) == "bob"


def test_without_files_nothing_is_kept_but_in_memory() -> None:
    book = AddressBook(None, None, lambda *line: None, lambda time: STAMP)
    book.start()
    book.run(0.0, lambda: True)
    book.run(100.0, lambda: True)
    book.ended(views.ended(1), views.NOW)
    assert len(book.view.past) == 1
    with pytest.raises(CommandError, match="no contacts are kept"):
        book.save(SaveContact("Anna sip:anna@x"))
