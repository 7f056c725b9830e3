"""Which files a block's results depend on."""

from __future__ import annotations

import ast
import dataclasses
from pathlib import Path
from typing import Any

import pytest
from chipdse_hdl import BLOCKS
from chipdse_hdl.block import Block, definition_of
from chipdse_hdl.fifo import Fifo

from chipdse.errors import DesignError, MachineError
from chipdse.hardware.elaborate import _description, block_files, elaborate
from chipdse.store import source_files
from chipdse.store.imports import module_hash, module_sources
from chipdse.store.source_files import hash_named
from chipdse.store.store import Store


def test_a_block_depends_on_what_it_imports_and_not_on_other_blocks() -> None:
    bench = set(module_sources("chipdse_hdl.fir.bench"))
    assert {
        "chipdse_hdl.fir.bench",
        "chipdse_hdl.fir.model",
        "chipdse_hdl.fir.parameters",
        "chipdse_hdl.bench.testbench",
        "chipdse_hdl.block",
    } <= bench
    assert not {"chipdse_hdl", "chipdse_hdl.fir.hardware", "chipdse_hdl.mac_array.model"} & bench


def test_a_file_is_parsed_once_while_its_text_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sweep asks at every point which files make it; parsing them would take most of the time."""
    before = module_sources("chipdse_hdl.fir.model")
    files = source_files.package_files("chipdse_hdl")
    model = files["chipdse_hdl.fir.model"].read_text()
    parsed: list[str] = []
    parse = ast.parse

    def counted(text: str, file: str = "", *more: Any, **options: Any) -> Any:
        parsed.append(str(file))
        return parse(text, file, *more, **options)

    monkeypatch.setattr(source_files.ast, "parse", counted)
    assert module_sources("chipdse_hdl.fir.model") == before and parsed == []
    copy = tmp_path / "model.py"
    copy.write_text(model + "\nimport chipdse_hdl.fifo.model\n")
    changed = {"chipdse_hdl": files | {"chipdse_hdl.fir.model": copy}}
    monkeypatch.setattr(source_files, "package_files", changed.__getitem__)
    after = module_sources("chipdse_hdl.fir.model")
    assert "chipdse_hdl.fifo.model" in after and str(copy) in parsed


@pytest.mark.parametrize(
    ("name", "edited", "stages"),
    [
        ("fir", "fir/hardware.py", {"elaborate"}),
        ("fir", "fir/model.py", {"simulate"}),
        ("fir", "fir/bench.py", {"simulate"}),
        ("fir", "fir/parameters.py", {"elaborate", "simulate"}),
        ("fir", "fir/__init__.py", set()),
        ("fir", "gates/arithmetic.py", {"elaborate"}),
        ("multiplier", "adder/structures.py", {"elaborate"}),
        ("multiplier", "adder/hardware.py", set()),
        ("noc_router", "fifo/hardware.py", {"elaborate"}),
        ("noc_router", "fifo/model.py", set()),
        ("mac_array", "mac_array/element.py", {"elaborate"}),
        ("d2d_link", "d2d_link/ends.py", {"elaborate"}),
    ],
)
def test_an_edit_reaches_the_stages_that_run_it(
    name: str, edited: str, stages: set[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def keys() -> dict[str, str]:
        hardware, _ = definition_of(BLOCKS[name].hardware)
        modules = {"elaborate": hardware, "simulate": BLOCKS[name].bench}
        return {stage: hash_named(module_sources(module)) for stage, module in modules.items()}

    before, files = keys(), source_files.package_files("chipdse_hdl")
    module = next(key for key, file in files.items() if file.as_posix().endswith(f"/{edited}"))
    copy = tmp_path / Path(edited).name
    copy.write_text(files[module].read_text() + "\n# a remark\n")
    changed = {"chipdse_hdl": files | {module: copy}}
    monkeypatch.setattr(source_files, "package_files", changed.__getitem__)
    after = keys()
    assert {stage for stage in before if before[stage] != after[stage]} == stages


class OtherFifo(Fifo):
    """A second component in the module of another."""


class ThirdFifo(Fifo):
    """And a third."""


def test_another_component_of_the_same_module_is_other_hardware() -> None:
    block = BLOCKS["fifo"]
    kinds = [dataclasses.replace(block, hardware=kind) for kind in (OtherFifo, ThirdFifo)]
    assert _description(kinds[0]) != _description(kinds[1])


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("block", BLOCKS.values(), ids=BLOCKS)
def test_all_files_of_a_block_make_its_points(block: Block) -> None:
    names = {path.parent.name + "/" + path.name for path in block_files(block)}
    parts = ("__init__", "parameters", "hardware", "model", "bench")
    assert {f"{block.name}/{part}.py" for part in parts} <= names


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


def test_hardware_that_changed_after_it_was_hashed_makes_no_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is imported when its RTL is made, perhaps long after the hash was taken."""
    block = BLOCKS["fifo"]
    module_hash(definition_of(block.hardware)[0])
    every = {name: source_files.package_files(name) for name in source_files.PACKAGES}
    files = every["chipdse_hdl"]
    copy = tmp_path / "hardware.py"
    copy.write_text(files["chipdse_hdl.fifo.hardware"].read_text() + "\n# a remark\n")
    changed = every | {"chipdse_hdl": files | {"chipdse_hdl.fifo.hardware": copy}}
    monkeypatch.setattr(source_files, "package_files", changed.__getitem__)
    with pytest.raises(MachineError, match="fifo.hardware changed while it was used"):
        elaborate(block, block.parameters(), Store(root=tmp_path / "stages"))
