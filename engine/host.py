"""The engine on a real machine: the phone, given real sockets, clocks, files and sound, and turned by one loop."""

from __future__ import annotations

import ctypes
import gc
import os
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from engine import diagnosis, history, media_session, model
from engine.address_book import AddressBook
from engine.config import Config
from engine.io import clock, dns, places
from engine.io.audio_files import open_reader, open_recording
from engine.io.loop import MEDIA, SIP, TERMINAL, Loop
from engine.io.places import config_path
from engine.io.sound import open_sound
from engine.io.text_files import TextFile, local_stamp, save_new
from engine.io.udp import DSCP_CS3, DSCP_EF, UdpSocket
from engine.late import between_modules, load_now
from engine.media import codecs
from engine.model_people import RemoveContact, SaveContact, Saved, SaveText
from engine.phone import Outside, Phone
from engine.ports import Port
from engine.recorder import Writer
from engine.ringing import OFF
from engine.sip.uri import Uri

if TYPE_CHECKING:
    from engine.io.config_store import ConfigStore

# Nothing is sent there: connecting a UDP socket only asks the routing table which address of ours would be used.
SOMEWHERE_OUTSIDE = ("192.0.2.1", "2001:db8::1")  # documentation addresses: RFC 5737, RFC 3849

ROOM_S = 0.005  # until the next packet: a piece of a contacts file is read where there is so much


