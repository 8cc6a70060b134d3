"""Sockets, clocks, files and the sound card: everything that is not pure lives here.

loop.py       select(), the monotonic clock, signals                 imports errors
udp.py        open, drain, send                                      imports errors, loop
clock.py      wall time and entropy                                  imports nothing
wav.py        sound files in and out                                 imports engine.media
sound.py      microphone and loudspeaker: card, file or silence      imports wav, card_link
card_link.py  the engine's end of the card's helper process          imports card (its framing), engine.media
card.py       the helper process, the one user of pyaudio            imports nothing of ours
"""

from __future__ import annotations

from engine.io.errors import NetworkError, PortTaken
from engine.io.loop import Loop
from engine.io.udp import Address, UdpSocket

__all__ = ["Address", "Loop", "NetworkError", "PortTaken", "UdpSocket"]
