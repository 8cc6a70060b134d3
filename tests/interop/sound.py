"""Sound that was sent beside sound that arrived: reading recordings, and saying how alike they are."""

from __future__ import annotations

import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np

RATE_HZ = 8000  # at which everything is compared
GOOD_DB = 25.0  # G.711 alone gives about 37; a block with a repaired packet in it falls below 20
MOST_SILENT = 0.01  # of the hundredths of a second that ought to hold speech
_SILENT = 0.01  # RMS of a block that says nothing
_SPEAKS, _IS_MUTE = 0.03, 0.0025  # RMS of a hundredth of a second that says something, and of one in which all is gone
_PIECE = RATE_HZ // 100
_LIKE_DB = 10.0  # so like what was sent is a block that shows where in it we are
SAMPLE = Path(__file__).resolve().parents[2] / "sample.wav"


class Disturbed(AssertionError):
    """Not as it should be, which a busy machine may have done: such a call is made again (``conftest.py``)."""


def is_sample(
    heard: np.ndarray, good_db: float = GOOD_DB, share: float = 0.35, most_silent: float = MOST_SILENT
) -> None:
    """Raises Disturbed unless this is the sound of the sample: see :func:`similarity_db` and :func:`silent_share`."""
    sent = samples(SAMPLE)
    ratio_db = similarity_db(heard, sent, share)
    if ratio_db <= good_db:
        raise Disturbed(f"{ratio_db:.1f} dB like what was sent, of {good_db} dB")
    silent = silent_share(heard, sent)
    if silent > most_silent:
        raise Disturbed(f"{100 * silent:.1f} % of what was said is silence")


