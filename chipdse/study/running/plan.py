"""What a sweep is about to do, told before it starts: points, disk, time as far as it is known."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from optuna.trial import FrozenTrial

from chipdse.store.care import size_per_result
from chipdse.study.question.space import ENUMERATE_LIMIT, Space
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.running.budget import Budget
from chipdse.study.running.time_left import TimeLeft
from chipdse.study.storage.attributes import PART_POINTS
from chipdse.study.storage.trials import by_evaluation


def points_in(space: Space) -> int:
    """Points the rules leave; for a space too large to list, the combinations."""
    return sum(1 for _ in space.points()) if space.size <= ENUMERATE_LIMIT else space.size


def evaluations_in(sweep: Sweep) -> int:
    """Evaluations after which nothing is left to propose."""
    return points_in(sweep.proposed_space) if sweep.chip is None else sweep.chip.evaluations


def plan_text(
    sweep: Sweep, budget: Budget, trials: Sequence[FrozenTrial], store: Path, workers: int
) -> str:
    """A few lines for people.

    Parameters
    ----------
    trials : the ones that count already
    store : folder of stage results on this machine
    workers : points under way at once
    """
    if sweep.chip is not None:
        return _chip_plan(sweep, budget, trials, store, workers)
    expensive, cheap = sweep.space.part(cheap=False), sweep.space.part(cheap=True)
    bound = "" if sweep.space.size <= ENUMERATE_LIMIT else "up to "
    total_points = points_in(sweep.space)
    points = points_in(expensive)
    text = f"{bound}{_counted(total_points, 'point')}: {points} expensive (simulated, synthesised)"
    if cheap.axes:
        cheap_conditions = tuple(
            condition for condition in cheap.conditions if condition.names <= set(cheap.names)
        )
        cheap_points = points_in(replace(cheap, conditions=cheap_conditions))
        text += f" with up to {_counted(cheap_points, 'cheap one')} each (supply, clock, package)"
        text += ", harvested" if sweep.harvests else ", one at a time"
    rest, progress = _progress(budget, trials, workers)
    lines = [text, progress]
    lines.append(_disk_text(store, min(rest, points)))
    seconds = [s for trial in trials if (s := trial.user_attrs.get("seconds"))]
    past = TimeLeft()
    for duration_s, end_s in zip(seconds, itertools.accumulate(seconds), strict=True):
        past.add(duration_s, end_s, workers=workers, is_stored=False)
    alone_s = past.expected_s(rest, 1)
    if alone_s is not None:
        minutes = alone_s / workers / 60
        lines.append(f"about {minutes:.1f} min at the speed of the evaluations done")
    return "\n".join(lines)


def composed_text(trials: Sequence[FrozenTrial]) -> str:
    """What the evaluations of a chip measured, and what was composed of it, in words."""
    chips = sum(trial.user_attrs.get("cheap_points", 0) for trial in trials)
    points = sum(
        len(numbers)
        for trial in trials
        for numbers in trial.user_attrs.get(PART_POINTS, {}).values()
    )
    return f"{chips} chips, composed of {_counted(points, 'measured part point')}"


def _progress(budget: Budget, trials: Sequence[FrozenTrial], workers: int) -> tuple[int, str]:
    """Evaluations that are left, and the same in words."""
    done = len(by_evaluation(trials))
    rest = max(0, budget.trials - done)
    trials_, workers_ = _counted(budget.trials, "evaluation"), _counted(workers, "worker")
    return rest, f"{trials_}, {done} done, {rest} to go on {workers_}"


def _chip_plan(
    sweep: Sweep, budget: Budget, trials: Sequence[FrozenTrial], store: Path, workers: int
) -> str:
    parts = ", ".join(
        f"{part.name} {points_in(part.hardware)}" for part in sweep.chip_question.parts
    )
    rest, progress = _progress(budget, trials, workers)
    return "\n".join(
        (
            f"up to {sweep.space.size} chips, composed of hardware points of parts (simulated, "
            f"synthesised): {parts}",
            progress,
            _disk_text(store, rest),
        )
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'s' * (count != 1)}"


def _disk_text(store: Path, count: int) -> str:
    size = size_per_result(store, "simulate")
    folder = next((path for path in (store, *store.parents) if path.is_dir()), Path("/"))
    free = f"{shutil.disk_usage(folder).free / 1e9:.3g} GB free"
    if size is None:
        return f"store {store}: size of a point not known yet, {free}"
    return f"store {store}: at most about {size * count / 1e6:.3g} MB more, {free}"
