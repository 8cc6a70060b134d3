"""Calls with a far end that looks at every packet: digits, repetitions, and giving up, as the RFCs have them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from itertools import groupby, pairwise

import numpy as np
import pytest

from tests.interop.conftest import Peers
from tests.interop.far_end import EVENT, FRAME, PATIENCE_S, FarEnd, Message, Packet, audio_port, finish, type_in
from tests.interop.sound import SAMPLE, Disturbed, mulaw, samples

pytestmark = [
    pytest.mark.interop,
    pytest.mark.skipif(sys.platform == "win32", reason="words and signals of POSIX"),
]


def receiver(peers: Peers, *options: str) -> tuple[subprocess.Popen[str], int]:
    """One that answers by itself, and its SIP port."""
    ours = peers.program("--headless", "--json", "--mode", "receiver", "--auto-answer", *options)
    assert ours.stdout is not None
    ready = json.loads(ours.stdout.readline())
    assert ready["type"] == "ready"
    return ours, ready["address"][1]


def of_type(lines: list[str], kind: str) -> list[dict]:
    return [event for event in map(json.loads, lines) if event["type"] == kind]


def ended(packets: list[Packet], payload_type: int) -> set[int]:
    """The digits whose three ends have come."""
    events = [EVENT.unpack(packet.payload) for packet in packets if packet.payload_type == payload_type]
    ends = [code for code, flags, _ in events if flags >= 0x80]
    return {code for code in ends if ends.count(code) == 3}


def spoken_since(packets: list[Packet]) -> bool:
    """Sound follows the last digit."""
    return packets[-1].payload_type == 0


def hang_up(far: FarEnd, sip: int, accepted: Message) -> None:
    far.in_dialog("BYE", sip, 2, accepted)
    far.final(200)


# ---------------------------------------------------------------------- digits


@pytest.mark.parametrize("payload_type", [101, 96])
def test_digits_to_us_come_once_each(peers: Peers, payload_type: int) -> None:
    ours, sip = receiver(peers)
    with FarEnd(payload_type) as far:
        far.request("INVITE", sip, 1, body=far.sdp())
        accepted = far.final(200)
        assert f"a=rtpmap:{payload_type} telephone-event/8000" in accepted.body
        far.in_dialog("ACK", sip, 1, accepted)
        rtp = audio_port(accepted.body)
        far.send_silence(rtp, 15)
        for event in (1, 1, 10, 11, 15):
            far.send_digit(rtp, event)
            far.send_silence(rtp, 5)
        hang_up(far, sip, accepted)
    ours.send_signal(signal.SIGINT)
    code, lines = finish(ours)
    assert code == 0
    digits = of_type(lines, "dtmf")
    assert "".join(event["digit"] for event in digits) == "11*#D"
    assert {event["duration_ms"] for event in digits} == {100.0}
    assert of_type(lines, "ended")[0]["rx"]["lost"] == 0


@pytest.mark.parametrize("payload_type", [101, 96])
def test_digits_from_us_are_events_of_rfc_4733(peers: Peers, payload_type: int) -> None:
    """The type the far end named; one time stamp an event, its end three times, no hole in the numbers."""
    with FarEnd(payload_type) as far:
        ours = peers.program("--plain", far.uri)
        far.answer(invite := far.receive("INVITE"), "200 OK", far.sdp())
        far.receive("ACK")
        far.send_silence(audio_port(invite.body), 10)
        type_in(ours, "digits 12#")
        packets = far.packets(PATIENCE_S, lambda all: ended(all, payload_type) == {1, 2, 11} and spoken_since(all))
        type_in(ours, "quit")
        far.answer(far.receive("BYE"), "200 OK")
        assert finish(ours)[0] == 0
    assert {packet.payload_type for packet in packets} == {0, payload_type}
    assert len({packet.ssrc for packet in packets}) == 1
    first = packets[0].sequence
    assert [packet.sequence for packet in packets] == [(first + n) % 65536 for n in range(len(packets))]
    pressed = []
    named = [packet for packet in packets if packet.payload_type == payload_type]
    for _, group in groupby(named, key=lambda packet: packet.timestamp):
        event = list(group)
        fields = [EVENT.unpack(packet.payload) for packet in event]
        pressed.append(fields[0][0])
        assert len({code for code, _, _ in fields}) == 1
        assert [packet.marker for packet in event] == [True] + [False] * (len(event) - 1)
        ends = [flags >= 0x80 for _, flags, _ in fields]
        assert ends == [False] * (len(event) - 3) + [True] * 3
        durations = [duration for _, _, duration in fields]
        assert durations[:-2] == sorted(set(durations[:-2])) and len(set(durations[-3:])) == 1
        assert 40 * 8 <= durations[-1] <= 400 * 8
    assert pressed == [1, 2, 11]


# ---------------------------------------------------------------------- what is lost


def gaps_s(messages: list[Message]) -> list[float]:
    """Between each and the next. How exactly they keep time is a matter of virtual time; here they must not
    come sooner than they may, give or take what the machine was late before."""
    return [later.at - earlier.at for earlier, later in pairwise(messages)]


def test_the_200_is_repeated_ever_more_rarely_until_the_ack(peers: Peers) -> None:
    ours, sip = receiver(peers)
    with FarEnd() as far:
        far.request("INVITE", sip, 1, body=far.sdp())
        answers = [far.final(200) for _ in range(3)]
        assert len({answer.raw for answer in answers}) == 1
        first, second = gaps_s(answers)
        assert first > 0.3 and second > 0.7
        far.in_dialog("ACK", sip, 1, answers[0])
        assert far.receive_any(2.5) is None  # the next one would have come after 2 s
        hang_up(far, sip, answers[0])
    ours.send_signal(signal.SIGINT)
    code, lines = finish(ours)
    assert code == 0
    assert len(of_type(lines, "incoming")) == 1
    assert of_type(lines, "ended")[0]["reason"] == "the far end hung up"


def test_invite_and_bye_are_repeated_until_they_are_answered(peers: Peers) -> None:
    with FarEnd() as far:
        ours = peers.program("--headless", "--json", far.uri)
        invites = [far.receive("INVITE") for _ in range(3)]
        far.answer(invites[-1], "200 OK", far.sdp())
        far.receive("ACK")
        ours.send_signal(signal.SIGINT)
        byes = [far.receive("BYE") for _ in range(2)]
        far.answer(byes[-1], "200 OK")
        for requests in (invites, byes):
            assert len({request.raw for request in requests}) == 1
            assert all(gap > least for gap, least in zip(gaps_s(requests), (0.3, 0.7), strict=False))
    code, lines = finish(ours)
    assert code == 0
    assert len(of_type(lines, "answered")) == 1 and len(of_type(lines, "ended")) == 1


def test_every_200_gets_its_ack(peers: Peers) -> None:
    with FarEnd() as far:
        ours = peers.program("--headless", "--json", far.uri)
        invite = far.receive("INVITE")
        acks = []
        for _ in range(3):
            far.answer(invite, "200 OK", far.sdp())
            acks.append(far.receive("ACK"))
        assert len({ack.raw for ack in acks}) == 1
        assert acks[0].cseq == (invite.cseq[0], "ACK")
        assert acks[0].header("Via") != invite.header("Via")
        assert len(far.packets(PATIENCE_S, lambda all: len(all) > 15)) > 15
        ours.send_signal(signal.SIGINT)
        bye = far.receive("BYE")
        assert bye.cseq[0] == invite.cseq[0] + 1 and bye.header("To") == acks[0].header("To")
        far.answer(bye, "200 OK")
    code, lines = finish(ours)
    assert code == 0
    assert len(of_type(lines, "answered")) == 1


# ---------------------------------------------------------------------- hold


def test_not_a_packet_to_one_who_holds_us(peers: Peers) -> None:
    """RFC 3264 8.4: from our 200 to their a=sendonly on nothing is sent, and from that to a=sendrecv on it is."""
    ours, sip = receiver(peers)
    with FarEnd() as far:
        far.request("INVITE", sip, 1, body=far.sdp())
        accepted = far.final(200)
        far.in_dialog("ACK", sip, 1, accepted)
        assert far.packets(PATIENCE_S, lambda all: len(all) > 5)
        for number, direction, answer in ((2, "sendonly", "recvonly"), (3, "inactive", "inactive")):
            far.in_dialog("INVITE", sip, number, accepted, body=far.sdp() + f"a={direction}\r\n")
            assert f"a={answer}" in far.final(200).body
            far.in_dialog("ACK", sip, number, accepted)
            far.packets(0)  # what was under way before
            assert far.packets(0.3) == []
        far.in_dialog("INVITE", sip, 4, accepted, body=far.sdp())
        assert "a=recvonly" not in far.final(200).body
        far.in_dialog("ACK", sip, 4, accepted)
        assert far.packets(PATIENCE_S, lambda all: len(all) > 5)
        far.in_dialog("BYE", sip, 5, accepted)
        far.final(200)
    ours.send_signal(signal.SIGINT)
    assert finish(ours)[0] == 0


def test_every_packet_is_the_sound_of_its_time_after_a_hold_as_before(peers: Peers) -> None:
    ours, sip = receiver(peers, "--audio-file", str(SAMPLE), "--codecs", "PCMU")
    with FarEnd() as far:
        far.request("INVITE", sip, 1, body=far.sdp())
        accepted = far.final(200)
        far.in_dialog("ACK", sip, 1, accepted)
        packets = far.packets(PATIENCE_S, lambda all: len(all) >= 100)
        for number, direction in ((2, "sendonly"), (3, "sendrecv")):
            far.in_dialog("INVITE", sip, number, accepted, body=far.sdp() + f"a={direction}\r\n")
            far.final(200)
            far.in_dialog("ACK", sip, number, accepted)
            packets += far.packets(0.3)
        packets += far.packets(PATIENCE_S, lambda all: len(all) >= 100)
        far.in_dialog("BYE", sip, 4, accepted)
        far.final(200)
    ours.send_signal(signal.SIGINT)
    assert finish(ours)[0] == 0
    assert len(packets) >= 200
    assert [packet.sequence for packet in packets] == [(packets[0].sequence + n) % 65536 for n in range(len(packets))]
    if not are_spoken(packets):
        raise Disturbed("not each packet is the sound of its time")  # who stands still for a moment goes on behind


def test_every_packet_is_the_sound_of_its_time_after_a_hold_of_ours(peers: Peers) -> None:
    with FarEnd() as far:
        ours = peers.program("--plain", "--audio-file", str(SAMPLE), "--codecs", "PCMU", far.uri)
        for answer, word in (("sendrecv", "hold"), ("recvonly", "hold"), ("sendrecv", "quit")):
            invite = far.receive("INVITE")
            far.answer(invite, "200 OK", far.sdp() + f"a={answer}\r\n")
            far.receive("ACK")
            far.send_silence(audio_port(invite.body), 5)
            far.packets(0)  # what was under way
            packets = far.packets(PATIENCE_S, lambda all: len(all) >= 100)
            assert len(packets) >= 100
            if answer == "recvonly":
                assert {packet.payload for packet in packets} == {FRAME}
            elif not are_spoken(packets):
                raise Disturbed("not each packet is the sound of its time")
            type_in(ours, word)
        far.answer(far.receive("BYE"), "200 OK")
    assert finish(ours)[0] == 0


def are_spoken(packets: list[Packet]) -> bool:
    """Is each of them, by its timestamp, what the sample (repeated) says 20 ms by 20 ms from somewhere in it on?

    Encoders may differ by one where a sample lies between two codes.
    """
    frames = np.frombuffer(mulaw(samples(SAMPLE)), np.uint8).astype(int).reshape(-1, 160)
    came = np.array([list(packet.payload) for packet in packets])
    steps = np.array([(packet.timestamp - packets[0].timestamp) % 2**32 // 160 for packet in packets])
    return any(np.abs(frames[(first + steps) % len(frames)] - came).max() <= 1 for first in range(len(frames)))


# ---------------------------------------------------------------------- giving up


def cancelled(far: FarEnd, ours: subprocess.Popen[str], status: str) -> tuple[Message, Message]:
    """(INVITE, CANCEL): ringtop calls, hears a provisional status, and gives up."""
    invite = far.receive("INVITE")
    far.answer(invite, status)
    assert far.receive_any(0.4) is None  # a provisional response ends the repetitions
    ours.send_signal(signal.SIGINT)
    cancel = far.receive("CANCEL")
    assert cancel.start == invite.start.replace("INVITE", "CANCEL", 1)
    for name in ("Via", "From", "To", "Call-ID"):
        assert cancel.header(name) == invite.header(name)
    assert cancel.cseq == (invite.cseq[0], "CANCEL")
    return invite, cancel


@pytest.mark.parametrize("status", ["100 Trying", "180 Ringing"])
def test_no_answer_and_we_give_up(peers: Peers, status: str) -> None:
    with FarEnd() as far:
        ours = peers.program("--headless", "--json", far.uri)
        invite, cancel = cancelled(far, ours, status)
        far.answer(cancel, "200 OK")
        far.answer(invite, "487 Request Terminated")
        ack = far.receive("ACK")
        assert ack.header("Via") == invite.header("Via") and ack.cseq == (invite.cseq[0], "ACK")
    code, lines = finish(ours)
    assert code == 0
    assert of_type(lines, "answered") == [] and len(of_type(lines, "ended")) == 1
    assert of_type(lines, "ended")[0]["duration_s"] == 0


def test_the_answer_crosses_our_cancel(peers: Peers) -> None:
    """RFC 3261 15.1: who has cancelled and is answered all the same acknowledges, and says BYE."""
    with FarEnd() as far:
        ours = peers.program("--headless", "--json", far.uri)
        invite, cancel = cancelled(far, ours, "180 Ringing")
        far.answer(invite, "200 OK", far.sdp())
        far.answer(cancel, "200 OK")
        far.receive("ACK")
        far.answer(far.receive("BYE"), "200 OK")
        assert far.packets(0.3) == []  # nothing is said to one who never was in a call
    code, lines = finish(ours)
    assert code == 0
    assert len(of_type(lines, "ended")) == 1
