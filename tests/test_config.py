"""The command line: what it makes of flags, and one line for each thing that makes no sense."""

from __future__ import annotations

import pytest

from engine import config
from engine.config import ConfigError, complete_uri, from_arguments
from engine.media import redundancy, voice
from widgets.figures import VOICE_WORDS


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


def test_who_only_asks_takes_any_port_and_no_card_and_tells_it_in_lines() -> None:
    asks = from_arguments(["--probe", "sip:bob@192.0.2.7"])
    assert (asks.probe, asks.uri, asks.local_sip_port, asks.local_rtp_port) == (True, "sip:bob@192.0.2.7", 0, 0)
    assert (asks.face, asks.headless, asks.audio) == ("plain", True, "null")
    assert from_arguments(["--probe", "--json", "192.0.2.7"]).face == "json"
    assert from_arguments(["--probe", "--local-sip-port", "5070", "192.0.2.7"]).local_sip_port == 5070


def test_the_buffers_bounds() -> None:
    assert from_arguments([]).buffer_ms == (0.0, 500.0)
    assert from_arguments(["--buffer", "40-200"]).buffer_ms == (40.0, 200.0)
    assert from_arguments(["--buffer", "60-60"]).buffer_ms == (60.0, 60.0)


def test_redundancy() -> None:
    asked = [from_arguments(words.split()).redundancy for words in ("", "--redundancy auto", "--redundancy off")]
    assert asked == [None, None, 0]
    assert from_arguments(["--redundancy", "3"]).redundancy == 3


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("192.0.2.7", "sip:192.0.2.7"),
        ("bob@192.0.2.7:5070", "sip:bob@192.0.2.7:5070"),
        ("sip:bob@[2001:db8::1]", "sip:bob@[2001:db8::1]"),
        ("localhost:5062", "sip:localhost:5062"),
        (' "Bob" <sip:bob@192.0.2.7> ', "sip:bob@192.0.2.7"),
        ("<192.0.2.7>", "sip:192.0.2.7"),
    ],
)
def test_addresses_as_people_type_them(typed: str, meant: str) -> None:
    assert str(complete_uri(typed)) == meant


@pytest.mark.parametrize(
    ("typed", "meant"), [("auto", None), ("off", ()), ("duck", ("duck",)), ("echo, gain", ("echo", "gain"))]
)
def test_what_is_done_to_the_microphone(typed: str, meant: tuple[str, ...] | None) -> None:
    assert from_arguments(["--voice", typed]).voice == meant
    assert from_arguments([]).voice is None


