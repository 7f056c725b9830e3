"""Many systems under many draws: each stage is computed for the draws that change it only.

Most stages read few of the drawn quantities, and these have few different values: yields and cost
depend on which of two sources is drawn. Where a result is linear in what is drawn (carbon in the
grids), its factors are computed instead. What remains for each draw of each system are the products
of `chipdse.system.arrays.outcome`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipdse.arrays import Bools, Floats, Int64s
from chipdse.sorting import distinct
from chipdse.system.arrays.carbon import CarbonTerms, carbon_terms, grid_of
from chipdse.system.arrays.columns import Choices, Dies, PackageColumns
from chipdse.system.arrays.cost import cost_of
from chipdse.system.arrays.dies import dies_of
from chipdse.system.arrays.fabrication import fabrication_of
from chipdse.system.arrays.links import LinkResult, energy_per_bit, links_of
from chipdse.system.arrays.outcome import Amounts, constraints_of, metrics_of
from chipdse.system.arrays.temperature import TemperatureResult, die_powers, equal_rows
from chipdse.system.metrics import SystemColumns
from chipdse.system.models import links
from chipdse.system.ranges.draws import DEFAULTS, Systems, rows_at_once, with_value
from chipdse.system.ranges.inputs import Draws, Input, draws_of
from chipdse.system.ranges.response import Response
from chipdse.technology.constants import Sources

_IDLE = "links.idle_power_frac"
_PRODUCTS = (_IDLE, "links.energy_", "grids.")
"""Constants that enter the results as factors: they change no stage."""
_CHOICES, _NUMBERS = ("fab_carbon", "cost_model"), ("gas_abatement",)
"""Parameters that change fabrication, cost and carbon only."""
_VALUES = 131_072
"""Values of an array of draws x systems that are computed at once, to stay in the cache."""
_ENDS = ("embodied_low_kgco2e", "embodied_high_kgco2e")

Columns = dict[str, Floats]
Stage = Callable[[Dies, PackageColumns, Sources, Int64s], Columns]


@dataclass(frozen=True, kw_only=True, eq=False)
class Block:
    """Some systems under all draws.

    systems : places of the systems
    metrics : [draws x systems], or [systems] or [1 x systems] where no draw changes them
    feasible : where no constraint is violated
    """

    systems: Int64s
    metrics: SystemColumns
    feasible: Bools


def values_of(
    systems: Systems, inputs: Sequence[Input], shares: Floats, names: Sequence[str]
) -> tuple[dict[str, Floats], Bools]:
    """Metrics by name [draws x systems], and where no constraint is violated.

    They are those of `Systems.values`, but for rounding.
    """
    shape = len(shares), systems.packages.count
    values = {name: np.empty(shape) for name in names}
    feasible = np.empty(shape, dtype=np.bool_)
    for block in blocks_of(systems, inputs, shares, names):
        for name in names:
            values[name][:, block.systems] = getattr(block.metrics, name)
        feasible[:, block.systems] = block.feasible
    return values, feasible


def blocks_of(
    systems: Systems, inputs: Sequence[Input], shares: Floats, names: Iterable[str]
) -> Iterator[Block]:
    """The systems under the draws, some systems at a time.

    names : metrics that are wanted; those that are not may be NaN
    """
    factors = {i.parameter for i in inputs if i.parameter} <= {*_CHOICES, *_NUMBERS}
    link, arrangement = (systems.packages.choices[name] for name in ("link", "arrangement"))
    # Systems of one link and arrangement read the same constants.
    codes = link.codes * len(arrangement.names) + arrangement.codes
    for code in distinct(codes)[0]:
        rows = np.flatnonzero(codes == code)
        group = systems.take(rows)
        dies = dies_of(group.blocks, group.packages, read := Sources(given=dict(group.given)))
        enters_dies = _keys(inputs) & {*read.used, "cost.reticle_area"}
        if enters_dies or not factors or {*names} & {*_ENDS}:
            yield _plain(group, inputs, shares, rows)
        else:
            yield from _factored(group, dies, inputs, shares, rows)


def _keys(inputs: Iterable[Input]) -> set[str]:
    return {constant.key for drawn_input in inputs for constant in drawn_input.constants}


def _plain(systems: Systems, inputs: Sequence[Input], shares: Floats, rows: Int64s) -> Block:
    names = tuple(SystemColumns.__dataclass_fields__)
    values, feasible = systems.values(inputs, shares, names)
    return Block(systems=rows, metrics=SystemColumns(**values), feasible=feasible)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Variants:
    """Results of a stage [variants x kinds of systems], and the variant of each draw."""

    columns: Columns
    of_draw: Int64s

    def at(self, kinds: Int64s) -> Columns:
        """Of systems of some kinds: [draws x systems], or [systems] where there is one variant."""
        return {
            name: column[0, kinds] if len(column) == 1 else column[:, kinds][self.of_draw]
            for name, column in self.columns.items()
        }


def _kinds(dies: Dies, packages: PackageColumns) -> tuple[Int64s, Int64s]:
    """A system of each kind, and the kind of each system: alike but for powers of dies."""
    of_dies = [dies.area_m2, dies.logic_m2, dies.unique_m2, dies.count, dies.node_nm, dies.modules]
    columns = [*packages.numbers.values(), *(choice.codes for choice in packages.choices.values())]
    columns += [column for array in of_dies for column in array.T]
    first, order, starts = equal_rows(np.nan_to_num(np.stack(columns), nan=-1.0))
    kind = np.empty(packages.count, dtype=np.int64)
    kind[order] = np.repeat(np.arange(len(first)), np.diff(starts))
    return first, kind


def _variants(
    systems: Systems,
    dies: Dies,
    inputs: Sequence[Input],
    shares: Floats,
    stage: Stage,
    choices: tuple[str, ...],
) -> _Variants:
    """A stage for each different draw of what changes it.

    inputs : all that is drawn; which of its constants the stage reads is seen by running it
    choices : parameters that the stage reads
    """
    chosen = [i for i, drawn_input in enumerate(inputs) if drawn_input.parameter in choices]
    result, read = _run(systems, dies, inputs, shares, stage, chosen)
    read_inputs = [
        i
        for i, each in enumerate(inputs)
        if any(c.key in read and not c.key.startswith(_PRODUCTS) for c in each.constants)
    ]
    if read_inputs:
        result, _ = _run(systems, dies, inputs, shares, stage, [*chosen, *read_inputs])
    return result


def _run(
    systems: Systems,
    dies: Dies,
    inputs: Sequence[Input],
    shares: Floats,
    stage: Stage,
    places: Sequence[int],
) -> tuple[_Variants, set[str]]:
    """A stage under the draws of the inputs at `places`, and the constants that it read."""
    some = [inputs[place] for place in places]
    classes = [
        np.floor(shares[:, place] * len(inputs[place].choices or "?"))
        if inputs[place].choices
        else shares[:, place]
        for place in places
    ]
    _, first, of_draw = np.unique(
        np.stack([*classes, np.zeros(len(shares))]), axis=1, return_index=True, return_inverse=True
    )
    chosen = shares[first][:, places]
    step = rows_at_once(_keys(some), len(dies.count))
    parts: list[Columns] = []
    read: set[str] = set()
    for start in range(0, len(chosen), step):
        draws = draws_of(some, chosen[start : start + step])
        index, packages, sources = systems.rows_under(draws)
        parts.append(stage(dies.take(index), packages, sources, index))
        read |= sources.used.keys()
    shape = len(chosen), len(dies.count)
    columns = {
        name: np.concatenate([np.broadcast_to(part[name], _rows(part)) for part in parts])
        for name in parts[0]
    }
    return (
        _Variants(
            columns={name: column.reshape(shape) for name, column in columns.items()},
            of_draw=of_draw.reshape(-1),
        ),
        read,
    )


def _rows(part: Columns) -> int:
    return max(len(column) for column in part.values())


def _fabricated(dies: Dies, packages: PackageColumns, sources: Sources, _: Int64s) -> Columns:
    fabrication = fabrication_of(packages, dies, sources)
    terms = carbon_terms(packages, dies, fabrication, sources)
    return {
        "substrate_m2": fabrication.substrate_m2,
        "die_yield": fabrication.die_yield[:, 0],
        "interposers": fabrication.interposers_on_wafer,
        **{name: getattr(terms, name) for name in _TERMS},
    }


def _priced(dies: Dies, packages: PackageColumns, sources: Sources, _: Int64s) -> Columns:
    cost = cost_of(packages, dies, fabrication_of(packages, dies, sources), sources)
    return {"cost_usd": np.asarray(cost.recurring.total), "nre_usd": cost.nre_usd}


_TERMS = ("start_kg", "per_grid", "per_share_kg", "per_design_grid")
_LINKS = tuple(LinkResult.__dataclass_fields__)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Factors:
    """What is drawn as factors: arrays that broadcast to [draws x systems].

    grids : intensity where chips are made, designed and used [kg/J]
    idle : power of an idle link over that of a busy one
    energy_per_bit_j : of links
    power : of each block's power
    """

    grids: Mapping[str, Floats]
    abatement: Floats
    idle: Floats
    energy_per_bit_j: Floats
    power: Floats


def _factors(systems: Systems, inputs: Sequence[Input], shares: Floats) -> _Factors:
    draws, packages = draws_of(inputs, shares), systems.packages
    given = {key: with_value(c, values) for key, (c, values) in draws.constants.items()}
    sources = Sources(given={**systems.given, **given})
    abatement, share = packages["gas_abatement"], draws.numbers.get("gas_abatement")
    if share is not None:
        stated = abatement == DEFAULTS["gas_abatement"]
        column = share[:, None]
        abatement = column if stated.all() else np.where(stated, column, abatement)
    idle = np.asarray(sources(_IDLE))
    energies = {k: v for k, v in draws.constants.items() if k.startswith("links.energy_")}
    rows = Draws(count=len(shares) if energies else 1, constants=energies)
    _, of_rows, row_sources = systems.rows_under(rows)
    power = np.ones(1)
    if draws.block_share is not None and systems.errors_known:
        power = systems.power_factors(inputs, shares)
    return _Factors(
        grids={
            name: _intensity(packages.choices[name], sources)
            for name in ("grid_fab", "grid_design", "grid_use")
        },
        abatement=abatement,
        idle=idle[:, None] if idle.ndim else idle,
        energy_per_bit_j=energy_per_bit(of_rows, row_sources).reshape(-1, packages.count),
        power=power,
    )


def _intensity(choice: Choices, sources: Sources) -> Floats:
    """Intensity of each system's grid under each draw."""
    used, codes = distinct(choice.codes)
    values: list[Any] = [grid_of(choice.names[code], sources).value for code in used]
    table = np.stack(np.broadcast_arrays(*map(np.atleast_1d, values)), axis=1)
    return table if len(used) == 1 else np.asarray(table[:, codes])


