"""The microphone and the loudspeaker tried out, before a call or beside one: a level to look at, a tone to hear.

What the microphone gives is measured and goes nowhere. It is open for a minute at the most: nobody forgets it.
"""

from __future__ import annotations

from engine.handset import Handset, Microphone
from engine.media import tones
from engine.media.level import LevelMeter
from engine.media.tones import TonePlayer
from engine.model import LevelView

FRAME_S = 0.02
STALL_S = 0.25
RATE_HZ = 48000  # as high as any call's: a card need not be opened anew for it
LISTEN_S = 60.0
TONE_S = 2.0
IN_THE_EAR = -1  # stands for a call there: calls are numbered from 1, what rings has 0


class Trial:
    """Either, both or neither are tried at a time."""

    def __init__(self, handset: Handset) -> None:
        self._handset = handset
        self._microphone: Microphone | None = None
        self._meter = LevelMeter()
        self._listen_until = float("-inf")
        self._tone: TonePlayer | None = None
        self._tone_hz = 0
        self._tone_until = float("-inf")
        self._next_tick = float("inf")

    @property
    def listening(self) -> bool:
        return self._microphone is not None

    @property
    def sounding(self) -> bool:
        return self._tone is not None

    def listen(self, on: bool | None, now: float) -> bool:
        """Open or close the microphone, or (None) toggle; returns what is so now."""
        on = not self.listening if on is None else on
        if on and self._microphone is None:
            self._microphone = self._handset.microphone(RATE_HZ)
            self._meter = LevelMeter()
        elif not on and self._microphone is not None:
            self._microphone.close()
            self._microphone = None
        self._listen_until = now + LISTEN_S
        self._pace(now)
        return on

    def sound(self, now: float) -> None:
        """Let the tone be heard from its beginning."""
        self._tone_hz = self._handset.rate_hz or RATE_HZ  # a card that is open stays as it is
        self._tone = TonePlayer(tones.TRIAL, self._tone_hz)
        self._tone_until = now + TONE_S
        self._pace(now)

    def level(self) -> LevelView:
        """Of the microphone that is tried."""
        if self._microphone is None:
            return LevelView()
        level = self._meter.level()
        return LevelView(level.rms_dbfs, level.peak_hold_dbfs)

    def deadline(self) -> float:
        """When :meth:`run` wants to be called next."""
        return self._next_tick

    def run(self, now: float) -> None:
        """Do what is due."""
        if now >= self._listen_until:
            self.listen(False, now)
        if self._tone is not None and now >= self._tone_until:
            self._end_tone()
        if now - self._next_tick > STALL_S:
            self._next_tick = now
        while now >= self._next_tick:
            self._next_tick += FRAME_S
            self._tick(now)
        self._pace(now)

    def close(self, now: float) -> None:
        """Nothing stays open."""
        self.listen(False, now)
        self._end_tone()

    def _tick(self, now: float) -> None:
        if self._microphone is not None:
            self._meter.update(self._microphone.read(int(RATE_HZ * FRAME_S)), now)
        if self._tone is not None:
            self._handset.try_out(IN_THE_EAR, self._tone.read(int(self._tone_hz * FRAME_S)), self._tone_hz)

    def _end_tone(self) -> None:
        self._tone = None
        self._handset.leave(IN_THE_EAR)

    def _pace(self, now: float) -> None:
        """Ticks go on while there is something to try."""
        if not (self.listening or self.sounding):
            self._next_tick = float("inf")
        elif self._next_tick == float("inf"):
            self._next_tick = now
