"""Each shipped block stands in every place that docs/developers/adding_a_block.md lists."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from chipdse_hdl import BLOCKS
from chipdse_hdl.block import component_of

from chipdse.study.question.sweep_file import read_sweep
from tests.blocks import test_hdl_arithmetic_flow, test_hdl_netlists
from tests.support import kernels
from tests.support.docs_pages import ROOT

PAGE = ROOT / "docs" / "developers" / "adding_a_block.md"
PARTS = ("__init__", "parameters", "hardware", "model", "bench")
SHIPPED = sorted(path.parent.name for path in (ROOT / "hdl/chipdse_hdl").glob("*/hardware.py"))
NETLISTS = {name for name, _, _ in test_hdl_arithmetic_flow.SMALL} | set(test_hdl_netlists.SMALL)


def text(path: str) -> str:
    """A file of the repository; empty where it is missing."""
    file = ROOT / path
    return file.read_text("utf-8") if file.is_file() else ""


def has_parts(name: str) -> bool:
    return all(text(f"hdl/chipdse_hdl/{name}/{part}.py") for part in PARTS)


def has_sweep(name: str) -> bool:
    file = ROOT / "sweeps" / f"{name}.toml"
    return file.is_file() and read_sweep(file).template.block is BLOCKS[name]


def plants_faults(name: str) -> bool:
    """Whether the block has tests of its own, among them of faults that must be noticed."""
    tests = text(f"tests/blocks/test_hdl_{name}.py")
    return bool(re.search(r"^def test_\w*(caught|catches)\b", tests, re.MULTILINE))


def has_page(name: str) -> bool:
    return bool(text(f"docs/blocks/{name}.md")) or f"\n## {name}\n" in text("docs/blocks/blocks.md")


def has_rows(name: str) -> bool:
    page = text("docs/blocks/blocks.md")
    listed = re.search(rf"^\| .*`hdl/chipdse_hdl/{name}/`", page, re.MULTILINE)
    timed = re.search(rf"^\| `{name}`[^|]*\|[ \d,]+\|[ \d,]+\| [\d.]+ s", page, re.MULTILINE)
    return bool(listed and timed)


def has_stored_runs(name: str) -> bool:
    """Whether the figures of the block's page or section come from a stored run."""
    texts = "".join(text(f"docs/block_texts/{file}.py") for file in (name, "blocks"))
    return f'"{name}"' in texts and f'"{name}"' in text("docs/figures.py")


PLACES: dict[tuple[str, ...], Callable[[str], bool]] = {
    ("hdl/chipdse_hdl/NAME/",): has_parts,
    ("hdl/chipdse_hdl/__init__.py",): BLOCKS.__contains__,
    ("sweeps/NAME.toml",): has_sweep,
    ("tests/blocks/test_hdl_NAME.py",): plants_faults,
    (
        "tests/blocks/test_hdl_arithmetic_flow.py",
        "tests/blocks/test_hdl_netlists.py",
    ): NETLISTS.__contains__,
    ("docs/blocks/NAME.md",): has_page,
    ("docs/blocks/blocks.md",): has_rows,
    ("docs/block_texts/NAME.py", "docs/figures.py"): has_stored_runs,
    (
        "docs/blocks/gallery.md",
        "docs/blocks/gallery/NAME.svg",
        "docs/blocks/gallery/points.json",
    ): lambda name: (
        f"](gallery/{name}.svg)" in text("docs/blocks/gallery.md")
        and bool(text(f"docs/blocks/gallery/{name}.svg"))
        and name in json.loads(text("docs/blocks/gallery/points.json"))
    ),
}


def test_every_folder_is_a_block_and_has_its_name() -> None:
    assert sorted(BLOCKS) == SHIPPED
    assert all(block.name == name for name, block in BLOCKS.items())


@pytest.mark.quick_cases(1)
@pytest.mark.parametrize("place", PLACES, ids=lambda place: place[0])
def test_no_block_is_missing(place: tuple[str, ...]) -> None:
    missing = [name for name in SHIPPED if not PLACES[place](name)]
    assert not missing, f"{', '.join(place)}: without {', '.join(missing)}"


def test_a_block_that_stands_nowhere_is_noticed_everywhere() -> None:
    assert not [place for place, is_there in PLACES.items() if is_there("no_such_block")]


def test_the_page_lists_these_places() -> None:
    table = PAGE.read_text().partition("## Every place where a block appears")[2]
    rows = re.findall(r"^\| (`.*?`) \|", table, re.MULTILINE)
    assert [tuple(re.findall(r"`(.*?)`", row)) for row in rows] == list(PLACES)


@pytest.mark.parametrize("name", SHIPPED)
def test_a_block_exports_its_record_its_component_and_its_parameters(name: str) -> None:
    block = BLOCKS[name]
    kinds = (component_of(block.hardware), block.parameters, block.workload)
    module = sys.modules[f"chipdse_hdl.{name}"]
    assert sorted(module.__all__) == sorted(["BLOCK", *(kind.__name__ for kind in kinds)])
    assert all(getattr(module, kind.__name__) is kind for kind in kinds)
    assert len(ast.parse(Path(str(module.__file__)).read_text()).body) <= 13  # no logic there


@pytest.mark.tools
@pytest.mark.skipif(not shutil.which("iverilog"), reason="Icarus is not installed")
def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    """In a copy of the package: its files as written, and its name in the list."""
    listings = re.findall(
        r"``` *\{code-block\} python\n:caption: hdl/(\S+)\n\n(.*?)```", PAGE.read_text(), re.DOTALL
    )
    copy = tmp_path / "chipdse_hdl"
    shutil.copytree(ROOT / "hdl" / "chipdse_hdl", copy)
    (copy / "parity").mkdir()
    for name, code in listings:
        (tmp_path / name).write_text(code)
    assert sorted(path.stem for path in (copy / "parity").iterdir()) == sorted(PARTS)
    lists = copy / "__init__.py"
    before = lists.read_text()
    lists.write_text(before.replace('"multiplier"', '"multiplier", "parity"', 1))
    assert lists.read_text() != before
    environment = os.environ | {
        "PYTHONPATH": str(tmp_path),
        "CHIPDSE_CACHE": str(kernels.lend(tmp_path / "cache")),
    }

    def simulated() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "chipdse", "sim", "parity", "--simulator", "icarus"]
        return subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )

    done = simulated()
    assert done.returncode == 0, done.stderr
    assert "258" in done.stdout  # cycles: 256 words, and the latency
    hardware = copy / "parity" / "hardware.py"
    hardware.write_text(hardware.read_text().replace("word.xor()", "word.any()"))
    broken = simulated()
    assert broken.returncode != 0
    assert "words of parity differ" in broken.stderr
