"""One call, in every way it can go: as caller, as callee, and both changing it while it is up."""

from __future__ import annotations

import pytest
from wire import ANNA, BOB, PCMA, PCMU, SDP_OFFER, STRANGER, Peer, agent, audio, sdp, statuses

from engine.sip import events
from engine.sip.message import Request, Response, parse
from engine.sip.sdp import parse as parse_sdp


@pytest.fixture
def peer() -> Peer:
    return Peer(agent(ANNA))


def ended(peer: Peer) -> events.CallEnded:
    (one,) = peer.of(events.CallEnded)
    return one


def kinds(peer: Peer) -> list[str]:
    peer.listen()
    return [type(event).__name__ for event in peer.told]


# ---------------------------------------------------------------- we call


def test_a_call_of_ours_from_invite_to_bye(peer):
    call, invite = peer.is_called()
    assert invite.uri == "sip:bob@192.0.2.2" and invite.to.tag is None and invite.max_forwards == 70
    assert "rport" in invite.via.params and invite.contacts[0].uri.host == "192.0.2.1"
    assert peer.say(peer.answer(invite, 100, tag="")) == []
    assert peer.say(peer.answer(invite, 180)) == []
    (ack,) = peer.say(peer.answer(invite, 200, body=sdp()))
    assert (ack.method, ack.cseq.number, ack.via.branch != invite.via.branch) == ("ACK", invite.cseq.number, True)
    assert ack.uri == "sip:bob@192.0.2.2:5060"
    assert kinds(peer) == ["Progress", "MediaAgreed", "Accepted", "Confirmed"]
    (bye,) = peer.do("hang_up", call)
    assert bye.cseq.number == invite.cseq.number + 1
    peer.say(peer.answer(bye, 200))
    assert ended(peer) == events.CallEnded(call, None, "we hung up", "here", False)


def test_a_2xx_that_comes_again_gets_the_same_ack_again(peer):
    _, invite, ack = peer.takes()
    (again,) = peer.say(peer.answer(invite, 200, body=sdp()))
    assert again.encode() == ack.encode()
    peer.wait(40)
    peer.say(peer.answer(invite, 200, body=sdp()))
    assert len(peer.of(events.Accepted)) == 1


def test_nobody_answers(peer):
    peer.is_called()
    sent = peer.wait(40)
    assert [moment for moment, _ in sent] == [0.5, 1.5, 3.5, 7.5, 15.5, 31.5]
    assert (ended(peer).status, ended(peer).by, ended(peer).failure) == (408, "network", True)


def test_the_network_says_nobody_is_there(peer):
    peer.is_called()
    peer.phone.transport_error(BOB, peer.now)
    assert (ended(peer).status, ended(peer).by) == (503, "network")


@pytest.mark.parametrize("status", [401, 404, 407, 408, 480, 486, 488, 500, 503, 600, 603, 699])
def test_a_refusal_is_acknowledged_and_ends_the_call(peer, status):
    _, invite = peer.is_called()
    (ack,) = peer.say(peer.answer(invite, status))
    assert (ack.method, ack.via.branch) == ("ACK", invite.via.branch)
    assert (ended(peer).status, ended(peer).by, ended(peer).failure) == (status, "there", True)


@pytest.mark.parametrize(
    ("said", "shown"),
    [("120", "busy; try again in 120 s"), ("18000;duration=3600", "busy; try again in 18000 s"),
     ("5 (in a meeting)", "busy; try again in 5 s"), ("soon", "busy"), ("0", "busy"), ("", "busy")],
)  # fmt: skip
def test_a_refusal_says_when_to_call_again(peer, said, shown):
    _, invite = peer.is_called()
    peer.say(peer.answer(invite, 486, extra=f"Retry-After: {said}"))
    assert ended(peer).reason == shown and len(peer.wait(300)) == 0, "the user decides, not the phone"


NO_IP6 = 'Warning: 301 h "Incompatible \\"network\\" address formats"'


@pytest.mark.parametrize(
    ("status", "phrase", "extra", "shown"),
    [
        (699, "Gone Fishing", "", "refused: Gone Fishing"), (699, "", "", "refused with status 699"),
        (402, "Insert Coin", "", "refused: Insert Coin"), (402, "", "", "refused: Payment Required"),
        (486, "Gone Fishing", "", "busy"), (488, "X", "", "no codec in common"),
        (606, "X", "", "they cannot take what we offer"),
        (606, "X", 'Warning: 305 h "X"', "no codec in common"), (488, "X", "Warning: 301", "no codec in common"),
        (488, "X", NO_IP6, 'they cannot take what we offer: Incompatible "network" address formats'),
        (606, "X", NO_IP6, 'they cannot take what we offer: Incompatible "network" address formats'),
        (606, "X", 'Warning: "', "they cannot take what we offer"), (699, "X" * 999, "", "refused: " + "X" * 80),
    ],
)  # fmt: skip
def test_their_own_words_are_told_where_we_have_none_or_theirs_say_more(peer, status, phrase, extra, shown):
    _, invite = peer.is_called()
    peer.say(peer.answer(invite, status, phrase, extra=extra))
    assert (ended(peer).status, ended(peer).reason) == (status, shown)


