"""Frames on their way to the terminal, each when it has shown the one before, and its answers on their way back.

After a frame the terminal is asked for its status (``terminal.Pace`` says when, and when the next frame may follow).
With the first question goes another: whether it can show a frame at once (synchronised output, DEC mode 2026). Where it
can, every frame is sent so, and none is seen half drawn. That question goes before the frame, which paints over what
it leaves.
"""

from __future__ import annotations

from widgets.keycodes import KeyDecoder
from widgets.terminal import ASK_STATUS, Pace, Terminal

# DECRQM. macOS's Terminal does not know it, and writes its last letter: away with that line.
ASK_SYNCHRONISED = b"\x1b[?2026$p" + b"\r\x1b[K"
BEGIN_SYNCHRONISED, END_SYNCHRONISED = b"\x1b[?2026h", b"\x1b[?2026l"
ANSWER_S, ANSWER_STEP_S = 0.3, 0.05  # leaving: wait so long for an answer that is under way


class Frames:
    """One at a time. ``asks``: the terminal speaks ECMA-48; ``modern``: it knows a question about its modes as one."""

    def __init__(self, terminal: Terminal, decoder: KeyDecoder, *, asks: bool, modern: bool) -> None:
        self.pace = Pace(asks)
        self._terminal = terminal
        self._decoder = decoder
        self._modern = asks and modern
        self._asks_modes = self._modern  # with the next question
        self._answers_seen = 0
        self._in_flight = False
        self._asked = False  # with the frame that is in flight, or was last

    def read(self, now: float) -> list[str]:
        """The names of the keys that were typed; the answers are taken out."""
        keys = self._decoder.feed(self._terminal.read(), now)
        if self._decoder.answers != self._answers_seen:
            self._answers_seen = self._decoder.answers
            self.pace.answered(now)
        return keys

    def may_follow(self, now: float) -> bool:
        """The last frame has left, and the terminal has shown it (or has been silent for long)."""
        self.pump(now)
        return not self._terminal.pending and self.pace.may_paint(now)

    def send(self, data: bytes, now: float) -> None:
        """One frame; what the terminal does not take now goes with :meth:`pump`."""
        self._asked = self.pace.should_ask
        self._in_flight = True
        if self._decoder.synchronises:
            data = BEGIN_SYNCHRONISED + data + END_SYNCHRONISED
        if self._asked and self._asks_modes:
            self._asks_modes = False
            data = ASK_SYNCHRONISED + data
        self.pace.frame_begins(now, len(data))
        self._terminal.write(data + ASK_STATUS if self._asked else data)
        self._note_sent(now)

    def pump(self, now: float) -> None:
        """Offer what is pending once more."""
        if self._terminal.pending:
            self._terminal.write()
            self._note_sent(now)

    def _note_sent(self, now: float) -> None:
        if self._in_flight and not self._terminal.pending:
            self._in_flight = False
            self.pace.frame_sent(now, self._asked)

    def farewell(self, data: bytes) -> None:
        """The last words, after the rest of a frame or instead of it; takes at most about a second."""
        self._terminal.farewell((END_SYNCHRONISED if self._decoder.synchronises else b"") + data)
        self._swallow_answer()

    def _swallow_answer(self) -> None:
        """An answer that comes after us would be typed into the shell."""
        waited = 0.0
        while self.pace.waiting and waited < ANSWER_S and not self._terminal.gone:
            self._decoder.feed(self._terminal.await_input(ANSWER_STEP_S), 0.0)
            if self._decoder.answers != self._answers_seen:
                break
            waited += ANSWER_STEP_S
        self._answers_seen = self._decoder.answers
        self._decoder.reset()
        self.pace.reset()

    def restart(self) -> None:
        """The terminal was given away and came back; another may be behind the line."""
        self._in_flight = False
        self._asks_modes = self._modern
        self.pace.reset()
        self._decoder.reset()
