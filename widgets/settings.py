"""The view "settings": what can be changed while the phone runs, tried out before a call, and saved.

One row for each setting: Left and Right change the one under the cursor, Space switches it on and off or sets it back.
What it does is said below, and whether anything is not saved yet above.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace

from engine import model
from engine.model import SettingsView, Snapshot
from widgets import devices as known
from widgets import figures, layout, meter, parts, plain, text
from widgets.canvas import Canvas, Rect
from widgets.keys import Key, always
from widgets.ui import Band, Pane, Scene, Tables
from widgets.view import Desk, View

LABEL_COLUMNS = 17
VOLUME_STEP_DB = 2.0
BUFFER_STEP_MS = 10.0
WIDEST_BUFFER_MS = (0.0, 500.0)  # where none is asked for
WAYS = {"microphone": "input", "loudspeaker": "output"}


@dataclass(frozen=True, slots=True)
class Cursor:
    """The setting that is looked at."""

    row: int = 0


@dataclass(frozen=True, slots=True)
class Item:
    """One setting. ``name`` tells which device or codec it is about."""

    kind: str  # "device", "volume", "mute", "codec", "other codec", "least" or "most"
    label: str
    value: str
    about: str
    style: str = ""
    name: str = ""
    changes: bool = True
    place: str = ""  # which one of how many


def items(snapshot: Snapshot) -> list[Item]:
    """All settings, in the order of the screen."""
    return [*_sound_items(snapshot), *_codec_items(snapshot.settings), *_buffer_items(snapshot.settings)]


def _sound_items(snapshot: Snapshot) -> list[Item]:
    sound = snapshot.sound
    heard = "what they hear"
    muted = Item("mute", heard, "silence: muted", "Muted, all calls hear silence.", "warn")
    spoken = Item("mute", heard, "the microphone", "Muted, all calls hear silence.")
    return [
        _device_item(snapshot, "microphone", "The sound card's input. A call goes on while another one is opened."),
        _device_item(snapshot, "loudspeaker", "The sound card's output. A call goes on while another one is opened."),
        Item("volume", "volume", f"{sound.volume_db:+.0f} dB", "Of all that is heard here; of calls that are up too."),
        muted if sound.muted else spoken,
    ]


def _device_item(snapshot: Snapshot, label: str, about: str) -> Item:
    sound, devices = snapshot.sound, snapshot.sound.devices
    if devices is None or (label == "microphone" and not devices.captures):
        parts_of_note = figures.visible_line(sound.note or sound.kind).split("; ")
        value = parts_of_note[-1 if label == "loudspeaker" else 0]
        return Item("device", label, value, f"There is nothing to choose here: {value}.", "dim", label, False)
    names, chosen = known.names(devices, WAYS[label]), devices.chosen[_place(label)]
    if not names:
        return Item("device", label, "none found", f"No card was found. {about}", "dim", label, False)
    if chosen is None:
        usual = devices.usual[_place(label)]
        value = "what the system chooses" + (f": {figures.visible_line(usual)}" if usual else "")
        return Item("device", label, value, about, "", label)
    found = known.found(names, chosen)
    if found is None:
        return Item("device", label, f"{figures.visible_line(chosen)} (not there)", about, "warn", label)
    place = f"{names.index(found) + 1} of {len(names)}"
    return Item("device", label, figures.visible_line(found), about, "", label, True, place)


def _place(label: str) -> int:
    """Where a DevicesView has it."""
    return known.WAYS.index(WAYS[label])


def _codec_items(settings: SettingsView) -> list[Item]:
    about = "Offered in this order, from the next call on. Left and Right move it, Space leaves it out."
    left_out = "Left out. Space offers it again, from the next call on."
    return [
        *(
            Item("codec", "codecs" if place == 1 else "", f"{place} {text.stripped(name)}", about, "", name)
            for place, name in enumerate(settings.codecs, 1)
        ),
        *(Item("other codec", "", f"- {text.stripped(name)}", left_out, "dim", name) for name in settings.other_codecs),
    ]


def _buffer_items(settings: SettingsView) -> list[Item]:
    least_ms, most_ms = settings.buffer_ms
    return [
        Item("least", "jitter buffer", f"at least {least_ms:.0f} ms", "More waits longer for late packets, in calls "
             "that are up too. 0: no longer than it takes."),
        Item("most", "", f"at most  {most_ms:.0f} ms", "Less loses more packets of an uneven line, and keeps the delay "
             "short; in calls that are up too."),
    ]  # fmt: skip


# ---------------------------------------------------------------------- drawing


def draw(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    """One row for each setting, those around the cursor where not all fit."""
    if rect.empty:
        return
    below = parts.heading(canvas, rect, "settings", *_note(scene))
    shown = items(scene.snapshot)
    cursor = min(scene.ui.state(Cursor()).row, len(shown) - 1)
    lines: list[Item | None] = list(shown)
    if below.height >= len(shown) + len(_groups(shown)):
        for at in reversed(_groups(shown)):
            lines.insert(at, None)
    place = next(at for at, line in enumerate(lines) if line is shown[cursor])
    first = max(0, min(place - below.height // 2, len(lines) - below.height))
    for row, item in zip(below.rows(), lines[first:], strict=False):
        if item is not None:
            canvas.target(row, f"Row:{shown.index(item)}")
            _draw_item(canvas, row, item, item is shown[cursor], scene)


def _groups(shown: Sequence[Item]) -> list[int]:
    """Before which rows there is a gap, where there is room for one."""
    return [at for at, item in enumerate(shown) if item.label in ("codecs", "jitter buffer")]


def _note(scene: Scene) -> tuple[str, str]:
    settings = scene.snapshot.settings
    if settings.unsaved and settings.path is not None:
        return f"{_key(scene, 'save', 's')} saves {', '.join(settings.unsaved)}", "warn"
    return (f"kept in {settings.path}", "dim") if settings.path else ("not saved", "dim")


def _key(scene: Scene, label: str, usual: str) -> str:
    return next((hint.key for hint in scene.ui.keys if hint.label == label), usual)


def _draw_item(canvas: Canvas, row: Rect, item: Item, chosen: bool, scene: Scene) -> None:
    style = item.style
    label_style = "label"
    if chosen:
        canvas.focus = row.x, row.y
        canvas.fill(row, " ", "selected")
        canvas.put(row.x, row.y, scene.look.pointer, "selected")
        style, label_style = f"{item.style}+selected" if item.style else "selected", "selected"
    canvas.put(row.x + 2, row.y, item.label, label_style, min(LABEL_COLUMNS, row.width - 2))
    x, right = row.x + 2 + LABEL_COLUMNS, row.right - 1
    if item.place and row.width >= 60:
        right = right - len(item.place) - 2
        canvas.put(right + 2, row.y, item.place, "selected" if chosen else "dim")
    if chosen and item.changes:
        x = canvas.put(x - 2, row.y, scene.look.left, style) + 1
        end = x + min(text.width(item.value), right - x - 2) + 1
        canvas.put(end, row.y, scene.look.right, style, row.right - end)
        right = end - 1
    canvas.put(x, row.y, text.clip(item.value, right - x, scene.look.more), style, right - x)


def sizes(scene: Scene, _width: int) -> tuple[int, ...]:
    shown = items(scene.snapshot)
    return (4, 1 + len(shown), 1 + len(shown) + len(_groups(shown)))


def draw_about(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    """What the setting under the cursor does."""
    if rect.empty:
        return
    below = rect if rect.height < 2 else parts.heading(canvas, rect, "what it does")
    shown = items(scene.snapshot)
    item = shown[min(scene.ui.state(Cursor()).row, len(shown) - 1)]
    lines = _about_lines(item, below.width)
    if len(lines) > below.height:
        rest = " ".join(lines[below.height - 1 :])
        lines[below.height - 1] = text.clip(rest, max(10, below.width - 2), scene.look.more)
    for row, line in zip(below.rows(), lines, strict=False):
        canvas.put(row.x + 1, row.y, line, "dim", row.width - 1)


def _about_lines(item: Item, width: int) -> list[str]:
    """No word of a command is taken apart."""
    return textwrap.wrap(item.about, max(10, width - 2), break_on_hyphens=False)


def about_sizes(scene: Scene, width: int) -> tuple[int, ...]:
    """Room for the longest, so that nothing moves when the cursor does."""
    longest = max(len(_about_lines(item, width)) for item in items(scene.snapshot))
    return (1, 2, max(3 if width < 100 else 2, 1 + longest))


def draw_trial(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    """The microphone's level, and whether the loudspeaker is tried."""
    if rect.empty:
        return
    below = rect if rect.height < 3 else parts.heading(canvas, rect, "try it", "before a call, or beside one")
    settings = scene.snapshot.settings
    rows = list(below.rows())
    if settings.listening:
        meter.draw_row(canvas, rows[0], "mic", settings.level, scene.look)
    else:
        closed = f"{_key(scene, 'listen', 'i')} shows how loud it is" if _has_microphone(scene) else "none to be tried"
        _draw_hint(canvas, rows[0], "mic", closed, "dim")
    if len(rows) >= 2:
        silent = f"{_key(scene, 'tone', 't')} lets a tone be heard" if _has_card(scene) else "none to be tried"
        words, style = ("a tone is heard", "ok") if settings.sounding else (silent, "dim")
        _draw_hint(canvas, rows[1], "ear", words, style)


