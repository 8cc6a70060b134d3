"""Little is said to strangers, and nothing is answered unasked: design section 9, numbers 15 and 16."""

from __future__ import annotations

import getpass
import platform
import re
import socket
from collections.abc import Callable

from tests.interop.far_end import HOST, ROOT, Message
from tests.promises.people import Phone, Talker, asks_options, sdp, sip_request, stranger

Start = Callable[..., Phone]

TOLD = {
    "the program or its parts": r"ringtop(?!@)|python|numpy|user-agent|server:|organization",
    "a version": r"(?<![\d.])\d+\.\d+\.\d+(?![\d.])(?<!2\.0)",
    "a pointer": r"0x[0-9a-f]{6,}",
    "the system": r"linux|windows|darwin|x86_64|aarch64",
}


def secrets() -> list[str]:
    """Words of this machine and its user that nobody outside has asked for."""
    names = [getpass.getuser(), socket.gethostname(), platform.node(), str(ROOT), ROOT.name + "/"]
    return [name.lower() for name in names if len(name) > 3 and name != "localhost"]


def nothing_is_told(raw: bytes, ours: str) -> None:
    text = raw.decode("utf-8", "replace").lower()
    for what, pattern in TOLD.items():
        assert not re.search(pattern, text), f"{what} in\n{text}"
    for word in secrets():
        assert word not in text
    for address in re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", text):
        assert address == ours, f"{address} in\n{text}"


def session_lines(body: str) -> dict[str, str]:
    return {line[0]: line[2:] for line in body.split("\r\n") if line[:2] in ("o=", "s=")}


def is_about_nobody(message: Message) -> None:
    """RFC 8866 5.2: the user name of o= is -, its numbers are no clock, and s= is no name."""
    lines = session_lines(message.body)
    assert lines["o"].split()[0] == "-" and lines["s"].strip() in ("", "-")


def cname(reports: list[bytes]) -> bytes:
    """The CNAME of the first SDES (RFC 3550 6.5)."""
    for data in reports:
        at = 0
        while at + 8 <= len(data):
            size = 4 * (1 + int.from_bytes(data[at + 2 : at + 4], "big"))
            if data[at + 1] == 202 and data[at + 8] == 1:
                return data[at + 10 : at + 10 + data[at + 9]]
            at += size
    raise AssertionError(f"no CNAME in {reports}")


def one_call_out(start: Start) -> tuple[Message, bytes, list[bytes]]:
    """(INVITE, CNAME, everything that left as SIP) of a call that ringtop makes and ends."""
    with Talker() as far:
        phone = start(far.uri)
        invite = far.is_called()
        far.talk(0.3)
        phone.interrupt()
        bye = far.receive("BYE")
        far.answer(bye, "200 OK")
        assert phone.finish() == 0
        far.listen()
        return invite, cname(far.reports), [invite.raw, bye.raw]


def test_15_a_call_out_tells_nothing_of_user_program_and_machine(start: Start) -> None:
    calls = [one_call_out(start) for _ in range(2)]
    for invite, name, sent in calls:
        is_about_nobody(invite)
        for raw in sent:
            nothing_is_told(raw, HOST)
        nothing_is_told(name, HOST)
        assert b"@" not in name and len(name) >= 16
    first, second = (invite for invite, _, _ in calls)
    assert calls[0][1] != calls[1][1]
    for header in ("Call-ID", "From", "Contact", "Via"):
        assert first.header(header) != second.header(header)
    assert session_lines(first.body)["o"] != session_lines(second.body)["o"]


def test_15_a_call_in_and_a_stranger_learn_no_more(start: Start, far: Talker) -> None:
    phone = start("--auto-answer")
    accepted = far.call(phone.sip)
    far.talk(0.2)
    far.hang_up(phone.sip)
    is_about_nobody(accepted)
    far.listen()
    nothing_is_told(cname(far.reports), HOST)
    for raw in (accepted.raw, asks_options(phone.sip)):
        nothing_is_told(re.sub(rb"<?sip:ringtop@[^\r]*", b"", raw), HOST)  # To is what we have sent ourselves
    phone.ends()


def test_15_every_user_gets_the_same_answer(start: Start) -> None:
    phone = start()
    answers = set()
    for user in ("ringtop", "anna", "root", getpass.getuser(), "1000", "no-such-user"):
        raw = asks_options(phone.sip, user=user).decode()
        answers.add("\n".join(line for line in raw.split("\r\n") if line.split(":")[0] not in ECHOED))
    assert len(answers) == 1
    phone.ends()


ECHOED = ("Via", "From", "To", "Call-ID", "CSeq")  # of the request


# ---------------------------------------------------------------------- 16: auto-answer


def test_16_nothing_is_answered_unasked(start: Start) -> None:
    phone = start()
    with stranger() as caller:
        port = caller.getsockname()[1]
        caller.sendto(sip_request("INVITE", phone.sip, 1, body=sdp(), via=port), (HOST, phone.sip))
        assert phone.event("incoming")["auto_answer"] is False
        caller.settimeout(0.5)
        heard = []
        try:
            while len(heard) < 20:
                heard.append(caller.recv(65535).split(b"\r\n")[0])
        except TimeoutError:
            pass
    assert b"SIP/2.0 180 Ringing" in heard
    assert not any(line.startswith(b"SIP/2.0 2") for line in heard)
    assert phone.of("answered") == []
    phone.ends()


def test_16_who_was_answered_by_itself_is_said(start: Start, far: Talker) -> None:
    phone = start("--auto-answer")
    far.call(phone.sip)
    incoming, answered = phone.event("incoming"), phone.event("answered")
    assert incoming["auto_answer"] is True and answered["auto_answered"] is True
    assert answered["peer"] == far.uri
    far.hang_up(phone.sip)
    phone.ends()
    with Talker() as another:
        phone = start("--auto-answer", plain=True)
        another.call(phone.sip)
        phone.wait_until(lambda: phone.says(f"{another.uri} is calling, call"), "who was answered")
        another.hang_up(phone.sip)
