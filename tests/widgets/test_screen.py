"""Which rows are painted first where the line has no room for all of them. The window is not a real one."""

from __future__ import annotations

import sys

import pytest

if sys.platform == "win32":
    pytest.skip("frames in parts are for slow lines, which a console has not", allow_module_level=True)

from widgets import screen
from widgets.canvas import Canvas

COLUMNS, ROWS = 10, 6


class Window:
    """Remembers which rows were written."""

    def __init__(self) -> None:
        self.written: list[int] = []

    def getmaxyx(self) -> tuple[int, int]:
        return ROWS, COLUMNS

    def addstr(self, y: int, x: int, text: str, attribute: int) -> None:
        self.written.append(y)

    def erase(self) -> None: ...
    def leaveok(self, flag: bool) -> None: ...
    def move(self, y: int, x: int) -> None: ...
    def noutrefresh(self) -> None: ...


@pytest.fixture
def painter(monkeypatch: pytest.MonkeyPatch) -> screen._Painter:
    monkeypatch.setattr(screen.curses, "doupdate", lambda: None)
    monkeypatch.setattr(screen.curses, "curs_set", lambda _visible: None)
    return screen._Painter(Window(), colour=False, plain_ascii=False)  # type: ignore[arg-type]


def painted(painter: screen._Painter, room: int, text: str, page: str) -> list[int]:
    """The rows of a frame that has room for so many, in their order."""
    canvas = Canvas(COLUMNS, ROWS)
    canvas.page = page
    for y in range(ROWS):
        canvas.put(0, y, text)
    window = painter.window
    assert isinstance(window, Window)
    window.written.clear()
    painter.paint(canvas, lambda _octets: len(window.written) < room)
    return list(window.written)


def test_what_has_waited_goes_on_in_the_next_frame_and_another_page_begins_at_its_top(
    painter: screen._Painter,
) -> None:
    assert painted(painter, 4, "one", "calls") == [0, 5, 1, 2]
    assert painted(painter, 4, "two", "calls") == [0, 5, 3, 4]
    assert painted(painter, 4, "three", "history") == [0, 5, 1, 2] and painter.unfinished
    assert painted(painter, 9, "three", "history") == [3, 4] and not painter.unfinished
