"""ringtop: flags to a Config, keys to commands, and the outer loop. The only place where engine and widgets meet.

main      reads the flags, says in one line what is wrong with them
Program   one run: the engine, one face, and the rule when it ends and with which exit code
*Face     the dashboard (keys, frames), plain lines (words), JSON lines
"""

from __future__ import annotations

import sys

USAGE_ERROR = 2


def _cannot_start(why: str) -> None:
    """This is said before anything of ours is loaded, which would fail with a traceback."""
    sys.stderr.write(f"ringtop needs {why}\n")
    sys.exit(USAGE_ERROR)


if sys.version_info < (3, 10):  # noqa: UP036 (an older one comes as far as here)
    _cannot_start("Python 3.10 or later, this is {}.{}".format(*sys.version_info))

import gc

gc.disable()  # until the engine is prepared: making classes sets it off again and again, for nothing

import os
import signal
from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # one thread is the design, and its pools cost memory

from engine.late import load_late

if not load_late("numpy"):  # Engine.prepare() is the first to use it and the others
    from engine.install import pip_line

    _cannot_start(f"numpy: {pip_line('numpy')}")
for name in ("engine.diagnosis", "engine.history", "engine.media_session"):
    load_late(name)

import widgets  # its modules load when they are first named: a headless start needs no screen
from engine import Engine, model
from engine.address_book import look_up
from engine.config import DEMO_SECONDS_WITHOUT_TERMINAL, Config, ConfigError, from_arguments
from engine.io import places
from engine.io.text_files import TextFile
from engine.model import CallState, CommandError
from engine.sip.reasons import NO_ANSWER
from widgets.output import LineOutput

if TYPE_CHECKING:
    from engine.io.companion import Companion
    from widgets.jsonlines import JsonFace
    from widgets.keys import Bindings
    from widgets.plain import PlainFace
    from widgets.theme import Look
    from widgets.ui import Placed
    from widgets.words import Words

FRAME_S = 0.1
IDLE_FRAME_S = 1.0
# To wake up costs more than to draw: a frame goes with the turn of a packet, somewhat before it is due or after.
EARLY_FRAME_S, LATE_FRAME_S = 0.005, 0.02
# A frame is drawn only where the next packet leaves room for it: as long as the longest has lately taken, in bounds.
SLACK_FOR_FRAME_S, MOST_SLACK_FOR_FRAME_S = 0.004, 0.012
SHORTER_BY = 0.05  # of that is forgotten with each frame
OVERDUE_S = 1.0  # many calls may leave none for ever: then a packet waits for a frame, once in a while
SLACK_FOR_KEY_S = 0.008  # after one key another is obeyed only where there is room for a frame as well
LOG_LINES = 500
LONGEST_TURN_S = 1.0
HERE = Path(__file__).resolve().parent
_ECHO = [
    sys.executable, str(HERE / "tui.py"), "--no-config", "--headless", "--json", "--mode", "receiver", "--auto-answer",
    "--echo", "--audio", "null", "--local-ip", "127.0.0.1", "--local-sip-port", "0", "--local-rtp-port", "0",
]  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """The command ``ringtop``. Returns the exit code."""
    places.open_closed_streams()
    config = None
    try:
        config = from_arguments(sys.argv[1:] if arguments is None else arguments, places.read_config, _named)
        return _list_devices() if config.list_devices else Program(config).run()
    except (ConfigError, CommandError, OSError) as error:  # NetworkError, WavError, SoundError: one line each
        from engine.config_file import placed

        return _complain(placed(config, str(error)))
    except KeyboardInterrupt:
        return 0


def _list_devices() -> int:
    from engine.io.devices import device_lines

    for line in device_lines() or ["no sound card"]:
        sys.stdout.write(widgets.text.visible(line) + "\n")
    return 0


def _named(typed: str) -> str:
    """The address of a contact of that name, or what was typed."""
    path = places.contacts_path()
    return look_up(typed, TextFile(path) if path is not None else None)


def _complain(text: str) -> int:
    _say(text)
    return USAGE_ERROR


