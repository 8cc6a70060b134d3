"""Where sound lies in a stereo recording: both sides by the call's clock, whatever the network and the program do.

We and the far end click together, by the true time, every ten seconds. What lies between the two clicks in the file
is the way, jitter buffer included; it must neither grow nor shrink, and the file must be as long as the call.
"""

import random
from collections import deque

import numpy as np
import pytest

from engine.conference import Conference
from engine.handset import Handset
from engine.media import rtp
from engine.media.codecs import make
from engine.media_session import MediaSession
from engine.ports import MediaPorts
from engine.recorder import Track
from engine.sip.sdp import Agreement, Format
from engine.surroundings import Surroundings

RATE, PTIME_MS = 8000, 60
FRAME = RATE * PTIME_MS // 1000
EVERY_S = 10.0
WAY_S = 0.04
CLICK = np.full(RATE // 100, 12000, np.int16)
FAR = ("192.0.2.9", 4000)


def clicks(start: int, count: int, rate_hz: float) -> np.ndarray:
    """Samples of one who counts so many in a true second: silence, and a click at every ``EVERY_S``."""
    pcm = np.zeros(count, np.int16)
    for number in range(int(start / rate_hz / EVERY_S), int((start + count) / rate_hz / EVERY_S) + 1):
        at = round(number * EVERY_S * rate_hz) - start
        if number and -len(CLICK) < at < count:
            piece = CLICK[max(0, -at) : count - at]
            pcm[max(0, at) : max(0, at) + len(piece)] = piece
    return pcm


class Port:
    """A socket of paper."""

    def __init__(self, address):
        self.address, self.stamped, self.inbox = address, False, deque()

    def receive_stamped(self, limit, now):
        return [(self.inbox.popleft(), FAR, now) for _ in range(min(limit, len(self.inbox)))]

    def receive(self, limit):
        return [(data, source) for data, source, _ in self.receive_stamped(limit, 0.0)]

    def send(self, data, destination):
        return True


class Net:
    def __init__(self):
        self.readers = {}

    def watch(self, port, on_readable):
        self.readers[port] = on_readable

    def unwatch(self, port):
        del self.readers[port]


class Sound:
    """Our microphone clicks, by our clock; nobody listens."""

    is_heard = False

    def microphone(self, rate_hz):
        self.at = 0
        return self

    def read(self, samples):
        self.at += samples
        return clicks(self.at - samples, samples, RATE)

    def play(self, pcm, rate_hz):
        pass

    def close(self):
        pass


class Positions:
    """A recording that keeps where the clicks begin, on each side, and how long it is."""

    def __init__(self, path, rate_hz, channels):
        self.rate_hz, self.failed, self.samples = rate_hz, None, 0
        self.found = ([], [])

    def write(self, pcm):
        for side, found in zip(pcm.reshape(-1, 2).T, self.found, strict=True):
            loud = np.flatnonzero(np.abs(side) > 6000)
            if len(loud):
                at = (self.samples + int(loud[0])) / self.rate_hz
                if not found or at - found[-1] > EVERY_S / 2:
                    found.append(at)
        self.samples += len(pcm) // 2

    def close(self):
        pass


class Call:
    """One call with a far end whose clock is off by ``drift_ppm``, over a line that loses and is uneven."""

    def __init__(self, drift_ppm=0.0, loss=0.0, jitter_s=0.0, seed=1):
        self.now, self.start = 1000.0, 1000.0
        self.random = random.Random(seed)
        self.rate_hz = RATE * (1 + drift_ppm * 1e-6)
        self.loss, self.jitter_s = loss, jitter_s
        self.lines = []
        self.files = []
        self.net, self.rtp, self.sent = Net(), Port(("192.0.2.1", 10000)), 0
        self.flying = []
        self.encode = make("PCMU", RATE).encode
        pcmu = Format(0, "PCMU", RATE, 1)
        agreement = Agreement(FAR, None, pcmu, {0: pcmu}, None, frozenset(), PTIME_MS, "sendrecv", False)
        around = Surroundings(
            buffer_ms=(0.0, 500.0),
            net=self.net, names=None, handset=Handset(Sound()), conference=Conference(), entropy=self.random, cname="x",
            echo=False, redundancy=0, silence_suppression=False, log=lambda *line: self.lines.append(line),
        )  # fmt: skip
        self.session = MediaSession(1, MediaPorts(self.rtp, Port(("192.0.2.1", 10001))), agreement, around, self.now)
        self.session.record(Track("a.wav", 2, RATE, self._open))
        self.session.start_sending(self.now)

    def _open(self, *given):
        self.files.append(Positions(*given))
        return self.files[-1]

    def run(self, seconds, *, stalls=False):
        """Let time pass; ``stalls``: our program stands still meanwhile."""
        until = self.now + seconds
        while (due := min(self._next_packet(), float("inf") if stalls else self.session.deadline())) <= until:
            self.now = max(self.now, due)
            if self._next_packet() <= self.now:
                self._send()
            self._arrive()
            if not stalls and self.session.deadline() <= self.now:
                self.session.run(self.now, self.now)
        self.now = until

    def _next_packet(self):
        return self.start + (self.sent + 1) * FRAME / self.rate_hz

    def _send(self):
        """A packet leaves them when its sound has been captured."""
        if self.random.random() >= self.loss:
            payload = self.encode(clicks(self.sent * FRAME, FRAME, self.rate_hz))
            data = rtp.build(0, False, self.sent & 0xFFFF, self.sent * FRAME & 0xFFFFFFFF, 7, payload)
            self.flying.append((self.now + WAY_S + self.random.uniform(0, self.jitter_s), data))
        self.sent += 1

    def _arrive(self):
        here = [data for at, data in self.flying if at <= self.now]
        if here:
            self.flying = [(at, data) for at, data in self.flying if at > self.now]
            self.rtp.inbox.extend(here)
            self.net.readers[self.rtp](self.now)

    def ways(self):
        """(when we clicked, how much later in the file they did), for every click of theirs that came."""
        ours, theirs = self.files[0].found
        pairs = []
        for at in ours:
            after = [other - at for other in theirs if 0 <= other - at < EVERY_S / 2]
            if after:
                pairs.append((at, after[0]))
        return pairs


@pytest.mark.parametrize(("drift_ppm", "seconds"), [(300, 3600), (-500, 900)])
def test_both_sides_stay_aligned_for_an_hour_of_drift_loss_and_jitter(drift_ppm, seconds):
    call = Call(drift_ppm, loss=0.03, jitter_s=0.03)
    call.run(seconds)
    assert call.files[0].samples / RATE == pytest.approx(seconds, abs=0.1)
    pairs = call.ways()
    assert len(pairs) > 0.9 * seconds / EVERY_S - 2
    assert [at for at, _ in pairs] == pytest.approx([round(at / EVERY_S) * EVERY_S for at, _ in pairs], abs=0.001)
    ways = np.array([way for _, way in pairs])
    assert (ways > WAY_S + PTIME_MS / 1000).all() and ways.max() < 0.35
    assert abs(np.median(ways[-20:]) - np.median(ways[:20])) < 0.04, "an hour of drift is 1080 ms"


def test_a_stall_is_silence_on_both_sides_and_what_follows_is_in_its_place():
    call = Call()
    call.run(25)
    call.run(7.3, stalls=True)
    call.run(60)
    assert call.files[0].samples / RATE == pytest.approx(92.3, abs=0.1)
    assert any("stood still" in text for _, _, text in call.lines)
    theirs = call.files[0].found[1]
    assert theirs[-1] - theirs[-2] == pytest.approx(EVERY_S, abs=0.02)
    late = [at % EVERY_S for at in theirs if at > 50]
    assert late == pytest.approx([theirs[0] % EVERY_S] * len(late), abs=0.08), "their clicks are where they were"


def test_a_machine_that_slept_for_a_night_does_not_fill_the_disk():
    call = Call()
    call.run(1)
    call.now += 8 * 3600
    call.start += 8 * 3600
    call.run(1)
    assert call.files[0].samples / RATE == pytest.approx(62, abs=0.3)


def test_loss_alone_moves_nothing():
    call = Call(loss=0.2)
    call.run(300)
    ways = [way for _, way in call.ways()]
    assert len(ways) > 15 and max(ways) - min(ways) < 0.07
