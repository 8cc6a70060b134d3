"""The sound card's helper process: the one program that imports pyaudio.

The engine's end (``card_process``) starts it with one end of a socket pair. It looks at what cards there are, says so,
and opens microphone and loudspeaker when told to. It may hang in PortAudio, die or be killed at any moment: it keeps
nothing worth losing, and the engine goes on with silence. It ends when its socket does.

A message is a type octet, a 16 bit length and its content:

    engine -> helper    O  {"input": name or null, "output": ..., "capture": bool, "rate": wish}    open; again: anew
                        L  look anew at what there is, with the card closed
                        P  int16 samples, mono, at the loudspeaker's rate                           X  close the card
                        V  ["echo", "noise", ...]: what is done to the microphone, from now on (engine.media.voice)
    helper -> engine    T  the token that proves who is calling (over TCP only)                     H  counters, alive
                        S  {"state": "idle" | "open" | "failed", "input", "in_rate", "output", "out_rate", "error"},
                           and the names of all there are: {"inputs": [...], "outputs": [...]}
                        C  int16 samples, mono, at the microphone's rate
                        M  what those of the last while were: lowest, highest, how many at full scale, how many

Nothing here imports from the rest of the program, so that a restart takes no longer than PortAudio does; only what is
done to the microphone, once that is asked for. It is done here because here the loudspeaker and the microphone are
side by side, sample by sample, and because here it does not delay the engine's packets.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import sys
import time
from array import array
from struct import Struct
from typing import Any, NoReturn

HEADER = Struct("!cH")
COUNTERS = Struct("!II")  # underruns, overruns of the loudspeaker
EXTREMES = Struct("!hhII")
FULL_SCALE = 32767
TOKEN_VARIABLE = "RINGTOP_CARD_TOKEN"

FRAME_S = 0.02  # PortAudio's buffer is three of these
TICK_S = 0.01
BEAT_S = 0.5
WATCHDOG_S = 20  # a helper that hangs while its engine is gone ends by itself
RATES = (48000, 44100)
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MOST_READ = 8192
MOST_UNSENT = 1 << 17
MOST_NAMES = 64
LONGEST_NAME = 200
NAMES_IN_A_LINE = 12

REFILL_S = 0.02  # silence before the first sound, against the unevenness of what follows
FILL_S = 0.04  # how full PortAudio's own buffer is kept
MARGIN_S = 0.012  # of what was never needed, so much stays ...
MARGIN_MORE_S = 0.01  # ... and more after each time it ran dry, up to ...
MARGIN_MOST_S = 0.05
MARGIN_LESS_S = 0.0002  # ... forgotten by so much in every window
STEP_S = 0.005  # taken out at a time when more waits than needed ...
LEAP_S = 0.03  # ... but so much is taken out at once
WINDOW_S = 1.0
MOST_S = 0.2
KEPT_S = 0.02


# ------------------------------------------------------------------ the link


def pack(kind: bytes, content: bytes) -> bytes:
    """One message."""
    return HEADER.pack(kind, len(content)) + content


class Unpacker:
    """Bytes in, whole messages out."""

    def __init__(self) -> None:
        self._data = bytearray()

    def push(self, data: bytes) -> list[tuple[bytes, bytes]]:
        self._data += data
        buffer, at, found = self._data, 0, []
        while at + HEADER.size <= len(buffer):
            kind, length = HEADER.unpack_from(buffer, at)
            end = at + HEADER.size + length
            if end > len(buffer):
                break
            found.append((kind, bytes(buffer[at + HEADER.size : end])))
            at = end
        del buffer[:at]
        return found


class Link:
    """The helper's end of the socket. What the engine does not read in time is dropped, never waited for."""

    def __init__(self, made: socket.socket) -> None:
        made.setblocking(False)
        self._socket = made
        self._unpacker = Unpacker()
        self._unsent = bytearray()

    def receive(self, wait_s: float) -> list[tuple[bytes, bytes]]:
        """The messages that have come, after at most ``wait_s``; ends the process with the engine."""
        writers = [self._socket] if self._unsent else []
        readable, _, _ = select.select([self._socket], writers, [], wait_s)
        self._flush()
        if not readable:
            return []
        try:
            data = self._socket.recv(65536)
        except (BlockingIOError, InterruptedError):
            return []
        except OSError:
            data = b""
        if not data:
            leave(0)
        return self._unpacker.push(data)

    def send(self, kind: bytes, content: bytes) -> None:
        if len(self._unsent) < MOST_UNSENT:
            self._unsent += pack(kind, content)
        self._flush()

    def _flush(self) -> None:
        while self._unsent:
            try:
                sent = self._socket.send(self._unsent)
            except (BlockingIOError, InterruptedError):
                return
            except OSError:
                leave(0)
            del self._unsent[:sent]


