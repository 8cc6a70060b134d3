"""Two whole phones: the sound between them, its figures, and what a bad network or a stranger does to it."""

import itertools
import random
import re
import wave

import numpy as np
import pytest

from engine.io.wav import WavWriter
from engine.media import codecs, rtcp, rtp
from engine.model import (
    CallState,
    CaptureView,
    CommandError,
    Diagnosis,
    Dial,
    Dtmf,
    Ended,
    HangUp,
    Held,
    Hold,
    Log,
    Mute,
    Progress,
    SendDigits,
    SetCodecs,
    SetVoice,
    SetVolume,
    Stats,
)
from tests.wire import ANNA, BOB, STRANGER, Recording, Wire, is_from, is_sip, likeness, voice


def call(wire=None, anna=None, bob=None, seconds=2.0):
    """Anna has called Bob, who answers by himself; they have talked for some time."""
    wire = wire or Wire()
    one, other = wire.station(ANNA, **(anna or {})), wire.station(BOB, **{"auto_answer": 0, **(bob or {})})
    one.do(Dial(other.uri))
    wire.run(seconds)
    return wire, one, other


def media_lines(station):
    """What the log says of the sound."""
    return [event.line.text for event in station.told(Log) if event.line.source == "media"]


def findings(station):
    """The names of what is the matter now; the packets of this wire bear no mark."""
    return [finding.name for finding in station.view().findings]


def rtp_of(wire, host):
    """The RTP packets a host has sent."""
    return [rtp.parse(sent.data) for sent in wire.sent if sent.port_kind == "rtp" and sent.source[0] == host]


# ---------------------------------------------------------------------- formats


CODECS = [("PCMU", 8000), ("PCMA", 8000), ("L16/16000", 16000), ("L16/44100/2", 44100)]


@pytest.mark.parametrize("codec, rate_hz", CODECS)
def test_every_codec_carries_the_sound(codec, rate_hz):
    _, anna, bob = call(anna={"codecs": (codec,)}, seconds=3)
    assert anna.view().media.codec == codec.partition("/")[0] and anna.view().media.clock_rate_hz == rate_hz
    assert anna.hears(bob, rate_hz) and bob.hears(anna, rate_hz)


