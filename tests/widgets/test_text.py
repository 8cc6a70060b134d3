from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets import text

NASTY = (
    "\x00\x07\x1b\x7f\x80\x9b\x9d\xad\u061c\u200b\u200d\u200e\u202a\u202e\u2028\u2066\u2069\ufeff\U000e0041\ud800\udcff"
)
anything = st.text(
    st.one_of(
        st.characters(),
        st.sampled_from(NASTY + "\n\r\t"),
        st.sampled_from("\u0301\u0489\u20dd\ufe0f\U0001f3fd\u1160\u3164"),
        st.integers(0xD800, 0xDFFF).map(chr),
    ),
    max_size=60,
)


def harmless(char: str) -> bool:
    return char.isprintable() and unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("Anna", "Anna"),
        ("Jörg Łukasz Ελένη Ольга 日本 👍", "Jörg Łukasz Ελένη Ольга 日本 👍"),
        ("\x1b[2J", "^[[2J"),
        ("a\x00b\x7f", "a^@b^?"),
        ("one\r\ntwo\tthree", "one^M^Jtwo^Ithree"),
        ("\x9b31m", "\\x9b31m"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), "caf\\xe9"),
        ("\ud800", "\\ud800"),
        ("anna\u202egpj", "anna\\u202egpj"),
        ("a\u200bb", "a\\u200bb"),
        ("\U000e0041", "\\U000e0041"),
        ("a\u00a0b\u3000c", "a b c"),
        ("e\u0301", "e\u0301"),
        ("e" + "\u0301" * 1000, "e\u0301\u0301"),
        ("\u0301x", "\\u0301x"),
        ("x\u3164y", "x\\u3164y"),
        ("❤\ufe0f 👍\U0001f3fd", "❤ 👍"),
    ],
)
def test_visible_shows_what_is_dangerous(raw: str, shown: str) -> None:
    assert text.visible(raw) == shown


@pytest.mark.parametrize(
    ("raw", "left"),
    [
        ("\x1b[2Jx", "[2Jx"),
        ("one\r\ntwo\tthree", "one two three"),
        ("anna\u202egpj\x9b", "annagpj"),
        (b"caf\xe9".decode("utf-8", "surrogateescape"), "caf\ufffd"),
        ("e" + "\u0301" * 9, "e\u0301\u0301"),
    ],
)
def test_stripped_takes_out_what_is_dangerous(raw: str, left: str) -> None:
    assert text.stripped(raw) == left


@given(anything)
@settings(max_examples=100, deadline=None)
def test_nothing_dangerous_comes_through(raw: str) -> None:
    for clean in (text.visible(raw), text.stripped(raw), *(cell for cell, _ in text.cells(raw))):
        assert all(map(harmless, clean))
        clean.encode("utf-8")


@given(anything)
@settings(max_examples=100, deadline=None)
def test_visible_text_is_not_changed_again(raw: str) -> None:
    once = text.visible(raw)
    assert text.visible(once) == once


@given(anything)
@settings(max_examples=100, deadline=None)
def test_cells_add_up_to_the_width_of_visible_text(raw: str) -> None:
    clean = text.visible(raw)
    assert sum(width for _, width in text.cells(clean)) == text.width(clean)
    assert all(len(cell) <= 1 + text.MARKS_PER_CELL for cell, _ in text.cells(raw))


@pytest.mark.parametrize(
    ("char", "columns"),
    [
        ("a", 1),
        ("é", 1),
        ("日", 2),
        ("ｱ", 1),
        ("Ａ", 2),
        ("\u0301", 0),
        ("한", 2),
        ("\u1161", 0),
        ("👍", 2),
        ("─", 1),
        ("⣿", 1),
    ],
)
def test_char_width(char: str, columns: int) -> None:
    assert text.char_width(char) == columns


def test_every_narrow_character_is_narrow_and_printable() -> None:
    narrow = [char for char in map(chr, range(0x110000)) if text.is_narrow(char)]
    assert {*map(chr, range(0x20, 0x7F))} < {*narrow}
    for char in narrow:
        assert harmless(char), f"U+{ord(char):04X}"
        assert unicodedata.east_asian_width(char) not in "WF", f"U+{ord(char):04X}"
        assert not unicodedata.combining(char), f"U+{ord(char):04X}"


@given(st.text(st.characters(), max_size=30), st.integers(-1, 40), st.sampled_from(["", "…", "~", ">>"]))
@settings(max_examples=100, deadline=None)
def test_clip_and_pad_keep_to_the_columns(raw: str, columns: int, mark: str) -> None:
    clean = text.visible(raw)
    clipped = text.clip(clean, columns, mark)
    assert text.width(clipped) <= max(0, columns)
    assert text.width(text.pad(clean, columns, mark)) == max(0, columns)
    if text.width(clean) <= columns:
        assert clipped == clean


def test_clip_marks_what_was_cut() -> None:
    assert text.clip("sip:anna@example.net", 8, "…") == "sip:ann…"
    assert text.clip("日本語", 5, "…") == "日本…"
    assert text.clip("日本語", 4, "…") == "日…"
    assert text.clip("anna", 4, "…") == "anna"


@pytest.mark.parametrize(
    ("cell", "plain"),
    [
        ("─", "-"),
        ("┼", "+"),
        ("█", "#"),
        ("é", "e"),
        ("ß", "s"),
        ("日", "??"),
        ("Ａ", "A "),
        ("⣿", ":"),
        ("⠀", " "),
        ("▶", ">"),
        ("x", "x"),
    ],
)
def test_ascii_cell_has_the_same_width(cell: str, plain: str) -> None:
    assert text.ascii_cell(cell) == plain


@given(anything)
@settings(max_examples=100, deadline=None)
def test_ascii_cells_are_ascii_and_as_wide(raw: str) -> None:
    for cell, width in text.cells(raw):
        plain = text.ascii_cell(cell)
        assert plain.isascii() and plain.isprintable() and len(plain) == width


def test_where_a_terminal_must_be_told_that_a_row_goes_on_from_left_to_right() -> None:
    def ends(row: str) -> set[int]:
        return set(text.ends_of_right_to_left(list(row)))

    assert ends("15:53 > כרמל לוי      03:36  4.5") == {15}
    assert ends("15:53 > כרמל ל…       03:36  4.5") == {14}  # after what stands for the rest
    assert ends("> כרמל לוי            rings there") == {9}
    assert ends("כרמל לוי <sip:carmel@192.0.2.1>  03:36") == set()  # a letter from left to right does it
    assert ends("מחמד") == set() and ends("Bob   03:36") == set() and ends("") == set()
    assert ends("محمد علي ") == {7}


def test_which_letters_are_written_from_right_to_left() -> None:
    assert text.holds_right_to_left("Bob כ") and text.holds_right_to_left("علي")
    assert not text.holds_right_to_left("Bob Müller 田中 …")


@given(st.text(alphabet="ab é漢字\u0301 ", max_size=60), st.integers(2, 20))
def test_what_is_wrapped_loses_nothing_but_spaces_and_is_nowhere_too_wide(words: str, columns: int) -> None:
    rows = text.wrapped(words, columns)
    assert "".join(rows).replace(" ", "") == words.replace(" ", "")
    assert all(text.width(row) <= columns for row in rows)


def test_words_stay_whole_where_they_can() -> None:
    assert text.wrapped("one two three", 8) == ["one two", "three"]
    assert text.wrapped("漢字漢字 ab", 6) == ["漢字漢", "字 ab"]
    assert text.wrapped("", 5) == [""]