def test_a_redirection_is_shown_and_not_followed(peer):
    _, invite = peer.is_called()
    sent = peer.say(peer.answer(invite, 302, contact="<sip:expensive@198.51.100.1>"))
    assert statuses(sent) == ["ACK"] and "sip:expensive@198.51.100.1" in ended(peer).reason
    assert peer.wait(60) == []


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("<sip:a@h1>;q=0.2, <sip:b@h2>;q=0.9, <sip:c@h3>;q=0.9", "the far end has moved to <sip:b@h2>"),
        ("<sip:a@h1>;q=0.999\nContact: <sip:b@h2>", "the far end has moved to <sip:b@h2>"),
        ("<sip:a@h1>;q=0.5, <sip:b@h2>;q=0.1, <sip:c@h3>;q=nan", "the far end has moved to <sip:c@h3>"),
        ("<sip:a@h1>;q=0, <sip:b@h2>;q=2", "the far end has moved to <sip:b@h2>"),
        ('"a <sip:a@h1>', "the far end has moved"), ("", "the far end has moved"), ("*", "the far end has moved"),
    ],
)  # fmt: skip
def test_a_redirection_names_the_address_that_is_preferred(peer, said, shown):
    """Sections 8.1.3.4 and 20.10: the highest q, whatever comes first; still nobody dials it."""
    _, invite = peer.is_called()
    sent = peer.say(peer.answer(invite, 302, contact="", extra=f"Contact: {said}"))
    assert statuses(sent) == ["ACK"] and ended(peer).reason.removesuffix(": dial it if you trust it") == shown
    assert peer.wait(60) == []


def from_fork(peer, invite, tag, method="OPTIONS", cseq=1):
    """A request in the dialog, early or not, of the fork with this tag."""
    fields = {"call_id": invite.call_id, "to_tag": invite.from_.tag, "from_tag": tag}
    return statuses(peer.say(peer.request(method, branch=f"z9hG4bK{tag}{method}{cseq}", cseq=cseq, **fields)))


def test_who_rings_has_an_early_dialog_with_us_and_so_has_every_fork(peer):
    """Sections 12.1 and 12.2.2: a request in it is matched by its tag, and its numbers rise."""
    call, invite = peer.is_called()
    for tag in ("one", "two"):
        peer.say(peer.answer(invite, 180, tag=tag))
    assert from_fork(peer, invite, "one") == from_fork(peer, invite, "two") == [200]
    assert from_fork(peer, invite, "three") == [481]
    assert from_fork(peer, invite, "one", cseq=0) == [500]
    assert from_fork(peer, invite, "one", "INVITE", cseq=2) == [491], "section 14.2: ours is not done"
    assert from_fork(peer, invite, "one", "BYE", cseq=3) == [481], "section 15: only we may end it so"
    peer.say(peer.answer(invite, 200, tag="one", body=sdp()))
    assert from_fork(peer, invite, "one", cseq=2) == [500], "the dialog that is confirmed goes on counting"
    assert from_fork(peer, invite, "one", cseq=3) == [200]
    assert from_fork(peer, invite, "two", "INVITE", cseq=2) == [491], "another fork does not change the call"
    assert [event.call for event in peer.of(events.Accepted)] == [call] and peer.of(events.CallEnded) == []


@pytest.mark.parametrize("fields", [{"tag": ""}, {"contact": ""}])
def test_without_a_tag_or_a_contact_there_is_no_early_dialog(peer, fields):
    _, invite = peer.is_called()
    peer.say(peer.answer(invite, 180, **fields))
    assert from_fork(peer, invite, "bob1") == [481]


@pytest.mark.parametrize("said", ["<tel:+123>", "<sip:", '"open <sip:a@h>'])
def test_that_it_rings_is_told_whatever_the_contact_is_like(peer, said):
    _, invite = peer.is_called()
    peer.say(peer.answer(invite, 180, contact="", extra=f"Contact: {said}"))
    assert [event.status for event in peer.of(events.Progress)] == [180]
    assert from_fork(peer, invite, "bob1") == [481]


def test_early_dialogs_are_few_however_many_ring(peer):
    _, invite = peer.is_called()
    for number in range(200):
        peer.say(peer.answer(invite, 180, tag=f"t{number}"))
    assert from_fork(peer, invite, "t15") == [200] and from_fork(peer, invite, "t16") == [481]


def test_early_media_then_an_answer_without_a_description(peer):
    _, invite = peer.is_called()
    peer.say(peer.answer(invite, 183, body=sdp(30000)))
    early, progress = peer.of(events.MediaAgreed)[0], peer.of(events.Progress)[0]
    assert early.early and early.agreement.remote == ("192.0.2.2", 30000) and progress.has_media
    assert statuses(peer.say(peer.answer(invite, 200))) == ["ACK"]
    final = peer.of(events.MediaAgreed)[-1]
    assert not final.early and final.agreement == early.agreement


def test_the_answer_that_counts_may_differ_from_the_early_one(peer):
    _, invite = peer.is_called()
    peer.say(peer.answer(invite, 183, body=sdp(30000), tag="x"))
    peer.say(peer.answer(invite, 200, body=sdp(31000, payloads="8"), tag="y"))
    assert peer.of(events.MediaAgreed)[-1].agreement.remote == ("192.0.2.2", 31000)
    assert peer.of(events.MediaAgreed)[-1].agreement.send.encoding == "PCMA"


def test_every_fork_has_early_media_of_its_own(peer):
    """Section 13.2.1: of one fork the first description counts; the one that rings next has its own."""
    _, invite = peer.is_called()
    for tag, port in (("first", 30000), ("first", 30002), ("second", 31000), ("first", 30000)):
        peer.say(peer.answer(invite, 183, body=sdp(port), tag=tag))
    assert [event.agreement.remote[1] for event in peer.of(events.MediaAgreed)] == [30000, 31000]
    peer.say(peer.answer(invite, 200, tag="first"))
    assert peer.of(events.MediaAgreed)[-1].agreement.remote == ("192.0.2.2", 30000)


