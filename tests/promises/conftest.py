"""Processes that are ended with their test, whatever became of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop.far_end import HOST, ROOT
from tests.promises.people import SAMPLE, Phone, Talker
from tests.screens.harness import Program, python

Start = Callable[..., Phone]
Screen = Callable[..., Program]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """``start("--auto-answer", ...)`` starts ringtop; its files go to the folder of the test."""
    phones: list[Phone] = []

    def begin(*options: str, **more: object) -> Phone:
        folder = tmp_path / f"phone{len(phones)}"
        folder.mkdir()
        phones.append(Phone(folder, *options, **more))  # type: ignore[arg-type]
        return phones[-1]

    yield begin
    for phone in phones:
        phone.stop()


@pytest.fixture
def far() -> Iterator[Talker]:
    with Talker() as talker:
        yield talker


@pytest.fixture
def dashboard(far: Talker) -> Iterator[Screen]:
    """``dashboard()``: a call to the far end, with its dashboard in a terminal."""
    programs: list[Program] = []

    def open_screen(columns: int = 120, rows: int = 40) -> Program:
        ours = [str(ROOT / "tui.py"), "--local-ip", HOST, "--local-sip-port", "0", "--local-rtp-port", "0"]
        ours += ["--audio", "null", "--audio-file", str(SAMPLE), far.uri]
        programs.append(Program(python(*ours), columns=columns, rows=rows))
        far.is_called()
        return programs[-1]

    yield open_screen
    for program in programs:
        program.close()
