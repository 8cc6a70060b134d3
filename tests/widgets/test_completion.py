"""What a line may be completed to."""

from __future__ import annotations

from engine.model_people import Contact, PastCall, PeopleView
from tests.widgets.views import NOW, drawn
from widgets import completion, prompt
from widgets.canvas import Canvas
from widgets.completion import bare, choices, fitting
from widgets.prompt import Prompt

PEOPLE = PeopleView(
    (Contact("Anna Berg", "sip:anna@192.0.2.7"), Contact("Dr. Ann Smith", "sip:smith@example.net")),
    (
        PastCall(NOW - 900, "in", "sip:eve@198.51.100.9", "Anna Berg", 12.0, "we hung up"),
        PastCall(NOW - 600, "out", "sip:carol@example.org", "Carol", None, "busy"),
        PastCall(NOW - 300, "in", "sip:anna@192.0.2.7", "Trixie", 12.0, "we hung up"),
        PastCall(NOW - 100, "in", "sip:eve@198.51.100.9", "Anna Berg", 12.0, "we hung up"),
    ),
    ("", "", "Anna Berg", ""),
)
LINE = prompt.dial(("dave@example.com",), people=choices(PEOPLE))


def pressed(*keys: str, line: Prompt = LINE) -> Prompt:
    for key in keys:
        line = line.press(key)
    return line


def test_contacts_come_before_calls_and_everybody_once() -> None:
    assert [choice.text for _, choice in choices(PEOPLE)] == [
        "Anna Berg <sip:anna@192.0.2.7>",
        "Dr. Ann Smith <sip:smith@example.net>",
        "sip:eve@198.51.100.9",
        "sip:carol@example.org",
    ]


def test_a_name_that_somebody_gives_himself_is_not_taken_and_has_no_star() -> None:
    shown = [choice.shown for _, choice in choices(PEOPLE)]
    assert shown[0] == "★ Anna Berg" and shown[2] == "Anna Berg <sip:eve@198.51.100.9>"
    assert pressed("a", "n", "n", "a", "Tab", "Tab").text == "sip:eve@198.51.100.9"


def test_names_and_addresses_fit_by_the_beginning_of_a_word_first() -> None:
    assert [choice.shown for choice in fitting(choices(PEOPLE), (), "ANN")][:2] == ["★ Anna Berg", "★ Dr. Ann Smith"]
    assert pressed("s", "m", "i", "Tab").text == "Dr. Ann Smith <sip:smith@example.net>"
    assert [choice.text for choice in pressed("e", "r", "g").fits] == [
        "Anna Berg <sip:anna@192.0.2.7>",
        "sip:eve@198.51.100.9",
    ]
    assert pressed("d", "a", "v", "Tab").text == "dave@example.com"


def test_tab_goes_through_what_fits_and_back_and_a_letter_begins_anew() -> None:
    assert pressed("a", "n", "Tab", "Tab").text == "Dr. Ann Smith <sip:smith@example.net>"
    assert pressed("a", "n", "Tab", "Tab", "BackTab").text == "Anna Berg <sip:anna@192.0.2.7>"
    count = len(pressed("a", "n").fits)
    assert pressed("a", "n", *["Tab"] * (count + 1)).text == pressed("a", "n", "Tab").text
    assert pressed("a", "n", "Tab", "x").fit is None and pressed("a", "n", "Tab", "Up").text == "dave@example.com"
    assert pressed("z", "z", "Tab").text == "zz"


def test_without_a_letter_all_are_there() -> None:
    assert len(LINE.fits) == 4 and pressed("Tab").text == "Anna Berg <sip:anna@192.0.2.7>"
    assert pressed("BackTab").text == "sip:carol@example.org"


def test_what_is_complete_already_fits_nothing() -> None:
    assert pressed("Paste:dave@example.com").fits == ()


def test_the_same_address_however_it_is_written() -> None:
    assert bare("Anna <sip:anna@x>") == bare("sip:anna@x") == bare("anna@x") == "anna@x"


def test_thousands_are_few_to_choose_from() -> None:
    many = PeopleView(tuple(Contact(f"Anna {n}", f"sip:a{n}@x") for n in range(3000)))
    assert len(fitting(choices(many), (), "anna")) == completion.MOST


def row(columns: int, chosen: int | None = None) -> str:
    return drawn(completion.draw, columns, 1, LINE.fits, chosen, "…")[0]


def test_as_many_as_have_room_and_the_others_counted() -> None:
    assert row(90) == " ★ Anna Berg  ★ Dr. Ann Smith  Anna Berg <sip:eve@198.51.100.9>  +1"
    assert row(30) == " ★ Anna Berg  +3"
    assert row(30, 1) == " ★ Dr. Ann Smith  +2"
    assert row(20, 3) == " Carol <sip:carol@…"


def test_the_chosen_one_is_marked() -> None:
    canvas = Canvas(60, 1)
    completion.draw(canvas, canvas.rect, LINE.fits, 1, "…")
    assert canvas.style_at(2, 0) == "selected" and canvas.style_at(20, 0) == "notice"


def test_what_a_stranger_wrote_is_safe() -> None:
    rude = PeopleView((), (PastCall(NOW, "in", "sip:x\x1b[2J@y", "\x1b[2J", None, ""),), ("",))
    _, choice = choices(rude)[0]
    assert "\x1b" not in choice.text + choice.shown
