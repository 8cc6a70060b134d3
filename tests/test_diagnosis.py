"""Scripted calls on a wire that does what networks do: each is diagnosed for what it is, and a good one not at all."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from engine import model
from engine.media import codecs, rtcp, rtp
from engine.model import Diagnosis, Finding
from tests import wire as wire_module
from tests.wire import ANNA, BOB, STRANGER, Datagram, Station, Wire, is_from, is_sip

ALWAYS = {"unmarked"}  # nothing on this wire bears a mark, unless a test says so


def call(wire: Wire, seconds: float = 20, anna: dict | None = None, bob: dict | None = None) -> tuple[Station, Station]:
    """Anna calls Bob, who answers."""
    caller = wire.station(ANNA, **(anna or {}))
    callee = wire.station(BOB, **{"auto_answer": 0.0, **(bob or {})})
    caller.do(model.Dial(callee.uri))
    wire.run(seconds)
    return caller, callee


def found(station: Station) -> dict[str, Finding]:
    return {finding.name: finding for finding in station.view().findings}


def rtp_from(host: str):
    return is_from(host, lambda datagram: datagram.port_kind == "rtp")


def bad_wire(fate) -> Wire:
    """``fate`` of every RTP packet: its delays, or None for the usual one."""
    wire = Wire(0.030)
    wire.rule(lambda datagram: fate(datagram) if datagram.port_kind == "rtp" else None)
    return wire


class Pausing:
    """A gateway before a phone: at times nothing is sent, and what follows goes on in sequence, with a marker (RFC 3551
    section 4.1). ``reports``: the phone's own reports get through, and tell how many packets were sent."""

    def __init__(self, wire: Wire, host: str, sends: Callable[[float], bool], reports: bool = True) -> None:
        self._wire, self._sends, self._reports = wire, sends, reports
        self.loses = False  # whatever is sent does not arrive
        self._sent = self._left_out = 0
        self._rests = False
        wire.rule(lambda datagram: self._fate(datagram) if datagram.source[0] == host else None)

    def _fate(self, datagram: Datagram) -> list[float] | None:
        if datagram.port_kind not in ("rtp", "rtcp"):
            return None
        data = self._report(datagram.data) if datagram.port_kind == "rtcp" else self._packet(datagram.data)
        if data is not None:
            self._wire.inject(data, datagram.source, datagram.destination)
        return []

    def _packet(self, data: bytes) -> bytes | None:
        if not self._sends(self._wire.now):
            self._left_out += 1
            self._rests = True
            return None
        packet = rtp.parse(data)
        marker, self._rests = self._rests, False
        self._sent += 1
        if self.loses:
            return None
        sequence = (packet.sequence - self._left_out) & 0xFFFF
        return rtp.build(packet.payload_type, marker, sequence, packet.timestamp, packet.ssrc, packet.payload)

    def _report(self, data: bytes) -> bytes | None:
        if not self._reports:
            return None
        packets = rtcp.parse(data)
        return rtcp.build(
            replace(packet, packets=self._sent) if isinstance(packet, rtcp.SenderReport) else packet
            for packet in packets
        )


def told(station: Station) -> set[str]:
    """The names of all that was found at any time."""
    return {event.finding.name for event in station.told(Diagnosis)}


def test_in_a_good_call_nothing_is_found() -> None:
    anna, bob = call(Wire(0.030), 60)
    assert found(anna) == found(bob) == {} and not anna.told(Diagnosis) and not bob.told(Diagnosis)


@pytest.mark.parametrize("codec", ["G722", "opus", "L16"])
def test_nor_with_another_codec(codec: str) -> None:
    anna, bob = call(Wire(0.050), 40, {"codecs": (codec,)}, {"codecs": (codec,)})
    assert found(anna) == found(bob) == {}


def test_one_way_audio_is_told_at_both_ends() -> None:
    wire = Wire(0.030)
    wire.lose(rtp_from(BOB))
    anna, bob = call(wire)
    assert "no packet since the call began" in found(anna)["nothing-comes"].evidence
    assert "nothing-comes" not in found(bob)


