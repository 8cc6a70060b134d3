"""What is imported in the middle of a call stops it: everything a call needs is there before the first one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

CALL = """
import sys, random
import numpy.random  # the people in the test speak noise
from engine.host import prepare_media
from engine import model
from tests.wire import ANNA, BOB, Wire, is_media

prepare_media()
chance = random.Random(3)
wire = Wire(0.030)
wire.rule(lambda datagram: [] if is_media(datagram) and chance.random() < 0.05 else None)
wire.rule(lambda datagram: [0.02 + chance.expovariate(50)] if is_media(datagram) and chance.random() < 0.5 else None)
anna, bob = (wire.station(host, codecs=(sys.argv[1],), auto_answer=0.0) for host in (ANNA, BOB))
known = set(sys.modules)
anna.do(model.Dial(bob.uri))
wire.run(40)
assert anna.view().media.codec.upper() == sys.argv[1].upper() and anna.view().media.rx.packets > 500
anna.do(model.HangUp())
wire.run(1)
late = sorted(set(sys.modules) - known)
assert not late, late
"""

NOISE = """
import sys
from engine.host import prepare_media
from engine.media.codecs import cn

prepare_media(["PCMU"])
known = set(sys.modules)
cn.ComfortNoise(8000, 8000).decode(bytes((50, 100, 140)))
late = sorted(set(sys.modules) - known)
assert not late, late
"""


@pytest.mark.parametrize("codec", ["PCMU", "PCMA", "L16", "G722", "opus"])
def test_a_call_imports_nothing(codec: str) -> None:
    run(CALL, codec)


def test_comfort_noise_imports_nothing() -> None:
    run(NOISE)


def run(*program: str) -> None:
    done = subprocess.run([sys.executable, "-c", *program], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-600:]


NAMES = """
import sys
from engine.config import Config
from engine.host import Engine
from engine.io import clock
where = {"local_ip": "127.0.0.1", "local_sip_port": 0, "local_rtp_port": 0, "audio": "null", "codecs": ("PCMU",)}
engine = Engine(Config(**where, face=sys.argv[1]))
engine.prepare()
known, ticks, run = set(sys.modules), [], engine.phone.ticks.run
engine.phone.ticks.run = lambda now: (ticks.append(now), run(now))
for _ in range(2):
    engine._resolver.resolve("phone.test", clock.monotonic(), lambda address, why: None)
new = set(sys.modules) - known
kinds = {"dns.rdtypes.IN.A", "dns.rdtypes.IN.AAAA", "dns.rdtypes.ANY.CNAME", "dns.rdtypes.ANY.SOA"}
print({"dns.message", "dns.rcode", *kinds} <= new, len(ticks) >= len(new) > 6)
engine.close()
"""


@pytest.mark.parametrize("face", ["plain", "dashboard", "json"])
def test_looking_a_name_up_in_mid_call_loads_what_it_takes_and_lets_packets_leave_meanwhile(face: str) -> None:
    command = [sys.executable, "-c", NAMES, face]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "True True\n", done.stdout + done.stderr[-600:]


START = """
import sys
import tui  # makes modules late
from engine.config import Config
from engine.host import Engine
engine = Engine(Config(local_ip="127.0.0.1", local_sip_port=0, local_rtp_port=0, audio="null", face=sys.argv[1]))
sounds = {"numpy._core", "numpy.fft", "engine.media.stream", "engine.media.quality", "engine.diagnosis.rules"}
ready, before = bool(engine.events()), sounds & set(sys.modules)
engine.prepare()
print(ready, not before, sounds <= set(sys.modules))
engine.close()
"""


@pytest.mark.parametrize("face", ["plain", "json", "dashboard"])
def test_a_phone_is_ready_before_it_loads_what_makes_sound(face: str) -> None:
    done = subprocess.run([sys.executable, "-c", START, face], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["True", "True", "True"], done.stdout + done.stderr[-600:]


ASKED = """
import socket
import sys
import tui  # makes modules late
from engine import host
from engine.config import Config
engine = host.Engine(Config(local_ip="127.0.0.1", local_sip_port=0, local_rtp_port=0, audio="null", face="json"))
caller = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
caller.bind(("127.0.0.1", 0))
def ask(method):
    request = (
        f"{method} sip:bob@127.0.0.1 SIP/2.0\\r\\nVia: SIP/2.0/UDP 127.0.0.1;rport;branch=z9hG4bK{method}\\r\\n"
        f"Max-Forwards: 70\\r\\nFrom: <sip:x@127.0.0.1>;tag=1\\r\\nTo: <sip:bob@127.0.0.1>\\r\\nCall-ID: {method}\\r\\n"
        f"CSeq: 1 {method}\\r\\nContact: <sip:x@127.0.0.1>\\r\\nContent-Length: 0\\r\\n\\r\\n"
    )
    caller.sendto(request.encode(), engine.phone.local)
