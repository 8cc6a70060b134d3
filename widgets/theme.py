"""Style names to colours and attributes.

Panes say what a thing is ("warn"); here it is said how that looks. Only the 16 ANSI colours on the terminal's own
background are used, so that the user's palette decides. Every style differs by an attribute or by its words too,
so that a screen without colour says the same. Names can be joined: "warn+selected".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

RED, GREEN, YELLOW, BLUE, MAGENTA, CYAN = 1, 2, 3, 4, 5, 6
BRIGHT = 8  # added to a colour


@dataclass(frozen=True, slots=True)
class Look:
    """How a style is painted: ``colour`` 0 to 15, or None for the terminal's own."""

    colour: int | None = None
    bold: bool = False
    dim: bool = False
    reverse: bool = False
    underline: bool = False

    def with_(self, other: Look) -> Look:
        """Both: attributes add up, the other's colour wins."""
        return Look(
            self.colour if other.colour is None else other.colour,
            self.bold or other.bold,
            self.dim or other.dim,
            self.reverse or other.reverse,
            self.underline or other.underline,
        )

    @property
    def without_colour(self) -> Look:
        return Look(None, self.bold, self.dim, self.reverse, self.underline)


PLAIN = Look()
LOOKS: dict[str, Look] = {
    "": PLAIN,
    "title": Look(CYAN, bold=True),
    "label": Look(CYAN),
    "value": PLAIN,
    "border": Look(dim=True),
    "dim": Look(dim=True),
    "ok": Look(GREEN),
    "warn": Look(YELLOW, bold=True),
    "bad": Look(RED, bold=True),
    "selected": Look(reverse=True),
    "key": Look(bold=True),
    "notice": Look(YELLOW, bold=True),
    "prompt": Look(bold=True),
    "meter_low": Look(GREEN),
    "meter_mid": Look(YELLOW),
    "meter_high": Look(RED, bold=True),
    "peak": Look(bold=True),
    "talking": Look(GREEN, bold=True),
    "ringing": Look(MAGENTA, bold=True),
    "held": Look(BLUE, bold=True),
}


# On a light background yellow, green and cyan are too pale to be read, and bold makes them brighter still.
LIGHT: dict[str, Look] = {
    **LOOKS,
    "title": Look(BLUE, bold=True),
    "label": Look(BLUE),
    "ok": PLAIN,
    "warn": Look(MAGENTA),
    "notice": Look(MAGENTA, bold=True),
    "meter_mid": Look(BLUE),
    "talking": Look(bold=True),
    "ringing": Look(MAGENTA, bold=True, underline=True),
    "held": Look(BLUE, underline=True),
}


def looks_on(background: str | None, environ: Mapping[str, str]) -> Mapping[str, Look]:
    """All styles, for a "light" or a "dark" background; None: what the terminal says of itself, or else dark.

    ``COLORFGBG`` is ``foreground;background`` by the numbers of the 16 colours (rxvt, Konsole and others set it).
    """
    if background is None:
        background = "light" if environ.get("COLORFGBG", "").rpartition(";")[2] in ("7", "15") else "dark"
    return LIGHT if background == "light" else LOOKS


def look(style: str, colour: bool = True, looks: Mapping[str, Look] = LOOKS) -> Look:
    """The look of a style name or of several joined by "+"; an unknown name is plain."""
    result = PLAIN
    for name in style.split("+"):
        result = result.with_(looks.get(name, PLAIN))
    return result if colour else result.without_colour


def wants_colour(environ: Mapping[str, str]) -> bool:
    """False when the user said NO_COLOR (no-color.org: set and not empty)."""
    return not environ.get("NO_COLOR")
