"""How far published scaling can be trusted: blocks on four nodes, sky130 projected to 7 nm.

Prints one JSON line: per block and library critical path, energy of an operation (without
leakage), area; and the ratio of what Stillmaker and Baas project to what asap7 gives.

    python benchmarks/projection.py --pdk FOLDER     (with ihp-sg13g2, asap7 and gt2n Liberty files)
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from chipdse.design import Design, LibraryChoice, find_block
from chipdse.errors import DesignError
from chipdse.stages.analyse import analyse_cells
from chipdse.stages.build import build_hardware
from chipdse.store.store import Store, default_store
from chipdse.system.models.projection import Figures, project_to_node

BLOCKS: dict[str, dict[str, Any]] = {"mac_array": {"rows": 2, "columns": 2}, "fir": {"taps": 8}}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pdk", type=Path, required=True)
    folder = parser.parse_args().pdk
    libraries = {
        "sky130": (LibraryChoice(name="sky130"), "n130", (1.8, 1.4, 1.2)),
        "ihp": (_files(folder / "ihp-sg13g2", "*typ_1p20V*"), "n130", (1.2,)),
        "asap7": (_files(folder / "asap7", "*RVT*"), "hp7", (0.7,)),
        "gt2n": (_files(folder / "gt2n", "*_svt_*"), "", (0.7,)),
    }
    measured: dict[str, dict[str, Figures]] = {}
    for block, given in BLOCKS.items():
        measured[block] = {
            f"{name} {supply_v:g} V": measure(block, given, choice, node, supply_v)
            for name, (choice, node, supplies) in libraries.items()
            for supply_v in supplies
        }
    projected = {}
    for block, measured_figures in measured.items():
        truth = measured_figures["asap7 0.7 V"]
        for name, figures in measured_figures.items():
            if figures.node != "n130":
                continue
            for node in ("hp7", "lp7"):
                projected[f"{block}: {name} to {node} 0.7 V"] = ratios(figures, node, truth)
    print(
        json.dumps(
            {
                "measured": {
                    block: {
                        name: {
                            "delay_s": f.delay_s,
                            "energy_per_op_j": f.energy_per_op_j,
                            "area_m2": f.area_m2,
                        }
                        for name, f in measured_figures.items()
                    }
                    for block, measured_figures in measured.items()
                },
                "projected_over_asap7": projected,
            }
        )
    )


def ratios(figures: Figures, node: str, truth: Figures) -> dict[str, float] | str:
    try:
        guess = project_to_node(figures, node, truth.supply_v)
    except DesignError as error:
        return str(error)
    return {
        "delay": guess.delay_s / truth.delay_s,
        "energy": guess.energy_per_op_j / truth.energy_per_op_j,
        "area": guess.area_m2 / truth.area_m2,
    }


def measure(
    name: str, given: dict[str, Any], choice: LibraryChoice, node: str, supply_v: float
) -> Figures:
    block = find_block(name)
    parameters, workload = block.parameters(**given), block.workload()
    design = Design(block=block, parameters=parameters, workload=workload, library=choice)
    _, hardware = build_hardware(design, Store(root=default_store()))
    timing, power, _ = analyse_cells(choice, hardware, [supply_v], [25.0])
    ops_per_cycle = block.work(parameters, workload).count / hardware.run.cycles
    energy = power.internal_energy_j + power.switching_energy_j
    return Figures(
        node=node,
        supply_v=supply_v,
        delay_s=float(timing.min_period_s[0]),
        energy_per_op_j=float(energy[0]) / ops_per_cycle,
        area_m2=hardware.mapped.area_m2,
    )


def _files(folder: Path, pattern: str) -> LibraryChoice:
    return LibraryChoice(files=tuple(sorted(folder.glob(pattern))))


if __name__ == "__main__":
    main()
