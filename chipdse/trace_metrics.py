"""Metrics of power over time. A sweep computes them only where its file names them.

They take a replay of every cycle, or thousands of runs of the netlist, so that no other evaluation
pays for them.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.errors import DesignError
from chipdse.records import check_knobs, knob, metric

PEAK_POWER, MAX_T = "peak_power_w", "max_t_first_order"


@dataclass(frozen=True, kw_only=True)
class TraceMetrics:
    """The metrics, declared as those of every evaluation are."""

    peak_power_w: float = metric(
        "highest mean power of traces.window_cycles clock cycles in a row",
        "W",
        "measured",
        math.nan,
        rests_on=("cells", "activity", "layout"),
    )
    max_t_first_order: float = metric(
        "largest |t| of the power in any cycle, fixed against random data, traces.traces runs; "
        "above 4.5 the power reveals the data",
        "1",
        "measured",
        math.nan,
        rests_on=("cells", "layout"),
    )


TRACE_METRICS: dict[str, dict[str, Any]] = {
    field.name: dict(field.metadata) for field in dataclasses.fields(TraceMetrics)
}
"""The metrics by name, as `chipdse.metrics.METRICS`."""


@dataclass(frozen=True, kw_only=True)
class TraceOptions:
    """How a sweep computes its metrics of power over time."""

    window_cycles: int = knob(1, "clock cycles over which peak_power_w is a mean", minimum=1)
    traces: int = knob(
        10_000,
        "runs of max_t_first_order, half with fixed and half with random data, rounded up to a "
        "multiple of 512",
        minimum=2,
        maximum=10**9,
    )
    seed: int = knob(0, "of the data and of the random bits of these runs", minimum=0)

    def __post_init__(self) -> None:
        check_knobs(self)


@dataclass(frozen=True, kw_only=True)
class Traced:
    """What a sweep asks for.

    names : which of `TRACE_METRICS`, in their order
    """

    names: tuple[str, ...]
    options: TraceOptions


@dataclass(frozen=True, kw_only=True)
class TraceFigures:
    """What a netlist's power over time is at one corner, whatever its clock; NaN: not asked for.

    peak_energy_j : highest mean energy per cycle over the window, without leakage and clock tree
    max_t_first_order : as the metric
    """

    peak_energy_j: float = math.nan
    max_t_first_order: float = math.nan


def traced_of(names: Iterable[str], options: TraceOptions) -> Traced | None:
    """What is to be computed for some names; None if no metric of power over time is among them."""
    asked = {*names}
    chosen = tuple(name for name in TRACE_METRICS if name in asked)
    return Traced(names=chosen, options=options) if chosen else None


class ClockColumns(Protocol):
    """Columns of K operating points [K] that power over time needs, as of `BlockColumns`."""

    @property
    def clock_frequency_hz(self) -> Floats: ...

    @property
    def block_clock_tree_power_w(self) -> Floats: ...

    @property
    def block_leakage_power_w(self) -> Floats: ...


def trace_columns(
    names: Sequence[str], figures: Sequence[TraceFigures], which: Int64s, block: ClockColumns
) -> dict[str, Floats]:
    """The metrics of K points, by name.

    Parameters
    ----------
    figures : of some corners
    which : the corner of each point [K]
    block : columns of the block's report
    """

    def column(name: str) -> Floats:
        return np.array([getattr(figure, name) for figure in figures], dtype=np.float64)[which]

    columns: Mapping[str, Floats] = {
        PEAK_POWER: column("peak_energy_j") * block.clock_frequency_hz
        + block.block_clock_tree_power_w
        + block.block_leakage_power_w,
        MAX_T: column("max_t_first_order"),
    }
    return {name: columns[name] for name in names}


def refuse_unread(given: Mapping[str, Any], traced: Traced | None, where: str) -> None:
    """Raise DesignError if options are given that nothing reads."""
    if given and traced is None:
        raise DesignError(
            f"{where}: [traces] is read for {' and '.join(TRACE_METRICS)} only; name one of them "
            "in [objectives], [limits] or [derived], or leave [traces] out"
        )
