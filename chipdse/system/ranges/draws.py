"""Systems evaluated under many draws of what is uncertain: the same draws for every system."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipdse.arrays import Bools, Floats, Int64s
from chipdse.system.arrays.columns import BlockPoints, Choices, PackageColumns
from chipdse.system.evaluate import Heat, SystemRows, evaluate_pairs
from chipdse.system.parameters import CATCH_ARRANGEMENTS, PackageParameters
from chipdse.system.ranges.inputs import ALTERNATIVES, Draws, Input, draws_of, inputs_of
from chipdse.system.ranges.response import Response
from chipdse.technology.constants import Constant, Sources

DEFAULTS = {field.name: field.default for field in dataclasses.fields(PackageParameters)}
"""Of the parameters of a package."""
_ROWS = 16_384
"""Rows that are evaluated at once."""
_BY_ROW = (
    "grids.",
    "links.",
    "memory.",
    "cost.wafer_price.",
    "cost.defect_density.",
    "cost.glass_price",
)
"""Constants that may have a value of their own for each row of an evaluation."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Systems:
    """Systems row by row: block point i in package i.

    error_low, error_high : bounds of the relative error of each block's power, estimate over true
        value minus 1; 0 and 0: not known
    given : figures of the user
    fixed : parameters of the package that are not drawn
    """

    blocks: BlockPoints
    packages: PackageColumns
    error_low: Floats
    error_high: Floats
    given: Mapping[str, Constant]
    fixed: Collection[str] = ()

    @staticmethod
    def of(
        blocks: BlockPoints,
        packages: PackageColumns,
        *,
        given: tuple[Constant, ...] = (),
        fixed: Collection[str] = (),
    ) -> Systems:
        """Systems whose block is known without error."""
        none = np.zeros(packages.count)
        return Systems(
            blocks=blocks,
            packages=packages,
            error_low=none,
            error_high=none,
            given={constant.key: constant for constant in given},
            fixed=fixed,
        )

    @property
    def errors_known(self) -> bool:
        return bool((self.error_low < self.error_high).any())

    def nominal(self, heat: Heat | None = None) -> tuple[SystemRows, Sources]:
        """The systems with every constant at its stated value, and the constants used."""
        sources = Sources(given=dict(self.given))
        return evaluate_pairs(self.blocks, self.packages, sources, heat=heat), sources

    def inputs(self) -> tuple[Input, ...]:
        """What is uncertain of the systems, under every alternative of sources."""
        heat = Response()
        used = dict(self.nominal(heat)[1].used)
        for parameter, name in ALTERNATIVES:
            if parameter not in self.fixed:
                chosen = (name,), np.zeros(1, dtype=np.int64)
                draw = Draws(count=1, names={parameter: chosen})
                used |= self._under(draw, heat)[1].used
        return inputs_of(used.values(), fixed=self.fixed, block=self.errors_known)

    def drawn(self, inputs: Sequence[Input], shares: Floats) -> Iterator[SystemRows]:
        """The systems under the draws, rows of `shares` [draws x inputs]: some draws at a time, the
        systems of one draw one after another."""
        heat = Response()
        self.nominal(heat)
        constants = [constant.key for drawn_input in inputs for constant in drawn_input.constants]
        together = rows_at_once(constants, self.packages.count)
        for start in range(0, len(shares), together):
            yield self._under(draws_of(inputs, shares[start : start + together]), heat)[0]

    def values(
        self, inputs: Sequence[Input], shares: Floats, names: Sequence[str]
    ) -> tuple[dict[str, Floats], Bools]:
        """Metrics by name [draws x systems], and where no constraint is violated.

        Every draw of every system is evaluated in full; `factored.values_of` is faster.
        """
        columns: dict[str, list[Floats]] = {name: [] for name in names}
        feasible = []
        for rows in self.drawn(inputs, shares):
            for name in names:
                columns[name].append(getattr(rows.metrics, name))
            feasible.append(np.maximum.reduce(list(rows.constraints.values())) <= 0)
        shape = len(shares), self.packages.count
        metrics = {name: np.concatenate(parts).reshape(shape) for name, parts in columns.items()}
        return metrics, np.concatenate(feasible).reshape(shape)

    def power_factors(self, inputs: Sequence[Input], shares: Floats) -> Floats:
        """By what each block's power is multiplied under the draws [draws x systems]."""
        drawn = draws_of(inputs, shares).block_share
        every = np.arange(self.packages.count)
        if drawn is None:
            return np.ones((len(shares), len(every)))
        return self._power_factor(drawn[:, None], every)

    def _power_factor(self, share: Floats, index: Int64s) -> Floats:
        low, high = self.error_low[index], self.error_high[index]
        return np.asarray(1 / (1 + low + share * (high - low)))

    def _under(self, draws: Draws, heat: Response) -> tuple[SystemRows, Sources]:
        index, packages, sources = self.rows_under(draws)
        blocks = self.blocks.take(index)
        if draws.block_share is not None:
            share = np.repeat(draws.block_share, self.packages.count)
            blocks = scaled(blocks, self._power_factor(share, index))
        return evaluate_pairs(blocks, packages, sources, heat=heat.at_rows(index)), sources

    def rows_under(self, draws: Draws) -> tuple[Int64s, PackageColumns, Sources]:
        """The systems under each draw as rows, the systems of one draw one after another.

        Returns the system of each row, its package, and the constants: where they are drawn, with
        a value for each row.
        """
        count = self.packages.count
        index = np.tile(np.arange(count), draws.count)
        rows = draws.repeated(count)
        is_single = draws.count == 1
        given = {
            key: with_value(constant, float(values[0]) if is_single else values)
            for key, (constant, values) in rows.constants.items()
        }
        packages = drawn_packages(self.packages.take(index), rows)
        return index, packages, Sources(given={**self.given, **given})

    def take(self, index: Int64s) -> Systems:
        """The systems at `index`."""
        return dataclasses.replace(
            self,
            blocks=self.blocks.take(index),
            packages=self.packages.take(index),
            error_low=self.error_low[index],
            error_high=self.error_high[index],
        )


