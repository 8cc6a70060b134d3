"""Opus (RFC 6716, RFC 7587) by libopus and its binding ``opuslib-next``.

The RTP clock is 48000 Hz and the format is written ``opus/48000/2`` whatever is in the packets. We encode mono from
48 kHz, and let the encoder know what the far end can make use of (:class:`Wishes`). We decode to mono at 48 kHz,
stereo too. A packet may hold several frames; how long it lasts is told by its first octet or two, which
:func:`samples_in` reads without the library. The encoder makes packets of 10, 20, 40 and 60 ms; those of 30 and 50 ms
are frames of 10 ms, joined by the library's repacketizer (RFC 6716 section 3.2.5: one packet has one configuration).

A lost packet is no affair of ``conceal.py``: the decoder knows best how its sound goes on (:meth:`Opus.conceal`), and
where the next packet carries the lost frame once more, at a lower rate (in-band FEC), it decodes that
(:meth:`Opus.decode_earlier`). Both must be done in the order of time, between the packets before and after.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from importlib.util import find_spec
from types import SimpleNamespace
from typing import Any

import numpy as np

from engine.media.codecs.codec import Codec
from engine.media.codecs.fmtp import number_in, parameters
from engine.media.errors import MediaError

RATE_HZ = 48000
OFFER = "minptime=10;useinbandfec=1"
PACKETS_MS = (10, 20, 30, 40, 50, 60)  # within the bounds of ptime
JOINED_MS = (30, 50)  # of these, what the encoder cannot make at once
FRAME_SAMPLES = RATE_HZ // 100  # of what is joined
MOST_SAMPLES = RATE_HZ * 120 // 1000  # in one packet
STEP_SAMPLES = RATE_HZ * 5 // 2000  # of concealment
BITRATE_BPS = 40_000
BITRATES_BPS = (6_000, 510_000)
COMPLEXITY = 10
LOSSY_FROM, QUIET_BELOW = 0.007, 0.005  # part of the packets that is lost
HEAVY_FROM, LIGHT_BELOW = 0.14, 0.09
BURSTS_BELOW = 0.07  # so little loss often comes in bursts
STEADY_S = 0.004  # jitter of a line on which delays hardly differ
# What the encoder is told against loss: bit/s, in-band FEC, percent lost. Measured by tests/bench/bench_opus.py; it
# needs fewer bits than it is given, since speech pauses.
ONCE_WITH_FEC = (54_000, True, 10)
TWICE = (25_500, False, 10)
LESS = (24_000, False, 10)
THRICE = (16_000, False, 1)
PAUSE_OCTETS = 2  # a packet so short says that nothing is sent for a while (DTX)

_MOST_OCTETS = 4000
_BANDWIDTHS = ((8000, 1101), (12000, 1102), (16000, 1103), (24000, 1104))  # maxplaybackrate up to: OPUS_BANDWIDTH_
_FULLBAND = 1105
_LOSSY_RATE_HZ = 16000
_AUTO = -1000
_SET_BANDWIDTH, _SET_FORCE_MODE = 4008, 11002  # the second is the library's own, for packets of several frames
_SILK, _HYBRID, _CELT = 1000, 1001, 1002
_JOINED_SAMPLES = tuple(RATE_HZ * ms // 1000 for ms in JOINED_MS)
_Samples = ctypes.POINTER(ctypes.c_int16)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a receiver says in its ``fmtp`` (RFC 7587 section 6.1), or its defaults. The two ``sprop_`` are what it
    says of its own sending. ``ptime_ms``, ``maxptime_ms`` and ``minptime_ms`` (of older drafts, and still much used)
    bound our packets."""

    max_playback_rate_hz: int = RATE_HZ
    max_average_bitrate_bps: int = BITRATES_BPS[1]
    stereo: bool = False
    cbr: bool = False
    in_band_fec: bool = False
    dtx: bool = False
    ptime_ms: int | None = None
    maxptime_ms: int = 120
    minptime_ms: int = 3
    sprop_max_capture_rate_hz: int = RATE_HZ
    sprop_stereo: bool = False


