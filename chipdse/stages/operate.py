"""Operate: a netlist's corners at any number of clocks, as arrays; no tool, no netlist.

`operate` is the only place where energy per cycle and leakage become power and throughput. One
operating point is the case of one row, so a point alone and a point of a large sweep agree.
"""

from __future__ import annotations

import dataclasses
import math
import operator
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.errors import DesignError
from chipdse.metrics import BlockColumns, BlockReport
from chipdse.records import BAD_LEAKAGE, QUANTITIES, BlockMetrics, check_quantity
from chipdse.system.arrays.columns import BlockPoints, TypicalLeakages


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """What every chip of a netlist keeps within a range of supply and temperature.

    critical_path_s : of slow chips, at the lowest supply and the slower end of the temperatures
    worst_hold_slack_s : of fast chips, at the highest supply and the worse end of the temperatures
    leakage_w : by group of cells, of fast chips at the highest supply and temperature
    leakage_temperatures_c, leakage_powers_w : of the whole fast chip at the highest supply
    timing_sigma : standard deviations of mismatch that critical path and hold slack contain
    mismatch_delay_s : part of the critical path that is due to mismatch
    near_critical_endpoints : how many endpoints like the worst one miss timing as often as all do
    """

    critical_path_s: float
    setup_supply_v: float
    setup_temperature_c: float
    worst_hold_slack_s: float
    hold_supply_v: float
    hold_temperature_c: float
    leakage_w: dict[str, float]
    leakage_supply_v: float
    leakage_temperature_c: float
    leakage_temperatures_c: tuple[float, ...]
    leakage_powers_w: tuple[float, ...]
    timing_sigma: float = 0.0
    mismatch_delay_s: float = 0.0
    near_critical_endpoints: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Corner:
    """A netlist at one supply and temperature, at any clock.

    internal_energy_j, switching_energy_j : per cycle, by group of cells
    leakage_w : by group of cells
    leakage_temperatures_c, leakage_powers_w : of the whole, where the library is characterised
    wire_energy_j, glitch_energy_j : of the two above, what wires and what glitches cost per cycle
    clock_tree_energy_j : of buffers and wires per cycle, in neither of the two
    added_cell_energy_j : of data in cells that layout adds or enlarges, in none of these
    layout_area_m2 : cell area expected after layout; None is the cell area
    core_area_m2 : that over utilisation; None is the cell area
    wire_level : 0 without wires, 1 by formula, 2 placed
    layout_delay_s, clock_skew_s : of the critical path, growth by layout and skew
    layout_cell_count, hold_buffer_count : cells that layout adds, and of them for hold
    glitches_counted, clock_tree_counted, added_cells_counted : 1 if they are in the numbers
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
    added_cell_energy_j: float = 0.0
    layout_area_m2: float | None = None
    core_area_m2: float | None = None
    layout_delay_s: float = 0.0
    clock_skew_s: float = 0.0
    clock_buffer_count: int = 0
    wire_level: int = 0
    glitches_counted: int = 0
    clock_tree_counted: int = 0
    added_cells_counted: int = 0
    layout_cell_count: int = 0
    hold_buffer_count: int = 0
    toggle_error_frac: float = 0.0
    bounds: Bounds | None = None

    def bounded(self, bounds: Bounds) -> Corner:
        """The same corner with the guaranteed figures; leakage at the temperatures of both."""
        both = sorted({*self.leakage_temperatures_c} & {*bounds.leakage_temperatures_c})
        common = tuple(both) if len(both) > 1 else ()

        def at_common(
            temperatures_c: tuple[float, ...], powers_w: tuple[float, ...]
        ) -> tuple[float, ...]:
            known = dict(zip(temperatures_c, powers_w, strict=True))
            return tuple(known[temperature] for temperature in common)

        typical_w = at_common(self.leakage_temperatures_c, self.leakage_powers_w)
        bounds_w = at_common(bounds.leakage_temperatures_c, bounds.leakage_powers_w)
        bounds = dataclasses.replace(
            bounds, leakage_temperatures_c=common, leakage_powers_w=bounds_w
        )
        return dataclasses.replace(
            self, leakage_temperatures_c=common, leakage_powers_w=typical_w, bounds=bounds
        )

    @property
    def as_bounds(self) -> Bounds:
        """What the chips of this corner keep; without bounds, the corner's own figures."""
        if self.bounds is not None:
            return self.bounds
        return Bounds(
            critical_path_s=self.critical_path_s,
            setup_supply_v=self.vdd_v,
            setup_temperature_c=self.temperature_c,
            worst_hold_slack_s=self.worst_hold_slack_s,
            hold_supply_v=self.vdd_v,
            hold_temperature_c=self.temperature_c,
            leakage_w=self.leakage_w,
            leakage_supply_v=self.vdd_v,
            leakage_temperature_c=self.temperature_c,
            leakage_temperatures_c=self.leakage_temperatures_c,
            leakage_powers_w=self.leakage_powers_w,
        )


