"""What may lie between two peers: a bad line, a proxy of ours, Kamailio."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.interop.peers import HOST, LIFETIME_S, Process, free_ports, needs, wait_until_taken

HERE = Path(__file__).resolve().parent

_KAMAILIO = """
debug=1
log_stderror=yes
fork=no
children=1
auto_aliases=no
disable_tcp=yes
listen=udp:{host}:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "maxfwd.so"
loadmodule "siputils.so"
loadmodule "textops.so"
loadmodule "corex.so"
loadmodule "xlog.so"
modparam("rr", "enable_full_lr", 0)
modparam("tm", "fr_timer", 5000)
request_route {{
    xlog("L_ALERT", "passed $rm\\n");
    if (!mf_process_maxfwd_header("10")) {{ sl_send_reply("483", "Too Many Hops"); exit; }}
    if (is_method("CANCEL")) {{ if (t_check_trans()) t_relay(); exit; }}
    if (has_totag()) {{
        if (loose_route()) {{ t_relay(); exit; }}
        if (is_method("ACK")) {{ if (t_check_trans()) t_relay(); exit; }}
        xlog("L_ALERT", "astray $rm\\n");
        sl_send_reply("404", "Not Here");
        exit;
    }}
    t_check_trans();
    record_route();
    t_on_reply("BACK");
    {targets}
    if (!t_relay()) sl_reply_error();
}}
onreply_route[BACK] {{
    xlog("L_ALERT", "passed $rs $rm\\n");
}}
"""


class Between(Process):
    """Tells what it has passed on, one message a line: ``passed ACK``, ``lost 200 INVITE``, ``astray BYE``."""

    sip: int

    def told(self) -> list[str]:
        """All it has told by now."""
        while self.read(0) and self.pending():
            pass
        return [line for line in self.lines if line.startswith(("passed ", "lost ", "astray ", "loosely "))]

    def times(self, what: str) -> int:
        """How often this message came here, lost or not."""
        return sum(line in (f"passed {what}", f"lost {what}") for line in self.told())

    def uri(self, user: str = "peer") -> str:
        return f"sip:{user}@{HOST}:{self.sip}"


class LossyWire(Between):
    """A bad network in front of one port, see ``lossy_wire.py``."""

    def __init__(self, folder: Path, *rules: str, peer: int) -> None:
        self.sip = free_ports(2)
        super().__init__(
            [sys.executable, str(HERE / "lossy_wire.py"), HOST, str(self.sip), str(peer), *rules], folder, "wire"
        )
        self.wait_until(lambda: self.lines, "ready")


class LossyMedia(Between):
    """A network that loses so much of the sound, both ways, see ``lossy_media.py``."""

    def __init__(self, folder: Path, *, peer: int, percent: float, seed: int = 1) -> None:
        self.sip = free_ports(2)
        numbers = (self.sip, peer, free_ports(4), percent, seed)
        super().__init__([sys.executable, str(HERE / "lossy_media.py"), HOST, *map(str, numbers)], folder, "media")
        self.wait_until(lambda: self.lines, "ready")


class Proxy(Between):
    """A stateless proxy that stays in the path, see ``proxy.py``."""

    def __init__(self, folder: Path, kind: str, *rules: str, targets: list[int]) -> None:
        self.sip = free_ports(2)
        ports = ",".join(map(str, targets))
        command = [sys.executable, str(HERE / "proxy.py"), kind, HOST, str(self.sip), ports, *rules]
        super().__init__(command, folder, "proxy")
        self.wait_until(lambda: self.lines, "ready")


class Kamailio(Between):
    """Kamailio as a stateful proxy that stays in the path and rings all its targets at once."""

    def __init__(self, folder: Path, *, targets: list[int]) -> None:
        needs("kamailio")
        self.sip = free_ports(2)
        first, *more = [f"sip:peer@{HOST}:{port}" for port in targets]
        aims = [f'$ru = "{first}";', *(f'append_branch("{uri}");' for uri in more)]
        text = _KAMAILIO.format(host=HOST, port=self.sip, targets=" ".join(aims))
        (folder / "kamailio.cfg").write_text(text)
        command = ["timeout", str(LIFETIME_S), "kamailio", "-DD", "-E", "-m", "16", "-M", "4"]
        command += ["-f", str(folder / "kamailio.cfg"), "-w", str(folder), "-Y", str(folder)]
        super().__init__(command, folder, "kamailio")
        wait_until_taken(self, HOST, self.sip)

    def told(self) -> list[str]:
        """Its log, without what it puts before each line."""
        words = [line.partition("<script>: ")[2] for line in self.errors.splitlines()]
        return [line for line in words if line.startswith(("passed ", "astray "))]