def test_forks_without_end_do_not_move_the_early_media_without_end(peer):
    _, invite = peer.is_called()
    for number in range(200):
        peer.say(peer.answer(invite, 183, body=sdp(20000 + number), tag=f"t{number}"))
    assert len(peer.of(events.MediaAgreed)) == 16


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "they took the call, but did not describe its sound"),
        (b"nonsense", "they took the call, but described its sound in what is no SDP"),
        (sdp(payloads="18"), "they took the call, but with no codec of ours"),
        (sdp(0), "they took the call, but with no codec of ours"),
    ],
)
@pytest.mark.parametrize("late_offer", [False, True])
def test_a_2xx_we_cannot_talk_on_is_acknowledged_and_hung_up(peer, body, reason, late_offer):
    _, invite = peer.is_called(late_offer)
    ack, bye = peer.say(peer.answer(invite, 200, body=body))
    assert (ack.method, bye.method) == ("ACK", "BYE")
    refused = [0] if late_offer and body.startswith(b"v=0") else []
    assert [line.port for line in parse_sdp(ack.body).media] == refused if refused else not ack.body
    peer.say(peer.answer(bye, 200))
    assert (ended(peer).status, ended(peer).reason, ended(peer).failure) == (200, reason, True)
    assert peer.of(events.Accepted) == []


def test_a_late_offer_of_ours_is_answered_in_the_ack(peer):
    _, invite = peer.is_called(late_offer=True)
    assert invite.body == b""
    (ack,) = peer.say(peer.answer(invite, 200, body=SDP_OFFER))
    answer = parse_sdp(ack.body)
    assert [line.port for line in answer.media] == [10000]
    assert kinds(peer) == ["MediaAgreed", "Accepted", "Confirmed"]
    (again,) = peer.say(peer.answer(invite, 200, body=SDP_OFFER))
    assert again.body == ack.body


def test_every_further_fork_is_acknowledged_and_hung_up_once(peer):
    _, invite = peer.is_called()
    for tag in ("one", "two"):
        peer.say(peer.answer(invite, 180, tag=tag))
    assert statuses(peer.say(peer.answer(invite, 200, tag="one", body=sdp()))) == ["ACK"]
    ack, bye = peer.say(peer.answer(invite, 200, tag="two", body=sdp()))
    assert (ack.to.tag, bye.to.tag, bye.method) == ("two", "two", "BYE")
    assert statuses(peer.say(peer.answer(invite, 200, tag="two", body=sdp()))) == ["ACK"]
    peer.say(peer.answer(bye, 200))
    assert peer.of(events.CallEnded) == []
    assert [note.level for note in peer.of(events.Note)] == ["info"], "the user is told once"


def test_a_flood_of_forks_is_answered_for_a_few_only(peer):
    _, invite = peer.is_called()
    sent = [peer.say(peer.answer(invite, 200, tag=f"t{number}", body=sdp())) for number in range(200)]
    assert sum(map(len, sent)) <= 32 and statuses(sent[0]) == ["ACK"]


def test_a_flood_of_provisionals_is_told_once(peer):
    _, invite = peer.is_called()
    for number in range(500):
        peer.say(peer.answer(invite, 180, tag=f"t{number}"))
    assert len(peer.of(events.Progress)) == 1


# ---------------------------------------------------------------- we cancel


def test_cancel_waits_for_a_provisional_response(peer):
    call, invite = peer.is_called()
    assert peer.do("hang_up", call) == []
    assert len(peer.of(events.HangingUp)) == 1
    (cancel,) = peer.say(peer.answer(invite, 180))
    assert (cancel.method, cancel.via.branch, cancel.cseq.number) == ("CANCEL", invite.via.branch, invite.cseq.number)
    assert cancel.headers.get("to") == invite.headers.get("to") and cancel.uri == invite.uri
    assert peer.say(peer.answer(invite, 180)) == [], "one CANCEL is enough"
    peer.say(peer.answer(cancel, 200))
    assert statuses(peer.say(peer.answer(invite, 487))) == ["ACK"]
    assert ended(peer) == events.CallEnded(call, 487, "cancelled", "here", False)


def test_a_cancelled_call_ends_when_the_far_end_says_nothing_more(peer):
    call, invite = peer.is_called()
    peer.say(peer.answer(invite, 180))
    (cancel,) = peer.do("hang_up", call)
    peer.say(peer.answer(cancel, 200))
    peer.wait(31.9)
    assert peer.of(events.CallEnded) == []
    peer.wait(0.2)
    assert ended(peer).reason == "cancelled"


def test_a_2xx_that_crosses_the_cancel_is_acknowledged_and_hung_up(peer):
    call, invite = peer.is_called()
    peer.say(peer.answer(invite, 180))
    peer.do("hang_up", call)
    ack, bye = peer.say(peer.answer(invite, 200, body=sdp()))
    assert (ack.method, bye.method) == ("ACK", "BYE")
    peer.say(peer.answer(bye, 200))
    assert (ended(peer).by, ended(peer).failure) == ("here", False)
    assert peer.of(events.Accepted) == []


def test_a_call_cancelled_before_anything_came_ends_with_the_invite(peer):
    call, _ = peer.is_called()
    peer.do("hang_up", call)
    peer.wait(33)
    assert (ended(peer).reason, ended(peer).failure) == ("cancelled", False)


# ---------------------------------------------------------------- they call


