"""The sound devices there are, for the user to choose from: asked of the card's helper, which opens none of them."""

from __future__ import annotations

from collections.abc import Callable

from engine.install import pyaudio_line
from engine.io.card_link import CardLink, State
from engine.io.loop import Loop
from engine.io.sound import SoundError, pyaudio_is_there

LOOK_S = 10.0


def device_lines(there: Callable[[], bool] = pyaudio_is_there, command: list[str] | None = None) -> list[str]:
    """One line a device: which way it goes, its name, and whether it is what is taken when none is named.

    Raises SoundError with one line when nobody can tell.
    """
    if not there():
        raise SoundError(f"a list of sound devices needs PyAudio, which is not installed: {pyaudio_line()}")
    loop = Loop()
    card = CardLink(loop, command=command)
    try:
        card.start(loop.now)
        end = loop.now + LOOK_S
        while card.state is State.LOOKING and loop.now < end:
            loop.turn(end - loop.now)
        if card.state is not State.IDLE:
            raise SoundError(f"the sound devices cannot be listed: {card.note.removesuffix(': silence')}")
        return _lines(card)
    finally:
        card.close()
        loop.close()


def _lines(card: CardLink) -> list[str]:
    """As wide as the names need; the same name twice is two devices."""
    usual = {direction: name for direction, name in zip(("input", "output"), card.usual, strict=True) if name}
    lines = []
    for direction, names in card.devices.items():
        for name in names:
            is_usual = usual.get(direction) == name
            if is_usual:
                del usual[direction]
            lines.append(f"{direction:6}  {name}{'  (default)' if is_usual else ''}")
    return lines
