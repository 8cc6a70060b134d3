"""Numbers and names as people read them."""

from __future__ import annotations

import math

import pytest

from engine.model import CallState
from tests.widgets import views
from widgets import figures


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "00:00"),
        (59.9, "00:59"),
        (192, "03:12"),
        (3792, "1:03:12"),
        (96 * 3600 + 60, "4d 00h"),
        (-3, "00:00"),
        (None, "-"),
        (math.nan, "-"),
    ],
)
def test_duration(seconds: float | None, shown: str) -> None:
    assert figures.duration(seconds) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0.0 ms"), (4.12, "4.1 ms"), (9.96, "10 ms"), (43.4, "43 ms"), (12_300, "12.3 s"), (None, "-")],
)
def test_millis(value: float | None, shown: str) -> None:
    assert figures.millis(value) == shown


@pytest.mark.parametrize(("value", "shown"), [(0, "0.0 %"), (0.13, "0.1 %"), (38.2, "38 %"), (math.inf, "-")])
def test_percent(value: float | None, shown: str) -> None:
    assert figures.percent(value) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0, "0 B"), (999, "999 B"), (1_536_160, "1.5 MB"), (999_600, "1.0 MB"), (123_456_789, "123 MB")],
)
def test_size(value: int, shown: str) -> None:
    assert figures.size(value) == shown


def test_count_is_grouped_and_in_the_end_shortened() -> None:
    assert [figures.count(number) for number in (0, 9601, -12, 12_345_678)] == ["0", "9,601", "-12", "12.3 M"]


@pytest.mark.parametrize(("value", "shown"), [(-18.4, "-18 dBFS"), (-96.0, "silence"), (math.nan, "-")])
def test_dbfs(value: float, shown: str) -> None:
    assert figures.dbfs(value) == shown


@pytest.mark.parametrize(
    ("where", "shown"),
    [(("192.0.2.1", 4000), "192.0.2.1:4000"), (("2001:db8::1", 4000), "[2001:db8::1]:4000"), (None, "-")],
)
def test_address(where: tuple[str, int] | None, shown: str) -> None:
    assert figures.address(where) == shown


def test_clock_is_local_time_and_survives_any_number() -> None:
    assert figures.clock(views.NOW) == "15:42:07"
    assert figures.clock(math.nan) == figures.clock(1e30) == "--:--:--"


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        (0, "Carol <sip:carol@198.51.100.7>"),
        (30, "Carol <sip:carol@198.51.100.7>"),
        (28, "Carol <carol@198.51.100.7>"),
        (10, "Carol"),
        (4, "Car~"),
    ],
)
def test_a_peer_is_named_as_fully_as_there_is_room(columns: int, shown: str) -> None:
    assert figures.peer(views.ringing(), columns, "~") == shown


def test_a_peer_without_a_name_is_its_address() -> None:
    call = views.call(peer_name="")
    assert figures.peer(call) == "sip:bob@203.0.113.5"
    assert figures.peer(call, 16) == "bob@203.0.113.5"
    assert figures.peer(views.call(peer_name="", peer_uri="")) == "-"


def test_a_contact_has_the_name_the_user_gave_and_nobody_can_take_its_star() -> None:
    anna = views.call(peer_name="Trixie", contact="Anna Berg")
    assert figures.peer(anna) == "★ Anna Berg <sip:bob@203.0.113.5>"
    assert figures.peer(anna, 12, "~") == "★ Anna Berg"
    for name in ("★ Anna Berg", " ★ Anna Berg", "* Anna Berg", "☆ Anna Berg", "⭐ Anna Berg", "× Anna Berg"):
        assert figures.peer(views.call(peer_name=name), 13).startswith('"')


def test_a_peer_cannot_command_the_terminal() -> None:
    assert figures.peer(views.call(peer_name="\x1b[2JBob")) == "^[[2JBob <sip:bob@203.0.113.5>"


@pytest.mark.parametrize(
    ("here", "there", "shown"),
    [(True, False, "held by us"), (False, True, "held by them"), (True, True, "held by both"), (False, False, "held")],
)
def test_who_holds(here: bool, there: bool, shown: str) -> None:
    assert figures.state(views.call(state=CallState.HELD, held_here=here, held_there=there)) == shown


def test_progress_says_whether_something_can_be_heard() -> None:
    assert figures.state(views.call(state=CallState.PROGRESS)) == "rings there"
    assert figures.state(views.call(state=CallState.PROGRESS, early_media=True)) == "early media"


def test_time_is_that_of_the_talk_once_there_was_one() -> None:
    assert figures.elapsed(views.ringing()) == "00:04"
    assert figures.elapsed(views.call()) == "03:12"
    assert figures.elapsed(views.call(state=CallState.ENDING)) == "03:12"


@pytest.mark.parametrize(
    ("status", "reason", "shown"),
    [
        (486, "busy", "busy (486)"),
        (200, "they hung up", "they hung up"),
        (486, "busy (486)", "busy (486)"),
        (None, "", ""),
        (503, "", "status 503"),
    ],
)
def test_reason(status: int | None, reason: str, shown: str) -> None:
    assert figures.reason(views.call(status=status, reason=reason)) == shown


def test_codec() -> None:
    assert figures.codec(views.media()) == "PCMU 8 kHz"
    assert figures.codec(views.media(codec="L16", sample_rate_hz=44100, channels=2)) == "L16 44.1 kHz stereo"
    assert figures.codec(views.media(codec="G722", sample_rate_hz=16000)) == "G722 16 kHz"


def test_colours_of_figures() -> None:
    styles = [figures.loss_style(value) for value in (None, 0.1, 0.5, 3.0)]
    assert styles == ["dim", "value", "warn", "bad"]
    assert [figures.count_style(number) for number in (-1, 0, 1)] == ["dim", "dim", "warn"]
    assert [figures.count_style(number, 1000) for number in (0, 4, 5)] == ["dim", "value", "warn"]
