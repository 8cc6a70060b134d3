"""The screen: a canvas to the terminal, keys from it. The one file with curses.

curses only computes: which cells changed and what sequences show that on this kind of terminal. It never waits for
one, see ``terminal``. The order of a turn::

    keys(now)                  what was typed; the terminal's answers are taken out
    can_paint(now)             the last frame is out, and the terminal has shown it
    paint(canvas, now)         changed rows to curses, its bytes to the terminal
    watch(loop)                which descriptors the next ``select()`` must look at

Cells that are not plain are painted one by one at their column, so that curses' idea of a character's width
never shifts the rest of the row.

On Windows there is no pty: curses writes to the console itself (which does not stall), and keys are polled.
"""

from __future__ import annotations

import atexit
import curses
import locale
import os
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from widgets import text as text_module
from widgets import theme
from widgets.canvas import Canvas, Row, Run
from widgets.keycodes import CONSOLE_KEYS, TERMINFO_KEYS, KeyDecoder, control_name

WINDOWS = sys.platform == "win32"
if sys.platform != "win32":
    from widgets import terminal as tty_module
    from widgets.frames import Frames

Watcher = tuple[int, Callable[[float], None]]

MOST_KEYS = 4096  # read ahead of whoever takes them
POLL_S = 0.03  # between two looks for keys on a console

_NO_PASTE = ("vt", "linux", "ansi", "cons", "pcansi", "sun", "cygwin", "hurd", "mach")
# On these the block and braille characters are missing from the font, whatever the locale says.
_NO_GLYPHS = ("linux", "cons", "sun", "pcansi", "cygwin", "hurd", "mach", "vt52")


class ScreenUnusable(Exception):
    """There is no screen to draw on; the text is one clear line."""


class Watch(Protocol):
    """What ``Screen.watch`` needs of an event loop."""

    def add_reader(self, source: int, callback: Callable[[float], Any], priority: int = ...) -> None: ...
    def add_writer(self, source: int, callback: Callable[[float], Any], priority: int = ...) -> None: ...
    def remove_reader(self, source: int) -> None: ...
    def remove_writer(self, source: int) -> None: ...


