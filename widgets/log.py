"""The newest lines of the log; beside its title what came in that was not worth a call.

In the view "log" they can be scrolled back, and ``/`` leaves those with a word in them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine.model import LogLine, NetworkView
from widgets import figures, parts, prompt, text
from widgets.canvas import Canvas, Rect
from widgets.keys import Key
from widgets.ui import Scene
from widgets.view import Desk

WITH_SOURCE = 50  # columns
_STYLES = {"info": "", "warn": "warn", "error": "bad"}


@dataclass(frozen=True, slots=True)
class Sieve:
    """Which lines the reader of the log wants."""

    wanted: str = ""  # only those with this in them
    found: frozenset[int] | None = None  # they, by their places, where neither they nor it may be read

    def passes(self, line: LogLine) -> bool:
        """Is it one of those that are wanted?"""
        wanted = self.wanted.casefold()
        return not wanted or any(wanted in part.casefold() for part in (line.text, line.source, line.level))

    def sift(self, lines: Sequence[LogLine]) -> Sequence[LogLine]:
        """The lines that are wanted."""
        if self.found is not None:
            return [line for place, line in enumerate(lines) if place in self.found]
        return [line for line in lines if self.passes(line)] if self.wanted else lines

    def hidden(self, lines: Sequence[LogLine]) -> Sieve:
        """The same lines, where private data is not shown: what is looked for may be private itself."""
        if not self.wanted:
            return self
        return replace(self, wanted="...", found=frozenset(n for n, line in enumerate(lines) if self.passes(line)))


def sizes(_scene: Scene, _width: int) -> tuple[int, ...]:
    return (2, 5, 9)


def draw(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    """The newest lines that fit, the last one at the bottom of what is used; ``scroll`` lines back in the log view."""
    if rect.empty:
        return
    note = strangers(scene.snapshot.network), "warn"
    if scene.ui.view == "log":
        _draw_view(canvas, rect, scene, note)
        return
    below = parts.heading(canvas, rect, "log", *note)
    # What the sound system has to tell is a dozen lines at every start, for those who look for them.
    lines = tuple(line for line in scene.snapshot.log if line.source != "sound" or line.level != "info")
    for row, line in zip(below.rows(), lines[-below.height :] if below.height else (), strict=False):
        words = text.clip(figures.visible_line(line.text), _room(row.width), scene.look.more)
        _draw_line(canvas, row, line, words)


def _draw_view(canvas: Canvas, rect: Rect, scene: Scene, note: tuple[str, str]) -> None:
    """Whole lines, wrapped; those that the user wants, and as far back as he has gone."""
    sieve = scene.ui.state(Sieve())
    lines = sieve.sift(scene.snapshot.log)
    height, room = max(0, rect.height - 1), _room(rect.width)
    canvas.scroll_limit = len(lines) - _fitting(lines, height, room)
    back = min(scene.ui.scroll, canvas.scroll_limit)
    below = parts.heading(canvas, rect, "log", *(_note(sieve, len(lines), _place(back, canvas.scroll_limit)) or note))
    if scene.snapshot.log and not lines:
        canvas.put(below.x + 1, below.y, "No line with that in it.", "dim", below.width - 1)
    end = len(lines) - back
    rows = [(line, n, words) for line in lines[max(0, end - height) : end] for n, words in _wrapped(line.text, room)]
    for row, (line, number, words) in zip(below.rows(), rows[-height:] if height else (), strict=False):
        _draw_line(canvas, row, line, words, begins=number == 0)


def _fitting(lines: Sequence[LogLine], height: int, room: int) -> int:
    """How many of the first lines have room one below the other; one has in any case."""
    for count, line in enumerate(lines):
        height -= len(_wrapped(line.text, room))
        if height < 0:
            return max(1, count)
    return len(lines)


def _wrapped(words: str, room: int) -> list[tuple[int, str]]:
    """The rows of one line, and their numbers."""
    return list(enumerate(text.wrapped(figures.visible_line(words), room)))


def _note(sieve: Sieve, count: int, place: str) -> tuple[str, str] | None:
    """What the reader of the log has done."""
    words = [f"with '{figures.visible_line(sieve.wanted)}'", figures.count(count)] if sieve.wanted else []
    words += [place] if place else []
    return ("  ".join(words), "value") if words else None


def _place(back: int, limit: int) -> str:
    """Where a reader is who has scrolled."""
    if not back:
        return ""
    return "the first lines" if back == limit else f"{figures.count(back)} newer below"


def strangers(network: NetworkView) -> str:
    """What came in and was not worth a call, if anything did."""
    counted = (
        (network.malformed, "malformed"),
        (network.refused, "refused"),
        (network.stray, "stray"),
        (network.overload, "turned away"),
    )
    return "  ".join(f"{figures.count(number)} {name}" for number, name in counted if number)


def _room(width: int) -> int:
    """Columns for the words of a line, beside its time and, where it is wide enough, its source."""
    return max(0, width - 10 - (9 if width >= WITH_SOURCE else 0))


def _draw_line(canvas: Canvas, row: Rect, line: LogLine, words: str, begins: bool = True) -> None:
    room = _room(row.width)
    if begins:
        canvas.put(row.x + 1, row.y, figures.clock(line.time), "dim", row.width - 1)
    if begins and row.width >= WITH_SOURCE:
        canvas.put(row.x + 10, row.y, figures.visible_line(line.source), "label", 8)
    canvas.put(row.right - room, row.y, words, _STYLES.get(line.level, ""), room)


# ------------------------------------------------------------------ keys of the view


def _filter(desk: Desk, name: str) -> None:
    def wanted(line: str) -> None:
        desk.keep(Sieve(line))
        desk.show_view("log")  # from the newest line on

    desk.type_line(prompt.line("with", desk.ui.state(Sieve()).wanted, "filters"), wanted)


def _show_all(desk: Desk, name: str) -> None:
    desk.keep(Sieve())


def _has_lines(scene: Scene) -> bool:
    return bool(scene.snapshot.log)


def _is_filtered(scene: Scene) -> bool:
    return bool(scene.ui.state(Sieve()).wanted)


KEYS = (
    Key(("/",), "/", "filter", "only lines with this in them", "filter", _has_lines),
    Key(("Escape",), "Esc", "show all", "show all lines again", "show_all", _is_filtered),
)
ACTIONS = {"filter": _filter, "show_all": _show_all}
