"""Which conclusions about packages hold when uncertain inputs are drawn: one JSON line.

The 8 x 8 array of `sweeps/mac_array_packages.toml` with the heat sink, every feasible package, the
same draws for all of them. `results` has, for each package of the page's table, the share of draws
in which it is on the front of the study's objectives, and 90 % intervals; `conclusions` the share
of draws in which each conclusion holds; `decisive` what decides.

    python benchmarks/package_ranges.py
"""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

import chipdse
from chipdse.arrays import Floats
from chipdse.store.store import Store, default_store
from chipdse.study.question.goals import Objective
from chipdse.study.question.sweep_file import read_sweep
from chipdse.study.results.ranges import ranges_of

SWEEP = Path(__file__).parents[1] / "sweeps" / "mac_array_packages.toml"
CHOSEN = "state == 'feasible' and rows == 8 and columns == 8 and cooling == 'heatsink_forced_air'"
PACKAGES = {
    "one die": ("monolithic", 1, "ucie_standard"),
    "two dies": ("organic", 2, "ucie_standard"),
    "four dies": ("organic", 4, "ucie_standard"),
    "stack": ("stack_hybrid", 2, "ucie_3d"),
    "interposer": ("silicon_interposer", 2, "ucie_advanced"),
}
SHOWN = ("cost_usd", "embodied_kgco2e", "total_kgco2e", "peak_temperature_c")
BY_CATCH = ("one die", "two dies", "four dies", "interposer")
"""Packages for which both sources of yields and prices have figures."""


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        study = Path(folder) / "study"
        command = [sys.executable, "-m", "chipdse", "sweep", str(SWEEP), "--no-report"]
        command += ["--study", str(study)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        table = chipdse.load_study(study).points()
    store, sweep = Store(root=default_store()), read_sweep(SWEEP)
    ranges = ranges_of(sweep, table, store)
    probability = dict(zip(ranges.trials.tolist(), ranges.probability.tolist(), strict=True))
    # The metrics of the page's table in every draw, as objectives of the points shown there.
    shown = table.query(CHOSEN)
    wanted = tuple(Objective(metric=name, minimize=True) for name in SHOWN)
    asked = dataclasses.replace(sweep, objectives=wanted)
    drawn = ranges_of(asked, shown, store)
    where = {name: _column(shown, drawn.trials.tolist(), *key) for name, key in PACKAGES.items()}
    values = {
        metric: {name: drawn.objectives[:, at, place] for name, at in where.items()}
        for place, metric in enumerate(SHOWN)
    }
    results = [
        {
            "package": name,
            "front_probability": probability[int(drawn.trials[at])],
            "low": {metric: float(drawn.low[metric][at]) for metric in SHOWN},
            "high": {metric: float(drawn.high[metric][at]) for metric in SHOWN},
        }
        for name, at in where.items()
    ]
    printed = {
        "benchmark": "package_ranges",
        "draws": ranges.draws,
        "points": len(ranges.trials),
        "on_front": int(ranges.nominal.sum()),
        "never_off": int((ranges.probability[ranges.nominal] == 1).sum()),
        "alike": len(ranges.alike()),
        "results": results,
        "conclusions": conclusions(values),
        "decisive": {name: dict(shares) for name, shares in ranges.decisive.items()},
    }
    print(json.dumps(printed))


def _column(shown: pd.DataFrame, trials: list[int], *key: Any) -> int:
    """The place among the draws of the point with this arrangement, chiplets and link."""
    names = ["arrangement", "chiplets", "link"]
    (trial,) = shown.set_index(names).sort_index().loc[[key], "trial"]
    return trials.index(int(trial))


def conclusions(values: dict[str, dict[str, Floats]]) -> dict[str, float]:
    """Share of the draws in which each conclusion of the page holds."""
    cost, embodied, total, hottest = (values[name] for name in SHOWN)
    held = {
        "one_die_cheapest": _is_least(cost, "one die", BY_CATCH),
        "four_dies_cheapest": _is_least(cost, "four dies", BY_CATCH),
        "four_dies_least_embodied": _is_least(embodied, "four dies", BY_CATCH),
        "interposer_most_embodied": _is_most(embodied, "interposer", BY_CATCH),
        "stack_least_over_life": _is_least(total, "stack", tuple(PACKAGES)),
        "one_die_less_than_two_over_life": total["one die"] < total["two dies"],
        "two_dies_coolest": _is_least(hottest, "two dies", tuple(PACKAGES)),
        "stack_hottest": _is_most(hottest, "stack", tuple(PACKAGES)),
    }
    return {name: float(np.mean(holds)) for name, holds in held.items()}


def _is_least(values: dict[str, Floats], name: str, among: tuple[str, ...]) -> Any:
    return values[name] <= np.min([values[other] for other in among], axis=0)


def _is_most(values: dict[str, Floats], name: str, among: tuple[str, ...]) -> Any:
    return values[name] >= np.max([values[other] for other in among], axis=0)


if __name__ == "__main__":
    main()
