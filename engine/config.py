"""Flags and a file to one checked Config.

Flags win over the file: what it says and a flag contradicts is left out (``engine.config_file`` reads it).
Every value is checked here, once, so that nothing behind this door meets a port of 70000 or a call that
lasts minus one second. What is wrong is said as one line (:class:`ConfigError`) and ends with exit code 2.
Checks that need the outside world (is the port free, is the file a WAV) belong to whoever opens it.
"""

from __future__ import annotations

import argparse
import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.contradictions import DEMO_IP, contradiction
from engine.sip.message import SipError
from engine.sip.uri import Uri

VERSION = "0.1.0"  # pyproject.toml takes it from here
DEFAULT_SIP_PORT = 5060
DEFAULT_RTP_PORT = 10000
HIGHEST_BUFFER_MS = 1000
MAX_GENERATIONS = 3  # of redundancy
PTIMES_MS = (10, 20, 30, 40, 50, 60)
VOICE_STEPS = ("echo", "noise", "gain", "duck")
DEMO_SECONDS_WITHOUT_TERMINAL = 15.0

EXIT_CODES = """exit codes (10 to 21 are of what was dialled or asked from the command line):
  0   the call was made and ended normally
  1   a bug in ringtop
  2   wrong usage or configuration (port taken, file unreadable, no such host)
  10  busy
  11  no answer
  12  declined
  13  not found
  14  not authorised
  15  any other final SIP failure
  20  answered, but no media came
  21  quality below what was asked (--min-mos, --max-loss)
"""


class ConfigError(ValueError):
    """Wrong usage: one line that says what is wrong, where, and what to do."""


@dataclass(frozen=True, slots=True)
class ConfigText:
    """A configuration file as it was found."""

    path: str
    text: str


@dataclass(frozen=True, slots=True)
class Config:
    """Everything the program was asked to do. Times are in seconds."""

    mode: str | None = None  # "receiver", "caller" or None
    local_ip: str | None = None  # None: the address that reaches the far end
    local_sip_port: int = DEFAULT_SIP_PORT
    local_rtp_port: int = DEFAULT_RTP_PORT
    uri: str | None = None  # dialled at once
    suggested_uri: str | None = None  # stands in the dial prompt: the remote end of a receiver
    audio_file: str | None = None
    record: str | None = None
    record_stereo: str | None = None
    audio: str | None = None  # "device", "file", "null" or None for "device if there is one"
    input_name: str | None = None
    output_name: str | None = None
    list_devices: bool = False
    volume_db: float = 0.0  # -40 to 12
    voice: tuple[str, ...] | None = None  # what is done to a card's microphone; None: what can be
    ring_tone: str | None = None  # a sound file, "off", or None for our own
    ringback: str | None = None  # the same
    ring_output: str | None = None  # the loudspeaker that rings; None: the one that calls are heard on
    face: str = "dashboard"  # "dashboard", "plain" or "json"
    headless: bool = False
    auto_answer: float | None = None
    echo: bool = False
    duration: float | None = None
    min_mos: float | None = None  # a call that sounds worse, to us or to them, ends with exit code 21
    max_loss_percent: float | None = None  # likewise
    codecs: tuple[str, ...] = ()  # empty: all, in our order
    ptime_ms: int | None = None  # None: as long as the far end asks for, and 20 where nobody does
    silence_suppression: bool = False
    buffer_ms: tuple[float, float] = (0.0, 500.0)  # least and most that packets may wait, one packet included
    redundancy: int | None = None  # earlier packets repeated in each; None: as many as the far end's losses call for
    max_calls: int = 8
    late_offer: bool = False  # calls of ours: the far end describes its sound first
    probe: bool = False  # the URI is not called: it is asked whether somebody is there
    demo: bool = False
    trace: bool = False
    ascii: bool = False
    background: str | None = None  # of the terminal: "dark", "light"; None: as it says itself
    title: bool = True  # of the terminal's window
    bell: bool = False  # when somebody calls
    notify: bool = False
    mouse: bool = False
    ask_before_hang_up: bool = False
    # Of the file alone, and checked by the face that has keys, colours and panes; the names are those of the face.
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # what is done ("mute", "ladder.mark"): its keys
    colours: Mapping[str, str] = field(default_factory=dict)  # a style: "bright yellow bold"
    panes: tuple[str, ...] | None = None  # of the view "calls"; None: all
    file: ConfigText | None = None  # the configuration file that was read
    of_file: frozenset[str] = frozenset()  # what of the options is as it says
    saves: bool = True  # that file, or the one that would have been read, may be written


