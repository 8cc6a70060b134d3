"""The address we are seen at, on machines of every kind; and the files of people that the engine keeps."""

import os
import socket
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from engine import host
from engine.config import Config
from engine.host import Engine, address_towards
from engine.media import codecs
from engine.model import CommandError, Dial, HangUp, Mute, SetCodecs
from engine.model_people import SaveContact, Saved, SaveText


class Probe:
    """A socket on a machine without IPv6 and without any network."""

    def __init__(self, family, kind):
        if family == socket.AF_INET6:
            raise OSError(97, "Address family not supported by protocol")

    def __enter__(self):
        return self

    def __exit__(self, *error):
        return None

    def connect(self, address):
        raise OSError(101, "Network is unreachable")


@pytest.mark.parametrize("uri", [None, "sip:bob@192.0.2.7", "sip:bob@[2001:db8::7]", "sip:bob@bob.test"])
def test_without_a_network_and_without_ipv6_it_is_the_loopback(monkeypatch, uri):
    monkeypatch.setattr(socket, "socket", Probe)
    assert address_towards(uri) == "127.0.0.1"


QUIET = Config(local_ip="127.0.0.1", local_sip_port=0, local_rtp_port=0, audio="null", codecs=("PCMU",), face="plain")


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(config, *commands):
    """One engine that is told these things and then closed; what it shows after each."""
    engine = Engine(config)
    try:
        for command in commands:
            engine.execute(command)
            engine.poll(0.0)
            yield engine
    finally:
        engine.close()


def history(home):
    path = home / "state" / "ringtop" / "calls.txt"
    return path.read_text().splitlines()[1:] if path.exists() else None


def test_a_contact_is_kept_and_dialled_by_name_and_the_call_noted_down(home):
    keep, dial = SaveContact("Anna Berg sip:anna@127.0.0.9:5099"), Dial("anna")
    shown = [engine.snapshot() for engine in run(QUIET, keep, dial)]
    assert (home / "data" / "ringtop" / "contacts.txt").read_text() == "Anna Berg  sip:anna@127.0.0.9:5099\n"
    assert shown[1].calls[0].peer_uri == "sip:anna@127.0.0.9:5099" and shown[1].calls[0].contact == "Anna Berg"
    lines = history(home)
    assert len(lines) == 1 and lines[0].split("\t")[1:4] == ["out", "sip:anna@127.0.0.9:5099", "-"]


@pytest.mark.parametrize("changes", [{"demo": True}, {"headless": True}, {"face": "json"}, {"saves": False}])
def test_neither_a_demo_nor_a_program_fills_the_history_of_a_person(home, changes):
    assert list(run(replace(QUIET, **changes), Dial("sip:anna@127.0.0.9:5099"))) and history(home) is None


def test_a_text_is_saved_into_the_current_folder_and_the_path_told(home):
    told = [engine.events() for engine in run(QUIET, SaveText("ringtop-call-1", "INVITE"))]
    path = next(event.path for event in told[0] if isinstance(event, Saved))
    assert os.path.dirname(path) == str(home) and Path(path).read_text() == "INVITE"


