"""What can be changed while the phone runs; told in the log, and saved in the configuration file when asked to.

Sound devices, volume and the bounds of the jitter buffer change at once, in calls that are up as well. Codecs are those
of the next offer: of a new call, or of this one when it is held or taken back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from engine import model
from engine.config import HIGHEST_BUFFER_MS, Config, ConfigError
from engine.handset import Handset, Sound
from engine.media import codecs
from engine.model import CommandError
from engine.offered_formats import offered_formats
from engine.redundant_formats import redundant_formats
from engine.sip.sdp import DEFAULT_PTIME_MS, Format
from engine.trial import Trial

Place = tuple[str, str]  # section and key of the configuration file
Log = Callable[[str, str, str], None]

INPUT, OUTPUT, VOLUME = ("sound", "input"), ("sound", "output"), ("sound", "volume")
CODECS, BUFFER = ("call", "codecs"), ("call", "buffer")


class Store(Protocol):
    """Where settings are saved."""

    path: str

    def save(self, changes: Mapping[Place, Any]) -> None:
        """Write these values, of which None takes one out; raises OSError or ConfigError with one line."""
        ...


class Settings:
    """The present choices, and what of them is not saved yet."""

    def __init__(self, config: Config, handset: Handset, sound: Sound, log: Log, store: Store | None) -> None:
        """Raises ConfigError for a codec that we do not have. ``store``: None where nothing is to be written."""
        self._config = config
        self._handset = handset
        self._sound = sound
        self._log = log
        self._store = store
        self._trial = Trial(handset)
        self._all_codecs = codecs.names()
        self._codecs = config.codecs or self._all_codecs
        self.buffer_ms = config.buffer_ms
        self.formats = self._formats(config.codecs)
        if config.volume_db:
            handset.change_volume(config.volume_db)
        self._devices: dict[Place, str | None] = {INPUT: config.input_name, OUTPUT: config.output_name}
        self._saved = self._present()
        self.handlers: dict[type, Callable[[Any, float], None]] = {
            model.Mute: self._mute,
            model.SetVolume: self._set_volume,
            model.SetVoice: self._set_voice,
            model.SetDevice: self._set_device,
            model.FindDevices: self._find_devices,
            model.TryMicrophone: self._try_microphone,
            model.TryLoudspeaker: self._try_loudspeaker,
            model.SaveSettings: self._save_all,
        }

    # ------------------------------------------------------------------ sound

    def _mute(self, command: model.Mute, now: float) -> None:
        self._handset.set_muted(command.on)

    def _set_volume(self, command: model.SetVolume, now: float) -> None:
        self._handset.change_volume(command.change_db)

    def _set_voice(self, command: model.SetVoice, now: float) -> None:
        try:
            if self._handset.set_voice(command.steps) is None:
                raise CommandError("no card is the microphone: it is sent as it is")
        except OSError as error:  # SoundError: a library is missing
            raise CommandError(str(error)) from None

    def _set_device(self, command: model.SetDevice, now: float) -> None:
        try:
            self._sound.set_device(command.direction, command.name)
        except OSError as error:
            raise CommandError(str(error)) from None
        self._devices["sound", command.direction] = command.name
        self._log("info", "sound", f"{command.direction}: {command.name or 'the system chooses'}")

    def _find_devices(self, command: model.FindDevices, now: float) -> None:
        self._sound.find_devices()

    def _try_microphone(self, command: model.TryMicrophone, now: float) -> None:
        listens = self._trial.listen(command.on, now)
        self._log("info", "sound", "the microphone is tried" if listens else "the microphone is not tried any more")

    def _try_loudspeaker(self, command: model.TryLoudspeaker, now: float) -> None:
        self._trial.sound(now)

    # ------------------------------------------------------------------ calls

    def set_codecs(self, command: model.SetCodecs) -> None:
        """``formats`` are others from now on; raises CommandError."""
        if not command.names:
            raise CommandError("one codec at least: else nobody can be talked with")
        try:
            self.formats = self._formats(command.names)
        except ConfigError as error:
            raise CommandError(str(error).removeprefix("--codecs: ")) from None
        self._codecs = command.names
        self._log("info", "media", f"codecs from the next call on: {', '.join(command.names)}")

    def _formats(self, names: tuple[str, ...]) -> tuple[Format, ...]:
        formats = offered_formats(names, self._config.silence_suppression)
        if self._config.redundancy != 0:
            formats += redundant_formats(formats, self._config.ptime_ms or DEFAULT_PTIME_MS)
        return formats

    def set_buffer(self, command: model.SetBuffer) -> None:
        """``buffer_ms`` is another from now on; raises CommandError."""
        if not 0 <= command.least_ms <= command.most_ms <= HIGHEST_BUFFER_MS:
            raise CommandError(f"the buffer is bounded by 0 and {HIGHEST_BUFFER_MS} ms, the least first")
        self.buffer_ms = command.least_ms, command.most_ms
        self._log("info", "media", f"jitter buffer: {command.least_ms:g} to {command.most_ms:g} ms")

    # ------------------------------------------------------------------ time

    def deadline(self) -> float:
        """When :meth:`run` wants to be called next."""
        return self._trial.deadline()

    def run(self, now: float) -> None:
        """Do what is due."""
        self._trial.run(now)

    def close(self, now: float) -> None:
        """No microphone stays open."""
        self._trial.close(now)

    # ------------------------------------------------------------------ the file

    def _present(self) -> dict[Place, Any]:
        """Every setting as the file would say it; None: it need not."""
        least_ms, most_ms = self.buffer_ms
        return {
            **self._devices,
            VOLUME: round(self._handset.volume_db, 2),  # -2.3 + 2 is -0.2999999999999998
            CODECS: None if self._codecs == self._all_codecs else list(self._codecs),
            BUFFER: f"{least_ms:g}-{most_ms:g}",
        }

    def _unsaved(self) -> dict[Place, Any]:
        return {place: value for place, value in self._present().items() if value != self._saved[place]}

    def _save_all(self, command: model.SaveSettings, now: float) -> None:
        changed = self._unsaved()
        if self._store is None:
            raise CommandError("nothing is saved: no configuration file is used here")
        if not changed:
            raise CommandError("nothing was changed that is not saved")
        try:
            self._store.save(changed)
        except (OSError, ConfigError) as error:
            self._log("error", "settings", str(error))
            raise CommandError(str(error)) from None
        self._saved = self._present()
        self._log("info", "settings", f"{', '.join(key for _, key in changed)} saved in {self._store.path}")

    def view(self) -> model.SettingsView:
        """A frozen copy."""
        return model.SettingsView(
            codecs=self._codecs,
            other_codecs=tuple(name for name in self._all_codecs if not any(_same(name, own) for own in self._codecs)),
            buffer_ms=self.buffer_ms,
            listening=self._trial.listening,
            level=self._trial.level(),
            sounding=self._trial.sounding,
            path=None if self._store is None else self._store.path,
            unsaved=tuple(key for _, key in self._unsaved()),
        )


def _same(encoding: str, name: str) -> bool:
    """Is this of that encoding? A name may carry a rate and channels."""
    return name.split("/")[0].upper() == encoding.upper()
