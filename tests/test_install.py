"""What pip makes of ringtop: the command, with numpy alone, wherever it is installed. Nothing here needs a network."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from engine.config import VERSION

ROOT = Path(__file__).resolve().parents[1]
PRODUCT = ("tui.py", "engine", "widgets", "sample.wav", "README.md", "LICENSE", "pyproject.toml")
PATIENCE_S = 120

# Blocks what a plain install does not have, and says so when somebody asks for it.
WITHOUT_EXTRAS = """
import sys
for name in ("pyaudio", "dns", "opuslib_next", "G722"):
    sys.modules[name] = None
"""

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="folders of POSIX")


def run(*command: object, **more: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [str(word) for word in command],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        **more,  # type: ignore[call-overload]
    )
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done


def product_files(folder: str) -> set[str]:
    """The modules of the product, as a wheel names them."""
    return {path.relative_to(ROOT).as_posix() for path in (ROOT / folder).rglob("*.py")}


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of what is installed: building leaves files behind."""
    folder = tmp_path_factory.mktemp("source")
    for name in PRODUCT:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def wheel(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(source, "wheel", tmp_path_factory.mktemp("wheel"))


def build(source: Path, kind: str, into: Path) -> Path:
    """A wheel or an sdist, made by the setuptools that is here, as pip would."""
    code = f"import sys, setuptools.build_meta as backend; backend.build_{kind}(sys.argv[1])"
    run(sys.executable, "-W", "error::DeprecationWarning", "-c", code, into, cwd=source)
    (made,) = into.iterdir()
    return made


def install(what: Path, *options: object, python: Path = Path(sys.executable), **more: object) -> None:
    """Ours is the pip, ``python`` the Python it works for."""
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", "--python", python, "install")
    run(*pip, "--no-index", "--no-deps", "--no-build-isolation", *options, what, **more)


def environment(tmp_path: Path, modules: Path) -> dict[str, str]:
    """ringtop's modules, numpy, and none of the extras."""
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "sitecustomize.py").write_text(WITHOUT_EXTRAS)
    import numpy

    for name in ("numpy", "numpy.libs"):
        found = Path(numpy.__file__).parents[1] / name
        if found.exists():
            (plain / name).symlink_to(found)
    cleaned = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "PIP_", "VIRTUAL"))}
    return {**cleaned, "PYTHONPATH": f"{plain}{os.pathsep}{modules}", "PYTHONUSERBASE": str(tmp_path / "user")}


def hold_the_demo(command: Path, env: dict[str, str], cwd: Path) -> None:
    """The help, the version, and a call with itself into a pipe."""
    assert run(command, "--help", env=env, cwd=cwd).stdout.startswith("usage: ringtop")
    assert run(command, "--version", env=env, cwd=cwd).stdout == f"ringtop {VERSION}\n"
    done = run(command, "--demo", "--duration", "2", "--json", env=env, cwd=cwd)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    assert [event["type"] for event in events if event["type"] in ("error", "answered", "ended")] == [
        "answered",
        "ended",
    ]
    ended = events[-1]
    assert ended["tx"]["packets"] > 50
    assert ended["rx"]["packets"] > 50
    assert done.stderr == ""


def test_the_wheel_holds_the_product_and_nothing_else(wheel: Path) -> None:
    info = f"ringtop-{VERSION}.dist-info"
    expected = {"tui.py", f"ringtop-{VERSION}.data/data/share/ringtop/sample.wav", f"{info}/licenses/LICENSE"}
    expected |= {f"{info}/{name}" for name in ("METADATA", "WHEEL", "entry_points.txt", "top_level.txt", "RECORD")}
    expected |= product_files("engine") | product_files("widgets")
    with zipfile.ZipFile(wheel) as archive:
        assert set(archive.namelist()) == expected
        required = [line for line in archive.read(f"{info}/METADATA").decode().splitlines() if "Requires-Dist" in line]
    plain = [line.split()[1] for line in required if "extra ==" not in line and "win32" not in line]
    assert plain == ["numpy>=1.23"]


def test_the_source_archive_holds_what_an_installation_needs(source: Path, tmp_path: Path) -> None:
    (tmp_path / "sdist").mkdir()
    with tarfile.open(build(source, "sdist", tmp_path / "sdist")) as archive:
        names = {name.partition("/")[2] for name in archive.getnames() if archive.getmember(name).isfile()}
    needed = {name for name in PRODUCT if (ROOT / name).is_file()} | product_files("engine") | product_files("widgets")
    more = {name for name in names - needed if not name.startswith("ringtop.egg-info/")}
    assert needed <= names
    assert more == {"PKG-INFO", "setup.cfg"}


def test_installed_with_a_prefix_of_its_own(source: Path, tmp_path: Path) -> None:
    """From the source, as ``pip install .`` does."""
    prefix = tmp_path / "prefix"
    install(source, "--prefix", prefix, "--ignore-installed")
    (modules,) = prefix.glob("lib*/python*/site-packages")
    hold_the_demo(prefix / "bin" / "ringtop", environment(tmp_path, modules), tmp_path)


def test_installed_into_a_target_folder(wheel: Path, tmp_path: Path) -> None:
    install(wheel, "--target", tmp_path / "target")
    hold_the_demo(tmp_path / "target" / "bin" / "ringtop", environment(tmp_path, tmp_path / "target"), tmp_path)


def test_installed_into_a_venv(wheel: Path, tmp_path: Path) -> None:
    venv.create(tmp_path / "venv", symlinks=True)
    install(wheel, python=tmp_path / "venv" / "bin" / "python")
    hold_the_demo(tmp_path / "venv" / "bin" / "ringtop", environment(tmp_path, tmp_path / "none"), tmp_path)


def test_installed_for_one_user(wheel: Path, tmp_path: Path) -> None:
    """A venv refuses ``--user``, so the Python behind it does it."""
    behind = Path(getattr(sys, "_base_executable", sys.executable)).resolve()
    env = {**os.environ, "PYTHONUSERBASE": str(tmp_path / "user"), "PIP_BREAK_SYSTEM_PACKAGES": "1"}
    install(wheel, "--user", python=behind, env=env)
    command = tmp_path / "user" / "bin" / "ringtop"
    hold_the_demo(command, environment(tmp_path, tmp_path / "none"), tmp_path)
