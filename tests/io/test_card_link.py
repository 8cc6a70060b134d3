"""The engine's end of the card: helpers that behave, and helpers of every bad kind."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from engine.io import card_link
from engine.io.card import COUNTERS, pack
from engine.io.card_link import CARD_PROGRAM, CardLink, State
from engine.io.loop import Loop

HERE = Path(__file__).parent
POSIX = sys.platform != "win32"
FRAME = 160
SHORT_S = 1.0  # a turn takes a millisecond; a busy machine adds its own; a helper that is waited for costs far more

PREAMBLE = """
import json, os, signal, socket, sys, time
sys.path[:0] = [{root!r}]
from engine.io.card import HEADER, Unpacker, pack
if sys.argv[1] == "fd":
    link = socket.socket(fileno=int(sys.argv[2]))
else:
    link = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
def say(kind, content=b""): link.sendall(pack(kind, content))
def status(state, **more): say(b"S", json.dumps(dict(state=state, **more)).encode())
idle = dict(input="Mike", output="Speaker")
opened = dict(input="Mike", output="Speaker", in_rate=8000, out_rate=8000)
unpacker = Unpacker()
def wait_for(kind):
    while True:
        for got, content in unpacker.push(link.recv(65536)):
            if got == kind:
                return content
"""


class Bench:
    """A loop, a link and a clock of 20 ms, as a call would turn them; measures the longest turn."""

    def __init__(self, link: CardLink, loop: Loop) -> None:
        self.link, self.loop = link, loop
        self.longest_s = 0.0
        self.heard: list[np.ndarray] = []
        self.notes: list[str] = []
        self.log: list[tuple[str, str]] = []
        self.play = lambda: np.full(FRAME, 500, np.int16)

    def run(self, seconds: float, until=lambda: False, call: bool = True) -> bool:
        start = tick = time.monotonic()
        microphone = self.link.microphone(8000) if call else None
        while time.monotonic() - start < seconds:
            now = time.monotonic()
            self.loop.turn(min(tick, self.link.deadline()) - now)
            if self.loop.now >= self.link.deadline():
                self.link.handle_timer(self.loop.now)
            if self.loop.now >= tick:
                tick += 0.02
                if microphone is not None:
                    self.link.play(self.play(), 8000)
                    self.heard.append(microphone.read(FRAME))
                    assert len(self.heard[-1]) == FRAME
            self.longest_s = max(self.longest_s, time.monotonic() - self.loop.now)  # the wait itself is not counted
            if self.link.note not in self.notes[-1:]:
                self.notes.append(self.link.note)
            self.log += self.link.log
            self.link.log.clear()
            if until():
                return True
        return until()


@pytest.fixture
def start(tmp_path, monkeypatch):
    """Start a link with a helper made of this code; gives its bench."""
    monkeypatch.setattr(card_link, "SILENT_S", 0.5)
    monkeypatch.setattr(card_link, "START_S", 1.0)
    monkeypatch.setattr(card_link, "PAUSES_S", (0.05, 0.1))
    monkeypatch.setattr(card_link, "MOST_BYTES_A_SECOND", 400_000)  # a busy machine carries no real flood
    loop, links = Loop(), []

    def make(code: str, **more) -> Bench:
        program = tmp_path / "helper.py"
        program.write_text(PREAMBLE.format(root=str(HERE.parents[1])) + code)
        link = CardLink(loop, command=[sys.executable, str(program)], **more)
        links.append(link)
        link.start(loop.now)
        return Bench(link, loop)

    yield make
    for link in links:
        link.close()
    loop.close()


@pytest.fixture
def paper(tmp_path, monkeypatch):
    """Start a link with the real helper on a PortAudio of paper."""
    shutil.copy(HERE / "fake_pyaudio.py", tmp_path / "pyaudio.py")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    loop, links = Loop(), []

    def make(words: str = "", **more) -> Bench:
        monkeypatch.setenv("FAKE_CARD", words)
        link = CardLink(loop, command=[sys.executable, CARD_PROGRAM], **more)
        links.append(link)
        link.start(loop.now)
        return Bench(link, loop)

    yield make
    for link in links:
        link.close()
    loop.close()


WELL = """
status("idle", **idle)
wish = json.loads(wait_for(b"O"))
status("open", **opened)
while True:
    say(b"C", b"\\1\\0" * 160)
    say(b"H", bytes(8))
    time.sleep(0.02)
