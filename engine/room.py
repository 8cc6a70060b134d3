"""Who is in the conference: joins calls and parts them, as the user and the calls' own fates will have it.

A conference has at least two calls. A call that is put on hold or hung up leaves it; the last one that is left
goes on as a plain call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine import model
from engine.call import Call
from engine.conference import Conference
from engine.model import CommandError

Hold = Callable[[Call, bool, float], None]  # put on hold, or take off


class Room:
    """The command ``model.Conference``; ``conference`` is where the sound goes."""

    def __init__(self, calls: Mapping[int, Call], hold: Hold, tell: Callable[[model.Event], None]) -> None:
        self.conference = Conference()
        self._calls = calls
        self._hold = hold
        self._tell = tell

    def execute(self, command: model.Conference, now: float) -> int | None:
        """Join or part; returns the call it was about. Raises CommandError with one line for the user."""
        up = [call for call in self._calls.values() if call.up]
        wanted = [call for call in up if command.call in (None, call.id)]
        if not wanted:
            raise CommandError("no call is up" if command.call is None else f"call {command.call}: it is not up")
        apart = [call for call in wanted if not call.conference]
        if bool(apart) if command.on is None else command.on:
            self._join(wanted, up, now)
        else:
            self._part(command.call, now)
        return command.call

    def _join(self, wanted: list[Call], up: list[Call], now: float) -> None:
        together = [call for call in up if call in wanted or call.conference or not call.held_here]
        if len(together) < 2:
            raise CommandError("a conference takes two calls that are up")
        for call in together:
            if call.held_here:
                self._hold(call, False, now)
            if not call.conference:
                self._enter(call, True, now)

    def _part(self, stays: int | None, now: float) -> None:
        members = self.conference.calls
        if not members:
            raise CommandError("there is no conference")
        stays = stays if stays in members else members[0]
        for number in members:
            call = self._calls[number]
            if number != stays and call.conference:
                self._hold(call, True, now)  # which leaves

    def leave(self, call: Call, now: float) -> None:
        """A call is put on hold, or over."""
        if not call.conference:
            return
        self._enter(call, False, now)
        members = self.conference.calls
        if len(members) == 1:
            self._enter(self._calls[members[0]], False, now)

    def _enter(self, call: Call, joined: bool, now: float) -> None:
        if joined:
            self.conference.join(call.id)
        else:
            self.conference.leave(call.id)
        call.conference = joined
        self._tell(model.Joined(call.view(now)))
