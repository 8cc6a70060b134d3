"""The seconds of a call, and what they say of its quality."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from engine import history, model
from engine.history import MOST_MINUTES, Past, is_of_now, rated, rated_there, shortfall, told_there
from engine.model import CallState, HistoryPoint, MetricsView, RemoteReport
from tests.wire import ANNA, BOB, Wire, is_media

QUIET = HistoryPoint(0.0, 2.0, 40.0, -30.0, -30.0, sent=50, received=50, rtt_ms=40.0)


def past(seconds: int) -> Past:
    made = Past()
    for second in range(seconds):
        made.add(replace(QUIET, sent=second))
    return made


@pytest.mark.parametrize("seconds", [0, 1, 59, 60, 61, 200])
def test_every_second_is_there_in_order(seconds: int) -> None:
    view = past(seconds).view
    assert [point.sent for point in view] == list(range(seconds)) and len(view) == seconds
    assert [point.sent for point in view[-10:]] == list(range(seconds))[-10:]
    if seconds:
        assert view[-1].sent == view[seconds - 1].sent == seconds - 1
    with pytest.raises(IndexError):
        view[seconds]


def test_a_view_stays_what_it_was_and_shares_whole_minutes() -> None:
    made = past(70)
    before = made.view
    made.add(QUIET)
    assert len(before) == 70 and len(made.view) == 71
    assert before[3] is made.view[3]


def test_of_a_call_of_days_the_oldest_minute_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MOST_MINUTES", 3)
    view = past(60 * 4 + 5).view
    assert len(view) == 185 and view.first_s == 60 and view[0].sent == 60 and MOST_MINUTES == 240


def test_what_came_too_late_was_missed_and_what_was_repeated_was_not() -> None:
    assert replace(QUIET, lost=3, late=2, discarded=1, recovered=4).missed == 2
    assert replace(QUIET, lost=-1).missed == 0


def test_the_score_counts_all_that_the_ear_missed() -> None:
    clean = rated("PCMU", 8000, [QUIET] * 10, 0.0)
    assert clean is not None and clean.mos == pytest.approx(4.41, abs=0.01) and clean.cause == ""
    late = rated("PCMU", 8000, [replace(QUIET, late=5)] * 10, 0.0)
    lost = rated("PCMU", 8000, [replace(QUIET, lost=5, received=45)] * 10, 0.0)
    repeated = rated("PCMU", 8000, [replace(QUIET, lost=5, received=45, recovered=5)] * 10, 0.0)
    assert late is not None and lost is not None and repeated is not None
    assert late.cause == "late packets 10.0 %" and lost.cause == "loss 10.0 %"
    assert late.mos == pytest.approx(lost.mos) and lost.mos < 3.5 and repeated.mos == clean.mos
    far = rated("PCMU", 8000, [replace(QUIET, rtt_ms=700.0)] * 10, 0.0)
    assert far is not None and far.cause == "delay 390 ms"


def test_what_is_missing_at_the_end_of_a_second_may_come_in_the_next() -> None:
    clean = rated("PCMU", 8000, [QUIET] * 10, 0.0)
    overtaken = [replace(QUIET, lost=5, received=45), replace(QUIET, lost=-5, received=55)] * 5
    mended = [replace(QUIET, lost=5, received=45), replace(QUIET, recovered=5)] * 5
    assert rated("PCMU", 8000, overtaken, 0.0) == rated("PCMU", 8000, mended, 0.0) == clean


def test_doubled_packets_hide_no_loss() -> None:
    wire = Wire(0.030)
    chance = random.Random(1)
    wire.rule(lambda each: [] if chance.random() < 0.2 else [0.03, 0.031] if each.port_kind == "rtp" else None)
    _, media = call_of_20_s(wire)
    told = [point.loss_percent for point in media.history[5:]]
    assert sum(told) / len(told) == pytest.approx(20, abs=3)


def test_what_nobody_agreed_on_is_neither_lost_nor_late() -> None:
    useless = rated("PCMU", 8000, [replace(QUIET, discarded=25)] * 10, 0.0)
    assert useless is not None and useless.cause == "useless packets 50.0 %"


def test_what_was_lost_in_an_outage_is_no_loss_of_the_second_in_which_sound_comes_back() -> None:
    """A way that is closed for eight seconds in mid-call: then all is well, though four hundred are missing in all."""
    wire = Wire(0.030)
    closed = [False]
    wire.rule(lambda datagram: [] if closed[0] and is_media(datagram) else None)
    anna, bob = wire.station(ANNA, redundancy=0), wire.station(BOB, auto_answer=0.0, redundancy=0)
    anna.do(model.Dial(bob.uri))
    for closed[0], seconds in ((False, 15), (True, 8), (False, 4)):
        wire.run(seconds)
    media = anna.view().media
    assert media.here is not None and media.here.mos > 4.2 and media.history[-1].mos_here > 4.2
    assert media.rx.lost == pytest.approx(400, abs=5) and sum(point.lost for point in media.history) < 60
    assert [point.mos_here for point in media.history[17:22]] == [None] * 5


def test_no_score_without_anything_to_rate() -> None:
    assert rated("PCMU", 8000, [replace(QUIET, received=0)], 0.0) is None
    assert rated("PCMU", 8000, [replace(QUIET, buffer_ms=None)], 0.0) is None
    assert rated("GSM", 8000, [QUIET], 0.0) is None
    assert rated_there("PCMU", 8000, 20, None, 40.0) is None
    assert rated_there("PCMU", 8000, 20, RemoteReport(0, 0.0, 1.0, 31.0, of_now=False), 40.0) is None
    assert rated_there("PCMU", 8000, 20, RemoteReport(0, 0.0, 1.0, 3.0), None) is not None


def test_a_report_is_of_now_until_others_say_nothing_of_us() -> None:
    assert is_of_now(5.0, 5.0) and is_of_now(29.0, None) and is_of_now(11.0, 1.0) and is_of_now(20.0, 20.0)
    assert not is_of_now(31.0, 31.0) and not is_of_now(13.0, 1.0)


def test_what_they_say_of_themselves_has_a_cause_of_now_or_of_the_whole_call() -> None:
    said = MetricsView(4.0, 80.0, 20.0, 1.0, 0.0, 0.0, 40.0, 2.0)
    report = RemoteReport(20, 3.0, 1.0, 2.0)

    def cause(metrics: MetricsView, report: RemoteReport | None) -> str:
        found = told_there(metrics, report, False)
        assert found is not None
        return found.cause

    assert cause(said, report) == "loss 3.0 %, they say"
    assert cause(said, None) == cause(said, replace(report, loss_percent=0.0)) == "loss 21.0 % in all, they say"
    assert cause(replace(said, mos=4.4), replace(report, loss_percent=0.0)) == ""
    assert cause(replace(said, discard_percent=30.0), report) == "late packets 50.0 % in all, they say"
    assert told_there(said, replace(report, of_now=False), False) is None


def wire_that_loses(part: int) -> Wire:
    wire = Wire(0.030)
    seen = [0]

    def lose(datagram: object) -> list[float] | None:
        if not is_media(datagram):
            return None
        seen[0] += 1
        return [] if seen[0] % part == 0 else None

    wire.rule(lose)
    return wire


def call_of_20_s(wire: Wire, **config: object) -> tuple:
    anna, bob = wire.station(ANNA, **config), wire.station(BOB, auto_answer=0.0, redundancy=0)
    anna.do(model.Dial(bob.uri))
    wire.run(20)
    media = anna.view().media
    anna.do(model.HangUp())
    wire.run(1)
    return anna, media


def test_both_ends_of_a_call_are_rated() -> None:
    _, media = call_of_20_s(wire_that_loses(9), redundancy=0)
    assert media.here is not None and media.there is not None
    assert 3.0 < media.here.mos < 3.7 and media.here.cause.startswith("loss") and 3.0 < media.there.mos < 3.9
    points = media.history
    assert len(points) in (19, 20) and sum(point.lost for point in points) == pytest.approx(media.rx.lost, abs=7)
    assert points[-1].mos_here == media.here.mos and points[-1].rtt_ms == pytest.approx(60, abs=3)
    assert media.bursts is not None and sum(media.bursts.runs) > 30


def test_a_clean_call_gets_the_best_score() -> None:
    anna, media = call_of_20_s(Wire(0.030), min_mos=4.3, max_loss_percent=0.5)
    assert media.here.mos == pytest.approx(4.41, abs=0.02) and media.here.cause == ""
    assert anna.exit_codes() == [0]


@pytest.mark.parametrize(
    ("asked", "words"), [({"min_mos": 4.0}, " MOS "), ({"max_loss_percent": 5.0}, "at most 5 % was asked for")]
)
def test_a_call_that_was_worse_than_what_was_asked_for_ends_with_21(asked: dict, words: str) -> None:
    anna, _ = call_of_20_s(wire_that_loses(9), redundancy=0, **asked)
    assert anna.exit_codes() == [21] and words in anna.view().reason
    assert anna.view().state is CallState.ENDED


def test_what_nobody_reported_is_not_held_against_a_call() -> None:
    assert shortfall(None, 4.0, 1.0) == ""
