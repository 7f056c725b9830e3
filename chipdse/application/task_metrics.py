"""Metrics of chips per task: time, energy, cost and carbon, with the package around each chip."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipdse.application.chips import LEVELS
from chipdse.application.compose import ChipTable
from chipdse.application.dies import DieSetting
from chipdse.application.on_dies import OnDies
from chipdse.arrays import Bools, Floats, Int64s
from chipdse.metrics import METRICS
from chipdse.system.arrays.carbon import grid_values
from chipdse.system.arrays.columns import BlockPoints, PackageColumns
from chipdse.system.models.carbon import SECONDS_PER_YEAR
from chipdse.technology.constants import Sources

_CHUNK = 5000  # chips whose packages are evaluated at once
_RESTS_ON = {level: ("activity",) for level in ("tile", "leakage", "operations")}
_SYSTEM = ("cost_usd", "nre_usd", "embodied_kgco2e", "die_area_m2", "peak_temperature_c")


def _metric(doc: str, unit: str, *rests_on: str) -> dict[str, Any]:
    """A metric of tasks; none is better than the models of memories and packages.

    rests_on : as of `chipdse.records.metric`; energies rest on the activity of the parts
    """
    return {"doc": doc, "unit": unit, "evidence": "modelled", "rests_on": rests_on}


TASK_METRICS: dict[str, dict[str, Any]] = {
    "energy_per_task_j": _metric("energy of all levels per task", "J", "activity"),
    "latency_s": _metric("time of a task", "s"),
    **{
        f"{level}_energy_j": _metric(f"of it, {text}", "J", *_RESTS_ON.get(level, ()))
        for level, text in zip(
            (*LEVELS, "operations"),
            (
                "multiply-accumulate of the arrays",
                "accesses of the buffer",
                "bits of the DRAM",
                "bits of the link to it",
                "leakage, idle clocks and idle power",
                "operations of the other parts",
            ),
            strict=True,
        )
    },
    "constant_energy_error_frac": _metric(
        "error of the energy per task if every MAC took the energy that it takes in the part's own"
        " workload; 0 without tensors",
        "1",
        "activity",
    ),
    "dram_bits_per_task": _metric("bits between the DRAM and the buffer per task", "bit"),
    "carbon_per_task_kgco2e": _metric(
        "embodied carbon, shared over the tasks of its life, and that of use",
        "kgCO2e",
        "activity",
        "node",
    ),
    "embodied_per_task_kgco2e": _metric("of it, embodied", "kgCO2e", "node"),
    "use_per_task_kgco2e": _metric("of it, use", "kgCO2e", "activity"),
    **{name: METRICS[name] for name in _SYSTEM},
}
"""Every metric of a chip on its application, with unit and meaning; DRAM has no cost and no
embodied carbon."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TaskColumns:
    """The metrics of many chips by name, one entry each; nan where the network does not fit.

    constraints : of the package, by name; at most 0 where it is met, nan where nothing runs
    estimated : where a table by process node does not reach
    """

    columns: dict[str, Floats]
    constraints: dict[str, Floats]
    estimated: Bools

    def flat(self) -> dict[str, Floats]:
        """Every column by the name of its metric; the names of `TASK_METRICS`."""
        return self.columns

    def take(self, rows: Int64s | Bools) -> TaskColumns:
        """Some of the chips."""
        return TaskColumns(
            columns={name: column[rows] for name, column in self.columns.items()},
            constraints={name: column[rows] for name, column in self.constraints.items()},
            estimated=self.estimated[rows],
        )


