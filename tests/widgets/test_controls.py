"""Keys and events on the screen's own state, without a terminal and without a phone behind it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import model
from engine.model import CallState, CallView, CommandError
from engine.model_people import Saved
from tests.widgets import views
from widgets import dashboard, keys
from widgets.canvas import Canvas
from widgets.controls import KEYPAD_S, MOVED_S, NOTICE_S, Controls
from widgets.ui import Ui, shown_call


class Phone:
    """Remembers what it was told to do."""

    def __init__(self, *calls: CallView) -> None:
        self.calls = calls
        self.told: list[model.Command] = []
        self.now = 100.0
        self.refuses = ""
        self.dialled = 1

    def execute(self, command: model.Command) -> int | None:
        self.told.append(command)
        if self.refuses:
            raise CommandError(self.refuses)
        return self.dialled if isinstance(command, model.Dial) else None

    def snapshot(self) -> model.Snapshot:
        return views.snapshot(*self.calls)

    def clock(self) -> float:
        return self.now


def longer_by(lines: int) -> Canvas:
    """A screen whose view is longer than its room by so much."""
    canvas = Canvas(1, 1)
    canvas.scroll_limit = lines
    return canvas


def shown(controls: Controls, phone: Phone) -> int | None:
    view = shown_call(phone.snapshot(), controls.ui.selected)
    return None if view is None else view.id


def press(controls: Controls, *names: str) -> None:
    for name in names:
        controls.press(name)


def comes(controls: Controls, phone: Phone, call: CallView) -> None:
    phone.calls = (*phone.calls, call)
    controls.event(model.Incoming(call, auto_answer=False))


def ends(controls: Controls, phone: Phone, number: int, exit_code: int = 0) -> None:
    view = next(call for call in phone.calls if call.id == number)
    over = replace(view, state=CallState.ENDED, reason="the far end hung up")
    phone.calls = (*(call for call in phone.calls if call.id != number), over)
    controls.event(model.Ended(over, None, over.reason, exit_code))


# ------------------------------------------------------------------ the selection


def test_the_first_call_that_rings_is_looked_at() -> None:
    phone = Phone(views.ended(1))
    controls = Controls(phone, Ui(selected=1))
    comes(controls, phone, views.ringing(2))
    assert shown(controls, phone) == 2


@pytest.mark.parametrize("first", [views.call(1), views.ringing(1), views.held(1), views.call(1, CallState.DIALLING)])
@pytest.mark.parametrize("selected", [None, 1])
def test_a_call_that_rings_never_takes_the_place_of_another(first: CallView, selected: int | None) -> None:
    """Whoever is about to press "a" for a friend does not take a stranger's call, nor lose his own by "h"."""
    phone = Phone(first)
    controls = Controls(phone, Ui(selected=selected))
    comes(controls, phone, views.ringing(2))
    assert shown(controls, phone) == 1
    press(controls, "h")
    assert phone.told == [model.HangUp(1)]


def test_a_call_that_fails_before_it_was_drawn_gives_way_to_the_one_that_lives() -> None:
    phone = Phone(views.held(1))
    controls = Controls(phone, Ui(selected=1))
    failed = views.call(2, CallState.DIALLING)
    phone.dialled, phone.calls = 2, (*phone.calls, failed)
    press(controls, "d", "b", "Enter")
    assert phone.told == [model.Dial("b")] and shown(controls, phone) == 2
    ends(controls, phone, 2, exit_code=15)
    assert shown(controls, phone) == 1
    assert controls.ui.notice == "call 2 ended: the far end hung up"


def test_the_last_call_stays_on_the_screen_with_its_totals() -> None:
    phone = Phone(views.call(1))
    controls = Controls(phone, Ui())
    ends(controls, phone, 1)
    assert shown(controls, phone) == 1 and not controls.ui.notice
    press(controls, "Escape")
    assert shown(controls, phone) is None


def test_up_and_down_go_through_the_list_and_stop_at_its_ends() -> None:
    phone = Phone(*views.four_calls().calls)
    controls = Controls(phone, Ui(selected=1))
    seen = []
    for name in ("Up", "Down", "j", "Down", "Down", "k", "PageUp", "PageDown"):
        press(controls, name)
        seen.append(shown(controls, phone))
    assert seen == [1, 2, 3, 4, 4, 3, 1, 4]


# ------------------------------------------------------------------ hanging up


