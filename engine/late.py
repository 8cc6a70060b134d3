"""Modules that are loaded when something of them is first used, not when they are imported.

A start without sound to make waits for nothing but SIP: numpy and what makes sound take longer to load than all the
rest. ``Engine.prepare`` is the first to use them, right after the phone has said that it is ready, so that nothing is
loaded in mid-call.

Loading all that takes as long as several turns of the loop. SIP has to be answered meanwhile: :func:`between_modules`
lets that be done before each module.

``importlib.util.LazyLoader`` does the same but for Python 3.10 and 3.11, where the import statement itself asks the
module for its spec, and so loads it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder
from importlib.util import find_spec, module_from_spec
from types import ModuleType
from typing import Any


class _Late(ModuleType):
    """A module that has its spec and nothing else, until it is asked for more. Who imports a part of it asks for its
    path, and so loads the whole before the part: the usual order."""

    def __getattr__(self, name: str) -> Any:
        spec = self.__spec__
        assert spec is not None and spec.loader is not None
        self.__class__ = ModuleType  # type: ignore[assignment]
        if spec.submodule_search_locations is not None:
            self.__path__ = spec.submodule_search_locations
        spec.loader.exec_module(self)
        return getattr(self, name)


def load_late(name: str) -> bool:
    """Let ``import name`` anywhere cost nothing until something of the module is asked for; where it is loaded already,
    nothing changes. False where it is not installed."""
    if name in sys.modules:
        return True
    spec = find_spec(name)
    if spec is None:
        return False
    if spec.loader is not None:
        module = module_from_spec(spec)
        if spec.submodule_search_locations is not None:
            del module.__path__
        module.__class__ = _Late
        sys.modules[name] = module
    return True


def load_now(module: ModuleType) -> None:
    """What :func:`load_late` put off is due; nothing happens where it is loaded already."""
    if isinstance(module, _Late):
        module.__getattr__("__name__")


class _Between(MetaPathFinder):
    """Finds nothing: the import system asks it first, for each module that is not loaded yet."""

    def __init__(self, act: Callable[[], object]) -> None:
        self._act = act
        self._acting = False

    def find_spec(self, fullname: str, path: object, target: object = None) -> None:
        if not self._acting:  # what is done there may import something itself
            self._acting = True
            self._act()
            self._acting = False


@contextmanager
def between_modules(act: Callable[[], object]) -> Iterator[None]:
    """Call ``act`` before each module that is loaded meanwhile; it must use none of those."""
    finder = _Between(act)
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
