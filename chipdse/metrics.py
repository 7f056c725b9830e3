"""The result of one evaluation: every metric with its unit and its kind of evidence."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt

from chipdse.arrays import Bools, Floats, Int64s
from chipdse.records import EVIDENCE, each_field, metric
from chipdse.system.metrics import SystemColumns, SystemMetrics
from chipdse.technology.calibration import MeasuredError
from chipdse.technology.constants import Constant
from chipdse.trace_metrics import TRACE_METRICS

# The inputs on which groups of the block's metrics rest. Leakage depends on the states of cells,
# and the workload determines the share of the time of each state.
_CELLS = ("cells",)
_TIMING = ("cells", "layout")
_LEAKAGE = ("cells", "activity", "layout")
_POWER = ("cells", "activity", "layout")


Number = TypeVar("Number")
Count = TypeVar("Count")


@dataclass(frozen=True, kw_only=True)
class BlockValues(Generic[Number, Count]):
    """The metrics of a block before any package: numbers at one operating point, or columns."""

    block_area_m2: Number = metric(
        "cell area of the block as mapped", "m2", "measured", rests_on=_CELLS
    )
    block_cell_count: Count = metric("cells of the block", "1", "measured")
    block_flip_flop_count: Count = metric("flip-flops and latches of the block", "1", "measured")
    block_memory_count: Count = metric("SRAM macros of the block", "1", "measured")
    block_memory_area_m2: Number = metric(
        "area of the SRAM macros of the block", "m2", "modelled", rests_on=_CELLS
    )
    vdd_v: Number = metric("supply voltage", "V", "input")
    library_temperature_c: Number = metric("temperature of the library tables", "°C", "input")
    critical_path_s: Number = metric(
        "longest path, setup time included", "s", "measured", rests_on=_TIMING, corner="setup"
    )
    worst_hold_slack_s: Number = metric(
        "least hold slack, ideal clock", "s", "measured", rests_on=_TIMING, corner="hold"
    )
    f_max_hz: Number = metric(
        "highest clock frequency that meets timing",
        "Hz",
        "measured",
        rests_on=_TIMING,
        corner="setup",
    )
    clock_frequency_hz: Number = metric("clock frequency used", "Hz", "measured", rests_on=_TIMING)
    timing_slack_s: Number = metric(
        "clock period less critical path", "s", "measured", rests_on=_TIMING, corner="setup"
    )
    ops_per_cycle: Number = metric("work done per clock cycle of the workload", "op", "measured")
    work_per_run: Number = metric(
        "work of the workload, e.g. instructions of a program", "op", "measured"
    )
    cycles_per_run: Count = metric("clock cycles of the workload", "1", "measured")
    time_per_run_s: Number = metric("duration of the workload", "s", "measured", rests_on=_TIMING)
    block_energy_per_run_j: Number = metric(
        "total energy of the workload, e.g. of a program", "J", "measured", rests_on=_POWER
    )
    block_throughput_ops_per_s: Number = metric(
        "work per second", "op/s", "measured", rests_on=_TIMING
    )
    block_internal_power_w: Number = metric("power inside cells", "W", "measured", rests_on=_POWER)
    block_switching_power_w: Number = metric(
        "power in pin capacitances", "W", "measured", rests_on=_POWER
    )
    block_leakage_power_w: Number = metric(
        "leakage power", "W", "measured", rests_on=_LEAKAGE, corner="leakage"
    )
    block_power_w: Number = metric("total power of the block", "W", "measured", rests_on=_POWER)
    block_register_power_w: Number = metric(
        "part of the total: flip-flops and latches", "W", "measured", rests_on=_POWER
    )
    block_memory_power_w: Number = metric(
        "part of the total: SRAM macros", "W", "modelled", rests_on=_POWER
    )
    block_energy_per_op_j: Number = metric(
        "total energy per unit of work", "J/op", "measured", rests_on=_POWER
    )
    annotated_frac: Number = metric("share of the nets with recorded activity", "1", "measured")
    block_wire_power_w: Number = metric(
        "part of the switching power: wires and buffers on them",
        "W",
        "modelled",
        0.0,
        rests_on=_POWER,
    )
    block_clock_tree_power_w: Number = metric(
        "part of the total: clock buffers and clock wires", "W", "modelled", 0.0, rests_on=_POWER
    )
    block_glitch_power_w: Number = metric(
        "part of internal and switching power: glitches", "W", "measured", 0.0, rests_on=_POWER
    )
    block_added_cell_power_w: Number = metric(
        "part of the total: data power in cells that layout adds or enlarges",
        "W",
        "modelled",
        0.0,
        rests_on=_POWER,
    )
    block_layout_area_m2: Number = metric(
        "cell area expected after layout", "m2", "modelled", 0.0, rests_on=_TIMING
    )
    layout_cell_count: Count = metric(
        "cells that layout adds, in proportion to routed designs",
        "1",
        "modelled",
        0,
        rests_on=_TIMING,
    )
    hold_buffer_count: Count = metric(
        "hold buffers among them, by a hold check or a share per register",
        "1",
        "modelled",
        0,
        rests_on=_TIMING,
    )
    block_core_area_m2: Number = metric(
        "cell area expected after layout, divided by the utilisation",
        "m2",
        "modelled",
        0.0,
        rests_on=_TIMING,
    )
    wire_length_m: Number = metric(
        "length of all signal wires", "m", "modelled", 0.0, rests_on=_TIMING
    )
    layout_delay_s: Number = metric(
        "part of the critical path: its growth by layout, in proportion to routed designs",
        "s",
        "modelled",
        0.0,
        rests_on=_TIMING,
    )
    clock_skew_s: Number = metric(
        "clock skew that the longest path includes", "s", "modelled", 0.0, rests_on=_TIMING
    )
    clock_buffer_count: Count = metric(
        "buffers of the clock tree", "1", "modelled", 0, rests_on=_TIMING
    )
    wire_level: Count = metric("wires: 0 none, 1 by formula, 2 placed", "1", "input", 0)
    glitches_counted: Count = metric("1 if glitches are in the power", "1", "input", 0)
    clock_tree_counted: Count = metric("1 if the clock tree is in the power", "1", "input", 0)
    added_cells_counted: Count = metric(
        "1 if the cells that layout adds are in area and power", "1", "input", 0
    )
    guaranteed: Count = metric(
        "1 if clock, hold slack, leakage and power are met by every chip, 0 for a typical chip",
        "1",
        "input",
        0,
    )
    nominal_f_max_hz: Number = metric(
        "highest clock frequency at vdd_v, library_temperature_c and the given process, without"
        " tolerances",
        "Hz",
        "measured",
        0.0,
        rests_on=_TIMING,
    )
    nominal_leakage_power_w: Number = metric(
        "leakage power under the conditions of nominal_f_max_hz",
        "W",
        "measured",
        0.0,
        rests_on=_LEAKAGE,
    )
    setup_supply_v: Number = metric("supply voltage of the critical path", "V", "input", 0.0)
    setup_temperature_c: Number = metric("temperature of the critical path", "°C", "input", 0.0)
    hold_supply_v: Number = metric("supply voltage of the hold slack", "V", "input", 0.0)
    hold_temperature_c: Number = metric("temperature of the hold slack", "°C", "input", 0.0)
    leakage_supply_v: Number = metric("supply voltage of the leakage power", "V", "input", 0.0)
    leakage_temperature_c: Number = metric("temperature of the leakage power", "°C", "input", 0.0)
    timing_sigma: Number = metric(
        "standard deviations of mismatch that the clock and the hold slack cover; 0 is none",
        "1",
        "input",
        0.0,
    )
    mismatch_delay_s: Number = metric(
        "part of the critical path that is due to mismatch",
        "s",
        "modelled",
        0.0,
        rests_on=_TIMING,
        corner="setup",
    )
    near_critical_endpoints: Number = metric(
        "number of endpoints like the worst one that would miss timing as often as all endpoints",
        "1",
        "modelled",
        0.0,
        rests_on=_TIMING,
    )
    toggle_error_frac: Number = metric(
        "standard error of the number of transitions, because glitches are sampled",
        "1",
        "measured",
        0.0,
        rests_on=_POWER,
    )


@dataclass(frozen=True, kw_only=True)
class BlockReport(BlockValues[float, int]):
    """The block itself at one operating point, before any package."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BlockColumns(BlockValues[Floats, Floats]):
    """The metrics of a block at K operating points: each metric is a column [K]."""

    def at(self, row: int) -> BlockReport:
        """The record of one operating point."""
        numbers: dict[str, Any] = {}
        for column in dataclasses.fields(self):
            number = float(getattr(self, column.name)[row])
            numbers[column.name] = round(number) if column.type == "Count" else number
        return BlockReport(**numbers)


