"""Blocks of the user's own: found, documented, refused in words, the same in a worker process."""

from __future__ import annotations

import dataclasses
import itertools
import pickle
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from chipdse_hdl.block import parameter
from chipdse_hdl.fir import FirParameters
from hypothesis import given
from hypothesis import strategies as st

from chipdse.blocks.bench_random import random_words
from chipdse.blocks.corners import corners_of
from chipdse.blocks.own import RANDOM_BENCH, is_checked
from chipdse.blocks.verilog import read_verilog_block
from chipdse.design import find_block, make_record
from chipdse.errors import DesignError
from chipdse.hardware.elaborate import block_files, elaborate
from chipdse.store.place import search_folders
from chipdse.store.store import Store
from tests.support.own_projects import COUNTER_TOML, write_project


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A project of the user's; what it put on the path and imported is taken back."""
    path, modules = list(sys.path), set(sys.modules)
    yield write_project(tmp_path / "project")
    sys.path[:] = path
    for name in set(sys.modules) - modules:
        if name.startswith("acme"):
            del sys.modules[name]


def fields(block: Any) -> dict[str, Any]:
    return {field.name: field for field in dataclasses.fields(block.parameters)}


def test_constructor_arguments_become_parameters(project: Path) -> None:
    block = find_block("acme.blocks:Summer", project)
    found = fields(block)
    assert list(found) == ["width", "extra", "fast"]  # shape takes no number: it stays None
    assert found["width"].default is dataclasses.MISSING
    assert found["width"].metadata["doc"] == "bits of a number"
    assert (found["extra"].default, found["fast"].default) == (4, False)
    assert block.parameters(width=8).extra == 4
    with pytest.raises(DesignError, match="width"):
        make_record(block.parameters, {"width": "wide"}, block.name)


def test_an_argument_without_default_must_be_given(project: Path) -> None:
    block = find_block("acme.blocks:Summer", project)
    with pytest.raises(DesignError, match="'width' has no default; give it a value"):
        make_record(block.parameters, {}, block.name)


def test_a_class_without_docstring_has_not_its_parents(tmp_path: Path, project: Path) -> None:
    source = "from amaranth.lib.wiring import Component\n\n\nclass Bare(Component):\n    pass\n"
    (project / "acme" / "bare.py").write_text(source)
    block = find_block("acme.bare:Bare", project)
    assert block.summary.startswith("no description") and not block.hardware.__doc__


def test_a_function_that_returns_a_component(project: Path) -> None:
    block = find_block("acme.blocks:narrow", project)
    assert list(fields(block)) == ["extra"]
    work = block.work(block.parameters(), block.workload(length=10))
    assert (work.input_bits, work.output_bits) == (10 * 4, 10 * 6)


def test_without_a_bench_nothing_counts_as_checked(project: Path) -> None:
    block = find_block("acme.blocks:Summer", project)
    assert block.bench == RANDOM_BENCH and not is_checked(block)
    assert "nothing is checked" in block.summary
    assert is_checked(find_block("fir"))


@pytest.mark.parametrize("reference", ["acme.blocks:Summer", "counter.toml"])
def test_a_worker_process_finds_it_again(project: Path, reference: str) -> None:
    block = find_block(reference, project)
    again = pickle.loads(pickle.dumps(block))
    assert (again.name, again.bench) == (block.name, block.bench)
    assert list(fields(again)) == list(fields(block))


def test_a_path_starts_at_the_given_folder(project: Path) -> None:
    block = find_block("../counter.toml", project / "rtl")
    assert Path(block.name).resolve() == project / "counter.toml"
    assert (block.clock, block.reset, block.reset_level) == ("clk_i", "rst_n", 0)
    assert block.cycles(block.parameters(), block.workload(length=7)) == 7
    assert block.work(block.parameters(WIDTH=5), block.workload(length=7)).output_bits == 35


def test_modules_are_looked_for_in_the_whole_project(project: Path) -> None:
    deep = project / "sweeps" / "wide"
    deep.mkdir(parents=True)
    assert search_folders(deep) == (deep, project)
    (project / "src").mkdir()
    assert search_folders(deep) == (deep, project, project / "src")


