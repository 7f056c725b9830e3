"""Two studies of one question: what the second gained and lost against the first."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from chipdse.arrays import Bools, Floats
from chipdse.errors import DesignError, InfeasibleError
from chipdse.study.question.goals import Objective
from chipdse.study.question.space import Value
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.front import REFERENCE, hypervolume
from chipdse.study.storage.fingerprint import Fingerprint, differences, listed


@dataclass(frozen=True, kw_only=True)
class Moved:
    """How one metric changed between points with equal parameters.

    median_frac, worst_frac : second / first - 1; the worst is the largest in size
    """

    metric: str
    points: int
    median_frac: float
    worst_frac: float


@dataclass(frozen=True, kw_only=True)
class StudyComparison:
    """The second study against the first.

    hypervolume_first, hypervolume_second : of the fronts, in one scale
    lost : trials of the first's front that no feasible point of the second reaches
    won : trials of the second's front that no feasible point of the first reaches
    matched : points with equal parameters, feasible in both
    moved : every metric that differs for equal parameters, the largest change first
    broken : trials of the first, feasible there, that the second has as infeasible or failed
    worse : what exceeds the tolerance, one line each; empty when the second is as good
    notes : what else the studies differ in, so that a change may come from there
    """

    hypervolume_first: float
    hypervolume_second: float
    lost: tuple[int, ...]
    won: tuple[int, ...]
    matched: int
    moved: tuple[Moved, ...]
    broken: tuple[int, ...]
    worse: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def hypervolume_change_frac(self) -> float:
        """Second / first - 1."""
        return self.hypervolume_second / self.hypervolume_first - 1


def compare_studies(
    first: tuple[Sweep, pd.DataFrame],
    second: tuple[Sweep, pd.DataFrame],
    tolerance: float = 0.02,
    versions: tuple[Fingerprint | None, Fingerprint | None] | None = None,
) -> StudyComparison:
    """Compare two studies by their tables of points.

    Parameters
    ----------
    first, second : sweep and `points_table` of each; the first is the baseline
    tolerance : relative change that counts as none; a synthesis seed alone moves 1 to 2 %
    versions : fingerprints of both, where a difference is to be among the notes

    Raises
    ------
    DesignError : the objectives differ, or the tolerance is no fraction
    InfeasibleError : a study has no feasible point
    """
    if not 0 <= tolerance < 1:
        raise DesignError(f"tolerance {tolerance:g} must be at least 0 and below 1; write 0.02")
    _check_same_objectives(first[0], second[0])
    goals = first[0].objectives
    before, after = _values(first[1], goals, "first"), _values(second[1], goals, "second")
    front_before, front_after = _on_front(first[1], before), _on_front(second[1], after)
    volumes = _hypervolumes(front_before, front_after)
    joined, broken = _joined(first, second)
    return StudyComparison(
        hypervolume_first=volumes[0],
        hypervolume_second=volumes[1],
        lost=_trials(first[1], ~_reached(front_before, after, tolerance)),
        won=_trials(second[1], ~_reached(front_after, before, tolerance)),
        matched=len(joined),
        moved=_moved(joined),
        broken=broken,
        worse=_worse(volumes, goals, joined, broken, tolerance),
        notes=(*_versions(versions), *_notes(first[0], second[0])),
    )


def _check_same_objectives(first: Sweep, second: Sweep) -> None:
    """Raise DesignError where two sweeps optimise different metrics."""
    goals = [{(o.metric, o.minimize) for o in sweep.objectives} for sweep in (first, second)]
    if goals[0] != goals[1]:
        names = [", ".join(o.metric for o in sweep.objectives) for sweep in (first, second)]
        raise DesignError(
            f"the studies have other objectives: {names[0]} and {names[1]};"
            " compare studies of one question"
        )


def _on_front(table: pd.DataFrame, values: Floats) -> Floats:
    """Values of the points on the front, from those of the feasible points."""
    chosen: Bools = table.loc[table["state"] == "feasible", "on_front"].to_numpy()
    return values[chosen]


def _trials(table: pd.DataFrame, chosen: Bools) -> tuple[int, ...]:
    """Numbers of some trials on the front."""
    return tuple(map(int, table.loc[table["on_front"], "trial"].to_numpy()[chosen]))


def _versions(versions: tuple[Fingerprint | None, Fingerprint | None] | None) -> tuple[str, ...]:
    """In what the fingerprints of two studies differ, as a note."""
    if versions is None or versions[0] == versions[1]:
        return ()
    first, second = versions
    if first is None or second is None:
        place = "first" if first is None else "second"
        return (f"the {place} study was made by a chipdse that kept no versions of what made it",)
    names = differences(first.parts, second.parts)
    if not names:
        return ()
    return (f"versions: {first.identity} and {second.identity}, in {listed(names)}",)


def _notes(first: Sweep, second: Sweep) -> tuple[str, ...]:
    notes = []
    for what, first_choice, second_choice in (
        ("block", first.template.block.name, second.template.block.name),
        ("Liberty files", _liberty(first), _liberty(second)),
        ("limits", _limits(first), _limits(second)),
        ("replicates", first.replicates, second.replicates),
    ):
        if first_choice != second_choice:
            notes.append(f"{what}: {first_choice} and {second_choice}")
    fixed = [_fixed(sweep) for sweep in (first, second)]
    for name in sorted(fixed[0].keys() & fixed[1].keys()):
        first_value, second_value = (values[name] for values in fixed)
        if first_value != second_value:
            notes.append(f"{name}: {first_value} and {second_value}")
    for sweep, other_sweep, place in ((first, second, "second"), (second, first, "first")):
        known = _known(other_sweep)
        unknown = [axis.name for axis in sweep.space.axes if axis.name not in known]
        if unknown:
            notes.append(f"the {place} study has no {', '.join(unknown)}: no points are paired")
    return tuple(notes)


def _limits(sweep: Sweep) -> str:
    bounds = [
        f"{limit.metric} {sign} {bound:.6g}"
        for limit in sorted(sweep.limits, key=lambda limit: limit.metric)
        for sign, bound in ((">=", limit.minimum), ("<=", limit.maximum))
        if math.isfinite(bound)
    ]
    return ", ".join(bounds) or "none"


def _liberty(sweep: Sweep) -> str:
    return ", ".join(file.name for file in sweep.template.liberty) or "none"


def _known(sweep: Sweep) -> set[str]:
    """Parameters that a study sweeps or fixes."""
    return {axis.name for axis in sweep.space.axes} | _fixed(sweep).keys()


def _fixed(sweep: Sweep) -> dict[str, Value]:
    """What a study's file fixes, by name."""
    return {name: value for group in sweep.template.fixed.values() for name, value in group.items()}