def task_metrics(
    table: ChipTable,
    packages: PackageColumns,
    package: Int64s,
    *,
    node_nm: float,
    sources: Sources,
    dies: DieSetting | None = None,
) -> TaskColumns:
    """Metrics per task of every chip in its package; a task is the package's operation.

    Parameters
    ----------
    package : of each chip, index into `packages`
    node_nm : process of the die, where there is one
    dies : of chips with named dies; their `die_area_m2` is that of the largest
    """
    runs = np.flatnonzero(np.isfinite(table.latency_s))
    latency_s, chosen = table.latency_s[runs], packages.take(package[runs])
    if dies is None:
        columns, constraints, estimated = _in_packages(
            lambda some: _one_die(table, runs[some], node_nm),
            chosen,
            len(runs),
            sources,
        )
    else:
        columns, constraints, estimated = _in_packages(
            lambda some: OnDies.of(table, runs[some], dies),
            chosen,
            len(runs),
            sources,
        )
    intensity = grid_values(chosen.choices["grid_use"], sources)[0] / chosen["supply_efficiency"]
    tasks = chosen["life_years"] * SECONDS_PER_YEAR * chosen["duty"] / latency_s
    columns |= {
        "latency_s": latency_s,
        "energy_per_task_j": table.energy_j[runs],
        **{f"{level}_energy_j": joules[runs] for level, joules in table.energies_j.items()},
        "constant_energy_error_frac": (table.constant_tile_j - table.energies_j["tile"])[runs]
        / table.energy_j[runs],
        "dram_bits_per_task": table.dram_bits[runs],
        "embodied_per_task_kgco2e": columns["embodied_kgco2e"] / tasks,
        "use_per_task_kgco2e": table.energy_j[runs] * intensity,
    }
    columns["carbon_per_task_kgco2e"] = (
        columns["embodied_per_task_kgco2e"] + columns["use_per_task_kgco2e"]
    )

    def in_all_rows(values: Floats) -> Floats:
        every = np.full(len(table), np.nan)
        every[runs] = values
        return every

    return TaskColumns(
        columns={name: in_all_rows(columns[name]) for name in TASK_METRICS},
        constraints={name: in_all_rows(column) for name, column in constraints.items()},
        estimated=in_all_rows(estimated) == 1,
    )


def _one_die(table: ChipTable, rows: Int64s, node_nm: float) -> BlockPoints:
    """Chips as blocks that fill a die of their own."""
    latency_s = table.latency_s[rows]
    on_die_j = sum(table.energies_j[level][rows] for level in ("tile", "sram", "operations"))
    return BlockPoints(
        area_m2=table.area_m2[rows],
        dynamic_power_w=np.asarray(on_die_j / latency_s),
        leakage_power_w=table.leakage_w[rows],
        temperature_c=table.temperature_c[rows],
        throughput_ops_per_s=1 / latency_s,
        io_bits_per_op=np.zeros(len(rows)),
        node_nm=np.full(len(rows), node_nm),
        leakage_temperatures_c=np.zeros(0),
        leakage_powers_w=np.zeros((len(rows), 0)),
    )


def _in_packages(
    chips: Callable[[Int64s], BlockPoints | OnDies],
    packages: PackageColumns,
    count: int,
    sources: Sources,
) -> tuple[dict[str, Floats], dict[str, Floats], Floats]:
    """Metrics of `_SYSTEM`, constraints, and 1 where a table does not reach, row by row.

    Parameters
    ----------
    chips : some of them, by their places among the packages
    """
    # Here, because a study is opened by the names of its metrics, without solvers.
    from chipdse.system.evaluate import evaluate_pairs

    metrics: list[dict[str, Floats]] = []
    constraints: list[dict[str, Floats]] = []
    estimated = [np.zeros(0)]
    for start in range(0, count, _CHUNK):
        some = np.arange(start, min(start + _CHUNK, count))
        blocks = chips(some)
        if isinstance(blocks, BlockPoints):
            rows = evaluate_pairs(blocks, packages.take(some), sources)
        else:
            rows = blocks.evaluated(packages.take(some), sources)
        metrics.append({name: getattr(rows.metrics, name) for name in _SYSTEM})
        constraints.append(rows.constraints)
        estimated.append(rows.estimated.astype(float))
    return (
        {name: _joined(lambda part, n=name: part[n], metrics) for name in _SYSTEM},
        {name: _joined(lambda part, n=name: part[n], constraints) for name in constraints[0]}
        if constraints
        else {},
        np.concatenate(estimated),
    )


def _joined(get: Callable[..., Floats], parts: Sequence[dict[str, Floats]]) -> Floats:
    return np.concatenate([np.zeros(0), *map(get, parts)])
