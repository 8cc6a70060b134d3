"""The command line: what it makes of flags, and one line for each thing that makes no sense."""

from __future__ import annotations

import pytest

from engine.config import ConfigError, complete_uri, from_arguments


def test_the_two_commands_of_a_pair() -> None:
    receiver = from_arguments(
        [
            "--mode",
            "receiver",
            "--local-ip",
            "127.0.0.1",
            "--local-sip-port",
            "5061",
            "--local-rtp-port",
            "10001",
            "--remote-ip",
            "127.0.0.1",
            "--remote-sip-port",
            "5060",
        ]
    )
    assert (receiver.uri, receiver.suggested_uri) == (None, "sip:127.0.0.1:5060")
    assert (receiver.local_sip_port, receiver.local_rtp_port, receiver.face) == (5061, 10001, "dashboard")
    caller = from_arguments(
        [
            "--mode",
            "caller",
            "--local-ip",
            "127.0.0.1",
            "--remote-ip",
            "127.0.0.1",
            "--remote-sip-port",
            "5061",
            "--audio-file",
            "sample.wav",
        ]
    )
    assert (caller.uri, caller.local_sip_port, caller.local_rtp_port) == ("sip:127.0.0.1:5061", 5060, 10000)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("192.0.2.7", "sip:192.0.2.7"),
        ("bob@192.0.2.7:5070", "sip:bob@192.0.2.7:5070"),
        ("sip:bob@[2001:db8::1]", "sip:bob@[2001:db8::1]"),
        ("localhost:5062", "sip:localhost:5062"),
    ],
)
def test_addresses_as_people_type_them(typed: str, meant: str) -> None:
    assert str(complete_uri(typed)) == meant


@pytest.mark.parametrize(
    "arguments",
    [
        "--plain --json",
        "--mode caller",
        "--mode receiver sip:a@192.0.2.1",
        "sip:a@192.0.2.1 --remote-ip 192.0.2.1 --mode caller",
        "--local-ip nowhere",
        "--local-sip-port 70000",
        "--local-rtp-port x",
        "--remote-sip-port 5060",
        "--demo --mode caller",
        "--demo --echo",
        "--echo --audio-file a.wav",
        "--audio file",
        "--audio null --input mic",
        "--duration 0",
        "--duration nan",
        "--max-calls 0",
        "--ptime 25",
        "--codecs ,",
        "--no-such-flag",
        "a b",
        "sip:",
        "tel:+123",
        "sips:a@b",
        "--record a.wav --record-stereo a.wav",
    ],
)
def test_wrong_usage_is_one_line(arguments: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_arguments(arguments.split())
    assert "\n" not in str(caught.value) and str(caught.value)


def test_auto_answer_may_stand_before_the_uri() -> None:
    assert from_arguments(["--auto-answer", "sip:a@192.0.2.1"]).auto_answer == 0
    assert from_arguments(["--auto-answer", "2.5"]).auto_answer == 2.5
    assert from_arguments([]).auto_answer is None
