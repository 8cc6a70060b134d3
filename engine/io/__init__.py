"""Sockets, clocks, files and the sound card: everything that is not pure lives here.

errors.py        what can go wrong when a socket is opened              imports nothing
loop.py          select(), the monotonic clock, signals                 imports errors
udp.py           open, drain, send                                      imports errors, loop
dns.py           names to addresses without waiting                     imports clock, loop, udp
clock.py         wall time and entropy                                  imports nothing
places.py        standard streams, the sample, recordings' places   imports audio_files
text_files.py    small text files: contacts, past calls, what is saved   imports nothing
companion.py     the demo's other end, a process of its own         imports nothing
audio_files.py   sound files by their format                            imports wav, encoded
encoded.py       FLAC, Ogg/Opus and MP3 by libsndfile                   imports wav, resampling
wav.py           WAV in and out                                         imports resampling, engine.media
resampling.py    rates of files, by soxr where it is                    imports engine.media
sound.py         microphone and loudspeaker: card, file or silence      imports audio_files, card_link
devices.py       what devices there are, in lines                       imports sound, card_link
card_link.py     the engine's end of the card                           imports card_process, pcm_queue, engine.media
card_process.py  the card's process, started, watched and given up      imports card (its messages), loop
pcm_queue.py     samples between the card's clock and ours              imports nothing
card.py          that process: the one user of pyaudio                  imports nothing of ours
"""

from __future__ import annotations

from engine.io.errors import NetworkError, PortTaken
from engine.io.loop import Loop
from engine.io.udp import Address, UdpSocket

__all__ = ["Address", "Loop", "NetworkError", "PortTaken", "UdpSocket"]
