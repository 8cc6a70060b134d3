"""Who talks with whom: puts calls on hold and takes them back, joins them and parts them, as the user and the calls'
own fates will have it.

A hold is done here at once and offered to the far end by a re-INVITE; one that it refuses is taken back. A conference
has at least two calls. A call that is put on hold or hung up leaves it; the last one that is left goes on as a plain
call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine import model
from engine.call import Call
from engine.conference import Conference
from engine.model import CommandError
from engine.ports import MediaPorts
from engine.sip.agent import UserAgent
from engine.sip.sdp import LocalAudio

Describe = Callable[[MediaPorts, str], LocalAudio]  # what we say of our sound on these ports, in this direction


class Room:
    """Hold, and the command ``model.Conference``; ``conference`` is where the sound goes."""

    def __init__(
        self, calls: Mapping[int, Call], agent: UserAgent, describe: Describe, tell: Callable[[model.Event], None]
    ) -> None:
        self.conference = Conference()
        self._calls = calls
        self._agent = agent
        self._describe = describe
        self._tell = tell

    # ------------------------------------------------------------------ hold

    def hold(self, call: Call, on: bool, now: float) -> None:
        """Put a call that is up on hold, or take it back."""
        if call.ports is None:
            return
        self._set_held(call, on, now)
        direction = "sendrecv" if not on else "inactive" if call.held_there else "sendonly"
        self._agent.modify(call.id, self._describe(call.ports, direction), now)
        self._tell_held(call, now)

    def hold_others(self, but: Call, now: float) -> None:
        """A person has one mouth: taking or making a call puts the one before on hold."""
        for call in self._calls.values():
            if call is not but and call.up and not call.held_here:
                self.hold(call, True, now)

    def hold_refused(self, call: Call, now: float) -> None:
        """The far end did not want it so: it is as it was."""
        self._set_held(call, not call.held_here, now)
        if call.up:
            self._tell_held(call, now)

    def _set_held(self, call: Call, on: bool, now: float) -> None:
        call.held_here = on
        if on:
            self.leave(call, now)
        if call.media is not None:
            call.media.hold_here(on, now)

    def _tell_held(self, call: Call, now: float) -> None:
        call.enter_talking(now)
        self._tell(model.Held(call.view(now)))

    # ------------------------------------------------------------------ conference

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
                self.hold(call, False, now)
            if not call.conference:
                self._enter(call, True, now)

    def _part(self, stays: int | None, now: float) -> None:
        members = self.conference.calls
        if not members:
            raise CommandError("there is no conference")
        if stays is not None and stays not in members:
            raise CommandError(f"call {stays}: it is not in the conference")
        stays = members[0] if stays is None else stays
        for number in members:
            call = self._calls[number]
            if number != stays and call.conference:
                self.hold(call, True, now)  # which leaves

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
