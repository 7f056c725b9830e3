"""After a change of an input exactly the stages run again that depend on it, and warm is cold.

Each case changes one thing of a copy of a project whose results are in the store already, and names
the stages that must run again. An empty store must give the same RTL or the same metrics.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from chipdse.design import Design, LibraryChoice, OperatingPoint, PhysicalOptions, find_block
from chipdse.errors import DesignError, ToolError
from chipdse.evaluate import evaluate
from chipdse.hardware.elaborate import elaborate
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.store import source_files, sources
from chipdse.store.store import Store
from chipdse.system.parameters import PackageParameters
from tests.support import stale_projects

ELABORATE, SIMULATE = {"elaborate"}, {"simulate"}
MEASURED = {"measure", "wires", "glitches"}
ALL = {"elaborate", "simulate", "synthesise", *MEASURED}
NONE: set[str] = set()
Change = Callable[[Path, pytest.MonkeyPatch], Any]


def text(name: str, old: str, new: str) -> Change:
    """Replace something in a file."""

    def change(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        before = (project / name).read_text()
        assert old in before
        (project / name).write_text(before.replace(old, new))

    return change


def file(name: str, content: str) -> Change:
    """Write a file, new or not."""
    return lambda project, monkeypatch: (project / name).write_text(content)


def variable(name: str, value: str) -> Change:
    """Set an environment variable."""
    return lambda project, monkeypatch: monkeypatch.setenv(name, value)


def touch(name: str) -> Change:
    """Another date, the same content."""
    return lambda project, monkeypatch: os.utime(project / name, (1, 1))


PYTHON = {
    "the logic of the block": (text("blocks/b.py", "self.a ^", "self.a &"), ALL),
    "nothing": (lambda project, monkeypatch: None, NONE),
    "a comment in the block": (text("blocks/b.py", "HERE =", "# why\nHERE ="), ELABORATE),
    "a date": (touch("blocks/b.py"), NONE),
    "a module of a package in src": (text("src/common/fn.py", "~value", "value"), ALL),
    "that package's __init__": (text("src/common/__init__.py", "1", "2"), ELABORATE),
    "a module in src": (text("src/flat.py", "3", "19"), ALL),
    "a module on the search path": (text("elsewhere/outer.py", "5", "37"), ALL),
    "a module by importlib": (text("blocks/dynamic.py", "1", "65"), ALL),
    "a module imported in a function": (text("blocks/late.py", "2", "130"), ALL),
    "a file read at import": (file("blocks/at_import.txt", "260"), ALL),
    "a file read once and kept": (file("blocks/kept.json", '{"mask": 520}'), ALL),
    "a file that was missing": (file("blocks/optional.txt", "1024"), ALL),
    "a new file in a folder that is listed": (file("blocks/two.mem", ""), ALL),
    "a variable that was not set": (variable("STALE_MASK", "2048"), ALL),
    "a variable that is only looked for": (variable("STALE_FLAG", ""), ALL),
    "a module that now comes first": (file("blocks/outer.py", "MASK = 7\n"), ALL),
    "a module that nothing imports": (text("blocks/unused.py", "4", "5"), NONE),
    "an unused module of a used package": (text("src/common/unused.py", "2", "3"), NONE),
    "a file that nothing reads": (file("README.md", "changed"), NONE),
    "a variable that nothing reads": (variable("STALE_OTHER", "1"), NONE),
}
VERILOG = {
    "the logic": (text("hw/rtl/unit.v", "f(a) ^", "f(a) &"), ALL),
    "nothing": (lambda project, monkeypatch: None, NONE),
    "a comment": (text("hw/rtl/unit.v", "held", "kept"), ELABORATE),
    "an include alone on its line": (text("hw/second/plain.inc", "|", "&"), ALL),
    "an include after other text": (text("hw/rtl/body.inc", "^", "+"), ALL),
    "an include by a macro": (text("hw/rtl/other.inc", "&", "+"), ALL),
    "an include of an include": (text("hw/rtl/deep.inc", "deeper", "deepest"), ELABORATE),
    "an include that now comes first": (
        file("hw/first/plain.inc", stale_projects.FUNCTION.format(name="h", operator="+")),
        ALL,
    ),
    "the file of $readmemh": (file("hw/rtl/rom.hex", "1\n2\n4\n9\n"), ALL),
    "the file of $readmemb, by a parameter": (file("hw/rtl/rom.bin", "0\n0011\n0111\n1111\n"), ALL),
    "a macro's value": (text("hw/unit.toml", 'EXTRA = "0"', 'EXTRA = "1"'), ALL),
    "the summary": (text("hw/unit.toml", "reads much", "reads more"), NONE),
    "a header that nothing includes": (text("hw/rtl/unused.vh", "nothing", "nobody"), NONE),
    "a declared file": (file("hw/declared.txt", "2"), ELABORATE | SIMULATE),
    "a declared variable": (variable("STALE_DECLARED", "1"), ELABORATE | SIMULATE),
    "a comment in the bench": (text("hw/bench_unit.py", "HERE =", "# why\nHERE ="), SIMULATE),
    "the bench's golden model": (text("src/golden.py", "15", "16"), SIMULATE),
    "a file that the bench reads": (
        file("hw/stimulus.txt", "4"),
        {"simulate", "measure", "glitches"},
    ),
    "a module that the bench imports by importlib": (
        text("hw/stepping.py", "7", "5"),
        {"simulate", "measure", "glitches"},
    ),
    "what cocotb takes for X": (variable("COCOTB_RESOLVE_X", "zeros"), SIMULATE),
    "a feature of cocotb in preview": (variable("COCOTB_PREVIEW", "no"), SIMULATE),
    "a variable that the bench reads": (
        variable("STALE_BENCH", "2"),
        {"simulate", "measure", "glitches"},
    ),
}
WHOLE = {"the logic", "the logic of the block", "a file read once and kept"}
OPTIONS: dict[str, tuple[dict[str, Any], set[str]]] = {
    "supply": ({"operating": OperatingPoint(vdd_v=1.7)}, {"measure", "glitches"}),
    "temperature": ({"operating": OperatingPoint(temperature_c=60.0)}, {"measure", "glitches"}),
    "clock": ({"operating": OperatingPoint(clock_frac=0.5)}, NONE),
    "package": ({"package": PackageParameters(node_nm=65.0)}, NONE),
    "synthesis": ({"synthesis": SynthesisOptions(goal="delay")}, {"synthesise", *MEASURED}),
    "utilisation": ({"physical": PhysicalOptions(utilisation=0.7)}, MEASURED),
    "no glitches": ({"physical": PhysicalOptions(glitches=False)}, {"measure"}),
}
CODE = {
    "netlist.activity.saif": NONE,
    "store.care": NONE,
    "store.reads": NONE,
    "store.recording.notes": NONE,
    "report.page": NONE,
    "study.running.engine": NONE,
    "system.evaluate": NONE,
    "netlist.library.macros": {*MEASURED},  # it joins macros to the library; there are none
    "hardware.read_verilog": ELABORATE,
    "hardware.recording": SIMULATE,
    "hardware.simulated_rtl": SIMULATE,
    "blocks.bench_random": SIMULATE,
    "hardware.synthesise": {"synthesise"},
    "hardware.mapping_script": {"synthesise"},
    "hardware.shared.shared_modules": {"synthesise"},
    "hardware.shared.modules_once": {"simulate", "synthesise"},
    "hardware.shared.unit_texts": {"synthesise"},
    "hardware.map_module": {"synthesise"},
    "hardware.shared.structure": {"synthesise"},
    "hardware.mapping_library": {"synthesise"},
    "netlist.library.liberty.writer": {"synthesise"},
    "netlist.library.pack": {"synthesise", *MEASURED},
    "netlist.timing.timing": {"measure", "glitches"},
    "netlist.power.cells": {"measure", "glitches"},
    "netlist.activity.glitches.replay": {"measure", "glitches"},
    "netlist.activity.replay.c_functions": {"measure", "glitches"},
    "netlist.layout.placer.place": {"measure", "wires"},
    "stages.operate": {"measure"},
    "kernels.build": {"synthesise", *MEASURED},
    "kernels/lanes.h": {"measure", "glitches"},
    "kernels/replay.c": {"measure", "glitches"},
    "kernels/glitches.c": {"measure", "glitches"},
    "kernels/placer.c": {"measure", "wires"},
    "kernels/products.c": {"synthesise", *MEASURED},
    "kernels/products.h": {"synthesise", *MEASURED},
}
"""Modules of chipdse, and C files, with the stages that a change of each builds again."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What one evaluation gave, and which stages it ran."""

    metrics: dict[str, float]
    built: set[str]


