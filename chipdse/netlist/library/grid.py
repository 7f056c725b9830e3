"""The operating points at which a library is characterised, and interpolation between them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chipdse import numerics
from chipdse.arrays import Floats, Int64s


@dataclass(frozen=True, kw_only=True, eq=False)
class Corners:
    """Characterised operating points [V, °C]; temperatures may have different supplies."""

    supply_v: Floats
    temperature_c: Floats

    def __len__(self) -> int:
        return len(self.supply_v)

    @cached_property
    def _rows(self) -> list[tuple[float, Int64s, Floats]]:
        """Of every temperature, ascending: its corners by rising supply, and those supplies."""
        rows = []
        for temp in np.unique(self.temperature_c):
            members = np.flatnonzero(self.temperature_c == temp)
            members = members[np.argsort(self.supply_v[members], kind="stable")]
            rows.append((float(temp), members, self.supply_v[members]))
        return rows

    @property
    def temperatures_c(self) -> tuple[float, ...]:
        """Every temperature once, ascending."""
        return tuple(temp for temp, _, _ in self._rows)

    def weights(self, supply_v: float, temperature_c: float) -> Floats | None:
        """Weight of each corner: linear in V within a temperature, then linear in temperature.

        None outside the range: the supply must lie inside that of the temperature, or of the
        nearest temperatures on both sides that have it.
        """
        temps, rows = [], []
        for temp, members, supplies in self._rows:
            row_weights = between(supply_v, supplies)
            if row_weights is not None:
                row = np.zeros(len(self))
                row[members] = row_weights
                temps.append(temp)
                rows.append(row)
        across = between(temperature_c, np.array(temps))
        if across is None:
            return None
        return numerics.matmul(across, np.array(rows))

    def covers(self, supply_v: float, temperature_c: float) -> bool:
        """Whether the operating point lies inside the range."""
        return self.weights(supply_v, temperature_c) is not None

    def text(self) -> str:
        """Its corners for people."""
        return ", ".join(
            f"{v:g} V {t:g} °C" for v, t in zip(self.supply_v, self.temperature_c, strict=True)
        )

    def range_text(self) -> str:
        """The supplies of each temperature for people."""
        parts = []
        for temp, _, volts in self._rows:
            span = f"{volts[0]:g}" if len(volts) == 1 else f"{volts[0]:g} to {volts[-1]:g}"
            parts.append(f"{span} V at {temp:g} °C")
        return ", ".join(parts)


def between(value: float, grid: Floats) -> Floats | None:
    """Linear weights on an ascending grid; None outside it."""
    weights = np.zeros(len(grid))
    exact = np.flatnonzero(np.isclose(grid, value, rtol=1e-9, atol=1e-9))
    if len(exact):
        weights[exact[0]] = 1.0
        return weights
    if not len(grid) or not grid[0] < value < grid[-1]:
        return None
    high = int(np.searchsorted(grid, value))
    part = (value - grid[high - 1]) / (grid[high] - grid[high - 1])
    weights[high - 1], weights[high] = 1 - part, part
    return weights


def interpolate(weights: Floats, characterised: Floats) -> Floats:
    """[corners, ...] to [K, ...] by weights [K, corners]: in the logarithm, linear where a corner
    is not positive."""
    used = weights != 0
    if (used.sum(axis=1) == 1).all():
        only: Floats = characterised[used.argmax(axis=1)]
        return only
    members = used.any(axis=0)  # of many corners a point uses two or four
    part = weights[:, members]
    flat = characterised[members].reshape(len(part[0]), -1)
    positive = flat > 0
    logs = numerics.log(np.where(positive, flat, 1.0))
    result = numerics.exp(numerics.matmul(part, logs))
    linear = numerics.matmul(used[:, members], ~positive) > 0
    if linear.any():
        result = np.where(linear, numerics.matmul(part, flat), result)
    shaped: Floats = result.reshape(len(weights), *characterised.shape[1:])
    return shaped