"""


def test_nothing_is_open_until_a_call_wants_sound(start):
    bench = start(WELL)
    assert bench.run(3, lambda: bench.link.state is State.IDLE, call=False)
    assert bench.link.note == "microphone Mike, loudspeaker Speaker"
    bench.run(0.1, call=False)
    assert bench.link.state is State.IDLE


def test_a_helper_that_behaves_is_heard(start):
    bench = start(WELL)
    assert bench.run(3, lambda: bool(bench.heard) and bool(bench.heard[-1].all()))
    assert bench.link.ok
    assert bench.link.note == "microphone Mike, loudspeaker Speaker, 8000 Hz"


def test_it_is_closed_when_no_call_uses_it_any_more(start, monkeypatch):
    monkeypatch.setattr(card_link, "UNUSED_S", 0.1)
    bench = start(WELL + "\n")
    assert bench.run(3, lambda: bench.link.state is State.OPEN)
    assert bench.run(3, lambda: bench.link.state is State.IDLE, call=False)


OPENED = "status('idle', **idle); wait_for(b'O'); status('open', **opened)\n"

BAD = {
    "dies_at_once": ("sys.exit(1)", "the sound card is gone"),
    "dies_in_mid_stream": (OPENED + "say(b'C', bytes(320)); os._exit(3)", "the sound card is gone"),
    "hangs_in_mid_stream": (OPENED + "time.sleep(60)", "the sound card hangs"),
    "hangs_before_a_word": ("time.sleep(60)", "the sound card hangs"),
    "garbage": ("link.sendall(bytes(range(256)) * 40); time.sleep(60)", "the sound helper talks nonsense"),
    "garbage_status": ("say(b'S', b'[1, 2'); time.sleep(60)", "the sound helper talks nonsense"),
    "absurd_rate": ("status('open', in_rate=10**9, out_rate=-5); time.sleep(60)", "the sound helper talks nonsense"),
    "infinite_rate": (
        """say(b"S", b'{"state": "open", "in_rate": Infinity}'); time.sleep(60)""",
        "the sound helper talks nonsense",
    ),
    "flood": (OPENED + "while True: say(b'C', bytes(60000))", "the sound helper sends far too much"),
    "cannot_load": ("status('failed', error='no PortAudio', fatal=True); sys.exit(1)", "no sound (no PortAudio)"),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_helper_that_fails_is_replaced_and_the_call_goes_on(start, kind):
    code, trouble = BAD[kind]
    bench = start(code)
    assert bench.run(6, lambda: f"{trouble}: silence" in bench.notes), bench.notes
    assert not bench.link.ok
    first = bench.link._process
    assert bench.run(6, lambda: bench.link._process not in (None, first)), "no second helper came"
    assert bench.longest_s < SHORT_S
    assert sum(trouble in text for _, text in bench.log) <= 2


def test_a_flood_of_tiny_messages_does_not_stop_the_loop(start):
    bench = start(OPENED + "while True: link.sendall(pack(b'C', b'') * 9000)")
    assert bench.run(6, lambda: any("far too much" in note for note in bench.notes))
    assert bench.longest_s < SHORT_S


def test_a_helper_that_does_not_read_loses_sound_not_time(start):
    bench = start(OPENED + "while True: say(b'H', bytes(8)); time.sleep(0.1)")
    assert bench.run(3, lambda: bench.link.state is State.OPEN)
    for _ in range(2000):
        bench.link.play(np.zeros(FRAME, np.int16), 8000)
    assert bench.link.overruns > 500
    assert bench.run(0.2) is False
    assert bench.link.state is State.OPEN


def test_what_it_writes_on_its_standard_error_is_logged_once_and_bounded(start):
    code = "[print('ALSA noise', n % 20, file=sys.stderr, flush=True) for n in range(3000)]; sys.exit()"
    bench = start(code)
    bench.run(1.0)
    noise = [text for level, text in bench.log if text.startswith("ALSA noise")]
    assert len(noise) == card_link.NOISE_LINES
    assert noise[-1].endswith("(and more like it)")


def test_counters_add_up_over_helpers(start):
    bench = start(WELL)
    assert bench.run(3, lambda: bench.link.state is State.OPEN)
    before = bench.link.underruns
    bench.link._on_messages([(b"H", COUNTERS.pack(3, 4))])
    bench.link._give_up("for the test", bench.loop.now)
    assert bench.link.underruns >= before + 3
    assert bench.link.overruns >= 4


def test_the_helper_ends_when_its_engine_does(paper):
    bench = paper("any-rate")
    assert bench.run(3, lambda: bench.link.state is State.OPEN)
    process = bench.link._process
    process._close_socket()
    assert process.wait(3)


@pytest.mark.skipif(not POSIX, reason="sessions")
def test_the_helper_has_a_session_of_its_own_and_one_socket(paper):
    bench = paper()
    assert bench.run(3, lambda: bench.link.state is State.IDLE, call=False)
    pid = bench.link._process.pid
    assert os.getsid(pid) == pid
    os.kill(pid, signal.SIGINT)
    bench.run(0.1, call=False)
    assert not bench.link._process.gone()
    if os.path.isdir(f"/proc/{pid}/fd"):
        links = [os.readlink(f"/proc/{pid}/fd/{number}") for number in os.listdir(f"/proc/{pid}/fd")]
        assert sum(link.startswith("socket:") for link in links) == 1


def test_the_real_helper_carries_sound_both_ways(paper):
    bench = paper("any-rate")
    assert bench.run(4, lambda: bool(bench.heard) and bool((bench.heard[-1] == 500).all()))
    assert bench.link.note == "microphone Paper Microphone, loudspeaker Paper Speaker, 8000 Hz"


def test_what_the_microphone_gives_is_watched(paper):
    bench = paper("any-rate")
    assert bench.run(8, lambda: bench.link.captured is not None and bench.link.captured.still_at == 500), "it echoes"
    captured = bench.link.captured
    assert captured.clipped == 0 and 0 < captured.still_s <= captured.seconds < 8
    bench.link._give_up("for the test", bench.loop.now)
    assert bench.link.captured is None


def test_extremes_that_make_no_sense_are_no_sound(start):
    bench = start(OPENED + "while True: say(b'M', b'\\x7f\\xff\\x80\\0' + bytes(8)); time.sleep(0.02)")
    assert bench.run(3, lambda: bench.link.state is State.OPEN)
    bench.run(0.2)
    assert bench.link.captured is not None and bench.link.captured.seconds == 0


def test_the_echo_of_the_card_is_taken_out_in_the_helper(paper):
    """Paper captures what was played, as loud as it was; off and on again while the card is open."""
    bench, chance = paper("any-rate", voice=frozenset({"echo"})), np.random.default_rng(1)
    bench.play = lambda: chance.normal(0, 3000, FRAME).astype(np.int16)
    assert bench.run(8, lambda: len(bench.heard) > 100 and loudness(bench) < 500), loudness(bench)
    assert bench.link.state is State.OPEN
    bench.link.set_voice(frozenset())
    assert bench.run(4, lambda: loudness(bench) > 2500)
    bench.link.set_voice(frozenset({"duck"}))
    assert bench.run(4, lambda: loudness(bench) < 500)


def loudness(bench: Bench) -> float:
    """Of the last tenth of a second; nothing for silence, which is no sound at all."""
    last = np.concatenate(bench.heard[-5:]).astype(float)
    return float(last.std()) if last.any() else np.inf


def test_a_helper_that_comes_anew_is_told_what_is_done_to_the_microphone(start):
    code = "status('idle', **idle); print(wait_for(b'V').decode(), file=sys.stderr, flush=True); time.sleep(60)"
    bench = start(code, voice=frozenset({"echo", "gain"}))
    assert bench.run(3, lambda: ("info", '["echo", "gain"]') in bench.log, call=False)


def test_a_card_with_a_rate_of_its_own_is_resampled(paper):
    bench = paper()
    assert bench.run(4, lambda: bool(bench.heard) and bool((np.abs(bench.heard[-1] - 500) < 30).all()))
    assert bench.link.note.endswith("44100 Hz")


def test_a_card_without_a_microphone_still_plays(paper):
    bench = paper("deaf")
    assert bench.run(4, lambda: bench.link.state is State.OPEN)
    assert bench.link.note.startswith("microphone none, loudspeaker Paper Speaker, 44100 Hz")


def test_a_microphone_that_is_not_wanted_is_not_opened(paper):
    bench = paper("any-rate", capture=False)
    assert bench.run(4, lambda: bench.link.state is State.OPEN)
    bench.run(0.3)
    assert not np.concatenate(bench.heard).any()


def test_no_card_at_all_is_silence_and_no_alarm(paper):
    bench = paper("none")
    assert bench.run(4, lambda: bench.link.state is State.REFUSED)
    assert bench.link.note == "no sound card: silence"
    assert not bench.link.found
    assert not bench.link.lost


def test_a_busy_card_is_asked_again(paper, monkeypatch):
    monkeypatch.setattr(card_link, "PAUSES_S", (0.05,))
    bench = paper("busy")
    assert bench.run(4, lambda: bench.link._failures >= 2)
    assert "Device unavailable" in bench.link.note
    assert bench.link._process is not None


def test_a_name_that_fits_nothing_says_what_there_is(paper):
    bench = paper("any-rate", output_name="headset", input_name="nothing")
    assert bench.run(4, lambda: bench.link.lost)
    assert "no output has 'headset' in its name; there is Paper Speaker" in bench.link.note


@pytest.mark.parametrize(
    ("words", "trouble"),
    [
        ("any-rate break", "no sound (Unanticipated host error)"),
        ("any-rate hang", "the sound card hangs"),
        ("unloadable", "no sound (Could not import the PyAudio C module)"),
    ],
)
def test_portaudio_in_trouble(paper, monkeypatch, words, trouble):
    monkeypatch.setattr(card_link, "SILENT_S", 0.8)
    bench = paper(words)
    assert bench.run(6, lambda: f"{trouble}: silence" in bench.notes), bench.notes
    assert bench.longest_s < SHORT_S


def test_over_tcp_the_helper_proves_itself(paper):
    bench = paper("any-rate", over_tcp=True)
    assert bench.run(4, lambda: bool(bench.heard) and bool((bench.heard[-1] == 500).all()))


def test_over_tcp_a_stranger_is_turned_away(start):
    import socket

    bench = start("time.sleep(60)", over_tcp=True)
    port = bench.link._process._listener.getsockname()[1]
    with socket.create_connection(("127.0.0.1", port)) as stranger:
        stranger.sendall(pack(b"T", b"guess") + pack(b"S", b'{"state": "idle", "input": "evil"}'))
        bench.run(0.2, call=False)
        stranger.settimeout(1)
        try:
            assert stranger.recv(10) == b""
        except ConnectionResetError:
            pass
    assert bench.link.state is State.LOOKING
    assert "evil" not in bench.link.note


def test_closing_leaves_no_process(start):
    bench = start("time.sleep(60)")
    process = bench.link._process
    bench.link.close()
    assert process.gone()
    assert bench.link.deadline() == float("inf")


def test_a_program_that_cannot_be_started_is_said(start):
    loop = Loop()
    link = CardLink(loop, command=["/no/such/program"])
    link.start(loop.now)
    assert link.note.startswith("the sound helper cannot be started")
    assert len(link.microphone(8000).read(160)) == 160
    link.close()
    loop.close()


def test_a_helper_that_was_given_up_is_buried_before_the_next_is_due(start, monkeypatch):
    monkeypatch.setattr(card_link, "PAUSES_S", (60.0,))
    bench = start("time.sleep(60)")
    assert bench.run(6, lambda: bench.link.state is State.DOWN)
    assert bench.run(6, lambda: not bench.link._dying), "a zombie"
    assert bench.link.deadline() > bench.loop.now + 10, "it wakes up for nothing"


def test_a_helper_that_cannot_be_told_to_close_the_card_is_ended(start, monkeypatch):
    """No microphone stays open outside a call."""
    monkeypatch.setattr(card_link, "UNUSED_S", 0.2)
    bench = start(OPENED + "while True: say(b'H', bytes(8)); time.sleep(0.05)")
    assert bench.run(3, lambda: bench.link.state is State.OPEN)
    for _ in range(2000):
        bench.link.play(np.zeros(FRAME, np.int16), 8000)
    first = bench.link._process
    assert bench.run(3, lambda: bench.link._process is not first, call=False)


def test_what_the_helper_does_not_take_at_once_follows_when_it_does(start):
    bench = start(OPENED + "time.sleep(0.3)\nwhile link.recv(65536): say(b'H', bytes(8))")
    assert bench.run(3, lambda: bench.link.state is State.OPEN)
    for _ in range(2000):
        bench.link.play(np.zeros(FRAME, np.int16), 8000)
    process = bench.link._process
    assert process._unsent
    assert bench.run(3, lambda: not process._unsent, call=False)
    assert bench.link._process is process
    assert not bench.loop._writers


@pytest.mark.skipif(not os.path.isdir("/proc/self/task"), reason="looks in /proc")
def test_the_helper_ends_when_its_engine_is_killed(tmp_path):
    shutil.copy(HERE / "fake_pyaudio.py", tmp_path / "pyaudio.py")
    code = """