def design(project: Path, block: str, **changed: Any) -> Design:
    reference, folder = ("b:B", "blocks") if block == "python" else ("unit.toml", "hw")
    found = find_block(reference, project / folder)
    length = {"length": 20}
    return Design(
        block=found,
        parameters=found.parameters(),
        workload=found.workload(**length),
        library=LibraryChoice(name="sky130"),
        **changed,
    )


def answer(project: Path, block: str, root: Path, **changed: Any) -> Answer:
    store = Store(root=root)
    metrics = evaluate(design(project, block, **changed), store).flat()
    return Answer(metrics=metrics, built=set(store.built))


def content(project: Path, block: str, root: Path) -> tuple[str, set[str]]:
    """Hash of the RTL, and the stages that ran."""
    made, store = design(project, block), Store(root=root)
    return elaborate(made.block, made.parameters, store).content, set(store.built)


@pytest.fixture(autouse=True)
def search_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    for name in ("STALE_MASK", "STALE_FLAG", "STALE_BENCH", "STALE_DECLARED", "STALE_OTHER"):
        monkeypatch.delenv(name, raising=False)
    path = list(sys.path)
    yield
    sys.path[:] = path


@pytest.fixture(scope="module")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the results of the project as it is."""
    folder = tmp_path_factory.mktemp("stale")
    project = stale_projects.write(folder / "project")
    path = list(sys.path)
    sys.path.insert(0, str(project / "elsewhere"))
    for block in ("python", "verilog"):
        assert answer(project, block, folder / "store").built == ALL
    sys.path[:] = path
    return folder / "store"


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, warm: Path) -> dict[str, str]:
    """The RTL of both blocks before anything changes."""
    project, path = stale_projects.write(tmp_path_factory.mktemp("base") / "copy"), list(sys.path)
    sys.path.insert(0, str(project / "elsewhere"))
    found = {block: content(project, block, warm) for block in ("python", "verilog")}
    sys.path[:] = path
    assert all(built == NONE for _, built in found.values())
    return {block: rtl for block, (rtl, _) in found.items()}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project elsewhere, as a colleague has it."""
    folder = stale_projects.write(tmp_path / "copy")
    sys.path.insert(0, str(folder / "elsewhere"))
    return folder


