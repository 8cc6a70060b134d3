"""What is heard of calls that are not answered: the ring, ringback, call waiting, and that one was refused.

    an incoming call rings                     the ring, on the ring's own loudspeaker; beside another call that is
                                               heard, two quiet beeps in the ear instead
    an outgoing call rings there (180)         ringback in the ear, until the far end sends sound of its own, which
                                               it may announce and not do (RFC 3960, section 3.2)
    an outgoing call was refused               busy (486, 600, 603) or congestion for a moment

Which of them is followed from the calls themselves after everything that happens, so it ends with the turn in which a
call is answered, given up or over. None of it is ever sent to a far end or recorded: it goes to the loudspeaker alone.
Only ringback opens the microphone already, as part of a call that we make; so the answer finds it open.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from engine.call import Call
from engine.config import Config
from engine.handset import Handset, Microphone, Sound, ToneFile
from engine.media import tones
from engine.media.tones import Tone, TonePlayer
from engine.model import CallState
from engine.sip.sdp import Format

OFF = "off"
FRAME_S = 0.02
STALL_S = 0.25
REFUSED_S = 3.0
LEAST_RATE_HZ = 16000
IN_THE_EAR = 0  # stands for a call there: calls are numbered from 1
BUSY = (486, 600, 603)
NOT_REFUSED = (487,)  # nobody answered, and we gave up


class Ringer:
    """Looks at the calls and sounds accordingly."""

    def __init__(self, config: Config, handset: Handset, sound: Sound, formats: tuple[Format, ...]) -> None:
        self._handset = handset
        self._sound = sound
        self._ring_tone = OFF if config.echo else config.ring_tone
        self._ringback = OFF if config.echo else config.ringback
        # As high as the call to come may be: a card need not be opened anew for it.
        self._rate_hz = max(LEAST_RATE_HZ, *(item.clock_rate for item in formats))
        self._kind = ""
        self._source: Microphone | None = None
        self._file: ToneFile | None = None  # where the source is one
        self._heard_hz = 0  # rate of the source
        self._next_tick = float("inf")
        self._refused: tuple[Tone, float] | None = None  # what it sounds like, until when

    @property
    def sounds(self) -> bool:
        """Is there something to be heard, whose end is to be noticed?"""
        return bool(self._kind) or self._refused is not None

    # ------------------------------------------------------------------ what is to be heard

    def follow(self, calls: Iterable[Call], now: float) -> None:
        """Something may have happened to the calls."""
        kind = self._wanted(list(calls), now)
        if kind != self._kind:
            self._stop()
            self._start(kind, now)

    def refused(self, call: Call, status: int | None, now: float) -> None:
        """An outgoing call has failed with this final status."""
        if call.direction == "out" and call.answered_at is None and status not in NOT_REFUSED:
            self._refused = tones.BUSY if status in BUSY else tones.CONGESTION, now + REFUSED_S

    def _wanted(self, calls: list[Call], now: float) -> str:
        if any(call.state is CallState.RINGING for call in calls):
            self._refused = None
            return self._unless_off(self._ring_tone, "waiting" if self._in_talk(calls) else "ring")
        if any(call.rings_there and not _sounds(call) for call in calls if call.state is CallState.PROGRESS):
            self._refused = None
            return self._unless_off(self._ringback, "ringback")
        if self._refused is not None and (now >= self._refused[1] or any(call.takes_a_line for call in calls)):
            self._refused = None
        return self._unless_off(self._ringback, "refused" if self._refused is not None else "")

    @staticmethod
    def _in_talk(calls: list[Call]) -> bool:
        """Is somebody heard, or to be heard at any moment?"""
        return any(call.state is CallState.PROGRESS or (call.up and not call.held_here) for call in calls)

    @staticmethod
    def _unless_off(choice: str | None, kind: str) -> str:
        return "" if choice == OFF else kind

    # ------------------------------------------------------------------ sound

    def _start(self, kind: str, now: float) -> None:
        self._kind = kind
        if not kind:
            return
        self._next_tick = now
        self._heard_hz = self._handset.rate_hz or self._rate_hz if kind == "waiting" else self._rate_hz
        path = {"ring": self._ring_tone, "ringback": self._ringback}.get(kind)
        self._file = None if path is None else self._sound.tone_file(path, self._heard_hz)
        self._source = self._file or self._tone(kind)

    def _tone(self, kind: str) -> Microphone:
        """Our own."""
        if kind == "refused":
            assert self._refused is not None
            return TonePlayer(self._refused[0], self._heard_hz)
        tone = {"ring": tones.RING, "ringback": tones.RINGBACK, "waiting": tones.WAITING}[kind]
        return TonePlayer(tone, self._heard_hz)

    def _stop(self) -> None:
        if self._source is not None:
            self._source.close()
            self._source = self._file = None
        self._next_tick = float("inf")
        if self._kind in ("ringback", "waiting"):
            self._handset.leave(IN_THE_EAR)
        elif self._kind:
            self._sound.tone_off()
        self._kind = ""

    def deadline(self) -> float:
        """When :meth:`run` wants to be called next."""
        return self._next_tick

    def run(self, now: float) -> None:
        """Play what is due."""
        if self._kind == "refused" and (self._refused is None or now >= self._refused[1]):
            self._stop()
        if now - self._next_tick > STALL_S:
            self._next_tick = now
        while now >= self._next_tick and self._source is not None:
            self._next_tick += FRAME_S
            pcm = self._source.read(int(self._heard_hz * FRAME_S))
            if self._file is not None and self._file.failed is not None:  # nobody must miss a call for that
                self._file.close()
                self._file, self._source = None, self._tone(self._kind)
            self._play(pcm)

    def _play(self, pcm: np.ndarray) -> None:
        if self._kind in ("ringback", "waiting"):
            self._handset.hear(IN_THE_EAR, pcm, self._heard_hz)
        else:
            self._sound.tone(pcm, self._heard_hz, ring=self._kind == "ring")


def _sounds(call: Call) -> bool:
    """Does the far end send sound, though it has not answered?"""
    return call.early_media and call.media is not None and call.media.hears