class Engine:
    """One phone, one loop, one thread."""

    def __init__(self, config: Config) -> None:
        """Open everything; raises NetworkError, ConfigError, WavError or SoundError, each with one line."""
        self._codecs = list(config.codecs) or None
        self._seen: model.Snapshot | None = None  # in this turn
        self._loop = Loop()
        self._net = _LoopNet(self._loop)
        for path in (config.ring_tone, config.ringback):
            if path not in (None, OFF):
                open_reader(path).close()  # say now what is wrong with it
        self._sound = open_sound(
            config.audio,
            audio_file=config.audio_file,
            input_name=config.input_name,
            output_name=config.output_name,
            capture=not config.echo,
            voice=config.voice,
            ring_output=config.ring_output,
        )
        local = config.local_ip or address_towards(config.uri)
        self._people = AddressBook(*_people_files(config), self._log, local_stamp)
        self._resolver = dns.DnsResolver(self._loop, wide=":" in local, load=self._load_dns)
        self._store = _store(config)
        outside = Outside(
            net=self._net,
            sound=self._sound,
            entropy=clock.entropy,
            clock=clock.monotonic,
            wall=clock.wall,
            open_writer=partial(_open_recording, config.audio_file),
            resolver=self._resolver,
            store=self._store,
            known_as=self._people.name_of,
        )
        self._sound.attach(self._loop)
        try:
            self.phone = Phone(config, local, outside)
        except BaseException:
            self._sound.close()
            raise
        self._events: list[model.Event] = []  # taken from the phone, and not yet asked for
        self._commands: dict[type, Callable[[Any], object]] = {
            SaveContact: self._people.save,
            RemoveContact: self._people.remove,
            SaveText: self._save_text,
        }
        self._people.start()

    def prepare(self, meanwhile: Callable[[float], object] = lambda now: None) -> None:
        """What a call would have to wait for; and what lives for ever leaves the collector.

        SIP is answered all the while; a call that comes then begins when all is there. ``meanwhile`` is called as often
        as that, and may look at the engine, no more.
        """

        def serve() -> None:
            now = clock.monotonic()
            self.phone.run_sip_alone(now)
            meanwhile(now)

        with between_modules(serve):
            broken = prepare_media(self._codecs)
            if self._store is not None:
                self._store.prepare()
        self._leave_out(broken)
        serve()
        gc.collect()
        _give_memory_back()
        gc.freeze()
        gc.enable()
        self.phone.run_what_waited(clock.monotonic())

    def _load_dns(self) -> None:
        """It takes as long as a packet of sound lasts, or more: in a call those leave on time meanwhile."""
        with between_modules(lambda: self.phone.ticks.run(clock.monotonic())):
            dns.load()

    # ------------------------------------------------------------------ turns

    def poll(self, timeout_s: float, early_s: float = 0.0) -> None:
        """One turn: wait for sockets or the next deadline, at most ``timeout_s``, and do what is due.

        Packets of sound are due most often, and nothing else happens with nearly all of them: those are sent and heard
        in the wait. One in the last ``early_s`` of it ends it: whoever waits for then need not wake up once more.
        """
        loop, phone = self._loop, self.phone
        until = clock.monotonic() + timeout_s
        due = min(until, phone.other_due(), self._sound.deadline(), self._resolver.deadline())
        while not loop.turn(min(due, phone.ticks.deadline()) - clock.monotonic()):
            now = clock.monotonic()
            if now >= due or now >= until - early_s or self._people.busy:
                break
            phone.ticks.run(now)
            if phone.news:
                break
        self._resolver.handle_timer(loop.now)  # first: what it finds out, the phone acts upon
        phone.handle_timers(clock.monotonic())
        self._sound.handle_timer(loop.now)
        for level, text in self._sound.log_lines():
            phone.news.log(level, "sound", text)
        self._look_at_events()
        self._people.run(loop.now, self._has_room)
        self._seen = None

    def _look_at_events(self) -> None:
        """A call that is over is noted down, whether a face asks or not."""
        for event in self.phone.news.take():
            if isinstance(event, model.Ended):
                self._people.ended(event.call, clock.wall())
            self._events.append(event)

    def _has_room(self) -> bool:
        return self.slack_s() >= ROOM_S

    def _log(self, level: str, source: str, text: str) -> None:
        self.phone.news.log(level, source, text)

    def _save_text(self, command: SaveText) -> None:
        try:
            path = save_new(command.stem, command.text, clock.wall())
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise model.CommandError(f"nothing was written to {os.getcwd()}: {reason}") from None
        self._events.append(Saved(path))

    def slack_s(self) -> float:
        """Time until the next packet must leave: what may be spent on drawing without being heard."""
        return self.phone.ticks.next_packet() - clock.monotonic()

    # -- what a terminal asks of a loop (widgets.screen.Watch)

    def add_reader(self, source: int, callback: Callable[[float], object], priority: int = TERMINAL) -> None:
        """Let the one loop wait for a terminal or pipe as well."""
        self._loop.add_reader(source, callback, priority=priority)

    def add_writer(self, source: int, callback: Callable[[float], object], priority: int = TERMINAL) -> None:
        self._loop.add_writer(source, callback, priority=priority)

    def remove_reader(self, source: int) -> None:
        self._loop.remove_reader(source)

    def remove_writer(self, source: int) -> None:
        self._loop.remove_writer(source)

    def catch_signals(self, numbers: list[int], callback: Callable[[int, float], None]) -> None:
        """Call back from within a turn for each of these signals."""
        self._loop.catch_signals(numbers, callback)

    def signal_is_coming(self, number: int) -> bool:
        """This signal has come as well, and the callback has yet to hear of it."""
        return self._loop.is_coming(number)

    # ------------------------------------------------------------------ the phone

    def execute(self, command: model.Command) -> int | None:
        """See :meth:`engine.phone.Phone.execute`; a contact can be dialled or asked by name."""
        self._seen = None
        act = self._commands.get(type(command))
        if act is not None:
            act(command)
            return None
        if isinstance(command, (model.Dial, model.Probe)):
            command = replace(command, uri=self._people.address_meant(command.uri))
        call = self.phone.execute(command, clock.monotonic())
        if isinstance(command, model.SetCodecs):
            self._codecs = list(command.names)
            self._leave_out(prepare_codecs(self._codecs))
        return call

    def _leave_out(self, broken: list[str]) -> None:
        """Codecs that turned out not to be usable: the others are offered. Raises CommandError when none is left."""
        if not broken:
            return
        for line in broken:
            self.phone.news.log("warn", "media", line)
        wanted = [name for name in self._codecs or codecs.names() if _is_usable(name)]
        if not wanted:
            raise model.CommandError(broken[0])
        self.execute(model.SetCodecs(tuple(wanted)))

    def events(self) -> list[model.Event]:
        """What happened since the last look; takes it out."""
        self._look_at_events()
        taken, self._events = self._events, []
        return taken

    def snapshot(self) -> model.Snapshot:
        """How things stand. It is made once in a turn, and again after a command: a flood of calls has many looks."""
        if self._seen is None:
            self._seen = replace(self.phone.snapshot(clock.monotonic()), people=self._people.view)
        return self._seen

    @staticmethod
    def clock() -> float:
        """Monotonic, this very moment."""
        return clock.monotonic()

    @staticmethod
    def wall() -> float:
        """Seconds since the epoch, as a snapshot has them."""
        return clock.wall()

    @property
    def now(self) -> float:
        """Monotonic, as of the present turn."""
        return self._loop.now

    @property
    def finished(self) -> bool:
        """Quit was asked for, and every call has ended (or been given up on)."""
        return self.phone.finished

    def close(self) -> None:
        """Give everything back."""
        self.phone.close(clock.monotonic())
        self._look_at_events()
        self._sound.close()
        self._resolver.close()
        self._loop.close()