def test_a_call_that_comes_in_from_invite_to_bye(peer):
    call = peer.calls()
    (ringing,) = peer.do("ring", call)
    (answer,) = peer.do("accept", call, audio())
    assert (ringing.status, answer.status) == (180, 200)
    assert ringing.to.tag == answer.to.tag is not None
    assert answer.contacts[0].uri.host == "192.0.2.1" and parse_sdp(answer.body).media[0].port == 10000
    assert peer.say(peer.request("ACK", branch="z9hG4bKa", to_tag=answer.to.tag)) == []
    assert kinds(peer) == ["IncomingCall", "MediaAgreed", "Accepted", "Confirmed"]
    (ok,) = peer.say(peer.request("BYE", branch="z9hG4bKbye", cseq=2, to_tag=answer.to.tag))
    assert ok.status == 200
    assert ended(peer) == events.CallEnded(call, None, "the far end hung up", "there", False)
    (again,) = peer.say(peer.request("BYE", branch="z9hG4bKbye", cseq=2, to_tag=answer.to.tag))
    assert again.encode() == ok.encode()


def test_an_answer_at_once_needs_no_provisional(peer):
    assert statuses(peer.do("accept", peer.calls(), audio())) == [200]
    assert [(moment, m.status) for moment, m in peer.wait(1)] == [(0.5, 200)], "no 100 follows"


def test_a_phone_that_thinks_long_says_100_after_200_ms(peer):
    peer.calls(extra="Timestamp: 54")
    ((moment, trying),) = peer.wait(1)
    assert (moment, trying.status, trying.to.tag) == (0.2, 100, None)
    assert trying.headers.get("timestamp") == "54", "section 8.2.6.1"


def test_ringing_is_said_again_every_minute_and_ends_after_three(peer):
    call = peer.calls()
    peer.do("ring", call)
    sent = peer.wait(179.9)
    assert [(moment, m.status) for moment, m in sent] == [(60.0, 180), (120.0, 180)]
    assert [m.status for _, m in peer.wait(0.2)] == [480]
    assert (ended(peer).status, ended(peer).failure, ended(peer).reason) == (480, True, "nobody answered here")


def test_a_caller_who_waits_only_so_long_gets_487_then(peer):
    peer.calls(extra="Expires: 20")
    assert [(moment, m.status) for moment, m in peer.wait(20.1)] == [(0.2, 100), (20.0, 487)]


def test_our_2xx_is_repeated_eleven_times_then_the_line_is_free(peer):
    call = peer.calls()
    peer.do("accept", call, audio())
    sent = peer.wait(32)
    assert [(moment, m.status) for moment, m in sent if isinstance(m, Response)] == [
        (moment, 200) for moment in (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)
    ]
    assert isinstance(sent[-1][1], Request) and sent[-1][1].method == "BYE"
    assert (ended(peer).status, ended(peer).by) == (408, "network")


def test_bye_waits_for_the_ack_of_the_call(peer):
    """Section 15: a callee must not send BYE before its 2xx is acknowledged."""
    call = peer.calls()
    (answer,) = peer.do("accept", call, audio())
    assert peer.do("hang_up", call) == []
    assert [m.status for _, m in peer.wait(1)] == [200]
    (bye,) = peer.say(peer.request("ACK", branch="z9hG4bKa", to_tag=answer.to.tag))
    assert bye.method == "BYE"
    peer.say(peer.answer(bye, 200))
    assert ended(peer).by == "here" and peer.of(events.Confirmed) == []


def test_bye_waits_no_longer_when_a_change_shows_that_the_answer_has_come(peer):
    call = peer.calls()
    (answer,) = peer.do("accept", call, audio())
    peer.do("hang_up", call)
    sent = peer.say(peer.request("INVITE", branch="z9hG4bK2", cseq=2, to_tag=answer.to.tag, body=SDP_OFFER))
    assert statuses(sent) == ["BYE", 481]
    peer.say(peer.answer(sent[0], 200))
    assert ended(peer).by == "here"


def test_early_media_of_ours_is_the_answer_that_counts(peer):
    call = peer.calls()
    (early,) = peer.do("progress", call, audio(port=14000))
    (answer,) = peer.do("accept", call, audio(port=14000))
    assert (early.status, early.body) == (183, answer.body)
    assert [event.early for event in peer.of(events.MediaAgreed)] == [True, False]


def test_a_late_offer_of_theirs_is_answered_in_their_ack(peer):
    call = peer.calls(body=b"")
    assert not peer.of(events.IncomingCall)[0].has_offer
    (early,) = peer.do("progress", call, audio())
    assert early.body == b"", "an offer may not go in a response that is not acknowledged"
    (answer,) = peer.do("accept", call, audio())
    offered = parse_sdp(answer.body).media[0]
    assert offered.formats == ["0", "8", "101"]
    assert peer.of(events.MediaAgreed) == []
    peer.say(peer.request("ACK", branch="z9hG4bKa", to_tag=answer.to.tag, body=sdp(payloads="8")))
    assert peer.of(events.MediaAgreed)[0].agreement.send.encoding == "PCMA"
    assert kinds(peer)[-1] == "Confirmed"


@pytest.mark.parametrize("body", [b"", b"nonsense", sdp(payloads="18")])
def test_a_late_offer_that_comes_to_nothing_ends_with_bye(peer, body):
    (answer,) = peer.do("accept", peer.calls(body=b""), audio())
    (bye,) = peer.say(peer.request("ACK", branch="z9hG4bKa", to_tag=answer.to.tag, body=body))
    peer.say(peer.answer(bye, 200))
    assert ended(peer).status == 488


@pytest.mark.parametrize("status", [480, 486, 603])
def test_a_refusal_of_ours_is_repeated_until_acknowledged(peer, status):
    call = peer.calls()
    (refusal,) = peer.do("reject", call, status)
    assert (refusal.status, ended(peer).by) == (status, "here")
    assert [moment for moment, _ in peer.wait(2)] == [0.5, 1.5]
    peer.say(peer.request("ACK", to_tag=refusal.to.tag))
    assert peer.wait(60) == []
    assert peer.phone.counters.stray == 0


