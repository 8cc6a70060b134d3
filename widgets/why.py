"""Why the call sounds as it does: what was found, with its evidence and what to do. A pane, and the view "why"."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from engine.model import CallState, CallView, Finding, MediaView
from widgets import figures, parts, text
from widgets.canvas import Canvas, Rect
from widgets.keys import Key
from widgets.ui import Scene
from widgets.view import Desk

STYLES = {"bad": "bad", "warn": "warn", "info": "label"}
GOOD_MOS = 4.0  # ITU-T G.107 annex B: below it some users are not satisfied
NOT_WELL_PERCENT = 2.0  # lost in all, before there is a score
MARKS = {"bad": "!!", "warn": "! ", "info": "i "}  # says the same without colour


@dataclass(frozen=True, slots=True)
class Cursor:
    """The finding that is looked at in the view: it, or what has come into its row where it is there no more."""

    row: int = 0
    of: tuple[str, int] | None = None  # its name, and since when it holds

    def place(self, found: Sequence[Finding]) -> int:
        """Where it stands among these."""
        same = (place for place, finding in enumerate(found) if _who(finding) == self.of)
        return next(same, max(0, min(self.row, len(found) - 1)))


def _who(finding: Finding) -> tuple[str, int]:
    return finding.name, finding.since_s


def sizes(scene: Scene, _width: int) -> tuple[int, ...]:
    """A row for each finding; when there are few, evidence and advice too."""
    count = len(scene.call.findings) if scene.call is not None else 0
    more = 1 if count and scene.call is not None and _besides(scene.call) else 0
    return (2, 1 + max(1, count + more), 1 + max(1, 2 * count + more))


def draw(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    """The findings that hold, the worst first; that all is well, and why, when there is none."""
    call = scene.call
    if call is None or rect.empty:
        return
    found = call.findings
    first = well(call) if not found else _besides(call)
    below = parts.heading(canvas, rect, "why", *_note(call, below=rect.height - (2 if first else 1)))
    if first and not below.empty:
        top, below = below.split_top(1)
        canvas.put(top.x + 1, top.y, text.clip(first, top.width - 2, scene.look.more), "dim", top.width - 1)
    spare = max(0, below.height - len(found))  # rows for what to do about the worst
    rows = below.rows()
    for index, finding in enumerate(found):
        row = next(rows, None)
        if row is None:
            return
        _draw_one(canvas, row, finding, scene.look.more)
        if index < spare:
            _draw_advice(canvas, next(rows), finding, scene.look.more)


def _note(call: CallView, below: int) -> tuple[str, str]:
    """``below``: rows that findings may have."""
    hidden = len(call.findings) - below
    if hidden > 0:
        return f"{hidden} more in the view why", "warn"
    return (f"{len(call.findings_over)} over", "dim") if call.findings_over else ("", "dim")


def _draw_one(canvas: Canvas, row: Rect, finding: Finding, more: str) -> None:
    style = STYLES[finding.severity]
    x = canvas.put(row.x + 1, row.y, MARKS[finding.severity], style, row.width - 1) + 1
    words = figures.visible_line(f"{finding.text}: {finding.evidence}")
    canvas.put(x, row.y, text.clip(words, row.right - x - 1, more), "" if style == "label" else style, row.right - x)


def _draw_advice(canvas: Canvas, row: Rect, finding: Finding, more: str) -> None:
    x = row.x + 4
    words = figures.visible_line(finding.advice)
    canvas.put(x, row.y, text.clip(words, row.right - x - 1, more), "dim", row.right - x)


def well(call: CallView) -> str:
    """Nothing was found: what that rests upon; and no more than that, where it does not sound so."""
    media = call.media
    if media is None:
        return f"{figures.no_sound(call)[:-1]}: nothing to judge."
    if call.state is CallState.ENDED:
        return "Nothing was wrong at the end." if call.findings_over else "Nothing was found wrong in this call."
    if unwell := _unwell(call, media):
        return unwell
    rx, report = media.rx, media.rtcp.remote
    seen = []
    if figures.known(rx.loss_percent):
        seen.append("nothing lost" if rx.lost <= 0 else f"{figures.percent(rx.loss_percent)} lost in all")
    if figures.known(rx.jitter_ms):
        seen.append(f"jitter {figures.millis(rx.jitter_ms)}")
    seen.append(
        f"they report {figures.percent(report.total_loss_percent)} lost" if report else "no report from them yet"
    )
    return f"Nothing is wrong: {', '.join(seen)}."


def _besides(call: CallView) -> str:
    """What is heard to be wrong, where all that was found is no reason for it."""
    if call.media is None or call.state is CallState.ENDED:
        return ""
    return _unwell(call, call.media) if all(found.severity == "info" for found in call.findings) else ""


def _unwell(call: CallView, media: MediaView) -> str:
    """What is heard to be wrong before any rule is sure of it, or that has no name."""
    here, rx = media.here, media.rx
    both_talk = not (call.held_here or call.held_there) and media.direction in ("sendrecv", "recvonly")
    if both_talk and not rx.packets:
        return "Nothing has come from them yet: too early to say why."
    if both_talk and media.history and not media.history[-1].received:
        return "Nothing comes from them at the moment: they are silent, or it is too early to say why."
    if here is None and rx.loss_percent is not None and rx.loss_percent >= NOT_WELL_PERCENT:
        return f"{figures.percent(rx.loss_percent)} was lost so far: too early to say why."
    if here is not None and here.mos < GOOD_MOS:
        cause = f", mostly {here.cause}" if here.cause else ""
        return f"It sounded bad a moment ago: MOS {figures.mos(here.mos)}{cause}. Nothing lasts so far."
    return ""


# ------------------------------------------------------------------ the view


def listed(call: CallView) -> tuple[Finding, ...]:
    """What holds, then what is over, the latest first."""
    return (*call.findings, *reversed(call.findings_over))


def draw_list(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    """Every finding of the call; the one under the cursor with its evidence and advice."""
    call = scene.call
    if rect.empty:
        return
    if call is None:
        parts.nothing(canvas, rect, "why", figures.no_sound(None), "what is the matter with a call, and what to do")
        return
    found = listed(call)
    held, over = len(call.findings), len(call.findings_over)
    below = parts.heading(canvas, rect, "why", f"{held} now, {over} over" if found else "")
    if not found:
        canvas.put(
            below.x + 1, below.y, text.clip(well(call), below.width - 2, scene.look.more), "dim", below.width - 1
        )
        return
    cursor = scene.ui.state(Cursor()).place(found)
    details = _details(found[cursor], below.width - 8)
    first = _first(cursor, len(found), max(1, below.height - len(details)))
    y = below.y
    for index in range(first, len(found)):
        if y >= below.bottom:
            return
        _draw_row(canvas, Rect(below.x, y, below.width, 1), found[index], index == cursor, scene)
        y += 1
        for label, words in details if index == cursor else ():
            if y >= below.bottom:
                return
            canvas.put(below.x + 4, y, label, "label", below.width - 4)
            canvas.put(below.x + 16, y, words, "", below.width - 17)
            y += 1


def _first(cursor: int, count: int, rows: int) -> int:
    """The first finding that is seen, so that the cursor is."""
    return max(0, min(cursor - rows // 2, count - rows))


def _details(finding: Finding, width: int) -> list[tuple[str, str]]:
    lines: list[tuple[str, str]] = []
    for label, words in (("evidence", finding.evidence), ("what to do", finding.advice), ("when", _when(finding))):
        wrapped = textwrap.wrap(figures.visible_line(words), max(10, width - 10))
        lines += [(label if index == 0 else "", line) for index, line in enumerate(wrapped)]
    return lines


def _when(finding: Finding) -> str:
    since = f"since {figures.duration(finding.since_s)} into the call"
    return since if finding.until_s is None else f"{since}, until {figures.duration(finding.until_s)}"


def _draw_row(canvas: Canvas, row: Rect, finding: Finding, chosen: bool, scene: Scene) -> None:
    over = finding.until_s is not None
    style = "dim" if over else STYLES[finding.severity]
    selected = f"{style}+selected" if chosen else style
    if chosen:
        canvas.focus = row.x, row.y
        canvas.fill(row, " ", "selected")
        canvas.put(row.x, row.y, scene.look.pointer, selected)
    canvas.put(row.x + 1, row.y, MARKS[finding.severity], selected)
    time = figures.duration(finding.since_s) if not over else f"{figures.duration(finding.since_s)} over"
    right = row.right - len(time) - 1
    canvas.put(right, row.y, time, selected)
    room = right - row.x - 5
    canvas.put(row.x + 4, row.y, text.clip(figures.visible_line(finding.text), room, scene.look.more), selected, room)


def list_sizes(_scene: Scene, _width: int) -> tuple[int, ...]:
    return (3, 8)


def _found(scene: Scene) -> Sequence[Finding]:
    return listed(scene.call) if scene.call is not None else ()


def _several(scene: Scene) -> bool:
    return len(_found(scene)) > 1


def _move(desk: Desk, name: str) -> None:
    """Through the findings; the view shows those of the selected call."""
    found = _found(desk.scene())
    step = {"Up": -1, "k": -1, "Down": 1, "j": 1, "PageUp": -10, "PageDown": 10}[name]
    row = max(0, min(desk.ui.state(Cursor()).place(found) + step, len(found) - 1))
    desk.keep(Cursor(row, _who(found[row]) if found else None))


KEYS = (
    Key(
        ("Up", "k", "Down", "j"), "Up Down", "finding", "the finding above, the finding below", "move", _several, False
    ),
    Key(("PageUp", "PageDown"), "PgUp PgDn", "", "ten findings at once", "page", _several, False),
)
ACTIONS = {"move": _move, "page": _move}
