"""The phone: joins sip, media and io, and knows which call is which.

Theory of operation. SIP datagrams go into the user agent; what it has to say comes out as events, which change
calls here, and as datagrams, which leave at once. An agreement about media (the outcome of SDP offer and answer)
becomes a :class:`MediaSession`; from then on the call's sockets and ticks are that session's business. Commands
come in by :meth:`Phone.execute`, what faces want to know goes out by :attr:`Phone.news` and
:meth:`Phone.snapshot`. There is no socket, clock or file in here: all of them are handed in, so two phones can
talk in memory in virtual time.

Media comes first: while SIP is being worked off, every message is followed by a look at the next packet's
deadline, and the rest waits for the next turn when it is near. So a flood of SIP never delays sound.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from engine import history, media_session, model
from engine.call import Call, KnownAs, Limit, nobody
from engine.config import Config, ConfigError, complete_uri
from engine.handset import Handset, Sound
from engine.install import codec_line
from engine.io.errors import NetworkError
from engine.ladder import Ladder
from engine.lines import Lines
from engine.media import codecs
from engine.media.dtmf import DIGITS
from engine.model import CallState, CommandError
from engine.names import Resolver, WrongName
from engine.news import News
from engine.offered_formats import COMFORT_NOISE
from engine.ports import MediaPorts, Net, PortPool
from engine.probes import Probes
from engine.recorder import OpenWriter, Recordings
from engine.ringing import Ringer
from engine.room import Room
from engine.settings import Settings, Store
from engine.sip import events as sip_events
from engine.sip.agent import Limits, UserAgent
from engine.sip.message import SipError
from engine.sip.reasons import BAD_QUALITY, WRONG_NAME, exit_code, reason_text
from engine.sip.sdp import LocalAudio
from engine.surroundings import Surroundings
from engine.ticks import Ticks
from engine.transport import Transport

if TYPE_CHECKING:
    from engine.media.rtcp_session import Entropy

SIP_PER_TURN = 32
SIP_PER_MODULE = 2  # of those to be loaded, more than a hundred: a flood must not keep the phone from ever being there
MEDIA_MARGIN_S = 0.0015  # SIP work stops so long before the next packet must leave
BESIDE_THE_LINES = 56  # calls that take no line: they ring, are half open or about to end
RING_OUT_S = 180.0  # nobody answers
ENDING_S = 1.0  # so long a call that we hung up is shown while BYE or CANCEL is not answered; then it is over
QUIT_PATIENCE_S = 2.0  # how long the end of the program waits for such answers
ENDED_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Outside:
    """Everything the phone uses but does not own."""

    net: Net
    sound: Sound
    entropy: Entropy
    clock: Callable[[], float]  # monotonic
    wall: Callable[[], float]  # since the epoch
    open_writer: OpenWriter
    resolver: Resolver
    store: Store | None = None  # of settings; None: they are not saved
    known_as: KnownAs = nobody


class Phone:
    """All calls of this program. Mutable; only the loop's one thread touches it."""

    def __init__(self, config: Config, local_ip: str, outside: Outside) -> None:
        """Opens the SIP socket and the first media ports; raises NetworkError or ConfigError."""
        self._config = config
        self._outside = outside
        self._handset = Handset(outside.sound)
        self.news = News(outside.wall)
        self._settings = Settings(config, self._handset, outside.sound, self.news.log, outside.store)
        self._transport = Transport(
            outside.net, local_ip, config.local_sip_port, outside.resolver, outside.clock, self._unreachable
        )
        self._pool = PortPool(outside.net, local_ip, config.local_rtp_port)
        self.local = self._transport.address
        self._calls: dict[int, Call] = {}
        self._lines = Lines(self._calls, config.max_calls, self._make_room, self.news.log)
        formats = self._settings.formats
        limits = Limits(sessions=config.max_calls + BESIDE_THE_LINES)
        self._agent = UserAgent(
            local=self.local, formats=formats, entropy=outside.entropy, limits=limits, busy=self._lines.busy
        )
        self._ladder = Ladder(self._calls)
        self._agent.trace = config.trace or config.face == "dashboard"
        self._room = Room(self._calls, self._agent, self._local_audio, self.news.tell)
        self._probes = Probes(self._agent, self.news.tell)
        self._ringer = Ringer(config, self._handset, outside.sound, formats)
        self._recordings = Recordings(config, outside.open_writer, self.news.log)
        self._around = Surroundings(
            net=outside.net,
            names=self._transport.names,
            handset=self._handset,
            conference=self._room.conference,
            entropy=outside.entropy,
            cname=f"{outside.entropy.getrandbits(96):024x}",
            echo=config.echo,
            buffer_ms=config.buffer_ms,
            redundancy=config.redundancy,
            silence_suppression=config.silence_suppression,
            log=self.news.log,
        )
        self.ticks = Ticks(self._calls, outside.wall, self._on_digit)
        self._ended: deque[Call] = deque(maxlen=ENDED_SHOWN)
        self._leaving: set[int] = set()  # over for us, though nobody has answered our CANCEL or BYE yet
        self._quit_by: float | None = None
        self._handlers: dict[type, Callable[[Any, float], None]] = {
            sip_events.IncomingCall: self._on_incoming,
            sip_events.Progress: self._on_progress,
            sip_events.MediaAgreed: self._on_media_agreed,
            sip_events.Accepted: self._on_accepted,
            sip_events.Confirmed: self._on_confirmed,
            sip_events.HangingUp: self._on_hanging_up,
            sip_events.CallEnded: self._on_ended,
            sip_events.MediaMoveRefused: self._on_media_move_refused,
            sip_events.ModifyFailed: self._on_modify_failed,
            sip_events.OptionsAnswered: self._probes.answered,
            sip_events.TraceMessage: self._on_trace,
            sip_events.Note: self._on_note,
        }
        self._transport.watch(self._read_sip)
        self.news.tell(model.Ready(self.local_uri, self.local))
        if not config.codecs:
            for encoding, library in codecs.missing().items():
                self.news.log("info", "media", f"without {encoding}: {codec_line(library)}")

    @property
    def local_uri(self) -> str:
        host, port = self.local
        host = f"[{host}]" if ":" in host else host
        return f"sip:{host}" if port == 5060 else f"sip:{host}:{port}"

    # ------------------------------------------------------------------ commands

    def execute(self, command: model.Command, now: float) -> int | None:
        """Do what was asked; returns the call it was about. Raises CommandError with one line for the user."""
        handlers: dict[type, Callable[[Any, float], int | None]] = {
            model.Dial: self._dial,
            model.Probe: self._probes.execute,
            model.Answer: self._answer,
            model.Reject: self._reject,
            model.HangUp: self._hang_up,
            model.SendDigits: self._send_digits,
            model.Hold: self._hold,
            model.Conference: self._confer,
            model.SetCodecs: self._set_codecs,
            model.SetBuffer: self._set_buffer,
            model.Quit: self._quit,
        }
        self.ticks.catch_up(now)
        call = {**self._settings.handlers, **handlers}[type(command)](command, now)
        self._settle(now)
        return call

    def _dial(self, command: model.Dial, now: float) -> int:
        if self._quit_by is not None:
            raise CommandError("ringtop is ending")
        try:
            target = complete_uri(command.uri)
        except ConfigError as error:
            raise CommandError(str(error)) from None
        if self._lines.busy():
            raise CommandError(f"all {self._config.max_calls} lines are busy (--max-calls)")
        try:
            ports = self._pool.take()
        except NetworkError as error:
            raise CommandError(str(error)) from None
        try:
            number = self._agent.invite(target, self._local_audio(ports), now, late_offer=self._config.late_offer)
        except SipError as error:
            self._pool.give_back(ports)
            raise CommandError(f"'{command.uri}' cannot be called: {error}") from None
        call = Call(number, "out", str(target), "", now, self._outside.known_as)
        call.ports = ports
        call.limit = Limit(now + RING_OUT_S, reason_text(408), 408)
        self._calls[number] = call
        self._hold_others(call, now)
        return number

    def _answer(self, command: model.Answer, now: float) -> int:
        call = self._find(command.call, "no call is ringing", lambda call: call.state is CallState.RINGING)
        if self._lines.busy():
            raise CommandError(f"all {self._config.max_calls} lines are busy (--max-calls): hang up first")
        self._accept(call, now)
        if call.ports is not None:
            self._hold_others(call, now)
        return call.id

    def _reject(self, command: model.Reject, now: float) -> int:
        call = self._find(command.call, "no call is ringing", lambda call: call.state is CallState.RINGING)
        self._agent.reject(call.id, 603, now)
        return call.id

    def _hang_up(self, command: model.HangUp, now: float) -> int:
        call = self._find(command.call, "there is no call to hang up", lambda call: call.takes_a_line, newest=True)
        self._agent.hang_up(call.id, now)
        return call.id

    def _send_digits(self, command: model.SendDigits, now: float) -> int:
        call = self._find(command.call, "no call takes digits now", lambda call: call.up, newest=True)
        digits = command.digits.upper()
        if not digits or any(digit not in DIGITS for digit in digits):
            raise CommandError(f"'{command.digits}' is not made of the digits 0-9 * # A-D")
        if call.media is None or not call.media.takes_digits:
            raise CommandError("the far end does not take digits (no telephone-event)")
        if not call.media.send_digits(digits):
            raise CommandError("too many digits at once: the ones before are still being sent")
        call.note_digits(sent=digits)
        return call.id

    def _hold(self, command: model.Hold, now: float) -> int:
        call = self._find(command.call, "no call can be held now", lambda call: call.up, newest=True)
        on = not call.held_here if command.on is None else command.on
        if on != call.held_here:
            if not on:
                self._hold_others(call, now)
            self._room.hold(call, on, now)
        return call.id

    def _confer(self, command: model.Conference, now: float) -> int | None:
        if self._config.echo:
            raise CommandError("--echo sends back what it hears: no conference")
        return self._room.execute(command, now)

    def _set_codecs(self, command: model.SetCodecs, now: float) -> None:
        self._settings.set_codecs(command)
        self._agent.offer(self._settings.formats)

    def _set_buffer(self, command: model.SetBuffer, now: float) -> None:
        self._settings.set_buffer(command)
        self._around = replace(self._around, buffer_ms=self._settings.buffer_ms)
        for call in self._calls.values():
            if call.media is not None:
                call.media.set_buffer(self._settings.buffer_ms)

    def _quit(self, command: model.Quit, now: float) -> None:
        if self._quit_by is None:
            self._quit_by = now + QUIT_PATIENCE_S
            for call in self._calls.values():
                self._agent.hang_up(call.id, now)

    def _find(self, number: int | None, complaint: str, fits: Callable[[Call], bool], newest: bool = False) -> Call:
        fitting = [call for call in self._calls.values() if fits(call) and number in (None, call.id)]
        if not fitting:
            raise CommandError(complaint if number is None else f"call {number}: {complaint}")
        return fitting[-1 if newest else 0]

    # ------------------------------------------------------------------ what commands share

    def _local_audio(self, ports: MediaPorts, direction: str = "sendrecv") -> LocalAudio:
        return LocalAudio(
            address=ports.rtp.address,
            rtcp=ports.rtcp.address,
            formats=self._settings.formats,
            ptime_ms=self._config.ptime_ms,
            direction=direction,
            also=(COMFORT_NOISE,),
        )

    def _accept(self, call: Call, now: float) -> None:
        try:
            call.ports = self._pool.take()
        except NetworkError as error:
            self.news.log("error", "media", str(error))
            self._agent.reject(call.id, 503, now)
            return
        call.answer_at = None
        self._agent.accept(call.id, self._local_audio(call.ports), now)

    def _hold_others(self, but: Call, now: float) -> None:
        """Who is called, answered or taken back by the user is talked with alone; but a phone that sends back what it
        hears talks with all at once. (One that answers by itself puts nobody on hold for that.)"""
        if not self._config.echo:
            self._room.hold_others(but, now)

    # ------------------------------------------------------------------ time and packets

    def deadline(self) -> float:
        """When :meth:`handle_timers` must be called at the latest (monotonic; inf: never)."""
        return min(self.ticks.deadline(), self.other_due())

    def other_due(self) -> float:
        """When something is to be done that is not for :attr:`ticks`."""
        sip = self._agent.deadline()
        earliest = min(float("inf") if sip is None else sip, self._ringer.deadline(), self._settings.deadline())
        for call in self._calls.values():
            earliest = min(earliest, call.deadline())
        return earliest if self._quit_by is None else min(earliest, self._quit_by)

    def handle_timers(self, now: float) -> None:
        """Do everything that is due: media first, then calls, then SIP."""
        self.ticks.run(now)
        self.ticks.catch_up(now)
        self._ringer.run(now)
        self._settings.run(now)
        for call in list(self._calls.values()):
            self._run_call(call, now)
        self._agent.handle_timer(now)
        self._settle(now)

    def run_sip_alone(self, now: float) -> None:
        """While the rest is loaded: answer requests; a call gets its 100, and waits for :meth:`run_what_waited`."""
        self._transport.read_into(self._agent, SIP_PER_MODULE, now)
        self._agent.handle_timer(now)
        self._transport.send_from(self._agent)

    def run_what_waited(self, now: float) -> None:
        """All is loaded: what came meanwhile happens now, and one call has its line before the next wants one."""
        for event in self._agent.events():
            self._handlers[type(event)](event, now)
            self._settle(now)

    @property
    def finished(self) -> bool:
        """True once Quit is done: everybody knows that we hung up, or patience is over."""
        if self._quit_by is None:
            return False
        return not (self._calls or self._leaving) or self._outside.clock() >= self._quit_by

    def close(self, now: float) -> None:
        """Give back sockets and files; calls that still live end here with BYE, without waiting for anybody."""
        self._agent.leave(now)
        self._settle(now)
        for call in list(self._calls.values()):
            self._finish(call, now, None, "ringtop ended", False)
        self._settings.close(now)
        self._transport.close()
        self._pool.close()

    def _run_call(self, call: Call, now: float) -> None:
        if call.answer_at is not None and now >= call.answer_at:
            self._answer_by_itself(call, now)
        if call.limit is not None and now >= call.limit.at:
            call.reached, call.limit = call.limit, None
            self._agent.hang_up(call.id, now)
        if call.give_up_at is not None and now >= call.give_up_at:
            self._leaving.add(call.id)
            status = 487 if call.answered_at is None else None
            self._over(call, now, status, "we hung up" if status is None else reason_text(status), False)
            return
        if call.next_second is not None and now >= call.next_second and call.media is not None:
            call.next_second = max(call.next_second + 1, now)
            call.media.second(now)
            for finding in call.diagnose(now, self._handset.muted):
                self.news.tell(model.Diagnosis(call.view(now), finding))
            self.news.tell(model.Stats(call.view(now), self._sound_view()))

    def _answer_by_itself(self, call: Call, now: float) -> None:
        """It has rung for as long as was asked for; others may have taken the last line meanwhile."""
        call.answer_at = None
        if not self._lines.busy():
            self._accept(call, now)
            return
        self._agent.reject(call.id, 486, now)
        self._lines.turned_away(f"refused {call.peer_uri} from {call.source_host}", now)

    def _read_sip(self, now: float) -> None:
        for _ in range(SIP_PER_TURN):
            self.ticks.catch_up(now)
            if self.ticks.next_packet() - self._outside.clock() < MEDIA_MARGIN_S:
                break
            if not self._transport.read_into(self._agent, 1, now):
                break
            self._settle(now)
        self._transport.hear_errors()
        self._settle(now)

    def _settle(self, now: float) -> None:
        """Work off what the user agent has to say until it is silent (bounded).

        Messages go out when everything has happened that they tell of: who is sent a 200 may send sound at once.
        """
        moved = self._ringer.sounds
        for _ in range(16):
            happened = self._agent.events()
            for event in happened:
                self._handlers[type(event)](event, now)
            if not happened and not self._transport.send_from(self._agent):
                break
            moved = True
        if moved:
            self._ringer.follow(self._calls.values(), now)

    def _make_room(self, call: Call, now: float) -> None:
        self._agent.reject(call.id, 480, now)

    def _unreachable(self, peer: tuple[str, int], why: str) -> None:
        """Nobody is there. That strangers cannot be answered is nothing to speak of; a call says it when it ends."""
        now = self._outside.clock()
        if not self._agent.transport_error(peer, now) or not why:
            return
        asked = self._probes.unreachable(peer, why)
        dialled = [call for call in self._calls.values() if call.state is CallState.DIALLING]
        ending = [call for call in dialled if complete_uri(call.peer_uri).address() == peer]
        for call in ending:
            call.reached = Limit(now, why, None if isinstance(why, WrongName) else 503)
        if not ending and not asked:
            self.news.log("error", "sip", why)

    # ------------------------------------------------------------------ what SIP says

    def _on_incoming(self, event: sip_events.IncomingCall, now: float) -> None:
        peer_uri, name, host = str(event.from_.uri), event.from_.display_name, event.source[0]
        if self._quit_by is not None or not self._lines.free_for(host, now):
            self._agent.reject(event.call, 486, now)
            self._lines.turned_away(f"refused {peer_uri} from {host}", now)
            return
        call = self._calls[event.call] = Call(event.call, "in", peer_uri, name, now, self._outside.known_as)
        call.source_host = host
        wait = self._config.auto_answer
        call.auto_answered = wait is not None
        self.news.tell(model.Incoming(call.view(now), call.auto_answered))
        if wait is not None:
            self.news.log("info", "call", f"answering {peer_uri} from {host} by itself (--auto-answer)")
        if wait == 0:
            self._accept(call, now)
            return
        if wait is not None:
            call.answer_at = now + wait
        self._agent.ring(event.call, now)

    def _on_progress(self, event: sip_events.Progress, now: float) -> None:
        call = self._calls.get(event.call)
        if call is None or call.direction != "out" or call.answered_at is not None:
            return
        call.status, call.reason = event.status, event.reason
        call.rings_there = call.rings_there or event.status == 180
        if call.state is CallState.DIALLING:
            call.enter(CallState.PROGRESS, now)
        self.news.tell(model.Progress(call.view(now), event.status, event.reason))

    def _on_media_agreed(self, event: sip_events.MediaAgreed, now: float) -> None:
        call = self._calls.get(event.call)
        if call is None or call.ports is None:
            return
        if call.media is None:
            call.media = media_session.MediaSession(call.id, call.ports, event.agreement, self._around, now)
            call.next_second = now + 1
            self._recordings.start(call.media)
        else:
            call.media.agree(event.agreement, now)
        if event.early:
            call.early_media = True
            call.media.start_playing(now)
        if event.agreement.held_there != call.held_there:
            call.held_there = event.agreement.held_there
            if call.up:
                call.enter_talking(now)
                self.news.tell(model.Held(call.view(now)))
        self._bring_up(call, now)

    def _on_accepted(self, event: sip_events.Accepted, now: float) -> None:
        call = self._calls.get(event.call)
        if call is None or not call.takes_a_line:
            return
        call.early_media = False
        call.status, call.reason = 200, ""
        call.limit = call.reached = None
        if self._config.duration is not None:
            call.limit = Limit(now + self._config.duration, "duration reached", None)
        call.answered(now)
        self._bring_up(call, now)

    def _on_confirmed(self, event: sip_events.Confirmed, now: float) -> None:
        """A call that others may not have had a line for becomes one; the last line may be gone by then."""
        call = self._calls.get(event.call)
        if call is None:
            return
        if not call.surely_taken and self._lines.busy():
            call.reached = Limit(now, "every line was taken before the caller acknowledged", 486)
            self._agent.hang_up(call.id, now)
            self._lines.turned_away(f"hung up {call.peer_uri} from {call.source_host}", now)
            return
        call.confirmed = True
        self._lines.came_about(call)
        self._bring_up(call, now)

    def _bring_up(self, call: Call, now: float) -> None:
        """Start what may start: hearing once answered, sending once confirmed."""
        if call.media is None or call.answered_at is None:
            return
        call.media.start_playing(now)
        if call.confirmed:
            call.media.start_sending(now)
            self.ticks.run(now)
        if not call.told_answered:
            call.told_answered = True
            self.news.tell(model.Answered(call.view(now)))
            if call.held_there:  # from the first moment on
                self.news.tell(model.Held(call.view(now)))

    def _on_hanging_up(self, event: sip_events.HangingUp, now: float) -> None:
        """Media stops with the BYE (RFC 3261 15.1.1). The user agent sees to the rest, however long it takes."""
        call = self._calls.get(event.call)
        if call is not None:
            self.ticks.stop(call, now)
            self._room.leave(call, now)
            call.hanging_up(now, now + ENDING_S)

    def _on_ended(self, event: sip_events.CallEnded, now: float) -> None:
        self._leaving.discard(event.call)
        call = self._calls.get(event.call)
        if call is not None:
            self._over(call, now, event.status, event.reason, event.failure)

    def _over(self, call: Call, now: float, status: int | None, reason: str, failure: bool) -> None:
        """A call has ended, unless we ended it ourselves for a reason of our own."""
        if call.reached is not None:
            status, reason, failure = call.reached.status, call.reached.reason, call.reached.failure
        self._finish(call, now, status, reason, failure)

    def _finish(self, call: Call, now: float, status: int | None, reason: str, failure: bool) -> None:
        self.ticks.stop(call, now)
        if call.media is not None:
            call.media.close(now, self._outside.wall())
        if call.ports is not None:
            self._pool.give_back(call.ports)
            call.ports = None
        self._room.leave(call, now)
        call.status, call.reason = status if status is not None else call.status, reason
        call.ended(now)
        if failure:
            self._ringer.refused(call, status, now)
        del self._calls[call.id]
        self._ended.append(call)
        code = exit_code(status if failure else None, answered=call.answered_at is not None, media=call.had_media(now))
        code = WRONG_NAME if call.reached is not None and call.reached.wrong_name else code
        asked = self._config.min_mos, self._config.max_loss_percent
        lacking = history.shortfall(call.last_media, *asked) if code == 0 else ""
        if lacking:  # a call that ended normally, and was worse than what was asked for
            code, call.reason = BAD_QUALITY, f"{reason}; {lacking}"
        self.news.tell(model.Ended(call.view(now), call.status, call.reason, code, self._sound_view()))

    def _on_media_move_refused(self, event: sip_events.MediaMoveRefused, now: float) -> None:
        host, port = event.wanted
        tried = f"{event.source[0]} tried to move the sound to {host}:{port}"
        self.news.log("warn", "sip", f"call {event.call}: {tried}: refused")

    def _on_modify_failed(self, event: sip_events.ModifyFailed, now: float) -> None:
        call = self._calls.get(event.call)
        if call is None or not call.takes_a_line:
            return
        self._room.hold_refused(call, now)
        why = f"{event.status} {reason_text(event.status)}"
        self.news.tell(model.Error(f"call {event.call}: the far end refused ({why})"))

    def _on_trace(self, event: sip_events.TraceMessage, now: float) -> None:
        self._ladder.note(event.call, event.direction, event.peer, event.data, self._outside.wall())
        if self._config.trace:
            text = event.data.decode("utf-8", "replace")
            self.news.tell(model.Message(event.call, event.direction, event.peer, text))

    def _on_digit(self, call: Call, digit: str, duration_ms: float, now: float) -> None:
        call.note_digits(received=digit)
        self.news.tell(model.Dtmf(call.view(now), digit, duration_ms))

    def _on_note(self, event: sip_events.Note, now: float) -> None:
        self.news.log(event.level, "sip", event.text)

    # ------------------------------------------------------------------ looking

    def snapshot(self, now: float) -> model.Snapshot:
        """A frozen copy of everything a face may show."""
        counters = self._agent.counters
        return model.Snapshot(
            time=self._outside.wall(),
            local_uri=self.local_uri,
            transport="UDP",
            calls=tuple(call.view(now) for call in (*self._calls.values(), *self._ended)),
            sound=self._sound_view(),
            network=model.NetworkView(counters.malformed, counters.refused, counters.stray, counters.overload),
            log=self.news.lines,
            sip=self._ladder.view,
            settings=self._settings.view(),
        )

    def _sound_view(self) -> model.SoundView:
        view = self._handset.view()
        return replace(view, kind="echo", note="sends back what it hears") if self._config.echo else view