def test_their_cancel_ends_the_ringing(peer):
    call = peer.calls()
    peer.do("ring", call)
    ok, terminated = peer.say(peer.request("CANCEL"))
    assert (ok.status, str(ok.cseq), terminated.status, str(terminated.cseq)) == (200, "1 CANCEL", 487, "1 INVITE")
    assert ok.to.tag == terminated.to.tag
    assert (ended(peer).status, ended(peer).by) == (487, "there")
    assert peer.do("accept", call, audio()) == []


def test_a_cancel_that_comes_too_late_changes_nothing(peer):
    peer.is_taken()
    assert statuses(peer.say(peer.request("CANCEL"))) == [200]
    assert peer.of(events.CallEnded) == []


def test_a_bye_before_the_answer_ends_the_ringing(peer):
    (ringing,) = peer.do("ring", peer.calls())
    sent = peer.say(peer.request("BYE", branch="z9hG4bK2", cseq=2, to_tag=ringing.to.tag))
    assert sorted(statuses(sent)) == [200, 487]
    assert ended(peer).by == "there"


def test_hanging_up_on_a_ringing_call_declines_it(peer):
    assert statuses(peer.do("hang_up", peer.calls())) == [603]
    assert ended(peer).reason == "we declined"


def test_an_ack_that_comes_again_is_no_stray(peer):
    (answer,) = peer.do("accept", peer.calls(), audio())
    for _ in range(3):
        assert peer.say(peer.request("ACK", branch="z9hG4bKa", to_tag=answer.to.tag)) == []
    assert len(peer.of(events.Confirmed)) == 1 and peer.phone.counters.stray == 0


def test_an_ack_with_the_branch_of_the_invite_confirms_too(peer):
    (answer,) = peer.do("accept", peer.calls(), audio())
    peer.say(peer.request("ACK", to_tag=answer.to.tag))
    assert len(peer.of(events.Confirmed)) == 1
    assert peer.wait(40) == []


# ---------------------------------------------------------------- they change the call


def test_they_hold_and_resume(peer):
    _, tag = peer.is_taken()
    hold = peer.request("INVITE", branch="z9hG4bK2", cseq=2, to_tag=tag, body=sdp(extra=b"a=sendonly\r\n"))
    (answer,) = peer.say(hold)
    assert answer.status == 200 and b"a=recvonly" in answer.body
    held = peer.of(events.MediaAgreed)[-1].agreement
    assert held.held_there and held.direction == "recvonly"
    peer.say(peer.request("ACK", branch="z9hG4bK3", cseq=2, to_tag=tag))
    (answer,) = peer.say(peer.request("INVITE", branch="z9hG4bK4", cseq=3, to_tag=tag, body=sdp()))
    assert not peer.of(events.MediaAgreed)[-1].agreement.held_there
    peer.say(peer.request("ACK", branch="z9hG4bK5", cseq=3, to_tag=tag))
    assert peer.wait(60) == [] and len(peer.of(events.Confirmed)) == 1


def test_our_session_version_rises_only_when_our_words_change(peer):
    _, tag = peer.is_taken()
    first = parse_sdp(peer.heard[-1].body if peer.heard[-1].body else peer.heard[0].body).origin
    (same,) = peer.say(peer.request("INVITE", branch="z9hG4bK2", cseq=2, to_tag=tag, body=SDP_OFFER))
    peer.say(peer.request("ACK", branch="z9hG4bK3", cseq=2, to_tag=tag))
    (other,) = peer.say(peer.request("INVITE", branch="z9hG4bK4", cseq=3, to_tag=tag, body=sdp(payloads="8")))
    assert parse_sdp(same.body).origin == first
    assert int(parse_sdp(other.body).origin.split()[2]) == int(first.split()[2]) + 1


def test_a_reinvite_without_an_offer_gets_ours_and_its_ack_the_answer(peer):
    _, tag = peer.is_taken()
    (answer,) = peer.say(peer.request("INVITE", branch="z9hG4bK2", cseq=2, to_tag=tag))
    assert parse_sdp(answer.body).media[0].port == 10000
    (pending,) = peer.say(peer.request("INVITE", branch="z9hG4bK9", cseq=3, to_tag=tag, body=SDP_OFFER))
    assert pending.status == 491
    peer.say(peer.request("ACK", branch="z9hG4bK3", cseq=2, to_tag=tag, body=sdp(22000)))
    assert peer.of(events.MediaAgreed)[-1].agreement.remote == ("192.0.2.2", 22000)


def test_a_reinvite_we_cannot_follow_is_refused_and_the_call_goes_on(peer):
    _, tag = peer.is_taken()
    (refusal,) = peer.say(peer.request("INVITE", branch="z9hG4bK2", cseq=2, to_tag=tag, body=sdp(payloads="18")))
    assert (refusal.status, refusal.headers.get("warning")) == (488, '305 - "Incompatible media format"')
    peer.say(peer.request("ACK", branch="z9hG4bK2", cseq=2, to_tag=tag))
    assert peer.of(events.CallEnded) == [] and len(peer.of(events.MediaAgreed)) == 1