def wishes(fmtp: str) -> Wishes:
    """Read a parameter list. What makes no sense counts as not said."""
    said = parameters(fmtp)
    return Wishes(
        max_playback_rate_hz=number_in(said, "maxplaybackrate", 8000, RATE_HZ) or RATE_HZ,
        max_average_bitrate_bps=number_in(said, "maxaveragebitrate", *BITRATES_BPS) or BITRATES_BPS[1],
        stereo=said.get("stereo") == "1",
        cbr=said.get("cbr") == "1",
        in_band_fec=said.get("useinbandfec") == "1",
        dtx=said.get("usedtx") == "1",
        ptime_ms=number_in(said, "ptime", 3, 120),
        maxptime_ms=number_in(said, "maxptime", 3, 120) or 120,
        minptime_ms=number_in(said, "minptime", 3, 120) or 3,
        sprop_max_capture_rate_hz=number_in(said, "sprop-maxcapturerate", 8000, RATE_HZ) or RATE_HZ,
        sprop_stereo=said.get("sprop-stereo") == "1",
    )


# ------------------------------------------------------------------ what a payload says of itself (RFC 6716 section 3)


def frame_samples(payload: bytes) -> int:
    """How long each of its frames lasts, at 48 kHz (section 3.1); 0 when there is no first octet."""
    if not payload:
        return 0
    toc = payload[0]
    size = toc >> 3 & 3
    if toc & 0x80:  # CELT
        return (RATE_HZ << size) // 400
    if toc & 0x60 == 0x60:  # hybrid
        return RATE_HZ // 50 if toc & 0x08 else RATE_HZ // 100
    return RATE_HZ * 60 // 1000 if size == 3 else (RATE_HZ << size) // 100


def samples_in(payload: bytes) -> int:
    """How long it lasts, at 48 kHz; 0 when it cannot be so."""
    if not payload:
        return 0
    code = payload[0] & 3
    if code == 3:
        frames = payload[1] & 0x3F if len(payload) > 1 else 0
    else:
        frames = 2 if code else 1
    samples = frames * frame_samples(payload)
    return samples if samples <= MOST_SAMPLES else 0


