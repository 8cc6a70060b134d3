"""The view "ladder": messages as arrows, their text, their difference, and all of it without private data."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import ladder as engine_ladder
from engine.model import CallState, LogLine, SipMessage, Snapshot
from engine.model_people import SaveText
from tests.widgets import views
from tests.widgets.test_controls import Phone
from tests.widgets.views import NOW, drawn
from widgets import announce, dashboard, ladder, ladder_text, mask, prompt
from widgets.canvas import Canvas
from widgets.controls import Controls
from widgets.ladder import Reading
from widgets.prompt import Prompt
from widgets.ui import Scene, Ui, scene
from widgets.views import NAMES

BOB, PROXY = ("203.0.113.5", 5060), ("198.51.100.1", 5060)
INVITE = (
    "INVITE sip:bob@203.0.113.5 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKabc;rport\r\n"
    'From: "Anna Berg" <sip:anna@192.0.2.10>;tag=t1\r\nTo: <sip:bob@203.0.113.5>\r\nCall-ID: secret77\r\n'
    "CSeq: 7 INVITE\r\nContent-Type: application/sdp\r\n\r\nv=0\r\no=anna 1 1 IN IP4 192.0.2.10\r\n"
    "c=IN IP4 192.0.2.10\r\nm=audio 10000 RTP/AVP 0\r\n"
)


def answer(status: str, cseq: str = "7 INVITE", extra: str = "") -> str:
    return f"SIP/2.0 {status}\r\nCall-ID: secret77\r\nCSeq: {cseq}\r\n{extra}\r\n"


def messages(*told: tuple[str, str, tuple[str, int], float], call: int = 1) -> tuple[SipMessage, ...]:
    made = engine_ladder.Ladder()
    for direction, text, peer, ago in told:
        made.note(call, direction, peer, text.encode(), NOW - ago)
    return made.view


CALL = messages(
    ("out", INVITE, BOB, 193.0),
    ("out", INVITE, BOB, 192.5),
    ("in", answer("180 Ringing"), BOB, 192.48),
    ("in", answer("200 OK", extra="Content-Type: application/sdp\r\n"), BOB, 192.4),
    ("out", "ACK sip:bob@203.0.113.5 SIP/2.0\r\nCall-ID: secret77\r\nCSeq: 7 ACK\r\n\r\n", BOB, 192.39),
)
FAILED = messages(("out", INVITE, BOB, 3.0), ("in", answer("486 Busy Here"), BOB, 2.9))
PROXIED = messages(
    ("out", INVITE, PROXY, 5.0),
    ("in", answer("200 OK", extra="Record-Route: <sip:198.51.100.1;lr>\r\n"), PROXY, 4.0),
    ("out", "BYE sip:bob@203.0.113.5 SIP/2.0\r\nCall-ID: secret77\r\nCSeq: 8 BYE\r\n\r\n", BOB, 1.0),
)


def snapshot(sip: tuple[SipMessage, ...], *calls: object) -> Snapshot:
    return replace(views.snapshot(*(calls or (views.call(),))), sip=sip)  # type: ignore[arg-type]


def shown(sip: tuple[SipMessage, ...], reading: Reading = Reading(), *calls: object, **changes: object) -> Scene:  # noqa: B008
    return scene(snapshot(sip, *calls), views.ui(selected=1, **changes).with_state(reading))


def test_a_call_as_arrows() -> None:
    assert drawn(ladder.draw_ladder, 90, 9, shown(CALL)) == [
        "── ladder ────────────────────────────────────────────────────────────── call 1  7 of 7 ──",
        " time               us                                                   203.0.113.5:5060",
        " 15:38:54.000        │── INVITE SDP  7 ───────────────────────────────────────────────▶│",
        " 15:38:54.500 +500ms │── INVITE SDP again  7 ─────────────────────────────────────────▶│",
        " 15:38:54.520  +20ms │◀─ 180 Ringing  INVITE 7 ────────────────────────────────────────│",
        " 15:38:54.600  +80ms │◀─ 200 OK SDP  INVITE 7 ─────────────────────────────────────────│",
        " 15:38:54.610  +10ms │── ACK  7 ──────────────────────────────────────────────────────▶│",
        " 15:38:54.610        │══ RTP PCMU 9,601 packets  38 lost ═════════════════════════════▶│",
        "▶15:38:54.610        │◀═ RTP PCMU 9,589 packets  12 lost ══════════════════════════════│",
    ]


def test_what_was_sent_again_is_one_row_where_that_is_wanted() -> None:
    rows = drawn(ladder.draw_ladder, 90, 9, shown(CALL, Reading(folded=True)))
    assert rows[0].endswith("call 1  6 of 6 ──")
    assert rows[2:4] == [
        " 15:38:54.000        │── INVITE SDP 2 times  7 ───────────────────────────────────────▶│",
        " 15:38:54.520 +520ms │◀─ 180 Ringing  INVITE 7 ────────────────────────────────────────│",
    ]
    controls = Controls(Phone(views.call()), views.ui(selected=1, view="ladder"))
    for folded in (True, False):
        controls.press("f")
        assert controls.ui.state(Reading()).folded is folded


def test_where_it_is_narrow() -> None:
    assert drawn(ladder.draw_ladder, 50, 6, shown(CALL, glyphs="ascii")) == [
        "── ladder ────────────────────── call 1  7 of 7 ──",
        " time               us           203.0.113.5:5060",
        " 15:38:54.600  +80ms |<- 200 OK SDP -----------|",
        " 15:38:54.610  +10ms |-- ACK  7 -------------->|",
        " 15:38:54.610        |== RTP PCMU 9,601 pac~ =>|",
        ">15:38:54.610        |<= RTP PCMU 9,589 pac~ ==|",
    ]


def test_a_call_that_failed_has_no_sound() -> None:
    over = views.call(state=CallState.ENDED, media=None, talk_s=0.0, status=486)
    assert drawn(ladder.draw_ladder, 70, 4, shown(FAILED, Reading(), over)) == [
        "── ladder ────────────────────────────────────────── call 1  2 of 2 ──",
        " time               us                               203.0.113.5:5060",
        " 15:42:04.000        │── INVITE SDP  7 ───────────────────────────▶│",
        "▶15:42:04.100 +100ms │◀─ 486 Busy Here  INVITE 7 ──────────────────│",
    ]


def test_a_proxy_has_an_upright_of_its_own() -> None:
    assert drawn(ladder.draw_ladder, 100, 5, shown(PROXIED, Reading(), views.call(media=None))) == [
        "── ladder ──────────────────────────────────────────────────────────────────────── call 1  3 of 3 ──",
        " time               us                          proxy 198.51.100.1:5060            203.0.113.5:5060",
        " 15:42:02.000        │── INVITE SDP  7 ───────────────────▶│                                     │",
        " 15:42:03.000  +1.0s │◀─ 200 OK  INVITE 7 ─────────────────│                                     │",
        "▶15:42:06.000  +3.0s │── BYE  8 ────────────────────────────────────────────────────────────────▶│",
    ]


def test_the_sound_goes_past_the_proxy_to_where_the_far_end_has_it() -> None:
    rows = drawn(ladder.draw_ladder, 110, 6, shown(PROXIED[:2]))
    sound = [row for row in rows if "RTP" in row]
    assert "198.51.100.1:5060" in rows[1] and "203.0.113.5:4000" in rows[1]
    assert len(sound) == 2 and all(row.index("│", 70) > rows[2].index("▶") for row in sound)


def test_a_proxy_on_the_far_ends_own_machine_is_not_where_the_sound_goes() -> None:
    beside = [replace(message, peer=("203.0.113.5", 5070)) for message in PROXIED[:2]]
    rows = drawn(ladder.draw_ladder, 110, 6, shown(beside))
    assert "proxy 203.0.113.5:5070" in rows[1] and "203.0.113.5:4000" in rows[1]


def test_a_message_as_it_was_on_the_wire() -> None:
    assert drawn(ladder.draw_ladder, 80, 8, shown(CALL, Reading(number=1, opened="message"))) == [
        "── INVITE SDP ──────────── 15:38:54.000  sent to 203.0.113.5:5060  318 octets ──",
        " INVITE sip:bob@203.0.113.5 SIP/2.0",
        " Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bKabc;rport",
        ' From: "Anna Berg" <sip:anna@192.0.2.10>;tag=t1',
        " To: <sip:bob@203.0.113.5>",
        " Call-ID: secret77",
        " CSeq: 7 INVITE",
        " Content-Type: application/sdp",
    ]


def test_the_difference_of_two_messages() -> None:
    reading = Reading(marked=(3, 4), opened="difference")
    assert drawn(ladder.draw_ladder, 60, 7, shown(CALL, reading)) == [
        "── difference  180 Ringing 15:38:54.520 and 200 OK 15:38… ──",
        " - SIP/2.0 180 Ringing",
        " + SIP/2.0 200 OK",
        "   Call-ID: secret77",
        "   CSeq: 7 INVITE",
        " + Content-Type: application/sdp",
        "",
    ]
    assert drawn(ladder.draw_ladder, 104, 6, shown(CALL, reading)) == [
        "── difference ────────────────────────────────────── 180 Ringing 15:38:54.520 and 200 OK 15:38:54.600 ──",
        " - SIP/2.0 180 Ringing                              + SIP/2.0 200 OK",
        "   Call-ID: secret77                                  Call-ID: secret77",
        "   CSeq: 7 INVITE                                     CSeq: 7 INVITE",
        "                                                    + Content-Type: application/sdp",
        "",
    ]


def test_only_what_is_wanted() -> None:
    rows = drawn(ladder.draw_ladder, 80, 8, shown(CALL, Reading(wanted="ringing")))
    assert "with 'ringing'" in rows[0] and "180 Ringing" in rows[2] and not rows[3]
    assert drawn(ladder.draw_ladder, 80, 3, shown(CALL, Reading(wanted="zebra")))[1] == " No message with that in it."


def test_messages_of_no_call_are_seen_on_demand() -> None:
    stray = messages(("in", "OPTIONS sip:x SIP/2.0\r\nCSeq: 1 OPTIONS\r\n\r\n", PROXY, 9.0), call=None)  # type: ignore[arg-type]
    both = (*stray, *(replace(message, number=message.number + 1) for message in CALL))
    assert not any("OPTIONS" in row for row in drawn(ladder.draw_ladder, 90, 12, shown(both)))
    assert any("OPTIONS" in row for row in drawn(ladder.draw_ladder, 90, 12, shown(both, Reading(whole=True))))


# ------------------------------------------------------------------ keys


class Talker(Phone):
    """A phone with messages."""

    sip = CALL

    def snapshot(self) -> Snapshot:
        return replace(super().snapshot(), sip=self.sip)


def controls_of(*keys: str) -> tuple[Controls, Talker]:
    phone = Talker(views.call())
    controls = Controls(phone, Ui(view="ladder", selected=1))
    for name in keys:
        controls.press(name)
    return controls, phone


def reading(*keys: str) -> Reading:
    return controls_of(*keys)[0].ui.state(Reading())


def test_it_follows_the_newest_until_one_goes_up() -> None:
    assert reading().number is None
    assert reading("Up").number == 5.3 and reading("Up", "k", "k").number == 4
    assert (
        reading("Up", "Down").number is None and reading("Home").number == 0 and reading("Home", "End").number is None
    )


def test_enter_opens_escape_closes_and_neither_answers_a_call() -> None:
    controls, phone = controls_of("Home", "Enter")
    assert controls.ui.state(Reading()).opened == "message"
    controls.press("Right")
    assert controls.ui.state(Reading()).number == 2
    controls.press("Escape")
    assert controls.ui.state(Reading()).opened == "" and controls.ui.view == "ladder" and not phone.told
    controls.press("Escape")
    controls.press("Escape")
    assert controls.ui.view == "calls"


def test_the_sound_has_no_text_to_open() -> None:
    controls, _ = controls_of("Enter")
    assert controls.ui.state(Reading()).opened == "" and "sound" in controls.ui.notice


def test_two_marks_are_a_difference() -> None:
    assert reading("Home", " ").marked == (1,)
    assert reading("Home", " ", " ").marked == ()
    both = reading("Home", " ", "Down", " ")
    assert both.marked == (1, 2) and both.opened == "difference"
    assert reading("Home", " ", "Down", " ", "Escape") == replace(both, marked=(), opened="")


def test_from_the_end_of_a_message_the_next_key_goes_up() -> None:
    controls, phone = controls_of("Home", "Enter")

    def first_line(key: str) -> str:
        controls.press(key)
        canvas = Canvas(60, 12)
        dashboard.draw(canvas, phone.snapshot(), controls.ui)
        controls.drawn(canvas)
        return canvas.rows()[2].strip()

    ends = [first_line(key) for key in ("End", "Up", "Up", "PageUp", "Home")]
    assert [line.partition(":")[0] for line in ends] == ["To", "From", "Via", "INVITE sip", "INVITE sip"]


def test_a_filter_is_typed_and_taken_off() -> None:
    controls, _ = controls_of("/", *"180", "Enter")
    assert controls.ui.state(Reading()).wanted == "180"
    controls.press("Escape")
    assert controls.ui.state(Reading()).wanted == ""


def test_what_is_typed_into_the_filter_is_no_key() -> None:
    controls, phone = controls_of("/", *"hqd", "Escape")
    assert controls.ui.state(Reading()).wanted == "" and not phone.told and controls.ui.prompt is None


# ------------------------------------------------------------------ without private data

PRIVATE = ("anna", "Anna", "Berg", "bob", "192.0.2.10", "203.0.113.5", "secret77", "z9hG4bKabc", "Bob")


@pytest.mark.parametrize("view", ["calls", "why", "history", "ladder", "log"])
@pytest.mark.parametrize("opened", ["", "message", "difference"])
def test_a_masked_screen_shows_nothing_private(view: str, opened: str) -> None:
    state = Reading(number=1, marked=(1, 3), opened=opened)
    seen = replace(snapshot(CALL), log=())
    canvas = Canvas(160, 50)
    dashboard.draw(canvas, seen, views.ui(selected=1, view=view, masked=True).with_state(state))
    text = "\n".join(canvas.rows())
    assert not [word for word in PRIVATE if word in text] and "user" in text


@pytest.mark.parametrize("view", NAMES)
def test_private_data_is_hidden_and_shown_by_a_key_of_every_view(view: str) -> None:
    controls = Controls(Phone(views.call()), views.ui(selected=1, view=view))
    for masked in (True, False):
        controls.press("X")
        assert controls.ui.masked is masked and ("hidden" in controls.ui.notice) is masked
    controls = Controls(Phone(), views.ui(view=view))
    controls.press("x")
    assert controls.ui.masked


@pytest.mark.parametrize("size", [(120, 30), (40, 10), (30, 3)])
def test_a_line_that_is_typed_is_hidden_too(size: tuple[int, int]) -> None:
    line = Prompt("dial", "dial", "sip:carol@secret.example", 24, ("sip:old@one.example",))
    canvas = Canvas(*size)
    dashboard.draw(canvas, snapshot(CALL), views.ui(masked=True, prompt=line))
    text = "\n".join(canvas.rows())
    assert "carol" not in text and "secret" not in text and "********" in text
    asked = prompt.confirm("end the call with anna@192.0.2.10?")
    dashboard.draw(canvas, snapshot(CALL), views.ui(masked=True, prompt=asked))
    text = "\n".join(canvas.rows())
    assert "192.0.2.10" not in text and "end the call" in text


def test_the_same_is_called_the_same_everywhere() -> None:
    hidden = mask.masked(snapshot(CALL))
    assert hidden.sip[0].text.count("host") >= 5 and hidden.sip[0].peer[0] == hidden.calls[0].media.remote[0]  # type: ignore[union-attr,index]
    assert mask.masked(snapshot(())).local_uri == "sip:user1@host1:5060"


SECRETS = (
    'Authorization: Digest username="alice7", realm="corp.example", nonce="n0nce99", response="cafebabe"',
    "Reply-To: Zoe Quine <sip:zoe@z.example>",
    'P-Asserted-Identity: "Max" <sip:maxim@m.example>',
    "Via: SIP / 2.0 / UDP first.example.com:4000;received=2001:db8::9:255",
    "Via: SIP/2.0/UDP [2001:db8:5::1];received=[2001:db8::8:255]",
    "Subject: Meeting Vulcan",
    "Contact: Sally <sips:sal%20ly@[2001:db8::7]:5070>",
    "To: <sip:" + "longname" * 30 + "@example.net>",
    "",
    "o=jdoe 12345 1 IN IP4 media.corp.example",
    "s=Talk of Zed",
    "e=ed@corp.example (Eddy)",
    "p=+44-171-380-7777",
)
SECRET_WORDS = (
    "alice7",
    "corp.example",
    "n0nce99",
    "cafebabe",
    "Zoe",
    "zoe@",
    "Max",
    "maxim",
    "first.example",
    "2001:db8",
    "Vulcan",
    "Sally",
    "sal%20ly",
    "longname",
    "jdoe",
    "media.corp",
    "Zed",
    "Eddy",
    "380-7777",
)


def test_no_header_and_no_line_of_a_description_gives_anybody_away() -> None:
    text = "INVITE sip:bob@203.0.113.5 SIP/2.0\r\n" + "\r\n".join(SECRETS) + "\r\n"
    hidden = mask.masked(snapshot(messages(("in", text, BOB, 9.0)))).sip[0].text
    assert not [word for word in SECRET_WORDS if word in hidden]
    assert hidden.startswith("INVITE sip:user") and "\r\no=session" in hidden, "it is still a message to be read"


def test_our_own_words_are_without_private_data_too() -> None:
    canvas = Canvas(120, 30)
    told = views.ui(selected=1, view="log", notice="calling anna@192.0.2.10")
    lines = (LogLine(NOW, "info", "call", "Carol <sip:carol@198.51.100.7> is calling"),)
    dashboard.draw(canvas, replace(snapshot(CALL), log=lines), replace(told, masked=True))
    text = "\n".join(canvas.rows())
    assert "is calling" in text
    assert not [word for word in (*PRIVATE, "Carol", "carol", "198.51.100.7") if word in text]


def test_a_filter_finds_the_same_without_showing_what_it_looks_for() -> None:
    canvas = Canvas(120, 30)
    state = Reading(wanted="t1")
    dashboard.draw(canvas, snapshot(CALL), views.ui(selected=1, view="ladder", masked=True).with_state(state))
    text = "\n".join(canvas.rows())
    assert "INVITE SDP" in text and "1 of 2" not in text and "2 of 2" in text
    assert "'t1'" not in text and "with '...'" in text


def test_the_title_of_the_window_is_without_private_data_too() -> None:
    hidden = dashboard.seen(snapshot(CALL), views.ui(selected=1, masked=True))
    assert "Bob" not in announce.title_words(hidden, 1)
    assert dashboard.seen(snapshot(CALL), views.ui()) == snapshot(CALL)


def test_an_address_that_no_message_tells_is_hidden() -> None:
    stray = messages(("in", "OPTIONS sip:x SIP/2.0\r\n\r\n", ("198.51.100.77", 5060), 9.0), call=None)  # type: ignore[arg-type]
    assert mask.masked(snapshot(stray)).sip[0].peer[0].startswith("host")


def test_a_short_name_is_not_taken_out_of_other_words() -> None:
    text = INVITE.replace("sip:anna@", "sip:ed@").replace("Via:", "P-Asserted: received\r\nVia:")
    assert "P-Asserted: received" in mask.masked(snapshot(messages(("in", text, BOB, 9.0)))).sip[0].text


def test_masked_messages_are_made_once_and_not_for_every_frame() -> None:
    seen = snapshot(CALL)
    assert mask.masked(seen).sip is mask.masked(replace(seen, time=NOW + 1)).sip


@settings(deadline=None)
@given(st.lists(st.text(max_size=300), max_size=6), st.integers(0, 130), st.integers(0, 20), st.booleans())
def test_any_message_on_any_paper(texts: list[str], width: int, height: int, masked: bool) -> None:
    sip = messages(*(("in" if len(text) % 2 else "out", text, BOB, 9.0) for text in texts))
    for opened in ("", "message", "difference"):
        state = Reading(number=1, marked=(1, 2), opened=opened, whole=True)
        made = shown(sip, state)
        if masked:
            made = scene(mask.masked(made.snapshot), made.ui)
        canvas = Canvas(width, height)
        ladder.draw_ladder(canvas, canvas.rect, made)


@pytest.mark.parametrize("time", [1e308, float("inf"), float("nan"), -1e300])
def test_a_time_that_is_none_is_shown_as_none(time: float) -> None:
    assert ladder._clock(time) == "--:--:--"


# ------------------------------------------------------------------ to a file


def written(sip: tuple[SipMessage, ...], reading: Reading, masked: bool = False) -> SaveText:
    phone = Phone(views.call(1))
    controls = Controls(phone, Ui(view="ladder", masked=masked).with_state(reading))
    phone.snapshot = lambda: replace(views.snapshot(views.call(1)), sip=sip)  # type: ignore[method-assign]
    controls.press("w")
    told = phone.told[0]
    assert isinstance(told, SaveText)
    return told


def test_the_listed_messages_are_written_as_they_were_on_the_wire() -> None:
    told = written(CALL, Reading())
    lines = told.text.split("\n")
    assert told.stem == "ringtop-call-1" and lines[0] == "# ringtop: SIP messages of call 1, Bob <sip:bob@203.0.113.5>"
    assert lines[2] == "# 2026-03-04 15:38:54.000 sent to 203.0.113.5:5060, 318 octets, call 1"
    assert lines[3] == "INVITE sip:bob@203.0.113.5 SIP/2.0" and told.text.count("Call-ID: secret77") == 5
    assert written(CALL, Reading(wanted="180 Ringing")).text.count("Call-ID: secret77") == 1
    assert written(CALL, Reading(whole=True)).stem == "ringtop-calls"


def test_hidden_data_is_not_written_either() -> None:
    told = written(CALL, Reading(wanted="t1"), masked=True)
    assert told.stem == "ringtop-call-1-hidden" and "INVITE sip:user" in told.text and "# private data" in told.text
    assert not [word for word in PRIVATE if word in told.text]


def test_what_would_command_a_terminal_is_written_so_that_it_does_not() -> None:
    rude = messages(("in", answer("486 \x1b[2J"), BOB, 9.0))
    assert "486 ^[[2J" in written(rude, Reading()).text and "\x1b" not in written(rude, Reading()).text


def test_of_very_much_the_newest_is_written() -> None:
    long = messages(*(("in", answer("180 Ringing", extra=f"X: {n:05000}\r\n"), BOB, 9.0) for n in range(58)))
    many = tuple(replace(message, number=n) for n, message in enumerate(long * 3))
    told = written(many, Reading())
    assert (
        len(told.text) < 510_000 and f"# {len(many) - told.text.count('Call-ID')} older ones are left out" in told.text
    )


def test_what_is_left_out_is_not_written_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a flood of messages would make the running call wait."""
    done: list[SipMessage] = []
    write = ladder_text._written
    monkeypatch.setattr(ladder_text, "_written", lambda message: done.append(message) or write(message))
    long = messages(*(("in", answer("180 Ringing", extra=f"X: {n:05000}\r\n"), BOB, 9.0) for n in range(58)))
    many = tuple(replace(message, number=n) for n, message in enumerate(long * 30))
    assert written(many, Reading()).text.count("Call-ID") == len(done) - 1


def test_nothing_to_write() -> None:
    controls = Controls(Phone(views.call(1)), Ui(view="ladder"))
    ladder._write(controls, "w")
    assert controls.ui.notice == "there is no message to write"
