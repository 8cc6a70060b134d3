"""Who may import whom: the layers, read off the tree with ast."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted([*ROOT.glob("engine/**/*.py"), *ROOT.glob("widgets/**/*.py"), ROOT / "tui.py"])
OUTSIDE_WORLD = {"socket", "select", "time", "random", "os", "subprocess", "signal", "pathlib", "datetime", "secrets"}
FORBIDDEN_EVERYWHERE = {"threading", "asyncio", "multiprocessing", "concurrent", "audioop"}


def imported(path: Path) -> set[str]:
    """Dotted names of every module a file imports, at the top and late."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found.add(node.module or "")
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def within(path: Path, folder: str) -> bool:
    return path.is_relative_to(ROOT / folder)


def tops(names: set[str]) -> set[str]:
    return {name.split(".")[0] for name in names}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_layers(path: Path) -> None:
    names = imported(path)
    ours = {name for name in names if name.split(".")[0] in ("engine", "widgets", "tui")}
    assert not tops(names) & FORBIDDEN_EVERYWHERE
    if within(path, "engine/sip"):
        assert all(name.startswith("engine.sip") for name in ours)
        assert not tops(names) & (OUTSIDE_WORLD | {"numpy"})
    if within(path, "engine/media"):
        assert all(name.startswith("engine.media") for name in ours)
        assert not tops(names) & OUTSIDE_WORLD
    if within(path, "engine/diagnosis"):
        assert all(name.startswith(("engine.diagnosis", "engine.model")) for name in ours)
        assert not tops(names) & (OUTSIDE_WORLD | {"numpy"})
    if within(path, "engine"):
        assert not {name for name in ours if name.startswith(("widgets", "tui"))}
    if within(path, "widgets"):
        assert all(name.startswith(("engine.model", "widgets")) or name in ("engine", "engine.model") for name in ours)
    if path.name not in ("screen.py",):
        assert "curses" not in tops(names)
    if path.relative_to(ROOT).as_posix() != "engine/io/card.py":
        assert "pyaudio" not in tops(names)


def test_model_and_canvas_need_nothing() -> None:
    for name in ("model", "commands", "model_people", "install"):
        names = imported(ROOT / f"engine/{name}.py")
        ours = {name for name in names if name.startswith(("engine.commands", "engine.model_people"))}
        assert tops(names - ours) <= sys.stdlib_module_names
    assert {name for name in imported(ROOT / "widgets/canvas.py") if name.startswith("engine")} == set()
