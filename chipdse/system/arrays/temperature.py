"""Junction temperatures of many systems: one operator per geometry, then small products."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from chipdse import numerics
from chipdse.arrays import Bools, Floats, Int64s
from chipdse.system.arrays.columns import BlockPoints, Dies, PackageColumns
from chipdse.system.arrays.geometry import DieOutline, Geometry, layers_of
from chipdse.system.models.leakage import Equilibrium, Feedback, equilibrium, leakage_curve
from chipdse.system.thermal.mesh import unfolded
from chipdse.system.thermal.nested_meshes import CELLS
from chipdse.system.thermal.refined import ZERO_C_IN_K, ReducedOperator, RefinedOperator, refined
from chipdse.system.thermal.symmetry import fold_of
from chipdse.technology.constants import Constant, Sources

_NAMES = ("arrangement", "cooling", "interface_material", "spreader_material", "die_material")
_NUMBERS = ("die_thickness_m", "spreader_side_m", "sink_side_m")


@lru_cache(maxsize=65536)  # kilobytes each: a search of chips meets many areas of dies again
def operator_of(
    geometry: Geometry, cells: int = CELLS
) -> tuple[ReducedOperator, tuple[tuple[str, Constant], ...]]:
    """The folded operator of a geometry and the constants it rests on."""
    sources = Sources()
    return _folded(geometry, sources, cells), tuple(sources.used.items())


@lru_cache(maxsize=65536)
def _keys_of(geometry: Geometry) -> frozenset[str]:
    """Keys of the constants that the operator of a geometry rests on."""
    sources = Sources()
    layers_of(geometry, sources)
    return frozenset(sources.used)


def _folded(geometry: Geometry, sources: Sources, cells: int) -> ReducedOperator:
    stack = layers_of(geometry, sources)
    fold = fold_of(stack, tuple(die.kind for die in geometry.dies))
    return refined(stack, fold, cells).reduced()


@dataclass(frozen=True, kw_only=True, eq=False)
class TemperatureResult:
    """peak_c, mean_c : hottest point, area mean of the compute dies; leakage_w : whole system.

    peak_error_k : discretisation error of `peak_c`, from two nested meshes
    runaway : 1 where no stable temperature exists, else 0; gain : loop gain there
    beyond_table_k : how far the dies are outside the library's temperatures
    beyond_conductivity_k : how far they are outside the range of the conductivities
    """

    peak_c: Floats
    peak_error_k: Floats
    mean_c: Floats
    leakage_w: Floats
    runaway: Floats
    gain: Floats
    beyond_table_k: Floats
    beyond_conductivity_k: Floats


def geometry_of(package: PackageColumns, dies: Dies, row: int) -> Geometry:
    """The geometry of one system."""
    outlines = tuple(
        DieOutline(name=f"{name} {i + 1}" if n > 1 else name, area_m2=float(area), kind=kind)
        for kind, (name, n, area) in enumerate(
            zip(dies.names, dies.count[row].astype(int), dies.area_m2[row], strict=True)
        )
        for i in range(n)
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


@dataclass(frozen=True, kw_only=True, eq=False)
class LeakageTable:
    """How leakage depends on temperature, one row per system; see `leakage_curve`."""

    table_c: Floats
    table_w: Floats
    reference_c: Floats
    doubling_k: Floats

    @staticmethod
    def of(blocks: BlockPoints, package: PackageColumns) -> LeakageTable:
        """Of blocks in their packages, row by row."""
        return LeakageTable(
            table_c=blocks.leakage_temperatures_c,
            table_w=blocks.leakage_powers_w,
            reference_c=blocks.temperature_c,
            doubling_k=package["leakage_doubling_k"],
        )

    def take(self, index: Int64s) -> LeakageTable:
        """The systems at `index`, in this order and with its repetitions."""
        return LeakageTable(
            table_c=self.table_c,
            table_w=self.table_w[index],
            reference_c=self.reference_c[index],
            doubling_k=self.doubling_k[index],
        )


def die_powers(
    dies: Dies, utilisation: Floats, link_power_w: Floats, memory_device_w: Floats
) -> Floats:
    """Power of one die of each kind that does not depend on temperature [systems x kinds].

    There may be an axis of draws before these, also in the arguments and in `dynamic_w` of dies.
    Dynamic power of the compute dies follows the share of the throughput the links let through;
    link power is spread over all dies, the memory devices' over the memories.
    """
    active = np.where(dies.memory, 1.0, utilisation[..., None])
    memories = np.maximum(np.where(dies.memory, dies.count, 0).sum(axis=1), 1)
    device = np.where(dies.memory, (memory_device_w / memories)[..., None], 0.0)
    return dies.dynamic_w * active + device + (link_power_w / dies.total)[..., None]


def temperatures_of(
    package: PackageColumns,
    dies: Dies,
    leak: LeakageTable,
    fixed_w: Floats,
    sources: Sources,
    cells: int = CELLS,
) -> TemperatureResult:
    """Steady junction temperatures, with leakage at its fixed point.

    fixed_w : see `die_powers`
    """
    count = package.count
    out = {f.name: np.zeros(count) for f in dataclasses.fields(TemperatureResult)}
    columns = [package.choices[n].codes for n in _NAMES] + [package[n] for n in _NUMBERS]
    columns += [*dies.count.T, *dies.area_m2.T]
    first, order, starts = equal_rows(np.stack(columns))
    for g, row in enumerate(first):
        at = order[starts[g] : starts[g + 1]]
        geometry = geometry_of(package, dies, int(row))
        operator = folded_operator_for(geometry, sources, cells)
        kind = _kind_of_sources(operator, dies, int(row))
        group = _group(
            operator,
            fixed_w[at][:, kind],
            dies.static_w[at][:, kind],
            package["ambient_c"][at],
            leak,
            at,
            ~dies.memory[row, kind],
        )
        for name, column in group.items():
            out[name][at] = column
    return TemperatureResult(**out)


def _kind_of_sources(operator: ReducedOperator, dies: Dies, row: int) -> Int64s:
    """Kind of the die that each source of heat of a system is [sources]."""
    kind: Int64s = np.repeat(np.arange(len(dies.names)), dies.count[row].astype(int))
    return kind[list(operator.fold.sources)]


@dataclass(frozen=True, kw_only=True, eq=False)
class DieHeat:
    """The dies of one system, one entry per kind; NaN where no temperature is stable.

    peak_c : hottest point of the hottest die of a kind
    leakage_w : of the die of a kind that leaks most
    """

    peak_c: Floats
    leakage_w: Floats


def die_heat(
    package: PackageColumns, dies: Dies, leak: LeakageTable, fixed_w: Floats, sources: Sources
) -> DieHeat:
    """Temperature and leakage of the dies of the first system.

    fixed_w : see `die_powers`
    """
    operator = folded_operator_for(geometry_of(package, dies, 0), sources)
    kind = _kind_of_sources(operator, dies, 0)
    at: Int64s = np.zeros(1, np.int64)
    solved = _solved(
        operator,
        fixed_w[at][:, kind],
        dies.static_w[at][:, kind],
        package["ambient_c"][at],
        leak,
        at,
    )
    if solved.state.runaway[0]:
        unknown = np.full(len(dies.names), np.nan)
        return DieHeat(peak_c=unknown, leakage_w=unknown)
    kinds = range(len(dies.names))
    rise = np.array([solved.peaks_k[0][kind == number].max() for number in kinds])
    return DieHeat(
        peak_c=np.asarray(package["ambient_c"][0] + rise),
        leakage_w=np.array([solved.state.leakage_w[0][kind == number].max() for number in kinds]),
    )


def equal_rows(columns: Floats) -> tuple[Int64s, Int64s, Int64s]:
    """Group equal columns of a matrix: a member of each group, an order by group, its starts.

    Columns are compared by a random weighted sum, and then in full: groups are exact.
    """
    weights = np.random.default_rng(0).uniform(1.0, 2.0, len(columns))
    scale = np.maximum(np.abs(columns).max(axis=1), 1e-300)
    key = numerics.matmul(weights / scale, columns)
    _, first, group = np.unique(key, return_index=True, return_inverse=True)
    group = group.reshape(-1)
    if not (columns == columns[:, first[group]]).all():
        _, first, group = np.unique(columns, axis=1, return_index=True, return_inverse=True)
        group = group.reshape(-1)
    order = np.argsort(group, kind="stable")
    return first, order, np.searchsorted(group[order], np.arange(len(first) + 1))


def operator_for(geometry: Geometry, sources: Sources, cells: int = CELLS) -> RefinedOperator:
    """The operator of a geometry, with each of its dies."""
    stack = layers_of(geometry, sources)
    return refined(stack, unfolded(len(geometry.dies)), cells)


def folded_operator_for(
    geometry: Geometry, sources: Sources, cells: int = CELLS
) -> ReducedOperator:
    """The operator of a geometry whose dies of a kind have equal power; dies that mirrors swap
    are one source. From the cache unless the user gave one of the constants that it rests on.
    """
    if sources.given and _keys_of(geometry) & sources.given.keys():
        return _folded(geometry, sources, cells)
    operator, used = operator_of(geometry, cells)
    sources.used.update(used)
    return operator


@dataclass(frozen=True, kw_only=True, eq=False)
class _Solved:
    """Systems of one geometry at their steady temperatures.

    peaks_k, errors_k : hottest point of each source over the air, and its discretisation error
    """

    state: Equilibrium
    dies_c: Floats
    peaks_k: Floats
    errors_k: Floats
    leaks: Bools


def _solved(
    operator: ReducedOperator,
    fixed: Floats,
    static: Floats,
    ambient_c: Floats,
    leak: LeakageTable,
    at: Int64s,
) -> _Solved:
    reference, doubling = leak.reference_c[at], leak.doubling_k[at]
    table = leak.table_c
    curve = leakage_curve(table, leak.table_w[at], reference, doubling)
    leaks = static > 0
    ambient_k = ambient_c[:, None] + ZERO_C_IN_K

    def leakage(rise: Floats) -> tuple[Floats, Floats]:
        ratio, change = curve(ambient_c[:, None] + rise)
        # 0 for dies without leakage, also where the ratio overflows.
        return static * np.where(leaks, ratio, 0.0), static * np.where(leaks, change, 0.0)

    def excess(rise: Floats) -> tuple[Floats, Floats]:
        return operator.excess(ambient_k + rise), operator.excess_slope(ambient_k + rise)

    feedback = Feedback(change_k_per_w=operator.change, excess=excess)
    state = equilibrium(operator.average, fixed, leakage, feedback)
    peaks, errors = operator.peak_rise(fixed + state.leakage_w, excess(state.rise_k)[0])
    return _Solved(
        state=state,
        dies_c=ambient_c[:, None] + state.rise_k,
        peaks_k=peaks,
        errors_k=errors,
        leaks=leaks,
    )


def _group(
    operator: ReducedOperator,
    fixed: Floats,
    static: Floats,
    ambient_c: Floats,
    leak: LeakageTable,
    at: Int64s,
    computes: Bools,
) -> dict[str, Floats]:
    """The fields of `TemperatureResult` of systems of one geometry."""
    solved = _solved(operator, fixed, static, ambient_c, leak, at)
    state, dies_c, table = solved.state, solved.dies_c, leak.table_c
    peaks, errors, leaks = solved.peaks_k, solved.errors_k, solved.leaks
    copies = np.array(operator.fold.copies)
    hottest = peaks.argmax(axis=1)[:, None]
    beyond = np.full(len(at), -1.0)
    if len(table) > 1:
        over = np.where(leaks, np.maximum(dies_c - table[-1], table[0] - dies_c), -1.0)
        beyond = over.max(axis=1)
    outside = np.full(len(at), -1.0)
    if operator.softening is not None:
        outside = operator.softening.beyond_k(dies_c + ZERO_C_IN_K).max(axis=1)
    stable = ~state.runaway
    mean = np.average(state.rise_k[:, computes], axis=1, weights=copies[computes])
    peak = np.take_along_axis(peaks, hottest, axis=1)[:, 0]
    return {
        "peak_c": np.where(stable, ambient_c + peak, np.nan),
        "peak_error_k": np.where(stable, np.take_along_axis(errors, hottest, axis=1)[:, 0], np.nan),
        "mean_c": np.where(stable, ambient_c + mean, np.nan),
        "leakage_w": np.where(stable, numerics.matmul(state.leakage_w, copies), np.nan),
        "runaway": state.runaway.astype(np.float64),
        "gain": state.loop_gain,
        "beyond_table_k": beyond,
        "beyond_conductivity_k": np.where(stable, outside, -1.0),
    }
