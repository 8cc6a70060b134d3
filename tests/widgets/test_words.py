"""Words that are typed reach the phone, and what there is to say of them is said."""

from __future__ import annotations

import pytest

from engine import model
from engine.model import CallView
from tests.widgets import views
from tests.widgets.test_controls import Phone
from widgets.words import Words


def talk(*calls: CallView, **how: bool) -> tuple[Phone, Words, list[str]]:
    phone, said = Phone(*calls), []
    return phone, Words(phone, said.append, **how), said


def test_a_command_is_done_and_what_no_event_tells_is_said() -> None:
    phone, words, said = talk(views.call(1))
    for line in ("digits 12", "mute", "hold", "calls", "contacts", "past", "set volume 0", "gibberish", ""):
        words.obey(line)
    assert phone.told == [model.SendDigits("12"), model.Mute(), model.Hold(), model.SetVolume(0.0)]
    assert [line.split(",")[0] for line in said] == [
        "call None: sent 12", "no longer muted", "Bob <sip:bob@203.0.113.5>", "no contacts", "no past calls",
        "volume +0 dB", "unknown word gibberish: type help",
    ]  # fmt: skip


def test_what_the_phone_refuses_is_one_line() -> None:
    phone, words, said = talk()
    phone.refuses = "no call is up"
    words.obey("hold")
    words.obey("set volume loud")
    assert said[0] == "error: no call is up" and said[1].startswith("error: ") and len(said) == 2


@pytest.mark.parametrize(("answer", "told"), [("yes", [model.HangUp(2)]), ("no", []), ("status", [])])
def test_what_cannot_be_taken_back_is_asked_about_where_somebody_hears_it(
    answer: str, told: list[model.Command]
) -> None:
    phone, words, said = talk(views.call(1), views.call(2), asks=True)
    words.obey("hangup")
    assert phone.told == [] and said == ["hang up Bob, the newest of 2 calls? type yes or no"]
    words.obey(answer)
    words.obey("yes")
    assert phone.told == told and said[-1] == "nothing was asked"


def test_a_pipe_is_asked_nothing() -> None:
    phone, words, _ = talk(views.call(1), views.call(2))
    words.obey("hangup")
    words.obey("yes")
    assert phone.told == [model.HangUp()]
