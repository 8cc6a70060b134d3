"""One line being typed, or one question being asked: a frozen value that every key turns into the next.

``press(key)`` takes the key names of the screen ("a", "Left", "Ctrl-U", "Paste:...") and returns a new prompt;
``done`` says when it was submitted or cancelled. ``draw`` shows it on one row, scrolled so that the cursor is seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from widgets import text
from widgets.canvas import Canvas, Rect
from widgets.completion import Choice, Sought, fitting

TEXT_LIMIT = 2000  # characters: no address is longer, a pasted file is

HIDDEN = "*"  # in the place of each character that is not shown
_CALLS = "Enter calls  Esc leaves"
SUBMITTED, CANCELLED = "submitted", "cancelled"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A line editor (mode "dial") or a yes-or-no question (mode "confirm")."""

    label: str = "dial"
    mode: str = "dial"
    text: str = ""
    cursor: int = 0  # in characters, 0..len(text)
    history: tuple[str, ...] = ()  # oldest first
    place: int | None = None  # the entry of the history that is shown; None: the user's own text
    draft: str = ""  # the user's own text while the history is shown
    done: str = ""  # "", "submitted" or "cancelled"
    hint: str = _CALLS
    people: tuple[Sought, ...] = ()  # whom the line may be completed to
    fits: tuple[Choice, ...] = ()  # of them and of the history: what fits the text that was typed
    fit: int | None = None  # which of these the text is

    def press(self, key: str) -> Prompt:
        """The prompt after this key; a key it has no use for changes nothing."""
        if self.done:
            return self
        if self.mode == "confirm":
            return self._confirm(key)
        if key.startswith("Paste:"):
            return self._insert(text.stripped(key[6:].lstrip()[:TEXT_LIMIT]).strip())
        action = _ACTIONS.get(key)
        if action is not None:
            return action(self)
        if len(key) == 1 and text.stripped(key) == key:
            return self._insert(key)
        return self

    @property
    def submitted(self) -> bool:
        return self.done == SUBMITTED

    @property
    def cancelled(self) -> bool:
        return self.done == CANCELLED

    # -------------------------------------------------------------- editing

    def _confirm(self, key: str) -> Prompt:
        if key in ("y", "Y"):
            return replace(self, done=SUBMITTED)
        if key in ("n", "N", "Escape", "Ctrl-C", "Ctrl-G"):
            return replace(self, done=CANCELLED)
        return self

    def _insert(self, piece: str) -> Prompt:
        piece = piece[: max(0, TEXT_LIMIT - len(self.text))]
        whole = self.text[: self.cursor] + piece + self.text[self.cursor :]
        return self._edited(whole, self.cursor + len(piece))

    def _edited(self, whole: str, cursor: int) -> Prompt:
        fits = fitting(self.people, self.history, whole)
        return replace(self, text=whole, cursor=cursor, place=None, draft="", fits=fits, fit=None)

    def _moved(self, cursor: int) -> Prompt:
        return replace(self, cursor=cursor)

    def _cut(self, start: int, end: int) -> Prompt:
        return self._edited(self.text[:start] + self.text[end:], start)

    def _left(self) -> int:
        """Before the character at the left, together with the marks on it."""
        place = max(0, self.cursor - 1)
        while place > 0 and text.char_width(self.text[place]) == 0:
            place -= 1
        return place

    def _right(self) -> int:
        place = min(len(self.text), self.cursor + 1)
        while place < len(self.text) and text.char_width(self.text[place]) == 0:
            place += 1
        return place

    def _word_left(self) -> int:
        place = self.cursor
        while place > 0 and not self.text[place - 1].isalnum():
            place -= 1
        while place > 0 and self.text[place - 1].isalnum():
            place -= 1
        return place

    def _word_right(self) -> int:
        place = self.cursor
        while place < len(self.text) and not self.text[place].isalnum():
            place += 1
        while place < len(self.text) and self.text[place].isalnum():
            place += 1
        return place

    # -------------------------------------------------------------- history

    def _older(self) -> Prompt:
        place = len(self.history) if self.place is None else self.place
        return self._shown(place - 1) if place > 0 else self

    def _newer(self) -> Prompt:
        return self if self.place is None else self._shown(self.place + 1)

    def _shown(self, place: int) -> Prompt:
        draft = self.text if self.place is None else self.draft
        if place >= len(self.history):
            return self._edited(draft, len(draft))
        entry = self.history[place]
        return replace(self, text=entry, cursor=len(entry), place=place, draft=draft, fits=(), fit=None)

    def _completed(self, step: int) -> Prompt:
        """The first of what fits, and then the next one each time."""
        if not self.fits:
            return self
        place = (0 if step > 0 else -1) if self.fit is None else self.fit + step
        place %= len(self.fits)
        line = self.fits[place].text
        return replace(self, text=line, cursor=len(line), place=None, draft="", fit=place)


