"""Python and TOML on the pages: it compiles, its names exist, sweeps are read.

tests/docs/test_docs_run.py runs it.
"""

from __future__ import annotations

import ast
import builtins
import dataclasses
import importlib
import inspect
import tomllib
from pathlib import Path
from typing import Any

import pytest

from chipdse.design import OperatingPoint, PhysicalOptions
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.study.question.search_table import SEARCH_KEYS
from chipdse.study.question.sweep_file import read_sweep
from chipdse.system.parameters import PackageParameters
from chipdse.system.system_file import load_system
from tests.support.docs_pages import PAGES, ROOT, Listing, listings

EVERY = [one for page in PAGES for one in listings(page)]
PYTHON = [one for one in EVERY if one.language == "python"]
TOML = [one for one in EVERY if one.language == "toml"]
SECTIONS = {
    "physical": PhysicalOptions,
    "operating": OperatingPoint,
    "synthesis": SynthesisOptions,
    "package": PackageParameters,
}


@pytest.mark.parametrize("listing", PYTHON, ids=str)
def test_python_compiles_and_what_it_imports_exists(listing: Listing) -> None:
    tree = ast.parse(listing.text, filename=str(listing))
    known: dict[str, Any] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("chipdse"):
            module = importlib.import_module(node.module or "")
            for name in node.names:
                known[name.asname or name.name] = getattr(module, name.name)
        if isinstance(node, ast.Import):
            for name in node.names:
                if name.name.startswith("chipdse"):
                    known[name.name] = importlib.import_module(name.name)
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            _check_call(node, known, listing)


def _check_call(node: ast.Call, known: dict[str, Any], listing: Listing) -> None:
    """The keywords of a call to something of ours are its parameters."""
    function = node.func
    if isinstance(function, ast.Name):
        called = known.get(function.id)
    elif isinstance(function, ast.Attribute) and isinstance(function.value, ast.Name):
        called = getattr(known.get(function.value.id), function.attr, None)
    else:
        return
    if not callable(called) or getattr(called, "__module__", "") == builtins.__name__:
        return
    taken = inspect.signature(called).parameters
    if any(one.kind is one.VAR_KEYWORD for one in taken.values()):
        return
    wrong = [one.arg for one in node.keywords if one.arg is not None and one.arg not in taken]
    assert not wrong, f"{listing}: {called.__name__}() has no {wrong}"


@pytest.mark.parametrize("listing", TOML, ids=str)
def test_toml_says_what_the_program_takes(listing: Listing, tmp_path: Path) -> None:
    data = tomllib.loads(listing.text)
    file = tmp_path / "listing.toml"
    file.write_text(listing.text)
    if "block" in data and "objectives" in data:
        files = [Path(one) for one in data.get("library", {}).get("files", [])]
        liberty = tuple(_liberty(tmp_path, one) for one in files)
        sweep = read_sweep(file, liberty)
        assert sweep.space.size >= 1
    elif "die" in data:
        assert load_system(file)
    elif set(data) <= set(SECTIONS):
        for name, values in data.items():
            fields = {one.name for one in dataclasses.fields(SECTIONS[name])}
            assert set(values) <= fields, f"{listing}: [{name}] {set(values) - fields}"
    elif set(data) == {"search"}:
        assert set(data["search"]) <= set(SEARCH_KEYS), f"{listing}: {set(data['search'])}"


def _liberty(folder: Path, name: Path) -> Path:
    """A file that is there: reading a sweep looks at that, not into it."""
    path = folder / name.name
    path.touch()
    return path


def test_pages_are_found() -> None:
    assert len(PAGES) > 20 and ROOT / "README.md" in PAGES