WRONG_REFERENCES = {
    "nosuch": "does not exist",
    "acme.blocks:Nothing": "it has Summer, Logic, Fussy",
    "acme.nothing:Summer": "no module 'acme.nothing'",
    "acme.blocks:": "not package.module:attribute",
    "acme.blocks:answer": "is a int",
    "acme.blocks:Fussy": "'signature' is no number",
    "acme.broken:X": "cannot be imported: ZeroDivisionError.*broken.py, line 2",
    "nowhere.toml": "No such file",
}


@pytest.mark.parametrize("reference", WRONG_REFERENCES)
def test_a_wrong_reference_is_told_in_one_line(project: Path, reference: str) -> None:
    (project / "acme" / "broken.py").write_text("X = 1\n1 / 0\n")
    with pytest.raises(DesignError, match=WRONG_REFERENCES[reference]) as error:
        find_block(reference, project)
    assert "\n" not in str(error.value)


WRONG_DESCRIPTIONS = [
    ('top = "counter"', "", "top is missing"),
    ('"rtl/counter.sv"', '"rtl/count.sv"', "names 'rtl/count.sv', which is not there"),
    ('"rtl/counter.sv"', '"bench_counter.py"', "Verilog ends in .v or .sv"),
    ('summary = "', 'sumary = "', "sumary is not known here"),
    ('reset_active = "low"', 'reset_active = "down"', 'must be "high" or "low"'),
    ("default = 8, ", "", "parameters.WIDTH has no default"),
    ("min = 2", "least = 2", "parameters.WIDTH.least is not known"),
    ("STEP < WIDTH", "STEP < DEPTH", "speak of 'DEPTH'"),
    ('"WIDTH * length"', '"WIDTH * cycles"', "work.output_bits speaks of 'cycles'"),
    ('"WIDTH * length"', '"__import__"', "speaks of '__import__'"),
    ('unit = "count"', "unit = 1", "work.unit = 1 must be text"),
    ('count = "length"', "", "work.count is missing"),
    ('bench = "bench_counter"', "", "workload is given without a bench"),
    ("choices = [1, 3]", "choices = [2, 3]", "must be a list with the default"),
    ('"counter"\nclock', '"counter"\nclock =', "not TOML"),
]


@pytest.mark.parametrize(("right", "wrong", "message"), WRONG_DESCRIPTIONS)
def test_a_wrong_description_is_refused(
    project: Path, right: str, wrong: str, message: str
) -> None:
    assert COUNTER_TOML.count(right) == 1
    (project / "counter.toml").write_text(COUNTER_TOML.replace(right, wrong))
    with pytest.raises(DesignError, match=message):
        read_verilog_block(project / "counter.toml")


def test_rules_between_verilog_parameters_hold(project: Path) -> None:
    block = read_verilog_block(project / "counter.toml")
    with pytest.raises(DesignError, match="does not meet the rule 'STEP < WIDTH'"):
        make_record(block.parameters, {"STEP": 3, "WIDTH": 2}, "counter")


@pytest.mark.parametrize("name", ["rtl/counter.sv", "rtl/step.svh", "bench_counter.py"])
def test_files_of_a_verilog_block_are_known_before_it_runs(project: Path, name: str) -> None:
    assert project / name in block_files(read_verilog_block(project / "counter.toml"))


def test_modules_that_a_block_imports_are_known_before_it_runs(project: Path) -> None:
    (project / "flat.py").write_text("import helper\nfrom acme.blocks import Summer\n")
    (project / "helper.py").write_text("A = 1\n")
    (project / "other.py").write_text("B = 1\n")
    files = block_files(find_block("flat:Summer", project))
    assert {project / name for name in ("flat.py", "helper.py", "acme/blocks.py")} <= set(files)
    assert project / "other.py" not in files


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lattice:
    bits: int = parameter(4, "", minimum=1, maximum=9)
    fast: bool = parameter(False, "")
    kind: str = parameter("a", "", choices=("a", "b", "c"))
    free: int = parameter(5, "")

    def __post_init__(self) -> None:
        if self.fast and self.kind == "c":
            raise ValueError("c is slow")