def test_a_way_that_closes_in_mid_call() -> None:
    wire = Wire(0.030)
    anna, bob = call(wire)
    wire.lose(rtp_from(ANNA))
    wire.run(20)
    assert "nothing-comes" in found(bob) and "any more" in found(bob)["nothing-comes"].text
    assert found(anna)["they-hear-nothing"].severity == "bad"
    (begun,) = [told.finding for told in anna.told(Diagnosis) if told.finding.name == "they-hear-nothing"]
    assert begun.until_s is None and 20 <= begun.since_s <= 40
    assert "it worked before" in found(anna)["they-hear-nothing"].advice
    assert "it worked before" in found(bob)["nothing-comes"].advice
    here, there = bob.view().media, anna.view().media
    assert here is not None and here.here is None and here.history[-1].mos_here is None
    assert there is not None and there.there is None and there.history[-1].far_loss_percent is None
    assert there.rtcp.remote is not None and not there.rtcp.remote.of_now


def test_loss_is_told_by_who_loses() -> None:
    chance = random.Random(1)
    wire = bad_wire(lambda each: [] if each.source[0] == BOB and chance.random() < 0.05 else None)
    anna, bob = call(wire, 30, {"redundancy": 0}, {"redundancy": 0})
    assert "singly" in found(anna)["loss-here"].evidence and "loss-there" not in found(anna)
    assert "left on time" in found(bob)["loss-there"].evidence and "loss-here" not in found(bob)


def test_what_repetition_brings_back_is_no_bad_call() -> None:
    chance = random.Random(1)
    wire = bad_wire(lambda each: [] if each.source[0] == BOB and chance.random() < 0.05 else None)
    anna, _ = call(wire, 30, {"redundancy": 2}, {"redundancy": 2})
    assert "loss-mended" in found(anna) and "loss-here" not in found(anna)


def test_loss_in_runs_is_another_kind() -> None:
    sent = [0]

    def fate(datagram: Datagram) -> list[float] | None:
        sent[0] += datagram.source[0] == BOB
        return [] if datagram.source[0] == BOB and sent[0] % 80 < 4 else None

    anna, _ = call(bad_wire(fate), 30, {"redundancy": 0}, {"redundancy": 0})
    assert "in runs of 4.0" in found(anna)["loss-here"].evidence


def test_when_it_is_over_that_is_told_too() -> None:
    wire = Wire(0.030)
    chance = random.Random(1)
    losing = wire.rule(lambda each: [] if each.port_kind == "rtp" and chance.random() < 0.05 else None)
    anna, _ = call(wire, 20, {"redundancy": 0}, {"redundancy": 0})
    wire._rules.remove(losing)
    wire.run(30)
    assert found(anna) == {}
    over = [finding for finding in anna.view().findings_over if finding.name == "loss-here"]
    assert over and over[0].until_s is not None
    assert [told.finding.until_s is None for told in anna.told(Diagnosis) if told.finding.name == "loss-here"] == [
        True,
        False,
    ]


def test_packets_too_late_for_a_buffer_that_may_not_grow() -> None:
    chance = random.Random(2)
    wire = bad_wire(lambda each: [0.03 + chance.random() * 0.2])
    anna, _ = call(wire, 30, {"buffer_ms": (0.0, 60.0)})
    assert "may not grow" in found(anna)["late-packets"].text and "reordering" in found(anna)


def test_doubled_packets() -> None:
    anna, _ = call(bad_wire(lambda each: [0.03, 0.031]))
    assert set(found(anna)) == {"duplicates"}


def test_a_long_way() -> None:
    anna, _ = call(Wire(0.350))
    assert set(found(anna)) == {"long-round-trip"}


def test_no_reports() -> None:
    wire = Wire(0.030)
    wire.lose(lambda datagram: datagram.port_kind == "rtcp")
    anna, _ = call(wire, 45)
    assert set(found(anna)) == {"no-reports"}


def test_the_ack_that_never_comes() -> None:
    wire = Wire(0.030)
    wire.lose(is_sip("ACK"))
    _, bob = call(wire, 10)
    assert "we hang up in 2" in found(bob)["no-ack"].evidence


@pytest.mark.parametrize("codec", ["PCMU", "PCMA"])
def test_who_says_nothing_at_all(codec: str) -> None:
    anna, bob = call(Wire(0.030), 5, {"codecs": (codec,)}, {"codecs": (codec,)})
    bob.do(model.Mute(on=True))
    wire = bob.wire
    wire.run(30)
    assert set(found(anna)) == {"far-end-silent"} and found(bob) == {}


@pytest.mark.parametrize("holds", [ANNA, BOB])
def test_no_hold_and_no_end_of_one_is_taken_for_trouble(holds: str) -> None:
    """At all parts of a second, and so often that it would be seen."""
    anna, bob = call(Wire(0.030), 12)
    holder = anna if holds == ANNA else bob
    for number in range(12):
        holder.do(model.Hold(on=True))
        holder.wire.run(0.4 + 0.67 * number)
        holder.do(model.Hold(on=False))
        holder.wire.run(11.37)
    assert told(anna) == told(bob) == set()


