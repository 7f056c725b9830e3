"""Which files a block's results depend on."""

from __future__ import annotations

from pathlib import Path

import pytest

from chipdse.errors import DesignError
from chipdse.store.sources import module_sources


def test_a_block_depends_on_what_it_imports_and_not_on_other_blocks() -> None:
    found = module_sources("chipdse_hdl.fir.bench")
    assert {
        "chipdse_hdl.fir.bench",
        "chipdse_hdl.fir",
        "chipdse_hdl.bench.testbench",
        "chipdse_hdl.block",
    } <= set(found)
    assert not {"chipdse_hdl", "chipdse_hdl.mac_array"} & set(found)


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package whose modules import each other in every way there is."""
    folder = tmp_path / "user_blocks_here"
    folder.mkdir()
    (folder / "__init__.py").write_text("LIMIT = 3\n")
    (folder / "one.py").write_text("from . import two\nimport os\n")
    (folder / "two.py").write_text(
        "from user_blocks_here import LIMIT\nimport user_blocks_here.three\n"
    )
    (folder / "three.py").write_text("def f():\n    from .four import x\n")
    (folder / "four.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder.name


def test_relative_nested_and_package_imports_count(package: str) -> None:
    names = [f"{package}.{name}" for name in ("four", "one", "three", "two")]
    assert list(module_sources(f"{package}.one")) == [package, *names]
    assert list(module_sources(f"{package}.four")) == [f"{package}.four"]


def test_a_module_without_source_is_refused() -> None:
    with pytest.raises(DesignError, match="no_such_module_here.*has no source file"):
        module_sources("no_such_module_here")