def _unchanged() -> tuple[str, ...]:
    """Metrics of the report that are fields of a corner: the clock does not change them."""
    corner = {field.name for field in dataclasses.fields(Corner)}
    corner -= {field.name for field in dataclasses.fields(Bounds)}
    return tuple(field.name for field in dataclasses.fields(BlockReport) if field.name in corner)


UNCHANGED = _unchanged()
CORNER_OF = tuple(
    f"{result}_{coordinate}"
    for result in ("setup", "hold", "leakage")
    for coordinate in ("supply_v", "temperature_c")
)
"""Metrics that state the supply and temperature at which clock, hold slack and leakage hold."""
MISMATCH = ("timing_sigma", "mismatch_delay_s", "near_critical_endpoints")
"""Metrics that state what of mismatch clock and hold slack contain."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What the block did in the recorded run, and the process it is made in.

    op_count : units of work
    cycle_count : clock cycles they took
    io_bits_per_op : data that crossed the ports for one
    node_nm : None where no package follows
    """

    op_count: int
    cycle_count: int
    io_bits_per_op: float
    node_nm: float | None


@dataclass(frozen=True, kw_only=True, eq=False)
class OperatingResults:
    """A block's metrics at K operating points.

    report : all of them
    points : those of which the metrics of a package are computed
    """

    report: BlockColumns
    points: BlockPoints

    def report_at(self, row: int) -> BlockReport:
        """The record of one operating point."""
        return self.report.at(row)

    def metrics_at(self, row: int) -> BlockMetrics:
        """The metrics of one operating point of which those of a package are computed."""
        values = {
            field.name: getattr(self.points, field.name)[row]
            for field in dataclasses.fields(BlockMetrics)
            if field.type == "float"
        }
        typical = self.points.typical
        return BlockMetrics(
            **{name: float(value) for name, value in values.items()},
            leakage_temperatures_c=tuple(map(float, self.points.leakage_temperatures_c)),
            leakage_powers_w=tuple(map(float, self.points.leakage_powers_w[row])),
            typical=None if typical is None else typical.at(row),
        )


def operate(
    corners: Sequence[Corner], which: Int64s, clock_period_s: Floats, clock_frac: Floats, job: Job
) -> OperatingResults:
    """Power, throughput and slack of a netlist at K operating points.

    Parameters
    ----------
    corners : of one netlist, with leakage at the same temperatures
    which : index of the corner of each point [K]
    clock_period_s : its clock period [K]; NaN where `clock_frac` sets it
    clock_frac : its clock frequency as a fraction of the highest that meets timing [K]

    Of a corner with bounds, clock, slack, leakage and power are those that every chip meets, and
    energy per operation is that of a typical chip at that clock.

    Raises
    ------
    DesignError : the corners differ in their leakage temperatures, or a value is out of range
    """
    temperatures = corners[0].leakage_temperatures_c
    if any(corner.leakage_temperatures_c != temperatures for corner in corners):
        raise DesignError("corners of one block must give leakage at the same temperatures")

    def column(pick: Callable[[Corner], float]) -> Floats:
        return np.array([pick(corner) for corner in corners], dtype=np.float64)[which]

    critical_s = column(lambda corner: corner.as_bounds.critical_path_s)
    period_s = np.where(np.isnan(clock_period_s), critical_s / clock_frac, clock_period_s)
    report = _report(column, critical_s, period_s, job)
    bounds = [corner.as_bounds for corner in corners]
    points = BlockPoints(
        area_m2=report.block_core_area_m2,
        dynamic_power_w=_dynamic_w(report),
        leakage_power_w=report.block_leakage_power_w,
        temperature_c=report.leakage_temperature_c,
        throughput_ops_per_s=report.block_throughput_ops_per_s,
        io_bits_per_op=np.full(len(which), job.io_bits_per_op),
        node_nm=np.full(len(which), math.nan if job.node_nm is None else job.node_nm),
        leakage_temperatures_c=np.array(temperatures, dtype=np.float64),
        leakage_powers_w=np.array([bound.leakage_powers_w for bound in bounds])[which],
        typical=_typical_leakage(corners, which, report.nominal_leakage_power_w),
    )
    _check(points, {"node_nm"} if job.node_nm is None else set())
    return OperatingResults(report=report, points=points)


Columns = Callable[[Callable[[Corner], float]], Floats]
"""From a figure of a corner to its column: the figure of each operating point's corner [K]."""