def leave(code: int) -> NoReturn:
    """End at once: a tidy end would call PortAudio, which may be what hangs."""
    os._exit(code)


# ------------------------------------------------------------------ the card


class Microphone:
    """A capturing stream, read as far as it has sound."""

    def __init__(self, stream: Any, channels: int) -> None:
        self._stream = stream
        self._channels = channels
        self._lowest, self._highest = FULL_SCALE, -FULL_SCALE - 1
        self._clipped = self._count = 0

    def read(self) -> array[int]:
        """What has been captured since last asked, mono; never waits."""
        ready = min(self._stream.get_read_available(), MOST_READ)
        if ready <= 0:
            return array("h")
        samples = array("h", self._stream.read(ready, exception_on_overflow=False))
        if self._channels > 1:
            samples = samples[:: self._channels]
        if samples:
            self._watch(samples)
        return samples

    def extremes(self) -> bytes | None:
        """How the sound was since last asked; None when there was none."""
        if not self._count:
            return None
        said = EXTREMES.pack(self._lowest, self._highest, self._clipped, self._count)
        self._forget()
        return said

    def _watch(self, samples: array[int]) -> None:
        lowest, highest = min(samples), max(samples)
        self._lowest, self._highest = min(self._lowest, lowest), max(self._highest, highest)
        self._count += len(samples)
        if lowest <= -FULL_SCALE or highest >= FULL_SCALE:
            self._clipped += sum(abs(sample) >= FULL_SCALE for sample in samples)

    def _forget(self) -> None:
        self._lowest, self._highest = FULL_SCALE, -FULL_SCALE - 1
        self._clipped = self._count = 0

    def close(self) -> None:
        self._stream.close()


