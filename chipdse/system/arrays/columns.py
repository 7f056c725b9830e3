"""Many systems as arrays: one row per system, one column per kind of die."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipdse.arrays import Bools, Floats, Int64s, Numbers
from chipdse.errors import DesignError
from chipdse.records import BlockMetrics, TypicalLeakage
from chipdse.sorting import distinct
from chipdse.system.parameters import PackageParameters


@dataclass(frozen=True, kw_only=True, eq=False)
class TypicalLeakages:
    """`chipdse.records.TypicalLeakage` of many points; `powers_w` is points x temperatures."""

    power_w: Floats
    temperature_c: Floats
    powers_w: Floats

    def at(self, row: int) -> TypicalLeakage:
        """The record of one point."""
        return TypicalLeakage(
            power_w=float(self.power_w[row]),
            temperature_c=float(self.temperature_c[row]),
            powers_w=tuple(map(float, self.powers_w[row])),
        )

    def take(self, index: Int64s) -> TypicalLeakages:
        """The points at `index`, in this order and with its repetitions."""
        return TypicalLeakages(
            power_w=self.power_w[index],
            temperature_c=self.temperature_c[index],
            powers_w=self.powers_w[index],
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class BlockPoints:
    """One block at many operating points; leakage tables share their temperatures.

    Every array has one entry per point; `leakage_powers_w` is points x temperatures.

    typical : leakage of typical chips, if the other fields have that of the leakiest chips
    """

    area_m2: Floats
    dynamic_power_w: Floats
    leakage_power_w: Floats
    temperature_c: Floats
    throughput_ops_per_s: Floats
    io_bits_per_op: Floats
    node_nm: Floats
    leakage_temperatures_c: Floats
    leakage_powers_w: Floats
    typical: TypicalLeakages | None = None

    @staticmethod
    def of(blocks: Sequence[BlockMetrics]) -> BlockPoints:
        """Stack measured points; all must give leakage at the same temperatures."""
        if not blocks:
            raise DesignError("no block operating points were given; give at least one")
        temperatures = blocks[0].leakage_temperatures_c
        if any(b.leakage_temperatures_c != temperatures for b in blocks):
            raise DesignError(
                "all operating points of a block must give leakage at the same temperatures"
            )
        scalars = {
            f.name: np.array([getattr(b, f.name) for b in blocks], dtype=np.float64)
            for f in dataclasses.fields(BlockMetrics)
            if f.type == "float"
        }
        typical = [b.typical for b in blocks if b.typical is not None]
        if typical and len(typical) < len(blocks):
            raise DesignError("all operating points must be guaranteed ones, or none")
        return BlockPoints(
            **scalars,
            leakage_temperatures_c=np.array(temperatures, dtype=np.float64),
            leakage_powers_w=np.array([b.leakage_powers_w for b in blocks], dtype=np.float64),
            typical=_stacked(typical) if typical else None,
        )

    def __len__(self) -> int:
        return len(self.area_m2)

    def take(self, index: Int64s) -> BlockPoints:
        """The points at `index`, in this order and with its repetitions."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        shared, typical = fields.pop("leakage_temperatures_c"), fields.pop("typical")
        return BlockPoints(
            leakage_temperatures_c=shared,
            typical=None if typical is None else typical.take(index),
            **{k: v[index] for k, v in fields.items()},
        )


def _stacked(several: Sequence[TypicalLeakage]) -> TypicalLeakages:
    return TypicalLeakages(
        power_w=np.array([leakage.power_w for leakage in several]),
        temperature_c=np.array([leakage.temperature_c for leakage in several]),
        powers_w=np.array([leakage.powers_w for leakage in several]),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Choices:
    """A column of names, stored as indices into the list of distinct names."""

    names: tuple[str, ...]
    codes: Int64s

    def lookup(self, values: Sequence[Numbers]) -> Floats:
        """One value per row, from one value per name; a value may itself have one per row."""
        if all(np.ndim(value) == 0 for value in values):
            return np.asarray(values, dtype=np.float64)[self.codes]
        rows = len(self.codes)
        by_name = np.stack([np.broadcast_to(value, rows) for value in values])
        return np.asarray(by_name[self.codes, np.arange(rows)], dtype=np.float64)

    def among(self, *names: str) -> Bools:
        """Which rows have one of these names."""
        return np.array([n in names for n in self.names], dtype=np.bool_)[self.codes]

    def take(self, index: Int64s) -> Choices:
        return Choices(names=self.names, codes=self.codes[index])


@dataclass(frozen=True, kw_only=True, eq=False)
class PackageColumns:
    """Package parameters by column: numbers (NaN for None) as arrays, names as `Choices`."""

    numbers: dict[str, Floats]
    choices: dict[str, Choices]
    count: int

    @staticmethod
    def of(packages: Sequence[PackageParameters]) -> PackageColumns:
        numbers: dict[str, Floats] = {}
        choices: dict[str, Choices] = {}
        for field in dataclasses.fields(PackageParameters):
            column: list[Any] = [getattr(p, field.name) for p in packages]
            if isinstance(field.default, str):
                names, codes = distinct(np.array(column, dtype=np.str_))
                choices[field.name] = Choices(names=tuple(str(n) for n in names), codes=codes)
            else:
                numbers[field.name] = np.array(column, dtype=np.float64)
        return PackageColumns(numbers=numbers, choices=choices, count=len(packages))

    def __getitem__(self, name: str) -> Floats:
        return self.numbers[name]

    def take(self, index: Int64s) -> PackageColumns:
        return PackageColumns(
            numbers={k: v[index] for k, v in self.numbers.items()},
            choices={k: v.take(index) for k, v in self.choices.items()},
            count=len(index),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Dies:
    """The dies of many systems, every array [systems x kinds], powers and prices of one die.

    names : names of the kinds
    area_m2 : with interfaces and vias
    logic_m2 : without them
    unique_m2 : area that is designed for this system
    count : dies of the kind, 0 where there are none
    node_nm : process
    is_designed : for this system; others are third-party
    memory : serves the other dies; these exchange data with it rather than with each other
    modules : interface modules on the die's edge
    dynamic_w, static_w : power at full throughput; leakage at the reference temperature
    price_usd, carbon_kg : of a tested third-party die; NaN: computed from its area and node
    """

    names: tuple[str, ...]

    area_m2: Floats
    logic_m2: Floats
    unique_m2: Floats
    count: Floats
    node_nm: Floats
    is_designed: Bools
    memory: Bools
    modules: Floats
    dynamic_w: Floats
    static_w: Floats
    price_usd: Floats
    carbon_kg: Floats

    def take(self, index: Int64s) -> Dies:
        """The systems at `index`, in this order and with its repetitions."""
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        names = fields.pop("names")
        return Dies(names=names, **{name: column[index] for name, column in fields.items()})

    def present(self) -> Dies:
        """The kinds of which a system has dies."""
        kinds = np.flatnonzero(self.count.any(axis=0))
        fields = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        names = fields.pop("names")
        return Dies(
            names=tuple(names[kind] for kind in kinds),
            **{name: column[:, kinds] for name, column in fields.items()},
        )

    @property
    def total(self) -> Floats:
        """Dies in each system."""
        return np.asarray(self.count.sum(axis=1))

    @property
    def silicon_m2(self) -> Floats:
        """Summed die area of each system."""
        return np.asarray((self.count * self.area_m2).sum(axis=1))

    @property
    def footprint_m2(self) -> Floats:
        """Area of the largest die of each system, which is the footprint of a stack."""
        return np.asarray(np.where(self.count > 0, self.area_m2, 0.0).max(axis=1))
