"""The tree itself: what lies at the top, how large files are, and the sample."""

from __future__ import annotations

import subprocess
import wave
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
TOP = {"tui.py", "engine", "widgets", "tests", "sample.wav", "README.md", "pyproject.toml", "Makefile", "LICENSE"}
MOST_LINES = 600
MOST_BYTES = 1_000_000


def tracked() -> list[Path]:
    try:
        listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [path for line in listed.splitlines() if (path := ROOT / line).exists()]


def test_the_top_level_is_what_it_should_be() -> None:
    tops = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in tops if not name.startswith(".")} == TOP


def test_no_file_is_large() -> None:
    assert [path for path in tracked() if path.stat().st_size > MOST_BYTES] == []


def test_no_module_has_outgrown_its_room() -> None:
    product = [path for path in tracked() if path.suffix == ".py" and "tests" not in path.relative_to(ROOT).parts]
    long = {path.name: count for path in product if (count := len(path.read_text().splitlines())) > MOST_LINES}
    assert long == {}


def test_the_sample_is_speech_of_about_ten_seconds() -> None:
    with wave.open(str(ROOT / "sample.wav")) as sample:
        assert (sample.getnchannels(), sample.getsampwidth(), sample.getframerate()) == (1, 2, 8000)
        pcm = np.frombuffer(sample.readframes(sample.getnframes()), "<i2").astype(float)
    assert 8 <= len(pcm) / 8000 <= 14
    level_dbfs = 20 * np.log10(np.sqrt(np.mean(pcm**2)) / 32768)
    assert -35 < level_dbfs < -15 and np.abs(pcm).max() < 32767
