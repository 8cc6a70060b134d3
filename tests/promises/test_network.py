"""The promises to whoever sends what he should not, or too much of it: design section 9, numbers 1, 2, 8 to 12."""

from __future__ import annotations

import random
import select
import socket
import struct
import sys
import time
import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop.far_end import HOST
from tests.promises.people import (
    SSRC,
    TORTURE,
    Flood,
    Phone,
    Talker,
    asks_options,
    drained,
    rtcp_report,
    rtp,
    sdp,
    sip_request,
    stranger,
    talk_until,
)
from tests.screens.harness import Program

Start = Callable[..., Phone]
Screen = Callable[..., Program]

FEW_MB_KB = 4_000
HALF_OPEN_PER_HOST = 16
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads memory from /proc")


def junk(seed: int, count: int) -> Iterator[bytes]:
    """Random bytes of every length, some of which begin like RTP, RTCP or SIP."""
    chance = random.Random(seed)
    beginnings = (b"", b"", b"\x80\x00", b"\x80\xc8", b"\x81\xc9", b"\xbf\xff", b"INVITE ", b"SIP/2.0 ", b"BYE sip:")
    for _ in range(count):
        size = chance.choice((0, 1, 3, 11, 12, 13, 40, 172, 500, 1472, chance.randrange(9000)))
        yield chance.choice(beginnings) + chance.randbytes(size)


def truncated(message: bytes) -> Iterator[bytes]:
    for size in range(1, len(message), 7):
        yield message[:size]


def torture() -> list[bytes]:
    """RFC 4475 and RFC 5118, where they are beside the checkout."""
    return [path.read_bytes() for path in sorted(TORTURE.glob("*/*.dat"))]


def answers_still(phone: Phone) -> bool:
    return asks_options(phone.sip).startswith(b"SIP/2.0 200 ")


def a_call_works(phone: Phone) -> None:
    with Talker() as another:
        another.call(phone.sip)
        another.talk(0.5)
        assert len(another.heard) > 10
        another.hang_up(phone.sip)


# ---------------------------------------------------------------------- 1: no datagram ends, blocks or silences it


def test_1_no_datagram_ends_blocks_or_silences_it(start: Start, far: Talker) -> None:
    """Torture, truncated and random datagrams from strangers and from the far end itself, to all three ports."""
    phone = start("--auto-answer", "--max-calls", "4")
    far.call(phone.sip)
    far.talk(0.3)
    before = far.sent
    bad = [*torture(), *truncated(sip_request("INVITE", phone.sip, 1, body=sdp())), *junk(1, 400)]
    outside = stranger()
    senders = (outside, far.media_socket, far.rtcp_socket)
    for number, datagram in enumerate(bad):
        for port in (phone.sip, far.media_port, far.media_port + 1):
            outside.sendto(datagram, (HOST, port))
        senders[number % 3].sendto(datagram, (HOST, far.media_port + number % 2))
        if number % 10 == 0:
            far.talk(0.02)
            drained(outside)
    outside.close()
    far.talk(0.5)
    assert answers_still(phone)
    far.hang_up(phone.sip)
    ended = phone.ended(1)
    assert ended["reason"] == "the far end hung up"
    assert ended["rx"]["discarded"] > 20, "what the far end sent and was no sound is counted"
    assert ended["rx"]["packets"] >= far.sent - 1 > before
    assert far.heard_whole()
    a_call_works(phone)
    phone.is_well()


def test_1_what_was_malformed_is_counted_on_the_screen(dashboard: Screen, far: Talker) -> None:
    program = dashboard()
    talk_until(far, program, "talking")
    program.send("\x1b6")  # the log, by Alt and its number: digits alone are keys of the telephone
    talk_until(far, program, "q quit")
    assert far.invite is not None
    with stranger() as outside:
        for datagram in (b"INVITE", b"SIP/2.0 ", b"\xff" * 40):
            outside.sendto(datagram, far.invite.source)
    talk_until(far, program, "3 malformed")


# ---------------------------------------------------------------------- 2: a datagram of 64 KB is read whole


def test_2_the_largest_datagram_is_refused_with_a_reason(start: Start) -> None:
    phone = start()
    with stranger() as outside:
        small = sip_request("INVITE", phone.sip, 2, body=sdp(), via=outside.getsockname()[1])
        filler = b"Subject: " + b"x" * (65_507 - len(small) - len(b"Subject: \r\n")) + b"\r\n"
        outside.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 18)
        outside.sendto(small.replace(b"Max-Forwards", filler + b"Max-Forwards", 1), (HOST, phone.sip))
        assert select.select([outside], [], [], 10)[0], "silence"
        assert outside.recv(65535).startswith(b"SIP/2.0 513 ")
    phone.is_well()


# ---------------------------------------------------------------------- 8: sound from the negotiated source alone


def test_8_a_strangers_sound_is_not_heard_and_rtcp_ends_no_call(start: Start, far: Talker, tmp_path: Path) -> None:
    path = tmp_path / "heard.wav"
    phone = start("--auto-answer", "--record", str(path))
    far.call(phone.sip)
    bye = struct.pack("!BBHI", 0x81, 203, 1, SSRC)
    with stranger() as outside:
        for number in range(30):
            outside.sendto(rtp(number, number * 160, SSRC), (HOST, far.media_port))
            for udp in (outside, far.rtcp_socket):
                udp.sendto(rtcp_report(SSRC) + bye, (HOST, far.media_port + 1))
            time.sleep(0.02)
    with wave.open(str(path)) as file:
        heard = file.readframes(file.getnframes())
    assert len(heard) > 1600 and not any(heard), "a stranger was heard"
    far.talk(0.5)
    far.hang_up(phone.sip)
    ended = phone.ended(1)
    assert ended["reason"] == "the far end hung up"
    assert (ended["rx"]["packets"], ended["rx"]["lost"]) == (far.sent, 0)
    phone.is_well()