class _Painter:
    """Rows of runs into a curses window; remembers what it painted."""

    def __init__(self, window: curses.window, colour: bool, plain_ascii: bool) -> None:
        self.window = window
        self._ascii = plain_ascii
        self._colour = colour and self._start_colour()
        self.looks: Mapping[str, theme.Look] = theme.LOOKS
        self._attributes: dict[str, int] = {}
        self._rows: list[Row | None] = []
        self.unfinished = False  # the last canvas did not fit into its frame
        self._next = 0  # the row to go on with
        self._page = ""  # that was painted last
        self.shape: tuple[int, int] = (0, 0)
        self._cursor: tuple[int, int] | None = None
        self._set_cursor(None)

    def forget(self) -> None:
        """The terminal shows something else now: the next frame clears it and writes everything."""
        self._rows = []
        self.window.clear()

    def paint(self, canvas: Canvas, has_room: Callable[[int], bool] | None = None) -> None:
        """What differs from before; where there is not always room for all, row by row as long as there is some."""
        rows, columns = self.window.getmaxyx()
        if (canvas.width, canvas.height) != self.shape or len(self._rows) != rows:
            self.shape = (canvas.width, canvas.height)
            self._rows = [None] * rows
            self.window.erase()
        if canvas.page != self._page:
            self._page, self._next = canvas.page, 0
        changed = [y for y in range(min(rows, canvas.height)) if not canvas.looks_like(y, self._rows[y])]
        self.unfinished = False
        self.window.leaveok(has_room is not None)  # the cursor goes to its place once, at the end
        for y in changed if has_room is None else tty_module.most_wanted(changed, canvas.height, self._next):
            row = canvas.row(y)
            if has_room is not None and not has_room(tty_module.least_octets(row[0], self._rows[y])):
                self.unfinished, self._next = True, y
                break
            self._paint_row(y, canvas.runs(y), columns, self._ends(row))
            self._rows[y] = row
            if has_room is not None:
                self.window.noutrefresh()
                curses.doupdate()
        self.window.leaveok(False)
        self._place_cursor(canvas.cursor, canvas.focus, columns, rows)
        self.window.noutrefresh()
        curses.doupdate()

    def _ends(self, row: Row) -> frozenset[int]:
        """Where names that are written from right to left end."""
        right_to_left = not self._ascii and text_module.holds_right_to_left(row[0])
        return text_module.ends_of_right_to_left(row[0]) if right_to_left else frozenset()

    def _paint_row(self, y: int, runs: list[Run], columns: int, ends: frozenset[int]) -> None:
        for x, run, style in runs:
            if x >= columns:
                break
            attribute = self._attribute(style)
            if run.isascii() or (not self._ascii and text_module.is_narrow(run)):
                self._add(y, x, run[: columns - x], attribute)
            else:
                self._paint_cells(y, x, run, attribute, columns, ends)

    def _paint_cells(self, y: int, x: int, run: str, attribute: int, columns: int, ends: frozenset[int]) -> None:
        for cell, width in text_module.cells(run):
            if x + width > columns:
                break
            mark = text_module.LEFT_TO_RIGHT_MARK if x in ends else ""
            self._add(y, x, text_module.ascii_cell(cell) if self._ascii else cell + mark, attribute)
            x += width

    def _add(self, y: int, x: int, text: str, attribute: int) -> None:
        try:
            self.window.addstr(y, x, text, attribute)
        except curses.error:
            pass  # the cell at the bottom right is written, but the cursor cannot go on from there
        except (UnicodeEncodeError, ValueError):
            self.window.addstr(y, x, "?" * text_module.width(text), attribute)

    def _place_cursor(
        self, cursor: tuple[int, int] | None, focus: tuple[int, int] | None, columns: int, rows: int
    ) -> None:
        """Where something is typed it is seen; else it rests, hidden, on the row that is looked at: screen readers and
        Braille displays go by it."""
        if cursor is not None and not (0 <= cursor[0] < columns and 0 <= cursor[1] < rows):
            cursor = None
        if cursor != self._cursor and (cursor is None or self._cursor is None):
            self._set_cursor(cursor)
        self._cursor = cursor
        x, y = cursor or focus or (0, 0)
        try:
            self.window.move(y, x)
        except curses.error:
            pass  # resized in between

    @staticmethod
    def _set_cursor(cursor: tuple[int, int] | None) -> None:
        try:
            curses.curs_set(0 if cursor is None else 1)
        except curses.error:
            pass  # a terminal that always shows it

    @staticmethod
    def _start_colour() -> bool:
        if not curses.has_colors():
            return False
        try:
            curses.start_color()
            curses.use_default_colors()
        except curses.error:
            return False
        return True

    def _attribute(self, style: str) -> int:
        attribute = self._attributes.get(style)
        if attribute is None:
            attribute = self._attributes[style] = self._make_attribute(theme.look(style, self._colour, self.looks))
        return attribute

    @staticmethod
    def _make_attribute(look: theme.Look) -> int:
        attribute = (
            (curses.A_BOLD if look.bold else 0)
            | (curses.A_DIM if look.dim else 0)
            | (curses.A_REVERSE if look.reverse else 0)
            | (curses.A_UNDERLINE if look.underline else 0)
        )
        if look.colour is None:
            return attribute
        colour = look.colour
        if colour >= theme.BRIGHT and curses.COLORS < 16:
            colour -= theme.BRIGHT
            attribute |= curses.A_BOLD
        pair = colour + 1
        if colour >= curses.COLORS or pair >= curses.COLOR_PAIRS:
            return attribute
        curses.init_pair(pair, colour, -1)
        return attribute | curses.color_pair(pair)