@dataclass(frozen=True, kw_only=True)
class Basis:
    """The evidence of the inputs of a block's metrics; a metric is no better than its inputs.

    cells : "modelled" if memories are macros from a model and not library cells
    activity : "estimated" if random inputs replace a workload
    layout : "modelled" if wires or a clock tree are included
    """

    cells: str = "measured"
    activity: str = "measured"
    layout: str = "measured"


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """A design point, evaluated: the block and the system around it.

    basis : evidence of the inputs of the block's metrics, if one is weaker than "measured"
    errors : measured on routed designs, of the metrics that depend on the layout
    constants : of the tables and of the user, which the system's metrics rest on, by key
    cited : keys of the publications of the system's models (`chipdse.technology.citations`)
    """

    block: BlockReport
    system: SystemMetrics
    basis: Basis = field(default_factory=Basis)
    errors: Mapping[str, MeasuredError] = field(default_factory=dict)
    constants: Mapping[str, Constant] = field(default_factory=dict)
    cited: tuple[str, ...] = ()

    def flat(self) -> dict[str, float]:
        """Every metric by name; the names of `METRICS`."""
        both = dataclasses.asdict(self.block) | dataclasses.asdict(self.system)
        return {name: both[name] for name in METRICS}

    def evidence(self) -> dict[str, str]:
        """Kind of evidence of every metric; a system outside its tables is estimated."""
        return {name: evidence_of(name, self.system.evidence, self.basis) for name in METRICS}

    def constraints(self) -> dict[str, float]:
        """By how much each limit of timing and package is missed; at most 0 where it is met."""
        timing = timing_violation(self.block.timing_slack_s, self.block.critical_path_s)
        return {"timing": float(timing), **self.system.constraints}


