"""Who gets the last line is tested with whole phones (test_phone_lines.py); here: how it is told."""

from engine.lines import TELL_AGAIN_S, Lines


def test_a_flood_of_calls_turned_away_is_no_flood_of_lines():
    told = []
    lines = Lines({}, 1, lambda call, now: None, lambda level, source, text: told.append(text))
    lines.turned_away("refused a from x", 100.0)
    for step in range(99):
        lines.turned_away("refused b from y", 100.0 + TELL_AGAIN_S * step / 100)
    assert told == ["busy: refused a from x"]
    lines.turned_away("refused c from z", 100.0 + TELL_AGAIN_S)
    lines.turned_away("refused d from z", 200.0)
    assert told[1:] == ["busy: refused c from z, and 99 more before", "busy: refused d from z"]