def test_corners_by_hand() -> None:
    # bits 1, 4, 9; fast or not; three kinds; free is 5: 3 * 2 * 3, less fast c at three widths
    corners = corners_of(Lattice, {})
    assert corners.total == len(corners.records) == 15
    assert {one.free for one in corners.records} == {5}
    assert corners_of(Lattice, {"bits": [2, 3], "kind": ["c"]}).total == 2
    with pytest.raises(DesignError, match="c is slow"):
        corners_of(Lattice, {"fast": [True], "kind": ["c"]})


@given(st.integers(1, 40))
def test_a_selection_of_corners_is_even_and_keeps_the_ends(most: int) -> None:
    every, some = corners_of(Lattice, {}).records, corners_of(Lattice, {}, most).records
    assert len(some) == min(most, len(every)) == len(set(some))
    assert some[0] == every[0] and (most == 1 or some[-1] == every[-1])
    places = [every.index(one) for one in some]
    gaps = [b - a for a, b in itertools.pairwise(places)]
    assert not gaps or max(gaps) - min(gaps) <= 1


@dataclasses.dataclass(frozen=True)
class Roomy:
    """Bounds far away from what anybody builds."""

    depth: int = parameter(16, "", minimum=2, maximum=4096)
    stages: int = parameter(0, "", minimum=0, maximum=100)
    share: float = parameter(0.5, "", minimum=0.0, maximum=1.0)
    some: int = parameter(1, "", choices=(1, 1000))


def test_corners_are_of_a_size_that_a_bench_can_run() -> None:
    records = corners_of(Roomy, {}).records
    assert {one.depth for one in records} == {2, 16, 64}  # four times the default
    assert {one.stages for one in records} == {0, 8}  # of a default of 0: 8
    assert {one.share for one in records} == {0.0, 0.5, 1.0}  # the declared one, which is nearer
    assert {one.some for one in records} == {1, 1000}  # choices are all taken
    assert {one.depth for one in corners_of(Roomy, {"depth": [4096]}).records} == {4096}


def test_every_corner_of_a_shipped_block_is_accepted_by_its_record() -> None:
    corners = corners_of(FirParameters, {}, 10)
    assert len(corners.records) == 10 < corners.total


@given(st.integers(1, 200), st.integers(0, 50), st.integers(0, 2**32 - 1))
def test_random_words_fill_any_width(bits: int, count: int, seed: int) -> None:
    import numpy as np

    words = random_words(np.random.default_rng(seed), bits, count)
    assert len(words) == count and all(0 <= word < 2**bits for word in words)


def test_modules_of_one_name_in_two_projects_are_apart(tmp_path: Path) -> None:
    text = (
        "from amaranth.hdl import Module\nfrom amaranth.lib import wiring\n"
        "from amaranth.lib.wiring import In, Out\nfrom shared_name import WIDTH\n"
        "class Same(wiring.Component):\n"
        "    def __init__(self):\n"
        "        super().__init__({'a': In(WIDTH), 'z': Out(WIDTH)})\n"
        "    def elaborate(self, platform):\n"
        "        m = Module()\n        m.d.sync += self.z.eq(self.a)\n        return m\n"
    )
    widths = []
    for width in (3, 5):
        folder = tmp_path / f"project_{width}"
        folder.mkdir()
        (folder / "pyproject.toml").write_text("")
        (folder / "shared_name.py").write_text(f"WIDTH = {width}\n")
        (folder / f"block_{width}.py").write_text(text)
        block = find_block(f"block_{width}:Same", folder)
        rtl = elaborate(block, block.parameters(), Store(root=tmp_path / "store"))
        widths.append(re.findall(r"wire width (\d+) input \d+ +\\a\n", rtl.rtlil.read_text()))
    assert widths == [["3"], ["5"]]
