"""What every call's audio needs and none of them owns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from engine.conference import Conference
from engine.far_end import Names
from engine.handset import Handset
from engine.ports import Net

if TYPE_CHECKING:
    from engine.media.rtcp_session import Entropy


@dataclass(frozen=True, slots=True)
class Surroundings:
    """Made once, by the phone; see ``engine.media_session``."""

    net: Net
    names: Names  # of hosts: where the sound goes
    handset: Handset
    conference: Conference
    entropy: Entropy
    cname: str
    echo: bool
    silence_suppression: bool  # nothing is sent while nothing is said
    buffer_ms: tuple[float, float]  # bounds of the delay that the jitter buffer aims at
    redundancy: int | None  # packets to repeat in each; None: by what the far end reports
    log: Callable[[str, str, str], None]  # level, source, text
