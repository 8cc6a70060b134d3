"""Bytes of a terminal to key names, and the terminal's answers filtered out of them.

A state machine over bytes: feed what was read, take names out. Rules:

- A character is its own name ("a", "é", " "). Others: Enter, Tab, BackTab, Escape, Backspace, Delete, Insert,
  Up, Down, Left, Right, Home, End, PageUp, PageDown, F1 to F20, "Ctrl-A", "Alt-x", "Ctrl-Up", "Shift-Up".
- ESC alone and the beginning of a sequence look the same. ESC that stands alone is taken for the key after
  ``ESCAPE_S``, anything else that is incomplete after ``SEQUENCE_S``; nobody waits for that inside a call: ``deadline``
  says when to look again. Where a slow line brings the rest of a sequence after all (``[`` or ``O`` next), it is still
  read as one: its letters and digits, the terminal's answers among them, are no keys.
- A pasted text (bracketed paste) is one key, "Paste:" and the text.
- The answer to a status request (``CSI 0 n``) is counted in ``answers`` wherever it comes, inside a paste too.
- So is what it says of synchronised output (``CSI ? 2026 ; n $ y``), which makes ``synchronises`` true where it can.
- A press of the mouse (SGR, ``CSI < b ; x ; y M``) is "Click:x,y", counted from 0; its wheel is WheelUp, WheelDown.
- A sequence that means nothing to us is swallowed whole, never typed into a prompt.

What a terminal sends for its keys is learnt from ECMA-48, xterm, the Linux console, rxvt and the VT100; a table
of further sequences (from terminfo, for a terminal of another kind) may be given.
"""

from __future__ import annotations

import re

ESCAPE_S = 0.025
SEQUENCE_S = 0.5
PASTE_SILENCE_S = 1.0  # a paste whose end got lost ends so long after its last byte
MAX_PASTE_BYTES = 65_536
MAX_SEQUENCE_BYTES = 256

_FINALS = {
    "A": "Up", "B": "Down", "C": "Right", "D": "Left", "H": "Home", "F": "End", "Z": "BackTab", "E": "Begin",
    "P": "F1", "Q": "F2", "R": "F3", "S": "F4",
}  # fmt: skip
_TILDES = {
    1: "Home", 2: "Insert", 3: "Delete", 4: "End", 5: "PageUp", 6: "PageDown", 7: "Home", 8: "End",
    11: "F1", 12: "F2", 13: "F3", 14: "F4", 15: "F5", 17: "F6", 18: "F7", 19: "F8", 20: "F9", 21: "F10",
    23: "F11", 24: "F12", 25: "F13", 26: "F14", 28: "F15", 29: "F16", 31: "F17", 32: "F18", 33: "F19", 34: "F20",
}  # fmt: skip
_LINUX_F_KEYS = {"A": "F1", "B": "F2", "C": "F3", "D": "F4", "E": "F5"}
# The VT100's keypad in application mode: the digits of a telephone.
_KEYPAD = {
    **{chr(ord("p") + digit): str(digit) for digit in range(10)},
    "M": "Enter", "j": "*", "k": "+", "l": ",", "m": "-", "n": ".", "o": "/", "X": "=", "I": "Tab",
    "a": "Ctrl-Up", "b": "Ctrl-Down", "c": "Ctrl-Right", "d": "Ctrl-Left",
}  # fmt: skip
_CONTROLS = {
    0x00: "Ctrl-Space", 0x08: "Backspace", 0x09: "Tab", 0x0A: "Enter", 0x0D: "Enter",
    0x1C: "Ctrl-\\", 0x1D: "Ctrl-]", 0x1E: "Ctrl-^", 0x1F: "Ctrl-_", 0x7F: "Backspace",
}  # fmt: skip

