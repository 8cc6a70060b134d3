"""The view "people": the user's contacts and the calls that are over.

Both are plain files of his. ``/`` looks through both; Enter opens the line that asks whom to call, with the address in
it; nothing is dialled or changed without a second word.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from engine.model_people import Contact, PastCall, PeopleView, RemoveContact, SaveContact
from widgets import completion, figures, layout, parts, prompt, text
from widgets.canvas import Canvas, Rect
from widgets.keys import Key, always
from widgets.prompt import Prompt
from widgets.ui import Band, Pane, Scene, Tables
from widgets.view import Desk, View

TWO_PANES_FROM = 120  # columns
HEADER_FROM = 6  # rows of the calls
FIGURES_FROM = 64  # columns of the calls: below, how a call ended is left out
NAME_MOST = 28
WHO_MOST = 64  # columns: more would only tear name and figures apart
SHORT_TIME, LONG_TIME = 6, 12
DURATION_COLUMNS, MOS_COLUMNS = 9, 9


@dataclass(frozen=True, slots=True)
class Leafing:
    """Where the reader is. Contacts and calls are told by their places in the snapshot."""

    in_calls: bool = False
    contact: int = 0
    past: int | None = None  # None: the newest
    wanted: str = ""  # only those with this in them
    found: tuple[Sequence[int], Sequence[int]] | None = None  # they, where neither they nor it may be read


# ------------------------------------------------------------------ what is shown


def contacts(people: PeopleView, leafing: Leafing) -> Sequence[int]:
    """The contacts that are listed, by their places."""
    return _listed(people, leafing.wanted)[0] if leafing.found is None else leafing.found[0]


def past(people: PeopleView, leafing: Leafing) -> Sequence[int]:
    """The calls that are listed, the newest first."""
    return _listed(people, leafing.wanted)[1] if leafing.found is None else leafing.found[1]


@lru_cache(maxsize=4)
def _listed(people: PeopleView, wanted: str) -> tuple[Sequence[int], Sequence[int]]:
    """Contacts and calls; looked for when the filter changes, not for every frame."""
    newest_first = range(len(people.past) - 1, -1, -1)
    if not wanted:
        return range(len(people.contacts)), newest_first
    wanted = wanted.casefold()
    return (
        tuple(place for place, contact in enumerate(people.contacts) if _has(wanted, contact.name, contact.uri)),
        tuple(place for place in newest_first if _has(wanted, people.names[place], *_words(people.past[place]))),
    )


def _words(call: PastCall) -> tuple[str, ...]:
    return call.name, call.uri, call.ended, "missed" if call.missed else ""


def _has(wanted: str, *words: str) -> bool:
    return any(wanted in word.casefold() for word in words)


def hidden(leafing: Leafing, people: PeopleView) -> Leafing:
    """The same rows, where private data is not shown: what is looked for may be private itself."""
    if not leafing.wanted:
        return leafing
    return replace(leafing, wanted="...", found=_listed(people, leafing.wanted))


def _at(rows: Sequence[int], place: int | None) -> int:
    """Which row is looked at: the one of that place, or what came to be there; 0 for the newest call."""
    if place in rows:
        return rows.index(place)
    if place is None or not rows:
        return 0
    newest_first = rows[0] > rows[-1]
    after = [row for row, other in enumerate(rows) if (other < place if newest_first else other > place)]
    return after[0] if after else len(rows) - 1


def chosen_contact(people: PeopleView, leafing: Leafing) -> Contact | None:
    """The contact under the cursor."""
    rows = () if leafing.in_calls else contacts(people, leafing)
    return people.contacts[rows[_at(rows, leafing.contact)]] if rows else None


def chosen_past(people: PeopleView, leafing: Leafing) -> PastCall | None:
    """The call under the cursor."""
    rows = past(people, leafing) if leafing.in_calls else ()
    return people.past[rows[_at(rows, leafing.past)]] if rows else None


# ------------------------------------------------------------------ drawing


def draw_contacts(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    people, leafing = scene.snapshot.people, scene.ui.state(Leafing())
    rows = contacts(people, leafing)
    below = _heading(canvas, rect, "contacts", (len(rows), len(people.contacts)), people.contacts_path, leafing)
    if not rows:
        words = "No contact with that in it." if people.contacts else "No contacts yet: n adds one."
        canvas.put(below.x + 1, below.y, words, "dim", below.width - 1)
        return
    at = _at(rows, leafing.contact)
    first = _first(at, len(rows), below.height)
    seen = [people.contacts[place] for place in rows[first : first + below.height]]
    columns = min(NAME_MOST, below.width // 2 - 2, max(text.width(figures.visible_line(one.name)) for one in seen))
    for row, (number, contact) in zip(below.rows(), enumerate(seen, first), strict=False):
        selected = _mark(canvas, row, scene, number == at and not leafing.in_calls)
        name = text.clip(figures.visible_line(contact.name), columns, scene.look.more)
        canvas.put(row.x + 1, row.y, name, selected or "value", columns)
        room = row.right - 1 - (row.x + 3 + columns)
        uri = text.clip(figures.visible_line(contact.uri), room, scene.look.more)
        canvas.put(row.x + 3 + columns, row.y, uri, selected or "dim", room)


def draw_past(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    people, leafing = scene.snapshot.people, scene.ui.state(Leafing())
    rows = past(people, leafing)
    below = _heading(canvas, rect, "past calls", (len(rows), len(people.past)), people.history_path, leafing)
    if not rows:
        words = "No call with that in it." if people.past else "No call has ended yet."
        canvas.put(below.x + 1, below.y, words, "dim", below.width - 1)
        return
    if below.height >= HEADER_FROM and below.width >= FIGURES_FROM:
        header, below = below.split_top(1)
        _draw_header(canvas, header)
    at = _at(rows, leafing.past)
    first = _first(at, len(rows), below.height)
    for row, number in zip(below.rows(), range(first, len(rows)), strict=False):
        place = rows[number]
        selected = _mark(canvas, row, scene, number == at and leafing.in_calls)
        _draw_call(canvas, row, scene, people.past[place], people.names[place], selected)


def _heading(canvas: Canvas, rect: Rect, title: str, counts: tuple[int, int], path: str, leafing: Leafing) -> Rect:
    """How many there are, and in which file, where there is room for all of its name."""
    listed, all_of_them = counts
    if leafing.wanted:
        note = f"with '{figures.visible_line(leafing.wanted)}'  {listed} of {all_of_them}"
        return parts.heading(canvas, rect, title, note, "value")
    note = figures.count(all_of_them) if all_of_them else ""
    whole = f"{note}  {figures.visible_line(path)}".strip()
    return parts.heading(canvas, rect, title, whole if text.width(whole) + len(title) + 12 <= rect.width else note)


def _first(at: int, count: int, height: int) -> int:
    return max(0, min(at - height // 2, count - height))


def _mark(canvas: Canvas, row: Rect, scene: Scene, here: bool) -> str:
    """The style of the row under the cursor, or ""."""
    if not here:
        return ""
    canvas.focus = row.x, row.y
    canvas.fill(row, " ", "selected")
    canvas.put(row.x, row.y, scene.look.pointer, "selected")
    return "selected"


def _draw_header(canvas: Canvas, row: Rect) -> None:
    canvas.put(row.x + 1, row.y, "WHEN".rjust(LONG_TIME), "label")
    canvas.put(row.x + LONG_TIME + 4, row.y, "WHO", "label")
    x = _figures_at(row)
    canvas.put(x, row.y, "TIME".rjust(DURATION_COLUMNS) + "MOS".rjust(MOS_COLUMNS) + "  ENDED", "label")


def _figures_at(row: Rect) -> int:
    """The column after the name."""
    ended = MOS_COLUMNS + min(40, max(16, row.width // 3 - 6)) if row.width >= FIGURES_FROM else 0
    return min(row.right - 1 - DURATION_COLUMNS - ended, row.x + LONG_TIME + WHO_MOST)


def _draw_call(canvas: Canvas, row: Rect, scene: Scene, call: PastCall, contact: str, selected: str) -> None:
    """When, which way, who, how long, how it sounded, and how it ended; what has no room is left out from the end."""
    wide = row.width >= FIGURES_FROM
    columns = LONG_TIME if wide else SHORT_TIME
    today = scene.snapshot.time // 60 * 60
    canvas.put(row.x + 1, row.y, _when(call.time, today, wide), selected or "dim", columns)
    x = row.x + columns + 2
    way = scene.look.outgoing if call.direction == "out" else scene.look.incoming
    style = "warn" if call.missed else ""
    canvas.put(x, row.y, way, selected or style or "label")
    x += text.width(way) + 1
    right = _figures_at(row)
    name = figures.party(figures.named(call.name, contact), call.uri, right - x, scene.look.more)
    canvas.put(x, row.y, name, f"{style}+selected" if style and selected else selected or style, right - x)
    duration = "missed" if call.missed else "declined" if call.declined else figures.duration(call.duration_s)
    canvas.put(right, row.y, duration.rjust(DURATION_COLUMNS), selected or style or "value", DURATION_COLUMNS)
    if wide:
        _draw_end(canvas, row, right + DURATION_COLUMNS, call, selected, scene.look.more)


def _draw_end(canvas: Canvas, row: Rect, x: int, call: PastCall, selected: str, more: str) -> None:
    known = [mos for mos in (call.mos_here, call.mos_there) if figures.known(mos)]
    opinion = f"{figures.mos(call.mos_here)} {figures.mos(call.mos_there)}" if known else ""
    colour = figures.mos_style(min((mos for mos in known if mos is not None), default=None))
    canvas.put(x, row.y, opinion.rjust(MOS_COLUMNS), f"{colour}+selected" if selected else colour, MOS_COLUMNS)
    room = row.right - 1 - (x + MOS_COLUMNS + 2)
    ended = text.clip(figures.visible_line(call.ended), room, more)
    canvas.put(x + MOS_COLUMNS + 2, row.y, ended, selected or "dim", room)


@lru_cache(maxsize=1024)
def _when(then: float, now: float, wide: bool) -> str:
    """The time of day today; the day before that; the year where it is not this one."""
    try:
        moment, today = time.localtime(then), time.localtime(now)
        if moment[:3] == today[:3]:
            return time.strftime("%H:%M", moment).rjust(LONG_TIME if wide else SHORT_TIME)
        if abs(now - then) > figures.THIS_YEAR_S:
            return time.strftime("%Y-%m-%d" if wide else "%Y", moment).rjust(LONG_TIME if wide else SHORT_TIME)
        day = f"{time.strftime('%b', moment)} {moment.tm_mday:2d}"
        return f"{day} {time.strftime('%H:%M', moment)}" if wide else day
    except (OverflowError, ValueError, OSError):
        return figures.UNKNOWN.rjust(LONG_TIME if wide else SHORT_TIME)


def contact_sizes(scene: Scene, _width: int) -> tuple[int, ...]:
    rows = 1 + max(1, len(contacts(scene.snapshot.people, scene.ui.state(Leafing()))))
    return min(rows, 3), min(rows, 6), min(rows, 10)


def past_sizes(_scene: Scene, _width: int) -> tuple[int, ...]:
    return 3, 6, 10


CONTACTS, PAST = Pane(draw_contacts, contact_sizes), Pane(draw_past, past_sizes)


def tables(scene: Scene) -> Tables:
    """Side by side where it is wide; else one above the other, and the one with the cursor stays where rows are few."""
    in_calls = scene.ui.state(Leafing()).in_calls
    running = Band((layout.CALLS,), 2)
    upper = Band((CONTACTS,), 1 if in_calls else 0, grows=not in_calls)
    lower = Band((PAST,), 0 if in_calls else 1, grows=True)
    both = Band((CONTACTS, PAST), 0, grows=True, shares=(2, 3))
    return ((TWO_PANES_FROM, (running, both)), (0, (running, upper, lower)))


# ------------------------------------------------------------------ keys


def _leafing(desk: Desk) -> Leafing:
    return desk.ui.state(Leafing())


def _people(desk: Desk) -> PeopleView:
    return desk.scene().snapshot.people


def _go(desk: Desk, rows: Sequence[int], row: int) -> None:
    leafing = _leafing(desk)
    if not rows:
        return
    place = rows[max(0, min(row, len(rows) - 1))]
    desk.keep(replace(leafing, past=place) if leafing.in_calls else replace(leafing, contact=place))


def _rows(desk: Desk) -> tuple[Sequence[int], int]:
    leafing, people = _leafing(desk), _people(desk)
    rows = past(people, leafing) if leafing.in_calls else contacts(people, leafing)
    return rows, _at(rows, leafing.past if leafing.in_calls else leafing.contact)


def _move(desk: Desk, name: str) -> None:
    rows, at = _rows(desk)
    _go(desk, rows, at + {"Up": -1, "k": -1, "Down": 1, "j": 1, "PageUp": -10, "PageDown": 10}[name])


def _ends(desk: Desk, name: str) -> None:
    rows, _ = _rows(desk)
    _go(desk, rows, 0 if name == "Home" else len(rows) - 1)


def _turn(desk: Desk, name: str) -> None:
    desk.keep(replace(_leafing(desk), in_calls=name in ("Right", "l")))


def _dial(desk: Desk, name: str) -> None:
    people, leafing = _people(desk), _leafing(desk)
    contact, call = chosen_contact(people, leafing), chosen_past(people, leafing)
    if contact is not None:
        desk.dial(f"{text.stripped(contact.name)} <{text.stripped(contact.uri)}>")
    elif call is not None:
        desk.dial(text.stripped(call.uri))


def _filter(desk: Desk, name: str) -> None:
    def wanted(line: str) -> None:
        leafing = replace(_leafing(desk), wanted=line)
        people = _people(desk)
        found = contacts(people, leafing), past(people, leafing)
        in_calls = leafing.in_calls if found[leafing.in_calls] else bool(found[1])
        desk.keep(replace(leafing, in_calls=in_calls))

    desk.type_line(prompt.line("with", _leafing(desk).wanted, "filters"), wanted)


def _add(desk: Desk, name: str) -> None:
    """A new contact; who called or was called last is there to be named."""
    people, leafing = _people(desk), _leafing(desk)
    call = chosen_past(people, leafing)
    if call is None:
        _type(desk, "name and address", "", 0, None)
        return
    known = _contact_of(people, call)
    if known is not None:
        desk.notice(f"{known.name} is a contact already")
        return
    given = text.stripped(call.name).strip()
    _type(desk, "name and address", f"{given} {text.stripped(call.uri)}", len(given), None)


def _edit(desk: Desk, name: str) -> None:
    people, leafing = _people(desk), _leafing(desk)
    contact, call = chosen_contact(people, leafing), chosen_past(people, leafing)
    if call is not None:
        contact = _contact_of(people, call)
    if contact is None:
        desk.notice("this is no contact: n makes it one" if call is not None else "there is no contact to edit")
        return
    _type(desk, "change to", f"{contact.name} {contact.uri}", len(contact.name), contact)


def _contact_of(people: PeopleView, call: PastCall) -> Contact | None:
    """The contact of that call: of those who are called the same, the one with its address."""
    name = people.names[people.past.index(call)]
    known = [one for one in people.contacts if name and one.name == name]
    exact = (one for one in known if completion.bare(one.uri) == completion.bare(call.uri))
    return next(exact, known[0] if known else None)


def _type(desk: Desk, label: str, begun: str, cursor: int, instead_of: Contact | None) -> None:
    """A contact as a line; where the phone refuses it, it can be mended."""

    def typed(line: str) -> None:
        if line and not desk.attempt(SaveContact(line, instead_of)):
            _type(desk, label, line, len(line), instead_of)
        elif line:
            desk.notice("the contact is kept")
            if instead_of is None:
                desk.keep(replace(_leafing(desk), contact=len(_people(desk).contacts)))

    line: Prompt = prompt.line(label, begun, "keeps it")
    desk.type_line(replace(line, cursor=cursor), typed)


def _remove(desk: Desk, name: str) -> None:
    contact = chosen_contact(_people(desk), _leafing(desk))
    if contact is None:
        return

    def remove() -> None:
        if desk.attempt(RemoveContact(contact)):
            desk.notice(f"{contact.name} is no longer a contact")

    desk.ask(f"remove {figures.visible_line(contact.name)} from the contacts?", remove)


def _close(desk: Desk, name: str) -> None:
    desk.keep(replace(_leafing(desk), wanted=""))


def _has_row(scene: Scene) -> bool:
    people, leafing = scene.snapshot.people, scene.ui.state(Leafing())
    return bool(people.past if leafing.in_calls else people.contacts)


def _has_any(scene: Scene) -> bool:
    people = scene.snapshot.people
    return bool(people.past or people.contacts)


def _on_contact(scene: Scene) -> bool:
    return chosen_contact(scene.snapshot.people, scene.ui.state(Leafing())) is not None


def _edits_contact(scene: Scene) -> bool:
    """On a contact, or on a call with one."""
    people, leafing = scene.snapshot.people, scene.ui.state(Leafing())
    call = chosen_past(people, leafing)
    return _on_contact(scene) if call is None else _contact_of(people, call) is not None


def _is_filtered(scene: Scene) -> bool:
    return bool(scene.ui.state(Leafing()).wanted)


VIEW = View(
    "people",
    "contacts, and the calls that are over",
    tables,
    (
        Key(("Enter",), "Enter", "call", "the line to dial, with this address in it", "call", _has_row),
        Key(("/",), "/", "filter", "only contacts and calls with this in them", "filter", _has_any),
        Key(("n",), "n", "new", "make the caller a contact, or type a new one", "new", always),
        Key(("e",), "e", "edit", "change the selected contact", "edit", always, offered=_edits_contact),
        Key(("x",), "x", "remove", "take the contact out of the file", "remove", _on_contact),
        Key(
            ("Left", "h", "Right", "l"),
            "Left Right",
            "pane",
            "to the contacts, to the past calls",
            "turn",
            always,
            False,
        ),
        Key(("Up", "k", "Down", "j"), "Up Down", "move", "up and down", "move", _has_row, False),
        Key(("PageUp", "PageDown"), "PgUp PgDn", "", "ten rows at once", "move", _has_row, False),
        Key(("Home", "End"), "Home End", "", "the first, the last", "ends", _has_row, False),
        Key(("Escape",), "Esc", "show all", "show all again", "close", _is_filtered),
    ),
    {
        "call": _dial,
        "filter": _filter,
        "new": _add,
        "edit": _edit,
        "remove": _remove,
        "turn": _turn,
        "move": _move,
        "ends": _ends,
        "close": _close,
    },
)
