"""The door to the engine: commands in, events and snapshots out.

    engine = Engine(config)             opens the sockets; raises NetworkError, ConfigError, WavError, SoundError
    engine.execute(Dial("sip:bob@192.0.2.7"))
    engine.poll(0.1)                    one turn of select(): packets, timers, sound
    engine.events(); engine.snapshot()  what happened, and how things stand

Everything that crosses this border is a frozen value of ``engine.model``. The names below are the public API;
``Engine`` itself is imported when first asked for, so that a face can import the model without the sockets.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from engine import model
from engine.model import (
    Answer,
    CallState,
    Command,
    CommandError,
    Conference,
    Dial,
    Event,
    HangUp,
    Hold,
    Mute,
    Probe,
    Quit,
    Reject,
    SendDigits,
    SetVoice,
    SetVolume,
    Snapshot,
)

if TYPE_CHECKING:
    from engine.host import Engine

__all__ = [
    "Answer",
    "CallState",
    "Command",
    "CommandError",
    "Conference",
    "Dial",
    "Engine",
    "Event",
    "HangUp",
    "Hold",
    "Mute",
    "Probe",
    "Quit",
    "Reject",
    "SendDigits",
    "SetVoice",
    "SetVolume",
    "Snapshot",
    "model",
]


def __getattr__(name: str) -> Any:
    if name == "Engine":
        from engine.host import Engine

        return Engine
    raise AttributeError(f"module 'engine' has no attribute '{name}'")
