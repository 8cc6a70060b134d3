"""What every codec is: int16 mono samples to a payload and back."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from engine.media.errors import MediaError


class Codec(ABC):
    """Encodes and decodes; one for each direction of each stream, since most remember what came before.

    ``rate_hz`` is how many samples make a second. RTP timestamps count in the clock rate of the payload format,
    which may be another (RFC 3551 section 4.5.2 for G.722). ``bitrate_bps`` is what :meth:`encode` makes, about.
    """

    own_concealment = False  # conceal() knows better than conceal.py
    highest = 32767  # sample that decode() can give: sound that was cut off stands there

    __slots__ = ("bitrate_bps", "channels", "rate_hz")

    def __init__(self, rate_hz: int, bitrate_bps: int, channels: int = 1) -> None:
        self.rate_hz = rate_hz
        self.channels = channels  # in what is sent: all the same sound
        self.bitrate_bps = bitrate_bps

    def encode(self, pcm: np.ndarray) -> bytes:
        """int16 samples to a payload; raises MediaError for what is only heard (comfort noise, whose payloads are
        written by :func:`cn.describe`)."""
        raise MediaError(f"{type(self).__name__} is not spoken")

    @abstractmethod
    def decode(self, payload: bytes) -> np.ndarray:
        """A payload to int16 samples, in a fresh array; raises MediaError when it makes no sense."""

    @abstractmethod
    def samples_in(self, payload: bytes) -> int:
        """How many samples ``decode`` would give, without doing it; 0 when it makes no sense."""

    def packet_ms(self, wanted_ms: float) -> float:
        """The length of a packet that it can make when one of ``wanted_ms`` (10 to 60) is asked for."""
        return wanted_ms

    # -- what not every codec can do

    def against_loss(self, loss: float, generations: int, redundant: bool, jitter_s: float = 0.0) -> tuple[int, ...]:
        """So much is lost lately (0 to 1): do what the codec itself can do, and say at which distances packets should
        be repeated (RFC 2198). ``generations`` is what would do for a codec that can do nothing, and none when
        to repeat has made it worse; ``redundant``: the far end takes any; ``jitter_s``: as the far end sees it."""
        return tuple(range(1, generations + 1))

    def set_dtx(self, on: bool) -> bool:
        """Send nothing, by its own rules, while there is nothing to hear; says whether it will."""
        return False

    def is_pause(self, payload: bytes) -> bool:
        """Does nothing follow this payload for a while, on purpose?"""
        return False

    def conceal(self, samples: int) -> np.ndarray:
        """How the sound goes on where a packet is lost: so many samples, or a few more. Silence, for all that a codec
        without ``own_concealment`` knows."""
        return np.zeros(samples, np.int16)

    def samples_earlier(self, payload: bytes) -> int:
        """How many samples of what came before a payload are in it once more (in-band FEC)."""
        return 0

    def decode_earlier(self, payload: bytes) -> np.ndarray:
        """Those, to be decoded right before the payload itself."""
        return np.zeros(0, np.int16)