WRONG = {
    "--plain --json": "two faces",
    "--mode caller": "needs --remote-ip or a URI",
    "--mode listener": "'receiver', 'caller'",
    "--mode receiver sip:a@192.0.2.1": "leave the URI out",
    "--mode receiver --remote-sip-port 5060": "needs --remote-ip",
    "--remote-ip 192.0.2.1": "needs --mode",
    "sip:a@192.0.2.1 --remote-ip 192.0.2.1 --mode caller": "give one",
    "--local-ip nowhere": "'nowhere' is not an IP address",
    "--local-ip=": "--local-ip",
    "--local-ip 256.1.1.1": "not an IP address",
    "--local-ip 0.0.0.0": "leave it out",
    "--local-ip ::": "leave it out",
    "--local-ip 224.0.0.1": "leave it out",
    "--local-ip 255.255.255.255": "leave it out",
    "--local-sip-port 70000": "from 0 to 65535",
    "--local-sip-port -1": "from 0 to 65535",
    "--local-sip-port=": "from 0 to 65535",
    "--local-sip-port 5060.5": "from 0 to 65535",
    "--local-rtp-port x": "'x' is not a number",
    "--local-sip-port 1_0_0_0_0": "from 0 to 65535",
    "--local-sip-port ٥٠٦٠": "from 0 to 65535",
    "--volume 1_0": "from -40 to 12",
    "--local-ip fe80::1": "say which, as in fe80::1%eth0",
    "--record -": "'-' is no file here",
    "--audio-file -": "'-' is no file here",
    "--auto-answer --no-auto-answer": "not allowed with argument --auto-answer",
    "-x": "unknown argument '-x'",
    "--local-rtp-port 65535": "from 0 to 65534",
    "--local-sip-port 7000 --local-rtp-port 7000": "give two ports",
    "--remote-sip-port 5060": "needs --remote-ip",
    "--mode caller --remote-ip 192.0.2.1 --remote-sip-port 0": "from 1 to 65535",
    "--mode caller --remote-ip=": "neither an address",
    "--mode caller --remote-ip 1.2.3": "neither an IP address nor a name",
    "--mode caller --remote-ip 999.1.1.1": "neither an IP address nor a name",
    "--mode caller --remote-ip sip:a@192.0.2.1": "neither an address such as",
    "--mode caller --local-ip ::1 --remote-ip 127.0.0.1": "one is IPv4, the other IPv6",
    "--local-ip 127.0.0.1 sip:a@[::1]": "one is IPv4, the other IPv6",
    "--mode caller --local-ip 127.0.0.1 --remote-ip 127.0.0.1": "this phone itself",
    "--local-ip ::1 --local-sip-port 5061 sip:[0::1]:5061": "this phone itself",
    "--demo --mode receiver": "calls itself",
    "--demo --mode caller": "calls itself",
    "--demo --echo": "its own echo",
    "--probe": "give the URI",
    "--probe --demo": "give the URI",
    "--probe --mode receiver --remote-ip 192.0.2.1": "give the URI",
    "--probe tel:1": "cannot be called",
    "--demo --local-ip 192.0.2.1": "leave --local-ip out",
    "--demo sip:a@192.0.2.1": "leave --mode, --remote-ip and the URI out",
    "--echo --audio-file a.wav": "leave --audio-file out",
    "--echo --input mic": "leave --input out",
    "--audio x": "'device', 'file', 'null'",
    "--audio file": "needs --audio-file",
    "--audio null --input mic": "uses no sound card",
    "--audio file --audio-file a.wav --output ear": "uses no sound card",
    "--audio-file a.wav --input mic": "give one",
    "--voice loud": "give auto, off, or some of echo, noise, gain, duck",
    "--voice ,": "give auto, off",
    "--voice off,echo": "give auto, off",
    "--voice echo,duck": "two ways against an echo",
    "--voice echo --audio-file a.wav": "a file is sent as it is",
    "--voice noise --audio null": "works on a card's microphone",
    "--voice noise --echo": "do not use",
    "--voice noise --demo": "do not use",
    "--demo --input mic": "leave --input out",
    "--echo --ring-tone a.wav": "does not ring",
    "--echo --ringback a.wav": "does not ring",
    "--echo --ring-output ear": "does not ring",
    "--ring-tone off --ring-output ear": "needs no loudspeaker",
    "--audio-file=": "name of a file",
    "--record=": "name of a file",
    "--record-stereo=": "name of a file",
    "--input=": "name of a device",
    "--record a.wav --record-stereo a.wav": "the same file",
    "--record a.wav --record-stereo ./a.wav": "the same file",
    "--trace": "--plain, --json or --headless",
    "--duration 0": "from 0.1",
    "--duration -1": "from 0.1",
    "--duration nan": "from 0.1",
    "--duration inf": "from 0.1",
    "--duration=": "from 0.1",
    "--auto-answer -1": "from 0 to 3600",
    "--auto-answer nan": "from 0 to 3600",
    "--max-calls 0": "from 1 to 200",
    "--max-calls many": "from 1 to 200",
    "--ptime 25": "10, 20, 30, 40, 50, 60",
    "--ptime 0": "from 10 to 60",
    "--buffer 40": "two numbers of ms",
    "--buffer 200-40": "from the first to 1000",
    "--buffer 0-1001": "from the first to 1000",
    "--buffer a-b": "two numbers",
    "--redundancy 4": "auto, off or a number from 1 to 3",
    "--redundancy 0": "auto, off",
    "--redundancy -1": "auto, off",
    "--redundancy some": "auto, off",
    "--codecs ,": "names no codec",
    "--codecs PCMU,pcmu": "twice",
    "--no-such-flag": "unknown argument",
    "a b": "unknown argument 'b'",
    "sip:": "not an address to call",
    "bob@": "not an address to call",
    "sip:bob@a..b": "a..b is not a host name (between its dots",
    f"sip:bob@{'a' * 64}.test": "is not a host name",
    f"sip:bob@{'a.' * 128}b": "is not a host name",
    "-- --foo": "--foo is not a host name",
    "a-.test": "a-.test is not a host name",
    "--mode caller --remote-ip a..b": "neither an address such as 192.0.2.7 nor a host name",
    "sip:a@192.0.2.1:0": "port",
    "sip:a@192.0.2.1:99999": "port",
    "http://192.0.2.1": "only sip:",
    "tel:+123": "only sip:",
    "sips:a@b": "only sip:",
    "sip:a@b;transport=tcp": "not UDP",
    "--local-ip": "expected one argument",
}


