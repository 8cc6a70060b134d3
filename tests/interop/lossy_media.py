"""A piece of bad network for the sound of a call: forwards SIP as it is, and loses some of the RTP.

    python lossy_media.py HOST PORT PEER_PORT MEDIA_PORT PERCENT SEED

SIP goes to PEER_PORT and back, as with ``lossy_wire.py``. In every session description the media port is replaced by
one of two of ours, MEDIA_PORT for who stands behind PEER_PORT and MEDIA_PORT + 2 for the other, so that the sound of
both comes by here; RTCP one port above each. Of the RTP packets of each direction PERCENT are lost, the same ones for
the same SEED; RTCP passes. All ports have five digits: no description changes its length. Ends with SIGTERM, or after
two minutes.
"""

from __future__ import annotations

import random
import re
import select
import socket
import sys
import time

LIFETIME_S = 120
_CONTACT = re.compile(rb"^(Contact:[^\r]*@?(?:127\.0\.0\.1|\[::1\])):\d+", re.IGNORECASE | re.MULTILINE)
_AUDIO = re.compile(rb"^(m=audio )(\d{5})( )", re.MULTILINE)
_RTCP = re.compile(rb"^(a=rtcp:)(\d{5})", re.MULTILINE)


def bound(host: str, port: int) -> socket.socket:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((host, port))
    return udp


class Line:
    """``ends``: 0 is who called first through here, 1 is the peer."""

    def __init__(self, host: str, port: int, peer_port: int, media_port: int, loss: float, seed: int) -> None:
        self._host, self._port, self._loss = host, port, loss
        self._sip = bound(host, port)
        self._peers: list[tuple[str, int] | None] = [None, (host, peer_port)]
        self._media: list[int | None] = [None, None]  # where each end wants its RTP
        self._reports: list[int | None] = [None, None]
        # What stands for end 0 is written to by end 1, and the other way round.
        self._rtp = [bound(host, media_port + 2), bound(host, media_port)]
        self._rtcp = [bound(host, media_port + 3), bound(host, media_port + 1)]
        self._chance = [random.Random(f"{seed}/{end}") for end in (0, 1)]

    def run(self) -> None:
        end = time.monotonic() + LIFETIME_S
        sockets = [self._sip, *self._rtp, *self._rtcp]
        while time.monotonic() < end:
            for ready in select.select(sockets, [], [], 1)[0]:
                try:
                    data, source = ready.recvfrom(65536)
                except OSError:  # nobody listened where the last one went
                    continue
                self._forward(ready, data, source)

    def _forward(self, ready: socket.socket, data: bytes, source: tuple[str, int]) -> None:
        if ready is self._sip:
            self._pass_sip(data, source)
        elif ready in self._rtp:
            to = self._rtp.index(ready)
            if self._chance[to].random() >= self._loss:
                self._send(self._rtp[1 - to], data, self._media[to])
        else:
            to = self._rtcp.index(ready)
            self._send(self._rtcp[1 - to], data, self._reports[to])

    def _send(self, udp: socket.socket, data: bytes, port: int | None) -> None:
        if port is not None:
            udp.sendto(data, (self._host, port))

    def _pass_sip(self, data: bytes, source: tuple[str, int]) -> None:
        end = int(source == self._peers[1])
        if not end:
            self._peers[0] = source
        data = _CONTACT.sub(rb"\1:%d" % self._port, data)
        media = _AUDIO.search(data)
        if media is not None:
            rtp = int(media[2])
            rtcp = _RTCP.search(data)
            self._media[end], self._reports[end] = rtp, int(rtcp[2]) if rtcp else rtp + 1
            ours = self._rtp[end].getsockname()[1]
            data = _AUDIO.sub(rb"\g<1>%d\3" % ours, data)
            data = _RTCP.sub(rb"\g<1>%d" % (ours + 1), data)
        other = self._peers[1 - end]
        if other is not None:
            self._sip.sendto(data, other)


if __name__ == "__main__":
    host_, *numbers = sys.argv[1:]
    port_, peer_, media_ = map(int, numbers[:3])
    line = Line(host_, port_, peer_, media_, float(numbers[3]) / 100, int(numbers[4]))
    print("ready", flush=True)
    line.run()
