"""Operate: a netlist's corners at any number of clocks, as arrays; no tool, no netlist.

`operate` is the only place where energy per cycle and leakage become power and throughput. One
operating point is the case of one row, so a point alone and a point of a large sweep agree.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.errors import DesignError
from chipdse.metrics import BlockColumns, BlockReport
from chipdse.records import BAD_LEAKAGE, QUANTITIES, BlockMetrics, check_quantity
from chipdse.system.arrays.columns import BlockPoints


@dataclass(frozen=True, kw_only=True)
class Corner:
    """A netlist at one supply and temperature; whatever the clock.

    internal_energy_j, switching_energy_j : per cycle, by group of cells
    leakage_w : by group of cells
    leakage_temperatures_c, leakage_powers_w : of the whole, where the library is characterised
    wire_energy_j, glitch_energy_j : of the two above, what wires and what glitches cost a cycle
    clock_tree_energy_j : of buffers and wires per cycle, in neither of the two
    core_area_m2 : cell area over utilisation; None is the cell area
    wire_level : 0 without wires, 1 by formula, 2 placed
    glitches_counted, clock_tree_counted : 1 if they are in the numbers
    toggle_error_frac : standard error of all transitions, of drawing cycles for the glitches
    """

    vdd_v: float
    temperature_c: float
    critical_path_s: float
    worst_hold_slack_s: float
    internal_energy_j: dict[str, float]
    switching_energy_j: dict[str, float]
    leakage_w: dict[str, float]
    leakage_temperatures_c: tuple[float, ...]
    leakage_powers_w: tuple[float, ...]
    cell_count: int
    sequential_count: int
    area_m2: float
    annotated_frac: float
    macro_count: int = 0
    macro_area_m2: float = 0.0
    wire_energy_j: float = 0.0
    glitch_energy_j: float = 0.0
    clock_tree_energy_j: float = 0.0
    wire_length_m: float = 0.0
    core_area_m2: float | None = None
    clock_skew_s: float = 0.0
    clock_buffer_count: int = 0
    wire_level: int = 0
    glitches_counted: int = 0
    clock_tree_counted: int = 0
    toggle_error_frac: float = 0.0


def _unchanged() -> tuple[str, ...]:
    """Metrics of the report that are fields of a corner: the clock does not change them."""
    corner = {field.name for field in dataclasses.fields(Corner)}
    return tuple(field.name for field in dataclasses.fields(BlockReport) if field.name in corner)


UNCHANGED = _unchanged()


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the block did in the recorded run, and the process it is made in.

    op_count : units of work
    cycle_count : clock cycles they took
    io_bits_per_op : data that crossed the ports for one
    """

    op_count: int
    cycle_count: int
    io_bits_per_op: float
    node_nm: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Operated:
    """A block at K operating points.

    report : the block's metrics
    points : what a package needs to know of them
    """

    report: BlockColumns
    points: BlockPoints

    def report_at(self, row: int) -> BlockReport:
        """The record of one operating point."""
        return self.report.at(row)

    def metrics_at(self, row: int) -> BlockMetrics:
        """What a package needs to know of one operating point."""
        values = {
            field.name: getattr(self.points, field.name)[row]
            for field in dataclasses.fields(BlockMetrics)
            if field.name not in ("leakage_temperatures_c", "leakage_powers_w")
        }
        return BlockMetrics(
            **{name: float(value) for name, value in values.items()},
            leakage_temperatures_c=tuple(map(float, self.points.leakage_temperatures_c)),
            leakage_powers_w=tuple(map(float, self.points.leakage_powers_w[row])),
        )