@pytest.mark.parametrize("reports", [True, False])
@pytest.mark.parametrize(("speaks_s", "rests_s"), [(2.0, 0.6), (7.0, 2.0), (8.0, 6.0)])
def test_who_sends_nothing_while_nothing_is_said_does_not_starve(
    speaks_s: float, rests_s: float, reports: bool
) -> None:
    wire = Wire(0.030)
    Pausing(wire, BOB, lambda now: now % (speaks_s + rests_s) < speaks_s, reports)
    anna, _ = call(wire, 60)
    assert told(anna) - {"no-reports"} <= {"silence-suppression"}


@pytest.mark.parametrize("speaks_s", [2.0, 8.0])
def test_who_never_reports_may_be_silent_or_cut_off(speaks_s: float) -> None:
    """Without a word, at once in the first pause of the call."""
    wire = Wire(0.030)
    Pausing(wire, BOB, lambda now: now % 25 < speaks_s, reports=False)
    anna, _ = call(wire, 40)
    assert told(anna) - {"no-reports"} == {"silence-suppression", "no-packets"}
    (first, *_) = [event.finding for event in anna.told(Diagnosis) if event.finding.name == "no-packets"]
    assert first.severity == "warn" and "silent, or the way here is broken" in first.text


def test_a_long_pause_of_who_reports_that_nothing_was_sent() -> None:
    wire = Wire(0.030)
    Pausing(wire, BOB, lambda now: now < 1020 or now > 1100)
    anna, _ = call(wire, 95)
    assert set(found(anna)) == {"silence-suppression"}
    assert "their own reports" in found(anna)["silence-suppression"].evidence
    assert told(anna) <= {"silence-suppression", "nothing-comes"}


def test_who_reports_that_packets_were_sent_is_not_in_a_pause() -> None:
    wire = Wire(0.030)
    gateway = Pausing(wire, BOB, lambda now: now % 10 < 8)
    anna, _ = call(wire, 60)
    gateway.loses = True
    wire.run(14)
    assert "packets meanwhile, their own reports say" in found(anna)["nothing-comes"].evidence


def test_hold_is_no_trouble() -> None:
    anna, bob = call(Wire(0.030), 5)
    bob.do(model.Hold(on=True))
    bob.wire.run(20)
    assert found(anna) == found(bob) == {}


