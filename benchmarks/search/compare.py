"""Samplers on the frozen space: how much of the true front after so many expensive evaluations.

    nice python -m benchmarks.search.compare --seeds 10 --plot docs/concepts/search.svg

Every sampler, with and without harvest, and on a copy whose results are dealt out at random to the
points (no structure is left: nothing can beat chance there). Prints one JSON line. `--runs FILE`
keeps every search, a JSON line each, so that a comparison can be stopped, continued and added to.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import moocore
import numpy as np
import optuna

from benchmarks.search.botorch_scores import qlognehvi
from benchmarks.search.frozen import Frozen, load
from chipdse.paths import cache_folder
from chipdse.study.question.space import Space
from chipdse.study.results.front import hypervolume, is_on_front, knee_of
from chipdse.study.search.lattice import Lattice
from chipdse.study.search.objectives import logarithm
from chipdse.study.search.samplers import make_sampler
from chipdse.study.search.surrogate import SearchHistory
from chipdse.study.storage.attributes import FAILURE, HARVESTED_FROM
from chipdse.study.storage.fast_writes import complete
from chipdse.study.storage.finish import FinishedTrial
from chipdse.study.storage.optuna_private import trial_id_of

BUDGETS = (25, 50, 100)
STEP = 5
"""The curves have a point so often."""
MARGIN = 1.1
"""The reference point, where the true front spans 0 to 1 in every objective."""


class Truth:
    """The true front, in logarithms and scaled to [0, 1], to measure others against."""

    def __init__(self, front: np.ndarray) -> None:
        scaled = logarithm(front)
        self._low, self._high = scaled.min(axis=0), scaled.max(axis=0)
        self._front = self.scaled(front)
        self._full = hypervolume(self._front, np.full(front.shape[1], MARGIN))

    def scaled(self, objectives: np.ndarray) -> np.ndarray:
        """Logarithms; the true front spans 0 to 1."""
        return (logarithm(objectives) - self._low) / (self._high - self._low)

    def hypervolume_frac(self, objectives: np.ndarray) -> float:
        """Part of the true front's hypervolume."""
        if not len(objectives):
            return 0.0
        scaled = self.scaled(objectives)
        return hypervolume(scaled, np.full(scaled.shape[1], MARGIN)) / self._full

    def distance(self, objectives: np.ndarray) -> float:
        """IGD+: mean distance from the true front to what was found; nan if nothing was."""
        if not len(objectives):
            return float("nan")
        return float(moocore.igd_plus(self.scaled(objectives), ref=self._front))


class BoTorch(Lattice):
    """The candidates of `lattice`, scored by BoTorch's qLogNEHVI.

    Of a local front it is shown the point that the proposed trial stores.

    scaled : values as the hypervolume is measured, with its reference point at `MARGIN`
    """

    def __init__(self, space: Space, seed: int, scaled: Callable[[np.ndarray], np.ndarray]) -> None:
        super().__init__(space, seed)
        self._scaled = scaled

    def score(self, places: np.ndarray, history: SearchHistory) -> np.ndarray:
        shown = [front[knee_of(front)] if len(front) else None for front in history.fronts]
        objectives = next(len(point) for point in shown if point is not None)
        values = np.full((len(shown), objectives), np.nan)
        for row, point in enumerate(shown):
            if point is not None:
                values[row] = self._scaled(point)
        reference = np.full(objectives, MARGIN)
        return qlognehvi(
            places, history.places, values, reference, history.violation, history.pending
        )


