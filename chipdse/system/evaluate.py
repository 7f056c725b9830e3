"""From a measured block and a package to system metrics; START HERE for packages.

dies -> links -> temperature (with leakage) -> cost -> carbon, each on arrays of systems.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from chipdse.arrays import Bools, Floats
from chipdse.records import BlockMetrics, each_field
from chipdse.system.arrays.carbon import CarbonResult, carbon_of, grid_values
from chipdse.system.arrays.columns import BlockPoints, Dies, PackageColumns, TypicalLeakages
from chipdse.system.arrays.cost import CostResult, cost_of
from chipdse.system.arrays.dies import dies_of, node_is_tabulated
from chipdse.system.arrays.fabrication import Fabrication, fabrication_of
from chipdse.system.arrays.flows import Flows
from chipdse.system.arrays.links import LinkResult, links_of
from chipdse.system.arrays.outcome import Amounts, constraints_of, metrics_of
from chipdse.system.arrays.temperature import (
    LeakageTable,
    TemperatureResult,
    die_powers,
    temperatures_of,
)
from chipdse.system.metrics import SystemColumns, SystemMetrics
from chipdse.system.parameters import PackageParameters
from chipdse.system.thermal.nested_meshes import CELLS
from chipdse.technology.constants import Sources


@dataclass(frozen=True, kw_only=True, eq=False)
class SystemArrays:
    """Metrics of many systems: arrays of shape [block points, packages].

    constraints : by the names of `chipdse.system.metrics.CONSTRAINTS`
    link_bound : where the links limit the throughput
    estimated : where a table by process node does not reach, or the node is not the block's
    """

    metrics: SystemColumns
    constraints: dict[str, Floats]
    link_bound: Bools
    estimated: Bools
    shape: tuple[int, int]
    sources: Sources

    def __getitem__(self, name: str) -> Floats:
        column: Floats = getattr(self.metrics, name)
        return column

    @property
    def feasible(self) -> Floats:
        """Where no constraint is violated."""
        worst = np.maximum.reduce(list(self.constraints.values()))
        return np.asarray(worst <= 0)

    def at(self, block: int, package: int) -> SystemMetrics:
        """The record of one system."""
        names = (field.name for field in dataclasses.fields(self.metrics))
        return SystemMetrics(
            **{name: float(self[name][block, package]) for name in names},
            bound_by="link" if self.link_bound[block, package] else "compute",
            constraints={k: float(v[block, package]) for k, v in self.constraints.items()},
            evidence="estimated" if self.estimated[block, package] else "modelled",
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Parts:
    """The intermediate results of an evaluation, for reports and pictures."""

    dies: Dies
    link: LinkResult
    temperature: TemperatureResult
    cost: CostResult
    carbon: CarbonResult
    power_w: Floats
    fabrication: Fabrication


@dataclass(frozen=True, kw_only=True, eq=False)
class SystemRows:
    """Many systems, one row each: as `SystemArrays`, with the intermediate results."""

    metrics: SystemColumns
    constraints: dict[str, Floats]
    link_bound: Bools
    estimated: Bools
    parts: Parts

    def arrays(self, shape: tuple[int, int], sources: Sources) -> SystemArrays:
        """The rows as arrays of a shape."""
        return SystemArrays(
            metrics=each_field(lambda column: column.reshape(shape), self.metrics),
            constraints={name: rows.reshape(shape) for name, rows in self.constraints.items()},
            link_bound=self.link_bound.reshape(shape),
            estimated=self.estimated.reshape(shape),
            shape=shape,
            sources=sources,
        )


def evaluate_system(
    block: BlockMetrics, package: PackageParameters, sources: Sources | None = None
) -> SystemMetrics:
    """One block in one package. Violated limits are in `constraints`, nothing is clamped."""
    return evaluate_systems([block], [package], sources=sources).at(0, 0)


def evaluate_systems(
    blocks: Sequence[BlockMetrics] | BlockPoints,
    packages: Sequence[PackageParameters] | PackageColumns,
    sources: Sources | None = None,
    *,
    cells: int = CELLS,
) -> SystemArrays:
    """Every block point in every package, as arrays.

    Parameters
    ----------
    blocks : operating points of one block
    packages : package parameter combinations
    sources : remembers the constants used; a new one if not given
    cells : grid cells across the dies in the temperature model, at least; also scales how fine it
        is through the layers and away from the dies
    """
    used = sources if sources is not None else Sources()
    points = blocks if isinstance(blocks, BlockPoints) else BlockPoints.of(blocks)
    columns = packages if isinstance(packages, PackageColumns) else PackageColumns.of(packages)
    shape = (len(points), columns.count)
    b, p = np.indices(shape).reshape(2, -1)
    rows = evaluate_pairs(points.take(b), columns.take(p), used, cells=cells)
    return rows.arrays(shape, used)


def evaluate_pairs(
    blocks: BlockPoints,
    package: PackageColumns,
    sources: Sources,
    *,
    cells: int = CELLS,
    heat: Heat | None = None,
) -> SystemRows:
    """Row by row: block point i in package i.

    heat : the temperature model; None: that of `temperatures_of`
    """
    work = Work(
        throughput_ops_per_s=package["tiles"] * blocks.throughput_ops_per_s,
        bits_per_op=blocks.io_bits_per_op,
        leak=LeakageTable.of(blocks, package),
    )
    dies = dies_of(blocks, package, sources)
    typical = None if blocks.typical is None else _typical(blocks, blocks.typical, dies, work)
    rows = evaluate_dies(dies, work, package, sources, cells=cells, typical=typical, heat=heat)
    # Cost and carbon of another process than the one the block was measured in are a what-if.
    stated_nm = package["node_nm"]
    moved = ~np.isnan(stated_nm) & (stated_nm != blocks.node_nm)
    return dataclasses.replace(rows, estimated=rows.estimated | moved)


@dataclass(frozen=True, kw_only=True, eq=False)
class TypicalChips:
    """How the dies of typical chips leak, where the others are the leakiest.

    static_w : as of `Dies`
    """

    leak: LeakageTable
    static_w: Floats


def _typical(
    blocks: BlockPoints, leakages: TypicalLeakages, dies: Dies, work: Work
) -> TypicalChips:
    leaks = blocks.leakage_power_w > 0
    share = np.divide(
        leakages.power_w, blocks.leakage_power_w, out=np.ones(len(blocks)), where=leaks
    )
    leak = dataclasses.replace(
        work.leak, table_w=leakages.powers_w, reference_c=leakages.temperature_c
    )
    return TypicalChips(leak=leak, static_w=dies.static_w * share[:, None])


@dataclass(frozen=True, kw_only=True, eq=False)
class Work:
    """What the dies of each system do together at full throughput, and how they leak.

    flows : data between known dies, in place of `bits_per_op`; None: to any of the dies
    """

    throughput_ops_per_s: Floats
    bits_per_op: Floats
    leak: LeakageTable
    flows: Flows | None = None


class Heat(Protocol):
    """A temperature model; the arguments are those of `temperatures_of`.

    typical : whether the dies are those of typical chips, where others are the leakiest
    """

    def __call__(
        self,
        package: PackageColumns,
        dies: Dies,
        leak: LeakageTable,
        fixed_w: Floats,
        sources: Sources,
        cells: int,
        *,
        typical: bool,
    ) -> TemperatureResult: ...


def _solve(
    package: PackageColumns,
    dies: Dies,
    leak: LeakageTable,
    fixed_w: Floats,
    sources: Sources,
    cells: int,
    *,
    typical: bool,  # noqa: ARG001
) -> TemperatureResult:
    return temperatures_of(package, dies, leak, fixed_w, sources, cells)


def evaluate_dies(
    dies: Dies,
    work: Work,
    package: PackageColumns,
    sources: Sources,
    *,
    cells: int = CELLS,
    typical: TypicalChips | None = None,
    heat: Heat | None = None,
) -> SystemRows:
    """Metrics, constraints and intermediate results of systems given by their dies.

    Parameters
    ----------
    heat : the temperature model; None: that of `temperatures_of`
    typical : chips whose energy and carbon are wanted, where `dies` and `work` are those with the
        largest power; None: the same chips
    """
    compute = work.throughput_ops_per_s
    link = links_of(compute * work.bits_per_op, package, dies, sources, work.flows)
    fixed = die_powers(dies, link.utilisation_limit, link.power_w, link.memory_device_w)
    solve = heat or _solve
    temperatures = solve(package, dies, work.leak, fixed, sources, cells, typical=False)
    fabrication = fabrication_of(package, dies, sources)
    cost = cost_of(package, dies, fabrication, sources)
    footprint = carbon_of(package, dies, fabrication, sources)
    parts = Parts(
        dies=dies,
        link=link,
        temperature=temperatures,
        cost=cost,
        carbon=footprint,
        power_w=fixed,
        fabrication=fabrication,
    )
    leakage_w = temperatures.leakage_w
    if typical is not None:
        usual = dataclasses.replace(dies, static_w=typical.static_w)
        usually = solve(package, usual, typical.leak, fixed, sources, cells, typical=True)
        leakage_w = usually.leakage_w
    metrics = _metrics(parts, package, compute, leakage_w, sources)
    tabulated = node_is_tabulated(dies.node_nm) | (dies.count == 0)
    return SystemRows(
        metrics=metrics,
        constraints=constraints_of(
            package, dies, link, temperatures, fabrication.interposers_on_wafer, sources
        ),
        link_bound=link.utilisation_limit < 1,
        estimated=(~tabulated).any(axis=1),
        parts=parts,
    )


def _metrics(
    parts: Parts,
    package: PackageColumns,
    compute_ops_per_s: Floats,
    leakage_w: Floats,
    sources: Sources,
) -> SystemColumns:
    """The metrics of systems from their intermediate results.

    Parameters
    ----------
    compute_ops_per_s : throughput that links do not limit
    leakage_w : of the chips whose energy and carbon are wanted
    """
    link, temperatures, cost, footprint = parts.link, parts.temperature, parts.cost, parts.carbon
    dies, fabrication = parts.dies, parts.fabrication
    return metrics_of(
        Amounts(
            compute_ops_per_s=compute_ops_per_s,
            utilisation_limit=link.utilisation_limit,
            traffic_bits_per_s=link.traffic_bits_per_s,
            capacity_bits_per_s=link.capacity_bits_per_s,
            link_power_w=link.power_w,
            fixed_w=(dies.count * parts.power_w).sum(axis=1),
            leakage_w=temperatures.leakage_w,
            mean_leakage_w=leakage_w,
            peak_c=temperatures.peak_c,
            peak_error_k=temperatures.peak_error_k,
            mean_c=temperatures.mean_c,
            silicon_m2=dies.silicon_m2,
            die_m2=dies.area_m2[:, 0],
            substrate_m2=fabrication.substrate_m2,
            die_yield=fabrication.die_yield[:, 0],
            cost_usd=np.asarray(cost.recurring.total),
            nre_usd=cost.nre_usd,
            embodied_kg=footprint.embodied_kg,
            embodied_low_kg=footprint.embodied_low_kg,
            embodied_high_kg=footprint.embodied_high_kg,
            grid_use_kg_per_j=grid_values(package.choices["grid_use"], sources)[0],
            life_years=package["life_years"],
            duty=package["duty"],
            supply_efficiency=package["supply_efficiency"],
        )
    )
