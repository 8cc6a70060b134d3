"""SIPp's scenarios: what is the same in all of them stands here, and a word with a dollar stands for it there.

| word | |
|---|---|
| ``$REQUEST`` | Via and all the other headers of a request but CSeq; ``$REQUEST_REST`` leaves out the Via |
| ``$REPLY`` | what an answer repeats, with our tag and Contact; ``$BARE`` has no Contact |
| ``$AGAIN`` | the same within the dialog, where the tag is there already |
| ``$SDP1``, ``$SDP2`` ... | a description, the first or second ... of this call; ``$NULL4`` has the address 0.0.0.0 |
| ``$EMPTY`` | no body |
| ``$STREAM`` | the sample, played as mu-law from here on (not where SIPp sends back what it hears) |
| ``$PAUSE`` | 600 ms, or what the test says; ``$STATUS`` always is what the test says |
"""

from __future__ import annotations

import re
from pathlib import Path

FOLDER = Path(__file__).resolve().parent / "sipp"

_REST = """\
Max-Forwards: 70
From: <sip:sipp@[local_ip]:[local_port]>;tag=[pid]c[call_number]
To: <sip:ringtop@[remote_ip]:[remote_port]>[peer_tag_param]
Call-ID: [call_id]
Contact: <sip:sipp@[local_ip]:[local_port]>"""
_VIA = "Via: SIP/2.0/UDP [local_ip]:[local_port];branch=[branch];rport\n"
_WITHIN = """\
[last_Via:]
[last_Record-Route:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]"""
_FIRST = _WITHIN.replace("[last_To:]", "[last_To:];tag=[pid]s[call_number]")
_CONTACT = "\nContact: <sip:sipp@[local_ip]:[local_port]>"
_SDP = """\
Content-Type: application/sdp
Content-Length: [len]

v=0
o=sipp 1 VERSION IN IP[local_ip_type] [media_ip]
s=-
c=ADDRESS
t=0 0
m=audio [PORT] RTP/AVP NUMBER 101
a=rtpmap:NUMBER CODEC
a=rtpmap:101 telephone-event/8000
a=fmtp:101 0-15
a=ptime:PTIME"""
_ADDRESSES = {"SDP": "IN IP[media_ip_type] [media_ip]", "NULL": "IN IP4 0.0.0.0"}
_STREAM = '  <nop><action><exec rtp_stream="speech.ul,-1,0"/></action></nop>'
_STATIC = {"PCMU/8000/1": 0, "PCMA/8000/1": 8, "L16/44100/2": 10, "L16/44100/1": 11}  # RFC 3551


def scenario_text(name: str, *, echo: bool, codec: str, ptime_ms: int, words: dict[str, str]) -> str:
    """The scenario of this name, its words filled in. ``codec`` is as in ``L16/44100/2``."""
    sdp = _SDP
    for word, value in (
        ("PORT", "media_port" if echo else "rtpstream_audio_port"),
        ("NUMBER", str(_STATIC.get(codec, 97))),
        ("CODEC", codec.removesuffix("/1")),
        ("PTIME", str(ptime_ms)),
    ):
        sdp = sdp.replace(word, value)
    known = {
        "REQUEST_REST": _REST,
        "REQUEST": _VIA + _REST,
        "REPLY": _FIRST + _CONTACT,
        "BARE": _FIRST,
        "AGAIN": _WITHIN + _CONTACT,
        "EMPTY": "Content-Length: 0\n",
        "STREAM": "" if echo else _STREAM,
        "PAUSE": "600",
        **words,
    }

    def filled(found: re.Match[str]) -> str:
        word, number = found[1], found[2]
        if number:
            return sdp.replace("VERSION", number).replace("ADDRESS", _ADDRESSES[word])
        return known[word]

    return re.sub(r"\$([A-Z_]+)(\d?)", filled, (FOLDER / f"{name}.xml").read_text())
