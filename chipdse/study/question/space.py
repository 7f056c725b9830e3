"""The search space: axes with finitely many values, and rules between them."""

from __future__ import annotations

import functools
import itertools
import math
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from chipdse.arrays import Bools, Int64s
from chipdse.errors import DesignError

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Value = int | float | str | bool
Point = dict[str, Value]


ENUMERATE_LIMIT = 200_000
"""If a space has at most this many combinations, the valid points are listed before the search."""

CHEAP_GROUPS = ("operating", "package", "count", "memory")
"""Groups whose parameters run no tool: arrays evaluate all their combinations."""


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One parameter and the values it may take, in order.

    group : the table of the sweep file: "hardware", "operating", "package", ...
    """

    group: str
    name: str
    values: tuple[Value, ...]

    @property
    def is_cheap(self) -> bool:
        """Whether a new value needs neither simulation nor synthesis."""
        return self.group in CHEAP_GROUPS

    @property
    def is_numeric(self) -> bool:
        """Whether its values are numbers."""
        return all(type(value) in (int, float) for value in self.values)

    def distribution(self) -> BaseDistribution:
        """The axis as an Optuna distribution: numbers keep their order, text and true/false are
        choices.

        A sampler's number is rounded to the nearest value of the axis (`nearest`), so the range
        between two values needs no step.
        """
        # Imported here, because the workers of a sweep, which also have this space, do not search.
        from optuna import distributions

        numbers = [v for v in self.values if isinstance(v, int | float) and not isinstance(v, bool)]
        if len(numbers) < len(self.values):
            return distributions.CategoricalDistribution(list(self.values))
        low, high = numbers[0], numbers[-1]
        log = low > 0 and len(numbers) > 2 and widens(numbers)
        if all(type(v) is int for v in numbers):
            return distributions.IntDistribution(int(low), int(high), log=log)
        return distributions.FloatDistribution(float(low), float(high), log=log)

    def nearest(self, value: Any) -> Value:
        """The axis value that is nearest to a sampler's value, without its rounding error."""
        if value in self.values:
            return self.values[self.values.index(value)]
        return min(self.values, key=lambda axis_value: abs(float(axis_value) - float(value)))


def widens(numbers: Sequence[Any]) -> bool:
    """Whether the steps grow clearly, as in 2, 4, 8 but not in 1, 2, 3."""
    steps = [float(b) - float(a) for a, b in itertools.pairwise(numbers)]
    return steps[-1] > 1.5 * steps[0]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """A condition on several parameters.

    names : the parameters that the condition uses, swept or fixed
    holds : function of a point with at least these parameters: whether the condition is met
    """

    names: frozenset[str]
    holds: Callable[[Mapping[str, Value]], bool]


