"""How a call sounds, estimated from its figures: the E-model.

Theory of operation. ITU-T G.107 adds up what spoils a call on one scale, R: from what a quiet line with this codec
could be (``Ro - Is``), echo, delay (``Idd``), and what codec and lost packets take (``Ie_eff``) are subtracted. R is
then turned into a mean opinion score (annex B). All that we cannot see, such as loudness and room noise, has the
Recommendation's default, but for echo: of that there is none, however long the way, and the score is that of a good
headset in a quiet room. (With the default ``TELR`` of 65 dB an echo of 150 ms would take 3 more.)

Codecs of telephone bandwidth are rated so. Those of 7 kHz and more are rated by G.107.1, whose scale ends at 129
instead of 93.2: the two scores are each of their own kind (:attr:`Quality.wideband`), since a listener who has never
heard wideband gives PCMU a 4.4, too.

Where the numbers come from. ``Ie`` and ``Bpl`` of PCMU and PCMA with concealment: G.113 appendix I. ``Ie`` of G.722 at
64 kbit/s: G.113 appendix IV. What no Recommendation gives is our estimate: ``Bpl`` of G.722 is that of G.711, which is
concealed in the same way; L16 loses nothing but packets; Opus, at the bit rates we use, is taken to be as good as its
bandwidth, and to bear losses as G.711 does. Lost packets are those the ear missed: neither those that came back by
redundancy, nor only those of the network, but also those that came too late.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

# G.107 table 2: default values, in the Recommendation's own names.
SLR, RLR, STMR, DS, DR, TELR, WEPL = 8.0, 2.0, 15.0, 3.0, 3.0, 65.0, 110.0
LSTR = STMR + DR
QDU, NC, NFOR, PS, PR = 1.0, -70.0, -64.0, 35.0, 35.0

WIDEBAND_RO = 129.0  # G.107.1: the best a wideband line can be
WIDEBAND_STRETCH = 1.29  # its R to that of the curve that R is turned into a score by
BEST_LOSSY = 95.0  # what all packets lost take away (G.107 7.5)
MOST_DELAY_WITHOUT_HARM_MS = 100.0
WORTH_SAYING = 1.0  # an impairment of less on the scale of R is none

_CODECS = {"PCMU": (0.0, 25.1), "PCMA": (0.0, 25.1), "L16": (0.0, 25.1)}  # Ie, Bpl
_WIDEBAND_CODECS = {"G722": (13.0, 25.1), "L16": (0.0, 25.1), "OPUS": (0.0, 25.1)}
LOOK_AHEAD_MS = {"OPUS": 6.5, "G722": 1.5}  # what the codec itself delays


@dataclass(frozen=True, slots=True)
class Quality:
    """One direction of a call as a listener would rate it."""

    mos: float  # 1 to 4.5: MOS-CQE
    r: float  # the rating: 0 to 93.2, or to 129 for a wideband codec
    wideband: bool
    cause: str  # what takes most away, in a few words; "" when nothing does


@dataclass(frozen=True, slots=True)
class Heard:
    """What is known of one direction. ``missed_percent``: of the packets that should have been heard."""

    codec: str  # encoding name
    sample_rate_hz: int
    missed_percent: float
    late_percent: float  # the part of it that came, and came too late
    burst_ratio: float  # mean run of missed packets, to that of the same loss at random (G.107 7.5)
    delay_ms: float  # from mouth to ear
    discarded_percent: float = 0.0  # the part that came, and was of no use: of a codec that nobody agreed on, say


def rate(heard: Heard) -> Quality | None:
    """The quality of one direction; None for a codec of which nothing is known."""
    wideband = heard.sample_rate_hz > 8000
    known = (_WIDEBAND_CODECS if wideband else _CODECS).get(heard.codec.upper())
    if known is None:
        return None
    codec_impairment, robustness = known
    loss_impairment = effective_impairment(codec_impairment, robustness, heard.missed_percent, heard.burst_ratio)
    loss_impairment -= codec_impairment
    delay_impairment = absolute_delay_impairment(heard.delay_ms)
    r = WIDEBAND_RO if wideband else clean_rating()
    r = max(0.0, r - delay_impairment - codec_impairment - loss_impairment)
    lost = "late packets" if heard.late_percent > heard.missed_percent / 2 else "loss"
    lost = "useless packets" if heard.discarded_percent > heard.missed_percent / 2 else lost
    causes = (
        (loss_impairment, f"{lost} {heard.missed_percent:.1f} %"),
        (delay_impairment, f"delay {heard.delay_ms:.0f} ms"),
        (codec_impairment, f"codec {heard.codec}"),
    )
    worst, words = max(causes)
    mos = opinion(r / WIDEBAND_STRETCH) if wideband else opinion(r)
    return Quality(mos, r, wideband, words if worst >= WORTH_SAYING else "")


def opinion(r: float) -> float:
    """R to MOS-CQE, 1 to 4.5 (G.107 annex B)."""
    if r <= 0:
        return 1.0
    if r >= 100:
        return 4.5
    return max(1.0, 1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6)


def effective_impairment(
    codec_impairment: float, robustness: float, missed_percent: float, burst_ratio: float = 1.0
) -> float:
    """Ie_eff of codec and lost packets together (G.107 equation 7-29). ``robustness`` is the codec's Bpl."""
    if missed_percent <= 0:
        return codec_impairment
    spread = missed_percent / max(burst_ratio, 1e-3) + robustness
    return codec_impairment + (BEST_LOSSY - codec_impairment) * missed_percent / spread