def prepare_media(names: list[str] | None = None) -> list[str]:
    """Make the tables and load the libraries of the codecs we offer: in the middle of a call that would be heard.

    Gives a line for each that cannot be used, though it is installed.
    """
    for module in (media_session, diagnosis, history):
        load_now(module)
    np.fft.rfft(np.zeros(2))  # comfort noise: numpy loads this part when it is first asked for
    return prepare_codecs(names)


def prepare_codecs(names: list[str] | None) -> list[str]:
    """The same for these alone: for a moment where they have been prepared before."""
    wanted = {wire.encoding: wire for wire in codecs.formats(names)}.values()
    return [line for line in map(codecs.try_out, wanted) if line]


def _is_usable(name: str) -> bool:
    try:
        return bool(codecs.formats([name]))
    except codecs.CodecError:
        return False


def _give_memory_back() -> None:
    """What it took to start, more than a megabyte, goes back to the system (malloc_trim(3), of the GNU C library)."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if sys.platform.startswith("linux") else None
    if trim is not None:
        trim(0)


class _LoopNet:
    """Sockets for the phone, waited for by the loop."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self._sip: set[int] = set()

    def open(self, host: str, port: int, kind: str) -> UdpSocket:
        is_sip = kind == "sip"
        mark = DSCP_CS3 if is_sip else DSCP_EF
        opened = UdpSocket(host, port, traffic_class=mark, report_errors=is_sip, stamped=not is_sip)
        if is_sip:
            self._sip.add(opened.fileno())
        return opened

    def watch(self, port: Port, on_readable: Callable[[float], None]) -> None:
        priority = SIP if port.fileno() in self._sip else MEDIA
        self._loop.add_reader(port, on_readable, priority=priority)

    def unwatch(self, port: Port) -> None:
        self._loop.remove(port)


def _open_recording(microphone: str | None, path: str, rate_hz: int, channels: int) -> Writer:
    """A file for one call, unless it has come to be the one that is read: a link made since the start, or to the name
    that another call gets."""
    if microphone and places.is_same_file(path, microphone):
        raise places.PlaceError(f"{path}: it is the microphone (--audio-file), this call is not recorded there")
    return open_recording(path, rate_hz, channels)


def _store(config: Config) -> ConfigStore | None:
    """Where settings are saved; None where nobody can change any, or nothing is to be written."""
    path = config.file.path if config.file is not None else config_path()
    if not config.saves or path is None or config.headless or config.face == "json":
        return None
    from engine.io.config_store import ConfigStore

    return ConfigStore(path)


def _people_files(config: Config) -> tuple[TextFile | None, TextFile | None]:
    """Contacts and call history. A demo is the same everywhere; programs and scripts have their lines instead."""
    if config.demo or not config.saves:
        return None, None
    contacts, history = places.contacts_path(), places.history_path()
    if config.headless or config.face == "json":
        history = None
    return (
        None if contacts is None else TextFile(contacts),
        None if history is None else TextFile(history, tail=True),
    )


def address_towards(uri: str | None) -> str:
    """Our address as the far end (or, with none, the outside world) would see it; 127.0.0.1 with no network."""
    hosts = list(SOMEWHERE_OUTSIDE)
    if uri is not None:
        hosts.insert(0, Uri.parse(uri).host or SOMEWHERE_OUTSIDE[0])
    for host in hosts:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:  # there may be no such family on this machine, or no way there
            socket.inet_pton(family, host)  # a name would make connect() ask the DNS and wait for it
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((host, 9))
                return str(probe.getsockname()[0])
        except OSError:
            continue
    return "127.0.0.1"
