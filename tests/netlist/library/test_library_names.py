"""Libraries by name: grouping of files by corner, the user's configuration, refusals."""

from __future__ import annotations

import dataclasses
import gzip
from pathlib import Path

import pytest

from chipdse.errors import DesignError
from chipdse.netlist.library.catalogue import description_file, library_names, resolve
from chipdse.netlist.library.entry import (
    LibraryEntry,
    ProcessFiles,
    liberty_files_for_synthesis,
)
from chipdse.netlist.library.liberty.head import Corner, read_corner
from chipdse.netlist.library.user import add_library
from tests.support.library_files import liberty


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHIPDSE_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("CHIPDSE_CACHE", str(tmp_path / "cache"))


def test_corner_from_the_header(tmp_path: Path) -> None:
    path = liberty(tmp_path, "a.lib", volts=0.9, celsius=-40, process="ss")
    assert read_corner(path) == (Corner(supply_v=0.9, temperature_c=-40.0), "slow")
    packed = tmp_path / "a.lib.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert read_corner(packed) == read_corner(path)


def test_two_corners_make_a_supply_axis(tmp_path: Path) -> None:
    # log interpolation halfway between 0.1 and 0.4 ns: the geometric mean, 0.2 ns
    files = [
        liberty(tmp_path, "hi.lib", volts=1.2, d=0.1),
        liberty(tmp_path, "lo.lib", volts=0.8, d=0.4),
    ]
    entry = resolve(files)
    assert entry.nominal == Corner(supply_v=1.2, temperature_c=25.0)
    assert liberty_files_for_synthesis(entry, tmp_path) == (files[0],)
    middle = entry.load().at(1.0, 25.0)
    values = middle.interpolate(entry.load().tables.values)
    assert values == pytest.approx(0.2e-9)
    with pytest.raises(DesignError, match="outside"):
        entry.load().at(0.7, 25.0)


def test_files_of_one_corner_are_one_library(tmp_path: Path) -> None:
    files = [liberty(tmp_path, "a.lib"), liberty(tmp_path, "b.lib", cell="inv2")]
    entry = resolve(files)
    assert entry.corners == (tuple(files),)
    assert [cell.name for cell in entry.load().cells] == ["inv", "inv2"]


def test_add_keeps_the_name(tmp_path: Path) -> None:
    added = add_library("mine", [liberty(tmp_path, "a.lib")])
    assert "mine" in library_names()
    assert resolve("mine").corners == added.corners
    with pytest.raises(DesignError, match="what library mine was characterised for"):
        added.load().at(2.0, 25.0)
    with pytest.raises(DesignError, match="exists already"):
        add_library("mine", [tmp_path / "a.lib"])
    other = liberty(tmp_path, "b.lib", volts=1.1)
    assert add_library("mine", [other], replace=True).nominal.supply_v == 1.1
    assert resolve("mine").files == (other,)
    assert resolve("mine").node_nm is None
    with description_file("mine").open("a") as description:
        description.write("node_nm = 0.0\n")  # as older versions wrote it
    assert resolve("mine").node_nm is None
    add_library("mine", [other], node_nm=7.0, replace=True)
    assert resolve("mine").node_nm == 7
    for wrong in (-7.0, 0.0):
        with pytest.raises(DesignError, match="not a process node"):
            add_library("mine", [other], node_nm=wrong, replace=True)


@pytest.mark.parametrize("name", ["", "1x", "a/b", "../x", "a b"])
def test_refuses_names(name: str, tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="must start with a letter"):
        add_library(name, [liberty(tmp_path, "a.lib")])


def test_names_that_are_unknown_taken_or_shipped_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DesignError, match="known: sky130"):
        resolve("nothing")
    with pytest.raises(DesignError, match="ships with the package"):
        add_library("sky130", [liberty(tmp_path, "a.lib")])
    with pytest.raises(DesignError, match="cannot be read"):
        resolve([tmp_path / "absent.lib"])
    text = tmp_path / "text.lib"
    text.write_text("hello")
    with pytest.raises(DesignError, match="not a Liberty file"):
        resolve([text])
    slow = liberty(tmp_path, "slow.lib", process="ss", volts=0.9)
    unclear = liberty(tmp_path, "unclear.lib", process="")
    with pytest.raises(DesignError, match="unclear.lib.*states a process corner.*slow, typical"):
        resolve([slow, liberty(tmp_path, "a.lib"), unclear])
    other = liberty(tmp_path, "other.lib", cell="nand", volts=0.9)
    with pytest.raises(DesignError, match="only one has cell"):
        add_library("two", [liberty(tmp_path, "a.lib"), other])
    assert "two" not in library_names()


def test_a_damaged_description_says_what_to_do(tmp_path: Path) -> None:
    add_library("mine", [liberty(tmp_path, "a.lib")])
    (tmp_path / "config" / "libraries" / "mine.toml").write_text("files = 3")
    with pytest.raises(DesignError, match="add the library again"):
        resolve("mine")


@pytest.mark.slow
def test_threshold_flavours_are_libraries(shared: Path) -> None:
    folder = shared / "pdk" / "gt2n"
    delays = {}
    for flavour in ("hvt", "svt", "lvt", "ulvt"):
        file = folder / f"gt2_6t_w31_{flavour}_tt_0p7v25c.lib.gz"
        library = add_library(f"gt2n_{flavour}", [file]).load()
        delays[flavour] = float(library.cell_leakage_w.sum())
    assert delays["hvt"] < delays["svt"] < delays["lvt"] < delays["ulvt"]
    assert set(library_names()) == {"sky130", *(f"gt2n_{name}" for name in delays)}


@pytest.mark.slow
def test_text_of_a_shipped_library_is_kept_until_it_is_damaged_or_its_files_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    entry = resolve("sky130")
    written = liberty_files_for_synthesis(entry, tmp_path / "first")[0].read_bytes()

    def refuse(*arguments: object) -> None:
        raise LookupError("the library was loaded")

    monkeypatch.setattr(LibraryEntry, "_read", refuse)
    again = liberty_files_for_synthesis(resolve("sky130"), tmp_path / "second")[0]
    assert again.read_bytes() == written
    (kept,) = (tmp_path / "cache" / "liberty").glob("*.lib")
    kept.write_bytes(written[:-1])
    with pytest.raises(LookupError):
        liberty_files_for_synthesis(entry, tmp_path / "third")
    kept.write_bytes(written)
    changed = tmp_path / "changed.npz"
    changed.write_bytes(entry.files[0].read_bytes() + b"\n")
    other = dataclasses.replace(entry, by_process={"typical": ProcessFiles(saved=changed)})
    with pytest.raises(LookupError):
        liberty_files_for_synthesis(other, tmp_path / "fourth")
