"""Plain words and exit codes for everything a call may end with."""

from __future__ import annotations

import pytest

from engine.sip.reasons import PHRASES, exit_code, phrase, reason_text


@pytest.mark.parametrize(
    ("statuses", "code"),
    [
        ((486, 600), 10),
        ((408, 480, 487), 11),
        ((603,), 12),
        ((404, 410, 484, 485, 604), 13),
        ((401, 403, 407), 14),
        ((200, 300, 302, 400, 405, 415, 420, 481, 482, 483, 488, 491, 500, 501, 503, 504, 513, 606, 699), 15),
    ],
)
def test_a_call_that_failed_has_the_exit_code_the_help_documents(statuses, code):
    assert {exit_code(status, answered=False, media=False) for status in statuses} == {code}


def test_a_call_that_was_answered_ends_well_unless_it_broke_or_was_silent():
    assert exit_code(None, answered=True, media=True) == 0
    assert exit_code(None, answered=True, media=False) == 20
    assert exit_code(408, answered=True, media=True) == 15
    assert exit_code(None, answered=False, media=False) == 0


def test_every_failure_has_a_text_of_plain_words():
    for status in range(300, 700):
        text = reason_text(status)
        assert text and text[0].islower() and "\n" not in text
    assert {reason_text(401), reason_text(407)} == {
        "not authorised: the far end asks for a password", "not authorised: the proxy asks for a password",
    }  # fmt: skip
    assert "412" in reason_text(412)


def test_every_status_has_a_phrase():
    assert phrase(486) == PHRASES[486] == "Busy Here"
    assert phrase(699) == "Unknown"
