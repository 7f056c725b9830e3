"""Energies of single cells in a cycle, from which the drop of the supply is computed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from chipdse.design import Design, LibraryChoice, PhysicalOptions, find_block, make_record
from chipdse.hardware.synthesis_options import SynthesisOptions
from chipdse.stages.analyse import analyse_design
from chipdse.stages.build import build_hardware
from chipdse.stages.load import load
from chipdse.stages.supply_drop import cell_energies_j
from chipdse.stages.traces import power_trace
from chipdse.store.store import Store


@pytest.mark.tools
@pytest.mark.parametrize("synthesis", [{}, {"clock_gating": 4}])
@pytest.mark.parametrize("glitches", [True, False])
def test_cells_have_together_the_energy_of_the_trace(
    synthesis: dict[str, Any], glitches: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = Store(root=tmp_path_factory.getbasetemp() / "cell_energies")
    block = find_block("fifo", Path.cwd())
    design = Design(
        block=block,
        parameters=block.parameters(),
        workload=block.workload(),
        library=LibraryChoice(name="sky130"),
        synthesis=make_record(SynthesisOptions, synthesis, "synthesis"),
        physical=PhysicalOptions(wires="formula", glitches=glitches),
    )
    _, hardware = build_hardware(design, store)
    trace = power_trace(design, hardware, store)
    analysis = analyse_design(design, hardware, store)
    loaded = load(design.library, hardware, design.operating.process)
    cycle = int(trace.power_w.argmax())
    mean_j, cycle_j = cell_energies_j(analysis, loaded, hardware, cycle)
    assert mean_j.sum() == pytest.approx(trace.energy_j.sum(axis=1).mean(), rel=1e-6)
    assert cycle_j.sum() == pytest.approx(trace.energy_j[cycle].sum(), rel=1e-6)
    assert (mean_j >= 0).all()