_CSI = re.compile(rb"\x1b\[([0-?]*)[ -/]*([@-~])")
_CSI_SO_FAR = re.compile(rb"\x1b\[[0-?]*[ -/]*\Z")
_SYNCHRONISED = re.compile(rb"\x1b\[\?2026;(\d)\$y")
_STRING_END = re.compile(rb"\x07|\x1b\\|\x9c")
_PASTE_START, _PASTE_END, _ANSWER = b"\x1b[200~", b"\x1b[201~", b"\x1b[0n"

# By their names in terminfo, and in curses (KEY_...).
TERMINFO_KEYS = {
    "kcuu1": "Up", "kcud1": "Down", "kcuf1": "Right", "kcub1": "Left", "khome": "Home", "kend": "End",
    "kpp": "PageUp", "knp": "PageDown", "kdch1": "Delete", "kich1": "Insert", "kcbt": "BackTab", "kent": "Enter",
    **{f"kf{number}": f"F{number}" for number in range(1, 13)},
}  # fmt: skip
CONSOLE_KEYS = {
    "UP": "Up", "DOWN": "Down", "LEFT": "Left", "RIGHT": "Right", "HOME": "Home", "END": "End", "IC": "Insert",
    "PPAGE": "PageUp", "NPAGE": "PageDown", "DC": "Delete", "BTAB": "BackTab", "BACKSPACE": "Backspace",
    "ENTER": "Enter", **{f"F{number}": f"F{number}" for number in range(1, 13)},
}  # fmt: skip