def _draw_hint(canvas: Canvas, row: Rect, name: str, words: str, style: str) -> None:
    canvas.put(row.x + 1, row.y, name, "label", row.width - 1)
    canvas.put(row.x + 5, row.y, words, style, row.width - 5)


def trial_sizes(_scene: Scene, _width: int) -> tuple[int, ...]:
    return (1, 2, 3)


SETTINGS = Pane(draw, sizes)
ABOUT = Pane(draw_about, about_sizes)
TRIAL = Pane(draw_trial, trial_sizes, moves=True)
TABLE: Tables = (
    (0, (Band((layout.CALLS,), 3), Band((TRIAL,), 1), Band((SETTINGS,), 0), Band((ABOUT,), 2, grows=True))),
)


def tables(_scene: Scene) -> Tables:
    return TABLE


# ---------------------------------------------------------------------- keys


def _current(desk: Desk) -> tuple[Snapshot, Item]:
    snapshot = desk.scene().snapshot
    shown = items(snapshot)
    return snapshot, shown[min(desk.ui.state(Cursor()).row, len(shown) - 1)]


def _move(desk: Desk, name: str) -> None:
    step = {"Up": -1, "k": -1, "Down": 1, "j": 1, "PageUp": -10, "PageDown": 10}[name]
    last = len(items(desk.scene().snapshot)) - 1
    cursor = min(desk.ui.state(Cursor()).row, last)
    desk.keep(Cursor(max(0, min(cursor + step, last))))