@dataclass(frozen=True, kw_only=True)
class Space:
    """Axes and the conditions that every point meets. Points are numbered, the last axis fastest.

    conditions : may also use parameters outside the axes, whose values are then given
    """

    axes: tuple[Axis, ...]
    conditions: tuple[Condition, ...] = ()

    def __getstate__(self) -> dict[str, Any]:
        """The state that workers receive, without the list of points."""
        return {"axes": self.axes, "conditions": self.conditions}

    @property
    def size(self) -> int:
        """Combinations before the rules."""
        return math.prod(len(axis.values) for axis in self.axes)

    @property
    def names(self) -> tuple[str, ...]:
        """The axes' names, in order."""
        return tuple(axis.name for axis in self.axes)

    def allowed(self, point: Mapping[str, Value]) -> bool:
        """Whether a point meets every condition."""
        return all(condition.holds(point) for condition in self.conditions)

    def distributions(self) -> dict[str, BaseDistribution]:
        """The space as Optuna's distributions, by parameter name."""
        return {axis.name: axis.distribution() for axis in self.axes}

    def point(self, params: Mapping[str, Any]) -> Point:
        """A sampler's suggestion as a point of the lattice."""
        return {axis.name: axis.nearest(params[axis.name]) for axis in self.axes}

    def point_at(self, number: int) -> Point:
        """The point with this number, allowed or not."""
        point: Point = {}
        for axis in reversed(self.axes):
            number, place = divmod(number, len(axis.values))
            point[axis.name] = axis.values[place]
        return {axis.name: point[axis.name] for axis in self.axes}

    def number_of(self, point: Mapping[str, Value]) -> int:
        """The number of a point."""
        number = 0
        for axis in self.axes:
            number = number * len(axis.values) + axis.values.index(point[axis.name])
        return number

    @functools.cached_property
    def every(self) -> Int64s | None:
        """Numbers of the allowed points; None where there are too many to list."""
        if self.size > ENUMERATE_LIMIT:
            return None
        return self.allowed_among(np.arange(self.size))

    def places(self, numbers: Int64s) -> list[Int64s]:
        """For each axis, the place of each numbered point's value in it."""
        if not self.axes:
            return []
        shape = tuple(len(axis.values) for axis in self.axes)
        return [np.asarray(place) for place in np.unravel_index(numbers, shape)]

    def points(self) -> Iterator[Point]:
        """Every allowed point, in order."""
        if self.every is None:
            return (point for point in map(self.point_at, range(self.size)) if self.allowed(point))
        return map(self.point_at, map(int, self.every))

    def allowed_among(self, numbers: Int64s, given: Mapping[str, Value] | None = None) -> Int64s:
        """Those of the numbered points that meet every condition.

        Parameters
        ----------
        given : values of the parameters outside the axes that conditions use
        """
        given = given or {}
        places = self.places(numbers)
        keep = np.ones(len(numbers), dtype=bool)
        for condition in self.conditions:
            named_axes = [at for at, axis in enumerate(self.axes) if axis.name in condition.names]
            table = _table(condition, [self.axes[at] for at in named_axes], given)
            keep &= table[tuple(places[at] for at in named_axes)] if named_axes else bool(table)
        return numbers[keep]

    def part(self, cheap: bool) -> Space:
        """The expensive or the cheap axes of a space; conditions on both belong to the cheap part.

        The expensive part has the points around which some cheap point is allowed.
        """
        cheap_names = {axis.name for axis in self.axes if axis.is_cheap}
        conditions = [c for c in self.conditions if bool(c.names & cheap_names) == cheap]
        if not cheap:
            inner = self.part(cheap=True)
            both = frozenset().union(*(c.names for c in inner.conditions)) - cheap_names
            if both & set(self.names) and inner.size <= ENUMERATE_LIMIT:
                conditions.append(Condition(names=both, holds=_Extends(inner)))
        axes = tuple(axis for axis in self.axes if axis.is_cheap == cheap)
        return Space(axes=axes, conditions=tuple(conditions))


@dataclass(frozen=True)
class _Extends:
    """The condition that at least one point of the cheap part is allowed."""

    part: Space

    def __call__(self, point: Mapping[str, Value]) -> bool:
        return len(self.part.allowed_among(np.arange(self.part.size), point)) > 0


def _table(condition: Condition, axes: Sequence[Axis], given: Mapping[str, Value]) -> Bools:
    """Whether a condition holds, for every combination of some axes."""
    names = [axis.name for axis in axes]
    shape = tuple(len(axis.values) for axis in axes)
    combinations = itertools.product(*(axis.values for axis in axes))
    holds = (
        condition.holds({**given, **dict(zip(names, combination, strict=True))})
        for combination in combinations
    )
    return np.fromiter(holds, dtype=bool, count=math.prod(shape)).reshape(shape)


def read_axis(group: str, name: str, given: Any, where: str) -> Axis | Value:
    """An axis, or one fixed value, from the entry of a sweep file.

    Parameters
    ----------
    given : a value; a list of values; or a table: ``{min, max}`` with ``step``, with
        ``powers_of_two = true``, or with ``count`` (and ``log = true`` for even ratios)
    where : file and key, for messages
    """
    if isinstance(given, bool | int | float | str):
        return _finite(given, where)
    if isinstance(given, list):
        values = tuple(_finite(value, where) for value in given)
        if not values:
            raise DesignError(f"{where} = [] has no value; list at least one")
        seen = {(type(value) is bool, value) for value in values}
        if len(seen) < len(values):
            raise DesignError(f"{where} = {given} repeats a value; list each once")
        kinds = {"number" if type(v) in (int, float) else type(v).__name__ for v in values}
        if len(kinds) > 1:
            raise DesignError(
                f"{where} = {given} mixes {' and '.join(sorted(kinds))}; use one kind"
            )
        ordered = sorted(values, key=float) if kinds == {"number"} else values
        return Axis(group=group, name=name, values=tuple(ordered))
    if isinstance(given, dict):
        return Axis(group=group, name=name, values=_range(given, where))
    raise DesignError(f"{where} = {given!r} is not a value, a list or a table with min and max")


