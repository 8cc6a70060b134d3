"""A piece of bad network between two SIP peers: forwards datagrams both ways, loses some and repeats others.

    python lossy_wire.py HOST PORT PEER_PORT [RULE ...]

What comes from the peer's port goes to whoever wrote last, everything else goes to the peer. A rule is
``lose:WORD:COUNT`` (the first COUNT messages whose start line has that method or status) or ``repeat:WORD``.
Every Contact is made to lead over the wire, so that ACK and BYE, too, may be lost on it. Each message is told on
standard output. Ends with SIGTERM, or after two minutes.
"""

from __future__ import annotations

import re
import socket
import sys
import time

LIFETIME_S = 120
_CONTACT = re.compile(rb"^(Contact:[^\r]*@?(?:127\.0\.0\.1|\[::1\])):\d+", re.IGNORECASE | re.MULTILINE)


def kind(data: bytes) -> str:
    """The method of a request; the status and method of a response, as in ``200 INVITE``."""
    lines = data.decode("utf-8", "replace").split("\r\n")
    first = lines[0].split()
    if not first or first[0] != "SIP/2.0":
        return first[0] if first else ""
    method = next((line.split()[-1] for line in lines if line.lower().startswith("cseq:")), "")
    return f"{first[1]} {method}"


class Rules:
    """What becomes of each message: how often it is sent on."""

    def __init__(self, rules: list[str]) -> None:
        lost = (rule.split(":")[1:] for rule in rules if rule.startswith("lose:"))
        self._lost = {word: int(count) for word, count in lost}
        self._repeated = {rule.split(":")[1] for rule in rules if rule.startswith("repeat:")}

    def copies(self, data: bytes) -> int:
        """0, 1 or 3; tells it, too."""
        what = kind(data)
        lost = self._lost.get(what, 0) > 0
        if lost:
            self._lost[what] -= 1
        print("lost" if lost else "passed", what, flush=True)
        return 0 if lost else 3 if what in self._repeated else 1


def bound(host: str, port: int) -> socket.socket:
    """A UDP socket there, that says ``ready`` and never waits longer than a second."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    udp = socket.socket(family, socket.SOCK_DGRAM)
    udp.bind((host, port))
    udp.settimeout(1)
    print("ready", flush=True)
    return udp


def main(host: str, port: int, peer_port: int, rules: Rules) -> None:
    peer, other = (host, peer_port), None
    end = time.monotonic() + LIFETIME_S
    with bound(host, port) as wire:
        while time.monotonic() < end:
            try:
                data, address = wire.recvfrom(65536)
            except OSError:  # nothing came, or nobody listened where the last one went
                continue
            source = (address[0], address[1])
            if source != peer:
                other = source
            target = other if source == peer else peer
            copies = rules.copies(data)
            if target is not None:
                for _ in range(copies):
                    wire.sendto(_CONTACT.sub(rb"\1:%d" % port, data), target)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), Rules(sys.argv[4:]))