def _say(text: str) -> None:
    sys.stderr.write(f"ringtop: {widgets.text.visible(text)}\n")


# ---------------------------------------------------------------------- one run


class Face(Protocol):
    """What a face does for the program."""

    gone: bool  # its user has left: hang up and end

    def event(self, event: model.Event) -> None: ...

    def turn(self, now: float) -> float: ...  # keys, frames; returns when it wants the next turn

    def show(self, now: float) -> None: ...  # frames alone, while the rest of the engine is being loaded

    def close(self) -> None: ...


class Program:
    """The engine, a face, and when to end."""

    def __init__(self, config: Config) -> None:
        self._interactive = _is_interactive(config)
        config = _with_demo_sound(_without_terminal(config))
        for path in filter(None, (config.record, config.record_stereo)):
            places.check_recording(path, config.audio_file, (config.ring_tone, config.ringback))
        self._config = config
        self._engine = Engine(config)
        try:
            self._face = _make_face(config, self._engine)
        except BaseException:
            self._engine.close()
            raise
        self._demo: Companion | None = None
        self._dialled: int | None = None
        self._exit_code = 0
        self._quitting = False

    def run(self) -> int:
        """Until there is no more to do; leaves the terminal as it was."""
        engine, face = self._engine, self._face
        try:
            engine.catch_signals(_signals(), self._on_signal)
            self._show_events()
            face.turn(engine.clock())
            engine.prepare(face.show)
            self._begin()
            wanted = engine.clock()  # a call may have come already
            while not engine.finished:
                engine.poll(max(0.0, min(wanted - engine.clock(), LONGEST_TURN_S)), EARLY_FRAME_S + LATE_FRAME_S)
                self._show_events()
                wanted = face.turn(engine.now)
                if face.gone and not self._quitting:
                    self._quit()
            self._show_events()
        finally:
            face.close()
            if self._demo is not None:
                self._demo.close()
            engine.close()
        return self._exit_code

    def _show_events(self) -> None:
        for event in self._engine.events():
            if not (self._config.probe and isinstance(event, model.Ready)):  # who only asks waits for no call
                self._face.event(event)
            self._judge(event)

    def _begin(self) -> None:
        if self._config.demo:
            from engine.io.companion import Companion

            self._demo = Companion(self._engine, _ECHO, self._dial, lambda line: self._face.event(model.Error(line)))
        elif self._config.uri is not None and self._config.probe:
            self._engine.execute(model.Probe(self._config.uri))
        elif self._config.uri is not None:
            self._dial(self._config.uri)
        elif self._config.auto_answer is None and self._config.face != "dashboard" and not _takes_words(self._config):
            _say("nobody can answer a call here: it rings until they give up (--auto-answer takes it)")

    def _dial(self, uri: str) -> None:
        try:
            self._dialled = self._engine.execute(model.Dial(uri))
        except CommandError as error:
            raise ConfigError(str(error)) from None

    def _judge(self, event: model.Event) -> None:
        """What was asked for on the command line gives the exit code, and may end the program."""
        if self._config.probe and isinstance(event, model.Probed) and not self._quitting:
            self._exit_code = event.exit_code
            self._quit()
        if not isinstance(event, model.Ended) or event.call.id != self._dialled:
            return
        ends = not self._interactive or self._config.duration is not None
        if ends and event.exit_code == USAGE_ERROR:
            raise ConfigError(event.reason)
        if not self._quitting:
            self._exit_code = event.exit_code
        if ends:
            self._quit()

    def _quit(self) -> None:
        self._quitting = True
        self._engine.execute(model.Quit())

    def _on_signal(self, number: int, now: float) -> None:
        if number in _JOB_SIGNALS and isinstance(self._face, DashboardFace):
            self._face.job_signal(number)
        elif number not in _JOB_SIGNALS and number != getattr(signal, "SIGWINCH", None):
            self._exit_code = NO_ANSWER if self._config.probe else 0  # who is asked for has not answered
            self._quit()


_JOB_SIGNALS = tuple(getattr(signal, name) for name in ("SIGTSTP", "SIGCONT") if hasattr(signal, name))


