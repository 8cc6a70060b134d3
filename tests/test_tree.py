"""What lies in the repository: its top level, the size of its files, and the sample."""

from __future__ import annotations

import ast
import shutil
import subprocess
import wave
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
TOP_LEVEL = {
    "tui.py", "engine", "widgets", "tests", "sample.wav", "README.md", "pyproject.toml", "Makefile", "LICENSE",
    "CHANGELOG.md", "CONTRIBUTING.md",
}  # fmt: skip
LARGEST_BYTES = 1_000_000
LONGEST_LINES = 600


def tracked() -> list[Path]:
    """What the repository holds; in an unpacked archive, or without git, nobody can say."""
    if shutil.which("git") is None:
        pytest.skip("apt-get install git")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode != 0:
        pytest.skip("not a git clone")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_top_level() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in tracked()}
    assert {name for name in names if not name.startswith(".")} <= TOP_LEVEL


def test_no_large_file() -> None:
    assert [path for path in tracked() if path.stat().st_size > LARGEST_BYTES] == []


def test_no_file_of_the_product_has_outgrown_its_room() -> None:
    files = [*ROOT.glob("engine/**/*.py"), *ROOT.glob("widgets/**/*.py"), ROOT / "tui.py"]
    assert [path for path in files if len(path.read_text(encoding="utf-8").splitlines()) > LONGEST_LINES] == []


def test_every_dataclass_says_what_it_is() -> None:
    """One that does not makes Python write down its signature instead, at the cost of the class once more."""
    files = [*ROOT.glob("engine/**/*.py"), *ROOT.glob("widgets/**/*.py"), ROOT / "tui.py"]
    classes = [
        node for path in files for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ClassDef)
    ]
    made = [each for each in classes if any("dataclass" in ast.unparse(one) for one in each.decorator_list)]
    assert len(made) > 100 and [each.name for each in made if ast.get_docstring(each) is None] == []


def test_sample_is_ten_seconds_of_telephone_speech_that_can_be_repeated() -> None:
    with wave.open(str(ROOT / "sample.wav")) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 8000)
        assert 9 <= file.getnframes() / 8000 <= 12
        assert file.getnframes() % 480 == 0
        pcm = memoryview(file.readframes(file.getnframes())).cast("h")
    assert max(abs(sample) for sample in pcm) < 32000
    assert not any(pcm[:800]) and not any(pcm[-800:])
