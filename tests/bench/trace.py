"""A capture as the ear would have heard it: its RTP through our real receive path, in virtual time.

    python -m tests.bench.trace IN.pcap OUT.wav [--json] [--codec NAME/PT ...] [--port N] [--ssrc N] [--buffer MIN-MAX]

The clock is the capture's. Of several streams the one with the most packets is played, or the one that ``--port``
or ``--ssrc`` names; a far end that changes its SSRC stays one stream. Payload types 0, 8, 9, 10 and 11 are known
(RFC 3551), and comfort noise on 13; others are named with ``--codec``, such as ``opus/111``, ``L16/16000/97``,
``telephone-event/101`` or ``red/121``. Of a file that ends in the middle of a packet, what comes before is played.

OUT.wav, mono at the codec's rate, begins with the first packet's first sample and ends when what the capture
brought has been played. The totals are printed, with ``--json`` as one object: ``start_ms`` is the time from the
first packet's arrival to the first sample of OUT.wav, ``mean_delay_ms`` how long packets waited on average from
their arrival until they were heard. Needs numpy alone, and a codec's own library where it has one. The same
capture gives the same samples every time. Exit code 2, and one line, for what cannot be played.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from engine.config import buffer_bounds as bounds
from engine.io.wav import WavWriter
from engine.media import codecs, red, rtp
from engine.media.codecs import WireFormat
from engine.media.errors import MediaError
from engine.media.incoming import Incoming
from tests.bench.pcap import Capture, Datagram, PcapError

EVENTS, EVENT_RATE = "TELEPHONE-EVENT", 8000
RED = "RED"  # RFC 2198
NO_SOUND = (EVENTS, RED)  # by themselves
STATIC = (
    WireFormat(0, "PCMU", 8000),
    WireFormat(8, "PCMA", 8000),
    WireFormat(9, "G722", 8000),
    WireFormat(10, "L16", 44100, 2),
    WireFormat(11, "L16", 44100, 1),
)
FRAME_S = 0.010  # the ear asks for so much at a time, as with --ptime 10
PHASE_S = 0.001  # and so long after the packet that began the clock: captured times are not quite regular
LONGEST_S = 86_400.0  # a capture of more than a day is none of one call
PLAY_OUT_S = 5.0  # more than any buffer holds
EXIT_USAGE = 2


class Unplayable(ValueError):
    """One line that says why there is nothing to hear."""


@dataclass(slots=True)
class Flow:
    """RTP from one address to another: its datagrams, and how many packets each SSRC and payload type has."""

    source: tuple[str, int]
    destination: tuple[str, int]
    datagrams: list[Datagram] = field(default_factory=list)
    ssrcs: Counter[int] = field(default_factory=Counter)
    payload_types: Counter[int] = field(default_factory=Counter)

    @property
    def name(self) -> str:
        return f"{self.source[0]}:{self.source[1]} to {self.destination[0]}:{self.destination[1]}"


# ------------------------------------------------------------------ what is in the capture


def flows(capture: Capture) -> list[Flow]:
    """Everything that looks like RTP, by who sent it to whom."""
    found: dict[tuple[tuple[str, int], tuple[str, int]], Flow] = {}
    for datagram in capture:
        try:
            packet = rtp.parse(datagram.data)
        except MediaError:
            continue
        key = datagram.source, datagram.destination
        flow = found.get(key) or found.setdefault(key, Flow(*key))
        flow.datagrams.append(datagram)
        flow.ssrcs[packet.ssrc] += 1
        flow.payload_types[packet.payload_type] += 1
    return list(found.values())


def choose(found: list[Flow], formats: dict[int, WireFormat], port: int | None, ssrc: int | None) -> Flow:
    """The stream that was asked for, else the one with the most packets; raises Unplayable when there is none.

    What only looks like RTP changes its SSRC with every packet: the packets of the commonest one count.
    """
    if port is not None:
        found = [f for f in found if f.destination[1] == port] or [f for f in found if f.source[1] == port]
    if ssrc is not None:
        found = [f for f in found if ssrc in f.ssrcs]
    if not found:
        raise Unplayable(
            "holds no RTP" + (f" on port {port}" if port is not None else "") + (f" of SSRC {ssrc}" if ssrc else "")
        )
    playable = [f for f in found if any(number in formats for number in f.payload_types)]
    flow = max(playable or found, key=lambda f: f.ssrcs.most_common(1)[0][1])
    if not playable:
        number = flow.payload_types.most_common(1)[0][0]
        raise Unplayable(f"holds RTP of payload type {number} ({flow.name}): name its codec with --codec NAME/{number}")
    if ssrc is not None:
        flow.datagrams = [one for one in flow.datagrams if int.from_bytes(one.data[8:12], "big") == ssrc]
    flow.datagrams.sort(key=lambda one: one.at)
    if flow.datagrams[-1].at - flow.datagrams[0].at > LONGEST_S:
        raise Unplayable("spans more than a day: no call lasts so long")
    open_redundant(flow, {number for number, form in formats.items() if form.encoding == RED})
    return flow


def open_redundant(flow: Flow, redundant: set[int]) -> None:
    """Count what travels in redundant packets as well: without plain ones, nothing else says what the sound is."""
    if not redundant.intersection(flow.payload_types):
        return
    for datagram in flow.datagrams:
        packet = rtp.parse(datagram.data)
        if packet.payload_type in redundant:
            try:
                flow.payload_types[red.parse(packet.payload, packet.timestamp)[-1].payload_type] += 1
            except MediaError:
                continue


def named_format(text: str) -> WireFormat:
    """``opus/111``, ``L16/16000/97``, ``L16/44100/2/98``: the name as in SDP, and the payload type last."""
    name, _, number = text.rpartition("/")
    encoding, *details = name.split("/")
    if not encoding or not number.isdecimal() or int(number) > 127 or not all(d.isdecimal() for d in details):
        raise Unplayable(f"--codec {text}: give a name and a payload type, such as opus/111 or L16/16000/97")
    if encoding.upper() in NO_SOUND:
        return WireFormat(int(number), encoding.upper(), EVENT_RATE)
    try:
        usual = next(one for one in codecs.formats([name]))
    except codecs.CodecError as error:
        raise Unplayable(f"--codec {text}: {error}") from None
    return usual._replace(payload_type=int(number))


# ------------------------------------------------------------------ playing it


class Trace:
    """One ear, and the clock of the capture."""

    def __init__(
        self,
        flow: Flow,
        formats: dict[int, WireFormat],
        rate_hz: int,
        frame_samples: int,
        buffer_ms: tuple[float, float],
    ) -> None:
        self._coming = [(one.at - flow.datagrams[0].at, one.data) for one in flow.datagrams]
        self._frame_s = frame_samples / rate_hz
        self.ear = Incoming(0.0, buffer_ms)
        sound = {number: form[1:] for number, form in formats.items() if form.encoding not in NO_SOUND}
        events = {number: form.clock_rate for number, form in formats.items() if form.encoding == EVENTS}
        redundant = frozenset(number for number, form in formats.items() if form.encoding == RED)
        self.ear.configure(sound, events, rate_hz, frame_samples, redundant)
        assert self.ear.playout is not None
        self._playout = self.ear.playout
        self.start_s: float | None = None
        self.seconds = 0.0

    def run(self, writer: WavWriter) -> None:
        tick = came = 0
        end_s = self._coming[-1][0]
        while True:
            now = PHASE_S + tick * self._frame_s
            while came < len(self._coming) and self._coming[came][0] <= now:
                self._receive(*self._coming[came])
                came += 1
            if came == len(self._coming) and (not self._playout.holds_sound or now > end_s + PLAY_OUT_S):
                return
            pcm = self.ear.play(now)
            if self.start_s is None and self._playout.started:
                self.start_s = now
            if self.start_s is not None:
                writer.write(pcm)
                self.seconds += self._frame_s
            tick += 1

    def _receive(self, at: float, data: bytes) -> None:
        self.ear.receive(rtp.parse(data), at)

    def totals(self) -> dict[str, float | int | None]:
        """What became of the packets; times in milliseconds."""
        total, playout, source = self.ear.totals(), self._playout, self.ear.source
        return {
            "packets": total.packets,
            "lost": total.lost,
            "late": total.late,
            "duplicate": total.duplicate,
            "reordered": total.reordered,
            "discarded": total.discarded,
            "recovered": total.recovered,
            "foreign": self.ear.foreign,
            "concealed_ms": round(total.concealed_ms, 1),
            "stretched_ms": round(total.accelerated_ms + total.expanded_ms, 1),
            "accelerated_ms": round(total.accelerated_ms, 1),
            "expanded_ms": round(total.expanded_ms, 1),
            "mean_delay_ms": _rounded(playout.mean_wait_ms),
            "start_ms": None if self.start_s is None else round(1000 * self.start_s, 3),
            "jitter_ms": _rounded(source.jitter_ms if source is not None else None),
            "drift_ppm": _rounded(playout.drift_ppm),
            "seconds": round(self.seconds, 3),
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 1)


# ------------------------------------------------------------------ the command


def trace(options: argparse.Namespace) -> dict[str, object]:
    """Everything; raises Unplayable, PcapError or OSError."""
    named = [named_format(text) for text in options.codec]
    known = {form.payload_type: form for form in (*STATIC, *named)}
    capture = Capture(Path(options.capture).read_bytes())
    found = flows(capture)
    if not found and capture.fragments + capture.cut_short:
        raise Unplayable(
            f"holds no whole RTP packet: {capture.cut_short} were cut short by the capture, {capture.fragments} are"
            " fragments"
        )
    flow = choose(found, known, options.port, options.ssrc)
    form = first_format(flow, known)
    formats = {number: known[number] for number in flow.payload_types if number in known and makes(known[number])}
    if form.payload_type not in formats:
        raise Unplayable(f"holds {form.encoding}, which needs a library that is not installed")
    rate_hz = codecs.make(*form[1:]).rate_hz
    writer = WavWriter(options.sound, rate_hz)
    played = Trace(flow, formats, rate_hz, round(rate_hz * FRAME_S), options.buffer)
    played.run(writer)
    writer.close()
    if capture.ends_in is not None:
        print(f"{options.capture} ends in the middle of packet {capture.ends_in}: it is not played", file=sys.stderr)
    if writer.failed:
        raise OSError(writer.failed)
    return {
        "stream": flow.name,
        "ssrc": flow.ssrcs.most_common(1)[0][0] if options.ssrc is None else options.ssrc,
        "codec": form.encoding,
        "payload_type": form.payload_type,
        "rate_hz": rate_hz,
        **played.totals(),
    }


def makes(form: WireFormat) -> bool:
    """Can it be decoded here?"""
    try:
        return form.encoding in NO_SOUND or codecs.make(*form[1:]) is not None
    except (KeyError, MediaError, ImportError):
        return False


def first_format(flow: Flow, formats: dict[int, WireFormat]) -> WireFormat:
    """The codec of most packets: the file has its rate."""
    for number, _ in flow.payload_types.most_common():
        if number in formats and formats[number].encoding not in NO_SOUND:
            return formats[number]
    raise Unplayable(f"holds digits or redundancy, but no sound whose codec is known ({flow.name})")


def lines(totals: dict[str, object]) -> str:
    """For people: a name and a value a line."""
    return "\n".join(f"{name:15} {'-' if value is None else value}" for name, value in totals.items())


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="python -m tests.bench.trace", description="what the ear would have heard")
    top.add_argument("capture", metavar="IN.pcap")
    top.add_argument("sound", metavar="OUT.wav")
    top.add_argument("--json", action="store_true", help="the totals as one JSON object")
    top.add_argument("--codec", action="append", default=[], metavar="NAME/PT", help="such as opus/111; repeatable")
    top.add_argument("--port", type=int, metavar="N", help="the stream to this UDP port, or else from it")
    top.add_argument("--ssrc", type=lambda text: int(text, 0), metavar="N", help="packets of this SSRC alone (0x...)")
    top.add_argument("--buffer", type=bounds, default=(0.0, 500.0), metavar="MIN-MAX", help="ms, as ringtop's own")
    return top


def fail(text: str) -> NoReturn:
    print(text, file=sys.stderr)
    sys.exit(EXIT_USAGE)


def main(arguments: list[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    try:
        totals = trace(options)
    except (Unplayable, PcapError) as error:
        text = str(error)
        fail(text if text.startswith("--codec") else f"{options.capture} {text}")
    except OSError as error:
        fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    print(json.dumps(totals) if options.json else lines(totals))
    return 0


if __name__ == "__main__":
    sys.exit(main())
