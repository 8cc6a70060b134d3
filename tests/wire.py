"""Whole phones in memory, joined by a network that may do anything, in virtual time.

A :class:`Wire` carries datagrams between :class:`Station` objects: a real ``Phone`` each, with sockets, sound, chance,
names and clock made of paper. By default a datagram takes ``delay_s`` and arrives; rules may say otherwise, datagram by
datagram. Nothing here waits: a minute of two people talking takes about a second.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from engine import model
from engine.config import Config
from engine.io.udp import NetworkError
from engine.phone import Outside, Phone

Address = tuple[str, int]

ANNA, BOB, CAROL, STRANGER = "192.0.2.1", "192.0.2.2", "192.0.2.3", "203.0.113.66"
EPOCH = 1_700_000_000.0
MOST_TURNS = 400_000
SOCKET_HOLDS = 5_000
PLAIN = ("PCMU", "PCMA", "L16")  # codecs that need no library, and keep the waveform: phones speak these by default


# ---------------------------------------------------------------------- datagrams and what becomes of them


@dataclass(frozen=True)
class Datagram:
    """One datagram on its way; ``port_kind`` is that of the socket which sent it: "sip", "rtp" or "rtcp"."""

    data: bytes
    source: Address
    destination: Address
    port_kind: str
    sent_at: float

    @property
    def sip(self) -> str:
        """``INVITE``, or ``200 INVITE`` for a response; empty for what is not SIP."""
        if self.port_kind != "sip":
            return ""
        first, _, rest = self.data.partition(b"\r\n")
        if not first.startswith(b"SIP/2.0 "):
            return first.split(b" ")[0].decode()
        method = rest.partition(b"CSeq: ")[2].partition(b"\r\n")[0].split(b" ")[1]
        return f"{first.split(b' ')[1].decode()} {method.decode()}"


Matches = Callable[[Datagram], bool]
Rule = Callable[[Datagram], "list[float] | None"]  # the delays of its copies (none: lost), or None: no opinion


def is_sip(*wanted: str) -> Matches:
    """Datagrams that are one of these, such as ``INVITE`` or ``200 INVITE``."""
    return lambda datagram: datagram.sip in wanted


def is_media(datagram: Datagram) -> bool:
    return datagram.port_kind in ("rtp", "rtcp")


def is_from(host: str, matches: Matches = lambda datagram: True) -> Matches:
    """Those of ``matches`` that this host sent."""
    return lambda datagram: datagram.source[0] == host and matches(datagram)


# ---------------------------------------------------------------------- what a phone stands on


class Socket:
    """A datagram socket of paper (``engine.ports.Port``)."""

    def __init__(self, net: Net, address: Address, kind: str) -> None:
        self.net, self.address, self.kind = net, address, kind
        self.stamped = net.stamps and kind != "sip"
        self.traffic_class = net.traffic_class
        self.inbox: deque[tuple[bytes, Address, float]] = deque()
        self.errors: list[Address] = []
        self.closed = False

    def receive(self, limit: int) -> list[tuple[bytes, Address]]:
        return [(data, source) for data, source, _ in self.receive_stamped(limit, 0.0)]

    def receive_stamped(self, limit: int, now: float) -> list[tuple[bytes, Address, float]]:
        assert not self.closed
        taken = [self.inbox.popleft() for _ in range(min(limit, len(self.inbox)))]
        return taken if self.stamped else [(data, source, now) for data, source, _ in taken]

    def send(self, data: bytes, destination: Address) -> bool:
        assert not self.closed
        if destination in self.net.no_way:
            self.errors.append(destination)
            return False
        self.net.carry(self, data, destination)
        return True

    def take_errors(self) -> list[Address]:
        errors, self.errors = self.errors, []
        return errors

    def fileno(self) -> int:
        return -1 if self.closed else id(self)

    def close(self) -> None:
        self.closed = True
        self.net.sockets.pop(self.address, None)


class Net:
    """The sockets of one host (``engine.ports.Net``) and who waits on them."""

    def __init__(self, wire: Wire | None = None, *taken: int) -> None:
        self.stamps = wire is None or wire.stamps
        self.traffic_class: int | None = None
        self.sockets: dict[Address, Socket] = {}
        self.readers: dict[Socket, Callable[[float], None]] = {}
        self.no_way: set[Address] = set()  # the system knows no way there
        self._wire, self._taken = wire, set(taken)

    def open(self, host: str, port: int, kind: str) -> Socket:
        if port in self._taken or (host, port) in self.sockets:
            raise NetworkError(f"UDP port {port} on {host} is taken")
        opened = self.sockets[host, port] = Socket(self, (host, port), kind)
        return opened

    def watch(self, port: Any, on_readable: Callable[[float], None]) -> None:
        assert not port.closed
        self.readers[port] = on_readable

    def unwatch(self, port: Any) -> None:
        self.readers.pop(port, None)

    def carry(self, socket: Socket, data: bytes, destination: Address) -> None:
        assert self._wire is not None
        self._wire.carry(socket, data, destination)

    def read(self, now: float) -> bool:
        """What one turn of the loop does: media first, SIP last. Was there anything?"""
        ready = [socket for socket in self.readers if socket.inbox or socket.errors]
        for socket in sorted(ready, key=lambda socket: socket.kind == "sip"):
            reader = self.readers.get(socket)
            if reader is not None:
                reader(now)
        return bool(ready)

    @property
    def waiting(self) -> int:
        """Datagrams that somebody who waits for them has not read."""
        return sum(len(socket.inbox) + len(socket.errors) for socket in self.readers)


@cache
def voice(seed: int, rate_hz: int) -> np.ndarray:
    """Five seconds of murmur, another one for every seed: noise that sounds through a slow envelope."""
    rng = np.random.default_rng(seed)
    noise = np.convolve(rng.normal(size=5 * rate_hz), np.ones(6) / 6, "same")
    envelope = 0.6 + 0.4 * np.sin(np.arange(len(noise)) * 2 * np.pi * 3 / rate_hz)
    return (noise * envelope * 6000).clip(-32768, 32767).astype(np.int16)


class Microphone:
    """Somebody speaks (``engine.handset.Microphone``)."""

    def __init__(self, sound: Sound, rate_hz: int) -> None:
        self._sound, self._voice, self._at = sound, voice(sound.seed, rate_hz), 0
        self.failed: str | None = None  # where it stands for a file (``engine.handset.ToneFile``)
        sound.open_microphones.append(self)

    def read(self, samples: int) -> np.ndarray:
        assert self in self._sound.open_microphones
        taken = np.take(self._voice, range(self._at, self._at + samples), mode="wrap")
        self._at += samples
        return taken

    def close(self) -> None:
        self._sound.open_microphones.remove(self)


class Sound:
    """A microphone and an ear (``engine.handset.Sound``)."""

    def __init__(self, wire: Wire, seed: int) -> None:
        self.seed = seed
        self.open_microphones: list[Microphone] = []
        self.played: list[tuple[float, int, np.ndarray]] = []  # when, rate, what
        self.tones: list[tuple[float, bool, np.ndarray]] = []  # when, does it ring, what
        self.capture: model.CaptureView | None = None  # what a card would say of its microphone
        self.steps: tuple[str, ...] | OSError | None = None  # what is done to that; None: there is no card
        self.devices: dict[str, str | None] = {}  # that were chosen
        self.looked = 0  # so often it was asked which there are
        self.is_heard = False  # is there a card that plays?
        self._wire = wire

    def microphone(self, rate_hz: int) -> Microphone:
        return Microphone(self, rate_hz)

    def play(self, pcm: np.ndarray, rate_hz: int) -> None:
        self.played.append((self._wire.now, rate_hz, pcm))

    def set_voice(self, steps: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if isinstance(self.steps, OSError):
            raise self.steps
        self.steps = steps if self.steps is not None else None
        return self.steps

    def set_device(self, direction: str, name: str | None) -> None:
        if name == "gone":
            raise OSError(f"no {direction} has 'gone' in its name any more")
        self.devices[direction] = name

    def find_devices(self) -> None:
        self.looked += 1

    def tone(self, pcm: np.ndarray, rate_hz: int, *, ring: bool) -> None:
        self.tones.append((self._wire.now, ring, pcm))

    def tone_off(self) -> None:
        self.tones.append((self._wire.now, False, np.zeros(0, np.int16)))

    def tone_file(self, path: str, rate_hz: int) -> Microphone:
        return Microphone(self, rate_hz)

    def view(self) -> model.SoundView:
        return model.SoundView("null", capture=self.capture)


class Recording:
    """A WAV file of paper (``engine.recorder.Writer``)."""

    def __init__(self, path: str, rate_hz: int, channels: int) -> None:
        self.path, self.rate_hz, self.channels = path, rate_hz, channels
        self.failed: str | None = None
        self.closed = False
        self.frames: list[np.ndarray] = []

    def write(self, pcm: np.ndarray) -> None:
        assert not self.closed
        self.frames.append(pcm)

    def close(self) -> None:
        self.closed = True


class Resolver:
    """Knows the names it is given (``engine.names.Resolver``), and answers at once, or when it is let."""

    def __init__(self, known: dict[str, str]) -> None:
        self.known = known
        self.asked: list[str] = []
        self.slow = False
        self.unknown = "no such name"  # what is said of others
        self._waiting: list[tuple[str, Callable[[str | None, str], None]]] = []

    def resolve(self, name: str, now: float, done: Callable[[str | None, str], None]) -> None:
        self.asked.append(name)
        self._waiting.append((name, done))
        if not self.slow:
            self.answer()

    def answer(self) -> None:
        """Everything that was asked."""
        waiting, self._waiting = self._waiting, []
        for name, done in waiting:
            done(self.known.get(name), self.unknown)


# ---------------------------------------------------------------------- a phone with all that, and the wire


class Station:
    """One phone, and all that happens to it."""

    def __init__(self, wire: Wire, host: str, seed: int, **options: Any) -> None:
        self.wire, self.host = wire, host
        self.net, self.sound = Net(wire), Sound(wire, seed)
        self.resolver = Resolver(wire.names)
        self.recordings: list[Recording] = []
        outside = Outside(
            net=self.net,
            sound=self.sound,
            entropy=random.Random(seed),
            clock=lambda: wire.now,
            wall=lambda: EPOCH + wire.now,
            open_writer=options.pop("open_writer", self._open_writer),
            resolver=self.resolver,
        )
        self.phone = Phone(Config(**{"local_ip": host, "codecs": PLAIN, **options}), host, outside)
        self.dialled: set[int] = set()
        self._events: list[model.Event] = []

    def _open_writer(self, path: str, rate_hz: int, channels: int) -> Recording:
        self.recordings.append(Recording(path, rate_hz, channels))
        return self.recordings[-1]

    @property
    def uri(self) -> str:
        return self.phone.local_uri

    def do(self, command: model.Command) -> int | None:
        """A command, as a key or a script gives it."""
        call = self.phone.execute(command, self.wire.now)
        if isinstance(command, model.Dial) and call is not None:
            self.dialled.add(call)
        return call

    def turn(self) -> None:
        """One turn of the loop: as in the engine's, nothing else happens where packets of sound alone are due."""
        now, phone = self.wire.now, self.phone
        if self.net.read(now) or phone.other_due() <= now:
            phone.handle_timers(now)
        else:
            phone.ticks.run(now)

    def view(self, call: int | None = None) -> model.CallView:
        """A call as the screen would show it, after a whole turn; without a number, the newest."""
        self.phone.ticks.catch_up(self.wire.now)
        calls = self.phone.snapshot(self.wire.now).calls
        return max((view for view in calls if call in (None, view.id)), key=lambda view: view.id)

    def told(self, kind: type) -> list[Any]:
        """Every event of one kind so far."""
        self._events += self.phone.news.take()
        return [event for event in self._events if isinstance(event, kind)]

    def exit_codes(self) -> list[int]:
        return [event.exit_code for event in self.told(model.Ended)]

    def heard(self, rate_hz: int = 8000, last_s: float | None = None) -> np.ndarray:
        """What came out of the loudspeaker at that rate, ever or lately."""
        self.phone.ticks.catch_up(self.wire.now)
        since = -1.0 if last_s is None else self.wire.now - last_s
        frames = [pcm for at, rate, pcm in self.sound.played if rate == rate_hz and at > since]
        return np.concatenate(frames or [np.zeros(0, np.int16)])

    def hears(self, other: Station, rate_hz: int = 8000, last_s: float = 1.0) -> bool:
        """Is the sound of the last second what the other one says?"""
        return likeness(self.heard(rate_hz, last_s), voice(other.sound.seed, rate_hz)) > 0.9

    def rests(self) -> bool:
        """No call, and nothing of a call left: ports, microphones, files, readers."""
        return (
            not any(call.state is not model.CallState.ENDED for call in self.phone.snapshot(self.wire.now).calls)
            and len(self.net.sockets) == 2
            and len(self.net.readers) == 1
            and not self.sound.open_microphones
            and all(recording.closed for recording in self.recordings)
        )