def test_a_reinvite_that_overtakes_the_ack_is_answered(peer):
    """RFC 5407 section 3.1.4: who changes the call has heard our 2xx; that its ACK is late or lost is no fault."""
    (first,) = peer.do("accept", peer.calls(), audio())
    tag = first.to.tag or ""
    hold = peer.request("INVITE", branch="z9hG4bK2", cseq=2, to_tag=tag, body=sdp(extra=b"a=sendonly\r\n"))
    (held,) = peer.say(hold)
    assert held.status == 200 and peer.of(events.MediaAgreed)[-1].agreement.held_there
    assert len(peer.of(events.Confirmed)) == 1
    (resumed,) = peer.say(peer.request("INVITE", branch="z9hG4bK3", cseq=3, to_tag=tag, body=sdp()))
    assert resumed.status == 200
    peer.say(peer.request("ACK", branch="z9hG4bKa1", to_tag=tag))
    assert [str(m.cseq) for _, m in peer.wait(1)] == ["3 INVITE"], "that of the last is still waited for"
    peer.say(peer.request("ACK", branch="z9hG4bKa3", cseq=3, to_tag=tag))
    assert peer.wait(60) == [] and peer.of(events.CallEnded) == []


def test_a_reinvite_before_the_ack_that_must_bring_the_answer_is_not(peer):
    (first,) = peer.do("accept", peer.calls(body=b""), audio())
    again = peer.request("INVITE", branch="z9hG4bK2", cseq=2, to_tag=first.to.tag or "", body=sdp())
    assert statuses(peer.say(again)) == [491]


def test_a_reinvite_while_it_still_rings_is_told_when_to_come_again(peer):
    (ringing,) = peer.do("ring", peer.calls())
    (busy,) = peer.say(peer.request("INVITE", branch="z9hG4bK3", cseq=3, to_tag=ringing.to.tag, body=SDP_OFFER))
    assert busy.status == 500 and 0 <= int(busy.headers.get("retry-after")) <= 10


def test_a_reinvite_answer_nobody_acknowledges_ends_the_call(peer):
    _, tag = peer.is_taken()
    peer.say(peer.request("INVITE", branch="z9hG4bK2", cseq=2, to_tag=tag, body=SDP_OFFER))
    peer.wait(33)
    assert (ended(peer).status, ended(peer).by) == (408, "network")


def test_a_target_refresh_moves_our_bye(peer):
    call, tag = peer.is_taken()
    moved = "<sip:bob@192.0.2.2:7000>"
    peer.say(peer.request("INVITE", branch="z9hG4bK2", cseq=2, to_tag=tag, body=SDP_OFFER, contact=moved))
    peer.say(peer.request("ACK", branch="z9hG4bK3", cseq=2, to_tag=tag))
    (bye,) = peer.do("hang_up", call)
    assert bye.uri == "sip:bob@192.0.2.2:7000"


# ---------------------------------------------------------------- we change the call


def test_we_hold_and_the_last_wish_counts(peer):
    call, _, _ = peer.takes()
    (hold,) = peer.do("modify", call, audio(direction="sendonly"))
    assert hold.method == "INVITE" and b"a=sendonly" in hold.body
    assert peer.do("modify", call, audio()) == [], "one at a time"
    sent = peer.say(peer.answer(hold, 200, body=sdp(extra=b"a=recvonly\r\n")))
    assert statuses(sent) == ["ACK", "INVITE"]
    assert peer.of(events.MediaAgreed)[-1].agreement.direction == "sendonly"
    assert statuses(peer.say(peer.answer(sent[1], 200, body=sdp()))) == ["ACK"]
    assert peer.of(events.MediaAgreed)[-1].agreement.direction == "sendrecv"


def test_glare_is_tried_again_after_the_pause_of_the_call_id_owner(peer):
    call, _, _ = peer.takes()
    (hold,) = peer.do("modify", call, audio(direction="sendonly"))
    assert statuses(peer.say(peer.answer(hold, 491))) == ["ACK"]
    (moment, again), = peer.wait(4.1)[:1]  # fmt: skip
    assert 2.1 <= moment <= 4.0 and again.method == "INVITE" and b"a=sendonly" in again.body
    assert again.cseq.number == hold.cseq.number + 1


def test_glare_for_the_other_side_has_a_shorter_pause(peer):
    call, _ = peer.is_taken()
    (hold,) = peer.do("modify", call, audio(direction="sendonly"))
    peer.say(peer.answer(hold, 491))
    assert 0 <= peer.wait(2.1)[0][0] <= 2.0


@pytest.mark.parametrize("pause", [0, 3, 10])
def test_a_far_end_that_is_not_ready_for_a_change_is_asked_again(peer, pause):
    """Section 14.2: to a change that overtakes our ACK some say 500, and when to come again."""
    call, _, _ = peer.takes()
    (hold,) = peer.do("modify", call, audio(direction="sendonly"))
    peer.say(peer.answer(hold, 500, extra=f"Retry-After: {pause}"))
    ((moment, again),) = peer.wait(pause)
    assert (moment, again.method) == (pause, "INVITE") and b"a=sendonly" in again.body
    for _ in range(2):
        peer.say(peer.answer(again, 500, extra="Retry-After: 1"))
        ((_, again),) = peer.wait(1)
    peer.say(peer.answer(again, 500, extra="Retry-After: 1"))
    assert peer.wait(400) == [] and len(peer.of(events.ModifyFailed)) == 1, "four times are enough"


def test_a_far_end_that_wants_to_be_asked_in_an_hour_is_not(peer):
    call, _, _ = peer.takes()
    (hold,) = peer.do("modify", call, audio(direction="sendonly"))
    peer.say(peer.answer(hold, 500, extra="Retry-After: 3600"))
    assert len(peer.of(events.ModifyFailed)) == 1 and peer.wait(4000) == []


def test_their_reinvite_while_ours_is_out_gets_491(peer):
    call, tag = peer.is_taken()
    peer.do("modify", call, audio(direction="sendonly"))
    (refusal,) = peer.say(peer.request("INVITE", branch="z9hG4bK2", cseq=2, to_tag=tag, body=SDP_OFFER))
    assert refusal.status == 491


