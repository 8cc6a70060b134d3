"""One call's audio between its sockets, the handset and its recordings.

Theory of operation. Every ``ptime`` there is one tick on an absolute deadline (start + n * ptime): one frame
of the microphone leaves as a packet, one frame of the far end is taken from the jitter buffer and heard. A
turn of the loop that comes late does what is due and shifts nothing. Only a stall longer than ``STALL_S`` (the
process was stopped, the machine slept) is skipped over, with the RTP timestamps advanced by the time that
passed, so that nobody is sent a minute of packets at once.

What came in is needed at the tick and not before. Where the system notes when each packet came, nobody wakes up for
them: they are fetched in the tick, after our own packet has left, with their true times of arrival, which no late
turn of ours falsifies. That halves the turns of a call, and they are most of its cost. Where moreover no ear waits for
the sound (no card plays it, it is neither sent back nor mixed), some ticks are heard together, each with what had
come by then: the outcome is the same, and several in a row cost little more than one alone. Whoever wants to know how
things stand says :meth:`MediaSession.catch_up` before.

Packets count only when they come from the address the SDP named last; the rest is foreign, counted and not heard.
"""

from __future__ import annotations

from collections import deque

import numpy as np

from engine.diagnosis import Facts
from engine.far_end import FarEnd
from engine.handset import Microphone
from engine.media import codecs
from engine.media.stream import AudioStream
from engine.media_watch import MediaWatch
from engine.model import MediaView
from engine.ports import MediaPorts
from engine.recorder import Track
from engine.sip.sdp import Agreement, Format
from engine.surroundings import Surroundings

STALL_S = 0.25
DRAIN = 64  # packets read from one socket in one turn
DRAINS_IN_A_TICK = 8  # or so many times as many for each tick, of those that nobody woke up for
HEARD_TOGETHER_S = 0.09  # no tick waits for longer than this and one tick more to be heard with others