import sys
from engine.io.card_link import CardLink
from engine.io.loop import Loop
loop = Loop()
link = CardLink(loop)
link.start(loop.now)
print(link._process.pid, flush=True)
while True:
    loop.turn(1)
"""
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{HERE.parents[1]}"}
    engine = subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE)
    helper = int(engine.stdout.readline())
    engine.kill()
    engine.wait(10)
    engine.stdout.close()
    deadline = time.monotonic() + 20
    while is_there(helper):
        assert time.monotonic() < deadline, "the helper outlives its engine"
        time.sleep(0.05)


def is_there(pid: int) -> bool:
    """A process that is more than a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_tone_opens_no_microphone_and_a_call_after_it_does(paper):
    bench = paper("any-rate")
    link, frame = bench.link, np.full(320, 500, np.int16)

    def rings() -> bool:
        link.play(frame, 16000, listen=False)
        return link.state is State.OPEN

    assert bench.run(4, rings, call=False)
    assert link._wish["capture"] is False and not link._in_rate
    assert link.note == "loudspeaker Paper Speaker, 44100 Hz"
    assert bench.run(4, lambda: link._in_rate > 0)
    assert link._wish["rate"] == 8000
    assert rings() and link._in_rate, "a tone beside a call leaves the card as it is"


def test_a_loudspeaker_that_is_released_is_closed_at_once(paper):
    bench = paper("any-rate", capture=False)
    link = bench.link
    link.release()
    assert bench.run(4, lambda: bool(link.play(np.ones(160, np.int16), 8000)) or link.state is State.OPEN, call=False)
    link.release()
    assert link.state is State.IDLE


