"""What the far end says about the stream we send it (RFC 3550 section 6.4), and the reports both sides sent."""

from __future__ import annotations

from engine.model import MediaView, RtcpView
from widgets import figures, parts, text
from widgets.canvas import Canvas, Rect
from widgets.ui import Scene

STALE_S = 15.0  # three of the usual intervals without a report


def sizes(_scene: Scene, width: int) -> tuple[int, ...]:
    return (4, 5) if _columns(width) == 2 else (4, 8)


def _columns(width: int) -> int:
    return 2 if width >= 39 else 1


def draw(canvas: Canvas, rect: Rect, scene: Scene) -> None:
    media = scene.call.media if scene.call is not None else None
    if media is None or rect.empty:
        return
    view = media.rtcp
    title = "the far end reports" if rect.width >= 38 else "far end reports"
    below = parts.heading(canvas, rect, title, _age(view, rect.width), _age_style(media))
    columns = _columns(below.width)
    heard, counted = _heard(view, below.width // columns - 9, scene.look.more), _counted(view)
    items = [*heard, *counted]
    if columns == 2:
        items = [field for pair in zip(heard, counted, strict=True) for field in pair]
    parts.fields(canvas, below, items, columns)


def _age(view: RtcpView, width: int) -> str:
    if view.remote is None or not figures.known(view.remote.age_s):
        return "nothing yet" if width >= 38 else "none yet"
    return f"{'RTCP ' if width >= 44 else ''}{view.remote.age_s:.0f} s ago"


def _age_style(media: MediaView) -> str:
    """A report that stays out is worth a look, unless there is nothing to report about: we send nothing."""
    report, sends = media.rtcp.remote, media.direction in ("sendrecv", "sendonly")
    return "warn" if report is not None and report.age_s > STALE_S and sends else "dim"


def _heard(view: RtcpView, room: int, mark: str) -> list[parts.Field]:
    """How our sound arrives there, and who says so."""
    report = view.remote
    loss = report.total_loss_percent if report else None
    jitter = report.jitter_ms if report else None
    lost = f"{figures.count(max(report.lost, 0))} ({figures.percent(loss)})" if report else figures.UNKNOWN
    name = text.clip(figures.visible_line(view.cname), room, mark) if view.cname else figures.UNKNOWN
    return [
        ("lost", lost, figures.loss_style(loss)),
        ("jitter", figures.millis(jitter), figures.jitter_style(jitter)),
        ("round trip", figures.millis(view.rtt_ms), figures.rtt_style(view.rtt_ms)),
        ("cname", name, "" if view.cname else "dim"),
    ]


def _counted(view: RtcpView) -> list[parts.Field]:
    """The reports that went out and came in; what could not be read instead of the goodbyes, if there is any.

    Packets of other types are none of these: they are allowed, and passed over (RFC 3550 section 6.1).
    """
    odd = view.malformed
    goodbyes = f"{view.bye_sent} out {view.bye_received} in"
    return [
        ("SR", f"{view.sr_sent} out {view.sr_received} in", "value"),
        ("RR", f"{view.rr_sent} out {view.rr_received} in", "value"),
        ("XR", f"{view.xr_sent} out {view.xr_received} in", "value" if view.xr_received else "dim"),
        ("not read", figures.count(odd), "warn") if odd else ("BYE", goodbyes, "value"),
    ]