@pytest.mark.parametrize("status", [403, 488, 500, 503, 603])
def test_a_refused_change_leaves_everything_as_it_was(peer, status):
    call, tag = peer.is_taken()
    (hold,) = peer.do("modify", call, audio(direction="sendonly"))
    peer.say(peer.answer(hold, status))
    assert peer.of(events.ModifyFailed) == [events.ModifyFailed(call, status)]
    (answer,) = peer.say(peer.request("INVITE", branch="z9hG4bK2", cseq=2, to_tag=tag, body=SDP_OFFER))
    assert b"a=sendrecv" in answer.body, "the hold that failed is forgotten"


@pytest.mark.parametrize("body", [b"", b"nonsense", sdp(0)])
def test_a_change_that_is_granted_without_an_answer_is_none(peer, body):
    call, _, _ = peer.takes()
    (hold,) = peer.do("modify", call, audio(direction="sendonly"))
    assert statuses(peer.say(peer.answer(hold, 200, body=body))) == ["ACK"]
    assert peer.of(events.ModifyFailed) == [events.ModifyFailed(call, 488)] and peer.of(events.CallEnded) == []


def test_the_ack_of_a_change_may_come_with_the_branch_of_the_change(peer):
    _, tag = peer.is_taken()
    peer.say(peer.request("INVITE", branch="z9hG4bK2", cseq=2, to_tag=tag, body=SDP_OFFER))
    peer.say(peer.request("ACK", branch="z9hG4bK2", cseq=2, to_tag=tag))
    assert peer.wait(60) == [] and peer.phone.counters.stray == 0


@pytest.mark.parametrize("status", [408, 481])
def test_a_change_that_finds_no_call_any_more_ends_it(peer, status):
    call, _, _ = peer.takes()
    (hold,) = peer.do("modify", call, audio(direction="sendonly"))
    ack, bye = peer.say(peer.answer(hold, status))
    assert (ack.method, bye.method) == ("ACK", "BYE")
    peer.say(peer.answer(bye, 481))
    assert (ended(peer).status, ended(peer).by, ended(peer).failure) == (status, "network", True)


def test_a_change_waits_until_the_call_is_acknowledged(peer):
    call = peer.calls()
    (answer,) = peer.do("accept", call, audio())
    assert peer.do("modify", call, audio(direction="sendonly")) == []
    peer.say(peer.request("ACK", branch="z9hG4bKa", to_tag=answer.to.tag))
    assert statuses([m for _, m in peer.wait(0.6)]) == ["INVITE"]


def test_a_change_in_flight_does_not_hinder_hanging_up(peer):
    call, _, _ = peer.takes()
    (hold,) = peer.do("modify", call, audio(direction="sendonly"))
    (bye,) = peer.do("hang_up", call)
    assert statuses(peer.say(peer.answer(hold, 200, body=sdp()))) == ["ACK"]
    peer.say(peer.answer(bye, 200))
    assert ended(peer).by == "here"


def test_a_wish_made_while_the_last_is_refused_is_not_lost(peer):
    call, _, _ = peer.takes()
    (hold,) = peer.do("modify", call, audio(direction="sendonly"))
    peer.do("modify", call, audio(port=14000))
    ack, wish = peer.say(peer.answer(hold, 488))
    assert (ack.method, wish.method) == ("ACK", "INVITE") and b"m=audio 14000" in wish.body
    assert peer.of(events.ModifyFailed) == []


def test_a_hold_that_is_taken_back_while_it_is_refused_leaves_everything_as_it_was(peer):
    call, _, _ = peer.takes()
    (hold,) = peer.do("modify", call, audio(direction="sendonly"))
    peer.do("modify", call, audio())
    assert statuses(peer.say(peer.answer(hold, 488))) == ["ACK"]
    assert peer.of(events.ModifyFailed) == [] and peer.wait(60) == []


@pytest.mark.parametrize("order", ["theirs", "ours"])
def test_a_change_that_is_granted_after_the_end_is_acknowledged_all_the_same(peer, order):
    """A 2xx is repeated for 32 s by a far end that hears no ACK (section 13.3.1.4)."""
    call, invite, _ = peer.takes()
    (hold,) = peer.do("modify", call, audio(direction="sendonly"))
    if order == "ours":
        (bye,) = peer.do("hang_up", call)
        peer.say(peer.answer(bye, 200))
    else:
        fields = {"call_id": invite.call_id, "to_tag": invite.from_.tag or "", "branch": "z9hG4bKbye"}
        peer.say(peer.request("BYE", **fields))
    assert len(peer.of(events.CallEnded)) == 1
    for _ in range(2):
        assert statuses(peer.say(peer.answer(hold, 200, body=sdp()))) == ["ACK"]


# ---------------------------------------------------------------- the end


@pytest.mark.parametrize("status", [200, 401, 407, 481, 500])
def test_any_answer_to_bye_ends_the_call_and_a_challenge_is_not_met(peer, status):
    call, _, _ = peer.takes()
    (bye,) = peer.do("hang_up", call)
    assert peer.say(peer.answer(bye, status)) == []
    assert ended(peer).by == "here"


def test_a_bye_nobody_answers_ends_after_32_seconds(peer):
    call, _, _ = peer.takes()
    peer.do("hang_up", call)
    peer.wait(31.9)
    assert peer.of(events.CallEnded) == []
    peer.wait(0.2)
    assert ended(peer) == events.CallEnded(call, None, "we hung up", "here", False)


def test_byes_that_cross_end_the_call_once(peer):
    call, tag = peer.is_taken()
    (bye,) = peer.do("hang_up", call)
    assert statuses(peer.say(peer.request("BYE", branch="z9hG4bKbye", cseq=2, to_tag=tag))) == [200]
    peer.say(peer.answer(bye, 481))
    peer.wait(60)
    assert ended(peer).by == "here"