@dataclass(frozen=True, kw_only=True, eq=False)
class MetricColumns:
    """The metrics of many design points: each is a column with one entry per point."""

    block: BlockColumns
    system: SystemColumns

    def flat(self) -> dict[str, Floats]:
        """Every column by the name of its metric; the names of `METRICS`."""
        return {
            name: getattr(self.block if hasattr(self.block, name) else self.system, name)
            for name in METRICS
        }

    def take(self, rows: Int64s | Bools) -> MetricColumns:
        """Some of the points."""

        def chosen(column: Floats) -> Floats:
            return column[rows]

        return MetricColumns(
            block=each_field(chosen, self.block), system=each_field(chosen, self.system)
        )

    @staticmethod
    def combined(
        function: Callable[..., Floats], several: Sequence[MetricColumns]
    ) -> MetricColumns:
        """Apply a function to each column of several records."""
        return MetricColumns(
            block=each_field(function, *(metrics.block for metrics in several)),
            system=each_field(function, *(metrics.system for metrics in several)),
        )


def timing_violation(slack_s: npt.ArrayLike, critical_path_s: npt.ArrayLike) -> Floats:
    """By how much a clock is too fast, relative to the critical path."""
    slack = np.asarray(slack_s, dtype=np.float64) / np.asarray(critical_path_s, dtype=np.float64)
    # The clock may run at exactly the highest frequency: rounding is no violation.
    return np.where(np.abs(slack) < 1e-9, 0.0, -slack)


def _numbers(record: type) -> dict[str, dict[str, Any]]:
    return {
        field.name: dict(field.metadata)
        for field in dataclasses.fields(record)
        if field.type in ("Number", "Count")
    }


METRICS: dict[str, dict[str, Any]] = _numbers(BlockReport) | _numbers(SystemMetrics)
"""Every metric that an objective or a limit may name, as `records.metric` declares it."""


def evidence_of(
    name: str,
    system_evidence: str,
    basis: Basis | None = None,
    metrics: Mapping[str, Mapping[str, Any]] | None = None,
) -> str:
    """Kind of evidence of a metric: the weakest of its own and of those of its inputs.

    Parameters
    ----------
    system_evidence : evidence of the tables over process nodes
    basis : evidence of the block's cells, activity and layout; None: all are measured
    metrics : every metric by name as it is declared; None: those of a block in its package
    """
    known = METRICS | TRACE_METRICS if metrics is None else metrics
    if name not in known:
        return "chosen"  # a swept parameter
    parts = dataclasses.asdict(basis or Basis()) | {"node": system_evidence}
    metadata = known[name]
    kinds: list[str] = [metadata["evidence"], *(parts[part] for part in metadata["rests_on"])]
    return max(kinds, key=EVIDENCE.index)


def corner_text(name: str, values: Mapping[str, float]) -> str:
    """The corner of a metric of a guaranteed point as text; empty for a typical point.

    Parameters
    ----------
    values : the point's metrics by name
    """
    corner = METRICS.get(name, {}).get("corner", "")
    if not corner or not values.get("guaranteed"):
        return ""
    process = "slow" if corner == "setup" else "fast"
    volts, temperature = values[f"{corner}_supply_v"], values[f"{corner}_temperature_c"]
    text = f"{process}, {volts:.4g} V, {temperature:g} °C"
    sigma = values.get("timing_sigma", 0.0)
    return f"{text}, {sigma:g} sigma of mismatch" if sigma and corner != "leakage" else text


def basis_of(values: Mapping[str, float], *, checked: bool) -> Basis:
    """The evidence of the inputs of a point's metrics.

    Parameters
    ----------
    values : its metrics by name; what is missing counts as 0
    checked : whether the block has a workload of its own and not random inputs
    """
    parts = ("wire_level", "clock_tree_counted", "added_cells_counted")
    has_layout = any(values.get(name, 0) > 0 for name in parts)
    return Basis(
        cells="modelled" if values.get("block_memory_area_m2", 0) > 0 else "measured",
        activity="measured" if checked else "estimated",
        layout="modelled" if has_layout else "measured",
    )
