"""A piece of bad network between two SIP peers: forwards datagrams both ways, loses some and repeats others.

    python lossy_wire.py PORT PEER_PORT [RULE ...]

What comes from the peer's port goes to whoever wrote last, everything else goes to the peer. A rule is
``lose:WORD:COUNT`` (the first COUNT messages whose start line has that method or status) or ``repeat:WORD``.
Each message is told on standard output. Ends with SIGTERM, or after a minute.
"""

from __future__ import annotations

import socket
import sys
import time

HOST = "127.0.0.1"


def kind(data: bytes) -> str:
    """The method of a request; the status and method of a response, as in ``200 INVITE``."""
    lines = data.decode("utf-8", "replace").split("\r\n")
    first = lines[0].split()
    if not first or first[0] != "SIP/2.0":
        return first[0] if first else ""
    method = next((line.split()[-1] for line in lines if line.lower().startswith("cseq:")), "")
    return f"{first[1]} {method}"


def main(port: int, peer_port: int, rules: list[str]) -> None:
    losses = {word: int(count) for word, count in (rule.split(":")[1:] for rule in rules if rule.startswith("lose"))}
    repeated = {rule.split(":")[1] for rule in rules if rule.startswith("repeat")}
    peer = (HOST, peer_port)
    other = None
    end = time.monotonic() + 60
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as wire:
        wire.bind((HOST, port))
        wire.settimeout(1)
        print("ready", flush=True)
        while time.monotonic() < end:
            try:
                data, source = wire.recvfrom(65536)
            except OSError:  # nothing came, or nobody listened where the last one went
                continue
            if source != peer:
                other = source
            target = other if source == peer else peer
            what = kind(data)
            lost = losses.get(what, 0) > 0
            if lost:
                losses[what] -= 1
            print("lost" if lost else "passed", what, flush=True)
            if target is not None and not lost:
                for _ in range(3 if what in repeated else 1):
                    wire.sendto(data, target)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
