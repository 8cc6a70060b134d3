"""The configuration file: TOML, whose keys are named as the flags are and checked as the flags are.

::

    [network]  local-ip local-sip-port local-rtp-port
    [sound]    audio audio-file input output volume voice ring-tone ringback ring-output
    [call]     auto-answer codecs ptime buffer redundancy silence-suppression max-calls
    [screen]   ascii background title bell notify mouse ask panes
    [keys]     what is done = its key or a list of keys;  [keys.VIEW] the same for what only that view does
    [colours]  a style = colour words

Keys, colours and panes are only read here: the face that has them knows which there are. Whatever is wrong is one
ConfigError that names the file, the line, what is wrong there and what is allowed.
"""

from __future__ import annotations

import argparse
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from engine.config import Config, ConfigError, ConfigText
from engine.install import pip_line

SWITCH, NUMBER, TEXT, WORDS, TEXT_OR_NUMBER, TEXT_OR_WORDS, SECONDS = (
    "true or false",
    "a number",
    'a text such as "this"',
    'a list such as ["this", "that"]',
    'a text such as "this", or a number',
    'a text such as "this", or a list of them',
    "true, false or a number of seconds",
)
SECTIONS: dict[str, dict[str, str]] = {
    "network": {"local-ip": TEXT, "local-sip-port": NUMBER, "local-rtp-port": NUMBER},
    "sound": {
        "audio": TEXT,
        "audio-file": TEXT,
        "input": TEXT,
        "output": TEXT,
        "volume": NUMBER,
        "voice": TEXT_OR_WORDS,
        "ring-tone": TEXT,
        "ringback": TEXT,
        "ring-output": TEXT,
    },
    "call": {
        "auto-answer": SECONDS,
        "codecs": WORDS,
        "ptime": NUMBER,
        "buffer": TEXT,
        "redundancy": TEXT_OR_NUMBER,
        "silence-suppression": SWITCH,
        "max-calls": NUMBER,
    },
    "screen": {
        "ascii": SWITCH,
        "background": TEXT,
        "title": SWITCH,
        "bell": SWITCH,
        "notify": SWITCH,
        "mouse": SWITCH,
        "ask": SWITCH,
        "panes": WORDS,
    },
}
FREE = ("keys", "colours")  # sections whose keys are the face's
FILES = ("audio-file", "ring-tone", "ringback")  # a relative path starts at the folder of the file that names it
_KINDS: dict[str, tuple[type, ...]] = {
    SWITCH: (bool,),
    NUMBER: (int, float),
    TEXT: (str,),
    WORDS: (list,),
    TEXT_OR_NUMBER: (str, int),
    TEXT_OR_WORDS: (str, list),
    SECONDS: (bool, int, float),
}


@dataclass(frozen=True, slots=True)
class Contents:
    """What a file says: ``options`` by the names that argparse gives the flags."""

    options: dict[str, Any] = field(default_factory=dict)
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    colours: dict[str, str] = field(default_factory=dict)
    panes: tuple[str, ...] | None = None


def parse(file: ConfigText, flags: argparse.ArgumentParser) -> Contents:
    """The file as checked values; raises ConfigError."""
    return _Reader(file, flags).read()


def line_of(text: str, section: str, key: str = "") -> int | None:
    """The line, from 1, where a key of a section stands, or the section itself; None where it is written otherwise
    (a dotted key, an inline table)."""
    inside = not section
    for number, line in enumerate(text.split("\n"), 1):
        if _HEADER.match(line):
            inside = is_header(line, section)
            if inside and not key:
                return number
        elif inside and key and is_key(line, key):
            return number
    return None


_HEADER = re.compile(r"\s*\[\s*([^\[\]]+?)\s*\]")


def is_header(line: str, section: str) -> bool:
    """Does this line begin that section?"""
    header = _HEADER.match(line)
    return header is not None and re.sub(r"[\s\"']", "", header[1]) == section


def is_key(line: str, key: str) -> bool:
    """Does a value of that key begin in this line?"""
    return re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line) is not None


def tables(file: ConfigText) -> dict[str, Any]:
    """What a file says, unchecked; raises ConfigError where it is not TOML, or nothing here reads that."""
    toml = toml_reader()
    if toml is None:
        how = pip_line("tomli")
        raise ConfigError(f"{file.path}: cannot be read on this Python: {how} (or give --no-config)")
    try:
        read: dict[str, Any] = toml.loads(file.text)
    except (ValueError, RecursionError) as error:  # TOMLDecodeError; and a number of thousands of digits
        raise ConfigError(f"{file.path}: this is not TOML: {' '.join(str(error).split())}") from None
    return read


def closest(word: str, known: Iterable[str]) -> str:
    """``: did you mean ...?`` or, where nothing is near, what there is."""
    import difflib  # a file that is right never needs it

    names = list(known)
    near = difflib.get_close_matches(word, names, 1, 0.7)
    return f": did you mean {near[0]}?" if near else f": there are {', '.join(names)}"