def _values(table: pd.DataFrame, goals: tuple[Objective, ...], name: str) -> Floats:
    """Objectives of the feasible points, all to be minimised."""
    feasible = table[table["state"] == "feasible"]
    if feasible.empty:
        raise InfeasibleError(
            f"the {name} study has no feasible point: there is no front to compare"
        )
    signs = np.array([goal.sign for goal in goals])
    values: Floats = feasible[[goal.metric for goal in goals]].to_numpy(dtype=float) * signs
    return values


def _hypervolumes(first: Floats, second: Floats) -> tuple[float, float]:
    both = np.concatenate([first, second])
    low, high = both.min(axis=0), both.max(axis=0)
    span = np.where(high > low, high - low, 1.0)
    reference = np.full(both.shape[1], REFERENCE)
    first_volume, second_volume = (
        hypervolume((front - low) / span, reference) for front in (first, second)
    )
    return first_volume, second_volume


def _reached(front: Floats, other_front: Floats, tolerance: float) -> Bools:
    """Which points some other point equals or beats in every objective, within the tolerance."""
    allowed = front + tolerance * np.abs(front)
    return np.array([(other_front <= point).all(axis=1).any() for point in allowed], dtype=bool)


def _joined(
    first: tuple[Sweep, pd.DataFrame], second: tuple[Sweep, pd.DataFrame]
) -> tuple[pd.DataFrame, tuple[int, ...]]:
    """Pairs of feasible points with equal parameters, and what was feasible and is no more.

    A parameter that one study sweeps and the other fixes takes the fixed value there.
    """
    names = list(
        dict.fromkeys(axis.name for sweep, _ in (first, second) for axis in sweep.space.axes)
    )
    tables = [_with_parameters(sweep, table, names) for sweep, table in (first, second)]
    if tables[0] is None or tables[1] is None:
        return pd.DataFrame(), ()
    a, b = (table.drop_duplicates(names, keep="last") for table in tables if table is not None)
    pairs = a.merge(b, on=names, suffixes=("_first", "_second"))
    was = pairs["state_first"] == "feasible"
    gone = pairs.loc[was & (pairs["state_second"] != "feasible"), "trial_first"].tolist()
    for _, row in b[b["state"] == "failed"].iterrows():
        # An expensive point that failed never got to its cheap parameters: it lost them all.
        given = [name for name in names if not pd.isna(row[name])]
        if len(given) < len(names):
            same = (a[given] == row[given]).all(axis=1) & (a["state"] == "feasible")
            gone += a.loc[same, "trial"].tolist()
    both = pairs[was & (pairs["state_second"] == "feasible")]
    return both, tuple(sorted({int(trial) for trial in gone}))