ask("OPTIONS")
answered = None
really = host.codecs.make
def make(*wanted):
    global answered
    if answered is None:
        answered = caller.recv(65536, socket.MSG_DONTWAIT).split()[1]
        ask("INVITE")
        import colorsys  # the first moment at which it is looked at again
        assert not engine.events()[1:], "a call before all is there"
    return really(*wanted)
host.codecs.make = make
looks = []
engine.prepare(lambda now: looks.append("engine.media.stream" in sys.modules))
assert looks[0] is False and looks[-1] is True and len(looks) > 20
engine.poll(0.0)
told = [type(event).__name__ for event in engine.events()]
latest = b""
while b" 180 " not in latest:  # a 100 comes before it where loading takes long
    latest = caller.recv(65536, socket.MSG_DONTWAIT)
print(answered, "Incoming" in told)
engine.close()
"""


def test_sip_is_answered_while_what_makes_sound_is_loaded_and_a_call_begins_when_it_is() -> None:
    done = subprocess.run([sys.executable, "-c", ASKED], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["b'200'", "True"], done.stdout + done.stderr[-900:]


LATE = """
import sys
from engine.late import load_late
assert [load_late(name) for name in ("colorsys", "sys", "no_such_module_at_all")] == [True, True, False]
import colorsys
assert type(colorsys).__name__ == "_Late" and colorsys.__name__ == "colorsys"
from colorsys import rgb_to_hls
assert rgb_to_hls(0, 0, 0) == (0, 0, 0) and type(colorsys).__name__ == "module"
try:
    import no_such_module_at_all
except ModuleNotFoundError:
    print("fine")
"""


BETWEEN = """
import sys
from engine.late import between_modules
asked = []
def act():
    import colorsys  # this one is not asked about
    asked.append("json.decoder" in sys.modules)
for name in ("json", "json.decoder", "json.encoder"):
    sys.modules.pop(name, None)
with between_modules(act):
    import json
    import json  # loaded by now
import quopri
print(asked[0], asked[-1], 3 <= len(asked) <= 5, "colorsys" in sys.modules)
try:
    with between_modules(lambda: 1 / 0):
        import nturl2path
except ZeroDivisionError:
    import nturl2path
    print("fine")
"""


def test_something_is_done_between_the_modules_that_are_loaded() -> None:
    done = subprocess.run([sys.executable, "-c", BETWEEN], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.split() == ["False", "True", "True", "True", "fine"], done.stdout + done.stderr[-600:]


PART = """
import tui
import numpy.typing
import numpy as np
assert np.fft.rfft(np.zeros(2)).shape == (2,) and type(np).__name__ == "module"
print("fine")
"""


def test_who_imports_a_part_of_a_late_module_gets_the_whole() -> None:
    done = subprocess.run([sys.executable, "-c", PART], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "fine\n", done.stderr[-600:]


def test_a_late_module_is_loaded_by_its_first_use() -> None:
    done = subprocess.run([sys.executable, "-c", LATE], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout == "fine\n", done.stderr[-600:]


SAVE = """
import sys
from engine import model
from engine.config import Config
from engine.host import Engine
engine = Engine(Config(local_ip="127.0.0.1", local_sip_port=0, local_rtp_port=0, audio="null", face="dashboard"))
engine.prepare()
known = set(sys.modules)
for command in (model.SetVolume(2.0), model.SetCodecs(("PCMU",)), model.SetBuffer(40, 200), model.TryMicrophone(True),
                model.TryLoudspeaker(), model.SaveSettings()):
    engine.execute(command)
    engine.poll(0.05)
print(sorted(set(sys.modules) - known))
engine.close()
"""


def test_settings_that_are_changed_tried_and_saved_in_mid_call_import_nothing(tmp_path: Path) -> None:
    environment = {**os.environ, "XDG_CONFIG_HOME": str(tmp_path)}
    command = [sys.executable, "-c", SAVE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, env=environment)
    assert done.stdout == "[]\n", done.stdout + done.stderr[-600:]
    assert (tmp_path / "ringtop" / "config.toml").read_text().count("\n") == 6
