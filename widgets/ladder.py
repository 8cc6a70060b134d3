"""The view "ladder": our own SIP messages as arrows between us and those we talk with, and the sound between them.

Each row is one message, or one direction of the sound of a call, in the order of time. The newest is followed until the
reader goes up. Enter opens a message as it was on the wire; Space marks two, and their difference is shown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from engine.model import CallState, CallView, SipMessage
from widgets import difference, figures, ladder_text, layout, parts, prompt, text
from widgets.canvas import Canvas, Rect
from widgets.keys import Key
from widgets.latest import Latest
from widgets.ui import Band, Pane, Scene, Tables
from widgets.view import Desk, View

TIME_COLUMNS = 21  # time of day and time since the row above
LEAST_LANE = 24  # columns between two parties: a label and a head
SIDE_BY_SIDE_FROM = 100  # columns for a difference in two columns
MOST_PARTIES = 6
MOST_LINES = 20_000  # of two messages one below the other


@dataclass(frozen=True, slots=True)
class Reading:
    """What the reader of the ladder has done."""

    number: float | None = None  # of the row that is looked at; None: the newest
    whole: bool = False  # the messages of all calls and of none
    wanted: str = ""  # only messages with this in them
    marked: tuple[int, ...] = ()  # numbers of messages, two at most
    opened: str = ""  # "", "message" or "difference"
    folded: bool = False  # a message and what repeats it are one row
    found: frozenset[int] | None = None  # the messages with it in them, where neither they nor it may be read


@dataclass(frozen=True, slots=True)
class Arrow:
    """One row of the ladder."""

    number: float  # of the message; sound lies between two
    time: float
    outgoing: bool
    peer: tuple[str, int]
    label: str
    note: str  # what stands behind the ladder where there is room
    style: str
    repeated: bool = False
    message: SipMessage | None = None
    times: int = 1  # so often it was seen, where all of them are this row


# ------------------------------------------------------------------ what is shown


def arrows(scene: Scene, reading: Reading) -> tuple[Arrow, ...]:
    """The rows: messages of the selected call, or of all, and the sound of those calls."""
    call = scene.call
    number = None if reading.whole or call is None else call.id
    shown = list(_message_arrows(scene.snapshot.sip, number, reading.wanted, reading.found, reading.folded))
    if not reading.wanted:
        for view in scene.snapshot.calls:
            if number is None or view.id == number:
                shown += _sound_arrows(view, scene.snapshot.time, shown)
    return tuple(sorted(shown, key=lambda arrow: (arrow.number, arrow.time)))


def _make_message_arrows(
    messages: tuple[SipMessage, ...], call: int | None, wanted: str, found: frozenset[int] | None, folded: bool
) -> Sequence[Arrow]:
    rows = [
        _message_arrow(message)
        for message in messages
        if (call is None or message.call == call) and _matches(message, wanted, found)
    ]
    return _folded(rows) if folded else rows


_message_arrows = Latest(_make_message_arrows)


def _folded(rows: Sequence[Arrow]) -> list[Arrow]:
    """Each message once: the first of those that are alike says how many they were."""
    alike: dict[float, list[Arrow]] = {}
    for row in rows:
        assert row.message is not None
        first = row.message.number if row.message.repeats is None else row.message.repeats
        alike.setdefault(first, []).append(row)
    return [
        replace(same[0], times=len(same), style="warn" if len(same) > 1 else same[0].style) for same in alike.values()
    ]


def _matches(message: SipMessage, wanted: str, found: frozenset[int] | None) -> bool:
    if found is not None:
        return message.number in found
    wanted = wanted.lower()
    return not wanted or wanted in message.text.lower() or wanted in f"{message.peer[0]}:{message.peer[1]}"


def _find(messages: Sequence[SipMessage], wanted: str) -> frozenset[int]:
    return frozenset(message.number for message in messages if _matches(message, wanted, None))


_found = Latest(_find)


def hidden(reading: Reading, messages: Sequence[SipMessage]) -> Reading:
    """The same rows, where private data is not shown: what is looked for may be private itself."""
    if not reading.wanted:
        return reading
    return replace(reading, wanted="...", found=_found(messages, reading.wanted))


def _message_arrow(message: SipMessage) -> Arrow:
    label = message.label + (" SDP" if message.has_sdp else "")
    return Arrow(
        message.number,
        message.time,
        message.direction == "out",
        message.peer,
        label,
        _told(message),
        _style(message),
        message.repeats is not None,
        message,
    )


def _told(message: SipMessage) -> str:
    """The CSeq; of an answer what it answers, too."""
    number, _, method = message.cseq.partition(" ")
    return f"{method} {number}" if message.label[:1].isdigit() else number


def _style(message: SipMessage) -> str:
    if message.repeats is not None:
        return "warn"
    if message.label[:1].isdigit():
        return "ok" if message.label[0] == "2" else "dim" if message.label[0] == "1" else "bad"
    return "value"


def _sound_arrows(call: CallView, now: float, messages: Sequence[Arrow]) -> list[Arrow]:
    """Where the sound of a call began: after the last message before it was answered."""
    media = call.media
    remote = media.remote if media is not None else None
    if media is None or remote is None:
        return []
    over = call.state is CallState.ENDED
    began = now - call.talk_s - (call.state_s if over else 0.0)
    of_call = [arrow for arrow in messages if arrow.message is not None and arrow.message.call == call.id]
    before = [arrow for arrow in of_call if arrow.time <= began + 0.5 and not arrow.label.startswith("BYE")]
    place = max((arrow.number for arrow in before), default=0.0)
    began = max((began, *(arrow.time for arrow in before)))
    proxies = {arrow.peer for arrow in messages if arrow.message is not None and arrow.message.proxied}
    same_host = (arrow.peer for arrow in of_call if arrow.peer[0] == remote[0] and arrow.peer not in proxies)
    peer = next(same_host, remote)
    there = f"RTP {media.codec} {figures.count(media.tx.packets)} packets"
    here = f"RTP {media.codec} {figures.count(media.rx.packets)} packets"
    lost = media.rtcp.remote.lost if media.rtcp.remote else 0
    return [
        Arrow(place + 0.3, began, True, peer, there, f"{lost} lost" if lost > 0 else "", "label"),
        Arrow(place + 0.6, began, False, peer, here, f"{media.rx.lost} lost" if media.rx.lost > 0 else "", "label"),
    ]


def chosen(rows: Sequence[Arrow], reading: Reading) -> int:
    """Which row is looked at: the newest, or the one with that number, or what came in its place."""
    if not rows:
        return 0
    if reading.number is None:
        return len(rows) - 1
    return next((place for place, row in enumerate(rows) if row.number >= reading.number), len(rows) - 1)


def read(scene: Scene) -> tuple[int, ...]:
    """The numbers of the messages that are open."""
    reading = scene.ui.state(Reading())
    if scene.ui.view != VIEW.name or not reading.opened:
        return ()
    rows = arrows(scene, reading)
    looked_at = rows[chosen(rows, reading)].message if rows else None
    return (*reading.marked, *(() if looked_at is None else (looked_at.number,)))


def _parties(rows: Sequence[Arrow]) -> list[tuple[str, int]]:
    return list(dict.fromkeys(row.peer for row in rows))


# ------------------------------------------------------------------ the ladder


def draw_ladder(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    if rect.empty:
        return
    reading = scene.ui.state(Reading())
    rows = arrows(scene, reading)
    if reading.opened == "difference" and len(reading.marked) == 2:
        _draw_difference(canvas, rect, scene, reading)
        return
    at = chosen(rows, reading)
    if reading.opened == "message" and rows and rows[at].message is not None:
        _draw_message(canvas, rect, scene, rows[at], reading)
        return
    if not rows and not reading.wanted:
        parts.nothing(canvas, rect, "ladder", "No SIP message yet.", "our SIP messages and the sound as arrows")
        return
    below = parts.heading(canvas, rect, "ladder", *_note(scene, reading, rows, at))
    if not rows:
        canvas.put(below.x + 1, below.y, "No message with that in it.", "dim", below.width - 1)
        return
    everyone = _parties(rows)
    room = max(1, min(MOST_PARTIES, (below.width - TIME_COLUMNS - 2) // LEAST_LANE))
    parties = _seen_parties(everyone, rows[at].peer, room)
    lanes = _lanes(below, len(parties))
    if below.height >= 3:
        header, below = below.split_top(1)
        _draw_header(canvas, header, scene, lanes, parties, len(everyone))
    first = max(0, min(at - below.height // 2, len(rows) - below.height))
    if reading.number is None:
        first = max(0, len(rows) - below.height)
    for row, place in zip(below.rows(), range(first, len(rows)), strict=False):
        before = rows[place - 1].time if place else rows[place].time
        _draw_arrow(canvas, row, scene, rows[place], before, lanes, parties, reading, place == at)


def _note(scene: Scene, reading: Reading, rows: Sequence[Arrow], at: int) -> tuple[str, str]:
    words = []
    if scene.ui.masked:
        words.append("private data hidden")
    if reading.wanted:
        words.append(f"with '{figures.visible_line(reading.wanted)}'")
    if len(reading.marked) == 1:
        words.append("one marked")
    words.append("all calls" if reading.whole or scene.call is None else f"call {scene.call.id}")
    if rows:
        words.append(f"{at + 1} of {len(rows)}")
    return "  ".join(words), "value" if scene.ui.masked or reading.wanted else "dim"


def _seen_parties(everyone: list[tuple[str, int]], needed: tuple[str, int], room: int) -> list[tuple[str, int]]:
    """As many as have room, the one of the chosen row among them."""
    seen = everyone[:room]
    return seen if needed in seen else [*seen[:-1], needed]


def _lanes(rect: Rect, others: int) -> list[int]:
    """The columns of the upright lines: ours, then one for each other party."""
    left = rect.x + TIME_COLUMNS
    width = max(1, (rect.right - 3 - left) // max(1, others))
    return [left + width * place for place in range(others + 1)]


def _draw_header(
    canvas: Canvas, row: Rect, scene: Scene, lanes: list[int], parties: list[tuple[str, int]], count: int
) -> None:
    canvas.put(row.x + 1, row.y, "time", "dim", TIME_COLUMNS - 2)
    canvas.put(lanes[0] - 1, row.y, "us", "label")
    for place, (lane, party) in enumerate(zip(lanes[1:], parties, strict=True)):
        name = figures.visible_line(figures.address(party))
        if _is_proxy(scene, party):
            name = f"proxy {name}"
        if place == len(parties) - 1 and count > len(parties):
            name = f"{name} +{count - len(parties)}"
        room = lane - lanes[place] - 4
        shown = text.clip(name, room, scene.look.more)
        canvas.put(min(lane - text.width(shown) // 2, row.right - 1 - text.width(shown)), row.y, shown, "label", room)


def _is_proxy(scene: Scene, party: tuple[str, int]) -> bool:
    return any(message.peer == party and message.proxied for message in scene.snapshot.sip)


def _draw_arrow(
    canvas: Canvas,
    row: Rect,
    scene: Scene,
    arrow: Arrow,
    before: float,
    lanes: list[int],
    parties: list[tuple[str, int]],
    reading: Reading,
    here: bool,
) -> None:
    selected = "+selected" if here else ""
    if here:
        canvas.focus = row.x, row.y
        canvas.fill(row, " ", "selected")
    marked = arrow.message is not None and arrow.message.number in reading.marked
    canvas.put(row.x, row.y, scene.look.pointer if here else "*" if marked else " ", f"key{selected}")
    canvas.put(row.x + 1, row.y, _clock(arrow.time), f"dim{selected}" if not here else "selected")
    canvas.put(row.x + 14, row.y, _delta(arrow.time - before), f"dim{selected}" if not here else "selected", 6)
    bar = "│" if scene.look.braille else "|"
    for lane in lanes:
        canvas.put(lane, row.y, bar, f"border{selected}" if not here else "selected")
    target = lanes[1 + parties.index(arrow.peer)] if arrow.peer in parties else lanes[-1]
    _draw_line(canvas, row.y, scene, arrow, lanes[0], target, f"{arrow.style}{selected}")


def _draw_line(canvas: Canvas, y: int, scene: Scene, arrow: Arrow, left: int, right: int, style: str) -> None:
    """``│── INVITE SDP ───▶│``: the label in the line, the head where it goes to."""
    line, sound = ("─", "═") if scene.look.braille else ("-", "=")
    line = sound if arrow.message is None else line
    heads = ("◀", "▶") if scene.look.braille else ("<", ">")
    room = right - left - 1
    canvas.put(left + 1, y, line * room, style)
    canvas.put(right - 1 if arrow.outgoing else left + 1, y, heads[arrow.outgoing], style)
    label = figures.visible_line(arrow.label) + (" again" if arrow.repeated else "")
    label += f" {arrow.times} times" if arrow.times > 1 else ""
    note = f"  {figures.visible_line(arrow.note)}" if arrow.note else ""
    words = label + note if text.width(label + note) + 8 <= room else label
    words = text.clip(words, room - 6, scene.look.more)
    if room >= 8:
        canvas.put(left + 3, y, f" {words} ", style, room - 3)


@lru_cache(maxsize=512)
def _clock(time: float) -> str:
    if not abs(time) < 1e12:  # no time at all
        return figures.clock(time)
    return f"{figures.clock(time)}.{int(time * 1000) % 1000:03d}"


def _delta(seconds: float) -> str:
    """The time since the row above, in so few columns."""
    if seconds < 0.0005:
        return ""
    if seconds < 1:
        return f"+{seconds * 1000:.0f}ms".rjust(6)
    return (f"+{seconds:.1f}s" if seconds < 100 else f"+{seconds:.0f}s").rjust(6)


def ladder_sizes(_scene: Scene, _width: int) -> tuple[int, ...]:
    return (3, 10)


# ------------------------------------------------------------------ a message, two messages


def _lines(message: SipMessage) -> list[str]:
    lines = message.text.replace("\r\n", "\n").rstrip("\n").split("\n")
    cut = message.octets - len(message.text.encode("utf-8", "replace"))
    return [*lines, f"({cut} more octets)"] if cut > 0 else lines


def _draw_message(canvas: Canvas, rect: Rect, scene: Scene, row: Arrow, reading: Reading) -> None:
    message = row.message
    assert message is not None
    way = "sent to" if row.outgoing else "received from"
    note = (
        f"{_clock(message.time)}  {way} {figures.visible_line(figures.address(message.peer))}  {message.octets} octets"
    )
    below = parts.heading(canvas, rect, figures.visible_line(row.label), note)
    lines = _lines(message)
    canvas.scroll_limit = max(0, len(lines) - below.height)
    in_body = False
    start = min(scene.ui.scroll, canvas.scroll_limit)
    for number, line in enumerate(lines):
        in_body = in_body or not line
        place = number - start
        if place < 0 or place >= below.height:
            continue
        shown = text.clip(figures.visible_line(line), below.width - 2, scene.look.more)
        name, colon, _ = shown.partition(":")
        x = below.x + 1
        if number == 0:
            canvas.put(x, below.y + place, shown, "title", below.width - 1)
        elif colon and not in_body:
            canvas.put(canvas.put(x, below.y + place, name, "label"), below.y + place, shown[len(name) :], "")
        else:
            canvas.put(x, below.y + place, shown, "", below.width - 1)


def _draw_difference(canvas: Canvas, rect: Rect, scene: Scene, reading: Reading) -> None:
    pair = [message for message in scene.snapshot.sip if message.number in reading.marked]
    if len(pair) != 2:
        parts.heading(canvas, rect, "difference", "one of the two is no longer kept", "warn")
        return
    one, other = pair
    names = " and ".join(f"{figures.visible_line(each.label)} {_clock(each.time)}" for each in pair)
    below = parts.heading(canvas, rect, "difference", names)
    wide = below.width >= SIDE_BY_SIDE_FROM
    rows = (difference.beside if wide else difference.stacked)(tuple(_lines(one)), tuple(_lines(other)))
    canvas.scroll_limit = max(0, len(rows) - below.height)
    for row, cells in zip(below.rows(), rows[min(scene.ui.scroll, canvas.scroll_limit) :], strict=False):
        width = (below.width - 1) // len(cells)
        for column, (mark, line) in enumerate(cells):
            style = {"-": "bad", "+": "ok", " ": "dim"}[mark]
            shown = text.clip(figures.visible_line(line), width - 4, scene.look.more)
            canvas.put(row.x + 1 + column * width, row.y, f"{mark} {shown}", style, width - 1)


# ------------------------------------------------------------------ keys


def _reading(desk: Desk) -> Reading:
    return desk.ui.state(Reading())


def _move(desk: Desk, name: str) -> None:
    step = {"Up": -1, "k": -1, "Down": 1, "j": 1, "PageUp": -10, "PageDown": 10}[name]
    reading = _reading(desk)
    if reading.opened:
        _scroll(desk, desk.ui.scroll + step)
    else:
        _go(desk, reading, step)


def _scroll(desk: Desk, line: int) -> None:
    """To this line of what is opened, or its last page."""
    desk.ui = replace(desk.ui, scroll=max(0, line))


def _go(desk: Desk, reading: Reading, step: int) -> None:
    rows = arrows(desk.scene(), reading)
    if rows:
        place = max(0, min(chosen(rows, reading) + step, len(rows) - 1))
        newest = place == len(rows) - 1 and step > 0
        desk.keep(replace(reading, number=None if newest else rows[place].number))


def _ends(desk: Desk, name: str) -> None:
    reading = _reading(desk)
    if reading.opened:
        _scroll(desk, 0 if name == "Home" else MOST_LINES)
    else:
        desk.keep(replace(reading, number=0 if name == "Home" else None))


def _open(desk: Desk, name: str) -> None:
    reading = _reading(desk)
    rows = arrows(desk.scene(), reading)
    if not rows:
        return
    row = rows[chosen(rows, reading)]
    if row.message is None:
        desk.notice("this is the sound: its figures are in the view calls")
    else:
        desk.keep(replace(reading, opened="message", number=row.message.number))
        _scroll(desk, 0)


def _next(desk: Desk, name: str) -> None:
    """From an opened message to the one before or after it."""
    reading = _reading(desk)
    messages = [row for row in arrows(desk.scene(), reading) if row.message is not None]
    at = chosen(messages, reading)
    place = max(0, min(at + (-1 if name in ("Left", "h") else 1), len(messages) - 1))
    if messages:
        desk.keep(replace(reading, number=messages[place].number))
        _scroll(desk, 0)


def _mark(desk: Desk, name: str) -> None:
    reading = _reading(desk)
    rows = arrows(desk.scene(), reading)
    message = rows[chosen(rows, reading)].message if rows else None
    if message is None:
        return
    if message.number in reading.marked:
        desk.keep(replace(reading, marked=tuple(number for number in reading.marked if number != message.number)))
        return
    marked = (*reading.marked, message.number)[-2:]
    desk.keep(replace(reading, marked=marked, opened="difference" if len(marked) == 2 else ""))
    _scroll(desk, 0)
    desk.notice("marked: Space on another one shows the difference" if len(marked) == 1 else "")


def _filter(desk: Desk, name: str) -> None:
    def wanted(line: str) -> None:
        desk.keep(replace(_reading(desk), wanted=line, number=None))

    desk.type_line(prompt.line("with", _reading(desk).wanted, "filters"), wanted)


def _write(desk: Desk, name: str) -> None:
    """The messages that are listed, into a file."""
    reading, scene = _reading(desk), desk.scene()
    call = None if reading.whole or scene.call is None else scene.call.id
    numbers = {row.message.number for row in arrows(scene, reading) if row.message is not None}
    if numbers:
        desk.execute(ladder_text.saving(scene.snapshot, numbers, call, desk.ui.masked))
    else:
        desk.notice("there is no message to write")


def _fold(desk: Desk, name: str) -> None:
    reading = _reading(desk)
    desk.keep(replace(reading, folded=not reading.folded))


def _widen(desk: Desk, name: str) -> None:
    reading = _reading(desk)
    desk.keep(replace(reading, whole=not reading.whole, number=None))


def _back(desk: Desk, name: str) -> None:
    """Close what is open; then show all again; then follow the newest."""
    reading = _reading(desk)
    if reading.opened:
        marked = () if reading.opened == "difference" else reading.marked
        desk.keep(replace(reading, opened="", marked=marked))
    elif reading.wanted:
        desk.keep(replace(reading, wanted=""))
    else:
        desk.keep(replace(reading, marked=(), number=None))


def _has_messages(scene: Scene) -> bool:
    return bool(scene.snapshot.sip)


def _has_repeats(scene: Scene) -> bool:
    return not _is_open(scene) and any(message.repeats is not None for message in scene.snapshot.sip)


def _is_open(scene: Scene) -> bool:
    return bool(scene.ui.state(Reading()).opened)


def _is_closed(scene: Scene) -> bool:
    return _has_messages(scene) and not _is_open(scene)


def _has_back(scene: Scene) -> bool:
    reading = scene.ui.state(Reading())
    return bool(reading.opened or reading.wanted or reading.marked or reading.number is not None)


LADDER = Pane(draw_ladder, ladder_sizes)


def tables(scene: Scene) -> Tables:
    if _is_open(scene):
        return ((0, (Band((LADDER,), 0, grows=True),)),)
    return ((0, (Band((layout.CALLS,), 1), Band((LADDER,), 0, grows=True))),)


VIEW = View(
    "ladder",
    "our SIP messages and the sound, as arrows",
    tables,
    (
        Key(("Enter",), "Enter", "open", "the message as it was on the wire", "open", _is_closed),
        Key((" ",), "Space", "mark", "mark a message; two: their difference", "mark", _is_closed),
        Key(("/",), "/", "filter", "only messages with this in them", "filter", _is_closed),
        Key(("v",), "v", "all", "the messages of all calls, or of this one", "widen", _is_closed),
        Key(("f",), "f", "fold", "a message and what repeats it as one row, or each for itself", "fold", _has_repeats),
        Key(("w",), "w", "write", "write the listed messages into a text file", "write", _has_messages),
        Key(
            ("Left", "h", "Right", "l"),
            "Left Right",
            "message",
            "the message before, the one after",
            "next",
            _is_open,
            False,
        ),
        Key(
            ("Up", "k", "Down", "j"),
            "Up Down",
            "move",
            "up and down, in an opened message too",
            "move",
            _has_messages,
            False,
        ),
        Key(("PageUp", "PageDown"), "PgUp PgDn", "", "ten rows at once", "move", _has_messages, False),
        Key(("Home", "End"), "Home End", "", "the first; the newest, which is followed", "ends", _has_messages, False),
        Key(("Escape",), "Esc", "close", "close what is open, show all, follow the newest", "close", _has_back),
    ),
    {
        "open": _open,
        "mark": _mark,
        "filter": _filter,
        "widen": _widen,
        "fold": _fold,
        "write": _write,
        "next": _next,
        "move": _move,
        "ends": _ends,
        "close": _back,
    },
)