@pytest.mark.parametrize(("arguments", "said"), WRONG.items(), ids=WRONG)
def test_wrong_usage_is_one_line_that_says_what(arguments: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_arguments(arguments.split())
    text = str(caught.value)
    assert "\n" not in text and any(words in text for words in said.split("|")), text


@pytest.mark.parametrize("address", ["", " ", "192.0.2", "bob@1.2.3.4.5", "bob@a..b", "a b", "http://a"])
def test_what_is_typed_into_the_dial_line_is_checked_as_well(address: str) -> None:
    with pytest.raises(ConfigError):
        complete_uri(address)


@pytest.mark.parametrize(
    "arguments",
    [
        "--mode caller --remote-ip [::1]",
        "--mode caller --remote-ip pbx.example.net --local-ip ::1",
        "--mode caller --remote-ip my_pbx.example.net.",
        "bob@3com-7.example",
        "--mode caller --auto-answer --remote-ip 192.0.2.1",
        "--local-ip 127.0.0.1 --local-sip-port 0 sip:127.0.0.1",
        "--mode caller --local-ip 127.0.0.2 --remote-ip 127.0.0.1",
        "--demo --local-ip 127.0.0.1",
        "--local-ip fe80::1%eth0",
        "--local-sip-port 0 --local-rtp-port 0",
        "--headless --trace",
        "--echo --ring-tone off --ringback off --voice off",
        "--demo --voice auto --output ear",
        "--record a.wav --record-stereo b.wav --audio-file c.wav",
    ],
)
def test_what_makes_sense_is_taken(arguments: str) -> None:
    from_arguments(arguments.split())


def test_a_number_is_written_without_anything_around_it() -> None:
    with pytest.raises(ConfigError, match="' 5070' is not a number from 0 to 65535"):
        from_arguments(["--local-sip-port", " 5070"])


def test_auto_answer_may_stand_before_the_uri() -> None:
    assert from_arguments(["--auto-answer", "sip:a@192.0.2.1"]).auto_answer == 0
    assert from_arguments(["--auto-answer", "2.5"]).auto_answer == 2.5
    assert from_arguments([]).auto_answer is None


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "224.0.0.1", "[ff02::1]", "255.255.255.255"])
def test_nobodys_address_is_not_called(host):
    with pytest.raises(ConfigError, match="nobody's address"):
        from_arguments(["--headless", f"sip:bob@{host}"])


def test_the_flags_offer_what_the_engine_has() -> None:
    assert config.VOICE_STEPS == voice.STEPS and set(VOICE_WORDS) == set(voice.STEPS)
    assert config.MAX_GENERATIONS == redundancy.MAX_GENERATIONS


def test_the_name_of_a_contact_is_an_address() -> None:
    config = from_arguments(["anna"], named={"anna": "sip:anna@192.0.2.7"}.__getitem__)
    assert config.uri == "sip:anna@192.0.2.7"
    assert from_arguments(["anna", "--no-config"], named={}.__getitem__).uri == "sip:anna"