_ACTIONS: dict[str, Callable[[Prompt], Prompt]] = {
    "Enter": lambda prompt: replace(prompt, done=SUBMITTED),
    "Escape": lambda prompt: replace(prompt, done=CANCELLED),
    "Ctrl-C": lambda prompt: replace(prompt, done=CANCELLED),
    "Ctrl-G": lambda prompt: replace(prompt, done=CANCELLED),
    "Left": lambda prompt: prompt._moved(prompt._left()),
    "Ctrl-B": lambda prompt: prompt._moved(prompt._left()),
    "Right": lambda prompt: prompt._moved(prompt._right()),
    "Ctrl-F": lambda prompt: prompt._moved(prompt._right()),
    "Home": lambda prompt: prompt._moved(0),
    "Ctrl-A": lambda prompt: prompt._moved(0),
    "End": lambda prompt: prompt._moved(len(prompt.text)),
    "Ctrl-E": lambda prompt: prompt._moved(len(prompt.text)),
    "Ctrl-Left": lambda prompt: prompt._moved(prompt._word_left()),
    "Alt-b": lambda prompt: prompt._moved(prompt._word_left()),
    "Ctrl-Right": lambda prompt: prompt._moved(prompt._word_right()),
    "Alt-f": lambda prompt: prompt._moved(prompt._word_right()),
    "Backspace": lambda prompt: prompt._cut(prompt._left(), prompt.cursor),
    "Ctrl-H": lambda prompt: prompt._cut(prompt._left(), prompt.cursor),
    "Delete": lambda prompt: prompt._cut(prompt.cursor, prompt._right()),
    "Ctrl-D": lambda prompt: prompt._cut(prompt.cursor, prompt._right()),
    "Ctrl-U": lambda prompt: prompt._cut(0, prompt.cursor),
    "Ctrl-K": lambda prompt: prompt._cut(prompt.cursor, len(prompt.text)),
    "Ctrl-W": lambda prompt: prompt._cut(prompt._word_left(), prompt.cursor),
    "Alt-Backspace": lambda prompt: prompt._cut(prompt._word_left(), prompt.cursor),
    "Alt-d": lambda prompt: prompt._cut(prompt.cursor, prompt._word_right()),
    "Up": lambda prompt: prompt._older(),
    "Ctrl-P": lambda prompt: prompt._older(),
    "Down": lambda prompt: prompt._newer(),
    "Ctrl-N": lambda prompt: prompt._newer(),
    "Tab": lambda prompt: prompt._completed(1),
    "BackTab": lambda prompt: prompt._completed(-1),
}


def dial(history: tuple[str, ...] = (), begun: str = "", people: tuple[Sought, ...] = ()) -> Prompt:
    """A prompt for an address to call, or for the name of a contact."""
    fits = fitting(people, history, begun)
    hint = f"Tab completes  {_CALLS}" if people else _CALLS
    return Prompt("dial", "dial", begun, len(begun), history, hint=hint, people=people, fits=fits)


