"""Harvest: one expensive point gives the local front of its whole cheap part.

Supplies, clocks and packages cost microseconds where a netlist costs seconds: the search proposes
expensive points only. Around each, every cheap point is evaluated; those that no other of them
dominates enter the study as trials of their own, marked with the trial that proposed them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chipdse.arrays import Int64s
from chipdse.design import Design, OperatingPoint
from chipdse.errors import InfeasibleError
from chipdse.kept import Kept
from chipdse.stages.build import build_hardware
from chipdse.stages.load import Hardware
from chipdse.stages.measure import corners_of, job_of
from chipdse.stages.operate import Corner, Job
from chipdse.store.store import Store
from chipdse.study.harvest.cheap import CheapPoints, CheapSpace, TracedAt
from chipdse.study.harvest.replicates import average, replicated
from chipdse.study.question.space import Point, Value
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.front import knee_of
from chipdse.study.storage.attributes import HARVESTED, HARVESTED_FROM, ORIGIN, PROPOSED, SPREAD
from chipdse.study.storage.finish import FinishedTrial

TracedOf = Callable[[Design, Hardware], TracedAt]
"""How a sweep that names metrics of power over time gets them for a netlist. It is given, so that
other points do not depend on its code."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Harvest:
    """What an expensive point gave.

    front : its local front
    evaluated : cheap points evaluated
    sampled : whether these are a sample of a larger cheap part
    """

    front: CheapPoints
    evaluated: int
    sampled: bool


def harvest_point(
    sweep: Sweep,
    expensive: Mapping[str, Value],
    store: Store,
    traced_of: TracedOf | None = None,
) -> Harvest:
    """Evaluate an expensive point and everything cheap around it, in every replicate.

    A sweep that does not harvest gives one point, cheap parameters included, and gets that point.

    Parameters
    ----------
    traced_of : of a sweep that names metrics of power over time

    Raises
    ------
    ChipdseError : as `chipdse.evaluate.evaluate`; InfeasibleError where no cheap point has a value
    """
    cheap = _cheap_space(sweep)
    if sweep.harvests:
        numbers = cheap.numbers(expensive)
    else:
        numbers = np.array([cheap.part.number_of(expensive)])
    if not len(numbers):
        raise InfeasibleError("the rules leave no supply, clock and package to this point")
    design = sweep.template.design({**expensive, **cheap.part.point_at(int(numbers[0]))})
    points = average(
        [
            _cheap_points(cheap, expensive, replicated(design, number), numbers, store, traced_of)
            for number in range(sweep.replicates)
        ]
    )
    return Harvest(front=points.local_front(), evaluated=len(numbers), sampled=cheap.is_sampled)


def _cheap_points(
    cheap: CheapSpace,
    expensive: Mapping[str, Value],
    design: Design,
    numbers: Int64s,
    store: Store,
    traced_of: TracedOf | None,
) -> CheapPoints:
    """Cheap points around a design's netlist, which is built first."""
    _, hardware = build_hardware(design, store)

    def corners_at(points: Sequence[OperatingPoint]) -> list[Corner]:
        return corners_of(design, hardware, store, points)

    def job_with(variant: Design) -> Job:
        return job_of(variant, hardware)

    traced_at = None if traced_of is None else traced_of(design, hardware)
    return cheap.evaluate(expensive, design, numbers, corners_at, job_with, traced_at)


def finishes(
    sweep: Sweep, expensive: Point, harvest: Harvest, number: int
) -> tuple[FinishedTrial, list[FinishedTrial]]:
    """What the proposing trial and its harvested ones hold.

    The proposing trial gets the point of the local front nearest to its best corner; the others
    are harvested.

    Parameters
    ----------
    expensive : the point proposed
    number : of the trial that proposed it
    """
    front, part = harvest.front, sweep.space.part(cheap=True)
    chosen = knee_of(front.objectives)
    finished = []
    for row in range(len(front.numbers)):
        cheap = part.point_at(int(front.numbers[row]))
        is_proposed = row == chosen
        rest = cheap if sweep.harvests else {}  # the trial has the others already
        finished.append(
            FinishedTrial(
                params=rest if is_proposed else {**expensive, **cheap},
                values=values_of(sweep, front, row),
                attributes=attributes_of(front, row)
                | ({} if is_proposed else {HARVESTED_FROM: number}),
                constraints=constraints_of(front, row),
            )
        )
    proposed = finished.pop(chosen)
    attributes = {
        ORIGIN: PROPOSED,
        "cheap_points": harvest.evaluated,
        "cheap_points_sampled": harvest.sampled,
    }
    return (
        FinishedTrial(
            params=proposed.params,
            values=proposed.values,
            attributes={**proposed.attributes, **attributes},
            constraints=proposed.constraints,
        ),
        finished,
    )


def values_of(sweep: Sweep, front: CheapPoints, row: int) -> list[float]:
    """The objectives of one point in their own directions."""
    signs = [objective.sign for objective in sweep.objectives]
    return [sign * float(x) for sign, x in zip(signs, front.objectives[row], strict=True)]


def attributes_of(front: CheapPoints, row: int) -> dict[str, Any]:
    """What the trial of one harvested point keeps."""
    spread = {} if front.spread is None else {SPREAD: [float(x) for x in front.spread[row]]}
    return {
        **spread,
        ORIGIN: HARVESTED,
        "metrics": {
            name: float(column[row])
            for name, column in {**front.metrics.flat(), **front.derived}.items()
        },
        "system_evidence": "estimated" if front.estimated[row] else "modelled",
    }


def constraints_of(front: CheapPoints, row: int) -> dict[str, float]:
    """What is missed, by name; of a feasible point the constraint nearest to being missed."""
    amounts = {name: float(column[row]) for name, column in front.constraints.items()}
    missed = {name: amount for name, amount in amounts.items() if amount > 0}
    if missed:
        return missed
    nearest = max(amounts, key=lambda name: amounts[name])
    return {nearest: amounts[nearest]}


_SPACES: Kept[str, CheapSpace] = Kept(1)


def _cheap_space(sweep: Sweep) -> CheapSpace:
    """The cheap part of a sweep, kept in a worker from one point to the next."""
    key = f"{sweep.path} {sweep.text} {sweep.seed} {sweep.template.liberty}"
    return _SPACES.value(key, lambda: CheapSpace.of(sweep))