def absolute_delay_impairment(delay_ms: float) -> float:
    """Idd: what a delay of so much takes away even without echo (G.107 equation 7-27)."""
    if delay_ms <= MOST_DELAY_WITHOUT_HARM_MS:
        return 0.0
    x = math.log2(delay_ms / MOST_DELAY_WITHOUT_HARM_MS)
    return float(25 * ((1 + x**6) ** (1 / 6) - 3 * (1 + (x / 3) ** 6) ** (1 / 6) + 2))


@cache
def clean_rating() -> float:
    """Ro - Is - Idle with every default: 93.2, to which a call without delay, codec and loss comes."""
    return _signal_to_noise() - _simultaneous_impairment() - _listener_echo()


def _noise_dbm0p() -> float:
    """No: circuit noise, room noise at both ends and the noise floor, added by power (equations 7-3 to 7-7)."""
    olr = SLR + RLR
    send_side = PS - SLR - DS - 100 + 0.004 * (PS - olr - DS - 14) ** 2
    effective_room = PR + 10 * math.log10(1 + 10 ** ((10 - LSTR) / 10))
    receive_side = RLR - 121 + effective_room + 0.008 * (effective_room - 35) ** 2
    floor = NFOR + RLR
    return 10 * math.log10(sum(10 ** (level / 10) for level in (NC, send_side, receive_side, floor)))


def _signal_to_noise() -> float:
    """Ro (equation 7-2)."""
    return 15 - 1.5 * (SLR + _noise_dbm0p())


def _simultaneous_impairment() -> float:
    """Is: too loud, wrong side tone, quantising (equations 7-8 to 7-18)."""
    x = SLR + RLR + 0.2 * (64 + _noise_dbm0p() - RLR)
    too_loud = 20 * ((1 + (x / 8) ** 8) ** (1 / 8) - x / 8)
    side_tone = -10 * math.log10(10 ** (-STMR / 10) + 10 ** (-TELR / 10))
    wrong_side_tone = (
        12 * (1 + ((side_tone - 13) / 6) ** 8) ** (1 / 8)
        - 28 * (1 + ((side_tone + 1) / 19.4) ** 35) ** (1 / 35)
        - 13 * (1 + ((side_tone - 3) / 33) ** 13) ** (1 / 13)
        + 29
    )
    q = 37 - 15 * math.log10(QDU)
    g = 1.07 + 0.258 * q + 0.0602 * q**2
    y = (_signal_to_noise() - 100) / 15 + 46 / 8.4 - g / 9
    z = 46 / 30 - g / 40
    quantising = 15 * math.log10(1 + 10**y + 10**z)
    return float(too_loud + wrong_side_tone + quantising)


def _listener_echo() -> float:
    """Idle without a round trip of its own (equations 7-25, 7-26): with the default ``WEPL`` one of 400 ms takes 1."""
    r = 10.5 * (WEPL + 7)
    ro = _signal_to_noise()
    return (ro - r) / 2 + math.sqrt((ro - r) ** 2 / 4 + 169)
