"""Every script in `benchmarks/` can be loaded: what it imports exists."""

from __future__ import annotations

import importlib

import pytest

from tests.support.docs_pages import ROOT


@pytest.mark.parametrize("name", sorted(path.stem for path in (ROOT / "benchmarks").glob("*.py")))
def test_a_script_loads(name: str) -> None:
    importlib.import_module(f"benchmarks.{name}")  # its main() runs only when it is started