def _finite(value: Any, where: str) -> Value:
    if not isinstance(value, bool | int | float | str):
        raise DesignError(f"{where}: {value!r} is not a number, text or true/false")
    if isinstance(value, float) and not math.isfinite(value):
        raise DesignError(f"{where}: {value!r} is not finite; write a number")
    if isinstance(value, int) and abs(value) > sys.float_info.max:
        raise DesignError(f"{where}: a number of {len(str(abs(value)))} digits is too large")
    return value


def _range(given: Mapping[str, Any], where: str) -> tuple[Value, ...]:
    known = {"min", "max", "step", "count", "log", "powers_of_two"}
    for key in given:
        if key not in known:
            raise DesignError(
                f"{where}.{key}: unknown key; a range has min, max and step, count, log "
                "or powers_of_two"
            )
    low, high = given.get("min"), given.get("max")
    for key, number in (("min", low), ("max", high)):
        if number is None:
            raise DesignError(f"{where}: {key} is missing; a range has min and max")
        if type(number) not in (int, float):
            raise DesignError(f"{where}.{key} = {number!r} must be a number")
    assert isinstance(low, int | float) and isinstance(high, int | float)
    _finite(low, where), _finite(high, where)
    if low > high:
        raise DesignError(f"{where}: min = {low} is above max = {high}; swap them")
    for key in ("log", "powers_of_two"):
        if not isinstance(given.get(key, False), bool):
            raise DesignError(f"{where}.{key} = {given[key]!r} must be true or false")
    if given.get("powers_of_two"):
        return _powers_of_two(low, high, given, where)
    if "count" in given:
        return _spaced(float(low), float(high), given, where)
    if given.get("log"):
        raise DesignError(f"{where}: a logarithmic range needs count; e.g. count = 5")
    return _stepped(low, high, given, where)


def _powers_of_two(
    low: float, high: float, given: Mapping[str, Any], where: str
) -> tuple[Value, ...]:
    for key in ("step", "count", "log"):
        if key in given:
            raise DesignError(f"{where}: powers_of_two goes without {key}; leave one out")
    if type(low) is not int or type(high) is not int or low < 1:
        raise DesignError(f"{where}: powers_of_two needs whole numbers >= 1 as min and max")
    values = [2**i for i in range(high.bit_length()) if low <= 2**i <= high]
    if not values:
        raise DesignError(f"{where}: no power of two between {low} and {high}; widen the range")
    return tuple(values)


def _spaced(low: float, high: float, given: Mapping[str, Any], where: str) -> tuple[Value, ...]:
    count = given["count"]
    if type(count) is not int or not 2 <= count <= 10_000:
        raise DesignError(f"{where}.count = {count!r} must be a whole number from 2 to 10000")
    if "step" in given:
        raise DesignError(f"{where}: give step or count, not both")
    if low == high:
        raise DesignError(f"{where}: min = max = {low}; write the value itself")
    if given.get("log"):
        if low <= 0:
            raise DesignError(f"{where}.min = {low} must be above 0 for log = true")
        ratio = (high / low) ** (1 / (count - 1))
        return tuple(float(f"{low * ratio**i:.12g}") for i in range(count))
    return tuple(float(f"{low + (high - low) * i / (count - 1):.12g}") for i in range(count))


def _stepped(low: float, high: float, given: Mapping[str, Any], where: str) -> tuple[Value, ...]:
    is_integer = type(low) is int and type(high) is int
    if "step" not in given and not is_integer:
        raise DesignError(f"{where}: a range of floats needs step or count; e.g. step = 0.1")
    step = given.get("step", 1)
    if type(step) not in (int, float) or not step > 0 or not math.isfinite(step):
        raise DesignError(f"{where}.step = {step!r} must be a number above 0")
    count = math.floor((high - low) / step * (1 + 1e-12)) + 1
    if count > 10_000:
        raise DesignError(f"{where}: {count} values; take a larger step")
    if is_integer and type(step) is int:
        return tuple(range(int(low), int(high) + 1, step))
    return tuple(float(f"{low + i * step:.12g}") for i in range(count))
