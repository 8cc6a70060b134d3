"""The sound card's devices by their names, as a user chooses among them."""

from __future__ import annotations

from collections.abc import Sequence

from engine.model import DevicesView

WAYS = ("input", "output")  # in the order of DevicesView.chosen


def names(devices: DevicesView, way: str) -> list[str]:
    """Each once: what is called the same cannot be told apart."""
    return list(dict.fromkeys((devices.inputs, devices.outputs)[WAYS.index(way)]))


def found(known: Sequence[str], chosen: str) -> str | None:
    """The device that this name means: the one of that name, or the first that has it in its own."""
    return chosen if chosen in known else next((name for name in known if chosen.lower() in name.lower()), None)