def has_earlier(payload: bytes) -> bool:
    """Does its first frame carry the one before once more (LBRR, section 4.2.4)?

    The first bits of a SILK layer are plain flags: voice activity of each 20 ms, then LBRR; the same for the side
    of stereo.
    """
    if len(payload) < 2 or payload[0] & 0x80:
        return False
    begin = _first_frame(payload)
    if not 0 < begin < len(payload):
        return False
    flags, parts = payload[begin], max(1, frame_samples(payload) // (RATE_HZ // 50))
    if flags >> 7 - parts & 1:
        return True
    return bool(payload[0] & 4 and flags >> 6 - 2 * parts & 1)


def _first_frame(payload: bytes) -> int:
    """Where it begins (section 3.2.1 to 3.2.5); 0 when it is nowhere."""
    code = payload[0] & 3
    if code < 2:
        return 1
    if code == 2:
        return 1 + _length_octets(payload, 1)
    head, at = payload[1], 2
    if head & 0x40:  # padding
        while at < len(payload) and payload[at] == 255:
            at += 1
        at += 1
    if head & 0x80:  # each frame but the last has its own length
        for _ in range((head & 0x3F) - 1):
            at += _length_octets(payload, at)
    return at


def _length_octets(payload: bytes, at: int) -> int:
    return 2 if at < len(payload) and payload[at] >= 252 else 1


# ------------------------------------------------------------------ the codec


class Opus(Codec):
    """An encoder and a decoder, each made when it is first needed: a stream uses one of them."""

    __slots__ = ("_decoder", "_encoder", "_heavy", "_library", "_out", "_wishes", "dtx", "in_band_fec", "loss_percent")

    own_concealment = True

    def __init__(self, fmtp: str = "") -> None:
        self._wishes = wishes(fmtp)
        super().__init__(RATE_HZ, min(BITRATE_BPS, self._wishes.max_average_bitrate_bps))
        self.in_band_fec = False
        self.loss_percent = 0
        self.dtx = False
        self._heavy = False
        self._library = _library()
        self._encoder: Any = None
        self._decoder: Any = None

    # -- sending

    def packet_ms(self, wanted_ms: float) -> float:
        wish = self._wishes
        most = min(wish.ptime_ms or wanted_ms, wish.maxptime_ms)
        possible = [ms for ms in PACKETS_MS if ms >= wish.minptime_ms] or [PACKETS_MS[-1]]
        return max((ms for ms in possible if ms <= most), default=possible[0])

    def adapt(self, bitrate_bps: int, in_band_fec: bool, loss_percent: float) -> None:
        """From the next packet on about so many bits a second, each frame once more in the packet after it or not, so
        much loss. The far end's ``maxaveragebitrate`` and ``useinbandfec`` hold."""
        self.bitrate_bps = min(max(bitrate_bps, BITRATES_BPS[0]), self._wishes.max_average_bitrate_bps)
        self.in_band_fec = in_band_fec and self._wishes.in_band_fec
        self.loss_percent = round(min(max(loss_percent, 0), 100))
        if self._encoder is not None:
            self._set_up()

    def against_loss(self, loss: float, generations: int, redundant: bool, jitter_s: float = 0.0) -> tuple[int, ...]:
        """Half the bits twice, or in-band FEC where the far end takes no redundancy; a third of them three times where
        much is lost. 48 kbit/s in all: more would make the loss of a narrow line worse.

        Little loss comes in bursts, and then the next packet but one is the more likely to come. Where delays differ
        it comes too late for an ear that does not wait for ever, and the next it is.

        The encoder is never told of more than a moderate loss: it would spend on its own repetition what the frame
        itself needs, and sound worse at any loss.
        """
        if loss < (QUIET_BELOW if self.loss_percent else LOSSY_FROM):
            self.adapt(BITRATE_BPS, False, 0)
            return ()
        if not generations:  # the line is narrow
            self.adapt(*LESS)
            return ()
        self._heavy = loss >= (LIGHT_BELOW if self._heavy else HEAVY_FROM)
        if not redundant:
            self.adapt(*ONCE_WITH_FEC)
            return ()
        self.adapt(*(THRICE if self._heavy else TWICE))
        if self._heavy:
            return (1, 2)
        return (2,) if loss < BURSTS_BELOW and jitter_s < STEADY_S else (1,)

    def set_dtx(self, on: bool) -> bool:
        self.dtx = on and self._wishes.dtx
        if self._encoder is not None:
            self._set_up()
        return self.dtx

    def encode(self, pcm: np.ndarray) -> bytes:
        """A payload; one of ``PAUSE_OCTETS`` or less begins a pause, or goes on with it, and need not be sent."""
        if self._encoder is None:
            self._encoder = self._make_encoder()
        if len(pcm) in _JOINED_SAMPLES:
            return self._encode_joined(pcm)
        return self._encode(pcm)

    def _encode(self, pcm: np.ndarray) -> bytes:
        pcm = np.ascontiguousarray(pcm)
        count = self._library.encode(
            self._encoder.encoder_state, pcm.ctypes.data_as(_Samples), len(pcm), self._out, _MOST_OCTETS
        )
        if count < 0:
            raise MediaError(f"Opus: {len(pcm)} samples cannot be encoded")
        return self._out.raw[:count]

    def _encode_joined(self, pcm: np.ndarray) -> bytes:
        """A packet of several frames. Where the encoder changes its mode or bandwidth within, it is taken back to where
        the packet begins: to change there, or else with its last frame, which leads over to the next packet."""
        encoder = self._encoder.encoder_state
        before = ctypes.string_at(encoder, self._library.encoder_octets)  # the state is flat: a copy is all of it
        frames = [pcm[at : at + FRAME_SAMPLES] for at in range(0, len(pcm), FRAME_SAMPLES)]
        payloads = free = [self._encode(frame) for frame in frames]
        for early in (free[-1], free[0]):
            if len({payload[0] & 0xF8 for payload in payloads}) == 1:
                break
            ctypes.memmove(encoder, before, len(before))
            self._hold_to(_mode(early), self._library.bandwidth(early))
            payloads = [self._encode(frame) for frame in frames[:-1]]
            self._hold_to(_mode(free[-1]), self._library.bandwidth(free[-1]))
            payloads.append(self._encode(frames[-1]))
            self._hold_to(_AUTO, _AUTO)
        if all(map(self.is_pause, payloads)):
            return payloads[0]
        return bytes(self._library.join(payloads, self._wishes.cbr))

    def _hold_to(self, mode: int, bandwidth: int) -> None:
        self._library.control(self._encoder.encoder_state, _SET_FORCE_MODE, mode)
        self._library.control(self._encoder.encoder_state, _SET_BANDWIDTH, bandwidth)

    def _make_encoder(self) -> Any:
        self._out = ctypes.create_string_buffer(_MOST_OCTETS)
        encoder = self._encoder = self._library.Encoder(RATE_HZ, 1, "voip")
        encoder.complexity = COMPLEXITY
        encoder.vbr = 0 if self._wishes.cbr else 1
        self._set_up()
        return encoder

    def _set_up(self) -> None:
        """What may change in mid-call. Where packets get lost all bits go to what lies below 8 kHz: in-band FEC repeats
        no more, and what is lost of more would be missed more."""
        encoder = self._encoder
        rate_hz = min(self._wishes.max_playback_rate_hz, _LOSSY_RATE_HZ if self.loss_percent else RATE_HZ)
        encoder.max_bandwidth = next((band for limit, band in _BANDWIDTHS if rate_hz <= limit), _FULLBAND)
        encoder.bitrate = self.bitrate_bps
        encoder.inband_fec = int(self.in_band_fec)
        encoder.packet_loss_perc = self.loss_percent
        encoder.dtx = int(self.dtx)

    # -- receiving

    def samples_in(self, payload: bytes) -> int:
        return samples_in(payload)

    def decode(self, payload: bytes) -> np.ndarray:
        if not payload:
            raise MediaError("Opus: an empty payload")  # to libopus it would be a lost one
        return self._decode(payload, MOST_SAMPLES, 0)

    def conceal(self, samples: int) -> np.ndarray:
        steps = max(1, -(-samples // STEP_SAMPLES))
        return self._decode(None, min(steps * STEP_SAMPLES, MOST_SAMPLES), 0)

    def is_pause(self, payload: bytes) -> bool:
        return len(payload) <= PAUSE_OCTETS

    def samples_earlier(self, payload: bytes) -> int:
        return frame_samples(payload) if has_earlier(payload) else 0

    def decode_earlier(self, payload: bytes) -> np.ndarray:
        return self._decode(payload, frame_samples(payload), 1)

    def _decode(self, payload: bytes | None, most: int, earlier: int) -> np.ndarray:
        if self._decoder is None:
            self._decoder = self._library.Decoder(RATE_HZ, 1)
        pcm = np.empty(most, np.int16)
        count = self._library.decode(
            self._decoder.decoder_state, payload, len(payload or b""), pcm.ctypes.data_as(_Samples), most, earlier
        )
        if count < 0:
            raise MediaError("Opus: a payload that cannot be decoded")
        return pcm[:count].copy() if count < most else pcm


def make(clock_rate: int, channels: int, fmtp: str = "") -> Opus:
    return Opus(fmtp)


def _mode(payload: bytes) -> int:
    """Which layers it has, by its first octet (RFC 6716 section 3.1), as the library numbers them."""
    if payload[0] & 0x80:
        return _CELT
    return _HYBRID if payload[0] & 0x60 == 0x60 else _SILK


def _library() -> SimpleNamespace:
    """Imported with the first use: it takes a while to find libopus."""
    import opuslib_next
    from opuslib_next.api import libopus
    from opuslib_next.api.decoder import libopus_decode
    from opuslib_next.api.encoder import get_size, libopus_ctl, libopus_encode

    return SimpleNamespace(
        Encoder=opuslib_next.Encoder,
        Decoder=opuslib_next.Decoder,
        encode=libopus_encode,
        decode=libopus_decode,
        control=libopus_ctl,
        encoder_octets=get_size(1),
        bandwidth=libopus.opus_packet_get_bandwidth,
        join=_Repacketizer(libopus).join,
    )


class _Repacketizer:
    """The library's own, which its binding leaves out."""

    def __init__(self, libopus: Any) -> None:
        self._library = libopus
        self._state = ctypes.create_string_buffer(libopus.opus_repacketizer_get_size())

    def join(self, payloads: list[bytes], cbr: bool) -> bytes:
        """One payload of the frames of several, in their order. A frame that would be in another configuration than the
        longest all the same is left empty: the far end conceals it. ``cbr``: all packets are made equally long."""
        library = self._library
        library.opus_repacketizer_init(self._state)
        lead = max(payloads, key=len)[0] & 0xFC
        frames = [payload if payload[0] & 0xFC == lead else bytes((lead,)) for payload in payloads]
        for frame in frames:
            library.opus_repacketizer_cat(self._state, frame, len(frame))
        out = ctypes.create_string_buffer(_MOST_OCTETS)
        count = library.opus_repacketizer_out(self._state, out, _MOST_OCTETS)
        wanted = sum(map(len, payloads)) + len(payloads)  # with the length of each frame
        if cbr and 0 < count < wanted:
            library.opus_packet_pad(out, count, wanted)
            count = wanted
        if count < 0:
            raise MediaError(f"Opus: {len(payloads)} frames cannot be joined")
        return out.raw[:count]


def missing() -> str:
    """The library that has to be installed for it; empty when nothing is missing."""
    if not find_spec("opuslib_next"):
        return "opuslib-next"
    return "" if _finds_libopus() else "libopus"


def _finds_libopus() -> bool:
    """As the binding would: by the name of Debian's first, which is quick, then by asking the system."""
    try:
        ctypes.CDLL("libopus.so.0")
        return True
    except OSError:
        from ctypes.util import find_library

        return find_library("opus") is not None
