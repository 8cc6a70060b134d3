"""Is somebody there? OPTIONS to an address (RFC 3261 section 11), and who answers what after how long.

Names are looked up as those of calls are, and nobody is waited for longer than timer F (section 17.1.2.2).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from engine import model
from engine.config import ConfigError, complete_uri
from engine.model import CommandError
from engine.names import WrongName
from engine.sip import events
from engine.sip.agent import UserAgent
from engine.sip.message import SipError
from engine.sip.reasons import NO_ANSWER, NOT_FOUND, WRONG_NAME, exit_code
from engine.sip.uri import Address

MOST_PROBES = 32


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who was asked, and when."""

    uri: str
    address: Address
    at: float
    why: str = ""  # nobody can be reached there


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
        self._asked[query] = _Asked(str(target), target.address(), now)

    def unreachable(self, peer: Address, why: str) -> bool:
        """Nobody can be reached there: is it somebody who was asked? The end of waiting tells it."""
        there = {query: asked for query, asked in self._asked.items() if asked.address == peer}
        self._asked.update({query: replace(asked, why=why) for query, asked in there.items()})
        return bool(there)

    def answered(self, event: events.OptionsAnswered, now: float) -> None:
        """An answer, or none."""
        asked = self._asked.pop(event.query)
        codecs = dict.fromkeys(item.encoding for item in event.formats)
        self._tell(
            model.Probed(
                uri=asked.uri,
                status=event.status,
                reason=asked.why if event.status is None and asked.why else event.reason,
                took_ms=None if event.status is None else (now - asked.at) * 1000,
                methods=event.allow,
                codecs=tuple(codecs),
                exit_code=_exit_code(event.status, asked.why),
            )
        )


def _exit_code(status: int | None, why: str) -> int:
    """Whoever answers is there, but for one who says that the one who was asked is not."""
    if status is None:
        return WRONG_NAME if isinstance(why, WrongName) else NO_ANSWER
    code = exit_code(status if status >= 300 else None, answered=False, media=True)
    return code if code in (NO_ANSWER, NOT_FOUND) else 0
