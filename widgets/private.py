"""What is private in a text: users, hosts, names, and what binds messages together.

Most of it stands behind something that is always the same (``sip:``, ``;tag=``, ``"``). That is looked for first, and a
pattern is tried only there: a text in which there is nothing costs nothing, and one that is full of it little more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache

Found = tuple[str, str]  # kind and word
Finder = Callable[[str, str], Iterator[str]]  # in a text, which is there in small letters as well

PUBLIC = {"-", "invalid", "anonymous", "anonymous.invalid", "0.0.0.0", "::", "127.0.0.1", "UDP", "sip"}
SHORTEST = 2
HEADER_LINES, TELLING_LINES, LINE = 100, 12, 200  # of a header at the most; characters of a line
_TELLING = {
    *("from", "f", "to", "t", "contact", "m", "call-id", "i", "via", "v", "referred-by", "b", "refer-to", "r"),
    *("reply-to", "diversion", "p-asserted-identity", "p-preferred-identity", "remote-party-id"),
}
_USER = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.+%-"
_SMALL = {ord(letter): letter.lower() for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}


def _at(needles: str, pattern: str) -> Finder:
    """What a pattern finds that begins with one of these needles (small letters, a space between)."""
    tried = re.compile(pattern, re.I)

    def find(text: str, small: str) -> Iterator[str]:
        for needle in needles.split("|"):
            at = small.find(needle)
            while at >= 0:
                match = tried.match(text, at)
                if match:
                    yield match[1]
                at = small.find(needle, at + 1)

    return find


def _everywhere(pattern: str) -> Finder:
    tried = re.compile(pattern)
    return lambda text, _small: (match[1] for match in tried.finditer(text))


def _plain_names(text: str, small: str) -> Iterator[str]:
    """``From: Anna Berg <sip:...>``: what stands in the line before an address, without quotes."""
    for needle in ("<sip:", "<sips:", "<tel:"):
        at = small.find(needle)
        while at >= 0:
            begin = max(text.rfind("\n", max(0, at - 150), at) + 1, at - 150, 0)
            match = _PLAIN_NAME.fullmatch(text, begin, at)
            if match:
                yield match[1]
            at = small.find(needle, at + 1)


_PLAIN_NAME = re.compile(r"(?:[A-Za-z-]{1,40}:[ \t]*)?([^\s<\":][^<\":\r\n]{0,99})")


def _users(text: str, _small: str) -> Iterator[str]:
    """What stands before an ``@``."""
    at = text.find("@")
    while at >= 0:
        before = text[max(0, at - 100) : at]
        user = before[len(before.rstrip(_USER)) :]
        if user and (text[at + 1 : at + 2].isalnum() or text[at + 1 : at + 2] == "["):
            yield user
        at = text.find("@", at + 1)


_KINDS: tuple[tuple[str, Finder], ...] = (
    ("name", _at('"', r'"((?:[^"\\\r\n]|\\[^\r\n]){1,100})"\s{0,20}<')),
    ("name", _plain_names),
    ("name", _at("\ne=|\ns=|\np=", r"\n[esp]=[^\r\n(]{0,100}\(([^)\r\n]{1,100})\)")),
    ("user", _at("sip:|sips:", r"sips?:([^@>\s:\"<,]{1,500})(?::[^@\s]{0,50})?@")),
    ("user", _at("tel:", r"tel:([^;>\s]{1,50})")),
    ("host", _at("sip:|sips:", r"sips?:(?:[^@;>\s]{1,500}@)?(\[[0-9a-fA-F:.]{2,60}\]|[A-Za-z0-9.-]{1,120})")),
    ("host", _everywhere(r"(?<![\w.])(\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3})(?!\w)")),
    ("host", _at("ip4 ", r"ip4 ([A-Za-z0-9.-]{2,120})")),
    ("user", _at("\ne=", r"\ne=([^@\s]{1,100})@")),
    ("user", _at("\np=", r"\np=([^\r\n(<]{2,60})")),
    ("user", _at('username="', r'username="([^"\r\n]{1,100})"')),
    ("host", _at('realm="', r'realm="([^"\r\n]{1,120})"')),
    ("secret", _at('nonce="|response="|opaque="', r'[a-z]{5,8}="([^"\r\n]{1,300})"')),
    ("subject", _at("\nsubject:|\ns:", r"\n[a-z]{1,7}:[ \t]{0,20}([^\r\n]{1,200})")),
    ("subject", _at("\ns=|\ni=", r"\n[si]=([^\r\n]{1,200})")),
    ("host", _at("ip6 ", r"ip6 ([0-9a-fA-F:.]{2,60})")),
    (
        "host",
        _at("sip", r"sip\s{0,5}/\s{0,5}2\.0\s{0,5}/\s{0,5}[a-z]{2,5}\s{1,20}(\[[^\]\s]{2,60}\]|[A-Za-z0-9.-]{1,120})"),
    ),
    ("host", _at(";received=", r";received=\[?([^];,\s]{2,120})")),
    ("host", _at("@", r"@([A-Za-z0-9][A-Za-z0-9.-]{1,120})")),
    ("user", _users),
    ("call", _at("\ncall-id:|\ni:", r"\n[a-z-]{1,7}:[ \t]{0,20}(\S{1,200})")),
    ("tag", _at(";tag=", r";tag=([^;>\s,]{1,100})")),
    ("branch", _at(";branch=", r";branch=([^;>\s,]{1,150})")),
    ("session", _at("\no=", r"\no=(\S{1,60}) ")),
    ("agent", _at("\nuser-agent:|\nserver:", r"\n[a-z-]{1,10}:[ \t]{0,20}([^\r\n]{1,150})")),
    ("home", _at("/home/|/users/", r"(/(?:home|users)/[^/\s]{1,60})")),
    ("home", _at(r"\users" + "\\", r"(\\users\\[^\\\s]{1,60})")),
)


@lru_cache(maxsize=2000)
def in_text(text: str) -> tuple[Found, ...]:
    """All that is private in it."""
    text = "\n" + text
    small = text.lower() if text.isascii() else text.translate(_SMALL)
    found = ((kind, word.strip()) for kind, find in _KINDS for word in find(text, small))
    return tuple(dict.fromkeys((kind, word) for kind, word in found if len(word) >= SHORTEST and word not in PUBLIC))


@lru_cache(maxsize=1000)
def in_header(text: str) -> tuple[Found, ...]:
    """Of a SIP message who talks with whom, and what binds it to others: the lines that tell that, as far as they are
    of a usual length."""
    lines = text.split("\n", HEADER_LINES)[:HEADER_LINES]
    telling = [line[:LINE] for line in lines if line.partition(":")[0].strip().lower() in _TELLING]
    return in_text("\n".join((lines[0][:LINE], *telling[:TELLING_LINES])))
