"""The settings in words: what there is to choose and what is chosen, and what ``set NAME VALUE`` means.

Names and values are those of the configuration file, where they are saved.
"""

from __future__ import annotations

from engine import model
from engine.model import Snapshot
from widgets import devices, figures, text

NAMES = (*devices.WAYS, "volume", "codecs", "buffer")
SYSTEM = "system"  # the device that the system chooses
LEAST_DB, MOST_DB = -40.0, 12.0
SILENT_DBFS = -96.0


class SettingError(ValueError):
    """One clear line about what was to be set."""


def lines(snapshot: Snapshot) -> list[str]:
    """Every setting with its choices, and whether it is saved; a line each."""
    settings = snapshot.settings
    left_out = f"; left out: {', '.join(settings.other_codecs)}" if settings.other_codecs else ""
    told = [
        *(f"{way}: {_device(snapshot, way)}" for way in devices.WAYS),
        f"volume: {snapshot.sound.volume_db:+.0f} dB",
        f"codecs: {', '.join(settings.codecs)}{left_out}",
        f"buffer: {_range(settings.buffer_ms)}",
        _saved(settings),
    ]
    return [text.stripped(line) for line in told]


def _device(snapshot: Snapshot, way: str) -> str:
    there, place = snapshot.sound.devices, devices.WAYS.index(way)
    if there is None or (way == "input" and not there.captures):
        return f"nothing to choose ({snapshot.sound.note or snapshot.sound.kind})"
    known, chosen = devices.names(there, way), there.chosen[place]
    usual = f" ({there.usual[place]})" if there.usual[place] else ""
    name = f"what the system chooses{usual}" if chosen is None else devices.found(known, chosen) or f"{chosen} (gone)"
    return f"{name}; there are {', '.join(known)}" if known else f"{name}; none was found"


def _range(bounds_ms: tuple[float, float]) -> str:
    return f"{bounds_ms[0]:.0f} to {bounds_ms[1]:.0f} ms"


def _saved(settings: model.SettingsView) -> str:
    if settings.path is None:
        return "nothing is saved: no configuration file is used here"
    if settings.unsaved:
        return f"not saved yet: {', '.join(settings.unsaved)}; save writes them into {settings.path}"
    return f"nothing is left to save; kept in {settings.path}"


def command(typed: str, snapshot: Snapshot) -> model.Command:
    """What ``set NAME VALUE`` means; raises SettingError."""
    name, _, value = typed.strip().partition(" ")
    fitting = [known for known in NAMES if name and known.startswith(name.lower())]
    if len(fitting) != 1:
        raise SettingError(f"set takes {', '.join(NAMES[:-1])} or {NAMES[-1]}, as in: set buffer 40-200")
    name, value = fitting[0], value.strip()
    if name in devices.WAYS:
        return _choose(name, value, snapshot)
    if name == "volume":
        return _volume(value, snapshot)
    if name == "codecs":
        return _codecs(value, snapshot)
    return _buffer(value)


def _choose(way: str, value: str, snapshot: Snapshot) -> model.Command:
    there = snapshot.sound.devices
    if there is None or (way == "input" and not there.captures):
        raise SettingError(f"{way}: no sound card is used for this, there is nothing to choose")
    if value.lower() == SYSTEM:
        return model.SetDevice(way, None)
    known = devices.names(there, way)
    name = devices.found(known, value) if value else None
    if name is None:
        what = f"there is no device {text.clip(text.stripped(value), 40, '...')}" if value else "which device?"
        raise SettingError(text.stripped(f"{way}: {what}: type {SYSTEM} for the usual one, or {_listed(known)}"))
    return model.SetDevice(way, name)


def _listed(known: list[str]) -> str:
    return f"one of {', '.join(known)}" if known else "look for some with devices"


def _volume(value: str, snapshot: Snapshot) -> model.Command:
    try:
        volume_db = float(value.lower().removesuffix("db"))
    except ValueError:
        volume_db = float("nan")
    if not LEAST_DB <= volume_db <= MOST_DB:
        raise SettingError(f"volume takes {LEAST_DB:.0f} to {MOST_DB:.0f} decibels, as in: set volume -6")
    return model.SetVolume(volume_db - snapshot.sound.volume_db)


def _codecs(value: str, snapshot: Snapshot) -> model.Command:
    names = tuple(value.replace(",", " ").split())
    if not names:
        there = (*snapshot.settings.codecs, *snapshot.settings.other_codecs)
        raise SettingError(text.stripped(f"codecs takes some of {', '.join(there)}, the best one first"))
    return model.SetCodecs(names)


def _buffer(value: str) -> model.Command:
    try:
        least_ms, most_ms = (float(part) for part in value.lower().removesuffix("ms").replace("-", " ").split())
    except ValueError:
        raise SettingError("buffer takes the least and the most in milliseconds, as in: set buffer 40-200") from None
    return model.SetBuffer(least_ms, most_ms)


def refused(wanted: model.Command, snapshot: Snapshot) -> str:
    """Why a device cannot be tried or looked for; "" where it can, and for what is none of these."""
    sound = snapshot.sound
    if isinstance(wanted, model.TryMicrophone) and sound.kind not in ("device", "file"):
        return "there is no microphone to be tried"
    if isinstance(wanted, model.TryLoudspeaker) and sound.devices is None:
        return "there is no loudspeaker to be tried"
    return "no sound card is used here" if isinstance(wanted, model.FindDevices) and sound.devices is None else ""


def done(wanted: model.Command, snapshot: Snapshot) -> str:
    """What has come of a setting; "" for what is none of these."""
    settings = snapshot.settings
    if isinstance(wanted, model.SetDevice):
        line = f"{wanted.direction}: {wanted.name or 'what the system chooses'}"
    elif isinstance(wanted, model.SetCodecs):
        line = f"codecs from the next call on: {', '.join(settings.codecs)}"
    elif isinstance(wanted, model.SetBuffer):
        line = f"the jitter buffer waits {_range(settings.buffer_ms)}"
    elif isinstance(wanted, model.SaveSettings):
        line = f"saved in {settings.path}"
    elif isinstance(wanted, model.FindDevices):
        line = "looking for sound devices: type settings to hear which there are"
    elif isinstance(wanted, model.TryLoudspeaker):
        line = "a tone is to be heard"
    elif isinstance(wanted, model.TryMicrophone):
        line = microphone(snapshot)
    else:
        line = ""
    return text.stripped(line)


def microphone(snapshot: Snapshot) -> str:
    """How loud it is, where it is tried."""
    settings = snapshot.settings
    if not settings.listening:
        return "the microphone is closed"
    if settings.level.peak_hold_dbfs <= SILENT_DBFS:
        return "the microphone is open for its level alone: type listen again to hear how loud it is"
    level = settings.level
    return f"the microphone: {figures.dbfs(level.rms_dbfs)}, at the most {figures.dbfs(level.peak_hold_dbfs)}"
