"""A stateless SIP proxy that stays in the path (RFC 3261 16.11), for calls through somebody in between.

    python proxy.py KIND HOST PORT TARGET_PORT[,TARGET_PORT ...] [RULE ...]

KIND ``loose`` writes ``;lr`` into its Record-Route; ``strict`` does not, and routes as RFC 2543 did: the first
Route becomes the Request-URI. A request for the proxy itself goes to the targets, to all of them at once. Rules
are those of ``lossy_wire.py``. Each message is told on standard output, each request within a dialog that came
without the route it should have as ``astray METHOD``, and each that a strict proxy of old could not have forwarded
as ``loosely METHOD PORT`` (SIPp knows no better). Ends with SIGTERM, or after two minutes.
"""

from __future__ import annotations

import hashlib
import re
import sys
import time

from lossy_wire import LIFETIME_S, Rules, bound, kind

Address = tuple[str, int]

_URI = re.compile(r"sips?:(?:[^@>;\s]*@)?(\[[^\]]+\]|[^:;>\s]+)(?::(\d+))?")


class Proxy:
    """Takes datagrams, gives datagrams; remembers nothing (section 16.11)."""

    def __init__(self, strict: bool, host: str, port: int, targets: list[int]) -> None:
        self._strict = strict
        self._host, self._port = host, port
        self._targets = targets
        self._me = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    def forward(self, data: bytes, source: Address) -> list[tuple[bytes, Address]]:
        head, _, body = data.decode("utf-8", "surrogateescape").partition("\r\n\r\n")
        start, *lines = head.split("\r\n")
        headers = [header for line in lines for header in _apart(line)]
        response = start.startswith("SIP/2.0 ")
        ways = self._response(start, headers) if response else self._request(start, headers, source)
        out = []
        for start, headers, destination in ways:
            text = "\r\n".join([start, *headers]) + "\r\n\r\n" + body
            out.append((text.encode("utf-8", "surrogateescape"), destination))
        return out

    def _response(self, start: str, headers: list[str]) -> list[tuple[str, list[str], Address]]:
        """Section 16.7: our Via goes, the one below says where to."""
        vias = [number for number, line in enumerate(headers) if _name(line) == "via"]
        if len(vias) < 2 or f" {self._me};" not in headers[vias[0]]:
            return []
        destination = _via_address(headers[vias[1]])
        return [(start, headers[: vias[0]] + headers[vias[0] + 1 :], destination)]

    def _request(self, start: str, headers: list[str], source: Address) -> list[tuple[str, list[str], Address]]:
        method, uri, version = start.split(" ")
        top = next(line for line in headers if _name(line) == "via")
        headers = [_received(line, source) if line is top else line for line in headers]
        routes = [line for line in headers if _name(line) == "route"]
        others = [line for line in headers if _name(line) != "route"]
        if self._mine(uri) and not routes:
            if _to_tag(headers) and method != "ACK":  # a refusal's ACK goes where its INVITE went
                print("astray", method, flush=True)
            targets = [(self._host, port) for port in self._targets]
            return [self._onward(method, self._aimed(uri, to), version, top, others, to) for to in targets]
        if self._mine(uri):  # strict: the way is in the Route headers, the next of them goes up
            uri, routes = _uri(routes[0]), routes[1:]
        elif routes and self._mine(_uri(routes[0])):
            if self._strict:
                print("loosely", method, source[1], flush=True)
            routes = routes[1:]
        else:
            print("astray", method, flush=True)
        next_hop = _uri(routes[0]) if routes else uri
        return [self._onward(method, uri, version, top, [*routes, *others], _address(next_hop))]

    def _onward(
        self, method: str, uri: str, version: str, top: str, headers: list[str], destination: Address
    ) -> tuple[str, list[str], Address]:
        mark = hashlib.sha256(f"{_branch(top)} {destination}".encode()).hexdigest()[:16]
        added = [f"Via: SIP/2.0/UDP {self._me};branch=z9hG4bK{mark}"]
        if method == "INVITE" and not _to_tag(headers):
            added.append(f"Record-Route: <sip:{self._me}{'' if self._strict else ';lr'}>")
        return f"{method} {uri} {version}", added + headers, destination

    def _aimed(self, uri: str, to: Address) -> str:
        return uri.replace(self._me, self._me.rpartition(":")[0] + f":{to[1]}")

    def _mine(self, uri: str) -> bool:
        return _address(uri) == (self._host, self._port)


def _name(line: str) -> str:
    return line.partition(":")[0].strip().lower()


def _apart(line: str) -> list[str]:
    """A list of ways in one header, as one header each."""
    name, _, values = line.partition(":")
    if _name(line) not in ("via", "route"):
        return [line]
    return [f"{name}: {value.strip()}" for value in values.split(",")]


def _uri(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]


def _address(uri: str) -> Address:
    found = _URI.match(uri)
    assert found is not None, uri
    return found[1].strip("[]"), int(found[2] or 5060)


def _branch(via: str) -> str:
    return via.partition("branch=")[2].partition(";")[0].strip()


def _to_tag(headers: list[str]) -> bool:
    return any(_name(line) in ("to", "t") and ";tag=" in line for line in headers)


def _received(via: str, source: Address) -> str:
    """RFC 3581: where it really came from."""
    return re.sub(r";rport(?!=)", f";received={source[0]};rport={source[1]}", via)


def _via_address(via: str) -> Address:
    sent_by = via.split(None, 2)[2].partition(";")[0].strip()
    host, _, port = sent_by.rpartition(":") if ":" in sent_by.rpartition("]")[2] else (sent_by, "", "5060")
    received, rport = re.search(r";received=([^;,\s]+)", via), re.search(r";rport=(\d+)", via)
    return (received[1] if received else host.strip("[]")), int(rport[1] if rport else port)


def main(proxy: Proxy, host: str, port: int, rules: Rules) -> None:
    end = time.monotonic() + LIFETIME_S
    with bound(host, port) as udp:
        while time.monotonic() < end:
            try:
                data, address = udp.recvfrom(65536)
            except OSError:  # nothing came, or nobody listened where the last one went
                continue
            if not kind(data):
                continue
            copies = rules.copies(data)
            for out, destination in proxy.forward(data, (address[0], address[1])):
                for _ in range(copies):
                    udp.sendto(out, destination)


if __name__ == "__main__":
    own = (sys.argv[2], int(sys.argv[3]))
    ports = [int(port) for port in sys.argv[4].split(",")]
    main(Proxy(sys.argv[1] == "strict", *own, ports), *own, Rules(sys.argv[5:]))
