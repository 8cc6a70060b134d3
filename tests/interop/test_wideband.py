"""G.722 and Opus with baresip, both ways: what is said in SDP, and what arrives."""

from __future__ import annotations

import pytest

from tests.interop.conftest import Peers
from tests.interop.peers import HOST, Baresip, Ringtop
from tests.interop.sound import is_sample, samples

CALL_S = 3.0
CODECS = ("G722/16000/1", "opus/48000/2")  # as baresip names them: its own sampling rate
# What they hear of us, and we of them. Opus keeps no waveform; theirs has 80 kbit/s, ours 32.
GOOD_DB = {"G722": (25.0, 25.0), "opus": (10.0, 20.0)}


@pytest.mark.parametrize("ptime_ms", [20, 40])
@pytest.mark.parametrize("codec", CODECS)
def test_we_call_baresip(peers: Peers, codec: str, ptime_ms: int) -> None:
    peer = peers.baresip(answers="auto", codec=codec, ptime_ms=ptime_ms)
    ours = peers.ringtop(*options(peers, codec, ptime_ms), "--duration", str(CALL_S), peer.uri)
    assert ours.finish() == 0
    both_heard(peers, ours, peer, codec)


@pytest.mark.parametrize("codec", CODECS)
def test_baresip_calls_us(peers: Peers, codec: str) -> None:
    ours = peers.receiver(*options(peers, codec, 20), "--auto-answer", "--duration", str(CALL_S))
    peer = peers.baresip(codec=codec)
    peer.command("dial", ours.uri)
    ours.event("ended")
    both_heard(peers, ours, peer, codec)


LOSS_PERCENT = 8.0
LOSSY_CALL_S = 9.0


@pytest.mark.parametrize("codec", ["PCMU/8000/1", *CODECS])
def test_we_call_over_a_line_that_loses_packets(peers: Peers, codec: str) -> None:
    peer = peers.baresip(answers="auto", codec=codec, ptime_ms=20)
    line = peers.lossy_media(peer=peer.sip, percent=LOSS_PERCENT)
    wanted = [*options(peers, codec, 20), "--duration", str(LOSSY_CALL_S)]
    ours = peers.ringtop(*wanted, f"sip:peer@{HOST}:{line.sip}")
    assert ours.finish() == 0
    both_heard_the_best_of_it(peers, ours, peer, codec)


@pytest.mark.parametrize("codec", ["PCMU/8000/1", *CODECS])
def test_baresip_calls_over_a_line_that_loses_packets(peers: Peers, codec: str) -> None:
    ours = peers.receiver(*options(peers, codec, 20), "--auto-answer", "--duration", str(LOSSY_CALL_S))
    line = peers.lossy_media(peer=ours.sip, percent=LOSS_PERCENT)
    peer = peers.baresip(codec=codec)
    peer.command("dial", f"sip:ringtop@{HOST}:{line.sip}")
    ours.event("ended")
    both_heard_the_best_of_it(peers, ours, peer, codec)


def both_heard_the_best_of_it(peers: Peers, ours: Ringtop, peer: Baresip, codec: str) -> None:
    """Half of the tenths of a second have no loss in them and are as they were; Opus brings lost frames with others."""
    peer.event("CALL_CLOSED")
    ended = ours.event("ended")
    rx = ended["rx"]
    assert 0.03 * rx["packets"] < rx["lost"] < 0.15 * rx["packets"] and rx["late"] < 10
    assert ended["remote"]["lost"] > 5
    name = codec.partition("/")[0]
    there_db, here_db = {"PCMU": (25.0, 25.0), **GOOD_DB}[name]
    is_sample(peer.heard(), there_db)
    is_sample(samples(peers.folder / "heard.wav"), here_db)
    assert (rx["recovered"] > 0.25 * rx["lost"]) == (name == "opus")


def options(peers: Peers, codec: str, ptime_ms: int) -> list[str]:
    name = codec.partition("/")[0]
    return ["--record", str(peers.folder / "heard.wav"), "--codecs", name, "--ptime", str(ptime_ms)]


def both_heard(peers: Peers, ours: Ringtop, peer: Baresip, codec: str) -> None:
    peer.event("CALL_CLOSED")
    name, rate, _ = codec.split("/")
    answered, ended = ours.event("answered"), ours.event("ended")
    assert (answered["codec"], answered["sample_rate_hz"]) == (name, int(rate))
    assert ended["rx"]["lost"] == 0 and ended["rx"]["packets"] > 0
    there_db, here_db = GOOD_DB[name]
    is_sample(peer.heard(), there_db)
    is_sample(samples(peers.folder / "heard.wav"), here_db)