def _less(desk: Desk, _name: str) -> None:
    _change(desk, -1)


def _more(desk: Desk, _name: str) -> None:
    _change(desk, 1)


def _change(desk: Desk, step: int) -> None:
    """One step of the setting under the cursor."""
    snapshot, item = _current(desk)
    if not item.changes:
        desk.notice(item.about, "warn")
    elif item.kind == "device":
        _choose(desk, snapshot, item.name, step)
    elif item.kind == "volume":
        _turn(desk, step * VOLUME_STEP_DB)
    elif item.kind == "mute":
        _mute(desk)
    elif item.kind == "codec":
        _move_codec(desk, snapshot.settings, item.name, step)
    elif item.kind == "other codec":
        desk.notice(item.about)
    else:
        least_ms, most_ms = snapshot.settings.buffer_ms
        if item.kind == "least":
            _bound(desk, least_ms + step * BUFFER_STEP_MS, most_ms)
        else:
            _bound(desk, least_ms, most_ms + step * BUFFER_STEP_MS)


def _switch(desk: Desk, _name: str) -> None:
    """On or off, or back to what it is where nothing was set."""
    snapshot, item = _current(desk)
    settings = snapshot.settings
    if not item.changes:
        desk.notice(item.about, "warn")
    elif item.kind == "device":
        _set_device(desk, item.name, None)
    elif item.kind == "volume":
        _turn(desk, -snapshot.sound.volume_db)
    elif item.kind == "mute":
        _mute(desk)
    elif item.kind == "codec":
        _offer(desk, tuple(name for name in settings.codecs if name != item.name))
    elif item.kind == "other codec":
        _offer(desk, (*settings.codecs, item.name))
    elif item.kind == "least":
        _bound(desk, WIDEST_BUFFER_MS[0], settings.buffer_ms[1])
    else:
        _bound(desk, settings.buffer_ms[0], WIDEST_BUFFER_MS[1])


def _choose(desk: Desk, snapshot: Snapshot, label: str, step: int) -> None:
    devices = snapshot.sound.devices
    assert devices is not None
    names = known.names(devices, WAYS[label])
    chosen = devices.chosen[_place(label)]
    ways = [None, *names]
    found = None if chosen is None else known.found(names, chosen)
    at = ways.index(found) if chosen is None or found is not None else 0
    _set_device(desk, label, ways[(at + step) % len(ways)])


