"""Temperatures of many systems: one reduced operator a geometry, then small products."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from chipdse.system.batch import BlockPoints, Dies, PackageColumns
from chipdse.system.geometry import DieOutline, Geometry, layers_of
from chipdse.system.leakage import equilibrium, leakage_ratio
from chipdse.system.thermal import Operator, assemble, solve
from chipdse.system.yields import Array
from chipdse.technology.constants import Constant, Sources

CELLS = 16
_NAMES = ("arrangement", "cooling", "interface_material", "spreader_material", "die_material")
_NUMBERS = ("die_thickness_m", "spreader_side_m", "sink_side_m")


@lru_cache(maxsize=512)
def operator_of(
    geometry: Geometry, cells: int = CELLS
) -> tuple[Operator, tuple[tuple[str, Constant], ...]]:
    """The reduced operator of a geometry and the constants it rests on."""
    sources = Sources()
    operator = solve(assemble(layers_of(geometry, sources), cells=cells))
    return operator, tuple(sources.used.items())


@dataclass(frozen=True, kw_only=True, eq=False)
class TemperatureResult:
    """peak_c, mean_c : hottest cell, area mean of the compute dies; leakage_w : whole system.

    runaway : 1 where no stable temperature exists, else 0; gain : loop gain there
    beyond_table_k : how far the dies are outside the library's temperatures
    """

    peak_c: Array
    mean_c: Array
    leakage_w: Array
    runaway: Array
    gain: Array
    beyond_table_k: Array


def geometry_of(package: PackageColumns, dies: Dies, row: int) -> Geometry:
    """The geometry of one system."""
    counts = dies.count[row].astype(int)
    names = [(kind, i) for kind, n in zip(("die", "memory"), counts, strict=True) for i in range(n)]
    outlines = tuple(
        DieOutline(name=f"{kind} {i + 1}", area_m2=float(dies.area_m2[row, int(kind == "memory")]))
        for kind, i in names
    )
    words = {n: package.choices[n].names[package.choices[n].codes[row]] for n in _NAMES}
    return Geometry(
        dies=outlines,
        arrangement=words["arrangement"],
        cooling=words["cooling"],
        interface_material=words["interface_material"],
        spreader_material=words["spreader_material"],
        die_material=words["die_material"],
        die_thickness_m=float(package["die_thickness_m"][row]),
        spreader_side_m=float(package["spreader_side_m"][row]),
        sink_side_m=float(package["sink_side_m"][row]),
    )


def temperatures_of(
    blocks: BlockPoints,
    package: PackageColumns,
    dies: Dies,
    utilisation: Array,
    link_power_w: Array,
    sources: Sources,
    cells: int = CELLS,
) -> TemperatureResult:
    """Steady temperatures with leakage at its fixed point.

    Link power is spread over all dies; dynamic power follows the share of the compute
    throughput the links let through.
    """
    count = package.count
    out = {n: np.zeros(count) for n in ("peak", "mean", "leak", "runaway", "gain", "beyond")}
    columns = [package.choices[n].codes for n in _NAMES] + [package[n] for n in _NUMBERS]
    columns += [*dies.count.T, *dies.area_m2.T]
    _, first, group = np.unique(np.stack(columns), axis=1, return_index=True, return_inverse=True)
    group = group.reshape(-1)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(first) + 1))
    table = blocks.leakage_temperatures_c
    for g, row in enumerate(first):
        at = order[starts[g] : starts[g + 1]]
        operator, used = operator_of(geometry_of(package, dies, int(row)), cells)
        sources.used.update(used)
        chiplets, total = int(dies.count[row, 0]), int(dies.count[row].sum())
        share = package["tiles"][at] / chiplets
        fixed = np.repeat((link_power_w[at] / total)[:, None], total, axis=1)
        fixed[:, :chiplets] += (share * blocks.dynamic_power_w[at] * utilisation[at])[:, None]
        fixed[:, chiplets:] += package["memory_power_w"][at][:, None]
        static = (share * blocks.leakage_power_w[at])[:, None]
        ambient = package["ambient_c"][at][:, None]
        reference, doubling = blocks.temperature_c[at], package["leakage_doubling_k"][at]
        rows = blocks.leakage_powers_w[at]

        def leakage(
            rise: Array,
            static: Array = static,
            ambient: Array = ambient,
            rows: Array = rows,
            reference: Array = reference,
            doubling: Array = doubling,
            chiplets: int = chiplets,
        ) -> tuple[Array, Array]:
            value, slope = np.zeros_like(rise), np.zeros_like(rise)
            ratio, change = leakage_ratio(
                ambient + rise[:, :chiplets], table, rows, reference, doubling
            )
            value[:, :chiplets], slope[:, :chiplets] = static * ratio, static * change
            return value, slope

        found = equilibrium(operator.average, fixed, leakage)
        power = fixed + found.leakage_w
        peak = operator.peak_rise(power).max(axis=1)
        mean_c = ambient[:, 0] + found.rise_k[:, :chiplets].mean(axis=1)
        out["peak"][at] = np.where(found.runaway, np.nan, ambient[:, 0] + peak)
        out["mean"][at] = np.where(found.runaway, np.nan, mean_c)
        out["leak"][at] = np.where(found.runaway, np.nan, found.leakage_w.sum(axis=1))
        out["runaway"][at], out["gain"][at] = found.runaway, found.loop_gain
        if len(table) > 1:
            hot = ambient[:, 0] + found.rise_k[:, :chiplets].max(axis=1)
            cold = ambient[:, 0] + found.rise_k[:, :chiplets].min(axis=1)
            out["beyond"][at] = np.maximum(hot - table[-1], table[0] - cold)
        else:
            out["beyond"][at] = -1.0
    return TemperatureResult(
        peak_c=out["peak"], mean_c=out["mean"], leakage_w=out["leak"], runaway=out["runaway"],
        gain=out["gain"], beyond_table_k=out["beyond"],
    )  # fmt: skip
