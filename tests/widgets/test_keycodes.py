from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from widgets.keycodes import ESCAPE_S, MAX_PASTE_BYTES, PASTE_SILENCE_S, SEQUENCE_S, KeyDecoder, control_name

SEQUENCES = [
    (b"a", ["a"]),
    (b" ", [" "]),
    (b"5*#", ["5", "*", "#"]),
    ("é日👍".encode(), ["é", "日", "👍"]),
    (b"\r\n", ["Enter", "Enter"]),
    (b"\x7f\x08", ["Backspace", "Backspace"]),
    (b"\t\x1b[Z", ["Tab", "BackTab"]),
    (b"\x00\x01\x15\x1d", ["Ctrl-Space", "Ctrl-A", "Ctrl-U", "Ctrl-]"]),
    (b"\x1b[A\x1b[B\x1b[C\x1b[D", ["Up", "Down", "Right", "Left"]),
    (b"\x1bOA\x1bOB\x1bOC\x1bOD", ["Up", "Down", "Right", "Left"]),
    (b"\x1b[H\x1b[F\x1bOH\x1bOF\x1b[1~\x1b[4~\x1b[7~\x1b[8~", ["Home", "End"] * 4),
    (b"\x1b[5~\x1b[6~\x1b[2~\x1b[3~", ["PageUp", "PageDown", "Insert", "Delete"]),
    (b"\x1bOP\x1b[11~\x1b[[A\x1b[15~\x1b[24~", ["F1", "F1", "F1", "F5", "F12"]),
    (
        b"\x1b[1;5A\x1b[1;2B\x1b[1;3C\x1b[5;5~\x1b[1;2P",
        ["Ctrl-Up", "Shift-Down", "Alt-Right", "Ctrl-PageUp", "Shift-F1"],
    ),
    (b"\x1bO5A\x1bOa\x1b[a\x1b[5^", ["Ctrl-Up", "Ctrl-Up", "Shift-Up", "Ctrl-PageUp"]),
    (b"\x1bOp\x1bOy\x1bOM\x1bOj", ["0", "9", "Enter", "*"]),
    (b"\x1bx\x1b\x7f\x1b\xc3\xa9", ["Alt-x", "Alt-Backspace", "Alt-é"]),
    (b"\x1b\x1b[A", ["Escape", "Up"]),
    (b"\x1b[0na\x1b[0n", ["a"]),
    (b"\x1b[I\x1b[?1;2c\x1b[24;80R\x1b[>0;276;0c", []),
    (b"\x1b]11;rgb:0000/0000/0000\x07a\x1bP1$r0m\x1b\\b", ["a", "b"]),
    (b"\x1b[200~two words\x1b[201~x", ["Paste:two words", "x"]),
    (b"\x1b[200~a\x1b[Ab\r\x1b[201~", ["Paste:a\x1b[Ab\r"]),
    (b"\x80\xff\xc3(a", ["(", "a"]),
    (b"\xed\xa0\x80\xf4\x90\x80\x80z", ["z"]),
    ("\x9bA".encode(), ["A"]),
]


@pytest.mark.parametrize(("data", "names"), SEQUENCES)
def test_bytes_become_names(data: bytes, names: list[str]) -> None:
    assert KeyDecoder().feed(data, 0.0) == names


@pytest.mark.parametrize(("data", "names"), SEQUENCES)
def test_a_line_may_cut_the_bytes_anywhere(data: bytes, names: list[str]) -> None:
    decoder = KeyDecoder()
    assert [name for byte in data for name in decoder.feed(bytes((byte,)), 0.0)] == names


def test_escape_alone_is_known_after_a_moment() -> None:
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b", 10.0) == []
    assert decoder.deadline() == 10.0 + ESCAPE_S
    assert decoder.expire(10.0) == []
    assert decoder.expire(10.0 + ESCAPE_S) == ["Escape"]
    assert decoder.deadline() is None


@pytest.mark.parametrize(
    ("data", "names"),
    [
        (b"\x1b[", ["Alt-["]), (b"\x1bO", ["Alt-O"]), (b"\x1b]", ["Alt-]"]),
        (b"\x1b[1;", []), (b"\xe2\x82", []), (b"\x1b]0;x", []),
    ],
)  # fmt: skip
def test_what_stays_incomplete_is_taken_as_typed_or_forgotten(data: bytes, names: list[str]) -> None:
    decoder = KeyDecoder()
    assert decoder.feed(data, 0.0) == []
    assert decoder.expire(1.0) == names
    assert decoder.feed(b"a", 2.0) == ["a"]


@pytest.mark.parametrize(
    ("rest", "names"),
    [
        (b"[H", ["Home"]), (b"OH", ["Home"]), (b"[1~", ["Home"]), (b"[15~", ["F5"]), (b"[1;5D", ["Ctrl-Left"]),
        (b"[0n", []), (b"[?1;2c", []), (b"[200~hx5\x1b[201~", ["Paste:hx5"]), (b"h", ["h"]),
    ],
)  # fmt: skip
@pytest.mark.parametrize("pause_s", [2 * ESCAPE_S, 0.9 * SEQUENCE_S])
def test_the_rest_of_a_sequence_that_comes_late_is_no_keys(rest: bytes, names: list[str], pause_s: float) -> None:
    """A slow line may stop anywhere within: "h" hangs up, and digits are sent."""
    for cut in range(len(rest)):
        decoder = KeyDecoder()
        assert decoder.feed(b"\x1b" + rest[:cut], 0.0) == []
        told = decoder.expire(pause_s)
        assert told == ([] if cut else ["Escape"])
        assert decoder.feed(rest[cut:], pause_s) == names
        assert decoder.answers == (rest == b"[0n")


