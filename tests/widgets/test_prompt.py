"""The line editor, key by key."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets import prompt, text
from widgets.canvas import Canvas, Rect
from widgets.prompt import Prompt

HISTORY = ("bob@192.0.2.7", "carol@192.0.2.8")


def typed(*keys: str, line: Prompt | None = None) -> Prompt:
    line = prompt.dial(HISTORY) if line is None else line
    for key in keys:
        line = line.press(key)
    return line


def marked(line: Prompt) -> str:
    """The text with ``|`` where the cursor is."""
    return f"{line.text[: line.cursor]}|{line.text[line.cursor :]}"


@pytest.mark.parametrize(
    ("keys", "result"),
    [
        ("a b c", "abc|"),
        ("a b c Left Left x", "ax|bc"),
        ("a b c Home x", "x|abc"),
        ("a b c Ctrl-A Right x", "ax|bc"),
        ("a b c Home End x", "abcx|"),
        ("a b c Ctrl-A Ctrl-E x", "abcx|"),
        ("a b c Backspace", "ab|"),
        ("a b c Home Backspace", "|abc"),
        ("a b c Home Delete", "|bc"),
        ("a b c Delete", "abc|"),
        ("a b c Left Ctrl-U", "|c"),
        ("a b c Left Ctrl-K", "ab|"),
        ("Paste:sip:bob@host Ctrl-W", "sip:bob@|"),
        ("Paste:sip:bob@host Ctrl-W Ctrl-W", "sip:|"),
        ("Paste:sip:bob@host Ctrl-Left", "sip:bob@|host"),
        ("Paste:sip:bob@host Home Alt-f", "sip|:bob@host"),
        ("Paste:sip:bob@host Home Alt-d", "|:bob@host"),
        ("F5 PageUp Ctrl-L", "|"),
    ],
)
def test_editing(keys: str, result: str) -> None:
    assert marked(typed(*keys.split())) == result


def test_a_space_is_a_key_like_any_other() -> None:
    assert typed("a", " ", "b").text == "a b"


def test_pasted_text_becomes_one_safe_line() -> None:
    assert typed("Paste: bob@host\r\n\x1b[2J").text == "bob@host [2J"


def test_pasting_a_file_is_bounded() -> None:
    assert len(typed("Paste:" + "x" * 100_000, "y").text) == prompt.TEXT_LIMIT


def test_a_mark_moves_with_its_letter() -> None:
    line = typed("Paste:e\u0301x")
    assert marked(line.press("Left").press("Left")) == "|e\u0301x"
    assert line.press("Left").press("Backspace").text == "x"


def test_history_keeps_what_was_typed() -> None:
    line = typed("d", "Up")
    assert line.text == "carol@192.0.2.8"
    assert line.press("Up").text == line.press("Up").press("Up").text == "bob@192.0.2.7"
    assert line.press("Up").press("Down").press("Down").text == "d"
    assert line.press("x").press("Down").text == "carol@192.0.2.8x"


def test_tab_completes_from_the_history() -> None:
    assert typed("b", "o", "Tab").text == "bob@192.0.2.7"
    assert typed("1", "9", "2", "Tab").text == "carol@192.0.2.8"
    assert typed("z", "Tab").text == "z"
    assert typed("Tab").text == ""


def test_enter_and_escape_end_it() -> None:
    assert typed("a", "Enter").submitted
    assert typed("a", "Escape").cancelled
    assert typed("a", "Enter", "b").text == "a"


def test_a_question_takes_yes_or_no_only() -> None:
    question = prompt.confirm("Quit with a call up?")
    assert not question.press("x").done and not question.press("Enter").done
    assert question.press("y").submitted
    assert question.press("n").cancelled and question.press("Escape").cancelled


def shown(line: Prompt, width: int) -> list[str]:
    canvas = Canvas(width, 1)
    prompt.draw(canvas, Rect(0, 0, width, 1), line)
    return canvas.rows()


def test_pictures() -> None:
    line = typed("Paste:sip:bob@192.0.2.7")
    assert shown(line, 60) == [" dial: sip:bob@192.0.2.7            Enter calls  Esc leaves "]
    assert shown(line, 30) == [" dial: sip:bob@192.0.2.7      "]
    assert shown(line, 20) == [" dial: ‹@192.0.2.7  "]
    assert shown(line.press("Home"), 20) == [" dial: sip:bob@192.›"]
    assert shown(prompt.confirm("Quit with 2 calls up?"), 40) == [" Quit with 2 calls up?  y yes  n no     "]
    assert shown(prompt.confirm("Quit with 2 calls up?"), 12) == ["y/n? Quit wi"]


def test_wide_characters_scroll_by_columns() -> None:
    line = typed("Paste:日本語日本語日本語")
    assert [row.rstrip() for row in shown(line, 20)] == [" dial: ‹本語日本語"]
    assert [row.rstrip() for row in shown(line.press("Home"), 20)] == [" dial: 日本語日本語›"]


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=40), st.integers(0, 40), st.integers(0, 40))
def test_the_cursor_is_always_in_the_picture(content: str, cursor: int, width: int) -> None:
    line = typed("Paste:" + content)
    line = replace(line, cursor=min(cursor, len(line.text)))
    canvas = Canvas(width, 1)
    prompt.draw(canvas, canvas.rect, line)
    if width:
        assert canvas.cursor is not None and 0 <= canvas.cursor[0] < width


KEYS = st.one_of(
    st.sampled_from(sorted(prompt._ACTIONS)).filter(lambda key: key not in ("Enter", "Escape", "Ctrl-C", "Ctrl-G")),
    st.characters(),
    st.text(max_size=8).map(lambda content: "Paste:" + content),
)


@settings(max_examples=100, deadline=None)
@given(st.lists(KEYS, max_size=40))
def test_any_keys_leave_a_sane_line(keys: list[str]) -> None:
    line = typed(*keys)
    assert 0 <= line.cursor <= len(line.text) <= prompt.TEXT_LIMIT
    assert text.stripped(line.text) == line.text or text.visible(line.text) == line.text