def _factored(
    systems: Systems, dies: Dies, inputs: Sequence[Input], shares: Floats, rows: Int64s
) -> Iterator[Block]:
    heat = Response()
    _, sources = systems.nominal(heat)
    compute = systems.packages["tiles"] * systems.blocks.throughput_ops_per_s
    bits_per_s = compute * systems.blocks.io_bits_per_op

    def linked(dies: Dies, packages: PackageColumns, sources: Sources, index: Int64s) -> Columns:
        result = links_of(bits_per_s[index], packages, dies, sources)
        return {name: getattr(result, name) for name in _LINKS}

    link = _variants(systems, dies, inputs, shares, linked, ())
    first, kind = _kinds(dies, systems.packages)
    kinds, of_kinds = systems.take(first), dies.take(first)
    fabrication = _variants(kinds, of_kinds, inputs, shares, _fabricated, _CHOICES)
    costs = _variants(kinds, of_kinds, inputs, shares, _priced, ("cost_model",))
    present = dies.present()
    step = max(1, _VALUES // len(shares))
    for start in range(0, len(rows), step):
        part = slice(start, start + step)
        places = np.arange(len(rows))[part]
        some, their_dies = systems.take(places), present.take(places)
        factors = _factors(some, inputs, shares)
        links_there = _with_power(LinkResult(**link.at(places)), their_dies, factors)
        powers = _powers(their_dies, links_there, factors.power)
        result = fabrication.at(kind[part]) | costs.at(kind[part])
        largest = heat.under_draws(powers, factors.power, part, typical=False)
        typical = largest
        if some.blocks.typical is not None:
            typical = heat.under_draws(powers, factors.power, part, typical=True)
        limits = constraints_of(
            some.packages, their_dies, links_there, largest, result["interposers"], sources
        ).values()
        feasible = np.ones(1, dtype=np.bool_)
        for limit in limits:
            feasible = feasible & (limit <= 0)
        amounts = _amounts(
            some,
            their_dies,
            links_there,
            powers,
            (largest, typical),
            result,
            factors,
            compute[part],
        )
        yield Block(systems=rows[part], metrics=metrics_of(amounts), feasible=feasible)


def _with_power(link: LinkResult, dies: Dies, factors: _Factors) -> LinkResult:
    """Links with their power under the draws."""
    several = dies.total > 1
    power = np.zeros(len(several))
    if several.any():
        used, all_links = link.traffic_bits_per_s, link.capacity_bits_per_s
        drawn_w = links.link_power(used, all_links, factors.energy_per_bit_j, factors.idle)
        power = np.where(several, drawn_w, 0.0)
    return dataclasses.replace(link, power_w=power)


def _powers(dies: Dies, link: LinkResult, factor: Floats) -> Floats:
    """Power of one die of each kind, [draws x systems x kinds] or [systems x kinds]."""
    if factor.size > 1:
        dynamic_w = dies.dynamic_w * np.where(dies.memory, 1.0, factor[..., None])
        dies = dataclasses.replace(dies, dynamic_w=dynamic_w)
    return die_powers(dies, link.utilisation_limit, link.power_w, link.memory_device_w)


def _amounts(
    systems: Systems,
    dies: Dies,
    link: LinkResult,
    powers: Floats,
    temperatures: tuple[TemperatureResult, TemperatureResult],
    columns: Columns,
    factors: _Factors,
    compute: Floats,
) -> Amounts:
    """What the metrics follow from.

    temperatures : of the chips with the largest power, and of those whose energy is wanted
    """
    largest, typical = temperatures
    fixed = np.zeros(1)
    for kind in range(powers.shape[-1]):
        fixed = fixed + dies.count[:, kind] * powers[..., kind]
    terms = CarbonTerms(**{name: columns[name] for name in _TERMS})
    none = np.full(1, np.nan)
    return Amounts(
        compute_ops_per_s=compute,
        utilisation_limit=link.utilisation_limit,
        traffic_bits_per_s=link.traffic_bits_per_s,
        capacity_bits_per_s=link.capacity_bits_per_s,
        link_power_w=link.power_w,
        fixed_w=fixed,
        leakage_w=largest.leakage_w,
        mean_leakage_w=typical.leakage_w,
        peak_c=largest.peak_c,
        peak_error_k=largest.peak_error_k,
        mean_c=largest.mean_c,
        silicon_m2=dies.silicon_m2,
        die_m2=dies.area_m2[:, 0],
        substrate_m2=columns["substrate_m2"],
        die_yield=columns["die_yield"],
        cost_usd=columns["cost_usd"],
        nre_usd=columns["nre_usd"],
        embodied_kg=terms.at(
            factors.grids["grid_fab"], factors.abatement, factors.grids["grid_design"]
        ),
        embodied_low_kg=none,
        embodied_high_kg=none,
        grid_use_kg_per_j=factors.grids["grid_use"],
        life_years=systems.packages["life_years"],
        duty=systems.packages["duty"],
        supply_efficiency=systems.packages["supply_efficiency"],
    )
