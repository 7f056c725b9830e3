"""The cheap part of a search space, as arrays: every supply, clock and package of one netlist."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from chipdse.arrays import Bools, Floats, Int64s
from chipdse.design import Design, OperatingPoint
from chipdse.errors import InfeasibleError
from chipdse.metrics import MetricColumns, timing_violation
from chipdse.records import each_field
from chipdse.sorting import among, distinct
from chipdse.stages.operate import Corner, Job, OperatingResults, operate
from chipdse.study.question.derived import derived_columns
from chipdse.study.question.space import Space, Value
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.front import is_on_front
from chipdse.study.results.objectives import objective_columns, violations
from chipdse.system.arrays.columns import PackageColumns
from chipdse.system.evaluate import evaluate_pairs
from chipdse.system.parameters import PackageParameters
from chipdse.technology.constants import Sources
from chipdse.trace_metrics import TraceFigures, trace_columns

CHEAP_LIMIT = 100_000
"""Number of combinations drawn for each expensive point, if the cheap part has more."""


TracedAt = Callable[[Sequence[OperatingPoint]], list[TraceFigures]]
"""Figures of a netlist's power over time at some operating points, for any clock."""


class Columns(Protocol):
    """Metrics of many points: `chipdse.metrics.MetricColumns`, or those of chips."""

    def flat(self) -> dict[str, Floats]: ...

    def take(self, rows: Int64s | Bools) -> Columns: ...


@dataclass(frozen=True, kw_only=True, eq=False)
class CheapPoints:
    """Many cheap points of one expensive point, evaluated.

    numbers : which points of the cheap part
    metrics : of `chipdse.metrics.Metrics`
    constraints : by name, those of `chipdse.metrics.Metrics` and the sweep's limits
    estimated : where a table by process node does not reach
    objectives : shape (points, objectives), all to be made small
    spread : their standard deviations over replicates; None without
        (`chipdse.study.harvest.replicates`)
    derived : the sweep's derived metrics, and those of power over time that it names
    """

    numbers: Int64s
    metrics: Columns
    constraints: dict[str, Floats]
    estimated: Bools
    objectives: Floats
    spread: Floats | None = None
    derived: Mapping[str, Floats] = field(default_factory=dict)

    @property
    def violation(self) -> Floats:
        """Sum of what every constraint is missed by; 0 where a point is feasible."""
        return np.asarray(
            sum(np.maximum(constraint, 0.0) for constraint in self.constraints.values())
        )

    def take(self, rows: Int64s | Bools) -> CheapPoints:
        """Some of the points."""
        return CheapPoints(
            numbers=self.numbers[rows],
            metrics=self.metrics.take(rows),
            constraints={name: column[rows] for name, column in self.constraints.items()},
            estimated=self.estimated[rows],
            objectives=self.objectives[rows],
            spread=None if self.spread is None else self.spread[rows],
            derived={name: column[rows] for name, column in self.derived.items()},
        )

    def local_front(self) -> CheapPoints:
        """The feasible points that no other dominates; if none is feasible, of the least violating.

        Raises
        ------
        InfeasibleError : no point has a finite value of every objective
        """
        finite = np.flatnonzero(np.isfinite(self.objectives).all(axis=1))
        if not len(finite):
            never = [name for name, x in self.derived.items() if not np.isfinite(x).any()]
            raise InfeasibleError(
                f"none of {len(self.numbers)} supplies, clocks and packages has finite objectives; "
                + (
                    f"[derived] {never[0]} is finite in none of them: does it divide by zero?"
                    if never
                    else "give cooler or smaller packages"
                )
            )
        violation = self.violation[finite]
        best = finite[violation <= violation.min() * (1 + 1e-12)]
        return self.take(best[is_on_front(self.objectives[best])])


@dataclass(frozen=True, kw_only=True, eq=False)
class _Group:
    """Evaluated points that share the temperatures of their leakage; `rows` are their places."""

    rows: Int64s
    metrics: MetricColumns
    constraints: dict[str, Floats]
    estimated: Bools