def _signals() -> list[int]:
    names = ("SIGINT", "SIGTERM", "SIGHUP", "SIGQUIT", "SIGWINCH", "SIGTSTP", "SIGCONT")
    return [getattr(signal, name) for name in names if hasattr(signal, name)]


def _is_interactive(config: Config) -> bool:
    """Is somebody at a keyboard, who ends the program when he likes?"""
    return not config.headless and config.face != "json" and places.on_terminal()


def _without_terminal(config: Config) -> Config:
    """A dashboard needs a terminal. A demo without one is told in lines, and ends by itself."""
    if config.face != "dashboard" or places.on_terminal():
        return config
    if not config.demo:
        raise ConfigError("no terminal to draw on: use --plain, --json or --headless")
    return replace(config, face="plain", duration=config.duration or DEMO_SECONDS_WITHOUT_TERMINAL)


def _with_demo_sound(config: Config) -> Config:
    if not config.demo or config.audio_file is not None:
        return config
    return replace(config, audio_file=str(places.sample(HERE)))


def _make_face(config: Config, engine: Engine) -> Face:
    if config.face != "dashboard":
        return LinesFace(config, engine)
    try:
        return DashboardFace(config, engine)
    except widgets.screen.ScreenUnusable as error:  # TERM=dumb and the like: a terminal all the same
        face = LinesFace(replace(config, face="plain"), engine)
        face.say(f"{error}; going on with plain lines (as with --plain)")
        return face


# ---------------------------------------------------------------------- faces without a screen


def _takes_words(config: Config) -> bool:
    """With plain lines, from whoever types them."""
    return not config.headless and config.face == "plain" and places.somebody_types()


class LinesFace:
    """Plain or JSON lines out; with plain lines and a user, words in."""

    def __init__(self, config: Config, engine: Engine) -> None:
        self.gone = False
        self._engine = engine
        self._json = config.face == "json"
        self._output = LineOutput(left_out=widgets.jsonlines.left_out) if self._json else LineOutput()
        reads = _takes_words(config)
        self._plain = widgets.plain.PlainFace(self._output.write, typing=reads)
        self._face: PlainFace | JsonFace = self._plain
        if self._json:
            self._face = widgets.jsonlines.JsonFace(self._output.write)
        self._typed = b""
        self._lines: deque[bytes] = deque()  # typed, and not yet obeyed
        self._words: Words | None = None
        self._writing = False
        if reads:
            asks = sys.stdin.isatty()  # whoever writes into a pipe hears no question
            self._words = widgets.words.Words(
                engine, self._plain.say, asks=asks, asks_hang_up=config.ask_before_hang_up
            )
            self._engine.add_reader(0, self._read)
        if sys.platform != "win32" and not sys.stdout.isatty():
            self._watch_reader()

    def _watch_reader(self) -> None:
        """A pipe's writing end becomes readable when nobody is left to read it."""
        try:
            self._engine.add_reader(self._output.descriptor, self._reader_left)
        except OSError:
            return

    def _reader_left(self, now: float) -> None:
        import select

        poller = select.poll()
        poller.register(self._output.descriptor, 0)
        if poller.poll(0):
            self.gone = True
        self._engine.remove_reader(self._output.descriptor)

    def say(self, line: str) -> None:
        """A line of the face's own."""
        self._plain.say(line)

    def event(self, event: model.Event) -> None:
        self._face.event(event)

    def turn(self, now: float) -> float:
        self.gone = self.gone or self._output.gone
        if self._output.pending != self._writing:
            self._writing = self._output.pending
            if self._writing:
                self._engine.add_writer(self._output.descriptor, self._output.flush)
            else:
                self._engine.remove_writer(self._output.descriptor)
        self._obey()
        return now if self._lines else now + LONGEST_TURN_S

    def show(self, now: float) -> None:
        """Lines go out when there is something to say."""

    def _read(self, now: float) -> None:
        if self._lines:
            return
        try:
            data = os.read(0, 4096)
        except OSError:
            data = b""
        if not data:
            self._engine.remove_reader(0)
            self.gone = self.gone or sys.stdin.isatty()  # Ctrl-D, or the terminal is no more
            data = b"\n" if self._typed else b""
        *lines, self._typed = (self._typed + data)[-65536:].split(b"\n")
        self._lines.extend(lines)

    def _obey(self) -> None:
        """One line, and more where the next packet leaves room: a pipe brings thousands at once."""
        while self._lines and self._words is not None:
            self._words.obey(self._lines.popleft().decode("utf-8", "replace"))
            if self._engine.slack_s() < SLACK_FOR_KEY_S:
                return

    def close(self) -> None:
        self._output.close()