class Screen:
    """The terminal as a face sees it. Raises ``ScreenUnusable`` where there is none to draw on."""

    def __init__(self, *, ascii: bool = False, colour: bool | None = None, mouse: bool = False) -> None:
        self.gone = False  # the terminal hung up: nothing more can be shown or typed
        self.last_words = b""  # what the terminal is told when it is given back
        self._closed = False
        self._active = True  # the terminal is ours: neither suspended nor in the background
        self._in_background = False
        self._keys: list[str] = []
        self._watched: tuple[set[int], set[int]] = (set(), set())
        term = os.environ.get("TERM", "")
        if not tty_module.are_terminals((0, 1)):
            raise ScreenUnusable("no terminal to draw on: use --plain, --json or --headless")
        try:
            self._terminal = tty_module.Terminal()
            self._output = tty_module.PrivateOutput(self._terminal.size() or (80, 24))
        except OSError as error:
            raise ScreenUnusable(f"no private terminal to draw on ({error.strerror})") from error
        try:
            window = self._start_curses(term)
        except BaseException:
            self._output.restore()
            self._terminal.close()
            raise
        utf8 = "utf" in _codeset()
        self.unicode = utf8 and not ascii and not term.startswith(_NO_GLYPHS)
        wants_colour = theme.wants_colour(os.environ) if colour is None else colour
        self._painter = _Painter(window, wants_colour, ascii or not utf8)
        ecma48 = (curses.tigetstr("cup") or b"").startswith(b"\x1b[")
        able = ecma48 and not term.startswith(_NO_PASTE)
        self._switch_on, self._switch_off = tty_module.switches(mouse) if able else (b"", b"")
        self._decoder = KeyDecoder(_terminfo_keys())
        # A terminal that scrolls when its last cell is written gets that cell last.
        self._in_parts = curses.tigetflag("xenl") > 0
        # Without a screen of our own the shell goes on where ours ended: on the last row, which it finds empty.
        self._wipe = b"" if curses.tigetstr("rmcup") else tty_module.unpadded(curses.tigetstr("el") or b"")
        self._frames = Frames(self._terminal, self._decoder, asks=ecma48, modern=able)
        self._size = (0, 0)
        self._terminal.enter()
        self._terminal.write(self._output.seal() + self._switch_on)
        self._follow_size()
        atexit.register(self.close)

    @staticmethod
    def _start_curses(term: str) -> curses.window:
        """curses on the private pty. It would end the process for an unknown TERM: that is looked up before."""
        try:
            curses.setupterm(term or "unknown", 1)
        except curses.error:
            what = f"TERM={term!r} is not known here" if term else "TERM is not set"
            raise ScreenUnusable(f"{what}: set it to your terminal's kind") from None
        if not curses.tigetstr("cup") or not curses.tigetstr("clear"):
            raise ScreenUnusable(f"TERM={term!r} cannot position the cursor")
        try:
            locale.setlocale(locale.LC_CTYPE, "")
        except locale.Error:
            pass  # a locale that is not installed: as in the C locale
        if hasattr(curses, "set_escdelay"):
            curses.set_escdelay(25)
        for name in ("LINES", "COLUMNS"):  # the private pty has the size; a wrong one makes curses end the process
            os.environ.pop(name, None)
        window = curses.initscr()
        _give_signals_back()
        curses.noecho()
        curses.cbreak()
        curses.nonl()
        window.keypad(True)
        window.leaveok(False)
        curses.typeahead(-1)
        return window

    def __enter__(self) -> Screen:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -------------------------------------------------------------- size

    @property
    def size(self) -> tuple[int, int]:
        """Columns and rows of the terminal, as it is now."""
        self._follow_size()
        return self._size

    @property
    def resized(self) -> bool:
        """The terminal has another size than the last frame: it needs a new one."""
        return self._active and self._painter.shape != self.size

    def _follow_size(self) -> None:
        if not self._active or self._closed:
            return
        size = self._terminal.size() or self._size
        if size == (0, 0):
            size = (curses.COLS, curses.LINES)
        if size != self._size:
            self._size = size
            curses.resize_term(size[1], size[0])
            self._painter.forget()

    # -------------------------------------------------------------- keys

    def keys(self, now: float) -> list[str]:
        """The names of the keys pressed since the last call (see ``keycodes``)."""
        if self._in_background and self._terminal.in_foreground():
            self.resume()  # a shell's "fg" sends no SIGCONT to a job that runs
        self._read(now)
        self._keys += self._decoder.expire(now)
        keys, self._keys = self._keys, []
        return keys

    def deadline(self) -> float | None:
        """When ``keys`` should be asked though nothing was typed: an ESC may turn out to stand alone."""
        return self._decoder.deadline() if self._active and not self.gone else None

    def listen(self, now: float) -> None:
        """Take in what the terminal says; keys wait until they are asked for."""
        self._read(now)

    def _read(self, now: float) -> None:
        if not self._active or self.gone or len(self._keys) >= MOST_KEYS:
            return
        self._keys += self._frames.read(now)
        self.gone = self._terminal.gone

    def type_interrupt(self, typed: bool) -> None:
        """Ctrl-C is a key, where a line is being typed; else a signal."""
        self._terminal.type_interrupt(typed)

    # -------------------------------------------------------------- frames

    def can_paint(self, now: float) -> bool:
        """The last frame has left and the terminal has shown it (or has been silent for long)."""
        if not self._active or self.gone:
            return False
        may = self._frames.may_follow(now)
        self.gone = self._terminal.gone
        return may and not self.gone

    def paint(self, canvas: Canvas, now: float) -> None:
        """Show ``canvas``; only what differs from the last frame costs anything. On a slow line it may be a part: see
        ``unfinished``."""
        if not self._active or self.gone:
            return
        self._follow_size()
        room = self._frames.pace.room if self._in_parts else None
        self._painter.paint(canvas, None if room is None else lambda octets: self._has_room(room, octets))
        data = self._output.take()
        if not data:
            return
        self._frames.send(data, now)
        self.gone = self._terminal.gone

    def _has_room(self, room: int, octets: int) -> bool:
        """Do so many bytes still go with this frame? Something must, or nothing would ever be seen."""
        waiting = self._output.waiting
        return waiting == 0 or waiting + octets < room

    def announce(self, data: bytes) -> None:
        """What the terminal is told besides the picture."""
        if data and self._active and not self.gone:
            self._terminal.write(data)

    def repaint(self) -> None:
        """Something else wrote on the terminal: the next frame clears it and is written whole."""
        self._painter.forget()

    def use(self, looks: Mapping[str, theme.Look]) -> None:
        """Other colours than our own, from the first frame on."""
        self._painter.looks = looks

    @property
    def unfinished(self) -> bool:
        """The last canvas was shown in part: the next frame goes on."""
        return self._painter.unfinished

    @property
    def round_trip_ms(self) -> float | None:
        """From the last byte of a frame to the terminal's word that it has shown it."""
        seconds = self._frames.pace.round_trip_s
        return None if seconds is None else seconds * 1000

    @property
    def bytes_written(self) -> int:
        """All that went to the terminal so far."""
        return self._terminal.bytes_written

    @property
    def bytes_pending(self) -> int:
        """What the terminal has not taken yet."""
        return len(self._terminal.pending)

    def _pump(self, now: float) -> None:
        if self._active:
            self._frames.pump(now)
            self.gone = self._terminal.gone

    # -------------------------------------------------------------- the loop

    def readers(self) -> list[Watcher]:
        """Descriptors to wait on for reading, now. Empty while suspended and once gone."""
        return [(self._terminal.input_descriptor, self._read)] if self._active and not self.gone else []

    def writers(self) -> list[Watcher]:
        """Descriptors to wait on for writing, now: only while bytes are pending."""
        return [(self._terminal.output_descriptor, self._pump)] if self._active and self._terminal.pending else []

    def watch(self, loop: Watch, priority: int = 1) -> None:
        """Bring the loop's readers and writers up to date; to be called before each turn."""
        readers, writers = dict(self.readers()), dict(self.writers())
        known_readers, known_writers = self._watched
        if readers.keys() == known_readers and writers.keys() == known_writers:
            return
        for descriptor in known_readers - readers.keys():
            loop.remove_reader(descriptor)
        for descriptor in known_writers - writers.keys():
            loop.remove_writer(descriptor)
        for descriptor in readers.keys() - known_readers:
            loop.add_reader(descriptor, readers[descriptor], priority)
        for descriptor in writers.keys() - known_writers:
            loop.add_writer(descriptor, writers[descriptor], priority)
        self._watched = (set(readers), set(writers))

    # -------------------------------------------------------------- leaving and coming back

    def suspend(self) -> None:
        """Give the terminal back to the shell (before stopping for Ctrl-Z); takes at most about a second."""
        if not self._active:
            return
        self._active = False
        try:
            curses.endwin()
        except curses.error:
            pass  # it cannot reset the modes of a file; the bytes are there
        if not self._terminal.gone:
            self._frames.farewell(self.last_words + self._switch_off + self._output.take() + self._wipe)
        self._terminal.leave()
        self.gone = self._terminal.gone

    def resume(self) -> bool:
        """Take the terminal again (after SIGCONT). False when the shell keeps us in the background: then the
        call goes on unseen, and ``keys`` takes the terminal as soon as it is ours."""
        if self._closed or self.gone:
            return False
        self._in_background = not self._terminal.in_foreground()
        if self._in_background:
            self._active = False
            return False
        if self._active:  # stopped without a word (SIGSTOP): the shell has changed the modes meanwhile
            try:
                curses.endwin()
            except curses.error:
                pass
            self._terminal.write(self._output.take())
        self._active = True
        self._frames.restart()
        self._terminal.enter()
        self._terminal.write(self._switch_on)
        self._painter.forget()
        self._follow_size()
        return True

    def close(self) -> None:
        """Restore everything; idempotent, and done at exit in any case."""
        if self._closed:
            return
        self.suspend()
        self._closed = True
        atexit.unregister(self.close)
        self._output.restore()
        self._terminal.close()