def test_verbs_for_a_call_that_is_over_do_nothing(peer):
    call, tag = peer.is_taken()
    peer.say(peer.request("BYE", branch="z9hG4bKbye", cseq=2, to_tag=tag))
    for verb, *rest in (("ring",), ("accept", audio()), ("reject", 486), ("hang_up",), ("modify", audio()),
                        ("progress", audio())):  # fmt: skip
        assert peer.do(verb, call, *rest) == []
        assert peer.do(verb, 99, *rest) == []


def test_the_proxies_that_want_to_stay_are_named_in_what_makes_the_call(peer):
    """Section 12.1.1: every Record-Route, in its order; and our BYE goes by them."""
    call = peer.calls(extra="Record-Route: <sip:192.0.2.50;lr>, <sip:p2.example.com;lr>\nRecord-Route: <sip:p3;lr>")
    way = ["<sip:192.0.2.50;lr>", "<sip:p2.example.com;lr>", "<sip:p3;lr>"]
    for (answer,) in (peer.do("ring", call), peer.do("accept", call, audio())):
        assert answer.headers.get_all("record-route") == way
    peer.say(peer.request("ACK", branch="z9hG4bKa", to_tag=answer.to.tag))
    peer.phone.hang_up(call, peer.now)
    ((data, destination),) = peer.phone.datagrams()
    bye = parse(data)
    assert destination == ("192.0.2.50", 5060) and bye.headers.get_all("route") == way


def test_media_that_cannot_be_sent_from_here_is_refused_at_once(peer):
    there = sdp(host="2001:db8::2").replace(b"IP4", b"IP6")
    (answer,) = peer.say(peer.request("INVITE", body=there))
    assert (answer.status, answer.headers.get("warning")) == (488, '301 - "Incompatible network address formats"')
    _, tag = peer.is_taken(call_id="c3")
    change = peer.request("INVITE", call_id="c3", branch="z9hG4bK4", cseq=2, to_tag=tag, body=there)
    assert statuses(peer.say(change)) == [488] and peer.of(events.CallEnded) == []


def test_codecs_that_are_no_longer_ours_are_refused_when_the_call_is_taken(peer):
    for number, verb in enumerate(("accept", "progress"), 1):
        call = peer.calls(body=sdp(payloads="0"), call_id=f"c{number}", branch=f"z9hG4bK{number}")
        (answer,) = peer.do(verb, call, audio(formats=(PCMA,)))
        assert (answer.status, answer.headers.get("warning")) == (488, '305 - "Incompatible media format"')
    assert [event.status for event in peer.of(events.CallEnded)] == [488, 488]


def test_a_call_is_taken_with_what_both_sides_know(peer):
    call = peer.calls(body=sdp(payloads="8 0"))
    (answer,) = peer.do("accept", call, audio(formats=(PCMU, PCMA)))
    assert parse_sdp(answer.body).media[0].formats == ["8", "0"]


@pytest.mark.parametrize("state", ["calling", "ringing", "unacknowledged", "up", "changing", "hanging up"])
def test_a_machine_that_slept_for_hours_makes_up_for_nothing(peer, state):
    """Every timer is long past: what is over ends, what was up goes on, and nothing is sent twice."""
    if state in ("calling", "up", "changing", "hanging up"):
        call, invite = peer.is_called()
        if state != "calling":
            peer.say(peer.answer(invite, 200, body=sdp()))
        if state == "changing":
            peer.do("modify", call, audio(direction="sendonly"))
        elif state == "hanging up":
            peer.do("hang_up", call)
    else:
        call = peer.calls()
        peer.do("ring", call)
        if state == "unacknowledged":
            peer.do("accept", call, audio())
    peer.now += 8 * 3600
    peer.phone.handle_timer(peer.now)
    sent = [message.encode() for message in peer.listen()]
    assert len(sent) <= 3 and len(sent) == len(set(sent))
    assert state != "calling" or sent == [], "no telephone rings for a call that is given up"
    peer.wait(100)
    assert len(peer.of(events.CallEnded)) == (state != "up") and peer.phone.deadline() is None


def test_answers_find_their_way_over_ipv6():
    peer = Peer(agent(("2001:db8::1", 5060)), ("2001:db8::2", 5060))
    asked = peer.request("OPTIONS").replace(b"UDP 2001:db8::2:5060", b"UDP [2001:db8::9]:5070")
    peer.phone.receive(asked, ("2001:db8::2", 40000), peer.now)
    ((data, destination),) = peer.phone.datagrams()
    assert destination == ("2001:db8::2", 40000)
    assert b"UDP [2001:db8::9]:5070;branch=z9hG4bKb1;rport=40000;received=2001:db8::2\r\n" in data


def test_answers_go_back_to_where_the_request_came_from(peer):
    peer.phone.receive(peer.request("OPTIONS"), ("198.51.100.4", 40000), peer.now)
    ((data, destination),) = peer.phone.datagrams()
    assert destination == ("198.51.100.4", 40000)
    assert b"rport=40000" in data and b"received=198.51.100.4" in data
    plain = peer.request("OPTIONS").replace(b";rport", b"").replace(b":5060;branch", b":5066;branch")
    peer.phone.receive(plain, STRANGER, peer.now)
    assert peer.phone.datagrams()[0][1] == (STRANGER[0], 5066), "without rport, at the port of the Via"
    peer.phone.receive(plain, BOB, peer.now)
    ((data, _),) = peer.phone.datagrams()
    assert b"received" not in data, "where the Via tells the truth nothing is added (section 18.2.1)"
