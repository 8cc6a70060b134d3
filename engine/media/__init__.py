"""One call's audio: RTP, RTCP, codecs, jitter buffer, concealment. Pure, with numpy.

Bytes and ``now`` come in; bytes, samples and deadlines go out. Nothing here opens a socket, reads a clock, a
file or the ``random`` module: time and entropy are arguments, so a minute of a call is tested in milliseconds.
Imports run downward only, and never to ``engine.sip``::

    stream.py         one call's audio both ways, and its figures
    outgoing.py       frames and digits to RTP packets
    incoming.py       RTP packets of one source at a time to sound and digits
    rtcp_session.py   RFC 3550 6.2, 6.3, A.7: when to report, and what both ends have reported
    playout.py        packets in, exactly the asked number of samples out
    jitter.py         the buffer with a clock        media_line.py  timestamps to seconds
    delay.py          how long packets ought to wait  drift.py  whose clock is faster
    conceal.py        sound for what is missing      codec_conceal.py  the same by the codec itself
    repeat.py         its last pitch period again    pitch.py    where a sound resembles itself
    pace.py           when to change the delay       stretch.py  faster and slower playing
    silence.py        pauses that need not be sent, and what to say of the room meanwhile
    red.py            RFC 2198: packets that repeat earlier ones   redundancy.py  how much of that to send
    repeats.py        how long to wait for what is repeated
    dtmf.py           RFC 4733 digits, both ways
    source.py         RFC 3550 A.1, A.3, A.8: sequence, loss and jitter of one SSRC
    rtp.py  rtcp.py   RFC 3550 5 and 6: bytes to packets and back
    codecs/           a registry by encoding name; one file for each family
    voice.py echo.py  what is done to a card's microphone: echo, noise, gain, ducking
    listener.py       what is wrong with our own microphone
    tones.py          ring, ringback, busy and the like
    level.py  mixer.py  resample.py     PCM arithmetic
    errors.py         MediaError, the one error for bad input

Samples are numpy ``int16``, mono, one-dimensional, at the sampling rate of the codec (``rate_hz``).
"""

from __future__ import annotations

from engine.media.errors import MediaError

__all__ = ["MediaError"]
