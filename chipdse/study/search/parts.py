"""What may be proposed of a chip: a new hardware point of one part, beside known ones of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import optuna
from optuna.trial import FrozenTrial, TrialState

from chipdse.arrays import Int64s
from chipdse.sorting import among
from chipdse.study.question.chip import ChipQuestion
from chipdse.study.question.space import Space
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.storage.attributes import FAILED_PART, PART_POINTS
from chipdse.study.storage.counted import is_harvested, is_interrupted

CANDIDATES = 20_000
"""Of more candidates for a new point of a part, so many are drawn."""


@dataclass(frozen=True, kw_only=True)
class OpenSpace(Space):
    """A space of which only some points may be proposed now.

    numbers : of these points
    """

    numbers: tuple[int, ...]

    @property
    def every(self) -> Int64s:
        """Numbers of the points that may be proposed."""
        return np.array(self.numbers, dtype=np.int64)

    def allowed(self, point: object) -> bool:
        """Whether a point may be proposed."""
        return self.number_of(point) in set(self.numbers)  # type: ignore[arg-type]


def open_space(sweep: Sweep, study: optuna.Study) -> Space:
    """The points that a sampler may propose now.

    Of a block: the sweep's. Of a chip: points with a new hardware point of one part and known ones
    of all others; where nothing is known of a part, any of its points.
    """
    chip, space = sweep.chip, sweep.proposed_space
    if chip is None:
        return space
    trials = study.get_trials(deepcopy=False)
    known, tried = _known_and_tried(sweep, chip, trials)
    every = [_every(part.hardware) for part in chip.parts]
    new = [points[~among(points, sorted(done))] for points, done in zip(every, tried, strict=True)]
    base = [
        np.array(sorted(numbers), np.int64) if numbers else fresh
        for numbers, fresh in zip(known, new, strict=True)
    ]
    random = np.random.default_rng(sweep.seed + len(trials))
    joints = [np.zeros(0, np.int64)]
    for at in range(len(chip.parts)):
        lists = [new[at] if other == at else base[other] for other in range(len(chip.parts))]
        joints.append(_product(chip, lists, random))
    numbers = space.allowed_among(np.unique(np.concatenate(joints)))
    return OpenSpace(axes=space.axes, conditions=space.conditions, numbers=tuple(map(int, numbers)))


def _known_and_tried(
    sweep: Sweep, chip: ChipQuestion, trials: Sequence[FrozenTrial]
) -> tuple[list[set[int]], list[set[int]]]:
    """For each part, hardware points measured or under way, and these with those that failed."""
    names = [part.name for part in chip.parts]
    known: dict[str, set[int]] = {name: set() for name in names}
    tried: dict[str, set[int]] = {name: set() for name in names}
    expensive = set(sweep.proposed_space.names)
    for trial in trials:
        if is_harvested(trial) or is_interrupted(trial) or not expensive <= set(trial.params):
            continue
        numbers = chip.part_numbers(sweep.proposed_space.point(trial.params))
        failed = trial.user_attrs.get(FAILED_PART)
        for name in names:
            if trial.state == TrialState.RUNNING or PART_POINTS in trial.user_attrs:
                known[name].add(numbers[name])
                tried[name].add(numbers[name])
            elif failed in (None, name):
                tried[name].add(numbers[name])
    return [known[name] for name in names], [tried[name] for name in names]


def _every(space: Space) -> Int64s:
    return np.arange(space.size) if space.every is None else space.every


def _product(chip: ChipQuestion, lists: Sequence[Int64s], random: np.random.Generator) -> Int64s:
    """Joint numbers of every combination of the parts' points, or a sample of them."""
    sizes = [len(points) for points in lists]
    total = int(np.prod([float(size) for size in sizes]))
    if total == 0:
        return np.zeros(0, np.int64)
    drawn = np.arange(total) if total <= CANDIDATES else random.integers(0, total, CANDIDATES)
    places = np.unravel_index(drawn, sizes)
    return np.asarray(
        chip.joint_number([points[at] for points, at in zip(lists, places, strict=True)])
    )
