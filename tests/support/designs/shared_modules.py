"""Designs whose equal modules are mapped once, and which modules of them are equal."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from chipdse.hardware.elaborate import Rtl
from chipdse.hardware.mapping_library import mapping_library
from chipdse.hardware.mapping_script import HIERARCHY, MappingRun, borders_script, hierarchy_script
from chipdse.hardware.shared.shared_modules import SharedModules, find_shared, without_open_ports
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.netlist.library.catalogue import resolve
from chipdse.netlist.library.entry import liberty_files_for_synthesis
from chipdse.tools import run_yosys
from tests.support.designs.timed import TimedDesign, make_design

CYCLES = 120


def mapping_run(folder: Path, source: str) -> MappingRun:
    (folder / "design.v").write_text(source)
    rtl = Rtl(rtlil=folder / "design.v", verilog=folder / "design.v", top="top", content="")
    files = liberty_files_for_synthesis(resolve("sky130"), folder / "library")
    return MappingRun(
        rtl=rtl,
        library=mapping_library(files),
        options=SynthesisOptions(hierarchy="shared"),
        black_boxes=(),
        folder=folder,
        prefix="",
    )


def shared_of(folder: Path, source: str) -> SharedModules:
    run_yosys(hierarchy_script(mapping_run(folder, source), uniquify=True), folder, "hierarchy")
    hierarchy = folder / HIERARCHY
    hierarchy.write_text(without_open_ports(hierarchy.read_text()))
    run_yosys(borders_script(), folder, "borders")
    return find_shared(hierarchy.read_text(), "top")


def make(folder: Path, source: str, **options: object) -> TimedDesign:
    if shutil.which("iverilog") is None:
        pytest.skip("Icarus (iverilog) is not installed")
    entry = resolve("sky130")
    files = liberty_files_for_synthesis(entry, folder / "library")
    library = entry.load().at(1.8, 25.0)
    chosen = SynthesisOptions(**{"hierarchy": "shared"} | options)  # type: ignore[arg-type]
    return make_design(folder, source, library, files, cycles=CYCLES + 5, options=chosen)