def test_a_tone_after_a_call_does_not_keep_the_microphone_open(paper, monkeypatch):
    monkeypatch.setattr(card_link, "UNUSED_S", 0.3)
    bench = paper("any-rate")
    link, frame = bench.link, np.full(160, 500, np.int16)

    def rings() -> bool:
        link.play(frame, 8000, listen=False)
        return link.state is State.OPEN and not link._in_rate

    assert bench.run(4, lambda: link._in_rate > 0)
    assert bench.run(4, rings, call=False), "the microphone of a call that is over stays open while another rings"


TELLS_STEPS = """
status("idle", **idle)
link.setblocking(False)
while True:
    say(b"H", bytes(8))
    time.sleep(0.02)
    try:
        data = link.recv(65536)
    except BlockingIOError:
        continue
    for kind, content in unpacker.push(data):
        if kind == b"V":
            status("idle", input=" ".join(json.loads(content)), output="Speaker")
"""


def test_a_helper_that_was_too_busy_for_a_wish_is_told_again(start, monkeypatch):
    bench = start(TELLS_STEPS)
    link = bench.link
    assert bench.run(3, lambda: link.state is State.IDLE, call=False)
    send = link._process.send
    monkeypatch.setattr(link._process, "send", lambda kind, content: False)
    link.set_voice(frozenset({"gain"}))
    monkeypatch.setattr(link._process, "send", send)
    assert bench.run(3, lambda: "gain" in link.note, call=False)