def test_a_bracket_typed_a_while_after_escape_is_itself() -> None:
    decoder = KeyDecoder()
    decoder.feed(b"\x1b", 0.0)
    assert decoder.expire(ESCAPE_S) == ["Escape"]
    assert decoder.feed(b"[", ESCAPE_S + SEQUENCE_S) == ["["]
    decoder.feed(b"\x1b", 10.0)
    decoder.expire(11.0)
    assert decoder.feed(b"a[", 11.1) == ["a", "["]


def test_answers_are_counted_and_never_typed() -> None:
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b[0na\x1b[0", 0.0) == ["a"]
    assert decoder.answers == 1
    assert decoder.feed(b"n", 0.01) == []
    assert decoder.answers == 2
    assert decoder.feed(b"\x1b[200~pas\x1b[0nted\x1b[201~", 0.02) == ["Paste:pasted"]
    assert decoder.answers == 3


@pytest.mark.parametrize(("value", "able"), [(0, False), (1, True), (2, True), (3, False), (4, False)])
def test_a_terminal_says_whether_it_shows_frames_at_once(value: int, able: bool) -> None:
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b[?2026;%d$ya" % value, 0.0) == ["a"]
    assert decoder.synchronises is able and decoder.answers == 0
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b[200~pas\x1b[?2026;%d$yted\x1b[201~" % value, 0.0) == ["Paste:pasted"]
    assert decoder.synchronises is able


def test_a_paste_without_an_end_ends_by_itself() -> None:
    decoder = KeyDecoder()
    assert decoder.feed(b"\x1b[200~text\x1b[2", 5.0) == []
    assert decoder.deadline() == 5.0 + PASTE_SILENCE_S
    assert decoder.expire(5.0 + PASTE_SILENCE_S) == ["Paste:text\x1b[2"]
    assert decoder.feed(b"q", 7.0) == ["q"]


def test_a_paste_is_bounded() -> None:
    decoder = KeyDecoder()
    decoder.feed(b"\x1b[200~", 0.0)
    for _ in range(100):
        assert decoder.feed(b"x" * 4096, 0.0) == []
    (paste,) = decoder.feed(b"\x1b[201~", 0.0)
    assert len(paste) == len("Paste:") + MAX_PASTE_BYTES


def test_terminfo_may_add_sequences() -> None:
    decoder = KeyDecoder({b"\x1bA": "Up", b"\x1b?M": "Enter"})
    assert decoder.feed(b"\x1bA\x1b?", 0.0) == ["Up"]
    assert decoder.feed(b"Mx\x1bx\x1b[B", 0.0) == ["Enter", "x", "Alt-x", "Down"]


def test_control_names() -> None:
    assert [control_name(char) for char in "\x03\x1b\r\x7fa"] == ["Ctrl-C", "Escape", "Enter", "Backspace", ""]


@given(st.binary(max_size=80), st.lists(st.integers(0, 80), max_size=4))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_taken_and_nothing_stays_for_ever(data: bytes, cuts: list[int]) -> None:
    decoder, names = KeyDecoder(), []
    start = 0
    for cut in [*sorted(cuts), len(data)]:
        names += decoder.feed(data[start:cut], 0.0)
        start = max(start, cut)
    for moment in range(1, 200):
        if decoder.deadline() is None:
            break
        names += decoder.expire(moment * 2.0)
    assert decoder.deadline() is None
    assert all(names)
    assert all(len(name) == 1 or name[0].isupper() for name in names)


@given(st.lists(st.sampled_from([b"\x1b", b"[", b"O", b"0", b"n", b";", b"~", b"A", b"200~", b"\x1b[201~", b"\xc3"])))
@settings(max_examples=100, deadline=None)
def test_broken_sequences_do_not_hold_up_the_next_key(parts: list[bytes]) -> None:
    decoder = KeyDecoder()
    decoder.feed(b"".join(parts), 0.0)
    for moment in range(1, 100):
        decoder.expire(moment * 2.0)
    assert decoder.feed(b"q", 1000.0) == ["q"]


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        (b"\x1b[<0;1;1M", ["Click:0,0"]),
        (b"\x1b[<0;300;100M", ["Click:299,99"]),
        (b"\x1b[<0;3;4m", []),  # let go
        (b"\x1b[<2;3;4M", []),  # another button
        (b"\x1b[<64;3;4M", ["WheelUp"]),
        (b"\x1b[<65;3;4M", ["WheelDown"]),
        (b"\x1b[<0;0;0M", []),
        (b"\x1b[<0;1M", []),
        (b"\x1b[<M", []),
    ],
)
def test_the_mouse(sent: bytes, name: list[str]) -> None:
    assert KeyDecoder().feed(sent, 0.0) == name