def test_one_press_too_many_does_not_end_the_next_call() -> None:
    phone = Phone(views.call(1), views.held(2))
    controls = Controls(phone, Ui(selected=1))
    press(controls, "h")
    ends(controls, phone, 1)
    assert shown(controls, phone) == 2
    press(controls, "h")
    assert phone.told == [model.HangUp(1)]
    assert controls.ui.notice == "this is call 2 now: h again hangs it up"
    press(controls, "h")
    assert phone.told == [model.HangUp(1), model.HangUp(2)]


def test_a_moment_later_one_press_is_enough() -> None:
    phone = Phone(views.call(1), views.held(2))
    controls = Controls(phone, Ui(selected=1))
    ends(controls, phone, 1)
    phone.now += MOVED_S
    press(controls, "h")
    assert phone.told == [model.HangUp(2)]


def test_who_chose_the_call_needs_one_press_only() -> None:
    phone = Phone(views.call(1), views.held(2), views.held(3))
    controls = Controls(phone, Ui(selected=1))
    ends(controls, phone, 1)
    press(controls, "Up", "h")
    assert phone.told == [model.HangUp(2)]


def test_a_call_that_is_over_is_not_hung_up_and_neither_is_another() -> None:
    phone = Phone(views.call(1), views.ended(4))
    controls = Controls(phone, Ui(selected=4))
    press(controls, "h")
    assert phone.told == [] and controls.ui.notice == "call 4 is over"
    assert "hang up" not in [hint.label for hint in controls.hints(phone.snapshot()) if hint.enabled]


# ------------------------------------------------------------------ calling again


def test_whoever_was_called_is_a_key_away() -> None:
    """On the command line too; and not twice for having been typed, dialled and answered."""
    phone = Phone(views.call(1, peer_uri="sip:bob@203.0.113.5"))
    controls = Controls(phone, Ui())
    ends(controls, phone, 1)
    press(controls, "d", "Paste:eve@192.0.2.9", "Enter")
    controls.event(model.Answered(views.call(2, peer_uri="sip:eve@192.0.2.9")))
    seen = []
    for _ in range(3):
        press(controls, *(["Up"] if controls.ui.prompt else ["d", "Up"]))
        assert controls.ui.prompt is not None
        seen.append(controls.ui.prompt.text)
    assert seen == ["eve@192.0.2.9", "sip:bob@203.0.113.5", "sip:bob@203.0.113.5"]


def test_an_address_that_cannot_be_called_stays_in_its_line_and_can_be_mended() -> None:
    phone = Phone()
    controls = Controls(phone, Ui())
    phone.refuses = "sips: needs TLS"
    press(controls, "d", "Paste:sips:bob@192.0.2.9", "Enter")
    assert controls.ui.prompt is not None and controls.ui.prompt.text == "sips:bob@192.0.2.9"
    assert controls.ui.notice == "sips: needs TLS"
    phone.refuses = ""
    press(controls, "Home", "Right", "Right", "Right", "Delete", "Enter")
    assert phone.told[-1] == model.Dial("sip:bob@192.0.2.9") and controls.ui.prompt is None
    press(controls, "d", "Up", "Up")
    assert controls.ui.prompt is not None and controls.ui.prompt.text == "sip:bob@192.0.2.9"  # what failed is not kept


@pytest.mark.parametrize(
    ("third", "why"),
    [(views.ended(3), "call 3 is over"), (views.ringing(3), "call 3 is not up")],
)
def test_of_several_calls_that_are_up_none_is_meant_that_is_not_seen_to_be(third: CallView, why: str) -> None:
    phone = Phone(views.call(1), views.held(2), third)
    controls = Controls(phone, Ui(selected=3))
    for key in ("7", "o"):
        press(controls, key)
        assert controls.ui.notice == f"{why}: select the one that is meant"
    phone.calls = (views.call(1, conference=True), views.call(2, conference=True), third)
    press(controls, "c")
    assert phone.told == []
    phone.calls = (views.call(1), third)
    press(controls, "7")
    assert controls.ui.notice == "sent 7 to call 1"
    press(controls, "o")
    assert controls.ui.notice == "that was for call 1"
    assert phone.told == [model.SendDigits("7", 1), model.Hold(1)]


def test_a_digit_that_is_sent_is_seen_everywhere() -> None:
    phone = Phone(views.call(1))
    controls = Controls(phone, Ui(small=True))
    press(controls, "5")
    assert controls.ui.notice == "sent 5"
    press(controls, "x", "5")
    assert controls.ui.notice == "sent *"
    phone.refuses = "the far end takes no digits"
    press(controls, "6")
    assert controls.ui.notice == "the far end takes no digits"


