"""Captures in, what the ear would have heard out: golden traces through the trace tool's whole way."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.media import codecs, rtp
from tests.bench import trace
from tests.bench.pcap import Capture, Datagram, PcapError
from tests.media.virtual import speech

SOURCE, DESTINATION = ("192.0.2.1", 4000), ("192.0.2.2", 5004)
SSRC = 0x1234
Packet = tuple[float, bytes]  # when captured, UDP payload

# ------------------------------------------------------------------ a small writer


def udp(payload: bytes, source: int = SOURCE[1], destination: int = DESTINATION[1]) -> bytes:
    return struct.pack("!HHHH", source, destination, 8 + len(payload), 0) + payload


def ipv4(payload: bytes, flags: int = 0, kind: int = 17) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(payload), 7, flags, 64, kind, 0)
    return head + bytes([192, 0, 2, 1, 192, 0, 2, 2]) + payload


def ipv6(payload: bytes, extension: bytes = b"", first: int = 17) -> bytes:
    address = bytes.fromhex("20010db8") + bytes(11)
    head = struct.pack("!IHBB", 6 << 28, len(extension) + len(payload), first, 64)
    return head + address + b"\1" + address + b"\2" + extension + payload


def ethernet(packet: bytes, tags: bytes = b"") -> bytes:
    kind = b"\x86\xdd" if packet[0] >> 4 == 6 else b"\x08\x00"
    return bytes(12) + tags + kind + packet


def pcap(frames: list[Packet], link: int = 1, order: str = "<", nano: bool = False, kept: int = 65535) -> bytes:
    content = struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, kept, link)
    for at, frame in frames:
        ticks = round(at * (1e9 if nano else 1e6))
        seconds, rest = divmod(ticks, 1_000_000_000 if nano else 1_000_000)
        content += struct.pack(order + "IIII", seconds, rest, min(kept, len(frame)), len(frame)) + frame[:kept]
    return content


# ------------------------------------------------------------------ a far end


def said(
    sound: np.ndarray,
    codec: str = "PCMU",
    ptime_s: float = 0.02,
    ssrc: int = SSRC,
    begin: float = 0.0,
    first: int = 100,
    delay: Callable[[int], float | None] = lambda n: 0.0,
    ppm: float = 0.0,
) -> list[Packet]:
    """RTP of that sound: (arrival, datagram), without the lost ones; ``delay`` in s by number, None: lost."""
    form = codecs.formats([codec])[0]
    coder = codecs.make(*form[1:])
    samples = round(coder.rate_hz * ptime_s)
    packets = []
    for number in range(len(sound) // samples):
        extra = delay(number)
        if extra is None:
            continue
        units = (first + number) * samples * form.clock_rate // coder.rate_hz
        payload = coder.encode(sound[number * samples :][:samples])
        data = rtp.build(form.payload_type, not number, (first + number) & 0xFFFF, units & 0xFFFFFFFF, ssrc, payload)
        packets.append((begin + number * ptime_s / (1 + ppm * 1e-6) + extra, data))
    return sorted(packets, key=lambda packet: packet[0])


def captured(packets: list[Packet], start: float = 1_700_000_000.0) -> bytes:
    return pcap([(start + at, ethernet(ipv4(udp(data)))) for at, data in packets])


class Listening:
    """What the tool makes of a capture."""

    def __init__(self, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self._folder = tmp_path
        self._capsys = capsys
        self.said = ""  # beside the totals

    def __call__(self, content: bytes, *options: str) -> tuple[np.ndarray, dict]:
        sound = self._folder / "out.wav"
        (self._folder / "in.pcap").write_bytes(content)
        assert trace.main([str(self._folder / "in.pcap"), str(sound), "--json", *options]) == 0
        printed, self.said = self._capsys.readouterr()
        totals = json.loads(printed)
        with wave.open(str(sound)) as file:
            assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
            assert file.getframerate() == totals["rate_hz"]
            pcm = np.frombuffer(file.readframes(1 << 30), "<i2")
        assert len(pcm) / totals["rate_hz"] == pytest.approx(totals["seconds"], abs=0.001)
        return pcm, totals

    def refused(self, content: bytes, *options: str) -> str:
        (self._folder / "in.pcap").write_bytes(content)
        with pytest.raises(SystemExit) as ended:
            trace.main([str(self._folder / "in.pcap"), str(self._folder / "out.wav"), *options])
        assert ended.value.code == 2
        error = self._capsys.readouterr().err
        assert error.count("\n") == 1 and "Traceback" not in error
        return error


@pytest.fixture
def listen(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Listening:
    return Listening(tmp_path, capsys)


def decoded(sound: np.ndarray, codec: str = "PCMU") -> np.ndarray:
    coder = codecs.make(*codecs.formats([codec])[0][1:])
    return coder.decode(coder.encode(sound))


def likeness(one: np.ndarray, other: np.ndarray) -> float:
    count = min(len(one), len(other))
    first, second = one[:count].astype(float), other[:count].astype(float)
    return float(first.dot(second) / np.sqrt(first.dot(first) * second.dot(second)))


# ------------------------------------------------------------------ what is heard


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "L16/44100", "L16/44100/2"])
def test_a_clean_line_is_heard_sample_by_sample(listen, codec):
    rate = codecs.formats([codec])[0].clock_rate
    sound = speech(3, rate)
    heard, totals = listen(captured(said(sound, codec)))
    assert len(heard) == len(sound)
    assert (heard == decoded(sound, codec)).all()
    assert totals["lost"] == totals["late"] == totals["concealed_ms"] == totals["stretched_ms"] == 0
    assert totals["start_ms"] < 25 and totals["mean_delay_ms"] < 25


def test_losses_are_concealed_and_cost_no_time(listen):
    sound = speech(6)
    heard, totals = listen(captured(said(sound, delay=lambda n: None if n % 100 == 50 else 0.0)))
    assert totals["lost"] == 3  # too few to be worth a look ahead
    assert 40 <= totals["concealed_ms"] <= 100
    assert abs(len(heard) - len(sound)) <= 160
    assert likeness(heard, sound) > 0.9


def test_jitter_and_reordering_lose_nothing_once_they_are_known(listen):
    sound = speech(20)
    delays = np.random.default_rng(3).uniform(0, 0.05, 1000)
    heard, totals = listen(captured(said(sound, delay=lambda n: float(delays[n]))))
    assert totals["reordered"] > 100 and totals["lost"] == 0
    assert totals["late"] < 20
    assert len(heard) / 8000 == pytest.approx(20, abs=0.1)


def test_duplicates_are_counted_and_heard_once(listen):
    sound = speech(3)
    packets = said(sound)
    heard, totals = listen(captured(sorted(packets + [(at + 0.003, data) for at, data in packets])))
    assert (heard == decoded(sound)).all()
    assert totals["duplicate"] == len(packets) and totals["lost"] == 0


def test_another_ssrc_goes_on_in_the_same_stream(listen):
    sound = speech(6)
    half = len(sound) // 2
    packets = said(sound[:half]) + said(sound[half:], ssrc=77, begin=3.0, first=9000)
    heard, totals = listen(captured(packets))
    assert totals["packets"] >= 295
    assert len(heard) / 8000 == pytest.approx(6, abs=0.15)
    assert likeness(heard[: half - 800], sound) > 0.99


@pytest.mark.parametrize("ppm", [400, -400])
def test_a_clock_that_is_off_is_followed_and_named(listen, ppm):
    sound = speech(60)
    heard, totals = listen(captured(said(sound, ppm=ppm)))
    assert totals["drift_ppm"] == pytest.approx(ppm, abs=5)
    assert totals["concealed_ms"] <= 20
    assert len(heard) / 8000 == pytest.approx(60 / (1 + ppm * 1e-6), abs=0.03)


def test_a_pause_in_the_stream_is_a_pause(listen):
    sound = speech(4)
    half = len(sound) // 2
    packets = said(sound[:half])
    packets += [(at + 3.0, data) for at, data in said(sound) if at >= 2.0 - 1e-9]
    heard, _ = listen(captured(packets))
    assert len(heard) / 8000 == pytest.approx(7, abs=0.1)
    assert not heard[24000:36000].any()


def test_the_same_capture_gives_the_same_samples(listen):
    delays = np.random.default_rng(5).exponential(0.02, 500)
    content = captured(said(speech(8), delay=lambda n: None if n % 17 == 3 else float(delays[n])))
    (one, first), (other, second) = listen(content), listen(content)
    assert (one == other).all() and first == second


# ------------------------------------------------------------------ which stream


def test_the_stream_with_most_packets_unless_another_is_named(listen):
    long, short = speech(3), speech(1, seed=9)
    frames = [(at, ethernet(ipv4(udp(data)))) for at, data in said(long)]
    frames += [(at, ethernet(ipv4(udp(data, 6000, 7000)))) for at, data in said(short, ssrc=5)]
    frames += [(0.5, ethernet(ipv4(udp(b"INVITE sip:x SIP/2.0", 5060, 5060))))]
    content = pcap(sorted(frames))
    assert len(listen(content)[0]) == len(long)
    for chosen in (("--port", "7000"), ("--port", "6000"), ("--ssrc", "5"), ("--ssrc", "0x5")):
        assert len(listen(content, *chosen)[0]) == len(short)
    assert "no RTP on port 9" in listen.refused(content, "--port", "9")


def test_dynamic_payload_types_are_named(listen):
    sound = speech(1, 16000)
    content = captured(said(sound, "L16/16000"))
    assert "--codec NAME/96" in listen.refused(content)
    heard, totals = listen(content, "--codec", "L16/16000/96")
    assert (heard == sound).all() and totals["rate_hz"] == 16000


def in_red(packets: list[Packet], payload_type: int = 121) -> list[Packet]:
    """The same in RFC 2198, each with the one before it; an octet of PCMU is a sample of time."""
    made, before = [], b""
    for at, data in packets:
        head, payload = bytes([data[0], data[1] & 0x80 | payload_type]) + data[2:12], data[12:]
        earlier = (0x80 << 24 | len(payload) << 10 | len(before)).to_bytes(4, "big") if before else b""
        made.append((at, head + earlier + bytes([data[1] & 0x7F]) + before + payload))
        before = payload
    return made


def test_redundancy_is_named_and_mends_what_is_lost(listen):
    sound = speech(2)
    packets = [packet for number, packet in enumerate(in_red(said(sound))) if number % 5 != 3]
    assert "--codec NAME/121" in listen.refused(captured(packets))
    _, totals = listen(captured(packets), "--codec", "red/121")
    assert totals["codec"] == "PCMU" and totals["lost"] == totals["recovered"] == 20


def test_redundancy_without_any_sound_that_is_known(listen):
    broken = [(at, data[:12] + b"\xff") for at, data in in_red(said(speech(1)))]
    assert "no sound whose codec is known" in listen.refused(captured(broken), "--codec", "red/121")


def test_comfort_noise_needs_no_name(listen):
    packets = said(speech(1))
    noise = rtp.build(13, False, 150, 150 * 160, SSRC, bytes([60]))
    heard, totals = listen(
        captured([*packets, (1.0, noise), (2.0, rtp.build(0, True, 151, 250 * 160, SSRC, bytes(160)))])
    )
    assert totals["discarded"] == 0 and np.abs(heard[10000:15000]).max() > 0


@pytest.mark.parametrize("wrong", ["opus", "PCMU/200", "/96", "nonsense/96", "L16/7/96", "L16/a/96"])
def test_a_codec_that_cannot_be_is_refused(listen, wrong):
    assert wrong in listen.refused(captured(said(speech(1))), "--codec", wrong)


# ------------------------------------------------------------------ captures

PAYLOAD = b"\x80\x00" + bytes(10) + b"sound"


def datagrams(content: bytes) -> list[Datagram]:
    return list(Capture(content))


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_both_byte_orders_and_both_precisions(order, nano):
    found = datagrams(pcap([(1_700_000_000.000_001, ethernet(ipv4(udp(PAYLOAD))))], order=order, nano=nano))
    assert found == [Datagram(pytest.approx(1_700_000_000.000_001, abs=1e-6), SOURCE, DESTINATION, PAYLOAD)]


def test_ethernets_padding_is_not_the_packets():
    assert datagrams(pcap([(1.0, ethernet(ipv4(udp(PAYLOAD))) + bytes(20))]))[0].data == PAYLOAD


V4, V6 = ipv4(udp(PAYLOAD)), ipv6(udp(PAYLOAD))


@pytest.mark.parametrize(
    ("link", "frame"),
    [
        (1, ethernet(V4)),
        (1, ethernet(V6)),
        (1, ethernet(V4, b"\x81\x00\x00\x07")),
        (1, ethernet(V6, b"\x88\xa8\x00\x07\x81\x00\x00\x08")),
        (1, ethernet(ipv6(udp(PAYLOAD), bytes([60, 0, 0, 0, 0, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0]), 0))),
        (101, V4),
        (101, V6),
        (12, V4),
        (228, V4),
        (229, V6),
        (0, struct.pack("<I", 2) + V4),
        (0, struct.pack(">I", 30) + V6),
        (108, struct.pack(">I", 2) + V4),
        (113, bytes(14) + b"\x08\x00" + V4),
        (276, b"\x86\xdd" + bytes(18) + V6),
    ],
)
def test_link_types(link, frame):
    found = datagrams(pcap([(1.0, frame)], link))
    assert [(one.source[1], one.destination[1], one.data) for one in found] == [(4000, 5004, PAYLOAD)]
    if frame.endswith(V6):
        assert found[0].source[0] == "2001:db8::1"


@pytest.mark.parametrize(
    "frame",
    [
        ethernet(ipv4(udp(PAYLOAD), kind=6)),
        bytes(12) + b"\x08\x06" + bytes(28),
        ethernet(ipv4(udp(PAYLOAD), flags=0x2000)),
        ethernet(ipv4(udp(PAYLOAD), flags=0x0003)),
        ethernet(ipv6(udp(PAYLOAD), bytes([17, 0, 0, 1, 0, 0, 0, 9]), 44)),
    ],
)
def test_what_is_no_whole_udp_datagram_is_passed_over(frame):
    assert datagrams(pcap([(1.0, frame)])) == []


def test_packets_the_capture_cut_short_are_counted():
    frame = ethernet(ipv4(udp(PAYLOAD)))
    for kept in range(len(frame)):
        capture = Capture(pcap([(1.0, frame)], kept=kept))
        assert list(capture) == [] and capture.cut_short == 1


def test_files_that_are_no_captures_are_refused_in_one_line(listen):
    good = captured(said(speech(1)))
    assert "no pcap" in listen.refused(b"")
    assert "no pcap" in listen.refused(good[:20])
    assert "pcapng" in listen.refused(b"\x0a\x0d\x0d\x0a" + bytes(100))
    assert "holds no RTP" in listen.refused(good[:70])
    assert "link type 147" in listen.refused(pcap([], link=147))
    assert "holds no RTP" in listen.refused(pcap([]))
    assert "cut short" in listen.refused(pcap([(1.0, ethernet(ipv4(udp(PAYLOAD))))], kept=44))
    assert "fragments" in listen.refused(pcap([(1.0, ethernet(ipv4(udp(PAYLOAD), flags=0x2000)))]))
    day = said(speech(1))
    assert "more than a day" in listen.refused(captured([*day, (100_000.0, day[0][1])]))


def test_of_a_capture_that_was_killed_all_but_the_last_packet_is_played(listen):
    sound = speech(1)
    good = captured(said(sound))
    for cut in (good[:-10], good[:-225]):  # in the packet, and in the head of its record
        heard, totals = listen(cut)
        assert totals["packets"] == 49 and (heard[:7840] == decoded(sound)[:7840]).all()
        assert "ends in the middle of packet 50" in listen.said


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_whatever_a_file_holds_it_is_read_or_refused(data):
    content = bytearray(pcap([(1.0, ethernet(ipv6(udp(PAYLOAD)), b"\x81\x00\x00\x01")), (1.1, ethernet(V4))]))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    try:
        for datagram in Capture(bytes(content[: data.draw(st.integers(0, len(content)))])):
            assert len(datagram.data) < len(content)
    except PcapError as error:
        assert "\n" not in str(error)


def test_files_that_cannot_be_opened_are_refused_in_one_line(tmp_path, capsys):
    (tmp_path / "in.pcap").write_bytes(captured(said(speech(1))))
    for names in (("missing.pcap", "out.wav"), ("in.pcap", "no/such/folder.wav")):
        with pytest.raises(SystemExit) as ended:
            trace.main([str(tmp_path / name) for name in names])
        assert ended.value.code == 2
        assert capsys.readouterr().err.count("\n") == 1


def test_as_it_is_called(tmp_path):
    (tmp_path / "in.pcap").write_bytes(captured(said(speech(1))))
    command = [sys.executable, "-m", "tests.bench.trace", str(tmp_path / "in.pcap"), str(tmp_path / "out.wav")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[1])
    assert done.returncode == 0, done.stderr
    for name in ("lost", "late", "concealed_ms", "stretched_ms", "mean_delay_ms", "start_ms"):
        assert any(line.startswith(name + " ") for line in done.stdout.splitlines())
