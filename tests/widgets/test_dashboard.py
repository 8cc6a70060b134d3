# ruff: noqa: E501
"""The whole screen as pictures at every size, and the promise that no size and no view breaks it."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.model import CallState, CallView, LevelView, LogLine, RemoteReport, RtcpView, RxView, Snapshot
from tests.widgets import views
from widgets import dashboard, layout, prompt, text, theme, ui
from widgets import views as views_table
from widgets.canvas import Canvas, Rect

TALKING_KEYS = views.keys("dial", "hang up", "mute", "hold", "digits", "log", "help", "quit")
IDLE_KEYS = views.keys("dial", "log", "help", "quit")


def canvas_of(width: int, height: int, snapshot: Snapshot, **changes: object) -> Canvas:
    state = views.ui(**{"keys": TALKING_KEYS, **changes})
    canvas = Canvas(width, height, state.glyphs)
    dashboard.draw(canvas, snapshot, state)
    return canvas


def screen(width: int, height: int, snapshot: Snapshot, **changes: object) -> list[str]:
    """What is seen, but for the row that names the views: tests/widgets/test_tabs.py looks at that."""
    rows = [row.rstrip() for row in canvas_of(width, height, snapshot, **changes).rows()]
    return rows[:1] + rows[2:] if height >= dashboard.HEIGHT_FOR_TABS else rows


# ------------------------------------------------------------------ pictures


def test_four_calls_on_a_large_screen() -> None:
    assert screen(120, 40, views.four_calls(), keys=views.KEYS) == [
        " ringtop  sip:anna@192.0.2.10:5060  UDP                                                    3 calls  1 ringing  15:42:07",
        "  #    CALL                           STATE            TIME       MOS    LOSS   JITTER      RTT         CODEC  FAR LOSS",
        "▶ 1 →  Bob <sip:bob@203.0.113.5>      talking         03:12   4.4 4.0   0.1 %   4.1 ms    43 ms    PCMU 8 kHz     0.4 %",
        "  2 ←  Carol <sip:carol@198.51.100.7> ringing         00:04   a answer  r reject",
        "  3 →  sip:dave@example.net           held by us      12:01   4.4 4.0   0.1 %   4.1 ms    43 ms    PCMA 8 kHz     0.4 %",
        "  4 →  Eve <sip:eve@example.org>      ended           00:00   busy (486)",
        "── levels ──────────────────────────────────────────────────────────────────────────────────────────── Built-in Audio ──",
        " you [▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇         ┃                  ] -18 dBFS  peak  -12",
        " far [▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇      ┃                                         ] -31 dBFS  peak  -27",
        "      -60           -50            -40             -30            -20            -10             0",
        "── quality ──────────────────────────────────────────────────────────────────────────── now; MOS: 1 bad, 4.4 the best ──",
        "             MOS    loss   jitter  round trip  run of lost   buffer   largest cause",
        " we hear     4.4   0.0 %   4.1 ms       43 ms          1.5    43 ms   mostly loss 0.1 %",
        " they hear   4.0   0.4 %    12 ms       43 ms            -        -   mostly loss 0.4 %",
        "── why ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        " Nothing is wrong: 0.1 % lost in all, jitter 4.1 ms, they report 0.4 % lost.",
        "── media ──────────────────────────────────────── PCMU 8 kHz · 20 ms ──  ── the far end reports ──────── RTCP 3 s ago ──",
        " sent          9,601   1.5 MB   50.0/s                                    lost       38 (0.4 %)  SR       38 out 37 in",
        " received      9,589   1.5 MB   49.9/s                                    jitter          12 ms  RR         0 out 1 in",
        " lost        12 (0.1 %)  duplicate            0  jitter          4.1 ms   round trip      43 ms  XR         0 out 0 in",
        " late                 3  discarded            0  buffer     43 of 40 ms   cname  5f0c2a@example  BYE        0 out 0 in",
        " reordered            1  foreign              0  concealed       160 ms",
        " stretched        90 ms  recovered            0  drift          +12 ppm",
        "── call 1 · Bob <sip:bob@203.0.113.5> ──────────────────────────────────────────────────────────────────────────────────",
        " RTP      192.0.2.10:10000 → 203.0.113.5:4000                RTCP     192.0.2.10:10001 → 203.0.113.5:4001",
        "── last two minutes ────────────────────────────────────────────────────────────────────────────────────────────────────",
        " loss 0.0 %                    of 10 %   jitter 2.5 ms                of 50 ms   buffer 40 ms                of 100 ms",
        "                              ⣠                                                                               ⡴⣆",
        "                              ⣿⡆                                      ⣾⡄                ⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⡴⠃⠸⢤⣀⣀⣀⣀⣀",
        "        ⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣼⣿⣷⣀⣀⣀⣀⣀⣀          ⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣤⣼⣿⣷⣤⣤⣤⣤⣤⣤",
        "── log ─────────────────────────────────────────────────────────────────────────────────────────────────────────────────",
        " 15:38:47 sip      ready on 192.0.2.10:5060 (UDP)",
        " 15:38:48 call     calling sip:bob@203.0.113.5",
        " 15:38:51 call     ringing there (180 Ringing)",
        " 15:38:55 media    PCMU 8 kHz, 20 ms, 192.0.2.10:10000 to 203.0.113.5:4000",
        " 15:41:37 media    call 1 lost 8 % of a second",
        " 15:42:03 call     Carol <sip:carol@198.51.100.7> is calling",
        "",
        " d dial  a answer  r reject  h hang up  m mute  o hold  0-9*# digits  Tab log  ? help  q quit",
    ]


def test_one_call_on_the_usual_screen() -> None:
    assert screen(80, 24, views.snapshot(views.call())) == [
        " ringtop  sip:anna@192.0.2.10:5060  UDP                        1 call  15:42:07",
        "  #    CALL                    STATE            TIME       MOS    LOSS   JITTER",
        "▶ 1 →  Bob <bob@203.0.113.5>   talking         03:12   4.4 4.0   0.1 %   4.1 ms",
        "── levels ──────────────────────────────────────────────────── Built-in Audio ──",
        " you [▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇     ┃             ] -18 dBFS",
        " far [▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇    ┃                            ] -31 dBFS",
        "── quality ──────────────────────────────────── now; MOS: 1 bad, 4.4 the best ──",
        "             MOS    loss   jitter  round trip   largest cause",
        " we hear     4.4   0.0 %   4.1 ms       43 ms   mostly loss 0.1 %",
        " they hear   4.0   0.4 %    12 ms       43 ms   mostly loss 0.4 %",
        "── why ─────────────────────────────────────────────────────────────────────────",
        " Nothing is wrong: 0.1 % lost in all, jitter 4.1 ms, they report 0.4 % lost.",
        "── media ──────────────── PCMU 8 kHz · 20 ms ──  ── far end reports ─ 3 s ago ──",
        " sent          9,601   1.5 MB   50.0/s            lost               38 (0.4 %)",
        " received      9,589   1.5 MB   49.9/s            jitter                  12 ms",
        " lost        12 (0.1 %)  jitter          4.1 ms   round trip              43 ms",
        "── call 1 · Bob <sip:bob@203.0.113.5> ──────────────────────────────────────────",
        " RTP      192.0.2.10:10000 → 203.0.113.5:4000   RTCP 10001 → 4001",
        "── last two minutes ────────────────────────────────────────────────────────────",
        " loss 0.0 %       of 10 %   jitter 2.5 ms   of 50 ms   buffer 40 ms   of 100 ms",
        "     ⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣰⣦⣀⣀⣀⣀       ⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣀⣰⣦⣀⣀⣀⣀       ⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠤⠼⠙⠦⠤⠤⠤",
        "── log ─────────────────────────────────────────────────────────────────────────",
        " 15:42:03 call     Carol <sip:carol@198.51.100.7> is calling",
        " d dial  h hang up  m mute  o hold  0-9*# digits  Tab log  ? help  q quit",
    ]


def test_somebody_calls_during_a_call() -> None:
    assert screen(60, 15, views.snapshot(views.call(), views.ringing()), keys=views.KEYS) == [
        " ringtop  sip:anna@192.0.2.…   2 calls  1 ringing  15:42:07",
        "▶ 1 →  Bob <sip:bob@203.0.113.5>     talking         03:12",
        "  2 ←  Carol <carol@198.51.100.7>    ringing         00:04",
        " you [▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇   ┃         ] -18 dBFS",
        " far [▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇  ┃                   ] -31 dBFS",
        "── quality ──────────────── now; MOS: 1 bad, 4.4 the best ──",
        " we hear     4.4   0.0 %   4.1 ms   mostly loss 0.1 %",
        " they hear   4.0   0.4 %    12 ms   mostly loss 0.4 %",
        "── why ─────────────────────────────────────────────────────",
        " Nothing is wrong: 0.1 % lost in all, jitter 4.1 ms, they …",
        "── media ───────────────────────────── PCMU 8 kHz · 20 ms ──",
        " sent          9,601   1.5 MB   50.0/s",
        " received      9,589   1.5 MB   49.9/s",
        " lost    12 (0.1 %)  duplicate        0  jitter      4.1 ms",
        " a answer  r reject  h hang up  m mute  ? help  q quit",
    ]


def test_the_smallest_screen_with_panes() -> None:
    assert screen(40, 10, views.snapshot(views.call())) == [
        " ringtop  sip:anna@…   1 call  15:42:07",
        "▶ 1 → Bob                 talking 03:12",
        " you [▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇ ┃     ] -18 dBFS",
        " far [▇▇▇▇▇▇▇▇▇▇▇ ┃          ] -31 dBFS",
        "── quality ─ MOS: 1 bad, 4.4 the best ──",
        " we hear     4.4   mostly loss 0.1 %",
        " they hear   4.0   mostly loss 0.4 %",
        "── why ─────────────────────────────────",
        " Nothing is wrong: 0.1 % lost in all, …",
        " h hang up  m mute  ? help  q quit",
    ]


def test_below_that_a_line() -> None:
    assert screen(39, 10, views.snapshot(views.call())) == [
        "talking 03:12 Bob <sip:bob@203.0.113.5>",
        "lost 0.1 %  jitter 4.1 ms",
        "",
        "",
        "",
        "",
        "",
        " you [▇▇▇▇▇▇▇▇▇▇▇▇▇▇▇  ┃    ] -18 dBFS",
        " far [▇▇▇▇▇▇▇▇▇▇▇┃          ] -31 dBFS",
        " h hang up  m mute  ? help  q quit",
    ]
    assert screen(20, 3, views.snapshot(views.call())) == [
        "talking 03:12 Bob",
        "lost 0.1 %",
        " h hang up  q quit",
    ]
    assert screen(1, 1, views.snapshot(views.call())) == ["t"]
    assert screen(0, 0, views.snapshot(views.call())) == []


def test_idle() -> None:
    over = views.call(state=CallState.ENDED, status=200, reason="they hung up")
    assert screen(80, 24, views.snapshot(over), keys=IDLE_KEYS) == [
        " ringtop  sip:anna@192.0.2.10:5060  UDP                          idle  15:42:07",
        "── no call ─────────────────────────────────────────────────────────────────────",
        "",
        "   Ready. Waiting for a call.",
        "",
        "   call me at  sip:anna@192.0.2.10:5060",
        "   to call     d, an address such as bob@192.0.2.7, Enter",
        "   sound       Built-in Audio",
        "   keys        ? shows all, q leaves",
        "  #    CALL                    STATE            TIME       MOS    LOSS   JITTER",
        "  1 →  Bob <bob@203.0.113.5>   ended           03:12   they hung up",
        "── log ─────────────────────────────────────────────────────────────────────────",
        " 15:38:47 sip      ready on 192.0.2.10:5060 (UDP)",
        " 15:38:48 call     calling sip:bob@203.0.113.5",
        " 15:38:51 call     ringing there (180 Ringing)",
        " 15:38:55 media    PCMU 8 kHz, 20 ms, 192.0.2.10:10000 to 203.0.113.5:4000",
        " 15:41:37 media    call 1 lost 8 % of a second",
        " 15:42:03 call     Carol <sip:carol@198.51.100.7> is calling",
        "",
        "",
        "",
        "",
        "",
        " d dial  Tab log  ? help  q quit",
    ]


def test_the_totals_of_a_call_that_is_over() -> None:
    over = views.call(state=CallState.ENDED, status=200, reason="they hung up")
    assert screen(80, 16, views.snapshot(over), selected=1, keys=IDLE_KEYS) == [
        " ringtop  sip:anna@192.0.2.10:5060  UDP                          idle  15:42:07",
        "▶ 1 →  Bob <bob@203.0.113.5>   ended           03:12   they hung up",
        "── call 1 · Bob <sip:bob@203.0.113.5> ──────────────────────────────────────────",
        " ended    they hung up, after 03:12",
        "── quality ───────────────────────────────────────── MOS: 1 bad, 4.4 the best ──",
        " we hear     4.3   0.1 %   4.1 ms       43 ms   the whole call",
        " they hear   4.0   0.4 %    12 ms       43 ms   the whole call",
        "── why ─────────────────────────────────────────────────────────────────────────",
        " Nothing was found wrong in this call.",
        "── media ──────────────── PCMU 8 kHz · 20 ms ──  ── far end reports ─ 3 s ago ──",
        " sent          9,601   1.5 MB                     lost               38 (0.4 %)",
        " received      9,589   1.5 MB                     jitter                  12 ms",
        " lost        12 (0.1 %)  jitter          4.1 ms   round trip              43 ms",
        "── log ─────────────────────────────────────────────────────────────────────────",
        " 15:42:03 call     Carol <sip:carol@198.51.100.7> is calling",
        " d dial  Tab log  ? help  q quit",
    ]


def test_ringing() -> None:
    assert screen(80, 12, views.snapshot(views.ringing(1)), keys=views.keys("answer", "reject", "quit")) == [
        " ringtop  sip:anna@192.0.2.10:5060  UDP             1 call  1 ringing  15:42:07",
        "  #    CALL                    STATE            TIME       MOS    LOSS   JITTER",
        "▶ 1 ←  Carol                   ringing         00:04   a answer  r reject",
        "── call 1 · Carol <sip:carol@198.51.100.7> ─────────────────────────────────────",
        " state    they are calling you: a to answer or r to reject",
        "── log ─────────────────────────────────────────────────────────────────────────",
        " 15:38:48 call     calling sip:bob@203.0.113.5",
        " 15:38:51 call     ringing there (180 Ringing)",
        " 15:38:55 media    PCMU 8 kHz, 20 ms, 192.0.2.10:10000 to 203.0.113.5:4000",
        " 15:41:37 media    call 1 lost 8 % of a second",
        " 15:42:03 call     Carol <sip:carol@198.51.100.7> is calling",
        " a answer  r reject  q quit",
    ]


def test_ascii() -> None:
    assert screen(80, 24, views.snapshot(views.call()), glyphs="ascii") == [
        " ringtop  sip:anna@192.0.2.10:5060  UDP                        1 call  15:42:07",
        "  #    CALL                    STATE            TIME       MOS    LOSS   JITTER",
        "> 1 -> Bob <bob@203.0.113.5>   talking         03:12   4.4 4.0   0.1 %   4.1 ms",
        "-- levels ---------------------------------------------------- Built-in Audio --",
        " you [||||||||||||||||||||||||||||||||||||||||||||     :             ] -18 dBFS",
        " far [||||||||||||||||||||||||||||||    :                            ] -31 dBFS",
        "-- quality ------------------------------------ now; MOS: 1 bad, 4.4 the best --",
        "             MOS    loss   jitter  round trip   largest cause",
        " we hear     4.4   0.0 %   4.1 ms       43 ms   mostly loss 0.1 %",
        " they hear   4.0   0.4 %    12 ms       43 ms   mostly loss 0.4 %",
        "-- why -------------------------------------------------------------------------",
        " Nothing is wrong: 0.1 % lost in all, jitter 4.1 ms, they report 0.4 % lost.",
        "-- media ---------------- PCMU 8 kHz - 20 ms --  -- far end reports - 3 s ago --",
        " sent          9,601   1.5 MB   50.0/s            lost               38 (0.4 %)",
        " received      9,589   1.5 MB   49.9/s            jitter                  12 ms",
        " lost        12 (0.1 %)  jitter          4.1 ms   round trip              43 ms",
        "-- call 1 - Bob <sip:bob@203.0.113.5> ------------------------------------------",
        " RTP      192.0.2.10:10000 -> 203.0.113.5:4000   RTCP 10001 -> 4001",
        "-- last two minutes ------------------------------------------------------------",
        " loss 0.0 %       of 10 %   jitter 2.5 ms   of 50 ms   buffer 40 ms   of 100 ms",
        " _________________:|_____   _________________::_____   -----------------'''----",
        "-- log -------------------------------------------------------------------------",
        " 15:42:03 call     Carol <sip:carol@198.51.100.7> is calling",
        " d dial  h hang up  m mute  o hold  0-9*# digits  Tab log  ? help  q quit",
    ]


def test_help_and_log_take_the_place_of_the_panes() -> None:
    assert screen(80, 12, views.snapshot(views.call()), help_open=True, keys=views.KEYS) == [
        " ringtop  sip:anna@192.0.2.10:5060  UDP                        1 call  15:42:07",
        "── keys ─────────────────────────────────────────── Up and Down show the rest ──",
        "         d  call an address",
        "         a  take the call that rings",
        "         r  decline the call that rings",
        "         h  end the selected call",
        "         m  send silence instead of the microphone",
        "         o  put the selected call on hold, or take it back",
        "     0-9*#  send digits (DTMF)",
        "        Up  select the call above",
        "      Down  select the call below",
        " d dial  a answer  r reject  h hang up  m mute  o hold  ? help  q quit",
    ]
    assert screen(80, 10, views.snapshot(views.call()), view="log") == [
        " ringtop  sip:anna@192.0.2.10:5060  UDP                        1 call  15:42:07",
        "  #    CALL                    STATE            TIME       MOS    LOSS   JITTER",
        "▶ 1 →  Bob <bob@203.0.113.5>   talking         03:12   4.4 4.0   0.1 %   4.1 ms",
        "── log ─────────────────────────────────────────────────────────────────────────",
        " 15:38:48 call     calling sip:bob@203.0.113.5",
        " 15:38:51 call     ringing there (180 Ringing)",
        " 15:38:55 media    PCMU 8 kHz, 20 ms, 192.0.2.10:10000 to 203.0.113.5:4000",
        " 15:41:37 media    call 1 lost 8 % of a second",
        " 15:42:03 call     Carol <sip:carol@198.51.100.7> is calling",
        " d dial  h hang up  m mute  o hold  0-9*# digits  Tab log  ? help  q quit",
    ]


def test_a_line_being_typed() -> None:
    typing = prompt.dial(begun="bob@192.0.2.7")
    assert screen(80, 10, views.snapshot(), prompt=typing, notice="no route to 192.0.2.7")[-2:] == [
        " no route to 192.0.2.7",
        " dial: bob@192.0.2.7                                    Enter calls  Esc leaves",
    ]
    canvas = canvas_of(80, 10, views.snapshot(), prompt=typing)
    assert canvas.cursor == (20, 9)


# ------------------------------------------------------------------ layout


def test_panes_never_overlap_and_fill_the_body() -> None:
    for width in (40, 76, 150, 200):
        for height in range(8, 60):
            now = ui.scene(views.four_calls(), views.ui())
            body = Rect(0, 1, width, height)
            placed = dashboard.arrange(body, dashboard.bands(now, width), now)
            cells = [
                (x, y) for _, place in placed for y in range(place.y, place.bottom) for x in range(place.x, place.right)
            ]
            assert len(cells) == len(set(cells))
            assert all(0 <= x < width and 1 <= y < 1 + height for x, y in cells)
            assert len({y for _, y in cells}) == height


def test_the_more_rows_the_more_panes() -> None:
    now = ui.scene(views.snapshot(views.call()), views.ui())

    def count(height: int) -> int:
        return len(dashboard.arrange(Rect(0, 0, 80, height), dashboard.bands(now, 80), now))

    counts = [count(height) for height in range(1, 50)]
    assert counts == sorted(counts) and counts[-1] == 9
    assert count(1) == 1


def test_every_registered_pane_is_used() -> None:
    tables = (layout.TALKING, layout.SILENT, layout.IDLE, layout.OVER, layout.LOG_VIEW, layout.WHY_VIEW, layout.NO_CALL)
    used = {pane for table in tables for _, bands in table for band in bands for pane in band.panes}
    registered = {value for value in vars(layout).values() if isinstance(value, ui.Pane)}
    assert used == registered


def test_a_table_for_every_width() -> None:
    for table in (
        layout.TALKING,
        layout.SILENT,
        layout.IDLE,
        layout.OVER,
        layout.LOG_VIEW,
        layout.WHY_VIEW,
        layout.NO_CALL,
    ):
        widths = [least for least, _ in table]
        assert widths == sorted(widths, reverse=True) and widths[-1] == 0


# ------------------------------------------------------------------ promises

NASTY = st.text(st.sampled_from('a\x1b[2J\x9b\u202e\u0301\u200d日🎉\t\r\n\ud800<>"\x00 '), max_size=12)
FIGURE = st.none() | st.floats()
COUNT = st.integers(-5, 2**40)


@lru_cache(maxsize=1)
def any_call() -> st.SearchStrategy[CallView]:
    level = st.builds(LevelView, st.floats(), st.floats())
    report = st.builds(RemoteReport, COUNT, st.floats(), st.floats(), st.floats())
    received = st.builds(
        RxView,
        COUNT,
        COUNT,
        FIGURE,
        COUNT,
        FIGURE,
        COUNT,
        COUNT,
        COUNT,
        COUNT,
        COUNT,
        FIGURE,
        FIGURE,
        FIGURE,
        st.floats(),
    )
    media = st.builds(
        lambda rx, remote, cname, level_in, level_out, codec, rtt_ms, short: views.media(
            rx=rx,
            rtcp=RtcpView(cname=cname, rtt_ms=rtt_ms, remote=remote, malformed=1),
            level_in=level_in,
            level_out=level_out,
            codec=codec,
            history=views.history(3 if short else 120),
            remote=None if short else ("2001:db8::1", 4000),
        ),
        received,
        st.none() | report,
        st.none() | NASTY,
        level,
        level,
        NASTY,
        FIGURE,
        st.booleans(),
    )
    return st.builds(
        CallView,
        id=st.integers(1, 10**6),
        direction=st.sampled_from(["in", "out"]),
        state=st.sampled_from(CallState),
        peer_uri=NASTY,
        peer_name=NASTY,
        state_s=st.floats(),
        talk_s=st.floats(),
        held_here=st.booleans(),
        held_there=st.booleans(),
        auto_answered=st.booleans(),
        status=st.none() | st.integers(100, 699),
        reason=NASTY,
        digits_sent=NASTY,
        recording=st.none() | NASTY,
        media=st.none() | media,
    )


@lru_cache(maxsize=1)
def any_ui() -> st.SearchStrategy[ui.Ui]:
    line = st.builds(lambda typed: prompt.dial().press("Paste:" + typed), NASTY)
    return st.builds(
        ui.Ui,
        selected=st.none() | st.integers(1, 3),
        prompt=st.none() | line | st.just(prompt.confirm("Quit?")),
        help_open=st.booleans(),
        notice=st.just("") | NASTY,
        view=st.sampled_from(views_table.NAMES),
        scroll=st.integers(0, 100),
        glyphs=st.sampled_from(["unicode", "ascii"]),
        keys=st.just(views.KEYS),
        line_ms=st.none() | st.floats(0, 10**5),
    )


@settings(max_examples=100, deadline=None)
@given(
    st.integers(0, 210),
    st.integers(0, 65),
    st.lists(any_call(), max_size=5, unique_by=lambda call: call.id),
    any_ui(),
    NASTY,
    st.floats(),
)
def test_no_size_and_no_view_breaks_the_screen(
    width: int, height: int, calls: list[CallView], state: ui.Ui, line: str, now: float
) -> None:
    snapshot = views.snapshot(*calls, log=(LogLine(now, "warn", line, line),), time=now, local_uri=line)
    canvas = Canvas(width, height, state.glyphs)
    dashboard.draw(canvas, snapshot, state)
    rows = canvas.rows()
    assert len(rows) == height
    for row in rows:
        assert text.width(row) == width
        assert text.visible(row) == row


@settings(max_examples=60, deadline=None)
@given(st.integers(20, 200), st.integers(2, 60), st.integers(0, 9), st.booleans())
def test_a_call_that_rings_is_seen_on_every_screen(width: int, height: int, others: int, select: bool) -> None:
    calls = [views.call(number) for number in range(1, others + 1)]
    snapshot = views.snapshot(*calls, views.ringing(20))
    rows = screen(width, height, snapshot, selected=1 if select and others else None)
    assert any("ringing" in row for row in rows)
    if height >= 3:
        assert any("Carol" in row for row in rows)


@pytest.mark.parametrize("size", [(120, 40), (80, 24), (60, 15), (40, 10), (20, 3)])
def test_only_styles_that_the_theme_knows(size: tuple[int, int]) -> None:
    muted = replace(views.snapshot().sound, muted=True, ok=False)
    recorded = views.call(recording="a.wav")
    snapshot = replace(views.four_calls(), sound=muted, calls=(recorded, views.ringing(), views.held(), views.ended()))
    states = ({}, {"help_open": True}, {"notice": "no"}, {"prompt": prompt.dial()}, {"prompt": prompt.confirm("?")})
    used = set()
    for changes in states:
        canvas = canvas_of(*size, snapshot, **changes)
        used |= {style for runs in canvas.cells() for _, _, style in runs}
    assert {name for style in used for name in style.split("+")} <= set(theme.LOOKS)


def test_drawing_changes_nothing() -> None:
    first = canvas_of(100, 30, views.four_calls()).cells()
    assert canvas_of(100, 30, views.four_calls()).cells() == first