def test_a_digit_for_a_call_that_just_ended_leads_to_no_view() -> None:
    phone = Phone(views.call(1))
    controls = Controls(phone, Ui())
    ends(controls, phone, 1)
    press(controls, "5")
    assert controls.ui.view == "calls" and controls.ui.notice.startswith("the call is over: no digit is sent any more")
    press(controls, "Alt-5")
    assert controls.ui.view == "ladder"
    press(controls, "6")
    assert controls.ui.view == "log"  # where digits were never a keypad
    press(controls, "Escape")
    phone.now += KEYPAD_S
    press(controls, "5")
    assert controls.ui.view == "ladder"


def test_a_call_that_is_answered_by_itself_is_looked_at_unless_another_one_is_alive() -> None:
    phone = Phone(views.ended(1))
    controls = Controls(phone, Ui(selected=1))
    phone.calls = (*phone.calls, views.call(2))
    controls.event(model.Incoming(views.call(2), auto_answer=True))
    assert shown(controls, phone) == 2
    press(controls, "h")
    assert phone.told == [] and controls.ui.notice == "this is call 2 now: h again hangs it up"
    phone.calls = (*phone.calls, views.call(3))
    controls.event(model.Incoming(views.call(3), auto_answer=True))
    assert shown(controls, phone) == 2


def test_who_called_us_is_not_called_back_by_an_old_habit() -> None:
    phone = Phone(views.ringing(2))
    controls = Controls(phone, Ui())
    ends(controls, phone, 2)
    press(controls, "d", "Up")
    assert controls.ui.prompt is not None and controls.ui.prompt.text == ""


# ------------------------------------------------------------------ keys that came together


def test_escape_and_a_key_that_came_in_one_piece_are_both_obeyed() -> None:
    phone = Phone(views.call(1))
    controls = Controls(phone, Ui())
    press(controls, "?", "Alt-d")
    assert not controls.ui.help_open
    assert controls.ui.prompt is not None and controls.ui.prompt.mode == "dial"


def test_ctrl_c_leaves_a_line_and_else_ends_the_program() -> None:
    phone = Phone(views.call(1))
    controls = Controls(phone, Ui())
    press(controls, "d", "b", "Ctrl-C")
    assert controls.ui.prompt is None and phone.told == []
    press(controls, "Ctrl-C")
    assert phone.told == [model.Quit()]


def test_in_a_line_being_typed_such_a_key_is_its_own() -> None:
    """On some keyboards Alt makes characters: a chord that means nothing there must not act behind the prompt."""
    phone = Phone(views.call(1))
    controls = Controls(phone, Ui())
    press(controls, "d", "o", "n", "e", " ", "t", "w", "o", "Alt-b", "Alt-h", "Alt-Backspace")
    assert controls.ui.prompt is not None and controls.ui.prompt.text == "two"
    assert phone.told == []


# ------------------------------------------------------------------ very many keys


def test_nothing_pressed_costs_no_look_at_the_phone(monkeypatch) -> None:
    """It is so at nearly every turn of a call, and a look is dear."""
    phone = Phone(views.call(1))
    controls = Controls(phone, Ui())
    monkeypatch.setattr(Phone, "snapshot", None)
    controls.feed([])
    assert not controls.act(lambda: True)


def test_a_pasted_page_does_not_hold_up_the_call() -> None:
    """One key at least, and then as many as the next packet leaves room for; none is lost, and their order stays."""
    phone = Phone(views.call(1))
    controls = Controls(phone, Ui())
    assert not controls.act(lambda: True) and not controls.waiting
    controls.feed("123")
    controls.feed("45")
    room = iter((True, False, False, True, True, True))
    sent = []
    while controls.waiting:
        assert controls.act(lambda: next(room))
        sent.append([command.digits for command in phone.told if isinstance(command, model.SendDigits)])
    assert sent == [["1", "2"], ["1", "2", "3"], ["1", "2", "3", "4", "5"]]


def test_a_file_that_was_written_is_told() -> None:
    controls = Controls(Phone(), Ui())
    controls.event(Saved("/home/anna/ringtop-call-1.txt"))
    assert controls.ui.notice == "written to /home/anna/ringtop-call-1.txt"


def test_a_contact_called_by_the_line_and_by_the_command_is_one_in_the_history() -> None:
    phone = Phone()
    controls = Controls(phone, Ui())
    controls.dial("Anna Berg <sip:anna@192.0.2.7>")
    press(controls, "Enter")
    controls.event(model.Progress(views.call(1, peer_uri="sip:anna@192.0.2.7"), 180, "Ringing"))
    controls.dial()
    press(controls, "Up", "Up")
    assert controls.ui.prompt is not None and controls.ui.prompt.text == "Anna Berg <sip:anna@192.0.2.7>"
    assert controls.ui.prompt.place == 0 and len(controls.ui.prompt.history) == 1