def test_a_folder_that_takes_nothing_is_one_clear_line(home, monkeypatch):
    monkeypatch.setattr(
        "engine.host.save_new", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(CommandError, match=f"nothing was written to {home}: no space left on device"):
        list(run(QUIET, SaveText("x", "y")))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux notes the moment of arrival")
def test_of_sound_and_of_reports_it_is_noted_when_they_came(home):
    with closing(Engine(QUIET)) as engine:
        ports = engine.phone._calls[engine.execute(Dial("sip:anna@127.0.0.9:5099"))].ports
        assert ports.rtp.stamped and ports.rtcp.stamped


def test_looking_again_in_a_turn_costs_nothing_and_never_shows_what_was(home):
    engine = Engine(QUIET)
    try:
        before = engine.snapshot()
        assert engine.snapshot() is before
        engine.execute(Mute(True))
        muted = engine.snapshot()
        assert muted.sound.muted and not before.sound.muted
        with pytest.raises(CommandError):
            engine.execute(HangUp())
        assert engine.snapshot() is not muted
        engine.poll(0.0)
        assert engine.snapshot().time > muted.time
    finally:
        engine.close()


class Talking:
    """A phone in a call, and its packets: one is due every so often, and nothing else happens."""

    def __init__(self, now, every_s):
        self.ticks, self.due, self.every_s = self, now, every_s
        self.sent, self.other_turns, self.news_at = 0, 0, None

    def deadline(self):
        return self.due

    def run(self, now):
        if now >= self.due:
            self.sent, self.due = self.sent + 1, self.due + self.every_s

    def other_due(self):
        return float("inf")

    @property
    def news(self):
        return Told(self.sent == self.news_at)

    def handle_timers(self, now):
        self.run(now)
        self.other_turns += 1


class Told:
    """Whether there are news; they are of no interest."""

    def __init__(self, some):
        self.some = some

    def __bool__(self):
        return self.some

    def take(self):
        return []


@pytest.fixture
def talking():
    engine = Engine(replace(QUIET, saves=False))
    engine.poll(0.0)  # what the start has left to do
    real, engine.phone = engine.phone, Talking(engine.clock(), every_s=0.01)
    yield engine
    engine.phone = real
    engine.close()


def test_packets_are_sent_in_the_wait_and_end_it_only_near_its_end(talking):
    phone, until = talking.phone, talking.clock() + 0.1
    talking.poll(0.1, early_s=0.025)
    assert phone.sent > 1 and phone.other_turns == 1
    assert phone.due > until - 0.025, "the last of them has been sent too"


def test_whatever_comes_in_ends_the_wait(talking):
    came, (ours, theirs) = [], socket.socketpair()
    with ours, theirs:
        talking.add_reader(ours.fileno(), lambda now: came.append(ours.recv(1)))
        theirs.send(b"k")
        talking.poll(60.0)
        talking.remove_reader(ours.fileno())
    assert came == [b"k"] and talking.phone.other_turns == 1


def test_so_does_something_to_tell(talking):
    talking.phone.news_at = 3
    talking.poll(60.0)
    assert talking.phone.sent == 3 and talking.phone.other_turns == 1


@pytest.fixture
def broken(monkeypatch):
    """G.722 is installed, and cannot be loaded."""

    def fail(*format):
        raise OSError("made for another Python")

    monkeypatch.setattr(codecs, "_broken", {})
    monkeypatch.setitem(codecs._FAMILIES, "G722", replace(codecs._FAMILIES["G722"], make=fail))
    return "without G722: its library cannot be used (made for another Python)"


def prepared(*names):
    engine = Engine(replace(QUIET, codecs=names))
    try:
        engine.prepare()
        return engine.snapshot().settings.codecs, [line.text for line in engine.snapshot().log if line.level == "warn"]
    finally:
        engine.close()


def test_a_codec_that_turns_out_to_be_broken_is_left_out_and_said_once(broken):
    offered, said = prepared()
    assert "G722" not in offered and "PCMU" in offered and said == [broken]
    offered, said = prepared("pcmu", "PCMA")
    assert offered == ("pcmu", "PCMA") and not said


def test_nothing_but_a_broken_codec_is_an_error_of_one_line(broken):
    with pytest.raises(CommandError) as error:
        prepared("g722")
    assert str(error.value) == broken


def test_a_codec_that_is_chosen_later_and_broken_is_left_out(broken):
    engine = Engine(QUIET)
    try:
        engine.prepare()
        engine.execute(SetCodecs(("G722", "PCMA")))
        assert engine.snapshot().settings.codecs == ("PCMA",)
        with pytest.raises(CommandError, match="another Python"):
            engine.execute(SetCodecs(("G722",)))
        assert engine.snapshot().settings.codecs == ("PCMA",)
    finally:
        engine.close()


def test_no_call_is_recorded_over_the_microphone(tmp_path):
    """By whatever name the file has come to be where the recording of another call goes."""
    microphone, later = tmp_path / "m.wav", tmp_path / "r-2.wav"
    microphone.write_bytes(b"sound")
    os.link(microphone, later)
    with pytest.raises(OSError, match="it is the microphone"):
        host._open_recording(str(microphone), str(later), 8000, 1)
    assert microphone.read_bytes() == b"sound"
    writer = host._open_recording(str(microphone), str(tmp_path / "r-3.wav"), 8000, 1)
    writer.close()
    assert (tmp_path / "r-3.wav").stat().st_size == 44
