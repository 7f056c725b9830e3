"""Estimates of the designs in the tables of routed designs, with any calibration of layout."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from benchmarks.layout_tables import (
    UM2,
    Row,
    Technology,
    clock_nets,
    dynamic_uw,
    leakage_uw,
    logic_m2,
    number,
)
from chipdse.netlist.activity.activity import Activity
from chipdse.netlist.layout.clock_tree import TreeLevel, group_levels
from chipdse.netlist.library.cells import FlipFlop, clock_of
from chipdse.netlist.netlist import Netlist, Port
from chipdse.netlist.power.clock_tree import levels_power, sink_slews_s
from chipdse.netlist.power.power import analyse_power
from chipdse.netlist.timing.graph import build_timing_graph
from chipdse.netlist.timing.timing import analyse_timing
from chipdse.technology.calibration import LayoutCalibration
from chipdse.technology.constants import Sources


def tree_energy_j(calibration: LayoutCalibration, tech: Technology, row: Row) -> float:
    """Energy per cycle of the trees for the sinks and the area of a routed design."""
    return tree_of(calibration, tech, clock_nets(row, "sinks"), number(row, "area_um2") * UM2)[0]


def tree_of(
    calibration: LayoutCalibration, tech: Technology, sinks: Sequence[int], area_m2: float
) -> tuple[float, float]:
    """Energy [J] and area [m²] of the trees of a design.

    Parameters
    ----------
    sinks : of each clock net
    """
    every = levels_of(calibration, tech, sinks, area_m2)
    power = levels_power(every, np.full(len(every), tech.clock_pin_f), tech.at, np.ones(len(every)))
    area = sum(level.count * tech.library.cells[level.cell].area_m2 for t in every for level in t)
    return power.energy_j, float(area)


def levels_of(
    calibration: LayoutCalibration, tech: Technology, sinks: Sequence[int], area_m2: float
) -> list[tuple[TreeLevel, ...]]:
    """The levels of buffers of each clock net of a design."""
    wire = calibration.tree_wire_f_per_m
    if wire is None:
        key = f"wires.clock_capacitance.{tech.process}"
        wire = Sources()(key if Sources().has(key) else "wires.clock_capacitance_any")
    return [
        group_levels(
            count, tech.clock_pin_f, area_m2 * count / sum(sinks), tech.buffers, calibration, wire
        )
        for count in sinks
    ]


def edge_ratio(tech: Technology, levels: tuple[TreeLevel, ...]) -> float:
    """Energy in the clock pin of the smallest flip-flop with the edges of a tree over ideal ones.

    Data inputs are at rest, and all states of the flip-flop are as likely.
    """
    flip_flops = [
        i for i, cell in enumerate(tech.library.cells) if isinstance(cell.sequential, FlipFlop)
    ]
    kind = min(flip_flops, key=lambda i: tech.library.cells[i].area_m2)
    cell = tech.library.cells[kind]
    nets = 2 + np.arange(len(cell.pins))
    clock = clock_of(cell)
    assert clock is not None  # it is a flip-flop
    clock_net = 2 + cell.pin_index[clock[0]]
    netlist = Netlist(
        top="register",
        library=tech.library,
        cell_names=["register"],
        cell_types=np.array([kind], dtype=np.int32),
        net_names=[f"n{i}" for i in range(2 + len(nets))],
        pin_start=np.array([0, len(nets)], dtype=np.int32),
        pin_net=nets.astype(np.int32),
        ports=(
            Port(name="clock", direction="input", nets=(clock_net,)),
            Port(
                name="data",
                direction="input",
                nets=tuple(2 + i for i in cell.inputs if 2 + i != clock_net),
            ),
        ),
    )
    timing = analyse_timing(build_timing_graph(netlist, "clock"), tech.at, 1.0)
    toggles = np.zeros(netlist.net_count)
    toggles[clock_net] = 2.0
    activity = Activity(
        toggles=toggles,
        high_fraction=np.full(netlist.net_count, 0.5),
        annotated=np.ones(netlist.net_count, dtype=bool),
        cycles=1,
        duration_s=1.0,
        origin="propagated",
    )
    slews = timing.slew_s.copy()
    slews[:, :, 2 * clock_net : 2 * clock_net + 2] = sink_slews_s(
        [levels], np.array([tech.clock_pin_f]), tech.at
    )[0]
    real, ideal = (
        float(analyse_power(some, activity, state_probability="independent").internal_w[0].sum())
        for some in (dataclasses.replace(timing, slew_s=slews), timing)
    )
    return real / ideal


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
    nets = clock_nets(row, "flip_flops")
    return mapped + added + tree_of(calibration, tech, nets, mapped + added)[1], logic


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
    nets = clock_nets(mapped, "flip_flops")
    energy, _ = tree_of(calibration, tech, nets, area)
    # The cells in the clock drive the roots of trees instead of the pins that the table counts.
    volts = float(tech.at.supply_v[0])
    energy -= tech.clock_pin_f * volts**2 * sum(count for count in nets[1:] if count > 1)
    growth = area / (number(mapped, "area_um2") * UM2) * calibration.leakage_growth
    data = logic / logic_m2(tech, mapped) * calibration.data_growth
    in_clock_uw = dynamic_uw(stimulus, "product_none", "clock") + wires_uw("clock")
    # The table has the registers with the vertical edges of an ideal clock.
    ratio = edge_ratio(tech, levels_of(calibration, tech, nets[:1], area)[0])
    pins_uw = (ratio - 1) * number(stimulus, "product_none_clock_pin_uW")
    registers_uw = dynamic_uw(stimulus, "product_none", "sequential") + pins_uw
    return {
        "registers": 1e-6 * (registers_uw + wires_uw("sequential")),
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