# ---------------------------------------------------------------------- the screen


def _preferences(config: Config) -> tuple[Bindings, Mapping[str, Look], frozenset[str] | None]:
    """The keys, colours and panes of the file; raises ConfigError with its line."""
    chosen = widgets.preferences
    try:
        usual = widgets.theme.looks_on(config.background, os.environ)
        return chosen.bindings(config.keys), chosen.looks(config.colours, usual), chosen.panes(config.panes)
    except chosen.PreferenceError as error:
        from engine.config_file import complaint

        assert config.file is not None
        raise complaint(config.file, error.section, error.key, str(error)) from None


class DashboardFace:
    """The screen: keys in, at most ten frames a second out, and only where a packet leaves room.

    In a call the meters move in every frame; the rest is drawn when there is news, and twice a second.
    """

    def __init__(self, config: Config, engine: Engine) -> None:
        self._engine = engine
        bindings, looks, panes = _preferences(config)
        self._screen = widgets.screen.open_screen(ascii=config.ascii, mouse=config.mouse)
        self._screen.use(looks)
        glyphs = "unicode" if self._screen.unicode else "ascii"
        self._controls = widgets.controls.Controls(
            engine,
            widgets.ui.Ui(glyphs=glyphs, bindings=bindings, panes=panes),
            suggested=config.suggested_uri or "",
            redraw=self._screen.repaint,
            asks_hang_up=config.ask_before_hang_up,
        )
        self._snapshot = engine.snapshot()
        self._needles = widgets.needle.Needles()
        self._announcer = widgets.announce.Announcer(
            os.environ.get("TERM", ""),
            title=config.title,
            bell=config.bell,
            notify=config.notify,
            in_tmux="TMUX" in os.environ,
        )
        self._log: deque[model.LogLine] = deque(maxlen=LOG_LINES)
        self._teller = widgets.plain.PlainFace(self._told, typing=False)
        self._canvas = widgets.canvas.Canvas(0, 0)
        self._moving: Placed = []  # the panes of the canvas that are drawn at every frame
        self._dirty = True
        self._frame_at = 0.0
        self._room_s = SLACK_FOR_FRAME_S  # that a frame needs before the next packet
        self.gone = False

    # -- the program's side

    def event(self, event: model.Event) -> None:
        """Anything that happens is worth a frame, but for the figures of every second."""
        self._dirty = self._dirty or not isinstance(event, model.Stats)
        self._remember(event)
        self._controls.event(event)

    def _remember(self, event: model.Event) -> None:
        """The log view tells what happened in the words of the plain face, among the phone's own log lines."""
        if isinstance(event, model.Log):
            self._keep(event.line)
        elif isinstance(event, model.Error):
            self._keep(model.LogLine(self._engine.wall(), "error", "phone", event.text))
        elif not isinstance(event, model.Message):
            self._teller.event(event)

    def _told(self, line: str) -> None:
        source, _, words = line.rstrip("\n").partition(": ")
        self._keep(model.LogLine(self._engine.wall(), "info", source, words))

    def _keep(self, line: model.LogLine) -> None:
        self._log.append(line)
        self._controls.logged(line)

    def turn(self, now: float) -> float:
        screen = self._screen
        if not self._controls.waiting:
            self._controls.feed(screen.keys(now))
        self._dirty = self._controls.act(self._has_room) or self._dirty
        line = self._controls.ui.prompt
        screen.type_interrupt(line is not None and line.mode != "confirm")
        self.gone = screen.gone
        self._dirty = self._controls.expire(now) or screen.resized or self._dirty
        next_frame = self._draw(now)
        screen.watch(self._engine)
        deadline = screen.deadline()
        if self._controls.waiting:
            return now
        return next_frame if deadline is None else min(next_frame, deadline)

    def show(self, now: float) -> None:
        self._screen.listen(now)
        self._draw(now)

    def _has_room(self) -> bool:
        return self._engine.slack_s() >= SLACK_FOR_KEY_S

    def _draw(self, now: float) -> float:
        """Draw if it is time and there is room; returns when to look again."""
        busy = self._snapshot.settings.listening
        busy = busy or any(view.state is not CallState.ENDED for view in self._snapshot.calls)
        due = self._frame_at + (FRAME_S if busy or self._dirty else IDLE_FRAME_S)
        slack = self._engine.slack_s()
        early_s, late_s = (EARLY_FRAME_S, LATE_FRAME_S) if slack < LONGEST_TURN_S else (0.0, 0.0)  # packets leave
        if now < due - early_s and not (self._dirty and now >= self._frame_at + FRAME_S / 4):
            return self._frame_at + FRAME_S / 4 if self._screen.unfinished else due + late_s
        if slack < self._room_s and now < due + OVERDUE_S:
            return now + max(slack, 0.0) + 0.0005
        if not self._screen.can_paint(now):
            return now + FRAME_S
        begun = self._engine.clock()
        before, self._snapshot = self._snapshot, self._look(now)
        news = widgets.dashboard.news
        if self._dirty or self._screen.resized or news(self._snapshot) != news(before):
            self._draw_all()
        else:
            widgets.dashboard.redraw(self._canvas, self._snapshot, self._controls.ui, self._moving)
        ui = self._controls.ui
        self._screen.announce(self._announcer.follow(widgets.dashboard.seen(self._snapshot, ui), ui.selected, now))
        self._screen.last_words = self._announcer.farewell
        self._screen.paint(self._canvas, now)
        self._frame_at, self._dirty = now, self._screen.unfinished
        took_s = max(self._engine.clock() - begun, self._room_s * (1 - SHORTER_BY))
        self._room_s = min(max(took_s, SLACK_FOR_FRAME_S), MOST_SLACK_FOR_FRAME_S)
        return now + (FRAME_S / 4 if self._dirty else FRAME_S + late_s)

    def _look(self, now: float) -> model.Snapshot:
        """The phone as it is shown."""
        snapshot = self._needles.follow(self._engine.snapshot(), now)
        return replace(snapshot, log=tuple(self._log))

    def _draw_all(self) -> None:
        columns, rows = self._screen.size
        controls = self._controls
        self._canvas = widgets.canvas.Canvas(columns, rows, glyphs=controls.ui.glyphs)
        small = widgets.ui.too_small(columns, rows)
        controls.ui = replace(controls.ui, small=small, line_ms=self._screen.round_trip_ms)
        controls.ui = replace(controls.ui, keys=controls.hints(self._snapshot))
        self._moving = widgets.dashboard.draw(self._canvas, self._snapshot, controls.ui)
        controls.drawn(self._canvas)

    def job_signal(self, number: int) -> None:
        """Ctrl-Z and fg: the terminal goes to the shell and comes back.

        A shell that waits for another program of the job (``make demo``) may be quicker than we are: through with both
        before we have heard of the first, or stopping us as soon as we touch its terminal. Who stopped himself then
        would stop alone, and nobody would wake him.
        """
        if number == signal.SIGCONT:
            self._screen.resume()
            self._announcer.forget()
            self._dirty = True
            return
        if not self._engine.signal_is_coming(signal.SIGCONT):
            self._screen.suspend()
        if not self._engine.signal_is_coming(signal.SIGCONT):
            os.kill(os.getpid(), signal.SIGSTOP)

    def close(self) -> None:
        self._screen.close()


if __name__ == "__main__":
    sys.exit(main())