def likeness(heard: np.ndarray, said: np.ndarray) -> float:
    """How much of ``heard`` is a piece of ``said`` (repeated), wherever in it: 0 to 1, the best correlation."""
    piece = heard.astype(np.float64)
    energy = float(np.sqrt(piece @ piece))
    if len(piece) < 100 or energy < 1:
        return 0.0
    around = np.concatenate((said, said[: len(piece)])).astype(np.float64)
    size = len(around) + len(piece)
    products = np.fft.irfft(np.fft.rfft(around, size) * np.conj(np.fft.rfft(piece, size)), size)[: len(said)]
    sums = np.concatenate(([0.0], np.cumsum(around * around)))
    energies = np.sqrt(sums[len(piece) : len(piece) + len(said)] - sums[: len(said)])
    return float(np.max(products / np.maximum(energies, 1) / energy))


class Wire:
    """The network between stations, and the time they live in."""

    def __init__(self, delay_s: float = 0.01) -> None:
        self.now = 1000.0
        self.delay_s = delay_s
        self.stamps = True  # do the hosts know when each packet came, however late it is fetched?
        self.refuses = False  # is a datagram to nobody answered with an ICMP error?
        self.names: dict[str, str] = {}
        self.stations: list[Station] = []
        self.sent: list[Datagram] = []
        self._rules: list[Rule] = []
        self._flying: list[tuple[float, int, Datagram]] = []
        self._count = 0

    def station(self, host: str, **options: Any) -> Station:
        """Another phone on this wire; ``options`` are those of ``Config``."""
        made = Station(self, host, 1 + len(self.stations), **options)
        self.stations.append(made)
        return made

    # -- what the network does

    def rule(self, rule: Rule) -> Rule:
        """The newest rule that has an opinion decides."""
        self._rules.insert(0, rule)
        return rule

    def lose(self, matches: Matches, times: int | None = None) -> Rule:
        """Lose what matches, the first so many times, or always."""
        lost = 0

        def fate(datagram: Datagram) -> list[float] | None:
            nonlocal lost
            if not matches(datagram) or (times is not None and lost >= times):
                return None
            lost += 1
            return []

        return self.rule(fate)

    def rewrite(self, matches: Matches, change: Callable[[bytes], bytes]) -> Rule:
        """What matches arrives as something else."""

        def fate(datagram: Datagram) -> list[float] | None:
            if not matches(datagram):
                return None
            self.inject(change(datagram.data), datagram.source, datagram.destination)
            return []

        return self.rule(fate)

    def mend(self, rule: Rule) -> None:
        """This rule is no more."""
        self._rules.remove(rule)

    def inject(self, data: bytes, source: Address, destination: Address) -> None:
        """A stranger sends something; it arrives with the next turn."""
        self._fly(Datagram(data, source, destination, "stranger", self.now), 0.0)

    def carry(self, socket: Socket, data: bytes, destination: Address) -> None:
        datagram = Datagram(bytes(data), socket.address, destination, socket.kind, self.now)
        self.sent.append(datagram)
        for delay_s in self._fate(datagram):
            self._fly(datagram, delay_s)

    def _fate(self, datagram: Datagram) -> list[float]:
        for rule in self._rules:
            fate = rule(datagram)
            if fate is not None:
                return fate
        return [self.delay_s]

    def _fly(self, datagram: Datagram, delay_s: float) -> None:
        self._count += 1
        heapq.heappush(self._flying, (self.now + delay_s, self._count, datagram))

    def sip(self, *kinds: str) -> list[Datagram]:
        """The SIP messages sent so far, of these kinds or all."""
        return [datagram for datagram in self.sent if datagram.sip and (not kinds or datagram.sip in kinds)]

    # -- time

    def run(self, seconds: float) -> None:
        """Until that much time has passed, deadline by deadline."""
        until = self.now + seconds
        stuck = False
        for _ in range(MOST_TURNS):
            due = self._next(stuck)
            if due > until:
                break
            stuck = due <= self.now and not self._flying_now()
            before = self._to_read()
            self.now = max(self.now, due)
            self._deliver()
            for station in self.stations:
                if station.net.waiting or station.phone.deadline() <= self.now:
                    station.turn()
            stuck = stuck and self._to_read() == before
        else:
            raise AssertionError("the stations never come to rest")
        self.now = until

    def run_until(self, condition: Callable[[], object], at_most_s: float) -> None:
        """Until the condition holds; an error when it never does in that time."""
        until = self.now + at_most_s
        while not condition():
            assert self.now < until, "it never came to be"
            self.run(min(0.005, until - self.now))

    def _next(self, stuck: bool) -> float:
        """When something happens next. Where nobody reads what is there (SIP makes room for sound), time goes on."""
        if not stuck and self._to_read():
            return self.now
        moments = [station.phone.deadline() for station in self.stations]
        moments += [self._flying[0][0]] if self._flying else []
        due = min(moments, default=float("inf"))
        return max(due, self.now + 0.0005) if stuck else due

    def _to_read(self) -> int:
        return sum(station.net.waiting for station in self.stations)

    def _flying_now(self) -> bool:
        return bool(self._flying) and self._flying[0][0] <= self.now

    def _deliver(self) -> None:
        while self._flying_now():
            came, _, datagram = heapq.heappop(self._flying)
            socket = self._socket(datagram.destination)
            if socket is not None:
                if len(socket.inbox) < SOCKET_HOLDS:
                    socket.inbox.append((datagram.data, datagram.source, came))
            elif self.refuses:
                origin = self._socket(datagram.source)
                if origin is not None:
                    origin.errors.append(datagram.destination)

    def _socket(self, address: Address) -> Socket | None:
        for station in self.stations:
            if address in station.net.sockets:
                return station.net.sockets[address]
        return None
