"""URIs and the addresses that carry them (RFC 3261 sections 19.1 and 20.10)."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.sip.grammar import SipError
from engine.sip.uri import NameAddr, Uri

FAST = settings(max_examples=100, deadline=None)


@pytest.mark.parametrize(
    ("text", "user", "host", "port", "params"),
    [
        ("sip:bob@example.com", "bob", "example.com", None, {}),
        ("SIP:bob@example.com:5080;transport=udp;lr", "bob", "example.com", 5080, {"transport": "udp", "lr": None}),
        ("sips:192.0.2.4", None, "192.0.2.4", None, {}),
        ("sip:[2001:db8::10]:5070", None, "2001:db8::10", 5070, {}),
        ("sip:[2001:db8::10:5070]", None, "2001:db8::10:5070", None, {}),
        ("sip:user@[2001:db8:::192.0.2.1]", "user", "2001:db8::192.0.2.1", None, {}),
        ("sip:user;par=u%40example.net@example.com", "user;par=u%40example.net", "example.com", None, {}),
        ("sip:a/b?c@example.com", "a/b?c", "example.com", None, {}),
        ("sip:h;%6C%72;n%61me=v%61lue%25%34%31", None, "h", None, {"lr": None, "name": "v%61lue%25%34%31"}),
        ("sip:h;a/[b]:&+$=1", None, "h", None, {"a/[b]:&+$": "1"}),
        ("sip:bob@host;", "bob", "host", None, {}),
        ("sip:bob@host;x=1;x=2", "bob", "host", None, {"x": "1"}),
    ],
)
def test_the_parts_of_a_sip_uri(text, user, host, port, params):
    uri = Uri.parse(text)
    assert (uri.user, uri.host, uri.port, uri.params) == (user, host, port, params)


def test_password_and_headers():
    uri = Uri.parse("sip:anna:secret@h?subject=hi&to=a%40b")
    assert (uri.user, uri.password, uri.headers) == ("anna", "secret", {"subject": "hi", "to": "a%40b"})
    assert str(uri) == "sip:anna:secret@h?subject=hi&to=a%40b"
    assert str(uri.without_headers()) == "sip:anna:secret@h"


@pytest.mark.parametrize("text", ["tel:+4930123;phone-context=x", "soap.beep://192.0.2.103:3002", "isbn:2983792873"])
def test_other_schemes_keep_their_text(text):
    uri = Uri.parse(text)
    assert str(uri) == text and uri.host == "" and uri.address()[0] == ""


@pytest.mark.parametrize(
    "text",
    [
        "", "bob", "sip:", "tel:", ":bob@host", "1sip:a@b", "sip:@host", "sip:bob@", "sip:bob@host:", "sip:bob@host:x",
        "sip:bob@host:0", "sip:bob@host:65536", "sip:bob@host:-1", "sip:2001:db8::10", "sip:[2001:db8::10",
        "sip:[::1]x", "sip:[1.2.3.4]", "sip:[:::1]", "sip:[1::::1.2.3.4]", "sip:[::1%\x7f]", "sip:[::1%]",
        "sip:bob@ho st", "sip:bob@host\x00", "<sip:bob@host>", 'sip:"bob"@host', "sip:a@b@c", "sip:bo%zzb@host",
        "sip:bob%4@host", "sip:bob@host;;x", "sip:bob@host;=1", "sip:bob@host;a=%g1", "sip:bob@h\u00f6st", "sip:b@h/x",
    ],
)  # fmt: skip
def test_what_is_no_uri_is_refused(text):
    with pytest.raises(SipError) as caught:
        Uri.parse(text)
    assert caught.value.status == 400


def test_where_a_request_to_a_uri_goes():
    assert Uri.parse("sip:bob@h").address() == ("h", 5060)
    assert Uri.parse("sips:bob@[::1]:99").address(5061) == ("::1", 99)
    assert Uri.parse("sip:bob@h:99;maddr=[::2]").address() == ("::2", 99)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [  # RFC 3261 section 19.1.4 has most of these
        ("sip:%61lice@atlanta.com;transport=TCP", "sip:alice@AtLanTa.CoM;Transport=tcp", True),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5", True),
        ("sip:carol@chicago.com;newparam=5", "sip:carol@chicago.com;security=on", True),
        ("sip:alice@[2001:db8::1]", "sip:alice@[2001:DB8:0:0::1]", True),
        ("sip:a@h?Subject=%68i", "sip:a@h?subject=hi", True),
        ("SIP:ALICE@AtLanTa.CoM", "sip:alice@atlanta.com", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp", False),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp", False),
        ("sip:carol@chicago.com", "sip:carol@chicago.com?Subject=next%20meeting", False),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4", False),
        ("sip:a%3Bb@h", "sip:a;b@h", False),
        ("sip:a@h;x=1", "sip:a@h;x=2", False),
        ("sip:bob@h", "sips:bob@h", False),
        ("sip:bob@h", "tel:bob", False),
        ("tel:+49", "tel:+49", True),
    ],
)
def test_when_two_uris_are_the_same(one, other, same):
    assert Uri.parse(one).same(Uri.parse(other)) is same
    assert Uri.parse(other).same(Uri.parse(one)) is same


# ------------------------------------------------------------------ addresses


@pytest.mark.parametrize(
    ("text", "name", "uri", "params"),
    [
        ('"Bell, Alexander" <sip:a.g@h>;tag=43', "Bell, Alexander", "sip:a.g@h", {"tag": "43"}),
        (r'"J \\\"" <sip:j@h>', 'J \\"', "sip:j@h", {}),
        ("caller<sip:c@h>;tag=323", "caller", "sip:c@h", {"tag": "323"}),
        ("token1~` token2 <sip:m@h>", "token1~` token2", "sip:m@h", {}),
        ("<sip:c@h;lr>;tag=1", "", "sip:c@h;lr", {"tag": "1"}),
        ("sip:c@h;tag=1", "", "sip:c@h", {"tag": "1"}),
        ('sip:c@h;x="a;b";tag=1', "", "sip:c@h", {"x": '"a;b"', "tag": "1"}),
        ("sip:c(d@h;tag=1", "", "sip:c(d@h", {"tag": "1"}),
        ("< sip:t@h > ; tag = 2", "", "sip:t@h", {"tag": "2"}),
        ('"" <sip:t@h>', "", "sip:t@h", {}),
        ('"<sip:fake@x>" <sip:real@h>', "<sip:fake@x>", "sip:real@h", {}),
        ('<sip:t@h>;p="x>\\",<"', "", "sip:t@h", {"p": '"x>\\",<"'}),
        ("<http://www.example.com>;tag=3", "", "http://www.example.com", {"tag": "3"}),
    ],
)
def test_an_address(text, name, uri, params):
    read = NameAddr.parse(text)
    assert (read.display_name, str(read.uri), read.params) == (name, uri, params)
    assert NameAddr.parse(str(read)) == read


@pytest.mark.parametrize(
    "text",
    [
        "", "<>", "<sip:a@h", '"Mr. J. User <sip:j@h>', '"a" sip:b@h', "Bell, Alex <sip:a@h>", "sip:a@h?Route=%3C",
        "sip:a@h, sip:b@h", "<sip:a@h> x", "<sip:a@h>;;;;x", "<sip:a@h>;tag=1;=", '<sip:a@h>;tag="1', "a:b <sip:a@h>",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(text):
    with pytest.raises(SipError):
        NameAddr.parse(text)


def test_a_tag_is_added_without_touching_the_original():
    plain = NameAddr.parse("<sip:a@h>;x=1")
    assert str(plain.with_tag("t")) == "<sip:a@h>;x=1;tag=t" and plain.tag is None


# ------------------------------------------------------------------ anything at all

hosts = st.sampled_from(["example.com", "192.0.2.1", "2001:db8::1", "a-b.c"])
words = st.text("abcXYZ019-_.!~*'()", min_size=1, max_size=8)
users = st.text("abcZ09-_.!~*'()&=+$,;?/", min_size=1, max_size=10)
tokens = st.text("abcxyz019-_.!~*'+%`", min_size=1, max_size=8)
params = st.dictionaries(words.map(str.lower), st.none() | words, max_size=3)
uris = st.builds(
    Uri, st.sampled_from(["sip", "sips"]), hosts, st.none() | st.integers(1, 65535), users, st.none() | words, params,
    st.dictionaries(words, words, max_size=2),
)  # fmt: skip


@FAST
@given(uris)
def test_what_is_written_reads_the_same(uri):
    assert Uri.parse(str(uri)) == uri and uri.same(Uri.parse(str(uri)))


@FAST
@given(uris, st.text(st.characters(blacklist_categories=["Cs"])), st.dictionaries(tokens, tokens))
def test_any_display_name_survives(uri, name, pairs):
    address = NameAddr(uri, name, pairs)
    assert NameAddr.parse(str(address)) == address


@FAST
@given(st.text() | st.text('sip:@[]%;?&=<>"\\(), a1.'))
def test_any_text_is_a_uri_or_an_error(text):
    for read in (Uri.parse, NameAddr.parse):
        for whole in (text, "sip:" + text, f"<sip:{text}>"):
            try:
                found = read(whole)
            except SipError as error:
                assert error.status == 400
            else:
                assert read(str(found)).uri == found.uri if isinstance(found, NameAddr) else read(str(found)) == found
