"""What a phone offers besides its codecs: digits at their clock rates."""

from __future__ import annotations

from engine.offered_formats import offered_formats
from engine.sip import sdp
from engine.sip.sdp import Format, LocalAudio


def digits(*names: str) -> list[tuple[int, int]]:
    found = offered_formats(names)
    return [(item.payload_type, item.clock_rate) for item in found if item.encoding == "telephone-event"]


def test_digits_come_at_8000_and_at_the_clock_of_opus():
    assert digits("PCMU") == digits("G722") == digits("L16/16000") == [(101, 8000)]
    assert digits("opus") == digits("L16/48000", "PCMU") == [(101, 8000), (110, 48000)]


def test_no_payload_type_means_two_things():
    found = offered_formats(())
    assert len({item.payload_type for item in found}) == len(found)
    assert [item.fmtp for item in found if item.encoding == "opus"] == ["minptime=10;useinbandfec=1"]


def test_who_speaks_opus_presses_digits_on_its_clock():
    """Both ends have both clocks, and one only that of old; each parameter list is the other one's."""
    us = LocalAudio(("192.0.2.1", 4000), ("192.0.2.1", 4001), offered_formats(("opus", "PCMU")))
    theirs = (*offered_formats(("PCMU",)), Format(96, "opus", 48000, 2, "maxplaybackrate=16000"))
    them = LocalAudio(("192.0.2.2", 4000), ("192.0.2.2", 4001), theirs)
    offer = sdp.make_offer(us, 1, 1)
    answer, heard = sdp.make_answer(sdp.parse(offer), us, 2, 1)
    assert heard.send.encoding == "opus" and heard.dtmf_send.clock_rate == 48000
    assert heard.dtmf_receive == {101: 8000, 110: 48000}
    answer, heard = sdp.make_answer(sdp.parse(offer), them, 2, 1)
    assert b"a=fmtp:111 maxplaybackrate=16000" in answer and heard.send.fmtp == "minptime=10;useinbandfec=1"
    ours = sdp.read_answer(sdp.parse(offer), sdp.parse(answer), us)
    assert ours.send.fmtp == "maxplaybackrate=16000" and ours.dtmf_send == Format(
        101, "telephone-event", 8000, 1, "0-15"
    )


def test_pauses_are_offered_only_by_who_wants_them():
    def noise(*names: str, wanted: bool) -> list[Format]:
        return [item for item in offered_formats(names, wanted) if item.encoding == "CN"]

    assert noise("PCMU", wanted=False) == noise("opus", wanted=True) == []
    assert noise("opus", "PCMU", wanted=True) == noise("G722", wanted=True) == [Format(13, "CN", 8000)]
    assert offered_formats(("opus",), True)[0].fmtp == "minptime=10;useinbandfec=1;usedtx=1"