def line(label: str, begun: str, does: str) -> Prompt:
    """A prompt for any line; ``does`` says what Enter does with it."""
    return Prompt(label, "dial", begun, len(begun), hint=f"Enter {does}  Esc leaves")


def hidden(shown: Prompt, hide: Callable[[str], str]) -> Prompt:
    """As it may be seen by anybody: of a line that is typed its length alone, of a question what ``hide`` leaves."""
    if shown.mode == "confirm":
        return replace(shown, label=hide(shown.label))
    return replace(shown, text=HIDDEN * len(shown.text), history=(), draft="", people=(), fits=())


def confirm(question: str) -> Prompt:
    """A question that y or n answers."""
    return Prompt(question, "confirm")


# ------------------------------------------------------------------ drawing

_ANSWERS = "y yes  n no"


def draw(canvas: Canvas, rect: Rect, prompt: Prompt, ascii_only: bool = False) -> None:
    """The prompt on the first row of ``rect``, the cursor always in sight."""
    if rect.empty:
        return
    row = Rect(rect.x, rect.y, rect.width, 1)
    canvas.fill(row, " ", "prompt")
    if prompt.mode == "confirm":
        _draw_question(canvas, row, prompt.label)
        return
    label = f" {prompt.label}: "
    start = row.x
    if row.width >= text.width(label) + 8:
        start = canvas.put(row.x, row.y, label, "prompt")
    hint = prompt.hint
    end = row.right
    if end - start >= len(hint) + 24:
        end -= len(hint) + 2
        canvas.put(end + 1, row.y, hint, "prompt")
    _draw_line(canvas, Rect(start, row.y, end - start, 1), prompt, "<>" if ascii_only else "‹›")


def _draw_question(canvas: Canvas, row: Rect, question: str) -> None:
    hint = _ANSWERS
    room = row.width - len(hint) - 4
    if room < 8:  # the answer matters more than the wording
        canvas.put(row.x, row.y, "y/n? " + question, "prompt", row.width)
        return
    after = canvas.put(row.x + 1, row.y, text.clip(question, room, "~"), "prompt")
    canvas.put(after + 2, row.y, hint, "key")
    yes, no = hint.split("  ")
    canvas.target(Rect(after + 2, row.y, len(yes), 1), "y")
    canvas.target(Rect(after + 4 + len(yes), row.y, len(no), 1), "n")
    canvas.cursor = (min(after, row.right - 1), row.y)


def window(line: str, cursor: int, columns: int) -> tuple[int, int]:
    """Which part of ``line`` to show in so many columns, so that the cursor (a cell of its own) is in it."""
    start = cursor
    used = text.char_width(line[cursor]) if cursor < len(line) else 1
    while start > 0 and used + text.char_width(line[start - 1]) <= columns:
        start -= 1
        used += text.char_width(line[start])
    end = cursor
    used = text.width(line[start:cursor])
    while end < len(line) and used + text.char_width(line[end]) <= columns:
        used += text.char_width(line[end])
        end += 1
    return start, end


def _draw_line(canvas: Canvas, row: Rect, prompt: Prompt, marks: str) -> None:
    if row.empty:
        return
    start, end = window(prompt.text, prompt.cursor, row.width)
    if (start > 0 or end < len(prompt.text)) and row.width >= 8:
        row, last = row.split_right(1)
        start, end = window(prompt.text, prompt.cursor, row.width)
        if start > 0:
            canvas.put(row.x, row.y, marks[0], "key")
            row = row.split_left(1)[1]
            start, end = window(prompt.text, prompt.cursor, row.width)
        if end < len(prompt.text):
            canvas.put(last.x, last.y, marks[1], "key")
    canvas.put(row.x, row.y, prompt.text[start:end], "prompt", row.width)
    column = row.x + text.width(prompt.text[start : prompt.cursor])
    if column < row.right:
        canvas.restyle(Rect(column, row.y, 1, 1), "selected")
        canvas.cursor = (column, row.y)
