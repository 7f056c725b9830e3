"""Importance of each parameter for each objective, by PED-ANOVA.

S. Watanabe, A. Bansal, F. Hutter: PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in
Arbitrary Subspaces, IJCAI 2023. Definitions and constants are those of Optuna's evaluator, whose
package loads scikit-learn for evaluators that are not used here: half of the processor time of a
small sweep. The tests compare the two.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from optuna.distributions import CategoricalDistribution, json_to_distribution

from chipdse.arrays import Bools, Floats, Int64s
from chipdse.study.storage.table_reads import StoredTrial, counted_trials
from chipdse.study.storage.trials import finished

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial

    from chipdse.study.storage.folder import StudyFolder

    Evaluated = StoredTrial | FrozenTrial

GOOD_SHARE = 0.1
"""The share of points that count as good (gamma' of the paper)."""
GRID = 50
"""Largest number of steps of a numerical parameter."""
SMALLEST_DENSITY = 1e-12
"""Added to every density, so that their ratio exists."""
SMALLEST_SIGMA = 0.5 / 1.64
"""Smallest bandwidth [grid steps]: 90 % of a kernel lies in its own step."""

_erf = np.frompyfunc(math.erf, 1, 1)


def importance(folder: StudyFolder) -> dict[str, dict[str, float]]:
    """How much each parameter decides of each objective, over the evaluated points.

    An objective that is the same everywhere and parameters with one value have no entry.
    """
    trials = [trial for trial in _trials(folder) if trial.state.name == "COMPLETE"]
    importances = {}
    for index, objective in enumerate(folder.sweep.objectives):
        values = [objective.sign * float(trial.values[index]) for trial in trials]
        if len(set(values)) > 1:
            shares = shares_of_parameters(trials, values)
            if shares:
                importances[objective.metric] = shares
    return importances


def _trials(folder: StudyFolder) -> Sequence[Evaluated]:
    """The trials of a study that count, read without Optuna from the study's own file."""
    if folder.database is not None:
        read = counted_trials(folder.database, folder.name, has_metrics=lambda trial: False)
        if read is not None:
            return read[0]
    return finished(folder.study)


def shares_of_parameters(trials: Sequence[Evaluated], values: Sequence[float]) -> dict[str, float]:
    """The share of each parameter that has more than one value, largest first.

    Parameters
    ----------
    trials : evaluated points
    values : what to explain, for each trial; small is good

    Returns
    -------
    shares that add up to 1; empty where no parameter varies
    """
    names = list(trials[0].params) if trials else []
    varied = [
        name
        for name in names
        if len(seen := {trial.params.get(name) for trial in trials}) > 1 and None not in seen
    ]
    finite = np.isfinite(np.asarray(values))
    kept = [trial for trial, keep in zip(trials, finite, strict=True) if keep]
    if not varied or len(kept) < 2:
        return {}
    losses = np.asarray(values)[finite]
    limit = np.quantile(losses, GOOD_SHARE, method="inverted_cdf")
    good = losses <= limit
    divergences = {name: _divergence(name, kept, good) for name in varied}
    total = sum(divergences.values())
    ordered = sorted(divergences, key=lambda name: divergences[name], reverse=True)
    return {name: divergences[name] / total if total else 1 / len(varied) for name in ordered}


def _divergence(name: str, trials: Sequence[Evaluated], good: Bools) -> float:
    """How far a parameter's values of good points differ from those of all points.

    Points of a study that was extended may have other ranges of values: each range counts by its
    shares of all points and of the good ones.
    """
    by_range: dict[BaseDistribution | str, list[int]] = defaultdict(list)
    for number, trial in enumerate(trials):
        by_range[trial.distributions[name]].append(number)
    total = 0.0
    for allowed, numbers in by_range.items():
        values = json_to_distribution(allowed) if isinstance(allowed, str) else allowed
        members = good[numbers]
        if len(numbers) < 2 or values.single() or not members.any():
            continue
        steps, count = _steps([trials[number].params[name] for number in numbers], values)
        ordered = not isinstance(values, CategoricalDistribution)
        everywhere = _density(np.bincount(steps, minlength=count), ordered)
        among_good = _density(np.bincount(steps[members], minlength=count), ordered)
        pearson = float(everywhere @ (among_good / everywhere - 1) ** 2)
        total += (members.sum() / good.sum()) ** 2 / (len(numbers) / len(trials)) * pearson
    return float(total)


def _steps(values: Sequence[Any], allowed: Any) -> tuple[Int64s, int]:
    """The step of each value on the grid of its parameter, and the number of steps."""
    if isinstance(allowed, CategoricalDistribution):
        return (
            np.array([int(allowed.to_internal_repr(value)) for value in values]),
            len(allowed.choices),
        )
    low, high, count = float(allowed.low), float(allowed.high), GRID
    numbers = np.asarray(values, float)
    if allowed.log:
        if type(allowed.low) is int:
            count = min(math.ceil(np.log(high - low + 1) / np.log(2)) + 1, GRID)
        low, high, numbers = math.log(low), math.log(high), np.log(numbers)
    elif allowed.step is not None:
        count = min(round((high - low) / allowed.step) + 1, GRID)
    steps = np.ceil((numbers - low) / ((high - low) / (count - 1)) - 0.5).astype(np.int64)
    return np.clip(steps, 0, count - 1), count


def _density(counts: Int64s, ordered: bool) -> Floats:
    """Parzen estimate of the probability of each step, from the numbers of points there.

    counts : points, (steps,)
    ordered : numbers, whose kernels are normal; without it choices, which have no neighbours
    """
    seen = np.flatnonzero(counts)
    weights = np.append(counts[seen], 1.0) / (counts.sum() + 1.0)  # the last kernel is the prior
    kernels = _normal_kernels(counts, seen) if ordered else _choice_kernels(len(counts), seen)
    return np.asarray(weights @ kernels + SMALLEST_DENSITY, float)


def _choice_kernels(count: int, seen: Int64s) -> Floats:
    """Probabilities of every choice, by kernel: (seen + 1, count)."""
    kernels = np.full((len(seen) + 1, count), 1 / (len(seen) + 1))
    kernels[np.arange(len(seen)), seen] += 1
    return np.asarray(kernels / kernels.sum(axis=1, keepdims=True), float)


def _normal_kernels(counts: Int64s, seen: Int64s) -> Floats:
    """Probabilities of every step, by kernel: (seen + 1, steps).

    The bandwidth is Scott's rule with the smaller of standard and interquartile deviation.
    """
    weights = counts[seen]
    points, below = int(weights.sum()), np.cumsum(weights)
    mean = seen @ weights / points
    deviation = math.sqrt((seen - mean) ** 2 @ weights / max(1, points - 1))
    first = int(np.searchsorted(below, points // 4, side="left"))
    third = int(np.searchsorted(below, points * 3 // 4, side="right"))
    quartiles = seen[min(len(seen) - 1, third)] - seen[first]
    sigma = 1.059 * min(quartiles / 1.34, deviation) * points**-0.2
    centres = np.append(seen, (len(counts) - 1) / 2)
    sigmas = np.append(np.full(len(seen), max(sigma, SMALLEST_SIGMA)), float(len(counts)))
    edges = np.arange(len(counts) + 1) - 0.5
    scaled = (edges - centres[:, None]) / (sigmas[:, None] * math.sqrt(2))
    cumulative = 0.5 * (1 + _erf(scaled).astype(float))
    mass = np.diff(cumulative, axis=1)
    return np.asarray(mass / (cumulative[:, -1:] - cumulative[:, :1]), float)