def operate(
    corners: Sequence[Corner], which: Int64s, clock_period_s: Floats, clock_frac: Floats, job: Job
) -> Operated:
    """Power, throughput and slack of a netlist at K operating points.

    Parameters
    ----------
    corners : of one netlist, with leakage at the same temperatures
    which : index of the corner of each point [K]
    clock_period_s : its clock period [K]; NaN where `clock_frac` sets it
    clock_frac : its clock frequency as a fraction of the highest that meets timing [K]

    Raises
    ------
    DesignError : the corners differ in their leakage temperatures, or a value is out of range
    """
    temperatures = corners[0].leakage_temperatures_c
    if any(corner.leakage_temperatures_c != temperatures for corner in corners):
        raise DesignError("corners of one block must give leakage at the same temperatures")

    def of(values: Sequence[float]) -> Floats:
        return np.array(values, dtype=np.float64)[which]

    critical = of([one.critical_path_s for one in corners])
    period = np.where(np.isnan(clock_period_s), critical / clock_frac, clock_period_s)
    frequency = 1 / period
    per_second = job.op_count / job.cycle_count * frequency
    internal = of([sum(one.internal_energy_j.values()) for one in corners]) * frequency
    switching = of([sum(one.switching_energy_j.values()) for one in corners]) * frequency
    leakage = of([sum(one.leakage_w.values()) for one in corners])
    registers = of([one.leakage_w["sequential"] for one in corners]) + frequency * of(
        [_energy_j(one, "sequential") for one in corners]
    )
    tree = of([one.clock_tree_energy_j for one in corners]) * frequency
    total = internal + switching + tree + leakage
    memory = of([one.leakage_w.get("macro", 0.0) for one in corners]) + frequency * of(
        [_energy_j(one, "macro") for one in corners]
    )
    report = BlockColumns(
        block_area_m2=of([one.area_m2 for one in corners]),
        block_cell_count=of([one.cell_count for one in corners]),
        block_flip_flop_count=of([one.sequential_count for one in corners]),
        block_memory_count=of([one.macro_count for one in corners]),
        block_memory_area_m2=of([one.macro_area_m2 for one in corners]),
        library_temperature_c=of([one.temperature_c for one in corners]),
        f_max_hz=1 / critical,
        clock_frequency_hz=frequency,
        timing_slack_s=period - critical,
        ops_per_cycle=np.full(len(which), job.op_count / job.cycle_count),
        block_throughput_ops_per_s=per_second,
        block_internal_power_w=internal,
        block_switching_power_w=switching,
        block_leakage_power_w=leakage,
        block_power_w=total,
        block_register_power_w=registers,
        block_memory_power_w=memory,
        block_energy_per_op_j=total / per_second,
        block_clock_tree_power_w=tree,
        block_wire_power_w=of([one.wire_energy_j for one in corners]) * frequency,
        block_glitch_power_w=of([one.glitch_energy_j for one in corners]) * frequency,
        block_core_area_m2=of([_core_area_m2(one) for one in corners]),
        **{name: of([getattr(one, name) for one in corners]) for name in UNCHANGED},
    )
    points = BlockPoints(
        area_m2=report.block_core_area_m2,
        dynamic_power_w=internal + switching + tree,
        leakage_power_w=leakage,
        temperature_c=report.library_temperature_c,
        throughput_ops_per_s=per_second,
        io_bits_per_op=np.full(len(which), job.io_bits_per_op),
        node_nm=np.full(len(which), job.node_nm),
        leakage_temperatures_c=np.array(temperatures, dtype=np.float64),
        leakage_powers_w=np.array([one.leakage_powers_w for one in corners])[which],
    )
    _check(points)
    return Operated(report=report, points=points)


def _check(points: BlockPoints) -> None:
    """Raise DesignError for what a point evaluated alone is refused for (`BlockMetrics`)."""
    for name in QUANTITIES:
        column = getattr(points, name)
        for value in (column.min(), column.max()):
            check_quantity(name, float(value))
    if not (points.leakage_powers_w > 0).all():
        raise DesignError(BAD_LEAKAGE)


def _energy_j(corner: Corner, group: str) -> float:
    return corner.internal_energy_j.get(group, 0.0) + corner.switching_energy_j.get(group, 0.0)


def _core_area_m2(corner: Corner) -> float:
    return corner.area_m2 if corner.core_area_m2 is None else corner.core_area_m2
