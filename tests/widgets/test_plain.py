"""Plain lines, and the words that can be typed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import model
from engine.model import CallState
from tests.widgets import views
from widgets import plain, words
from widgets.plain import PlainFace
from widgets.words import PlainRequest, parse_word


def said(*events: model.Event) -> list[str]:
    lines: list[str] = []
    face = PlainFace(lines.append)
    for event in events:
        face.event(event)
    assert all(line.endswith("\n") for line in lines)
    return [line[:-1] for line in lines]


def test_a_call_from_its_beginning_to_its_end() -> None:
    incoming, talking = views.ringing(2), views.call(2, peer_name="Carol", peer_uri="sip:carol@198.51.100.7")
    over = replace(talking, state=CallState.ENDED)
    assert said(
        model.Ready("sip:anna@192.0.2.10:5060", ("192.0.2.10", 5060)),
        model.Incoming(incoming, auto_answer=False),
        model.Answered(talking),
        model.Held(replace(talking, held_there=True)),
        model.Held(talking),
        model.Dtmf(talking, "5", 120.0),
        model.Ended(over, 200, "they hung up", 0),
    ) == [
        "ready: call me at sip:anna@192.0.2.10:5060 (type help for what can be typed)",
        "Carol <sip:carol@198.51.100.7> is calling, call 2: type answer or reject",
        "Carol, call 2: talking, PCMU 8 kHz, 20 ms packets",
        "Carol, call 2: held by them",
        "Carol, call 2: taken back from hold",
        "Carol, call 2: they pressed 5",
        "Carol, call 2: ended after 3 minutes 12: they hung up",
        "Carol, call 2: sent 9,601 packets, received 9,589, lost 12 (0.1 %), late 3, jitter 4.1 ms, round trip 43 ms, "
        "the far end lost 38 (0.4 %)",
    ]


def test_a_call_that_is_not_taken() -> None:
    call = views.call(peer_name="", media=None, talk_s=0.0)
    assert said(
        model.Progress(call, 180, "Ringing"),
        model.Progress(replace(call, early_media=True), 183, "Session Progress"),
        model.Ended(views.ended(1), 486, "busy", 10),
    ) == [
        "bob@203.0.113.5, call 1: Ringing (180)",
        "bob@203.0.113.5, call 1: Session Progress (183), their side can be heard already",
        "Eve, call 1: ended: busy (486)",
    ]


def test_auto_answer_says_whom_it_answered() -> None:
    assert said(model.Incoming(views.ringing(), auto_answer=True)) == [
        "Carol <sip:carol@198.51.100.7> is calling, call 2: answering automatically"
    ]


def test_a_sound_card_that_is_back_is_told_once() -> None:
    there, lost = model.SoundView("device", "headset, 48000 Hz"), model.SoundView("device", "no sound", ok=False)
    seconds = [model.Stats(views.call(talk_s=2.0), sound) for sound in (there, lost, lost, there, there)]
    assert said(*seconds) == ["there is sound again: headset, 48000 Hz"]


def second(at_s: float, **received: object) -> model.Stats:
    rx = replace(model.RxView(packets=int(at_s * 50), loss_percent=0.0, jitter_ms=2.0), **received)  # type: ignore[arg-type]
    return model.Stats(views.call(talk_s=at_s, media=views.media(rx=rx, rtcp=model.RtcpView())))


def test_a_call_in_good_order_is_summed_up_once() -> None:
    quiet = [second(float(at)) for at in range(1, 601)]
    assert said(model.Answered(views.call()), *quiet)[1:] == ["Bob, call 1: after 10 seconds lost 0.0 %, jitter 2.0 ms"]


def test_where_nothing_has_come_that_is_how_it_is_going() -> None:
    for rtcp, more in ((model.RtcpView(), ""), (model.RtcpView(rtt_ms=40.0), ", round trip 40 ms")):
        stats = model.Stats(views.call(talk_s=10, media=views.media(rx=model.RxView(), rtcp=rtcp)))
        assert said(stats) == [f"Bob, call 1: after 10 seconds nothing has come yet{more}"]


def test_what_is_the_matter_is_told_when_it_begins_and_when_it_is_over() -> None:
    found = model.Finding("loss-here", "bad", "the line loses packets", "3.1 % of the last 10 s", "mend it", 61)
    assert said(
        model.Diagnosis(views.call(talk_s=62.0), found),
        model.Diagnosis(views.call(talk_s=90.0), replace(found, until_s=88)),
    ) == [
        "Bob, call 1: at 1 minute 2: the line loses packets: 3.1 % of the last 10 s",
        "Bob, call 1: at 1 minute 30: over: the line loses packets",
    ]


def test_messages_errors_and_the_log() -> None:
    assert said(
        model.Message(1, "in", ("192.0.2.7", 5060), "BYE sip:anna SIP/2.0\r\nVia: x\r\n\r\n"),
        model.Error("card\x1b[2J lost"),
        model.Log(views.log()[0]),
        model.Log(views.log()[4]),
    ) == [
        "received from 192.0.2.7:5060:",
        "    BYE sip:anna SIP/2.0",
        "    Via: x",
        "error: card[2J lost",
        "warn: call 1 lost 8 % of a second",
    ]


def test_who_was_asked_and_what_came_back_is_one_line() -> None:
    assert said(
        model.Probed("sip:bob@h", 200, "OK", 12.4, ("INVITE", "BYE"), ("PCMU", "opus"), 0),
        model.Probed("sip:bob@h", 486, "Busy\x1b[2J Here", 0.4, (), (), 0),
        model.Probed("sip:bob@h", None, "no answer", None, (), (), 11),
        model.Probed("sip:bob@h", 200, "x" * 5000, 1.0, ("y" * 5000,), (), 0),
    ) == [
        "sip:bob@h is there: 200 OK after 12 ms, methods INVITE BYE, codecs PCMU opus",
        "sip:bob@h is there: 486 Busy[2J Here after 0 ms, methods not named, codecs not named",
        "sip:bob@h: no answer",
        f"sip:bob@h is there: 200 {'x' * 117}... after 1 ms, methods {'y' * 117}..., codecs not named",
    ]


@settings(max_examples=100, deadline=None)
@given(st.text(), st.text(), st.floats())
def test_whatever_a_peer_writes_a_line_is_a_line(name: str, reason: str, talk_s: float) -> None:
    call = views.call(peer_name=name, peer_uri=reason, talk_s=talk_s)
    for line in said(model.Incoming(call, False), model.Stats(call), model.Ended(call, 500, reason, 15)):
        assert line.isprintable()


def test_status() -> None:
    assert plain.status_lines(views.snapshot()) == ["sip:anna@192.0.2.10:5060 (UDP), sound: Built-in Audio", "no call"]
    assert plain.status_lines(views.four_calls())[1:] == [
        "Bob <sip:bob@203.0.113.5>, call 1, called by us: talking for 3 minutes 12, lost 0.1 %, jitter 4.1 ms, "
        "round trip 43 ms, the far end lost 0.4 %, you -18 dBFS, far end -31 dBFS",
        "Carol <sip:carol@198.51.100.7>, call 2, called us: ringing for 4 seconds",
        "sip:dave@example.net, call 3, called by us: held by us for 12 minutes 1, lost 0.1 %, jitter 4.1 ms, "
        "round trip 43 ms, the far end lost 0.4 %, you -18 dBFS, far end -31 dBFS",
        "Eve <sip:eve@example.org>, call 4, called by us: ended, busy (486)",
    ]


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("answer", model.Answer()),
        ("a 2", model.Answer(2)),
        ("REJECT", model.Reject()),
        ("hang", model.HangUp()),
        ("hangup 3", model.HangUp(3)),
        ("dial bob@192.0.2.7", model.Dial("bob@192.0.2.7")),
        ("ask bob@192.0.2.7", model.Probe("bob@192.0.2.7")),
        ("ping Anna Berg", model.Probe("Anna Berg")),
        ("digits 12 3# d", model.SendDigits("123#D")),
        ("hold", model.Hold()),
        ("hold 2", model.Hold(2)),
        ("hold off", model.Hold(None, False)),
        ("hold 2 on", model.Hold(2, True)),
        ("mute", model.Mute()),
        ("voice", model.SetVoice()),
        ("voice off", model.SetVoice(())),
        ("voice Echo, gain", model.SetVoice(("echo", "gain"))),
        ("m off", model.Mute(False)),
        ("volume -6", model.SetVolume(-6.0)),
        ("quit", model.Quit()),
        ("exit", model.Quit()),
        ("call bob@192.0.2.7", model.Dial("bob@192.0.2.7")),
        ("c", PlainRequest("calls")),
        ("co", PlainRequest("contacts")),
        ("past", PlainRequest("past", "10")),
        ("p 300", PlainRequest("past", "300")),
        ("y", PlainRequest("yes")),
        ("no", PlainRequest("no")),
        ("s", PlainRequest("status")),
        ("help", PlainRequest("help")),
        ("settings", PlainRequest("settings")),
        ("set codecs opus PCMU", PlainRequest("set", "codecs opus PCMU")),
        ("save", model.SaveSettings()),
        ("listen", PlainRequest("listen")),
        ("listen off", model.TryMicrophone(False)),
        ("tone", model.TryLoudspeaker()),
        ("devices", model.FindDevices()),
        ("  ", PlainRequest("nothing")),
    ],
)
def test_words(line: str, meant: model.Command | PlainRequest) -> None:
    assert parse_word(line) == meant


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("d", "d can mean dial or digits"),
        ("fly", "unknown word fly: type help"),
        ("ask", "ask whom? for example: ask bob@192.0.2.7"),
        ("anser", "unknown word anser: did you mean answer?"),
        ("hnagup 2", "unknown word hnagup: did you mean hangup?"),
        ("q", "q is too short for something that cannot be taken back: type quit"),
        ("r", "r is too short for something that cannot be taken back: type reject"),
        ("h", "h can mean hold or help"),
        ("dial", "dial whom? for example: dial bob@192.0.2.7"),
        ("digits 12x", "digits are 0 to 9, *, # and A to D, as in: digits 123#"),
        ("hangup now", "hangup takes the number of a call, as in: hangup 1"),
        ("answer ²", "answer takes the number of a call, as in: answer 1"),
        ("voice loud", "voice takes off, or some of echo, noise, gain and duck (not both echo and duck)"),
        ("voice echo duck", "voice takes off, or some of echo, noise, gain and duck (not both echo and duck)"),
        ("past all", "past takes how many calls, as in: past 20"),
        ("past 0", "past takes how many calls, as in: past 20"),
        ("past 5 6", "past takes no 6"),
        ("mute maybe", "mute takes on or off, or nothing to change it"),
        ("volume loud", "volume takes decibels, as in: volume -6"),
        ("volume nan", "volume takes decibels, as in: volume -6"),
        ("quit now", "quit takes no now"),
    ],
)
def test_a_bad_word_gives_one_clear_line(line: str, why: str) -> None:
    assert parse_word(line) == PlainRequest("bad", why)


@pytest.mark.parametrize(
    ("line", "sound", "answer"),
    [
        ("digits 12#", {}, "call 1: sent 12#"),
        ("mute", {"muted": True}, "muted: they hear silence"),
        ("mute off", {}, "no longer muted"),
        ("volume 4", {"volume_db": 4.0}, "volume +4 dB"),
        ("voice duck", {"voice": ("duck",)}, "the microphone: turned down while they speak"),
        ("voice off", {}, "the microphone: sent as it is"),
        ("dial bob@203.0.113.5", {}, "calling Bob <sip:bob@203.0.113.5>, call 1"),
        ("hold", {}, ""),  # the event tells of it
        ("quit", {}, ""),
    ],
)
def test_what_was_done_is_said_to_who_cannot_see_it(line: str, sound: dict, answer: str) -> None:
    snapshot = views.snapshot(views.call(1, CallState.DIALLING), sound=replace(views.snapshot().sound, **sound))
    command = parse_word(line)
    assert not isinstance(command, PlainRequest)
    assert plain.done_line(command, 1, snapshot) == answer


def test_help_names_every_word() -> None:
    assert [line.split()[0].rstrip(":") for line in words.help_lines()] == [word.name for word in words.WORDS]


@settings(max_examples=100, deadline=None)
@given(
    st.text()
    | st.sampled_from([word.name for word in words.WORDS]).flatmap(lambda name: st.text().map(f"{name} ".__add__))
)
def test_anything_typed_has_an_answer(line: str) -> None:
    meant = parse_word(line)
    if isinstance(meant, PlainRequest) and meant.kind == "bad":
        assert meant.text and meant.text.isprintable()


def test_where_nothing_can_be_typed_no_line_asks_for_a_word() -> None:
    lines: list[str] = []
    face = PlainFace(lines.append, typing=False)
    face.event(model.Ready("sip:192.0.2.10", ("192.0.2.10", 5060)))
    face.event(model.Incoming(views.ringing(), auto_answer=False))
    assert lines[0] == "ready: call me at sip:192.0.2.10\n"
    assert lines[1] == "call 2: Carol <sip:carol@198.51.100.7> is calling\n"


def test_what_cannot_be_taken_back_is_asked_about() -> None:
    one, four = views.snapshot(views.call(1)), views.four_calls()
    assert words.question(model.Quit(), views.snapshot()) == ("", model.Quit())
    assert words.question(model.Quit(), one) == ("hang up the call with Bob and quit? type yes or no", model.Quit())
    assert words.question(model.Quit(), four)[0] == "hang up the 3 calls and quit? type yes or no"
    assert words.question(model.HangUp(), one) == ("", model.HangUp())
    assert words.question(model.HangUp(1), four) == ("", model.HangUp(1))
    assert words.question(model.HangUp(), four) == (
        "hang up dave@example.net, the newest of 3 calls? type yes or no",
        model.HangUp(3),
    )
    assert words.question(model.HangUp(), one, hang_up=True) == ("hang up Bob? type yes or no", model.HangUp(1))
    assert words.question(model.Mute(), four) == ("", model.Mute())


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 seconds"),
        (1, "1 second"),
        (192, "3 minutes 12"),
        (120, "2 minutes"),
        (3780, "1 hour 3 minutes"),
        (7200, "2 hours"),
        (None, "an unknown time"),
    ],
)
def test_a_duration_is_said_as_people_say_it(seconds: float | None, words: str) -> None:
    assert plain.figures.spoken(seconds) == words


def test_a_conference_is_told_and_asked_for() -> None:
    told = said(model.Joined(views.call(conference=True)), model.Joined(views.call()))
    assert told == ["Bob, call 1: in the conference", "Bob, call 1: no longer in the conference"]
    assert parse_word("conf") == model.Conference()
    assert parse_word("conference off") == model.Conference(None, False)
    assert parse_word("conference 2 on") == model.Conference(2, True)
    assert isinstance(parse_word("conference x"), PlainRequest)


def test_a_contact_is_said_to_be_one_and_nobody_can_say_so_of_himself() -> None:
    known = replace(views.ringing(2), contact="Anna Berg")
    liar = replace(views.ringing(2), peer_name="Contact Anna Berg")
    assert said(model.Incoming(known, False))[0].startswith("contact Anna Berg <sip:carol@198.51.100.7> is calling")
    assert said(model.Incoming(liar, False))[0].startswith('"Contact Anna Berg" <sip:carol@198.51.100.7> is calling')