def _report(column: Columns, critical_s: Floats, period_s: Floats, job: Job) -> BlockColumns:
    """The block's metrics at K operating points with their clock periods [s]."""
    frequency = 1 / period_s
    per_second = job.op_count / job.cycle_count * frequency
    report = BlockColumns(
        block_area_m2=column(lambda corner: corner.area_m2),
        block_cell_count=column(lambda corner: corner.cell_count),
        block_flip_flop_count=column(lambda corner: corner.sequential_count),
        block_memory_count=column(lambda corner: corner.macro_count),
        block_memory_area_m2=column(lambda corner: corner.macro_area_m2),
        library_temperature_c=column(lambda corner: corner.temperature_c),
        critical_path_s=critical_s,
        worst_hold_slack_s=column(lambda corner: corner.as_bounds.worst_hold_slack_s),
        f_max_hz=1 / critical_s,
        nominal_f_max_hz=1 / column(lambda corner: corner.critical_path_s),
        clock_frequency_hz=frequency,
        timing_slack_s=period_s - critical_s,
        ops_per_cycle=np.full(len(frequency), job.op_count / job.cycle_count),
        work_per_run=np.full(len(frequency), float(job.op_count)),
        cycles_per_run=np.full(len(frequency), float(job.cycle_count)),
        time_per_run_s=job.cycle_count / frequency,
        block_energy_per_run_j=np.zeros(0),
        block_throughput_ops_per_s=per_second,
        block_internal_power_w=column(lambda corner: _total(corner.internal_energy_j)) * frequency,
        block_switching_power_w=column(lambda corner: _total(corner.switching_energy_j))
        * frequency,
        block_clock_tree_power_w=column(lambda corner: corner.clock_tree_energy_j) * frequency,
        block_added_cell_power_w=column(lambda corner: corner.added_cell_energy_j) * frequency,
        block_leakage_power_w=column(lambda corner: _total(corner.as_bounds.leakage_w)),
        nominal_leakage_power_w=column(lambda corner: _total(corner.leakage_w)),
        block_power_w=np.zeros(0),
        block_energy_per_op_j=np.zeros(0),
        block_register_power_w=_group_power_w(column, "sequential", frequency),
        block_memory_power_w=_group_power_w(column, "macro", frequency),
        block_wire_power_w=column(lambda corner: corner.wire_energy_j) * frequency,
        block_glitch_power_w=column(lambda corner: corner.glitch_energy_j) * frequency,
        block_layout_area_m2=column(_layout_area_m2),
        block_core_area_m2=column(_core_area_m2),
        guaranteed=column(lambda corner: corner.bounds is not None),
        **{name: column(_figure_of_bounds(name)) for name in (*CORNER_OF, *MISMATCH)},
        **{name: column(operator.attrgetter(name)) for name in UNCHANGED},
    )
    dynamic_w = _dynamic_w(report)
    per_op_j = (dynamic_w + report.nominal_leakage_power_w) / per_second
    return dataclasses.replace(
        report,
        block_power_w=dynamic_w + report.block_leakage_power_w,
        block_energy_per_op_j=per_op_j,
        block_energy_per_run_j=per_op_j * job.op_count,
    )


def _dynamic_w(report: BlockColumns) -> Floats:
    cells = report.block_internal_power_w + report.block_switching_power_w
    return cells + report.block_clock_tree_power_w + report.block_added_cell_power_w


def _group_power_w(column: Columns, group: str, frequency: Floats) -> Floats:
    """Power of a group of cells, with the leakage that a guaranteed point states."""
    leakage = column(lambda corner: corner.as_bounds.leakage_w.get(group, 0.0))
    return leakage + frequency * column(lambda corner: _energy_j(corner, group))


def _figure_of_bounds(name: str) -> Callable[[Corner], float]:
    return lambda corner: float(getattr(corner.as_bounds, name))


def _total(by_group: dict[str, float]) -> float:
    return sum(by_group.values())


def _typical_leakage(
    corners: Sequence[Corner], which: Int64s, leakage_w: Floats
) -> TypicalLeakages | None:
    """Leakage of typical chips; None where no corner has bounds, so that all chips are typical."""
    if all(corner.bounds is None for corner in corners):
        return None
    temperatures = np.array([corner.temperature_c for corner in corners], dtype=np.float64)
    return TypicalLeakages(
        power_w=leakage_w,
        temperature_c=temperatures[which],
        powers_w=np.array([corner.leakage_powers_w for corner in corners])[which],
    )


def _check(points: BlockPoints, unknown: Set[str]) -> None:
    """Raise DesignError for what a point evaluated alone is refused for (`BlockMetrics`)."""
    for name in (name for name in QUANTITIES if name not in unknown):
        column = getattr(points, name)
        for value in (column.min(), column.max()):
            check_quantity(name, float(value))
    if not (points.leakage_powers_w > 0).all():
        raise DesignError(BAD_LEAKAGE)


def _energy_j(corner: Corner, group: str) -> float:
    return corner.internal_energy_j.get(group, 0.0) + corner.switching_energy_j.get(group, 0.0)


def _layout_area_m2(corner: Corner) -> float:
    return corner.area_m2 if corner.layout_area_m2 is None else corner.layout_area_m2


def _core_area_m2(corner: Corner) -> float:
    return corner.area_m2 if corner.core_area_m2 is None else corner.core_area_m2