class Search:
    """One search of the frozen space, by Optuna's ask and tell.

    harvest : whether an evaluation brings a local front, or one point
    deal : which point's results each expensive point shows; each its own where None
    """

    def __init__(
        self, frozen: Frozen, table: Table | None, harvest: bool, deal: np.ndarray | None
    ) -> None:
        self._truth = Truth(frozen.front)
        self._frozen, self._table, self._harvest = frozen, table, harvest
        self._deal = np.arange(len(frozen.points)) if deal is None else deal
        sweep = frozen.sweep
        self._space = sweep.proposed_space if harvest else sweep.space
        self._distributions = sweep.space.distributions()
        directions = ["minimize" if result.minimize else "maximize" for result in sweep.objectives]
        self._signs = np.array([1.0 if result.minimize else -1.0 for result in sweep.objectives])
        self._cheap = sweep.space.part(cheap=True)
        self._expensive = sweep.space.part(cheap=False)
        self.study = optuna.create_study(directions=directions)

    def run(self, sampler: str, seed: int, budget: int) -> tuple[list[np.ndarray], float]:
        """Feasible objectives that each evaluation gave; the sampler's time a proposal [s]."""
        gave, spent = [], 0.0
        for number in range(budget):
            start = time.process_time()
            self.study.sampler = self._sampler(sampler, 1000 * seed + number, budget)
            trial = self.study.ask(self._space.distributions())
            spent += time.process_time() - start
            point = self._space.point(trial.params)
            at = self._frozen.index.get(self._expensive.number_of(point))
            if at is None:
                gave.append(self._fail(trial))
                continue
            give = self._give_front if self._harvest else self._give_point
            gave.append(give(trial, point, int(self._deal[at])))
        return gave, spent / budget

    def _sampler(self, name: str, seed: int, budget: int) -> optuna.samplers.BaseSampler:
        if name == "qlognehvi":
            return BoTorch(self._space, seed, self._truth.scaled)
        return make_sampler(name, self._space, budget, seed)

    def _fail(self, trial: optuna.Trial) -> np.ndarray:
        finish = FinishedTrial(attributes={FAILURE: "its bench found a fault"})
        complete(self.study, trial_id_of(trial), finish, [], self._distributions)
        return np.zeros((0, len(self._signs)))

    def _give_front(self, trial: optuna.Trial, point: dict[str, Any], at: int) -> np.ndarray:
        numbers, objectives = self._frozen.fronts[at]
        if not len(numbers):
            finish = FinishedTrial(
                params=self._cheap.point_at(0),
                values=list(self._signs),
                constraints={"limits": 1.0},
            )
            complete(self.study, trial_id_of(trial), finish, [], self._distributions)
            return objectives
        chosen = knee_of(objectives)
        finishes = []
        for row, (number, values) in enumerate(zip(numbers, objectives, strict=True)):
            own_point = self._cheap.point_at(int(number))
            finishes.append(
                FinishedTrial(
                    params=own_point if row == chosen else {**point, **own_point},
                    values=list(values * self._signs),
                    attributes={} if row == chosen else {HARVESTED_FROM: trial.number},
                    constraints={"limits": -1.0},
                )
            )
        proposed = finishes.pop(chosen)
        complete(self.study, trial_id_of(trial), proposed, finishes, self._distributions)
        return objectives

    def _give_point(self, trial: optuna.Trial, point: dict[str, Any], at: int) -> np.ndarray:
        values, feasible = self._table.look_up(at, self._cheap.number_of(point))
        finish = FinishedTrial(
            values=list(values * self._signs), constraints={"limits": -1.0 if feasible else 1.0}
        )
        complete(self.study, trial_id_of(trial), finish, [], self._distributions)
        return values[None] if feasible else np.zeros((0, len(values)))


class Table:
    """Every point of the frozen space; computed once from its corners, in some minutes."""

    def __init__(self, frozen: Frozen) -> None:
        digest = hashlib.sha256(frozen.file.read_bytes()).hexdigest()
        file = cache_folder() / "benchmarks" / f"search_space_{digest[:16]}.npz"
        size = frozen.sweep.space.part(cheap=True).size
        count = len(frozen.sweep.objectives)
        if not file.is_file():
            objectives = np.full((len(frozen.points), size, count), np.nan, dtype=np.float32)
            feasible = np.zeros((len(frozen.points), size), dtype=bool)
            for at in range(len(frozen.points)):
                all_results = frozen.evaluate(at)
                objectives[at, all_results.numbers] = all_results.objectives
                feasible[at, all_results.numbers] = all_results.violation <= 0
            file.parent.mkdir(parents=True, exist_ok=True)
            np.savez_compressed(file, objectives=objectives, feasible=feasible)
        with np.load(file) as data:
            self._objectives, self._feasible = data["objectives"], data["feasible"]

    def look_up(self, at: int, cheap: int) -> tuple[np.ndarray, bool]:
        """Objectives, all minimised, and whether every limit is met."""
        return self._objectives[at, cheap].astype(np.float64), bool(self._feasible[at, cheap])


def measure(truth: Truth, gave: list[np.ndarray], budgets: tuple[int, ...]) -> dict[str, Any]:
    """Quality after each budget."""
    fronts = []
    for budget in budgets:
        every = np.concatenate(gave[:budget])
        fronts.append(every[is_on_front(every)] if len(every) else every)
    return {
        "hypervolume_frac": [truth.hypervolume_frac(front) for front in fronts],
        "igd_plus": [truth.distance(front) for front in fronts],
    }