def check(warm: Path, base: dict[str, str], project: Path, block: str, what: str) -> None:
    """Stages that run again; another RTL is another key of all the others, so few cases run all."""
    expected = (PYTHON if block == "python" else VERILOG)[what][1]
    warm_rtl, built = content(project, block, warm)
    assert built == expected & ELABORATE
    assert content(project, block, project.parent / "fresh") == (warm_rtl, ELABORATE)
    assert (warm_rtl != base[block]) == (expected == ALL)
    if expected == ALL and what not in WHOLE:
        return
    found = answer(project, block, warm)
    assert found.built == expected - ELABORATE
    if found.built:
        assert answer(project, block, warm) == Answer(metrics=found.metrics, built=NONE)


@pytest.mark.few_cases(8)  # test_stale_reads.py has how each of them is seen
@pytest.mark.tools
@pytest.mark.parametrize("what", PYTHON)
def test_a_block_in_python(
    warm: Path, base: dict[str, str], project: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    PYTHON[what][0](project, monkeypatch)
    check(warm, base, project, "python", what)


@pytest.mark.few_cases(8)  # test_stale_verilog.py has how each of them is seen
@pytest.mark.tools
@pytest.mark.parametrize("what", VERILOG)
def test_a_block_in_verilog(
    warm: Path, base: dict[str, str], project: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    VERILOG[what][0](project, monkeypatch)
    check(warm, base, project, "verilog", what)


@pytest.mark.tools
@pytest.mark.parametrize("what", OPTIONS)
def test_an_option_rebuilds_the_stages_that_take_it(warm: Path, project: Path, what: str) -> None:
    changed, expected = OPTIONS[what]
    assert answer(project, "python", warm, **changed).built == expected


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize(
    ("block", "name", "new"),
    [
        ("python", "src/flat.py", "MASKS = [12]\n"),
        ("verilog", "hw/rtl/rom.hex", "f\ne\nd\nc\n"),
        ("verilog", "hw/stimulus.txt", "9"),
    ],
)
def test_warm_and_cold_metrics_are_equal(
    warm: Path, project: Path, block: str, name: str, new: str
) -> None:
    (project / name).write_text(new)
    warm_answer = answer(project, block, warm)
    cold = answer(project, block, project.parent / "cold")
    assert cold.built == ALL and warm_answer.metrics == cold.metrics


@pytest.mark.tools
def test_versions_that_alternate_are_both_kept(warm: Path, project: Path) -> None:
    first = answer(project, "python", warm)
    (project / "blocks/kept.json").write_text('{"mask": 13}')
    second = answer(project, "python", warm)
    (project / "blocks/kept.json").write_text(stale_projects.FILES["blocks/kept.json"])
    assert answer(project, "python", warm) == Answer(metrics=first.metrics, built=NONE)
    (project / "blocks/kept.json").write_text('{"mask": 13}')
    assert answer(project, "python", warm) == Answer(metrics=second.metrics, built=NONE)


@pytest.mark.tools
def test_a_wrong_golden_model_fails_though_the_right_one_passed(warm: Path, project: Path) -> None:
    (project / "src/golden.py").write_text("def limit():\n    return 0\n")
    with pytest.raises(ToolError, match="failed in runs"):
        answer(project, "verilog", warm)


@pytest.mark.few_cases(5)
@pytest.mark.tools
@pytest.mark.parametrize("module", CODE)
def test_a_comment_in_the_code_of_chipdse(
    warm: Path, project: Path, module: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    changed = dict(source_files.package_files("chipdse"))
    c_files = dict(source_files.kernel_files())
    if module.startswith("kernels/"):
        known, name, remark = c_files, module.removeprefix("kernels/"), "\n/* a remark */\n"
    else:
        known, name, remark = changed, f"chipdse.{module}", "\n# a remark\n"
    edited = project / "edited"
    edited.write_text(known[name].read_text() + remark)
    known[name] = edited
    packages = {"chipdse": changed, "chipdse_hdl": source_files.package_files("chipdse_hdl")}
    forget_code()
    monkeypatch.setattr(source_files, "package_files", packages.__getitem__)
    monkeypatch.setattr(source_files, "kernel_files", lambda: c_files)
    try:
        found = answer(project, "python", warm).built
    finally:
        monkeypatch.undo()
        forget_code()
    # A block in Python is read by no Verilog reader, but one function builds both kinds.
    assert found == CODE[module]


def forget_code() -> None:
    """Have the code of stages hashed anew; what was parsed stays, for a remark changes no name."""
    for function in (sources._files_of, sources._hash_of, sources._content):
        getattr(function, "cache_clear", lambda: None)()


def test_a_declared_file_that_is_not_there_is_refused(project: Path, tmp_path: Path) -> None:
    (project / "hw/declared.txt").unlink()
    with pytest.raises(DesignError, match="reads = 'declared.txt' names no file"):
        content(project, "verilog", tmp_path / "store")