class _Reader:
    """One file being read."""

    def __init__(self, file: ConfigText, flags: argparse.ArgumentParser) -> None:
        self._file = file
        self._flags = {option: action for action in flags._actions for option in action.option_strings}
        self._contents = Contents()

    def read(self) -> Contents:
        panes: tuple[str, ...] | None = None
        for section, table in tables(self._file).items():
            if section not in SECTIONS and section not in FREE:
                raise self._wrong("", section, f"there is no '{section}'{self._place_for(section)}")
            if not isinstance(table, dict):
                raise self._wrong("", section, f"'{section}' is the name of a section: write [{section}]")
            if section == "keys":
                self._read_keys(table, section)
            elif section == "colours":
                self._read_colours(table)
            else:
                self._read_section(section, {key: value for key, value in table.items() if key != "panes"})
                if section == "screen" and "panes" in table:
                    panes = self._words(section, "panes", table["panes"])
        return Contents(self._contents.options, self._contents.keys, self._contents.colours, panes)

    def _read_section(self, section: str, table: dict[str, Any]) -> None:
        for key, value in table.items():
            kind = SECTIONS[section].get(key)
            if kind is None:
                raise self._wrong(section, key, f"there is no '{key}'{self._place_for(key, section)}")
            action = self._flags[f"--{key}"]
            self._contents.options[action.dest] = self._value(section, key, kind, value, action)

    def _value(self, section: str, key: str, kind: str, value: Any, action: argparse.Action) -> Any:
        """One value, checked by what checks the flag of its name."""
        if not isinstance(value, _KINDS[kind]) or (isinstance(value, bool) and bool not in _KINDS[kind]):
            raise self._wrong(section, key, f"{key} is to be {kind}")
        if kind == SWITCH:
            return value
        if isinstance(value, bool):
            return 0.0 if value else None
        if isinstance(value, list):
            text = ",".join(self._words(section, key, value))
        else:
            text = str(value)
        if action.choices is not None and text not in action.choices:
            raise self._wrong(section, key, f"{key}: '{text}'{closest(text, action.choices)}")
        try:
            checked = action.type(text) if callable(action.type) else text
        except (argparse.ArgumentTypeError, ConfigError) as error:
            raise self._wrong(section, key, f"{key}: {error}") from None
        return self._from_here(text) if key in FILES and text != "off" else checked

    def _from_here(self, path: str) -> str:
        return os.path.join(os.path.dirname(self._file.path), os.path.expanduser(path))

    def _words(self, section: str, key: str, value: Any) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self._wrong(section, key, f"{key} is to be {WORDS}")
        return tuple(value)

    def _read_keys(self, table: dict[str, Any], section: str) -> None:
        prefix = section.removeprefix("keys").removeprefix(".")
        for does, value in table.items():
            if isinstance(value, dict) and not prefix:
                self._read_keys(value, f"keys.{does}")
                continue
            names = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else ()
            if not names or not all(isinstance(name, str) and name for name in names):
                raise self._wrong(section, does, f'{does} is to be a key such as "m", or a list of them')
            self._contents.keys[f"{prefix}.{does}" if prefix else does] = names

    def _read_colours(self, table: dict[str, Any]) -> None:
        for style, words in table.items():
            if not isinstance(words, str):
                raise self._wrong("colours", style, f'{style} is to be a text such as "bright yellow bold"')
            self._contents.colours[style] = words

    def _place_for(self, key: str, section: str = "") -> str:
        """Where a name that is not known here belongs."""
        others = [name for name, keys in SECTIONS.items() if key in keys and name != section]
        if others:
            return f" here: it belongs below [{others[0]}]"
        return closest(key, SECTIONS[section] if section else (*SECTIONS, *FREE))

    def _wrong(self, section: str, key: str, text: str) -> ConfigError:
        return complaint(self._file, section, key, text)


def complaint(file: ConfigText, section: str, key: str, text: str) -> ConfigError:
    """What is wrong with a key, with the line where it stands. A key of the top level may be a section."""
    line = line_of(file.text, section, key) or (None if section else line_of(file.text, key))
    place = file.path if line is None else f"{file.path}, line {line}"
    return ConfigError(f"{place}: {f'[{section}] ' if section else ''}{text}")


def placed(config: Config | None, text: str) -> str:
    """What was found to be wrong by whoever uses a value, with the place of that value where it is the file's."""
    if config is None or config.file is None:
        return text
    for dest, (section, key) in _JUDGED_LATER.items():
        if dest in config.of_file and _is_about(text, key, getattr(config, dest)):
            flag = f"--{key}"
            said = text[2:] if text.startswith(flag) else f"{key}: {text}"
            return str(complaint(config.file, section, key, said))
    return text


_JUDGED_LATER = {  # by the name of the option; what is the most particular comes first
    "codecs": ("call", "codecs"),
    "audio_file": ("sound", "audio-file"),
    "ring_tone": ("sound", "ring-tone"),
    "ringback": ("sound", "ringback"),
    "input_name": ("sound", "input"),
    "output_name": ("sound", "output"),
    "ring_output": ("sound", "ring-output"),
    "voice": ("sound", "voice"),
    "local_ip": ("network", "local-ip"),
    "local_sip_port": ("network", "local-sip-port"),
    "local_rtp_port": ("network", "local-rtp-port"),
    "audio": ("sound", "audio"),
}


def _is_about(text: str, key: str, value: object) -> bool:
    """Does it name the flag, or the value? "device" is a word of other complaints too."""
    wanted = [f"--{key}"] if key == "audio" or isinstance(value, tuple) else [f"--{key}", str(value)]
    return any(re.search(rf"(?<![\w.-]){re.escape(word)}(?![\w.-])", text) for word in wanted)


def toml_reader() -> Any:
    """The module that reads TOML; None where there is none."""
    try:
        import tomllib
    except ImportError:  # Python 3.10
        try:
            import tomli
        except ImportError:
            return None
        return tomli
    return tomllib