def rows_at_once(keys: Iterable[str], systems: int) -> int:
    """Draws of a number of systems that are evaluated together, where these constants are drawn."""
    by_row = all(key.startswith(_BY_ROW) for key in keys)
    return max(1, _ROWS // systems) if by_row else 1


def with_value(constant: Constant, value: Any) -> Constant:
    """A constant with another value, or with a value for each row of an evaluation."""
    return dataclasses.replace(constant, value=value)


def scaled(blocks: BlockPoints, factor: Floats) -> BlockPoints:
    """Blocks whose powers are multiplied by a factor each."""
    typical = blocks.typical
    if typical is not None:
        typical = dataclasses.replace(
            typical,
            power_w=typical.power_w * factor,
            powers_w=typical.powers_w * factor[:, None],
        )
    return dataclasses.replace(
        blocks,
        dynamic_power_w=blocks.dynamic_power_w * factor,
        leakage_power_w=blocks.leakage_power_w * factor,
        leakage_powers_w=blocks.leakage_powers_w * factor[:, None],
        typical=typical,
    )


def drawn_packages(packages: PackageColumns, draws: Draws) -> PackageColumns:
    """Packages with the drawn parameters, where they state nothing else than the default.

    A cost model without figures for an arrangement is not drawn there.
    """
    numbers, choices = dict(packages.numbers), dict(packages.choices)
    for name, drawn in draws.numbers.items():
        numbers[name] = np.where(numbers[name] == DEFAULTS[name], drawn, numbers[name])
    for name, (names, codes) in draws.names.items():
        before = choices[name]
        stated = before.among(str(DEFAULTS[name]))
        if "catch" in names:
            theirs = codes == names.index("catch")
            stated = stated & (~theirs | choices["arrangement"].among(*CATCH_ARRANGEMENTS))
        choices[name] = Choices(
            names=(*before.names, *names),
            codes=np.where(stated, len(before.names) + codes, before.codes),
        )
    return PackageColumns(numbers=numbers, choices=choices, count=packages.count)
