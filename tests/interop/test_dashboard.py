"""A whole call as its user sees it: ringtop's screen, Kamailio in the middle, baresip at the other end."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.interop.conftest import Peers
from tests.interop.peers import HOST, SAMPLE, free_ports
from tests.screens.harness import Program, python

TUI = Path(__file__).resolve().parents[2] / "tui.py"
ALT = "\x1b"


def looks(program: Program, view: str) -> Callable[[str], None]:
    """Go to this view; then each thing that is asked for comes onto the screen."""
    program.send(f"{ALT}{view}")
    return program.wait_for


def test_a_call_through_a_proxy_from_the_first_key_to_the_last(peers: Peers) -> None:
    far = peers.baresip(answers="auto")
    proxy = peers.kamailio([far.sip])
    where = {"--local-ip": HOST, "--local-sip-port": free_ports(2), "--local-rtp-port": free_ports(4)}
    options = [str(word) for pair in where.items() for word in pair]
    command = python(str(TUI), *options, "--audio", "null", "--audio-file", str(SAMPLE))
    with Program(command, columns=120, rows=40) as program:
        program.wait_for("no call")
        program.send("d")
        program.send(proxy.uri())
        program.wait_for(f"dial: {proxy.uri()}")
        program.pump(0.5)  # what comes in one burst with it is pasted, and no key
        program.send("\r")
        program.wait_for("talking")
        far.event("CALL_ESTABLISHED")
        program.send("5")
        program.wait_for("sent 5")
        program.wait_for("they hear   4.")
        assert far.digits() == "5"
        looks(program, "2")("Nothing is wrong")
        looks(program, "3")("packets lost in a row")
        looks(program, "4")("as wide as the codec")
        ladder = looks(program, "5")
        for wanted in (f"proxy {HOST}:{proxy.sip}", "INVITE SDP", "180 Ringing", "ACK", "RTP PCMU"):
            ladder(wanted)
        program.send("o")
        far.event("CALL_REMOTE_SDP", count=2)
        program.wait_for("held")
        program.send("o")
        far.event("CALL_REMOTE_SDP", count=3)
        program.wait_for("talking")
        far.command("hangup")
        program.wait_for("the far end hung up")
        looks(program, "6")("ended after")
        program.send("q")
        assert program.wait_exit() == 0
