"""Parts as they were measured, and what their operations and runs of programs take per task."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from chipdse_hdl.contract import ArrayContract

from chipdse.application.files.work import Work
from chipdse.application.parts import typical_leakage_w
from chipdse.arrays import Floats, Int64s
from chipdse.errors import DesignError


@dataclass(frozen=True, kw_only=True)
class PartPoint:
    """One measured point of a part.

    settings : its hardware and operating parameters
    metrics : of its block by name
    contract : None if it carries no network
    """

    settings: Mapping[str, Any]
    metrics: Mapping[str, float]
    contract: ArrayContract | None


@dataclass(frozen=True, kw_only=True)
class MeasuredPart:
    """The points of a part, and the numbers of copies a chip may have."""

    name: str
    counts: tuple[int, ...]
    points: tuple[PartPoint, ...]

    def metric(self, name: str) -> Floats:
        """A metric of every point."""
        return self._of_points(lambda metrics: metrics[name])

    @property
    def typical_leakage_w(self) -> Floats:
        """Leakage of typical chips, of one copy at every point."""
        return self._of_points(typical_leakage_w)

    @property
    def leakage_temperature_c(self) -> Floats:
        """Temperature of the leakage power of every point."""
        return self._of_points(
            lambda metrics: metrics[
                "leakage_temperature_c" if metrics.get("guaranteed") else "library_temperature_c"
            ]
        )

    def _of_points(self, figure: Callable[[Mapping[str, float]], float]) -> Floats:
        return np.array([figure(point.metrics) for point in self.points], np.float64)


@dataclass(frozen=True, kw_only=True, eq=False)
class PartRun:
    """Copies of a part in many chips, with the operations that they do: one entry per chip.

    energy_j : dynamic, per task
    leakage_w : at `temperature_c`; of a guaranteed point that of the chips that leak most
    typical_leakage_w : of typical chips at the stated supply and temperature
    """

    name: str
    latency_s: Floats
    energy_j: Floats
    leakage_w: Floats
    typical_leakage_w: Floats
    temperature_c: Floats
    area_m2: Floats


def run_operations(part: MeasuredPart, work: Work, at: Int64s, copies: Int64s) -> PartRun:
    """A part that does some operations per task, shared by its copies.

    Parameters
    ----------
    at : the point that each chip has
    copies : of the part in each chip
    """
    rate, operations = part.metric("block_throughput_ops_per_s"), operations_of(part, work)
    return PartRun(
        name=part.name,
        latency_s=operations[at] / (rate[at] * copies),
        energy_j=operations[at] * operation_j(part)[at],
        leakage_w=copies * part.metric("block_leakage_power_w")[at],
        typical_leakage_w=copies * part.typical_leakage_w[at],
        temperature_c=part.leakage_temperature_c[at],
        area_m2=copies * part_area_m2(part)[at],
    )


def operations_of(part: MeasuredPart, work: Work) -> Floats:
    """Operations of a part per task, at each of its points."""
    operations = np.full(len(part.points), work.operations.get(part.name, 0.0))
    if part.name in work.runs:
        operations = operations + work.runs[part.name] * part.metric("work_per_run")
    return operations


def operation_j(part: MeasuredPart) -> Floats:
    """Dynamic energy of one operation at each point."""
    dynamic_w = part.metric("block_power_w") - part.metric("block_leakage_power_w")
    return dynamic_w / part.metric("block_throughput_ops_per_s")


def part_area_m2(part: MeasuredPart) -> Floats:
    """Area of each point: of its core where a layout is estimated, of its cells otherwise."""
    core, cells = part.metric("block_core_area_m2"), part.metric("block_area_m2")
    return np.where(core > 0, core, cells)


def carrier_of(parts: Sequence[MeasuredPart]) -> MeasuredPart:
    """The part on which the network runs.

    Raises
    ------
    DesignError : no part, or several, have a contract
    """
    able = [part for part in parts if all(p.contract is not None for p in part.points)]
    if len(able) != 1:
        listed = ", ".join(part.name for part in (able or parts))
        which = "no part has" if not able else "more than one part has"
        raise DesignError(
            f"{which} a contract, on which the network could run (parts: {listed}); exactly one "
            "part must be a mac_array or another block with a contract"
        )
    return able[0]