def samples(path: Path) -> np.ndarray:
    """A 16 bit WAV file as floats of -1 to 1, mono (the mean of its channels) and at 8 kHz whatever its own rate.

    A size left open in the header is no obstacle: a recording may be read while it grows.
    """
    with wave.open(str(path)) as file:
        assert file.getsampwidth() == 2
        rate, channels = file.getframerate(), file.getnchannels()
        pcm = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(float) / 32768
    return resampled(pcm[: len(pcm) // channels * channels].reshape(-1, channels).mean(axis=1), rate, RATE_HZ)


def resampled(pcm: np.ndarray, rate: int, wanted: int) -> np.ndarray:
    """The same sound at another rate, by its spectrum: exact but for the ends."""
    if rate == wanted or not len(pcm):
        return pcm
    length = len(pcm) // rate * wanted + len(pcm) % rate * wanted // rate
    spectrum = np.fft.rfft(pcm)[: length // 2 + 1]
    return np.fft.irfft(spectrum, length) * (length / len(pcm))


def write_wav(path: Path, pcm: np.ndarray, rate: int = RATE_HZ, channels: int = 1) -> Path:
    """A 16 bit WAV file of this mono sound, the same in every channel."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.round(np.clip(pcm, -1, 32767 / 32768) * 32768).astype("<i2").repeat(channels).tobytes())
    return path


def mulaw(pcm: np.ndarray) -> bytes:
    """G.711 mu-law, written down here once more so that the tests do not trust the product's own tables."""
    linear = np.round(pcm * 32768).astype(np.int32)
    magnitude = np.minimum(np.abs(linear), 32635) + 132
    exponent = np.floor(np.log2(magnitude)).astype(np.int32) - 7
    mantissa = (magnitude >> (exponent + 3)) & 15
    sign = np.where(linear < 0, 0x80, 0)
    return (~(sign | (exponent << 4) | mantissa) & 255).astype(np.uint8).tobytes()


def similarity_db(heard: np.ndarray, sent: np.ndarray, share: float = 0.35, seconds: float = 0.1) -> float:
    """The signal-to-noise ratio that this share of the blocks of ``heard`` reaches, against ``sent`` (repeated).

    Each block with speech in it is looked for in what was sent by its correlation, so a delay, or a change of it
    by the jitter buffer, is no error, and neither is the part of a sample by which a resampler shifts; a wrong,
    noisy, distorted, faster, softer or louder sound is. G.711 gives about 37 dB. A busy machine sends late, and what
    comes late is made up for or stretched: then most blocks may differ a little, while a fault of a codec, a rate, a
    level or an order is in all of them.
    """
    ratios = [block.ratio_db for block in _found(heard, sent, seconds)]
    if len(ratios) < 4:
        raise Disturbed(f"{len(ratios)} blocks of anything but silence were heard")
    return float(np.quantile(ratios, 1 - share))


def silent_share(heard: np.ndarray, sent: np.ndarray) -> float:
    """The part of the speech in ``sent`` (repeated) in whose place ``heard`` has silence, from its first words on.

    What ought to be there is known from the block before that is like what was sent. Sound that is made up for or
    stretched is no silence; a packet that was sent or played empty is.
    """
    like = [block for block in _found(heard, sent) if block.ratio_db > _LIKE_DB]
    if not like:
        return 1.0
    starts = np.arange(like[0].start, len(heard) - _PIECE + 1, _PIECE)
    block_of = np.searchsorted([block.start for block in like], starts, side="right") - 1
    at = starts + np.array([block.at - block.start for block in like])[block_of]
    speaks = _levels(np.concatenate([sent, sent[:_PIECE]])) > _SPEAKS
    said = np.all([speaks[(at + step) % len(sent)] for step in (-_PIECE, 0, _PIECE)], axis=0)  # on both sides as well
    return float(np.mean(_levels(heard)[starts[said]] < _IS_MUTE)) if said.any() else 0.0


def _levels(pcm: np.ndarray) -> np.ndarray:
    """RMS of the hundredth of a second that begins at each sample."""
    power = np.cumsum(np.concatenate([[0.0], pcm**2]))
    return np.sqrt(np.maximum(power[_PIECE:] - power[:-_PIECE], 0.0) / _PIECE)


@dataclass(frozen=True)
class _Block:
    """A block of what was heard, where in what was sent it is from, and how like that it is."""

    start: int
    at: int
    ratio_db: float


def _found(heard: np.ndarray, sent: np.ndarray, seconds: float = 0.1) -> list[_Block]:
    """The blocks in which there is sound."""
    size = int(seconds * RATE_HZ)
    reference = np.concatenate([sent, sent[: size + RATE_HZ]])
    length = 1 << (len(reference) + size).bit_length()
    spectrum = np.fft.rfft(reference, length)
    power = np.cumsum(np.concatenate([[0.0], reference**2]))
    norm = np.sqrt(power[size:] - power[:-size] + size * _SILENT**2)
    blocks = []
    for start in range(0, len(heard) - size + 1, size):
        block = heard[start : start + size]
        if np.sqrt(np.mean(block**2)) < _SILENT:
            continue
        scores = np.fft.irfft(spectrum * np.conj(np.fft.rfft(block, length)), length)
        at = int((scores[: len(norm)] / norm).argmax())
        blocks.append(_Block(start, at, max(_ratio_db(block, wanted) for wanted in _shifts(reference, at, size))))
    return blocks


def _shifts(reference: np.ndarray, at: int, size: int) -> list[np.ndarray]:
    """The block at ``at``, and itself moved by sixteenths of a sample either way."""
    margin = 64
    first = max(0, at - margin)
    wide = reference[first : at + size + margin]
    turns = -2j * np.pi * np.fft.rfftfreq(len(wide))
    spectrum = np.fft.rfft(wide)
    moved = [np.fft.irfft(spectrum * np.exp(turns * step / 16), len(wide)) for step in range(-8, 9)]
    return [reference[at : at + size], *(wave[at - first : at - first + size] for wave in moved)]


def _ratio_db(block: np.ndarray, wanted: np.ndarray) -> float:
    return float(10 * np.log10((np.sum(wanted**2) + 1e-12) / (np.sum((block - wanted) ** 2) + 1e-12)))
