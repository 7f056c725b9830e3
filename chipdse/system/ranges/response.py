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
    steps_w : of each kind, and last the relative step of the leakage [kinds + 1][systems]
    """

    fixed_w: Floats
    static_w: Floats
    steps_w: list[Floats]
    base: dict[str, Floats]
    first: list[dict[str, Floats]]
    second: list[dict[str, Floats]]

    def at(self, fixed_w: Floats, static_w: Floats, rows: Int64s) -> TemperatureResult:
        """The second-order expansion without mixed terms, of the systems at `rows`."""
        before = self.static_w[rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(before > 0, static_w / before, 1.0)[:, 0] - 1
        changes = [*(fixed_w - self.fixed_w[rows]).T, ratio]
        out = {name: column[rows] for name, column in self.base.items()}
        for change, step, first, second in zip(
            changes, self.steps_w, self.first, self.second, strict=True
        ):
            if change.any():
                t = change / step[rows]
                for name in first:
                    out[name] = out[name] + t * (first[name][rows] + t * second[name][rows])
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
        return self._expansions[typical].at(fixed_w, dies.static_w, rows)


def _expanded(
    package: PackageColumns,
    dies: Dies,
    leak: LeakageTable,
    fixed_w: Floats,
    sources: Sources,
    cells: int,
) -> _Expansion:
    def solved(fixed: Floats, factor: float) -> dict[str, Floats]:
        scaled = dataclasses.replace(dies, static_w=dies.static_w * factor)
        result = temperatures_of(package, scaled, leak, fixed, sources, cells)
        return {f.name: getattr(result, f.name) for f in dataclasses.fields(result)}

    base = solved(fixed_w, 1.0)
    # Kinds of dies that a system has none of have a power too, which may be far larger.
    largest = np.maximum(np.where(dies.count > 0, fixed_w, 0.0).max(axis=1), 1e-12)
    steps = [_STEP * largest for _ in range(fixed_w.shape[1])]
    first: list[dict[str, Floats]] = []
    second: list[dict[str, Floats]] = []
    for kind, step in enumerate(steps):
        direction = np.zeros_like(fixed_w)
        direction[:, kind] = step
        ends = solved(fixed_w + direction, 1.0), solved(fixed_w - direction, 1.0)
        _differences(base, ends, first, second)
    _differences(base, (solved(fixed_w, 1 + _STEP), solved(fixed_w, 1 - _STEP)), first, second)
    return _Expansion(
        fixed_w=fixed_w,
        static_w=dies.static_w,
        steps_w=[*steps, np.full(package.count, _STEP)],
        base=base,
        first=first,
        second=second,
    )


def _differences(
    base: dict[str, Floats],
    ends: tuple[dict[str, Floats], dict[str, Floats]],
    first: list[dict[str, Floats]],
    second: list[dict[str, Floats]],
) -> None:
    names = [name for name in base if name not in _KEPT]
    above, below = ends
    first.append({name: (above[name] - below[name]) / 2 for name in names})
    second.append({name: (above[name] + below[name]) / 2 - base[name] for name in names})