@pytest.mark.parametrize("codec, clock_rate, rate_hz", [("G722", 8000, 16000), ("opus", 48000, 48000)])
def test_codecs_whose_clock_is_not_their_rate_or_that_have_parameters(codec, clock_rate, rate_hz):
    wire, anna, _ = call(anna={"codecs": (codec,)}, bob={"codecs": (codec,)}, seconds=3)
    media = anna.view().media
    assert (media.codec, media.clock_rate_hz, media.sample_rate_hz, media.channels) == (codec, clock_rate, rate_hz, 1)
    assert media.rx.packets > 140 and media.rx.lost == media.rx.late == media.rx.discarded == 0
    steps = {(b.timestamp - a.timestamp) % 2**32 for a, b in itertools.pairwise(rtp_of(wire, ANNA))}
    assert steps == {clock_rate // 50}
    assert media.level_in.rms_dbfs > -40 and media.rx.jitter_ms < 1


def test_a_muted_microphone_costs_hardly_a_packet_where_silence_is_suppressed():
    wire, anna, bob = call(anna={"silence_suppression": True})
    anna.do(Mute(True))
    wire.run(1)
    before = len(rtp_of(wire, ANNA))
    wire.run(6)
    assert 3 <= len(rtp_of(wire, ANNA)) - before <= 8
    assert np.abs(bob.heard(last_s=1)).max() < 3
    assert {told.finding.name for told in bob.told(Diagnosis)} == {"silence-suppression"}


@pytest.mark.parametrize("ptime_ms", [10, 20, 30, 40, 50, 60])
def test_every_ptime(ptime_ms):
    wire, anna, bob = call(anna={"ptime_ms": ptime_ms}, seconds=4)
    assert anna.hears(bob) and bob.hears(anna)
    assert {len(packet.payload) for host in (ANNA, BOB) for packet in rtp_of(wire, host)} == {8 * ptime_ms}


def test_packets_are_as_long_as_was_agreed_after_a_hold_from_the_other_side():
    wire, _, bob = call(anna={"ptime_ms": 60}, seconds=2)
    for _ in range(2):
        bob.do(Hold())
        wire.run(1)
    before = len(rtp_of(wire, ANNA)), len(rtp_of(wire, BOB))
    wire.run(2)
    after = [*rtp_of(wire, ANNA)[before[0] :], *rtp_of(wire, BOB)[before[1] :]]
    assert len(after) > 50 and {len(packet.payload) for packet in after} == {480}


@pytest.mark.parametrize("here, there", [(10, 60), (60, 10), (20, 30)])
def test_ptimes_that_differ(here, there):
    _, anna, bob = call(anna={"ptime_ms": here}, bob={"ptime_ms": there}, seconds=4)
    assert anna.hears(bob) and bob.hears(anna)


def test_no_codec_in_common():
    wire, anna, bob = call(anna={"codecs": ("PCMU",)}, bob={"codecs": ("PCMA",)})
    assert wire.sip("488 INVITE") and anna.exit_codes() == [15]
    assert anna.rests() and bob.rests()


NAMED = "bob.test."  # as long as Bob's address


def named(data):
    """Bob's SDP with a host name (RFC 8866 section 5.7) in place of his address."""
    return data.replace(f"c=IN IP4 {BOB}".encode(), f"c=IN IP4 {NAMED}".encode())


def test_sound_begins_to_flow_when_the_host_of_the_sdp_is_known():
    wire = Wire()
    wire.names[NAMED] = BOB
    wire.rewrite(is_from(BOB, is_sip("200 INVITE")), named)
    anna, bob = wire.station(ANNA), wire.station(BOB, auto_answer=0)
    anna.resolver.slow = True
    anna.do(Dial(bob.uri))
    wire.run(3)
    assert anna.resolver.asked == [NAMED] and not rtp_of(wire, ANNA) and anna.view().media.remote[0] == NAMED
    anna.resolver.answer()
    wire.run(8)
    assert anna.hears(bob) and bob.hears(anna) and bob.view().media.rtcp.remote is not None
    assert anna.view().media.remote[0] == BOB and media_lines(anna)[0].endswith(f"{NAMED} is {BOB}")
    anna.do(HangUp())
    wire.run(1)
    assert anna.rests() and bob.rests()


def test_a_call_that_begins_on_hold_says_so_at_once():
    def held(data):
        return data.replace(b"a=sendrecv\r\n", b"").replace(b"m=audio", b"a=sendonly\r\nm=audio")

    wire = Wire()
    wire.rewrite(is_from(ANNA, is_sip("INVITE")), held)
    _, _, bob = call(wire, seconds=2)
    assert [event.call.held_there for event in bob.told(Held)] == [True]
    assert bob.view().state is CallState.HELD


def test_a_host_of_the_sdp_that_nobody_knows_is_found_wrong():
    wire = Wire()
    wire.rewrite(is_from(BOB, is_sip("200 INVITE")), named)
    _, anna, _ = call(wire, seconds=4)
    assert "unknown-host" in findings(anna) and media_lines(anna)[0].endswith("no such name")


def test_a_host_that_is_known_when_the_call_is_over_is_nobody_s_matter():
    wire = Wire()
    wire.rewrite(is_from(BOB, is_sip("200 INVITE")), named)
    anna, bob = wire.station(ANNA), wire.station(BOB, auto_answer=0)
    anna.resolver.slow = True
    anna.do(Dial(bob.uri))
    wire.run(1)
    anna.do(HangUp())
    wire.run(1)
    anna.resolver.answer()
    wire.run(1)
    assert anna.rests() and not media_lines(anna)


def test_the_first_packet_leaves_with_the_ack_on_both_sides():
    wire, _, _ = call(Wire(0.02), seconds=0.2)
    ack = wire.sip("ACK")[0]
    first = {}
    for sent in wire.sent:
        if sent.port_kind == "rtp":
            first.setdefault(sent.source[0], sent.sent_at)
    assert first[ANNA] == ack.sent_at
    assert first[BOB] == ack.sent_at + 0.02  # not before: an INVITE with a forged address must not make us send


def test_timestamps_and_numbers_go_up_evenly_and_the_marker_comes_once():
    wire, _, _ = call(seconds=3)
    packets = rtp_of(wire, ANNA)
    assert [packet.marker for packet in packets] == [True] + [False] * (len(packets) - 1)
    assert {(b.timestamp - a.timestamp) % 2**32 for a, b in itertools.pairwise(packets)} == {160}
    assert {(b.sequence - a.sequence) % 2**16 for a, b in itertools.pairwise(packets)} == {1}


def test_hold_and_mute_send_silence_and_the_far_end_hears_it():
    wire, anna, bob = call()
    anna.do(Mute(True))
    wire.run(1.5)
    assert not bob.hears(anna) and np.abs(bob.heard(last_s=1)).max() < 100
    assert anna.hears(bob)
    anna.do(Mute(False))
    wire.run(1.5)
    assert bob.hears(anna)


def test_volume_is_of_the_ear_alone():
    wire, anna, bob = call(seconds=3)
    before = np.abs(anna.heard(last_s=1)).mean()
    anna.do(SetVolume(-20))
    wire.run(2)
    assert np.abs(anna.heard(last_s=1)).mean() == pytest.approx(before / 10, rel=0.2)
    assert bob.hears(anna)


def test_echo_sends_back_what_it_hears():
    _, anna, _ = call(bob={"echo": True}, seconds=3)
    assert anna.hears(anna)


def test_another_codec_by_reinvite():
    """Bob may have another codec from now on; putting a call on hold and taking it back offers it."""
    wire, anna, bob = call(anna={"record": "far.wav"})
    ssrc = rtp_of(wire, BOB)[0].ssrc
    bob.do(SetCodecs(("L16/16000",)))
    for _ in range(2):
        bob.do(Hold())
        wire.run(2)
    assert anna.view().media.codec == bob.view().media.codec == "L16"
    assert anna.hears(bob, 16000) and bob.hears(anna, 16000)
    assert {packet.ssrc for packet in rtp_of(wire, BOB)} == {ssrc}
    assert len(anna.sound.open_microphones) == len(bob.sound.open_microphones) == 1
    recorded = np.concatenate(anna.recordings[0].frames)
    assert anna.recordings[0].rate_hz == 8000 and len(recorded) == pytest.approx(6 * 8000, abs=400)
    assert likeness(recorded[-8000:], voice(bob.sound.seed, 16000)[::2]) > 0.8
    anna.do(HangUp())
    wire.run(1)
    assert anna.rests() and bob.rests()


def test_early_media_are_heard_counted_and_told():
    """Bob answers with 183: his sound comes before he takes the call."""
    wire = Wire()
    anna, bob = wire.station(ANNA), wire.station(BOB)
    anna.do(Dial(bob.uri))
    wire.run(0.1)
    ports = bob.phone._pool.take()
    bob.phone._agent.progress(1, bob.phone._local_audio(ports), wire.now)
    bob.turn()
    wire.run(0.1)
    assert wire.sip("183 INVITE") and anna.view().early_media
    assert [(event.status, event.call.early_media) for event in anna.told(Progress)] == [(180, False), (183, True)]
    tone = voice(bob.sound.seed, 8000)
    for number in range(200):
        payload = codecs.make("PCMU", 8000, 1).encode(tone[160 * number : 160 * (number + 1)])
        ports.rtp.send(rtp.build(0, number == 0, number, 160 * number, 7, payload), anna.view().media.local)
        wire.run(0.02)
    assert anna.hears(bob) and anna.view().state is CallState.PROGRESS
    assert len(anna.told(Stats)) == 4
    assert not rtp_of(wire, ANNA)


# ---------------------------------------------------------------------- digits


def test_digits_both_ways():
    wire, anna, bob = call()
    anna.do(SendDigits("12*#A"))
    bob.do(SendDigits("99"))
    wire.run(3)
    assert [event.digit for event in bob.told(Dtmf)] == list("12*#A")
    assert [event.digit for event in anna.told(Dtmf)] == ["9", "9"]
    assert (anna.view().digits_sent, anna.view().digits_received) == ("12*#A", "99")
    assert all(40 <= event.duration_ms <= 200 for event in bob.told(Dtmf))
    wire.run(1.5)
    assert anna.hears(bob) and bob.hears(anna)


def test_more_digits_than_can_wait_are_refused_whole_and_for_the_right_reason():
    _, anna, _ = call()
    anna.do(SendDigits("1" * 100))
    with pytest.raises(CommandError, match="too many digits at once"):
        anna.do(SendDigits("2" * 100))
    assert anna.view().digits_sent == "1" * 64  # the newest are shown


# ---------------------------------------------------------------------- RTCP


def test_the_round_trip_is_that_of_the_wire_on_both_sides():
    _, anna, bob = call(Wire(0.04), seconds=15)
    for station in (anna, bob):
        rtcp = station.view().media.rtcp
        assert rtcp.rtt_ms == pytest.approx(80, abs=2)
        assert rtcp.sr_sent >= 2 and rtcp.sr_received >= 2
    assert anna.view().media.rtcp.cname != bob.view().media.rtcp.cname


def test_the_round_trip_is_that_of_the_wire_though_we_stood_still():
    """RFC 3550 6.4.1: it is measured to the arrival of the report, and the delay we tell of from that of theirs."""
    wire, anna, bob = call(Wire(0.04), seconds=8)
    anna.turn = lambda: None
    wire.run(9)
    del anna.turn
    wire.run(0.1)
    for station in (anna, bob):
        assert station.view().media.rtcp.rtt_ms == pytest.approx(80, abs=2)


def test_what_the_far_end_reports_is_kept_apart_from_what_we_see():
    wire = Wire()
    count = 0

    def every_tenth_of_anna(datagram):
        nonlocal count
        if datagram.port_kind == "rtp" and datagram.source[0] == ANNA:
            count += 1
            return [] if count % 10 == 0 else None
        return None

    wire.rule(every_tenth_of_anna)
    _, anna, bob = call(wire, seconds=20)
    assert anna.view().media.rtcp.remote.loss_percent == pytest.approx(10, abs=2)
    assert anna.view().media.rx.lost == 0
    assert bob.view().media.rx.loss_percent == pytest.approx(10, abs=2)
    assert bob.view().media.rtcp.remote.lost == 0


def test_the_last_report_says_bye_and_tells_of_the_whole_call():
    wire, anna, bob = call(Wire(0.03), seconds=3.2)  # too short for a second report
    anna.do(HangUp())
    wire.run(1)
    assert anna.view().media.rtcp.bye_sent == bob.view().media.rtcp.bye_sent == 1
    assert anna.view().media.rtcp.bye_received == 1
    assert anna.view().media.rtcp.rtt_ms == pytest.approx(60, abs=2)
    assert anna.view().media.rtcp.remote.age_s < 1.1


# ---------------------------------------------------------------------- our own microphone


def test_a_dead_microphone_is_said_once_and_not_while_it_does_not_matter():
    wire, anna, _ = call()
    anna.do(Mute(True))
    for second in range(8):
        anna.sound.capture = CaptureView(seconds=second, still_s=second)
        wire.run(1)
    assert findings(anna) == [] and anna.view().media.microphone.trouble == ""
    anna.do(Mute(False))
    wire.run(3)
    assert findings(anna) == ["microphone"]
    assert anna.view().findings[0].evidence.startswith("the microphone gives nothing but digital silence")
    assert anna.view().media.microphone.trouble == "digital silence"
    anna.sound.capture = CaptureView(seconds=12)
    wire.run(4)
    assert findings(anna) == []


def test_the_floor_of_what_is_sent_is_known_after_seconds():
    _, anna, _ = call(seconds=4)
    heard = anna.view().media.microphone
    assert heard.noise_floor_dbfs is not None and heard.noise_floor_dbfs <= anna.view().media.level_out.peak_hold_dbfs
    assert (heard.clipped, heard.trouble) == (0, "")


# ---------------------------------------------------------------------- when packets are fetched


@pytest.mark.parametrize("stamps", [True, False])
def test_nobody_wakes_up_for_packets_whose_arrival_is_noted(stamps):
    wire = Wire(0.013)
    wire.stamps = stamps
    _, anna, bob = call(wire, seconds=2)
    assert [socket.kind for socket in anna.net.readers] == (["sip", "rtcp"] if stamps else ["sip", "rtp", "rtcp"])
    turns = 0
    read = anna.net.read

    def counted(now):
        nonlocal turns
        turns += 1
        read(now)

    anna.net.read = counted
    wire.run(4)
    assert anna.hears(bob) and bob.hears(anna)
    assert anna.view().media.rx.packets_per_second == 50
    assert turns < 4 * 54 if stamps else turns > 4 * 96


@pytest.mark.parametrize("stamps", [True, False])
def test_a_late_turn_of_ours_is_no_jitter_of_theirs(stamps):
    wire = Wire()
    wire.stamps = stamps
    _, anna, _ = call(wire, seconds=2)
    for number in range(40):  # the machine does something else for a while, ten times a second
        anna.turn = lambda: None
        wire.run(0.005 + 0.0007 * number)
        del anna.turn
        wire.run(0.085)
    jitter_ms = anna.view().media.rx.jitter_ms
    assert jitter_ms < 0.5 if stamps else jitter_ms > 1.5


@pytest.mark.parametrize("seed", range(4))
def test_what_no_ear_waits_for_is_heard_together_and_the_same(seed):
    def outcome(is_heard):
        chance = random.Random(seed)

        def fate(datagram):
            if datagram.port_kind != "rtp":
                return None
            return [] if chance.random() < 0.05 else [0.01 + 0.05 * chance.random()]

        wire = Wire()
        _, anna, bob = call(wire, bob={"record": "/b.wav"}, seconds=1)
        anna.sound.is_heard = bob.sound.is_heard = is_heard
        wire.run(0.03)
        before, looked = len(bob.sound.played), []
        wire.rule(fate)
        for _ in range(50):
            wire.run(0.073)
            looked.append(bob.view().media.rx)
        frames = bob.sound.played[before:]
        moments_a_frame = len({at for at, _, _ in frames}) / len(frames)
        bob.do(HangUp())
        wire.run(1)
        return (
            looked,
            [event.call.media.rx for event in bob.told(Ended)],
            np.concatenate(bob.recordings[0].frames),
            moments_a_frame,
        )

    looks, ends, recorded, moments_alone = outcome(True)
    other_looks, other_ends, other_recorded, moments_together = outcome(False)
    assert looks == other_looks and ends == other_ends
    assert np.array_equal(recorded, other_recorded)
    assert moments_alone == 1 and moments_together < 0.5


def test_what_is_heard_later_is_heard_as_soon_as_somebody_listens_or_asks():
    wire, _, bob = call(seconds=1.013)
    bob.do(Mute(True))  # any command: the phone it finds is up to date
    assert wire.now - bob.sound.played[-1][0] < 0.02
    bob.sound.is_heard = True
    wire.run(0.021)
    played = len(bob.sound.played)
    wire.run(0.2)
    assert len({at for at, _, _ in bob.sound.played[played:]}) == 10


def send_as(wire, host, to, payload_type, payloads):
    """These leave at once from the host's port of sound, as its next packets; all of one timestamp, as digits are."""
    latest = rtp_of(wire, host)[-1]
    for number, payload in enumerate(payloads, latest.sequence + 1):
        packet = rtp.build(payload_type, False, number & 0xFFFF, latest.timestamp + 160, latest.ssrc, payload)
        wire.inject(packet, to.view().media.remote, to.view().media.local)
    wire.run(0)


@pytest.mark.parametrize("ends", ["they", "we"])
@pytest.mark.parametrize("echo", [True, False])
@pytest.mark.parametrize("stamps", [True, False])
@pytest.mark.parametrize("phase_ms", [5, 9, 16, 65])
def test_what_came_since_the_last_tick_counts_when_the_call_ends(ends, echo, stamps, phase_ms):
    wire = Wire(0.001)
    wire.stamps = stamps
    _, anna, bob = call(wire, bob={"echo": echo}, seconds=1 + phase_ms / 1000)
    sent = len(rtp_of(wire, ANNA))
    send_as(wire, ANNA, bob, 0, [bytes(160)] * 20)
    (anna if ends == "they" else bob).do(HangUp())
    wire.run(1)
    assert bob.told(Ended)[0].call.media.rx.packets == sent + 20


@pytest.mark.parametrize("ends", ["they", "we"])
@pytest.mark.parametrize("echo", [True, False])
@pytest.mark.parametrize("whole", [True, False])
def test_a_digit_that_has_begun_is_told_before_the_end_of_the_call(ends, echo, whole):
    """RFC 4733 2.5.2.2: who hears no end makes one."""
    wire, anna, bob = call(Wire(0.001), bob={"echo": echo}, seconds=1.009)
    going = [bytes((5, 10, 0, 160)), bytes((5, 10, 1, 64))]
    send_as(wire, ANNA, bob, 101, going + [bytes((5, 0x8A, 1, 224))] * 3 if whole else going)
    (anna if ends == "they" else bob).do(HangUp())
    wire.run(1)
    assert [(event.digit, event.duration_ms) for event in bob.told(Dtmf)] == [("5", 60 if whole else 40)]
    assert bob.told(Ended)[0].call.digits_received == "5"
    kinds = [type(event) for event in bob.told(object)]
    assert kinds.index(Dtmf) < kinds.index(Ended)


@pytest.mark.parametrize("is_heard", [True, False])
@pytest.mark.parametrize("phase_ms", [0, 20, 40, 60, 80])
def test_a_digit_right_before_the_far_end_hangs_up_is_told(is_heard, phase_ms):
    wire, anna, bob = call(seconds=1 + phase_ms / 1000)
    bob.sound.is_heard = is_heard
    anna.do(SendDigits("5"))
    wire.run(0.17)
    anna.do(HangUp())
    wire.run(1)
    assert [event.digit for event in bob.told(Dtmf)] == ["5"]
    assert bob.told(Ended)[0].call.digits_received == "5"


@pytest.mark.parametrize("phase_ms", [0, 20, 40, 60, 80])
def test_a_long_digit_with_a_hole_lasts_as_long_when_it_is_heard_later(phase_ms):
    def told(is_heard):
        wire, anna, bob = call(seconds=1 + phase_ms / 1000)
        bob.sound.is_heard = is_heard
        events = iter(range(1000))

        def fate(datagram):
            if datagram.port_kind != "rtp" or datagram.source[0] != ANNA or datagram.data[1] & 0x7F != 101:
                return None
            return [] if next(events) in range(3, 8) else None

        wire.rule(fate)
        anna.do(SendDigits("5"))
        wire.run(1)
        return [(event.digit, event.duration_ms) for event in bob.told(Dtmf)]

    assert told(True) == told(False)


@pytest.mark.parametrize("is_heard", [True, False])
def test_a_flood_at_our_port_of_sound_takes_no_sound_away(is_heard):
    wire, _, bob = call(seconds=1)
    bob.sound.is_heard = is_heard
    noise = rtp.build(0, False, 1, 1, 99, bytes(160))
    for _ in range(500):  # 10,000 a second
        for _ in range(20):
            wire.inject(noise, (STRANGER, 4000), bob.view().media.local)
        wire.run(0.002)
    rx = bob.view().media.rx
    assert rx.packets >= 98 and rx.lost == 0 and rx.concealed_ms == 0


def test_nothing_is_kept_that_comes_after_the_end():
    wire = Wire()
    wire.stamps = False
    _, _, bob = call(wire, seconds=1)
    session, address = bob.phone._calls[1].media, bob.view().media.local
    wire.lose(is_sip("BYE"))
    bob.do(HangUp())
    foreign = session.view(wire.now).rx.foreign
    for _ in range(50):
        wire.inject(b"junk", (STRANGER, 4000), address)
        wire.run(0.005)
    assert not session._came and session.view(wire.now).rx.foreign == foreign


# ---------------------------------------------------------------------- a bad network


def test_a_network_that_stands_still_for_a_minute():
    wire, anna, bob = call(seconds=3)
    cut = wire.lose(lambda datagram: True)
    wire.run(60)
    assert anna.view().state is CallState.TALKING
    assert anna.view().media.rx.packets_per_second == 0
    assert "nothing-comes" in findings(anna)
    wire.mend(cut)
    wire.run(4)
    assert "nothing-comes" not in findings(anna)
    assert anna.view().state is bob.view().state is CallState.TALKING
    assert anna.hears(bob) and bob.hears(anna)
    anna.do(HangUp())
    wire.run(1)
    assert anna.rests() and bob.rests()


def test_who_is_on_hold_misses_nothing():
    wire, anna, bob = call(seconds=3)
    anna.do(Hold(None, True))
    wire.run(10)
    anna.do(Hold(None, False))
    wire.run(10)
    assert media_lines(anna) == media_lines(bob) == []


def held_the_old_way(data):
    """A re-INVITE to hold, without an address in place of a direction (RFC 3264 section 8.4)."""
    assert b"a=sendonly" in data
    data = data.replace(b"a=sendonly\r\n", b"").replace(f"c=IN IP4 {BOB}".encode(), b"c=IN IP4 0.0.0.0")
    return re.sub(rb"(?<=Content-Length: )\d+", b"%d" % len(data.partition(b"\r\n\r\n")[2]), data)


def test_music_is_heard_and_nothing_is_lost_where_they_hold_the_old_way():
    wire, anna, bob = call(seconds=3)
    rule = wire.rewrite(is_from(BOB, is_sip("INVITE")), held_the_old_way)
    bob.do(Hold(None, True))
    bob.phone._calls[1].media.hold_here(False, wire.now)  # he sings himself
    wire.run(8)
    assert anna.view().held_there and anna.view().media.direction == "recvonly" and anna.hears(bob)
    assert anna.view().media.rtcp.sr_received > 1
    wire.mend(rule)
    bob.do(Hold(None, False))
    wire.run(3)
    rx = anna.view().media.rx
    assert rx.lost == rx.foreign == 0 and rx.packets == pytest.approx(50 * 14, abs=10)
    assert anna.hears(bob) and bob.hears(anna) and findings(anna) == []


def test_a_far_end_that_vanishes_shows_and_hanging_up_ends():
    wire, anna, bob = call(seconds=3)
    wire.stations.remove(bob)  # killed: no BYE, and nobody is there any more
    wire.run(10)
    media = anna.view().media
    assert anna.view().state is CallState.TALKING
    assert media.rx.packets_per_second == 0 and media.tx.packets_per_second == 50
    assert all(point.loss_percent in (None, 0, 100) for point in media.history[-5:])
    anna.do(HangUp())
    wire.run(33)
    assert anna.exit_codes() == [0] and anna.rests()


def test_a_process_that_stood_still_sends_no_flood():
    wire, anna, bob = call(seconds=3)
    wire.stations.remove(anna)
    wire.run(10)
    wire.stations.append(anna)
    before = len(rtp_of(wire, ANNA))
    wire.run(1)
    assert len(rtp_of(wire, ANNA)) - before <= 65
    assert any("stood still" in event.line.text for event in anna.told(Log))
    stamps = [packet.timestamp for packet in rtp_of(wire, ANNA)]
    assert (stamps[-1] - stamps[0]) % 2**32 == pytest.approx(8000 * 14, abs=4000)
    wire.run(2)
    assert anna.hears(bob) and bob.hears(anna)


def test_reordered_doubled_and_late_packets_are_heard_in_order():
    wire = Wire()
    count = 0

    def fate(datagram):
        nonlocal count
        if datagram.port_kind != "rtp":
            return None
        count += 1
        return [0.035] if count % 7 == 0 else [0.01, 0.01] if count % 11 == 0 else None

    wire.rule(fate)
    _, anna, bob = call(wire, seconds=8)
    rx = bob.view().media.rx
    assert rx.reordered > 10 and rx.duplicate > 10 and rx.lost <= 0
    assert likeness(bob.heard(last_s=1), voice(anna.sound.seed, 8000)) > 0.8


# ---------------------------------------------------------------------- strangers


def test_packets_of_a_stranger_are_counted_and_not_heard():
    wire, anna, bob = call()
    noise = rtp.build(0, False, 1, 1, 99, bytes(range(160)))
    for _ in range(100):
        wire.inject(noise, (STRANGER, 4000), anna.view().media.local)
        wire.run(0.02)
    assert anna.view().media.rx.foreign == 100
    assert anna.hears(bob) and bob.hears(anna)


@pytest.mark.parametrize("source", [(STRANGER, 10001), (BOB, 4000)])
def test_reports_of_a_stranger_are_counted_and_not_believed(source):
    """Whatever SSRCs they bear: else anybody could have each packet sent three times."""
    wire, anna, _ = call(anna={"codecs": ("opus",)}, bob={"codecs": ("opus",)}, seconds=8)
    before = anna.view().media
    ours, theirs = rtp_of(wire, ANNA)[-1].ssrc, rtp_of(wire, BOB)[-1].ssrc
    block = rtcp.ReportBlock(ours, 128, 5000, 10_000, 9_000, 0, 0)
    forged = rtcp.build([rtcp.ReceiverReport(theirs, (block,)), rtcp.cname_description(theirs, "forged")])
    for _ in range(10):
        wire.inject(forged, source, before.local_rtcp)
        wire.run(0.5)
    after = anna.view().media
    assert after.rx.foreign == 10 and after.tx.redundancy == before.tx.redundancy
    assert after.rtcp.cname == before.rtcp.cname and after.rtcp.remote.lost == 0


def test_another_ssrc_from_the_right_address_is_counted_and_not_heard():
    wire, anna, bob = call()
    local, remote = anna.view().media.local, anna.view().media.remote
    for number in range(0, 200, 2):  # never two in order
        wire.inject(rtp.build(0, False, number, number * 160, 99, b"\x80" * 160), remote, local)
        wire.run(0.02)
    assert anna.view().media.rx.foreign == 100
    assert anna.hears(bob)


def test_garbage_on_every_port_ends_nothing():
    wire, anna, bob = call()
    for size in range(0, 60):
        for port in (5060, 10000, 10001):
            wire.inject(bytes(range(size)), (BOB, port), (ANNA, port))
        wire.run(0.02)
    wire.run(1.5)
    assert anna.hears(bob) and anna.view().state is CallState.TALKING


def test_a_flood_of_sip_waits_while_a_packet_is_due():
    """Design section 9, number 12: media first, and SIP work per turn bounded."""
    wire, anna, _ = call()
    sip = anna.net.sockets[ANNA, 5060]
    read = anna.net.readers[sip]
    flood = [(b"garbage", (STRANGER, 9), wire.now)] * 1000
    wire.run(anna.phone.ticks.next_packet() - wire.now - 0.001)  # a packet is due in a millisecond
    sip.inbox.extend(flood)
    read(wire.now)
    assert len(sip.inbox) == 1000
    sip.inbox.clear()
    wire.run(0.005)  # it has left: the next one is far away
    sip.inbox.extend(flood)
    read(wire.now)
    assert 900 <= len(sip.inbox) < 1000


# ---------------------------------------------------------------------- recordings


def test_a_recording_is_of_the_far_end_and_a_stereo_one_has_us_on_the_left(tmp_path):
    names = {"record": str(tmp_path / "far.wav"), "record_stereo": str(tmp_path / "both.wav")}
    wire, anna, bob = call(anna={**names, "open_writer": WavWriter}, seconds=4)
    for _ in range(2):  # in the middle of the call, and after it
        mono, both = pcm(names["record"], 1), pcm(names["record_stereo"], 2)
        assert likeness(mono[-8000:, 0], voice(bob.sound.seed, 8000)) > 0.9
        assert likeness(both[-8000:, 0], voice(anna.sound.seed, 8000)) > 0.9
        assert likeness(both[-8000:, 1], voice(bob.sound.seed, 8000)) > 0.9
        anna.do(HangUp()) if anna.view().state is CallState.TALKING else None
        wire.run(1)
    assert len(mono) == len(both) == pytest.approx(32000, abs=400)


def pcm(path, channels):
    with wave.open(path) as file:
        assert (file.getnchannels(), file.getframerate()) == (channels, 8000)
        return np.frombuffer(file.readframes(10**7), "<i2").reshape(-1, channels)


def test_further_calls_have_numbered_recordings():
    wire, anna, bob = call(anna={"record": "far.wav"})
    anna.do(HangUp())
    wire.run(1)
    anna.do(Dial(bob.uri))
    wire.run(2)
    assert [recording.path for recording in anna.recordings] == ["far.wav", "far-2.wav"]
    assert [recording.closed for recording in anna.recordings] == [True, False]
    assert anna.view().recording == "far-2.wav"


def test_no_call_is_recorded_over_another_whatever_the_files_are_called():
    wire, anna, bob = call(anna={"record": "far.wav", "record_stereo": "far-2.wav"})
    for _ in range(2):
        anna.do(HangUp())
        wire.run(1)
        anna.do(Dial(bob.uri))
        wire.run(2)
    paths = [recording.path for recording in anna.recordings]
    assert len(set(paths)) == 6 and paths[:2] == ["far.wav", "far-2.wav"], paths


def test_a_recording_that_cannot_be_opened_ends_nothing():
    def cannot(path, rate_hz, channels):
        raise OSError("far.wav: no space")

    _, anna, bob = call(anna={"record": "far.wav", "open_writer": cannot}, seconds=3)
    assert any("no space" in event.line.text for event in anna.told(Log))
    assert anna.hears(bob) and anna.view().recording is None


def test_a_recording_that_cannot_go_on_is_said_once_and_shown_no_more():
    wire, anna, bob = call(anna={"record": "far.wav"}, seconds=3)
    assert anna.view().recording == "far.wav"
    anna.recordings[0].failed = "far.wav: no space"
    wire.run(2)
    assert media_lines(anna) == ["recording stopped: far.wav: no space"]
    assert anna.hears(bob) and anna.view().recording is None


def test_a_recording_whose_end_cannot_be_written_is_said():
    class Full(Recording):
        def close(self):
            super().close()
            self.failed = "far.wav: no space"

    wire, anna, _ = call(anna={"record": "far.wav", "open_writer": Full})
    anna.do(HangUp())
    wire.run(1)
    assert media_lines(anna) == ["recording stopped: far.wav: no space"]


def test_what_nobody_is_sent_is_neither_recorded_nor_shown_as_a_level():
    wire, anna, bob = call(anna={"record_stereo": "both.wav"})
    assert anna.view().media.level_out.rms_dbfs > -60
    bob.do(Hold())
    wire.run(1)
    assert anna.view().media.direction == "recvonly"
    left = np.concatenate(anna.recordings[0].frames).reshape(-1, 2)[:, 0]
    assert left[8000:12000].any() and not left[-4000:].any()
    assert anna.view().media.level_out.rms_dbfs == -96
    bob.do(Hold())
    wire.run(1)
    assert bob.hears(anna, last_s=0.5) and anna.view().media.level_out.rms_dbfs > -60


# ---------------------------------------------------------------------- looking


def test_looking_changes_nothing():
    """The same calls, one of them looked at all the time: the same bytes at the same moments."""

    def story(looks):
        wire = Wire()
        anna, bob = wire.station(ANNA), wire.station(BOB, auto_answer=1)
        for step in (Dial(bob.uri), SendDigits("5"), Hold(), Hold(), HangUp()):
            if not isinstance(step, Dial):
                wire.run(1.5)
            anna.do(step)
            for _ in range(looks):
                for station in (anna, bob):
                    station.phone.snapshot(wire.now)
            wire.run(0.7)
        return [(sent.sent_at, sent.data) for sent in wire.sent], anna.heard().tobytes()

    assert story(0) == story(200)


def test_history_grows_by_a_point_a_second():
    _, anna, _ = call(seconds=10.5)
    assert len(anna.view().media.history) == 10
    assert anna.view().media.history[-1].in_dbfs > -40
    assert len(anna.told(Stats)) == 10


# ---------------------------------------------------------------------- what is done to the microphone


def test_what_is_done_to_the_microphone_is_the_cards_affair_and_no_card_is_said():
    _, anna, _ = call()
    anna.sound.steps = ("echo",)
    anna.do(SetVoice(("duck",)))
    assert anna.sound.steps == ("duck",)
    anna.sound.steps = None
    with pytest.raises(CommandError, match="no card is the microphone"):
        anna.do(SetVoice())
    anna.sound.steps = OSError("a library is missing")
    with pytest.raises(CommandError, match="a library is missing"):
        anna.do(SetVoice())
