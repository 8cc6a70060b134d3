"""Frames to a terminal, its answers back: when the next may follow, and how it is made to be seen at once."""

from __future__ import annotations

import pytest

from widgets.frames import ASK_SYNCHRONISED, BEGIN_SYNCHRONISED, END_SYNCHRONISED, Frames
from widgets.keycodes import KeyDecoder
from widgets.terminal import ASK_STATUS

ANSWER, ABLE = b"\x1b[0n", b"\x1b[?2026;2$y"


class Paper:
    """A terminal that takes as much as it has room for (``terminal.Terminal``)."""

    def __init__(self, room: int = 1 << 20) -> None:
        self.room = room
        self.gone = False
        self.taken, self.pending, self.typed = bytearray(), bytearray(), b""

    def write(self, data: bytes = b"") -> None:
        self.pending += data
        self.taken += self.pending[: self.room]
        self.room, self.pending = max(0, self.room - len(self.pending)), self.pending[self.room :]

    farewell = write

    def read(self) -> bytes:
        typed, self.typed = self.typed, b""
        return typed

    def await_input(self, seconds: float) -> bytes:
        return self.read()


def made(room: int = 1 << 20, modern: bool = True) -> tuple[Paper, Frames]:
    paper = Paper(room)
    return paper, Frames(paper, KeyDecoder(), asks=True, modern=modern)  # type: ignore[arg-type]


def test_the_next_frame_waits_for_the_answer_to_the_one_before() -> None:
    paper, frames = made()
    assert frames.may_follow(0.0)
    frames.send(b"one", 0.0)
    assert not frames.may_follow(0.1)
    paper.typed = b"a" + ANSWER + b"b"
    assert frames.read(0.2) == ["a", "b"] and frames.may_follow(0.2)
    assert frames.pace.round_trip_s == pytest.approx(0.2)


def test_what_the_terminal_does_not_take_is_sent_before_anything_else() -> None:
    paper, frames = made(room=len(ASK_SYNCHRONISED) + 4)
    frames.send(b"a frame", 0.0)
    assert bytes(paper.taken) == (ASK_SYNCHRONISED + b"a fr") and not frames.may_follow(100.0)
    paper.room = 1000
    frames.pump(1.0)
    assert bytes(paper.taken) == ASK_SYNCHRONISED + b"a frame" + ASK_STATUS
    paper.typed = ANSWER
    frames.read(1.5)
    assert frames.pace.round_trip_s == pytest.approx(0.5), "it is measured from the last byte on"


def test_who_can_is_sent_frames_that_are_shown_at_once() -> None:
    paper, frames = made()
    frames.send(b"one", 0.0)
    assert bytes(paper.taken) == ASK_SYNCHRONISED + b"one" + ASK_STATUS, "what it leaves there is painted over"
    paper.typed = ABLE + ANSWER
    assert frames.read(0.1) == []
    paper.taken.clear()
    frames.send(b"two", 0.1)
    assert bytes(paper.taken) == BEGIN_SYNCHRONISED + b"two" + END_SYNCHRONISED + ASK_STATUS, "asked once"


@pytest.mark.parametrize("modern", [True, False])
def test_who_cannot_is_sent_nothing_of_it(modern: bool) -> None:
    paper, frames = made(modern=modern)
    frames.send(b"one", 0.0)
    assert (ASK_SYNCHRONISED in paper.taken) is modern
    paper.typed = b"\x1b[?2026;0$y" * modern + ANSWER
    frames.read(0.1)
    frames.send(b"two", 0.1)
    assert BEGIN_SYNCHRONISED not in paper.taken


def test_a_frame_that_is_broken_off_leaves_the_terminal_showing_again() -> None:
    paper, frames = made()
    frames.send(b"one", 0.0)
    paper.typed = ABLE + ANSWER
    frames.read(0.1)
    frames.farewell(b"bye")
    assert bytes(paper.taken).endswith(END_SYNCHRONISED + b"bye")


def test_another_terminal_behind_the_line_is_asked_anew() -> None:
    paper, frames = made()
    frames.send(b"one", 0.0)
    frames.restart()
    assert frames.may_follow(0.0)
    frames.send(b"two", 0.1)
    assert paper.taken.count(ASK_SYNCHRONISED) == 2
