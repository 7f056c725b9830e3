"""Chips composed of parts that were measured: every combination with a new part point, as arrays.

An evaluation measures one hardware point of each part at all its operating points. What is known of
the other parts is taken from the study: counts, memories and packages, and the known points of all
parts, are combined here, and the best chips among the new ones enter the study.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial

from chipdse.arrays import Int64s
from chipdse.study.harvest.cheap import CheapPoints
from chipdse.study.harvest.composed import Known, composed_chips
from chipdse.study.harvest.harvest import attributes_of, constraints_of, values_of
from chipdse.study.question.chip import ChipQuestion
from chipdse.study.question.space import Point
from chipdse.study.question.sweep_file import Sweep
from chipdse.study.results.front import knee_of
from chipdse.study.storage.attributes import FAILURE, HARVESTED_FROM, ORIGIN, PART_POINTS, PROPOSED
from chipdse.study.storage.finish import FinishedTrial

COMPOSE_LIMIT = 50_000
"""If an evaluation gives more new combinations, this number of them is drawn."""


def known_points(chip: ChipQuestion, trials: Iterable[FrozenTrial]) -> Known:
    """What trials measured of the parts."""
    known: Known = {part.name: {} for part in chip.parts}
    for trial in trials:
        for name, points in trial.user_attrs.get(PART_POINTS, {}).items():
            known[name] |= {int(number): metrics for number, metrics in points.items()}
    return known


def composed_finishes(
    sweep: Sweep,
    expensive: Point,
    measured: Mapping[str, list[dict[str, float]]],
    known: Known,
    number: int,
) -> tuple[FinishedTrial, list[FinishedTrial]]:
    """The result of the proposing trial, and the trials composed with it.

    The proposing trial gets the knee of the chips of its own hardware points. The others are the
    best of all chips that became possible by its new part points.

    Parameters
    ----------
    expensive : hardware parameters of all parts
    measured : their metrics
    known : what the study knew before
    number : of the trial that proposed them
    """
    chip = sweep.chip_question
    numbers = chip.part_numbers(expensive)
    new = {
        name: {numbers[name]: points}
        for name, points in measured.items()
        if numbers[name] not in known[name]
    }
    everything = {name: known[name] | new.get(name, {}) for name in known}
    chosen, sampled = _new_numbers(sweep, everything, numbers, new)
    attributes: dict[str, Any] = {
        ORIGIN: PROPOSED,
        PART_POINTS: new,
        "cheap_points": len(chosen),
        "cheap_points_sampled": sampled,
    }
    points = composed_chips(sweep, everything, chosen)
    cheap = sweep.space.part(cheap=True)
    proposed_hardware = chip.joint_number([*numbers.values()])
    is_proposed = np.asarray(chosen // cheap.size == proposed_hardware)
    runs = np.isfinite(points.objectives).all(axis=1)
    if not runs.any():
        return _failed(chip, attributes), []
    best = points.take(np.flatnonzero(runs)).local_front()
    if not (is_proposed & runs).any():
        return _failed(chip, attributes), _harvested(sweep, best, number, None)
    front = points.take(np.flatnonzero(is_proposed & runs)).local_front()
    row = knee_of(front.objectives)
    knee_number = int(front.numbers[row])
    proposed = FinishedTrial(
        params=cheap.point_at(knee_number % cheap.size),
        values=values_of(sweep, front, row),
        attributes={**attributes_of(front, row), **attributes},
        constraints=constraints_of(front, row),
    )
    return proposed, _harvested(sweep, best, number, knee_number)


def _failed(chip: ChipQuestion, attributes: Mapping[str, Any]) -> FinishedTrial:
    """A proposing trial whose part points make no chip that runs."""
    reason = f"InfeasibleError: {_why_nothing_runs(chip)}"
    return FinishedTrial(attributes={**attributes, FAILURE: reason})


def _harvested(
    sweep: Sweep, best: CheapPoints, number: int, knee_number: int | None
) -> list[FinishedTrial]:
    """The best of the new chips as trials, without the chip that the proposing trial has.

    Parameters
    ----------
    number : of the proposing trial
    knee_number : of the chip that it has; None if it failed
    """
    return [
        FinishedTrial(
            params=sweep.space.point_at(int(chip_number)),
            values=values_of(sweep, best, row),
            attributes={**attributes_of(best, row), HARVESTED_FROM: number},
            constraints=constraints_of(best, row),
        )
        for row, chip_number in enumerate(best.numbers)
        if int(chip_number) != knee_number
    ]


def _why_nothing_runs(chip: ChipQuestion) -> str:
    network = chip.application.network
    if network is None:
        return "no chip of these part points has finite objectives"
    return (
        f"network {network.name!r} fits on no chip of these part points: some layer needs a larger "
        "buffer or a smaller array; 'chipdse map' names the layer"
    )


def _new_numbers(
    sweep: Sweep, everything: Known, numbers: Mapping[str, int], new: Known
) -> tuple[Int64s, bool]:
    """Numbers of the chips that are new, within the rules, and whether they are a sample.

    Chips of the trial's own hardware points are among them.
    """
    chip, cheap = sweep.chip_question, sweep.space.part(cheap=True)
    old = {
        name: sorted(set(points) - set(new.get(name, {}))) for name, points in everything.items()
    }
    fresh = {name: sorted(new.get(name, {})) for name in everything}
    names = list(everything)
    joints = [np.array([chip.joint_number([numbers[name] for name in names])])]
    for first, name in enumerate(names):  # the first part whose point is new is this one
        lists = [
            *(old[other] for other in names[:first]),
            fresh[name],
            *(sorted(everything[other]) for other in names[first + 1 :]),
        ]
        grid = np.meshgrid(*(np.array(items, np.int64) for items in lists), indexing="ij")
        joints.append(np.ravel(chip.joint_number(grid)))
    joint = np.unique(np.concatenate(joints))
    total = len(joint) * cheap.size
    random = np.random.default_rng(sweep.seed)
    cheap_numbers = (
        np.arange(cheap.size) if cheap.size <= COMPOSE_LIMIT else _drawn(random, cheap.size)
    )
    chosen = joints[0] * cheap.size + cheap_numbers
    sampled = total > COMPOSE_LIMIT
    drawn = _drawn(random, total) if sampled else np.arange(total)
    others = joint[drawn // cheap.size] * cheap.size + drawn % cheap.size
    return sweep.space.allowed_among(np.union1d(chosen, others)), sampled


def _drawn(random: np.random.Generator, size: int) -> Int64s:
    return np.asarray(np.unique(random.integers(0, size, COMPOSE_LIMIT)))