class Speaker:
    """A playing stream, fed as far as it is useful.

    Two clocks meet here: the engine sends by its own, the card plays by another. What waits (here and in the card)
    must not run dry and must not grow: the least that waited when a frame came, over a second, is what was never
    needed. It is taken out again, a few milliseconds at a time, by overlapping it with what follows.
    """

    def __init__(self, stream: Any, rate_hz: int, channels: int) -> None:
        self.underruns = 0
        self.overruns = 0
        self._stream = stream
        self._rate_hz = rate_hz
        self._channels = channels
        self._capacity: int = stream.get_write_available()
        self._queue = array("h")
        self._moving = False  # a card may take a second until it plays: what waits so long is stale
        self._level_before = 0
        self._fed_at = float("-inf")
        self._margin_s = MARGIN_S
        self._least = sys.maxsize
        self._window_ends = 0.0

    def push(self, pcm: bytes, now: float) -> None:
        """A frame to be played after what waits already."""
        waiting = len(self._queue) + self._level()
        if waiting <= 0:
            self._refill(now)
        else:
            self._least = min(self._least, waiting)
        self._queue.frombytes(pcm[: len(pcm) & ~1])
        self._fed_at = now
        if not self._moving:
            del self._queue[: -self._samples(REFILL_S + KEPT_S)]
            self._new_window(now)
        elif len(self._queue) > self._samples(MOST_S):
            self.overruns += 1
            del self._queue[: -self._samples(KEPT_S)]
            self._new_window(now)
        elif now >= self._window_ends:
            self._ease()
            self._new_window(now)

    def pump(self) -> array[int]:
        """Hand over what keeps the card busy, and say what that was; never waits."""
        level = self._level()
        self._moving = self._moving or level < self._level_before
        count = min(self._samples(FILL_S), self._capacity) - level
        data = self._queue[: max(0, count)]
        if data:
            del self._queue[:count]
            self._stream.write(spread(data, self._channels).tobytes(), exception_on_underflow=False)
        self._level_before = level + len(data)
        return data

    def close(self) -> None:
        self._stream.close()

    def ahead_s(self) -> float:
        """How much was handed over and is not played yet."""
        return self._level() / self._rate_hz

    def _level(self) -> int:
        """Samples in PortAudio's buffer."""
        room: int = self._stream.get_write_available()
        return max(0, self._capacity - room)

    def _refill(self, now: float) -> None:
        if now - self._fed_at < 1.0:
            self.underruns += 1
            self._margin_s = min(self._margin_s + MARGIN_MORE_S, MARGIN_MOST_S)
        self._queue.extend(array("h", bytes(2 * self._samples(REFILL_S))))
        self._new_window(now)

    def _ease(self) -> None:
        """Take out what was never needed: a little of it, or all when it is much."""
        surplus = self._least - self._samples(self._margin_s)
        self._margin_s = max(self._margin_s - MARGIN_LESS_S, MARGIN_S)
        step = self._samples(STEP_S)
        count = surplus if surplus >= self._samples(LEAP_S) else step
        count = min(count, len(self._queue) - step)
        if surplus < 2 * step or count < step:
            return
        queue = self._queue
        for at in range(step):  # fade from what is heard now into what comes ``count`` later
            queue[at] = (queue[at] * (step - at) + queue[at + count] * at) // step
        del queue[step : step + count]
        if count > step:  # the little that two clocks drift apart is heard by nobody
            self.overruns += 1

    def _new_window(self, now: float) -> None:
        self._least = sys.maxsize
        self._window_ends = now + WINDOW_S

    def _samples(self, seconds: float) -> int:
        return int(seconds * self._rate_hz)


def spread(mono: array[int], channels: int) -> array[int]:
    """The same on every channel."""
    if channels == 1:
        return mono
    wide = array("h", bytes(2 * len(mono) * channels))
    for channel in range(channels):
        wide[channel::channels] = mono
    return wide


def pick(audio: Any, wanted: str | None, direction: str) -> dict[str, Any]:
    """The device whose name is ``wanted`` or contains it, or the default one. Raises OSError, naming what there is."""
    if not wanted:
        default = getattr(audio, f"get_default_{direction}_device_info")
        return dict(default())
    devices = listed(audio, direction)
    whole = [device for device in devices if str(device["name"])[:LONGEST_NAME] == wanted]
    for device in (*whole, *devices):
        if wanted.lower() in str(device["name"]).lower():
            return device
    raise OSError(misfit(wanted, direction, [str(device["name"]) for device in devices]))


def listed(audio: Any, direction: str) -> list[dict[str, Any]]:
    """Every device that has this direction."""
    channels = f"max{direction.capitalize()}Channels"
    devices = [dict(audio.get_device_info_by_index(index)) for index in range(audio.get_device_count())]
    return [device for device in devices if device[channels] > 0]


def misfit(wanted: str, direction: str, names: list[str]) -> str:
    """The line for a name that fits nothing; names are shown safely, a wireless one may be anybody's."""
    shown = ["".join(char if char.isprintable() else "?" for char in name) for name in names[:NAMES_IN_A_LINE]]
    if len(names) > len(shown):
        shown.append(f"and {len(names) - len(shown)} more")
    return f"no {direction} has '{wanted}' in its name; there is {', '.join(shown) or 'none at all'}"


