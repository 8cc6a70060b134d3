"""Redundant audio (RFC 2198) between two ringtops over a line that loses packets, and towards peers that know none."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from tests.interop.conftest import Peers
from tests.interop.peers import HOST, PATIENCE_S, SAMPLE, Ringtop
from tests.interop.sound import samples, similarity_db

PERCENT = 10.0
CALL_S = 16.0
LEARNT_S = 7.0  # by then the first report has come and the delay has followed


@dataclass
class Outcome:
    ended: dict
    heard: np.ndarray  # of the time after LEARNT_S
    quality_db: float  # that three in four tenths of a second reach


def call(peers: Peers, redundancy: str) -> Outcome:
    """The one who answers speaks, the one who calls listens."""
    recording = peers.folder / "heard.wav"
    options = ("--codecs", "PCMU", "--redundancy", redundancy)
    other = peers.receiver(*options, "--auto-answer")
    line = peers.lossy_media(peer=other.sip, percent=PERCENT)
    ours = peers.ringtop(*options, "--record", str(recording), "--duration", str(CALL_S), f"sip:b@{HOST}:{line.sip}")
    assert ours.finish(CALL_S + PATIENCE_S) == 0
    heard = samples(recording)
    later = heard[int(LEARNT_S * 8000) :]
    return Outcome(ours.event("ended"), later, similarity_db(later, samples(SAMPLE), 0.75))


def test_a_lossy_line_is_repaired_by_what_the_other_end_repeats(peers: Peers) -> None:
    with_it = call(peers, "auto")
    rx = with_it.ended["rx"]
    assert rx["lost"] > 0.04 * rx["packets"]
    assert rx["recovered"] > 0.5 * rx["lost"], "the first seconds, before any report, are without"
    assert with_it.ended["tx"]["redundancy"] == 2, "they lose as much of ours, and said so"


def test_it_sounds_better_than_without(peers: Peers) -> None:
    with_it, without = call(peers, "auto"), call(peers, "off")
    assert without.ended["rx"]["recovered"] == 0 and without.ended["tx"]["redundancy"] == 0
    assert without.ended["concealed_ms"] > 1.5 * with_it.ended["concealed_ms"]
    assert with_it.quality_db > without.quality_db + 6


def test_a_line_that_loses_nothing_carries_none(peers: Peers) -> None:
    other = peers.receiver("--codecs", "PCMU", "--auto-answer")
    ours = peers.ringtop("--codecs", "PCMU", "--duration", "8", other.uri)
    assert ours.finish() == 0
    for phone in (ours, other):
        ended = phone.event("ended")
        assert ended["tx"]["redundancy"] == 0 and ended["tx"]["bytes"] == 160 * ended["tx"]["packets"]


@pytest.mark.parametrize("redundancy", ["auto", "2"])
def test_a_peer_that_knows_none_has_a_plain_call(peers: Peers, redundancy: str) -> None:
    """baresip passes over the format in our offer, and we send it none, whatever was asked for."""
    peer = peers.baresip(answers="auto", codec="PCMU/8000/1", ptime_ms=20)
    ours = peers.ringtop("--codecs", "PCMU", "--redundancy", redundancy, "--duration", "1.5", peer.uri)
    check_plain(ours)
    peer.event("CALL_CLOSED")


def test_sipp_has_a_plain_call(peers: Peers) -> None:
    peer = peers.sipp("answers", echo=True, codec="PCMU/8000/1", ptime_ms=20)
    ours = peers.ringtop("--codecs", "PCMU", "--redundancy", "2", "--duration", "1.5", peer.uri)
    check_plain(ours)
    peer.succeeded()


def check_plain(ours: Ringtop) -> None:
    assert ours.finish() == 0
    ended = ours.event("ended")
    assert ended["tx"]["redundancy"] == 0 and ended["tx"]["bytes"] == 160 * ended["tx"]["packets"] > 0
    assert ended["rx"]["packets"] > 0 and ended["rx"]["recovered"] == 0