def _with_parameters(sweep: Sweep, table: pd.DataFrame, names: list[str]) -> pd.DataFrame | None:
    """The table with a column for every parameter; None if one is not known."""
    fixed = _fixed(sweep)
    missing = {name: fixed.get(name) for name in names if name not in table.columns}
    return None if None in missing.values() else table.assign(**missing)


def _moved(pairs: pd.DataFrame) -> tuple[Moved, ...]:
    moved_metrics = []
    for column in pairs.columns:
        name = str(column).removesuffix("_first")
        if (
            name == column
            or name == "trial"
            or name.endswith("_std")
            or not pd.api.types.is_float_dtype(pairs[column])
        ):
            continue
        old, new = (pairs[f"{name}_{side}"].to_numpy(dtype=float) for side in ("first", "second"))
        known = np.isfinite(old) & np.isfinite(new) & (old != 0)
        change = new[known] / old[known] - 1
        if len(change) and np.abs(change).max() > 1e-12:
            moved_metrics.append(
                Moved(
                    metric=name,
                    points=len(change),
                    median_frac=float(np.median(change)),
                    worst_frac=float(change[np.argmax(np.abs(change))]),
                )
            )
    return tuple(sorted(moved_metrics, key=lambda moved: -abs(moved.worst_frac)))


def _worse(
    volumes: tuple[float, float],
    goals: tuple[Objective, ...],
    pairs: pd.DataFrame,
    broken: tuple[int, ...],
    tolerance: float,
) -> tuple[str, ...]:
    lines = []
    drop = 1 - volumes[1] / volumes[0]
    if drop > tolerance:
        lines.append(f"hypervolume is {drop:.2%} less")
    for goal in goals:
        if f"{goal.metric}_first" in pairs.columns:
            old, new = (
                pairs[f"{goal.metric}_{side}"].to_numpy(float) for side in ("first", "second")
            )
            with np.errstate(divide="ignore", invalid="ignore"):
                change = (new / old - 1) * goal.sign * np.sign(old)
            worst = float(np.nanmax(change)) if len(change) else -math.inf
            if worst > tolerance:
                trial = int(pairs["trial_first"].iloc[int(np.nanargmax(change))])
                lines.append(
                    f"{goal.metric} is up to {worst:.2%} worse for equal parameters (trial {trial})"
                )
    if broken:
        listed = ", ".join(map(str, broken[:8]))
        lines.append(f"{len(broken)} points that were feasible are not: trials {listed}")
    return tuple(lines)