ReadConfig = Callable[[str | None], ConfigText | None]  # of the file that was named, or of the usual one, if there is


class _Parser(argparse.ArgumentParser):
    """argparse that says what is wrong in one line and leaves the exit to the caller."""

    def error(self, message: str) -> None:  # type: ignore[override]
        raise ConfigError(f"{message} (see --help)")


_NUMBER = re.compile(r"[-+.0-9Ee]+")  # Python itself reads more: 1_000, spaces around it, digits of other scripts


def _number(low: float, high: float, kind: Callable[[str], float] = int, unit: str = "") -> Callable[[str], float]:
    """An argparse type: a number within bounds, with the bounds in the complaint."""

    def convert(text: str) -> float:
        value: float | None
        try:
            value = kind(text) if _NUMBER.fullmatch(text) else None
        except ValueError:
            value = None
        if value is None or not low <= value <= high:
            raise argparse.ArgumentTypeError(f"'{text}' is not a number from {low:.12g} to {high:.12g}{unit}")
        return value

    return convert


def _port(low: int, high: int = 65535) -> Callable[[str], float]:
    return _number(low, high)


def _address(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.strip("[]"))
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not an IP address") from None
    if address.version == 6 and address.is_link_local and not address.scope_id:
        raise argparse.ArgumentTypeError(f"'{text}' is one of each interface: say which, as in {address}%eth0")
    if _is_nobodys(str(address)):
        raise argparse.ArgumentTypeError(f"nobody can call {text}: give an address of this machine, or leave it out")
    return str(address)


def _is_nobodys(address: str) -> bool:
    known = ipaddress.ip_address(address)
    return known.is_unspecified or known.is_multicast or address == "255.255.255.255"


def _named(what: str) -> Callable[[str], str]:
    """An argparse type: some text."""

    def convert(text: str) -> str:
        if not text.strip():
            raise argparse.ArgumentTypeError(f"give the name of {what}")
        return text

    return convert


def _file(text: str) -> str:
    """An argparse type: the name of a file."""
    if text == "-":
        raise argparse.ArgumentTypeError("'-' is no file here: give its name")
    return _named("a file")(text)


def buffer_bounds(text: str) -> tuple[float, float]:
    """``40-200``: milliseconds; raises ArgumentTypeError."""
    least, dash, most = text.partition("-")
    if not dash or not all(part.isascii() and part.isdecimal() and len(part) < 6 for part in (least, most)):
        raise argparse.ArgumentTypeError(f"'{text}' is not two numbers of ms such as 40-200")
    if not int(least) <= int(most) <= HIGHEST_BUFFER_MS:
        raise argparse.ArgumentTypeError(f"'{text}': the second is to be from the first to {HIGHEST_BUFFER_MS} ms")
    return float(least), float(most)


def _redundancy(text: str) -> int | None:
    """An argparse type: None is "auto"."""
    if text == "auto":
        return None
    if text == "off":
        return 0
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text[:9]) <= MAX_GENERATIONS:
        raise argparse.ArgumentTypeError(f"'{text}' is not auto, off or a number from 1 to {MAX_GENERATIONS}")
    return int(text)


_SWITCH = argparse.BooleanOptionalAction
_NOT_GIVEN = object()  # stands for every flag that the command line does not have


