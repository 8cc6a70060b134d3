"""The configuration file: what it says, that flags win, and one line for each thing that is wrong."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import config_file
from engine.config import Config, ConfigError, ConfigText, from_arguments, parser

PATH = "/home/anna/.config/ringtop/config.toml"


def config(text: str, arguments: str = "") -> Config:
    return from_arguments(arguments.split(), lambda named: ConfigText(named or PATH, text))


WHOLE = """
[network]
local-ip = "192.0.2.5"
local-sip-port = 5070
local-rtp-port = 0

[sound]
audio = "device"
input = "Headset"     # by a part of its name
output = "Headset"
volume = -4.5
voice = ["echo", "noise"]
ring-tone = "bell.wav"
ringback = "off"
ring-output = "Speakers"

[call]
auto-answer = 2.5
codecs = ["opus", "PCMU"]
ptime = 30
buffer = "40-200"
redundancy = 2
silence-suppression = true
max-calls = 3

[screen]
ascii = true
background = "light"
title = false
bell = true
notify = true
mouse = true
ask = true
panes = ["levels", "why"]

[keys]
mute = ["M", "F5"]
quit = "Q"

[keys.ladder]
mark = "t"

[colours]
warn = "bright yellow bold"
"""


def test_everything_that_a_file_can_say() -> None:
    said = config(WHOLE)
    assert (said.local_ip, said.local_sip_port, said.local_rtp_port) == ("192.0.2.5", 5070, 0)
    assert (said.audio, said.input_name, said.output_name, said.voice) == (
        "device", "Headset", "Headset", ("echo", "noise"),
    )  # fmt: skip
    assert (said.ring_tone, said.ringback, said.ring_output) == (
        "/home/anna/.config/ringtop/bell.wav", "off", "Speakers",
    )  # fmt: skip
    assert (said.auto_answer, said.codecs, said.ptime_ms, said.buffer_ms) == (2.5, ("opus", "PCMU"), 30, (40.0, 200.0))
    assert (said.redundancy, said.silence_suppression, said.max_calls) == (2, True, 3)
    assert (said.ascii, said.title, said.bell, said.notify, said.mouse, said.ask_before_hang_up) == (
        True, False, True, True, True, True,
    )  # fmt: skip
    assert (said.volume_db, said.background, said.saves) == (-4.5, "light", True)
    assert said.panes == ("levels", "why")
    assert said.keys == {"mute": ("M", "F5"), "quit": ("Q",), "ladder.mark": ("t",)}
    assert said.colours == {"warn": "bright yellow bold"}
    assert said.file == ConfigText(PATH, WHOLE)


def test_the_whole_file_names_every_key_there_is() -> None:
    """So that a key which is added is tested: only the microphone's file is another kind of microphone."""
    assert {key for keys in config_file.SECTIONS.values() for key in keys if f"{key} =" not in WHOLE} == {"audio-file"}


def test_every_key_is_a_flag() -> None:
    flags = {option for action in parser()._actions for option in action.option_strings}
    keys = {f"--{key}" for keys in config_file.SECTIONS.values() for key in keys}
    assert keys - flags == {"--panes"}


@pytest.mark.parametrize("text", ["", "# nothing\n", "[screen]\n", "[call]\n[keys]\n[colours]\n"])
def test_an_empty_file_changes_nothing(text: str) -> None:
    assert config(text).file is not None
    assert {name: getattr(config(text), name) for name in Config.__slots__ if name != "file"} == {
        name: getattr(from_arguments([]), name) for name in Config.__slots__ if name != "file"
    }


# ------------------------------------------------------------------ flags win


def test_a_flag_wins_over_the_file() -> None:
    flags = "--local-sip-port 5090 --codecs G722 --no-mouse --title --no-auto-answer --buffer 0-60 --voice auto"
    said = config(WHOLE, flags)
    assert (said.local_sip_port, said.codecs, said.mouse, said.title) == (5090, ("G722",), False, True)
    assert (said.auto_answer, said.buffer_ms, said.voice) == (None, (0.0, 60.0), None)
    assert said.local_ip == "192.0.2.5", "what no flag speaks of stays"


def test_a_flag_that_says_the_default_wins_as_well() -> None:
    assert config(WHOLE, "--local-sip-port 5060").local_sip_port == 5060
    assert config(WHOLE, "--redundancy auto").redundancy is None


