"""First points of a sweep: the best of an earlier study of the same block.

Another library or workload changes the metrics of all points, but less the order of the points. The
earlier study's objectives are therefore replaced by their ranks, and the points are those that
cover the largest hypervolume of ranks together, chosen one after the other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from chipdse.arrays import Floats
from chipdse.errors import DesignError
from chipdse.study.question.space import Axis, Point, Space, Value
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.question.template import constants_of
from chipdse.study.results.front import REFERENCE, hypervolume, is_on_front
from chipdse.study.results.objectives import objective_columns
from chipdse.study.results.points import points_table
from chipdse.study.storage.folder import StudyFolder, open_study

FIRST_POINTS = 4
"""At most so many points are taken from the earlier study."""


def first_points(sweep: Sweep, folder: Path) -> list[Point]:
    """Points for a sweep to begin with, from a study of the same block.

    Parameters
    ----------
    folder : of the earlier study

    Returns
    -------
    At most `FIRST_POINTS` points of `sweep.proposed_space`, the best first. Numbers that the sweep
    does not have are replaced by its nearest value; points with another text that it does not have,
    or that its rules forbid, are left out.

    Raises
    ------
    DesignError : the folder has no study, one of another block, or one without an objective of the
        sweep
    """
    earlier = open_study(folder)
    if earlier.sweep.chip is not None or earlier.sweep.template.block.name != sweep.blocks[0].name:
        blocks = " and ".join(block.name for block in earlier.sweep.blocks)
        raise DesignError(
            f"{folder} is a study of {blocks}, and the first points of {sweep.path} can only come "
            f"from a study of {sweep.blocks[0].name}"
        )
    table = _feasible(earlier, sweep)
    names = [objective.metric for objective in sweep.objectives]
    ranks = _ranks(objective_columns(sweep, {name: table[name].to_numpy() for name in names}))
    space = sweep.proposed_space
    known = constants_of(earlier.sweep.template)
    ranks_of_point: dict[int, list[Floats]] = {}
    swept: Any = table[list(earlier.sweep.space.names)].to_dict("records")
    for row in np.flatnonzero(is_on_front(ranks)):
        point = _point(space, {**known, **swept[row]})
        if point is not None:
            ranks_of_point.setdefault(space.number_of(point), []).append(ranks[row])
    chosen = _covering({number: np.array(rows) for number, rows in ranks_of_point.items()})
    return [space.point_at(number) for number in chosen]


def _feasible(earlier: StudyFolder, sweep: Sweep) -> pd.DataFrame:
    """The feasible points of the earlier study, with every objective of the sweep."""
    table = points_table(earlier)
    for objective in sweep.objectives:
        if objective.metric not in table:
            raise DesignError(
                f"{earlier.path} has no {objective.metric!r}, an objective of {sweep.path}"
            )
    return table[table["state"] == "feasible"]


def _ranks(values: Floats) -> Floats:
    """Ranks of each objective, from 0 to 1; equal values have equal ranks."""
    ranks = rankdata(values, method="min", axis=0) - 1.0 if len(values) else values
    return np.asarray(ranks / max(len(values) - 1, 1))


def _point(space: Space, values: Mapping[str, Any]) -> Point | None:
    """The point of a space that is nearest to a row of another study; None if there is none."""
    point: Point = {}
    for axis in space.axes:
        value = _value(axis, values.get(axis.name))
        if value is None:
            return None
        point[axis.name] = value
    return point if space.allowed(point) else None


def _value(axis: Axis, given: Any) -> Value | None:
    if given in axis.values or (axis.is_numeric and isinstance(given, int | float | np.number)):
        return axis.nearest(given)
    # What the earlier study does not state lies in the middle; another text has no nearest value.
    return axis.values[len(axis.values) // 2] if given is None else None


def _covering(ranks: Mapping[int, Floats]) -> list[int]:
    """Numbers of points that cover the largest hypervolume, each added to those before it."""
    chosen: list[int] = []
    left = dict(ranks)
    covered, volume = np.zeros((0, 1)), 0.0
    while left and len(chosen) < FIRST_POINTS:
        reference = np.full(next(iter(left.values())).shape[1], REFERENCE)
        covered = covered.reshape(-1, len(reference))
        volumes = {
            number: hypervolume(np.vstack([covered, rows]), reference)
            for number, rows in left.items()
        }
        best = max(volumes, key=lambda number: volumes[number])
        if volumes[best] <= volume:
            break
        volume = volumes[best]
        covered = np.vstack([covered, left.pop(best)])
        chosen.append(best)
    return chosen
