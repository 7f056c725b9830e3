"""Files of the cache that are edited, damaged, or made by other code are not used."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

import chipdse
from chipdse.cli import main
from chipdse.design import LibraryChoice
from chipdse.errors import MachineError
from chipdse.hardware.mapping_library import mapping_library
from chipdse.kernels.build import Kernels, compiler
from chipdse.netlist.activity.replay import c_functions as kernel_source
from chipdse.netlist.activity.replay.plan import Operation
from chipdse.netlist.library.cache import load_library
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.entry import liberty_text
from chipdse.netlist.library.liberty.head import Corner
from chipdse.netlist.library.logic import parse_function
from chipdse.stages.library import library_key, library_version
from chipdse.store.derived import derived_files
from chipdse.store.store import Store
from tests.support import programs

POINT = """
import sys
from chipdse.api.point import evaluate_point
physical = {"wires": "none", "clock_tree": False, "glitches": False}
given = {"liberty": sys.argv[2:], "package": {"node_nm": 130.0}} if sys.argv[2:] else {}
metrics = evaluate_point("adder", {"bits": 4}, workload={"length": 30}, store=sys.argv[1],
                         physical=physical, **given).flat()
print(metrics["block_area_m2"], metrics["block_energy_per_op_j"])
"""


@pytest.fixture(scope="module")
def liberty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped library at its nominal corner as a Liberty file."""
    file = tmp_path_factory.mktemp("liberty") / "plain.lib"
    file.write_text(liberty_text(resolve("sky130"), Corner(supply_v=1.8, temperature_c=25.0)))
    return file


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def point(store: Path, *liberty: Path, package: Path | None = None) -> str:
    """Area and energy of a small adder, in a process of its own."""
    environment = dict(os.environ)
    if package is not None:
        environment["PYTHONPATH"] = str(package)
    folder = package or store.parent
    done = programs.run("-c", POINT, store, *liberty, cwd=folder, environment=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def larger(file: Path) -> None:
    """Double the area of every NAND cell, at the same size of the file."""
    lines, inside = [], False
    for line in file.read_text().splitlines(keepends=True):
        if line.lstrip().startswith("cell ("):
            inside = "nand" in line
        if inside and line.lstrip().startswith("area"):
            line = line.replace("area : ", "area : 9").replace("area : 99", "area : 9")
        lines.append(line)
    file.write_text("".join(lines))


@pytest.mark.slow
def test_a_library_that_is_edited_in_place_is_another_one(liberty: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.lib"
    shutil.copy(liberty, file)
    choice = LibraryChoice(files=(file,))
    before = library_key(choice)
    date = file.stat().st_mtime_ns
    larger(file)
    os.utime(file, ns=(date, date))  # what a copying tool may do
    assert library_key(choice) != before
    shutil.copy(liberty, file)
    assert library_key(choice) == before


def test_nothing_is_kept_of_a_library_that_changes_while_a_stage_runs(
    liberty: Path, tmp_path: Path
) -> None:
    from chipdse.stages.library import guarded

    file = tmp_path / "mine.lib"
    shutil.copy(liberty, file)
    choice = LibraryChoice(files=(file,))
    version = library_version(choice)

    def build(folder: Path) -> None:
        larger(file)
        (folder / "area").write_text("of the edited library")
        shutil.copy(liberty, file)  # back again before anybody looks

    store = Store(root=tmp_path / "store")
    with pytest.raises(MachineError, match=r"mine\.lib changed while it was used"):
        store.folder("stage", {"library": version.digests}, guarded(choice, version, build))
    assert not list((tmp_path / "store" / "stage").glob("*/manifest.json"))


@pytest.mark.tools
def test_an_edited_library_leaves_no_wrong_result(liberty: Path, tmp_path: Path) -> None:
    """The reproduction: evaluate, edit in place, evaluate in the same process, restore."""
    file, store = tmp_path / "mine.lib", tmp_path / "store"
    shutil.copy(liberty, file)
    physical = {"wires": "none", "clock_tree": False, "glitches": False}

    def area() -> float:
        metrics = chipdse.evaluate_point(
            "adder", {"bits": 4}, workload={"length": 30}, liberty=[file], store=store,
            package={"node_nm": 130.0}, physical=physical,
        )  # fmt: skip
        return metrics.flat()["block_area_m2"]

    first = area()
    text = file.read_text()
    file.write_text(text.replace("area : ", "area : 1"))
    assert area() > first
    file.write_text(text)
    assert area() == first == float(point(store, file).split()[0])


@pytest.mark.slow
def test_a_damaged_reduced_library_is_made_again(
    liberty: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = mapping_library([liberty])
    right = first.liberty.read_text()
    larger(first.liberty)
    assert first.liberty.read_text() != right
    (cache / "stages").mkdir(parents=True)
    assert main(["cache", "verify"]) == 1
    assert str(first.liberty) in capsys.readouterr().out
    again = mapping_library([liberty])
    assert again == first and again.liberty.read_text() == right
    about = next((cache / "liberty").glob("*.json"))
    about.write_text(about.read_text().replace("1", "2"))  # the areas that are reported
    assert mapping_library([liberty]) == first
    assert main(["cache", "verify"]) == 0


@pytest.mark.slow
def test_a_damaged_parsed_library_is_made_again(liberty: Path, cache: Path) -> None:
    right = load_library([liberty])
    entry = next((cache / "libraries").glob("*.npz"))
    data = bytearray(entry.read_bytes())
    data[len(data) // 2] ^= 1
    entry.write_bytes(data)
    assert not next(iter(derived_files(cache))).is_whole()
    again = load_library([liberty])
    assert (again.tables.values == right.tables.values).all()
    assert all(each.is_whole() for each in derived_files(cache))


@pytest.mark.slow
def test_files_of_the_cache_are_as_open_as_the_umask_says(liberty: Path, cache: Path) -> None:
    before = os.umask(0o027)
    try:
        mapping_library([liberty])
        load_library([liberty])
        if compiler():
            (cache / "kernels" / "here").mkdir(parents=True)
            Kernels(cache / "kernels" / "here").library("replay.c")
    finally:
        os.umask(before)
    files = [file for each in derived_files(cache) for file in each.files]
    assert {file.parent.name for file in files} >= {"liberty", "libraries"}
    assert all(stat.S_IMODE(file.stat().st_mode) & 0o040 for file in files)
    assert not any(stat.S_IMODE(file.stat().st_mode) & 0o006 for file in files)


def test_pruning_takes_derived_files_that_nobody_uses(
    liberty: Path, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    reduced = mapping_library([liberty]).liberty
    (cache / "stages").mkdir(parents=True)
    assert main(["cache", "info"]) == 0
    assert "liberty" in capsys.readouterr().out
    assert main(["cache", "prune", "--limit", "0B"]) == 0
    assert reduced.is_file()  # a program may be reading it
    for file in (cache / "liberty").iterdir():
        os.utime(file, (1, 1))
    assert main(["cache", "prune", "--limit", "0B"]) == 0
    assert not list((cache / "liberty").iterdir())


def test_a_kernel_is_named_by_its_c(monkeypatch: pytest.MonkeyPatch) -> None:
    operation = Operation(expression=parse_function("i0 ^ i1"), inputs=2, joint=False)
    right = kernel_source.function_name(operation)
    monkeypatch.setattr(kernel_source, "_c", lambda expression: "0")  # a fault of the generator
    kernel_source.function_name.cache_clear()
    wrong = kernel_source.function_name(operation)
    monkeypatch.undo()
    kernel_source.function_name.cache_clear()
    assert wrong != right == kernel_source.function_name(operation)


def copy_of_chipdse(folder: Path) -> Path:
    """The packages in a folder, to be edited there; with their bytecode, which takes seconds."""
    for name in ("chipdse", "hdl", "sweeps"):
        shutil.copytree(Path(chipdse.__file__).parents[1] / name, folder / name)
    return folder


@pytest.fixture(scope="module")
def cold(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What the code as it is gives with an empty store and an empty cache."""
    folder = tmp_path_factory.mktemp("cold")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CHIPDSE_CACHE", str(folder / "cache"))
        return point(folder / "store")


@pytest.mark.few_cases(1)
@pytest.mark.tools
@pytest.mark.parametrize(
    ("module", "right", "wrong"),
    [
        ("netlist/library/liberty/writer.py", "", None),
        ("netlist/activity/replay/c_functions.py", "x ^ old", "x | old"),
        ("kernels/lanes.h", "return x[0] +", "return 2 + x[0] +"),
    ],
)
def test_a_repaired_fault_of_the_code_reaches_who_has_a_cache(
    tmp_path: Path, cache: Path, cold: str, module: str, right: str, wrong: str | None
) -> None:
    """With a fault, then repaired in the same store and cache: as with empty ones."""
    copy = copy_of_chipdse(tmp_path / "copy")
    file = copy / "chipdse" / module
    text = file.read_text()
    if wrong is None:
        file.write_text(text + WRONG_AREA)
    else:
        assert right in text
        file.write_text(text.replace(right, wrong))
    faulty = point(tmp_path / "store", package=copy)
    file.write_text(text)
    repaired = point(tmp_path / "store", package=copy)
    assert repaired == cold != faulty


WRONG_AREA = '''

_right = liberty_text


def liberty_text(*given, **named):
    """With areas that are not the cells'."""
    return _right(*given, **named).replace("area : ", "area : 1")
'''