@pytest.mark.parametrize(
    ("flags", "left_out"),
    [
        ("--echo", ("input_name", "voice", "ring_tone", "ring_output")),
        ("--audio null", ("input_name", "output_name", "ring_output", "voice")),
        ("--audio-file a.wav", ("input_name", "voice")),
        ("--demo --config named.toml", ("input_name", "voice")),
    ],
)
def test_what_contradicts_a_flag_is_left_out(flags: str, left_out: tuple[str, ...]) -> None:
    said = config(WHOLE, flags)
    assert [getattr(said, name) for name in left_out] == [None] * len(left_out)
    assert said.codecs == ("opus", "PCMU")


def test_a_demo_stays_on_its_own_address_and_any_ports() -> None:
    said = config(WHOLE, "--demo --config named.toml")
    assert (said.local_ip, said.local_sip_port, said.local_rtp_port) == ("127.0.0.1", 0, 0)


@pytest.mark.parametrize("flag", ["--no-config", "--demo", "--list-devices"])
def test_whoever_wants_no_file_reads_none(flag: str) -> None:
    def read(named: str | None) -> ConfigText | None:
        raise AssertionError("read")

    assert from_arguments([flag], read) == from_arguments([flag])


def test_the_file_that_is_named_is_read() -> None:
    asked: list[str | None] = []
    from_arguments(["--config", "mine.toml"], lambda named: asked.append(named))
    from_arguments([], lambda named: asked.append(named))
    assert asked == ["mine.toml", None]


# ------------------------------------------------------------------ what is wrong

WRONG = {
    "[call]\nptime = 25": "line 2: [call] ptime: '25': packets of 10, 20, 30, 40, 50, 60 ms",
    "[call]\nptime = true": "line 2: [call] ptime is to be a number",
    'x\n= "': "this is not TOML",
    "[call]\n\n\nptimme = 20": "line 4: [call] there is no 'ptimme': did you mean ptime?",
    '[call]\nmode = "caller"': "line 2: [call] there is no 'mode': there are auto-answer, codecs",
    "[call]\nzzz = 20": "there is no 'zzz': there are auto-answer, codecs",
    "[call]\nmouse = true": "line 2: [call] there is no 'mouse' here: it belongs below [screen]",
    "mouse = true": "line 1: there is no 'mouse' here: it belongs below [screen]",
    "[screeen]\nmouse = true": "line 1: there is no 'screeen': did you mean screen?",
    "screen = 1": "line 1: 'screen' is the name of a section: write [screen]",
    '[screen]\nmouse = "yes"': "mouse is to be true or false",
    "[screen]\nmouse = 1": "mouse is to be true or false",
    '[screen]\npanes = "log"': "panes is to be a list",
    "[screen]\npanes = [1]": "panes is to be a list",
    '[network]\nlocal-ip = "nowhere"': "line 2: [network] local-ip: 'nowhere' is not an IP address",
    "[network]\nlocal-ip = 5": "local-ip is to be a text",
    "[network]\nlocal-sip-port = 70000": "local-sip-port: '70000' is not a number from 0 to 65535",
    "[network]\nlocal-sip-port = 5060.5": "from 0 to 65535",
    "[network]\nlocal-sip-port = 7000\nlocal-rtp-port = 7000": f"{PATH}: --local-sip-port and --local-rtp-port",
    '[sound]\naudio = "devise"': "audio: 'devise': did you mean device?",
    '[sound]\nvoice = ["echo", "duck"]': "two ways against an echo",
    "[sound]\nvolume = 13": "volume: '13' is not a number from -40 to 12 dB",
    '[screen]\nbackground = "blue"': "background: 'blue': there are dark, light",
    '[sound]\nvoice = "loud"': "give auto, off, or some of echo, noise, gain, duck",
    "[sound]\nvoice = [1]": "voice is to be a list",
    '[sound]\ninput = ""': "give the name of a device",
    '[sound]\nring-tone = "off"\nring-output = "x"': "needs no loudspeaker",
    '[call]\nauto-answer = "yes"': "auto-answer is to be true, false or a number of seconds",
    "[call]\nauto-answer = -1": "auto-answer: '-1' is not a number from 0 to 3600 seconds",
    "[call]\nauto-answer = nan": "from 0 to 3600",
    "[call]\ncodecs = []": "codecs: names no codec",
    '[call]\ncodecs = ["PCMU", "pcmu"]': "codecs: names PCMU twice",
    '[call]\ncodecs = "PCMU"': "codecs is to be a list",
    "[call]\nbuffer = 40": "buffer is to be a text",
    '[call]\nbuffer = "200-40"': "from the first to 1000",
    "[call]\nredundancy = 4": "auto, off or a number from 1 to 3",
    "[call]\nredundancy = false": "redundancy is to be a text",
    "[call]\nmax-calls = 0": "from 1 to 200",
    "[keys]\nmute = 5": 'line 2: [keys] mute is to be a key such as "m"',
    "[keys]\nmute = []": "mute is to be a key",
    '[keys]\nmute = ["m", 5]': "mute is to be a key",
    "[keys.ladder]\nmark = 1": "line 2: [keys.ladder] mark is to be a key",
    "[colours]\nwarn = 3": "line 2: [colours] warn is to be a text",
    "call.ptime = 25": f"{PATH}: [call] ptime: '25'",
    "[a]\n[a]\n": "this is not TOML",
    "a = " + "[" * 5000: "this is not TOML",
    "a = " + "9" * 5000: "this is not TOML",
}


