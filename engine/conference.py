"""Several calls in one room: every far end hears us and the other far ends, never itself.

Each member brings what its far end says, frame by frame as it is played, and fetches what is to be sent to it: our
voice and what all the others have brought since, added and limited, at its own rate. A voice is resampled once for
each rate among the others and not at all for those of its own: so what two wideband callers hear of each other does
not suffer from a third one who has 8 kHz. All members tick by one clock, each at its own phase and with its own
frames; a voice waits from the tick that plays it to the next one of the call it goes to.
"""

from __future__ import annotations

import numpy as np

from engine.handset import Lane
from engine.media.mixer import Limiter, add
from engine.media.resample import Resampler


class _Member:
    """One call: its rate, what the others have said for it, and its own voice at their rates."""

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.limiter = Limiter(rate_hz)
        self.lanes: dict[int, Lane] = {}  # by whose voice it is
        self.resamplers: dict[int, Resampler] = {}  # by rate


class Conference:
    """Who is in the room, and the mixes for them. Calls are known by their numbers."""

    def __init__(self) -> None:
        self._calls: list[int] = []
        self._members: dict[int, _Member] = {}  # once they have ticked

    def __contains__(self, call: int) -> bool:
        return call in self._calls

    @property
    def calls(self) -> tuple[int, ...]:
        """The members, in the order they joined."""
        return tuple(self._calls)

    def join(self, call: int) -> None:
        if call not in self._calls:
            self._calls.append(call)

    def leave(self, call: int) -> None:
        """It is silent for the others at once."""
        if call in self._calls:
            self._calls.remove(call)
            self._forget(call)

    def bring(self, call: int, pcm: np.ndarray, rate_hz: int) -> None:
        """What this member's far end says, for all the others."""
        member = self._member(call, rate_hz)
        at_rate = {rate_hz: pcm}
        for number, other in self._members.items():
            if number == call:
                continue
            if other.rate_hz not in at_rate:
                at_rate[other.rate_hz] = self._resampler(member, other.rate_hz).push(pcm)
            if call not in other.lanes:
                other.lanes[call] = Lane(other.rate_hz, other.rate_hz)
            other.lanes[call].push(at_rate[other.rate_hz])

    def mix(self, call: int, own: np.ndarray, rate_hz: int) -> np.ndarray:
        """What this member is sent: ``own``, which is our voice, and all the others', as many samples as that."""
        member = self._member(call, rate_hz)
        if not member.lanes and member.limiter.gain == 1:
            return own
        return member.limiter.push(add([own, *(lane.take(len(own)) for lane in member.lanes.values())]))

    def _member(self, call: int, rate_hz: int) -> _Member:
        member = self._members.get(call)
        if member is None or member.rate_hz != rate_hz:
            self._forget(call)
            member = self._members[call] = _Member(rate_hz)
        return member

    def _forget(self, call: int) -> None:
        self._members.pop(call, None)
        for other in self._members.values():
            other.lanes.pop(call, None)

    @staticmethod
    def _resampler(member: _Member, rate_hz: int) -> Resampler:
        if rate_hz not in member.resamplers:
            member.resamplers[rate_hz] = Resampler(member.rate_hz, rate_hz)
        return member.resamplers[rate_hz]
