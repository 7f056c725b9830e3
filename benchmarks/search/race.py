"""Every search on every judge: shares of the full hypervolume over evaluations, in one file.

    nice python -m benchmarks.search.race --table demo.csv --plot docs/concepts/search_race.svg

Goes on where it was stopped: each search of each seed is kept in `--runs` as soon as it is done.
`--searches ... qlognehvi` needs BoTorch, `gp` needs torch. `benchmarks.search.judges` says what the
judges are. Prints medians and quartiles as one JSON line.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
import optuna

from benchmarks.search.compare import STEP, draw_curves, label_panel
from benchmarks.search.judges import JUDGES, Judge, judge

HERE = Path(__file__).parent
RUNS = HERE.parents[1] / "docs/figures/runs/search_race.json"
USUAL = ("random", "nsga2", "tpe", "lattice")
WORKERS = ("lattice_2_workers", "lattice_8_workers", "lattice_32_workers")
"""Only on judges that are tables."""
SEARCHES = (*USUAL, "gp", "qlognehvi", *WORKERS)
PACKAGES = ("numpy", "scipy", "scikit-learn", "optuna", "torch", "botorch")
AT = (25, 50, 100)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--judges", nargs="+", choices=JUDGES, default=list(JUDGES))
    parser.add_argument("--searches", nargs="+", choices=SEARCHES, default=USUAL)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--budget", type=int, default=100)
    parser.add_argument("--table", type=Path, help="BOOM-Explorer's dataset/demo.csv")
    parser.add_argument("--runs", type=Path, default=RUNS)
    parser.add_argument("--plot", type=Path)
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    for seed in range(given.seeds):
        for name in given.judges:
            for search in given.searches:
                kept = runs_of(given.runs)
                if any(_is(run, name, search, seed, given.budget) for run in kept):
                    continue
                run = race(judge(name, given.table), search, seed, given.budget)
                keep({"judge": name, "search": search, "seed": seed} | run, given.runs)
    runs = runs_of(given.runs)
    print(json.dumps(summary(runs)))
    if given.plot is not None:
        draw(runs, given.plot)


def race(judge: Judge, search: str, seed: int, budget: int) -> dict[str, Any]:
    """One search: its curve, a share for each `STEP` evaluations, and its time per proposal."""
    gave, spent = judge.run(search, seed, budget)
    curve = []
    for count in range(STEP, budget + 1, STEP):
        results = np.concatenate(gave[:count])
        curve.append(round(judge.share(results), 4) if len(results) else 0.0)
    return {"curve": curve, "suggestion_s": round(spent, 4), "versions": versions(search)}


def versions(search: str) -> dict[str, str]:
    """Of the packages that a search uses."""
    results = {}
    for package in PACKAGES:
        if package in ("torch", "botorch") and search not in ("gp", "qlognehvi"):
            continue
        with contextlib.suppress(PackageNotFoundError):
            results[package] = version(package)
    return results


def runs_of(file: Path) -> list[dict[str, Any]]:
    """Searches kept in a file."""
    return list(json.loads(file.read_text())["runs"]) if file.is_file() else []


def _is(run: dict[str, Any], judge: str, search: str, seed: int, budget: int) -> bool:
    done = len(run["curve"]) * STEP >= budget
    return done and (run["judge"], run["search"], run["seed"]) == (judge, search, seed)


def keep(run: dict[str, Any], file: Path) -> None:
    """Adds a search, in place of a shorter one; a reader never sees half a file."""
    key = ("judge", "search", "seed")
    others = [other for other in runs_of(file) if any(other[name] != run[name] for name in key)]
    lines = ",\n".join(
        json.dumps(other)
        for other in sorted(
            [*others, run], key=lambda other: tuple(str(other[name]) for name in key)
        )
    )
    beside = file.with_suffix(f".{os.getpid()}.part")
    beside.write_text('{"runs": [\n' + lines + "\n]}\n")
    beside.replace(file)


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Quartiles over the seeds after each budget of `AT`, by judge and search."""
    results: dict[str, Any] = {}
    for name, search in sorted({(run["judge"], run["search"]) for run in runs}):
        own_runs = [run for run in runs if (run["judge"], run["search"]) == (name, search)]
        row: dict[str, Any] = {"seeds": len(own_runs)}
        for count in AT:
            values = [run["curve"][count // STEP - 1] for run in own_runs if _reaches(run, count)]
            if values:
                row[str(count)] = np.quantile(values, (0.25, 0.5, 0.75)).round(4).tolist()
        row["suggestion_s"] = round(float(np.mean([run["suggestion_s"] for run in own_runs])), 4)
        results[f"{name} {search}"] = row
    return results


def _reaches(run: dict[str, Any], count: int) -> bool:
    return len(run["curve"]) * STEP >= count


def draw(runs: list[dict[str, Any]], file: Path) -> None:
    """Shares over evaluations: a panel per judge, medians, and quartiles as bands."""
    import matplotlib.pyplot as plt

    names = [name for name in JUDGES if any(run["judge"] == name for run in runs)]
    rows = -(-len(names) // 4)
    figure, panels = plt.subplots(rows, 4, figsize=(14, 3.3 * rows), squeeze=False)
    for panel in panels.ravel()[len(names) :]:
        panel.set_visible(False)
    for panel, name in zip(panels.ravel(), names, strict=False):
        for number, search in enumerate(SEARCHES[: -len(WORKERS)]):
            own_runs = [r["curve"] for r in runs if (r["judge"], r["search"]) == (name, search)]
            if not own_runs:
                continue
            draw_curves(
                panel,
                [curve[: min(map(len, own_runs))] for curve in own_runs],
                search,
                f"C{number}",
            )
        label_panel(panel, name)
    panels[0][0].legend()
    figure.tight_layout()
    figure.savefig(file)


if __name__ == "__main__":
    main()