@pytest.fixture
def syllables(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, int], np.ndarray]:
    """People speak in syllables: the noise of this wire gets some."""
    noise = wire_module.voice

    def speak(seed: int, rate_hz: int) -> np.ndarray:
        said = noise(seed, rate_hz)
        lengths = np.random.default_rng(seed).integers(rate_hz // 10, rate_hz // 3, len(said) // (rate_hz // 10))
        loud = np.repeat(np.arange(len(lengths)) % 2 == 0, lengths)[: len(said)]
        return (said * np.where(loud, 1.0, 0.02)).astype(np.int16)

    monkeypatch.setattr(wire_module, "voice", speak)
    return speak


@pytest.mark.usefixtures("syllables")
def test_our_voice_comes_back() -> None:
    anna, bob = call(Wire(0.060), 30, None, {"echo": True})
    assert set(found(anna)) == {"echo"} and found(bob) == {}
    assert "0 dB softer" in found(anna)["echo"].evidence and "copied" in found(anna)["echo"].advice


@pytest.mark.parametrize("delay_s", [0.002, 0.030, 0.060])
def test_two_phones_that_play_the_same_are_no_echo(
    monkeypatch: pytest.MonkeyPatch, syllables: Callable[[int, int], np.ndarray], delay_s: float
) -> None:
    monkeypatch.setattr(wire_module, "voice", lambda seed, rate_hz: syllables(1, rate_hz))
    anna, bob = call(Wire(delay_s), 40)
    assert told(anna) == told(bob) == set()


def test_packets_from_another_port_than_the_sdp_says() -> None:
    wire = Wire(0.030)
    anna, bob = call(wire, 5)
    target, (host, port) = anna.view().media.local, bob.view().media.local
    wire.lose(rtp_from(BOB))
    for number in range(400):
        wire.inject(rtp.build(0, False, number, 160 * number, 7, bytes(160)), (host, port + 40), target)
        wire.run(0.02)
    assert found(anna)["other-source"].text.startswith("Packets come from another port of the same host")
    assert "does not name" in found(anna)["nothing-comes"].evidence


def test_a_stranger_who_sends_now_and_then_is_nothing_to_speak_of() -> None:
    wire = Wire(0.030)
    anna, _ = call(wire, 5)
    for _ in range(10):
        wire.inject(b"\x80" * 40, (STRANGER, 4000), anna.view().media.local)
        wire.run(2)
    assert "other-source" not in found(anna)


def test_a_stream_that_begins_anew_and_a_payload_type_nobody_knows() -> None:
    wire = Wire(0.030)
    anna, bob = call(wire, 5)
    source, target = bob.view().media.local, anna.view().media.local
    wire.lose(rtp_from(BOB))
    for number in range(400):
        kind = 77 if number > 20 and number % 2 else 0
        wire.inject(rtp.build(kind, False, number, 160 * number, 7, bytes(160)), source, target)
        wire.run(0.02)
    assert found(anna)["new-ssrc"].evidence == "SSRC changed once"
    assert "payload type 77" in found(anna)["unknown-payload"].evidence
    wire.run(25)
    assert "new-ssrc" not in found(anna)
    assert [over.until_s for over in anna.view().findings_over if over.name == "new-ssrc"] == [pytest.approx(36, abs=2)]


@pytest.mark.parametrize(("held_s", "every_s"), [(0.1, 0.5), (0.25, 3.0), (0.5, 9.0)])
def test_packets_that_are_held_back_and_then_come_at_once(held_s: float, every_s: float) -> None:
    def fate(datagram: Datagram) -> list[float] | None:
        if datagram.source[0] != BOB:
            return None
        into_s = datagram.sent_at % every_s
        return [0.03 + max(0.0, held_s - into_s)]

    anna, bob = call(bad_wire(fate), 40)
    assert "none of them got lost" in found(anna)["clumps"].evidence
    assert told(anna) <= {"clumps", "late-packets"} and told(bob) == set()


def test_a_machine_of_ours_that_stood_still_is_not_taken_for_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = Wire(0.030)
    wire.stamps = False  # all that came meanwhile seems to come at once
    anna, _ = call(wire, 15)
    with monkeypatch.context() as stopped:
        stopped.setattr(anna, "turn", lambda: None)
        wire.run(0.7)
    wire.run(2)
    assert anna.view().media.tx.worst_late_ms == pytest.approx(700, abs=30)
    wire.run(10)
    assert told(anna) == set()


@pytest.mark.parametrize("spread_s", [0.1, 0.2])
def test_packets_whose_delays_differ_are_another_matter(spread_s: float) -> None:
    chance = random.Random(3)
    anna, _ = call(bad_wire(lambda each: [0.03 + chance.random() * spread_s]), 40)
    assert not told(anna) & {"clumps", "loss-here"}


def test_one_packet_of_a_stranger_is_not_where_a_second_stream_comes_from() -> None:
    wire = Wire(0.030)
    anna, bob = call(wire, 5)
    source, target = bob.view().media.local, anna.view().media.local
    wire.inject(rtp.build(0, False, 0, 0, 9, bytes(160)), (STRANGER, 4000), target)
    for number in range(400):
        wire.inject(rtp.build(0, False, number, 160 * number, 7, bytes(160)), source, target)
        wire.run(0.02)
    assert anna.view().media.rx.foreign > 300 and "other-source" not in told(anna)


@pytest.mark.skipif(codecs.by_name("G722") is None, reason="G722 is not installed")
def test_who_speaks_pcmu_is_as_wide_as_that_though_we_send_g722() -> None:
    wire = Wire(0.030)
    anna, bob = call(wire, 5, {"codecs": ("G722", "PCMU")}, {"codecs": ("G722", "PCMU")})
    source, target = bob.view().media.local, anna.view().media.local
    wire.lose(rtp_from(BOB))
    law = codecs.make("PCMU", 8000)
    murmur = wire_module.voice(5, 8000)[: 160 * 200].reshape(-1, 160)
    for number in range(800):
        payload = law.encode(murmur[number % 200])
        wire.inject(rtp.build(0, False, number, 160 * number, 7, payload), source, target)
        wire.run(0.02)
    assert "other-codec" in told(anna) and "narrow-inside" not in told(anna)
    sound = anna.view().media.far_sound
    assert sound is not None and (sound.codec, sound.carries_hz) == ("PCMU", 4000.0)


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "L16"])
def test_sound_that_was_cut_off_is_too_loud_whatever_the_codec(monkeypatch: pytest.MonkeyPatch, codec: str) -> None:
    calm = wire_module.voice
    monkeypatch.setattr(
        wire_module, "voice", lambda seed, rate_hz: (calm(seed, rate_hz) * 9.0).clip(-32768, 32767).astype(np.int16)
    )
    anna, _ = call(Wire(0.030), 12, {"codecs": (codec,)}, {"codecs": (codec,)})
    assert "too-loud" in found(anna)
    monkeypatch.setattr(wire_module, "voice", calm)
    anna, _ = call(Wire(0.030), 12, {"codecs": (codec,)}, {"codecs": (codec,)})
    assert told(anna) == set()


