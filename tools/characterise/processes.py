"""Slow and fast transistors at any supply and temperature, from few corners that were simulated.

In the units of `units.py` the ratio to typical transistors at the same supply and temperature is
near one and smooth. It is interpolated over the slews and loads that were left out (`fill.py`), and
here over supply and temperature.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.interpolate import PchipInterpolator

from chipdse.arrays import Bools, Floats

from .units import Point, Units

Base = Callable[[float, float], Floats]  # supply [V], temperature [°C] -> [entries]
FARTHEST = 4.0  # a number that differs by more passes zero nearby: its difference is taken
REGIME = 0.3  # how readily corners of typical transistors explain a ratio
OUTSIDE = (2.0, 98.0)  # percentiles of small cells beyond which a ratio is of another state
RIDGE = 1e-4  # of the mean square of the known ratios


@dataclass(frozen=True, kw_only=True, eq=False)
class Ratio:
    """Slow or fast transistors against typical ones, at the corners that were simulated.

    Parameters
    ----------
    corners : the simulated ones
    positive : [entries] where a logarithm of the ratio exists at every corner
    numbers : [corners, entries] that logarithm, elsewhere the difference; NaN of cells left out
    """

    corners: tuple[Point, ...]
    positive: Bools
    numbers: Floats

    @classmethod
    def of(cls, unit: Units, numbers_at: dict[Point, Floats], base: Base | None = None) -> Ratio:
        """From the simulated corners in their units.

        Parameters
        ----------
        base : what ratios are taken to; None: typical transistors at the same point
        """
        base = unit.typical if base is None else base
        simulated, shape = (
            np.array(list(numbers_at.values())),
            np.array([base(*corner) for corner in numbers_at]),
        )
        positive = (simulated > 0).all(axis=0) & (shape > 0).all(axis=0) & ~unit.checks
        logs = np.log(np.where(positive, simulated, 1.0) / np.where(positive, shape, 1.0))
        positive &= (np.abs(logs) < np.log(FARTHEST)).all(axis=0)
        return cls(
            corners=tuple(numbers_at),
            positive=positive,
            numbers=np.where(positive, logs, simulated - shape),
        )

    def supplies_v(self, temperature_c: float) -> list[float]:
        """Simulated supplies of one temperature, rising."""
        return sorted(volts for volts, temp in self.corners if temp == temperature_c)

    def _around(self, supply_v: float) -> list[float]:
        """Temperatures, rising, at which a supply lies between simulated ones."""
        spans = {temp: self.supplies_v(temp) for _, temp in self.corners}
        return sorted(t for t, span in spans.items() if span[0] <= supply_v <= span[-1])

    def at(self, supply_v: float, temperature_c: float) -> Floats:
        """[entries] Interpolated over the supply, then over temperature (monotone cubics)."""
        temps = self._around(supply_v)
        if len(temps) < 2 or not temps[0] <= temperature_c <= temps[-1]:
            raise ValueError(f"{supply_v:g} V {temperature_c:g} °C is between no simulated corners")
        known = ~np.isnan(self.numbers[0])
        rows = []
        for temp in temps:
            volts = self.supplies_v(temp)
            places = [self.corners.index((volt, temp)) for volt in volts]
            rows.append(PchipInterpolator(volts, self.numbers[places][:, known])(supply_v))
        result = np.full(len(known), np.nan)
        result[known] = PchipInterpolator(temps, np.array(rows))(temperature_c)
        return result


@dataclass(frozen=True, kw_only=True, eq=False)
class Effect:
    """What other transistors do to every number, at any supply and temperature.

    A few small cells are simulated at many corners, all cells at few. How the ratio at a corner
    follows from the ratios at those few, and from what supply and temperature do to typical
    transistors (slow ones behave much like typical ones at a lower supply), is learned from the
    small cells: least squares over their entries, times and other numbers apart.

    Parameters
    ----------
    small : of the small cells, at many corners
    every : of all cells, at some of these
    base : what the ratios are taken to; None: typical transistors at the same point
    other_states : arcs may be those of another state of the other inputs than typical ones: a part
        of their ratio is equal at every corner (see `of_other_states`)
    """

    unit: Units
    small: Ratio
    every: Ratio
    base: Base | None = None
    other_states: bool = False

    def at(self, supply_v: float, temperature_c: float) -> Floats:
        """[entries] The transistors at a point in their units."""
        here = self.small.at(supply_v, temperature_c)
        result = here.copy()
        left_out = np.isnan(here)
        is_time = np.zeros(len(here), dtype=bool)
        is_time[: len(self.unit.times)] = self.unit.times
        few = len(self.every.corners)
        for kind in (kind for kind in (is_time, ~is_time) if kind.any()):
            for known, every, entries in (
                (self._known, self.every.numbers, ~self._regular),
                (
                    np.concatenate([self._known, self._regimes]),
                    np.concatenate([self.every.numbers, self._regimes]),
                    self._regular,
                ),
            ):
                learned = kind & self.small.positive & self._regular
                weights = _weights(here[learned], known[:, learned], few)
                rest = kind & left_out & entries
                result[rest] = weights @ every[:, rest]
                if self.other_states and kind is is_time:
                    weights = _weights(here[learned], known[:, learned], few, sums_to_one=True)
                    rest &= self.of_other_states
                    result[rest] = weights @ every[:, rest]
        positive = np.where(left_out, self.every.positive, self.small.positive)
        shape = (self.unit.typical if self.base is None else self.base)(supply_v, temperature_c)
        factor = np.exp(np.where(positive, result, 0.0))
        return np.asarray(np.where(positive, shape * factor, shape + result))

    @cached_property
    def _known(self) -> Floats:
        """[corners, entries] The small cells at the corners of all cells."""
        return self.small.numbers[[self.small.corners.index(volt) for volt in self.every.corners]]

    @cached_property
    def of_other_states(self) -> Bools:
        """[entries] Whose ratio lies outside that of nearly all small cells at every corner."""
        times = np.zeros(self._known.shape[1], dtype=bool)
        times[: len(self.unit.times)] = self.unit.times
        low, high = np.percentile(
            self._known[:, times & self.small.positive & self._regular], OUTSIDE, axis=1
        )[..., None]
        numbers = self.every.numbers
        return np.asarray(((numbers < low) | (numbers > high)).all(axis=0))

    @cached_property
    def _regular(self) -> Bools:
        """[entries] Where logarithms exist, for typical transistors too."""
        return self.every.positive & (self.unit.known > 0).all(axis=0)

    @cached_property
    def _regimes(self) -> Floats:
        """[corners, entries] What supply and temperature do to typical transistors, reduced."""
        known = np.where(self._regular, self.unit.known, 1.0)
        return np.asarray(REGIME * np.log(known[1:] / known[0]))


def _weights(here: Floats, known: Floats, few: int, *, sums_to_one: bool = False) -> Floats:
    """Weights of the known rows that give a row, by least squares; large weights are avoided.

    Parameters
    ----------
    few : how many of the known rows, the first ones, set the scale of what is large
    sums_to_one : the weights of these few rows add up to about one, as if one more number had the
        same value in each of them and in the row, and none in the others
    """
    square, right = known @ known.T, known @ here
    mean = np.trace(square[:few, :few]) / few
    if sums_to_one:
        constant = (np.arange(len(known)) < few).astype(float)
        square, right = square + mean * np.outer(constant, constant), right + mean * constant
    penalty = RIDGE * mean * np.eye(len(known))
    return np.asarray(np.linalg.solve(square + penalty, right))
