"""Peers that are ended with their test, whatever became of it; calls that are made at the same time."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.interop.between import Kamailio, LossyMedia, LossyWire, Proxy
from tests.interop.far_end import start_ringtop
from tests.interop.peers import Baresip, Process, Ringtop, Sipp
from tests.interop.sound import Disturbed

HERE = Path(__file__).resolve().parent
AT_ONCE = 3 * min(os.cpu_count() or 1, 4)
ATTEMPTS = 4  # a fault of ours spoils the sound of every call, a busy machine that of some


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.interop)


class Peers:
    """Starts peers in one folder, and ends them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._started: list[Process] = []
        self._programs: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Peers:
        return self

    def __exit__(self, *error: object) -> None:
        for peer in reversed(self._started):
            peer.stop()
        for process in self._programs:
            if process.poll() is None:
                process.kill()
                process.communicate()

    def _start(self, kind: Callable[..., Any], *arguments: Any, **options: Any) -> Any:
        peer = kind(self.folder, *arguments, **options)
        self._started.append(peer)
        return peer

    def ringtop(self, *options: str, **more: Any) -> Ringtop:
        return self._start(Ringtop, *options, **more)

    def receiver(self, *options: str, **more: Any) -> Ringtop:
        """A ringtop that waits for a call, and is ready for it."""
        return self.ringtop("--mode", "receiver", *options, **more).ready()

    def baresip(self, **options: Any) -> Baresip:
        return self._start(Baresip, **options)

    def sipp(self, scenario: str, **options: Any) -> Sipp:
        return self._start(Sipp, scenario, **options)

    def wire(self, *rules: str, peer: int) -> LossyWire:
        return self._start(LossyWire, *rules, peer=peer)

    def lossy_media(self, *, peer: int, percent: float) -> LossyMedia:
        return self._start(LossyMedia, peer=peer, percent=percent)

    def proxy(self, kind: str, *rules: str, targets: list[int]) -> Proxy:
        return self._start(Proxy, kind, *rules, targets=targets)

    def program(self, *options: str) -> subprocess.Popen[str]:
        """A ringtop for a far end of our own, see ``far_end.py``."""
        process = start_ringtop(*options)
        self._programs.append(process)
        return process

    def kamailio(self, targets: list[int]) -> Kamailio:
        return self._start(Kamailio, targets=targets)


@pytest.fixture
def peers(tmp_path_factory: pytest.TempPathFactory) -> pytest.TempPathFactory:
    """Stands for the :class:`Peers` of its own that a test is given where it runs, in a folder made by this."""
    return tmp_path_factory


class Calls:
    """The tests of this folder that ask for ``peers``, run a few at the same time: they mostly wait, and their
    peers, ports and folders are apart. pytest is given the outcome of each in its own order."""

    def __init__(self, items: list[pytest.Item], folders: pytest.TempPathFactory) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._outcomes = {
            item.nodeid: self._pool.submit(self._run, item, folders.mktemp("call", numbered=True)) for item in items
        }

    def _run(self, item: Any, folder: Path) -> None:
        for attempt in range(1, ATTEMPTS):
            try:
                return self._once(item, folder / f"{attempt}")
            except Disturbed:
                pass
        self._once(item, folder / f"{ATTEMPTS}")

    def _once(self, item: Any, folder: Path) -> None:
        folder.mkdir()
        parameters = item.callspec.params if hasattr(item, "callspec") else {}
        with Peers(folder) as started:
            item.obj(peers=started, **parameters)

    def outcome(self, item: pytest.Item) -> None:
        """Waits for it; raises what the test raised."""
        self._outcomes[item.nodeid].result()

    def close(self) -> None:
        """Nothing more is begun; what runs is waited for, so that no peer is left."""
        self._pool.shutdown(cancel_futures=True)


_calls = pytest.StashKey[Calls]()


def _is_call(item: Any) -> bool:
    return item.path.is_relative_to(HERE) and "peers" in getattr(item, "fixturenames", ())


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    if not _is_call(pyfuncitem):
        return None
    session = pyfuncitem.session
    if _calls not in session.stash:
        wanted = [item for item in session.items if _is_call(item) and not item.get_closest_marker("skip")]
        session.stash[_calls] = Calls(wanted, pyfuncitem.funcargs["peers"])
    session.stash[_calls].outcome(pyfuncitem)
    return True


def pytest_sessionfinish(session: pytest.Session) -> None:
    if _calls in session.stash:
        session.stash[_calls].close()