def test_what_we_repeat_brings_back_there_what_gets_lost() -> None:
    chance = random.Random(1)
    wire = bad_wire(lambda each: [] if each.source[0] == ANNA and chance.random() < 0.05 else None)
    anna, _ = call(wire, 60, {"redundancy": 2}, {"redundancy": 2})
    assert {"loss-there-mended"} <= set(found(anna)) and "loss-there" not in told(anna)


def test_a_run_of_losses_long_ago_is_not_how_packets_get_lost_now() -> None:
    chance = random.Random(1)
    numbers = {"sent": 0}

    def fate(datagram: Datagram) -> list[float] | None:
        if datagram.source[0] != BOB:
            return None
        numbers["sent"] += 1
        if numbers["sent"] < 2000:
            return [] if numbers["sent"] % 100 < 10 else None
        return [] if chance.random() < 0.05 else None

    anna, _ = call(bad_wire(fate), 40, {"redundancy": 0}, {"redundancy": 0})
    assert "in runs of" in found(anna)["loss-here"].evidence
    anna.wire.run(35)
    assert "singly" in found(anna)["loss-here"].evidence


@pytest.mark.parametrize(
    ("sent_ms", "long_ms", "name"),
    [(30, 30, "other-ptime"), (24, 24, "other-ptime"), (24, 20, "far-end-starves"), (40, 20, "far-end-starves")],
)
def test_packets_of_another_length_or_too_few_of_them(sent_ms: int, long_ms: int, name: str) -> None:
    """It is known by what is in a packet, not by how often they come."""
    wire = Wire(0.030)
    anna, bob = call(wire, 5)
    source, target = bob.view().media.local, anna.view().media.local
    wire.lose(rtp_from(BOB))
    for number in range(20_000 // sent_ms):
        wire.inject(rtp.build(0, False, number, 8 * long_ms * number, 7, bytes(8 * long_ms)), source, target)
        wire.run(sent_ms / 1000)
    assert {"other-ptime", "far-end-starves"} & set(found(anna)) == {name}


def test_a_mark_that_was_lost_on_the_way() -> None:
    wire = Wire(0.030)
    anna = wire.station(ANNA)
    bob = wire.station(BOB, auto_answer=0.0)
    for station, mark in ((anna, 0), (bob, 0xB8)):
        for opened in station.net.sockets.values():
            opened.traffic_class = mark
    anna.do(model.Dial(bob.uri))
    wire.run(20)
    assert set(found(anna)) == {"unmarked"} and found(bob) == {}


def test_an_sdp_that_names_an_address_of_the_inner_network() -> None:
    wire = Wire(0.030)

    def lie(data: bytes) -> bytes:
        changed = data.replace(b"IN IP4 192.0.2.1", b"IN IP4 10.0.2.1")
        length = str(len(changed.partition(b"\r\n\r\n")[2])).encode()
        head, _, rest = changed.partition(b"Content-Length: ")
        return head + b"Content-Length: " + length + rest[rest.index(b"\r\n") :]

    wire.rewrite(is_sip("INVITE"), lie)
    _, bob = call(wire, 20)
    assert "media goes to 10.0.2.1, their SIP comes from 192.0.2.1" in found(bob)["private-address"].evidence
    assert "STUN" in found(bob)["nothing-comes"].advice


def test_an_answer_that_names_such_an_address_is_found_too() -> None:
    """It is as long as the true one."""
    wire = Wire(0.030)
    wire.rewrite(is_sip("200 INVITE"), lambda data: data.replace(b"IN IP4 192.0.2.2", b"IN IP4 10.10.2.2"))
    anna, _ = call(wire, 20)
    assert "their SIP comes from 192.0.2.2" in found(anna)["private-address"].evidence


def test_the_finding_goes_with_the_call_when_it_has_ended() -> None:
    wire = Wire(0.030)
    wire.lose(rtp_from(BOB))
    anna, _ = call(wire)
    anna.do(model.HangUp())
    wire.run(2)
    assert "nothing-comes" in found(anna)
