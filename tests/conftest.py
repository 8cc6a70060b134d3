"""What every test starts from: a user without files of his own, and examples that may take their time."""

from __future__ import annotations

import os
import tempfile

import hypothesis

_HOME = tempfile.TemporaryDirectory(prefix="ringtop-nobody-")
for _name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME"):
    os.environ[_name] = _HOME.name  # before any test module takes a copy of the environment

hypothesis.settings.register_profile("ringtop", deadline=None)  # on a busy machine an example takes any time
hypothesis.settings.load_profile("ringtop")
