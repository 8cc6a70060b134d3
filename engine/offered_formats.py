"""What a phone offers: its codecs in their order, and behind them the formats that only accompany sound."""

from __future__ import annotations

from engine.config import ConfigError
from engine.install import codec_line
from engine.media import codecs
from engine.media.codecs import cn
from engine.sip.sdp import TELEPHONE_EVENT, Format

# Digits come at the clock rate of the sound they interrupt (RFC 4733 section 2.1), where the far end has that too.
_DIGITS = {8000: 101, 48000: 110}  # clock rate: payload type
_EVENTS = "0-15"


# Understood whenever the far end would send it; offered only by who means to send it himself.
COMFORT_NOISE = Format(cn.PAYLOAD_TYPE, cn.ENCODING, cn.CLOCK_RATE)


def offered_formats(names: tuple[str, ...], silence_suppression: bool = False) -> tuple[Format, ...]:
    """Formats in order, telephone-event last; raises ConfigError for a codec that we do not have."""
    try:
        wanted = codecs.formats(list(names) or None, silence_suppression)
    except codecs.LibraryMissing as error:
        raise ConfigError(f"--codecs: {error.encoding} needs a library: {codec_line(error.library)}") from None
    except codecs.CodecError as error:
        raise ConfigError(f"--codecs: {error}") from None
    audio = [Format(*item[:4], item.fmtp or None) for item in wanted]
    noise = [COMFORT_NOISE] if silence_suppression and any(item.clock_rate == cn.CLOCK_RATE for item in audio) else []
    return (*audio, *noise, *_digits(audio))


def _digits(audio: list[Format]) -> list[Format]:
    """For the clock rates of ours that have one; at 8000 always, because everybody knows that."""
    rates = {8000, *(item.clock_rate for item in audio)}
    return [Format(number, TELEPHONE_EVENT, rate, 1, _EVENTS) for rate, number in _DIGITS.items() if rate in rates]