# ---------------------------------------------------------------------- 9: bounded, whatever the numbers say


@linux
def test_9_absurd_numbers_do_not_cost_memory(start: Start, far: Talker) -> None:
    phone = start("--auto-answer")
    far.call(phone.sip)
    far.talk(1.5)
    before = phone.rss_kb()
    chance = random.Random(9)

    def another_ssrc(number: int) -> bytes:
        return rtp(number, number * 160, chance.getrandbits(32))

    def absurd(number: int) -> bytes:
        return rtp(chance.getrandbits(16), chance.getrandbits(32), 0x1234ABCD, payload=bytes(chance.randrange(400)))

    def report(number: int) -> bytes:
        return rtcp_report(chance.getrandbits(32))

    for port, udp, make, count in (
        (far.media_port, far.media_socket, another_ssrc, 20_000),
        (far.media_port, far.media_socket, absurd, 10_000),
        (far.media_port + 1, far.rtcp_socket, report, 80_000),
    ):
        for number in range(count):
            udp.sendto(make(number), (HOST, port))
            if number % 400 == 0:
                far.talk(0.005)
    far.talk(0.5)
    assert phone.rss_kb() - before < FEW_MB_KB
    far.hang_up(phone.sip)
    ended = phone.ended(1)
    assert ended["buffer_ms"] is None or ended["buffer_ms"] < 2000
    a_call_works(phone)
    phone.ends()


# ---------------------------------------------------------------------- 10: nothing acts on the terminal


def test_10_a_name_that_is_made_of_controls_is_shown_and_does_nothing(dashboard: Screen, far: Talker) -> None:
    """C0, C1, an escape sequence, bidi controls and a pile of accents, in the display name and in the reason."""
    evil = "\x1b]0;owned\x07\x9b31m\u202eevil\u2066" + "e" + "\u0301" * 200
    program = dashboard()
    talk_until(far, program, "talking")
    assert far.invite is not None
    with stranger() as outside:
        invite = sip_request("INVITE", far.invite.source[1], 10, body=sdp(), via=outside.getsockname()[1])
        invite = invite.replace(b"From: <", f'From: "{evil}" <'.encode(), 1)
        outside.sendto(invite, far.invite.source)
        talk_until(far, program, "evil")
    for forbidden in ("\x1b]0;owned", "owned\x07", "\x9b", "\u202e", "\u2066", "\u0301" * 9):
        assert forbidden.encode() not in program.output


# ---------------------------------------------------------------------- 11: half-open calls keep no line


def test_11_callers_who_never_acknowledge_keep_no_line(start: Start, far: Talker) -> None:
    """Of one host so many are answered, and no more at once; who acknowledges is served all the same."""
    phone = start("--auto-answer", "--max-calls", "1")
    with stranger() as silent:
        for number in range(40):
            invite = sip_request("INVITE", phone.sip, number, body=sdp(), via=silent.getsockname()[1])
            silent.sendto(invite, (HOST, phone.sip))
        phone.wait_until(lambda: len(phone.of("answered")) >= HALF_OPEN_PER_HOST, "as many as may be half open")
        time.sleep(0.6)  # from then on their ACKs are overdue
        assert len(phone.of("answered")) == HALF_OPEN_PER_HOST
        far.call(phone.sip)
        far.talk(0.5)
        assert len(far.heard) > 10
        assert phone.event("ended")["reason"] == "dropped: the caller has not acknowledged, others wait"
        far.hang_up(phone.sip)
    phone.is_well()


# ---------------------------------------------------------------------- 12: a flood does not harm the running call


def invites(port: int) -> Callable[[int], bytes]:
    return lambda number: sip_request("INVITE", port, number, body=sdp())


def options(port: int) -> Callable[[int], bytes]:
    return lambda number: sip_request("OPTIONS", port, 1_000_000 + number)


def garbage(port: int) -> Callable[[int], bytes]:
    kept = list(junk(12, 500))
    return lambda number: kept[number % len(kept)]


@pytest.mark.parametrize(
    ("kind", "per_second"), [(invites, 500), (options, 2000), (garbage, 5000)], ids=["INVITE", "OPTIONS", "junk"]
)
@linux
def test_12_a_flood_does_not_harm_the_call(
    start: Start, far: Talker, kind: Callable[[int], Callable[[int], bytes]], per_second: int
) -> None:
    phone = start("--auto-answer")
    far.call(phone.sip)
    far.talk(0.5)
    flood = Flood(phone.sip, per_second, kind(phone.sip))
    far.talk(2.0, flood)
    full = phone.rss_kb()
    far.talk(2.0, flood)
    assert flood.sent > per_second, "the machine is too slow to flood"
    assert phone.rss_kb() - full < FEW_MB_KB
    assert len(phone.of("answered")) < 20 * HALF_OPEN_PER_HOST, "more than may wait for their ACK, twice a second"
    heard = len(far.heard)
    far.talk_until(lambda: len(far.heard) > heard + 10, "sound after the flood")
    assert answers_still(phone)
    flood.close()
    far.hang_up(phone.sip)
    ended = phone.ended(1)
    assert ended["reason"] == "the far end hung up"
    assert (ended["rx"]["packets"], ended["rx"]["lost"]) == (far.sent, 0)
    assert far.heard_whole()
    phone.is_well()