def summary(results: list[dict[str, Any]]) -> dict[str, Any]:
    """Median, quartiles and worst over the seeds, after each budget."""
    hv = np.array([result["hypervolume_frac"] for result in results])
    distance = np.array([result["igd_plus"] for result in results])
    return {
        "hypervolume_frac": np.median(hv, axis=0).round(4).tolist(),
        "hypervolume_mean": hv.mean(axis=0).round(4).tolist(),
        "hypervolume_std": hv.std(axis=0, ddof=1).round(4).tolist(),
        "hypervolume_worst": hv.min(axis=0).round(4).tolist(),
        "igd_plus": np.nanmedian(distance, axis=0).round(4).tolist(),
        "suggestion_s": round(float(np.mean([result["suggestion_s"] for result in results])), 4),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--samplers", nargs="+", default=["random", "tpe", "nsga2", "lattice"])
    parser.add_argument("--modes", nargs="+", default=["harvest", "shuffled", "plain"])
    parser.add_argument("--budgets", nargs="+", type=int, default=BUDGETS)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--runs", type=Path)
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    budgets = tuple(given.budgets)
    kept = read_runs(given.runs)
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    frozen = load()
    truth = Truth(frozen.front)
    table = Table(frozen) if "plain" in given.modes else None
    all_results: dict[str, Any] = {
        "budgets": budgets,
        "seeds": given.seeds,
        "points": len(frozen.points),
    }
    curves = {}
    for mode in given.modes:
        for sampler in given.samplers:
            results = []
            for seed in range(given.first_seed, given.first_seed + given.seeds):
                run = kept.get((mode, sampler, seed, budgets))
                if run is None:
                    deal = np.random.default_rng(seed).permutation(len(frozen.points))
                    search = Search(
                        frozen, table, mode != "plain", deal if mode == "shuffled" else None
                    )
                    gave, spent = search.run(sampler, seed, max(budgets))
                    run = {"mode": mode, "sampler": sampler, "seed": seed, "budgets": budgets}
                    run |= measure(truth, gave, budgets) | {"suggestion_s": spent}
                    every = measure(truth, gave, tuple(range(STEP, max(budgets) + 1, STEP)))
                    run["curve"] = every["hypervolume_frac"]
                    keep(run, given.runs)
                results.append(run)
                curves.setdefault((mode, sampler), []).append(run["curve"])
            all_results[f"{mode} {sampler}"] = summary(results)
    print(json.dumps(all_results))
    if given.plot is not None:
        draw(curves, given.plot)


def read_runs(file: Path | None) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Searches kept, by mode, sampler, seed and budgets."""
    lines = file.read_text().splitlines() if file is not None and file.exists() else []
    runs = [json.loads(line) for line in lines]
    return {(r["mode"], r["sampler"], r["seed"], tuple(r["budgets"])): r for r in runs}


def keep(run: dict[str, Any], file: Path | None) -> None:
    """Tell of a search, and keep it."""
    print(json.dumps(run), flush=True, file=sys.stderr)
    if file is not None:
        with file.open("a") as lines:
            lines.write(json.dumps(run) + "\n")


def draw_curves(panel: Any, runs: list[list[float]], label: str, color: str | None = None) -> None:
    """The median of the runs of one search, and their quartiles as a band."""
    at = STEP * np.arange(1, len(runs[0]) + 1)
    low, middle, high = np.quantile(np.array(runs), (0.25, 0.5, 0.75), axis=0)
    (line,) = panel.plot(at, middle, label=label, color=color)
    panel.fill_between(at, low, high, alpha=0.2, color=line.get_color(), linewidth=0)


def label_panel(panel: Any, title: str) -> None:
    """Title, axes and grid of a panel."""
    panel.set_title(title)
    panel.set_xlabel("expensive evaluations")
    panel.set_ylabel("share of the full hypervolume")
    panel.grid(alpha=0.3)


def draw(curves: dict[tuple[str, str], list[list[float]]], file: Path) -> None:
    """Hypervolume over evaluations: medians, and quartiles as bands."""
    import matplotlib.pyplot as plt

    modes = list(dict.fromkeys(mode for mode, _ in curves))
    titles = {"harvest": "with harvest", "plain": "one point per trial", "shuffled": "no structure"}
    figure, panels = plt.subplots(1, len(modes), figsize=(4 * len(modes), 3.4), squeeze=False)
    for panel, mode in zip(panels[0], modes, strict=True):
        for (own_point, sampler), runs in curves.items():
            if own_point == mode:
                draw_curves(panel, runs, sampler)
        label_panel(panel, titles[mode])
    panels[0][0].legend()
    figure.tight_layout()
    figure.savefig(file)


if __name__ == "__main__":
    main()
