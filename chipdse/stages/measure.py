"""Measure: from a mapped netlist and a recorded run to timing and power at operating points.

The store keeps every result, so a change of package or clock needs no new analysis.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from chipdse.design import Design, OperatingPoint
from chipdse.errors import DesignError
from chipdse.metrics import BlockReport
from chipdse.netlist.library.macros import check_macro_supply
from chipdse.netlist.power.power import GROUPS, Power
from chipdse.records import BlockMetrics
from chipdse.stages.analyse import Analysis, analyse_design
from chipdse.stages.guarantee import FAST, SLOW, bounds_of, check_corners
from chipdse.stages.layout import (
    LAYOUT_TABLES,
    guarded_layout,
    layout_effects,
    level_number,
    physical_values,
)
from chipdse.stages.layout_power import added_energy_j, after_layout, wire_energy_j
from chipdse.stages.library import library_of, library_version, supply_of
from chipdse.stages.load import RUN_INPUTS, Hardware, load, run_values
from chipdse.stages.operate import Corner, Job, OperatingResults, operate
from chipdse.store.stage import Stage
from chipdse.store.store import Store

CORNER = "corner.json"


def measure(design: Design, hardware: Hardware, store: Store) -> tuple[BlockReport, BlockMetrics]:
    """Timing and power of a design's netlist at its operating point.

    Raises
    ------
    DesignError : supply or temperature outside the library's range, replay's self-check failed
    """
    results = _operating_results(design, hardware, store, _node_nm(design))
    return results.report_at(0), results.metrics_at(0)


def measure_block(design: Design, hardware: Hardware, store: Store) -> BlockReport:
    """The report of `measure`, which needs no process node: that is for packages.

    Raises
    ------
    DesignError : as `measure`
    """
    return _operating_results(design, hardware, store, None).report_at(0)


def _operating_results(
    design: Design, hardware: Hardware, store: Store, node_nm: float | None
) -> OperatingResults:
    corner, operating = corner_of(design, hardware, store), design.operating
    period_s = math.nan if operating.clock_period_s is None else operating.clock_period_s
    return operate(
        [corner],
        np.zeros(1, dtype=np.int64),
        np.array([period_s]),
        np.array([operating.clock_frac]),
        _job(design, hardware, node_nm),
    )


def corners_of(
    design: Design,
    hardware: Hardware,
    store: Store,
    points: Sequence[OperatingPoint],
) -> list[Corner]:
    """A design's netlist at some operating points; their clocks do not matter.

    Raises
    ------
    DesignError : as `measure`
    """
    return [
        corner_of(dataclasses.replace(design, operating=point), hardware, store) for point in points
    ]


def corner_of(design: Design, hardware: Hardware, store: Store) -> Corner:
    """A design's netlist at its operating point, with the guaranteed figures if it asks for them.

    Raises
    ------
    DesignError : as `measure`
    """
    corner = _stored_corner(design, hardware, store)
    if not design.operating.is_guaranteed:
        return corner
    return corner.bounded(bounds_of(design, hardware, store))


def job_of(design: Design, hardware: Hardware) -> Job:
    """What the hardware did in its recorded run."""
    return _job(design, hardware, _node_nm(design))


def _job(design: Design, hardware: Hardware, node_nm: float | None) -> Job:
    work = design.block.work(design.parameters, design.workload)
    return Job(
        op_count=work.count,
        cycle_count=hardware.run.cycles,
        io_bits_per_op=(work.input_bits + work.output_bits) / work.count,
        node_nm=node_nm,
    )


def check_library(design: Design) -> None:
    """Raise DesignError if the library does not cover a design, before anything runs.

    The process node is needed by packages; for the block alone, see `check_operation`.
    """
    check_operation(design)
    _node_nm(design)


def check_operation(design: Design) -> None:
    """Raise DesignError if the library lacks the operating point of a block without a package."""
    vdd_v, temperature_c = supply_of(design)
    entry = library_of(design.library)
    library = entry.load(design.operating.process)
    library.at([vdd_v], [temperature_c])
    if design.operating.is_guaranteed:
        check_corners(design, {process: entry.load(process) for process in (SLOW, FAST)})
    layout_effects(design.physical, library)


def _node_nm(design: Design) -> float:
    node = design.package.node_nm or library_of(design.library).node_nm
    if not node:
        name = design.library.name
        if name is None:
            raise DesignError(
                "the process node of the given Liberty files is not known; "
                "set the package's node_nm"
            )
        raise DesignError(
            f"the process node of library {name!r} is not known; state it with "
            f"'chipdse library add {name} FILE... --node 7nm --replace' or as the package's node_nm"
        )
    return node


def _stored_corner(design: Design, hardware: Hardware, store: Store) -> Corner:
    vdd_v, temperature_c = supply_of(design)
    check_macro_supply(hardware.macros, vdd_v)
    process = design.operating.process
    version = library_version(design.library, process)
    values = {
        **run_values(design, hardware, process),
        "area_m2": hardware.mapped.area_m2,
        "vdd_v": vdd_v,
        "temperature_c": temperature_c,
        "physical": physical_values(design.physical),
    }
    build = functools.partial(write_corner, design, hardware, vdd_v, temperature_c, store)
    guard = functools.partial(guarded_layout, design, version, values["physical"])
    folder = MEASURE.folder(store, values, build, guard=guard)
    return read_corner(folder)


def read_corner(folder: Path) -> Corner:
    """The corner that `write_corner` wrote."""
    values: dict[str, Any] = json.loads((folder / CORNER).read_text())
    for name in ("leakage_temperatures_c", "leakage_powers_w"):
        values[name] = tuple(values[name])
    return Corner(**values)


def write_corner(
    design: Design,
    hardware: Hardware,
    vdd_v: float,
    temperature_c: float,
    store: Store,
    folder: Path,
) -> None:
    """Write timing and power of a netlist at a supply and temperature into a folder."""
    corner = _corner(design, hardware, vdd_v, temperature_c, store)
    (folder / CORNER).write_text(json.dumps(dataclasses.asdict(corner)))


MEASURE = Stage(
    name="measure",
    does="computes timing and power from the netlist and the recorded run",
    inputs={
        **RUN_INPUTS,
        "area_m2": "cell area",
        "vdd_v": "supply voltage",
        "temperature_c": "temperature",
        "physical": "which wires, clock tree and glitches count",
    },
    builder=write_corner,
    data=LAYOUT_TABLES,
)


@dataclass(frozen=True, kw_only=True)
class _Energies:
    """Energies per clock cycle of an analysed netlist [J].

    internal_j, switching_j : by group of cells
    wire_j : of all wires that cells drive
    added_j : of data in the cells that layout adds
    """

    internal_j: dict[str, float]
    switching_j: dict[str, float]
    wire_j: float
    added_j: float


def _energies(analysis: Analysis, vdd_v: float) -> _Energies:
    """Energies per clock cycle at the supply voltage at which the netlist was analysed."""
    power, activity, loads = analysis.power, analysis.activity, analysis.loads
    period_s = float(analysis.timing.min_period_s[0])
    internal_j = _by_group(power, "internal_w", period_s)
    switching_j = _by_group(power, "switching_w", period_s)
    is_logic = power.group == GROUPS.index("combinational")
    logic_wire_j = wire_energy_j(loads, power.netlist, activity, vdd_v, is_logic)
    data_j = internal_j["combinational"] + switching_j["combinational"] - logic_wire_j
    return _Energies(
        internal_j=internal_j,
        switching_j=switching_j,
        wire_j=wire_energy_j(loads, power.netlist, activity, vdd_v),
        added_j=added_energy_j(analysis.layout.added, data_j),
    )


def _by_group(power: Power, kind: str, factor: float) -> dict[str, float]:
    """A kind of power of each group of cells, times a factor."""
    groups = power.by_group()
    return {name: float(groups[name][kind][0]) * factor for name in GROUPS}


def _corner(
    design: Design, hardware: Hardware, vdd_v: float, temperature_c: float, store: Store
) -> Corner:
    """Timing and power of a netlist at a supply and temperature, with its layout as it counts."""
    loaded = load(design.library, hardware, design.operating.process)
    library = loaded.netlist.library
    known = library.leakage_grid
    temperatures_c = tuple(temp for temp in known.temperatures_c if known.covers(vdd_v, temp))
    at = library.leakage_at(vdd_v, temperatures_c) if len(temperatures_c) > 1 else None
    analysis = analyse_design(design, hardware, store, leakage_at=at)
    timing, power, laid = analysis.timing, analysis.power, analysis.layout
    path = float(timing.min_period_s[0])
    # A library without leakage has no table of it: it is 0 at every temperature.
    has_table = len(temperatures_c) > 1 and bool(np.any(power.leakage_elsewhere_w))
    netlist, macros = power.netlist, np.flatnonzero(power.group == GROUPS.index("macro"))
    laid_path = path * laid.path_growth
    skew = laid_path * laid.skew_frac / (1 - laid.skew_frac)
    area, added = hardware.mapped.area_m2, laid.added
    energies = _energies(analysis, vdd_v)
    leakage = after_layout(added, _by_group(power, "leakage_w", 1.0))
    leakage_powers_w = power.leakage_elsewhere_w * leakage.growth
    return Corner(
        vdd_v=vdd_v,
        temperature_c=temperature_c,
        critical_path_s=laid_path + skew,
        worst_hold_slack_s=float(timing.worst_hold_slack_s[0]),
        internal_energy_j=energies.internal_j,
        switching_energy_j=energies.switching_j,
        leakage_w=leakage.by_group_w,
        leakage_temperatures_c=temperatures_c if has_table else (),
        leakage_powers_w=tuple(map(float, leakage_powers_w)) if has_table else (),
        cell_count=power.netlist.cell_count,
        sequential_count=int((power.group == GROUPS.index("sequential")).sum()),
        area_m2=area,
        macro_count=len(macros),
        macro_area_m2=float(
            sum(netlist.cells[kind].area_m2 for kind in netlist.cell_types[macros])
        ),
        annotated_frac=loaded.replayed.annotated_fraction,
        wire_energy_j=energies.wire_j,
        glitch_energy_j=analysis.glitch_w * path,
        clock_tree_energy_j=laid.clock_tree_power(timing.library, analysis.activity).energy_j,
        added_cell_energy_j=energies.added_j,
        wire_length_m=0.0 if laid.routes is None else laid.routes.wire_length_m,
        layout_area_m2=area if added is None else added.area_m2,
        core_area_m2=(area if added is None else added.area_m2) / design.physical.utilisation,
        layout_delay_s=laid_path - path,
        clock_skew_s=skew,
        clock_buffer_count=0 if laid.tree is None else laid.tree.buffer_count,
        wire_level=level_number(laid.effects.wires),
        glitches_counted=int(analysis.activity.glitches),
        toggle_error_frac=analysis.activity.standard_error_frac,
        clock_tree_counted=int(laid.tree is not None),
        layout_cell_count=0 if added is None else added.count,
        hold_buffer_count=0 if added is None else added.hold_count,
        added_cells_counted=int(added is not None),
    )