# ---------------------------------------------------------------------- another device


def test_another_device_in_mid_call(start):
    """The helper is told to open anew; the call goes on."""
    bench = start(
        """
status("idle", inputs=["Mike", "Webcam"], outputs=["Speaker"], **idle)
while True:
    wish = json.loads(wait_for(b"O"))
    name = wish["input"] or "Mike"
    status("open", input=name, output="Speaker", in_rate=8000, out_rate=8000)
    say(b"C", b"\\1\\0" * 160)
    say(b"H", bytes(8))
""",
    )
    link = bench.link
    assert bench.run(3, lambda: bool(bench.heard) and bool(bench.heard[-1].any()))
    assert link.devices == {"input": ("Mike", "Webcam"), "output": ("Speaker",)}
    assert link.chosen == (None, None) and link.usual == ("Mike", "Speaker")
    link.choose("input", "Webcam")
    assert bench.run(3, lambda: link.state is State.OPEN)
    assert link.note == "microphone Webcam, loudspeaker Speaker, 8000 Hz" and link.chosen == ("Webcam", None)
    assert link._wish["rate"] == 8000


def test_a_device_that_is_chosen_before_a_call_is_said_and_opened_by_it(paper):
    bench = paper("any-rate")
    link = bench.link
    assert bench.run(4, lambda: link.state is State.IDLE, call=False)
    link.choose("output", "speaker")
    assert link.note == "microphone Paper Microphone, loudspeaker Paper Speaker" and link.state is State.IDLE
    assert bench.run(4, lambda: link.state is State.OPEN)
    link.choose("output", "gone")
    assert bench.run(4, lambda: "no output has 'gone' in its name" in link.note), "the microphone goes on"
    link.choose("input", "gone")
    assert bench.run(4, lambda: link.lost)
    link.choose("input", None)
    link.choose("output", None)
    assert bench.run(4, lambda: link.state is State.OPEN and link.ok), "at once, not after a pause"


def test_what_there_is_is_looked_for_again_while_nothing_is_open(start):
    bench = start("""
status("idle", inputs=["Mike"], outputs=["Speaker"], **idle)
wait_for(b"L")
status("idle", inputs=["Mike", "Headset"], outputs=["Headset"], input="Headset", output="Headset")
time.sleep(30)
""")
    assert bench.run(3, lambda: bench.link.state is State.IDLE, call=False)
    bench.link.look()
    assert bench.run(3, lambda: bench.link.devices["output"] == ("Headset",), call=False)
    assert bench.link.usual == ("Headset", "Headset") and bench.link.note == "Headset"


def test_the_real_helper_looks_again_and_tells_what_it_found_when_it_opens(paper):
    bench = paper("any-rate")
    link = bench.link
    assert bench.run(4, lambda: link.state is State.IDLE, call=False)
    link.devices.clear()
    link.look()
    assert bench.run(4, lambda: len(link.devices) == 2, call=False)
    link.devices.clear()
    assert bench.run(4, lambda: link.state is State.OPEN)
    assert link.devices == {"input": ("Paper Microphone",), "output": ("Paper Speaker",)}