def open_stream(pyaudio: Any, audio: Any, device: dict[str, Any], direction: str, wish_hz: int) -> tuple[Any, int, int]:
    """(stream, rate, channels) of the first combination the card accepts; raises OSError when there is none."""
    trouble: Exception = OSError("cannot be opened")
    for rate in dict.fromkeys((wish_hz, *RATES, int(device["defaultSampleRate"]))):
        for channels in (1, 2):
            wishes = {direction: True, f"{direction}_device_index": device["index"]}
            buffer = int(rate * FRAME_S)
            try:
                made = audio.open(
                    format=pyaudio.paInt16, channels=channels, rate=rate, frames_per_buffer=buffer, **wishes
                )
            except (OSError, ValueError) as error:
                trouble = error
            else:
                return made, rate, channels
    raise OSError(f"{device['name']}: {describe(trouble)}")


def describe(error: BaseException) -> str:
    """PortAudio's words without its number."""
    words = [str(part) for part in error.args if not isinstance(part, int)]
    return " ".join(words) or type(error).__name__


# ------------------------------------------------------------------ the process


class Helper:
    """Looks, opens, carries, closes, as the engine says."""

    def __init__(self, link: Link, pyaudio: Any) -> None:
        self._link = link
        self._pyaudio = pyaudio
        self._audio: Any = None
        self._microphone: Microphone | None = None
        self._speaker: Speaker | None = None
        self._rates = {"input": 0, "output": 0}
        self._steps: frozenset[str] = frozenset()
        self._duplex: Any = None  # engine.media.voice.Duplex, while there is something to do
        self._beat_at = 0.0

    def run(self) -> NoReturn:
        self._look()
        while True:
            self.turn()

    def turn(self) -> None:
        """Wait a little, do what was asked, move sound both ways."""
        busy = self._microphone is not None or self._speaker is not None
        messages = self._link.receive(TICK_S if busy else BEAT_S)
        now = time.monotonic()
        for kind, content in messages:
            self._obey(kind, content, now)
        if self._speaker is not None:
            played = self._speaker.pump()
            if played and self._duplex is not None:
                self._duplex.played(played)
        if self._microphone is not None:
            self._capture(self._microphone)
        if now >= self._beat_at:
            self._beat(now)

    def _capture(self, microphone: Microphone) -> None:
        captured: Any = microphone.read()
        if self._duplex is not None:
            captured = self._duplex.captured(captured, self._speaker.ahead_s() if self._speaker is not None else 0.0)
            if self._duplex.complaint:
                print(self._duplex.complaint, file=sys.stderr, flush=True)
                self._duplex.complaint = ""
        if len(captured):
            self._link.send(b"C", captured.tobytes())

    def _obey(self, kind: bytes, content: bytes, now: float) -> None:
        if kind == b"P" and self._speaker is not None:
            self._speaker.push(content, now)
        elif kind == b"O":
            self._open(json.loads(content))
        elif kind == b"X":
            self._close()
        elif kind == b"L":
            self._look()
        elif kind == b"V":
            self._steps = frozenset(json.loads(content))
            self._make_duplex()

    def _make_duplex(self) -> None:
        """What is done to the microphone is begun anew; it is imported when it is first asked for, before a call."""
        self._duplex = None
        if not self._steps:
            return
        if ROOT not in sys.path:
            sys.path.insert(0, ROOT)
        from engine.media.voice import Duplex

        if self._microphone is not None:
            near_hz, far_hz = self._rates["input"], self._rates["output"]
            self._duplex = Duplex(near_hz, far_hz or near_hz, self._steps)

    def _beat(self, now: float) -> None:
        self._beat_at = now + BEAT_S
        speaker = self._speaker
        counters = (speaker.underruns, speaker.overruns) if speaker is not None else (0, 0)
        self._link.send(b"H", COUNTERS.pack(*counters))
        extremes = self._microphone.extremes() if self._microphone is not None else None
        if extremes is not None:
            self._link.send(b"M", extremes)
        if hasattr(signal, "alarm"):
            signal.alarm(WATCHDOG_S)

    def _look(self) -> None:
        """What is there, without opening it."""
        self._close()
        self._audio = self._pyaudio.PyAudio()
        found, troubles = self._find({"input": None, "output": None}, ("input", "output"))
        names = self._names()
        self._close()
        self._say("idle", found, "; ".join(troubles), names)

    def _names(self) -> dict[str, list[str]]:
        """Of all devices there are."""
        return {
            f"{direction}s": [
                str(device["name"])[:LONGEST_NAME] for device in listed(self._audio, direction)[:MOST_NAMES]
            ]
            for direction in ("input", "output")
        }

    def _find(self, names: dict[str, Any], directions: tuple[str, ...]) -> tuple[dict[str, dict[str, Any]], list[str]]:
        found, troubles = {}, []
        for direction in directions:
            try:
                found[direction] = pick(self._audio, names.get(direction), direction)
            except OSError as error:
                troubles.append(describe(error))
        return found, troubles

    def _open(self, wish: dict[str, Any]) -> None:
        self._close()
        self._audio = self._pyaudio.PyAudio()  # anew: its list of devices never changes
        directions = ("output", "input") if wish.get("capture", True) else ("output",)
        found, troubles = self._find(wish, directions)
        opened: dict[str, dict[str, Any]] = {}
        wish_hz = int(wish.get("rate", 8000))
        for direction, device in found.items():
            try:
                stream, rate, channels = open_stream(self._pyaudio, self._audio, device, direction, wish_hz)
            except OSError as error:
                troubles.append(describe(error))
                continue
            opened[direction] = {**device, "rate": rate}
            self._rates[direction] = wish_hz = rate  # one rate both ways, where the card can
            if direction == "input":
                self._microphone = Microphone(stream, channels)
            else:
                self._speaker = Speaker(stream, rate, channels)
        self._make_duplex()
        self._say("open" if opened else "failed", opened, "; ".join(troubles), self._names())

    def _say(
        self, state: str, devices: dict[str, dict[str, Any]], error: str, names: dict[str, list[str]] | None = None
    ) -> None:
        status: dict[str, Any] = {"state": state, "error": error, **(names or {})}
        for direction, short in (("input", "in_rate"), ("output", "out_rate")):
            device = devices.get(direction, {})
            status[direction] = str(device["name"]) if device else None
            status[short] = device.get("rate", 0)
        self._link.send(b"S", json.dumps(status).encode())

    def _close(self) -> None:
        for stream in (self._microphone, self._speaker):
            if stream is not None:
                stream.close()
        self._microphone = self._speaker = self._duplex = None
        self._rates = {"input": 0, "output": 0}
        if self._audio is not None:
            self._audio.terminate()
            self._audio = None


def connect(arguments: list[str]) -> Link:
    """``fd N``: an inherited socket; ``tcp PORT``: a connection, with the token from the environment."""
    if arguments[0] == "fd":
        return Link(socket.socket(fileno=int(arguments[1])))
    link = Link(socket.create_connection(("127.0.0.1", int(arguments[1]))))
    link.send(b"T", os.environ.pop(TOKEN_VARIABLE, "").encode())
    return link


def main() -> None:
    """The whole life of the process."""
    sys.path.pop(0)  # our own folder: its modules are not for PortAudio's
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the engine, which ends us
    if hasattr(signal, "alarm"):
        signal.alarm(WATCHDOG_S)
    link = connect(sys.argv[1:])
    try:
        import pyaudio

        Helper(link, pyaudio).run()
    except Exception as error:  # PortAudio raises what it likes; say it and be started anew
        link.send(b"S", json.dumps({"state": "failed", "error": describe(error), "fatal": True}).encode())
        leave(1)


if __name__ == "__main__":
    main()