@pytest.mark.parametrize(("text", "said"), WRONG.items(), ids=range(len(WRONG)))
def test_what_is_wrong_is_one_line_that_names_the_place(text: str, said: str) -> None:
    with pytest.raises(ConfigError) as caught:
        config(text)
    line = str(caught.value)
    assert "\n" not in line and line.startswith(PATH) and said in line, line


LATER = {  # what is found out to be wrong by whoever uses it
    '[call]\n\ncodecs = ["x"]': ("--codecs: 'x' is no codec", "line 3: [call] codecs: 'x' is no codec"),
    '[sound]\naudio = "device"': ("--audio device: no card", "line 2: [sound] audio device: no card"),
    '[sound]\naudio = "device"\ninput = "Head"': (
        "no device has 'Head'",
        "line 3: [sound] input: no device has 'Head'",
    ),
    '[sound]\nvoice = "echo"': ("the step echo of --voice", "line 2: [sound] voice: the step echo of --voice"),
    '[sound]\naudio-file = "/a/no.wav"': ("/a/no.wav: missing", "line 2: [sound] audio-file: /a/no.wav: missing"),
    "[network]\nlocal-sip-port = 5070": ("UDP port 5070 is taken", "[network] local-sip-port: UDP port 5070 is taken"),
}


@pytest.mark.parametrize(("text", "complaint"), LATER.items(), ids=range(len(LATER)))
def test_what_is_found_to_be_wrong_later_names_the_place_too(text: str, complaint: tuple[str, str]) -> None:
    found, said = complaint
    line = config_file.placed(config(text), found)
    assert line.startswith(f"{PATH}, line ") and line.endswith(said), line
    assert config_file.placed(config(text), "something else, 50700, a device") == "something else, 50700, a device"


def test_what_a_flag_says_is_not_said_to_be_in_the_file() -> None:
    text = '[call]\ncodecs = ["x"]'
    assert config_file.placed(config(text, "--codecs y"), "--codecs: 'y' is none") == "--codecs: 'y' is none"
    assert config_file.placed(None, "--codecs: 'y' is none") == "--codecs: 'y' is none"


def test_a_python_without_toml_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config_file, "toml_reader", lambda: None)
    with pytest.raises(ConfigError, match=r"-m pip install tomli \(or give --no-config\)"):
        config("")


TOML_LIKE = st.text(string.ascii_letters + string.digits + "[]=\"'.,-# \n", max_size=80)


@given(st.one_of(TOML_LIKE, st.text(max_size=60)))
def test_no_text_does_worse_than_one_line(text: str) -> None:
    try:
        config(text)
    except ConfigError as error:
        assert "\n" not in str(error)


@given(st.sampled_from([(s, k) for s, keys in config_file.SECTIONS.items() for k in keys]), st.data())
def test_no_value_does_worse_than_one_line(place: tuple[str, str], data: st.DataObject) -> None:
    value = data.draw(st.sampled_from(["1", "-1", "1e400", "true", '"x"', '"1-2"', "[]", '["a"]', "{}", "1979-05-27"]))
    try:
        config(f"[{place[0]}]\n{place[1]} = {value}\n")
    except ConfigError as error:
        assert "\n" not in str(error) and (place[1] in str(error) or "leave" in str(error))