class KeyDecoder:
    """Bytes in, key names out. ``answers`` counts status reports (``CSI 0 n``) since the start."""

    def __init__(self, extra: dict[bytes, str] | None = None) -> None:
        self.answers = 0
        self.synchronises = False  # the terminal has said that it can show a frame at once
        self._extra = extra or {}
        self._longest_extra = max(map(len, self._extra), default=0)
        self._bytes = b""
        self._paste: bytearray | None = None
        self._last_byte_at = 0.0
        self._rest_until = float("-inf")  # what ESC, taken for the key, began after all may go on until then

    def feed(self, data: bytes, now: float) -> list[str]:
        """The keys that are complete with ``data``."""
        if data:
            if now < self._rest_until and data[:1] in (b"[", b"O"):
                data = b"\x1b" + data
            self._rest_until = float("-inf")
            self._last_byte_at = now
            self._bytes += data
        return self._take()

    def deadline(self) -> float | None:
        """When ``expire`` has something to decide."""
        if self._paste is not None:
            return self._last_byte_at + PASTE_SILENCE_S
        if not self._bytes:
            return None
        return self._last_byte_at + (ESCAPE_S if self._bytes == b"\x1b" else SEQUENCE_S)

    def expire(self, now: float) -> list[str]:
        """What is incomplete for too long was meant as it stands: ESC, Alt-[, the end of a paste."""
        deadline = self.deadline()
        if deadline is None or now < deadline:
            return []
        if self._paste is not None:
            self._paste += self._bytes
            self._bytes = b""
            return self._end_paste()
        key = self._as_typed(self._bytes)
        if key is None:  # half a sequence or half a character: of no use to anybody
            self._bytes = b""
            return []
        if self._bytes == b"\x1b":
            self._rest_until = now + SEQUENCE_S
        name, used = key
        self._bytes = self._bytes[used:]
        return [name, *self._take()]

    def reset(self) -> None:
        """Forget what is incomplete."""
        self._bytes = b""
        self._paste = None
        self._rest_until = float("-inf")

    # -------------------------------------------------------------- the machine

    def _take(self) -> list[str]:
        keys: list[str] = []
        while self._bytes:
            if self._paste is not None:
                if not self._take_paste(keys):
                    break
                continue
            name, used = self._next(self._bytes)
            if used == 0:
                break
            self._bytes = self._bytes[used:]
            if name == "Paste":
                self._paste = bytearray()
            elif name:
                keys.append(name)
        return keys

    def _next(self, data: bytes) -> tuple[str, int]:
        """The first key in ``data`` and its length; ("", n) swallows n bytes, ("", 0) needs more."""
        if self._extra:
            name, used = self._from_table(data)
            if name or used:
                return name, max(used, 0)
        first = data[0]
        if first == 0x1B:
            return self._escape(data)
        if first < 0x20 or first == 0x7F:
            return control_name(chr(first)), 1
        if first < 0x80:
            return chr(first), 1
        return _character(data)

    def _from_table(self, data: bytes) -> tuple[str, int]:
        """A sequence of the given table: its name and length, or ("", -1) when one may be beginning."""
        for length in range(min(len(data), self._longest_extra), 0, -1):
            if data[:length] in self._extra:
                return self._extra[data[:length]], length
        if len(data) < self._longest_extra and any(known.startswith(data) for known in self._extra):
            return "", -1
        return "", 0

    def _escape(self, data: bytes) -> tuple[str, int]:
        if len(data) == 1:
            return "", 0
        second = data[1]
        if second == 0x1B:
            return "Escape", 1
        if second == ord("["):
            return self._csi(data)
        if second == ord("O"):
            return _ss3(data)
        if second in b"]P_^X":  # OSC, DCS, APC, PM, SOS: answers nobody asked for
            return _string(data)
        name, used = self._next(data[1:])
        return (f"Alt-{name}", used + 1) if name else ("", used + 1 if used else 0)

    def _csi(self, data: bytes) -> tuple[str, int]:
        if data[:3] == b"\x1b[[":  # the Linux console's F1 to F5
            if len(data) == 3:
                return "", 0
            return _LINUX_F_KEYS.get(chr(data[3]), ""), 4
        match = _CSI.match(data)
        if match is None:
            if _CSI_SO_FAR.match(data) and len(data) < MAX_SEQUENCE_BYTES:
                return "", 0
            return "", _length_of_broken(data)
        whole = match.group()
        if whole == _ANSWER:
            self.answers += 1
            return "", len(whole)
        if (told := _SYNCHRONISED.fullmatch(whole)) is not None:
            self._note_synchronised(told)
            return "", len(whole)
        if whole == _PASTE_START:
            return "Paste", len(whole)
        return _csi_name(match.group(1).decode("ascii"), chr(match.group(2)[0])), len(whole)

    def _note_synchronised(self, told: re.Match[bytes]) -> None:
        self.synchronises = told[1] in (b"1", b"2")  # set or reset: it knows the mode, and it can be changed

    @staticmethod
    def _as_typed(data: bytes) -> tuple[str, int] | None:
        """The key at the start of an incomplete sequence, taken by itself."""
        if data[:1] != b"\x1b":
            return None
        if len(data) == 1:
            return "Escape", 1
        if len(data) == 2 and 0x20 < data[1] < 0x7F:
            return f"Alt-{chr(data[1])}", 2
        return None

    # -------------------------------------------------------------- paste

    def _take_paste(self, keys: list[str]) -> bool:
        """Move bytes into the paste; False when its end is still to come."""
        assert self._paste is not None
        head, end, tail = self._bytes.partition(_PASTE_END)
        if end:
            self._paste += head
            self._bytes = tail
            keys += self._end_paste()
            return True
        keep = _partial_suffix(self._bytes)  # the end may be cut in two by the line
        cut = len(self._bytes) - keep
        room = 2 * MAX_PASTE_BYTES - len(self._paste)
        self._paste += self._bytes[:cut][: max(0, room)]
        self._bytes = self._bytes[cut:]
        return False

    def _end_paste(self) -> list[str]:
        assert self._paste is not None
        pasted = bytes(self._paste)
        self._paste = None
        self.answers += pasted.count(_ANSWER)
        for told in _SYNCHRONISED.finditer(pasted):
            self._note_synchronised(told)
        pasted = _SYNCHRONISED.sub(b"", pasted.replace(_ANSWER, b""))[:MAX_PASTE_BYTES]
        return ["Paste:" + pasted.decode("utf-8", "ignore")] if pasted else []