# ------------------------------------------------------------------ views


def test_the_log_view_stays_with_what_is_read_while_lines_come_in() -> None:
    controls = Controls(Phone(), Ui(view="log"))
    for line in views.log()[:3]:
        controls.logged(line)
    assert controls.ui.scroll == 0  # the newest are looked at
    press(controls, "Up", "PageUp")
    for line in views.log()[:3]:
        controls.logged(line)
    assert controls.ui.scroll == 14
    controls.drawn(longer_by(12))
    press(controls, "Down")
    assert controls.ui.scroll == 11
    press(controls, "PageDown", "PageDown")
    assert controls.ui.scroll == 0


def test_where_there_is_something_to_scroll_the_keys_say_so() -> None:
    controls = Controls(Phone(), Ui())

    def moving() -> dict[str, str]:
        hints = controls.hints(views.snapshot())
        return {hint.key: hint.label for hint in hints if hint.enabled and hint.key in ("Up Down", "PgUp PgDn")}

    assert moving() == {}
    for open_it in (lambda: controls.show_view("log"), lambda: press(controls, "?")):
        open_it()
        assert moving() == {"Up Down": "scroll", "PgUp PgDn": ""}
        press(controls, "Escape")
    hints = controls.hints(views.four_calls())
    assert next(hint.label for hint in hints if hint.key == "Up Down") == "select"


def test_a_notice_stays_for_a_while() -> None:
    phone = Phone()
    phone.refuses = "there is no call to hang up"
    controls = Controls(phone, Ui())
    press(controls, "h")
    assert (controls.ui.notice, controls.ui.notice_style) == ("there is no call to hang up", "warn")
    assert not controls.expire(phone.now + NOTICE_S - 0.1)
    assert controls.expire(phone.now + NOTICE_S)
    assert controls.ui.notice == ""


# ------------------------------------------------------------------ the end


def test_leaving_asks_once_while_there_is_a_call() -> None:
    phone = Phone(views.call(1), views.ringing(2), views.ended(4))
    controls = Controls(phone, Ui())
    press(controls, "q")
    assert controls.ui.prompt is not None and controls.ui.prompt.label == "hang up 2 calls and quit?"
    press(controls, "h", "n", "q", "Escape", "q", "y")
    assert phone.told == [model.Quit()]


def test_leaving_an_idle_phone_asks_nothing() -> None:
    phone = Phone(views.ended(4))
    press(Controls(phone, Ui()), "q")
    assert phone.told == [model.Quit()]


NAMES = [
    *(name for key in keys.KEYS for name in key.keys),
    "y",
    "n",
    "x",
    "Alt-h",
    "Left",
    "Delete",
    "Paste:sip:bob@192.0.2.7",
    "F7",
]


@settings(max_examples=200, deadline=None)
@given(st.lists(st.sampled_from(NAMES), max_size=30), st.sampled_from(["", "no"]))
def test_any_keys_in_any_order(pressed: list[str], refuses: str) -> None:
    phone = Phone(*views.four_calls().calls)
    phone.refuses = refuses
    controls = Controls(phone, Ui(), suggested="sip:bob@192.0.2.7")
    for name in pressed:
        controls.press(name)
        assert controls.ui.selected in (None, 1, 2, 3, 4) and controls.ui.scroll >= 0
    assert not any(isinstance(command, model.HangUp) and command.call is None for command in phone.told)


def test_c_joins_all_and_when_all_are_joined_talks_to_the_selected_one_alone() -> None:
    phone = Phone(views.call(1), views.held(2))
    controls = Controls(phone, Ui(selected=1))

    def says() -> str:
        return next(hint.label for hint in controls.hints(phone.snapshot()) if hint.key == "c")

    assert says() == "join"
    press(controls, "c")
    phone.calls = (views.call(1, conference=True), views.call(2, conference=True))
    assert says() == "part"
    press(controls, "c")
    assert phone.told == [model.Conference(on=True), model.Conference(1, on=False)]
    one, several = (controls.hints(views.snapshot(*phone.calls[:count])) for count in (1, 2))
    assert [hint.enabled for hints in (one, several) for hint in hints if hint.key == "c"] == [False, True]


# ------------------------------------------------------------------ the microphone