class MediaSession:
    """The audio of one call."""

    def __init__(self, call: int, ports: MediaPorts, agreement: Agreement, around: Surroundings, now: float) -> None:
        self._call = call
        self._ports = ports
        self._around = around
        self._tracks: list[Track] = []
        self._on_hold_here = False
        self._sending = False
        self._playing = False
        self._stopped = False
        self._next_tick = now
        self._unheard: list[tuple[float, np.ndarray]] = []  # ticks that nobody hears yet: when, and what was sent
        self._came: deque[tuple[bytes, tuple[str, int], float]] = deque()  # datagrams that no tick has taken in
        self.agreement = agreement
        self._far_end = FarEnd(around.names, ports.rtp.address[0], self._log_address)
        self._far_end.agree(agreement.remote, agreement.remote_rtcp)
        self._stream = AudioStream(
            entropy=around.entropy,
            cname=around.cname,
            now=now,
            redundancy=around.redundancy,
            buffer_ms=around.buffer_ms,
            silence_suppression=around.silence_suppression,
            **_stream_parameters(agreement),
        )
        self._microphone: Microphone = around.handset.microphone(self._stream.rate_hz)
        self._watch = MediaWatch(self._stream, self._far_end, ports, around, now)
        around.net.watch(ports.rtp, self._on_rtp)
        around.net.watch(ports.rtcp, self._read_rtcp)

    # -- what the call tells it

    def agree(self, agreement: Agreement, now: float) -> None:
        """A re-INVITE changed addresses, codec, ptime or direction; counters and SSRC go on."""
        self.catch_up(now)
        rate_before = self._stream.rate_hz
        self.agreement = agreement
        self._watch.begin_talk_anew()
        self._far_end.agree(agreement.remote, agreement.remote_rtcp)
        self._stream.update(now=now, **_stream_parameters(agreement))
        if self._stream.rate_hz != rate_before:
            self._microphone.close()
            self._microphone = self._around.handset.microphone(self._stream.rate_hz)
            self._watch.rate_changed()
        if not self.agreement.may_hear:
            self._around.handset.leave(self._call)

    def start_playing(self, now: float) -> None:
        """Hear the far end (early media, or the call is up)."""
        if not self._playing and not self._stopped:
            self._playing = True
            self._next_tick = now
            if self._ports.rtp.stamped:
                self._around.net.unwatch(self._ports.rtp)

    def start_sending(self, now: float) -> None:
        """The call is confirmed: the first packet leaves now."""
        self.start_playing(now)
        if not self._sending and not self._stopped:
            self._sending = True
            self._next_tick = now

    def hold_here(self, on: bool, now: float) -> None:
        """While we hold, they hear silence and we hear nothing."""
        self.catch_up(now)
        self._on_hold_here = on
        self._watch.begin_talk_anew()
        if on:
            self._around.handset.leave(self._call)

    def record(self, track: Track) -> None:
        self._tracks.append(track)

    @property
    def recording(self) -> str | None:
        """The file that is being written; None when there is none, or none any more (the disk is full)."""
        return next((track.path for track in reversed(self._tracks) if not track.failed), None)

    @property
    def takes_digits(self) -> bool:
        """The far end takes telephone-events."""
        return self._stream.takes_digits

    def send_digits(self, digits: str) -> bool:
        """Queue telephone-events; False when the far end does not take them, or too many wait already."""
        return self._stream.send_digits(digits)

    def digits(self, now: float) -> list[tuple[str, float]]:
        """Digits received since the last look: (digit, duration in ms). What was not heard yet may make one longer."""
        return [] if self._unheard else self._stream.digits(now)

    # -- time

    def deadline(self) -> float:
        """When :meth:`run` wants to be called next."""
        rtcp = self._stream.rtcp_deadline() if self._sending else None
        if not self._playing:
            return rtcp if rtcp is not None else float("inf")
        return self._next_tick if rtcp is None else min(self._next_tick, rtcp)

    def tick_deadline(self) -> float:
        """When the next packet must leave: what the rest of the program must not delay."""
        return self._next_tick if self._sending else float("inf")

    def run(self, now: float, wall: float) -> None:
        """Do what is due at ``now``, at most one tick: ``deadline`` says whether there is another. ``wall`` stamps
        the sender report."""
        if self._playing and now >= self._next_tick:
            self._skip_stall(now)
            self._tick(now)
        if self._sending:
            rtcp = self._stream.rtcp_deadline()
            if rtcp is not None and now >= rtcp:
                self.catch_up(now)
                self._send_rtcp(self._stream.make_rtcp(now, wall))

    def stop(self, now: float) -> None:
        """The talk is over, for good: nothing is sent or heard any more, microphone and files are given back.

        What has come by now counts, and a digit that has begun is one (:meth:`digits` tells it). The far end's last
        report may still come, in answer to ours: it tells of the whole call.
        """
        if self._stopped:
            return
        self.catch_up(now)
        self._fetch(now, ticks=1)
        self._receive(now)
        self._stream.end_digits()
        self._playing = self._sending = False
        self._stopped = True
        self._microphone.close()
        self._around.handset.leave(self._call)
        self._far_end.leave()
        for track in self._tracks:
            self._log_failure(track.close())

    def set_buffer(self, buffer_ms: tuple[float, float]) -> None:
        """Other bounds of the delay that the jitter buffer aims at, from now on."""
        self._stream.set_buffer(buffer_ms)

    def close(self, now: float, wall: float) -> None:
        """The end, once it has stopped: RTCP BYE. The ports are the phone's, which takes them back."""
        self._send_rtcp(self._stream.make_bye(now, wall))

    @property
    def rate_hz(self) -> int:
        """Sampling rate of the codec."""
        return self._stream.rate_hz

    @property
    def hears(self) -> bool:
        """Has the far end sent anything?"""
        return self._stream.hears

    # -- one tick

    def _tick(self, now: float) -> None:
        stream = self._stream
        self._watch.was_late(1000 * (now - self._next_tick))
        self._next_tick += stream.frame_samples / stream.rate_hz
        if self._around.echo:
            self._fetch(now, ticks=1)
            self._receive(now)
            heard = stream.play_frame(now)
            self._take_in(self._send(heard, now), heard)
            return
        self._unheard.append((now, self._send(self._microphone.read(stream.frame_samples), now)))
        if self._is_waited_for or now - self._unheard[0][0] >= HEARD_TOGETHER_S:
            self.catch_up(now)

    def _send(self, said: np.ndarray, now: float) -> np.ndarray:
        """One frame of ours leaves, if it may; gives what was sent."""
        stream, around = self._stream, self._around
        if around.handset.muted or self._on_hold_here:
            said = np.zeros(stream.frame_samples, dtype=np.int16)
        elif not around.echo:
            self._watch.said(said)
        if self._call in around.conference:
            said = around.conference.mix(self._call, said, stream.rate_hz)
        destination = self._far_end.rtp
        if not self._sending or destination is None or not self.agreement.may_send:
            stream.skip(1)
            return np.zeros_like(said)
        packet = stream.send_frame(said, now)
        if packet is not None:
            self._ports.rtp.send(packet, destination)
        return said

    @property
    def _is_waited_for(self) -> bool:
        """Does somebody want each frame at its time? Without stamps nobody could tell later what came when."""
        around = self._around
        return around.handset.is_heard or self._call in around.conference or not self._ports.rtp.stamped

    def catch_up(self, now: float) -> bool:
        """Hear what was left for later: the ticks until ``now``, with all that came by then. False: there was none."""
        if not self._unheard:
            return False
        unheard, self._unheard = self._unheard, []
        self._fetch(now, ticks=len(unheard))
        for at, sent in unheard:
            self._receive(at)
            self._take_in(sent, self._stream.play_frame(at))
        return True

    def _take_in(self, sent: np.ndarray, heard: np.ndarray) -> None:
        """A frame was heard while another was sent: it goes to whoever listens, writes or looks."""
        rate_hz, around = self._stream.rate_hz, self._around
        self._watch.took_in(sent, heard)
        if self._call in around.conference:  # a far end that holds us may send music, which is not for the others
            shared = np.zeros_like(heard) if self.agreement.held_there else heard
            around.conference.bring(self._call, shared, rate_hz)
        if self.agreement.may_hear and not self._on_hold_here:
            around.handset.hear(self._call, heard, rate_hz)
        for track in self._tracks:
            self._log_failure(track.write(sent, heard, rate_hz))

    def _skip_stall(self, now: float) -> None:
        late = now - self._next_tick
        if late < STALL_S:
            return
        self.catch_up(now)
        self._watch.was_late(1000 * late)
        frame_s = self._stream.frame_samples / self._stream.rate_hz
        frames = int(late / frame_s)
        self._stream.skip(frames)
        for track in self._tracks:
            self._log_failure(track.skip(frames * self._stream.frame_samples, self._stream.rate_hz))
        self._next_tick += frames * frame_s
        self._around.log("warn", "media", f"call {self._call}: stood still for {late:.1f} s, {frames} packets not sent")

    def _log_failure(self, line: str | None) -> None:
        """Of a recording."""
        if line is not None:
            self._around.log("error", "media", line)

    # -- packets

    def _on_rtp(self, now: float) -> None:
        self._read_rtp(now)
        self._receive(now)

    def _fetch(self, now: float, ticks: int) -> None:
        """Let in what nobody woke up for, in so many ticks."""
        for _ in range(DRAINS_IN_A_TICK * ticks if self._ports.rtp.stamped else 0):
            if self._read_rtp(now) < DRAIN:
                break

    def _read_rtp(self, now: float) -> int:
        """Let in what waits at the socket; says how many datagrams there were."""
        datagrams = self._ports.rtp.receive_stamped(DRAIN, now)
        if not self._stopped:
            self._came += datagrams
        return len(datagrams)

    def _receive(self, until: float) -> None:
        """Take in what came by then; the rest is for the next tick."""
        waiting, wanted = self._came, self._far_end.rtp_from
        while waiting and waiting[0][2] <= until:
            data, source, came = waiting.popleft()
            if source == wanted:
                self._stream.receive_rtp(data, came)
            else:
                self._watch.was_foreign(source)

    def _read_rtcp(self, now: float) -> None:
        self.catch_up(now)
        for data, source, came in self._ports.rtcp.receive_stamped(DRAIN, now):
            if source == self._far_end.rtcp_from:
                self._take_report(data, came)
            else:
                self._watch.was_foreign()

    def _take_report(self, data: bytes, came: float) -> None:
        """What the far end says may change how much is repeated: a line in the log says so, and why."""
        before = self._stream.redundancy
        self._stream.receive_rtcp(data, came)
        after = self._stream.redundancy
        if after != before:
            told = self._stream.stats(came).rtcp.remote
            lost = "" if told is None else f" (the far end lost {told.loss_percent:.1f} %)"
            what = f"repeats {after} earlier ones" if after > 1 else "repeats an earlier one" if after else "goes once"
            self._around.log("info", "media", f"call {self._call}: each packet {what} from now on{lost}")

    def _send_rtcp(self, data: bytes) -> None:
        if data and self._far_end.rtcp is not None:
            self._ports.rtcp.send(data, self._far_end.rtcp)

    def _log_address(self, level: str, text: str) -> None:
        self._around.log(level, "media", f"call {self._call}: {text}")

    # -- looking

    def second(self, now: float) -> None:
        """Once a second: rates and history."""
        talks = self._sending and not self._on_hold_here and not self.agreement.held_there
        self._watch.second(now, self.agreement, talks=talks)

    def facts(self, now: float) -> Facts:
        """What a diagnosis may know of this call's audio."""
        return self._watch.facts(now, self.agreement)

    def view(self, now: float) -> MediaView:
        """A frozen copy of everything the screen shows of this call's audio."""
        return self._watch.view(now, self.agreement, sends=self._sending)


def _wire_format(wanted: Format) -> codecs.WireFormat:
    return codecs.WireFormat(
        wanted.payload_type, wanted.encoding, wanted.clock_rate, wanted.channels, wanted.fmtp or ""
    )


def _stream_parameters(agreement: Agreement) -> dict:
    """An SDP agreement in the words of ``engine.media``: the one place where the two meet."""
    dtmf, noise = agreement.dtmf_send, agreement.noise_send
    return {
        "send": _wire_format(agreement.send),
        "receive": {number: _wire_format(wanted)[1:] for number, wanted in agreement.receive.items()},
        "dtmf_send": None if dtmf is None else (dtmf.payload_type, dtmf.clock_rate),
        "dtmf_receive": agreement.dtmf_receive,
        "ptime_ms": agreement.ptime_ms,
        "red_send": None if agreement.red_send is None else agreement.red_send.payload_type,
        "red_receive": agreement.red_receive,
        "extended_reports": agreement.extended_reports,
        "noise_send": None if noise is None else (noise.payload_type, noise.clock_rate),
    }