def control_name(char: str) -> str:
    """The key name of an ASCII control character; "" for any other."""
    code = ord(char)
    if code == 0x1B:
        return "Escape"
    if code < 0x20 or code == 0x7F:
        return _CONTROLS.get(code) or f"Ctrl-{chr(code + 0x40)}"
    return ""


def _partial_suffix(data: bytes) -> int:
    """How many bytes at the end of ``data`` may be the beginning of the end of a paste."""
    for length in range(min(len(data), len(_PASTE_END) - 1), 0, -1):
        if _PASTE_END.startswith(data[-length:]):
            return length
    return 0


def _csi_name(parameters: str, final: str) -> str:
    if parameters[:1] == "<" and final == "M":
        return _mouse_name(parameters[1:])
    if parameters[:1] in ("<", "=", ">", "?"):
        return ""  # an answer, not a key
    numbers = [int(part) if part.isdecimal() else 0 for part in parameters[:40].split(";")]
    modifier = _modifier(numbers[1]) if len(numbers) > 1 else ""
    if final in "~^$@":
        name = _TILDES.get(numbers[0], "")
        modifier = {"^": "Ctrl-", "$": "Shift-", "@": "Ctrl-Shift-"}.get(final, modifier)  # rxvt
    elif final in "abcd" and not parameters:
        name, modifier = _FINALS[final.upper()], "Shift-"  # rxvt
    elif final == "R" and numbers[0] != 1:
        return ""  # a cursor position, not F3
    else:
        name = _FINALS.get(final, "")
    return modifier + name if name else ""


def _mouse_name(parameters: str) -> str:
    numbers = [int(part) if part.isdecimal() else 0 for part in parameters[:40].split(";")]
    if len(numbers) != 3:
        return ""
    button, x, y = numbers
    if button in (64, 65):
        return "WheelUp" if button == 64 else "WheelDown"
    return f"Click:{x - 1},{y - 1}" if button == 0 and x > 0 and y > 0 else ""


def _modifier(number: int) -> str:
    bits = max(0, number - 1)
    return ("Ctrl-" if bits & 4 else "") + ("Alt-" if bits & 10 else "") + ("Shift-" if bits & 1 else "")


def _ss3(data: bytes) -> tuple[str, int]:
    if len(data) == 2:
        return "", 0
    third = chr(data[2])
    if third.isdecimal() and len(data) == 3:  # ESC O 5 A: an old way to write Ctrl-Up
        return "", 0
    if third.isdecimal():
        name = _FINALS.get(chr(data[3]), "")
        return (_modifier(int(third)) + name if name else ""), 4
    return _FINALS.get(third) or _KEYPAD.get(third, ""), 3


def _string(data: bytes) -> tuple[str, int]:
    """A control string with its end; one that is too long is swallowed as far as it came."""
    end = _STRING_END.search(data, 2)
    if end:
        return "", end.end()
    return "", len(data) if len(data) >= MAX_SEQUENCE_BYTES else 0


def _length_of_broken(data: bytes) -> int:
    """Bytes to swallow of a CSI sequence that something else broke off."""
    for index in range(2, min(len(data), MAX_SEQUENCE_BYTES)):
        if not 0x20 <= data[index] < 0x40:
            return index
    return min(len(data), MAX_SEQUENCE_BYTES)


def _character(data: bytes) -> tuple[str, int]:
    """One UTF-8 character; bytes that are none are swallowed."""
    first = data[0]
    length = 2 if 0xC2 <= first <= 0xDF else 3 if 0xE0 <= first <= 0xEF else 4 if 0xF0 <= first <= 0xF4 else 0
    if length == 0:
        return "", 1
    follow = data[1:length]
    if any(byte & 0xC0 != 0x80 for byte in follow):
        return "", 1
    if len(follow) < length - 1:
        return "", 0
    try:
        char = data[:length].decode("utf-8")
    except UnicodeDecodeError:
        return "", 1
    return ("" if 0x80 <= ord(char) < 0xA0 else char), length