def _in_order(groups: Sequence[_Group]) -> _Group:
    """All groups as one, in the order of their rows."""
    if len(groups) == 1:
        return groups[0]
    rows = np.concatenate([group.rows for group in groups])
    order = np.argsort(rows, kind="stable")

    def joined(*columns: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate(columns)[order]

    return _Group(
        rows=rows[order],
        metrics=MetricColumns.combined(joined, [group.metrics for group in groups]),
        constraints={
            name: joined(*(group.constraints[name] for group in groups))
            for name in groups[0].constraints
        },
        estimated=joined(*(group.estimated for group in groups)),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class CheapSpace:
    """The cheap part of a sweep, ready to be evaluated around any netlist.

    Records are made once and kept: they are the same around every netlist.
    """

    sweep: Sweep
    part: Space
    _operating: dict[int, OperatingPoint] = field(default_factory=dict)
    _packages: dict[int, PackageParameters] = field(default_factory=dict)

    @staticmethod
    def of(sweep: Sweep) -> CheapSpace:
        return CheapSpace(sweep=sweep, part=sweep.space.part(cheap=True))

    @property
    def is_sampled(self) -> bool:
        """Whether it is too large to be evaluated whole."""
        return self.part.size > CHEAP_LIMIT

    def numbers(self, expensive: Mapping[str, Value]) -> Int64s:
        """The points to evaluate: all that the rules leave, or of a large space as many as
        `CHEAP_LIMIT`, drawn with the sweep's seed (the same for every expensive point).
        """
        if not self.is_sampled:
            return self.part.allowed_among(np.arange(self.part.size), expensive)
        return self.part.allowed_among(_drawn(self.part.size, self.sweep.seed), expensive)

    def evaluate(
        self,
        expensive: Mapping[str, Value],
        design: Design,
        numbers: Int64s,
        corners_at: Callable[[Sequence[OperatingPoint]], list[Corner]],
        job_of: Callable[[Design], Job],
        traced_at: TracedAt | None = None,
    ) -> CheapPoints:
        """Evaluate cheap points around the netlist of a design.

        Parameters
        ----------
        expensive, design : the expensive point, and the design it stands for
        corners_at : the netlist's corners at some operating points, for any clock
        job_of : what the block did in its recorded run, of a design with a package
        traced_at : for sweeps that name metrics of power over time
        """
        op, operating = self._operating_points(numbers)
        pk, packages = self._package_parameters(numbers)
        points = list(dict.fromkeys(point.corner for point in operating))
        corners = dict(zip(points, corners_at(points), strict=True))
        corner_of_point = [corners[point.corner] for point in operating]
        jobs = {  # the process, which the package may set, is all that differs
            package.node_nm: job_of(dataclasses.replace(design, package=package))
            for package in {package.node_nm: package for package in packages}.values()
        }
        node_nm = np.array([jobs[package.node_nm].node_nm for package in packages])
        job, columns = next(iter(jobs.values())), PackageColumns.of(packages)
        groups = []
        # Where a library covers other temperatures at other supplies, leakage tables differ;
        # guaranteed points solve temperatures twice, typical ones once.
        for kind in dict.fromkeys(map(_kind, corner_of_point)):
            which = np.array(
                [at for at, corner in enumerate(corner_of_point) if _kind(corner) == kind]
            )
            rows = np.flatnonzero(among(op, which))
            results = _operating_results(
                [operating[at] for at in which], [corner_of_point[at] for at in which], job
            )
            at, package = np.searchsorted(which, op[rows]), pk[rows]
            blocks = dataclasses.replace(results.points.take(at), node_nm=node_nm[package])
            sources = Sources.of(self.sweep.constants)
            system = evaluate_pairs(blocks, columns.take(package), sources)
            block = each_field(lambda column, at=at: column[at], results.report)
            groups.append(
                _Group(
                    rows=rows,
                    metrics=MetricColumns(block=block, system=system.metrics),
                    constraints=system.constraints,
                    estimated=system.estimated,
                )
            )
        group, traced = _in_order(groups), {}
        if traced_at is not None and self.sweep.traced is not None:
            place = {point: at for at, point in enumerate(points)}
            which = np.array([place[point.corner] for point in operating], dtype=np.int64)[op]
            names = self.sweep.traced.names
            traced = trace_columns(names, traced_at(points), which, group.metrics.block)
        return self._points(numbers, expensive, group, traced)

    def _points(
        self,
        numbers: Int64s,
        expensive: Mapping[str, Value],
        group: _Group,
        traced: Mapping[str, Floats],
    ) -> CheapPoints:
        """The sweep's view of evaluated points: its limits and objectives."""
        block = group.metrics.block
        timing = timing_violation(block.timing_slack_s, block.critical_path_s)
        values = {**self._numbers_swept(numbers, expensive), **group.metrics.flat(), **traced}
        derived = {**traced, **derived_columns(self.sweep.derived, values)}
        values |= derived
        constraints = {"timing": timing, **group.constraints, **violations(self.sweep, values)}
        return CheapPoints(
            numbers=numbers,
            metrics=group.metrics,
            # What has no value (a temperature that runs away) is no point to have.
            constraints={n: np.where(np.isnan(c), 1.0, c) for n, c in constraints.items()},
            estimated=group.estimated,
            objectives=objective_columns(self.sweep, values),
            derived=derived,
        )

    def _operating_points(self, numbers: Int64s) -> tuple[Int64s, list[OperatingPoint]]:
        """Which of a list of operating points each point has, and the list."""
        which, first = self._group("operating", numbers)
        for at in first:
            if at not in self._operating:
                point = self.part.point_at(at)
                self._operating[at] = self.sweep.template.record("operating", point)
        return which, [self._operating[at] for at in first]

    def _package_parameters(self, numbers: Int64s) -> tuple[Int64s, list[PackageParameters]]:
        """The same for packages."""
        which, first = self._group("package", numbers)
        for at in first:
            if at not in self._packages:
                self._packages[at] = self.sweep.template.record("package", self.part.point_at(at))
        return which, [self._packages[at] for at in first]

    def _group(self, group: str, numbers: Int64s) -> tuple[Int64s, list[int]]:
        """Points that agree in a group's axes: whose group each is, and each group's number.

        A group is known by the number of the point that has the first value of all other axes.
        """
        code, step = np.zeros(len(numbers), dtype=np.int64), 1
        for axis, place in zip(
            reversed(self.part.axes), reversed(self.part.places(numbers)), strict=True
        ):
            code += step * place if axis.group == group else 0
            step *= len(axis.values)
        first, which = distinct(code)
        return which, [int(number) for number in first]

    def _numbers_swept(self, numbers: Int64s, expensive: Mapping[str, Value]) -> dict[str, Floats]:
        """Swept numbers by name, one value per point: objectives and limits may name them."""
        fixed = {
            axis.name: np.full(len(numbers), float(expensive[axis.name]))
            for axis in self.sweep.space.axes
            if axis.is_numeric and not axis.is_cheap
        }
        places = self.part.places(numbers)
        return fixed | {
            axis.name: np.array(axis.values, dtype=np.float64)[place]
            for axis, place in zip(self.part.axes, places, strict=True)
            if axis.is_numeric
        }


def _kind(corner: Corner) -> tuple[tuple[float, ...], bool]:
    """Corners of one kind are evaluated together."""
    return corner.leakage_temperatures_c, corner.bounds is not None


def _operating_results(
    operating: Sequence[OperatingPoint], corners: Sequence[Corner], job: Job
) -> OperatingResults:
    """A block at some operating points, the corner of each given."""
    return operate(
        corners,
        np.arange(len(corners)),
        np.array([point.clock_period_s for point in operating], dtype=np.float64),
        np.array([point.clock_frac for point in operating]),
        job,
    )


def _drawn(size: int, seed: int) -> Int64s:
    """Distinct numbers below a size, in order: nearly `CHEAP_LIMIT` of them."""
    drawn = np.random.default_rng(seed).integers(0, size, CHEAP_LIMIT)
    return np.asarray(np.unique(drawn))
