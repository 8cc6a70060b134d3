"""Private data is hidden, and no call waits for it whatever strangers have sent."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.model import LogLine, SettingsView, SipMessage, Snapshot
from engine.model_people import SaveText
from tests.widgets import views
from tests.widgets.test_ladder import BOB, CALL, INVITE, PRIVATE, messages
from tests.widgets.views import NOW
from widgets import dashboard, ladder_text, mask, private
from widgets.canvas import Canvas
from widgets.ladder import Reading


def phone(sip: tuple[SipMessage, ...] = CALL, *log: str) -> Snapshot:
    lines = tuple(LogLine(NOW, "info", "call", text) for text in log)
    return replace(views.snapshot(views.call(1)), sip=sip, log=lines)


def full_of_it(number: int) -> str:
    """A message of a stranger, as large as the ladder keeps, full of people."""
    head = f"INVITE sip:u{number}@h{number}.example SIP/2.0\r\nCall-ID: c{number}\r\nCSeq: 1 INVITE\r\n"
    contacts = (f'Contact: "P{number}x{n}" <sip:q{number}y{n}@d{number}z{n}.example>;tag=w{n}\r\n' for n in range(90))
    return (head + "".join(contacts))[:6000]


@pytest.mark.parametrize("read", [(), (1,), (2, 4)])
def test_only_the_messages_that_are_read_have_a_text(read: tuple[int, ...]) -> None:
    shown = mask.masked(phone(), read).sip
    assert [message.number for message in shown if message.text] == list(read)
    assert [message.label for message in shown] == [message.label for message in CALL]
    assert {message.peer[0] for message in shown} == {mask.masked(phone()).sip[0].peer[0]}


def test_what_binds_messages_together_has_one_name_whichever_is_read() -> None:
    ours = INVITE
    theirs = INVITE.replace("To:", "X:").replace("From:", "To:").replace("tag=t1", "tag=t1;x")
    theirs = theirs.replace("CSeq", "From: <sip:bob@203.0.113.5>;tag=t2\r\nCSeq")
    sip = messages(("out", ours, BOB, 9.0), ("in", theirs, BOB, 8.0))
    (one,) = (message.text for message in mask.masked(phone(sip), (1,)).sip if message.text)
    (other,) = (message.text for message in mask.masked(phone(sip), (2,)).sip if message.text)
    assert ";tag=tag1" in one and ";tag=tag1;x" in other and ";tag=tag2" in other and "Call-ID: call1" in one + other


@pytest.mark.parametrize("name", ['Carol "C" Müller', "C" * 3000, "Ed", 'back\\slash "'])
def test_a_name_is_hidden_whole_whatever_is_in_it(name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    text = f'INVITE sip:b@192.0.2.1 SIP/2.0\r\nFrom: "{quoted}" <sip:c@host.example>\r\n\r\n'
    told = LogLine(NOW, "info", "call 1", f"{name} is calling")
    call = views.call(peer_name=name, contact="")
    hidden = mask.masked(replace(views.snapshot(call), log=(told,), sip=(replace(CALL[0], text=text),)))
    assert name not in str(hidden.calls) and name not in hidden.log[0].text
    assert len(name) > 100 or quoted not in hidden.sip[0].text


def test_the_longer_word_is_hidden_first() -> None:
    told = mask.of(phone((), "Ann <sip:annabel@192.0.2.99>", "sip:ann@example.com"))
    assert "nn" not in told("Annabel and annabel, ann, annabel@192.0.2.99").replace("Annabel", "")


def test_a_line_hides_what_it_alone_tells() -> None:
    assert mask.of(phone())("calling sip:zoe@zoe.example") == "calling sip:user3@host3"


def test_digits_reasons_and_the_users_own_folder_are_nobodys_business() -> None:
    call = replace(views.call(1), digits_sent="4711", digits_received="99", reason="ask carol@work.example")
    seen = replace(phone(), calls=(call,), settings=SettingsView(path="/home/carola/.config/ringtop/config.toml"))
    shown = mask.masked(seen)
    assert (shown.calls[0].digits_sent, shown.calls[0].digits_received) == ("****", "**")
    assert "carol" not in shown.calls[0].reason and shown.settings.path == "home1/.config/ringtop/config.toml"
    assert mask.of(seen)("saved in /home/carola/x.txt") == "saved in home1/x.txt"


def test_every_line_of_the_log_stays_one() -> None:
    log = ("one <sip:anna@192.0.2.10>", "", "with\x00zero", "anna again")
    hidden = [line.text for line in mask.masked(phone(CALL, *log)).log]
    assert len(hidden) == 4 and hidden[1:3] == ["", "withzero"] and "anna" not in hidden[0] + hidden[3]


@pytest.mark.parametrize("opened", ["", "message"])
def test_strangers_cannot_make_it_search_for_long(monkeypatch: pytest.MonkeyPatch, opened: str) -> None:
    searched: list[int] = []
    found = private.in_text.__wrapped__

    def search(text: str) -> tuple[private.Found, ...]:
        searched.append(len(text))
        return found(text)

    monkeypatch.setattr(private, "in_text", search)
    monkeypatch.setattr(mask, "in_text", search)
    private.in_header.cache_clear()
    many = tuple(
        replace(message, number=number, call=number // 50)
        for number, message in enumerate(messages(*(("in", full_of_it(n), BOB, 9.0) for n in range(40))) * 30)
    )
    dashboard.draw(
        Canvas(120, 40),
        phone(many),
        views.ui(view="ladder", masked=True).with_state(Reading(number=700, whole=True, opened=opened)),
    )
    assert sum(map(len, (message.text for message in many))) > 5_000_000 and 0 < sum(searched) < 300_000


def test_of_very_much_the_newest_is_hidden_and_written() -> None:
    many = tuple(
        replace(message, number=number)
        for number, message in enumerate(messages(*(("in", full_of_it(n), BOB, 9.0) for n in range(40))))
    )
    told = ladder_text.saving(phone(many), range(40), 1, True)
    assert isinstance(told, SaveText) and told.text.count("INVITE sip:") == 8 and "# 32 older ones" in told.text
    assert "P39x" not in told.text and "example" not in told.text


@given(st.text(max_size=400), st.lists(st.text(min_size=1, max_size=8), max_size=5))
def test_no_word_that_is_known_is_left(text: str, words: list[str]) -> None:
    """Names are of small letters and digits: a word with anything else in it cannot be part of one."""
    (hidden,) = mask.Mask(("user", word) for word in words).all([text])
    left = [word for word in words if len(word) >= 4 and word in hidden]
    assert not [word for word in left if not word.isascii() or not word.isalnum()]


def test_nothing_private_is_anywhere_on_the_ladder() -> None:
    for number in range(1, 6):
        canvas = Canvas(160, 50)
        state = Reading(number=number, opened="message")
        dashboard.draw(canvas, phone(), views.ui(selected=1, view="ladder", masked=True).with_state(state))
        text = "\n".join(canvas.rows())
        assert not [word for word in PRIVATE if word in text] and "CSeq: 7" in text
