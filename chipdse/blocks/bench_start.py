"""Starts cocotb for a bench that ships, without pytest.

cocotb imports pytest for the exceptions that end a test, and to rewrite assertions. Benches that
ship use neither, and the import is two fifths of what such a bench takes to start.
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import Any

ENTRY = f"{__name__}:start"
"""For cocotb's variable PYGPI_USERS."""


class _Raises:
    """`pytest.raises`, of which cocotb takes the exception."""

    def __init__(self, exception: type[BaseException]) -> None:
        self.Exception = exception

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return _real_pytest().raises(*arguments, **options)


class _Outcomes(ModuleType):
    """A module `pytest` that has what ends a test, and takes all else from the whole one."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name in ("RaisesExc", "RaisesGroup"):  # cocotb does without
            raise AttributeError(name)
        return getattr(_real_pytest(), name)


def _real_pytest() -> ModuleType:
    kept = sys.modules.pop("pytest")
    try:
        return importlib.import_module("pytest")
    finally:
        sys.modules.setdefault("pytest", kept)


def outcomes_alone() -> ModuleType:
    """The module that cocotb gets in place of pytest."""
    from _pytest import outcomes

    light = _Outcomes("pytest")
    given = {"raises": _Raises(outcomes.fail.Exception), "fail": outcomes.fail}
    light.__dict__.update(given, skip=outcomes.skip, xfail=outcomes.xfail)
    return light


def start() -> None:
    """Do as cocotb does without PYGPI_USERS, but without pytest."""
    sys.modules["pytest"] = outcomes_alone()
    manager = importlib.import_module("cocotb.regression").RegressionManager
    manager.setup_pytest_assertion_rewriting = lambda *_: None
    os.environ.pop("PYGPI_USERS", None)
    importlib.import_module("pygpi.entry").load_entry()