def _codeset() -> str:
    return locale.nl_langinfo(locale.CODESET).lower()


def _terminfo_keys() -> dict[bytes, str]:
    """What terminfo says this terminal sends for its keys; only escape sequences, the rest is common."""
    sequences = ((curses.tigetstr(capability), name) for capability, name in TERMINFO_KEYS.items())
    return {sequence: name for sequence, name in sequences if sequence and sequence[:1] == b"\x1b"}


def _give_signals_back() -> None:
    """curses installs handlers of its own (they would end the process); Python's take their places again."""
    for name in ("SIGINT", "SIGTERM", "SIGTSTP", "SIGWINCH"):
        number = getattr(signal, name, None)
        handler = signal.getsignal(number) if number is not None else None
        if number is not None and handler is not None:
            signal.signal(number, handler)


class ConsoleScreen(Screen):
    """The same on a Windows console, by windows-curses. The console neither stalls nor answers nor vanishes."""

    def __init__(self, *, ascii: bool = False, colour: bool | None = None, mouse: bool = False) -> None:
        if not (sys.stdin.isatty() and sys.stdout.isatty()):
            raise ScreenUnusable("no console to draw on: use --plain, --json or --headless")
        self.gone = False
        self.last_words = b""
        self._closed = False
        self._active = True
        self._size = (0, 0)
        self._polled_at = 0.0
        window = curses.initscr()
        _give_signals_back()
        curses.noecho()
        curses.cbreak()
        window.keypad(True)
        window.nodelay(True)
        self.unicode = not ascii
        self._names = _curses_keys()
        self._painter = _Painter(window, theme.wants_colour(os.environ) if colour is None else colour, ascii)
        self._follow_size()
        atexit.register(self.close)

    def _follow_size(self) -> None:
        try:
            columns, rows = os.get_terminal_size(1)
        except (OSError, ValueError):
            columns, rows = curses.COLS, curses.LINES
        size = (max(1, columns), max(1, rows))
        if self._active and size != self._size:
            self._size = size
            curses.resize_term(*((0, 0) if WINDOWS else size[::-1]))  # PDCurses: 0, 0 is what the console has
            self._painter.forget()

    def keys(self, now: float) -> list[str]:
        keys: list[str] = []
        self._polled_at = now
        while self._active and len(keys) < 256:
            try:
                code = self._painter.window.get_wch()
            except curses.error:
                break
            name = self._names.get(code, "") if isinstance(code, int) else control_name(code) or code
            if name:
                keys.append(name)
        return keys

    def deadline(self) -> float | None:
        """No descriptor tells of a key: they are looked for again and again."""
        return self._polled_at + POLL_S if self._active else None

    def can_paint(self, now: float) -> bool:
        return self._active

    def paint(self, canvas: Canvas, now: float) -> None:
        if self._active:
            self._follow_size()
            self._painter.paint(canvas)

    def type_interrupt(self, typed: bool) -> None:
        """On a console it always is a signal."""

    def announce(self, data: bytes) -> None:
        """A console has no such words."""

    unfinished = False
    round_trip_ms = None
    bytes_written = 0
    bytes_pending = 0

    def readers(self) -> list[Watcher]:
        return []

    def writers(self) -> list[Watcher]:
        return []

    def watch(self, loop: Watch, priority: int = 1) -> None:
        """Nothing to wait for: ``select()`` takes sockets only, keys are polled."""

    def suspend(self) -> None:
        if self._active:
            self._active = False
            curses.endwin()

    def resume(self) -> bool:
        self._active = not self._closed
        self._painter.forget()
        return self._active

    def close(self) -> None:
        self.suspend()
        self._closed = True
        atexit.unregister(self.close)


def _curses_keys() -> dict[int, str]:
    """The key codes of curses, for a console that sends no sequences."""
    codes = {getattr(curses, f"KEY_{key}"): name for key, name in CONSOLE_KEYS.items()}
    return {**codes, 459: "Enter"}  # PDCurses: the keypad's own Enter


def open_screen(*, ascii: bool = False, colour: bool | None = None, mouse: bool = False) -> Screen:
    """The screen of this system. ``colour=None`` asks NO_COLOR; ``mouse`` listens to it where the terminal has one."""
    return (ConsoleScreen if WINDOWS else Screen)(ascii=ascii, colour=colour, mouse=mouse)