def parser() -> argparse.ArgumentParser:
    """The command line, as ``--help`` prints it."""
    top = _Parser(
        prog="ringtop",
        description="htop for your phone call: a SIP phone for the terminal.",
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    top.add_argument("--version", action="version", version=f"ringtop {VERSION}")
    top.add_argument("uri", nargs="?", metavar="URI", help="call this at once, e.g. sip:bob@192.0.2.7")
    where = top.add_argument_group("where")
    where.add_argument("--mode", choices=("receiver", "caller"), help="wait for a call, or dial the remote end at once")
    where.add_argument("--local-ip", type=_address, metavar="A", help="our address (default: the one that reaches out)")
    where.add_argument("--local-sip-port", type=_port(0), metavar="P", help="SIP port (5060; 0 = any free)")
    where.add_argument("--local-rtp-port", type=_port(0, 65534), metavar="R", help="RTP port (10000; 0 = any free)")
    where.add_argument("--probe", action="store_true", help="ask the URI by OPTIONS who is there, say so, and end")
    where.add_argument("--remote-ip", metavar="B", help="far end; with --mode caller the same as the URI sip:B:Q")
    where.add_argument("--remote-sip-port", type=_port(1), metavar="Q", help="SIP port of the far end (5060)")
    heard = top.add_argument_group("what is heard")
    heard.add_argument("--audio-file", type=_file, metavar="F", help="the microphone is this file, repeated")
    heard.add_argument(
        "--record", type=_file, metavar="F", help="write the far end here, by its ending: .wav .flac .ogg .opus .mp3"
    )
    heard.add_argument("--record-stereo", type=_file, metavar="F", help="both: left we, right they (2nd call: F-2.wav)")
    heard.add_argument("--audio", choices=("device", "file", "null"), help="default: device if there is one")
    device = _named("a device, or a part of it")
    heard.add_argument(
        "--input", dest="input_name", type=device, metavar="NAME", help="microphone, by part of its name"
    )
    heard.add_argument("--output", dest="output_name", type=device, metavar="NAME", help="loudspeaker, the same way")
    heard.add_argument("--volume", type=_number(-40, 12, float, " dB"), metavar="DB", help="of what is heard (0)")
    heard.add_argument("--list-devices", action="store_true", help="say what inputs and outputs there are, and end")
    heard.add_argument(
        "--voice",
        type=_voice,
        metavar="A,B,...",
        help="on a card's microphone: auto, off, or some of echo,noise,gain,duck (auto)",
    )
    heard.add_argument("--ring-tone", type=_file, metavar="F|off", help="a sound file for calls that come in")
    heard.add_argument("--ringback", type=_file, metavar="F|off", help="another one while it rings there")
    heard.add_argument("--ring-output", type=device, metavar="NAME", help="another loudspeaker for the ring")
    face = top.add_argument_group("the face")
    face.add_argument("--plain", action="store_true", help="append-only lines; words on standard input")
    face.add_argument("--json", action="store_true", help="one JSON object a line")
    face.add_argument("--headless", action="store_true", help="no screen and no keys")
    face.add_argument("--trace", action="store_true", help="with --json or --plain: every SIP message too")
    face.add_argument("--ascii", action=_SWITCH, help="draw with ASCII alone")
    face.add_argument(
        "--background", choices=("dark", "light"), help="the terminal's, for the colours (as COLORFGBG says, else dark)"
    )
    face.add_argument("--title", action=_SWITCH, help="say in the window's title who is talked with (yes)")
    face.add_argument("--bell", action=_SWITCH, help="ring the terminal's bell when somebody calls")
    face.add_argument("--notify", action=_SWITCH, help="a desktop notification when somebody calls (OSC 9, 777)")
    face.add_argument("--mouse", action=_SWITCH, help="a click is like the key it hits, the wheel scrolls")
    face.add_argument("--ask", dest="ask_before_hang_up", action=_SWITCH, help="ask before hanging up a call")
    face.add_argument("--config", type=_file, metavar="F", help="read this instead of ~/.config/ringtop/config.toml")
    face.add_argument(
        "--no-config", action="store_true", help="leave all files of yours alone, contacts and past calls too"
    )
    call = top.add_argument_group("the call")
    seconds = _number(0, 3600, float, " seconds")
    answer = call.add_mutually_exclusive_group()
    answer.add_argument(
        "--auto-answer", nargs="?", const=0.0, type=seconds, metavar="SECONDS", help="take calls by itself"
    )
    answer.add_argument("--no-auto-answer", dest="auto_answer", action="store_const", const=None, help="let them ring")
    call.add_argument("--echo", action="store_true", help="send back what is heard")
    seconds = _number(0.1, 1e7, float, " seconds")
    call.add_argument("--duration", type=seconds, metavar="SECONDS", help="hang up after so long")
    call.add_argument(
        "--min-mos", type=_number(1, 4.5, float), metavar="MOS", help="exit with 21 if it sounded worse (1 to 4.5)"
    )
    call.add_argument(
        "--max-loss",
        dest="max_loss_percent",
        type=_number(0, 100, float, " percent"),
        metavar="PERCENT",
        help="exit with 21 if more packets were missed, here or there",
    )
    call.add_argument(
        "--codecs",
        type=_codec_names,
        metavar="A,B,...",
        help="only these, in this order, e.g. PCMA,PCMU,L16/16000",
    )
    call.add_argument(
        "--ptime",
        dest="ptime_ms",
        type=_ptime,
        metavar="MS",
        help="packets of 10 to 60 ms: asked for, and sent unless the far end asks for others (as it asks, else 20)",
    )
    call.add_argument(
        "--silence-suppression", action=_SWITCH, help="send nothing while nothing is said (comfort noise, DTX)"
    )
    call.add_argument(
        "--buffer",
        type=buffer_bounds,
        default=(0.0, 500.0),
        metavar="MIN-MAX",
        help="the jitter buffer aims at no less and no more than so many ms (0-500, up to 1000)",
    )
    call.add_argument(
        "--redundancy",
        type=_redundancy,
        metavar="N",
        help=f"packets sent again in each: auto (by the loss they report), off, 1 to {MAX_GENERATIONS}",
    )
    call.add_argument("--max-calls", type=_number(1, 200), metavar="N", help="calls up at once (8); more hear busy")
    call.add_argument("--late-offer", action="store_true", help="let who is called describe the sound first")
    call.add_argument("--demo", action="store_true", help="a call with itself on this machine")
    return top


def from_arguments(
    arguments: list[str], read: ReadConfig = lambda path: None, named: Callable[[str], str] = str
) -> Config:
    """The command line and the file as a Config; raises ConfigError with one line where they make no sense.

    ``named`` gives the address of a contact, and of everything else itself.
    """
    top = parser()
    options, given = _flags(top, arguments)
    wants_file = _wants_file(options)
    extras: dict[str, Any] = {"saves": wants_file}
    found = read(options.config) if wants_file else None
    if found is not None:
        from engine import config_file

        contents = config_file.parse(found, top)
        _refuse_contradictions_in(found.path, contents.options, top)
        options = _with_file(options, given, contents.options)
        taken = {name for name, value in contents.options.items() if name not in given}
        extras["of_file"] = frozenset(name for name in taken if getattr(options, name) == contents.options[name])
        extras |= {"keys": contents.keys, "colours": contents.colours, "panes": contents.panes, "file": found}
    if options.uri is not None and wants_file:
        options.uri = named(options.uri)
    config = _config(options, extras)
    _refuse_far_end(config)
    return config


def _wants_file(options: argparse.Namespace) -> bool:
    """A demo is the same everywhere, whatever its user has written for his own calls, unless a file is named."""
    return not (options.no_config or options.list_devices or (options.demo and options.config is None))


def _flags(top: argparse.ArgumentParser, arguments: list[str]) -> tuple[argparse.Namespace, set[str]]:
    """The command line alone, and what of it was given."""
    defaults = vars(top.parse_args([]))
    typed = argparse.Namespace(**dict.fromkeys(defaults, _NOT_GIVEN))
    _, extra = top.parse_known_args(_attach_uri(arguments), typed)
    if extra:
        raise ConfigError(f"unknown argument '{extra[0]}' (see --help)")
    given = {name for name, value in vars(typed).items() if value is not _NOT_GIVEN}
    options = argparse.Namespace(**{**defaults, **{name: getattr(typed, name) for name in given}})
    _refuse_contradictions(options)
    return options, given


def _refuse_contradictions_in(path: str, values: Mapping[str, Any], top: argparse.ArgumentParser) -> None:
    """What the file says must make sense without a flag."""
    alone, _ = _flags(top, [])
    try:
        _refuse_contradictions(argparse.Namespace(**{**vars(alone), **values}))
    except ConfigError as error:
        raise ConfigError(f"{path}: {error}") from None


def _takes_any_ports(options: argparse.Namespace) -> bool:
    """Nobody is to find it: it calls or asks, and ends."""
    return bool(options.demo or options.probe)


def _with_file(options: argparse.Namespace, given: set[str], values: Mapping[str, Any]) -> argparse.Namespace:
    """The flags, and of the file what they leave open and does not contradict them."""
    for name, value in values.items():
        if name in given or (_takes_any_ports(options) and name in _PORTS):
            continue
        both = argparse.Namespace(**{**vars(options), name: value})
        if contradiction(both) is None:
            options = both
    return options


_PORTS = ("local_sip_port", "local_rtp_port")


def _config(options: argparse.Namespace, extras: Mapping[str, Any]) -> Config:
    return Config(
        mode=options.mode,
        local_ip=DEMO_IP if options.demo else options.local_ip,
        local_sip_port=_default(options.local_sip_port, 0 if _takes_any_ports(options) else DEFAULT_SIP_PORT),
        local_rtp_port=_default(options.local_rtp_port, 0 if _takes_any_ports(options) else DEFAULT_RTP_PORT),
        uri=_target(options) if options.mode != "receiver" else None,
        suggested_uri=_target(options) if options.mode == "receiver" else None,
        audio_file=options.audio_file,
        record=options.record,
        record_stereo=options.record_stereo,
        audio="null" if options.probe else options.audio,
        input_name=options.input_name,
        output_name=options.output_name,
        list_devices=options.list_devices,
        volume_db=options.volume or 0.0,
        voice=options.voice,
        ring_tone=options.ring_tone,
        ringback=options.ringback,
        ring_output=options.ring_output,
        face="json" if options.json else "plain" if options.plain or options.headless or options.probe else "dashboard",
        headless=options.headless or options.probe,
        auto_answer=options.auto_answer,
        echo=options.echo,
        duration=options.duration,
        min_mos=options.min_mos,
        max_loss_percent=options.max_loss_percent,
        codecs=options.codecs or (),
        ptime_ms=options.ptime_ms,
        buffer_ms=options.buffer,
        redundancy=options.redundancy,
        silence_suppression=bool(options.silence_suppression),
        max_calls=_default(options.max_calls, 8),
        late_offer=options.late_offer,
        probe=options.probe,
        demo=options.demo,
        trace=options.trace,
        ascii=bool(options.ascii),
        background=options.background,
        title=options.title is not False,
        bell=bool(options.bell),
        notify=bool(options.notify),
        mouse=bool(options.mouse),
        ask_before_hang_up=bool(options.ask_before_hang_up),
        **extras,
    )


def _default(value: int | None, default: int) -> int:
    return default if value is None else value


def _attach_uri(arguments: list[str]) -> list[str]:
    """``--auto-answer URI`` means the flag and then the URI: its SECONDS are optional and numeric."""
    result: list[str] = []
    for argument in arguments:
        if result and result[-1] == "--auto-answer" and not argument.startswith("-") and not _is_number(argument):
            result[-1] = "--auto-answer=0"
        result.append(argument)
    return result


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _refuse_contradictions(options: argparse.Namespace) -> None:
    found = contradiction(options)
    if found is not None:
        raise ConfigError(found)


def _refuse_far_end(config: Config) -> None:
    """A far end that this phone cannot reach from its address, or that is this phone."""
    uri, local = config.uri, config.local_ip
    host = Uri.parse(uri).host if uri is not None else None
    if uri is None or local is None or host is None or not _is_address(host):
        return
    if (":" in local) != (":" in host):
        raise ConfigError(f"--local-ip {local} cannot reach {host}: one is IPv4, the other IPv6")
    port = Uri.parse(uri).port or DEFAULT_SIP_PORT
    if ipaddress.ip_address(host) == ipaddress.ip_address(local) and port == config.local_sip_port:
        raise ConfigError(f"{uri} is this phone itself: give the far end's address and port")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_host_name(text: str) -> bool:
    """As RFC 1123 (section 2.1) wants it; underscores are seen in the wild."""
    name = text.removesuffix(".")
    return len(name) < 254 and all(map(_LABEL.fullmatch, name.split(".")))


_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
HOST_NAME_RULE = "between its dots are 1 to 63 letters, digits and inner hyphens"


def _target(options: argparse.Namespace) -> str | None:
    """The far end that was named, as a checked URI; None when none was."""
    if options.uri is not None:
        return str(complete_uri(options.uri))
    if options.remote_ip is not None:
        host = options.remote_ip.strip("[]")
        if not _is_address(host) and not _is_host_name(host):
            typed = options.remote_ip
            raise ConfigError(f"--remote-ip: '{typed}' is neither an address such as 192.0.2.7 nor a host name")
        host = f"[{host}]" if ":" in host else host
        return str(complete_uri(f"sip:{host}:{options.remote_sip_port or DEFAULT_SIP_PORT}"))
    return None


def complete_uri(text: str) -> Uri:
    """What a person types as an address: ``bob@host``, ``host:port``, ``sip:...`` and ``Bob <sip:...>`` alike.

    Raises ConfigError with one line when it cannot be called.
    """
    typed = text.strip()
    if typed.endswith(">"):  # from an address book, with a name before it
        typed = typed[typed.rfind("<") + 1 : -1].strip()
    if not typed:
        raise ConfigError("no address to call: give one such as sip:bob@192.0.2.7")
    with_scheme = typed if typed.lower().startswith(("sip:", "sips:", "tel:")) else f"sip:{typed}"
    try:
        if re.match("[A-Za-z]+://", typed):
            raise SipError("only sip: addresses can be called")
        uri = Uri.parse(with_scheme)
    except SipError as error:
        raise ConfigError(f"'{typed}' is not an address to call: {error}") from None
    if uri.host and not uri.host.strip("0123456789.") and not _is_address(uri.host):
        raise ConfigError(f"'{typed}' cannot be called: {uri.host} is neither an IP address nor a name")
    if _is_address(uri.host) and _is_nobodys(uri.host):
        raise ConfigError(f"'{typed}' cannot be called: {uri.host} is nobody's address")
    if uri.scheme != "sip" or not uri.host:
        raise ConfigError(f"'{typed}' cannot be called: only sip: addresses over UDP, such as sip:bob@192.0.2.7")
    if not _is_address(uri.host) and not _is_host_name(uri.host):
        raise ConfigError(f"'{typed}' cannot be called: {uri.host} is not a host name ({HOST_NAME_RULE})")
    if (uri.params.get("transport") or "udp").lower() != "udp":
        raise ConfigError(f"'{typed}' cannot be called: its transport is not UDP")
    return uri


def _codec_names(text: str) -> tuple[str, ...]:
    """An argparse type."""
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        raise argparse.ArgumentTypeError("names no codec: for example PCMA,PCMU")
    twice = [name for name in names if [other.upper() for other in names].count(name.upper()) > 1]
    if twice:
        raise argparse.ArgumentTypeError(f"names {twice[0]} twice")
    return names


def _voice(text: str) -> tuple[str, ...] | None:
    """An argparse type: None is "auto", nothing is "off"."""
    if text == "auto":
        return None
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    unknown = [name for name in names if name not in VOICE_STEPS and names != ("off",)]
    if not names or unknown:
        raise argparse.ArgumentTypeError(f"'{text}': give auto, off, or some of {', '.join(VOICE_STEPS)}")
    if "echo" in names and "duck" in names:
        raise argparse.ArgumentTypeError("echo and duck are two ways against an echo: give one")
    return () if names == ("off",) else names


def _ptime(text: str) -> int:
    """An argparse type: milliseconds of sound in a packet."""
    value = int(_number(10, 60)(text))
    if value not in PTIMES_MS:
        raise argparse.ArgumentTypeError(f"'{text}': packets of {', '.join(map(str, PTIMES_MS))} ms are possible")
    return value