def _set_device(desk: Desk, label: str, name: str | None) -> None:
    desk.notice(f"{label}: {'what the system chooses' if name is None else figures.visible_line(name)}")
    desk.execute(model.SetDevice(WAYS[label], name))  # what it complains of takes the notice's place


def _turn(desk: Desk, change_db: float) -> None:
    desk.execute(model.SetVolume(change_db))
    desk.notice(f"volume {desk.scene().snapshot.sound.volume_db:+.0f} dB")


def _mute(desk: Desk) -> None:
    desk.execute(model.Mute())
    desk.notice(plain.MUTED if desk.scene().snapshot.sound.muted else plain.OPEN)


def _move_codec(desk: Desk, settings: SettingsView, name: str, step: int) -> None:
    """Before or behind its neighbour; the cursor goes with it."""
    names = list(settings.codecs)
    at = names.index(name)
    to = at + step
    if not 0 <= to < len(names):
        return
    names[at], names[to] = names[to], names[at]
    _offer(desk, tuple(names))
    cursor = desk.ui.state(Cursor())
    desk.keep(replace(cursor, row=cursor.row + step))


def _offer(desk: Desk, names: tuple[str, ...]) -> None:
    desk.notice(f"codecs from the next call on: {', '.join(map(text.stripped, names))}")
    desk.execute(model.SetCodecs(names))


def _bound(desk: Desk, least_ms: float, most_ms: float) -> None:
    desk.notice(f"the jitter buffer waits {least_ms:.0f} to {most_ms:.0f} ms")
    desk.execute(model.SetBuffer(least_ms, most_ms))


def _listen(desk: Desk, _name: str) -> None:
    if not _has_microphone(desk.scene()):
        desk.notice("there is no microphone to be tried", "warn")
        return
    listens = desk.scene().snapshot.settings.listening
    desk.notice("the microphone is closed" if listens else "the microphone is open, for its level alone")
    desk.execute(model.TryMicrophone(not listens))


def _tone(desk: Desk, _name: str) -> None:
    if _has_card(desk.scene()):
        desk.execute(model.TryLoudspeaker())
    else:
        desk.notice("there is no loudspeaker to be tried", "warn")


def _look(desk: Desk, _name: str) -> None:
    if _has_card(desk.scene()):
        desk.notice("looking for sound devices")
        desk.execute(model.FindDevices())
    else:
        desk.notice("no sound card is used here", "warn")


def _save(desk: Desk, _name: str) -> None:
    settings = desk.scene().snapshot.settings
    desk.notice(f"{', '.join(settings.unsaved)} saved in {settings.path}")
    desk.execute(model.SaveSettings())


def _leave(desk: Desk) -> None:
    """No microphone stays open where nobody looks at it."""
    if desk.scene().snapshot.settings.listening:
        desk.execute(model.TryMicrophone(False))


def _has_card(scene: Scene) -> bool:
    return scene.snapshot.sound.devices is not None


def _has_microphone(scene: Scene) -> bool:
    return scene.snapshot.sound.kind in ("device", "file")


def _is_unsaved(scene: Scene) -> bool:
    return bool(scene.snapshot.settings.unsaved)


VIEW = View(
    "settings",
    "sound devices, codecs and the jitter buffer: to change, to try out, to save",
    tables,
    (
        Key(("Up", "k", "Down", "j"), "Up Down", "setting", "the setting above, the one below", "move", always, False),
        Key(("PageUp", "PageDown"), "PgUp PgDn", "", "ten settings at once", "page", always, False),
        Key(("Left", "h"), "Left", "less", "less, the one before; a codec earlier", "less", always),
        Key(("Right", "l"), "Right", "more", "more, the next one; a codec later", "more", always),
        Key((" ", "Enter"), "Space", "switch", "on or off; back to what it was without a setting", "switch", always),
        Key(("i",), "i", "listen", "the microphone's level, before a call too", "listen", _has_microphone),
        Key(("t",), "t", "tone", "a tone in the loudspeaker", "tone", _has_card),
        Key(("u",), "u", "devices", "look again which sound devices there are", "look", _has_card),
        Key(("s",), "s", "save", "write what was changed into the configuration file", "save", _is_unsaved),
    ),
    {
        "move": _move,
        "page": _move,
        "less": _less,
        "more": _more,
        "switch": _switch,
        "listen": _listen,
        "tone": _tone,
        "look": _look,
        "save": _save,
    },
    leave=_leave,
    at_row=Cursor,
)
