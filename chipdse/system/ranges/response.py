"""Temperatures of systems as a function of their dies' powers, expanded around the stated powers.

Draws change powers a little: by links, and by the error of the block's power. Solving leakage and
temperature anew in each of thousands of draws would take nearly all of the time.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

import numpy as np

from chipdse.arrays import Floats, Int64s
from chipdse.system.arrays.columns import Dies, PackageColumns
from chipdse.system.arrays.temperature import LeakageTable, TemperatureResult, temperatures_of
from chipdse.technology.constants import Sources

_STEP = 0.1
"""Relative step of each power around which the model is expanded."""
_KEPT = ("runaway", "gain")
"""Fields that stay as at the stated powers."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Expansion:
    """Temperatures at the stated powers, and their first and second differences.

    fixed_w : of one die of each kind [systems x kinds]; static_w likewise
    kinds : those of which a system has dies
    steps_w : of each of them, and last the relative step of the leakage [systems]
    """

    fixed_w: Floats
    static_w: Floats
    kinds: Int64s
    steps_w: list[Floats]
    base: dict[str, Floats]
    first: tuple[dict[str, Floats], ...]
    second: tuple[dict[str, Floats], ...]

    def ratio(self, static_w: Floats, rows: Int64s) -> Floats:
        """Leakage over that of the expansion, at equal temperature; 1 where nothing leaks."""
        before = self.static_w[rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(before > 0, static_w / before, 1.0)[:, 0])

    def at(self, fixed_w: Floats, ratio: Floats, rows: Int64s | slice) -> TemperatureResult:
        """The second-order expansion without mixed terms, of the systems at `rows`.

        fixed_w : of the kinds that there are [systems x kinds], or [draws x systems x kinds]
        ratio : of the leakage [systems] or [draws x systems]
        """
        before = self.fixed_w[rows]
        changes = [fixed_w[..., n] - before[:, kind] for n, kind in enumerate(self.kinds)]
        out = {name: column[rows] for name, column in self.base.items()}
        for change, step, first, second in zip(
            [*changes, ratio - 1], self.steps_w, self.first, self.second, strict=True
        ):
            if change.any():
                t = change / step[rows]
                for name in first:
                    slopes, bends = first[name][rows], second[name][rows]
                    if slopes.any() or bends.any():
                        term = t * bends
                        term += slopes
                        term *= t
                        out[name] = np.add(term, out[name], out=term)
        return TemperatureResult(**out)


@dataclass(kw_only=True, eq=False)
class Response:
    """A temperature model (`chipdse.system.evaluate.Heat`) of fixed systems at powers near those of
    its first call, which expands it.

    rows : which of these systems a call is about; None: all in their order
    """

    rows: Int64s | None = None
    _expansions: dict[bool, _Expansion] = field(default_factory=dict)

    def at_rows(self, rows: Int64s) -> Response:
        """The same model for some of its systems, in an order and with repetitions."""
        return Response(rows=rows, _expansions=self._expansions)

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
    ) -> TemperatureResult:
        """Temperatures at powers; the first call states those to expand around."""
        if typical not in self._expansions:
            self._expansions[typical] = _expanded(package, dies, leak, fixed_w, sources, cells)
        rows = np.arange(package.count) if self.rows is None else self.rows
        expansion = self._expansions[typical]
        ratio = expansion.ratio(dies.static_w, rows)
        return expansion.at(fixed_w[:, expansion.kinds], ratio, rows)

    def under_draws(
        self, fixed_w: Floats, ratio: Floats, rows: slice, *, typical: bool
    ) -> TemperatureResult:
        """Temperatures of the systems at `rows` [draws x systems], after a first call.

        fixed_w : power of one die of each kind that there is [draws x systems x kinds]
        ratio : of the leakage to that of the first call [draws x systems]
        """
        return self._expansions[typical].at(fixed_w, ratio, rows)


def _expanded(
    package: PackageColumns,
    dies: Dies,
    leak: LeakageTable,
    fixed_w: Floats,
    sources: Sources,
    cells: int,
) -> _Expansion:
    # Kinds of dies that a system has none of have a power too, which may be far larger.
    largest = np.maximum(np.where(dies.count > 0, fixed_w, 0.0).max(axis=1), 1e-12)
    kinds = np.flatnonzero(dies.count.any(axis=0))
    changes: list[tuple[Floats, float]] = [(fixed_w, 1.0)]
    for kind in kinds:
        direction = np.zeros_like(fixed_w)
        direction[:, kind] = _STEP * largest
        changes += [(fixed_w + direction, 1.0), (fixed_w - direction, 1.0)]
    changes += [(fixed_w, 1 + _STEP), (fixed_w, 1 - _STEP)]
    # All in one call, which handles the rows of a geometry together.
    rows = np.tile(np.arange(package.count), len(changes))
    static = np.concatenate([dies.static_w * factor for _, factor in changes])
    result = temperatures_of(
        package.take(rows),
        dataclasses.replace(dies.take(rows), static_w=static),
        leak.take(rows),
        np.concatenate([fixed for fixed, _ in changes]),
        sources,
        cells,
    )
    shape = len(changes), package.count
    columns = {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}
    base, *ends = (
        {name: column.reshape(shape)[place] for name, column in columns.items()}
        for place in range(len(changes))
    )
    first, second = zip(
        *(_differences(base, *pair) for pair in zip(ends[::2], ends[1::2], strict=True)),
        strict=True,
    )
    return _Expansion(
        fixed_w=fixed_w,
        static_w=dies.static_w,
        kinds=kinds,
        steps_w=[*(_STEP * largest for _ in kinds), np.full(package.count, _STEP)],
        base=base,
        first=first,
        second=second,
    )


def _differences(
    base: dict[str, Floats], above: dict[str, Floats], below: dict[str, Floats]
) -> tuple[dict[str, Floats], dict[str, Floats]]:
    """First and second differences of what changes."""
    names = [name for name in base if name not in _KEPT]
    return (
        {name: (above[name] - below[name]) / 2 for name in names},
        {name: (above[name] + below[name]) / 2 - base[name] for name in names},
    )
