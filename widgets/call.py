"""One call in words: what happens now, what was agreed, which addresses are used, digits, recording, why it ended."""

from __future__ import annotations

from engine.model import CallState, CallView, MediaView
from widgets import figures, parts
from widgets.canvas import Canvas, Rect
from widgets.ui import Scene

LABEL_COLUMNS = 9
COLUMN_LEAST = 48
DIGITS = 16  # of each way are shown


def sizes(scene: Scene, width: int) -> tuple[int, ...]:
    if scene.call is None:
        return (0,)
    listed = items(scene.call, scene, width)
    rows = -(-len(listed) // _columns(width, listed))
    return (min(2, 1 + rows), 1 + rows)


def _columns(width: int, listed: list[parts.Field]) -> int:
    return max(1, min(3, width // COLUMN_LEAST, len(listed)))


def draw(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    if scene.call is None or rect.empty:
        return
    title = f"call {scene.call.id} {scene.look.dot} {figures.peer(scene.call, rect.width - 24, scene.look.more)}"
    below = parts.heading(canvas, rect, title)
    listed = items(scene.call, scene, rect.width)
    columns = _columns(rect.width, listed)
    width = below.width // columns
    for column in range(columns):
        place = Rect(below.x + column * width, below.y, width, below.height)
        parts.facts(canvas, place, listed[column::columns], LABEL_COLUMNS, scene.look.more)


def items(call: CallView, scene: Scene, width: int) -> list[parts.Field]:
    """The facts, the ones that matter most first."""
    facts = _happening(call, scene)
    if call.digits_sent or call.digits_received:
        facts.append(("digits", _digits(call, scene.look.more), "value"))
    if call.media is not None:
        facts += _addresses(call.media, scene.look.outgoing, width)
    if call.recording:
        facts.append(("record", figures.visible_line(call.recording), ""))
    return facts


def _happening(call: CallView, scene: Scene) -> list[parts.Field]:
    """What the list of calls does not say about the state."""
    style, why = figures.STATE_STYLES[call.state], figures.reason(call)
    if call.state is CallState.ENDED:
        after = f", after {figures.duration(call.talk_s)}" if call.talk_s > 0 else ""
        return [("ended", (why or "no reason given") + after, "value")]
    if call.state is CallState.RINGING:
        return [("state", _invitation(scene), style)]
    if call.state is CallState.DIALLING:
        return [("state", "calling, no answer yet", style)]
    if call.state is CallState.PROGRESS:
        return [("state", f"{figures.state(call)}{f': {why}' if why else ''}", style)]
    facts = [("state", "answered automatically", "")] if call.auto_answered else []
    if call.media is not None and call.media.direction != "sendrecv":
        facts.append(("audio", figures.DIRECTIONS.get(call.media.direction, call.media.direction), "held"))
    return facts


def _invitation(scene: Scene) -> str:
    hints = " or ".join(f"{hint.key} to {hint.label}" for hint in parts.answer_keys(scene.ui.keys))
    return f"they are calling you{': ' if hints else ''}{hints}"


def _addresses(media: MediaView, arrow: str, width: int) -> list[parts.Field]:
    """Where sound comes from and goes to; on one line where RTCP has the same hosts and a line is all there is."""
    rtp = f"{figures.address(media.local)} {arrow} {figures.address(media.remote)}"
    there, there_rtcp = media.remote, media.remote_rtcp
    hosts_agree = there and there_rtcp and there[0] == there_rtcp[0] and media.local[0] == media.local_rtcp[0]
    if 70 <= width < 2 * COLUMN_LEAST and there_rtcp and hosts_agree:
        return [("RTP", f"{rtp}   RTCP {media.local_rtcp[1]} {arrow} {there_rtcp[1]}", "")]
    rtcp = f"{figures.address(media.local_rtcp)} {arrow} {figures.address(there_rtcp)}"
    return [("RTP", rtp, ""), ("RTCP", rtcp, "")]


def _digits(call: CallView, more: str) -> str:
    """The newest digits, both ways; ``more`` stands for earlier ones."""
    ways = (("sent", call.digits_sent), ("received", call.digits_received))
    return "  ".join(f"{name} {_newest(digits, more)}" for name, digits in ways if digits)


def _newest(digits: str, more: str) -> str:
    return f"{more if len(digits) > DIGITS else ''}{figures.visible_line(digits[-DIGITS:])}"
