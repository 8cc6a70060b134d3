"""Peers that are ended with their test, whatever became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.interop.peers import Baresip, LossyWire, Process, Ringtop, Sipp

HERE = Path(__file__).resolve().parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.interop)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """``start(Kind, ...)`` starts a peer in the folder of the test."""
    started: list[Process] = []

    def begin(kind: type[Process], *arguments: Any, **options: Any) -> Any:
        peer = kind(tmp_path, *arguments, **options)
        started.append(peer)
        return peer

    yield begin
    for peer in reversed(started):
        peer.stop()


@pytest.fixture
def ringtop(start: Callable[..., Any]) -> Callable[..., Ringtop]:
    return lambda *options, **more: start(Ringtop, *options, **more)


@pytest.fixture
def baresip(start: Callable[..., Any]) -> Callable[..., Baresip]:
    return lambda **options: start(Baresip, **options)


@pytest.fixture
def sipp(start: Callable[..., Any]) -> Callable[..., Sipp]:
    return lambda scenario, **options: start(Sipp, scenario, **options)


@pytest.fixture
def wire(start: Callable[..., Any]) -> Callable[..., LossyWire]:
    return lambda *rules, **options: start(LossyWire, *rules, **options)
