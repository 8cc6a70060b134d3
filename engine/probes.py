"""Is somebody there? OPTIONS to an address (RFC 3261 section 11), and who answers what after how long.

Names are looked up as those of calls are, and nobody is waited for longer than timer F (section 17.1.2.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine import model
from engine.config import ConfigError, complete_uri
from engine.model import CommandError
from engine.sip import events
from engine.sip.agent import UserAgent
from engine.sip.message import SipError
from engine.sip.reasons import NO_ANSWER

MOST_PROBES = 32


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who was asked, and when."""

    uri: str
    at: float


class Probes:
    """The command ``model.Probe`` and what comes of it."""

    def __init__(self, agent: UserAgent, tell: Callable[[model.Event], None]) -> None:
        self._agent = agent
        self._tell = tell
        self._asked: dict[int, _Asked] = {}  # by the agent's number of the question

    def execute(self, command: model.Probe, now: float) -> None:
        """Ask; :class:`model.Probed` tells the answer, or that there is none."""
        if len(self._asked) >= MOST_PROBES:
            raise CommandError(f"{MOST_PROBES} are being asked already: wait for their answers")
        try:
            target = complete_uri(command.uri)
            query = self._agent.options(target, now)
        except ConfigError as error:
            raise CommandError(str(error)) from None
        except SipError as error:
            raise CommandError(f"'{command.uri}' cannot be asked: {error}") from None
        self._asked[query] = _Asked(str(target), now)

    def answered(self, event: events.OptionsAnswered, now: float) -> None:
        """An answer, or none."""
        asked = self._asked.pop(event.query)
        codecs = dict.fromkeys(item.encoding for item in event.formats)
        self._tell(
            model.Probed(
                uri=asked.uri,
                status=event.status,
                reason=event.reason,
                took_ms=None if event.status is None else (now - asked.at) * 1000,
                methods=event.allow,
                codecs=tuple(codecs),
                exit_code=NO_ANSWER if event.status is None else 0,
            )
        )
