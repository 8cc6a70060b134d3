"""What arrives is what was sent: recordings of both ends beside the sample, in every codec and packet length.

baresip plays and records. SIPp sends every packet back as it came, so that what ringtop records has been through its
own encoder and decoder and twice over the sockets: a wrong byte order or rate that ringtop had on both sides would
not show there, and shows with baresip. baresip sends L16 in packets of a length of its own, and at 44.1 kHz in
stereo so much too slowly (176 samples every 4.1 ms) that its sound is not what it should be; there only what it
hears is looked at.
"""

from __future__ import annotations

import pytest

from tests.interop.conftest import Peers
from tests.interop.peers import HOST_6, Baresip, Ringtop, has_ipv6
from tests.interop.sound import Disturbed, is_sample, samples

CALL_S = 1.2
MOST, SOME = 0.6, 0.35  # of what is heard: where every packet came in time, and where the machine was too busy
CHANGING_OVER = 0.25  # so much of what is said may be silence where the far end's SSRC changes in the first words
G711 = ("PCMU/8000/1", "PCMA/8000/1")
L16 = ("L16/8000/1", "L16/16000/1", "L16/44100/1", "L16/44100/2", "L16/48000/1")
PTIMES_MS = (10, 20, 30, 40, 60)
SLOW = "L16/44100/2"


def octets(codec: str, ptime_ms: int) -> int:
    """Of one packet."""
    _, rate, channels = codec.split("/")
    return int(rate) * int(channels) * ptime_ms // 1000 * (1 if codec in G711 else 2)


def packets_are(way: dict, codec: str, ptime_ms: int) -> bool:
    if way["packets"] * ptime_ms <= 700 * CALL_S:
        raise Disturbed(f"{way['packets']} packets of {ptime_ms} ms")
    return way["bytes"] == way["packets"] * octets(codec, ptime_ms)


@pytest.mark.parametrize(
    ("codec", "ptime_ms"), [(codec, ptime) for codec in G711 for ptime in PTIMES_MS] + [(codec, 20) for codec in L16]
)
def test_we_call_baresip(peers: Peers, codec: str, ptime_ms: int) -> None:
    peer = peers.baresip(answers="auto", codec=codec, ptime_ms=ptime_ms)
    ours = peers.ringtop(*options(peers, codec, ptime_ms), "--duration", str(CALL_S), peer.uri)
    assert ours.finish() == 0
    both_heard(peers, ours, peer, codec, ptime_ms)


@pytest.mark.parametrize(("codec", "ptime_ms"), [("PCMU/8000/1", 20), ("PCMA/8000/1", 40), ("L16/16000/1", 20)])
def test_baresip_calls_us(peers: Peers, codec: str, ptime_ms: int) -> None:
    ours = peers.receiver(*options(peers, codec, ptime_ms), "--auto-answer", "--duration", str(CALL_S))
    peer = peers.baresip(codec=codec, ptime_ms=ptime_ms)
    peer.command("dial", ours.uri)
    ours.event("ended")
    both_heard(peers, ours, peer, codec, ptime_ms)


@pytest.mark.parametrize(
    ("codec", "ptime_ms"),
    [(codec, ptime) for codec in G711 for ptime in PTIMES_MS] + [(codec, 20) for codec in L16] + [("L16/16000/1", 60)],
)
def test_sipp_sends_back_what_it_hears(peers: Peers, codec: str, ptime_ms: int) -> None:
    peer = peers.sipp("answers", echo=True, codec=codec, ptime_ms=ptime_ms)
    ours = peers.ringtop(*options(peers, codec, ptime_ms), "--duration", str(CALL_S), peer.uri)
    assert ours.finish() == 0
    peer.succeeded()
    ended = ours.event("ended")
    assert packets_are(ended["tx"], codec, ptime_ms)
    assert ended["rx"]["lost"] == 0
    assert ended["rx"]["packets"] >= ended["tx"]["packets"] - 8  # our own SSRC came back, another took its place
    is_sample(samples(peers.folder / "heard.wav"), most_silent=CHANGING_OVER)


@pytest.mark.parametrize("way", ["we call baresip", "baresip calls us", "we call sipp", "sipp calls us"])
@pytest.mark.skipif(not has_ipv6(), reason="no ::1 here")
def test_over_ipv6(peers: Peers, way: str) -> None:
    wanted = [*options(peers, "PCMU/8000/1", 20), "--duration", str(CALL_S)]
    if way == "we call baresip":
        peer = peers.baresip(answers="auto", host=HOST_6)
        ours = peers.ringtop(*wanted, peer.uri, host=HOST_6)
        assert ours.finish() == 0
    elif way == "baresip calls us":
        ours = peers.receiver(*wanted, "--auto-answer", host=HOST_6)
        peer = peers.baresip(host=HOST_6)
        peer.command("dial", ours.uri)
        ours.event("ended")
    elif way == "we call sipp":
        peer = peers.sipp("answers", host=HOST_6)
        ours = peers.ringtop(*wanted, peer.uri, host=HOST_6)
        assert ours.finish() == 0
        peer.succeeded()
    else:
        ours = peers.receiver(*wanted, "--auto-answer", host=HOST_6)
        peer = peers.sipp("is_hung_up_on", target=ours.sip, host=HOST_6)
        peer.succeeded()
    ended = ours.event("ended")
    assert ended["peer"].count("::1") == 1 and ended["reason"] == "duration reached"
    is_sample(samples(peers.folder / "heard.wav"))
    if isinstance(peer, Baresip):
        peer.event("CALL_CLOSED")
        is_sample(peer.heard())


def options(peers: Peers, codec: str, ptime_ms: int) -> list[str]:
    return ["--record", str(peers.folder / "heard.wav"), "--codecs", codec, "--ptime", str(ptime_ms)]


def both_heard(peers: Peers, ours: Ringtop, peer: Baresip, codec: str, ptime_ms: int) -> None:
    peer.event("CALL_CLOSED")
    assert ours.event("answered")["codec"] == codec.partition("/")[0]
    ended = ours.event("ended")
    assert ended["rx"]["lost"] == 0 and ended["rx"]["packets"] > 0
    share = MOST if ended["concealed_ms"] == 0 else SOME
    assert packets_are(ended["tx"], codec, ptime_ms)
    assert codec in L16 or packets_are(ended["rx"], codec, ptime_ms)
    is_sample(peer.heard())
    if codec != SLOW:
        is_sample(samples(peers.folder / "heard.wav"), share=share)
