"""Changes to the text of a configuration file, line by line: all that its user has written stays, in its order.

A value is put in the place of the one before, its comment behind it; a key that is new stands behind the others of its
section, a section that is new at the end. A value that is taken out, and one of several lines, becomes a comment. What
came of it is read again: where it does not say what was wanted, nothing is changed at all.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from engine.config import ConfigError, ConfigText
from engine.config_file import is_header, is_key, tables

Place = tuple[str, str]  # section and key


def edited(file: ConfigText, changes: Mapping[Place, Any]) -> str:
    """The text with these values; None takes one out. Raises ConfigError where that cannot be done."""
    text = file.text
    for (section, key), value in changes.items():
        text = _with(text, section, key, None if value is None else f"{key} = {literal(value)}")
    wanted = tables(file)
    for (section, key), value in changes.items():
        part = wanted.setdefault(section, {})
        if not isinstance(part, dict):
            raise ConfigError(f"{file.path}: '{section}' is the name of a section: write [{section}]")
        if value is None:
            part.pop(key, None)
        else:
            part[key] = value
    try:
        came = tables(ConfigText(file.path, text))
    except ConfigError:
        came = {}
    if _filled(came) != _filled(wanted):
        wishes = "; ".join(_wish(section, key, value) for (section, key), value in changes.items())
        raise ConfigError(f"{file.path}: it is written in a way that only you can change. To be put there: {wishes}")
    return text


def _wish(section: str, key: str, value: Any) -> str:
    return f"[{section}] {'no ' if value is None else ''}{key}{'' if value is None else f' = {literal(value)}'}"


def literal(value: Any) -> str:
    """A text, a number or a list of them, as TOML writes it."""
    if isinstance(value, str):
        return '"' + "".join(_ESCAPES.get(char) or _escaped(char) for char in value) + '"'
    if isinstance(value, list):
        return f"[{', '.join(map(literal, value))}]"
    return f"{value:g}"


_ESCAPES = {'"': '\\"', "\\": "\\\\"}


def _escaped(char: str) -> str:
    return char if char.isprintable() else f"\\u{ord(char):04X}" if ord(char) < 0x10000 else f"\\U{ord(char):08X}"


def _filled(values: dict[str, Any]) -> dict[str, Any]:
    """Without sections in which nothing is."""
    return {name: value for name, value in values.items() if value != {}}


def _with(text: str, section: str, key: str, wanted: str | None) -> str:
    """One line set, or (None) taken out."""
    lines = text.split("\n")
    end = "\r" if lines[0].endswith("\r") else ""
    begin = next((at for at, line in enumerate(lines) if is_header(line, section)), None)
    if begin is None:
        return text if wanted is None else _with_section(text, section, wanted, end)
    after = next((at for at in range(begin + 1, len(lines)) if lines[at].lstrip().startswith("[")), len(lines))
    place = next((at for at in range(begin + 1, after) if is_key(lines[at], key)), None)
    if place is None:
        if wanted is not None:
            lines.insert(_last_used(lines, begin, after) + 1, wanted + end)
        return "\n".join(lines)
    length = _length(lines, place)
    old = lines[place : place + length]
    if wanted is None or length > 1:
        kept = [f"# {line}" for line in old]
        lines[place : place + length] = kept if wanted is None else [*kept, wanted + end]
    else:
        indent = re.match(r"\s*", old[0])
        line, return_ = (old[0][:-1], "\r") if old[0].endswith("\r") else (old[0], "")
        lines[place] = f"{indent[0] if indent else ''}{wanted}{_comment(line)}{return_}"
    return "\n".join(lines)


def _with_section(text: str, section: str, wanted: str, end: str) -> str:
    gap = f"{end}\n" if text and not text.endswith("\n") else ""
    gap += f"{end}\n" if text else ""
    return f"{text}{gap}[{section}]{end}\n{wanted}{end}\n"


def _last_used(lines: list[str], begin: int, after: int) -> int:
    """The last line of a section that says something: what follows, blank lines and comments, belongs to the next."""
    used = [at for at in range(begin, after) if lines[at].strip() and not lines[at].lstrip().startswith("#")]
    return used[-1]


def _length(lines: list[str], place: int) -> int:
    """How many lines a value takes: as many as it needs to be read."""
    for count in range(1, min(len(lines) - place, 1000) + 1):
        if _is_toml("\n".join(lines[place : place + count])):
            return count
    return 1


def _comment(line: str) -> str:
    """What stands behind the value, with the space before it."""
    for found in re.finditer(r"\s*#", line):
        if _is_toml(line[: found.start()]):
            return line[found.start() :]
    return ""


def _is_toml(text: str) -> bool:
    try:
        tables(ConfigText("", f"{text}\n"))  # it may end in the first half of a line's end
    except ConfigError:
        return False
    return True