def test_what_is_done_to_the_microphone_goes_on_and_is_said() -> None:
    phone = Phone(views.call())
    controls = Controls(phone, Ui())
    press(controls, "e")
    assert phone.told == [model.SetVoice()]
    assert controls.ui.notice == "the microphone: sent as it is"


# ------------------------------------------------------------------ text that is no keys


def typed(*reads: str) -> tuple[Controls, Phone]:
    phone = Phone(views.call(1), views.ringing(2))
    controls = Controls(phone, Ui(selected=1))
    for text in reads:
        controls.feed(text)
        controls.act(lambda: True)
        phone.now += 1.0
    return controls, phone


def test_a_text_that_comes_in_at_once_ends_and_takes_no_call() -> None:
    controls, phone = typed("hello, rather quickly 12")
    assert not phone.told and controls.ui.prompt is None
    assert controls.ui.notice == "a text came in, not keys: nothing was done"


def test_keys_are_obeyed_and_so_is_one_that_is_held_down() -> None:
    assert typed("h")[1].told == [model.HangUp(1)]
    assert len(typed("+" * 8)[1].told) == 8
    assert typed("m", "h")[1].told == [model.Mute(), model.HangUp(1)]


def test_after_the_text_keys_are_keys_again() -> None:
    _, phone = typed("zzzyyyh", "h")
    assert phone.told == [model.HangUp(1)]


def test_an_address_may_be_typed_ahead() -> None:
    controls, phone = typed("dbob@192.0.2.7")
    assert controls.ui.prompt is not None and controls.ui.prompt.text == "bob@192.0.2.7" and not phone.told


def test_pasted_text_without_a_prompt_is_no_key() -> None:
    phone = Phone(views.call(1))
    controls = Controls(phone, Ui())
    controls.press("Paste:hq")
    assert not phone.told and controls.ui.notice.startswith("pasted text is not read as keys")


# ------------------------------------------------------------------ what is pasted, what is clicked


def test_a_question_is_not_answered_by_pasted_text() -> None:
    phone = Phone(views.call(1))
    controls = Controls(phone, Ui())
    press(controls, "q", "Paste:y")
    controls.feed("yes, why not")
    controls.act(lambda: True)
    assert phone.told == [] and controls.ui.prompt is not None


def test_hanging_up_asks_where_that_is_wanted() -> None:
    phone = Phone(views.call(1))
    controls = Controls(phone, Ui(), asks_hang_up=True)
    press(controls, "h")
    assert phone.told == [] and controls.ui.prompt is not None and "Bob" in controls.ui.prompt.label
    press(controls, "y")
    assert phone.told == [model.HangUp(1)]


def drawn(controls: Controls, phone: Phone) -> Canvas:
    canvas = Canvas(100, 30)
    controls.ui = replace(controls.ui, keys=controls.hints(phone.snapshot()))
    dashboard.draw(canvas, phone.snapshot(), controls.ui)
    controls.drawn(canvas)
    return canvas


def click(controls: Controls, phone: Phone, words: str) -> None:
    """A press of the mouse on these words of the screen."""
    rows = drawn(controls, phone).rows()
    y = next(y for y, row in enumerate(rows) if words in row)
    press(controls, f"Click:{rows[y].index(words)},{y}")


def test_a_click_is_like_the_key_it_hits() -> None:
    phone = Phone(views.call(1), views.call(2, peer_name="Carol"))
    controls = Controls(phone, Ui())
    click(controls, phone, "Carol")
    assert controls.ui.selected == 2
    click(controls, phone, "log")
    assert controls.ui.view == "log"
    click(controls, phone, "mute")
    assert phone.told == [model.Mute()]
    controls.expire(phone.now + NOTICE_S)
    click(controls, phone, "quit")
    click(controls, phone, "mute" if "mute" in drawn(controls, phone).rows()[-1] else "log")
    assert controls.ui.prompt is not None and controls.ui.view == "log"  # a question waits for its answer
    click(controls, phone, "y yes")
    assert phone.told[-1] == model.Quit()


def test_a_click_on_nothing_does_nothing() -> None:
    phone = Phone(views.call(1))
    controls = Controls(phone, Ui())
    for place in ("0,0", "99,29", "5000,5000"):
        press(controls, f"Click:{place}")
    assert phone.told == [] and controls.ui == Ui()


def test_the_wheel_scrolls() -> None:
    controls = Controls(Phone(), Ui(view="log"))
    press(controls, "WheelUp", "WheelUp", "WheelDown")
    assert controls.ui.scroll == 1
