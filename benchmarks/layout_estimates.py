"""Estimates of the designs in the tables of routed designs, with any calibration of layout."""

from __future__ import annotations

import numpy as np

from benchmarks.layout_tables import (
    UM2,
    Row,
    Technology,
    dynamic_uw,
    leakage_uw,
    logic_m2,
    number,
)
from chipdse.netlist.layout.clock_tree import group_levels
from chipdse.netlist.power.clock_tree import levels_power
from chipdse.technology.calibration import LayoutCalibration
from chipdse.technology.constants import Sources


def tree_energy_j(calibration: LayoutCalibration, tech: Technology, row: Row) -> float:
    """Energy per cycle of a tree for the sinks and the area of a routed design."""
    return tree_of(calibration, tech, int(number(row, "sinks")), number(row, "area_um2") * UM2)[0]


def tree_of(
    calibration: LayoutCalibration, tech: Technology, sinks: int, area_m2: float
) -> tuple[float, float]:
    """Energy [J] and area [m²] of the tree of a design."""
    wire = calibration.tree_wire_f_per_m
    if wire is None:
        key = f"wires.clock_capacitance.{tech.process}"
        wire = Sources()(key if Sources().has(key) else "wires.clock_capacitance_any")
    levels = group_levels(
        sinks, tech.clock_pin_f, area_m2, tech.buffers, calibration, wire, is_root=True
    )
    power = levels_power([levels], np.array([tech.clock_pin_f]), tech.at, np.ones(1))
    area = sum(level.count * tech.library.cells[level.cell].area_m2 for level in levels)
    return power.energy_j, float(area)


def areas_m2(
    calibration: LayoutCalibration, tech: Technology, row: Row, ports: float
) -> tuple[float, float]:
    """Area expected after layout of a design as mapped here: all of it, combinational cells.

    Parameters
    ----------
    ports : area of port buffers [m²]
    """
    sinks = int(number(row, "flip_flops"))
    mapped = number(row, "area_um2") * UM2 * calibration.logic_growth
    added = (
        mapped * calibration.repair_frac + sinks * calibration.hold_area * tech.buffer_m2 + ports
    )
    logic = logic_m2(tech, row) * calibration.logic_growth + added
    return mapped + added + tree_of(calibration, tech, sinks, mapped + added)[1], logic


def power_parts_w(
    calibration: LayoutCalibration, tech: Technology, stimulus: Row, mapped: Row
) -> dict[str, float]:
    """Power expected after layout of a design as mapped here, with wires by formula, by part [W].

    The parts are those of `routed_parts_w`; their sum is the total power.
    """
    # The table has placed wires for these inputs; the formula's total is the routed length.
    longer = (number(mapped, "formula_uW") - number(mapped, "none_uW")) / (
        number(mapped, "placed_uW") - number(mapped, "none_uW")
    )

    def wires_uw(group: str) -> float:
        bare = dynamic_uw(stimulus, "product_none", group)
        return longer * (dynamic_uw(stimulus, "product_placed", group) - bare)

    area, logic = areas_m2(calibration, tech, mapped, 0.0)
    energy, _ = tree_of(calibration, tech, int(number(mapped, "flip_flops")), area)
    growth = area / (number(mapped, "area_um2") * UM2) * calibration.leakage_growth
    data = logic / logic_m2(tech, mapped) * calibration.data_growth
    in_clock_uw = dynamic_uw(stimulus, "product_none", "clock") + wires_uw("clock")
    return {
        "registers": 1e-6
        * (dynamic_uw(stimulus, "product_none", "sequential") + wires_uw("sequential")),
        "combinational cells": 1e-6 * dynamic_uw(stimulus, "product_none", "combinational") * data,
        "wires of combinational cells": 1e-6 * wires_uw("combinational"),
        "clock tree": 1e-6 * in_clock_uw + energy / (number(stimulus, "period_ns") * 1e-9),
        "leakage": 1e-6 * leakage_uw(stimulus, "product_none") * growth,
    }


def routed_parts_w(stimulus: Row) -> dict[str, float]:
    """Power of a routed design with its extracted wires, by part [W]."""
    cells_uw = dynamic_uw(stimulus, "routed_none", "combinational")
    return {
        "registers": 1e-6 * dynamic_uw(stimulus, "routed_spef", "sequential"),
        "combinational cells": 1e-6 * cells_uw,
        "wires of combinational cells": 1e-6
        * (dynamic_uw(stimulus, "routed_spef", "combinational") - cells_uw),
        "clock tree": 1e-6 * dynamic_uw(stimulus, "routed_spef", "clock"),
        "leakage": 1e-6 * leakage_uw(stimulus, "routed_spef"),
    }


def parts_uw(
    calibration: LayoutCalibration, tech: Technology, stimulus: Row, mapped: Row
) -> dict[str, tuple[float, float]]:
    """Estimated and routed power of a design by part [µW]."""
    estimated, routed = power_parts_w(calibration, tech, stimulus, mapped), routed_parts_w(stimulus)
    return {
        name: (round(1e6 * estimated[name], 3), round(1e6 * watts, 3))
        for name, watts in routed.items()
    }
