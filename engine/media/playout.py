"""Packets in, exactly the asked number of samples out: jitter buffer, decoder, concealment and stretch joined.

Nearly always the next packet is there, lasts as long as what is asked for, and the delay is right: then
:meth:`Playout.get` is a pull and a decode. Everything else is put together from pieces: the rest of a packet that
was longer, sound invented for a gap, frames that were shortened or lengthened to follow the target.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from math import inf

import numpy as np

from engine.media.codec_conceal import CodecConcealer
from engine.media.codecs import Codec
from engine.media.conceal import Concealer
from engine.media.delay import MAX_TARGET_S
from engine.media.errors import MediaError
from engine.media.jitter import JitterBuffer, Waiting
from engine.media.pace import Pace
from engine.media.repeats import MOST_OF_HALVES_S, MOST_S
from engine.media.resample import Resampler
from engine.media.stretch import Stretcher

FAR_SIDE_S = 0.020  # of what comes behind a gap: enough to find its pitch


@dataclass(slots=True)
class Decoder:
    """How the payloads of one payload type become sound. The RTP clock need not be the rate of the samples."""

    codec: Codec
    clock_rate: int
    earlier: bool = False  # only the frame before is wanted, which its payloads carry once more (in-band FEC)

    def clock_units(self, payload: bytes) -> int:
        """How long what is wanted of this payload lasts, in RTP timestamp units."""
        samples = self.codec.samples_earlier(payload) if self.earlier else self.codec.samples_in(payload)
        return samples * self.clock_rate // self.codec.rate_hz

    def decode(self, payload: bytes) -> np.ndarray:
        return self.codec.decode_earlier(payload) if self.earlier else self.codec.decode(payload)


class Playout:
    """What one call hears, at one rate whatever the codecs of the packets are."""

    def __init__(self, rate_hz: int, limits_ms: tuple[float, float] = (0.0, 1000 * MAX_TARGET_S)) -> None:
        """``limits_ms``: bounds of the delay that is aimed at."""
        self.rate_hz = rate_hz
        self.packet_s = 0.0  # how long the sound of the latest packet lasts
        self.concealed_samples = 0
        self.accelerated_samples = 0  # left out to play sooner
        self.expanded_samples = 0  # played twice to play later
        self.buffer = JitterBuffer(limits_ms)
        self._broken = 0  # payloads their codec could not read
        self._repeater = Concealer(rate_hz)
        self._concealer: Concealer | CodecConcealer = self._repeater
        self._decoder: Decoder | None = None  # of the packet that was played last
        self.pausing = False  # after it nothing comes for a while, on purpose
        self._stretcher = Stretcher(rate_hz)
        self._pace = Pace(rate_hz)
        self._resampler = Resampler(rate_hz, rate_hz)
        self._resampled_from = rate_hz
        self._rest = np.zeros(0, np.int16)  # decoded, not asked for yet
        self._invented = 0  # samples, since the last packet; silence before the first one too
        self._ahead: deque[tuple[Waiting, np.ndarray]] = deque()  # decoded before their turn
        self.started = False  # before the first packet nothing is missing
        self._hushed = False  # the far end stopped on purpose
        self._count = -1  # asked for last time
        # What was given out last, in pieces: put together only when something is missing.
        self._recent: deque[np.ndarray] = deque()
        self._recent_samples = 0

    # -------------------------------------------------------------- in

    def put(self, timestamp: int, payload: bytes, decoder: Decoder, arrival: float, follows: bool = False) -> str:
        """One packet with sound in it; says what became of it, in the words of ``jitter``.

        ``follows``: by the sequence numbers no sound is missing between the one that was put last and this.
        """
        self._hushed = False
        if not follows:
            self._recover_in_band(timestamp, payload, decoder, arrival)
        units = decoder.clock_units(payload)
        self.packet_s = units / decoder.clock_rate
        return self.buffer.put(timestamp, units, decoder.clock_rate, payload, decoder, arrival, follows)

    def recover(self, timestamp: int, payload: bytes, decoder: Decoder, arrival: float) -> str | None:
        """A frame that a later packet has brought again (RFC 2198): used where it fills a hole."""
        units = decoder.clock_units(payload)
        return self.buffer.recover(timestamp, units, decoder.clock_rate, payload, decoder, arrival)

    def _recover_in_band(self, timestamp: int, payload: bytes, decoder: Decoder, arrival: float) -> None:
        """The frame before is missing: a payload may carry it once more."""
        again = Decoder(decoder.codec, decoder.clock_rate, earlier=True)
        units = again.clock_units(payload)
        if units:
            self.buffer.recover(timestamp - units, units, decoder.clock_rate, payload, again, arrival)

    @property
    def hushed(self) -> bool:
        """They sent something else than sound last (digits)."""
        return self._hushed

    def hush(self) -> None:
        """The far end sends something else than sound now (digits): what is missing is meant to be."""
        self._hushed = True

    def other_source(self, same_clock: bool = False) -> None:
        """The next packet belongs to another source, or (``same_clock``) to the same begun anew."""
        self.buffer.other_source(same_clock)

    # -------------------------------------------------------------- out

    def get(self, count: int, now: float) -> np.ndarray:
        """The next ``count`` samples, come what may."""
        if count != self._count:
            if not count:
                return np.zeros(0, np.int16)
            self._count = count
            self.buffer.tick_s = count / self.rate_hz
        piece = self._rest
        if not len(piece):
            piece = self._fetch(count, now)
            if len(piece) == count:
                return piece
        pieces = [piece]
        have = len(piece)
        while have < count:
            piece = self._fetch(count - have, now)
            pieces.append(piece)
            have += len(piece)
        joined = np.concatenate(pieces)
        self._rest = joined[count:]
        return joined[:count]

    def _fetch(self, wanted: int, now: float) -> np.ndarray:
        packet = self.buffer.pull(now, self._invented / self.rate_hz)
        if packet is None:
            return self._gap(wanted)
        self.buffer.waited_s += (self._count - wanted) / self.rate_hz
        return self._sound(packet, wanted, now)

    def _gap(self, wanted: int) -> np.ndarray:
        """Sound for a packet that is not there: as much as is known to be missing, at most what is wanted."""
        buffer = self.buffer
        known = buffer.lacking_s < inf
        left = max(1, round(buffer.lacking_s * self.rate_hz)) if known else wanted
        wanted = min(wanted, left)
        if not self.started:
            self._invented += wanted
            return np.zeros(wanted, np.int16)
        if not self._concealer.active:
            self._concealer = self._best_concealer()
            self._concealer.begin(self._history(), self._hushed)
        meant = self._hushed or self.pausing
        if known and not meant:
            self._meet(left)
        if self._concealer.audible and not meant:
            self.concealed_samples += wanted
        self._invented += wanted
        return self._remember(self._concealer.fill(wanted))

    def _best_concealer(self) -> Concealer | CodecConcealer:
        """The codec itself, where it can and plays at our rate; digits and silence want none of its inventions."""
        codec = None if self._decoder is None else self._decoder.codec
        if codec is None or self._hushed or not self._conceals(codec):
            return self._repeater
        return CodecConcealer(codec)

    def _conceals(self, codec: Codec) -> bool:
        return codec.own_concealment and codec.rate_hz == self.rate_hz

    def _meet(self, left: int) -> None:
        """What comes behind the gap waits already: what is invented shall lead up to it in ``left`` samples."""
        if self._concealer is not self._repeater:
            return
        coming = self.buffer.coming(FAR_SIDE_S)
        if not self._ahead or coming[0] is not self._ahead[0][0]:
            self._decode_ahead(coming)
        elif self._repeater.meets:
            return
        if self._ahead:
            self._repeater.meet(np.concatenate([pcm for _, pcm in self._ahead]), left)

    def _decode_ahead(self, coming: list[Waiting]) -> None:
        self._ahead.clear()
        for packet in coming:
            assert isinstance(packet.decoder, Decoder)
            if packet.decoder.codec.is_pause(packet.payload):
                break
            self._ahead.append((packet, self._decode(packet)))
            if not len(self._ahead[-1][1]):
                break

    def _sound(self, packet: Waiting, wanted: int, now: float) -> np.ndarray:
        """A packet decoded and joined to what was played before; maybe shorter or longer than it was."""
        pcm = self._decoded(packet)
        self._invented = 0
        if not len(pcm):
            self.buffer.unreadable(packet)
            return pcm
        self.started = True
        if self._concealer.active:
            pcm = self._concealer.merge(pcm)
        else:
            self._pace.hear(pcm)
            pcm = self._stretch(pcm, max(0, len(pcm) - wanted) % self._count, now)
        return self._remember(pcm)

    def _decoded(self, packet: Waiting) -> np.ndarray:
        for ahead, pcm in self._ahead:
            if ahead is packet:
                while self._ahead.popleft()[0] is not packet:
                    pass
                return pcm[round(packet.overlap_s * self.rate_hz) :]
        return self._decode(packet)

    def _decode(self, packet: Waiting) -> np.ndarray:
        decoder = packet.decoder
        assert isinstance(decoder, Decoder)
        try:
            pcm = decoder.decode(packet.payload)
        except MediaError:
            self._broken += 1
            return np.zeros(0, np.int16)
        self._decoder, self.pausing = decoder, decoder.codec.is_pause(packet.payload)
        if not self.pausing:  # what follows a pause is of the codec before it
            self.buffer.estimate.look_ahead = not self._conceals(decoder.codec)
            self.buffer.most_repeat_wait_s = MOST_OF_HALVES_S if decoder.codec.own_concealment else MOST_S
        rate_hz = decoder.codec.rate_hz
        if packet.overlap_s:
            pcm = pcm[round(packet.overlap_s * rate_hz) :]
        if rate_hz != self._resampled_from:
            return self._resample_anew(pcm, rate_hz)
        return self._resampler.push(pcm)

    def _resample_anew(self, pcm: np.ndarray, rate_hz: int) -> np.ndarray:
        """A filter keeps back half its length for good: the first packet is made up to its time with silence."""
        self._resampler = Resampler(rate_hz, self.rate_hz)
        self._resampled_from = rate_hz
        out = self._resampler.push(pcm)
        lacking = round(len(pcm) * self.rate_hz / rate_hz) - len(out)
        return np.concatenate((np.zeros(max(0, lacking), np.int16), out))

    def _stretch(self, pcm: np.ndarray, spare: int, now: float) -> np.ndarray:
        """Follow the target. ``spare`` samples of this frame will be left when the next packet is pulled."""
        buffer, pace = self.buffer, self._pace
        excess_s, step_s = buffer.excess_s, buffer.step_s
        if not buffer.even:  # then it is no spare time, but the only time for some of the packets
            spare = 0
        if pace.pause:
            samples = pace.in_pause(excess_s, step_s, spare, now)
            if not samples:
                return pcm
            longer = samples > 0
            stretched = (
                self._stretcher.extend(self._history(), pcm, samples) if longer else self._stretcher.cut(pcm, -samples)
            )
        else:
            way, hurry = pace.in_speech(excess_s, step_s, now)
            if not way:
                return pcm
            stretched = (
                self._stretcher.lengthen(self._history(), pcm)
                if way > 0
                else self._stretcher.shorten(pcm, len(pcm), hurry)
            )
        if stretched is not pcm:
            pace.changed(now)
            self._count_stretch(len(stretched) - len(pcm))
            buffer.delay_changed((len(stretched) - len(pcm) + spare) / self.rate_hz)
        return stretched

    def _count_stretch(self, samples: int) -> None:
        if samples > 0:
            self.expanded_samples += samples
        else:
            self.accelerated_samples -= samples

    # -------------------------------------------------------------- what was played

    def _remember(self, pcm: np.ndarray) -> np.ndarray:
        recent = self._recent
        recent.append(pcm)
        self._recent_samples += len(pcm)
        while self._recent_samples - len(recent[0]) >= self._repeater.history_samples:
            self._recent_samples -= len(recent.popleft())
        return pcm

    def _history(self) -> np.ndarray:
        return np.concatenate(self._recent) if self._recent else np.zeros(0, np.int16)

    # -------------------------------------------------------------- figures

    @property
    def late(self) -> int:
        return self.buffer.late

    @property
    def duplicate(self) -> int:
        return self.buffer.duplicate

    @property
    def recovered(self) -> int:
        return self.buffer.recovered

    @property
    def discarded(self) -> int:
        return self.buffer.discarded + self._broken

    @property
    def concealed_ms(self) -> float:
        return 1000 * self.concealed_samples / self.rate_hz

    @property
    def accelerated_ms(self) -> float:
        return 1000 * self.accelerated_samples / self.rate_hz

    @property
    def expanded_ms(self) -> float:
        return 1000 * self.expanded_samples / self.rate_hz

    @property
    def holds_sound(self) -> bool:
        """Is there sound that came and has not been played?"""
        return bool(len(self._rest) or len(self.buffer))

    @property
    def mean_wait_ms(self) -> float | None:
        """From the arrival of a packet until it is heard, on average; None before the first."""
        return 1000 * self.buffer.waited_s / self.buffer.given if self.buffer.given else None

    @property
    def drift_ppm(self) -> float | None:
        """How much faster their clock is than ours; None until it is known."""
        return self.buffer.drift.ppm

    @property
    def target_ms(self) -> float | None:
        return self.buffer.target_ms

    @property
    def buffered_ms(self) -> float:
        return self.buffer.buffered_ms
