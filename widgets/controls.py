"""What keys and events do to the screen's own state: which call is selected, what is typed or asked, what is said.

Keys come in by their names and leave as commands to the phone; the state is a frozen ``Ui`` that is replaced. No
terminal is needed for any of it.

The selection is the user's. It moves by itself only when the call under it has ended, or when there was none to look
at: a stranger's call must not come under a finger that is about to press a key.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Protocol

from engine import model
from engine.model import CallState, CallView, CommandError
from engine.model_people import Saved
from widgets import completion, figures, keys, log, plain, prompt, views
from widgets.burst import Bursts
from widgets.canvas import Canvas
from widgets.prompt import Prompt
from widgets.ui import LEAST_HEIGHT, LEAST_WIDTH, KeyHint, Scene, Ui, living, scene, shown_call

NOTICE_S = 4.0
MOVED_S = 1.0  # so long after the selection moved by itself a call is not hung up by one press
KEYPAD_S = 2.0  # so long after a call has ended its keypad is no way to the views
HISTORY = 100
TEXT = "a text came in, not keys: nothing was done"
NO_VIEWS = f"views: from {LEAST_WIDTH}x{LEAST_HEIGHT}"
WHEEL = {"WheelUp": "Up", "WheelDown": "Down"}
PAGE = 10
VOLUME_STEP_DB = 2.0


class Phone(Protocol):
    """What the keys need of the engine."""

    def execute(self, command: model.Command) -> int | None: ...

    def snapshot(self) -> model.Snapshot: ...

    def clock(self) -> float: ...


class Controls:
    """The state of the screen, and how keys and events change it."""

    def __init__(
        self,
        phone: Phone,
        ui: Ui,
        *,
        suggested: str = "",
        redraw: Callable[[], object] = bool,
        asks_hang_up: bool = False,
    ) -> None:
        self.ui = ui
        self._asks_hang_up = asks_hang_up
        self._phone = phone
        self._suggested = suggested  # stands in the prompt that asks whom to call
        self._redraw = redraw
        self._history: tuple[str, ...] = (suggested,) if suggested else ()
        self._submitted: Callable[[str], object] = bool  # what is done with the line that is typed
        self._notice_until = 0.0
        self._keys: deque[str] = deque()  # pressed, and not yet obeyed
        self._bursts = Bursts()
        self._canvas = Canvas(0, 0)  # what was drawn last: where a click of the mouse hits
        self._moved_at = float("-inf")  # when the selection went to another call by itself
        self._ended_at = float("-inf")  # when a call ended that had been up

    # -- what happens

    def event(self, event: model.Event) -> None:
        """Errors and ends are said; the selection follows where it must."""
        if isinstance(event, (model.Progress, model.Answered, model.Ended)) and event.call.direction == "out":
            self._remember(event.call.peer_uri)
        if isinstance(event, model.Error):
            self.notice(event.text, "bad")
        elif isinstance(event, Saved):
            self.notice(f"written to {event.path}")
        elif isinstance(event, model.Incoming):
            self._attend(event.call.id)
        elif isinstance(event, model.Ended):
            self._show_end(event)

    def expire(self, now: float) -> bool:
        """Has a notice been seen for long enough?"""
        if not self.ui.notice or now < self._notice_until:
            return False
        self.ui = replace(self.ui, notice="")
        return True

    def logged(self, line: model.LogLine) -> None:
        """It was added to the log: who reads further up keeps what he reads."""
        if views.shown(self.scene()).scrolls and self.ui.scroll and self.ui.state(log.Sieve()).passes(line):
            self.ui = replace(self.ui, scroll=self.ui.scroll + 1)

    def drawn(self, canvas: Canvas) -> None:
        """What the user sees: nothing is further away than it says, and it knows what the mouse hits."""
        self._canvas = canvas
        if self.ui.scroll > canvas.scroll_limit:
            self.ui = replace(self.ui, scroll=canvas.scroll_limit)

    def hints(self, snapshot: model.Snapshot) -> tuple[KeyHint, ...]:
        """The keys of this view, as they are valid now."""
        now = scene(snapshot, self.ui)
        view = views.shown(now)
        scrolling = self.ui.help_open or view.scrolls
        own = views.own_keys(view, now.ui.bindings)
        return tuple(self._hint(key, now, scrolling, key in own) for key in views.key_table(view, now.ui.bindings))

    @staticmethod
    def _hint(key: keys.Key, now: Scene, scrolling: bool, own: bool) -> KeyHint:
        scrolls = scrolling and key.does in keys.SCROLLING
        press = "" if key.does in keys.MANY else key.keys[0]
        label = "scroll" if scrolls and key.label else key.label if own else keys.label(key, now)
        return KeyHint(
            key.shown, label, key.help, press, scrolls or (key.valid(now) and key.offered(now)), own and not scrolls
        )

    # -- what a view may do: widgets.view.Desk

    def scene(self) -> Scene:
        return scene(self._phone.snapshot(), self.ui)

    def keep(self, state: object) -> None:
        self.ui = self.ui.with_state(state)

    def execute(self, command: model.Command) -> int | None:
        try:
            return self._phone.execute(command)
        except CommandError as error:
            self.notice(str(error), "warn")
            return None

    def attempt(self, command: model.Command) -> bool:
        try:
            self._phone.execute(command)
        except CommandError as error:
            self.notice(str(error), "warn")
            return False
        return True

    def type_line(self, line: Prompt, submitted: Callable[[str], object]) -> None:
        self.ui = replace(self.ui, prompt=line)
        self._submitted = submitted

    def dial(self, begun: str = "") -> None:
        people = completion.choices(self._phone.snapshot().people)
        self.type_line(prompt.dial(self._history, begun, people), self._dial)

    def ask(self, question: str, act: Callable[[], object]) -> None:
        self.type_line(prompt.confirm(question), lambda _: act())

    def show_view(self, name: str) -> None:
        if name != self.ui.view:
            views.shown(self.scene()).leave(self)
        notice = "" if self.ui.notice_style == "notice" else self.ui.notice  # of a key of the view that is left
        self.ui = replace(self.ui, view=name, scroll=0, help_open=False, notice=notice)

    def notice(self, text: str, style: str = "notice") -> None:
        """One line, for a while."""
        self.ui = replace(self.ui, notice=text, notice_style=style)
        self._notice_until = self._phone.clock() + NOTICE_S

    def _attend(self, call: int) -> None:
        """Look at a call that came in, unless there is one to look at."""
        snapshot = self._phone.snapshot()
        others = replace(snapshot, calls=tuple(view for view in snapshot.calls if view.id != call))
        shown = shown_call(others, self.ui.selected)
        if shown is not None and shown.state is not CallState.ENDED:
            self._select(shown.id)
            return
        self._select(call)
        self._moved_at = self._phone.clock() if shown is not None else self._moved_at

    def _show_end(self, event: model.Ended) -> None:
        """Keep the call that was looked at on the screen, with its totals, unless another one is alive."""
        snapshot = self._phone.snapshot()
        self._ended_at = self._phone.clock() if event.call.talk_s > 0 else self._ended_at
        shown = shown_call(snapshot, self.ui.selected)
        if shown is None or shown.id == event.call.id:
            other = shown_call(snapshot, None)
            self._select(event.call.id if other is None else other.id)
            self._moved_at = self._phone.clock() if other is not None else self._moved_at
        if event.exit_code not in (0, 20):
            self.notice(f"call {event.call.id} ended: {event.reason}", "warn")

    # -- keys

    def feed(self, names: Iterable[str]) -> None:
        """Keys that were pressed; ``act`` obeys them.

        Many letters at once are no fingers but a text that was meant for another window: it does nothing, unless a
        line is being typed, or it begins with the key that opens one. Nearly always nothing was pressed: then the phone
        is not even looked at.
        """
        if not (pressed := list(names)):
            return
        line = self.ui.prompt
        typing = line is not None and line.mode != "confirm"
        openers = views.openers(views.shown(self.scene()), self.ui.bindings)
        obeyed, left_out = self._bursts.sift(pressed, self._phone.clock(), typing, openers)
        self._keys.extend(obeyed)
        if left_out:
            self.notice(TEXT, "warn")

    @property
    def waiting(self) -> bool:
        """Keys were pressed that have not been obeyed yet."""
        return bool(self._keys)

    def act(self, has_room: Callable[[], bool]) -> bool:
        """Obey one key, and more while there is room; False when there was none.

        A page of text that is pasted where no text is expected is thousands of keys: the call goes on meanwhile.
        """
        if not self._keys:
            return False
        self.press(self._keys.popleft())
        while self._keys and has_room():
            self.press(self._keys.popleft())
        return True

    def press(self, name: str) -> None:
        """One key, by the name ``keycodes`` gives it."""
        name = self._hit(name)
        if self.ui.prompt is not None:
            self._type(name)
            return
        if name == "Ctrl-C":  # typed while a line was still open, after the one that closed it: meant as ever
            self.execute(model.Quit())
            return
        if self.ui.notice_style == "notice":  # what was said of the key before
            self.ui = replace(self.ui, notice="")
        if name.startswith("Select:"):
            self._select(int(name.removeprefix("Select:")))
            return
        now = self.scene()
        view = views.shown(now)
        if name.startswith("Row:"):
            if view.at_row is not None:
                self.keep(view.at_row(int(name.removeprefix("Row:"))))
            return
        key = views.key_named(view, name, now)
        if key is not None and key in views.own_keys(view, now.ui.bindings):
            view.actions[key.does](self, name)
        elif key is not None:
            getattr(self, f"_do_{key.does}")(name)
        elif name.startswith("Paste:"):
            opener = next(key.shown for key in views.common_keys(self.ui.bindings) if key.does == "dial")
            self.notice(f"pasted text is not read as keys: {opener} opens a line to paste an address into")
        elif name.startswith("Alt-"):  # ESC and the next key, which a slow line brought together
            self.press("Escape")
            self.press(name.removeprefix("Alt-"))

    def _hit(self, name: str) -> str:
        """The key that a click of the mouse is like where it was, or "" ; of another key, itself."""
        if name in WHEEL:
            return "" if self.ui.prompt is not None else WHEEL[name]
        if not name.startswith("Click:"):
            return name
        x, y = map(int, name.removeprefix("Click:").split(","))
        hit = [key for rect, key in self._canvas.targets if rect.x <= x < rect.right and rect.y <= y < rect.bottom]
        key = hit[-1] if hit else ""
        return key if self.ui.prompt is None or (key in ("y", "n") and self.ui.prompt.mode == "confirm") else ""

    def _type(self, name: str) -> None:
        assert self.ui.prompt is not None
        line = self.ui.prompt.press(name)
        if line.cancelled:
            self.ui = replace(self.ui, prompt=None, notice="")  # what was wrong with the line goes with it
            return
        if not line.submitted:
            self.ui = replace(self.ui, prompt=line)
            return
        self.ui = replace(self.ui, prompt=None)
        self._submitted(line.text.strip())

    def _dial(self, address: str) -> None:
        """Call there; an address that cannot be called stays in its line, where it can be mended."""
        if not address:
            return
        call = self.execute(model.Dial(address))
        if call is None:
            self.dial(address)
        else:
            self._remember(address)
            self._select(call)

    def _remember(self, address: str) -> None:
        """Who was called can be called again; whoever is called twice in a row is there once, as it was typed."""
        if not self._history or completion.bare(self._history[-1]) != completion.bare(address):
            self._history = (*self._history, address)[-HISTORY:]

    def _select(self, call: int | None) -> None:
        if call is not None:
            self.ui = replace(self.ui, selected=call)

    def _shown(self) -> CallView | None:
        return shown_call(self._phone.snapshot(), self.ui.selected)

    def _selected(self) -> int | None:
        view = self._shown()
        return None if view is None else view.id

    def _ringing(self) -> int | None:
        """The selected call where it rings; otherwise the phone chooses."""
        view = self._shown()
        return view.id if view is not None and view.state is CallState.RINGING else None

    def _do_dial(self, name: str) -> None:
        self.dial(self._suggested)

    def _do_answer(self, name: str) -> None:
        self._select(self.execute(model.Answer(self._ringing())))

    def _do_reject(self, name: str) -> None:
        self.execute(model.Reject(self._ringing()))

    def _do_hang_up(self, name: str) -> None:
        """The selected call and no other: not one that came into its place a moment ago."""
        view = self._shown()
        if view is not None and view.state is CallState.ENDED:
            self.notice(f"call {view.id} is over", "warn")
        elif view is not None and self._phone.clock() - self._moved_at < MOVED_S:
            self._moved_at = float("-inf")
            self.notice(f"this is call {view.id} now: {name} again hangs it up")
        elif view is not None and self._asks_hang_up:
            self.ask(f"hang up {figures.peer(view, 40, self.ui.look.more)}?", lambda: self._hang_up(view.id))
        else:
            self._hang_up(None if view is None else view.id)

    def _hang_up(self, call: int | None) -> None:
        self.execute(model.HangUp(call))

    def _do_mute(self, name: str) -> None:
        self.execute(model.Mute())
        self.notice(plain.MUTED if self._phone.snapshot().sound.muted else plain.OPEN)

    def _do_voice(self, name: str) -> None:
        self.execute(model.SetVoice())
        sound = self._phone.snapshot().sound
        if sound.kind == "device":
            self.notice(f"the microphone: {figures.voice(sound)}")

    def _meant(self) -> tuple[bool, int | None]:
        """The call that is up and meant: the selected one, or the only one there is, or, for the phone to say, none.
        False where nobody can tell, which is said."""
        up, view = [call.id for call in keys.calls_up(self.scene())], self._shown()
        if view is not None and view.id in up:
            return True, view.id
        if len(up) > 1 and view is not None:
            what = "over" if view.state is CallState.ENDED else "not up"
            self.notice(f"call {view.id} is {what}: select the one that is meant")
            return False, None
        return True, up[0] if up else None

    def _do_hold(self, name: str) -> None:
        clear, call = self._meant()
        if clear and self.attempt(model.Hold(call)) and call != self._selected():
            self.notice(f"that was for call {call}")

    def _do_conference(self, name: str) -> None:
        """Join all; when all are joined, part them."""
        if not keys.all_joined(self.scene()):
            self.execute(model.Conference(on=True))
            return
        clear, call = self._meant()
        if clear:
            self.execute(model.Conference(call, on=False))

    def _do_digit(self, name: str) -> None:
        if self.ui.seen_view != views.CALLS.name:
            self.notice("digits are sent from the view 1: there they are the keypad of the call")
            return
        clear, call = self._meant()
        if clear and self.attempt(model.SendDigits(name, call)):
            where = "" if call == self._selected() else f" to call {call}"
            self.notice(f"sent {prompt.HIDDEN if self.ui.masked else name}{where}")

    def _do_volume(self, name: str) -> None:
        self._change_volume(-VOLUME_STEP_DB if name == "-" else VOLUME_STEP_DB)

    def _change_volume(self, change_db: float) -> None:
        self.execute(model.SetVolume(change_db))
        self.notice(f"volume {self._phone.snapshot().sound.volume_db:+.0f} dB")

    # -- moving about

    def _do_move(self, name: str) -> None:
        self._move(-1 if name in keys.BACKWARD else 1)

    def _do_page(self, name: str) -> None:
        self._move(-PAGE if name == "PageUp" else PAGE)

    def _move(self, step: int) -> None:
        if self.ui.help_open or views.shown(self.scene()).scrolls:
            down = step if self.ui.help_open else -step
            self.ui = replace(self.ui, scroll=max(0, self.ui.scroll + down))
            return
        snapshot = self._phone.snapshot()
        ids = [view.id for view in snapshot.calls]
        shown = shown_call(snapshot, self.ui.selected)
        if ids:
            at = ids.index(shown.id) if shown is not None and shown.id in ids else 0
            self._select(ids[max(0, min(at + step, len(ids) - 1))])
            self._moved_at = float("-inf")

    def _do_next_view(self, name: str) -> None:
        step = -1 if name == "BackTab" else 1
        self._show_view(views.NAMES[(views.NAMES.index(self.ui.view) + step) % len(views.NAMES)])

    def _do_go_to_view(self, name: str) -> None:
        meant_for_call = name.isdigit() and self.ui.seen_view == views.CALLS.name
        if meant_for_call and self._phone.clock() - self._ended_at < KEYPAD_S:
            self.notice("the call is over: no digit is sent any more, and the digits lead to the views again")
            return
        place = int(name[-1]) - 1
        if place < len(views.NAMES):
            self._show_view(views.NAMES[place])
        else:
            self.notice(f"the views are 1 to {len(views.NAMES)}")

    def _show_view(self, name: str) -> None:
        """Where there is room for views."""
        if self.ui.small:
            self.notice(NO_VIEWS)
        else:
            self.show_view(name)

    def _do_hide(self, name: str) -> None:
        shown = self.ui.masked
        self.ui = replace(self.ui, masked=not shown)
        self.notice("private data is shown again" if shown else "private data is hidden on the whole screen")

    def _do_redraw(self, name: str) -> None:
        self._redraw()

    def _do_help(self, name: str) -> None:
        self.ui = replace(self.ui, help_open=not self.ui.help_open, scroll=0)

    def _do_back(self, name: str) -> None:
        """What is open over the view; then back to the calls; then off the call that is over."""
        if self.ui.help_open:
            self.ui = replace(self.ui, help_open=False, scroll=0, notice="")
        elif self.ui.seen_view != views.CALLS.name:
            self.show_view(views.CALLS.name)
            self.ui = replace(self.ui, notice="")
        else:
            self.ui = replace(self.ui, notice="", selected=None)

    # -- the end

    def _do_quit(self, name: str) -> None:
        alive = len(living(self._phone.snapshot()))
        if not alive:
            self._quit()
            return
        self.ask(f"hang up {alive} call{'s' if alive > 1 else ''} and quit?", self._quit)

    def _quit(self) -> None:
        self.execute(model.Quit())
