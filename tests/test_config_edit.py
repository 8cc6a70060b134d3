"""Values put into a configuration file that somebody has written by hand: his words stay."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.config import ConfigError, ConfigText
from engine.config_edit import edited, literal
from engine.config_file import tables

PATH = "/home/anna/.config/ringtop/config.toml"
INPUT, BUFFER, CODECS = ("sound", "input"), ("call", "buffer"), ("call", "codecs")


def change(text: str, **changes: object) -> str:
    """``sound_input=...`` is the key input of [sound]."""
    return edited(ConfigText(PATH, text), {tuple(place.split("_")): value for place, value in changes.items()})


MINE = """\
# my phone

[sound]   # at the desk
  input = "Headset"     # the grey one # really
# output = "Speakers"

[call]
codecs = [
    "opus",  # best
    "PCMA",
]
ptime = 20

# the keys I am used to
[keys]
mute = "M"
"""


def test_a_value_takes_the_place_of_the_one_before_and_its_comment_stays() -> None:
    assert change(MINE, sound_input="Webcam") == MINE.replace('"Headset"', '"Webcam"')


def test_a_new_key_stands_behind_the_others_of_its_section() -> None:
    assert change(MINE, call_buffer="40-200") == MINE.replace("ptime = 20\n", 'ptime = 20\nbuffer = "40-200"\n')


def test_a_new_section_stands_at_the_end() -> None:
    assert change(MINE, screen_mouse=3) == MINE + "\n[screen]\nmouse = 3\n"
    assert change("", sound_input="a") == '[sound]\ninput = "a"\n'
    assert change("# no newline", sound_input="a") == '# no newline\n\n[sound]\ninput = "a"\n'


def test_two_new_keys_of_a_new_section() -> None:
    assert change("", sound_input="a", sound_volume=-4.0) == '[sound]\ninput = "a"\nvolume = -4\n'


def test_what_is_taken_out_becomes_a_comment() -> None:
    assert change(MINE, sound_input=None) == MINE.replace("  input =", "#   input =")
    assert change(MINE, sound_output=None) == MINE
    assert change(MINE, screen_mouse=None) == MINE


def test_a_value_of_several_lines_stays_as_a_comment() -> None:
    kept = '# codecs = [\n#     "opus",  # best\n#     "PCMA",\n# ]\n'
    made = change(MINE, call_codecs=["PCMU", "L16/16000"])
    assert kept + 'codecs = ["PCMU", "L16/16000"]\nptime = 20\n' in made
    assert kept + "ptime = 20\n" in change(MINE, call_codecs=None)


def test_lines_end_as_they_did() -> None:
    text = MINE.replace("\n", "\r\n")
    made = change(text, sound_input="Webcam", call_buffer="0-60", screen_mouse=1)
    assert "\n" not in made.replace("\r\n", "")
    assert made == change(MINE, sound_input="Webcam", call_buffer="0-60", screen_mouse=1).replace("\n", "\r\n")


@pytest.mark.parametrize(
    "name", ['a "quoted" one', "back\\slash", "tab\there", "# no comment", "Ünï [x] = 'y'", "\U0001f399"]
)
def test_any_name_of_a_device_is_read_as_it_was(name: str) -> None:
    assert tables(ConfigText(PATH, change(MINE, sound_input=name)))["sound"]["input"] == name


@pytest.mark.parametrize(
    "text", ['call.buffer = "0-60"\n', 'call = { buffer = "0-60" }\n', '[call]\n"buf\\u0066er" = "0-60"\n']
)
def test_what_cannot_be_changed_line_by_line_is_left_alone(text: str) -> None:
    with pytest.raises(ConfigError) as caught:
        change(text, call_buffer="40-200")
    assert '[call] buffer = "40-200"' in str(caught.value) and PATH in str(caught.value)


def test_what_is_to_be_put_there_is_told_of_a_nought_and_of_nothing_too() -> None:
    with pytest.raises(ConfigError, match=r"\[sound\] volume = 0; \[sound\] no input$"):
        edited(ConfigText(PATH, "sound.volume = 3\n"), {("sound", "volume"): 0.0, ("sound", "input"): None})


def test_a_file_that_is_no_toml_is_left_alone() -> None:
    with pytest.raises(ConfigError, match="not TOML"):
        change("[call\n", call_buffer="40-200")


def test_a_key_in_a_text_of_several_lines_is_no_key() -> None:
    text = '[call]\nnote = """\nbuffer = "1-2"\n"""\n'
    with pytest.raises(ConfigError, match="only you can change"):
        change(text, call_buffer="40-200")


LINES = st.lists(
    st.sampled_from(
        ["", "# a comment", "[sound]", "[call]", "[keys.ladder]", 'input = "x" # y', "volume = 3", 'buffer = "1-2"',
         'codecs = ["a",', '  "b"] # c', 'mark = "t"', "a.b = 1", "sound = 1", '"""', "x = '''"]
    ), max_size=12,
)  # fmt: skip


@given(LINES, st.sampled_from([INPUT, BUFFER, CODECS]), st.none() | st.text(max_size=8) | st.lists(st.text(max_size=4)))
def test_whatever_is_there_nothing_of_it_is_lost(lines: list[str], place: tuple[str, str], value: object) -> None:
    text = "\n".join(lines)
    try:
        made = edited(ConfigText(PATH, text), {place: value})
    except ConfigError:
        return
    before, after = tables(ConfigText(PATH, text)), tables(ConfigText(PATH, made))
    assert after.get(place[0], {}).get(place[1]) == value
    for section in ({*before, *after}) - {place[0]}:
        assert before.get(section) == after.get(section)
    for line in lines:
        kept = line.split("#")[-1].strip() if "#" in line else ""
        assert kept in made


@given(st.text())
def test_every_text_can_be_written(text: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        return
    assert tables(ConfigText("", f"a = {literal(text)}\n")) == {"a": text}
