"""Results of a process corner depend on all that they read: the default corner's files as well,
with which the netlist is mapped and placed, the map of registers, and the user's calibration."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import chipdse
from chipdse.design import Design, LibraryChoice, PhysicalOptions, find_block
from chipdse.errors import MachineError
from chipdse.hardware.simulate import Simulation
from chipdse.hardware.synthesise import Synthesised
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.entry import liberty_text
from chipdse.netlist.library.liberty.head import Corner
from chipdse.stages.layout import guarded_layout, physical_values
from chipdse.stages.library import library_key, library_version
from chipdse.stages.load import Hardware, run_values


@pytest.fixture(scope="module")
def corners(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Typical and slow cells as Liberty files of one library, the typical ones first."""
    folder, library = tmp_path_factory.mktemp("corners"), resolve("sky130")
    typical, slow = folder / "cells_tt.lib", folder / "cells_ss.lib"
    typical.write_text(liberty_text(library, Corner(supply_v=1.8, temperature_c=25.0)))
    slow.write_text(liberty_text(library, Corner(supply_v=1.8, temperature_c=25.0), "slow"))
    return typical, slow


def larger_buffers(text: str) -> str:
    """A Liberty text in which every buffer has twice its area; layout adds such cells."""
    pattern = re.compile(r"(cell \(sky130_fd_sc_hd__(?:clk)?buf_\d+\) \{\s*area : )([\d.e-]+);")
    changed, count = pattern.subn(lambda m: f"{m[1]}{2 * float(m[2])};", text)
    assert count > 4
    return changed


@pytest.mark.slow
def test_the_key_of_a_process_corner_has_the_files_of_the_default_one(
    corners: tuple[Path, Path],
) -> None:
    choice = LibraryChoice(files=corners)
    typical, slow = library_key(choice), library_key(choice, "slow")
    assert len(typical) == 1 and set(slow) > set(typical)
    assert library_key(choice, "typical") == typical


@pytest.mark.tools
def test_slow_cells_after_an_edit_of_the_typical_ones(
    corners: tuple[Path, Path], tmp_path: Path
) -> None:
    """Layout adds buffers of the typical cells; only these are edited."""
    files = tuple(tmp_path / file.name for file in corners)
    for file, original in zip(files, corners, strict=True):
        file.write_text(original.read_text())

    def metrics(store: str) -> dict[str, float]:
        point = chipdse.evaluate_point(
            "adder", {"bits": 2}, workload={"length": 20}, liberty=list(files),
            store=tmp_path / store, package={"node_nm": 130.0}, operating={"process": "slow"},
            physical={"wires": "formula", "glitches": False},
        )  # fmt: skip
        return point.flat()

    before = metrics("warm")
    files[0].write_text(larger_buffers(files[0].read_text()))
    after = metrics("warm")
    assert after["block_area_m2"] == before["block_area_m2"]  # the netlist has no buffer
    assert after["block_layout_area_m2"] > 1.05 * before["block_layout_area_m2"]
    assert after == metrics("cold")


def hardware(folder: Path) -> Hardware:
    """Files that stand for a netlist and its run; a key reads their content alone."""
    for name in ("netlist", "registers", "layout", "data"):
        (folder / name).write_text(name)
    return Hardware(
        mapped=Synthesised(
            netlist=folder / "netlist",
            register_map=folder / "registers",
            top="top",
            area_m2=1e-9,
            cell_count=1,
        ),
        run=Simulation(
            layout=folder / "layout",
            data=folder / "data",
            first_cycle=0,
            cycles=1,
            simulator="icarus",
            folder=folder,
        ),
    )


def design(**physical: object) -> Design:
    block = find_block("adder")
    return Design(
        block=block,
        parameters=block.parameters(),
        workload=block.workload(length=20),
        library=LibraryChoice(name="sky130"),
        physical=PhysicalOptions(**physical),
    )


@pytest.mark.parametrize("name", ["netlist", "registers", "layout", "data"])
def test_every_file_of_the_hardware_is_in_the_key_of_what_reads_it(
    tmp_path: Path, name: str
) -> None:
    """A repair of chipdse may change the registers of flip-flops and leave the netlist as it is."""
    made = hardware(tmp_path)
    before = run_values(design(), made)
    (tmp_path / name).write_text("another")
    assert run_values(design(), made) != before


def test_nothing_is_kept_of_a_calibration_that_changes_while_a_stage_runs(tmp_path: Path) -> None:
    shipped = Path(chipdse.__file__).parent / "technology/data/layout_any.toml"
    file = tmp_path / "mine.toml"
    file.write_text(shipped.read_text())
    calibrated = design(calibration=str(file))
    physical = physical_values(calibrated.physical)
    version = library_version(calibrated.library)

    def build(folder: Path) -> None:
        (folder / "result").write_text("of one calibration or the other")

    guarded_layout(calibrated, version, physical, build)(tmp_path)
    file.write_text(shipped.read_text().replace("skew_frac = ", "skew_frac = 0.1 # "))
    with pytest.raises(MachineError, match=r"mine\.toml changed while it was used"):
        guarded_layout(calibrated, version, physical, build)(tmp_path)
